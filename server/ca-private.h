/* SPDX-License-Identifier: Apache-2.0 */
/* ca-private - what ca.c (certificates) and ca-roll.c (the CAs themselves) share. */
#pragma once

#include <gnutls/x509.h>
#include <sys/stat.h>

#include "ca.h"

enum {
	YEAR_S = 365 * 86400,
	FILE_MAX = 65536,
	CLOCKS_DIFFER_S = 3600, /* a machine whose clock is late shall take a new certificate */
	CA_FILES = 3,
};

struct ca {
	char *state;
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	char *pem;
	uint8_t sha256[32];
	gnutls_x509_crt_t next; /* announced, signs nothing yet; NULL: none */
	gnutls_x509_crt_t old, cross; /* the former one, and ours as signed by it; NULL: none */
	char *old_pem; /* cross, then old */
	char *trust_pem; /* all of them */
	struct stat seen[CA_FILES]; /* the files as they were read */
};

AUTO_DEFINE(gnutls_x509_privkey_t, gnutls_x509_privkey_deinit)
AUTO_DEFINE(gnutls_x509_crt_t, gnutls_x509_crt_deinit)

void ca_secret_freep(char **text);
int ca_errno(int rc); /* of GnuTLS's code */
void ca_hex(char *out, const uint8_t *octets, size_t count);
int ca_key_new(gnutls_x509_privkey_t *out);
/* Version, serial number, times, subject. */
int ca_crt_new(const char *name, int64_t from_s, int64_t until_s, gnutls_x509_crt_t *out);
int ca_set_key_id(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer);
int ca_crt_sha256(gnutls_x509_crt_t crt, uint8_t out[32]);
int ca_crt_text(gnutls_x509_crt_t crt, char **out);
int ca_join_pem(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, char **out);
/* Certificate and key from one file of both; -EUCLEAN if they do not belong together. */
int ca_read_pair(const char *state, const char *name, gnutls_x509_crt_t *crt_out,
	gnutls_x509_privkey_t *key_out);
