/* SPDX-License-Identifier: Apache-2.0 */
/* link - see link.h. */
#include "link.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/mono.h"
#include "base/paths.h"
#include "core/identity.h"
#include "credentials.h"
#include "engine-private.h"
#include "ipp/holder.h"
#include "must.h"
#include "policies.h"
#include "settle.h"

enum {
	UP_MS = 70000, /* a poll comes back after 55 s */
	POLL_MS = 75000,
	CONNECT_MS = 4000,
	ASK_MS = 10000,
	AGAIN_MS = 500,
	AGAIN_DOUBLES = 5, /* up to 16 s */
	RENEW_MS = HOLDER_LEASE_S * 1000 / 2,
};

#define INCARNATION "server-incarnation"

struct link {
	struct engine *engine;
	struct identity who;
	struct client_identity identity; /* names files of it */
	bool enrolled;
	unsigned address; /* the one that answered last */
	int32_t incarnation; /* 0: not known yet */
	int32_t subscription, next; /* 0: none; the sequence number wanted */
	int64_t renew_ms, heard_ms;
	bool up;
	unsigned failures;
	struct client_call *call; /* the subscription, or the parked poll */
	struct timer again;
};

static void subscribe(void *arg);
static void poll_events(struct link *l);

/* ---- where it is ---- */

unsigned link_address_count(const struct engine *e)
{
	return (unsigned)e->config->server.count;
}

bool link_is_enrolled(const struct engine *e)
{
	return e->link && e->link->enrolled && e->config->server.count;
}

bool link_is_up(const struct engine *e)
{
	return link_is_enrolled(e) && e->link->up && mono_ms() - e->link->heard_ms < UP_MS;
}

const struct client_identity *link_identity(const struct engine *e)
{
	return link_is_enrolled(e) ? &e->link->identity : NULL;
}

bool link_address_uri(
	const struct engine *e, unsigned index, const char *server_queue, char *uri, size_t size)
{
	int n;

	if (index >= e->config->server.count)
		return false;
	n = server_queue ? snprintf(uri, size, "%s/ipp/print/%s", e->config->server.address[index],
				   server_queue)
			 : snprintf(uri, size, "%s/ipp/system", e->config->server.address[index]);
	return n > 0 && (size_t)n < size;
}

static unsigned address(const struct engine *e)
{
	return e->link && e->link->address < e->config->server.count ? e->link->address : 0;
}

bool link_system_uri(struct engine *e, char *uri, size_t size)
{
	return link_address_uri(e, address(e), NULL, uri, size);
}

bool link_resource_uri(struct engine *e, const char *name, char *uri, size_t size)
{
	unsigned at = address(e);
	int n;

	if (at >= e->config->server.count)
		return false;
	n = snprintf(uri, size, "%s/ipp/res/%s", e->config->server.address[at], name);
	return n > 0 && (size_t)n < size;
}

bool link_queue_uri(struct engine *e, const struct config_queue *q, char *uri, size_t size)
{
	return q->stillprint && link_address_uri(e, address(e), q->server_queue, uri, size);
}

void link_use_address(struct engine *e, unsigned index)
{
	if (e->link)
		e->link->address = index;
}

bool link_owns(const struct engine *e, const char *uri)
{
	for (size_t i = 0; i < e->config->server.count; i++) {
		size_t n = strlen(e->config->server.address[i]);

		if (!strncmp(uri, e->config->server.address[i], n) && uri[n] == '/')
			return true;
	}
	return false;
}

int link_send(struct engine *e, const char *uri, ipp_t *ipp, int32_t total_ms, client_done_fn *done,
	void *arg, struct client_call **call)
{
	struct client_request r = {.uri = uri,
		.ipp = ipp,
		.identity = link_identity(e),
		.repeatable = true,
		.connect_ms = CONNECT_MS,
		.total_ms = total_ms,
		.stall_ms = total_ms};
	int rc = r.identity ? client_send(e->client, &r, done, arg, call) : -EACCES;

	ippDelete(ipp);
	return rc;
}

/* ---- is it there? ---- */

void link_look(struct engine *e)
{
	struct link *l = e->link;

	if (l && !l->up && !l->call && link_is_enrolled(e))
		timer_set(e, &l->again, 0, subscribe, l);
}

static void suspect(struct engine *e)
{
	for (size_t i = 0; i < e->queue_count; i++)
		if (e->queue[i].config->stillprint && e->queue[i].upstream)
			upstream_suspect(e->queue[i].upstream);
}

void link_failed(struct engine *e)
{
	struct link *l = e->link;

	/* The poll may be parked on a connection that still stands: ask at once, not when it comes back. */
	if (l && l->up && l->call) {
		client_cancel(l->call);
		l->call = NULL;
		timer_set(e, &l->again, AGAIN_MS, subscribe, l);
	}
	if (l)
		l->up = false;
	suspect(e);
}

static void try_later(struct link *l)
{
	int64_t ms =
		(int64_t)AGAIN_MS << (l->failures < AGAIN_DOUBLES ? l->failures : AGAIN_DOUBLES);
	uint32_t chance = 0;

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != sizeof(chance))
		chance = (uint32_t)mono_ms();
	l->failures++;
	if (l->failures > 1 && l->engine->config->server.count > 1)
		l->address = (l->address + 1) % (unsigned)l->engine->config->server.count;
	timer_set(l->engine, &l->again, ms / 2 + chance % (ms / 2 + 1), subscribe, l);
}

static void lost(struct link *l, const struct client_reply *reply)
{
	if (l->up || !l->failures)
		log_event(LOG_LVL_INFO, "event=server-link-lost fault=%s status=0x%04x detail=%s",
			client_fault_name(reply->fault), (unsigned)reply->status,
			log_quote(reply->detail));
	link_failed(l->engine);
	/* Refused as a machine: for good? There is one place that says so. */
	if (reply->fault == CLIENT_AUTH || reply->status == IPP_STATUS_ERROR_NOT_AUTHORIZED)
		credentials_fetch(l->engine);
	try_later(l);
}

/* ---- the incarnation ---- */

static int work_incarnation(void *arg, struct store *s)
{
	return store_setting_put(s, INCARNATION, arg);
}

static void incarnation_kept(void *arg, int rc)
{
	if (rc)
		log_event(LOG_LVL_ERROR, "event=incarnation-commit-failed error=%d", rc);
	free(arg);
}

void link_heard(struct engine *e, int32_t incarnation)
{
	struct link *l = e->link;
	char *text;

	if (!l || incarnation <= 0 || incarnation == l->incarnation)
		return;
	log_event(LOG_LVL_WARNING, "event=server-incarnation from=%d to=%d", l->incarnation,
		incarnation);
	text = must(malloc(16));
	snprintf(text, 16, "%d", incarnation);
	worker_post(e->storer, work_incarnation, incarnation_kept, text);
	if (!l->incarnation) { /* the first one met: nothing was known to another */
		l->incarnation = incarnation;
		return;
	}
	l->incarnation = incarnation;
	/* Its database is an older one: what it was told since is told again. */
	for (struct job *j = e->jobs; j; j = j->next)
		if (job_is_registered(j) && !j->busy && !j->claim)
			plan_release(j, NULL);
	settle_resync(e);
	l->subscription = 0;
	if (l->call) /* it waits for events of a subscription that is no more */
		client_cancel(l->call);
	l->call = NULL;
	timer_set(e, &l->again, 0, subscribe, l);
}

/* ---- its word on a job ---- */

struct job *link_find(struct engine *e, const char *uuid)
{
	for (struct job *j = e->jobs; j; j = j->next)
		if (!strcmp(j->row.document_uuid, uuid))
			return j;
	return NULL;
}

/* It was deleted there by its user, or held for too long, while nothing had left this computer. */
void link_over_there(struct job *j, int state)
{
	char label[300];
	struct uri u;

	if (j->busy || !job_is_free(j->row.state) || j->delivery)
		return;
	claim_stop(j);
	registrar_stop(j);
	snprintf(label, sizeof(label), "%s",
		uri_parse(j->engine->config->server.address[address(j->engine)], &u) ? "" : u.host);
	j->row.server.told = state; /* goes with the end */
	if (state == IPP_JSTATE_CANCELED)
		job_end(j, JOB_CANCELED, JOB_R_CANCELED_AT_SERVER, label, CERTAINTY_SERVER);
	else
		job_end(j, JOB_EXPIRED, JOB_R_EXPIRED, "the server keeps jobs", CERTAINTY_SERVER);
}

/* ---- events ---- */

/* A release of a job that is over here: the server had not heard of the end, or knew it from a message that came late. */
static void released_in_vain(struct job *j)
{
	if (j->row.server.remote_id)
		report_now(j);
	else
		resync_soon(j->engine);
}

static void fetch_resources(struct engine *e)
{
	policies_fetch(e);
	credentials_fetch(e);
}

static void event(void *arg, const struct holder_answer *one)
{
	struct link *l = arg;
	struct job *j = one->uuid[0] ? link_find(l->engine, one->uuid) : NULL;

	if (one->subscription && one->subscription != l->subscription)
		return;
	if (one->sequence >= l->next)
		l->next = one->sequence + 1;
	link_heard(l->engine, one->incarnation);
	if (!strcmp(one->event, "resource-config-changed"))
		fetch_resources(l->engine);
	else if (!strcmp(one->event, "printer-state-changed"))
		upstreams_look_again(l->engine);
	else if (j && !strcmp(one->event, "job-fetchable") && job_is_final(j->row.state))
		released_in_vain(j);
	else if (j && !strcmp(one->event, "job-fetchable"))
		claim_start(j);
	else if (j && one->canceling && claim_cancel(j))
		; /* with the answer to Acknowledge-Job */
	else if (j && one->canceling)
		report_now(j); /* the answer to it says that it is canceled */
	else if (j && (one->state == IPP_JSTATE_CANCELED || one->state == IPP_JSTATE_ABORTED))
		link_over_there(j, one->state);
}

static void synchronise(struct engine *e)
{
	resync_start(e);
	report_all(e);
	settle_resync(e);
	fetch_resources(e);
}

static void heard(struct link *l)
{
	bool first = !l->up;

	l->up = true;
	l->heard_ms = mono_ms();
	l->failures = 0;
	if (!first)
		return;
	log_event(LOG_LVL_INFO, "event=server-link-up address=%s",
		log_quote(l->engine->config->server.address[address(l->engine)]));
	upstreams_look(l->engine);
	synchronise(l->engine);
}

static void renewed(void *arg, const struct client_reply *reply)
{
	struct link *l = arg;

	l->call = NULL;
	if (client_is_good(reply))
		l->renew_ms = mono_ms() + RENEW_MS;
	else
		l->subscription = 0;
	poll_events(l);
}

static void polled(void *arg, const struct client_reply *reply)
{
	struct link *l = arg;

	l->call = NULL;
	if (reply->fault == CLIENT_OK && reply->status == IPP_STATUS_ERROR_NOT_FOUND) {
		l->subscription = 0; /* it lapsed: what happened meanwhile is asked for */
		l->up = false;
		timer_set(l->engine, &l->again, AGAIN_MS, subscribe, l);
		return;
	}
	if (!client_is_good(reply)) {
		lost(l, reply);
		return;
	}
	heard(l);
	holder_each(reply->ipp, IPP_TAG_EVENT_NOTIFICATION, event, l);
	poll_events(l);
}

static void poll_events(struct link *l)
{
	char uri[CONFIG_URI_MAX];
	ipp_t *r;
	bool renew = l->subscription && mono_ms() > l->renew_ms;

	if (!l->subscription || !link_system_uri(l->engine, uri, sizeof(uri))) {
		subscribe(l);
		return;
	}
	/* The first one after a failure is answered at once: is it there? */
	r = renew ? holder_renew(uri, l->subscription)
		  : holder_poll(uri, l->subscription, l->next, l->up);
	if (link_send(l->engine, uri, must(r), l->up && !renew ? POLL_MS : ASK_MS,
		    renew ? renewed : polled, l, &l->call))
		try_later(l);
}

static void subscribed(void *arg, const struct client_reply *reply)
{
	struct link *l = arg;
	struct holder_answer a;

	l->call = NULL;
	if (reply->fault == CLIENT_OK)
		holder_read(reply->ipp, &a);
	if (!client_is_good(reply) || !a.subscription) {
		lost(l, reply);
		return;
	}
	l->subscription = a.subscription;
	l->next = 1;
	l->renew_ms = mono_ms() + RENEW_MS;
	link_heard(l->engine, a.incarnation);
	l->subscription = a.subscription;
	if (l->up)
		synchronise(l->engine);
	heard(l);
	poll_events(l);
}

static void subscribe(void *arg)
{
	struct link *l = arg;
	char uri[CONFIG_URI_MAX];

	timer_stop(&l->again);
	if (l->call || !link_is_enrolled(l->engine) ||
		!link_system_uri(l->engine, uri, sizeof(uri)))
		return;
	if (l->subscription) { /* it goes on where it was */
		poll_events(l);
		return;
	}
	if (link_send(l->engine, uri, must(holder_subscribe(uri)), ASK_MS, subscribed, l, &l->call))
		try_later(l);
}

/* ---- life ---- */

static void load_incarnation(struct link *l)
{
	char text[16];

	if (!store_setting_get(l->engine->store, INCARNATION, text, sizeof(text)))
		l->incarnation = atoi(text);
}

void link_start(struct engine *e)
{
	struct link *l = e->link;
	int rc;

	if (!l) {
		l = e->link = must(calloc(1, sizeof(*l)));
		l->engine = e;
		if (!e->started)
			load_incarnation(l);
	}
	timer_stop(&l->again);
	if (l->call)
		client_cancel(l->call);
	resync_stop(e);
	l->call = NULL;
	l->subscription = 0;
	l->failures = 0;
	l->up = false;
	rc = e->config->server.count ? identity_load(paths_state(), &l->who) : IDENTITY_E_NONE;
	l->enrolled = !rc;
	if (l->enrolled)
		settle_belong(e, &l->who);
	l->identity = (struct client_identity){.ca_file = l->who.ca_file,
		.cert_file = l->who.cert_file,
		.key_file = l->who.key_file,
		.server_uuid = l->who.server_uuid};
	if (e->config->server.count && rc)
		log_event(LOG_LVL_WARNING, "event=not-enrolled server=%s error=%d",
			log_quote(e->config->server.address[0]), rc);
	policies_start(e);
	credentials_start(e);
	/* What a server did not accept from this computer may be right now. */
	for (struct job *j = e->jobs; j && e->started && l->enrolled; j = j->next)
		if (j->row.state == JOB_HELD && j->row.reason == JOB_R_NOT_ENROLLED && !j->busy)
			plan_release(j, NULL);
	subscribe(l);
}

void link_free(struct engine *e)
{
	struct link *l = e->link;

	if (!l)
		return;
	if (l->call)
		client_cancel(l->call);
	resync_free(e);
	timer_stop(&l->again);
	policies_free(e);
	credentials_free(e);
	e->link = NULL;
	free(l);
}
