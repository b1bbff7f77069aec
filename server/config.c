/* SPDX-License-Identifier: Apache-2.0 */
/* config - see config.h: one table of keys. */
#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/text.h"

typedef const char *parse_fn(void *field, const char *value);

static const char *parse_state(void *field, const char *value)
{
	if (value[0] != '/' || strlen(value) >= SERVER_PATH_MAX)
		return "must be the absolute path of a folder";
	strcpy(field, value);
	return NULL;
}

static const char *parse_address(void *field, const char *value)
{
	uint8_t octets[16];

	if (!strcmp(value, "all"))
		value = "";
	else if (inet_pton(AF_INET, value, octets) != 1 && inet_pton(AF_INET6, value, octets) != 1)
		return "must be all, or an address such as 192.0.2.1 or 2001:db8::1";
	snprintf(field, 64, "%s", value);
	return NULL;
}

/* Digits alone, at most @max; -1 if it is none. */
static int64_t number(const char *value, int64_t max)
{
	int64_t n = 0;

	if (!*value)
		return -1;
	for (; *value; value++) {
		if (*value < '0' || *value > '9')
			return -1;
		n = n * 10 + (*value - '0');
		if (n > max)
			return -1;
	}
	return n;
}

static const char *parse_port(void *field, const char *value)
{
	int64_t n = number(value, 65535);

	if (n < 0)
		return "must be a port, 1 to 65535, or 0 for any that is free";
	*(uint16_t *)field = (uint16_t)n;
	return NULL;
}

/* The number in the structure, and whether there is one. */
static const char *parse_web_port(void *field, const char *value)
{
	struct server_config *c = field;

	c->web = strcmp(value, "none") != 0;
	return c->web ? parse_port(&c->web_port, value) ? "must be a port, 0 to 65535, or none"
							: NULL
		      : NULL;
}

static const char *parse_count(void *field, const char *value)
{
	int64_t n = number(value, 10000000);

	if (n < 1)
		return "must be a number from 1 to 10000000";
	*(int32_t *)field = (int32_t)n;
	return NULL;
}

static const char *parse_seconds(void *field, const char *value)
{
	static const struct {
		const char *name;
		int64_t factor;
	} units[] = {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}, {"w", 604800}};
	size_t digits = strspn(value, "0123456789");
	char text[16];
	int64_t n;

	if (digits >= sizeof(text))
		digits = 0;
	memcpy(text, value, digits);
	text[digits] = '\0';
	n = number(text, INT32_MAX);
	value += digits;
	value += strspn(value, " ");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (n > 0 && !strcmp(value, units[i].name) && n * units[i].factor <= INT32_MAX) {
			*(int32_t *)field = (int32_t)(n * units[i].factor);
			return NULL;
		}
	return "must be a time with its unit (s, min, h, d, w), such as 90s, 72h or 30d";
}

static const char *parse_unknown_users(void *field, const char *value)
{
	bool accept = !strcmp(value, "accept");

	if (!accept && strcmp(value, "refuse") != 0)
		return "must be accept or refuse";
	*(bool *)field = accept;
	return NULL;
}

static const char *parse_passwords(void *field, const char *value)
{
	bool pam = !strcmp(value, "pam");

	if (!pam && strcmp(value, "store") != 0)
		return "must be store or pam";
	*(bool *)field = pam;
	return NULL;
}

static const char *parse_pam_service(void *field, const char *value)
{
	size_t n = strlen(value);

	/* A file's name in /etc/pam.d. */
	if (n == 0 || n >= 64 || value[0] == '.' ||
		strspn(value,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != n)
		return "must be the name of a file in /etc/pam.d";
	strcpy(field, value);
	return NULL;
}

static const char *parse_lock_for(void *field, const char *value)
{
	if (strcmp(value, "unlocked") != 0)
		return parse_seconds(field, value)
			       ? "must be unlocked, or a time with its unit, such as 30min or 24h"
			       : NULL;
	*(int32_t *)field = 0;
	return NULL;
}

static bool is_host(const char *name)
{
	uint8_t octets[16];
	size_t n = strlen(name);

	if (inet_pton(AF_INET, name, octets) == 1 || inet_pton(AF_INET6, name, octets) == 1)
		return true;
	if (n == 0 || n > 253 || name[0] == '-' || name[0] == '.' || name[n - 1] == '-')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && *name != '-' && *name != '.')
			return false;
	return true;
}

static const char *parse_names(void *field, const char *value)
{
	struct server_config *c = field;

	c->name_count = 0;
	while (*value) {
		size_t n = strcspn(value, ", ");

		if (n > 0) {
			if (c->name_count == SERVER_NAMES_MAX)
				return "may hold 16 names";
			if (n >= sizeof(c->names[0]))
				return "must be host names and addresses";
			memcpy(c->names[c->name_count], value, n);
			c->names[c->name_count][n] = '\0';
			if (!is_host(c->names[c->name_count]))
				return "must be host names and addresses, with commas between";
			c->name_count++;
		}
		value += n;
		value += strspn(value, ", ");
	}
	return c->name_count ? NULL : "must be host names and addresses, with commas between";
}

const char *server_config_names_fault(const char *names)
{
	struct server_config scratch;

	return parse_names(&scratch, names);
}

#define AT(member) offsetof(struct server_config, member)
static const struct {
	const char *key;
	parse_fn *parse;
	size_t at;
} keys[] = {
	{"state", parse_state, AT(state)},
	{"listen", parse_address, AT(address)},
	{"port", parse_port, AT(port)},
	{"web-port", parse_web_port, 0},
	{"names", parse_names, 0},
	{"unknown-users", parse_unknown_users, AT(accept_unknown_users)},
	{"passwords", parse_passwords, AT(pam)},
	{"pam-service", parse_pam_service, AT(pam_service)},
	{"pam-timeout", parse_seconds, AT(pam_timeout_s)},
	{"lock-for", parse_lock_for, AT(lock_for_s)},
	{"hold-max", parse_seconds, AT(hold_max_s)},
	{"retention", parse_seconds, AT(retention_s)},
	{"jobs-per-user", parse_count, AT(jobs_per_user)},
	{"connections-max", parse_count, AT(connections_max)},
	{"machine-certificate-life", parse_seconds, AT(machine_life_s)},
	{"code-life", parse_seconds, AT(code_life_s)},
	{"backup-max-age", parse_seconds, AT(backup_max_age_s)},
};

static const char *take_line(void *arg, const char *section, const char *key, const char *value)
{
	if (strcmp(section, "server") != 0)
		return *section ? "there is only the section [server]"
				: "must be in the section [server]";
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(keys[i].key, key))
			return keys[i].parse((char *)arg + keys[i].at, value);
	return "there is no such key: server.conf(5) lists them";
}

static int own_name(struct server_config *c)
{
	if (gethostname(c->names[0], sizeof(c->names[0])) < 0)
		return -errno;
	c->names[0][sizeof(c->names[0]) - 1] = '\0';
	if (!is_host(c->names[0]))
		strcpy(c->names[0], "localhost");
	c->name_count = 1;
	return 0;
}

struct complaints {
	struct server_config *config;
	void (*fn)(void *arg, const char *message);
	void *arg;
};

static const char *line(void *arg, const char *section, const char *key, const char *value)
{
	return take_line(((struct complaints *)arg)->config, section, key, value);
}

static void complain(void *arg, const char *message)
{
	struct complaints *c = arg;

	c->fn(c->arg, message);
}

int server_config_load(const char *path, void (*fn)(void *arg, const char *message), void *arg,
	struct server_config **out)
{
	AUTO(server_config_freep) struct server_config *c = calloc(1, sizeof(*c));
	struct complaints told = {.config = c, .fn = fn, .arg = arg};
	int rc;

	if (!c)
		return -ENOMEM;
	strcpy(c->state, STILLPRINT_STATEDIR "/server");
	c->port = 8631;
	c->web = true;
	c->web_port = 8632;
	c->accept_unknown_users = true;
	strcpy(c->pam_service, "stillprint-server");
	c->pam_timeout_s = 10;
	c->hold_max_s = 72 * 3600;
	c->retention_s = 30 * 86400;
	c->jobs_per_user = 1000;
	c->connections_max = 20000;
	c->machine_life_s = 365 * 86400;
	c->code_life_s = 3600;
	c->backup_max_age_s = 7 * 86400;
	rc = conf_read(path, line, complain, &told);
	if (!rc && c->name_count == 0)
		rc = own_name(c);
	if (!rc && c->web && c->port != 0 && c->port == c->web_port) {
		fn(arg, "port and web-port must be two: people's browsers are not asked for certificates");
		rc = -EINVAL;
	}
	if (!rc)
		*out = STEAL(c);
	return rc;
}

void server_config_free(struct server_config *c)
{
	free(c);
}

const char *server_config_path(void)
{
	const char *path = getenv("STILLPRINT_SERVER_CONF");

	return path && *path ? path : STILLPRINT_SYSCONFDIR "/server.conf";
}
