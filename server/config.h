/* SPDX-License-Identifier: Apache-2.0 */
/* config - server.conf as typed values; server.conf(5) explains each key. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

enum { SERVER_NAMES_MAX = 16, SERVER_PATH_MAX = 512 };

struct server_config {
	char state[SERVER_PATH_MAX]; /* folder: server.db, the CA, the list of revocations */
	char address[64]; /* numeric; "" = all */
	uint16_t port; /* IPP; 0: any free one (tests) */
	bool web;
	uint16_t web_port;
	char names[SERVER_NAMES_MAX]
		  [256]; /* host names and addresses in the server's certificate */
	size_t name_count; /* at least 1 after server_config_load(): else this host's own name */
	bool accept_unknown_users; /* may machines speak for users who have no account? default yes */
	bool pam; /* passwords are checked by PAM, not by our own store */
	char pam_service[64]; /* default "stillprint-server" */
	int32_t pam_timeout_s; /* default 10 s */
	int32_t lock_for_s; /* how long too many wrong logins lock an account; 0: until it is unlocked */
	int32_t hold_max_s; /* a held job ends after this: default 72 h */
	int32_t retention_s; /* a job that is over is forgotten after this: default 30 d */
	int32_t jobs_per_user; /* not over, at most: default 1000 */
	int32_t connections_max; /* default 20000 */
	int32_t machine_life_s; /* of machines' certificates: default 365 d */
	int32_t code_life_s; /* of enrolment codes: default 1 h */
	int32_t backup_max_age_s; /* `check` warns beyond it: default 7 d */
};

/** server_config_load() - read @path and its drop-ins
 * @complain: one line per fault, "file:line: why". Return: 0, -EINVAL after complaints, or -errno. */
int server_config_load(const char *path, void (*complain)(void *arg, const char *message),
	void *arg, struct server_config **out);
/* NULL if @names is fit for `names`, else why it is not. */
const char *server_config_names_fault(const char *names);
void server_config_free(struct server_config *c); /* NULL is fine */
AUTO_DEFINE(struct server_config *, server_config_free)
/* STILLPRINT_SERVER_CONF, else server.conf where the packager put it. */
const char *server_config_path(void);
