/* SPDX-License-Identifier: Apache-2.0 */
/* plan - decides where a pending job goes: its server, a fallback, or to wait with a reason. */
#include "engine-private.h"

#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/mono.h"
#include "base/text.h"
#include "link.h"
#include "must.h"
#include "policies.h"
#include "verify.h"

enum {
	BUSY_AGAIN_MS = 1000,
	BUSY_AGAIN_MAX_MS = 5000,
	TROUBLE_AGAIN_MS = 300, /* a server that answered the probe and then failed */
	TROUBLE_MAX = 4, /* so often in a row, it counts as lost */
	FALLBACK_AGAIN_MS = 30000,
	FORGIVE_S = 5,
	RELEASED_BUSY_MS = 120000, /* a released job waits so long for its device */
	BULK_JOBS = 10, /* more than these go back to a returned server spread over */
	BULK_SPREAD_MS = 60000,
	CANDIDATE_MAX = TRIED_MAX,
};

static void kick_due(void *arg);

static void kick_in(struct engine *e, int64_t ms)
{
	int64_t at_ms = mono_ms() + ms;

	if (!e->started || (e->kick.source && e->kick_at_ms <= at_ms))
		return;
	e->kick_at_ms = at_ms;
	timer_set(e, &e->kick, ms, kick_due, e);
}

void plan_kick(struct engine *e)
{
	kick_in(e, 0);
}

bool plan_outage_on(const struct queue_state *q)
{
	return q->outage.on && (!q->outage.until_s || q->outage.until_s > mono_utc_s());
}

enum config_on_outage plan_on_outage(const struct engine *e, const struct config_queue *q)
{
	const struct site_queue *site = policies_queue(e, q);

	return site && site->on_outage ? site->on_outage : q->on_outage;
}

static bool source_allowed(const struct engine *e, const char *source)
{
	unsigned s = e->config->fallback_sources;

	if (!strcmp(source, "policy"))
		return s & SOURCE_POLICY;
	if (!strcmp(source, "admin"))
		return s & (SOURCE_ADMIN | SOURCE_POLICY);
	if (!strcmp(source, "recent"))
		return s & SOURCE_RECENT;
	return s & SOURCE_USER;
}

static bool add_candidate(struct engine *e, const struct config_queue *q, const char *uri,
	const char *source, struct candidate *out, unsigned *count, unsigned max)
{
	if (*count >= max || !source_allowed(e, source) || !strcmp(uri, q->upstream))
		return false;
	for (unsigned i = 0; i < *count; i++)
		if (!strcmp(out[i].uri, uri))
			return false;
	snprintf(out[*count].uri, sizeof(out[*count].uri), "%s", uri);
	out[(*count)++].source = source;
	return true;
}

unsigned plan_candidates(struct engine *e, const char *owner, const struct config_queue *q,
	bool automatic, struct candidate *out, unsigned max)
{
	const struct site_queue *site = policies_queue(e, q);
	unsigned count = 0;

	for (size_t i = 0; site && i < site->fallback_count; i++)
		add_candidate(e, q, site->fallback[i], "policy", out, &count, max);
	for (size_t i = 0; i < q->fallback_count; i++)
		add_candidate(e, q, q->fallback[i], "admin", out, &count, max);
	for (size_t i = 0; i < e->user_printer_count; i++) {
		const struct store_user_printer *p = &e->user_printer[i];

		if (!p->owner[0] && (!p->queue[0] || !strcmp(p->queue, q->name)))
			add_candidate(e, q, p->uri, "admin", out, &count, max);
	}
	for (size_t i = 0; i < e->user_printer_count; i++) {
		const struct store_user_printer *p = &e->user_printer[i];

		if (strcmp(p->owner, owner) || (p->queue[0] && strcmp(p->queue, q->name)))
			continue;
		/* A typed address counts for the job that it was typed for. */
		if (p->used_s && !(p->named && automatic))
			add_candidate(e, q, p->uri, "recent", out, &count, max);
		/* What a user typed goes into play by his own act, for a job. */
		if (p->named && !automatic)
			add_candidate(e, q, p->uri, "user", out, &count, max);
	}
	return count;
}

/* ---- waiting ---- */

static bool waits_for_server(enum job_reason r)
{
	switch (r) {
	case JOB_R_SERVER_LOST_ASK:
	case JOB_R_SERVER_LOST_HOLD:
	case JOB_R_SERVER_LOST_NEVER:
	case JOB_R_SERVER_LOST_HELD:
	case JOB_R_OUTAGE_PLANNED:
	case JOB_R_NO_FALLBACK_READY:
	case JOB_R_OFFLINE:
		return true;
	default:
		return false;
	}
}

static void server_label(const struct queue_state *q, char *out, size_t size)
{
	struct uri u;

	if (uri_parse(q->config->upstream, &u))
		snprintf(out, size, "%s", q->config->name);
	else
		snprintf(out, size, "%s", u.host);
}

static void ask_over(void *arg);

static bool comes_back(const struct job *j, enum health h);

/* While this was being committed, what it waits for may have come; nobody would tell it again. */
static bool came_meanwhile(struct job *j)
{
	struct queue_state *q = queue_state_find(j->engine, j->row.queue);

	return q && q->upstream && waits_for_server(j->row.reason) && !plan_outage_on(q) &&
	       comes_back(j, upstream_health(q->upstream));
}

/* Somebody with twenty documents that wait for release is told once of one outage. */
static bool owner_was_told(const struct job *j)
{
	for (struct job *k = j->engine->jobs; k; k = k->next)
		if (k != j && k->told_lost && !strcmp(k->row.owner, j->row.owner) &&
			!strcmp(k->row.queue, j->row.queue))
			return true;
	return false;
}

static void held_lost(struct job *j, int rc)
{
	struct engine *e = j->engine;
	bool stored_before = j->row.server.remote_id && owner_was_told(j);

	if (rc)
		return;
	if (came_meanwhile(j)) {
		plan_release(j, NULL);
		return;
	}
	/* Each new round through the fallbacks ends here again: told once. */
	if (stored_before)
		j->told_lost = true;
	else if (j->row.reason != JOB_R_NO_FALLBACK_READY || j->told_reason != j->row.reason ||
		 !j->told_lost)
		notice_lost(j);
	j->told_reason = j->row.reason;
	if (j->row.reason != JOB_R_SERVER_LOST_ASK)
		return;
	timer_set(e, &j->ask, e->config->ask_agent_ms, ask_over, j);
}

static void hold(struct job *j, struct queue_state *q, enum job_reason reason, const char *why)
{
	char label[300];

	server_label(q, label, sizeof(label));
	if (plan_outage_on(q) && reason != JOB_R_NO_FALLBACK_READY)
		job_move(j, JOB_HELD, JOB_R_OUTAGE_PLANNED, q->outage.message, held_lost);
	else
		job_move(j, JOB_HELD, reason, why ? why : label, held_lost);
}

void plan_lost_notice_answered(struct job *j)
{
	struct queue_state *q = queue_state_find(j->engine, j->row.queue);

	timer_stop(&j->ask);
	if (q && !j->busy && j->row.state == JOB_HELD && j->row.reason == JOB_R_SERVER_LOST_ASK) {
		char label[300];

		server_label(q, label, sizeof(label));
		job_reason(j, JOB_R_SERVER_LOST_HOLD, label);
	}
}

/* Nobody is there who could be asked, or nobody answered: it waits for the server, and says so. */
static void ask_over(void *arg)
{
	struct job *j = arg;
	struct engine *e = j->engine;
	if (j->row.state != JOB_HELD || j->row.reason != JOB_R_SERVER_LOST_ASK)
		return;
	if (e->listener.can_ask && e->listener.can_ask(e->listener.arg, j->row.owner) &&
		mono_utc_s() - j->row.since_s < e->config->ask_answer_s) {
		timer_set(e, &j->ask, (int64_t)e->config->ask_answer_s * 1000, ask_over, j);
		return;
	}
	plan_lost_notice_answered(j);
}

static void round_again(void *arg)
{
	struct job *j = arg;

	if (j->busy)
		timer_set(j->engine, &j->retry, BUSY_AGAIN_MS, round_again, j);
	else if (j->row.state == JOB_HELD && j->row.reason == JOB_R_NO_FALLBACK_READY)
		plan_release(j, NULL);
}

/* ---- going ---- */

static bool was_tried(const struct job *j, const char *uri)
{
	for (unsigned i = 0; i < j->tried_count; i++)
		if (!strcmp(j->tried[i], uri))
			return true;
	return j->tried_count == TRIED_MAX;
}

/* Return: false if the job has to wait for its turn at @uri. */
bool plan_lane_free(struct job *j, const char *uri)
{
	struct printer *p = printer_of(j->engine, uri);
	int64_t wait_ms = p->not_before_ms - mono_ms();

	if (wait_ms > 0) {
		kick_in(j->engine, wait_ms);
		return false;
	}
	return !p->lane;
}

static void go(struct job *j, const char *uri, enum store_target_kind kind, struct upstream *u,
	const char *decided_by)
{
	if (!plan_lane_free(j, uri))
		return;
	if (decided_by)
		snprintf(j->decided_by, sizeof(j->decided_by), "%s", decided_by);
	deliver_start(j, uri, kind, u);
}

static void fall_back(struct job *j, struct queue_state *q)
{
	struct candidate c[CANDIDATE_MAX];
	unsigned count = plan_candidates(
		j->engine, j->row.owner, q->config, !j->row.at_printer, c, CANDIDATE_MAX);

	for (unsigned i = 0; i < count; i++) {
		if (was_tried(j, c[i].uri))
			continue;
		go(j, c[i].uri, TARGET_FALLBACK, NULL,
			j->row.at_printer         ? NULL
			: !plan_outage_on(q)      ? "policy"
			: q->outage.decided_by[0] ? q->outage.decided_by
						  : "admin");
		return;
	}
	timer_set(j->engine, &j->retry, FALLBACK_AGAIN_MS, round_again, j);
	hold(j, q, JOB_R_NO_FALLBACK_READY, count ? j->tried_why : "none is named for this queue");
}

/* The server is lost, or switched off on purpose. */
static void without_server(struct job *j, struct queue_state *q)
{
	enum config_on_outage policy = plan_on_outage(j->engine, q->config);

	if (policy == ON_OUTAGE_NEVER) {
		hold(j, q, JOB_R_SERVER_LOST_NEVER, NULL);
		return;
	}
	if (j->row.at_printer) { /* the user's own decision */
		fall_back(j, q);
		return;
	}
	if (q->config->release == RELEASE_HELD)
		hold(j, q, JOB_R_SERVER_LOST_HELD, NULL);
	else if (policy == ON_OUTAGE_HOLD)
		hold(j, q, JOB_R_SERVER_LOST_HOLD, NULL);
	else if (policy == ON_OUTAGE_ASK)
		hold(j, q, JOB_R_SERVER_LOST_ASK, NULL);
	else
		fall_back(j, q);
}

/* A kilobyte goes to the server; the document stays until it is released. Any number at a time: nothing prints by it. */
static void make_known(struct job *j, struct queue_state *q)
{
	int64_t wait_ms = printer_of(j->engine, q->config->upstream)->not_before_ms - mono_ms();

	if (wait_ms > 0)
		kick_in(j->engine, wait_ms);
	else if (!link_is_enrolled(j->engine))
		hold(j, q, JOB_R_NOT_ENROLLED, NULL);
	else
		registrar_start(j);
}

static void held_unverified(struct job *j, int rc)
{
	if (rc)
		return;
	j->who_stale = true;
	verify_watch(j->engine);
	if (j->told_reason != j->row.reason)
		notice_attention(j);
	j->told_reason = j->row.reason;
}

/* True if it may go on, as far as that depends on who printed it. One that a server knows was let go before. */
static bool is_known(struct job *j, const struct config_queue *q)
{
	if (!q->stillprint && !q->require_verified)
		return true;
	if (!verify_is_done(j)) {
		verify_owner(j);
		return false;
	}
	if (!q->require_verified || j->row.who == WHO_VERIFIED || j->row.server.remote_id)
		return true;
	job_move(j, JOB_HELD, JOB_R_NOT_VERIFIED, who_sentence(j->row.who), held_unverified);
	return false;
}

static void plan_job(struct job *j)
{
	struct queue_state *q = queue_state_find(j->engine, j->row.queue);
	enum health h;

	if (j->row.state != JOB_PENDING || j->busy || j->delivery || j->registrar || j->claim ||
		j->cancel_wanted)
		return;
	if (!q) {
		job_move(j, JOB_HELD, JOB_R_NO_QUEUE, j->row.queue, NULL);
		return;
	}
	if (!is_known(j, q->config))
		return;
	if (j->row.chosen[0]) {
		bool upstream = q->upstream && !strcmp(j->row.chosen, q->config->upstream);

		go(j, j->row.chosen, upstream ? TARGET_UPSTREAM : TARGET_FALLBACK, q->upstream,
			NULL);
		return;
	}
	if (job_is_claimed(j)) {
		go(j, j->row.server.device_uri, TARGET_RELEASED, NULL, NULL);
		return;
	}
	h = q->upstream ? upstream_health(q->upstream) : HEALTH_LOST;
	if (plan_outage_on(q) || h == HEALTH_LOST || h == HEALTH_DEGRADED)
		without_server(j, q);
	else if (h == HEALTH_OFFLINE)
		hold(j, q, JOB_R_OFFLINE, NULL);
	else if (q->config->stillprint)
		make_known(j, q);
	else
		go(j, q->config->upstream, TARGET_UPSTREAM, q->upstream, "policy");
}

static void kick_due(void *arg)
{
	struct engine *e = arg;
	struct job *next;

	for (struct job *j = e->jobs; j; j = next) {
		next = j->next;
		plan_job(j);
	}
}

/* ---- what came of it ---- */

static void attention(struct job *j, int rc)
{
	if (!rc)
		notice_attention(j);
}

static void stop_here(struct job *j, enum job_reason reason, const char *label, const char *why)
{
	struct store_job row = j->row;
	char arg[512];

	snprintf(arg, sizeof(arg), "%s%s%s", label, why[0] ? ": " : "", why);
	j->row.chosen[0] = '\0'; /* goes with the move */
	job_move(j, JOB_HELD, reason ? reason : JOB_R_REFUSED, arg, attention);
	j->row = row;
}

static void note_tried(struct job *j, const char *uri, const char *label, const char *why)
{
	size_t n = strlen(j->tried_why);

	if (!j->tried)
		j->tried = must(calloc(TRIED_MAX, sizeof(*j->tried)));
	if (j->tried_count < TRIED_MAX)
		snprintf(j->tried[j->tried_count++], CONFIG_URI_MAX, "%s", uri);
	snprintf(j->tried_why + n, sizeof(j->tried_why) - n, "%s%s: %s", n ? "; " : "", label, why);
}

void plan_delivery_failed(struct job *j, const char *uri, enum store_target_kind kind,
	enum target_health health, enum job_reason reason, const char *why)
{
	struct engine *e = j->engine;
	struct queue_state *q = queue_state_find(e, j->row.queue);
	struct printer *p = printer_of(e, uri);
	bool lost = health == TARGET_UNREACHABLE || health == TARGET_DEGRADED;
	char label[200], said[500];

	printer_label(e, uri, label, sizeof(label));
	log_event(LOG_LVL_INFO, "job=%d event=not-delivered target=%s health=%s reason=%s why=%s",
		j->row.id, log_quote(uri), target_health_name(health), job_reason_code(reason),
		log_quote(why));
	if (j->busy)
		return;
	if (reason != JOB_R_BUSY)
		p->busy = 0;
	/* Somebody stands at the device: not for ever. */
	if (kind == TARGET_RELEASED && mono_ms() - j->released_ms > RELEASED_BUSY_MS)
		reason = reason == JOB_R_BUSY ? JOB_R_GIVEN_BACK : reason;
	if (reason == JOB_R_BUSY) {
		int64_t ms = p->busy < 3 ? BUSY_AGAIN_MS << p->busy : BUSY_AGAIN_MAX_MS;

		p->busy++;
		p->not_before_ms = mono_ms() + ms;
		job_reason(j, JOB_R_BUSY, label);
		kick_in(e, ms);
	} else if (kind == TARGET_RELEASED) {
		snprintf(said, sizeof(said), "%s: %s", label, why);
		claim_give_back(j, said);
	} else if (kind == TARGET_UPSTREAM && lost && !j->row.chosen[0]) {
		p->not_before_ms = mono_ms() + (TROUBLE_AGAIN_MS << p->trouble);
		if (!q || !q->upstream) {
			;
		} else if (++p->trouble < TROUBLE_MAX) {
			upstream_suspect(q->upstream);
		} else {
			p->trouble = 0;
			upstream_distrust(q->upstream, why);
		}
		plan_kick(e);
	} else if (kind == TARGET_UPSTREAM || j->row.chosen[0]) {
		stop_here(j, reason, label, why);
	} else {
		note_tried(j, uri, label, why);
		plan_kick(e);
	}
}

/* What a user chose is remembered for this queue; an address that he typed is marked as his own. */
static void remember_use(struct job *j, const struct queue_state *q)
{
	struct store_user_printer used = {.used_s = mono_utc_s(), .named = true};

	for (size_t i = 0; q && i < q->config->fallback_count; i++)
		if (!strcmp(q->config->fallback[i], j->attempt.uri))
			used.named = false;
	snprintf(used.owner, sizeof(used.owner), "%s", j->row.owner);
	snprintf(used.queue, sizeof(used.queue), "%s", j->row.queue);
	snprintf(used.uri, sizeof(used.uri), "%s", j->attempt.uri);
	user_printer_put(j->engine, &used);
}

void plan_upstream_took(struct job *j)
{
	struct queue_state *q = queue_state_find(j->engine, j->row.queue);
	struct printer *p = q ? printer_of(j->engine, q->config->upstream) : NULL;

	if (!p || !q->upstream)
		return;
	p->busy = p->trouble = 0;
	upstream_trust(q->upstream);
}

void plan_delivery_done(struct job *j)
{
	struct engine *e = j->engine;
	struct queue_state *q = queue_state_find(e, j->row.queue);
	struct printer *p = printer_of(e, j->attempt.uri);
	char label[200];

	p->busy = p->trouble = 0;
	if (j->attempt.kind == TARGET_UPSTREAM && q && q->upstream)
		upstream_trust(q->upstream);
	if (j->attempt.kind == TARGET_FALLBACK) {
		printer_label(e, j->attempt.uri, label, sizeof(label));
		notice_diverted(j, label);
		if (j->row.chosen[0] && !strncmp(j->attempt.decided_by, "user:", 5))
			remember_use(j, q);
	}
	plan_kick(e);
}

static void kick_after(struct job *j, int rc)
{
	(void)rc;
	plan_kick(j->engine);
}

void plan_release(struct job *j, job_then_fn *then)
{
	j->tried_count = 0;
	j->tried_why[0] = '\0';
	timer_stop(&j->retry);
	timer_stop(&j->ask);
	if (j->row.state == JOB_PENDING && !then)
		plan_kick(j->engine);
	else
		job_move(j, JOB_PENDING, JOB_R_STORED, NULL, then ? then : kick_after);
}

void plan_reconsider(struct job *j)
{
	/* He may have logged in while we were away. */
	j->who_stale = j->row.reason == JOB_R_NOT_VERIFIED;
	/* The configuration may have been mended. */
	if (waits_for_server(j->row.reason) || j->who_stale ||
		j->row.reason == JOB_R_AUTHENTICATION || j->row.reason == JOB_R_NOT_ENROLLED ||
		(j->row.reason == JOB_R_NO_QUEUE && job_queue(j)))
		plan_release(j, NULL);
}

static void released_late(void *arg)
{
	struct job *j = arg;

	if (j->busy)
		timer_set(j->engine, &j->retry, BUSY_AGAIN_MS, released_late, j);
	else if (j->row.state == JOB_HELD && waits_for_server(j->row.reason))
		plan_release(j, NULL);
}

static bool comes_back(const struct job *j, enum health h)
{
	if (j->row.state != JOB_HELD || j->busy)
		return false;
	if (j->row.reason == JOB_R_OUTAGE_PLANNED) /* it is over, whatever came of the server */
		return true;
	if (h == HEALTH_OK)
		return waits_for_server(j->row.reason) || j->row.reason == JOB_R_REFUSED ||
		       j->row.reason == JOB_R_CERTIFICATE || j->row.reason == JOB_R_NOT_ENROLLED;
	/* Where it was to be released is gone: what is held there comes under the rules of the outage. */
	if (h == HEALTH_LOST || h == HEALTH_DEGRADED)
		return job_is_registered(j) || j->row.reason == JOB_R_OFFLINE;
	/* The network is back and the server is not: now the outage's own rules apply. */
	return h != HEALTH_OFFLINE && j->row.reason == JOB_R_OFFLINE;
}

/* When the next of many goes: after the one before, so that order is kept, and no two computers in step. */
static int64_t bulk_ms(int64_t before_ms, unsigned count)
{
	int64_t step_ms = BULK_SPREAD_MS / (count + BULK_JOBS);
	uint32_t chance = 0;

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != sizeof(chance))
		chance = (uint32_t)mono_ms();
	return before_ms + 1 + (int64_t)(chance % (uint32_t)(step_ms + 1));
}

/* What was missed: a held job whose server is there. */
void plan_sweep(struct engine *e)
{
	for (struct job *j = e->jobs; j; j = j->next)
		if (j->row.state == JOB_HELD && !j->busy && !j->retry.source && came_meanwhile(j))
			plan_release(j, NULL);
	plan_kick(e);
}

void plan_forgiven(struct engine *e, struct upstream *u)
{
	for (struct job *j = e->jobs; j; j = j->next) {
		struct queue_state *q = queue_state_find(e, j->row.queue);

		if (q && q->upstream == u && q->config->stillprint && !j->busy &&
			j->row.state == JOB_HELD && mono_utc_s() - j->row.since_s >= FORGIVE_S &&
			(j->row.reason == JOB_R_CERTIFICATE || j->row.reason == JOB_R_NOT_ENROLLED))
			plan_release(j, NULL);
	}
}

/* @u is what it is now: let go what waited for that. */
void plan_upstream_changed(struct engine *e, struct upstream *u)
{
	enum health h = upstream_health(u);
	unsigned count = 0;
	int64_t at_ms = 0;

	if (!e->started)
		return;
	if (h != HEALTH_OK)
		printer_of(e, upstream_uri(u))->trouble = 0;
	for (struct job *j = e->jobs; j; j = j->next) {
		struct queue_state *q = queue_state_find(e, j->row.queue);

		if (!q || q->upstream != u || plan_outage_on(q) || !comes_back(j, h))
			continue;
		if (h != HEALTH_OK || ++count <= BULK_JOBS)
			plan_release(j, NULL);
		else
			timer_set(e, &j->retry, at_ms = bulk_ms(at_ms, count), released_late, j);
	}
	if (h == HEALTH_OK) {
		link_look(e);
		sweep_upstream_back(e, upstream_uri(u));
		notice_back(e, u, count);
	}
	plan_kick(e);
}
