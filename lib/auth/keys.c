/* SPDX-License-Identifier: Apache-2.0 */
/* keys - see keys.h. */
#include "auth/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/file.h"
#include "base/paths.h"

enum { HEX_OCTETS = 2 * KEYS_SEED_OCTETS };

static const char context[] = "stillaut"; /* crypto_kdf's eight octets */

const char *keys_told(enum keys_from from)
{
	return from == KEYS_FROM_CREDENTIALS ? "systemd credentials"
					     : "a file that root and the service can read";
}

void keys_new_seed(char out[2 * KEYS_SEED_OCTETS + 1])
{
	uint8_t seed[KEYS_SEED_OCTETS];

	randombytes_buf(seed, sizeof(seed));
	sodium_bin2hex(out, HEX_OCTETS + 1, seed, sizeof(seed));
	sodium_memzero(seed, sizeof(seed));
}

static void derive(struct keys *k, const uint8_t seed[KEYS_SEED_OCTETS])
{
	uint8_t pair_seed[crypto_box_SEEDBYTES], hash[32];

	crypto_kdf_derive_from_key(k->cache_key, sizeof(k->cache_key), 1, context, seed);
	crypto_kdf_derive_from_key(k->pepper.octets, sizeof(k->pepper.octets), 2, context, seed);
	crypto_kdf_derive_from_key(pair_seed, sizeof(pair_seed), 3, context, seed);
	crypto_kdf_derive_from_key(k->counter_key, sizeof(k->counter_key), 4, context, seed);
	crypto_box_seed_keypair(k->public_key, k->secret_key, pair_seed);
	crypto_generichash(hash, sizeof(hash), k->public_key, sizeof(k->public_key), NULL, 0);
	memcpy(k->id, hash, sizeof(k->id));
	sodium_memzero(pair_seed, sizeof(pair_seed));
}

/* 64 hexadecimal digits and perhaps a newline. */
static int take_seed(struct keys *k, const uint8_t *text, size_t count)
{
	uint8_t seed[KEYS_SEED_OCTETS];
	size_t got = 0;

	if (count < HEX_OCTETS || count > HEX_OCTETS + 1 ||
		(count == HEX_OCTETS + 1 && text[HEX_OCTETS] != '\n') ||
		sodium_hex2bin(
			seed, sizeof(seed), (const char *)text, HEX_OCTETS, NULL, &got, NULL) ||
		got != sizeof(seed))
		return KEYS_E_DAMAGED;
	derive(k, seed);
	sodium_memzero(seed, sizeof(seed));
	return 0;
}

/* systemd makes these files 0400 or 0440 and its folder's access list does the rest: no test of their mode here. */
static int from_credentials(struct keys *k)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	AUTO(auto_close) int fd = -1;
	uint8_t text[HEX_OCTETS + 2];
	char path[PATH_MAX];
	ssize_t n;
	int rc;

	if (!folder || folder[0] != '/')
		return -ENOENT;
	rc = paths_join(path, sizeof(path), folder, "stillprint-auth");
	if (rc)
		return rc;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text));
	rc = n < 0 ? -errno : take_seed(k, text, (size_t)n);
	sodium_memzero(text, sizeof(text));
	if (!rc)
		k->from = KEYS_FROM_CREDENTIALS;
	return rc;
}

static int from_file(struct keys *k, const char *folder)
{
	char fresh[HEX_OCTETS + 1];
	uint8_t *text = NULL;
	size_t count = 0;
	int rc = file_read(folder, "key", HEX_OCTETS + 1, &text, &count);

	if (rc == -ENOENT) {
		keys_new_seed(fresh);
		rc = file_replace(folder, "key", fresh, HEX_OCTETS);
		if (!rc)
			rc = take_seed(k, (const uint8_t *)fresh, HEX_OCTETS);
		sodium_memzero(fresh, sizeof(fresh));
		return rc;
	}
	if (rc)
		return rc > 0 ? KEYS_E_DAMAGED : rc;
	rc = take_seed(k, text, count);
	file_wipe(text, count);
	return rc;
}

int keys_load(const char *folder, struct keys **out)
{
	AUTO(keys_freep) struct keys *k = NULL;
	int rc;

	if (sodium_init() < 0)
		return -EIO;
	k = sodium_malloc(sizeof(*k));
	if (!k)
		return -ENOMEM;
	memset(k, 0, sizeof(*k));
	rc = from_credentials(k);
	if (rc == -ENOENT)
		rc = from_file(k, folder);
	if (!rc)
		*out = STEAL(k);
	return rc;
}

void keys_free(struct keys *k)
{
	sodium_free(k); /* wipes; NULL is fine */
}

int keys_erase(const char *folder)
{
	return file_erase(folder, "key");
}
