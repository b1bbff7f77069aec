/* SPDX-License-Identifier: Apache-2.0 */
/* events - who subscribed to what, and the events that wait to be fetched; the rest of the contract is in app.h. */
#pragma once

#include "app.h"
#include "jobs.h"

enum {
	EVENTS_PER_SUBSCRIBER = 100, /* subscriptions of one machine or person */
	EVENTS_SUBSCRIPTIONS_MAX = 200000,
	EVENTS_KEPT = 100, /* for one subscription */
	EVENTS_LIFE_S = 300, /* how long an event can be fetched */
	EVENTS_LEASE_S = 3600,
	EVENTS_LEASE_MAX_S = 86400,
	EVENTS_WAIT_MS = 55000,
};

/** events_emit_job() - an event of @job, in the group's transaction
 * @bits: of enum event_kind, all that this is; each subscription gets one event, named by the most telling bit that it
 * asked for: fetchable (to the holder only), created, completed, state changed, progress.
 * To the holder, the owner and the delegates, but not to @acting, the machine that did it. 0 or -errno. */
int events_emit_job(struct app *app, unsigned bits, const struct jobs_job *job, const char *acting);

/* ---- for events*.c alone ---- */

struct subscription {
	int32_t id;
	char who[330]; /* "m:UUID" or "u:NAME" */
	char queue[128]; /* "": of the system */
	int32_t job_id; /* 0: of all jobs */
	unsigned events; /* bits of enum event_kind */
	uint8_t user_data[64];
	int user_data_octets;
	int32_t lease_s;
	int64_t expires_ms;
	int32_t last_sequence; /* of its latest event */
};
#define SUBSCRIPTION_COLUMNS \
	"id, who, queue, job_id, events, user_data, lease_s, expires_ms, last_sequence"

struct event {
	int32_t sequence;
	unsigned kind; /* one bit */
	int64_t at_ms;
	char queue[128];
	int32_t job_id;
	char job_uuid[64];
	int32_t job_state;
	char reasons[1024]; /* with blanks between */
	char device[64]; /* fetchable */
	int32_t incarnation, epoch;
};

const char *events_name(unsigned kind); /* "job-state-changed"…; NULL */
unsigned events_kind(const char *name); /* 0: none of ours */
void events_read(sqlite3_stmt *stmt, struct subscription *out);
/* 1: there is, 0: not, or its lease is over; -errno. */
int events_get(struct app *app, int32_t id, struct subscription *out);
int events_add(struct app *app, struct subscription *sub); /* 0, 1: too many, -errno */
int events_remove(struct app *app, int32_t id);
/** events_each() - those kept of subscription @id, from sequence number @from on
 * @fn: non-zero stops. Return: 0 or -errno. */
int events_each(struct app *app, int32_t id, int32_t from,
	void (*fn)(void *arg, const struct event *e), void *arg);
void events_who(const struct jobs_actor *actor, char *out, size_t size);
/* Answers parked polls that something has come for; @everybody's time is looked at by serve. */
void events_wake(struct app *app, bool committed);
/* Get-Notifications, in events-poll.c. */
int events_get_notifications(void *app, struct serve_call *c);
