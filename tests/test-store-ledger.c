/* SPDX-License-Identifier: Apache-2.0 */
/* test-store-ledger - what the server has of the ledger: batches, acknowledgements, conflicts, pruning; killed anywhere. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "core/store.h"

#include "base/mono.h"
#include "tap.h"
#include "test-store-fixture.h"

static void add_rows(struct store *s, int from, int to)
{
	for (int i = from; i <= to; i++) {
		struct store_ledger_row r = {.attempt = 1,
			.job_id = i,
			.state = JOB_COMPLETED,
			.certainty = CERTAINTY_DEVICE,
			.impressions = i,
			.sheets = -1,
			.copies = 1,
			.ended_s = 1000 + i,
			.owner = "anna",
			.title = "SECRET-TITLE"};

		snprintf(r.document_uuid, sizeof(r.document_uuid), "d%d", i);
		CHECK(store_ledger_add(s, &r) == 0 && r.sequence == i);
	}
}

static struct store *store_with_rows(int count)
{
	struct store *s = store_fresh();

	add_rows(s, 1, count);
	return s;
}

struct seen {
	int64_t first, last;
	int count, bad;
	uint8_t before[RECORD_HASH], hash[RECORD_HASH];
};

static int see(void *arg, const struct record *r)
{
	struct seen *seen = arg;

	if (seen->count && (r->sequence != seen->last + 1 ||
				   memcmp(r->previous, seen->hash, RECORD_HASH) != 0))
		seen->bad++;
	if (!seen->count++) {
		seen->first = r->sequence;
		memcpy(seen->before, r->previous, RECORD_HASH);
	}
	seen->last = r->sequence;
	seen->bad += !record_fits(r);
	memcpy(seen->hash, r->hash, RECORD_HASH);
	return 0;
}

static struct seen batch(struct store *s, unsigned max)
{
	struct seen seen = {0};

	CHECK(store_ledger_batch(s, max, see, &seen) == 0);
	CHECK(seen.bad == 0);
	return seen;
}

static struct store_ledger ledger_of(struct store *s)
{
	struct store_ledger l = {0};

	CHECK(store_ledger_get(s, &l) == 0);
	return l;
}

static bool verifies(struct store *s)
{
	int64_t bad;

	return store_ledger_verify(s, &bad) == 0;
}

static int mark(void *arg, const struct store_ledger_row *row)
{
	char *marks = arg;

	strcat(marks, row->acknowledged ? "+" : "-");
	return 0;
}

/* "++-": which rows the server has. */
static bool marks_are(struct store *s, const char *wanted)
{
	char marks[256] = "";

	CHECK(store_ledger_each(s, 0, INT64_MAX, NULL, mark, marks) == 0);
	if (strcmp(marks, wanted) != 0)
		printf("# %s, not %s\n", marks, wanted);
	return !strcmp(marks, wanted);
}

static void rows_go_in_order_from_the_acknowledged_one_on(void)
{
	AUTO(store_freep) struct store *s = store_with_rows(5);
	struct store_ledger l = ledger_of(s);
	struct seen seen = batch(s, 3);
	uint8_t base[RECORD_HASH];

	CHECK(l.base == 0 && l.acknowledged == 0 && l.last == 5 && l.pruned == 0);
	CHECK(!strncmp(l.uuid, "urn:uuid:", 9));
	CHECK(seen.first == 1 && seen.last == 3 && seen.count == 3);
	record_base(l.uuid, base);
	CHECK(!memcmp(seen.before, base, RECORD_HASH));
	CHECK(store_ledger_acknowledge(s, l.uuid, 3) == 0 && marks_are(s, "+++--"));
	memcpy(base, seen.hash, RECORD_HASH);
	seen = batch(s, 100);
	CHECK(seen.first == 4 && seen.last == 5 && !memcmp(seen.before, base, RECORD_HASH));
	CHECK(store_ledger_acknowledge(s, l.uuid, 5) == 0 && marks_are(s, "+++++"));
	CHECK(batch(s, 100).count == 0);
	add_rows(s, 6, 6);
	CHECK(batch(s, 100).first == 6 && verifies(s));
}

static int break_off(void *arg, const struct record *r)
{
	(void)arg;
	return r->sequence == 2 ? 77 : 0;
}

static void a_batch_stops_when_its_reader_says_so(void)
{
	AUTO(store_freep) struct store *s = store_with_rows(3);

	CHECK(store_ledger_batch(s, 100, break_off, NULL) == 77);
}

static void an_acknowledgement_survives_opening_again(void)
{
	struct store *s = store_with_rows(3);
	struct store_ledger l = ledger_of(s), again;

	CHECK(store_ledger_acknowledge(s, l.uuid, 2) == 0);
	store_free(s);
	s = store_again();
	again = ledger_of(s);
	CHECK(again.acknowledged == 2 && !strcmp(again.uuid, l.uuid) && batch(s, 9).first == 3);
	store_free(s);
}

static void a_server_that_lost_rows_gets_them_again(void)
{
	AUTO(store_freep) struct store *s = store_with_rows(5);
	struct store_ledger l = ledger_of(s);

	CHECK(store_ledger_acknowledge(s, l.uuid, 5) == 0);
	CHECK(store_ledger_acknowledge(s, l.uuid, 1) == 0 && marks_are(s, "+----"));
	CHECK(batch(s, 100).first == 2);
	CHECK(store_ledger_acknowledge(s, l.uuid, 0) == 0 && marks_are(s, "-----"));
	CHECK(batch(s, 100).count == 5);
}

static void no_acknowledgement_goes_beyond_what_exists(void)
{
	AUTO(store_freep) struct store *s = store_with_rows(3);
	struct store_ledger l = ledger_of(s);

	CHECK(store_ledger_acknowledge(s, l.uuid, 4) == STORE_E_AHEAD);
	CHECK(store_ledger_acknowledge(s, l.uuid, INT64_MAX) == STORE_E_AHEAD);
	CHECK(store_ledger_acknowledge(s, l.uuid, -1) == STORE_E_LOST);
	CHECK(store_ledger_acknowledge(s, "urn:uuid:other", 2) == STORE_E_GONE);
	CHECK(ledger_of(s).acknowledged == 0 && marks_are(s, "---"));
}

static void a_conflict_closes_the_ledger_and_the_rest_goes_on(void)
{
	AUTO(store_freep) struct store *s = store_with_rows(5);
	struct store_ledger l = ledger_of(s), next;
	struct seen seen;

	CHECK(store_ledger_acknowledge(s, l.uuid, 2) == 0);
	CHECK(store_ledger_conflict(s, "urn:uuid:other", 3, "conflict") == STORE_E_GONE);
	CHECK(store_ledger_conflict(s, l.uuid, 3, "conflict") == 0);
	next = ledger_of(s);
	CHECK(strcmp(next.uuid, l.uuid) != 0 && next.base == 2 && next.acknowledged == 2);
	CHECK(marks_are(s, "++---") && verifies(s));
	CHECK(number_of(s, "SELECT count(*) FROM ledger_closed WHERE why = 'conflict' AND"
			   " ledger_base = 0 AND last_sequence = 2 AND acknowledged = 2") == 1);
	seen = batch(s, 100);
	CHECK(seen.first == 3 && seen.count == 3);
	CHECK(store_ledger_acknowledge(s, l.uuid, 5) == STORE_E_GONE); /* a late answer */
	CHECK(store_ledger_acknowledge(s, next.uuid, 5) == 0 && marks_are(s, "+++++"));
	add_rows(s, 6, 7);
	CHECK(batch(s, 100).first == 6 && verifies(s));
}

static int count_local(void *arg, const struct store_ledger_row *row)
{
	*(int *)arg += row->local_only;
	return 0;
}

static int local_of(struct store *s)
{
	int n = 0;

	CHECK(store_ledger_each(s, 0, INT64_MAX, NULL, count_local, &n) == 0);
	return n;
}

static void an_enrolment_begins_a_ledger(void)
{
	AUTO(store_freep) struct store *s = store_with_rows(3);
	struct store_ledger l = ledger_of(s), old, next;

	CHECK(local_of(s) == 0);
	CHECK(store_ledger_belong(s, "server-a me", false, &old) == 1);
	next = ledger_of(s);
	CHECK(!strcmp(old.uuid, l.uuid) && strcmp(next.uuid, l.uuid) != 0 && next.base == 3);
	CHECK(batch(s, 100).count == 0 && local_of(s) == 3 && verifies(s));
	/* The same one again changes nothing, whatever is asked. */
	CHECK(store_ledger_belong(s, "server-a me", true, &old) == 0);
	add_rows(s, 4, 5);
	CHECK(store_ledger_belong(s, "server-a me", false, &old) == 0);
	CHECK(!strcmp(ledger_of(s).uuid, next.uuid) && batch(s, 100).first == 4);
	CHECK(store_ledger_acknowledge(s, next.uuid, 4) == 0 && marks_are(s, "---+-"));
	/* Another: what the former one did not get stays here. */
	CHECK(store_ledger_belong(s, "server-b me", false, &old) == 1 && old.acknowledged == 4);
	CHECK(batch(s, 100).count == 0 && marks_are(s, "---+-") && local_of(s) == 4);
	add_rows(s, 6, 6);
	CHECK(batch(s, 100).first == 6 && verifies(s));
	CHECK(store_ledger_prune(s, 1) == 0 && number_of(s, "SELECT count(*) FROM ledger") == 6);
	CHECK(sql_exec(&s->sql,
		      "UPDATE ledger_closed SET closed_s = 1;"
		      "UPDATE ledger SET acknowledged_s = 1 WHERE acknowledged_s > 0") == 0);
	CHECK(store_ledger_prune(s, 2) == 0 && verifies(s));
	CHECK(number_of(s, "SELECT min(sequence) FROM ledger") == 6);
}

static void an_enrolment_with_history_goes_on(void)
{
	AUTO(store_freep) struct store *s = store_with_rows(3);
	struct store_ledger l = ledger_of(s), old;

	CHECK(store_ledger_belong(s, "server-a me", true, &old) == 0);
	CHECK(!strcmp(ledger_of(s).uuid, l.uuid) && batch(s, 100).count == 3 && local_of(s) == 0);
	/* Elsewhere: what the former server has is not sent again. */
	CHECK(store_ledger_acknowledge(s, l.uuid, 2) == 0);
	CHECK(store_ledger_belong(s, "server-b me", true, &old) == 1 && old.last == 2);
	CHECK(strcmp(ledger_of(s).uuid, l.uuid) != 0 && ledger_of(s).base == 2);
	CHECK(batch(s, 100).first == 3 && batch(s, 100).count == 1 && local_of(s) == 0);
	CHECK(marks_are(s, "++-") && verifies(s));
}

static void a_row_that_cannot_go_stays_behind(void)
{
	AUTO(store_freep) struct store *s = store_with_rows(4);
	struct store_ledger l = ledger_of(s);
	int64_t bad = 0;

	CHECK(sql_exec(&s->sql, "UPDATE ledger SET impressions = 99 WHERE sequence = 2") == 0);
	CHECK(store_ledger_acknowledge(s, l.uuid, 1) == 0);
	CHECK(store_ledger_conflict(s, l.uuid, 3, "rejected") == 0);
	CHECK(batch(s, 100).first == 3);
	CHECK(store_ledger_acknowledge(s, ledger_of(s).uuid, 4) == 0 && marks_are(s, "+-++"));
	CHECK(store_ledger_verify(s, &bad) == STORE_E_GONE && bad == 2); /* evidence */
}

static void a_conflict_below_what_was_acknowledged_takes_that_back(void)
{
	AUTO(store_freep) struct store *s = store_with_rows(5);
	struct store_ledger l = ledger_of(s);

	CHECK(store_ledger_acknowledge(s, l.uuid, 5) == 0);
	CHECK(store_ledger_conflict(s, l.uuid, 2, "conflict") == 0 && marks_are(s, "+----"));
	CHECK(ledger_of(s).base == 1 && batch(s, 9).count == 4);
	CHECK(store_ledger_conflict(s, ledger_of(s).uuid, 99, "conflict") == 0);
	CHECK(ledger_of(s).base == 5 && batch(s, 9).count == 0);
}

static void a_server_that_may_have_lost_a_closed_ledger_gets_all(void)
{
	AUTO(store_freep) struct store *s = store_with_rows(4);
	struct store_ledger l = ledger_of(s);

	CHECK(store_ledger_acknowledge(s, l.uuid, 2) == 0);
	CHECK(store_ledger_conflict(s, l.uuid, 3, "conflict") == 0);
	l = ledger_of(s);
	CHECK(store_ledger_acknowledge(s, l.uuid, 4) == 0);
	CHECK(store_ledger_acknowledge(s, l.uuid, 2) == STORE_E_LOST && marks_are(s, "++++"));
	CHECK(store_ledger_conflict(s, l.uuid, 0, "lost") == 0);
	CHECK(ledger_of(s).base == 0 && marks_are(s, "----") && batch(s, 9).count == 4);
}

/* ---- pruning ---- */

static void age(struct store *s, int64_t upto, int64_t at_s)
{
	CHECK(sql_run(&s->sql, "UPDATE ledger SET acknowledged_s = ?2 WHERE sequence <= ?1",
		      VALUES(V_NUM(upto), V_NUM(at_s))) == 0);
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

static void rows_go_when_their_acknowledgement_is_old(void)
{
	AUTO(store_freep) struct store *s = store_with_rows(5);
	struct store_ledger l = ledger_of(s);

	CHECK(store_ledger_prune(s, INT64_MAX) == 0 && marks_are(s, "-----"));
	CHECK(store_ledger_acknowledge(s, l.uuid, 4) == 0);
	CHECK(store_ledger_prune(s, mono_utc_s() - 30 * 86400) == 0 && marks_are(s, "++++-"));
	age(s, 3, 500);
	CHECK(store_ledger_prune(s, 500) == 0 && marks_are(s, "++++-"));
	CHECK(store_ledger_prune(s, 501) == 0 && marks_are(s, "+-"));
	CHECK(ledger_of(s).pruned == 3 && verifies(s) && batch(s, 9).first == 5);
	CHECK(number_of(s, "SELECT count(*) FROM ledger_person") == 2);
	CHECK(store_ledger_acknowledge(s, l.uuid, 2) == STORE_E_LOST);
	CHECK(store_ledger_acknowledge(s, l.uuid, 3) == 0 && batch(s, 9).first == 4);
}

static void all_may_go_and_the_chain_goes_on(void)
{
	AUTO(store_freep) struct store *s = store_with_rows(3);
	struct store_ledger l = ledger_of(s);

	CHECK(store_ledger_acknowledge(s, l.uuid, 3) == 0);
	age(s, 3, 1);
	CHECK(disk_has("SECRET-TITLE"));
	CHECK(store_ledger_prune(s, 2) == 0 && marks_are(s, "") && verifies(s));
	CHECK(store_tidy(s) == 0 && !disk_has("SECRET-TITLE"));
	CHECK(store_ledger_prune(s, 2) == 0 && batch(s, 9).count == 0);
	add_rows(s, 4, 5);
	CHECK(verifies(s) && batch(s, 9).first == 4);
	CHECK(store_ledger_acknowledge(s, l.uuid, 2) == STORE_E_LOST);
	CHECK(store_ledger_conflict(s, l.uuid, 0, "lost") == 0);
	CHECK(ledger_of(s).base == 3 && batch(s, 9).count == 2);
}

static void a_row_left_behind_does_not_keep_the_others(void)
{
	AUTO(store_freep) struct store *s = store_with_rows(4);
	struct store_ledger l = ledger_of(s);

	CHECK(store_ledger_acknowledge(s, l.uuid, 1) == 0);
	CHECK(store_ledger_conflict(s, l.uuid, 3, "rejected") == 0);
	CHECK(store_ledger_acknowledge(s, ledger_of(s).uuid, 3) == 0);
	CHECK(sql_exec(&s->sql, "UPDATE ledger SET acknowledged_s = 5 WHERE acknowledged_s <> 0") ==
		0);
	CHECK(store_ledger_prune(s, 6) == 0 && marks_are(s, "-+-")); /* closed just now */
	CHECK(sql_exec(&s->sql, "UPDATE ledger_closed SET closed_s = 5") == 0);
	CHECK(store_ledger_prune(s, 6) == 0 && marks_are(s, "-") && verifies(s));
	CHECK(number_of(s, "SELECT count(*) FROM ledger_closed") == 0);
}

/* ---- an older store, and kill -9 ---- */

static void the_rows_of_an_older_store_are_not_yet_acknowledged(void)
{
	struct store *s;
	sqlite3 *db = NULL;

	folder_remove();
	CHECK(mkdir(folder, 0700) == 0);
	CHECK(sqlite3_open(path, &db) == 0);
	CHECK(sqlite3_exec(db, store_schema.step[0], NULL, NULL, NULL) == 0);
	CHECK(sqlite3_exec(db,
		      "PRAGMA application_id = 1400130672; PRAGMA user_version = 1;"
		      "INSERT INTO ledger_state VALUES (1, 'urn:uuid:old', 0, zeroblob(32), 1, zeroblob(32));"
		      "INSERT INTO ledger VALUES (1, 'r', 'd', 1, 0, 1, '', '', 0, 0, 'completed', 'estimated',"
		      " 1, 1, 1, 1, 1, zeroblob(32), zeroblob(32))",
		      NULL, NULL, NULL) == 0);
	sqlite3_close(db);
	s = store_again();
	CHECK(ledger_of(s).last == 1 && ledger_of(s).acknowledged == 0 && marks_are(s, "-"));
	CHECK(store_ledger_acknowledge(s, "urn:uuid:old", 1) == 0 && marks_are(s, "+"));
	store_free(s);
}

/* Writes, sends, believes, closes and prunes until it is killed. */
__attribute__((noreturn)) static void settle_until_killed(int told)
{
	struct store *s = store_again();

	for (int i = 1;; i++) {
		struct store_ledger l = ledger_of(s);
		bool grouped = i % 3 == 0;

		if (write(told, "", 1) != 1) /* however slow the computer is, it got so far */
			_exit(1);
		if (grouped)
			store_begin(s);
		add_rows(s, (int)l.last + 1, (int)l.last + 3);
		store_ledger_acknowledge(s, l.uuid, l.last + 2);
		if (i % 4 == 0)
			store_ledger_conflict(s, l.uuid, l.last + 1, "conflict");
		if (i % 5 == 0)
			store_ledger_acknowledge(s, l.uuid, l.last);
		if (i % 7 == 0)
			store_ledger_prune(s, INT64_MAX);
		if (grouped)
			store_commit(s);
	}
}

static void killed_at_any_moment_it_knows_what_the_server_has(void)
{
	int64_t last = 0;

	store_free(store_with_rows(2));
	for (int round = 0; round < 16; round++) {
		struct timespec pause = {0, round * 1100000L};
		int status = 0, told[2];
		char byte;
		pid_t pid;
		struct store *s;

		CHECK(pipe(told) == 0);
		pid = fork();
		if (pid == 0)
			settle_until_killed(told[1]);
		close(told[1]);
		for (int step = 0; step <= round; step++)
			CHECK(read(told[0], &byte, 1) == 1);
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		close(told[0]);
		CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
		s = store_again();
		CHECK(verifies(s));
		CHECK(number_of(s,
			      "SELECT count(*) FROM ledger, ledger_state WHERE (acknowledged_s <> 0) <>"
			      " (sequence <= acknowledged)") == 0);
		CHECK(number_of(s,
			      "SELECT acknowledged >= ledger_base AND acknowledged >= base_sequence"
			      " AND acknowledged <= head_sequence FROM ledger_state") == 1);
		batch(s, 1000000);
		CHECK(ledger_of(s).last >= last);
		last = ledger_of(s).last;
		store_free(s);
	}
	printf("# after kills: %d rows\n", (int)last);
	CHECK(last > 50);
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
	AUTO(store_freep) struct store *s = store_fresh();
	int64_t began;

	CHECK(store_begin(s) == 0);
	add_rows(s, 1, 10000);
	CHECK(store_commit(s) == 0);
	began = cpu_us();
	for (int i = 100; i <= 10000; i += 100) {
		CHECK(batch(s, 100).last == i);
		CHECK(store_ledger_acknowledge(s, ledger_of(s).uuid, i) == 0);
	}
	printf("# %d us CPU a row for batch (verified) and acknowledgement, in batches of 100\n",
		(int)((cpu_us() - began) / 10000));
}

int main(void)
{
	folder_init("test-store-ledger");
	RUN(rows_go_in_order_from_the_acknowledged_one_on);
	RUN(a_batch_stops_when_its_reader_says_so);
	RUN(an_acknowledgement_survives_opening_again);
	RUN(a_server_that_lost_rows_gets_them_again);
	RUN(no_acknowledgement_goes_beyond_what_exists);
	RUN(a_conflict_closes_the_ledger_and_the_rest_goes_on);
	RUN(an_enrolment_begins_a_ledger);
	RUN(an_enrolment_with_history_goes_on);
	RUN(a_row_that_cannot_go_stays_behind);
	RUN(a_conflict_below_what_was_acknowledged_takes_that_back);
	RUN(a_server_that_may_have_lost_a_closed_ledger_gets_all);
	RUN(rows_go_when_their_acknowledgement_is_old);
	RUN(all_may_go_and_the_chain_goes_on);
	RUN(a_row_left_behind_does_not_keep_the_others);
	RUN(the_rows_of_an_older_store_are_not_yet_acknowledged);
	RUN(killed_at_any_moment_it_knows_what_the_server_has);
	RUN(what_it_costs);
	folder_remove();
	return tap_done();
}
