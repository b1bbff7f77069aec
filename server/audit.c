/* SPDX-License-Identifier: Apache-2.0 */
/* audit - see audit.h. */
#include "audit.h"

#include <errno.h>

#include "app.h"

enum { PRUNE_MAX = 1000 };
#define KEPT_MS "34560000000" /* 400 days */
#define REFUSE " BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;"

/* What version 1 wrote goes over into numbers, and its texts are emptied, before the triggers are there. */
const char db_audit_2[] =
	"CREATE TABLE audit_name (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);"
	"INSERT OR IGNORE INTO audit_name (name) SELECT who FROM audit WHERE who <> '';"
	"INSERT OR IGNORE INTO audit_name (name) SELECT decided_by FROM audit WHERE decided_by <> '';"
	"INSERT OR IGNORE INTO audit_name (name) SELECT detail FROM audit WHERE event LIKE 'user-%';"
	"ALTER TABLE audit ADD COLUMN who_id INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE audit ADD COLUMN decided_id INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE audit ADD COLUMN about_id INTEGER NOT NULL DEFAULT 0;"
	"UPDATE audit SET who_id = coalesce((SELECT id FROM audit_name WHERE name = who), 0),"
	" decided_id = coalesce((SELECT id FROM audit_name WHERE name = decided_by), 0),"
	" about_id = coalesce((SELECT id FROM audit_name WHERE name = detail AND event LIKE 'user-%'), 0);"
	"UPDATE audit SET who = '', decided_by = '', detail = CASE WHEN event LIKE 'user-%' THEN '' ELSE detail END;"
	"CREATE VIEW audit_line AS SELECT a.id, a.at_ms, a.event, coalesce(w.name, '') AS who,"
	" coalesce(d.name, '') AS decided_by,"
	" coalesce(s.name, '') AS about, a.job_id, a.detail FROM audit a"
	" LEFT JOIN audit_name w ON w.id = a.who_id LEFT JOIN audit_name d ON d.id = a.decided_id"
	" LEFT JOIN audit_name s ON s.id = a.about_id;"
	"CREATE TRIGGER audit_same BEFORE UPDATE ON audit" REFUSE
	"CREATE TRIGGER audit_kept BEFORE DELETE ON audit WHEN OLD.at_ms >"
	" (SELECT at_ms FROM audit ORDER BY id DESC LIMIT 1) - " KEPT_MS REFUSE
	/* INSERT OR REPLACE would delete without asking the trigger for that. */
	"CREATE TRIGGER audit_once BEFORE INSERT ON audit WHEN EXISTS"
	" (SELECT 1 FROM audit WHERE id = NEW.id)" REFUSE
	"CREATE TRIGGER audit_name_kept BEFORE DELETE ON audit_name" REFUSE
	/* A name can only be taken away. */
	"CREATE TRIGGER audit_name_same BEFORE UPDATE ON audit_name WHEN NEW.id <> OLD.id"
	" OR NEW.name NOT LIKE 'erased-%'" REFUSE;

/* 0 is nobody. No index on the numbers: many lines are written, and few are looked for. */
static int number_of(struct sql *s, const char *name, int64_t *out)
{
	int rc = !*name ? 1
			: sql_number(s, "SELECT id FROM audit_name WHERE name = ?1",
				  VALUES(V_TEXT(name)), out);

	if (rc)
		return rc < 0 ? rc : 0;
	rc = sql_run(s, "INSERT INTO audit_name (name) VALUES (?1)", VALUES(V_TEXT(name)));
	if (!rc)
		*out = sqlite3_last_insert_rowid(s->db);
	return rc;
}

static const char *text(const char *t)
{
	return t ? t : "";
}

int audit_write(struct sql *s, const struct audit *l)
{
	int64_t who = 0, decided = 0, about = 0;
	int rc = number_of(s, text(l->who), &who);

	if (!rc)
		rc = number_of(s, text(l->decided_by), &decided);
	if (!rc)
		rc = number_of(s, text(l->about), &about);
	if (rc)
		return rc;
	return sql_run(s,
		"INSERT INTO audit (at_ms, event, who, decided_by, job_id, detail, who_id, decided_id, about_id)"
		" VALUES (?1, ?2, '', '', ?3, ?4, ?5, ?6, ?7)",
		VALUES(V_NUM(l->at_ms), V_TEXT(l->event), V_NUM(l->job_id), V_TEXT(text(l->detail)),
			V_NUM(who), V_NUM(decided), V_NUM(about)));
}

int audit_add(struct app *app, const char *event, const char *who, const char *decided_by,
	int32_t job_id, const char *detail)
{
	return audit_write(&app->sql, &(struct audit){.at_ms = app->now_ms,
					      .event = event,
					      .who = who,
					      .decided_by = decided_by,
					      .job_id = job_id,
					      .detail = detail});
}

int audit_erase(struct sql *s, const char *name)
{
	int rc = sql_run(s,
		"UPDATE audit_name SET name = 'erased-' || id || substr(name, length(?1) + 1)"
		" WHERE ?1 <> '' AND (name = ?1 OR substr(name, 1, length(?1) + 4) = ?1 || ' at ')",
		VALUES(V_TEXT(name)));

	s->erased++; /* it leaves the WAL too */
	return rc;
}

int audit_prune(struct sql *s, int64_t now_ms)
{
	int64_t oldest_ms = 0;
	int rc = sql_number(s, "SELECT at_ms FROM audit ORDER BY id LIMIT 1", NULL, &oldest_ms);

	if (rc <= 0 || oldest_ms > now_ms - atoll(KEPT_MS))
		return rc < 0 ? rc : 0;
	return sql_run(s,
		"DELETE FROM audit WHERE id IN (SELECT id FROM audit ORDER BY id LIMIT ?1)"
		" AND at_ms <= min(?2, (SELECT at_ms FROM audit ORDER BY id DESC LIMIT 1)) - " KEPT_MS,
		VALUES(V_NUM(PRUNE_MAX), V_NUM(now_ms)));
}
