/* SPDX-License-Identifier: Apache-2.0 */
/* src - the document's bytes: a file read by pread() through a small cache, or memory. */
#include "parse/src.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
	WINDOW = 32 << 10,
	WINDOWS = 16, /* half a megabyte: objects lie near each other */
};

struct window {
	uint64_t index; /* offset / WINDOW */
	uint64_t used;
	size_t len;
	uint8_t *buf; /* NULL: not in use */
};

struct src {
	int fd; /* -1: in memory */
	const uint8_t *mem;
	uint64_t start, size;
	uint64_t clock;
	struct window windows[WINDOWS];
};

int src_new_fd(int fd, uint64_t size, struct src **out)
{
	struct src *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->fd = fd;
	s->size = size;
	*out = s;
	return 0;
}

int src_new_mem(const void *p, size_t len, struct src **out)
{
	int rc = src_new_fd(-1, len, out);

	if (!rc)
		(*out)->mem = p;
	return rc;
}

int src_new_part(const struct src *of, uint64_t start, struct src **out)
{
	uint64_t skip = start < of->size ? start : of->size;
	int rc = src_new_fd(of->fd, of->size - skip, out);

	if (rc)
		return rc;
	(*out)->mem = of->mem ? of->mem + skip : NULL;
	(*out)->start = of->start + skip;
	return 0;
}

void src_free(struct src *s)
{
	if (!s)
		return;
	for (int i = 0; i < WINDOWS; i++)
		free(s->windows[i].buf);
	free(s);
}

uint64_t src_size(const struct src *s)
{
	return s->size;
}

static size_t read_at(struct src *s, uint64_t off, uint8_t *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(s->fd, buf + done, len - done, (off_t)(s->start + off + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

static struct window *window_at(struct src *s, uint64_t index)
{
	struct window *w = &s->windows[0];

	for (int i = 0; i < WINDOWS; i++) {
		if (s->windows[i].buf && s->windows[i].index == index) {
			s->windows[i].used = ++s->clock;
			return &s->windows[i];
		}
		if (s->windows[i].used < w->used)
			w = &s->windows[i];
	}
	if (!w->buf)
		w->buf = malloc(WINDOW);
	if (!w->buf)
		return NULL;
	w->index = index;
	w->used = ++s->clock;
	w->len = read_at(s, index * WINDOW, w->buf, WINDOW);
	return w;
}

size_t src_read(struct src *s, uint64_t off, void *buf, size_t len)
{
	uint8_t *to = buf;
	size_t done = 0;

	if (off >= s->size)
		return 0;
	if (len > s->size - off)
		len = (size_t)(s->size - off);
	if (s->fd < 0) {
		memcpy(buf, s->mem + off, len);
		return len;
	}
	if (len >= WINDOW)
		return read_at(s, off, to, len);
	while (done < len) {
		struct window *w = window_at(s, (off + done) / WINDOW);
		size_t skip = (off + done) % WINDOW, n;

		if (!w || w->len <= skip)
			break;
		n = w->len - skip < len - done ? w->len - skip : len - done;
		memcpy(to + done, w->buf + skip, n);
		done += n;
	}
	return done;
}
