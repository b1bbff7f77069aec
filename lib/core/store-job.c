/* SPDX-License-Identifier: Apache-2.0 */
/* store-job - jobs and their keys; the decision what a second handing-over is. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mono.h"
#include "core/store-private.h"

#define JOB_COLUMNS \
	"id, document_uuid, queue, owner, owner_verified, title, host, job_uuid, cups_job_id, created_s," \
	" processing_s, cups_run, ordinal, banner, raw, format, octets, sha256, pages, copies, stored_s, file," \
	" file_octets, state, reason, reason_arg, since_s, attempt, at_printer, chosen, dropped, ended_s," \
	" remote_id, incarnation, epoch, told, device_uuid, device_uri, device_pin, device_name, released_by, changes," \
	" account, who, delegates"

/* Between two runs of cupsd, and from its start to the pass that repeats what it lost: more is a user's wish. */
enum { REPEAT_WITHIN_S = 3600, REPEAT_SOON_S = 600, CLOCK_SLACK_S = 5 };

static void read_registration(sqlite3_stmt *stmt, int at, struct store_registration *r)
{
	r->remote_id = sqlite3_column_int(stmt, at);
	r->incarnation = sqlite3_column_int(stmt, at + 1);
	r->epoch = sqlite3_column_int(stmt, at + 2);
	r->told = sqlite3_column_int(stmt, at + 3);
	sql_text(stmt, at + 4, r->device_uuid, sizeof(r->device_uuid));
	sql_text(stmt, at + 5, r->device_uri, sizeof(r->device_uri));
	sql_text(stmt, at + 6, r->device_pin, sizeof(r->device_pin));
	sql_text(stmt, at + 7, r->device_name, sizeof(r->device_name));
	sql_text(stmt, at + 8, r->released_by, sizeof(r->released_by));
	sql_text(stmt, at + 9, r->changes, sizeof(r->changes));
}

int store_job_read(sqlite3_stmt *stmt, struct store_job *out)
{
	struct store_job *j = out;
	char word[64];

	memset(j, 0, sizeof(*j));
	j->id = sqlite3_column_int(stmt, 0);
	sql_text(stmt, 1, j->document_uuid, sizeof(j->document_uuid));
	sql_text(stmt, 2, j->queue, sizeof(j->queue));
	sql_text(stmt, 3, j->owner, sizeof(j->owner));
	j->owner_verified = sqlite3_column_int(stmt, 4);
	sql_text(stmt, 5, j->title, sizeof(j->title));
	sql_text(stmt, 6, j->host, sizeof(j->host));
	sql_text(stmt, 7, j->job_uuid, sizeof(j->job_uuid));
	j->cups_job_id = sqlite3_column_int(stmt, 8);
	j->created_s = sqlite3_column_int64(stmt, 9);
	j->processing_s = sqlite3_column_int64(stmt, 10);
	sql_text(stmt, 11, j->cups_run, sizeof(j->cups_run));
	j->ordinal = sqlite3_column_int(stmt, 12);
	j->banner = sqlite3_column_int(stmt, 13);
	j->raw = sqlite3_column_int(stmt, 14);
	sql_text(stmt, 15, j->format, sizeof(j->format));
	j->octets = sqlite3_column_int64(stmt, 16);
	sql_octets(stmt, 17, j->sha256, sizeof(j->sha256));
	j->pages = sqlite3_column_int(stmt, 18);
	j->copies = sqlite3_column_int(stmt, 19);
	j->stored_s = sqlite3_column_int64(stmt, 20);
	sql_text(stmt, 21, j->file, sizeof(j->file));
	j->file_octets = sqlite3_column_int64(stmt, 22);
	sql_text(stmt, 23, word, sizeof(word));
	j->state = job_state_from_name(word);
	sql_text(stmt, 24, word, sizeof(word));
	j->reason = job_reason_from_code(word);
	sql_text(stmt, 25, j->reason_arg, sizeof(j->reason_arg));
	j->since_s = sqlite3_column_int64(stmt, 26);
	j->attempt = sqlite3_column_int(stmt, 27);
	j->at_printer = sqlite3_column_int(stmt, 28);
	sql_text(stmt, 29, j->chosen, sizeof(j->chosen));
	sql_text(stmt, 30, j->dropped, sizeof(j->dropped));
	j->ended_s = sqlite3_column_int64(stmt, 31);
	read_registration(stmt, 32, &j->server);
	sql_text(stmt, 42, j->account, sizeof(j->account));
	sql_text(stmt, 43, word, sizeof(word));
	j->who = who_from_code(word);
	sql_text(stmt, 44, j->delegates, sizeof(j->delegates));
	return j->state ? 0 : -EUCLEAN;
}

/* ---- a second handing-over ---- */

/* The earlier taking of the same document that tells most: 0 if there is none. */
struct before {
	int32_t repeat_of; /* cupsd lost its memory and hands this one over again */
	int32_t doubt; /* printed, perhaps printed, or going to be */
};

static int count_rows(struct store *s, const char *sql, const struct value *values, int32_t *out)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&s->sql, &stmt, sql, values);

	if (!rc)
		rc = sql_step(&s->sql, stmt);
	if (rc < 0)
		return rc;
	*out = sqlite3_column_int(stmt, 0);
	return 0;
}

/* May the pass that handed @job over be cupsd's own, at its start, for what it forgot when it died? */
static bool is_pass_after_crash(
	const struct store_job *job, int64_t run_started_s, int32_t earlier_passes)
{
	int64_t pass_s = job->processing_s ? job->processing_s : job->stored_s;

	/* A second pass of one run, or a late one, is somebody's wish. So what else was handed over is of another run. */
	return !earlier_passes && pass_s <= run_started_s + REPEAT_SOON_S;
}

/* @place_only: the same place in the pass, but of another size. */
static void judge_one(sqlite3_stmt *stmt, const struct store_job *job, int64_t run_started_s,
	bool after_crash, bool place_only, struct before *b)
{
	int32_t id = sqlite3_column_int(stmt, 0);
	int64_t stored_s = sqlite3_column_int64(stmt, 1);
	int64_t processing_s = sqlite3_column_int64(stmt, 2);
	int64_t taken_s = processing_s ? processing_s : stored_s;
	bool may_have_printed = sqlite3_column_int(stmt, 4);
	enum job_state state;
	char word[32];

	sql_text(stmt, 3, word, sizeof(word));
	state = job_state_from_name(word);
	/* The first was damaged before any of it left: this second copy is the rescue. */
	if (state == JOB_ABORTED && !may_have_printed)
		return;
	/* That run began after the pass of the first, even if we took both in later than that. */
	if (after_crash && run_started_s + CLOCK_SLACK_S >= taken_s &&
		run_started_s <= taken_s + REPEAT_WITHIN_S && (!place_only || job->banner)) {
		b->repeat_of = id;
		return;
	}
	/* Given up, and asked for anew by the user. After a crash it may be cupsd that asks: then doubt. */
	if (!after_crash && (state == JOB_CANCELED || state == JOB_EXPIRED))
		return;
	b->doubt = id;
}

#define BEFORE_COLUMNS \
	"id, stored_s, processing_s, state," \
	" EXISTS (SELECT 1 FROM attempt WHERE job_id = twin.id AND outcome <> 1)" /* 1: OUTCOME_NOTHING */

/* The documents of a CUPS job never change, but pdftopdf gives a PDF another /ID each time, and texttopdf another date:
 * the digest of one document differs from pass to pass, its size does not. So a document is the n-th of its size in the
 * pass (`lp f f`), which the order of intake cannot turn around; a raw file, the n-th of its size and digest. */
static int find_twin(struct store *s, const struct store_job *job, const struct value *key,
	int64_t run_started_s, bool after_crash, struct before *b)
{
	static const char same_sql[] =
		"SELECT count(*) FROM job WHERE job_uuid = ?1 AND cups_job_id = ?2 AND created_s = ?3"
		" AND cups_run = ?4 AND processing_s = ?5 AND octets = ?6 AND raw = ?7"
		" AND (raw = 0 OR sha256 = ?8)";
	static const char twin_sql[] =
		"SELECT " BEFORE_COLUMNS " FROM"
		" (SELECT *, row_number() OVER (PARTITION BY cups_run, processing_s ORDER BY id) AS nth FROM job"
		"  WHERE job_uuid = ?1 AND cups_job_id = ?2 AND created_s = ?3 AND octets = ?6 AND raw = ?7"
		"  AND (raw = 0 OR sha256 = ?8) AND (cups_run <> ?4 OR processing_s <> ?5)) AS twin"
		" WHERE nth = ?9 AND state <> 'repeated' ORDER BY id";
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	const struct value size = V_NUM(job->octets), raw = V_NUM(job->raw);
	const struct value digest = V_BLOB(job->sha256, sizeof(job->sha256));
	int32_t same = 0;
	int rc = count_rows(s, same_sql,
		VALUES(key[0], key[1], key[2], key[3], key[4], size, raw, digest), &same);

	if (!rc)
		rc = sql_prepare(&s->sql, &stmt, twin_sql,
			VALUES(key[0], key[1], key[2], key[3], key[4], size, raw, digest,
				V_NUM(same + 1)));
	if (rc)
		return rc;
	while ((rc = sql_step(&s->sql, stmt)) > 0)
		judge_one(stmt, job, run_started_s, after_crash, false, b);
	return rc;
}

/* After a crash, the same place in the pass must do for a document whose size is another (a banner tells the time). */
static int find_place(struct store *s, const struct store_job *job, const struct value *key,
	int64_t run_started_s, struct before *b)
{
	static const char sql[] =
		"SELECT " BEFORE_COLUMNS " FROM job AS twin WHERE job_uuid = ?1"
		" AND cups_job_id = ?2 AND created_s = ?3 AND cups_run <> ?4 AND ordinal = ?5"
		" AND state <> 'repeated' ORDER BY id";
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(
		&s->sql, &stmt, sql, VALUES(key[0], key[1], key[2], key[3], V_NUM(job->ordinal)));

	if (rc)
		return rc;
	while ((rc = sql_step(&s->sql, stmt)) > 0)
		judge_one(stmt, job, run_started_s, true, true, b);
	return rc;
}

static int find_before(
	struct store *s, const struct store_job *job, int64_t run_started_s, struct before *b)
{
	static const char passes_sql[] =
		"SELECT count(*) FROM job WHERE job_uuid = ?1 AND cups_job_id = ?2 AND created_s = ?3"
		" AND cups_run = ?4 AND processing_s <> ?5";
	const struct value key[] = {V_TEXT(job->job_uuid), V_NUM(job->cups_job_id),
		V_NUM(job->created_s), V_TEXT(job->cups_run), V_NUM(job->processing_s), {0}};
	int32_t earlier_passes = 0;
	bool after_crash;
	int rc = count_rows(s, passes_sql, key, &earlier_passes);

	if (rc)
		return rc;
	after_crash = is_pass_after_crash(job, run_started_s, earlier_passes);
	rc = find_twin(s, job, key, run_started_s, after_crash, b);
	if (!rc && after_crash && !b->repeat_of && !b->doubt)
		rc = find_place(s, job, key, run_started_s, b);
	return rc;
}

static void apply_before(struct store_job *job, const struct before *b)
{
	int32_t other = b->repeat_of ? b->repeat_of : b->doubt;

	if (!other)
		return;
	job->state = b->repeat_of ? JOB_REPEATED : JOB_HELD;
	job->reason = b->repeat_of ? JOB_R_HANDED_OVER_TWICE : JOB_R_PRINTED_BEFORE;
	snprintf(job->reason_arg, sizeof(job->reason_arg), "%d", other);
	if (b->repeat_of) {
		job->file[0] = '\0';
		job->file_octets = 0;
		job->ended_s = job->stored_s;
	}
}

static int insert_job(struct store *s, struct store_job *j)
{
	static const char sql[] =
		"INSERT INTO job (" JOB_COLUMNS ") VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7,"
		" ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,"
		" ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, 0, 0, 0, 0, '', '', '', x'', x'', '', x'', '', x'')";
	int rc = sql_run(&s->sql, sql,
		VALUES(V_TEXT(j->document_uuid), V_TEXT(j->queue), V_RAW(j->owner),
			V_NUM(j->owner_verified), V_RAW(j->title), V_RAW(j->host),
			V_TEXT(j->job_uuid), V_NUM(j->cups_job_id), V_NUM(j->created_s),
			V_NUM(j->processing_s), V_TEXT(j->cups_run), V_NUM(j->ordinal),
			V_NUM(j->banner), V_NUM(j->raw), V_TEXT(j->format), V_NUM(j->octets),
			V_BLOB(j->sha256, sizeof(j->sha256)), V_NUM(j->pages), V_NUM(j->copies),
			V_NUM(j->stored_s), V_TEXT(j->file), V_NUM(j->file_octets),
			V_TEXT(job_state_name(j->state)), V_TEXT(job_reason_code(j->reason)),
			V_RAW(j->reason_arg), V_NUM(j->since_s), V_NUM(j->attempt),
			V_NUM(j->at_printer), V_TEXT(j->chosen), V_TEXT(j->dropped),
			V_NUM(j->ended_s)));

	if (!rc)
		j->id = (int32_t)sqlite3_last_insert_rowid(s->sql.db);
	return rc;
}

static int find_document(struct store *s, const char *document_uuid, int32_t *id)
{
	return count_rows(s, "SELECT coalesce(max(id), 0) FROM job WHERE document_uuid = ?1",
		VALUES(V_TEXT(document_uuid)), id);
}

/* In the frame of store_job_add(): *@exists, or a row is written. */
static int add_job(struct store *s, struct store_job *job, const struct seal_key *key,
	int64_t run_started_s, bool *exists)
{
	static const char ordinal_sql[] =
		"SELECT count(*) + 1 FROM job WHERE job_uuid = ?1 AND cups_job_id = ?2 AND created_s = ?3"
		" AND cups_run = ?4 AND processing_s = ?5";
	struct before b = {0};
	int32_t id = 0;
	int rc = find_document(s, job->document_uuid, &id);

	if (rc || id) {
		job->id = id ? id : job->id;
		*exists = id != 0;
		return rc;
	}
	job->stored_s = job->since_s = mono_utc_s();
	job->attempt = 0;
	job->ended_s = 0;
	rc = count_rows(s, ordinal_sql,
		VALUES(V_TEXT(job->job_uuid), V_NUM(job->cups_job_id), V_NUM(job->created_s),
			V_TEXT(job->cups_run), V_NUM(job->processing_s)),
		&job->ordinal);
	if (!rc)
		rc = find_before(s, job, run_started_s, &b);
	if (rc)
		return rc;
	apply_before(job, &b);
	rc = insert_job(s, job);
	if (!rc && job->state != JOB_REPEATED)
		rc = sql_run(&s->sql, "INSERT INTO document_key (job_id, octets) VALUES (?1, ?2)",
			VALUES(V_NUM(job->id), V_BLOB(key->octets, sizeof(key->octets))));
	return rc ? rc : job->state == JOB_REPEATED ? STORE_E_REPEAT : 0;
}

int store_job_add(
	struct store *s, struct store_job *job, const struct seal_key *key, int64_t run_started_s)
{
	struct store_job added = *job;
	bool exists = false;
	int rc;

	if (job->state != JOB_PENDING && job->state != JOB_HELD)
		return -EINVAL;
	if (!job_reason_code(job->reason))
		return -EINVAL;
	rc = sql_enter(&s->sql);
	if (rc)
		return rc;
	rc = add_job(s, &added, key, run_started_s, &exists);
	if (exists) {
		job->id = added.id;
		return sql_undo(&s->sql, STORE_E_EXISTS);
	}
	rc = sql_leave(&s->sql, rc);
	if (rc >= 0)
		*job = added;
	return rc;
}

/* ---- moves ---- */

int store_job_set(struct store *s, struct store_job *job, enum job_state from)
{
	static const char sql[] =
		"UPDATE job SET state = ?3, reason = ?4, reason_arg = ?5, since_s = ?6, at_printer = ?7,"
		" chosen = ?8, dropped = ?9, attempt = ?10, ended_s = ?11, remote_id = ?12, incarnation = ?13,"
		" epoch = ?14, told = ?15, device_uuid = ?16, device_uri = ?17, device_pin = ?18,"
		" device_name = ?19, released_by = ?20, changes = ?21 WHERE id = ?1 AND state = ?2";
	const struct store_registration *r = &job->server;
	int64_t now_s = mono_utc_s(), ended_s = job_is_final(job->state) ? now_s : 0;
	int rc;

	if (job->state == from ? job_is_final(from) || !job_state_name(from)
			       : !job_may_move(from, job->state))
		return -EINVAL;
	if (!job_reason_code(job->reason))
		return -EINVAL;
	/* One UPDATE, not SELECT then UPDATE: what the caller saw may be over. */
	rc = sql_run(&s->sql, sql,
		VALUES(V_NUM(job->id), V_TEXT(job_state_name(from)),
			V_TEXT(job_state_name(job->state)), V_TEXT(job_reason_code(job->reason)),
			V_RAW(job->reason_arg), V_NUM(now_s), V_NUM(job->at_printer),
			V_TEXT(job->chosen), V_TEXT(job->dropped), V_NUM(job->attempt),
			V_NUM(ended_s), V_NUM(r->remote_id), V_NUM(r->incarnation), V_NUM(r->epoch),
			V_NUM(r->told), V_TEXT(r->device_uuid), V_TEXT(r->device_uri),
			V_TEXT(r->device_pin), V_RAW(r->device_name), V_RAW(r->released_by),
			V_TEXT(r->changes)));
	if (rc)
		return rc;
	if (sqlite3_changes(s->sql.db) != 1)
		return STORE_E_GONE;
	job->since_s = now_s;
	job->ended_s = ended_s;
	return 0;
}

int store_job_move(struct store *s, struct store_job *job, enum job_state from)
{
	struct store_job moved = *job;
	int rc;

	if (job_is_final(job->state))
		return -EINVAL; /* an end erases the key and writes the ledger: store_job_end() */
	rc = sql_enter(&s->sql);
	if (rc)
		return rc;
	rc = store_job_set(s, &moved, from);
	if (rc > 0)
		return sql_undo(&s->sql, rc);
	rc = sql_leave(&s->sql, rc);
	if (!rc)
		*job = moved;
	return rc;
}

int store_job_set_who(struct store *s, const struct store_job *job)
{
	int rc = sql_enter(&s->sql);

	if (rc)
		return rc;
	rc = sql_run(&s->sql,
		"UPDATE job SET owner_verified = ?2, account = ?3, who = ?4 WHERE id = ?1",
		VALUES(V_NUM(job->id), V_NUM(job->owner_verified), V_RAW(job->account),
			V_TEXT(who_code(job->who))));
	if (!rc && sqlite3_changes(s->sql.db) != 1)
		return sql_undo(&s->sql, STORE_E_GONE);
	return sql_leave(&s->sql, rc);
}

int store_job_set_delegates(struct store *s, int32_t id, const char *delegates)
{
	int rc = sql_enter(&s->sql);

	if (rc)
		return rc;
	rc = sql_run(&s->sql, "UPDATE job SET delegates = ?2 WHERE id = ?1",
		VALUES(V_NUM(id), V_RAW(delegates)));
	if (!rc && sqlite3_changes(s->sql.db) != 1)
		return sql_undo(&s->sql, STORE_E_GONE);
	return sql_leave(&s->sql, rc);
}

int store_job_set_told(struct store *s, const struct store_job *job)
{
	int rc = sql_enter(&s->sql);

	if (rc)
		return rc;
	rc = sql_change(&s->sql,
		"UPDATE job SET remote_id = ?2, incarnation = ?3, told = ?4 WHERE id = ?1",
		VALUES(V_NUM(job->id), V_NUM(job->server.remote_id), V_NUM(job->server.incarnation),
			V_NUM(job->server.told)));
	return rc > 0 ? sql_undo(&s->sql, STORE_E_GONE) : sql_leave(&s->sql, rc);
}

int store_job_drop_key(struct store *s, int32_t id)
{
	int rc = sql_enter(&s->sql);

	if (rc)
		return rc;
	rc = sql_run(&s->sql, "DELETE FROM document_key WHERE job_id = ?1", VALUES(V_NUM(id)));
	if (!rc)
		rc = sql_run(&s->sql, "UPDATE job SET file = '' WHERE id = ?1", VALUES(V_NUM(id)));
	if (!rc)
		s->sql.erased++;
	return sql_leave(&s->sql, rc);
}

/* ---- reading ---- */

int store_job_get(struct store *s, int32_t id, struct store_job *out)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(
		&s->sql, &stmt, "SELECT " JOB_COLUMNS " FROM job WHERE id = ?1", VALUES(V_NUM(id)));

	if (!rc)
		rc = sql_step(&s->sql, stmt);
	if (rc < 0)
		return rc;
	return rc == 0 ? STORE_E_GONE : store_job_read(stmt, out);
}

int store_job_each(struct store *s, int64_t ended_after_s,
	int (*fn)(void *arg, const struct store_job *job), void *arg)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	AUTO(auto_free) struct store_job *job = malloc(sizeof(*job));
	int rc = job ? sql_prepare(&s->sql, &stmt,
			       "SELECT " JOB_COLUMNS
			       " FROM job WHERE ended_s = 0 OR ended_s > ?1 ORDER BY id",
			       VALUES(V_NUM(ended_after_s)))
		     : -ENOMEM;

	if (rc)
		return rc;
	while ((rc = sql_step(&s->sql, stmt)) > 0) {
		rc = store_job_read(stmt, job);
		if (!rc)
			rc = fn(arg, job);
		if (rc)
			return rc;
	}
	return rc;
}

int store_job_key(struct store *s, int32_t id, struct seal_key *out)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&s->sql, &stmt, "SELECT octets FROM document_key WHERE job_id = ?1",
		VALUES(V_NUM(id)));

	if (!rc)
		rc = sql_step(&s->sql, stmt);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return STORE_E_GONE;
	sql_octets(stmt, 0, out->octets, sizeof(out->octets));
	return 0;
}

int store_job_prune(struct store *s, int64_t before_s)
{
	int rc;

	sql_backup_prune(&s->sql);
	rc = sql_enter(&s->sql);
	if (rc)
		return rc;
	return sql_leave(
		&s->sql, sql_run(&s->sql, "DELETE FROM job WHERE ended_s <> 0 AND ended_s < ?1",
				 VALUES(V_NUM(before_s))));
}
