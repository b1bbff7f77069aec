/* SPDX-License-Identifier: Apache-2.0 */
/* store-ledger - the end of a job, the ledger as a hash chain, and the audit. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/mono.h"
#include "core/store-private.h"
#include "core/uuid.h"

enum { HASH_OCTETS = 32, SALT_OCTETS = 32 };
_Static_assert(HASH_OCTETS == crypto_hash_sha256_BYTES, "SHA-256");

#define LEDGER_COLUMNS \
	"ledger.sequence, record_uuid, document_uuid, attempt, copy, job_id, queue, target, diverted," \
	" not_at_server, state, certainty, impressions, sheets, copies, created_s, ended_s, person_hash, hash," \
	" coalesce(salt, x''), coalesce(owner, x''), coalesce(title, x'')"
#define LEDGER_TABLES "ledger LEFT JOIN ledger_person ON ledger_person.sequence = ledger.sequence"

static const char *const certainties[] = {
	[CERTAINTY_DEVICE] = "device-reported",
	[CERTAINTY_SERVER] = "server-reported",
	[CERTAINTY_USER] = "user-reported",
	[CERTAINTY_ESTIMATED] = "estimated",
	[CERTAINTY_UNKNOWN] = "unknown",
};

const char *store_certainty_name(enum store_certainty c)
{
	return (unsigned)c <= CERTAINTY_UNKNOWN ? certainties[c] : NULL;
}

static enum store_certainty certainty_from_name(const char *name)
{
	for (int c = CERTAINTY_DEVICE; c <= CERTAINTY_UNKNOWN; c++)
		if (!strcmp(certainties[c], name))
			return (enum store_certainty)c;
	return 0;
}

/* ---- the chain: every field with its length, so that no two rows have the same octets ---- */

static void hash_octets(crypto_hash_sha256_state *h, const void *octets, size_t count)
{
	uint8_t length[4] = {(uint8_t)(count >> 24), (uint8_t)(count >> 16), (uint8_t)(count >> 8),
		(uint8_t)count};

	crypto_hash_sha256_update(h, length, sizeof(length));
	crypto_hash_sha256_update(h, octets, count);
}

static void hash_text(crypto_hash_sha256_state *h, const char *text)
{
	hash_octets(h, text, strlen(text));
}

static void hash_number(crypto_hash_sha256_state *h, int64_t number)
{
	uint8_t octets[8];

	for (int i = 0; i < 8; i++)
		octets[i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
	hash_octets(h, octets, sizeof(octets));
}

static void hash_person(const struct store_ledger_row *row, const uint8_t salt[SALT_OCTETS],
	uint8_t out[HASH_OCTETS])
{
	crypto_hash_sha256_state h;

	crypto_hash_sha256_init(&h);
	hash_octets(&h, salt, SALT_OCTETS);
	hash_text(&h, row->owner);
	hash_text(&h, row->title);
	crypto_hash_sha256_final(&h, out);
}

static void hash_row(const struct store_ledger_row *row, const uint8_t person[HASH_OCTETS],
	const uint8_t previous[HASH_OCTETS], uint8_t out[HASH_OCTETS])
{
	crypto_hash_sha256_state h;

	crypto_hash_sha256_init(&h);
	hash_octets(&h, previous, HASH_OCTETS);
	hash_text(&h, "stillprint-ledger-1");
	hash_number(&h, row->sequence);
	hash_text(&h, row->record_uuid);
	hash_text(&h, row->document_uuid);
	hash_number(&h, row->attempt);
	hash_number(&h, row->copy);
	hash_number(&h, row->job_id);
	hash_text(&h, row->queue);
	hash_text(&h, row->target);
	hash_number(&h, row->diverted);
	hash_number(&h, row->not_at_server);
	hash_text(&h, job_state_name(row->state) ? job_state_name(row->state) : "");
	hash_text(&h,
		store_certainty_name(row->certainty) ? store_certainty_name(row->certainty) : "");
	hash_number(&h, row->impressions);
	hash_number(&h, row->sheets);
	hash_number(&h, row->copies);
	hash_number(&h, row->created_s);
	hash_number(&h, row->ended_s);
	hash_octets(&h, person, HASH_OCTETS);
	crypto_hash_sha256_final(&h, out);
}

struct chain {
	int64_t base_sequence, head_sequence;
	uint8_t base_hash[HASH_OCTETS], head_hash[HASH_OCTETS];
};

static int read_chain(struct store *s, struct chain *c)
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
	uint8_t base[HASH_OCTETS];

	uuid_make(uuid);
	crypto_hash_sha256(base, (const unsigned char *)uuid, strlen(uuid));
	return sql_run(s, "INSERT INTO ledger_state VALUES (1, ?1, 0, ?2, 0, ?2)",
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

static int insert_row(
	struct store *s, const struct store_ledger_row *row, const uint8_t person[HASH_OCTETS])
{
	static const char sql[] =
		"INSERT INTO ledger (sequence, record_uuid, document_uuid, attempt, copy, job_id, queue, target,"
		" diverted, not_at_server, state, certainty, impressions, sheets, copies, created_s, ended_s,"
		" person_hash, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
		" ?16, ?17, ?18, ?19)";

	return sql_run(&s->sql, sql,
		VALUES(V_NUM(row->sequence), V_TEXT(row->record_uuid), V_TEXT(row->document_uuid),
			V_NUM(row->attempt), V_NUM(row->copy), V_NUM(row->job_id),
			V_TEXT(row->queue), V_TEXT(row->target), V_NUM(row->diverted),
			V_NUM(row->not_at_server), V_TEXT(job_state_name(row->state)),
			V_TEXT(store_certainty_name(row->certainty)), V_NUM(row->impressions),
			V_NUM(row->sheets), V_NUM(row->copies), V_NUM(row->created_s),
			V_NUM(row->ended_s), V_BLOB(person, HASH_OCTETS),
			V_BLOB(row->hash, HASH_OCTETS)));
}

int store_ledger_insert(struct store *s, struct store_ledger_row *row)
{
	uint8_t salt[SALT_OCTETS], person[HASH_OCTETS];
	struct chain chain;
	int rc;

	if (!job_state_name(row->state) || !store_certainty_name(row->certainty))
		return -EINVAL;
	rc = find_row(s, row);
	if (rc)
		return rc < 0 ? rc : 0;
	rc = read_chain(s, &chain);
	if (rc)
		return rc;
	row->sequence = chain.head_sequence + 1;
	uuid_make(row->record_uuid);
	randombytes_buf(salt, sizeof(salt));
	hash_person(row, salt, person);
	hash_row(row, person, chain.head_hash, row->hash);
	rc = insert_row(s, row, person);
	if (!rc)
		rc = sql_run(&s->sql, "INSERT INTO ledger_person VALUES (?1, ?2, ?3, ?4)",
			VALUES(V_NUM(row->sequence), V_BLOB(salt, sizeof(salt)), V_RAW(row->owner),
				V_RAW(row->title)));
	if (!rc)
		rc = sql_run(&s->sql,
			"UPDATE ledger_state SET head_sequence = ?1, head_hash = ?2 WHERE id = 1",
			VALUES(V_NUM(row->sequence), V_BLOB(row->hash, HASH_OCTETS)));
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

struct stored_row {
	struct store_ledger_row row;
	uint8_t person_hash[HASH_OCTETS];
	uint8_t salt[SALT_OCTETS];
	bool has_person;
};

static void read_row(sqlite3_stmt *stmt, struct stored_row *out)
{
	struct store_ledger_row *r = &out->row;
	char word[64];

	memset(out, 0, sizeof(*out));
	r->sequence = sqlite3_column_int64(stmt, 0);
	sql_text(stmt, 1, r->record_uuid, sizeof(r->record_uuid));
	sql_text(stmt, 2, r->document_uuid, sizeof(r->document_uuid));
	r->attempt = sqlite3_column_int(stmt, 3);
	r->copy = sqlite3_column_int(stmt, 4);
	r->job_id = sqlite3_column_int(stmt, 5);
	sql_text(stmt, 6, r->queue, sizeof(r->queue));
	sql_text(stmt, 7, r->target, sizeof(r->target));
	r->diverted = sqlite3_column_int(stmt, 8);
	r->not_at_server = sqlite3_column_int(stmt, 9);
	sql_text(stmt, 10, word, sizeof(word));
	r->state = job_state_from_name(word);
	sql_text(stmt, 11, word, sizeof(word));
	r->certainty = certainty_from_name(word);
	r->impressions = sqlite3_column_int(stmt, 12);
	r->sheets = sqlite3_column_int(stmt, 13);
	r->copies = sqlite3_column_int(stmt, 14);
	r->created_s = sqlite3_column_int64(stmt, 15);
	r->ended_s = sqlite3_column_int64(stmt, 16);
	sql_octets(stmt, 17, out->person_hash, sizeof(out->person_hash));
	sql_octets(stmt, 18, r->hash, sizeof(r->hash));
	out->has_person = sqlite3_column_bytes(stmt, 19) > 0;
	sql_octets(stmt, 19, out->salt, sizeof(out->salt));
	sql_text(stmt, 20, r->owner, sizeof(r->owner));
	sql_text(stmt, 21, r->title, sizeof(r->title));
}

int store_ledger_each(struct store *s, int64_t from_s, int64_t to_s, const char *owner,
	int (*fn)(void *arg, const struct store_ledger_row *row), void *arg)
{
	static const char sql[] = "SELECT " LEDGER_COLUMNS " FROM " LEDGER_TABLES
				  " WHERE ended_s >= ?1 AND ended_s <= ?2 AND (?3 OR owner = ?4)"
				  " ORDER BY ledger.sequence";
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&s->sql, &stmt, sql,
		VALUES(V_NUM(from_s), V_NUM(to_s), V_NUM(owner == NULL),
			V_RAW(owner ? owner : "")));

	if (rc)
		return rc;
	while ((rc = sql_step(&s->sql, stmt)) > 0) {
		struct stored_row stored;

		read_row(stmt, &stored);
		rc = fn(arg, &stored.row);
		if (rc)
			return rc;
	}
	return rc;
}

/* Does @stored follow @previous? Erased persons leave their hash, which the chain still holds. */
static bool fits(
	const struct stored_row *stored, int64_t sequence, const uint8_t previous[HASH_OCTETS])
{
	uint8_t hash[HASH_OCTETS];

	if (stored->row.sequence != sequence)
		return false;
	if (stored->has_person) {
		hash_person(&stored->row, stored->salt, hash);
		if (memcmp(hash, stored->person_hash, HASH_OCTETS) != 0)
			return false;
	}
	hash_row(&stored->row, stored->person_hash, previous, hash);
	return memcmp(hash, stored->row.hash, HASH_OCTETS) == 0;
}

int store_ledger_verify(struct store *s, int64_t *bad)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	struct chain chain;
	int64_t last;
	uint8_t previous[HASH_OCTETS];
	int rc = read_chain(s, &chain);

	if (!rc)
		rc = sql_prepare(&s->sql, &stmt,
			"SELECT " LEDGER_COLUMNS " FROM " LEDGER_TABLES " ORDER BY ledger.sequence",
			NULL);
	if (rc)
		return rc;
	last = chain.base_sequence;
	memcpy(previous, chain.base_hash, HASH_OCTETS);
	while ((rc = sql_step(&s->sql, stmt)) > 0) {
		struct stored_row stored;

		read_row(stmt, &stored);
		if (!fits(&stored, last + 1, previous)) {
			*bad = stored.row.sequence;
			return STORE_E_GONE;
		}
		last = stored.row.sequence;
		memcpy(previous, stored.row.hash, HASH_OCTETS);
	}
	/* Rows cut off at the end leave a chain that fits, but not its head. */
	if (!rc && (last != chain.head_sequence ||
			   memcmp(previous, chain.head_hash, HASH_OCTETS) != 0)) {
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
