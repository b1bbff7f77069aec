/* SPDX-License-Identifier: Apache-2.0 */
/* verify-login - a question of auth/login.h's online.sock as an IPP request to the server of our own, and its answer back
 * (docs/wire.md, Verify-Login). Pure functions; nothing here can read the sealed secret. */
#pragma once

#include <cups/ipp.h>

#include "auth/login.h"

/* @ask: a LOGIN_ONLINE. The caller's, ippDelete(); NULL without memory. */
ipp_t *verify_login_request(const char *system_uri, const struct login_message *ask);
/** verify_login_read() - @reply: a LOGIN_REPLY with what the server said
 * Return: 0, or -EBADMSG: no answer that can be understood (@reply says AWAY). */
int verify_login_read(ipp_t *answer, struct login_message *reply);
