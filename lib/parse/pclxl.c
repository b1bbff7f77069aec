/* SPDX-License-Identifier: Apache-2.0 */
/* pclxl - PCL XL (PCL 6): tagged values, attributes and operators; data is stepped over.
 *
 * HP, PCL XL Feature Reference Protocol Class 2.1. */
#include "parse/formats.h"
#include "parse/result.h"
#include <errno.h>
#include <string.h>

enum {
	OP_BEGIN_PAGE = 0x43,
	OP_END_PAGE = 0x44,
	OP_SET_BRUSH = 0x63,
	OP_SET_SPACE = 0x6a,
	OP_SET_PEN = 0x79,
	OP_TEXT = 0xa8,
	OP_BEGIN_IMAGE = 0xb0,
	OP_BEGIN_PATTERN = 0xb3,
	ATTR_SPACE = 3,
	ATTR_PALETTE = 6,
	ATTR_RGB = 11,
	ATTR_MEDIA_SIZE = 37,
	ATTR_ORIENTATION = 40,
	ATTR_CUSTOM_SIZE = 47,
	ATTR_CUSTOM_UNITS = 48,
	ATTR_COPIES = 49,
	ATTR_SIMPLEX = 52,
	ATTR_DUPLEX = 53,
	SPACE_GRAY = 1,
	VALUES = 768,
};

struct pclxl {
	struct format *f;
	bool little;
	double v[VALUES]; /* the value that was read last */
	int n;
	bool real;
	/* what the attributes before the next operator said */
	int space, media, orientation;
	double rgb[3], custom[2];
	int custom_units;
	bool has_rgb, has_palette, palette_coloured;
	/* in force */
	bool rgb_space, coloured, doubtful, in_page, marks;
	bool brush_coloured;
	struct parse_page page;
};

static double number(struct pclxl *x, int size, bool is_signed, bool is_real)
{
	uint32_t u = 0;
	float f;

	for (int i = 0; i < size; i++) {
		uint32_t c = (uint32_t)stm_get(x->f->in) & 0xff;

		u |= c << 8 * (x->little ? i : size - 1 - i);
	}
	if (is_real) {
		memcpy(&f, &u, sizeof(f));
		return (double)f;
	}
	if (is_signed)
		return size == 2 ? (double)(int16_t)u : (double)(int32_t)u;
	return u;
}

/* The five kinds of number, by the low bits of a tag. Return: octets of one, 0 for none. */
static int read_numbers(struct pclxl *x, int kind, uint32_t n)
{
	static const int size[] = {1, 2, 4, 2, 4, 4};

	if (kind > 5)
		return 0;
	x->n = n < VALUES ? (int)n : VALUES;
	x->real = kind == 5;
	for (uint32_t i = 0; i < n && stm_fill(x->f->in); i++) {
		double v = number(x, size[kind], kind == 3 || kind == 4, kind == 5);

		if (i < VALUES)
			x->v[i] = v;
	}
	return size[kind];
}

static uint32_t array_length(struct pclxl *x)
{
	int tag = stm_get(x->f->in);

	if (tag != 0xc0 && tag != 0xc1 && tag != 0xc2)
		return 0;
	return (uint32_t)number(x, tag == 0xc0 ? 1 : tag == 0xc1 ? 2 : 4, false, false);
}

static bool is_coloured(const struct pclxl *x, const double *rgb, double unit)
{
	double top = rgb[0], low = rgb[0];

	for (int i = 1; i < 3; i++) {
		top = rgb[i] > top ? rgb[i] : top;
		low = rgb[i] < low ? rgb[i] : low;
	}
	return (top - low) * 255 / unit > x->f->limits->tolerance;
}

/* As an int, 0 for what does not fit one. */
static int whole(double v)
{
	return v >= -1e9 && v <= 1e9 ? (int)v : 0;
}

static void attribute(struct pclxl *x, int id)
{
	switch (id) {
	case ATTR_SPACE:
		x->space = whole(x->v[0]);
		break;
	case ATTR_PALETTE:
		x->has_palette = true;
		x->palette_coloured = false;
		for (int i = 0; i + 2 < x->n && x->rgb_space; i += 3)
			x->palette_coloured |= is_coloured(x, x->v + i, 255);
		break;
	case ATTR_RGB:
		x->has_rgb = x->n >= 3;
		for (int i = 0; i < 3; i++)
			x->rgb[i] = x->real ? 255 * x->v[i] : x->v[i];
		break;
	case ATTR_MEDIA_SIZE:
		x->media = x->n == 1 ? whole(x->v[0]) : -1;
		break;
	case ATTR_ORIENTATION:
		x->orientation = whole(x->v[0]);
		break;
	case ATTR_CUSTOM_SIZE:
		x->custom[0] = x->v[0];
		x->custom[1] = x->v[1];
		break;
	case ATTR_CUSTOM_UNITS:
		x->custom_units = whole(x->v[0]);
		break;
	case ATTR_COPIES:
		format_job(x->f->r, whole(x->v[0]), 0);
		break;
	case ATTR_SIMPLEX:
		format_job(x->f->r, 0, 1);
		break;
	case ATTR_DUPLEX:
		format_job(x->f->r, 0, x->v[0] == 0 ? 3 : 2);
		break;
	}
}

static void set_size(struct pclxl *x)
{
	static const double size[][2] = {{612, 792}, {612, 1008}, {595, 842}, {522, 756},
		{792, 1224}, {842, 1191}, {297, 684}, {279, 540}, {459, 649}, {312, 624},
		{729, 1032}, {516, 729}, {0, 0}, {284, 419}, {420, 595}, {298, 420}};
	static const double unit[] = {72, 72 / 25.4, 7.2 / 25.4};
	double w = 0, h = 0;

	if (x->media >= 0 && x->media < (int)(sizeof(size) / sizeof(size[0]))) {
		w = size[x->media][0];
		h = size[x->media][1];
	}
	if (x->custom[0] > 0 && x->custom[1] > 0 && x->custom_units >= 0 && x->custom_units < 3) {
		w = x->custom[0] * unit[x->custom_units];
		h = x->custom[1] * unit[x->custom_units];
	}
	x->page.width_pt = x->orientation & 1 ? h : w;
	x->page.height_pt = x->orientation & 1 ? w : h;
}

static int end_page(struct pclxl *x)
{
	int rc;

	x->page.colour = x->coloured   ? PARSE_COLOUR_COLOUR
			 : x->doubtful ? PARSE_COLOUR_UNKNOWN
				       : PARSE_COLOUR_GRAY;
	x->page.how = x->page.colour ? PARSE_HOW_PARSED : PARSE_HOW_UNKNOWN;
	x->page.blank = x->page.colour == PARSE_COLOUR_GRAY && !x->marks;
	rc = result_add_page(x->f->r, x->f->limits, &x->page);
	if (rc == -EOVERFLOW)
		x->f->in->budget->spent = true;
	x->in_page = false;
	return rc;
}

static int operator(struct pclxl *x, int op)
{
	int rc = 0;

	if (op == OP_BEGIN_PAGE) {
		set_size(x);
		x->in_page = true;
		x->coloured = x->doubtful = x->marks = x->brush_coloured = false;
	} else if (op == OP_END_PAGE && x->in_page) {
		rc = end_page(x);
	} else if (op == OP_SET_SPACE) {
		x->rgb_space = x->space >= 0 ? x->space != SPACE_GRAY : x->rgb_space;
	} else if ((op == OP_SET_BRUSH || op == OP_SET_PEN) && x->has_rgb) {
		x->coloured = x->coloured || is_coloured(x, x->rgb, 255);
	} else if (op == OP_BEGIN_IMAGE || op == OP_BEGIN_PATTERN) {
		x->marks = true;
		x->doubtful =
			x->doubtful || (x->rgb_space && (!x->has_palette || x->palette_coloured));
	} else if (op >= 0x84 && op <= OP_TEXT + 1) {
		x->marks = true;
	}
	x->space = -1;
	x->has_rgb = x->has_palette = false;
	x->custom[0] = x->custom[1] = 0;
	return rc;
}

/* One tag and what belongs to it. Return: 0, 1 when it is none (the stream ends here), -errno. */
static int read_tag(struct pclxl *x, int tag)
{
	if (tag == 0 || (tag >= 9 && tag <= 13) || tag == ' ')
		return 0;
	if (tag >= 0x41 && tag <= 0xb9)
		return operator(x, tag);
	if (tag >= 0xc0 && tag <= 0xc5)
		return !read_numbers(x, tag - 0xc0, 1);
	if (tag >= 0xc8 && tag <= 0xcd)
		return !read_numbers(x, tag - 0xc8, array_length(x));
	if (tag >= 0xd0 && tag <= 0xd5)
		return !read_numbers(x, tag - 0xd0, 2);
	if (tag >= 0xe0 && tag <= 0xe5)
		return !read_numbers(x, tag - 0xe0, 4);
	if (tag == 0xf8 || tag == 0xf9) {
		attribute(x, (int)number(x, tag - 0xf7, false, false));
		return 0;
	}
	if (tag == 0xfa || tag == 0xfb) {
		stm_skip(x->f->in, (size_t)number(x, tag == 0xfa ? 4 : 1, false, false));
		return 0;
	}
	return 1;
}

int pclxl_read(struct format *f)
{
	struct pclxl *x = calloc(1, sizeof(*x));
	char line[256];
	int rc = 0, c;

	if (!x)
		return -ENOMEM;
	x->f = f;
	x->space = -1;
	x->media = -1;
	x->little = stm_peek(f->in) == ')';
	if (format_line(f->in, line, sizeof(line)) && line[0] == '\'')
		f->r->flags |=
			PARSE_F_DAMAGED; /* the ASCII binding: for people, printers do not take it */
	while (!rc && (c = stm_peek(f->in)) >= 0 && c != 033) {
		f->in->p++;
		rc = read_tag(x, c);
	}
	if (rc >= 0 && x->in_page)
		rc = end_page(x);
	if (rc > 0)
		f->r->flags |= PARSE_F_DAMAGED;
	free(x);
	return rc < 0 ? rc : 0;
}
