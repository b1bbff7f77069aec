/* SPDX-License-Identifier: Apache-2.0 */
/* admin-user - `user add|list|remove|password|disable|enable`. */
#include <errno.h>
#include <string.h>

#include "accounts.h"
#include "admin.h"
#include "base/text.h"

struct act {
	const char *event, *done;
	int (*fn)(struct sql *s, const char *name);
};

static int disable(struct sql *s, const char *name)
{
	return accounts_disable(s, name, true);
}

static int enable(struct sql *s, const char *name)
{
	return accounts_disable(s, name, false);
}

static int said(struct admin *a, const char *name, int rc)
{
	if (rc == ACCOUNTS_E_NONE)
		return admin_fail(a, ADMIN_NO_SUCH,
			"there is no user %s (stillprint-server user list)", name);
	if (rc == ACCOUNTS_E_EXISTS)
		return admin_fail(a, ADMIN_FAILED,
			"there is a user %s already; a new password: stillprint-server user password %s",
			name, name);
	if (rc == -EINVAL)
		return admin_fail(a, ADMIN_FAILED,
			"%s is no good name: no blanks at its ends, no ':' or '/', at most 255 octets",
			name);
	return admin_errno(a, "user", rc);
}

static int done(struct admin *a, const char *name, const char *what)
{
	struct json_object *answer = json_object_new_object();

	admin_say(a, "User %s %s.\n", admin_safe(name), what);
	admin_set(answer, "user", name);
	admin_set(answer, "result", what);
	admin_answer(a, answer);
	return ADMIN_DONE;
}

static int add(struct admin *a, const char *name, const char *full_name, bool no_password)
{
	struct hash_pepper pepper;
	char password[257] = "";
	int rc;

	if (!accounts_is_name(name))
		return said(a, name, -EINVAL);
	rc = accounts_pepper(a->config->state, &pepper);
	if (rc)
		return admin_errno(a, "the file pepper", rc);
	if (!no_password)
		rc = admin_password(a, "Password: ", password, sizeof(password));
	if (rc)
		return rc;
	rc = admin_begin(a);
	if (!rc) {
		rc = accounts_add(
			&a->app.sql, &pepper, name, full_name, no_password ? NULL : password);
		if (!rc)
			rc = admin_audit_about(a, "user-added", name, "");
		rc = admin_end(a, rc);
	}
	explicit_bzero(password, sizeof(password));
	return rc ? said(a, name, rc) : done(a, name, "added");
}

static int change_password(struct admin *a, const char *name)
{
	struct hash_pepper pepper;
	char password[257] = "";
	int rc = accounts_pepper(a->config->state, &pepper);

	if (rc)
		return admin_errno(a, "the file pepper", rc);
	rc = admin_password(a, "New password: ", password, sizeof(password));
	if (rc)
		return rc;
	rc = admin_begin(a);
	if (!rc) {
		rc = accounts_set_password(&a->app.sql, &pepper, name, password);
		if (!rc)
			rc = admin_audit_about(a, "user-password", name, "");
		rc = admin_end(a, rc);
	}
	explicit_bzero(password, sizeof(password));
	return rc ? said(a, name, rc) : done(a, name, "has a new password");
}

static int act(struct admin *a, const char *name, const struct act *what)
{
	int rc = admin_begin(a);

	if (!rc) {
		rc = what->fn(&a->app.sql, name);
		if (!rc)
			rc = admin_audit_about(a, what->event, name, "");
		rc = admin_end(a, rc);
	}
	return rc ? said(a, name, rc) : done(a, name, what->done);
}

static int list(struct admin *a)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	struct json_object *rows = json_object_new_array(), *answer;
	int rc = sql_prepare(&a->app.sql, &stmt,
		"SELECT name, full_name, disabled, hash <> '', created_ms FROM account ORDER BY name",
		NULL);

	while (!rc && (rc = sql_step(&a->app.sql, stmt)) == 1) {
		struct json_object *row = json_object_new_object();
		char name[256], full_name[256];
		bool off = sqlite3_column_int(stmt, 2), password = sqlite3_column_int(stmt, 3);

		sql_text(stmt, 0, name, sizeof(name));
		sql_text(stmt, 1, full_name, sizeof(full_name));
		admin_say(a, "%-20s %-12s %s\n", admin_safe(name),
			off        ? "disabled"
			: password ? "active"
				   : "no password",
			admin_safe(full_name));
		admin_set(row, "name", name);
		admin_set(row, "full_name", full_name);
		admin_set_flag(row, "disabled", off);
		admin_set_flag(row, "password", password);
		admin_set_number(row, "created", sqlite3_column_int64(stmt, 4) / 1000);
		json_object_array_add(rows, row);
		rc = 0;
	}
	if (!rc && json_object_array_length(rows) == 0)
		admin_say(a, "No users yet: stillprint-server user add NAME\n");
	answer = json_object_new_object();
	json_object_object_add(answer, "users", rows);
	if (rc < 0) {
		json_object_put(answer);
		return admin_errno(a, "users", rc);
	}
	admin_answer(a, answer);
	return ADMIN_DONE;
}

int admin_user(struct admin *a, int argc, char **argv)
{
	static const struct {
		const char *word;
		struct act act;
	} acts[] = {
		{"remove", {"user-removed", "removed", accounts_remove}},
		{"disable", {"user-disabled", "disabled", disable}},
		{"enable", {"user-enabled", "enabled", enable}},
	};
	const char *full_name = "", *operands[ADMIN_OPERANDS_MAX];
	bool no_password = false;
	const struct admin_option options[] = {
		{"full-name", &full_name, NULL}, {"no-password", NULL, &no_password}, {NULL}};
	int status = 0, n = admin_parse(a, argc, argv, options, operands, &status), rc;

	if (n < 0)
		return status;
	if (n < 1 || (strcmp(operands[0], "list") != 0 && n != 2))
		return admin_fail(a, ADMIN_USAGE, "user %s", a->verb->args);
	if (!text_is_clean(full_name) || strlen(full_name) > 255)
		return admin_fail(a, ADMIN_USAGE, "--full-name must be fit to be shown");
	rc = admin_open(a);
	if (rc)
		return rc;
	if (!strcmp(operands[0], "list"))
		return list(a);
	if (!strcmp(operands[0], "add"))
		return add(a, operands[1], full_name, no_password);
	if (!strcmp(operands[0], "password"))
		return change_password(a, operands[1]);
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (!strcmp(operands[0], acts[i].word))
			return act(a, operands[1], &acts[i].act);
	return admin_fail(a, ADMIN_USAGE, "user %s", a->verb->args);
}
