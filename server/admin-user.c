/* SPDX-License-Identifier: Apache-2.0 */
/* admin-user - `user`: the table of its words, and the short ones among them. */
#include "admin-user.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/text.h"

int user_said(struct admin *a, const char *name, int rc)
{
	switch (rc) {
	case ACCOUNTS_E_NONE:
		return admin_fail(a, ADMIN_NO_SUCH,
			"there is no such thing for %s, or no such user (stillprint-server user list)",
			name);
	case ACCOUNTS_E_EXISTS:
		return admin_fail(a, ADMIN_FAILED,
			"%s: that is taken already, by this account or another one", name);
	case ACCOUNTS_E_TOO_MANY:
		return admin_fail(a, ADMIN_FAILED, "%s has three already: remove one first", name);
	case ACCOUNTS_E_WEAK:
		return admin_fail(a, ADMIN_FAILED,
			"that PIN is too short, or one that anybody would try first: --generate makes a good one");
	case -EINVAL:
		return admin_fail(a, ADMIN_FAILED,
			"%s: not fit. Names: no blanks at the ends, no ':' or '/', at most 255 octets; cards: 4 to 64 "
			"characters without blanks",
			name);
	default:
		return admin_errno(a, "user", rc);
	}
}

int user_pepper(struct admin *a, struct hash_pepper *out)
{
	int rc = accounts_pepper(a->config->state, out);

	return rc ? admin_errno(a, "the file pepper (restore it from a backup)", rc) : 0;
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

int user_change(struct admin *a, const char *name, user_fn *fn, void *arg, const char *event,
	const char *detail, const char *what)
{
	int rc = admin_begin(a);

	if (!rc) {
		rc = fn(a, name, arg);
		if (!rc)
			rc = admin_audit_about(a, event, name, detail);
		rc = admin_end(a, rc);
	}
	if (rc)
		return user_said(a, name, rc);
	return what ? done(a, name, what) : ADMIN_DONE;
}

/* ---- short ones ---- */

struct secret {
	struct hash_pepper pepper;
	char text[257];
	bool none;
	const char *full_name;
};

static void wipe(struct secret *s)
{
	explicit_bzero(s, sizeof(*s));
}

static int do_add(struct admin *a, const char *name, void *arg)
{
	struct secret *s = arg;

	return accounts_add(&a->app.sql, &s->pepper, name, s->full_name, s->none ? NULL : s->text);
}

static int add(struct admin *a, const struct user_options *o, const char *const *word, int count)
{
	AUTO(wipe)
	struct secret s = {.none = o->no_password || a->config->pam, .full_name = o->full_name};
	int rc;

	(void)count;
	if (!accounts_is_name(word[0]))
		return user_said(a, word[0], -EINVAL);
	rc = user_pepper(a, &s.pepper);
	if (!rc && !s.none)
		rc = admin_password(a, "Password: ", s.text, sizeof(s.text));
	return rc ? rc : user_change(a, word[0], do_add, &s, "user-added", "", "added");
}

static int do_password(struct admin *a, const char *name, void *arg)
{
	struct secret *s = arg;

	return accounts_set_password(&a->app.sql, &s->pepper, name, s->text);
}

static int password(
	struct admin *a, const struct user_options *o, const char *const *word, int count)
{
	AUTO(wipe) struct secret s = {0};
	int rc =
		a->config->pam
			? admin_fail(a, ADMIN_FAILED,
				  "passwords are checked by PAM (passwords = pam in %s): change it there",
				  a->config_path)
			: user_pepper(a, &s.pepper);

	(void)o;
	(void)count;
	if (!rc)
		rc = admin_password(a, "New password: ", s.text, sizeof(s.text));
	return rc ? rc
		  : user_change(
			    a, word[0], do_password, &s, "user-password", "", "has a new password");
}

static int do_remove(struct admin *a, const char *name, void *arg)
{
	(void)arg;
	return accounts_remove(&a->app.sql, name);
}

static int do_disable(struct admin *a, const char *name, void *arg)
{
	return accounts_disable(&a->app.sql, name, *(bool *)arg);
}

static int do_lock(struct admin *a, const char *name, void *arg)
{
	return accounts_lock(&a->app.sql, name, *(bool *)arg);
}

static int do_expire(struct admin *a, const char *name, void *arg)
{
	return accounts_expire(&a->app.sql, name, *(int64_t *)arg);
}

#define PLAIN(fn, action, value, event, what) \
	static int fn( \
		struct admin *a, const struct user_options *o, const char *const *word, int count) \
	{ \
		bool on = value; \
		(void)o; \
		(void)count; \
		return user_change(a, word[0], action, &on, event, "", what); \
	}
PLAIN(drop, do_remove, true, "user-removed", "removed")
PLAIN(disable, do_disable, true, "user-disabled", "disabled")
PLAIN(enable, do_disable, false, "user-enabled", "enabled")
PLAIN(lock, do_lock, true, "user-locked", "locked")
PLAIN(unlock, do_lock, false, "user-unlocked", "unlocked")

static int expire(struct admin *a, const struct user_options *o, const char *const *word, int count)
{
	int64_t at_s = strcmp(word[1], "never") ? admin_when(word[1]) : 0;

	(void)o;
	(void)count;
	if (at_s < 0)
		return admin_fail(a, ADMIN_USAGE,
			"when is never, a day such as 2026-12-31, or a time from now such as 90d");
	return user_change(a, word[0], do_expire, &at_s, "user-expires",
		at_s ? admin_time(at_s) : "never", at_s ? "expires then" : "never expires");
}

static int do_alias(struct admin *a, const char *name, void *arg)
{
	return accounts_alias_add(&a->app.sql, name, arg);
}

static int undo_alias(struct admin *a, const char *name, void *arg)
{
	return accounts_alias_remove(&a->app.sql, name, arg);
}

static int alias(struct admin *a, const struct user_options *o, const char *const *word, int count)
{
	char other[ACCOUNT_NAME_MAX + 1];

	(void)o;
	(void)count;
	snprintf(other, sizeof(other), "%s", word[2]);
	if (!strcmp(word[1], "add"))
		return user_change(
			a, word[0], do_alias, other, "user-alias-added", "", "has that name too");
	if (!strcmp(word[1], "remove"))
		return user_change(a, word[0], undo_alias, other, "user-alias-removed", "",
			"has that name no more");
	return admin_fail(a, ADMIN_USAGE, "user alias NAME add|remove ALIAS");
}

/* ---- list ---- */

static void one_row(struct admin *a, sqlite3_stmt *stmt, struct json_object *rows)
{
	struct json_object *row = json_object_new_object();
	char name[256], full_name[256];
	bool off = sqlite3_column_int(stmt, 2), has_password = sqlite3_column_int(stmt, 3),
	     locked = sqlite3_column_int(stmt, 5), expired = sqlite3_column_int(stmt, 6);

	sql_text(stmt, 0, name, sizeof(name));
	sql_text(stmt, 1, full_name, sizeof(full_name));
	admin_say(a, "%-20s %-12s %s\n", admin_safe(name),
		off            ? "disabled"
		: locked       ? "locked"
		: expired      ? "expired"
		: has_password ? "active"
			       : "no password",
		admin_safe(full_name));
	admin_set(row, "name", name);
	admin_set(row, "full_name", full_name);
	admin_set_flag(row, "disabled", off);
	admin_set_flag(row, "locked", locked);
	admin_set_flag(row, "expired", expired);
	admin_set_flag(row, "password", has_password);
	admin_set_number(row, "created", sqlite3_column_int64(stmt, 4) / 1000);
	json_object_array_add(rows, row);
}

static int list(struct admin *a, const struct user_options *o, const char *const *word, int count)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	struct json_object *rows, *answer;
	int rc;

	(void)word;
	(void)count;
	if (o->csv)
		return user_list_csv(a, o->secrets);
	rows = json_object_new_array();
	rc = sql_prepare(&a->app.sql, &stmt,
		"SELECT name, full_name, disabled, hash <> '', created_ms, locked_ms OR EXISTS (SELECT 1 FROM"
		" login_counter WHERE kind = 1 AND key = uuid AND tries >= 10),"
		" expires_s AND expires_s <= ?2 FROM account WHERE ?1 = '' OR EXISTS (SELECT 1 FROM"
		" account_member WHERE account = account.name AND group_name = ?1) ORDER BY name",
		VALUES(V_TEXT(o->group), V_NUM(a->app.now_ms / 1000)));
	while (!rc && (rc = sql_step(&a->app.sql, stmt)) == 1) {
		one_row(a, stmt, rows);
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

/* ---- words ---- */

static const struct {
	const char *word;
	int least, most; /* further operands */
	int (*fn)(
		struct admin *a, const struct user_options *o, const char *const *word, int count);
} words[] = {
	{"add", 1, 1, add},
	{"list", 0, 0, list},
	{"show", 1, 1, user_show},
	{"remove", 1, 1, drop},
	{"password", 1, 1, password},
	{"disable", 1, 1, disable},
	{"enable", 1, 1, enable},
	{"lock", 1, 1, lock},
	{"unlock", 1, 1, unlock},
	{"expire", 2, 2, expire},
	{"alias", 3, 3, alias},
	{"pin", 1, 1, user_pin},
	{"card", 2, 3, user_card},
	{"export", 1, 1, user_export},
	{"erase", 1, 1, user_erase},
};

static int import(struct admin *a, const struct user_options *o, const char *path)
{
	/* Opened as who calls, before we become the owner of the state folder. */
	AUTO(auto_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return admin_errno(a, path, -errno);
	rc = admin_open(a);
	return rc ? rc : user_import(a, o, path, fd);
}

int admin_user(struct admin *a, int argc, char **argv)
{
	struct user_options o = {.full_name = "", .digits = "0", .label = "", .group = ""};
	const struct admin_option options[] = {{"full-name", &o.full_name, NULL},
		{"no-password", NULL, &o.no_password}, {"generate", NULL, &o.generate},
		{"digits", &o.digits, NULL}, {"remove", &o.remove, NULL}, {"label", &o.label, NULL},
		{"group", &o.group, NULL}, {"csv", NULL, &o.csv}, {"secrets", NULL, &o.secrets},
		{"dry-run", NULL, &o.dry_run}, {"yes", NULL, &o.yes}, {NULL}};
	const char *operands[ADMIN_OPERANDS_MAX];
	int status = 0, n = admin_parse(a, argc, argv, options, operands, &status), rc;

	if (n < 0)
		return status;
	if (!text_is_clean(o.full_name) || strlen(o.full_name) > 255)
		return admin_fail(a, ADMIN_USAGE, "--full-name must be fit to be shown");
	if (n == 2 && !strcmp(operands[0], "import"))
		return import(a, &o, operands[1]);
	for (size_t i = 0; n > 0 && i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(operands[0], words[i].word) && n - 1 >= words[i].least &&
			n - 1 <= words[i].most) {
			rc = admin_open(a);
			return rc ? rc : words[i].fn(a, &o, operands + 1, n - 1);
		}
	return admin_fail(a, ADMIN_USAGE, "user %s", a->verb->args);
}
