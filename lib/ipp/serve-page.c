/* SPDX-License-Identifier: Apache-2.0 */
/* serve-page - plain HTTP: routes, forms, cookies, headers. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ipp/serve-private.h"

/* What every answer carries, unless the page set the header itself. */
static const struct {
	const char *name, *value;
} usual[] = {
	{"Content-Security-Policy",
		"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"},
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "DENY"},
	/* Not no-referrer: browsers would then call the origin of our own forms "null". */
	{"Referrer-Policy", "same-origin"},
	{"Strict-Transport-Security", "max-age=31536000"},
};

static bool path_fits(const char *pattern, const char *path)
{
	size_t length = strlen(pattern);

	if (length > 1 && pattern[length - 1] == '/')
		return !strncmp(pattern, path, length);
	return !strcmp(pattern, path);
}

const struct serve_page *serve_page_find(const struct serve_page *const *tables, const char *path,
	const char *method, bool *path_known)
{
	*path_known = false;
	if (!strcmp(method, "HEAD"))
		method = "GET";
	for (; tables && *tables; tables++)
		for (const struct serve_page *p = *tables; p->method; p++) {
			if (!path_fits(p->path, path))
				continue;
			*path_known = true;
			if (!strcmp(p->method, method))
				return p;
		}
	return NULL;
}

/* ---- what came ---- */

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place; false: a broken escape, or a NUL that would hide the rest. */
static bool decode(char *text)
{
	char *out = text;

	for (; *text; text++) {
		char c = *text;

		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			int high = hex(text[1]), low = high < 0 ? -1 : hex(text[2]);

			if (low < 0 || (high == 0 && low == 0))
				return false;
			c = (char)(high << 4 | low);
			text += 2;
		}
		*out++ = c;
	}
	*out = '\0';
	return true;
}

int serve_page_fields(char *text, struct field *out, int max)
{
	int count = 0;

	while (text && *text) {
		char *name = strsep(&text, "&"), *value = name;

		if (!*name)
			continue;
		strsep(&value, "=");
		if (count == max || !decode(name) || (value && !decode(value)))
			return -1;
		out[count++] = (struct field){name, value ? value : name + strlen(name)};
	}
	return count;
}

static bool is_form(const struct serve_call *c)
{
	static const char type[] = "application/x-www-form-urlencoded";
	const char *have = MHD_lookup_connection_value(c->mhd, MHD_HEADER_KIND, "Content-Type");

	return have && !strncasecmp(have, type, sizeof(type) - 1) &&
	       strchr("; ", have[sizeof(type) - 1]);
}

static void read_form(struct serve_call *c)
{
	int count;

	c->field_count = 0;
	if (!c->body_octets || !is_form(c) || memchr(c->body, '\0', c->body_octets))
		return;
	c->fields = calloc(FORM_MAX_FIELDS, sizeof(*c->fields));
	if (!c->fields)
		return;
	/* The body has room for its end: see http_body. */
	c->body[c->body_octets] = '\0';
	count = serve_page_fields(c->body, c->fields, FORM_MAX_FIELDS);
	c->field_count = count < 0 ? 0 : count;
}

const struct serve_peer *serve_page_peer(const struct serve_page_call *c)
{
	return &c->c.conn->peer;
}

const char *serve_page_path(const struct serve_page_call *c)
{
	return c->c.path;
}

const char *serve_page_field(const struct serve_page_call *c, const char *name)
{
	struct serve_call *call = (struct serve_call *)&c->c;

	if (call->field_count < 0)
		read_form(call);
	for (int i = 0; i < call->field_count; i++)
		if (!strcmp(call->fields[i].name, name))
			return call->fields[i].value;
	return MHD_lookup_connection_value(call->mhd, MHD_GET_ARGUMENT_KIND, name);
}

const char *serve_page_cookie(const struct serve_page_call *c, const char *name)
{
	return MHD_lookup_connection_value(c->c.mhd, MHD_COOKIE_KIND, name);
}

const char *serve_page_header(const struct serve_page_call *c, const char *name)
{
	return MHD_lookup_connection_value(c->c.mhd, MHD_HEADER_KIND, name);
}

void serve_page_verify(struct serve_page_call *c, const char *user, const char *password)
{
	serve_login_free(c->c.login);
	c->c.login = serve_login_new(user, password);
	c->c.asks = true;
}

const char *serve_page_verified(const struct serve_page_call *c)
{
	const struct login *l = c->c.login;

	return l && l->form && l->result != LOGIN_NONE ? l->canonical : NULL;
}

/* ---- what goes ---- */

int serve_page_set_header(struct serve_page_call *c, const char *name, const char *value)
{
	struct header *h;

	/* Nothing may end a header early. */
	if (strpbrk(name, "\r\n: ") || strpbrk(value, "\r\n"))
		return -EINVAL;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->name = strdup(name);
	h->value = strdup(value);
	h->next = c->c.headers;
	c->c.headers = h;
	return h->name && h->value ? 0 : -ENOMEM;
}

static const char *header_set(const struct serve_call *c, const char *name)
{
	for (const struct header *h = c->headers; h; h = h->next)
		if (h->name && h->value && !strcasecmp(h->name, name))
			return h->value;
	return NULL;
}

/* RFC 9110 13.1.2: a list of tags, or "*"; the weak comparison. */
static bool none_match_names(const char *list, const char *etag)
{
	size_t length = strlen(etag);

	for (const char *at = list; at && *at; at = strchr(at, ',')) {
		at += strspn(at, ", \t");
		if (at[0] == '*')
			return true;
		if (at[0] == 'W' && at[1] == '/')
			at += 2;
		if (!strncmp(at, etag, length) && strchr(", \t", at[length]))
			return true;
	}
	return false;
}

/* A response is made here, and sent by the pool. */
void serve_page_answer(struct serve_page_call *page, unsigned http_status, const char *type,
	const void *octets, size_t count)
{
	struct serve_call *c = &page->c;
	const char *etag = header_set(c, "ETag");
	const char *have = MHD_lookup_connection_value(c->mhd, MHD_HEADER_KIND, "If-None-Match");

	if (http_status == 200 && etag && have && none_match_names(have, etag)) {
		http_status = 304;
		count = 0;
	}
	if (c->response)
		MHD_destroy_response(c->response);
	c->response = MHD_create_response_from_buffer(
		count, count ? (void *)octets : (void *)"", MHD_RESPMEM_MUST_COPY);
	c->http_status = http_status;
	if (!c->response)
		return;
	if (type && *type && http_status != 304)
		MHD_add_response_header(c->response, "Content-Type", type);
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
		if (!header_set(c, usual[i].name))
			MHD_add_response_header(c->response, usual[i].name, usual[i].value);
	if (!header_set(c, "Cache-Control"))
		MHD_add_response_header(
			c->response, "Cache-Control", etag ? "private, no-cache" : "no-store");
	for (const struct header *h = c->headers; h; h = h->next)
		if (h->name && h->value)
			MHD_add_response_header(c->response, h->name, h->value);
}

void serve_page_text(struct serve_call *c, unsigned status, const char *text)
{
	serve_page_fini(c); /* not what the page set */
	serve_page_answer((struct serve_page_call *)c, status, "text/plain; charset=utf-8", text,
		strlen(text));
}

enum MHD_Result serve_page_send(struct serve_call *c)
{
	enum MHD_Result rc;

	if (!c->response)
		return MHD_NO;
	rc = MHD_queue_response(c->mhd, c->http_status, c->response);
	MHD_destroy_response(c->response);
	c->response = NULL;
	return rc;
}

void serve_page_fini(struct serve_call *c)
{
	while (c->headers) {
		struct header *h = c->headers;

		c->headers = h->next;
		free(h->name);
		if (h->value)
			explicit_bzero(
				h->value, strlen(h->value)); /* a session's cookie, perhaps */
		free(h->value);
		free(h);
	}
	free(c->fields);
	c->fields = NULL;
	c->field_count = 0;
	if (c->response)
		MHD_destroy_response(c->response);
	c->response = NULL;
}
