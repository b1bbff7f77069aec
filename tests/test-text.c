/* SPDX-License-Identifier: Apache-2.0 */
/* test-text - whatever octets come in, what goes out is valid, harmless, fits and is terminated. */
#include "base/text.h"

#include <stdint.h>
#include <string.h>

#include "tap.h"

static bool shows(const char *in, const char *want)
{
	char out[256];

	text_display(out, sizeof(out), in);
	if (strcmp(out, want) != 0)
		printf("# got: %s\n", out);
	return !strcmp(out, want);
}

#define BAD "\xef\xbf\xbd"

static void plain_text_stays_as_it_is(void)
{
	CHECK(shows("", "") && shows(NULL, ""));
	CHECK(shows("Rechnung 2026.pdf", "Rechnung 2026.pdf"));
	CHECK(shows("Büro – Größe €5 Ωλ 日本語 🖨",
		"Büro – Größe €5 Ωλ 日本語 🖨"));
	CHECK(text_is_clean("Büro 🖨") && text_is_clean("") && !text_is_clean("a\n") &&
		!text_is_clean("\xff"));
}

static void controls_cannot_reach_a_terminal(void)
{
	CHECK(shows("a\033[2Jb", "a" BAD "[2Jb"));
	CHECK(shows("a\tb\nc\rd", "a b c d"));
	CHECK(shows("a\x7f"
		    "b\xc2\x9b"
		    "c",
		"a" BAD "b" BAD "c")); /* DEL, CSI as C1 */
	CHECK(shows("a\xc2\x85"
		    "b",
		"a b"));
	CHECK(shows("\a\b\x01", BAD BAD BAD));
}

static void direction_and_hidden_characters_do_not_mislead(void)
{
	CHECK(shows("a\xe2\x80\xae"
		    "fdp.exe",
		"a" BAD "fdp.exe")); /* right-to-left override */
	CHECK(shows("\xe2\x81\xa6x\xe2\x81\xa9", BAD "x" BAD));
	CHECK(shows("\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", BAD BAD BAD));
	CHECK(shows("a\xe2\x80\x8b"
		    "b\xef\xbb\xbf",
		"a b "));
	CHECK(shows("a\xe2\x80\xa8"
		    "b\xe2\x80\xa9",
		"a b "));
	CHECK(shows("a\xf3\xa0\x81\xa1", "a" BAD)); /* a tag */
	CHECK(shows("a\xef\xb8\x8f"
		    "b",
		"a b")); /* variation selector */
	CHECK(shows("a\xef\xbf\xbe", "a" BAD)); /* U+FFFE */
}

static void octets_that_are_not_utf8_are_replaced_one_by_one(void)
{
	CHECK(shows("B\xfcro", "B" BAD "ro")); /* Latin-1 */
	CHECK(shows("\xc0\xaf", BAD BAD)); /* overlong */
	CHECK(shows("\xe0\x80\xaf", BAD BAD BAD));
	CHECK(shows("\xf0\x80\x80\xaf", BAD BAD BAD BAD));
	CHECK(shows("\xed\xa0\x80", BAD BAD BAD)); /* a surrogate */
	CHECK(shows("\xf4\x90\x80\x80", BAD BAD BAD BAD));
	CHECK(shows("\xf5\x80\x80\x80", BAD BAD BAD BAD));
	CHECK(shows("a\xe2\x82", "a" BAD BAD)); /* cut short by the end */
	CHECK(shows("\xe2\x82z", BAD BAD "z"));
}

static void a_long_text_is_cut_and_keeps_its_suffix(void)
{
	char in[300], out[64];

	memset(in, 'x', sizeof(in));
	strcpy(in + 280, "-final.pdf");
	text_display(out, sizeof(out), in);
	CHECK(strlen(out) == 63);
	CHECK(strstr(out, "\xe2\x80\xa6"));
	CHECK(!strcmp(out + strlen(out) - 10, "-final.pdf"));
	text_display(out, 32, "12345678901234567890123456789ab");
	CHECK(!strcmp(out, "12345678901234567890123456789ab")); /* just fits */
	text_display(out, 32, "12345678901234567890123456789abc");
	CHECK(!strcmp(out, "123456789012\xe2\x80\xa6"
			   "7890123456789abc"));
	text_display(out, 32, "ääääääääääääääääääää");
	CHECK(!strcmp(out, "ääääää…ääääääää"));
	text_display(out, 32, "€€€€€€€€€€€€€€€€€€€€");
	CHECK(!strcmp(out, "€€€€…€€€€€"));
}

/* A decoder of its own, by the table of RFC 3629, 4. */
static int take_one(const unsigned char *p, uint32_t *c)
{
	if (p[0] < 0x80)
		return *c = p[0], 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf && (p[1] & 0xc0) == 0x80)
		return *c = (uint32_t)(p[0] & 31) << 6 | (p[1] & 63), 2;
	if ((p[0] & 0xf0) == 0xe0 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80) {
		*c = (uint32_t)(p[0] & 15) << 12 | (uint32_t)(p[1] & 63) << 6 | (p[2] & 63);
		return *c >= 0x800 && (*c < 0xd800 || *c > 0xdfff) ? 3 : 0;
	}
	if ((p[0] & 0xf8) == 0xf0 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80 &&
		(p[3] & 0xc0) == 0x80) {
		*c = (uint32_t)(p[0] & 7) << 18 | (uint32_t)(p[1] & 63) << 12 |
		     (uint32_t)(p[2] & 63) << 6 | (p[3] & 63);
		return *c >= 0x10000 && *c <= 0x10ffff ? 4 : 0;
	}
	return 0;
}

static bool is_forbidden(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0x61c ||
	       c == 0xfeff || c == 0xad || (c >= 0xfe00 && c <= 0xfe0f) ||
	       (c >= 0xe0000 && c <= 0xe0fff) || (c & 0xfffe) == 0xfffe ||
	       (c >= 0xfdd0 && c <= 0xfdef) || (c >= 0xfff9 && c <= 0xfffb);
}

static bool is_harmless(const char *out)
{
	const unsigned char *p = (const unsigned char *)out;

	while (*p) {
		uint32_t c = 0;
		int n = take_one(p, &c);

		if (n == 0 || is_forbidden(c))
			return false;
		p += n;
	}
	return true;
}

static void any_octets_become_harmless_and_fit(void)
{
	unsigned seed = 4711, bad = 0;

	for (int round = 0; round < 60000; round++) {
		char in[200], out[140];
		size_t n = (size_t)rand_r(&seed) % sizeof(in),
		       size = 32 + (size_t)rand_r(&seed) % 100;

		for (size_t i = 0; i < n;
			i++) /* half of them in the neighbourhood of what matters */
			in[i] = (char)(rand_r(&seed) % 2
					       ? rand_r(&seed) % 255 + 1
					       : "\xe2\x80\x81\xa8\xf3\xa0\xef\xbb\xbf\xc2\xd8\xed"
							 [rand_r(&seed) % 12]);
		in[n ? n - 1 : 0] = '\0';
		memset(out, 'Z', sizeof(out));
		text_display(out, size, in);
		bad += !memchr(out, '\0', size) || out[size] != 'Z' || !is_harmless(out) ||
		       !text_is_clean(out);
	}
	CHECK(bad == 0);
}

static void every_character_alone_is_harmless_or_replaced(void)
{
	unsigned bad = 0, kept = 0;

	for (uint32_t c = 1; c <= 0x10ffff; c++) {
		char in[5] = {0}, out[32];

		if (c < 0x80) {
			in[0] = (char)c;
		} else if (c < 0x800) {
			in[0] = (char)(0xc0 | c >> 6), in[1] = (char)(0x80 | (c & 63));
		} else if (c < 0x10000) {
			in[0] = (char)(0xe0 | c >> 12), in[1] = (char)(0x80 | (c >> 6 & 63));
			in[2] = (char)(0x80 | (c & 63));
		} else {
			in[0] = (char)(0xf0 | c >> 18), in[1] = (char)(0x80 | (c >> 12 & 63));
			in[2] = (char)(0x80 | (c >> 6 & 63)), in[3] = (char)(0x80 | (c & 63));
		}
		text_display(out, sizeof(out), in);
		bad += !is_harmless(out);
		kept += !strcmp(in, out);
	}
	CHECK(bad == 0);
	CHECK(kept > 1100000 - 8000);
}

int main(void)
{
	RUN(plain_text_stays_as_it_is);
	RUN(controls_cannot_reach_a_terminal);
	RUN(direction_and_hidden_characters_do_not_mislead);
	RUN(octets_that_are_not_utf8_are_replaced_one_by_one);
	RUN(a_long_text_is_cut_and_keeps_its_suffix);
	RUN(any_octets_become_harmless_and_fit);
	RUN(every_character_alone_is_harmless_or_replaced);
	return tap_done();
}
