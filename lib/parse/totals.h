/* SPDX-License-Identifier: Apache-2.0 */
/* totals - what a job costs: the document's pages under what the user asked for.
 *
 * Only options that the chain has not applied yet belong here: after pdftopdf that is mostly
 * copies and sides.  Nothing here reads a document. */
#pragma once

#include "parse/parse.h"

enum { TOTALS_SIZES = 16, TOTALS_RANGES = 64, TOTALS_FINISHINGS = 16 };

struct totals_options {
	int32_t copies; /* >= 1 */
	int32_t sides; /* 1 or 2 */
	int32_t number_up; /* >= 1 pages on a side */
	int32_t nranges; /* 0: all pages */
	struct {
		int32_t first, last; /* from 1, inclusive */
	} ranges[TOTALS_RANGES];
	/* What is done to each copy, by IPP number, "none" left out; see finishings.h. */
	int32_t nfinishings;
	int32_t finishings[TOTALS_FINISHINGS];
	/* The job or the printer is set to gray. How coloured pages are billed then is the site's choice. */
	bool monochrome;
	bool bill_as_colour; /* monochrome printing of a coloured page counts as colour; default: as gray */
};

struct totals_size {
	double width_pt, height_pt; /* portrait or landscape as printed */
	int32_t pages;
};

/* Counts are for all copies, except @pages. PARSE_COUNT_UNKNOWN where the document is not known. */
struct totals {
	int32_t pages; /* of the document, those selected */
	int64_t impressions; /* sides with something on them, whatever it is: blank pages count */
	int64_t sheets;
	int64_t colour; /* impressions with a coloured page */
	int64_t gray; /* impressions with gray pages alone */
	int64_t unknown; /* the others */
	int32_t blank; /* pages */
	int64_t finished; /* sets of sheets that are stapled, punched or the like: copies, or 0 */
	int32_t nsizes; /* distinct sizes in @sizes; further ones are left out */
	struct totals_size sizes[TOTALS_SIZES];
};

void totals_options_init(struct totals_options *o);

/** totals_ranges() - read an IPP page-ranges list such as "1-4,7,9-12"
 * Return: 0, or -EINVAL; @o is then as before. */
int totals_ranges(struct totals_options *o, const char *text);

/** totals_finishings() - read a list such as "staple-top-left,5": names or IPP numbers, as lp -o takes them
 * Return: 0, or -EINVAL; @o is then as before. */
int totals_finishings(struct totals_options *o, const char *text);

void totals_compute(
	const struct parse_result *r, const struct totals_options *o, struct totals *out);
