/* SPDX-License-Identifier: Apache-2.0 */
/* cmd-status - `stillprint status`: the daemon, the queues, and how their servers are. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "bus-client.h"
#include "json.h"
#include "out.h"
#include "table.h"

enum { CERTIFICATE_WARN_DAYS = 14 };

static int by_name(const void *a, const void *b)
{
	return strcasecmp(json_text(*(struct json_object *const *)a, "name"),
		json_text(*(struct json_object *const *)b, "name"));
}

/* The queues among the managed objects, by name. */
static struct json_object *pick_queues(struct json_object *objects)
{
	struct json_object *queues = json_object_new_array();

	if (!json_object_is_type(objects, json_type_object))
		return queues;
	json_object_object_foreach(objects, path, interfaces)
	{
		struct json_object *queue = NULL;

		(void)path;
		if (json_object_is_type(interfaces, json_type_object) &&
			json_object_object_get_ex(interfaces, BUS_QUEUE, &queue))
			json_object_array_add(queues, json_object_get(queue));
	}
	json_object_array_sort(queues, by_name);
	return queues;
}

static const char *health_words(struct json_object *queue)
{
	static const struct {
		const char *health, *words;
	} known[] = {
		{"ok", "ok"},
		{"refusing", "takes no jobs"},
		{"authentication-required", "wants another login"},
		{"lost", "lost"},
		{"degraded", "in trouble"},
		{"offline", "this computer is offline"},
		{"checking", "being checked"},
		{"certificate-changed", "certificate changed"},
		{"outage", "planned outage"},
		{"unknown", "not asked yet"},
	};
	const char *health = json_text(queue, "health");

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].health, health))
			return known[i].words;
	return health;
}

static void outage_words(struct json_object *queue, char *out, size_t size)
{
	int64_t until = json_number(queue, "outage_until");
	const char *message = json_text(queue, "outage_message");

	snprintf(out, size, "Planned outage %s%s%s%s", until ? "until " : "until it is stopped",
		until ? out_when(until) : "", *message ? ": " : "", out_safe(message));
}

static void print_queues(struct json_object *queues)
{
	static const struct table_column columns[] = {
		{"QUEUE", 8, 'l'},
		{"SERVER", 16, 'l'},
		{"STATE", 12, 'l'},
		{"SINCE", 0, 'l'},
		{"WAITING", 0, 'r'},
	};
	AUTO(table_freep) struct table *t = table_new(columns, 5);
	size_t n = json_object_array_length(queues);

	if (!t)
		return;
	for (size_t i = 0; i < n; i++) {
		struct json_object *q = json_object_array_get_idx(queues, i);
		char below[1024] = "";

		table_text(t, json_text(q, "name"));
		table_text(t, cli_target(json_text(q, "upstream")));
		table_text(t, health_words(q));
		table_text(t, out_when(json_number(q, "health_since")));
		table_number(t, json_number(q, "waiting"));
		if (json_flag(q, "outage"))
			outage_words(q, below, sizeof(below));
		else /* of one that is well: what its administrator has planned */
			snprintf(below, sizeof(below), "%s", json_text(q, "health_detail"));
		table_below(t, below);
	}
	out_say("\n");
	table_print(t, out_width());
}

/* It is renewed by itself: who reads this has to see to what keeps it from that. */
static void print_certificate(int64_t until_s)
{
	int64_t days = (until_s - (int64_t)time(NULL)) / 86400;

	if (!until_s || days >= CERTIFICATE_WARN_DAYS)
		return;
	out_say("This computer's certificate at the server %s %s, and was not renewed: as root, stillprint setup "
		"--renew\n",
		until_s > (int64_t)time(NULL) ? "ends" : "ended", out_when(until_s));
}

static void print_whoami(struct json_object *who)
{
	const char *account = json_text(who, "account"), *user = json_text(who, "user");

	if (!strcmp(json_text(who, "identity"), "verified"))
		out_say("You print as %s, verified in this login.\n", out_safe(account));
	else
		out_say("You print as %s, as claimed only: %s.\n", out_safe(account),
			out_safe(json_text(who, "sentence")));
	if (strcmp(account, user) != 0)
		out_say("On this computer you are %s.\n", out_safe(user));
}

/* Only where it concerns somebody: all is well, or nobody logs in here by us. */
static void print_credentials(const char *state, int64_t until_s)
{
	if (!strcmp(state, "revoked"))
		out_say("This computer was revoked at the server: nobody logs in here without it any more. Jobs stay. "
			"To enrol again, as root: stillprint setup --server\n");
	else if (!strcmp(state, "stale"))
		out_say("Logins without the server: PINs and cards as of an old list%s%s\n",
			until_s ? ", good until " : "", until_s ? out_when(until_s) : "");
	else if (!strcmp(state, "refused"))
		out_say("Logins without the server: the server's list was refused; see journalctl -u "
			"stillprint-verifier\n");
	else if (!strcmp(state, "no-verifier"))
		out_say("Logins without the server: stillprint-verifier does not answer; systemctl start "
			"stillprint-verifier\n");
}

static void print_status(
	struct json_object *daemon, struct json_object *queues, struct json_object *who)
{
	int64_t waiting = json_number(daemon, "waiting"), unknown = json_number(daemon, "unknown");
	int64_t delivering = json_number(daemon, "delivering"),
		max = json_number(daemon, "spool_max");

	out_say("Stillprint %s, running since %s%s\n", out_safe(json_text(daemon, "version")),
		out_when(json_number(daemon, "started")),
		json_flag(daemon, "online") ? "" : "; this computer has no network");
	out_say("Jobs: %lld waiting, %lld on their way, %lld with unknown outcome%s\n",
		(long long)waiting, (long long)delivering, (long long)unknown,
		waiting + unknown > 0 ? " (stillprint jobs)" : "");
	out_say("Kept: %s of %s\n", out_octets(json_number(daemon, "spool_octets")),
		out_octets(max));
	print_certificate(json_number(daemon, "certificate_until"));
	print_credentials(
		json_text(daemon, "credentials"), json_number(daemon, "credentials_until"));
	/* Where no login service runs there is nothing to tell. */
	if (strcmp(json_text(who, "why"), "no-verifier") != 0)
		print_whoami(who);
	if (json_object_array_length(queues) == 0)
		out_say("\nNo queue is set up. As root: stillprint setup --help\n");
	else
		print_queues(queues);
}

int cli_status(struct cli *c, int argc, char **argv)
{
	AUTO(json_putp) struct json_object *daemon = NULL;
	AUTO(json_putp) struct json_object *objects = NULL;
	AUTO(json_putp) struct json_object *answer = NULL;
	AUTO(json_putp) struct json_object *who = NULL;
	struct json_object *queues;
	int rc;

	if (cli_only_common(c, argc, argv))
		return c->status;
	if (optind < argc)
		return cli_usage(c, "status takes no arguments");
	rc = bus_call(c, BUS_ROOT, BUS_MANAGER, "Status", BUS_SOON_S, &daemon, "");
	if (!rc)
		rc = bus_call(
			c, BUS_ROOT, BUS_OBJECTS, "GetManagedObjects", BUS_SOON_S, &objects, "");
	if (!rc)
		rc = bus_call(c, BUS_ROOT, BUS_MANAGER, "WhoAmI", BUS_SOON_S, &who, "");
	if (rc)
		return rc;
	queues = pick_queues(objects);
	answer = json_object_new_object();
	json_object_object_add(answer, "daemon", json_object_get(daemon));
	json_object_object_add(answer, "identity", json_object_get(who));
	json_object_object_add(answer, "queues", queues);
	if (c->json)
		cli_answer(c, answer);
	else
		print_status(daemon, queues, who);
	return CLI_DONE;
}

/* ---- whoami ---- */

int cli_whoami(struct cli *c, int argc, char **argv)
{
	AUTO(json_putp) struct json_object *who = NULL;
	int rc;

	if (cli_only_common(c, argc, argv))
		return c->status;
	if (optind < argc)
		return cli_usage(c, "whoami takes no arguments");
	rc = bus_call(c, BUS_ROOT, BUS_MANAGER, "WhoAmI", BUS_SOON_S, &who, "");
	if (rc)
		return rc;
	if (c->json)
		cli_answer(c, who);
	else
		print_whoami(who);
	return CLI_DONE;
}
