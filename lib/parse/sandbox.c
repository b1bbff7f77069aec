/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox - read a document in a child that can do nothing but read it.
 *
 * The child has the document, a pipe, memory and time; no other file, no new privilege, and where
 * the kernel filters system calls only those listed here.  Its death is an answer: unknown. */
#include "parse/jpx.h"
#include "parse/parse.h"
#include "parse/record.h"
#include "parse/render.h"
#include "parse/result.h"
#include "parse/src.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Sanitizers map terabytes, open files and write to stderr: they run without these two. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__i386__)
#define ARCH AUDIT_ARCH_I386
#elif defined(__arm__)
#define ARCH AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCH AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define ARCH AUDIT_ARCH_S390X
#endif

#ifdef ARCH
#define ALLOW(nr) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* The C library's memory, clock and exit, the document and the pipe: nothing that names a thing.
 * Whatever else is asked for ends the child. */
static const struct sock_filter filter[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	ALLOW(__NR_pread64),
	ALLOW(__NR_write),
	ALLOW(__NR_brk),
#ifdef __NR_mmap2
	ALLOW(__NR_mmap2),
#endif
#ifdef __NR_mmap
	ALLOW(__NR_mmap),
#endif
	ALLOW(__NR_munmap),
	ALLOW(__NR_mremap),
	ALLOW(__NR_mprotect),
	ALLOW(__NR_madvise),
	ALLOW(__NR_futex),
	ALLOW(__NR_getrandom),
	ALLOW(__NR_clock_gettime),
#ifdef __NR_clock_gettime64
	ALLOW(__NR_clock_gettime64),
#endif
	ALLOW(__NR_rt_sigreturn),
	ALLOW(__NR_exit),
	ALLOW(__NR_exit_group),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};

/* A kernel without seccomp filters still has the rlimits; so the answer is not asked for. */
static void filter_system_calls(void)
{
	struct sock_fprog prog = {sizeof(filter) / sizeof(filter[0]), (struct sock_filter *)filter};

	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0);
}
#else
static void filter_system_calls(void)
{
}
#endif

static bool cap(int what, rlim_t value)
{
	struct rlimit rl = {value, value};

	return setrlimit(what, &rl) == 0;
}

/* Lets go of everything but @fd and @pipe. Return: whether the child may touch the document. */
static bool drop_all(int fd, int pipe, const struct parse_limits *limits)
{
	int low = fd < pipe ? fd : pipe, high = fd < pipe ? pipe : fd;
	bool ok;

	if (!SANITIZED) {
		if (low > 0)
			close_range(0, (unsigned int)low - 1, 0);
		close_range((unsigned int)low + 1, (unsigned int)high - 1, 0);
		close_range((unsigned int)high + 1, ~0U, 0);
	}
	ok = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
	ok = cap(RLIMIT_CPU, limits->cpu_s) && cap(RLIMIT_CORE, 0) && cap(RLIMIT_FSIZE, 0) && ok;
	if (SANITIZED)
		return ok;
	ok = cap(RLIMIT_AS, limits->memory_octets) && cap(RLIMIT_NOFILE, 0) && ok;
	filter_system_calls();
	return ok;
}

static void write_all(int fd, const uint8_t *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

static int read_document(
	int fd, uint64_t size, const struct parse_limits *limits, struct parse_result **out)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	AUTO(src_freep) struct src *s = NULL;
	int rc;

	rc = result_new(&r);
	if (!rc)
		rc = src_new_fd(fd, size, &s);
	if (!rc)
		rc = parse_document(s, limits, r);
	if (!rc)
		*out = STEAL(r);
	return rc;
}

static void child(int fd, uint64_t size, int pipe, const struct parse_limits *limits, bool jpx)
	__attribute__((__noreturn__));
static void child(int fd, uint64_t size, int pipe, const struct parse_limits *limits, bool jpx)
{
	struct parse_result *r = NULL;
	uint8_t *record = NULL;
	size_t len = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The caller's handlers are not ours to run, nor is its stderr ours to write to. */
	for (int sig = 1; sig < NSIG; sig++)
		if (!SANITIZED || sig == SIGTERM || sig == SIGPIPE)
			signal(sig, SIG_DFL);
	if (jpx)
		jpx_load();
	jpx_forbid();
	if (drop_all(fd, pipe, limits) && !read_document(fd, size, limits, &r) &&
		!record_encode(r, &record, &len))
		write_all(pipe, record, len);
	free(record);
	parse_result_free(r);
	_exit(0);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Reads to the end of @fd, to @max octets or to the deadline. Return: 0, -ETIME, -EMSGSIZE, -errno. */
static int slurp(int fd, size_t max, uint32_t wall_ms, uint8_t **buf, size_t *len)
{
	int64_t end = now_ms() + wall_ms;
	size_t room = 0;

	for (;;) {
		struct pollfd pfd = {fd, POLLIN, 0};
		int64_t left = end - now_ms();
		ssize_t n;

		if (*len == room) {
			uint8_t *more =
				room > max ? NULL : realloc(*buf, room = room ? 2 * room : 4096);

			if (!more)
				return room > max ? -EMSGSIZE : -ENOMEM;
			*buf = more;
		}
		if (left <= 0 || poll(&pfd, 1, (int)(left > 1000 ? 1000 : left)) < 0) {
			if (left > 0 && errno == EINTR)
				continue;
			return left > 0 ? -errno : -ETIME;
		}
		if (!pfd.revents)
			continue;
		n = read(fd, *buf + *len, room - *len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return 0;
		if (n > 0)
			*len += (size_t)n;
	}
}

/* What is known of a document whose reader did not come back with a whole record. */
static int unknown_result(struct parse_result **out)
{
	int rc = result_new(out);

	if (!rc)
		(*out)->flags = PARSE_F_DIED;
	return rc;
}

static int hear_child(
	pid_t pid, int fd, const struct parse_limits *limits, struct parse_result **out)
{
	uint8_t *buf = NULL;
	size_t len = 0;
	int status = 0, rc;

	rc = slurp(fd, record_max(limits), limits->wall_ms, &buf, &len);
	if (rc)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!rc)
		rc = status ? -ECHILD : record_decode(buf, len, limits, out);
	free(buf);
	return rc ? unknown_result(out) : 0;
}

/* Reads the document in a child of its own. @jpx: with the decoder of JPEG 2000 in it. */
static int read_apart(int fd, uint64_t size, const struct parse_limits *limits, bool jpx,
	struct parse_result **out)
{
	int pipefd[2], rc;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0)
		child(fd, size, pipefd[1], limits, jpx);
	rc = pid < 0 ? -errno : 0;
	close(pipefd[1]);
	if (!rc)
		rc = hear_child(pid, pipefd[0], limits, out);
	close(pipefd[0]);
	return rc;
}

/* Few documents have such pictures, so the others do not pay for the decoder: one that met some is read again. */
static void read_with_jpx(
	int fd, uint64_t size, const struct parse_limits *limits, struct parse_result **r)
{
	struct parse_result *again = NULL;

	if (!((*r)->flags & PARSE_F_JPX) || read_apart(fd, size, limits, true, &again))
		return;
	if (!(again->flags & PARSE_F_DIED) && again->count == (*r)->count) {
		parse_result_free(*r);
		*r = STEAL(again);
	}
	parse_result_free(again);
}

int parse_sandboxed(int fd, const struct parse_limits *limits, struct parse_result **out)
{
	struct parse_limits standard;
	struct stat st;
	int rc;

	if (!limits) {
		parse_limits_init(&standard);
		limits = &standard;
	}
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (limits->no_sandbox)
		return read_document(fd, (uint64_t)st.st_size, limits, out);
	rc = read_apart(fd, (uint64_t)st.st_size, limits, false, out);
	if (!rc)
		read_with_jpx(fd, (uint64_t)st.st_size, limits, out);
	if (!rc && !limits->count_only)
		render_unknown(fd, limits, *out);
	return rc;
}
