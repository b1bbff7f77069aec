/* SPDX-License-Identifier: Apache-2.0 */
/* resync - what the server sees otherwise than we do, after each new meeting and whenever a message may have been lost:
 *
 *   fetchable  Get-Jobs: what was released meanwhile                     is claimed: somebody stands there
 *   known      Get-Jobs: what it takes for ours, in batches              over or gone here: it is told
 *   active     Update-Active-Jobs: what we hold there, in batches        unknown there: made known; over there: ended
 * One request at a time. A batch that fails is asked again; the rest of a round that was begun anew is forgotten. */
#include "link.h"

#include <string.h>

#include "base/log.h"
#include "base/mono.h"
#include "engine-private.h"
#include "ipp/holder.h"
#include "must.h"

enum {
	ASK_MS = 10000,
	AGAIN_MS = 5000,
	SOON_MS = 1000,
	/* Each one is looked for among all of ours: no longer than a few milliseconds on the loop. */
	KNOWN_BATCH = 250,
	GONE_MAX = 64, /* told in a round; the next round tells the rest */
};

struct resync {
	struct engine *engine;
	struct client_call *call;
	struct timer again;
	int32_t known_from; /* the next batch of the server's */
	int32_t active_after; /* of ours: what has a higher number there */
	int batch; /* answered in this one */
	int32_t gone[GONE_MAX];
	unsigned gone_count;
};

static void ask_fetchable(void *arg);
static void ask_known(struct resync *r);
static void tell_gone(struct resync *r);
static void ask_active(struct resync *r);

static void again(struct resync *r, int64_t ms)
{
	timer_set(r->engine, &r->again, ms, ask_fetchable, r);
}

/* Asks from the beginning if it cannot be asked; when the link is there again, it begins anew anyhow. */
static void ask(struct resync *r, ipp_t *message, client_done_fn *answered)
{
	char uri[CONFIG_URI_MAX];

	if (!link_system_uri(r->engine, uri, sizeof(uri)))
		ippDelete(message);
	else if (link_send(r->engine, uri, message, ASK_MS, answered, r, &r->call))
		again(r, AGAIN_MS);
}

static bool system_uri(struct resync *r, char *uri, size_t size)
{
	return link_system_uri(r->engine, uri, size);
}

/* Return: false if it was no answer; then all begins again later. */
static bool is_answer(struct resync *r, const struct client_reply *reply)
{
	r->call = NULL;
	if (client_is_good(reply))
		return true;
	again(r, AGAIN_MS);
	return false;
}

/* ---- what we hold there ---- */

static struct job *find_remote(struct engine *e, int32_t remote_id)
{
	for (struct job *j = e->jobs; j; j = j->next)
		if (j->row.server.remote_id == remote_id)
			return j;
	return NULL;
}

static void sees(struct job *j, int state)
{
	if (state == IPP_JSTATE_CANCELED || state == IPP_JSTATE_ABORTED)
		link_over_there(j, state);
	else if (state == IPP_JSTATE_PENDING)
		claim_start(j);
	else
		report_kick(j);
}

static void read_active(struct engine *e, ipp_t *answer)
{
	ipp_attribute_t *ids = ippFindAttribute(answer, "job-ids", IPP_TAG_INTEGER);
	ipp_attribute_t *states =
		ippFindAttribute(answer, "output-device-job-states", IPP_TAG_ENUM);

	for (; ids; ids = ippFindNextAttribute(answer, "job-ids", IPP_TAG_INTEGER)) {
		bool unknown = ippGetGroupTag(ids) == IPP_TAG_UNSUPPORTED_GROUP;

		for (int i = 0; i < ippGetCount(ids); i++) {
			struct job *j = find_remote(e, ippGetInteger(ids, i));

			if (j && unknown && job_is_registered(j) && !j->busy && !j->claim)
				plan_release(j, NULL);
			else if (j && !unknown && i < ippGetCount(states))
				sees(j, ippGetInteger(states, i));
		}
	}
}

static void active_answered(void *arg, const struct client_reply *reply)
{
	struct resync *r = arg;

	if (!is_answer(r, reply))
		return;
	read_active(r->engine, reply->ipp);
	if (r->batch == HOLDER_JOBS_MAX)
		ask_active(r);
	else
		log_event(LOG_LVL_DEBUG, "event=resynchronised");
}

static int ascending(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The lowest numbers beyond those that were asked for; they are in no order here. */
static void ask_active(struct resync *r)
{
	int *ids = NULL, states[HOLDER_JOBS_MAX];
	char uri[CONFIG_URI_MAX];
	size_t count = 0, room = 0;

	for (struct job *j = r->engine->jobs; j; j = j->next) {
		if (!job_is_registered(j) || j->row.server.remote_id <= r->active_after)
			continue;
		if (count == room) {
			room = room ? room * 2 : 64;
			ids = must(realloc(ids, room * sizeof(*ids)));
		}
		ids[count++] = j->row.server.remote_id;
	}
	if (count)
		qsort(ids, count, sizeof(*ids), ascending);
	r->batch = count < HOLDER_JOBS_MAX ? (int)count : HOLDER_JOBS_MAX;
	for (int i = 0; i < r->batch; i++)
		states[i] = IPP_JSTATE_HELD;
	if (r->batch) {
		r->active_after = ids[r->batch - 1];
		if (system_uri(r, uri, sizeof(uri)))
			ask(r, must(holder_active(uri, (unsigned)r->batch, ids, states)),
				active_answered);
	}
	free(ids);
}

/* ---- what it takes for ours ---- */

static void gone_answered(void *arg, const struct client_reply *reply)
{
	struct resync *r = arg;

	r->call = NULL;
	if (reply->fault != CLIENT_OK) {
		again(r, AGAIN_MS);
		return;
	}
	r->gone_count--; /* whatever it said: asking once more would bring the same */
	tell_gone(r);
}

/* Neither the document nor a word of it is here: another disk, or an older one. Its user must not wait for it. */
static void tell_gone(struct resync *r)
{
	char uri[CONFIG_URI_MAX];
	struct holder_status s = {.state = IPP_JSTATE_ABORTED,
		.device_uuid = "",
		.message = "This document is no longer at the computer where it was printed",
		.impressions = -1,
		.sheets = -1,
		.diverted_to = ""};

	if (!r->gone_count) {
		ask_active(r);
		return;
	}
	s.job_id = r->gone[r->gone_count - 1];
	log_event(LOG_LVL_WARNING, "event=gone-here remote=%d", s.job_id);
	if (system_uri(r, uri, sizeof(uri)))
		ask(r, must(holder_status(uri, &s)), gone_answered);
}

static void known(void *arg, const struct holder_answer *one)
{
	struct resync *r = arg;
	struct job *j = link_find(r->engine, one->uuid);

	r->batch++;
	if (one->job_id >= r->known_from)
		r->known_from = one->job_id + 1;
	if (!j && r->gone_count < GONE_MAX && one->job_id > 0) {
		r->gone[r->gone_count++] = one->job_id;
	} else if (j && j->busy && (j->cancel_wanted || job_is_final(j->row.state))) {
		resync_soon(r->engine);
	} else if (j && job_is_final(j->row.state)) {
		j->row.server.remote_id = one->job_id;
		j->row.server.told = 0;
		report_now(j);
	}
}

static void known_answered(void *arg, const struct client_reply *reply)
{
	struct resync *r = arg;

	if (!is_answer(r, reply))
		return;
	r->batch = 0;
	holder_each(reply->ipp, IPP_TAG_JOB, known, r);
	if (r->batch == KNOWN_BATCH)
		ask_known(r);
	else
		tell_gone(r);
}

static void ask_known(struct resync *r)
{
	char uri[CONFIG_URI_MAX];

	if (system_uri(r, uri, sizeof(uri)))
		ask(r, must(holder_known(uri, r->known_from, KNOWN_BATCH)), known_answered);
}

/* ---- what was released ---- */

static void fetchable(void *arg, const struct holder_answer *one)
{
	struct resync *r = arg;
	struct job *j = link_find(r->engine, one->uuid);

	if (j)
		claim_start(j);
}

static void fetchable_answered(void *arg, const struct client_reply *reply)
{
	struct resync *r = arg;

	if (!is_answer(r, reply))
		return;
	holder_each(reply->ipp, IPP_TAG_JOB, fetchable, r);
	r->known_from = 1;
	r->active_after = 0;
	r->gone_count = 0;
	ask_known(r);
}

static void ask_fetchable(void *arg)
{
	struct resync *r = arg;
	char uri[CONFIG_URI_MAX];

	timer_stop(&r->again);
	if (r->call) /* from before: its answer may be an old one */
		client_cancel(r->call);
	r->call = NULL;
	if (link_is_up(r->engine) && system_uri(r, uri, sizeof(uri)))
		ask(r, must(holder_fetchable(uri)), fetchable_answered);
}

void resync_start(struct engine *e)
{
	if (!e->resync) {
		e->resync = must(calloc(1, sizeof(*e->resync)));
		e->resync->engine = e;
	}
	ask_fetchable(e->resync);
}

void resync_soon(struct engine *e)
{
	if (e->resync && !e->resync->again.source)
		again(e->resync, SOON_MS);
}

void resync_stop(struct engine *e)
{
	struct resync *r = e->resync;

	if (!r)
		return;
	if (r->call)
		client_cancel(r->call);
	r->call = NULL;
	timer_stop(&r->again);
}

void resync_free(struct engine *e)
{
	resync_stop(e);
	free(e->resync);
	e->resync = NULL;
}
