/* SPDX-License-Identifier: Apache-2.0 */
/* test-verify - cupsd and the login service answer in every order, late or never: what becomes known of a job's owner. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../dbus/daemon/bound.h"
#include "../dbus/daemon/engine-private.h"
#include "../dbus/daemon/verify.h"
#include "tap.h"

/* ---- what is around it: each call is kept until the test lets it come ---- */

static struct config config = {.cups_socket = "/nowhere"};
static struct engine engine = {.config = &config};
static struct job job;
static struct {
	client_done_fn *cupsd;
	void *cupsd_arg;
	int asked_cupsd;
	bound_fn *bound;
	void *bound_arg;
	int asked_bound;
	worker_fn *work;
	worker_done_fn *done;
	void *done_arg;
	struct timer *timer;
	int kicks, commits, released, store_rc;
	struct store_job stored;
} f;

int client_send(struct client *c, const struct client_request *r, client_done_fn *done, void *arg,
	struct client_call **call)
{
	(void)c, (void)call;
	CHECK(r->peercred && !strcmp(r->socket_path, "/nowhere"));
	f.cupsd = done;
	f.cupsd_arg = arg;
	f.asked_cupsd++;
	return 0;
}

void bound_ask(struct engine *e, const char *user, int64_t within_ms, bound_fn *fn, void *arg)
{
	(void)e;
	CHECK(!strcmp(user, "anna") && within_ms > 0 && within_ms <= 2000);
	f.bound = fn;
	f.bound_arg = arg;
	f.asked_bound++;
}

void worker_post(struct worker *w, worker_fn *work, worker_done_fn *done, void *arg)
{
	(void)w;
	CHECK(!f.work);
	f.work = work;
	f.done = done;
	f.done_arg = arg;
}

int store_job_set_who(struct store *s, const struct store_job *row)
{
	(void)s;
	f.stored = *row;
	return f.store_rc;
}

void timer_set(struct engine *e, struct timer *t, int64_t in_ms, timer_fn *fn, void *arg)
{
	(void)e, (void)in_ms;
	t->fn = fn;
	t->arg = arg;
	t->source = (sd_event_source *)t; /* it is set */
	f.timer = t;
}

void timer_stop(struct timer *t)
{
	if (f.timer == t)
		f.timer = NULL;
	t->source = NULL;
}

void plan_kick(struct engine *e)
{
	(void)e;
	f.kicks++;
}

void plan_release(struct job *j, job_then_fn *then)
{
	(void)then;
	CHECK(j == &job && j->who_stale);
	f.released++;
}

void job_changed(struct job *j)
{
	(void)j;
}

/* ---- letting it come ---- */

static void fresh(void)
{
	memset(&f, 0, sizeof(f));
	memset(&job, 0, sizeof(job));
	job.engine = &engine;
	job.row.id = 7;
	strcpy(job.row.owner, "anna");
	strcpy(job.row.queue, "Office");
	strcpy(job.row.job_uuid, "urn:uuid:right");
	engine.jobs = &job;
	engine.who_again.source = NULL;
	verify_owner(&job);
	CHECK(f.asked_cupsd == 1 && f.asked_bound == 1 && f.timer && !verify_is_done(&job));
}

static void cupsd_says(const char *name, const char *value)
{
	struct client_reply reply = {.fault = CLIENT_OK, .ipp = ippNew()};
	client_done_fn *done = f.cupsd;

	ippAddString(reply.ipp, IPP_TAG_JOB, IPP_TAG_NAME, name, NULL, value);
	f.cupsd = NULL;
	done(f.cupsd_arg, &reply);
	ippDelete(reply.ipp);
}

static void cupsd_checked(const char *policy)
{
	cupsd_says("job-uuid", "urn:uuid:right");
	CHECK(f.asked_cupsd == 2);
	cupsd_says("printer-op-policy", policy);
}

static void bound_says(enum who who, const char *account)
{
	struct bound b = {.who = who};

	snprintf(b.account, sizeof(b.account), "%s", account);
	f.bound(f.bound_arg, &b);
}

static void commit(void)
{
	worker_fn *work = f.work;
	int rc;

	CHECK(work);
	if (!work)
		return;
	f.work = NULL;
	f.commits++;
	rc = work(f.done_arg, NULL);
	f.done(f.done_arg, rc);
}

static void time_is_over(void)
{
	struct timer *t = f.timer;

	CHECK(t);
	f.timer = NULL;
	t->source = NULL;
	t->fn(t->arg);
}

static void looked_after(void)
{
	struct timer *t = &engine.who_again;

	CHECK(t->source);
	t->source = NULL;
	t->fn(t->arg);
}

/* ---- tests ---- */

static void both_words_make_verified_in_either_order(void)
{
	for (int order = 0; order < 2; order++) {
		fresh();
		if (order)
			cupsd_checked("authenticated");
		bound_says(WHO_VERIFIED, "a@x");
		CHECK(!!f.work == order && !verify_is_done(&job));
		if (!order)
			cupsd_checked("authenticated");
		CHECK(!verify_is_done(&job)); /* not before it is committed */
		commit();
		CHECK(verify_is_done(&job) && f.kicks && !f.timer && !job.verify);
		CHECK(job.row.who == WHO_VERIFIED && job.row.owner_verified);
		CHECK(!strcmp(job.row.account, "a@x") && f.stored.id == 7);
	}
}

static void one_word_alone_is_claimed(void)
{
	fresh();
	bound_says(WHO_VERIFIED, "a@x");
	cupsd_checked("default");
	commit();
	CHECK(job.row.who == WHO_UNCHECKED && !job.row.owner_verified);
	CHECK(!strcmp(job.row.account, "a@x"));
	fresh();
	bound_says(WHO_VERIFIED, "a@x");
	cupsd_says("job-uuid", "urn:uuid:another"); /* the number is another job's by now */
	commit();
	CHECK(f.asked_cupsd == 1 && job.row.who == WHO_UNCHECKED);
	for (int who = WHO_NO_LOGIN; who < WHO_COUNT; who++) {
		fresh();
		cupsd_checked("authenticated");
		bound_says((enum who)who, "");
		commit();
		CHECK((int)job.row.who == who && job.row.owner_verified);
	}
}

static void no_answer_in_time_is_claimed_and_stays_so(void)
{
	fresh();
	cupsd_checked("authenticated");
	time_is_over();
	commit();
	CHECK(verify_is_done(&job) && job.row.who == WHO_NO_ANSWER && job.row.owner_verified);
	bound_says(WHO_VERIFIED, "a@x");
	CHECK(!f.work && job.row.who == WHO_NO_ANSWER && !*job.row.account && !job.verify);
}

static void a_late_word_of_cupsd_is_kept_for_a_login_to_come(void)
{
	fresh();
	bound_says(WHO_VERIFIED, "a@x");
	time_is_over();
	commit();
	CHECK(job.row.who == WHO_NO_ANSWER && !job.row.owner_verified && job.verify);
	cupsd_checked("authenticated");
	commit();
	CHECK(job.row.owner_verified && job.row.who == WHO_NO_ANSWER && !job.verify);
	CHECK(!strcmp(job.row.account, "a@x") && f.commits == 2);
	fresh(); /* while the first commit is under way */
	bound_says(WHO_NO_LOGIN, "a@x");
	time_is_over();
	cupsd_checked("authenticated");
	commit();
	commit();
	CHECK(job.row.owner_verified && job.row.who == WHO_NO_ANSWER && !job.verify);
}

static void a_job_that_goes_takes_nothing_with_it(void)
{
	for (int when = 0; when < 3; when++) {
		fresh();
		if (when == 1)
			bound_says(WHO_VERIFIED, "a@x");
		if (when == 2) {
			bound_says(WHO_VERIFIED, "a@x");
			time_is_over();
		}
		verify_stop(&job);
		engine.jobs = NULL;
		CHECK(!job.verify && !f.timer);
		if (when == 0)
			bound_says(WHO_VERIFIED, "a@x");
		cupsd_says("job-uuid", "urn:uuid:right");
		if (when == 2)
			commit();
		CHECK(!f.work && f.asked_cupsd == 1 && !job.row.who);
	}
}

static void a_store_that_cannot_write_is_asked_again_later(void)
{
	fresh();
	f.store_rc = -ENOSPC;
	bound_says(WHO_VERIFIED, "a@x");
	cupsd_checked("authenticated");
	commit();
	CHECK(!verify_is_done(&job) && !job.row.who && f.timer && job.verify);
	time_is_over();
	CHECK(!job.verify && f.kicks && !verify_is_done(&job));
	f.store_rc = 0;
	verify_owner(&job);
	CHECK(f.asked_cupsd == 3);
	bound_says(WHO_VERIFIED, "a@x");
	cupsd_says("job-uuid", "urn:uuid:right");
	cupsd_says("printer-op-policy", "authenticated");
	commit();
	CHECK(verify_is_done(&job) && job.row.who == WHO_VERIFIED);
	fresh(); /* and a job that goes meanwhile */
	f.store_rc = -ENOSPC;
	bound_says(WHO_VERIFIED, "a@x");
	cupsd_checked("authenticated");
	commit();
	verify_stop(&job);
	CHECK(!f.timer && !job.verify);
}

static void what_a_server_knows_is_not_asked_again(void)
{
	fresh();
	bound_says(WHO_NO_LOGIN, "a@x");
	cupsd_checked("authenticated");
	commit();
	job.who_stale = true;
	CHECK(!verify_is_done(&job));
	job.row.server.remote_id = 3;
	CHECK(verify_is_done(&job));
}

static void who_logs_in_lets_his_job_go(void)
{
	fresh();
	bound_says(WHO_NO_LOGIN, "a@x");
	cupsd_checked("authenticated");
	commit();
	job.row.state = JOB_HELD;
	job.row.reason = JOB_R_NOT_VERIFIED;
	verify_watch(&engine);
	looked_after();
	CHECK(f.asked_bound == 2 && engine.who_again.source); /* and again */
	bound_says(WHO_OTHER_LOGIN, "a@x");
	CHECK(!f.released);
	looked_after();
	bound_says(WHO_VERIFIED, "a@x");
	CHECK(f.released == 1 && job.who_stale);
	/* cupsd's word is kept: it may have forgotten the job. */
	verify_owner(&job);
	CHECK(f.asked_cupsd == 2);
	bound_says(WHO_VERIFIED, "a@x");
	commit();
	CHECK(job.row.who == WHO_VERIFIED && verify_is_done(&job));
	/* A name that nobody checked waits for ever. */
	job.row.owner_verified = false;
	f.asked_bound = 0;
	looked_after();
	CHECK(f.asked_bound == 0);
	job.row.state = JOB_PENDING;
	looked_after();
	CHECK(!engine.who_again.source); /* nobody waits any more */
}

int main(void)
{
	RUN(both_words_make_verified_in_either_order);
	RUN(one_word_alone_is_claimed);
	RUN(no_answer_in_time_is_claimed_and_stays_so);
	RUN(a_late_word_of_cupsd_is_kept_for_a_login_to_come);
	RUN(a_job_that_goes_takes_nothing_with_it);
	RUN(a_store_that_cannot_write_is_asked_again_later);
	RUN(what_a_server_knows_is_not_asked_again);
	RUN(who_logs_in_lets_his_job_go);
	return tap_done();
}
