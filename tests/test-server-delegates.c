/* SPDX-License-Identifier: Apache-2.0 */
/* test-server-delegates - who releases for another, for how long, and who then pays. */
#include "tap.h"

#include "jobs-fixture.h"

#include "../server/delegates.h"

static void account(const char *name)
{
	group_begin();
	CHECK(sql_run(&app.sql,
		      "INSERT INTO account (name, full_name, hash, created_ms, changed_ms, uuid)"
		      " VALUES (?1, '', '', 0, 0, randomblob(16))",
		      VALUES(V_TEXT(name))) == 0);
	group_end(true);
}

static void fresh(void)
{
	server_fresh("test-server-delegates");
	account("bert");
	account("carl");
	group_begin();
	CHECK(sql_run(&app.sql,
		      "INSERT INTO queue (name, uuid, created_ms) VALUES ('Office', 'u', 0)",
		      NULL) == 0);
	group_end(true);
}

static int add(const char *owner, const char *delegate, int64_t until_s)
{
	int rc;

	group_begin();
	rc = delegates_add(&app.sql, owner, delegate, until_s);
	group_end(true);
	return rc;
}

static int run(const char *sql)
{
	int rc;

	group_begin();
	rc = sql_run(&app.sql, sql, NULL);
	group_end(true);
	return rc;
}

static int sees(const char *user)
{
	AUTO(call_freep) struct serve_call *c = ask(NULL, user, OFFICE, 0);

	CHECK(go(c, IPP_OP_GET_JOBS) == 0);
	return got_times(c, "job-id");
}

static int title(const char *user, int id)
{
	AUTO(call_freep) struct serve_call *c = ask(NULL, user, OFFICE, id);

	return go(c, IPP_OP_GET_JOB_ATTRIBUTES) ? -1 : got_times(c, "job-name");
}

static const char *payer(int id)
{
	AUTO(call_freep) struct serve_call *c = ask(NULL, "anna", OFFICE, id);
	static char name[256];

	CHECK(go(c, IPP_OP_GET_JOB_ATTRIBUTES) == 0);
	snprintf(name, sizeof(name), "%s", got_text(c, "job-accounting-user-id"));
	return name;
}

static void a_secretary_sees_and_releases_all_and_no_more(void)
{
	int one, two, other;

	fresh();
	one = create(M1, "anna", OFFICE, 1);
	CHECK(sees("bert") == 0 && title("bert", one) == -1);
	CHECK(add("anna", "bert", 0) == 0);
	two = create(M2, "anna", OFFICE, 2);
	other = create(M1, "dora", OFFICE, 3);
	CHECK(sees("bert") == 2 && title("bert", one) == 1 && title("bert", two) == 1);
	CHECK(title("bert", other) == -1 &&
		release(NULL, "bert", other) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(sees("carl") == 0 && title("carl", one) == -1);
	CHECK(go_free(ask(NULL, "bert", OFFICE, one), IPP_OP_CANCEL_JOB) ==
		IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(release(NULL, "bert", one) == 0 && !strcmp(job_now(one).released_by, "bert"));
	/* The other way round it is nothing. */
	other = create(M1, "bert", OFFICE, 4);
	CHECK(title("anna", other) == -1 &&
		release(NULL, "anna", other) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
}

static void a_delegates_delegate_is_nobody(void)
{
	AUTO(call_freep) struct serve_call *c = NULL;
	int id;

	fresh();
	CHECK(add("anna", "bert", 0) == 0 && add("bert", "carl", 0) == 0);
	id = create(M1, "anna", OFFICE, 1);
	CHECK(sees("carl") == 0 && title("carl", id) == -1);
	CHECK(release(NULL, "carl", id) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	/* Nor can he name one for the job. */
	c = ask(NULL, "bert", OFFICE, id);
	job_text(c, IPP_TAG_URI, VENDOR_DELEGATES, "urn:stillprint:user:carl");
	CHECK(go(c, IPP_OP_SET_JOB_ATTRIBUTES) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(sees("carl") == 0);
}

static void taken_away_between_listing_and_releasing_it_is_gone(void)
{
	int id;

	fresh();
	CHECK(add("anna", "bert", 0) == 0);
	id = create(M1, "anna", OFFICE, 1);
	CHECK(sees("bert") == 1);
	group_begin();
	CHECK(delegates_remove(&app.sql, "anna", "bert") == 0);
	CHECK(delegates_remove(&app.sql, "anna", "bert") == DELEGATES_E_NONE);
	group_end(true);
	CHECK(release(NULL, "bert", id) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(state_of(id) == JOBS_HELD && sees("bert") == 0);
}

static void it_ends_at_its_time(void)
{
	int id;

	fresh();
	group_begin();
	CHECK(delegates_add(&app.sql, "anna", "bert", app.now_ms / 1000 + 3600) == 0);
	group_end(true);
	id = create(M1, "anna", OFFICE, 1);
	CHECK(sees("bert") == 1);
	pass_s(3601);
	CHECK(sees("bert") == 0 && release(NULL, "bert", id) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(add("anna", "bert", 0) == 0 && release(NULL, "bert", id) == 0);
}

static void a_name_that_is_gone_leaves_no_right_to_the_next_one(void)
{
	AUTO(call_freep) struct serve_call *c = NULL;
	int id;

	fresh();
	CHECK(add("anna", "bert", 0) == 0);
	c = create_call(M1, "anna", OFFICE, 1);
	op_text(c, IPP_TAG_URI, VENDOR_DELEGATES, "urn:stillprint:user:bert");
	CHECK(go(c, IPP_OP_CREATE_JOB) == 0);
	id = got_number(c, "job-id");
	CHECK(sees("bert") == 1);
	CHECK(run("DELETE FROM account WHERE name = 'bert'") == 0);
	account("bert");
	CHECK(sees("bert") == 0 && title("bert", id) == -1);
	/* A new name for the same person keeps them. */
	CHECK(add("anna", "carl", 0) == 0);
	CHECK(run("UPDATE account SET name = 'carla' WHERE name = 'carl'") == 0);
	CHECK(sees("carla") == 1 && sees("carl") == 0);
}

static void a_groups_members_are_delegates_as_long_as_they_are_in_it(void)
{
	int id;

	fresh();
	CHECK(add("anna", ":office", 0) == DELEGATES_E_NO_USER);
	CHECK(run("INSERT INTO account_group VALUES ('office', 0)") == 0);
	CHECK(add("anna", ":office", 0) == 0 && add("anna", ":", 0) == -EINVAL);
	CHECK(run("INSERT INTO account_member (account, group_name) VALUES ('bert', 'office')") ==
		0);
	id = create(M1, "anna", OFFICE, 1);
	CHECK(sees("bert") == 1 && title("bert", id) == 1 && sees("carl") == 0);
	CHECK(release(NULL, "carl", id) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(run("DELETE FROM account_member") == 0);
	CHECK(sees("bert") == 0 && release(NULL, "bert", id) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(run("INSERT INTO account_member (account, group_name) VALUES ('carl', 'office')") ==
		0);
	CHECK(sees("carl") == 1);
	CHECK(run("DELETE FROM account_group") == 0);
	CHECK(run("INSERT INTO account_group VALUES ('office', 0)") == 0);
	CHECK(sees("carl") == 0 && release(NULL, "carl", id) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
}

static void nobody_releases_for_a_closed_account(void)
{
	int id;

	fresh();
	id = create(M1, "anna", OFFICE, 1);
	CHECK(run("UPDATE job SET owner = 'disabled'") == 0 && add("disabled", "bert", 0) == 0);
	CHECK(release(NULL, "bert", id) == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(state_of(id) == JOBS_HELD);
}

static void what_cannot_be_delegated_is_refused(void)
{
	char name[32];

	fresh();
	CHECK(add("anna", "anna", 0) == -EINVAL && add("", "bert", 0) == -EINVAL);
	CHECK(add("anna", "nobody-here", 0) == DELEGATES_E_NO_USER);
	for (int i = 0; i < DELEGATES_STANDING_MAX; i++) {
		snprintf(name, sizeof(name), "u%d", i);
		account(name);
		CHECK(add("anna", name, 0) == 0);
	}
	CHECK(add("anna", "bert", 0) == DELEGATES_E_MANY);
	CHECK(add("anna", "u3", 99) == 0);
}

static void more_than_eight_of_one_job_are_refused(void)
{
	AUTO(call_freep) struct serve_call *c = NULL;
	const char *many[JOBS_DELEGATES_MAX + 1];

	fresh();
	c = create_call(M1, "anna", OFFICE, 1);
	for (int i = 0; i <= JOBS_DELEGATES_MAX; i++)
		many[i] = "urn:stillprint:user:bert";
	ippAddStrings(c->request, IPP_TAG_OPERATION, IPP_TAG_URI, VENDOR_DELEGATES,
		JOBS_DELEGATES_MAX + 1, NULL, many);
	CHECK(go(c, IPP_OP_CREATE_JOB) == IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES);
}

static int64_t releases(const char *where)
{
	char sql[200];
	int64_t n = -1;

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM ledger_release WHERE %s", where);
	CHECK(sql_number(&app.sql, sql, NULL, &n) == 1);
	return n;
}

static void who_releases_pays_where_the_queue_says_so(void)
{
	int id, own;

	fresh();
	CHECK(add("anna", "bert", 0) == 0);
	id = create(M1, "anna", OFFICE, 1);
	CHECK(release(NULL, "bert", id) == 0 && acknowledge(M1, id, 1, 1) == 0);
	CHECK(!strcmp(payer(id), "") && releases("released_by = 'bert' AND pays = 0") == 1);
	CHECK(run("UPDATE queue SET charge = 'releaser'") == 0);
	id = create(M1, "anna", OFFICE, 2);
	own = create(M1, "anna", OFFICE, 3);
	CHECK(release(NULL, "bert", id) == 0);
	/* A release that is never claimed costs nobody anything. */
	CHECK(releases("1") == 1 && !strcmp(payer(id), ""));
	CHECK(acknowledge(M1, id, 1, 1) == 0 && acknowledge(M1, id, 1, 1) == 0);
	CHECK(!strcmp(payer(id), "bert") && releases("released_by = 'bert' AND pays") == 1);
	CHECK(release(NULL, "anna", own) == 0 && acknowledge(M1, own, 1, 1) == 0);
	CHECK(!strcmp(payer(own), "") && releases("released_by = 'anna' AND pays = 0") == 1);
	/* A higher attempt of the same claim is one more row; what is written stays. */
	CHECK(acknowledge(M1, id, 1, 2) == 0 && !strcmp(payer(id), "bert"));
	CHECK(run("UPDATE ledger_release SET pays = 0") != 0 &&
		run("DELETE FROM ledger_release") != 0);
	CHECK(run("INSERT INTO ledger_release SELECT NULL, document_uuid, incarnation, epoch, attempt, 'carl', 1, 0 FROM ledger_release") ==
		0);
	CHECK(releases("released_by = 'carl'") == 0 && releases("1") == 4);
}

int main(void)
{
	RUN(a_secretary_sees_and_releases_all_and_no_more);
	RUN(a_delegates_delegate_is_nobody);
	RUN(taken_away_between_listing_and_releasing_it_is_gone);
	RUN(it_ends_at_its_time);
	RUN(a_name_that_is_gone_leaves_no_right_to_the_next_one);
	RUN(a_groups_members_are_delegates_as_long_as_they_are_in_it);
	RUN(nobody_releases_for_a_closed_account);
	RUN(what_cannot_be_delegated_is_refused);
	RUN(more_than_eight_of_one_job_are_refused);
	RUN(who_releases_pays_where_the_queue_says_so);
	server_remove();
	return tap_done();
}
