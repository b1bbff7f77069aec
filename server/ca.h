/* SPDX-License-Identifier: Apache-2.0 */
/* ca - the server's own small certification authority, and the key that signs the policy.
 *
 * Files of the state folder, 0600: ca.pem (ECDSA P-256, 10 years) and server.pem (1 year), each certificate and key in
 * one file, so that a crash leaves both or none; policy.key (Ed25519). ca.crt is a copy of the CA's certificate for
 * people. While one CA follows another: ca-next.pem, the announced one with its key; then ca-old.pem, the cross
 * certificate and the former CA, without keys. docs/wire.md "Enrolment", "Another CA"; RFC 5280. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

struct ca;

enum ca_err {
	CA_E_REQUEST = 1, /* the signing request is none, or its signature is not by its own key */
	CA_E_KEY = 2, /* a key that is not ECDSA P-256 */
	CA_E_ROLLING = 3, /* another CA is on its way already, or the former one still counts */
	CA_E_NONE = 4, /* there is no such CA */
};

/* Opens the CA in @state, making it at the first time. 0, -EUCLEAN (files do not belong together), -errno. */
int ca_open(const char *state, struct ca **out);
void ca_free(struct ca *ca);
AUTO_DEFINE(struct ca *, ca_free)
void ca_sha256(const struct ca *ca, uint8_t out[32]); /* of the CA's certificate, DER */
const char *ca_pem(const struct ca *ca); /* the CA's certificate; borrowed */
int64_t ca_expires_s(const struct ca *ca);
/* What a client's certificate may be signed by, all of them. */
const char *ca_trust_pem(const struct ca *ca);
/* What goes out behind a certificate of ours: the CA, or the cross certificate and the former CA. */
const char *ca_issuer_pem(const struct ca *ca);
/* The SHA-256 that a code names: of a CA certificate that the server shows behind its own. 0 or -errno. */
int ca_code_sha256(const struct ca *ca, uint8_t out[32]);
/* A step was taken since it was opened: open it anew. */
bool ca_has_changed(const struct ca *ca);

/* ---- another CA (ca-roll.c): new, activate, retire; or discard after new ---- */

enum ca_role { CA_ACTIVE, CA_NEXT, CA_OLD, CA_MAX };
struct ca_known {
	enum ca_role role;
	char sha256[65];
	int64_t expires_s;
	char *pem;
};
/* How many there are, or -errno; ca_list_fini() in any case. */
int ca_list(const struct ca *ca, struct ca_known out[CA_MAX]);
void ca_list_fini(struct ca_known list[CA_MAX]);
/* Each is one rename; @ca stays as it was opened. 0, CA_E_ROLLING, CA_E_NONE, -errno. */
int ca_roll_new(struct ca *ca);
int ca_roll_discard(struct ca *ca);
int ca_roll_activate(struct ca *ca);
int ca_roll_retire(struct ca *ca);

/** ca_server() - the server's certificate: the one there is, or a new one
 * It is made anew when less than a third of its life is left, or it does not name just @names (DNS names, addresses)
 * and @uuid. @renewed: whether; may be NULL. @chain_pem: ours, then the CA's; both are the caller's to free. */
int ca_server(struct ca *ca, const char *const *names, size_t count, const char *uuid,
	int64_t now_s, char **chain_pem, char **key_pem, bool *renewed);
/* When the server's certificate ends; 0 if there is none. */
int64_t ca_server_expires_s(struct ca *ca);

struct ca_issued {
	char *pem; /* the certificate */
	char fingerprint[65]; /* SHA-256 of it, hex, lower case */
	char key[65]; /* SHA-256 of its SPKI, hex */
	int64_t expires_s;
};
void ca_issued_fini(struct ca_issued *i);

/** ca_issue() - a certificate for the machine @uuid ("urn:uuid:…") over the key in @csr_pem
 * Subject and extensions of the request are ignored; its signature (proof of possession) must be good.
 * Return: 0, a CA_E_, -errno. */
int ca_issue(struct ca *ca, const char *csr_pem, const char *uuid, int64_t now_s, int32_t life_s,
	struct ca_issued *out);
/* The SPKI's SHA-256 (hex) of a request, without issuing anything. 0, CA_E_…, -errno. */
int ca_request_key(const char *csr_pem, char key[65]);

/* The policy's Ed25519 key (made at the first time) and a signature by it. */
/* The pair that passwords of logins are sealed to (X25519), made at the first time: file login.key. 0 or -errno. */
int ca_login_keys(const char *state, uint8_t public_key[32], uint8_t secret_key[32]);
int ca_policy_public(const char *state, uint8_t key[32]);
int ca_policy_sign(const char *state, const void *octets, size_t count, uint8_t signature[64]);
/* For what signs by itself (auth/sync.h); wipe it. 0 or -errno. */
int ca_policy_secret(const char *state, uint8_t secret[64]);
