/* SPDX-License-Identifier: Apache-2.0 */
/* test-cli - the command line's own parts: words, options, times, tables, JSON; without a bus. */
#include "../dbus/cli/cli.c"
#include "../dbus/cli/json.c"
#include "../dbus/cli/out.c"
#include "../dbus/cli/table.c"
#include "../dbus/cli/when.c"

#include "tap.h"

#define HOSTILE \
	"\x1b[31mred\xe2\x80\xae" \
	"fdp.exe\r\n\x07 \xe5\x8d\xb0\xe5\x88\xb7 \xff\xc0\x80 <b>$(id)</b>.pdf"

/* What @stream got while @fn ran. Heap memory. */
static char *captured(FILE *stream, void (*fn)(void *arg), void *arg)
{
	FILE *f = tmpfile();
	int kept = dup(fileno(stream));
	char *text = calloc(1, 65536);

	fflush(stream);
	dup2(fileno(f), fileno(stream));
	fn(arg);
	fflush(stream);
	dup2(kept, fileno(stream));
	close(kept);
	rewind(f);
	if (fread(text, 1, 65535, f) == 0)
		text[0] = '\0';
	fclose(f);
	return text;
}

static bool is_harmless(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if ((*p < 0x20 && *p != '\n') || *p == 0x7f)
			return false;
	return !strstr(text, "\xe2\x80\xae") && !strstr(text, "\xff") && !strstr(text, "\xc0\x80");
}

/* ---- words and options ---- */

static void words_that_are_nearly_right_get_a_suggestion(void)
{
	const char *const known[] = {
		"status", "jobs", "why", "release", "cancel", "print-again", "setup", NULL};

	CHECK(!strcmp(cli_nearest("statsu", known), "status"));
	CHECK(!strcmp(cli_nearest("realease", known), "release"));
	CHECK(!strcmp(cli_nearest("job", known), "jobs"));
	CHECK(!strcmp(cli_nearest("print", known), "print-again"));
	CHECK(!cli_nearest("xyzzy", known));
	CHECK(!cli_nearest("", known));
	CHECK(!cli_nearest("a-word-that-is-longer-than-anything-here-could-be", known));
}

static void job_numbers_are_whole_and_positive(void)
{
	int32_t id = 0;

	CHECK(cli_parse_job("12", &id) && id == 12);
	CHECK(cli_parse_job("#7", &id) && id == 7);
	CHECK(cli_parse_job("2147483647", &id) && id == INT32_MAX);
	CHECK(!cli_parse_job("2147483648", &id));
	CHECK(!cli_parse_job("0", &id));
	CHECK(!cli_parse_job("-1", &id));
	CHECK(!cli_parse_job("+1", &id));
	CHECK(!cli_parse_job(" 1", &id));
	CHECK(!cli_parse_job("1x", &id));
	CHECK(!cli_parse_job("", &id));
	CHECK(!cli_parse_job("99999999999999999999", &id));
}

static const struct cli_option two_options[] = {
	{"printer", "PRINTER", 'p', "there"},
	{"here", NULL, 256, "here"},
	{NULL},
};
static const struct cli_verb verb = {
	"release", "JOB", "print a job that waits", NULL, two_options, NULL};

/* The keys that @argv gives, in one string: 'p' as p, 256 as h, the end as ".", a stop as "!". */
static const char *keys_of(struct cli *c, int argc, char **argv)
{
	static char keys[16];
	size_t n = 0;
	int key;

	optind = 0;
	memset(c, 0, sizeof(*c));
	c->verb = &verb;
	do {
		key = cli_next_option(c, argc, argv);
		keys[n++] = key == CLI_KEY_END    ? '.'
			    : key == CLI_KEY_STOP ? '!'
			    : key == 256          ? 'h'
						  : (char)key;
	} while (key >= 0 && n < 15);
	keys[n] = '\0';
	return keys;
}

struct option_case {
	const char *words[6];
	const char *keys;
	int status;
	bool json;
};

static void run_case(void *arg)
{
	struct option_case *o = arg;
	struct cli c;
	char *argv[8] = {(char *)"release"};
	int argc = 1;

	for (size_t i = 0; i < 6 && o->words[i]; i++)
		argv[argc++] = (char *)(uintptr_t)o->words[i];
	CHECK(!strcmp(keys_of(&c, argc, argv), o->keys));
	CHECK(c.status == o->status);
	CHECK(c.json == o->json);
	CHECK(c.stopped == (strchr(o->keys, '!') != NULL));
}

static void options_stand_anywhere_and_wrong_ones_stop(void)
{
	static struct option_case cases[] = {
		{{"12"}, ".", 0, false},
		{{"12", "--printer", "mfp"}, "p.", 0, false},
		{{"-p", "mfp", "12", "--here"}, "ph.", 0, false},
		{{"--json", "12"}, ".", 0, true},
		{{"--printer=x", "--json"}, "p.", 0, true},
		{{"--help"}, "!", 0, false},
		{{"--printer"}, "!", CLI_USAGE, false},
		{{"--here=1"}, "!", CLI_USAGE, false},
		{{"--prinetr", "x"}, "!", CLI_USAGE, false},
		{{"-x"}, "!", CLI_USAGE, false},
		{{"--", "--here"}, ".", 0, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		FILE *quiet = freopen("/dev/null", "w", stderr);
		char *said = captured(stdout, run_case, &cases[i]);

		CHECK(quiet != NULL);
		CHECK(cases[i].status || !strchr(cases[i].keys, '!') ||
			strstr(said, "usage: stillprint release"));
		free(said);
	}
}

static void fail_with_hostile_text(void *arg)
{
	struct cli c = {.json = true};

	(void)arg;
	CHECK(cli_fail(&c, CLI_NO_SUCH, "no printer %s", HOSTILE) == CLI_NO_SUCH);
	CHECK(cli_fail(&c, CLI_FAILED, "again") == CLI_FAILED); /* one document only */
}

static void errors_are_one_json_object_and_harmless(void)
{
	char *said = captured(stdout, fail_with_hostile_text, NULL);
	struct json_object *j = json_tokener_parse(said), *error = NULL;

	CHECK(j && json_object_object_get_ex(j, "error", &error));
	CHECK(!strcmp(json_text(error, "name"), "no-such"));
	CHECK(json_number(error, "exit") == 3);
	CHECK(is_harmless(said));
	json_object_put(j);
	free(said);
}

/* ---- times ---- */

static int64_t at(int year, int month, int day, int hour, int minute)
{
	struct tm tm = {.tm_year = year - 1900,
		.tm_mon = month - 1,
		.tm_mday = day,
		.tm_hour = hour,
		.tm_min = minute,
		.tm_isdst = -1};

	return mktime(&tm);
}

static bool parses_to(const char *text, enum when_side side, int64_t expected)
{
	int64_t now = at(2026, 11, 22, 16, 40), got = -1;
	bool day;

	if (when_parse(text, now, side, &got, &day) == 0 && got == expected)
		return true;
	printf("# %s: %lld, not %lld\n", text, (long long)got, (long long)expected);
	return false;
}

static void times_are_read_as_people_write_them(void)
{
	int64_t now = at(2026, 11, 22, 16, 40);

	CHECK(parses_to("17:30", WHEN_AHEAD, at(2026, 11, 22, 17, 30)));
	CHECK(parses_to("9:05", WHEN_AHEAD, at(2026, 11, 23, 9, 5)));
	CHECK(parses_to("09:05", WHEN_BACK, at(2026, 11, 22, 9, 5)));
	CHECK(parses_to("17:30", WHEN_BACK, at(2026, 11, 21, 17, 30)));
	CHECK(parses_to("2h", WHEN_AHEAD, now + 7200));
	CHECK(parses_to("90min", WHEN_AHEAD, now + 5400));
	CHECK(parses_to("1h30m", WHEN_AHEAD, now + 5400));
	CHECK(parses_to("1 h 30 min", WHEN_AHEAD, now + 5400));
	CHECK(parses_to("7d", WHEN_BACK, now - 7 * 86400));
	CHECK(parses_to("2026-11-23", WHEN_AHEAD, at(2026, 11, 23, 0, 0)));
	CHECK(parses_to("2026-11-23T17:30", WHEN_AHEAD, at(2026, 11, 23, 17, 30)));
	CHECK(parses_to("2026-11-23 17:30:00", WHEN_AHEAD, at(2026, 11, 23, 17, 30)));
	CHECK(parses_to("2026-11-23T17:30Z", WHEN_AHEAD, 1795455000));
	CHECK(parses_to("2026-11-23T17:30+01:00", WHEN_AHEAD, 1795455000 - 3600));
	CHECK(parses_to("2026-11-23T17:30-0530", WHEN_AHEAD, 1795455000 + 19800));
	CHECK(parses_to("tomorrow", WHEN_AHEAD, at(2026, 11, 23, 0, 0)));
	CHECK(parses_to("yesterday", WHEN_BACK, at(2026, 11, 21, 0, 0)));
}

static void what_is_no_time_is_refused(void)
{
	static const char *const wrong[] = {"", "soon", "25:00", "17:60", "17", "17:3",
		"2026-11-31", "2026-13-01", "2026-11-23T", "2026-11-23T25:00", "2026-11-23x17:30",
		"2026-1-1", "2x", "h", "-2h", "2h-", "17:30x", "17:30+01:00",
		"99999999999999999999h", "9999d", "2026-11-23T17:30+99:00", "2026-11-23T17:30Zulu"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		int64_t out;
		int rc = when_parse(wrong[i], at(2026, 11, 22, 16, 40), WHEN_AHEAD, &out, NULL);

		if (rc == 0)
			printf("# taken: \"%s\"\n", wrong[i]);
		CHECK(rc == -EINVAL || rc == -ERANGE);
	}
}

static void days_of_25_hours_end_at_midnight(void)
{
	int64_t day;
	bool whole;

	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	CHECK(when_parse("2026-10-25", at(2026, 10, 20, 12, 0), WHEN_AHEAD, &day, &whole) == 0 &&
		whole);
	CHECK(when_next_day(day) == at(2026, 10, 26, 0, 0));
	setenv("TZ", "UTC", 1);
	tzset();
}

/* ---- tables ---- */

static const struct table_column columns[] = {
	{"JOB", 0, 'r'},
	{"TITLE", 12, 'l'},
	{"QUEUE", 8, 'l'},
	{"PAGES", 0, 'r'},
	{"STATE", 0, 'l'},
};

static void print_hostile_table(void *arg)
{
	AUTO(table_freep) struct table *t = table_new(columns, 5);

	for (int i = 0; i < 3; i++) {
		table_number(t, i ? 2000000000 : 7);
		table_text(t,
			i == 0 ? HOSTILE
			: i == 1
				? "A title that goes on and on and never wants to end at all, really.pdf"
				: "\xe5\x8d\xb0\xe5\x88\xb7\xe5\x8d\xb0\xe5\x88\xb7\xe5\x8d\xb0\xe5\x88\xb7\xe5\x8d"
				  "\xb0\xe5\x88\xb7\xe5\x8d\xb0\xe5\x88\xb7\xe5\x8d\xb0\xe5\x88\xb7\xe5\x8d\xb0");
		table_text(t, "A-queue-with-a-name-that-is-much-too-long-for-this");
		table_number(t, i - 1);
		table_text(t, "held");
		table_below(t, HOSTILE
			" and a sentence that is long enough to need more than one line in a narrow terminal");
	}
	table_print(t, *(int *)arg);
}

static void tables_fit_and_hostile_titles_do_no_harm(void)
{
	for (int width = 50; width <= 100; width += 10) {
		char number[16], *said, *rest, *line;

		snprintf(number, sizeof(number), "%d", width);
		setenv("COLUMNS", number, 1);
		said = captured(stdout, print_hostile_table, &width);
		CHECK(is_harmless(said));
		CHECK(strstr(said, "JOB") && strstr(said, "held"));
		rest = said;
		while ((line = strsep(&rest, "\n")) != NULL) {
			if (out_columns(line) > width)
				printf("# %d columns: %s\n", out_columns(line), line);
			CHECK(out_columns(line) <= width);
			CHECK(!*line || line[strlen(line) - 1] != ' ');
		}
		free(said);
	}
	unsetenv("COLUMNS");
}

static void cutting_keeps_the_suffix_and_whole_characters(void)
{
	char out[256];

	out_cut(out, sizeof(out), "short.pdf", 20);
	CHECK(!strcmp(out, "short.pdf"));
	out_cut(out, sizeof(out), "A long title that ends in a suffix.pdf", 20);
	CHECK(out_columns(out) == 20 && !strcmp(out + strlen(out) - 4, ".pdf"));
	out_cut(out, sizeof(out), "\xe5\x8d\xb0\xe5\x88\xb7\xe5\x8d\xb0\xe5\x88\xb7", 4);
	CHECK(out_columns(out) <= 4 && strstr(out, "\xe2\x80\xa6"));
	CHECK(out_columns("\xe5\x8d\xb0") == 2 && out_columns("e\xcc\x81") == 1);
}

/* ---- JSON ---- */

static void write_hostile_json(void *arg)
{
	json_write(stdout, arg);
}

static void json_is_ascii_valid_and_says_the_same(void)
{
	struct json_object *row = json_object_new_object(), *back;
	const char *title =
		"\x1b[31m\xc2\x9b \xe2\x80\xae \x7f \xf0\x9f\x96\xa8 \xe5\x8d\xb0 \"quoted\"\\ </script>";
	char *said;

	json_set_text(row, "title", title);
	json_set_number(row, "id", -1);
	json_set_flag(row, "ok", true);
	said = captured(stdout, write_hostile_json, row);
	for (const char *p = said; *p; p++)
		CHECK((*p >= 0x20 && *p < 0x7f) || *p == '\n');
	back = json_tokener_parse(said);
	CHECK(back && !strcmp(json_text(back, "title"), title));
	CHECK(json_number(back, "id") == -1 && json_flag(back, "ok"));
	CHECK(!strcmp(json_text(back, "nothing"), "") && json_number(back, "title") == 0);
	json_object_put(back);
	json_object_put(row);
	free(said);
}

static void json_of_octets_that_are_no_text_is_valid(void)
{
	struct json_object *row = json_object_new_object(), *back;
	char *said;

	json_set_text(row, "title", "\xff\xc0\x80 \xed\xa0\x80 \xf4\x90\x80\x80 \xe5\x8d");
	said = captured(stdout, write_hostile_json, row);
	back = json_tokener_parse(said);
	CHECK(back != NULL && strstr(said, "\\ufffd") && !strstr(said, "\\ud"));
	json_object_put(back);
	json_object_put(row);
	free(said);
}

static void field_names_are_lower_case(void)
{
	char out[64];

	json_field_name(out, sizeof(out), "OwnerVerified");
	CHECK(!strcmp(out, "owner_verified"));
	json_field_name(out, sizeof(out), "Id");
	CHECK(!strcmp(out, "id"));
	json_field_name(out, 8, "AVeryLongName");
	CHECK(strlen(out) < 8);
}

int main(void)
{
	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("TZ", "UTC", 1);
	tzset();
	unsetenv("COLUMNS");
	out_init();
	RUN(words_that_are_nearly_right_get_a_suggestion);
	RUN(job_numbers_are_whole_and_positive);
	RUN(options_stand_anywhere_and_wrong_ones_stop);
	RUN(errors_are_one_json_object_and_harmless);
	RUN(times_are_read_as_people_write_them);
	RUN(what_is_no_time_is_refused);
	RUN(days_of_25_hours_end_at_midnight);
	RUN(tables_fit_and_hostile_titles_do_no_harm);
	RUN(cutting_keeps_the_suffix_and_whole_characters);
	RUN(json_is_ascii_valid_and_says_the_same);
	RUN(json_of_octets_that_are_no_text_is_valid);
	RUN(field_names_are_lower_case);
	return tap_done();
}
