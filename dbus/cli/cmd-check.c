/* SPDX-License-Identifier: Apache-2.0 */
/* cmd-check - `stillprint check`: what the daemon says of upstreams and fallbacks, and what can be seen from here. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/paths.h"
#include "base/text.h"
#include "bus-client.h"
#include "check.h"
#include "out.h"

enum { KEY_HARDEN = 256, LABEL_COLUMNS = 9 };

const struct cli_option check_options[] = {
	{"harden-cups", NULL, KEY_HARDEN, "let cupsd keep no copies of printed files (root)"},
	{NULL},
};

struct json_object *check_add(
	struct check *k, enum finding f, const char *what, const char *advice, const char *fmt, ...)
{
	static const char *const names[] = {"ok", "warning", "wrong"};
	struct json_object *row = json_object_new_object();
	AUTO(auto_free) char *text = NULL;
	char finding[800], line[1024];
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	text_display(finding, sizeof(finding), text);
	json_set_text(row, "result", names[f]);
	json_set_text(row, "what", what);
	json_set_text(row, "finding", finding);
	json_set_text(row, "advice", advice);
	json_object_array_add(k->rows, row);
	k->wrong |= f == FINDING_WRONG;
	if (!k->c->json) {
		snprintf(line, sizeof(line), "%s: %s", out_safe(what), finding);
		out_wrap_label(names[f], LABEL_COLUMNS, line);
		if (*advice)
			out_wrap(LABEL_COLUMNS, out_safe(advice));
	}
	return row;
}

/* ---- the daemon ---- */

static void check_daemon(struct check *k)
{
	AUTO(bus_answer_fini) struct bus_answer a = {0};
	int64_t used, max;

	if (bus_try(k->c, BUS_ROOT, BUS_MANAGER, "Status", BUS_SOON_S, &a, "") != 0) {
		check_add(k, FINDING_WRONG, "print daemon",
			"Start it: systemctl start stillprintd. What is printed meanwhile is kept.",
			"does not answer");
		return;
	}
	k->daemon = true;
	k->certificate_until_s = json_number(a.value, "certificate_until");
	snprintf(k->credentials, sizeof(k->credentials), "%s", json_text(a.value, "credentials"));
	k->credentials_until_s = json_number(a.value, "credentials_until");
	check_add(k, FINDING_OK, "print daemon", "", "runs, version %s",
		json_text(a.value, "version"));
	if (!json_flag(a.value, "online"))
		check_add(k, FINDING_WARNING, "network", "Jobs wait until it is back.",
			"this computer has none");
	used = json_number(a.value, "spool_octets");
	max = json_number(a.value, "spool_max");
	check_add(k, max > 0 && used >= max / 10 * 8 ? FINDING_WARNING : FINDING_OK, "kept jobs",
		max > 0 && used >= max / 10 * 8
			? "The oldest go first when it is full: see stillprint jobs --users, "
			  "or raise spool-max."
			: "",
		"%s of %s", out_octets(used), out_octets(max));
}

static void check_target(struct check *k, struct json_object *t)
{
	const char *role = json_text(t, "role"), *detail = json_text(t, "detail"),
		   *verdict = json_text(t, "verdict");
	bool good = json_flag(t, "ok"), pdf = json_flag(t, "pdf"),
	     encrypted = json_flag(t, "encrypted");
	bool upstream = !strcmp(role, "upstream");
	char what[600];
	struct json_object *row;

	snprintf(what, sizeof(what), "queue %s, %s %s", json_text(t, "queue"), role,
		json_text(t, "uri"));
	if (good)
		row = check_add(k, FINDING_OK, what, "", "reachable, %s, %s",
			pdf ? "PDF" : "no PDF", encrypted ? "encrypted" : "not encrypted");
	else
		row = check_add(k, FINDING_WRONG, what,
			upstream ? "Jobs wait or go to a fallback, as its on-outage says."
				 : "It cannot stand in: switch it on, or name another.",
			"%s%s%s", verdict, *detail ? ": " : "", detail);
	json_object_object_add(row, "target", json_object_get(t));
}

static void check_targets(struct check *k)
{
	AUTO(bus_answer_fini) struct bus_answer a = {0};
	size_t n;

	if (!k->daemon)
		return;
	if (bus_try(k->c, BUS_ROOT, BUS_MANAGER, "Check", BUS_PROBING_S, &a, "") != 0) {
		check_add(k, FINDING_WRONG, "upstreams and fallbacks",
			"Look into journalctl -u stillprintd.", "the daemon does not tell: %s",
			a.message);
		return;
	}
	n = json_object_array_length(a.value);
	for (size_t i = 0; i < n; i++)
		check_target(k, json_object_array_get_idx(a.value, i));
}

/* ---- configuration ---- */

static void complain(void *arg, const char *message)
{
	struct check *k = arg;

	if (geteuid() != 0) /* the secrets are not for everybody to read */
		k->incomplete = true;
	else
		check_add(k, FINDING_WRONG, "configuration",
			"Mend this line; until then the daemon does not start.", "%s", message);
}

static void check_config(struct check *k)
{
	int rc = config_load(paths_conf(), complain, k, &k->config);

	if (rc == -EACCES || rc == -EPERM)
		k->incomplete = true;
	else if (rc && rc != -EINVAL)
		check_add(k, FINDING_WRONG, "configuration", "", "%s: %s", paths_conf(),
			strerror(-rc));
	else if (!rc && k->config->queue_count == 0)
		check_add(k, FINDING_WARNING, "configuration", "Make one: stillprint setup --help",
			"no queue is set up");
	else if (!rc)
		check_add(k, FINDING_OK, "configuration", "", "%zu queue%s", k->config->queue_count,
			k->config->queue_count == 1 ? "" : "s");
}

int cli_check(struct cli *c, int argc, char **argv)
{
	struct check k = {.c = c, .rows = json_object_new_array()};
	AUTO(json_putp) struct json_object *answer = json_object_new_object();
	int key;

	json_object_object_add(answer, "checks", k.rows);
	while ((key = cli_next_option(c, argc, argv)) >= 0)
		k.harden = true;
	if (c->stopped)
		return c->status;
	if (optind < argc)
		return cli_usage(c, "check takes no arguments");
	if (k.harden && geteuid() != 0)
		return cli_fail(c, CLI_DENIED, "--harden-cups changes cupsd.conf: run it as root");
	check_daemon(&k);
	check_config(&k);
	k.http = queue_open(k.config ? k.config->cups_socket : "/run/cups/cups.sock");
	check_queues(&k);
	check_files(&k);
	check_server(&k);
	check_copies(&k);
	check_targets(&k);
	queue_closep(&k.http);
	config_free(k.config);
	json_set_flag(answer, "ok", !k.wrong);
	json_set_flag(answer, "complete", !k.incomplete);
	if (c->json)
		cli_answer(c, answer);
	else if (k.incomplete)
		out_say("\nSome of it only root can see: sudo stillprint check\n");
	return k.wrong ? CLI_FAILED : CLI_DONE;
}
