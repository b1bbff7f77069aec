/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_rows - rows of samples: does any of them show a colour at 72 dpi?
 *
 * A renderer mixes the samples that fall on one point, so a coloured fringe one sample wide in a
 * scan of 300 dpi is gray on the page.  Rows are therefore read in bands as high as a point; only
 * where a band has a coloured sample at all are its points mixed. */
#include "parse/pdf_image.h"
#include "parse/pdf_run.h"
#include <math.h>
#include <string.h>

enum { ROW_MAX = 32 << 20, BAND_MAX = 4 << 20, STEP_MAX = 16, MEMO = 1024 };

struct memo {
	uint64_t key;
	bool known, coloured;
};

struct rows {
	const struct raw_image *img;
	size_t row;
	int n, step; /* components; samples mixed each way */
	uint8_t *band;
	int have; /* rows in the band */
	int64_t y; /* of the row after the band */
	bool plain_rgb, plain_cmyk, in_doubt;
	uint8_t byte_hit[256]; /* one component: some sample in this octet is coloured */
	struct memo *memo;
	double top;
};

static unsigned int sample_at(const struct rows *rs, const uint8_t *row, size_t i)
{
	int bpc = rs->img->bpc;

	if (bpc == 8)
		return row[i];
	if (bpc == 16)
		return (unsigned int)row[2 * i] << 8 | row[2 * i + 1];
	return row[i * (size_t)bpc / 8] >> (8 - bpc - (int)(i * (size_t)bpc % 8)) &
	       ((1u << bpc) - 1);
}

static void components_at(const struct rows *rs, const unsigned int *s, double *v)
{
	const struct raw_image *img = rs->img;

	for (int k = 0; k < rs->n; k++) {
		double r[2];

		cs_decode(img->cs, k, img->bpc, r);
		if (img->decode) {
			r[0] = img->decode[2 * k];
			r[1] = img->decode[2 * k + 1];
		}
		v[k] = r[0] + s[k] * (r[1] - r[0]) / ((1 << img->bpc) - 1);
	}
}

static bool is_keyed_out(const struct rows *rs, const unsigned int *s)
{
	for (int k = 0; k < rs->n; k++)
		if (s[k] < rs->img->key[2 * k] || s[k] > rs->img->key[2 * k + 1])
			return false;
	return rs->img->keyed;
}

static void samples_at(const struct rows *rs, const uint8_t *row, size_t x, unsigned int *s)
{
	for (int k = 0; k < rs->n; k++)
		s[k] = sample_at(rs, row, x * (size_t)rs->n + (size_t)k);
}

static bool is_coloured(struct rows *rs, const unsigned int *s)
{
	double v[FUNC_MAX], c;

	if (is_keyed_out(rs, s))
		return false;
	components_at(rs, s, v);
	c = cs_chroma(rs->img->cs, v, rs->img->composite_colour);
	if (c < 0)
		rs->in_doubt = true;
	return c > rs->img->tolerance;
}

/* The same for pictures whose colours cost a function each: they repeat. */
static bool is_coloured_memo(struct rows *rs, const unsigned int *s)
{
	uint64_t key = 0;
	struct memo *m;

	if (rs->n * rs->img->bpc > 64)
		return is_coloured(rs, s);
	for (int k = 0; k < rs->n; k++)
		key = key << rs->img->bpc | s[k];
	m = &rs->memo[key * 0x9e3779b97f4a7c15ull >> 54];
	if (!m->known || m->key != key)
		*m = (struct memo){key, true, is_coloured(rs, s)};
	return m->coloured;
}

static bool rgb_row_hit(const uint8_t *p, size_t width, int tolerance)
{
	int worst = 0;

	for (size_t i = 0; i < width; i++, p += 3) {
		int a = p[0] - p[1], b = p[1] - p[2], c = p[2] - p[0];
		int m = a < 0 ? -a : a;

		b = b < 0 ? -b : b;
		c = c < 0 ? -c : c;
		m = m > b ? m : b;
		m = m > c ? m : c;
		worst = worst > m ? worst : m;
	}
	return worst > tolerance;
}

static bool cmyk_row_hit(const uint8_t *p, size_t width, int tolerance)
{
	for (size_t i = 0; i < width; i++, p += 4) {
		int top = p[0] > p[1] ? p[0] : p[1], low = p[0] < p[1] ? p[0] : p[1],
		    room = 255 - p[3];

		top = top > p[2] ? top : p[2];
		low = low < p[2] ? low : p[2];
		top = top < room ? top : room;
		low = low < room ? low : room;
		if (top - low > tolerance)
			return true;
	}
	return false;
}

static bool row_hit(struct rows *rs, const uint8_t *row)
{
	size_t width = (size_t)rs->img->width;
	unsigned int s[FUNC_MAX];

	if (rs->plain_rgb)
		return rgb_row_hit(row, width, (int)rs->img->tolerance);
	if (rs->plain_cmyk)
		return cmyk_row_hit(row, width, (int)rs->img->tolerance);
	if (rs->n == 1 && rs->img->bpc <= 8) {
		size_t whole = width * (size_t)rs->img->bpc / 8;

		for (size_t i = 0; i < whole; i++)
			if (rs->byte_hit[row[i]])
				return true;
		for (size_t x = whole * 8 / (size_t)rs->img->bpc; x < width; x++) {
			samples_at(rs, row, x, s);
			if (is_coloured(rs, s))
				return true;
		}
		return false;
	}
	for (size_t x = 0; x < width; x++) {
		samples_at(rs, row, x, s);
		if (is_coloured_memo(rs, s))
			return true;
	}
	return false;
}

/* The mixed colour of the @step by @step samples whose left upper one is @x in the band. */
static double mixed_chroma(struct rows *rs, size_t x)
{
	double sum[3] = {0}, rgb[3], v[FUNC_MAX], n = 0;
	unsigned int s[FUNC_MAX];

	for (int y = 0; y < rs->have; y++)
		for (size_t i = x; i < x + (size_t)rs->step && i < (size_t)rs->img->width;
			i++, n++) {
			samples_at(rs, rs->band + (size_t)y * rs->row, i, s);
			components_at(rs, s, v);
			if (is_keyed_out(rs, s) || !cs_rgb_of(rs->img->cs, v, rgb))
				rgb[0] = rgb[1] = rgb[2] = 1;
			for (int k = 0; k < 3; k++)
				sum[k] += rgb[k];
		}
	return 255 / n * (fmax(sum[0], fmax(sum[1], sum[2])) - fmin(sum[0], fmin(sum[1], sum[2])));
}

/* Whether something of the point whose left upper sample is @x in the band may show. */
static bool point_shows(const struct rows *rs, size_t x)
{
	const struct raw_image *img = rs->img;
	size_t right = x + (size_t)rs->step - 1;
	int64_t top = rs->y - rs->have;

	return cells_show(
		       img->shown, x, (uint64_t)img->width, (uint64_t)top, (uint64_t)img->height) ||
	       cells_show(img->shown, right, (uint64_t)img->width, (uint64_t)rs->y - 1,
		       (uint64_t)img->height);
}

static bool band_shows_colour(struct rows *rs)
{
	bool hit = false;

	for (int y = 0; y < rs->have && !hit; y++)
		hit = row_hit(rs, rs->band + (size_t)y * rs->row);
	if (!hit || (!rs->img->shown && (rs->step == 1 || rs->img->composite_colour)))
		return hit;
	for (size_t x = 0; x < (size_t)rs->img->width; x += (size_t)rs->step) {
		double c;

		if (rs->img->shown && !point_shows(rs, x))
			continue;
		c = mixed_chroma(rs, x);

		rs->top = c > rs->top ? c : rs->top;
		if (c > rs->img->tolerance)
			return true;
	}
	return false;
}

static bool read_bands(struct stm *in, struct rows *rs)
{
	size_t whole = rs->img->bpc >= 8 ? (size_t)(rs->n * rs->img->bpc / 8) : 1;

	for (int64_t y = 0; y < rs->img->height;) {
		bool end = false;

		for (rs->have = 0; rs->have < rs->step && y < rs->img->height && !end; y++) {
			uint8_t *to = rs->band + (size_t)rs->have * rs->row;
			size_t n = stm_read(in, to, rs->row);

			end = n < rs->row;
			if (!n)
				break;
			/* What is missing reads as 0; a pixel of which a part is there would look like a colour. */
			if (end)
				n -= n % whole;
			memset(to + n, 0, rs->row - n);
			rs->have++;
		}
		rs->y = y;
		if (rs->have && band_shows_colour(rs))
			return true;
		if (end || rs->in_doubt)
			return false;
	}
	return false;
}

static void prepare(struct rows *rs)
{
	const struct raw_image *img = rs->img;
	bool plain = img->bpc == 8 && !img->decode && !img->keyed && !img->composite_colour;
	int per = img->bpc <= 8 ? 8 / img->bpc : 0;

	rs->plain_rgb = plain && img->cs->kind == CS_RGB && rs->n == 3;
	rs->plain_cmyk = plain && img->cs->kind == CS_CMYK;
	for (int octet = 0; rs->n == 1 && per && octet < 256; octet++)
		for (int i = 0; i < per; i++) {
			unsigned int s = (unsigned int)octet >> (8 - img->bpc * (i + 1)) &
					 ((1u << img->bpc) - 1);

			rs->byte_hit[octet] |= is_coloured(rs, &s);
		}
}

static bool is_sane(const struct raw_image *img)
{
	return img->cs->n >= 1 && img->cs->n <= FUNC_MAX && img->cs->kind != CS_UNKNOWN &&
	       img->cs->kind != CS_PATTERN && img->width > 0 && img->height > 0 &&
	       img->width <= ROW_MAX &&
	       (img->bpc == 1 || img->bpc == 2 || img->bpc == 4 || img->bpc == 8 || img->bpc == 16);
}

uint8_t raw_image_judge(struct stm *in, const struct raw_image *img)
{
	uint8_t bits = VERDICT_KNOWN | VERDICT_MARKS | VERDICT_DECODED;
	struct rows rs = {.img = img, .n = img->cs->n};
	AUTO(auto_free) uint8_t *band = NULL;
	AUTO(auto_free) struct memo *memo = NULL;
	uint64_t row;

	if (!is_sane(img))
		return bits | VERDICT_DOUBT;
	row = ((uint64_t)img->width * (uint64_t)rs.n * (uint64_t)img->bpc + 7) / 8;
	if (row > ROW_MAX)
		return bits | VERDICT_DOUBT;
	rs.row = (size_t)row;
	rs.step = img->scale >= STEP_MAX ? STEP_MAX : img->scale >= 2 ? (int)img->scale : 1;
	if ((uint64_t)rs.step * row > BAND_MAX)
		rs.step = 1;
	rs.band = band = malloc((size_t)rs.step * rs.row);
	rs.memo = memo = calloc(MEMO, sizeof(*memo));
	if (!band || !memo)
		return bits | VERDICT_DOUBT;
	prepare(&rs);
	stm_expect(in, row * (uint64_t)img->height);
	if (read_bands(in, &rs))
		return bits | VERDICT_COLOUR;
	if (rs.in_doubt || (in->bad && in->budget->spent))
		bits |= VERDICT_DOUBT;
	return rs.top > img->tolerance / 2 ? bits | VERDICT_FAINT : bits;
}
