/* SPDX-License-Identifier: Apache-2.0 */
/* jobs-move - releasing, holding, canceling, and what time does to jobs by itself. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "accounts.h"
#include "events.h"
#include "jobs-private.h"
#include "printers.h"

enum { TICK_MAX = 500 };

static const char *acting(const struct jobs_actor *who)
{
	return who->kind == JOBS_MACHINE ? who->machine : "";
}

/* A move and its audit line, both or none. */
static int move_and_tell(struct app *app, const struct jobs_actor *who, struct jobs_job *job,
	const struct jobs_job *then, const char *event, char why[JOBS_WHY_SIZE])
{
	char name[400];
	int rc = sql_enter(&app->sql);

	if (rc)
		return jobs_trouble(why, rc);
	jobs_who(who, name, sizeof(name));
	rc = jobs_move(app, job, then, acting(who));
	if (!rc)
		rc = audit_add(app, event, name, name, job->id, job->device);
	return jobs_trouble(why, sql_leave(&app->sql, rc));
}

/* A delegate does not print for one whose account was closed. */
static int owner_may_print(struct app *app, const struct jobs_actor *who,
	const struct jobs_job *job, char why[JOBS_WHY_SIZE])
{
	int rc = who->kind != JOBS_PERSON || !strcmp(who->user, job->owner)
			 ? 1
			 : accounts_may_print(
				   &app->sql, job->owner, app->config->accept_unknown_users);

	if (rc < 0)
		return jobs_trouble(why, rc);
	return rc ? IPP_STATUS_OK
		  : jobs_say(why, IPP_STATUS_ERROR_NOT_AUTHORIZED,
			    "Job %d is of somebody who may not print here any more", job->id);
}

/* What a queue does not offer is refused, whoever asks by whatever way. */
static int may_go_to(
	struct app *app, const struct jobs_job *job, const char *device, char why[JOBS_WHY_SIZE])
{
	char names[JOBS_WHY_SIZE / 2];
	struct printers_queue q;
	int rc = printers_queue(&app->sql, job->queue, &q);

	if (rc)
		return rc < 0 ? jobs_trouble(why, rc) : IPP_STATUS_OK;
	rc = printers_offers(&app->sql, &q, device);
	if (rc)
		return rc < 0 ? jobs_trouble(why, rc) : IPP_STATUS_OK;
	rc = printers_offered_names(&app->sql, &q, names, sizeof(names));
	if (rc)
		return jobs_trouble(why, rc);
	return jobs_say(why, IPP_STATUS_ERROR_NOT_POSSIBLE, "%s does not print there, but at: %s",
		q.name, *names ? names : "no device at present");
}

int jobs_release(struct app *app, const struct jobs_actor *who, int32_t id, const char *device,
	char why[JOBS_WHY_SIZE])
{
	struct jobs_job job, then;
	int status = jobs_find(app, who, id, JOBS_MAY_RELEASE, &job, why);

	if (!status)
		status = owner_may_print(app, who, &job, why);
	if (status)
		return status;
	if (job.state != JOBS_HELD)
		return jobs_say(why, IPP_STATUS_ERROR_NOT_POSSIBLE,
			jobs_is_over(job.state) ? "Job %d is over" : "Job %d is released already",
			id);
	status = may_go_to(app, &job, device, why);
	if (status)
		return status;
	then = job;
	job.state = JOBS_RELEASED;
	job.incarnation = app->incarnation;
	job.epoch++;
	job.device_state = 0;
	job.device_reasons[0] = job.message[0] = job.diverted[0] = '\0';
	job.lapsed = false;
	snprintf(job.device, sizeof(job.device), "%s", device);
	snprintf(job.released_by, sizeof(job.released_by), "%s",
		who->kind == JOBS_ADMIN ? "" : who->user);
	return move_and_tell(app, who, &job, &then, "job-released", why);
}

int jobs_hold(struct app *app, const struct jobs_actor *who, int32_t id, char why[JOBS_WHY_SIZE])
{
	struct jobs_job job, then;
	int status = jobs_find(app, who, id, JOBS_MAY_RELEASE, &job, why);

	if (status || job.state == JOBS_HELD)
		return status;
	if (job.state != JOBS_RELEASED)
		return jobs_say(why, IPP_STATUS_ERROR_NOT_POSSIBLE,
			jobs_is_over(job.state) ? "Job %d is over" : "Job %d is being printed", id);
	then = job;
	job.state = JOBS_HELD;
	job.device[0] = job.released_by[0] = '\0';
	return move_and_tell(app, who, &job, &then, "job-held", why);
}

/* ---- canceling ---- */

static int cancel(struct app *app, const struct jobs_actor *who, struct jobs_job *job,
	char why[JOBS_WHY_SIZE])
{
	struct jobs_job then = *job;
	bool at_once = job->state == JOBS_HELD || job->state == JOBS_RELEASED;

	job->state = at_once ? JOBS_CANCELED : JOBS_CANCELING;
	snprintf(job->message, sizeof(job->message), "%s",
		who->kind == JOBS_ADMIN ? "Canceled by the administrator" : "Canceled by its user");
	return move_and_tell(app, who, job, &then, "job-canceled", why);
}

int jobs_cancel(struct app *app, const struct jobs_actor *who, int32_t id, char why[JOBS_WHY_SIZE])
{
	struct jobs_job job;
	int status = jobs_find(app, who, id, JOBS_MAY_CANCEL, &job, why);

	if (status)
		return status;
	if (jobs_is_over(job.state))
		return jobs_say(why, IPP_STATUS_ERROR_NOT_POSSIBLE, "Job %d is over", id);
	if (job.state == JOBS_CANCELING)
		return jobs_say(
			why, IPP_STATUS_ERROR_NOT_POSSIBLE, "Job %d is being canceled already", id);
	return cancel(app, who, &job, why);
}

struct ids {
	int32_t id[JOBS_LIST_MAX];
	int count;
};

static int collect(void *arg, const struct jobs_job *job)
{
	struct ids *ids = arg;

	if (job->state != JOBS_CANCELING)
		ids->id[ids->count++] = job->id;
	return 0;
}

int jobs_cancel_mine(struct app *app, const struct jobs_actor *who, const char *queue, int *count,
	char why[JOBS_WHY_SIZE])
{
	struct jobs_query q = {.which = JOBS_NOT_COMPLETED, .queue = queue, .own = true};
	struct ids ids = {0};
	int rc, status = IPP_STATUS_OK;

	*why = '\0';
	if (!*who->user)
		return jobs_say(why, IPP_STATUS_ERROR_BAD_REQUEST, "Whose jobs?");
	/* Listed first: a statement that reads must not meet its own changes. */
	rc = jobs_list(app, who, &q, collect, &ids);
	if (rc)
		return jobs_trouble(why, rc);
	for (int i = 0; i < ids.count && !status; i++)
		status = jobs_cancel(app, who, ids.id[i], why);
	if (count)
		*count = ids.count;
	return status;
}

/* ---- time ---- */

static int held_again(struct app *app, struct jobs_job *job, const char *message)
{
	struct jobs_job then = *job;

	job->state = JOBS_HELD;
	job->closed_attempt = job->attempt;
	job->device_state = 0;
	job->device_reasons[0] = job->device[0] = '\0';
	snprintf(job->message, sizeof(job->message), "%s", message);
	return jobs_move(app, job, &then, "");
}

static int ended(struct app *app, struct jobs_job *job, const char *event, const char *message)
{
	struct jobs_job then = *job;
	int rc;

	job->state = JOBS_ABORTED;
	snprintf(job->message, sizeof(job->message), "%s", message);
	rc = jobs_move(app, job, &then, "");
	return rc ? rc : audit_add(app, event, job->owner, "server", job->id, "");
}

static int lapse(struct app *app, struct jobs_job *job)
{
	struct jobs_job then = *job;

	if (job->state == JOBS_CLAIMED)
		return held_again(app, job,
			"The computer that holds the document took the job and fell silent");
	if (job->lapsed || job->state == JOBS_DOUBT)
		return ended(app, job, "job-given-up",
			"The computer that holds the document was not heard of again");
	job->lapsed = true;
	return jobs_move(app, job, &then, "");
}

static int due(struct app *app, int32_t id)
{
	struct jobs_job job;
	int rc = jobs_row_get(&app->sql, id, &job);

	if (rc <= 0)
		return rc;
	if (jobs_is_over(job.state))
		return sql_run(&app->sql, "DELETE FROM job WHERE id = ?1", VALUES(V_NUM(id)));
	if (job.state == JOBS_HELD)
		return ended(app, &job, "job-expired", "It was not released in time");
	if (job.state == JOBS_RELEASED)
		return held_again(app, &job,
			"The computer that holds the document did not answer: is it switched on?");
	return lapse(app, &job);
}

/* A server that was away could not hear anybody: nobody is late for that. */
static int forgive(struct app *app)
{
	return sql_run(&app->sql,
		"UPDATE job SET due_ms = ?1 WHERE due_ms < ?1 AND lapsed = 0"
		" AND state IN ('released', 'claimed', 'sending', 'canceling')",
		VALUES(V_NUM(app->now_ms + JOBS_LEASE_MS)));
}

void jobs_tick(struct app *app)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int32_t id[TICK_MAX];
	int count = 0, rc = 0;

	if (!app->forgiven)
		rc = forgive(app);
	app->forgiven = app->forgiven || !rc;
	if (!rc)
		rc = sql_prepare(&app->sql, &stmt,
			"SELECT id FROM job WHERE due_ms <= ?1 ORDER BY due_ms LIMIT ?2",
			VALUES(V_NUM(app->now_ms), V_NUM(TICK_MAX)));
	while (!rc && count < TICK_MAX && sql_step(&app->sql, stmt) > 0)
		id[count++] = sqlite3_column_int(stmt, 0);
	if (stmt)
		sqlite3_reset(stmt);
	for (int i = 0; i < count; i++) {
		rc = sql_enter(&app->sql);
		/* One that fails is tried again in a second, and the others are not kept from it. */
		if (!rc)
			sql_leave(&app->sql, due(app, id[i]));
	}
}
