/* SPDX-License-Identifier: Apache-2.0 */
/* jobs-cost - CPU of the server's handlers for the whole life of a job, on a database with a history: registering,
 * subscribing aside, a release, the poll that wakes, Fetch-, Acknowledge-Job, two heartbeats, the end. Each message in a group
 * of its own (the worst case), decoded from octets and encoded to them, but without HTTP and TLS. */
#include "tap.h"

#include <sys/resource.h>

#include "../tests/jobs-fixture.h"
#include "core/wire.h"

enum { HISTORY = 5000, LIVES = 500 };

static size_t bytes;

/* As it would come and go: octets to message, message to octets. */
static int through(struct serve_call *c, int op)
{
	AUTO(auto_free) void *in = NULL, *out = NULL;
	size_t in_octets = 0, out_octets = 0;
	ipp_t *request = NULL;
	int status;

	ippSetOperation(c->request, (ipp_op_t)op);
	CHECK(wire_encode(c->request, &in, &in_octets) == 0);
	CHECK(wire_decode(in, in_octets, &request) == 0);
	ippDelete(c->request);
	c->request = request;
	status = go(c, op);
	if (status != SERVE_PARKED)
		CHECK(wire_encode(c->reply, &out, &out_octets) == 0);
	bytes += in_octets + out_octets;
	return status;
}

static int through_free(struct serve_call *c, int op)
{
	int status = through(c, op);

	call_free(c);
	return status;
}

static double cpu_ms(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000 +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1000;
}

static void live(int subscription, int n)
{
	struct serve_call *c = create_call(M1, "anna", OFFICE, n), *p, *r;
	int id;

	CHECK(through(c, IPP_OP_CREATE_JOB) == 0);
	id = got_number(c, "job-id");
	call_free(c);
	p = ask(M1, "", SYSTEM, 0);
	op_number(p, "notify-subscription-ids", subscription);
	op_number(p, "notify-sequence-numbers", n - HISTORY + 1);
	ippAddBoolean(p->request, IPP_TAG_OPERATION, "notify-wait", 1);
	CHECK(through(p, IPP_OP_GET_NOTIFICATIONS) == SERVE_PARKED);
	r = ask(NULL, "anna", OFFICE, id);
	op_text(r, IPP_TAG_URI, "output-device-uuid", DEVICE_2);
	CHECK(through_free(r, IPP_OP_RELEASE_JOB) == 0);
	CHECK(p->answered && got_number(p, "notify-job-id") == id);
	call_free(p);
	CHECK(through_free(ask(M1, "anna", OFFICE, id), IPP_OP_FETCH_JOB) == 0);
	CHECK(through_free(fenced(M1, OFFICE, id, 1, 1), IPP_OP_ACKNOWLEDGE_JOB) == 0);
	CHECK(through_free(update_call(M1, id, 1, 1, 5, NULL), IPP_OP_UPDATE_JOB_STATUS) == 0);
	CHECK(through_free(update_call(M1, id, 1, 1, 5, NULL), IPP_OP_UPDATE_JOB_STATUS) == 0);
	CHECK(through_free(update_call(M1, id, 1, 1, 9, NULL), IPP_OP_UPDATE_JOB_STATUS) == 0);
}

static void fill(void)
{
	group_begin();
	for (int i = 0; i < HISTORY; i++) {
		struct serve_call *c = create_call(M2, "bert", OFFICE, i);

		CHECK(handle(c, IPP_OP_CREATE_JOB) == 0);
		c->job_id = got_number(c, "job-id");
		snprintf(c->user, sizeof(c->user), "bert");
		if (i % 10)
			CHECK(handle(c, IPP_OP_CANCEL_JOB) == 0);
		call_free(c);
	}
	group_end(true);
}

int main(void)
{
	static const char *const events[] = {"job-fetchable", "job-state-changed"};
	struct serve_call *c;
	double before;
	int subscription;

	server_fresh("jobs-cost");
	fill();
	c = ask(M1, "", OFFICE, 0);
	ippAddStrings(c->request, IPP_TAG_SUBSCRIPTION, IPP_TAG_KEYWORD, "notify-events", 2, NULL,
		events);
	CHECK(go(c, IPP_OP_CREATE_PRINTER_SUBSCRIPTIONS) == 0);
	subscription = got_number(c, "notify-subscription-id");
	call_free(c);
	before = cpu_ms();
	for (int i = 0; i < LIVES; i++)
		live(subscription, HISTORY + i);
	printf("one job, %d messages: %.3f ms CPU, %zu octets of IPP\n", 8,
		(cpu_ms() - before) / LIVES, bytes / LIVES);
	server_remove();
	return tap_bad;
}
