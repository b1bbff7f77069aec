/* SPDX-License-Identifier: Apache-2.0 */
/* bus-idle - on a public computer: asks logind now and then who has not touched it for long, and tells the engine once.
 *
 * org.freedesktop.login1(5): ListUsers, then each user's IdleHint and IdleSinceHintMonotonic (microseconds). One question
 * at a time; without logind there is nobody to ask, and nothing happens. */
#include <errno.h>
#include <string.h>

#include "base/mono.h"
#include "bus-impl.h"
#include "must.h"

#define LOGIN1 "org.freedesktop.login1"

enum { LOOK_MS = 5000, ANSWER_MS = 2000, USERS_MAX = 64 };

struct idle_user {
	uint32_t uid;
	char name[256];
	char path[256];
	uint64_t since_us; /* of the absence that the engine knows; 0: there */
};

struct bus_idle {
	struct bus *bus;
	sd_event_source *timer;
	DBusPendingCall *pending;
	struct idle_user user[USERS_MAX], before[USERS_MAX];
	unsigned count, before_count, at; /* at: whose properties are asked for */
};

static void ask_next(struct bus_idle *i);

static void forget_call(struct bus_idle *i)
{
	if (!i->pending)
		return;
	dbus_pending_call_cancel(i->pending);
	dbus_pending_call_unref(i->pending);
	i->pending = NULL;
}

/* Consumes @m. @done has i->pending's answer. */
static bool ask(struct bus_idle *i, DBusMessage *m, DBusPendingCallNotifyFunction done)
{
	bool ok = m && dbus_connection_send_with_reply(i->bus->c, m, &i->pending, ANSWER_MS) &&
		  i->pending && dbus_pending_call_set_notify(i->pending, done, i, NULL);

	if (m)
		dbus_message_unref(m);
	if (!ok)
		forget_call(i);
	return ok;
}

/* The answer, or NULL if it is an error. */
static DBusMessage *take_answer(struct bus_idle *i, DBusPendingCall *pending)
{
	DBusMessage *answer = dbus_pending_call_steal_reply(pending);

	dbus_pending_call_unref(pending);
	i->pending = NULL;
	if (answer && dbus_message_get_type(answer) == DBUS_MESSAGE_TYPE_ERROR) {
		dbus_message_unref(answer);
		return NULL;
	}
	return answer;
}

/* ---- one user ---- */

static void read_hint(DBusMessageIter *entry, bool *idle, uint64_t *since_us)
{
	DBusMessageIter value;
	const char *name;
	dbus_bool_t flag;
	dbus_uint64_t at;

	dbus_message_iter_get_basic(entry, &name);
	dbus_message_iter_next(entry);
	dbus_message_iter_recurse(entry, &value);
	if (!strcmp(name, "IdleHint") &&
		dbus_message_iter_get_arg_type(&value) == DBUS_TYPE_BOOLEAN) {
		dbus_message_iter_get_basic(&value, &flag);
		*idle = flag;
	} else if (!strcmp(name, "IdleSinceHintMonotonic") &&
		   dbus_message_iter_get_arg_type(&value) == DBUS_TYPE_UINT64) {
		dbus_message_iter_get_basic(&value, &at);
		*since_us = at;
	}
}

/* Since when he is idle, in logind's microseconds; 0: he is not, or nobody can tell. */
static uint64_t idle_since(DBusMessage *answer)
{
	DBusMessageIter it, entries, entry;
	bool idle = false;
	uint64_t since_us = 0;

	if (!answer || !dbus_message_has_signature(answer, "a{sv}"))
		return 0;
	dbus_message_iter_init(answer, &it);
	for (dbus_message_iter_recurse(&it, &entries);
		dbus_message_iter_get_arg_type(&entries) == DBUS_TYPE_DICT_ENTRY;
		dbus_message_iter_next(&entries)) {
		dbus_message_iter_recurse(&entries, &entry);
		read_hint(&entry, &idle, &since_us);
	}
	return idle ? since_us : 0;
}

static uint64_t known_since(const struct bus_idle *i, const struct idle_user *u)
{
	for (unsigned k = 0; k < i->before_count; k++)
		if (i->before[k].uid == u->uid)
			return i->before[k].since_us;
	return 0;
}

static void on_user(DBusPendingCall *pending, void *arg)
{
	struct bus_idle *i = arg;
	struct idle_user *u = &i->user[i->at++];
	DBusMessage *answer = take_answer(i, pending);
	uint64_t since_us = idle_since(answer), now_us = (uint64_t)mono_ms() * 1000;
	int32_t after_s = engine_public_idle_s(i->bus->e);

	if (answer)
		dbus_message_unref(answer);
	if (since_us && after_s && now_us > since_us &&
		now_us - since_us >= (uint64_t)after_s * 1000000) {
		u->since_us = since_us;
		if (known_since(i, u) != since_us)
			engine_user_is_away(i->bus->e, u->uid, u->name);
	}
	ask_next(i);
}

static void ask_next(struct bus_idle *i)
{
	static const char *interface = LOGIN1 ".User";
	DBusMessage *m;

	while (i->at < i->count) {
		m = dbus_message_new_method_call(
			LOGIN1, i->user[i->at].path, DBUS_INTERFACE_PROPERTIES, "GetAll");
		if (m)
			dbus_message_append_args(
				m, DBUS_TYPE_STRING, &interface, DBUS_TYPE_INVALID);
		if (ask(i, m, on_user))
			return;
		i->at++;
	}
}

/* ---- all of them ---- */

static void read_user(struct bus_idle *i, DBusMessageIter *entry)
{
	struct idle_user *u = &i->user[i->count];
	const char *name, *path;
	dbus_uint32_t uid;

	dbus_message_iter_get_basic(entry, &uid);
	dbus_message_iter_next(entry);
	dbus_message_iter_get_basic(entry, &name);
	dbus_message_iter_next(entry);
	dbus_message_iter_get_basic(entry, &path);
	if (strlen(name) >= sizeof(u->name) || strlen(path) >= sizeof(u->path))
		return;
	*u = (struct idle_user){.uid = uid};
	strcpy(u->name, name);
	strcpy(u->path, path);
	i->count++;
}

static void on_users(DBusPendingCall *pending, void *arg)
{
	struct bus_idle *i = arg;
	DBusMessage *answer = take_answer(i, pending);
	DBusMessageIter it, list, entry;

	if (!answer)
		return;
	memcpy(i->before, i->user, sizeof(i->before));
	i->before_count = i->count;
	i->count = i->at = 0;
	if (dbus_message_has_signature(answer, "a(uso)")) {
		dbus_message_iter_init(answer, &it);
		for (dbus_message_iter_recurse(&it, &list);
			i->count < USERS_MAX &&
			dbus_message_iter_get_arg_type(&list) == DBUS_TYPE_STRUCT;
			dbus_message_iter_next(&list)) {
			dbus_message_iter_recurse(&list, &entry);
			read_user(i, &entry);
		}
	}
	dbus_message_unref(answer);
	ask_next(i);
}

static int look(sd_event_source *source, uint64_t at_us, void *arg)
{
	struct bus_idle *i = arg;

	(void)at_us;
	sd_event_source_set_time_relative(source, (uint64_t)LOOK_MS * 1000);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	if (i->bus->c && !i->pending && engine_public_idle_s(i->bus->e))
		ask(i,
			dbus_message_new_method_call(
				LOGIN1, "/org/freedesktop/login1", LOGIN1 ".Manager", "ListUsers"),
			on_users);
	return 0;
}

int bus_idle_init(struct bus *b)
{
	struct bus_idle *i = must(calloc(1, sizeof(*i)));

	i->bus = b;
	b->idle = i;
	return sd_event_add_time_relative(
		b->loop, &i->timer, CLOCK_MONOTONIC, (uint64_t)LOOK_MS * 1000, 0, look, i);
}

void bus_idle_down(struct bus *b)
{
	if (b->idle)
		forget_call(b->idle);
}

void bus_idle_fini(struct bus *b)
{
	if (!b->idle)
		return;
	forget_call(b->idle);
	sd_event_source_unref(b->idle->timer);
	free(b->idle);
	b->idle = NULL;
}
