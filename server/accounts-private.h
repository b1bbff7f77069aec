/* SPDX-License-Identifier: Apache-2.0 */
/* accounts-private - what accounts*.c share. */
#pragma once

#include "accounts.h"

enum {
	ACCOUNTS_SECRET_MAX = 255, /* octets of a password */
	ACCOUNTS_COST =
		5, /* of yescrypt: what crypt(5) takes by itself, and what lib/auth works on for nobody */
};

/* 1 if there is such an account (not an alias), 0, -errno. */
int accounts_exists(struct sql *s, const char *name);

/* ---- accounts-count.c ---- */

enum accounts_count_kind {
	ACCOUNTS_COUNT_ACCOUNT = 1, /* key: its uuid */
	ACCOUNTS_COUNT_UNKNOWN, /* a name that is nobody's: key: hash_name() */
	ACCOUNTS_COUNT_PLACE, /* an address or machine, from which somebody named himself */
	ACCOUNTS_COUNT_NAMELESS, /* the same, where a PIN or card came alone */
};
struct accounts_counter {
	enum accounts_count_kind kind; /* 0: none */
	uint8_t key[16];
	int64_t before_ms; /* accounts_count()'s own: what the row said of time before */
};

/** accounts_count() - one more try, if there may be one
 * @lock_for_s: how long too many tries lock an account; 0: until it is unlocked. @retry_s: with ACCOUNTS_LATER.
 * @locks: this was the last try before it is locked.
 * Return: ACCOUNTS_OK: counted; ACCOUNTS_LATER, ACCOUNTS_LOCKED: not; -errno. */
int accounts_count(struct sql *s, struct accounts_counter *c, int64_t now_ms, int32_t lock_for_s,
	uint32_t *retry_s, bool *locks);
/* It was right, or not looked at: one try less. 0 or -errno. */
int accounts_count_back(struct sql *s, const struct accounts_counter *c);
/* No try at all. 0 or -errno. */
int accounts_count_forget(struct sql *s, const struct accounts_counter *c);
