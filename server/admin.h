/* SPDX-License-Identifier: Apache-2.0 */
/* admin - what the subcommands of stillprint-server share: options, messages, JSON, and the way to the database.
 *
 * They write the same database as the running server, which keeps nothing of it in memory. As root they become the
 * owner of the state folder before they touch a file in it. */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "app.h"
#include "base/auto.h"

/* They stay: scripts rely on them (stillprint-server(8)). */
enum admin_exit {
	ADMIN_DONE = 0,
	ADMIN_FAILED = 1,
	ADMIN_USAGE = 2,
	ADMIN_NO_SUCH = 3,
	ADMIN_DENIED = 5,
};

struct admin;
struct admin_verb {
	const char *name, *args, *brief, *more;
	int (*run)(struct admin *a, int argc, char **argv); /* argv[0] is the verb's name */
};

struct admin {
	const struct admin_verb *verb;
	const char *config_path;
	struct server_config *config;
	struct app app;
	bool open, json, told;
	char who[64]; /* who called, for the audit */
};

/* One of a verb's options: what is not NULL receives it. A list ends with name NULL. */
enum { ADMIN_LIST_MAX = 64 };
struct admin_list {
	const char *value[ADMIN_LIST_MAX];
	size_t count;
};

struct admin_option {
	const char *name;
	const char **value; /* --name VALUE */
	bool *flag; /* --name */
	struct admin_list *list; /* --name VALUE, any number of times */
};

enum { ADMIN_OPERANDS_MAX = 16 };

/** admin_parse() - options anywhere among the operands, which are left in @operands
 * --json, --config and --help are understood everywhere. Return: how many operands; negative: the exit code is in
 * @status (0 after --help). */
int admin_parse(struct admin *a, int argc, char **argv, const struct admin_option *options,
	const char *operands[ADMIN_OPERANDS_MAX], int *status);

/** admin_fail() - what is wrong and what to do, on stderr, and with --json as an error object on stdout
 * Text from outside in @fmt's values is made safe. Return: @code. */
__attribute__((format(printf, 3, 4))) int admin_fail(
	struct admin *a, enum admin_exit code, const char *fmt, ...);
int admin_errno(struct admin *a, const char *what, int rc); /* the same for a negative errno */
/* For people, on stdout; silent with --json. */
__attribute__((format(printf, 2, 3))) void admin_say(struct admin *a, const char *fmt, ...);
/* With --json: the answer, taken over. */
void admin_answer(struct admin *a, struct json_object *answer);
void admin_write_json(FILE *to, struct json_object *j); /* printable ASCII alone, and a newline */

void admin_set(struct json_object *row, const char *name, const char *value);
void admin_set_number(struct json_object *row, const char *name, int64_t value);
void admin_set_flag(struct json_object *row, const char *name, bool value);
const char *admin_time(int64_t s); /* "2026-11-22 19:30" local, "-" for 0; static, four in turn */
const char *admin_safe(const char *text); /* one of eight static buffers in turn */
/* "90s", "2h", "30d" in seconds; -1 if it is none. */
int64_t admin_seconds(const char *text);
/* "17:30", "2026-11-23", "2026-11-23T17:30" (local), or a span from now. Unix seconds, -1 if it is none. */
int64_t admin_when(const char *text);

/* Reads the configuration: 0, or the exit code after saying why. */
int admin_config(struct admin *a);
/* Becomes the owner of the state folder if root calls. 0, or the exit code. */
int admin_become_owner(struct admin *a);
/* Configuration, owner, database. 0, or the exit code. */
int admin_open(struct admin *a);
void admin_close(struct admin *a);
/* A change, with its line in the audit, in one transaction: admin_begin(), …, admin_end(rc): 0, positive answers, -errno. */
int admin_begin(struct admin *a);
int admin_audit(struct admin *a, const char *event, const char *detail);
/* The same about a person, whose name is not in @detail. */
int admin_audit_about(struct admin *a, const char *event, const char *about, const char *detail);
int admin_end(struct admin *a, int rc);

/** admin_password() - from the terminal, twice and without echo, else the first line of stdin
 * @size at least 257. 0, or the exit code; wipe it after use. */
int admin_password(struct admin *a, const char *prompt, char *out, size_t size);

int admin_setup(struct admin *a, int argc, char **argv);
int admin_user(struct admin *a, int argc, char **argv);
int admin_group(struct admin *a, int argc, char **argv);
int admin_delegate(struct admin *a, int argc, char **argv);
int admin_device(struct admin *a, int argc, char **argv);
int admin_queue(struct admin *a, int argc, char **argv);
int admin_sync(struct admin *a, int argc, char **argv);
int admin_enrol(struct admin *a, int argc, char **argv);
int admin_ca(struct admin *a, int argc, char **argv);
int admin_ledger(struct admin *a, int argc, char **argv);
int admin_trace(struct admin *a, int argc, char **argv);
int admin_audit_list(struct admin *a, int argc, char **argv);
int admin_check(struct admin *a, int argc, char **argv);
int admin_maintenance(struct admin *a, int argc, char **argv);
int admin_backup(struct admin *a, int argc, char **argv);
int admin_restore(struct admin *a, int argc, char **argv);
/* serve.c: the service itself; sysexits(3). */
int admin_serve(struct admin *a, int argc, char **argv);

/* One at a time on a state folder: a descriptor to keep, -EWOULDBLOCK if a server is running, -errno. */
int admin_lock(const char *state);
