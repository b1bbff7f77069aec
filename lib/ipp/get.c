/* SPDX-License-Identifier: Apache-2.0 */
/* get - a document from a server of ours, and the chain of one that is not known yet: calls of client.h without IPP. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ipp/call.h"

/* RFC 9110 5.6.2 and 8.8.3, as far as it can hurt: no octet that ends a line. */
static bool is_plain(const char *text, bool token)
{
	for (; *text; text++)
		if (token ? !isalnum((unsigned char)*text) && *text != '-'
			  : (unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static int add_field(struct client_call *call, const char *field)
{
	struct curl_slist *more = curl_slist_append(call->headers, field);

	if (!more)
		return -ENOMEM;
	call->headers = more;
	CALL_SET(call, CURLOPT_HTTPHEADER, call->headers);
	return 0;
}

static int set_get(struct client_call *call, const struct client_get *g)
{
	char field[192];
	int rc;

	call->answer_max = g->octets_max ? g->octets_max : CLIENT_GET_MAX;
	CALL_SET(call, CURLOPT_HTTPGET, 1L);
	if (g->field && (!is_plain(g->field, false) || !strchr(g->field, ':')))
		return -EINVAL;
	rc = g->field ? add_field(call, g->field) : 0;
	if (rc)
		return rc;
	if (g->header && (!is_plain(g->header, true) || strlen(g->header) >= sizeof(call->wanted)))
		return -EINVAL;
	snprintf(call->wanted, sizeof(call->wanted), "%s", g->header ? g->header : "");
	if (!g->if_none_match)
		return 0;
	if (!is_plain(g->if_none_match, false) || strlen(g->if_none_match) >= sizeof(call->etag))
		return -EINVAL;
	snprintf(field, sizeof(field), "If-None-Match: %s", g->if_none_match);
	return add_field(call, field);
}

static void tell_got(struct client_call *call, CURLcode code)
{
	struct client_reply end;
	struct client_got got = {0};

	call_end(call, code, &end);
	got.fault = end.fault;
	got.http_status = end.http_status;
	if (end.fault == CLIENT_HTTP && !code && end.http_status == 304) {
		got.fault = CLIENT_OK;
		end.detail[0] = '\0';
	}
	if (got.fault == CLIENT_OK && end.http_status == 200) {
		got.octets = call->answer;
		got.count = call->answer_size;
	}
	memcpy(got.etag, call->etag, sizeof(got.etag));
	memcpy(got.header, call->header, sizeof(got.header));
	memcpy(got.detail, end.detail, sizeof(got.detail));
	client_leave(call);
	call->got(call->done_arg, &got);
}

int client_get(struct client *c, const struct client_get *g, client_got_fn *done, void *arg,
	struct client_call **out)
{
	const struct client_request r = {.uri = g->uri,
		.identity = g->identity,
		.repeatable = true,
		.connect_ms = g->connect_ms,
		.stall_ms = g->stall_ms,
		.total_ms = g->total_ms};
	struct client_call *call;
	int rc;

	if (!g->identity)
		return -EINVAL;
	rc = call_new(&r, client_turn(c, g->identity), &call);
	if (rc)
		return rc;
	rc = set_get(call, g);
	if (rc) {
		call_free(call);
		return rc;
	}
	call->tell = tell_got;
	call->got = done;
	call->done_arg = arg;
	return client_start(c, call, out);
}

static void tell_chain(struct client_call *call, CURLcode code)
{
	struct client_reply end;
	struct client_chain chain = {0};

	call_end(call, code, &end);
	chain.fault = code ? end.fault : CLIENT_OK;
	memcpy(chain.detail, end.detail, sizeof(chain.detail));
	if (!code)
		chain.count = call_chain(call, chain.pem, CLIENT_CHAIN_MAX);
	if (!code && !chain.count)
		chain.fault = CLIENT_TLS;
	client_leave(call);
	call->met(call->done_arg, &chain);
}

static int set_chain(struct client_call *call)
{
	CALL_SET(call, CURLOPT_CONNECT_ONLY, 1L);
	return 0;
}

int client_chain(struct client *c, const char *uri, int32_t connect_ms, client_chain_fn *done,
	void *arg, struct client_call **out)
{
	const struct client_request r = {.uri = uri, .connect_ms = connect_ms};
	struct client_call *call;
	int rc;

	if (strncmp(uri, "ipps:", 5) != 0)
		return -EINVAL;
	rc = call_new(&r, 0, &call);
	if (rc)
		return rc;
	rc = set_chain(call);
	if (rc) {
		call_free(call);
		return rc;
	}
	call->tell = tell_chain;
	call->met = done;
	call->done_arg = arg;
	return client_start(c, call, out);
}
