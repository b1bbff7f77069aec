/* SPDX-License-Identifier: Apache-2.0 */
/* stillprint - CUPS backend: takes a job from cupsd, seals it into the spool, and is done. Where the job goes from
 * there is the daemon's business. backend(7) is the contract; only 0, 5 and 6 are ever returned, since the other codes
 * stop the queue, hold the job for ever or restart it without a pause. */
#include <cups/backend.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/paths.h"
#include "core/incoming.h"
#include "core/policy.h"
#include "core/say.h"
#include "core/stream.h"
#include "core/ticket.h"
#include "core/vendor.h"
#include "origin.h"

#define FULL VENDOR "spool-full"
#define MISSING VENDOR "spool-missing"

static volatile sig_atomic_t canceled;
static int null_fd = -1;

/* Standard input becomes empty, so that a read about to begin ends as surely as one under way (EINTR). */
static void on_term(int signal_number)
{
	int saved = errno;

	(void)signal_number;
	canceled = 1;
	if (null_fd >= 0)
		dup2(null_fd, STDIN_FILENO);
	errno = saved;
}

/* A daemon that hangs up or a file size limit must not kill us: cupsd would call the job completed. */
static void install_signals(void)
{
	struct sigaction term = {.sa_handler = on_term}, ignore = {.sa_handler = SIG_IGN};

	null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigaction(SIGTERM, &term, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);
}

static void show_waiting(enum incoming_wait reason)
{
	switch (reason) {
	case INCOMING_GOES_ON:
		say("STATE", "-" FULL "," MISSING);
		break;
	case INCOMING_FULL:
		say("STATE", "+" FULL);
		say("INFO", "The disk of the print spool is full; the job waits for room.");
		break;
	case INCOMING_MISSING:
		say("STATE", "+" MISSING);
		say("INFO", "Stillprint's spool is not ready; the job waits for stillprintd.");
		break;
	}
}

static const struct incoming_caller caller = {&canceled, show_waiting};

enum result { STORED, CANCELED, REFUSED, RETRY };

static int backend_exit(enum result result)
{
	switch (result) {
	case STORED:
	case CANCELED:
		return CUPS_BACKEND_OK;
	case REFUSED:
		return CUPS_BACKEND_CANCEL;
	case RETRY:
		break;
	}
	return CUPS_BACKEND_RETRY;
}

static enum result explain_incoming(int rc)
{
	if (rc == INCOMING_E_CANCELED || canceled)
		return CANCELED;
	if (rc == INCOMING_E_LATE)
		say("ERROR", "Not stored: the spool could not take the job for too long.");
	else
		say("ERROR", "Not stored: %s.", strerror(-rc));
	return RETRY;
}

static enum result explain_stream(int rc)
{
	if (canceled)
		return CANCELED;
	switch (rc) {
	case STREAM_E_CUT:
		say("ERROR", "Not stored: the document ended before its end; its filter stopped.");
		break;
	case STREAM_E_VERSION:
		say("ERROR", "Not stored: filter and backend are of different versions.");
		break;
	case STREAM_E_DAMAGED:
		say("ERROR", "Not stored: the document changed on its way from the filter.");
		break;
	default:
		say("ERROR", "Not stored: reading failed: %s.", strerror(rc < 0 ? -rc : EIO));
	}
	return RETRY;
}

/* pdftopdf leaves page_log to us, since it is not the last filter. Only what is stored counts, so that a job that
 * comes again after a failure counts once; one line adds what a line for each page would. */
static void log_pages(const struct ticket_summary *job)
{
	int64_t impressions = (int64_t)job->pages * job->copies;

	if (impressions > 0 && impressions <= INT32_MAX)
		say("PAGE", "1 %d", (int)impressions);
}

static enum result store_stream(const struct envelope *e)
{
	AUTO(stream_reader_freep) struct stream_reader *reader = NULL;
	AUTO(incoming_freep) struct incoming *in = NULL;
	const void *ticket, *octets = NULL;
	size_t ticket_octets = 0, got = 0;
	struct ticket_summary summary;
	ipp_t *asked = NULL;
	int rc = stream_reader_new(STDIN_FILENO, &reader);

	if (rc)
		return explain_stream(rc);
	ticket = stream_reader_get_ticket(reader, &ticket_octets);
	rc = ticket_decode(ticket, ticket_octets, &asked);
	if (rc)
		return explain_stream(rc < 0 ? rc : STREAM_E_DAMAGED);
	ticket_summarise(asked, &summary);
	ippDelete(asked);
	rc = incoming_begin(&caller, e, ticket, ticket_octets, &in);
	if (rc)
		return explain_incoming(rc);
	incoming_spare_digest(in); /* the reader proves it */
	for (;;) {
		rc = stream_reader_read(reader, &octets, &got);
		if (rc)
			return explain_stream(rc);
		if (!got)
			break;
		rc = incoming_append(in, octets, got);
		if (rc)
			return explain_incoming(rc);
	}
	rc = incoming_commit(in, e, stream_reader_get_sha256(reader));
	if (rc)
		return explain_incoming(rc);
	log_pages(&summary);
	return STORED;
}

/* A file as the client sent it: no ticket, no trailer; its end is the file's end. */
static enum result store_raw(const struct envelope *e, int fd)
{
	AUTO(incoming_freep) struct incoming *in = NULL;
	char buf[STREAM_CHUNK];
	int rc = incoming_begin(&caller, e, NULL, 0, &in);

	while (!rc) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (canceled)
			return CANCELED;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return explain_stream(-errno);
		if (n == 0)
			break;
		rc = incoming_append(in, buf, (size_t)n);
	}
	if (!rc)
		rc = incoming_commit(in, e, NULL);
	return rc ? explain_incoming(rc) : STORED;
}

static bool is_type(const char *variable, const char *type)
{
	const char *value = getenv(variable);

	return value && !strcasecmp(value, type);
}

static enum result take_job(int argc, char **argv)
{
	/* A ticket is believed only from our filter, and that is what cupsd says, not what the octets look like. A client
	 * may claim our type for its own file; cupsd then says so in CONTENT_TYPE. */
	bool claimed = is_type("CONTENT_TYPE", VENDOR_JOB_TYPE);
	bool raw = argc == 7 || claimed || !is_type("FINAL_CONTENT_TYPE", VENDOR_JOB_TYPE);
	AUTO(auto_close) int fd = -1;
	struct policy policy;
	struct envelope e;

	if (origin_read(argv, raw, &e)) {
		say("ERROR", "Not stored: cupsd did not say whose job this is.");
		return REFUSED;
	}
	if (!raw)
		return store_stream(&e);
	policy_read(paths_spool(), e.queue, &policy);
	if (!policy.accept_raw || claimed) {
		say("ERROR", "Refused: this queue takes no raw files.");
		return REFUSED;
	}
	if (argc == 6)
		return store_raw(&e, STDIN_FILENO);
	fd = open(argv[6], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return explain_stream(-errno);
	return store_raw(&e, fd);
}

int main(int argc, char **argv)
{
	enum result result;

	if (argc == 1) { /* discovery: backend(7); cupsd's "add a printer" waits for this */
		puts("network " VENDOR_SCHEME " \"Unknown\" \"Stillprint\"");
		return CUPS_BACKEND_OK;
	}
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("stillprint backend " STILLPRINT_VERSION);
		return CUPS_BACKEND_OK;
	}
	if (argc != 6 && argc != 7) {
		say("ERROR", "Usage: stillprint job-id user title copies options [file]");
		return backend_exit(REFUSED);
	}
	install_signals();
	result = take_job(argc, argv);
	show_waiting(
		INCOMING_GOES_ON); /* also what an earlier process, killed meanwhile, left raised */
	if (result == STORED)
		say("INFO", "Stored; \"stillprint jobs\" shows where it goes.");
	return backend_exit(result);
}
