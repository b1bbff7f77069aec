/* SPDX-License-Identifier: Apache-2.0 */
/* stm_pred - undo PNG and TIFF predictors, row by row. */
#include "parse/stm.h"
#include <string.h>

enum { ROW_MAX = 16 << 20 };

struct pred_stm {
	struct stm s;
	struct stm_predictor how;
	size_t row, pixel; /* octets; a pixel at least one */
	uint8_t *cur, *prev;
};

static uint8_t paeth(int a, int b, int c)
{
	int pa = abs(b - c), pb = abs(a - c), pc = abs(a + b - 2 * c);

	if (pa <= pb && pa <= pc)
		return (uint8_t)a;
	return (uint8_t)(pb <= pc ? b : c);
}

static void undo_paeth(uint8_t *cur, const uint8_t *prev, size_t n, size_t px)
{
	for (size_t i = 0; i < px && i < n; i++)
		cur[i] = (uint8_t)(cur[i] + prev[i]);
	for (size_t i = px; i < n; i++)
		cur[i] = (uint8_t)(cur[i] + paeth(cur[i - px], prev[i], prev[i - px]));
}

static void undo_png(int type, uint8_t *cur, const uint8_t *prev, size_t n, size_t px)
{
	switch (type) {
	case 1:
		for (size_t i = px; i < n; i++)
			cur[i] = (uint8_t)(cur[i] + cur[i - px]);
		break;
	case 2:
		for (size_t i = 0; i < n; i++)
			cur[i] = (uint8_t)(cur[i] + prev[i]);
		break;
	case 3:
		for (size_t i = 0; i < px && i < n; i++)
			cur[i] = (uint8_t)(cur[i] + prev[i] / 2);
		for (size_t i = px; i < n; i++)
			cur[i] = (uint8_t)(cur[i] + (cur[i - px] + prev[i]) / 2);
		break;
	case 4:
		undo_paeth(cur, prev, n, px);
		break;
	}
}

static void undo_tiff_bits(uint8_t *row, const struct stm_predictor *how)
{
	int mask = (1 << how->bpc) - 1, per = 8 / how->bpc;
	int left[32] = {0};

	for (int i = 0; i < how->columns * how->colours; i++) {
		int shift = 8 - how->bpc * (i % per + 1);
		int v = (row[i / per] >> shift & mask) + left[i % how->colours];

		left[i % how->colours] = v &= mask;
		row[i / per] = (uint8_t)((row[i / per] & ~(mask << shift)) | v << shift);
	}
}

static void undo_tiff(uint8_t *row, size_t n, const struct stm_predictor *how)
{
	size_t c = (size_t)how->colours;

	if (how->bpc == 8) {
		for (size_t i = c; i < n; i++)
			row[i] = (uint8_t)(row[i] + row[i - c]);
	} else if (how->bpc == 16) {
		for (size_t i = 2 * c; i + 1 < n; i += 2) {
			int v = (row[i] << 8 | row[i + 1]) +
				(row[i - 2 * c] << 8 | row[i - 2 * c + 1]);

			row[i] = (uint8_t)(v >> 8);
			row[i + 1] = (uint8_t)v;
		}
	} else if (how->colours <= 32) {
		undo_tiff_bits(row, how);
	}
}

static bool pred_fill(struct stm *s)
{
	struct pred_stm *d = (struct pred_stm *)s;
	uint8_t *swap = d->prev;
	int type = d->how.predictor >= 10 ? stm_get(s->below) : 0;
	size_t n;

	if (type < 0)
		return false;
	d->prev = d->cur;
	d->cur = swap;
	n = stm_read(s->below, d->cur, d->row);
	if (!n)
		return false;
	memset(d->cur + n, 0, d->row - n);
	if (d->how.predictor == 2)
		undo_tiff(d->cur, d->row, &d->how);
	else
		undo_png(type, d->cur, d->prev, d->row, d->pixel);
	s->p = d->cur;
	s->end = d->cur + n;
	return true;
}

static void pred_close(struct stm *s)
{
	struct pred_stm *d = (struct pred_stm *)s;

	free(d->cur);
	free(d->prev);
	free(d);
}

static void pred_expect(struct stm *s, uint64_t octets)
{
	struct pred_stm *d = (struct pred_stm *)s;

	/* PNG has an octet before each row. */
	stm_expect(s->below, d->how.predictor >= 10 ? octets + octets / d->row : octets);
}

static bool sane(const struct stm_predictor *how)
{
	return how->colours >= 1 && how->colours <= 256 && how->columns >= 1 &&
	       how->columns <= ROW_MAX &&
	       (how->bpc == 1 || how->bpc == 2 || how->bpc == 4 || how->bpc == 8 || how->bpc == 16);
}

struct stm *stm_new_predictor(struct stm *below, const struct stm_predictor *how)
{
	struct pred_stm *d;
	uint64_t bits;

	if (how->predictor < 2 || (how->predictor > 2 && how->predictor < 10))
		return below;
	bits = sane(how) ? (uint64_t)how->colours * (uint64_t)how->bpc * (uint64_t)how->columns : 0;
	if (!bits || bits > 8ull * ROW_MAX) {
		stm_close(below);
		return NULL;
	}
	d = calloc(1, sizeof(*d));
	if (!d) {
		stm_close(below);
		return NULL;
	}
	d->s = (struct stm){.fill = pred_fill,
		.close = pred_close,
		.expect = pred_expect,
		.below = below,
		.budget = below->budget};
	d->how = *how;
	d->row = (size_t)((bits + 7) / 8);
	d->pixel = (size_t)(how->colours * how->bpc + 7) / 8;
	d->cur = calloc(1, d->row);
	d->prev = calloc(1, d->row);
	if (!d->cur || !d->prev) {
		stm_close(&d->s);
		return NULL;
	}
	return &d->s;
}
