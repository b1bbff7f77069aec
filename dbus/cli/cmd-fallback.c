/* SPDX-License-Identifier: Apache-2.0 */
/* cmd-fallback - `stillprint fallback`: the printers that a user names for when a server is away. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "bus-client.h"
#include "json.h"
#include "out.h"
#include "table.h"

const struct cli_option fallback_options[] = {
	{"queue", "QUEUE", 'q', "for this queue only; otherwise for every queue"},
	{"everybody", NULL, 'e', "for all users here (administrator, or polkit)"},
	{NULL},
};

static const char *for_queue(const char *queue)
{
	static char text[300];

	snprintf(text, sizeof(text), "%s%s", *queue ? "queue " : "every queue",
		*queue ? out_safe(queue) : "");
	return text;
}

static int add(struct cli *c, const char *queue, const char *address, bool everybody)
{
	AUTO(json_putp) struct json_object *found = NULL;
	const char *name;
	char line[1800];
	int rc;

	rc = bus_call(c, BUS_ROOT, BUS_MANAGER, everybody ? "FallbackAddForAll" : "FallbackAdd",
		BUS_PROBING_S, &found, "ss", queue, address);
	if (rc)
		return rc;
	if (c->json) {
		cli_answer(c, found);
		return CLI_DONE;
	}
	name = json_text(found, "name");
	snprintf(line, sizeof(line), "%s%s%s: %s, %s, %s. It is a fallback for %s now.",
		*name ? out_safe(name) : "", *name ? " at " : "", out_safe(json_text(found, "uri")),
		json_flag(found, "reachable") ? "reachable" : "not reachable now",
		json_flag(found, "pdf") ? "PDF" : "no PDF",
		json_flag(found, "encrypted") ? "encrypted" : "not encrypted", for_queue(queue));
	out_wrap(0, line);
	return CLI_DONE;
}

static int discard(struct cli *c, const char *queue, const char *address, bool everybody)
{
	AUTO(json_putp) struct json_object *answer = json_object_new_object();
	int rc;

	rc = bus_call(c, BUS_ROOT, BUS_MANAGER,
		everybody ? "FallbackRemoveForAll" : "FallbackRemove", BUS_PROBING_S, NULL, "ss",
		queue, address);
	if (rc)
		return rc;
	json_set_text(answer, "removed", address);
	json_set_text(answer, "queue", queue);
	if (c->json)
		cli_answer(c, answer);
	else
		out_say("%s is no fallback of %s for %s any more.\n", out_safe(address),
			everybody ? "everybody's" : "yours", for_queue(queue));
	return CLI_DONE;
}

static void print_list(struct json_object *list)
{
	static const struct table_column columns[] = {
		{"#", 0, 'r'},
		{"PRINTER", 20, 'l'},
		{"QUEUE", 8, 'l'},
		{"NAMED BY", 0, 'l'},
		{"ENCRYPTED", 0, 'l'},
	};
	static const struct {
		const char *source, *words;
	} sources[] = {{"policy", "policy"}, {"admin", "administrator"}, {"recent", "used before"},
		{"user", "you"}};
	AUTO(table_freep) struct table *t = table_new(columns, 5);
	size_t n = json_object_array_length(list);

	if (n == 0) {
		out_say("No fallback printers. Name one: stillprint fallback add ADDRESS\n");
		return;
	}
	for (size_t i = 0; t && i < n; i++) {
		struct json_object *row = json_object_array_get_idx(list, i);
		const char *queue = json_text(row, "queue"), *source = json_text(row, "source");

		for (size_t s = 0; s < sizeof(sources) / sizeof(sources[0]); s++)
			if (!strcmp(source, sources[s].source))
				source = sources[s].words;
		table_number(t, (long long)i + 1);
		table_text(t, json_text(row, "uri"));
		table_text(t, *queue ? queue : "every");
		table_text(t, source);
		table_text(t, json_flag(row, "encrypted") ? "yes" : "no");
	}
	if (t)
		table_print(t, out_width());
}

static int list(struct cli *c, const char *queue)
{
	AUTO(json_putp) struct json_object *answer = json_object_new_object();
	struct json_object *rows = NULL;
	int rc;

	rc = bus_call(c, BUS_ROOT, BUS_MANAGER, "FallbackList", BUS_SOON_S, &rows, "s", queue);
	if (rc)
		return rc;
	json_object_object_add(answer, "fallbacks", rows);
	if (c->json)
		cli_answer(c, answer);
	else
		print_list(rows);
	return CLI_DONE;
}

int cli_fallback(struct cli *c, int argc, char **argv)
{
	const char *queue = "", *word, *nearest;
	bool everybody = false;
	int key;

	while ((key = cli_next_option(c, argc, argv)) >= 0) {
		if (key == 'q')
			queue = optarg;
		else
			everybody = true;
	}
	if (key == CLI_KEY_STOP)
		return c->status;
	word = optind < argc ? argv[optind] : "list";
	if (!strcmp(word, "list") && argc - optind <= 1)
		return list(c, queue);
	if (!strcmp(word, "add") && argc - optind == 2)
		return add(c, queue, argv[optind + 1], everybody);
	if (!strcmp(word, "remove") && argc - optind == 2)
		return discard(c, queue, argv[optind + 1], everybody);
	nearest = cli_nearest(word, (const char *const[]){"add", "remove", "list", NULL});
	if (nearest)
		return cli_usage(
			c, "fallback does not know \"%s\"; did you mean \"%s\"?", word, nearest);
	return cli_usage(c,
		!strcmp(word, "add") || !strcmp(word, "remove")
			? "fallback %s takes one printer's address"
			: "fallback takes add, remove or list, not \"%s\"",
		word);
}
