/* SPDX-License-Identifier: Apache-2.0 */
/* admin-sync - `sync list|add|set|remove|status|now`: which machines get whose PINs and cards, and how often. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "accounts.h"
#include "admin.h"
#include "base/mono.h"
#include "credentials.h"
#include "machines.h"

struct wish {
	const char *user, *group, *interval, *valid, *max;
	bool everybody;
};

/* ---- what was asked for ---- */

static int take_span(struct admin *a, const char *text, const char *option, int64_t least,
	int64_t most, int64_t *out)
{
	int64_t n = text ? admin_seconds(text) : *out;

	if (n < least || n > most)
		return admin_fail(a, ADMIN_USAGE,
			"--%s is a time from %lld s to %lld s: 15m, 72h, 7d", option,
			(long long)least, (long long)most);
	*out = n;
	return 0;
}

static int take_limits(struct admin *a, const struct wish *w, struct credentials_rule *r)
{
	char *end = NULL;
	int rc = take_span(
		a, w->interval, "interval", CREDENTIALS_INTERVAL_MIN_S, 86400, &r->interval_s);

	if (!rc)
		rc = take_span(a, w->valid, "valid", CREDENTIALS_VALID_MIN_S,
			CREDENTIALS_VALID_MAX_S, &r->valid_s);
	if (rc)
		return rc;
	if (w->max)
		r->accounts_max = strtoll(w->max, &end, 10);
	if ((end && *end) || r->accounts_max < 1 || r->accounts_max > CREDENTIALS_ACCOUNTS_MAX)
		return admin_fail(
			a, ADMIN_USAGE, "--max is a number from 1 to %d", CREDENTIALS_ACCOUNTS_MAX);
	if (r->interval_s > r->valid_s / 3)
		return admin_fail(a, ADMIN_USAGE,
			"an interval of %lld s is more than a third of %lld s, after which nobody could "
			"log in: choose a shorter --interval or a longer --valid",
			(long long)r->interval_s, (long long)r->valid_s);
	return 0;
}

/* "all", a kind, or a machine by name or UUID. */
static int take_machine(struct admin *a, const char *word, char *out, size_t size)
{
	static const char *const kinds[][2] = {{"all", "all"}, {"workstations", "workstation"},
		{"workstation", "workstation"}, {"terminals", "terminal"},
		{"terminal", "terminal"}};
	int rc;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(word, kinds[i][0])) {
			snprintf(out, size, "%s", kinds[i][1]);
			return 0;
		}
	rc = machines_find(&a->app.sql, word, out, size);
	if (rc == MACHINES_E_NONE)
		return admin_fail(a, ADMIN_NO_SUCH,
			"there is no machine %s (stillprint-server device list); or: all, workstations, "
			"terminals",
			word);
	return rc ? admin_errno(a, word, rc) : 0;
}

static int take_who(struct admin *a, const struct wish *w, struct credentials_rule *r)
{
	const char *name = w->user ? w->user : w->group ? w->group : "";
	int64_t n;
	int rc = 1;

	if (!!w->user + !!w->group + w->everybody != 1)
		return admin_fail(
			a, ADMIN_USAGE, "say whose: one of --user NAME, --group NAME, --everybody");
	snprintf(r->kind, sizeof(r->kind), "%s",
		w->user    ? "user"
		: w->group ? "group"
			   : "everybody");
	if (!w->everybody && !accounts_is_name(name))
		return admin_fail(a, ADMIN_USAGE, "%s is no good name", name);
	snprintf(r->name, sizeof(r->name), "%s", name);
	if (w->user) {
		rc = accounts_canonical(&a->app.sql, name, r->name);
		rc = rc == ACCOUNTS_E_NONE ? 0 : rc ? rc : 1;
	} else if (w->group) {
		rc = sql_number(&a->app.sql, "SELECT 1 FROM account_group WHERE name = ?1",
			VALUES(V_TEXT(name)), &n);
	}
	if (rc < 0)
		return admin_errno(a, name, rc);
	if (!rc)
		return admin_fail(a, ADMIN_NO_SUCH, "there is no %s %s", r->kind, name);
	return 0;
}

/* ---- answers ---- */

static void fill(struct json_object *row, const struct credentials_rule *r)
{
	admin_set_number(row, "rule", r->id);
	admin_set(row, "machine", r->machine);
	admin_set(row, "kind", r->kind);
	admin_set(row, "name", r->name);
	admin_set_number(row, "interval_s", r->interval_s);
	admin_set_number(row, "valid_s", r->valid_s);
	admin_set_number(row, "max", r->accounts_max);
}

static int done(struct admin *a, const struct credentials_rule *r, const char *what)
{
	struct json_object *answer = json_object_new_object();

	admin_say(a, "Rule %lld %s.\n", (long long)r->id, what);
	fill(answer, r);
	admin_set(answer, "result", what);
	admin_answer(a, answer);
	return ADMIN_DONE;
}

static int fail(struct admin *a, const char *id, int rc)
{
	if (rc == CREDENTIALS_E_NONE)
		return admin_fail(
			a, ADMIN_NO_SUCH, "there is no rule %s (stillprint-server sync list)", id);
	if (rc == CREDENTIALS_E_EXISTS)
		return admin_fail(a, ADMIN_FAILED,
			"there is such a rule already; change it: stillprint-server sync set RULE");
	return admin_errno(a, "rules", rc);
}

/* ---- verbs ---- */

static int add(struct admin *a, const char *machine, const struct wish *w)
{
	struct credentials_rule r = {.interval_s = CREDENTIALS_INTERVAL_S,
		.valid_s = CREDENTIALS_VALID_S,
		.accounts_max = CREDENTIALS_ACCOUNTS};
	int rc = take_machine(a, machine, r.machine, sizeof(r.machine));

	if (!rc)
		rc = take_who(a, w, &r);
	if (!rc)
		rc = take_limits(a, w, &r);
	if (rc)
		return rc;
	rc = admin_begin(a);
	if (!rc) {
		rc = credentials_rule_add(&a->app.sql, &r, mono_utc_s() * 1000);
		if (!rc)
			rc = admin_audit_about(a, "sync-rule-added",
				!strcmp(r.kind, "user") ? r.name : "", r.machine);
		rc = admin_end(a, rc);
	}
	return rc ? fail(a, "", rc) : done(a, &r, "added");
}

static int rule_of(struct admin *a, const char *id, struct credentials_rule *r)
{
	char *end;
	long long n = strtoll(id, &end, 10);
	int rc = *end || end == id ? CREDENTIALS_E_NONE : credentials_rule_get(&a->app.sql, n, r);

	return rc ? fail(a, id, rc) : 0;
}

static int set(struct admin *a, const char *id, const struct wish *w)
{
	struct credentials_rule r;
	char detail[32];
	int rc = rule_of(a, id, &r);

	if (!rc && (w->user || w->group || w->everybody))
		rc = admin_fail(
			a, ADMIN_USAGE, "a rule keeps its people: remove it, and add another");
	if (!rc)
		rc = take_limits(a, w, &r);
	if (rc)
		return rc;
	snprintf(detail, sizeof(detail), "rule %lld", (long long)r.id);
	rc = admin_begin(a);
	if (!rc) {
		rc = credentials_rule_set(&a->app.sql, &r);
		if (!rc)
			rc = admin_audit(a, "sync-rule-changed", detail);
		rc = admin_end(a, rc);
	}
	return rc ? fail(a, id, rc) : done(a, &r, "changed");
}

static int remove_rule(struct admin *a, const char *id)
{
	struct credentials_rule r;
	int rc = rule_of(a, id, &r);

	if (rc)
		return rc;
	rc = admin_begin(a);
	if (!rc) {
		rc = credentials_rule_remove(&a->app.sql, r.id);
		if (!rc)
			rc = admin_audit_about(a, "sync-rule-removed",
				!strcmp(r.kind, "user") ? r.name : "", r.machine);
		rc = admin_end(a, rc);
	}
	return rc ? fail(a, id, rc) : done(a, &r, "removed");
}

static int now(struct admin *a, const char *machine)
{
	struct json_object *answer;
	char uuid[64] = "";
	int rc = machine ? machines_find(&a->app.sql, machine, uuid, sizeof(uuid)) : 0;

	if (rc == MACHINES_E_NONE)
		return admin_fail(a, ADMIN_NO_SUCH,
			"there is no machine %s (stillprint-server device list)", machine);
	if (!rc)
		rc = admin_begin(a);
	if (!rc) {
		rc = credentials_renew(&a->app.sql, machine ? uuid : NULL);
		if (!rc)
			rc = admin_audit(a, "sync-now", machine ? uuid : "all");
		rc = admin_end(a, rc);
	}
	if (rc == CREDENTIALS_E_NONE)
		return admin_fail(a, ADMIN_FAILED,
			"no file was made yet: a machine comes for its first one by itself");
	if (rc)
		return admin_errno(a, "sync", rc);
	admin_say(a, "%s told to come.\n", machine ? admin_safe(machine) : "All machines are");
	answer = json_object_new_object();
	admin_set(answer, "machine", machine ? uuid : "all");
	admin_set(answer, "result", "told");
	admin_answer(a, answer);
	return ADMIN_DONE;
}

static int list(struct admin *a)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	struct json_object *answer = json_object_new_object(), *rows = json_object_new_array();
	int rc = sql_prepare(&a->app.sql, &stmt,
		"SELECT " CREDENTIALS_RULE_COLUMNS ", coalesce((SELECT m.name FROM machine m"
		" WHERE m.uuid = sync_rule.machine), machine) FROM sync_rule ORDER BY id",
		NULL);

	json_object_object_add(answer, "rules", rows);
	while (!rc && (rc = sql_step(&a->app.sql, stmt)) == 1) {
		struct json_object *row = json_object_new_object();
		struct credentials_rule r;
		char name[256];

		credentials_rule_read(stmt, &r);
		sql_text(stmt, 7, name, sizeof(name));
		fill(row, &r);
		admin_set(row, "machine_name", name);
		json_object_array_add(rows, row);
		admin_say(a,
			"%3lld  %-20s %s %s: each %lld s, good for %lld h, at most %lld accounts\n",
			(long long)r.id, admin_safe(name), r.kind, admin_safe(r.name),
			(long long)r.interval_s, (long long)r.valid_s / 3600,
			(long long)r.accounts_max);
		rc = 0;
	}
	if (rc) {
		json_object_put(answer);
		return admin_errno(a, "rules", rc);
	}
	if (!json_object_array_length(rows))
		admin_say(a,
			"No rules: nobody's PIN or card leaves this server. sync add MACHINE --group NAME\n");
	admin_answer(a, answer);
	return ADMIN_DONE;
}

static void say_status(struct admin *a, sqlite3_stmt *stmt, struct json_object *row)
{
	static const char *const numbers[] = {
		"serial", "accounts", "left_out", "issued", "not_after", "fetched", "applied"};
	int64_t n[7];
	char name[256], uuid[64];

	sql_text(stmt, 0, name, sizeof(name));
	sql_text(stmt, 1, uuid, sizeof(uuid));
	admin_set(row, "name", name);
	admin_set(row, "uuid", uuid);
	for (int i = 0; i < 7; i++) {
		n[i] = sqlite3_column_int64(stmt, 2 + i);
		admin_set_number(row, numbers[i], n[i]);
	}
	admin_set_flag(row, "revoked", sqlite3_column_int(stmt, 9) != 0);
	if (!n[0])
		admin_say(a, "%-20s has not come yet\n", admin_safe(name));
	else
		admin_say(a,
			"%-20s %lld accounts, good until %s; fetched %s, seen to have it %s%s\n",
			admin_safe(name), (long long)n[1], admin_time(n[4]), admin_time(n[5]),
			admin_time(n[6]),
			sqlite3_column_int(stmt, 9) ? "; revoked"
			: n[2]                      ? "; more were left out: raise --max"
						    : "");
}

static int status(struct admin *a)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	struct json_object *answer = json_object_new_object(), *rows = json_object_new_array();
	int rc = sql_prepare(&a->app.sql, &stmt,
		"SELECT m.name, m.uuid, s.serial, s.accounts, s.left_out, s.issued_s, s.not_after_s,"
		" s.fetched_ms / 1000, s.applied_ms / 1000, m.revoked_ms FROM machine m"
		" LEFT JOIN sync_machine s ON s.uuid = m.uuid ORDER BY m.name",
		NULL);

	json_object_object_add(answer, "machines", rows);
	while (!rc && (rc = sql_step(&a->app.sql, stmt)) == 1) {
		struct json_object *row = json_object_new_object();

		say_status(a, stmt, row);
		json_object_array_add(rows, row);
		rc = 0;
	}
	if (rc) {
		json_object_put(answer);
		return admin_errno(a, "machines", rc);
	}
	if (!json_object_array_length(rows))
		admin_say(a, "No machines yet: stillprint-server enrol\n");
	admin_answer(a, answer);
	return ADMIN_DONE;
}

int admin_sync(struct admin *a, int argc, char **argv)
{
	struct wish w = {0};
	const char *operands[ADMIN_OPERANDS_MAX];
	const struct admin_option options[] = {{"user", &w.user, NULL}, {"group", &w.group, NULL},
		{"everybody", NULL, &w.everybody}, {"interval", &w.interval, NULL},
		{"valid", &w.valid, NULL}, {"max", &w.max, NULL}, {NULL}};
	int stopped = 0, n = admin_parse(a, argc, argv, options, operands, &stopped), rc;

	if (n < 0)
		return stopped;
	rc = n ? admin_open(a) : 0;
	if (rc)
		return rc;
	if (n == 1 && !strcmp(operands[0], "list"))
		return list(a);
	if (n == 1 && !strcmp(operands[0], "status"))
		return status(a);
	if (n == 2 && !strcmp(operands[0], "add"))
		return add(a, operands[1], &w);
	if (n == 2 && !strcmp(operands[0], "set"))
		return set(a, operands[1], &w);
	if (n == 2 && !strcmp(operands[0], "remove"))
		return remove_rule(a, operands[1]);
	if ((n == 1 || n == 2) && !strcmp(operands[0], "now"))
		return now(a, n == 2 ? operands[1] : NULL);
	return admin_fail(a, ADMIN_USAGE, "sync %s", a->verb->args);
}
