/* SPDX-License-Identifier: Apache-2.0 */
/* test-settle - dbus/daemon/settle.c, a real store and server/ledger.c in one process, with a network between them that
 * loses, repeats and delays: each row is at the server once, whatever happens. Time runs 100 times faster. */
#include <signal.h>
#include <sodium.h>
#include <sys/wait.h>
#include <time.h>

#include "../dbus/daemon/engine-private.h"
#include "../dbus/daemon/link.h"
#include "../dbus/daemon/settle.h"
#include "base/mono.h"
#include "tap.h"
#include "test-store-fixture.h"

#include "fake-serve.h"

enum { FASTER = 100, DEADLINE_MS = 20000 };

static struct engine engine;
static char server_path[128];
static const char *jobs_of = "a"; /* which life of the workstation */
static bool begin_down; /* the next one begins without network */

/* ---- the network ---- */

static struct {
	bool up;
	int lose_requests, lose_replies, busy, unavailable, refuse, repeat,
		garbage; /* the next so many */
	int too_big_from; /* records: HTTP 413; 0: never */
	int max_octets;
	int sent;
	int64_t waited_ms; /* the longest timer */
	ipp_t *old; /* an older message, delivered again before the next one */
	bool reorder;
} net;

/* What is under way: one call at a time. */
struct client_call {
	sd_event_source *source;
	client_done_fn *done;
	void *arg;
	struct client_reply reply;
	ipp_t *answer;
};
static struct client_call *under_way;
static int recorded_count, recorded_last; /* jobs whose end the server was found to have */

void report_recorded(struct engine *e, int32_t id)
{
	(void)e;
	recorded_count++;
	recorded_last = id;
}

bool link_is_up(const struct engine *e)
{
	(void)e;
	return net.up;
}

bool link_system_uri(struct engine *e, char *uri, size_t size)
{
	(void)e;
	return snprintf(uri, size, "ipps://server.example.org:8631/ipp/system") < (int)size;
}

static void call_free(struct client_call *c)
{
	sd_event_source_disable_unref(c->source);
	ippDelete(c->answer);
	free(c);
	under_way = NULL;
}

void client_cancel(struct client_call *call)
{
	CHECK(call == under_way);
	call_free(call);
}

static int deliver_reply(sd_event_source *source, uint64_t usec, void *arg)
{
	struct client_call *c = arg;

	(void)source, (void)usec;
	under_way = NULL;
	c->reply.ipp = c->answer;
	c->done(c->arg, &c->reply);
	call_free(c);
	return 0;
}

static bool next(int *count)
{
	return *count > 0 && (*count)--;
}

static int records_in(ipp_t *ipp)
{
	struct record r;
	int n = 0;

	for (int rc = record_read(ipp, true, &r); rc == 0; rc = record_read(ipp, false, &r))
		n++;
	return n;
}

/* To the server and back, perhaps. */
static void exchange(struct client_call *c, ipp_t *ipp)
{
	AUTO(wire_deletep) ipp_t *again = NULL;

	if (next(&net.lose_requests)) {
		c->reply.fault = CLIENT_SILENT;
		return;
	}
	if (net.too_big_from && records_in(ipp) >= net.too_big_from) {
		c->reply.fault = CLIENT_HTTP;
		c->reply.http_status = 413;
		return;
	}
	if (next(&net.busy) || next(&net.unavailable) || next(&net.refuse)) {
		c->reply.status =
			net.busy ? IPP_STATUS_ERROR_BUSY : IPP_STATUS_ERROR_SERVICE_UNAVAILABLE;
		c->answer = ippNew();
		return;
	}
	if (net.reorder && net.old)
		server_call(net.old, &again);
	if (next(&net.repeat)) {
		AUTO(wire_deletep) ipp_t *first = NULL;

		server_call(ipp, &first);
	}
	c->reply.status = (ipp_status_t)server_call(ipp, &c->answer);
	if (net.reorder) {
		ippDelete(net.old);
		net.old = as_octets(ipp);
	}
	if (next(&net.lose_replies))
		c->reply.fault = CLIENT_CUT;
	if (next(&net.garbage)) {
		ippDelete(c->answer);
		c->answer = ippNew();
	}
}

int link_send(struct engine *e, const char *uri, ipp_t *ipp, int32_t total_ms, client_done_fn *done,
	void *arg, struct client_call **call)
{
	struct client_call *c = calloc(1, sizeof(*c));

	(void)uri, (void)total_ms;
	CHECK(!under_way && c);
	if (!c)
		abort();
	net.sent++;
	if ((int)ippLength(ipp) > net.max_octets)
		net.max_octets = (int)ippLength(ipp);
	c->done = done;
	c->arg = arg;
	exchange(c, ipp);
	ippDelete(ipp);
	CHECK(sd_event_add_time_relative(
		      e->loop, &c->source, CLOCK_MONOTONIC, 0, 1, deliver_reply, c) >= 0);
	under_way = *call = c;
	return 0;
}

/* ---- the engine's timers ---- */

static int timer_due(sd_event_source *source, uint64_t usec, void *arg)
{
	struct timer *t = arg;

	(void)source, (void)usec;
	timer_stop(t);
	t->fn(t->arg);
	return 0;
}

void timer_set(struct engine *e, struct timer *t, int64_t in_ms, timer_fn *fn, void *arg)
{
	timer_stop(t);
	t->fn = fn;
	t->arg = arg;
	if (in_ms > net.waited_ms && in_ms < 80000000)
		net.waited_ms = in_ms;
	CHECK(sd_event_add_time_relative(e->loop, &t->source, CLOCK_MONOTONIC,
		      (uint64_t)in_ms * 1000 / FASTER, 1, timer_due, t) >= 0);
}

void timer_stop(struct timer *t)
{
	if (t->source)
		t->source = sd_event_source_disable_unref(t->source);
}

/* ---- both sides ---- */

static void begin(void)
{
	struct store *s = store_again();

	memset(&engine, 0, sizeof(engine));
	CHECK(sd_event_new(&engine.loop) >= 0 && server_open(server_path) == 0);
	engine.store = s;
	CHECK(worker_new(engine.loop, s, &engine.storer) == 0);
	net.up = !begin_down;
	begin_down = false;
	settle_start(&engine);
}

static void end(void)
{
	worker_free(engine.storer);
	settle_stop(&engine);
	CHECK(!under_way);
	store_free(engine.store);
	sd_event_unref(engine.loop);
	server_close();
	ippDelete(net.old);
	net.old = NULL;
}

static void fresh(void)
{
	memset(&net, 0, sizeof(net));
	jobs_of = "a";
	folder_remove();
	CHECK(mkdir(folder, 0700) == 0);
	snprintf(server_path, sizeof(server_path), "%s/server.db", folder);
	begin();
}

struct adding {
	int count;
	bool done;
};
static int added_last;
static enum job_state add_as = JOB_COMPLETED;

/* As jobs end: in the store's thread. */
static int work_add(void *arg, struct store *s)
{
	struct adding *a = arg;
	struct store_ledger l;
	int rc = store_ledger_get(s, &l);

	for (int i = 1; i <= a->count && !rc; i++) {
		struct store_ledger_row r = {.attempt = 1,
			.job_id = (int32_t)(l.last + i),
			.state = add_as,
			.certainty = CERTAINTY_DEVICE,
			.impressions = 2,
			.sheets = 1,
			.copies = 1,
			.ended_s = 1700000000,
			.owner = "anna",
			.title = "A title of usual length.pdf",
			.target = "ipps://printer.example.org/ipp/print"};

		snprintf(r.document_uuid, sizeof(r.document_uuid), "urn:uuid:%s-%08x", jobs_of,
			(unsigned)(l.last + i));
		rc = store_ledger_add(s, &r);
	}
	return rc;
}

static void add_done(void *arg, int rc)
{
	struct adding *a = arg;

	CHECK(rc == 0);
	a->done = true;
	settle_kick(&engine);
}

static void add(int count)
{
	struct adding a = {.count = count};

	worker_post(engine.storer, work_add, add_done, &a);
	while (!a.done && sd_event_run(engine.loop, 1000000) >= 0)
		;
	added_last += count;
}

static int64_t prints(void)
{
	int64_t n = -1;

	CHECK(sql_number(&server.app.sql, "SELECT count(*) FROM ledger_print", NULL, &n) > 0);
	return n;
}

struct looking {
	struct store_ledger ledger;
	bool done;
};

static int work_look(void *arg, struct store *s)
{
	return store_ledger_get(s, &((struct looking *)arg)->ledger);
}

static void looked(void *arg, int rc)
{
	CHECK(rc == 0);
	((struct looking *)arg)->done = true;
}

static struct store_ledger look(void)
{
	struct looking l = {0};

	worker_post(engine.storer, work_look, looked, &l);
	while (!l.done && sd_event_run(engine.loop, 1000000) >= 0)
		;
	return l.ledger;
}

static bool all_acknowledged(void)
{
	struct store_ledger l = look();

	return l.acknowledged == l.last && !under_way;
}

/* Runs until every row is acknowledged; false after the deadline. */
static bool settles(void)
{
	int64_t until = mono_ms() + DEADLINE_MS;

	while (!all_acknowledged() && mono_ms() < until)
		sd_event_run(engine.loop, 10000);
	return all_acknowledged();
}

/* Until @wanted is so many. */
static void run_until_sent(int wanted)
{
	int64_t until = mono_ms() + DEADLINE_MS;

	while ((net.sent < wanted || under_way) && mono_ms() < until)
		sd_event_run(engine.loop, 10000);
}

static bool server_is_good(int count)
{
	char bad[64];
	int64_t at = 0;
	int rc = ledger_verify(&server.app.sql, NULL, bad, &at);

	if (rc || prints() != count)
		printf("# verify %d at %d, %d prints of %d\n", rc, (int)at, (int)prints(), count);
	return !rc && prints() == count;
}

/* ---- the tests ---- */

static void each_row_goes_at_once(void)
{
	fresh();
	for (int i = 1; i <= 5; i++) {
		add(1);
		CHECK(settles() && server_is_good(i));
	}
	CHECK(net.sent <= 7 && net.waited_ms < 1000);
	end();
}

static void a_record_taken_says_that_its_job_is_over(void)
{
	fresh();
	recorded_count = 0;
	net.lose_replies = 1; /* nothing is known yet */
	add(3);
	CHECK(settles() && recorded_count == 3 && recorded_last == 3);
	add(1);
	CHECK(settles() && recorded_count == 4 && recorded_last == 4);
	add_as = JOB_ABORTED; /* an attempt's end: the job's needs a report */
	add(2);
	CHECK(settles() && recorded_count == 4);
	add_as = JOB_COMPLETED;
	end();
}

static void a_backlog_goes_in_batches_and_at_a_time_by_chance(void)
{
	fresh();
	net.up = false;
	add(950);
	CHECK(prints() == 0 && net.sent == 0);
	net.up = true;
	settle_resync(&engine);
	CHECK(settles() && server_is_good(950));
	printf("# %d messages, the longest of %d octets; waited %d ms\n", net.sent, net.max_octets,
		(int)net.waited_ms);
	CHECK(net.sent <= 20 && net.max_octets < 65536 && net.waited_ms <= 60000);
	end();
}

static void a_hundred_rows_do_not_wait(void)
{
	fresh();
	net.up = false;
	add(100);
	net.waited_ms = 0;
	net.up = true;
	settle_resync(&engine);
	CHECK(settles() && server_is_good(100) && net.waited_ms == 0);
	end();
}

static void lost_requests_and_replies_count_nothing_twice(void)
{
	fresh();
	net.lose_requests = 2;
	net.lose_replies = 3;
	net.repeat = 2;
	add(30);
	CHECK(settles() && server_is_good(30) && !net.lose_replies && !net.lose_requests);
	net.garbage = 1;
	net.lose_replies = 1;
	add(3);
	CHECK(settles() && server_is_good(33));
	end();
}

static void old_messages_that_come_late_do_no_harm(void)
{
	fresh();
	net.reorder = true;
	for (int i = 0; i < 6; i++) {
		add(7);
		CHECK(settles());
	}
	CHECK(server_is_good(42));
	end();
}

static void a_busy_server_is_left_alone_for_longer_and_longer(void)
{
	int sent;

	fresh();
	CHECK(settles());
	run_until_sent(1);
	sent = net.sent;
	net.waited_ms = 0;
	net.busy = 4;
	net.unavailable = 3;
	add(1);
	for (int i = 0; i < 50; i++)
		settle_kick(&engine); /* no reason to ask more often */
	CHECK(settles() && server_is_good(1));
	CHECK(net.sent - sent == 8 && net.waited_ms >= 16000 && net.waited_ms <= 64000);
	end();
}

static void a_message_that_is_too_big_is_made_smaller(void)
{
	fresh();
	net.too_big_from = 20;
	add(60);
	CHECK(settles() && server_is_good(60));
	end();
}

static void a_revoked_machine_does_not_insist(void)
{
	int64_t until;

	fresh();
	CHECK(settles());
	run_until_sent(1);
	server.revoked = true;
	net.waited_ms = 0;
	net.sent = 0;
	add(1);
	run_until_sent(1);
	until = mono_ms() + 300;
	while (mono_ms() < until)
		sd_event_run(engine.loop, 20000);
	CHECK(net.sent == 1 && net.waited_ms >= 1800000);
	server.revoked = false;
	settle_resync(&engine);
	CHECK(settles() && server_is_good(1));
	end();
}

static void backup_server(void)
{
	char to[160];

	snprintf(to, sizeof(to), "%s.backup", server_path);
	CHECK(sql_run(&server.app.sql, "VACUUM INTO ?1", VALUES(V_TEXT(to))) == 0);
}

static void restore_server(void)
{
	char from[160];

	server_close();
	snprintf(from, sizeof(from), "%s.backup", server_path);
	CHECK(rename(from, server_path) == 0 && server_open(server_path) == 0);
}

static void a_restored_server_gets_again_what_it_lost(void)
{
	fresh();
	add(10);
	CHECK(settles());
	backup_server();
	add(10);
	CHECK(settles() && server_is_good(20));
	restore_server();
	CHECK(prints() == 10);
	settle_resync(&engine);
	/* Nothing of ours is unacknowledged as yet: it must ask. */
	for (int64_t until = mono_ms() + DEADLINE_MS; prints() < 20 && mono_ms() < until;)
		sd_event_run(engine.loop, 10000);
	CHECK(settles() && server_is_good(20));
	end();
}

static void a_server_that_lost_pruned_rows_gets_a_new_ledger(void)
{
	fresh();
	add(10);
	CHECK(settles() && server_is_good(10));
	end();
	{
		AUTO(store_freep) struct store *s = store_again();

		CHECK(sql_exec(&s->sql,
			      "UPDATE ledger SET acknowledged_s = 5 WHERE sequence <= 4") == 0);
		CHECK(store_ledger_prune(s, 6) == 0);
	}
	remove(server_path);
	begin();
	for (int64_t until = mono_ms() + DEADLINE_MS; prints() < 6 && mono_ms() < until;)
		sd_event_run(engine.loop, 10000);
	add(2);
	CHECK(settles() && server_is_good(8));
	end();
}

static void copy_store(const char *from, const char *to)
{
	AUTO(store_freep) struct store *s = NULL;

	CHECK(store_open(from, &s) == 0);
	remove(to);
	CHECK(s && sql_run(&s->sql, "VACUUM INTO ?1", VALUES(V_TEXT(to))) == 0);
}

/* The workstation's store as it was at @backup. */
static void go_back_to(const char *backup)
{
	char wal[160];

	snprintf(wal, sizeof(wal), "%s-wal", path);
	CHECK(rename(backup, path) == 0);
	remove(wal);
	jobs_of = "b";
}

static void a_restored_workstation_goes_on_in_a_new_ledger(void)
{
	char backup[160];

	fresh();
	snprintf(backup, sizeof(backup), "%s.backup", path);
	add(10);
	CHECK(settles());
	end();
	copy_store(path, backup);
	begin();
	add(5);
	CHECK(settles() && server_is_good(15));
	end();
	go_back_to(backup);
	begin();
	add(3); /* 11 to 13, which the server has otherwise */
	CHECK(settles() && server_is_good(18));
	CHECK(look().base == 10);
	add(5);
	CHECK(settles() && server_is_good(23));
	end();
}

static void a_restored_workstation_without_rows_begins_anew(void)
{
	char backup[160];

	fresh();
	snprintf(backup, sizeof(backup), "%s.backup", path);
	add(2);
	CHECK(settles());
	end();
	copy_store(path, backup);
	begin();
	add(2);
	CHECK(settles());
	end();
	go_back_to(backup);
	begin();
	for (int64_t until = mono_ms() + DEADLINE_MS; look().base == 0 && mono_ms() < until;)
		sd_event_run(engine.loop, 10000);
	CHECK(look().base == 2);
	add(2);
	CHECK(settles() && server_is_good(6));
	end();
}

static void a_row_is_not_there_because_its_number_is(void)
{
	char backup[160];

	fresh();
	snprintf(backup, sizeof(backup), "%s.backup", path);
	add(10);
	CHECK(settles());
	net.up = false;
	add(3);
	end();
	copy_store(path, backup);
	begin();
	add(2);
	CHECK(settles() && server_is_good(15));
	end();
	go_back_to(backup);
	begin_down = true;
	begin();
	add(3); /* 14 to 16; the server has 14 and 15 otherwise, and is first asked about 11 to 13 alone */
	net.too_big_from = 4;
	net.up = true;
	settle_resync(&engine);
	CHECK(settles() && server_is_good(18));
	end();
}

static void a_damaged_row_stays_behind_and_the_others_go(void)
{
	fresh();
	net.up = false;
	add(6);
	end();
	{
		AUTO(store_freep) struct store *s = store_again();
		int64_t bad = 0;

		CHECK(sql_exec(&s->sql, "UPDATE ledger SET impressions = 99 WHERE sequence = 3") ==
			0);
		CHECK(store_ledger_verify(s, &bad) == STORE_E_GONE && bad == 3);
	}
	begin();
	CHECK(settles() && server_is_good(5));
	end();
	{
		AUTO(store_freep) struct store *s = store_again();

		CHECK(number_of(s, "SELECT count(*) FROM ledger WHERE acknowledged_s = 0") == 1);
		CHECK(number_of(s, "SELECT count(*) FROM audit WHERE event = 'ledger-closed'") ==
			1);
	}
}

/* ---- kill -9, both sides ---- */

/* A byte to @told for each step, so that the killer knows that it got somewhere, however slow the computer is. */
__attribute__((noreturn)) static void work_until_killed(int round, int told)
{
	begin();
	for (int i = 0;; i++) {
		if (write(told, "", 1) != 1)
			_exit(1);
		net.lose_replies = i % 5 == round % 5;
		net.repeat = i % 7 == 0;
		add(1 + i % 3);
		if (i % 4 == 0)
			settles();
	}
}

static void killed_at_any_moment_each_row_arrives_once(void)
{
	struct store_ledger l;

	fresh();
	add(1);
	end();
	for (int round = 0; round < 15; round++) {
		struct timespec pause = {0, round * 1500000L};
		int status = 0, told[2];
		char byte;
		pid_t pid;

		CHECK(pipe(told) == 0);
		pid = fork();
		if (pid == 0)
			work_until_killed(round, told[1]);
		close(told[1]);
		for (int step = 0; step <= round % 6; step++)
			CHECK(read(told[0], &byte, 1) == 1);
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		close(told[0]);
		CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	}
	memset(&net, 0, sizeof(net));
	begin();
	CHECK(settles());
	l = look();
	printf("# after kills: %d rows\n", (int)l.last);
	CHECK(l.last >= 30 && l.base == 0 && server_is_good((int)l.last));
	end();
}

int main(void)
{
	folder_init("test-settle");
	if (sodium_init() < 0)
		return 1;
	RUN(each_row_goes_at_once);
	RUN(a_record_taken_says_that_its_job_is_over);
	RUN(a_backlog_goes_in_batches_and_at_a_time_by_chance);
	RUN(a_hundred_rows_do_not_wait);
	RUN(lost_requests_and_replies_count_nothing_twice);
	RUN(old_messages_that_come_late_do_no_harm);
	RUN(a_busy_server_is_left_alone_for_longer_and_longer);
	RUN(a_message_that_is_too_big_is_made_smaller);
	RUN(a_revoked_machine_does_not_insist);
	RUN(a_restored_server_gets_again_what_it_lost);
	RUN(a_server_that_lost_pruned_rows_gets_a_new_ledger);
	RUN(a_restored_workstation_goes_on_in_a_new_ledger);
	RUN(a_restored_workstation_without_rows_begins_anew);
	RUN(a_row_is_not_there_because_its_number_is);
	RUN(a_damaged_row_stays_behind_and_the_others_go);
	RUN(killed_at_any_moment_each_row_arrives_once);
	folder_remove();
	return tap_done();
}
