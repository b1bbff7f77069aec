/* SPDX-License-Identifier: Apache-2.0 */
/* settings - see settings.h. */
#include "settings.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/paths.h"
#include "base/text.h"

enum { MAP_MAX = 100000 };
enum form { NUMBER, SPAN, YES, PATH, TEXT };

#define AT(member) offsetof(struct settings, member)

static const struct row {
	const char *section, *key;
	enum form form;
	size_t at;
	unsigned least, most; /* of a number, or the octets that a text has room for */
} rows[] = {
	{"verifier", "workers", NUMBER, AT(workers), 1, 256},
	{"verifier", "hashes", NUMBER, AT(hashes), 1, 32},
	{"verifier", "accounts", NUMBER, AT(accounts_max), 0, 100000},
	{"verifier", "offline-ttl", SPAN, AT(ttl_s), 60, 365 * 86400},
	{"verifier", "online-wait-ms", NUMBER, AT(online_ms), 50, 30000},
	{"verifier", "keep-passwords", YES, AT(keep_passwords), 0, 0},
	{"verifier", "min-uid", NUMBER, AT(min_uid), 0, UINT_MAX},
	{"verifier", "online", PATH, AT(online), 0, PATH_MAX},
	{"verifier", "logind", PATH, AT(logind), 0, PATH_MAX},
	{"accounts", "suffix", TEXT, AT(suffix), 0, sizeof(((struct settings *)0)->suffix)},
};

static const char *take_number(const struct row *row, const char *value, unsigned *out)
{
	unsigned long n;
	char *end;

	if (!isdigit((unsigned char)value[0]))
		return "not a number";
	errno = 0;
	n = strtoul(value, &end, 10);
	if (row->form == SPAN && *end && !end[1]) {
		unsigned long unit = *end == 's'   ? 1
				     : *end == 'm' ? 60
				     : *end == 'h' ? 3600
				     : *end == 'd' ? 86400
						   : 0;

		if (!unit || n > ULONG_MAX / 86400)
			return "not a time; 30m, 72h and 14d are";
		n *= unit;
		end++;
	}
	if (errno || *end)
		return "not a number";
	if (n < row->least || n > row->most)
		return "out of range";
	*out = (unsigned)n;
	return NULL;
}

static const char *take(struct settings *s, const struct row *row, const char *value)
{
	char *at = (char *)s + row->at;
	unsigned n = 0;
	const char *why;

	switch (row->form) {
	case NUMBER:
	case SPAN:
		why = take_number(row, value, &n);
		if (!why)
			memcpy(at, &n, sizeof(n));
		return why;
	case YES:
		if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
			return "neither yes nor no";
		*(bool *)at = value[0] == 'y';
		return NULL;
	case PATH:
		if (value[0] && value[0] != '/')
			return "not an absolute path";
		break;
	case TEXT:
		if (!text_is_clean(value))
			return "not fit for a name";
		break;
	}
	if (strlen(value) >= row->most)
		return "too long";
	strcpy(at, value);
	return NULL;
}

static const char *take_map(struct settings *s, const char *user, const char *account)
{
	struct settings_map *grown;

	if (!account[0] || !text_is_clean(account) || strlen(account) > 255)
		return "no account";
	if (s->map_count >= MAP_MAX)
		return "too many";
	for (unsigned i = 0; i < s->map_count; i++)
		if (!strcmp(s->map[i].user, user))
			return "mapped already";
	grown = reallocarray(s->map, s->map_count + 1, sizeof(*grown));
	if (!grown)
		return "no memory";
	s->map = grown;
	grown[s->map_count].user = strdup(user);
	grown[s->map_count].account = strdup(account);
	if (!grown[s->map_count].user || !grown[s->map_count].account)
		return "no memory";
	s->map_count++;
	return NULL;
}

struct reading {
	struct settings *s;
	conf_complain_fn *complain;
};

static const char *line(void *arg, const char *section, const char *key, const char *value)
{
	struct reading *r = arg;

	if (!strcmp(section, "map"))
		return take_map(r->s, key, value);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(rows[i].section, section) && !strcmp(rows[i].key, key))
			return take(r->s, &rows[i], value);
	return "no such setting here";
}

static void complain(void *arg, const char *message)
{
	struct reading *r = arg;

	r->complain(NULL, message);
}

int settings_load(const char *path, conf_complain_fn *complain_fn, struct settings **out)
{
	AUTO(settings_freep) struct settings *s = calloc(1, sizeof(*s));
	struct reading r = {s, complain_fn};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int rc;

	if (!s)
		return -ENOMEM;
	s->workers = 64;
	s->hashes = cpus < 1 ? 1 : cpus > 4 ? 4 : (unsigned)cpus;
	s->accounts_max = 100;
	s->ttl_s = 72 * 3600;
	s->online_ms = 3000;
	s->keep_passwords = true;
	s->min_uid = 1000;
	strcpy(s->logind, "/run/systemd/sessions");
	rc = paths_join(s->online, sizeof(s->online), paths_run(), "online.sock");
	if (!rc)
		rc = conf_read(path, line, complain, &r);
	if (!rc)
		*out = STEAL(s);
	return rc;
}

void settings_free(struct settings *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->map_count; i++) {
		free(s->map[i].user);
		free(s->map[i].account);
	}
	free(s->map);
	free(s);
}

int settings_account(const struct settings *s, const char *user, char *out, size_t size)
{
	int n;

	for (unsigned i = 0; i < s->map_count; i++) {
		if (strcmp(s->map[i].user, user) != 0)
			continue;
		n = snprintf(out, size, "%s", s->map[i].account);
		return n < 0 || (size_t)n >= size ? -EMSGSIZE : 0;
	}
	n = snprintf(out, size, "%s%s", user, s->suffix);
	return n < 0 || (size_t)n >= size ? -EMSGSIZE : 0;
}
