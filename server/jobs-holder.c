/* SPDX-License-Identifier: Apache-2.0 */
/* jobs-holder - the holder's turn: fetching, claiming, reporting. docs/wire.md "The holder's turn". */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/vendor.h"
#include "jobs-private.h"

int jobs_fetch(struct app *app, const struct jobs_actor *who, int32_t id, struct jobs_job *out,
	char why[JOBS_WHY_SIZE])
{
	int status = jobs_find(app, who, id, JOBS_MAY_DELIVER, out, why);

	if (status)
		return status;
	if (out->state != JOBS_RELEASED && out->state != JOBS_CLAIMED)
		return jobs_say(why, IPP_STATUS_ERROR_NOT_FETCHABLE, "Job %d is %s, not released",
			id, jobs_state_name(out->state));
	return IPP_STATUS_OK;
}

/* The release that the holder speaks of is the job's latest one. */
static bool same_release(const struct jobs_job *j, const struct jobs_fence *f)
{
	return f->epoch == j->epoch && (!f->incarnation || f->incarnation == j->incarnation);
}

/* Who released what is claimed now, and who pays for it; with the claim, since a release alone prints nothing. */
static int record_release(struct app *app, const struct jobs_job *j)
{
	return sql_run(&app->sql,
		"INSERT INTO ledger_release (document_uuid, incarnation, epoch, attempt, released_by, pays, at_ms)"
		" SELECT ?1, ?2, ?3, ?4, ?5, ?5 NOT IN ('', ?6) AND EXISTS (SELECT 1 FROM queue WHERE name = ?7"
		" AND charge = 'releaser'), ?8",
		VALUES(V_TEXT(j->uuid), V_NUM(j->incarnation), V_NUM(j->epoch), V_NUM(j->attempt),
			V_TEXT(j->released_by), V_TEXT(j->owner), V_TEXT(j->queue),
			V_NUM(app->now_ms)));
}

static int claim(
	struct app *app, struct jobs_job *job, const struct jobs_job *then, char why[JOBS_WHY_SIZE])
{
	int rc = sql_enter(&app->sql);

	if (rc)
		return jobs_trouble(why, rc);
	rc = jobs_move(app, job, then, job->holder);
	if (!rc)
		rc = record_release(app, job);
	return jobs_trouble(why, sql_leave(&app->sql, rc));
}

static int move(
	struct app *app, struct jobs_job *job, const struct jobs_job *then, char why[JOBS_WHY_SIZE])
{
	int rc = sql_enter(&app->sql);

	if (!rc)
		rc = sql_leave(&app->sql, jobs_move(app, job, then, job->holder));
	return jobs_trouble(why, rc);
}

/* ---- the claim ---- */

int jobs_acknowledge(struct app *app, const struct jobs_actor *who, int32_t id, const char *device,
	const struct jobs_fence *fence, char why[JOBS_WHY_SIZE])
{
	struct jobs_job job, then;
	int status = jobs_find(app, who, id, JOBS_MAY_DELIVER, &job, why);

	if (status)
		return status;
	if (job.state == JOBS_CANCELING || job.state == JOBS_CANCELED)
		return jobs_say(why, IPP_STATUS_ERROR_JOB_CANCELED, "Job %d was canceled", id);
	if (!same_release(&job, fence) || (*device && strcmp(device, job.device) != 0))
		return jobs_say(why, IPP_STATUS_ERROR_NOT_FETCHABLE,
			"Job %d was released otherwise since", id);
	/* A reply was lost, or the holder began anew after a crash, with a higher attempt: the same claim is good again. */
	if ((job.state == JOBS_CLAIMED || job.state == JOBS_SENDING) &&
		job.attempt == fence->attempt)
		return IPP_STATUS_OK;
	if (job.state != JOBS_RELEASED &&
		!(job.state == JOBS_CLAIMED && fence->attempt > job.attempt))
		return jobs_say(why, IPP_STATUS_ERROR_NOT_FETCHABLE, "Job %d is %s, not released",
			id, jobs_state_name(job.state));
	then = job;
	job.state = JOBS_CLAIMED;
	job.attempt = fence->attempt;
	return claim(app, &job, &then, why);
}

static void give_back(struct jobs_job *job, int32_t attempt, const char *message)
{
	job->state = JOBS_HELD;
	job->attempt = attempt;
	job->closed_attempt = attempt;
	job->device_state = 0;
	job->device_reasons[0] = job->device[0] = '\0';
	job->lapsed = false;
	text_display(job->message, sizeof(job->message), message);
}

int jobs_refuse(struct app *app, const struct jobs_actor *who, int32_t id,
	const struct jobs_fence *fence, const char *message, char why[JOBS_WHY_SIZE])
{
	struct jobs_job job, then;
	int status = jobs_find(app, who, id, JOBS_MAY_DELIVER, &job, why);

	if (status)
		return status;
	if (job.state == JOBS_CANCELING || job.state == JOBS_CANCELED)
		return jobs_say(why, IPP_STATUS_ERROR_JOB_CANCELED, "Job %d was canceled", id);
	if (!same_release(&job, fence))
		return jobs_say(why, IPP_STATUS_ERROR_NOT_FETCHABLE,
			"Job %d was released otherwise since", id);
	if (job.state == JOBS_HELD)
		return IPP_STATUS_OK;
	if (job.state != JOBS_RELEASED && job.state != JOBS_CLAIMED)
		return jobs_say(why, IPP_STATUS_ERROR_NOT_FETCHABLE, "Job %d is %s, not released",
			id, jobs_state_name(job.state));
	then = job;
	give_back(&job, fence->attempt, message);
	return move(app, &job, &then, why);
}

/* ---- reports ---- */

static bool has_reason(const char *reasons, const char *word)
{
	size_t length = strlen(word);

	for (const char *p = reasons; p && *p; p += strcspn(p, " "), p += *p == ' ')
		if (strcspn(p, " ") == length && !memcmp(p, word, length))
			return true;
	return false;
}

static void take_report(struct jobs_job *job, const struct jobs_report *r)
{
	job->device_state = r->state;
	job->lapsed = false;
	if (r->reasons)
		snprintf(job->device_reasons, sizeof(job->device_reasons), "%s", r->reasons);
	if (r->message)
		text_display(job->message, sizeof(job->message), r->message);
	if (r->impressions >= 0)
		job->impressions_done = r->impressions;
	if (r->sheets >= 0)
		job->sheets_done = r->sheets;
	if (r->diverted)
		text_display(job->diverted, sizeof(job->diverted), r->diverted);
}

/* The holder alone has the document: what it says at the end is so, whatever was thought here. But it says it once. */
static int take_end(
	struct app *app, struct jobs_job *job, const struct jobs_report *r, char why[JOBS_WHY_SIZE])
{
	enum jobs_state to = r->state == IPP_JSTATE_COMPLETED  ? JOBS_COMPLETED
			     : r->state == IPP_JSTATE_CANCELED ? JOBS_CANCELED
							       : JOBS_ABORTED;
	struct jobs_job then = *job;

	if (job->ended_by_holder && job->state == to)
		return IPP_STATUS_OK;
	if (job->ended_by_holder)
		return jobs_say(why, IPP_STATUS_ERROR_NOT_POSSIBLE, "Job %d is over: %s", job->id,
			jobs_state_name(job->state));
	if (job->state != to)
		job->message[0] = '\0';
	take_report(job, r);
	job->state = to;
	job->ended_by_holder = true;
	return move(app, job, &then, why);
}

/* Printed elsewhere while the server was away: not by a release of ours, so only the attempt tells an old report. */
static int take_diversion(
	struct app *app, struct jobs_job *job, const struct jobs_report *r, char why[JOBS_WHY_SIZE])
{
	struct jobs_job then = *job;

	if (r->state == IPP_JSTATE_HELD)
		return IPP_STATUS_OK; /* given back: so it is */
	if (!r->diverted || !*r->diverted || r->fence.attempt <= job->closed_attempt)
		return jobs_say(why, IPP_STATUS_ERROR_NOT_POSSIBLE,
			"Job %d is held: it is not released to you", job->id);
	job->message[0] = '\0';
	take_report(job, r);
	job->state = JOBS_SENDING;
	job->attempt = r->fence.attempt;
	return move(app, job, &then, why);
}

static int take_while_canceling(
	struct app *app, struct jobs_job *job, const struct jobs_report *r, char why[JOBS_WHY_SIZE])
{
	struct jobs_job then = *job;
	int status;

	if (r->state == IPP_JSTATE_HELD) { /* nothing of it had left: that was all */
		job->state = JOBS_CANCELED;
		job->ended_by_holder = true;
		job->lapsed = false;
	} else {
		take_report(job, r);
	}
	status = move(app, job, &then, why);
	return status ? status
		      : jobs_say(
				why, IPP_STATUS_ERROR_JOB_CANCELED, "Job %d was canceled", job->id);
}

static enum jobs_state state_after(const struct jobs_job *job, const struct jobs_report *r)
{
	switch (r->state) {
	case IPP_JSTATE_PENDING: /* preparing; of a user's second try, too */
		return job->state == JOBS_DOUBT && r->fence.attempt > job->attempt ? JOBS_CLAIMED
		       : job->state == JOBS_DOUBT                                  ? JOBS_SENDING
										   : job->state;
	case IPP_JSTATE_STOPPED:
		if (has_reason(r->reasons, VENDOR_R_OUTCOME_UNKNOWN))
			return JOBS_DOUBT;
		return job->state == JOBS_CLAIMED ? JOBS_CLAIMED : JOBS_SENDING;
	default:
		return JOBS_SENDING;
	}
}

static int take_progress(
	struct app *app, struct jobs_job *job, const struct jobs_report *r, char why[JOBS_WHY_SIZE])
{
	struct jobs_job then = *job;

	if (!same_release(job, &r->fence) || r->fence.attempt < job->attempt)
		return jobs_say(why, IPP_STATUS_ERROR_NOT_POSSIBLE,
			"Job %d was released otherwise since: this is an old report", job->id);
	/* A sign of life says no more than that nothing changed. */
	if (r->message || r->state != job->device_state)
		job->message[0] = '\0';
	take_report(job, r);
	if (r->state == IPP_JSTATE_HELD) {
		give_back(job, r->fence.attempt, r->message);
	} else {
		job->state = state_after(&then, r);
		job->attempt = r->fence.attempt;
	}
	return move(app, job, &then, why);
}

int jobs_update(struct app *app, const struct jobs_actor *who, int32_t id,
	const struct jobs_report *r, char why[JOBS_WHY_SIZE])
{
	struct jobs_job job;
	int status = jobs_find(app, who, id, JOBS_MAY_DELIVER, &job, why);

	if (status)
		return status;
	if (r->state < IPP_JSTATE_PENDING || r->state > IPP_JSTATE_COMPLETED)
		return jobs_say(why, IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES,
			"output-device-job-state is 3 to 9");
	if (r->state >= IPP_JSTATE_CANCELED)
		return take_end(app, &job, r, why);
	switch (job.state) {
	case JOBS_HELD:
		return take_diversion(app, &job, r, why);
	case JOBS_CLAIMED:
	case JOBS_SENDING:
	case JOBS_DOUBT:
		return take_progress(app, &job, r, why);
	case JOBS_CANCELING:
		return take_while_canceling(app, &job, r, why);
	case JOBS_CANCELED:
		return jobs_say(why, IPP_STATUS_ERROR_JOB_CANCELED, "Job %d was canceled", id);
	case JOBS_RELEASED:
		return jobs_say(why, IPP_STATUS_ERROR_NOT_POSSIBLE,
			"Job %d is released: acknowledge it first", id);
	default:
		return jobs_say(why, IPP_STATUS_ERROR_NOT_POSSIBLE, "Job %d is over", id);
	}
}
