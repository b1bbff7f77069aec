/* SPDX-License-Identifier: Apache-2.0 */
/* link - a connection to the system or session bus that comes back by itself, with back-off. */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/auto.h"

struct link;

struct link_ops {
	int (*open)(sd_bus **out); /* sd_bus_open_user() or _system() */
	void (*up)(void *arg, sd_bus *bus); /* opened; calls made now are sent once connected */
	void (*down)(void *arg); /* was up; the bus is to be forgotten */
};

/** link_new() - open at the loop's next turn, and again whenever the bus goes away
 * @ops: borrowed, must outlive the link. Return: 0, or -errno. */
int link_new(sd_event *loop, const struct link_ops *ops, void *arg, struct link **out);
void link_free(struct link *l); /* does not call down(); NULL is fine */
AUTO_DEFINE(struct link *, link_free)
