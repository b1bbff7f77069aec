/* SPDX-License-Identifier: Apache-2.0 */
/* test-parse-run - several documents in one run: each has its own result, whatever became of the one before. */
#include "parse/doc.h"
#include "tap.h"
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <zlib.h>

/* One page, @w points wide. */
static int page_of(int w)
{
	struct doc d = {0};
	char box[64];
	int fd;

	snprintf(box, sizeof(box), "/CropBox [0 0 %d 100]", w);
	doc_page(&d, box, "", "0 g 0 0 50 50 re f");
	doc_end(&d, "");
	fd = doc_fd(d.p, d.len);
	doc_fini(&d);
	return fd;
}

/* One page that keeps its reader busy for a tenth of a second or more. */
static int slow_page(void)
{
	enum { PLAIN = 250 << 20, STEP = 1 << 20 };
	AUTO(auto_free) uint8_t *packed = malloc(1 << 20), *plain = malloc(STEP);
	z_stream z = {.next_out = packed, .avail_out = 1 << 20};
	struct doc d = {0};
	int fd;

	if (!packed || !plain || deflateInit(&z, 9) != Z_OK)
		abort();
	memset(plain, ' ', STEP);
	for (int i = 0; i < PLAIN / STEP; i++) {
		z.next_in = plain;
		z.avail_in = STEP;
		if (deflate(&z, i + 1 < PLAIN / STEP ? Z_NO_FLUSH : Z_FINISH) < 0)
			abort();
	}
	doc_object(&d, "<< /Type /Catalog /Pages 2 0 R >>");
	doc_object(&d, "<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 9 9] >>");
	doc_object(&d, "<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>");
	doc_stream(&d, "/Filter /FlateDecode", packed, z.total_out);
	doc_end(&d, "");
	deflateEnd(&z);
	fd = doc_fd(d.p, d.len);
	doc_fini(&d);
	return fd;
}

static int width_of_next(struct parse_run *run)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	int rc = parse_next(run, &r);

	return rc ? rc : r->count == 1 ? (int)r->pages[0].width_pt : 0;
}

/* Our only child, 0 while there is none. */
static pid_t reader(void)
{
	int child = 0;
	char name[64];
	FILE *f;

	snprintf(name, sizeof(name), "/proc/self/task/%d/children", (int)getpid());
	f = fopen(name, "r");
	if (f && fscanf(f, "%d", &child) != 1)
		child = 0;
	if (f)
		fclose(f);
	return child;
}

static void close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void each_document_has_its_own_result(void)
{
	AUTO(parse_endp) struct parse_run *run = NULL;
	int fds[] = {page_of(60), open("/", O_RDONLY | O_CLOEXEC), page_of(70), -1,
		doc_fd("not a document", 14), page_of(80)};

	CHECK(!parse_begin(fds, 6, NULL, &run));
	CHECK(width_of_next(run) == 60);
	CHECK(width_of_next(run) == -EINVAL);
	CHECK(width_of_next(run) == 70);
	CHECK(width_of_next(run) == -EBADF);
	CHECK(width_of_next(run) == 0);
	CHECK(width_of_next(run) == 80);
	CHECK(width_of_next(run) == -EINVAL);
	close_all(fds, 6);
}

static void death_of_the_reader_is_unknown_for_one_document(void)
{
	AUTO(parse_endp) struct parse_run *run = NULL;
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	int fds[] = {page_of(60), slow_page(), page_of(70), page_of(80)};

	CHECK(!parse_begin(fds, 4, NULL, &run));
	CHECK(width_of_next(run) == 60);
	CHECK(reader() > 1 && !kill(reader(), SIGKILL));
	CHECK(!parse_next(run, &r) && r->count == PARSE_COUNT_UNKNOWN);
	CHECK(r->flags & PARSE_F_DIED);
	CHECK(width_of_next(run) == 70);
	CHECK(width_of_next(run) == 80);
	close_all(fds, 4);
}

static void after_a_slow_document_another_child_reads(void)
{
	AUTO(parse_endp) struct parse_run *run = NULL;
	struct parse_limits limits;
	int fds[] = {slow_page(), page_of(60), slow_page()};
	pid_t first;

	parse_limits_init(&limits);
	limits.cpu_s = 2;
	CHECK(!parse_begin(fds, 3, &limits, &run));
	first = reader();
	CHECK(width_of_next(run) == 9);
	CHECK(width_of_next(run) == 60);
	CHECK(first > 1 && reader() > 1 && reader() != first);
	CHECK(width_of_next(run) == 9);
	close_all(fds, 3);
}

static void quick_documents_have_one_child(void)
{
	AUTO(parse_endp) struct parse_run *run = NULL;
	int fds[] = {page_of(60), page_of(70), slow_page()};
	pid_t first;

	CHECK(!parse_begin(fds, 3, NULL, &run));
	first = reader();
	CHECK(width_of_next(run) == 60);
	CHECK(width_of_next(run) == 70);
	CHECK(first > 1 && reader() == first);
	close_all(fds, 3);
}

/* How many descriptors process @pid has, -1 if nobody knows. */
static int count_descriptors(pid_t pid)
{
	char name[64];
	int count = 0;
	DIR *dir;

	snprintf(name, sizeof(name), "/proc/%d/fd", (int)pid);
	dir = opendir(name);
	if (!dir)
		return -1;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir))
		count += e->d_name[0] != '.';
	closedir(dir);
	return count;
}

static void reader_has_its_documents_and_a_pipe(void)
{
	AUTO(parse_endp) struct parse_run *run = NULL;
	int between = -1, fds[2], count = -1;

#ifdef __SANITIZE_ADDRESS__
	SKIP("sanitizers keep files of their own");
#endif
	fds[0] = slow_page();
	between = open("/", O_RDONLY | O_CLOEXEC);
	fds[1] = page_of(60);
	CHECK(!parse_begin(fds, 2, NULL, &run));
	for (int i = 0; i < 5000 && count != 3; i++) {
		count = count_descriptors(reader());
		nanosleep(&(struct timespec){0, 200000}, NULL);
	}
	CHECK(count == 3);
	close(between);
	close_all(fds, 2);
}

static void run_that_is_given_up_leaves_no_child(void)
{
	int fds[] = {slow_page(), page_of(60)};
	struct parse_run *run = NULL;

	CHECK(!parse_begin(fds, 2, NULL, &run));
	CHECK(reader() > 1);
	parse_end(run);
	CHECK(reader() == 0);
	close_all(fds, 2);
}

int main(void)
{
	RUN(each_document_has_its_own_result);
	RUN(death_of_the_reader_is_unknown_for_one_document);
	RUN(after_a_slow_document_another_child_reads);
	RUN(quick_documents_have_one_child);
	RUN(reader_has_its_documents_and_a_pipe);
	RUN(run_that_is_given_up_leaves_no_child);
	return tap_done();
}
