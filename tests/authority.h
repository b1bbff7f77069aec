/* SPDX-License-Identifier: Apache-2.0 */
/* authority - a CA for tests, what it certifies, and peers (peer.h) that show its certificates. */
#pragma once

#include <stdarg.h>

#include "peer.h"

struct authority {
	gnutls_x509_crt_t crt;
	gnutls_x509_privkey_t key;
	unsigned char serial;
};

/* What a certificate says. */
struct subject {
	const char *name; /* CN */
	const char *host, *address; /* SAN, NULL: none */
	const char *uuid; /* SAN URI, NULL: none */
	bool server; /* EKU serverAuth, else clientAuth */
	int begins_s, ends_s; /* from now; 0, 0: an hour around now */
};

static const struct subject server_by_address
	__attribute__((unused)) = {.name = "server", .address = "127.0.0.1", .server = true};
static const struct subject server_by_name
	__attribute__((unused)) = {.name = "server", .host = "localhost", .server = true};
static const struct subject server_elsewhere __attribute__((unused)) = {
	.name = "127.0.0.1", .host = "elsewhere.example", .address = "127.0.0.2", .server = true};
static const struct subject server_expired __attribute__((unused)) = {
	.name = "server", .address = "127.0.0.1", .server = true, .begins_s = -7200, .ends_s = -60};
static const struct subject server_too_early __attribute__((unused)) = {
	.name = "server", .address = "127.0.0.1", .server = true, .begins_s = 3600, .ends_s = 7200};
static const struct subject machine_at_the_address
	__attribute__((unused)) = {.name = "machine", .host = "localhost", .address = "127.0.0.1"};
static const struct subject machine_one __attribute__((unused)) = {.name = "machine one"};
static const struct subject machine_two __attribute__((unused)) = {.name = "machine two"};
static const struct subject machine_three __attribute__((unused)) = {.name = "machine three"};

static inline gnutls_x509_privkey_t authority_key(void)
{
	gnutls_x509_privkey_t key;

	gnutls_x509_privkey_init(&key);
	gnutls_x509_privkey_generate(
		key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	return key;
}

static inline gnutls_x509_crt_t authority_blank(const char *name, gnutls_x509_privkey_t key)
{
	gnutls_x509_crt_t crt;

	gnutls_x509_crt_init(&crt);
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_dn_by_oid(
		crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned int)strlen(name));
	if (key)
		gnutls_x509_crt_set_key(crt, key);
	gnutls_x509_crt_set_activation_time(crt, time(NULL) - 3600);
	gnutls_x509_crt_set_expiration_time(crt, time(NULL) + 3600);
	return crt;
}

/* GnuTLS puts a chain in order by what it read, not by what was set. */
static inline gnutls_x509_crt_t authority_read_again(gnutls_x509_crt_t crt)
{
	gnutls_datum_t der;
	gnutls_x509_crt_t again;

	gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_crt_init(&again);
	if (gnutls_x509_crt_import(again, &der, GNUTLS_X509_FMT_DER))
		abort();
	gnutls_free(der.data);
	return again;
}

static inline struct authority *authority_new(const char *name)
{
	struct authority *a = calloc(1, sizeof(*a));

	a->key = authority_key();
	a->crt = authority_blank(name, a->key);
	gnutls_x509_crt_set_serial(a->crt, "\x01", 1);
	a->serial = 1;
	gnutls_x509_crt_set_ca_status(a->crt, 1);
	gnutls_x509_crt_set_key_usage(a->crt, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
	gnutls_x509_crt_sign2(a->crt, a->crt, a->key, GNUTLS_DIG_SHA256, 0);
	a->crt = authority_read_again(a->crt);
	return a;
}

static inline void authority_free(struct authority *a)
{
	gnutls_x509_crt_deinit(a->crt);
	gnutls_x509_privkey_deinit(a->key);
	free(a);
}

static inline void authority_sign(
	struct authority *a, const struct subject *s, gnutls_x509_crt_t crt)
{
	struct in_addr address;

	a->serial++;
	gnutls_x509_crt_set_serial(crt, &a->serial, 1);
	if (s->begins_s || s->ends_s) {
		gnutls_x509_crt_set_activation_time(crt, time(NULL) + s->begins_s);
		gnutls_x509_crt_set_expiration_time(crt, time(NULL) + s->ends_s);
	}
	if (s->uuid)
		gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_URI, s->uuid,
			(unsigned int)strlen(s->uuid), GNUTLS_FSAN_APPEND);
	if (s->host)
		gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, s->host,
			(unsigned int)strlen(s->host), GNUTLS_FSAN_APPEND);
	if (s->address && inet_pton(AF_INET, s->address, &address) == 1)
		gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_IPADDRESS, &address, 4, GNUTLS_FSAN_APPEND);
	gnutls_x509_crt_set_key_purpose_oid(
		crt, s->server ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT, 0);
	gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (gnutls_x509_crt_sign2(crt, a->crt, a->key, GNUTLS_DIG_SHA256, 0))
		abort();
}

static inline void authority_put(const char *path, const gnutls_datum_t *pem)
{
	char temporary[256];
	FILE *f;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	f = fopen(temporary, "w");
	if (!f || fwrite(pem->data, 1, pem->size, f) != pem->size || fclose(f) ||
		rename(temporary, path))
		abort();
}

static inline void authority_pem(struct authority *a, char *out, size_t size)
{
	gnutls_datum_t pem;

	gnutls_x509_crt_export2(a->crt, GNUTLS_X509_FMT_PEM, &pem);
	snprintf(out, size, "%.*s", (int)pem.size, pem.data);
	gnutls_free(pem.data);
}

static inline void authority_write(struct authority *a, const char *path)
{
	gnutls_datum_t pem;

	gnutls_x509_crt_export2(a->crt, GNUTLS_X509_FMT_PEM, &pem);
	authority_put(path, &pem);
	gnutls_free(pem.data);
}

/* A key and its certificate, as files. */
static inline void authority_issue(
	struct authority *a, const struct subject *s, const char *cert_file, const char *key_file)
{
	gnutls_x509_privkey_t key = authority_key();
	gnutls_x509_crt_t crt = authority_blank(s->name, key);
	gnutls_datum_t pem;

	authority_sign(a, s, crt);
	gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem);
	authority_put(cert_file, &pem);
	gnutls_free(pem.data);
	gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem);
	authority_put(key_file, &pem);
	gnutls_free(pem.data);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
}

/* A peer with TLS that shows @s, then the CA. */
static inline struct peer *authority_peer(
	struct authority *a, const struct subject *s, peer_fn *serve)
{
	struct peer *p = peer_bound(serve, true);
	gnutls_x509_privkey_t key = authority_key();
	gnutls_x509_crt_t chain[2] = {authority_blank(s->name, key), a->crt};

	authority_sign(a, s, chain[0]);
	chain[0] = authority_read_again(chain[0]);
	gnutls_certificate_free_credentials(p->credentials);
	gnutls_certificate_allocate_credentials(&p->credentials);
	if (gnutls_certificate_set_x509_key(p->credentials, chain, 2, key))
		abort();
	gnutls_certificate_set_x509_trust(p->credentials, &a->crt, 1);
	gnutls_x509_crt_deinit(chain[0]);
	gnutls_x509_privkey_deinit(key);
	peer_run(p);
	return p;
}
