/* SPDX-License-Identifier: Apache-2.0 */
/* cmd-delegate - `stillprint delegate`: who else may release a job at the server. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "bus-client.h"
#include "json.h"
#include "out.h"

const struct cli_option delegate_options[] = {
	{"none", NULL, 'n', "nobody else any more"},
	{NULL},
};

static void say(int32_t id, struct json_object *names)
{
	char line[2400];
	size_t used = (size_t)snprintf(line, sizeof(line), "Job %d: ", id);
	size_t count = json_object_array_length(names);

	for (size_t i = 0; i < count && used < sizeof(line); i++)
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%s",
			i == 0           ? ""
			: i + 1 == count ? " and "
					 : ", ",
			out_safe(json_object_get_string(json_object_array_get_idx(names, i))));
	if (used < sizeof(line))
		snprintf(line + used, sizeof(line) - used,
			count ? " may see its title and release it at the server, besides you."
			      : "nobody but you may release it.");
	out_wrap(0, line);
}

int cli_delegate(struct cli *c, int argc, char **argv)
{
	AUTO(json_putp) struct json_object *answer = json_object_new_object();
	struct json_object *names = json_object_new_array();
	bool none = false;
	int32_t id;
	int rc;

	json_object_object_add(answer, "delegates", names);
	while (cli_next_option(c, argc, argv) >= 0)
		none = true;
	if (c->stopped)
		return c->status;
	if (optind == argc || !cli_parse_job(argv[optind], &id) || none == (argc - optind > 1))
		return cli_usage(c, "delegate takes the number of one job, and users or --none");
	for (int i = optind + 1; i < argc; i++)
		json_object_array_add(names, json_object_new_string(argv[i]));
	rc = bus_job_call(c, id, "Delegate", NULL, "A", names);
	if (rc)
		return rc;
	json_set_number(answer, "id", id);
	if (c->json)
		cli_answer(c, answer);
	else
		say(id, names);
	return CLI_DONE;
}
