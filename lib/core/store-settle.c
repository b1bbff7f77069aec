/* SPDX-License-Identifier: Apache-2.0 */
/* store-settle - what the server has of the ledger: batches, acknowledgements, closed ledgers, and what may go. */
#include <errno.h>
#include <string.h>

#include "base/mono.h"
#include "core/store-private.h"
#include "core/uuid.h"

int store_ledger_get(struct store *s, struct store_ledger *out)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&s->sql, &stmt,
		"SELECT ledger_uuid, ledger_base, acknowledged, head_sequence, base_sequence"
		" FROM ledger_state WHERE id = 1",
		NULL);

	if (!rc)
		rc = sql_step(&s->sql, stmt);
	if (rc <= 0)
		return rc ? rc : -EUCLEAN;
	sql_text(stmt, 0, out->uuid, sizeof(out->uuid));
	out->base = sqlite3_column_int64(stmt, 1);
	out->acknowledged = sqlite3_column_int64(stmt, 2);
	out->last = sqlite3_column_int64(stmt, 3);
	out->pruned = sqlite3_column_int64(stmt, 4);
	return 0;
}

/* The hash of row @sequence, which may be the last that was pruned. */
static int hash_of(struct store *s, int64_t sequence, uint8_t out[RECORD_HASH])
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&s->sql, &stmt,
		"SELECT hash FROM ledger WHERE sequence = ?1 UNION ALL"
		" SELECT base_hash FROM ledger_state WHERE base_sequence = ?1",
		VALUES(V_NUM(sequence)));

	if (!rc)
		rc = sql_step(&s->sql, stmt);
	if (rc <= 0)
		return rc ? rc : -EUCLEAN;
	sql_octets(stmt, 0, out, RECORD_HASH);
	return 0;
}

int store_ledger_batch(
	struct store *s, unsigned max, int (*fn)(void *arg, const struct record *r), void *arg)
{
	static const char sql[] = "SELECT " LEDGER_COLUMNS " FROM " LEDGER_TABLES
				  " WHERE ledger.sequence > ?1 ORDER BY ledger.sequence LIMIT ?2";
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	struct store_ledger ledger;
	uint8_t previous[RECORD_HASH];
	int rc = store_ledger_get(s, &ledger);

	if (!rc && ledger.acknowledged < ledger.last)
		rc = hash_of(s, ledger.acknowledged, previous);
	if (!rc)
		rc = sql_prepare(
			&s->sql, &stmt, sql, VALUES(V_NUM(ledger.acknowledged), V_NUM(max)));
	if (rc)
		return rc;
	while ((rc = sql_step(&s->sql, stmt)) > 0) {
		struct record r;

		record_from_row(stmt, &r);
		memcpy(r.previous, previous, RECORD_HASH);
		memcpy(previous, r.hash, RECORD_HASH);
		rc = fn(arg, &r);
		if (rc)
			return rc;
	}
	return rc;
}

/* ---- acknowledgements ---- */

/* Rows up to @sequence are at the server, those after it are not. */
static int set_acknowledged(struct store *s, const struct store_ledger *ledger, int64_t sequence)
{
	int rc = sql_run(&s->sql, "UPDATE ledger_state SET acknowledged = ?1 WHERE id = 1",
		VALUES(V_NUM(sequence)));

	if (!rc && sequence > ledger->acknowledged)
		rc = sql_run(&s->sql,
			"UPDATE ledger SET acknowledged_s = ?3 WHERE sequence > ?1 AND sequence <= ?2",
			VALUES(V_NUM(ledger->acknowledged), V_NUM(sequence), V_NUM(mono_utc_s())));
	else if (!rc && sequence < ledger->acknowledged)
		rc = sql_run(&s->sql,
			"UPDATE ledger SET acknowledged_s = 0 WHERE sequence > ?1 AND sequence <= ?2",
			VALUES(V_NUM(sequence), V_NUM(ledger->acknowledged)));
	return rc;
}

static int acknowledge(struct store *s, const char *uuid, int64_t sequence)
{
	struct store_ledger ledger;
	int rc = store_ledger_get(s, &ledger);

	if (rc)
		return rc;
	if (strcmp(ledger.uuid, uuid) != 0)
		return STORE_E_GONE;
	if (sequence > ledger.last)
		return STORE_E_AHEAD;
	/* It lost rows that this ledger cannot bring again, or perhaps those of the one before. */
	if (sequence < ledger.base ||
		(sequence < ledger.acknowledged &&
			(sequence < ledger.pruned || ledger.pruned < ledger.base)))
		return STORE_E_LOST;
	return sequence == ledger.acknowledged ? 0 : set_acknowledged(s, &ledger, sequence);
}

int store_ledger_acknowledge(struct store *s, const char *uuid, int64_t sequence)
{
	int rc = sql_enter(&s->sql);

	return rc ? rc : sql_leave(&s->sql, acknowledge(s, uuid, sequence));
}

/* ---- a ledger is closed, and the next begins where it ended ---- */

static int close_ledger(
	struct store *s, const struct store_ledger *old, int64_t last, const char *why)
{
	char uuid[64];
	int64_t acknowledged = old->acknowledged < last ? old->acknowledged : last;
	int rc = sql_run(&s->sql, "INSERT INTO ledger_closed VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		VALUES(V_TEXT(old->uuid), V_NUM(old->base), V_NUM(last), V_NUM(acknowledged),
			V_TEXT(why), V_NUM(mono_utc_s())));

	if (!rc && last < old->acknowledged)
		rc = set_acknowledged(s, old, last);
	uuid_make(uuid);
	if (!rc)
		rc = sql_run(&s->sql,
			"UPDATE ledger_state SET ledger_uuid = ?1, ledger_base = ?2, acknowledged = ?2"
			" WHERE id = 1",
			VALUES(V_TEXT(uuid), V_NUM(last)));
	return rc;
}

static int conflict(struct store *s, const char *uuid, int64_t from, const char *why)
{
	struct store_ledger ledger;
	int64_t last = from - 1;
	int rc = store_ledger_get(s, &ledger);

	if (rc)
		return rc;
	if (strcmp(ledger.uuid, uuid) != 0)
		return STORE_E_GONE;
	if (last < ledger.pruned)
		last = ledger.pruned;
	if (last > ledger.last)
		last = ledger.last;
	return close_ledger(s, &ledger, last, why);
}

int store_ledger_conflict(struct store *s, const char *uuid, int64_t from, const char *why)
{
	int rc = sql_enter(&s->sql);

	return rc ? rc : sql_leave(&s->sql, conflict(s, uuid, from, why));
}

/* ---- whose the ledger is ---- */

#define LEDGER_SERVER "ledger-server"

static int belong(struct store *s, const char *server, bool history, struct store_ledger *old)
{
	char known[256];
	int rc = store_setting_get(s, LEDGER_SERVER, known, sizeof(known));
	bool again = !rc, closed = false;

	if (rc < 0 || (!rc && !strcmp(known, server)))
		return rc;
	rc = store_ledger_get(s, old);
	/* A server takes a ledger from the one machine that it knows it of. */
	closed = !rc && (again || (!history && old->last > old->base));
	if (closed && history)
		old->last = old->acknowledged;
	if (closed)
		rc = close_ledger(s, old, old->last, "enrolled");
	if (!rc)
		rc = sql_run(&s->sql,
			"INSERT OR REPLACE INTO setting (name, value) VALUES (?1, ?2)",
			VALUES(V_TEXT(LEDGER_SERVER), V_RAW(server)));
	return rc ? rc : closed;
}

int store_ledger_belong(struct store *s, const char *server, bool history, struct store_ledger *old)
{
	int rc = sql_enter(&s->sql), closed;

	if (rc)
		return rc;
	closed = belong(s, server, history, old);
	rc = sql_leave(&s->sql, closed < 0 ? closed : 0);
	return rc ? rc : closed;
}

/* ---- pruning ---- */

/* The last of the oldest rows that may all go. */
static int prunable(
	struct store *s, const struct store_ledger *ledger, int64_t before_s, int64_t *out)
{
	/* A row that its ledger left behind when it was closed has no acknowledgement to wait for. */
	static const char sql[] =
		"SELECT coalesce(min(sequence) - 1, ?3) FROM ledger WHERE sequence > ?1"
		" OR acknowledged_s >= ?2 OR (acknowledged_s = 0 AND NOT EXISTS (SELECT 1 FROM ledger_closed"
		" WHERE ledger_base < sequence AND last_sequence >= sequence AND closed_s < ?2))";
	int rc = sql_number(&s->sql, sql,
		VALUES(V_NUM(ledger->acknowledged), V_NUM(before_s), V_NUM(ledger->last)), out);

	return rc < 0 ? rc : 0;
}

static int prune(struct store *s, int64_t before_s)
{
	uint8_t hash[RECORD_HASH];
	struct store_ledger ledger;
	int64_t last = 0;
	int rc = store_ledger_get(s, &ledger);

	if (!rc)
		rc = prunable(s, &ledger, before_s, &last);
	if (rc || last <= ledger.pruned)
		return rc;
	rc = hash_of(s, last, hash);
	if (!rc)
		rc = sql_run(
			&s->sql, "DELETE FROM ledger WHERE sequence <= ?1", VALUES(V_NUM(last)));
	if (!rc)
		rc = sql_run(&s->sql, "DELETE FROM ledger_closed WHERE last_sequence <= ?1",
			VALUES(V_NUM(last)));
	if (!rc)
		rc = sql_run(&s->sql,
			"UPDATE ledger_state SET base_sequence = ?1, base_hash = ?2 WHERE id = 1",
			VALUES(V_NUM(last), V_BLOB(hash, RECORD_HASH)));
	if (!rc)
		s->sql.erased++; /* persons */
	return rc;
}

int store_ledger_prune(struct store *s, int64_t before_s)
{
	int rc = sql_enter(&s->sql);

	return rc ? rc : sql_leave(&s->sql, prune(s, before_s));
}
