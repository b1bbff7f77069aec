/* SPDX-License-Identifier: Apache-2.0 */
/* test-bus-signals - who hears what, who may have the name, and what happens when the bus goes away. */
#include "test-bus.h"

static DBusConnection *as_anna, *as_bert, *as_root;

/* A connection of @uid that asks the bus for every signal there is. */
static DBusConnection *listener(uid_t uid)
{
	DBusConnection *c = client(uid);

	dbus_bus_add_match(c, "type='signal'", NULL);
	dbus_connection_flush(c);
	return c;
}

static void nothing_is_told_to_those_who_did_not_subscribe(void)
{
	/* the daemon knows them, so that it could tell them */
	CHECK(IS(ask(as_anna, ROOT_PATH, MANAGER, "Status", DBUS_TYPE_INVALID), ""));
	CHECK(IS(ask(as_root, ROOT_PATH, MANAGER, "Status", DBUS_TYPE_INVALID), ""));
	tell("change 1");
	tell("notice 1");
	tell("queue office");
	CHECK(heard(as_anna, "", 150) == 0);
	CHECK(heard(as_root, "", 10) == 0);
}

static void signals_about_a_job_reach_its_owner_and_root_alone(void)
{
	DBusConnection *curious = listener(bert.pw_uid), *unsubscribed = listener(anna.pw_uid);

	CHECK(subscribe(as_anna, false) && subscribe(as_bert, false) && subscribe(as_root, false));
	tell("change 1");
	CHECK(hears(as_anna, "PropertiesChanged", 1));
	CHECK(hears(as_root, "PropertiesChanged", 1));
	CHECK(heard(as_bert, "", 10) == 0);
	CHECK(heard(curious, "", 10) == 0);
	CHECK(heard(unsubscribed, "", 10) == 0);
	tell("change 3");
	CHECK(hears(as_bert, "PropertiesChanged", 1));
	CHECK(heard(as_anna, "", 10) == 0);
	CHECK(heard(curious, "", 10) == 0);
	leave(curious);
	leave(unsubscribed);
}

static void jobs_come_and_go_for_their_owner(void)
{
	heard(as_root, "", 50);
	tell("add 10 " ANNA);
	CHECK(hears(as_anna, "InterfacesAdded", 1));
	CHECK(heard(as_bert, "", 10) == 0);
	tell("change 10");
	CHECK(hears(as_anna, "PropertiesChanged", 1));
	tell("remove 10");
	CHECK(hears(as_anna, "InterfacesRemoved", 1));
	CHECK(heard(as_bert, "", 10) == 0);
	CHECK(hears(as_root, "", 3));
}

static void queues_are_everybodys_and_can_go(void)
{
	tell("queue office");
	CHECK(hears(as_anna, "PropertiesChanged", 1));
	CHECK(hears(as_bert, "PropertiesChanged", 1));
	tell("drop-queue old");
	CHECK(hears(as_anna, "InterfacesRemoved", 1));
	tell("queue old");
	CHECK(heard(as_anna, "", 100) == 0);
	/* the engine names the ones that stay: the other is missed */
	tell("drop-queue hall_2");
	CHECK(hears(as_anna, "InterfacesRemoved", 1));
}

/* The next signal of this name; the caller frees. */
static DBusMessage *next(DBusConnection *c, const char *name)
{
	int64_t until = now_ms() + 10000;
	DBusMessage *m;

	while (now_ms() < until) {
		dbus_connection_read_write(c, 10);
		while ((m = dbus_connection_pop_message(c))) {
			if (dbus_message_is_signal(m, MANAGER, name) ||
				dbus_message_is_signal(m, PROPERTIES, name))
				return m;
			dbus_message_unref(m);
		}
	}
	return NULL;
}

static void changed_properties_leave_out_those_that_never_change(void)
{
	DBusMessage *m;
	DBusMessageIter it, entry, pair;
	bool state = false, constant = false;

	tell("change 1");
	m = next(as_anna, "PropertiesChanged");
	CHECK(m && dbus_message_has_signature(m, "sa{sv}as") &&
		dbus_message_has_path(m, ROOT_PATH "/jobs/1"));
	if (!m)
		return;
	dbus_message_iter_init(m, &it);
	dbus_message_iter_next(&it);
	dbus_message_iter_recurse(&it, &entry);
	for (; dbus_message_iter_get_arg_type(&entry); dbus_message_iter_next(&entry)) {
		const char *name;

		dbus_message_iter_recurse(&entry, &pair);
		dbus_message_iter_get_basic(&pair, &name);
		state |= !strcmp(name, "State");
		constant |= !strcmp(name, "Title");
	}
	CHECK(state && !constant);
	dbus_message_unref(m);
	heard(as_root, "", 50);
}

static dbus_uint32_t notice_id(DBusMessage *m)
{
	dbus_uint32_t id = 0;

	if (m) {
		DBusMessageIter it;

		dbus_message_iter_init(m, &it);
		dbus_message_iter_get_basic(&it, &id);
		dbus_message_unref(m);
	}
	return id;
}

static void a_notice_is_for_the_user_concerned_alone(void)
{
	DBusMessage *m;

	heard(as_bert, "", 50);
	heard(as_root, "", 50);
	tell("notice 1");
	m = next(as_anna, "Notice");
	CHECK(m && dbus_message_has_signature(m, "uosssa(ss)"));
	CHECK(notice_id(m) > 0);
	CHECK(heard(as_bert, "", 50) == 0);
	CHECK(heard(as_root, "", 50) == 0);
	tell("tell " BERT " all is well");
	CHECK(hears(as_bert, "Notice", 1));
	CHECK(heard(as_anna, "", 10) == 0);
}

static void a_notice_closes_when_its_question_is_answered(void)
{
	const char *key = "release:ipp://hall.example/ipp/print";
	dbus_uint32_t first, second;

	tell("add 11 " ANNA);
	tell("notice 11");
	first = notice_id(next(as_anna, "Notice"));
	tell("change 11");
	CHECK(heard(as_anna, "NoticeClosed", 100) == 0);
	/* a newer one takes its place */
	tell("notice 11");
	second = notice_id(next(as_anna, "Notice"));
	CHECK(second > first);
	CHECK(notice_id(next(as_anna, "NoticeClosed")) == first);
	CHECK(IS(ask(as_anna, ROOT_PATH "/jobs/11", JOB, "Act", DBUS_TYPE_STRING, &key,
			 DBUS_TYPE_INVALID),
		""));
	CHECK(notice_id(next(as_anna, "NoticeClosed")) == second);
	tell("add 12 " ANNA);
	tell("notice 12");
	first = notice_id(next(as_anna, "Notice"));
	tell("remove 12");
	CHECK(notice_id(next(as_anna, "NoticeClosed")) == first);
	heard(as_root, "", 50);
}

static void news_about_a_job_outlive_it(void)
{
	tell("add 13 " ANNA);
	tell("news 13");
	CHECK(hears(as_anna, "Notice", 1));
	tell("remove 13");
	CHECK(heard(as_anna, "NoticeClosed", 150) == 0);
}

static void only_an_agent_of_that_user_can_be_asked(void)
{
	DBusConnection *agent = client(anna.pw_uid);

	CHECK(!strcmp(tell("can-ask " ANNA), "no"));
	CHECK(subscribe(agent, true));
	CHECK(!strcmp(tell("can-ask " ANNA), "yes"));
	CHECK(!strcmp(tell("can-ask " BERT), "no"));
	CHECK(!strcmp(tell("can-ask root"), "no"));
	CHECK(IS(ask(agent, ROOT_PATH, MANAGER, "Unsubscribe", DBUS_TYPE_INVALID), ""));
	CHECK(!strcmp(tell("can-ask " ANNA), "no"));
	CHECK(subscribe(agent, true));
	leave(agent);
	for (int i = 0; i < 100 && strcmp(tell("can-ask " ANNA), "no") != 0; i++)
		nap_ms(50);
	CHECK(!strcmp(tell("can-ask " ANNA), "no"));
}

static void unsubscribed_hears_no_more(void)
{
	CHECK(IS(ask(as_anna, ROOT_PATH, MANAGER, "Unsubscribe", DBUS_TYPE_INVALID), ""));
	heard(as_anna, "", 50);
	tell("change 1");
	CHECK(heard(as_anna, "", 100) == 0);
	CHECK(subscribe(as_anna, false));
}

/* ---- the bus's own policy ---- */

static int request_name(uid_t uid)
{
	DBusConnection *c = client(uid);
	DBusError e = DBUS_ERROR_INIT;
	int r = dbus_bus_request_name(c, "org.stillprint", DBUS_NAME_FLAG_DO_NOT_QUEUE, &e);

	if (dbus_error_has_name(&e, DBUS_ERROR_ACCESS_DENIED))
		r = -1;
	dbus_error_free(&e);
	leave(c);
	return r;
}

static void only_its_own_account_and_root_may_have_the_name(void)
{
	CHECK(request_name(anna.pw_uid) == -1);
	CHECK(request_name(bert.pw_uid) == -1);
	CHECK(request_name(0) == DBUS_REQUEST_NAME_REPLY_EXISTS);
	CHECK(request_name(getpwnam("lp")->pw_uid) == DBUS_REQUEST_NAME_REPLY_EXISTS);
}

static void only_declared_interfaces_get_through(void)
{
	CHECK(IS(ask(as_anna, ROOT_PATH, "org.example.Other", "Status", DBUS_TYPE_INVALID),
		DBUS_ERROR_ACCESS_DENIED));
	CHECK(IS(ask(as_anna, ROOT_PATH, NULL, "Status", DBUS_TYPE_INVALID),
		DBUS_ERROR_ACCESS_DENIED));
	CHECK(IS(ask(as_anna, ROOT_PATH, DBUS_INTERFACE_PEER, "Ping", DBUS_TYPE_INVALID), ""));
}

static void a_second_daemon_is_told_that_the_name_is_taken(void)
{
	pid_t first = engine_pid;
	FILE *to = to_engine, *from = from_engine;
	int status = 0;

	CHECK(!strcmp(start_engine(), ""));
	waitpid(engine_pid, &status, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 75);
	fclose(to_engine);
	fclose(from_engine);
	engine_pid = first;
	to_engine = to;
	from_engine = from;
}

/* ---- the bus goes away ---- */

static void leave_all(void)
{
	leave(as_anna);
	leave(as_bert);
	leave(as_root);
}

static bool is_back(void)
{
	bool back = false;

	for (int i = 0; i < 400 && !back; i++) {
		back = IS(ask(as_anna, ROOT_PATH, MANAGER, "Status", DBUS_TYPE_INVALID), "");
		if (!back)
			nap_ms(50);
	}
	return back;
}

static void join_all(void)
{
	as_anna = client(anna.pw_uid);
	as_bert = client(bert.pw_uid);
	as_root = client(0);
}

static void the_daemon_outlives_the_bus_and_comes_back(void)
{
	for (int round = 0; round < 2; round++) {
		DBusMessage *m = call_new(ROOT_PATH, MANAGER, "Check");

		dbus_connection_send(as_anna, m, NULL);
		dbus_connection_flush(as_anna);
		dbus_message_unref(m);
		leave_all();
		stop(&bus_pid, SIGKILL);
		for (int i = 0; i < 100 && strcmp(tell("can-ask " ANNA), "no") != 0; i++)
			nap_ms(50);
		CHECK(!strcmp(tell("can-ask " ANNA), "no"));
		tell("change 1");
		tell("notice 1");
		start_bus();
		join_all();
		CHECK(is_back());
		CHECK(subscribe(as_anna, true));
		CHECK(!strcmp(tell("can-ask " ANNA), "yes"));
		tell("change 1");
		CHECK(hears(as_anna, "PropertiesChanged", 1));
	}
}

static void a_stopped_bus_does_not_stop_the_daemon(void)
{
	int64_t begun = now_ms(), took;
	pid_t rescuer;

	kill(bus_pid, SIGSTOP);
	rescuer = fork(); /* a daemon that waits is a failure, but not for ever */
	if (rescuer == 0) {
		sleep(10);
		kill(bus_pid, SIGCONT);
		_exit(0);
	}
	for (int i = 0; i < 600; i++) /* more than a socket takes */
		tell("change 1");
	took = now_ms() - begun;
	CHECK(took < 8000);
	kill(bus_pid, SIGCONT);
	CHECK(hears(as_anna, "PropertiesChanged", 600));
	stop(&rescuer, SIGKILL);
}

static void a_daemon_without_a_bus_waits_for_one(void)
{
	leave_all();
	CHECK(stop_engine() == 0);
	stop(&bus_pid, SIGTERM);
	CHECK(!strcmp(start_engine(), "ready\n"));
	start_bus();
	join_all();
	CHECK(is_back());
}

int main(int argc, char **argv)
{
	const char *why = set_up(argv[0]);

	(void)argc;
	if (why) {
		printf("ok 1 - bus signals # SKIP %s\n1..1\n", why);
		return 0;
	}
	start_bus();
	if (strcmp(start_engine(), "ready\n") != 0)
		return 1;
	join_all();
	RUN(nothing_is_told_to_those_who_did_not_subscribe);
	RUN(signals_about_a_job_reach_its_owner_and_root_alone);
	RUN(jobs_come_and_go_for_their_owner);
	RUN(queues_are_everybodys_and_can_go);
	RUN(changed_properties_leave_out_those_that_never_change);
	RUN(a_notice_is_for_the_user_concerned_alone);
	RUN(a_notice_closes_when_its_question_is_answered);
	RUN(news_about_a_job_outlive_it);
	RUN(only_an_agent_of_that_user_can_be_asked);
	RUN(unsubscribed_hears_no_more);
	RUN(only_its_own_account_and_root_may_have_the_name);
	RUN(only_declared_interfaces_get_through);
	RUN(a_second_daemon_is_told_that_the_name_is_taken);
	RUN(the_daemon_outlives_the_bus_and_comes_back);
	RUN(a_stopped_bus_does_not_stop_the_daemon);
	RUN(a_daemon_without_a_bus_waits_for_one);
	leave_all();
	tear_down();
	return tap_done();
}
