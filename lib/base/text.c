/* SPDX-License-Identifier: Apache-2.0 */
/* text - see text.h. */
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { SUFFIX_OCTETS = 16, BAD_CHARACTER = 0xfffd };

static const char ellipsis[] = "\xe2\x80\xa6"; /* U+2026 */

/* What a reader does not see, or what makes him see something else. Blank: a space does no harm in its place. */
static const struct {
	uint32_t first, last;
	bool blank;
} hidden[] = {
	{0x0000, 0x0008, false}, {0x0009, 0x000d, true}, /* C0; tab and line ends */
	{0x000e, 0x001f, false}, {0x007f, 0x0084, false}, {0x0085, 0x0085, true},
	{0x0086, 0x009f, false}, /* C1; NEL */
	{0x00ad, 0x00ad, true}, {0x034f, 0x034f, true}, /* soft hyphen; grapheme joiner */
	{0x061c, 0x061c, false}, {0x115f, 0x1160, true}, /* Arabic letter mark; Hangul fillers */
	{0x17b4, 0x17b5, true}, {0x180b, 0x180f, true}, /* Khmer, Mongolian invisible marks */
	{0x200b, 0x200d, true}, {0x200e, 0x200f, false}, /* zero width; left-to-right mark… */
	{0x2028, 0x2029, true},
	{0x202a, 0x202e, false}, /* line, paragraph; embeddings, overrides */
	{0x2060, 0x2064, true}, {0x2065, 0x206f, false}, /* word joiner…; isolates */
	{0x3164, 0x3164, true}, {0xfdd0, 0xfdef, false}, /* Hangul filler; no characters */
	{0xfe00, 0xfe0f, true}, {0xfeff, 0xfeff, true}, /* variation selectors; byte order mark */
	{0xffa0, 0xffa0, true}, {0xfff0, 0xfffb, false}, /* Hangul filler; annotations */
	{0x1bca0, 0x1bca3, true}, {0x1d173, 0x1d17a, true}, /* shorthand, musical controls */
	{0xe0000, 0xe0fff, false}, /* tags and more variation selectors */
};

static uint32_t shown(uint32_t c)
{
	if ((c & 0xfffe) == 0xfffe)
		return BAD_CHARACTER; /* the last two of each plane are no characters */
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (c >= hidden[i].first && c <= hidden[i].last)
			return hidden[i].blank ? ' ' : BAD_CHARACTER;
	return c;
}

/* One character at @in (not at its end): its length in octets; a wrong octet is one bad character (RFC 3629, 3). */
static size_t decode(const unsigned char *in, uint32_t *c)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = in[0] < 0x80 ? 1 : in[0] < 0xc2 ? 0 : in[0] < 0xe0 ? 2 : in[0] < 0xf0 ? 3 : 4;
	uint32_t value = n == 1   ? in[0]
			 : n == 2 ? in[0] & 0x1f
			 : n == 3 ? in[0] & 0x0f
				  : in[0] & 0x07;

	*c = BAD_CHARACTER;
	if (n == 0 || in[0] > 0xf4)
		return 1;
	for (size_t i = 1; i < n; i++) {
		if ((in[i] & 0xc0) != 0x80)
			return 1; /* the terminating NUL ends here too */
		value = value << 6 | (in[i] & 0x3f);
	}
	if (value < least[n] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 1;
	*c = shown(value);
	return n;
}

static size_t encode(char out[4], uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static size_t display_octets(const unsigned char *in)
{
	size_t total = 0;
	uint32_t c;
	char octets[4];

	while (*in) {
		in += decode(in, &c);
		total += encode(octets, c);
	}
	return total;
}

void text_display(char *out, size_t size, const char *in)
{
	const unsigned char *p = (const unsigned char *)(in ? in : "");
	size_t total = display_octets(p), used = 0, at = 0;
	bool whole = total < size, dots = whole;
	size_t head = whole ? total : size - 1 - SUFFIX_OCTETS - (sizeof(ellipsis) - 1);

	while (*p) {
		uint32_t c;
		char octets[4];
		size_t n;

		p += decode(p, &c);
		n = encode(octets, c);
		if (at + n <= head) {
			memcpy(out + used, octets, n);
			used += n;
		} else {
			if (!dots) {
				memcpy(out + used, ellipsis, sizeof(ellipsis) - 1);
				used += sizeof(ellipsis) - 1;
				dots = true;
			}
			if (at + SUFFIX_OCTETS >= total) {
				memcpy(out + used, octets, n);
				used += n;
			}
		}
		at += n;
	}
	out[used] = '\0';
}

bool text_is_clean(const char *in)
{
	const unsigned char *p = (const unsigned char *)in;

	while (*p) {
		uint32_t c;
		char octets[4];
		size_t n = decode(p, &c);

		if (encode(octets, c) != n || memcmp(octets, p, n) != 0)
			return false;
		p += n;
	}
	return true;
}
