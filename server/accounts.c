/* SPDX-License-Identifier: Apache-2.0 */
/* accounts - see accounts.h. Hashes are libxcrypt's. */
#include "accounts-private.h"

#include <crypt.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mono.h"
#include "base/text.h"

bool accounts_is_name(const char *name)
{
	size_t n = strlen(name);

	return n >= 1 && n <= ACCOUNTS_NAME_MAX && name[0] != ' ' && name[n - 1] != ' ' &&
	       !strpbrk(name, ":/") && text_is_clean(name);
}

static void crypt_data_freep(struct crypt_data **d)
{
	if (*d)
		explicit_bzero(*d, sizeof(**d));
	free(*d);
}

int accounts_hash_with(const char *password, const char *setting, char out[ACCOUNTS_HASH_SIZE])
{
	AUTO(crypt_data_freep) struct crypt_data *d = calloc(1, sizeof(*d));
	const char *hash;

	if (!d)
		return -ENOMEM;
	hash = crypt_r(password, setting, d);
	if (!hash || hash[0] == '*' || strlen(hash) >= ACCOUNTS_HASH_SIZE)
		return -EINVAL;
	strcpy(out, hash);
	return 0;
}

int accounts_hash_new(const char *password, char out[ACCOUNTS_HASH_SIZE])
{
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];

	if (!*password || strlen(password) > ACCOUNTS_SECRET_MAX)
		return -EINVAL;
	if (!crypt_gensalt_rn("$y$", 0, NULL, 0, salt, sizeof(salt)))
		return -errno;
	return accounts_hash_with(password, salt, out);
}

static int exists(struct sql *s, const char *name)
{
	int64_t n;

	return sql_number(s, "SELECT 1 FROM account WHERE name = ?1", VALUES(V_TEXT(name)), &n);
}

/* RFC 9562, version 4. */
static void make_uuid(uint8_t out[16])
{
	randombytes_buf(out, 16);
	out[6] = (uint8_t)((out[6] & 0x0f) | 0x40);
	out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

int accounts_add(struct sql *s, const char *name, const char *full_name, const char *password)
{
	char hash[ACCOUNTS_HASH_SIZE] = "";
	int64_t now_ms = mono_utc_s() * 1000;
	uint8_t uuid[16];
	int rc;

	if (!accounts_is_name(name) || !text_is_clean(full_name))
		return -EINVAL;
	make_uuid(uuid);
	rc = password ? accounts_hash_new(password, hash) : 0;
	if (!rc)
		rc = sql_enter(s);
	if (rc)
		return rc;
	rc = exists(s, name);
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

int accounts_remove(struct sql *s, const char *name)
{
	int rc = sql_change(s, "DELETE FROM account WHERE name = ?1", VALUES(V_TEXT(name)));

	return rc == 1 ? ACCOUNTS_E_NONE : rc;
}

int accounts_set_password(struct sql *s, const char *name, const char *password)
{
	char hash[ACCOUNTS_HASH_SIZE];
	int rc = accounts_hash_new(password, hash);

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
