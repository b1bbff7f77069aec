/* SPDX-License-Identifier: Apache-2.0 */
/* tls-relay - lets tools that know no client certificates speak as a machine: plain TCP here, TLS with its certificate there.
 * usage: tls-relay PORT HOST:PORT CA.PEM CERT.PEM KEY.PEM
 *        tls-relay PORT HOST:PORT CERT.PEM KEY.PEM    the other way round: TLS with the server's certificate here, plain
 *                                                     TCP there
 * One of each, and in between is plain IPP: a test can look for an operation there, and cut or hold it.
 * Listens on 127.0.0.1; verifies the server against CA.PEM. One process for each connection; ends with its parent's signal. */
#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LATE_MS = 3000 };

static void die(const char *what, const char *why)
{
	fprintf(stderr, "tls-relay: %s: %s\n", what, why);
	exit(1);
}

static int dial(const char *target)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
	char host[256];
	const char *colon = strrchr(target, ':');
	int fd = -1, rc;

	if (!colon)
		die(target, "no port");
	snprintf(host, sizeof(host), "%.*s", (int)(colon - target), target);
	rc = getaddrinfo(host, colon + 1, &hints, &all);
	if (rc)
		die(target, gai_strerror(rc));
	for (struct addrinfo *a = all; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(all);
	return fd;
}

static void put(int fd, const char *octets, size_t count)
{
	while (count > 0) {
		ssize_t n = write(fd, octets, count);

		if (n < 0)
			exit(0);
		octets += n;
		count -= (size_t)n;
	}
}

static void send_all(gnutls_session_t tls, const char *octets, size_t count)
{
	while (count > 0) {
		ssize_t n = gnutls_record_send(tls, octets, count);

		if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
			continue;
		if (n < 0)
			exit(0);
		octets += n;
		count -= (size_t)n;
	}
}

/* A client that left may have said something before: it is answered all the same, for a relay in between to see. */
static void last_answer(int plain, int fd, gnutls_session_t tls)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char buffer[16384];
	ssize_t n;

	if (poll(&p, 1, LATE_MS) > 0 && (n = gnutls_record_recv(tls, buffer, sizeof(buffer))) > 0)
		put(plain, buffer, (size_t)n);
}

/* Until one of the two is gone. */
static void pump(int plain, int fd, gnutls_session_t tls, bool plain_asks)
{
	struct pollfd p[2] = {{.fd = plain, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
	char buffer[16384];

	for (;;) {
		ssize_t n;

		if (!gnutls_record_check_pending(tls) && poll(p, 2, -1) < 0)
			return;
		if (gnutls_record_check_pending(tls) ||
			(p[1].revents & (POLLIN | POLLHUP | POLLERR))) {
			n = gnutls_record_recv(tls, buffer, sizeof(buffer));
			if (n == 0 || (n < 0 && gnutls_error_is_fatal((int)n)))
				return;
			if (n > 0)
				put(plain, buffer, (size_t)n);
			continue;
		}
		if (p[0].revents) {
			n = read(plain, buffer, sizeof(buffer));
			if (n == 0 && plain_asks)
				last_answer(plain, fd, tls);
			if (n <= 0)
				return;
			send_all(tls, buffer, (size_t)n);
		}
	}
}

static void handshake(gnutls_session_t tls, int fd, const char *whom)
{
	int rc;

	gnutls_transport_set_int(tls, fd);
	do
		rc = gnutls_handshake(tls);
	while (rc < 0 && !gnutls_error_is_fatal(rc));
	if (rc < 0)
		die(whom, gnutls_strerror(rc));
}

static gnutls_session_t session(
	unsigned int kind, gnutls_certificate_credentials_t cred, const char *cert, const char *key)
{
	gnutls_session_t tls = NULL;

	if (gnutls_certificate_set_x509_key_file(cred, cert, key, GNUTLS_X509_FMT_PEM) < 0)
		die(cert, "certificate or key cannot be read");
	if (gnutls_init(&tls, kind) || gnutls_set_default_priority(tls) ||
		gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, cred))
		die("TLS", "no session");
	return tls;
}

static void relay(int accepted, int argc, char **argv)
{
	gnutls_certificate_credentials_t cred = NULL;
	gnutls_session_t tls = NULL;
	int fd = dial(argv[2]), on = 1;

	if (fd < 0)
		die(argv[2], strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (gnutls_certificate_allocate_credentials(&cred))
		die("TLS", "no memory");
	if (argc == 5) {
		tls = session(GNUTLS_SERVER, cred, argv[3], argv[4]);
		handshake(tls, accepted, "client");
		pump(fd, accepted, tls, false);
	} else {
		if (gnutls_certificate_set_x509_trust_file(cred, argv[3], GNUTLS_X509_FMT_PEM) < 1)
			die(argv[3], "cannot be read");
		tls = session(GNUTLS_CLIENT, cred, argv[4], argv[5]);
		gnutls_session_set_verify_cert(tls, NULL, 0);
		handshake(tls, fd, argv[2]);
		pump(accepted, fd, tls, true);
	}
	gnutls_deinit(tls);
	gnutls_certificate_free_credentials(cred);
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = {.sin_family = AF_INET};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (argc != 5 && argc != 6) {
		fputs("usage: tls-relay PORT HOST:PORT [CA.PEM] CERT.PEM KEY.PEM\n", stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	here.sin_port = htons((uint16_t)atoi(argv[1]));
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&here, sizeof(here)) < 0 || listen(listener, 64) < 0)
		die(argv[1], strerror(errno));
	for (;;) {
		int plain = accept(listener, NULL, NULL);

		if (plain < 0)
			continue;
		if (fork() == 0) {
			close(listener);
			relay(plain, argc, argv);
			_exit(0);
		}
		close(plain);
	}
}
