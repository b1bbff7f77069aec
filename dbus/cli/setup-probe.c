/* SPDX-License-Identifier: Apache-2.0 */
/* setup-probe - see setup-probe.h. */
#include "setup-probe.h"

#include <cups/cups.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "core/uri.h"
#include "core/wire.h"

enum { CONNECT_MS = 5000, STALL_MS = 10000, TOTAL_MS = 20000 };

static void loop_freep(sd_event **loop)
{
	sd_event_unref(*loop);
}

/* One request, waited for. */
struct question {
	const char *uri, *user, *password, *pin;
	const struct client_identity *identity;
	ipp_t *request; /* given up */
	bool done;
	struct probe *out;
	ipp_status_t status;
	long http_status;
	bool looking; /* Get-Printer-Attributes: its answer fills info */
};

static void take_reply(void *arg, const struct client_reply *reply)
{
	struct question *q = arg;

	q->done = true;
	q->status = reply->fault == CLIENT_OK ? reply->status : 0;
	q->http_status = reply->http_status;
	q->out->fault = reply->fault;
	q->out->status = q->status;
	if (reply->challenge[0])
		text_display(q->out->scheme, sizeof(q->out->scheme), reply->challenge);
	text_display(q->out->detail, sizeof(q->out->detail), reply->detail);
	if (q->identity && reply->ipp && reply->status > IPP_STATUS_OK_CONFLICTING)
		text_display(q->out->detail, sizeof(q->out->detail),
			ippGetString(ippFindAttribute(reply->ipp, "status-message", IPP_TAG_TEXT),
				0, NULL));
	if (!q->looking)
		return;
	q->out->encrypted = reply->encrypted;
	snprintf(q->out->pin, sizeof(q->out->pin), "%s", reply->pin);
	q->out->health = target_classify(reply);
	if (reply->fault == CLIENT_OK &&
		(!q->identity || reply->status <= IPP_STATUS_OK_CONFLICTING)) {
		q->out->answered = true;
		target_read(reply->ipp, &q->out->info);
	}
}

static int ask(struct question *q)
{
	AUTO(loop_freep) sd_event *loop = NULL;
	AUTO(client_freep) struct client *client = NULL;
	AUTO(wire_deletep) ipp_t *request = STEAL(q->request);
	struct client_request r = {.uri = q->uri,
		.user = q->user,
		.password = q->password,
		.pin = q->pin,
		.identity = q->identity,
		.connect_ms = CONNECT_MS,
		.stall_ms = STALL_MS,
		.total_ms = TOTAL_MS,
		.ipp = request};
	int rc;

	if (!request)
		return -ENOMEM;
	q->done = false;
	rc = sd_event_new(&loop);
	if (rc >= 0)
		rc = client_new(loop, &client);
	if (rc >= 0)
		rc = client_send(client, &r, take_reply, q, NULL);
	while (rc >= 0 && !q->done)
		rc = sd_event_run(loop, UINT64_MAX);
	return rc < 0 ? rc : 0;
}

static ipp_t *look_request(const char *uri, const char *user)
{
	ipp_t *request = target_request(IPP_OP_GET_PRINTER_ATTRIBUTES, uri, user);

	if (request)
		ippAddStrings(request, IPP_TAG_OPERATION, IPP_CONST_TAG(IPP_TAG_KEYWORD),
			"requested-attributes", target_attribute_count, NULL, target_attributes);
	return request;
}

static ipp_t *validate_request(const char *uri, const char *user)
{
	ipp_t *request = target_request(IPP_OP_VALIDATE_JOB, uri, user);

	if (request)
		ippAddString(request, IPP_TAG_OPERATION, IPP_CONST_TAG(IPP_TAG_MIMETYPE),
			"document-format", NULL, "application/pdf");
	return request;
}

/* What the answer says about logins. Return: true if the door is open. */
static bool read_login(const struct question *q, struct probe *out)
{
	bool unauthenticated =
		q->http_status == 401 || q->status == IPP_STATUS_ERROR_NOT_AUTHENTICATED;
	bool denied = q->http_status == 403 || q->status == IPP_STATUS_ERROR_FORBIDDEN ||
		      q->status == IPP_STATUS_ERROR_NOT_AUTHORIZED;

	if (unauthenticated) {
		out->wants_login = true;
		out->login_refused = q->password != NULL;
	}
	out->denied |= denied;
	return !unauthenticated && !denied;
}

int probe_uri(const char *uri, const char *user, const char *password, const char *expected,
	struct probe *out)
{
	struct question q = {.uri = uri, .out = out, .looking = true};
	const char *asker = user && *user ? user : cupsUser();
	bool login = password && *password, open;
	char pin[64], detail[256];
	int rc;

	memset(out, 0, sizeof(*out));
	snprintf(out->uri, sizeof(out->uri), "%s", uri);
	q.request = look_request(uri, asker);
	rc = ask(&q);
	if (rc)
		return rc;
	open = read_login(&q, out);
	out->other_pin = expected && *expected && *out->pin && strcmp(expected, out->pin) != 0;
	if (out->other_pin)
		return 0;
	snprintf(pin, sizeof(pin), "%s", out->pin);
	if (login && out->encrypted && *pin) { /* from here on to this certificate only */
		q.user = user;
		q.password = password;
		q.pin = pin;
	}
	if (!open && q.password) {
		q.request = look_request(uri, asker);
		rc = ask(&q);
		open = !rc && read_login(&q, out);
	}
	if (rc || !open || !out->answered)
		return rc;
	/* Many servers show a queue to everybody and want a login only for printing. */
	q.looking = false;
	q.request = validate_request(uri, asker);
	snprintf(detail, sizeof(detail), "%s", out->detail);
	rc = ask(&q);
	if (!rc)
		read_login(&q, out);
	out->fault = CLIENT_OK; /* it did answer before */
	snprintf(out->detail, sizeof(out->detail), "%s", detail);
	return rc;
}

int probe_server(const char *uri, const struct client_identity *identity, struct probe *out)
{
	struct question q = {.uri = uri, .identity = identity, .out = out, .looking = true};
	int rc;

	memset(out, 0, sizeof(*out));
	snprintf(out->uri, sizeof(out->uri), "%s", uri);
	q.request = look_request(uri, cupsUser());
	rc = ask(&q);
	if (!rc)
		read_login(&q, out);
	return rc;
}

/* Why there was no IPP answer. */
static void silence_words(const struct probe *p, char *out, size_t size)
{
	bool more = p->detail[0] && p->fault != CLIENT_REFUSED && p->fault != CLIENT_SILENT;
	const char *what = p->fault == CLIENT_REFUSED    ? "unreachable, connection refused"
			   : p->fault == CLIENT_NO_ROUTE ? "unreachable"
			   : p->fault == CLIENT_SILENT   ? "unreachable, no answer"
			   : p->fault == CLIENT_TLS      ? "no encryption could be agreed on"
			   : p->fault == CLIENT_HTTP || p->fault == CLIENT_GARBAGE
				   ? "reachable, but no IPP there"
				   : "unreachable";

	snprintf(out, size, "%s%s%s", what, more ? ": " : "", more ? p->detail : "");
}

void probe_words(const struct probe *p, char *out, size_t size)
{
	if (p->info.stillprint)
		snprintf(out, size, "is a Stillprint queue itself: jobs would go round in circles");
	else if (p->wants_login)
		snprintf(out, size, "%s",
			p->login_refused ? "user or password not taken" : "wants a login");
	else if (p->denied)
		snprintf(out, size, "does not let this computer in");
	else if (!p->answered)
		silence_words(p, out, size);
	else
		snprintf(out, size, "reachable, %s, %s%s", p->info.pdf ? "PDF" : "no PDF",
			p->encrypted ? "encrypted" : "not encrypted",
			p->info.accepting ? "" : ", takes no jobs now");
}
