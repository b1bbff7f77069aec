/* SPDX-License-Identifier: Apache-2.0 */
/* online - see online.h. One packet asks, one answers, then the connection ends (auth/login.h). */
#include "online.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "auth/file.h"
#include "auth/login-call.h"
#include "auth/login.h"
#include "base/log.h"
#include "base/mono.h"
#include "base/paths.h"
#include "core/identity.h"
#include "core/site.h"
#include "engine-private.h"
#include "link.h"
#include "must.h"
#include "network.h"
#include "verify-login.h"

enum {
	ASKS_MAX = 128, /* more wait in the backlog */
	BACKLOG = 128,
	PACKET_MS = 2000, /* for the question to come */
	WIPE_MS = 5000,
	SILENT_MS = 1500, /* asked with less, a server may only have been slow */
	BUDGET_MS = 5000, /* when it does not say */
};

struct ask {
	struct ask *next;
	struct online *online;
	sd_event_source *source;
	int fd;
	struct timer late;
	struct client_call *call;
	int64_t sent_ms;
};

struct online {
	struct engine *engine;
	sd_event_source *source;
	int fd;
	struct ask *asks;
	unsigned count;
	int64_t heard_ms; /* of the last answer */
};

/* ---- one question ---- */

static void ask_end(struct ask *a)
{
	struct online *o = a->online;

	for (struct ask **at = &o->asks; *at; at = &(*at)->next)
		if (*at == a) {
			*at = a->next;
			break;
		}
	if (o->count-- == ASKS_MAX)
		sd_event_source_set_enabled(o->source, SD_EVENT_ON);
	if (a->call)
		client_cancel(a->call);
	timer_stop(&a->late);
	sd_event_source_unref(a->source);
	close(a->fd);
	free(a);
}

static void answer(struct ask *a, const struct login_message *reply)
{
	uint8_t packet[LOGIN_OCTETS_MAX];
	int n = login_encode(reply, packet, sizeof(packet));

	if (n > 0)
		send(a->fd, packet, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	ask_end(a);
}

static void answer_away(struct ask *a)
{
	struct login_message reply;

	login_init(&reply, LOGIN_REPLY);
	login_set_number(&reply, LOGIN_HAS_RESULT, LOGIN_AWAY);
	answer(a, &reply);
}

/* Nothing was heard since: the next ones do not wait for that. Many who log in at once wait for each other's hashes at the
 * server, which is no lost server. */
static void late(void *arg)
{
	struct ask *a = arg;
	struct engine *e = a->online->engine;
	/* Who grants a hash no time has not shown that nobody is there. */
	bool silent = a->online->heard_ms < a->sent_ms && mono_ms() - a->sent_ms >= SILENT_MS;

	answer_away(a);
	if (silent) {
		log_event(LOG_LVL_INFO, "event=login-not-asked fault=silent");
		link_failed(e);
	}
}

static void answered(void *arg, const struct client_reply *reply)
{
	struct ask *a = arg;
	struct login_message said;

	a->call = NULL;
	if (reply->fault == CLIENT_SILENT) {
		late(a);
		return;
	}
	if (reply->fault == CLIENT_OK)
		a->online->heard_ms = mono_ms();
	if (reply->fault != CLIENT_OK || reply->status > IPP_STATUS_OK_CONFLICTING) {
		log_event(LOG_LVL_INFO, "event=login-not-asked fault=%s status=0x%04x detail=%s",
			client_fault_name(reply->fault), (unsigned)reply->status,
			log_quote(reply->detail));
		if (reply->fault != CLIENT_OK)
			link_failed(a->online->engine);
		answer_away(a);
		return;
	}
	verify_login_read(reply->ipp, &said);
	answer(a, &said);
}

/* A cable that was pulled a moment ago is known here before the link knows it. */
static bool is_reachable(const struct engine *e, const char *uri)
{
	struct uri u;

	return link_is_up(e) && (e->online || (!uri_parse(uri, &u) && network_is_loopback(u.host)));
}

static void pass_on(struct ask *a, const struct login_message *m)
{
	struct engine *e = a->online->engine;
	int64_t budget_ms = login_has(m, LOGIN_HAS_BUDGET_MS) ? m->budget_ms : BUDGET_MS;
	char uri[CONFIG_URI_MAX + 16];

	a->sent_ms = mono_ms();
	if (!link_system_uri(e, uri, sizeof(uri)) || !is_reachable(e, uri) ||
		link_send(e, uri, must(verify_login_request(uri, m)), (int32_t)budget_ms, answered,
			a, &a->call)) {
		answer_away(a);
		return;
	}
	timer_set(e, &a->late, budget_ms, late, a);
}

static int readable(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct ask *a = arg;
	uint8_t packet[LOGIN_OCTETS_MAX + 1];
	struct login_message m;
	ssize_t n = recv(fd, packet, sizeof(packet), MSG_DONTWAIT);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	/* From now on it may only hang up, which is heard when it is answered. */
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	if (n <= 0 || login_decode(packet, (size_t)n, &m) || m.type != LOGIN_ONLINE)
		ask_end(a);
	else
		pass_on(a, &m);
	return 0;
}

/* ---- the socket ---- */

static bool is_verifier(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void expired(void *arg)
{
	ask_end(arg);
}

static int connected(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct online *o = arg;
	int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ask *a;

	(void)events;
	if (c < 0)
		return 0;
	if (!is_verifier(c)) {
		log_event(LOG_LVL_WARNING, "event=login-socket-refused");
		close(c);
		return 0;
	}
	a = must(calloc(1, sizeof(*a)));
	a->online = o;
	a->fd = c;
	a->next = o->asks;
	o->asks = a;
	if (++o->count == ASKS_MAX)
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	if (sd_event_add_io(o->engine->loop, &a->source, c, EPOLLIN, readable, a) < 0) {
		ask_end(a);
		return 0;
	}
	timer_set(o->engine, &a->late, PACKET_MS, expired, a);
	return 0;
}

static int listen_at(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	AUTO(auto_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	strcpy(at.sun_path, path);
	/* We have the lock of the state folder: what lies there is a former run's. */
	if (unlink(path) && errno != ENOENT)
		return -errno;
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || chmod(path, 0600) ||
		listen(fd, BACKLOG))
		return -errno;
	return STEAL_FD(fd);
}

static void start(struct engine *e)
{
	struct online *o = must(calloc(1, sizeof(*o)));
	char path[512];
	int rc = paths_join(path, sizeof(path), paths_run(), "online.sock");

	o->engine = e;
	o->fd = rc ? rc : listen_at(path);
	rc = o->fd < 0 ? o->fd : sd_event_add_io(e->loop, &o->source, o->fd, EPOLLIN, connected, o);
	if (rc < 0) {
		log_event(LOG_LVL_ERROR, "event=logins-not-carried path=%s error=%s",
			log_quote(path), log_quote(strerror(-rc)));
		if (o->fd >= 0)
			close(o->fd);
		free(o);
		return;
	}
	e->logins = o;
}

void online_stop(struct engine *e)
{
	struct online *o = e->logins;
	char path[512];

	if (!o)
		return;
	while (o->asks)
		ask_end(o->asks);
	sd_event_source_unref(o->source);
	close(o->fd);
	if (!paths_join(path, sizeof(path), paths_run(), "online.sock"))
		unlink(path);
	e->logins = NULL;
	free(o);
}

void online_set(struct engine *e)
{
	if (!e->config->server.count)
		online_stop(e);
	else if (!e->logins)
		start(e);
}

/* ---- keys ---- */

struct keys_for_verifier {
	uint8_t login[SITE_KEY_OCTETS];
};

enum found { FOUND_NONE, FOUND_SAME, FOUND_OTHER };

static enum found find_key(const char *folder, const char *name, const void *key)
{
	uint8_t *octets = NULL;
	size_t count = 0;
	enum found found = FOUND_NONE;

	if (!file_read(folder, name, SITE_KEY_OCTETS, &octets, &count))
		found = count == SITE_KEY_OCTETS && !memcmp(octets, key, count) ? FOUND_SAME
										: FOUND_OTHER;
	free(octets);
	return found;
}

static int keep(const char *folder, const char *name, const void *key)
{
	return find_key(folder, name, key) == FOUND_SAME
		       ? 0
		       : file_replace(folder, name, key, SITE_KEY_OCTETS);
}

/* What another server said of its accounts counts no more. */
static int forget_other_server(void)
{
	struct login_message ask, reply;
	char path[512];
	int rc = paths_join(path, sizeof(path), paths_run(), "login.sock");

	login_init(&ask, LOGIN_WIPE);
	if (!rc)
		rc = login_call(path, geteuid(), mono_ms() + WIPE_MS, &ask, &reply);
	log_event(LOG_LVL_WARNING, "event=other-server error=%d", rc);
	return rc;
}

static int work_keep(void *arg, struct store *s)
{
	const struct keys_for_verifier *k = arg;
	struct identity who;
	char folder[512];
	int rc = identity_load(paths_state(), &who);

	(void)s;
	if (!rc)
		rc = paths_join(folder, sizeof(folder), paths_state(), "auth");
	if (!rc && mkdir(folder, 0700) && errno != EEXIST)
		rc = -errno;
	if (!rc && find_key(folder, "policy.pub", who.policy_key) == FOUND_OTHER)
		rc = forget_other_server();
	if (!rc)
		rc = keep(folder, "policy.pub", who.policy_key);
	return rc ? rc : keep(folder, "server-login.pub", k->login);
}

static void kept(void *arg, int rc)
{
	if (rc)
		log_event(LOG_LVL_ERROR, "event=login-keys-not-kept error=%d", rc);
	free(arg);
}

void online_tell_keys(struct engine *e, const struct site *site)
{
	struct keys_for_verifier *k;

	if (!site->has_login_key)
		return;
	k = must(calloc(1, sizeof(*k)));
	memcpy(k->login, site->login_key, sizeof(k->login));
	worker_post(e->filer, work_keep, kept, k);
}
