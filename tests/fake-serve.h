/* SPDX-License-Identifier: Apache-2.0 */
/* fake-serve - lib/ipp/serve.h without a network, for server/ledger.c: one call at a time, as a machine of the test's
 * choice, each a group of its own. Messages pass as octets. Include once, after tap.h. */
#pragma once

#include <string.h>

#include "../server/app.h"
#include "../server/jobs-record.h"
#include "../server/ledger.h"
#include "core/vendor.h"
#include "core/wire.h"

struct serve_call {
	ipp_t *request, *reply;
	char said[256];
};

static struct server {
	struct app app;
	char machine[64], kind[16]; /* who calls */
	bool revoked;
	int finals; /* jobs that a record ended */
	char said[256];
} server = {.machine = "urn:uuid:machine-a", .kind = "workstation"};

ipp_t *serve_request(const struct serve_call *c)
{
	return c->request;
}

ipp_t *serve_reply(const struct serve_call *c)
{
	return c->reply;
}

void serve_say(struct serve_call *c, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(c->said, sizeof(c->said), fmt, args);
	va_end(args);
}

int machines_check(struct app *app, struct serve_call *c, struct machine *out)
{
	(void)app;
	if (server.revoked) {
		serve_say(c, "This computer was revoked");
		return IPP_STATUS_ERROR_NOT_AUTHORIZED;
	}
	memcpy(out->uuid, server.machine, sizeof(out->uuid));
	memcpy(out->kind, server.kind, sizeof(out->kind));
	return IPP_STATUS_OK;
}

int jobs_final_by_record(struct app *app, const char *machine, const struct record *r)
{
	(void)app;
	CHECK(!strcmp(machine, server.machine));
	server.finals += r->state == JOB_COMPLETED;
	return 0;
}

static const char *const ledger_steps[] = {db_ledger, db_ledger_2};
static const struct sql_schema ledger_only = {
	.application_id = 0x53745376, .busy_ms = 250, .count = 2, .step = ledger_steps};

static inline int server_open(const char *name)
{
	server.app.now_ms = 1700000500000;
	return sql_open(&server.app.sql, name, &ledger_only);
}

static inline void server_close(void)
{
	sql_close(&server.app.sql);
}

static inline ipp_t *as_octets(ipp_t *ipp)
{
	AUTO(auto_free) void *octets = NULL;
	size_t count = 0;
	ipp_t *out = NULL;

	CHECK(wire_encode(ipp, &octets, &count) == 0);
	CHECK(octets && wire_decode(octets, count, &out) == 0);
	return out;
}

/* @request is left alone. @reply: the caller's; what of it is read is what arrived. */
static inline int server_call(ipp_t *request, ipp_t **reply)
{
	AUTO(wire_deletep) ipp_t *in = as_octets(request);
	AUTO(wire_deletep) ipp_t *out = wire_new();
	struct serve_call c = {.request = in, .reply = out};
	int status;

	if (sql_begin(&server.app.sql) != 0)
		return IPP_STATUS_ERROR_SERVICE_UNAVAILABLE;
	status = ledger_operations[0].fn(&server.app, &c);
	memcpy(server.said, c.said, sizeof(server.said));
	if (sql_commit(&server.app.sql) != 0) {
		sql_rollback(&server.app.sql);
		status = IPP_STATUS_ERROR_SERVICE_UNAVAILABLE;
	}
	ippSetStatusCode(out, (ipp_status_t)status);
	*reply = as_octets(out);
	return status;
}
