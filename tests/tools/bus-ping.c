/* SPDX-License-Identifier: Apache-2.0 */
/* bus-ping - calls a method without arguments on one connection until a file is there.
 * usage: bus-ping NAME PATH INTERFACE METHOD FILE
 * Prints the longest answer, the median (ms), and how many there were. DBUS_SYSTEM_BUS_ADDRESS says which bus. */
#include <dbus/dbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { ANSWERS_MAX = 200000, ANSWER_MS = 30000, PAUSE_US = 2000 };

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Milliseconds, or less than 0. */
static double call(DBusConnection *c, char **to)
{
	DBusMessage *ask = dbus_message_new_method_call(to[0], to[1], to[2], to[3]);
	double start = now_ms();
	DBusMessage *answer =
		ask ? dbus_connection_send_with_reply_and_block(c, ask, ANSWER_MS, NULL) : NULL;
	double took = answer ? now_ms() - start : -1;

	if (ask)
		dbus_message_unref(ask);
	if (answer)
		dbus_message_unref(answer);
	return took;
}

int main(int argc, char **argv)
{
	double *took = calloc(ANSWERS_MAX, sizeof(*took));
	DBusConnection *c = argc == 6 && took ? dbus_bus_get(DBUS_BUS_SYSTEM, NULL) : NULL;
	size_t count = 0;

	if (!c)
		return 2;
	while (count < ANSWERS_MAX && (count == 0 || access(argv[5], F_OK))) {
		took[count] = call(c, argv + 1);
		if (took[count++] < 0)
			return 1;
		usleep(PAUSE_US);
	}
	qsort(took, count, sizeof(*took), by_size);
	printf("%.1f %.1f %zu\n", took[count - 1], took[count / 2], count);
	return 0;
}
