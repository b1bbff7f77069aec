/* SPDX-License-Identifier: Apache-2.0 */
/* sweep - what was left behind: empty or superseded jobs at targets are canceled, what waited too long expires. */
#include "credentials.h"
#include "engine-private.h"
#include "renew.h"

#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/log.h"
#include "base/mono.h"
#include "link.h"
#include "must.h"

enum {
	FIRST_SWEEP_MS = 3000,
	SWEEP_MS = 30000,
	ORPHAN_LIFE_S = 24 * 3600,
	TOMBSTONE_S = 90 * 24 * 3600,
	MEMORY_S = 7 * 24 * 3600,
	CLOCK_STEP_S = 60
};

struct orphan {
	struct orphan *next;
	struct engine *engine;
	struct store_attempt attempt;
	char owner[256];
	struct client_call *call;
	struct timer retry;
	unsigned tries;
};

static struct orphan *orphans;

static void orphan_ask(void *arg);

static int work_update(void *arg, struct store *s)
{
	return store_attempt_update(s, arg);
}

static void update_done(void *arg, int rc)
{
	if (rc)
		log_event(LOG_LVL_WARNING, "event=orphan-commit-failed error=%d", rc);
	free(arg);
}

static void orphan_free(struct orphan *o)
{
	for (struct orphan **at = &orphans; *at; at = &(*at)->next) {
		if (*at != o)
			continue;
		*at = o->next;
		break;
	}
	if (o->call)
		client_cancel(o->call);
	timer_stop(&o->retry);
	free(o);
}

/* It is dealt with: nothing more to cancel there. */
static void orphan_over(struct orphan *o)
{
	struct store_attempt *a = must(malloc(sizeof(*a)));
	struct job *j = job_find(o->engine, o->attempt.job_id);

	o->attempt.cancel_wanted = false;
	*a = o->attempt;
	if (j && j->attempt.id == a->id)
		j->attempt.cancel_wanted = false;
	worker_post(o->engine->storer, work_update, update_done, a);
	orphan_free(o);
}

static void orphan_later(struct orphan *o)
{
	int64_t ms = o->tries < 6 ? 1000 << o->tries : 60000;

	o->tries++;
	if (mono_utc_s() - o->attempt.begun_s > ORPHAN_LIFE_S) {
		orphan_over(o);
		return;
	}
	timer_set(o->engine, &o->retry, ms, orphan_ask, o);
}

static void orphan_canceled(void *arg, const struct client_reply *reply)
{
	struct orphan *o = arg;

	o->call = NULL;
	if (reply->fault != CLIENT_OK) {
		orphan_later(o);
		return;
	}
	log_event(LOG_LVL_INFO, "job=%d event=leftover-canceled target=%s remote=%d status=0x%04x",
		o->attempt.job_id, log_quote(o->attempt.uri), o->attempt.remote_id,
		(unsigned)reply->status);
	if (o->attempt.outcome == OUTCOME_UNKNOWN && reply->status <= IPP_STATUS_OK_EVENTS_COMPLETE)
		o->attempt.outcome = OUTCOME_CANCELED;
	orphan_over(o);
}

static int orphan_send(struct orphan *o, ipp_op_t op, client_done_fn *done)
{
	static const char *const wanted[] = {"job-id", "job-name", "job-state", "job-uuid"};
	struct client_request r = {0};
	char uri[CONFIG_URI_MAX];
	int rc;

	printer_address(o->engine, o->attempt.uri, &r, uri, sizeof(uri));
	r.connect_ms = 3000;
	r.total_ms = 10000;
	if (op == IPP_OP_GET_JOBS) {
		r.ipp = must(target_request(op, uri, o->owner));
		ippAddString(r.ipp, IPP_TAG_OPERATION, IPP_CONST_TAG(IPP_TAG_KEYWORD), "which-jobs",
			NULL, "not-completed");
	} else {
		r.ipp = must(target_job_request(op, uri, o->attempt.remote_id, o->owner));
	}
	if (op != IPP_OP_CANCEL_JOB)
		ippAddStrings(r.ipp, IPP_TAG_OPERATION, IPP_CONST_TAG(IPP_TAG_KEYWORD),
			"requested-attributes", 4, NULL, wanted);
	rc = client_send(o->engine->client, &r, done, o, &o->call);
	ippDelete(r.ipp);
	return rc;
}

/* job-id of the job that carries our name, 0 if there is none. Attributes of one job come in any order. */
static int find_by_name(ipp_t *answer, const char *name)
{
	bool named = false;
	int id = 0;

	for (ipp_attribute_t *a = ippFirstAttribute(answer); a; a = ippNextAttribute(answer)) {
		const char *attr = ippGetName(a);

		if (!attr) { /* a group ends */
			named = false;
			id = 0;
		} else if (!strcmp(attr, "job-id")) {
			id = ippGetInteger(a, 0);
		} else if (!strcmp(attr, "job-name")) {
			const char *told = ippGetString(a, 0, NULL);

			named = told && !strcmp(told, name);
		}
		if (named && id)
			return id;
	}
	return 0;
}

static void orphan_listed(void *arg, const struct client_reply *reply)
{
	struct orphan *o = arg;

	o->call = NULL;
	if (reply->fault != CLIENT_OK) {
		orphan_later(o);
		return;
	}
	o->attempt.remote_id = find_by_name(reply->ipp, o->attempt.remote_name);
	if (!o->attempt.remote_id)
		orphan_over(o);
	else if (orphan_send(o, IPP_OP_CANCEL_JOB, orphan_canceled))
		orphan_later(o);
}

static void orphan_seen(void *arg, const struct client_reply *reply)
{
	struct orphan *o = arg;
	struct target_job t;

	o->call = NULL;
	if (reply->fault != CLIENT_OK) {
		orphan_later(o);
		return;
	}
	if (reply->status > IPP_STATUS_OK_EVENTS_COMPLETE) { /* not known there any more */
		orphan_over(o);
		return;
	}
	target_read_job(reply->ipp, &t);
	if (t.name[0] && o->engine->config->job_name_suffix &&
		strcmp(t.name, o->attempt.remote_name)) {
		orphan_over(o); /* the number is somebody else's by now */
		return;
	}
	if (t.state >= IPP_JSTATE_CANCELED) {
		if (o->attempt.outcome == OUTCOME_UNKNOWN && t.state == IPP_JSTATE_COMPLETED) {
			struct job *j = job_find(o->engine, o->attempt.job_id);

			o->attempt.outcome = OUTCOME_COMPLETED;
			audit(o->engine, j, "printed-there-too", "device", o->attempt.uri, "",
				o->attempt.encrypted);
		}
		orphan_over(o);
		return;
	}
	if (orphan_send(o, IPP_OP_CANCEL_JOB, orphan_canceled))
		orphan_later(o);
}

static void orphan_ask(void *arg)
{
	struct orphan *o = arg;

	if (orphan_send(o, o->attempt.remote_id ? IPP_OP_GET_JOB_ATTRIBUTES : IPP_OP_GET_JOBS,
		    o->attempt.remote_id ? orphan_seen : orphan_listed))
		orphan_later(o);
}

void sweep_orphan(struct engine *e, const struct store_attempt *a, const char *owner)
{
	struct orphan *o;

	/* Without our mark in its name, a job whose number is not known cannot be told from others'. */
	if (!a->remote_id && !e->config->job_name_suffix)
		return;
	for (o = orphans; o; o = o->next)
		if (o->attempt.id == a->id)
			return;
	o = must(calloc(1, sizeof(*o)));
	o->engine = e;
	o->attempt = *a;
	snprintf(o->owner, sizeof(o->owner), "%s", owner);
	o->next = orphans;
	orphans = o;
	timer_set(e, &o->retry, 0, orphan_ask, o);
}

void sweep_upstream_back(struct engine *e, const char *uri)
{
	for (struct orphan *o = orphans; o; o = o->next)
		if (!strcmp(o->attempt.uri, uri) && !o->call)
			timer_set(e, &o->retry, 0, orphan_ask, o);
}

/* ---- retention and limits ---- */

static int64_t spool_limit(struct engine *e)
{
	struct statvfs fs;
	int64_t tenth;

	if (e->config->spool_max_octets > 0)
		return e->config->spool_max_octets;
	if (fstatvfs(e->spool_fd, &fs))
		return INT64_C(5) << 30;
	tenth = (int64_t)fs.f_blocks * (int64_t)fs.f_frsize / 10;
	return tenth < INT64_C(5) << 30 ? tenth : INT64_C(5) << 30;
}

void engine_get_status(struct engine *e, struct engine_status *out)
{
	memset(out, 0, sizeof(*out));
	out->run_id = e->run_id;
	out->started_s = e->started_s;
	out->online = e->online;
	out->certificate_until_s = renew_expires_s(e);
	out->credentials =
		credentials_state_name(credentials_get_state(e, &out->credentials_until_s));
	out->spool_octets = e->spool_octets;
	out->spool_max_octets = spool_limit(e);
	for (struct job *j = e->jobs; j; j = j->next) {
		out->waiting += j->row.state == JOB_PENDING || j->row.state == JOB_HELD;
		out->unknown += j->row.state == JOB_UNKNOWN;
		out->delivering += j->row.state >= JOB_CREATING && j->row.state <= JOB_SENT;
	}
}

static void expire(struct job *j, enum job_reason reason, int32_t limit_s)
{
	char limit[40];

	if (j->busy || j->delivery)
		return;
	audit(j->engine, j, "expired", "policy", "", "", false);
	snprintf(limit, sizeof(limit), limit_s >= 48 * 3600 ? "%d days" : "%d hours",
		limit_s / (limit_s >= 48 * 3600 ? 24 * 3600 : 3600));
	job_end(j, JOB_EXPIRED, reason, limit, CERTAINTY_UNKNOWN);
}

/* The wall clock was set, and not by the time that passed: nobody's document is older or younger for it. */
static void heed_clock(struct engine *e)
{
	int64_t wall_s = mono_utc_s(), boot_s = mono_boot_s();
	int64_t step_s = (wall_s - e->sweep_wall_s) - (boot_s - e->sweep_boot_s);

	e->sweep_wall_s = wall_s;
	e->sweep_boot_s = boot_s;
	if (step_s > -CLOCK_STEP_S && step_s < CLOCK_STEP_S)
		return;
	log_event(LOG_LVL_WARNING, "event=clock-set by=%lld", (long long)step_s);
	for (struct job *j = e->jobs; j; j = j->next)
		j->clock_step_s += step_s;
}

static void expire_old(struct engine *e)
{
	int64_t wall_s = mono_utc_s();

	for (struct job *j = e->jobs; j; j = j->next) {
		bool open = j->row.state == JOB_UNKNOWN || j->row.state == JOB_SENT;
		int64_t now = wall_s - j->clock_step_s;

		if (j->row.state == JOB_HELD && now - j->row.stored_s > e->config->held_max_s)
			expire(j, JOB_R_EXPIRED, e->config->held_max_s);
		else if (open && now - j->row.since_s > e->config->unknown_max_s)
			expire(j, JOB_R_EXPIRED, e->config->unknown_max_s);
	}
}

static int64_t spool_of(const struct engine *e, const char *owner)
{
	int64_t sum = 0;

	for (const struct job *j = e->jobs; j; j = j->next)
		if (j->row.file[0] && !strcmp(j->row.owner, owner))
			sum += j->row.file_octets;
	return sum;
}

/* The oldest that wait give way: @owner's own beyond half of the spool, or, for NULL, anybody's beyond all of it. Those
 * that are being expired already hold their room until that is committed. */
static void expire_for_room(struct engine *e, const char *owner)
{
	int64_t max = owner ? spool_limit(e) / 2 : spool_limit(e),
		used = owner ? spool_of(e, owner) : e->spool_octets;

	if (!owner) {
		if (used > max * 8 / 10 && !e->spool_warned)
			log_event(LOG_LVL_WARNING, "event=spool-filling octets=%lld max=%lld",
				(long long)used, (long long)max);
		e->spool_warned = used > max * 8 / 10;
	}
	for (struct job *j = e->jobs; j && used > max; j = j->next) {
		if ((j->row.state != JOB_HELD && j->row.state != JOB_UNKNOWN) || !j->row.file[0] ||
			(owner && strcmp(j->row.owner, owner) != 0))
			continue;
		used -= j->row.file_octets;
		expire(j, JOB_R_SPOOL_FULL, 0);
	}
}

static int work_prune(void *arg, struct store *s)
{
	(void)arg;
	return store_job_prune(s, mono_utc_s() - TOMBSTONE_S);
}

static void forget_old(struct engine *e)
{
	int64_t before = mono_utc_s() - MEMORY_S;
	struct job *next;

	for (struct job *j = e->jobs; j; j = next) {
		int32_t id = j->row.id;

		next = j->next;
		if (!job_is_final(j->row.state) || j->row.ended_s > before || j->busy ||
			report_is_owed(j))
			continue;
		job_drop(j);
		if (e->listener.job_removed)
			e->listener.job_removed(e->listener.arg, id);
	}
}

static void sweep_due(void *arg)
{
	struct engine *e = arg;

	heed_clock(e);
	expire_old(e);
	expire_for_room(e, NULL);
	forget_old(e);
	worker_post(e->storer, work_prune, NULL, NULL);
	plan_sweep(e);
	timer_set(e, &e->sweep, SWEEP_MS, sweep_due, e);
}

void sweep_room(struct engine *e, const char *owner)
{
	expire_for_room(e, owner);
	expire_for_room(e, NULL);
}

void sweep_start(struct engine *e)
{
	e->sweep_wall_s = mono_utc_s();
	e->sweep_boot_s = mono_boot_s();
	timer_set(e, &e->sweep, FIRST_SWEEP_MS, sweep_due,
		e); /* what grew too old while we were away */
}

void sweep_free(struct engine *e)
{
	struct orphan *next;

	for (struct orphan *o = orphans; o; o = next) {
		next = o->next;
		if (o->engine == e)
			orphan_free(o);
	}
	timer_stop(&e->sweep);
}
