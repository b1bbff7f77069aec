/* SPDX-License-Identifier: Apache-2.0 */
/* serve - listeners, connections, and the application thread with its groups. */
#include <cups/cups.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/mono.h"
#include "ipp/serve-private.h"

/* ---- connections ---- */

static void conn_starts(struct worker *w, struct MHD_Connection *mhd, void **context)
{
	const union MHD_ConnectionInfo *info;
	struct serve *s = w->l->s;
	struct conn *conn = calloc(1, sizeof(*conn));

	*context = conn;
	if (!conn)
		return;
	conn->s = s;
	conn->worker = w;
	conn->web = w->l->web;
	conn->since_ms = mono_ms();
	conn->peer.connection = atomic_fetch_add(&s->connections, 1) + 1;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	conn->fd = info ? info->connect_fd : -1;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (info && info->client_addr)
		memcpy(&conn->from, info->client_addr,
			info->client_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
								: sizeof(struct sockaddr_in6));
	serve_tls_connection_starts(s->tls, conn, mhd);
	serve_login_counts(s, conn, 1);
	pthread_mutex_lock(&s->conns_lock);
	conn->next = s->conns;
	if (conn->next)
		conn->next->prev = conn;
	s->conns = conn;
	pthread_mutex_unlock(&s->conns_lock);
}

static void conn_ends(struct conn *conn)
{
	struct serve *s = conn->s;

	pthread_mutex_lock(&s->conns_lock);
	if (conn->prev)
		conn->prev->next = conn->next;
	else
		s->conns = conn->next;
	if (conn->next)
		conn->next->prev = conn->prev;
	pthread_mutex_unlock(&s->conns_lock);
	serve_login_counts(s, conn, -1);
	explicit_bzero(conn, sizeof(*conn));
	free(conn);
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		conn_starts(cls, mhd, context);
	else if (*context)
		conn_ends(*context);
}

static bool is_slow(const struct serve *s, struct conn *conn, int64_t now_ms)
{
	int64_t limit_ms = s->config.request_ms;

	if (atomic_load(&conn->calling))
		return false;
	if (atomic_load(&conn->greeted) && !atomic_load(&conn->reading))
		limit_ms = IDLE_MS;
	return now_ms - atomic_load(&conn->since_ms) > limit_ms;
}

/* libmicrohttpd's own time-out begins anew with every octet. The descriptor is open as long as the connection is listed. */
static void conns_sweep(struct serve *s, int64_t now_ms)
{
	pthread_mutex_lock(&s->conns_lock);
	for (struct conn *conn = s->conns; conn; conn = conn->next)
		if (is_slow(s, conn, now_ms) && conn->fd >= 0)
			shutdown(conn->fd, SHUT_RDWR);
	pthread_mutex_unlock(&s->conns_lock);
}

/* ---- listeners ---- */

static int open_socket(const struct addrinfo *ai, uint16_t *port, int *out)
{
	AUTO(auto_close) int fd = -1;
	struct sockaddr_storage at;
	socklen_t length = sizeof(at);
	int on = 1, off = 0;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, 4096) < 0 ||
		getsockname(fd, (struct sockaddr *)&at, &length) < 0)
		return -errno;
	*port = ntohs(at.ss_family == AF_INET ? ((struct sockaddr_in *)&at)->sin_port
					      : ((struct sockaddr_in6 *)&at)->sin6_port);
	*out = STEAL_FD(fd);
	return 0;
}

static int open_listener(const char *address, uint16_t *port, int *out)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *ai = NULL;
	bool any = !address || !*address;
	char service[8];
	int rc;

	snprintf(service, sizeof(service), "%u", *port);
	hints.ai_family = any ? AF_INET6 : AF_UNSPEC;
	if (getaddrinfo(any ? NULL : address, service, &hints, &ai))
		return -EINVAL;
	rc = open_socket(ai, port, out);
	freeaddrinfo(ai);
	if (!any || rc != -EAFNOSUPPORT)
		return rc;
	hints.ai_family = AF_INET; /* no IPv6 here */
	if (getaddrinfo(NULL, service, &hints, &ai))
		return -EINVAL;
	rc = open_socket(ai, port, out);
	freeaddrinfo(ai);
	return rc;
}

static void options_of(struct worker *w, int fd, struct MHD_OptionItem out[16])
{
	const struct serve_config *c = &w->l->s->config;
	/* The page is for people, of whom there are fewer than machines. */
	unsigned most = w->l->web ? c->connections_max / 8 + 8 : c->connections_max;
	int n = 0;

#define OPTION(o, v, p) out[n++] = (struct MHD_OptionItem){MHD_OPTION_##o, (v), (void *)(p)}
	OPTION(LISTEN_SOCKET, fd, NULL);
	OPTION(CONNECTION_LIMIT, most, NULL);
	OPTION(CONNECTION_MEMORY_LIMIT, 16384, NULL);
	OPTION(CONNECTION_TIMEOUT, 75, NULL);
	OPTION(STRICT_FOR_CLIENT, 1, NULL);
	OPTION(NOTIFY_CONNECTION, (intptr_t)on_connection, w);
	OPTION(NOTIFY_COMPLETED, (intptr_t)serve_http_completed, w);
	OPTION(HTTPS_MEM_CERT, 0, c->cert_pem);
	OPTION(HTTPS_MEM_KEY, 0, c->key_pem);
	OPTION(HTTPS_PRIORITIES, 0, serve_tls_priorities);
	/* With trust set, libmicrohttpd asks for a certificate; what comes is ours to verify. */
	if (!w->l->web && c->ca_pem)
		OPTION(HTTPS_MEM_TRUST, 0, c->ca_pem);
	OPTION(END, 0, NULL);
#undef OPTION
}

static enum MHD_Result on_accept(void *cls, const struct sockaddr *from, socklen_t length)
{
	struct worker *w = cls;

	(void)length;
	return serve_login_connects(w->l->s, from) ? MHD_YES : MHD_NO;
}

static int worker_start(struct worker *w, struct listener *l, int listen_fd)
{
	const union MHD_DaemonInfo *info;
	struct MHD_OptionItem options[16];
	int fd = fcntl(listen_fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	w->l = l;
	w->epoll_fd = -1;
	options_of(w, fd, options);
	w->daemon = MHD_start_daemon(
		MHD_USE_TLS | MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0,
		on_accept, w, serve_http_handle, l, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
	if (!w->daemon) {
		close(fd);
		return -EINVAL;
	}
	info = MHD_get_daemon_info(w->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	atomic_store(&w->epoll_fd, info ? info->epoll_fd : -1);
	return 0;
}

static int listener_start(struct serve *s, struct listener *l, bool web)
{
	AUTO(auto_close) int fd = -1;
	int rc;

	l->s = s;
	l->web = web;
	l->port = web ? s->config.web_port : s->config.port;
	rc = open_listener(s->config.address, &l->port, &fd);
	if (rc)
		return rc;
	l->count = web ? 1 : s->config.threads;
	for (unsigned i = 0; i < l->count && !rc; i++)
		rc = worker_start(&l->workers[i], l, fd);
	return rc;
}

static void listener_stop(struct listener *l)
{
	for (unsigned i = 0; i < l->count; i++)
		if (l->workers[i].daemon)
			MHD_stop_daemon(l->workers[i].daemon);
}

/* ---- making and ending ---- */

static void set_defaults(struct serve_config *c)
{
	if (!c->threads)
		c->threads = 2;
	if (c->threads > THREADS_MAX)
		c->threads = THREADS_MAX;
	if (!c->connections_max)
		c->connections_max = 20000;
	if (c->request_max <= 0)
		c->request_max = 65536;
	if (c->request_ms <= 0)
		c->request_ms = 30000;
	if (c->tick_ms <= 0)
		c->tick_ms = 1000;
}

static int serve_start(struct serve *s)
{
	int rc;

	rc = serve_tls_new(&s->config, &s->tls);
	if (!rc)
		rc = serve_login_start(s);
	if (!rc)
		rc = listener_start(s, &s->ipp, false);
	if (!rc && s->config.web)
		rc = listener_start(s, &s->web, true);
	return rc;
}

int serve_new(const struct serve_config *config, struct serve **out)
{
	AUTO(serve_freep) struct serve *s = NULL;
	sigset_t all, before;
	int rc;

	if (sodium_init() < 0)
		return -EIO;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->config = *config;
	set_defaults(&s->config);
	pthread_mutex_init(&s->conns_lock, NULL);
	pthread_mutex_init(&s->queue_lock, NULL);
	s->posts_end = &s->posts;
	pthread_mutex_init(&s->group_lock, NULL);
	pthread_mutex_init(&s->login_lock, NULL);
	pthread_cond_init(&s->login_wake, NULL);
	randombytes_buf(s->seed, sizeof(s->seed));
	randombytes_buf(s->login_key, sizeof(s->login_key));
	s->tick_due_ms = s->sweep_due_ms = mono_ms();
	s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->wake_fd < 0)
		return -errno;
	/* Signals are the caller's threads'. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = serve_start(s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc)
		return rc;
	*out = STEAL(s);
	return 0;
}

uint16_t serve_port(const struct serve *s)
{
	return s->ipp.port;
}

uint16_t serve_web_port(const struct serve *s)
{
	return s->web.port;
}

void serve_stop(struct serve *s)
{
	int before = errno;

	s->stop = 1;
	eventfd_write(s->wake_fd, 1);
	errno = before;
}

/* libmicrohttpd wants no suspended connection when it stops, so every call is handed back first. */
void serve_free(struct serve *s)
{
	if (!s)
		return;
	atomic_store(&s->closing, true);
	serve_login_stop(s);
	serve_queue_close(s);
	while (s->parked_count) {
		struct serve_call *c = s->parked[0];

		serve_park_remove(s, c);
		serve_http_hand_back(c, STAGE_CUT);
	}
	listener_stop(&s->ipp);
	listener_stop(&s->web);
	serve_tls_free(s->tls);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	free(s->parked);
	for (struct post *p; (p = s->posts);) {
		s->posts = p->next;
		free(p);
	}
	free(s->throttles);
	pthread_mutex_destroy(&s->conns_lock);
	pthread_mutex_destroy(&s->queue_lock);
	pthread_mutex_destroy(&s->group_lock);
	pthread_mutex_destroy(&s->login_lock);
	pthread_cond_destroy(&s->login_wake);
	explicit_bzero(s, sizeof(*s));
	free(s);
}

/* ---- groups ---- */

void serve_settle(struct serve_call *c)
{
	if (c->answered)
		return;
	c->answered = true;
	if (c->wake) {
		serve_park_remove(c->s, c);
		c->wake = NULL;
	}
	c->next = c->s->answers;
	c->s->answers = c;
}

void serve_answer(struct serve_call *c, ipp_status_t status)
{
	c->status = status;
	serve_settle(c);
}

void serve_park(struct serve_call *c, int32_t timeout_ms, serve_wake_fn *wake, void *arg)
{
	int64_t now_ms = mono_ms();

	c->wake = wake;
	c->wake_arg = arg;
	c->due_ms = now_ms + timeout_ms;
	c->looked_ms = now_ms;
	/* Without memory it does not wait at all: its time is over in this group. */
	if (serve_park_add(c->s, c)) {
		c->wake = NULL;
		wake(arg, c, false);
	}
}

static void run_operation(struct serve *s, struct serve_call *c)
{
	int status = c->operation->fn(s->config.app, c);

	if (c->answered || (status == SERVE_PARKED && c->wake))
		return;
	serve_answer(c, status < 0 ? IPP_STATUS_ERROR_INTERNAL : (ipp_status_t)status);
}

static void page_login(struct serve *s, struct serve_call *c)
{
	enum login_result result;

	if (!c->login || !s->config.verify) {
		/* Longer than any password: wrong. */
		serve_page_text(c, 400, "That is no name or password.\n");
		serve_settle(c);
		return;
	}
	c->login->form = true;
	result = serve_login_submit(s, c);
	if (!result)
		return; /* another thread's now */
	serve_page_text(c, result == LOGIN_TOO_MANY ? 429 : 503,
		result == LOGIN_TOO_MANY ? "Too many wrong passwords. Wait a minute.\n"
					 : "Passwords cannot be checked at present.\n");
	serve_settle(c);
}

static void run_page(struct serve *s, struct serve_call *c)
{
	c->asks = false;
	c->page->fn(s->config.app, (struct serve_page_call *)c);
	if (c->response) {
		serve_settle(c);
	} else if (c->asks) {
		page_login(s, c);
	} else {
		serve_page_text(c, 500, "This page has no answer.\n");
		serve_settle(c);
	}
}

static void run_calls(struct serve *s, struct serve_call *c, bool begun)
{
	while (c) {
		struct serve_call *next = c->next;

		c->next = NULL;
		if (!begun)
			serve_settle(c);
		else if (c->page)
			run_page(s, c);
		else
			run_operation(s, c);
		c = next;
	}
}

static void run_parks(struct serve *s, int64_t now_ms)
{
	struct serve_call *c;

	while ((c = serve_park_due(s, now_ms))) {
		c->wake(c->wake_arg, c, c->gone);
		if (!c->answered)
			serve_answer(c, IPP_STATUS_ERROR_INTERNAL);
	}
}

static void send_answers(struct serve *s, bool committed)
{
	struct serve_call *c = s->answers;

	s->answers = NULL;
	while (c) {
		struct serve_call *next = c->next;

		if (!committed)
			serve_call_spoil(c);
		if (c->alone)
			c->stage = STAGE_ANSWERED;
		else
			serve_http_hand_back(c, STAGE_ANSWERED);
		c = next;
	}
}

/* What time brings: parked calls whose turn it is, and the tick. */
static void run_due(struct serve *s, bool begun, int64_t now_ms)
{
	if (begun) {
		run_parks(s, now_ms);
		if (s->config.tick && now_ms >= s->tick_due_ms)
			s->config.tick(s->config.app);
	} else {
		/* Not at once again, or we would do nothing else. */
		for (struct serve_call *c; (c = serve_park_due(s, now_ms));)
			serve_park_delay(s, c, now_ms + 1000);
	}
	if (now_ms >= s->tick_due_ms)
		s->tick_due_ms = now_ms + s->config.tick_ms;
}

static void run_posts(struct serve *s)
{
	struct post *p;

	while ((p = s->taken)) {
		s->taken = p->next;
		p->fn(s->config.app, p->arg);
		free(p);
	}
}

static void run_group(struct serve *s, struct serve_call *calls, int64_t now_ms, bool due)
{
	const struct serve_config *config = &s->config;
	bool begun = !config->begin || !config->begin(config->app), committed;

	run_calls(s, calls, begun);
	run_posts(s);
	if (due)
		run_due(s, begun, now_ms);
	committed = begun && (!config->commit || !config->commit(config->app));
	if (config->after)
		config->after(config->app, committed);
	send_answers(s, committed);
	s->ended_ms = mono_ms();
}

static int64_t next_due(const struct serve *s)
{
	int64_t due_ms = s->sweep_due_ms;

	if (s->tick_due_ms < due_ms)
		due_ms = s->tick_due_ms;
	if (s->parked_count && s->parked[0]->due_ms < due_ms)
		due_ms = s->parked[0]->due_ms;
	return due_ms;
}

/* Those that come one upon the other share a commit, so they are for the application thread. */
static bool is_lone(struct serve *s, int64_t now_ms)
{
	return s->running && !s->stop && s->ended_ms < now_ms &&
	       now_ms - atomic_load(&s->crowded_ms) > CROWD_MS && !serve_queue_waits(s, false);
}

bool serve_run_alone(struct serve_call *c)
{
	struct serve *s = c->s;
	int64_t now_ms = mono_ms();
	bool lone;

	if (c->page)
		return false;
	if (pthread_mutex_trylock(&s->group_lock)) {
		atomic_store(&s->crowded_ms, now_ms);
		return false;
	}
	lone = is_lone(s, now_ms);
	if (lone) {
		c->alone = true;
		c->stage = STAGE_APP;
		c->next = NULL; /* it may come from the logins' list */
		run_group(s, c, now_ms, false);
		c->alone = false;
		if (c->stage == STAGE_APP)
			MHD_suspend_connection(c->mhd);
		if (next_due(s) < s->asleep_ms)
			eventfd_write(s->wake_fd, 1);
	}
	pthread_mutex_unlock(&s->group_lock);
	return lone;
}

static void wait_for_work(struct serve *s)
{
	struct pollfd fd = {.fd = s->wake_fd, .events = POLLIN};
	int64_t now_ms = mono_ms();
	eventfd_t value;

	pthread_mutex_lock(&s->group_lock);
	s->asleep_ms = next_due(s);
	pthread_mutex_unlock(&s->group_lock);
	if (s->asleep_ms <= now_ms || serve_queue_waits(s, true))
		return;
	poll(&fd, 1, (int)(s->asleep_ms - now_ms));
	eventfd_read(s->wake_fd, &value);
	serve_queue_awake(s);
}

/* What has come by now, and what is due. */
static void run_once(struct serve *s)
{
	int64_t now_ms = mono_ms();
	struct serve_call *calls;

	if (now_ms >= s->sweep_due_ms) {
		serve_park_look(s, now_ms);
		conns_sweep(s, now_ms);
		s->sweep_due_ms = now_ms + SWEEP_MS;
	}
	calls = serve_queue_take(s);
	s->taken = serve_queue_take_posts(s);
	if (calls || s->taken || now_ms >= s->tick_due_ms || serve_park_due(s, now_ms))
		run_group(s, calls, now_ms, true);
}

static void set_running(struct serve *s, bool running)
{
	pthread_mutex_lock(&s->group_lock);
	s->running = running;
	pthread_mutex_unlock(&s->group_lock);
}

int serve_run(struct serve *s)
{
	set_running(s, true);
	while (!s->stop) {
		wait_for_work(s);
		pthread_mutex_lock(&s->group_lock);
		run_once(s);
		pthread_mutex_unlock(&s->group_lock);
	}
	set_running(s, false);
	return 0;
}
