/* SPDX-License-Identifier: Apache-2.0 */
/* test-parse-inspect - what --inspect prints is an interface: its lines, its order, its exit status. */
#include "parse/doc.h"
#include "parse/inspect.h"
#include "tap.h"
#include <json-c/json.h>

static char folder[] = "/tmp/test-parse-inspect.XXXXXX";
static char good[64], bad[64], printed[16384];

static void write_file(const char *path, const char *p, size_t len)
{
	FILE *f = fopen(path, "w");

	if (!f || fwrite(p, 1, len, f) != len || fclose(f))
		abort();
}

/* Runs it as the filter's main would. What it prints is in @printed then. Return: the exit status. */
static int inspect(char *const *args)
{
	char *argv[16] = {"stillprint-ticket", "--inspect"};
	FILE *out = tmpfile();
	int argc = 2, was, err, rc;
	size_t n;

	for (; *args; args++)
		argv[argc++] = *args;
	fflush(stdout);
	fflush(stderr);
	was = dup(1);
	err = dup(2);
	if (!out || was < 0 || err < 0 || dup2(fileno(out), 1) < 0 ||
		dup2(open("/dev/null", O_WRONLY), 2) < 0)
		abort();
	rc = inspect_main(argc, argv);
	fflush(stdout);
	dup2(was, 1);
	dup2(err, 2);
	close(was);
	close(err);
	rewind(out);
	n = fread(printed, 1, sizeof(printed) - 1, out);
	printed[n] = '\0';
	fclose(out);
	return rc;
}

static void one_line_a_page(void)
{
	CHECK(inspect((char *[]){good, NULL}) == 0);
	CHECK(!strcmp(printed, "1\tcolour\tparsed\t200\t200\n"));
}

static void files_are_separated_and_refusals_come_last(void)
{
	char want[400];

	snprintf(want, sizeof(want), "# %s\n# %s\n1\tcolour\tparsed\t200\t200\n", bad, good);
	CHECK(inspect((char *[]){bad, good, NULL}) == 1);
	CHECK(!strcmp(printed, want));
	CHECK(inspect((char *[]){"/nonexistent", good, NULL}) == 1);
	CHECK(strstr(printed, "1\tcolour") != NULL);
}

static void summary_applies_what_was_asked_for(void)
{
	CHECK(inspect((char *[]){"--summary", "-o", "copies=3", good, NULL}) == 0);
	CHECK(strstr(printed, "impressions:  3: 3 colour, 0 gray, 0 unknown") != NULL);
	CHECK(strstr(printed, "sheets:       3") != NULL);
	CHECK(inspect((char *[]){"--summary", "-o", "print-color-mode=monochrome", good, NULL}) ==
		0);
	CHECK(strstr(printed, "0 colour, 1 gray") != NULL);
}

static void finishings_are_told_by_name_for_each_copy(void)
{
	struct json_object *all, *file, *totals, *v;

	CHECK(inspect((char *[]){"--summary", "-o", "copies=3", "-o",
		      "finishings=staple-top-left,5", good, NULL}) == 0);
	CHECK(strstr(printed, "finishings:   staple-top-left, punch on 3 sets\n") != NULL);
	CHECK(inspect((char *[]){"--summary", "-o", "finishings=3", good, NULL}) == 0);
	CHECK(strstr(printed, "finishings:") == NULL);
	CHECK(inspect((char *[]){"--json", "-o", "finishings=4,4,none,999", good, NULL}) == 0);
	all = json_tokener_parse(printed);
	file = all ? json_object_array_get_idx(all, 0) : NULL;
	CHECK(file && json_object_object_get_ex(file, "totals", &totals));
	CHECK(file && json_object_object_get_ex(totals, "finished", &v) &&
		json_object_get_int(v) == 1);
	CHECK(file && json_object_object_get_ex(totals, "finishings", &v) &&
		!strcmp(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN),
			"[\"staple\",\"999\"]"));
	json_object_put(all);
	CHECK(inspect((char *[]){"-o", "finishings=sew", good, NULL}) == 2);
	CHECK(inspect((char *[]){"-o", "finishings=4,", good, NULL}) == 2);
	CHECK(inspect((char *[]){"-o", "finishings=70000", good, NULL}) == 2);
}

static void json_holds_pages_and_totals(void)
{
	struct json_object *all, *file, *totals, *pages, *v;

	CHECK(inspect((char *[]){"--json", good, bad, NULL}) == 1);
	all = json_tokener_parse(printed);
	CHECK(all && json_object_array_length(all) == 2);
	file = all ? json_object_array_get_idx(all, 0) : NULL;
	CHECK(file && json_object_object_get_ex(file, "totals", &totals) &&
		json_object_object_get_ex(totals, "colour", &v) && json_object_get_int(v) == 1);
	CHECK(file && json_object_object_get_ex(file, "pages", &pages) &&
		json_object_array_length(pages) == 1);
	file = all ? json_object_array_get_idx(all, 1) : NULL;
	CHECK(file && json_object_object_get_ex(file, "known", &v) && !json_object_get_boolean(v));
	CHECK(file && !json_object_object_get_ex(file, "pages", &pages));
	json_object_put(all);
}

static void wrong_usage_is_refused(void)
{
	CHECK(inspect((char *[]){NULL}) == 2);
	CHECK(inspect((char *[]){"--nonsense", good, NULL}) == 2);
	CHECK(inspect((char *[]){"-o", "copies=0", good, NULL}) == 2);
	CHECK(inspect((char *[]){"-o", "page-ranges=2-1", good, NULL}) == 2);
	CHECK(inspect((char *[]){"--tolerance", "256", good, NULL}) == 2);
}

int main(void)
{
	struct doc d = {0};

	if (!mkdtemp(folder))
		abort();
	snprintf(good, sizeof(good), "%s/good.pdf", folder);
	snprintf(bad, sizeof(bad), "%s/bad", folder);
	doc_page(&d, "", "", "1 0 0 rg 0 0 50 50 re f");
	doc_end(&d, "");
	write_file(good, d.p, d.len);
	write_file(bad, "no document", 11);
	doc_fini(&d);
	RUN(one_line_a_page);
	RUN(files_are_separated_and_refusals_come_last);
	RUN(summary_applies_what_was_asked_for);
	RUN(finishings_are_told_by_name_for_each_copy);
	RUN(json_holds_pages_and_totals);
	RUN(wrong_usage_is_refused);
	unlink(good);
	unlink(bad);
	rmdir(folder);
	return tap_done();
}
