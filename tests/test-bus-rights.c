/* SPDX-License-Identifier: Apache-2.0 */
/* test-bus-rights - what the daemon asks polkit, and what it makes of the answers; polkit is played here, word by word. The
 * real one is in tests/system/t6400-polkit.sh. */
#include "test-bus.h"

#define POLKIT "org.freedesktop.PolicyKit1"

static DBusConnection *as_anna, *as_bert, *polkit;

/* What polkit was asked last, and how often. */
static struct {
	unsigned checks, cancels;
	char action[128], subject[128], cancel_id[64], canceled[64];
	dbus_uint32_t flags;
	DBusMessage *held; /* unanswered */
} asked;
static enum { YES, NO, CHALLENGE, SILENT, ERROR, GARBAGE, SHORT } mood, mood_asked;

static void answer_check(DBusMessage *m, int how)
{
	DBusMessage *r = how == ERROR ? dbus_message_new_error(m, POLKIT ".Error.Failed", "no")
				      : dbus_message_new_method_return(m);
	dbus_bool_t yes = how == YES, challenge = how == CHALLENGE;
	const char *word = "yes";
	DBusMessageIter it, result, details;

	dbus_message_iter_init_append(r, &it);
	if (how == GARBAGE) {
		dbus_message_iter_append_basic(&it, DBUS_TYPE_STRING, &word);
	} else if (how == SHORT) {
		yes = TRUE;
		dbus_message_iter_append_basic(&it, DBUS_TYPE_BOOLEAN, &yes);
	} else if (how != ERROR) {
		dbus_message_iter_open_container(&it, DBUS_TYPE_STRUCT, NULL, &result);
		dbus_message_iter_append_basic(&result, DBUS_TYPE_BOOLEAN, &yes);
		dbus_message_iter_append_basic(&result, DBUS_TYPE_BOOLEAN, &challenge);
		dbus_message_iter_open_container(&result, DBUS_TYPE_ARRAY, "{ss}", &details);
		dbus_message_iter_close_container(&result, &details);
		dbus_message_iter_close_container(&it, &result);
	}
	dbus_connection_send(polkit, r, NULL);
	dbus_message_unref(r);
}

static void hear_check(DBusMessage *m)
{
	const char *kind = "", *name = "", *action = "", *cancel = "";
	DBusMessageIter it, subject, dict, entry, value;

	CHECK(dbus_message_has_signature(m, "(sa{sv})sa{ss}us"));
	dbus_message_iter_init(m, &it);
	dbus_message_iter_recurse(&it, &subject);
	dbus_message_iter_get_basic(&subject, &kind);
	dbus_message_iter_next(&subject);
	dbus_message_iter_recurse(&subject, &dict);
	dbus_message_iter_recurse(&dict, &entry);
	dbus_message_iter_next(&entry);
	dbus_message_iter_recurse(&entry, &value);
	dbus_message_iter_get_basic(&value, &name);
	dbus_message_iter_next(&it);
	dbus_message_iter_get_basic(&it, &action);
	dbus_message_iter_next(&it);
	dbus_message_iter_next(&it);
	dbus_message_iter_get_basic(&it, &asked.flags);
	dbus_message_iter_next(&it);
	dbus_message_iter_get_basic(&it, &cancel);
	CHECK(!strcmp(kind, "system-bus-name"));
	snprintf(asked.subject, sizeof(asked.subject), "%s", name);
	snprintf(asked.action, sizeof(asked.action), "%s", action);
	snprintf(asked.cancel_id, sizeof(asked.cancel_id), "%s", cancel);
	asked.checks++;
}

static void serve(void)
{
	DBusMessage *m;
	const char *id = "";

	dbus_connection_read_write(polkit, 5);
	while ((m = dbus_connection_pop_message(polkit))) {
		if (dbus_message_is_method_call(m, POLKIT ".Authority", "CheckAuthorization")) {
			int how;

			hear_check(m);
			how = asked.flags ? mood_asked : mood;
			if (how == SILENT && !asked.held)
				asked.held = dbus_message_ref(m);
			else if (how != SILENT)
				answer_check(m, how);
		} else if (dbus_message_is_method_call(
				   m, POLKIT ".Authority", "CancelCheckAuthorization")) {
			dbus_message_get_args(m, NULL, DBUS_TYPE_STRING, &id, DBUS_TYPE_INVALID);
			snprintf(asked.canceled, sizeof(asked.canceled), "%s", id);
			asked.cancels++;
		}
		dbus_message_unref(m);
	}
}

static void listen_anew(int first, int second)
{
	serve();
	if (asked.held)
		dbus_message_unref(asked.held);
	memset(&asked, 0, sizeof(asked));
	mood = first;
	mood_asked = second;
}

static DBusPendingCall *send_call(DBusConnection *c, DBusMessage *m, bool interactive)
{
	DBusPendingCall *p = NULL;

	dbus_message_set_allow_interactive_authorization(m, interactive);
	dbus_connection_send_with_reply(c, m, &p, 20000);
	dbus_connection_flush(c);
	dbus_message_unref(m);
	return p;
}

/* Its answer, while polkit is played. */
static const char *result_of(DBusConnection *c, DBusPendingCall *p)
{
	int64_t until = now_ms() + 30000;
	const char *name;

	while (!dbus_pending_call_get_completed(p) && now_ms() < until) {
		serve();
		dbus_connection_read_write_dispatch(c, 5);
	}
	name = error_of(dbus_pending_call_steal_reply(p));
	dbus_pending_call_unref(p);
	return name;
}

static const char *reload(bool interactive)
{
	return result_of(
		as_anna, send_call(as_anna, call_new(ROOT_PATH, MANAGER, "Reload"), interactive));
}

static DBusMessage *job_call(const char *path, const char *method)
{
	DBusMessage *m = call_new(path, JOB, method);
	DBusMessageIter it, dict;

	if (strcmp(method, "Release") != 0 && strcmp(method, "PrintAgain") != 0)
		return m;
	dbus_message_iter_init_append(m, &it);
	dbus_message_iter_open_container(&it, DBUS_TYPE_ARRAY, "{sv}", &dict);
	dbus_message_iter_close_container(&it, &dict);
	return m;
}

static const char *act(const char *path, const char *method)
{
	return result_of(as_anna, send_call(as_anna, job_call(path, method), false));
}

/* So often the engine was asked to do something. */
static int acts_done(void)
{
	return atoi(tell("asked"));
}

static void polkit_is_asked_about_the_caller_and_the_action(void)
{
	listen_anew(YES, YES);
	CHECK(!strcmp(reload(false), "") && !strcmp(tell("last"), "reload"));
	CHECK(asked.checks == 1 && asked.flags == 0 && !asked.cancel_id[0]);
	CHECK(!strcmp(asked.subject, dbus_bus_get_unique_name(as_anna)));
	CHECK(!strcmp(asked.action, "org.stillprint.manage"));
	CHECK(!strcmp(act(ROOT_PATH "/jobs/3", "Cancel"), ""));
	CHECK(!strcmp(asked.action, "org.stillprint.release-others"));
	CHECK(!strcmp(tell("last"), "cancel 3 by=user:" ANNA));
	CHECK(!strcmp(act(ROOT_PATH "/jobs/3", "Why"), ""));
	CHECK(!strcmp(asked.action, "org.stillprint.view-others") && asked.checks == 3);
}

static void ones_own_jobs_need_no_polkit(void)
{
	listen_anew(NO, NO);
	CHECK(!strcmp(act(ROOT_PATH "/jobs/1", "Why"), ""));
	CHECK(!strcmp(act(ROOT_PATH "/jobs/1", "Cancel"), "") && asked.checks == 0);
}

static void every_answer_but_yes_is_no(void)
{
	const int moods[] = {NO, ERROR, GARBAGE, SHORT};
	int before;

	for (int i = 0; i < 4; i++) {
		listen_anew(moods[i], moods[i]);
		before = acts_done();
		CHECK(!strcmp(reload(true), DBUS_ERROR_ACCESS_DENIED));
		CHECK(asked.checks == 1 && acts_done() == before);
	}
}

static void a_password_is_asked_only_where_the_caller_allows_it(void)
{
	listen_anew(CHALLENGE, YES);
	CHECK(!strcmp(reload(false), DBUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED));
	CHECK(asked.checks == 1);
	CHECK(!strcmp(reload(true), ""));
	CHECK(asked.checks == 3 && asked.flags == 1 && asked.cancel_id[0]);
	listen_anew(CHALLENGE, NO);
	CHECK(!strcmp(reload(true), DBUS_ERROR_ACCESS_DENIED) && asked.checks == 2);
	listen_anew(CHALLENGE, CHALLENGE);
	CHECK(!strcmp(reload(true), DBUS_ERROR_ACCESS_DENIED) && asked.checks == 2);
}

static void who_leaves_takes_his_question_back(void)
{
	DBusConnection *c = client(anna.pw_uid);
	DBusPendingCall *p;
	int64_t until = now_ms() + 10000;
	int before = acts_done();

	listen_anew(CHALLENGE, SILENT);
	p = send_call(c, call_new(ROOT_PATH, MANAGER, "Reload"), true);
	while (asked.checks < 2 && now_ms() < until)
		serve();
	CHECK(asked.checks == 2 && asked.held);
	dbus_pending_call_cancel(p);
	dbus_pending_call_unref(p);
	leave(c);
	while (!asked.cancels && now_ms() < until)
		serve();
	CHECK(asked.cancels == 1 && !strcmp(asked.canceled, asked.cancel_id));
	/* A yes that comes now is nobody's. */
	answer_check(asked.held, YES);
	dbus_connection_flush(polkit);
	CHECK(!strcmp(act(ROOT_PATH "/jobs/1", "Why"), "") && acts_done() == before);
}

static void a_silent_polkit_holds_up_nobody_else(void)
{
	DBusPendingCall *p[65];
	unsigned limited = 0;

	listen_anew(SILENT, SILENT);
	for (int i = 0; i < 65; i++)
		p[i] = send_call(as_anna, call_new(ROOT_PATH, MANAGER, "Reload"), true);
	/* Bert is answered while all of them wait. */
	CHECK(!strcmp(
		result_of(as_bert, send_call(as_bert, job_call(ROOT_PATH "/jobs/3", "Why"), false)),
		""));
	for (int i = 0; i < 65; i++) {
		const char *error = result_of(as_anna, p[i]);

		limited += !strcmp(error, DBUS_ERROR_LIMITS_EXCEEDED);
		CHECK(!strcmp(error, DBUS_ERROR_LIMITS_EXCEEDED) ||
			!strcmp(error, DBUS_ERROR_ACCESS_DENIED));
	}
	CHECK(limited == 1);
	listen_anew(YES, YES);
	CHECK(!strcmp(reload(false), ""));
}

static void append_random(DBusMessageIter *it, const char *signature)
{
	const char *words[] = {"", "1", "carl", ":1.1", "../../etc/passwd", "%n%s", "\xc3\xa9"};
	const char *word = words[rand() % 7];
	dbus_int64_t x = (dbus_int64_t)rand() << 33 | rand();
	dbus_uint32_t u = (dbus_uint32_t)rand();
	dbus_bool_t b = rand() % 2;
	DBusMessageIter array;

	for (; *signature; signature++) {
		if (*signature == 's') {
			dbus_message_iter_append_basic(it, DBUS_TYPE_STRING, &word);
		} else if (*signature == 'u') {
			dbus_message_iter_append_basic(it, DBUS_TYPE_UINT32, &u);
		} else if (*signature == 'x') {
			dbus_message_iter_append_basic(it, DBUS_TYPE_INT64, &x);
		} else if (*signature == 'b') {
			dbus_message_iter_append_basic(it, DBUS_TYPE_BOOLEAN, &b);
		} else if (!strncmp(signature, "as", 2)) {
			dbus_message_iter_open_container(it, DBUS_TYPE_ARRAY, "s", &array);
			for (int n = rand() % 12; n > 0; n--)
				dbus_message_iter_append_basic(&array, DBUS_TYPE_STRING, &word);
			dbus_message_iter_close_container(it, &array);
			signature++;
		} else {
			dbus_message_iter_open_container(it, DBUS_TYPE_ARRAY, "{sv}", &array);
			dbus_message_iter_close_container(it, &array);
			return;
		}
	}
}

/* Whatever bert calls on anna's jobs, in whatever form: refused, the same as for a job that is not there. */
static void no_method_with_any_arguments_reaches_anothers_job(void)
{
	static const char *const methods[] = {
		"Release", "Cancel", "PrintAgain", "Act", "Delegate", "Why", "Destroy"};
	static const char *const signatures[] = {"", "s", "as", "a{sv}", "u", "sxs", "b", "ss"};
	unsigned existing = 0, missing = 0;

	int before_all = acts_done();

	listen_anew(NO, NO);
	srand(4711);
	for (int i = 0; i < 250; i++) {
		const char *method = methods[rand() % 7], *signature = signatures[rand() % 8];
		char here[256] = "";
		unsigned before = asked.checks;

		for (int there = 1; there >= 0; there--) {
			DBusMessage *m = call_new(
				there ? ROOT_PATH "/jobs/1" : ROOT_PATH "/jobs/4000", JOB, method);
			DBusMessageIter it;
			const char *error;

			srand((unsigned)i);
			dbus_message_iter_init_append(m, &it);
			append_random(&it, signature);
			error = result_of(as_bert, send_call(as_bert, m, rand() % 2));
			CHECK(*error);
			if (there)
				snprintf(here, sizeof(here), "%s", error);
			else
				CHECK(!strcmp(here, error));
			if (there)
				existing += asked.checks - before;
			else
				missing += asked.checks - before;
			before = asked.checks;
		}
		srand((unsigned)i + 5000);
	}
	CHECK(existing > 0 && existing == missing);
	CHECK(acts_done() == before_all);
}

static bool play_polkit(void)
{
	char command[600];

	snprintf(command, sizeof(command),
		"sed -i 's|</busconfig>|<policy user=\"root\"><allow own=\"" POLKIT "\"/></policy>"
		"<policy context=\"default\"><allow send_destination=\"" POLKIT
		"\"/></policy></busconfig>|' "
		"%s/bus.conf",
		dir);
	return system(command) == 0;
}

int main(int argc, char **argv)
{
	const char *why = set_up(argv[0]);

	(void)argc;
	if (why) {
		printf("ok 1 - bus # SKIP %s\n1..1\n", why);
		return 0;
	}
	if (!play_polkit())
		return 1;
	start_bus();
	if (strcmp(start_engine(), "ready\n") != 0)
		return 1;
	as_anna = client(anna.pw_uid);
	as_bert = client(bert.pw_uid);
	polkit = client(0);
	if (dbus_bus_request_name(polkit, POLKIT, 0, NULL) != DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER)
		return 1;
	RUN(polkit_is_asked_about_the_caller_and_the_action);
	RUN(ones_own_jobs_need_no_polkit);
	RUN(every_answer_but_yes_is_no);
	RUN(a_password_is_asked_only_where_the_caller_allows_it);
	RUN(who_leaves_takes_his_question_back);
	RUN(a_silent_polkit_holds_up_nobody_else);
	RUN(no_method_with_any_arguments_reaches_anothers_job);
	leave(as_anna);
	leave(as_bert);
	leave(polkit);
	tear_down();
	return tap_done();
}
