/* SPDX-License-Identifier: Apache-2.0 */
/* test-server-ledger - accounting records arrive once, whatever is repeated, reordered, forged or restored. */
#include <cups/cups.h>
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <sys/wait.h>
#include <time.h>

#include "core/store.h"

#include "base/mono.h"
#include "tap.h"
#include "test-store-fixture.h"

#include "fake-serve.h"

#define LEDGER "urn:uuid:aaaaaaaa-0000-4000-8000-000000000001"

/* A machine's chain, in memory. */
static struct record chain[1024];

static void seal(struct record *r, const struct record *before)
{
	if (before)
		memcpy(r->previous, before->hash, RECORD_HASH);
	if (r->has_person)
		record_hash_person(r, r->person_hash);
	record_hash(r, r->hash);
}

static void make_chain(int count, const char *name)
{
	memset(chain, 0, sizeof(chain));
	record_base(LEDGER, chain[0].hash);
	for (int i = 1; i <= count; i++) {
		struct record *r = &chain[i];

		r->sequence = i;
		snprintf(r->record_uuid, sizeof(r->record_uuid), "urn:uuid:%s-record-%d", name, i);
		snprintf(r->document_uuid, sizeof(r->document_uuid), "urn:uuid:%s-job-%d", name, i);
		r->attempt = 1;
		r->job_id = i;
		strcpy(r->queue, "Office");
		strcpy(r->target, "ipps://printer/ipp/print");
		r->state = JOB_COMPLETED;
		r->certainty = CERTAINTY_DEVICE;
		r->impressions = 2;
		r->sheets = 1;
		r->copies = 1;
		r->created_s = 1700000000;
		r->ended_s = 1700000000 + i;
		r->has_person = true;
		memset(r->salt, i, sizeof(r->salt));
		strcpy(r->owner, i % 2 ? "anna" : "bert");
		snprintf(r->title, sizeof(r->title), "SECRET-TITLE-%d", i);
		seal(r, &chain[i - 1]);
	}
}

static ipp_t *message(const char *ledger, int base, int first)
{
	ipp_t *ipp = wire_new();

	ippSetOperation(ipp, VENDOR_OP_SEND_ACCOUNTING);
	ippAddString(ipp, IPP_TAG_OPERATION, IPP_TAG_URI, VENDOR_LEDGER_UUID, NULL, ledger);
	if (base)
		ippAddInteger(ipp, IPP_TAG_OPERATION, IPP_TAG_INTEGER, VENDOR_LEDGER_BASE, base);
	ippAddInteger(ipp, IPP_TAG_OPERATION, IPP_TAG_INTEGER, VENDOR_LEDGER_SEQUENCE, first);
	return ipp;
}

static struct answer {
	int status, acknowledged, count;
	char said[2000]; /* one letter for each record: A D M C R */
} last;

static struct answer *ask(ipp_t *request)
{
	AUTO(wire_deletep) ipp_t *m = request;
	AUTO(wire_deletep) ipp_t *reply = NULL;
	ipp_attribute_t *a;

	memset(&last, 0, sizeof(last));
	last.acknowledged = -1;
	last.status = server_call(m, &reply);
	a = ippFindAttribute(reply, VENDOR_ACKNOWLEDGED_SEQUENCE, IPP_TAG_INTEGER);
	if (a)
		last.acknowledged = ippGetInteger(a, 0);
	for (a = ippFirstAttribute(reply); a; a = ippNextAttribute(reply))
		if (ippGetName(a) && !strcmp(ippGetName(a), VENDOR_RECORD_STATUS))
			last.said[last.count++] = (char)(ippGetString(a, 0, NULL)[0] - 'a' + 'A');
	return &last;
}

static struct answer *send_of(const char *ledger, int base, int from, int to)
{
	ipp_t *m = message(ledger, base, from);

	for (int i = from; i <= to; i++)
		CHECK(record_write(m, &chain[i]) == 0);
	return ask(m);
}

static struct answer *push(int from, int to)
{
	return send_of(LEDGER, 0, from, to);
}

static bool is(const struct answer *a, int acknowledged, const char *said)
{
	if (a->status == 0 && a->acknowledged == acknowledged && !strcmp(a->said, said))
		return true;
	printf("# status 0x%04x, acknowledged %d, %s (%s)\n", a->status, a->acknowledged, a->said,
		server.said);
	return false;
}

static int64_t count_of(const char *sql)
{
	int64_t n = -1;

	CHECK(sql_number(&server.app.sql, sql, NULL, &n) >= 0);
	return n;
}

static void fresh(void)
{
	server_close();
	folder_remove();
	CHECK(mkdir(folder, 0700) == 0);
	CHECK(server_open(path) == 0);
	strcpy(server.machine, "urn:uuid:machine-a");
	strcpy(server.kind, "workstation");
	server.revoked = false;
	server.finals = 0;
	make_chain(1000, "a");
}

static int keep_total(void *arg, const struct ledger_total *t)
{
	*(struct ledger_total *)arg = *t;
	return 0;
}

static struct ledger_total total(void)
{
	struct ledger_total t = {0};

	CHECK(ledger_sum(&server.app.sql, 0, INT64_MAX, LEDGER_ALL, keep_total, &t) == 0);
	return t;
}

static bool verifies(void)
{
	char bad[64];
	int64_t at;

	return ledger_verify(&server.app.sql, NULL, bad, &at) == 0;
}

/* ---- in order, and not ---- */

static void records_are_taken_and_acknowledged(void)
{
	fresh();
	CHECK(is(push(1, 3), 3, "AAA") && server.finals == 3);
	CHECK(is(push(4, 4), 4, "A"));
	CHECK(total().prints == 4 && total().impressions == 8 && total().sheets == 4 && verifies());
}

static void what_comes_twice_is_there_once(void)
{
	fresh();
	push(1, 3);
	CHECK(is(push(1, 3), 3, "DDD"));
	CHECK(is(push(2, 5), 5, "DDAA"));
	CHECK(total().prints == 5 && server.finals == 5 && verifies());
}

static void a_gap_takes_nothing_and_says_what_is_here(void)
{
	fresh();
	CHECK(is(push(2, 3), 0, ""));
	push(1, 2);
	CHECK(is(push(4, 6), 2, ""));
	CHECK(is(push(3, 6), 6, "AAAA") && verifies());
}

static void a_message_without_records_asks_what_is_here(void)
{
	fresh();
	CHECK(is(ask(message(LEDGER, 0, 1)), 0, ""));
	CHECK(is(ask(message(LEDGER, 7, 8)), 7, ""));
	CHECK(count_of("SELECT count(*) FROM ledger") == 0);
	push(1, 2);
	CHECK(is(ask(message(LEDGER, 0, 3)), 2, ""));
	CHECK(is(ask(message(LEDGER, 1, 3)), 2, ""));
}

static void batches_of_a_hundred_in_any_order_and_again(void)
{
	static const int order[] = {
		3, 1, 1, 5, 2, 1, 4, 3, 2, 9, 3, 4, 4, 6, 5, 6, 8, 7, 6, 7, 8, 9, 10, 1, 10};

	fresh();
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		int from = (order[i] - 1) * 100 + 1;

		push(from, from + 99);
		CHECK(last.status == 0 && (last.count == 100 || last.count == 0));
	}
	for (int i = 1; i <= 10; i++)
		push(i * 100 - 99, i * 100);
	CHECK(last.acknowledged == 1000 && total().prints == 1000 && total().impressions == 2000);
	CHECK(count_of("SELECT count(*) FROM ledger_record") == 1000 && verifies());
}

static void more_than_a_hundred_are_too_many(void)
{
	fresh();
	CHECK(push(1, 101)->status == IPP_STATUS_ERROR_REQUEST_ENTITY);
	CHECK(count_of("SELECT count(*) FROM ledger_record") == 0);
}

/* ---- conflicts ---- */

static void another_record_in_the_same_place_closes_the_ledger(void)
{
	fresh();
	push(1, 3);
	chain[3].impressions = 9;
	seal(&chain[3], NULL);
	CHECK(is(push(2, 4), 3, "DC"));
	CHECK(count_of("SELECT closed_ms > 0 AND why = 'conflict' FROM ledger") == 1);
	CHECK(is(push(4, 5), 3, "C")); /* and it stays so */
	CHECK(is(push(1, 2), 3, "DD"));
	CHECK(total().impressions == 6 && verifies());
}

static void a_chain_that_does_not_go_on_closes_the_ledger(void)
{
	fresh();
	push(1, 3);
	seal(&chain[4], &chain[2]);
	CHECK(is(push(4, 5), 3, "C"));
	CHECK(count_of("SELECT closed_ms > 0 FROM ledger") == 1 && verifies());
}

static void the_rest_goes_on_in_a_new_ledger_and_counts_once(void)
{
	static const char next[] = "urn:uuid:aaaaaaaa-0000-4000-8000-000000000002";

	fresh();
	push(1, 3);
	/* The workstation was restored: rows 3 to 5 are others than we know. */
	for (int i = 3; i <= 6; i++) {
		snprintf(chain[i].record_uuid, sizeof(chain[i].record_uuid), "urn:uuid:fork-%d", i);
		seal(&chain[i], &chain[i - 1]);
	}
	CHECK(is(push(3, 5), 3, "C"));
	CHECK(is(send_of(next, 2, 5, 5), 2, "")); /* a gap in it too */
	CHECK(is(send_of(next, 2, 3, 5), 5, "MAA"));
	CHECK(is(send_of(next, 2, 3, 6), 6, "DDDA"));
	CHECK(total().prints == 6 && total().impressions == 12 && verifies());
}

static void records_that_were_here_in_a_closed_ledger_are_duplicates(void)
{
	static const char next[] = "urn:uuid:aaaaaaaa-0000-4000-8000-000000000002";

	fresh();
	push(1, 5);
	CHECK(is(send_of(next, 1, 2, 7), 7, "DDDDAA"));
	CHECK(total().prints == 7 && verifies());
}

/* ---- one print, two reports ---- */

static struct record other_report(int of, enum record_certainty certainty, int impressions)
{
	struct record r = chain[of];

	memset(&r.previous, 0, sizeof(r.previous));
	r.sequence = 1;
	snprintf(r.record_uuid, sizeof(r.record_uuid), "urn:uuid:other-%d-%d", of, (int)certainty);
	r.certainty = certainty;
	r.impressions = impressions;
	seal(&r, NULL);
	return r;
}

static struct answer *report(const char *ledger, const struct record *r)
{
	ipp_t *m = message(ledger, 0, (int)r->sequence);

	CHECK(record_write(m, r) == 0);
	return ask(m);
}

static void two_reports_of_one_print_merge_and_the_better_word_counts(void)
{
	struct record r;

	fresh();
	chain[1].certainty = CERTAINTY_ESTIMATED;
	chain[1].impressions = 7;
	seal(&chain[1], NULL);
	CHECK(is(push(1, 1), 1, "A") && total().impressions == 7);
	strcpy(server.machine, "urn:uuid:terminal");
	strcpy(server.kind, "terminal");
	r = other_report(1, CERTAINTY_DEVICE, 9);
	CHECK(is(report("urn:uuid:aaaaaaaa-0000-4000-8000-0000000000ff", &r), 1, "M"));
	CHECK(total().prints == 1 && total().impressions == 9);
	r = other_report(1, CERTAINTY_UNKNOWN, 1);
	CHECK(is(report("urn:uuid:aaaaaaaa-0000-4000-8000-0000000000fe", &r), 1, "M"));
	CHECK(total().prints == 1 && total().impressions == 9 && verifies());
	CHECK(count_of("SELECT count(*) FROM ledger_record") == 3);
}

static void another_workstation_cannot_change_what_counts(void)
{
	struct record r;

	fresh();
	chain[1].certainty = CERTAINTY_ESTIMATED;
	seal(&chain[1], NULL);
	push(1, 1);
	strcpy(server.machine, "urn:uuid:machine-b");
	r = other_report(1, CERTAINTY_DEVICE, 5000);
	CHECK(is(report("urn:uuid:aaaaaaaa-0000-4000-8000-0000000000ff", &r), 1, "M"));
	CHECK(total().prints == 1 && total().impressions == 2);
}

static void attempts_and_copies_are_prints_of_their_own(void)
{
	fresh();
	for (int i = 2; i <= 3; i++) {
		strcpy(chain[i].document_uuid, chain[1].document_uuid);
		chain[i].attempt = i == 2 ? 2 : 1;
		chain[i].copy = i == 3;
		seal(&chain[i], &chain[i - 1]);
	}
	CHECK(is(push(1, 3), 3, "AAA") && total().prints == 3);
}

/* ---- who may not, and what is not believed ---- */

static void a_foreign_ledger_is_refused(void)
{
	fresh();
	push(1, 2);
	strcpy(server.machine, "urn:uuid:machine-b");
	CHECK(push(3, 4)->status == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(ask(message(LEDGER, 0, 3))->status == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(last.acknowledged == -1 && count_of("SELECT head FROM ledger") == 2);
	strcpy(server.machine, "urn:uuid:machine-a");
	CHECK(is(push(3, 4), 4, "AA"));
}

static void a_revoked_machine_is_refused(void)
{
	fresh();
	server.revoked = true;
	CHECK(push(1, 2)->status == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(count_of("SELECT count(*) FROM ledger_record") == 0);
}

static void a_tampered_row_is_rejected_and_those_before_it_stay(void)
{
	for (int what = 0; what < 6; what++) {
		fresh();
		if (what == 0)
			chain[3].impressions = 0;
		else if (what == 1)
			strcpy(chain[3].owner, "mallory");
		else if (what == 2)
			chain[3].title[0] = 'X';
		else if (what == 3)
			chain[3].hash[31] ^= 1;
		else if (what == 4)
			strcpy(chain[3].record_uuid, "urn:uuid:x");
		else
			chain[3].state = JOB_CANCELED;
		CHECK(is(push(1, 5), 2, "AAR"));
		CHECK(count_of("SELECT closed_ms FROM ledger") == 0 && verifies());
	}
}

static void one_name_for_two_prints_is_rejected(void)
{
	fresh();
	strcpy(chain[2].record_uuid, chain[1].record_uuid);
	seal(&chain[2], &chain[1]);
	CHECK(is(push(1, 2), 1, "AR") && total().prints == 1);
}

static void records_out_of_their_order_are_rejected(void)
{
	ipp_t *m;

	fresh();
	m = message(LEDGER, 0, 1);
	CHECK(record_write(m, &chain[1]) == 0 && record_write(m, &chain[3]) == 0);
	CHECK(is(ask(m), 1, "AR"));
}

static void what_cannot_be_read_is_refused(void)
{
	ipp_t *m;

	fresh();
	CHECK(ask(message("not-a-uuid", 0, 1))->status == IPP_STATUS_ERROR_BAD_REQUEST);
	CHECK(ask(message(LEDGER, 0, 0))->status == IPP_STATUS_ERROR_BAD_REQUEST);
	CHECK(ask(message(LEDGER, -1, 1))->status == IPP_STATUS_ERROR_BAD_REQUEST);
	CHECK(ask(message(LEDGER, 5, 5))->status == IPP_STATUS_ERROR_BAD_REQUEST);
	CHECK(ask(wire_new())->status == IPP_STATUS_ERROR_BAD_REQUEST);
	m = message(LEDGER, 0, 1);
	ippAddSeparator(m);
	ippAddString(m, IPP_TAG_JOB, IPP_TAG_URI, "job-uuid", NULL, "urn:uuid:x");
	CHECK(is(ask(m), 0, "R"));
	CHECK(count_of("SELECT count(*) FROM ledger") == 0);
}

/* ---- kept for good ---- */

static void the_tables_refuse_every_change(void)
{
	static const char *const changes[] = {"UPDATE ledger_record SET impressions = 0",
		"UPDATE ledger_record SET hash = x'00' WHERE sequence = 2",
		"DELETE FROM ledger_record", "DELETE FROM ledger",
		"UPDATE ledger SET machine = 'x'", "UPDATE ledger SET head = 1",
		"UPDATE ledger SET base = 1", "UPDATE ledger_person SET owner = x'61'",
		"DELETE FROM ledger_print", "UPDATE ledger_print SET record_id = record_id + 1",
		"UPDATE ledger_print SET attempt = 7",
		"INSERT OR REPLACE INTO ledger_print SELECT document_uuid, attempt, copy, 2 FROM"
		" ledger_print WHERE record_id = 1",
		"INSERT OR REPLACE INTO ledger_person SELECT record_id, salt, x'61', title, account, account_verified FROM ledger_person",
		"INSERT OR REPLACE INTO ledger_record SELECT * FROM ledger_record WHERE id = 2",
		"INSERT OR REPLACE INTO ledger SELECT * FROM ledger"};

	fresh();
	push(1, 3);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		bool refused = sql_exec(&server.app.sql, changes[i]) == -EEXIST;

		if (!refused)
			printf("# not refused: %s\n", changes[i]);
		CHECK(refused);
	}
	CHECK(verifies() && total().impressions == 6);
	CHECK(sql_exec(&server.app.sql, "UPDATE ledger SET closed_ms = 1, why = 'x'") == 0);
	CHECK(sql_exec(&server.app.sql, "UPDATE ledger SET closed_ms = 0") == -EEXIST);
}

static void changes_behind_the_triggers_are_found(void)
{
	static const struct {
		const char *sql;
		int64_t at;
	} change[] = {
		{"DROP TRIGGER ledger_record_same; UPDATE ledger_record SET impressions = 0 WHERE sequence = 2",
			2},
		{"DROP TRIGGER ledger_record_same; UPDATE ledger_record SET sequence = 9 WHERE sequence = 3",
			9},
		{"DROP TRIGGER ledger_person_same; UPDATE ledger_person SET owner = x'61' WHERE record_id = 1",
			1},
		{"DROP TRIGGER ledger_record_kept; PRAGMA foreign_keys = OFF; DELETE FROM ledger_record WHERE sequence = 3",
			3},
		{"DROP TRIGGER ledger_grows; UPDATE ledger SET head_hash = x'00'", 4},
		{"DROP TRIGGER ledger_print_kept; DELETE FROM ledger_print WHERE record_id = 2", 0},
	};

	for (size_t i = 0; i < sizeof(change) / sizeof(change[0]); i++) {
		char bad[64];
		int64_t at = -1;

		fresh();
		push(1, 3);
		CHECK(sql_exec(&server.app.sql, change[i].sql) == 0);
		CHECK(ledger_verify(&server.app.sql, NULL, bad, &at) == LEDGER_E_BAD);
		CHECK(at == change[i].at && (!at || !strcmp(bad, LEDGER)));
		if (at != change[i].at)
			printf("# %s: at %d\n", change[i].sql, (int)at);
	}
	CHECK(ledger_verify(&server.app.sql, "urn:uuid:none", (char[64]){0}, &(int64_t){0}) ==
		LEDGER_E_NONE);
}

static bool disk_has(const char *needle)
{
	static char octets[1 << 22];
	static const char *const suffix[] = {"", "-wal"};

	for (int i = 0; i < 2; i++) {
		char name[128];
		size_t count;
		FILE *f;

		snprintf(name, sizeof(name), "%s%s", path, suffix[i]);
		f = fopen(name, "rb");
		count = f ? fread(octets, 1, sizeof(octets), f) : 0;
		if (f)
			fclose(f);
		if (memmem(octets, count, needle, strlen(needle)))
			return true;
	}
	return false;
}

static void an_erased_person_leaves_counts_and_chain(void)
{
	int64_t count = 0;

	fresh();
	push(1, 4);
	CHECK(disk_has("SECRET-TITLE-3"));
	CHECK(ledger_erase(&server.app.sql, "anna", &count) == 0 && count == 2);
	CHECK(sql_tidy(&server.app.sql) == 0);
	CHECK(!disk_has("SECRET-TITLE-3") && !disk_has("anna") && disk_has("SECRET-TITLE-4"));
	CHECK(verifies() && total().prints == 4 && total().impressions == 8);
	CHECK(is(push(1, 5), 5,
		"DDDDA")); /* the workstation still has the name: nothing changes here */
	CHECK(!disk_has("SECRET-TITLE-3") && verifies());
}

static int note_key(void *arg, const struct ledger_total *t)
{
	char *keys = arg;
	size_t n = strlen(keys);

	snprintf(keys + n, 200 - n, "%s:%d ", t->key, (int)t->prints);
	return 0;
}

static void an_account_stands_for_its_owner(void)
{
	char keys[200] = "";
	int64_t count = 0;

	fresh();
	strcpy(chain[1].account, "anna@example.org");
	strcpy(chain[2].account, "anna@example.org");
	chain[2].account_verified = true;
	for (int i = 1; i <= 4; i++)
		seal(&chain[i], &chain[i - 1]);
	CHECK(is(push(1, 4), 4, "AAAA") && verifies());
	CHECK(ledger_sum(&server.app.sql, 0, INT64_MAX, LEDGER_OWNER, note_key, keys) == 0);
	CHECK(!strcmp(keys, "anna:1 anna@example.org:2 bert:1 "));
	/* A local name is no account: who is called so elsewhere keeps his records. */
	CHECK(ledger_erase(&server.app.sql, "bert", &count) == 0 && count == 1);
	CHECK(ledger_erase(&server.app.sql, "anna@example.org", &count) == 0 && count == 2);
	CHECK(verifies() && total().prints == 4);
	CHECK(count_of("SELECT count(*) FROM ledger_person") == 1);
}

static void records_of_an_erased_person_are_taken(void)
{
	fresh();
	chain[2].has_person = false;
	CHECK(is(push(1, 3), 3, "AAA") && verifies());
	CHECK(count_of("SELECT count(*) FROM ledger_person") == 2);
}

/* ---- a restored server ---- */

static void a_restored_server_asks_for_what_it_lost(void)
{
	char backup[128];

	fresh();
	push(1, 4);
	snprintf(backup, sizeof(backup), "%s.backup", path);
	CHECK(sql_run(&server.app.sql, "VACUUM INTO ?1", VALUES(V_TEXT(backup))) == 0);
	push(5, 9);
	server_close();
	CHECK(rename(backup, path) == 0 && server_open(path) == 0);
	CHECK(is(push(10, 10), 4, ""));
	CHECK(is(push(5, 10), 10, "AAAAAA") && total().prints == 10 && verifies());
}

/* ---- reading ---- */

static int add_up(void *arg, const struct ledger_total *t)
{
	char *out = arg;
	char one[600];

	snprintf(one, sizeof(one), "%s=%d/%d/%d/%d ", t->key, (int)t->prints, (int)t->impressions,
		(int)t->uncounted, (int)t->uncertain);
	strcat(out, one);
	return 0;
}

static void sums_by_person_queue_and_machine(void)
{
	char text[2000] = "";

	fresh();
	chain[3].impressions = -1;
	chain[3].state = JOB_UNKNOWN;
	strcpy(chain[4].queue, "Photos");
	for (int i = 3; i <= 5; i++)
		seal(&chain[i], &chain[i - 1]);
	push(1, 5);
	CHECK(ledger_sum(&server.app.sql, 0, INT64_MAX, LEDGER_OWNER, add_up, text) == 0);
	CHECK(!strcmp(text, "anna=3/4/1/1 bert=2/4/0/0 "));
	text[0] = '\0';
	CHECK(ledger_sum(&server.app.sql, 1700000002, 1700000004, LEDGER_QUEUE, add_up, text) == 0);
	CHECK(!strcmp(text, "Office=2/2/1/1 Photos=1/2/0/0 "));
	text[0] = '\0';
	CHECK(ledger_sum(&server.app.sql, 0, INT64_MAX, LEDGER_MACHINE, add_up, text) == 0);
	CHECK(!strcmp(text, "urn:uuid:machine-a=5/8/1/1 "));
	CHECK(ledger_sum(&server.app.sql, 0, 1, 77, add_up, text) == -EINVAL);
}

/* Record 1 is anna's, released by bert, who pays; 2 as 1, but went to a fallback; the others were released by nobody. */
static void who_released_pays_once_and_not_for_a_fallback(void)
{
	char text[2000] = "", sql[300];

	fresh();
	chain[2].diverted = true;
	for (int i = 2; i <= 5; i++)
		seal(&chain[i], &chain[i - 1]);
	for (int i = 1; i <= 2; i++) {
		snprintf(sql, sizeof(sql),
			"INSERT INTO ledger_release VALUES (NULL, '%s', 1, 1, %d, 'carl', 1, 0)",
			chain[i].document_uuid, (int)chain[i].attempt - 1);
		CHECK(sql_run(&server.app.sql, sql, NULL) == 0);
	}
	push(1, 5);
	push(1, 5);
	CHECK(ledger_sum(&server.app.sql, 0, INT64_MAX, LEDGER_OWNER, add_up, text) == 0);
	CHECK(!strcmp(text, "anna=3/6/0/0 bert=2/4/0/0 "));
	text[0] = '\0';
	CHECK(ledger_sum(&server.app.sql, 0, INT64_MAX, LEDGER_PAYER, add_up, text) == 0);
	printf("# %s\n", text);
	CHECK(!strcmp(text, "anna=2/4/0/0 bert=2/4/0/0 carl=1/2/0/0 ") && verifies());
	/* Erased, he is nobody; his prints do not become the owner's. */
	text[0] = '\0';
	CHECK(ledger_erase(&server.app.sql, "carl", NULL) == 0);
	CHECK(ledger_sum(&server.app.sql, 0, INT64_MAX, LEDGER_PAYER, add_up, text) == 0);
	CHECK(!strcmp(text, "=1/2/0/0 anna=2/4/0/0 bert=2/4/0/0 ") && verifies());
}

static int see_line(void *arg, const struct ledger_line *l)
{
	char *out = arg;
	char one[64];

	snprintf(one, sizeof(one), "%d%s%s ", (int)l->record.sequence, l->counts ? "" : "x",
		l->clock_ahead ? "!" : "");
	strcat(out, one);
	CHECK(!strcmp(l->ledger, LEDGER) || l->record.sequence == 1);
	return 0;
}

static void export_tells_what_counts_and_whose_clock_is_wrong(void)
{
	char text[2000] = "";
	struct record r;

	fresh();
	chain[2].ended_s = 1700000500 + 301;
	seal(&chain[2], &chain[1]);
	push(1, 2);
	r = other_report(1, CERTAINTY_UNKNOWN, 1);
	report("urn:uuid:aaaaaaaa-0000-4000-8000-0000000000ff", &r);
	CHECK(ledger_export(&server.app.sql, 0, INT64_MAX, false, see_line, text) == 0);
	CHECK(!strcmp(text, "1 2! "));
	text[0] = '\0';
	CHECK(ledger_export(&server.app.sql, 0, INT64_MAX, true, see_line, text) == 0);
	CHECK(!strcmp(text, "1 2! 1x "));
}

static int see_info(void *arg, const struct ledger_info *i)
{
	CHECK(!strcmp(i->uuid, LEDGER) && !strcmp(i->machine, "urn:uuid:machine-a"));
	CHECK(i->head == 3 && i->base == 0 && i->opened_ms && i->closed_ms &&
		!strcmp(i->why, "conflict"));
	++*(int *)arg;
	return 0;
}

static void ledgers_are_listed(void)
{
	int n = 0;

	fresh();
	push(1, 3);
	seal(&chain[4], NULL);
	chain[4].impressions++;
	seal(&chain[4], &chain[1]);
	push(4, 4);
	CHECK(ledger_list(&server.app.sql, see_info, &n) == 0 && n == 1);
}

/* ---- killed ---- */

static void killed_at_any_moment_what_it_said_it_has(void)
{
	int acknowledged[2];
	int told = 0, from = 1;

	fresh();
	server_close();
	for (int round = 0; round < 12; round++) {
		struct timespec pause = {0, 8000000L + round * 3000000L};
		int status = 0;
		pid_t pid;

		CHECK(pipe(acknowledged) == 0);
		pid = fork();
		if (pid == 0) {
			if (server_open(path))
				_exit(1);
			for (int i = from; i < 990; i += 3) {
				push(i, i + 4); /* overlapping */
				if (write(acknowledged[1], &last.acknowledged, sizeof(int)) < 0)
					_exit(2);
			}
			pause.tv_sec = 100;
			nanosleep(&pause, NULL);
			_exit(0);
		}
		close(acknowledged[1]);
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
		while (read(acknowledged[0], &told, sizeof(told)) == sizeof(told))
			;
		close(acknowledged[0]);
		CHECK(server_open(path) == 0);
		CHECK(count_of("SELECT coalesce(max(head), 0) FROM ledger") >= told);
		from = (int)count_of("SELECT coalesce(max(head), 0) FROM ledger") + 1;
		CHECK(verifies());
		server_close();
		/* Begin where an answer was lost: the last one acknowledged, again. */
		from = told ? told : 1;
	}
	CHECK(server_open(path) == 0);
	printf("# after kills: %d records\n", (int)total().prints);
	for (int i = 0; i < 10; i++)
		push(i * 100 + 1, i * 100 + 100);
	CHECK(total().prints == 1000 && total().impressions == 2000 && verifies());
}

/* Of this process, in microseconds: other work on the computer does not count. */
static int64_t cpu_us(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static void what_it_costs(void)
{
	int64_t began;

	fresh();
	began = cpu_us();
	for (int i = 0; i < 10; i++)
		push(i * 100 + 1, i * 100 + 100);
	printf("# %d us CPU a record in batches of 100, with its commit, codec both ways included\n",
		(int)((cpu_us() - began) / 1000));
	fresh();
	began = cpu_us();
	for (int i = 1; i <= 200; i++)
		push(i, i);
	printf("# %d us CPU a record alone, with its commit\n", (int)((cpu_us() - began) / 200));
}

int main(void)
{
	folder_init("test-server-ledger");
	if (sodium_init() < 0)
		return 1;
	RUN(records_are_taken_and_acknowledged);
	RUN(what_comes_twice_is_there_once);
	RUN(a_gap_takes_nothing_and_says_what_is_here);
	RUN(a_message_without_records_asks_what_is_here);
	RUN(batches_of_a_hundred_in_any_order_and_again);
	RUN(more_than_a_hundred_are_too_many);
	RUN(another_record_in_the_same_place_closes_the_ledger);
	RUN(a_chain_that_does_not_go_on_closes_the_ledger);
	RUN(the_rest_goes_on_in_a_new_ledger_and_counts_once);
	RUN(records_that_were_here_in_a_closed_ledger_are_duplicates);
	RUN(two_reports_of_one_print_merge_and_the_better_word_counts);
	RUN(another_workstation_cannot_change_what_counts);
	RUN(attempts_and_copies_are_prints_of_their_own);
	RUN(a_foreign_ledger_is_refused);
	RUN(a_revoked_machine_is_refused);
	RUN(a_tampered_row_is_rejected_and_those_before_it_stay);
	RUN(one_name_for_two_prints_is_rejected);
	RUN(records_out_of_their_order_are_rejected);
	RUN(what_cannot_be_read_is_refused);
	RUN(the_tables_refuse_every_change);
	RUN(changes_behind_the_triggers_are_found);
	RUN(an_erased_person_leaves_counts_and_chain);
	RUN(an_account_stands_for_its_owner);
	RUN(records_of_an_erased_person_are_taken);
	RUN(a_restored_server_asks_for_what_it_lost);
	RUN(sums_by_person_queue_and_machine);
	RUN(who_released_pays_once_and_not_for_a_fallback);
	RUN(export_tells_what_counts_and_whose_clock_is_wrong);
	RUN(ledgers_are_listed);
	RUN(killed_at_any_moment_what_it_said_it_has);
	RUN(what_it_costs);
	server_close();
	folder_remove();
	return tap_done();
}
