/* SPDX-License-Identifier: Apache-2.0 */
/* printers - see printers.h: the tables, maintenance, the probe. Operations are in printers-ipp.c and printers-device.c. */
#include "printers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "app.h"
#include "base/log.h"
#include "base/mono.h"
#include "resources.h"

enum { DISK_LEAST_OCTETS = 32 << 20, PROBE_GOOD_MS = 5000 };

/* ---- tables ---- */

int printers_queue(struct sql *s, const char *name, struct printers_queue *out)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	char release[16];
	int rc = sql_prepare(s, &stmt,
		"SELECT id, name, uuid, info, device, on_outage, release, accepting, require_verified"
		" FROM queue"
		" WHERE name = ?1",
		VALUES(V_TEXT(name)));

	if (!rc)
		rc = sql_step(s, stmt);
	if (rc <= 0)
		return rc ? rc : 1;
	out->id = sqlite3_column_int64(stmt, 0);
	sql_text(stmt, 1, out->name, sizeof(out->name));
	sql_text(stmt, 2, out->uuid, sizeof(out->uuid));
	sql_text(stmt, 3, out->info, sizeof(out->info));
	sql_text(stmt, 4, out->device, sizeof(out->device));
	sql_text(stmt, 5, out->on_outage, sizeof(out->on_outage));
	sql_text(stmt, 6, release, sizeof(release));
	out->held = !strcmp(release, "held");
	out->accepting = sqlite3_column_int(stmt, 7) != 0;
	out->require_verified = sqlite3_column_int(stmt, 8) != 0;
	return 0;
}

int printers_queue_of(struct sql *s, const char *path, struct printers_queue *out)
{
	static const char below[] = "/ipp/print/";

	if (strncmp(path, below, sizeof(below) - 1) != 0)
		return 1;
	return printers_queue(s, path + sizeof(below) - 1, out);
}

int printers_device(struct sql *s, const char *uuid_or_name, struct printers_device *out)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(s, &stmt,
		"SELECT uuid, name, uri, certificate, state FROM device"
		" WHERE uuid = ?1 OR name = ?1 ORDER BY uuid <> ?1",
		VALUES(V_TEXT(uuid_or_name)));

	if (!rc)
		rc = sql_step(s, stmt);
	if (rc <= 0)
		return rc ? rc : 1;
	sql_text(stmt, 0, out->uuid, sizeof(out->uuid));
	sql_text(stmt, 1, out->name, sizeof(out->name));
	sql_text(stmt, 2, out->uri, sizeof(out->uri));
	out->has_certificate = sqlite3_column_bytes(stmt, 3) == sizeof(out->certificate);
	sql_octets(stmt, 3, out->certificate, sizeof(out->certificate));
	out->state = sqlite3_column_int(stmt, 4);
	return 0;
}

/* ---- maintenance ---- */

int64_t printers_maintenance_from(struct sql *s)
{
	char value[32];

	return db_setting_get(s, "maintenance-from", value, sizeof(value)) ? 0 : atoll(value);
}

void printers_maintenance_words(struct sql *s, char *out, size_t size)
{
	char message[512], when[64];
	time_t from;
	struct tm tm;

	*out = '\0';
	switch (printers_maintenance(s, message, sizeof(message), NULL)) {
	case MAINTENANCE_ON:
		snprintf(out, size, "%s", message);
		break;
	case MAINTENANCE_PLANNED:
		from = (time_t)printers_maintenance_from(s);
		localtime_r(&from, &tm);
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M %Z", &tm);
		snprintf(out, size, "From %s on the print server takes no new jobs%s%s", when,
			*message ? ": " : "", message);
	}
}

int printers_maintenance(struct sql *s, char *message, size_t size, int64_t *until_s)
{
	char value[32];
	int rc = db_setting_get(s, "maintenance", value, sizeof(value));

	if (message && size)
		*message = '\0';
	if (until_s)
		*until_s = 0;
	if (rc)
		return rc < 0 ? rc : MAINTENANCE_OFF;
	if (message)
		rc = db_setting_get(s, "maintenance-message", message, size);
	if (rc >= 0 && until_s) {
		rc = db_setting_get(s, "maintenance-until", value, sizeof(value));
		if (rc == 0)
			*until_s = atoll(value);
	}
	if (rc < 0)
		return rc;
	return printers_maintenance_from(s) > mono_utc_s() ? MAINTENANCE_PLANNED : MAINTENANCE_ON;
}

int printers_accepting(struct sql *s, const struct printers_queue *q, char *why, size_t size)
{
	int rc = printers_maintenance(s, why, size, NULL);

	if (rc < 0)
		return rc;
	if (rc == MAINTENANCE_ON) {
		if (!*why)
			snprintf(why, size, "The print server is under maintenance.");
		return 1;
	}
	if (!q->accepting)
		snprintf(why, size, "The queue %s takes no jobs.", q->name);
	return !q->accepting;
}

/* ---- the probe ---- */

int printers_disk(const char *state)
{
	struct statvfs v;

	if (statvfs(state, &v) < 0)
		return -errno;
	if (v.f_flag & ST_RDONLY)
		return -EROFS;
	return (uint64_t)v.f_bavail * v.f_frsize < DISK_LEAST_OCTETS ? -ENOSPC : 0;
}

/* A write in this group: if it cannot be committed, serve answers service-unavailable instead of us. */
int printers_probe(struct app *app)
{
	char now[32];
	int rc = printers_disk(app->config->state);

	if (rc) {
		app->probe_ok = false;
		return rc;
	}
	if (app->probe_ok && mono_ms() - app->probed_ms < PROBE_GOOD_MS)
		return 0;
	snprintf(now, sizeof(now), "%lld", (long long)app->now_ms);
	app->probe_due = true;
	rc = db_setting_put(&app->sql, "probe", now);
	if (rc)
		app->probe_ok = false;
	return rc;
}

void printers_after(struct app *app, bool committed)
{
	if (!committed)
		app->probe_ok = false;
	else if (app->probe_due)
		app->probe_ok = true;
	if (committed && app->probe_due)
		app->probed_ms = mono_ms();
	app->probe_due = false;
}

/* ---- what the subcommands changed ---- */

/* Emits the event if @value differs from what was told last. */
static int tell(struct app *app, const char *setting, const char *value, enum event_kind kind,
	const char *queue)
{
	char told[1024];
	int rc = db_setting_get(&app->sql, setting, told, sizeof(told));

	if (rc < 0 || (rc == 0 && !strcmp(told, value)) || (rc == 1 && !*value))
		return rc < 0 ? rc : 0;
	rc = db_setting_put(&app->sql, setting, value);
	return rc ? rc : events_emit(app, kind, queue, 0);
}

static int tell_queues(struct app *app)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&app->sql, &stmt,
		"SELECT name, accepting || ' ' || release || ' ' || coalesce(device, '')"
		" FROM queue ORDER BY id",
		NULL);

	while (!rc && (rc = sql_step(&app->sql, stmt)) == 1) {
		char name[128], setting[160], value[128];

		sql_text(stmt, 0, name, sizeof(name));
		sql_text(stmt, 1, value, sizeof(value));
		snprintf(setting, sizeof(setting), "told-queue:%s", name);
		rc = tell(app, setting, value, EVENT_PRINTER_STATE, name);
	}
	return rc;
}

static int tell_all(struct app *app)
{
	char message[512], value[600];
	int64_t until_s;
	int on = printers_maintenance(&app->sql, message, sizeof(message), &until_s), rc;

	if (on < 0)
		return on;
	app->maintenance_from_s =
		on == MAINTENANCE_PLANNED ? printers_maintenance_from(&app->sql) : 0;
	snprintf(value, sizeof(value), on ? "%lld %lld %s" : "", (long long)app->maintenance_from_s,
		(long long)until_s, message);
	rc = tell(app, "told-maintenance", value, EVENT_PRINTER_STATE, "");
	if (!rc)
		rc = tell_queues(app);
	if (!rc)
		rc = resources_refresh(app);
	if (!rc)
		rc = events_end_unwelcome(app);
	return rc;
}

void printers_tick(struct app *app)
{
	int64_t version = 0;
	int rc = sql_number(&app->sql, "PRAGMA data_version", NULL, &version);

	bool begins = app->maintenance_from_s && app->maintenance_from_s <= mono_utc_s();

	if (rc < 0 || (version == app->data_version && !begins))
		return;
	rc = tell_all(app);
	if (!rc)
		app->data_version = version;
	else
		log_event(
			LOG_LVL_WARNING, "event=refresh-failed error=%s", log_quote(strerror(-rc)));
}
