/* SPDX-License-Identifier: Apache-2.0 */
/* envelope - see envelope.h. */
#include "core/envelope.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "core/vendor.h"
#include "core/wire.h"

/* Name tags carry any octets through libcups unchanged, so that a title in a strange locale survives. Times are
 * decimal text: IPP integers end in 2038. */
enum kind { TEXT, NUMBER, TIME, FLAG };
struct field {
	const char *name;
	enum kind kind;
	bool needed;
	size_t at, size;
};
#define FIELD(kind, needed, name, member) \
	{ \
		(name), (kind), (needed), offsetof(struct envelope, member), \
			sizeof(((struct envelope *)0)->member) \
	}
static const struct field fields[] = {
	FIELD(TEXT, true, VENDOR "queue", queue),
	FIELD(TEXT, true, "job-originating-user-name", owner),
	FIELD(TEXT, false, "job-name", title),
	FIELD(TEXT, false, "job-originating-host-name", host),
	FIELD(TEXT, false, "job-uuid", job_uuid),
	FIELD(NUMBER, true, "job-id", cups_job_id),
	FIELD(NUMBER, true, "copies", copies),
	FIELD(TIME, false, VENDOR "created", created_s),
	FIELD(TIME, false, VENDOR "processing", processing_s),
	FIELD(TEXT, false, VENDOR "cups-run", cups_run),
	FIELD(TIME, false, VENDOR "cups-run-started", run_started_s),
	FIELD(TIME, false, VENDOR "handed-ns", handed_ns),
	FIELD(FLAG, false, VENDOR "banner", banner),
	FIELD(FLAG, false, VENDOR "raw", raw),
	FIELD(TEXT, true, "document-format", format),
	FIELD(TEXT, true, "document-uuid", document_uuid),
};
enum { FIELD_COUNT = sizeof(fields) / sizeof(fields[0]) };

static bool put_field(ipp_t *ipp, const struct field *f, const void *member)
{
	char number[32];

	switch (f->kind) {
	case TEXT:
		if (!*(const char *)member && !f->needed)
			return true;
		return ippAddString(ipp, IPP_TAG_JOB, IPP_TAG_NAME, f->name, NULL, member);
	case NUMBER:
		return ippAddInteger(
			ipp, IPP_TAG_JOB, IPP_TAG_INTEGER, f->name, *(const int32_t *)member);
	case TIME:
		snprintf(number, sizeof(number), "%" PRId64, *(const int64_t *)member);
		return ippAddString(ipp, IPP_TAG_JOB, IPP_TAG_NAME, f->name, NULL, number);
	case FLAG:
		return ippAddBoolean(ipp, IPP_TAG_JOB, f->name, (char)*(const bool *)member);
	}
	return false;
}

int envelope_encode(const struct envelope *e, void **out, size_t *octets)
{
	AUTO(wire_deletep) ipp_t *ipp = wire_new();

	if (!ipp)
		return -ENOMEM;
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (!put_field(ipp, &fields[i], (const char *)e + fields[i].at))
			return -ENOMEM;
	return wire_encode(ipp, out, octets);
}

static bool get_time(const char *text, int64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 10);
	return !errno && end != text && !*end;
}

static bool get_field(ipp_attribute_t *a, const struct field *f, void *member)
{
	const char *text = ippGetString(a, 0, NULL);

	switch (f->kind) {
	case TEXT:
		if (ippGetValueTag(a) != IPP_TAG_NAME || !text || strlen(text) >= f->size)
			return false;
		strcpy(member, text); /* fits, see above */
		return true;
	case NUMBER:
		*(int32_t *)member = ippGetInteger(a, 0);
		return ippGetValueTag(a) == IPP_TAG_INTEGER;
	case TIME:
		return ippGetValueTag(a) == IPP_TAG_NAME && text && get_time(text, member);
	case FLAG:
		*(bool *)member = ippGetBoolean(a, 0);
		return ippGetValueTag(a) == IPP_TAG_BOOLEAN;
	}
	return false;
}

int envelope_decode(const void *octets, size_t count, struct envelope *out)
{
	AUTO(wire_deletep) ipp_t *ipp = NULL;
	struct envelope e = {0};
	int rc = wire_decode(octets, count, &ipp);

	if (rc)
		return rc > 0 ? ENVELOPE_E_DAMAGED : rc;
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		const struct field *f = &fields[i];
		ipp_attribute_t *a = ippFindAttribute(ipp, f->name, IPP_TAG_ZERO);

		if (!a && !f->needed)
			continue;
		if (!a || ippGetGroupTag(a) != IPP_TAG_JOB || ippGetCount(a) != 1 ||
			!get_field(a, f, (char *)&e + f->at))
			return ENVELOPE_E_DAMAGED;
	}
	if (!e.queue[0] || !e.format[0] || !e.document_uuid[0] || e.cups_job_id < 1)
		return ENVELOPE_E_DAMAGED;
	*out = e;
	return 0;
}
