/* SPDX-License-Identifier: Apache-2.0 */
/* conf - see conf.h. */
#include "base/conf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"

enum { FILE_OCTETS_MAX = 1 << 20, COMPLAINT_OCTETS = PATH_MAX + 256 };

AUTO_DEFINE(DIR *, closedir)

struct reader {
	conf_file_fn *begin;
	conf_line_fn *fn;
	conf_complain_fn *complain;
	void *arg;
	const char *file;
	unsigned line;
	bool bad;
	const char *section; /* in the file's octets */
};

__attribute__((format(printf, 2, 3))) static void complain(struct reader *r, const char *fmt, ...)
{
	char text[COMPLAINT_OCTETS];
	int n = r->line ? snprintf(text, sizeof(text), "%s:%u: ", r->file, r->line)
			: snprintf(text, sizeof(text), "%s: ", r->file);
	va_list ap;

	if (n < 0 || (size_t)n >= sizeof(text))
		n = 0;
	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	r->bad = true;
	r->complain(r->arg, text);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static char *trim(char *s)
{
	char *end;

	while (is_blank(*s))
		s++;
	end = s + strlen(s);
	while (end > s && is_blank(end[-1]))
		end--;
	*end = '\0';
	return s;
}

static void take_section(struct reader *r, char *line)
{
	char *end = strchr(line, ']');

	r->section = NULL; /* what stands in an unreadable section is not judged */
	if (!end)
		complain(r, "a section is written [name]");
	else if (end[1] != '\0')
		complain(r, "nothing may follow the ] of a section");
	else {
		*end = '\0';
		r->section = trim(line + 1);
		if (!*r->section)
			complain(r, "the section has no name");
	}
}

static void take_line(struct reader *r, char *line)
{
	char *equals, *key, *value;
	const char *why;

	line = trim(line);
	if (*line == '\0' || *line == '#' || *line == ';')
		return;
	if (*line == '[') {
		take_section(r, line);
		return;
	}
	equals = strchr(line, '=');
	if (!equals || equals == line) {
		complain(r,
			"not understood; a line is `key = value`, [section], or a comment with #");
		return;
	}
	*equals = '\0';
	key = trim(line);
	value = trim(equals + 1);
	why = r->section ? r->fn(r->arg, r->section, key, value) : NULL;
	if (why)
		complain(r, "%s: %s", key, why);
}

static void take_octets(struct reader *r, char *text, size_t count)
{
	char *p = text;

	text[count] = '\0';
	if (count >= 3 && !memcmp(p, "\xef\xbb\xbf", 3))
		p += 3; /* byte order mark */
	r->section = "";
	while (p < text + count) {
		char *end = memchr(p, '\n', (size_t)(text + count - p));

		if (!end)
			end = text + count;
		*end = '\0';
		r->line++;
		if (strlen(p) != (size_t)(end - p))
			complain(r, "the line has a NUL octet");
		else
			take_line(r, p);
		p = end + 1;
	}
}

static const char *why_not_trusted(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "belongs neither to root nor to the user who reads it";
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return "others may write to it; refused";
	return NULL;
}

/* Return: 0, -errno; -EINVAL after a complaint. */
static int load(struct reader *r, int fd, char **out, size_t *count)
{
	AUTO(auto_free) char *text = NULL;
	struct stat st;
	size_t used = 0;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode)) {
		complain(r, "not a regular file; refused");
		return -EINVAL;
	}
	if (why_not_trusted(&st)) {
		complain(r, "%s", why_not_trusted(&st));
		return -EINVAL;
	}
	text = malloc(FILE_OCTETS_MAX + 2);
	if (!text)
		return -ENOMEM;
	while (used <= FILE_OCTETS_MAX) {
		ssize_t n = read(fd, text + used, FILE_OCTETS_MAX + 1 - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	if (used > FILE_OCTETS_MAX) {
		complain(r, "larger than 1 MiB; refused");
		return -EINVAL;
	}
	*out = STEAL(text);
	*count = used;
	return 0;
}

/* Reads @name below @dir. Complaints do not end it: the caller looks at r->bad when all files are read. */
static int read_file(struct reader *r, int dir, const char *name, const char *shown, bool may_lack)
{
	/* O_NONBLOCK: a FIFO in our place must not stop us before it is seen. */
	AUTO(auto_close) int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO(auto_free) char *text = NULL;
	size_t count = 0;
	int rc;

	r->file = shown;
	r->line = 0;
	if (fd < 0) {
		if (errno == ENOENT && may_lack)
			return 0;
		complain(r, "%s", errno == ELOOP ? "a symbolic link; refused" : strerror(errno));
		return 0;
	}
	rc = load(r, fd, &text, &count);
	if (rc || !text)
		return rc == -EINVAL ? 0 : rc;
	if (r->begin)
		r->begin(r->arg, shown, &r->line);
	take_octets(r, text, count);
	return 0;
}

static int is_drop_in(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return entry->d_name[0] != '.' && n > 5 && !strcmp(entry->d_name + n - 5, ".conf");
}

static int by_octets(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name,
		(*b)->d_name); /* not strcoll: the order is the same in every locale */
}

static int read_drop_ins(struct reader *r, const char *folder)
{
	AUTO(auto_close) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent **entry = NULL;
	struct stat st;
	int n, rc = 0;

	if (fd < 0 && errno == ENOENT)
		return 0;
	r->file = folder;
	r->line = 0;
	if (fd < 0 || fstat(fd, &st) < 0) {
		complain(r, "%s", strerror(errno));
		return 0;
	}
	if (why_not_trusted(&st)) {
		complain(r, "%s", why_not_trusted(&st));
		return 0;
	}
	n = scandirat(fd, ".", &entry, is_drop_in, by_octets);
	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		char shown[PATH_MAX + NAME_MAX + 2];

		snprintf(shown, sizeof(shown), "%s/%s", folder, entry[i]->d_name);
		if (!rc)
			rc = read_file(r, fd, entry[i]->d_name, shown, false);
		free(entry[i]);
	}
	free(entry);
	return rc;
}

int conf_read_files(const char *path, conf_file_fn *begin, conf_line_fn *fn,
	conf_complain_fn *complain_fn, void *arg)
{
	struct reader r = {.begin = begin, .fn = fn, .complain = complain_fn, .arg = arg};
	char folder[PATH_MAX];
	int n = snprintf(folder, sizeof(folder), "%s.d", path);
	int rc;

	if (n < 0 || (size_t)n >= sizeof(folder))
		return -ENAMETOOLONG;
	rc = read_file(&r, AT_FDCWD, path, path, true);
	if (!rc)
		rc = read_drop_ins(&r, folder);
	if (rc)
		return rc;
	return r.bad ? -EINVAL : 0;
}

int conf_read(const char *path, conf_line_fn *fn, conf_complain_fn *complain_fn, void *arg)
{
	return conf_read_files(path, NULL, fn, complain_fn, arg);
}
