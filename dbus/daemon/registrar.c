/* SPDX-License-Identifier: Apache-2.0 */
/* registrar - makes one job known to the server of our own: its metadata, never its document (docs/wire.md, Create-Job).
 *
 * Idempotent by the document's UUID, so nothing needs to be journaled before: it is done again until there is an answer.
 * No probe comes before it; if it does not get through, the upstream's detector finds out why. */
#include "link.h"

#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "base/log.h"
#include "core/wire.h"
#include "document.h"
#include "engine-private.h"
#include "ipp/holder.h"
#include "must.h"
#include "verify.h"

enum { REGISTER_MS = 8000 };

struct registrar {
	struct job *job;
	struct document_opening *opening;
	struct client_call *call;
};

bool job_is_registered(const struct job *j)
{
	return j->row.state == JOB_HELD && j->row.server.remote_id &&
	       (j->row.reason == JOB_R_REGISTERED || j->row.reason == JOB_R_GIVEN_BACK);
}

void registrar_stop(struct job *j)
{
	struct registrar *r = j->registrar;

	if (!r)
		return;
	document_cancel(r->opening);
	if (r->call)
		client_cancel(r->call);
	j->registrar = NULL;
	free(r);
}

static void server_label(struct job *j, char *out, size_t size)
{
	const struct config_queue *q = job_queue(j);

	printer_label(j->engine, q ? q->upstream : "", out, size);
}

void registrar_leave(struct job *j)
{
	if (j->registrar && !j->registrar->call)
		registrar_stop(j);
}

static bool canceled_meanwhile(struct job *j)
{
	if (!j->cancel_wanted && !job_is_final(j->row.state))
		return false;
	registrar_stop(j);
	if (!j->busy && !job_is_final(j->row.state))
		job_end(j, JOB_CANCELED, JOB_R_CANCELED_BY_USER, j->canceled_by, CERTAINTY_USER);
	return true;
}

static void registered(struct job *j, int rc)
{
	if (rc)
		return;
	fault_point("registered");
	plan_upstream_took(j);
	if (j->claim_wanted)
		claim_start(j);
	plan_kick(j->engine);
}

static void known(struct job *j, const struct holder_answer *a)
{
	struct store_job row = j->row;
	char label[200];
	bool over = a->state >= IPP_JSTATE_CANCELED;

	server_label(j, label, sizeof(label));
	row.server = (struct store_registration){
		.remote_id = a->job_id, .incarnation = a->incarnation, .told = a->state};
	row.state = JOB_HELD;
	row.reason = JOB_R_REGISTERED;
	snprintf(row.reason_arg, sizeof(row.reason_arg), "%s", label);
	log_event(LOG_LVL_INFO, "job=%d event=registered remote=%d incarnation=%d state=%d",
		j->row.id, a->job_id, a->incarnation, a->state);
	link_heard(j->engine, a->incarnation);
	if (over) { /* it was known, and ended there while we were away: deleted by its user, or held for too long */
		j->row.server = row.server;
		if (a->state == IPP_JSTATE_CANCELED)
			job_end(j, JOB_CANCELED, JOB_R_CANCELED_AT_SERVER, label, CERTAINTY_SERVER);
		else
			job_end(j, JOB_EXPIRED, JOB_R_EXPIRED, "the server keeps jobs",
				CERTAINTY_SERVER);
		return;
	}
	j->claim_wanted = a->state == IPP_JSTATE_PENDING;
	job_journal(j, job_work_move, &row, NULL, NULL, registered);
}

static void refused(struct job *j, const struct client_reply *reply)
{
	const struct config_queue *q = job_queue(j);
	enum target_health health = target_classify(reply);
	enum job_reason reason = JOB_R_NONE;
	struct holder_answer a = {0};

	if (reply->fault == CLIENT_OK)
		holder_read(reply->ipp, &a);
	if (reply->fault == CLIENT_OK && reply->status == IPP_STATUS_ERROR_BUSY)
		reason = JOB_R_BUSY;
	else if (a.not_verified)
		reason = JOB_R_NOT_VERIFIED;
	else if (health == TARGET_AUTH)
		reason = JOB_R_NOT_ENROLLED;
	else if (health == TARGET_CERTIFICATE)
		reason = JOB_R_CERTIFICATE;
	else if (health == TARGET_REFUSING || health == TARGET_OK)
		reason = JOB_R_REFUSED;
	if (a.not_verified) { /* the server has nothing of it: it may say otherwise next time */
		j->who_stale = true;
		verify_watch(j->engine);
	}
	if (health == TARGET_UNREACHABLE || health == TARGET_DEGRADED)
		link_failed(j->engine);
	else /* no probe came before: let the queue's health say it, and notice when it is over */
		upstreams_look_again(j->engine);
	plan_delivery_failed(j, q ? q->upstream : "", TARGET_UPSTREAM, health, reason,
		a.message[0]                ? a.message
		: reply->fault == CLIENT_OK ? ippErrorString(reply->status)
					    : reply->detail);
}

static void answered(void *arg, const struct client_reply *reply)
{
	struct registrar *r = arg;
	struct job *j = r->job;
	struct holder_answer a;

	r->call = NULL;
	registrar_stop(j);
	fault_point("register-answered");
	log_event(LOG_LVL_INFO, "job=%d event=register fault=%s status=0x%04x detail=%s", j->row.id,
		client_fault_name(reply->fault), (unsigned)reply->status, log_quote(reply->detail));
	if (canceled_meanwhile(j)) {
		if (reply->fault != CLIENT_OK || reply->status <= IPP_STATUS_OK_EVENTS_COMPLETE)
			resync_soon(j->engine); /* it is known there, or may be */
		return;
	}
	if (reply->fault != CLIENT_OK || reply->status > IPP_STATUS_OK_EVENTS_COMPLETE) {
		refused(j, reply);
		return;
	}
	holder_read(reply->ipp, &a);
	if (a.job_id > 0)
		known(j, &a);
	else
		plan_delivery_failed(j, job_queue(j)->upstream, TARGET_UPSTREAM, TARGET_DEGRADED,
			JOB_R_NONE, "it took the job and gave it no number");
}

static void send_metadata(struct registrar *r, struct document *doc)
{
	struct job *j = r->job;
	const struct config_queue *q = job_queue(j);
	struct holder_job h = {.uuid = j->row.document_uuid,
		.owner = job_account(j),
		.verified = j->row.who == WHO_VERIFIED,
		.title = j->row.title,
		.format = j->row.format,
		.octets = j->row.octets,
		.attempt = j->row.attempt,
		.delegates = j->row.delegates,
		.direct = q && q->release == RELEASE_DIRECT};
	char uri[CONFIG_URI_MAX];
	ipp_t *ticket = NULL, *request;
	size_t count;
	const void *octets = seal_reader_get_ticket(document_reader(doc), &count);
	int rc = -ENOTCONN;

	if (count && wire_decode(octets, count, &ticket))
		ticket = NULL;
	if (q && link_queue_uri(j->engine, q, uri, sizeof(uri))) {
		request = must(holder_register(uri, &h, ticket));
		rc = link_send(j->engine, uri, request, REGISTER_MS, answered, r, &r->call);
	}
	ippDelete(ticket);
	if (rc) {
		registrar_stop(j);
		plan_delivery_failed(j, q ? q->upstream : "", TARGET_UPSTREAM, TARGET_AUTH,
			JOB_R_NOT_ENROLLED, "");
	}
}

static void opened(void *arg, int rc, struct document *doc)
{
	struct registrar *r = arg;
	struct job *j = r->job;

	r->opening = NULL;
	if (!rc && !j->cancel_wanted) {
		send_metadata(r, doc);
	} else {
		registrar_stop(j);
		if (canceled_meanwhile(j))
			;
		else if (rc < 0 && rc != -ENOENT)
			plan_delivery_failed(j, j->row.queue, TARGET_UPSTREAM, TARGET_OK,
				JOB_R_BUSY, "the spool cannot be read");
		else
			job_end(j, JOB_ABORTED, JOB_R_DAMAGED, NULL, CERTAINTY_UNKNOWN);
	}
	document_free(doc);
}

void registrar_start(struct job *j)
{
	struct registrar *r = must(calloc(1, sizeof(*r)));

	r->job = j;
	j->registrar = r;
	r->opening = document_open(j, opened, r);
}
