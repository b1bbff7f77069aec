/* SPDX-License-Identifier: Apache-2.0 */
/* verify - see verify.h. */
#include "verify.h"

#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "bound.h"
#include "engine-private.h"
#include "must.h"

enum {
	ANSWER_MS = 2000, /* registration waits no longer */
	CUPSD_MS = 5000, /* its late word counts for what is held */
	LOGIN_MS = 1500,
	AGAIN_MS = 5000,
};

/* One round. It lives until the last answer came, maybe longer than its job. */
struct verify {
	struct engine *engine;
	struct job *job; /* NULL: gone */
	unsigned waits; /* answers and commits to come */
	bool settled; /* judged */
	bool committed;
	bool resting; /* the store could not write: tried again when `late` is due */
	bool cupsd_told, cupsd_good;
	bool bound_told;
	struct bound bound;
	struct timer late;
};

/* One thing less to wait for; with the last one the round is over. */
static void came(struct verify *v)
{
	if (--v->waits)
		return;
	timer_stop(&v->late);
	if (v->job) {
		v->job->verify = NULL;
		plan_kick(v->engine);
	}
	free(v);
}

void verify_stop(struct job *j)
{
	struct verify *v = j->verify;

	if (!v)
		return;
	j->verify = NULL;
	v->job = NULL;
	timer_stop(&v->late);
	if (v->resting)
		came(v);
}

bool verify_is_done(const struct job *j)
{
	if (j->verify && !j->verify->committed)
		return false;
	/* What a server knows it by is not asked again. */
	return j->row.server.remote_id || (j->row.who && !j->who_stale);
}

/* ---- what came of it ---- */

struct finding {
	struct verify *verify;
	struct store_job row; /* id, owner_verified, account, who */
};

static void commit(struct verify *v, const char *account, enum who who);

/* cupsd's word after the others': too late for who he is, in time for a login to come. */
static void hear_late(struct verify *v)
{
	struct job *j = v->job;

	if (v->committed && j && v->cupsd_good && !j->row.owner_verified)
		commit(v, j->row.account, j->row.who);
}

static void rested(void *arg)
{
	came(arg);
}

static int work_found(void *arg, struct store *s)
{
	struct finding *f = arg;

	return store_job_set_who(s, &f->row);
}

static void found(void *arg, int rc)
{
	struct finding *f = arg;
	struct verify *v = f->verify;
	struct job *j = v->job;

	fault_point("who-kept");
	if (rc) {
		log_event(LOG_LVL_ERROR, "job=%d event=who-not-kept error=%d", f->row.id, rc);
	} else if (j) {
		j->row.owner_verified = f->row.owner_verified;
		j->row.who = f->row.who;
		memcpy(j->row.account, f->row.account, sizeof(j->row.account));
		j->who_stale = false;
		log_event(LOG_LVL_INFO, "job=%d event=owner cupsd=%s who=%s", j->row.id,
			j->row.owner_verified ? "checked" : "unchecked", who_code(j->row.who));
		job_changed(j);
	}
	free(f);
	if (rc && j) {
		v->resting = true;
		timer_set(v->engine, &v->late, AGAIN_MS, rested, v);
		return;
	}
	v->committed = true;
	plan_kick(v->engine);
	hear_late(v);
	came(v);
}

static void commit(struct verify *v, const char *account, enum who who)
{
	struct finding *f = must(calloc(1, sizeof(*f)));

	f->verify = v;
	f->row.id = v->job->row.id;
	f->row.owner_verified = v->cupsd_good;
	snprintf(f->row.account, sizeof(f->row.account), "%s", account);
	f->row.who = who;
	v->waits++;
	worker_post(v->engine->storer, work_found, found, f);
}

/* Both words are needed: the name alone is what its client told, the login alone is not about this job. */
static enum who judge(const struct verify *v)
{
	if (!v->cupsd_told || !v->bound_told)
		return WHO_NO_ANSWER;
	return v->cupsd_good ? v->bound.who : WHO_UNCHECKED;
}

static void settle(struct verify *v)
{
	timer_stop(&v->late);
	v->settled = true;
	if (v->job)
		commit(v, v->bound.account, judge(v));
}

static void late(void *arg)
{
	settle(arg);
}

static void told(struct verify *v)
{
	if (!v->settled && v->cupsd_told && v->bound_told)
		settle(v);
	else
		hear_late(v);
	came(v);
}

static void bound_told(void *arg, const struct bound *b)
{
	struct verify *v = arg;

	v->bound_told = true;
	v->bound = *b;
	told(v);
}

/* ---- cupsd ---- */

static int ask(struct verify *v, ipp_op_t op, const char *attribute, client_done_fn *done)
{
	const struct store_job *row = &v->job->row;
	struct client_request r = {.socket_path = v->engine->config->cups_socket,
		.peercred = true,
		.total_ms = CUPSD_MS};
	char uri[200];
	int rc;

	snprintf(uri, sizeof(uri), "ipp://localhost/printers/%s", row->queue);
	r.uri = uri;
	r.ipp = must(op == IPP_OP_GET_JOB_ATTRIBUTES
			     ? target_job_request(op, uri, row->cups_job_id, row->owner)
			     : target_request(op, uri, NULL));
	ippAddString(r.ipp, IPP_TAG_OPERATION, IPP_CONST_TAG(IPP_TAG_KEYWORD),
		"requested-attributes", NULL, attribute);
	rc = client_send(v->engine->client, &r, done, v, NULL);
	ippDelete(r.ipp);
	return rc;
}

static void cupsd_told(struct verify *v, bool good)
{
	v->cupsd_told = true;
	v->cupsd_good = good;
	told(v);
}

static const char *value_of(const struct client_reply *reply, const char *name)
{
	ipp_attribute_t *a =
		reply->fault == CLIENT_OK ? ippFindAttribute(reply->ipp, name, IPP_TAG_ZERO) : NULL;
	const char *value = a ? ippGetString(a, 0, NULL) : NULL;

	return value ? value : "";
}

static void policy_told(void *arg, const struct client_reply *reply)
{
	cupsd_told(arg, !strcmp(value_of(reply, "printer-op-policy"), "authenticated"));
}

static void job_told(void *arg, const struct client_reply *reply)
{
	struct verify *v = arg;

	if (!v->job || strcmp(value_of(reply, "job-uuid"), v->job->row.job_uuid) ||
		ask(v, IPP_OP_GET_PRINTER_ATTRIBUTES, "printer-op-policy", policy_told))
		cupsd_told(v, false);
}

/* ---- a round ---- */

void verify_owner(struct job *j)
{
	struct verify *v;

	if (j->verify)
		return;
	v = must(calloc(1, sizeof(*v)));
	v->engine = j->engine;
	v->job = j;
	v->waits = 2;
	j->verify = v;
	timer_set(j->engine, &v->late, ANSWER_MS, late, v);
	bound_ask(j->engine, j->row.owner, LOGIN_MS, bound_told, v);
	/* It said so before, and may have forgotten the job since. */
	if (j->row.owner_verified)
		cupsd_told(v, true);
	else if (ask(v, IPP_OP_GET_JOB_ATTRIBUTES, "job-uuid", job_told))
		cupsd_told(v, false);
}

/* ---- held until he logs in ---- */

struct watch {
	struct engine *engine;
	char owner[256];
};

static bool waits_for_login(const struct job *j)
{
	return j->row.state == JOB_HELD && j->row.reason == JOB_R_NOT_VERIFIED && !j->busy &&
	       j->row.owner_verified && !j->row.server.remote_id;
}

static void watched(void *arg, const struct bound *b)
{
	struct watch *w = arg;

	for (struct job *j = w->engine->jobs; b->who == WHO_VERIFIED && j; j = j->next) {
		if (!waits_for_login(j) || strcmp(j->row.owner, w->owner) != 0)
			continue;
		j->who_stale = true;
		plan_release(j, NULL);
	}
	free(w);
}

static bool is_first_of_owner(const struct job *j)
{
	for (const struct job *k = j->engine->jobs; k != j; k = k->next)
		if (waits_for_login(k) && !strcmp(k->row.owner, j->row.owner))
			return false;
	return true;
}

static void watch(void *arg)
{
	struct engine *e = arg;
	bool any = false;

	for (struct job *j = e->jobs; j; j = j->next) {
		struct watch *w;

		any |= j->row.state == JOB_HELD && j->row.reason == JOB_R_NOT_VERIFIED;
		if (!waits_for_login(j) || !is_first_of_owner(j))
			continue;
		w = must(calloc(1, sizeof(*w)));
		w->engine = e;
		snprintf(w->owner, sizeof(w->owner), "%s", j->row.owner);
		bound_ask(e, w->owner, LOGIN_MS, watched, w);
	}
	if (any)
		verify_watch(e);
}

void verify_watch(struct engine *e)
{
	if (!e->who_again.source)
		timer_set(e, &e->who_again, AGAIN_MS, watch, e);
}
