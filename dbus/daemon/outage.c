/* SPDX-License-Identifier: Apache-2.0 */
/* outage - planned ones: the administrator switches a queue to its fallbacks at once, with a message and an end. */
#include "engine-private.h"

#include <string.h>

#include "base/log.h"
#include "base/mono.h"
#include "must.h"

enum { DAY_S = 24 * 3600 }; /* looked at so often at least: the wall clock may be set */

static void setting_name(char *out, size_t size, const char *queue)
{
	snprintf(out, size, "outage:%s", queue);
}

/* ---- kept over restarts as "until message" ---- */

struct put {
	char name[160];
	char value[600];
	bool on;
};

static int work_put(void *arg, struct store *s)
{
	struct put *p = arg;

	return store_setting_put(s, p->name, p->on ? p->value : NULL);
}

static void put_done(void *arg, int rc)
{
	if (rc)
		log_event(LOG_LVL_ERROR, "event=outage-commit-failed error=%d", rc);
	free(arg);
}

static void keep(struct engine *e, const struct queue_state *q)
{
	struct put *p = must(calloc(1, sizeof(*p)));

	setting_name(p->name, sizeof(p->name), q->config->name);
	snprintf(p->value, sizeof(p->value), "%lld %s", (long long)q->outage.until_s,
		q->outage.message);
	p->on = q->outage.on;
	worker_post(e->storer, work_put, put_done, p);
}

int outages_load(struct engine *e)
{
	for (size_t i = 0; i < e->queue_count; i++) {
		struct queue_state *q = &e->queue[i];
		char name[160], value[600], *space;
		int rc;

		setting_name(name, sizeof(name), q->config->name);
		rc = store_setting_get(e->store, name, value, sizeof(value));
		if (rc < 0)
			return rc;
		if (rc)
			continue;
		q->outage.on = true;
		q->outage.until_s = strtoll(value, &space, 10);
		snprintf(q->outage.message, sizeof(q->outage.message), "%s",
			*space == ' ' ? space + 1 : "");
	}
	return 0;
}

/* ---- beginning and end ---- */

static void changed(struct engine *e, struct queue_state *q)
{
	if (e->listener.queue_changed)
		e->listener.queue_changed(e->listener.arg, q->config->name);
	if (q->upstream)
		plan_upstream_changed(e, q->upstream);
	plan_kick(e);
}

static void end_due(void *arg)
{
	struct queue_state *q = arg;
	struct engine *e = q->upstream ? upstream_engine(q->upstream) : NULL;

	if (!e || !q->outage.on)
		return;
	if (q->outage.until_s > mono_utc_s()) { /* wall time was set back meanwhile */
		outages_watch(e);
		return;
	}
	q->outage.on = false;
	keep(e, q);
	audit(e, NULL, "outage-ended", "policy", q->config->name, "", false);
	changed(e, q);
}

void outages_watch(struct engine *e)
{
	for (size_t i = 0; i < e->queue_count; i++) {
		struct queue_state *q = &e->queue[i];
		int64_t left_s = q->outage.until_s - mono_utc_s();

		timer_stop(&q->outage_end);
		if (q->outage.on && q->outage.until_s)
			timer_set(e, &q->outage_end,
				left_s <= 0      ? 0
				: left_s < DAY_S ? left_s * 1000
						 : DAY_S * 1000,
				end_due, q);
	}
}

static void answer(struct engine *e, unsigned count, engine_reply_fn *reply, void *arg)
{
	reply_later(e, reply, arg, count ? ENGINE_OK : ENGINE_E_NO_SUCH,
		count ? "" : "There is no such queue; `stillprint status` lists them");
}

void engine_outage_start(struct engine *e, const char *queue, int64_t until_s, const char *message,
	const char *decided_by, engine_reply_fn *reply, void *arg)
{
	unsigned count = 0;

	for (size_t i = 0; i < e->queue_count; i++) {
		struct queue_state *q = &e->queue[i];

		if (queue[0] && strcmp(queue, q->config->name))
			continue;
		count++;
		q->outage.on = true;
		q->outage.until_s = until_s;
		snprintf(q->outage.message, sizeof(q->outage.message), "%s", message);
		snprintf(q->outage.decided_by, sizeof(q->outage.decided_by), "%s", decided_by);
		keep(e, q);
		audit(e, NULL, "outage-started", decided_by, q->config->name, "", false);
		changed(e, q);
	}
	outages_watch(e);
	answer(e, count, reply, arg);
}

void engine_outage_stop(struct engine *e, const char *queue, const char *decided_by,
	engine_reply_fn *reply, void *arg)
{
	unsigned count = 0;

	for (size_t i = 0; i < e->queue_count; i++) {
		struct queue_state *q = &e->queue[i];

		if (queue[0] && strcmp(queue, q->config->name))
			continue;
		count++;
		if (!q->outage.on)
			continue;
		q->outage.on = false;
		keep(e, q);
		audit(e, NULL, "outage-ended", decided_by, q->config->name, "", false);
		changed(e, q);
	}
	outages_watch(e);
	answer(e, count, reply, arg);
}
