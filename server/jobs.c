/* SPDX-License-Identifier: Apache-2.0 */
/* jobs - see jobs.h. Here: who may do what, reading, registering and changing; releasing and the end are in jobs-move.c,
 * the holder's turn in jobs-holder.c, rows in jobs-row.c. */
#include "jobs.h"

#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "delegates.h"
#include "events.h"
#include "jobs-private.h"

/* ---- words ---- */

int jobs_say(char why[JOBS_WHY_SIZE], int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, JOBS_WHY_SIZE, fmt, ap);
	va_end(ap);
	return status;
}

int jobs_trouble(char why[JOBS_WHY_SIZE], int rc)
{
	if (!rc) {
		*why = '\0';
		return IPP_STATUS_OK;
	}
	if (rc == -EBUSY)
		return jobs_say(why, IPP_STATUS_ERROR_BUSY,
			"Somebody else changed it at the same moment: try again");
	return jobs_say(why, IPP_STATUS_ERROR_SERVICE_UNAVAILABLE,
		"The server cannot store anything at the moment");
}

void jobs_who(const struct jobs_actor *who, char *out, size_t size)
{
	if (who->kind == JOBS_ADMIN)
		snprintf(out, size, "administrator %s", who->user);
	else if (who->kind == JOBS_MACHINE)
		snprintf(out, size, "%s at %s", who->user, who->machine);
	else
		snprintf(out, size, "%s", who->user);
}

bool jobs_user_uri(char *out, size_t size, const char *user)
{
	size_t used = (size_t)snprintf(out, size, "urn:stillprint:user:");

	for (; *user && used + 4 < size; user++) {
		unsigned char c = (unsigned char)*user;

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			strchr("-._~", c))
			out[used++] = (char)c;
		else
			used += (size_t)snprintf(out + used, size - used, "%%%02X", c);
	}
	if (used < size)
		out[used] = '\0';
	return !*user;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

bool jobs_user_from_uri(char *out, size_t size, const char *uri)
{
	static const char prefix[] = "urn:stillprint:user:";
	size_t used = 0;

	if (strncmp(uri, prefix, sizeof(prefix) - 1) != 0)
		return false;
	for (const char *p = uri + sizeof(prefix) - 1; *p; p++) {
		int c = (unsigned char)*p;

		if (*p == '%') {
			int high = hex_digit(p[1]), low = high < 0 ? -1 : hex_digit(p[2]);

			if (low < 0)
				return false;
			c = high << 4 | low;
			p += 2;
		}
		if (!c || used + 1 >= size)
			return false;
		out[used++] = (char)c;
	}
	out[used] = '\0';
	return used > 0 && text_is_clean(out);
}

/* ---- rights ---- */

static int is_allowed(struct app *app, const struct jobs_actor *who, const struct jobs_job *j,
	enum jobs_right right)
{
	bool owner = !strcmp(who->user, j->owner);

	switch (who->kind) {
	case JOBS_ADMIN:
		return right == JOBS_MAY_SEE || right == JOBS_MAY_RELEASE ||
		       right == JOBS_MAY_CANCEL;
	case JOBS_MACHINE:
		if (strcmp(who->machine, j->holder) != 0)
			return 0;
		return right == JOBS_MAY_DELIVER || right == JOBS_MAY_SEE || owner;
	case JOBS_PERSON:
		if (right == JOBS_MAY_DELIVER || !*who->user)
			return 0;
		if (owner)
			return 1;
		return right == JOBS_MAY_SEE || right == JOBS_MAY_RELEASE
			       ? delegates_is(app, j, who->user)
			       : 0;
	default:
		return 0;
	}
}

int jobs_find(struct app *app, const struct jobs_actor *who, int32_t id, enum jobs_right right,
	struct jobs_job *out, char why[JOBS_WHY_SIZE])
{
	int rc = jobs_row_get(&app->sql, id, out);

	*why = '\0';
	if (rc < 0)
		return jobs_trouble(why, rc);
	if (!rc)
		return jobs_say(why, IPP_STATUS_ERROR_NOT_FOUND, "There is no job %d", id);
	rc = is_allowed(app, who, out, right);
	if (rc < 0)
		return jobs_trouble(why, rc);
	if (!rc)
		return jobs_say(why, IPP_STATUS_ERROR_NOT_AUTHORIZED, "Job %d is not yours to %s",
			id,
			right == JOBS_MAY_SEE       ? "see"
			: right == JOBS_MAY_RELEASE ? "release"
			: right == JOBS_MAY_CHANGE  ? "change"
			: right == JOBS_MAY_CANCEL  ? "cancel"
						    : "deliver");
	return IPP_STATUS_OK;
}

int jobs_get(struct app *app, const struct jobs_actor *who, int32_t id, struct jobs_job *out,
	char why[JOBS_WHY_SIZE])
{
	int status = jobs_find(app, who, id, JOBS_MAY_SEE, out, why);

	if (who->kind == JOBS_ADMIN)
		out->title[0] = '\0';
	return status;
}

/* ---- lists ---- */

/* ?1 who, ?2 whom a machine speaks for, ?3 states or "", ?4 queue or "", ?5 first, ?6 how many, ?7 now. */
#define LIST(scope, which, order) \
	"SELECT " JOBS_COLUMNS " FROM job WHERE " scope " AND " which " AND ?7 = ?7" \
	" AND (?3 = '' OR instr(?3, state)) AND (?4 = '' OR queue = ?4) AND id >= ?5" \
	" ORDER BY " order " LIMIT ?6"
#define LISTS(scope) \
	{ \
		LIST(scope, "ended_ms = 0", "id"), LIST(scope, "ended_ms > 0", "ended_ms DESC"), \
			LIST(scope, "ended_ms >= 0", "id") \
	}
#define DELEGATED \
	"id IN (SELECT job_id FROM delegate WHERE user = ?1) OR owner IN (SELECT owner FROM standing" \
	" WHERE (delegate = ?1 OR delegate IN (SELECT ':' || group_name FROM account_member" \
	" WHERE account = ?1)) AND (until_s = 0 OR until_s * 1000 > ?7))"

static const char *const lists[4][3] = {
	LISTS("owner = ?1 AND ?2 = ?2"),
	LISTS("(owner = ?1 OR " DELEGATED ") AND ?2 = ?2"),
	LISTS("holder = ?1 AND (?2 = '' OR owner = ?2)"),
	LISTS("?1 = ?1 AND ?2 = ?2"),
};

static const char *list_text(const struct jobs_actor *who, const struct jobs_query *q)
{
	int scope = who->kind == JOBS_ADMIN ? 3 : who->kind == JOBS_MACHINE ? 2 : q->own ? 0 : 1;
	int which = q->which == JOBS_WHICH_COMPLETED ? 1 : q->which == JOBS_ALL ? 2 : 0;

	return lists[scope][which];
}

int jobs_list(struct app *app, const struct jobs_actor *who, const struct jobs_query *q,
	int (*fn)(void *arg, const struct jobs_job *job), void *arg)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	bool machine = who->kind == JOBS_MACHINE;
	const char *states = q->which == JOBS_PENDING_HELD ? "held"
			     : q->which == JOBS_FETCHABLE  ? "released claimed"
							   : "";
	const char *user = q->which == JOBS_FETCHABLE ? "" : who->user;
	int32_t limit = q->limit > 0 && q->limit < JOBS_LIST_MAX ? q->limit : JOBS_LIST_MAX;
	struct jobs_job job;
	int rc = sql_prepare(&app->sql, &stmt, list_text(who, q),
		VALUES(V_TEXT(machine ? who->machine : who->user), V_TEXT(machine ? user : ""),
			V_TEXT(states), V_TEXT(q->queue), V_NUM(q->first_id), V_NUM(limit),
			V_NUM(app->now_ms)));

	if (rc)
		return rc;
	while ((rc = sql_step(&app->sql, stmt)) > 0) {
		jobs_row_read(stmt, &job);
		if (who->kind == JOBS_ADMIN)
			job.title[0] = '\0';
		rc = fn(arg, &job);
		if (rc)
			return rc;
	}
	return rc;
}

/* ---- registering ---- */

static void digest_text(crypto_generichash_state *state, const char *text)
{
	/* With its end, so that no two texts flow together. */
	crypto_generichash_update(state, (const unsigned char *)text, strlen(text) + 1);
}

static void digest_number(crypto_generichash_state *state, int32_t n)
{
	unsigned char octets[4] = {(unsigned char)((uint32_t)n >> 24),
		(unsigned char)((uint32_t)n >> 16), (unsigned char)((uint32_t)n >> 8),
		(unsigned char)n};

	crypto_generichash_update(state, octets, sizeof(octets));
}

/* What must not be another when the same UUID comes again. */
static void make_digest(struct jobs_job *j)
{
	const struct jobs_ticket *t = &j->ticket;
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, sizeof(j->digest));
	digest_text(&state, j->queue);
	digest_text(&state, j->owner);
	digest_text(&state, j->title);
	digest_text(&state, j->format);
	digest_number(&state, j->k_octets);
	digest_number(&state, j->impressions);
	digest_number(&state, j->sheets);
	digest_number(&state, j->monochrome);
	digest_number(&state, j->color);
	digest_number(&state, t->copies);
	digest_text(&state, t->sides);
	digest_text(&state, t->media);
	digest_text(&state, t->color_mode);
	digest_number(&state, t->quality);
	digest_number(&state, t->finishings_count);
	for (int i = 0; i < t->finishings_count; i++)
		digest_number(&state, t->finishings[i]);
	digest_text(&state, j->account);
	digest_text(&state, j->accounting_user);
	if (j->verified)
		digest_text(&state, "verified");
	crypto_generichash_final(&state, j->digest, sizeof(j->digest));
}

static void take_identity(const struct jobs_actor *who, struct jobs_job *job)
{
	snprintf(job->owner, sizeof(job->owner), "%s", who->user);
	snprintf(job->holder, sizeof(job->holder), "%s", who->machine);
	make_digest(job);
}

int jobs_known(struct app *app, const struct jobs_actor *who, struct jobs_job *job,
	char why[JOBS_WHY_SIZE])
{
	struct jobs_job there;
	int rc;

	*why = '\0';
	take_identity(who, job);
	rc = jobs_row_by_uuid(&app->sql, job->uuid, &there);
	if (rc < 0)
		return jobs_trouble(why, rc);
	if (!rc)
		return 0;
	if (strcmp(there.holder, job->holder) != 0)
		return jobs_say(why, IPP_STATUS_ERROR_NOT_AUTHORIZED,
			"This job is registered by another machine");
	if (memcmp(there.digest, job->digest, sizeof(job->digest)) != 0)
		return jobs_say(why, IPP_STATUS_ERROR_CONFLICTING,
			"This job is registered as %d with other content", there.id);
	*job = there;
	return 1;
}

static int live_count(struct app *app, const char *text, const char *name, int64_t *out)
{
	int rc = sql_number(&app->sql, text, VALUES(V_TEXT(name)), out);

	return rc < 0 ? rc : 0;
}

static int check_limits(struct app *app, const struct jobs_job *job, char why[JOBS_WHY_SIZE])
{
	int64_t of_user = 0, of_machine = 0;
	int rc = live_count(app, "SELECT count(*) FROM job WHERE owner = ?1 AND ended_ms = 0",
		job->owner, &of_user);

	if (!rc)
		rc = live_count(app, "SELECT count(*) FROM job WHERE holder = ?1 AND ended_ms = 0",
			job->holder, &of_machine);
	if (rc)
		return jobs_trouble(why, rc);
	if (of_user >= app->config->jobs_per_user)
		return jobs_say(why, IPP_STATUS_ERROR_TOO_MANY_JOBS,
			"You have %lld jobs waiting: print or delete some first",
			(long long)of_user);
	if (of_machine >= JOBS_PER_MACHINE)
		return jobs_say(why, IPP_STATUS_ERROR_TOO_MANY_JOBS,
			"This computer has %lld jobs waiting: print or delete some first",
			(long long)of_machine);
	return IPP_STATUS_OK;
}

static void begin_life(struct app *app, struct jobs_job *job, const char *device)
{
	bool held = !*device;

	job->state = held ? JOBS_HELD : JOBS_RELEASED;
	job->incarnation = app->incarnation;
	job->epoch = held ? 0 : 1;
	job->created_ms = app->now_ms;
	job->expires_ms = app->now_ms + (int64_t)app->config->hold_max_s * 1000;
	job->due_ms = held ? job->expires_ms : app->now_ms + JOBS_CLAIM_MS;
	job->impressions_done = job->sheets_done = -1;
	snprintf(job->device, sizeof(job->device), "%s", device);
	snprintf(job->released_by, sizeof(job->released_by), "%s", held ? "" : job->owner);
}

static int add(struct app *app, struct jobs_job *job, const struct jobs_delegates *delegates)
{
	unsigned bits = EVENT_JOB_CREATED | EVENT_JOB_STATE;
	int rc = sql_enter(&app->sql);

	if (rc)
		return rc;
	rc = jobs_row_add(&app->sql, job);
	if (!rc && delegates && delegates->count > 0)
		rc = jobs_delegates_put(&app->sql, job->id, delegates);
	/* The holder knows already, from the reply. */
	if (!rc)
		rc = events_emit_job(app, bits, job, job->holder);
	return sql_leave(&app->sql, rc);
}

int jobs_create(struct app *app, const struct jobs_actor *who, struct jobs_job *job,
	const struct jobs_delegates *delegates, const char *device, bool dry,
	char why[JOBS_WHY_SIZE])
{
	int status;

	if (who->kind != JOBS_MACHINE || !*who->user)
		return jobs_say(why, IPP_STATUS_ERROR_NOT_AUTHORIZED,
			"Only an enrolled computer can register jobs, for a user");
	status = jobs_known(app, who, job, why);
	if (status)
		return status == 1 ? IPP_STATUS_OK : status;
	status = check_limits(app, job, why);
	if (status || dry)
		return status;
	begin_life(app, job, device);
	return jobs_trouble(why, add(app, job, delegates));
}

/* ---- changing ---- */

int jobs_set(struct app *app, const struct jobs_actor *who, int32_t id,
	const struct jobs_change *change, char why[JOBS_WHY_SIZE])
{
	struct jobs_job job;
	int status = jobs_find(app, who, id, JOBS_MAY_CHANGE, &job, why), rc;

	if (status)
		return status;
	if (job.state != JOBS_HELD)
		return jobs_say(why, IPP_STATUS_ERROR_NOT_POSSIBLE,
			"Job %d can be changed only while it is held", id);
	if (change->ticket)
		job.ticket = *change->ticket;
	if (change->title)
		snprintf(job.title, sizeof(job.title), "%s", change->title);
	rc = sql_enter(&app->sql);
	if (rc)
		return jobs_trouble(why, rc);
	rc = jobs_row_set(&app->sql, &job);
	if (!rc && change->delegates)
		rc = jobs_delegates_put(&app->sql, id, change->delegates);
	return jobs_trouble(why, sql_leave(&app->sql, rc));
}
