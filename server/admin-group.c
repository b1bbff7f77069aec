/* SPDX-License-Identifier: Apache-2.0 */
/* admin-group - `group add|remove|list|show|join|leave`. */
#include <errno.h>
#include <string.h>

#include "admin-user.h"

static int said(struct admin *a, const char *group, int rc)
{
	if (rc == ACCOUNTS_E_NONE)
		return admin_fail(a, ADMIN_NO_SUCH,
			"there is no group %s, or no such user (stillprint-server group list)",
			group);
	if (rc == ACCOUNTS_E_EXISTS)
		return admin_fail(a, ADMIN_FAILED, "there is a group %s already", group);
	return user_said(a, group, rc);
}

static int done(struct admin *a, const char *group, const char *what)
{
	struct json_object *answer = json_object_new_object();

	admin_say(a, "Group %s: %s.\n", admin_safe(group), what);
	admin_set(answer, "group", group);
	admin_set(answer, "result", what);
	admin_answer(a, answer);
	return ADMIN_DONE;
}

static int change(struct admin *a, const char *group, int (*fn)(struct sql *s, const char *group),
	const char *event, const char *what)
{
	int rc = admin_begin(a);

	if (!rc) {
		rc = fn(&a->app.sql, group);
		if (!rc)
			rc = admin_audit(a, event, group);
		rc = admin_end(a, rc);
	}
	return rc ? said(a, group, rc) : done(a, group, what);
}

static int member(struct admin *a, const char *group, const char *user,
	int (*fn)(struct sql *s, const char *name, const char *group), const char *event,
	const char *what)
{
	int rc = admin_begin(a);

	if (!rc) {
		rc = fn(&a->app.sql, user, group);
		if (!rc)
			rc = admin_audit_about(a, event, user, group);
		rc = admin_end(a, rc);
	}
	return rc ? said(a, group, rc) : done(a, group, what);
}

static int rows_of(struct admin *a, const char *name, const char *sql, const char *group)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	struct json_object *rows = json_object_new_array(), *answer = json_object_new_object();
	int rc = sql_prepare(&a->app.sql, &stmt, sql, VALUES(V_TEXT(group)));

	json_object_object_add(answer, name, rows);
	while (!rc && (rc = sql_step(&a->app.sql, stmt)) == 1) {
		struct json_object *row = json_object_new_object();
		char word[256];

		sql_text(stmt, 0, word, sizeof(word));
		admin_set(row, "name", word);
		admin_say(a, "%s", admin_safe(word));
		if (!*group) {
			admin_set_number(row, "members", sqlite3_column_int64(stmt, 1));
			admin_say(a, "  %lld members", (long long)sqlite3_column_int64(stmt, 1));
		}
		admin_say(a, "\n");
		json_object_array_add(rows, row);
		rc = 0;
	}
	if (rc) {
		json_object_put(answer);
		return admin_errno(a, "groups", rc);
	}
	admin_answer(a, answer);
	return ADMIN_DONE;
}

int admin_group(struct admin *a, int argc, char **argv)
{
	const char *word[ADMIN_OPERANDS_MAX];
	int status = 0, n = admin_parse(a, argc, argv, NULL, word, &status), rc;
	int64_t there;

	if (n < 0)
		return status;
	rc = n > 0 ? admin_open(a) : 0;
	if (rc)
		return rc;
	if (n == 1 && !strcmp(word[0], "list"))
		return rows_of(a, "groups",
			"SELECT name, (SELECT count(*) FROM account_member WHERE group_name = name)"
			" FROM account_group WHERE ?1 = '' ORDER BY name",
			"");
	if (n == 2 && !strcmp(word[0], "show"))
		return sql_number(&a->app.sql, "SELECT 1 FROM account_group WHERE name = ?1",
			       VALUES(V_TEXT(word[1])), &there) == 1
			       ? rows_of(a, "members",
					 "SELECT account FROM account_member WHERE group_name = ?1 ORDER BY 1",
					 word[1])
			       : said(a, word[1], ACCOUNTS_E_NONE);
	if (n == 2 && !strcmp(word[0], "add"))
		return change(a, word[1], accounts_group_add, "group-added", "added");
	if (n == 2 && !strcmp(word[0], "remove"))
		return change(a, word[1], accounts_group_remove, "group-removed", "removed");
	if (n == 3 && !strcmp(word[0], "join"))
		return member(a, word[1], word[2], accounts_member_add, "group-joined",
			"has that member");
	if (n == 3 && !strcmp(word[0], "leave"))
		return member(a, word[1], word[2], accounts_member_remove, "group-left",
			"has that member no more");
	return admin_fail(a, ADMIN_USAGE, "group %s", a->verb->args);
}
