/* SPDX-License-Identifier: Apache-2.0 */
/* admin-maintenance - `maintenance start|stop|status`: no new jobs, those under way end. The server tells the machines. */
#include <string.h>

#include "admin.h"
#include "base/mono.h"
#include "base/text.h"
#include "printers.h"

static int64_t jobs_on_their_way(struct admin *a)
{
	int64_t n = 0;

	sql_number(&a->app.sql,
		"SELECT count(*) FROM job WHERE ended_ms = 0"
		" AND state IN ('released', 'claimed', 'sending', 'canceling')",
		NULL, &n);
	return n;
}

static int status_of(struct admin *a)
{
	struct json_object *answer;
	char message[512];
	int64_t until_s, jobs = jobs_on_their_way(a);
	int64_t from_s = printers_maintenance_from(&a->app.sql);
	int on = printers_maintenance(&a->app.sql, message, sizeof(message), &until_s);

	if (on < 0)
		return admin_errno(a, "maintenance", on);
	if (on == MAINTENANCE_PLANNED)
		admin_say(a, "Maintenance is planned from %s on%s%s.\n", admin_time(from_s),
			*message ? ": " : "", admin_safe(message));
	else if (on)
		admin_say(a, "Maintenance%s%s%s%s; %lld jobs are on their way%s.\n",
			until_s ? " until " : "", until_s ? admin_time(until_s) : "",
			*message ? ": " : "", admin_safe(message), (long long)jobs,
			jobs ? "" : ": the server may be stopped");
	else
		admin_say(a, "No maintenance.\n");
	answer = json_object_new_object();
	admin_set_flag(answer, "maintenance", on == MAINTENANCE_ON);
	admin_set_flag(answer, "planned", on == MAINTENANCE_PLANNED);
	admin_set_number(answer, "from", on ? from_s : 0);
	admin_set(answer, "message", message);
	admin_set_number(answer, "until", until_s);
	admin_set_number(answer, "jobs_on_their_way", jobs);
	admin_answer(a, answer);
	return ADMIN_DONE;
}

static int put(struct admin *a, bool on, const char *message, int64_t from_s, int64_t until_s)
{
	char until[32], from[32];
	int rc = admin_begin(a);

	if (rc)
		return rc;
	snprintf(until, sizeof(until), "%lld", (long long)until_s);
	snprintf(from, sizeof(from), "%lld", (long long)from_s);
	rc = db_setting_put(&a->app.sql, "maintenance", on ? "on" : NULL);
	if (!rc)
		rc = db_setting_put(&a->app.sql, "maintenance-message", *message ? message : NULL);
	if (!rc)
		rc = db_setting_put(&a->app.sql, "maintenance-until", until_s ? until : NULL);
	if (!rc)
		rc = db_setting_put(&a->app.sql, "maintenance-from", on ? from : NULL);
	if (!rc)
		rc = admin_audit(a, on ? "maintenance-started" : "maintenance-stopped", message);
	return admin_end(a, rc);
}

/* When it begins; or -1, with what is wrong told. */
static int64_t begin_of(struct admin *a, const char *at, const char *in)
{
	int64_t now_s = mono_utc_s(), span_s = in ? admin_seconds(in) : 0;
	int64_t from_s = at ? admin_when(at) : now_s + span_s;

	if (at && in)
		admin_fail(a, ADMIN_USAGE, "--at and --in say the same: give one of them");
	else if (in && span_s <= 0)
		admin_fail(a, ADMIN_USAGE, "--in is a time span such as 10m or 2h");
	else if (at && from_s <= now_s)
		admin_fail(a, ADMIN_USAGE,
			"--at is a time to come, such as 17:30, 2h, 2026-11-23 or 2026-11-23T17:30");
	else
		return from_s;
	return -1;
}

int admin_maintenance(struct admin *a, int argc, char **argv)
{
	const char *message = "", *until = NULL, *at = NULL, *in = NULL,
		   *operands[ADMIN_OPERANDS_MAX];
	const struct admin_option options[] = {{"message", &message, NULL}, {"until", &until, NULL},
		{"at", &at, NULL}, {"in", &in, NULL}, {NULL}};
	int status = 0, n = admin_parse(a, argc, argv, options, operands, &status), rc;
	int64_t until_s = until ? admin_when(until) : 0, from_s;

	if (n < 0)
		return status;
	if (n != 1)
		return admin_fail(a, ADMIN_USAGE, "maintenance %s", a->verb->args);
	if (until_s < 0)
		return admin_fail(a, ADMIN_USAGE,
			"--until is a time such as 17:30, 2h, 2026-11-23 or 2026-11-23T17:30");
	from_s = begin_of(a, at, in);
	if (from_s < 0)
		return ADMIN_USAGE;
	if (until && until_s <= from_s)
		return admin_fail(a, ADMIN_USAGE,
			"--until is over before it begins; it tells people when to expect the end, and ends nothing by itself");
	if (!text_is_clean(message) || strlen(message) > 255)
		return admin_fail(
			a, ADMIN_USAGE, "--message must be fit to be shown, at most 255 octets");
	rc = admin_open(a);
	if (rc)
		return rc;
	if (!strcmp(operands[0], "start"))
		rc = put(a, true, message, from_s, until_s);
	else if (!strcmp(operands[0], "stop"))
		rc = put(a, false, "", 0, 0);
	else if (strcmp(operands[0], "status") != 0)
		return admin_fail(a, ADMIN_USAGE, "maintenance %s", a->verb->args);
	return rc ? admin_errno(a, "maintenance", rc) : status_of(a);
}
