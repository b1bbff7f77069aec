/* SPDX-License-Identifier: Apache-2.0 */
/* accounts-login - is it him: see accounts.h.
 *
 * Two short transactions, with the hash between them: the first finds the account and counts the try, the second says
 * what came of it. So a try that is cut off has been counted, and nobody waits for a hash with the database locked. */
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "accounts-private.h"
#include "app.h"
#include "audit.h"
#include "base/log.h"
#include "base/paths.h"
#include "outside.h"
#include "turn.h"

struct accounts_verifier {
	struct sql sql;
	struct hash_pepper pepper;
	int32_t lock_for_s; /* 0: until it is unlocked */
	bool pam, accept_unknown;
	char pam_service[OUTSIDE_SERVICE_SIZE];
	int32_t pam_timeout_s;
};

/* What is known of him before the secret was looked at. */
struct found {
	bool there, closed, expired;
	char name[ACCOUNT_NAME_MAX + 1];
	uint8_t uuid[16];
	char password[HASH_TEXT_MAX + 1], other[HASH_TEXT_MAX + 1]; /* verifiers; "": none */
	struct accounts_counter own, place;
	bool locks; /* this is the last try */
	char outside[OUTSIDE_NAME_SIZE]; /* whom PAM let in; "": not PAM's */
	bool outside_expired, outside_locked;
};

int accounts_verifier_new(const char *state, struct accounts_verifier **out)
{
	AUTO(accounts_verifier_freep) struct accounts_verifier *v = calloc(1, sizeof(*v));
	char path[PATH_MAX];
	int rc;

	if (!v)
		return -ENOMEM;
	rc = accounts_pepper(state, &v->pepper);
	if (!rc)
		rc = paths_join(path, sizeof(path), state, "server.db");
	if (!rc)
		rc = sql_join(&v->sql, path, &db_schema);
	if (!rc)
		*out = STEAL(v);
	return rc;
}

void accounts_verifier_use(struct accounts_verifier *v, const struct server_config *config)
{
	v->lock_for_s = config->lock_for_s;
	v->pam = config->pam;
	v->accept_unknown = config->accept_unknown_users;
	snprintf(v->pam_service, sizeof(v->pam_service), "%s", config->pam_service);
	v->pam_timeout_s = config->pam_timeout_s;
}

void accounts_verifier_free(struct accounts_verifier *v)
{
	if (!v)
		return;
	sql_close(&v->sql);
	explicit_bzero(v, sizeof(*v));
	free(v);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int begin(struct accounts_verifier *v)
{
	int rc;

	turn_take();
	rc = sql_begin(&v->sql);
	if (rc)
		turn_give();
	return rc;
}

/* @rc: 0 or an answer whose rows shall stay; negative undoes the work. Returns it, or worse. */
static int end(struct accounts_verifier *v, int rc)
{
	int committed = 0;

	if (rc < 0)
		sql_rollback(&v->sql);
	else
		committed = sql_commit(&v->sql);
	turn_give();
	return committed ? committed : rc;
}

/* ---- finding him ---- */

static bool with_pin(const struct accounts_try *t)
{
	return t->kind == ACCOUNTS_PIN || t->kind == ACCOUNTS_ANY;
}

static bool with_password(const struct accounts_try *t)
{
	return t->kind == ACCOUNTS_PASSWORD || t->kind == ACCOUNTS_ANY;
}

static enum hash_kind other_kind(const struct accounts_try *t)
{
	return t->kind == ACCOUNTS_CARD ? HASH_CARD : HASH_PIN;
}

#define COLUMNS \
	"SELECT a.name, a.uuid, a.hash, a.disabled OR a.locked_ms," \
	" a.expires_s AND a.expires_s <= ?2, coalesce(k.verifier, '') FROM account a "

static int read_account(struct sql *s, const char *sql, const struct value *values, struct found *f)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(s, &stmt, sql, values);

	if (!rc)
		rc = sql_step(s, stmt);
	if (rc == 1) {
		f->there = true;
		sql_text(stmt, 0, f->name, sizeof(f->name));
		sql_octets(stmt, 1, f->uuid, sizeof(f->uuid));
		sql_text(stmt, 2, f->password, sizeof(f->password));
		f->closed = sqlite3_column_int(stmt, 3) != 0;
		f->expired = sqlite3_column_int(stmt, 4) != 0;
		sql_text(stmt, 5, f->other, sizeof(f->other));
	}
	return rc < 0 ? rc : 0;
}

static int read_name(struct accounts_verifier *v, const char *name, enum hash_kind kind,
	uint32_t index, int64_t at_ms, struct found *f)
{
	return read_account(&v->sql,
		COLUMNS
		"LEFT JOIN account_secret k ON k.account = a.name AND k.kind = ?1 AND k.idx = ?3"
		" WHERE a.name = coalesce((SELECT account FROM account_alias WHERE name = ?4), ?4)",
		VALUES(V_NUM(kind), V_NUM(at_ms / 1000), V_NUM(index), V_TEXT(name)), f);
}

static int find(
	struct accounts_verifier *v, const struct accounts_try *t, int64_t at_ms, struct found *f)
{
	enum hash_kind kind = other_kind(t);
	uint32_t index = hash_index(&v->pepper, kind, t->secret);

	if (*t->account)
		return read_name(
			v, accounts_is_name(t->account) ? t->account : "", kind, index, at_ms, f);
	return read_account(&v->sql,
		COLUMNS
		"JOIN account_secret k ON k.account = a.name WHERE k.kind = ?1 AND k.idx = ?3",
		VALUES(V_NUM(kind), V_NUM(at_ms / 1000), V_NUM(index)), f);
}

/* Whose tries these are. A secret that came alone is nobody's yet: only the place counts. */
static void choose_counters(
	const struct accounts_verifier *v, const struct accounts_try *t, struct found *f)
{
	bool named = *t->account;

	if (named && f->there) {
		f->own.kind = ACCOUNTS_COUNT_ACCOUNT;
		memcpy(f->own.key, f->uuid, sizeof(f->own.key));
	} else if (named) {
		f->own.kind = ACCOUNTS_COUNT_UNKNOWN;
		hash_name(&v->pepper, "unknown", t->account, f->own.key);
	}
	if (*t->place || !named) {
		f->place.kind = named ? ACCOUNTS_COUNT_PLACE : ACCOUNTS_COUNT_NAMELESS;
		hash_name(&v->pepper, "place", t->place, f->place.key);
	}
}

/* Finds and counts: ACCOUNTS_OK: go on; ACCOUNTS_LATER, ACCOUNTS_LOCKED: the answer; -errno. */
static int enter(struct accounts_verifier *v, const struct accounts_try *t, int64_t at_ms,
	struct found *f, uint32_t *retry_s)
{
	struct sql *s = &v->sql;
	bool never = false;
	int rc = begin(v);

	if (rc)
		return rc;
	rc = find(v, t, at_ms, f);
	if (!rc)
		choose_counters(v, t, f);
	/* The place first: whoever may not try from there cannot use up anybody's tries. */
	if (!rc)
		rc = accounts_count(s, &f->place, at_ms, 0, retry_s, &never);
	if (!rc) {
		rc = accounts_count(s, &f->own, at_ms, v->lock_for_s, retry_s, &f->locks);
		if (rc > 0 && f->place.kind) {
			int back = accounts_count_back(s, &f->place);

			rc = back ? back : rc;
		}
	}
	return end(v, rc);
}

/* ---- the check ---- */

static bool matches_other(struct accounts_verifier *v, const struct accounts_try *t,
	const struct found *f, const char *secret)
{
	return (with_pin(t) || t->kind == ACCOUNTS_CARD) &&
	       hash_matches(&v->pepper, other_kind(t), secret, f->other);
}

/* 1, 0, or -errno: PAM cannot tell. Who is not known here is asked about as well: he may become known, and takes as long. */
static int ask_outside(struct accounts_verifier *v, const struct accounts_try *t, struct found *f,
	const char *secret)
{
	const char *name = f->there ? f->name : accounts_is_name(t->account) ? t->account : "";
	int rc = *name && *secret ? outside_ask(v->pam_service, name, secret, t->place,
					    v->pam_timeout_s, f->outside)
				  : OUTSIDE_WRONG;

	f->outside_expired = rc == OUTSIDE_EXPIRED;
	f->outside_locked = rc == OUTSIDE_LOCKED;
	if (rc == OUTSIDE_AWAY || rc < 0) {
		log_event(LOG_LVL_WARNING, "event=pam-away service=%s why=%s", v->pam_service,
			log_quote(rc < 0 ? strerror(-rc) : "it could not tell"));
		return rc < 0 ? rc : -EHOSTUNREACH;
	}
	return rc != OUTSIDE_WRONG;
}

/* Costs as many hashes for who is not there: for ANY two, unless the first one was right. With PAM the PIN comes first:
 * a directory has no use for it, and would count it. */
static int check(struct accounts_verifier *v, const struct accounts_try *t, struct found *f,
	enum accounts_kind *kind)
{
	const char *secret = strlen(t->secret) > ACCOUNTS_SECRET_MAX ? "" : t->secret;
	int rc = 0;

	*kind = t->kind == ACCOUNTS_CARD ? ACCOUNTS_CARD : ACCOUNTS_PIN;
	if (v->pam && matches_other(v, t, f, secret))
		return 1;
	if (with_password(t))
		rc = v->pam ? ask_outside(v, t, f, secret)
			    : hash_matches(&v->pepper, HASH_PASSWORD, secret, f->password);
	if (rc)
		*kind = ACCOUNTS_PASSWORD;
	return rc ? rc : !v->pam && matches_other(v, t, f, secret);
}

/* ---- what came of it ---- */

static const char *const kind_names[] = {"any", "password", "pin", "card"};
static const char *const events[] = {
	[ACCOUNTS_OK] = "login",
	[ACCOUNTS_WRONG] = "login-wrong",
	[ACCOUNTS_LOCKED] = "login-refused",
	[ACCOUNTS_EXPIRED] = "login-expired",
};

/* A name that is nobody's is not written down: people type passwords into the wrong field. */
static int write_down(struct accounts_verifier *v, const struct accounts_try *t,
	const struct found *f, const struct accounts_said *said, int64_t at_ms)
{
	bool known = f->there && (*t->account || said->result != ACCOUNTS_WRONG);
	char detail[256];
	struct audit line = {.at_ms = at_ms,
		.event = events[said->result],
		.who = known ? f->name : "",
		.decided_by = t->service,
		.detail = detail};
	int rc;

	snprintf(detail, sizeof(detail), "%s%s%.100s%s",
		kind_names[said->kind ? said->kind : t->kind], *t->place ? " from " : "", t->place,
		known || !*t->account ? "" : ", unknown name");
	rc = audit_write(&v->sql, &line);
	if (!rc && said->result == ACCOUNTS_WRONG && f->locks && f->there) {
		line.event = "login-locked";
		rc = audit_write(&v->sql, &line);
	}
	return rc;
}

/* The account of whom PAM let in: by the name that PAM gave, made if there is none and that may be. */
static int take_in(struct accounts_verifier *v, struct found *f, int64_t at_ms)
{
	int rc;

	if (!*f->outside || !accounts_is_name(f->outside) ||
		(f->there && !strcmp(f->name, f->outside)))
		return 0;
	f->there = false;
	rc = read_name(v, f->outside, HASH_PIN, 0, at_ms, f);
	if (rc || f->there || f->outside_expired || !v->accept_unknown)
		return rc;
	rc = accounts_add(&v->sql, &v->pepper, f->outside, "", NULL);
	if (!rc)
		rc = audit_write(&v->sql, &(struct audit){.at_ms = at_ms,
						  .event = "user-added",
						  .who = "pam",
						  .decided_by = "server",
						  .about = f->outside});
	return rc ? rc : read_name(v, f->outside, HASH_PIN, 0, at_ms, f);
}

static void say(
	const struct found *f, bool right, enum accounts_kind kind, struct accounts_said *out)
{
	if (!right || !f->there)
		return;
	out->result = f->closed || f->outside_locked     ? ACCOUNTS_LOCKED
		      : f->expired || f->outside_expired ? ACCOUNTS_EXPIRED
							 : ACCOUNTS_OK;
	if (out->result == ACCOUNTS_LOCKED)
		return;
	out->kind = kind;
	memcpy(out->uuid, f->uuid, sizeof(out->uuid));
	snprintf(out->account, sizeof(out->account), "%s", f->name);
}

/* @right: what the check said; 1 or 0. */
static int settle(struct accounts_verifier *v, const struct accounts_try *t, struct found *f,
	bool right, enum accounts_kind kind, struct accounts_said *said, int64_t at_ms)
{
	struct sql *s = &v->sql;
	int rc = begin(v);

	if (rc)
		return rc;
	if (right)
		rc = take_in(v, f, at_ms);
	say(f, right, kind, said);
	right = said->result != ACCOUNTS_WRONG;
	/* Right: his own tries are forgiven, and this one of the place; not what others have tried there. */
	if (!rc && right && f->own.kind)
		rc = said->result == ACCOUNTS_OK ? accounts_count_forget(s, &f->own)
						 : accounts_count_back(s, &f->own);
	if (!rc && right && f->place.kind)
		rc = accounts_count_back(s, &f->place);
	if (!rc)
		rc = write_down(v, t, f, said, at_ms);
	return end(v, rc);
}

/* Nothing is known of the secret: the try does not count. */
static int take_back(struct accounts_verifier *v, const struct found *f)
{
	int rc = begin(v);

	if (rc)
		return rc;
	if (f->own.kind)
		rc = accounts_count_back(&v->sql, &f->own);
	if (!rc && f->place.kind)
		rc = accounts_count_back(&v->sql, &f->place);
	return end(v, rc);
}

int accounts_login(
	struct accounts_verifier *v, const struct accounts_try *t, struct accounts_said *out)
{
	struct found f = {0};
	enum accounts_kind kind = ACCOUNTS_ANY;
	int64_t at_ms = now_ms();
	int rc;

	*out = (struct accounts_said){.result = ACCOUNTS_WRONG};
	if (!*t->account && with_password(t))
		return -EINVAL;
	rc = enter(v, t, at_ms, &f, &out->retry_s);
	if (rc > 0) {
		out->result = (enum accounts_result)rc;
		rc = 0;
	} else if (!rc) {
		rc = check(v, t, &f, &kind);
		if (rc >= 0)
			rc = settle(v, t, &f, rc == 1, kind, out, at_ms);
		else if (rc != -EPIPE) /* a helper that died has perhaps been told: that counts */
			take_back(v, &f);
	}
	explicit_bzero(&f, sizeof(f));
	if (rc)
		*out = (struct accounts_said){.result = ACCOUNTS_WRONG};
	return rc;
}

int accounts_verify(void *verifier, const char *user, const char *password, const char *from,
	char *canonical, size_t size)
{
	struct accounts_try t = {.kind = ACCOUNTS_PASSWORD,
		.account = user,
		.secret = password,
		.service = "server",
		.place = from};
	struct accounts_said said;
	int rc = *user ? accounts_login(verifier, &t, &said) : 0;

	if (rc || !*user)
		return rc;
	if (said.result == ACCOUNTS_OK)
		snprintf(canonical, size, "%s", said.account);
	return said.result == ACCOUNTS_OK;
}
