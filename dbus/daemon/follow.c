/* SPDX-License-Identifier: Apache-2.0 */
/* follow - asks the target for a job's final state, and finds out what became of one whose transfer broke off.
 *
 * Two cases. The target acknowledged the whole document: its final state is the job's. Or it did not (@whole false: the
 * connection broke, or we died in between): then only the device's word may free the job again: canceled, aborted or
 * no document, and nothing counted by a device that is known to count. All else is UNKNOWN, for the user. */
#include "engine-private.h"

#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mono.h"
#include "must.h"

enum {
	BROKEN_PATIENCE_MS =
		10000, /* a device that broke off has this long to answer before the user is asked */
	BROKEN_LIFE_MS = 120000, /* one that answers, but comes to no end with what it got */
	PRINTER_PATIENCE_MS = 30000, /* one that took the document */
	RESENDS_MAX = 5,
	DEVICE_CONNECT_MS = 3000,
	DEVICE_TOTAL_MS = 8000,
	LONG_ROUNDS = 2, /* a job that is still at a device then: does the device need attention? */
};

struct follow {
	struct job *job;
	bool whole, handed;
	bool lost_told;
	bool cancel_by_user, cancel_sent;
	unsigned round, failures, cancels;
	int64_t begun_ms, contact_ms; /* the beginning; the last answer, or the beginning */
	struct client_call *call;
	struct probe *probe; /* of the device itself */
	int job_state; /* that it told before */
	struct timer next;
};

static void ask_state(void *arg);

void follow_stop(struct job *j)
{
	struct follow *f = j->follow;

	if (!f)
		return;
	if (f->call)
		client_cancel(f->call);
	probe_cancel(f->probe);
	timer_stop(&f->next);
	j->follow = NULL;
	free(f);
}

static void again(struct follow *f)
{
	static const int steps_ms[] = {250, 1000, 2000, 3000, 5000, 8000, 10000};
	unsigned last = sizeof(steps_ms) / sizeof(steps_ms[0]) - 1;
	int64_t ms = steps_ms[f->round < last ? f->round : last];

	/* A server may hold it for hours. */
	if (f->round > 60)
		ms = 30000;
	f->round++;
	timer_set(f->job->engine, &f->next, ms, ask_state, f);
}

static void label_of(const struct job *j, char *out, size_t size)
{
	printer_label(j->engine, j->attempt.uri, out, size);
}

/* ---- ends ---- */

static void unknown_committed(struct job *j, int rc)
{
	if (!rc)
		notice_unknown(j);
}

static void to_unknown(struct follow *f, enum job_reason reason, bool go_on)
{
	struct job *j = f->job;
	char label[200], arg[300];

	label_of(j, label, sizeof(label));
	if (j->attempt.impressions > 0 && j->row.pages > 0)
		snprintf(arg, sizeof(arg), "%s (last confirmed page %d of %d)", label,
			j->attempt.impressions, job_expected(j));
	else
		snprintf(arg, sizeof(arg), "%s", label);
	if (!go_on)
		follow_stop(j);
	else
		again(f);
	if (j->row.state == JOB_UNKNOWN)
		job_reason(j, reason, arg);
	else
		job_move(j, JOB_UNKNOWN, reason, arg, unknown_committed);
}

static int work_attempt_end(struct store *s, struct store_job *row, enum job_state from,
	struct store_attempt *a, struct store_ledger_row *ledger)
{
	int rc = store_attempt_end(s, row, from, a);

	return rc || !ledger ? rc : store_ledger_add(s, ledger);
}

static void free_again(struct job *j, int rc)
{
	if (!rc)
		plan_kick(j->engine);
}

static void held_told(struct job *j, int rc)
{
	if (!rc)
		notice_attention(j);
}

/* The attempt is over and the document stays: PENDING to try again, HELD for the user. */
static void keep(struct follow *f, enum job_state to, enum job_reason reason, const char *why,
	enum store_outcome outcome)
{
	struct job *j = f->job;
	struct store_job row = j->row;
	struct store_attempt a = j->attempt;
	struct store_ledger_row ledger;
	bool counted = a.impressions > 0;

	if (to == JOB_PENDING && ++j->resends > RESENDS_MAX) {
		to = JOB_HELD;
		reason = JOB_R_ABORTED_AT_DEVICE;
	}
	row.state = to;
	row.reason = reason;
	snprintf(row.reason_arg, sizeof(row.reason_arg), "%s", why);
	if (to == JOB_HELD) /* a release at the server is over with it */
		row.server.device_uri[0] = '\0';
	a.outcome = outcome;
	a.ended_s = mono_utc_s();
	if (counted)
		job_ledger_row(
			j, JOB_ABORTED, a.is_server ? CERTAINTY_SERVER : CERTAINTY_DEVICE, &ledger);
	follow_stop(j);
	job_journal(j, work_attempt_end, &row, &a, counted ? &ledger : NULL,
		to == JOB_PENDING ? free_again : held_told);
}

static bool device_says_nothing_printed(const struct job *j)
{
	const struct printer *p = printer_of(j->engine, j->attempt.uri);

	return p->row.counts && j->attempt.impressions == 0 && j->attempt.sheets == 0;
}

static void completed(struct follow *f)
{
	struct job *j = f->job;
	struct printer *p = printer_of(j->engine, j->attempt.uri);
	int32_t expected = job_expected(j);
	bool server = j->attempt.is_server;
	char label[200];

	/* A printer that was cut off may print what it got and call that completed; a server drops what is not whole. */
	if (!f->whole && !(f->handed && server) &&
		!(expected && j->attempt.impressions >= expected)) {
		to_unknown(f, JOB_R_MAY_HAVE_PRINTED, false);
		return;
	}
	if (!server && j->attempt.impressions > 0 && !p->row.counts) {
		p->row.counts = true;
		printer_commit(j->engine, p);
	}
	label_of(j, label, sizeof(label));
	fault_point("completed");
	job_end(j, JOB_COMPLETED, server ? JOB_R_SERVER_REPORTED : JOB_R_DEVICE_REPORTED, label,
		server ? CERTAINTY_SERVER : CERTAINTY_DEVICE);
}

static void canceled(struct follow *f)
{
	struct job *j = f->job;
	enum record_certainty certainty =
		j->attempt.is_server ? CERTAINTY_SERVER : CERTAINTY_DEVICE;
	char label[200];

	label_of(j, label, sizeof(label));
	if (f->cancel_by_user)
		job_end(j, JOB_CANCELED, JOB_R_CANCELED_BY_USER, j->canceled_by, certainty);
	else if (f->whole)
		job_end(j, JOB_CANCELED, JOB_R_CANCELED_AT_DEVICE, label, certainty);
	else if (device_says_nothing_printed(j))
		keep(f, JOB_PENDING, JOB_R_STORED, "", OUTCOME_NOTHING);
	else
		to_unknown(f, JOB_R_MAY_HAVE_PRINTED, false);
}

static void aborted(struct follow *f, const struct target_job *t)
{
	struct job *j = f->job;
	char label[200], why[500];

	label_of(j, label, sizeof(label));
	if (f->cancel_by_user)
		job_end(j, JOB_CANCELED, JOB_R_CANCELED_BY_USER, j->canceled_by, CERTAINTY_DEVICE);
	else if (!f->whole && device_says_nothing_printed(j))
		keep(f, JOB_PENDING, JOB_R_STORED, "", OUTCOME_NOTHING);
	else if (!f->whole)
		to_unknown(f, JOB_R_MAY_HAVE_PRINTED, false);
	else {
		snprintf(why, sizeof(why), "%s%s%s", label, t->reasons[0] ? ": " : "", t->reasons);
		if (!j->row.file[0]) { /* a private queue: there is nothing left to try again with */
			job_end(j, JOB_ABORTED, JOB_R_ABORTED_PRIVATE, why, CERTAINTY_DEVICE);
			return;
		}
		keep(f, JOB_HELD, JOB_R_ABORTED_AT_DEVICE, why, OUTCOME_ABORTED);
	}
}

/* ---- the target's word ---- */

static void cancel_answered(void *arg, const struct client_reply *reply)
{
	struct follow *f = arg;

	f->call = NULL;
	if (target_classify(reply) == TARGET_UNREACHABLE)
		f->cancel_sent = false; /* it may not have heard it */
	log_event(LOG_LVL_INFO, "job=%d event=cancel-job fault=%s status=0x%04x", f->job->row.id,
		client_fault_name(reply->fault), (unsigned)reply->status);
	again(f);
}

static bool send_cancel(struct follow *f)
{
	struct job *j = f->job;
	struct client_request r = {0};
	char uri[CONFIG_URI_MAX];
	int rc;

	printer_address(j->engine, j->attempt.uri, &r, uri, sizeof(uri));
	r.connect_ms = 3000;
	r.total_ms = 10000;
	r.ipp = must(
		target_job_request(IPP_OP_CANCEL_JOB, uri, j->attempt.remote_id, j->row.owner));
	rc = client_send(j->engine->client, &r, cancel_answered, f, &f->call);
	ippDelete(r.ipp);
	f->cancel_sent = true;
	if (!f->cancels++)
		f->round = 0;
	return !rc;
}

/* " [#1a2b3c4d-2]", with which job_name_of() ends a name. */
static const char *mark_of(const char *name)
{
	const char *mark = strrchr(name, '[');

	return mark && mark[1] == '#' ? mark : name;
}

static bool is_ours(const struct job *j, const struct target_job *t)
{
	if (t->uuid[0] && j->attempt.remote_uuid[0])
		return !strcmp(t->uuid, j->attempt.remote_uuid);
	/* A restarted server may have given our job-id to somebody else's document; one that only puts a word of its own
	 * before the name leaves our mark in it. */
	return !t->name[0] || !j->engine->config->job_name_suffix ||
	       strstr(t->name, mark_of(j->attempt.remote_name));
}

static void needs_attention(struct follow *f, const char *reasons)
{
	struct job *j = f->job;
	char label[200], arg[500];

	label_of(j, label, sizeof(label));
	snprintf(arg, sizeof(arg), reasons[0] ? "%s: %s" : "%s", label, reasons);
	if (!j->busy && (j->row.reason != JOB_R_DEVICE_STOPPED || strcmp(j->row.reason_arg, arg)))
		job_move(j, JOB_SENT, JOB_R_DEVICE_STOPPED, arg, held_told);
}

static void is_there(struct job *j, int state, const char *warnings)
{
	char label[200], arg[500];

	label_of(j, label, sizeof(label));
	snprintf(arg, sizeof(arg), warnings[0] ? "%s, which says %s" : "%s", label, warnings);
	job_reason(j,
		state == IPP_JSTATE_PROCESSING ? JOB_R_PRINTING
		: state == IPP_JSTATE_HELD     ? JOB_R_ACCEPTED_HELD
					       : JOB_R_ACCEPTED,
		arg);
}

static void device_answered(void *arg, enum target_health health, const struct target_info *info,
	ipp_t *answer, const struct client_reply *reply)
{
	struct follow *f = arg;
	struct job *j = f->job;

	bool told = health == TARGET_OK || health == TARGET_REFUSING;

	(void)answer;
	(void)reply;
	f->probe = NULL;
	if (told && !j->busy && j->row.state == JOB_SENT) {
		if (target_needs_attention(info))
			needs_attention(f, info->reasons);
		else
			is_there(j, f->job_state, info->reasons);
	}
	again(f);
}

/* Many devices go on calling a job "processing" while they wait for paper: only the device itself says so. */
static bool ask_device(struct follow *f)
{
	const struct job *j = f->job;

	if (f->round <= LONG_ROUNDS || j->attempt.is_server || f->probe)
		return false;
	f->probe = probe_start(
		j->engine, j->attempt.uri, DEVICE_CONNECT_MS, DEVICE_TOTAL_MS, device_answered, f);
	return f->probe;
}

static void waiting(struct follow *f, const struct target_job *t)
{
	struct job *j = f->job;

	if (f->cancel_by_user && !f->cancel_sent && send_cancel(f))
		return;
	if (!f->whole) {
		/* It has a part of the document, or none, and has not begun: take it back. */
		if (t->state < IPP_JSTATE_PROCESSING && !f->cancel_sent && send_cancel(f))
			return;
		if (j->row.state == JOB_SENDING && mono_ms() - f->begun_ms > BROKEN_LIFE_MS) {
			to_unknown(f, JOB_R_MAY_HAVE_PRINTED, true);
			return;
		}
	} else if (j->row.state == JOB_UNKNOWN) {
		; /* the user has been asked; a final word may still answer for him */
	} else if (t->state == IPP_JSTATE_STOPPED) {
		needs_attention(f, t->reasons);
	} else {
		f->job_state = t->state;
		if (ask_device(f))
			return;
		is_there(j, t->state, "");
	}
	again(f);
}

static void remember_counts(struct job *j, const struct target_job *t)
{
	if (t->impressions > j->attempt.impressions)
		j->attempt.impressions = t->impressions;
	if (t->sheets > j->attempt.sheets)
		j->attempt.sheets = t->sheets;
	if (!j->attempt.remote_uuid[0] && t->uuid[0])
		snprintf(j->attempt.remote_uuid, sizeof(j->attempt.remote_uuid), "%s", t->uuid);
}

static void heard(struct follow *f, ipp_t *answer)
{
	struct job *j = f->job;
	struct target_job t;

	target_read_job(answer, &t);
	f->failures = 0;
	f->lost_told = false;
	f->contact_ms = mono_ms();
	if (!is_ours(j, &t)) {
		to_unknown(f, j->attempt.is_server ? JOB_R_GONE_AT_SERVER : JOB_R_MAY_HAVE_PRINTED,
			false);
		return;
	}
	remember_counts(j, &t);
	switch (t.state) {
	case IPP_JSTATE_COMPLETED:
		completed(f);
		break;
	case IPP_JSTATE_CANCELED:
		canceled(f);
		break;
	case IPP_JSTATE_ABORTED:
		aborted(f, &t);
		break;
	default:
		waiting(f, &t);
	}
}

/* Nothing to be heard from the target. */
static void unheard(struct follow *f)
{
	struct job *j = f->job;
	int64_t silent_ms = mono_ms() - f->contact_ms;
	struct queue_state *q = queue_state_find(j->engine, j->row.queue);
	char label[200];

	if (j->busy) {
		again(f);
		return;
	}
	f->failures++;
	label_of(j, label, sizeof(label));
	if (j->attempt.kind == TARGET_UPSTREAM && q && q->upstream)
		upstream_suspect(q->upstream);
	if (j->row.state == JOB_SENDING || (j->row.state == JOB_SENT && !j->attempt.is_server)) {
		if (silent_ms >
			(j->row.state == JOB_SENDING ? BROKEN_PATIENCE_MS : PRINTER_PATIENCE_MS)) {
			to_unknown(f, JOB_R_MAY_HAVE_PRINTED, true);
			return;
		}
	} else if (j->row.state == JOB_SENT && f->failures >= 2) {
		job_reason(j, JOB_R_ACCEPTED_UNCONFIRMED, label);
		if (!f->lost_told)
			notice_unconfirmed(j);
		f->lost_told = true;
	}
	again(f);
}

static void answered(void *arg, const struct client_reply *reply)
{
	struct follow *f = arg;
	struct job *j = f->job;

	f->call = NULL;
	if (j->busy) { /* a commit about it is under way: ask again after it */
		again(f);
		return;
	}
	if (reply->fault == CLIENT_OK && reply->status <= IPP_STATUS_OK_EVENTS_COMPLETE) {
		heard(f, reply->ipp);
	} else if (reply->fault == CLIENT_OK && (reply->status == IPP_STATUS_ERROR_NOT_FOUND ||
							reply->status == IPP_STATUS_ERROR_GONE)) {
		if (f->cancel_by_user)
			job_end(j, JOB_CANCELED, JOB_R_CANCELED_BY_USER, j->canceled_by,
				CERTAINTY_UNKNOWN);
		else
			to_unknown(f,
				j->attempt.is_server ? JOB_R_GONE_AT_SERVER
						     : JOB_R_MAY_HAVE_PRINTED,
				false);
	} else {
		unheard(f);
	}
}

static void ask_state(void *arg)
{
	struct follow *f = arg;
	struct job *j = f->job;
	struct client_request r = {0};
	char uri[CONFIG_URI_MAX];
	int rc;

	printer_address(j->engine, j->attempt.uri, &r, uri, sizeof(uri));
	r.connect_ms = 3000;
	r.total_ms = 8000;
	r.ipp = must(target_job_request(
		IPP_OP_GET_JOB_ATTRIBUTES, uri, j->attempt.remote_id, j->row.owner));
	ippAddStrings(r.ipp, IPP_TAG_OPERATION, IPP_CONST_TAG(IPP_TAG_KEYWORD),
		"requested-attributes", target_job_requested_count, NULL, target_job_requested);
	rc = client_send(j->engine->client, &r, answered, f, &f->call);
	ippDelete(r.ipp);
	if (rc)
		unheard(f);
}

void follow_start(struct job *j, bool whole, bool handed)
{
	struct follow *f = must(calloc(1, sizeof(*f)));

	follow_stop(j);
	f->job = j;
	f->whole = whole;
	f->handed = handed;
	f->cancel_by_user = j->cancel_wanted;
	f->begun_ms = f->contact_ms = mono_ms();
	j->follow = f;
	if (f->cancel_by_user && send_cancel(f))
		return;
	if (whole)
		again(f);
	else
		ask_state(f);
}

void follow_cancel(struct job *j)
{
	struct follow *f = j->follow;

	f->cancel_by_user = true;
	if (f->call)
		client_cancel(f->call);
	probe_cancel(f->probe);
	f->call = NULL;
	f->probe = NULL;
	timer_stop(&f->next);
	if (!send_cancel(f))
		again(f);
}
