/* SPDX-License-Identifier: Apache-2.0 */
/* test-parse-limits - documents made to cost too much, each against one limit; and the sandbox's walls. */
#include "parse/doc.h"
#include "parse/record.h"
#include "tap.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <zlib.h>

#ifdef __SANITIZE_ADDRESS__
#define SLOWER 20
#else
#define SLOWER 1
#endif

static double children_cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_CHILDREN, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6 +
	       (double)u.ru_stime.tv_sec + (double)u.ru_stime.tv_usec / 1e6;
}

static struct parse_page first_page(
	struct doc *d, const struct parse_limits *limits, unsigned int *flags)
{
	AUTO(parse_result_freep) struct parse_result *r = doc_parse(d, limits);
	struct parse_page page = {.colour = PARSE_COLOUR_UNKNOWN};

	if (flags)
		*flags = r->flags;
	if (r->count > 0)
		page = r->pages[0];
	doc_fini(d);
	return page;
}

/* @len octets of deflated @fill; the caller frees them. */
static uint8_t *deflated(size_t len, int fill, size_t *out)
{
	uint8_t *plain = malloc(len), *packed = malloc(compressBound(len));
	uLongf n = compressBound(len);

	if (!plain || !packed)
		abort();
	memset(plain, fill, len);
	if (compress2(packed, &n, plain, len, 9) != Z_OK)
		abort();
	free(plain);
	*out = n;
	return packed;
}

/* Page 1 whose content is @len blanks, deflated @times times. */
static void make_bomb(struct doc *d, size_t len, int times, const char *filter)
{
	char dict[128];
	size_t n;
	uint8_t *p = deflated(len, ' ', &n);

	for (; times > 1; times--) {
		uLongf m = compressBound(n);
		uint8_t *again = malloc(m);

		if (!again || compress2(again, &m, p, n, 9) != Z_OK)
			abort();
		free(p);
		p = again;
		n = m;
	}
	snprintf(dict, sizeof(dict), "/Filter [%s]", filter);
	doc_object(d, "<< /Type /Catalog /Pages 2 0 R >>");
	doc_object(d, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
	doc_object(d, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>");
	doc_stream(d, dict, p, n);
	doc_end(d, "");
	free(p);
}

static void bomb_is_answered_in_a_second(void)
{
	struct doc d = {0};
	double before;
	unsigned int flags;

	/* 300 MB in 300 kB, deflated again to about 2 kB. */
	make_bomb(&d, 300u << 20, 2, "/FlateDecode /FlateDecode");
	CHECK(d.len < 8192);
	before = children_cpu_s();
	CHECK(first_page(&d, NULL, &flags).colour == PARSE_COLOUR_UNKNOWN);
	CHECK(flags & PARSE_F_LIMIT);
	CHECK(children_cpu_s() - before < SLOWER * 1);
}

static void stream_within_its_limit_is_read(void)
{
	struct doc d = {0};

	make_bomb(&d, 20u << 20, 1, "/FlateDecode");
	CHECK(first_page(&d, NULL, NULL).colour == PARSE_COLOUR_GRAY);
}

/* Blanks are what packs best: one Flate makes a thousandth of them, two much less. */
static void more_than_one_flate_can_make_of_an_octet_is_a_bomb(void)
{
	struct doc once = {0}, twice = {0};
	unsigned int flags;

	make_bomb(&once, 200u << 20, 1, "/FlateDecode");
	CHECK(first_page(&once, NULL, &flags).colour == PARSE_COLOUR_GRAY);
	CHECK(!(flags & PARSE_F_LIMIT));
	make_bomb(&twice, 200u << 20, 2, "/FlateDecode /FlateDecode");
	CHECK(first_page(&twice, NULL, &flags).colour == PARSE_COLOUR_UNKNOWN);
	CHECK(flags & PARSE_F_LIMIT);
}

static void all_streams_together_have_a_limit(void)
{
	struct parse_limits l;
	struct doc d = {0};
	unsigned int flags;

	parse_limits_init(&l);
	l.job_octets = 10 << 20;
	make_bomb(&d, 20u << 20, 1, "/FlateDecode");
	CHECK(first_page(&d, &l, &flags).colour == PARSE_COLOUR_UNKNOWN);
	CHECK(flags & PARSE_F_LIMIT);
}

static void bomb_that_no_page_needs_costs_nothing(void)
{
	struct doc d = {0};
	double before;
	size_t n;
	uint8_t *p = deflated(200u << 20, 0, &n);

	doc_page(&d, "", "", "0 g 0 0 50 50 re f");
	doc_stream(&d, "/Filter /FlateDecode", p, n);
	doc_end(&d, "");
	free(p);
	before = children_cpu_s();
	CHECK(first_page(&d, NULL, NULL).colour == PARSE_COLOUR_GRAY);
	CHECK(children_cpu_s() - before < 0.2);
}

static void five_filters_are_too_many(void)
{
	struct doc d = {0};
	unsigned int flags;

	doc_page(&d, "", "/XObject << /X 5 0 R >>", "100 0 0 100 20 20 cm /X Do");
	doc_stream(&d,
		"/Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceRGB /Filter [/AHx /AHx /AHx /AHx /AHx]",
		"30303030>", 9);
	doc_end(&d, "");
	CHECK(first_page(&d, NULL, &flags).colour == PARSE_COLOUR_UNKNOWN);
	CHECK(flags & PARSE_F_LIMIT);
}

/* @depth forms, each drawing the next; the last is red. */
static enum parse_colour nested_forms(int depth)
{
	struct doc d = {0};

	doc_page(&d, "", "/XObject << /X 5 0 R >>", "/X Do");
	for (int i = 0; i < depth; i++) {
		char dict[160];
		const char *body = i + 1 < depth ? "/X Do" : "1 0 0 rg 0 0 100 100 re f";

		snprintf(dict, sizeof(dict),
			"/Subtype /Form /BBox [0 0 200 200] /Resources << /XObject << /X %d 0 R >> >>",
			6 + i);
		doc_stream(&d, dict, body, strlen(body));
	}
	doc_end(&d, "");
	return first_page(&d, NULL, NULL).colour;
}

static void forms_nest_twelve_deep_at_most(void)
{
	CHECK(nested_forms(12) == PARSE_COLOUR_COLOUR);
	CHECK(nested_forms(13) == PARSE_COLOUR_UNKNOWN);
	CHECK(nested_forms(50) == PARSE_COLOUR_UNKNOWN);
}

static void form_within_itself_ends(void)
{
	struct doc d = {0};
	double before = children_cpu_s();

	doc_page(&d, "", "/XObject << /X 5 0 R /Y 6 0 R >>", "/X Do /Y Do /X Do");
	doc_stream(&d, "/Subtype /Form /BBox [0 0 9 9]", "/Y Do /Y Do /X Do /X Do", 23);
	doc_stream(&d, "/Subtype /Form /BBox [0 0 9 9]", "/X Do /X Do /Y Do /Y Do", 23);
	doc_end(&d, "");
	CHECK(first_page(&d, NULL, NULL).colour == PARSE_COLOUR_GRAY);
	CHECK(children_cpu_s() - before < 0.5);
}

/* Ten forms that each draw the next one ten times over, in a colour that must not be cached. */
static void forms_that_multiply_end_in_time(void)
{
	struct parse_limits l;
	struct doc d = {0};
	double before = children_cpu_s();

	parse_limits_init(&l);
	l.cpu_s = 2;
	doc_page(&d, "", "/XObject << /X 5 0 R >> /ExtGState << /E << /ca 0.001 >> >>",
		"/E gs 1 0 0 rg /X Do");
	for (int i = 0; i < 10; i++) {
		char dict[160];
		const char *ten = "/X Do /X Do /X Do /X Do /X Do /X Do /X Do /X Do /X Do /X Do";

		snprintf(dict, sizeof(dict),
			"/Subtype /Form /BBox [0 0 200 200] /Resources << /XObject << /X %d 0 R >> >>",
			6 + i);
		doc_stream(&d, dict, ten, strlen(ten));
	}
	doc_end(&d, "");
	CHECK(first_page(&d, &l, NULL).colour == PARSE_COLOUR_UNKNOWN);
	CHECK(children_cpu_s() - before < 2.5);
}

static void deep_arrays_do_not_overrun_the_stack(void)
{
	struct doc d = {0};
	size_t n = 4 << 20;
	char *s = malloc(n + 1);

	memset(s, '[', n);
	s[n] = '\0';
	doc_page(&d, "", "", "0 g 0 0 50 50 re f");
	doc_object(&d, s);
	doc_end(&d, "/Info 5 0 R");
	free(s);
	CHECK(first_page(&d, NULL, NULL).colour == PARSE_COLOUR_GRAY);
}

static void q_nests_beyond_what_is_kept(void)
{
	struct doc d = {0};
	char content[4096] = "";

	for (int i = 0; i < 500; i++)
		strcat(content, "q ");
	strcat(content, "1 0 0 rg ");
	for (int i = 0; i < 500; i++)
		strcat(content, "Q ");
	strcat(content, "0 0 50 50 re f");
	doc_page(&d, "", "", content);
	doc_end(&d, "");
	CHECK(first_page(&d, NULL, NULL).colour != PARSE_COLOUR_UNKNOWN);
}

static void page_tree_that_claims_too_much_is_counted(void)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	struct doc d = {0};

	doc_object(&d, "<< /Type /Catalog /Pages 2 0 R >>");
	doc_object(&d, "<< /Type /Pages /Kids [3 0 R 3 0 R] /Count 9999999999 >>");
	doc_object(&d, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>");
	doc_end(&d, "");
	r = doc_parse(&d, NULL);
	CHECK(r->count == 2);
	doc_fini(&d);
}

static void page_tree_that_loops_ends(void)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	struct doc d = {0};

	doc_object(&d, "<< /Type /Catalog /Pages 2 0 R >>");
	doc_object(&d, "<< /Type /Pages /Parent 4 0 R /Kids [3 0 R 4 0 R 2 0 R] /Count 1 >>");
	doc_object(&d, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>");
	doc_object(&d, "<< /Type /Pages /Parent 2 0 R /Kids [2 0 R 4 0 R] /Count 1 >>");
	doc_end(&d, "");
	r = doc_parse(&d, NULL);
	CHECK(r->count == 1);
	doc_fini(&d);
}

static void more_pages_than_the_limit_are_unknown(void)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	struct parse_limits l;
	struct doc d = {0};

	parse_limits_init(&l);
	l.pages = 3;
	doc_object(&d, "<< /Type /Catalog /Pages 2 0 R >>");
	doc_object(&d, "<< /Type /Pages /Kids [3 0 R 3 0 R 3 0 R 3 0 R] /Count 4 >>");
	doc_object(&d, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>");
	doc_end(&d, "");
	r = doc_parse(&d, &l);
	CHECK(r->count == PARSE_COUNT_UNKNOWN);
	CHECK(r->flags & PARSE_F_LIMIT);
	doc_fini(&d);
}

static void object_numbers_have_a_limit(void)
{
	static const char doc[] =
		"%PDF-1.4\n99999999 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
		"xref\n0 99999999\ntrailer\n<< /Root 99999999 0 R >>\nstartxref\n68\n%%EOF\n";
	AUTO(parse_result_freep)
	struct parse_result *r = doc_parse_bytes(doc, sizeof(doc) - 1, NULL);

	CHECK(r->count == PARSE_COUNT_UNKNOWN);
}

static void references_in_circles_are_null(void)
{
	struct doc d = {0};

	doc_object(&d, "<< /Type /Catalog /Pages 2 0 R >>");
	doc_object(&d, "<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox 5 0 R >>");
	doc_object(&d, "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources 5 0 R >>");
	doc_bytes(&d, "", 0);
	d.offsets[++d.objects] = d.len;
	doc_printf(&d,
		"4 0 obj\n<< /Length 4 0 R >>\nstream\n1 0 0 rg 0 0 9 9 re f\nendstream\nendobj\n");
	doc_object(&d, "6 0 R");
	doc_object(&d, "5 0 R");
	doc_end(&d, "");
	CHECK(first_page(&d, NULL, NULL).colour == PARSE_COLOUR_COLOUR);
}

static void functions_in_circles_are_unknown(void)
{
	struct doc d = {0};

	doc_page(&d, "", "/ColorSpace << /S [/Separation /Spot /DeviceRGB 5 0 R] >>",
		"/S cs 1 scn 0 0 9 9 re f");
	doc_object(&d,
		"<< /FunctionType 3 /Domain [0 1] /Bounds [] /Encode [0 1] /Functions [5 0 R] >>");
	doc_end(&d, "");
	CHECK(first_page(&d, NULL, NULL).colour == PARSE_COLOUR_UNKNOWN);
}

static void function_samples_have_a_limit(void)
{
	struct doc d = {0};

	doc_page(&d, "", "/ColorSpace << /S [/Separation /Spot /DeviceRGB 5 0 R] >>",
		"/S cs 1 scn 0 0 9 9 re f");
	doc_stream(&d,
		"/FunctionType 0 /Domain [0 1] /Range [0 1 0 1 0 1] /Size [9000000] /BitsPerSample 32",
		"x", 1);
	doc_end(&d, "");
	CHECK(first_page(&d, NULL, NULL).colour == PARSE_COLOUR_UNKNOWN);
}

static void rows_wider_than_memory_are_unknown(void)
{
	struct doc d = {0};

	doc_page(&d, "", "/XObject << /X 5 0 R >>", "100 0 0 100 20 20 cm /X Do");
	doc_stream(&d,
		"/Subtype /Image /Width 2000000000 /Height 2000000000 /BitsPerComponent 16 /ColorSpace /DeviceRGB",
		"x", 1);
	doc_end(&d, "");
	CHECK(first_page(&d, NULL, NULL).colour == PARSE_COLOUR_UNKNOWN);
}

static void time_that_runs_out_is_unknown(void)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	struct parse_limits l;
	struct doc d = {0};

	parse_limits_init(&l);
	l.wall_ms = 20;
	make_bomb(&d, 250u << 20, 1, "/FlateDecode");
	r = doc_parse(&d, &l);
	CHECK(r->count == PARSE_COUNT_UNKNOWN);
	CHECK(r->flags & PARSE_F_DIED);
	doc_fini(&d);
}

/* The child of process @pid, 0 while it has none. */
static int only_child(pid_t pid)
{
	char name[64];
	int child = 0;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/task/%d/children", pid, pid);
	f = fopen(name, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%d", &child) != 1)
		child = 0;
	fclose(f);
	return child;
}

static void child_status(pid_t pid, const char *key, char *value, size_t size)
{
	char name[64], line[256];
	int child = only_child(pid);
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/status", child);
	f = child ? fopen(name, "r") : NULL;
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			snprintf(value, size, "%s", line + strlen(key));
	if (f)
		fclose(f);
}

/* In a process of its own: reads a slow document. Exits 0 when all is unknown afterwards. */
static void read_slowly(const struct doc *d) __attribute__((__noreturn__));
static void read_slowly(const struct doc *d)
{
	struct parse_result *r = doc_parse(d, NULL);

	_exit(r->count == PARSE_COUNT_UNKNOWN && (r->flags & PARSE_F_DIED) && !r->pages ? 0 : 1);
}

static void death_of_the_reader_is_unknown(void)
{
	static const int signals[] = {SIGSEGV, SIGKILL, SIGXCPU};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct doc d = {0};
		int status = -1, child = 0;
		pid_t pid;

		make_bomb(&d, 250u << 20, 1, "/FlateDecode");
		pid = fork();
		if (pid == 0)
			read_slowly(&d);
		for (int k = 0; k < 200 && !child; k++) {
			child = only_child(pid);
			nanosleep(&(struct timespec){0, 1000000}, NULL);
		}
		CHECK(child > 1 && !kill(child, signals[i]));
		waitpid(pid, &status, 0);
		CHECK(status == 0);
		doc_fini(&d);
	}
}

static void reader_has_a_filter_and_no_new_privileges(void)
{
	struct doc d = {0};
	char seccomp[32] = "", privs[32] = "";
	pid_t pid;

#ifdef __SANITIZE_ADDRESS__
	SKIP("sanitizers need system calls that the filter ends them for");
#endif
	if (access("/proc/self/task", R_OK))
		SKIP("no /proc");
	make_bomb(&d, 250u << 20, 1, "/FlateDecode");
	pid = fork();
	if (pid == 0) {
		parse_result_free(doc_parse(&d, NULL));
		_exit(0);
	}
	for (int i = 0; i < 200 && (seccomp[0] != '2' || privs[0] != '1'); i++) {
		child_status(pid, "Seccomp:\t", seccomp, sizeof(seccomp));
		child_status(pid, "NoNewPrivs:\t", privs, sizeof(privs));
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	}
	waitpid(pid, NULL, 0);
	CHECK(seccomp[0] == '2');
	CHECK(privs[0] == '1');
	doc_fini(&d);
}

static void caller_that_ignores_its_children_is_served(void)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	struct doc d = {0};

	signal(SIGCHLD, SIG_IGN);
	doc_page(&d, "", "", "0 g 0 0 50 50 re f");
	doc_end(&d, "");
	r = doc_parse(&d, NULL);
	signal(SIGCHLD, SIG_DFL);
	CHECK(r->count == 1);
	doc_fini(&d);
}

static void document_without_its_standard_descriptors_is_read(void)
{
	struct doc d = {0};
	int status = 1;
	pid_t pid;

	doc_page(&d, "", "", "0 g 0 0 50 50 re f");
	doc_end(&d, "");
	pid = fork();
	if (pid == 0) {
		struct parse_result *r;

		close(0);
		close(1);
		r = doc_parse(&d, NULL);
		_exit(r->count == 1 ? 0 : 2);
	}
	waitpid(pid, &status, 0);
	CHECK(status == 0);
	doc_fini(&d);
}

/* What a child that was taken over might write: each octet of a good record changed, each length cut. */
static void records_that_lie_are_refused(void)
{
	struct parse_page pages[2] = {{595, 842, PARSE_COLOUR_GRAY, PARSE_HOW_PARSED}, {1, 1}};
	struct parse_result r = {
		.format = PARSE_FORMAT_PDF, .count = 2, .pages = pages, .title = "title"};
	struct parse_result *got = NULL;
	struct parse_limits l;
	uint8_t *p = NULL, *more;
	size_t len = 0;

	parse_limits_init(&l);
	CHECK(record_encode(&r, &p, &len) == 0);
	CHECK(record_decode(p, len, &l, &got) == 0);
	CHECK(got && got->count == 2 && got->pages[0].colour == PARSE_COLOUR_GRAY &&
		!strcmp(got->title, "title"));
	parse_result_free(got);
	for (size_t n = 0; n < len; n++)
		CHECK(record_decode(p, n, &l, &got) < 0);
	more = calloc(1, len + 1);
	memcpy(more, p, len);
	CHECK(record_decode(more, len + 1, &l, &got) < 0);
	for (size_t at = 16; at < 20; at++) { /* the count */
		memcpy(more, p, len);
		more[at] ^= 0x41;
		CHECK(record_decode(more, len, &l, &got) < 0);
	}
	for (size_t i = 0; i < len; i++) {
		memcpy(more, p, len);
		more[i] = 0xff;
		got = NULL;
		if (!record_decode(more, len, &l, &got))
			CHECK(got->count == 2 && got->pages[0].colour <= PARSE_COLOUR_COLOUR &&
				got->pages[0].how <= PARSE_HOW_RENDERED &&
				got->pages[0].width_pt >= 0);
		parse_result_free(got);
	}
	l.pages = 1;
	CHECK(record_decode(p, len, &l, &got) < 0);
	free(more);
	free(p);
}

static void mask_within_itself_ends(void)
{
	struct doc d = {0};

	doc_page(&d, "", "/ExtGState << /E << /SMask << /S /Alpha /G 5 0 R >> >> >>",
		"/E gs 1 0 0 rg 0 0 99 99 re f");
	doc_stream(&d,
		"/Type /XObject /Subtype /Form /BBox [0 0 200 200] /Group << /S /Transparency >>"
		" /Resources << /XObject << /X 5 0 R >> /ExtGState << /E << /SMask << /S /Alpha /G 5 0 R >> >> >> >>",
		"/E gs 1 0 0 rg 0 0 99 99 re f /X Do", 35);
	doc_end(&d, "");
	CHECK(first_page(&d, NULL, NULL).colour == PARSE_COLOUR_COLOUR);
}

static void masks_that_multiply_end_in_time(void)
{
	static const char use[] = "/E gs 1 0 0 rg 0 0 9 9 re f 1 0 0 1 .001 0 cm ",
			  black[] = "0 0 1 1 re f ";
	struct parse_limits l;
	unsigned int flags = 0;
	struct doc d = {0}, page = {0}, group = {0};
	double before = children_cpu_s();

	for (int i = 0; i < 20000; i++) {
		doc_bytes(&page, use, sizeof(use) - 1);
		doc_bytes(&group, black, sizeof(black) - 1);
	}
	parse_limits_init(&l);
	l.cpu_s = 2;
	doc_page(&d, "", "/ExtGState << /E << /SMask << /S /Luminosity /G 5 0 R >> >> >>", page.p);
	doc_stream(&d,
		"/Type /XObject /Subtype /Form /BBox [0 0 200 200] /Group << /S /Transparency >>",
		group.p, group.len);
	doc_end(&d, "");
	CHECK(first_page(&d, &l, &flags).colour == PARSE_COLOUR_UNKNOWN);
	CHECK(flags & (PARSE_F_LIMIT | PARSE_F_DIED));
	CHECK(children_cpu_s() - before < 4);
	doc_fini(&page);
	doc_fini(&group);
}

static void jpeg_2000_of_any_size_costs_little(void)
{
	/* SIZ: 60000 by 60000, three components of eight bits, one tile; COD: no decomposition. */
	static const uint8_t head[] =
		"\xff\x4f\xff\x51\0\x2f\0\0\0\0\xea\x60\0\0\xea\x60\0\0\0\0\0\0\0\0"
		"\0\0\xea\x60\0\0\xea\x60\0\0\0\0\0\0\0\0\0\3\7\1\1\7\1\1\7\1\1"
		"\xff\x52\0\x0c\0\0\0\1\0\0\4\4\0\1\xff\x5c\0\4\x40\x40\xff\x90\0\x0a"
		"\0\0\0\0\0\0\0\1\xff\x93";
	struct doc d = {0};
	double before = children_cpu_s();

	doc_page(&d, "", "/XObject << /X 5 0 R >>", "100 0 0 100 20 20 cm /X Do");
	doc_stream(&d, "/Subtype /Image /Width 9 /Height 9 /Filter /JPXDecode", head,
		sizeof(head) - 1);
	doc_end(&d, "");
	CHECK(first_page(&d, NULL, NULL).colour == PARSE_COLOUR_UNKNOWN);
	CHECK(children_cpu_s() - before < 0.5 * SLOWER);
}

int main(void)
{
	RUN(bomb_is_answered_in_a_second);
	RUN(stream_within_its_limit_is_read);
	RUN(more_than_one_flate_can_make_of_an_octet_is_a_bomb);
	RUN(all_streams_together_have_a_limit);
	RUN(bomb_that_no_page_needs_costs_nothing);
	RUN(five_filters_are_too_many);
	RUN(forms_nest_twelve_deep_at_most);
	RUN(form_within_itself_ends);
	RUN(forms_that_multiply_end_in_time);
	RUN(mask_within_itself_ends);
	RUN(masks_that_multiply_end_in_time);
	RUN(jpeg_2000_of_any_size_costs_little);
	RUN(deep_arrays_do_not_overrun_the_stack);
	RUN(q_nests_beyond_what_is_kept);
	RUN(page_tree_that_claims_too_much_is_counted);
	RUN(page_tree_that_loops_ends);
	RUN(more_pages_than_the_limit_are_unknown);
	RUN(object_numbers_have_a_limit);
	RUN(references_in_circles_are_null);
	RUN(functions_in_circles_are_unknown);
	RUN(function_samples_have_a_limit);
	RUN(rows_wider_than_memory_are_unknown);
	RUN(records_that_lie_are_refused);
	RUN(death_of_the_reader_is_unknown);
	RUN(time_that_runs_out_is_unknown);
	RUN(reader_has_a_filter_and_no_new_privileges);
	RUN(caller_that_ignores_its_children_is_served);
	RUN(document_without_its_standard_descriptors_is_read);
	return tap_done();
}
