/* SPDX-License-Identifier: Apache-2.0 */
/* link - see link.h. */
#include "link.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mono.h"

enum {
	RETRY_FIRST_MS = 500,
	RETRY_MAX_MS = 30000,
	STEADY_MS = 3000, /* up for so long, it was no false start */
};

struct link {
	sd_event *loop;
	const struct link_ops *ops;
	void *arg;
	sd_bus *bus;
	sd_event_source *retry;
	uint64_t retry_ms;
	int64_t up_since_ms;
	bool up;
};

static void try_later(struct link *l)
{
	sd_event_source_set_time_relative(l->retry, l->retry_ms * 1000);
	sd_event_source_set_enabled(l->retry, SD_EVENT_ONESHOT);
	l->retry_ms = l->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : l->retry_ms * 2;
}

static int on_disconnected(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct link *l = arg;

	(void)m;
	(void)error;
	/* The old connection is closed when the timer runs: sd-bus is still in it here. */
	if (l->up) {
		l->up = false;
		if (mono_ms() - l->up_since_ms > STEADY_MS)
			l->retry_ms = RETRY_FIRST_MS;
		l->ops->down(l->arg);
	}
	try_later(l);
	return 0;
}

static int link_open(struct link *l)
{
	static const char local[] = "org.freedesktop.DBus.Local";
	static const char path[] = "/org/freedesktop/DBus/Local";
	int r = l->ops->open(&l->bus);

	if (r >= 0)
		r = sd_bus_match_signal(
			l->bus, NULL, local, path, local, "Disconnected", on_disconnected, l);
	/* Open until link_free(): the last calls are made after the loop has ended. */
	if (r >= 0)
		r = sd_bus_set_close_on_exit(l->bus, false);
	if (r >= 0)
		r = sd_bus_attach_event(l->bus, l->loop, SD_EVENT_PRIORITY_NORMAL);
	return r;
}

static int on_retry(sd_event_source *s, uint64_t at_us, void *arg)
{
	struct link *l = arg;
	int r;

	(void)s;
	(void)at_us;
	l->bus = sd_bus_close_unref(l->bus);
	r = link_open(l);
	if (r < 0) {
		log_event(LOG_LVL_DEBUG, "event=no-bus error=%s", log_quote(strerror(-r)));
		l->bus = sd_bus_close_unref(l->bus);
		try_later(l);
		return 0;
	}
	l->up = true;
	l->up_since_ms = mono_ms();
	l->ops->up(l->arg, l->bus);
	return 0;
}

int link_new(sd_event *loop, const struct link_ops *ops, void *arg, struct link **out)
{
	AUTO(link_freep) struct link *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	*l = (struct link){
		.loop = sd_event_ref(loop), .ops = ops, .arg = arg, .retry_ms = RETRY_FIRST_MS};
	r = sd_event_add_time_relative(loop, &l->retry, CLOCK_MONOTONIC, 0, 0, on_retry, l);
	if (r < 0)
		return r;
	*out = STEAL(l);
	return 0;
}

void link_free(struct link *l)
{
	if (!l)
		return;
	sd_bus_flush_close_unref(l->bus);
	sd_event_source_disable_unref(l->retry);
	sd_event_unref(l->loop);
	free(l);
}
