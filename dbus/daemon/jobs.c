/* SPDX-License-Identifier: Apache-2.0 */
/* jobs - the jobs in memory, and the only ways to change one: commit first, then memory, then tell. */
#include "engine-private.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mono.h"
#include "link.h"
#include "must.h"
#include "settle.h"
#include "verify.h"

enum { COMMIT_AGAIN_MS = 1000, COMMIT_AGAIN_MAX_MS = 15000 };

static void step_drop(struct job *j);

struct job *job_find(struct engine *e, int32_t id)
{
	for (struct job *j = e->jobs; j; j = j->next)
		if (j->row.id == id)
			return j;
	return NULL;
}

const char *decider_name(const char *decided_by)
{
	const char *colon = strchr(decided_by, ':');

	return colon ? colon + 1 : decided_by;
}

struct job *job_new(struct engine *e, const struct store_job *row)
{
	struct job *j = must(calloc(1, sizeof(*j)));

	j->engine = e;
	j->row = *row;
	j->attempt.impressions = j->attempt.sheets = -1;
	*e->jobs_end = j;
	e->jobs_end = &j->next;
	return j;
}

/* Takes a job out of memory; its row stays. */
void job_drop(struct job *j)
{
	struct engine *e = j->engine;

	e->cursor = NULL;
	for (struct job **at = &e->jobs; *at; at = &(*at)->next) {
		if (*at != j)
			continue;
		*at = j->next;
		if (e->jobs_end == &j->next)
			e->jobs_end = at;
		break;
	}
	deliver_stop(j);
	follow_stop(j);
	verify_stop(j);
	registrar_stop(j);
	claim_stop(j);
	report_stop(j);
	timer_stop(&j->retry);
	timer_stop(&j->ask);
	step_drop(j);
	free(j->tried);
	free(j);
}

void job_changed(struct job *j)
{
	if (j->engine->listener.job_changed)
		j->engine->listener.job_changed(j->engine->listener.arg, j->row.id);
}

const struct config_queue *job_queue(struct job *j)
{
	return config_queue(j->engine->config, j->row.queue);
}

const char *job_account(const struct job *j)
{
	return j->row.account[0] ? j->row.account : j->row.owner;
}

struct queue_state *queue_state_find(struct engine *e, const char *name)
{
	for (size_t i = 0; i < e->queue_count; i++)
		if (!strcmp(e->queue[i].config->name, name))
			return &e->queue[i];
	return NULL;
}

/* ---- commits ---- */

struct step {
	struct job *job;
	struct store_job row;
	struct store_attempt attempt;
	struct store_ledger_row ledger;
	bool has_attempt, has_ledger;
	enum job_state from;
	journal_fn *work;
	job_then_fn *then;
	struct timer again;
	unsigned failures;
};

static void step_done(void *arg, int rc);

/* No move writes these: who printed it may have been found out meanwhile, or others been named for it. */
static void who_keep(struct store_job *row, const struct store_job *now)
{
	row->owner_verified = now->owner_verified;
	row->who = now->who;
	memcpy(row->account, now->account, sizeof(row->account));
	memcpy(row->delegates, now->delegates, sizeof(row->delegates));
}

static int step_work(void *arg, struct store *s)
{
	struct step *step = arg;

	return step->work(s, &step->row, step->from, step->has_attempt ? &step->attempt : NULL,
		step->has_ledger ? &step->ledger : NULL);
}

/* A store that cannot write now, as against one that says: that is not so. */
static bool is_passing(int rc)
{
	return rc < 0 && rc != -EINVAL && rc != -EEXIST && rc != -ENAMETOOLONG;
}

static void step_again(void *arg)
{
	struct step *step = arg;
	struct job *j = step->job;

	j->step = NULL;
	worker_post(j->engine->storer, step_work, step_done, step);
}

static void step_wait(struct step *step, int rc)
{
	struct job *j = step->job;
	int64_t ms = step->failures < 4 ? COMMIT_AGAIN_MS << step->failures : COMMIT_AGAIN_MAX_MS;

	if (!step->failures++)
		log_event(LOG_LVL_ERROR, "job=%d event=commit-waits error=%d", j->row.id, rc);
	j->step = step;
	timer_set(j->engine, &step->again, ms, step_again, step);
}

static void step_drop(struct job *j)
{
	if (!j->step)
		return;
	timer_stop(&j->step->again);
	free(j->step);
	j->step = NULL;
}

static void run_wish(struct job *j)
{
	struct wish w = j->wish;

	if (w.kind == WISH_NONE || j->busy)
		return;
	j->wish.kind = WISH_NONE;
	engine_cancel(j->engine, j->row.id, w.decided_by, w.reply, w.reply_arg);
}

static void log_move(const struct job *j, enum job_state from)
{
	if (j->row.state == from && j->row.state != JOB_HELD)
		return;
	log_event(LOG_LVL_INFO, "job=%d event=moved from=%s to=%s reason=%s attempt=%d", j->row.id,
		job_state_name(from), job_state_name(j->row.state), job_reason_code(j->row.reason),
		j->row.attempt);
}

static void step_done(void *arg, int rc)
{
	struct step *step = arg;
	struct job *j = step->job;

	if (is_passing(rc)) {
		step_wait(step, rc);
		return;
	}
	j->busy = false;
	if (rc) {
		log_event(LOG_LVL_ERROR, "job=%d event=commit-failed error=%d", j->row.id, rc);
	} else {
		who_keep(&step->row, &j->row);
		j->row = step->row;
		if (step->has_attempt)
			j->attempt = step->attempt;
		log_move(j, step->from);
		job_changed(j);
		report_kick(j);
		if (step->has_ledger)
			settle_kick(j->engine);
	}
	if (step->then)
		step->then(j, rc);
	free(step);
	run_wish(j);
}

void job_journal(struct job *j, journal_fn *work, const struct store_job *row,
	const struct store_attempt *a, const struct store_ledger_row *ledger, job_then_fn *then)
{
	struct step *step = must(calloc(1, sizeof(*step)));

	step->job = j;
	step->row = *row;
	step->from = j->row.state;
	step->has_attempt = a != NULL;
	if (a)
		step->attempt = *a;
	step->has_ledger = ledger != NULL;
	if (ledger)
		step->ledger = *ledger;
	step->work = work;
	step->then = then;
	j->busy = true;
	worker_post(j->engine->storer, step_work, step_done, step);
}

int job_work_move(struct store *s, struct store_job *row, enum job_state from,
	struct store_attempt *a, struct store_ledger_row *ledger)
{
	(void)a;
	(void)ledger;
	return store_job_move(s, row, from);
}

void job_move(struct job *j, enum job_state to, enum job_reason reason, const char *arg,
	job_then_fn *then)
{
	struct store_job row = j->row;

	row.state = to;
	row.reason = reason;
	snprintf(row.reason_arg, sizeof(row.reason_arg), "%s", arg ? arg : "");
	job_journal(j, job_work_move, &row, NULL, NULL, then);
}

void job_reason(struct job *j, enum job_reason reason, const char *arg)
{
	if (j->busy || (j->row.reason == reason && !strcmp(j->row.reason_arg, arg ? arg : "")))
		return;
	job_move(j, j->row.state, reason, arg, NULL);
}

static int work_end(struct store *s, struct store_job *row, enum job_state from,
	struct store_attempt *a, struct store_ledger_row *ledger)
{
	return store_job_end(s, row, from, a, ledger);
}

static void ended(struct job *j, int rc)
{
	char file[sizeof(j->row.file)];

	if (rc)
		return;
	snprintf(file, sizeof(file), "%s", j->row.file);
	j->row.file[0] = '\0';
	if (file[0])
		spool_unlink(j->engine, file, j->row.file_octets);
	deliver_stop(j);
	follow_stop(j);
	registrar_leave(j);
	claim_stop(j);
	timer_stop(&j->retry);
	timer_stop(&j->ask);
	if (j->row.state == JOB_EXPIRED || j->row.state == JOB_ABORTED)
		notice_attention(j);
	plan_kick(j->engine);
}

static enum store_outcome outcome_of(enum job_state state)
{
	switch (state) {
	case JOB_COMPLETED:
		return OUTCOME_COMPLETED;
	case JOB_CANCELED:
		return OUTCOME_CANCELED;
	case JOB_ABORTED:
		return OUTCOME_ABORTED;
	default:
		return OUTCOME_UNKNOWN;
	}
}

/* As its user left it: at the server, when it was released there. */
static int32_t copies_of(const struct job *j)
{
	int changed = 0;

	if (j->attempt.kind == TARGET_RELEASED &&
		sscanf(j->row.server.changes, "copies=%d", &changed) == 1 && changed > 0)
		return changed;
	return j->row.copies > 0 ? j->row.copies : 1;
}

int32_t job_expected(const struct job *j)
{
	int64_t all = (int64_t)j->row.pages * copies_of(j);

	return j->row.pages <= 0 ? 0 : all < INT32_MAX ? (int32_t)all : INT32_MAX;
}

void job_ledger_row(struct job *j, enum job_state state, enum record_certainty certainty,
	struct store_ledger_row *out)
{
	const struct config_queue *q = job_queue(j);
	int32_t estimate = j->row.pages > 0 ? job_expected(j) : -1;

	memset(out, 0, sizeof(*out));
	snprintf(out->document_uuid, sizeof(out->document_uuid), "%s", j->row.document_uuid);
	out->attempt = j->attempt.number;
	out->job_id = j->row.id;
	snprintf(out->owner, sizeof(out->owner), "%s", j->row.owner);
	snprintf(out->title, sizeof(out->title), "%s", j->row.title);
	snprintf(out->account, sizeof(out->account), "%s", j->row.account);
	out->account_verified = j->row.account[0] && j->row.who == WHO_VERIFIED;
	snprintf(out->queue, sizeof(out->queue), "%s", j->row.queue);
	snprintf(out->target, sizeof(out->target), "%s", j->attempt.uri);
	out->diverted = j->attempt.kind == TARGET_FALLBACK;
	out->not_at_server = out->diverted && q && q->upstream[0];
	out->state = state;
	out->certainty = certainty;
	out->impressions = j->attempt.impressions;
	out->sheets = j->attempt.sheets;
	out->copies = copies_of(j);
	out->created_s = j->row.stored_s;
	out->ended_s = mono_utc_s();
	/* Many printers never count: then the document's own pages stand in, and the record says so. */
	if (state == JOB_COMPLETED && out->impressions <= 0) {
		out->impressions = estimate;
		if (certainty == CERTAINTY_DEVICE)
			out->certainty = CERTAINTY_ESTIMATED;
	}
}

void job_end(struct job *j, enum job_state to, enum job_reason reason, const char *arg,
	enum record_certainty certainty)
{
	struct store_job row = j->row;
	struct store_attempt a = j->attempt;
	struct store_ledger_row ledger;
	bool sent = !job_is_free(j->row.state);

	row.state = to;
	row.reason = reason;
	snprintf(row.reason_arg, sizeof(row.reason_arg), "%s", arg ? arg : "");
	row.ended_s = mono_utc_s();
	if (sent) {
		job_ledger_row(j, to, certainty, &ledger);
		a.outcome = outcome_of(to);
		a.ended_s = row.ended_s;
	} else if (a.id && a.outcome == OUTCOME_OPEN) {
		/* Given up before the first octet; an empty job may be left there. */
		a.outcome = OUTCOME_NOTHING;
		a.cancel_wanted = true;
		a.ended_s = row.ended_s;
		sweep_orphan(j->engine, &a, j->row.owner);
	}
	job_journal(j, work_end, &row, a.id ? &a : NULL, sent ? &ledger : NULL, ended);
}
