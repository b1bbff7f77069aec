/* SPDX-License-Identifier: Apache-2.0 */
/* serve-call - what handlers see of an IPP call, and how its answer is put together. */
#include <cups/cups.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mono.h"
#include "base/text.h"
#include "core/wire.h"
#include "ipp/serve-private.h"

const struct serve_peer *serve_peer(const struct serve_call *c)
{
	return &c->conn->peer;
}

ipp_t *serve_request(const struct serve_call *c)
{
	return c->request.ipp;
}

ipp_t *serve_reply(const struct serve_call *c)
{
	return c->reply;
}

const char *serve_target(const struct serve_call *c)
{
	return c->request.target[0] ? c->request.target : c->path;
}

int32_t serve_job_id(const struct serve_call *c)
{
	return c->request.job_id;
}

const char *serve_user(const struct serve_call *c)
{
	return c->request.user;
}

const char *serve_secret(const struct serve_call *c)
{
	return c->secret ? c->secret : "";
}

void serve_say(struct serve_call *c, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_display(c->said, sizeof(c->said), text);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted once, since it is asked for each attribute of each job, and a request may name thousands. */
static void read_wanted(struct serve_call *c)
{
	ipp_attribute_t *attr =
		ippFindAttribute(c->request.ipp, "requested-attributes", IPP_TAG_KEYWORD);
	int count = attr ? ippGetCount(attr) : 0;

	c->wanted_count = 0;
	if (count <= 0)
		return;
	c->wanted = calloc((size_t)count, sizeof(*c->wanted));
	if (!c->wanted)
		return;
	for (int i = 0; i < count; i++) {
		const char *text = ippGetString(attr, i, NULL);

		c->wanted[i] = text ? text : "";
	}
	c->wanted_count = count;
	qsort(c->wanted, (size_t)count, sizeof(*c->wanted), by_text);
}

static bool is_wanted(const struct serve_call *c, const char *name)
{
	return bsearch(&name, c->wanted, (size_t)c->wanted_count, sizeof(*c->wanted), by_text);
}

bool serve_wants(const struct serve_call *c, const char *name, const char *group)
{
	if (c->wanted_count < 0)
		read_wanted((struct serve_call *)c);
	return !c->wanted_count || is_wanted(c, name) || (group && is_wanted(c, group)) ||
	       is_wanted(c, "all");
}

static ipp_t *unsupported_of(struct serve_call *c)
{
	if (!c->unsupported)
		c->unsupported = ippNew();
	return c->unsupported;
}

void serve_unsupported(struct serve_call *c, ipp_attribute_t *attr)
{
	if (unsupported_of(c))
		ippAddOutOfBand(c->unsupported, IPP_TAG_UNSUPPORTED_GROUP,
			IPP_TAG_UNSUPPORTED_VALUE, ippGetName(attr));
}

void serve_unsupported_value(struct serve_call *c, ipp_attribute_t *attr)
{
	ipp_attribute_t *copy;

	if (!unsupported_of(c))
		return;
	copy = ippCopyAttribute(c->unsupported, attr, 0);
	if (copy)
		ippSetGroupTag(c->unsupported, &copy, IPP_TAG_UNSUPPORTED_GROUP);
}

/* ---- the answer ---- */

/* Version and number are those of the octets that came, also when the rest could not be read. */
static void copy_header(const struct serve_call *c, ipp_t *reply)
{
	const uint8_t *o = (const uint8_t *)c->body;

	if (c->request.ipp || c->body_octets < 8)
		return;
	if (o[0] == 1)
		ippSetVersion(reply, 1, 1);
	if (!(o[4] & 0x80))
		ippSetRequestId(reply, o[4] << 24 | o[5] << 16 | o[6] << 8 | o[7]);
}

int serve_call_reply(struct serve_call *c, ipp_status_t status)
{
	ipp_t *reply = request_answer(c->request.ipp, status);

	if (!reply)
		return -ENOMEM;
	copy_header(c, reply);
	ippDelete(c->reply);
	ippDelete(c->unsupported);
	c->reply = reply;
	c->unsupported = NULL;
	c->status = status;
	return 0;
}

void serve_call_spoil(struct serve_call *c)
{
	if (c->page) {
		serve_page_text(c, 503, "Nothing can be stored at present. Try again soon.");
		return;
	}
	if (serve_call_reply(c, IPP_STATUS_ERROR_SERVICE_UNAVAILABLE)) {
		c->stage = STAGE_CUT;
		c->gone = true;
	}
	serve_say(c, "Nothing can be stored at present. Try again soon.");
}

enum { HEADER = 8, TAG_LAST_DELIMITER = 0x0f, TAG_TEXT = 0x41 };

/* Where an attribute ends, in octets that we encoded ourselves. */
static size_t skip_attribute(const uint8_t *o, size_t at)
{
	at++;
	at += 2 + (size_t)(o[at] << 8 | o[at + 1]);
	return at + 2 + (size_t)(o[at] << 8 | o[at + 1]);
}

struct piece {
	const void *octets;
	size_t count;
};

/* status-message belongs behind the language, the unsupported group behind the operation's: wherever the handler was in
 * its reply when it said so. */
static int splice(void **out, size_t *octets, struct piece said, struct piece unsupported)
{
	uint8_t *o = *out, *joined;
	size_t language, group, used;

	language = skip_attribute(o, skip_attribute(o, HEADER + 1));
	group = language;
	while (o[group] > TAG_LAST_DELIMITER)
		group = skip_attribute(o, group);
	joined = malloc(*octets + said.count + unsupported.count);
	if (!joined)
		return -ENOMEM;
	used = language;
	memcpy(joined, o, language);
	memcpy(joined + used, said.octets, said.count);
	used += said.count;
	memcpy(joined + used, o + language, group - language);
	used += group - language;
	memcpy(joined + used, unsupported.octets, unsupported.count);
	used += unsupported.count;
	memcpy(joined + used, o + group, *octets - group);
	free(o);
	*out = joined;
	*octets += said.count + unsupported.count;
	return 0;
}

static size_t encode_said(const char *said, uint8_t out[320])
{
	static const char name[] = "status-message";
	size_t length = strlen(said), used = 0;

	if (!length)
		return 0;
	out[used++] = TAG_TEXT;
	out[used++] = 0;
	out[used++] = sizeof(name) - 1;
	memcpy(out + used, name, sizeof(name) - 1);
	used += sizeof(name) - 1;
	out[used++] = 0;
	out[used++] = (uint8_t)length;
	memcpy(out + used, said, length);
	return used + length;
}

int serve_call_encode(struct serve_call *c, void **out, size_t *octets)
{
	AUTO(auto_free) void *unsupported = NULL;
	struct piece group = {"", 0}, text;
	uint8_t said[320];
	size_t count;
	int rc;

	ippSetStatusCode(c->reply, c->status);
	text = (struct piece){said, encode_said(c->said, said)};
	if (c->unsupported && ippFirstAttribute(c->unsupported)) {
		rc = wire_encode(c->unsupported, &unsupported, &count);
		if (rc)
			return rc;
		/* Without header and end tag. */
		group = (struct piece){(uint8_t *)unsupported + HEADER, count - HEADER - 1};
	}
	rc = wire_encode(c->reply, out, octets);
	if (rc || (!text.count && !group.count))
		return rc;
	rc = splice(out, octets, text, group);
	if (rc)
		free(*out);
	return rc;
}

void serve_call_free(struct serve_call *c)
{
	if (!c)
		return;
	serve_page_fini(c);
	serve_login_free(c->login);
	if (c->secret)
		explicit_bzero(c->secret, strlen(c->secret));
	free(c->secret);
	if (c->body)
		explicit_bzero(c->body, c->body_size);
	atomic_fetch_sub(&c->s->bodies, c->body_size);
	free(c->body);
	ippDelete(c->request.ipp);
	ippDelete(c->reply);
	ippDelete(c->unsupported);
	free(c->wanted);
	free(c);
}
