/* SPDX-License-Identifier: Apache-2.0 */
/* test-parse-render - pages of unknown colour drawn by a program: a real one, and ones that misbehave. */
#include "parse/doc.h"
#include "tap.h"
#include <sys/stat.h>
#include <time.h>

static char folder[] = "/tmp/test-parse-render.XXXXXX";

/* A page whose colour cannot be parsed: a picture that only a renderer might know. */
static void make_unknown(struct doc *d)
{
	doc_page(d, "", "/XObject << /X 5 0 R >>", "100 0 0 100 20 20 cm /X Do");
	doc_stream(d,
		"/Subtype /Image /Width 9 /Height 9 /ColorSpace /DeviceRGB /Filter /JPXDecode",
		"no JPX", 6);
	doc_end(d, "");
}

static struct parse_page drawn_by(const char *renderer)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	struct parse_limits l;
	struct doc d = {0};

	parse_limits_init(&l);
	l.renderer = renderer;
	l.render_ms = 2000;
	make_unknown(&d);
	r = doc_parse(&d, &l);
	doc_fini(&d);
	CHECK(r->count == 1);
	return r->count == 1 ? r->pages[0] : (struct parse_page){0};
}

static const char *make_script(const char *body)
{
	static char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/draw", folder);
	f = fopen(path, "w");
	if (!f || fprintf(f, "#!/bin/sh\n%s\n", body) < 0 || fclose(f) || chmod(path, 0755))
		abort();
	return path;
}

/* The same by a script of ours. */
static struct parse_page drawn_by_script(const char *body)
{
	return drawn_by(make_script(body));
}

/* The pages of a PostScript program by their colours, as in "gc"; a size in points beside it. */
static const char *run_by(const char *interpreter, const char *program, double *width)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	static char colours[16];
	struct parse_limits l;
	int n = 0;

	parse_limits_init(&l);
	l.interpreter = interpreter;
	l.render_ms = 5000;
	r = doc_parse_bytes(program, strlen(program), &l);
	for (; n < r->count && n < 15; n++)
		colours[n] = *parse_colour_name(r->pages[n].colour);
	colours[n] = '\0';
	if (width)
		*width = r->count > 0 ? r->pages[0].width_pt : 0;
	return colours;
}

static bool is(struct parse_page p, enum parse_colour colour, enum parse_how how)
{
	return p.colour == colour && p.how == how;
}

static void nothing_is_drawn_unless_allowed(void)
{
	CHECK(is(drawn_by(NULL), PARSE_COLOUR_UNKNOWN, PARSE_HOW_UNKNOWN));
	CHECK(is(drawn_by("/nonexistent/pdftoppm"), PARSE_COLOUR_UNKNOWN, PARSE_HOW_UNKNOWN));
}

static void real_renderer_settles_the_page(void)
{
	if (access("/usr/bin/pdftoppm", X_OK))
		SKIP("pdftoppm is not installed");
	CHECK(is(drawn_by("/usr/bin/pdftoppm"), PARSE_COLOUR_GRAY, PARSE_HOW_RENDERED));
}

static void pixels_decide(void)
{
	CHECK(is(drawn_by_script("printf 'P6\\n2 1\\n255\\n\\377\\377\\377\\377\\0\\0'"),
		PARSE_COLOUR_COLOUR, PARSE_HOW_RENDERED));
	CHECK(is(drawn_by_script("printf 'P6\\n2 1\\n255\\n\\377\\377\\377\\10\\7\\10'"),
		PARSE_COLOUR_GRAY, PARSE_HOW_RENDERED));
}

static void program_gets_the_document_and_the_page(void)
{
	/* Red only if the document is a PDF and the arguments name page 1. */
	CHECK(is(
		drawn_by_script(
			"read -r head </dev/fd/0; case \"$head $*\" in %PDF-1.7*' -f 1 -l 1 /dev/fd/0')"
			" printf 'P6\\n1 1\\n255\\n\\377\\0\\0';; esac"),
		PARSE_COLOUR_COLOUR, PARSE_HOW_RENDERED));
}

static void garbage_leaves_the_page_unknown(void)
{
	static const char *const scripts[] = {"", "exit 1", "echo hello",
		"printf 'P6\\n9 9\\n255\\n\\377\\377'", "printf 'P6\\n99999 99999\\n255\\n'",
		"printf 'P6\\n-1 1\\n255\\n'", "printf 'P6\\n1 1\\n65535\\n\\0\\1'",
		"kill -SEGV $$"};

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		CHECK(is(drawn_by_script(scripts[i]), PARSE_COLOUR_UNKNOWN, PARSE_HOW_UNKNOWN));
}

static void program_that_hangs_is_ended(void)
{
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	CHECK(is(drawn_by_script("exec sleep 60"), PARSE_COLOUR_UNKNOWN, PARSE_HOW_UNKNOWN));
	clock_gettime(CLOCK_MONOTONIC, &b);
	CHECK(b.tv_sec - a.tv_sec < 10);
}

static void program_cannot_write_files(void)
{
	char path[300], script[400];
	struct stat st = {0};

	snprintf(path, sizeof(path), "%s/written", folder);
	snprintf(script, sizeof(script), "echo text > %s; printf 'P6\\n1 1\\n255\\n\\7\\7\\7'",
		path);
	drawn_by_script(script);
	CHECK(stat(path, &st) != 0 || st.st_size == 0);
	unlink(path);
}

#define GS "/usr/bin/gs"
#define RUNS(program, want) CHECK(!strcmp(run_by(GS, program, NULL), want))
#define RED "1 0 0 setrgbcolor 100 100 50 50 rectfill showpage\n"
#define BLACK "0 setgray 100 100 50 50 rectfill showpage\n"

static void postscript_is_run_where_that_is_allowed(void)
{
	double width;

	if (access(GS, X_OK))
		SKIP("Ghostscript is not installed");
	RUNS("%!PS\n" RED, "c");
	RUNS("%!PS\n" BLACK RED BLACK, "gcg");
	RUNS("%!PS\n1 1 4 { 4 eq { " RED "} {" BLACK "} ifelse } for\n", "gggc");
	RUNS("\033%-12345X@PJL JOB\n@PJL ENTER LANGUAGE=POSTSCRIPT\n%!PS\n" RED BLACK
	     "\033%-12345X",
		"cg");
	RUNS("\033%-12345X@PJL JOB\n@PJL ENTER LANGUAGE=POSTSCRIPT\n%!PS\n%%Page: 1 1\n" RED
	     "%%Page: 2 2\n" BLACK "\033%-12345X",
		"cg");
	CHECK(!strcmp(run_by(NULL, "%!PS\n%%Page: 1 1\n" RED, NULL), "u"));
	run_by(GS, "%!PS\n<< /PageSize [300 400] >> setpagedevice " BLACK, &width);
	CHECK(width == 300);
}

static void pages_that_comments_count_wrong_are_those_that_are_drawn(void)
{
	if (access(GS, X_OK))
		SKIP("Ghostscript is not installed");
	RUNS("%!PS\n%%Page: 1 1\n" BLACK BLACK RED, "ggc");
	RUNS("%!PS\n%%Page: 1 1\n" RED "%%Page: 2 2\n", "c");
	/* An error behind some of the pages: what was drawn is known, the rest is not. */
	RUNS("%!PS\n%%Page: 1 1\n" RED "%%Page: 2 2\nnosuchthing\n", "cu");
	RUNS("%!PS\n" RED "nosuchthing\n", "");
}

static void program_in_postscript_reaches_nothing(void)
{
	char path[300], program[600];
	struct stat st;

	if (access(GS, X_OK))
		SKIP("Ghostscript is not installed");
	snprintf(path, sizeof(path), "%s/written", folder);
	snprintf(program, sizeof(program),
		"%%!PS\n{ (%s) (w) file (text) writestring } stopped pop\n" BLACK, path);
	RUNS(program, "g");
	CHECK(stat(path, &st) != 0);
	RUNS("%!PS\n{ (/etc/passwd) (r) file pop " RED "} stopped pop\n" BLACK, "g");
	RUNS("%!PS\n{ (%pipe%echo) (r) file pop " RED "} stopped pop\n" BLACK, "g");
	/* What it prints does not get among the pictures; a device of its own does, and is none. */
	RUNS("%!PS\n(P6 1 1 255 abc) print flush\n" BLACK, "g");
	RUNS("%!PS\n<< /OutputDevice /pbmraw >> setpagedevice " BLACK, "");
	RUNS("%!PS\n<< /HWResolution [2000 2000] >> setpagedevice " BLACK, "g");
}

static void endless_postscript_is_ended(void)
{
	struct timespec a, b;

	if (access(GS, X_OK))
		SKIP("Ghostscript is not installed");
	clock_gettime(CLOCK_MONOTONIC, &a);
	RUNS("%!PS\n%%Page: 1 1\n" RED "%%Page: 2 2\n{ } loop\n", "cu");
	RUNS("%!PS\n{ 1 } loop\n", "");
	clock_gettime(CLOCK_MONOTONIC, &b);
	CHECK(b.tv_sec - a.tv_sec < 15);
}

static void interpreter_that_answers_garbage_changes_nothing(void)
{
	static const char *const scripts[] = {"", "exit 1", "echo hello",
		"printf 'P6\\n9 9\\n255\\n\\377'", "printf 'P6\\n99999 1\\n255\\n'",
		"kill -SEGV $$"};

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		CHECK(!strcmp(
			run_by(make_script(scripts[i]), "%!PS\n%%Page: 1 1\n" RED, NULL), "u"));
	CHECK(!strcmp(
		run_by(make_script("printf 'P6\\n#x\\n1 1\\n255\\n\\377\\0\\0'"), "%!PS\n", NULL),
		"c"));
}

int main(void)
{
	char path[256];

	if (!mkdtemp(folder))
		abort();
	RUN(nothing_is_drawn_unless_allowed);
	RUN(real_renderer_settles_the_page);
	RUN(pixels_decide);
	RUN(program_gets_the_document_and_the_page);
	RUN(garbage_leaves_the_page_unknown);
	RUN(program_that_hangs_is_ended);
	RUN(program_cannot_write_files);
	RUN(postscript_is_run_where_that_is_allowed);
	RUN(pages_that_comments_count_wrong_are_those_that_are_drawn);
	RUN(program_in_postscript_reaches_nothing);
	RUN(endless_postscript_is_ended);
	RUN(interpreter_that_answers_garbage_changes_nothing);
	snprintf(path, sizeof(path), "%s/draw", folder);
	unlink(path);
	rmdir(folder);
	return tap_done();
}
