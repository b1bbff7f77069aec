/* SPDX-License-Identifier: Apache-2.0 */
/* test-pam-peers - a dead, stopped, slow or false verifier locks nobody out; and who may ask a real one what. */
#include <errno.h>
#include <sys/resource.h>
#include <time.h>

#include "auth/hash.h"
#include "tap.h"
#include "test-pam.h"

enum { TIMEOUT_MS = 700, SLACK_MS = 400 };

static void services(void)
{
	lab_service("plain", "auth required MODULE timeout=60\n");
	lab_service("short", "auth required MODULE timeout=700ms\n");
	/* What the packages ship: only our good word counts, and somebody else opens the door. */
	lab_service("shipped",
		"auth [success=ok default=ignore] MODULE timeout=700ms\nauth required pam_permit.so\n"
		"account [success=ok default=ignore] MODULE timeout=700ms\naccount required pam_permit.so\n"
		"session optional MODULE timeout=700ms\nsession required pam_permit.so\n");
}

/* All a login asks for, in one go. True if all of it is granted by who comes after us. */
static bool let_in_by_others(int64_t most_ms)
{
	pam_handle_t *h = lab_pam("shipped", "any");
	int64_t began = mono_ms();
	bool in = pam_authenticate(h, 0) == PAM_SUCCESS &&
		  pam_setcred(h, PAM_ESTABLISH_CRED) == PAM_SUCCESS &&
		  pam_acct_mgmt(h, 0) == PAM_SUCCESS && pam_open_session(h, 0) == PAM_SUCCESS &&
		  pam_close_session(h, 0) == PAM_SUCCESS;

	pam_end(h, PAM_SUCCESS);
	if (mono_ms() - began > most_ms)
		printf("# took %lld ms\n", (long long)(mono_ms() - began));
	return in && mono_ms() - began <= most_ms;
}

/* The code and the time of one login with timeout=700ms. */
static int timed(int64_t *took_ms)
{
	int64_t began = mono_ms();
	int rc = lab_login("short", "right");

	*took_ms = mono_ms() - began;
	return rc;
}

static void an_absent_verifier_is_noticed_at_once_and_nobody_is_asked(void)
{
	int64_t took;

	lab_fresh("");
	lab_end(&lab.verifier, SIGTERM);
	CHECK(timed(&took) == PAM_AUTHINFO_UNAVAIL && took < 200 && lab.prompts == 0);
	CHECK(let_in_by_others(200));
}

static void a_killed_ones_socket_is_noticed_at_once(void)
{
	int64_t took;

	lab_fresh("");
	lab_end(&lab.verifier, SIGKILL);
	CHECK(access(lab_path("run/login.sock"), F_OK) == 0);
	CHECK(timed(&took) == PAM_AUTHINFO_UNAVAIL && took < 200 && lab.prompts == 0);
	CHECK(let_in_by_others(200));
}

static void a_stopped_one_costs_the_deadline_and_no_more(void)
{
	int64_t took;

	lab_fresh("");
	kill(lab.verifier, SIGSTOP);
	CHECK(timed(&took) == PAM_AUTHINFO_UNAVAIL);
	CHECK(took >= TIMEOUT_MS - 50 && took < TIMEOUT_MS + SLACK_MS);
	CHECK(let_in_by_others(4 * (TIMEOUT_MS + SLACK_MS)));
	kill(lab.verifier, SIGCONT);
	CHECK(lab_login("plain", "right") == PAM_SUCCESS);
}

static void a_stopped_one_with_a_full_backlog_too(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd[2000], n = 0, rc = 0;
	int64_t took;

	lab_fresh("");
	kill(lab.verifier, SIGSTOP);
	strcpy(at.sun_path, lab_path("run/login.sock"));
	while (!rc && n < 900) {
		fd[n] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		rc = connect(fd[n++], (struct sockaddr *)&at, sizeof(at)) ? errno : 0;
	}
	CHECK(rc == EAGAIN && n > 10); /* full it is */
	CHECK(timed(&took) == PAM_AUTHINFO_UNAVAIL);
	CHECK(took >= TIMEOUT_MS - 50 && took < TIMEOUT_MS + SLACK_MS);
	CHECK(let_in_by_others(4 * (TIMEOUT_MS + SLACK_MS)));
	while (n > 0)
		close(fd[--n]);
	kill(lab.verifier, SIGCONT);
	CHECK(lab_login("plain", "right") == PAM_SUCCESS);
}

/* Somebody who listens on login.sock as @uid, and does what @fn does with each connection. */
static pid_t false_one(void (*fn)(int fd), uid_t uid)
{
	int fd = lab_listen("run/login.sock", 16), ready[2];
	char octet;
	pid_t pid;

	if (pipe(ready))
		abort();
	pid = fork();
	if (pid == 0) {
		signal(SIGCHLD, SIG_IGN);
		/* unix(7): the peer's credentials are those of the time of listen(). */
		if ((uid && (setgid(uid) || setuid(uid) || listen(fd, 16))) ||
			write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;) {
			int c = accept(fd, NULL, NULL);

			if (c >= 0 && fork() == 0) {
				fn(c);
				_exit(0);
			}
			close(c);
		}
	}
	if (read(ready[0], &octet, 1) != 1)
		abort();
	close(ready[0]);
	close(ready[1]);
	close(fd);
	return pid;
}

static void an_octet_a_second(int fd)
{
	for (;;) {
		if (send(fd, "S", 1, MSG_NOSIGNAL) < 0)
			return;
		poll(NULL, 0, 1000);
	}
}

static void an_octet_a_second_later(int fd)
{
	poll(NULL, 0, 500);
	an_octet_a_second(fd);
}

static void silence(int fd)
{
	(void)fd;
	poll(NULL, 0, 60000);
}

static void hanging_up(int fd)
{
	(void)fd;
}

static void nonsense(int fd)
{
	uint8_t octets[5000];

	randombytes_buf(octets, sizeof(octets));
	send(fd, octets, sizeof(octets), MSG_NOSIGNAL);
}

static void a_foreign_type(int fd)
{
	struct login_message m;
	uint8_t packet[LOGIN_OCTETS_MAX];
	int n;

	login_init(&m, LOGIN_CLOSE); /* well made, but no reply */
	login_set_number(&m, LOGIN_HAS_UID, 0);
	if (login_set_text(&m, LOGIN_HAS_SESSION, "c1"))
		return;
	n = login_encode(&m, packet, sizeof(packet));
	send(fd, packet, (size_t)n, MSG_NOSIGNAL);
}

static void every_false_one_is_no_answer_within_the_deadline(void)
{
	static const struct {
		void (*fn)(int fd);
		const char *name;
		bool waits;
	} all[] = {{an_octet_a_second, "an octet a second", false},
		{an_octet_a_second_later, "an octet a second, later", false},
		{silence, "silence", true}, {hanging_up, "hanging up", false},
		{nonsense, "nonsense", false}, {a_foreign_type, "a foreign type", false}};

	lab_fresh("");
	lab_end(&lab.verifier, SIGTERM);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		pid_t pid = false_one(all[i].fn, 0);
		int64_t took;

		CHECK(timed(&took) == PAM_AUTHINFO_UNAVAIL);
		printf("# %s: %lld ms\n", all[i].name, (long long)took);
		CHECK(took < TIMEOUT_MS + SLACK_MS && (!all[i].waits || took >= TIMEOUT_MS - 50));
		CHECK(let_in_by_others(4 * (TIMEOUT_MS + SLACK_MS)));
		lab_end(&pid, SIGKILL);
		unlink(lab_path("run/login.sock"));
	}
}

static void telling_the_secret(int fd)
{
	uint8_t packet[LOGIN_OCTETS_MAX];

	/* It is told that it got something; the test looks for that. */
	if (recv(fd, packet, sizeof(packet), 0) > 0)
		lab.said->asked++;
}

static void a_strangers_listener_gets_no_secret(void)
{
	struct passwd *stranger = getpwnam("daemon");
	int64_t took;
	pid_t pid;

	if (geteuid() || !stranger)
		SKIP("needs root: a stranger is another uid");
	lab_fresh("");
	lab_end(&lab.verifier, SIGTERM);
	pid = false_one(telling_the_secret, stranger->pw_uid);
	for (int i = 0; i < 3; i++)
		CHECK(timed(&took) == PAM_AUTHINFO_UNAVAIL);
	CHECK(lab.said->asked == 0 && lab.prompts == 0);
	lab_end(&pid, SIGKILL);
	unlink(lab_path("run/login.sock"));
}

/* ---- who may ask what ---- */

static uint8_t result_as(uid_t uid, struct login_message *ask)
{
	int tube[2];
	uint8_t result = 0;
	pid_t pid;

	if (pipe(tube))
		abort();
	pid = fork();
	if (pid == 0) {
		struct login_message reply = {0};
		int rc;

		if (setgid(uid) || setuid(uid))
			_exit(1);
		rc = login_call(lab_path("run/login.sock"), 0, mono_ms() + 10000, ask, &reply);
		result = rc ? 255 : reply.result;
		_exit(write(tube[1], &result, 1) != 1);
	}
	close(tube[1]);
	if (read(tube[0], &result, 1) != 1)
		result = 254;
	close(tube[0]);
	waitpid(pid, NULL, 0);
	return result;
}

static struct login_message verify_of(const char *user, uid_t uid, const char *secret)
{
	struct login_message m;

	login_init(&m, LOGIN_VERIFY);
	if (login_set_text(&m, LOGIN_HAS_USER, user) ||
		login_set_text(&m, LOGIN_HAS_SECRET, secret))
		abort();
	login_set_number(&m, LOGIN_HAS_UID, uid);
	return m;
}

static void a_user_may_ask_for_himself_only(void)
{
	struct passwd *other = getpwnam("daemon");
	uid_t other_uid = other ? other->pw_uid : 0, uid = lab_uid();
	struct login_message m;

	if (geteuid() || !other_uid)
		SKIP("needs root: several uids are the point");
	lab_fresh("");
	m = verify_of(lab.user, uid, "right");
	CHECK(result_as(uid, &m) == LOGIN_OK); /* a screen locker */
	CHECK(result_as(other_uid, &m) == LOGIN_NOT_OURS);
	m = verify_of(lab.user, other_uid, "right"); /* his own uid, another's name */
	CHECK(result_as(other_uid, &m) == LOGIN_NOT_OURS);
	CHECK(lab.said->asked == 1); /* the server was not even asked */

	login_init(&m, LOGIN_OPEN);
	login_set_number(&m, LOGIN_HAS_UID, uid);
	CHECK(!login_set_text(&m, LOGIN_HAS_USER, lab.user) &&
		!login_set_text(&m, LOGIN_HAS_SESSION, "c1"));
	CHECK(result_as(uid, &m) == LOGIN_NOT_OURS); /* nobody binds himself */
	login_init(&m, LOGIN_QUERY);
	login_set_number(&m, LOGIN_HAS_UID, uid);
	CHECK(result_as(uid, &m) == LOGIN_NOT_OURS);
	login_init(&m, LOGIN_WIPE);
	CHECK(result_as(uid, &m) == LOGIN_NOT_OURS);
	login_init(&m, LOGIN_SYNC);
	CHECK(result_as(uid, &m) == LOGIN_NOT_OURS);
}

static void one_users_crowd_keeps_nobody_out(void)
{
	struct passwd *other = getpwnam("daemon");
	int64_t took;
	int ready[2];
	char octet;
	pid_t pid;

	if (geteuid() || !other || pipe(ready))
		SKIP("needs root: several uids are the point");
	lab_fresh("");
	pid = fork();
	if (pid == 0) { /* more than the verifier takes, backlog and all, and says nothing */
		const struct rlimit many = {1000, 1000};

		if (setrlimit(RLIMIT_NOFILE, &many) || setgid(other->pw_gid) ||
			setuid(other->pw_uid))
			_exit(1);
		/* Until all of them are in, or nothing moves any more. */
		for (int i = 0; i < 900; i++)
			if (login_call_connect(lab_path("run/login.sock"), 0, mono_ms() + 100) < 0)
				break;
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	CHECK(read(ready[0], &octet, 1) == 1);
	CHECK(timed(&took) == PAM_SUCCESS);
	printf("# a login beside it took %lld ms\n", (long long)took);
	lab_end(&pid, SIGKILL);
	close(ready[0]);
	close(ready[1]);
}

/* ---- figures ---- */

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int64_t us_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* As root, from a place of its own each time, so that no counter slows it. */
static double ask_ms(const char *user, const char *secret, int place, uint8_t wanted)
{
	struct login_message m = verify_of(user, lab_uid(), secret), reply;
	char tty[32];
	int64_t began;

	snprintf(tty, sizeof(tty), "place-%d", place);
	CHECK(!login_set_text(&m, LOGIN_HAS_TTY, tty));
	began = us_now();
	CHECK(lab_ask(&m, &reply) == 0 && reply.result == wanted);
	return (double)(us_now() - began) / 1000;
}

/* A verifier with hashes of that cost. */
static void fresh_with_cost(const char *conf, int cost)
{
	char text[8];

	lab_fresh(conf);
	lab_end(&lab.verifier, SIGTERM);
	snprintf(text, sizeof(text), "%d\n", cost);
	lab_write("state/auth/cost", text, strlen(text));
	lab_verifier_start();
}

static void known_and_unknown_take_the_same(void)
{
	enum { N = 60 };
	double known[N], unknown[N], gap;
	char user[32];

	if (geteuid())
		SKIP("needs root: asks for many names");
	fresh_with_cost("accounts = 1000\n", 4);
	/* Each account is asked for once or twice, so that it is no counter which answers. */
	for (int i = 0; i < N; i++) {
		struct stat before = lab_cache_time();

		snprintf(lab.said->account, sizeof(lab.said->account), "known%d", i);
		ask_ms(lab.said->account, "right", 1000 + i, LOGIN_OK);
		CHECK(lab_cache_changed(before));
	}
	lab.said->away = 1;
	for (int i = 0; i < N; i++) {
		snprintf(user, sizeof(user), "known%d", i);
		known[i] = ask_ms(user, "wrong", i, LOGIN_WRONG);
		snprintf(user, sizeof(user), "stranger%d", i);
		unknown[i] = ask_ms(user, "wrong", 500 + i, LOGIN_WRONG);
	}
	qsort(known, N, sizeof(known[0]), by_size);
	qsort(unknown, N, sizeof(unknown[0]), by_size);
	printf("# known:   10%% %.2f  median %.2f  90%% %.2f ms\n", known[6], known[30], known[54]);
	printf("# unknown: 10%% %.2f  median %.2f  90%% %.2f ms\n", unknown[6], unknown[30],
		unknown[54]);
	/* The quickest, which no other program of this machine has disturbed, differ by far less than a hash. */
	gap = known[0] > unknown[0] ? known[0] - unknown[0] : unknown[0] - known[0];
	printf("# quickest: known %.2f, unknown %.2f ms\n", known[0], unknown[0]);
	CHECK(gap < known[0] / 2);
}

static void fifty_logins_at_once_are_served(void)
{
	pid_t pid[50];
	int64_t began;
	int good = 0;

	fresh_with_cost("", 5); /* a quarter of what a machine chooses: others use this one too */
	CHECK(lab_learn("plain", "right") == PAM_SUCCESS);
	for (int away = 0; away < 2; away++) {
		lab.said->away = away;
		good = 0;
		began = mono_ms();
		for (int i = 0; i < 50; i++) {
			pid[i] = fork();
			if (pid[i] == 0)
				_exit(lab_login("plain", "right") == PAM_SUCCESS ? 0 : 1);
		}
		for (int i = 0; i < 50; i++) {
			int status = 1;

			waitpid(pid[i], &status, 0);
			good += status == 0;
		}
		printf("# %s: %d of 50 in %lld ms\n", away ? "offline" : "online", good,
			(long long)(mono_ms() - began));
		CHECK(good == 50);
	}
}

static void what_one_login_takes(void)
{
	static const struct hash_pepper pepper;
	double online = 1e9, offline = 1e9, over = 1e9;
	int cost = hash_choose_cost(150, NULL);
	char text[HASH_TEXT_MAX + 1];

	fresh_with_cost("", cost);
	CHECK(lab_learn("plain", "right") == PAM_SUCCESS);
	for (int i = 0; i < 10; i++) {
		struct stat before = lab_cache_time();
		int64_t began = us_now();
		double took;

		CHECK(lab_login("plain", "right") == PAM_SUCCESS);
		took = (double)(us_now() - began) / 1000;
		online = took < online ? took : online;
		CHECK(lab_cache_changed(before)); /* the next one must not wait behind its hash */
	}
	lab.said->away = 1;
	for (int i = 0; i < 10; i++) {
		int64_t began = us_now(), between;
		double took, hash;

		CHECK(lab_login("plain", "right") == PAM_SUCCESS);
		between = us_now();
		CHECK(hash_make(&pepper, HASH_PASSWORD, "right", cost, text) == 0);
		took = (double)(between - began) / 1000;
		hash = (double)(us_now() - between) / 1000;
		offline = took < offline ? took : offline;
		over = took - hash < over ? took - hash : over;
	}
	/* The best, since others use the machine too. */
	printf("# best of 10: online %.1f ms; offline %.1f ms, %.1f ms more than a hash beside it\n",
		online, offline, over);
	CHECK(online < 150 && over < 300);
}

static void secrets_are_kept_from_memory_dumps(void)
{
	char path[64], text[4096] = "";
	struct stat st = {0};
	int fd;

	lab_fresh("");
	snprintf(path, sizeof(path), "/proc/%d/limits", lab.verifier);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	CHECK(strstr(text, "Max core file size        0                    0"));
	/* proc(5): what belongs to root there is not dumpable; as root that shows only in the flag itself. */
	snprintf(path, sizeof(path), "/proc/%d/environ", lab.verifier);
	CHECK(stat(path, &st) == 0 && st.st_uid == 0);
}

static void the_verifier_always_ended_in_order(void)
{
	lab_end(&lab.verifier, SIGTERM);
	CHECK(lab.ended_badly == 0);
}

int main(int argc, char **argv)
{
	(void)argc;
	lab_start(argv[0]);
	services();
	RUN(an_absent_verifier_is_noticed_at_once_and_nobody_is_asked);
	RUN(a_killed_ones_socket_is_noticed_at_once);
	RUN(a_stopped_one_costs_the_deadline_and_no_more);
	RUN(a_stopped_one_with_a_full_backlog_too);
	RUN(every_false_one_is_no_answer_within_the_deadline);
	RUN(a_strangers_listener_gets_no_secret);
	RUN(a_user_may_ask_for_himself_only);
	RUN(one_users_crowd_keeps_nobody_out);
	RUN(known_and_unknown_take_the_same);
	RUN(fifty_logins_at_once_are_served);
	RUN(what_one_login_takes);
	RUN(secrets_are_kept_from_memory_dumps);
	RUN(the_verifier_always_ended_in_order);
	lab_stop();
	return tap_done();
}
