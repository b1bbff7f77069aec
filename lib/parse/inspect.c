/* SPDX-License-Identifier: Apache-2.0 */
/* inspect - stillprint-ticket --inspect: what the parser says of files, for people and tests.
 *
 * On stdout one line a page: number, colour, how it is known, width and height in points. The
 * line is an interface; a file that is refused says why on stderr. */
#include "parse/inspect.h"
#include "parse/finishings.h"
#include "parse/parse.h"
#include "parse/totals.h"
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

enum { BATCH = 64 }; /* files open at a time */

struct inspect {
	bool summary, json, several;
	struct parse_limits limits;
	struct totals_options options;
	struct json_object *files;
};

static int usage(void)
{
	fputs("usage: stillprint-ticket --inspect [--summary] [--json] [--count-only] [--tolerance 0..255]\n"
	      "           [--composite-colour] [--printed-annotations] [--render] [-o copies=N] [-o sides=WORD]\n"
	      "           [-o number-up=N] [-o page-ranges=LIST] [-o print-color-mode=WORD]\n"
	      "           [-o finishings=LIST] FILE...\n",
		stderr);
	return 2;
}

static bool number(const char *s, long least, long most, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(s, &end, 10);
	return end != s && !*end && !errno && *out >= least && *out <= most;
}

/* What a user may give to lp -o, as far as it changes what the job costs. */
static bool job_option(struct totals_options *o, const char *arg)
{
	long v;

	if (!strncmp(arg, "copies=", 7) && number(arg + 7, 1, 99999, &v))
		o->copies = (int32_t)v;
	else if (!strncmp(arg, "number-up=", 10) && number(arg + 10, 1, 99, &v))
		o->number_up = (int32_t)v;
	else if (!strncmp(arg, "sides=", 6))
		o->sides = strncmp(arg + 6, "two-sided", 9) ? 1 : 2;
	else if (!strncmp(arg, "page-ranges=", 12))
		return !totals_ranges(o, arg + 12);
	else if (!strncmp(arg, "finishings=", 11))
		return !totals_finishings(o, arg + 11);
	else if (!strncmp(arg, "print-color-mode=", 17))
		o->monochrome = strstr(arg + 17, "monochrome") != NULL;
	else
		return false;
	return true;
}

/* Return: how many arguments were taken, 0 when @argv[0] is none of ours. */
static int take_option(struct inspect *in, int argc, char **argv)
{
	long v;

	if (!strcmp(argv[0], "--inspect"))
		return 1;
	if (!strcmp(argv[0], "--summary"))
		in->summary = true;
	else if (!strcmp(argv[0], "--json"))
		in->json = true;
	else if (!strcmp(argv[0], "--count-only"))
		in->limits.count_only = true;
	else if (!strcmp(argv[0], "--composite-colour"))
		in->limits.composite_colour = true;
	else if (!strcmp(argv[0], "--render")) {
		in->limits.renderer = "/usr/bin/pdftoppm";
		in->limits.interpreter = "/usr/bin/gs";
	} else if (!strcmp(argv[0], "--printed-annotations"))
		in->limits.printed_annotations = true;
	else if (!strcmp(argv[0], "--tolerance") && argc > 1 && number(argv[1], 0, 255, &v))
		in->limits.tolerance = (uint8_t)v;
	else if (!strcmp(argv[0], "-o") && argc > 1 && job_option(&in->options, argv[1]))
		return 2;
	else
		return 0;
	return strcmp(argv[0], "--tolerance") ? 1 : 2;
}

static const char *why_refused(const struct parse_result *r)
{
	if (r->flags & PARSE_F_DIED)
		return "the reader died or ran out of time: its pages are not known";
	if (r->flags & PARSE_F_PASSWORD)
		return "needs a password: its pages are not known";
	if (r->format == PARSE_FORMAT_UNKNOWN)
		return "no format that is known here";
	if (r->flags & PARSE_F_LIMIT)
		return "goes beyond a limit: its pages are not known";
	return "damaged: its pages are not known";
}

static void print_pages(const struct parse_result *r)
{
	for (int32_t i = 0; i < r->count; i++) {
		const struct parse_page *p = &r->pages[i];

		printf("%d\t%s\t%s\t%.10g\t%.10g\n", i + 1, parse_colour_name(p->colour),
			parse_how_name(p->how), p->width_pt, p->height_pt);
	}
}

/* Its name; a number that has none in @buf. */
static const char *finishing_of(int number, char buf[16])
{
	const char *name = finishing_name(number);

	snprintf(buf, 16, "%d", number);
	return name ? name : buf;
}

static void print_summary(const struct inspect *in, const struct parse_result *r)
{
	struct totals t;

	totals_compute(r, &in->options, &t);
	printf("format:       %s%s%s%s\n", parse_format_mime(r->format),
		r->flags & PARSE_F_DAMAGED ? ", repaired" : "",
		r->flags & PARSE_F_ENCRYPTED ? ", encrypted" : "",
		r->flags & PARSE_F_LIMIT ? ", cut short" : "");
	if (r->title)
		printf("title:        %s\n", r->title);
	if (r->producer)
		printf("producer:     %s\n", r->producer);
	printf("pages:        %d (%d blank)\n", t.pages, t.blank);
	printf("impressions:  %lld: %lld colour, %lld gray, %lld unknown\n",
		(long long)t.impressions, (long long)t.colour, (long long)t.gray,
		(long long)t.unknown);
	printf("sheets:       %lld\n", (long long)t.sheets);
	for (int32_t i = 0; i < t.nsizes; i++)
		printf("paper:        %.0f x %.0f mm, %d pages\n", t.sizes[i].width_pt * 25.4 / 72,
			t.sizes[i].height_pt * 25.4 / 72, t.sizes[i].pages);
	for (int32_t i = 0; i < in->options.nfinishings; i++)
		printf("%s%s", i ? ", " : "finishings:   ",
			finishing_of(in->options.finishings[i], (char[16]){0}));
	if (in->options.nfinishings)
		printf(" on %lld sets\n", (long long)t.finished);
	if (r->flags & PARSE_F_JOB)
		printf("itself asks:  %d copies, duplex %d\n", r->copies, r->duplex);
}

static struct json_object *json_pages(const struct parse_result *r)
{
	struct json_object *pages = json_object_new_array();

	for (int32_t i = 0; i < r->count; i++) {
		const struct parse_page *p = &r->pages[i];
		struct json_object *o = json_object_new_object();

		json_object_object_add(
			o, "colour", json_object_new_string(parse_colour_name(p->colour)));
		json_object_object_add(o, "how", json_object_new_string(parse_how_name(p->how)));
		json_object_object_add(o, "width_pt", json_object_new_double(p->width_pt));
		json_object_object_add(o, "height_pt", json_object_new_double(p->height_pt));
		json_object_object_add(o, "blank", json_object_new_boolean(p->blank));
		json_object_array_add(pages, o);
	}
	return pages;
}

static struct json_object *json_totals(const struct inspect *in, const struct parse_result *r)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	struct totals t;

	totals_compute(r, &in->options, &t);
	json_object_object_add(o, "pages", json_object_new_int(t.pages));
	json_object_object_add(o, "blank", json_object_new_int(t.blank));
	json_object_object_add(o, "impressions", json_object_new_int64(t.impressions));
	json_object_object_add(o, "sheets", json_object_new_int64(t.sheets));
	json_object_object_add(o, "colour", json_object_new_int64(t.colour));
	json_object_object_add(o, "gray", json_object_new_int64(t.gray));
	json_object_object_add(o, "unknown", json_object_new_int64(t.unknown));
	for (int32_t i = 0; i < in->options.nfinishings; i++)
		json_object_array_add(list, json_object_new_string(finishing_of(
						    in->options.finishings[i], (char[16]){0})));
	json_object_object_add(o, "finishings", list);
	json_object_object_add(o, "finished", json_object_new_int64(t.finished));
	return o;
}

static struct json_object *json_file(
	const struct inspect *in, const char *name, const struct parse_result *r)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "file", json_object_new_string(name));
	json_object_object_add(o, "format", json_object_new_string(parse_format_mime(r->format)));
	json_object_object_add(o, "known", json_object_new_boolean(r->count > 0));
	json_object_object_add(
		o, "repaired", json_object_new_boolean((r->flags & PARSE_F_DAMAGED) != 0));
	json_object_object_add(
		o, "encrypted", json_object_new_boolean((r->flags & PARSE_F_ENCRYPTED) != 0));
	if (r->title)
		json_object_object_add(o, "title", json_object_new_string(r->title));
	if (r->producer)
		json_object_object_add(o, "producer", json_object_new_string(r->producer));
	if (r->count > 0) {
		json_object_object_add(o, "totals", json_totals(in, r));
		json_object_object_add(o, "pages", json_pages(r));
	}
	return o;
}

static int tell_file(struct inspect *in, const char *name, int rc, const struct parse_result *r)
{
	if (rc) {
		fflush(stdout);
		fprintf(stderr, "%s: %s\n", name, strerror(-rc));
		return 1;
	}
	if (in->json)
		json_object_array_add(in->files, json_file(in, name, r));
	else if (in->several)
		printf("# %s\n", name);
	if (r->count < 1) {
		fflush(stdout);
		fprintf(stderr, "%s: %s\n", name, why_refused(r));
		return 1;
	}
	if (in->summary && !in->json)
		print_summary(in, r);
	else if (!in->json)
		print_pages(r);
	return 0;
}

/* At most BATCH files, by one child if it can. */
static int inspect_files(struct inspect *in, int count, char **names)
{
	AUTO(parse_endp) struct parse_run *run = NULL;
	int fds[BATCH], refused[BATCH], rc, worst = 0;

	for (int i = 0; i < count; i++) {
		fds[i] = open(names[i], O_RDONLY | O_CLOEXEC);
		refused[i] = fds[i] < 0 ? -errno : 0;
	}
	rc = parse_begin(fds, (size_t)count, &in->limits, &run);
	for (int i = 0; i < count; i++) {
		AUTO(parse_result_freep) struct parse_result *r = NULL;
		int one = rc ? rc : parse_next(run, &r);

		worst |= tell_file(in, names[i], refused[i] ? refused[i] : one, r);
	}
	for (int i = 0; i < count; i++)
		auto_close(&fds[i]);
	return worst;
}

int inspect_main(int argc, char **argv)
{
	struct inspect in = {.summary = false};
	int i = 1, n, rc = 0;

	parse_limits_init(&in.limits);
	totals_options_init(&in.options);
	for (; i < argc && argv[i][0] == '-' && argv[i][1]; i += n) {
		n = take_option(&in, argc - i, argv + i);
		if (!n)
			return usage();
	}
	if (i == argc)
		return usage();
	in.several = argc - i > 1;
	if (in.json)
		in.files = json_object_new_array();
	for (; i < argc; i += n) {
		n = argc - i < BATCH ? argc - i : BATCH;
		rc |= inspect_files(&in, n, argv + i);
	}
	if (in.json) {
		puts(json_object_to_json_string_ext(
			in.files, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(in.files);
	}
	return fflush(stdout) || ferror(stdout) ? 1 : rc;
}
