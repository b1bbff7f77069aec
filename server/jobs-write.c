/* SPDX-License-Identifier: Apache-2.0 */
/* jobs-write - a job as attributes: only what is asked for, and unknown ones left out, never 0. */
#include <cups/cups.h>
#include <stdio.h>
#include <string.h>

#include "core/vendor.h"
#include "jobs-ipp.h"

#define DESCRIPTION "job-description"
#define TEMPLATE "job-template"

struct put {
	struct app *app;
	struct serve_call *call;
	ipp_t *reply;
};

static bool wants(const struct put *p, const char *name)
{
	return serve_wants(p->call, name, DESCRIPTION);
}

static void put_number(const struct put *p, ipp_tag_t tag, const char *name, int32_t n)
{
	if (wants(p, name))
		ippAddInteger(p->reply, IPP_TAG_JOB, tag, name, n);
}

static void put_text(const struct put *p, ipp_tag_t tag, const char *name, const char *text)
{
	if (*text && wants(p, name))
		ippAddString(p->reply, IPP_TAG_JOB, tag, name, NULL, text);
}

static void put_user(const struct put *p, const char *name, const char *user)
{
	char uri[1024];

	if (*user && wants(p, name) && jobs_user_uri(uri, sizeof(uri), user))
		ippAddString(p->reply, IPP_TAG_JOB, IPP_TAG_URI, name, NULL, uri);
}

static void put_date(const struct put *p, const char *name, int64_t at_ms)
{
	if (at_ms > 0 && wants(p, name))
		ippAddDate(p->reply, IPP_TAG_JOB, name, ippTimeToDate((time_t)(at_ms / 1000)));
}

/* The target as the client wrote it tells how this server is reached from there. */
static void assemble(const struct serve_call *c, const char *path, char *out, size_t size)
{
	static const char *const names[] = {"printer-uri", "system-uri", "job-uri"};
	char scheme[32], user[64], host[256], old_path[512];
	const char *target = NULL;
	int port;

	for (int i = 0; i < 3 && !target; i++) {
		ipp_attribute_t *attr = ippFindAttribute(serve_request(c), names[i], IPP_TAG_URI);

		target = attr ? ippGetString(attr, 0, NULL) : NULL;
	}
	*out = '\0';
	if (target && httpSeparateURI(HTTP_URI_CODING_ALL, target, scheme, sizeof(scheme), user,
			      sizeof(user), host, sizeof(host), &port, old_path,
			      sizeof(old_path)) >= HTTP_URI_STATUS_OK)
		httpAssembleURI(
			HTTP_URI_CODING_ALL, out, (int)size, "ipps", NULL, host, port, path);
}

void jobs_ipp_queue_uri(const struct serve_call *c, const char *queue, char *out, size_t size)
{
	char path[256];

	snprintf(path, sizeof(path), *queue ? "/ipp/print/%s" : "/ipp/system", queue);
	assemble(c, path, out, size);
}

static void job_uri(const struct serve_call *c, const struct jobs_job *j, char *out, size_t size)
{
	char path[256];

	snprintf(path, sizeof(path), "/ipp/print/%s/%d", j->queue, j->id);
	assemble(c, path, out, size);
}

static void put_uris(const struct put *p, const struct jobs_job *j)
{
	char uri[1024];

	if (wants(p, "job-uri")) {
		job_uri(p->call, j, uri, sizeof(uri));
		put_text(p, IPP_TAG_URI, "job-uri", uri);
	}
	if (wants(p, "job-printer-uri")) {
		jobs_ipp_queue_uri(p->call, j->queue, uri, sizeof(uri));
		put_text(p, IPP_TAG_URI, "job-printer-uri", uri);
	}
}

static void put_reasons(const struct put *p, const struct jobs_job *j)
{
	char text[JOBS_REASONS_MAX][JOBS_REASON_SIZE];
	const char *reason[JOBS_REASONS_MAX];
	int count;

	if (!wants(p, "job-state-reasons"))
		return;
	count = jobs_reasons(j, text);
	for (int i = 0; i < count; i++)
		reason[i] = text[i];
	ippAddStrings(
		p->reply, IPP_TAG_JOB, IPP_TAG_KEYWORD, "job-state-reasons", count, NULL, reason);
}

static void put_state(const struct put *p, const struct jobs_job *j)
{
	put_number(p, IPP_TAG_INTEGER, "job-id", j->id);
	put_uris(p, j);
	put_text(p, IPP_TAG_URI, "job-uuid", j->uuid);
	put_number(p, IPP_TAG_ENUM, "job-state", jobs_ipp_state(j));
	put_reasons(p, j);
	put_text(p, IPP_TAG_TEXT, "job-state-message", j->message);
}

/* Who pays: from the claim on perhaps who released it; else whom its computer named. */
static void put_payer(const struct put *p, const struct jobs_job *j)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	char payer[256] = "";

	if (!wants(p, "job-accounting-user-id"))
		return;
	if (j->state >= JOBS_CLAIMED && j->epoch > 0 &&
		!sql_prepare(&p->app->sql, &stmt,
			"SELECT released_by FROM ledger_release WHERE document_uuid = ?1"
			" AND incarnation = ?2 AND epoch = ?3 AND pays",
			VALUES(V_TEXT(j->uuid), V_NUM(j->incarnation), V_NUM(j->epoch))) &&
		sql_step(&p->app->sql, stmt) > 0)
		sql_text(stmt, 0, payer, sizeof(payer));
	put_text(p, IPP_TAG_NAME, "job-accounting-user-id", *payer ? payer : j->accounting_user);
}

static void put_description(const struct put *p, const struct jobs_job *j)
{
	put_text(p, IPP_TAG_NAME, "job-name", j->title);
	put_text(p, IPP_TAG_NAME, "job-originating-user-name", j->owner);
	put_user(p, "job-originating-user-uri", j->owner);
	if (wants(p, VENDOR_OWNER_VERIFIED))
		ippAddBoolean(p->reply, IPP_TAG_JOB, VENDOR_OWNER_VERIFIED, j->verified);
	put_text(p, IPP_TAG_MIMETYPE, "document-format", j->format);
	if (j->k_octets >= 0)
		put_number(p, IPP_TAG_INTEGER, "job-k-octets", j->k_octets);
	if (j->impressions >= 0)
		put_number(p, IPP_TAG_INTEGER, "job-impressions", j->impressions);
	if (j->sheets >= 0)
		put_number(p, IPP_TAG_INTEGER, "job-media-sheets", j->sheets);
	if (j->impressions_done >= 0)
		put_number(p, IPP_TAG_INTEGER, "job-impressions-completed", j->impressions_done);
	if (j->sheets_done >= 0)
		put_number(p, IPP_TAG_INTEGER, "job-media-sheets-completed", j->sheets_done);
	put_text(p, IPP_TAG_NAME, "job-account-id", j->account);
	put_payer(p, j);
	if (wants(p, VENDOR_DOCUMENT_LOCATION))
		ippAddString(p->reply, IPP_TAG_JOB, IPP_TAG_KEYWORD, VENDOR_DOCUMENT_LOCATION, NULL,
			"client");
}

static void put_colours(const struct put *p, const struct jobs_job *j)
{
	ipp_t *col;

	if ((j->monochrome < 0 && j->color < 0) || !wants(p, "job-impressions-col"))
		return;
	col = ippNew();
	if (j->monochrome >= 0)
		ippAddInteger(col, IPP_TAG_ZERO, IPP_TAG_INTEGER, "monochrome", j->monochrome);
	if (j->color >= 0)
		ippAddInteger(col, IPP_TAG_ZERO, IPP_TAG_INTEGER, "full-color", j->color);
	ippAddCollection(p->reply, IPP_TAG_JOB, "job-impressions-col", col);
	ippDelete(col);
}

static void put_chosen(const struct put *p, const struct jobs_ticket *t)
{
	const struct {
		const char *name, *value;
	} words[] = {{"sides", t->sides}, {"media", t->media}, {"print-color-mode", t->color_mode}};

	if (t->copies && serve_wants(p->call, "copies", TEMPLATE))
		ippAddInteger(p->reply, IPP_TAG_JOB, IPP_TAG_INTEGER, "copies", t->copies);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (*words[i].value && serve_wants(p->call, words[i].name, TEMPLATE))
			ippAddString(p->reply, IPP_TAG_JOB, IPP_TAG_KEYWORD, words[i].name, NULL,
				words[i].value);
	if (t->quality && serve_wants(p->call, "print-quality", TEMPLATE))
		ippAddInteger(p->reply, IPP_TAG_JOB, IPP_TAG_ENUM, "print-quality", t->quality);
	if (t->finishings_count && serve_wants(p->call, "finishings", TEMPLATE))
		ippAddIntegers(p->reply, IPP_TAG_JOB, IPP_TAG_ENUM, "finishings",
			t->finishings_count, t->finishings);
}

static void put_times(const struct put *p, const struct jobs_job *j)
{
	const struct {
		const char *since, *date;
		int64_t at_ms;
	} times[] = {
		{"time-at-creation", "date-time-at-creation", j->created_ms},
		{"time-at-processing", "date-time-at-processing", j->processing_ms},
		{"time-at-completed", "date-time-at-completed", j->ended_ms},
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		put_date(p, times[i].date, times[i].at_ms);
		if (!wants(p, times[i].since))
			continue;
		if (times[i].at_ms)
			ippAddInteger(p->reply, IPP_TAG_JOB, IPP_TAG_INTEGER, times[i].since,
				(int)(times[i].at_ms / 1000 - p->app->started_s));
		else
			ippAddOutOfBand(p->reply, IPP_TAG_JOB, IPP_TAG_NOVALUE, times[i].since);
	}
	put_number(p, IPP_TAG_INTEGER, "job-printer-up-time",
		(int32_t)(p->app->now_ms / 1000 - p->app->started_s));
}

static void put_release(const struct put *p, const struct jobs_job *j)
{
	put_number(p, IPP_TAG_INTEGER, VENDOR_SERVER_INCARNATION, p->app->incarnation);
	put_number(p, IPP_TAG_INTEGER, VENDOR_RELEASE_EPOCH, j->epoch);
	put_text(p, IPP_TAG_URI, "output-device-uuid-assigned", j->device);
	put_user(p, VENDOR_RELEASED_BY, j->released_by);
	put_text(p, IPP_TAG_NAME, VENDOR_DIVERTED_TO, j->diverted);
	if (j->state == JOBS_HELD)
		put_date(p, VENDOR_HOLD_EXPIRATION, j->expires_ms);
}

static void put_delegates(const struct put *p, const struct jobs_job *j)
{
	char uri[JOBS_DELEGATES_MAX][800];
	const char *list[JOBS_DELEGATES_MAX];
	struct jobs_delegates d;
	int count = 0;

	if (!wants(p, VENDOR_DELEGATES) || jobs_delegates(p->app, j->id, &d))
		return;
	for (int i = 0; i < d.count; i++)
		if (jobs_user_uri(uri[count], sizeof(uri[count]), d.user[i])) {
			list[count] = uri[count];
			count++;
		}
	if (count)
		ippAddStrings(
			p->reply, IPP_TAG_JOB, IPP_TAG_URI, VENDOR_DELEGATES, count, NULL, list);
}

void jobs_ipp_put(struct app *app, struct serve_call *c, const struct jobs_actor *who,
	const struct jobs_job *j)
{
	struct put p = {app, c, serve_reply(c)};

	put_state(&p, j);
	put_description(&p, j);
	put_colours(&p, j);
	put_chosen(&p, &j->ticket);
	put_times(&p, j);
	put_release(&p, j);
	/* Whom else the owner trusts is not the delegates' business. */
	if (who->kind != JOBS_PERSON || !strcmp(who->user, j->owner))
		put_delegates(&p, j);
}

void jobs_ipp_put_id(struct serve_call *c, const struct jobs_job *j)
{
	char job[1024];

	job_uri(c, j, job, sizeof(job));
	ippAddInteger(serve_reply(c), IPP_TAG_JOB, IPP_TAG_INTEGER, "job-id", j->id);
	if (*job)
		ippAddString(serve_reply(c), IPP_TAG_JOB, IPP_TAG_URI, "job-uri", NULL, job);
}

void jobs_ipp_put_created(struct app *app, struct serve_call *c, const struct jobs_job *j)
{
	struct put p = {app, c, serve_reply(c)};

	put_state(&p, j);
	put_release(&p, j);
}
