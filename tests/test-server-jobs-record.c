/* SPDX-License-Identifier: Apache-2.0 */
/* test-server-jobs-record - an accounting record ends its job, by the rules of its holder. */
#include "tap.h"

#include "../server/jobs-record.h"
#include "jobs-fixture.h"

static struct record record_of(int job, enum job_state state)
{
	struct record r = {.attempt = 1, .state = state, .impressions = 7, .sheets = 4};

	snprintf(r.document_uuid, sizeof(r.document_uuid), "%s", uuid_of(job));
	return r;
}

static int tell(const char *machine, int job, enum job_state state)
{
	struct record r = record_of(job, state);
	int rc;

	group_begin();
	rc = jobs_final_by_record(&app, machine, &r);
	group_end(true);
	return rc;
}

static void a_record_ends_a_job_whose_report_never_came(void)
{
	static const struct {
		enum job_state told;
		enum jobs_state ends;
	} row[] = {
		{JOB_COMPLETED, JOBS_COMPLETED},
		{JOB_CANCELED, JOBS_CANCELED},
		{JOB_EXPIRED, JOBS_ABORTED},
	};

	server_fresh("test-server-jobs-record");
	for (int i = 0; i < 3; i++) {
		int id = create(M1, "anna", OFFICE, i + 1);

		CHECK(tell(M1, i + 1, row[i].told) == 0 && state_of(id) == row[i].ends);
		CHECK(job_now(id).impressions_done == 7 && job_now(id).sheets_done == 4);
		CHECK(tell(M1, i + 1, row[i].told) == 0 && state_of(id) == row[i].ends);
	}
}

static void a_record_of_an_attempt_ends_no_job(void)
{
	int id;

	server_fresh("test-server-jobs-record");
	id = create(M1, "anna", OFFICE, 1);
	CHECK(tell(M1, 1, JOB_ABORTED) == 0 && state_of(id) == JOBS_HELD);
	CHECK(tell(M1, 1, JOB_UNKNOWN) == 0 && state_of(id) == JOBS_HELD);
}

static void another_machines_record_ends_no_job(void)
{
	int id;

	server_fresh("test-server-jobs-record");
	id = create(M1, "anna", OFFICE, 1);
	CHECK(tell(M2, 1, JOB_COMPLETED) == 0 && state_of(id) == JOBS_HELD);
	CHECK(tell(M1, 99, JOB_COMPLETED) == 0); /* nobody registered it */
}

static void the_holders_own_word_stays(void)
{
	int id;

	server_fresh("test-server-jobs-record");
	id = create(M1, "anna", OFFICE, 1);
	CHECK(tell(M1, 1, JOB_CANCELED) == 0 && state_of(id) == JOBS_CANCELED);
	CHECK(tell(M1, 1, JOB_COMPLETED) == 0 && state_of(id) == JOBS_CANCELED);
}

int main(void)
{
	RUN(a_record_ends_a_job_whose_report_never_came);
	RUN(a_record_of_an_attempt_ends_no_job);
	RUN(another_machines_record_ends_no_job);
	RUN(the_holders_own_word_stays);
	server_remove();
	return tap_done();
}
