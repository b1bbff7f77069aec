/* SPDX-License-Identifier: Apache-2.0 */
/* record - a parse_result as bytes, for the pipe out of the sandbox. */
#include "parse/record.h"
#include "parse/parse.h"
#include "parse/result.h"
#include <errno.h>
#include <math.h>
#include <string.h>

#define MAGIC "SPparse1" /* the version is the last octet */
#define END "end."

enum {
	/* magic; format, flags, count, copies, duplex; two lengths of text */
	HEAD_OCTETS = RECORD_HEAD_OCTETS,
	PAGE_OCTETS = 12,
	TEXT_MAX = 255,
};

struct writer {
	uint8_t *p;
};

static void put(struct writer *w, const void *data, size_t len)
{
	if (len)
		memcpy(w->p, data, len);
	w->p += len;
}

static void put_u32(struct writer *w, uint32_t v)
{
	put(w, &v, sizeof(v));
}

static size_t text_len(const char *s)
{
	return s ? strnlen(s, TEXT_MAX) : 0;
}

static void put_page(struct writer *w, const struct parse_page *page)
{
	float size[2] = {(float)page->width_pt, (float)page->height_pt};
	uint8_t rest[4] = {page->colour, page->how, page->blank | page->faint << 1, 0};

	put(w, size, sizeof(size));
	put(w, rest, sizeof(rest));
}

int record_encode(const struct parse_result *r, uint8_t **out, size_t *len)
{
	size_t n = r->pages && r->count > 0 ? (size_t)r->count : 0;
	size_t tl = text_len(r->title), pl = text_len(r->producer);
	size_t size = HEAD_OCTETS + tl + pl + n * PAGE_OCTETS + sizeof(END) - 1;
	uint8_t lens[2] = {(uint8_t)tl, (uint8_t)pl};
	uint8_t *buf = malloc(size);
	struct writer w = {buf};

	if (!buf)
		return -ENOMEM;
	put(&w, MAGIC, 8);
	put_u32(&w, r->format);
	put_u32(&w, r->flags);
	put_u32(&w, n ? (uint32_t)n : 0);
	put_u32(&w, (uint32_t)r->copies);
	put_u32(&w, (uint32_t)r->duplex);
	put(&w, lens, 2);
	put(&w, r->title, tl);
	put(&w, r->producer, pl);
	for (size_t i = 0; i < n; i++)
		put_page(&w, &r->pages[i]);
	put(&w, END, sizeof(END) - 1);
	*out = buf;
	*len = size;
	return 0;
}

static uint32_t get_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* A size that no paper has is not known, rather than trusted. */
static double get_pt(const uint8_t *p)
{
	float f;

	memcpy(&f, p, sizeof(f));
	return isfinite(f) && f > 0 && f < 1e9f ? (double)f : 0;
}

static bool get_page(const uint8_t *p, struct parse_page *page)
{
	if (p[8] > PARSE_COLOUR_COLOUR || p[9] > PARSE_HOW_RENDERED || p[10] > 3 || p[11])
		return false;
	page->width_pt = get_pt(p);
	page->height_pt = get_pt(p + 4);
	page->colour = p[8];
	page->how = p[9];
	page->blank = p[10] & 1;
	page->faint = p[10] >> 1 & 1;
	return true;
}

static char *get_text(const uint8_t *p, size_t len)
{
	return len ? result_clean_text((const char *)p, len) : NULL;
}

int record_size(const uint8_t *p, size_t len, const struct parse_limits *limits, size_t *size)
{
	if (len < HEAD_OCTETS || memcmp(p, MAGIC, 8) || get_u32(p + 16) > limits->pages)
		return -EBADMSG;
	*size = HEAD_OCTETS + p[28] + p[29] + (size_t)get_u32(p + 16) * PAGE_OCTETS + sizeof(END) -
		1;
	return 0;
}

static bool head_is_sound(const uint8_t *p, size_t len, const struct parse_limits *limits)
{
	size_t want;

	return !record_size(p, len, limits, &want) && want == len && !memcmp(p + len - 4, END, 4) &&
	       get_u32(p + 8) <= PARSE_FORMAT_PNG && get_u32(p + 20) <= 99999 &&
	       get_u32(p + 24) <= 3;
}

int record_decode(
	const uint8_t *p, size_t len, const struct parse_limits *limits, struct parse_result **out)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	size_t count;
	int rc;

	if (!head_is_sound(p, len, limits))
		return -EBADMSG;
	count = get_u32(p + 16);
	rc = result_new(&r);
	if (!rc && count)
		rc = result_set_count(r, (int32_t)count);
	if (rc)
		return rc;
	r->format = get_u32(p + 8);
	r->flags = get_u32(p + 12);
	r->copies = (int32_t)get_u32(p + 20);
	r->duplex = (int32_t)get_u32(p + 24);
	r->title = get_text(p + HEAD_OCTETS, p[28]);
	r->producer = get_text(p + HEAD_OCTETS + p[28], p[29]);
	p += HEAD_OCTETS + p[28] + p[29];
	for (size_t i = 0; i < count; i++)
		if (!get_page(p + i * PAGE_OCTETS, &r->pages[i]))
			return -EBADMSG;
	*out = STEAL(r);
	return 0;
}
