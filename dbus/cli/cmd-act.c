/* SPDX-License-Identifier: Apache-2.0 */
/* cmd-act - `stillprint release`, `cancel` and `print-again`: what a user does with a job. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bus-client.h"
#include "cmd-job.h"
#include "core/job.h"
#include "json.h"
#include "out.h"

enum { KEY_AT_PRINTER = 256, KEY_HERE, KEY_PRINTED };

const struct cli_option release_options[] = {
	{"printer", "PRINTER", 'p', "there: an address, a URI, or cups:QUEUE"},
	{"device", "DEVICE", 'd', "at this device of the server: its name or UUID"},
	{"at-printer", NULL, KEY_AT_PRINTER, "you stand at the printer: a held job may come out"},
	{"here", NULL, KEY_HERE, "print here too, though the server has it"},
	{"printed", NULL, KEY_PRINTED, "it came out: close a job of unknown outcome"},
	{NULL},
};
const struct cli_option print_again_options[] = {
	{"printer", "PRINTER", 'p', "there instead of at the queue's server"},
	{NULL},
};

enum { SETTLE_MS = 50, SETTLE_TRIES = 20 };

static int read_job(struct cli *c, int32_t id, struct bus_answer *a)
{
	char path[64];

	snprintf(path, sizeof(path), BUS_ROOT "/jobs/%d", id);
	return bus_try(c, path, BUS_PROPERTIES, "GetAll", BUS_SOON_S, a, "s", BUS_JOB);
}

/* How the job stands after the act. @final: it shall be over; what is still on its way there gets a second. */
static struct json_object *row_after(struct cli *c, int32_t id, bool final)
{
	static const char *const keep[] = {"state", "reason", "sentence", "next", "target"};
	struct json_object *row = json_object_new_object();
	AUTO(bus_answer_fini) struct bus_answer a = {0};
	int rc = read_job(c, id, &a);

	for (int i = 0; final && !rc && i < SETTLE_TRIES; i++) {
		if (job_is_final(job_state_from_name(json_text(a.value, "state"))))
			break;
		usleep(SETTLE_MS * 1000);
		bus_answer_fini(&a);
		rc = read_job(c, id, &a);
	}
	json_set_number(row, "id", id);
	json_set_flag(row, "done", true);
	if (rc)
		return row; /* done, and gone or not told: that is no failure of the act */
	for (size_t i = 0; i < sizeof(keep) / sizeof(keep[0]); i++)
		json_set_text(row, keep[i], json_text(a.value, keep[i]));
	job_fill_next(row);
	return row;
}

static void say_row(struct json_object *row, const char *otherwise)
{
	const char *sentence = json_text(row, "sentence");
	char line[1200];

	snprintf(line, sizeof(line), "Job %lld: %s.", (long long)json_number(row, "id"),
		*sentence ? out_safe(sentence) : otherwise);
	out_wrap(0, line);
}

static int finish(struct cli *c, int32_t id, const char *otherwise)
{
	AUTO(json_putp) struct json_object *row = row_after(c, id, false);

	if (c->json)
		cli_answer(c, row);
	else
		say_row(row, otherwise);
	return CLI_DONE;
}

int cli_release(struct cli *c, int argc, char **argv)
{
	AUTO(json_putp) struct json_object *how = json_object_new_object();
	int key, rc;
	int32_t id;

	while ((key = cli_next_option(c, argc, argv)) >= 0) {
		if (key == 'p' || key == 'd')
			json_set_text(how, key == 'p' ? "printer" : "device", optarg);
		else
			json_set_flag(how,
				key == KEY_AT_PRINTER ? "at-printer"
				: key == KEY_HERE     ? "here"
						      : "printed",
				true);
	}
	if (key == CLI_KEY_STOP)
		return c->status;
	if (argc - optind != 1 || !cli_parse_job(argv[optind], &id))
		return cli_usage(c, "release takes the number of one job");
	if (json_flag(how, "printed") && json_object_object_length(how) > 1)
		return cli_usage(c,
			"--printed says that it came out already, and goes with no other option");
	rc = bus_job_call(c, id, "Release", NULL, "D", how);
	return rc ? rc : finish(c, id, "released");
}

int cli_print_again(struct cli *c, int argc, char **argv)
{
	AUTO(json_putp) struct json_object *how = json_object_new_object();
	int key, rc;
	int32_t id;

	while ((key = cli_next_option(c, argc, argv)) >= 0)
		json_set_text(how, "printer", optarg);
	if (key == CLI_KEY_STOP)
		return c->status;
	if (argc - optind != 1 || !cli_parse_job(argv[optind], &id))
		return cli_usage(c, "print-again takes the number of one job");
	rc = bus_job_call(c, id, "PrintAgain", NULL, "D", how);
	return rc ? rc : finish(c, id, "printed again");
}

/* One of several: a failure does not keep the rest from being cancelled. */
static int cancel_one(struct cli *c, int32_t id, struct json_object *rows)
{
	bool json = c->json;
	struct json_object *row;
	int rc;

	c->json = false; /* one answer for all of them, at the end */
	rc = bus_job_call(c, id, "Cancel", NULL, "");
	c->json = json;
	if (rc) {
		row = json_object_new_object();
		json_set_number(row, "id", id);
		json_set_flag(row, "done", false);
		json_set_text(row, "error", cli_exit_name((enum cli_exit)rc));
	} else {
		row = row_after(c, id, true);
		if (!c->json)
			say_row(row, "canceled");
	}
	json_object_array_add(rows, row);
	return rc;
}

int cli_cancel(struct cli *c, int argc, char **argv)
{
	AUTO(json_putp) struct json_object *answer = json_object_new_object();
	struct json_object *rows = json_object_new_array();
	int worst = 0;
	int32_t id;

	json_object_object_add(answer, "jobs", rows);
	if (cli_only_common(c, argc, argv))
		return c->status;
	if (optind == argc)
		return cli_usage(c, "cancel takes the numbers of jobs");
	for (int i = optind; i < argc; i++)
		if (!cli_parse_job(argv[i], &id))
			return cli_usage(c, "\"%s\" is no job's number", argv[i]);
	for (int i = optind; i < argc; i++) {
		int rc = cli_parse_job(argv[i], &id) ? cancel_one(c, id, rows) : CLI_USAGE;

		worst = worst ? worst : rc;
		if (rc == CLI_NO_DAEMON)
			break;
	}
	cli_answer(c, answer);
	return worst;
}
