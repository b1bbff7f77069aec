/* SPDX-License-Identifier: Apache-2.0 */
/* store-attempt - the journal of deliveries: each step is here before it is done. */
#include <errno.h>
#include <string.h>

#include "base/mono.h"
#include "core/store-private.h"

enum { KEPT_VAIN = 20 };

#define ATTEMPT_COLUMNS \
	"id, job_id, number, kind, uri, is_server, encrypted, decided_by, remote_id, remote_uuid, remote_name," \
	" up_time_s, outcome, impressions, sheets, cancel_wanted, begun_s, sent_s, ended_s"

static void read_attempt(sqlite3_stmt *stmt, struct store_attempt *a)
{
	memset(a, 0, sizeof(*a));
	a->id = sqlite3_column_int64(stmt, 0);
	a->job_id = sqlite3_column_int(stmt, 1);
	a->number = sqlite3_column_int(stmt, 2);
	a->kind = (enum store_target_kind)sqlite3_column_int(stmt, 3);
	sql_text(stmt, 4, a->uri, sizeof(a->uri));
	a->is_server = sqlite3_column_int(stmt, 5);
	a->encrypted = sqlite3_column_int(stmt, 6);
	sql_text(stmt, 7, a->decided_by, sizeof(a->decided_by));
	a->remote_id = sqlite3_column_int(stmt, 8);
	sql_text(stmt, 9, a->remote_uuid, sizeof(a->remote_uuid));
	sql_text(stmt, 10, a->remote_name, sizeof(a->remote_name));
	a->up_time_s = sqlite3_column_int(stmt, 11);
	a->outcome = (enum store_outcome)sqlite3_column_int(stmt, 12);
	a->impressions = sqlite3_column_int(stmt, 13);
	a->sheets = sqlite3_column_int(stmt, 14);
	a->cancel_wanted = sqlite3_column_int(stmt, 15);
	a->begun_s = sqlite3_column_int64(stmt, 16);
	a->sent_s = sqlite3_column_int64(stmt, 17);
	a->ended_s = sqlite3_column_int64(stmt, 18);
}

static int insert_attempt(struct store *s, struct store_attempt *a)
{
	static const char sql[] =
		"INSERT INTO attempt (" ATTEMPT_COLUMNS ") VALUES (NULL, ?1, ?2, ?3, ?4, ?5,"
		" ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";
	int rc = sql_run(&s->sql, sql,
		VALUES(V_NUM(a->job_id), V_NUM(a->number), V_NUM(a->kind), V_TEXT(a->uri),
			V_NUM(a->is_server), V_NUM(a->encrypted), V_RAW(a->decided_by),
			V_NUM(a->remote_id), V_TEXT(a->remote_uuid), V_RAW(a->remote_name),
			V_NUM(a->up_time_s), V_NUM(a->outcome), V_NUM(a->impressions),
			V_NUM(a->sheets), V_NUM(a->cancel_wanted), V_NUM(a->begun_s),
			V_NUM(a->sent_s), V_NUM(a->ended_s)));

	if (!rc)
		a->id = sqlite3_last_insert_rowid(s->sql.db);
	return rc;
}

/* The number comes from the row, not from the caller: a fence never goes back. */
static int next_number(struct store *s, int32_t job_id, int32_t *out)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(
		&s->sql, &stmt, "SELECT attempt + 1 FROM job WHERE id = ?1", VALUES(V_NUM(job_id)));

	if (!rc)
		rc = sql_step(&s->sql, stmt);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return STORE_E_GONE;
	*out = sqlite3_column_int(stmt, 0);
	return 0;
}

/* Ends the writer's frame; what it changed in @job and @a shows to the caller only if it is kept. */
static int finish(struct store *s, int rc, struct store_job *job, const struct store_job *moved,
	struct store_attempt *a, const struct store_attempt *written)
{
	if (rc > 0)
		return sql_undo(&s->sql, rc);
	rc = sql_leave(&s->sql, rc);
	if (rc)
		return rc;
	*job = *moved;
	if (a)
		*a = *written;
	return 0;
}

/* A busy printer is asked again and again: what came to nothing, and left nothing there, is kept for a while only. */
static int forget_vain(struct store *s, const struct store_attempt *a)
{
	return sql_run(&s->sql,
		"DELETE FROM attempt WHERE job_id = ?1 AND number < ?2 AND outcome = ?3 AND cancel_wanted = 0",
		VALUES(V_NUM(a->job_id), V_NUM(a->number - KEPT_VAIN), V_NUM(OUTCOME_NOTHING)));
}

int store_attempt_begin(struct store *s, struct store_job *job, struct store_attempt *a)
{
	struct store_job moved = *job;
	struct store_attempt begun = *a;
	enum job_state from = job->state;
	int rc;

	if (from != JOB_PENDING && from != JOB_HELD)
		return -EINVAL;
	rc = sql_enter(&s->sql);
	if (rc)
		return rc;
	moved.state = JOB_CREATING;
	rc = next_number(s, job->id, &moved.attempt);
	if (!rc)
		rc = store_job_set(s, &moved, from);
	begun.job_id = job->id;
	begun.number = moved.attempt;
	begun.outcome = OUTCOME_OPEN;
	begun.begun_s = moved.since_s;
	begun.sent_s = begun.ended_s = 0;
	if (!rc)
		rc = insert_attempt(s, &begun);
	if (!rc)
		rc = forget_vain(s, &begun);
	return finish(s, rc, job, &moved, a, &begun);
}

int store_attempt_created(struct store *s, struct store_job *job, const struct store_attempt *a)
{
	static const char sql[] =
		"UPDATE attempt SET remote_id = ?2, remote_uuid = ?3, remote_name = ?4,"
		" up_time_s = ?5 WHERE id = ?1 AND job_id = ?6 AND outcome = 0";
	struct store_job moved = *job;
	int rc = sql_enter(&s->sql);

	if (rc)
		return rc;
	moved.state = JOB_CREATED;
	rc = store_job_set(s, &moved, JOB_CREATING);
	if (!rc)
		rc = sql_run(&s->sql, sql,
			VALUES(V_NUM(a->id), V_NUM(a->remote_id), V_TEXT(a->remote_uuid),
				V_RAW(a->remote_name), V_NUM(a->up_time_s), V_NUM(job->id)));
	if (!rc && sqlite3_changes(s->sql.db) != 1)
		rc = STORE_E_GONE;
	return finish(s, rc, job, &moved, NULL, NULL);
}

static int write_attempt(struct store *s, const struct store_attempt *a)
{
	static const char sql[] =
		"UPDATE attempt SET remote_uuid = ?2, outcome = ?3, impressions = ?4,"
		" sheets = ?5, cancel_wanted = ?6, sent_s = ?7, ended_s = ?8 WHERE id = ?1";
	int rc = sql_run(&s->sql, sql,
		VALUES(V_NUM(a->id), V_TEXT(a->remote_uuid), V_NUM(a->outcome),
			V_NUM(a->impressions), V_NUM(a->sheets), V_NUM(a->cancel_wanted),
			V_NUM(a->sent_s), V_NUM(a->ended_s)));

	return rc ? rc : sqlite3_changes(s->sql.db) == 1 ? 0 : STORE_E_GONE;
}

int store_attempt_close(struct store *s, struct store_attempt *a)
{
	if (a->outcome <= OUTCOME_OPEN || a->outcome > OUTCOME_UNKNOWN)
		return -EINVAL;
	if (!a->ended_s)
		a->ended_s = mono_utc_s();
	return write_attempt(s, a);
}

int store_attempt_end(
	struct store *s, struct store_job *job, enum job_state from, struct store_attempt *a)
{
	struct store_job moved = *job;
	struct store_attempt ended = *a;
	int rc;

	if (job_is_final(job->state) || a->job_id != job->id)
		return -EINVAL;
	rc = sql_enter(&s->sql);
	if (rc)
		return rc;
	rc = store_job_set(s, &moved, from);
	if (!rc)
		rc = store_attempt_close(s, &ended);
	return finish(s, rc, job, &moved, a, &ended);
}

int store_attempt_update(struct store *s, const struct store_attempt *a)
{
	int rc = sql_enter(&s->sql);

	if (rc)
		return rc;
	rc = write_attempt(s, a);
	return rc > 0 ? sql_undo(&s->sql, rc) : sql_leave(&s->sql, rc);
}

int store_attempt_each(struct store *s, int32_t job_id,
	int (*fn)(void *arg, const struct store_attempt *a), void *arg)
{
	static const char open_sql[] = "SELECT " ATTEMPT_COLUMNS " FROM attempt"
				       " WHERE outcome = 0 OR cancel_wanted <> 0 ORDER BY id";
	static const char job_sql[] =
		"SELECT " ATTEMPT_COLUMNS " FROM attempt WHERE job_id = ?1 ORDER BY number";
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = job_id ? sql_prepare(&s->sql, &stmt, job_sql, VALUES(V_NUM(job_id)))
			: sql_prepare(&s->sql, &stmt, open_sql, NULL);

	if (rc)
		return rc;
	while ((rc = sql_step(&s->sql, stmt)) > 0) {
		struct store_attempt a;

		read_attempt(stmt, &a);
		rc = fn(arg, &a);
		if (rc)
			return rc;
	}
	return rc;
}
