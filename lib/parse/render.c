/* SPDX-License-Identifier: Apache-2.0 */
/* render - have a separate program draw what is still unknown: PDF pages one by one, PostScript as a whole. */
#include "parse/render.h"
#include "parse/drawing.h"
#include "parse/result.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	LONGEST_PT = 2400, /* a page longer than this is drawn smaller */
	HEAD = 4096, /* within which PostScript begins */
};

static void settle(struct parse_page *page, int chroma, const struct parse_limits *limits)
{
	page->colour = chroma > limits->tolerance ? PARSE_COLOUR_COLOUR : PARSE_COLOUR_GRAY;
	page->how = PARSE_HOW_RENDERED;
	page->faint = page->colour == PARSE_COLOUR_GRAY && chroma > limits->tolerance / 2;
}

static void draw_page(int fd, int number, struct parse_page *page,
	const struct parse_limits *limits, struct drawing *d, int64_t end)
{
	bool small = page->width_pt > LONGEST_PT || page->height_pt > LONGEST_PT;
	char n[16], longest[16];
	char *argv[] = {"pdftoppm", "-q", "-cropbox", small ? "-scale-to" : "-r",
		small ? longest : "72", "-f", n, "-l", n, "/dev/fd/0", NULL};
	struct drawn picture;
	int got;

	snprintf(n, sizeof(n), "%d", number);
	snprintf(longest, sizeof(longest), "%d", LONGEST_PT);
	if (drawing_start(d, limits->renderer, argv, fd, 0, limits, end))
		return;
	got = drawing_next(d, limits->tolerance + 1, &picture);
	drawing_stop(d);
	if (got == 1)
		settle(page, picture.chroma, limits);
}

static void draw_pdf(int fd, const struct parse_limits *limits, struct parse_result *r)
{
	AUTO(auto_free) struct drawing *d = malloc(sizeof(*d));
	int64_t end = drawing_now_ms() + limits->render_ms;
	uint32_t drawn = 0;

	for (int32_t i = 0;
		d && i < r->count && drawn < limits->render_pages && drawing_now_ms() < end; i++)
		if (r->pages[i].colour == PARSE_COLOUR_UNKNOWN) {
			drawn++;
			draw_page(fd, i + 1, &r->pages[i], limits, d, end);
		}
}

/* Where the program begins: at once, or after the PJL that asks for it. Return: false for neither, as when it is
 * packed. */
static bool find_program(int fd, uint64_t *from)
{
	char head[HEAD], *at, *end;
	ssize_t n = pread(fd, head, sizeof(head), 0);
	size_t len = n > 0 ? (size_t)n : 0;

	*from = len > 2 && head[0] == '\004';
	if (len > 2 && !memcmp(head + *from, "%!", 2))
		return true;
	if (len < 9 || (memcmp(head, "\033%-12345X", 9) && memcmp(head, "@PJL", 4)))
		return false;
	at = memmem(head, len, "%!", 2);
	end = at ? memrchr(head, '\n', (size_t)(at - head)) : NULL;
	*from = at ? (uint64_t)(at - head) : 0;
	return end && end + 1 == at;
}

/* The pages that the program drew. What the comments said of their sizes stands. */
static void take_pages(struct parse_result *r, struct parse_result *drawn, bool whole)
{
	if (!whole && drawn->count > r->count)
		return;
	for (int32_t i = 0; i < drawn->count && i < r->count; i++) {
		struct parse_page *to = &drawn->pages[i];

		if (r->pages[i].width_pt > 0) {
			to->width_pt = r->pages[i].width_pt;
			to->height_pt = r->pages[i].height_pt;
		}
		r->pages[i] = *to;
	}
	if (!whole || drawn->count < 1 || drawn->count == r->count)
		return;
	free(r->pages);
	r->pages = STEAL(drawn->pages);
	r->count = drawn->count;
}

static void draw_postscript(int fd, const struct parse_limits *limits, struct parse_result *r)
{
	char *argv[] = {"gs", "-q", "-dSAFER", "-dNOPAUSE", "-dNOPROMPT", "-dBATCH",
		"-sDEVICE=ppmraw", "-r72", "-dTextAlphaBits=4", "-dGraphicsAlphaBits=4",
		"-dMaxBitmap=100000000", "-sstdout=%stderr", "-sOutputFile=-", "-", NULL};
	AUTO(parse_result_freep) struct parse_result *drawn = NULL;
	AUTO(auto_free) struct drawing *d = malloc(sizeof(*d));
	struct drawn picture;
	uint64_t from;
	int got;

	if (!d || !find_program(fd, &from) || result_new(&drawn) ||
		drawing_start(d, limits->interpreter, argv, fd, from, limits,
			drawing_now_ms() + limits->render_ms))
		return;
	while ((got = drawing_next(d, 256, &picture)) == 1) {
		struct parse_page page = {.width_pt = picture.width, .height_pt = picture.height};

		settle(&page, picture.chroma, limits);
		if (result_add_page(drawn, limits, &page))
			break;
	}
	/* One that ends badly behind its last page, as at the PJL that follows, has drawn what its comments say. */
	take_pages(r, drawn, drawing_stop(d) && got == 0);
}

void render_unknown(int fd, const struct parse_limits *limits, struct parse_result *r)
{
	if (r->format == PARSE_FORMAT_PDF && limits->renderer && !access(limits->renderer, X_OK))
		draw_pdf(fd, limits, r);
	if (r->format == PARSE_FORMAT_POSTSCRIPT && limits->interpreter &&
		!access(limits->interpreter, X_OK))
		draw_postscript(fd, limits, r);
}
