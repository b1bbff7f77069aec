/* SPDX-License-Identifier: Apache-2.0 */
/* raster - PWG raster, CUPS raster and URF: run-length coded rows, of which runs are compared, not pixels.
 *
 * PWG 5102.4; cups/raster.h of CUPS 2.4 (versions 1 to 3); URF as AirPrint senders write it. */
#include "parse/formats.h"
#include "parse/result.h"
#include <errno.h>
#include <string.h>

enum {
	HEADER_V1 = 420,
	HEADER = 1796,
	AT_DUPLEX = 272,
	AT_COPIES = 340,
	AT_PAGE_SIZE = 352,
	AT_TUMBLE = 368,
	AT_WIDTH = 372,
	AT_HEIGHT = 376,
	AT_BITS_COLOUR = 384,
	AT_BITS_PIXEL = 388,
	AT_LINE = 392,
	AT_ORDER = 396,
	AT_SPACE = 400,
	LINE_MAX_OCTETS = 16 << 20,
	HEIGHT_MAX = 1 << 20,
	PIXEL_MAX = 32,
};

enum layout { LAYOUT_GRAY, LAYOUT_RGB, LAYOUT_CMY, LAYOUT_CMYK, LAYOUT_KCMY, LAYOUT_UNKNOWN };

struct raster {
	struct format *f;
	uint32_t height, line; /* octets of a line */
	uint32_t pixel; /* octets that a run repeats */
	uint32_t sample; /* octets of one component */
	enum layout layout;
	bool packed; /* rows are run-length coded */
	bool coloured, marks, faint;
	bool white_is_0;
	struct parse_page page;
};

static void note_chroma(struct raster *r, int top, int low)
{
	int tolerance = r->f->limits->tolerance;

	if (top - low > tolerance)
		r->coloured = true;
	else if (top - low > tolerance / 2)
		r->faint = true;
}

static void spread(const int *v, int *top, int *low)
{
	*top = v[0] > v[1] ? v[0] : v[1];
	*top = *top > v[2] ? *top : v[2];
	*low = v[0] < v[1] ? v[0] : v[1];
	*low = *low < v[2] ? *low : v[2];
}

/* One pixel of a run: that it is repeated changes nothing. */
static void look_at_pixel(struct raster *r, const uint8_t *p)
{
	uint32_t s = r->sample, first = r->layout == LAYOUT_KCMY ? s : 0;
	int v[3], top, low, black = 0;

	if (r->layout == LAYOUT_GRAY || r->layout == LAYOUT_UNKNOWN) {
		r->marks = r->marks || *p != (r->white_is_0 ? 0 : 0xff);
		return;
	}
	for (uint32_t i = 0; i < 3; i++)
		v[i] = p[first + i * s];
	if (r->layout == LAYOUT_CMYK || r->layout == LAYOUT_KCMY)
		black = r->layout == LAYOUT_CMYK ? p[3 * s] : p[0];
	for (int i = 0; i < 3 && r->layout != LAYOUT_RGB; i++)
		v[i] = v[i] + black > 255 ? 0 : 255 - v[i] - black;
	spread(v, &top, &low);
	r->marks = r->marks || low < 250;
	note_chroma(r, top, low);
}

/* One row of runs. Return: false when the data ends. */
static bool packed_row(struct raster *r, bool fill_white)
{
	struct stm *in = r->f->in;
	uint32_t done = 0;
	uint8_t pixel[PIXEL_MAX];

	while (done < r->line) {
		int c = stm_get(in), n;

		if (c < 0)
			return false;
		if (c == 128 && fill_white)
			return true;
		n = c < 128 ? 1 : 257 - c;
		for (int i = 0; i < n && (done < r->line || c < 128); i++) {
			if (stm_read(in, pixel, r->pixel) != r->pixel)
				return false;
			look_at_pixel(r, pixel);
			done += r->pixel;
		}
		if (c < 128)
			done += (uint32_t)c * r->pixel;
	}
	return true;
}

/* Rows of a page: each with a count of how often it stands. */
static bool packed_page(struct raster *r, bool fill_white)
{
	for (uint32_t y = 0; y < r->height;) {
		int repeat = stm_get(r->f->in);

		if (repeat < 0 || !packed_row(r, fill_white))
			return false;
		y += (uint32_t)repeat + 1;
	}
	return true;
}

static bool plain_page(struct raster *r)
{
	uint64_t left = (uint64_t)r->height * r->line;
	uint8_t pixel[PIXEL_MAX];

	while (left >= r->pixel) {
		if (r->coloured || r->layout == LAYOUT_UNKNOWN)
			return stm_skip(r->f->in, (size_t)left) == left;
		if (stm_read(r->f->in, pixel, r->pixel) != r->pixel)
			return false;
		look_at_pixel(r, pixel);
		left -= r->pixel;
	}
	return stm_skip(r->f->in, (size_t)left) == left;
}

static int add_page(struct raster *r)
{
	int rc;

	r->page.colour = r->layout == LAYOUT_UNKNOWN ? PARSE_COLOUR_UNKNOWN
			 : r->coloured               ? PARSE_COLOUR_COLOUR
						     : PARSE_COLOUR_GRAY;
	r->page.how = r->page.colour ? PARSE_HOW_DECODED : PARSE_HOW_UNKNOWN;
	r->page.blank = r->page.colour == PARSE_COLOUR_GRAY && !r->marks;
	r->page.faint = r->page.colour == PARSE_COLOUR_GRAY && r->faint;
	rc = result_add_page(r->f->r, r->f->limits, &r->page);
	if (rc == -EOVERFLOW)
		r->f->in->budget->spent = true;
	return rc;
}

static uint32_t word(const uint8_t *p, bool little)
{
	return little ? p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24
		      : p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

/* cupsColorSpace: cups_cspace_t. */
static enum layout layout_of(
	uint32_t space, uint32_t bits_colour, uint32_t bits_pixel, uint32_t order, bool *white_is_0)
{
	*white_is_0 = false;
	switch (space) {
	case 0:
	case 18:
		return LAYOUT_GRAY;
	case 3:
	case 12:
	case 13:
	case 14:
		*white_is_0 = true;
		return LAYOUT_GRAY;
	}
	if (bits_pixel == 1) {
		*white_is_0 = true;
		return LAYOUT_GRAY;
	}
	if (order || (bits_colour != 8 && bits_colour != 16))
		return LAYOUT_UNKNOWN;
	switch (space) {
	case 1:
	case 2:
	case 17:
	case 19:
	case 20:
		return LAYOUT_RGB;
	case 4:
	case 5:
		return LAYOUT_CMY;
	case 6:
		return LAYOUT_CMYK;
	case 7:
		return LAYOUT_KCMY;
	}
	return LAYOUT_UNKNOWN;
}

/* Whether runs of @pixel octets can be made of @line octets, and a pixel holds what will be looked at. */
static bool is_sane(const struct raster *r)
{
	uint32_t need = r->layout == LAYOUT_CMYK || r->layout == LAYOUT_KCMY ? 4 : 3;

	if (r->layout == LAYOUT_GRAY || r->layout == LAYOUT_UNKNOWN)
		need = 1;
	return r->line > 0 && r->line <= LINE_MAX_OCTETS && r->height > 0 &&
	       r->height <= HEIGHT_MAX && r->pixel >= need * (need > 1 ? r->sample : 1) &&
	       r->pixel <= PIXEL_MAX;
}

static bool read_header(struct raster *r, const uint8_t *h, bool little)
{
	uint32_t bits_colour = word(h + AT_BITS_COLOUR, little),
		 bits_pixel = word(h + AT_BITS_PIXEL, little);
	uint32_t order = word(h + AT_ORDER, little), duplex = word(h + AT_DUPLEX, little);

	r->height = word(h + AT_HEIGHT, little);
	r->line = word(h + AT_LINE, little);
	r->layout = layout_of(
		word(h + AT_SPACE, little), bits_colour, bits_pixel, order, &r->white_is_0);
	r->sample = bits_colour == 16 ? 2 : 1;
	r->pixel = order ? (bits_colour + 7) / 8 : (bits_pixel + 7) / 8;
	r->coloured = r->marks = r->faint = false;
	r->page.width_pt = word(h + AT_PAGE_SIZE, little);
	r->page.height_pt = word(h + AT_PAGE_SIZE + 4, little);
	format_job(r->f->r, (int32_t)word(h + AT_COPIES, little),
		!duplex                       ? 1
		: word(h + AT_TUMBLE, little) ? 3
					      : 2);
	return is_sane(r);
}

int raster_read(struct format *f)
{
	struct raster r = {.f = f};
	uint8_t sync[4], header[HEADER] = {0};
	bool little, whole = true;
	size_t size;
	char version;
	int rc = 0;

	if (stm_read(f->in, sync, 4) != 4)
		return 0;
	little = sync[3] == 'R';
	version = (char)(little ? sync[0] : sync[3]);
	size = version == 't' ? HEADER_V1 : HEADER;
	r.packed = version == '2';
	while (!rc && whole && stm_peek(f->in) >= 0 && stm_peek(f->in) != 033) {
		if (stm_read(f->in, header, size) != size || !read_header(&r, header, little)) {
			f->r->flags |= PARSE_F_DAMAGED;
			break;
		}
		whole = r.packed ? packed_page(&r, false) : plain_page(&r);
		if (!whole)
			f->r->flags |= PARSE_F_DAMAGED;
		rc = add_page(&r);
	}
	return rc;
}

int urf_read(struct format *f)
{
	static const enum layout layouts[] = {LAYOUT_GRAY, LAYOUT_RGB, LAYOUT_UNKNOWN, LAYOUT_RGB,
		LAYOUT_GRAY, LAYOUT_RGB, LAYOUT_CMYK};
	struct raster r = {.f = f};
	uint8_t h[32];
	bool whole = true;
	uint32_t dpi, width;
	int rc = 0;

	stm_skip(f->in, 12); /* the word, and a count of pages that may be 0 */
	while (!rc && whole && stm_peek(f->in) >= 0 && stm_peek(f->in) != 033) {
		if (stm_read(f->in, h, sizeof(h)) != sizeof(h))
			break;
		width = word(h + 12, false);
		r.height = word(h + 16, false);
		dpi = word(h + 20, false);
		r.layout = h[1] < sizeof(layouts) / sizeof(layouts[0]) ? layouts[h[1]]
								       : LAYOUT_UNKNOWN;
		r.pixel = (h[0] + 7) / 8;
		r.sample = 1;
		r.line = width <= LINE_MAX_OCTETS ? width * r.pixel : 0;
		r.coloured = r.marks = r.faint = false;
		if (!is_sane(&r)) {
			f->r->flags |= PARSE_F_DAMAGED;
			break;
		}
		r.page.width_pt = dpi ? width * 72.0 / dpi : 0;
		r.page.height_pt = dpi ? r.height * 72.0 / dpi : 0;
		format_job(f->r, 0,
			h[2] >= 1 && h[2] <= 3 ? (h[2] == 1          ? 1
							 : h[2] == 2 ? 3
								     : 2)
					       : 0);
		whole = packed_page(&r, true);
		rc = add_page(&r);
	}
	return rc;
}
