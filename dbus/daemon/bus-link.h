/* SPDX-License-Identifier: Apache-2.0 */
/* bus-link - one connection of libdbus to the system bus on an sd-event loop, which never blocks it and comes back by
 * itself: connect, Hello, own a name; when the bus goes away, again with back-off. Knows nothing of what is said. */
#pragma once

#include <dbus/dbus.h>
#include <systemd/sd-event.h>

#include "base/auto.h"

struct bus_link;

struct bus_link_ops {
	void (*up)(void *arg, DBusConnection *c); /* connected, and the name is ours */
	void (*down)(void *arg); /* was up; @c is to be forgotten */
	/* Every message that comes in while up, also signals. */
	DBusHandlerResult (*message)(void *arg, DBusConnection *c, DBusMessage *m);
};

/** bus_link_new() - connect and own @name
 * Waits up to five seconds for the first connection, since nothing else runs yet; after that, and whenever the bus is
 * not there, tries again from the loop.
 * @ops: borrowed, must outlive the link
 * Return: 0 (also when there is no bus yet), -EEXIST when somebody else has the name, or -errno. */
int bus_link_new(sd_event *loop, const char *name, const struct bus_link_ops *ops, void *arg,
	struct bus_link **out);
void bus_link_free(struct bus_link *l); /* does not call down() */
AUTO_DEFINE(struct bus_link *, bus_link_free)
