/* SPDX-License-Identifier: Apache-2.0 */
/* cmd-usage - `stillprint usage`: what was printed, from this computer's ledger, for people and for export. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "bus-client.h"
#include "json.h"
#include "out.h"
#include "table.h"
#include "when.h"

enum { KEY_FROM = 256, KEY_TO, KEY_CSV, KEY_MISSING };

const struct cli_option usage_options[] = {
	{"from", "TIME", KEY_FROM, "beginning; otherwise 30 days ago"},
	{"to", "TIME", KEY_TO, "end; a date means its whole day"},
	{"users", NULL, 'u', "everybody's (administrator, or polkit)"},
	{"not-accounted", NULL, KEY_MISSING, "only what is not accounted at a server"},
	{"csv", "FILE", KEY_CSV, "write CSV there, - is standard output"},
	{NULL},
};

struct usage {
	int64_t from_s, to_s;
	bool users, missing;
	const char *csv;
};

/* The columns of the CSV, and the documented fields of the JSON rows. */
static const char *const fields[] = {"ended", "job", "owner", "title", "queue", "target", "state",
	"certainty", "impressions", "sheets", "copies", "not_accounted_at_server", "diverted",
	"sequence", "acknowledged", "local_only"};
enum { FIELD_COUNT = sizeof(fields) / sizeof(fields[0]) };

struct totals {
	int64_t jobs, impressions, uncounted, missing, acknowledged, local;
};

static void add_up(struct json_object *rows, struct totals *t)
{
	size_t n = json_object_array_length(rows);

	memset(t, 0, sizeof(*t));
	for (size_t i = 0; i < n; i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		int64_t impressions = json_number(row, "impressions");

		t->jobs++;
		t->impressions += impressions > 0 ? impressions : 0;
		t->uncounted += impressions < 0;
		t->missing += json_flag(row, "not_accounted_at_server");
		t->acknowledged += json_flag(row, "acknowledged");
		t->local += json_flag(row, "local_only");
	}
}

/* ---- CSV (RFC 4180) ---- */

static void csv_text(FILE *f, const char *text)
{
	const char *safe = out_safe(text);

	fputc('"', f);
	if (*safe && strchr("=+-@", *safe))
		fputc('\'', f); /* a spreadsheet would take it for a formula */
	for (; *safe; safe++) {
		if (*safe == '"')
			fputc('"', f);
		fputc(*safe, f);
	}
	fputc('"', f);
}

static void csv_cell(FILE *f, struct json_object *row, const char *name)
{
	struct json_object *value = NULL;
	time_t at;
	struct tm tm;
	char text[40] = "";

	if (!json_object_object_get_ex(row, name, &value) || !value)
		return;
	if (!strcmp(name, "ended")) {
		at = (time_t)json_object_get_int64(value);
		if (at > 0 && localtime_r(&at, &tm))
			strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S%z", &tm);
		fputs(text, f);
	} else if (json_object_is_type(value, json_type_boolean)) {
		fputs(json_object_get_boolean(value) ? "yes" : "no", f);
	} else if (json_object_is_type(value, json_type_int)) {
		if (json_object_get_int64(value) >= 0) /* unknown: an empty cell */
			fprintf(f, "%lld", (long long)json_object_get_int64(value));
	} else {
		csv_text(f, json_object_get_string(value));
	}
}

static void write_csv(FILE *f, struct json_object *rows)
{
	size_t n = json_object_array_length(rows);

	for (size_t c = 0; c < FIELD_COUNT; c++)
		fprintf(f, "%s%s", c ? "," : "", fields[c]);
	fputs("\r\n", f);
	for (size_t i = 0; i < n; i++) {
		for (size_t c = 0; c < FIELD_COUNT; c++) {
			if (c)
				fputc(',', f);
			csv_cell(f, json_object_array_get_idx(rows, i), fields[c]);
		}
		fputs("\r\n", f);
	}
}

static int export_csv(struct cli *c, const char *path, struct json_object *rows)
{
	size_t n = json_object_array_length(rows);
	FILE *f;
	int fd, bad;

	if (!strcmp(path, "-")) {
		write_csv(stdout, rows);
		return CLI_DONE;
	}
	/* Titles are personal: for nobody else to read. */
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f)
		return cli_fail(c, CLI_FAILED, "%s cannot be written: %s", path, strerror(errno));
	write_csv(f, rows);
	bad = ferror(f);
	if (fclose(f) != 0 || bad)
		return cli_fail(
			c, CLI_FAILED, "%s could not be written: %s", path, strerror(errno));
	if (!c->json)
		out_say("%zu record%s written to %s\n", n, n == 1 ? "" : "s", out_safe(path));
	return CLI_DONE;
}

/* ---- for people ---- */

enum { COLUMNS = 7, COLUMN_OWNER = 1 };

/* Which are there: names only among several people, and a title for the marks if there is a server of our own. */
static size_t choose_columns(struct table_column out[COLUMNS], bool users, bool server)
{
	static const struct table_column columns[COLUMNS] = {
		{"ENDED", 0, 'l'},
		{"OWNER", 6, 'l'},
		{"TITLE", 12, 'l'},
		{"PRINTER", 12, 'l'},
		{"SIDES", 0, 'r'},
		{"TOLD BY", 0, 'l'},
		{"AT SERVER", 0, 'l'},
	};
	size_t count = 0;

	for (size_t i = 0; i < COLUMNS; i++)
		if (users || i != COLUMN_OWNER)
			out[count++] = columns[i];
	if (!server)
		out[count - 1].title = "";
	return count;
}

static void print_usage(struct json_object *rows, const struct usage *u)
{
	struct table_column columns[COLUMNS];
	AUTO(table_freep) struct table *t = NULL;
	size_t n = json_object_array_length(rows);
	struct totals sum;

	add_up(rows, &sum);
	t = table_new(columns, choose_columns(columns, u->users, sum.acknowledged + sum.local > 0));
	for (size_t i = 0; t && i < n; i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		char certainty[32];

		snprintf(certainty, sizeof(certainty), "%s", json_text(row, "certainty"));
		certainty[strcspn(certainty, "-")] = '\0'; /* "device-reported" */
		table_text(t, out_when(json_number(row, "ended")));
		if (u->users)
			table_text(t, json_text(row, "owner"));
		table_text(t, json_text(row, "title"));
		table_text(t, cli_target(json_text(row, "target")));
		table_number(t, json_number(row, "impressions"));
		table_text(t, certainty);
		table_text(t, json_flag(row, "acknowledged")              ? "yes"
			      : json_flag(row, "not_accounted_at_server") ? "*"
			      : json_flag(row, "local_only")              ? "no"
			      : sum.acknowledged + sum.local              ? "not yet"
									  : "");
	}
	if (t && n > 0)
		table_print(t, out_width());
	out_say("%s%lld job%s, %lld printed side%s", n ? "\n" : "", (long long)sum.jobs,
		sum.jobs == 1 ? "" : "s", (long long)sum.impressions,
		sum.impressions == 1 ? "" : "s");
	if (sum.uncounted)
		out_say(", %lld uncounted (?)", (long long)sum.uncounted);
	if (sum.missing)
		out_say("\n* %lld not accounted at server (export: --not-accounted --csv FILE)",
			(long long)sum.missing);
	out_say("\n");
}

/* ---- the verb ---- */

static int parse_time(struct cli *c, int key, const char *text, struct usage *u)
{
	int64_t at;
	bool whole_day;

	if (when_parse(text, time(NULL), WHEN_BACK, &at, &whole_day) != 0)
		return cli_usage(c,
			"\"%s\" is no time; write 2026-11-23, 17:30, 7d or 2026-11-23T17:30", text);
	if (key == KEY_TO)
		u->to_s = whole_day ? when_next_day(at) - 1 : at;
	else
		u->from_s = at;
	return 0;
}

static int parse(struct cli *c, int argc, char **argv, struct usage *u)
{
	int key;

	while ((key = cli_next_option(c, argc, argv)) >= 0) {
		if (key == 'u')
			u->users = true;
		else if (key == KEY_MISSING)
			u->missing = true;
		else if (key == KEY_CSV)
			u->csv = optarg;
		else if (parse_time(c, key, optarg, u) != 0)
			return CLI_USAGE;
	}
	if (key == CLI_KEY_STOP)
		return c->status;
	if (optind < argc)
		return cli_usage(c, "usage takes no arguments");
	if (u->from_s > u->to_s)
		return cli_usage(c, "--from is later than --to");
	if (c->json && u->csv && !strcmp(u->csv, "-"))
		return cli_usage(c, "--json and --csv - both want standard output");
	return 0;
}

static struct json_object *answer_of(struct json_object *rows, const struct usage *u)
{
	struct json_object *answer = json_object_new_object();
	struct totals sum;

	add_up(rows, &sum);
	json_set_number(answer, "from", u->from_s);
	json_set_number(answer, "to", u->to_s);
	json_set_number(answer, "jobs", sum.jobs);
	json_set_number(answer, "impressions", sum.impressions);
	json_set_number(answer, "uncounted", sum.uncounted);
	json_set_number(answer, "not_accounted_at_server", sum.missing);
	json_set_number(answer, "acknowledged", sum.acknowledged);
	json_set_number(answer, "local_only", sum.local);
	json_object_object_add(answer, "rows", json_object_get(rows));
	return answer;
}

static struct json_object *only_missing(struct json_object *all)
{
	struct json_object *rows = json_object_new_array();
	size_t n = json_object_array_length(all);

	for (size_t i = 0; i < n; i++) {
		struct json_object *row = json_object_array_get_idx(all, i);

		if (json_flag(row, "not_accounted_at_server"))
			json_object_array_add(rows, json_object_get(row));
	}
	json_object_put(all);
	return rows;
}

int cli_usage_verb(struct cli *c, int argc, char **argv)
{
	AUTO(json_putp) struct json_object *filter = json_object_new_object();
	AUTO(json_putp) struct json_object *rows = NULL;
	AUTO(json_putp) struct json_object *answer = NULL;
	struct usage u = {.from_s = time(NULL) - 30 * 86400, .to_s = time(NULL)};
	int rc = parse(c, argc, argv, &u);

	if (rc || c->stopped)
		return rc;
	json_set_number(filter, "from", u.from_s);
	json_set_number(filter, "to", u.to_s);
	json_set_flag(filter, "users", u.users);
	rc = bus_call(c, BUS_ROOT, BUS_MANAGER, "Usage", BUS_SOON_S, &rows, "D", filter);
	if (rc)
		return rc;
	if (u.missing)
		rows = only_missing(rows);
	if (u.csv)
		rc = export_csv(c, u.csv, rows);
	else if (!c->json)
		print_usage(rows, &u);
	answer = answer_of(rows, &u);
	cli_answer(c, answer);
	return rc;
}
