/* SPDX-License-Identifier: Apache-2.0 */
/* accounts-login - is it him: see accounts.h. */
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts-private.h"
#include "app.h"
#include "base/paths.h"

struct accounts_verifier {
	struct sql sql;
	/* Of a password that nobody knows: what unknown users are compared with. */
	char nobody[ACCOUNTS_HASH_SIZE];
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
	rc = accounts_hash_new(password, v->nobody);
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

struct found {
	char name[ACCOUNTS_NAME_MAX + 1], hash[ACCOUNTS_HASH_SIZE];
	uint8_t uuid[16];
	bool there, disabled;
};

/* The account, or one that nothing matches: 0 or -errno. */
static int find(struct accounts_verifier *v, const char *name, struct found *f)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&v->sql, &stmt,
		"SELECT name, hash, disabled, uuid FROM account WHERE name = ?1",
		VALUES(V_TEXT(name)));

	*f = (struct found){0};
	if (!rc)
		rc = sql_step(&v->sql, stmt);
	if (rc == 1) {
		f->there = true;
		sql_text(stmt, 0, f->name, sizeof(f->name));
		sql_text(stmt, 1, f->hash, sizeof(f->hash));
		f->disabled = sqlite3_column_int(stmt, 2) != 0;
		sql_octets(stmt, 3, f->uuid, sizeof(f->uuid));
	}
	if (!*f->hash)
		strcpy(f->hash, v->nobody);
	return rc < 0 ? rc : 0;
}

static bool password_matches(const char *password, const char *hash)
{
	char got[ACCOUNTS_HASH_SIZE] = "";
	bool same;

	if (strlen(password) > ACCOUNTS_SECRET_MAX)
		password = ""; /* no password of ours, and no more work than any other */
	same = !accounts_hash_with(password, hash, got) && strlen(got) == strlen(hash) &&
	       !sodium_memcmp(got, hash, strlen(hash));
	explicit_bzero(got, sizeof(got));
	return same;
}

int accounts_login(
	struct accounts_verifier *v, const struct accounts_try *t, struct accounts_said *out)
{
	struct found f;
	bool right;
	int rc = find(v, accounts_is_name(t->account) ? t->account : "", &f);

	*out = (struct accounts_said){.result = ACCOUNTS_WRONG};
	if (rc)
		return rc;
	right = password_matches(t->secret, f.hash) && f.there &&
		(t->kind == ACCOUNTS_ANY || t->kind == ACCOUNTS_PASSWORD);
	explicit_bzero(f.hash, sizeof(f.hash));
	if (!right)
		return 0;
	out->result = f.disabled ? ACCOUNTS_LOCKED : ACCOUNTS_OK;
	if (out->result != ACCOUNTS_OK)
		return 0;
	out->kind = ACCOUNTS_PASSWORD;
	memcpy(out->uuid, f.uuid, sizeof(out->uuid));
	snprintf(out->account, sizeof(out->account), "%s", f.name);
	return 0;
}

int accounts_verify(
	void *verifier, const char *user, const char *password, char *canonical, size_t size)
{
	struct accounts_try t = {.kind = ACCOUNTS_PASSWORD,
		.account = user,
		.secret = password,
		.service = "ipp",
		.place = ""};
	struct accounts_said said;
	int rc = accounts_login(verifier, &t, &said);

	if (rc)
		return rc;
	if (said.result == ACCOUNTS_OK)
		snprintf(canonical, size, "%s", said.account);
	return said.result == ACCOUNTS_OK;
}
