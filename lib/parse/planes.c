/* SPDX-License-Identifier: Apache-2.0 */
/* planes - rows of printer rasters: unpack them, and see whether a pixel of them has a colour. */
#include "parse/planes.h"
#include <stdlib.h>
#include <string.h>

bool planes_init(struct planes *p)
{
	uint8_t *all = p->row[0] ? p->row[0] : calloc(PLANES, PLANE_MAX);

	for (int i = 0; all && i < PLANES; i++)
		p->row[i] = all + (size_t)i * PLANE_MAX;
	return all != NULL;
}

void planes_fini(struct planes *p)
{
	free(p->row[0]);
	memset(p->row, 0, sizeof(p->row));
}

void planes_clear(struct planes *p)
{
	for (int i = 0; i < PLANES; i++) {
		if (p->row[i])
			memset(p->row[i], 0, p->len[i]);
		p->len[i] = 0;
	}
}

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t unpack_plain(uint8_t *row, size_t *len, const uint8_t *data, size_t n)
{
	size_t was = *len;

	*len = min(n, PLANE_MAX);
	memcpy(row, data, *len);
	if (was > *len)
		memset(row + *len, 0, was - *len);
	return n;
}

static size_t unpack_runs(uint8_t *row, size_t *len, const uint8_t *data, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i + 1 < n; i += 2) {
		size_t run = min((size_t)data[i] + 1, PLANE_MAX - at);

		memset(row + at, data[i + 1], run);
		at += run;
	}
	if (*len > at)
		memset(row + at, 0, *len - at);
	*len = at;
	return n;
}

/* Runs of equal and of different octets. With @whole > 0 it ends when so many are there. */
static size_t unpack_packbits(
	uint8_t *row, size_t *len, const uint8_t *data, size_t n, size_t whole)
{
	size_t at = 0, i = 0, room = whole ? min(whole, PLANE_MAX) : PLANE_MAX;

	while (i < n && !(whole && at >= whole)) {
		uint8_t c = data[i++];
		size_t run = c < 128 ? (size_t)c + 1 : 257 - (size_t)c;

		if (c == 128)
			continue;
		if (c < 128) {
			size_t have = min(run, n - i);

			memcpy(row + at, data + i, min(have, room - at));
			i += have;
		} else if (i < n) {
			memset(row + at, data[i++], min(run, room - at));
		}
		at = min(at + run, room);
	}
	if (*len > at)
		memset(row + at, 0, *len - at);
	*len = at;
	return i;
}

/* Each change: three bits of how many octets less one, five of how far on; 31 means that more of it follows. */
static size_t unpack_delta(uint8_t *row, size_t *len, const uint8_t *data, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n;) {
		size_t count = (data[i] >> 5) + 1u, skip = data[i] & 31;
		bool more = skip == 31;

		for (i++; more && i < n; i++) {
			skip += data[i];
			more = data[i] == 255;
		}
		at = min(at + skip, PLANE_MAX);
		count = min(min(count, n - min(i, n)), PLANE_MAX - at);
		memcpy(row + at, data + i, count);
		i += count;
		at += count;
		*len = *len > at ? *len : at;
		if (!count)
			break;
	}
	return n;
}

size_t planes_unpack(
	struct planes *p, int i, enum planes_packing how, const uint8_t *data, size_t len)
{
	uint8_t *row = p->row[i];
	size_t bits = p->width * (size_t)p->bits * (p->pixels == PIXELS_OF_COLOUR ? 3 : 1);

	switch (how) {
	case PLANES_PLAIN:
		return unpack_plain(row, &p->len[i], data, len);
	case PLANES_RUNS:
		return unpack_runs(row, &p->len[i], data, len);
	case PLANES_PACKBITS:
		return unpack_packbits(row, &p->len[i], data, len, p->n ? 0 : (bits + 31) / 32 * 4);
	case PLANES_DELTA:
		return unpack_delta(row, &p->len[i], data, len);
	}
	return len;
}

static unsigned int bits_at(const uint8_t *row, size_t at, int bits)
{
	if (bits == 8)
		return row[at / 8];
	return row[at / 8] >> (8 - (size_t)bits - at % 8) & ((1u << bits) - 1);
}

static bool planes_by_index(const struct planes *p, size_t octets)
{
	uint8_t before[PLANES] = {0};
	bool first = true;

	for (size_t x = 0; x < octets; x++) {
		bool same = !first;

		for (int k = 0; k < p->n; k++) {
			same = same && before[k] == p->row[k][x];
			before[k] = p->row[k][x];
		}
		first = false;
		for (int bit = 0; bit < 8 && !same; bit++) {
			unsigned int index = 0;

			for (int k = 0; k < p->n; k++)
				index |= (unsigned int)(before[k] >> bit & 1) << k;
			if (p->coloured[index] &&
				!(p->width && x * 8 + 7 - (size_t)bit >= p->width))
				return true;
		}
	}
	return false;
}

static bool pixels_by_index(const struct planes *p, size_t octets)
{
	size_t per = (size_t)(8 / p->bits), n = octets * per;

	for (size_t x = 0; x < n && !(p->width && x >= p->width); x++)
		if (p->coloured[bits_at(p->row[0], x * (size_t)p->bits, p->bits)])
			return true;
	return false;
}

static bool pixels_of_colour(const struct planes *p, size_t octets)
{
	int unit = 255 / ((1 << p->bits) - 1);
	size_t n = octets * 8 / (3 * (size_t)p->bits);

	for (size_t x = 0; x < n && !(p->width && x >= p->width); x++) {
		int low = 255, top = 0;

		for (int k = 0; k < 3; k++) {
			int v = (int)bits_at(
					p->row[0], (3 * x + (size_t)k) * (size_t)p->bits, p->bits) *
				unit;

			low = v < low ? v : low;
			top = v > top ? v : top;
		}
		if (top - low > p->tolerance)
			return true;
	}
	return false;
}

bool planes_show_colour(const struct planes *p)
{
	size_t octets = 0;

	for (int i = 0; i < PLANES; i++)
		octets = p->len[i] > octets ? p->len[i] : octets;
	switch (p->pixels) {
	case PLANES_BY_INDEX:
		return planes_by_index(p, octets);
	case PIXELS_BY_INDEX:
		return pixels_by_index(p, octets);
	case PLANES_OF_COLOUR:
		for (size_t x = 0; x < octets && p->tolerance < 255; x++)
			if (p->row[0][x] != p->row[1][x] || p->row[1][x] != p->row[2][x])
				return true;
		return false;
	case PIXELS_OF_COLOUR:
		return pixels_of_colour(p, octets);
	}
	return false;
}
