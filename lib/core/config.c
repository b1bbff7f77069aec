/* SPDX-License-Identifier: Apache-2.0 */
/* config - see config.h: two tables of keys, one for [stillprint], one for [queue NAME]. */
#include "core/config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/conf.h"
#include "base/text.h"
#include "core/uri.h"

enum { COMPLAINT_OCTETS = PATH_MAX + 512 };

struct loader {
	struct config *config;
	size_t queue_room;
	unsigned file; /* counts the files read */
	const char *file_name;
	const unsigned *line;
	unsigned fallback_file[CONFIG_QUEUE_MAX]; /* per queue: whose fallbacks it has, 0: none */
	unsigned address_file; /* the same of [server]'s addresses */
	char *stillprint_at[CONFIG_QUEUE_MAX]; /* "file:line" of `upstream = stillprint` */
	bool release_said[CONFIG_QUEUE_MAX];
	void (*complain)(void *arg, const char *message);
	void *arg;
	bool bad;
	bool no_memory;
};

static const char *const on_outage_names[] = {
	[ON_OUTAGE_FALLBACK] = "fallback",
	[ON_OUTAGE_ASK] = "ask",
	[ON_OUTAGE_HOLD] = "hold",
	[ON_OUTAGE_NEVER] = "never",
};

const char *config_on_outage_name(enum config_on_outage o)
{
	return (unsigned)o <= ON_OUTAGE_NEVER ? on_outage_names[o] : NULL;
}

const char *config_release_name(enum config_release r)
{
	return r == RELEASE_DIRECT ? "direct" : r == RELEASE_HELD ? "held" : NULL;
}

__attribute__((format(printf, 2, 3))) static void complain(struct loader *l, const char *fmt, ...)
{
	char text[COMPLAINT_OCTETS];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	l->bad = true;
	l->complain(l->arg, text);
}

/* ---- values: each parser returns NULL, or why the value is not taken ---- */

typedef const char *parse_fn(void *field, const char *value);

static const char *parse_bool(void *field, const char *value)
{
	bool yes = !strcmp(value, "yes");

	if (!yes && strcmp(value, "no") != 0)
		return "must be yes or no";
	*(bool *)field = yes;
	return NULL;
}

struct unit {
	const char *name;
	int64_t factor;
};

/* A number and one of @units: -1 if it is none, or does not fit. */
static int64_t parse_number(const char *value, const struct unit *units)
{
	int64_t n = 0;

	if (*value < '0' || *value > '9')
		return -1;
	for (; *value >= '0' && *value <= '9'; value++) {
		if (n > (INT64_MAX - 9) / 10)
			return -1;
		n = n * 10 + (*value - '0');
	}
	while (*value == ' ')
		value++;
	for (; units->name; units++)
		if (!strcmp(value, units->name))
			return n > INT64_MAX / units->factor ? -1 : n * units->factor;
	return -1;
}

static const struct unit time_units[] = {/* in milliseconds */
	{"ms", 1}, {"s", 1000}, {"min", 60000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000},
	{"w", 604800000}, {0}};

static const char *parse_seconds(void *field, const char *value)
{
	int64_t ms = parse_number(value, time_units);

	if (ms < 1000 || ms % 1000 || ms / 1000 > INT32_MAX)
		return "must be a time of at least 1s with its unit (s, min, h, d, w), such as 90s, 72h or 7d";
	*(int32_t *)field = (int32_t)(ms / 1000);
	return NULL;
}

static const char *parse_ms(void *field, const char *value)
{
	int64_t ms = parse_number(value, time_units);

	if (ms < 1 || ms > INT32_MAX)
		return "must be a time with its unit (ms, s, min, h), such as 500ms or 10s";
	*(int32_t *)field = (int32_t)ms;
	return NULL;
}

static const char *parse_octets(void *field, const char *value)
{
	static const struct unit units[] = {{"kB", 1000}, {"MB", 1000000}, {"GB", 1000000000},
		{"TB", 1000000000000}, {"KiB", 1LL << 10}, {"MiB", 1LL << 20}, {"GiB", 1LL << 30},
		{"TiB", 1LL << 40}, {0}};
	int64_t octets = parse_number(value, units);

	if (!strcmp(value, "auto"))
		octets = 0;
	else if (octets < 1000000)
		return "must be auto, or at least 1MB with its unit (MB, GB, TB, MiB, GiB, TiB), such as 5GB";
	*(int64_t *)field = octets;
	return NULL;
}

static const char *parse_sources(void *field, const char *value)
{
	static const char *const names[] = {
		"policy", "admin", "recent", "user"}; /* in the order of the bits */
	unsigned sources = 0;

	while (*value) {
		size_t n = strcspn(value, ", ");
		unsigned bit = 0;

		for (unsigned i = 0; i < 4; i++)
			if (n == strlen(names[i]) && !strncmp(value, names[i], n))
				bit = 1u << i;
		if (n && !bit)
			return "must be a list of policy, admin, recent, user; or none";
		sources |= bit;
		value += n;
		value += strspn(value, ", ");
	}
	if (!sources)
		return "must be a list of policy, admin, recent, user; or none";
	*(unsigned *)field = sources;
	return NULL;
}

static const char *parse_sources_or_none(void *field, const char *value)
{
	if (strcmp(value, "none") != 0)
		return parse_sources(field, value);
	*(unsigned *)field = 0;
	return NULL;
}

static const char *parse_socket(void *field, const char *value)
{
	if (value[0] != '/' || strlen(value) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return "must be the absolute path of a socket, at most 107 octets";
	strcpy(field, value);
	return NULL;
}

static const char *parse_on_outage(void *field, const char *value)
{
	for (int o = ON_OUTAGE_FALLBACK; o <= ON_OUTAGE_NEVER; o++)
		if (!strcmp(value, on_outage_names[o])) {
			*(enum config_on_outage *)field = o;
			return NULL;
		}
	return "must be fallback, ask, hold or never";
}

static const char *parse_release(void *field, const char *value)
{
	bool held = !strcmp(value, "held");

	if (!held && strcmp(value, "direct") != 0)
		return "must be direct or held";
	*(enum config_release *)field = held ? RELEASE_HELD : RELEASE_DIRECT;
	return NULL;
}

static const char *parse_user(void *field, const char *value)
{
	if (strlen(value) >= sizeof(((struct config_queue *)0)->upstream_user) ||
		!text_is_clean(value) || strchr(value, ':'))
		return "must be a user name of at most 127 octets, without a colon";
	strcpy(field, value);
	return NULL;
}

static const char *parse_pin(void *field, const char *value)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	/* 32 octets in base64: 43 digits and one "="; an empty line takes an earlier file's pin away. */
	if (*value && (strlen(value) != 52 || strncmp(value, "sha256//", 8) != 0 ||
			      strspn(value + 8, digits) != 43 || value[51] != '='))
		return "must be sha256// and the 44 base64 digits of the public key's hash";
	strcpy(field, value);
	return NULL;
}

static const char *parse_target(char field[CONFIG_URI_MAX], const char *value, bool cups_too)
{
	struct uri u;

	switch (uri_parse(value, &u)) {
	case 0:
		break;
	case URI_E_CREDENTIALS:
		return "must not have a user or password in it; use upstream-user and the secrets folder";
	case URI_E_SCHEME:
		return cups_too ? "must begin with ipp://, ipps:// or cups:"
				: "must begin with ipp:// or ipps://";
	default:
		return cups_too ? "must be ipp://HOST/PATH, ipps://HOST/PATH or cups:QUEUE"
				: "must be ipp://HOST/PATH or ipps://HOST/PATH";
	}
	if (u.kind == URI_CUPS && !cups_too)
		return "must begin with ipp:// or ipps://; a CUPS queue can only be a fallback";
	return uri_format(field, CONFIG_URI_MAX, &u) ? "is too long" : NULL;
}

static const char *parse_upstream(void *queue, const char *value)
{
	struct config_queue *q = queue;
	bool named = !strncmp(value, "stillprint:", 11);
	const char *why;

	if (named || !strcmp(value, "stillprint")) {
		value = named ? value + 11 : q->name;
		if (!uri_is_queue_name(value))
			return "must be stillprint, or stillprint: and the server's name of the queue";
		q->stillprint = true;
		*q->upstream = '\0';
		strcpy(q->server_queue, value);
		return NULL;
	}
	why = parse_target(q->upstream, value, false);
	if (why)
		return why;
	q->stillprint = false;
	*q->server_queue = '\0';
	return NULL;
}

/* ---- keys ---- */

struct key {
	const char *name;
	parse_fn *parse;
	size_t offset;
};

#define GLOBAL(name, parse, field) \
	{ \
		name, parse, offsetof(struct config, field) \
	}
#define QUEUE(name, parse, field) \
	{ \
		name, parse, offsetof(struct config_queue, field) \
	}

static const struct key global_keys[] = {
	GLOBAL("fallback-sources", parse_sources_or_none, fallback_sources),
	GLOBAL("fallback-require-tls", parse_bool, fallback_require_tls),
	GLOBAL("users-may-add-fallbacks", parse_bool, users_may_add),
	GLOBAL("public-workstation", parse_bool, public_workstation),
	GLOBAL("public-idle", parse_seconds, public_idle_s),
	GLOBAL("job-name-suffix", parse_bool, job_name_suffix),
	GLOBAL("spool-max", parse_octets, spool_max_octets),
	GLOBAL("held-max", parse_seconds, held_max_s),
	GLOBAL("unknown-max", parse_seconds, unknown_max_s),
	GLOBAL("ask-agent", parse_ms, ask_agent_ms),
	GLOBAL("ask-answer", parse_seconds, ask_answer_s),
	GLOBAL("probe-idle", parse_seconds, probe_idle_s),
	GLOBAL("probe-lost", parse_seconds, probe_lost_s),
	GLOBAL("cups-socket", parse_socket, cups_socket), {0}};

/* The upstream is more than one field: its parser has the whole queue. */
static const struct key queue_keys[] = {{"upstream", parse_upstream, 0},
	QUEUE("upstream-user", parse_user, upstream_user),
	QUEUE("upstream-pin", parse_pin, upstream_pin),
	QUEUE("on-outage", parse_on_outage, on_outage), QUEUE("release", parse_release, release),
	QUEUE("private", parse_bool, private), QUEUE("accept-raw", parse_bool, accept_raw),
	QUEUE("accept-foreign-hosts", parse_bool, accept_foreign_hosts),
	QUEUE("require-verified", parse_bool, require_verified), {0}};

static const char *take_key(const struct key *keys, void *base, const char *name, const char *value)
{
	for (; keys->name; keys++)
		if (!strcmp(keys->name, name))
			return keys->parse((char *)base + keys->offset, value);
	return "no such key in this section; see stillprint.conf(5)";
}

/* Returns the queue's index, making it if it is new; -1 if there is no room, -2 if no memory. */
static int find_queue(struct loader *l, const char *name)
{
	struct config *c = l->config;

	for (size_t i = 0; i < c->queue_count; i++)
		if (!strcmp(c->queue[i].name, name))
			return (int)i;
	if (c->queue_count == CONFIG_QUEUE_MAX)
		return -1;
	if (c->queue_count == l->queue_room) {
		size_t room = l->queue_room ? l->queue_room * 2 : 4;
		void *queue = realloc(c->queue, room * sizeof(*c->queue));

		if (!queue)
			return -2;
		c->queue = queue; /* nothing secret in it yet: passwords come last */
		l->queue_room = room;
	}
	c->queue[c->queue_count] = (struct config_queue){0};
	strcpy(c->queue[c->queue_count].name, name);
	return (int)c->queue_count++;
}

static const char *take_fallback(struct loader *l, int index, const char *value)
{
	struct config_queue *q = &l->config->queue[index];
	char target[CONFIG_URI_MAX] = "";
	const char *why;

	/* The first line of a later file replaces what earlier files named; an empty one leaves none. */
	if (l->fallback_file[index] != l->file)
		q->fallback_count = 0;
	l->fallback_file[index] = l->file;
	if (!*value)
		return NULL;
	why = parse_target(target, value, true);
	if (why)
		return why;
	if (!strncmp(target, "cups:", 5) && !strcmp(target + 5, q->name))
		return "leads back to this very queue";
	for (size_t i = 0; i < q->fallback_count; i++)
		if (!strcmp(q->fallback[i], target))
			return "is named twice";
	if (q->fallback_count == CONFIG_FALLBACK_MAX)
		return "too many fallbacks, 16 at most";
	strcpy(q->fallback[q->fallback_count++], target);
	return NULL;
}

static const char *take_server(struct loader *l, const char *key, const char *value)
{
	struct config_server *s = &l->config->server;
	char address[CONFIG_URI_MAX];
	const char *why;

	if (strcmp(key, "address") != 0)
		return "no such key in this section; see stillprint.conf(5)";
	/* As with fallbacks: the first line of a later file replaces, an empty one leaves none. */
	if (l->address_file != l->file)
		s->count = 0;
	l->address_file = l->file;
	if (!*value)
		return NULL;
	why = config_server_address(address, sizeof(address), value);
	if (why)
		return why;
	for (size_t i = 0; i < s->count; i++)
		if (!strcmp(s->address[i], address))
			return "is named twice";
	if (s->count == CONFIG_ADDRESS_MAX)
		return "too many addresses, 8 at most";
	strcpy(s->address[s->count++], address);
	return NULL;
}

static const char *take_queue_key(struct loader *l, int index, const char *key, const char *value)
{
	struct config_queue *q = &l->config->queue[index];
	const char *why = take_key(queue_keys, q, key, value);

	if (why)
		return why;
	if (!strcmp(key, "release"))
		l->release_said[index] = true;
	if (!strcmp(key, "upstream") && q->stillprint) {
		free(l->stillprint_at[index]);
		if (asprintf(&l->stillprint_at[index], "%s:%u", l->file_name, *l->line) < 0) {
			l->stillprint_at[index] = NULL;
			l->no_memory = true;
			return "out of memory";
		}
	}
	return NULL;
}

static void begin_file(void *arg, const char *file, const unsigned *line)
{
	struct loader *l = arg;

	l->file++;
	l->file_name = file;
	l->line = line;
}

static const char *take_line(void *arg, const char *section, const char *key, const char *value)
{
	struct loader *l = arg;
	const char *name = section + 6;
	int index;

	if (!*section)
		return "stands before the first section; [stillprint], [server] or [queue NAME] comes first";
	if (!strcmp(section, "stillprint"))
		return take_key(global_keys, l->config, key, value);
	if (!strcmp(section, "server"))
		return take_server(l, key, value);
	if (strncmp(section, "queue", 5) != 0 || (section[5] != ' ' && section[5] != '\t'))
		return "unknown section; must be [stillprint], [server] or [queue NAME]";
	name += strspn(name, " \t");
	if (!uri_is_queue_name(name))
		return "the section's queue name is not one that CUPS allows";
	index = find_queue(l, name);
	if (index == -2)
		l->no_memory = true;
	if (index < 0)
		return index == -1 ? "too many queues, 256 at most" : "out of memory";
	if (!strcmp(key, "fallback"))
		return take_fallback(l, index, value);
	return take_queue_key(l, index, key, value);
}

static void take_complaint(void *arg, const char *message)
{
	complain(arg, "%s", message);
}

/* ---- secrets ---- */

int config_secret_path(char *out, size_t size, const char *path, const char *queue)
{
	const char *slash = strrchr(path, '/');
	int n;

	if (!uri_is_queue_name(queue))
		return -EINVAL;
	n = snprintf(out, size, "%.*ssecrets/%s", slash ? (int)(slash + 1 - path) : 0, path, queue);
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static const char *why_not_secret(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "not a regular file; refused";
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "belongs neither to root nor to the user who reads it; refused";
	if (st->st_mode & (S_IRWXO | S_IWGRP))
		return "others may read or change it; refused until its mode is 0640 or 0600";
	return NULL;
}

/* The first line at @text, without its line end. */
static const char *take_secret(char *text, size_t count, char *out, size_t size)
{
	size_t n;

	text[count] = '\0';
	if (memchr(text, '\0', count))
		return "the password has a NUL octet";
	n = strcspn(text, "\r\n");
	if (n == 0)
		return "has no password in its first line";
	if (n >= size)
		return "the password is longer than 255 octets";
	memcpy(out, text, n);
	out[n] = '\0';
	return NULL;
}

static const char *read_secret(const char *file, char *out, size_t size)
{
	AUTO(auto_close) int fd = open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[512];
	const char *why;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT  ? "is missing; upstream-user needs its password there"
		       : errno == ELOOP ? "a symbolic link; refused"
					: strerror(errno);
	if (fstat(fd, &st) < 0)
		return strerror(errno);
	if (why_not_secret(&st))
		return why_not_secret(&st);
	do
		n = read(fd, text, sizeof(text) - 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return strerror(errno);
	why = take_secret(text, (size_t)n, out, size);
	explicit_bzero(text, sizeof(text));
	return why;
}

static void load_secret(struct loader *l, const char *path, struct config_queue *q)
{
	char file[PATH_MAX];
	const char *why;

	if (!*q->upstream_user)
		return;
	if (config_secret_path(file, sizeof(file), path, q->name)) {
		complain(l, "%s: path too long", path);
		return;
	}
	why = read_secret(file, q->upstream_password, sizeof(q->upstream_password));
	if (why) {
		explicit_bzero(q->upstream_password, sizeof(q->upstream_password));
		complain(l, "%s: %s", file, why);
	}
}

/* ---- the whole ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(
		((const struct config_queue *)a)->name, ((const struct config_queue *)b)->name);
}

/* What a queue of the server of our own gets from [server]. Before sorting: @index is the order of the files. */
static void resolve_queue(struct loader *l, size_t index)
{
	const struct config_server *s = &l->config->server;
	struct config_queue *q = &l->config->queue[index];
	const char *at = l->stillprint_at[index];

	if (!q->stillprint)
		return;
	if (!l->release_said[index])
		q->release = RELEASE_HELD;
	if (!s->count)
		complain(l,
			"%s: [queue %s] leads to the server of our own, but no [server] section names an "
			"address; `stillprint setup --server` writes one",
			at, q->name);
	else if (config_server_uri(q, s->address[0]))
		complain(l, "%s: [queue %s]: the name of the server's queue is too long", at,
			q->name);
	if (*q->upstream_user || *q->upstream_pin)
		complain(l,
			"%s: [queue %s] leads to the server of our own, which wants no upstream-user "
			"and no upstream-pin: both sides have certificates",
			at, q->name);
}

static void finish_queue(struct loader *l, const char *path, struct config_queue *q)
{
	if (!*q->upstream && !q->stillprint)
		complain(l, "%s: [queue %s] has no upstream; write `upstream = ipp://HOST/PATH`",
			path, q->name);
	if (q->on_outage == ON_OUTAGE_DEFAULT)
		q->on_outage = q->fallback_count ? ON_OUTAGE_FALLBACK : ON_OUTAGE_ASK;
	for (size_t i = 0; i < q->fallback_count; i++)
		if (!strcmp(q->fallback[i], q->upstream))
			complain(l, "%s: [queue %s] names its upstream as a fallback", path,
				q->name);
	if (*q->upstream_pin && !strncmp(q->upstream, "ipp:", 4))
		complain(l, "%s: [queue %s] has an upstream-pin, which needs `upstream = ipps://…`",
			path, q->name);
	if (*q->upstream_user && !strncmp(q->upstream, "ipp:", 4))
		complain(l, "%s: [queue %s] has a login, which needs `upstream = ipps://…`", path,
			q->name);
	load_secret(l, path, q);
}

static struct config *with_defaults(void)
{
	struct config *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->fallback_sources = SOURCE_POLICY | SOURCE_ADMIN | SOURCE_RECENT | SOURCE_USER;
	c->users_may_add = true;
	c->job_name_suffix = true;
	c->held_max_s = 72 * 3600;
	c->unknown_max_s = 7 * 86400;
	c->ask_agent_ms = 10000;
	c->ask_answer_s = 600;
	c->public_idle_s = 900;
	c->probe_idle_s = 60;
	c->probe_lost_s = 5;
	strcpy(c->cups_socket, "/run/cups/cups.sock");
	return c;
}

int config_load(const char *path, void (*complain_fn)(void *arg, const char *message), void *arg,
	struct config **out)
{
	AUTO(config_freep) struct config *c = with_defaults();
	struct loader l = {.config = c, .complain = complain_fn, .arg = arg};
	int rc;

	if (!c)
		return -ENOMEM;
	rc = conf_read_files(path, begin_file, take_line, take_complaint, &l);
	for (size_t i = 0; i < c->queue_count && !rc; i++)
		resolve_queue(&l, i);
	for (size_t i = 0; i < c->queue_count; i++)
		free(l.stillprint_at[i]);
	if (l.no_memory)
		return -ENOMEM;
	if (rc && rc != -EINVAL)
		return rc;
	if (c->queue_count)
		qsort(c->queue, c->queue_count, sizeof(*c->queue), by_name);
	/* A bad line may have been the very one that is missing now: tell only what was read. */
	for (size_t i = 0; i < c->queue_count && !rc; i++)
		finish_queue(&l, path, &c->queue[i]);
	if (rc || l.bad)
		return -EINVAL;
	*out = STEAL(c);
	return 0;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->queue_count; i++)
		explicit_bzero(
			c->queue[i].upstream_password, sizeof(c->queue[i].upstream_password));
	free(c->queue);
	free(c);
}

const struct config_queue *config_queue(const struct config *c, const char *name)
{
	size_t low = 0, high = c->queue_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, c->queue[middle].name);

		if (!order)
			return &c->queue[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
