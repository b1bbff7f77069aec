/* SPDX-License-Identifier: Apache-2.0 */
/* test-filter - stillprint-ticket as cupsd starts it: a PDF becomes a stream that the backend can prove; what is no PDF
 * becomes nothing. And what the child that counts pages may not do.
 *
 * The program is STILLPRINT_FILTER, or build/bin/stillprint-ticket beside this test. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "core/stream.h"
#include "core/ticket.h"
#include "core/vendor.h"
#include "core/wire.h"
#include "tap.h"

static char program[4096];
static char folder[] = "/tmp/test-filter-XXXXXX";

/* A PDF with @pages pages of @w by @h points; without a table of contents at its end, readers repair it. */
static char *make_pdf(int pages, int w, int h, const char *extra, size_t *count)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, count);
	long at[2000] = {0}, xref;

	fprintf(f, "%%PDF-1.4\n");
	at[1] = ftell(f);
	fprintf(f, "1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n");
	at[2] = ftell(f);
	fprintf(f, "2 0 obj\n<</Type/Pages/Count %d/MediaBox[0 0 %d %d]/Kids[", pages, w, h);
	for (int i = 0; i < pages; i++)
		fprintf(f, "%d 0 R ", 3 + i);
	fprintf(f, "]>>\nendobj\n");
	for (int i = 0; i < pages; i++) {
		at[3 + i] = ftell(f);
		fprintf(f, "%d 0 obj\n<</Type/Page/Parent 2 0 R%s>>\nendobj\n", 3 + i, extra);
	}
	fflush(f);
	xref = ftell(f);
	fprintf(f, "xref\n0 %d\n0000000000 65535 f \n", pages + 3);
	for (int i = 1; i < pages + 3; i++)
		fprintf(f, "%010ld 00000 n \n", at[i]);
	fprintf(f, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%ld\n%%%%EOF\n", pages + 3, xref);
	fclose(f);
	return text;
}

static int file_with(const char *octets, size_t count)
{
	char name[128];
	int fd;

	snprintf(name, sizeof(name), "%s/f-XXXXXX", folder);
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0 || write(fd, octets, count) != (ssize_t)count)
		abort();
	unlink(name);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

struct result {
	int code; /* exit code, or -signal */
	int out; /* what it wrote, as a file at its start */
	char said[4096];
};

static struct result run_filter(int in, const char *options, const char *copies)
{
	char *argv[] = {"Office", "1", "anna", "title", (char *)copies, (char *)options, NULL};
	struct result r = {.out = file_with("", 0)};
	int err = file_with("", 0), status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		dup2(in, 0);
		dup2(r.out, 1);
		dup2(err, 2);
		setenv("TMPDIR", folder, 1);
		execv(program, argv);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	r.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
	if (pread(err, r.said, sizeof(r.said) - 1, 0) < 0)
		abort();
	close(err);
	lseek(r.out, 0, SEEK_SET);
	return r;
}

/* True if @fd is a whole stream of this document; @summary is of its ticket. */
static bool proves(int fd, const char *document, size_t count, struct ticket_summary *summary)
{
	AUTO(stream_reader_freep) struct stream_reader *r = NULL;
	AUTO(wire_deletep) ipp_t *ticket = NULL;
	const void *octets;
	size_t got, n, at = 0;

	if (stream_reader_new(fd, &r))
		return false;
	octets = stream_reader_get_ticket(r, &n);
	if (ticket_decode(octets, n, &ticket))
		return false;
	ticket_summarise(ticket, summary);
	while (!stream_reader_read(r, &octets, &got)) {
		if (!got)
			return at == count;
		if (at + got > count || memcmp(octets, document + at, got) != 0)
			return false;
		at += got;
	}
	return false;
}

static bool is_empty(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_size == 0;
}

static void pdf_becomes_ticket_and_document(void)
{
	size_t count;
	AUTO(auto_free) char *pdf = make_pdf(7, 595, 842, "", &count);
	AUTO(auto_close) int in = file_with(pdf, count);
	struct result r = run_filter(in, "Duplex=DuplexTumble number-up=2 media=a4", "3");
	struct ticket_summary s;

	CHECK(r.code == 0 && !r.said[0]);
	CHECK(proves(r.out, pdf, count, &s));
	CHECK(s.pages == 7 && s.copies == 3 && !strcmp(s.sides, "two-sided-short-edge"));
	CHECK(!strcmp(s.media, "iso_a4_210x297mm") && !strcmp(s.format, "application/pdf"));
	close(r.out);
}

static void empty_input_is_refused(void)
{
	AUTO(auto_close) int in = file_with("", 0);
	struct result r = run_filter(in, "", "1");

	CHECK(r.code == 1 && strstr(r.said, "ERROR: The document is empty.\n") && is_empty(r.out));
	close(r.out);
}

static void every_cut_that_loses_the_end_is_refused(void)
{
	size_t count;
	AUTO(auto_free) char *pdf = make_pdf(1, 595, 842, "", &count);

	for (size_t n = 1; n < count - 2; n += 29) {
		AUTO(auto_close) int in = file_with(pdf, n);
		struct result r = run_filter(in, "", "1");

		CHECK(r.code == 1 && strstr(r.said, "ERROR: The document ") && is_empty(r.out));
		close(r.out);
	}
}

static void other_formats_are_refused(void)
{
	AUTO(auto_close) int in = file_with("%!PS-Adobe-3.0\n%%EOF\n", 21);
	struct result r = run_filter(in, "", "1");

	CHECK(r.code == 1 && strstr(r.said, "is no PDF") && is_empty(r.out));
	close(r.out);
}

static void garbage_between_header_and_end_prints_with_unknown_pages(void)
{
	char junk[5000];
	struct ticket_summary s;

	memset(junk, 0xa5, sizeof(junk));
	memcpy(junk, "%PDF-1.4\n", 9);
	memcpy(junk + sizeof(junk) - 6, "%%EOF\n", 6);
	{
		AUTO(auto_close) int in = file_with(junk, sizeof(junk));
		struct result r = run_filter(in, "", "1");

		CHECK(r.code == 0 && proves(r.out, junk, sizeof(junk), &s) && s.pages == -1);
		CHECK(strstr(r.said, "DEBUG: The number of pages is unknown"));
		close(r.out);
	}
}

static void closed_pipe_is_an_error_and_no_death(void)
{
	size_t count;
	AUTO(auto_free) char *pdf = make_pdf(1, 595, 842, "", &count);
	AUTO(auto_close) int in = file_with(pdf, count);
	int ends[2], status = 0;
	pid_t pid;

	CHECK(!pipe2(ends, O_CLOEXEC));
	pid = fork();
	if (pid == 0) {
		dup2(in, 0);
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		close(2);
		execl(program, "Office", "1", "anna", "title", "1", "", NULL);
		_exit(127);
	}
	close(ends[0]);
	close(ends[1]);
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void sigterm_ends_it_and_leaves_no_file(void)
{
	int in[2], status = 0;
	pid_t pid;

	CHECK(!pipe2(in, O_CLOEXEC));
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(in[0], 0);
		setenv("TMPDIR", folder, 1);
		execl(program, "Office", "1", "anna", "title", "1", "", NULL);
		_exit(127);
	}
	CHECK(write(in[1], "%PDF-1.4\n", 9) == 9);
	usleep(100000);
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	close(in[0]);
	close(in[1]);
	CHECK(!rmdir(folder) && !mkdir(folder, 0700)); /* it was empty */
}

static void defaults_of_the_queues_ppd_reach_the_ticket(void)
{
	static const char ppd[] =
		"*PPD-Adobe: \"4.3\"\n*DefaultDuplex: DuplexNoTumble\n*DefaultColorModel: RGB\n"
		"*DefaultPageSize: A3\n*DefaultcupsPrintQuality: High\n";
	size_t count;
	AUTO(auto_free) char *pdf = make_pdf(1, 595, 842, "", &count);
	AUTO(auto_close) int in = file_with(pdf, count);
	struct ticket_summary s;
	struct result r;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/q.ppd", folder);
	f = fopen(path, "w");
	fputs(ppd, f);
	fclose(f);
	setenv("PPD", path, 1);
	r = run_filter(in, "", "1");
	CHECK(r.code == 0 && proves(r.out, pdf, count, &s));
	CHECK(!strcmp(s.sides, "two-sided-long-edge") && s.quality == 5 && !s.color_mode[0] &&
		!s.media[0]);
	close(r.out);
	lseek(in, 0, SEEK_SET);
	r = run_filter(in, "sides=one-sided", "1");
	CHECK(r.code == 0 && proves(r.out, pdf, count, &s) && !strcmp(s.sides, "one-sided"));
	close(r.out);
	unsetenv("PPD");
	unlink(path);
}

/* Starting with them costs several times what reading a document costs: filter/late.h. */
static void inspecting_starts_without_the_libraries_of_the_ticket(void)
{
	AUTO(auto_close) int out = file_with("", 0);
	char *argv[] = {program, "--inspect", NULL};
	char list[16384] = "";
	pid_t pid;

#ifdef __SANITIZE_ADDRESS__
	SKIP("sanitizers start first and do not list");
#endif
	pid = fork();
	if (pid == 0) {
		dup2(out, 1);
		setenv("LD_TRACE_LOADED_OBJECTS", "1",
			1); /* as ldd(1): the linker lists and ends */
		execv(program, argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	if (pread(out, list, sizeof(list) - 1, 0) < 0)
		abort();
	CHECK(strstr(list, "libz.so"));
	CHECK(!strstr(list, "libcups") && !strstr(list, "libgnutls"));
	CHECK(!strstr(list, "libsodium") && !strstr(list, "libjson"));
}

int main(int argc, char **argv)
{
	const char *named = getenv("STILLPRINT_FILTER"),
		   *slash = argc ? strrchr(argv[0], '/') : NULL;

	snprintf(program, sizeof(program), "%.*s/../bin/stillprint-ticket",
		slash ? (int)(slash - argv[0]) : 1, slash ? argv[0] : ".");
	if (named)
		snprintf(program, sizeof(program), "%s", named);
	signal(SIGPIPE, SIG_IGN);
	unsetenv("PPD");
	if (!mkdtemp(folder))
		abort();
	RUN(pdf_becomes_ticket_and_document);
	RUN(empty_input_is_refused);
	RUN(every_cut_that_loses_the_end_is_refused);
	RUN(other_formats_are_refused);
	RUN(garbage_between_header_and_end_prints_with_unknown_pages);
	RUN(closed_pipe_is_an_error_and_no_death);
	RUN(sigterm_ends_it_and_leaves_no_file);
	RUN(defaults_of_the_queues_ppd_reach_the_ticket);
	RUN(inspecting_starts_without_the_libraries_of_the_ticket);
	rmdir(folder);
	return tap_done();
}
