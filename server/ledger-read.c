/* SPDX-License-Identifier: Apache-2.0 */
/* ledger-read - what the records add up to, whether they are as they came, and erasing a person. */
#include "ledger.h"

#include <errno.h>
#include <string.h>

#include "core/record-row.h"

enum { CLOCK_AHEAD_S = 300 };

/* ---- ledgers ---- */

int ledger_list(struct sql *s, int (*fn)(void *arg, const struct ledger_info *info), void *arg)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(s, &stmt,
		"SELECT uuid, machine, base, head, opened_ms, heard_ms, closed_ms, why FROM ledger"
		" ORDER BY id",
		NULL);

	if (rc)
		return rc;
	while ((rc = sql_step(s, stmt)) > 0) {
		struct ledger_info info = {.base = sqlite3_column_int64(stmt, 2)};

		sql_text(stmt, 0, info.uuid, sizeof(info.uuid));
		sql_text(stmt, 1, info.machine, sizeof(info.machine));
		info.head = sqlite3_column_int64(stmt, 3);
		info.opened_ms = sqlite3_column_int64(stmt, 4);
		info.heard_ms = sqlite3_column_int64(stmt, 5);
		info.closed_ms = sqlite3_column_int64(stmt, 6);
		sql_text(stmt, 7, info.why, sizeof(info.why));
		rc = fn(arg, &info);
		if (rc)
			return rc;
	}
	return rc;
}

/* ---- sums ---- */

/* The account; without one, the name that his computer told. */
#define PERSON "CASE WHEN length(account) > 0 THEN account ELSE owner END"
/* The claim that it came of. What was diverted went another way than was released. */
#define RELEASES \
	" LEFT JOIN ledger_release ON diverted = 0 AND ledger_release.id = (SELECT max(r.id)" \
	" FROM ledger_release r WHERE r.document_uuid = ledger_record.document_uuid" \
	" AND r.attempt < ledger_record.attempt)"
#define PAYER "CASE WHEN pays THEN CAST(released_by AS BLOB) ELSE coalesce(" PERSON ", x'') END"

#define SUM(key) \
	"SELECT " key " AS key, count(*), sum(max(impressions, 0)), sum(max(sheets, 0))," \
	" sum(impressions < 0), sum(state = 'unknown') FROM ledger_print" \
	" JOIN ledger_record ON ledger_record.id = ledger_print.record_id" \
	" JOIN ledger ON ledger.id = ledger_id" \
	" LEFT JOIN ledger_person ON ledger_person.record_id = ledger_record.id" RELEASES \
	" WHERE ended_s >= ?1 AND ended_s <= ?2 GROUP BY key ORDER BY key"

static const char *const sums[] = {
	[LEDGER_ALL] = SUM("''"),
	[LEDGER_PAYER] = SUM(PAYER),
	[LEDGER_OWNER] = SUM("coalesce(" PERSON ", x'')"),
	[LEDGER_QUEUE] = SUM("queue"),
	[LEDGER_TARGET] = SUM("target"),
	[LEDGER_MACHINE] = SUM("machine"),
};

int ledger_sum(struct sql *s, int64_t from_s, int64_t to_s, enum ledger_by by,
	int (*fn)(void *arg, const struct ledger_total *total), void *arg)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc;

	if ((unsigned)by > LEDGER_MACHINE)
		return -EINVAL;
	rc = sql_prepare(s, &stmt, sums[by], VALUES(V_NUM(from_s), V_NUM(to_s)));
	if (rc)
		return rc;
	while ((rc = sql_step(s, stmt)) > 0) {
		struct ledger_total t = {.prints = sqlite3_column_int64(stmt, 1)};

		sql_text(stmt, 0, t.key, sizeof(t.key));
		t.impressions = sqlite3_column_int64(stmt, 2);
		t.sheets = sqlite3_column_int64(stmt, 3);
		t.uncounted = sqlite3_column_int64(stmt, 4);
		t.uncertain = sqlite3_column_int64(stmt, 5);
		rc = fn(arg, &t);
		if (rc)
			return rc;
	}
	return rc;
}

/* ---- records: for record_from_row() ---- */

#define RECORD_COLUMNS \
	"ledger_record.sequence, record_uuid, ledger_record.document_uuid, ledger_record.attempt," \
	" ledger_record.copy, client_job_id, queue, target, diverted, not_at_server, state, certainty," \
	" impressions, sheets, copies, created_s, ended_s, person_hash, hash, coalesce(salt, x'')," \
	" coalesce(owner, x''), coalesce(title, x''), coalesce(account, x'')," \
	" coalesce(account_verified, 0)"
#define RECORD_TABLES \
	"ledger_record JOIN ledger ON ledger.id = ledger_id" \
	" LEFT JOIN ledger_person ON ledger_person.record_id = ledger_record.id"
enum {
	COLUMN_LEDGER = 24,
	COLUMN_MACHINE,
	COLUMN_RECEIVED,
	COLUMN_COUNTS,
	COLUMN_RELEASED,
	COLUMN_PAYER
};

int ledger_export(struct sql *s, int64_t from_s, int64_t to_s, bool all,
	int (*fn)(void *arg, const struct ledger_line *line), void *arg)
{
	static const char sql[] =
		"SELECT " RECORD_COLUMNS
		", uuid, machine, received_ms, ledger_print.record_id IS NOT NULL,"
		" coalesce(released_by, ''), " PAYER " FROM " RECORD_TABLES RELEASES
		" LEFT JOIN ledger_print ON ledger_print.record_id = ledger_record.id"
		" WHERE ended_s >= ?1 AND ended_s <= ?2"
		" AND (?3 OR ledger_print.record_id IS NOT NULL)"
		" ORDER BY ledger_record.id";
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(s, &stmt, sql, VALUES(V_NUM(from_s), V_NUM(to_s), V_NUM(all)));

	if (rc)
		return rc;
	while ((rc = sql_step(s, stmt)) > 0) {
		struct ledger_line line = {
			.received_ms = sqlite3_column_int64(stmt, COLUMN_RECEIVED)};

		record_from_row(stmt, &line.record);
		sql_text(stmt, COLUMN_LEDGER, line.ledger, sizeof(line.ledger));
		sql_text(stmt, COLUMN_MACHINE, line.machine, sizeof(line.machine));
		line.counts = sqlite3_column_int(stmt, COLUMN_COUNTS);
		sql_text(stmt, COLUMN_RELEASED, line.released_by, sizeof(line.released_by));
		sql_text(stmt, COLUMN_PAYER, line.payer, sizeof(line.payer));
		line.clock_ahead = line.record.ended_s > line.received_ms / 1000 + CLOCK_AHEAD_S;
		rc = fn(arg, &line);
		if (rc)
			return rc;
	}
	return rc;
}

/* ---- is it as it came? ---- */

struct chain {
	int64_t id, last, head;
	uint8_t hash[RECORD_HASH], head_hash[RECORD_HASH];
};

static int walk_rows(struct sql *s, struct chain *c, int64_t *bad)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(s, &stmt,
		"SELECT " RECORD_COLUMNS " FROM " RECORD_TABLES
		" WHERE ledger_id = ?1 ORDER BY ledger_record.sequence",
		VALUES(V_NUM(c->id)));

	if (rc)
		return rc;
	while ((rc = sql_step(s, stmt)) > 0) {
		struct record r;

		record_from_row(stmt, &r);
		memcpy(r.previous, c->hash, RECORD_HASH);
		*bad = r.sequence;
		if (r.sequence != c->last + 1 || !record_fits(&r))
			return LEDGER_E_BAD;
		c->last = r.sequence;
		memcpy(c->hash, r.hash, RECORD_HASH);
	}
	*bad = c->last + 1;
	if (!rc && (c->last != c->head || memcmp(c->hash, c->head_hash, RECORD_HASH) != 0))
		return LEDGER_E_BAD;
	return rc;
}

/* Each print that was recorded has one record that counts, and that is of this print. */
static int check_prints(struct sql *s)
{
	int64_t wrong = 0;
	int rc = sql_number(s,
		"SELECT (SELECT count(*) FROM ledger_record r WHERE NOT EXISTS (SELECT 1 FROM"
		" ledger_print p WHERE p.document_uuid = r.document_uuid AND p.attempt = r.attempt AND"
		" p.copy = r.copy)) + (SELECT count(*) FROM ledger_print p WHERE NOT EXISTS (SELECT 1"
		" FROM ledger_record r WHERE r.id = p.record_id AND r.document_uuid = p.document_uuid"
		" AND r.attempt = p.attempt AND r.copy = p.copy))",
		NULL, &wrong);

	return rc < 0 ? rc : wrong ? LEDGER_E_BAD : 0;
}

int ledger_verify(struct sql *s, const char *uuid, char bad[64], int64_t *sequence)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	bool any = false;
	int rc = sql_prepare(s, &stmt,
		"SELECT id, base, base_hash, head, head_hash, uuid FROM ledger"
		" WHERE ?1 = '' OR uuid = ?1 ORDER BY id",
		VALUES(V_TEXT(uuid ? uuid : "")));

	if (rc)
		return rc;
	while ((rc = sql_step(s, stmt)) > 0) {
		struct chain c = {.id = sqlite3_column_int64(stmt, 0)};

		c.last = sqlite3_column_int64(stmt, 1);
		sql_octets(stmt, 2, c.hash, RECORD_HASH);
		c.head = sqlite3_column_int64(stmt, 3);
		sql_octets(stmt, 4, c.head_hash, RECORD_HASH);
		sql_text(stmt, 5, bad, 64);
		any = true;
		rc = walk_rows(s, &c, sequence);
		if (rc)
			return rc;
	}
	if (rc)
		return rc;
	if (uuid && uuid[0])
		return any ? 0 : LEDGER_E_NONE;
	bad[0] = '\0';
	*sequence = 0;
	return check_prints(s);
}

/* ---- a person ---- */

int ledger_erase(struct sql *s, const char *owner, int64_t *count)
{
	int rc = sql_enter(s);

	if (rc)
		return rc;
	rc = sql_run(s,
		"DELETE FROM ledger_person WHERE account = ?1 OR (owner = ?1 AND account = x'')",
		VALUES(V_RAW(owner)));
	if (!rc) {
		s->erased++; /* it leaves the WAL too */
		if (count)
			*count = sqlite3_changes(s->db);
		rc = sql_run(s, "UPDATE ledger_release SET released_by = '' WHERE released_by = ?1",
			VALUES(V_TEXT(owner)));
	}
	return sql_leave(s, rc);
}
