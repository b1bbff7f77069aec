/* SPDX-License-Identifier: Apache-2.0 */
/* setup - one run of `stillprint setup`: what was asked, what was found, what was done; its parts are in setup-*.c. */
#pragma once

#include "cli.h"
#include "core/config.h"
#include "core/identity.h"
#include "ipp/enrol.h"
#include "json.h"
#include "setup-config.h"
#include "setup-probe.h"
#include "setup-queue.h"

enum { SETUP_QUEUES_MAX = 64 };

struct setup {
	struct cli *c;
	/* what was asked */
	const char *queue_option, *upstream_option, *user_option, *password_file;
	const char *fallback_option[CONFIG_FALLBACK_MAX];
	size_t fallback_options;
	const char *server_option[CONFIG_ADDRESS_MAX], *queue_list[SETUP_QUEUES_MAX];
	size_t server_options, queue_listed;
	const char *code_option;
	const char *on_outage, *release, *info;
	bool new_certificate, accept_raw, make_default, dry_run, yes, same_printer, adopt, undo,
		remove, renew, leave, with_history;
	char name[128]; /* made from the upstream, when none was given */
	/* what is there */
	struct config *config;
	http_t *http;
	struct section before, after;
	struct queue_state queue;
	bool queue_exists, is_default;
	char password[256]; /* wiped in the end */
	bool new_password;
	struct probe upstream;
	/* what is told */
	struct json_object *answer, *steps, *warnings, *fallbacks;
	bool changed;
};

/* A line of the result: to stdout, or into "steps" of the JSON. */
__attribute__((format(printf, 2, 3))) void setup_say(struct setup *s, const char *fmt, ...);
/* A fact about the queue, which the JSON has in fields of its own. */
__attribute__((format(printf, 3, 4))) void setup_fact(
	struct setup *s, const char *label, const char *fmt, ...);
/* Something that works, but not as it should. */
__attribute__((format(printf, 2, 3))) void setup_warn(struct setup *s, const char *fmt, ...);
/* "question [Y/n]"; with --yes, @otherwise. False also at end of input. */
bool setup_ask(struct setup *s, const char *question, bool otherwise);

/* Each: 0, or an exit code after cli_fail(). */
int setup_plan(struct setup *s); /* probes, decides: fills in after */
int setup_plan_fallbacks(struct setup *s);
int setup_apply(struct setup *s); /* files, queue, daemon; undone when one of them fails */
int setup_remove(struct setup *s);
int setup_adopt_undo(struct setup *s);
void setup_reload(struct setup *s);
/* cmd-setup.c: one queue, from looking to applying. */
int setup_queue(struct setup *s, const char *name);

/* ---- the server of our own: setup-server.c, setup-enrol.c ---- */

int setup_server(struct setup *s); /* enrols, writes [server], then the queues asked for */
int setup_renew(struct setup *s);
int setup_leave(struct setup *s);

/* What enrolment or renewal brought; nothing is written yet. */
struct enrolled {
	struct identity id; /* without its paths */
	char *ca_pem, *cert_pem, *key_pem;
	char *server_pem; /* shown where a code was brought */
	char address[CONFIG_URI_MAX]; /* where it answered */
};
void enrolled_fini(struct enrolled *e);
/* What --code says; wipe it. */
int enrol_read_code(struct setup *s, struct enrol_code *code);
/* Finds the server that the code is of at one of @addresses, and says nothing to any: e->ca_pem, e->address. */
int enrol_find_server(struct setup *s, const struct config_server *addresses,
	const struct enrol_code *code, struct enrolled *e);
/* Asks it for a certificate. @known: who we are already at some server, or NULL. */
int enrol_by_code(struct setup *s, const struct enrol_code *code, const struct identity *known,
	struct enrolled *e);
int enrol_by_certificate(struct setup *s, const struct config_server *addresses,
	const struct identity *known, struct enrolled *e);
/* A file of the identity, as text. 0 or -errno. */
int enrol_read(const char *path, char **out);
/* Is `upstream` our server's word for a queue: "stillprint" or "stillprint:NAME"? */
bool setup_is_server_queue(const char *upstream);
/* Asks the server about the queue of s->after; fills in s->upstream. 0, or an exit code after cli_fail(). */
int setup_probe_server(struct setup *s);

/* ---- adoption: the queue as it was, under paths_state()/adopted/QUEUE ---- */

bool adopted_is_there(const char *queue);
bool adopted_has_login(struct setup *s); /* the queue's device URI holds a user and password */
int adopted_save(struct setup *s); /* 0 or -errno; replaces an older one */
int adopted_restore(struct setup *s); /* 0, or -errno with queue_why() */
void adopted_forget(const char *queue);
/* The device URI before adoption. 0 or -errno. */
int adopted_uri(const char *queue, char *out, size_t size);
