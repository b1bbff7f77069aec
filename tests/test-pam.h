/* SPDX-License-Identifier: Apache-2.0 */
/* test-pam - a verifier of the test's own, somebody who plays the server, and logins through real libpam.
 *
 * Include from exactly one file per test program. STILLPRINT_PAM_MODULE names another module: a test of the tests. */
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "auth/login-call.h"
#include "auth/online.h"
#include "base/auto.h"
#include "base/mono.h"

/* What the server says; shared with the child that plays it. */
struct said {
	atomic_int away, result, kind, delay_ms, asked, unreadable;
	char account[256], secret[256]; /* this pair is right; the others are wrong */
};

static struct {
	char root[64], module[PATH_MAX], program[PATH_MAX], user[64];
	pid_t verifier, server;
	uint8_t server_public[32], server_secret[32];
	struct said *said;
	char typed[600], told[300]; /* what the user types, and the last message he got */
	int prompts;
	int ended_badly; /* verifiers that did not end in order when told to */
} lab = {.root = "/tmp/stillprint-pam.XXXXXX"};

static inline char *lab_path(const char *name)
{
	static char path[8][PATH_MAX];
	static unsigned next;
	char *to = path[next++ % 8];

	snprintf(to, PATH_MAX, "%s/%s", lab.root, name);
	return to;
}

static inline void lab_write(const char *name, const void *octets, size_t count)
{
	int fd = open(lab_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, octets, count) != (ssize_t)count || fchmod(fd, 0600))
		abort();
	close(fd);
}

/* ---- who plays the server ---- */

static inline int lab_listen(const char *name, int backlog)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy(at.sun_path, lab_path(name));
	unlink(at.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) || chmod(at.sun_path, 0666) ||
		listen(fd, backlog))
		abort();
	return fd;
}

static inline void lab_say(int fd)
{
	uint8_t packet[LOGIN_OCTETS_MAX];
	struct login_message ask, reply;
	struct online_opened o;
	ssize_t n = recv(fd, packet, sizeof(packet), 0);
	struct said *s = lab.said;

	s->asked++;
	if (n <= 0 || login_decode(packet, (size_t)n, &ask) || ask.type != LOGIN_ONLINE ||
		online_open(lab.server_public, lab.server_secret, ask.sealed, ask.sealed_octets,
			mono_utc_s(), &o)) {
		s->unreadable++;
		return;
	}
	if (s->delay_ms)
		poll(NULL, 0, s->delay_ms);
	if (s->away)
		return;
	login_init(&reply, LOGIN_REPLY);
	login_set_number(&reply, LOGIN_HAS_RESULT,
		s->result                            ? (uint32_t)s->result
		: strcmp(o.account, s->account) != 0 ? LOGIN_WRONG
		: strcmp(o.secret, s->secret) != 0   ? LOGIN_WRONG
						     : LOGIN_OK);
	login_set_number(&reply, LOGIN_HAS_KIND, (uint32_t)s->kind);
	login_set_octets(&reply, LOGIN_HAS_UUID, "0123456789abcdef", 16);
	n = login_encode(&reply, packet, sizeof(packet));
	if (n > 0 && send(fd, packet, (size_t)n, MSG_NOSIGNAL) < 0)
		s->unreadable++;
}

static inline void lab_server_start(void)
{
	int fd = lab_listen("run/online.sock", 128);

	lab.server = fork();
	if (lab.server == 0) {
		signal(SIGCHLD, SIG_IGN);
		for (;;) {
			int c = accept(fd, NULL, NULL);

			if (c >= 0 && fork() == 0) { /* one each: a delay holds up nobody else */
				lab_say(c);
				_exit(0);
			}
			close(c);
		}
	}
	close(fd);
}

/* ---- the verifier ---- */

static inline bool lab_answers(void)
{
	int fd = login_call_connect(lab_path("run/login.sock"), geteuid(), mono_ms() + 100);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static inline void lab_verifier_start(void)
{
	int64_t until = mono_ms() + 10000;

	lab.verifier = fork();
	if (lab.verifier == 0) {
		int log = open(lab_path("log"), O_WRONLY | O_CREAT | O_APPEND, 0600);

		dup2(log, STDERR_FILENO);
		execl(lab.program, lab.program, (char *)NULL);
		_exit(127);
	}
	while (!lab_answers())
		if (mono_ms() > until || poll(NULL, 0, 10) < 0)
			abort();
}

static inline void lab_end(pid_t *pid, int sig)
{
	int status = 0;

	if (*pid <= 0)
		return;
	kill(*pid,
		SIGCONT); /* before, not after: it would undo the stop by which a leak checker looks */
	kill(*pid, sig);
	if (waitpid(*pid, &status, 0) != *pid)
		status = -1;
	if (sig == SIGTERM && status != 0)
		lab.ended_badly++;
	*pid = 0;
}

static inline int lab_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline void lab_stop(void)
{
	lab_end(&lab.verifier, SIGTERM);
	lab_end(&lab.server, SIGKILL);
	if (getenv("KEEP"))
		printf("# kept: %s\n", lab.root);
	else
		nftw(lab.root, lab_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A clean state: no credentials, no counters, nobody bound; @conf: lines of login.conf's [verifier]. */
static inline void lab_fresh(const char *conf)
{
	char text[512];

	lab_end(&lab.verifier, SIGTERM);
	nftw(lab_path("state/auth"), lab_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	unlink(lab_path("run/sessions"));
	if (mkdir(lab_path("state/auth"), 0700))
		abort();
	lab_write("state/auth/cost", "1\n", 2);
	lab_write("state/auth/server-login.pub", lab.server_public, sizeof(lab.server_public));
	snprintf(text, sizeof(text), "[verifier]\nmin-uid = 0\nlogind = %s\n%s", lab_path("logind"),
		conf);
	lab_write("etc/login.conf", text, strlen(text));
	memset(lab.said, 0, sizeof(*lab.said));
	strcpy(lab.said->account, lab.user);
	strcpy(lab.said->secret, "right");
	lab_verifier_start();
}

static inline void lab_start(const char *argv0)
{
	static const char *const folders[] = {"pam", "etc", "run", "state", "state/auth", "logind"};
	const char *module = getenv("STILLPRINT_PAM_MODULE"), *slash = strrchr(argv0, '/');
	struct passwd *me = getpwuid(geteuid());
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%.*s/..", slash ? (int)(slash - argv0) : 1,
		slash ? argv0 : ".");
	snprintf(lab.program, sizeof(lab.program), "%.4000s/bin/stillprint-verifier", folder);
	snprintf(lab.module, sizeof(lab.module), "%.4000s/pam/pam_stillprint.so", folder);
	if (!mkdtemp(lab.root) || !realpath(module ? module : lab.module, folder) ||
		sodium_init() < 0)
		abort();
	strcpy(lab.module, folder);
	strcpy(lab.user, geteuid() ? me->pw_name : "nobody");
	chmod(lab.root, 0755);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdir(lab_path(folders[i]), 0755))
			abort();
	setenv("STILLPRINT_CONF", lab_path("etc/stillprint.conf"), 1);
	setenv("STILLPRINT_STATE", lab_path("state"), 1);
	setenv("STILLPRINT_RUN", lab_path("run"), 1);
	crypto_box_keypair(lab.server_public, lab.server_secret);
	lab.said = mmap(
		NULL, sizeof(*lab.said), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (lab.said == MAP_FAILED)
		abort();
	lab_server_start();
}

/* ---- logins ---- */

static inline int lab_talk(
	int n, const struct pam_message **m, struct pam_response **out, void *arg)
{
	struct pam_response *r = calloc((size_t)n, sizeof(*r));

	(void)arg;
	for (int i = 0; i < n; i++) {
		if (m[i]->msg_style == PAM_PROMPT_ECHO_OFF) {
			r[i].resp = strdup(lab.typed);
			lab.prompts++;
		} else {
			snprintf(lab.told, sizeof(lab.told), "%s", m[i]->msg);
		}
	}
	*out = r;
	return PAM_SUCCESS;
}

/* A service whose lines have MODULE for our module with its socket. */
static inline void lab_service(const char *name, const char *lines)
{
	char text[8192], file[300];
	size_t used = 0;

	for (const char *p = lines; *p;) {
		if (!strncmp(p, "MODULE", 6)) {
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s socket=%s",
				lab.module, lab_path("run/login.sock"));
			p += 6;
		} else {
			text[used++] = *p++;
		}
	}
	snprintf(file, sizeof(file), "pam/%s", name);
	lab_write(file, text, used);
}

static inline pam_handle_t *lab_pam(const char *service, const char *typed)
{
	static const struct pam_conv conv = {lab_talk, NULL};
	pam_handle_t *h = NULL;

	snprintf(lab.typed, sizeof(lab.typed), "%s", typed);
	lab.told[0] = '\0';
	lab.prompts = 0;
	if (pam_start_confdir(service, lab.user, &conv, lab_path("pam"), &h) != PAM_SUCCESS)
		abort();
	pam_set_item(h, PAM_TTY, "tty-test");
	return h;
}

static inline int lab_login(const char *service, const char *typed)
{
	pam_handle_t *h = lab_pam(service, typed);
	int rc = pam_authenticate(h, 0);

	pam_end(h, rc);
	return rc;
}

/* ---- asking the verifier itself ---- */

static inline int lab_ask(struct login_message *ask, struct login_message *reply)
{
	return login_call(lab_path("run/login.sock"), geteuid(), mono_ms() + 10000, ask, reply);
}

/* "account", with "!" behind when verified; "" for nobody; "?" for no answer. */
static inline const char *lab_who(uint32_t uid, const char *session)
{
	static char text[300];
	struct login_message ask, reply;

	login_init(&ask, LOGIN_QUERY);
	login_set_number(&ask, LOGIN_HAS_UID, uid);
	if (login_set_text(&ask, LOGIN_HAS_SESSION, session) || lab_ask(&ask, &reply))
		return "?";
	if (reply.result != LOGIN_OK)
		return reply.result == LOGIN_WRONG ? "" : "?";
	snprintf(text, sizeof(text), "%s%s", reply.account, reply.verified ? "!" : "");
	return text;
}

static inline uint32_t lab_uid(void)
{
	return getpwnam(lab.user)->pw_uid;
}

/* True when the verifier's log has @line by the deadline. */
static inline bool lab_logged(const char *line)
{
	int64_t until = mono_ms() + 10000;

	do {
		char text[65536];
		int fd = open(lab_path("log"), O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

		if (fd >= 0)
			close(fd);
		text[n > 0 ? n : 0] = '\0';
		if (strstr(text, line))
			return true;
		poll(NULL, 0, 10);
	} while (mono_ms() < until);
	return false;
}

/* What the server said is kept after the answer: wait until it is (or is gone) in the cache's file. */
static inline struct stat lab_cache_time(void)
{
	struct stat st = {0};

	stat(lab_path("state/auth/cache"), &st);
	return st;
}

/* Each time it is another file; times alone are too coarse to tell two apart. */
static inline bool lab_cache_changed(struct stat before)
{
	int64_t until = mono_ms() + 8000;

	while (mono_ms() < until) {
		struct stat now = lab_cache_time();

		if (now.st_ino != before.st_ino || now.st_mtim.tv_sec != before.st_mtim.tv_sec ||
			now.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
			return true;
		poll(NULL, 0, 5);
	}
	return false;
}

/* Log in online and wait until it is learned. */
static inline int lab_learn(const char *service, const char *typed)
{
	struct stat before = lab_cache_time();
	int rc = lab_login(service, typed);

	return rc == PAM_SUCCESS && !lab_cache_changed(before) ? -1 : rc;
}
