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
	int on = printers_maintenance(&a->app.sql, message, sizeof(message), &until_s);

	if (on < 0)
		return admin_errno(a, "maintenance", on);
	if (on)
		admin_say(a, "Maintenance%s%s%s%s; %lld jobs are on their way%s.\n",
			until_s ? " until " : "", until_s ? admin_time(until_s) : "",
			*message ? ": " : "", admin_safe(message), (long long)jobs,
			jobs ? "" : ": the server may be stopped");
	else
		admin_say(a, "No maintenance.\n");
	answer = json_object_new_object();
	admin_set_flag(answer, "maintenance", on == MAINTENANCE_ON);
	admin_set(answer, "message", message);
	admin_set_number(answer, "until", until_s);
	admin_set_number(answer, "jobs_on_their_way", jobs);
	admin_answer(a, answer);
	return ADMIN_DONE;
}

static int put(struct admin *a, bool on, const char *message, int64_t until_s)
{
	char until[32];
	int rc = admin_begin(a);

	if (rc)
		return rc;
	snprintf(until, sizeof(until), "%lld", (long long)until_s);
	rc = db_setting_put(&a->app.sql, "maintenance", on ? "on" : NULL);
	if (!rc)
		rc = db_setting_put(&a->app.sql, "maintenance-message", *message ? message : NULL);
	if (!rc)
		rc = db_setting_put(&a->app.sql, "maintenance-until", until_s ? until : NULL);
	if (!rc)
		rc = admin_audit(a, on ? "maintenance-started" : "maintenance-stopped", message);
	return admin_end(a, rc);
}

int admin_maintenance(struct admin *a, int argc, char **argv)
{
	const char *message = "", *until = NULL, *operands[ADMIN_OPERANDS_MAX];
	const struct admin_option options[] = {
		{"message", &message, NULL}, {"until", &until, NULL}, {NULL}};
	int status = 0, n = admin_parse(a, argc, argv, options, operands, &status), rc;
	int64_t until_s = until ? admin_when(until) : 0;

	if (n < 0)
		return status;
	if (n != 1)
		return admin_fail(a, ADMIN_USAGE, "maintenance %s", a->verb->args);
	if (until_s < 0)
		return admin_fail(a, ADMIN_USAGE,
			"--until is a time such as 17:30, 2h, 2026-11-23 or 2026-11-23T17:30");
	if (until && until_s <= mono_utc_s())
		return admin_fail(a, ADMIN_USAGE,
			"--until is over already; it tells people when to expect the end, and ends nothing by itself");
	if (!text_is_clean(message) || strlen(message) > 255)
		return admin_fail(
			a, ADMIN_USAGE, "--message must be fit to be shown, at most 255 octets");
	rc = admin_open(a);
	if (rc)
		return rc;
	if (!strcmp(operands[0], "start"))
		rc = put(a, true, message, until_s);
	else if (!strcmp(operands[0], "stop"))
		rc = put(a, false, "", 0);
	else if (strcmp(operands[0], "status") != 0)
		return admin_fail(a, ADMIN_USAGE, "maintenance %s", a->verb->args);
	return rc ? admin_errno(a, "maintenance", rc) : status_of(a);
}
