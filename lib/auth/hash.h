/* SPDX-License-Identifier: Apache-2.0 */
/* hash - passwords, PINs and cards as verifiers: yescrypt over an HMAC with a pepper, and a 32-bit lookup index.
 *
 * The pepper is not in the file that has the verifiers, so that file alone cannot be searched. Server and machine use
 * this module alike. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	HASH_PEPPER_OCTETS = 32,
	HASH_TEXT_MAX = 127, /* octets of a verifier "$y$…" */
	HASH_COST_MIN = 1, /* for tests; set-up chooses 5 or more */
	HASH_COST_MAX = 11,
};

enum hash_kind { HASH_PASSWORD = 1, HASH_PIN = 2, HASH_CARD = 3 };

struct hash_pepper {
	uint8_t octets[HASH_PEPPER_OCTETS];
};

/** hash_index() - where to look for @secret: HMAC-SHA256(pepper, kind, secret) cut to 32 bits, never 0 */
uint32_t hash_index(const struct hash_pepper *p, enum hash_kind kind, const char *secret);

/** hash_name() - 16 octets that stand for @name in a file, and cannot be searched without the pepper */
void hash_name(const struct hash_pepper *p, const char *use, const char *name, uint8_t out[16]);

/** hash_make() - a verifier with a salt of its own, for @secret at @cost
 * Return: 0, -EINVAL (cost), or -errno. */
int hash_make(const struct hash_pepper *p, enum hash_kind kind, const char *secret, int cost,
	char out[HASH_TEXT_MAX + 1]);

/** hash_matches() - costs one hash, whatever the answer; a @verifier that is none matches nothing and costs one too */
bool hash_matches(
	const struct hash_pepper *p, enum hash_kind kind, const char *secret, const char *verifier);

/* True for what hash_make() makes: right form, and a cost that cannot stop a machine (crypt(5), yescrypt). */
bool hash_is_verifier(const char *text);

/** hash_choose_cost() - the highest cost whose hash takes at most @limit_ms here, by trying; at least 5
 * @took_ms: what it took, may be NULL. */
int hash_choose_cost(double limit_ms, double *took_ms);
