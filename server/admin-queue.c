/* SPDX-License-Identifier: Apache-2.0 */
/* admin-queue - `queue add|set|list|remove`. */
#include <errno.h>
#include <string.h>

#include "admin.h"
#include "base/text.h"
#include "core/uri.h"
#include "core/uuid.h"
#include "printers.h"

enum { FALLBACKS_MAX = 16 };

/* What the command line says; NULL: nothing. */
struct wish {
	const char *device, *fallback, *on_outage, *release, *charge, *info, *accepting,
		*require_verified;
	char uuid[64]; /* of the device */
	char uris[FALLBACKS_MAX][512];
	size_t count;
	struct admin_list only; /* devices by name, then */
	char offered[ADMIN_LIST_MAX][64]; /* their UUIDs */
	bool all_devices;
};

static bool is_one_of(const char *word, const char *const list[])
{
	for (; *list; list++)
		if (!strcmp(*list, word))
			return true;
	return false;
}

static int take_fallbacks(struct admin *a, struct wish *w)
{
	const char *p = w->fallback ? w->fallback : "";

	while (*p) {
		size_t n = strcspn(p, ", ");
		char text[512];
		struct uri u;

		snprintf(text, sizeof(text), "%.*s", (int)(n < 511 ? n : 511), p);
		p += n;
		p += strspn(p, ", ");
		if (!n)
			continue;
		if (w->count == FALLBACKS_MAX)
			return admin_fail(a, ADMIN_USAGE, "--fallback takes %d addresses at most",
				FALLBACKS_MAX);
		if (uri_parse(text, &u) || u.kind == URI_CUPS ||
			uri_format(w->uris[w->count++], sizeof(w->uris[0]), &u))
			return admin_fail(a, ADMIN_USAGE,
				"%s is no printer's address: ipps://HOST/PATH or ipp://HOST/PATH",
				text);
	}
	return 0;
}

static int take_device(struct admin *a, struct wish *w)
{
	struct printers_device d;
	int rc;

	if (!w->device || !*w->device)
		return 0;
	rc = printers_device(&a->app.sql, w->device, &d);
	if (rc > 0)
		return admin_fail(a, ADMIN_NO_SUCH,
			"there is no device %s (stillprint-server device list)", w->device);
	if (rc)
		return admin_errno(a, "device", rc);
	snprintf(w->uuid, sizeof(w->uuid), "%s", d.uuid);
	return 0;
}

static int take_offered(struct admin *a, struct wish *w)
{
	if (w->only.count && w->all_devices)
		return admin_fail(a, ADMIN_USAGE, "either --only or --all-devices");
	for (size_t i = 0; i < w->only.count; i++) {
		struct printers_device d;
		int rc = printers_device(&a->app.sql, w->only.value[i], &d);

		if (rc > 0)
			return admin_fail(a, ADMIN_NO_SUCH,
				"there is no device %s (stillprint-server device list)",
				w->only.value[i]);
		if (rc)
			return admin_errno(a, "device", rc);
		snprintf(w->offered[i], sizeof(w->offered[i]), "%s", d.uuid);
	}
	return 0;
}

static int check_wish(struct admin *a, struct wish *w)
{
	static const char *const outages[] = {"fallback", "ask", "hold", "never", NULL};
	static const char *const releases[] = {"held", "direct", NULL};
	static const char *const payers[] = {"owner", "releaser", NULL};
	static const char *const yes_no[] = {"yes", "no", NULL};
	int rc;

	if (w->on_outage && !is_one_of(w->on_outage, outages))
		return admin_fail(a, ADMIN_USAGE, "--on-outage is fallback, ask, hold or never");
	if (w->release && !is_one_of(w->release, releases))
		return admin_fail(a, ADMIN_USAGE, "--release is held or direct");
	if (w->charge && !is_one_of(w->charge, payers))
		return admin_fail(a, ADMIN_USAGE, "--charge is owner or releaser");
	if (w->accepting && !is_one_of(w->accepting, yes_no))
		return admin_fail(a, ADMIN_USAGE, "--accepting is yes or no");
	if (w->require_verified && !is_one_of(w->require_verified, yes_no))
		return admin_fail(a, ADMIN_USAGE, "--require-verified is yes or no");
	if (w->info && (!text_is_clean(w->info) || strlen(w->info) > 127))
		return admin_fail(
			a, ADMIN_USAGE, "--info must be fit to be shown, at most 127 octets");
	rc = take_fallbacks(a, w);
	if (!rc)
		rc = take_device(a, w);
	return rc ? rc : take_offered(a, w);
}

static int put_fallbacks(struct admin *a, const struct printers_queue *q, const struct wish *w)
{
	int rc = sql_run(&a->app.sql, "DELETE FROM queue_fallback WHERE queue_id = ?1",
		VALUES(V_NUM(q->id)));

	for (size_t i = 0; i < w->count && !rc; i++)
		rc = sql_run(&a->app.sql,
			"INSERT INTO queue_fallback (queue_id, position, uri) VALUES (?1, ?2, ?3)",
			VALUES(V_NUM(q->id), V_NUM((int64_t)i), V_TEXT(w->uris[i])));
	return rc;
}

static int put_offered(struct admin *a, const struct printers_queue *q, const struct wish *w)
{
	int rc = sql_run(
		&a->app.sql, "DELETE FROM queue_device WHERE queue_id = ?1", VALUES(V_NUM(q->id)));

	for (size_t i = 0; i < w->only.count && !rc; i++)
		rc = sql_run(&a->app.sql,
			"INSERT OR IGNORE INTO queue_device (queue_id, device, name)"
			" SELECT ?1, uuid, name FROM device WHERE uuid = ?2",
			VALUES(V_NUM(q->id), V_TEXT(w->offered[i])));
	return rc;
}

static int put_wish(struct admin *a, const struct printers_queue *q, const struct wish *w)
{
	const struct {
		const char *text, *value;
	} set[] = {
		{"UPDATE queue SET info = ?2 WHERE id = ?1", w->info},
		{"UPDATE queue SET on_outage = ?2 WHERE id = ?1", w->on_outage},
		{"UPDATE queue SET release = ?2 WHERE id = ?1", w->release},
		{"UPDATE queue SET charge = ?2 WHERE id = ?1", w->charge},
		{"UPDATE queue SET accepting = ?2 = 'yes' WHERE id = ?1", w->accepting},
		{"UPDATE queue SET require_verified = ?2 = 'yes' WHERE id = ?1",
			w->require_verified},
		{"UPDATE queue SET device = nullif(?2, '') WHERE id = ?1",
			w->device ? w->uuid : NULL},
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]) && !rc; i++)
		if (set[i].value)
			rc = sql_run(&a->app.sql, set[i].text,
				VALUES(V_NUM(q->id), V_TEXT(set[i].value)));
	if (!rc && w->fallback)
		rc = put_fallbacks(a, q, w);
	if (!rc && (w->only.count || w->all_devices))
		rc = put_offered(a, q, w);
	return rc;
}

static int change(struct admin *a, const char *name, const struct wish *w, bool make)
{
	struct printers_queue q;
	char uuid[UUID_SIZE];
	int rc = admin_begin(a);

	if (rc)
		return rc;
	if (make) {
		uuid_make(uuid);
		rc = sql_run(&a->app.sql,
			"INSERT INTO queue (name, uuid, created_ms) VALUES (?1, ?2, ?3)",
			VALUES(V_TEXT(name), V_TEXT(uuid), V_NUM(a->app.now_ms)));
	}
	if (!rc)
		rc = printers_queue(&a->app.sql, name, &q);
	if (!rc)
		rc = put_wish(a, &q, w);
	if (!rc)
		rc = admin_audit(a, make ? "queue-added" : "queue-changed", name);
	return admin_end(a, rc);
}

/* A direct queue needs a device to print at: said, not refused, since it may come later. */
static void hint(struct admin *a, const char *name)
{
	struct printers_queue q;

	if (!printers_queue(&a->app.sql, name, &q) && !*q.device && !q.held)
		fprintf(stderr,
			"stillprint-server: note: this queue prints at once but has no device yet "
			"(queue set %s --device NAME)\n",
			q.name);
}

static int add_or_set(struct admin *a, const char *name, struct wish *w, bool make)
{
	struct printers_queue q;
	struct json_object *answer;
	int rc;

	if (!uri_is_queue_name(name))
		return admin_fail(
			a, ADMIN_USAGE, "%s is no queue's name: letters, digits, - and _", name);
	rc = printers_queue(&a->app.sql, name, &q);
	if (rc < 0)
		return admin_errno(a, "queue", rc);
	if (make && rc == 0)
		return admin_fail(a, ADMIN_FAILED,
			"there is a queue %s already (stillprint-server queue set)", q.name);
	if (!make && rc == 1)
		return admin_fail(a, ADMIN_NO_SUCH,
			"there is no queue %s (stillprint-server queue list)", name);
	rc = check_wish(a, w);
	if (rc)
		return rc;
	rc = change(a, name, w, make);
	if (rc)
		return admin_errno(a, "queue", rc);
	hint(a, name);
	admin_say(a, "Queue %s %s: ipps://%s:%u/ipp/print/%s\n", name, make ? "added" : "changed",
		a->config->names[0], (unsigned)a->config->port, name);
	answer = json_object_new_object();
	admin_set(answer, "queue", name);
	admin_set(answer, "result", make ? "added" : "changed");
	admin_answer(a, answer);
	return ADMIN_DONE;
}

static int remove_queue(struct admin *a, const char *name)
{
	struct json_object *answer;
	int64_t jobs = 0;
	int rc = sql_number(&a->app.sql,
		"SELECT count(*) FROM job WHERE queue = ?1 COLLATE NOCASE AND ended_ms = 0",
		VALUES(V_TEXT(name)), &jobs);

	if (rc >= 0 && jobs > 0)
		return admin_fail(a, ADMIN_FAILED,
			"%lld jobs of %s are not over: close it first (queue set %s --accepting no) and "
			"wait, or let their users cancel them",
			(long long)jobs, name, name);
	if (rc >= 0)
		rc = admin_begin(a);
	if (!rc) {
		rc = sql_change(
			&a->app.sql, "DELETE FROM queue WHERE name = ?1", VALUES(V_TEXT(name)));
		if (!rc)
			rc = admin_audit(a, "queue-removed", name);
		rc = admin_end(a, rc);
	}
	if (rc == 1)
		return admin_fail(a, ADMIN_NO_SUCH,
			"there is no queue %s (stillprint-server queue list)", name);
	if (rc)
		return admin_errno(a, "queue", rc);
	admin_say(a, "Queue %s removed.\n", admin_safe(name));
	answer = json_object_new_object();
	admin_set(answer, "queue", name);
	admin_set(answer, "result", "removed");
	admin_answer(a, answer);
	return ADMIN_DONE;
}

/* ---- list ---- */

static int fallbacks_of(struct admin *a, int64_t id, struct json_object *out)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&a->app.sql, &stmt,
		"SELECT uri FROM queue_fallback WHERE queue_id = ?1 ORDER BY position",
		VALUES(V_NUM(id)));

	while (!rc && (rc = sql_step(&a->app.sql, stmt)) == 1) {
		char uri[512];

		sql_text(stmt, 0, uri, sizeof(uri));
		json_object_array_add(out, json_object_new_string(uri));
		admin_say(a, "  fallback   %s\n", admin_safe(uri));
		rc = 0;
	}
	return rc;
}

/* What it names; a device that is gone keeps the name that it had. */
static int offered_of(struct admin *a, int64_t id, struct json_object *out)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&a->app.sql, &stmt,
		"SELECT coalesce(d.name, o.name), d.uuid IS NULL FROM queue_device o"
		" LEFT JOIN device d ON d.uuid = o.device WHERE o.queue_id = ?1 ORDER BY 1",
		VALUES(V_NUM(id)));

	while (!rc && (rc = sql_step(&a->app.sql, stmt)) == 1) {
		char name[256];

		sql_text(stmt, 0, name, sizeof(name));
		json_object_array_add(out, json_object_new_string(name));
		admin_say(a, "  only       %s%s\n", admin_safe(name),
			sqlite3_column_int(stmt, 1) ? " (gone)" : "");
		rc = 0;
	}
	return rc;
}

static int list_more(struct admin *a, int64_t id, struct json_object *row)
{
	struct json_object *fallback = json_object_new_array(), *only = json_object_new_array();
	int rc = fallbacks_of(a, id, fallback);

	if (!rc)
		rc = offered_of(a, id, only);
	json_object_object_add(row, "fallback", fallback);
	json_object_object_add(row, "only", only);
	return rc;
}

static int list(struct admin *a)
{
	static const char *const fields[] = {
		"name", "info", "device", "on_outage", "release", "uuid", "charge"};
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	struct json_object *rows = json_object_new_array(), *answer = json_object_new_object();
	int rc = sql_prepare(&a->app.sql, &stmt,
		"SELECT q.name, q.info, coalesce(d.name, ''), q.on_outage, q.release, q.uuid, q.charge, q.accepting, q.id,"
		" q.require_verified"
		" FROM queue q LEFT JOIN device d ON d.uuid = q.device ORDER BY q.name",
		NULL);

	json_object_object_add(answer, "queues", rows);
	while (!rc && (rc = sql_step(&a->app.sql, stmt)) == 1) {
		struct json_object *row = json_object_new_object();
		char value[7][512];

		for (int i = 0; i < 7; i++) {
			sql_text(stmt, i, value[i], sizeof(value[i]));
			admin_set(row, fields[i], value[i]);
		}
		admin_set_flag(row, "accepting", sqlite3_column_int(stmt, 7) != 0);
		admin_say(a,
			"%s%s%s%s\n  device     %s\n  release    %s\n  on-outage  %s\n  charge     %s\n",
			value[0], *value[1] ? ": " : "", admin_safe(value[1]),
			sqlite3_column_int(stmt, 7) ? "" : " (takes no jobs)",
			*value[2] ? admin_safe(value[2]) : "none", value[4], value[3], value[6]);
		admin_set_flag(row, "require_verified", sqlite3_column_int(stmt, 9) != 0);
		if (sqlite3_column_int(stmt, 9))
			admin_say(a, "  users      verified ones only\n");
		rc = list_more(a, sqlite3_column_int64(stmt, 8), row);
		json_object_array_add(rows, row);
	}
	if (rc) {
		json_object_put(answer);
		return admin_errno(a, "queues", rc);
	}
	if (!json_object_array_length(rows))
		admin_say(a, "No queues yet: stillprint-server queue add NAME --device NAME\n");
	admin_answer(a, answer);
	return ADMIN_DONE;
}

int admin_queue(struct admin *a, int argc, char **argv)
{
	struct wish w = {0};
	const char *operands[ADMIN_OPERANDS_MAX];
	const struct admin_option options[] = {{"device", &w.device, NULL},
		{"fallback", &w.fallback, NULL}, {"on-outage", &w.on_outage, NULL},
		{"release", &w.release, NULL}, {"charge", &w.charge, NULL}, {"info", &w.info, NULL},
		{"accepting", &w.accepting, NULL}, {"require-verified", &w.require_verified, NULL},
		{"only", NULL, NULL, &w.only}, {"all-devices", NULL, &w.all_devices}, {NULL}};
	int status = 0, n = admin_parse(a, argc, argv, options, operands, &status), rc;

	if (n < 0)
		return status;
	rc = n ? admin_open(a) : 0;
	if (rc)
		return rc;
	if (n == 1 && !strcmp(operands[0], "list"))
		return list(a);
	if (n == 2 && !strcmp(operands[0], "add"))
		return add_or_set(a, operands[1], &w, true);
	if (n == 2 && !strcmp(operands[0], "set"))
		return add_or_set(a, operands[1], &w, false);
	if (n == 2 && !strcmp(operands[0], "remove"))
		return remove_queue(a, operands[1]);
	return admin_fail(a, ADMIN_USAGE, "queue %s", a->verb->args);
}
