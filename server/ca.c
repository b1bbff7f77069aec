/* SPDX-License-Identifier: Apache-2.0 */
/* ca - see ca.h. Keys and certificates are GnuTLS's, the policy's signature libsodium's. */
#include "ca.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mono.h"
#include "ca-private.h"
#include "files.h"

enum { SERIAL_OCTETS = 16 };

AUTO_DEFINE(gnutls_x509_crq_t, gnutls_x509_crq_deinit)
AUTO_DEFINE(gnutls_pubkey_t, gnutls_pubkey_deinit)

void ca_secret_freep(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
}

/* The one place where GnuTLS's codes become errno's. */
int ca_errno(int rc)
{
	if (rc >= 0)
		return 0;
	return rc == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EIO;
}

void ca_hex(char *out, const uint8_t *octets, size_t count)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < count; i++) {
		*out++ = digits[octets[i] >> 4];
		*out++ = digits[octets[i] & 15];
	}
	*out = '\0';
}

/* Takes @d over. */
static char *to_text(gnutls_datum_t *d)
{
	char *text = calloc(1, d->size + 1);

	if (text)
		memcpy(text, d->data, d->size);
	if (d->data)
		explicit_bzero(d->data, d->size);
	gnutls_free(d->data);
	return text;
}

int ca_key_new(gnutls_x509_privkey_t *out)
{
	AUTO(gnutls_x509_privkey_deinitp) gnutls_x509_privkey_t key = NULL;
	int rc = gnutls_x509_privkey_init(&key);

	if (!rc)
		rc = gnutls_x509_privkey_generate(
			key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (!rc)
		*out = STEAL(key);
	return ca_errno(rc);
}

/* Version, serial number, times, subject: what all our certificates have. */
int ca_crt_new(const char *name, int64_t from_s, int64_t until_s, gnutls_x509_crt_t *out)
{
	AUTO(gnutls_x509_crt_deinitp) gnutls_x509_crt_t crt = NULL;
	uint8_t serial[SERIAL_OCTETS];
	int rc = gnutls_x509_crt_init(&crt);

	randombytes_buf(serial, sizeof(serial));
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, and always of one length */
	if (!rc)
		rc = gnutls_x509_crt_set_version(crt, 3);
	if (!rc)
		rc = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
	if (!rc)
		rc = gnutls_x509_crt_set_activation_time(crt, (time_t)from_s);
	if (!rc)
		rc = gnutls_x509_crt_set_expiration_time(crt, (time_t)until_s);
	if (!rc)
		rc = gnutls_x509_crt_set_dn_by_oid(
			crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name));
	if (!rc)
		*out = STEAL(crt);
	return ca_errno(rc);
}

int ca_set_key_id(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer)
{
	uint8_t id[64];
	size_t n = sizeof(id);
	int rc = gnutls_x509_crt_get_key_id(crt, 0, id, &n);

	if (!rc)
		rc = gnutls_x509_crt_set_subject_key_id(crt, id, n);
	n = sizeof(id);
	if (!rc)
		rc = gnutls_x509_crt_get_key_id(issuer, 0, id, &n);
	if (!rc)
		rc = gnutls_x509_crt_set_authority_key_id(crt, id, n);
	return rc;
}

/* ---- the CA itself ---- */

int ca_join_pem(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, char **out)
{
	AUTO(ca_secret_freep) char *crt_pem = NULL;
	AUTO(ca_secret_freep) char *key_pem = NULL;
	gnutls_datum_t d = {0};
	int rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &d);

	if (rc)
		return ca_errno(rc);
	crt_pem = to_text(&d);
	rc = gnutls_x509_privkey_export2_pkcs8(
		key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &d);
	if (rc)
		return ca_errno(rc);
	key_pem = to_text(&d);
	if (!crt_pem || !key_pem || asprintf(out, "%s%s", crt_pem, key_pem) < 0)
		return -ENOMEM;
	return 0;
}

/* Certificate and key from one file of both; -EUCLEAN if they do not belong together. */
int ca_read_pair(const char *state, const char *name, gnutls_x509_crt_t *crt_out,
	gnutls_x509_privkey_t *key_out)
{
	AUTO(gnutls_x509_privkey_deinitp) gnutls_x509_privkey_t key = NULL;
	AUTO(gnutls_x509_crt_deinitp) gnutls_x509_crt_t crt = NULL;
	AUTO(ca_secret_freep) char *pem = NULL;
	uint8_t id[2][64];
	size_t n[2] = {sizeof(id[0]), sizeof(id[1])};
	gnutls_datum_t d = {0};
	size_t count = 0;
	int rc = files_read(state, name, FILE_MAX, &pem, &count);

	if (rc)
		return rc;
	d.data = (unsigned char *)pem;
	d.size = (unsigned)count;
	if (gnutls_x509_crt_init(&crt) || gnutls_x509_privkey_init(&key))
		return -ENOMEM;
	if (gnutls_x509_crt_import(crt, &d, GNUTLS_X509_FMT_PEM) ||
		gnutls_x509_privkey_import(key, &d, GNUTLS_X509_FMT_PEM) ||
		gnutls_x509_crt_get_key_id(crt, 0, id[0], &n[0]) ||
		gnutls_x509_privkey_get_key_id(key, 0, id[1], &n[1]) || n[0] != n[1] ||
		memcmp(id[0], id[1], n[0]) != 0)
		return -EUCLEAN;
	*crt_out = STEAL(crt);
	*key_out = STEAL(key);
	return 0;
}

int ca_crt_sha256(gnutls_x509_crt_t crt, uint8_t out[32])
{
	gnutls_datum_t d = {0};
	int rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &d);

	if (rc)
		return ca_errno(rc);
	crypto_hash_sha256(out, d.data, d.size);
	gnutls_free(d.data);
	return 0;
}

int ca_crt_text(gnutls_x509_crt_t crt, char **out)
{
	gnutls_datum_t d = {0};
	int rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &d);

	if (rc)
		return ca_errno(rc);
	*out = to_text(&d);
	return *out ? 0 : -ENOMEM;
}

void ca_sha256(const struct ca *ca, uint8_t out[32])
{
	memcpy(out, ca->sha256, 32);
}

const char *ca_pem(const struct ca *ca)
{
	return ca->pem;
}

int64_t ca_expires_s(const struct ca *ca)
{
	return gnutls_x509_crt_get_expiration_time(ca->crt);
}

/* No certificate outlives the CA's. */
static int64_t end_of_life(const struct ca *ca, int64_t now_s, int64_t life_s)
{
	int64_t end_s = ca_expires_s(ca);

	return now_s + life_s < end_s ? now_s + life_s : end_s;
}

static int sign(struct ca *ca, gnutls_x509_crt_t crt)
{
	int rc = ca_set_key_id(crt, ca->crt);

	if (!rc)
		rc = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (!rc)
		rc = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
	if (!rc)
		rc = gnutls_x509_crt_sign2(crt, ca->crt, ca->key, GNUTLS_DIG_SHA256, 0);
	return rc;
}

/* ---- the server's certificate ---- */

/* @name as it stands in a certificate: an address in 4 or 16 octets, else as it is. */
static size_t name_octets(const char *name, uint8_t out[256], gnutls_x509_subject_alt_name_t *type)
{
	*type = GNUTLS_SAN_IPADDRESS;
	if (inet_pton(AF_INET, name, out) == 1)
		return 4;
	if (inet_pton(AF_INET6, name, out) == 1)
		return 16;
	*type = GNUTLS_SAN_DNSNAME;
	snprintf((char *)out, 256, "%s", name);
	return strlen((char *)out);
}

static bool has_name(gnutls_x509_crt_t crt, gnutls_x509_subject_alt_name_t type, const void *octets,
	size_t count)
{
	for (unsigned i = 0;; i++) {
		uint8_t one[512];
		size_t n = sizeof(one);
		int rc = gnutls_x509_crt_get_subject_alt_name(crt, i, one, &n, NULL);

		if (rc < 0)
			return false;
		if (rc == (int)type && n == count && !memcmp(one, octets, n))
			return true;
	}
}

static unsigned count_names(gnutls_x509_crt_t crt)
{
	unsigned count = 0;

	for (;; count++) {
		uint8_t one[512];
		size_t n = sizeof(one);

		if (gnutls_x509_crt_get_subject_alt_name(crt, count, one, &n, NULL) < 0)
			return count;
	}
}

static bool still_good(const struct ca *ca, gnutls_x509_crt_t crt, const char *const *names,
	size_t count, const char *uuid, int64_t now_s)
{
	int64_t from_s = gnutls_x509_crt_get_activation_time(crt),
		until_s = gnutls_x509_crt_get_expiration_time(crt);
	unsigned verified = 0;

	if (until_s - now_s < (until_s - from_s) / 3 || count_names(crt) != count + 1)
		return false;
	if (!has_name(crt, GNUTLS_SAN_URI, uuid, strlen(uuid)))
		return false;
	for (size_t i = 0; i < count; i++) {
		gnutls_x509_subject_alt_name_t type;
		uint8_t octets[256];
		size_t n = name_octets(names[i], octets, &type);

		if (!has_name(crt, type, octets, n))
			return false;
	}
	/* By the CA that there is now; times have been looked at. */
	return !gnutls_x509_crt_verify(
		       crt, &ca->crt, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &verified) &&
	       !verified;
}

static int make_server(
	struct ca *ca, const char *const *names, size_t count, const char *uuid, int64_t now_s)
{
	AUTO(gnutls_x509_privkey_deinitp) gnutls_x509_privkey_t key = NULL;
	AUTO(gnutls_x509_crt_deinitp) gnutls_x509_crt_t crt = NULL;
	AUTO(ca_secret_freep) char *pem = NULL;
	char common[65];
	int rc = ca_key_new(&key);

	snprintf(common, sizeof(common), "%s", count ? names[0] : uuid);
	if (!rc)
		rc = ca_crt_new(
			common, now_s - CLOCKS_DIFFER_S, end_of_life(ca, now_s, YEAR_S), &crt);
	if (rc)
		return rc;
	rc = gnutls_x509_crt_set_key(crt, key);
	for (size_t i = 0; i < count && !rc; i++) {
		gnutls_x509_subject_alt_name_t type;
		uint8_t octets[256];
		size_t n = name_octets(names[i], octets, &type);

		rc = gnutls_x509_crt_set_subject_alt_name(
			crt, type, octets, (unsigned)n, GNUTLS_FSAN_APPEND);
	}
	if (!rc)
		rc = gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_URI, uuid, (unsigned)strlen(uuid), GNUTLS_FSAN_APPEND);
	if (!rc)
		rc = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
	if (!rc)
		rc = sign(ca, crt);
	if (rc)
		return ca_errno(rc);
	rc = ca_join_pem(crt, key, &pem);
	return rc ? rc : files_write(ca->state, "server.pem", pem, strlen(pem), 0600);
}

static int server_out(struct ca *ca, gnutls_x509_crt_t crt, gnutls_x509_privkey_t key,
	char **chain_pem, char **key_pem)
{
	AUTO(auto_free) char *ours = NULL;
	AUTO(auto_free) char *chain = NULL;
	gnutls_datum_t d = {0};
	int rc = ca_crt_text(crt, &ours);

	if (rc)
		return rc;
	/* Who knows the former CA alone comes to it over the cross certificate. */
	if (asprintf(&chain, "%s%s", ours, ca_issuer_pem(ca)) < 0)
		return -ENOMEM;
	rc = gnutls_x509_privkey_export2_pkcs8(
		key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &d);
	if (rc)
		return ca_errno(rc);
	*key_pem = to_text(&d);
	if (!*key_pem)
		return -ENOMEM;
	*chain_pem = STEAL(chain);
	return 0;
}

int ca_server(struct ca *ca, const char *const *names, size_t count, const char *uuid,
	int64_t now_s, char **chain_pem, char **key_pem, bool *renewed)
{
	AUTO(gnutls_x509_privkey_deinitp) gnutls_x509_privkey_t key = NULL;
	AUTO(gnutls_x509_crt_deinitp) gnutls_x509_crt_t crt = NULL;
	int rc = ca_read_pair(ca->state, "server.pem", &crt, &key);
	bool fresh = false;

	/* A damaged one is no loss: it is made anew. */
	if (rc && rc != -ENOENT && rc != -EUCLEAN && rc != -EFBIG)
		return rc;
	if (rc || !still_good(ca, crt, names, count, uuid, now_s)) {
		gnutls_x509_crt_deinit(STEAL(crt));
		gnutls_x509_privkey_deinit(STEAL(key));
		fresh = true;
		rc = make_server(ca, names, count, uuid, now_s);
		if (!rc)
			rc = ca_read_pair(ca->state, "server.pem", &crt, &key);
		if (rc)
			return rc;
	}
	if (renewed)
		*renewed = fresh;
	return server_out(ca, crt, key, chain_pem, key_pem);
}

int64_t ca_server_expires_s(struct ca *ca)
{
	AUTO(gnutls_x509_privkey_deinitp) gnutls_x509_privkey_t key = NULL;
	AUTO(gnutls_x509_crt_deinitp) gnutls_x509_crt_t crt = NULL;

	return ca_read_pair(ca->state, "server.pem", &crt, &key)
		       ? 0
		       : gnutls_x509_crt_get_expiration_time(crt);
}

/* ---- machines ---- */

static int spki_sha256(gnutls_pubkey_t pub, char out[65])
{
	uint8_t digest[32];
	gnutls_datum_t d = {0};
	int rc = gnutls_pubkey_export2(pub, GNUTLS_X509_FMT_DER, &d);

	if (rc)
		return ca_errno(rc);
	crypto_hash_sha256(digest, d.data, d.size);
	gnutls_free(d.data);
	ca_hex(out, digest, sizeof(digest));
	return 0;
}

/* The public key of a request whose signature is by that key: its sender has the private one. */
static int request_key(const char *csr_pem, gnutls_pubkey_t *out)
{
	AUTO(gnutls_x509_crq_deinitp) gnutls_x509_crq_t crq = NULL;
	AUTO(gnutls_pubkey_deinitp) gnutls_pubkey_t pub = NULL;
	gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;
	gnutls_datum_t d = {(unsigned char *)csr_pem, (unsigned)strlen(csr_pem)};

	if (d.size > FILE_MAX)
		return CA_E_REQUEST;
	if (gnutls_x509_crq_init(&crq) || gnutls_pubkey_init(&pub))
		return -ENOMEM;
	if (gnutls_x509_crq_import(crq, &d, GNUTLS_X509_FMT_PEM))
		return CA_E_REQUEST;
	if (gnutls_pubkey_import_x509_crq(pub, crq, 0) ||
		gnutls_pubkey_get_pk_algorithm(pub, NULL) != GNUTLS_PK_ECDSA ||
		gnutls_pubkey_export_ecc_raw2(pub, &curve, NULL, NULL, 0) ||
		curve != GNUTLS_ECC_CURVE_SECP256R1)
		return CA_E_KEY;
	if (gnutls_x509_crq_verify(crq, 0))
		return CA_E_REQUEST;
	*out = STEAL(pub);
	return 0;
}

int ca_request_key(const char *csr_pem, char key[65])
{
	AUTO(gnutls_pubkey_deinitp) gnutls_pubkey_t pub = NULL;
	int rc = request_key(csr_pem, &pub);

	return rc ? rc : spki_sha256(pub, key);
}

void ca_issued_fini(struct ca_issued *i)
{
	free(i->pem);
	i->pem = NULL;
}

int ca_issue(struct ca *ca, const char *csr_pem, const char *uuid, int64_t now_s, int32_t life_s,
	struct ca_issued *out)
{
	AUTO(gnutls_pubkey_deinitp) gnutls_pubkey_t pub = NULL;
	AUTO(gnutls_x509_crt_deinitp) gnutls_x509_crt_t crt = NULL;
	struct ca_issued issued = {0};
	uint8_t digest[32];
	int rc = request_key(csr_pem, &pub);

	if (!rc)
		rc = spki_sha256(pub, issued.key);
	issued.expires_s = end_of_life(ca, now_s, life_s);
	if (!rc)
		rc = ca_crt_new(uuid, now_s - CLOCKS_DIFFER_S, issued.expires_s, &crt);
	if (rc)
		return rc;
	rc = gnutls_x509_crt_set_pubkey(crt, pub);
	if (!rc)
		rc = gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_URI, uuid, (unsigned)strlen(uuid), GNUTLS_FSAN_SET);
	if (!rc)
		rc = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_CLIENT, 0);
	if (!rc)
		rc = sign(ca, crt);
	if (rc)
		return ca_errno(rc);
	rc = ca_crt_sha256(crt, digest);
	if (!rc)
		rc = ca_crt_text(crt, &issued.pem);
	if (rc)
		return rc;
	ca_hex(issued.fingerprint, digest, sizeof(digest));
	*out = issued;
	return 0;
}

/* ---- the policy's key ---- */

/* The secret in that file; by @make at the first time. 0, -EUCLEAN (of another length), -errno. */
static int secret_file(const char *state, const char *name, void (*make)(uint8_t *secret),
	uint8_t *secret, size_t octets)
{
	char *text = NULL;
	size_t count = 0;
	int rc = files_read(state, name, FILE_MAX, &text, &count);

	if (rc == -ENOENT) {
		make(secret);
		rc = files_write_new(state, name, secret, octets, 0600);
		if (!rc)
			return 0;
		if (rc == -EEXIST)
			rc = files_read(state, name, FILE_MAX, &text, &count);
	}
	if (!rc && count != octets)
		rc = -EUCLEAN;
	if (!rc)
		memcpy(secret, text, octets);
	if (text)
		explicit_bzero(text, count);
	free(text);
	return rc;
}

static void make_policy_key(uint8_t *secret)
{
	uint8_t public_key[crypto_sign_PUBLICKEYBYTES];

	crypto_sign_keypair(public_key, secret);
}

int ca_policy_secret(const char *state, uint8_t secret[64])
{
	return secret_file(
		state, "policy.key", make_policy_key, secret, crypto_sign_SECRETKEYBYTES);
}

int ca_policy_public(const char *state, uint8_t key[32])
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
	int rc = ca_policy_secret(state, secret);

	if (!rc)
		crypto_sign_ed25519_sk_to_pk(key, secret);
	explicit_bzero(secret, sizeof(secret));
	return rc;
}

int ca_policy_sign(const char *state, const void *octets, size_t count, uint8_t signature[64])
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
	int rc = ca_policy_secret(state, secret);

	if (!rc && crypto_sign_detached(signature, NULL, octets, count, secret) != 0)
		rc = -EIO;
	explicit_bzero(secret, sizeof(secret));
	return rc;
}

static void make_login_key(uint8_t *secret)
{
	randombytes_buf(secret, crypto_box_SECRETKEYBYTES);
}

int ca_login_keys(const char *state, uint8_t public_key[32], uint8_t secret_key[32])
{
	int rc = secret_file(
		state, "login.key", make_login_key, secret_key, crypto_box_SECRETKEYBYTES);

	if (!rc && crypto_scalarmult_base(public_key, secret_key) != 0)
		rc = -EIO;
	return rc;
}
