/* SPDX-License-Identifier: Apache-2.0 */
/* remote - a user releases his job at the server from his own computer: Release-Job, and its answer. What follows comes back
 * to us as an event, like a release at any device. */
#include "link.h"

#include "base/log.h"
#include "engine-private.h"
#include "ipp/holder.h"
#include "must.h"

enum { RELEASE_MS = 8000 };

struct remote {
	struct engine *engine;
	int32_t id;
	engine_reply_fn *reply;
	void *arg;
};

static void answered(void *arg, const struct client_reply *reply)
{
	struct remote *r = arg;
	struct job *j = job_find(r->engine, r->id);
	struct holder_answer a = {0};
	enum engine_err err = ENGINE_E_UNREACHABLE;
	const char *message =
		"The server does not answer; when it is lost, `stillprint release JOB "
		"--at-printer` prints without it";

	if (reply->fault == CLIENT_OK) {
		holder_read(reply->ipp, &a);
		err = reply->status <= IPP_STATUS_OK_EVENTS_COMPLETE ? ENGINE_OK : ENGINE_E_STATE;
		message = !err           ? "Released"
			  : a.message[0] ? a.message
					 : ippErrorString(reply->status);
	} else {
		link_failed(r->engine);
	}
	log_event(LOG_LVL_INFO, "job=%d event=release-at-server fault=%s status=0x%04x", r->id,
		client_fault_name(reply->fault), (unsigned)reply->status);
	if (!err && j)
		claim_start(j); /* the event may be on its way yet */
	reply_later(r->engine, r->reply, r->arg, err, message);
	free(r);
}

void remote_release(struct job *j, const char *device, const char *decided_by,
	engine_reply_fn *reply, void *arg)
{
	struct engine *e = j->engine;
	const struct config_queue *q = job_queue(j);
	char uri[CONFIG_URI_MAX];
	struct remote *r;

	if (!q || !q->stillprint || !link_queue_uri(e, q, uri, sizeof(uri))) {
		reply_later(e, reply, arg, ENGINE_E_ARGUMENT,
			"This queue has no Stillprint server whose device could be named; use --printer");
		return;
	}
	if (!job_is_registered(j) || j->claim || j->busy) {
		reply_later(e, reply, arg, ENGINE_E_STATE,
			"The job is not waiting for release at the server; look with `stillprint why`");
		return;
	}
	r = must(calloc(1, sizeof(*r)));
	*r = (struct remote){.engine = e, .id = j->row.id, .reply = reply, .arg = arg};
	audit(e, j, "released", decided_by, "", device[0] ? device : q->upstream, true);
	if (link_send(e, uri,
		    must(holder_release(uri, j->row.server.remote_id, job_account(j), device)),
		    RELEASE_MS, answered, r, NULL)) {
		reply_later(e, reply, arg, ENGINE_E_INTERNAL, "The server cannot be asked now");
		free(r);
	}
}
