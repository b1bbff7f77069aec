/* SPDX-License-Identifier: Apache-2.0 */
/* account - somebody who may log in without the server, and by what; as the cache keeps and a sync file carries it. */
#pragma once

#include <stdint.h>

#include "auth/hash.h"
#include "auth/octets.h"

enum {
	ACCOUNT_NAME_MAX = 255,
	ACCOUNT_PINS_MAX = 3,
	ACCOUNT_CARDS_MAX = 3,
	ACCOUNT_VERIFIERS_MAX = 1 + ACCOUNT_PINS_MAX + ACCOUNT_CARDS_MAX,
	ACCOUNT_ASSERTION_MAX = 256,
};

enum account_flag {
	ACCOUNT_LOCKED = 1,
	ACCOUNT_EXPIRED = 2,
	ACCOUNT_REMOVED = 4, /* in a sync file: forget all about it */
	ACCOUNT_SYNCED = 8, /* in the cache: came with a sync file, is never dropped for room */
};

/* Which pepper: the machine's own, or the server's that came with the sync file. */
enum account_source { ACCOUNT_FROM_LOGIN = 1, ACCOUNT_FROM_SYNC = 2 };

struct verifier {
	uint8_t kind; /* enum hash_kind */
	uint8_t source;
	uint32_t index; /* hash_index(); 0 for a password */
	int64_t confirmed_s,
		expires_s; /* Unix UTC: when the server last said so; until when it serves */
	char text[HASH_TEXT_MAX + 1];
	uint8_t seen
		[16]; /* the cache's own, in memory only: what was learned since it was opened */
};

struct account {
	char name[ACCOUNT_NAME_MAX + 1];
	uint8_t uuid[16];
	uint8_t flags;
	int64_t used_s; /* Unix UTC of the last login here */
	uint16_t assertion_octets; /* what the server signed for this terminal; opaque here */
	uint8_t assertion[ACCOUNT_ASSERTION_MAX];
	unsigned count;
	struct verifier verifier[ACCOUNT_VERIFIERS_MAX];
};

/** account_put() - append to @o: a 32-bit length, then the fields in the order of the struct */
void account_put(struct octets_out *o, const struct account *a);

/** account_get() - what account_put() wrote; octets after the known fields are skipped
 * Bad names, kinds, texts that are no verifiers, too many of a kind: sets in->bad. */
void account_get(struct octets_in *in, struct account *a);
