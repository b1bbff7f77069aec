/* SPDX-License-Identifier: Apache-2.0 */
/* ps - PostScript by its comments: Adobe's Document Structuring Conventions 3.0.
 *
 * A PostScript file is a program, and no program tells what it will print except by running it.
 * So pages are those that the comments name, and colour stays unknown. */
#include "parse/formats.h"
#include "parse/result.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LINE = 512 };

struct ps {
	struct format *f;
	int nested; /* documents within this one */
	bool eps, in_defaults;
	int64_t announced; /* %%Pages */
	struct parse_page size, page;
	bool open; /* a page is being read */
};

static bool has(const char *line, const char *key, const char **value)
{
	size_t n = strlen(key);

	if (strncmp(line, key, n) != 0)
		return false;
	*value = line + n + strspn(line + n, " \t:");
	return true;
}

static int end_page(struct ps *ps)
{
	int rc = ps->open ? result_add_page(ps->f->r, ps->f->limits, &ps->page) : 0;

	ps->open = false;
	if (rc == -EOVERFLOW)
		ps->f->in->budget->spent = true;
	return rc;
}

/* Octets or lines that are no comments whatever they look like. */
static void skip_data(struct ps *ps, const char *v)
{
	char *end, line[8];
	unsigned long long n = strtoull(v, &end, 10);

	if (strstr(end, "Lines") || strstr(end, "lines"))
		while (n-- && format_line(ps->f->in, line, sizeof(line)))
			;
	else
		stm_skip(ps->f->in, (size_t)n);
}

static void read_media(struct ps *ps, const char *v)
{
	double w, h;

	/* name width height weight colour type */
	if (sscanf(v, "%*s %lf %lf", &w, &h) == 2 && w > 0 && h > 0 && !ps->size.width_pt) {
		ps->size.width_pt = w;
		ps->size.height_pt = h;
	}
}

/* setpagedevice and the operators of old, where a line has them with plain numbers. */
static void read_code(struct ps *ps, const char *line)
{
	struct parse_page *page = ps->open ? &ps->page : &ps->size;
	const char *p = strstr(line, "/PageSize");
	double w, h;
	int n;

	if (p && sscanf(p, "/PageSize [ %lf %lf", &w, &h) == 2 && w > 0 && h > 0) {
		page->width_pt = w;
		page->height_pt = h;
	}
	if (((p = strstr(line, "/#copies")) && sscanf(p, "/#copies %d", &n) == 1) ||
		((p = strstr(line, "/NumCopies")) && sscanf(p, "/NumCopies %d", &n) == 1))
		format_job(ps->f->r, n, 0);
	if ((p = strstr(line, "/Duplex")) && strncmp(p + 7, " true", 5) == 0)
		format_job(ps->f->r, 0, strstr(line, "/Tumble true") ? 3 : 2);
}

static void read_title(struct ps *ps, const char *v)
{
	size_t n = strlen(v);

	if (n > 1 && v[0] == '(' && v[n - 1] == ')') {
		v++;
		n -= 2;
	}
	if (!ps->f->r->title && strncmp(v, "(atend)", 7) != 0)
		ps->f->r->title = result_clean_text(v, n);
}

static int read_comment(struct ps *ps, const char *line)
{
	const char *v;
	int rc;

	if (has(line, "%%BeginDocument", &v) || has(line, "%%BeginFile", &v))
		ps->nested++;
	else if (has(line, "%%EndDocument", &v) || has(line, "%%EndFile", &v))
		ps->nested -= ps->nested > 0;
	else if (has(line, "%%BeginData", &v) || has(line, "%%BeginBinary", &v))
		skip_data(ps, v);
	else if (ps->nested)
		return 0;
	else if (has(line, "%%BeginDefaults", &v) || has(line, "%%EndDefaults", &v))
		ps->in_defaults = line[2] == 'B';
	else if (has(line, "%%Pages:", &v) && *v >= '0' && *v <= '9')
		ps->announced = strtoll(v, NULL, 10);
	else if (has(line, "%%DocumentMedia:", &v))
		read_media(ps, v);
	else if (has(line, "%%Title:", &v))
		read_title(ps, v);
	else if (has(line, "%%Page:", &v)) {
		rc = end_page(ps);
		ps->open = true;
		ps->page = ps->size;
		return rc;
	}
	return 0;
}

static bool at_exit(struct stm *in)
{
	return stm_peek(in) == 033;
}

/* Comments that count no pages: one for EPS, else as many as the header says. */
static int take_announced(struct ps *ps)
{
	int64_t n = ps->f->r->count > 0 ? 0 : ps->announced > 0 ? ps->announced : ps->eps;
	int rc = 0;

	if (n > ps->f->limits->pages)
		n = 0;
	while (!rc && n-- > 0)
		rc = result_add_page(ps->f->r, ps->f->limits, &ps->size);
	return rc;
}

int ps_read(struct format *f)
{
	struct ps ps = {.f = f};
	char line[LINE];
	int rc = 0;
	int32_t before = f->r->count;

	while (!rc && !at_exit(f->in) && format_line(f->in, line, sizeof(line))) {
		if (line[0] == '%' && line[1] == '!')
			ps.eps = strstr(line, "EPSF") != NULL || (ps.eps && ps.nested);
		else if (line[0] == '%' && line[1] == '%')
			rc = read_comment(&ps, line);
		else if (!ps.nested)
			read_code(&ps, line);
	}
	if (!rc)
		rc = end_page(&ps);
	if (!rc && f->r->count == before)
		rc = take_announced(&ps);
	return rc;
}
