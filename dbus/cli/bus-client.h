/* SPDX-License-Identifier: Apache-2.0 */
/* bus-client - calls to the daemon (docs/dbus.md); answers become JSON values, errors exit codes with a message. */
#pragma once

#include "cli.h"

#define BUS_ROOT "/org/stillprint"
#define BUS_MANAGER "org.stillprint.Manager1"
#define BUS_JOB "org.stillprint.Job1"
#define BUS_QUEUE "org.stillprint.Queue1"
#define BUS_PROPERTIES "org.freedesktop.DBus.Properties"
#define BUS_OBJECTS "org.freedesktop.DBus.ObjectManager"

enum { BUS_SOON_S = 15, BUS_PROBING_S = 120 };

struct bus_answer {
	struct json_object *value; /* of one argument, or an array of several; NULL: none */
	char error[128]; /* D-Bus error name */
	char message[1024]; /* what the daemon says to it */
};
void bus_answer_fini(struct bus_answer *a);

/** bus_call() - one call, waiting at most @timeout_s
 * @signature: one letter per argument that follows: s string, u uint32_t, x int64_t, b int (0, 1), A as from a JSON array, D a{sv} from a
 * JSON object (borrowed: string, int, boolean members)
 * a{sv} become objects, with field names in lower_case; other dictionaries keep their keys.
 * Says what is wrong with cli_fail(). Return: 0 (@value, which may be NULL, is the caller's), or an exit code. */
int bus_call(struct cli *c, const char *path, const char *interface, const char *method,
	int timeout_s, struct json_object **value, const char *signature, ...);
/* Like bus_call(), but says nothing: *@a tells. Return: 0 or an exit code. */
int bus_try(struct cli *c, const char *path, const char *interface, const char *method,
	int timeout_s, struct bus_answer *a, const char *signature, ...);
/* bus_call() of Job1 on job @id. */
int bus_job_call(struct cli *c, int32_t id, const char *method, struct json_object **value,
	const char *signature, ...);
/* The job's properties. */
int bus_job_properties(struct cli *c, int32_t id, struct json_object **value);

void bus_close(struct cli *c);
/* Exit code for a D-Bus error name. */
int bus_exit_code(const char *error_name);
