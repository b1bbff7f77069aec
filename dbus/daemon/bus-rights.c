/* SPDX-License-Identifier: Apache-2.0 */
/* bus-rights - may this caller do what is root's or another user's? polkit is asked, and nothing waits for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bus-impl.h"

#define POLKIT "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_AUTHORITY POLKIT ".Authority"

enum {
	ANSWER_MS = 3000, /* what the rules say */
	PASSWORD_MS = 110000, /* somebody types a password; below what our command line waits */
	QUESTIONS_MAX = 128, /* under way, of all users */
	FLAG_INTERACTIVE = 1,
};

static const struct {
	const char *action, *otherwise;
} rights[] = {
	[RIGHT_VIEW_OTHERS] = {BUS_NAME ".view-others", "Only the administrator sees everybody's"},
	[RIGHT_RELEASE_OTHERS] = {BUS_NAME ".release-others",
		"Only the administrator touches other users' jobs"},
	[RIGHT_CHANGE_FALLBACK] = {BUS_NAME ".change-fallback",
		"Only the administrator names fallback printers for everybody"},
	[RIGHT_MANAGE] = {BUS_NAME ".manage", "Only the administrator may do this"},
};

/* A call that waits for polkit's word. */
struct bus_question {
	struct bus *bus;
	struct bus_user *user;
	DBusMessage *m; /* the call */
	enum bus_right right;
	char cancel[32]; /* polkit's name for what it is asking a person, "" if it asks nobody */
	DBusPendingCall *asking;
	struct bus_question *next;
};

static void question_free(struct bus_question *q)
{
	struct bus_question **at = &q->bus->questions;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	if (q->asking) {
		dbus_pending_call_cancel(q->asking);
		dbus_pending_call_unref(q->asking);
	}
	q->user->calls--;
	bus_user_unref(q->bus, q->user);
	dbus_message_unref(q->m);
	free(q);
}

static DBusMessage *polkit_call(const char *member)
{
	DBusMessage *m =
		dbus_message_new_method_call(POLKIT, POLKIT_PATH, POLKIT_AUTHORITY, member);

	if (m)
		dbus_message_set_auto_start(m, TRUE);
	return m;
}

/* Nobody waits for the password any more. */
static void take_back(const struct bus_question *q)
{
	const char *id = q->cancel;
	DBusMessage *m = *id && q->bus->c ? polkit_call("CancelCheckAuthorization") : NULL;

	if (!m)
		return;
	dbus_message_set_no_reply(m, TRUE);
	if (dbus_message_append_args(m, DBUS_TYPE_STRING, &id, DBUS_TYPE_INVALID))
		dbus_connection_send(q->bus->c, m, NULL);
	dbus_message_unref(m);
}

/* (sa{sv}) ("system-bus-name", {"name": the connection that sent the call}): the bus vouches for who that is. */
static bool append_subject(DBusMessageIter *it, const char *sender)
{
	static const char kind[] = "system-bus-name", key[] = "name";
	const char *kind_p = kind, *key_p = key;
	DBusMessageIter subject, dict, entry, value;

	return dbus_message_iter_open_container(it, DBUS_TYPE_STRUCT, NULL, &subject) &&
	       dbus_message_iter_append_basic(&subject, DBUS_TYPE_STRING, &kind_p) &&
	       dbus_message_iter_open_container(&subject, DBUS_TYPE_ARRAY, "{sv}", &dict) &&
	       dbus_message_iter_open_container(&dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
	       dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key_p) &&
	       dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "s", &value) &&
	       dbus_message_iter_append_basic(&value, DBUS_TYPE_STRING, &sender) &&
	       dbus_message_iter_close_container(&entry, &value) &&
	       dbus_message_iter_close_container(&dict, &entry) &&
	       dbus_message_iter_close_container(&subject, &dict) &&
	       dbus_message_iter_close_container(it, &subject);
}

static bool append_question(DBusMessage *m, const struct bus_question *q)
{
	const char *action = rights[q->right].action, *cancel = q->cancel;
	dbus_uint32_t flags = *cancel ? FLAG_INTERACTIVE : 0;
	DBusMessageIter it, details;

	dbus_message_iter_init_append(m, &it);
	return append_subject(&it, dbus_message_get_sender(q->m)) &&
	       dbus_message_iter_append_basic(&it, DBUS_TYPE_STRING, &action) &&
	       dbus_message_iter_open_container(&it, DBUS_TYPE_ARRAY, "{ss}", &details) &&
	       dbus_message_iter_close_container(&it, &details) &&
	       dbus_message_iter_append_basic(&it, DBUS_TYPE_UINT32, &flags) &&
	       dbus_message_iter_append_basic(&it, DBUS_TYPE_STRING, &cancel);
}

static void on_answer(DBusPendingCall *pending, void *arg);

static bool question_send(struct bus_question *q)
{
	DBusMessage *m = polkit_call("CheckAuthorization");
	bool ok = m && append_question(m, q) &&
		  dbus_connection_send_with_reply(
			  q->bus->c, m, &q->asking, *q->cancel ? PASSWORD_MS : ANSWER_MS) &&
		  q->asking;

	if (m)
		dbus_message_unref(m);
	return ok && dbus_pending_call_set_notify(q->asking, on_answer, q, NULL);
}

/* (bba{ss}): authorized, a person could authenticate for it. False for anything else. */
static bool read_answer(DBusMessage *answer, dbus_bool_t *authorized, dbus_bool_t *challenge)
{
	DBusMessageIter it, result;

	*authorized = *challenge = FALSE;
	if (!answer || dbus_message_get_type(answer) != DBUS_MESSAGE_TYPE_METHOD_RETURN ||
		!dbus_message_has_signature(answer, "(bba{ss})"))
		return false;
	dbus_message_iter_init(answer, &it);
	dbus_message_iter_recurse(&it, &result);
	dbus_message_iter_get_basic(&result, authorized);
	dbus_message_iter_next(&result);
	dbus_message_iter_get_basic(&result, challenge);
	return true;
}

static void refuse(const struct bus_question *q, bool answered, bool challenge)
{
	bool may_ask = dbus_message_get_allow_interactive_authorization(q->m);
	const char *error = DBUS_ERROR_ACCESS_DENIED, *how = "run it with sudo.";
	char text[256];

	/* No word about whether there is such a job. */
	if (bus_refuse_absent_job(q->bus->c, q->m))
		return;
	if (!answered)
		how = "run it with sudo (polkit, which could allow it, does not answer).";
	else if (challenge && !may_ask)
		error = DBUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED;
	else if (challenge)
		how = "his password was not given; on a terminal run it with sudo.";
	snprintf(text, sizeof(text), "%s: %s", rights[q->right].otherwise, how);
	bus_refuse(q->bus->c, q->m, error, text);
}

static void on_answer(DBusPendingCall *pending, void *arg)
{
	struct bus_question *q = arg;
	DBusMessage *answer = dbus_pending_call_steal_reply(pending);
	dbus_bool_t authorized, challenge;
	bool answered = read_answer(answer, &authorized, &challenge);
	bool asked = *q->cancel;
	struct bus *b = q->bus;
	struct bus_peer *p = bus_peer_find(b, dbus_message_get_sender(q->m));

	if (answer)
		dbus_message_unref(answer);
	dbus_pending_call_unref(q->asking);
	q->asking = NULL;
	if (!answered)
		take_back(q);
	if (answered && authorized && p) {
		DBusMessage *m = dbus_message_ref(q->m);
		enum bus_right right = q->right;

		log_event(LOG_LVL_INFO, "bus event=allowed action=%s uid=%u", rights[right].action,
			(unsigned)q->user->uid);
		question_free(q);
		bus_call_dispatch(b, p, m, right);
		dbus_message_unref(m);
		return;
	}
	if (answered && challenge && !asked &&
		dbus_message_get_allow_interactive_authorization(q->m)) {
		snprintf(q->cancel, sizeof(q->cancel), "ask-%u", ++b->last_question);
		if (question_send(q))
			return;
	}
	if (!answered)
		log_event(
			LOG_LVL_WARNING, "bus event=no-polkit action=%s", rights[q->right].action);
	refuse(q, answered, challenge);
	question_free(q);
}

void bus_rights_ask(struct bus *b, struct bus_peer *p, DBusMessage *m, enum bus_right right)
{
	struct bus_question *q;
	unsigned count = 0;

	for (q = b->questions; q; q = q->next)
		count++;
	q = count < QUESTIONS_MAX ? calloc(1, sizeof(*q)) : NULL;
	if (!q) {
		bus_refuse(b->c, m, DBUS_ERROR_LIMITS_EXCEEDED,
			"Too many calls at once; wait for the answers.");
		return;
	}
	*q = (struct bus_question){.bus = b, .user = p->user, .right = right};
	q->m = dbus_message_ref(m);
	q->user->refs++;
	q->user->calls++;
	q->next = b->questions;
	b->questions = q;
	if (question_send(q))
		return;
	refuse(q, false, false);
	question_free(q);
}

void bus_rights_forget(struct bus *b, const char *name)
{
	for (struct bus_question *q = b->questions, *next; q; q = next) {
		next = q->next;
		if (strcmp(dbus_message_get_sender(q->m), name) != 0)
			continue;
		take_back(q);
		question_free(q);
	}
}
