/* SPDX-License-Identifier: Apache-2.0 */
/* test-store - jobs, attempts, ledger and versions; repeats are in test-store-repeat, crashes in test-store-crash. */
#include "core/store.h"

#include <errno.h>

#include "base/mono.h"
#include "tap.h"
#include "test-store-fixture.h"

static struct store *store_with_job(struct store_job *j)
{
	struct store *s = store_fresh();

	*j = job_like("d1");
	CHECK(store_job_add(s, j, &key, 1900) == 0);
	return s;
}

static void a_job_comes_back_as_it_was_put(void)
{
	struct store_job j, got;
	AUTO(store_freep) struct store *s = store_with_job(&j);
	struct seal_key k;

	CHECK(store_job_get(s, j.id, &got) == 0);
	CHECK(!memcmp(&j, &got, sizeof(j)));
	CHECK(store_job_key(s, j.id, &k) == 0 && !memcmp(&k, &key, sizeof(k)));
	CHECK(store_job_get(s, j.id + 1, &got) == STORE_E_GONE);
	CHECK(store_job_key(s, j.id + 1, &k) == STORE_E_GONE);
}

static void every_octet_is_kept_in_titles_and_names(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job j = job_like("d1"), got;

	for (int i = 1; i < 1024; i++)
		j.title[i - 1] = (char)(i % 255 + 1);
	j.title[1023] = '\0';
	memset(j.owner, 0xff, sizeof(j.owner) - 1);
	memset(j.reason_arg, 0xc0, sizeof(j.reason_arg) - 1);
	CHECK(store_job_add(s, &j, &key, 1900) == 0);
	CHECK(store_job_get(s, j.id, &got) == 0 && !memcmp(&j, &got, sizeof(j)));
}

static void what_was_committed_is_there_after_opening_again(void)
{
	struct store_job j, got;
	struct store *s = store_with_job(&j);

	store_free(s);
	s = store_again();
	CHECK(store_job_get(s, j.id, &got) == 0 && !memcmp(&j, &got, sizeof(j)));
	store_free(s);
}

static void a_job_number_is_never_used_again(void)
{
	struct store_job j, k = job_like("d2");
	struct store *s = store_with_job(&j);

	CHECK(job_give_up(s, &j, JOB_CANCELED) == 0);
	CHECK(store_job_prune(s, j.ended_s + 1) == 0);
	CHECK(store_job_get(s, j.id, &k) == STORE_E_GONE);
	store_free(s);
	s = store_again();
	k = job_like("d2");
	CHECK(store_job_add(s, &k, &key, 1900) == 0 && k.id > j.id);
	store_free(s);
}

static void only_legal_moves_from_the_state_seen(void)
{
	struct store_job j, stale;
	AUTO(store_freep) struct store *s = store_with_job(&j);

	stale = j;
	for (int to = 0; to <= JOB_STATE_COUNT; to++) {
		struct store_job m = j;

		m.state = to;
		if (!job_may_move(JOB_PENDING, to) && to != JOB_PENDING)
			CHECK(store_job_move(s, &m, JOB_PENDING) == -EINVAL);
	}
	j.state = JOB_HELD;
	j.reason = JOB_R_SERVER_LOST_ASK;
	strcpy(j.reason_arg, "srv");
	CHECK(store_job_move(s, &j, JOB_PENDING) == 0);
	stale.state = JOB_CREATING;
	CHECK(store_job_move(s, &stale, JOB_PENDING) == STORE_E_GONE);
	j.reason = JOB_R_OFFLINE; /* the same state, another reason */
	CHECK(store_job_move(s, &j, JOB_HELD) == 0);
	CHECK(store_job_get(s, j.id, &stale) == 0 && !memcmp(&stale, &j, sizeof(j)));
	j.reason = JOB_REASON_COUNT;
	CHECK(store_job_move(s, &j, JOB_HELD) == -EINVAL);
}

static void a_final_state_is_reached_by_its_end_alone(void)
{
	struct store_job j, m;
	AUTO(store_freep) struct store *s = store_with_job(&j);

	m = j;
	m.state = JOB_CANCELED;
	CHECK(store_job_move(s, &m, JOB_PENDING) == -EINVAL);
	m.state = JOB_HELD;
	CHECK(store_job_end(s, &m, JOB_PENDING, NULL, NULL) == -EINVAL);
	CHECK(job_give_up(s, &j, JOB_CANCELED) == 0 && j.ended_s > 0);
	CHECK(!strcmp(j.file, "x.job")); /* still the caller's to unlink */
	CHECK(store_job_get(s, j.id, &m) == 0 && m.file[0] == '\0' && m.state == JOB_CANCELED);
	m.state = JOB_PENDING;
	CHECK(store_job_move(s, &m, JOB_CANCELED) == -EINVAL);
}

static void a_delivery_goes_by_its_steps_to_its_end(void)
{
	struct store_job j, stale;
	AUTO(store_freep) struct store *s = store_with_job(&j);
	struct store_attempt a = {.kind = TARGET_UPSTREAM, .impressions = -1}, b = a;
	struct seal_key k;
	int64_t bad = 0;

	stale = j;
	CHECK(store_attempt_begin(s, &j, &a) == 0);
	CHECK(a.number == 1 && j.attempt == 1 && j.state == JOB_CREATING && a.id > 0);
	CHECK(store_attempt_begin(s, &stale, &b) == STORE_E_GONE && b.id == 0 &&
		stale.attempt == 0);
	a.outcome = OUTCOME_NOTHING;
	j.state = JOB_PENDING;
	CHECK(store_attempt_end(s, &j, JOB_CREATING, &a) == 0 && a.ended_s > 0);
	CHECK(job_finish(s, &j) == 0 && j.attempt == 2);
	CHECK(store_job_key(s, j.id, &k) == STORE_E_GONE);
	CHECK(store_ledger_verify(s, &bad) == 0);
	CHECK(job_give_up(s, &j, JOB_CANCELED) == -EINVAL);
}

static void the_fence_never_goes_back(void)
{
	struct store_job j, old;
	AUTO(store_freep) struct store *s = store_with_job(&j);
	struct store_attempt a = {.kind = TARGET_UPSTREAM};

	for (int n = 1; n <= 3; n++) {
		CHECK(store_attempt_begin(s, &j, &a) == 0 && a.number == n);
		old = j;
		a.outcome = OUTCOME_NOTHING;
		j.state = JOB_HELD;
		CHECK(store_attempt_end(s, &j, JOB_CREATING, &a) == 0);
		j.attempt = 0; /* even if the caller forgot */
	}
	CHECK(number_of(s, "SELECT max(number) FROM attempt") == 3);
	(void)old;
}

static void two_attempts_are_never_open_at_once(void)
{
	struct store_job j;
	AUTO(store_freep) struct store *s = store_with_job(&j);
	struct store_attempt a = {.kind = TARGET_UPSTREAM}, b = a;

	CHECK(store_attempt_begin(s, &j, &a) == 0);
	j.state = JOB_PENDING;
	CHECK(store_job_move(s, &j, JOB_CREATING) == 0); /* forgot to end the attempt */
	CHECK(store_attempt_begin(s, &j, &b) == -EEXIST && j.state == JOB_PENDING);
	a.cancel_wanted = true; /* superseded: print here too */
	CHECK(store_attempt_update(s, &a) == 0);
	CHECK(store_attempt_begin(s, &j, &b) == 0 && b.number == 2);
}

static int count_attempt(void *arg, const struct store_attempt *a)
{
	struct store_attempt *last = ((struct store_attempt **)arg)[0];
	int *count = ((int **)arg)[1];

	*last = *a;
	return ++*count == 100 ? 77 : 0;
}

static void attempts_are_found_while_open_or_to_be_cancelled(void)
{
	struct store_job j;
	AUTO(store_freep) struct store *s = store_with_job(&j);
	struct store_attempt a = {.kind = TARGET_FALLBACK, .is_server = true, .impressions = -1},
			     got;
	int n = 0;
	void *arg[] = {&got, &n};

	strcpy(a.uri, "ipp://x/ipp/print");
	strcpy(a.decided_by, "user:anna");
	CHECK(store_attempt_begin(s, &j, &a) == 0);
	a.remote_id = 31;
	a.up_time_s = 99;
	strcpy(a.remote_uuid, "urn:uuid:r");
	strcpy(a.remote_name, "Letter [#1]");
	CHECK(store_attempt_created(s, &j, &a) == 0);
	CHECK(store_attempt_each(s, 0, count_attempt, arg) == 0 && n == 1);
	CHECK(!memcmp(&got, &a, sizeof(a)));
	j.state = JOB_HELD;
	a.outcome = OUTCOME_UNKNOWN;
	CHECK(store_attempt_end(s, &j, JOB_CREATED, &a) == 0);
	n = 0;
	CHECK(store_attempt_each(s, 0, count_attempt, arg) == 0 && n == 0);
	a.cancel_wanted = true;
	a.impressions = 3;
	CHECK(store_attempt_update(s, &a) == 0);
	CHECK(store_attempt_each(s, 0, count_attempt, arg) == 0 && n == 1 && got.impressions == 3);
	CHECK(store_attempt_each(s, j.id, count_attempt, arg) == 0 && n == 2);
	n = 99;
	CHECK(store_attempt_each(s, j.id, count_attempt, arg) == 77);
	a.id = 1000;
	CHECK(store_attempt_update(s, &a) == STORE_E_GONE);
}

static int count_job(void *arg, const struct store_job *j)
{
	int *count = arg;

	*count = *count * 100 + j->id;
	return 0;
}

static void jobs_are_listed_while_they_live_or_ended_lately(void)
{
	struct store_job a, b = job_like("d2"), c = job_like("d3"), told;
	AUTO(store_freep) struct store *s = store_with_job(&a);
	int list = 0;

	CHECK(store_job_add(s, &b, &key, 1900) == 0);
	CHECK(store_job_add(s, &c, &key, 1900) == 0);
	CHECK(job_finish(s, &b) == 0);
	CHECK(store_job_each(s, b.ended_s, count_job, &list) == 0 && list == 103);
	list = 0;
	CHECK(store_job_each(s, b.ended_s - 1, count_job, &list) == 0 && list == 10203);
	c.owner_verified = true;
	c.who = WHO_VERIFIED;
	strcpy(c.account, "anna@example.org");
	CHECK(store_job_set_who(s, &c) == 0);
	CHECK(store_job_get(s, c.id, &told) == 0 && told.owner_verified);
	CHECK(told.who == WHO_VERIFIED && !strcmp(told.account, "anna@example.org"));
	c.id = 99;
	CHECK(store_job_set_who(s, &c) == STORE_E_GONE);
	CHECK(store_job_prune(s, b.ended_s) == 0);
	CHECK(store_job_get(s, b.id, &b) == 0);
	CHECK(store_job_prune(s, b.ended_s + 1) == 0);
	CHECK(store_job_get(s, b.id, &b) == STORE_E_GONE);
	CHECK(store_job_get(s, a.id, &a) == 0);
	CHECK(number_of(s, "SELECT count(*) FROM attempt") == 0);
}

/* ---- groups ---- */

static void one_failing_call_does_not_spoil_its_group(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job a = job_like("d1"), b = job_like("d1"), c = job_like("d2"), got;
	struct store_attempt none = {.id = 999};

	CHECK(store_begin(s) == 0);
	CHECK(store_begin(s) == -EINVAL);
	CHECK(store_job_add(s, &a, &key, 1900) == 0);
	CHECK(store_job_add(s, &b, &key, 1900) == STORE_E_EXISTS);
	CHECK(store_attempt_update(s, &none) == STORE_E_GONE);
	none.job_id = a.id;
	none.outcome = OUTCOME_NOTHING;
	got = a;
	got.state = JOB_HELD;
	CHECK(store_attempt_end(s, &got, JOB_PENDING, &none) ==
		STORE_E_GONE); /* its half is undone */
	CHECK(store_job_add(s, &c, &key, 1900) == 0);
	CHECK(store_commit(s) == 0);
	CHECK(store_commit(s) == -EINVAL);
	CHECK(store_job_get(s, a.id, &got) == 0 && got.state == JOB_PENDING);
	CHECK(store_job_get(s, c.id, &got) == 0);
	CHECK(number_of(s, "SELECT count(*) FROM job") == 2);
}

static void a_group_rolled_back_did_not_happen(void)
{
	struct store_job a, b = job_like("d2");
	AUTO(store_freep) struct store *s = store_with_job(&a);

	CHECK(store_begin(s) == 0);
	CHECK(store_job_add(s, &b, &key, 1900) == 0);
	CHECK(job_finish(s, &a) == 0);
	store_rollback(s);
	CHECK(number_of(s, "SELECT count(*) FROM job") == 1);
	CHECK(number_of(s, "SELECT count(*) FROM ledger") == 0);
	CHECK(number_of(s, "SELECT count(*) FROM document_key") == 1);
	b = job_like("d2");
	CHECK(store_job_add(s, &b, &key, 1900) == 0);
}

static void a_store_that_is_full_refuses_and_goes_on_when_there_is_room(void)
{
	struct store_job a, b;
	AUTO(store_freep) struct store *s = store_with_job(&a);
	int added = 0, rc = 0;
	char uuid[32];

	CHECK(sql_exec(&s->sql, "PRAGMA max_page_count = 60") == 0);
	for (int i = 0; i < 2000 && !rc; i++) {
		snprintf(uuid, sizeof(uuid), "fill-%d", i);
		b = job_like(uuid);
		rc = store_job_add(s, &b, &key, 1900);
		added += !rc;
	}
	CHECK(rc == -ENOSPC && added > 5);
	CHECK(number_of(s, "SELECT count(*) FROM job") == added + 1);
	CHECK(number_of(s, "SELECT count(*) FROM document_key") == added + 1);

	/* In a group, SQLite gives all of it up: nobody may believe that a part is safe. */
	CHECK(store_begin(s) == 0);
	for (int i = 0; i < 2000; i++) {
		snprintf(uuid, sizeof(uuid), "more-%d", i);
		b = job_like(uuid);
		rc = store_job_add(s, &b, &key, 1900);
		if (rc)
			break;
	}
	CHECK(rc == -ENOSPC);
	if (s->sql.lost) {
		b = job_like("after");
		CHECK(store_job_add(s, &b, &key, 1900) == -EIO);
		CHECK(store_commit(s) == -EIO);
	} else {
		CHECK(store_commit(s) == 0);
	}
	CHECK(number_of(s, "SELECT count(*) FROM job WHERE document_uuid = 'after'") == 0);
	CHECK(sql_exec(&s->sql, "PRAGMA max_page_count = 100000") == 0);
	b = job_like("room");
	CHECK(store_job_add(s, &b, &key, 1900) == 0);
	CHECK(number_of(s,
		      "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'") ==
		0);
}

/* ---- ledger and audit ---- */

static int count_ledger(void *arg, const struct store_ledger_row *row)
{
	int *sum = arg;

	*sum = *sum * 10 + (int)row->sequence;
	return 0;
}

static struct store_ledger_row print_of(
	const char *document, int attempt, const char *owner, int64_t ended_s)
{
	struct store_ledger_row r = {.attempt = attempt,
		.state = JOB_UNKNOWN,
		.sheets = -1,
		.ended_s = ended_s,
		.certainty = CERTAINTY_UNKNOWN};

	strcpy(r.document_uuid, document);
	strcpy(r.owner, owner);
	strcpy(r.title, "Title");
	return r;
}

static struct store *store_with_ledger(void)
{
	struct store *s = store_fresh();

	for (int i = 1; i <= 5; i++) {
		struct store_ledger_row r = print_of("d", i, i % 2 ? "anna" : "bert", 1000 + i);

		CHECK(store_ledger_add(s, &r) == 0 && r.sequence == i);
	}
	return s;
}

static void a_print_is_in_the_ledger_once(void)
{
	AUTO(store_freep) struct store *s = store_with_ledger();
	struct store_ledger_row r = print_of("d", 3, "anna", 5555),
				copy = print_of("d", 3, "anna", 1);
	char uuid[64];

	CHECK(store_ledger_add(s, &r) == 0 && r.sequence == 3);
	strcpy(uuid, r.record_uuid);
	CHECK(store_ledger_add(s, &r) == 0 && !strcmp(uuid, r.record_uuid));
	copy.copy = 1;
	CHECK(store_ledger_add(s, &copy) == 0 && copy.sequence == 6);
	CHECK(number_of(s, "SELECT count(*) FROM ledger") == 6);
}

static void the_ledger_is_read_by_time_and_owner(void)
{
	AUTO(store_freep) struct store *s = store_with_ledger();
	int sum = 0;

	CHECK(store_ledger_each(s, 1002, 1004, NULL, count_ledger, &sum) == 0 && sum == 234);
	sum = 0;
	CHECK(store_ledger_each(s, 0, INT64_MAX, "anna", count_ledger, &sum) == 0 && sum == 135);
	sum = 0;
	CHECK(store_ledger_each(s, 0, INT64_MAX, "", count_ledger, &sum) == 0 && sum == 0);
}

static void any_change_in_the_ledger_is_found_where_it_is(void)
{
	static const struct {
		const char *sql;
		int64_t bad;
	} change[] = {
		{"UPDATE ledger SET impressions = 9 WHERE sequence = 3", 3},
		{"UPDATE ledger SET certainty = 'device-reported' WHERE sequence = 1", 1},
		{"UPDATE ledger SET state = 'completed' WHERE sequence = 2", 2},
		{"UPDATE ledger SET target = 'x' WHERE sequence = 5", 5},
		{"UPDATE ledger_person SET owner = x'61' WHERE sequence = 4", 4},
		{"UPDATE ledger_person SET title = x'61' WHERE sequence = 4", 4},
		{"DELETE FROM ledger WHERE sequence = 2", 3},
		{"DELETE FROM ledger WHERE sequence = 1", 2},
		{"DELETE FROM ledger WHERE sequence = 5", 5},
		{"UPDATE ledger SET hash = x'00' WHERE sequence = 2", 2},
		{"UPDATE ledger SET sequence = 9 WHERE sequence = 5", 9},
		{"DELETE FROM ledger", 1},
		{"UPDATE ledger_state SET base_hash = x'00'", 1},
		{"UPDATE ledger_state SET head_sequence = 6", 6},
	};

	for (size_t i = 0; i < sizeof(change) / sizeof(change[0]); i++) {
		AUTO(store_freep) struct store *s = store_with_ledger();
		int64_t bad = 0;

		CHECK(store_ledger_verify(s, &bad) == 0);
		CHECK(sql_exec(&s->sql, "PRAGMA foreign_keys = OFF") == 0);
		CHECK(sql_exec(&s->sql, change[i].sql) == 0);
		CHECK(store_ledger_verify(s, &bad) == STORE_E_GONE);
		if (bad != change[i].bad)
			printf("# %s: found at %d\n", change[i].sql, (int)bad);
		CHECK(bad == change[i].bad);
	}
}

static void a_person_can_be_erased_and_the_chain_still_fits(void)
{
	AUTO(store_freep) struct store *s = store_with_ledger();
	int64_t bad = 0;
	int sum = 0;

	CHECK(sql_exec(&s->sql, "DELETE FROM ledger_person WHERE owner = CAST('anna' AS BLOB)") ==
		0);
	CHECK(store_ledger_verify(s, &bad) == 0);
	CHECK(store_ledger_each(s, 0, INT64_MAX, NULL, count_ledger, &sum) == 0 && sum == 12345);
}

static int same_audit(void *arg, const struct store_audit_row *row)
{
	return memcmp(arg, row, sizeof(*row)) ? 5 : 0;
}

static void audit_lines_come_back(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_audit_row r = {.at_s = 77,
		.job_id = 3,
		.event = "diverted",
		.who = "an\xffna",
		.decided_by = "policy",
		.from = "ipp://a/",
		.to = "cups:Usb",
		.encrypted = true};

	CHECK(store_audit_add(s, &r) == 0);
	CHECK(store_audit_each(s, 3, same_audit, &r) == 0);
	CHECK(store_audit_each(s, 0, same_audit, &r) == 0);
	r.job_id = 4;
	CHECK(store_audit_each(s, 3, same_audit, &r) == 5);
	CHECK(store_audit_each(s, 4, same_audit, &r) == 0);
}

/* ---- printers, keys, settings ---- */

static int list_uri(void *arg, const struct store_user_printer *p)
{
	strcat(arg, p->uri);
	strcat(arg, p->named ? "! " : " ");
	return 0;
}

static void printers_of_a_user_named_first_then_latest(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_user_printer p = {.owner = "anna"};
	char list[256] = "";

	strcpy(p.uri, "old"), p.used_s = 10;
	CHECK(store_user_printer_put(s, &p) == 0);
	strcpy(p.uri, "new"), p.used_s = 20;
	CHECK(store_user_printer_put(s, &p) == 0);
	strcpy(p.uri, "mine"), p.used_s = 0, p.named = true;
	CHECK(store_user_printer_put(s, &p) == 0);
	p.named = false, p.used_s = 5; /* used: still named */
	CHECK(store_user_printer_put(s, &p) == 0);
	strcpy(p.owner, "bert");
	CHECK(store_user_printer_put(s, &p) == 0);
	CHECK(store_user_printer_each(s, "anna", list_uri, list) == 0);
	CHECK(!strcmp(list, "mine! new old "));
	CHECK(store_user_printer_remove(s, "anna", "", "new") == 0);
	CHECK(store_user_printer_remove(s, "anna", "", "new") == STORE_E_GONE);
	list[0] = '\0';
	CHECK(store_user_printer_each(s, NULL, list_uri, list) == 0);
	CHECK(!strcmp(list, "mine! old mine "));
}

static void a_printer_is_replaced_by_what_is_put(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_printer p = {.uri = "ipps://h/ipp/print", .pin = "sha256//a", .seen_s = 3},
			     got;

	CHECK(store_printer_get(s, p.uri, &got) == STORE_E_GONE);
	CHECK(store_printer_put(s, &p) == 0);
	p.counts = true;
	strcpy(p.pin, "sha256//b");
	CHECK(store_printer_put(s, &p) == 0);
	CHECK(store_printer_get(s, p.uri, &got) == 0 && !memcmp(&p, &got, sizeof(p)));
}

static int list_key(void *arg, const struct store_intake_key *k)
{
	int *list = arg;

	*list = *list * 10 + (int)k->made_s;
	return 0;
}

static void the_newest_intake_key_stays(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_intake_key k = {.made_s = 1};
	int list = 0;

	for (; k.made_s <= 3; k.made_s++) {
		k.pair.public_key[0] = (uint8_t)k.made_s;
		CHECK(store_intake_key_add(s, &k) == 0);
	}
	CHECK(store_intake_key_prune(s, 2) == 0);
	CHECK(store_intake_key_each(s, list_key, &list) == 0 && list == 32);
	CHECK(store_intake_key_prune(s, 100) == 0);
	list = 0;
	CHECK(store_intake_key_each(s, list_key, &list) == 0 && list == 3);
}

static void settings_are_put_got_and_removed(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	char value[8];

	CHECK(store_setting_get(s, "outage", value, sizeof(value)) == STORE_E_GONE);
	CHECK(store_setting_put(s, "outage", "a") == 0 &&
		store_setting_put(s, "outage", "until 5") == 0);
	CHECK(store_setting_get(s, "outage", value, sizeof(value)) == 0 &&
		!strcmp(value, "until 5"));
	CHECK(store_setting_get(s, "outage", value, 7) == -ENAMETOOLONG);
	CHECK(store_setting_put(s, "outage", NULL) == 0);
	CHECK(store_setting_get(s, "outage", value, sizeof(value)) == STORE_E_GONE);
}

int main(void)
{
	folder_init("test-store");
	RUN(a_job_comes_back_as_it_was_put);
	RUN(every_octet_is_kept_in_titles_and_names);
	RUN(what_was_committed_is_there_after_opening_again);
	RUN(a_job_number_is_never_used_again);
	RUN(only_legal_moves_from_the_state_seen);
	RUN(a_final_state_is_reached_by_its_end_alone);
	RUN(a_delivery_goes_by_its_steps_to_its_end);
	RUN(the_fence_never_goes_back);
	RUN(two_attempts_are_never_open_at_once);
	RUN(attempts_are_found_while_open_or_to_be_cancelled);
	RUN(jobs_are_listed_while_they_live_or_ended_lately);
	RUN(one_failing_call_does_not_spoil_its_group);
	RUN(a_group_rolled_back_did_not_happen);
	RUN(a_store_that_is_full_refuses_and_goes_on_when_there_is_room);
	RUN(a_print_is_in_the_ledger_once);
	RUN(the_ledger_is_read_by_time_and_owner);
	RUN(any_change_in_the_ledger_is_found_where_it_is);
	RUN(a_person_can_be_erased_and_the_chain_still_fits);
	RUN(audit_lines_come_back);
	RUN(printers_of_a_user_named_first_then_latest);
	RUN(a_printer_is_replaced_by_what_is_put);
	RUN(the_newest_intake_key_stays);
	RUN(settings_are_put_got_and_removed);
	folder_remove();
	return tap_done();
}
