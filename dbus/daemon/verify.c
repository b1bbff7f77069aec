/* SPDX-License-Identifier: Apache-2.0 */
/* verify - see verify.h. */
#include "verify.h"

#include <string.h>

#include "base/log.h"
#include "engine-private.h"
#include "must.h"

struct question {
	struct engine *engine;
	int32_t id, cups_job_id;
	char job_uuid[64], queue[128], owner[256];
};

static int work_verified(void *arg, struct store *s)
{
	const struct question *q = arg;

	return store_job_set_verified(s, q->id, true);
}

static void verified(void *arg, int rc)
{
	struct question *q = arg;
	struct job *j = job_find(q->engine, q->id);

	if (!rc && j) {
		j->row.owner_verified = true;
		job_changed(j);
	}
	free(q);
}

static int ask(struct question *q, ipp_op_t op, const char *attribute, client_done_fn *done)
{
	struct client_request r = {
		.socket_path = q->engine->config->cups_socket, .peercred = true, .total_ms = 5000};
	char uri[200];
	int rc;

	snprintf(uri, sizeof(uri), "ipp://localhost/printers/%s", q->queue);
	r.uri = uri;
	r.ipp = must(op == IPP_OP_GET_JOB_ATTRIBUTES
			     ? target_job_request(op, uri, q->cups_job_id, q->owner)
			     : target_request(op, uri, NULL));
	ippAddString(r.ipp, IPP_TAG_OPERATION, IPP_CONST_TAG(IPP_TAG_KEYWORD),
		"requested-attributes", NULL, attribute);
	rc = client_send(q->engine->client, &r, done, q, NULL);
	ippDelete(r.ipp);
	return rc;
}

static const char *told(const struct client_reply *reply, const char *name)
{
	ipp_attribute_t *a =
		reply->fault == CLIENT_OK ? ippFindAttribute(reply->ipp, name, IPP_TAG_ZERO) : NULL;
	const char *value = a ? ippGetString(a, 0, NULL) : NULL;

	return value ? value : "";
}

static void policy_told(void *arg, const struct client_reply *reply)
{
	struct question *q = arg;

	if (strcmp(told(reply, "printer-op-policy"), "authenticated")) {
		free(q);
		return;
	}
	worker_post(q->engine->storer, work_verified, verified, q);
}

static void job_told(void *arg, const struct client_reply *reply)
{
	struct question *q = arg;

	if (strcmp(told(reply, "job-uuid"), q->job_uuid) ||
		ask(q, IPP_OP_GET_PRINTER_ATTRIBUTES, "printer-op-policy", policy_told))
		free(q);
}

void verify_owner(struct job *j)
{
	struct question *q = must(calloc(1, sizeof(*q)));

	q->engine = j->engine;
	q->id = j->row.id;
	q->cups_job_id = j->row.cups_job_id;
	snprintf(q->job_uuid, sizeof(q->job_uuid), "%s", j->row.job_uuid);
	snprintf(q->queue, sizeof(q->queue), "%s", j->row.queue);
	snprintf(q->owner, sizeof(q->owner), "%s", j->row.owner);
	if (ask(q, IPP_OP_GET_JOB_ATTRIBUTES, "job-uuid", job_told))
		free(q);
}
