/* SPDX-License-Identifier: Apache-2.0 */
/* outside - the server's side: see outside.h. */
#include "outside.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/auto.h"
#include "base/mono.h"
#include "outside-message.h"

static bool put(char *to, size_t size, const char *text)
{
	if (strlen(text) >= size)
		return false;
	strcpy(to, text);
	return true;
}

static int start(int socket, pid_t *pid)
{
	static char program[] = "stillprint-server", word[] = "pam-helper";
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char dir[512] = "", *argv[] = {program, word, NULL}, *envp[] = {path, NULL, NULL};
	const char *other = getenv("STILLPRINT_SERVER_PAM_DIR");
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int rc;

	if (other && snprintf(dir, sizeof(dir), "STILLPRINT_SERVER_PAM_DIR=%s", other) <
			     (int)sizeof(dir))
		envp[1] = dir;
	sigemptyset(&none);
	if (posix_spawn_file_actions_init(&actions))
		return -ENOMEM;
	if (posix_spawnattr_init(&attr)) {
		posix_spawn_file_actions_destroy(&actions);
		return -ENOMEM;
	}
	rc = posix_spawn_file_actions_adddup2(&actions, socket, 0);
	if (!rc)
		rc = posix_spawnattr_setsigmask(&attr, &none);
	if (!rc)
		rc = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	if (!rc)
		rc = posix_spawn(pid, "/proc/self/exe", &actions, &attr, argv, envp);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return -rc;
}

static int wait_for_answer(int fd, int32_t timeout_s, struct outside_answer *a)
{
	int64_t end_ms = mono_ms() + (int64_t)timeout_s * 1000;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n;
	int rc;

	do {
		int64_t left_ms = end_ms - mono_ms();

		rc = poll(&p, 1, left_ms > 0 ? (int)left_ms : 0);
	} while (rc < 0 && errno == EINTR);
	if (rc <= 0)
		return rc ? -errno : -ETIMEDOUT;
	n = recv(fd, a, sizeof(*a), MSG_DONTWAIT);
	if (n != sizeof(*a) || a->result < OUTSIDE_OK || a->result > OUTSIDE_AWAY)
		return -EPIPE;
	a->name[sizeof(a->name) - 1] = '\0';
	return a->result;
}

static int talk(int fd, const struct outside_question *q, int32_t timeout_s, char *name)
{
	struct outside_answer a = {0};
	int rc = send(fd, q, sizeof(*q), MSG_NOSIGNAL) == sizeof(*q) ? 0 : -EPIPE;

	if (!rc)
		rc = wait_for_answer(fd, timeout_s, &a);
	if (rc == OUTSIDE_OK || rc == OUTSIDE_EXPIRED)
		memcpy(name, a.name, sizeof(a.name));
	return rc;
}

int outside_ask(const char *service, const char *user, const char *secret, const char *rhost,
	int32_t timeout_s, char name[OUTSIDE_NAME_SIZE])
{
	struct outside_question q = {0};
	int pair[2], rc;
	pid_t pid = 0;

	if (!put(q.service, sizeof(q.service), service) || !put(q.user, sizeof(q.user), user) ||
		!put(q.secret, sizeof(q.secret), secret))
		return OUTSIDE_WRONG;
	put(q.rhost, sizeof(q.rhost), rhost);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	rc = start(pair[1], &pid);
	close(pair[1]);
	if (!rc) {
		rc = talk(pair[0], &q, timeout_s, name);
		/* It sees that we have gone, and ends what it started: outside-helper.c. */
		close(STEAL_FD(pair[0]));
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (pair[0] >= 0)
		close(pair[0]);
	explicit_bzero(&q, sizeof(q));
	return rc;
}
