/* SPDX-License-Identifier: Apache-2.0 */
/* request - an IPP request from outside, checked by RFC 8011 4.1 in the order that it says. Which operations there are, and
 * who may call them, is serve's. */
#include "ipp/request.h"

#include <cups/cups.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "core/wire.h"

/* More operation attributes than any operation has; each is compared with each. */
enum { OPERATION_ATTRIBUTES_MAX = 128, HEADER = 8 };

static ipp_status_t bad(char *why, size_t size, ipp_status_t status, const char *text)
{
	snprintf(why, size, "%s", text);
	return status;
}
#define BAD(text) bad(why, why_size, IPP_STATUS_ERROR_BAD_REQUEST, (text))

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False: no room, a broken escape, or a character that a path may not have. */
static bool decode_path(const char *in, char *out, size_t size)
{
	size_t used = 0;

	for (; *in; in++) {
		char c = *in;

		if (c == '%') {
			int high = hex(in[1]), low = high < 0 ? -1 : hex(in[2]);

			if (low < 0 || (high == 0 && low == 0))
				return false;
			c = (char)(high << 4 | low);
			in += 2;
		} else if (c == '?' || c == '#') {
			return false;
		}
		if (used + 1 >= size)
			return false;
		out[used++] = c;
	}
	out[used] = '\0';
	return text_is_clean(out);
}

/* "." and ".." would let two paths be one. */
static bool has_dots(const char *path)
{
	for (const char *at = strchr(path, '/'); at; at = strchr(at, '/')) {
		size_t length = strcspn(++at, "/");

		if ((length == 1 && at[0] == '.') || (length == 2 && at[0] == '.' && at[1] == '.'))
			return true;
	}
	return false;
}

static bool target_path(const char *uri, char *out, size_t size)
{
	static const char *const schemes[] = {"ipp://", "ipps://", "http://", "https://"};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		size_t length = strlen(schemes[i]);
		const char *path;

		if (strncasecmp(uri, schemes[i], length) != 0)
			continue;
		path = strchr(uri + length, '/');
		return path && path > uri + length && decode_path(path, out, size) &&
		       !has_dots(out);
	}
	return false;
}

/* Cuts "/17" off the path. */
static bool cut_job_number(char *path, int32_t *out)
{
	char *slash = strrchr(path, '/');
	int64_t number = 0;

	if (!slash || slash == path || !slash[1])
		return false;
	for (const char *at = slash + 1; *at; at++) {
		if (*at < '0' || *at > '9')
			return false;
		number = number * 10 + (*at - '0');
		if (number > INT32_MAX)
			return false;
	}
	*slash = '\0';
	*out = (int32_t)number;
	return number > 0;
}

/* The attributes of the operation group, in order. Return: how many, -1: too many, -2: one of them comes later or twice. */
static int operation_group(ipp_t *ipp, ipp_attribute_t **out, int max)
{
	bool over = false;
	int count = 0;

	for (ipp_attribute_t *a = ippFirstAttribute(ipp); a; a = ippNextAttribute(ipp)) {
		if (!ippGetName(a) || ippGetGroupTag(a) != IPP_TAG_OPERATION) {
			over = true;
			continue;
		}
		if (over)
			return -2;
		if (count >= max)
			return -1;
		for (int i = 0; i < count; i++)
			if (!strcmp(ippGetName(out[i]), ippGetName(a)))
				return -2;
		out[count++] = a;
	}
	return count;
}

struct group {
	ipp_attribute_t *attr[OPERATION_ATTRIBUTES_MAX];
	int count;
};

static ipp_attribute_t *find(const struct group *g, const char *name)
{
	for (int i = 0; i < g->count; i++)
		if (!strcmp(ippGetName(g->attr[i]), name))
			return g->attr[i];
	return NULL;
}

static const char *text_of(ipp_attribute_t *attr, ipp_tag_t tag)
{
	return attr && ippGetValueTag(attr) == tag && ippGetCount(attr) == 1
		       ? ippGetString(attr, 0, NULL)
		       : NULL;
}

static ipp_status_t check_charset(const struct group *g, char *why, size_t why_size)
{
	const char *text;

	if (g->count < 2 || strcmp(ippGetName(g->attr[0]), "attributes-charset") != 0 ||
		strcmp(ippGetName(g->attr[1]), "attributes-natural-language") != 0)
		return BAD("attributes-charset and attributes-natural-language must come first.");
	text = text_of(g->attr[0], IPP_TAG_CHARSET);
	if (!text || !text_of(g->attr[1], IPP_TAG_LANGUAGE))
		return BAD("attributes-charset or attributes-natural-language is malformed.");
	if (strcasecmp(text, "utf-8") != 0 && strcasecmp(text, "us-ascii") != 0)
		return bad(why, why_size, IPP_STATUS_ERROR_CHARSET,
			"Only the charset utf-8 is supported.");
	return IPP_STATUS_OK;
}

/* CUPS' own two that are asked of the whole service: no target (as libcups sends them). */
static bool needs_target(int operation)
{
	return operation != IPP_OP_CUPS_GET_DEFAULT && operation != IPP_OP_CUPS_GET_PRINTERS;
}

static ipp_status_t check_target(
	const struct group *g, struct request *out, char *why, size_t why_size)
{
	static const char *const names[] = {"printer-uri", "system-uri", "job-uri"};
	ipp_attribute_t *job_id = find(g, "job-id");
	int found = -1;

	for (int i = 0; i < 3; i++) {
		ipp_attribute_t *attr = find(g, names[i]);
		const char *uri = text_of(attr, IPP_TAG_URI);

		if (!attr)
			continue;
		if (found >= 0)
			return BAD("There must be one target URI, not two.");
		if (!uri || !target_path(uri, out->target, sizeof(out->target)))
			return BAD("The target URI is malformed.");
		found = i;
	}
	if (found < 0 && needs_target(out->operation))
		return BAD("There is no target: printer-uri, system-uri or job-uri.");
	if (found == 2 && !cut_job_number(out->target, &out->job_id))
		return BAD("job-uri must end with the job's number.");
	if (!job_id)
		return IPP_STATUS_OK;
	if (found == 2 || ippGetValueTag(job_id) != IPP_TAG_INTEGER || ippGetCount(job_id) != 1 ||
		ippGetInteger(job_id, 0) < 1)
		return BAD("job-id must be a positive number, and goes with printer-uri.");
	out->job_id = ippGetInteger(job_id, 0);
	return IPP_STATUS_OK;
}

static ipp_status_t check_user(
	const struct group *g, struct request *out, char *why, size_t why_size)
{
	ipp_attribute_t *attr = find(g, "requesting-user-name");
	const char *text;

	if (!attr)
		return IPP_STATUS_OK;
	text = text_of(attr, IPP_TAG_NAME);
	if (!text)
		text = text_of(attr, IPP_TAG_NAMELANG);
	if (!text)
		return BAD("requesting-user-name is malformed.");
	text_display(out->user, sizeof(out->user), text);
	return IPP_STATUS_OK;
}

static ipp_status_t check_header(const uint8_t *octets, size_t count, char *why, size_t why_size)
{
	if (count < HEADER + 1)
		return BAD("The request is cut short.");
	if (octets[0] != 1 && octets[0] != 2)
		return bad(why, why_size, IPP_STATUS_ERROR_VERSION_NOT_SUPPORTED,
			"IPP versions 1.1 and 2.0 are supported.");
	/* 1 to MAX: the sign bit is the first of its octets. */
	if (octets[4] & 0x80 || !(octets[4] | octets[5] | octets[6] | octets[7]))
		return BAD("request-id must be positive.");
	return IPP_STATUS_OK;
}

ipp_status_t request_read(
	const void *octets, size_t count, struct request *out, char *why, size_t why_size)
{
	struct group g = {0};
	ipp_status_t status;
	int rc;

	memset(out, 0, sizeof(*out));
	why[0] = '\0';
	status = check_header(octets, count, why, why_size);
	if (status)
		return status;
	rc = wire_decode(octets, count, &out->ipp);
	if (rc == WIRE_E_LIMIT)
		return bad(why, why_size, IPP_STATUS_ERROR_REQUEST_ENTITY,
			"The request has too many attributes or values, or is nested too deep.");
	if (rc < 0)
		return bad(why, why_size, IPP_STATUS_ERROR_TEMPORARY, "There is no memory.");
	if (rc)
		return BAD("The request is damaged or cut short.");
	out->operation = ippGetOperation(out->ipp);
	g.count = operation_group(out->ipp, g.attr, OPERATION_ATTRIBUTES_MAX);
	if (g.count == -1)
		return bad(why, why_size, IPP_STATUS_ERROR_REQUEST_ENTITY,
			"The request has too many operation attributes.");
	if (g.count < 0)
		return BAD("An operation attribute comes twice, or after other groups.");
	status = check_charset(&g, why, why_size);
	if (!status)
		status = check_target(&g, out, why, why_size);
	if (!status)
		status = check_user(&g, out, why, why_size);
	return status;
}

/* RFC 8011 4.1.8: the version asked for, or the nearest that we have. */
static void answer_version(ipp_t *answer, ipp_t *request)
{
	int minor = 0, major = request ? ippGetVersion(request, &minor) : 2;

	if (major == 1)
		ippSetVersion(answer, 1, minor == 0 ? 0 : 1);
	else
		ippSetVersion(answer, 2, minor <= 2 ? minor : 0);
}

ipp_t *request_answer(ipp_t *request, ipp_status_t status)
{
	ipp_t *answer = ippNew();

	if (!answer)
		return NULL;
	answer_version(answer, request);
	ippSetRequestId(answer, request ? ippGetRequestId(request) : 1);
	ippSetStatusCode(answer, status);
	if (!ippAddString(answer, IPP_TAG_OPERATION, IPP_CONST_TAG(IPP_TAG_CHARSET),
		    "attributes-charset", NULL, "utf-8") ||
		!ippAddString(answer, IPP_TAG_OPERATION, IPP_CONST_TAG(IPP_TAG_LANGUAGE),
			"attributes-natural-language", NULL, "en")) {
		ippDelete(answer);
		return NULL;
	}
	return answer;
}
