/* SPDX-License-Identifier: Apache-2.0 */
/* outside - passwords that the system checks: PAM, and behind it LDAP, SSSD, Kerberos, in a process of its own.
 *
 * PAM's modules are others' code, which may hang or crash: so for each question this program starts itself once more, as
 * a helper that gets name and secret through a socket (nothing in its arguments or environment), answers, and ends. */
#pragma once

#include <stdint.h>

enum outside_result {
	OUTSIDE_OK = 1,
	OUTSIDE_WRONG,
	OUTSIDE_LOCKED,
	OUTSIDE_EXPIRED, /* the account, or the password: to be changed first */
	OUTSIDE_AWAY, /* PAM could not tell: a directory does not answer, a service is not configured */
};

enum { OUTSIDE_NAME_SIZE = 256, OUTSIDE_SERVICE_SIZE = 64 };

/** outside_ask() - is that the password of @user, by the PAM service @service?
 * @rhost: the place, for PAM's modules, "" if it is not known
 * @name: what PAM calls him, which may be another spelling; with OUTSIDE_OK and OUTSIDE_EXPIRED.
 * Return: an outside_result, -ETIMEDOUT (the helper was killed), -EPIPE (it died), -errno. */
int outside_ask(const char *service, const char *user, const char *secret, const char *rhost,
	int32_t timeout_s, char name[OUTSIDE_NAME_SIZE]);

/* The helper itself: one question from descriptor 0. Exit status. STILLPRINT_SERVER_PAM_DIR names another folder than
 * /etc/pam.d, for tests. */
int outside_helper(void);
