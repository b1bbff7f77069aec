/* SPDX-License-Identifier: Apache-2.0 */
/* admin-user-secret - `user pin` and `user card`: read from the terminal or stdin, shown once, never in argv. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "admin-user.h"

struct ask {
	struct hash_pepper pepper;
	enum hash_kind kind;
	char text[257];
	const char *label;
	int digits;
	int64_t id;
};

static void wipe(struct ask *k)
{
	explicit_bzero(k, sizeof(*k));
}

static int do_add(struct admin *a, const char *name, void *arg)
{
	struct ask *k = arg;

	return accounts_secret_add(
		&a->app.sql, &k->pepper, k->kind, name, k->text, k->label, &k->id);
}

static int do_make(struct admin *a, const char *name, void *arg)
{
	struct ask *k = arg;

	return accounts_pin_make(&a->app.sql, &k->pepper, name, k->digits, k->text);
}

static int do_remove(struct admin *a, const char *name, void *arg)
{
	struct ask *k = arg;

	return accounts_secret_remove(&a->app.sql, k->kind, name, k->id);
}

/* "all" is 0; -1 if it is none. */
static int64_t number(const char *word)
{
	char *end;
	long long n = strtoll(word, &end, 10);

	return !strcmp(word, "all") ? 0 : *end || end == word || n < 1 ? -1 : n;
}

static int drop(struct admin *a, enum hash_kind kind, const char *name, const char *word)
{
	struct ask k = {.kind = kind, .id = number(word)};

	if (k.id < 0)
		return admin_fail(a, ADMIN_USAGE,
			"which one: its number (stillprint-server user show NAME), or all");
	return user_change(a, name, do_remove, &k,
		kind == HASH_PIN ? "user-pin-removed" : "user-card-removed", "",
		kind == HASH_PIN ? "has that PIN no more" : "has that card no more");
}

static int generate(struct admin *a, struct ask *k, const char *name)
{
	struct json_object *answer;
	int rc = user_change(a, name, do_make, k, "user-pin-added", "generated", NULL);

	if (rc)
		return rc;
	admin_say(
		a, "The new PIN of %s is %s. It is not shown again.\n", admin_safe(name), k->text);
	answer = json_object_new_object();
	admin_set(answer, "user", name);
	admin_set(answer, "pin", k->text);
	admin_answer(a, answer);
	return ADMIN_DONE;
}

int user_pin(struct admin *a, const struct user_options *o, const char *const *word, int count)
{
	AUTO(wipe) struct ask k = {.kind = HASH_PIN, .label = "", .digits = atoi(o->digits)};
	int rc;

	(void)count;
	if (o->remove)
		return drop(a, HASH_PIN, word[0], o->remove);
	if (k.digits < 0 || k.digits > ACCOUNTS_PIN_MAX)
		return admin_fail(
			a, ADMIN_USAGE, "--digits is a number up to %d", ACCOUNTS_PIN_MAX);
	rc = user_pepper(a, &k.pepper);
	if (rc)
		return rc;
	if (o->generate)
		return generate(a, &k, word[0]);
	rc = admin_password(a, "PIN: ", k.text, sizeof(k.text));
	return rc ? rc
		  : user_change(a, word[0], do_add, &k, "user-pin-added", "", "has that PIN now");
}

static int list_cards(struct admin *a, const char *name)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	struct json_object *rows = json_object_new_array(), *answer = json_object_new_object();
	int rc = sql_prepare(&a->app.sql, &stmt,
		"SELECT id, label, created_ms FROM account_secret WHERE account = ?1 AND kind = 3 ORDER BY id",
		VALUES(V_TEXT(name)));

	json_object_object_add(answer, "cards", rows);
	while (!rc && (rc = sql_step(&a->app.sql, stmt)) == 1) {
		struct json_object *row = json_object_new_object();
		char label[128];

		sql_text(stmt, 1, label, sizeof(label));
		admin_set_number(row, "id", sqlite3_column_int64(stmt, 0));
		admin_set(row, "label", label);
		admin_set_number(row, "created", sqlite3_column_int64(stmt, 2) / 1000);
		json_object_array_add(rows, row);
		admin_say(a, "%lld  since %s  %s\n", (long long)sqlite3_column_int64(stmt, 0),
			admin_time(sqlite3_column_int64(stmt, 2) / 1000), admin_safe(label));
		rc = 0;
	}
	if (rc) {
		json_object_put(answer);
		return admin_errno(a, "cards", rc);
	}
	admin_answer(a, answer);
	return ADMIN_DONE;
}

int user_card(struct admin *a, const struct user_options *o, const char *const *word, int count)
{
	AUTO(wipe) struct ask k = {.kind = HASH_CARD, .label = o->label};
	int rc;

	if (!strcmp(word[1], "list") && count == 2)
		return list_cards(a, word[0]);
	if (!strcmp(word[1], "remove") && count == 3)
		return drop(a, HASH_CARD, word[0], word[2]);
	if (strcmp(word[1], "add") != 0 || count != 2)
		return admin_fail(a, ADMIN_USAGE,
			"user card NAME add|list|remove ID; the card's number is read from the terminal or stdin");
	rc = user_pepper(a, &k.pepper);
	if (!rc)
		rc = admin_password(a, "Card: ", k.text, sizeof(k.text));
	return rc ? rc
		  : user_change(a, word[0], do_add, &k, "user-card-added", "", "has that card now");
}
