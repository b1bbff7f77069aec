/* SPDX-License-Identifier: Apache-2.0 */
/* bus-call - one method call from its checks to its answer. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "bus-impl.h"

/* ---- answers ---- */

void bus_refuse(DBusConnection *c, DBusMessage *m, const char *error, const char *message)
{
	DBusMessage *reply;

	if (dbus_message_get_no_reply(m))
		return;
	reply = dbus_message_new_error(m, error, message);
	if (!reply || !dbus_connection_send(c, reply, NULL))
		log_event(LOG_LVL_ERROR, "bus event=no-answer error=ENOMEM");
	if (reply)
		dbus_message_unref(reply);
}

static void call_end(struct bus_call *call)
{
	if (call->bus) {
		call->user->calls--;
		bus_user_unref(call->bus, call->user);
		*call->at = call->next;
		if (call->next)
			call->next->at = call->at;
	}
	dbus_message_unref(call->m);
	dbus_connection_unref(call->c);
	free(call);
}

void bus_call_fail(struct bus_call *call, const char *error, const char *message)
{
	bus_refuse(call->c, call->m, error, message);
	call_end(call);
}

DBusMessage *bus_call_reply(struct bus_call *call, struct bus_out *o)
{
	DBusMessage *reply = dbus_message_new_method_return(call->m);

	if (reply)
		bus_out_init(o, reply);
	else
		bus_call_fail(call, DBUS_ERROR_NO_MEMORY, "Out of memory.");
	return reply;
}

void bus_call_send(struct bus_call *call, DBusMessage *reply, struct bus_out *o)
{
	bool ok = bus_out_finish(o);

	if (!ok) {
		bus_call_fail(call, DBUS_ERROR_NO_MEMORY, "Out of memory.");
	} else {
		assert(dbus_message_has_signature(reply, call->method->out));
		if (!dbus_message_get_no_reply(call->m) &&
			!dbus_connection_send(call->c, reply, NULL))
			log_event(LOG_LVL_ERROR, "bus event=no-answer error=ENOMEM");
		call_end(call);
	}
	dbus_message_unref(reply);
}

void bus_call_done(struct bus_call *call)
{
	struct bus_out o;
	DBusMessage *reply = bus_call_reply(call, &o);

	if (reply)
		bus_call_send(call, reply, &o);
}

const char *bus_error_name(enum engine_err err)
{
	switch (err) {
	case ENGINE_OK:
		return NULL;
	case ENGINE_E_NO_SUCH:
		return BUS_E_NO_SUCH;
	case ENGINE_E_STATE:
		return BUS_NAME ".Error.State";
	case ENGINE_E_ARGUMENT:
		return BUS_E_ARGUMENT;
	case ENGINE_E_POLICY:
		return BUS_NAME ".Error.Policy";
	case ENGINE_E_UNREACHABLE:
		return BUS_NAME ".Error.Unreachable";
	case ENGINE_E_UNSUPPORTED:
		return BUS_NAME ".Error.Unsupported";
	case ENGINE_E_INTERNAL:
		break;
	}
	return BUS_NAME ".Error.Internal";
}

void bus_call_answer(void *arg, enum engine_err err, const char *message, const struct rows *rows)
{
	struct bus_call *call = arg;
	struct bus_out o;
	DBusMessage *reply;

	if (!call->bus) { /* the bus was freed meanwhile */
		call_end(call);
		return;
	}
	if (!err && rows && rows->error) {
		err = ENGINE_E_INTERNAL;
		message = "Out of memory.";
	}
	if (err) {
		char text[BUS_TEXT_MAX];

		/* Not only safe to show: what is not UTF-8 would end the program in libdbus. */
		text_display(text, sizeof(text), message);
		bus_call_fail(call, bus_error_name(err), text);
		return;
	}
	reply = bus_call_reply(call, &o);
	if (!reply)
		return;
	if (!strcmp(call->method->out, "a{sv}"))
		bus_out_row(&o, rows && rows->count ? &rows->row[0] : NULL);
	else if (!strcmp(call->method->out, "aa{sv}"))
		bus_out_rows(&o, rows);
	bus_call_send(call, reply, &o);
}

const char *bus_call_decider(const struct bus_call *call, char out[320])
{
	snprintf(out, 320, "%s:%s", call->user->uid ? "user" : "admin", call->user->name);
	return out;
}

/* ---- checks that do not depend on who calls ---- */

/* Walks everything below @it. False when a string is too long or there are too many parts. */
static bool is_bounded(DBusMessageIter *it, unsigned *parts)
{
	for (int type; (type = dbus_message_iter_get_arg_type(it)) != DBUS_TYPE_INVALID;
		dbus_message_iter_next(it)) {
		if (++*parts > BUS_PARTS_MAX)
			return false;
		if (type == DBUS_TYPE_STRING || type == DBUS_TYPE_OBJECT_PATH ||
			type == DBUS_TYPE_SIGNATURE) {
			const char *s;

			dbus_message_iter_get_basic(it, &s);
			if (strnlen(s, BUS_TEXT_MAX + 1) > BUS_TEXT_MAX)
				return false;
		} else if (dbus_type_is_container(type)) {
			DBusMessageIter below;

			dbus_message_iter_recurse(it, &below);
			if (!is_bounded(&below, parts))
				return false;
		}
	}
	return true;
}

/* The row that @m calls; without an interface the first of that name. */
static const struct bus_method *find_method(DBusMessage *m, bool *known_interface)
{
	const char *interface = dbus_message_get_interface(m), *name = dbus_message_get_member(m);

	*known_interface = !interface;
	for (const struct bus_method *row = bus_methods; row->name; row++) {
		if (interface && strcmp(interface, row->interface) != 0)
			continue;
		*known_interface = true;
		if (!strcmp(name, row->name))
			return row;
	}
	for (const struct bus_interface *i = bus_interfaces; i->name && interface; i++)
		*known_interface |= !strcmp(i->name, interface);
	return NULL;
}

bool bus_call_is_sound(struct bus *b, DBusMessage *m)
{
	bool known_interface;
	const struct bus_method *row = find_method(m, &known_interface);
	char text[BUS_TEXT_MAX];
	DBusMessageIter it;
	unsigned parts = 0;

	if (!row) {
		bus_refuse(b->c, m,
			known_interface ? DBUS_ERROR_UNKNOWN_METHOD : DBUS_ERROR_UNKNOWN_INTERFACE,
			"There is no such method here; Introspect shows those that there are.");
		return false;
	}
	if (!dbus_message_has_signature(m, row->in)) {
		snprintf(text, sizeof(text), "%s takes arguments of signature \"%s\".", row->name,
			row->in);
		bus_refuse(b->c, m, DBUS_ERROR_INVALID_ARGS, text);
		return false;
	}
	dbus_message_iter_init(m, &it);
	if (!is_bounded(&it, &parts)) {
		snprintf(text, sizeof(text),
			"An argument is too long: at most %d octets and %d parts.", BUS_TEXT_MAX,
			BUS_PARTS_MAX);
		bus_refuse(b->c, m, BUS_E_ARGUMENT, text);
		return false;
	}
	return true;
}

/* ---- access, quota, dispatch ---- */

static bool is_job_path(const char *path)
{
	return !strncmp(path, BUS_JOBS_PATH "/", sizeof(BUS_JOBS_PATH));
}

bool bus_refuse_absent_job(DBusConnection *c, DBusMessage *m)
{
	const char *path = dbus_message_get_path(m);
	char text[64];

	if (!is_job_path(path))
		return false;
	snprintf(text, sizeof(text), "There is no job %.20s of yours.",
		path + sizeof(BUS_JOBS_PATH));
	bus_refuse(c, m, BUS_E_NO_SUCH, text);
	return true;
}

static void refuse_absent(struct bus *b, DBusMessage *m)
{
	const char *path = dbus_message_get_path(m);

	if (bus_refuse_absent_job(b->c, m))
		return;
	if (!strncmp(path, BUS_QUEUES_PATH "/", sizeof(BUS_QUEUES_PATH)))
		bus_refuse(b->c, m, BUS_E_NO_SUCH, "There is no such queue.");
	else if (!strncmp(path, BUS_PRINTERS_PATH "/", sizeof(BUS_PRINTERS_PATH)))
		bus_refuse(b->c, m, BUS_E_NO_SUCH, "There is no such printer.");
	else
		bus_refuse(b->c, m, DBUS_ERROR_UNKNOWN_OBJECT, "There is nothing at this path.");
}

static bool may_call(struct bus *b, const struct bus_peer *p, DBusMessage *m)
{
	if (p->user->uid != 0 && !p->user->name[0]) {
		bus_refuse(b->c, m, DBUS_ERROR_ACCESS_DENIED,
			"Your account has no name on this computer.");
		return false;
	}
	if (p->user->calls >= BUS_CALLS_MAX) {
		bus_refuse(b->c, m, DBUS_ERROR_LIMITS_EXCEEDED,
			"Too many calls at once; wait for the answers.");
		return false;
	}
	return true;
}

/* What the caller must have for @m. A job that he does not see takes the same right whether it is there or not, so that
 * nobody learns which of both. */
static enum bus_right right_needed(
	struct bus *b, const struct bus_peer *p, const struct bus_method *row, DBusMessage *m)
{
	struct bus_object o;

	if (p->user->uid == 0)
		return RIGHT_NONE;
	if (row->who == WHO_RIGHT)
		return row->right;
	if (row->who != WHO_OWNER || !is_job_path(dbus_message_get_path(m)))
		return RIGHT_NONE;
	return bus_object_at(b->e, p->user, dbus_message_get_path(m), &o) ? RIGHT_NONE : row->right;
}

const struct bus_user *bus_call_viewer(const struct bus_call *call)
{
	bool others = call->granted == RIGHT_VIEW_OTHERS || call->granted == RIGHT_RELEASE_OTHERS;

	return others ? &bus_everyone : call->user;
}

bool bus_call_has(struct bus_call *call, enum bus_right right)
{
	struct bus *b = call->bus;
	struct bus_peer *p = bus_peer_find(b, dbus_message_get_sender(call->m));
	DBusMessage *m;

	if (call->user->uid == 0 || call->granted == right)
		return true;
	m = dbus_message_ref(call->m);
	call_end(call);
	bus_rights_ask(b, p, m, right);
	dbus_message_unref(m);
	return false;
}

static void call_begin(struct bus *b, struct bus_peer *p, struct bus_call *call)
{
	call->bus = b;
	call->c = dbus_connection_ref(b->c);
	dbus_message_ref(call->m);
	call->user = p->user;
	call->user->refs++;
	call->user->calls++;
	call->next = b->calls;
	call->at = &b->calls;
	if (call->next)
		call->next->at = &call->next;
	b->calls = call;
}

void bus_call_dispatch(struct bus *b, struct bus_peer *p, DBusMessage *m, enum bus_right granted)
{
	bool known_interface;
	const struct bus_method *row = find_method(m, &known_interface);
	struct bus_call *call;
	enum bus_right right;

	if (!may_call(b, p, m))
		return;
	right = right_needed(b, p, row, m);
	if (right && right != granted) {
		bus_rights_ask(b, p, m, right);
		return;
	}
	call = calloc(1, sizeof(*call));
	if (!call) {
		bus_refuse(b->c, m, DBUS_ERROR_NO_MEMORY, "Out of memory.");
		return;
	}
	call->m = m;
	call->method = row;
	call->user = p->user;
	call->granted = granted;
	if (!bus_object_at(b->e, bus_call_viewer(call), dbus_message_get_path(m), &call->object)) {
		free(call);
		refuse_absent(b, m);
		return;
	}
	if (!bus_object_has(&call->object, row->interface)) {
		free(call);
		bus_refuse(b->c, m, DBUS_ERROR_UNKNOWN_METHOD, "This object has no such method.");
		return;
	}
	call_begin(b, p, call);
	row->handle(call);
}

/* ---- arguments ---- */

static const char *take_option(DBusMessageIter *entry, struct bus_option *options, size_t count)
{
	DBusMessageIter pair, value;
	const char *key;
	dbus_bool_t flag;

	dbus_message_iter_recurse(entry, &pair);
	dbus_message_iter_get_basic(&pair, &key);
	dbus_message_iter_next(&pair);
	dbus_message_iter_recurse(&pair, &value);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(options[i].name, key) != 0)
			continue;
		if (options[i].given)
			return "A key is given twice.";
		if (dbus_message_iter_get_arg_type(&value) != options[i].type)
			return "The value of a key has the wrong type; see docs/dbus.md.";
		options[i].given = true;
		if (options[i].type == DBUS_TYPE_BOOLEAN) {
			dbus_message_iter_get_basic(&value, &flag);
			*(bool *)options[i].value = flag;
		} else {
			dbus_message_iter_get_basic(&value, options[i].value);
		}
		return NULL;
	}
	return "A key is not known; see docs/dbus.md.";
}

const char *bus_call_options(struct bus_call *call, struct bus_option *options, size_t count)
{
	DBusMessageIter it, entry;
	const char *wrong = NULL;

	dbus_message_iter_init(call->m, &it);
	dbus_message_iter_recurse(&it, &entry);
	for (; !wrong && dbus_message_iter_get_arg_type(&entry) != DBUS_TYPE_INVALID;
		dbus_message_iter_next(&entry))
		wrong = take_option(&entry, options, count);
	return wrong;
}
