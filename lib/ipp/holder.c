/* SPDX-License-Identifier: Apache-2.0 */
/* holder - see holder.h. */
#include "ipp/holder.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/ticket.h"
#include "core/vendor.h"
#include "ipp/target.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define KEYWORD IPP_CONST_TAG(IPP_TAG_KEYWORD)

enum { NAME_MAX_OCTETS = 255, PIN_OCTETS = 32, DELEGATES_MAX = 8 };

static ipp_t *request(ipp_op_t op, const char *uri, const char *user)
{
	const char *name = strstr(uri, "/ipp/system") ? "system-uri" : "printer-uri";
	ipp_t *r = ippNewRequest(op);

	if (!r)
		return NULL;
	ippAddString(r, IPP_TAG_OPERATION, IPP_TAG_URI, name, NULL, uri);
	if (user && *user)
		ippAddString(
			r, IPP_TAG_OPERATION, IPP_TAG_NAME, "requesting-user-name", NULL, user);
	return r;
}

static ipp_t *job_request(ipp_op_t op, const char *uri, int32_t job_id)
{
	ipp_t *r = request(op, uri, NULL);

	if (r)
		ippAddInteger(r, IPP_TAG_OPERATION, IPP_TAG_INTEGER, "job-id", job_id);
	return r;
}

static void add_text(ipp_t *r, ipp_tag_t group, ipp_tag_t tag, const char *name, const char *value)
{
	if (value && *value)
		ippAddString(r, group, tag, name, NULL, value);
}

/* ---- registration ---- */

static int32_t ticket_number(ipp_t *ticket, const char *name)
{
	ipp_attribute_t *a = ticket ? ippFindAttribute(ticket, name, IPP_TAG_INTEGER) : NULL;

	return a ? ippGetInteger(a, 0) : -1;
}

static void add_counts(ipp_t *r, const struct holder_job *job, ipp_t *ticket)
{
	int32_t pages = ticket_number(ticket, "job-pages");
	int32_t color = ticket_number(ticket, VENDOR "color-pages");
	int32_t gray = ticket_number(ticket, VENDOR "monochrome-pages");
	int64_t k = job->octets / 1024 + (job->octets % 1024 > 0);
	ipp_t *split;

	ippAddInteger(r, IPP_TAG_OPERATION, IPP_TAG_INTEGER, "job-k-octets",
		k < INT_MAX ? (int)k : INT_MAX);
	if (pages <= 0)
		return;
	ippAddInteger(r, IPP_TAG_OPERATION, IPP_TAG_INTEGER, "job-impressions", pages);
	split = color >= 0 && gray >= 0 ? ippNew() : NULL;
	if (!split)
		return;
	ippAddInteger(split, IPP_TAG_ZERO, IPP_TAG_INTEGER, "monochrome", gray);
	ippAddInteger(split, IPP_TAG_ZERO, IPP_TAG_INTEGER, "full-color", color);
	ippAddCollection(r, IPP_TAG_OPERATION, "job-impressions-col", split);
	ippDelete(split);
}

/* What a device may be asked for, as the ticket has it. */
static const char *const template[] = {"copies", "sides", "media", "print-color-mode",
	"print-quality", "finishings", "job-account-id", "job-accounting-user-id"};

static void add_template(ipp_t *r, ipp_t *ticket)
{
	for (size_t i = 0; ticket && i < COUNT(template); i++) {
		ipp_attribute_t *a = ippFindAttribute(ticket, template[i], IPP_TAG_ZERO);
		ipp_attribute_t *copy = a ? ippCopyAttribute(r, a, 0) : NULL;

		if (copy)
			ippSetGroupTag(r, &copy, IPP_TAG_JOB);
	}
}

/* "urn:stillprint:user:anna", RFC 3986. */
static void user_uri(char *out, size_t size, const char *name, size_t length)
{
	size_t used = (size_t)snprintf(out, size, "urn:stillprint:user:");

	for (size_t i = 0; i < length && used + 4 < size; i++) {
		unsigned char c = (unsigned char)name[i];
		bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			     (c >= 'A' && c <= 'Z') || strchr("-._~", c);

		used += (size_t)snprintf(out + used, size - used, plain ? "%c" : "%%%02X", c);
	}
}

static void add_delegates(ipp_t *r, ipp_tag_t group, const char *names)
{
	char uri[DELEGATES_MAX][800];
	const char *list[DELEGATES_MAX];
	int count = 0;

	while (names && *names && count < DELEGATES_MAX) {
		size_t n = strcspn(names, "\n");

		user_uri(uri[count], sizeof(uri[0]), names, n);
		list[count] = uri[count];
		count++;
		names += n + (names[n] == '\n');
	}
	if (count)
		ippAddStrings(r, group, IPP_TAG_URI, VENDOR_DELEGATES, count, NULL, list);
}

ipp_t *holder_register(const char *queue_uri, const struct holder_job *job, ipp_t *ticket)
{
	ipp_t *r = request(IPP_OP_CREATE_JOB, queue_uri, job->owner);
	char title[NAME_MAX_OCTETS + 1];

	if (!r)
		return NULL;
	text_display(title, sizeof(title), job->title);
	add_text(r, IPP_TAG_OPERATION, IPP_TAG_NAME, "job-name", title);
	add_text(r, IPP_TAG_OPERATION, IPP_TAG_URI, VENDOR_CLIENT_JOB_UUID, job->uuid);
	add_text(r, IPP_TAG_OPERATION, IPP_TAG_KEYWORD, VENDOR_DOCUMENT_LOCATION, "client");
	add_text(r, IPP_TAG_OPERATION, IPP_TAG_MIMETYPE, "document-format", job->format);
	add_text(r, IPP_TAG_OPERATION, IPP_TAG_KEYWORD, "job-release-action",
		job->direct ? "none" : "owner-authorized");
	ippAddInteger(r, IPP_TAG_OPERATION, IPP_TAG_INTEGER, VENDOR_HOLDER_ATTEMPT, job->attempt);
	ippAddBoolean(r, IPP_TAG_OPERATION, VENDOR_OWNER_VERIFIED, job->verified);
	add_delegates(r, IPP_TAG_OPERATION, job->delegates);
	add_counts(r, job, ticket);
	add_template(r, ticket);
	return r;
}

ipp_t *holder_delegates(
	const char *queue_uri, int32_t job_id, const char *user, const char *delegates)
{
	ipp_t *r = request(IPP_OP_SET_JOB_ATTRIBUTES, queue_uri, user);

	if (!r)
		return NULL;
	ippAddInteger(r, IPP_TAG_OPERATION, IPP_TAG_INTEGER, "job-id", job_id);
	if (*delegates)
		add_delegates(r, IPP_TAG_JOB, delegates);
	else
		ippAddOutOfBand(r, IPP_TAG_JOB, IPP_TAG_DELETEATTR, VENDOR_DELEGATES);
	return r;
}

/* ---- the holder's turn ---- */

ipp_t *holder_fetch(const char *queue_uri, int32_t job_id)
{
	return job_request(IPP_OP_FETCH_JOB, queue_uri, job_id);
}

static void add_fence(ipp_t *r, int32_t incarnation, int32_t epoch, int32_t attempt)
{
	ippAddInteger(
		r, IPP_TAG_OPERATION, IPP_TAG_INTEGER, VENDOR_SERVER_INCARNATION, incarnation);
	ippAddInteger(r, IPP_TAG_OPERATION, IPP_TAG_INTEGER, VENDOR_RELEASE_EPOCH, epoch);
	ippAddInteger(r, IPP_TAG_OPERATION, IPP_TAG_INTEGER, VENDOR_HOLDER_ATTEMPT, attempt);
}

ipp_t *holder_acknowledge(const char *queue_uri, int32_t job_id, const char *device_uuid,
	int32_t incarnation, int32_t epoch, int32_t attempt)
{
	ipp_t *r = job_request(IPP_OP_ACKNOWLEDGE_JOB, queue_uri, job_id);

	if (!r)
		return NULL;
	add_text(r, IPP_TAG_OPERATION, IPP_TAG_URI, "output-device-uuid", device_uuid);
	add_fence(r, incarnation, epoch, attempt);
	return r;
}

ipp_t *holder_status(const char *queue_uri, const struct holder_status *s)
{
	ipp_t *r = job_request(IPP_OP_UPDATE_JOB_STATUS, queue_uri, s->job_id);

	if (!r)
		return NULL;
	add_text(r, IPP_TAG_OPERATION, IPP_TAG_URI, "output-device-uuid", s->device_uuid);
	add_fence(r, s->incarnation, s->epoch, s->attempt);
	ippAddInteger(r, IPP_TAG_JOB, IPP_TAG_ENUM, "output-device-job-state", s->state);
	if (s->in_doubt)
		add_text(r, IPP_TAG_JOB, IPP_TAG_KEYWORD, "output-device-job-state-reasons",
			VENDOR_R_OUTCOME_UNKNOWN);
	add_text(r, IPP_TAG_JOB, IPP_TAG_TEXT, "output-device-job-state-message", s->message);
	if (s->impressions >= 0)
		ippAddInteger(r, IPP_TAG_JOB, IPP_TAG_INTEGER, "job-impressions-completed",
			s->impressions);
	if (s->sheets >= 0)
		ippAddInteger(
			r, IPP_TAG_JOB, IPP_TAG_INTEGER, "job-media-sheets-completed", s->sheets);
	add_text(r, IPP_TAG_JOB, IPP_TAG_NAME, VENDOR_DIVERTED_TO, s->diverted_to);
	return r;
}

ipp_t *holder_release(const char *queue_uri, int32_t job_id, const char *user, const char *device)
{
	ipp_t *r = request(IPP_OP_RELEASE_JOB, queue_uri, user);
	bool uuid = !strncmp(device, "urn:uuid:", 9);

	if (!r)
		return NULL;
	ippAddInteger(r, IPP_TAG_OPERATION, IPP_TAG_INTEGER, "job-id", job_id);
	add_text(r, IPP_TAG_OPERATION, uuid ? IPP_TAG_URI : IPP_TAG_NAME,
		uuid ? "output-device-uuid" : "output-device", device);
	return r;
}

ipp_t *holder_active(const char *system_uri, unsigned count, const int *job_ids, const int *states)
{
	ipp_t *r = request(IPP_OP_UPDATE_ACTIVE_JOBS, system_uri, NULL);

	if (!r || !count)
		return r;
	ippAddIntegers(r, IPP_TAG_OPERATION, IPP_TAG_INTEGER, "job-ids", (int)count, job_ids);
	ippAddIntegers(
		r, IPP_TAG_OPERATION, IPP_TAG_ENUM, "output-device-job-states", (int)count, states);
	return r;
}

static ipp_t *list(const char *system_uri, const char *which, int32_t first, int count)
{
	static const char *const wanted[] = {
		"job-id", "job-uuid", "job-state", "job-state-reasons", VENDOR_RELEASE_EPOCH};
	ipp_t *r = request(IPP_OP_GET_JOBS, system_uri, NULL);

	if (!r)
		return NULL;
	add_text(r, IPP_TAG_OPERATION, IPP_TAG_KEYWORD, "which-jobs", which);
	ippAddInteger(r, IPP_TAG_OPERATION, IPP_TAG_INTEGER, "limit", count);
	if (first > 0)
		ippAddInteger(r, IPP_TAG_OPERATION, IPP_TAG_INTEGER, "first-job-id", first);
	ippAddStrings(
		r, IPP_TAG_OPERATION, KEYWORD, "requested-attributes", COUNT(wanted), NULL, wanted);
	return r;
}

ipp_t *holder_fetchable(const char *system_uri)
{
	return list(system_uri, "fetchable", 0, HOLDER_JOBS_MAX);
}

ipp_t *holder_known(const char *system_uri, int32_t first, int count)
{
	return list(system_uri, "not-completed", first, count);
}

/* ---- events ---- */

ipp_t *holder_subscribe(const char *system_uri)
{
	static const char *const events[] = {"job-fetchable", "job-state-changed",
		"printer-state-changed", "resource-config-changed"};
	ipp_t *r = request(IPP_OP_CREATE_SYSTEM_SUBSCRIPTIONS, system_uri, NULL);

	if (!r)
		return NULL;
	add_text(r, IPP_TAG_SUBSCRIPTION, IPP_TAG_KEYWORD, "notify-pull-method", "ippget");
	ippAddStrings(
		r, IPP_TAG_SUBSCRIPTION, KEYWORD, "notify-events", COUNT(events), NULL, events);
	ippAddInteger(
		r, IPP_TAG_SUBSCRIPTION, IPP_TAG_INTEGER, "notify-lease-duration", HOLDER_LEASE_S);
	return r;
}

ipp_t *holder_renew(const char *system_uri, int32_t subscription)
{
	ipp_t *r = request(IPP_OP_RENEW_SUBSCRIPTION, system_uri, NULL);

	if (!r)
		return NULL;
	ippAddInteger(
		r, IPP_TAG_OPERATION, IPP_TAG_INTEGER, "notify-subscription-id", subscription);
	ippAddInteger(
		r, IPP_TAG_SUBSCRIPTION, IPP_TAG_INTEGER, "notify-lease-duration", HOLDER_LEASE_S);
	return r;
}

ipp_t *holder_poll(const char *system_uri, int32_t subscription, int32_t next, bool wait)
{
	ipp_t *r = request(IPP_OP_GET_NOTIFICATIONS, system_uri, NULL);

	if (!r)
		return NULL;
	ippAddInteger(
		r, IPP_TAG_OPERATION, IPP_TAG_INTEGER, "notify-subscription-ids", subscription);
	ippAddInteger(r, IPP_TAG_OPERATION, IPP_TAG_INTEGER, "notify-sequence-numbers", next);
	ippAddBoolean(r, IPP_TAG_OPERATION, "notify-wait", wait);
	return r;
}

/* ---- answers ---- */

static void copy(ipp_attribute_t *a, char *out, size_t size)
{
	const char *value = ippGetString(a, 0, NULL);

	/* A URI that does not fit is none. */
	if (value && strlen(value) < size)
		snprintf(out, size, "%s", value);
}

static void show(ipp_attribute_t *a, char *out, size_t size)
{
	text_display(out, size, ippGetString(a, 0, NULL));
}

static void copy_pin(ipp_attribute_t *a, char *out, size_t size)
{
	int count = 0;
	const void *octets = ippGetOctetString(a, 0, &count);
	char base64[sodium_base64_ENCODED_LEN(PIN_OCTETS, sodium_base64_VARIANT_ORIGINAL)];

	if (!octets || count != PIN_OCTETS)
		return;
	sodium_bin2base64(
		base64, sizeof(base64), octets, PIN_OCTETS, sodium_base64_VARIANT_ORIGINAL);
	snprintf(out, size, "sha256//%s", base64);
}

static void copy_reasons(ipp_attribute_t *a, struct holder_answer *out)
{
	for (int i = 0; i < ippGetCount(a); i++) {
		const char *reason = ippGetString(a, i, NULL);

		if (reason && !strcmp(reason, "job-fetchable"))
			out->fetchable = true;
		else if (reason && !strcmp(reason, "processing-to-stop-point"))
			out->canceling = true;
	}
}

/* "urn:stillprint:user:anna" */
static void copy_user(ipp_attribute_t *a, char *out, size_t size)
{
	const char *value = ippGetString(a, 0, NULL), *name = value ? strrchr(value, ':') : NULL;
	char raw[256];
	size_t n = 0;

	for (name = name ? name + 1 : ""; *name && n + 1 < sizeof(raw); name++) {
		unsigned octet = 0;

		if (*name == '%' && sscanf(name + 1, "%2x", &octet) == 1 && octet) {
			raw[n++] = (char)octet;
			name += 2;
		} else {
			raw[n++] = *name;
		}
	}
	raw[n] = '\0';
	text_display(out, size, raw);
}

static void take_number(struct holder_answer *out, const char *name, int32_t value)
{
	const struct {
		const char *name;
		int32_t *field;
	} fields[] = {{"job-id", &out->job_id}, {"notify-job-id", &out->job_id},
		{VENDOR_SERVER_INCARNATION, &out->incarnation}, {VENDOR_RELEASE_EPOCH, &out->epoch},
		{VENDOR_LEASE, &out->lease_s}, {"notify-subscription-id", &out->subscription},
		{"notify-sequence-number", &out->sequence}, {"printer-up-time", &out->up_time_s},
		{"copies", &out->copies}};

	for (size_t i = 0; i < COUNT(fields); i++)
		if (!strcmp(name, fields[i].name))
			*fields[i].field = value;
}

static void take_other(struct holder_answer *out, const char *name, ipp_attribute_t *a)
{
	if (!strcmp(name, "job-uuid"))
		copy(a, out->uuid, sizeof(out->uuid));
	else if (!strcmp(name, "job-state-reasons"))
		copy_reasons(a, out);
	else if (!strcmp(name, "notify-subscribed-event"))
		copy(a, out->event, sizeof(out->event));
	else if (!strcmp(name, "output-device-uuid-assigned"))
		copy(a, out->device_uuid, sizeof(out->device_uuid));
	else if (!strcmp(name, VENDOR_DEVICE_URI))
		copy(a, out->device_uri, sizeof(out->device_uri));
	else if (!strcmp(name, VENDOR_DEVICE_NAME))
		show(a, out->device_name, sizeof(out->device_name));
	else if (!strcmp(name, VENDOR_DEVICE_CERTIFICATE))
		copy_pin(a, out->device_pin, sizeof(out->device_pin));
	else if (!strcmp(name, VENDOR_RELEASED_BY))
		copy_user(a, out->released_by, sizeof(out->released_by));
	else if (!strcmp(name, "status-message"))
		show(a, out->message, sizeof(out->message));
	else if (!strcmp(name, VENDOR_OWNER_VERIFIED))
		out->not_verified = ippGetGroupTag(a) == IPP_TAG_UNSUPPORTED_GROUP;
	else if (!strcmp(name, "sides"))
		copy(a, out->sides, sizeof(out->sides));
	else if (!strcmp(name, "print-color-mode"))
		copy(a, out->color_mode, sizeof(out->color_mode));
}

static void take(struct holder_answer *out, ipp_attribute_t *a)
{
	const char *name = ippGetName(a);

	if (!strcmp(name, "job-state") && ippGetValueTag(a) == IPP_TAG_ENUM)
		out->state = ippGetInteger(a, 0);
	else if (ippGetValueTag(a) == IPP_TAG_INTEGER)
		take_number(out, name, ippGetInteger(a, 0));
	else
		take_other(out, name, a);
}

void holder_read(ipp_t *answer, struct holder_answer *out)
{
	memset(out, 0, sizeof(*out));
	for (ipp_attribute_t *a = ippFirstAttribute(answer); a; a = ippNextAttribute(answer))
		if (ippGetName(a))
			take(out, a);
}

void holder_each(ipp_t *answer, ipp_tag_t group,
	void (*fn)(void *arg, const struct holder_answer *one), void *arg)
{
	struct holder_answer one = {0};
	bool open = false;

	/* A group ends with an attribute without a name, or with one of another group. */
	for (ipp_attribute_t *a = ippFirstAttribute(answer); a; a = ippNextAttribute(answer)) {
		bool in = ippGetName(a) && ippGetGroupTag(a) == group;

		if (open && !in)
			fn(arg, &one);
		if (in && !open)
			memset(&one, 0, sizeof(one));
		if (in)
			take(&one, a);
		open = in;
	}
	if (open)
		fn(arg, &one);
}
