/* SPDX-License-Identifier: Apache-2.0 */
/* accounts - see accounts.h. Hashes are libxcrypt's. */
#include "accounts.h"

#include <crypt.h>
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "base/mono.h"
#include "base/paths.h"
#include "base/text.h"

enum { NAME_MAX_OCTETS = 255, PASSWORD_MAX_OCTETS = 255, HASH_SIZE = 384 };

bool accounts_is_name(const char *name)
{
	size_t n = strlen(name);

	return n >= 1 && n <= NAME_MAX_OCTETS && name[0] != ' ' && name[n - 1] != ' ' &&
	       !strpbrk(name, ":/") && text_is_clean(name);
}

static void crypt_data_freep(struct crypt_data **d)
{
	if (*d)
		explicit_bzero(*d, sizeof(**d));
	free(*d);
}

/* @setting: a salt's prefix, or a hash to compare with. */
static int hash_with(const char *password, const char *setting, char out[HASH_SIZE])
{
	AUTO(crypt_data_freep) struct crypt_data *d = calloc(1, sizeof(*d));
	const char *hash;

	if (!d)
		return -ENOMEM;
	hash = crypt_r(password, setting, d);
	if (!hash || hash[0] == '*' || strlen(hash) >= HASH_SIZE)
		return -EINVAL;
	strcpy(out, hash);
	return 0;
}

static int hash_new(const char *password, char out[HASH_SIZE])
{
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];

	if (!*password || strlen(password) > PASSWORD_MAX_OCTETS)
		return -EINVAL;
	if (!crypt_gensalt_rn("$y$", 0, NULL, 0, salt, sizeof(salt)))
		return -errno;
	return hash_with(password, salt, out);
}

static int exists(struct sql *s, const char *name)
{
	int64_t n;

	return sql_number(s, "SELECT 1 FROM account WHERE name = ?1", VALUES(V_TEXT(name)), &n);
}

int accounts_add(struct sql *s, const char *name, const char *full_name, const char *password)
{
	char hash[HASH_SIZE] = "";
	int64_t now_ms = mono_utc_s() * 1000;
	int rc;

	if (!accounts_is_name(name) || !text_is_clean(full_name))
		return -EINVAL;
	rc = password ? hash_new(password, hash) : 0;
	if (!rc)
		rc = sql_enter(s);
	if (rc)
		return rc;
	rc = exists(s, name);
	if (rc == 0)
		rc = sql_run(s,
			"INSERT INTO account (name, full_name, hash, created_ms, changed_ms)"
			" VALUES (?1, ?2, ?3, ?4, ?4)",
			VALUES(V_TEXT(name), V_TEXT(full_name), V_TEXT(hash), V_NUM(now_ms)));
	else if (rc > 0)
		rc = ACCOUNTS_E_EXISTS;
	return sql_leave(s, rc);
}

int accounts_remove(struct sql *s, const char *name)
{
	int rc = sql_change(s, "DELETE FROM account WHERE name = ?1", VALUES(V_TEXT(name)));

	return rc == 1 ? ACCOUNTS_E_NONE : rc;
}

int accounts_set_password(struct sql *s, const char *name, const char *password)
{
	char hash[HASH_SIZE];
	int rc = hash_new(password, hash);

	if (!rc)
		rc = sql_change(s, "UPDATE account SET hash = ?2, changed_ms = ?3 WHERE name = ?1",
			VALUES(V_TEXT(name), V_TEXT(hash), V_NUM(mono_utc_s() * 1000)));
	return rc == 1 ? ACCOUNTS_E_NONE : rc;
}

int accounts_disable(struct sql *s, const char *name, bool disabled)
{
	int rc = sql_change(s, "UPDATE account SET disabled = ?2, changed_ms = ?3 WHERE name = ?1",
		VALUES(V_TEXT(name), V_NUM(disabled), V_NUM(mono_utc_s() * 1000)));

	return rc == 1 ? ACCOUNTS_E_NONE : rc;
}

int accounts_may_print(struct sql *s, const char *name, bool accept_unknown)
{
	int64_t disabled = 0;
	int rc = sql_number(
		s, "SELECT disabled FROM account WHERE name = ?1", VALUES(V_TEXT(name)), &disabled);

	if (rc < 0)
		return rc;
	return rc == 0 ? accept_unknown : !disabled;
}

/* ---- logging in ---- */

struct accounts_verifier {
	struct sql sql;
	char nobody
		[HASH_SIZE]; /* of a password that nobody knows: what unknown users are compared with */
};

int accounts_verifier_new(const char *state, struct accounts_verifier **out)
{
	AUTO(accounts_verifier_freep) struct accounts_verifier *v = calloc(1, sizeof(*v));
	char path[PATH_MAX], password[33];
	uint8_t random[16];
	int rc;

	if (!v)
		return -ENOMEM;
	if (sodium_init() < 0)
		return -EIO;
	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(password, sizeof(password), random, sizeof(random));
	rc = hash_new(password, v->nobody);
	if (!rc)
		rc = paths_join(path, sizeof(path), state, "server.db");
	if (!rc)
		rc = sql_join(&v->sql, path, &db_schema);
	explicit_bzero(password, sizeof(password));
	if (!rc)
		*out = STEAL(v);
	return rc;
}

void accounts_verifier_free(struct accounts_verifier *v)
{
	if (!v)
		return;
	sql_close(&v->sql);
	free(v);
}

/* The account's hash, or one that nothing matches: 1 found and open, 0 not, -errno. */
static int find(struct accounts_verifier *v, const char *user, char hash[HASH_SIZE], char *name,
	size_t size)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&v->sql, &stmt,
		"SELECT name, hash FROM account WHERE name = ?1 AND NOT disabled AND hash <> ''",
		VALUES(V_TEXT(user)));

	strcpy(hash, v->nobody);
	if (!rc)
		rc = sql_step(&v->sql, stmt);
	if (rc == 1) {
		sql_text(stmt, 0, name, size);
		sql_text(stmt, 1, hash, HASH_SIZE);
	}
	return rc;
}

int accounts_verify(
	void *verifier, const char *user, const char *password, char *canonical, size_t size)
{
	char hash[HASH_SIZE], got[HASH_SIZE] = "", name[NAME_MAX_OCTETS + 1] = "";
	int found, rc;

	if (strlen(password) > PASSWORD_MAX_OCTETS)
		password = ""; /* no password of ours, and no more work than any other */
	found = find(verifier, accounts_is_name(user) ? user : "", hash, name, sizeof(name));
	if (found < 0)
		return found;
	rc = hash_with(password, hash, got);
	rc = !rc && strlen(got) == strlen(hash) && !sodium_memcmp(got, hash, strlen(hash));
	explicit_bzero(got, sizeof(got));
	explicit_bzero(hash, sizeof(hash));
	if (found != 1 || !rc)
		return 0;
	snprintf(canonical, size, "%s", name);
	return 1;
}
