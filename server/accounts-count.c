/* SPDX-License-Identifier: Apache-2.0 */
/* accounts-count - how often somebody has tried, in the database before the trying: a restart forgets nothing.
 *
 * What may be tried: as lib/auth/attempts.h has it for machines. Places are many people's, so they are never locked and
 * forget; where a PIN comes alone nothing else stands in the way, so there it is few tries and slowly forgotten. */
#include <errno.h>
#include <string.h>

#include "accounts-private.h"

enum { SECOND_MS = 1000, ROWS_MAX = 20000, DROP = 200 };

static const struct rule {
	int64_t free_tries, delay_s, delay_max_s;
	int64_t lock_after; /* 0: never */
	int64_t forget_s; /* one try in so many seconds; 0: never */
} rules[] = {
	[ACCOUNTS_COUNT_ACCOUNT] = {5, 30, 86400, 10, 0},
	[ACCOUNTS_COUNT_UNKNOWN] = {5, 30, 86400, 10, 0},
	[ACCOUNTS_COUNT_PLACE] = {20, 30, 900, 0, 60},
	[ACCOUNTS_COUNT_NAMELESS] = {5, 30, 900, 0, 600},
};

struct row {
	int64_t tries, last_ms;
	bool there;
};

static int read_row(struct sql *s, const struct accounts_counter *c, struct row *r)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(s, &stmt,
		"SELECT tries, last_ms FROM login_counter WHERE kind = ?1 AND key = ?2",
		VALUES(V_NUM(c->kind), V_BLOB(c->key, sizeof(c->key))));

	*r = (struct row){0};
	if (!rc)
		rc = sql_step(s, stmt);
	if (rc == 1) {
		r->tries = sqlite3_column_int64(stmt, 0);
		r->last_ms = sqlite3_column_int64(stmt, 1);
		r->there = true;
	}
	return rc < 0 ? rc : 0;
}

static int write_row(
	struct sql *s, const struct accounts_counter *c, int64_t tries, int64_t last_ms)
{
	return sql_run(s,
		"INSERT OR REPLACE INTO login_counter (kind, key, tries, last_ms) VALUES (?1, ?2, ?3, ?4)",
		VALUES(V_NUM(c->kind), V_BLOB(c->key, sizeof(c->key)), V_NUM(tries),
			V_NUM(last_ms)));
}

static int64_t delay_ms(const struct rule *rule, int64_t tries)
{
	int64_t delay = rule->delay_s;

	if (tries < rule->free_tries)
		return 0;
	for (int64_t i = rule->free_tries; i < tries && delay < rule->delay_max_s; i++)
		delay *= 2;
	return (delay < rule->delay_max_s ? delay : rule->delay_max_s) * SECOND_MS;
}

/* What time has healed. A clock that was set back heals nothing, and does not make anybody wait longer than the rule. */
static void heal(const struct rule *rule, struct row *r, int64_t now_ms, int32_t lock_for_s)
{
	int64_t spans;

	if (r->last_ms > now_ms)
		r->last_ms = now_ms;
	if (rule->lock_after && r->tries >= rule->lock_after && lock_for_s &&
		now_ms - r->last_ms >= (int64_t)lock_for_s * SECOND_MS)
		r->tries = 0;
	spans = rule->forget_s ? (now_ms - r->last_ms) / (rule->forget_s * SECOND_MS) : 0;
	r->tries = spans < r->tries ? r->tries - spans : 0;
	r->last_ms += spans * rule->forget_s * SECOND_MS;
}

/* Names and places from outside: room for so many, then the longest unused go. */
static int make_room(struct sql *s, enum accounts_count_kind kind)
{
	int64_t n = 0;
	int rc;

	if (kind == ACCOUNTS_COUNT_ACCOUNT)
		return 0;
	rc = sql_number(
		s, "SELECT count(*) FROM login_counter WHERE kind = ?1", VALUES(V_NUM(kind)), &n);
	if (rc < 0 || n < ROWS_MAX)
		return rc < 0 ? rc : 0;
	return sql_run(s,
		"DELETE FROM login_counter WHERE kind = ?1 AND key IN"
		" (SELECT key FROM login_counter WHERE kind = ?1 ORDER BY last_ms LIMIT ?2)",
		VALUES(V_NUM(kind), V_NUM(DROP)));
}

int accounts_count(struct sql *s, struct accounts_counter *c, int64_t now_ms, int32_t lock_for_s,
	uint32_t *retry_s, bool *locks)
{
	const struct rule *rule = &rules[c->kind];
	struct row r;
	int64_t wait_ms;
	int rc = c->kind ? read_row(s, c, &r) : 0;

	if (rc || !c->kind)
		return rc;
	heal(rule, &r, now_ms, lock_for_s);
	if (rule->lock_after && r.tries >= rule->lock_after)
		return ACCOUNTS_LOCKED;
	wait_ms = r.last_ms + delay_ms(rule, r.tries) - now_ms;
	if (r.tries >= rule->free_tries && wait_ms > 0) {
		*retry_s = (uint32_t)((wait_ms + SECOND_MS - 1) / SECOND_MS);
		return ACCOUNTS_LATER;
	}
	c->before_ms = r.there ? r.last_ms : now_ms;
	if (!r.there)
		rc = make_room(s, c->kind);
	if (!rc)
		rc = write_row(s, c, r.tries + 1, now_ms);
	if (rule->lock_after && r.tries + 1 >= rule->lock_after)
		*locks = true;
	return rc;
}

/* The time too, or a place that is always busy would never be forgiven anything. */
int accounts_count_back(struct sql *s, const struct accounts_counter *c)
{
	return sql_run(s,
		"UPDATE login_counter SET tries = tries - 1, last_ms = min(last_ms, ?3)"
		" WHERE kind = ?1 AND key = ?2 AND tries > 0",
		VALUES(V_NUM(c->kind), V_BLOB(c->key, sizeof(c->key)), V_NUM(c->before_ms)));
}

int accounts_count_forget(struct sql *s, const struct accounts_counter *c)
{
	return sql_run(s, "DELETE FROM login_counter WHERE kind = ?1 AND key = ?2",
		VALUES(V_NUM(c->kind), V_BLOB(c->key, sizeof(c->key))));
}
