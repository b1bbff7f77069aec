/* SPDX-License-Identifier: Apache-2.0 */
/* stillprint-agent - shows a user on his desktop what Stillprint has to say, and takes his answer back. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/log.h"
#include "desk.h"
#include "feed.h"
#include "link.h"

#define NAME "org.stillprint.Agent"

enum {
	EXIT_OTHER = 0, /* another agent serves this session */
	SESSION_LOST_S = 30, /* without a session bus for so long, the session is over */
	SESSION_OVER = 1,
};

struct agent {
	sd_event *loop;
	struct desk *desk;
	struct feed *feed;
	struct link *session, *system;
	sd_bus_slot *naming;
	sd_event_source *over;
};

static const struct link_ops system_ops;

static int on_over(sd_event_source *s, uint64_t at_us, void *arg)
{
	struct agent *a = arg;

	(void)s;
	(void)at_us;
	log_event(LOG_LVL_WARNING, "event=session-bus-gone");
	return sd_event_exit(a->loop, SESSION_OVER);
}

static void arm_over(struct agent *a)
{
	sd_event_source_set_time_relative(a->over, SESSION_LOST_S * 1000000ull);
	sd_event_source_set_enabled(a->over, SD_EVENT_ONESHOT);
}

/* Only the agent that has the name subscribes: two would ask every question twice. */
static int on_named(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct agent *a = arg;
	uint32_t result = 0;
	int r;

	(void)error;
	a->naming = sd_bus_slot_unref(a->naming);
	if (sd_bus_message_is_method_error(m, NULL) || sd_bus_message_read(m, "u", &result) < 0) {
		log_event(LOG_LVL_ERROR, "event=no-name");
		return 1;
	}
	if (result != 1 && result != 4) { /* neither primary owner nor owner already */
		log_event(LOG_LVL_INFO, "event=other-agent-runs");
		sd_event_exit(a->loop, EXIT_OTHER);
		return 1;
	}
	sd_event_source_set_enabled(a->over, SD_EVENT_OFF);
	if (a->system)
		return 1;
	r = link_new(a->loop, &system_ops, a, &a->system);
	if (r < 0)
		sd_event_exit(a->loop, r);
	return 1;
}

static void session_up(void *arg, sd_bus *bus)
{
	struct agent *a = arg;

	a->naming = sd_bus_slot_unref(a->naming);
	if (sd_bus_request_name_async(bus, &a->naming, NAME, 0, on_named, a) < 0)
		log_event(LOG_LVL_ERROR, "event=no-name");
	desk_attach(a->desk, bus);
}

static void session_down(void *arg)
{
	struct agent *a = arg;

	log_event(LOG_LVL_WARNING, "event=session-bus-lost");
	a->naming = sd_bus_slot_unref(a->naming);
	desk_detach(a->desk);
	arm_over(a);
}

static void system_up(void *arg, sd_bus *bus)
{
	struct agent *a = arg;

	feed_attach(a->feed, bus);
}

static void system_down(void *arg)
{
	struct agent *a = arg;

	log_event(LOG_LVL_WARNING, "event=system-bus-lost");
	feed_detach(a->feed);
}

static const struct link_ops session_ops = {sd_bus_open_user, session_up, session_down};
static const struct link_ops system_ops = {sd_bus_open_system, system_up, system_down};

static int agent_start(struct agent *a)
{
	sigset_t mask;
	int r = sd_event_default(&a->loop);

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	if (r >= 0)
		r = sd_event_add_signal(a->loop, NULL, SIGTERM, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(a->loop, NULL, SIGINT, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_time_relative(
			a->loop, &a->over, CLOCK_MONOTONIC, 0, 0, on_over, a);
	if (r < 0)
		return r;
	arm_over(a);
	r = feed_new(a->loop, &a->feed);
	if (r >= 0)
		r = desk_new(a->loop, feed_act, a->feed, &a->desk);
	if (r < 0)
		return r;
	feed_set_desk(a->feed, a->desk);
	return link_new(a->loop, &session_ops, a, &a->session);
}

/* The desk first: it takes its notes off the screen while the bus is still there. */
static void agent_stop(struct agent *a)
{
	sd_bus_slot_unref(a->naming);
	desk_free(a->desk);
	link_free(a->session);
	link_free(a->system);
	feed_free(a->feed);
	sd_event_source_disable_unref(a->over);
	sd_event_unref(a->loop);
}

static int agent_run(void)
{
	struct agent a = {0};
	int r = agent_start(&a);

	if (r >= 0)
		r = sd_event_loop(a.loop);
	agent_stop(&a);
	if (r < 0)
		fprintf(stderr, "stillprint-agent: %s\n", strerror(-r));
	return r < 0 ? 1 : r;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{"verbose", no_argument, NULL, 'd'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'h') {
			puts("usage: stillprint-agent [--verbose]\n"
			     "Shows what Stillprint has to say about your print jobs as desktop\n"
			     "notifications, and takes your answer back. One per session; usually started\n"
			     "with the session. See stillprint-agent(1).");
			return 0;
		}
		if (c == 'v') {
			puts("stillprint-agent " STILLPRINT_VERSION);
			return 0;
		}
		if (c != 'd')
			return 64;
		log_set_level(LOG_LVL_DEBUG);
	}
	if (optind < argc) {
		fprintf(stderr, "stillprint-agent: takes no arguments; see --help\n");
		return 64;
	}
	return agent_run();
}
