/* SPDX-License-Identifier: Apache-2.0 */
/* admin-user-data - what is known of one person: `user show`, `user export`, `user erase`. */
#include <errno.h>
#include <string.h>

#include "admin-user.h"
#include "audit.h"
#include "jobs.h"
#include "ledger.h"

/* Rows of @sql as objects, each column by its name; ?1 is @name. NULL after an error. */
static struct json_object *rows_of(struct admin *a, const char *sql, const char *name, int *rc)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	struct json_object *rows = json_object_new_array();

	if (!*rc)
		*rc = sql_prepare(&a->app.sql, &stmt, sql, VALUES(V_TEXT(name)));
	while (!*rc && (*rc = sql_step(&a->app.sql, stmt)) == 1) {
		struct json_object *row = json_object_new_object();

		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			const char *column = sqlite3_column_name(stmt, i);
			char text[4096];

			if (sqlite3_column_type(stmt, i) == SQLITE_INTEGER) {
				admin_set_number(row, column, sqlite3_column_int64(stmt, i));
				continue;
			}
			sql_text(stmt, i, text, sizeof(text));
			admin_set(row, column, text);
		}
		json_object_array_add(rows, row);
		*rc = 0;
	}
	return rows;
}

static const struct part {
	const char *name, *sql;
	bool brief; /* `show` has it too */
} parts[] = {
	{"account",
		"SELECT name, full_name, lower(hex(uuid)) AS uuid, hash <> '' AS password, disabled,"
		" locked_ms / 1000 AS locked, expires_s AS expires, created_ms / 1000 AS created,"
		" changed_ms / 1000 AS changed FROM account WHERE name = ?1",
		true},
	{"aliases", "SELECT name FROM account_alias WHERE account = ?1 ORDER BY name", true},
	{"groups", "SELECT group_name AS name FROM account_member WHERE account = ?1 ORDER BY 1",
		true},
	{"pins",
		"SELECT id, created_ms / 1000 AS created FROM account_secret WHERE account = ?1 AND kind = 2"
		" ORDER BY id",
		true},
	{"cards",
		"SELECT id, label, created_ms / 1000 AS created FROM account_secret WHERE account = ?1"
		" AND kind = 3 ORDER BY id",
		true},
	{"wrong_tries",
		"SELECT tries, last_ms / 1000 AS last FROM login_counter WHERE kind = 1"
		" AND key = (SELECT uuid FROM account WHERE name = ?1)",
		true},
	{"jobs",
		"SELECT id, uuid, queue, title, state, created_ms / 1000 AS created, ended_ms / 1000 AS ended,"
		" holder, device, released_by, account, accounting_user, impressions_done AS impressions FROM"
		" job WHERE owner IN (SELECT ?1 UNION SELECT name FROM account_alias WHERE account = ?1)"
		" ORDER BY id",
		false},
	{"released_for_others",
		"SELECT id, uuid, queue FROM job WHERE owner <> ?1 AND released_by = ?1 ORDER BY id",
		false},
	{"released",
		"SELECT document_uuid, attempt, pays, at_ms / 1000 AS at FROM ledger_release WHERE released_by = ?1"
		" ORDER BY at_ms",
		false},
	{"standing_delegates",
		"SELECT owner, delegate, until_s AS until FROM standing WHERE ?1 IN (owner, delegate) ORDER BY 1, 2",
		false},
	{"sync_rules", "SELECT id, machine FROM sync_rule WHERE kind = 'user' AND name = ?1",
		false},
	{"delegate_of_jobs", "SELECT job_id AS id FROM delegate WHERE user = ?1 ORDER BY 1", false},
	{"records",
		"SELECT r.record_uuid, r.document_uuid, r.queue, r.target, r.state, r.certainty, r.impressions,"
		" r.sheets, r.copies, r.created_s AS created, r.ended_s AS ended, p.title FROM ledger_person p"
		" JOIN ledger_record r ON r.id = p.record_id WHERE p.account = CAST(?1 AS BLOB) OR (p.account = x''"
		" AND p.owner IN (SELECT CAST(?1 AS BLOB) UNION SELECT CAST(name AS BLOB) FROM account_alias"
		" WHERE account = ?1)) ORDER BY r.id",
		false},
	{"audit",
		"SELECT id, at_ms / 1000 AS at, event, who, decided_by, about, job_id AS job, detail FROM"
		" audit_line WHERE id IN (SELECT a.id FROM audit a JOIN audit_name n ON a.who_id = n.id"
		" WHERE n.name = ?1 OR substr(n.name, 1, length(?1) + 4) = ?1 || ' at '"
		" UNION SELECT a.id FROM audit a JOIN audit_name n ON a.about_id = n.id WHERE n.name = ?1)"
		" ORDER BY id",
		false},
};

static int collect(struct admin *a, const char *name, bool all, struct json_object **out)
{
	struct json_object *person = json_object_new_object();
	int rc = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !rc; i++)
		if (all || parts[i].brief)
			json_object_object_add(
				person, parts[i].name, rows_of(a, parts[i].sql, name, &rc));
	if (rc) {
		json_object_put(person);
		return admin_errno(a, "user", rc);
	}
	*out = person;
	return 0;
}

/* The account's own name, which may have been said by an alias: 0, or the exit code. */
static int whom(struct admin *a, const char *word, char name[ACCOUNT_NAME_MAX + 1])
{
	int rc = accounts_canonical(&a->app.sql, word, name);

	return rc ? user_said(a, word, rc) : 0;
}

static void say_rows(struct admin *a, const char *part, struct json_object *rows)
{
	size_t n = json_object_array_length(rows);

	for (size_t i = 0; i < n; i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		admin_say(a, "%s", part);
		json_object_object_foreach(row, key, value)
			admin_say(a, "  %s %s", key, admin_safe(json_object_get_string(value)));
		admin_say(a, "\n");
	}
}

int user_show(struct admin *a, const struct user_options *o, const char *const *word, int count)
{
	char name[ACCOUNT_NAME_MAX + 1];
	struct json_object *person = NULL;
	int rc = whom(a, word[0], name);

	(void)o;
	(void)count;
	if (!rc)
		rc = collect(a, name, false, &person);
	if (rc)
		return rc;
	json_object_object_foreach(person, part, rows) say_rows(a, part, rows);
	admin_answer(a, person);
	return ADMIN_DONE;
}

/* Of who has no account, there may be jobs and records. */
int user_export(struct admin *a, const struct user_options *o, const char *const *word, int count)
{
	char name[ACCOUNT_NAME_MAX + 1];
	struct json_object *person = NULL;
	int rc = accounts_canonical(&a->app.sql, word[0], name);

	(void)o;
	(void)count;
	if (rc < 0)
		return admin_errno(a, "user", rc);
	rc = collect(a, rc ? word[0] : name, true, &person);
	if (rc)
		return rc;
	admin_write_json(stdout, person);
	a->told = true;
	json_object_put(person);
	return ADMIN_DONE;
}

/* ---- erase ---- */

enum { NAMES_MAX = 1000 };

struct erased {
	int64_t records;
	bool account, live;
};

static int erase_name(struct admin *a, const char *name, const char *pseudonym, struct erased *e)
{
	struct sql *s = &a->app.sql;
	int64_t records = 0;
	int rc = jobs_erase(s, name, pseudonym);

	if (rc == 1)
		e->live = true;
	if (!rc)
		rc = ledger_erase(s, name, &records);
	e->records += records;
	if (!rc)
		rc = sql_run(s, "DELETE FROM sync_rule WHERE kind = 'user' AND name = ?1",
			VALUES(V_TEXT(name)));
	return rc ? rc : audit_erase(s, name);
}

static int erase(struct admin *a, const char *name, struct erased *e)
{
	struct sql *s = &a->app.sql;
	struct json_object *aliases;
	char pseudonym[64] = "erased";
	int64_t id = 0;
	int rc;

	/* The audit's number for him stands for him everywhere: this line makes sure that there is one. */
	rc = admin_audit_about(a, "user-erased", name, "");
	if (!rc && sql_number(s, "SELECT id FROM audit_name WHERE name = ?1", VALUES(V_TEXT(name)),
			   &id) == 1)
		snprintf(pseudonym, sizeof(pseudonym), "erased-%lld", (long long)id);
	aliases = rows_of(a, parts[1].sql, name, &rc);
	if (!rc)
		rc = erase_name(a, name, pseudonym, e);
	for (size_t i = 0; !rc && i < json_object_array_length(aliases); i++)
		rc = erase_name(a,
			json_object_get_string(json_object_object_get(
				json_object_array_get_idx(aliases, i), "name")),
			pseudonym, e);
	json_object_put(aliases);
	if (rc)
		return rc;
	rc = accounts_remove(s, name);
	e->account = rc == 0;
	return rc == ACCOUNTS_E_NONE ? 0 : rc;
}

int user_erase(struct admin *a, const struct user_options *o, const char *const *word, int count)
{
	char name[ACCOUNT_NAME_MAX + 1];
	struct erased e = {0};
	struct json_object *answer;
	int rc = accounts_canonical(&a->app.sql, word[0], name);

	(void)count;
	if (rc > 0)
		snprintf(name, sizeof(name), "%s", word[0]);
	if (rc < 0)
		return admin_errno(a, "user", rc);
	if (!o->yes)
		return admin_fail(a, ADMIN_FAILED,
			"this cannot be undone: account, names and titles of %s go, what was counted stays. Look at "
			"\"user export %s\" first, then add --yes",
			name, name);
	rc = admin_begin(a);
	if (!rc)
		rc = admin_end(a, erase(a, name, &e));
	if (e.live)
		return admin_fail(a, ADMIN_FAILED,
			"%s has jobs that are not over: cancel them first; nothing was changed",
			name);
	if (rc)
		return admin_errno(a, "user erase", rc);
	rc = sql_tidy(&a->app.sql); /* -EBUSY: the server does it later */
	admin_say(a,
		"User %s is erased: %s, %lld records without a name. Backups still have him.\n",
		admin_safe(name), e.account ? "the account is gone" : "there was no account",
		(long long)e.records);
	answer = json_object_new_object();
	admin_set(answer, "user", name);
	admin_set_flag(answer, "account", e.account);
	admin_set_number(answer, "records", e.records);
	admin_answer(a, answer);
	return ADMIN_DONE;
}
