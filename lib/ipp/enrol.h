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

/* The same certificate, whatever its text looks like. */
bool enrol_same_certificate(const char *pem, const char *other);

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
 * The certificate must be over @key_pem, signed by @ca_pem, for @uuid, for clients, and good at @now_s.
 * @id: all fields but the paths; starts_s is @now_s. @cert_pem: ours, then the CA's; heap memory.
 * @why: for people. Return: 0, -EINVAL (@why), or -errno. */
int enrol_take(ipp_t *reply, const char *uuid, const char *key_pem, const char *ca_pem,
	int64_t now_s, struct identity *id, char **cert_pem, char *why, size_t size);
