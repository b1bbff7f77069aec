/* SPDX-License-Identifier: Apache-2.0 */
/* wire - IPP messages between bytes and ipp_t. libcups reads them, but only after our own walk over tags and lengths has
 * counted what it would allocate: libcups recurses on collections and has no limit of its own. */
#include "core/wire.h"

#include <cups/cups.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/auto.h"

/* RFC 8010 3.5: tags. libcups' enumeration holds the same numbers plus internal ones. */
enum {
	TAG_END = 0x03,
	TAG_LAST_GROUP = 0x0f,
	TAG_BEGIN_COLLECTION = 0x34,
	TAG_END_COLLECTION = 0x37,
	TAG_MEMBER_NAME = 0x4a,
	TAG_EXTENSION = 0x7f,
};
/* What libcups takes for one name or value (its buffer is 32 kB). */
enum { LONGEST = 32767, HEADER = 8 };

struct walk {
	const uint8_t *at, *end;
	int attributes, values, depth;
	bool open; /* an attribute is there for further values to belong to */
};

/* One length-prefixed field, skipped. */
static bool take(struct walk *w, size_t *length)
{
	if (w->end - w->at < 2)
		return false;
	*length = (size_t)w->at[0] << 8 | w->at[1];
	w->at += 2;
	if (*length > LONGEST || (size_t)(w->end - w->at) < *length)
		return false;
	w->at += *length;
	return true;
}

static int walk_value(struct walk *w, uint8_t tag)
{
	size_t name, value;

	if (tag == TAG_EXTENSION || tag < 0x10 || !take(w, &name) || !take(w, &value))
		return WIRE_E_DAMAGED;
	if (w->depth == 0 && name > 0) {
		w->attributes++;
		w->open = true;
	} else if (tag == TAG_MEMBER_NAME) {
		w->attributes++;
	}
	/* In a collection names are values of memberAttrName; outside, a value without one continues the last. */
	if (w->depth > 0 ? name > 0 : !w->open)
		return WIRE_E_DAMAGED;
	if ((tag == TAG_MEMBER_NAME || tag == TAG_END_COLLECTION) && w->depth == 0)
		return WIRE_E_DAMAGED;
	w->values++;
	if (tag == TAG_BEGIN_COLLECTION)
		w->depth++;
	else if (tag == TAG_END_COLLECTION)
		w->depth--;
	if (w->attributes > WIRE_MAX_ATTRIBUTES || w->values > WIRE_MAX_VALUES ||
		w->depth > WIRE_MAX_DEPTH)
		return WIRE_E_LIMIT;
	return 0;
}

static int walk_message(const uint8_t *octets, size_t count)
{
	struct walk w = {.at = octets + HEADER, .end = octets + count};
	int rc;

	if (count > WIRE_MAX_OCTETS)
		return WIRE_E_LIMIT;
	if (count <= HEADER || octets[0] < 1 || octets[0] > 2)
		return WIRE_E_DAMAGED;
	while (w.at < w.end) {
		uint8_t tag = *w.at++;

		if (tag > TAG_LAST_GROUP) {
			rc = walk_value(&w, tag);
			if (rc)
				return rc;
			continue;
		}
		if (w.depth > 0 || tag == 0)
			return WIRE_E_DAMAGED;
		if (tag == TAG_END)
			return 0;
		w.open = false;
	}
	return WIRE_E_DAMAGED;
}

struct source {
	const uint8_t *at;
	size_t left;
};

static ssize_t source_read(void *context, ipp_uchar_t *buffer, size_t bytes)
{
	struct source *s = context;

	if (bytes > s->left)
		bytes = s->left;
	memcpy(buffer, s->at, bytes);
	s->at += bytes;
	s->left -= bytes;
	return (ssize_t)bytes;
}

ipp_t *wire_new(void)
{
	ipp_t *ipp = ippNewRequest(IPP_OP_CREATE_JOB);

	if (ipp)
		ippSetRequestId(ipp, 1);
	return ipp;
}

int wire_decode(const void *octets, size_t count, ipp_t **out)
{
	struct source s = {.at = octets, .left = count};
	AUTO(wire_deletep) ipp_t *ipp = NULL;
	ipp_state_t state;
	int rc;

	rc = walk_message(octets, count);
	if (rc)
		return rc;
	ipp = ippNew();
	if (!ipp)
		return -ENOMEM;
	do {
		state = ippReadIO(&s, source_read, 1, NULL, ipp);
	} while (state != IPP_STATE_ERROR && state != IPP_STATE_DATA);
	if (state == IPP_STATE_ERROR)
		return WIRE_E_DAMAGED;
	*out = STEAL(ipp);
	return 0;
}

struct sink {
	uint8_t *octets;
	size_t used, size;
	bool failed;
};

static ssize_t sink_write(void *context, ipp_uchar_t *buffer, size_t bytes)
{
	struct sink *s = context;

	if (bytes > s->size - s->used) {
		size_t size = (s->used + bytes) * 2;
		uint8_t *bigger = realloc(s->octets, size);

		if (!bigger) {
			s->failed = true;
			return -1;
		}
		s->octets = bigger;
		s->size = size;
	}
	memcpy(s->octets + s->used, buffer, bytes);
	s->used += bytes;
	return (ssize_t)bytes;
}

int wire_encode(ipp_t *ipp, void **out, size_t *octets)
{
	struct sink s = {0};
	ipp_state_t state;

	/* A message that was read or written before stands at its end. */
	ippSetState(ipp, IPP_STATE_IDLE);
	do {
		state = ippWriteIO(&s, sink_write, 1, NULL, ipp);
	} while (state != IPP_STATE_ERROR && state != IPP_STATE_DATA);
	if (state == IPP_STATE_ERROR) {
		free(s.octets);
		return s.failed ? -ENOMEM : -EINVAL;
	}
	*out = s.octets;
	*octets = s.used;
	return 0;
}
