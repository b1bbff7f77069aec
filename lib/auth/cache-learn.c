/* SPDX-License-Identifier: Apache-2.0 */
/* cache-learn - what the server's word changes in the cache; see cache.h. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "auth/cache-private.h"
#include "auth/file.h"

/* ---- learning ---- */

static enum hash_kind kind_of(const struct cache_ask *ask)
{
	if (ask->kind)
		return ask->kind;
	return cache_is_digits(ask->secret) ? HASH_PIN : HASH_PASSWORD;
}

static bool is_worth_keeping(
	const struct cache *c, const struct cache_ask *ask, enum hash_kind kind)
{
	if (kind == HASH_PASSWORD)
		return c->options.keep_passwords;
	return kind == HASH_CARD || strlen(ask->secret) >= cache_min_pin(c->count + 1);
}

/* What is learned and longest unused makes room. */
static void make_room_locked(struct cache *c)
{
	size_t learned = 0, oldest = c->count;

	for (size_t i = 0; i < c->count; i++) {
		if (c->account[i]->flags & ACCOUNT_SYNCED)
			continue;
		learned++;
		if (oldest == c->count || c->account[i]->used_s < c->account[oldest]->used_s)
			oldest = i;
	}
	if (c->options.accounts_max && learned >= c->options.accounts_max && oldest < c->count)
		cache_remove_locked(c, oldest);
}

/* The place for a learned verifier of @kind: its like, or a new one, or the one confirmed longest ago. */
static struct verifier *place_for(struct account *a, enum hash_kind kind, uint32_t index)
{
	unsigned most = kind == HASH_PASSWORD ? 1
			: kind == HASH_PIN    ? ACCOUNT_PINS_MAX
					      : ACCOUNT_CARDS_MAX;
	struct verifier *oldest = NULL;
	unsigned n = 0;

	for (unsigned i = 0; i < a->count; i++) {
		struct verifier *v = &a->verifier[i];

		if (v->kind != kind)
			continue;
		n++;
		if (v->source == ACCOUNT_FROM_LOGIN && v->index == index)
			return v;
		if (!oldest || v->confirmed_s < oldest->confirmed_s)
			oldest = v;
	}
	return n < most ? &a->verifier[a->count++] : oldest;
}

static int keep_locked(struct cache *c, const struct cache_ask *ask, const uint8_t uuid[16],
	enum hash_kind kind, uint32_t index, const char *text)
{
	uint32_t ttl = ask->ttl_s && ask->ttl_s < c->options.ttl_s ? ask->ttl_s : c->options.ttl_s;
	struct account *a = cache_find_locked(c, ask->account);
	struct verifier *v;

	if (!a) {
		make_room_locked(c);
		a = cache_insert_locked(c, ask->account);
	}
	if (!a)
		return -ENOMEM;
	memcpy(a->uuid, uuid, sizeof(a->uuid));
	a->used_s = ask->now.utc_s;
	a->flags &= (uint8_t) ~(ACCOUNT_LOCKED | ACCOUNT_EXPIRED);
	v = place_for(a, kind, index);
	*v = (struct verifier){.kind = (uint8_t)kind,
		.source = ACCOUNT_FROM_LOGIN,
		.index = index,
		.confirmed_s = ask->now.utc_s,
		.expires_s = ask->now.utc_s + ttl};
	strcpy(v->text, text);
	hash_name(&c->fresh, "seen", ask->secret, v->seen);
	return 0;
}

/* The verifier to keep: the one that is there if it still fits, else a new one. Without the lock. */
static int make_text(struct cache *c, const struct cache_ask *ask, enum hash_kind kind,
	const char *present, char text[HASH_TEXT_MAX + 1])
{
	const struct hash_pepper *p = &c->options.keys->pepper;

	if (present[0] && hash_matches(p, kind, ask->secret, present)) {
		strcpy(text, present);
		return 0;
	}
	return hash_make(p, kind, ask->secret, c->options.cost, text);
}

/* The server has spoken to @ask's account at @ask's terminal: what was counted while it was away is settled. */
static int settle_locked(struct cache *c, const struct cache_ask *ask)
{
	uint8_t name[16];
	int rc = cache_counters_renew_locked(c);

	if (ask->now.utc_s > c->confirmed_s)
		c->confirmed_s = ask->now.utc_s;
	cache_name_account_locked(c, ask->account, true, name);
	if (!rc)
		rc = attempts_set(c->attempts, name, 0);
	cache_name_terminal_locked(c, ask->terminal, name);
	if (!rc)
		rc = attempts_set(c->attempts, name, 0);
	return rc;
}

/* The learned verifier that @ask's secret would have, if there is one. */
static struct verifier *present_locked(
	struct cache *c, const struct cache_ask *ask, enum hash_kind kind, uint32_t index)
{
	struct account *a = cache_find_locked(c, ask->account);

	for (unsigned i = 0; a && i < a->count; i++) {
		struct verifier *v = &a->verifier[i];

		if (v->kind == kind && v->source == ACCOUNT_FROM_LOGIN && v->index == index)
			return v;
	}
	return NULL;
}

/* Hash it, outside the lock, and keep it. */
static int learn_locked(struct cache *c, const struct cache_ask *ask, const uint8_t uuid[16],
	enum hash_kind kind, uint32_t index)
{
	char present[HASH_TEXT_MAX + 1] = "", text[HASH_TEXT_MAX + 1] = "";
	const struct verifier *v;
	int rc = cache_gate_enter_locked(c, ask->deadline_ms, false);

	if (rc)
		return rc;
	v = present_locked(c, ask, kind, index);
	if (v)
		strcpy(present, v->text);
	pthread_mutex_unlock(&c->lock);
	rc = make_text(c, ask, kind, present, text);
	pthread_mutex_lock(&c->lock);
	cache_gate_leave_locked(c);
	if (!rc && !c->wiped)
		rc = keep_locked(c, ask, uuid, kind, index, text);
	explicit_bzero(text, sizeof(text));
	explicit_bzero(present, sizeof(present));
	return rc;
}

int cache_learn(struct cache *c, const struct cache_ask *ask, const uint8_t uuid[16])
{
	enum hash_kind kind = kind_of(ask);
	char text[HASH_TEXT_MAX + 1];
	const struct verifier *v;
	uint32_t index = 0;
	uint8_t seen[16];
	int rc;

	if (kind != HASH_PASSWORD)
		index = hash_index(&c->options.keys->pepper, kind, ask->secret);
	hash_name(&c->fresh, "seen", ask->secret, seen);
	pthread_mutex_lock(&c->lock);
	rc = c->wiped ? -ENOENT : settle_locked(c, ask);
	v = present_locked(c, ask, kind, index);
	if (!rc && v && !sodium_memcmp(v->seen, seen, sizeof(seen))) {
		strcpy(text, v->text); /* the same as the last time: only its time is new */
		rc = keep_locked(c, ask, uuid, kind, index, text);
	} else if (!rc && is_worth_keeping(c, ask, kind)) {
		rc = learn_locked(c, ask, uuid, kind, index);
	}
	c->changed++;
	if (!rc && !c->wiped)
		rc = cache_save_locked(c);
	pthread_mutex_unlock(&c->lock);
	return rc;
}

/* ---- unlearning ---- */

static bool drop_locked(struct cache *c, const char *account, const char *text)
{
	bool there, dropped = false;
	size_t at = cache_place_locked(c, account, &there);
	struct account *a = there ? c->account[at] : NULL;

	for (unsigned i = a ? a->count : 0; i > 0; i--) {
		const struct verifier *v = &a->verifier[i - 1];

		if (text ? !strcmp(v->text, text) : v->kind == HASH_PASSWORD) {
			cache_remove_verifier(a, i - 1);
			dropped = true;
		}
	}
	if (dropped && !a->count &&
		!(a->flags & (ACCOUNT_SYNCED | ACCOUNT_LOCKED | ACCOUNT_EXPIRED)))
		cache_remove_locked(c, at);
	return dropped;
}

int cache_unlearn(struct cache *c, const struct cache_ask *ask, bool all)
{
	struct candidate cand = {0};
	struct hash_pepper site = {0};
	bool matches = false, dropped;
	int rc = 0;

	pthread_mutex_lock(&c->lock);
	if (!all)
		rc = cache_gate_enter_locked(c, ask->deadline_ms, false);
	if (!all && !rc) {
		cache_pick_locked(c, ask, &cand);
		site = c->site;
		pthread_mutex_unlock(&c->lock);
		matches = cand.real && cache_candidate_matches(c, ask, &cand, &site);
		pthread_mutex_lock(&c->lock);
		cache_gate_leave_locked(c);
	}
	dropped = !rc && (all || matches) && drop_locked(c, ask->account, all ? NULL : cand.v.text);
	if (dropped && !c->wiped) {
		c->changed++;
		rc = cache_save_locked(c);
	}
	pthread_mutex_unlock(&c->lock);
	explicit_bzero(&cand, sizeof(cand));
	explicit_bzero(&site, sizeof(site));
	return rc;
}

int cache_mark(struct cache *c, const char *account, uint8_t flags)
{
	static const uint8_t both = ACCOUNT_LOCKED | ACCOUNT_EXPIRED;
	struct account *a;
	int rc = 0;

	pthread_mutex_lock(&c->lock);
	a = c->wiped ? NULL : cache_find_locked(c, account);
	if (a && (a->flags & both) != (flags & both)) {
		a->flags = (uint8_t)((a->flags & ~both) | (flags & both));
		c->changed++;
		rc = cache_save_locked(c);
	}
	pthread_mutex_unlock(&c->lock);
	return rc;
}

/* ---- a sync file ---- */

/* What came with the last file goes; what was learned here from logins stays. */
static void drop_synced_locked(struct cache *c)
{
	for (size_t i = c->count; i > 0; i--) {
		struct account *a = c->account[i - 1];

		for (unsigned k = a->count; k > 0; k--)
			if (a->verifier[k - 1].source == ACCOUNT_FROM_SYNC)
				cache_remove_verifier(a, k - 1);
	}
}

static void add_verifier(struct account *a, const struct verifier *v)
{
	unsigned most = v->kind == HASH_PASSWORD ? 1
			: v->kind == HASH_PIN    ? ACCOUNT_PINS_MAX
						 : ACCOUNT_CARDS_MAX;
	unsigned n = 0, learned = a->count;

	for (unsigned i = 0; i < a->count; i++) {
		n += a->verifier[i].kind == v->kind;
		if (a->verifier[i].kind == v->kind && a->verifier[i].source == ACCOUNT_FROM_LOGIN)
			learned = i;
	}
	if (n >= most && learned < a->count) {
		cache_remove_verifier(a, learned); /* the server's own word counts more */
		n--;
	}
	if (n < most && a->count < ACCOUNT_VERIFIERS_MAX)
		a->verifier[a->count++] = *v;
}

static int merge_locked(struct cache *c, const struct sync *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct account *from = &s->account[i];
		struct account *a;

		if (from->flags & ACCOUNT_REMOVED)
			continue;
		a = cache_insert_locked(c, from->name);
		if (!a)
			return -ENOMEM;
		memcpy(a->uuid, from->uuid, sizeof(a->uuid));
		a->flags = (uint8_t)((from->flags & (ACCOUNT_LOCKED | ACCOUNT_EXPIRED)) |
				     ACCOUNT_SYNCED);
		a->assertion_octets = from->assertion_octets;
		memcpy(a->assertion, from->assertion, sizeof(a->assertion));
		for (unsigned k = 0; k < from->count; k++)
			add_verifier(a, &from->verifier[k]);
	}
	return 0;
}

static bool is_in(const struct sync *s, const char *name, uint8_t *flags)
{
	for (size_t low = 0, high = s->count; low < high;) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(s->account[middle].name, name);

		if (order == 0) {
			*flags = s->account[middle].flags;
			return true;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* Who was in the last file and is not in this one, and who is in it as removed. */
static void forget_locked(struct cache *c, const struct sync *s)
{
	for (size_t i = c->count; i > 0; i--) {
		uint8_t flags = 0;
		bool in = is_in(s, c->account[i - 1]->name, &flags);

		if (in ? flags & ACCOUNT_REMOVED : c->account[i - 1]->flags & ACCOUNT_SYNCED)
			cache_remove_locked(c, i - 1);
	}
}

int cache_apply(struct cache *c, const uint8_t *octets, size_t count,
	const uint8_t policy_public[SYNC_POLICY_PUBLIC], const struct cache_now *now,
	size_t *accounts)
{
	AUTO(sync_freep) struct sync *s = NULL;
	int rc;

	/* Held over the reading too: two files at once must not both be newer than the last. */
	pthread_mutex_lock(&c->lock);
	rc = c->wiped ? -ENOENT
		      : sync_read(octets, count, c->options.keys, policy_public, &c->last,
				now->utc_s, &s);
	if (!rc)
		rc = cache_counters_renew_locked(c);
	if (!rc) {
		drop_synced_locked(c);
		forget_locked(c, s);
		rc = merge_locked(c, s);
		c->site = s->pepper;
		c->last = s->head;
		if (s->head.issued_s > c->confirmed_s)
			c->confirmed_s = s->head.issued_s;
		c->changed++;
		if (!rc)
			rc = cache_save_locked(c);
		*accounts = s->count;
	}
	pthread_mutex_unlock(&c->lock);
	return rc;
}

/* ---- the end ---- */

int cache_wipe(struct cache *c)
{
	int rc, rc2, rc3;

	pthread_mutex_lock(&c->lock);
	c->wiped = true;
	while (c->count)
		cache_remove_locked(c, c->count - 1);
	explicit_bzero(&c->site, sizeof(c->site));
	while (c->saving)
		pthread_cond_wait(&c->change, &c->lock);
	/* The key first: what cannot be removed after that stays closed. */
	rc = keys_erase(c->folder);
	rc2 = file_erase(c->folder, "cache");
	rc3 = file_erase(c->folder, "attempts");
	file_erase(c->folder, "cache.bad");
	pthread_mutex_unlock(&c->lock);
	return rc ? rc : rc2 ? rc2 : rc3;
}
