/* SPDX-License-Identifier: Apache-2.0 */
/* serve - login.sock: accept, read one packet, hand it on; see verifier.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mono.h"
#include "base/paths.h"
#include "verifier.h"

enum { BACKLOG = 256, FIXED = 3 };

struct connection {
	int fd;
	struct ucred peer;
	int64_t until_ms;
};

struct serving {
	struct service *v;
	int listen_fd, signal_fd;
	struct connection one[CONNECTIONS_MAX];
	unsigned count;
};

/* An OFD lock for life: the second starter must not take the first one's socket. */
static int lock_folder(int *fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[PATH_MAX];
	int rc = paths_join(path, sizeof(path), paths_run(), "login.lock");

	if (rc)
		return rc;
	*fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd < 0)
		return -errno;
	if (fcntl(*fd, F_OFD_SETLK, &lock))
		return errno == EAGAIN || errno == EACCES ? -EWOULDBLOCK : -errno;
	return 0;
}

/* Made beside its place and moved there: nobody meets it before it listens and everybody may connect. */
static int listen_at(const char *path, int *out)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	AUTO(auto_close) int fd = -1;
	char temp[sizeof(at.sun_path)];

	if (snprintf(temp, sizeof(temp), "%s.new", path) >= (int)sizeof(temp))
		return -ENAMETOOLONG;
	strcpy(at.sun_path, temp);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	unlink(temp);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || chmod(temp, 0666) ||
		listen(fd, BACKLOG) || rename(temp, path))
		return -errno;
	*out = STEAL_FD(fd);
	return 0;
}

static void drop(struct serving *s, unsigned at)
{
	close(s->one[at].fd);
	s->one[at] = s->one[--s->count];
}

static unsigned count_of(const struct serving *s, uid_t uid)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->count; i++)
		n += s->one[i].peer.uid == uid;
	return n;
}

static void accept_one(struct serving *s)
{
	AUTO(auto_close) int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct connection *c = &s->one[s->count];
	socklen_t size = sizeof(c->peer);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c->peer, &size))
		return;
	/* One user's crowd must not keep the others out; root's is the system's own. */
	if (c->peer.uid != 0 && c->peer.uid != geteuid() &&
		count_of(s, c->peer.uid) + work_count_of(s->v->work, c->peer.uid) >= PER_UID_MAX)
		return;
	c->until_ms = mono_ms() + READ_MS;
	c->fd = STEAL_FD(fd);
	s->count++;
}

static void answer_at_once(struct serving *s, struct request *r, enum login_result result)
{
	struct login_message reply;

	login_init(&reply, LOGIN_REPLY);
	if (result)
		login_set_number(&reply, LOGIN_HAS_RESULT, result);
	else
		handle(s->v, r, &reply);
	handle_answer(r, &reply);
	login_wipe(&r->ask);
	free(r);
}

static void hand_on(struct serving *s, struct request *r)
{
	uint32_t budget = r->ask.budget_ms;

	if (budget == 0 || budget > LOGIN_BUDGET_MAX_MS)
		budget = BUDGET_DEFAULT_MS;
	r->deadline_ms = mono_ms() + budget - (budget > BUDGET_MARGIN_MS ? BUDGET_MARGIN_MS : 0);
	if (handle_is_quick(r->ask.type))
		answer_at_once(s, r, 0);
	else if (work_add(s->v->work, r))
		answer_at_once(s, r, LOGIN_AWAY);
}

/* A packet is whole, so reading is done once. */
static void read_one(struct serving *s, unsigned at)
{
	struct connection *c = &s->one[at];
	uint8_t packet[LOGIN_OCTETS_MAX + 1];
	struct request *r;
	ssize_t n = recv(c->fd, packet, sizeof(packet), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	r = n > 0 ? calloc(1, sizeof(*r)) : NULL;
	if (r) {
		r->fd = STEAL_FD(c->fd);
		r->peer = c->peer;
		s->one[at] = s->one[--s->count];
		if (login_decode(packet, (size_t)n, &r->ask))
			answer_at_once(s, r, LOGIN_BAD);
		else
			hand_on(s, r);
	} else {
		drop(s, at);
	}
	explicit_bzero(packet, sizeof(packet));
}

/* How long poll() may sleep, and who waited too long. */
static int expire(struct serving *s)
{
	int64_t now = mono_ms(), next = now + 3600000;

	for (unsigned i = s->count; i > 0; i--) {
		if (s->one[i - 1].until_ms <= now)
			drop(s, i - 1);
		else if (s->one[i - 1].until_ms < next)
			next = s->one[i - 1].until_ms;
	}
	return (int)(next - now);
}

/* Return: 0 to go on, or how serve() ends. */
static int turn(struct serving *s)
{
	struct pollfd p[FIXED + CONNECTIONS_MAX];
	int wait_ms = expire(s);
	unsigned count = s->count;

	p[0] = (struct pollfd){.fd = s->signal_fd, .events = POLLIN};
	p[1] = (struct pollfd){.fd = s->v->ended_fd, .events = POLLIN};
	/* Full: the rest waits in the backlog, and the read limit makes room. */
	p[2] = (struct pollfd){.fd = count < CONNECTIONS_MAX ? s->listen_fd : -1, .events = POLLIN};
	for (unsigned i = 0; i < count; i++)
		p[FIXED + i] = (struct pollfd){.fd = s->one[i].fd, .events = POLLIN};
	if (poll(p, FIXED + count, wait_ms) < 0)
		return errno == EINTR ? 0 : -errno;
	if (p[0].revents)
		return SERVE_ENDED;
	if (p[1].revents)
		return SERVE_ANEW;
	/* From the last: who leaves is replaced by one that was seen already. */
	for (unsigned i = count; i > 0; i--)
		if (p[FIXED + i - 1].revents)
			read_one(s, i - 1);
	if (p[2].revents)
		accept_one(s);
	return 0;
}

int serve(struct service *v)
{
	AUTO(auto_close) int lock_fd = -1, listen_fd = -1, signal_fd = -1;
	struct serving *s = calloc(1, sizeof(*s));
	char path[PATH_MAX];
	sigset_t ending;
	int rc = s ? lock_folder(&lock_fd) : -ENOMEM;

	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGINT);
	if (!rc) {
		signal_fd = signalfd(-1, &ending, SFD_CLOEXEC);
		rc = signal_fd < 0 ? -errno
				   : paths_join(path, sizeof(path), paths_run(), "login.sock");
	}
	if (!rc)
		rc = listen_at(path, &listen_fd);
	if (!rc) {
		s->v = v;
		s->listen_fd = listen_fd;
		s->signal_fd = signal_fd;
		sd_notify(0, "READY=1");
		log_event(LOG_LVL_INFO, "event=listening accounts=%zu", cache_get_count(v->cache));
		do
			rc = turn(s);
		while (rc == 0);
		sd_notify(0, "STOPPING=1");
		unlink(path);
	}
	while (s && s->count)
		drop(s, 0);
	free(s);
	return rc;
}
