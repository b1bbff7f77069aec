/* SPDX-License-Identifier: Apache-2.0 */
/* bound - asks the login service (stillprint-verifier) which account stands behind a local user, in a thread of its own:
 * the user database may be a network away. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/who.h"

struct engine;
struct bound {
	enum who who; /* VERIFIED, NO_LOGIN, OTHER_LOGIN, NO_VERIFIER or NO_ANSWER */
	bool person; /* false: a service, which logs in nowhere, or nobody can tell */
	char account
		[256]; /* bound to him, else as the rules of login.conf(5) have it; "": not known */
};
typedef void bound_fn(void *arg, const struct bound *b);

/* @fn: once, on the loop. The login service answers within @within_ms or is not waited for; the user database is. */
void bound_ask(struct engine *e, const char *user, int64_t within_ms, bound_fn *fn, void *arg);
