/* SPDX-License-Identifier: Apache-2.0 */
/* accounts - people, their other names and their state: see accounts.h. */
#include "accounts-private.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/mono.h"
#include "base/text.h"
#include "files.h"

bool accounts_is_name(const char *name)
{
	size_t n = strlen(name);

	return n >= 1 && n <= ACCOUNT_NAME_MAX && name[0] != ' ' && name[n - 1] != ' ' &&
	       !strpbrk(name, ":/") && text_is_clean(name);
}

static int read_pepper(const char *state, struct hash_pepper *out)
{
	char *octets = NULL;
	size_t count = 0;
	int rc = files_read(state, "pepper", sizeof(out->octets), &octets, &count);

	if (rc)
		return rc == -EFBIG ? -EUCLEAN : rc;
	if (count == sizeof(out->octets))
		memcpy(out->octets, octets, count);
	else
		rc = -EUCLEAN;
	explicit_bzero(octets, count);
	free(octets);
	return rc;
}

int accounts_pepper(const char *state, struct hash_pepper *out)
{
	int rc = read_pepper(state, out);

	if (rc != -ENOENT)
		return rc;
	if (sodium_init() < 0)
		return -EIO;
	randombytes_buf(out->octets, sizeof(out->octets));
	rc = files_write_new(state, "pepper", out->octets, sizeof(out->octets), 0600);
	/* Another process was first: its is the one. */
	return rc == -EEXIST ? read_pepper(state, out) : rc;
}

/* ---- people ---- */

static int hash_password(
	const struct hash_pepper *p, const char *password, char out[HASH_TEXT_MAX + 1])
{
	if (!*password || strlen(password) > ACCOUNTS_SECRET_MAX)
		return -EINVAL;
	return hash_make(p, HASH_PASSWORD, password, ACCOUNTS_COST, out);
}

int accounts_exists(struct sql *s, const char *name)
{
	int64_t n;

	return sql_number(s, "SELECT 1 FROM account WHERE name = ?1", VALUES(V_TEXT(name)), &n);
}

/* A name that somebody has, as his own or as an alias. */
static int is_taken(struct sql *s, const char *name)
{
	int64_t n;
	int rc = accounts_exists(s, name);

	return rc ? rc
		  : sql_number(s, "SELECT 1 FROM account_alias WHERE name = ?1",
			    VALUES(V_TEXT(name)), &n);
}

/* RFC 9562, version 4. */
static void make_uuid(uint8_t out[16])
{
	randombytes_buf(out, 16);
	out[6] = (uint8_t)((out[6] & 0x0f) | 0x40);
	out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

int accounts_add(struct sql *s, const struct hash_pepper *p, const char *name,
	const char *full_name, const char *password)
{
	char hash[HASH_TEXT_MAX + 1] = "";
	int64_t now_ms = mono_utc_s() * 1000;
	uint8_t uuid[16];
	int rc;

	if (!accounts_is_name(name) || !text_is_clean(full_name))
		return -EINVAL;
	make_uuid(uuid);
	rc = password ? hash_password(p, password, hash) : 0;
	if (!rc)
		rc = sql_enter(s);
	if (rc)
		return rc;
	rc = is_taken(s, name);
	if (rc == 0)
		rc = sql_run(s,
			"INSERT INTO account (name, full_name, hash, created_ms, changed_ms, uuid)"
			" VALUES (?1, ?2, ?3, ?4, ?4, ?5)",
			VALUES(V_TEXT(name), V_TEXT(full_name), V_TEXT(hash), V_NUM(now_ms),
				V_BLOB(uuid, sizeof(uuid))));
	else if (rc > 0)
		rc = ACCOUNTS_E_EXISTS;
	return sql_leave(s, rc);
}

static int changed(int rc)
{
	return rc == 1 ? ACCOUNTS_E_NONE : rc;
}

static int forget_tries(struct sql *s, const char *name)
{
	return sql_run(s,
		"DELETE FROM login_counter WHERE kind = ?2"
		" AND key = (SELECT uuid FROM account WHERE name = ?1)",
		VALUES(V_TEXT(name), V_NUM(ACCOUNTS_COUNT_ACCOUNT)));
}

int accounts_remove(struct sql *s, const char *name)
{
	int rc = sql_enter(s);

	if (rc)
		return rc;
	rc = forget_tries(s, name);
	if (!rc)
		rc = changed(
			sql_change(s, "DELETE FROM account WHERE name = ?1", VALUES(V_TEXT(name))));
	s->erased++; /* his hashes leave the WAL too */
	return sql_leave(s, rc);
}

/* One column of @name, a number. @sql: constant, with ?1 the name, ?2 the value, ?3 now. */
static int set(struct sql *s, const char *sql, const char *name, int64_t value)
{
	return changed(
		sql_change(s, sql, VALUES(V_TEXT(name), V_NUM(value), V_NUM(mono_utc_s() * 1000))));
}

int accounts_set_password(
	struct sql *s, const struct hash_pepper *p, const char *name, const char *password)
{
	char hash[HASH_TEXT_MAX + 1];
	int rc = hash_password(p, password, hash);

	if (rc)
		return rc;
	return changed(
		sql_change(s, "UPDATE account SET hash = ?2, changed_ms = ?3 WHERE name = ?1",
			VALUES(V_TEXT(name), V_TEXT(hash), V_NUM(mono_utc_s() * 1000))));
}

int accounts_set_full_name(struct sql *s, const char *name, const char *full_name)
{
	if (!text_is_clean(full_name) || strlen(full_name) > ACCOUNT_NAME_MAX)
		return -EINVAL;
	return changed(
		sql_change(s, "UPDATE account SET full_name = ?2, changed_ms = ?3 WHERE name = ?1",
			VALUES(V_TEXT(name), V_TEXT(full_name), V_NUM(mono_utc_s() * 1000))));
}

int accounts_disable(struct sql *s, const char *name, bool disabled)
{
	return set(s, "UPDATE account SET disabled = ?2, changed_ms = ?3 WHERE name = ?1", name,
		disabled);
}

int accounts_expire(struct sql *s, const char *name, int64_t expires_s)
{
	return set(s, "UPDATE account SET expires_s = ?2, changed_ms = ?3 WHERE name = ?1", name,
		expires_s);
}

int accounts_lock(struct sql *s, const char *name, bool locked)
{
	int rc = sql_enter(s);

	if (rc)
		return rc;
	rc = set(s,
		"UPDATE account SET locked_ms = CASE WHEN ?2 THEN ?3 ELSE 0 END, changed_ms = ?3 WHERE name = ?1",
		name, locked);
	if (!rc && !locked)
		rc = forget_tries(s, name);
	return sql_leave(s, rc);
}

/* ---- other names ---- */

int accounts_alias_add(struct sql *s, const char *name, const char *alias)
{
	int rc;

	if (!accounts_is_name(alias) || strchr(alias, ';')) /* what lists are cut at */
		return -EINVAL;
	rc = sql_enter(s);
	if (rc)
		return rc;
	rc = accounts_exists(s, name);
	if (rc == 0)
		rc = ACCOUNTS_E_NONE;
	else if (rc > 0 && (rc = is_taken(s, alias)) > 0)
		rc = ACCOUNTS_E_EXISTS;
	else if (rc == 0)
		rc = sql_run(s, "INSERT INTO account_alias (name, account) VALUES (?1, ?2)",
			VALUES(V_TEXT(alias), V_TEXT(name)));
	return sql_leave(s, rc);
}

int accounts_alias_remove(struct sql *s, const char *name, const char *alias)
{
	return changed(sql_change(s, "DELETE FROM account_alias WHERE name = ?2 AND account = ?1",
		VALUES(V_TEXT(name), V_TEXT(alias))));
}

int accounts_canonical(struct sql *s, const char *name, char out[ACCOUNT_NAME_MAX + 1])
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(s, &stmt,
		"SELECT name FROM account WHERE name = ?1 UNION ALL"
		" SELECT account FROM account_alias WHERE name = ?1",
		VALUES(V_TEXT(name)));

	if (!rc)
		rc = sql_step(s, stmt);
	if (rc == 1)
		sql_text(stmt, 0, out, ACCOUNT_NAME_MAX + 1);
	return rc < 0 ? rc : rc == 1 ? 0 : ACCOUNTS_E_NONE;
}

int accounts_may_print(struct sql *s, const char *name, bool accept_unknown)
{
	int64_t closed = 0;
	int rc = sql_number(s,
		"SELECT disabled OR locked_ms OR (expires_s AND expires_s <= ?2) FROM account WHERE name ="
		" coalesce((SELECT account FROM account_alias WHERE name = ?1), ?1)",
		VALUES(V_TEXT(name), V_NUM(mono_utc_s())), &closed);

	if (rc < 0)
		return rc;
	return rc == 0 ? accept_unknown : !closed;
}
