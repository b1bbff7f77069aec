/* SPDX-License-Identifier: Apache-2.0 */
/* serve-tls - certificates: ours are checked before we listen, a caller's is verified once for each connection. */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/mono.h"
#include "ipp/serve-private.h"

/* TLS 1.2 and newer, forward secrecy and AEAD only. */
const char serve_tls_priorities[] =
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:"
	"-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:%SERVER_PRECEDENCE";

struct tls {
	gnutls_datum_t ticket_key;
};

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){(unsigned char *)text, (unsigned)strlen(text)};
}

/* libmicrohttpd would only say that it cannot start. */
static int check_ours(const struct serve_config *config)
{
	gnutls_certificate_credentials_t cred;
	gnutls_datum_t cert = datum(config->cert_pem), key = datum(config->key_pem);
	int rc;

	if (gnutls_certificate_allocate_credentials(&cred) < 0)
		return -ENOMEM;
	rc = gnutls_certificate_set_x509_key_mem(cred, &cert, &key, GNUTLS_X509_FMT_PEM);
	if (rc >= 0 && config->ca_pem) {
		gnutls_datum_t ca = datum(config->ca_pem);

		/* How many it took. */
		rc = gnutls_certificate_set_x509_trust_mem(cred, &ca, GNUTLS_X509_FMT_PEM);
		rc = rc == 0 ? -1 : rc;
	}
	gnutls_certificate_free_credentials(cred);
	return rc < 0 ? -EINVAL : 0;
}

int serve_tls_new(const struct serve_config *config, struct tls **out)
{
	struct tls *t;
	int rc;

	if (!config->cert_pem || !config->key_pem)
		return -EINVAL;
	rc = check_ours(config);
	if (rc)
		return rc;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	if (gnutls_session_ticket_key_generate(&t->ticket_key) < 0) {
		free(t);
		return -EIO;
	}
	*out = t;
	return 0;
}

void serve_tls_free(struct tls *t)
{
	if (!t)
		return;
	gnutls_memset(t->ticket_key.data, 0, t->ticket_key.size);
	gnutls_free(t->ticket_key.data);
	free(t);
}

/* libmicrohttpd (0.9.75) asks again and again for octets of a handshake that has not got them, as fast as it can. So a second
 * time in vain waits until anything at all happens in this thread, or a little. Of many such handshakes one waits for all:
 * once in a round of the thread. */
static void nap(struct conn *conn)
{
	static _Thread_local const struct conn *sleeper; /* compared, never looked into */
	static _Thread_local int64_t napped_ms;
	struct pollfd fd = {.fd = atomic_load(&conn->worker->epoll_fd), .events = POLLIN};

	if (!conn->dry || fd.fd < 0)
		return;
	if (sleeper != conn && mono_ms() - napped_ms < 4 * HANDSHAKE_NAP_MS)
		return;
	sleeper = conn;
	poll(&fd, 1, HANDSHAKE_NAP_MS);
	napped_ms = mono_ms();
}

static ssize_t pull(gnutls_transport_ptr_t arg, void *data, size_t size)
{
	struct conn *conn = arg;
	ssize_t got = recv(conn->fd, data, size, 0);
	int error = errno;

	if (!atomic_load(&conn->greeted)) {
		if (got < 0 && error == EAGAIN)
			nap(conn);
		conn->dry = got < 0;
	}
	errno = error;
	return got;
}

/* Before the handshake. Tickets make reconnecting cheap; the certificate is in them, and is verified again. */
void serve_tls_connection_starts(struct tls *t, struct conn *conn, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	gnutls_transport_ptr_t from, to;

	if (!info || !info->tls_session)
		return;
	gnutls_session_ticket_enable_server(info->tls_session, &t->ticket_key);
	gnutls_transport_get_ptr2(info->tls_session, &from, &to);
	gnutls_transport_set_ptr2(info->tls_session, conn, to);
	gnutls_transport_set_pull_function(info->tls_session, pull);
}

/* A certificate that does not say what it is for is not for this. */
static bool is_for_clients(gnutls_x509_crt_t crt)
{
	for (unsigned i = 0; i < 16; i++) {
		char oid[128];
		size_t size = sizeof(oid);

		if (gnutls_x509_crt_get_key_purpose_oid(crt, i, oid, &size, NULL) < 0)
			return false;
		if (!strcmp(oid, GNUTLS_KP_TLS_WWW_CLIENT))
			return true;
	}
	return false;
}

static bool is_uuid(const char *uri)
{
	static const char form[] = "urn:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(uri) != sizeof(form) - 1 || strncmp(uri, form, 9) != 0)
		return false;
	for (size_t i = 9; i < sizeof(form) - 1; i++)
		if (form[i] == '-' ? uri[i] != '-' : !strchr("0123456789abcdef", uri[i]))
			return false;
	return true;
}

/* The one URI among its names; of two, we would not know which it is. */
static bool uuid_of(gnutls_x509_crt_t crt, char out[64])
{
	bool found = false;

	for (unsigned i = 0; i < 64; i++) {
		char name[256];
		size_t size = sizeof(name);
		int type = gnutls_x509_crt_get_subject_alt_name(crt, i, name, &size, NULL);

		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return found;
		if (type != GNUTLS_SAN_URI)
			continue;
		if (found || size >= 64 || strnlen(name, size) != size)
			return false;
		memcpy(out, name, size);
		out[size] = '\0';
		found = is_uuid(out);
		if (!found)
			return false;
	}
	return false;
}

static bool read_certificate(struct conn *conn, const gnutls_datum_t *der)
{
	unsigned char digest[32];
	size_t size = sizeof(digest);
	gnutls_x509_crt_t crt;
	bool good;

	if (gnutls_fingerprint(GNUTLS_DIG_SHA256, der, digest, &size) < 0 ||
		size != sizeof(digest) || gnutls_x509_crt_init(&crt) < 0)
		return false;
	good = gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) >= 0 && is_for_clients(crt) &&
	       uuid_of(crt, conn->uuid);
	if (good)
		conn->cert_expires_s = gnutls_x509_crt_get_expiration_time(crt);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(conn->fingerprint + 2 * i, 3, "%02x", digest[i]);
	gnutls_x509_crt_deinit(crt);
	return good;
}

void serve_tls_identify(struct conn *conn, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	gnutls_typed_vdata_st purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (void *)GNUTLS_KP_TLS_WWW_CLIENT};
	const gnutls_datum_t *chain;
	unsigned status = ~0U, count = 0;

	if (!info || !info->tls_session)
		return;
	chain = gnutls_certificate_get_peers(info->tls_session, &count);
	if (!chain || count == 0)
		return;
	/* Signed by our CA, in its time, for clients. */
	if (gnutls_certificate_verify_peers(info->tls_session, &purpose, 1, &status) < 0 || status)
		return;
	conn->machine = read_certificate(conn, &chain[0]);
}
