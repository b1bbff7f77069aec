/* SPDX-License-Identifier: Apache-2.0 */
/* public - see public.h. Who has a session is the login service's word (pam_stillprint's `session`); who is away, logind's
 * (bus-idle.c). Nobody is sent off on a guess: a service that does not answer ends nothing. */
#include "public.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "auth/login-call.h"
#include "base/log.h"
#include "base/mono.h"
#include "base/paths.h"
#include "bound.h"
#include "engine-private.h"
#include "link.h"
#include "must.h"

enum {
	LOOK_MS = 2000,
	LOGIN_MS = 1500,
	ABSENT_TIMES =
		2, /* in a row: a session that begins after its first job is none that ended */
};

static const char by_session[] = "its user left this public computer";

/* It would wait on: nothing of it is on its way to paper, and nobody has released it. */
static bool goes_with_session(const struct job *j)
{
	switch (j->row.state) {
	case JOB_PENDING:
	case JOB_HELD:
	case JOB_UNKNOWN:
		return !j->busy && !j->act && !j->delivery && !j->claim && !job_is_claimed(j);
	default:
		return false;
	}
}

static void end(struct job *j, const char *why)
{
	bool unknown = j->row.state == JOB_UNKNOWN;

	audit(j->engine, j, "session-ended", "", "", "", j->attempt.encrypted);
	j->cancel_wanted = true;
	deliver_stop(j);
	follow_stop(j);
	job_end(j, JOB_CANCELED, JOB_R_SESSION_ENDED, why,
		unknown ? CERTAINTY_UNKNOWN : CERTAINTY_USER);
}

static void end_all(struct engine *e, const char *owner, unsigned absent, const char *why)
{
	struct job *next;

	for (struct job *j = e->jobs; j; j = next) {
		next = j->next;
		if (strcmp(j->row.owner, owner) != 0 || !goes_with_session(j))
			continue;
		if (++j->absent >= absent)
			end(j, why);
	}
}

/* ---- the end of a session ---- */

struct look {
	struct engine *engine;
	char owner[256];
};

static void present(struct engine *e, const char *owner)
{
	for (struct job *j = e->jobs; j; j = j->next) {
		if (strcmp(j->row.owner, owner) != 0 || !goes_with_session(j))
			continue;
		j->absent = 0;
		if (j->row.state == JOB_HELD && !j->told_public) {
			j->told_public = true;
			notice_public(j);
		}
	}
}

static void looked(void *arg, const struct bound *b)
{
	struct look *l = arg;
	struct engine *e = l->engine;

	if (!e->config->public_workstation) { /* no longer */
		free(l);
		return;
	}
	if (b->who == WHO_NO_VERIFIER && !e->public_blind) {
		e->public_blind = true;
		log_event(LOG_LVL_WARNING, "event=public-workstation-blind why=%s",
			log_quote(
				"stillprint-verifier does not run: nobody tells who is logged in"));
	}
	if (b->who == WHO_NO_LOGIN && b->person)
		end_all(e, l->owner, ABSENT_TIMES, by_session);
	else if (b->who == WHO_VERIFIED || b->who == WHO_OTHER_LOGIN)
		present(e, l->owner);
	free(l);
}

static bool is_first_of_owner(const struct job *j)
{
	for (const struct job *k = j->engine->jobs; k != j; k = k->next)
		if (goes_with_session(k) && !strcmp(k->row.owner, j->row.owner))
			return false;
	return true;
}

static void look(void *arg)
{
	struct engine *e = arg;

	for (struct job *j = e->jobs; j; j = j->next) {
		struct look *l;

		if (!goes_with_session(j) || !is_first_of_owner(j))
			continue;
		l = must(calloc(1, sizeof(*l)));
		l->engine = e;
		snprintf(l->owner, sizeof(l->owner), "%s", j->row.owner);
		bound_ask(e, l->owner, LOGIN_MS, looked, l);
	}
	timer_set(e, &e->public_look, LOOK_MS, look, e);
}

void public_set(struct engine *e)
{
	e->public_blind = false;
	if (e->config->public_workstation)
		timer_set(e, &e->public_look, LOOK_MS, look, e);
	else
		timer_stop(&e->public_look);
}

void public_free(struct engine *e)
{
	timer_stop(&e->public_look);
}

/* ---- nobody there ---- */

int32_t engine_public_idle_s(const struct engine *e)
{
	return e->config->public_workstation ? e->config->public_idle_s : 0;
}

struct forget {
	uint32_t uid;
};

/* His next job is a claimed one, until he logs in again. */
static int work_forget(void *arg, struct store *s)
{
	const struct forget *f = arg;
	struct login_message ask, reply;
	char path[512];
	int rc = paths_join(path, sizeof(path), paths_run(), "login.sock");

	(void)s;
	login_init(&ask, LOGIN_END);
	login_set_number(&ask, LOGIN_HAS_UID, f->uid);
	if (!rc)
		rc = login_call(path, geteuid(), mono_ms() + LOGIN_MS, &ask, &reply);
	return rc || reply.result == LOGIN_OK ? rc : -EPERM;
}

static void forgotten(void *arg, int rc)
{
	struct forget *f = arg;

	if (rc)
		log_event(LOG_LVL_WARNING, "event=identity-not-ended uid=%u error=%d", f->uid, -rc);
	free(f);
}

void engine_user_is_away(struct engine *e, uint32_t uid, const char *user)
{
	struct forget *f;
	char why[128];

	if (!e->config->public_workstation)
		return;
	f = must(calloc(1, sizeof(*f)));
	f->uid = uid;
	log_event(LOG_LVL_INFO, "event=user-away uid=%u user=%s", uid, log_quote(user));
	snprintf(why, sizeof(why), "nobody has touched this public computer for %d minutes",
		(e->config->public_idle_s + 59) / 60);
	end_all(e, user, 1, why);
	worker_post(e->asker, work_forget, forgotten, f);
}
