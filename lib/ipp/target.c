/* SPDX-License-Identifier: Apache-2.0 */
/* target - see target.h. What a ticket becomes at a target is in target-ticket.c. */
#include "ipp/target.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/vendor.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *const target_attributes[] = {
	"printer-state",
	"printer-state-reasons",
	"printer-state-message",
	"printer-is-accepting-jobs",
	"printer-info",
	"printer-make-and-model",
	"printer-uuid",
	"printer-up-time",
	"device-uri",
	"printer-type",
	"cups-version",
	"document-format-supported",
	"operations-supported",
	"job-hold-until-default",
	"copies-supported",
	"multiple-document-handling-supported",
	"sides-supported",
	"media-supported",
	"media-col-supported",
	"media-size-supported",
	"media-source-supported",
	"media-type-supported",
	"media-bottom-margin-supported",
	"media-left-margin-supported",
	"media-right-margin-supported",
	"media-top-margin-supported",
	"print-color-mode-supported",
	"print-quality-supported",
	"finishings-supported",
	"output-bin-supported",
	"printer-resolution-supported",
};
const int target_attribute_count = COUNT(target_attributes);

const char *const target_job_requested[] = {
	"job-id",
	"job-state",
	"job-state-reasons",
	"job-name",
	"job-uuid",
	"job-impressions-completed",
	"job-media-sheets-completed",
	"number-of-documents",
	"job-printer-up-time",
};
const int target_job_requested_count = COUNT(target_job_requested);

const char *target_health_name(enum target_health h)
{
	static const char *const names[] = {
		[TARGET_OK] = "ok",
		[TARGET_REFUSING] = "refusing",
		[TARGET_AUTH] = "auth",
		[TARGET_CERTIFICATE] = "certificate",
		[TARGET_DEGRADED] = "degraded",
		[TARGET_UNREACHABLE] = "unreachable",
	};

	return (size_t)h < COUNT(names) ? names[h] : "unknown";
}

/* ---- requests ---- */

static ipp_t *request_start(ipp_op_t op, const char *uri)
{
	ipp_t *request = ippNewRequest(op);

	if (request &&
		!ippAddString(request, IPP_TAG_OPERATION, IPP_TAG_URI, "printer-uri", NULL, uri)) {
		ippDelete(request);
		return NULL;
	}
	return request;
}

static ipp_t *request_end(ipp_t *request, const char *user)
{
	if (request && user && user[0] &&
		!ippAddString(request, IPP_TAG_OPERATION, IPP_TAG_NAME, "requesting-user-name",
			NULL, user)) {
		ippDelete(request);
		return NULL;
	}
	return request;
}

ipp_t *target_request(ipp_op_t op, const char *uri, const char *user)
{
	return request_end(request_start(op, uri), user);
}

ipp_t *target_job_request(ipp_op_t op, const char *uri, int32_t job_id, const char *user)
{
	ipp_t *request = request_start(op, uri);

	/* RFC 8011 4.1.5: the target's attributes come right after charset and language. */
	if (request &&
		!ippAddInteger(request, IPP_TAG_OPERATION, IPP_TAG_INTEGER, "job-id", job_id)) {
		ippDelete(request);
		return NULL;
	}
	return request_end(request, user);
}

/* ---- health ---- */

static enum target_health classify_http(long status)
{
	/* Gateways and servers in trouble; everything else is a server that answers but not for us (404, 426…). */
	return status >= 500 ? TARGET_DEGRADED : TARGET_REFUSING;
}

static enum target_health classify_ipp(ipp_status_t status)
{
	switch ((int)status) {
	case IPP_STATUS_ERROR_FORBIDDEN:
	case IPP_STATUS_ERROR_NOT_AUTHENTICATED:
	case IPP_STATUS_ERROR_NOT_AUTHORIZED:
		return TARGET_AUTH;
	case IPP_STATUS_ERROR_BUSY: /* it lives, and has work */
		return TARGET_OK;
	case IPP_STATUS_ERROR_NOT_ACCEPTING_JOBS:
		return TARGET_REFUSING;
	default:
		break;
	}
	if (status < IPP_STATUS_ERROR_BAD_REQUEST)
		return TARGET_OK;
	return status >= IPP_STATUS_ERROR_INTERNAL ? TARGET_DEGRADED : TARGET_REFUSING;
}

enum target_health target_classify(const struct client_reply *reply)
{
	ipp_attribute_t *accepting;
	enum target_health health;

	switch (reply->fault) {
	case CLIENT_OK:
		health = classify_ipp(reply->status);
		accepting =
			ippFindAttribute(reply->ipp, "printer-is-accepting-jobs", IPP_TAG_BOOLEAN);
		if (health == TARGET_OK && accepting && !ippGetBoolean(accepting, 0))
			return TARGET_REFUSING;
		return health;
	case CLIENT_REFUSED:
	case CLIENT_NO_ROUTE:
	case CLIENT_SILENT:
	case CLIENT_CUT:
		return TARGET_UNREACHABLE;
	case CLIENT_PIN:
		return TARGET_CERTIFICATE;
	case CLIENT_AUTH:
		return TARGET_AUTH;
	case CLIENT_HTTP:
		return classify_http(reply->http_status);
	case CLIENT_TLS:
	case CLIENT_GARBAGE:
	case CLIENT_BODY:
	case CLIENT_CANCELED:
		return TARGET_DEGRADED;
	}
	return TARGET_DEGRADED;
}

/* ---- answers ---- */

/* The attribute if it is of the syntax asked for; hostile answers have any. */
static ipp_attribute_t *of_group(ipp_t *answer, ipp_tag_t group, const char *name)
{
	ipp_attribute_t *attr;

	for (attr = ippFindAttribute(answer, name, IPP_TAG_ZERO); attr;
		attr = ippFindNextAttribute(answer, name, IPP_TAG_ZERO))
		if (ippGetGroupTag(attr) == group)
			return attr;
	return NULL;
}

static bool is_text(ipp_attribute_t *attr)
{
	switch (ippGetValueTag(attr)) {
	case IPP_TAG_TEXT:
	case IPP_TAG_TEXTLANG:
	case IPP_TAG_NAME:
	case IPP_TAG_NAMELANG:
	case IPP_TAG_KEYWORD:
	case IPP_TAG_URI:
	case IPP_TAG_MIMETYPE:
		return true;
	default:
		return false;
	}
}

static const char *text_of(ipp_t *answer, ipp_tag_t group, const char *name)
{
	ipp_attribute_t *attr = of_group(answer, group, name);
	const char *text = attr && is_text(attr) ? ippGetString(attr, 0, NULL) : NULL;

	return text ? text : "";
}

static int32_t number_of(ipp_t *answer, ipp_tag_t group, const char *name, int32_t missing)
{
	ipp_attribute_t *attr = of_group(answer, group, name);

	if (!attr ||
		(ippGetValueTag(attr) != IPP_TAG_INTEGER && ippGetValueTag(attr) != IPP_TAG_ENUM))
		return missing;
	return ippGetInteger(attr, 0);
}

static bool has_text(ipp_t *answer, const char *name, const char *value)
{
	ipp_attribute_t *attr = of_group(answer, IPP_TAG_PRINTER, name);

	return attr && is_text(attr) && ippContainsString(attr, value);
}

static bool has_operation(ipp_t *answer, ipp_op_t op)
{
	ipp_attribute_t *attr = of_group(answer, IPP_TAG_PRINTER, "operations-supported");

	return attr && ippGetValueTag(attr) == IPP_TAG_ENUM && ippContainsInteger(attr, (int)op);
}

/* URIs and UUIDs: kept as they are, or not at all. */
static void copy_whole(char *out, size_t size, const char *in)
{
	out[0] = '\0';
	if (strlen(in) < size)
		memcpy(out, in, strlen(in) + 1);
}

static bool is_news(const char *reason)
{
	const char *end = strrchr(reason, '-');

	return reason[0] && strcmp(reason, "none") != 0 && !(end && !strcmp(end, "-report"));
}

/* Comma separated; a reason that does not fit whole is left out. */
static void copy_reasons(char *out, size_t size, ipp_t *answer, ipp_tag_t group, const char *name)
{
	ipp_attribute_t *attr = of_group(answer, group, name);
	size_t used = 0;

	out[0] = '\0';
	if (!attr || !is_text(attr))
		return;
	for (int i = 0; i < ippGetCount(attr); i++) {
		const char *raw = ippGetString(attr, i, NULL);
		char reason[128];

		if (!raw || !is_news(raw))
			continue;
		text_display(reason, sizeof(reason), raw);
		if (used + strlen(reason) + 2 > size)
			continue;
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? "," : "", reason);
	}
}

void target_read(ipp_t *answer, struct target_info *out)
{
	const ipp_tag_t group = IPP_TAG_PRINTER;
	const char *model = text_of(answer, group, "printer-make-and-model");
	const char *info = text_of(answer, group, "printer-info");
	const char *device = text_of(answer, group, "device-uri");
	const char *hold = text_of(answer, group, "job-hold-until-default");
	ipp_attribute_t *accepting = of_group(answer, group, "printer-is-accepting-jobs");

	memset(out, 0, sizeof(*out));
	out->pdf = has_text(answer, "document-format-supported", "application/pdf");
	/* Every IPP printer must tell; one that does not is taken at its best. */
	out->accepting = !accepting || ippGetValueTag(accepting) != IPP_TAG_BOOLEAN ||
			 ippGetBoolean(accepting, 0);
	out->state = number_of(answer, group, "printer-state", 0);
	copy_reasons(out->reasons, sizeof(out->reasons), answer, group, "printer-state-reasons");
	text_display(out->message, sizeof(out->message),
		text_of(answer, group, "printer-state-message"));
	text_display(out->name, sizeof(out->name), info[0] ? info : model);
	text_display(out->make_model, sizeof(out->make_model), model);
	copy_whole(out->device_uri, sizeof(out->device_uri), device);
	copy_whole(out->uuid, sizeof(out->uuid), text_of(answer, group, "printer-uuid"));
	out->up_time_s = number_of(answer, group, "printer-up-time", 0);
	out->stillprint = strstr(model, VENDOR_QUEUE_MODEL) ||
			  !strncmp(device, VENDOR_SCHEME ":", strlen(VENDOR_SCHEME ":"));
	out->is_server = device[0] || of_group(answer, group, "printer-type") ||
			 of_group(answer, group, "cups-version");
	out->holds = hold[0] && strcmp(hold, "no-hold") != 0;
	out->create_job = has_operation(answer, IPP_OP_CREATE_JOB) &&
			  has_operation(answer, IPP_OP_SEND_DOCUMENT);
}

/* RFC 8011 5.4.12, PWG 5100.9; without a suffix, a device does not tell how bad it is. */
static bool is_attention(const char *reason, size_t count)
{
	static const char *const words[] = {"cover-open", "developer-empty", "door-open",
		"fuser-over-temp", "fuser-under-temp", "input-tray-missing", "interlock-open",
		"marker-supply-empty", "marker-waste-full", "media-empty", "media-jam",
		"media-needed", "output-area-full", "output-tray-missing", "paused", "shutdown",
		"stopped", "toner-empty"};
	static const char error[] = "-error";
	size_t end = sizeof(error) - 1;

	if (count > end && !strncmp(reason + count - end, error, end))
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == count && !strncmp(reason, words[i], count))
			return true;
	return false;
}

bool target_needs_attention(const struct target_info *info)
{
	const char *p = info->reasons;
	bool found = info->state == IPP_PSTATE_STOPPED;

	while (!found && *p) {
		size_t n = strcspn(p, ",");

		found = is_attention(p, n);
		p += n + (p[n] == ',');
	}
	return found;
}

void target_read_job(ipp_t *answer, struct target_job *out)
{
	const ipp_tag_t group = IPP_TAG_JOB;

	memset(out, 0, sizeof(*out));
	out->state = number_of(answer, group, "job-state", 0);
	copy_reasons(out->reasons, sizeof(out->reasons), answer, group, "job-state-reasons");
	text_display(out->name, sizeof(out->name), text_of(answer, group, "job-name"));
	copy_whole(out->uuid, sizeof(out->uuid), text_of(answer, group, "job-uuid"));
	out->impressions = number_of(answer, group, "job-impressions-completed", -1);
	out->sheets = number_of(answer, group, "job-media-sheets-completed", -1);
	out->documents = number_of(answer, group, "number-of-documents", -1);
	out->up_time_s = number_of(answer, group, "job-printer-up-time", 0);
}
