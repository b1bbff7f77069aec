/* SPDX-License-Identifier: Apache-2.0 */
/* attempts - see attempts.h. */
#include "auth/attempts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/file.h"
#include "auth/octets.h"
#include "base/paths.h"

enum {
	RECORD = 128, /* never across a sector: written whole or not at all */
	MAC_AT = 96,
	MAC_OCTETS = 32,
	SLOTS_MAX = 1 << 20,
	LONGEST_S = 24 * 3600,
};

static const char magic[8] = {'S', 'T', 'L', 'P', 'A', 'T', 'T', 1};

struct slot {
	uint8_t name[ATTEMPTS_NAME_OCTETS], boot_id[ATTEMPTS_BOOT_OCTETS];
	uint32_t count;
	int64_t until_s, last_s; /* of that boot */
};

struct attempts {
	int fd;
	uint8_t key[32], id[16];
	struct slot *slot;
	uint32_t count, size;
	uint32_t *table, table_size; /* slot number + 1, by name; a power of 2, at most half full */
	atomic_uint_fast64_t written; /* records so far */
	pthread_mutex_t sync_lock;
	uint64_t synced;
};

/* @at: the record's place, so that records cannot change places. */
static void vouch(
	const uint8_t key[32], uint32_t at, const uint8_t *record, uint8_t mac[MAC_OCTETS])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, key, 32, MAC_OCTETS);
	crypto_generichash_update(&state, (const uint8_t *)&at, sizeof(at));
	crypto_generichash_update(&state, record, MAC_AT);
	crypto_generichash_final(&state, mac, MAC_OCTETS);
}

static int write_record(struct attempts *a, uint32_t at)
{
	struct octets_out o = {0};
	uint8_t *record;
	ssize_t n = -1;

	if (at == 0) {
		octets_put(&o, magic, sizeof(magic));
		octets_put(&o, a->id, sizeof(a->id));
	} else {
		const struct slot *s = &a->slot[at - 1];

		octets_put(&o, s->name, sizeof(s->name));
		octets_put(&o, s->boot_id, sizeof(s->boot_id));
		octets_put_number(&o, s->count, 4);
		octets_put_number(&o, (uint64_t)s->until_s, 8);
		octets_put_number(&o, (uint64_t)s->last_s, 8);
	}
	record = octets_room(&o, RECORD - o.count);
	if (record) {
		memset(record, 0, (size_t)(o.octets + RECORD - record));
		vouch(a->key, at, o.octets, o.octets + MAC_AT);
		n = pwrite(a->fd, o.octets, RECORD, (off_t)at * RECORD);
		atomic_fetch_add(&a->written, 1);
	}
	octets_out_fini(&o);
	return n == RECORD ? 0 : n < 0 ? -errno : -EIO;
}

/* ---- names to slots ---- */

static uint32_t place_of(const struct attempts *a, const uint8_t *name)
{
	uint32_t h;

	memcpy(&h, name, sizeof(h)); /* names are HMACs: any four octets will do */
	for (h &= a->table_size - 1; a->table[h]; h = (h + 1) & (a->table_size - 1))
		if (!memcmp(a->slot[a->table[h] - 1].name, name, ATTEMPTS_NAME_OCTETS))
			break;
	return h;
}

static struct slot *find(const struct attempts *a, const uint8_t *name)
{
	uint32_t n = a->table_size ? a->table[place_of(a, name)] : 0;

	return n ? &a->slot[n - 1] : NULL;
}

static int grow(struct attempts *a)
{
	uint32_t size = a->size ? a->size * 2 : 64;
	struct slot *slot = reallocarray(a->slot, size, sizeof(*slot));
	uint32_t *table;

	if (!slot)
		return -ENOMEM;
	a->slot = slot;
	table = calloc(size * 2, sizeof(*table));
	if (!table)
		return -ENOMEM;
	free(a->table);
	a->table = table;
	a->table_size = size * 2;
	a->size = size;
	for (uint32_t i = 0; i < a->count; i++)
		a->table[place_of(a, a->slot[i].name)] = i + 1;
	return 0;
}

static int add_slot(struct attempts *a, const uint8_t *name, struct slot **out)
{
	int rc = a->count == a->size ? grow(a) : 0;

	if (a->count >= SLOTS_MAX)
		return -ENOSPC;
	if (rc)
		return rc;
	*out = &a->slot[a->count];
	memset(*out, 0, sizeof(**out));
	memcpy((*out)->name, name, ATTEMPTS_NAME_OCTETS);
	a->table[place_of(a, name)] = ++a->count;
	return 0;
}

/* ---- the file ---- */

static int take_record(struct attempts *a, uint32_t at, const uint8_t *record)
{
	struct octets_in in = {record, record + RECORD, false};
	uint8_t mac[MAC_OCTETS];
	struct slot *s = NULL;
	int rc;

	vouch(a->key, at, record, mac);
	if (sodium_memcmp(mac, record + MAC_AT, sizeof(mac)))
		return ATTEMPTS_E_DAMAGED;
	if (at == 0) {
		const uint8_t *found = octets_get(&in, sizeof(magic));

		octets_get_into(&in, a->id, sizeof(a->id));
		return memcmp(found, magic, sizeof(magic)) ? ATTEMPTS_E_DAMAGED : 0;
	}
	if (find(a, record))
		return ATTEMPTS_E_DAMAGED;
	rc = add_slot(a, octets_get(&in, ATTEMPTS_NAME_OCTETS), &s);
	if (rc)
		return rc;
	octets_get_into(&in, s->boot_id, sizeof(s->boot_id));
	s->count = (uint32_t)octets_get_number(&in, 4);
	s->until_s = (int64_t)octets_get_number(&in, 8);
	s->last_s = (int64_t)octets_get_number(&in, 8);
	return 0;
}

static int load(struct attempts *a, const char *folder)
{
	uint8_t *octets = NULL;
	size_t count = 0;
	int rc = file_read(folder, "attempts", (size_t)(SLOTS_MAX + 1) * RECORD, &octets, &count);

	if (rc)
		return rc > 0 ? ATTEMPTS_E_DAMAGED : rc;
	if (count < RECORD || count % RECORD)
		rc = ATTEMPTS_E_DAMAGED;
	for (uint32_t at = 0; !rc && at < count / RECORD; at++)
		rc = take_record(a, at, octets + (size_t)at * RECORD);
	free(octets);
	return rc;
}

int attempts_reset(const char *folder, const uint8_t *key)
{
	uint8_t record[RECORD] = {0};

	memcpy(record, magic, sizeof(magic));
	randombytes_buf(record + sizeof(magic), 16);
	vouch(key, 0, record, record + MAC_AT);
	return file_replace(folder, "attempts", record, sizeof(record));
}

int attempts_open(const char *folder, const uint8_t *key, struct attempts **out)
{
	AUTO(attempts_freep) struct attempts *a = calloc(1, sizeof(*a));
	char path[PATH_MAX];
	int rc = paths_join(path, sizeof(path), folder, "attempts");

	if (!a)
		return -ENOMEM;
	a->fd = -1;
	pthread_mutex_init(&a->sync_lock, NULL);
	memcpy(a->key, key, sizeof(a->key));
	if (!rc)
		rc = load(a, folder);
	if (rc == -ENOENT) {
		rc = attempts_reset(folder, key);
		if (!rc)
			rc = load(a, folder);
	}
	if (rc)
		return rc;
	a->fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (a->fd < 0)
		return -errno;
	*out = STEAL(a);
	return 0;
}

void attempts_free(struct attempts *a)
{
	if (!a)
		return;
	if (a->fd >= 0)
		close(a->fd);
	pthread_mutex_destroy(&a->sync_lock);
	free(a->slot);
	free(a->table);
	explicit_bzero(a, sizeof(*a));
	free(a);
}

const uint8_t *attempts_get_id(const struct attempts *a)
{
	return a->id;
}

/* ---- the rule ---- */

static int64_t delay_of(unsigned count, const struct attempts_rule *rule)
{
	int64_t delay = rule->delay_s;

	if (count < rule->free_tries)
		return 0;
	for (unsigned i = rule->free_tries; i < count && delay < LONGEST_S; i++)
		delay *= 2;
	return delay < LONGEST_S ? delay : LONGEST_S;
}

/* Bring a counter into this boot, and let go what time has healed. */
static int refresh(struct attempts *a, struct slot *s, const struct attempts_rule *rule,
	const struct attempts_now *now)
{
	int64_t spans;

	if (memcmp(s->boot_id, now->boot_id, sizeof(s->boot_id)) != 0) {
		memcpy(s->boot_id, now->boot_id, sizeof(s->boot_id));
		s->last_s = now->boot_s;
		s->until_s = s->count ? now->boot_s + delay_of(s->count, rule) : 0;
		return write_record(a, (uint32_t)(s - a->slot) + 1);
	}
	if (rule->lock_after && s->count >= rule->lock_after)
		return 0; /* only the server unlocks */
	spans = rule->decay_s ? (now->boot_s - s->last_s) / rule->decay_s : 0;
	if (spans > 0) {
		s->count = spans < s->count ? s->count - (uint32_t)spans : 0;
		s->last_s += spans * rule->decay_s;
	}
	return 0;
}

int attempts_check(struct attempts *a, const uint8_t *name, const struct attempts_rule *rule,
	const struct attempts_now *now, uint32_t *retry_s)
{
	struct slot *s = find(a, name);
	int rc = s ? refresh(a, s, rule, now) : 0;

	if (rc || !s)
		return rc;
	if (rule->lock_after && s->count >= rule->lock_after)
		return ATTEMPTS_E_LOCKED;
	if (s->count < rule->free_tries || s->until_s <= now->boot_s)
		return 0;
	*retry_s = (uint32_t)(s->until_s - now->boot_s);
	return ATTEMPTS_E_LATER;
}

int attempts_add(struct attempts *a, const uint8_t *name, const struct attempts_rule *rule,
	const struct attempts_now *now)
{
	struct slot *s = find(a, name);
	int rc = s ? refresh(a, s, rule, now) : add_slot(a, name, &s);

	if (rc)
		return rc;
	if (s->count < UINT32_MAX)
		s->count++;
	memcpy(s->boot_id, now->boot_id, sizeof(s->boot_id));
	s->last_s = now->boot_s;
	s->until_s = now->boot_s + delay_of(s->count, rule);
	return write_record(a, (uint32_t)(s - a->slot) + 1);
}

unsigned attempts_get(const struct attempts *a, const uint8_t *name)
{
	const struct slot *s = find(a, name);

	return s ? s->count : 0;
}

int attempts_set(struct attempts *a, const uint8_t *name, unsigned count)
{
	struct slot *s = find(a, name);

	if (!s)
		return 0;
	s->count = count;
	s->until_s = 0;
	return write_record(a, (uint32_t)(s - a->slot) + 1);
}

uint64_t attempts_mark(const struct attempts *a)
{
	return atomic_load(&a->written);
}

int attempts_sync(struct attempts *a, uint64_t mark)
{
	uint64_t target;
	int rc = 0;

	pthread_mutex_lock(&a->sync_lock);
	if (a->synced < mark) {
		/* All that was written before this call is in it, others' records too: who comes next finds it done. */
		target = atomic_load(&a->written);
		if (fdatasync(a->fd))
			rc = -errno;
		else
			a->synced = target;
	}
	pthread_mutex_unlock(&a->sync_lock);
	return rc;
}
