/* SPDX-License-Identifier: Apache-2.0 */
/* out - see out.h. */
#include "out.h"

#include <iconv.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "base/auto.h"
#include "base/text.h"

enum { TURNS = 8, TURN_OCTETS = 1024, DEFAULT_WIDTH = 80, SUFFIX_COLUMNS = 6 };

static char turn_buffer[TURNS][TURN_OCTETS];
static unsigned turn;
static bool plain_utf8;
static iconv_t converter = (iconv_t)-1; /* to the locale's character set, for the program's life */
static locale_t wide; /* counts columns the same whatever the user's locale */

static char *next_buffer(void)
{
	return turn_buffer[turn++ % TURNS];
}

void out_init(void)
{
	setlocale(LC_CTYPE, "");
	plain_utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	if (!plain_utf8)
		converter = iconv_open(nl_langinfo(CODESET), "UTF-8");
	wide = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

const char *out_safe(const char *text)
{
	char *out = next_buffer();

	text_display(out, TURN_OCTETS, text);
	return out;
}

/* Octets of the character at @p, which text_display() or we ourselves made. */
static size_t character(const char *p, uint32_t *value)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t n = u[0] < 0x80 ? 1 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? u[0] : u[0] & (0x7fu >> n);

	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80) {
			*value = '?';
			return 1;
		}
		c = c << 6 | (u[i] & 0x3f);
	}
	*value = c;
	return n;
}

static void put_converted(FILE *to, const char *text)
{
	while (*text) {
		uint32_t ignored;
		size_t n = character(text, &ignored), left = n, room = 16;
		char buffer[16], *in = (char *)(uintptr_t)text, *out = buffer;

		if (n == 1)
			fputc(*text, to);
		else if (converter != (iconv_t)-1 &&
			 iconv(converter, &in, &left, &out, &room) != (size_t)-1)
			fwrite(buffer, 1, sizeof(buffer) - room, to);
		else
			fputs(!strncmp(text, "\xe2\x80\xa6", 3) ? "~" : "?", to);
		text += n;
	}
}

void out_put(FILE *to, const char *text)
{
	if (plain_utf8)
		fputs(text, to);
	else
		put_converted(to, text);
}

void out_say(const char *fmt, ...)
{
	AUTO(auto_free) char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return;
	}
	out_put(stdout, text);
}

int out_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize ws;
	int n = columns ? atoi(columns) : 0;

	if (n > 0)
		return n < 20 ? 20 : n;
	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0)
		return ws.ws_col == 0 ? DEFAULT_WIDTH : ws.ws_col < 20 ? 20 : ws.ws_col;
	return 0;
}

static int columns_of(uint32_t c)
{
	locale_t before;
	int n;

	if (c < 0x80 || !wide || !plain_utf8) /* elsewhere most become one '?' */
		return 1;
	before = uselocale(wide);
	n = wcwidth((wchar_t)c);
	uselocale(before);
	return n < 0 ? 1 : n;
}

int out_columns(const char *text)
{
	int columns = 0;

	while (*text) {
		uint32_t c;

		text += character(text, &c);
		columns += columns_of(c);
	}
	return columns;
}

/* Where @text must begin so that the rest takes at most @columns. */
static const char *tail(const char *text, int columns)
{
	uint32_t c;

	while (*text && out_columns(text) > columns)
		text += character(text, &c);
	return text;
}

void out_cut(char *out, size_t size, const char *text, int columns)
{
	int suffix = columns >= 3 * SUFFIX_COLUMNS ? SUFFIX_COLUMNS : 0;
	int room = columns - 1 - suffix;
	size_t used = 0;

	if (out_columns(text) <= columns) {
		snprintf(out, size, "%s", text);
		return;
	}
	for (const char *p = text; *p;) {
		uint32_t c;
		size_t n = character(p, &c);

		if ((room -= columns_of(c)) < 0 || used + n + 32 >= size)
			break;
		memcpy(out + used, p, n);
		used += n;
		p += n;
	}
	snprintf(out + used, size - used, "\xe2\x80\xa6%s", tail(text, suffix));
}

void out_wrap_label(const char *label, int indent, const char *text)
{
	int width = out_width() ? out_width() : INT_MAX, at = 0;

	while (*text) {
		size_t n = strcspn(text, " ");
		char word[TURN_OCTETS];
		int columns;

		snprintf(word, sizeof(word), "%.*s", (int)(n < sizeof(word) ? n : sizeof(word) - 1),
			text);
		columns = out_columns(word);
		if (at > 0 && at + 1 + columns > width) {
			out_say("\n");
			at = 0;
			label = "";
		}
		if (at == 0)
			out_say("%-*s%s", indent, label, word);
		else
			out_say(" %s", word);
		at += (at == 0 ? indent : 1) + columns;
		text += n;
		text += strspn(text, " ");
	}
	if (at > 0)
		out_say("\n");
}

void out_wrap(int indent, const char *text)
{
	out_wrap_label("", indent, text);
}

const char *out_when(int64_t at_s)
{
	time_t at = (time_t)at_s, now = time(NULL), day_before = now - 86400;
	struct tm t, n, y;
	char *out = next_buffer();
	int kind = 3;

	out[0] = '\0';
	if (at_s <= 0 || !localtime_r(&at, &t) || !localtime_r(&now, &n) ||
		!localtime_r(&day_before, &y))
		return out;
	if (t.tm_year == n.tm_year)
		kind = t.tm_yday == n.tm_yday ? 0 : 2;
	if (t.tm_year == y.tm_year && t.tm_yday == y.tm_yday)
		kind = 1;
	(void)(kind == 0    ? strftime(out, TURN_OCTETS, "%H:%M", &t)
		: kind == 1 ? strftime(out, TURN_OCTETS, "yesterday %H:%M", &t)
		: kind == 2 ? strftime(out, TURN_OCTETS, "%a %d %b %H:%M", &t)
			    : strftime(out, TURN_OCTETS, "%Y-%m-%d %H:%M", &t));
	return out;
}

const char *out_span(int64_t seconds)
{
	char *out = next_buffer();

	if (seconds < 0)
		seconds = 0;
	if (seconds < 120)
		snprintf(out, TURN_OCTETS, "%d s", (int)seconds);
	else if (seconds < 7200)
		snprintf(out, TURN_OCTETS, "%d min", (int)(seconds / 60));
	else if (seconds < 2 * 86400)
		snprintf(out, TURN_OCTETS, "%d h", (int)(seconds / 3600));
	else
		snprintf(out, TURN_OCTETS, "%lld days", (long long)(seconds / 86400));
	return out;
}

const char *out_octets(int64_t octets)
{
	static const char *const unit[] = {"bytes", "kB", "MB", "GB", "TB"};
	double value = (double)octets;
	unsigned i = 0;
	char *out = next_buffer();

	while (value >= 1000 && i < 4) {
		value /= 1000;
		i++;
	}
	snprintf(out, TURN_OCTETS, i == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value, unit[i]);
	return out;
}
