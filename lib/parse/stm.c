/* SPDX-License-Identifier: Apache-2.0 */
/* stm - the sources, the budget, and the small decoders. Flate and the predictors: stm_flate.c, stm_pred.c. */
#include "parse/stm.h"
#include <string.h>
#include <time.h>

enum {
	CHUNK = 16 << 10,
	FIRST_CHUNK = 1 << 10, /* most objects end within it */
	LOOK_EVERY = 64,
	/* Beyond the first a stream may not make more than so many octets of each that it takes from the document. One
	 * Flate makes 1032 at most, so this ends those that are packed several times over. */
	FREE_OCTETS = 48 << 20,
	RATIO_MAX = 8192,
};

bool budget_look(struct budget *b)
{
	struct timespec ts;

	if (b->out_of_time || !b->deadline_ns || b->until_look--)
		return !b->out_of_time;
	b->until_look = LOOK_EVERY;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	if ((uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec > b->deadline_ns)
		b->spent = b->out_of_time = true;
	return !b->out_of_time;
}

static bool is_bomb(const struct stm *s)
{
	const struct stm *source = s;

	if (s->made <= FREE_OCTETS)
		return false;
	while (source->below)
		source = source->below;
	return s->made / RATIO_MAX > source->made;
}

/* What a stream makes is taken from the limits after it is made: a chunk too much does no harm. */
static bool charge(struct stm *s)
{
	struct budget *b = s->budget;
	uint64_t n = (uint64_t)(s->end - s->p);

	s->made += n;
	if (s->below) {
		b->job_left = n < b->job_left ? b->job_left - n : 0;
		if (!b->job_left || s->made > b->stream_octets || is_bomb(s)) {
			b->spent = true;
			return false;
		}
	}
	return budget_look(b);
}

bool stm_fill_slow(struct stm *s)
{
	if (!s->fill)
		return false;
	if (!s->fill(s) || s->p >= s->end) {
		s->fill = NULL;
		s->p = s->end = NULL;
		if (s->below && s->below->bad)
			s->bad = true;
		return false;
	}
	if (!charge(s)) {
		s->bad = true;
		s->fill = NULL;
		s->p = s->end;
		return false;
	}
	return true;
}

size_t stm_read(struct stm *s, void *buf, size_t len)
{
	uint8_t *to = buf;
	size_t done = 0;

	while (done < len && stm_fill(s)) {
		size_t n = (size_t)(s->end - s->p);

		n = n < len - done ? n : len - done;
		memcpy(to + done, s->p, n);
		s->p += n;
		done += n;
	}
	return done;
}

size_t stm_skip(struct stm *s, size_t len)
{
	size_t done = 0;

	while (done < len && stm_fill(s)) {
		size_t n = (size_t)(s->end - s->p);

		n = n < len - done ? n : len - done;
		s->p += n;
		done += n;
	}
	return done;
}

void stm_expect(struct stm *s, uint64_t octets)
{
	if (s->expect)
		s->expect(s, octets);
}

void stm_close(struct stm *s)
{
	while (s) {
		struct stm *below = s->below;

		s->close(s);
		s = below;
	}
}

static void plain_close(struct stm *s)
{
	free(s);
}

struct file_stm {
	struct stm s;
	struct src *src;
	uint64_t off, left;
	uint64_t start, len;
	size_t chunk;
	uint8_t buf[CHUNK];
};

static bool file_fill(struct stm *s)
{
	struct file_stm *f = (struct file_stm *)s;
	size_t want = f->left < f->chunk ? (size_t)f->left : f->chunk;
	size_t n = src_read(f->src, f->off, f->buf, want);

	f->off += n;
	f->left -= n;
	f->chunk = CHUNK;
	s->p = f->buf;
	s->end = f->buf + n;
	return n > 0;
}

struct stm *stm_new_file(struct src *src, uint64_t off, uint64_t len, struct budget *b)
{
	struct file_stm *f = malloc(sizeof(*f));

	if (!f)
		return NULL;
	memset(f, 0, offsetof(struct file_stm, buf));
	f->s = (struct stm){.fill = file_fill, .close = plain_close, .is_file = true, .budget = b};
	f->src = src;
	f->off = f->start = off;
	f->left = f->len = len;
	f->chunk = FIRST_CHUNK;
	return &f->s;
}

uint64_t stm_file_tell(const struct stm *s)
{
	const struct file_stm *f = (const struct file_stm *)s;

	return f->off - (uint64_t)(s->end - s->p);
}

bool stm_file_range(const struct stm *s, struct src **src, uint64_t *off, uint64_t *len)
{
	const struct file_stm *f = (const struct file_stm *)s;

	if (!s->is_file)
		return false;
	*src = f->src;
	*off = f->start;
	*len = f->len;
	return true;
}

struct stm *stm_new_mem(const void *p, size_t len, struct budget *b)
{
	struct stm *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->p = p ? p : (const void *)"";
	s->end = s->p + len;
	s->close = plain_close;
	s->budget = b;
	return s;
}

/* ASCIIHex, ASCII85 and RunLength share one shape: a small buffer and a step that adds to it. */
struct small_stm {
	struct stm s;
	size_t (*step)(struct stm *below, uint8_t *out, bool *end); /* at most 512 octets */
	bool ended;
	uint8_t buf[4096];
};

static bool small_fill(struct stm *s)
{
	struct small_stm *m = (struct small_stm *)s;
	size_t n = 0;

	while (!m->ended && n + 512 <= sizeof(m->buf))
		n += m->step(s->below, m->buf + n, &m->ended);
	s->p = m->buf;
	s->end = m->buf + n;
	return n > 0;
}

static struct stm *new_small(struct stm *below, size_t (*step)(struct stm *, uint8_t *, bool *))
{
	struct small_stm *m = malloc(sizeof(*m));

	if (!m) {
		stm_close(below);
		return NULL;
	}
	m->s = (struct stm){
		.fill = small_fill, .close = plain_close, .below = below, .budget = below->budget};
	m->step = step;
	m->ended = false;
	return &m->s;
}

static bool is_blank(int c)
{
	return c == ' ' || (c >= 9 && c <= 13) || c == 0;
}

static int hex_value(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int next_hex(struct stm *below)
{
	for (;;) {
		int c = stm_get(below);

		if (c < 0 || c == '>')
			return -1;
		if (hex_value(c) >= 0)
			return hex_value(c);
	}
}

static size_t hex_step(struct stm *below, uint8_t *out, bool *end)
{
	int hi = next_hex(below), lo = hi < 0 ? -1 : next_hex(below);

	*end = lo < 0;
	if (hi < 0)
		return 0;
	*out = (uint8_t)(hi << 4 | (lo < 0 ? 0 : lo));
	return 1;
}

struct stm *stm_new_asciihex(struct stm *below)
{
	return new_small(below, hex_step);
}

static size_t a85_step(struct stm *below, uint8_t *out, bool *end)
{
	uint32_t v = 0;
	int n = 0, c = -1;

	while (n < 5) {
		c = stm_get(below);
		if (c < 0 || c == '~')
			break;
		if (is_blank(c))
			continue;
		if (c == 'z' && !n) {
			memset(out, 0, 4);
			return 4;
		}
		if (c < '!' || c > 'u')
			continue;
		v = v * 85 + (uint32_t)(c - '!');
		n++;
	}
	*end = n < 5;
	if (n < 2)
		return 0;
	for (int i = n; i < 5; i++)
		v = v * 85 + 84;
	for (int i = 0; i < n - 1; i++)
		out[i] = (uint8_t)(v >> (24 - 8 * i));
	return (size_t)n - 1;
}

struct stm *stm_new_ascii85(struct stm *below)
{
	return new_small(below, a85_step);
}

static size_t runlength_step(struct stm *below, uint8_t *out, bool *end)
{
	int c = stm_get(below), v;
	size_t n;

	if (c < 0 || c == 128) {
		*end = true;
		return 0;
	}
	if (c < 128) {
		n = stm_read(below, out, (size_t)c + 1);
		*end = n <= (size_t)c;
		return n;
	}
	v = stm_get(below);
	if (v < 0) {
		*end = true;
		return 0;
	}
	memset(out, v, 257 - (size_t)c);
	return 257 - (size_t)c;
}

struct stm *stm_new_runlength(struct stm *below)
{
	return new_small(below, runlength_step);
}
