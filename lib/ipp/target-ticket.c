/* SPDX-License-Identifier: Apache-2.0 */
/* target-ticket - what a ticket asks for, as far as a target can do it (target_add_job_attributes() of target.h). RFC 8011 5.2:
 * an attribute that a printer knows has an xxx-supported beside it; one without is left out, and named. */
#include <cups/cups.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "core/wire.h"
#include "ipp/target.h"

struct plan {
	ipp_t *request, *ticket, *printer;
	char *dropped;
	size_t size, used;
	bool failed; /* out of memory */
};

static void drop(struct plan *p, const char *name)
{
	if (p->used + strlen(name) + 2 > p->size)
		return;
	p->used += (size_t)snprintf(
		p->dropped + p->used, p->size - p->used, "%s%s", p->used ? "," : "", name);
}

static ipp_attribute_t *asked(struct plan *p, const char *name)
{
	ipp_attribute_t *attr;

	for (attr = ippFindAttribute(p->ticket, name, IPP_TAG_ZERO); attr;
		attr = ippFindNextAttribute(p->ticket, name, IPP_TAG_ZERO))
		if (ippGetGroupTag(attr) == IPP_TAG_JOB && ippGetCount(attr) > 0)
			return attr;
	return NULL;
}

static ipp_attribute_t *supported(struct plan *p, const char *name)
{
	char full[128];
	ipp_attribute_t *attr;

	snprintf(full, sizeof(full), "%s-supported", name);
	for (attr = ippFindAttribute(p->printer, full, IPP_TAG_ZERO); attr;
		attr = ippFindNextAttribute(p->printer, full, IPP_TAG_ZERO))
		if (ippGetGroupTag(attr) == IPP_TAG_PRINTER)
			return attr;
	return NULL;
}

static bool is_word(ipp_attribute_t *attr)
{
	switch (ippGetValueTag(attr)) {
	case IPP_TAG_KEYWORD:
	case IPP_TAG_NAME:
	case IPP_TAG_NAMELANG:
		return true;
	default:
		return false;
	}
}

static bool lists_word(ipp_attribute_t *list, const char *word)
{
	return list && is_word(list) && word && ippContainsString(list, word);
}

static void sent(struct plan *p, const ipp_attribute_t *attr)
{
	if (!attr)
		p->failed = true;
}

static void add_word(struct plan *p, const char *name)
{
	ipp_attribute_t *want = asked(p, name);
	const char *word;

	if (!want)
		return;
	word = is_word(want) ? ippGetString(want, 0, NULL) : NULL;
	if (lists_word(supported(p, name), word))
		sent(p, ippAddString(p->request, IPP_TAG_JOB, IPP_TAG_KEYWORD, name, NULL, word));
	else
		drop(p, name);
}

static int32_t most_copies(struct plan *p)
{
	ipp_attribute_t *range = supported(p, "copies");
	int upper = 1;

	if (range && ippGetValueTag(range) == IPP_TAG_RANGE)
		ippGetRange(range, 0, &upper);
	else if (range && ippGetValueTag(range) == IPP_TAG_INTEGER)
		upper = ippGetInteger(range, 0);
	return upper;
}

/* Copies, and how they lie: collated unless the ticket says otherwise, as the stock chain does. */
static void add_copies(struct plan *p)
{
	static const char handling[] = "multiple-document-handling";
	static const char collated[] = "separate-documents-collated-copies";
	ipp_attribute_t *want = asked(p, "copies");
	int32_t most = most_copies(p), copies = 1;

	if (want && ippGetValueTag(want) == IPP_TAG_INTEGER)
		copies = ippGetInteger(want, 0);
	if (copies > most) {
		drop(p, "copies");
		copies = most;
	}
	if (copies <= 1)
		return;
	sent(p, ippAddInteger(p->request, IPP_TAG_JOB, IPP_TAG_INTEGER, "copies", copies));
	if (asked(p, handling))
		add_word(p, handling);
	else if (lists_word(supported(p, handling), collated))
		sent(p, ippAddString(p->request, IPP_TAG_JOB, IPP_TAG_KEYWORD, handling, NULL,
				collated));
}

/* Enumerations: the values that the target has; it is told when some are missing. */
static void add_enums(struct plan *p, const char *name, int nothing)
{
	ipp_attribute_t *want = asked(p, name), *list = supported(p, name);
	int values[32], count = 0;
	bool lost = false;

	if (!want)
		return;
	if (ippGetValueTag(want) != IPP_TAG_ENUM) {
		drop(p, name);
		return;
	}
	for (int i = 0; i < ippGetCount(want); i++) {
		int value = ippGetInteger(want, i);

		if (count < 32 && list && ippGetValueTag(list) == IPP_TAG_ENUM &&
			ippContainsInteger(list, value))
			values[count++] = value;
		else if (value != nothing)
			lost = true;
	}
	if (count > 0)
		sent(p, ippAddIntegers(p->request, IPP_TAG_JOB, IPP_TAG_ENUM, name, count, values));
	if (lost)
		drop(p, name);
}

static void add_resolution(struct plan *p)
{
	static const char name[] = "printer-resolution";
	ipp_attribute_t *want = asked(p, name), *list = supported(p, name);
	ipp_res_t units, have_units;
	int x, y, have_x, have_y;

	if (!want)
		return;
	if (ippGetValueTag(want) == IPP_TAG_RESOLUTION && list &&
		ippGetValueTag(list) == IPP_TAG_RESOLUTION) {
		x = ippGetResolution(want, 0, &y, &units);
		for (int i = 0; i < ippGetCount(list); i++) {
			have_x = ippGetResolution(list, i, &have_y, &have_units);
			if (have_x == x && have_y == y && have_units == units) {
				sent(p, ippAddResolution(
						p->request, IPP_TAG_JOB, name, units, x, y));
				return;
			}
		}
	}
	drop(p, name);
}

/* ---- media ---- */

enum { ROUNDING = 50 }; /* 0.5 mm: printers round inches */

struct size {
	int x, y; /* 1/100 mm */
};

static int whole(ipp_t *collection, const char *name)
{
	ipp_attribute_t *attr =
		collection ? ippFindAttribute(collection, name, IPP_TAG_INTEGER) : NULL;

	return attr ? ippGetInteger(attr, 0) : 0;
}

static ipp_t *member_collection(ipp_t *collection, const char *name)
{
	ipp_attribute_t *attr =
		collection ? ippFindAttribute(collection, name, IPP_TAG_BEGIN_COLLECTION) : NULL;

	return attr ? ippGetCollection(attr, 0) : NULL;
}

static const char *member_word(ipp_t *collection, const char *name)
{
	ipp_attribute_t *attr =
		collection ? ippFindAttribute(collection, name, IPP_TAG_ZERO) : NULL;

	return attr && is_word(attr) ? ippGetString(attr, 0, NULL) : NULL;
}

static bool size_of_word(const char *word, struct size *out)
{
	const pwg_media_t *media = word ? pwgMediaForPWG(word) : NULL;

	if (!media)
		return false;
	out->x = media->width;
	out->y = media->length;
	return true;
}

static bool same_size(struct size a, struct size b)
{
	return abs(a.x - b.x) <= ROUNDING && abs(a.y - b.y) <= ROUNDING;
}

/* The target's own name for paper of this size, NULL if it lists none. */
static const char *word_of_size(ipp_attribute_t *list, struct size size)
{
	struct size have;

	for (int i = 0; list && is_word(list) && i < ippGetCount(list); i++) {
		const char *word = ippGetString(list, i, NULL);

		if (word && strncmp(word, "custom_", 7) != 0 && size_of_word(word, &have) &&
			same_size(have, size))
			return word;
	}
	return NULL;
}

/* One side of a size, as the target has it: a number near to ours, or a range that ours is in. */
static bool fit_dimension(ipp_t *entry, const char *name, int want, int *out)
{
	ipp_attribute_t *attr = ippFindAttribute(entry, name, IPP_TAG_ZERO);
	int lower, upper;

	if (attr && ippGetValueTag(attr) == IPP_TAG_RANGE) {
		lower = ippGetRange(attr, 0, &upper);
		*out = want;
		return want >= lower && want <= upper;
	}
	if (!attr || ippGetValueTag(attr) != IPP_TAG_INTEGER)
		return false;
	*out = ippGetInteger(attr, 0);
	return abs(*out - want) <= ROUNDING;
}

/* @size as the target writes it, if it can be said in a collection. */
static bool fit_size(struct plan *p, struct size *size)
{
	ipp_attribute_t *list = supported(p, "media-size");
	struct size have;

	if (!lists_word(supported(p, "media-col"), "media-size"))
		return false;
	for (int i = 0;
		list && ippGetValueTag(list) == IPP_TAG_BEGIN_COLLECTION && i < ippGetCount(list);
		i++) {
		ipp_t *entry = ippGetCollection(list, i);

		if (entry && fit_dimension(entry, "x-dimension", size->x, &have.x) &&
			fit_dimension(entry, "y-dimension", size->y, &have.y)) {
			*size = have;
			return true;
		}
	}
	return !list && word_of_size(supported(p, "media"), *size);
}

static void add_member_word(struct plan *p, ipp_t *col, ipp_t *want, const char *name)
{
	const char *word = member_word(want, name);

	if (!word)
		return;
	if (lists_word(supported(p, "media-col"), name) && lists_word(supported(p, name), word))
		sent(p, ippAddString(col, IPP_TAG_ZERO, IPP_TAG_KEYWORD, name, NULL, word));
	else
		drop(p, name);
}

/* Margins are the page's as it was laid out; a target that has not these keeps its own, which is no loss to tell. */
static void add_member_margin(struct plan *p, ipp_t *col, ipp_t *want, const char *name)
{
	ipp_attribute_t *attr = ippFindAttribute(want, name, IPP_TAG_INTEGER),
			*list = supported(p, name);

	if (attr && list && ippGetValueTag(list) == IPP_TAG_INTEGER &&
		lists_word(supported(p, "media-col"), name) &&
		ippContainsInteger(list, ippGetInteger(attr, 0)))
		sent(p, ippAddInteger(
				col, IPP_TAG_ZERO, IPP_TAG_INTEGER, name, ippGetInteger(attr, 0)));
}

static void add_member_size(struct plan *p, ipp_t *col, struct size size)
{
	AUTO(wire_deletep) ipp_t *dimensions = ippNew();

	if (!dimensions ||
		!ippAddInteger(dimensions, IPP_TAG_ZERO, IPP_TAG_INTEGER, "x-dimension", size.x) ||
		!ippAddInteger(dimensions, IPP_TAG_ZERO, IPP_TAG_INTEGER, "y-dimension", size.y)) {
		p->failed = true;
		return;
	}
	sent(p, ippAddCollection(col, IPP_TAG_ZERO, "media-size", dimensions));
}

static bool wanted_size(ipp_t *col, const char *word, struct size *out)
{
	ipp_t *dimensions = member_collection(col, "media-size");

	out->x = whole(dimensions, "x-dimension");
	out->y = whole(dimensions, "y-dimension");
	if (out->x > 0 && out->y > 0)
		return true;
	return size_of_word(member_word(col, "media-size-name"), out) || size_of_word(word, out);
}

/* By name, for targets that do not take collections; false if it has no name for it. */
static bool add_media_word(struct plan *p, const char *word, bool sized, struct size size)
{
	ipp_attribute_t *list = supported(p, "media");

	if (!lists_word(list, word))
		word = sized ? word_of_size(list, size) : NULL;
	if (word)
		sent(p, ippAddString(
				p->request, IPP_TAG_JOB, IPP_TAG_KEYWORD, "media", NULL, word));
	return word != NULL;
}

/* What is beside the size, in the order of the stock chain; the names of what cannot be done are noted. */
static void add_members(struct plan *p, ipp_t *col, ipp_t *want)
{
	add_member_margin(p, col, want, "media-bottom-margin");
	add_member_margin(p, col, want, "media-left-margin");
	add_member_margin(p, col, want, "media-right-margin");
	add_member_word(p, col, want, "media-source");
	add_member_margin(p, col, want, "media-top-margin");
	add_member_word(p, col, want, "media-type");
}

/* Beside a name there is no place for them. */
static void drop_members(struct plan *p, ipp_t *want)
{
	if (member_word(want, "media-source"))
		drop(p, "media-source");
	if (member_word(want, "media-type"))
		drop(p, "media-type");
}

/* RFC 8011 5.2.11, PWG 5100.7: either media or media-col, never both. A collection where the target takes one, as the
 * stock chain does. */
static void add_media(struct plan *p)
{
	ipp_attribute_t *media = asked(p, "media"), *media_col = asked(p, "media-col");
	const char *word = media && is_word(media) ? ippGetString(media, 0, NULL) : NULL;
	AUTO(wire_deletep) ipp_t *col = ippNew();
	ipp_t *want = NULL;
	struct size size;
	bool sized;

	if (!col) {
		p->failed = true;
		return;
	}
	if (media_col && ippGetValueTag(media_col) == IPP_TAG_BEGIN_COLLECTION)
		want = ippGetCollection(media_col, 0);
	if (want && !word)
		word = member_word(want, "media-size-name");
	sized = wanted_size(want, word, &size);
	if (sized && fit_size(p, &size))
		add_member_size(p, col, size);
	else if (word || sized) {
		if (add_media_word(p, word, sized, size)) {
			drop_members(p, want);
			return;
		}
		drop(p, "media");
	}
	if (want)
		add_members(p, col, want);
	if (ippFirstAttribute(col))
		sent(p, ippAddCollection(p->request, IPP_TAG_JOB, "media-col", col));
}

int target_add_job_attributes(
	ipp_t *request, ipp_t *ticket, ipp_t *printer, char *dropped, size_t size)
{
	struct plan p = {.request = request,
		.ticket = ticket,
		.printer = printer,
		.dropped = dropped,
		.size = size};

	dropped[0] = '\0';
	add_copies(&p);
	add_word(&p, "sides");
	add_media(&p);
	add_word(&p, "print-color-mode");
	add_enums(&p, "print-quality", 0);
	add_enums(&p, "finishings", IPP_FINISHINGS_NONE);
	add_word(&p, "output-bin");
	add_resolution(&p);
	return p.failed ? -ENOMEM : 0;
}
