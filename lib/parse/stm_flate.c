/* SPDX-License-Identifier: Apache-2.0 */
/* stm_flate - inflate and LZW. */
#include "parse/stm.h"
#include <libdeflate.h>
#include <string.h>
#include <zlib.h>

enum {
	FLATE_CHUNK = 16 << 10,
	FLATE_FIRST = 4 << 10, /* what shows colour often shows it early */
	/* What has not shown it by here is read to its end, and that costs half when done at once. */
	WHOLE_AFTER = 128 << 10,
	WHOLE_IN_MAX = 8 << 20,
	WHOLE_OUT_MAX = 32 << 20,
};

struct flate_stm {
	struct stm s;
	z_stream z;
	size_t chunk;
	bool started, ended, gzip;
	uint64_t expect;
	uint8_t *whole;
	struct flate_stm *next; /* in the pool */
	uint8_t buf[FLATE_CHUNK];
};

/* An inflate state is 40 kB and slow to make; a page needs a few in turn, so some are kept. */
static struct flate_stm *pool;
static int pooled;

enum { POOL_MAX = 4 };

static void flate_close(struct stm *s)
{
	struct flate_stm *f = (struct flate_stm *)s;

	free(f->whole);
	f->whole = NULL;
	if (!f->gzip && pooled < POOL_MAX) {
		f->next = pool;
		pool = f;
		pooled++;
		return;
	}
	inflateEnd(&f->z);
	free(f);
}

/* The two octets of zlib's header say nothing that we need, and broken writers get them wrong. The
 * checksum at the end is left alone too: renderers draw what came before it. */
static bool skip_header(struct flate_stm *f)
{
	f->started = true;
	return f->gzip || stm_skip(f->s.below, 2) == 2;
}

static void flate_expect(struct stm *s, uint64_t octets)
{
	((struct flate_stm *)s)->expect = octets;
}

static uint8_t *inflate_whole(const uint8_t *packed, size_t n, size_t room, size_t *made)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	uint8_t *out = d ? malloc(room) : NULL;

	if (out && libdeflate_deflate_decompress(d, packed + 2, n - 2, out, room, made) !=
			   LIBDEFLATE_SUCCESS) {
		free(out);
		out = NULL;
	}
	libdeflate_free_decompressor(d);
	return out;
}

/* Once more from the beginning, but all at once. Where anything is odd the old way goes on. */
static bool take_whole(struct flate_stm *f)
{
	uint64_t off, len,
		room = f->expect + 64; /* a little more than asked for is no reason to fail */
	uint8_t *packed;
	struct src *src;
	size_t made = 0, n;

	f->expect = 0;
	if (room > WHOLE_OUT_MAX || !stm_file_range(f->s.below, &src, &off, &len) ||
		len > WHOLE_IN_MAX || len < 8)
		return false;
	packed = malloc((size_t)len);
	n = packed ? src_read(src, off, packed, (size_t)len) : 0;
	if (n == len)
		f->whole = inflate_whole(packed, n, (size_t)room, &made);
	free(packed);
	if (!f->whole || made <= f->s.made)
		return false;
	f->s.p = f->whole + f->s.made;
	f->s.end = f->whole + made;
	f->ended = true;
	return true;
}

static bool flate_fill(struct stm *s)
{
	struct flate_stm *f = (struct flate_stm *)s;
	int rc = Z_OK;

	if (f->expect > WHOLE_AFTER && s->made >= WHOLE_AFTER && !f->ended && take_whole(f))
		return true;
	if (f->ended || (!f->started && !skip_header(f)))
		return false;
	f->z.next_out = f->buf;
	f->z.avail_out = (uInt)f->chunk;
	f->chunk = FLATE_CHUNK;
	while (f->z.avail_out && rc == Z_OK) {
		if (!stm_fill(s->below)) {
			rc = Z_BUF_ERROR;
			break;
		}
		f->z.next_in = (Bytef *)s->below->p;
		f->z.avail_in = (uInt)(s->below->end - s->below->p);
		rc = inflate(&f->z, Z_NO_FLUSH);
		s->below->p = f->z.next_in;
		/* A second gzip member goes on where the first ended. */
		if (rc == Z_STREAM_END && f->gzip && stm_peek(s->below) == 0x1f)
			rc = inflateReset(&f->z);
	}
	f->ended = rc != Z_OK;
	s->bad = s->bad || (rc != Z_OK && rc != Z_STREAM_END);
	s->p = f->buf;
	s->end = f->z.next_out;
	return s->end > s->p;
}

static struct flate_stm *flate_state(bool gzip)
{
	struct flate_stm *f = gzip ? NULL : pool;

	if (f) {
		pool = f->next;
		pooled--;
		inflateReset(&f->z);
		return f;
	}
	f = malloc(sizeof(*f));
	if (!f)
		return NULL;
	memset(&f->z, 0, sizeof(f->z));
	if (inflateInit2(&f->z, gzip ? 15 + 16 : -15) != Z_OK) {
		free(f);
		return NULL;
	}
	return f;
}

static struct stm *new_flate(struct stm *below, bool gzip)
{
	struct flate_stm *f = flate_state(gzip);

	if (!f) {
		stm_close(below);
		return NULL;
	}
	f->s = (struct stm){.fill = flate_fill,
		.close = flate_close,
		.expect = flate_expect,
		.below = below,
		.budget = below->budget};
	f->started = f->ended = false;
	f->expect = 0;
	f->whole = NULL;
	f->gzip = gzip;
	f->chunk = FLATE_FIRST;
	return &f->s;
}

struct stm *stm_new_flate(struct stm *below)
{
	return new_flate(below, false);
}

struct stm *stm_new_gzip(struct stm *below)
{
	return new_flate(below, true);
}

enum { LZW_CODES = 4096, LZW_CHUNK = 16 << 10 };

struct lzw_stm {
	struct stm s;
	uint32_t bits;
	int nbits, width, next, previous;
	bool early, ended;
	uint16_t prefix[LZW_CODES];
	uint16_t length[LZW_CODES];
	uint8_t suffix[LZW_CODES], first[LZW_CODES];
	uint8_t buf[LZW_CHUNK + LZW_CODES];
};

static int lzw_code(struct lzw_stm *l)
{
	while (l->nbits < l->width) {
		int c = stm_get(l->s.below);

		if (c < 0)
			return -1;
		l->bits = l->bits << 8 | (uint32_t)c;
		l->nbits += 8;
	}
	l->nbits -= l->width;
	return (int)(l->bits >> l->nbits & ((1u << l->width) - 1));
}

static void lzw_clear(struct lzw_stm *l)
{
	l->width = 9;
	l->next = 258;
	l->previous = -1;
}

static void lzw_add(struct lzw_stm *l, int code)
{
	int n = l->next;

	if (l->previous < 0 || n >= LZW_CODES)
		return;
	l->prefix[n] = (uint16_t)l->previous;
	l->length[n] = (uint16_t)(l->length[l->previous] + 1);
	l->first[n] = l->first[l->previous];
	l->suffix[n] = code == n ? l->first[n] : l->first[code];
	l->next++;
	if (l->next + l->early >= 1 << l->width && l->width < 12)
		l->width++;
}

/* Writes the string of @code to @out. Return: its length, at most LZW_CODES. */
static size_t lzw_put(const struct lzw_stm *l, int code, uint8_t *out)
{
	size_t len = l->length[code];

	for (size_t i = len; i-- > 0; code = l->prefix[code])
		out[i] = l->suffix[code];
	return len;
}

static bool lzw_fill(struct stm *s)
{
	struct lzw_stm *l = (struct lzw_stm *)s;
	size_t n = 0;

	while (!l->ended && n < LZW_CHUNK) {
		int code = lzw_code(l);

		if (code == 256) {
			lzw_clear(l);
			continue;
		}
		if (code < 0 || code == 257 || code > l->next ||
			(code == l->next && l->previous < 0)) {
			l->ended = true;
			s->bad = s->bad || code > 257;
			break;
		}
		lzw_add(l, code);
		if (code >= l->next) { /* a full table has no room for the code it names */
			l->ended = s->bad = true;
			break;
		}
		n += lzw_put(l, code, l->buf + n);
		l->previous = code;
	}
	s->p = l->buf;
	s->end = l->buf + n;
	return n > 0;
}

static void lzw_close(struct stm *s)
{
	free(s);
}

struct stm *stm_new_lzw(struct stm *below, bool early_change)
{
	struct lzw_stm *l = calloc(1, sizeof(*l));

	if (!l) {
		stm_close(below);
		return NULL;
	}
	l->s = (struct stm){
		.fill = lzw_fill, .close = lzw_close, .below = below, .budget = below->budget};
	l->early = early_change;
	for (int i = 0; i < 256; i++) {
		l->length[i] = 1;
		l->suffix[i] = l->first[i] = (uint8_t)i;
	}
	lzw_clear(l);
	return &l->s;
}
