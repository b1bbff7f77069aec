/* SPDX-License-Identifier: Apache-2.0 */
/* enrol - how a machine gets its certificate from a server of ours, and a new one in time: codes, keys, and the request.
 *
 * docs/wire.md, Enrolment. Nothing here waits or writes: `stillprint setup` and the daemon's renewal do, with client.h
 * and core/identity.h. Keys are P-256, PEM, in memory that enrol_secret_free() wipes. */
#pragma once

#include <cups/ipp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "core/identity.h"
#include "ipp/client.h"

enum { ENROL_CODE_DIGITS = 32, ENROL_CA_OCTETS = 10 };

/* ---- codes: 20 octets in Crockford's base32 ---- */

struct enrol_code {
	char digits[ENROL_CODE_DIGITS + 1]; /* capital, without '-': the password; wipe it */
	uint8_t ca[ENROL_CA_OCTETS]; /* how the SHA-256 of the CA's certificate begins */
};

/** enrol_code_parse() - "X7K2-…": letters of any case, '-' and spaces anywhere; O is 0, I and L are 1
 * @why: what is wrong with it, for people; it repeats no more than one character of the code
 * Return: 0 or -EINVAL. */
int enrol_code_parse(const char *text, struct enrol_code *out, char *why, size_t size);

/* The certificate of @chain that the code means; NULL: none, so it is not the server that the code is of. */
const char *enrol_find_ca(const struct client_chain *chain, const uint8_t ca[ENROL_CA_OCTETS]);

/* ---- keys and certificates ---- */

/* Is the first certificate of @pem among those of @list, whatever the text looks like? */
bool enrol_has_certificate(const char *list, const char *pem);
/* Are they certificates of CAs, each signed by itself? */
bool enrol_are_cas(const char *pem);
/* Is the first certificate of @pem signed by the first one of @cas? */
bool enrol_is_signed_by(const char *pem, const char *cas);
/* Does a server's certificate name this UUID? */
bool enrol_names_uuid(const char *pem, const char *uuid);

void enrol_secret_free(char *pem); /* NULL is fine */
AUTO_DEFINE(char *, enrol_secret_free)
int enrol_key_new(char **pem); /* 0 or -errno */
/* A signing request (PKCS#10) over that key. 0; -EINVAL: no key; -ENOMEM. */
int enrol_request_new(const char *key_pem, const char *uuid, char **pem);

/* ---- Register-Output-Device ---- */

/* @address: one of [server]. @user: requesting-user-name. NULL without memory. */
ipp_t *enrol_request(const char *address, const char *user, const char *uuid, const char *name,
	const char *csr_pem);

/** enrol_take() - what the server gave, looked at before it replaces anything
 * The certificate must be over @key_pem, signed by one of @ca_pem, maybe over others in the reply, for @uuid, for clients,
 * and good at @now_s.
 * @known: who we are there by now: it must be the same server with the same policy key; NULL: we come by a code.
 * @id: all fields but the paths; starts_s is @now_s. @cert_pem: ours, then those behind it; heap memory.
 * @why: for people. Return: 0, -EINVAL (@why), or -errno. */
int enrol_take(ipp_t *reply, const char *uuid, const char *key_pem, const char *ca_pem,
	int64_t now_s, const struct identity *known, struct identity *id, char **cert_pem,
	char *why, size_t size);
