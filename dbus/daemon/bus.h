/* SPDX-License-Identifier: Apache-2.0 */
/* bus - org.stillprint on the system bus: objects and methods from one table, rights checked before dispatch. */
#pragma once

#include <systemd/sd-event.h>

#include "base/auto.h"
#include "engine.h"

struct bus;

/** bus_new() - connect (DBUS_SYSTEM_BUS_ADDRESS or the system's), register the objects, take the name org.stillprint,
 * and become the engine's listener
 * Reconnects with back-off when the bus goes away; printing goes on meanwhile.
 * Return: 0, -EEXIST when the name is taken, or -errno. */
int bus_new(sd_event *loop, struct engine *e, struct bus **out);
void bus_free(struct bus *b);
AUTO_DEFINE(struct bus *, bus_free)
