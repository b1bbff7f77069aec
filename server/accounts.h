/* SPDX-License-Identifier: Apache-2.0 */
/* accounts - people, by what they log in, and the check of it: hashes alone are kept, and every try is counted. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* ---- logging in ---- */

/* What a secret is taken for. ANY: a password, else a PIN. */
enum accounts_kind { ACCOUNTS_ANY = 0, ACCOUNTS_PASSWORD, ACCOUNTS_PIN, ACCOUNTS_CARD };

enum accounts_result {
	ACCOUNTS_OK = 0,
	ACCOUNTS_WRONG, /* secret, or name: nobody is told which */
	ACCOUNTS_LOCKED, /* by an administrator, or after too many tries */
	ACCOUNTS_EXPIRED, /* the secret was right, the account's time is over */
	ACCOUNTS_LATER, /* too many tries: not looked at before retry_s */
};

struct accounts_try {
	enum accounts_kind kind;
	const char *account; /* name or alias; "" with a PIN or card alone: whose it is */
	const char *secret; /* wiped by the caller */
	const char *service; /* "web", "ipp", "login"…: for the audit */
	const char *place; /* address, or a machine's UUID: has a counter of its own. "": none */
};

struct accounts_said {
	enum accounts_result result;
	enum accounts_kind kind; /* what the secret was, if OK */
	uint8_t uuid[16]; /* of the account, if OK or EXPIRED */
	char account[256]; /* its name, if OK or EXPIRED */
	uint32_t retry_s; /* if LATER */
};

/* For threads beside the application's: a database connection of its own, after db_open(). From one thread at a time. */
struct accounts_verifier;
int accounts_verifier_new(const char *state, struct accounts_verifier **out);
void accounts_verifier_free(struct accounts_verifier *v);
AUTO_DEFINE(struct accounts_verifier *, accounts_verifier_free)

/** accounts_login() - is it him? Takes a hash's time, or two; the same for names that do not exist
 * Counts the try, on disk, before it looks at the secret. Return: 0 with *@out, or -errno: nothing is known. */
int accounts_login(
	struct accounts_verifier *v, const struct accounts_try *t, struct accounts_said *out);

/* As serve_config.verify, for passwords: 1 yes, 0 no, -errno. */
int accounts_verify(
	void *verifier, const char *user, const char *password, char *canonical, size_t size);
