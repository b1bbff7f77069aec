/* SPDX-License-Identifier: Apache-2.0 */
/* test-store - jobs, attempts and ledger survive what happens to them. */
#include "core/store.h"

#include <string.h>
#include <sys/stat.h>

#include "base/mono.h"
#include "core/store-private.h"
#include "tap.h"

static char folder[64], path[96];

static struct store *store_fresh(void)
{
	struct store *s = NULL;
	char command[160];

	snprintf(command, sizeof(command), "rm -rf %s; mkdir -m 0700 %s", folder, folder);
	CHECK(system(command) == 0);
	CHECK(store_open(path, &s) == 0);
	return s;
}

static struct store_job job_like(const char *uuid)
{
	struct store_job j = { .cups_job_id = 7, .created_s = 1000, .processing_s = 2000, .octets = 5,
		.pages = -1, .copies = 1, .state = JOB_PENDING, .reason = JOB_R_STORED };

	strcpy(j.queue, "Office");
	strcpy(j.owner, "anna");
	strcpy(j.title, "Letter \xff\x1b[2J'; DROP TABLE job");
	strcpy(j.job_uuid, "urn:uuid:1");
	strcpy(j.cups_run, "100-1");
	strcpy(j.format, "application/pdf");
	strcpy(j.file, "x.job");
	snprintf(j.document_uuid, sizeof(j.document_uuid), "%s", uuid);
	memset(j.sha256, 'f', sizeof(j.sha256));
	return j;
}

static const struct seal_key key = { "0123456789abcdef0123456789ABCDE" };

static void a_job_comes_back_as_it_was_put(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job j = job_like("d1"), got;
	struct seal_key k;

	CHECK(store_job_add(s, &j, &key, 1900) == 0);
	CHECK(store_job_get(s, j.id, &got) == 0);
	CHECK(!memcmp(&j, &got, sizeof(j)));
	CHECK(store_job_key(s, j.id, &k) == 0 && !memcmp(&k, &key, sizeof(k)));
	CHECK(store_job_get(s, j.id + 1, &got) == STORE_E_GONE);
}

static void a_delivery_goes_by_its_steps_to_its_end(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job j = job_like("d1"), stale;
	struct store_attempt a = { .kind = TARGET_UPSTREAM, .impressions = -1, .sheets = -1 };
	struct store_ledger_row row = { .state = JOB_COMPLETED, .certainty = CERTAINTY_SERVER };
	struct seal_key k;
	int64_t bad = 0;

	CHECK(store_job_add(s, &j, &key, 1900) == 0);
	stale = j;
	CHECK(store_attempt_begin(s, &j, &a) == 0 && a.number == 1 && j.attempt == 1);
	CHECK(store_attempt_begin(s, &stale, &a) == STORE_E_GONE);
	a.remote_id = 31;
	CHECK(store_attempt_created(s, &j, &a) == 0 && j.state == JOB_CREATED);
	j.state = JOB_SENDING;
	CHECK(store_job_move(s, &j, JOB_CREATED) == 0);
	j.state = JOB_SENT;
	CHECK(store_job_move(s, &j, JOB_SENDING) == 0);
	j.state = JOB_COMPLETED;
	j.reason = JOB_R_SERVER_REPORTED;
	a.outcome = OUTCOME_COMPLETED;
	strcpy(row.document_uuid, j.document_uuid);
	strcpy(row.owner, j.owner);
	CHECK(store_job_end(s, &j, JOB_SENT, &a, &row) == 0);
	CHECK(row.sequence == 1);
	CHECK(store_job_key(s, j.id, &k) == STORE_E_GONE);
	CHECK(store_ledger_verify(s, &bad) == 0);
	CHECK(store_job_end(s, &j, JOB_SENT, &a, &row) == STORE_E_GONE);
}

static void what_was_committed_is_there_after_opening_again(void)
{
	struct store *s = store_fresh();
	struct store_job j = job_like("d1"), got;

	CHECK(store_job_add(s, &j, &key, 1900) == 0);
	store_free(s);
	CHECK(store_open(path, &s) == 0);
	CHECK(store_job_get(s, j.id, &got) == 0 && !memcmp(&j, &got, sizeof(j)));
	store_free(s);
}

int main(void)
{
	snprintf(folder, sizeof(folder), "/tmp/test-store.%d", getpid());
	snprintf(path, sizeof(path), "%s/store.db", folder);
	RUN(a_job_comes_back_as_it_was_put);
	RUN(a_delivery_goes_by_its_steps_to_its_end);
	RUN(what_was_committed_is_there_after_opening_again);
	return tap_done();
}
