/* SPDX-License-Identifier: Apache-2.0 */
/* test-server-holders - claiming, reporting, canceling, what time does, and a database that was restored. */
#include "tap.h"

#include "../server/jobs-private.h"
#include "jobs-fixture.h"

static void fresh(void)
{
	server_fresh("test-server-holders");
}

/* ---- the holder's turn ---- */

static void fetching_tells_what_to_do_and_changes_nothing(void)
{
	AUTO(call_freep) struct serve_call *c = NULL;
	int id, count = 0;

	fresh();
	id = create(M1, "anna", OFFICE, 1);
	CHECK(go_free(ask(M1, "anna", OFFICE, id), IPP_OP_FETCH_JOB) ==
		IPP_STATUS_ERROR_NOT_FETCHABLE);
	CHECK(release(NULL, "anna", id) == 0);
	CHECK(go_free(ask(M2, "anna", OFFICE, id), IPP_OP_FETCH_JOB) ==
		IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(go_free(ask(NULL, "anna", OFFICE, id), IPP_OP_FETCH_JOB) ==
		IPP_STATUS_ERROR_NOT_AUTHORIZED);
	c = ask(M1, "anna", OFFICE, id);
	CHECK(go(c, IPP_OP_FETCH_JOB) == 0);
	CHECK(got_number(c, VENDOR_RELEASE_EPOCH) == 1 && got_number(c, "copies") == 2);
	CHECK(!strcmp(got_text(c, VENDOR_DEVICE_URI), "ipps://Hall.example/ipp/print"));
	CHECK(!strcmp(got_text(c, VENDOR_DEVICE_NAME), "Hall"));
	CHECK(ippGetOctetString(
		      ippFindAttribute(c->reply, VENDOR_DEVICE_CERTIFICATE, IPP_TAG_STRING), 0,
		      &count) &&
		count == 32);
	CHECK(!strcmp(got_text(c, "output-device-uuid-assigned"), DEVICE_2));
	CHECK(!strcmp(got_text(c, VENDOR_RELEASED_BY), "urn:stillprint:user:anna"));
	CHECK(state_of(id) == JOBS_RELEASED);
}

static void a_claim_is_idempotent_and_only_its_holders(void)
{
	AUTO(call_freep) struct serve_call *c = NULL;
	int id;

	fresh();
	id = job_in(JOBS_RELEASED, 1);
	CHECK(acknowledge(M2, id, 1, 1) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(acknowledge(M1, id, 2, 1) == IPP_STATUS_ERROR_NOT_FETCHABLE);
	CHECK(acknowledge(M1, id, 0, 1) == IPP_STATUS_ERROR_NOT_FETCHABLE);
	CHECK(go_free(fenced(M1, SYSTEM, id, -1, 1), IPP_OP_ACKNOWLEDGE_JOB) ==
		IPP_STATUS_ERROR_NOT_FETCHABLE);
	c = fenced(M1, OFFICE, id, 1, 1);
	CHECK(go(c, IPP_OP_ACKNOWLEDGE_JOB) == 0 && got_number(c, VENDOR_LEASE) == 60);
	CHECK(acknowledge(M1, id, 1, 1) == 0);
	/* The holder was killed, and begins anew. */
	CHECK(acknowledge(M1, id, 1, 2) == 0);
	CHECK(state_of(id) == JOBS_CLAIMED && job_now(id).attempt == 2);
	CHECK(acknowledge(M1, id, 1, 1) == IPP_STATUS_ERROR_NOT_FETCHABLE);
	CHECK(update(M1, id, 1, 2, 5) == 0);
	CHECK(acknowledge(M1, id, 1, 2) == 0);
	CHECK(acknowledge(M1, id, 1, 3) == IPP_STATUS_ERROR_NOT_FETCHABLE);
	CHECK(state_of(id) == JOBS_SENDING);
}

static void a_claim_for_another_device_or_incarnation_is_refused(void)
{
	struct serve_call *c;
	int id;

	fresh();
	id = job_in(JOBS_RELEASED, 1);
	c = fenced(M1, SYSTEM, id, 1, 1);
	op_text(c, IPP_TAG_URI, "output-device-uuid", DEVICE_1);
	CHECK(go_free(c, IPP_OP_ACKNOWLEDGE_JOB) == IPP_STATUS_ERROR_NOT_FETCHABLE);
	c = fenced(M1, SYSTEM, id, 1, 1);
	op_number(c, VENDOR_SERVER_INCARNATION, 2);
	CHECK(go_free(c, IPP_OP_ACKNOWLEDGE_JOB) == IPP_STATUS_ERROR_NOT_FETCHABLE);
	CHECK(state_of(id) == JOBS_RELEASED);
}

static int refuse(int id, int epoch)
{
	struct serve_call *c = fenced(M1, SYSTEM, id, epoch, 1);

	ippAddInteger(c->request, IPP_TAG_OPERATION, IPP_TAG_ENUM, "fetch-status-code",
		IPP_STATUS_ERROR_NOT_POSSIBLE);
	op_text(c, IPP_TAG_TEXT, "fetch-status-message", "Printed at Hall during the outage");
	return go_free(c, IPP_OP_ACKNOWLEDGE_JOB);
}

static void a_holder_that_cannot_gives_the_job_back(void)
{
	int id;

	fresh();
	id = job_in(JOBS_RELEASED, 1);
	CHECK(refuse(id, 3) == IPP_STATUS_ERROR_NOT_FETCHABLE);
	CHECK(refuse(id, 1) == 0 && refuse(id, 1) == 0);
	CHECK(state_of(id) == JOBS_HELD);
	CHECK(!strcmp(job_now(id).message, "Printed at Hall during the outage"));
	CHECK(release(NULL, "anna", id) == 0);
	CHECK(refuse(id, 1) == IPP_STATUS_ERROR_NOT_FETCHABLE);
	CHECK(state_of(id) == JOBS_RELEASED && !*job_now(id).message);
}

static void reports_move_a_claimed_job_to_its_end(void)
{
	AUTO(call_freep) struct serve_call *c = NULL, *g = NULL;
	struct jobs_job j;
	int id;

	fresh();
	id = job_in(JOBS_CLAIMED, 1);
	CHECK(update(M1, id, 1, 1, 3) == 0 && state_of(id) == JOBS_CLAIMED);
	CHECK(update(M2, id, 1, 1, 5) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(update(M1, id, 1, 1, 5) == 0 && state_of(id) == JOBS_SENDING);
	CHECK(go_free(update_call(M1, id, 1, 1, 6, "media-empty"), IPP_OP_UPDATE_JOB_STATUS) == 0);
	j = job_now(id);
	CHECK(j.state == JOBS_SENDING && jobs_ipp_state(&j) == IPP_JSTATE_STOPPED);
	c = update_call(M1, id, 1, 1, 9, "job-completed-with-warnings");
	job_number(c, IPP_TAG_INTEGER, "job-impressions-completed", 6);
	job_number(c, IPP_TAG_INTEGER, "job-media-sheets-completed", 4);
	CHECK(go(c, IPP_OP_UPDATE_JOB_STATUS) == 0);
	g = ask(NULL, "anna", OFFICE, id);
	CHECK(go(g, IPP_OP_GET_JOB_ATTRIBUTES) == 0);
	CHECK(got_number(g, "job-state") == IPP_JSTATE_COMPLETED);
	CHECK(got_word(g, "job-state-reasons", "job-completed-with-warnings"));
	CHECK(got_number(g, "job-impressions-completed") == 6);
	CHECK(got_number(g, "job-media-sheets-completed") == 4);
	CHECK(got_number(g, "job-impressions") == 3 && got_times(g, "job-media-sheets") == 0);
	for (int state = 0; state <= 10; state++) /* it is over: the same again is good */
		CHECK((update(M1, id, 1, 1, state) == 0) == (state == 9));
	CHECK(state_of(id) == JOBS_COMPLETED);
}

static void a_stale_report_is_refused_but_for_the_end(void)
{
	struct serve_call *c;
	int id;

	fresh();
	id = job_in(JOBS_RELEASED, 1);
	CHECK(update(M1, id, 1, 1, 5) == IPP_STATUS_ERROR_NOT_POSSIBLE); /* not claimed */
	pass_s(21);
	CHECK(update(M1, id, 1, 1, 5) == IPP_STATUS_ERROR_NOT_POSSIBLE); /* held */
	CHECK(release(NULL, "anna", id) == 0);
	CHECK(acknowledge(M1, id, 2, 4) == 0);
	CHECK(update(M1, id, 1, 4, 5) == IPP_STATUS_ERROR_NOT_POSSIBLE);
	CHECK(update(M1, id, 2, 3, 5) == IPP_STATUS_ERROR_NOT_POSSIBLE);
	CHECK(update(M1, id, 3, 4, 5) == IPP_STATUS_ERROR_NOT_POSSIBLE);
	c = update_call(M1, id, 2, 4, 5, NULL);
	op_number(c, VENDOR_SERVER_INCARNATION, 7);
	CHECK(go_free(c, IPP_OP_UPDATE_JOB_STATUS) == IPP_STATUS_ERROR_NOT_POSSIBLE);
	CHECK(state_of(id) == JOBS_CLAIMED);
	CHECK(update(M1, id, 1, 1, 9) == 0);
	CHECK(state_of(id) == JOBS_COMPLETED);
}

static int divert(int id, int epoch, int attempt)
{
	struct serve_call *c = update_call(M1, id, epoch, attempt, 5, NULL);

	job_text(c, IPP_TAG_NAME, VENDOR_DIVERTED_TO, "Printer in the hall");
	return go_free(c, IPP_OP_UPDATE_JOB_STATUS);
}

static void what_printed_elsewhere_during_an_outage_is_known(void)
{
	int id;

	fresh();
	id = create(M1, "anna", OFFICE, 1);
	CHECK(divert(id, 0, 1) == 0);
	CHECK(state_of(id) == JOBS_SENDING);
	CHECK(!strcmp(job_now(id).diverted, "Printer in the hall"));
	CHECK(release(NULL, "anna", id) == IPP_STATUS_ERROR_NOT_POSSIBLE);
	CHECK(update(M1, id, 0, 1, 4) == 0 && state_of(id) == JOBS_HELD);
	CHECK(divert(id, 0, 1) == IPP_STATUS_ERROR_NOT_POSSIBLE); /* the same report, late */
	CHECK(state_of(id) == JOBS_HELD);
	CHECK(update(M1, id, 0, 2, 9) == 0 && state_of(id) == JOBS_COMPLETED);
}

static void in_doubt_the_holders_user_decides(void)
{
	struct jobs_job j;
	int id;

	fresh();
	id = job_in(JOBS_DOUBT, 1);
	j = job_now(id);
	CHECK(jobs_ipp_state(&j) == IPP_JSTATE_STOPPED);
	pass_s(3600);
	CHECK(state_of(id) == JOBS_DOUBT && !job_now(id).lapsed);
	CHECK(release(NULL, "anna", id) == IPP_STATUS_ERROR_NOT_POSSIBLE);
	CHECK(update(M1, id, 1, 1, 3) == 0 && state_of(id) == JOBS_SENDING);
	id = job_in(JOBS_DOUBT, 2);
	CHECK(update(M1, id, 1, 2, 3) == 0 && state_of(id) == JOBS_CLAIMED); /* print again */
	id = job_in(JOBS_DOUBT, 3);
	CHECK(update(M1, id, 1, 1, 4) == 0 && state_of(id) == JOBS_HELD); /* print elsewhere */
	id = job_in(JOBS_DOUBT, 4);
	CHECK(update(M1, id, 1, 1, 9) == 0 && state_of(id) == JOBS_COMPLETED); /* it printed */
}

static void a_sign_of_life_leaves_the_message(void)
{
	struct serve_call *c;
	int id;

	fresh();
	id = job_in(JOBS_SENDING, 1);
	c = update_call(M1, id, 1, 1, 5, NULL);
	job_text(c, IPP_TAG_TEXT, "output-device-job-state-message", "Printing at Hall");
	CHECK(go_free(c, IPP_OP_UPDATE_JOB_STATUS) == 0);
	CHECK(update(M1, id, 1, 1, 5) == 0);
	CHECK(!strcmp(job_now(id).message, "Printing at Hall"));
	CHECK(update(M1, id, 1, 1, 6) == 0);
	CHECK(!*job_now(id).message);
}

static void a_lease_that_lapses_before_sending_frees_the_job(void)
{
	int id;

	fresh();
	id = job_in(JOBS_CLAIMED, 1);
	pass_s(50);
	CHECK(update(M1, id, 1, 1, 3) == 0);
	pass_s(50);
	CHECK(state_of(id) == JOBS_CLAIMED);
	pass_s(11);
	CHECK(state_of(id) == JOBS_HELD);
	CHECK(update(M1, id, 1, 1, 5) == IPP_STATUS_ERROR_NOT_POSSIBLE);
	CHECK(divert(id, 1, 1) ==
		IPP_STATUS_ERROR_NOT_POSSIBLE); /* nor elsewhere, in that attempt */
	CHECK(release(NULL, "anna", id) == 0 && job_now(id).epoch == 2);
}

static void a_lease_that_lapses_after_sending_frees_nothing(void)
{
	AUTO(call_freep) struct serve_call *c = NULL;
	int id;

	fresh();
	id = job_in(JOBS_SENDING, 1);
	pass_s(61);
	CHECK(state_of(id) == JOBS_SENDING && job_now(id).lapsed);
	c = ask(NULL, "anna", OFFICE, id);
	CHECK(go(c, IPP_OP_GET_JOB_ATTRIBUTES) == 0);
	CHECK(got_word(c, "job-state-reasons", VENDOR_R_HOLDER_UNREACHABLE));
	CHECK(release(NULL, "anna", id) == IPP_STATUS_ERROR_NOT_POSSIBLE);
	CHECK(update(M1, id, 1, 1, 5) == 0 && !job_now(id).lapsed);
	pass_s(61);
	CHECK(update(M1, id, 1, 1, 9) == 0 && state_of(id) == JOBS_COMPLETED);
	id = job_in(JOBS_SENDING, 2); /* never heard of again */
	pass_s(61);
	pass_s(30 * 86400 + 1);
	CHECK(state_of(id) == JOBS_ABORTED);
}

/* ---- canceling ---- */

static void canceling_in_each_state(void)
{
	static const struct {
		enum jobs_state from, to;
		int status;
	} cases[] = {
		{JOBS_HELD, JOBS_CANCELED, 0},
		{JOBS_RELEASED, JOBS_CANCELED, 0},
		{JOBS_CLAIMED, JOBS_CANCELING, 0},
		{JOBS_SENDING, JOBS_CANCELING, 0},
		{JOBS_DOUBT, JOBS_CANCELING, 0},
		{JOBS_CANCELING, JOBS_CANCELING, IPP_STATUS_ERROR_NOT_POSSIBLE},
		{JOBS_COMPLETED, JOBS_COMPLETED, IPP_STATUS_ERROR_NOT_POSSIBLE},
		{JOBS_CANCELED, JOBS_CANCELED, IPP_STATUS_ERROR_NOT_POSSIBLE},
		{JOBS_ABORTED, JOBS_ABORTED, IPP_STATUS_ERROR_NOT_POSSIBLE},
	};

	fresh();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int id = job_in(cases[i].from, (int)i);

		CHECK(cancel(NULL, "bert", id) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
		CHECK(cancel(M1, "bert", id) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
		CHECK(cancel(i % 2 ? M1 : NULL, "anna", id) == cases[i].status);
		CHECK(state_of(id) == cases[i].to);
	}
}

static void a_holder_hears_of_the_cancel_and_stops(void)
{
	struct jobs_job j;
	int id;

	fresh();
	id = job_in(JOBS_CANCELING, 1);
	CHECK(update(M1, id, 1, 1, 5) == IPP_STATUS_ERROR_JOB_CANCELED);
	j = job_now(id);
	CHECK(j.state == JOBS_CANCELING && jobs_ipp_state(&j) == IPP_JSTATE_PROCESSING);
	CHECK(j.due_ms > app.now_ms + 59000);
	CHECK(acknowledge(M1, id, 1, 1) == IPP_STATUS_ERROR_JOB_CANCELED);
	CHECK(update(M1, id, 1, 1, 7) == 0 && state_of(id) == JOBS_CANCELED);
	id = job_in(JOBS_CANCELING, 2); /* it had printed before it heard */
	CHECK(update(M1, id, 1, 1, 9) == 0 && state_of(id) == JOBS_COMPLETED);
	id = job_in(JOBS_CANCELING, 3); /* given back: then that is the end */
	CHECK(update(M1, id, 1, 1, 4) == IPP_STATUS_ERROR_JOB_CANCELED);
	CHECK(state_of(id) == JOBS_CANCELED);
	id = job_in(JOBS_CANCELED, 4); /* canceled while the server was away from its holder */
	CHECK(update(M1, id, 0, 1, 5) == IPP_STATUS_ERROR_JOB_CANCELED);
	CHECK(update(M1, id, 0, 1, 9) == 0 && state_of(id) == JOBS_COMPLETED);
	CHECK(update(M1, id, 0, 1, 7) == IPP_STATUS_ERROR_NOT_POSSIBLE);
}

static void a_person_cancels_all_his_jobs_and_no_others(void)
{
	struct serve_call *c;
	int bert;

	fresh();
	for (int i = 1; i <= 3; i++)
		job_in(JOBS_HELD, i);
	bert = create(M1, "bert", OFFICE, 9);
	c = ask(NULL, "anna", SYSTEM, 0);
	ippAddIntegers(
		c->request, IPP_TAG_OPERATION, IPP_TAG_INTEGER, "job-ids", 2, (int[]){1, bert});
	CHECK(go_free(c, IPP_OP_CANCEL_MY_JOBS) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(state_of(1) == JOBS_HELD); /* all or none */
	CHECK(go_free(ask(NULL, "anna", DIRECT, 0), IPP_OP_CANCEL_MY_JOBS) == 0);
	CHECK(state_of(1) == JOBS_HELD); /* another queue */
	CHECK(go_free(ask(NULL, "anna", OFFICE, 0), IPP_OP_CANCEL_MY_JOBS) == 0);
	for (int i = 1; i <= 3; i++)
		CHECK(state_of(i) == JOBS_CANCELED);
	CHECK(state_of(bert) == JOBS_HELD);
}

/* ---- time ---- */

static void a_job_that_nobody_releases_expires(void)
{
	int id, kept;

	fresh();
	id = job_in(JOBS_HELD, 1);
	pass_s(72 * 3600 - 10);
	CHECK(state_of(id) == JOBS_HELD);
	CHECK(release(NULL, "anna", id) == 0); /* at the last moment, in vain */
	pass_s(30);
	CHECK(state_of(id) == JOBS_HELD);
	pass_s(60);
	CHECK(state_of(id) == JOBS_HELD);
	pass_s(3601);
	CHECK(state_of(id) == JOBS_ABORTED);
	kept = job_in(JOBS_HELD, 2);
	CHECK(update(M1, id, 0, 1, 9) == 0 && state_of(id) == JOBS_COMPLETED);
	pass_s(30 * 86400 + 10);
	CHECK(go_free(ask(NULL, "anna", SYSTEM, id), IPP_OP_GET_JOB_ATTRIBUTES) ==
		IPP_STATUS_ERROR_NOT_FOUND); /* and is forgotten */
	CHECK(state_of(kept) == JOBS_ABORTED);
}

static void a_clock_that_is_set_ends_no_job(void)
{
	int held, sending;

	fresh();
	held = job_in(JOBS_HELD, 1);
	sending = job_in(JOBS_SENDING, 2);
	app.count.wall_ms -= 400 * 86400000LL; /* set forward since the last group */
	pass_s(400 * 86400);
	CHECK(state_of(held) == JOBS_HELD);
	CHECK(state_of(sending) == JOBS_SENDING && !job_now(sending).lapsed);
	pass_s(61);
	CHECK(job_now(sending).lapsed);
}

static void a_server_that_was_away_blames_nobody(void)
{
	int released, sending, claimed;

	fresh();
	released = job_in(JOBS_RELEASED, 1);
	claimed = job_in(JOBS_CLAIMED, 2);
	sending = job_in(JOBS_SENDING, 3);
	server_close();
	server_open();
	pass_s(3600);
	CHECK(state_of(released) == JOBS_RELEASED);
	CHECK(acknowledge(M1, released, 1, 1) == 0);
	CHECK(state_of(claimed) == JOBS_CLAIMED && !job_now(sending).lapsed);
	pass_s(61);
	CHECK(state_of(claimed) == JOBS_HELD && job_now(sending).lapsed);
}

/* ---- resynchronisation ---- */

static void a_machine_learns_what_the_server_sees_otherwise(void)
{
	AUTO(call_freep) struct serve_call *c = NULL;
	ipp_attribute_t *unknown, *ids, *states;
	int same, canceled, canceling, other;

	fresh();
	same = job_in(JOBS_SENDING, 1);
	canceled = job_in(JOBS_CANCELED, 2);
	canceling = job_in(JOBS_CANCELING, 3);
	other = create(M2, "anna", OFFICE, 4);
	c = ask(M1, "", SYSTEM, 0);
	ippAddIntegers(c->request, IPP_TAG_OPERATION, IPP_TAG_INTEGER, "job-ids", 5,
		(int[]){same, canceled, canceling, other, 999});
	ippAddIntegers(c->request, IPP_TAG_OPERATION, IPP_TAG_ENUM, "output-device-job-states", 5,
		(int[]){5, 4, 5, 4, 4});
	CHECK(go(c, IPP_OP_UPDATE_ACTIVE_JOBS) == 0);
	ids = ippFindAttribute(c->reply, "job-ids", IPP_TAG_INTEGER);
	states = ippFindAttribute(c->reply, "output-device-job-states", IPP_TAG_ENUM);
	CHECK(ippGetCount(ids) == 2 && ippGetInteger(ids, 0) == canceled);
	CHECK(ippGetInteger(ids, 1) == canceling && ippGetInteger(states, 1) == 7);
	(void)ippFindAttribute(c->reply, "job-ids", IPP_TAG_INTEGER);
	unknown = ippFindNextAttribute(c->reply, "job-ids", IPP_TAG_INTEGER);
	CHECK(ippGetGroupTag(unknown) == IPP_TAG_UNSUPPORTED_GROUP && ippGetCount(unknown) == 2);
	CHECK(ippGetInteger(unknown, 0) == other);
}

static void copy_file(const char *from, const char *to)
{
	char command[512];

	snprintf(command, sizeof(command), "%s/%s", folder, from);
	AUTO(auto_free) char *octets = malloc(1 << 22);
	FILE *in = fopen(command, "re"), *out;
	size_t n = in && octets ? fread(octets, 1, 1 << 22, in) : 0;

	snprintf(command, sizeof(command), "%s/%s", folder, to);
	out = fopen(command, "we");
	CHECK(n > 0 && out && fwrite(octets, 1, n, out) == n);
	if (in)
		fclose(in);
	if (out)
		fclose(out);
}

static int64_t audit_count(const char *event)
{
	int64_t n = 0;

	sql_number(
		&app.sql, "SELECT count(*) FROM audit WHERE event = ?1", VALUES(V_TEXT(event)), &n);
	return n;
}

static void a_restored_database_is_another_incarnation(void)
{
	int sending, claimed, lost, next;

	fresh();
	sending = job_in(JOBS_SENDING, 1);
	claimed = job_in(JOBS_CLAIMED, 2);
	server_close();
	copy_file("server.db", "old.db");
	server_open();
	CHECK(app.incarnation == 1);
	CHECK(update(M1, claimed, 1, 1, 9) == 0);
	lost = create(M1, "anna", OFFICE, 3);
	server_close();
	copy_file("old.db", "server.db");
	server_open();
	CHECK(app.incarnation == 2 && audit_count("database-restored") == 1);
	CHECK(state_of(claimed) == JOBS_HELD && job_now(sending).lapsed);
	CHECK(update(M1, claimed, 1, 1, 9) == 0); /* told once more */
	CHECK(update(M1, sending, 1, 1, 5) == 0 && !job_now(sending).lapsed);
	/* Numbers of the lost time are not given again. */
	next = create(M1, "anna", OFFICE, 3);
	CHECK(next > lost);
	CHECK(update(M1, lost, 0, 1, 9) == IPP_STATUS_ERROR_NOT_FOUND);
	server_close();
	server_open();
	CHECK(app.incarnation == 2 && audit_count("database-restored") == 1);
}

static void an_epoch_of_the_lost_time_claims_nothing(void)
{
	int id;

	fresh();
	id = job_in(JOBS_HELD, 1);
	server_close();
	copy_file("server.db", "old.db");
	server_open();
	CHECK(release(NULL, "anna", id) == 0); /* epoch 1, lost */
	server_close();
	copy_file("old.db", "server.db");
	server_open();
	CHECK(app.incarnation == 2);
	CHECK(release(NULL, "anna", id) == 0);
	CHECK(acknowledge(M1, id, 1, 1) == IPP_STATUS_ERROR_NOT_FETCHABLE);
	CHECK(acknowledge(M1, id, job_now(id).epoch, 1) == 0);
}

static void a_killed_server_is_the_same_incarnation(void)
{
	int pid, status = -1;

	fresh();
	server_close();
	pid = fork();
	if (pid == 0) {
		server_open();
		for (int i = 0; i < 50; i++)
			create(M1, "anna", OFFICE, i);
		_exit(0); /* nothing is closed, the file is behind */
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
	server_open();
	CHECK(app.incarnation == 1 && app.count.commits >= 50);
	CHECK(create(M1, "anna", OFFICE, 49) == 50);
}

static void a_subcommand_that_commits_beside_the_server_is_no_restore(void)
{
	struct app other = {0};

	fresh();
	CHECK(db_open(&other, &config) == 0);
	for (int i = 0; i < 5; i++)
		CHECK(create(M1, "anna", OFFICE, i) > 0);
	CHECK(db_begin(&other) == 0 && db_setting_put(&other.sql, "maintenance", "on") == 0);
	CHECK(db_commit(&other) == 0);
	db_close(&other);
	server_close();
	server_open();
	CHECK(app.incarnation == 1 && app.count.commits >= 6);
}

static void a_restore_that_says_so_counts_without_the_file(void)
{
	char path[128];
	int before;

	fresh();
	before = create(M1, "anna", OFFICE, 1);
	server_close();
	snprintf(path, sizeof(path), "%s/server.state", folder);
	CHECK(unlink(path) == 0);
	server_open();
	CHECK(app.incarnation == 1);
	CHECK(db_restored(&app, "administrator root") == 0);
	CHECK(app.incarnation == 2);
	CHECK(create(M1, "anna", OFFICE, 2) >= before + 1000000);
	server_close();
	server_open();
	CHECK(app.incarnation == 2);
}

/* ---- the table ---- */

static void a_move_from_another_state_than_it_is_in_is_none(void)
{
	struct jobs_job then, job;
	int id;

	fresh();
	id = job_in(JOBS_HELD, 1);
	then = job = job_now(id);
	CHECK(cancel(NULL, "anna", id) == 0); /* meanwhile */
	job.state = JOBS_RELEASED;
	CHECK(jobs_move(&app, &job, &then, "") == -EBUSY);
	CHECK(state_of(id) == JOBS_CANCELED);
	then = job = job_now(id);
	job.state = JOBS_HELD;
	CHECK(jobs_move(&app, &job, &then, "") == -EINVAL);
}

static void every_cell_of_the_table_of_states(void)
{
	/* From each state in the order of the enumeration: h r C s x d 9 7 8. */
	static const char *const may[] = {
		[JOBS_HELD] = ".r.s..978",
		[JOBS_RELEASED] = "h.C...978",
		[JOBS_CLAIMED] = "h..sxd978",
		[JOBS_SENDING] = "h...xd978",
		[JOBS_CANCELING] = "......978",
		[JOBS_DOUBT] = "h.Csx.978",
		[JOBS_COMPLETED] = ".........",
		[JOBS_CANCELED] = "......9.8",
		[JOBS_ABORTED] = "......97.",
	};

	for (int from = 1; from < JOBS_STATE_COUNT; from++) {
		for (int to = 1; to < JOBS_STATE_COUNT; to++)
			CHECK(jobs_may_move((enum jobs_state)from, (enum jobs_state)to) ==
				(may[from][to - 1] != '.'));
		CHECK(jobs_state_from_name(jobs_state_name((enum jobs_state)from)) ==
			(enum jobs_state)from);
		CHECK(jobs_is_over((enum jobs_state)from) == (from >= JOBS_COMPLETED));
	}
	CHECK(!jobs_state_name(0) && !jobs_state_name(JOBS_STATE_COUNT));
	CHECK(!jobs_may_move(0, JOBS_HELD) && !jobs_may_move(JOBS_HELD, JOBS_STATE_COUNT));
	CHECK(jobs_state_from_name("nonsense") == 0);
}

static void what_is_released_and_canceled_is_audited_without_title(void)
{
	int64_t n = -1;

	fresh();
	job_in(JOBS_CANCELING, 1);
	CHECK(audit_count("job-released") == 1 && audit_count("job-canceled") == 1);
	sql_number(&app.sql,
		"SELECT count(*) FROM audit_line WHERE instr(detail || who || event, 'Payslip')",
		NULL, &n);
	CHECK(n == 0);
}

int main(void)
{
	RUN(fetching_tells_what_to_do_and_changes_nothing);
	RUN(a_claim_is_idempotent_and_only_its_holders);
	RUN(a_claim_for_another_device_or_incarnation_is_refused);
	RUN(a_holder_that_cannot_gives_the_job_back);
	RUN(reports_move_a_claimed_job_to_its_end);
	RUN(a_sign_of_life_leaves_the_message);
	RUN(a_stale_report_is_refused_but_for_the_end);
	RUN(what_printed_elsewhere_during_an_outage_is_known);
	RUN(in_doubt_the_holders_user_decides);
	RUN(a_lease_that_lapses_before_sending_frees_the_job);
	RUN(a_lease_that_lapses_after_sending_frees_nothing);
	RUN(canceling_in_each_state);
	RUN(a_holder_hears_of_the_cancel_and_stops);
	RUN(a_person_cancels_all_his_jobs_and_no_others);
	RUN(a_job_that_nobody_releases_expires);
	RUN(a_clock_that_is_set_ends_no_job);
	RUN(a_server_that_was_away_blames_nobody);
	RUN(a_machine_learns_what_the_server_sees_otherwise);
	RUN(a_restored_database_is_another_incarnation);
	RUN(an_epoch_of_the_lost_time_claims_nothing);
	RUN(a_killed_server_is_the_same_incarnation);
	RUN(a_subcommand_that_commits_beside_the_server_is_no_restore);
	RUN(a_restore_that_says_so_counts_without_the_file);
	RUN(a_move_from_another_state_than_it_is_in_is_none);
	RUN(every_cell_of_the_table_of_states);
	RUN(what_is_released_and_canceled_is_audited_without_title);
	server_remove();
	return tap_done();
}
