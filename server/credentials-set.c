/* SPDX-License-Identifier: Apache-2.0 */
/* credentials-set - rules, and what they choose for a machine; see credentials.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "accounts.h"
#include "app.h"
#include "credentials.h"

enum { RULES_MAX = 1000, FORGET_MAX = 10000 };

/* ---- rules ---- */

void credentials_rule_read(sqlite3_stmt *stmt, struct credentials_rule *out)
{
	out->id = sqlite3_column_int64(stmt, 0);
	sql_text(stmt, 1, out->machine, sizeof(out->machine));
	sql_text(stmt, 2, out->kind, sizeof(out->kind));
	sql_text(stmt, 3, out->name, sizeof(out->name));
	out->interval_s = sqlite3_column_int64(stmt, 4);
	out->valid_s = sqlite3_column_int64(stmt, 5);
	out->accounts_max = sqlite3_column_int64(stmt, 6);
}

int credentials_rule_add(struct sql *s, struct credentials_rule *r, int64_t now_ms)
{
	int rc = sql_change(s,
		"INSERT OR IGNORE INTO sync_rule"
		" (machine, kind, name, interval_s, valid_s, accounts_max, created_ms)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		VALUES(V_TEXT(r->machine), V_TEXT(r->kind), V_TEXT(r->name), V_NUM(r->interval_s),
			V_NUM(r->valid_s), V_NUM(r->accounts_max), V_NUM(now_ms)));

	if (!rc)
		r->id = sqlite3_last_insert_rowid(s->db);
	return rc > 0 ? CREDENTIALS_E_EXISTS : rc;
}

int credentials_rule_get(struct sql *s, int64_t id, struct credentials_rule *out)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(s, &stmt,
		"SELECT " CREDENTIALS_RULE_COLUMNS " FROM sync_rule WHERE id = ?1",
		VALUES(V_NUM(id)));

	if (!rc)
		rc = sql_step(s, stmt);
	if (rc <= 0)
		return rc ? rc : CREDENTIALS_E_NONE;
	credentials_rule_read(stmt, out);
	return 0;
}

int credentials_rule_set(struct sql *s, const struct credentials_rule *r)
{
	return sql_change(s,
		"UPDATE sync_rule SET interval_s = ?2, valid_s = ?3, accounts_max = ?4 WHERE id = ?1",
		VALUES(V_NUM(r->id), V_NUM(r->interval_s), V_NUM(r->valid_s),
			V_NUM(r->accounts_max)));
}

int credentials_rule_remove(struct sql *s, int64_t id)
{
	return sql_change(s, "DELETE FROM sync_rule WHERE id = ?1", VALUES(V_NUM(id)));
}

int credentials_renew(struct sql *s, const char *uuid)
{
	return sql_change(s,
		"UPDATE sync_machine SET digest = x'', stamp = 0 WHERE ?1 = '' OR uuid = ?1",
		VALUES(V_TEXT(uuid ? uuid : "")));
}

/* ---- what they choose ---- */

struct choice {
	char (*name)[256];
	const char **user, **group;
	size_t names, users, groups;
	bool everybody;
	int64_t accounts_max;
};

static void choice_fini(struct choice *c)
{
	free(c->name);
	free(c->user);
	free(c->group);
}

static void take_rule(
	struct choice *c, struct credentials_set *set, const struct credentials_rule *r)
{
	char *name = c->name[c->names++];

	strcpy(name, r->name);
	if (!strcmp(r->kind, "user"))
		c->user[c->users++] = name;
	else if (!strcmp(r->kind, "group"))
		c->group[c->groups++] = name;
	else
		c->everybody = true;
	if (!set->rules || r->interval_s < set->interval_s)
		set->interval_s = r->interval_s;
	if (!set->rules || r->valid_s < set->valid_s)
		set->valid_s = r->valid_s;
	if (r->accounts_max > c->accounts_max)
		c->accounts_max = r->accounts_max;
	set->rules++;
}

static int read_rules(struct app *app, const char *uuid, const char *kind, struct choice *c,
	struct credentials_set *set)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc;

	c->name = calloc(RULES_MAX, sizeof(*c->name));
	c->user = calloc(RULES_MAX, sizeof(*c->user));
	c->group = calloc(RULES_MAX, sizeof(*c->group));
	if (!c->name || !c->user || !c->group)
		return -ENOMEM;
	rc = sql_prepare(&app->sql, &stmt,
		"SELECT " CREDENTIALS_RULE_COLUMNS
		" FROM sync_rule WHERE machine IN (?1, ?2, 'all') ORDER BY id",
		VALUES(V_TEXT(uuid), V_TEXT(kind)));
	while (!rc && c->names < RULES_MAX && (rc = sql_step(&app->sql, stmt)) == 1) {
		struct credentials_rule r;

		credentials_rule_read(stmt, &r);
		take_rule(c, set, &r);
		rc = 0;
	}
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct account *)a)->name, ((const struct account *)b)->name);
}

static bool has(const struct account *sorted, size_t count, const char *name)
{
	struct account key;

	if (!count)
		return false;
	strcpy(key.name, name);
	return bsearch(&key, sorted, count, sizeof(key), by_name) != NULL;
}

/* Without times: those are the file's, and would make each set another one. */
static void add_account(struct account *to, const struct account *from)
{
	*to = *from;
	for (unsigned i = 0; i < to->count; i++)
		to->verifier[i].confirmed_s = to->verifier[i].expires_s = 0;
}

/* Who is named comes before who is in a group, up to the rule's number. */
static int add_chosen(struct credentials_set *set, const struct account *from, size_t count,
	const struct choice *c)
{
	size_t known = set->count;
	struct account *more = reallocarray(set->account, known + count + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	set->account = more;
	for (size_t i = 0; i < count; i++) {
		if (has(more, known, from[i].name))
			continue;
		if ((int64_t)set->count >= c->accounts_max)
			set->left_out++;
		else
			add_account(&more[set->count++], &from[i]);
	}
	qsort(more, set->count, sizeof(*more), by_name);
	return 0;
}

static int export(struct app *app, const struct accounts_filter *f, const struct choice *c,
	struct credentials_set *set)
{
	struct account *found = NULL;
	size_t count = 0;
	int rc = accounts_export_auth(&app->sql, f, &found, &count);

	if (!rc)
		rc = add_chosen(set, found, count, c);
	if (found)
		explicit_bzero(found, count * sizeof(*found));
	free(found);
	return rc;
}

static int choose(
	struct app *app, const struct choice *c, int64_t now_s, struct credentials_set *set)
{
	const struct accounts_filter users = {.users = c->user,
		.user_count = c->users,
		.kinds = 1U << HASH_PIN | 1U << HASH_CARD,
		.now_s = now_s};
	struct accounts_filter others = users;
	int rc = c->users ? export(app, &users, c, set) : 0;

	others.user_count = 0;
	others.groups = c->group;
	others.group_count = c->everybody ? 0 : c->groups;
	if (!rc && (c->everybody || c->groups))
		rc = export(app, &others, c, set);
	return rc;
}

/* ---- whom to forget ---- */

static int forget(struct credentials_set *set, size_t chosen, const char *name)
{
	size_t at = set->count;
	struct account *more = set->account;

	if (has(more, chosen, name))
		return 0;
	/* One step of 256 holds half a megabyte; there are few, mostly. */
	if ((at - chosen) % 256 == 0)
		more = reallocarray(more, at + 256, sizeof(*more));
	if (!more)
		return -ENOMEM;
	set->account = more;
	memset(&more[at], 0, sizeof(*more));
	strcpy(more[at].name, name);
	more[at].flags = ACCOUNT_REMOVED;
	set->count++;
	return 0;
}

/* Names alone. What was learned of them from logins at that machine would serve for its whole time otherwise. */
static int add_forgotten(struct app *app, int64_t now_s, struct credentials_set *set)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	size_t chosen = set->count;
	int rc = sql_prepare(&app->sql, &stmt,
		"SELECT name FROM sync_removed WHERE removed_ms > ?1 UNION"
		" SELECT name FROM account WHERE disabled OR locked_ms OR (expires_s AND expires_s <= ?2)"
		" ORDER BY name LIMIT ?3",
		VALUES(V_NUM((now_s - CREDENTIALS_REMOVED_S) * 1000), V_NUM(now_s),
			V_NUM(FORGET_MAX)));

	while (!rc && (rc = sql_step(&app->sql, stmt)) == 1) {
		char name[ACCOUNT_NAME_MAX + 1];

		sql_text(stmt, 0, name, sizeof(name));
		rc = forget(set, chosen, name);
	}
	if (set->count > 1)
		qsort(set->account, set->count, sizeof(*set->account), by_name);
	return rc;
}

int credentials_set_of(struct app *app, const char *uuid, const char *kind, int64_t now_s,
	struct credentials_set *out)
{
	AUTO(choice_fini) struct choice c = {0};
	struct credentials_set set = {
		.interval_s = CREDENTIALS_INTERVAL_S, .valid_s = CREDENTIALS_VALID_S};
	int rc = read_rules(app, uuid, kind, &c, &set);

	if (!rc)
		rc = choose(app, &c, now_s, &set);
	set.chosen = set.count;
	if (!rc)
		rc = add_forgotten(app, now_s, &set);
	if (rc)
		credentials_set_fini(&set);
	else
		*out = set;
	return rc;
}

void credentials_set_fini(struct credentials_set *set)
{
	if (set->account)
		explicit_bzero(set->account, set->count * sizeof(*set->account));
	free(set->account);
	set->account = NULL;
	set->count = 0;
}
