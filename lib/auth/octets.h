/* SPDX-License-Identifier: Apache-2.0 */
/* octets - write and read big-endian numbers and counted texts, with bounds: what the cache and sync files are made of. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Grows; after the first failed allocation .bad is set and nothing more is written. Its memory is wiped when freed. */
struct octets_out {
	uint8_t *octets;
	size_t count, size;
	bool bad;
};

/* After the first read past the end .bad is set and all reads give 0. */
struct octets_in {
	const uint8_t *at, *end;
	bool bad;
};

static inline void octets_out_fini(struct octets_out *o)
{
	if (o->octets)
		explicit_bzero(o->octets, o->size);
	free(o->octets);
	memset(o, 0, sizeof(*o));
}

/* Room for @n octets at the end, counted as written. NULL when there is no memory. */
static inline uint8_t *octets_room(struct octets_out *o, size_t n)
{
	if (!o->bad && o->size - o->count < n) {
		size_t size = (o->size + n) * 2 + 256;
		uint8_t *grown = malloc(size);

		/* Not realloc: it would leave a copy behind that nobody wipes. */
		if (grown && o->count)
			memcpy(grown, o->octets, o->count);
		if (o->octets)
			explicit_bzero(o->octets, o->size);
		free(o->octets);
		o->octets = grown;
		o->size = grown ? size : 0;
		o->count = grown ? o->count : 0;
		o->bad = !grown;
	}
	if (o->bad)
		return NULL;
	o->count += n;
	return o->octets + o->count - n;
}

static inline void octets_put(struct octets_out *o, const void *p, size_t n)
{
	uint8_t *to = octets_room(o, n);

	if (to && n)
		memcpy(to, p, n);
}

static inline void octets_put_number(struct octets_out *o, uint64_t value, unsigned octets)
{
	uint8_t *to = octets_room(o, octets);

	for (unsigned i = 0; to && i < octets; i++)
		to[i] = (uint8_t)(value >> (8 * (octets - 1 - i)));
}

/* A text of at most 65535 octets: length, octets. */
static inline void octets_put_text(struct octets_out *o, const char *text)
{
	size_t n = strlen(text);

	octets_put_number(o, n, 2);
	octets_put(o, text, n);
}

static inline const uint8_t *octets_get(struct octets_in *in, size_t n)
{
	const uint8_t *p = in->at;

	if (in->bad || (size_t)(in->end - in->at) < n) {
		in->bad = true;
		return NULL;
	}
	in->at += n;
	return p;
}

static inline void octets_get_into(struct octets_in *in, void *to, size_t n)
{
	const uint8_t *p = octets_get(in, n);

	if (p)
		memcpy(to, p, n);
}

static inline uint64_t octets_get_number(struct octets_in *in, unsigned octets)
{
	const uint8_t *p = octets_get(in, octets);
	uint64_t value = 0;

	for (unsigned i = 0; p && i < octets; i++)
		value = value << 8 | p[i];
	return value;
}

/* Into @to, terminated; longer than @size - 1, or with a NUL in it, is bad. */
static inline void octets_get_text(struct octets_in *in, char *to, size_t size)
{
	size_t n = octets_get_number(in, 2);
	const uint8_t *p = n < size ? octets_get(in, n) : NULL;

	if (!p || memchr(p, '\0', n)) {
		in->bad = true;
		to[0] = '\0';
		return;
	}
	memcpy(to, p, n);
	to[n] = '\0';
}
