/* SPDX-License-Identifier: Apache-2.0 */
/* fake-login1 - in logind's place on the lab's system bus, as far as bus-idle.c asks: who is logged in, and idle since when.
 * usage: fake-login1 FILE     a line for each user: UID NAME SINCE (CLOCK_MONOTONIC, s; 0: not idle); read at each question.
 * Prints "asked" for each question after all of them. */
#include <dbus/dbus.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct user {
	uint32_t uid;
	char name[64];
	unsigned since_s;
};

static bool next_user(FILE *f, struct user *u)
{
	return fscanf(f, "%" SCNu32 " %63s %u", &u->uid, u->name, &u->since_s) == 3;
}

static void list(DBusMessageIter *to, FILE *f)
{
	DBusMessageIter all, one;
	struct user u;

	puts("asked");
	fflush(stdout);
	dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "(uso)", &all);
	while (next_user(f, &u)) {
		char path[80];
		const char *name = u.name, *p = path;

		snprintf(path, sizeof(path), "/org/freedesktop/login1/user/_%" PRIu32, u.uid);
		dbus_message_iter_open_container(&all, DBUS_TYPE_STRUCT, NULL, &one);
		dbus_message_iter_append_basic(&one, DBUS_TYPE_UINT32, &u.uid);
		dbus_message_iter_append_basic(&one, DBUS_TYPE_STRING, &name);
		dbus_message_iter_append_basic(&one, DBUS_TYPE_OBJECT_PATH, &p);
		dbus_message_iter_close_container(&all, &one);
	}
	dbus_message_iter_close_container(to, &all);
}

static void put(
	DBusMessageIter *dict, const char *name, int type, const char *signature, const void *value)
{
	DBusMessageIter entry, variant;

	dbus_message_iter_open_container(dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
	dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &name);
	dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, signature, &variant);
	dbus_message_iter_append_basic(&variant, type, value);
	dbus_message_iter_close_container(&entry, &variant);
	dbus_message_iter_close_container(dict, &entry);
}

static void properties(DBusMessageIter *to, FILE *f, const char *path)
{
	const char *end = strrchr(path, '_');
	uint32_t uid = end ? (uint32_t)strtoul(end + 1, NULL, 10) : 0;
	dbus_bool_t idle = FALSE;
	dbus_uint64_t since = 0;
	DBusMessageIter dict;
	struct user u;

	while (next_user(f, &u))
		if (u.uid == uid && u.since_s) {
			idle = TRUE;
			since = (uint64_t)u.since_s * 1000000;
		}
	dbus_message_iter_open_container(to, DBUS_TYPE_ARRAY, "{sv}", &dict);
	put(&dict, "IdleHint", DBUS_TYPE_BOOLEAN, "b", &idle);
	put(&dict, "IdleSinceHintMonotonic", DBUS_TYPE_UINT64, "t", &since);
	dbus_message_iter_close_container(to, &dict);
}

int main(int argc, char **argv)
{
	DBusConnection *c = dbus_bus_get_private(DBUS_BUS_SYSTEM, NULL);
	DBusMessage *m, *answer;
	DBusMessageIter it;

	if (argc != 2 || !c || dbus_bus_request_name(c, "org.freedesktop.login1", 0, NULL) != 1)
		return 1;
	while (dbus_connection_read_write(c, -1)) {
		while ((m = dbus_connection_pop_message(c))) {
			FILE *f = fopen(argv[1], "r");

			if (f && dbus_message_get_type(m) == DBUS_MESSAGE_TYPE_METHOD_CALL) {
				answer = dbus_message_new_method_return(m);
				dbus_message_iter_init_append(answer, &it);
				if (dbus_message_has_member(m, "ListUsers"))
					list(&it, f);
				else
					properties(&it, f, dbus_message_get_path(m));
				dbus_connection_send(c, answer, NULL);
				dbus_message_unref(answer);
			}
			if (f)
				fclose(f);
			dbus_message_unref(m);
		}
	}
	return 0;
}
