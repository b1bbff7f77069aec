/* SPDX-License-Identifier: Apache-2.0 */
/* delegates - see delegates.h. */
#include "delegates.h"

#include <errno.h>
#include <string.h>

#include "accounts.h"

/* A name that goes takes its delegations with it, or the next one of that name would have them.
 * queue.charge: who pays for what a delegate releases. */
const char db_rights_2[] =
	"CREATE TABLE standing ("
	" owner TEXT NOT NULL, delegate TEXT NOT NULL, until_s INTEGER NOT NULL,"
	" PRIMARY KEY (owner, delegate)) WITHOUT ROWID;"
	"CREATE INDEX standing_delegate ON standing (delegate, owner);"
	"CREATE TRIGGER standing_gone AFTER DELETE ON account BEGIN"
	" DELETE FROM standing WHERE owner = OLD.name OR delegate = OLD.name;"
	" DELETE FROM delegate WHERE user = OLD.name; END;"
	"CREATE TRIGGER standing_renamed AFTER UPDATE OF name ON account WHEN NEW.name <> OLD.name BEGIN"
	" UPDATE standing SET owner = NEW.name WHERE owner = OLD.name;"
	" UPDATE standing SET delegate = NEW.name WHERE delegate = OLD.name;"
	" UPDATE delegate SET user = NEW.name WHERE user = OLD.name; END;"
	"CREATE TRIGGER standing_group_gone AFTER DELETE ON account_group BEGIN"
	" DELETE FROM standing WHERE delegate = ':' || OLD.name; END;"
	"CREATE TRIGGER standing_group_renamed AFTER UPDATE OF name ON account_group BEGIN"
	" UPDATE standing SET delegate = ':' || NEW.name WHERE delegate = ':' || OLD.name; END;"
	"ALTER TABLE queue ADD COLUMN charge TEXT NOT NULL DEFAULT 'owner'"
	" CHECK (charge IN ('owner', 'releaser'));";

#define NOW_OR_LATER "(until_s = 0 OR until_s * 1000 > "

/* ---- asked ---- */

int delegates_is(struct app *app, const struct jobs_job *job, const char *user)
{
	int64_t one;

	return sql_number(&app->sql,
		"SELECT 1 FROM delegate WHERE user = ?1 AND job_id = ?2 UNION ALL"
		" SELECT 1 FROM standing WHERE owner = ?3 AND (delegate = ?1 OR delegate IN"
		" (SELECT ':' || group_name FROM account_member WHERE account = ?1)) AND " NOW_OR_LATER
		"?4)",
		VALUES(V_TEXT(user), V_NUM(job->id), V_TEXT(job->owner), V_NUM(app->now_ms)), &one);
}

int delegates_of(struct app *app, const struct jobs_job *job, char (*out)[256], int max)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int count = 0;
	int rc = sql_prepare(&app->sql, &stmt,
		"SELECT user FROM delegate WHERE job_id = ?1 UNION"
		" SELECT coalesce(account, delegate) FROM standing LEFT JOIN account_member"
		" ON delegate = ':' || group_name WHERE owner = ?2 AND " NOW_OR_LATER "?3)",
		VALUES(V_NUM(job->id), V_TEXT(job->owner), V_NUM(app->now_ms)));

	if (rc)
		return rc;
	while (count < max && (rc = sql_step(&app->sql, stmt)) > 0)
		sql_text(stmt, 0, out[count++], 256);
	return rc < 0 ? rc : count;
}

/* ---- the administrator's ---- */

int delegates_add(struct sql *s, const char *owner, const char *delegate, int64_t until_s)
{
	bool group = delegate[0] == ':';
	int64_t n = 0;
	int rc;

	if (!accounts_is_name(owner) || !accounts_is_name(delegate + group) ||
		!strcmp(owner, delegate))
		return -EINVAL;
	rc = sql_number(s,
		group ? "SELECT 1 FROM account_group WHERE name = ?1"
		      : "SELECT 1 FROM account WHERE name = ?1",
		VALUES(V_TEXT(delegate + group)), &n);
	if (rc <= 0)
		return rc ? rc : DELEGATES_E_NO_USER;
	rc = sql_number(s, "SELECT count(*) FROM standing WHERE owner = ?1 AND delegate <> ?2",
		VALUES(V_TEXT(owner), V_TEXT(delegate)), &n);
	if (rc < 0 || n >= DELEGATES_STANDING_MAX)
		return rc < 0 ? rc : DELEGATES_E_MANY;
	return sql_run(s,
		"INSERT INTO standing (owner, delegate, until_s) VALUES (?1, ?2, ?3)"
		" ON CONFLICT (owner, delegate) DO UPDATE SET until_s = excluded.until_s",
		VALUES(V_TEXT(owner), V_TEXT(delegate), V_NUM(until_s)));
}

int delegates_remove(struct sql *s, const char *owner, const char *delegate)
{
	int rc = sql_change(s, "DELETE FROM standing WHERE owner = ?1 AND delegate = ?2",
		VALUES(V_TEXT(owner), V_TEXT(delegate)));

	return rc > 0 ? DELEGATES_E_NONE : rc;
}

int delegates_list(struct sql *s, const char *user,
	int (*fn)(void *arg, const struct delegates_row *row), void *arg)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(s, &stmt,
		"SELECT owner, delegate, until_s FROM standing"
		" WHERE ?1 IN ('', owner, delegate) ORDER BY owner, delegate",
		VALUES(V_TEXT(user)));

	if (rc)
		return rc;
	while ((rc = sql_step(s, stmt)) > 0) {
		struct delegates_row row = {.until_s = sqlite3_column_int64(stmt, 2)};

		sql_text(stmt, 0, row.owner, sizeof(row.owner));
		sql_text(stmt, 1, row.delegate, sizeof(row.delegate));
		rc = fn(arg, &row);
		if (rc)
			return rc;
	}
	return rc;
}
