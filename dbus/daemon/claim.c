/* SPDX-License-Identifier: Apache-2.0 */
/* claim - what was released at the server is taken over by us, who hold it (docs/wire.md, "The holder's turn").
 *
 *   Fetch-Job          what, where to, which release epoch             changes nothing
 *   journal            PENDING with the epoch and the device            from here a restart goes on by itself
 *   Acknowledge-Job    the server counts on us; idempotent              only now the document may leave
 * A claim that the server has not heard within CLAIM_MS is dropped: its user has gone by then, and the server says that it is
 * held again. What cannot be printed there is given back, with a reason. */
#include "link.h"

#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mono.h"
#include "base/text.h"
#include "engine-private.h"
#include "ipp/holder.h"
#include "must.h"

enum {
	FETCH_MS = 8000,
	CLAIM_MS = 15000, /* the server's deadline is 20 s after the release */
	ACK_AGAIN_MS = 500,
	BUSY_AGAIN_MS = 100,
	BUSY_TRIES = 100,
};

struct claim {
	struct job *job;
	struct client_call *call;
	struct timer again;
	int64_t begun_ms;
	unsigned waits;
	bool again_wanted; /* another event came meanwhile */
	bool canceled; /* at the server, while it was being taken over */
};

static void fetch(void *arg);
static void acknowledge(void *arg);

bool job_is_claimed(const struct job *j)
{
	return j->row.server.epoch > 0 && j->row.server.device_uri[0];
}

void claim_stop(struct job *j)
{
	struct claim *c = j->claim;

	if (!c)
		return;
	if (c->call)
		client_cancel(c->call);
	timer_stop(&c->again);
	j->claim = NULL;
	free(c);
}

/* The server is there and cannot just now; but 0x0508 says that the job was canceled. */
static bool is_passing(ipp_status_t status)
{
	return status >= IPP_STATUS_ERROR_INTERNAL && status != IPP_STATUS_ERROR_JOB_CANCELED;
}

static bool queue_uri(struct job *j, char *uri, size_t size)
{
	const struct config_queue *q = job_queue(j);

	return q && link_queue_uri(j->engine, q, uri, size);
}

static void kicked(struct job *j, int rc)
{
	(void)rc;
	report_kick(j);
	plan_kick(j->engine);
}

/* It was released once more while we asked for the release before. */
static void dropped_again(struct job *j, int rc)
{
	kicked(j, rc);
	claim_start(j);
}

void claim_drop(struct job *j)
{
	bool again = j->claim && j->claim->again_wanted;
	struct store_job row = j->row;

	row.server.epoch = 0;
	row.server.device_uuid[0] = row.server.device_uri[0] = row.server.device_pin[0] = '\0';
	row.server.device_name[0] = row.server.released_by[0] = '\0';
	row.state = JOB_HELD;
	row.reason = JOB_R_REGISTERED;
	deliver_stop(j);
	claim_stop(j);
	log_event(LOG_LVL_INFO, "job=%d event=claim-dropped again=%d", j->row.id, again);
	job_journal(j, job_work_move, &row, NULL, NULL, again ? dropped_again : kicked);
}

static void given_back(struct job *j, int rc)
{
	if (!rc)
		notice_attention(j);
	kicked(j, rc);
}

void claim_give_back(struct job *j, const char *why)
{
	struct store_job row = j->row;

	claim_stop(j);
	row.server.device_uri[0] = '\0'; /* epoch and UUID stay: the server is told by them */
	row.state = JOB_HELD;
	row.reason = JOB_R_GIVEN_BACK;
	snprintf(row.reason_arg, sizeof(row.reason_arg), "%s", why);
	job_journal(j, job_work_move, &row, NULL, NULL, given_back);
}

/* ---- Acknowledge-Job ---- */

static void acknowledged(void *arg, const struct client_reply *reply)
{
	struct claim *c = arg;
	struct job *j = c->job;

	c->call = NULL;
	fault_point("claim-answered");
	log_event(LOG_LVL_INFO, "job=%d event=claim fault=%s status=0x%04x epoch=%d", j->row.id,
		client_fault_name(reply->fault), (unsigned)reply->status, j->row.server.epoch);
	if (j->busy) {
		timer_set(j->engine, &c->again, BUSY_AGAIN_MS, acknowledge, c);
	} else if (client_is_good(reply) && c->canceled) {
		deliver_stop(j);
		claim_stop(j);
		report_canceled(j);
	} else if (client_is_good(reply)) {
		report_told(j, IPP_JSTATE_PENDING); /* that is what it means */
		claim_stop(j);
		report_kick(j);
		deliver_go(j);
		plan_kick(j->engine);
	} else if (reply->fault == CLIENT_OK && reply->status == IPP_STATUS_ERROR_JOB_CANCELED) {
		deliver_stop(j); /* it was only made ready */
		claim_stop(j);
		link_over_there(j, IPP_JSTATE_CANCELED);
	} else if (reply->fault == CLIENT_OK && !is_passing(reply->status)) {
		claim_drop(j); /* a definite no: the release is over */
	} else {
		if (reply->fault != CLIENT_OK)
			link_failed(j->engine);
		timer_set(j->engine, &c->again, ACK_AGAIN_MS, acknowledge, c);
	}
}

static void acknowledge(void *arg)
{
	struct claim *c = arg;
	struct job *j = c->job;
	char uri[CONFIG_URI_MAX];

	if (j->busy) { /* after a restart the attempt before is being closed */
		timer_set(j->engine, &c->again, BUSY_AGAIN_MS, acknowledge, c);
		return;
	}
	if (j->cancel_wanted) {
		deliver_stop(j);
		claim_stop(j);
		plan_kick(j->engine);
		return;
	}
	if (mono_ms() - c->begun_ms > CLAIM_MS || !queue_uri(j, uri, sizeof(uri))) {
		claim_drop(j);
		return;
	}
	if (link_send(j->engine, uri,
		    must(holder_acknowledge(uri, j->row.server.remote_id, j->row.server.device_uuid,
			    j->row.server.incarnation, j->row.server.epoch, j->row.attempt)),
		    FETCH_MS, acknowledged, c, &c->call))
		timer_set(j->engine, &c->again, ACK_AGAIN_MS, acknowledge, c);
}

/* ---- Fetch-Job ---- */

static void journaled(struct job *j, int rc)
{
	fault_point("claimed");
	if (rc || !j->claim) {
		claim_stop(j);
		return;
	}
	/* The device is looked at meanwhile: somebody stands there. */
	if (plan_lane_free(j, j->row.server.device_uri))
		deliver_prepare(j, j->row.server.device_uri);
	acknowledge(j->claim);
}

/* What its user set at the server counts. */
static void note_changes(const struct holder_answer *a, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	if (a->copies > 0)
		n += (size_t)snprintf(out + n, size - n, "copies=%d ", a->copies);
	if (a->sides[0] && !strpbrk(a->sides, " '\"\\"))
		n += (size_t)snprintf(out + n, size - n, "sides=%s ", a->sides);
	if (a->color_mode[0] && !strpbrk(a->color_mode, " '\"\\"))
		snprintf(out + n, size - n, "print-color-mode=%s", a->color_mode);
}

static void take(struct claim *c, const struct holder_answer *a)
{
	struct job *j = c->job;
	struct store_job row = j->row;
	struct store_registration *s = &row.server;

	s->incarnation = a->incarnation;
	s->epoch = a->epoch;
	s->told = 0;
	snprintf(s->device_uuid, sizeof(s->device_uuid), "%s", a->device_uuid);
	snprintf(s->device_uri, sizeof(s->device_uri), "%s", a->device_uri);
	snprintf(s->device_pin, sizeof(s->device_pin), "%s", a->device_pin);
	snprintf(s->device_name, sizeof(s->device_name), "%s", a->device_name);
	snprintf(s->released_by, sizeof(s->released_by), "%s", a->released_by);
	note_changes(a, s->changes, sizeof(s->changes));
	row.state = JOB_PENDING;
	row.reason = JOB_R_RELEASED;
	row.chosen[0] = '\0';
	snprintf(row.reason_arg, sizeof(row.reason_arg), "%s", s->device_name);
	timer_stop(&j->retry);
	timer_stop(&j->ask);
	j->tried_count = 0;
	j->released_ms = mono_ms();
	snprintf(j->decided_by, sizeof(j->decided_by), "user:%s",
		s->released_by[0] ? s->released_by : j->row.owner);
	printer_released(j->engine, s->device_uri, s->device_pin, s->device_name);
	job_journal(j, job_work_move, &row, NULL, NULL, journaled);
}

static void not_fetched(struct claim *c, const struct client_reply *reply)
{
	struct job *j = c->job;
	bool canceled = reply->fault == CLIENT_OK && reply->status == IPP_STATUS_ERROR_JOB_CANCELED;
	bool passing = reply->fault == CLIENT_OK && is_passing(reply->status) &&
		       mono_ms() - c->begun_ms < CLAIM_MS;

	if (reply->fault != CLIENT_OK) {
		link_failed(j->engine); /* the link asks again when it is back */
	} else if (!canceled && (c->again_wanted || passing)) {
		c->again_wanted = false;
		timer_set(j->engine, &c->again, ACK_AGAIN_MS, fetch, c);
		return;
	}
	claim_stop(j);
	if (canceled)
		link_over_there(j, IPP_JSTATE_CANCELED);
}

static void fetched(void *arg, const struct client_reply *reply)
{
	struct claim *c = arg;
	struct job *j = c->job;
	struct holder_answer a;
	struct uri u;

	c->call = NULL;
	if (!client_is_good(reply)) {
		log_event(LOG_LVL_INFO, "job=%d event=fetch fault=%s status=0x%04x", j->row.id,
			client_fault_name(reply->fault), (unsigned)reply->status);
		not_fetched(c, reply);
		return;
	}
	holder_read(reply->ipp, &a);
	link_heard(j->engine, a.incarnation);
	if (j->busy || !job_is_free(j->row.state) || j->delivery) {
		fetch(c);
		return;
	}
	if (a.epoch <= 0 || uri_parse(a.device_uri, &u) || u.kind == URI_CUPS) {
		log_event(LOG_LVL_ERROR, "job=%d event=fetch-unusable epoch=%d device=%s",
			j->row.id, a.epoch, log_quote(a.device_uri));
		claim_stop(j);
		return;
	}
	take(c, &a);
}

static void fetch(void *arg)
{
	struct claim *c = arg;
	struct job *j = c->job;
	char uri[CONFIG_URI_MAX];

	/* Being sent somewhere, or a commit is under way: what comes of it decides. */
	if (j->busy || j->delivery || j->registrar) {
		if (++c->waits < BUSY_TRIES)
			timer_set(j->engine, &c->again, BUSY_AGAIN_MS, fetch, c);
		else
			claim_stop(j);
		return;
	}
	if (!job_is_free(j->row.state) || !j->row.server.remote_id || j->cancel_wanted ||
		!queue_uri(j, uri, sizeof(uri)) ||
		link_send(j->engine, uri, must(holder_fetch(uri, j->row.server.remote_id)),
			FETCH_MS, fetched, c, &c->call))
		claim_stop(j);
}

void claim_start(struct job *j)
{
	if (j->claim)
		j->claim->again_wanted = true;
	if (j->claim || job_is_final(j->row.state))
		return;
	j->claim = must(calloc(1, sizeof(*j->claim)));
	j->claim->job = j;
	j->claim->begun_ms = mono_ms();
	fetch(j->claim);
}

bool claim_cancel(struct job *j)
{
	if (j->claim)
		j->claim->canceled = true;
	return j->claim;
}

void claim_resume(struct job *j)
{
	if (j->claim)
		return;
	j->claim = must(calloc(1, sizeof(*j->claim)));
	j->claim->job = j;
	j->claim->begun_ms = mono_ms();
	timer_set(j->engine, &j->claim->again, 0, acknowledge, j->claim);
}
