/* SPDX-License-Identifier: Apache-2.0 */
/* test-client-printer - client and target against a real ippeveprinter, plain and over TLS. */
#include <sys/stat.h>

#include "core/wire.h"
#include "eve.h"
#include "ipp/client.h"
#include "ipp/target.h"
#include "tap.h"

static struct eve eve;
static char secure_uri[64];
static sd_event *loop;
static struct client *client;

/* What came of the last call; the answer is kept. */
static struct {
	int done;
	struct client_reply reply;
	ipp_t *ipp;
} got;

static void on_done(void *arg, const struct client_reply *reply)
{
	void *octets;
	size_t count;

	(void)arg;
	got.done++;
	got.reply = *reply;
	ippDelete(got.ipp);
	got.ipp = NULL;
	if (reply->ipp && !wire_encode(reply->ipp, &octets, &count)) {
		wire_decode(octets, count, &got.ipp);
		free(octets);
	}
	got.reply.ipp = got.ipp;
	if (reply->fault)
		printf("# fault %s: %s\n", client_fault_name(reply->fault), reply->detail);
}

static bool ask(const struct client_request *r)
{
	int64_t until = eve_ms() + 20000;

	got.done = 0;
	memset(&got.reply, 0, sizeof(got.reply));
	if (client_send(client, r, on_done, NULL, NULL))
		return false;
	while (!got.done && eve_ms() < until)
		sd_event_run(loop, 100000);
	return got.done == 1 && got.reply.fault == CLIENT_OK;
}

static bool ask_printer(const char *uri)
{
	AUTO(wire_deletep)
	ipp_t *request = target_request(IPP_OP_GET_PRINTER_ATTRIBUTES, uri, "anna");
	const struct client_request r = {.uri = uri, .ipp = request};

	ippAddStrings(request, IPP_TAG_OPERATION, IPP_TAG_KEYWORD, "requested-attributes",
		target_attribute_count, NULL, target_attributes);
	return ask(&r);
}

static int32_t create_job(const char *uri, ipp_t *ticket)
{
	AUTO(wire_deletep) ipp_t *request = target_request(IPP_OP_CREATE_JOB, uri, "anna");
	const struct client_request r = {.uri = uri, .ipp = request};
	char dropped[256];
	ipp_attribute_t *id;

	ippAddString(request, IPP_TAG_OPERATION, IPP_TAG_NAME, "job-name", NULL, "a job");
	if (ticket)
		target_add_job_attributes(request, ticket, got.ipp, dropped, sizeof(dropped));
	if (!ask(&r) || got.reply.status > IPP_STATUS_OK_CONFLICTING)
		return 0;
	id = ippFindAttribute(got.ipp, "job-id", IPP_TAG_INTEGER);
	return id ? ippGetInteger(id, 0) : 0;
}

struct document {
	size_t left;
};

static ssize_t read_document(void *arg, void *buf, size_t size)
{
	struct document *d = arg;

	if (size > d->left)
		size = d->left;
	memset(buf, 'x', size);
	d->left -= size;
	return (ssize_t)size;
}

static bool send_document(const char *uri, int32_t job, const char *pin, size_t octets)
{
	AUTO(wire_deletep)
	ipp_t *request = target_job_request(IPP_OP_SEND_DOCUMENT, uri, job, "anna");
	struct document d = {octets};
	const struct client_request r = {
		.uri = uri, .ipp = request, .pin = pin, .body = read_document, .body_arg = &d};

	ippAddString(request, IPP_TAG_OPERATION, IPP_TAG_MIMETYPE, "document-format", NULL,
		"application/pdf");
	ippAddBoolean(request, IPP_TAG_OPERATION, "last-document", 1);
	return ask(&r) && d.left == 0;
}

static bool job_operation(ipp_op_t op, const char *uri, int32_t job)
{
	AUTO(wire_deletep) ipp_t *request = target_job_request(op, uri, job, "anna");
	const struct client_request r = {.uri = uri, .ipp = request};

	if (op == IPP_OP_GET_JOB_ATTRIBUTES)
		ippAddStrings(request, IPP_TAG_OPERATION, IPP_TAG_KEYWORD, "requested-attributes",
			target_job_requested_count, NULL, target_job_requested);
	return ask(&r) && got.reply.status <= IPP_STATUS_OK_CONFLICTING;
}

static struct target_job job_ends(const char *uri, int32_t job)
{
	struct target_job state = {0};
	int64_t until = eve_ms() + 10000;

	while (eve_ms() < until && job_operation(IPP_OP_GET_JOB_ATTRIBUTES, uri, job)) {
		target_read_job(got.ipp, &state);
		if (state.state >= 7)
			break;
		poll(NULL, 0, 20);
	}
	return state;
}

static void printer_tells_what_it_is(void)
{
	struct target_info info;

	CHECK(ask_printer(eve.uri));
	CHECK(target_classify(&got.reply) == TARGET_OK);
	CHECK(!got.reply.encrypted && !got.reply.pin[0]);
	CHECK(got.reply.connect_ms >= 0);
	target_read(got.ipp, &info);
	CHECK(info.pdf && info.accepting && info.create_job);
	CHECK(info.state == 3);
	CHECK(!info.stillprint && !info.is_server && !info.holds);
	CHECK(!strncmp(info.uuid, "urn:uuid:", 9));
	CHECK(info.name[0] && info.make_model[0]);
}

static void job_is_created_sent_and_printed(void)
{
	struct target_job job;
	int32_t id;

	CHECK(ask_printer(eve.uri));
	id = create_job(eve.uri, NULL);
	CHECK(id > 0);
	CHECK(!got.reply.body_begun);
	CHECK(send_document(eve.uri, id, NULL, 300000));
	CHECK(got.reply.status == IPP_STATUS_OK);
	CHECK(got.reply.body_begun);
	job = job_ends(eve.uri, id);
	CHECK(job.state == 9);
	CHECK(!strcmp(job.name, "a job"));
}

static void job_is_canceled(void)
{
	int32_t id = create_job(eve.uri, NULL);

	CHECK(id > 0);
	CHECK(job_operation(IPP_OP_CANCEL_JOB, eve.uri, id));
	CHECK(job_ends(eve.uri, id).state == 7);
	CHECK(!job_operation(IPP_OP_GET_JOB_ATTRIBUTES, eve.uri, 99999));
	CHECK(got.reply.fault == CLIENT_OK && got.reply.status == IPP_STATUS_ERROR_NOT_FOUND);
}

/* Whether the printer's own record of its last job has this line. */
static bool ticket_has(const char *line)
{
	char path[96], have[512];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/ticket", eve.folder);
	f = fopen(path, "re");
	while (f && !found && fgets(have, sizeof(have), f)) {
		have[strcspn(have, "\n")] = '\0';
		found = !strcmp(have, line);
	}
	if (f)
		fclose(f);
	if (!found)
		printf("# not in the ticket: %s\n", line);
	return found;
}

static ipp_t *ticket_for_a3(void)
{
	static const char *const margins[] = {"media-bottom-margin", "media-left-margin",
		"media-right-margin", "media-top-margin"};
	ipp_t *ticket = ippNew(), *col = ippNew(), *size = ippNew();

	ippAddInteger(ticket, IPP_TAG_JOB, IPP_TAG_INTEGER, "copies", 2);
	ippAddString(ticket, IPP_TAG_JOB, IPP_TAG_KEYWORD, "sides", NULL, "two-sided-long-edge");
	ippAddInteger(size, IPP_TAG_ZERO, IPP_TAG_INTEGER, "x-dimension", 29700);
	ippAddInteger(size, IPP_TAG_ZERO, IPP_TAG_INTEGER, "y-dimension", 42000);
	ippAddCollection(col, IPP_TAG_ZERO, "media-size", size);
	for (size_t i = 0; i < 4; i++)
		ippAddInteger(col, IPP_TAG_ZERO, IPP_TAG_INTEGER, margins[i], 423);
	ippAddString(col, IPP_TAG_ZERO, IPP_TAG_KEYWORD, "media-source", NULL, "tray-2");
	ippAddCollection(ticket, IPP_TAG_JOB, "media-col", col);
	ippAddString(ticket, IPP_TAG_JOB, IPP_TAG_KEYWORD, "print-color-mode", NULL, "monochrome");
	ippAddInteger(ticket, IPP_TAG_JOB, IPP_TAG_ENUM, "print-quality", 5);
	ippAddInteger(ticket, IPP_TAG_JOB, IPP_TAG_ENUM, "finishings", 20);
	ippAddString(ticket, IPP_TAG_JOB, IPP_TAG_KEYWORD, "output-bin", NULL, "face-up");
	ippAddRange(ticket, IPP_TAG_JOB, "page-ranges", 1, 2);
	ippDelete(size);
	ippDelete(col);
	return ticket;
}

/* The lines are those of a stock everywhere queue (CUPS 2.4.2) for -n 2 -o sides=two-sided-long-edge -o media=A3
 * -o InputSlot=Tray2 -o print-color-mode=monochrome -o print-quality=5 -o finishings=20 -o output-bin=face-up. */
static void printer_records_what_a_stock_queue_would_ask(void)
{
	AUTO(wire_deletep) ipp_t *ticket = ticket_for_a3();
	int32_t id;

	CHECK(ask_printer(eve.uri));
	id = create_job(eve.uri, ticket);
	CHECK(id > 0 && got.reply.status == IPP_STATUS_OK);
	CHECK(send_document(eve.uri, id, NULL, 3000));
	CHECK(job_ends(eve.uri, id).state == 9);
	CHECK(ticket_has("IPP_COPIES=2"));
	CHECK(ticket_has("IPP_MULTIPLE_DOCUMENT_HANDLING=separate-documents-collated-copies"));
	CHECK(ticket_has("IPP_SIDES=two-sided-long-edge"));
	CHECK(ticket_has(
		"IPP_MEDIA_COL={media-size={x-dimension=29700 y-dimension=42000} media-bottom-margin=423 "
		"media-left-margin=423 media-right-margin=423 media-source=tray-2 media-top-margin=423}"));
	CHECK(ticket_has("IPP_PRINT_COLOR_MODE=monochrome"));
	CHECK(ticket_has("IPP_PRINT_QUALITY=high"));
	CHECK(ticket_has("IPP_FINISHINGS=staple-top-left"));
	CHECK(ticket_has("IPP_OUTPUT_BIN=face-up"));
	CHECK(!ticket_has("IPP_PAGE_RANGES=1-2"));
}

static void printer_is_pinned_at_first_use(void)
{
	char pin[64];
	int32_t id;

	CHECK(ask_printer(secure_uri));
	CHECK(got.reply.encrypted);
	CHECK(!strncmp(got.reply.pin, "sha256//", 8) && strlen(got.reply.pin) == 52);
	snprintf(pin, sizeof(pin), "%s", got.reply.pin);
	id = create_job(secure_uri, NULL);
	CHECK(id > 0);
	CHECK(send_document(secure_uri, id, pin, 300000));
	CHECK(!strcmp(got.reply.pin, pin));
	CHECK(job_ends(secure_uri, id).state == 9);
	pin[10] = pin[10] == 'A' ? 'B' : 'A';
	CHECK(!send_document(secure_uri, id, pin, 300000));
	CHECK(got.reply.fault == CLIENT_PIN && !got.reply.body_begun);
	CHECK(target_classify(&got.reply) == TARGET_CERTIFICATE);
}

int main(void)
{
	bool up = eve_start(&eve, "tests/tools/mfp.conf");

	snprintf(secure_uri, sizeof(secure_uri), "ipps://localhost:%d/ipp/print", eve.port);
	if (!up || sd_event_new(&loop) < 0 || client_new(loop, &client)) {
		printf("Bail out! no ippeveprinter\n");
		eve_stop(&eve);
		return 1;
	}
	RUN(printer_tells_what_it_is);
	RUN(job_is_created_sent_and_printed);
	RUN(job_is_canceled);
	RUN(printer_records_what_a_stock_queue_would_ask);
	RUN(printer_is_pinned_at_first_use);
	client_free(client);
	sd_event_unref(loop);
	ippDelete(got.ipp);
	eve_stop(&eve);
	return tap_done();
}
