/* SPDX-License-Identifier: Apache-2.0 */
/* codec - see codec.h. */
#include "core/codec.h"

#include <cups/cups.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

ipp_t *codec_new(void)
{
	ipp_t *ipp = ippNewRequest(IPP_OP_CREATE_JOB);

	if (ipp)
		ippSetRequestId(ipp, 1);
	return ipp;
}

struct buffer {
	uint8_t *octets;
	size_t count, size;
};

static ssize_t take(void *context, ipp_uchar_t *octets, size_t count)
{
	struct buffer *b = context;

	if (count > b->size - b->count)
		return -1;
	memcpy(b->octets + b->count, octets, count);
	b->count += count;
	return (ssize_t)count;
}

int codec_encode(ipp_t *ipp, void **out, size_t *octets)
{
	struct buffer b = {.size = ippLength(ipp)};
	ipp_state_t state;

	if (b.size > CODEC_MAX_OCTETS)
		return -EMSGSIZE;
	b.octets = malloc(b.size + 1);
	if (!b.octets)
		return -ENOMEM;
	ippSetState(ipp, IPP_STATE_IDLE);
	do
		state = ippWriteIO(&b, take, 1, NULL, ipp);
	while (state != IPP_STATE_DATA && state != IPP_STATE_ERROR);
	if (state == IPP_STATE_ERROR) {
		free(b.octets);
		return -ENOMEM;
	}
	*out = b.octets;
	*octets = b.count;
	return 0;
}

static ssize_t give(void *context, ipp_uchar_t *octets, size_t count)
{
	struct buffer *b = context;

	if (count > b->size - b->count)
		count = b->size - b->count;
	memcpy(octets, b->octets + b->count, count);
	b->count += count;
	return (ssize_t)count;
}

/* RFC 8010 3.1: header, then tags, each value with its name and its length. True if it fits and ends where it says. */
static bool walk(const uint8_t *p, size_t count)
{
	size_t at = 8, values = 0;
	int depth = 0;

	while (at < count) {
		uint8_t tag = p[at++];

		if (tag == IPP_TAG_END)
			return at == count && depth == 0;
		if (tag < 0x10) {
			if (depth)
				return false;
			continue;
		}
		if (tag == IPP_TAG_EXTENSION || ++values > CODEC_MAX_VALUES)
			return false;
		if (tag == IPP_TAG_BEGIN_COLLECTION && ++depth > CODEC_MAX_DEPTH)
			return false;
		if (tag == IPP_TAG_END_COLLECTION && --depth < 0)
			return false;
		for (int part = 0; part < 2; part++) { /* name, value */
			size_t n;

			if (count - at < 2)
				return false;
			n = (size_t)p[at] << 8 | p[at + 1];
			at += 2;
			if (count - at < n)
				return false;
			at += n;
		}
	}
	return false;
}

int codec_decode(const void *octets, size_t count, ipp_t **out)
{
	struct buffer b = {.octets = (uint8_t *)octets, .size = count};
	ipp_state_t state;
	ipp_t *ipp;

	if (count > CODEC_MAX_OCTETS || !walk(octets, count))
		return CODEC_E_DAMAGED;
	ipp = ippNew();
	if (!ipp)
		return -ENOMEM;
	do
		state = ippReadIO(&b, give, 1, NULL, ipp);
	while (state != IPP_STATE_DATA && state != IPP_STATE_ERROR && b.count < count);
	if (state != IPP_STATE_DATA || b.count != count) {
		ippDelete(ipp);
		return CODEC_E_DAMAGED;
	}
	*out = ipp;
	return 0;
}
