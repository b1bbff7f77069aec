/* SPDX-License-Identifier: Apache-2.0 */
/* report - the server of our own is told how a job of ours stands: on change, and every 15 s while we have claimed it, which
 * keeps its lease (docs/wire.md, Update-Job-Status). What could not be told is told when it is there again; a final state
 * is on disk with the job, and so is that the server has it. */
#include "link.h"

#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mono.h"
#include "base/text.h"
#include "engine-private.h"
#include "ipp/holder.h"
#include "must.h"

enum {
	REPORT_MS = 8000,
	BEAT_MS = 15000,
	AGAIN_MS = 5000,
	PRINTING_MS = 1000, /* what is over sooner is told once, as over */
	RECORD_MS = 2000, /* for the accounting record, which says the same */
};

struct report {
	struct job *job;
	struct client_call *call;
	struct timer next;
	int state; /* that is being told */
	int64_t told_ms;
	int wanted; /* to be told, */
	int64_t wanted_ms; /* since */
	char message[256]; /* that goes with @state */
};

void report_stop(struct job *j)
{
	struct report *r = j->report;

	if (!r)
		return;
	if (r->call)
		client_cancel(r->call);
	timer_stop(&r->next);
	j->report = NULL;
	free(r);
}

/* RFC 8011 5.3.7; 0: nothing that the server needs to know. */
static int state_of(const struct job *j)
{
	switch (j->row.state) {
	case JOB_PENDING:
	case JOB_CREATING:
	case JOB_CREATED:
		return job_is_claimed(j) && !j->claim ? IPP_JSTATE_PENDING : 0;
	case JOB_HELD:
		return j->row.server.epoch ? IPP_JSTATE_HELD : 0; /* a release came to nothing */
	case JOB_SENDING:
	case JOB_SENT:
		return j->row.reason == JOB_R_DEVICE_STOPPED ? IPP_JSTATE_STOPPED
							     : IPP_JSTATE_PROCESSING;
	case JOB_UNKNOWN:
		return IPP_JSTATE_STOPPED;
	case JOB_COMPLETED:
		return IPP_JSTATE_COMPLETED;
	case JOB_CANCELED:
		return IPP_JSTATE_CANCELED;
	case JOB_ABORTED:
	case JOB_EXPIRED:
		return IPP_JSTATE_ABORTED;
	default:
		return 0;
	}
}

static bool is_over(int state)
{
	return state >= IPP_JSTATE_CANCELED;
}

bool report_is_owed(const struct job *j)
{
	return j->row.server.remote_id && is_over(state_of(j)) && !is_over(j->row.server.told) &&
	       link_is_enrolled(j->engine);
}

/* ---- what is on disk of it ---- */

static int work_told(void *arg, struct store *s)
{
	int rc = store_job_set_told(s, arg);

	return rc == STORE_E_GONE ? 0 : rc;
}

static void told_kept(void *arg, int rc)
{
	if (rc) /* it is told once more after the next start: no harm */
		log_event(LOG_LVL_WARNING, "event=told-not-kept error=%d", rc);
	free(arg);
}

static void told(struct report *r)
{
	struct job *j = r->job;
	struct store_job *copy;

	j->row.server.told = r->state;
	if (!is_over(r->state))
		return;
	copy = must(malloc(sizeof(*copy)));
	*copy = j->row;
	worker_post(j->engine->storer, work_told, told_kept, copy);
}

static struct report *report_of(struct job *j)
{
	struct report *r = j->report;

	if (!r) {
		r = j->report = must(calloc(1, sizeof(*r)));
		r->job = j;
		r->told_ms = mono_ms();
	}
	return r;
}

void report_told(struct job *j, int state)
{
	struct report *r = report_of(j);

	j->row.server.told = state;
	r->told_ms = mono_ms();
}

void report_recorded(struct engine *e, int32_t id)
{
	struct job *j = job_find(e, id);

	if (!j || j->row.state != JOB_COMPLETED || !j->row.server.remote_id ||
		is_over(j->row.server.told))
		return;
	fault_point("end-reported");
	report_of(j)->state = IPP_JSTATE_COMPLETED;
	told(j->report);
	report_kick(j);
}

/* ---- the answer ---- */

static void again(void *arg)
{
	struct report *r = arg;

	report_kick(r->job);
}

void report_canceled(struct job *j)
{
	char by[300];

	if (j->cancel_wanted || job_is_final(j->row.state))
		return;
	snprintf(by, sizeof(by), "user:%s", j->row.owner);
	log_event(LOG_LVL_INFO, "job=%d event=canceled-at-server", j->row.id);
	engine_cancel(j->engine, j->row.id, by, NULL, NULL);
}

static void answered(void *arg, const struct client_reply *reply)
{
	struct report *r = arg;
	struct job *j = r->job;
	struct engine *e = j->engine;

	r->call = NULL;
	if (is_over(r->state))
		fault_point("end-reported");
	r->told_ms = mono_ms();
	log_event(LOG_LVL_DEBUG, "job=%d event=reported state=%d fault=%s status=0x%04x", j->row.id,
		r->state, client_fault_name(reply->fault), (unsigned)reply->status);
	if (reply->fault != CLIENT_OK || (reply->status >= IPP_STATUS_ERROR_INTERNAL &&
						 reply->status != IPP_STATUS_ERROR_JOB_CANCELED)) {
		if (reply->fault != CLIENT_OK && reply->fault != CLIENT_AUTH)
			link_failed(e);
		r->message[0] = '\0';
		timer_set(e, &r->next, AGAIN_MS, again, r);
		return;
	}
	if (reply->status <= IPP_STATUS_OK_EVENTS_COMPLETE ||
		(reply->status == IPP_STATUS_ERROR_NOT_FOUND && is_over(r->state))) {
		told(r);
		report_kick(j);
		return;
	}
	told(r); /* whatever it said, it has heard it: no need to insist */
	if (reply->status == IPP_STATUS_ERROR_JOB_CANCELED)
		report_canceled(j);
	else if (j->row.state == JOB_PENDING && !j->busy && !j->delivery && job_is_claimed(j))
		claim_drop(j); /* the release is over */
	report_kick(j);
}

/* ---- telling ---- */

static void fill(struct job *j, struct holder_status *s, char *message, size_t size)
{
	bool elsewhere = j->attempt.kind == TARGET_FALLBACK && !job_is_free(j->row.state);
	char sentence[256];

	job_reason_sentence(
		sentence, sizeof(sentence), j->row.reason, j->row.reason_arg, j->row.since_s);
	text_display(message, size, sentence);
	*s = (struct holder_status){.job_id = j->row.server.remote_id,
		.incarnation = j->row.server.incarnation,
		.epoch = j->row.server.epoch,
		.attempt = j->row.attempt,
		.device_uuid = elsewhere ? "" : j->row.server.device_uuid,
		.state = state_of(j),
		.in_doubt = j->row.state == JOB_UNKNOWN,
		.message = j->row.state == JOB_COMPLETED ? "" : message,
		.impressions = j->attempt.id ? j->attempt.impressions : -1,
		.sheets = j->attempt.id ? j->attempt.sheets : -1,
		.diverted_to = ""};
}

static void send_status(struct report *r)
{
	struct job *j = r->job;
	const struct config_queue *q = job_queue(j);
	struct holder_status s = {0};
	char uri[CONFIG_URI_MAX], message[256], elsewhere[200];

	if (!q || !link_queue_uri(j->engine, q, uri, sizeof(uri)))
		return;
	fill(j, &s, message, sizeof(message));
	if (s.state == j->row.server.told && !strcmp(message, r->message))
		s.message = s.device_uuid = ""; /* a sign of life: 600 octets with its answer */
	memcpy(r->message, message, sizeof(message));
	if (j->attempt.kind == TARGET_FALLBACK && !job_is_free(j->row.state)) {
		printer_label(j->engine, j->attempt.uri, elsewhere, sizeof(elsewhere));
		s.diverted_to = elsewhere;
	}
	r->state = s.state;
	if (link_send(
		    j->engine, uri, must(holder_status(uri, &s)), REPORT_MS, answered, r, &r->call))
		timer_set(j->engine, &r->next, AGAIN_MS, again, r);
}

/* How long @state is kept back, since something better may come of it. */
static int64_t patience_ms(const struct job *j, int state)
{
	if (state == IPP_JSTATE_PROCESSING)
		return PRINTING_MS;
	/* Of a print elsewhere the report says where in better words. */
	return state == IPP_JSTATE_COMPLETED && j->attempt.kind != TARGET_FALLBACK ? RECORD_MS : 0;
}

void report_kick(struct job *j)
{
	struct report *r = j->report;
	int state = state_of(j);
	int64_t now = mono_ms(), due;

	if (!j->row.server.remote_id || !state || !link_is_enrolled(j->engine) ||
		(is_over(state) && is_over(j->row.server.told))) {
		if (r && !r->call)
			report_stop(j);
		return;
	}
	r = report_of(j);
	if (r->call || !link_is_up(j->engine))
		return; /* its answer, or the link, comes back here */
	if (state == IPP_JSTATE_HELD && j->row.server.told == state)
		return;
	if (r->wanted != state) {
		r->wanted = state;
		r->wanted_ms = now;
	}
	if (state == j->row.server.told)
		due = r->told_ms + BEAT_MS;
	else
		due = r->wanted_ms + patience_ms(j, state);
	if (due <= now)
		send_status(r);
	else
		timer_set(j->engine, &r->next, due - now, again, r);
}

void report_now(struct job *j)
{
	report_kick(j);
	if (!j->report)
		return;
	j->report->told_ms = 0;
	report_kick(j);
}

void report_all(struct engine *e)
{
	for (struct job *j = e->jobs; j; j = j->next)
		report_kick(j);
}
