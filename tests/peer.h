/* SPDX-License-Identifier: Apache-2.0 */
/* peer - a fake IPP server in threads of the test program: each connection is handed to a function that behaves as the
 * test wants. With TLS the certificate is made on the spot. What arrives is counted and its beginning kept. */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct peer;
struct conn {
	struct peer *peer;
	int fd;
	gnutls_session_t tls;
	pthread_t thread;
	/* Of the request read last. */
	bool chunked, expects;
	size_t length;
	char head[4096];
};
typedef void peer_fn(struct conn *c);

enum { PEER_CONNECTIONS = 32, PEER_KEPT = 8192 };

struct peer {
	peer_fn *serve;
	int listener, port;
	char uri[64], path[64];
	pthread_t thread;
	struct conn conns[PEER_CONNECTIONS];
	atomic_int connections, requests;
	_Atomic size_t octets; /* that came through TCP or TLS */
	_Atomic size_t body; /* payload of requests, without the framing of chunks */
	atomic_bool ended; /* the last body ended as it should */
	char kept[PEER_KEPT]; /* the beginning of what came */
	gnutls_certificate_credentials_t credentials;
	const char *priority; /* of GnuTLS, NULL: its own */
	bool wants_certificate; /* asks for one, and takes any or none */
	char subject[256]; /* of the one shown last, "" if none */
};

static inline ssize_t conn_read(struct conn *c, void *buf, size_t size)
{
	ssize_t n = c->tls ? gnutls_record_recv(c->tls, buf, size) : recv(c->fd, buf, size, 0);
	size_t at = c->peer->octets;

	if (n > 0) {
		for (size_t i = 0; i < (size_t)n && at + i < PEER_KEPT - 1; i++)
			c->peer->kept[at + i] = ((char *)buf)[i];
		c->peer->octets += (size_t)n;
	}
	return n;
}

/* Whether @text is in the beginning of what came; messages hold any octet. */
static inline bool peer_saw(const struct peer *p, const char *text)
{
	return memmem(p->kept, sizeof(p->kept), text, strlen(text)) != NULL;
}

static inline void conn_write(struct conn *c, const void *buf, size_t size)
{
	const char *at = buf;

	while (size > 0) {
		ssize_t n = c->tls ? gnutls_record_send(c->tls, at, size)
				   : send(c->fd, at, size, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		at += n;
		size -= (size_t)n;
	}
}

static inline void conn_say(struct conn *c, const char *text)
{
	conn_write(c, text, strlen(text));
}

/* One line without its end; false at the end of the connection. */
static inline bool conn_line(struct conn *c, char *line, size_t size)
{
	size_t used = 0;
	char octet;

	while (conn_read(c, &octet, 1) == 1) {
		if (octet == '\n') {
			line[used] = '\0';
			return true;
		}
		if (octet != '\r' && used < size - 1)
			line[used++] = octet;
	}
	return false;
}

static inline bool conn_head(struct conn *c)
{
	char line[1024];
	size_t used = 0;

	c->chunked = c->expects = false;
	c->length = 0;
	c->head[0] = '\0';
	while (conn_line(c, line, sizeof(line))) {
		if (!line[0]) {
			c->peer->requests++;
			return true;
		}
		used += (size_t)snprintf(c->head + used, sizeof(c->head) - used, "%s\n", line);
		c->chunked |= !strcasecmp(line, "Transfer-Encoding: chunked");
		c->expects |= !strcasecmp(line, "Expect: 100-continue");
		if (!strncasecmp(line, "Content-Length:", 15))
			c->length = strtoul(line + 15, NULL, 10);
	}
	return false;
}

static inline bool conn_skip(struct conn *c, size_t size)
{
	char buf[65536];

	while (size > 0) {
		ssize_t n = conn_read(c, buf, size < sizeof(buf) ? size : sizeof(buf));

		if (n <= 0)
			return false;
		size -= (size_t)n;
		c->peer->body += (size_t)n;
	}
	return true;
}

/* The body of the request; false if it was cut. */
static inline bool conn_body(struct conn *c)
{
	char line[64];

	c->peer->ended = false;
	if (!c->chunked)
		return c->peer->ended = conn_skip(c, c->length);
	while (conn_line(c, line, sizeof(line))) {
		size_t size = strtoul(line, NULL, 16);

		if (!conn_skip(c, size) || !conn_line(c, line, sizeof(line)))
			return false;
		if (size == 0)
			return c->peer->ended = true;
	}
	return false;
}

/* Head and body, with "100 Continue" where it is waited for. */
static inline bool conn_request(struct conn *c)
{
	if (!conn_head(c))
		return false;
	if (c->expects)
		conn_say(c, "HTTP/1.1 100 Continue\r\n\r\n");
	return conn_body(c);
}

/* successful-ok, with charset and language. */
static const char peer_ok[] = "\x02\x00\x00\x00\x00\x00\x00\x01\x01"
			      "\x47\x00\x12"
			      "attributes-charset"
			      "\x00\x05"
			      "utf-8"
			      "\x48\x00\x1b"
			      "attributes-natural-language"
			      "\x00\x02"
			      "en"
			      "\x03";

static inline void conn_answer(struct conn *c)
{
	char head[128];

	snprintf(head, sizeof(head),
		"HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\nContent-Length: %zu\r\n\r\n",
		sizeof(peer_ok) - 1);
	conn_say(c, head);
	conn_write(c, peer_ok, sizeof(peer_ok) - 1);
}

/* As an honest printer does, until the other side closes. */
static inline void serve_well(struct conn *c)
{
	while (conn_request(c))
		conn_answer(c);
}

static inline void conn_note_subject(struct conn *c)
{
	unsigned int count = 0;
	const gnutls_datum_t *list = gnutls_certificate_get_peers(c->tls, &count);
	size_t size = sizeof(c->peer->subject);
	gnutls_x509_crt_t crt;

	c->peer->subject[0] = '\0';
	if (!list || !count)
		return;
	gnutls_x509_crt_init(&crt);
	if (!gnutls_x509_crt_import(crt, &list[0], GNUTLS_X509_FMT_DER))
		gnutls_x509_crt_get_dn(crt, c->peer->subject, &size);
	gnutls_x509_crt_deinit(crt);
}

static inline void *peer_conn(void *arg)
{
	struct conn *c = arg;

	/* Counted before it is served: a test may look at the count as soon as it has its answer. */
	while (c->peer->connections <= c - c->peer->conns)
		sched_yield();
	if (c->peer->credentials) {
		gnutls_init(&c->tls, GNUTLS_SERVER | GNUTLS_NO_SIGNAL);
		if (c->peer->priority)
			gnutls_priority_set_direct(c->tls, c->peer->priority, NULL);
		else
			gnutls_set_default_priority(c->tls);
		if (c->peer->wants_certificate)
			gnutls_certificate_server_set_request(c->tls, GNUTLS_CERT_REQUEST);
		gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, c->peer->credentials);
		gnutls_transport_set_int(c->tls, c->fd);
		if (gnutls_handshake(c->tls) < 0)
			goto out;
		if (c->peer->wants_certificate)
			conn_note_subject(c);
	}
	c->peer->serve(c);
	if (c->tls)
		gnutls_bye(c->tls, GNUTLS_SHUT_WR);
out:
	/* The descriptor stays until peer_stop(): another thread may be shutting it down. */
	shutdown(c->fd, SHUT_RDWR);
	if (c->tls)
		gnutls_deinit(c->tls);
	return NULL;
}

static inline void *peer_accept(void *arg)
{
	struct peer *p = arg;
	int fd;

	while (p->connections < PEER_CONNECTIONS &&
		(fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		struct conn *c = &p->conns[p->connections];
		struct timeval limit = {.tv_sec = 20};

		c->peer = p;
		c->fd = fd;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		if (pthread_create(&c->thread, NULL, peer_conn, c))
			abort();
		p->connections++;
	}
	return NULL;
}

/* A key and a certificate for it, signed by itself. */
static inline void peer_certify(struct peer *p)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;

	gnutls_x509_privkey_init(&key);
	gnutls_x509_privkey_generate(
		key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	gnutls_x509_crt_init(&crt);
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_serial(crt, "\x01", 1);
	gnutls_x509_crt_set_dn(crt, "CN=fake", NULL);
	gnutls_x509_crt_set_activation_time(crt, time(NULL) - 3600);
	gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 3600);
	gnutls_x509_crt_set_key(crt, key);
	gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
	gnutls_certificate_allocate_credentials(&p->credentials);
	gnutls_certificate_set_x509_key(p->credentials, &crt, 1, key);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
}

static inline void peer_run(struct peer *p)
{
	if (listen(p->listener, 64) || pthread_create(&p->thread, NULL, peer_accept, p))
		abort();
}

static inline struct peer *peer_bound(peer_fn *serve, bool tls)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	struct peer *p = calloc(1, sizeof(*p));

	p->serve = serve;
	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(p->listener, (struct sockaddr *)&at, size) ||
		getsockname(p->listener, (struct sockaddr *)&at, &size))
		abort();
	p->port = ntohs(at.sin_port);
	snprintf(p->uri, sizeof(p->uri), "%s://127.0.0.1:%d/ipp/print", tls ? "ipps" : "ipp",
		p->port);
	if (tls)
		peer_certify(p);
	return p;
}

static inline struct peer *peer_start(peer_fn *serve)
{
	struct peer *p = peer_bound(serve, false);

	peer_run(p);
	return p;
}

static inline struct peer *peer_start_tls(peer_fn *serve)
{
	struct peer *p = peer_bound(serve, true);

	peer_run(p);
	return p;
}

static inline struct peer *peer_start_unix(peer_fn *serve)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct peer *p = calloc(1, sizeof(*p));

	p->serve = serve;
	p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(p->path, sizeof(p->path), "/tmp/stillprint-peer-%d", (int)getpid());
	memcpy(at.sun_path, p->path, sizeof(p->path));
	unlink(p->path);
	if (bind(p->listener, (struct sockaddr *)&at, sizeof(at)))
		abort();
	snprintf(p->uri, sizeof(p->uri), "ipp://localhost/printers/q");
	peer_run(p);
	return p;
}

static inline void peer_stop(struct peer *p)
{
	shutdown(p->listener, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	close(p->listener);
	for (int i = 0; i < p->connections; i++) {
		shutdown(p->conns[i].fd, SHUT_RDWR);
		if (p->conns[i].thread)
			pthread_join(p->conns[i].thread, NULL);
		close(p->conns[i].fd);
	}
	if (p->credentials)
		gnutls_certificate_free_credentials(p->credentials);
	if (p->path[0])
		unlink(p->path);
	free(p);
}
