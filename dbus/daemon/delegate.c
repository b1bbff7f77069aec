/* SPDX-License-Identifier: Apache-2.0 */
/* delegate - a user names others who may release his job at the server of ours: kept with the job, told with its registration,
 * or by Set-Job-Attributes after it. */
#include "link.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "engine-private.h"
#include "ipp/holder.h"
#include "must.h"

enum { SET_MS = 8000 };

struct naming {
	struct engine *engine;
	int32_t id;
	char names[STORE_DELEGATES_SIZE], before[STORE_DELEGATES_SIZE];
	engine_reply_fn *reply;
	void *arg;
};

static void naming_answer(struct naming *n, enum engine_err err, const char *message)
{
	reply_later(n->engine, n->reply, n->arg, err, message);
	free(n);
}

/* ---- kept ---- */

static int work_keep(void *arg, struct store *s)
{
	struct naming *n = arg;

	return store_job_set_delegates(s, n->id, n->names);
}

static void kept(void *arg, int rc)
{
	struct naming *n = arg;
	struct job *j = job_find(n->engine, n->id);

	log_event(LOG_LVL_INFO, "job=%d event=delegates error=%d", n->id, rc);
	if (rc && j)
		memcpy(j->row.delegates, n->before, sizeof(n->before));
	if (j)
		job_changed(j);
	naming_answer(n, rc ? ENGINE_E_INTERNAL : ENGINE_OK,
		rc ? "The store cannot be written now; see the daemon's log and try again"
		   : "Named");
}

/* In memory at once, so that a registration that begins now tells it. */
static void keep(struct naming *n, struct job *j)
{
	memcpy(n->before, j->row.delegates, sizeof(n->before));
	memcpy(j->row.delegates, n->names, sizeof(n->names));
	worker_post(n->engine->storer, work_keep, kept, n);
}

/* ---- told ---- */

static void answered(void *arg, const struct client_reply *reply)
{
	struct naming *n = arg;
	struct job *j = job_find(n->engine, n->id);
	struct holder_answer a = {0};

	log_event(LOG_LVL_INFO, "job=%d event=delegates-told fault=%s status=0x%04x", n->id,
		client_fault_name(reply->fault), (unsigned)reply->status);
	if (reply->fault != CLIENT_OK) {
		link_failed(n->engine);
		naming_answer(n, ENGINE_E_UNREACHABLE,
			"The server does not answer, so nobody was named; try again when it does");
		return;
	}
	holder_read(reply->ipp, &a);
	if (reply->status > IPP_STATUS_OK_EVENTS_COMPLETE)
		naming_answer(n, ENGINE_E_STATE,
			a.message[0] ? a.message : ippErrorString(reply->status));
	else if (!j)
		naming_answer(n, ENGINE_OK, "Named");
	else
		keep(n, j);
}

static void tell(struct naming *n, struct job *j)
{
	const struct config_queue *q = job_queue(j);
	char uri[CONFIG_URI_MAX];

	if (!q || !link_queue_uri(n->engine, q, uri, sizeof(uri)) ||
		link_send(n->engine, uri,
			must(holder_delegates(
				uri, j->row.server.remote_id, job_account(j), n->names)),
			SET_MS, answered, n, NULL))
		naming_answer(n, ENGINE_E_INTERNAL, "The server cannot be asked now");
}

/* ---- asked ---- */

static bool is_name(const char *name)
{
	return *name && strlen(name) < 256 && text_is_clean(name) && !strpbrk(name, ":/\n") &&
	       *name != ' ' && name[strlen(name) - 1] != ' ';
}

/* NULL, or what is wrong with them. */
static const char *take_names(
	struct naming *n, const struct job *j, const char *const *names, unsigned count)
{
	size_t used = 0;

	if (count > ENGINE_DELEGATES_MAX)
		return "At most eight users can be named for one job";
	for (unsigned i = 0; i < count; i++) {
		bool again = false;

		if (!is_name(names[i]))
			return "That is no user's name at the server";
		if (!strcmp(names[i], job_account(j)))
			return "The job is that user's own";
		for (unsigned k = 0; k < i; k++)
			again |= !strcmp(names[k], names[i]);
		if (again)
			continue;
		used += (size_t)snprintf(n->names + used, sizeof(n->names) - used, "%s%s",
			used ? "\n" : "", names[i]);
		if (used >= sizeof(n->names))
			return "These names are too long together; name fewer";
	}
	return NULL;
}

static const char *objection(const struct job *j, const struct config_queue *q)
{
	if (!q || !q->stillprint)
		return "This queue has no Stillprint server, so nobody else can release its jobs";
	if (job_is_final(j->row.state))
		return "The job is over already";
	if (j->busy || j->registrar || j->claim)
		return "The job is just being told to the server; try again in a moment";
	if (!job_is_free(j->row.state))
		return "The job is being printed";
	return NULL;
}

void engine_delegate(struct engine *e, int32_t id, const char *const *names, unsigned count,
	const char *decided_by, engine_reply_fn *reply, void *arg)
{
	struct job *j = job_find(e, id);
	const char *wrong = j ? objection(j, job_queue(j)) : NULL;
	struct naming *n;

	if (!j || wrong) {
		reply_later(e, reply, arg, j ? ENGINE_E_STATE : ENGINE_E_NO_SUCH,
			j ? wrong : "There is no such job; `stillprint jobs` lists them");
		return;
	}
	n = must(calloc(1, sizeof(*n)));
	*n = (struct naming){.engine = e, .id = id, .reply = reply, .arg = arg};
	wrong = take_names(n, j, names, count);
	if (wrong) {
		naming_answer(n, ENGINE_E_ARGUMENT, wrong);
		return;
	}
	audit(e, j, count ? "delegated" : "delegates-removed", decided_by, "", "", false);
	if (j->row.server.remote_id)
		tell(n, j);
	else
		keep(n, j);
}
