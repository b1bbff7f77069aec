/* SPDX-License-Identifier: Apache-2.0 */
/* events-poll - Get-Notifications: answered at once, or parked in memory until an event comes (RFC 3996 5.2, docs/wire.md).
 *
 * Whoever writes an event, another process too, a parked poll learns of it from the table: each group looks what is newer
 * than what it has seen. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "core/vendor.h"
#include "events.h"
#include "jobs-ipp.h"
#include "machines.h"

enum {
	POLL_IDS_MAX = 32,
	BUCKETS = 16384,
	WAKE_MAX =
		500, /* answered after one group; the others after the next, so that nobody else waits for them */
	JITTER_MS = 5000,
};

struct wish {
	int32_t id, next; /* subscription, and the sequence number wanted next */
	struct waiter *waiter;
	struct wish *chain; /* in its bucket */
};

struct waiter {
	struct app *app;
	struct serve_call *call;
	bool woken;
	struct waiter *next_woken;
	int count;
	struct wish wish[];
};

struct waiters {
	int64_t seen; /* the newest event that was looked at */
	int64_t machines; /* another number: somebody was revoked, perhaps */
	struct waiter *first_woken, **last_woken;
	struct wish *bucket[BUCKETS];
};

/* ---- the table of who waits for what ---- */

static struct wish **bucket_of(struct waiters *w, int32_t id)
{
	return &w->bucket[(uint32_t)id % BUCKETS];
}

static int64_t newest(struct app *app)
{
	int64_t id = 0;

	sql_number(&app->sql, "SELECT max(id) FROM event", NULL, &id);
	return id;
}

static struct waiters *waiters_of(struct app *app)
{
	if (!app->waiters)
		app->waiters = calloc(1, sizeof(*app->waiters));
	if (app->waiters && !app->waiters->last_woken) {
		app->waiters->last_woken = &app->waiters->first_woken;
		app->waiters->seen = newest(app);
	}
	return app->waiters;
}

static void enter(struct waiters *all, struct waiter *w)
{
	for (int i = 0; i < w->count; i++) {
		struct wish **bucket = bucket_of(all, w->wish[i].id);

		w->wish[i].chain = *bucket;
		*bucket = &w->wish[i];
	}
}

static void leave(struct waiters *all, struct waiter *w)
{
	for (int i = 0; i < w->count; i++) {
		struct wish **at = bucket_of(all, w->wish[i].id);

		while (*at && *at != &w->wish[i])
			at = &(*at)->chain;
		if (*at)
			*at = w->wish[i].chain;
	}
	if (!w->woken)
		return;
	for (struct waiter **at = &all->first_woken; *at; at = &(*at)->next_woken)
		if (*at == w) {
			*at = w->next_woken;
			if (all->last_woken == &w->next_woken)
				all->last_woken = at;
			return;
		}
}

static void mark(struct waiters *all, int32_t id)
{
	for (struct wish *wish = *bucket_of(all, id); wish; wish = wish->chain) {
		struct waiter *w = wish->waiter;

		if (wish->id != id || w->woken)
			continue;
		w->woken = true;
		w->next_woken = NULL;
		*all->last_woken = w;
		all->last_woken = &w->next_woken;
	}
}

/* ---- answering ---- */

struct writer {
	struct app *app;
	struct serve_call *call;
	const struct subscription *sub;
	char printer_uri[1024];
	int count;
};

static void say_it(const struct event *e, char *out, size_t size)
{
	switch (e->kind) {
	case EVENT_JOB_FETCHABLE:
		snprintf(out, size, "Job %d was released", e->job_id);
		break;
	case EVENT_JOB_COMPLETED:
		snprintf(out, size, "Job %d is over", e->job_id);
		break;
	case EVENT_JOB_CREATED:
		snprintf(out, size, "Job %d was registered", e->job_id);
		break;
	case EVENT_JOB_PROGRESS:
		snprintf(out, size, "Job %d is being printed", e->job_id);
		break;
	case EVENT_RESOURCE:
		snprintf(out, size, "There is a new policy");
		break;
	case EVENT_JOB_STATE:
		snprintf(out, size, "Job %d changed", e->job_id);
		break;
	default:
		snprintf(out, size, "The state of the printer changed");
	}
}

static void put_string(ipp_t *ipp, ipp_tag_t tag, const char *name, const char *text)
{
	ippAddString(ipp, IPP_TAG_EVENT_NOTIFICATION, tag, name, NULL, text);
}

static void put_number(ipp_t *ipp, ipp_tag_t tag, const char *name, int32_t n)
{
	ippAddInteger(ipp, IPP_TAG_EVENT_NOTIFICATION, tag, name, n);
}

static void put_reasons(ipp_t *ipp, const char *reasons)
{
	const char *word[JOBS_REASONS_MAX];
	char text[1024];
	char *save = NULL;
	int count = 0;

	snprintf(text, sizeof(text), "%s", reasons);
	for (char *p = strtok_r(text, " ", &save); p && count < JOBS_REASONS_MAX;
		p = strtok_r(NULL, " ", &save))
		word[count++] = p;
	if (count)
		ippAddStrings(ipp, IPP_TAG_EVENT_NOTIFICATION, IPP_TAG_KEYWORD, "job-state-reasons",
			count, NULL, word);
}

static void put_job(ipp_t *ipp, const struct event *e)
{
	put_number(ipp, IPP_TAG_INTEGER, "notify-job-id", e->job_id);
	put_string(ipp, IPP_TAG_URI, "job-uuid", e->job_uuid);
	put_number(ipp, IPP_TAG_ENUM, "job-state", e->job_state);
	put_reasons(ipp, e->reasons);
	if (e->kind != EVENT_JOB_FETCHABLE)
		return;
	put_string(ipp, IPP_TAG_URI, "output-device-uuid-assigned", e->device);
	put_number(ipp, IPP_TAG_INTEGER, VENDOR_RELEASE_EPOCH, e->epoch);
	put_number(ipp, IPP_TAG_INTEGER, VENDOR_SERVER_INCARNATION, e->incarnation);
}

static void put_event(void *arg, const struct event *e)
{
	struct writer *w = arg;
	ipp_t *ipp = serve_reply(w->call);
	char text[256];

	if (w->count++)
		ippAddSeparator(ipp);
	put_number(ipp, IPP_TAG_INTEGER, "notify-subscription-id", w->sub->id);
	put_number(ipp, IPP_TAG_INTEGER, "notify-sequence-number", e->sequence);
	put_string(ipp, IPP_TAG_KEYWORD, "notify-subscribed-event", events_name(e->kind));
	jobs_ipp_queue_uri(w->call, e->queue, w->printer_uri, sizeof(w->printer_uri));
	if (*w->printer_uri)
		put_string(ipp, IPP_TAG_URI, "notify-printer-uri", w->printer_uri);
	say_it(e, text, sizeof(text));
	put_string(ipp, IPP_TAG_TEXT, "notify-text", text);
	if (w->sub->user_data_octets)
		ippAddOctetString(ipp, IPP_TAG_EVENT_NOTIFICATION, "notify-user-data",
			w->sub->user_data, w->sub->user_data_octets);
	if (e->job_id)
		put_job(ipp, e);
}

/* How many events there are; -1: one of the subscriptions is gone, -2: the database is in trouble. */
static int put_events(struct app *app, struct serve_call *c, const struct wish *wish, int count)
{
	ipp_t *reply = serve_reply(c);
	struct subscription sub;
	struct writer w = {.app = app, .call = c, .sub = &sub};
	int rc;

	ippAddInteger(
		reply, IPP_TAG_OPERATION, IPP_TAG_INTEGER, "notify-get-interval", EVENTS_LIFE_S);
	ippAddInteger(reply, IPP_TAG_OPERATION, IPP_TAG_INTEGER, "printer-up-time",
		(int)(app->now_ms / 1000 - app->started_s));
	for (int i = 0; i < count; i++) {
		rc = events_get(app, wish[i].id, &sub);
		if (rc <= 0)
			return rc ? -2 : -1;
		rc = events_each(app, wish[i].id, wish[i].next, put_event, &w);
		if (rc)
			return -2;
	}
	return w.count;
}

static int answer_for(struct serve_call *c, int put)
{
	if (put == -1)
		serve_say(
			c, "There is no such subscription, or its lease is over: subscribe again");
	return put == -1   ? IPP_STATUS_ERROR_NOT_FOUND
	       : put == -2 ? IPP_STATUS_ERROR_SERVICE_UNAVAILABLE
			   : IPP_STATUS_OK;
}

/* Its turn, its time is over, or its peer is gone. */
static void end_wait(void *arg, struct serve_call *c, bool gone)
{
	struct waiter *w = arg;
	struct app *app = w->app;
	int put = 0;

	leave(app->waiters, w);
	/* A certificate that another one has followed may hear this last answer. */
	if (!gone && serve_peer(c)->who == SERVE_MACHINE &&
		!machines_is_welcome(app, serve_peer(c)->uuid)) {
		free(w);
		serve_say(c, "This machine's certificate was revoked.");
		serve_answer(c, IPP_STATUS_ERROR_NOT_AUTHORIZED);
		return;
	}
	if (!gone)
		put = put_events(app, c, w->wish, w->count);
	free(w);
	serve_answer(c, answer_for(c, put));
}

int events_end_unwelcome(struct app *app)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	struct waiters *all = waiters_of(app);
	int64_t machines = 0;
	int rc = all ? sql_number(&app->sql, "SELECT count(*) + total(revoked_ms) FROM machine",
			       NULL, &machines)
		     : -ENOMEM;

	if (rc < 0 || machines == all->machines)
		return rc < 0 ? rc : 0;
	all->machines = machines;
	rc = sql_prepare(&app->sql, &stmt,
		"SELECT id FROM subscription WHERE who LIKE 'm:%' AND NOT EXISTS"
		" (SELECT 1 FROM machine WHERE uuid = substr(who, 3) AND revoked_ms = 0)",
		NULL);
	while (!rc && (rc = sql_step(&app->sql, stmt)) == 1) {
		mark(all, sqlite3_column_int(stmt, 0));
		rc = 0;
	}
	return rc;
}

/* ---- the operation ---- */

/* The subscriptions that are asked for, and from where on. False: not as it must be. */
static bool read_wishes(ipp_t *request, struct wish *wish, int *count)
{
	ipp_attribute_t *ids =
		ippFindAttribute(request, "notify-subscription-ids", IPP_TAG_INTEGER);
	ipp_attribute_t *next =
		ippFindAttribute(request, "notify-sequence-numbers", IPP_TAG_INTEGER);

	*count = ids ? ippGetCount(ids) : 0;
	if (*count < 1 || *count > POLL_IDS_MAX || (next && ippGetCount(next) > *count))
		return false;
	for (int i = 0; i < *count; i++) {
		wish[i] = (struct wish){.id = ippGetInteger(ids, i)};
		wish[i].next = next && i < ippGetCount(next) ? ippGetInteger(next, i) : 1;
	}
	return true;
}

/* Is there anything, without writing it down yet? 1 yes, 0 no, -1: not his or gone, -2: trouble. */
static int look(struct app *app, const char *who, const struct wish *wish, int count)
{
	struct subscription sub;
	bool any = false;

	for (int i = 0; i < count; i++) {
		int rc = events_get(app, wish[i].id, &sub);

		if (rc < 0)
			return -2;
		if (!rc || strcmp(sub.who, who) != 0)
			return -1;
		any = any || sub.last_sequence >= wish[i].next;
	}
	return any;
}

/* Who asks again no longer listens to the answer of before: one parked poll for each subscription. */
static void end_older(struct waiters *all, const struct wish *wish, int count)
{
	for (int i = 0; i < count; i++)
		mark(all, wish[i].id);
}

static int park(struct app *app, struct serve_call *c, const struct wish *wish, int count)
{
	struct waiters *all = waiters_of(app);
	struct waiter *w = all ? calloc(1, sizeof(*w) + (size_t)count * sizeof(*wish)) : NULL;

	if (!w)
		return IPP_STATUS_ERROR_BUSY;
	end_older(all, wish, count);
	w->app = app;
	w->call = c;
	w->count = count;
	memcpy(w->wish, wish, (size_t)count * sizeof(*wish));
	for (int i = 0; i < count; i++)
		w->wish[i].waiter = w;
	enter(all, w);
	serve_park(c, EVENTS_WAIT_MS - (int32_t)randombytes_uniform(JITTER_MS), end_wait, w);
	return SERVE_PARKED;
}

int events_get_notifications(void *arg, struct serve_call *c)
{
	struct app *app = arg;
	ipp_attribute_t *wait = ippFindAttribute(serve_request(c), "notify-wait", IPP_TAG_BOOLEAN);
	struct wish wish[POLL_IDS_MAX];
	struct jobs_actor actor;
	struct machine m;
	char who[330];
	int count, found, status = jobs_ipp_actor(app, c, &m, &actor);

	if (status)
		return status;
	if (!read_wishes(serve_request(c), wish, &count)) {
		serve_say(c, "notify-subscription-ids: 1 to %d", POLL_IDS_MAX);
		return IPP_STATUS_ERROR_BAD_REQUEST;
	}
	events_who(&actor, who, sizeof(who));
	found = look(app, who, wish, count);
	if (found < 0)
		return answer_for(c, found);
	if (serve_peer(c)->who == SERVE_MACHINE && machines_note_poll(app, &m, wish[0].id))
		return IPP_STATUS_ERROR_SERVICE_UNAVAILABLE;
	if (!found && wait && ippGetBoolean(wait, 0))
		return park(app, c, wish, count);
	return answer_for(c, put_events(app, c, wish, count));
}

/* ---- after each group ---- */

static void look_for_new(struct app *app)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	struct waiters *all = app->waiters;

	if (sql_prepare(&app->sql, &stmt,
		    "SELECT id, subscription_id FROM event WHERE id > ?1 ORDER BY id",
		    VALUES(V_NUM(all->seen))))
		return;
	while (sql_step(&app->sql, stmt) > 0) {
		all->seen = sqlite3_column_int64(stmt, 0);
		mark(all, sqlite3_column_int(stmt, 1));
	}
}

void events_wake(struct app *app, bool committed)
{
	struct waiters *all = app->waiters;

	if (!all)
		return;
	if (!committed) { /* what was rolled back was given numbers that come again */
		int64_t now = newest(app);

		all->seen = now < all->seen ? now : all->seen;
		return;
	}
	look_for_new(app);
	for (int i = 0; i < WAKE_MAX && all->first_woken; i++)
		end_wait(all->first_woken, all->first_woken->call, false);
}

void events_free(struct app *app)
{
	struct waiters *all = app->waiters;

	/* The calls are serve's: it has ended them, or will. */
	for (int i = 0; all && i < BUCKETS; i++)
		while (all->bucket[i]) {
			struct waiter *w = all->bucket[i]->waiter;

			leave(all, w);
			free(w);
		}
	free(all);
	app->waiters = NULL;
}
