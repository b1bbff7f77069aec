/* SPDX-License-Identifier: Apache-2.0 */
/* target-ticket - what a ticket asks for, as far as a target can do it (target_add_job_attributes() of target.h). RFC 8011 5.2:
 * an attribute that a printer knows has an xxx-supported beside it; one without is left out, and named. */
#include <cups/cups.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "ipp/target.h"
#include "ipp/wire.h"

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
	p->used += (size_t)snprintf(p->dropped + p->used, p->size - p->used, "%s%s", p->used ? "," : "", name);
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

/* Copies, and how they lie when there are several. */
static void add_copies(struct plan *p)
{
	ipp_attribute_t *want = asked(p, "copies");
	int32_t most = most_copies(p);
	int32_t copies = 1;

	if (want && ippGetValueTag(want) == IPP_TAG_INTEGER)
		copies = ippGetInteger(want, 0);
	if (copies > most) {
		drop(p, "copies");
		copies = most;
	}
	if (copies <= 1)
		return;
	sent(p, ippAddInteger(p->request, IPP_TAG_JOB, IPP_TAG_INTEGER, "copies", copies));
	add_word(p, "multiple-document-handling");
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

		if (count < 32 && list && ippGetValueTag(list) == IPP_TAG_ENUM && ippContainsInteger(list, value))
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
	if (ippGetValueTag(want) == IPP_TAG_RESOLUTION && list && ippGetValueTag(list) == IPP_TAG_RESOLUTION) {
		x = ippGetResolution(want, 0, &y, &units);
		for (int i = 0; i < ippGetCount(list); i++) {
			have_x = ippGetResolution(list, i, &have_y, &have_units);
			if (have_x == x && have_y == y && have_units == units) {
				sent(p, ippAddResolution(p->request, IPP_TAG_JOB, name, units, x, y));
				return;
			}
		}
	}
	drop(p, name);
}

/* ---- media ---- */

struct size {
	int x, y; /* 1/100 mm */
};

static int whole(ipp_t *collection, const char *name)
{
	ipp_attribute_t *attr = collection ? ippFindAttribute(collection, name, IPP_TAG_INTEGER) : NULL;

	return attr ? ippGetInteger(attr, 0) : 0;
}

static ipp_t *member_collection(ipp_t *collection, const char *name)
{
	ipp_attribute_t *attr = collection ? ippFindAttribute(collection, name, IPP_TAG_BEGIN_COLLECTION) : NULL;

	return attr ? ippGetCollection(attr, 0) : NULL;
}

static const char *member_word(ipp_t *collection, const char *name)
{
	ipp_attribute_t *attr = collection ? ippFindAttribute(collection, name, IPP_TAG_ZERO) : NULL;

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
	return abs(a.x - b.x) <= 50 && abs(a.y - b.y) <= 50; /* 0.5 mm: printers round inches */
}

/* The target's own name for paper of this size, NULL if it lists none. */
static const char *word_of_size(ipp_attribute_t *list, struct size size)
{
	struct size have;

	for (int i = 0; list && is_word(list) && i < ippGetCount(list); i++) {
		const char *word = ippGetString(list, i, NULL);

		if (word && strncmp(word, "custom_", 7) != 0 && size_of_word(word, &have) && same_size(have, size))
			return word;
	}
	return NULL;
}

static bool in_dimension(ipp_t *entry, const char *name, int value)
{
	ipp_attribute_t *attr = ippFindAttribute(entry, name, IPP_TAG_ZERO);
	int lower = 0, upper = -1;

	if (attr && ippGetValueTag(attr) == IPP_TAG_RANGE)
		lower = ippGetRange(attr, 0, &upper);
	else if (attr && ippGetValueTag(attr) == IPP_TAG_INTEGER)
		lower = upper = ippGetInteger(attr, 0);
	return value >= lower - 50 && value <= upper + 50;
}

/* A size among media-size-supported, ranges of custom sizes included. */
static bool takes_size(struct plan *p, struct size size)
{
	ipp_attribute_t *list = supported(p, "media-size");

	for (int i = 0; list && ippGetValueTag(list) == IPP_TAG_BEGIN_COLLECTION && i < ippGetCount(list); i++) {
		ipp_t *entry = ippGetCollection(list, i);

		if (entry && in_dimension(entry, "x-dimension", size.x) && in_dimension(entry, "y-dimension", size.y))
			return true;
	}
	return false;
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

static void add_member_size(struct plan *p, ipp_t *col, struct size size)
{
	AUTO(wire_deletep) ipp_t *dimensions = ippNew();

	if (!dimensions || !ippAddInteger(dimensions, IPP_TAG_ZERO, IPP_TAG_INTEGER, "x-dimension", size.x) ||
		!ippAddInteger(dimensions, IPP_TAG_ZERO, IPP_TAG_INTEGER, "y-dimension", size.y)) {
		p->failed = true;
		return;
	}
	sent(p, ippAddCollection(col, IPP_TAG_ZERO, "media-size", dimensions));
}

static bool wanted_size(ipp_t *col, struct size *out)
{
	ipp_t *dimensions = member_collection(col, "media-size");

	out->x = whole(dimensions, "x-dimension");
	out->y = whole(dimensions, "y-dimension");
	if (out->x > 0 && out->y > 0)
		return true;
	return size_of_word(member_word(col, "media-size-name"), out);
}

/* media-col, when there is more to say than a size; true if it says all that could be said. */
static bool add_media_col(struct plan *p, ipp_t *want)
{
	AUTO(wire_deletep) ipp_t *col = ippNew();
	struct size size;
	bool sized = wanted_size(want, &size);

	if (!col) {
		p->failed = true;
		return true;
	}
	add_member_word(p, col, want, "media-source");
	add_member_word(p, col, want, "media-type");
	if (!ippFirstAttribute(col))
		return false; /* the size alone goes as `media`, which more printers read */
	if (sized && lists_word(supported(p, "media-col"), "media-size") &&
		(takes_size(p, size) || word_of_size(supported(p, "media"), size)))
		add_member_size(p, col, size);
	else if (sized)
		drop(p, "media");
	sent(p, ippAddCollection(p->request, IPP_TAG_JOB, "media-col", col));
	return true;
}

/* A size without source or type: by the target's own name, else as a collection. */
static void add_size(struct plan *p, const char *word, bool sized, struct size size)
{
	ipp_attribute_t *list = supported(p, "media");
	AUTO(wire_deletep) ipp_t *col = NULL;

	if (!lists_word(list, word))
		word = sized ? word_of_size(list, size) : NULL;
	if (word) {
		sent(p, ippAddString(p->request, IPP_TAG_JOB, IPP_TAG_KEYWORD, "media", NULL, word));
		return;
	}
	if (!sized || !lists_word(supported(p, "media-col"), "media-size") || !takes_size(p, size)) {
		drop(p, "media");
		return;
	}
	col = ippNew();
	if (!col) {
		p->failed = true;
		return;
	}
	add_member_size(p, col, size);
	sent(p, ippAddCollection(p->request, IPP_TAG_JOB, "media-col", col));
}

/* RFC 8011 5.2.11, PWG 5100.7: either media or media-col, never both. */
static void add_media(struct plan *p)
{
	ipp_attribute_t *media = asked(p, "media"), *media_col = asked(p, "media-col");
	const char *word = media && is_word(media) ? ippGetString(media, 0, NULL) : NULL;
	struct size size = {0};
	bool sized = false;
	ipp_t *want = NULL;

	if (media_col && ippGetValueTag(media_col) == IPP_TAG_BEGIN_COLLECTION)
		want = ippGetCollection(media_col, 0);
	if (want) {
		if (add_media_col(p, want))
			return;
		sized = wanted_size(want, &size);
		if (!word)
			word = member_word(want, "media-size-name");
	}
	if (!sized)
		sized = size_of_word(word, &size);
	if (word || sized)
		add_size(p, word, sized, size);
	else if (media)
		drop(p, "media");
}

int target_add_job_attributes(ipp_t *request, ipp_t *ticket, ipp_t *printer, char *dropped, size_t size)
{
	struct plan p = {.request = request, .ticket = ticket, .printer = printer, .dropped = dropped, .size = size};

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
