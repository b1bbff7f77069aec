/* SPDX-License-Identifier: Apache-2.0 */
/* bus-link - see bus-link.h. */
#include "bus-link.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/log.h"
#include "base/mono.h"

enum {
	RETRY_FIRST_MS = 250,
	RETRY_MAX_MS = 30000,
	ANSWER_MS = 5000,
	WATCH_MAX = 4,
	/* Per turn of the loop, so that a flood of calls leaves room for printing. */
	DISPATCH_AT_ONCE = 16,
	DISPATCH_MS = 5,
};

enum link_state { LINK_AWAY, LINK_HELLO, LINK_NAMING, LINK_UP, LINK_TAKEN, LINK_LOST };

struct bus_link {
	sd_event *loop;
	char *name;
	const struct bus_link_ops *ops;
	void *arg;

	enum link_state state;
	DBusConnection *c;
	DBusPendingCall *pending; /* Hello or RequestName under way */
	DBusWatch *watch[WATCH_MAX];
	sd_event_source *io, *dispatch, *retry;
	int64_t retry_ms;
};

static void link_lost(struct bus_link *l);

/* ---- watches: libdbus has two for one descriptor, epoll takes a descriptor once ---- */

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *arg)
{
	struct bus_link *l = arg;
	unsigned flags = 0;

	(void)s;
	(void)fd;
	flags |= revents & EPOLLIN ? DBUS_WATCH_READABLE : 0;
	flags |= revents & EPOLLOUT ? DBUS_WATCH_WRITABLE : 0;
	flags |= revents & EPOLLHUP ? DBUS_WATCH_HANGUP : 0;
	flags |= revents & EPOLLERR ? DBUS_WATCH_ERROR : 0;
	for (size_t i = 0; i < WATCH_MAX; i++) {
		DBusWatch *w = l->watch[i]; /* an earlier one may have removed it */
		unsigned wanted;

		if (!w || !dbus_watch_get_enabled(w))
			continue;
		wanted = dbus_watch_get_flags(w) | DBUS_WATCH_HANGUP | DBUS_WATCH_ERROR;
		if (flags & wanted)
			dbus_watch_handle(w, flags & wanted);
	}
	return 0;
}

static int refresh_io(struct bus_link *l)
{
	uint32_t events = 0;
	int fd = -1;

	for (size_t i = 0; i < WATCH_MAX; i++) {
		if (!l->watch[i])
			continue;
		fd = dbus_watch_get_unix_fd(l->watch[i]);
		if (!dbus_watch_get_enabled(l->watch[i]))
			continue;
		if (dbus_watch_get_flags(l->watch[i]) & DBUS_WATCH_READABLE)
			events |= EPOLLIN;
		if (dbus_watch_get_flags(l->watch[i]) & DBUS_WATCH_WRITABLE)
			events |= EPOLLOUT;
	}
	if (fd < 0) {
		l->io = sd_event_source_disable_unref(l->io);
		return 0;
	}
	if (!l->io)
		return sd_event_add_io(l->loop, &l->io, fd, events, on_io, l);
	return sd_event_source_set_io_events(l->io, events);
}

static dbus_bool_t watch_add(DBusWatch *w, void *arg)
{
	struct bus_link *l = arg;

	for (size_t i = 0; i < WATCH_MAX; i++) {
		if (l->watch[i])
			continue;
		l->watch[i] = w;
		if (refresh_io(l) >= 0)
			return TRUE;
		l->watch[i] = NULL;
		return FALSE;
	}
	return FALSE;
}

static void watch_remove(DBusWatch *w, void *arg)
{
	struct bus_link *l = arg;

	for (size_t i = 0; i < WATCH_MAX; i++)
		if (l->watch[i] == w)
			l->watch[i] = NULL;
	refresh_io(l);
}

static void watch_toggle(DBusWatch *w, void *arg)
{
	(void)w;
	refresh_io(arg);
}

/* ---- timeouts ---- */

static uint64_t timeout_us(DBusTimeout *t)
{
	return (uint64_t)dbus_timeout_get_interval(t) * 1000;
}

static int on_timeout(sd_event_source *s, uint64_t at_us, void *arg)
{
	DBusTimeout *t = arg;

	(void)at_us;
	/* Armed anew first: the handler may free @t. */
	sd_event_source_set_time_relative(s, timeout_us(t));
	sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
	dbus_timeout_handle(t);
	return 0;
}

static dbus_bool_t timeout_add(DBusTimeout *t, void *arg)
{
	struct bus_link *l = arg;
	sd_event_source *s;

	if (sd_event_add_time_relative(
		    l->loop, &s, CLOCK_MONOTONIC, timeout_us(t), 0, on_timeout, t) < 0)
		return FALSE;
	if (!dbus_timeout_get_enabled(t))
		sd_event_source_set_enabled(s, SD_EVENT_OFF);
	dbus_timeout_set_data(t, s, NULL);
	return TRUE;
}

static void timeout_remove(DBusTimeout *t, void *arg)
{
	(void)arg;
	sd_event_source_disable_unref(dbus_timeout_get_data(t));
	dbus_timeout_set_data(t, NULL, NULL);
}

static void timeout_toggle(DBusTimeout *t, void *arg)
{
	sd_event_source *s = dbus_timeout_get_data(t);

	(void)arg;
	if (!s)
		return;
	sd_event_source_set_time_relative(s, timeout_us(t));
	sd_event_source_set_enabled(
		s, dbus_timeout_get_enabled(t) ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

/* ---- dispatch ---- */

static int on_dispatch(sd_event_source *s, void *arg)
{
	struct bus_link *l = arg;
	int64_t until_ms = mono_ms() + DISPATCH_MS;

	for (int i = 0; i < DISPATCH_AT_ONCE && mono_ms() < until_ms; i++)
		if (dbus_connection_dispatch(l->c) != DBUS_DISPATCH_DATA_REMAINS)
			break;
	if (dbus_connection_get_dispatch_status(l->c) != DBUS_DISPATCH_COMPLETE)
		sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
	return 0;
}

static void dispatch_status(DBusConnection *c, DBusDispatchStatus status, void *arg)
{
	struct bus_link *l = arg;

	(void)c;
	if (status != DBUS_DISPATCH_COMPLETE && l->dispatch)
		sd_event_source_set_enabled(l->dispatch, SD_EVENT_ONESHOT);
}

static DBusHandlerResult on_message(DBusConnection *c, DBusMessage *m, void *arg)
{
	struct bus_link *l = arg;

	if (dbus_message_is_signal(m, DBUS_INTERFACE_LOCAL, "Disconnected")) {
		log_event(LOG_LVL_WARNING, "bus event=disconnected");
		link_lost(l);
		return DBUS_HANDLER_RESULT_HANDLED;
	}
	if (l->state != LINK_UP)
		return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
	return l->ops->message(l->arg, c, m);
}

/* ---- connecting ---- */

static void drop_pending(struct bus_link *l)
{
	if (!l->pending)
		return;
	dbus_pending_call_cancel(l->pending);
	dbus_pending_call_unref(l->pending);
	l->pending = NULL;
}

static void disconnect(struct bus_link *l)
{
	drop_pending(l);
	l->dispatch = sd_event_source_disable_unref(l->dispatch);
	if (l->c) {
		dbus_connection_remove_filter(l->c, on_message, l);
		dbus_connection_close(l->c);
		dbus_connection_set_watch_functions(l->c, NULL, NULL, NULL, NULL, NULL);
		dbus_connection_set_timeout_functions(l->c, NULL, NULL, NULL, NULL, NULL);
		dbus_connection_set_dispatch_status_function(l->c, NULL, NULL, NULL);
		dbus_connection_unref(l->c);
		l->c = NULL;
	}
	l->io = sd_event_source_disable_unref(l->io);
	memset(l->watch, 0, sizeof(l->watch));
}

/* The connection is closed later, from the timer: here libdbus may still be using it. */
static void link_lost(struct bus_link *l)
{
	bool was_up = l->state == LINK_UP;

	if (l->state == LINK_LOST)
		return;
	l->state = LINK_LOST;
	if (was_up) {
		l->retry_ms = RETRY_FIRST_MS;
		l->ops->down(l->arg);
	}
	sd_event_source_set_time_relative(l->retry, (uint64_t)l->retry_ms * 1000);
	sd_event_source_set_enabled(l->retry, SD_EVENT_ONESHOT);
	l->retry_ms = l->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : l->retry_ms * 2;
}

/* Sends @m to the bus itself; @answer gets what it says. Takes @m over; NULL is a failure. */
static bool ask(struct bus_link *l, DBusMessage *m, DBusPendingCallNotifyFunction answer)
{
	bool ok = m && dbus_connection_send_with_reply(l->c, m, &l->pending, ANSWER_MS) &&
		  l->pending && dbus_pending_call_set_notify(l->pending, answer, l, NULL);

	if (m)
		dbus_message_unref(m);
	return ok;
}

static DBusMessage *bus_method(const char *member)
{
	return dbus_message_new_method_call(
		DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, member);
}

/* The answer of the call under way, which is over with this; NULL if libdbus has none. */
static DBusMessage *take_answer(struct bus_link *l)
{
	DBusMessage *m = dbus_pending_call_steal_reply(l->pending);

	dbus_pending_call_unref(l->pending);
	l->pending = NULL;
	return m;
}

static void on_named(DBusPendingCall *p, void *arg)
{
	struct bus_link *l = arg;
	DBusMessage *m = take_answer(l);
	dbus_uint32_t result = 0;

	(void)p;
	if (m && dbus_message_get_type(m) == DBUS_MESSAGE_TYPE_ERROR)
		log_event(LOG_LVL_ERROR, "bus event=name-refused name=%s error=%s", l->name,
			log_quote(dbus_message_get_error_name(m)));
	else if (m)
		dbus_message_get_args(m, NULL, DBUS_TYPE_UINT32, &result, DBUS_TYPE_INVALID);
	if (m)
		dbus_message_unref(m);

	if (result == DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER) {
		log_event(LOG_LVL_INFO, "bus event=connected name=%s", l->name);
		l->state = LINK_UP;
		l->retry_ms = RETRY_FIRST_MS;
		l->ops->up(l->arg, l->c);
		return;
	}
	if (result)
		log_event(LOG_LVL_ERROR, "bus event=name-taken name=%s", l->name);
	link_lost(l);
	if (result)
		l->state = LINK_TAKEN;
}

/* Before the name is asked for, so that no caller can leave unseen. */
static bool watch_leavers(struct bus_link *l)
{
	static const char rule[] =
		"type='signal',sender='" DBUS_SERVICE_DBUS "',interface='" DBUS_INTERFACE_DBUS
		"',member='NameOwnerChanged',arg2=''";
	const char *p = rule;
	DBusMessage *m = bus_method("AddMatch");
	bool ok;

	if (!m)
		return false;
	dbus_message_set_no_reply(m, TRUE);
	ok = dbus_message_append_args(m, DBUS_TYPE_STRING, &p, DBUS_TYPE_INVALID) &&
	     dbus_connection_send(l->c, m, NULL);
	dbus_message_unref(m);
	return ok;
}

static void on_hello(DBusPendingCall *p, void *arg)
{
	struct bus_link *l = arg;
	DBusMessage *m = take_answer(l);
	const char *unique;
	dbus_uint32_t flags = DBUS_NAME_FLAG_DO_NOT_QUEUE;
	bool ok = m &&
		  dbus_message_get_args(m, NULL, DBUS_TYPE_STRING, &unique, DBUS_TYPE_INVALID) &&
		  dbus_bus_set_unique_name(l->c, unique) && watch_leavers(l);

	(void)p;
	if (m)
		dbus_message_unref(m);
	m = ok ? bus_method("RequestName") : NULL;
	if (m && !dbus_message_append_args(m, DBUS_TYPE_STRING, &l->name, DBUS_TYPE_UINT32, &flags,
			 DBUS_TYPE_INVALID)) {
		dbus_message_unref(m);
		m = NULL;
	}
	l->state = LINK_NAMING;
	if (!ask(l, m, on_named))
		link_lost(l);
}

static bool link_open(struct bus_link *l)
{
	const char *address = getenv("DBUS_SYSTEM_BUS_ADDRESS");
	DBusError error = DBUS_ERROR_INIT;

	l->c = dbus_connection_open_private(
		address && *address ? address : "unix:path=/run/dbus/system_bus_socket", &error);
	if (!l->c) {
		log_event(LOG_LVL_DEBUG, "bus event=no-bus error=%s", log_quote(error.message));
		dbus_error_free(&error);
		return false;
	}
	dbus_connection_set_exit_on_disconnect(l->c, FALSE);
	if (sd_event_add_defer(l->loop, &l->dispatch, on_dispatch, l) < 0 ||
		sd_event_source_set_enabled(l->dispatch, SD_EVENT_OFF) < 0)
		return false;
	dbus_connection_set_dispatch_status_function(l->c, dispatch_status, l, NULL);
	return dbus_connection_set_watch_functions(
		       l->c, watch_add, watch_remove, watch_toggle, l, NULL) &&
	       dbus_connection_set_timeout_functions(
		       l->c, timeout_add, timeout_remove, timeout_toggle, l, NULL) &&
	       dbus_connection_add_filter(l->c, on_message, l, NULL);
}

static void link_try(struct bus_link *l)
{
	disconnect(l);
	l->state = LINK_HELLO;
	if (!link_open(l) || !ask(l, bus_method("Hello"), on_hello))
		link_lost(l);
}

static int on_retry(sd_event_source *s, uint64_t at_us, void *arg)
{
	(void)s;
	(void)at_us;
	link_try(arg);
	return 0;
}

int bus_link_new(sd_event *loop, const char *name, const struct bus_link_ops *ops, void *arg,
	struct bus_link **out)
{
	AUTO(bus_link_freep) struct bus_link *l = calloc(1, sizeof(*l));
	int64_t until_ms = mono_ms() + ANSWER_MS;
	int r;

	if (!l)
		return -ENOMEM;
	*l = (struct bus_link){
		.loop = sd_event_ref(loop), .ops = ops, .arg = arg, .retry_ms = RETRY_FIRST_MS};
	l->name = strdup(name);
	if (!l->name)
		return -ENOMEM;
	r = sd_event_add_time_relative(loop, &l->retry, CLOCK_MONOTONIC, 0, 0, on_retry, l);
	if (r < 0)
		return r;
	sd_event_source_set_enabled(l->retry, SD_EVENT_OFF);

	link_try(l);
	while ((l->state == LINK_HELLO || l->state == LINK_NAMING) && mono_ms() < until_ms)
		dbus_connection_read_write_dispatch(l->c, 100);
	if (l->state == LINK_TAKEN)
		return -EEXIST;
	if (l->state != LINK_UP)
		log_event(LOG_LVL_WARNING, "bus event=no-bus-yet");
	*out = STEAL(l);
	return 0;
}

void bus_link_free(struct bus_link *l)
{
	if (!l)
		return;
	disconnect(l);
	sd_event_source_disable_unref(l->retry);
	sd_event_unref(l->loop);
	free(l->name);
	free(l);
}
