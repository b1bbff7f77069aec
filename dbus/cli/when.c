/* SPDX-License-Identifier: Apache-2.0 */
/* when - see when.h. */
#include "when.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { FAR_S = 3660 * 86400 };

static int64_t day_start(int64_t at_s, int days_later)
{
	time_t at = (time_t)at_s;
	struct tm tm;

	localtime_r(&at, &tm);
	tm.tm_mday += days_later;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1; /* a day is 23 or 25 hours long twice a year */
	return mktime(&tm);
}

int64_t when_next_day(int64_t day_s)
{
	return day_start(day_s, 1);
}

/* "2h", "1h30m": seconds, or -1. */
static int64_t parse_span(const char *text)
{
	static const struct {
		const char *unit;
		int seconds;
	} units[] = {{"seconds", 1}, {"sec", 1}, {"s", 1}, {"minutes", 60}, {"min", 60}, {"m", 60},
		{"hours", 3600}, {"hour", 3600}, {"h", 3600}, {"days", 86400}, {"day", 86400},
		{"d", 86400}, {"weeks", 604800}, {"w", 604800}};
	int64_t total = 0;

	if (!isdigit((unsigned char)*text))
		return -1;
	while (*text) {
		char *end;
		unsigned long long n;
		size_t letters = 0, i;

		if (!isdigit((unsigned char)*text))
			return -1;
		n = strtoull(text, &end, 10);
		end += strspn(end, " ");
		while (isalpha((unsigned char)end[letters]))
			letters++;
		for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (strlen(units[i].unit) == letters &&
				!strncasecmp(units[i].unit, end, letters))
				break;
		if (i == sizeof(units) / sizeof(units[0]) || n > FAR_S)
			return -1;
		total += (int64_t)n * units[i].seconds;
		text = end + letters;
		text += strspn(text, " ");
	}
	return total;
}

/* "17:30" or "17:30:05" at @text to its end, or to @rest. */
static int parse_clock(const char *text, struct tm *tm, const char **rest)
{
	int used = 0, more = 0;

	if (sscanf(text, "%2d:%2d%n", &tm->tm_hour, &tm->tm_min, &used) != 2 ||
		!isdigit((unsigned char)text[0]) || !isdigit((unsigned char)text[used - 2]))
		return -EINVAL;
	tm->tm_sec = 0;
	if (text[used] == ':') {
		if (sscanf(text + used, ":%2d%n", &tm->tm_sec, &more) != 1 || more != 3)
			return -EINVAL;
		used += more;
	}
	*rest = text + used;
	return tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 59 ? -ERANGE : 0;
}

/* "Z", "+01:00", "-0530": seconds east of Greenwich. */
static int parse_zone(const char *text, int *east_s)
{
	int hours, minutes, used = 0;

	*east_s = 0;
	if (!strcasecmp(text, "Z"))
		return 0;
	if ((text[0] != '+' && text[0] != '-') || !isdigit((unsigned char)text[1]))
		return -EINVAL;
	if (sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 &&
		sscanf(text + 1, "%2d%2d%n", &hours, &minutes, &used) != 2)
		return -EINVAL;
	if (text[1 + used] != '\0' || hours < 0 || hours > 14 || minutes < 0 || minutes > 59)
		return -EINVAL;
	*east_s = (hours * 60 + minutes) * 60 * (text[0] == '-' ? -1 : 1);
	return 0;
}

static int parse_date(const char *text, int64_t *out, bool *whole_day)
{
	struct tm tm = {.tm_isdst = -1}, check;
	const char *rest;
	int year, month, day, used = 0, east = 0, rc;

	if (sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3 || used != 10)
		return -EINVAL;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	rest = text + used;
	*whole_day = *rest == '\0';
	if (!*whole_day) {
		if (*rest != 'T' && *rest != 't' && *rest != ' ')
			return -EINVAL;
		rc = parse_clock(rest + 1, &tm, &rest);
		if (rc)
			return rc;
	}
	check = tm;
	*out = timegm(&check);
	if (check.tm_mday != day || check.tm_mon != month - 1)
		return -ERANGE; /* 31 November */
	if (*rest == '\0') {
		*out = mktime(&tm);
		return 0;
	}
	rc = parse_zone(rest, &east);
	*out -= east;
	return rc;
}

static int parse_today(const char *text, int64_t now_s, enum when_side side, int64_t *out)
{
	time_t now = (time_t)now_s;
	const char *rest;
	struct tm tm, asked;
	int rc;

	rc = parse_clock(text, &asked, &rest);
	if (rc || *rest)
		return rc ? rc : -EINVAL;
	for (int later = 0; later < 2; later++) {
		localtime_r(&now, &tm);
		tm.tm_mday += side == WHEN_AHEAD ? later : -later;
		tm.tm_hour = asked.tm_hour;
		tm.tm_min = asked.tm_min;
		tm.tm_sec = asked.tm_sec;
		tm.tm_isdst = -1;
		*out = mktime(&tm);
		if (side == WHEN_AHEAD ? *out > now_s : *out <= now_s)
			break;
	}
	return 0;
}

int when_parse(const char *text, int64_t now_s, enum when_side side, int64_t *out, bool *whole_day)
{
	static const char *const days[] = {"yesterday", "today", "tomorrow"};
	bool ignored;
	int64_t span = parse_span(text);
	int rc = 0;

	whole_day = whole_day ? whole_day : &ignored;
	*whole_day = false;
	if (span >= 0) {
		*out = side == WHEN_AHEAD ? now_s + span : now_s - span;
	} else {
		for (int i = 0; i < 3; i++)
			if (!strcasecmp(text, days[i])) {
				*out = day_start(now_s, i - 1);
				*whole_day = true;
				return 0;
			}
		rc = strchr(text, '-') ? parse_date(text, out, whole_day)
				       : parse_today(text, now_s, side, out);
	}
	if (!rc && (*out < now_s - FAR_S || *out > now_s + FAR_S))
		rc = -ERANGE;
	return rc;
}
