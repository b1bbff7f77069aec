/* SPDX-License-Identifier: Apache-2.0 */
/* cmd-outage - `stillprint outage` and `stillprint trust`: what an administrator tells the daemon. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bus-client.h"
#include "json.h"
#include "out.h"
#include "when.h"

enum { KEY_UNTIL = 256, MESSAGE_MAX = 400 };

const struct cli_option outage_options[] = {
	{"until", "TIME", KEY_UNTIL, "when it ends; otherwise until \"outage stop\""},
	{"message", "TEXT", 'm', "what the users read"},
	{"queue", "QUEUE", 'q', "this queue only; otherwise every queue"},
	{NULL},
};

struct outage {
	const char *queue, *message, *until_text;
	int64_t until_s;
};

static int start(struct cli *c, const struct outage *o)
{
	AUTO(json_putp) struct json_object *answer = json_object_new_object();
	int rc;

	rc = bus_call(c, BUS_ROOT, BUS_MANAGER, "OutageStart", BUS_SOON_S, NULL, "sxs", o->queue,
		o->until_s, o->message);
	if (rc)
		return rc;
	json_set_text(answer, "outage", "started");
	json_set_text(answer, "queue", o->queue);
	json_set_number(answer, "until", o->until_s);
	json_set_text(answer, "message", o->message);
	if (c->json) {
		cli_answer(c, answer);
		return CLI_DONE;
	}
	out_say("Outage of %s%s has begun, ", *o->queue ? "queue " : "every queue",
		out_safe(o->queue));
	if (o->until_s)
		out_say("until %s (%s).\n", out_when(o->until_s),
			out_span(o->until_s - time(NULL)));
	else
		out_say("until \"stillprint outage stop\".\n");
	out_say("New and waiting jobs do as their queue's on-outage says.\n");
	return CLI_DONE;
}

static int stop(struct cli *c, const struct outage *o)
{
	AUTO(json_putp) struct json_object *answer = json_object_new_object();
	int rc;

	rc = bus_call(c, BUS_ROOT, BUS_MANAGER, "OutageStop", BUS_SOON_S, NULL, "s", o->queue);
	if (rc)
		return rc;
	json_set_text(answer, "outage", "stopped");
	json_set_text(answer, "queue", o->queue);
	if (c->json)
		cli_answer(c, answer);
	else
		out_say("Outage of %s%s is over: waiting jobs go to the server.\n",
			*o->queue ? "queue " : "every queue", out_safe(o->queue));
	return CLI_DONE;
}

static int parse_until(struct cli *c, struct outage *o)
{
	int64_t now = time(NULL);
	bool whole_day;
	int rc;

	if (!o->until_text)
		return 0;
	rc = when_parse(o->until_text, now, WHEN_AHEAD, &o->until_s, &whole_day);
	if (!rc && whole_day)
		o->until_s = when_next_day(o->until_s); /* until the end of that day */
	if (rc == -ERANGE)
		return cli_usage(c, "There is no such time as \"%s\"", o->until_text);
	if (rc)
		return cli_usage(c, "\"%s\" is no time; write 17:30, 2h, 90min or 2026-11-23T17:30",
			o->until_text);
	if (o->until_s <= now)
		return cli_usage(c, "\"%s\" is over already", o->until_text);
	return 0;
}

int cli_outage(struct cli *c, int argc, char **argv)
{
	struct outage o = {.queue = "", .message = ""};
	const char *word, *nearest;
	bool options = false;
	int key, rc;

	while ((key = cli_next_option(c, argc, argv)) >= 0) {
		*(key == 'q' ? &o.queue : key == 'm' ? &o.message : &o.until_text) = optarg;
		options |= key != 'q';
	}
	if (key == CLI_KEY_STOP)
		return c->status;
	word = optind < argc ? argv[optind] : "";
	if (argc - optind > 1)
		return cli_usage(c, "outage takes one word, start or stop");
	if (strlen(o.message) > MESSAGE_MAX)
		return cli_usage(c, "The message is longer than %d octets", MESSAGE_MAX);
	if (!strcmp(word, "start")) {
		rc = parse_until(c, &o);
		return rc ? rc : start(c, &o);
	}
	if (!strcmp(word, "stop"))
		return options ? cli_usage(c, "outage stop takes only --queue") : stop(c, &o);
	nearest = cli_nearest(word, (const char *const[]){"start", "stop", NULL});
	return nearest ? cli_usage(c, "outage does not know \"%s\"; did you mean \"%s\"?", word,
				 nearest)
		       : cli_usage(c, "outage takes start or stop");
}

int cli_trust(struct cli *c, int argc, char **argv)
{
	AUTO(json_putp) struct json_object *answer = json_object_new_object();
	int rc;

	if (cli_only_common(c, argc, argv))
		return c->status;
	if (argc - optind != 1)
		return cli_usage(c, "trust takes the URI of one printer or server");
	rc = bus_call(c, BUS_ROOT, BUS_MANAGER, "Trust", BUS_SOON_S, NULL, "s", argv[optind]);
	if (rc)
		return rc;
	json_set_text(answer, "trusted", argv[optind]);
	if (c->json)
		cli_answer(c, answer);
	else
		out_say("The certificate that %s shows next is taken as its own.\n",
			out_safe(argv[optind]));
	return CLI_DONE;
}
