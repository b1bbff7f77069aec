/* SPDX-License-Identifier: Apache-2.0 */
/* credentials - who may log in here while the server is away: its sync file is fetched when it changes and at an interval
 * that the server tells, laid down for stillprint-verifier, which alone can open it, and the end of this computer's
 * enrolment, of which the verifier is told too.
 *
 * Only where a verifier runs (its machine.pub is in state/auth). docs/identity.md. */
#pragma once

#include <stdint.h>

struct engine;

enum credentials_state {
	CREDENTIALS_NONE, /* no verifier here, or enrolled nowhere */
	CREDENTIALS_WAITING, /* not fetched yet */
	CREDENTIALS_OK, /* the verifier has what the server said last */
	CREDENTIALS_STALE, /* the server was not heard for long, or their time is over: nobody's PIN or card serves then */
	CREDENTIALS_REFUSED, /* the verifier did not take the file; its log says why */
	CREDENTIALS_NO_VERIFIER, /* it does not answer */
	CREDENTIALS_REVOKED, /* this computer was revoked or removed at the server, and forgets all credentials */
};

void credentials_start(struct engine *e); /* also after the configuration or the identity changed */
/* Asks the server: at once, if nothing is under way. */
void credentials_fetch(struct engine *e);
void credentials_free(struct engine *e);
/* @until_s: until when they serve, Unix UTC, 0: none; may be NULL. */
enum credentials_state credentials_get_state(const struct engine *e, int64_t *until_s);
const char *credentials_state_name(enum credentials_state state); /* "ok", "stale", … */
