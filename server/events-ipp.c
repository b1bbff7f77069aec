/* SPDX-License-Identifier: Apache-2.0 */
/* events-ipp - operations on subscriptions (RFC 3995 11). Each belongs to the machine or the person that made it; nobody else
 * learns that it exists. */
#include <stdio.h>
#include <string.h>

#include "core/vendor.h"
#include "events.h"
#include "jobs-ipp.h"
#include "printers.h"

enum { GROUPS_MAX = 10 };

/* ---- what a request asks for ---- */

struct request_group {
	struct subscription sub;
	const char *method;
	bool lease_told;
	bool unknown_events; /* some of notify-events are none of ours */
	bool bad;
};

static void read_events(struct request_group *g, ipp_attribute_t *a)
{
	if (ippGetValueTag(a) != IPP_TAG_KEYWORD) {
		g->bad = true;
		return;
	}
	for (int i = 0; i < ippGetCount(a); i++) {
		unsigned kind = events_kind(ippGetString(a, i, NULL));

		g->sub.events |= kind;
		g->unknown_events = g->unknown_events || !kind;
	}
}

static void read_user_data(struct request_group *g, ipp_attribute_t *a)
{
	int count = 0;
	const void *octets = ippGetOctetString(a, 0, &count);

	if (ippGetValueTag(a) != IPP_TAG_STRING || count > 63) {
		g->bad = true;
		return;
	}
	if (octets)
		memcpy(g->sub.user_data, octets, (size_t)count);
	g->sub.user_data_octets = count;
}

static void read_one(struct request_group *g, ipp_attribute_t *a)
{
	const char *name = ippGetName(a);

	if (!strcmp(name, "notify-events")) {
		read_events(g, a);
	} else if (!strcmp(name, "notify-user-data")) {
		read_user_data(g, a);
	} else if (!strcmp(name, "notify-lease-duration")) {
		g->lease_told = true;
		g->sub.lease_s = ippGetInteger(a, 0);
	} else if (!strcmp(name, "notify-pull-method")) {
		g->method = ippGetString(a, 0, NULL);
	} else if (!strcmp(name, "notify-recipient-uri")) {
		g->bad = true; /* nothing is pushed */
	}
}

/* The subscription groups, as many as there are. -1: more than we take. */
static int read_groups(ipp_t *request, struct request_group group[GROUPS_MAX])
{
	bool inside = false;
	int count = 0;

	for (ipp_attribute_t *a = ippFirstAttribute(request); a; a = ippNextAttribute(request)) {
		if (!ippGetName(a) || ippGetGroupTag(a) != IPP_TAG_SUBSCRIPTION) {
			inside = false;
			continue;
		}
		if (!inside && count == GROUPS_MAX)
			return -1;
		if (!inside)
			group[count++] = (struct request_group){0};
		inside = true;
		read_one(&group[count - 1], a);
	}
	return count;
}

/* 0: for ever, by RFC 3995 5.3.8: nothing is. */
static int32_t bounded_lease(bool told, int32_t asked_s)
{
	if (!told || asked_s < 0)
		return EVENTS_LEASE_S;
	return asked_s == 0 || asked_s > EVENTS_LEASE_MAX_S ? EVENTS_LEASE_MAX_S : asked_s;
}

/* ---- Create-…-Subscriptions ---- */

static int add_one(struct app *app, struct request_group *g)
{
	struct subscription *sub = &g->sub;
	int rc;

	if (g->bad || (g->method && strcmp(g->method, "ippget") != 0) ||
		(!sub->events && g->unknown_events))
		return IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES;
	if (!sub->events)
		sub->events = EVENT_JOB_COMPLETED; /* RFC 3995 5.3.3.3: notify-events-default */
	sub->lease_s = bounded_lease(g->lease_told, sub->lease_s);
	sub->expires_ms = app->now_ms + (int64_t)sub->lease_s * 1000;
	rc = events_add(app, sub);
	return rc < 0 ? IPP_STATUS_ERROR_SERVICE_UNAVAILABLE
	       : rc   ? IPP_STATUS_ERROR_TOO_MANY_SUBSCRIPTIONS
		      : IPP_STATUS_OK;
}

static void put_added(ipp_t *reply, const struct request_group *g, int status)
{
	if (!status) {
		ippAddInteger(reply, IPP_TAG_SUBSCRIPTION, IPP_TAG_INTEGER,
			"notify-subscription-id", g->sub.id);
		ippAddInteger(reply, IPP_TAG_SUBSCRIPTION, IPP_TAG_INTEGER, "notify-lease-duration",
			g->sub.lease_s);
	}
	if (status || g->unknown_events)
		ippAddInteger(reply, IPP_TAG_SUBSCRIPTION, IPP_TAG_ENUM, "notify-status-code",
			status ? status : IPP_STATUS_OK_IGNORED_OR_SUBSTITUTED);
}

static int refuse_all(struct serve_call *c, int status)
{
	serve_say(c, status == IPP_STATUS_ERROR_TOO_MANY_SUBSCRIPTIONS
			     ? "You have too many subscriptions: cancel some first"
		     : status == IPP_STATUS_ERROR_SERVICE_UNAVAILABLE
			     ? "The server cannot store anything at the moment"
			     : "A subscription pulls by ippget, for events that this server has");
	return status;
}

static int create(struct app *app, struct serve_call *c, const struct jobs_actor *actor,
	const char *queue, int32_t job_id)
{
	struct request_group group[GROUPS_MAX];
	int count = read_groups(serve_request(c), group), made = 0, first = 0;
	int status[GROUPS_MAX];

	if (count < 1) {
		serve_say(c, "1 to %d subscriptions", GROUPS_MAX);
		return IPP_STATUS_ERROR_BAD_REQUEST;
	}
	for (int i = 0; i < count; i++) {
		events_who(actor, group[i].sub.who, sizeof(group[i].sub.who));
		snprintf(group[i].sub.queue, sizeof(group[i].sub.queue), "%s", queue);
		group[i].sub.job_id = job_id;
		status[i] = add_one(app, &group[i]);
		made += !status[i];
		first = first ? first : status[i];
	}
	if (!made)
		return refuse_all(c, first);
	for (int i = 0; i < count; i++) {
		if (i)
			ippAddSeparator(serve_reply(c));
		put_added(serve_reply(c), &group[i], status[i]);
	}
	return first ? IPP_STATUS_OK_IGNORED_SUBSCRIPTIONS : IPP_STATUS_OK;
}

static int create_printer_subscriptions(void *arg, struct serve_call *c)
{
	struct app *app = arg;
	struct printers_queue queue;
	struct jobs_actor actor;
	struct machine m;
	int rc, status = jobs_ipp_actor(app, c, &m, &actor);

	if (status)
		return status;
	rc = printers_queue_of(&app->sql, serve_target(c), &queue);
	if (!rc)
		return create(app, c, &actor, queue.name, 0);
	serve_say(c, rc < 0 ? "The server cannot read its database" : "There is no such queue");
	return rc < 0 ? IPP_STATUS_ERROR_SERVICE_UNAVAILABLE : IPP_STATUS_ERROR_NOT_FOUND;
}

static int create_system_subscriptions(void *arg, struct serve_call *c)
{
	struct jobs_actor actor;
	struct machine m;
	int status = jobs_ipp_actor(arg, c, &m, &actor);

	return status ? status : create(arg, c, &actor, "", 0);
}

static int create_job_subscriptions(void *arg, struct serve_call *c)
{
	int32_t told = jobs_ipp_number(serve_request(c), "notify-job-id", 0);
	int32_t id = told > 0 ? told : serve_job_id(c);
	char why[JOBS_WHY_SIZE] = "";
	struct jobs_actor actor;
	struct jobs_job job;
	struct machine m;
	int status = jobs_ipp_actor(arg, c, &m, &actor);

	if (!status)
		status = jobs_ipp_answer(c, jobs_get(arg, &actor, id, &job, why), why);
	if (!status && jobs_is_over(job.state)) {
		serve_say(c, "Job %d is over", id);
		status = IPP_STATUS_ERROR_NOT_POSSIBLE;
	}
	return status ? status : create(arg, c, &actor, job.queue, id);
}

/* ---- those that are there ---- */

static void put_events(ipp_t *reply, unsigned events)
{
	const char *name[16];
	int count = 0;

	for (unsigned kind = 1; kind <= EVENT_PRINTER_CONFIG; kind <<= 1)
		if (events & kind)
			name[count++] = events_name(kind);
	ippAddStrings(
		reply, IPP_TAG_SUBSCRIPTION, IPP_TAG_KEYWORD, "notify-events", count, NULL, name);
}

static void put_subscription(struct app *app, struct serve_call *c, const struct subscription *sub)
{
	ipp_t *reply = serve_reply(c);
	const struct {
		const char *name;
		int64_t n;
	} numbers[] = {
		{"notify-subscription-id", sub->id},
		{"notify-sequence-number", sub->last_sequence},
		{"notify-lease-duration", sub->lease_s},
		{"notify-lease-expiration-time", sub->expires_ms / 1000 - app->started_s},
		{"notify-printer-up-time", app->now_ms / 1000 - app->started_s},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (serve_wants(c, numbers[i].name, "subscription-description"))
			ippAddInteger(reply, IPP_TAG_SUBSCRIPTION, IPP_TAG_INTEGER, numbers[i].name,
				(int)numbers[i].n);
	if (sub->job_id && serve_wants(c, "notify-job-id", "subscription-description"))
		ippAddInteger(
			reply, IPP_TAG_SUBSCRIPTION, IPP_TAG_INTEGER, "notify-job-id", sub->job_id);
	if (serve_wants(c, "notify-events", "subscription-template"))
		put_events(reply, sub->events);
	if (serve_wants(c, "notify-pull-method", "subscription-template"))
		ippAddString(reply, IPP_TAG_SUBSCRIPTION, IPP_TAG_KEYWORD, "notify-pull-method",
			NULL, "ippget");
	if (sub->user_data_octets && serve_wants(c, "notify-user-data", "subscription-template"))
		ippAddOctetString(reply, IPP_TAG_SUBSCRIPTION, "notify-user-data", sub->user_data,
			sub->user_data_octets);
}

static int get_subscriptions(void *arg, struct serve_call *c)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	struct app *app = arg;
	struct subscription sub;
	struct jobs_actor actor;
	struct machine m;
	char who[330];
	int32_t job_id = jobs_ipp_number(serve_request(c), "notify-job-id", 0);
	int32_t limit = jobs_ipp_number(serve_request(c), "limit", EVENTS_PER_SUBSCRIBER);
	int count = 0, rc, status = jobs_ipp_actor(app, c, &m, &actor);

	if (status)
		return status;
	events_who(&actor, who, sizeof(who));
	rc = sql_prepare(&app->sql, &stmt,
		"SELECT " SUBSCRIPTION_COLUMNS
		" FROM subscription WHERE who = ?1 AND expires_ms > ?2"
		" AND (?3 = 0 OR job_id = ?3) ORDER BY id LIMIT ?4",
		VALUES(V_TEXT(who), V_NUM(app->now_ms), V_NUM(job_id), V_NUM(limit)));
	while (!rc && (rc = sql_step(&app->sql, stmt)) > 0) {
		events_read(stmt, &sub);
		if (count++)
			ippAddSeparator(serve_reply(c));
		put_subscription(app, c, &sub);
		rc = 0;
	}
	return rc ? refuse_all(c, IPP_STATUS_ERROR_SERVICE_UNAVAILABLE) : IPP_STATUS_OK;
}

/* The caller's own subscription. One of somebody else is none. */
static int find(struct app *app, struct serve_call *c, struct subscription *out)
{
	int32_t id = jobs_ipp_number(serve_request(c), "notify-subscription-id", 0);
	struct jobs_actor actor;
	struct machine m;
	char who[330];
	int rc, status = jobs_ipp_actor(app, c, &m, &actor);

	if (status)
		return status;
	events_who(&actor, who, sizeof(who));
	rc = events_get(app, id, out);
	if (rc < 0)
		return refuse_all(c, IPP_STATUS_ERROR_SERVICE_UNAVAILABLE);
	if (rc && !strcmp(out->who, who))
		return IPP_STATUS_OK;
	serve_say(c, "There is no such subscription, or its lease is over");
	return IPP_STATUS_ERROR_NOT_FOUND;
}

static int get_subscription_attributes(void *arg, struct serve_call *c)
{
	struct subscription sub;
	int status = find(arg, c, &sub);

	if (!status)
		put_subscription(arg, c, &sub);
	return status;
}

static int renew_subscription(void *arg, struct serve_call *c)
{
	ipp_attribute_t *lease =
		ippFindAttribute(serve_request(c), "notify-lease-duration", IPP_TAG_INTEGER);
	struct app *app = arg;
	struct subscription sub;
	int status = find(app, c, &sub);

	if (status)
		return status;
	sub.lease_s = bounded_lease(lease, lease ? ippGetInteger(lease, 0) : 0);
	if (sql_run(&app->sql,
		    "UPDATE subscription SET lease_s = ?2, expires_ms = ?3 WHERE id = ?1",
		    VALUES(V_NUM(sub.id), V_NUM(sub.lease_s),
			    V_NUM(app->now_ms + (int64_t)sub.lease_s * 1000))))
		return refuse_all(c, IPP_STATUS_ERROR_SERVICE_UNAVAILABLE);
	ippAddInteger(serve_reply(c), IPP_TAG_SUBSCRIPTION, IPP_TAG_INTEGER,
		"notify-lease-duration", sub.lease_s);
	return IPP_STATUS_OK;
}

static int cancel_subscription(void *arg, struct serve_call *c)
{
	struct subscription sub;
	int status = find(arg, c, &sub);

	if (!status && events_remove(arg, sub.id))
		return refuse_all(c, IPP_STATUS_ERROR_SERVICE_UNAVAILABLE);
	return status;
}

#define ANYBODY (SERVE_MACHINE | SERVE_PERSON)
const struct serve_operation events_operations[] = {
	{IPP_OP_CREATE_PRINTER_SUBSCRIPTIONS, ANYBODY, create_printer_subscriptions},
	{IPP_OP_CREATE_JOB_SUBSCRIPTIONS, ANYBODY, create_job_subscriptions},
	{IPP_OP_CREATE_SYSTEM_SUBSCRIPTIONS, ANYBODY, create_system_subscriptions},
	{IPP_OP_GET_SUBSCRIPTIONS, ANYBODY, get_subscriptions},
	{IPP_OP_GET_SUBSCRIPTION_ATTRIBUTES, ANYBODY, get_subscription_attributes},
	{IPP_OP_RENEW_SUBSCRIPTION, ANYBODY, renew_subscription},
	{IPP_OP_CANCEL_SUBSCRIPTION, ANYBODY, cancel_subscription},
	{IPP_OP_GET_NOTIFICATIONS, ANYBODY, events_get_notifications},
	{0, 0, NULL},
};
