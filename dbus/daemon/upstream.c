/* SPDX-License-Identifier: Apache-2.0 */
/* upstream - is a queue's server there? Two detectors: idle, one probe now and then; and a round, when somebody waits.
 *
 * A round (ARCHITECTURE decision 10): probes at 0, 1 and 2 s; refused or broken twice is lost; silence is lost at 4 s;
 * one good answer ends it at once. A probe is Get-Printer-Attributes on the very queue, with its TLS and login, and
 * its answer is what the delivery needs to know of the printer anyway. */
#include "engine-private.h"

#include <string.h>

#include "base/log.h"
#include "base/mono.h"
#include "link.h"
#include "must.h"
#include "network.h"

enum {
	ROUND_PROBES = 24,
	ROUND_DEADLINE_MS = 4000,
	ROUND_AGAIN_MS = 250, /* after a refusal: twice within 0.5 s */
	DEGRADED_AGAIN_MS = 500,
	DEGRADED_MAX = 3,
	REFUSING_PROBE_MS = 15000,
	LOOK_AGAIN_MS = 1000,
	LATE_MS = 1000, /* a deadline that comes so much later says that we were stopped */
	DISTRUST_MS = 30000,
	DISTRUST_DOUBLES = 5,
};

struct asker {
	struct asker *next;
	upstream_fn *done;
	void *arg;
};

struct round_slot {
	struct upstream *u;
	unsigned index;
	unsigned address; /* of a server with several */
};

struct upstream {
	struct upstream *next;
	struct engine *engine;
	char uri[CONFIG_URI_MAX];
	char server_queue
		[128]; /* a queue of the server of our own, which may have several addresses; else "" */
	unsigned idle_address;
	bool look_again; /* as soon as what is under way is over */
	enum health health;
	int64_t since_s;
	char detail[256];
	char planned[256]; /* what its administrator says of a maintenance to come, "": none */
	bool stale; /* not in the present configuration */
	/* the round */
	bool running;
	struct probe *probe[ROUND_PROBES];
	struct round_slot slot[ROUND_PROBES];
	unsigned started, scheduled, broken, degraded;
	struct timer next_probe, deadline;
	int64_t deadline_ms;
	struct asker *askers;
	/* the idle detector */
	struct probe *idle_probe;
	struct timer idle;
	/* it answers, but takes no jobs */
	int64_t distrust_until_ms;
	unsigned distrusts;
};

static void idle_set(struct upstream *u);
static void round_start(struct upstream *u);

const char *health_name(enum health h)
{
	static const char *const names[] = {
		[HEALTH_UNKNOWN] = "unknown",
		[HEALTH_OK] = "ok",
		[HEALTH_CHECKING] = "checking",
		[HEALTH_LOST] = "lost",
		[HEALTH_DEGRADED] = "degraded",
		[HEALTH_OFFLINE] = "offline",
		[HEALTH_REFUSING] = "refusing",
		[HEALTH_AUTH] = "authentication-required",
		[HEALTH_CERTIFICATE] = "certificate-changed",
	};

	return names[h];
}

enum health upstream_health(const struct upstream *u)
{
	return u->health;
}

const char *upstream_uri(const struct upstream *u)
{
	return u->uri;
}

struct engine *upstream_engine(const struct upstream *u)
{
	return u->engine;
}

void upstream_view(const struct upstream *u, struct engine_queue *out)
{
	out->health =
		health_name(u->running && u->health != HEALTH_OK ? HEALTH_CHECKING : u->health);
	out->health_since_s = u->since_s;
	out->health_detail = u->detail;
}

static void health_set(struct upstream *u, enum health h, const char *detail)
{
	struct engine *e = u->engine;

	snprintf(u->detail, sizeof(u->detail), "%s",
		h == HEALTH_OK ? u->planned
		: detail       ? detail
			       : "");
	if (u->health == h)
		return;
	log_event(LOG_LVL_INFO, "event=upstream-health upstream=%s from=%s to=%s detail=%s",
		log_quote(u->uri), health_name(u->health), health_name(h), log_quote(u->detail));
	u->health = h;
	u->since_s = mono_utc_s();
	for (size_t i = 0; i < e->queue_count; i++)
		if (e->queue[i].upstream == u && e->listener.queue_changed)
			e->listener.queue_changed(e->listener.arg, e->queue[i].config->name);
	plan_upstream_changed(e, u);
}

static void round_clear(struct upstream *u)
{
	for (unsigned i = 0; i < u->started; i++) {
		probe_cancel(u->probe[i]);
		u->probe[i] = NULL;
	}
	timer_stop(&u->next_probe);
	timer_stop(&u->deadline);
	u->running = false;
	u->started = 0;
}

static enum health lost_or_offline(const struct upstream *u)
{
	struct uri parsed;

	if (u->engine->online || uri_parse(u->uri, &parsed) || network_is_loopback(parsed.host))
		return HEALTH_LOST;
	return HEALTH_OFFLINE;
}

static enum target_health target_of(enum health h)
{
	switch (h) {
	case HEALTH_OK:
		return TARGET_OK;
	case HEALTH_REFUSING:
		return TARGET_REFUSING;
	case HEALTH_AUTH:
		return TARGET_AUTH;
	case HEALTH_CERTIFICATE:
		return TARGET_CERTIFICATE;
	case HEALTH_DEGRADED:
		return TARGET_DEGRADED;
	default:
		return TARGET_UNREACHABLE;
	}
}

static void verdict(struct upstream *u, enum health h, const char *detail,
	const struct target_info *info, ipp_t *answer)
{
	struct asker *askers = u->askers, *next;

	round_clear(u);
	u->askers = NULL;
	health_set(u, h, detail);
	idle_set(u);
	for (; askers; askers = next) {
		next = askers->next;
		askers->done(askers->arg, target_of(h), info, answer);
		free(askers);
	}
}

static enum health health_of(enum target_health t)
{
	switch (t) {
	case TARGET_OK:
		return HEALTH_OK;
	case TARGET_REFUSING:
		return HEALTH_REFUSING;
	case TARGET_AUTH:
		return HEALTH_AUTH;
	case TARGET_CERTIFICATE:
		return HEALTH_CERTIFICATE;
	case TARGET_DEGRADED:
		return HEALTH_DEGRADED;
	case TARGET_UNREACHABLE:
		break;
	}
	return HEALTH_LOST;
}

static void next_probe_due(void *arg);

static unsigned addresses(const struct upstream *u)
{
	unsigned count = u->server_queue[0] ? link_address_count(u->engine) : 1;

	return count ? count : 1;
}

/* It will stop, but not yet: who has something waiting there is told in time. */
static void heed_plan(struct upstream *u, const char *words)
{
	struct engine *e = u->engine;

	if (!strcmp(u->planned, words))
		return;
	snprintf(u->planned, sizeof(u->planned), "%s", words);
	log_event(LOG_LVL_INFO, "event=maintenance-planned upstream=%s words=%s", log_quote(u->uri),
		log_quote(u->planned));
	if (u->health == HEALTH_OK)
		snprintf(u->detail, sizeof(u->detail), "%s", u->planned);
	for (size_t i = 0; i < e->queue_count; i++)
		if (e->queue[i].upstream == u && e->listener.queue_changed)
			e->listener.queue_changed(e->listener.arg, e->queue[i].config->name);
	if (u->planned[0])
		notice_planned(e, u, u->planned);
}

/* The administrator of the server has announced that it stops, or that it goes on: by its rules for outages. */
static void heed_maintenance(
	struct upstream *u, enum target_health t, const struct target_info *info)
{
	bool on = t == TARGET_REFUSING && strstr(info->reasons, "paused");

	heed_plan(u,
		t == TARGET_OK && strstr(info->reasons, "moving-to-paused") ? info->message : "");
	for (size_t i = 0; u->server_queue[0] && i < u->engine->queue_count; i++) {
		struct queue_state *q = &u->engine->queue[i];
		bool ours = q->outage.on && !strcmp(q->outage.decided_by, "server");

		if (q->upstream != u)
			continue;
		if (on && !q->outage.on)
			engine_outage_start(
				u->engine, q->config->name, 0, info->message, "server", NULL, NULL);
		else if (!on && ours && t == TARGET_OK)
			engine_outage_stop(u->engine, q->config->name, "server", NULL, NULL);
	}
}

static void probe_done(void *arg, enum target_health t, const struct target_info *info,
	ipp_t *answer, const struct client_reply *reply)
{
	struct round_slot *slot = arg;
	struct upstream *u = slot->u;

	u->probe[slot->index] = NULL;
	if (t == TARGET_UNREACHABLE) {
		if (reply->fault == CLIENT_SILENT)
			return; /* the deadline speaks */
		if (++u->broken >= 2 * addresses(u))
			verdict(u, lost_or_offline(u), reply->detail, NULL, NULL);
		else
			timer_set(u->engine, &u->next_probe,
				u->broken % addresses(u) ? 0 : ROUND_AGAIN_MS, next_probe_due, u);
		return;
	}
	if (u->server_queue[0] && (t == TARGET_OK || t == TARGET_REFUSING)) {
		link_use_address(u->engine, slot->address);
		heed_maintenance(u, t, info);
	}
	if (t == TARGET_DEGRADED && ++u->degraded < DEGRADED_MAX) {
		timer_set(u->engine, &u->next_probe, DEGRADED_AGAIN_MS, next_probe_due, u);
		return;
	}
	verdict(u, health_of(t), reply->detail, info, answer);
}

static void probe_uri(const struct upstream *u, unsigned address, char *uri, size_t size)
{
	if (!u->server_queue[0] ||
		!link_address_uri(u->engine, address, u->server_queue, uri, size))
		snprintf(uri, size, "%s", u->uri);
}

static void probe_now(struct upstream *u)
{
	unsigned i = u->started;
	char uri[CONFIG_URI_MAX];

	if (i >= ROUND_PROBES)
		return;
	u->slot[i] = (struct round_slot){.u = u, .index = i, .address = i % addresses(u)};
	u->started++;
	probe_uri(u, u->slot[i].address, uri, sizeof(uri));
	u->probe[i] = probe_start(
		u->engine, uri, ROUND_DEADLINE_MS, ROUND_DEADLINE_MS, probe_done, &u->slot[i]);
}

static void next_probe_due(void *arg)
{
	struct upstream *u = arg;

	probe_now(u);
	if (++u->scheduled < 3)
		timer_set(u->engine, &u->next_probe, 1000, next_probe_due, u);
}

static void deadline_due(void *arg)
{
	struct upstream *u = arg;

	if (mono_ms() - u->deadline_ms > LATE_MS) { /* it was we who did not listen */
		round_clear(u);
		round_start(u);
		return;
	}
	verdict(u, u->degraded ? HEALTH_DEGRADED : lost_or_offline(u), "no answer within 4 s", NULL,
		NULL);
}

static void round_start(struct upstream *u)
{
	if (u->running)
		return;
	u->running = true;
	u->started = u->broken = u->degraded = 0;
	u->scheduled = 1;
	probe_cancel(u->idle_probe);
	u->idle_probe = NULL;
	timer_stop(&u->idle);
	u->deadline_ms = mono_ms() + ROUND_DEADLINE_MS;
	timer_set(u->engine, &u->deadline, ROUND_DEADLINE_MS, deadline_due, u);
	timer_set(u->engine, &u->next_probe, 1000, next_probe_due, u);
	probe_now(u);
}

void upstream_ask(struct upstream *u, upstream_fn *done, void *arg)
{
	struct asker *a = must(calloc(1, sizeof(*a)));

	a->done = done;
	a->arg = arg;
	a->next = u->askers;
	u->askers = a;
	round_start(u);
}

void upstream_forget(struct upstream *u, void *arg)
{
	for (struct asker **at = &u->askers, *a; (a = *at);) {
		if (a->arg != arg) {
			at = &a->next;
			continue;
		}
		*at = a->next;
		free(a);
	}
}

void upstream_suspect(struct upstream *u)
{
	if (u->health == HEALTH_OK || u->health == HEALTH_UNKNOWN)
		round_start(u);
}

void upstream_distrust(struct upstream *u, const char *why)
{
	char detail[256];

	u->distrust_until_ms = mono_ms() + ((int64_t)DISTRUST_MS << u->distrusts);
	if (u->distrusts < DISTRUST_DOUBLES)
		u->distrusts++;
	snprintf(detail, sizeof(detail), "it answers, but takes no jobs: %.200s", why);
	verdict(u, HEALTH_DEGRADED, detail, NULL, NULL);
}

void upstream_trust(struct upstream *u)
{
	u->distrust_until_ms = 0;
	u->distrusts = 0;
}

/* ---- idle ---- */

static void idle_answered(void *arg, enum target_health t, const struct target_info *info,
	ipp_t *answer, const struct client_reply *reply)
{
	struct upstream *u = arg;

	(void)answer;
	u->idle_probe = NULL;
	if (u->server_queue[0] && (t == TARGET_OK || t == TARGET_REFUSING)) {
		link_use_address(u->engine, u->idle_address);
		heed_maintenance(u, t, info);
	}
	if (t == TARGET_OK && mono_ms() < u->distrust_until_ms) {
		; /* its word is not enough */
	} else if (t == TARGET_OK) {
		if (u->health == HEALTH_OK)
			plan_forgiven(u->engine, u);
		health_set(u, HEALTH_OK, "");
	} else if (t == TARGET_UNREACHABLE || t == TARGET_DEGRADED) {
		if (u->health != HEALTH_LOST && u->health != HEALTH_DEGRADED &&
			u->health != HEALTH_OFFLINE) {
			round_start(u);
			return;
		}
		if (u->health != HEALTH_DEGRADED)
			health_set(u, lost_or_offline(u), reply->detail);
	} else {
		health_set(u, health_of(t), reply->detail);
	}
	idle_set(u);
}

static void idle_due(void *arg)
{
	struct upstream *u = arg;

	char uri[CONFIG_URI_MAX];

	if (u->running || u->idle_probe)
		return;
	/* One that is lost may be back at another of its addresses. */
	if (u->health != HEALTH_OK)
		u->idle_address = (u->idle_address + 1) % addresses(u);
	probe_uri(u, u->idle_address, uri, sizeof(uri));
	u->idle_probe =
		probe_start(u->engine, uri, ROUND_DEADLINE_MS, ROUND_DEADLINE_MS, idle_answered, u);
	if (!u->idle_probe)
		idle_set(u);
}

static void idle_set(struct upstream *u)
{
	const struct config *c = u->engine->config;
	int64_t ms = (int64_t)c->probe_idle_s * 1000;

	if (u->stale)
		return;
	if (u->look_again) {
		u->look_again = false;
		timer_set(u->engine, &u->idle, LOOK_AGAIN_MS, idle_due, u);
		return;
	}
	if (u->health == HEALTH_LOST || u->health == HEALTH_DEGRADED || u->health == HEALTH_OFFLINE)
		ms = (int64_t)c->probe_lost_s * 1000;
	else if (u->health != HEALTH_OK && ms > REFUSING_PROBE_MS)
		ms = REFUSING_PROBE_MS;
	timer_set(u->engine, &u->idle, ms, idle_due, u);
}

/* ---- the set of them ---- */

static struct upstream *upstream_of(struct engine *e, const char *uri)
{
	struct upstream *u;

	for (u = e->upstreams; u; u = u->next)
		if (!strcmp(u->uri, uri))
			break;
	if (!u) {
		u = must(calloc(1, sizeof(*u)));
		u->engine = e;
		u->since_s = mono_utc_s();
		snprintf(u->uri, sizeof(u->uri), "%s", uri);
		u->next = e->upstreams;
		e->upstreams = u;
	}
	u->stale = false;
	return u;
}

static void upstream_free(struct upstream *u)
{
	struct asker *next;

	round_clear(u);
	for (; u->askers; u->askers = next) {
		next = u->askers->next;
		free(u->askers);
	}
	probe_cancel(u->idle_probe);
	timer_stop(&u->idle);
	free(u);
}

int upstreams_set(struct engine *e)
{
	struct upstream *u;

	for (u = e->upstreams; u; u = u->next)
		u->stale = true;
	for (size_t i = 0; i < e->queue_count; i++) {
		u = e->queue[i].config->upstream[0] ? upstream_of(e, e->queue[i].config->upstream)
						    : NULL;
		e->queue[i].upstream = u;
		if (u)
			snprintf(u->server_queue, sizeof(u->server_queue), "%s",
				e->queue[i].config->server_queue);
		/* A new configuration may be the mend of what was wrong: look at once. */
		if (u && u->health != HEALTH_OK && !u->running)
			timer_set(e, &u->idle, 0, idle_due, u);
	}
	/* Stale ones keep still: a job of theirs may still be followed there. */
	for (u = e->upstreams; u; u = u->next)
		if (u->stale)
			timer_stop(&u->idle);
	return 0;
}

void upstreams_free(struct engine *e)
{
	struct upstream *u, *next;

	for (u = e->upstreams; u; u = next) {
		next = u->next;
		upstream_free(u);
	}
	e->upstreams = NULL;
}

void upstreams_look_again(struct engine *e)
{
	for (struct upstream *u = e->upstreams; u; u = u->next) {
		if (u->stale || !u->server_queue[0])
			continue;
		u->look_again = u->running || u->idle_probe;
		if (!u->look_again)
			timer_set(e, &u->idle, 0, idle_due, u);
	}
}

void upstreams_look(struct engine *e)
{
	for (struct upstream *u = e->upstreams; u; u = u->next)
		if (!u->stale && !u->running && u->health != HEALTH_OK)
			timer_set(e, &u->idle, 0, idle_due, u);
}
