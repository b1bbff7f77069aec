/* SPDX-License-Identifier: Apache-2.0 */
/* credentials - who may log in at which machine while the server is away: rules, and the file that each machine gets.
 *
 * A machine's set is what the rules for it, for its kind and for all choose; PINs and cards go along, passwords never.
 * Names alone go to every machine of whom it has to forget: who was removed in the last 31 days, who is locked or expired.
 * The file is lib/auth/sync.h's. Its serial rises when the content or the machine's key changed, after a restore, and when a
 * third of its time is over; (incarnation, serial) never goes back. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sql.h"

struct app;

enum {
	CREDENTIALS_INTERVAL_S = 900,
	CREDENTIALS_INTERVAL_MIN_S = 10,
	CREDENTIALS_VALID_S = 72 * 3600,
	CREDENTIALS_VALID_MIN_S = 600,
	CREDENTIALS_VALID_MAX_S = 31 * 86400,
	CREDENTIALS_ACCOUNTS = 100,
	CREDENTIALS_ACCOUNTS_MAX = 100000,
	CREDENTIALS_REMOVED_S = 31 * 86400, /* how long every machine is told who was removed */
};

enum credentials_err { CREDENTIALS_E_NONE = 1, CREDENTIALS_E_EXISTS = 2 };

struct credentials_rule {
	int64_t id;
	char machine[64]; /* UUID, "workstation", "terminal" or "all" */
	char kind[16], name[256]; /* "user", "group", or "everybody" with name "" */
	int64_t interval_s; /* the least of a machine's rules counts, */
	int64_t valid_s; /* of these too, */
	int64_t accounts_max; /* of these the largest */
};

/* @r->id is set. 0, CREDENTIALS_E_EXISTS, -errno. */
int credentials_rule_add(struct sql *s, struct credentials_rule *r, int64_t now_ms);
int credentials_rule_get(struct sql *s, int64_t id,
	struct credentials_rule *out); /* 0, CREDENTIALS_E_NONE, -errno */
/* Interval, validity, accounts. The same. */
int credentials_rule_set(struct sql *s, const struct credentials_rule *r);
int credentials_rule_remove(struct sql *s, int64_t id); /* the same */
void credentials_rule_read(sqlite3_stmt *stmt, struct credentials_rule *out);
#define CREDENTIALS_RULE_COLUMNS "id, machine, kind, name, interval_s, valid_s, accounts_max"

/* What a machine is to have now. */
struct credentials_set {
	struct account *account; /* by name; those to be forgotten have ACCOUNT_REMOVED */
	size_t count, chosen; /* all; those that may log in, or could if they were not locked */
	size_t left_out; /* beyond accounts_max */
	size_t rules;
	int64_t interval_s, valid_s;
};
/* @now_s: Unix UTC. 0 or -errno. */
int credentials_set_of(struct app *app, const char *uuid, const char *kind, int64_t now_s,
	struct credentials_set *out);
void credentials_set_fini(struct credentials_set *set); /* wipes */

/* Every second: machines whose set is another one now hear of it. Some at a time. */
void credentials_tick(struct app *app);
/* `sync now`: they are told, and the serial rises, whatever is in it. @uuid NULL: all. 0, CREDENTIALS_E_NONE, -errno. */
int credentials_renew(struct sql *s, const char *uuid);
