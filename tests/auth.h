/* SPDX-License-Identifier: Apache-2.0 */
/* auth - a machine's auth folder of its own, for tests of lib/auth; include from exactly one file per test program. */
#pragma once

#include <dirent.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/cache.h"
#include "base/mono.h"

static char auth_root[] = "/tmp/stillprint-auth.XXXXXX";
static unsigned auth_made;

/* A fresh folder below one that auth_done() removes. */
static inline char *auth_folder(void)
{
	char *path = NULL;

	if (!auth_made++ && (sodium_init() < 0 || !mkdtemp(auth_root)))
		abort();
	if (asprintf(&path, "%s/%u", auth_root, auth_made) < 0 || mkdir(path, 0700))
		abort();
	return path;
}

static inline void auth_done(void)
{
	for (unsigned i = 1; i <= auth_made; i++) {
		char path[PATH_MAX], file[PATH_MAX + 300];
		struct dirent *e;
		DIR *d;

		snprintf(path, sizeof(path), "%s/%u", auth_root, i);
		d = opendir(path);
		while (d && (e = readdir(d))) {
			snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
			unlink(file);
		}
		if (d)
			closedir(d);
		rmdir(path);
	}
	if (auth_made)
		rmdir(auth_root);
}

/* A moment of some boot. */
static inline struct cache_now auth_now(int64_t utc_s, int64_t boot_s, char boot)
{
	struct cache_now now = {.utc_s = utc_s, .boot = {.boot_s = boot_s}};

	memset(now.boot.boot_id, boot, sizeof(now.boot.boot_id));
	return now;
}

static inline struct cache_options auth_options(const char *folder, const struct keys *keys)
{
	return (struct cache_options){.folder = folder,
		.keys = keys,
		.cost = 1,
		.parallel = 2,
		.accounts_max = 100,
		.keep_passwords = true,
		.ttl_s = 72 * 3600,
		.account_rule = CACHE_ACCOUNT_RULE,
		.terminal_rule = {5, 30, 0, 0}};
}

static inline struct cache_ask auth_ask(
	const char *account, const char *secret, struct cache_now now)
{
	return (struct cache_ask){.account = account,
		.secret = secret,
		.terminal = "seat0",
		.deadline_ms = mono_ms() + 30000,
		.now = now};
}

/* An account as a server makes it, with one verifier. */
static inline struct account auth_account(const char *name, const struct hash_pepper *site,
	enum hash_kind kind, const char *secret, int64_t expires_s)
{
	struct account a = {.count = 1};

	snprintf(a.name, sizeof(a.name), "%s", name);
	memset(a.uuid, name[0], sizeof(a.uuid));
	a.verifier[0] = (struct verifier){.kind = (uint8_t)kind,
		.source = ACCOUNT_FROM_SYNC,
		.index = kind == HASH_PASSWORD ? 0 : hash_index(site, kind, secret),
		.expires_s = expires_s};
	if (hash_make(site, kind, secret, 1, a.verifier[0].text))
		abort();
	return a;
}
