/* SPDX-License-Identifier: Apache-2.0 */
/* cache - who may log in while the server is away: workstation and terminal alike.
 *
 * One file, "cache", sealed with the machine's key (keys.h); beside it the counters (attempts.h), which each try raises on
 * disk before it is looked at. An account that nobody knows costs the same hash and the same sync as a known one.
 * All of it is thread-safe; cache_verify() and cache_learn() hash outside the lock, a bounded number at a time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "auth/account.h"
#include "auth/attempts.h"
#include "auth/keys.h"
#include "auth/sync.h"
#include "base/auto.h"

struct cache;

struct cache_options {
	const char *folder; /* ours alone, 0700 */
	const struct keys *keys; /* must outlive the cache */
	int cost; /* of new verifiers, hash_choose_cost() */
	unsigned parallel; /* hashes at a time; each takes up to 128 MiB */
	unsigned accounts_max; /* learned ones; the longest unused goes. 0: no cap */
	bool keep_passwords; /* workstations do, terminals keep PINs and cards only */
	unsigned ttl_s; /* how long what was learned serves */
	struct attempts_rule account_rule, terminal_rule;
};

/* What cache_open() met; the caller logs it. */
enum cache_found {
	CACHE_FOUND, /* as we left it */
	CACHE_FRESH, /* there was none */
	CACHE_OTHER_KEY, /* sealed with another key: set aside as "cache.bad", begun anew */
	CACHE_DAMAGED, /* set aside likewise */
	CACHE_COUNTERS_LOST, /* credentials without their counters: nobody gets in until the server has been heard */
};

struct cache_now {
	int64_t utc_s;
	struct attempts_now boot;
};
void cache_now_get(struct cache_now *now); /* the clocks of this machine */

enum cache_result {
	CACHE_OK = 1,
	CACHE_WRONG, /* also: nobody knows that account, or nothing is cached for it that still serves */
	CACHE_LATER, /* too many tries; again in retry_s */
	CACHE_LOCKED, /* too many tries (until online), or the account is locked and the secret was right */
	CACHE_EXPIRED, /* the account is, and the secret was right */
	CACHE_STALE, /* clock or counters cannot be believed: ask the server */
};

struct cache_ask {
	const char *account; /* NULL: find it by the PIN or card */
	const char *secret;
	const char *terminal; /* where it was typed: has a counter of its own */
	enum hash_kind kind; /* 0: a password, or a PIN if it is made of digits */
	uint32_t ttl_s, min_pin; /* stricter than the cache's own; 0: as those */
	int64_t deadline_ms; /* mono_ms(): no hash begins after it */
	struct cache_now now;
};

struct cache_answer {
	enum cache_result result;
	uint32_t retry_s;
	char account[ACCOUNT_NAME_MAX + 1];
	uint8_t uuid[16];
};

int cache_open(const struct cache_options *options, struct cache **out, enum cache_found *found);
void cache_free(struct cache *c); /* no thread may be in it any more */
AUTO_DEFINE(struct cache *, cache_free)

/** cache_verify() - is it he? Counted on disk first; if that fails, nothing is tried
 * Return: 0 with @answer, -ETIMEDOUT, or -errno. */
int cache_verify(struct cache *c, const struct cache_ask *ask, struct cache_answer *answer);

/** cache_learn() - the server said yes to @ask: keep it, and let the counters begin anew
 * A PIN shorter than cache_min_pin(), and a password where none are kept, is not kept.
 * Return: 0, -ETIMEDOUT, or -errno. */
int cache_learn(struct cache *c, const struct cache_ask *ask, const uint8_t uuid[16]);

/** cache_unlearn() - the server said no to it: what matches @ask's secret serves no longer. Costs a hash.
 * @all: whatever was learned for that account, without looking (its password was changed) */
int cache_unlearn(struct cache *c, const struct cache_ask *ask, bool all);

/* The server says that it is locked or expired, or no longer so (@flags 0). Return: 0, or -errno. */
int cache_mark(struct cache *c, const char *account, uint8_t flags);

/* ACCOUNT_LOCKED and _EXPIRED of @account; 0 if it is fine, -1 if it is not known here. */
int cache_get_flags(struct cache *c, const char *account);

/* A copy of what is known of @account, verifiers included. False if nothing is. */
bool cache_copy_account(struct cache *c, const char *account, struct account *out);

/** cache_apply() - read a sync file and make its set ours
 * Return: 0, SYNC_E_, or -errno; then nothing has changed. */
int cache_apply(struct cache *c, const uint8_t *octets, size_t count,
	const uint8_t policy_public[SYNC_POLICY_PUBLIC], const struct cache_now *now,
	size_t *accounts);

/** cache_wipe() - deregistered: no credential is left, in memory or on disk, nor the key file that sealed them
 * Return: 0, or -errno (what could be erased, was). */
int cache_wipe(struct cache *c);

size_t cache_get_count(struct cache *c);

/* Digits that a PIN needs to serve offline among so many accounts: max(6, 4 + log10), rounded up. */
unsigned cache_min_pin(size_t accounts);

/* 5 tries, then 30 s doubled each time, locked at 10; a terminal forgets one each 10 minutes until it is locked. */
#define CACHE_ACCOUNT_RULE ((struct attempts_rule){5, 30, 10, 0})
#define CACHE_TERMINAL_RULE ((struct attempts_rule){5, 30, 10, 600})
