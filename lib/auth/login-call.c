/* SPDX-License-Identifier: Apache-2.0 */
/* login-call - see login-call.h. */
#include "auth/login-call.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_MS = 10 };

int64_t login_call_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* True when @fd is ready for @events; false at the deadline or on an error that the next call will tell. */
static bool ready(int fd, short events, int64_t deadline_ms)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		int64_t left = deadline_ms - login_call_now_ms();
		int n = left > 0 ? poll(&p, 1, left > 3600000 ? 3600000 : (int)left) : 0;

		if (n > 0)
			return true;
		if (left <= 0 || (n < 0 && errno != EINTR))
			return false;
	}
}

/* Whoever can make a socket in our folder could ask for passwords: it is ours only if its listener is. */
static int check_peer(int fd, uid_t uid)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return -errno;
	return peer.uid == 0 || peer.uid == uid || peer.uid == geteuid() ? 0 : -EPERM;
}

int login_call_connect(const char *path, uid_t uid, int64_t deadline_ms)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct timespec nap = {.tv_nsec = RETRY_MS * 1000000L};
	int fd, rc;

	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	strcpy(at.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* unix(7): a full backlog is EAGAIN and cannot be waited for by poll(). */
	while ((rc = connect(fd, (struct sockaddr *)&at, sizeof(at)) ? -errno : 0) == -EAGAIN ||
		rc == -EINTR) {
		if (login_call_now_ms() + RETRY_MS >= deadline_ms) {
			rc = -ETIMEDOUT;
			break;
		}
		nanosleep(&nap, NULL);
	}
	if (!rc)
		rc = check_peer(fd, uid);
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

static int exchange(int fd, int64_t deadline_ms, const uint8_t *ask, size_t ask_octets,
	uint8_t *buf, size_t size)
{
	ssize_t n;

	do {
		if (!ready(fd, POLLOUT, deadline_ms))
			return -ETIMEDOUT;
		n = send(fd, ask, ask_octets, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	if (n < 0)
		return errno == EPIPE ? -ECONNRESET : -errno;
	do {
		if (!ready(fd, POLLIN, deadline_ms))
			return -ETIMEDOUT;
		n = recv(fd, buf, size, MSG_DONTWAIT | MSG_TRUNC);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ECONNRESET;
	return (size_t)n > size ? -EBADMSG : (int)n;
}

int login_call(const char *path, uid_t uid, int64_t deadline_ms, const struct login_message *ask,
	struct login_message *reply)
{
	uint8_t packet[LOGIN_OCTETS_MAX], answer[LOGIN_OCTETS_MAX];
	int n, fd, rc;

	n = login_encode(ask, packet, sizeof(packet));
	fd = n < 0 ? n : login_call_connect(path, uid, deadline_ms);
	rc = fd;
	if (fd >= 0) {
		rc = exchange(fd, deadline_ms, packet, (size_t)n, answer, sizeof(answer));
		close(fd);
	}
	if (rc >= 0)
		rc = login_decode(answer, (size_t)rc, reply);
	if (!rc && reply->type != LOGIN_REPLY) {
		login_wipe(reply);
		rc = -EBADMSG;
	}
	explicit_bzero(packet, sizeof(packet));
	explicit_bzero(answer, sizeof(answer));
	return rc;
}
