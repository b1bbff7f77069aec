/* SPDX-License-Identifier: Apache-2.0 */
/* picture - a JPEG or PNG file as a job of one page. */
#include "parse/formats.h"
#include "parse/jpeg.h"
#include "parse/pdf_image.h"
#include "parse/pdf_run.h"
#include "parse/result.h"
#include <errno.h>
#include <string.h>

static int add(struct format *f, struct parse_page *page, uint8_t bits)
{
	page->how = PARSE_HOW_DECODED;
	if (bits & VERDICT_COLOUR)
		page->colour = PARSE_COLOUR_COLOUR;
	else if (bits & VERDICT_DOUBT)
		page->how = PARSE_HOW_UNKNOWN;
	else
		page->colour = PARSE_COLOUR_GRAY;
	page->faint = page->colour == PARSE_COLOUR_GRAY && (bits & VERDICT_FAINT);
	return result_add_page(f->r, f->limits, page);
}

int jpeg_read(struct format *f)
{
	struct jpeg_look look = {.scale = 1,
		.tolerance = f->limits->tolerance,
		.composite_colour = f->limits->composite_colour};
	struct parse_page page = {.width_pt = 0};
	enum jpeg_answer answer;

	if (f->limits->count_only)
		return jpeg_size(f->in, &look) ? add(f, &page, VERDICT_DOUBT) : 0;
	answer = jpeg_look(f->in, &look);
	if (!look.width)
		return 0;
	if (look.dpi) {
		page.width_pt = look.width * 72.0 / look.dpi;
		page.height_pt = look.height * 72.0 / look.dpi;
	}
	return add(f, &page,
		answer == JPEG_COLOUR ? VERDICT_COLOUR
		: answer == JPEG_GRAY ? 0
				      : VERDICT_DOUBT);
}

/* The IDAT chunks of a PNG as one stream. */
struct idat_stm {
	struct stm s;
	struct stm *in; /* not ours to close */
	uint32_t left; /* of the chunk */
	bool ended;
	uint8_t buf[4096];
};

static uint32_t word(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool idat_fill(struct stm *s)
{
	struct idat_stm *d = (struct idat_stm *)s;
	uint8_t head[12];
	size_t n;

	while (!d->left && !d->ended) {
		/* The checksum of the chunk that ended, then the next one's length and name. */
		if (stm_read(d->in, head, 12) != 12 || memcmp(head + 8, "IDAT", 4) != 0)
			d->ended = true;
		else
			d->left = word(head + 4);
	}
	n = d->left < sizeof(d->buf) ? d->left : sizeof(d->buf);
	n = d->ended ? 0 : stm_read(d->in, d->buf, n);
	d->left -= (uint32_t)n;
	s->p = d->buf;
	s->end = d->buf + n;
	return n > 0;
}

static void idat_close(struct stm *s)
{
	free(s);
}

/* The octets of all rows, still with their filters. */
static struct stm *open_data(struct format *f, uint32_t first)
{
	struct idat_stm *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->s = (struct stm){.fill = idat_fill, .close = idat_close, .budget = f->in->budget};
	d->in = f->in;
	d->left = first;
	return stm_new_flate(&d->s);
}

/* A part of another stream, which stays open. */
struct part_stm {
	struct stm s;
	struct stm *in;
	uint64_t left;
};

static bool part_fill(struct stm *s)
{
	struct part_stm *p = (struct part_stm *)s;
	size_t n;

	if (!p->left || !stm_fill(p->in))
		return false;
	n = (size_t)(p->in->end - p->in->p);
	n = n < p->left ? n : (size_t)p->left;
	s->p = p->in->p;
	s->end = s->p + n;
	p->in->p += n;
	p->left -= n;
	return true;
}

static void part_close(struct stm *s)
{
	free(s);
}

static struct stm *open_rows(struct stm *data, uint64_t octets, const struct stm_predictor *how)
{
	struct part_stm *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->s = (struct stm){.fill = part_fill, .close = part_close, .budget = data->budget};
	p->in = data;
	p->left = octets;
	return stm_new_predictor(&p->s, how);
}

struct png {
	uint32_t width, height;
	int depth, type, interlace;
	uint8_t palette[768];
	uint32_t colours;
	struct parse_page page;
};

/* Reads chunks up to the first IDAT. Return: its length, 0 when there is none. */
static uint32_t read_chunks(struct format *f, struct png *png)
{
	uint8_t head[8], body[13];

	while (stm_read(f->in, head, 8) == 8) {
		uint32_t len = word(head), n = 0;

		if (!memcmp(head + 4, "IDAT", 4))
			return len;
		if (!memcmp(head + 4, "IHDR", 4) && len == 13 &&
			stm_read(f->in, body, n = 13) == 13) {
			png->width = word(body);
			png->height = word(body + 4);
			png->depth = body[8];
			png->type = body[9];
			png->interlace = body[12];
		} else if (!memcmp(head + 4, "PLTE", 4) && len <= sizeof(png->palette)) {
			n = (uint32_t)stm_read(f->in, png->palette, len);
			png->colours = n / 3;
		} else if (!memcmp(head + 4, "pHYs", 4) && len == 9 &&
			   stm_read(f->in, body, n = 9) == 9) {
			double x = word(body), y = word(body + 4);

			if (body[8] == 1 && x > 0 && y > 0) {
				png->page.width_pt = png->width / x / 0.0254 * 72;
				png->page.height_pt = png->height / y / 0.0254 * 72;
			}
		}
		if (stm_skip(f->in, (size_t)len - n + 4) != (size_t)len - n + 4)
			return 0;
	}
	return 0;
}

/* A picture that stands in the file as one of its own: all of it, or a pass of an interlaced one. */
static uint8_t judge_part(
	struct format *f, const struct png *png, struct stm *data, uint32_t width, uint32_t height)
{
	struct cs indexed = {.kind = CS_INDEXED,
		.n = 1,
		.base = &cs_rgb,
		.palette = png->palette,
		.high = png->colours ? (int)png->colours - 1 : 0};
	struct stm_predictor how = {15,
		png->type == 3   ? 1
		: png->type == 6 ? 4
				 : 3,
		png->depth, (int)width};
	/* With alpha: the fourth sample is no ink, and black lets all of it show. */
	struct cs rgba = {.kind = CS_RGB, .n = 4};
	struct raw_image img = {.cs = png->type == 3   ? &indexed
				      : png->type == 6 ? &rgba
						       : &cs_rgb,
		.width = width,
		.height = height,
		.bpc = png->depth,
		.scale = 1,
		.tolerance = f->limits->tolerance,
		.composite_colour = f->limits->composite_colour};
	uint64_t row = ((uint64_t)width * (uint64_t)how.colours * (uint64_t)how.bpc + 7) / 8 + 1;
	AUTO(stm_closep) struct stm *rows = open_rows(data, row * height, &how);
	uint8_t bits = rows ? raw_image_judge(rows, &img) : VERDICT_DOUBT;

	/* What a reader that stopped early left is no part of the next pass. */
	while (rows && png->interlace && !(bits & (VERDICT_COLOUR | VERDICT_DOUBT)) &&
		stm_fill(rows))
		rows->p = rows->end;
	return bits;
}

/* Adam7: the first pixel of each pass, and how far apart its pixels are. */
static const uint8_t passes[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
	{0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};

static uint8_t judge_rows(struct format *f, const struct png *png, uint32_t first)
{
	AUTO(stm_closep) struct stm *data = open_data(f, first);
	uint8_t bits = 0;

	if (!data)
		return VERDICT_DOUBT;
	if (!png->interlace)
		return judge_part(f, png, data, png->width, png->height);
	for (int i = 0; i < 7 && !(bits & (VERDICT_COLOUR | VERDICT_DOUBT)); i++) {
		const uint8_t *p = passes[i];
		uint32_t w = (uint32_t)(((uint64_t)png->width + p[2] - 1 - p[0]) / p[2]);
		uint32_t h = (uint32_t)(((uint64_t)png->height + p[3] - 1 - p[1]) / p[3]);

		if (w && h)
			bits |= judge_part(f, png, data, w, h);
	}
	return bits;
}

int png_read(struct format *f)
{
	struct png png = {.width = 0};
	uint32_t first;
	uint8_t bits = 0;

	stm_skip(f->in, 8);
	first = read_chunks(f, &png);
	if (!first || !png.width || !png.height || png.width > INT32_MAX || png.height > INT32_MAX)
		return 0;
	if (png.type == 2 || png.type == 3 || png.type == 6)
		bits = f->limits->count_only ? VERDICT_DOUBT : judge_rows(f, &png, first);
	return add(f, &png.page, bits);
}
