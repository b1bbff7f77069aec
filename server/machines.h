/* SPDX-License-Identifier: Apache-2.0 */
/* machines - enrolled workstations and terminals, the codes that enrol them, and who is no longer welcome.
 *
 * A revocation is also a line in the file `revoked` beside the database, on disk before the table says so: a restored
 * backup cannot bring the machine back. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cups/ipp.h>

#include "core/sql.h"
#include "ipp/serve.h"

struct app;
struct machine;

enum {
	MACHINES_CODE_OCTETS = 20, /* 10 of secret, 10 of the CA's SHA-256 */
	MACHINES_CODE_SIZE = 48, /* "ABCD-…" with its end */
};
enum machines_err { MACHINES_E_NONE = 1 /* no such machine, or code */ };

/* A code as it is shown ("8ABC-…"), from its octets; and back: false if it is none. '-' and case do not matter. */
void machines_code_format(char out[MACHINES_CODE_SIZE], const uint8_t octets[MACHINES_CODE_OCTETS]);
bool machines_code_parse(const char *text, uint8_t octets[MACHINES_CODE_OCTETS]);
/** machines_code_new() - a new one-time code; only its hash is stored
 * @ca_sha256: of the CA's certificate (DER). @name: what the machine will be called if it does not say, may be "". */
int machines_code_new(struct sql *s, const uint8_t ca_sha256[32], const char *name,
	const char *kind, int64_t now_s, int32_t valid_s, char out[MACHINES_CODE_SIZE]);

/* By UUID or name; @out receives the UUID. 0, MACHINES_E_NONE, -errno. */
int machines_find(struct sql *s, const char *uuid_or_name, char *out, size_t size);
/* Revoke: the file first, then the table. Remove: the same, and the row goes. 0, MACHINES_E_NONE, -errno. */
int machines_revoke(struct sql *s, const char *state, const char *uuid, int64_t now_ms);
int machines_remove(struct sql *s, const char *state, const char *uuid, int64_t now_ms);
/* What the file `revoked` says into the table, at start and after a restore. 0 or -errno. */
int machines_apply_revoked(struct sql *s, const char *state);

/* Revoked or removed here, also if the database is an older one and does not know the machine. Not: replaced, expired. */
bool machines_is_revoked(struct app *app, const struct serve_peer *peer);
/* The machine says that it has this version of the policy, and keeps it. 0 or -errno. */
int machines_note_policy(struct app *app, const char *uuid, int64_t version);

/* Enrolled and not revoked, whatever its certificate. */
bool machines_is_welcome(struct app *app, const char *uuid);
/* The machine polls this subscription: two computers that share one identity show by that. 0 or -errno. */
int machines_note_poll(struct app *app, const struct machine *m, int32_t subscription);

/* machines_check() for pages too: who calls, and in @why what to say if not IPP_STATUS_OK. */
ipp_status_t machines_check_peer(struct app *app, const struct serve_peer *peer,
	struct machine *out, char *why, size_t size);
