/* SPDX-License-Identifier: Apache-2.0 */
/* deliver - takes one job to one target, journal first.
 *
 *   prepare    the document's key from the store, the sealed file opened, its ticket read
 *   ask        the target's attributes: it is there, may be used, and what it can do
 *   CREATING   committed, then Create-Job                 (an empty job prints nothing: free to go elsewhere)
 *   CREATED    its job-id committed                        (still free)
 *   SENDING    committed, then Send-Document               (from here only the device's word or the user decides)
 *   SENT       the target has acknowledged the whole document; follow.c waits for its final state
 * Never Print-Job: it has no id until the whole document is there (ARCHITECTURE decision 13). */
#include "engine-private.h"

#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mono.h"
#include "base/text.h"
#include "core/ticket.h"
#include "core/wire.h"
#include "document.h"
#include "must.h"

enum {
	TARGET_CONNECT_MS = 3000,
	TARGET_TOTAL_MS = 5000,
	CREATE_TOTAL_MS = 15000,
	SEND_STALL_MS = 60000,
	EXPECT_LEAST_MS = 20,
	CREATED_LIFE_MS = 30000 /* a printer gives an empty job up after a minute or so */
};

struct delivery {
	struct job *job;
	struct engine *engine;
	enum store_target_kind kind;
	struct upstream *upstream; /* for TARGET_UPSTREAM */
	char uri[CONFIG_URI_MAX];
	struct document_opening *opening;
	struct document *document;
	bool body_whole; /* every octet of the document was handed over */
	bool awaits_claim; /* everything is made ready while the server is asked whether the release still stands */
	bool ready; /* @create is */
	bool asking;
	struct probe *probe;
	struct client_call *call;
	ipp_t *create; /* the Create-Job to be sent */
	int64_t create_sent_ms, created_ms;
	struct store_attempt attempt;
	char dropped[512];
	/* why it failed, until the journal has it */
	enum target_health health;
	enum job_reason reason;
	char why[512];
};

static void lane_release(struct delivery *d)
{
	struct printer *p = printer_of(d->engine, d->uri);

	if (p->lane == d->job)
		p->lane = NULL;
}

static void delivery_free(struct delivery *d)
{
	if (d->asking)
		upstream_forget(d->upstream, d);
	probe_cancel(d->probe);
	if (d->call)
		client_cancel(d->call);
	lane_release(d);
	if (d->job->delivery == d)
		d->job->delivery = NULL;
	ippDelete(d->create);
	document_cancel(d->opening);
	document_free(d->document);
	free(d);
}

void deliver_stop(struct job *j)
{
	if (j->delivery)
		delivery_free(j->delivery);
}

/* ---- failing before the first octet ---- */

static void report_failed(struct delivery *d)
{
	struct job *j = d->job;
	enum store_target_kind kind = d->kind;
	enum target_health health = d->health;
	enum job_reason reason = d->reason;
	char uri[CONFIG_URI_MAX], why[512];

	snprintf(uri, sizeof(uri), "%s", d->uri);
	snprintf(why, sizeof(why), "%s", d->why);
	delivery_free(d);
	plan_delivery_failed(j, uri, kind, health, reason, why);
}

static int work_attempt_end(struct store *s, struct store_job *row, enum job_state from,
	struct store_attempt *a, struct store_ledger_row *ledger)
{
	(void)ledger;
	return store_attempt_end(s, row, from, a);
}

static void failed_committed(struct job *j, int rc)
{
	if (rc || !j->delivery)
		return;
	if (j->attempt.cancel_wanted)
		sweep_orphan(j->engine, &j->attempt, j->row.owner);
	report_failed(j->delivery);
}

/* Nothing left this machine: close the attempt, if one was begun, and tell the plan. @empty_there: an empty job may
 * stand at the target and block it: have it canceled. */
static void fail_leaving(struct delivery *d, enum target_health health, enum job_reason reason,
	const char *why, bool empty_there)
{
	struct job *j = d->job;
	struct store_job row = j->row;
	struct store_attempt a = j->attempt;

	d->health = health;
	d->reason = reason;
	snprintf(d->why, sizeof(d->why), "%s", why ? why : "");
	if (j->row.state != JOB_CREATING && j->row.state != JOB_CREATED &&
		j->row.state != JOB_SENDING) {
		report_failed(d);
		return;
	}
	row.state = JOB_PENDING;
	row.reason = JOB_R_STORED;
	row.reason_arg[0] = '\0';
	a.outcome = OUTCOME_NOTHING;
	a.ended_s = mono_utc_s();
	a.cancel_wanted = empty_there;
	job_journal(j, work_attempt_end, &row, &a, NULL, failed_committed);
}

static void fail(
	struct delivery *d, enum target_health health, enum job_reason reason, const char *why)
{
	fail_leaving(d, health, reason, why, d->job->row.state != JOB_CREATING);
}

static enum job_reason reason_of(const struct client_reply *reply, enum target_health health)
{
	if (reply->fault == CLIENT_OK && reply->status == IPP_STATUS_ERROR_BUSY)
		return JOB_R_BUSY;
	if (health == TARGET_AUTH)
		return JOB_R_AUTHENTICATION;
	if (health == TARGET_CERTIFICATE)
		return JOB_R_CERTIFICATE;
	return health == TARGET_OK || health == TARGET_REFUSING ? JOB_R_REFUSED : JOB_R_NONE;
}

/* The user canceled while nothing had left yet. Return: true if the delivery is over. */
static bool canceled_meanwhile(struct delivery *d)
{
	struct job *j = d->job;

	if (!j->cancel_wanted)
		return false;
	delivery_free(d);
	job_end(j, JOB_CANCELED, JOB_R_CANCELED_BY_USER, j->canceled_by, CERTAINTY_USER);
	return true;
}

/* ---- Send-Document ---- */

static ssize_t body_read(void *arg, void *buf, size_t size)
{
	struct delivery *d = arg;
	size_t got = 0;
	int rc = seal_reader_read(document_reader(d->document), buf, size, &got);

	if (rc)
		return rc < 0 ? rc : -EBADMSG;
	if (!got)
		d->body_whole = true;
	return (ssize_t)got;
}

static int work_sent(struct store *s, struct store_job *row, enum job_state from,
	struct store_attempt *a, struct store_ledger_row *ledger)
{
	int rc = store_job_move(s, row, from);

	(void)ledger;
	return rc ? rc : store_attempt_update(s, a);
}

/* A private queue keeps nothing of what was handed over. */
static int work_sent_private(struct store *s, struct store_job *row, enum job_state from,
	struct store_attempt *a, struct store_ledger_row *ledger)
{
	int rc = work_sent(s, row, from, a, ledger);

	return rc ? rc : store_job_drop_key(s, row->id);
}

static void erase_private(struct job *j, int rc)
{
	const struct config_queue *q = job_queue(j);
	char file[sizeof(j->row.file)];

	if (rc || !q || !q->private || !j->row.file[0])
		return;
	snprintf(file, sizeof(file), "%s", j->row.file);
	j->row.file[0] = '\0';
	spool_unlink(j->engine, file, j->row.file_octets);
}

static void sent_committed(struct job *j, int rc)
{
	/* Journaled or not, the target has it. */
	fault_point("sent");
	if (j->delivery)
		delivery_free(j->delivery);
	erase_private(j, rc);
	follow_start(j, true, true);
	plan_delivery_done(j);
}

static void send_answered(void *arg, const struct client_reply *reply)
{
	struct delivery *d = arg;
	struct job *j = d->job;
	struct engine *e = j->engine;
	/* An answer before the end of the document acknowledges no document. */
	bool good = reply->fault == CLIENT_OK && reply->status <= IPP_STATUS_OK_EVENTS_COMPLETE &&
		    d->body_whole;
	const struct config_queue *q = job_queue(j);
	char label[200];

	d->call = NULL;
	log_event(LOG_LVL_INFO,
		"job=%d event=send-document fault=%s status=0x%04x begun=%d whole=%d detail=%s",
		j->row.id, client_fault_name(reply->fault), (unsigned)reply->status,
		reply->body_begun, d->body_whole, log_quote(reply->detail));
	fault_point("send-answered");
	printer_label(e, d->uri, label, sizeof(label));
	if (good) {
		struct store_job row = j->row;
		struct store_attempt a = j->attempt;

		a.sent_s = mono_utc_s();
		row.state = JOB_SENT;
		row.reason = JOB_R_ACCEPTED;
		snprintf(row.reason_arg, sizeof(row.reason_arg), "%s", label);
		job_journal(j, q && q->private ? work_sent_private : work_sent, &row, &a, NULL,
			sent_committed);
		return;
	}
	if (!reply->body_begun) {
		fail(d, target_classify(reply), reason_of(reply, target_classify(reply)),
			reply->fault == CLIENT_OK ? ippErrorString(reply->status) : reply->detail);
		return;
	}
	/* Octets have left: from now on only the device's word counts. What was given to the network, all of it, may still
	 * have been lost on the way: only an answer shows that the target had it whole. */
	bool handed = d->body_whole;

	delivery_free(d);
	follow_start(j, handed && reply->fault == CLIENT_OK, handed);
	plan_delivery_done(j);
}

static void send_document(struct job *j, int rc)
{
	struct delivery *d = j->delivery;
	struct client_request r = {0};
	char uri[CONFIG_URI_MAX];
	int sent;

	if (rc || !d)
		return;
	fault_point("sending");
	printer_address(j->engine, d->uri, &r, uri, sizeof(uri));
	r.connect_ms = TARGET_CONNECT_MS;
	r.stall_ms = SEND_STALL_MS;
	/* Whoever answers the head of a request does so in the time that all of Create-Job took it, connection included. */
	r.expect_ms = (int32_t)(d->created_ms - d->create_sent_ms) + EXPECT_LEAST_MS;
	r.ipp = must(
		target_job_request(IPP_OP_SEND_DOCUMENT, uri, j->attempt.remote_id, j->row.owner));
	ippAddString(
		r.ipp, IPP_TAG_OPERATION, IPP_TAG_MIMETYPE, "document-format", NULL, j->row.format);
	ippAddBoolean(r.ipp, IPP_TAG_OPERATION, "last-document", 1);
	r.body = body_read;
	r.body_arg = d;
	sent = client_send(j->engine->client, &r, send_answered, d, &d->call);
	ippDelete(r.ipp);
	if (sent)
		fail(d, TARGET_UNREACHABLE, JOB_R_NONE, strerror(-sent));
}

static void created_committed(struct job *j, int rc)
{
	struct delivery *d = j->delivery;
	const struct config_queue *queue = job_queue(j);
	char label[200];

	if (rc || !d)
		return;
	fault_point("created");
	if (canceled_meanwhile(d))
		return;
	if (mono_ms() - d->created_ms > CREATED_LIFE_MS) { /* the store had no room for so long */
		fail(d, TARGET_OK, JOB_R_BUSY, "the job there is too old");
		return;
	}
	if (d->kind ==
		TARGET_FALLBACK) /* before the act: no document is diverted without this line */
		audit(j->engine, j, "diverted", j->attempt.decided_by, queue ? queue->upstream : "",
			d->uri, j->attempt.encrypted);
	printer_label(j->engine, d->uri, label, sizeof(label));
	job_move(j, JOB_SENDING, JOB_R_DELIVERING, label, send_document);
}

/* ---- Create-Job ---- */

static int work_created(struct store *s, struct store_job *row, enum job_state from,
	struct store_attempt *a, struct store_ledger_row *ledger)
{
	(void)from;
	(void)ledger;
	return store_attempt_created(s, row, a);
}

static void create_refused(struct delivery *d, const struct client_reply *reply)
{
	enum target_health health = target_classify(reply);
	enum job_reason reason = reason_of(reply, health);

	if (reason ==
		JOB_R_REFUSED) /* A definite no: quota, policy, attributes. Never a reason to go elsewhere. */
		health = TARGET_REFUSING;
	/* Without an answer it may have been created; with one it was not. */
	fail_leaving(d, health, reason,
		reply->fault == CLIENT_OK ? ippErrorString(reply->status) : reply->detail,
		reply->fault != CLIENT_OK && reply->fault != CLIENT_REFUSED &&
			reply->fault != CLIENT_NO_ROUTE);
}

static void create_answered(void *arg, const struct client_reply *reply)
{
	struct delivery *d = arg;
	struct job *j = d->job;
	struct store_job row = j->row;
	struct store_attempt a = j->attempt;
	ipp_attribute_t *id, *uuid;

	d->call = NULL;
	fault_point("create-answered");
	log_event(LOG_LVL_INFO, "job=%d event=create-job fault=%s status=0x%04x detail=%s",
		j->row.id, client_fault_name(reply->fault), (unsigned)reply->status,
		log_quote(reply->detail));
	id = reply->fault == CLIENT_OK ? ippFindAttribute(reply->ipp, "job-id", IPP_TAG_INTEGER)
				       : NULL;
	if (reply->fault != CLIENT_OK || reply->status > IPP_STATUS_OK_EVENTS_COMPLETE) {
		create_refused(d, reply);
		return;
	}
	if (!id || ippGetInteger(id, 0) <= 0) {
		fail_leaving(d, TARGET_DEGRADED, JOB_R_NONE,
			"it took the job and gave it no number", true);
		return;
	}
	d->created_ms = mono_ms();
	a.remote_id = ippGetInteger(id, 0);
	uuid = ippFindAttribute(reply->ipp, "job-uuid", IPP_TAG_URI);
	if (uuid)
		snprintf(a.remote_uuid, sizeof(a.remote_uuid), "%s", ippGetString(uuid, 0, NULL));
	row.state = JOB_CREATED;
	job_journal(j, work_created, &row, &a, NULL, created_committed);
}

static int work_begin(struct store *s, struct store_job *row, enum job_state from,
	struct store_attempt *a, struct store_ledger_row *ledger)
{
	(void)from;
	(void)ledger;
	return store_attempt_begin(s, row, a);
}

static void begun(struct job *j, int rc)
{
	struct delivery *d = j->delivery;
	struct client_request r = {0};
	char uri[CONFIG_URI_MAX];
	int sent;

	if (!d)
		return;
	if (rc) {
		delivery_free(d);
		return;
	}
	fault_point("creating");
	if (canceled_meanwhile(d))
		return;
	printer_address(j->engine, d->uri, &r, uri, sizeof(uri));
	r.connect_ms = TARGET_CONNECT_MS;
	r.total_ms = CREATE_TOTAL_MS;
	r.ipp = d->create;
	d->create_sent_ms = mono_ms();
	sent = client_send(j->engine->client, &r, create_answered, d, &d->call);
	if (sent)
		fail(d, TARGET_UNREACHABLE, JOB_R_NONE, strerror(-sent));
}

void job_name_of(
	const struct engine *e, const struct store_job *row, int32_t number, char *out, size_t size)
{
	char suffix[32] = "", title[256];

	/* "urn:uuid:" and eight digits: enough to know our own job again at a printer that tells no job-uuid. */
	if (e->config->job_name_suffix) {
		if (number > 1)
			snprintf(suffix, sizeof(suffix), " [#%.8s-%d]", row->document_uuid + 9,
				number);
		else
			snprintf(suffix, sizeof(suffix), " [#%.8s]", row->document_uuid + 9);
	}
	text_display(title, sizeof(title) - sizeof(suffix), row->title);
	snprintf(out, size, "%s%s", title, suffix);
}

static ipp_t *create_request(struct delivery *d, ipp_t *printer)
{
	struct job *j = d->job;
	struct client_request where = {0};
	char uri[CONFIG_URI_MAX];
	const void *octets;
	size_t count;
	ipp_t *ticket = NULL, *r;

	printer_address(d->engine, d->uri, &where, uri, sizeof(uri));
	r = must(target_request(IPP_OP_CREATE_JOB, uri, j->row.owner));
	ippAddString(r, IPP_TAG_OPERATION, IPP_TAG_NAME, "job-name", NULL, d->attempt.remote_name);
	ippAddBoolean(r, IPP_TAG_OPERATION, "ipp-attribute-fidelity", 0);
	octets = seal_reader_get_ticket(document_reader(d->document), &count);
	if (count && !wire_decode(octets, count, &ticket) && d->kind == TARGET_RELEASED &&
		ticket_change(ticket, j->row.server.changes))
		must(NULL);
	if (ticket && printer)
		target_add_job_attributes(r, ticket, printer, d->dropped, sizeof(d->dropped));
	ippDelete(ticket);
	return r;
}

static void journal_begin(struct delivery *d)
{
	struct job *j = d->job;
	struct store_job row = j->row;
	char label[200];

	snprintf(d->attempt.decided_by, sizeof(d->attempt.decided_by), "%s",
		j->decided_by[0] ? j->decided_by : "policy");
	d->attempt.begun_s = mono_utc_s();
	snprintf(row.dropped, sizeof(row.dropped), "%s", d->dropped);
	row.reason = JOB_R_DELIVERING;
	printer_label(d->engine, d->uri, label, sizeof(label));
	snprintf(row.reason_arg, sizeof(row.reason_arg), "%s", label);
	job_journal(j, work_begin, &row, &d->attempt, NULL, begun);
}

void deliver_go(struct job *j)
{
	if (!j->delivery || !j->delivery->awaits_claim)
		return;
	j->delivery->awaits_claim = false;
	if (j->delivery->ready)
		journal_begin(j->delivery);
}

/* The target is there and may be used: journal, then Create-Job. */
static void begin(struct delivery *d, const struct target_info *info, ipp_t *printer)
{
	struct job *j = d->job;
	struct store_attempt *a = &d->attempt;

	a->job_id = j->row.id;
	a->kind = d->kind;
	snprintf(a->uri, sizeof(a->uri), "%s", d->uri);
	a->is_server = info->is_server;
	a->encrypted = !strncmp(d->uri, "ipps:", 5) || !strncmp(d->uri, "cups:", 5);
	a->up_time_s = info->up_time_s;
	a->outcome = OUTCOME_OPEN;
	a->impressions = a->sheets = -1;
	job_name_of(d->engine, &j->row, j->row.attempt + 1, a->remote_name, sizeof(a->remote_name));
	d->create = create_request(d, printer);
	d->ready = true;
	if (!d->awaits_claim)
		journal_begin(d);
}

static void target_known(struct delivery *d, enum target_health health,
	const struct target_info *info, ipp_t *answer)
{
	enum job_reason reason;
	const char *objection;

	if (!d->awaits_claim && canceled_meanwhile(d))
		return;
	objection = target_objection(d->engine, d->uri, health, info, d->job->row.format,
		d->kind == TARGET_FALLBACK, &reason);
	if (objection && d->awaits_claim)
		delivery_free(d); /* found out again when the claim stands, and then told */
	else if (objection)
		fail(d, health == TARGET_OK ? TARGET_REFUSING : health, reason, objection);
	else
		begin(d, info, answer);
}

static void probed(void *arg, enum target_health health, const struct target_info *info,
	ipp_t *answer, const struct client_reply *reply)
{
	struct delivery *d = arg;

	(void)reply;
	d->probe = NULL;
	target_known(d, health, info, answer);
}

static void upstream_told(
	void *arg, enum target_health health, const struct target_info *info, ipp_t *answer)
{
	struct delivery *d = arg;

	d->asking = false;
	target_known(d, health, info, answer);
}

static void ask(struct delivery *d)
{
	if (d->kind == TARGET_UPSTREAM) {
		d->asking = true;
		upstream_ask(d->upstream, upstream_told, d);
		return;
	}
	d->probe = probe_start(d->engine, d->uri, TARGET_CONNECT_MS, TARGET_TOTAL_MS, probed, d);
	if (!d->probe)
		fail(d, TARGET_UNREACHABLE, JOB_R_REFUSED, "its address cannot be used");
}

/* ---- prepare ---- */

static void document_opened(void *arg, int rc, struct document *doc)
{
	struct delivery *d = arg;
	struct job *j = d->job;

	d->opening = NULL;
	d->document = doc;
	if (rc && d->awaits_claim) {
		delivery_free(d);
		return;
	}
	if (!d->awaits_claim && canceled_meanwhile(d))
		return;
	if (rc < 0 && rc != -ENOENT) { /* a passing fault: disk, memory */
		fail(d, TARGET_OK, JOB_R_BUSY, "the spool cannot be read");
		return;
	}
	if (rc) {
		log_event(LOG_LVL_ERROR, "job=%d event=document-damaged error=%d", j->row.id, rc);
		delivery_free(d);
		job_end(j, JOB_ABORTED, JOB_R_DAMAGED, NULL, CERTAINTY_UNKNOWN);
		return;
	}
	ask(d);
}

void deliver_prepare(struct job *j, const char *uri)
{
	deliver_start(j, uri, TARGET_RELEASED, NULL);
	j->delivery->awaits_claim = true;
}

void deliver_start(struct job *j, const char *uri, enum store_target_kind kind, struct upstream *u)
{
	struct delivery *d = must(calloc(1, sizeof(*d)));

	d->job = j;
	d->engine = j->engine;
	d->kind = kind;
	d->upstream = u;
	snprintf(d->uri, sizeof(d->uri), "%s", uri);
	j->delivery = d;
	printer_of(j->engine, uri)->lane = j;
	d->opening = document_open(j, document_opened, d);
}
