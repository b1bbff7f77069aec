/* SPDX-License-Identifier: Apache-2.0 */
/* store-printer - printers, whose they are, intake keys and small settings. */
#include <errno.h>
#include <string.h>

#include "core/store-private.h"

/* A statement in a frame of its own; @must: it has to change a row. */
static int write_one(struct store *s, const char *sql, const struct value *values, bool must)
{
	int rc = sql_enter(&s->sql);

	if (rc)
		return rc;
	rc = sql_run(&s->sql, sql, values);
	if (!rc && must && sqlite3_changes(s->sql.db) < 1)
		return sql_undo(&s->sql, STORE_E_GONE);
	return sql_leave(&s->sql, rc);
}

static void read_printer(sqlite3_stmt *stmt, struct store_printer *p)
{
	memset(p, 0, sizeof(*p));
	sql_text(stmt, 0, p->uri, sizeof(p->uri));
	sql_text(stmt, 1, p->pin, sizeof(p->pin));
	p->counts = sqlite3_column_int(stmt, 2);
	sql_text(stmt, 3, p->name, sizeof(p->name));
	p->seen_s = sqlite3_column_int64(stmt, 4);
}

int store_printer_get(struct store *s, const char *uri, struct store_printer *out)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&s->sql, &stmt,
		"SELECT uri, pin, counts, name, seen_s FROM printer WHERE uri = ?1",
		VALUES(V_TEXT(uri)));

	if (!rc)
		rc = sql_step(&s->sql, stmt);
	if (rc <= 0)
		return rc ? rc : STORE_E_GONE;
	read_printer(stmt, out);
	return 0;
}

int store_printer_put(struct store *s, const struct store_printer *p)
{
	return write_one(s,
		"INSERT INTO printer (uri, pin, counts, name, seen_s) VALUES (?1, ?2, ?3, ?4, ?5)"
		" ON CONFLICT (uri) DO UPDATE SET pin = excluded.pin, counts = excluded.counts,"
		" name = excluded.name, seen_s = excluded.seen_s",
		VALUES(V_TEXT(p->uri), V_TEXT(p->pin), V_NUM(p->counts), V_RAW(p->name),
			V_NUM(p->seen_s)),
		false);
}

int store_printer_each(
	struct store *s, int (*fn)(void *arg, const struct store_printer *p), void *arg)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&s->sql, &stmt,
		"SELECT uri, pin, counts, name, seen_s FROM printer ORDER BY uri", NULL);

	if (rc)
		return rc;
	while ((rc = sql_step(&s->sql, stmt)) > 0) {
		struct store_printer p;

		read_printer(stmt, &p);
		rc = fn(arg, &p);
		if (rc)
			return rc;
	}
	return rc;
}

int store_user_printer_put(struct store *s, const struct store_user_printer *p)
{
	/* A use does not unmake a name, nor does a name forget a use. */
	return write_one(s,
		"INSERT INTO user_printer (owner, queue, uri, named, used_s) VALUES (?1, ?2, ?3, ?4, ?5)"
		" ON CONFLICT (owner, queue, uri) DO UPDATE SET named = max(named, excluded.named),"
		" used_s = max(used_s, excluded.used_s)",
		VALUES(V_RAW(p->owner), V_TEXT(p->queue), V_TEXT(p->uri), V_NUM(p->named),
			V_NUM(p->used_s)),
		false);
}

int store_user_printer_remove(
	struct store *s, const char *owner, const char *queue, const char *uri)
{
	return write_one(s, "DELETE FROM user_printer WHERE owner = ?1 AND queue = ?2 AND uri = ?3",
		VALUES(V_RAW(owner), V_TEXT(queue), V_TEXT(uri)), true);
}

int store_user_printer_each(struct store *s, const char *owner,
	int (*fn)(void *arg, const struct store_user_printer *p), void *arg)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&s->sql, &stmt,
		"SELECT owner, queue, uri, named, used_s FROM user_printer WHERE ?1 OR owner = ?2"
		" ORDER BY named DESC, used_s DESC, rowid",
		VALUES(V_NUM(owner == NULL), V_RAW(owner ? owner : "")));

	if (rc)
		return rc;
	while ((rc = sql_step(&s->sql, stmt)) > 0) {
		struct store_user_printer p = {.named = sqlite3_column_int(stmt, 3)};

		sql_text(stmt, 0, p.owner, sizeof(p.owner));
		sql_text(stmt, 1, p.queue, sizeof(p.queue));
		sql_text(stmt, 2, p.uri, sizeof(p.uri));
		p.used_s = sqlite3_column_int64(stmt, 4);
		rc = fn(arg, &p);
		if (rc)
			return rc;
	}
	return rc;
}

/* ---- intake keys ---- */

int store_intake_key_add(struct store *s, const struct store_intake_key *k)
{
	return write_one(s,
		"INSERT INTO intake_key (public_key, secret_key, made_s) VALUES (?1, ?2, ?3)",
		VALUES(V_BLOB(k->pair.public_key, sizeof(k->pair.public_key)),
			V_BLOB(k->pair.secret_key, sizeof(k->pair.secret_key)), V_NUM(k->made_s)),
		false);
}

int store_intake_key_each(
	struct store *s, int (*fn)(void *arg, const struct store_intake_key *k), void *arg)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&s->sql, &stmt,
		"SELECT public_key, secret_key, made_s FROM intake_key ORDER BY id DESC", NULL);

	if (rc)
		return rc;
	while ((rc = sql_step(&s->sql, stmt)) > 0) {
		struct store_intake_key k = {.made_s = sqlite3_column_int64(stmt, 2)};

		sql_octets(stmt, 0, k.pair.public_key, sizeof(k.pair.public_key));
		sql_octets(stmt, 1, k.pair.secret_key, sizeof(k.pair.secret_key));
		rc = fn(arg, &k);
		explicit_bzero(&k, sizeof(k));
		if (rc)
			return rc;
	}
	return rc;
}

int store_intake_key_prune(struct store *s, int64_t before_s)
{
	int rc = sql_enter(&s->sql);

	if (rc)
		return rc;
	rc = sql_run(&s->sql,
		"DELETE FROM intake_key WHERE made_s < ?1 AND id <> (SELECT max(id) FROM intake_key)",
		VALUES(V_NUM(before_s)));
	if (!rc)
		s->sql.erased += (unsigned)sqlite3_changes(s->sql.db);
	return sql_leave(&s->sql, rc);
}

/* ---- settings ---- */

int store_setting_get(struct store *s, const char *name, char *out, unsigned size)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(
		&s->sql, &stmt, "SELECT value FROM setting WHERE name = ?1", VALUES(V_TEXT(name)));

	if (!rc)
		rc = sql_step(&s->sql, stmt);
	if (rc <= 0)
		return rc ? rc : STORE_E_GONE;
	if ((unsigned)sqlite3_column_bytes(stmt, 0) >= size)
		return -ENAMETOOLONG;
	sql_text(stmt, 0, out, size);
	return 0;
}

int store_setting_put(struct store *s, const char *name, const char *value)
{
	if (!value)
		return write_one(
			s, "DELETE FROM setting WHERE name = ?1", VALUES(V_TEXT(name)), false);
	return write_one(s,
		"INSERT INTO setting (name, value) VALUES (?1, ?2)"
		" ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		VALUES(V_TEXT(name), V_RAW(value)), false);
}
