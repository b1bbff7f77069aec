/* SPDX-License-Identifier: Apache-2.0 */
/* bus - see bus.h. */
#include "bus.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "bus-impl.h"

static void on_up(void *arg, DBusConnection *c)
{
	struct bus *b = arg;

	b->c = c;
}

/* Whoever called before is another connection now; calls under way end by themselves, unheard. */
static void on_down(void *arg)
{
	struct bus *b = arg;

	bus_peers_clear(b);
	bus_idle_down(b);
	b->c = NULL;
}

static DBusHandlerResult on_message(void *arg, DBusConnection *c, DBusMessage *m)
{
	struct bus *b = arg;
	const char *name, *before, *now;

	(void)c;
	if (dbus_message_is_signal(m, DBUS_INTERFACE_DBUS, "NameOwnerChanged") &&
		dbus_message_has_sender(m, DBUS_SERVICE_DBUS)) {
		if (dbus_message_get_args(m, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING,
			    &before, DBUS_TYPE_STRING, &now, DBUS_TYPE_INVALID) &&
			!*now)
			bus_peer_gone(b, name);
		return DBUS_HANDLER_RESULT_HANDLED;
	}
	if (dbus_message_get_type(m) != DBUS_MESSAGE_TYPE_METHOD_CALL)
		return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
	if (bus_call_is_sound(b, m))
		bus_peer_call(b, m);
	return DBUS_HANDLER_RESULT_HANDLED;
}

static const struct bus_link_ops link_ops = {.up = on_up, .down = on_down, .message = on_message};

int bus_new(sd_event *loop, struct engine *e, struct bus **out)
{
	AUTO(bus_freep) struct bus *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->loop = sd_event_ref(loop);
	b->e = e;
	r = bus_signal_init(b);
	if (!r)
		r = bus_idle_init(b);
	if (r < 0)
		return r;
	r = bus_link_new(loop, BUS_NAME, &link_ops, b, &b->link);
	if (r)
		return r;
	*out = STEAL(b);
	return 0;
}

void bus_free(struct bus *b)
{
	if (!b)
		return;
	bus_signal_fini(b);
	bus_idle_fini(b);
	bus_peers_clear(b);
	/* Their answers still come, from the engine's last commits. */
	while (b->calls) {
		struct bus_call *call = b->calls;

		b->calls = call->next;
		bus_user_unref(b, call->user);
		call->user = NULL;
		call->bus = NULL;
	}
	bus_link_free(b->link);
	sd_event_unref(b->loop);
	free(b);
}
