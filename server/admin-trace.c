/* SPDX-License-Identifier: Apache-2.0 */
/* admin-trace - `trace JOB` and `audit`: what happened, and who did it. Titles are not shown: they are their owners'. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "admin.h"
#include "jobs.h"

/* ---- audit lines ---- */

#define AUDIT_COLUMNS "at_ms, job_id, event, who, decided_by, about, detail"

static int audit_rows(struct admin *a, sqlite3_stmt *stmt, struct json_object *rows)
{
	int rc;

	while ((rc = sql_step(&a->app.sql, stmt)) == 1) {
		static const char *const fields[] = {
			"event", "who", "decided_by", "about", "detail"};
		struct json_object *row = json_object_new_object();
		int64_t at_s = sqlite3_column_int64(stmt, 0) / 1000;
		int job = sqlite3_column_int(stmt, 1);
		char value[5][512];

		admin_set_number(row, "at", at_s);
		admin_set_number(row, "job", job);
		for (int i = 0; i < 5; i++) {
			sql_text(stmt, i + 2, value[i], sizeof(value[i]));
			admin_set(row, fields[i], value[i]);
		}
		json_object_array_add(rows, row);
		admin_say(a, "%s  %-20s %s", admin_time(at_s), admin_safe(value[0]),
			admin_safe(value[1]));
		if (job)
			admin_say(a, " job %d", job);
		if (*value[2])
			admin_say(a, " (%s)", admin_safe(value[2]));
		admin_say(a, "%s%s%s%s\n", *value[3] ? " " : "", admin_safe(value[3]),
			*value[4] ? ": " : "", admin_safe(value[4]));
	}
	return rc;
}

/* A day or time, or a span back from now. Milliseconds, -1 if it is none. */
static int64_t back(const char *text)
{
	int64_t span = admin_seconds(text), at_s = span > 0 ? time(NULL) - span : admin_when(text);

	return at_s < 0 ? -1 : at_s * 1000;
}

struct choice {
	const char *user, *event;
	int64_t from_ms, to_ms, limit;
};

/* A person's numbers first, then one walk back over the lines. */
static int choose(struct admin *a, const struct choice *c, sqlite3_stmt **stmt)
{
	return sql_prepare(&a->app.sql, stmt,
		"WITH named AS (SELECT id, name FROM audit_name WHERE name = ?1 OR"
		" substr(name, 1, length(?1) + 4) = ?1 || ' at ')"
		" SELECT " AUDIT_COLUMNS " FROM audit_line WHERE id IN (SELECT id FROM audit WHERE"
		" (?1 = '' OR who_id IN (SELECT id FROM named) OR about_id IN (SELECT id FROM named))"
		" AND event >= ?2 AND event < ?2 || x'ff' AND at_ms BETWEEN ?3 AND ?4"
		" ORDER BY id DESC LIMIT ?5) ORDER BY id",
		VALUES(V_TEXT(c->user), V_TEXT(c->event), V_NUM(c->from_ms), V_NUM(c->to_ms),
			V_NUM(c->limit)));
}

static int list_audit(struct admin *a, const struct choice *c)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	struct json_object *answer = json_object_new_object(), *rows = json_object_new_array();
	int rc = choose(a, c, &stmt);

	json_object_object_add(answer, "audit", rows);
	if (!rc)
		rc = audit_rows(a, stmt, rows);
	if (rc) {
		json_object_put(answer);
		return admin_errno(a, "audit", rc);
	}
	admin_answer(a, answer);
	return ADMIN_DONE;
}

int admin_audit_list(struct admin *a, int argc, char **argv)
{
	const char *limit = "100", *since = NULL, *until = NULL, *operands[ADMIN_OPERANDS_MAX];
	struct choice c = {.user = "", .event = ""};
	const struct admin_option options[] = {{"limit", &limit, NULL}, {"user", &c.user, NULL},
		{"event", &c.event, NULL}, {"since", &since, NULL}, {"until", &until, NULL},
		{NULL}};
	int status = 0, n = admin_parse(a, argc, argv, options, operands, &status), rc;

	if (n)
		return n < 0 ? status : admin_fail(a, ADMIN_USAGE, "audit takes no words");
	c.limit = atoi(limit);
	c.from_ms = since ? back(since) : 0;
	c.to_ms = until ? back(until) : INT64_MAX;
	if (c.limit < 1)
		return admin_fail(a, ADMIN_USAGE, "--limit is a number");
	if (c.from_ms < 0 || c.to_ms < 0)
		return admin_fail(a, ADMIN_USAGE,
			"--since and --until take a day or a time (2026-11-01, 2026-11-23T17:30), or how long ago (2d)");
	rc = admin_open(a);
	return rc ? rc : list_audit(a, &c);
}

/* ---- one job ---- */

static int find_job(
	struct admin *a, const char *word, struct jobs_job *out, char why[JOBS_WHY_SIZE])
{
	struct jobs_actor who = {.kind = JOBS_ADMIN, .user = a->who, .machine = ""};
	int64_t id = 0;
	int rc = sql_number(&a->app.sql,
		"SELECT id FROM job WHERE uuid IN (?1, 'urn:uuid:' || ?1) OR id = ?2",
		VALUES(V_TEXT(word), V_NUM(atoll(*word == '#' ? word + 1 : word))), &id);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return 1;
	return jobs_get(&a->app, &who, (int32_t)id, out, why) ? 1 : 0;
}

static void show_job(struct admin *a, const struct jobs_job *j, struct json_object *out)
{
	char reasons[JOBS_REASONS_MAX][JOBS_REASON_SIZE];
	int n = jobs_reasons(j, reasons);
	struct json_object *list = json_object_new_array();

	admin_set_number(out, "id", j->id);
	admin_set(out, "uuid", j->uuid);
	admin_set(out, "queue", j->queue);
	admin_set(out, "owner", j->owner);
	admin_set_flag(out, "owner_verified", j->verified);
	admin_set(out, "holder", j->holder);
	admin_set_number(out, "state", jobs_ipp_state(j));
	admin_set_number(out, "created", j->created_ms / 1000);
	admin_set_number(out, "ended", j->ended_ms / 1000);
	admin_set_number(out, "epoch", j->epoch);
	admin_set_number(out, "attempt", j->attempt);
	admin_set(out, "device", j->device);
	admin_set(out, "released_by", j->released_by);
	admin_set(out, "message", j->message);
	admin_set_number(out, "impressions_completed", j->impressions_done);
	admin_say(a,
		"Job %d  %s\nQueue %s, owner %s (%s), held by %s\nCreated %s, ended %s\nState %d:",
		j->id, j->uuid, admin_safe(j->queue), admin_safe(j->owner),
		j->verified ? "verified" : "claimed", j->holder, admin_time(j->created_ms / 1000),
		admin_time(j->ended_ms / 1000), (int)jobs_ipp_state(j));
	for (int i = 0; i < n; i++) {
		json_object_array_add(list, json_object_new_string(reasons[i]));
		admin_say(a, " %s", reasons[i]);
	}
	json_object_object_add(out, "reasons", list);
	admin_say(a, "%s%s\nRelease %d (attempt %d)%s%s%s%s\n\n", *j->message ? "; " : "",
		admin_safe(j->message), (int)j->epoch, (int)j->attempt, *j->device ? " to " : "",
		j->device, *j->released_by ? " by " : "", admin_safe(j->released_by));
}

static int show_audit(struct admin *a, int32_t id, struct json_object *rows)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&a->app.sql, &stmt,
		"SELECT " AUDIT_COLUMNS
		" FROM audit_line WHERE job_id = ?1 AND job_id > 0 ORDER BY id",
		VALUES(V_NUM(id)));

	return rc ? rc : audit_rows(a, stmt, rows);
}

static int show_records(struct admin *a, const char *uuid, struct json_object *rows)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&a->app.sql, &stmt,
		"SELECT r.received_ms, r.state, r.certainty, r.impressions, r.sheets, r.copies, r.target, r.attempt,"
		" r.id IN (SELECT record_id FROM ledger_print), coalesce(l.released_by, ''), coalesce(l.pays, 0)"
		" FROM ledger_record r LEFT JOIN ledger_release l ON r.diverted = 0 AND l.id = (SELECT max(id)"
		" FROM ledger_release WHERE document_uuid = r.document_uuid AND attempt < r.attempt) WHERE r.document_uuid = ?1"
		" ORDER BY r.id",
		VALUES(V_TEXT(uuid)));

	while (!rc && (rc = sql_step(&a->app.sql, stmt)) == 1) {
		struct json_object *row = json_object_new_object();
		char state[32], certainty[32], target[512], by[256];
		bool pays = sqlite3_column_int(stmt, 10) != 0;

		sql_text(stmt, 1, state, sizeof(state));
		sql_text(stmt, 2, certainty, sizeof(certainty));
		sql_text(stmt, 6, target, sizeof(target));
		admin_set_number(row, "received", sqlite3_column_int64(stmt, 0) / 1000);
		admin_set(row, "state", state);
		admin_set(row, "certainty", certainty);
		admin_set_number(row, "impressions", sqlite3_column_int64(stmt, 3));
		admin_set_number(row, "sheets", sqlite3_column_int64(stmt, 4));
		admin_set_number(row, "copies", sqlite3_column_int64(stmt, 5));
		admin_set(row, "target", target);
		admin_set_number(row, "attempt", sqlite3_column_int64(stmt, 7));
		admin_set_flag(row, "counts", sqlite3_column_int(stmt, 8) != 0);
		sql_text(stmt, 9, by, sizeof(by));
		admin_set(row, "released_by", by);
		admin_set(row, "charged", pays ? "releaser" : "owner");
		json_object_array_add(rows, row);
		admin_say(a, "%s  record: %s (%s), %lld pages, attempt %d, at %s%s%s%s\n",
			admin_time(sqlite3_column_int64(stmt, 0) / 1000), state, certainty,
			(long long)sqlite3_column_int64(stmt, 3), sqlite3_column_int(stmt, 7),
			admin_safe(target), *by ? ", released by " : "", admin_safe(by),
			pays ? ", who pays" : "");
		rc = 0;
	}
	return rc;
}

int admin_trace(struct admin *a, int argc, char **argv)
{
	const char *operands[ADMIN_OPERANDS_MAX];
	char why[JOBS_WHY_SIZE] = "";
	struct jobs_job job;
	struct json_object *answer, *row, *audit, *records;
	int status = 0, n = admin_parse(a, argc, argv, NULL, operands, &status), rc;

	if (n != 1)
		return n < 0 ? status
			     : admin_fail(a, ADMIN_USAGE, "trace takes a job's number or UUID");
	rc = admin_open(a);
	if (rc)
		return rc;
	rc = find_job(a, operands[0], &job, why);
	if (rc == 1)
		return admin_fail(a, ADMIN_NO_SUCH,
			"there is no job %s here; jobs are forgotten some time after their end (retention), "
			"the ledger is not",
			operands[0]);
	if (rc)
		return admin_errno(a, "trace", rc);
	answer = json_object_new_object();
	json_object_object_add(answer, "job", row = json_object_new_object());
	json_object_object_add(answer, "audit", audit = json_object_new_array());
	json_object_object_add(answer, "records", records = json_object_new_array());
	show_job(a, &job, row);
	rc = show_audit(a, job.id, audit);
	if (!rc)
		rc = show_records(a, job.uuid, records);
	if (rc) {
		json_object_put(answer);
		return admin_errno(a, "trace", rc);
	}
	admin_answer(a, answer);
	return ADMIN_DONE;
}
