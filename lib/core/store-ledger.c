/* SPDX-License-Identifier: Apache-2.0 */
/* store-ledger - the end of a job, the ledger as a hash chain, and the audit. What the server has: store-settle.c. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/mono.h"
#include "core/store-private.h"
#include "core/uuid.h"

int store_chain_read(struct store *s, struct store_chain *c)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&s->sql, &stmt,
		"SELECT base_sequence, base_hash, head_sequence, head_hash FROM ledger_state WHERE id = 1",
		NULL);

	if (!rc)
		rc = sql_step(&s->sql, stmt);
	if (rc <= 0)
		return rc ? rc : -EUCLEAN;
	c->base_sequence = sqlite3_column_int64(stmt, 0);
	sql_octets(stmt, 1, c->base_hash, sizeof(c->base_hash));
	c->head_sequence = sqlite3_column_int64(stmt, 2);
	sql_octets(stmt, 3, c->head_hash, sizeof(c->head_hash));
	return 0;
}

int store_ledger_init(struct sql *s)
{
	char uuid[64];
	uint8_t base[RECORD_HASH];

	uuid_make(uuid);
	record_base(uuid, base);
	return sql_run(s,
		"INSERT INTO ledger_state (id, ledger_uuid, base_sequence, base_hash, head_sequence, head_hash)"
		" VALUES (1, ?1, 0, ?2, 0, ?2)",
		VALUES(V_TEXT(uuid), V_BLOB(base, sizeof(base))));
}

/* The same print told twice keeps its first row. Return: 1 and @row as it stands, 0: none, -errno. */
static int find_row(struct store *s, struct store_ledger_row *row)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&s->sql, &stmt,
		"SELECT sequence, record_uuid, hash FROM ledger"
		" WHERE document_uuid = ?1 AND attempt = ?2 AND copy = ?3",
		VALUES(V_TEXT(row->document_uuid), V_NUM(row->attempt), V_NUM(row->copy)));

	if (!rc)
		rc = sql_step(&s->sql, stmt);
	if (rc <= 0)
		return rc;
	row->sequence = sqlite3_column_int64(stmt, 0);
	sql_text(stmt, 1, row->record_uuid, sizeof(row->record_uuid));
	sql_octets(stmt, 2, row->hash, sizeof(row->hash));
	return 1;
}

static int insert_row(struct store *s, const struct record *r)
{
	static const char sql[] =
		"INSERT INTO ledger (sequence, record_uuid, document_uuid, attempt, copy, job_id, queue, target,"
		" diverted, not_at_server, state, certainty, impressions, sheets, copies, created_s, ended_s,"
		" person_hash, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
		" ?16, ?17, ?18, ?19)";

	return sql_run(&s->sql, sql,
		VALUES(V_NUM(r->sequence), V_TEXT(r->record_uuid), V_TEXT(r->document_uuid),
			V_NUM(r->attempt), V_NUM(r->copy), V_NUM(r->job_id), V_TEXT(r->queue),
			V_TEXT(r->target), V_NUM(r->diverted), V_NUM(r->not_at_server),
			V_TEXT(job_state_name(r->state)),
			V_TEXT(record_certainty_name(r->certainty)), V_NUM(r->impressions),
			V_NUM(r->sheets), V_NUM(r->copies), V_NUM(r->created_s), V_NUM(r->ended_s),
			V_BLOB(r->person_hash, RECORD_HASH), V_BLOB(r->hash, RECORD_HASH)));
}

static int insert_person(struct store *s, const struct record *r)
{
	return sql_run(&s->sql, "INSERT INTO ledger_person VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		VALUES(V_NUM(r->sequence), V_BLOB(r->salt, RECORD_HASH), V_RAW(r->owner),
			V_RAW(r->title), V_RAW(r->account), V_NUM(r->account_verified)));
}

static int count_from_unknown(int32_t count)
{
	return count < 0 ? -1 : count;
}

/* What the caller knows of a row, as the chain will have it. */
static void record_of(const struct store_ledger_row *row, struct record *out)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->document_uuid, sizeof(out->document_uuid), "%s", row->document_uuid);
	out->attempt = row->attempt;
	out->copy = row->copy;
	out->job_id = row->job_id;
	snprintf(out->queue, sizeof(out->queue), "%s", row->queue);
	snprintf(out->target, sizeof(out->target), "%s", row->target);
	out->diverted = row->diverted;
	out->not_at_server = row->not_at_server;
	out->state = row->state;
	out->certainty = row->certainty;
	out->impressions = count_from_unknown(row->impressions);
	out->sheets = count_from_unknown(row->sheets);
	out->copies = count_from_unknown(row->copies);
	out->created_s = row->created_s;
	out->ended_s = row->ended_s;
	record_limit_times(&out->created_s, &out->ended_s);
	out->has_person = true;
	snprintf(out->owner, sizeof(out->owner), "%s", row->owner);
	snprintf(out->title, sizeof(out->title), "%s", row->title);
	snprintf(out->account, sizeof(out->account), "%s", row->account);
	out->account_verified = row->account_verified;
	uuid_make(out->record_uuid);
	randombytes_buf(out->salt, sizeof(out->salt));
	record_hash_person(out, out->person_hash);
}

int store_ledger_insert(struct store *s, struct store_ledger_row *row)
{
	struct store_chain chain;
	struct record r;
	int rc;

	if (!job_state_name(row->state) || !record_certainty_name(row->certainty))
		return -EINVAL;
	rc = find_row(s, row);
	if (rc)
		return rc < 0 ? rc : 0;
	rc = store_chain_read(s, &chain);
	if (rc)
		return rc;
	record_of(row, &r);
	r.sequence = chain.head_sequence + 1;
	memcpy(r.previous, chain.head_hash, RECORD_HASH);
	record_hash(&r, r.hash);
	rc = insert_row(s, &r);
	if (!rc)
		rc = insert_person(s, &r);
	if (!rc)
		rc = sql_run(&s->sql,
			"UPDATE ledger_state SET head_sequence = ?1, head_hash = ?2 WHERE id = 1",
			VALUES(V_NUM(r.sequence), V_BLOB(r.hash, RECORD_HASH)));
	row->sequence = r.sequence;
	memcpy(row->record_uuid, r.record_uuid, sizeof(row->record_uuid));
	memcpy(row->hash, r.hash, RECORD_HASH);
	return rc;
}

int store_ledger_add(struct store *s, struct store_ledger_row *row)
{
	struct store_ledger_row added = *row;
	int rc = sql_enter(&s->sql);

	if (rc)
		return rc;
	rc = sql_leave(&s->sql, store_ledger_insert(s, &added));
	if (!rc)
		*row = added;
	return rc;
}

/* ---- the end of a job ---- */

static int end_job(struct store *s, struct store_job *job, enum job_state from,
	struct store_attempt *a, struct store_ledger_row *row)
{
	int rc = store_job_set(s, job, from);

	if (!rc)
		rc = sql_run(
			&s->sql, "UPDATE job SET file = '' WHERE id = ?1", VALUES(V_NUM(job->id)));
	if (!rc && a)
		rc = store_attempt_close(s, a);
	if (!rc && row)
		rc = store_ledger_insert(s, row);
	if (!rc)
		rc = sql_run(&s->sql, "DELETE FROM document_key WHERE job_id = ?1",
			VALUES(V_NUM(job->id)));
	return rc;
}

int store_job_end(struct store *s, struct store_job *job, enum job_state from,
	struct store_attempt *a, struct store_ledger_row *row)
{
	struct store_job ended = *job;
	struct store_attempt closed = a ? *a : (struct store_attempt){0};
	struct store_ledger_row written = row ? *row : (struct store_ledger_row){0};
	int rc;

	if (!job_is_final(job->state) || (a && a->job_id != job->id))
		return -EINVAL;
	rc = sql_enter(&s->sql);
	if (rc)
		return rc;
	rc = end_job(s, &ended, from, a ? &closed : NULL, row ? &written : NULL);
	if (rc > 0)
		return sql_undo(&s->sql, rc);
	if (!rc)
		s->sql.erased++;
	rc = sql_leave(&s->sql, rc);
	if (rc)
		return rc;
	*job = ended;
	if (a)
		*a = closed;
	if (row)
		*row = written;
	return 0;
}

/* ---- reading ---- */

static void row_of(const struct record *r, struct store_ledger_row *out)
{
	memset(out, 0, sizeof(*out));
	out->sequence = r->sequence;
	memcpy(out->record_uuid, r->record_uuid, sizeof(out->record_uuid));
	memcpy(out->document_uuid, r->document_uuid, sizeof(out->document_uuid));
	out->attempt = r->attempt;
	out->copy = r->copy;
	out->job_id = r->job_id;
	memcpy(out->owner, r->owner, sizeof(out->owner));
	memcpy(out->title, r->title, sizeof(out->title));
	memcpy(out->account, r->account, sizeof(out->account));
	out->account_verified = r->account_verified;
	memcpy(out->queue, r->queue, sizeof(out->queue));
	memcpy(out->target, r->target, sizeof(out->target));
	out->diverted = r->diverted;
	out->not_at_server = r->not_at_server;
	out->state = r->state;
	out->certainty = r->certainty;
	out->impressions = r->impressions;
	out->sheets = r->sheets;
	out->copies = r->copies;
	out->created_s = r->created_s;
	out->ended_s = r->ended_s;
	memcpy(out->hash, r->hash, RECORD_HASH);
}

int store_ledger_each(struct store *s, int64_t from_s, int64_t to_s, const char *owner,
	int (*fn)(void *arg, const struct store_ledger_row *row), void *arg)
{
	static const char sql[] = "SELECT " LEDGER_COLUMNS
				  ", acknowledged_s = 0 AND EXISTS (SELECT 1 FROM ledger_closed c"
				  " WHERE c.ledger_base < ledger.sequence"
				  " AND c.last_sequence >= ledger.sequence) FROM " LEDGER_TABLES
				  " WHERE ended_s >= ?1 AND ended_s <= ?2 AND (?3 OR owner = ?4)"
				  " ORDER BY ledger.sequence";
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&s->sql, &stmt, sql,
		VALUES(V_NUM(from_s), V_NUM(to_s), V_NUM(owner == NULL),
			V_RAW(owner ? owner : "")));

	if (rc)
		return rc;
	while ((rc = sql_step(&s->sql, stmt)) > 0) {
		struct record r;
		struct store_ledger_row row;

		record_from_row(stmt, &r);
		row_of(&r, &row);
		row.acknowledged = sqlite3_column_int64(stmt, LEDGER_ACKNOWLEDGED) != 0;
		row.local_only = sqlite3_column_int(stmt, LEDGER_ACKNOWLEDGED + 1) != 0;
		rc = fn(arg, &row);
		if (rc)
			return rc;
	}
	return rc;
}

int store_ledger_verify(struct store *s, int64_t *bad)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	struct store_chain chain;
	int64_t last;
	uint8_t previous[RECORD_HASH];
	int rc = store_chain_read(s, &chain);

	if (!rc)
		rc = sql_prepare(&s->sql, &stmt,
			"SELECT " LEDGER_COLUMNS " FROM " LEDGER_TABLES " ORDER BY ledger.sequence",
			NULL);
	if (rc)
		return rc;
	last = chain.base_sequence;
	memcpy(previous, chain.base_hash, RECORD_HASH);
	while ((rc = sql_step(&s->sql, stmt)) > 0) {
		struct record r;

		record_from_row(stmt, &r);
		memcpy(r.previous, previous, RECORD_HASH);
		if (r.sequence != last + 1 || !record_fits(&r)) {
			*bad = r.sequence;
			return STORE_E_GONE;
		}
		last = r.sequence;
		memcpy(previous, r.hash, RECORD_HASH);
	}
	/* Rows cut off at the end leave a chain that fits, but not its head. */
	if (!rc && (last != chain.head_sequence ||
			   memcmp(previous, chain.head_hash, RECORD_HASH) != 0)) {
		*bad = last + 1;
		return STORE_E_GONE;
	}
	return rc;
}

/* ---- audit ---- */

int store_audit_add(struct store *s, const struct store_audit_row *row)
{
	int rc = sql_enter(&s->sql);

	if (rc)
		return rc;
	rc = sql_run(&s->sql,
		"INSERT INTO audit (at_s, job_id, event, who, decided_by, from_uri, to_uri, encrypted)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
		VALUES(V_NUM(row->at_s ? row->at_s : mono_utc_s()), V_NUM(row->job_id),
			V_TEXT(row->event), V_RAW(row->who), V_RAW(row->decided_by),
			V_TEXT(row->from), V_TEXT(row->to), V_NUM(row->encrypted)));
	return sql_leave(&s->sql, rc);
}

int store_audit_each(struct store *s, int32_t job_id,
	int (*fn)(void *arg, const struct store_audit_row *row), void *arg)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&s->sql, &stmt,
		"SELECT at_s, job_id, event, who, decided_by, from_uri, to_uri, encrypted FROM audit"
		" WHERE ?1 = 0 OR job_id = ?1 ORDER BY id",
		VALUES(V_NUM(job_id)));

	if (rc)
		return rc;
	while ((rc = sql_step(&s->sql, stmt)) > 0) {
		struct store_audit_row row = {.at_s = sqlite3_column_int64(stmt, 0)};

		row.job_id = sqlite3_column_int(stmt, 1);
		sql_text(stmt, 2, row.event, sizeof(row.event));
		sql_text(stmt, 3, row.who, sizeof(row.who));
		sql_text(stmt, 4, row.decided_by, sizeof(row.decided_by));
		sql_text(stmt, 5, row.from, sizeof(row.from));
		sql_text(stmt, 6, row.to, sizeof(row.to));
		row.encrypted = sqlite3_column_int(stmt, 7);
		rc = fn(arg, &row);
		if (rc)
			return rc;
	}
	return rc;
}
