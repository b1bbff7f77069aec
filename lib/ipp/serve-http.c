/* SPDX-License-Identifier: Apache-2.0 */
/* serve-http - libmicrohttpd's side of a call: its body is collected, its caller made out, its answer sent. Pool threads. */
#include <cups/cups.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mono.h"
#include "ipp/serve-private.h"

static const char login_header[] = "Basic realm=\"Stillprint\", charset=\"UTF-8\"";

/* ---- short answers ---- */

static struct MHD_Response *short_response(const char *text)
{
	struct MHD_Response *r =
		MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);

	if (r) {
		MHD_add_response_header(r, "Content-Type", "text/plain; charset=utf-8");
		MHD_add_response_header(r, "Cache-Control", "no-store");
		MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	}
	return r;
}

static enum MHD_Result say(struct MHD_Connection *mhd, unsigned status, const char *text,
	const char *name, const char *value)
{
	struct MHD_Response *r = short_response(text);
	enum MHD_Result rc;

	if (!r)
		return MHD_NO;
	if (name)
		MHD_add_response_header(r, name, value);
	rc = MHD_queue_response(mhd, status, r);
	MHD_destroy_response(r);
	return rc;
}

enum MHD_Result serve_http_say(struct serve_call *c, unsigned status, const char *text)
{
	return say(c->mhd, status, text, NULL, NULL);
}

static enum MHD_Result say_close(struct MHD_Connection *mhd, unsigned status, const char *text)
{
	return say(mhd, status, text, "Connection", "close");
}

/* Who may come in, where somebody may. */
static enum MHD_Result say_who(struct serve_call *c, unsigned who)
{
	bool login = !who || who & (SERVE_PERSON | SERVE_CODE);

	return say(
		c->mhd, 401, "Log in, please.\n", login ? "WWW-Authenticate" : NULL, login_header);
}

static enum MHD_Result say_login(struct serve_call *c, enum login_result result, unsigned who)
{
	switch (result) {
	case LOGIN_TOO_MANY:
		return say(c->mhd, 429, "Too many wrong passwords. Wait a minute.\n", "Retry-After",
			"60");
	case LOGIN_BUSY:
	case LOGIN_FAULT:
		return say(c->mhd, 503, "Passwords cannot be checked at present.\n", "Retry-After",
			"5");
	default:
		return say_who(c, who);
	}
}

static enum MHD_Result send_ipp(struct serve_call *c)
{
	struct MHD_Response *r;
	enum MHD_Result rc;
	void *octets = NULL;
	size_t count = 0;

	if (serve_call_encode(c, &octets, &count))
		return serve_http_say(c, 500, "The answer cannot be written.\n");
	r = MHD_create_response_from_buffer(count, octets, MHD_RESPMEM_MUST_FREE);
	if (!r) {
		free(octets);
		return MHD_NO;
	}
	MHD_add_response_header(r, "Content-Type", "application/ipp");
	/* No Cache-Control: what answers a POST is not kept unless it says so (RFC 9110 9.3.3). */
	rc = MHD_queue_response(c->mhd, 200, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result answer_ipp(struct serve_call *c, ipp_status_t status, const char *text)
{
	if (serve_call_reply(c, status))
		return MHD_NO;
	if (text)
		serve_say(c, "%s", text);
	return send_ipp(c);
}

static enum MHD_Result answer_busy(struct serve_call *c)
{
	if (c->page)
		return say(c->mhd, 503, "Too much at once. Try again soon.\n", "Retry-After", "2");
	return answer_ipp(c, IPP_STATUS_ERROR_BUSY, "Too many requests at once. Try again soon.");
}

static enum MHD_Result send_answer(struct serve_call *c)
{
	if (c->gone)
		return MHD_NO;
	if (c->page)
		return serve_page_send(c);
	if (c->status == IPP_STATUS_ERROR_NOT_AUTHENTICATED) {
		serve_login_failed(c->s, c->conn);
		return say_who(c, c->operation->who);
	}
	return send_ipp(c);
}

/* ---- handing on ---- */

void serve_http_hand_back(struct serve_call *c, enum stage stage)
{
	c->stage = stage;
	MHD_resume_connection(c->mhd);
}

/* To the application. Suspended first: from the push on, the answer may come at any time. */
static enum MHD_Result admit(struct serve_call *c)
{
	if (!serve_queue_has_room(c->s, c->conn))
		return answer_busy(c);
	if (!c->page && serve_call_reply(c, IPP_STATUS_OK))
		return MHD_NO;
	if (serve_run_alone(c))
		return c->stage == STAGE_ANSWERED ? send_answer(c) : MHD_YES;
	c->stage = STAGE_APP;
	MHD_suspend_connection(c->mhd);
	if (!serve_queue_push(c->s, c))
		serve_http_hand_back(c, STAGE_CUT);
	return MHD_YES;
}

static enum MHD_Result read_ipp(struct serve_call *c)
{
	char why[256];
	ipp_status_t status;

	status = request_read(c->body, c->body_octets, &c->request, why, sizeof(why));
	if (status && c->overflow)
		return answer_ipp(c, IPP_STATUS_ERROR_REQUEST_ENTITY, "The request is too large.");
	if (status)
		return answer_ipp(c, status, why);
	if (!c->operation)
		return answer_ipp(c, IPP_STATUS_ERROR_OPERATION_NOT_SUPPORTED,
			"This operation is not supported.");
	return admit(c);
}

/* Who it is, is known; may he? */
static enum MHD_Result check_right(struct serve_call *c, unsigned who)
{
	unsigned is = c->conn->peer.who;

	if (who && !is)
		return say_who(c, who);
	if (who && !(is & who)) {
		if (c->page)
			return serve_http_say(c, 403, "Not for you.\n");
		return answer_ipp(c, IPP_STATUS_ERROR_NOT_AUTHORIZED,
			"This operation is not for those who log in like that.");
	}
	return c->page ? admit(c) : read_ipp(c);
}

/* An operation that is not known is not told from others to those who are not known. */
static unsigned who_may(const struct serve_call *c)
{
	if (c->page)
		return c->page->who;
	return c->operation ? c->operation->who : SERVE_MACHINE | SERVE_PERSON;
}

/* ---- who is it ---- */

static void peer_address(struct conn *conn)
{
	char *out = conn->peer.address;
	size_t size = sizeof(conn->peer.address);
	socklen_t length = conn->from.ss_family == AF_INET ? sizeof(struct sockaddr_in)
							   : sizeof(struct sockaddr_in6);

	if (getnameinfo((struct sockaddr *)&conn->from, length, out, (socklen_t)size, NULL, 0,
		    NI_NUMERICHOST))
		snprintf(out, size, "unknown");
	/* One address, one text, also when we listen on both families. */
	if (!strncmp(out, "::ffff:", 7) && strchr(out, '.'))
		memmove(out, out + 7, strlen(out + 7) + 1);
}

static void peer_reset(struct conn *conn, struct MHD_Connection *mhd)
{
	struct serve_peer *p = &conn->peer;

	if (!conn->identified) {
		conn->identified = true;
		peer_address(conn);
		if (!conn->web && conn->s->config.ca_pem)
			serve_tls_identify(conn, mhd);
	}
	p->who = 0;
	p->uuid[0] = p->fingerprint[0] = p->user[0] = '\0';
	p->cert_expires_s = 0;
	/* It may have expired since the handshake. */
	if (conn->machine && conn->cert_expires_s > mono_utc_s()) {
		p->who = SERVE_MACHINE;
		memcpy(p->uuid, conn->uuid, sizeof(p->uuid));
		memcpy(p->fingerprint, conn->fingerprint, sizeof(p->fingerprint));
		p->cert_expires_s = conn->cert_expires_s;
	}
}

static void peer_is_person(struct conn *conn, const char *user)
{
	conn->peer.who = SERVE_PERSON;
	snprintf(conn->peer.user, sizeof(conn->peer.user), "%s", user);
}

static int base64_value(char c)
{
	static const char set[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(set, c) : NULL;

	return at ? (int)(at - set) : -1;
}

/* RFC 7617: base64 of "user:password". */
static bool read_basic(const char *header, char *out, size_t size)
{
	unsigned bits = 0, held = 0;
	size_t used = 0;

	for (; *header && *header != '=' && *header != ' '; header++) {
		int v = base64_value(*header);

		if (v < 0 || used + 1 >= size)
			return false;
		held = (held << 6 | (unsigned)v) & 0xfff;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		out[used] = (char)(held >> bits);
		if (!out[used++])
			return false;
	}
	out[used] = '\0';
	return header[strspn(header, "= ")] == '\0';
}

static enum MHD_Result ask_login(
	struct serve_call *c, const char *header, const char *user, const char *password)
{
	enum login_result result;

	c->login = serve_login_new(user, password);
	if (!c->login || !c->s->config.verify)
		return say_who(c, who_may(c));
	serve_login_digest(c->s, header, c->login->digest);
	MHD_suspend_connection(c->mhd);
	result = serve_login_submit(c->s, c);
	if (result) {
		c->login->result = result;
		serve_http_hand_back(c, STAGE_LOGGED);
	}
	return MHD_YES;
}

static enum MHD_Result take_code(struct serve_call *c, const char *code)
{
	struct conn *conn = c->conn;

	if (serve_login_is_closed(c->s, conn))
		return say_login(c, LOGIN_TOO_MANY, who_may(c));
	peer_reset(conn, c->mhd);
	conn->peer.who = SERVE_CODE;
	conn->peer.uuid[0] = conn->peer.fingerprint[0] = '\0';
	c->secret = strdup(code);
	return c->secret ? check_right(c, who_may(c)) : MHD_NO;
}

static enum MHD_Result take_basic(struct serve_call *c, const char *header)
{
	struct conn *conn = c->conn;
	char text[512], *password;
	uint8_t digest[32];
	enum MHD_Result rc;

	serve_login_digest(c->s, header, digest);
	if (conn->known && !memcmp(digest, conn->digest, sizeof(digest))) {
		peer_is_person(conn, conn->user);
		return check_right(c, who_may(c));
	}
	if (!read_basic(header, text, sizeof(text)) || !(password = strchr(text, ':'))) {
		explicit_bzero(text, sizeof(text));
		return say_who(c, who_may(c));
	}
	*password++ = '\0';
	if (!strcmp(text, "enrol"))
		rc = take_code(c, password);
	else if (conn->peer.who == SERVE_MACHINE)
		rc = check_right(c, who_may(c));
	else
		rc = ask_login(c, header, text, password);
	explicit_bzero(text, sizeof(text));
	return rc;
}

/* The whole request is there. */
static enum MHD_Result complete(struct serve_call *c)
{
	struct conn *conn = c->conn;
	const char *header = MHD_lookup_connection_value(c->mhd, MHD_HEADER_KIND, "Authorization");

	atomic_store(&conn->calling, true);
	atomic_store(&conn->reading, false);
	peer_reset(conn, c->mhd);
	/* Pages for everybody have a login of their own. */
	if (!header || strncasecmp(header, "Basic ", 6) != 0 || conn->web)
		return check_right(c, who_may(c));
	return take_basic(c, header + 6 + strspn(header + 6, " "));
}

static enum MHD_Result logged(struct serve_call *c)
{
	struct login *l = c->login;

	if (l->result != LOGIN_RIGHT)
		return say_login(c, l->result, who_may(c));
	c->conn->known = true;
	memcpy(c->conn->digest, l->digest, sizeof(l->digest));
	snprintf(c->conn->user, sizeof(c->conn->user), "%s", l->canonical);
	peer_is_person(c->conn, l->canonical);
	return check_right(c, who_may(c));
}

/* ---- the body ---- */

static size_t body_max(const struct serve_call *c)
{
	return c->page ? FORM_MAX_OCTETS : (size_t)c->s->config.request_max;
}

/* Room for @octets and a final NUL; all bodies together are bounded. */
static bool body_grow(struct serve_call *c, size_t octets)
{
	size_t limit = c->conn->machine ? 2 * (size_t)BODIES_MAX_OCTETS : BODIES_MAX_OCTETS;
	size_t size = c->body_size ? c->body_size : 1024;
	char *bigger;

	while (size < octets + 1)
		size *= 2;
	if (size == c->body_size)
		return true;
	if (atomic_load(&c->s->bodies) + size > limit)
		return false;
	bigger = malloc(size);
	if (!bigger)
		return false;
	if (c->body) {
		memcpy(bigger, c->body, c->body_octets);
		explicit_bzero(c->body, c->body_size);
		free(c->body);
	}
	atomic_fetch_add(&c->s->bodies, size - c->body_size);
	c->body = bigger;
	c->body_size = size;
	return true;
}

static enum MHD_Result take_body(struct serve_call *c, const char *data, size_t *size)
{
	size_t count = *size, left = body_max(c) - c->body_octets;

	c->seen_octets += count;
	*size = 0;
	/* A document that nobody asked for, or a flood: a while, then no more. */
	if (c->seen_octets > DISCARD_MAX_OCTETS)
		return MHD_NO;
	if (count > left) {
		c->overflow = true;
		count = left;
	}
	if (!count)
		return MHD_YES;
	if (!body_grow(c, c->body_octets + count))
		return MHD_NO;
	memcpy(c->body + c->body_octets, data, count);
	c->body_octets += count;
	/* It may be a form with a password; libmicrohttpd's copy has been used. */
	if (c->page)
		explicit_bzero((char *)data, count);
	return MHD_YES;
}

/* ---- routes ---- */

static bool is_ipp(struct MHD_Connection *mhd)
{
	static const char type[] = "application/ipp";
	const char *have = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "Content-Type");

	return have && !strncasecmp(have, type, sizeof(type) - 1) &&
	       strchr("; ", have[sizeof(type) - 1]);
}

static const struct serve_operation *find_operation(const struct serve *s, int code)
{
	for (const struct serve_operation *const *t = s->config.operations; t && *t; t++)
		for (const struct serve_operation *o = *t; o->code; o++)
			if (o->code == code)
				return o;
	return NULL;
}

/* Too long for us: refused at once if its body has not left yet, or is very large. Else it is read first and thrown away,
 * since closing on unread octets would take our answer with it. */
static bool is_refused(struct serve_call *c)
{
	const char *text = MHD_lookup_connection_value(c->mhd, MHD_HEADER_KIND, "Content-Length");
	unsigned long long count = text ? strtoull(text, NULL, 10) : 0;

	c->too_long = count > body_max(c);
	return c->too_long && (count > DRAIN_MAX_OCTETS || MHD_lookup_connection_value(c->mhd,
								   MHD_HEADER_KIND, "Expect"));
}

/* NULL with *@page_known: another method. */
static enum MHD_Result route(struct serve_call *c, const char *method)
{
	const struct serve_config *config = &c->s->config;
	bool page_known = false;

	if (!c->conn->web && !strcmp(method, "POST") && is_ipp(c->mhd)) {
		if (is_refused(c))
			return say_close(c->mhd, 413, "The request is too large.\n");
		return MHD_YES;
	}
	c->page = serve_page_find(
		c->conn->web ? config->web_pages : config->pages, c->path, method, &page_known);
	if (!c->page)
		return page_known ? say_close(c->mhd, 405, "Not like that.\n")
				  : say_close(c->mhd, 404, "There is no such page.\n");
	if (is_refused(c))
		return say_close(c->mhd, 413, "The form is too large.\n");
	return MHD_YES;
}

static enum MHD_Result begin(struct listener *l, struct MHD_Connection *mhd, const char *url,
	const char *method, void **con_cls)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct conn *conn = info ? info->socket_context : NULL;
	struct serve_call *c;

	if (!conn || atomic_load(&l->s->closing))
		return MHD_NO;
	c = (struct serve_call *)calloc(1, sizeof(struct serve_page_call));
	if (!c)
		return MHD_NO;
	*con_cls = c;
	c->s = l->s;
	c->conn = conn;
	c->mhd = mhd;
	c->path = url;
	c->wanted_count = c->field_count = -1;
	atomic_store(&conn->since_ms, mono_ms());
	atomic_store(&conn->reading, true);
	atomic_store(&conn->greeted, true);
	return route(c, method);
}

static enum MHD_Result read_end(struct serve_call *c)
{
	const uint8_t *o = (const uint8_t *)c->body;

	if (c->too_long || (c->page && c->overflow))
		return say_close(c->mhd, 413, "The request is too large.\n");
	if (!c->page && c->body_octets >= 4)
		c->operation = find_operation(c->s, o[2] << 8 | o[3]);
	return complete(c);
}

enum MHD_Result serve_http_handle(void *cls, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **con_cls)
{
	struct serve_call *c = *con_cls;

	(void)version;
	if (!c)
		return begin(cls, mhd, url, method, con_cls);
	if (*size)
		return take_body(c, data, size);
	switch (c->stage) {
	case STAGE_READ:
		return read_end(c);
	case STAGE_LOGGED:
		return logged(c);
	case STAGE_ANSWERED:
		return send_answer(c);
	default:
		return MHD_NO;
	}
}

/* The password in libmicrohttpd's own memory, which the next request would write over some time. */
static void wipe_authorization(struct MHD_Connection *mhd)
{
	const char *header = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, "Authorization");

	if (header)
		explicit_bzero((char *)header, strlen(header));
}

void serve_http_completed(
	void *cls, struct MHD_Connection *mhd, void **con_cls, enum MHD_RequestTerminationCode why)
{
	struct serve_call *c = *con_cls;

	(void)cls;
	(void)why;
	if (!c)
		return;
	*con_cls = NULL;
	wipe_authorization(mhd);
	atomic_store(&c->conn->since_ms, mono_ms());
	atomic_store(&c->conn->calling, false);
	atomic_store(&c->conn->reading, false);
	serve_call_free(c);
}
