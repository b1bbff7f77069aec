/* SPDX-License-Identifier: Apache-2.0 */
/* drawing - a separate program that draws pages into a pipe, and the pictures that come out of it. */
#include "parse/drawing.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SIDE_MAX = 4096, CPU_S = 10, LAST_MS = 1000 };

int64_t drawing_now_ms(void)
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

/* The document opened anew: what the caller has open has an offset that is not ours to move. */
static int open_again(int fd, uint64_t from)
{
	char path[32];
	int own;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_RDONLY | O_CLOEXEC);
	return own >= 0 && lseek(own, (off_t)from, SEEK_SET) == (off_t)from ? own : -1;
}

static void become(const char *program, char *const argv[], int fd, uint64_t from, int out,
	const struct parse_limits *limits) __attribute__((__noreturn__));
static void become(const char *program, char *const argv[], int fd, uint64_t from, int out,
	const struct parse_limits *limits)
{
	char *env[] = {
		"PATH=/usr/bin:/bin", "LANG=C", "HOME=/nonexistent", "TMPDIR=/nonexistent", NULL};
	int nowhere = open("/dev/null", O_WRONLY);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	/* Its own descriptors first, as @fd and @out may be among the first three. */
	fd = fcntl(open_again(fd, from), F_DUPFD, 3);
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
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || chdir("/"))
		_exit(127);
	execve(program, argv, env);
	_exit(127);
}

int drawing_start(struct drawing *d, const char *program, char *const argv[], int fd, uint64_t from,
	const struct parse_limits *limits, int64_t end_ms)
{
	int pipefd[2];

	d->end_ms = end_ms;
	d->at = d->len = 0;
	if (pipe2(pipefd, O_CLOEXEC))
		return -errno;
	d->fd = pipefd[0];
	d->pid = fork();
	if (d->pid == 0)
		become(program, argv, fd, from, pipefd[1], limits);
	close(pipefd[1]);
	if (d->pid > 0)
		return 0;
	close(d->fd);
	return -EAGAIN;
}

/* Return: the octet, -1 at the end, -2 when time is up. */
static int next_octet(struct drawing *d)
{
	while (d->at == d->len) {
		struct pollfd pfd = {d->fd, POLLIN, 0};
		int64_t left = d->end_ms - drawing_now_ms();
		ssize_t n;

		if (left <= 0 || (poll(&pfd, 1, (int)left) < 0 && errno != EINTR))
			return -2;
		if (!pfd.revents)
			continue;
		n = read(d->fd, d->buf, sizeof(d->buf));
		if (n <= 0 && !(n < 0 && errno == EINTR))
			return -1;
		d->at = 0;
		d->len = n > 0 ? (size_t)n : 0;
	}
	return d->buf[d->at++];
}

/* A number of a PPM's head, with the one blank after it. */
static int head_number(struct drawing *d)
{
	int c = next_octet(d), v = 0;

	while (c == ' ' || c == '\n' || c == '#') {
		while (c == '#' && (c = next_octet(d)) >= 0 && c != '\n')
			c = '#';
		c = next_octet(d);
	}
	for (; c >= '0' && c <= '9' && v < 100000; c = next_octet(d))
		v = v * 10 + (c - '0');
	return c == ' ' || c == '\n' ? v : -1;
}

int drawing_next(struct drawing *d, int enough, struct drawn *out)
{
	int c = next_octet(d), w, h, max;

	if (c == -1)
		return 0;
	if (c != 'P' || next_octet(d) != '6')
		return -EBADMSG;
	w = head_number(d);
	h = head_number(d);
	max = head_number(d);
	if (w < 1 || h < 1 || w > SIDE_MAX || h > SIDE_MAX || max != 255)
		return -EBADMSG;
	*out = (struct drawn){w, h, 0};
	for (int64_t i = 0; i < (int64_t)w * h && out->chroma < enough; i++) {
		int r = next_octet(d), g = next_octet(d), b = next_octet(d), top, low;

		if (b < 0)
			return -EBADMSG;
		top = r > g ? r : g;
		low = r < g ? r : g;
		top = top > b ? top : b;
		low = low < b ? low : b;
		out->chroma = top - low > out->chroma ? top - low : out->chroma;
	}
	return 1;
}

bool drawing_stop(struct drawing *d)
{
	int status = 0, c = next_octet(d);

	close(d->fd);
	if (c != -1) /* it may draw on, or hang */
		kill(d->pid, SIGKILL);
	while (waitpid(d->pid, &status, 0) < 0 && errno == EINTR)
		;
	return c == -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
