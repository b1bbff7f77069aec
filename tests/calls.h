/* SPDX-License-Identifier: Apache-2.0 */
/* calls - for tests of the client: one client on one loop, calls with a deadline, documents of any size. */
#pragma once

#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mono.h"
#include "core/wire.h"
#include "ipp/client.h"
#include "ipp/target.h"
#include "tap.h"

static sd_event *loop;
static struct client *client;

/* What came of a call; it must outlive the call. */
struct outcome {
	int done;
	int64_t started_ms, took_ms;
	struct client_reply reply; /* its ipp is only told about, not kept */
};

static inline void on_done(void *arg, const struct client_reply *reply)
{
	struct outcome *o = arg;

	o->done++;
	o->took_ms = mono_ms() - o->started_ms;
	o->reply = *reply;
	if (reply->fault != CLIENT_OK)
		printf("# %s, %d ms: %s\n", client_fault_name(reply->fault), (int)o->took_ms,
			reply->detail);
}

/* A document of @left octets; breaks off with @error when only @error_at are left. */
struct document {
	size_t left, error_at;
	int error, asked;
};

static inline ssize_t read_document(void *arg, void *buf, size_t size)
{
	struct document *d = arg;

	d->asked++;
	if (d->error && d->left <= d->error_at)
		return d->error;
	if (size > d->left)
		size = d->left;
	memset(buf, 'x', size);
	d->left -= size;
	return (ssize_t)size;
}

static inline int start_op(
	ipp_op_t op, struct client_request r, struct outcome *o, struct client_call **call)
{
	AUTO(wire_deletep) ipp_t *request = target_request(op, r.uri, "anna");

	memset(o, 0, sizeof(*o));
	o->started_ms = mono_ms();
	r.ipp = request;
	return client_send(client, &r, on_done, o, call);
}

static inline int start(struct client_request r, struct outcome *o)
{
	return start_op(r.body ? IPP_OP_SEND_DOCUMENT : IPP_OP_GET_PRINTER_ATTRIBUTES, r, o, NULL);
}

static inline void run_until(const int *done, int wanted, int limit_ms)
{
	int64_t until = mono_ms() + limit_ms;

	while (*done < wanted && mono_ms() < until)
		sd_event_run(loop, (uint64_t)(until - mono_ms()) * 1000);
}

/* Starts a call and waits for its end. */
static inline struct outcome ask(struct client_request r)
{
	struct outcome o;
	int rc = start(r, &o);

	CHECK(rc == 0);
	if (!rc)
		run_until(&o.done, 1, 15000);
	CHECK(o.done == 1);
	return o;
}

static inline int calls_main_start(void)
{
	/* A stray variable of the environment must not lead us through a proxy. */
	setenv("http_proxy", "http://127.0.0.1:9", 1);
	setenv("https_proxy", "http://127.0.0.1:9", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:9", 1);
	if (sd_event_new(&loop) < 0 || client_new(loop, &client)) {
		printf("Bail out! no client\n");
		return 1;
	}
	return 0;
}

static inline int calls_main_end(void)
{
	client_free(client);
	sd_event_unref(loop);
	return tap_done();
}
