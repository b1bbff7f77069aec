/* SPDX-License-Identifier: Apache-2.0 */
/* call-tls - whom a call may speak to: a key that is pinned, or a certificate of the CA of a server of ours; see call.h. */
#include <ctype.h>
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "ipp/call.h"
#include "ipp/cert.h"

#define PIN_PREFIX "sha256//"

enum { PIN_BASE64 = 44 };

/* ---- keys ---- */

static void crt_deinitp(gnutls_x509_crt_t *crt)
{
	gnutls_x509_crt_deinit(*crt);
}

static void pubkey_deinitp(gnutls_pubkey_t *key)
{
	gnutls_pubkey_deinit(*key);
}

static void datum_freep(gnutls_datum_t *datum)
{
	gnutls_free(datum->data);
}

void call_pin(const char *pem, char *out, size_t size)
{
	const gnutls_datum_t text = {(unsigned char *)pem, (unsigned int)strlen(pem)};
	AUTO(crt_deinitp) gnutls_x509_crt_t crt = NULL;
	AUTO(pubkey_deinitp) gnutls_pubkey_t key = NULL;
	AUTO(datum_freep) gnutls_datum_t spki = {0}, base64 = {0};
	unsigned char digest[32];
	const gnutls_datum_t hash = {digest, sizeof(digest)};

	out[0] = '\0';
	if (gnutls_x509_crt_init(&crt) || gnutls_x509_crt_import(crt, &text, GNUTLS_X509_FMT_PEM) ||
		gnutls_pubkey_init(&key) || gnutls_pubkey_import_x509(key, crt, 0) ||
		gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &spki) ||
		gnutls_hash_fast(GNUTLS_DIG_SHA256, spki.data, spki.size, digest) ||
		gnutls_base64_encode2(&hash, &base64) || base64.size != PIN_BASE64)
		return;
	snprintf(out, size, PIN_PREFIX "%.*s", (int)base64.size, (const char *)base64.data);
}

/* libcurl takes anything else than "sha256//…" for a file name, and a list where we mean one. */
bool call_is_pin(const char *pin)
{
	size_t i;

	if (strncmp(pin, PIN_PREFIX, strlen(PIN_PREFIX)))
		return false;
	pin += strlen(PIN_PREFIX);
	if (strlen(pin) != PIN_BASE64)
		return false;
	for (i = 0; i < PIN_BASE64 - 1; i++)
		if (!isalnum((unsigned char)pin[i]) && pin[i] != '+' && pin[i] != '/')
			return false;
	return pin[i] == '=';
}

/* ---- what the peer showed ---- */

/* The certificate of the peer met, or that of its chain at @index; NULL if the peer showed none on this connection. */
static const char *shown(struct client_call *call, int index)
{
	struct curl_certinfo *chain = NULL;
	const struct curl_slist *line;

	if (curl_easy_getinfo(call->easy, CURLINFO_CERTINFO, &chain) || !chain ||
		index >= chain->num_of_certs)
		return NULL;
	for (line = chain->certinfo[index]; line; line = line->next)
		if (!strncmp(line->data, "Cert:", 5))
			return line->data + 5;
	return NULL;
}

void call_peer_pin(struct client_call *call, char *out, size_t size)
{
	const char *pem = shown(call, 0);

	out[0] = '\0';
	if (pem)
		call_pin(pem, out, size);
}

size_t call_chain(struct client_call *call, const char **pem, size_t max)
{
	size_t n = 0;

	while (n < max && (pem[n] = shown(call, (int)n)))
		n++;
	return n;
}

/* A machine's certificate is of the same CA, but for clients (EKU): neither libcurl nor GnuTLS looks at that. */
static bool is_for_servers(gnutls_x509_crt_t crt)
{
	return gnutls_x509_crt_check_key_purpose(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
}

/* NULL, or what is wrong with the certificate shown. */
static const char *why_unfit(const struct client_call *call, const char *pem)
{
	const gnutls_datum_t text = {(unsigned char *)pem, (unsigned int)strlen(pem)};
	AUTO(crt_deinitp) gnutls_x509_crt_t crt = NULL;

	if (gnutls_x509_crt_init(&crt) || gnutls_x509_crt_import(crt, &text, GNUTLS_X509_FMT_PEM))
		return "it cannot be read";
	if (!is_for_servers(crt))
		return "it is not one for servers";
	if (call->server_uuid[0] && !cert_names_uuid(crt, call->server_uuid))
		return "it is that of another server of the same CA";
	return NULL;
}

/* A kept connection shows nothing again, and is kept only if it was good. */
static bool is_fit(struct client_call *call)
{
	const char *pem = shown(call, 0);
	long opened = 0;

	if (pem)
		call->unfit_why = why_unfit(call, pem);
	if (pem)
		return !call->unfit_why;
	curl_easy_getinfo(call->easy, CURLINFO_NUM_CONNECTS, &opened);
	return opened == 0;
}

#if LIBCURL_VERSION_NUM >= 0x075000
/* The handshake is done and verified; not an octet of ours has left. */
static int before_request(void *arg, char *ip, char *own_ip, int port, int own_port)
{
	struct client_call *call = arg;

	(void)ip;
	(void)own_ip;
	(void)port;
	(void)own_port;
	call->unfit = !is_fit(call);
	return call->unfit ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}
#endif

/* ---- options ---- */

static int set_pinned(struct client_call *call)
{
	/* A printer's certificate is its own; what counts is that its key is the one met before. */
	CALL_SET(call, CURLOPT_SSL_VERIFYPEER, 0L);
	CALL_SET(call, CURLOPT_SSL_VERIFYHOST, 0L);
	/* Not needed then, and reading them would hold up the loop for 15 ms each time. */
	CALL_SET(call, CURLOPT_CAINFO, NULL);
	if (call->pin[0])
		CALL_SET(call, CURLOPT_PINNEDPUBLICKEY, call->pin);
	return 0;
}

/* libcurl keeps connections apart by the files' names, not by what is in them. So another certificate in the same place
 * goes by another name of it, with more slashes: a connection that showed the old one is not used again. */
static int name_anew(char *out, size_t size, const char *path, unsigned turn)
{
	static const char slashes[CALL_TURNS + 1] =
		"////////////////////////////////////////////////////////////////";
	const char *last = strrchr(path, '/');
	int n = last ? snprintf(out, size, "%.*s%.*s%s", (int)(last - path), path, (int)turn,
			       slashes, last)
		     : snprintf(out, size, "./%.*s%s", (int)turn, slashes, path);

	return n < 0 || (size_t)n >= size ? -EINVAL : 0;
}

static int set_verified(struct client_call *call, const struct client_identity *id, unsigned turn)
{
	char cert[PATH_MAX + CALL_TURNS];

	CALL_SET(call, CURLOPT_SSL_VERIFYPEER, 1L);
	CALL_SET(call, CURLOPT_SSL_VERIFYHOST, 2L);
	CALL_SET(call, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	CALL_SET(call, CURLOPT_CAINFO, id->ca_file);
#if LIBCURL_VERSION_NUM >= 0x075700 /* the CAs of a file may become others */
	CALL_SET(call, CURLOPT_CA_CACHE_TIMEOUT, 0L);
#endif
	snprintf(call->server_uuid, sizeof(call->server_uuid), "%s",
		id->server_uuid ? id->server_uuid : "");
#if LIBCURL_VERSION_NUM >= 0x075000
	CALL_SET(call, CURLOPT_PREREQFUNCTION, before_request);
	CALL_SET(call, CURLOPT_PREREQDATA, call);
#endif
	if (!id->cert_file)
		return 0;
	call->cert_file = strdup(id->cert_file);
	call->key_file = strdup(id->key_file);
	if (!call->cert_file || !call->key_file)
		return -ENOMEM;
	if (name_anew(cert, sizeof(cert), id->cert_file, turn))
		return -EINVAL;
	CALL_SET(call, CURLOPT_SSLCERT, cert);
	CALL_SET(call, CURLOPT_SSLKEY, id->key_file);
	return 0;
}

int call_set_tls(struct client_call *call, const struct client_identity *id, unsigned turn)
{
	CALL_SET(call, CURLOPT_CERTINFO, 1L);
	CALL_SET(call, CURLOPT_CAPATH, NULL);
	return id ? set_verified(call, id, turn % (CALL_TURNS + 1)) : set_pinned(call);
}

/* ---- what became of it ---- */

static void credentials_freep(gnutls_certificate_credentials_t *c)
{
	if (*c)
		gnutls_certificate_free_credentials(*c);
}

/* GnuTLS' libcurl has one code for a handshake that failed and for files of ours that are no good. */
static bool is_our_fault(const struct client_call *call)
{
	AUTO(credentials_freep) gnutls_certificate_credentials_t c = NULL;

	return call->cert_file && !gnutls_certificate_allocate_credentials(&c) &&
	       gnutls_certificate_set_x509_key_file(
		       c, call->cert_file, call->key_file, GNUTLS_X509_FMT_PEM) < 0;
}

enum client_fault call_verified_fault(struct client_call *call, CURLcode code, enum client_fault f)
{
	/* Where libcurl cannot ask before the request, it is told after. */
	if (call->unfit || (code == CURLE_OK && !is_fit(call))) {
		call->unfit = true;
		return CLIENT_PIN;
	}
	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return CLIENT_PIN;
	case CURLE_SSL_CERTPROBLEM: /* our own files */
	case CURLE_SSL_CACERT_BADFILE:
		return CLIENT_BODY;
	case CURLE_SSL_CONNECT_ERROR:
		return is_our_fault(call) ? CLIENT_BODY : f;
	default:
		return f;
	}
}

/* What is wrong with the certificate shown, where libcurl's words do not tell. */
static void refusal_words(struct client_call *call, char *out, size_t size)
{
	const char *pem = shown(call, 0);
	const gnutls_datum_t text = {(unsigned char *)pem, pem ? (unsigned int)strlen(pem) : 0};
	AUTO(crt_deinitp) gnutls_x509_crt_t crt = NULL;
	time_t now = time(NULL);

	snprintf(out, size, "%s", call->words[0] ? call->words : "no reason given");
	if (call->unfit)
		snprintf(out, size, "%s", call->unfit_why ? call->unfit_why : "it shows none");
	else if (!pem || gnutls_x509_crt_init(&crt) ||
		 gnutls_x509_crt_import(crt, &text, GNUTLS_X509_FMT_PEM))
		return;
	else if (gnutls_x509_crt_get_expiration_time(crt) < now)
		snprintf(out, size, "it has expired, or this computer's clock is wrong");
	else if (gnutls_x509_crt_get_activation_time(crt) > now)
		snprintf(out, size, "it is not valid yet, or this computer's clock is wrong");
}

void call_verified_words(struct client_call *call, struct client_reply *out)
{
	char words[200];

	if (out->fault == CLIENT_PIN) {
		refusal_words(call, words, sizeof(words));
		snprintf(out->detail, sizeof(out->detail),
			"the server's certificate is refused: %s", words);
	} else if (out->fault == CLIENT_BODY) {
		snprintf(out->detail, sizeof(out->detail),
			"this computer's certificate or key cannot be used: %s",
			call->words[0] ? call->words : "its files cannot be read");
	}
}
