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
#include <malloc.h>
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

enum {
	/* A child that has used such a part of the time reads no further document: each gets its whole time. */
	LONG_PART = 30,
	HEAP_STEP = 256 << 10,
	HEAP_KEPT = 32 << 20, /* what is below is used again rather than given back */
	EAR_FIRST = 4096,
};

struct document {
	int fd, rc; /* @rc: -errno when it can be read by nobody */
	uint64_t size;
};

/* What was heard of a record. */
struct ear {
	int fd;
	uint8_t *buf;
	size_t len, room;
};

struct parse_run {
	struct parse_limits limits;
	size_t count, next; /* @next: whose result comes next */
	pid_t pid; /* 0: no child */
	size_t heard; /* from this child */
	bool jpx; /* the child has the decoder of JPEG 2000 in it */
	struct ear ear;
	struct document docs[];
};

static bool must_stay(const struct parse_run *run, int fd, int pipe)
{
	bool stays = fd == pipe;

	for (size_t i = run->next; i < run->count && !stays; i++)
		stays = !run->docs[i].rc && run->docs[i].fd == fd;
	return stays;
}

/* Closes all but the documents that are still to be read and @pipe. */
static void close_others(const struct parse_run *run, int pipe)
{
	int top = pipe, from = 0;

	for (size_t i = run->next; i < run->count; i++)
		top = run->docs[i].fd > top ? run->docs[i].fd : top;
	for (int fd = 0; fd <= top; fd++) {
		if (!must_stay(run, fd, pipe))
			continue;
		if (fd > from)
			close_range((unsigned int)from, (unsigned int)fd - 1, 0);
		from = fd + 1;
	}
	close_range((unsigned int)from, ~0U, 0);
}

/* Return: whether the child may touch a document. */
static bool drop_all(const struct parse_run *run, int pipe)
{
	const struct parse_limits *limits = &run->limits;
	bool ok;

	if (!SANITIZED)
		close_others(run, pipe);
	ok = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
	ok = cap(RLIMIT_CPU, limits->cpu_s) && cap(RLIMIT_CORE, 0) && cap(RLIMIT_FSIZE, 0) && ok;
	if (SANITIZED)
		return ok;
	ok = cap(RLIMIT_AS, limits->memory_octets) && cap(RLIMIT_NOFILE, 0) && ok;
	filter_system_calls();
	return ok;
}

static bool write_all(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static int read_document(
	const struct document *d, const struct parse_limits *limits, struct parse_result **out)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	AUTO(src_freep) struct src *s = NULL;
	int rc;

	rc = result_new(&r);
	if (!rc)
		rc = src_new_fd(d->fd, d->size, &s);
	if (!rc)
		rc = parse_document(s, limits, r);
	if (!rc)
		*out = STEAL(r);
	return rc;
}

static int64_t clock_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Return: whether this child may go on with another document: nothing was odd about this one. */
static bool answer(const struct document *d, const struct parse_limits *limits, int pipe)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	AUTO(auto_free) uint8_t *record = NULL;
	size_t len = 0;

	if (read_document(d, limits, &r) || record_encode(r, &record, &len))
		return false;
	return write_all(pipe, record, len) && !(r->flags & PARSE_F_LIMIT) &&
	       clock_ms(CLOCK_PROCESS_CPUTIME_ID) < limits->cpu_s * 1000LL / LONG_PART;
}

/* The caller's handlers are not ours to run: what a fault or a limit sends ends us, the rest waits. */
static void forget_handlers(void)
{
	static const int deadly[] = {
		SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGXCPU, SIGTERM};
	sigset_t others;

	sigfillset(&others);
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++) {
		sigdelset(&others, deadly[i]);
		if (!SANITIZED || deadly[i] == SIGTERM)
			signal(deadly[i], SIG_DFL);
	}
	sigprocmask(SIG_SETMASK, &others, NULL);
}

static void child(const struct parse_run *run, int pipe) __attribute__((__noreturn__));
static void child(const struct parse_run *run, int pipe)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	forget_handlers();
#ifdef M_TRIM_THRESHOLD
	/* Fewer steps, and none back: the life is short. */
	mallopt(M_TOP_PAD, HEAP_STEP);
	mallopt(M_TRIM_THRESHOLD, HEAP_KEPT);
	mallopt(M_MMAP_THRESHOLD, HEAP_KEPT);
#endif
	if (run->jpx)
		jpx_load();
	jpx_forbid();
	if (drop_all(run, pipe)) {
		bool more = true;

		for (size_t i = run->next; i < run->count && more; i++)
			more = run->docs[i].rc || answer(&run->docs[i], &run->limits, pipe);
	}
	_exit(0);
}

/* Return: 0 when @e has @want octets or the child has said all, -ETIME, -ENOMEM, -errno. */
static int hear(struct ear *e, size_t want, int64_t end_ms)
{
	while (e->len < want) {
		struct pollfd pfd = {e->fd, POLLIN, 0};
		int64_t left = end_ms - clock_ms(CLOCK_MONOTONIC);
		ssize_t n;

		if (e->room < want) {
			size_t room = want < EAR_FIRST ? EAR_FIRST : want;
			uint8_t *more = realloc(e->buf, room);

			if (!more)
				return -ENOMEM;
			e->buf = more;
			e->room = room;
		}
		if (left <= 0)
			return -ETIME;
		if (poll(&pfd, 1, (int)(left > 1000 ? 1000 : left)) < 0 && errno != EINTR)
			return -errno;
		if (!pfd.revents)
			continue;
		n = read(e->fd, e->buf + e->len, e->room - e->len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return 0;
		if (n > 0)
			e->len += (size_t)n;
	}
	return 0;
}

/* One record. Return: 0, -ENODATA when the child ended before it said anything, or another -errno. */
static int hear_record(struct parse_run *run, struct parse_result **out)
{
	int64_t end_ms = clock_ms(CLOCK_MONOTONIC) + run->limits.wall_ms;
	struct ear *e = &run->ear;
	size_t size = RECORD_HEAD_OCTETS;
	int rc = hear(e, size, end_ms);

	if (!rc && !e->len)
		return -ENODATA;
	if (!rc)
		rc = record_size(e->buf, e->len, &run->limits, &size);
	if (!rc)
		rc = hear(e, size, end_ms);
	if (!rc)
		rc = e->len < size ? -EBADMSG : record_decode(e->buf, size, &run->limits, out);
	if (!rc) {
		e->len -= size;
		memmove(e->buf, e->buf + size, e->len);
	}
	return rc;
}

/* Return: whether the child had ended by itself and in order. */
static bool end_child(struct parse_run *run)
{
	int status = 0;

	if (!run->pid)
		return true;
	kill(run->pid,
		SIGKILL); /* it has said all that counts; one that has ended keeps its status */
	while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(run->ear.fd);
	run->pid = 0;
	run->ear.len = 0;
	return status == 0;
}

static int begin_child(struct parse_run *run)
{
	int pipefd[2], rc = 0;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0)
		child(run, pipefd[1]);
	rc = pid < 0 ? -errno : 0;
	close(pipefd[1]);
	if (rc) {
		close(pipefd[0]);
		return rc;
	}
	run->pid = pid;
	run->heard = 0;
	run->ear.fd = pipefd[0];
	return 0;
}

/* What is known of a document whose reader did not come back with a whole record. */
static int unknown_result(struct parse_result **out)
{
	int rc = result_new(out);

	if (!rc)
		(*out)->flags = PARSE_F_DIED;
	return rc;
}

/* The next document's result from the child that is there, or from a new one where it took its leave in order. */
static int hear_child(struct parse_run *run, struct parse_result **out)
{
	int rc = 0;

	for (;;) {
		if (!run->pid)
			rc = begin_child(run);
		if (rc)
			return rc;
		rc = hear_record(run, out);
		if (rc != -ENODATA || !run->heard || !end_child(run))
			break;
		rc = 0;
	}
	run->heard++;
	if (rc || run->next + 1 == run->count)
		end_child(run);
	return rc ? unknown_result(out) : 0;
}

static struct document look_at(int fd)
{
	struct document d = {.fd = fd};
	struct stat st;

	if (fstat(fd, &st))
		d.rc = -errno;
	else if (!S_ISREG(st.st_mode))
		d.rc = -EINVAL;
	else
		d.size = (uint64_t)st.st_size;
	return d;
}

int parse_begin(
	const int fds[], size_t count, const struct parse_limits *limits, struct parse_run **out)
{
	AUTO(parse_endp)
	struct parse_run *run = calloc(1, sizeof(*run) + count * sizeof(*run->docs));
	bool any = false;
	int rc;

	if (!run)
		return -ENOMEM;
	if (limits)
		run->limits = *limits;
	else
		parse_limits_init(&run->limits);
	run->count = count;
	for (size_t i = 0; i < count; i++) {
		run->docs[i] = look_at(fds[i]);
		any = any || !run->docs[i].rc;
	}
	rc = any && !run->limits.no_sandbox ? begin_child(run) : 0;
	if (!rc)
		*out = STEAL(run);
	return rc;
}

/* Few documents have such pictures, so the others do not pay for the decoder: one that met some is read again. */
static void read_with_jpx(
	const struct document *d, const struct parse_limits *limits, struct parse_result **r)
{
	AUTO(parse_endp) struct parse_run *run = calloc(1, sizeof(*run) + sizeof(*run->docs));
	struct parse_result *again = NULL;

	if (!run)
		return;
	run->limits = *limits;
	run->count = 1;
	run->jpx = true;
	run->docs[0] = *d;
	if (hear_child(run, &again))
		return;
	if (!(again->flags & PARSE_F_DIED) && again->count == (*r)->count) {
		parse_result_free(*r);
		*r = STEAL(again);
	}
	parse_result_free(again);
}

int parse_next(struct parse_run *run, struct parse_result **out)
{
	const struct document *d = &run->docs[run->next];
	int rc = run->next < run->count ? d->rc : -EINVAL;

	if (rc == 0)
		rc = run->limits.no_sandbox ? read_document(d, &run->limits, out)
					    : hear_child(run, out);
	if (!rc && ((*out)->flags & PARSE_F_JPX) && !run->limits.no_sandbox)
		read_with_jpx(d, &run->limits, out);
	if (!rc && !run->limits.count_only && !run->limits.no_sandbox)
		render_unknown(d->fd, &run->limits, *out);
	run->next += run->next < run->count;
	return rc;
}

void parse_end(struct parse_run *run)
{
	if (!run)
		return;
	end_child(run);
	free(run->ear.buf);
	free(run);
}

int parse_sandboxed(int fd, const struct parse_limits *limits, struct parse_result **out)
{
	AUTO(parse_endp) struct parse_run *run = NULL;
	int rc = parse_begin(&fd, 1, limits, &run);

	return rc ? rc : parse_next(run, out);
}
