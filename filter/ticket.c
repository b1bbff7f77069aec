/* SPDX-License-Identifier: Apache-2.0 */
/* ticket - CUPS filter stillprint-ticket: application/vnd.cups-pdf in, ticket, framed document and trailer out.
 *
 * filter(7) is the contract. Pages are logged by the backend, once the job is stored: here a job that is handed over
 * again would count twice. Signals keep their default: a filter that is told to end leaves a stream without a trailer,
 * which is no job, and its temp file has no name. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/say.h"
#include "core/stream.h"
#include "core/ticket.h"
#include "defaults.h"
#include "late.h"
#include "parse/inspect.h"
#include "parse/parse.h"

enum {
	CHUNK = STREAM_CHUNK,
	EDGE = 1024
}; /* readers of PDF look for both ends within 1024 octets */

/* A file without a name in TMPDIR, which cupsd sets. */
static int open_temp(void)
{
	const char *dir = getenv("TMPDIR");
	char name[4096];
	int fd;

	if (!dir || *dir != '/')
		dir = "/tmp";
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	if (snprintf(name, sizeof(name), "%s/stillprint-XXXXXX", dir) >= (int)sizeof(name))
		return -ENAMETOOLONG;
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(name);
	return fd;
}

static int write_all(int fd, const char *octets, size_t count)
{
	while (count) {
		ssize_t n = write(fd, octets, count);

		if (n < 0)
			return -errno;
		octets += n;
		count -= (size_t)n;
	}
	return 0;
}

struct document {
	int fd; /* a file that can be read twice: the one named in argv, or a copy of standard input */
	bool hashed; /* @sha256 is known */
	uint8_t sha256[STREAM_SHA256_OCTETS];
};

/* Standard input into @d, with its digest, as both cost nothing while the filter before us is at work. */
static int copy_input(struct document *d)
{
	crypto_hash_sha256_state digest;
	char buf[CHUNK];

	if (sodium_init() < 0)
		return -EIO;
	crypto_hash_sha256_init(&digest);
	for (;;) {
		ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));
		int rc = n < 0 ? -errno : write_all(d->fd, buf, (size_t)n);

		if (rc)
			return rc;
		if (n == 0)
			break;
		crypto_hash_sha256_update(&digest, (const unsigned char *)buf, (size_t)n);
	}
	crypto_hash_sha256_final(&digest, d->sha256);
	d->hashed = true;
	return 0;
}

static int open_document(const char *path, struct document *d)
{
	d->fd = path ? open(path, O_RDONLY | O_CLOEXEC) : open_temp();
	if (d->fd < 0)
		return path ? -errno : d->fd;
	return path ? 0 : copy_input(d);
}

/* NULL if it can be a whole PDF, else what is wrong with it. A cut one would print as less than the user sent. */
static const char *find_fault(int fd)
{
	char buf[EDGE];
	struct stat st;
	off_t tail;
	ssize_t n;

	if (fstat(fd, &st))
		return "cannot be read";
	if (!st.st_size)
		return "is empty";
	n = pread(fd, buf, sizeof(buf), 0);
	if (n < 0 || !memmem(buf, (size_t)n, "%PDF-", 5))
		return "is no PDF";
	tail = st.st_size > EDGE ? st.st_size - EDGE : 0;
	n = pread(fd, buf, sizeof(buf), tail);
	if (n < 0 || !memmem(buf, (size_t)n, "%%EOF", 5))
		return "is cut short: its end is missing";
	return NULL;
}

/* In hundredths of a millimetre, as IPP has it. */
static int32_t from_points(double pt)
{
	return pt > 0 && pt < 100000 ? (int32_t)(pt * 2540 / 72 + 0.5) : 0;
}

static void add_size(struct ticket_pages *out, int32_t x, int32_t y)
{
	int32_t i = 0;

	while (i < out->size_count && (out->size[i].x != x || out->size[i].y != y))
		i++;
	if (i == TICKET_SIZE_MAX)
		return;
	if (i == out->size_count)
		out->size[out->size_count++] = (struct ticket_size){x, y, 0};
	out->size[i].pages++;
}

static const char *why_unknown(const struct parse_result *r)
{
	if (r->flags & PARSE_F_PASSWORD)
		return "it needs a password";
	if (r->flags & PARSE_F_DIED)
		return "reading it came to no end";
	return r->flags & PARSE_F_LIMIT ? "it passes a limit" : "it is not understood";
}

/* What the document costs. Never a reason not to print: what is not known says so. @run: NULL if nobody reads it. */
static void look_at_pages(struct parse_run *run, struct ticket_pages *out)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	int rc = run ? parse_next(run, &r) : -ECHILD;

	*out = (struct ticket_pages){.pages = -1};
	if (rc || r->count < 0) {
		say("DEBUG", "The number of pages is unknown: %s.",
			rc ? strerror(-rc) : why_unknown(r));
		return;
	}
	out->pages = r->count;
	for (int32_t i = 0; i < r->count; i++) {
		const struct parse_page *p = &r->pages[i];

		add_size(out, from_points(p->width_pt), from_points(p->height_pt));
		out->color_pages += p->colour == PARSE_COLOUR_COLOUR;
		out->gray_pages += p->colour == PARSE_COLOUR_GRAY;
	}
}

static int make_ticket(char **argv, const struct ticket_pages *pages, void **out, size_t *octets)
{
	cups_option_t *options = NULL, *defaults = NULL;
	int option_count = cupsParseOptions(argv[5], 0, &options);
	int default_count = defaults_read(getenv("PPD"), &defaults);
	ipp_t *ticket = NULL;
	int rc = ticket_from_options(
		option_count, options, default_count, defaults, atoi(argv[4]), &ticket);

	cupsFreeOptions(option_count, options);
	cupsFreeOptions(default_count, defaults);
	if (!rc)
		rc = ticket_add_document(ticket, "application/pdf", pages);
	if (!rc)
		rc = ticket_encode(ticket, out, octets);
	ippDelete(ticket);
	return rc;
}

static int send_stream(const struct document *d, const void *ticket, size_t ticket_octets)
{
	AUTO(stream_writer_freep) struct stream_writer *w = NULL;
	char buf[CHUNK];
	off_t at = 0;
	int rc = stream_writer_new(STDOUT_FILENO, ticket, ticket_octets, &w);

	if (!rc && d->hashed)
		stream_writer_know(w, d->sha256);
	while (!rc) {
		ssize_t n = pread(d->fd, buf, sizeof(buf), at);

		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		rc = stream_writer_append(w, buf, (size_t)n);
		at += n;
	}
	return rc ? rc : stream_writer_finish(w);
}

static bool load_libraries(void)
{
	const char *fault = late_load();

	if (fault)
		say("ERROR", "A library cannot be used: %s.", fault);
	return !fault;
}

/* The child that reads the document is forked before the libraries are there, unless they came while we waited. */
static int make_stream(const struct document *d, char **argv)
{
	AUTO(parse_endp) struct parse_run *run = NULL;
	AUTO(auto_free) void *ticket = NULL;
	struct ticket_pages pages;
	size_t ticket_octets = 0;
	int rc;

	parse_begin(&d->fd, 1, NULL, &run);
	if (!load_libraries())
		return -ELIBACC;
	look_at_pages(run, &pages);
	rc = make_ticket(argv, &pages, &ticket, &ticket_octets);
	return rc ? rc : send_stream(d, ticket, ticket_octets);
}

static bool take_document(char **argv, const char *path)
{
	struct document d = {.fd = -1};
	AUTO(auto_close) int fd = -1;
	const char *fault;
	int rc;

	if (!path && !load_libraries()) /* the filter before us is still at work */
		return false;
	rc = open_document(path, &d);
	fd = d.fd;
	if (rc) {
		say("ERROR", "The document cannot be taken: %s.", strerror(-rc));
		return false;
	}
	fault = find_fault(fd);
	if (fault) {
		say("ERROR", "The document %s.", fault);
		return false;
	}
	rc = make_stream(&d, argv);
	if (rc) {
		say("ERROR", "The document cannot be handed on: %s.", strerror(-rc));
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("stillprint-ticket " STILLPRINT_VERSION);
		return EXIT_SUCCESS;
	}
	if (argc >= 2 && !strcmp(argv[1], "--inspect"))
		return inspect_main(argc, argv);
	if (argc != 6 && argc != 7) {
		say("ERROR", "Usage: stillprint-ticket job-id user title copies options [file]");
		return EXIT_FAILURE;
	}
	signal(SIGPIPE, SIG_IGN); /* the backend's end is an error to tell, not a death */
	return take_document(argv, argc == 7 ? argv[6] : NULL) ? EXIT_SUCCESS : EXIT_FAILURE;
}
