/* SPDX-License-Identifier: Apache-2.0 */
/* stm - a stream of bytes that is decoded as it is read, so that a reader may stop early.
 *
 * Streams stack: each decoder pulls from the one below it and owns it.  Damage and spent limits
 * end a stream early and set @bad; what came before stands. */
#pragma once

#include "base/auto.h"
#include "parse/src.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What all streams of a document may still cost together. */
struct budget {
	uint64_t job_left; /* decoded octets */
	uint64_t stream_octets; /* for one stream */
	uint64_t deadline_ns; /* CPU time of the process; 0: none */
	uint32_t until_look; /* chunks until the clock is read again */
	bool spent; /* sticky: a limit was met */
	bool out_of_time; /* sticky: and it was the clock */
};

struct stm {
	const uint8_t *p, *end; /* what can be read at once */
	bool (*fill)(struct stm *s);
	void (*close)(struct stm *s); /* frees @s; the one below is closed by stm_close() */
	void (*expect)(struct stm *s, uint64_t octets); /* NULL: knowing that does not help */
	struct stm *below;
	struct budget *budget;
	uint64_t made; /* decoded so far */
	bool bad;
	bool is_file; /* the octets of the document themselves */
};

bool stm_fill_slow(struct stm *s);

static inline bool stm_fill(struct stm *s)
{
	return s->p < s->end || stm_fill_slow(s);
}

static inline int stm_get(struct stm *s)
{
	return stm_fill(s) ? *s->p++ : -1;
}

static inline int stm_peek(struct stm *s)
{
	return stm_fill(s) ? *s->p : -1;
}

/** stm_read() - fill @buf; fewer octets only at the end. Return: octets read. */
size_t stm_read(struct stm *s, void *buf, size_t len);
size_t stm_skip(struct stm *s, size_t len);

/** stm_expect() - tell a stream how many octets it will be asked for: all at once may be cheaper
 * Say it before the first read. It changes the cost, not the octets. */
void stm_expect(struct stm *s, uint64_t octets);

void stm_close(struct stm *s); /* closes those below too; NULL is fine */
AUTO_DEFINE(struct stm *, stm_close)

/** budget_look() - whether time is left; sets @spent if not. Cheap enough for each chunk. */
bool budget_look(struct budget *b);

/* Sources. Each constructor returns NULL without memory, and then closes @below. */
struct stm *stm_new_file(struct src *src, uint64_t off, uint64_t len, struct budget *b);
struct stm *stm_new_mem(const void *p, size_t len, struct budget *b); /* @p is borrowed */
uint64_t stm_file_tell(const struct stm *s); /* offset of *s->p; of a stm_new_file() */
/** stm_file_range() - where a stream's octets lie in @src. Return: false unless it is a stm_new_file(). */
bool stm_file_range(const struct stm *s, struct src **src, uint64_t *off, uint64_t *len);

/* Decoders. */
struct stm *stm_new_flate(struct stm *below);
struct stm *stm_new_gzip(struct stm *below);
struct stm *stm_new_lzw(struct stm *below, bool early_change);
struct stm *stm_new_ascii85(struct stm *below);
struct stm *stm_new_asciihex(struct stm *below);
struct stm *stm_new_runlength(struct stm *below);

struct stm_predictor {
	int predictor; /* 1: none, 2: TIFF, 10..15: PNG */
	int colours, bpc, columns;
};
struct stm *stm_new_predictor(struct stm *below, const struct stm_predictor *how);
