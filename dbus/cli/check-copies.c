/* SPDX-License-Identifier: Apache-2.0 */
/* check-copies - how long cupsd keeps its own, readable copy of each printed file; with --harden-cups, no longer. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/paths.h"
#include "check.h"
#include "out.h"

#define CONF_RESOURCE "/admin/conf/cupsd.conf"
#define DIRECTIVE "PreserveJobFiles"

enum { CONF_MAX = 1 << 20, DEFAULT_KEEP_S = 86400 };

/* cupsd gives its own cupsd.conf to root, wherever that is. Heap memory, NULL without. */
static char *fetch_conf(http_t *http)
{
	FILE *f = tmpfile();
	char *text = NULL;
	size_t n;

	if (f && cupsGetFd(http, CONF_RESOURCE, fileno(f)) == HTTP_STATUS_OK) {
		rewind(f);
		text = calloc(1, CONF_MAX + 1);
		n = text ? fread(text, 1, CONF_MAX, f) : 0;
		if (n == CONF_MAX) { /* none that we know how to write back */
			free(text);
			text = NULL;
		}
	}
	if (f)
		fclose(f);
	return text;
}

/* The last @DIRECTIVE of @text outside of any comment; NULL if there is none. */
static char *find_directive(char *text)
{
	char *found = NULL;

	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		line += strspn(line, " \t");
		if (!strncasecmp(line, DIRECTIVE, strlen(DIRECTIVE)) &&
			isspace((unsigned char)line[strlen(DIRECTIVE)]))
			found = line;
	}
	return found;
}

/* Seconds; 0: none kept, -1: for ever. cupsd.conf(5): Yes, No, or a number with an optional unit. */
static int64_t keep_time(const char *value)
{
	static const struct {
		char unit;
		int seconds;
	} units[] = {{'w', 604800}, {'d', 86400}, {'h', 3600}, {'m', 60}};
	char *end;
	double n;

	if (!strncasecmp(value, "no", 2) || !strncasecmp(value, "off", 3) ||
		!strncasecmp(value, "false", 5))
		return 0;
	if (!isdigit((unsigned char)*value))
		return -1;
	n = strtod(value, &end);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (tolower((unsigned char)*end) == units[i].unit)
			n *= units[i].seconds;
	return (int64_t)n;
}

static int backup(const char *text, char *path, size_t size)
{
	AUTO(auto_close) int fd = -1;
	size_t n = strlen(text);
	int rc = paths_join(path, size, paths_state(), "cupsd.conf.before-harden");

	if (rc)
		return rc;
	/* The first one stays: it is what the administrator wrote. */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	return write(fd, text, n) == (ssize_t)n && fsync(fd) == 0 ? 0 : -EIO;
}

static int put_conf(http_t *http, char *text, char *directive)
{
	FILE *f = tmpfile();
	int rc = -EIO;

	if (!f)
		return -errno;
	if (directive) {
		fprintf(f, "%.*s" DIRECTIVE " No%s", (int)(directive - text), text,
			directive + strcspn(directive, "\n"));
	} else {
		fprintf(f, DIRECTIVE " No\n%s", text);
	}
	if (fflush(f) == 0 && lseek(fileno(f), 0, SEEK_SET) == 0 &&
		cupsPutFd(http, CONF_RESOURCE, fileno(f)) == HTTP_STATUS_CREATED)
		rc = 0;
	fclose(f);
	return rc;
}

static void harden(struct check *k, char *text, char *directive)
{
	char path[PATH_MAX];
	int rc = backup(text, path, sizeof(path));

	if (rc)
		check_add(k, FINDING_WRONG, "copies", "",
			"%s cannot be written: %s; nothing was changed", path, strerror(-rc));
	else if (put_conf(k->http, text, directive) != 0)
		check_add(k, FINDING_WRONG, "copies",
			"Set \"" DIRECTIVE " No\" in cupsd.conf by hand.",
			"cupsd does not take the change: %s", queue_why());
	else
		check_add(k, FINDING_OK, "copies", "",
			"cupsd keeps none any more; its configuration before is in %s", path);
}

void check_copies(struct check *k)
{
	AUTO(auto_free) char *text = NULL;
	char *directive;
	int64_t keep;

	if (!k->http)
		return;
	text = geteuid() == 0 ? fetch_conf(k->http) : NULL;
	if (!text) {
		k->incomplete |= geteuid() != 0;
		if (geteuid() == 0)
			check_add(k, FINDING_WARNING, "copies",
				"Look for " DIRECTIVE " in cupsd.conf.",
				"cupsd does not tell how long it keeps printed files");
		return;
	}
	directive = find_directive(text);
	keep = directive ? keep_time(directive + strlen(DIRECTIVE) +
				     strspn(directive + strlen(DIRECTIVE), " \t"))
			 : DEFAULT_KEEP_S;
	if (keep == 0)
		check_add(k, FINDING_OK, "copies", "", "cupsd keeps none of the printed files");
	else if (k->harden)
		harden(k, text, directive);
	else
		check_add(k, FINDING_WARNING, "copies",
			"To end that: stillprint check --harden-cups",
			"cupsd keeps a readable copy of each printed file%s%s",
			keep < 0 ? " for ever" : " for ", keep < 0 ? "" : out_span(keep));
}
