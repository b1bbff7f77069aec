/* SPDX-License-Identifier: Apache-2.0 */
/* pcl - PCL 5 as a state machine: what marks a page, what ejects it, and what data to step over.
 *
 * Rasters in a colour mode are unpacked and looked at; see planes.h for what a row is. */
#include "parse/formats.h"
#include "parse/planes.h"
#include "parse/result.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_LETTER = 60, LINES_A4 = 64, CONFIG = 6, ROW_DATA_MAX = 1 << 20 };

struct pcl {
	struct format *f;
	struct parse_page page;
	bool marks, coloured, doubtful; /* on this page */
	bool ejected; /* something was, so the next page has begun */
	int line, lines_max;
	bool placed; /* the cursor was set vertically: lines tell nothing */
	bool colour_mode; /* a palette with more than black and white */
	int foreground;
	/* the raster */
	struct planes rows;
	int plane, compression;
	bool unknown_space; /* its colours mean something that is not known here */
	int entry[3],
		top; /* the palette entry that is being made; the most that a primary can be */
	bool landscape;
	double portrait[2]; /* width, height in points; 0 = not said */
	bool at_exit;
};

static const struct {
	int code;
	double width, height;
} sizes[] = {{1, 522, 756}, {2, 612, 792}, {3, 612, 1008}, {6, 792, 1224}, {15, 298, 420},
	{25, 420, 595}, {26, 595, 842}, {27, 842, 1191}, {45, 516, 729}, {46, 729, 1032},
	{80, 279, 540}, {81, 297, 684}, {90, 312, 624}, {91, 459, 649}};

static int eject(struct pcl *p)
{
	int rc;

	p->page.width_pt = p->portrait[p->landscape];
	p->page.height_pt = p->portrait[!p->landscape];
	p->page.colour = p->coloured   ? PARSE_COLOUR_COLOUR
			 : p->doubtful ? PARSE_COLOUR_UNKNOWN
				       : PARSE_COLOUR_GRAY;
	p->page.how = p->page.colour == PARSE_COLOUR_UNKNOWN ? PARSE_HOW_UNKNOWN : PARSE_HOW_PARSED;
	p->page.blank = !p->marks;
	rc = result_add_page(p->f->r, p->f->limits, &p->page);
	if (rc == -EOVERFLOW)
		p->f->in->budget->spent = true;
	p->marks = p->coloured = p->doubtful = p->placed = false;
	p->line = 0;
	return rc;
}

static int eject_marked(struct pcl *p)
{
	return p->marks ? eject(p) : 0;
}

static void mark(struct pcl *p)
{
	p->marks = true;
	if (p->colour_mode && p->rows.coloured[p->foreground & 255])
		p->coloured = true;
}

/* The palette that a mode begins with: of its eight colours the first and the last are black and white. */
static void set_palette(struct pcl *p, int entries)
{
	memset(p->rows.coloured, 0, sizeof(p->rows.coloured));
	for (int i = 1; i < 7 && i < entries - 1; i++)
		p->rows.coloured[i] = true;
}

/* ESC * r U: a plane for each primary. */
static void simple_colour(struct pcl *p, int value)
{
	p->colour_mode = value == 3 || value == -3 || value == -4;
	p->unknown_space = false;
	p->rows.pixels = PLANES_BY_INDEX;
	p->rows.bits = 1;
	p->rows.n = p->colour_mode ? abs(value) : 1;
	set_palette(p, 8);
	/* With a plane of black, what is black and something else is black. */
	for (int i = 0; value == -4 && i < 16; i++)
		p->rows.coloured[i] = i % 2 == 0 && i != 0 && i != 14;
}

/* ESC * v W: space, pixel encoding, bits of an index, bits of each primary. */
static void configure(struct pcl *p, const uint8_t *v, size_t n)
{
	int bits = n > 2 ? v[2] : 1, primary = n > 3 ? v[3] : 8;

	p->colour_mode = n > 0;
	p->unknown_space = n < CONFIG || v[0] > 1 || v[1] > PIXELS_OF_COLOUR;
	p->rows.pixels =
		n > 1 && v[1] <= PIXELS_OF_COLOUR ? (enum planes_pixels)v[1] : PLANES_BY_INDEX;
	if (p->rows.pixels == PIXELS_OF_COLOUR || p->rows.pixels == PLANES_OF_COLOUR)
		bits = primary;
	p->unknown_space |= bits < 1 || bits > 8 ||
			    (p->rows.pixels == PIXELS_BY_INDEX && 8 % bits) ||
			    (p->rows.pixels == PLANES_OF_COLOUR && bits != 1) ||
			    (p->rows.pixels == PIXELS_OF_COLOUR && bits != 8);
	p->rows.bits = p->unknown_space ? 1 : bits;
	p->rows.n = p->rows.pixels == PLANES_BY_INDEX    ? p->rows.bits
		    : p->rows.pixels == PLANES_OF_COLOUR ? 3
							 : 1;
	p->top = primary >= 1 && primary <= 8 ? (1 << primary) - 1 : 255;
	set_palette(p, bits >= 1 && bits < 8 ? 1 << bits : 8);
}

/* ESC * v I: the entry that A, B and C made. */
static void assign(struct pcl *p, int index)
{
	int low = p->entry[0], top = low;

	for (int i = 1; i < 3; i++) {
		low = p->entry[i] < low ? p->entry[i] : low;
		top = p->entry[i] > top ? p->entry[i] : top;
	}
	if (index >= 0 && index < 256)
		p->rows.coloured[index] =
			(top - low) * 255 > p->f->limits->tolerance * (p->top ? p->top : 255);
	memset(p->entry, 0, sizeof(p->entry));
}

static void look_at_row(struct pcl *p)
{
	p->plane = 0;
	if (!p->coloured && planes_show_colour(&p->rows))
		p->coloured = true;
}

/* Compression 5: commands of an octet and a number of two, each for a row or for several. */
static void read_adaptive(struct pcl *p, const uint8_t *data, size_t len)
{
	while (len >= 3) {
		int how = data[0];
		size_t n = (size_t)data[1] << 8 | data[2];

		data += 3;
		len -= 3;
		if (how == 4) /* empty rows */
			planes_clear(&p->rows);
		if (how >= 4)
			continue; /* 5: the same row again */
		n = n < len ? n : len;
		planes_unpack(&p->rows, 0, (enum planes_packing)how, data, n);
		look_at_row(p);
		data += n;
		len -= n;
	}
}

/* ESC * b V and W: a plane of a row, and the last or only one. */
static void read_raster(struct pcl *p, size_t len, bool last)
{
	AUTO(auto_free) uint8_t *data = NULL;

	p->marks = true;
	if (!p->colour_mode || p->coloured) {
		stm_skip(p->f->in, len);
		return;
	}
	data = len <= ROW_DATA_MAX ? malloc(len) : NULL;
	if (!data || p->unknown_space || !planes_init(&p->rows) ||
		(p->compression > PLANES_DELTA && p->compression != 5) ||
		(p->compression == 5 && p->rows.n > 1) || !budget_look(p->f->in->budget)) {
		p->doubtful = true;
		stm_skip(p->f->in, len);
		return;
	}
	p->rows.tolerance = p->f->limits->tolerance;
	len = stm_read(p->f->in, data, len);
	if (p->compression == 5)
		read_adaptive(p, data, len);
	else if (p->plane < p->rows.n)
		planes_unpack(&p->rows, p->plane, (enum planes_packing)p->compression, data, len);
	p->plane++;
	if (last)
		look_at_row(p);
}

static void set_size(struct pcl *p, int code)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i].code == code) {
			p->portrait[0] = sizes[i].width;
			p->portrait[1] = sizes[i].height;
			p->lines_max = (int)(sizes[i].height / 12) - 6;
		}
}

/* ESC & l: the page. */
static int page_command(struct pcl *p, int value, char end)
{
	int rc = 0;

	switch (end) {
	case 'A':
		rc = eject_marked(p);
		set_size(p, value);
		break;
	case 'O':
		rc = eject_marked(p);
		p->landscape = value & 1;
		break;
	case 'H':
		rc = eject_marked(p);
		break;
	case 'X':
		format_job(p->f->r, value, 0);
		break;
	case 'S':
		if (value >= 0 && value <= 2)
			format_job(p->f->r, 0, value + 1);
		break;
	}
	return rc;
}

/* ESC * ...: graphics and colour. */
static void graphics_command(struct pcl *p, char group, int value, char end)
{
	if (group == 'b' && end == 'M') {
		p->compression = value >= 0 && value < 256 ? value : 255;
	} else if (group == 'b' && end == 'Y') {
		planes_clear(&p->rows);
	} else if (group == 'c' && end == 'P') {
		mark(p); /* fill a rectangle */
	} else if (group == 'r' && end == 'U') {
		simple_colour(p, value);
	} else if (group == 'r' && end == 'A') {
		planes_clear(&p->rows);
		p->plane = 0;
	} else if (group == 'r' && end == 'S') {
		p->rows.width = value > 0 ? (size_t)value : 0;
	} else if (group == 'v' && end >= 'A' && end <= 'C') {
		p->entry[end - 'A'] = value > UINT16_MAX ? UINT16_MAX : value < 0 ? 0 : value;
	} else if (group == 'v' && end == 'I') {
		assign(p, value);
	} else if (group == 'v' && end == 'S') {
		p->foreground = abs(value);
	} else if (group == 'p' && end == 'Y') {
		p->placed = true;
	}
}

/* Whether the command has as many octets of data after it as its value says. */
static bool has_data(char family, char group, char end)
{
	return end == 'W' || (end == 'V' && family == '*' && group == 'b') ||
	       (end == 'X' && family == '&' && group == 'p');
}

/* The octets after a command that has some. */
static void read_data(struct pcl *p, char family, char group, int value, char end)
{
	uint8_t config[CONFIG];
	size_t n;

	if (family == '&' && group == 'p')
		mark(p);
	if (family == '*' && group == 'b') {
		read_raster(p, (size_t)value, end == 'W');
		return;
	}
	if (family == '*' && group == 'v') {
		n = stm_read(p->f->in, config, value < CONFIG ? (size_t)value : CONFIG);
		configure(p, config, n);
		value -= (int)n;
	}
	stm_skip(p->f->in, (size_t)value);
}

static int command(struct pcl *p, char family, char group, int value, char end)
{
	int rc = 0;

	if (family == '&' && group == 'l')
		rc = page_command(p, value, end);
	else if (family == '*')
		graphics_command(p, group, value, end);
	else if (family == '&' && group == 'a' && (end == 'R' || end == 'V'))
		p->placed = true;
	if (has_data(family, group, end) && value > 0)
		read_data(p, family, group, value, end);
	else if (family == '*' && group == 'b' && (end == 'W' || end == 'V')) /* a row of nothing */
		p->plane = end == 'V' ? p->plane + 1 : 0;
	return rc;
}

static int read_value(struct stm *in)
{
	bool minus = false, fraction = false;
	int v = 0, c;

	while ((c = stm_peek(in)) == '+' || c == '-' || c == '.' || (c >= '0' && c <= '9')) {
		in->p++;
		minus = minus || c == '-';
		fraction = fraction || c == '.';
		if (c >= '0' && c <= '9' && !fraction && v < 100000000)
			v = v * 10 + (c - '0');
	}
	return minus ? -v : v;
}

/* HP-GL/2 up to the escape that leaves it. Pens other than 0 and 1 are coloured, mostly. */
static void skip_hpgl(struct pcl *p)
{
	int c, before = 0;

	while ((c = stm_peek(p->f->in)) >= 0 && c != 033) {
		p->f->in->p++;
		if (before == 'P' && (c == 'D' || c == 'A' || c == 'R' || c == 'E'))
			p->marks = true;
		if (before == 'S' && c == 'P' && read_value(p->f->in) > 1)
			p->doubtful = true;
		before = c;
	}
}

/* ESC with a family character: groups of value and end; a small end goes on with the next. */
static int parameterised(struct pcl *p, char family)
{
	struct stm *in = p->f->in;
	char group = 0;
	int c = stm_peek(in), rc = 0;

	if (c >= 0x60 && c <= 0x7e) {
		group = (char)c;
		in->p++;
	}
	while (!rc) {
		int value = read_value(in);

		c = stm_get(in);
		if (c < 0x40 || c > 0x7e)
			return 0;
		if (family == '%' && value == -12345) {
			p->at_exit = true;
			return 0;
		}
		rc = command(p, family, group, value, (char)(c & ~0x20));
		if (family == '%' && (c & ~0x20) == 'B')
			skip_hpgl(p);
		if (c < 0x60)
			return rc;
	}
	return rc;
}

static int escape(struct pcl *p)
{
	int c = stm_get(p->f->in);

	if (c == 'E') {
		int rc = eject_marked(p);

		p->colour_mode = p->landscape = false;
		p->foreground = p->compression = p->plane = 0;
		planes_clear(&p->rows);
		p->rows.width = 0;
		return rc;
	}
	return c >= 0x21 && c <= 0x2f ? parameterised(p, (char)c) : 0;
}

static int line_feed(struct pcl *p)
{
	p->line++;
	/* The skip over the perforation, which printers have on by default. */
	return p->line >= p->lines_max && p->marks && !p->placed ? eject(p) : 0;
}

int pcl_read(struct format *f)
{
	struct pcl p = {.f = f, .lines_max = LINES_LETTER};
	int rc = 0, c;

	while (!rc && !p.at_exit && (c = stm_get(f->in)) >= 0) {
		if (c == 033)
			rc = escape(&p);
		else if (c == '\f')
			rc = eject(&p);
		else if (c == '\n')
			rc = line_feed(&p);
		else if (c > ' ')
			mark(&p);
	}
	planes_fini(&p.rows);
	return rc ? rc : eject_marked(&p);
}
