/* SPDX-License-Identifier: Apache-2.0 */
/* bus-client - see bus-client.h. */
#include "bus-client.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"

enum { DEPTH_MAX = 16 };

struct bus_client {
	DBusConnection *connection;
};

int bus_exit_code(const char *name)
{
	static const struct {
		const char *name;
		int code;
	} known[] = {
		{"org.stillprint.Error.NoSuch", CLI_NO_SUCH},
		{"org.stillprint.Error.State", CLI_FAILED},
		{"org.stillprint.Error.Argument", CLI_USAGE},
		{"org.stillprint.Error.Policy", CLI_DENIED},
		{"org.stillprint.Error.Unreachable", CLI_FAILED},
		{"org.stillprint.Error.Unsupported", CLI_FAILED},
		{"org.stillprint.Error.Internal", CLI_FAILED},
		{DBUS_ERROR_ACCESS_DENIED, CLI_DENIED},
		{DBUS_ERROR_AUTH_FAILED, CLI_DENIED},
		{DBUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, CLI_DENIED},
		{DBUS_ERROR_UNKNOWN_OBJECT, CLI_NO_SUCH},
		{DBUS_ERROR_SERVICE_UNKNOWN, CLI_NO_DAEMON},
		{DBUS_ERROR_NAME_HAS_NO_OWNER, CLI_NO_DAEMON},
		{DBUS_ERROR_NO_REPLY, CLI_NO_DAEMON},
		{DBUS_ERROR_TIMEOUT, CLI_NO_DAEMON},
		{DBUS_ERROR_TIMED_OUT, CLI_NO_DAEMON},
		{DBUS_ERROR_DISCONNECTED, CLI_NO_DAEMON},
		{DBUS_ERROR_NO_SERVER, CLI_NO_DAEMON},
		{DBUS_ERROR_FILE_NOT_FOUND, CLI_NO_DAEMON},
		{DBUS_ERROR_BAD_ADDRESS, CLI_NO_DAEMON},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].name, name))
			return known[i].code;
	return !strncmp(name, "org.freedesktop.DBus.Error.Spawn.", 33) ? CLI_NO_DAEMON : CLI_FAILED;
}

void bus_answer_fini(struct bus_answer *a)
{
	json_object_put(a->value);
	a->value = NULL;
}

static int keep_error(struct bus_answer *a, DBusError *error)
{
	snprintf(a->error, sizeof(a->error), "%s", error->name);
	snprintf(a->message, sizeof(a->message), "%s", error->message ? error->message : "");
	dbus_error_free(error);
	return bus_exit_code(a->error);
}

static int keep_memory_error(struct bus_answer *a)
{
	snprintf(a->error, sizeof(a->error), "%s", DBUS_ERROR_NO_MEMORY);
	snprintf(a->message, sizeof(a->message), "out of memory");
	return CLI_FAILED;
}

/* ---- what goes out ---- */

static bool append_variant(DBusMessageIter *dict, const char *key, struct json_object *value)
{
	DBusMessageIter entry, variant;
	const char *text = json_object_get_string(value);
	dbus_int64_t number = json_object_get_int64(value);
	dbus_bool_t flag = json_object_get_boolean(value) ? TRUE : FALSE;
	int type = json_object_is_type(value, json_type_boolean) ? DBUS_TYPE_BOOLEAN
		   : json_object_is_type(value, json_type_int)   ? DBUS_TYPE_INT64
								 : DBUS_TYPE_STRING;
	const char signature[2] = {(char)type, '\0'};
	const void *what = type == DBUS_TYPE_BOOLEAN ? (const void *)&flag
			   : type == DBUS_TYPE_INT64 ? (const void *)&number
						     : (const void *)&text;

	return dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
	       dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key) &&
	       dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, signature, &variant) &&
	       dbus_message_iter_append_basic(&variant, type, what) &&
	       dbus_message_iter_close_container(&entry, &variant) &&
	       dbus_message_iter_close_container(dict, &entry);
}

static bool append_dictionary(DBusMessageIter *to, struct json_object *object)
{
	DBusMessageIter dict;

	if (!dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "{sv}", &dict))
		return false;
	json_object_object_foreach(object, key, value)
	{
		if (!append_variant(&dict, key, value))
			return false;
	}
	return dbus_message_iter_close_container(to, &dict);
}

static bool append_strings(DBusMessageIter *to, struct json_object *array)
{
	DBusMessageIter inner;
	const char *s;

	if (!dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "s", &inner))
		return false;
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		s = json_object_get_string(json_object_array_get_idx(array, i));
		if (!dbus_validate_utf8(s, NULL) ||
			!dbus_message_iter_append_basic(&inner, DBUS_TYPE_STRING, &s))
			return false;
	}
	return dbus_message_iter_close_container(to, &inner);
}

static bool append_one(DBusMessageIter *to, char type, va_list *ap)
{
	const char *s;
	dbus_uint32_t u;
	dbus_int64_t x;
	dbus_bool_t b;

	switch (type) {
	case 's':
		s = va_arg(*ap, const char *);
		return dbus_message_iter_append_basic(to, DBUS_TYPE_STRING, &s);
	case 'u':
		u = va_arg(*ap, uint32_t);
		return dbus_message_iter_append_basic(to, DBUS_TYPE_UINT32, &u);
	case 'x':
		x = va_arg(*ap, int64_t);
		return dbus_message_iter_append_basic(to, DBUS_TYPE_INT64, &x);
	case 'b':
		b = va_arg(*ap, int) ? TRUE : FALSE;
		return dbus_message_iter_append_basic(to, DBUS_TYPE_BOOLEAN, &b);
	case 'A':
		return append_strings(to, va_arg(*ap, struct json_object *));
	case 'D':
		return append_dictionary(to, va_arg(*ap, struct json_object *));
	default:
		return false;
	}
}

/* ---- what comes back ---- */

static struct json_object *from_iter(DBusMessageIter *it, int depth);

static struct json_object *from_basic(DBusMessageIter *it, int type)
{
	DBusBasicValue v;

	memset(&v, 0, sizeof(v));
	dbus_message_iter_get_basic(it, &v);
	switch (type) {
	case DBUS_TYPE_STRING:
	case DBUS_TYPE_OBJECT_PATH:
	case DBUS_TYPE_SIGNATURE:
		return json_object_new_string(v.str);
	case DBUS_TYPE_BOOLEAN:
		return json_object_new_boolean(v.bool_val ? 1 : 0);
	case DBUS_TYPE_BYTE:
		return json_object_new_int64(v.byt);
	case DBUS_TYPE_INT16:
		return json_object_new_int64(v.i16);
	case DBUS_TYPE_UINT16:
		return json_object_new_int64(v.u16);
	case DBUS_TYPE_INT32:
		return json_object_new_int64(v.i32);
	case DBUS_TYPE_UINT32:
		return json_object_new_int64(v.u32);
	case DBUS_TYPE_UINT64:
		return json_object_new_int64(v.u64 > INT64_MAX ? INT64_MAX : (int64_t)v.u64);
	case DBUS_TYPE_INT64:
		return json_object_new_int64(v.i64);
	case DBUS_TYPE_DOUBLE:
		return json_object_new_double(v.dbl);
	default:
		return NULL;
	}
}

static struct json_object *from_dictionary(DBusMessageIter *it, int depth)
{
	struct json_object *object = json_object_new_object();
	DBusMessageIter entries, entry;

	for (dbus_message_iter_recurse(it, &entries);
		dbus_message_iter_get_arg_type(&entries) == DBUS_TYPE_DICT_ENTRY;
		dbus_message_iter_next(&entries)) {
		char name[256] = "";
		const char *key = "";
		int type;

		dbus_message_iter_recurse(&entries, &entry);
		type = dbus_message_iter_get_arg_type(&entry);
		if (type == DBUS_TYPE_STRING || type == DBUS_TYPE_OBJECT_PATH)
			dbus_message_iter_get_basic(&entry, &key);
		dbus_message_iter_next(&entry);
		if (dbus_message_iter_get_arg_type(&entry) == DBUS_TYPE_VARIANT)
			json_field_name(name, sizeof(name), key);
		else
			snprintf(name, sizeof(name), "%s", key);
		json_object_object_add(object, name, from_iter(&entry, depth + 1));
	}
	return object;
}

static struct json_object *from_iter(DBusMessageIter *it, int depth)
{
	int type = dbus_message_iter_get_arg_type(it);
	struct json_object *array;
	DBusMessageIter inner;

	if (depth > DEPTH_MAX || type == DBUS_TYPE_INVALID)
		return NULL;
	if (type == DBUS_TYPE_ARRAY &&
		dbus_message_iter_get_element_type(it) == DBUS_TYPE_DICT_ENTRY)
		return from_dictionary(it, depth);
	if (type != DBUS_TYPE_ARRAY && type != DBUS_TYPE_STRUCT && type != DBUS_TYPE_VARIANT)
		return from_basic(it, type);
	dbus_message_iter_recurse(it, &inner);
	if (type == DBUS_TYPE_VARIANT)
		return from_iter(&inner, depth + 1);
	array = json_object_new_array();
	for (; dbus_message_iter_get_arg_type(&inner) != DBUS_TYPE_INVALID;
		dbus_message_iter_next(&inner))
		json_object_array_add(array, from_iter(&inner, depth + 1));
	return array;
}

static struct json_object *from_message(DBusMessage *reply)
{
	DBusMessageIter it;
	struct json_object *first, *all;

	if (!dbus_message_iter_init(reply, &it))
		return NULL;
	first = from_iter(&it, 0);
	if (!dbus_message_iter_has_next(&it))
		return first;
	all = json_object_new_array();
	json_object_array_add(all, first);
	while (dbus_message_iter_next(&it))
		json_object_array_add(all, from_iter(&it, 0));
	return all;
}

/* ---- the call ---- */

static int connect_once(struct cli *c, struct bus_answer *a)
{
	DBusError error = DBUS_ERROR_INIT;

	if (c->bus)
		return 0;
	c->bus = calloc(1, sizeof(*c->bus));
	if (!c->bus)
		return keep_memory_error(a);
	c->bus->connection = dbus_bus_get_private(DBUS_BUS_SYSTEM, &error);
	if (!c->bus->connection) {
		bus_close(c);
		keep_error(a, &error);
		return CLI_NO_DAEMON; /* whatever the reason: nobody can be asked */
	}
	dbus_connection_set_exit_on_disconnect(c->bus->connection, FALSE);
	return 0;
}

void bus_close(struct cli *c)
{
	if (!c->bus)
		return;
	if (c->bus->connection) {
		dbus_connection_close(c->bus->connection);
		dbus_connection_unref(c->bus->connection);
	}
	free(c->bus);
	c->bus = NULL;
}

static int send_and_wait(struct cli *c, DBusMessage *call, int timeout_s, struct bus_answer *a)
{
	DBusError error = DBUS_ERROR_INIT;
	DBusMessage *reply;

	reply = dbus_connection_send_with_reply_and_block(
		c->bus->connection, call, timeout_s * 1000, &error);
	if (!reply)
		return keep_error(a, &error);
	a->value = from_message(reply);
	dbus_message_unref(reply);
	return 0;
}

static int call_with(struct cli *c, const char *const where[3], int timeout_s, struct bus_answer *a,
	const char *signature, va_list *ap)
{
	DBusMessage *call;
	DBusMessageIter it;
	bool good = true;
	int rc;

	memset(a, 0, sizeof(*a));
	rc = connect_once(c, a);
	if (rc)
		return rc;
	call = dbus_message_new_method_call("org.stillprint", where[0], where[1], where[2]);
	if (!call)
		return keep_memory_error(a);
	/* Somebody is there who can be asked for a password: polkit decides whether it takes one. */
	dbus_message_set_allow_interactive_authorization(
		call, isatty(STDIN_FILENO) || getenv("DISPLAY") || getenv("WAYLAND_DISPLAY"));
	dbus_message_iter_init_append(call, &it);
	for (const char *p = signature; *p && good; p++)
		good = append_one(&it, *p, ap);
	rc = good ? send_and_wait(c, call, timeout_s, a) : keep_memory_error(a);
	dbus_message_unref(call);
	return rc;
}

static int tell(struct cli *c, int code, const struct bus_answer *a)
{
	if (code == CLI_NO_DAEMON &&
		(!strcmp(a->error, DBUS_ERROR_NO_REPLY) || strstr(a->error, "Time")))
		return cli_fail(c, code,
			"The print daemon did not answer in time, so it is not known whether this "
			"was done. Look with \"stillprint jobs\"; start it anew with "
			"\"systemctl restart stillprintd\". No stored job is lost.");
	if (code == CLI_NO_DAEMON)
		return cli_fail(c, code,
			"The print daemon is not running. Start it with \"systemctl start "
			"stillprintd\" as root. Nothing is lost: what you print is kept until then.");
	if (code == CLI_DENIED && !strcmp(a->error, DBUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED))
		return cli_fail(c, code, "Not permitted without a password: %s", a->message);
	if (code == CLI_DENIED && !strcmp(a->error, DBUS_ERROR_ACCESS_DENIED))
		return cli_fail(c, code, "Not permitted: %s", a->message);
	if (!strcmp(a->error, DBUS_ERROR_UNKNOWN_METHOD) ||
		!strcmp(a->error, DBUS_ERROR_UNKNOWN_INTERFACE))
		return cli_fail(c, CLI_FAILED,
			"The running daemon is of another version and does not know this. "
			"Start it anew with \"systemctl restart stillprintd\".");
	return cli_fail(c, code, "%s", a->message[0] ? a->message : a->error);
}

int bus_try(struct cli *c, const char *path, const char *interface, const char *method,
	int timeout_s, struct bus_answer *a, const char *signature, ...)
{
	const char *const where[3] = {path, interface, method};
	va_list ap;
	int rc;

	va_start(ap, signature);
	rc = call_with(c, where, timeout_s, a, signature, &ap);
	va_end(ap);
	return rc;
}

int bus_call(struct cli *c, const char *path, const char *interface, const char *method,
	int timeout_s, struct json_object **value, const char *signature, ...)
{
	const char *const where[3] = {path, interface, method};
	AUTO(bus_answer_fini) struct bus_answer a = {0};
	va_list ap;
	int rc;

	va_start(ap, signature);
	rc = call_with(c, where, timeout_s, &a, signature, &ap);
	va_end(ap);
	if (rc)
		return tell(c, rc, &a);
	if (value)
		*value = STEAL(a.value);
	return 0;
}

static void job_path(char *out, size_t size, int32_t id)
{
	snprintf(out, size, BUS_ROOT "/jobs/%d", id);
}

static int tell_job(struct cli *c, int32_t id, int code, const struct bus_answer *a)
{
	/* A job that is over for long, or another user's, has no object; which name that gets depends on the bus library. */
	if (code == CLI_NO_SUCH || !strcmp(a->error, DBUS_ERROR_UNKNOWN_METHOD) ||
		!strcmp(a->error, DBUS_ERROR_UNKNOWN_INTERFACE))
		return cli_fail(c, CLI_NO_SUCH,
			"There is no job %d of yours. \"stillprint jobs --all\" lists them.", id);
	return tell(c, code, a);
}

int bus_job_call(struct cli *c, int32_t id, const char *method, struct json_object **value,
	const char *signature, ...)
{
	char path[64];
	const char *const where[3] = {path, BUS_JOB, method};
	AUTO(bus_answer_fini) struct bus_answer a = {0};
	va_list ap;
	int rc;

	job_path(path, sizeof(path), id);
	va_start(ap, signature);
	rc = call_with(c, where, BUS_PROBING_S, &a, signature, &ap);
	va_end(ap);
	/* NoSuch also tells of a printer: only the object itself being unknown is about the job. */
	if (rc == CLI_NO_SUCH && strcmp(a.error, DBUS_ERROR_UNKNOWN_OBJECT) != 0 && a.message[0])
		return tell(c, rc, &a);
	if (rc == CLI_FAILED && !strncmp(a.error, "org.stillprint.", 15))
		return cli_fail(c, rc, "Job %d: %s", id, a.message);
	if (rc)
		return tell_job(c, id, rc, &a);
	if (value)
		*value = STEAL(a.value);
	return 0;
}

int bus_job_properties(struct cli *c, int32_t id, struct json_object **value)
{
	AUTO(bus_answer_fini) struct bus_answer a = {0};
	char path[64];
	int rc;

	job_path(path, sizeof(path), id);
	rc = bus_try(c, path, BUS_PROPERTIES, "GetAll", BUS_SOON_S, &a, "s", BUS_JOB);
	if (rc)
		return tell_job(c, id, rc, &a);
	*value = STEAL(a.value);
	return 0;
}
