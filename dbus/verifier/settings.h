/* SPDX-License-Identifier: Apache-2.0 */
/* settings - login.conf(5), beside stillprint.conf: what the verifier is told. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/conf.h"

struct settings_map {
	char *user, *account;
};

struct settings {
	unsigned workers; /* requests at a time; each may wait for the server */
	unsigned hashes; /* hashes at a time */
	unsigned accounts_max;
	unsigned ttl_s;
	unsigned online_ms; /* how long the server may take */
	bool keep_passwords;
	uint32_t min_uid; /* below: system accounts, whose passwords are nobody else's */
	char online[PATH_MAX]; /* the socket of who reaches the server; "": nobody does */
	char logind[PATH_MAX];
	char suffix[128]; /* account = user + suffix */
	struct settings_map *map;
	unsigned map_count;
};

/** settings_load() - from @path and its drop-ins; absent ones leave the defaults
 * Return: 0, -EINVAL after complaints, or -errno. */
int settings_load(const char *path, conf_complain_fn *complain, struct settings **out);
void settings_free(struct settings *s);
AUTO_DEFINE(struct settings *, settings_free)

/** settings_account() - the account of local user @user: as [map] says, else the name with the suffix
 * Return: 0, or -EMSGSIZE. */
int settings_account(const struct settings *s, const char *user, char *out, size_t size);
