/* SPDX-License-Identifier: Apache-2.0 */
/* when - points in time as people type them, in local time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum when_side {
	WHEN_AHEAD, /* "2h" from now, "17:30" the next one */
	WHEN_BACK, /* "2h" ago, "17:30" the last one */
};

/** when_parse() - "17:30", "90min", "2h", "1h30m", "3d", "today", "tomorrow", "yesterday", "2026-11-23",
 * "2026-11-23T17:30[:00][Z|+01:00]" (a blank instead of T, too)
 * @whole_day: set when no time of day was given: *@out is the day's first second. May be NULL.
 * Return: 0, -EINVAL when it is none of these, -ERANGE when it is no real date or over ten years away. */
int when_parse(const char *text, int64_t now_s, enum when_side side, int64_t *out, bool *whole_day);
/* The first second of the next day. */
int64_t when_next_day(int64_t day_s);
