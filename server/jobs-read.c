/* SPDX-License-Identifier: Apache-2.0 */
/* jobs-read - attributes of requests as fields of a job: types, lengths and ranges checked, unknown ones left alone. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/vendor.h"
#include "jobs-ipp.h"

static bool is_text(ipp_tag_t tag)
{
	switch (tag) {
	case IPP_TAG_NAME:
	case IPP_TAG_NAMELANG:
	case IPP_TAG_TEXT:
	case IPP_TAG_TEXTLANG:
	case IPP_TAG_KEYWORD:
	case IPP_TAG_URI:
	case IPP_TAG_MIMETYPE:
		return true;
	default:
		return false;
	}
}

ipp_attribute_t *jobs_ipp_string(ipp_t *request, const char *name, char *out, size_t size)
{
	ipp_attribute_t *attr = ippFindAttribute(request, name, IPP_TAG_ZERO);
	const char *text;

	*out = '\0';
	if (!attr)
		return NULL;
	text = is_text(ippGetValueTag(attr)) && ippGetCount(attr) == 1 ? ippGetString(attr, 0, NULL)
								       : NULL;
	if (!text || strlen(text) >= size)
		return attr;
	memcpy(out, text, strlen(text) + 1);
	return NULL;
}

int32_t jobs_ipp_number(ipp_t *request, const char *name, int32_t absent)
{
	ipp_attribute_t *attr = ippFindAttribute(request, name, IPP_TAG_ZERO);
	ipp_tag_t tag = attr ? ippGetValueTag(attr) : IPP_TAG_ZERO;

	return tag == IPP_TAG_INTEGER || tag == IPP_TAG_ENUM ? ippGetInteger(attr, 0) : absent;
}

/* A number within bounds; one that is there and is not leaves *@out and is given back. */
static ipp_attribute_t *read_number(
	ipp_t *request, const char *name, int32_t low, int32_t high, int32_t *out)
{
	ipp_attribute_t *attr = ippFindAttribute(request, name, IPP_TAG_ZERO);
	ipp_tag_t tag = attr ? ippGetValueTag(attr) : IPP_TAG_ZERO;
	int32_t n;

	if (!attr)
		return NULL;
	if ((tag != IPP_TAG_INTEGER && tag != IPP_TAG_ENUM) || ippGetCount(attr) != 1)
		return attr;
	n = ippGetInteger(attr, 0);
	if (n < low || n > high)
		return attr;
	*out = n;
	return NULL;
}

/* ---- what its user chooses ---- */

static bool is_removed(ipp_t *request, const char *name)
{
	ipp_attribute_t *attr = ippFindAttribute(request, name, IPP_TAG_ZERO);

	return attr && ippGetValueTag(attr) == IPP_TAG_DELETEATTR;
}

static ipp_attribute_t *read_choice(ipp_t *request, const char *name, char *out, size_t size)
{
	char text[256];
	ipp_attribute_t *bad;

	if (is_removed(request, name))
		*out = '\0';
	if (is_removed(request, name) || !ippFindAttribute(request, name, IPP_TAG_ZERO))
		return NULL;
	bad = jobs_ipp_string(request, name, text, size < sizeof(text) ? size : sizeof(text));
	if (!bad && !text_is_clean(text))
		bad = ippFindAttribute(request, name, IPP_TAG_ZERO);
	if (!bad)
		snprintf(out, size, "%s", text);
	return bad;
}

static ipp_attribute_t *read_chosen_number(
	ipp_t *request, const char *name, int32_t low, int32_t high, int32_t *out)
{
	if (is_removed(request, name)) {
		*out = 0;
		return NULL;
	}
	return read_number(request, name, low, high, out);
}

static ipp_attribute_t *read_finishings(ipp_t *request, struct jobs_ticket *t)
{
	ipp_attribute_t *attr = ippFindAttribute(request, "finishings", IPP_TAG_ZERO);
	int count;

	if (!attr)
		return NULL;
	if (is_removed(request, "finishings")) {
		t->finishings_count = 0;
		return NULL;
	}
	count = ippGetCount(attr);
	if (ippGetValueTag(attr) != IPP_TAG_ENUM || count > JOBS_FINISHINGS_MAX)
		return attr;
	for (int i = 0; i < count; i++)
		t->finishings[i] = ippGetInteger(attr, i);
	t->finishings_count = count;
	return NULL;
}

ipp_attribute_t *jobs_ipp_ticket(ipp_t *request, struct jobs_ticket *t)
{
	ipp_attribute_t *bad = read_chosen_number(request, "copies", 1, 9999, &t->copies);

	if (!bad)
		bad = read_choice(request, "sides", t->sides, sizeof(t->sides));
	if (!bad)
		bad = read_choice(request, "media", t->media, sizeof(t->media));
	if (!bad)
		bad = read_choice(
			request, "print-color-mode", t->color_mode, sizeof(t->color_mode));
	if (!bad)
		bad = read_chosen_number(request, "print-quality", 3, 5, &t->quality);
	return bad ? bad : read_finishings(request, t);
}

/* ---- Create-Job ---- */

static bool is_uuid(const char *text)
{
	static const char form[] = "urn:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(text) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < sizeof(form) - 1; i++) {
		if (i >= 9 && form[i] == 'x' ? !strchr("0123456789abcdef", text[i])
					     : text[i] != form[i])
			return false;
	}
	return true;
}

static ipp_attribute_t *read_impressions(ipp_t *request, struct jobs_job *j)
{
	ipp_attribute_t *attr = ippFindAttribute(request, "job-impressions-col", IPP_TAG_ZERO);
	ipp_attribute_t *bad;
	ipp_t *col;

	if (!attr)
		return NULL;
	col = ippGetValueTag(attr) == IPP_TAG_BEGIN_COLLECTION ? ippGetCollection(attr, 0) : NULL;
	if (!col)
		return attr;
	bad = read_number(col, "monochrome", 0, INT32_MAX, &j->monochrome);
	if (!bad)
		bad = read_number(col, "full-color", 0, INT32_MAX, &j->color);
	return bad ? attr : NULL;
}

static ipp_attribute_t *read_counts(ipp_t *request, struct jobs_job *j)
{
	ipp_attribute_t *bad;

	j->k_octets = j->impressions = j->sheets = j->monochrome = j->color = -1;
	bad = read_number(request, "job-k-octets", 0, INT32_MAX, &j->k_octets);
	if (!bad)
		bad = read_number(request, "job-impressions", 0, INT32_MAX, &j->impressions);
	if (!bad)
		bad = read_number(request, "job-media-sheets", 0, INT32_MAX, &j->sheets);
	if (!bad)
		bad = read_number(request, VENDOR_HOLDER_ATTEMPT, 0, INT32_MAX, &j->attempt);
	return bad ? bad : read_impressions(request, j);
}

static ipp_attribute_t *read_verified(ipp_t *request, struct jobs_job *j)
{
	ipp_attribute_t *attr = ippFindAttribute(request, VENDOR_OWNER_VERIFIED, IPP_TAG_ZERO);

	if (attr && (ippGetValueTag(attr) != IPP_TAG_BOOLEAN || ippGetCount(attr) != 1))
		return attr;
	j->verified = attr && ippGetBoolean(attr, 0);
	return NULL;
}

ipp_attribute_t *jobs_ipp_create(ipp_t *request, struct jobs_job *j)
{
	char title[256];
	ipp_attribute_t *bad =
		jobs_ipp_string(request, VENDOR_CLIENT_JOB_UUID, j->uuid, sizeof(j->uuid));

	if (!bad && !is_uuid(j->uuid))
		bad = ippFindAttribute(request, VENDOR_CLIENT_JOB_UUID, IPP_TAG_ZERO);
	if (!bad)
		bad = jobs_ipp_string(request, "job-name", title, sizeof(title));
	if (bad)
		return bad;
	text_display(j->title, sizeof(j->title), title);
	bad = read_choice(request, "document-format", j->format, sizeof(j->format));
	if (!bad)
		bad = read_choice(request, "job-account-id", j->account, sizeof(j->account));
	if (!bad)
		bad = read_choice(request, "job-accounting-user-id", j->accounting_user,
			sizeof(j->accounting_user));
	if (!bad)
		bad = read_verified(request, j);
	if (!bad)
		bad = read_counts(request, j);
	return bad ? bad : jobs_ipp_ticket(request, &j->ticket);
}

ipp_attribute_t *jobs_ipp_delegates(ipp_t *request, struct jobs_delegates *out, bool *there)
{
	ipp_attribute_t *attr = ippFindAttribute(request, VENDOR_DELEGATES, IPP_TAG_ZERO);
	int count = attr ? ippGetCount(attr) : 0;

	out->count = 0;
	*there = attr;
	if (!attr || is_removed(request, VENDOR_DELEGATES))
		return NULL;
	if (ippGetValueTag(attr) != IPP_TAG_URI || count > JOBS_DELEGATES_MAX)
		return attr;
	for (int i = 0; i < count; i++)
		if (!jobs_user_from_uri(
			    out->user[i], sizeof(out->user[i]), ippGetString(attr, i, NULL)))
			return attr;
	out->count = count;
	return NULL;
}
