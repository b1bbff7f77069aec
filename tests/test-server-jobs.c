/* SPDX-License-Identifier: Apache-2.0 */
/* test-server-jobs - registering, seeing, changing, releasing: the rules of server/jobs.h through the IPP handlers. The holder's
 * turn, canceling and time are in test-server-holders, events in test-server-events. */
#include "tap.h"

#include "jobs-fixture.h"

static void fresh(void)
{
	server_fresh("test-server-jobs");
}

/* ---- registering ---- */

static void a_job_is_registered_held(void)
{
	AUTO(call_freep) struct serve_call *c = NULL;

	fresh();
	c = create_call(M1, "anna", OFFICE, 1);
	CHECK(go(c, IPP_OP_CREATE_JOB) == IPP_STATUS_OK);
	CHECK(got_number(c, "job-id") == 1);
	CHECK(!strcmp(got_text(c, "job-uuid"), uuid_of(1)));
	CHECK(!strcmp(got_text(c, "job-uri"), "ipps://print.example:8631/ipp/print/Office/1"));
	CHECK(got_number(c, "job-state") == IPP_JSTATE_HELD);
	CHECK(got_word(c, "job-state-reasons", "job-held-for-release"));
	CHECK(got_word(c, "job-state-reasons", "job-data-insufficient"));
	CHECK(got_number(c, VENDOR_SERVER_INCARNATION) == 1);
	CHECK(got_number(c, VENDOR_RELEASE_EPOCH) == 0);
	CHECK(got_times(c, VENDOR_HOLD_EXPIRATION) == 1);
}

static struct serve_call *create_verified(int n, bool verified)
{
	struct serve_call *c = create_call(M1, "anna", "/ipp/print/Strict", n);

	ippAddBoolean(serve_request(c), IPP_TAG_OPERATION, VENDOR_OWNER_VERIFIED, verified);
	return c;
}

static void a_strict_queue_takes_verified_owners_only(void)
{
	AUTO(call_freep)
	struct serve_call *claimed = NULL, *good = NULL, *other = NULL, *shown = NULL;

	fresh();
	claimed = create_verified(1, false);
	CHECK(go(claimed, IPP_OP_CREATE_JOB) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(!create(M1, "anna", "/ipp/print/Strict", 2));
	good = create_verified(1, true);
	CHECK(go(good, IPP_OP_CREATE_JOB) == IPP_STATUS_OK);
	CHECK(job_now(got_number(good, "job-id")).verified);
	shown = ask(NULL, "anna", SYSTEM, got_number(good, "job-id"));
	CHECK(go(shown, IPP_OP_GET_JOB_ATTRIBUTES) == IPP_STATUS_OK);
	CHECK(ippGetBoolean(
		ippFindAttribute(serve_reply(shown), VENDOR_OWNER_VERIFIED, IPP_TAG_BOOLEAN), 0));
	CHECK(!job_now(create(M1, "anna", OFFICE, 3)).verified);
	/* It is part of what the job is. */
	other = create_verified(1, false);
	CHECK(go(other, IPP_OP_CREATE_JOB) == IPP_STATUS_ERROR_CONFLICTING);
}

static void a_direct_queue_releases_at_once_to_its_device(void)
{
	AUTO(call_freep) struct serve_call *c = NULL, *held = NULL, *never = NULL;

	fresh();
	c = create_call(M1, "anna", DIRECT, 1);
	CHECK(go(c, IPP_OP_CREATE_JOB) == IPP_STATUS_OK);
	CHECK(got_number(c, "job-state") == IPP_JSTATE_PENDING);
	CHECK(got_word(c, "job-state-reasons", "job-fetchable"));
	CHECK(got_number(c, VENDOR_RELEASE_EPOCH) == 1);
	CHECK(!strcmp(got_text(c, "output-device-uuid-assigned"), DEVICE_1));
	held = create_call(M1, "anna", DIRECT, 2);
	op_text(held, IPP_TAG_KEYWORD, "job-release-action", "owner-authorized");
	CHECK(go(held, IPP_OP_CREATE_JOB) == IPP_STATUS_OK);
	CHECK(got_number(held, "job-state") == IPP_JSTATE_HELD);
	never = create_call(M1, "anna", OFFICE, 3);
	op_text(never, IPP_TAG_KEYWORD, "job-release-action", "none");
	CHECK(go(never, IPP_OP_CREATE_JOB) == IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES);
}

static void registering_twice_gives_the_same_job(void)
{
	int id;

	fresh();
	id = create(M1, "anna", OFFICE, 1);
	CHECK(create(M1, "anna", OFFICE, 1) == id);
	CHECK(release(NULL, "anna", id) == 0);
	CHECK(create(M1, "anna", OFFICE, 1) == id);
	CHECK(state_of(id) == JOBS_RELEASED);
	queue_open = false; /* closed for what is new only */
	CHECK(create(M1, "anna", OFFICE, 1) == id);
	CHECK(create(M1, "anna", OFFICE, 2) == 0);
	queue_open = true;
	CHECK(cancel(NULL, "anna", id) == 0);
	CHECK(create(M1, "anna", OFFICE, 1) == id);
	CHECK(state_of(id) == JOBS_CANCELED);
}

static void another_machines_uuid_is_refused(void)
{
	fresh();
	CHECK(create(M1, "anna", OFFICE, 1) > 0);
	CHECK(go_free(create_call(M2, "anna", OFFICE, 1), IPP_OP_CREATE_JOB) ==
		IPP_STATUS_ERROR_NOT_AUTHORIZED);
}

static void the_same_uuid_with_other_content_is_refused(void)
{
	AUTO(call_freep) struct serve_call *c = NULL, *t = NULL;

	fresh();
	CHECK(create(M1, "anna", OFFICE, 1) > 0);
	CHECK(go_free(create_call(M1, "bert", OFFICE, 1), IPP_OP_CREATE_JOB) ==
		IPP_STATUS_ERROR_CONFLICTING);
	CHECK(go_free(create_call(M1, "anna", DIRECT, 1), IPP_OP_CREATE_JOB) ==
		IPP_STATUS_ERROR_CONFLICTING);
	c = create_call(M1, "anna", OFFICE, 1);
	job_text(c, IPP_TAG_KEYWORD, "media", "iso_a3_297x420mm");
	CHECK(go(c, IPP_OP_CREATE_JOB) == IPP_STATUS_ERROR_CONFLICTING);
	t = create_call(M1, "anna", OFFICE, 1);
	op_number(t, "job-media-sheets", 4);
	CHECK(go(t, IPP_OP_CREATE_JOB) == IPP_STATUS_ERROR_CONFLICTING);
}

static void what_cannot_be_registered_is_refused(void)
{
	struct serve_call *c;

	fresh();
	CHECK(go_free(ask(NULL, "anna", OFFICE, 0), IPP_OP_CREATE_JOB) ==
		IPP_STATUS_ERROR_NOT_POSSIBLE);
	CHECK(go_free(create_call(NULL, "anna", OFFICE, 1), IPP_OP_CREATE_JOB) ==
		IPP_STATUS_ERROR_NOT_POSSIBLE);
	CHECK(go_free(ask(M1, "anna", OFFICE, 0), IPP_OP_CREATE_JOB) ==
		IPP_STATUS_ERROR_NOT_POSSIBLE);
	CHECK(go_free(ask(NULL, "anna", OFFICE, 0), IPP_OP_PRINT_JOB) ==
		IPP_STATUS_ERROR_NOT_POSSIBLE);
	CHECK(go_free(ask(NULL, "anna", OFFICE, 1), IPP_OP_SEND_DOCUMENT) ==
		IPP_STATUS_ERROR_NOT_POSSIBLE);
	CHECK(go_free(create_call(M1, "", OFFICE, 1), IPP_OP_CREATE_JOB) ==
		IPP_STATUS_ERROR_BAD_REQUEST);
	CHECK(go_free(create_call(M1, "anna", "/ipp/print/Nowhere", 1), IPP_OP_CREATE_JOB) ==
		IPP_STATUS_ERROR_NOT_FOUND);
	CHECK(go_free(create_call(M1, "disabled", OFFICE, 1), IPP_OP_CREATE_JOB) ==
		IPP_STATUS_ERROR_NOT_AUTHORIZED);
	queue_open = false;
	CHECK(go_free(create_call(M1, "anna", OFFICE, 1), IPP_OP_CREATE_JOB) ==
		IPP_STATUS_ERROR_NOT_ACCEPTING_JOBS);
	queue_open = true;
	c = ask(M1, "anna", OFFICE, 0);
	op_text(c, IPP_TAG_URI, VENDOR_CLIENT_JOB_UUID,
		"urn:uuid:../../../../../../etc/passwd-000000000");
	CHECK(go_free(c, IPP_OP_CREATE_JOB) == IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES);
}

static int create_with(ipp_tag_t group, ipp_tag_t tag, const char *name, const char *text)
{
	struct serve_call *c = create_call(M1, "anna", OFFICE, 9);

	ippDeleteAttribute(c->request, ippFindAttribute(c->request, name, IPP_TAG_ZERO));
	ippAddString(c->request, group, tag, name, NULL, text);
	return go_free(c, IPP_OP_CREATE_JOB);
}

static int create_with_number(ipp_tag_t tag, const char *name, int n)
{
	struct serve_call *c = create_call(M1, "anna", OFFICE, 9);

	ippDeleteAttribute(c->request, ippFindAttribute(c->request, name, IPP_TAG_ZERO));
	ippAddInteger(c->request, IPP_TAG_OPERATION, tag, name, n);
	return go_free(c, IPP_OP_CREATE_JOB);
}

static void values_out_of_bounds_are_refused_and_nothing_is_stored(void)
{
	char longer[300];
	struct serve_call *c;
	const char *nine[9];

	fresh();
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	CHECK(create_with(IPP_TAG_OPERATION, IPP_TAG_TEXT, "job-name", longer) ==
		IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES);
	CHECK(create_with(IPP_TAG_JOB, IPP_TAG_KEYWORD, "sides", longer) ==
		IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES);
	CHECK(create_with(IPP_TAG_JOB, IPP_TAG_KEYWORD, "media", longer) ==
		IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES);
	CHECK(create_with(IPP_TAG_JOB, IPP_TAG_KEYWORD, "media", "a\033[2Jb") ==
		IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES);
	CHECK(create_with_number(IPP_TAG_INTEGER, "copies", 0) ==
		IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES);
	CHECK(create_with_number(IPP_TAG_INTEGER, "job-impressions", -1) ==
		IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES);
	CHECK(create_with_number(IPP_TAG_ENUM, "print-quality", 17) ==
		IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES);
	CHECK(create_with(IPP_TAG_JOB, IPP_TAG_KEYWORD, "copies", "two") ==
		IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES);
	for (int i = 0; i < 9; i++)
		nine[i] = "urn:stillprint:user:bert";
	c = create_call(M1, "anna", OFFICE, 9);
	ippAddStrings(c->request, IPP_TAG_OPERATION, IPP_TAG_URI, VENDOR_DELEGATES, 9, NULL, nine);
	CHECK(go_free(c, IPP_OP_CREATE_JOB) == IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES);
	CHECK(create_with(IPP_TAG_OPERATION, IPP_TAG_URI, VENDOR_DELEGATES, "mailto:bert") ==
		IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES);
	CHECK(create(M1, "anna", OFFICE, 9) == 1);
}

static void validating_stores_nothing(void)
{
	fresh();
	CHECK(go_free(create_call(M1, "anna", OFFICE, 1), IPP_OP_VALIDATE_JOB) == IPP_STATUS_OK);
	CHECK(go_free(create_call(M1, "disabled", OFFICE, 1), IPP_OP_VALIDATE_JOB) ==
		IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(create(M1, "anna", OFFICE, 2) == 1);
}

static void too_many_jobs_of_one_user_are_refused_others_are_not(void)
{
	fresh();
	config.jobs_per_user = 3;
	for (int i = 1; i <= 3; i++)
		CHECK(create(M1, "anna", OFFICE, i) > 0);
	CHECK(go_free(create_call(M1, "anna", OFFICE, 4), IPP_OP_CREATE_JOB) ==
		IPP_STATUS_ERROR_TOO_MANY_JOBS);
	CHECK(create(M1, "bert", OFFICE, 5) > 0);
	CHECK(create(M1, "anna", OFFICE, 1) == 1); /* known already */
	CHECK(cancel(NULL, "anna", 1) == 0);
	CHECK(create(M1, "anna", OFFICE, 4) > 0);
}

static void too_many_jobs_of_one_machine_are_refused(void)
{
	char user[32];

	fresh();
	group_begin();
	for (int i = 0; i < JOBS_PER_MACHINE; i++) {
		struct serve_call *c;

		snprintf(user, sizeof(user), "user%d", i % 10);
		c = create_call(M1, user, OFFICE, i);
		CHECK(handle(c, IPP_OP_CREATE_JOB) == IPP_STATUS_OK);
		call_free(c);
	}
	group_end(true);
	CHECK(go_free(create_call(M1, "anna", OFFICE, JOBS_PER_MACHINE), IPP_OP_CREATE_JOB) ==
		IPP_STATUS_ERROR_TOO_MANY_JOBS);
	CHECK(create(M2, "anna", OFFICE, JOBS_PER_MACHINE) > 0);
}

static void a_group_that_is_rolled_back_leaves_nothing(void)
{
	struct serve_call *c = create_call(M1, "anna", OFFICE, 1);

	fresh();
	group_begin();
	CHECK(handle(c, IPP_OP_CREATE_JOB) == IPP_STATUS_OK);
	group_end(false);
	call_free(c);
	CHECK(go_free(ask(NULL, "anna", SYSTEM, 1), IPP_OP_GET_JOB_ATTRIBUTES) ==
		IPP_STATUS_ERROR_NOT_FOUND);
	CHECK(create(M1, "anna", OFFICE, 1) == 1);
}

/* ---- privacy ---- */

static int list(const char *machine, const char *user, const char *which, const char *mine)
{
	AUTO(call_freep) struct serve_call *c = ask(machine, user, OFFICE, 0);

	op_text(c, IPP_TAG_KEYWORD, "requested-attributes", "all");
	if (which)
		op_text(c, IPP_TAG_KEYWORD, "which-jobs", which);
	if (mine)
		ippAddBoolean(c->request, IPP_TAG_OPERATION, "my-jobs", !strcmp(mine, "true"));
	if (go(c, IPP_OP_GET_JOBS))
		return -1;
	CHECK(got_times(c, "job-name") == got_times(c, "job-id"));
	return got_times(c, "job-id");
}

static void a_person_sees_his_own_jobs_alone(void)
{
	fresh();
	CHECK(create(M1, "anna", OFFICE, 1) > 0);
	CHECK(create(M1, "bert", OFFICE, 2) > 0);
	CHECK(create(M2, "anna", OFFICE, 3) > 0);
	CHECK(list(NULL, "anna", NULL, NULL) == 2);
	CHECK(list(NULL, "bert", NULL, NULL) == 1);
	CHECK(list(NULL, "carl", NULL, NULL) == 0);
	CHECK(list(M1, "anna", NULL, NULL) == 1);
	CHECK(list(M1, "carl", NULL, NULL) == 0);
	CHECK(list(M1, "", "all", NULL) == 2);
	CHECK(list(NULL, "anna", "nonsense", NULL) == -1);
	for (int op = 0; op < 2; op++)
		CHECK(go_free(ask(op ? M2 : NULL, op ? "anna" : "bert", OFFICE, 1),
			      IPP_OP_GET_JOB_ATTRIBUTES) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(go_free(ask(NULL, "anna", DIRECT, 1), IPP_OP_GET_JOB_ATTRIBUTES) ==
		IPP_STATUS_ERROR_NOT_FOUND);
	CHECK(job_now(1).title[0] == '\0'); /* an administrator gets none */
}

static int see_title(void *arg, const struct jobs_job *job)
{
	int *titles = arg;

	*titles += job->title[0] ? 1 : 100;
	return 0;
}

static void an_administrators_list_has_no_titles(void)
{
	const struct jobs_actor root = {JOBS_ADMIN, "root", ""}, anna = {JOBS_PERSON, "anna", ""};
	const struct jobs_query q = {.queue = ""};
	int admin = 0, owner = 0;

	fresh();
	CHECK(create(M1, "anna", OFFICE, 1) > 0 && create(M2, "bert", OFFICE, 2) > 0);
	CHECK(jobs_list(&app, &root, &q, see_title, &admin) == 0 && admin == 200);
	CHECK(jobs_list(&app, &anna, &q, see_title, &owner) == 0 && owner == 1);
}

static void which_jobs_limit_and_first_are_heeded(void)
{
	AUTO(call_freep) struct serve_call *c = NULL, *few = NULL;

	fresh();
	job_in(JOBS_HELD, 1), job_in(JOBS_RELEASED, 2), job_in(JOBS_CLAIMED, 3);
	job_in(JOBS_SENDING, 4), job_in(JOBS_CANCELED, 5), job_in(JOBS_COMPLETED, 6);
	CHECK(list(NULL, "anna", NULL, NULL) == 4);
	CHECK(list(NULL, "anna", "completed", NULL) == 2);
	CHECK(list(NULL, "anna", "all", NULL) == 6);
	CHECK(list(NULL, "anna", "pending-held", NULL) == 1);
	CHECK(list(M1, "bert", "fetchable", NULL) == 2); /* whoever's: it has them all */
	CHECK(list(M2, "anna", "fetchable", NULL) == 0);
	few = ask(NULL, "anna", SYSTEM, 0);
	op_number(few, "limit", 2);
	op_number(few, "first-job-id", 2);
	CHECK(go(few, IPP_OP_GET_JOBS) == 0 && got_times(few, "job-id") == 2);
	CHECK(got_number(few, "job-id") == 2);
	CHECK(got_times(few, "job-uri") == 2 && got_times(few, "job-name") == 0);
}

static void a_delegate_sees_and_releases_and_no_more(void)
{
	AUTO(call_freep) struct serve_call *c = NULL, *s = NULL, *seen = NULL;

	fresh();
	c = create_call(M1, "anna", OFFICE, 1);
	op_text(c, IPP_TAG_URI, VENDOR_DELEGATES, "urn:stillprint:user:bert%20b");
	CHECK(go(c, IPP_OP_CREATE_JOB) == 0);
	CHECK(list(NULL, "bert b", NULL, NULL) == 1);
	CHECK(list(NULL, "bert b", NULL, "true") == 0);
	seen = ask(NULL, "bert b", OFFICE, 1);
	CHECK(go(seen, IPP_OP_GET_JOB_ATTRIBUTES) == 0 && got_times(seen, "job-name") == 1 &&
		got_times(seen, VENDOR_DELEGATES) == 0);
	CHECK(cancel(NULL, "bert b", 1) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	s = ask(NULL, "bert b", OFFICE, 1);
	job_number(s, IPP_TAG_INTEGER, "copies", 9);
	CHECK(go(s, IPP_OP_SET_JOB_ATTRIBUTES) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(release(NULL, "bert b", 1) == 0);
	CHECK(!strcmp(job_now(1).released_by, "bert b"));
	CHECK(go_free(ask(NULL, "bert b", OFFICE, 1), IPP_OP_HOLD_JOB) == 0);
	s->request = (ippDelete(s->request), ippNew());
	ippAddOutOfBand(s->request, IPP_TAG_JOB, IPP_TAG_DELETEATTR, VENDOR_DELEGATES);
	snprintf(s->peer.user, sizeof(s->peer.user), "anna");
	CHECK(go(s, IPP_OP_SET_JOB_ATTRIBUTES) == 0);
	CHECK(release(NULL, "bert b", 1) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(list(NULL, "bert b", NULL, NULL) == 0);
}

static void a_users_name_survives_its_uri(void)
{
	static const char *const bad[] = {"urn:stillprint:user:", "urn:stillprint:user:%",
		"urn:stillprint:user:%4", "urn:stillprint:user:%00", "urn:stillprint:user:a%0Ab",
		"urn:stillprint:user:%ff", "http://anna"};
	char uri[1024], user[256], longest[256];

	CHECK(jobs_user_uri(uri, sizeof(uri), "Änna %/?") && jobs_user_from_uri(user, 256, uri));
	CHECK(!strcmp(user, "Änna %/?"));
	memset(longest, '%', 255);
	longest[255] = '\0';
	CHECK(jobs_user_uri(uri, sizeof(uri), longest) && jobs_user_from_uri(user, 256, uri));
	CHECK(!strcmp(user, longest));
	CHECK(!jobs_user_uri(uri, 100, longest));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!jobs_user_from_uri(user, sizeof(user), bad[i]));
}

/* ---- changing ---- */

static void a_held_job_can_be_changed_by_its_owner(void)
{
	AUTO(call_freep) struct serve_call *c = NULL;
	struct jobs_ticket t;

	fresh();
	CHECK(create(M1, "anna", OFFICE, 1) == 1);
	c = ask(NULL, "anna", OFFICE, 1);
	job_number(c, IPP_TAG_INTEGER, "copies", 9);
	job_text(c, IPP_TAG_KEYWORD, "print-color-mode", "monochrome");
	ippAddIntegers(c->request, IPP_TAG_JOB, IPP_TAG_ENUM, "finishings", 2, (int[]){4, 20});
	ippAddOutOfBand(c->request, IPP_TAG_JOB, IPP_TAG_DELETEATTR, "sides");
	CHECK(go(c, IPP_OP_SET_JOB_ATTRIBUTES) == 0);
	t = job_now(1).ticket;
	CHECK(t.copies == 9 && !strcmp(t.color_mode, "monochrome") && !*t.sides);
	CHECK(t.finishings_count == 2 && t.finishings[1] == 20);
	/* What was registered is still known by what it was. */
	CHECK(create(M1, "anna", OFFICE, 1) == 1);
	CHECK(release(NULL, "anna", 1) == 0);
	CHECK(go(c, IPP_OP_SET_JOB_ATTRIBUTES) == IPP_STATUS_ERROR_NOT_POSSIBLE);
}

static void what_is_not_settable_changes_nothing(void)
{
	struct serve_call *c;

	fresh();
	CHECK(create(M1, "anna", OFFICE, 1) == 1);
	c = ask(NULL, "anna", OFFICE, 1);
	job_number(c, IPP_TAG_INTEGER, "copies", 9);
	job_text(c, IPP_TAG_NAME, "job-originating-user-name", "bert");
	CHECK(go_free(c, IPP_OP_SET_JOB_ATTRIBUTES) == IPP_STATUS_ERROR_ATTRIBUTES_NOT_SETTABLE);
	CHECK(job_now(1).ticket.copies == 2);
	c = ask(NULL, "bert", OFFICE, 1);
	job_number(c, IPP_TAG_INTEGER, "copies", 9);
	CHECK(go_free(c, IPP_OP_SET_JOB_ATTRIBUTES) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
}

/* ---- releasing ---- */

static void a_release_is_its_owners_or_his_computers(void)
{
	struct jobs_job j;

	fresh();
	CHECK(create(M1, "anna", OFFICE, 1) == 1);
	CHECK(release(NULL, "bert", 1) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(release(M1, "bert", 1) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(release(M2, "anna", 1) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(release(M1, "anna", 1) == 0);
	j = job_now(1);
	CHECK(j.state == JOBS_RELEASED && j.epoch == 1 && !strcmp(j.device, DEVICE_2));
	CHECK(release(NULL, "anna", 1) == IPP_STATUS_ERROR_NOT_POSSIBLE);
	CHECK(release(NULL, "anna", 7) == IPP_STATUS_ERROR_NOT_FOUND);
	CHECK(sql_exec(&app.sql, "UPDATE job SET state = 'held', owner = 'disabled'") == 0);
	CHECK(release(M1, "disabled", 1) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
}

static int release_to(const char *attribute, const char *device, int id)
{
	struct serve_call *c = ask(NULL, "anna", SYSTEM, id);

	if (device)
		op_text(c, IPP_TAG_URI, attribute, device);
	return go_free(c, IPP_OP_RELEASE_JOB);
}

static void a_release_needs_a_device_that_exists(void)
{
	int id;

	fresh();
	id = create(M1, "anna", OFFICE, 1);
	CHECK(release_to(NULL, NULL, id) == IPP_STATUS_ERROR_BAD_REQUEST);
	CHECK(release_to("output-device-uuid", M1, id) == IPP_STATUS_ERROR_NOT_FOUND);
	CHECK(state_of(id) == JOBS_HELD);
	CHECK(release_to("output-device", "Hall", id) == 0);
	CHECK(!strcmp(job_now(id).device, DEVICE_2));
}

static void a_release_goes_only_where_the_queue_offers(void)
{
	AUTO(call_freep) struct serve_call *c = NULL;
	int id;

	fresh();
	CHECK(!sql_exec(&app.sql,
		"INSERT INTO device (uuid, name, uri, created_ms) VALUES ('" DEVICE_1
		"', 'Desk', 'ipp://a', 0), ('" DEVICE_2 "', 'Hall', 'ipp://b', 0);"
		"INSERT INTO queue (id, name, uuid, created_ms) VALUES (1, 'Office', 'u', 0);"
		"INSERT INTO queue_device VALUES (1, '" DEVICE_1 "', 'Desk');"));
	id = create(M1, "anna", OFFICE, 1);
	c = ask(NULL, "anna", SYSTEM, id);
	op_text(c, IPP_TAG_NAME, "output-device", "Hall");
	CHECK(go(c, IPP_OP_RELEASE_JOB) == IPP_STATUS_ERROR_NOT_POSSIBLE);
	CHECK(strstr(c->said, "Desk") && !strstr(c->said, "Hall"));
	CHECK(state_of(id) == JOBS_HELD && job_now(id).epoch == 0);
	/* The default device is always one of them. */
	CHECK(!sql_exec(&app.sql, "UPDATE queue SET device = '" DEVICE_2 "'"));
	CHECK(release_to("output-device", "Hall", id) == 0);
	/* One that is gone does not open the queue to all. */
	CHECK(!sql_exec(&app.sql, "UPDATE queue SET device = NULL;"
				  "UPDATE queue_device SET device = 'gone'"));
	id = create(M1, "anna", OFFICE, 2);
	CHECK(release_to("output-device", "Hall", id) == IPP_STATUS_ERROR_NOT_POSSIBLE);
	CHECK(!sql_exec(&app.sql, "DELETE FROM queue_device"));
	CHECK(release_to("output-device", "Hall", id) == 0);
}

static void a_release_that_nobody_takes_is_held_again(void)
{
	int id;

	fresh();
	id = job_in(JOBS_RELEASED, 1);
	pass_s(19);
	CHECK(state_of(id) == JOBS_RELEASED);
	pass_s(2);
	CHECK(state_of(id) == JOBS_HELD && *job_now(id).message);
	/* The epoch is burnt. */
	CHECK(acknowledge(M1, id, 1, 1) == IPP_STATUS_ERROR_NOT_FETCHABLE);
	CHECK(release(NULL, "anna", id) == 0);
	CHECK(acknowledge(M1, id, 1, 1) == IPP_STATUS_ERROR_NOT_FETCHABLE);
	CHECK(acknowledge(M1, id, 2, 1) == 0);
}

static void a_release_can_be_taken_back_until_it_is_claimed(void)
{
	int id;

	fresh();
	id = job_in(JOBS_RELEASED, 1);
	CHECK(go_free(ask(NULL, "bert", SYSTEM, id), IPP_OP_HOLD_JOB) ==
		IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(go_free(ask(NULL, "anna", SYSTEM, id), IPP_OP_HOLD_JOB) == 0);
	CHECK(go_free(ask(NULL, "anna", SYSTEM, id), IPP_OP_HOLD_JOB) == 0);
	CHECK(state_of(id) == JOBS_HELD);
	CHECK(acknowledge(M1, id, 1, 1) == IPP_STATUS_ERROR_NOT_FETCHABLE);
	id = job_in(JOBS_CLAIMED, 2);
	CHECK(go_free(ask(NULL, "anna", SYSTEM, id), IPP_OP_HOLD_JOB) ==
		IPP_STATUS_ERROR_NOT_POSSIBLE);
}

int main(void)
{
	RUN(a_job_is_registered_held);
	RUN(a_strict_queue_takes_verified_owners_only);
	RUN(a_direct_queue_releases_at_once_to_its_device);
	RUN(registering_twice_gives_the_same_job);
	RUN(another_machines_uuid_is_refused);
	RUN(the_same_uuid_with_other_content_is_refused);
	RUN(what_cannot_be_registered_is_refused);
	RUN(values_out_of_bounds_are_refused_and_nothing_is_stored);
	RUN(validating_stores_nothing);
	RUN(too_many_jobs_of_one_user_are_refused_others_are_not);
	RUN(too_many_jobs_of_one_machine_are_refused);
	RUN(a_group_that_is_rolled_back_leaves_nothing);
	RUN(a_person_sees_his_own_jobs_alone);
	RUN(an_administrators_list_has_no_titles);
	RUN(which_jobs_limit_and_first_are_heeded);
	RUN(a_delegate_sees_and_releases_and_no_more);
	RUN(a_users_name_survives_its_uri);
	RUN(a_held_job_can_be_changed_by_its_owner);
	RUN(what_is_not_settable_changes_nothing);
	RUN(a_release_is_its_owners_or_his_computers);
	RUN(a_release_needs_a_device_that_exists);
	RUN(a_release_goes_only_where_the_queue_offers);
	RUN(a_release_that_nobody_takes_is_held_again);
	RUN(a_release_can_be_taken_back_until_it_is_claimed);
	server_remove();
	return tap_done();
}
