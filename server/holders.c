/* SPDX-License-Identifier: Apache-2.0 */
/* holders - IPP operations of the machine that holds a job's document: Fetch-Job, Acknowledge-Job, Update-Job-Status,
 * Update-Active-Jobs. PWG 5100.18; docs/wire.md "The holder's turn". */
#include <stdio.h>
#include <string.h>

#include "core/vendor.h"
#include "jobs-ipp.h"
#include "printers.h"

enum { ACTIVE_MAX = 1000 };

static int begin(struct app *app, struct serve_call *c, struct machine *m, struct jobs_actor *actor,
	int32_t *id)
{
	int status = jobs_ipp_actor(app, c, m, actor);

	return status ? status : jobs_ipp_id(app, c, id);
}

static void read_fence(ipp_t *request, struct jobs_fence *f)
{
	f->incarnation = jobs_ipp_number(request, VENDOR_SERVER_INCARNATION, 0);
	f->epoch = jobs_ipp_number(request, VENDOR_RELEASE_EPOCH, -1);
	f->attempt = jobs_ipp_number(request, VENDOR_HOLDER_ATTEMPT, 0);
}

/* Text of any length, cut: what a device says is no reason to refuse its report. NULL if absent. */
static const char *cut_text(ipp_t *request, const char *name, char *out, size_t size)
{
	ipp_attribute_t *attr = ippFindAttribute(request, name, IPP_TAG_ZERO);
	const char *text = attr ? ippGetString(attr, 0, NULL) : NULL;

	if (!text)
		return NULL;
	snprintf(out, size, "%s", text);
	return out;
}

/* ---- Fetch-Job ---- */

static int put_device(struct app *app, struct serve_call *c, const struct jobs_job *job)
{
	ipp_t *reply = serve_reply(c);
	struct printers_device d;
	int rc = printers_device(&app->sql, job->device, &d);

	if (rc) {
		serve_say(c, rc < 0 ? "The server cannot read its database"
				    : "The device is no longer there");
		return rc < 0 ? IPP_STATUS_ERROR_SERVICE_UNAVAILABLE
			      : IPP_STATUS_ERROR_NOT_FETCHABLE;
	}
	if (serve_wants(c, VENDOR_DEVICE_URI, "job-description"))
		ippAddString(reply, IPP_TAG_JOB, IPP_TAG_URI, VENDOR_DEVICE_URI, NULL, d.uri);
	if (serve_wants(c, VENDOR_DEVICE_NAME, "job-description"))
		ippAddString(reply, IPP_TAG_JOB, IPP_TAG_NAME, VENDOR_DEVICE_NAME, NULL, d.name);
	if (d.has_certificate && serve_wants(c, VENDOR_DEVICE_CERTIFICATE, "job-description"))
		ippAddOctetString(reply, IPP_TAG_JOB, VENDOR_DEVICE_CERTIFICATE, d.certificate,
			sizeof(d.certificate));
	return IPP_STATUS_OK;
}

static int fetch_job(void *arg, struct serve_call *c)
{
	char why[JOBS_WHY_SIZE] = "";
	struct jobs_actor actor;
	struct jobs_job job;
	struct machine m;
	int32_t id;
	int status = begin(arg, c, &m, &actor, &id);

	if (!status)
		status = jobs_ipp_answer(c, jobs_fetch(arg, &actor, id, &job, why), why);
	if (!status)
		status = put_device(arg, c, &job);
	if (!status)
		jobs_ipp_put(arg, c, &actor, &job);
	return status;
}

/* ---- Acknowledge-Job ---- */

static int acknowledge_job(void *arg, struct serve_call *c)
{
	ipp_t *request = serve_request(c);
	char why[JOBS_WHY_SIZE] = "", device[64], message[256] = "";
	struct jobs_actor actor;
	struct jobs_fence fence;
	struct machine m;
	int32_t id, code = jobs_ipp_number(request, "fetch-status-code", IPP_STATUS_OK);
	int status = begin(arg, c, &m, &actor, &id);

	if (status)
		return status;
	read_fence(request, &fence);
	if (code > IPP_STATUS_OK_EVENTS_COMPLETE) {
		cut_text(request, "fetch-status-message", message, sizeof(message));
		return jobs_ipp_answer(c, jobs_refuse(arg, &actor, id, &fence, message, why), why);
	}
	/* One that is too long is none of ours. */
	if (jobs_ipp_string(request, "output-device-uuid", device, sizeof(device)))
		return jobs_ipp_answer(
			c, IPP_STATUS_ERROR_NOT_FETCHABLE, "It was released to another device");
	status = jobs_acknowledge(arg, &actor, id, device, &fence, why);
	if (!status)
		ippAddInteger(serve_reply(c), IPP_TAG_JOB, IPP_TAG_INTEGER, VENDOR_LEASE,
			JOBS_LEASE_MS / 1000);
	return jobs_ipp_answer(c, status, why);
}

/* ---- Update-Job-Status ---- */

static bool is_keyword(const char *word)
{
	size_t length =
		strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");

	return length > 0 && length < JOBS_REASON_SIZE && !word[length];
}

/* As many as fit, without what is no keyword. NULL if absent. */
static const char *read_reasons(ipp_t *request, char *out, size_t size)
{
	ipp_attribute_t *attr =
		ippFindAttribute(request, "output-device-job-state-reasons", IPP_TAG_KEYWORD);
	size_t used = 0;

	if (!attr)
		return NULL;
	*out = '\0';
	for (int i = 0; i < ippGetCount(attr); i++) {
		const char *word = ippGetString(attr, i, NULL);

		if (!is_keyword(word) || !strcmp(word, "none") || used + strlen(word) + 2 > size)
			continue;
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "", word);
	}
	return out;
}

static int update_job_status(void *arg, struct serve_call *c)
{
	ipp_t *request = serve_request(c);
	char why[JOBS_WHY_SIZE] = "", reasons[256], message[256], diverted[256];
	struct jobs_report r = {.device = ""};
	struct jobs_actor actor;
	struct machine m;
	int32_t id;
	int status = begin(arg, c, &m, &actor, &id);

	if (status)
		return status;
	read_fence(request, &r.fence);
	r.state = jobs_ipp_number(request, "output-device-job-state", 0);
	r.impressions = jobs_ipp_number(request, "job-impressions-completed", -1);
	r.sheets = jobs_ipp_number(request, "job-media-sheets-completed", -1);
	r.reasons = read_reasons(request, reasons, sizeof(reasons));
	r.message = cut_text(request, "output-device-job-state-message", message, sizeof(message));
	r.diverted = cut_text(request, VENDOR_DIVERTED_TO, diverted, sizeof(diverted));
	return jobs_ipp_answer(c, jobs_update(arg, &actor, id, &r, why), why);
}

/* ---- Update-Active-Jobs ---- */

struct differing {
	int ids[ACTIVE_MAX], states[ACTIVE_MAX], unknown[ACTIVE_MAX];
	int count, unknown_count;
};

static int compare_one(struct app *app, const struct jobs_actor *actor, int32_t id, int32_t state,
	struct differing *d)
{
	char why[JOBS_WHY_SIZE];
	struct jobs_job job;
	int status = jobs_get(app, actor, id, &job, why);
	int32_t ours;

	if (status == IPP_STATUS_ERROR_SERVICE_UNAVAILABLE)
		return status;
	if (status) {
		d->unknown[d->unknown_count++] = id;
		return IPP_STATUS_OK;
	}
	/* What its user canceled is to be stopped, whatever it is doing. */
	ours = job.state == JOBS_CANCELING ? IPP_JSTATE_CANCELED : jobs_ipp_state(&job);
	if (ours != state) {
		d->ids[d->count] = id;
		d->states[d->count++] = ours;
	}
	return IPP_STATUS_OK;
}

static int update_active_jobs(void *arg, struct serve_call *c)
{
	ipp_t *request = serve_request(c), *reply = serve_reply(c);
	ipp_attribute_t *ids = ippFindAttribute(request, "job-ids", IPP_TAG_INTEGER);
	ipp_attribute_t *states =
		ippFindAttribute(request, "output-device-job-states", IPP_TAG_ENUM);
	struct differing d = {.count = 0};
	struct jobs_actor actor;
	struct machine m;
	int status = jobs_ipp_actor(arg, c, &m, &actor);

	if (status)
		return status;
	if (!ids || !states || ippGetCount(ids) != ippGetCount(states) ||
		ippGetCount(ids) > ACTIVE_MAX) {
		serve_say(c, "job-ids and output-device-job-states, as many of each, at most %d",
			ACTIVE_MAX);
		return IPP_STATUS_ERROR_BAD_REQUEST;
	}
	for (int i = 0; i < ippGetCount(ids) && !status; i++)
		status = compare_one(
			arg, &actor, ippGetInteger(ids, i), ippGetInteger(states, i), &d);
	if (status)
		return status;
	if (d.count) {
		ippAddIntegers(
			reply, IPP_TAG_OPERATION, IPP_TAG_INTEGER, "job-ids", d.count, d.ids);
		ippAddIntegers(reply, IPP_TAG_OPERATION, IPP_TAG_ENUM, "output-device-job-states",
			d.count, d.states);
	}
	if (d.unknown_count)
		ippAddIntegers(reply, IPP_TAG_UNSUPPORTED_GROUP, IPP_TAG_INTEGER, "job-ids",
			d.unknown_count, d.unknown);
	return IPP_STATUS_OK;
}

const struct serve_operation holders_operations[] = {
	{IPP_OP_FETCH_JOB, SERVE_MACHINE, fetch_job},
	{IPP_OP_ACKNOWLEDGE_JOB, SERVE_MACHINE, acknowledge_job},
	{IPP_OP_UPDATE_JOB_STATUS, SERVE_MACHINE, update_job_status},
	{IPP_OP_UPDATE_ACTIVE_JOBS, SERVE_MACHINE, update_active_jobs},
	{0, 0, NULL},
};
