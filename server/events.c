/* SPDX-License-Identifier: Apache-2.0 */
/* events - subscriptions and events in their tables: written with what they tell of, found again, forgotten in time.
 * RFC 3995, RFC 3996; polls are in events-poll.c, the operations in events-ipp.c. */
#include "events.h"

#include <stdio.h>
#include <string.h>

#include "audit.h"
#include "delegates.h"
#include "jobs-private.h"

enum { PRUNE_MAX = 1000, LAPSE_MAX = 500 };

/* Sequence numbers are drawn from the subscription's row, in the transaction that changes the job: without gaps. The
 * number of subscriptions is kept by triggers, since counting 200,000 rows takes a millisecond. */
const char db_events[] =
	"CREATE TABLE subscription ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, who TEXT NOT NULL, queue TEXT NOT NULL,"
	" job_id INTEGER NOT NULL, events INTEGER NOT NULL, user_data BLOB NOT NULL,"
	" lease_s INTEGER NOT NULL, expires_ms INTEGER NOT NULL, last_sequence INTEGER NOT NULL);"
	"CREATE INDEX subscription_who ON subscription (who);"
	"CREATE INDEX subscription_expires ON subscription (expires_ms);"
	"CREATE INDEX subscription_job ON subscription (job_id) WHERE job_id > 0;"
	"CREATE TABLE subscription_count (count INTEGER NOT NULL);"
	"INSERT INTO subscription_count VALUES (0);"
	"CREATE TRIGGER subscription_added AFTER INSERT ON subscription BEGIN"
	" UPDATE subscription_count SET count = count + 1; END;"
	"CREATE TRIGGER subscription_gone AFTER DELETE ON subscription BEGIN"
	" UPDATE subscription_count SET count = count - 1; END;"
	"CREATE TABLE event ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, subscription_id INTEGER NOT NULL, sequence INTEGER NOT NULL,"
	" kind INTEGER NOT NULL, at_ms INTEGER NOT NULL, queue TEXT NOT NULL, job_id INTEGER NOT NULL,"
	" job_uuid TEXT NOT NULL, job_state INTEGER NOT NULL, reasons TEXT NOT NULL, device TEXT NOT NULL,"
	" incarnation INTEGER NOT NULL, epoch INTEGER NOT NULL, UNIQUE (subscription_id, sequence));";

/* The most telling first. */
static const struct {
	unsigned kind;
	const char *name;
} kinds[] = {
	{EVENT_JOB_FETCHABLE, "job-fetchable"},
	{EVENT_JOB_COMPLETED, "job-completed"},
	{EVENT_JOB_CREATED, "job-created"},
	{EVENT_JOB_STATE, "job-state-changed"},
	{EVENT_JOB_PROGRESS, "job-progress"},
	{EVENT_PRINTER_STATE, "printer-state-changed"},
	{EVENT_RESOURCE, "resource-config-changed"},
	{EVENT_PRINTER_CONFIG, "printer-config-changed"},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

const char *events_name(unsigned kind)
{
	for (int i = 0; i < KINDS; i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return NULL;
}

unsigned events_kind(const char *name)
{
	for (int i = 0; i < KINDS; i++)
		if (!strcmp(kinds[i].name, name))
			return kinds[i].kind;
	return 0;
}

static unsigned most_telling(unsigned bits)
{
	for (int i = 0; i < KINDS; i++)
		if (bits & kinds[i].kind)
			return kinds[i].kind;
	return 0;
}

/* ---- subscriptions ---- */

void events_who(const struct jobs_actor *actor, char *out, size_t size)
{
	if (actor->kind == JOBS_MACHINE)
		snprintf(out, size, "m:%s", actor->machine);
	else
		snprintf(out, size, "u:%s", actor->user);
}

void events_read(sqlite3_stmt *stmt, struct subscription *out)
{
	out->id = sqlite3_column_int(stmt, 0);
	sql_text(stmt, 1, out->who, sizeof(out->who));
	sql_text(stmt, 2, out->queue, sizeof(out->queue));
	out->job_id = sqlite3_column_int(stmt, 3);
	out->events = (unsigned)sqlite3_column_int(stmt, 4);
	sql_octets(stmt, 5, out->user_data, sizeof(out->user_data));
	out->user_data_octets = sqlite3_column_bytes(stmt, 5);
	out->lease_s = sqlite3_column_int(stmt, 6);
	out->expires_ms = sqlite3_column_int64(stmt, 7);
	out->last_sequence = sqlite3_column_int(stmt, 8);
}

int events_get(struct app *app, int32_t id, struct subscription *out)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&app->sql, &stmt,
		"SELECT " SUBSCRIPTION_COLUMNS
		" FROM subscription WHERE id = ?1 AND expires_ms > ?2",
		VALUES(V_NUM(id), V_NUM(app->now_ms)));

	if (!rc)
		rc = sql_step(&app->sql, stmt);
	if (rc > 0)
		events_read(stmt, out);
	return rc;
}

static int has_room(struct app *app, const char *who)
{
	int64_t all = 0, theirs = 0;
	int rc = sql_number(&app->sql, "SELECT count FROM subscription_count", NULL, &all);

	if (rc >= 0)
		rc = sql_number(&app->sql, "SELECT count(*) FROM subscription WHERE who = ?1",
			VALUES(V_TEXT(who)), &theirs);
	if (rc < 0)
		return rc;
	return all < EVENTS_SUBSCRIPTIONS_MAX && theirs < EVENTS_PER_SUBSCRIBER;
}

int events_add(struct app *app, struct subscription *sub)
{
	int rc = has_room(app, sub->who);

	if (rc <= 0)
		return rc ? rc : 1;
	rc = sql_run(&app->sql,
		"INSERT INTO subscription (" SUBSCRIPTION_COLUMNS ")"
		" VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)",
		VALUES(V_TEXT(sub->who), V_TEXT(sub->queue), V_NUM(sub->job_id), V_NUM(sub->events),
			V_BLOB(sub->user_data, sub->user_data_octets), V_NUM(sub->lease_s),
			V_NUM(sub->expires_ms)));
	if (!rc)
		sub->id = (int32_t)sqlite3_last_insert_rowid(app->sql.db);
	return rc;
}

int events_remove(struct app *app, int32_t id)
{
	int rc = sql_run(
		&app->sql, "DELETE FROM event WHERE subscription_id = ?1", VALUES(V_NUM(id)));

	return rc ? rc
		  : sql_run(&app->sql, "DELETE FROM subscription WHERE id = ?1", VALUES(V_NUM(id)));
}

/* ---- writing ---- */

static int write_event(struct app *app, int32_t subscription, const struct event *e)
{
	int rc = sql_run(&app->sql,
		"INSERT INTO event (subscription_id, sequence, kind, at_ms, queue, job_id, job_uuid,"
		" job_state, reasons, device, incarnation, epoch)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
		VALUES(V_NUM(subscription), V_NUM(e->sequence), V_NUM(e->kind), V_NUM(e->at_ms),
			V_TEXT(e->queue), V_NUM(e->job_id), V_TEXT(e->job_uuid),
			V_NUM(e->job_state), V_TEXT(e->reasons), V_TEXT(e->device),
			V_NUM(e->incarnation), V_NUM(e->epoch)));

	if (!rc)
		rc = sql_run(&app->sql, "UPDATE subscription SET last_sequence = ?2 WHERE id = ?1",
			VALUES(V_NUM(subscription), V_NUM(e->sequence)));
	if (!rc && e->sequence > EVENTS_KEPT)
		rc = sql_run(&app->sql,
			"DELETE FROM event WHERE subscription_id = ?1 AND sequence <= ?2",
			VALUES(V_NUM(subscription), V_NUM(e->sequence - EVENTS_KEPT)));
	return rc;
}

struct target {
	int32_t id, sequence;
	unsigned events;
};

/* To each of @who's subscriptions that want one of @bits. */
static int tell(struct app *app, const char *who, unsigned bits, struct event *e)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	struct target to[EVENTS_PER_SUBSCRIBER];
	int count = 0;
	int rc = sql_prepare(&app->sql, &stmt,
		"SELECT id, last_sequence, events FROM subscription WHERE who = ?1 AND (events & ?2)"
		" AND (queue = '' OR queue = ?3) AND (job_id = 0 OR job_id = ?4) AND expires_ms > ?5",
		VALUES(V_TEXT(who), V_NUM(bits), V_TEXT(e->queue), V_NUM(e->job_id),
			V_NUM(app->now_ms)));

	/* All are read before any is changed. */
	while (!rc && count < EVENTS_PER_SUBSCRIBER && (rc = sql_step(&app->sql, stmt)) > 0) {
		to[count].id = sqlite3_column_int(stmt, 0);
		to[count].sequence = sqlite3_column_int(stmt, 1);
		to[count++].events = (unsigned)sqlite3_column_int(stmt, 2);
		rc = 0;
	}
	if (stmt)
		sqlite3_reset(stmt);
	for (int i = 0; !rc && i < count; i++) {
		e->kind = most_telling(bits & to[i].events);
		e->sequence = to[i].sequence + 1;
		rc = write_event(app, to[i].id, e);
	}
	return rc;
}

static void describe(struct app *app, const struct jobs_job *job, struct event *e)
{
	char reason[JOBS_REASONS_MAX][JOBS_REASON_SIZE];
	int count = jobs_reasons(job, reason);
	size_t used = 0;

	*e = (struct event){.at_ms = app->now_ms, .job_id = job->id};
	snprintf(e->queue, sizeof(e->queue), "%s", job->queue);
	snprintf(e->job_uuid, sizeof(e->job_uuid), "%s", job->uuid);
	snprintf(e->device, sizeof(e->device), "%s", job->device);
	e->job_state = jobs_ipp_state(job);
	e->incarnation = job->incarnation;
	e->epoch = job->epoch;
	for (int i = 0; i < count && used < sizeof(e->reasons); i++)
		used += (size_t)snprintf(e->reasons + used, sizeof(e->reasons) - used, "%s%s",
			i ? " " : "", reason[i]);
}

static int tell_delegates(
	struct app *app, unsigned bits, const struct jobs_job *job, struct event *e)
{
	char user[DELEGATES_ALL_MAX][256], who[330];
	int count = delegates_of(app, job, user, DELEGATES_ALL_MAX), rc = count < 0 ? count : 0;

	for (int i = 0; !rc && i < count; i++) {
		snprintf(who, sizeof(who), "u:%s", user[i]);
		rc = tell(app, who, bits, e);
	}
	return rc;
}

int events_emit_job(struct app *app, unsigned bits, const struct jobs_job *job, const char *acting)
{
	unsigned for_people = bits & ~(unsigned)EVENT_JOB_FETCHABLE;
	char who[330];
	struct event e;
	int rc = 0;

	describe(app, job, &e);
	snprintf(who, sizeof(who), "m:%s", job->holder);
	if (strcmp(acting, job->holder) != 0)
		rc = tell(app, who, bits, &e);
	snprintf(who, sizeof(who), "u:%s", job->owner);
	if (!rc && for_people)
		rc = tell(app, who, for_people, &e);
	if (!rc && for_people)
		rc = tell_delegates(app, for_people, job, &e);
	/* A subscription to one job ends with it; what it told last can be fetched for a while. */
	if (!rc && (bits & EVENT_JOB_COMPLETED))
		rc = sql_run(&app->sql,
			"UPDATE subscription SET expires_ms = min(expires_ms, ?2)"
			" WHERE job_id = ?1 AND job_id > 0",
			VALUES(V_NUM(job->id), V_NUM(app->now_ms + EVENTS_LIFE_S * 1000)));
	return rc;
}

/* To everybody who wants it. In two statements: at 200,000 subscriptions anything else takes seconds. */
static int tell_all(struct app *app, enum event_kind kind, const char *queue)
{
	int rc = sql_run(&app->sql,
		"INSERT INTO event (subscription_id, sequence, kind, at_ms, queue, job_id, job_uuid,"
		" job_state, reasons, device, incarnation, epoch)"
		" SELECT id, last_sequence + 1, ?1, ?2, ?3, 0, '', 0, '', '', ?4, 0 FROM subscription"
		" WHERE (events & ?1) AND job_id = 0 AND (queue = '' OR ?3 = '' OR queue = ?3)",
		VALUES(V_NUM(kind), V_NUM(app->now_ms), V_TEXT(queue), V_NUM(app->incarnation)));

	return rc ? rc
		  : sql_run(&app->sql,
			    "UPDATE subscription SET last_sequence = last_sequence + 1"
			    " WHERE (events & ?1) AND job_id = 0 AND (queue = '' OR ?2 = '' OR queue = ?2)",
			    VALUES(V_NUM(kind), V_TEXT(queue)));
}

int events_emit_to(struct app *app, enum event_kind kind, const char *who)
{
	struct event e = {.at_ms = app->now_ms, .incarnation = app->incarnation};

	return tell(app, who, kind, &e);
}

int events_emit(struct app *app, enum event_kind kind, const char *queue, int32_t job_id)
{
	struct jobs_job job;
	int rc;

	if (!job_id)
		return tell_all(app, kind, queue);
	rc = jobs_row_get(&app->sql, job_id, &job);
	return rc > 0 ? events_emit_job(app, kind, &job, "") : rc;
}

/* ---- reading ---- */

static void read_event(sqlite3_stmt *stmt, struct event *e)
{
	e->sequence = sqlite3_column_int(stmt, 0);
	e->kind = (unsigned)sqlite3_column_int(stmt, 1);
	e->at_ms = sqlite3_column_int64(stmt, 2);
	sql_text(stmt, 3, e->queue, sizeof(e->queue));
	e->job_id = sqlite3_column_int(stmt, 4);
	sql_text(stmt, 5, e->job_uuid, sizeof(e->job_uuid));
	e->job_state = sqlite3_column_int(stmt, 6);
	sql_text(stmt, 7, e->reasons, sizeof(e->reasons));
	sql_text(stmt, 8, e->device, sizeof(e->device));
	e->incarnation = sqlite3_column_int(stmt, 9);
	e->epoch = sqlite3_column_int(stmt, 10);
}

int events_each(struct app *app, int32_t id, int32_t from,
	void (*fn)(void *arg, const struct event *e), void *arg)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	struct event e;
	int rc = sql_prepare(&app->sql, &stmt,
		"SELECT sequence, kind, at_ms, queue, job_id, job_uuid, job_state, reasons, device,"
		" incarnation, epoch FROM event WHERE subscription_id = ?1 AND sequence >= ?2"
		" ORDER BY sequence LIMIT ?3",
		VALUES(V_NUM(id), V_NUM(from), V_NUM(EVENTS_KEPT)));

	while (!rc && (rc = sql_step(&app->sql, stmt)) > 0) {
		read_event(stmt, &e);
		fn(arg, &e);
		rc = 0;
	}
	return rc;
}

/* ---- time ---- */

static void drop_lapsed(struct app *app)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int32_t id[LAPSE_MAX];
	int count = 0;

	if (sql_prepare(&app->sql, &stmt,
		    "SELECT id FROM subscription WHERE expires_ms <= ?1 LIMIT ?2",
		    VALUES(V_NUM(app->now_ms), V_NUM(LAPSE_MAX))))
		return;
	while (count < LAPSE_MAX && sql_step(&app->sql, stmt) > 0)
		id[count++] = sqlite3_column_int(stmt, 0);
	sqlite3_reset(stmt);
	for (int i = 0; i < count; i++)
		if (events_remove(app, id[i]))
			return; /* tried again in a second */
}

void events_tick(struct app *app)
{
	int64_t before_ms = app->now_ms - EVENTS_LIFE_S * 1000, oldest_ms = 0;

	drop_lapsed(app);
	if (sql_number(&app->sql, "SELECT at_ms FROM event ORDER BY id LIMIT 1", NULL, &oldest_ms) >
			0 &&
		oldest_ms < before_ms)
		sql_run(&app->sql,
			"DELETE FROM event WHERE at_ms < ?1"
			" AND id IN (SELECT id FROM event ORDER BY id LIMIT ?2)",
			VALUES(V_NUM(before_ms), V_NUM(PRUNE_MAX)));
	audit_prune(&app->sql, app->now_ms);
}

void events_after(struct app *app, bool committed)
{
	events_wake(app, committed);
}
