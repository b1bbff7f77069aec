/* SPDX-License-Identifier: Apache-2.0 */
/* cmd-jobs - `stillprint jobs` and `stillprint why`: where the jobs are, and why. */
#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bus-client.h"
#include "cmd-job.h"
#include "core/job.h"
#include "json.h"
#include "out.h"
#include "table.h"

const struct cli_option jobs_options[] = {
	{"all", NULL, 'a', "also those that are over"},
	{"users", NULL, 'u', "everybody's (administrator, or polkit)"},
	{"queue", "QUEUE", 'q', "only this queue's"},
	{NULL},
};

/* ---- jobs ---- */

/* Until the next call. */
static const char *owner_words(struct json_object *job)
{
	static char text[640];
	const char *account = json_text(job, "account");

	snprintf(text, sizeof(text), "%s%s", *account ? account : json_text(job, "owner"),
		strcmp(json_text(job, "identity"), "verified") ? "" : ", verified");
	return text;
}

/* "anna, bert", "" for nobody. */
static void join_delegates(struct json_object *job, char *out, size_t size)
{
	struct json_object *names = NULL;
	size_t used = 0, count = 0;

	*out = '\0';
	if (json_object_object_get_ex(job, "delegates", &names) &&
		json_object_is_type(names, json_type_array))
		count = json_object_array_length(names);
	for (size_t i = 0; i < count && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "",
			json_object_get_string(json_object_array_get_idx(names, i)));
}

static void add_job(struct table *t, struct json_object *job, bool users)
{
	const char *state = json_text(job, "state");
	char names[2400], below[3600];

	table_number(t, json_number(job, "id"));
	if (users)
		table_text(t, owner_words(job));
	table_text(t, json_text(job, "title"));
	table_text(t, json_text(job, "queue"));
	table_number(t, json_number(job, "pages"));
	table_text(t, out_when(json_number(job, "stored")));
	table_text(t, state);
	if (job_is_final(job_state_from_name(state)))
		return;
	join_delegates(job, names, sizeof(names));
	snprintf(below, sizeof(below), "%s%s%s", json_text(job, "sentence"),
		*names ? "; delegated to " : "", names);
	table_below(t, below);
}

static void print_jobs(struct json_object *jobs, bool all, bool users)
{
	static const struct table_column columns[] = {
		{"JOB", 0, 'r'},
		{"OWNER", 6, 'l'},
		{"TITLE", 12, 'l'},
		{"QUEUE", 8, 'l'},
		{"PAGES", 0, 'r'},
		{"STORED", 0, 'l'},
		{"STATE", 0, 'l'},
	};
	struct table_column mine[] = {
		columns[0], columns[2], columns[3], columns[4], columns[5], columns[6]};
	AUTO(table_freep) struct table *t = users ? table_new(columns, 7) : table_new(mine, 6);
	size_t n = json_object_array_length(jobs);

	if (n == 0) {
		out_say(all ? "No jobs of the last days are known.\n"
			    : "No jobs wait. Those that are over: stillprint jobs --all\n");
		return;
	}
	for (size_t i = 0; t && i < n; i++)
		add_job(t, json_object_array_get_idx(jobs, i), users);
	if (t)
		table_print(t, out_width());
}

int cli_jobs(struct cli *c, int argc, char **argv)
{
	AUTO(json_putp) struct json_object *filter = json_object_new_object();
	AUTO(json_putp) struct json_object *answer = json_object_new_object();
	struct json_object *jobs = NULL;
	int key, rc;

	while ((key = cli_next_option(c, argc, argv)) >= 0) {
		if (key == 'q')
			json_set_text(filter, "queue", optarg);
		else
			json_set_flag(filter, key == 'a' ? "all" : "users", true);
	}
	if (key == CLI_KEY_STOP)
		return c->status;
	if (optind < argc)
		return cli_usage(c, "jobs takes no arguments; one job: stillprint why JOB");
	rc = bus_call(c, BUS_ROOT, BUS_MANAGER, "Jobs",
		json_flag(filter, "users") ? BUS_PROBING_S : BUS_SOON_S, &jobs, "D", filter);
	if (rc)
		return rc;
	if (!json_object_is_type(jobs, json_type_array)) {
		json_object_put(jobs);
		jobs = json_object_new_array();
	}
	for (size_t i = 0; i < json_object_array_length(jobs); i++)
		job_fill_next(json_object_array_get_idx(jobs, i));
	json_object_object_add(answer, "jobs", jobs);
	if (c->json)
		cli_answer(c, answer);
	else
		print_jobs(jobs, json_flag(filter, "all"), json_flag(filter, "users"));
	return CLI_DONE;
}

/* ---- why ---- */

void job_fill_next(struct json_object *job)
{
	const char *text = json_text(job, "next");
	char out[512];
	size_t used = 0;

	for (const char *p = text; *p && used + 24 < sizeof(out);) {
		bool word = !strncmp(p, "JOB", 3) && p > text && p[-1] == ' ' &&
			    (!p[3] || strchr(" ;.", p[3]));

		if (word)
			used += (size_t)snprintf(out + used, sizeof(out) - used, "%lld",
				(long long)json_number(job, "id"));
		else
			out[used++] = *p;
		p += word ? 3 : 1;
	}
	out[used] = '\0';
	json_set_text(job, "next", out);
}

/* Each piece of advice on a line of its own. */
static void say_next(const char *next)
{
	char text[1024], *rest = text, *piece;

	snprintf(text, sizeof(text), "%s", next);
	while ((piece = strsep(&rest, ";")) != NULL) {
		piece += strspn(piece, " ");
		*piece = (char)toupper((unsigned char)*piece);
		out_wrap(2, piece);
	}
}

static void say_times(struct json_object *job)
{
	int64_t now = time(NULL), pages = json_number(job, "pages"),
		copies = json_number(job, "copies");
	int64_t stored = json_number(job, "stored"), ended = json_number(job, "ended");
	char count[32];

	snprintf(count, sizeof(count), "%lld", (long long)pages);
	out_say("  Document  %s page%s, %lld cop%s, %s\n", pages < 0 ? "unknown number of" : count,
		pages == 1 ? "" : "s", (long long)copies, copies == 1 ? "y" : "ies",
		out_octets(json_number(job, "octets")));
	out_say("  Stored    %s, %s ago\n", out_when(stored), out_span(now - stored));
	if (ended)
		out_say("  Ended     %s, %s ago\n", out_when(ended), out_span(now - ended));
}

static void say_target(struct json_object *job)
{
	const char *target = json_text(job, "target");
	int64_t remote = json_number(job, "remote_id"), impressions =
								json_number(job, "impressions");

	if (!*target)
		return;
	out_say("  Target    %s (%s)", out_safe(target),
		json_flag(job, "encrypted") ? "encrypted" : "not encrypted");
	if (remote > 0)
		out_say(", job %lld there", (long long)remote);
	out_say("\n");
	if (json_number(job, "attempt") > 1)
		out_say("  Attempts  %lld\n", (long long)json_number(job, "attempt"));
	if (impressions >= 0 && remote > 0)
		out_say("  Printed   %lld page side%s, as the target tells\n",
			(long long)impressions, impressions == 1 ? "" : "s");
}

/* Where no login service runs, cupsd's word is all there is. */
static void say_owner(struct json_object *job)
{
	const char *why = json_text(job, "identity_why");
	bool verified = !strcmp(json_text(job, "identity"), "verified");

	out_say("  Owner     %s", out_safe(json_text(job, "owner")));
	if (*json_text(job, "account"))
		out_say(", prints as %s", out_safe(json_text(job, "account")));
	if (verified)
		out_say(" (verified)");
	else if (!json_flag(job, "owner_verified"))
		out_say(" (as claimed, not verified)");
	else if (*why && strcmp(why, "no-verifier") != 0)
		out_say(" (as claimed: %s)", out_safe(json_text(job, "identity_sentence")));
	out_say("\n");
}

static void print_why(struct json_object *job)
{
	const char *state = json_text(job, "state");
	const char *dropped = json_text(job, "dropped");
	char delegates[2400];

	join_delegates(job, delegates, sizeof(delegates));

	out_say("Job %lld, \"%s\"\n", (long long)json_number(job, "id"),
		out_safe(json_text(job, "title")));
	out_wrap(2, out_safe(json_text(job, "sentence")));
	say_next(out_safe(json_text(job, "next")));
	out_say("\n  Queue     %s\n", out_safe(json_text(job, "queue")));
	say_owner(job);
	out_say("  State     %s (%s) since %s\n", out_safe(state),
		out_safe(json_text(job, "reason")), out_when(json_number(job, "since")));
	say_times(job);
	say_target(job);
	if (*delegates)
		out_say("  Delegated to %s (they may release it at the server)\n",
			out_safe(delegates));
	if (*dropped)
		out_say("  Left out  %s (the target cannot do it)\n", out_safe(dropped));
}

int cli_why(struct cli *c, int argc, char **argv)
{
	AUTO(json_putp) struct json_object *job = NULL;
	AUTO(json_putp) struct json_object *why = NULL;
	int32_t id;
	int rc;

	if (cli_only_common(c, argc, argv))
		return c->status;
	if (argc - optind != 1 || !cli_parse_job(argv[optind], &id))
		return cli_usage(c, "why takes the number of one job");
	rc = bus_job_properties(c, id, &job);
	if (!rc)
		rc = bus_job_call(c, id, "Why", &why, "");
	if (rc)
		return rc;
	/* The method's words are the latest; a property may be one change older. */
	if (json_object_is_type(why, json_type_array) && json_object_array_length(why) == 3) {
		static const char *const names[] = {"reason", "sentence", "next"};

		for (size_t i = 0; i < 3; i++)
			json_object_object_add(
				job, names[i], json_object_get(json_object_array_get_idx(why, i)));
	}
	job_fill_next(job);
	if (c->json)
		cli_answer(c, job);
	else
		print_why(job);
	return CLI_DONE;
}
