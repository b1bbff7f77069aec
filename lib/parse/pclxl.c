/* SPDX-License-Identifier: Apache-2.0 */
/* pclxl - PCL XL (PCL 6): tagged values, attributes and operators; data but that of pictures is stepped over.
 *
 * HP, PCL XL Feature Reference Protocol Class 2.1. */
#include "parse/formats.h"
#include "parse/jpeg.h"
#include "parse/planes.h"
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
	OP_READ_IMAGE = 0xb1,
	OP_BEGIN_PATTERN = 0xb3,
	OP_READ_PATTERN = 0xb4,
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
	ATTR_DEPTH = 98,
	ATTR_MAPPING = 100,
	ATTR_COMPRESSION = 101,
	ATTR_SOURCE_WIDTH = 108,
	ATTR_PAD = 110,
	SPACE_GRAY = 1,
	SPACE_RGB = 2,
	SPACE_CRGB = 5,
	SPACE_SRGB = 6,
	VALUES = 768,
	BLOCK_MAX = 64 << 20,
	COMPRESSED_BY_JPEG = 2,
	COMPRESSED_BY_DELTA = 3,
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
	bool has_rgb, new_palette;
	int depth, mapping, width, compression, pad;
	/* in force */
	bool has_palette, palette_coloured; /* of the colour space */
	bool rgb_space, known_space, coloured, doubtful, in_page, marks;
	bool brush_coloured;
	bool looks, reads; /* the picture's colours matter; the data that comes next is its own */
	struct planes rows;
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

static void read_palette(struct pclxl *x)
{
	/* Of a gray palette this is nonsense, and not asked for. */
	x->new_palette = true;
	x->palette_coloured = false;
	memset(x->rows.coloured, 0, sizeof(x->rows.coloured));
	for (int i = 0; i + 2 < x->n; i += 3) {
		x->rows.coloured[i / 3] = is_coloured(x, x->v + i, 255);
		x->palette_coloured |= x->rows.coloured[i / 3];
	}
}

static void picture_attribute(struct pclxl *x, int id)
{
	int v = whole(x->v[0]);

	switch (id) {
	case ATTR_DEPTH: /* 0, 1, 2: bits */
		x->depth = v == 0 ? 1 : v == 1 ? 4 : v == 2 ? 8 : 0;
		break;
	case ATTR_MAPPING:
		x->mapping = v;
		break;
	case ATTR_SOURCE_WIDTH:
		x->width = v;
		break;
	case ATTR_COMPRESSION:
		x->compression = v;
		break;
	case ATTR_PAD:
		x->pad = v;
		break;
	}
}

static void attribute(struct pclxl *x, int id)
{
	switch (id) {
	case ATTR_SPACE:
		x->space = whole(x->v[0]);
		break;
	case ATTR_PALETTE:
		read_palette(x);
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
	default:
		picture_attribute(x, id);
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

/* A palette without colours, or a gray space: what it holds does not matter. */
static void begin_picture(struct pclxl *x)
{
	bool indexed = x->mapping == 1;

	x->marks = true;
	x->reads = false; /* what was asked for before was of another picture */
	x->looks = x->rgb_space && (!indexed || !x->has_palette || x->palette_coloured);
	x->rows.pixels = indexed ? PIXELS_BY_INDEX : PIXELS_OF_COLOUR;
	x->rows.bits = x->depth;
	x->rows.width = x->width > 0 ? (size_t)x->width : 0;
	x->rows.tolerance = x->f->limits->tolerance;
	if (!x->looks || (x->known_space && x->depth && x->rows.width &&
				 x->rows.width * (size_t)x->depth * 3 / 8 + 4 < PLANE_MAX))
		return;
	x->doubtful = true;
	x->looks = false;
}

static void look_at_jpeg(struct pclxl *x, const uint8_t *data, size_t len)
{
	struct jpeg_look look = {.scale = 1,
		.tolerance = x->f->limits->tolerance,
		.composite_colour = x->f->limits->composite_colour};
	AUTO(stm_closep) struct stm *in = stm_new_mem(data, len, x->f->in->budget);
	enum jpeg_answer answer = in ? jpeg_look(in, &look) : JPEG_BROKEN;

	x->coloured = x->coloured || answer == JPEG_COLOUR;
	x->doubtful = x->doubtful || (answer != JPEG_COLOUR && answer != JPEG_GRAY);
}

/* The rows of one block. Each is padded to four octets. */
static void look_at_rows(struct pclxl *x, const uint8_t *data, size_t len)
{
	size_t bits =
		x->rows.width * (size_t)x->rows.bits * (x->rows.pixels == PIXELS_OF_COLOUR ? 3 : 1);
	size_t row = (bits + 31) / 32 * 4, n;

	planes_clear(&x->rows);
	while (len && !x->coloured && budget_look(x->f->in->budget)) {
		n = len;
		if (x->compression == COMPRESSED_BY_DELTA) {
			if (len < 2)
				return;
			n = data[0] | (size_t)data[1] << 8;
			data += 2;
			len -= 2;
			n = n < len ? n : len;
			planes_unpack(&x->rows, 0, PLANES_DELTA, data, n);
		} else if (x->compression == 1) {
			n = planes_unpack(&x->rows, 0, PLANES_PACKBITS, data, n);
		} else {
			n = n < row ? n : row;
			planes_unpack(&x->rows, 0, PLANES_PLAIN, data, n);
		}
		x->coloured = planes_show_colour(&x->rows);
		data += n;
		len -= n;
	}
}

static void read_picture(struct pclxl *x, size_t len)
{
	AUTO(auto_free) uint8_t *data = NULL;

	x->reads = false;
	if (!x->coloured && len <= BLOCK_MAX)
		data = malloc(len + 1);
	if (!data || x->compression < 0 || x->compression > COMPRESSED_BY_DELTA ||
		(x->pad && x->pad != 4) || !planes_init(&x->rows)) {
		x->doubtful = x->doubtful || !x->coloured;
		stm_skip(x->f->in, len);
		return;
	}
	len = stm_read(x->f->in, data, len);
	if (x->compression == COMPRESSED_BY_JPEG)
		look_at_jpeg(x, data, len);
	else
		look_at_rows(x, data, len);
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
		x->has_palette = x->new_palette;
		x->rgb_space = x->space >= 0 ? x->space != SPACE_GRAY : x->rgb_space;
		x->known_space =
			x->space == SPACE_RGB || x->space == SPACE_CRGB || x->space == SPACE_SRGB;
	} else if ((op == OP_SET_BRUSH || op == OP_SET_PEN) && x->has_rgb) {
		x->coloured = x->coloured || is_coloured(x, x->rgb, 255);
	} else if (op == OP_BEGIN_IMAGE || op == OP_BEGIN_PATTERN) {
		begin_picture(x);
	} else if (op == OP_READ_IMAGE || op == OP_READ_PATTERN) {
		x->reads = x->looks;
	} else if (op >= 0x84 && op <= OP_TEXT + 1) {
		x->marks = true;
	}
	x->space = -1;
	x->has_rgb = x->new_palette = false;
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
		size_t n = (size_t)number(x, tag == 0xfa ? 4 : 1, false, false);

		if (x->reads)
			read_picture(x, n);
		else
			stm_skip(x->f->in, n);
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
	planes_fini(&x->rows);
	free(x);
	return rc < 0 ? rc : 0;
}
