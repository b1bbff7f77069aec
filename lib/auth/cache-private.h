/* SPDX-License-Identifier: Apache-2.0 */
/* cache-private - what the cache's own files share; nobody else includes it. */
#pragma once

#include <pthread.h>

#include "auth/cache.h"

enum {
	INFLIGHT_MAX = 64, /* two names for each hash that runs */
	COUNTER_BUCKETS =
		1024, /* for names that nobody knows, and for terminals: a flood of names fills no disk */
	CLOCK_SLACK_S = 300,
	CACHE_OCTETS_MAX = 256 << 20,
};

struct inflight {
	uint8_t name[ATTEMPTS_NAME_OCTETS];
	unsigned count;
};

struct cache {
	pthread_mutex_t lock; /* over all below but what is const after cache_open() */
	pthread_cond_t change; /* a hash or a save has ended */
	struct cache_options options;
	char *folder;
	char dummy[HASH_TEXT_MAX + 1]; /* what nobody's secret is compared with */
	struct account **account; /* by name */
	size_t count, size;
	struct sync_head last; /* the sync file applied last */
	struct hash_pepper site; /* its pepper */
	int64_t confirmed_s; /* Unix UTC of the server's last word: the clock was at least that */
	struct attempts *attempts;
	bool counters_lost, wiped;
	struct hash_pepper fresh; /* drawn at opening, kept nowhere: for verifier.seen */
	unsigned hashing, waiting; /* those that verify go before those that learn */
	struct inflight inflight[INFLIGHT_MAX];
	uint64_t changed, saved;
	bool saving;
};

/* All of these with the lock held, unless they say otherwise. */
struct account *cache_find_locked(struct cache *c, const char *name);
struct account *cache_insert_locked(struct cache *c, const char *name); /* NULL: no memory */
void cache_remove_locked(struct cache *c, size_t at);
void cache_remove_verifier(struct account *a, unsigned at);
size_t cache_place_locked(const struct cache *c, const char *name, bool *there);

/* Return: 0, or -ETIMEDOUT. */
int cache_gate_enter_locked(struct cache *c, int64_t deadline_ms, bool urgent);
void cache_gate_leave_locked(struct cache *c);

/* The counters' names. */
void cache_name_account_locked(struct cache *c, const char *account, bool known, uint8_t out[16]);
void cache_name_terminal_locked(struct cache *c, const char *terminal, uint8_t out[16]);

/* What @ask is to be compared with; @v NULL: with nothing real. The result is a copy. */
struct candidate {
	struct verifier v;
	enum hash_kind kind;
	bool real;
	char account[ACCOUNT_NAME_MAX + 1];
};
void cache_pick_locked(struct cache *c, const struct cache_ask *ask, struct candidate *out);
bool cache_candidate_matches(const struct cache *c, const struct cache_ask *ask,
	const struct candidate *cand, const struct hash_pepper *site); /* without the lock */
const struct hash_pepper *cache_pepper_locked(const struct cache *c, uint8_t source);
bool cache_is_digits(const char *secret);

/* Make what is in memory durable; several that ask at once share one write. The lock is given up meanwhile. */
int cache_save_locked(struct cache *c);
/* The counters were lost, and the server has spoken: begin them anew. */
int cache_counters_renew_locked(struct cache *c);
