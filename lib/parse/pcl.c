/* SPDX-License-Identifier: Apache-2.0 */
/* pcl - PCL 5 as a state machine: what marks a page, what ejects it, and what data to step over.
 *
 * Not here: the raster data itself, so a page with a picture in a colour mode is of unknown colour. */
#include "parse/formats.h"
#include "parse/result.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_LETTER = 60, LINES_A4 = 64 };

struct pcl {
	struct format *f;
	struct parse_page page;
	bool marks, coloured, doubtful; /* on this page */
	bool ejected; /* something was, so the next page has begun */
	int line, lines_max;
	bool placed; /* the cursor was set vertically: lines tell nothing */
	bool colour_mode; /* a palette with more than black and white */
	int foreground;
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
	/* In the simple palettes 0 is black or white, 7 the other. */
	if (p->colour_mode && p->foreground % 8 != 0 && p->foreground % 8 != 7)
		p->coloured = true;
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
	if (group == 'b' && (end == 'W' || end == 'V') && value > 0) {
		p->marks = true;
		p->doubtful = p->doubtful || p->colour_mode;
	} else if (group == 'c' && end == 'P') {
		mark(p); /* fill a rectangle */
	} else if (group == 'r' && end == 'U') {
		p->colour_mode = value == 3 || value == -3;
	} else if (group == 'v' && end == 'W') {
		p->colour_mode = value > 0;
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

static int command(struct pcl *p, char family, char group, int value, char end)
{
	int rc = 0;

	if (family == '&' && group == 'l')
		rc = page_command(p, value, end);
	else if (family == '*')
		graphics_command(p, group, value, end);
	else if (family == '&' && group == 'a' && (end == 'R' || end == 'V'))
		p->placed = true;
	if (has_data(family, group, end) && value > 0) {
		if (family == '&' && group == 'p')
			mark(p);
		stm_skip(p->f->in, (size_t)value);
	}
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
		p->foreground = 0;
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
	return rc ? rc : eject_marked(&p);
}
