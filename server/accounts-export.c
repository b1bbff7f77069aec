/* SPDX-License-Identifier: Apache-2.0 */
/* accounts-export - accounts as lib/auth keeps them: what goes to machines ahead of time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "accounts-private.h"

/* Names that were chosen, in order. */
struct names {
	char (*name)[ACCOUNT_NAME_MAX + 1];
	size_t count, size;
};

static void names_fini(struct names *n)
{
	free(n->name);
}

static int add_name(struct names *n, sqlite3_stmt *stmt)
{
	if (n->count == n->size) {
		size_t size = n->size ? n->size * 2 : 64;
		void *more = reallocarray(n->name, size, sizeof(*n->name));

		if (!more)
			return -ENOMEM;
		n->name = more;
		n->size = size;
	}
	sql_text(stmt, 0, n->name[n->count++], sizeof(*n->name));
	return 0;
}

static int add_names(struct sql *s, struct names *n, const char *sql, const char *word)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(s, &stmt, sql, VALUES(V_TEXT(word)));

	while (!rc && (rc = sql_step(s, stmt)) == 1)
		rc = add_name(n, stmt);
	return rc;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int choose(struct sql *s, const struct accounts_filter *f, struct names *n)
{
	int rc = 0;

	for (size_t i = 0; i < f->group_count && !rc; i++)
		rc = add_names(s, n, "SELECT account FROM account_member WHERE group_name = ?1",
			f->groups[i]);
	for (size_t i = 0; i < f->user_count && !rc; i++)
		rc = add_names(s, n,
			"SELECT coalesce((SELECT account FROM account_alias WHERE name = ?1), ?1)",
			f->users[i]);
	if (!rc && n->count)
		qsort(n->name, n->count, sizeof(*n->name), compare);
	return rc;
}

static void add_verifier(struct account *a, const struct accounts_filter *f, enum hash_kind kind,
	uint32_t index, const char *text)
{
	struct verifier *v = &a->verifier[a->count];

	if (!(f->kinds & 1U << kind) || !hash_is_verifier(text) ||
		a->count == ACCOUNT_VERIFIERS_MAX)
		return;
	*v = (struct verifier){.kind = (uint8_t)kind,
		.source = ACCOUNT_FROM_SYNC,
		.index = index,
		.confirmed_s = f->now_s,
		.expires_s = f->expires_s};
	strcpy(v->text, text);
	a->count++;
}

/* A row is an account with one of its secrets; the account's rows follow each other. */
static void take_row(
	sqlite3_stmt *stmt, const struct accounts_filter *f, struct account *a, bool fresh)
{
	char text[HASH_TEXT_MAX + 1];

	if (fresh) {
		sql_text(stmt, 0, a->name, sizeof(a->name));
		sql_octets(stmt, 1, a->uuid, sizeof(a->uuid));
		a->flags = sqlite3_column_int(stmt, 3) ? ACCOUNT_LOCKED : 0;
		if (sqlite3_column_int(stmt, 4))
			a->flags |= ACCOUNT_EXPIRED;
		sql_text(stmt, 2, text, sizeof(text));
		add_verifier(a, f, HASH_PASSWORD, 0, text);
	}
	if (sqlite3_column_type(stmt, 5) == SQLITE_NULL)
		return;
	sql_text(stmt, 7, text, sizeof(text));
	add_verifier(a, f, (enum hash_kind)sqlite3_column_int(stmt, 5),
		(uint32_t)sqlite3_column_int64(stmt, 6), text);
	explicit_bzero(text, sizeof(text));
}

int accounts_export_auth(
	struct sql *s, const struct accounts_filter *filter, struct account **out, size_t *count)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	AUTO(names_fini) struct names chosen = {0};
	AUTO(auto_free) struct account *a = NULL;
	bool all = !filter->group_count && !filter->user_count;
	size_t n = 0, size = 0;
	int rc = choose(s, filter, &chosen);

	if (!rc)
		rc = sql_prepare(s, &stmt,
			"SELECT a.name, a.uuid, a.hash, a.disabled OR a.locked_ms,"
			" a.expires_s AND a.expires_s <= ?1, k.kind, k.idx, k.verifier FROM account a"
			" LEFT JOIN account_secret k ON k.account = a.name ORDER BY a.name, k.kind, k.id",
			VALUES(V_NUM(filter->now_s)));
	while (!rc && (rc = sql_step(s, stmt)) == 1) {
		char name[ACCOUNT_NAME_MAX + 1];
		bool fresh;

		rc = 0;
		sql_text(stmt, 0, name, sizeof(name));
		if (!all && !bsearch(name, chosen.name, chosen.count, sizeof(name), compare))
			continue;
		fresh = !n || strcmp(a[n - 1].name, name) != 0;
		if (fresh && n == size) {
			void *more = reallocarray(a, size ? size * 2 : 64, sizeof(*a));

			if (!more)
				return -ENOMEM;
			a = more;
			size = size ? size * 2 : 64;
		}
		if (fresh)
			memset(&a[n++], 0, sizeof(*a));
		take_row(stmt, filter, &a[n - 1], fresh);
	}
	if (rc < 0)
		return rc;
	*out = STEAL(a);
	*count = n;
	return 0;
}
