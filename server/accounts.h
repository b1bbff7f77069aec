/* SPDX-License-Identifier: Apache-2.0 */
/* accounts - people and their passwords: yescrypt, never in the clear, equal time for users who do not exist. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/auto.h"
#include "core/sql.h"

enum accounts_err {
	ACCOUNTS_E_NONE = 1, /* there is no such user */
	ACCOUNTS_E_EXISTS = 2,
};

/* Fit to be a user's name: 1 to 255 octets of clean UTF-8 without ':' (RFC 7617), '/', or blanks at the ends. */
bool accounts_is_name(const char *name);
/* 0, ACCOUNTS_E_EXISTS, -EINVAL, -errno. @password NULL: nobody can log in until one is set. */
int accounts_add(struct sql *s, const char *name, const char *full_name, const char *password);
int accounts_remove(struct sql *s, const char *name); /* 0, ACCOUNTS_E_NONE, -errno */
int accounts_set_password(struct sql *s, const char *name, const char *password); /* the same */
int accounts_disable(struct sql *s, const char *name, bool disabled); /* the same */
/** accounts_may_print() - may a machine speak for @name?
 * An account that is disabled never; one that does not exist if @accept_unknown. 1 yes, 0 no, -errno. */
int accounts_may_print(struct sql *s, const char *name, bool accept_unknown);

/* For serve's password thread: a database connection of its own, after db_open(). */
struct accounts_verifier;
int accounts_verifier_new(const char *state, struct accounts_verifier **out);
void accounts_verifier_free(struct accounts_verifier *v);
AUTO_DEFINE(struct accounts_verifier *, accounts_verifier_free)
/* As serve_config.verify: 1 yes, 0 no, -errno. */
int accounts_verify(
	void *verifier, const char *user, const char *password, char *canonical, size_t size);
