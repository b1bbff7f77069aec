/* SPDX-License-Identifier: Apache-2.0 */
/* pagecount - see pagecount.h. */
#include "parse/pagecount.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <qpdf/qpdf-c.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/mono.h"

enum { MEMORY_OCTETS = 512 * 1024 * 1024, CPU_S = 10, WALL_MS = 20000, TREE_DEPTH = 64 };

/* ---- in the child ---- */

static void limit(int what, rlim_t value)
{
	struct rlimit r = {value, value};

	if (setrlimit((__rlimit_resource_t)what, &r))
		_exit(2);
}

static void allow_little(void)
{
	static const int calls[] = {
		SCMP_SYS(read),
		SCMP_SYS(write),
		SCMP_SYS(exit),
		SCMP_SYS(exit_group),
		SCMP_SYS(brk),
		SCMP_SYS(mmap),
		SCMP_SYS(munmap),
		SCMP_SYS(mremap),
		SCMP_SYS(mprotect),
		SCMP_SYS(madvise),
		SCMP_SYS(futex),
		SCMP_SYS(rt_sigreturn),
		SCMP_SYS(rt_sigprocmask),
		SCMP_SYS(getpid),
		SCMP_SYS(gettid),
		SCMP_SYS(tgkill),
		SCMP_SYS(clock_gettime),
		SCMP_SYS(gettimeofday),
		SCMP_SYS(getrandom),
	};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));

	if (!filter)
		_exit(2);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) < 0)
			_exit(2);
	/* Where the kernel has none of it (or a container forbids it) the limits above must do. */
	(void)!seccomp_load(filter);
	seccomp_release(filter);
}

static void confine(uint64_t octets, int keep)
{
	(void)octets;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_DFL);
	dup2(keep, 0); /* the pipe: the only descriptor that stays */
	for (int fd = 1; fd < 1024; fd++)
		close(fd);
	limit(RLIMIT_CORE, 0);
#ifndef __SANITIZE_ADDRESS__ /* whose shadow alone is larger */
	limit(RLIMIT_AS, (rlim_t)octets + MEMORY_OCTETS);
#endif
	limit(RLIMIT_CPU, CPU_S);
	limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_NOFILE, 1);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		_exit(2);
	allow_little();
}

/* @key of the page, or of the nearest parent that has it (ISO 32000-2 7.7.3.4). */
static qpdf_oh inherited(qpdf_data pdf, qpdf_oh page, const char *key)
{
	for (int depth = 0; depth < TREE_DEPTH && qpdf_oh_is_dictionary(pdf, page); depth++) {
		if (qpdf_oh_has_key(pdf, page, key))
			return qpdf_oh_get_key(pdf, page, key);
		page = qpdf_oh_get_key(pdf, page, "/Parent");
	}
	return qpdf_oh_new_null(pdf);
}

static bool read_box(qpdf_data pdf, qpdf_oh box, double corner[4])
{
	if (!qpdf_oh_is_array(pdf, box) || qpdf_oh_get_array_n_items(pdf, box) != 4)
		return false;
	for (int i = 0; i < 4; i++) {
		qpdf_oh number = qpdf_oh_get_array_item(pdf, box, i);

		if (!qpdf_oh_is_number(pdf, number))
			return false;
		corner[i] = qpdf_oh_get_numeric_value(pdf, number);
		if (!isfinite(corner[i]) || fabs(corner[i]) > 1e7)
			return false;
	}
	return true;
}

static void measure(qpdf_data pdf, qpdf_oh page, int32_t *x, int32_t *y)
{
	double c[4], unit = 1, w, h;
	qpdf_oh number;
	int turn = 0;

	*x = *y = 0;
	if (!read_box(pdf, inherited(pdf, page, "/CropBox"), c) &&
		!read_box(pdf, inherited(pdf, page, "/MediaBox"), c))
		return;
	number = qpdf_oh_get_key(pdf, page, "/UserUnit");
	if (qpdf_oh_is_number(pdf, number))
		unit = qpdf_oh_get_numeric_value(pdf, number);
	number = inherited(pdf, page, "/Rotate");
	if (qpdf_oh_is_integer(pdf, number))
		turn = qpdf_oh_get_int_value_as_int(pdf, number) / 90;
	if (!(unit > 0 && unit < 1000))
		unit = 1;
	w = fabs(c[2] - c[0]) * unit * 2540 / 72;
	h = fabs(c[3] - c[1]) * unit * 2540 / 72;
	if (w < 1 || h < 1 || w > INT32_MAX || h > INT32_MAX)
		return;
	*x = (int32_t)lround(turn % 2 ? h : w);
	*y = (int32_t)lround(turn % 2 ? w : h);
}

/* Sizes within a millimetre are one: 595 and 595.276 points are both A4. */
static void count_size(struct pagecount *out, int32_t x, int32_t y)
{
	if (!x || !y)
		return;
	for (int i = 0; i < out->size_count; i++) {
		if (abs(out->size[i].x - x) > 100 || abs(out->size[i].y - y) > 100)
			continue;
		out->size[i].pages++;
		return;
	}
	if (out->size_count < PAGECOUNT_SIZES)
		out->size[out->size_count++] = (struct pagecount_size){x, y, 1};
}

static void look(const char *octets, uint64_t count, struct pagecount *out)
{
	qpdf_data pdf = qpdf_init();
	int pages;

	qpdf_silence_errors(pdf);
	qpdf_set_suppress_warnings(pdf, QPDF_TRUE);
	if (qpdf_read_memory(pdf, "document", octets, count, NULL) & QPDF_ERRORS)
		return;
	pages = qpdf_get_num_pages(pdf);
	if (pages < 1 || pages > PAGECOUNT_MAX)
		return;
	for (int i = 0; i < pages; i++) {
		int32_t x, y;

		measure(pdf, qpdf_get_page_n(pdf, (size_t)i), &x, &y);
		count_size(out, x, y);
		qpdf_oh_release_all(pdf);
	}
	out->pages = pages;
}

static _Noreturn void child(int fd, int to, uint64_t octets)
{
	struct pagecount found = {.pages = -1};
	void *map = mmap(NULL, octets, PROT_READ, MAP_PRIVATE, fd, 0);

	if (map == MAP_FAILED)
		_exit(2);
	confine(octets, to);
	look(map, octets, &found);
	_exit(write(0, &found, sizeof(found)) == (ssize_t)sizeof(found) ? 0 : 2);
}

/* ---- in the parent ---- */

/* What the child says is hostile as well. */
static bool is_sound(const struct pagecount *c)
{
	int64_t sum = 0;

	if (c->pages < 1 || c->pages > PAGECOUNT_MAX || c->size_count < 0 ||
		c->size_count > PAGECOUNT_SIZES)
		return false;
	for (int i = 0; i < c->size_count; i++) {
		if (c->size[i].x < 1 || c->size[i].y < 1 || c->size[i].pages < 1)
			return false;
		sum += c->size[i].pages;
	}
	return sum <= c->pages;
}

static bool receive(int from, struct pagecount *out)
{
	int64_t deadline = mono_ms() + WALL_MS;
	size_t got = 0;

	while (got < sizeof(*out)) {
		struct pollfd p = {.fd = from, .events = POLLIN};
		int64_t left = deadline - mono_ms();
		ssize_t n;

		if (left <= 0)
			return false;
		if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return false;
		if (!p.revents)
			continue;
		n = read(from, (char *)out + got, sizeof(*out) - got);
		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

void pagecount_read(int fd, struct pagecount *out, const char **why)
{
	struct pagecount found = {0};
	int ends[2], status = 0;
	struct stat st;
	bool told;
	pid_t pid;

	*out = (struct pagecount){.pages = -1};
	*why = "cannot start looking at it";
	if (fstat(fd, &st) || st.st_size < 1 || pipe2(ends, O_CLOEXEC))
		return;
	pid = fork();
	if (pid == 0)
		child(fd, ends[1], (uint64_t)st.st_size);
	close(ends[1]);
	told = pid > 0 && receive(ends[0], &found);
	close(ends[0]);
	if (pid < 0)
		return;
	if (!told)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!told)
		*why = WIFSIGNALED(status) ? "looking at it took too long or too much memory"
					   : "looking at it failed";
	else if (!is_sound(&found))
		*why = "it is damaged, or needs a password";
	else {
		*why = NULL;
		*out = found;
	}
}
