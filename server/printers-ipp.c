/* SPDX-License-Identifier: Apache-2.0 */
/* printers-ipp - what the server and its queues say of themselves: Get-System-Attributes, Get-Printers and CUPS' two
 * aliases, Get-Printer-Attributes. docs/wire.md "What is there"; RFC 8011 5.4, PWG 5100.22.
 *
 * What never changes is one table; what the database knows is added by a function each. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "core/vendor.h"
#include "machines.h"
#include "printers-private.h"
#include "printers.h"

enum { VALUES_MAX = 24 };

/* ---- constants ---- */

struct constant {
	const char *name, *group;
	ipp_tag_t tag;
	const char *text[VALUES_MAX];
};

#define TEMPLATE "job-template"
#define DESCRIPTION "printer-description"

static const struct constant texts[] = {
	{"charset-configured", DESCRIPTION, IPP_TAG_CHARSET, {"utf-8"}},
	{"charset-supported", DESCRIPTION, IPP_TAG_CHARSET, {"utf-8"}},
	{"natural-language-configured", DESCRIPTION, IPP_TAG_LANGUAGE, {"en"}},
	{"generated-natural-language-supported", DESCRIPTION, IPP_TAG_LANGUAGE, {"en"}},
	{"compression-supported", DESCRIPTION, IPP_TAG_KEYWORD, {"none"}},
	{"document-format-default", DESCRIPTION, IPP_TAG_MIMETYPE, {"application/pdf"}},
	{"document-format-supported", DESCRIPTION, IPP_TAG_MIMETYPE,
		{"application/pdf", "application/octet-stream"}},
	{"ipp-versions-supported", DESCRIPTION, IPP_TAG_KEYWORD, {"1.1", "2.0"}},
	{"ipp-features-supported", DESCRIPTION, IPP_TAG_KEYWORD,
		{"infrastructure-printer", "subscription-object", "system-object",
			"resource-object", "job-release"}},
	{VENDOR_FEATURES, DESCRIPTION, IPP_TAG_KEYWORD,
		{"client-spool-1", "release-epoch-1", "accounting-batch-1", "long-poll-1"}},
	{VENDOR_DOCUMENT_LOCATION "-supported", DESCRIPTION, IPP_TAG_KEYWORD, {"client"}},
	{"pdl-override-supported", DESCRIPTION, IPP_TAG_KEYWORD, {"attempted"}},
	{"printer-make-and-model", DESCRIPTION, IPP_TAG_TEXT, {"Stillprint Server"}},
	{"printer-location", DESCRIPTION, IPP_TAG_TEXT, {""}},
	{"job-release-action-supported", DESCRIPTION, IPP_TAG_KEYWORD,
		{"none", "owner-authorized"}},
	{"which-jobs-supported", DESCRIPTION, IPP_TAG_KEYWORD,
		{"completed", "not-completed", "all", "pending-held", "fetchable"}},
	{"job-creation-attributes-supported", DESCRIPTION, IPP_TAG_KEYWORD,
		{"copies", "finishings", "job-account-id", "job-accounting-user-id", "job-name",
			"media", "print-color-mode", "print-quality", "sides",
			VENDOR_CLIENT_JOB_UUID, VENDOR_DOCUMENT_LOCATION, VENDOR_DELEGATES}},
	{"job-settable-attributes-supported", DESCRIPTION, IPP_TAG_KEYWORD,
		{"copies", "finishings", "job-name", "media", "print-color-mode", "print-quality",
			"sides", VENDOR_DELEGATES}},
	{"multiple-operation-time-out-action", DESCRIPTION, IPP_TAG_KEYWORD, {"hold-job"}},
	{"job-privacy-attributes", DESCRIPTION, IPP_TAG_KEYWORD, {"all"}},
	{"job-privacy-scope", DESCRIPTION, IPP_TAG_KEYWORD, {"owner"}},
	{"notify-pull-method-supported", DESCRIPTION, IPP_TAG_KEYWORD, {"ippget"}},
	{"notify-events-default", DESCRIPTION, IPP_TAG_KEYWORD, {"job-completed"}},
	{"notify-events-supported", DESCRIPTION, IPP_TAG_KEYWORD,
		{"job-created", "job-state-changed", "job-completed", "job-fetchable",
			"job-progress", "printer-state-changed", "printer-config-changed",
			"resource-config-changed"}},
	{"notify-attributes-supported", DESCRIPTION, IPP_TAG_KEYWORD,
		{"job-uuid", "output-device-uuid-assigned", VENDOR_RELEASE_EPOCH}},
	{"sides-default", TEMPLATE, IPP_TAG_KEYWORD, {"one-sided"}},
	{"sides-supported", TEMPLATE, IPP_TAG_KEYWORD,
		{"one-sided", "two-sided-long-edge", "two-sided-short-edge"}},
	{"media-col-supported", TEMPLATE, IPP_TAG_KEYWORD, {"media-size"}},
	{"media-default", TEMPLATE, IPP_TAG_KEYWORD, {"iso_a4_210x297mm"}},
	{"media-supported", TEMPLATE, IPP_TAG_KEYWORD,
		{"iso_a3_297x420mm", "iso_a4_210x297mm", "iso_a5_148x210mm", "na_letter_8.5x11in",
			"na_legal_8.5x14in", "na_ledger_11x17in"}},
	{"print-color-mode-default", TEMPLATE, IPP_TAG_KEYWORD, {"auto"}},
	{"print-color-mode-supported", TEMPLATE, IPP_TAG_KEYWORD, {"auto", "color", "monochrome"}},
	{"uri-security-supported", DESCRIPTION, IPP_TAG_KEYWORD, {"tls", "tls"}},
	{"uri-authentication-supported", DESCRIPTION, IPP_TAG_KEYWORD, {"certificate", "basic"}},
};

static const struct {
	const char *name, *group;
	ipp_tag_t tag;
	int value[8], count;
} numbers[] = {
	{"copies-default", TEMPLATE, IPP_TAG_INTEGER, {1}, 1},
	{"finishings-default", TEMPLATE, IPP_TAG_ENUM, {3}, 1},
	{"finishings-supported", TEMPLATE, IPP_TAG_ENUM, {3, 4, 5, 20, 21, 22, 23}, 7},
	{"print-quality-default", TEMPLATE, IPP_TAG_ENUM, {4}, 1},
	{"print-quality-supported", TEMPLATE, IPP_TAG_ENUM, {3, 4, 5}, 3},
	{"multiple-operation-time-out", DESCRIPTION, IPP_TAG_INTEGER, {259200}, 1},
	{"notify-lease-duration-default", DESCRIPTION, IPP_TAG_INTEGER, {3600}, 1},
	{"notify-max-events-supported", DESCRIPTION, IPP_TAG_INTEGER, {8}, 1},
	{"ippget-event-life", DESCRIPTION, IPP_TAG_INTEGER, {60}, 1},
};

static const struct {
	const char *name, *group;
	int from, to;
} ranges[] = {
	{"copies-supported", TEMPLATE, 1, 9999},
	{"notify-lease-duration-supported", DESCRIPTION, 1, 86400},
	{"job-k-octets-supported", DESCRIPTION, 0, INT32_MAX},
	{"job-impressions-supported", DESCRIPTION, 0, INT32_MAX},
	{"job-media-sheets-supported", DESCRIPTION, 0, INT32_MAX},
};

static void add_constants(struct serve_call *c)
{
	ipp_t *r = serve_reply(c);

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int n = 0;

		while (n < VALUES_MAX && texts[i].text[n])
			n++;
		if (serve_wants(c, texts[i].name, texts[i].group))
			ippAddStrings(r, IPP_TAG_PRINTER, texts[i].tag, texts[i].name, n, NULL,
				texts[i].text);
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (serve_wants(c, numbers[i].name, numbers[i].group))
			ippAddIntegers(r, IPP_TAG_PRINTER, numbers[i].tag, numbers[i].name,
				numbers[i].count, numbers[i].value);
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (serve_wants(c, ranges[i].name, ranges[i].group))
			ippAddRange(
				r, IPP_TAG_PRINTER, ranges[i].name, ranges[i].from, ranges[i].to);
}

/* Straight from the tables of handlers: what stands there is supported. */
static void add_operations(struct serve_call *c, ipp_tag_t group)
{
	static const struct serve_operation *const tables[] = {jobs_operations, holders_operations,
		events_operations, printers_operations, devices_operations, machines_operations,
		ledger_operations};
	int codes[64], n = 0;

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct serve_operation *o = tables[t]; o->code && n < 64; o++)
			if (o->code != IPP_OP_PRINT_JOB && o->code != IPP_OP_SEND_DOCUMENT)
				codes[n++] = o->code; /* those two only say why not */
	ippAddIntegers(serve_reply(c), group, IPP_TAG_ENUM, "operations-supported", n, codes);
}

/* ---- a queue ---- */

void printers_uri(struct app *app, char *out, size_t size, const char *path)
{
	const char *name = app->config->names[0];
	bool six = strchr(name, ':') != NULL;

	snprintf(out, size, "ipps://%s%s%s:%u%s", six ? "[" : "", name, six ? "]" : "",
		(unsigned)serve_port(app->serve), path);
}

static int32_t up_time_s(const struct app *app)
{
	int64_t s = app->now_ms / 1000 - app->started_s;

	return s < 1 ? 1 : s > INT32_MAX ? INT32_MAX : (int32_t)s;
}

static int64_t count_jobs(struct app *app, const char *text, const char *queue)
{
	int64_t n = 0;

	return sql_number(&app->sql, text, VALUES(V_TEXT(queue)), &n) < 0 ? 0 : n;
}

static void add_state(struct app *app, struct serve_call *c, const struct printers_queue *q)
{
	ipp_t *r = serve_reply(c);
	char message[512] = "";
	int64_t busy = count_jobs(app,
		"SELECT count(*) FROM job WHERE queue = ?1 AND ended_ms = 0"
		" AND state IN ('claimed', 'sending', 'canceling')",
		q->name);
	int maintenance = printers_maintenance(&app->sql, NULL, 0, NULL);
	bool away = maintenance == MAINTENANCE_ON;
	int state = busy ? IPP_PSTATE_PROCESSING : away ? IPP_PSTATE_STOPPED : IPP_PSTATE_IDLE;

	if (serve_wants(c, "printer-state", DESCRIPTION))
		ippAddInteger(r, IPP_TAG_PRINTER, IPP_TAG_ENUM, "printer-state", state);
	if (serve_wants(c, "printer-state-reasons", DESCRIPTION))
		ippAddString(r, IPP_TAG_PRINTER, IPP_TAG_KEYWORD, "printer-state-reasons", NULL,
			maintenance == MAINTENANCE_PLANNED ? "moving-to-paused"
			: !away                            ? "none"
			: busy                             ? "moving-to-paused"
							   : "paused");
	printers_maintenance_words(&app->sql, message, sizeof(message));
	if (serve_wants(c, "printer-state-message", DESCRIPTION))
		ippAddString(
			r, IPP_TAG_PRINTER, IPP_TAG_TEXT, "printer-state-message", NULL, message);
	if (serve_wants(c, "printer-is-accepting-jobs", DESCRIPTION))
		ippAddBoolean(
			r, IPP_TAG_PRINTER, "printer-is-accepting-jobs", !away && q->accepting);
	if (serve_wants(c, "printer-up-time", DESCRIPTION))
		ippAddInteger(
			r, IPP_TAG_PRINTER, IPP_TAG_INTEGER, "printer-up-time", up_time_s(app));
	if (serve_wants(c, "queued-job-count", DESCRIPTION))
		ippAddInteger(r, IPP_TAG_PRINTER, IPP_TAG_INTEGER, "queued-job-count",
			(int)count_jobs(app,
				"SELECT count(*) FROM job WHERE queue = ?1"
				" AND ended_ms = 0",
				q->name));
}

static void add_string(struct serve_call *c, ipp_tag_t tag, const char *name, const char *value)
{
	if (serve_wants(c, name, DESCRIPTION))
		ippAddString(serve_reply(c), IPP_TAG_PRINTER, tag, name, NULL, value);
}

static void add_names(struct app *app, struct serve_call *c, const struct printers_queue *q)
{
	char path[160], uri[512];
	const char *twice[2] = {uri, uri};
	ipp_t *r = serve_reply(c);

	snprintf(path, sizeof(path), "/ipp/print/%s", q->name);
	printers_uri(app, uri, sizeof(uri), path);
	/* Once for each way to log in: RFC 8011 5.4.1 to 5.4.3 are parallel lists. */
	if (serve_wants(c, "printer-uri-supported", DESCRIPTION))
		ippAddStrings(
			r, IPP_TAG_PRINTER, IPP_TAG_URI, "printer-uri-supported", 2, NULL, twice);
	add_string(c, IPP_TAG_NAME, "printer-name", q->name);
	add_string(c, IPP_TAG_TEXT, "printer-info", *q->info ? q->info : q->name);
	add_string(c, IPP_TAG_URI, "printer-uuid", q->uuid);
	if (serve_wants(c, "operations-supported", DESCRIPTION))
		add_operations(c, IPP_TAG_PRINTER);
	if (serve_wants(c, "color-supported", DESCRIPTION))
		ippAddBoolean(r, IPP_TAG_PRINTER, "color-supported", 1);
	if (serve_wants(c, "multiple-document-jobs-supported", DESCRIPTION))
		ippAddBoolean(r, IPP_TAG_PRINTER, "multiple-document-jobs-supported", 0);
	if (serve_wants(c, "preferred-attributes-supported", DESCRIPTION))
		ippAddBoolean(r, IPP_TAG_PRINTER, "preferred-attributes-supported", 0);
	if (serve_wants(c, VENDOR_SERVER_INCARNATION, DESCRIPTION))
		ippAddInteger(r, IPP_TAG_PRINTER, IPP_TAG_INTEGER, VENDOR_SERVER_INCARNATION,
			app->incarnation);
}

/* 1setOf as long as the rows of @text, column @column. */
static void add_column(struct app *app, struct serve_call *c, ipp_tag_t tag, const char *name,
	const char *text, const struct value *values)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	ipp_attribute_t *a = NULL;
	int rc;

	if (!serve_wants(c, name, DESCRIPTION))
		return;
	rc = sql_prepare(&app->sql, &stmt, text, values);
	while (!rc && sql_step(&app->sql, stmt) == 1) {
		char value[512];

		sql_text(stmt, 0, value, sizeof(value));
		if (!a)
			a = ippAddString(serve_reply(c), IPP_TAG_PRINTER, tag, name, NULL, value);
		else
			ippSetString(serve_reply(c), &a, ippGetCount(a), value);
	}
}

/* ---- media-col: sizes in hundredths of millimetres (PWG 5100.7) ---- */

static ipp_t *media_col(int x, int y)
{
	ipp_t *col = ippNew(), *size = ippNew();

	ippAddInteger(size, IPP_TAG_ZERO, IPP_TAG_INTEGER, "x-dimension", x);
	ippAddInteger(size, IPP_TAG_ZERO, IPP_TAG_INTEGER, "y-dimension", y);
	ippAddCollection(col, IPP_TAG_ZERO, "media-size", size);
	ippDelete(size);
	return col;
}

/* By name only: 'all' is without it. */
static bool asks_for(struct serve_call *c, const char *name)
{
	ipp_attribute_t *a =
		ippFindAttribute(serve_request(c), "requested-attributes", IPP_TAG_KEYWORD);

	return a && ippContainsString(a, name);
}

static void add_media(struct serve_call *c)
{
	static const int sizes[][2] = {{29700, 42000}, {21000, 29700}, {14800, 21000},
		{21590, 27940}, {21590, 35560}, {27940, 43180}}; /* as media-supported */
	enum { COUNT = sizeof(sizes) / sizeof(sizes[0]) };
	ipp_t *col[COUNT];

	for (size_t i = 0; i < COUNT; i++)
		col[i] = media_col(sizes[i][0], sizes[i][1]);
	if (serve_wants(c, "media-col-default", TEMPLATE))
		ippAddCollection(serve_reply(c), IPP_TAG_PRINTER, "media-col-default", col[1]);
	if (asks_for(c, "media-col-database"))
		ippAddCollections(serve_reply(c), IPP_TAG_PRINTER, "media-col-database", COUNT,
			(const ipp_t **)col);
	for (size_t i = 0; i < COUNT; i++)
		ippDelete(col[i]);
}

static void add_more_info(struct app *app, struct serve_call *c)
{
	const char *name = app->config->names[0];
	bool six = strchr(name, ':') != NULL;

	if (app->config->web && serve_wants(c, "printer-more-info", DESCRIPTION))
		ippAddStringf(serve_reply(c), IPP_TAG_PRINTER, IPP_TAG_URI, "printer-more-info",
			NULL, "https://%s%s%s:%u/", six ? "[" : "", name, six ? "]" : "",
			(unsigned)serve_web_port(app->serve));
}

static void add_queue(struct app *app, struct serve_call *c, const struct printers_queue *q)
{
	add_names(app, c, q);
	add_more_info(app, c);
	add_state(app, c, q);
	add_media(c);
	add_column(app, c, IPP_TAG_NAME, "output-device-supported",
		"SELECT name FROM device WHERE " PRINTERS_OFFERED("?1", "uuid") " ORDER BY name",
		VALUES(V_NUM(q->id)));
	add_column(app, c, IPP_TAG_URI, "output-device-uuid-supported",
		"SELECT uuid FROM device WHERE " PRINTERS_OFFERED("?1", "uuid") " ORDER BY name",
		VALUES(V_NUM(q->id)));
	add_column(app, c, IPP_TAG_URI, VENDOR_FALLBACKS,
		"SELECT uri FROM queue_fallback WHERE queue_id = ?1 ORDER BY position",
		VALUES(V_NUM(q->id)));
	add_constants(c);
}

/* ---- operations ---- */

/* Machines that are no longer welcome learn it from every operation. */
static ipp_status_t welcome(struct app *app, struct serve_call *c)
{
	struct machine m;

	return serve_peer(c)->who == SERVE_MACHINE ? machines_check(app, c, &m) : IPP_STATUS_OK;
}

static int get_printer_attributes(void *arg, struct serve_call *c)
{
	struct app *app = arg;
	struct printers_queue q;
	ipp_status_t status = welcome(app, c);
	int rc;

	if (status)
		return status;
	rc = printers_queue_of(&app->sql, serve_target(c), &q);
	if (rc > 0) {
		serve_say(c, "There is no such queue here.");
		return IPP_STATUS_ERROR_NOT_FOUND;
	}
	if (!rc)
		rc = printers_probe(app);
	if (rc) {
		serve_say(c, "The server cannot store anything at the moment: %s.",
			rc == -ENOSPC ? "its disk is full" : "see its log");
		return IPP_STATUS_ERROR_SERVICE_UNAVAILABLE;
	}
	add_queue(app, c, &q);
	return IPP_STATUS_OK;
}

static int get_printers(void *arg, struct serve_call *c)
{
	struct app *app = arg;
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	ipp_status_t status = welcome(app, c);
	ipp_attribute_t *limit = ippFindAttribute(serve_request(c), "limit", IPP_TAG_INTEGER);
	int rc, n = 0;

	if (status)
		return status;
	rc = sql_prepare(&app->sql, &stmt, "SELECT name FROM queue ORDER BY id", NULL);
	while (!rc && (rc = sql_step(&app->sql, stmt)) == 1) {
		struct printers_queue q;
		char name[128];

		if (limit && n >= ippGetInteger(limit, 0))
			return IPP_STATUS_OK;
		sql_text(stmt, 0, name, sizeof(name));
		rc = printers_queue(&app->sql, name, &q);
		if (!rc && n++ > 0)
			ippAddSeparator(serve_reply(c));
		if (!rc)
			add_queue(app, c, &q);
	}
	return rc < 0 ? IPP_STATUS_ERROR_SERVICE_UNAVAILABLE : IPP_STATUS_OK;
}

static int get_default(void *arg, struct serve_call *c)
{
	struct app *app = arg;
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	struct printers_queue q;
	char name[128];
	ipp_status_t status = welcome(app, c);
	int rc;

	if (status)
		return status;
	rc = sql_prepare(&app->sql, &stmt, "SELECT name FROM queue ORDER BY id LIMIT 1", NULL);
	if (!rc)
		rc = sql_step(&app->sql, stmt);
	if (rc == 0) {
		serve_say(c, "There is no queue here yet.");
		return IPP_STATUS_ERROR_NOT_FOUND;
	}
	if (rc == 1) {
		sql_text(stmt, 0, name, sizeof(name));
		rc = printers_queue(&app->sql, name, &q);
	}
	if (rc)
		return IPP_STATUS_ERROR_SERVICE_UNAVAILABLE;
	add_queue(app, c, &q);
	return IPP_STATUS_OK;
}

#define SYSTEM "system-description"

static void system_string(struct serve_call *c, ipp_tag_t tag, const char *name, const char *value)
{
	if (serve_wants(c, name, SYSTEM))
		ippAddString(serve_reply(c), IPP_TAG_SYSTEM, tag, name, NULL, value);
}

static void system_number(struct serve_call *c, ipp_tag_t tag, const char *name, int value)
{
	if (serve_wants(c, name, SYSTEM))
		ippAddInteger(serve_reply(c), IPP_TAG_SYSTEM, tag, name, value);
}

/* Of the queues' constants those that are the system's too. */
static void system_constants(struct serve_call *c)
{
	static const char *const shared[] = {"charset-configured", "charset-supported",
		"natural-language-configured", "generated-natural-language-supported",
		"ipp-versions-supported", "ipp-features-supported", VENDOR_FEATURES,
		"notify-pull-method-supported", "notify-events-supported",
		"uri-authentication-supported"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (size_t j = 0; j < sizeof(shared) / sizeof(shared[0]); j++) {
			int n = 0;

			if (strcmp(texts[i].name, shared[j]) != 0 ||
				!serve_wants(c, shared[j], SYSTEM))
				continue;
			while (n < VALUES_MAX && texts[i].text[n])
				n++;
			ippAddStrings(serve_reply(c), IPP_TAG_SYSTEM, texts[i].tag, shared[j], n,
				NULL, texts[i].text);
		}
}

static int get_system_attributes(void *arg, struct serve_call *c)
{
	struct app *app = arg;
	ipp_status_t status = welcome(app, c);
	bool away = printers_maintenance(&app->sql, NULL, 0, NULL) == MAINTENANCE_ON;

	if (status)
		return status;
	system_string(c, IPP_TAG_URI, "system-uuid", app->uuid);
	system_string(c, IPP_TAG_NAME, "system-name", app->config->names[0]);
	system_string(c, IPP_TAG_TEXT, "system-make-and-model", "Stillprint Server");
	system_number(c, IPP_TAG_ENUM, "system-state", away ? IPP_PSTATE_STOPPED : IPP_PSTATE_IDLE);
	system_string(c, IPP_TAG_KEYWORD, "system-state-reasons", away ? "paused" : "none");
	system_number(c, IPP_TAG_INTEGER, "system-up-time", up_time_s(app));
	system_number(c, IPP_TAG_INTEGER, VENDOR_SERVER_INCARNATION, app->incarnation);
	if (serve_wants(c, "operations-supported", SYSTEM))
		add_operations(c, IPP_TAG_SYSTEM);
	system_string(c, IPP_TAG_KEYWORD, "system-mandatory-printer-attributes", "none");
	system_string(c, IPP_TAG_MIMETYPE, "resource-format-supported",
		"application/vnd.stillprint.policy+json");
	system_string(c, IPP_TAG_KEYWORD, "resource-type-supported", "static-other");
	system_constants(c);
	return IPP_STATUS_OK;
}

enum { LOGGED_IN = SERVE_MACHINE | SERVE_PERSON };

const struct serve_operation printers_operations[] = {
	{IPP_OP_GET_PRINTER_ATTRIBUTES, LOGGED_IN, get_printer_attributes},
	{IPP_OP_GET_PRINTERS, LOGGED_IN, get_printers},
	{IPP_OP_CUPS_GET_PRINTERS, LOGGED_IN, get_printers},
	{IPP_OP_CUPS_GET_DEFAULT, LOGGED_IN, get_default},
	{IPP_OP_GET_SYSTEM_ATTRIBUTES, LOGGED_IN, get_system_attributes},
	{0},
};
