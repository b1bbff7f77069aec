/* SPDX-License-Identifier: Apache-2.0 */
/* accounts - people, by what they log in, and the check of it: hashes alone are kept, and every try is counted.
 *
 * Passwords, PINs and cards are verifiers of lib/auth/hash.h under the site's pepper, a file beside the database: the
 * database alone cannot be searched. A name may be an alias wherever a login or a job's owner is looked up; changes want
 * the account's own name. Everything here works in the caller's transaction, if there is one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/account.h"
#include "auth/hash.h"
#include "base/auto.h"
#include "core/sql.h"

struct server_config;

enum accounts_err {
	ACCOUNTS_E_NONE = 1, /* there is no such user, group, alias or secret */
	ACCOUNTS_E_EXISTS, /* an account, an alias, a group or a card has that name or number already */
	ACCOUNTS_E_TOO_MANY, /* three PINs, three cards */
	ACCOUNTS_E_WEAK, /* a PIN that is too short, or that anybody would try first */
};

/* Fit to be a user's or group's name: 1 to 255 octets of clean UTF-8 without ':' (RFC 7617), '/', or blanks at the ends. */
bool accounts_is_name(const char *name);

/* The site's pepper: the file "pepper" in the state folder (0600), made at first use. 0, -EUCLEAN, -errno. */
int accounts_pepper(const char *state, struct hash_pepper *out);

/* ---- people ---- */

/* 0, ACCOUNTS_E_EXISTS, -EINVAL, -errno. @password NULL: nobody can log in by one until one is set. */
int accounts_add(struct sql *s, const struct hash_pepper *p, const char *name,
	const char *full_name, const char *password);
int accounts_remove(struct sql *s, const char *name); /* 0, ACCOUNTS_E_NONE, -errno */
int accounts_set_password(struct sql *s, const struct hash_pepper *p, const char *name,
	const char *password); /* the same, or -EINVAL */
int accounts_set_full_name(struct sql *s, const char *name, const char *full_name); /* the same */
int accounts_disable(
	struct sql *s, const char *name, bool disabled); /* 0, ACCOUNTS_E_NONE, -errno */
/* An administrator's lock; unlocking forgets wrong tries too. The same. */
int accounts_lock(struct sql *s, const char *name, bool locked);
int accounts_expire(struct sql *s, const char *name, int64_t expires_s); /* 0: never. The same */

/* Another name for @name: 0, ACCOUNTS_E_NONE (@name), ACCOUNTS_E_EXISTS, -EINVAL, -errno. */
int accounts_alias_add(struct sql *s, const char *name, const char *alias);
int accounts_alias_remove(struct sql *s, const char *name, const char *alias);
/* The account that goes by @name: 0 with @out, ACCOUNTS_E_NONE, -errno. */
int accounts_canonical(struct sql *s, const char *name, char out[ACCOUNT_NAME_MAX + 1]);

/** accounts_may_print() - may a machine speak for @name, which may be an alias?
 * An account that is disabled, locked by an administrator or expired never; one that does not exist if @accept_unknown.
 * Return: 1 yes, 0 no, -errno. */
int accounts_may_print(struct sql *s, const char *name, bool accept_unknown);

/* ---- groups ---- */

int accounts_group_add(
	struct sql *s, const char *group); /* 0, ACCOUNTS_E_EXISTS, -EINVAL, -errno */
int accounts_group_remove(struct sql *s, const char *group); /* 0, ACCOUNTS_E_NONE, -errno */
/* 0 (also if it was so already), ACCOUNTS_E_NONE (account or group), -errno. */
int accounts_member_add(struct sql *s, const char *name, const char *group);
int accounts_member_remove(struct sql *s, const char *name, const char *group);

/* ---- PINs and cards ---- */

enum { ACCOUNTS_PIN_MAX = 12 };
/* How many digits a PIN must have with so many accounts: one guess in 10,000 at least finds nobody's. */
int accounts_pin_digits(int64_t accounts);
/* Digits alone, and none that anybody would try first: runs, repetitions, pairs. */
bool accounts_pin_is_good(const char *pin, int digits);

/** accounts_pin_make() - a PIN for @name that nobody else has
 * @digits: how many, 0: as many as are needed. @out: wipe it after it was shown.
 * Return: 0, ACCOUNTS_E_NONE, ACCOUNTS_E_TOO_MANY, ACCOUNTS_E_WEAK (too few digits), -errno. */
int accounts_pin_make(struct sql *s, const struct hash_pepper *p, const char *name, int digits,
	char out[ACCOUNTS_PIN_MAX + 1]);
/** accounts_secret_add() - a PIN that somebody chose, or a card, as its reader types it
 * @id: its number, may be NULL. Return: 0, ACCOUNTS_E_NONE, ACCOUNTS_E_TOO_MANY, ACCOUNTS_E_WEAK (PIN), ACCOUNTS_E_EXISTS
 * (somebody has it), -EINVAL (no card), -errno. */
int accounts_secret_add(struct sql *s, const struct hash_pepper *p, enum hash_kind kind,
	const char *name, const char *secret, const char *label, int64_t *id);
/* 4 to 64 printable characters without blanks. */
bool accounts_card_is_good(const char *card);
/** accounts_take_verifier() - what hash_make() made under this pepper: a password's (@index 0), PIN's or card's
 * @changed: set if @name did not have it. Return: as accounts_secret_add(). */
int accounts_take_verifier(struct sql *s, const char *name, enum hash_kind kind, uint32_t index,
	const char *verifier, bool *changed);
/* @id 0: all of that kind. 0, ACCOUNTS_E_NONE, -errno. */
int accounts_secret_remove(struct sql *s, enum hash_kind kind, const char *name, int64_t id);

/* ---- logging in ---- */

/* What a secret is taken for. ANY: a password, else a PIN. */
enum accounts_kind { ACCOUNTS_ANY = 0, ACCOUNTS_PASSWORD, ACCOUNTS_PIN, ACCOUNTS_CARD };

enum accounts_result {
	ACCOUNTS_OK = 0,
	ACCOUNTS_WRONG, /* secret, or name: nobody is told which */
	ACCOUNTS_LOCKED, /* after too many tries; or the secret was right and an administrator locked it */
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
/* What @config says of logins, from now on; copied. Without it: its defaults. */
void accounts_verifier_use(struct accounts_verifier *v, const struct server_config *config);
void accounts_verifier_free(struct accounts_verifier *v);
AUTO_DEFINE(struct accounts_verifier *, accounts_verifier_free)

/** accounts_login() - is it him? Takes a hash's time, or two; the same for names that do not exist
 * Counts the try, on disk, before it looks at the secret. Return: 0 with *@out, or -errno: nothing is known (-EINVAL: no
 * name with a password). */
int accounts_login(
	struct accounts_verifier *v, const struct accounts_try *t, struct accounts_said *out);

/* As serve_config.verify, for passwords: 1 yes, 0 no, -errno. */
int accounts_verify(void *verifier, const char *user, const char *password, const char *from,
	char *canonical, size_t size);

/* ---- for machines, ahead ---- */

struct accounts_filter {
	const char *const *groups; /* who is in one of them, */
	size_t group_count;
	const char *const *users; /* or is named here, by name or alias; both empty: everybody */
	size_t user_count;
	unsigned kinds; /* bits 1 << HASH_PASSWORD, HASH_PIN, HASH_CARD: what goes along */
	int64_t now_s; /* Unix UTC: confirmed_s of each verifier, and who has expired */
	int64_t expires_s; /* of each verifier */
};
/** accounts_export_auth() - accounts as lib/auth keeps them, by name; verifiers are under the site's pepper
 * Disabled and locked ones are ACCOUNT_LOCKED. @out: free() after wiping. Return: 0 or -errno. */
int accounts_export_auth(
	struct sql *s, const struct accounts_filter *filter, struct account **out, size_t *count);
