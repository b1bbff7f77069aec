/* SPDX-License-Identifier: Apache-2.0 */
/* db - the server's database: opening, settings, groups, and how a restored older one is noticed. */
#include <cups/cups.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app.h"
#include "base/log.h"
#include "base/mono.h"
#include "core/uuid.h"
#include "turn.h"

enum {
	KEEP_EVERY_MS = 1000,
	JUMP_MS = 5000, /* a wall clock that moved so far against the monotonic one was set */
	/* After a restore numbers go on this far above the highest one known: what was given out since is never met again. */
	NUMBERS_KNOWN = 100000, /* beyond the file's, which may be a second old */
	NUMBERS_UNKNOWN = 1000000,
};

/* One constant of one piece, since a step of a schema is one: put together before opening. */
enum { VERSIONS = 2, PARTS_MAX = 12 };
static const char *const part[VERSIONS][PARTS_MAX] = {
	{db_jobs, db_events, db_printers, db_machines, db_ledger, db_accounts},
	{db_jobs_2, db_printers_2, db_ledger_2, db_audit_2, db_accounts_2, db_sync_2, db_rights_2,
		db_machines_2},
};
static char *joined[VERSIONS];
static const char *steps[VERSIONS];
static int first(struct sql *s);
static int end_turn(struct app *app, int rc);

const struct sql_schema db_schema = {
	.application_id = 0x53745376, /* "StSv" */
	.busy_ms = 5000, /* subcommands write too, shortly */
	.count = sizeof(steps) / sizeof(steps[0]),
	.step = steps,
	.first = first,
};

static int join_version(int version)
{
	size_t size = 1;

	for (int i = 0; i < PARTS_MAX && part[version][i]; i++)
		size += strlen(part[version][i]);
	joined[version] = calloc(1, size);
	if (!joined[version])
		return -ENOMEM;
	for (int i = 0; i < PARTS_MAX && part[version][i]; i++)
		strcat(joined[version], part[version][i]);
	steps[version] = joined[version];
	return 0;
}

static int join_parts(void)
{
	int rc = 0;

	for (int i = 0; i < VERSIONS && !rc; i++)
		rc = joined[i] ? 0 : join_version(i);
	return rc;
}

/* ---- settings ---- */

int db_setting_get(struct sql *s, const char *name, char *out, size_t size)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(
		s, &stmt, "SELECT value FROM setting WHERE name = ?1", VALUES(V_TEXT(name)));

	if (!rc)
		rc = sql_step(s, stmt);
	if (rc < 0)
		return rc;
	if (!rc)
		return 1;
	sql_text(stmt, 0, out, size);
	return 0;
}

int db_setting_put(struct sql *s, const char *name, const char *value)
{
	if (!value)
		return sql_run(s, "DELETE FROM setting WHERE name = ?1", VALUES(V_TEXT(name)));
	return sql_run(s, "INSERT OR REPLACE INTO setting (name, value) VALUES (?1, ?2)",
		VALUES(V_TEXT(name), V_TEXT(value)));
}

static int put_number(struct sql *s, const char *name, int64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	return db_setting_put(s, name, text);
}

static int get_number(struct sql *s, const char *name, int64_t *out)
{
	char text[32];
	int rc = db_setting_get(s, name, text, sizeof(text));

	if (!rc)
		*out = strtoll(text, NULL, 10);
	return rc > 0 ? 0 : rc;
}

static int first(struct sql *s)
{
	char uuid[UUID_SIZE];
	int rc;

	uuid_make(uuid);
	rc = db_setting_put(s, "uuid", uuid);
	if (!rc)
		rc = put_number(s, "incarnation", 1);
	if (!rc)
		rc = put_number(s, "commits", 0);
	return rc;
}

/* ---- the file beside the database: "commits job-id subscription-id" ---- */

struct kept {
	long long commits, job, subscription;
};

static int kept_path(const struct app *app, const char *suffix, char *out, size_t size)
{
	int n = snprintf(out, size, "%s/server.state%s", app->config->state, suffix);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* No file, or one that cannot be understood: it proves nothing. */
static struct kept kept_read(const struct app *app)
{
	struct kept k = {0};
	char path[SERVER_PATH_MAX + 32], text[128] = "";
	ssize_t n;

	if (kept_path(app, "", path, sizeof(path)))
		return k;
	AUTO(auto_close) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0 || text[n - 1] != '\n' ||
		sscanf(text, "%lld %lld %lld", &k.commits, &k.job, &k.subscription) != 3)
		return (struct kept){0};
	return k;
}

static int64_t highest(struct sql *s, const char *table)
{
	int64_t n = 0;

	sql_number(s, "SELECT seq FROM sqlite_sequence WHERE name = ?1", VALUES(V_TEXT(table)), &n);
	return n;
}

static int kept_write(struct app *app)
{
	char path[SERVER_PATH_MAX + 32], temp[SERVER_PATH_MAX + 32], text[128];
	AUTO(auto_close) int fd = -1;
	int n = snprintf(text, sizeof(text), "%lld %lld %lld\n", (long long)app->count.commits,
		(long long)highest(&app->sql, "job"),
		(long long)highest(&app->sql, "subscription"));
	int rc = kept_path(app, "", path, sizeof(path));

	if (!rc)
		rc = kept_path(app, ".new", temp, sizeof(temp));
	if (rc)
		return rc;
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	/* A file that is there by name only would prove nothing after a power cut. */
	if (fd < 0 || write(fd, text, (size_t)n) != n || fdatasync(fd) < 0 ||
		rename(temp, path) < 0)
		return -errno;
	app->count.kept = app->count.commits;
	app->count.kept_ms = mono_ms();
	return 0;
}

/* ---- incarnation ---- */

static int number_on(struct sql *s, const char *table, int64_t known)
{
	int64_t next = known > 0 ? known + NUMBERS_KNOWN : highest(s, table) + NUMBERS_UNKNOWN;
	int rc = sql_change(s, "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1",
		VALUES(V_TEXT(table), V_NUM(next)));

	return rc > 0 ? sql_run(s, "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)",
				VALUES(V_TEXT(table), V_NUM(next)))
		      : rc;
}

/* What the old rows say of claims is not known to be so; what is over stays over. Epochs leap, so that even a fence without
 * incarnation from the lost span is stale; what is being sent goes on under its own. */
static int age_rows(struct app *app)
{
	struct sql *s = &app->sql;
	int rc = sql_run(s,
		"UPDATE job SET state = 'held', device = '', lapsed = 0, due_ms = expires_ms,"
		" message = 'The server was restored from a backup'"
		" WHERE state IN ('released', 'claimed')",
		NULL);

	if (!rc)
		rc = sql_run(s,
			"UPDATE job SET lapsed = 1, due_ms = ?1"
			" WHERE state IN ('sending', 'canceling', 'doubt')",
			VALUES(V_NUM(app->now_ms + (int64_t)app->config->retention_s * 1000)));
	if (!rc)
		rc = sql_run(s, "UPDATE job SET epoch = epoch + 1000 WHERE state = 'held'", NULL);
	if (!rc)
		rc = sql_run(s, "DELETE FROM subscription", NULL);
	if (!rc)
		rc = sql_run(s, "DELETE FROM event", NULL);
	return rc;
}

static int raise_incarnation(struct app *app, const struct kept *k, const char *who)
{
	struct sql *s = &app->sql;
	char detail[128];
	int rc = sql_enter(s);

	if (rc)
		return rc;
	snprintf(detail, sizeof(detail),
		"incarnation %d; the database has %lld commits, known are %lld",
		app->incarnation + 1, (long long)app->count.commits, k->commits);
	if (app->count.commits < k->commits)
		app->count.commits = k->commits;
	rc = put_number(s, "incarnation", app->incarnation + 1);
	if (!rc)
		rc = put_number(s, "commits", app->count.commits);
	if (!rc)
		rc = number_on(s, "job", k->job);
	if (!rc)
		rc = number_on(s, "subscription", k->subscription);
	if (!rc)
		rc = age_rows(app);
	if (!rc)
		rc = audit_add(app, "database-restored", who, "server", 0, detail);
	rc = sql_leave(s, rc);
	if (rc)
		return rc;
	app->incarnation++;
	return kept_write(app);
}

int db_restored(struct app *app, const char *who)
{
	struct kept k = kept_read(app);

	return raise_incarnation(app, &k, who);
}

/* ---- opening ---- */

static int read_identity(struct app *app)
{
	int64_t incarnation = 0;
	int rc = db_setting_get(&app->sql, "uuid", app->uuid, sizeof(app->uuid));

	if (!rc)
		rc = get_number(&app->sql, "incarnation", &incarnation);
	if (!rc)
		rc = get_number(&app->sql, "commits", &app->count.commits);
	app->incarnation = (int32_t)incarnation;
	return rc > 0 || (!rc && incarnation < 1) ? -EUCLEAN : rc;
}

static int64_t wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int db_open(struct app *app, const struct server_config *config)
{
	char path[SERVER_PATH_MAX + 32];
	struct kept k;
	int rc = join_parts();

	app->config = config;
	app->now_ms = wall_ms();
	app->started_s = app->now_ms / 1000;
	app->count = (struct db_count){0};
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "%s/server.db", config->state);
	/* The file before the database: the server, running beside a subcommand, may commit in between. */
	k = kept_read(app);
	/* A restore that was cut off, or a hand that slipped: an empty one in its place would forget everything. */
	if (k.commits && access(path, F_OK) < 0) {
		log_event(LOG_LVL_ERROR,
			"event=database-missing file=%s next=put-it-back-or-restore-a-backup",
			log_quote(path));
		return -ENOENT;
	}
	rc = sql_open(&app->sql, path, &db_schema);
	if (!rc)
		rc = read_identity(app);
	if (!rc && k.commits > app->count.commits)
		rc = raise_incarnation(app, &k, "server");
	return rc;
}

void db_close(struct app *app)
{
	if (app->count.counting && app->count.kept != app->count.commits)
		kept_write(app);
	sql_close(&app->sql);
	end_turn(app, 0);
}

/* ---- groups ---- */

/* Deadlines are kept as wall time, since they must outlive the server; a clock that is set must not end them. */
static int follow_clock(struct app *app)
{
	int64_t mono = mono_ms();
	int64_t jump = app->now_ms - app->count.wall_ms - (mono - app->count.mono_ms);
	bool set = app->count.wall_ms && (jump > JUMP_MS || jump < -JUMP_MS);
	int rc = 0;

	if (set)
		rc = sql_run(&app->sql,
			"UPDATE job SET due_ms = due_ms + ?1, expires_ms = expires_ms + ?1"
			" WHERE ended_ms = 0",
			VALUES(V_NUM(jump)));
	if (set && !rc)
		rc = sql_run(&app->sql, "UPDATE subscription SET expires_ms = expires_ms + ?1",
			VALUES(V_NUM(jump)));
	if (!rc) {
		app->count.wall_ms = app->now_ms;
		app->count.mono_ms = mono;
	}
	return rc;
}

static int end_turn(struct app *app, int rc)
{
	if (app->count.turn)
		turn_give();
	app->count.turn = false;
	return rc;
}

int db_begin(struct app *app)
{
	int rc;

	if (!app->count.turn)
		turn_take();
	app->count.turn = true;
	rc = sql_begin(&app->sql);
	app->now_ms = wall_ms();
	if (rc)
		return end_turn(app, rc);
	app->count.changes = sqlite3_total_changes(app->sql.db);
	rc = follow_clock(app);
	if (!rc)
		return 0;
	sql_rollback(&app->sql);
	return end_turn(app, rc);
}

/* Counted by the database: subcommands may commit beside the server, and a number that goes back would look like a restore. */
static int count_commit(struct app *app, int64_t *out)
{
	int rc = sql_run(&app->sql,
		"UPDATE setting SET value = CAST(value AS INTEGER) + 1 WHERE name = 'commits'",
		NULL);

	return rc ? rc : get_number(&app->sql, "commits", out);
}

int db_commit(struct app *app)
{
	struct db_count *n = &app->count;
	bool changed = sqlite3_total_changes(app->sql.db) != n->changes;
	int64_t commits = n->commits;
	int rc = changed ? count_commit(app, &commits) : 0;

	if (rc) {
		sql_rollback(&app->sql);
		return end_turn(app, rc);
	}
	rc = end_turn(app, sql_commit(&app->sql));
	if (rc)
		return rc;
	n->commits = commits;
	n->counting = n->counting || changed;
	if (n->counting && n->kept != n->commits && mono_ms() - n->kept_ms >= KEEP_EVERY_MS)
		kept_write(app); /* tried again in a second: until then it says less than is so */
	return 0;
}
