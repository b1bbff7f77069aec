/* SPDX-License-Identifier: Apache-2.0 */
/* cache-file - the cache on disk; see cache.h.
 *
 * "cache": "STLPCCH" and version 1, the key's id (8), a nonce (24), then XChaCha20-Poly1305 over: the counters' id (16),
 * the last sync file's incarnation (4), serial, issued, not after (8 each), the time last confirmed by the server (8), the
 * site's pepper (32), the number of accounts (4), each as account_put() has it. The first 40 octets are bound to it. */
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "auth/cache-private.h"
#include "auth/file.h"
#include "base/paths.h"

enum {
	ID_AT = 8,
	NONCE_AT = ID_AT + KEYS_ID_OCTETS,
	BODY_AT = NONCE_AT + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
};
_Static_assert(BODY_AT == 40, "the layout above");

static const uint8_t magic[8] = {'S', 'T', 'L', 'P', 'C', 'C', 'H', 1};

static void put_body(struct cache *c, struct octets_out *o)
{
	octets_put(o, attempts_get_id(c->attempts), 16);
	octets_put_number(o, c->last.incarnation, 4);
	octets_put_number(o, c->last.serial, 8);
	octets_put_number(o, (uint64_t)c->last.issued_s, 8);
	octets_put_number(o, (uint64_t)c->last.not_after_s, 8);
	octets_put_number(o, (uint64_t)c->confirmed_s, 8);
	octets_put(o, c->site.octets, sizeof(c->site.octets));
	octets_put_number(o, c->count, 4);
	for (size_t i = 0; i < c->count; i++)
		account_put(o, c->account[i]);
}

static int write_sealed(struct cache *c, const struct octets_out *body)
{
	size_t size = BODY_AT + body->count + TAG;
	uint8_t *file = malloc(size);
	int rc;

	if (!file)
		return -ENOMEM;
	memcpy(file, magic, sizeof(magic));
	memcpy(file + ID_AT, c->options.keys->id, KEYS_ID_OCTETS);
	randombytes_buf(file + NONCE_AT, BODY_AT - NONCE_AT);
	crypto_aead_xchacha20poly1305_ietf_encrypt(file + BODY_AT, NULL, body->octets, body->count,
		file, BODY_AT, NULL, file + NONCE_AT, c->options.keys->cache_key);
	rc = file_replace(c->folder, "cache", file, size);
	free(file);
	return rc;
}

int cache_save_locked(struct cache *c)
{
	uint64_t wanted = c->changed, saving;
	struct octets_out body = {0};
	int rc;

	while (c->saving)
		pthread_cond_wait(&c->change, &c->lock);
	if (c->saved >= wanted || c->wiped)
		return 0;
	saving = c->changed;
	c->saving = true;
	put_body(c, &body);
	pthread_mutex_unlock(&c->lock);
	rc = body.bad ? -ENOMEM : write_sealed(c, &body);
	octets_out_fini(&body);
	pthread_mutex_lock(&c->lock);
	c->saving = false;
	if (!rc)
		c->saved = saving;
	pthread_cond_broadcast(&c->change);
	return rc;
}

/* ---- opening ---- */

/* @counters: the id of the counters that belong to it */
static int take_body(struct cache *c, struct octets_in *in, uint8_t counters[16])
{
	struct account *a = malloc(sizeof(*a));
	uint64_t count;
	int rc = a ? 0 : -ENOMEM;

	octets_get_into(in, counters, 16);
	c->last.incarnation = (uint32_t)octets_get_number(in, 4);
	c->last.serial = octets_get_number(in, 8);
	c->last.issued_s = (int64_t)octets_get_number(in, 8);
	c->last.not_after_s = (int64_t)octets_get_number(in, 8);
	c->confirmed_s = (int64_t)octets_get_number(in, 8);
	octets_get_into(in, c->site.octets, sizeof(c->site.octets));
	count = octets_get_number(in, 4);
	for (uint64_t i = 0; !rc && !in->bad && i < count; i++) {
		struct account *to;

		account_get(in, a);
		to = in->bad ? NULL : cache_insert_locked(c, a->name);
		if (to)
			*to = *a;
		else if (!in->bad)
			rc = -ENOMEM;
	}
	if (a)
		explicit_bzero(a, sizeof(*a));
	free(a);
	return rc ? rc : in->bad || in->at != in->end ? CACHE_DAMAGED : 0;
}

/* Return: 0, CACHE_DAMAGED, CACHE_OTHER_KEY, -ENOENT, -errno. */
static int load(struct cache *c, uint8_t counters[16])
{
	const struct keys *k = c->options.keys;
	uint8_t *file = NULL, *body = NULL;
	unsigned long long opened = 0;
	struct octets_in in;
	size_t count = 0;
	int rc = file_read(c->folder, "cache", CACHE_OCTETS_MAX, &file, &count);

	if (rc)
		return rc > 0 ? CACHE_DAMAGED : rc;
	if (count < BODY_AT + TAG || memcmp(file, magic, sizeof(magic)) != 0)
		rc = CACHE_DAMAGED;
	else if (memcmp(file + ID_AT, k->id, KEYS_ID_OCTETS) != 0)
		rc = CACHE_OTHER_KEY;
	body = rc ? NULL : malloc(count);
	if (!rc && !body)
		rc = -ENOMEM;
	if (!rc && crypto_aead_xchacha20poly1305_ietf_decrypt(body, &opened, NULL, file + BODY_AT,
			   count - BODY_AT, file, BODY_AT, file + NONCE_AT, k->cache_key))
		rc = CACHE_DAMAGED;
	in = (struct octets_in){body, body ? body + opened : NULL, !body};
	if (!rc)
		rc = take_body(c, &in, counters);
	file_wipe(body, (size_t)opened);
	free(file);
	return rc;
}

static void forget_all(struct cache *c)
{
	while (c->count)
		cache_remove_locked(c, c->count - 1);
	memset(&c->last, 0, sizeof(c->last));
	memset(&c->site, 0, sizeof(c->site));
	c->confirmed_s = 0;
}

static int set_aside(const struct cache *c)
{
	char from[PATH_MAX], to[PATH_MAX];

	if (paths_join(from, sizeof(from), c->folder, "cache") ||
		paths_join(to, sizeof(to), c->folder, "cache.bad"))
		return -ENAMETOOLONG;
	return rename(from, to) ? -errno : 0;
}

/* Begin with new counters. With credentials in the cache they would be free tries: then they wait for the server's word. */
static int renew_counters(struct cache *c)
{
	int rc = attempts_reset(c->folder, c->options.keys->counter_key);

	attempts_free(c->attempts);
	c->attempts = NULL;
	if (!rc)
		rc = attempts_open(c->folder, c->options.keys->counter_key, &c->attempts);
	return rc;
}

static int open_counters(struct cache *c, const uint8_t counters[16], bool fresh)
{
	int rc = attempts_open(c->folder, c->options.keys->counter_key, &c->attempts);
	bool ours = !rc && (fresh || !memcmp(attempts_get_id(c->attempts), counters, 16));

	if (rc < 0)
		return rc;
	if (ours)
		return 0;
	c->counters_lost = !fresh && c->count > 0;
	return renew_counters(c);
}

int cache_counters_renew_locked(struct cache *c)
{
	/* The new file was made at start; from now on it is believed. */
	c->counters_lost = false;
	return 0;
}

static int prepare(struct cache *c, const struct cache_options *options)
{
	struct hash_pepper random;
	pthread_condattr_t attr;

	c->options = *options;
	if (c->options.parallel == 0 || c->options.parallel > INFLIGHT_MAX / 2)
		c->options.parallel = 1;
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->change, &attr);
	pthread_condattr_destroy(&attr);
	c->folder = strdup(options->folder);
	if (!c->folder)
		return -ENOMEM;
	c->options.folder = c->folder;
	randombytes_buf(random.octets, sizeof(random.octets));
	randombytes_buf(c->fresh.octets, sizeof(c->fresh.octets));
	return hash_make(&random, HASH_PASSWORD, "", options->cost, c->dummy);
}

int cache_open(const struct cache_options *options, struct cache **out, enum cache_found *found)
{
	AUTO(cache_freep) struct cache *c = calloc(1, sizeof(*c));
	uint8_t counters[16] = {0};
	int rc = c ? prepare(c, options) : -ENOMEM;

	if (rc)
		return rc;
	rc = load(c, counters);
	*found = rc == -ENOENT ? CACHE_FRESH : rc > 0 ? (enum cache_found)rc : CACHE_FOUND;
	if (rc > 0) {
		forget_all(c);
		rc = set_aside(c);
	}
	if (rc == -ENOENT)
		rc = 0;
	if (!rc)
		rc = open_counters(c, counters, *found != CACHE_FOUND);
	if (rc)
		return rc;
	if (c->counters_lost)
		*found = CACHE_COUNTERS_LOST;
	*out = STEAL(c);
	return 0;
}

void cache_free(struct cache *c)
{
	if (!c)
		return;
	forget_all(c);
	attempts_free(c->attempts);
	pthread_cond_destroy(&c->change);
	pthread_mutex_destroy(&c->lock);
	free(c->account);
	free(c->folder);
	explicit_bzero(c, sizeof(*c));
	free(c);
}
