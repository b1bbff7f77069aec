/* SPDX-License-Identifier: Apache-2.0 */
/* doc - documents made in memory for the parser's tests. Include from one file per test program. */
#pragma once

#include "parse/parse.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct doc {
	char *p;
	size_t len, room;
	size_t offsets[64];
	int objects;
};

static inline void doc_bytes(struct doc *d, const void *p, size_t len)
{
	if (d->len + len + 1 > d->room) {
		d->room = 2 * (d->len + len + 1);
		d->p = realloc(d->p, d->room);
		if (!d->p)
			abort();
	}
	memcpy(d->p + d->len, p, len);
	d->len += len;
	d->p[d->len] = '\0';
}

__attribute__((__format__(printf, 2, 3))) static inline void doc_printf(
	struct doc *d, const char *form, ...)
{
	char *s;
	va_list ap;
	int n;

	va_start(ap, form);
	n = vasprintf(&s, form, ap);
	va_end(ap);
	if (n < 0)
		abort();
	doc_bytes(d, s, (size_t)n);
	free(s);
}

/* The next object, numbered from 1. */
static inline void doc_object(struct doc *d, const char *body)
{
	if (!d->objects)
		doc_printf(d, "%%PDF-1.7\n%%\xe2\xe3\xcf\xd3\n");
	d->offsets[++d->objects] = d->len;
	doc_printf(d, "%d 0 obj\n%s\nendobj\n", d->objects, body);
}

static inline void doc_stream(struct doc *d, const char *dict, const void *data, size_t len)
{
	if (!d->objects)
		doc_printf(d, "%%PDF-1.7\n%%\xe2\xe3\xcf\xd3\n");
	d->offsets[++d->objects] = d->len;
	doc_printf(d, "%d 0 obj\n<< %s /Length %zu >>\nstream\n", d->objects, dict, len);
	doc_bytes(d, data, len);
	doc_printf(d, "\nendstream\nendobj\n");
}

static inline void doc_end(struct doc *d, const char *trailer)
{
	size_t at = d->len;

	doc_printf(d, "xref\n0 %d\n0000000000 65535 f \n", d->objects + 1);
	for (int i = 1; i <= d->objects; i++)
		doc_printf(d, "%010zu 00000 n \n", d->offsets[i]);
	doc_printf(d, "trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%zu\n%%%%EOF\n",
		d->objects + 1, trailer, at);
}

static inline void doc_fini(struct doc *d)
{
	free(d->p);
	*d = (struct doc){0};
}

/* Objects 1 to 4 of a document of one page, whose resources and contents these are. Others follow. */
static inline void doc_page(
	struct doc *d, const char *page, const char *resources, const char *content)
{
	char *s;

	doc_object(d, "<< /Type /Catalog /Pages 2 0 R >>");
	doc_object(d, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
	if (asprintf(&s,
		    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R %s /Resources << %s >> >>",
		    page, resources) < 0)
		abort();
	doc_object(d, s);
	free(s);
	doc_stream(d, "", content, strlen(content));
}

static inline int doc_fd(const void *p, size_t len)
{
	int fd = memfd_create("doc", MFD_CLOEXEC);

	if (fd < 0 || write(fd, p, len) != (ssize_t)len)
		abort();
	return fd;
}

/* Reads @p in the sandbox. Never NULL. */
static inline struct parse_result *doc_parse_bytes(
	const void *p, size_t len, const struct parse_limits *limits)
{
	struct parse_result *r = NULL;
	int fd = doc_fd(p, len);

	if (parse_sandboxed(fd, limits, &r) || !r)
		abort();
	close(fd);
	return r;
}

static inline struct parse_result *doc_parse(const struct doc *d, const struct parse_limits *limits)
{
	return doc_parse_bytes(d->p, d->len, limits);
}
