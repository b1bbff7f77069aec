/* SPDX-License-Identifier: Apache-2.0 */
/* ticket - see ticket.h. */
#include "core/ticket.h"

#include <ctype.h>
#include <cups/pwg.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "core/vendor.h"
#include "core/wire.h"

enum { FINISHING_MAX = 16 };

struct choice {
	const char *ppd, *ipp;
};
static const struct choice sides_choices[] = {
	{"None", "one-sided"},
	{"DuplexNoTumble", "two-sided-long-edge"},
	{"DuplexTumble", "two-sided-short-edge"},
	{NULL, NULL},
};
static const struct choice color_choices[] = {
	{"Gray", "monochrome"},
	{"FastGray", "monochrome"},
	{"Black", "monochrome"},
	{"RGB", "color"},
	{"CMYK", "color"},
	{NULL, NULL},
};
static const struct choice quality_choices[] = {
	{"draft", "3"},
	{"normal", "4"},
	{"high", "5"},
	{NULL, NULL},
};

static const char *choose(const struct choice *table, const char *ppd)
{
	for (; table->ppd; table++)
		if (!strcasecmp(table->ppd, ppd))
			return table->ipp;
	return NULL;
}

/* Where options come from: the user's, then the queue's defaults. */
struct source {
	int count, default_count;
	cups_option_t *options, *defaults;
};

/* An IPP name beats the PPD name for the same thing, as CUPS' own ipp backend has it; both beat any default. */
static const char *ask(const struct source *s, const char *ipp, const char *ppd, bool *is_ppd)
{
	const char *value = ipp ? cupsGetOption(ipp, s->count, s->options) : NULL;

	*is_ppd = !value;
	if (!value && ppd)
		value = cupsGetOption(ppd, s->count, s->options);
	if (!value && ppd)
		value = cupsGetOption(ppd, s->default_count, s->defaults);
	return value && *value ? value : NULL;
}

/* "PhotographicGlossy" → "photographic-glossy", "Tray1" → "tray-1": how CUPS makes PPD choices out of PWG names, undone. */
static void unppdize(const char *ppd, char *out, size_t size)
{
	size_t n = 0;

	for (const char *p = ppd; *p && n + 2 < size; p++) {
		bool edge = p > ppd && p[-1] != '-' &&
			    ((isupper((unsigned char)*p) && !isupper((unsigned char)p[-1])) ||
				    (isdigit((unsigned char)*p) && isalpha((unsigned char)p[-1])));

		if (edge && *p != '-')
			out[n++] = '-';
		out[n++] = (char)tolower((unsigned char)*p);
	}
	out[n] = '\0';
}

/* RFC 8011 5.1.4; what is none goes to no printer. */
static bool is_keyword(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-._";

	return text[0] && strlen(text) < 256 && !text[strspn(text, letters)];
}

static bool add_keyword(ipp_t *t, const char *name, const char *value)
{
	if (!value || !is_keyword(value))
		return true;
	return ippAddString(t, IPP_TAG_JOB, IPP_TAG_KEYWORD, name, NULL, value);
}

static bool add_choice(ipp_t *t, const struct source *s, const char *ipp, const char *ppd,
	const struct choice *table)
{
	bool is_ppd;
	const char *value = ask(s, ipp, ppd, &is_ppd);

	return add_keyword(t, ipp, value && is_ppd ? choose(table, value) : value);
}

/* Here the PPD name comes first, as in the ipp backend: cupsd puts print-color-mode=color into every job that does not
 * ask, so only ColorModel tells what the user chose. */
static bool add_color(ipp_t *t, const struct source *s)
{
	const char *model = cupsGetOption("ColorModel", s->count, s->options);
	const char *mode = model ? choose(color_choices, model) : NULL;

	return mode ? add_keyword(t, "print-color-mode", mode)
		    : add_choice(t, s, "print-color-mode", "ColorModel", color_choices);
}

static bool add_copies(ipp_t *t, const struct source *s, int copies)
{
	bool is_ppd;
	const char *how = ask(s, "multiple-document-handling", NULL, &is_ppd);
	const char *collate = how ? NULL : ask(s, "collate", "Collate", &is_ppd);

	if (copies < 1)
		copies = 1;
	if (!ippAddInteger(t, IPP_TAG_JOB, IPP_TAG_INTEGER, "copies", copies))
		return false;
	if (!how && (collate || copies > 1))
		how = collate && (!strcasecmp(collate, "false") || !strcasecmp(collate, "no") ||
					 !strcasecmp(collate, "off"))
			      ? "separate-documents-uncollated-copies"
			      : "separate-documents-collated-copies";
	return add_keyword(t, "multiple-document-handling", how);
}

static bool add_quality(ipp_t *t, const struct source *s)
{
	bool is_ppd;
	const char *value = ask(s, "print-quality", "cupsPrintQuality", &is_ppd);
	const char *number = value ? choose(quality_choices, value) : NULL;
	int quality = value ? atoi(number ? number : value) : 0;

	if (quality < IPP_QUALITY_DRAFT || quality > IPP_QUALITY_HIGH)
		return true;
	return ippAddInteger(t, IPP_TAG_JOB, IPP_TAG_ENUM, "print-quality", quality);
}

/* ---- media ---- */

struct media {
	char name[64], source[64], type[64];
	int32_t x, y;
};

/* One word of media= or a PageSize: a size in any of its names, else a source or a type as `lp -o media=a4,tray-1` has. */
static void read_media_word(struct media *m, const char *word)
{
	pwg_media_t *size;

	word += strspn(word, " ");
	size = pwgMediaForPWG(word);
	if (!size)
		size = pwgMediaForPPD(word);
	if (!size)
		size = pwgMediaForLegacy(word);
	if (!size && islower((unsigned char)*word)) { /* `lp -o media=a4`: PPD names in any case */
		char name[64];

		snprintf(name, sizeof(name), "%s", word);
		name[0] = (char)toupper((unsigned char)name[0]);
		size = pwgMediaForPPD(name);
	}
	if (size && size->width > 0 && size->length > 0) {
		if (m->x)
			return;
		m->x = size->width;
		m->y = size->length;
		snprintf(m->name, sizeof(m->name), "%s", size->pwg ? size->pwg : "");
	} else if (*word) {
		char name[64];

		unppdize(word, name, sizeof(name));
		if (strstr(name, "tray") || strstr(name, "manual") || strstr(name, "feed") ||
			strstr(name, "cassette") || !strcmp(name, "upper") ||
			!strcmp(name, "lower") || strstr(name, "capacity"))
			snprintf(m->source, sizeof(m->source), "%s", name);
		else
			snprintf(m->type, sizeof(m->type), "%s", name);
	}
}

static void read_media(struct media *m, const struct source *s)
{
	/* CUPS' own order: PageSize, into which cupsd has turned media and media-col, then media. */
	const char *page_size = cupsGetOption("PageSize", s->count, s->options);
	const char *media = cupsGetOption("media", s->count, s->options);
	const char *slot, *type;
	bool is_ppd;

	if (page_size)
		read_media_word(m, page_size);
	if (media) {
		AUTO(auto_free) char *words = strdup(media);
		char *save = NULL;

		for (char *w = words ? strtok_r(words, ",", &save) : NULL; w;
			w = strtok_r(NULL, ",", &save))
			read_media_word(m, w);
	}
	slot = ask(s, NULL, "InputSlot", &is_ppd);
	if (slot)
		unppdize(slot, m->source, sizeof(m->source));
	type = ask(s, NULL, "MediaType", &is_ppd);
	if (type)
		unppdize(type, m->type, sizeof(m->type));
}

static bool add_media(ipp_t *t, const struct source *s)
{
	AUTO(wire_deletep) ipp_t *col = NULL, *size = NULL;
	struct media m = {0};
	bool ok = true;

	read_media(&m, s);
	if (!m.x && !is_keyword(m.source) && !is_keyword(m.type))
		return true;
	col = ippNew();
	if (!col)
		return false;
	if (m.x) {
		size = ippNew();
		ok = size &&
		     ippAddInteger(size, IPP_TAG_ZERO, IPP_TAG_INTEGER, "x-dimension", m.x) &&
		     ippAddInteger(size, IPP_TAG_ZERO, IPP_TAG_INTEGER, "y-dimension", m.y) &&
		     ippAddCollection(col, IPP_TAG_ZERO, "media-size", size);
		if (ok && is_keyword(m.name))
			ok = add_keyword(t, "media", m.name) &&
			     ippAddString(col, IPP_TAG_ZERO, IPP_TAG_KEYWORD, "media-size-name",
				     NULL, m.name);
	}
	if (ok && is_keyword(m.source))
		ok = ippAddString(
			col, IPP_TAG_ZERO, IPP_TAG_KEYWORD, "media-source", NULL, m.source);
	if (ok && is_keyword(m.type))
		ok = ippAddString(col, IPP_TAG_ZERO, IPP_TAG_KEYWORD, "media-type", NULL, m.type);
	return ok && ippAddCollection(t, IPP_TAG_JOB, "media-col", col);
}

/* ---- finishings, resolution, the rest ---- */

static void add_finishing(int *values, int *count, int value)
{
	if (value <= IPP_FINISHINGS_NONE || *count == FINISHING_MAX)
		return;
	for (int i = 0; i < *count; i++)
		if (values[i] == value)
			return;
	values[(*count)++] = value;
}

/* The number of IPP for one choice: ours are IPP's own keywords, CUPS' generated PPDs have four names beside. */
static int finishing_of(const char *choice)
{
	static const struct choice others[] = {
		{"SinglePortrait", "staple-top-left"},
		{"SingleLandscape", "staple-bottom-left"},
		{"DualPortrait", "staple-dual-left"},
		{"DualLandscape", "staple-dual-top"},
		{NULL, NULL},
	};
	const char *keyword = choose(others, choice);

	return isdigit((unsigned char)*choice)
		       ? atoi(choice)
		       : ippEnumValue("finishings", keyword ? keyword : choice);
}

static void add_ppd_finishings(int *values, int *count, int option_count, cups_option_t *options)
{
	static const char *const names[] = {"StapleLocation", "PunchMedia", "FoldType"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *choice = cupsGetOption(names[i], option_count, options);

		if (choice)
			add_finishing(values, count, finishing_of(choice));
	}
}

/* cupsd puts finishings=3 into every job that does not ask, and adds PPD names to those that ask by number. */
static bool add_finishings(ipp_t *t, const struct source *s)
{
	const char *asked = cupsGetOption("finishings", s->count, s->options);
	AUTO(auto_free) char *words = strdup(asked ? asked : "");
	int values[FINISHING_MAX], count = 0;
	char *save = NULL;

	for (char *w = words ? strtok_r(words, ",", &save) : NULL; w;
		w = strtok_r(NULL, ",", &save))
		add_finishing(values, &count, finishing_of(w));
	add_ppd_finishings(values, &count, s->count, s->options);
	if (!count)
		add_ppd_finishings(values, &count, s->default_count, s->defaults);
	return words && (!count || ippAddIntegers(t, IPP_TAG_JOB, IPP_TAG_ENUM, "finishings", count,
					   values));
}

static bool add_finishing_template(ipp_t *t, const struct source *s)
{
	AUTO(wire_deletep) ipp_t *col = NULL;
	bool is_ppd;
	const char *name = ask(s, "finishing-template", "cupsFinishingTemplate", &is_ppd);

	if (!name || !is_keyword(name) || !strcasecmp(name, "none"))
		return true;
	col = ippNew();
	return col &&
	       ippAddString(col, IPP_TAG_ZERO, IPP_TAG_KEYWORD, "finishing-template", NULL, name) &&
	       ippAddCollection(t, IPP_TAG_JOB, "finishings-col", col);
}

static bool add_resolution(ipp_t *t, const struct source *s)
{
	bool is_ppd;
	const char *value = ask(s, "printer-resolution", "Resolution", &is_ppd);
	int x = 0, y = 0, used = 0;

	if (!value)
		return true;
	if (sscanf(value, "%5dx%5ddpi%n", &x, &y, &used) != 2 || value[used]) {
		if (sscanf(value, "%5ddpi%n", &x, &used) != 1 || !used || value[used])
			return true;
		y = x;
	}
	return x < 1 || y < 1 ||
	       ippAddResolution(t, IPP_TAG_JOB, "printer-resolution", IPP_RES_PER_INCH, x, y);
}

static bool add_output_bin(ipp_t *t, const struct source *s)
{
	bool is_ppd;
	const char *value = ask(s, "output-bin", "OutputBin", &is_ppd);
	char name[64];

	if (value && !strcasecmp(value,
			     "auto")) /* the queue's default, as cupsd tells it: nobody asked */
		value = ask(s, NULL, "OutputBin", &is_ppd);
	if (value && is_ppd) {
		unppdize(value, name, sizeof(name));
		value = name;
	}
	return add_keyword(t, "output-bin", value && strcasecmp(value, "auto") ? value : NULL);
}

static bool add_same(ipp_t *t, const struct source *s)
{
	static const struct {
		const char *name;
		ipp_tag_t tag;
	} same[] = {
		{"print-content-optimize", IPP_TAG_KEYWORD},
		{"print-rendering-intent", IPP_TAG_KEYWORD},
		{"job-account-id", IPP_TAG_NAME},
		{"job-accounting-user-id", IPP_TAG_NAME},
		{"job-password-encryption", IPP_TAG_KEYWORD},
	};
	const char *password = cupsGetOption("job-password", s->count, s->options);

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		const char *value = cupsGetOption(same[i].name, s->count, s->options);

		if (!value || !*value || (same[i].tag == IPP_TAG_KEYWORD && !is_keyword(value)) ||
			strlen(value) > 255)
			continue;
		if (!ippAddString(t, IPP_TAG_JOB, same[i].tag, same[i].name, NULL, value))
			return false;
	}
	if (!password || !*password || strlen(password) > 255)
		return true;
	return ippAddOctetString(t, IPP_TAG_JOB, "job-password", password, (int)strlen(password));
}

int ticket_from_options(int option_count, cups_option_t *options, int default_count,
	cups_option_t *defaults, int copies, ipp_t **out)
{
	const struct source s = {option_count, default_count, options, defaults};
	AUTO(wire_deletep) ipp_t *t = wire_new();

	if (!t || !add_copies(t, &s, copies) ||
		!add_choice(t, &s, "sides", "Duplex", sides_choices) || !add_media(t, &s) ||
		!add_color(t, &s) || !add_quality(t, &s) || !add_finishings(t, &s) ||
		!add_finishing_template(t, &s) || !add_output_bin(t, &s) ||
		!add_resolution(t, &s) || !add_same(t, &s))
		return -ENOMEM;
	*out = STEAL(t);
	return 0;
}

/* One coloured page makes the document coloured; gray it is only if that is known of every page. */
static const char *color_of(const struct ticket_pages *pages)
{
	if (pages->color_pages > 0)
		return "color";
	return pages->pages > 0 && pages->gray_pages == pages->pages ? "monochrome" : "unknown";
}

static bool add_color_pages(ipp_t *ticket, const struct ticket_pages *pages)
{
	return ippAddInteger(ticket, IPP_TAG_JOB, IPP_TAG_INTEGER, VENDOR "color-pages",
		       pages->color_pages) &&
	       ippAddInteger(ticket, IPP_TAG_JOB, IPP_TAG_INTEGER, VENDOR "monochrome-pages",
		       pages->gray_pages);
}

int ticket_add_document(ipp_t *ticket, const char *format, const struct ticket_pages *pages)
{
	ipp_attribute_t *sizes = NULL;
	bool ok = ippAddString(
			  ticket, IPP_TAG_JOB, IPP_TAG_MIMETYPE, "document-format", NULL, format) &&
		  add_keyword(ticket, VENDOR "color", color_of(pages));

	if (ok && pages->pages >= 0)
		ok = ippAddInteger(
			     ticket, IPP_TAG_JOB, IPP_TAG_INTEGER, "job-pages", pages->pages) &&
		     add_color_pages(ticket, pages);
	else if (ok)
		ok = ippAddOutOfBand(ticket, IPP_TAG_JOB, IPP_TAG_UNKNOWN, "job-pages");
	for (int i = 0; ok && i < pages->size_count && i < TICKET_SIZE_MAX; i++) {
		AUTO(wire_deletep) ipp_t *col = ippNew();

		ok = col &&
		     ippAddInteger(
			     col, IPP_TAG_ZERO, IPP_TAG_INTEGER, "x-dimension", pages->size[i].x) &&
		     ippAddInteger(
			     col, IPP_TAG_ZERO, IPP_TAG_INTEGER, "y-dimension", pages->size[i].y) &&
		     ippAddInteger(col, IPP_TAG_ZERO, IPP_TAG_INTEGER, VENDOR "pages",
			     pages->size[i].pages);
		if (!ok)
			break;
		if (sizes)
			ok = ippSetCollection(ticket, &sizes, ippGetCount(sizes), col);
		else
			ok = (sizes = ippAddCollection(
				      ticket, IPP_TAG_JOB, VENDOR "page-size", col)) != NULL;
	}
	return ok ? 0 : -ENOMEM;
}

int ticket_encode(ipp_t *ticket, void **out, size_t *octets)
{
	return wire_encode(ticket, out, octets);
}

int ticket_decode(const void *octets, size_t count, ipp_t **out)
{
	int rc = wire_decode(octets, count, out);

	return rc > 0 ? TICKET_E_DAMAGED : rc;
}

static void copy_string(ipp_t *from, const char *name, ipp_tag_t tag, char *out, size_t size)
{
	ipp_attribute_t *a = ippFindAttribute(from, name, tag);
	const char *text = a ? ippGetString(a, 0, NULL) : NULL;

	if (text && strlen(text) < size)
		strcpy(out, text); /* fits */
}

static int32_t get_integer(ipp_t *from, const char *name, ipp_tag_t tag, int32_t otherwise)
{
	ipp_attribute_t *a = ippFindAttribute(from, name, tag);

	return a ? ippGetInteger(a, 0) : otherwise;
}

void ticket_summarise(ipp_t *ticket, struct ticket_summary *out)
{
	ipp_attribute_t *a;
	char how[64] = "";

	*out = (struct ticket_summary){
		.pages = -1, .copies = 1, .collated = true, .color = "unknown"};
	if (!ticket)
		return;
	out->pages = get_integer(ticket, "job-pages", IPP_TAG_INTEGER, -1);
	if (out->pages < 0)
		out->pages = -1;
	out->copies = get_integer(ticket, "copies", IPP_TAG_INTEGER, 1);
	if (out->copies < 1)
		out->copies = 1;
	out->quality = get_integer(ticket, "print-quality", IPP_TAG_ENUM, 0);
	a = ippFindAttribute(ticket, "finishings", IPP_TAG_ENUM);
	out->finishing_count = a ? ippGetCount(a) : 0;
	copy_string(ticket, "multiple-document-handling", IPP_TAG_KEYWORD, how, sizeof(how));
	out->collated = !strstr(how, "uncollated");
	copy_string(ticket, "sides", IPP_TAG_KEYWORD, out->sides, sizeof(out->sides));
	copy_string(ticket, "print-color-mode", IPP_TAG_KEYWORD, out->color_mode,
		sizeof(out->color_mode));
	copy_string(ticket, VENDOR "color", IPP_TAG_KEYWORD, out->color, sizeof(out->color));
	copy_string(ticket, "media", IPP_TAG_KEYWORD, out->media, sizeof(out->media));
	copy_string(ticket, "document-format", IPP_TAG_MIMETYPE, out->format, sizeof(out->format));
	a = ippFindAttribute(ticket, "media-col", IPP_TAG_BEGIN_COLLECTION);
	if (a)
		copy_string(ippGetCollection(a, 0), "media-source", IPP_TAG_KEYWORD, out->source,
			sizeof(out->source));
}
