/* SPDX-License-Identifier: Apache-2.0 */
/* totals - what a job costs: the document's pages under what the user asked for. */
#include "parse/totals.h"
#include "parse/finishings.h"
#include <errno.h>
#include <math.h>
#include <string.h>

void totals_options_init(struct totals_options *o)
{
	*o = (struct totals_options){.copies = 1, .sides = 1, .number_up = 1};
}

static const char *read_page(const char *p, int32_t *page)
{
	char *end;
	long v;

	if (*p < '1' || *p > '9')
		return NULL;
	v = strtol(p, &end, 10);
	*page = v < INT32_MAX ? (int32_t)v : INT32_MAX;
	return end;
}

int totals_ranges(struct totals_options *o, const char *text)
{
	struct totals_options fresh = *o;
	const char *p = text;

	fresh.nranges = 0;
	for (;;) {
		int32_t first, last;

		p = read_page(p, &first);
		if (!p || fresh.nranges == TOTALS_RANGES)
			return -EINVAL;
		last = first;
		if (*p == '-') {
			p++;
			if (*p == ',' || !*p) /* "5-": to the end */
				last = INT32_MAX;
			else if (!(p = read_page(p, &last)))
				return -EINVAL;
		}
		if (last < first)
			return -EINVAL;
		fresh.ranges[fresh.nranges].first = first;
		fresh.ranges[fresh.nranges++].last = last;
		if (!*p)
			break;
		if (*p++ != ',')
			return -EINVAL;
	}
	*o = fresh;
	return 0;
}

static bool add_finishing(struct totals_options *o, int number)
{
	if (!number || o->nfinishings == TOTALS_FINISHINGS)
		return false;
	for (int32_t i = 0; i < o->nfinishings; i++)
		if (o->finishings[i] == number)
			return true;
	if (number != FINISHING_NONE)
		o->finishings[o->nfinishings++] = number;
	return true;
}

int totals_finishings(struct totals_options *o, const char *text)
{
	struct totals_options fresh = *o;
	size_t n;

	fresh.nfinishings = 0;
	for (;; text += n + 1) {
		n = strcspn(text, ",");
		if (!add_finishing(&fresh, finishing_number(text, n)))
			return -EINVAL;
		if (!text[n])
			break;
	}
	*o = fresh;
	return 0;
}

static bool is_selected(const struct totals_options *o, int32_t page)
{
	for (int32_t i = 0; i < o->nranges; i++)
		if (page >= o->ranges[i].first && page <= o->ranges[i].last)
			return true;
	return !o->nranges;
}

static void count_size(struct totals *t, const struct parse_page *p)
{
	for (int32_t i = 0; i < t->nsizes; i++) {
		struct totals_size *s = &t->sizes[i];

		if (fabs(s->width_pt - p->width_pt) <= 1 &&
			fabs(s->height_pt - p->height_pt) <= 1) {
			s->pages++;
			return;
		}
	}
	if (t->nsizes < TOTALS_SIZES)
		t->sizes[t->nsizes++] = (struct totals_size){p->width_pt, p->height_pt, 1};
}

static enum parse_colour billed(const struct totals_options *o, enum parse_colour c)
{
	return o->monochrome && !o->bill_as_colour ? PARSE_COLOUR_GRAY : c;
}

/* A side is coloured if any of its pages is, and unknown if none is but one might be. */
static enum parse_colour together(enum parse_colour a, enum parse_colour b)
{
	if (a == PARSE_COLOUR_COLOUR || b == PARSE_COLOUR_COLOUR)
		return PARSE_COLOUR_COLOUR;
	return a == PARSE_COLOUR_UNKNOWN || b == PARSE_COLOUR_UNKNOWN ? PARSE_COLOUR_UNKNOWN
								      : PARSE_COLOUR_GRAY;
}

static void count_side(struct totals *t, enum parse_colour c)
{
	t->impressions++;
	t->colour += c == PARSE_COLOUR_COLOUR;
	t->gray += c == PARSE_COLOUR_GRAY;
	t->unknown += c == PARSE_COLOUR_UNKNOWN;
}

void totals_compute(
	const struct parse_result *r, const struct totals_options *o, struct totals *out)
{
	enum parse_colour side = PARSE_COLOUR_GRAY;
	int32_t on_side = 0;

	*out = (struct totals){.pages = 0};
	if (r->count < 1 || !r->pages) {
		out->pages = PARSE_COUNT_UNKNOWN;
		out->impressions = out->sheets = out->colour = out->gray = out->unknown =
			PARSE_COUNT_UNKNOWN;
		return;
	}
	for (int32_t i = 0; i < r->count; i++) {
		if (!is_selected(o, i + 1))
			continue;
		out->pages++;
		out->blank += r->pages[i].blank;
		count_size(out, &r->pages[i]);
		side = together(on_side ? side : PARSE_COLOUR_GRAY, billed(o, r->pages[i].colour));
		if (++on_side == o->number_up) {
			count_side(out, side);
			on_side = 0;
		}
	}
	if (on_side)
		count_side(out, side);
	out->sheets = (out->impressions + o->sides - 1) / o->sides * o->copies;
	out->finished = o->nfinishings && out->pages ? o->copies : 0;
	out->impressions *= o->copies;
	out->colour *= o->copies;
	out->gray *= o->copies;
	out->unknown *= o->copies;
}
