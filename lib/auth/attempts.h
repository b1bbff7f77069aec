/* SPDX-License-Identifier: Apache-2.0 */
/* attempts - how often somebody has tried, on disk before the trying; what a restart or a power cut cannot forget.
 *
 * A counter belongs to a name of 16 octets (hash_name()): an account, or a terminal. The rule: 5 tries, then 30 s more
 * waiting each time doubled, locked at 10 until somebody says attempts_set(…, 0). Waiting is on CLOCK_BOOTTIME, and
 * begins again in full after a restart. One file, a record of 128 octets each, vouched for by a key; a damaged or lost
 * file is told, not repaired: the caller then refuses until the server has been heard.
 *
 * Not thread-safe but for attempts_sync(). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"

enum { ATTEMPTS_NAME_OCTETS = 16, ATTEMPTS_BOOT_OCTETS = 16 };

enum attempts_err {
	ATTEMPTS_E_LATER = 1, /* wait first */
	ATTEMPTS_E_LOCKED, /* too many */
	ATTEMPTS_E_DAMAGED, /* attempts_open(): some counter is not to be believed */
};

struct attempts_rule {
	unsigned free_tries; /* this many without waiting */
	unsigned delay_s; /* before the next one; then doubled each time */
	unsigned lock_after; /* tries in all; 0: never */
	unsigned
		decay_s; /* one is forgotten for each such span without any, within a boot; 0: never */
};

struct attempts_now {
	int64_t boot_s; /* CLOCK_BOOTTIME */
	uint8_t boot_id[ATTEMPTS_BOOT_OCTETS];
};

struct attempts;

/** attempts_open() - the counters in @folder's file "attempts"
 * @key: 32 octets
 * Return: 0 (also for a fresh file; attempts_get_id() tells), ATTEMPTS_E_DAMAGED, or -errno. */
int attempts_open(const char *folder, const uint8_t *key, struct attempts **out);
void attempts_free(struct attempts *a);
AUTO_DEFINE(struct attempts *, attempts_free)

/** attempts_reset() - an empty file with a new id; the old one is gone. Return: 0, or -errno. */
int attempts_reset(const char *folder, const uint8_t *key);

/* 16 octets drawn when the file was made. */
const uint8_t *attempts_get_id(const struct attempts *a);

/** attempts_check() - may @name try now?
 * @retry_s: how long to wait after ATTEMPTS_E_LATER
 * Return: 0, ATTEMPTS_E_LATER, ATTEMPTS_E_LOCKED, or -errno. */
int attempts_check(struct attempts *a, const uint8_t *name, const struct attempts_rule *rule,
	const struct attempts_now *now, uint32_t *retry_s);

/** attempts_add() - one more try by @name, written but not yet safe: attempts_sync() before acting on it
 * Return: 0, or -errno; then nothing may be tried. */
int attempts_add(struct attempts *a, const uint8_t *name, const struct attempts_rule *rule,
	const struct attempts_now *now);

unsigned attempts_get(const struct attempts *a, const uint8_t *name);

/** attempts_set() - it was the right one: @count tries remain, the waiting ends. Lost in a power cut, it errs to the safe
 * side. Return: 0, or -errno. */
int attempts_set(struct attempts *a, const uint8_t *name, unsigned count);

/** attempts_mark(), attempts_sync() - what was written up to the mark is on disk; one fdatasync serves all who wait
 * attempts_sync() may be called from many threads at once, without the lock that guards the rest.
 * Return: 0, or -errno: the same error until a sync succeeds. */
uint64_t attempts_mark(const struct attempts *a);
int attempts_sync(struct attempts *a, uint64_t mark);
