/* SPDX-License-Identifier: Apache-2.0 */
/* test-server-events - subscriptions and their events, polled at once and parked (server/events.h). */
#include "tap.h"

#include "jobs-fixture.h"

static void fresh(void)
{
	server_fresh("test-server-events");
}

/* A subscription of the whole queue; 0 if it was refused. */
static struct serve_call *subscribe_call(
	const char *machine, const char *user, const char *const *events, int count)
{
	struct serve_call *c = ask(machine, user, OFFICE, 0);

	ippAddString(c->request, IPP_TAG_SUBSCRIPTION, IPP_TAG_KEYWORD, "notify-pull-method", NULL,
		"ippget");
	ippAddStrings(c->request, IPP_TAG_SUBSCRIPTION, IPP_TAG_KEYWORD, "notify-events", count,
		NULL, events);
	return c;
}

static const char *const for_holders[] = {
	"job-fetchable", "job-state-changed", "job-completed", "resource-config-changed"};
static const char *const for_people[] = {
	"job-state-changed", "job-created", "job-progress", "job-fetchable"};

static int subscribe(const char *machine, const char *user)
{
	AUTO(call_freep)
	struct serve_call *c = machine ? subscribe_call(machine, user, for_holders, 4)
				       : subscribe_call(machine, user, for_people, 4);

	return go(c, IPP_OP_CREATE_PRINTER_SUBSCRIPTIONS) ? 0
							  : got_number(c, "notify-subscription-id");
}

static struct serve_call *poll_call(
	const char *machine, const char *user, int id, int next, bool wait)
{
	struct serve_call *c = ask(machine, user, SYSTEM, 0);

	op_number(c, "notify-subscription-ids", id);
	if (next)
		op_number(c, "notify-sequence-numbers", next);
	if (wait)
		ippAddBoolean(c->request, IPP_TAG_OPERATION, "notify-wait", 1);
	return c;
}

/* How many events there are from @next on; -1: refused. */
static int count_events(const char *machine, const char *user, int id, int next)
{
	AUTO(call_freep) struct serve_call *c = poll_call(machine, user, id, next, false);

	return go(c, IPP_OP_GET_NOTIFICATIONS) ? -1 : got_times(c, "notify-sequence-number");
}

static void the_holder_hears_of_a_release_and_the_owner_of_each_state(void)
{
	AUTO(call_freep) struct serve_call *c = NULL, *o = NULL;
	int holder, owner, stranger, id;

	fresh();
	holder = subscribe(M1, "anna");
	owner = subscribe(NULL, "anna");
	stranger = subscribe(NULL, "bert");
	id = job_in(JOBS_RELEASED, 1);
	c = poll_call(M1, "anna", holder, 1, false);
	CHECK(go(c, IPP_OP_GET_NOTIFICATIONS) == 0);
	CHECK(got_times(c, "notify-sequence-number") == 1); /* of its own registering it knows */
	CHECK(!strcmp(got_text(c, "notify-subscribed-event"), "job-fetchable"));
	CHECK(!strcmp(got_text(c, "output-device-uuid-assigned"), DEVICE_2));
	CHECK(got_number(c, "notify-job-id") == id && got_number(c, VENDOR_RELEASE_EPOCH) == 1);
	CHECK(got_number(c, VENDOR_SERVER_INCARNATION) == 1);
	CHECK(!strcmp(got_text(c, "job-uuid"), uuid_of(1)));
	CHECK(got_number(c, "job-state") == IPP_JSTATE_PENDING);
	CHECK(got_word(c, "job-state-reasons", "job-fetchable"));
	CHECK(!strcmp(
		got_text(c, "notify-printer-uri"), "ipps://print.example:8631/ipp/print/Office"));
	CHECK(got_times(c, "notify-get-interval") == 1 && *got_text(c, "notify-text"));
	CHECK(!strstr(got_text(c, "notify-text"), "Payslip"));
	CHECK(count_events(NULL, "anna", owner, 1) == 2); /* created, released */
	o = poll_call(NULL, "anna", owner, 2, false);
	CHECK(go(o, IPP_OP_GET_NOTIFICATIONS) == 0); /* to fetch it is not hers */
	CHECK(!strcmp(got_text(o, "notify-subscribed-event"), "job-state-changed"));
	CHECK(count_events(NULL, "bert", stranger, 1) == 0);
}

static void a_machine_is_not_told_what_it_did_itself(void)
{
	int holder, owner, id;

	fresh();
	holder = subscribe(M1, "anna");
	owner = subscribe(NULL, "anna");
	id = job_in(JOBS_COMPLETED, 1); /* released by its owner, the rest is the machine's */
	CHECK(state_of(id) == JOBS_COMPLETED);
	CHECK(count_events(M1, "", holder, 1) == 1);
	CHECK(count_events(NULL, "anna", owner, 1) ==
		4); /* created, released, claimed, completed */
	job_in(JOBS_CANCELING, 2);
	CHECK(count_events(M1, "", holder, 1) == 3); /* released, canceled by its owner */
}

static void heartbeats_are_no_events_and_progress_is_one(void)
{
	struct serve_call *c;
	int owner, id, before;

	fresh();
	owner = subscribe(NULL, "anna");
	id = job_in(JOBS_SENDING, 1);
	before = count_events(NULL, "anna", owner, 1);
	for (int i = 0; i < 3; i++)
		CHECK(update(M1, id, 1, 1, 5) == 0);
	CHECK(count_events(NULL, "anna", owner, 1) == before);
	c = update_call(M1, id, 1, 1, 5, NULL);
	job_number(c, IPP_TAG_INTEGER, "job-impressions-completed", 2);
	CHECK(go_free(c, IPP_OP_UPDATE_JOB_STATUS) == 0);
	c = poll_call(NULL, "anna", owner, before + 1, false);
	CHECK(go(c, IPP_OP_GET_NOTIFICATIONS) == 0 &&
		!strcmp(got_text(c, "notify-subscribed-event"), "job-progress"));
	call_free(c);
}

static void a_delegate_hears_of_the_job_too(void)
{
	AUTO(call_freep) struct serve_call *c = create_call(M1, "anna", OFFICE, 1);
	int bert;

	fresh();
	bert = subscribe(NULL, "bert");
	op_text(c, IPP_TAG_URI, VENDOR_DELEGATES, "urn:stillprint:user:bert");
	CHECK(go(c, IPP_OP_CREATE_JOB) == 0);
	CHECK(count_events(NULL, "bert", bert, 1) == 1);
}

static void sequence_numbers_have_no_gap(void)
{
	AUTO(call_freep) struct serve_call *c = NULL;
	ipp_attribute_t *a;
	int id, job, expected = 1;

	fresh();
	id = subscribe(M1, "");
	job = create(M1, "anna", OFFICE, 1);
	for (int i = 0; i < 10; i++) {
		group_begin(); /* one that comes to nothing in between */
		CHECK(handle(c = ask(NULL, "anna", SYSTEM, job), IPP_OP_CANCEL_JOB) == 0);
		call_free(STEAL(c));
		group_end(false);
		CHECK(release(NULL, "anna", job) == 0);
		CHECK(go_free(ask(NULL, "anna", SYSTEM, job), IPP_OP_HOLD_JOB) == 0);
	}
	c = poll_call(M1, "", id, 0, false);
	CHECK(go(c, IPP_OP_GET_NOTIFICATIONS) == 0);
	for (a = ippFindAttribute(c->reply, "notify-sequence-number", IPP_TAG_INTEGER); a;
		a = ippFindNextAttribute(c->reply, "notify-sequence-number", IPP_TAG_INTEGER))
		CHECK(ippGetInteger(a, 0) == expected++);
	CHECK(expected == 21);
	CHECK(count_events(M1, "", id, 15) == 6); /* a cursor; those seen can be had again */
	CHECK(count_events(M1, "", id, 1) == 20);
	CHECK(count_events(M1, "", id, 21) == 0);
}

/* ---- parked polls ---- */

static void a_poll_without_events_waits_until_there_is_one(void)
{
	AUTO(call_freep) struct serve_call *c = NULL;
	int id, job;

	fresh();
	id = subscribe(M1, "");
	job = create(M1, "anna", OFFICE, 1);
	c = poll_call(M1, "", id, 1, true);
	CHECK(go(c, IPP_OP_GET_NOTIFICATIONS) == SERVE_PARKED);
	CHECK(c->timeout_ms <= EVENTS_WAIT_MS && c->timeout_ms > EVENTS_WAIT_MS - 6000);
	CHECK(create(M1, "anna", OFFICE, 2) > 0);
	CHECK(!c->answered);
	CHECK(release(NULL, "anna", job) == 0);
	CHECK(c->answered && c->status == 0 && got_number(c, "notify-job-id") == job);
	call_free(c);
	c = poll_call(M1, "", id, 1, true); /* there is one already */
	CHECK(go(c, IPP_OP_GET_NOTIFICATIONS) == 0 && got_times(c, "notify-job-id") == 1);
}

static void a_group_that_fails_wakes_nobody(void)
{
	AUTO(call_freep) struct serve_call *c = NULL, *r = NULL;
	int id, job;

	fresh();
	id = subscribe(M1, "");
	job = create(M1, "anna", OFFICE, 1);
	c = poll_call(M1, "", id, 1, true);
	CHECK(go(c, IPP_OP_GET_NOTIFICATIONS) == SERVE_PARKED);
	r = ask(NULL, "anna", SYSTEM, job);
	op_text(r, IPP_TAG_URI, "output-device-uuid", DEVICE_2);
	group_begin();
	CHECK(handle(r, IPP_OP_RELEASE_JOB) == 0);
	group_end(false);
	CHECK(!c->answered);
	CHECK(go(r, IPP_OP_RELEASE_JOB) == 0);
	CHECK(c->answered && got_number(c, "notify-sequence-number") == 1);
}

/* Numbers of events that were rolled back come again, and must not be taken for seen. */
static void a_poll_parked_in_a_group_that_fails_still_wakes(void)
{
	AUTO(call_freep) struct serve_call *c = NULL, *r = NULL;
	int id, job;

	fresh();
	id = subscribe(M1, "");
	job = create(M1, "anna", OFFICE, 1);
	r = ask(NULL, "anna", SYSTEM, job);
	op_text(r, IPP_TAG_URI, "output-device-uuid", DEVICE_2);
	c = poll_call(M1, "", id, 2, true);
	group_begin();
	CHECK(handle(r, IPP_OP_RELEASE_JOB) == 0);
	CHECK(handle(c, IPP_OP_GET_NOTIFICATIONS) == SERVE_PARKED);
	group_end(false);
	CHECK(go(r, IPP_OP_RELEASE_JOB) == 0);
	CHECK(c->answered && c->status == 0);
}

static void when_its_time_is_over_the_poll_is_empty(void)
{
	AUTO(call_freep) struct serve_call *c = NULL, *gone = NULL;
	int id, job;

	fresh();
	id = subscribe(M1, "");
	job = create(M1, "anna", OFFICE, 1);
	c = poll_call(M1, "", id, 1, true);
	CHECK(go(c, IPP_OP_GET_NOTIFICATIONS) == SERVE_PARKED);
	group_begin();
	c->wake(c->wake_arg, c, false);
	group_end(true);
	CHECK(c->answered && c->status == 0 && got_times(c, "notify-job-id") == 0);
	CHECK(got_number(c, "notify-get-interval") == EVENTS_LIFE_S);
	gone = poll_call(M1, "", id, 1, true);
	CHECK(go(gone, IPP_OP_GET_NOTIFICATIONS) == SERVE_PARKED);
	group_begin();
	gone->wake(gone->wake_arg, gone, true);
	group_end(true);
	CHECK(gone->answered);
	CHECK(release(NULL, "anna", job) == 0); /* touches neither */
}

static void who_polls_again_ends_his_older_poll(void)
{
	AUTO(call_freep) struct serve_call *first = NULL, *second = NULL;
	int id;

	fresh();
	id = subscribe(M1, "");
	first = poll_call(M1, "", id, 1, true);
	second = poll_call(M1, "", id, 1, true);
	CHECK(go(first, IPP_OP_GET_NOTIFICATIONS) == SERVE_PARKED);
	CHECK(go(second, IPP_OP_GET_NOTIFICATIONS) == SERVE_PARKED);
	CHECK(first->answered && first->status == 0 && !second->answered);
}

static void events_of_another_process_wake_too(void)
{
	AUTO(call_freep) struct serve_call *c = NULL;
	const struct jobs_actor root = {JOBS_ADMIN, "root", ""};
	struct app other = {0};
	char why[JOBS_WHY_SIZE];
	int id, job;

	fresh();
	id = subscribe(M1, "");
	job = create(M1, "anna", OFFICE, 1);
	c = poll_call(M1, "", id, 1, true);
	CHECK(go(c, IPP_OP_GET_NOTIFICATIONS) == SERVE_PARKED);
	CHECK(db_open(&other, &config) == 0);
	CHECK(jobs_cancel(&other, &root, job, why) == 0);
	db_close(&other);
	pass_s(1);
	CHECK(c->answered && got_number(c, "notify-job-id") == job);
	CHECK(!strcmp(got_text(c, "notify-subscribed-event"), "job-completed"));
}

/* ---- whose they are ---- */

static int by_id(int op, const char *machine, const char *user, int id, int lease)
{
	struct serve_call *c = ask(machine, user, SYSTEM, 0);

	op_number(c, "notify-subscription-id", id);
	if (lease >= 0)
		ippAddInteger(c->request, IPP_TAG_SUBSCRIPTION, IPP_TAG_INTEGER,
			"notify-lease-duration", lease);
	return go_free(c, op);
}

static void somebody_elses_subscription_is_none(void)
{
	AUTO(call_freep) struct serve_call *c = NULL;
	int mine, id;

	fresh();
	id = subscribe(M1, "");
	mine = subscribe(NULL, "anna");
	CHECK(count_events(M2, "", id, 1) == -1);
	CHECK(count_events(NULL, "anna", id, 1) == -1);
	CHECK(count_events(M1, "anna", mine, 1) == -1);
	CHECK(count_events(M1, "", 999, 1) == -1);
	CHECK(by_id(IPP_OP_CANCEL_SUBSCRIPTION, M2, "", id, -1) == IPP_STATUS_ERROR_NOT_FOUND);
	CHECK(by_id(IPP_OP_RENEW_SUBSCRIPTION, M2, "", id, 60) == IPP_STATUS_ERROR_NOT_FOUND);
	CHECK(by_id(IPP_OP_GET_SUBSCRIPTION_ATTRIBUTES, M2, "", id, -1) ==
		IPP_STATUS_ERROR_NOT_FOUND);
	CHECK(by_id(IPP_OP_GET_SUBSCRIPTION_ATTRIBUTES, M1, "", id, -1) == 0);
	c = ask(M1, "", OFFICE, 0);
	CHECK(go(c, IPP_OP_GET_SUBSCRIPTIONS) == 0);
	CHECK(got_times(c, "notify-subscription-id") == 1 &&
		got_number(c, "notify-subscription-id") == id);
	CHECK(got_word(c, "notify-events", "job-fetchable"));
	CHECK(by_id(IPP_OP_CANCEL_SUBSCRIPTION, M1, "", id, -1) == 0);
	CHECK(count_events(M1, "", id, 1) == -1);
}

static void a_lease_ends_unless_it_is_renewed(void)
{
	int renewed, left;
	int64_t rows = -1;

	fresh();
	renewed = subscribe(M1, "");
	left = subscribe(M2, "");
	create(M2, "anna", OFFICE, 1);
	CHECK(release(NULL, "anna", 1) == 0);
	pass_s(3000);
	CHECK(by_id(IPP_OP_RENEW_SUBSCRIPTION, M1, "", renewed, 3600) == 0);
	pass_s(1000);
	CHECK(count_events(M1, "", renewed, 1) == 0);
	CHECK(count_events(M2, "", left, 1) == -1);
	CHECK(sql_number(&app.sql, "SELECT count(*) FROM event", NULL, &rows) == 1 && rows == 0);
	CHECK(by_id(IPP_OP_RENEW_SUBSCRIPTION, M1, "", renewed, 0) == 0); /* "for ever" is a day */
	pass_s(86401);
	CHECK(count_events(M1, "", renewed, 1) == -1);
}

static void a_subscription_to_one_job_is_for_who_may_see_it(void)
{
	struct serve_call *c;
	int mine, job, other;

	fresh();
	job = create(M1, "anna", OFFICE, 1);
	other = create(M1, "anna", OFFICE, 2);
	c = subscribe_call(NULL, "bert", for_people, 3);
	op_number(c, "notify-job-id", job);
	CHECK(go_free(c, IPP_OP_CREATE_JOB_SUBSCRIPTIONS) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	c = subscribe_call(NULL, "anna", for_people, 3);
	op_number(c, "notify-job-id", job);
	CHECK(go(c, IPP_OP_CREATE_JOB_SUBSCRIPTIONS) == 0);
	mine = got_number(c, "notify-subscription-id");
	call_free(c);
	CHECK(release(NULL, "anna", other) == 0);
	CHECK(count_events(NULL, "anna", mine, 1) == 0);
	CHECK(cancel(NULL, "anna", job) == 0);
	CHECK(count_events(NULL, "anna", mine, 1) == 1);
	pass_s(EVENTS_LIFE_S + 1);
	CHECK(count_events(NULL, "anna", mine, 1) == -1);
}

static void other_queues_are_not_heard(void)
{
	int id;

	fresh();
	id = subscribe(M1, ""); /* of Office */
	CHECK(create(M2, "anna", DIRECT, 1) > 0);
	CHECK(create(M1, "anna", DIRECT, 2) > 0);
	CHECK(cancel(NULL, "anna", 2) == 0);
	CHECK(count_events(M1, "", id, 1) == 0);
}

static void what_cannot_be_subscribed_is_refused(void)
{
	static const char *const nonsense[] = {"nonsense"}, *const some[] = {
								    "nonsense", "job-completed"};
	struct serve_call *c;

	fresh();
	CHECK(go_free(ask(M1, "", OFFICE, 0), IPP_OP_CREATE_PRINTER_SUBSCRIPTIONS) ==
		IPP_STATUS_ERROR_BAD_REQUEST);
	CHECK(go_free(subscribe_call(M1, "", nonsense, 1), IPP_OP_CREATE_PRINTER_SUBSCRIPTIONS) ==
		IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES);
	c = subscribe_call(M1, "", some, 2);
	CHECK(go(c, IPP_OP_CREATE_PRINTER_SUBSCRIPTIONS) == 0 &&
		got_number(c, "notify-status-code") == IPP_STATUS_OK_IGNORED_OR_SUBSTITUTED);
	call_free(c);
	c = subscribe_call(M1, "", for_holders, 1);
	ippAddString(c->request, IPP_TAG_SUBSCRIPTION, IPP_TAG_URI, "notify-recipient-uri", NULL,
		"mailto:anna@example.org");
	CHECK(go_free(c, IPP_OP_CREATE_PRINTER_SUBSCRIPTIONS) ==
		IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES);
	c = subscribe_call(M1, "", for_holders, 1);
	ippAddOctetString(c->request, IPP_TAG_SUBSCRIPTION, "notify-user-data",
		"0123456789012345678901234567890123456789012345678901234567890123", 64);
	CHECK(go_free(c, IPP_OP_CREATE_PRINTER_SUBSCRIPTIONS) ==
		IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES);
}

static void several_subscriptions_in_one_request_and_their_data(void)
{
	AUTO(call_freep) struct serve_call *c = NULL, *p = NULL;
	int count = 0, job;
	const char *data;

	fresh();
	c = subscribe_call(M1, "", for_holders, 4);
	ippAddOctetString(c->request, IPP_TAG_SUBSCRIPTION, "notify-user-data", "mine\0too", 8);
	ippAddSeparator(c->request);
	ippAddString(c->request, IPP_TAG_SUBSCRIPTION, IPP_TAG_KEYWORD, "notify-events", NULL,
		"job-completed");
	CHECK(go(c, IPP_OP_CREATE_PRINTER_SUBSCRIPTIONS) == 0);
	CHECK(got_times(c, "notify-subscription-id") == 2);
	job = create(M1, "anna", OFFICE, 1);
	CHECK(release(NULL, "anna", job) == 0);
	p = poll_call(M1, "", got_number(c, "notify-subscription-id"), 1, false);
	CHECK(go(p, IPP_OP_GET_NOTIFICATIONS) == 0);
	data = ippGetOctetString(
		ippFindAttribute(p->reply, "notify-user-data", IPP_TAG_STRING), 0, &count);
	CHECK(count == 8 && data && !memcmp(data, "mine\0too", 8));
}

/* ---- limits ---- */

static void ten_thousand_subscriptions_of_one_machine_are_refused_and_slow_nobody(void)
{
	int made = 0, refused = 0, other, job;
	int64_t kept = 0;

	fresh();
	group_begin();
	for (int i = 0; i < 10000; i++) {
		struct serve_call *c = subscribe_call(M2, "", for_holders, 4);
		int status = handle(c, IPP_OP_CREATE_PRINTER_SUBSCRIPTIONS);

		made += status == 0;
		refused += status == IPP_STATUS_ERROR_TOO_MANY_SUBSCRIPTIONS;
		call_free(c);
	}
	group_end(true);
	CHECK(made == EVENTS_PER_SUBSCRIBER && refused == 10000 - EVENTS_PER_SUBSCRIBER);
	other = subscribe(M1, "");
	job = job_in(JOBS_RELEASED, 1);
	CHECK(job > 0 && count_events(M1, "", other, 1) == 1);
	CHECK(sql_number(&app.sql, "SELECT count FROM subscription_count", NULL, &kept) == 1);
	CHECK(kept == EVENTS_PER_SUBSCRIBER + 1);
	/* The statement that looks for a job's subscribers does not walk over the others'. */
	CHECK(sql_number(&app.sql, "SELECT count(*) FROM event", NULL, &kept) == 1 && kept == 1);
}

static void all_subscriptions_together_have_a_limit(void)
{
	fresh();
	CHECK(sql_exec(&app.sql, "UPDATE subscription_count SET count = 199999") == 0);
	CHECK(subscribe(M1, "") > 0);
	CHECK(subscribe(M2, "") == 0);
	CHECK(by_id(IPP_OP_CANCEL_SUBSCRIPTION, M1, "", 1, -1) == 0);
	CHECK(subscribe(M2, "") > 0);
}

static void a_subscription_keeps_its_latest_events_for_a_while(void)
{
	AUTO(call_freep) struct serve_call *c = NULL;
	int64_t rows = -1;
	int id, job;

	fresh();
	id = subscribe(M1, "");
	job = create(M1, "anna", OFFICE, 1);
	group_begin();
	for (int i = 0; i < EVENTS_KEPT; i++) {
		struct serve_call *r = ask(NULL, "anna", SYSTEM, job);

		op_text(r, IPP_TAG_URI, "output-device-uuid", DEVICE_2);
		CHECK(handle(r, IPP_OP_RELEASE_JOB) == 0 && handle(r, IPP_OP_HOLD_JOB) == 0);
		call_free(r);
	}
	group_end(true);
	c = poll_call(M1, "", id, 1, false);
	CHECK(go(c, IPP_OP_GET_NOTIFICATIONS) == 0);
	CHECK(got_times(c, "notify-sequence-number") == EVENTS_KEPT);
	CHECK(got_number(c, "notify-sequence-number") == EVENTS_KEPT + 1);
	pass_s(EVENTS_LIFE_S + 1);
	CHECK(sql_number(&app.sql, "SELECT count(*) FROM event", NULL, &rows) == 1 && rows == 0);
	CHECK(release(NULL, "anna", job) == 0);
	CHECK(count_events(M1, "", id, 2 * EVENTS_KEPT + 1) == 1); /* numbers go on */
}

static void what_concerns_everybody_is_told_to_everybody(void)
{
	AUTO(call_freep) struct serve_call *c = NULL;
	int one, two, person;

	fresh();
	one = subscribe(M1, "");
	two = subscribe(M2, "");
	person = subscribe(NULL, "anna"); /* does not want it */
	c = poll_call(M2, "", two, 1, true);
	CHECK(go(c, IPP_OP_GET_NOTIFICATIONS) == SERVE_PARKED);
	group_begin();
	CHECK(events_emit(&app, EVENT_RESOURCE, "", 0) == 0);
	group_end(true);
	CHECK(c->answered && got_times(c, "notify-sequence-number") == 1);
	CHECK(!strcmp(got_text(c, "notify-subscribed-event"), "resource-config-changed"));
	CHECK(got_times(c, "notify-job-id") == 0);
	CHECK(count_events(M1, "", one, 1) == 1);
	CHECK(count_events(NULL, "anna", person, 1) == 0);
	group_begin();
	CHECK(events_emit(&app, EVENT_RESOURCE, "Direct", 0) == 0); /* not their queue */
	group_end(true);
	CHECK(count_events(M1, "", one, 1) == 1);
}

static void a_restored_server_knows_no_subscription(void)
{
	int id;

	fresh();
	id = subscribe(M1, "");
	CHECK(db_restored(&app, "administrator root") == 0);
	CHECK(count_events(M1, "", id, 1) == -1);
	CHECK(subscribe(M1, "") > id + 1000);
}

static void many_parked_polls_are_woken_in_turn(void)
{
	enum { MACHINES = 1200 };
	static struct serve_call *call[MACHINES];
	char machine[64];
	int answered = 0;

	fresh();
	group_begin();
	for (int i = 0; i < MACHINES; i++) {
		struct serve_call *c;

		snprintf(machine, sizeof(machine), "urn:uuid:%08d", i);
		c = subscribe_call(machine, "", for_holders, 4);
		CHECK(handle(c, IPP_OP_CREATE_PRINTER_SUBSCRIPTIONS) == 0);
		call[i] = poll_call(machine, "", got_number(c, "notify-subscription-id"), 1, true);
		CHECK(handle(call[i], IPP_OP_GET_NOTIFICATIONS) == SERVE_PARKED);
		call_free(c);
	}
	CHECK(events_emit(&app, EVENT_RESOURCE, "", 0) == 0);
	group_end(true);
	for (int i = 0; i < MACHINES; i++)
		answered += call[i]->answered;
	CHECK(answered > 0 && answered < MACHINES);
	pass_s(1), pass_s(1);
	for (int i = 0; i < MACHINES; i++) {
		CHECK(call[i]->answered && got_times(call[i], "notify-sequence-number") == 1);
		call_free(STEAL(call[i]));
	}
}

int main(void)
{
	RUN(the_holder_hears_of_a_release_and_the_owner_of_each_state);
	RUN(a_machine_is_not_told_what_it_did_itself);
	RUN(heartbeats_are_no_events_and_progress_is_one);
	RUN(a_delegate_hears_of_the_job_too);
	RUN(sequence_numbers_have_no_gap);
	RUN(a_poll_without_events_waits_until_there_is_one);
	RUN(a_group_that_fails_wakes_nobody);
	RUN(a_poll_parked_in_a_group_that_fails_still_wakes);
	RUN(when_its_time_is_over_the_poll_is_empty);
	RUN(who_polls_again_ends_his_older_poll);
	RUN(events_of_another_process_wake_too);
	RUN(somebody_elses_subscription_is_none);
	RUN(a_lease_ends_unless_it_is_renewed);
	RUN(a_subscription_to_one_job_is_for_who_may_see_it);
	RUN(other_queues_are_not_heard);
	RUN(what_cannot_be_subscribed_is_refused);
	RUN(several_subscriptions_in_one_request_and_their_data);
	RUN(ten_thousand_subscriptions_of_one_machine_are_refused_and_slow_nobody);
	RUN(all_subscriptions_together_have_a_limit);
	RUN(a_subscription_keeps_its_latest_events_for_a_while);
	RUN(what_concerns_everybody_is_told_to_everybody);
	RUN(a_restored_server_knows_no_subscription);
	RUN(many_parked_polls_are_woken_in_turn);
	server_remove();
	return tap_done();
}
