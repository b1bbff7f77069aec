/* SPDX-License-Identifier: Apache-2.0 */
/* cache - see cache.h; here: finding and verifying. What changes accounts is in cache-learn.c, the file in cache-file.c. */
#include "auth/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "auth/cache-private.h"
#include "base/mono.h"

void cache_now_get(struct cache_now *now)
{
	AUTO(auto_close) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	memset(now, 0, sizeof(*now));
	now->utc_s = mono_utc_s();
	now->boot.boot_s = mono_boot_s();
	/* 36 characters; the first 16 octets of the text tell boots apart as well as the number would. */
	if (fd >= 0 && read(fd, now->boot.boot_id, sizeof(now->boot.boot_id)) < 0)
		memset(now->boot.boot_id, 0, sizeof(now->boot.boot_id));
}

unsigned cache_min_pin(size_t accounts)
{
	unsigned digits = 4;

	for (size_t power = 1; power < accounts; power *= 10)
		digits++;
	return digits < 6 ? 6 : digits;
}

bool cache_is_digits(const char *secret)
{
	return secret[0] && secret[strspn(secret, "0123456789")] == '\0';
}

/* ---- accounts ---- */

size_t cache_place_locked(const struct cache *c, const char *name, bool *there)
{
	size_t low = 0, high = c->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(c->account[middle]->name, name);

		if (order == 0) {
			*there = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*there = false;
	return low;
}

struct account *cache_find_locked(struct cache *c, const char *name)
{
	bool there;
	size_t at = cache_place_locked(c, name, &there);

	return there ? c->account[at] : NULL;
}

struct account *cache_insert_locked(struct cache *c, const char *name)
{
	bool there;
	size_t at = cache_place_locked(c, name, &there);
	struct account *a;

	if (there)
		return c->account[at];
	if (c->count == c->size) {
		size_t size = c->size ? c->size * 2 : 64;
		struct account **grown = reallocarray(c->account, size, sizeof(*grown));

		if (!grown)
			return NULL;
		c->account = grown;
		c->size = size;
	}
	a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	snprintf(a->name, sizeof(a->name), "%s", name);
	memmove(c->account + at + 1, c->account + at, (c->count - at) * sizeof(*c->account));
	c->account[at] = a;
	c->count++;
	return a;
}

void cache_remove_locked(struct cache *c, size_t at)
{
	explicit_bzero(c->account[at], sizeof(*c->account[at]));
	free(c->account[at]);
	c->count--;
	memmove(c->account + at, c->account + at + 1, (c->count - at) * sizeof(*c->account));
}

void cache_remove_verifier(struct account *a, unsigned at)
{
	a->count--;
	memmove(&a->verifier[at], &a->verifier[at + 1], (a->count - at) * sizeof(a->verifier[0]));
	explicit_bzero(&a->verifier[a->count], sizeof(a->verifier[0]));
}

size_t cache_get_count(struct cache *c)
{
	size_t n;

	pthread_mutex_lock(&c->lock);
	n = c->count;
	pthread_mutex_unlock(&c->lock);
	return n;
}

int cache_get_flags(struct cache *c, const char *account)
{
	struct account *a;
	int flags = -1;

	pthread_mutex_lock(&c->lock);
	a = cache_find_locked(c, account);
	if (a)
		flags = a->flags & (ACCOUNT_LOCKED | ACCOUNT_EXPIRED);
	pthread_mutex_unlock(&c->lock);
	return flags;
}

bool cache_copy_account(struct cache *c, const char *account, struct account *out)
{
	struct account *a;

	pthread_mutex_lock(&c->lock);
	a = cache_find_locked(c, account);
	if (a)
		*out = *a;
	pthread_mutex_unlock(&c->lock);
	return a != NULL;
}

/* ---- names of counters ---- */

static void bucket(struct cache *c, const char *use, const uint8_t name[16], uint8_t out[16])
{
	char number[16];

	snprintf(number, sizeof(number), "%u", (name[0] | name[1] << 8) % COUNTER_BUCKETS);
	hash_name(&c->options.keys->pepper, use, number, out);
}

void cache_name_account_locked(struct cache *c, const char *account, bool known, uint8_t out[16])
{
	uint8_t own[16], shared[16];

	hash_name(&c->options.keys->pepper, "account", account, own);
	bucket(c, "unknown", own, shared);
	memcpy(out, known ? own : shared, sizeof(own));
}

void cache_name_terminal_locked(struct cache *c, const char *terminal, uint8_t out[16])
{
	uint8_t own[16];

	hash_name(&c->options.keys->pepper, "terminal", terminal ? terminal : "", own);
	bucket(c, "terminals", own, out);
}

/* ---- the gate: so many hashes at a time ---- */

static int wait_locked(struct cache *c, int64_t deadline_ms)
{
	struct timespec until = {
		.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};

	return pthread_cond_timedwait(&c->change, &c->lock, &until) == ETIMEDOUT ? -ETIMEDOUT : 0;
}

int cache_gate_enter_locked(struct cache *c, int64_t deadline_ms, bool urgent)
{
	int rc = 0;

	c->waiting += urgent;
	while (!rc && (c->hashing >= c->options.parallel || (!urgent && c->waiting)))
		rc = wait_locked(c, deadline_ms);
	c->waiting -= urgent;
	if (!rc && mono_ms() > deadline_ms)
		rc = -ETIMEDOUT;
	if (!rc)
		c->hashing++;
	else
		pthread_cond_broadcast(&c->change); /* others may have waited for us */
	return rc;
}

void cache_gate_leave_locked(struct cache *c)
{
	c->hashing--;
	pthread_cond_broadcast(&c->change);
}

static struct inflight *inflight_of(struct cache *c, const uint8_t name[16], bool make)
{
	struct inflight *empty = NULL;

	for (unsigned i = 0; i < INFLIGHT_MAX; i++) {
		if (!c->inflight[i].count)
			empty = &c->inflight[i];
		else if (!memcmp(c->inflight[i].name, name, ATTEMPTS_NAME_OCTETS))
			return &c->inflight[i];
	}
	if (make && empty)
		memcpy(empty->name, name, ATTEMPTS_NAME_OCTETS);
	return make ? empty : NULL;
}

static unsigned inflight_count(struct cache *c, const uint8_t name[16])
{
	struct inflight *f = inflight_of(c, name, false);

	return f ? f->count : 0;
}

/* ---- what to compare with ---- */

const struct hash_pepper *cache_pepper_locked(const struct cache *c, uint8_t source)
{
	return source == ACCOUNT_FROM_SYNC ? &c->site : &c->options.keys->pepper;
}

/* Index of the secret under both peppers, for one kind. */
struct indexes {
	uint32_t login, sync;
};

static struct indexes indexes_of(struct cache *c, enum hash_kind kind, const char *secret)
{
	return (struct indexes){hash_index(&c->options.keys->pepper, kind, secret),
		hash_index(&c->site, kind, secret)};
}

static bool serves(const struct cache *c, const struct cache_ask *ask, const struct verifier *v)
{
	int64_t now = ask->now.utc_s, ttl = ask->ttl_s;

	/* A sync file has its own end; the asker's shorter patience is for what was learned from logins. */
	if (v->source == ACCOUNT_FROM_LOGIN && ttl && now - v->confirmed_s > ttl)
		return false;
	(void)c;
	return v->expires_s > now;
}

/* The verifier of @a that @ask could fit; at most one hash is ever worth it. */
static const struct verifier *pick_in(const struct cache *c, const struct cache_ask *ask,
	enum hash_kind kind, struct indexes index, const struct account *a)
{
	for (unsigned i = 0; i < a->count; i++) {
		const struct verifier *v = &a->verifier[i];

		if (v->kind != kind || !serves(c, ask, v))
			continue;
		if (kind == HASH_PASSWORD ||
			v->index == (v->source == ACCOUNT_FROM_SYNC ? index.sync : index.login))
			return v;
	}
	return NULL;
}

/* Somebody's verifier, the same one for the same stranger: his hash takes what a known account's would. */
static void pick_dummy(struct cache *c, const char *name, struct candidate *out)
{
	uint8_t h[16];
	const struct account *a;
	uint32_t n;

	hash_name(&c->options.keys->pepper, "stranger", name, h);
	memcpy(&n, h, sizeof(n));
	a = c->count ? c->account[n % c->count] : NULL;
	out->real = false;
	out->kind = HASH_PASSWORD;
	out->v.source = ACCOUNT_FROM_LOGIN;
	strcpy(out->v.text, a && a->count ? a->verifier[0].text : c->dummy);
}

void cache_pick_locked(struct cache *c, const struct cache_ask *ask, struct candidate *out)
{
	enum hash_kind pin_kind = ask->kind == HASH_CARD ? HASH_CARD : HASH_PIN;
	struct indexes index = indexes_of(c, pin_kind, ask->secret);
	unsigned least = cache_min_pin(c->count);
	bool digits = cache_is_digits(ask->secret), weak;
	const struct verifier *v = NULL;
	struct account *a = ask->account ? cache_find_locked(c, ask->account) : NULL;

	memset(out, 0, sizeof(*out));
	if (ask->min_pin > least)
		least = ask->min_pin;
	weak = digits && ask->kind != HASH_CARD && strlen(ask->secret) < least;
	out->kind = pin_kind;
	if (a && !weak && ask->kind != HASH_PASSWORD)
		v = pick_in(c, ask, pin_kind, index, a);
	if (a && !weak && !v && (!ask->kind || ask->kind == HASH_PASSWORD)) {
		v = pick_in(c, ask, HASH_PASSWORD, index, a);
		out->kind = HASH_PASSWORD;
	}
	for (size_t i = 0; !ask->account && !weak && !v && i < c->count; i++) {
		a = c->account[i];
		v = pick_in(c, ask, pin_kind, index, a);
	}
	if (!v) {
		pick_dummy(c, ask->account ? ask->account : ask->secret, out);
		return;
	}
	out->real = true;
	out->v = *v;
	strcpy(out->account, a->name);
}

bool cache_candidate_matches(const struct cache *c, const struct cache_ask *ask,
	const struct candidate *cand, const struct hash_pepper *site)
{
	const struct hash_pepper *p =
		cand->v.source == ACCOUNT_FROM_SYNC ? site : &c->options.keys->pepper;
	bool matches = hash_matches(p, cand->kind, ask->secret, cand->v.text);

	return matches && cand->real;
}

/* ---- verifying ---- */

struct trial {
	uint8_t account_name[16], terminal_name[16];
	bool has_account;
	unsigned before; /* the account's own failures, before this one */
	uint64_t mark;
	struct candidate cand;
	struct hash_pepper site;
};

static enum cache_result result_of(int rc)
{
	return rc == ATTEMPTS_E_LOCKED ? CACHE_LOCKED : CACHE_LATER;
}

/* 0: go on; ATTEMPTS_E_: refused; -errno. Others that are just being tried may turn out right: wait for them. */
static int admit_locked(struct cache *c, const struct cache_ask *ask, const uint8_t name[16],
	const struct attempts_rule *rule, uint32_t *retry_s)
{
	int rc;

	while ((rc = attempts_check(c->attempts, name, rule, &ask->now.boot, retry_s)) > 0 &&
		inflight_count(c, name) > 0)
		if (wait_locked(c, ask->deadline_ms))
			return -ETIMEDOUT;
	return rc;
}

static void fly_locked(struct cache *c, const uint8_t name[16])
{
	struct inflight *f = inflight_of(c, name, true);

	if (f)
		f->count++;
}

static int count_locked(struct cache *c, const struct cache_ask *ask, struct trial *t)
{
	int rc = 0;

	if (t->has_account) {
		t->before = attempts_get(c->attempts, t->account_name);
		rc = attempts_add(
			c->attempts, t->account_name, &c->options.account_rule, &ask->now.boot);
	}
	if (!rc)
		rc = attempts_add(
			c->attempts, t->terminal_name, &c->options.terminal_rule, &ask->now.boot);
	if (rc)
		return rc;
	if (t->has_account)
		fly_locked(c, t->account_name);
	fly_locked(c, t->terminal_name);
	t->mark = attempts_mark(c->attempts);
	return 0;
}

static int begin_locked(
	struct cache *c, const struct cache_ask *ask, struct trial *t, struct cache_answer *answer)
{
	int rc;

	if (c->wiped || c->counters_lost || ask->now.utc_s + CLOCK_SLACK_S < c->confirmed_s) {
		answer->result = CACHE_STALE;
		return 0;
	}
	t->has_account = ask->account != NULL;
	cache_name_terminal_locked(c, ask->terminal, t->terminal_name);
	rc = admit_locked(c, ask, t->terminal_name, &c->options.terminal_rule, &answer->retry_s);
	if (!rc && t->has_account) {
		cache_name_account_locked(c, ask->account,
			cache_find_locked(c, ask->account) != NULL, t->account_name);
		rc = admit_locked(
			c, ask, t->account_name, &c->options.account_rule, &answer->retry_s);
	}
	if (rc > 0) {
		answer->result = result_of(rc);
		return 0;
	}
	if (!rc)
		rc = count_locked(c, ask, t);
	if (!rc) {
		cache_pick_locked(c, ask, &t->cand);
		t->site = c->site;
	}
	return rc;
}

static void landed_locked(struct cache *c, struct trial *t)
{
	struct inflight *f = t->has_account ? inflight_of(c, t->account_name, false) : NULL;

	if (f)
		f->count--;
	f = inflight_of(c, t->terminal_name, false);
	if (f)
		f->count--;
}

/* It was the right one: its own tries are no guesses at others, so the terminal forgets them too. */
static void forgive_locked(struct cache *c, const struct trial *t, const uint8_t account_name[16])
{
	unsigned flying = inflight_count(c, account_name);
	unsigned at_terminal = attempts_get(c->attempts, t->terminal_name);
	unsigned own = 1 + (t->before > flying ? t->before - flying : 0);

	attempts_set(c->attempts, account_name, flying);
	attempts_set(c->attempts, t->terminal_name, at_terminal > own ? at_terminal - own : 0);
}

static void judge_locked(struct cache *c, const struct cache_ask *ask, struct trial *t,
	bool matches, struct cache_answer *answer)
{
	struct account *a = matches ? cache_find_locked(c, t->cand.account) : NULL;
	bool still = false;
	uint8_t name[16];
	int rc = 0;

	/* Meanwhile it may have been taken from us. */
	for (unsigned i = 0; a && i < a->count; i++)
		still |= !strcmp(a->verifier[i].text, t->cand.v.text);
	answer->result = CACHE_WRONG;
	if (!still || c->wiped)
		return;
	cache_name_account_locked(c, a->name, true, name);
	if (!t->has_account) /* found by PIN or card: who is locked stays locked */
		rc = attempts_check(c->attempts, name, &c->options.account_rule, &ask->now.boot,
			&answer->retry_s);
	if (rc) {
		answer->result = rc > 0 ? result_of(rc) : CACHE_STALE;
		return;
	}
	forgive_locked(c, t, name);
	a->used_s = ask->now.utc_s;
	answer->retry_s = 0;
	answer->result = a->flags & ACCOUNT_LOCKED    ? CACHE_LOCKED
			 : a->flags & ACCOUNT_EXPIRED ? CACHE_EXPIRED
						      : CACHE_OK;
	strcpy(answer->account, a->name);
	memcpy(answer->uuid, a->uuid, sizeof(answer->uuid));
}

int cache_verify(struct cache *c, const struct cache_ask *ask, struct cache_answer *answer)
{
	struct trial t = {0};
	bool matches;
	int rc;

	memset(answer, 0, sizeof(*answer));
	pthread_mutex_lock(&c->lock);
	rc = cache_gate_enter_locked(c, ask->deadline_ms, true);
	if (rc) {
		pthread_mutex_unlock(&c->lock);
		return rc;
	}
	rc = begin_locked(c, ask, &t, answer);
	if (!rc && !answer->result) {
		pthread_mutex_unlock(&c->lock);
		rc = attempts_sync(c->attempts, t.mark);
		matches = !rc && cache_candidate_matches(c, ask, &t.cand, &t.site);
		pthread_mutex_lock(&c->lock);
		landed_locked(c, &t);
		if (!rc)
			judge_locked(c, ask, &t, matches, answer);
	}
	cache_gate_leave_locked(c);
	pthread_mutex_unlock(&c->lock);
	explicit_bzero(&t, sizeof(t));
	return rc;
}
