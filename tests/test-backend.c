/* SPDX-License-Identifier: Apache-2.0 */
/* test-backend - the backend as cupsd starts it: argv, environment, a pipe, and faults at each step. A job is stored whole
 * with exit 0, or not at all with a reason.
 *
 * The program is STILLPRINT_BACKEND, or build/backend/stillprint beside this test. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/auto.h"
#include "base/mono.h"
#include "core/envelope.h"
#include "core/incoming.h"
#include "core/policy.h"
#include "core/seal.h"
#include "core/stream.h"
#include "core/ticket.h"
#include "core/vendor.h"
#include "tap.h"

static char program[4096];
static struct seal_pair pair;
static char spool[64], incoming[80], key_path[80];

struct run {
	pid_t pid;
	int in, err;
	char said[16384];
	size_t said_octets;
};

static void run_setup(const char *type, const char *final, const char *wait_s)
{
	setenv("PRINTER", "Office", 1);
	setenv("CONTENT_TYPE", type, 1);
	setenv("FINAL_CONTENT_TYPE", final, 1);
	setenv("DEVICE_URI", "stillprint:office", 1);
	setenv("STILLPRINT_SPOOL", spool, 1);
	setenv("STILLPRINT_RUN", spool, 1);
	setenv("STILLPRINT_WAIT_S", wait_s, 1);
	setenv("STILLPRINT_POLL_MS", "100", 1);
}

static struct run start_with(char *file)
{
	static char options[] =
		"job-uuid=urn:uuid:11111111-2222-3333-4444-555555555555 job-originating-host-name=localhost"
		" time-at-creation=1000000000 time-at-processing=1000000005 sides=one-sided";
	char *argv[] = {
		"stillprint:office", "42", "anna", "a title \xff", "2", options, file, NULL};
	struct run r = {0};
	int in[2], err[2];

	if (pipe2(in, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		abort();
	r.pid = fork();
	if (r.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(in[0], 0);
		dup2(err[1], 2);
		close(1);
		open("/dev/null", O_WRONLY);
		execv(program, argv);
		_exit(127);
	}
	close(in[0]);
	close(err[1]);
	r.in = in[1];
	r.err = err[0];
	return r;
}

static struct run start(void)
{
	run_setup("application/pdf", VENDOR_JOB_TYPE, "0");
	return start_with(NULL);
}

/* What it says until it closes stderr, or until @text came. */
static bool listen_for(struct run *r, const char *text, int timeout_ms)
{
	int64_t deadline = mono_ms() + timeout_ms;

	for (;;) {
		struct pollfd p = {.fd = r->err, .events = POLLIN};
		int64_t left = deadline - mono_ms();
		ssize_t n;

		if (text && strstr(r->said, text))
			return true;
		if (left <= 0 || poll(&p, 1, (int)left) < 1)
			return false;
		n = read(r->err, r->said + r->said_octets, sizeof(r->said) - 1 - r->said_octets);
		if (n <= 0)
			return !text;
		r->said_octets += (size_t)n;
	}
}

/* Its exit code, -signal, or 999 if it hangs. */
static int end(struct run *r)
{
	int status = 0;

	if (r->in >= 0)
		close(r->in);
	if (!listen_for(r, NULL, 15000)) {
		kill(r->pid, SIGKILL);
		waitpid(r->pid, &status, 0);
		close(r->err);
		return 999;
	}
	waitpid(r->pid, &status, 0);
	close(r->err);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static bool said(const struct run *r, const char *text)
{
	bool yes = strstr(r->said, text) != NULL;

	if (!yes)
		printf("# it said: %s\n", r->said);
	return yes;
}

static void send_octets(struct run *r, const void *octets, size_t count)
{
	const char *p = octets;

	while (count) {
		ssize_t n = write(r->in, p, count);

		if (n < 0)
			return;
		p += n;
		count -= (size_t)n;
	}
}

static void *make_ticket(size_t *count)
{
	struct ticket_pages pages = {.pages = 3};
	ipp_t *t = NULL;
	void *octets = NULL;

	if (ticket_from_options(0, NULL, 0, NULL, 2, &t) ||
		ticket_add_document(t, "application/pdf", &pages) ||
		ticket_encode(t, &octets, count))
		abort();
	ippDelete(t);
	return octets;
}

/* A whole stream in memory. */
static char *make_stream(size_t document, size_t *count)
{
	AUTO(auto_free) char *d = calloc(1, document + 1);
	AUTO(stream_writer_freep) struct stream_writer *w = NULL;
	size_t ticket_octets = 0;
	AUTO(auto_free) void *ticket = make_ticket(&ticket_octets);
	char name[] = "/tmp/test-backend-XXXXXX", *all;
	AUTO(auto_close) int fd = mkstemp(name);

	unlink(name);
	if (stream_writer_new(fd, ticket, ticket_octets, &w) ||
		stream_writer_append(w, d, document) || stream_writer_finish(w))
		abort();
	*count = (size_t)lseek(fd, 0, SEEK_CUR);
	all = malloc(*count);
	if (pread(fd, all, *count, 0) != (ssize_t)*count)
		abort();
	return all;
}

/* Stored jobs; @temps receives how many temp files lie beside them; @path the last job's. */
static int count_jobs(int *temps, char *path, size_t size)
{
	DIR *dir = opendir(incoming);
	struct dirent *e;
	int jobs = 0;

	*temps = 0;
	while (dir && (e = readdir(dir))) {
		size_t n = strlen(e->d_name);

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (n > 4 && !strcmp(e->d_name + n - 4, ".job")) {
			jobs++;
			if (path)
				snprintf(path, size, "%s/%s", incoming, e->d_name);
		} else {
			++*temps;
		}
	}
	if (dir)
		closedir(dir);
	return jobs;
}

static void empty_incoming(void)
{
	char path[512];
	int temps;

	while (count_jobs(&temps, path, sizeof(path)) > 0)
		unlink(path);
}

static bool nothing_is_stored(void)
{
	int temps, jobs = count_jobs(&temps, NULL, 0);

	if (jobs || temps)
		printf("# %d jobs, %d temp files\n", jobs, temps);
	empty_incoming();
	return !jobs && !temps;
}

/* One job of @octets whose envelope is @e; the folder is empty afterwards. */
static bool one_is_stored(uint64_t octets, struct envelope *e)
{
	AUTO(seal_reader_freep) struct seal_reader *r = NULL;
	AUTO(auto_close) int fd = -1;
	struct seal_key key;
	struct stat st;
	char path[512], buf[65536];
	size_t got = 1, n;
	int temps, jobs = count_jobs(&temps, path, sizeof(path));
	const void *envelope;
	bool ok = jobs == 1 && !temps;

	if (!ok)
		return printf("# %d jobs, %d temp files\n", jobs, temps), empty_incoming(), false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ok = !fstat(fd, &st) && (st.st_mode & 07777) == 0660 && !seal_open_key(fd, &pair, &key) &&
	     !seal_reader_new(fd, &key, &r);
	while (ok && got)
		ok = !seal_reader_read(r, buf, sizeof(buf), &got);
	if (ok) {
		envelope = seal_reader_get_envelope(r, &n);
		ok = seal_reader_get_octets(r) == octets && !envelope_decode(envelope, n, e);
	}
	empty_incoming();
	return ok;
}

static void whole_job_is_stored_with_what_cups_said(void)
{
	size_t count;
	AUTO(auto_free) char *stream = make_stream(200000, &count);
	struct envelope e = {0};
	struct run r = start();

	send_octets(&r, stream, count);
	CHECK(end(&r) == 0);
	CHECK(said(&r, "INFO: Stored") && said(&r, "PAGE: 1 6\n") &&
		said(&r, "STATE: -" VENDOR "spool-full"));
	CHECK(one_is_stored(200000, &e));
	CHECK(!strcmp(e.queue, "Office") && !strcmp(e.owner, "anna") &&
		!strcmp(e.title, "a title \xff"));
	CHECK(e.cups_job_id == 42 && e.copies == 2 && e.created_s == 1000000000 &&
		e.processing_s == 1000000005);
	CHECK(!strcmp(e.job_uuid, "urn:uuid:11111111-2222-3333-4444-555555555555") &&
		!strcmp(e.host, "localhost"));
	CHECK(!strcmp(e.format, "application/pdf") && !e.raw && !e.banner &&
		strlen(e.document_uuid) == 45);
	CHECK(atoi(e.cups_run) == getpid() && llabs(e.run_started_s - mono_utc_s()) < 3600);
}

static void daemon_is_poked_with_the_file_name(void)
{
	size_t count;
	AUTO(auto_free) char *stream = make_stream(10, &count);
	AUTO(auto_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct envelope e = {0};
	char name[128] = "";
	struct run r;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/intake.sock", spool);
	CHECK(!bind(fd, (struct sockaddr *)&at, sizeof(at)));
	r = start();
	send_octets(&r, stream, count);
	CHECK(end(&r) == 0 && one_is_stored(10, &e));
	CHECK(recv(fd, name, sizeof(name) - 1, 0) > 20 && strstr(name, ".job"));
	CHECK(strstr(name, e.document_uuid + 9) != NULL);
	unlink(at.sun_path);
}

static void poke_at_a_full_socket_waits_for_nobody(void)
{
	size_t count;
	AUTO(auto_free) char *stream = make_stream(10, &count);
	AUTO(auto_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	AUTO(auto_close) int to = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct envelope e = {0};
	struct run r;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/intake.sock", spool);
	CHECK(!bind(fd, (struct sockaddr *)&at, sizeof(at)));
	while (sendto(to, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&at, sizeof(at)) == 1)
		;
	r = start();
	send_octets(&r, stream, count);
	CHECK(end(&r) == 0 && one_is_stored(10, &e));
	unlink(at.sun_path);
}

static void stream_cut_anywhere_is_not_stored(void)
{
	size_t count;
	AUTO(auto_free) char *stream = make_stream(100, &count);

	for (size_t n = 0; n<count; n += n> 20 && n < count - 60 ? 31 : 7) {
		struct run r = start();

		send_octets(&r, stream, n);
		CHECK(end(&r) == 6);
		CHECK(said(&r, "ERROR: Not stored: the document ended before its end"));
		CHECK(nothing_is_stored());
	}
}

static void changed_stream_is_not_stored(void)
{
	size_t count;
	AUTO(auto_free) char *stream = make_stream(100, &count);
	struct run r = start();

	stream[count - 60] ^= 1; /* in the document */
	send_octets(&r, stream, count);
	CHECK(end(&r) == 6 && said(&r, "ERROR: Not stored: the document changed") &&
		nothing_is_stored());
	r = start();
	send_octets(&r, "%PDF-1.7 straight from somewhere", 32);
	CHECK(end(&r) == 6 && nothing_is_stored());
}

static void stream_of_another_version_is_not_stored(void)
{
	size_t count;
	AUTO(auto_free) char *stream = make_stream(100, &count);
	struct run r = start();

	stream[5] = 9;
	send_octets(&r, stream, count);
	CHECK(end(&r) == 6 && said(&r, "of different versions") && nothing_is_stored());
}

static void forged_ticket_is_refused_however_it_comes(void)
{
	size_t count;
	AUTO(auto_free) char *stream = make_stream(100, &count);
	char file[] = "/tmp/test-backend-XXXXXX";
	AUTO(auto_close) int fd = mkstemp(file);
	struct policy open_to_raw = {.accept_raw = true}, closed = {0};
	struct envelope e = {0};
	struct run r;

	CHECK(write(fd, stream, count) == (ssize_t)count);
	/* cupsd says that the client called its own file a job of ours */
	run_setup(VENDOR_JOB_TYPE, VENDOR_JOB_TYPE, "0");
	r = start_with(NULL);
	send_octets(&r, stream, count);
	CHECK(end(&r) == 5 && said(&r, "ERROR: Refused") && nothing_is_stored());
	/* no filter ran */
	run_setup("application/pdf", VENDOR_JOB_TYPE, "0");
	r = start_with(file);
	CHECK(end(&r) == 5 && said(&r, "ERROR: Refused") && nothing_is_stored());
	/* something else came out of the filters */
	run_setup("application/pdf", "application/pdf", "0");
	r = start_with(NULL);
	send_octets(&r, stream, count);
	CHECK(end(&r) == 5 && nothing_is_stored());
	/* and where raw files are welcome, its ticket is still only octets */
	CHECK(policy_write(spool, "Office", &open_to_raw) == 0);
	run_setup("application/vnd.cups-raw", "application/octet-stream", "0");
	r = start_with(file);
	CHECK(end(&r) == 0 && one_is_stored(count, &e) && e.raw &&
		!strcmp(e.format, "application/vnd.cups-raw"));
	run_setup(VENDOR_JOB_TYPE, VENDOR_JOB_TYPE, "0");
	r = start_with(NULL);
	CHECK(end(&r) == 5 && nothing_is_stored());
	CHECK(policy_write(spool, "Office", &closed) == 0);
	unlink(file);
}

static void raw_on_stdin_is_refused_and_taken_by_policy(void)
{
	struct policy open_to_raw = {.accept_raw = true}, closed = {0};
	struct envelope e = {0};
	struct run r;

	run_setup("application/vnd.cups-raw", "application/vnd.cups-raw", "0");
	r = start_with(NULL);
	send_octets(&r, "PCL", 3);
	CHECK(end(&r) == 5 && nothing_is_stored());
	CHECK(policy_write(spool, "Office", &open_to_raw) == 0);
	r = start_with(NULL);
	send_octets(&r, "PCL", 3);
	CHECK(end(&r) == 0 && one_is_stored(3, &e) && e.raw);
	CHECK(policy_write(spool, "Office", &closed) == 0);
	CHECK(policy_write(spool, "../Office", &open_to_raw) == -EINVAL);
}

static void missing_key_is_waited_for(void)
{
	size_t count;
	AUTO(auto_free) char *stream = make_stream(100, &count);
	struct envelope e = {0};
	struct run r;

	CHECK(!unlink(key_path));
	run_setup("application/pdf", VENDOR_JOB_TYPE, "20");
	r = start_with(NULL);
	send_octets(&r, stream, count);
	CHECK(listen_for(&r, "STATE: +" VENDOR "spool-missing", 5000));
	CHECK(listen_for(&r, "INFO: ", 5000));
	CHECK(!seal_public_write(key_path, pair.public_key));
	CHECK(end(&r) == 0 && one_is_stored(100, &e));
	CHECK(strstr(strstr(r.said, "+" VENDOR "spool-missing"),
		"-" VENDOR "spool-full," VENDOR "spool-missing"));
}

static void missing_key_for_too_long_is_tried_again_later(void)
{
	size_t count;
	AUTO(auto_free) char *stream = make_stream(100, &count);
	struct run r;

	CHECK(!unlink(key_path));
	run_setup("application/pdf", VENDOR_JOB_TYPE, "1");
	r = start_with(NULL);
	send_octets(&r, stream, count);
	CHECK(end(&r) == 6 && said(&r, "for too long") &&
		said(&r, "STATE: -" VENDOR "spool-full,"));
	CHECK(!seal_public_write(key_path, pair.public_key) && nothing_is_stored());
}

static void cancel_while_waiting_stores_nothing_and_exits_0(void)
{
	size_t count;
	AUTO(auto_free) char *stream = make_stream(100, &count);
	int64_t began;
	struct run r;

	CHECK(!unlink(key_path));
	run_setup("application/pdf", VENDOR_JOB_TYPE, "60");
	setenv("STILLPRINT_POLL_MS", "30000", 1);
	r = start_with(NULL);
	send_octets(&r, stream, count);
	CHECK(listen_for(&r, "INFO: ", 5000));
	began = mono_ms();
	kill(r.pid, SIGTERM);
	CHECK(end(&r) == 0 && mono_ms() - began < 1000);
	CHECK(!strstr(r.said, "Stored;") && !strstr(r.said, "ERROR") &&
		said(&r, "STATE: -" VENDOR "spool-full,"));
	CHECK(!seal_public_write(key_path, pair.public_key) && nothing_is_stored());
}

static void cancel_in_mid_stream_stores_nothing_and_exits_0(void)
{
	size_t count;
	AUTO(auto_free) char *stream = make_stream(300000, &count);
	struct run r = start();
	int64_t began;
	int temps = 0;

	send_octets(&r, stream, count / 2);
	for (int i = 0; i < 100 && !temps; i++) {
		count_jobs(&temps, NULL, 0);
		usleep(10000);
	}
	CHECK(temps == 1);
	began = mono_ms();
	kill(r.pid, SIGTERM);
	CHECK(listen_for(&r, NULL, 5000) && mono_ms() - began < 1000); /* its input is still open */
	CHECK(end(&r) == 0 && !strstr(r.said, "ERROR") && nothing_is_stored());
}

static void hear_nothing(enum incoming_wait reason)
{
	(void)reason;
}

static void cancel_just_before_the_rename_stores_nothing(void)
{
	static volatile sig_atomic_t canceled;
	const struct incoming_caller caller = {&canceled, hear_nothing};
	struct envelope e = {.queue = "Office",
		.owner = "anna",
		.cups_job_id = 1,
		.format = "application/pdf",
		.document_uuid = "urn:uuid:1"};
	AUTO(incoming_freep) struct incoming *in = NULL, *other = NULL;

	run_setup("application/pdf", VENDOR_JOB_TYPE, "0");
	CHECK(incoming_begin(&caller, &e, "t", 1, &in) == 0 && incoming_append(in, "x", 1) == 0);
	canceled = 1;
	CHECK(incoming_commit(in, &e, NULL) == INCOMING_E_CANCELED);
	incoming_free(STEAL(in));
	CHECK(nothing_is_stored());
	canceled = 0;
	CHECK(incoming_begin(&caller, &e, "t", 1, &other) == 0 &&
		incoming_commit(other, &e, NULL) == 0);
	CHECK(one_is_stored(0, &e));
}

/* In a mount namespace of the test's own, so that nothing is left behind. */
static bool mount_small_incoming(void)
{
	if (geteuid() || mount("tmpfs", incoming, "tmpfs", 0, "size=128k,mode=2770"))
		return false;
	return true;
}

static void full_disk_in_mid_stream_is_waited_out_without_loss(void)
{
	size_t count;
	AUTO(auto_free) char *stream = make_stream(300000, &count);
	struct envelope e = {0};
	struct run r;

	if (!mount_small_incoming())
		SKIP("needs root for a tiny file system");
	run_setup("application/pdf", VENDOR_JOB_TYPE, "20");
	r = start_with(NULL);
	signal(SIGALRM, SIG_DFL);
	if (fork() == 0) { /* the pipe must be fed while it waits */
		send_octets(&r, stream, count);
		_exit(0);
	}
	close(r.in);
	r.in = -1;
	CHECK(listen_for(&r, "STATE: +" VENDOR "spool-full", 5000) &&
		listen_for(&r, "disk of the print spool is full", 5000));
	CHECK(!mount("tmpfs", incoming, "tmpfs", MS_REMOUNT, "size=1m,mode=2770"));
	CHECK(end(&r) == 0 && one_is_stored(300000, &e));
	wait(NULL);
	umount2(incoming, MNT_DETACH);
}

static void disk_full_for_too_long_is_tried_again_later(void)
{
	size_t count;
	AUTO(auto_free) char *stream = make_stream(300000, &count);
	struct run r;

	if (!mount_small_incoming())
		SKIP("needs root for a tiny file system");
	run_setup("application/pdf", VENDOR_JOB_TYPE, "1");
	r = start_with(NULL);
	send_octets(&r, stream, count);
	CHECK(end(&r) == 6 && said(&r, "for too long") && nothing_is_stored());
	umount2(incoming, MNT_DETACH);
}

static void discovery_answers_at_once_with_everything_closed(void)
{
	int out[2], status = 0;
	char line[256] = "";
	int64_t began = mono_ms();
	pid_t pid;

	CHECK(!pipe(out));
	pid = fork();
	if (pid == 0) {
		char *argv[] = {"stillprint", NULL};

		dup2(out[1], 1);
		close(0);
		close(2);
		execv(program, argv);
		_exit(127);
	}
	close(out[1]);
	CHECK(read(out[0], line, sizeof(line) - 1) > 0);
	waitpid(pid, &status, 0);
	CHECK(status == 0 && !strcmp(line, "network stillprint \"Unknown\" \"Stillprint\"\n"));
	CHECK(mono_ms() - began < 500);
	close(out[0]);
}

static void job_of_nobody_in_particular_is_refused(void)
{
	struct run r;

	run_setup("application/pdf", VENDOR_JOB_TYPE, "0");
	unsetenv("PRINTER");
	unsetenv("CLASS");
	r = start_with(NULL);
	CHECK(end(&r) == 5 && said(&r, "ERROR: Not stored") && nothing_is_stored());
}

static void lines_on_stderr_are_short_and_whole(void)
{
	char queue[4000];
	struct run r;

	memset(queue, 'q', sizeof(queue) - 1);
	queue[sizeof(queue) - 1] = '\0';
	run_setup("application/pdf", VENDOR_JOB_TYPE, "0");
	setenv("PRINTER", queue, 1);
	r = start_with(NULL);
	CHECK(end(&r) == 5);
	for (char *line = r.said, *next; *line; line = next + 1) {
		next = strchr(line, '\n');
		CHECK(next && next - line < 2047 && strchr("EWISPD", *line));
		if (!next)
			break;
	}
}

static void enter_own_mounts(void)
{
	if (!geteuid() && !unshare(CLONE_NEWNS))
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

int main(int argc, char **argv)
{
	const char *named = getenv("STILLPRINT_BACKEND"),
		   *slash = argc ? strrchr(argv[0], '/') : NULL;

	snprintf(program, sizeof(program), "%.*s/../backend/stillprint",
		slash ? (int)(slash - argv[0]) : 1, slash ? argv[0] : ".");
	if (named)
		snprintf(program, sizeof(program), "%s", named);
	signal(SIGPIPE, SIG_IGN);
	enter_own_mounts();
	snprintf(spool, sizeof(spool), "/tmp/test-backend-XXXXXX");
	if (!mkdtemp(spool) || seal_pair_new(&pair))
		abort();
	snprintf(incoming, sizeof(incoming), "%s/incoming", spool);
	snprintf(key_path, sizeof(key_path), "%s/intake.pub", spool);
	if (mkdir(incoming, 02770) || seal_public_write(key_path, pair.public_key))
		abort();
	RUN(whole_job_is_stored_with_what_cups_said);
	RUN(daemon_is_poked_with_the_file_name);
	RUN(poke_at_a_full_socket_waits_for_nobody);
	RUN(stream_cut_anywhere_is_not_stored);
	RUN(changed_stream_is_not_stored);
	RUN(stream_of_another_version_is_not_stored);
	RUN(forged_ticket_is_refused_however_it_comes);
	RUN(raw_on_stdin_is_refused_and_taken_by_policy);
	RUN(missing_key_is_waited_for);
	RUN(missing_key_for_too_long_is_tried_again_later);
	RUN(cancel_while_waiting_stores_nothing_and_exits_0);
	RUN(cancel_in_mid_stream_stores_nothing_and_exits_0);
	RUN(cancel_just_before_the_rename_stores_nothing);
	RUN(full_disk_in_mid_stream_is_waited_out_without_loss);
	RUN(disk_full_for_too_long_is_tried_again_later);
	RUN(discovery_answers_at_once_with_everything_closed);
	RUN(job_of_nobody_in_particular_is_refused);
	RUN(lines_on_stderr_are_short_and_whole);
	snprintf(program, sizeof(program), "rm -rf %s", spool);
	return system(program) ? EXIT_FAILURE : tap_done();
}
