/* SPDX-License-Identifier: Apache-2.0 */
/* render - have a separate program draw the pages whose colour is still unknown.
 *
 * The program is pdftoppm of poppler, or one with its options. It is not ours and not trusted: it has
 * the document as its standard input, a pipe, little memory and time, no network, no new privilege,
 * no file to write to, and its output is a picture of which only the pixels are looked at. */
#include "parse/render.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	LONGEST_PT = 2400, /* a page longer than this is drawn smaller */
	SIDE_MAX = 4096,
	CPU_S = 10,
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void cap(int what, rlim_t value)
{
	struct rlimit rl = {value, value};

	setrlimit(what, &rl);
}

static void draw(int fd, int out, int page, bool small, const struct parse_limits *limits)
	__attribute__((__noreturn__));
static void draw(int fd, int out, int page, bool small, const struct parse_limits *limits)
{
	char number[16], longest[16];
	char *plain[] = {"pdftoppm", "-q", "-cropbox", "-r", "72", "-f", number, "-l", number,
		"/dev/fd/0", NULL};
	char *scaled[] = {"pdftoppm", "-q", "-cropbox", "-scale-to", longest, "-f", number, "-l",
		number, "/dev/fd/0", NULL};
	char *env[] = {"PATH=/usr/bin:/bin", "LANG=C", "HOME=/nonexistent", NULL};
	int nowhere = open("/dev/null", O_WRONLY);

	snprintf(number, sizeof(number), "%d", page);
	snprintf(longest, sizeof(longest), "%d", LONGEST_PT);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	/* Its own descriptors first, as @fd and @out may be among the first three. */
	fd = fcntl(fd, F_DUPFD, 3);
	out = fcntl(out, F_DUPFD, 3);
	if (fd < 0 || out < 0 || dup2(fd, 0) < 0 || dup2(out, 1) < 0 || dup2(nowhere, 2) < 0)
		_exit(127);
	close_range(3, ~0U, 0);
	/* Where the kernel lets us: no network and nobody to talk to. */
	unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC);
	cap(RLIMIT_AS, limits->memory_octets);
	cap(RLIMIT_CPU, CPU_S);
	cap(RLIMIT_FSIZE, 0);
	cap(RLIMIT_CORE, 0);
	cap(RLIMIT_NOFILE, 64);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		_exit(127);
	execve(limits->renderer, small ? scaled : plain, env);
	_exit(127);
}

/* What comes through the pipe, until the deadline. */
struct picture {
	int fd;
	int64_t end;
	uint8_t buf[16384];
	size_t at, len;
};

static int next_octet(struct picture *p)
{
	while (p->at == p->len) {
		struct pollfd pfd = {p->fd, POLLIN, 0};
		int64_t left = p->end - now_ms();
		ssize_t n;

		if (left <= 0 || (poll(&pfd, 1, (int)left) < 0 && errno != EINTR))
			return -1;
		if (!pfd.revents)
			continue;
		n = read(p->fd, p->buf, sizeof(p->buf));
		if (n <= 0 && !(n < 0 && errno == EINTR))
			return -1;
		p->at = 0;
		p->len = n > 0 ? (size_t)n : 0;
	}
	return p->buf[p->at++];
}

/* A number of a PPM's head, with the one blank after it. */
static int head_number(struct picture *p)
{
	int c = next_octet(p), v = 0;

	while (c == ' ' || c == '\n')
		c = next_octet(p);
	for (; c >= '0' && c <= '9' && v < 100000; c = next_octet(p))
		v = v * 10 + (c - '0');
	return c == ' ' || c == '\n' ? v : -1;
}

/* Return: the largest chroma of the picture, -1 when it did not come whole. */
static int picture_chroma(struct picture *p, int tolerance)
{
	int magic = next_octet(p) == 'P' ? next_octet(p) : 0;
	int w = head_number(p), h = head_number(p), max = head_number(p), worst = 0;

	if (magic != '6' || w < 1 || h < 1 || w > SIDE_MAX || h > SIDE_MAX || max != 255)
		return -1;
	for (int64_t i = 0; i < (int64_t)w * h && worst <= tolerance; i++) {
		int r = next_octet(p), g = next_octet(p), b = next_octet(p), top, low;

		if (b < 0)
			return -1;
		top = r > g ? r : g;
		low = r < g ? r : g;
		top = top > b ? top : b;
		low = low < b ? low : b;
		worst = top - low > worst ? top - low : worst;
	}
	return worst;
}

static int page_chroma(int fd, int page, bool small, const struct parse_limits *limits, int64_t end)
{
	struct picture p = {.end = end};
	int pipefd[2], chroma;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC))
		return -1;
	pid = fork();
	if (pid == 0)
		draw(fd, pipefd[1], page, small, limits);
	close(pipefd[1]);
	p.fd = pipefd[0];
	chroma = pid < 0 ? -1 : picture_chroma(&p, limits->tolerance);
	close(pipefd[0]);
	if (pid > 0) {
		kill(pid, SIGKILL); /* it may draw on for a colour that was seen */
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	return chroma;
}

void render_unknown(int fd, const struct parse_limits *limits, struct parse_result *r)
{
	int64_t end = now_ms() + limits->render_ms;
	uint32_t drawn = 0;

	if (!limits->renderer || r->format != PARSE_FORMAT_PDF || access(limits->renderer, X_OK))
		return;
	for (int32_t i = 0; i < r->count && drawn < limits->render_pages && now_ms() < end; i++) {
		struct parse_page *page = &r->pages[i];
		int chroma;

		if (page->colour != PARSE_COLOUR_UNKNOWN)
			continue;
		drawn++;
		chroma = page_chroma(fd, i + 1,
			page->width_pt > LONGEST_PT || page->height_pt > LONGEST_PT, limits, end);
		if (chroma < 0)
			continue;
		page->colour = chroma > limits->tolerance ? PARSE_COLOUR_COLOUR : PARSE_COLOUR_GRAY;
		page->how = PARSE_HOW_RENDERED;
		page->faint = page->colour == PARSE_COLOUR_GRAY && chroma > limits->tolerance / 2;
	}
}
