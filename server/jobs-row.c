/* SPDX-License-Identifier: Apache-2.0 */
/* jobs-row - the tables of jobs, and a row as a struct. docs/server.md explains them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "events.h"
#include "jobs-private.h"

enum { HELD_AGAIN_MS = 3600 * 1000 };

/* No STRICT (SQLite before 3.37); AUTOINCREMENT, so that a freed number never names someone else's document. */
const char db_jobs[] =
	"CREATE TABLE setting (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE audit ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, event TEXT NOT NULL,"
	" who TEXT NOT NULL, decided_by TEXT NOT NULL, job_id INTEGER NOT NULL, detail TEXT NOT NULL);"
	"CREATE INDEX audit_job ON audit (job_id) WHERE job_id > 0;"
	"CREATE TABLE job ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE, queue TEXT NOT NULL,"
	" holder TEXT NOT NULL, owner TEXT NOT NULL, title TEXT NOT NULL,"
	" digest BLOB NOT NULL CHECK (length(digest) = 32), format TEXT NOT NULL, k_octets INTEGER NOT NULL,"
	" impressions INTEGER NOT NULL, sheets INTEGER NOT NULL, monochrome INTEGER NOT NULL,"
	" color INTEGER NOT NULL, copies INTEGER NOT NULL, sides TEXT NOT NULL, media TEXT NOT NULL,"
	" color_mode TEXT NOT NULL, quality INTEGER NOT NULL, finishings TEXT NOT NULL,"
	" account TEXT NOT NULL, accounting_user TEXT NOT NULL, created_ms INTEGER NOT NULL,"
	" state TEXT NOT NULL CHECK (state IN ('held', 'released', 'claimed', 'sending', 'canceling', 'doubt',"
	"  'completed', 'canceled', 'aborted')),"
	" device_state INTEGER NOT NULL, device_reasons TEXT NOT NULL, message TEXT NOT NULL,"
	" incarnation INTEGER NOT NULL, epoch INTEGER NOT NULL, attempt INTEGER NOT NULL,"
	" closed_attempt INTEGER NOT NULL, device TEXT NOT NULL, released_by TEXT NOT NULL,"
	" diverted TEXT NOT NULL, due_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,"
	" processing_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, lapsed INTEGER NOT NULL,"
	" ended_by_holder INTEGER NOT NULL, impressions_done INTEGER NOT NULL, sheets_done INTEGER NOT NULL);"
	"CREATE INDEX job_owner ON job (owner, ended_ms);"
	"CREATE INDEX job_holder ON job (holder, ended_ms);"
	"CREATE INDEX job_due ON job (due_ms);"
	"CREATE TABLE delegate ("
	" user TEXT NOT NULL, job_id INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,"
	" PRIMARY KEY (user, job_id)) WITHOUT ROWID;"
	"CREATE INDEX delegate_job ON delegate (job_id);";
const char db_jobs_2[] = "ALTER TABLE job ADD COLUMN verified INTEGER NOT NULL DEFAULT 0;";

static void read_finishings(struct jobs_ticket *t, const char *text)
{
	char *end;

	t->finishings_count = 0;
	while (*text && t->finishings_count < JOBS_FINISHINGS_MAX) {
		t->finishings[t->finishings_count++] = (int32_t)strtol(text, &end, 10);
		text = end + (*end == ' ');
	}
}

static void finishings_text(const struct jobs_ticket *t, char *out, size_t size)
{
	size_t used = 0;

	*out = '\0';
	for (int i = 0; i < t->finishings_count && used < size; i++)
		used += (size_t)snprintf(
			out + used, size - used, "%s%d", i ? " " : "", t->finishings[i]);
}

#define NUMBER(field) (out->field = (__typeof__(out->field))sqlite3_column_int64(stmt, c++))
#define TEXT(field) sql_text(stmt, c++, out->field, sizeof(out->field))

void jobs_row_read(sqlite3_stmt *stmt, struct jobs_job *out)
{
	char text[128];
	int c = 0;

	NUMBER(id), TEXT(uuid), TEXT(queue), TEXT(holder), TEXT(owner), TEXT(title);
	sql_octets(stmt, c++, out->digest, sizeof(out->digest));
	TEXT(format), NUMBER(k_octets), NUMBER(impressions), NUMBER(sheets);
	NUMBER(monochrome), NUMBER(color), NUMBER(ticket.copies);
	TEXT(ticket.sides), TEXT(ticket.media), TEXT(ticket.color_mode), NUMBER(ticket.quality);
	sql_text(stmt, c++, text, sizeof(text));
	read_finishings(&out->ticket, text);
	TEXT(account), TEXT(accounting_user), NUMBER(created_ms);
	sql_text(stmt, c++, text, sizeof(text));
	out->state = jobs_state_from_name(text);
	NUMBER(device_state), TEXT(device_reasons), TEXT(message), NUMBER(incarnation);
	NUMBER(epoch), NUMBER(attempt), NUMBER(closed_attempt), TEXT(device), TEXT(released_by);
	TEXT(diverted), NUMBER(due_ms), NUMBER(expires_ms), NUMBER(processing_ms);
	NUMBER(ended_ms), NUMBER(lapsed), NUMBER(ended_by_holder), NUMBER(impressions_done);
	NUMBER(sheets_done), NUMBER(verified);
}

static int get_one(
	struct sql *s, const char *text, const struct value *values, struct jobs_job *out)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(s, &stmt, text, values);

	if (!rc)
		rc = sql_step(s, stmt);
	if (rc > 0)
		jobs_row_read(stmt, out);
	return rc;
}

int jobs_row_get(struct sql *s, int32_t id, struct jobs_job *out)
{
	return get_one(s, "SELECT " JOBS_COLUMNS " FROM job WHERE id = ?1", VALUES(V_NUM(id)), out);
}

int jobs_row_by_uuid(struct sql *s, const char *uuid, struct jobs_job *out)
{
	return get_one(
		s, "SELECT " JOBS_COLUMNS " FROM job WHERE uuid = ?1", VALUES(V_TEXT(uuid)), out);
}

int jobs_row_add(struct sql *s, struct jobs_job *j)
{
	char finishings[128];
	int rc;

	finishings_text(&j->ticket, finishings, sizeof(finishings));
	rc = sql_run(s,
		"INSERT INTO job (" JOBS_COLUMNS
		") VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
		" ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, 0, '', '', ?23, ?24,"
		" ?25, 0, ?26, ?27, '', ?28, ?29, 0, 0, 0, 0, -1, -1, ?30)",
		VALUES(V_TEXT(j->uuid), V_TEXT(j->queue), V_TEXT(j->holder), V_TEXT(j->owner),
			V_TEXT(j->title), V_BLOB(j->digest, sizeof(j->digest)), V_TEXT(j->format),
			V_NUM(j->k_octets), V_NUM(j->impressions), V_NUM(j->sheets),
			V_NUM(j->monochrome), V_NUM(j->color), V_NUM(j->ticket.copies),
			V_TEXT(j->ticket.sides), V_TEXT(j->ticket.media),
			V_TEXT(j->ticket.color_mode), V_NUM(j->ticket.quality), V_TEXT(finishings),
			V_TEXT(j->account), V_TEXT(j->accounting_user), V_NUM(j->created_ms),
			V_TEXT(jobs_state_name(j->state)), V_NUM(j->incarnation), V_NUM(j->epoch),
			V_NUM(j->attempt), V_TEXT(j->device), V_TEXT(j->released_by),
			V_NUM(j->due_ms), V_NUM(j->expires_ms), V_NUM(j->verified)));
	if (!rc)
		j->id = (int32_t)sqlite3_last_insert_rowid(s->db);
	return rc;
}

int jobs_row_set(struct sql *s, const struct jobs_job *j)
{
	char finishings[128];

	finishings_text(&j->ticket, finishings, sizeof(finishings));
	return sql_run(s,
		"UPDATE job SET copies = ?2, sides = ?3, media = ?4, color_mode = ?5, quality = ?6,"
		" finishings = ?7, title = ?8 WHERE id = ?1",
		VALUES(V_NUM(j->id), V_NUM(j->ticket.copies), V_TEXT(j->ticket.sides),
			V_TEXT(j->ticket.media), V_TEXT(j->ticket.color_mode),
			V_NUM(j->ticket.quality), V_TEXT(finishings), V_TEXT(j->title)));
}

/* ---- delegates ---- */

int jobs_delegates(struct app *app, int32_t id, struct jobs_delegates *out)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&app->sql, &stmt,
		"SELECT user FROM delegate WHERE job_id = ?1 ORDER BY user", VALUES(V_NUM(id)));

	out->count = 0;
	if (rc)
		return rc;
	while ((rc = sql_step(&app->sql, stmt)) > 0 && out->count < JOBS_DELEGATES_MAX)
		sql_text(stmt, 0, out->user[out->count++], sizeof(out->user[0]));
	return rc < 0 ? rc : 0;
}

int jobs_delegates_put(struct sql *s, int32_t id, const struct jobs_delegates *d)
{
	int rc = sql_run(s, "DELETE FROM delegate WHERE job_id = ?1", VALUES(V_NUM(id)));

	for (int i = 0; !rc && i < d->count; i++)
		rc = sql_run(s, "INSERT OR IGNORE INTO delegate (user, job_id) VALUES (?1, ?2)",
			VALUES(V_TEXT(d->user[i]), V_NUM(id)));
	return rc;
}

/* ---- states ---- */

static int64_t due_ms(const struct app *app, const struct jobs_job *j)
{
	int64_t retention_ms = (int64_t)app->config->retention_s * 1000;

	if (jobs_is_over(j->state))
		return j->ended_ms + retention_ms;
	if (j->lapsed || j->state == JOBS_DOUBT)
		return app->now_ms + retention_ms; /* nobody will ever tell */
	if (j->state == JOBS_HELD)
		return j->expires_ms;
	return app->now_ms + (j->state == JOBS_RELEASED ? JOBS_CLAIM_MS : JOBS_LEASE_MS);
}

static unsigned event_bits(const struct jobs_job *j, enum jobs_state from)
{
	if (jobs_is_over(j->state))
		return EVENT_JOB_COMPLETED | EVENT_JOB_STATE;
	if (j->state == JOBS_RELEASED && from != JOBS_RELEASED)
		return EVENT_JOB_FETCHABLE | EVENT_JOB_STATE;
	return EVENT_JOB_STATE;
}

/* Does a reader of the job see another state than before? Else it was a heartbeat, or progress. */
static bool shows_otherwise(const struct jobs_job *then, const struct jobs_job *now)
{
	return then->state != now->state || then->lapsed != now->lapsed ||
	       jobs_ipp_state(then) != jobs_ipp_state(now) ||
	       strcmp(then->device_reasons, now->device_reasons) != 0 ||
	       strcmp(then->message, now->message) != 0;
}

/* SQLite writes an index anew whose column is named, changed or not: two of them have ended_ms. */
static int write_end(struct sql *s, const struct jobs_job *j)
{
	return sql_change(s, "UPDATE job SET ended_ms = ?2 WHERE id = ?1",
		VALUES(V_NUM(j->id), V_NUM(j->ended_ms)));
}

static int write_move(struct sql *s, const struct jobs_job *j, enum jobs_state from)
{
	return sql_change(s,
		"UPDATE job SET state = ?3, device_state = ?4, device_reasons = ?5, message = ?6,"
		" incarnation = ?7, epoch = ?8, attempt = ?9, closed_attempt = ?10, device = ?11,"
		" released_by = ?12, diverted = ?13, due_ms = ?14, expires_ms = ?15, processing_ms = ?16,"
		" lapsed = ?17, ended_by_holder = ?18, impressions_done = ?19, sheets_done = ?20"
		" WHERE id = ?1 AND state = ?2",
		VALUES(V_NUM(j->id), V_TEXT(jobs_state_name(from)),
			V_TEXT(jobs_state_name(j->state)), V_NUM(j->device_state),
			V_TEXT(j->device_reasons), V_TEXT(j->message), V_NUM(j->incarnation),
			V_NUM(j->epoch), V_NUM(j->attempt), V_NUM(j->closed_attempt),
			V_TEXT(j->device), V_TEXT(j->released_by), V_TEXT(j->diverted),
			V_NUM(j->due_ms), V_NUM(j->expires_ms), V_NUM(j->processing_ms),
			V_NUM(j->lapsed), V_NUM(j->ended_by_holder), V_NUM(j->impressions_done),
			V_NUM(j->sheets_done)));
}

int jobs_move(
	struct app *app, struct jobs_job *job, const struct jobs_job *then, const char *acting)
{
	int rc;

	if (job->state != then->state && !jobs_may_move(then->state, job->state))
		return -EINVAL;
	if (job->state == JOBS_SENDING && !job->processing_ms)
		job->processing_ms = app->now_ms;
	if (jobs_is_over(job->state) && !job->ended_ms)
		job->ended_ms = app->now_ms;
	if (jobs_is_over(job->state))
		job->lapsed = false;
	/* Its user was at it just now: it does not expire under his hands. */
	if (job->state == JOBS_HELD && job->expires_ms < app->now_ms + HELD_AGAIN_MS &&
		then->state != JOBS_HELD)
		job->expires_ms = app->now_ms + HELD_AGAIN_MS;
	job->due_ms = due_ms(app, job);
	rc = write_move(&app->sql, job, then->state);
	if (!rc && job->ended_ms != then->ended_ms)
		rc = write_end(&app->sql, job);
	if (rc)
		return rc > 0 ? -EBUSY : rc;
	if (shows_otherwise(then, job))
		return events_emit_job(app, event_bits(job, then->state), job, acting);
	if (then->impressions_done != job->impressions_done)
		return events_emit_job(app, EVENT_JOB_PROGRESS, job, acting);
	return 0;
}
