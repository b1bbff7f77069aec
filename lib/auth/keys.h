/* SPDX-License-Identifier: Apache-2.0 */
/* keys - the machine's own secrets: what its cache is sealed with, its pepper, its pair for sync files.
 *
 * Taken from systemd's credentials where the unit brings them ($CREDENTIALS_DIRECTORY/stillprint-auth, which systemd-creds
 * seals to the TPM or to the host's key), else from the file "key" in the state folder: mode 0600, the service's own.
 * keys_told() says which. With the file alone, whoever can read the disk as root can search for PINs. */
#pragma once

#include <stdint.h>

#include "auth/hash.h"
#include "base/auto.h"

enum {
	KEYS_SEED_OCTETS = 32, /* all else is derived from this */
	KEYS_PUBLIC_OCTETS = 32, /* X25519 */
	KEYS_ID_OCTETS = 8,
};

enum keys_err {
	KEYS_E_DAMAGED = 1, /* there is a key, but it is none of ours, or others may read it */
};

enum keys_from { KEYS_FROM_FILE, KEYS_FROM_CREDENTIALS };

struct keys {
	uint8_t cache_key[32]; /* seals the cache (XChaCha20-Poly1305) */
	uint8_t counter_key[32]; /* vouches for the counters (BLAKE2b, keyed) */
	struct hash_pepper pepper; /* of what is learned from logins here */
	uint8_t public_key[KEYS_PUBLIC_OCTETS], secret_key[32]; /* sync files are sealed to this */
	uint8_t id[KEYS_ID_OCTETS]; /* names the key in the files sealed with it */
	enum keys_from from;
};

/** keys_load() - the machine's keys; a file is made in @folder if there is neither credential nor file
 * @out: in locked memory that is left out of core dumps; keys_free() wipes it
 * Return: 0, KEYS_E_DAMAGED, or -errno. */
int keys_load(const char *folder, struct keys **out);
void keys_free(struct keys *k);
AUTO_DEFINE(struct keys *, keys_free)

/** keys_erase() - overwrite and remove the file: what was sealed with it stays closed. Credentials are not ours to erase.
 * Return: 0 (also if there is none), or -errno. */
int keys_erase(const char *folder);

/* "a file that root and the service can read" or "systemd credentials". */
const char *keys_told(enum keys_from from);

/* A fresh seed as 64 hexadecimal digits and a NUL: what `systemd-creds encrypt --name=stillprint-auth` takes. */
void keys_new_seed(char out[2 * KEYS_SEED_OCTETS + 1]);
