/* SPDX-License-Identifier: Apache-2.0 */
/* feed - see feed.h. */
#include "feed.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "base/log.h"

#define SERVICE "org.stillprint"
#define PATH "/org/stillprint"
#define MANAGER SERVICE ".Manager1"
#define JOB SERVICE ".Job1"

enum {
	RETRY_MS = 10000,
	ACT_MS = 60000, /* a printer may be asked first */
	SHOWN_MAX = 3, /* of the jobs that waited before log-in; more become one note */
};

struct feed {
	struct desk *desk;
	sd_bus *bus; /* NULL while the system bus is away; borrowed */
	char *daemon; /* unique name of the daemon that we are subscribed to, or NULL */
	sd_bus_slot *call; /* Subscribe or Jobs under way */
	sd_event_source *retry;
};

struct act {
	struct feed *feed;
	char *job;
};

static void subscribe(struct feed *f);

/* Anybody on the system bus can send us a signal; only the daemon's count. */
static bool is_daemons(const struct feed *f, sd_bus_message *m)
{
	const char *sender = sd_bus_message_get_sender(m);

	return f->daemon && sender && !strcmp(sender, f->daemon);
}

/* ---- notices ---- */

/* An a(ss) at the read pointer, as the note's actions; more than fit are left out. */
static int read_actions(sd_bus_message *m, struct desk_note *n)
{
	const char *key, *label;
	int r = sd_bus_message_enter_container(m, 'a', "(ss)");

	while (r >= 0 && (r = sd_bus_message_read(m, "(ss)", &key, &label)) > 0)
		if (desk_note_add_action(n, key, label) == -ENOMEM)
			return -ENOMEM;
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static struct desk_note *note_new(
	uint32_t id, const char *job, const char *summary, const char *body)
{
	AUTO(desk_note_freep) struct desk_note *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->notice_id = id;
	n->job = strdup(strcmp(job, PATH) ? job : "");
	n->summary = strdup(summary);
	n->body = strdup(body);
	return n->job && n->summary && n->body ? STEAL(n) : NULL;
}

static int on_notice(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct feed *f = arg;
	AUTO(desk_note_freep) struct desk_note *n = NULL;
	const char *job, *kind, *summary, *body;
	uint32_t id;

	(void)error;
	if (!is_daemons(f, m) ||
		sd_bus_message_read(m, "uosss", &id, &job, &kind, &summary, &body) < 0)
		return 0;
	n = note_new(id, job, summary, body);
	if (!n || read_actions(m, n) < 0)
		return 0;
	n->news = !strcmp(kind, "printed-elsewhere") || !strcmp(kind, "server-back");
	log_event(LOG_LVL_INFO, "notice=%u event=shown kind=%s", id, log_quote(kind));
	desk_show(f->desk, STEAL(n));
	return 0;
}

static int on_notice_closed(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct feed *f = arg;
	uint32_t id;

	(void)error;
	if (is_daemons(f, m) && sd_bus_message_read(m, "u", &id) >= 0)
		desk_close_notice(f->desk, id);
	return 0;
}

/* ---- jobs that wait: asked before this user logged in ---- */

struct waiting {
	char path[64], state[32];
	char *title, *sentence;
	struct desk_note *note;
};

static void waiting_clear(struct waiting *w)
{
	free(w->title);
	free(w->sentence);
	desk_note_free(w->note);
	*w = (struct waiting){0};
}

static bool is_waiting(const char *state)
{
	return !strcmp(state, "held") || !strcmp(state, "unknown");
}

static int read_string(sd_bus_message *m, char **out)
{
	const char *s;
	int r = sd_bus_message_read(m, "v", "s", &s);

	if (r < 0)
		return r;
	free(*out);
	*out = strdup(s);
	return *out ? 0 : -ENOMEM;
}

/* One property of a job. */
static int read_property(sd_bus_message *m, const char *name, struct waiting *w)
{
	const char *s;
	uint32_t id;
	int r;

	if (!strcmp(name, "Title"))
		return read_string(m, &w->title);
	if (!strcmp(name, "Sentence"))
		return read_string(m, &w->sentence);
	if (!strcmp(name, "State")) {
		r = sd_bus_message_read(m, "v", "s", &s);
		if (r >= 0)
			snprintf(w->state, sizeof(w->state), "%s", s);
		return r;
	}
	if (!strcmp(name, "Id")) {
		r = sd_bus_message_read(m, "v", "u", &id);
		if (r >= 0)
			snprintf(w->path, sizeof(w->path), PATH "/jobs/%u", id);
		return r;
	}
	if (!strcmp(name, "Actions")) {
		r = sd_bus_message_enter_container(m, 'v', "a(ss)");
		if (r >= 0)
			r = read_actions(m, w->note);
		return r < 0 ? r : sd_bus_message_exit_container(m);
	}
	return sd_bus_message_skip(m, "v");
}

/* An a{sv} at the read pointer. Return: 1, 0 at the end of the array, or -errno. */
static int read_job(sd_bus_message *m, struct waiting *w)
{
	const char *name;
	int r = sd_bus_message_enter_container(m, 'a', "{sv}");

	if (r <= 0)
		return r;
	w->note = note_new(0, PATH, "", "");
	if (!w->note)
		return -ENOMEM;
	while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &name);
		if (r >= 0)
			r = read_property(m, name, w);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	return r < 0 ? r : 1;
}

/* Puts the question that @w stands for; takes its note. */
static void show_waiting(struct feed *f, struct waiting *w)
{
	struct desk_note *n = STEAL(w->note);

	free(n->job);
	free(n->summary);
	free(n->body);
	n->job = strdup(w->path);
	n->body = w->sentence ? STEAL(w->sentence) : strdup("");
	/* The number too: some notification daemons show only one of two that read alike. */
	if (asprintf(&n->summary,
		    strcmp(w->state, "unknown") ? "Job %s waits: %s" : "Did job %s print? %s",
		    strrchr(w->path, '/') + 1, w->title ? w->title : "") < 0)
		n->summary = NULL;
	if (n->job && n->summary && n->body)
		desk_show(f->desk, n);
	else
		desk_note_free(n);
}

static void show_more(struct feed *f, unsigned more)
{
	char summary[64];
	struct desk_note *n;

	snprintf(summary, sizeof(summary), "%u more print %s", more,
		more == 1 ? "job waits" : "jobs wait");
	n = note_new(0, PATH, summary, "In a terminal: stillprint jobs");
	if (n)
		desk_show(f->desk, n);
}

struct waiting_list {
	char (*path)[64];
	size_t count;
};

static bool is_listed(void *arg, const char *job)
{
	const struct waiting_list *l = arg;

	for (size_t i = 0; i < l->count; i++)
		if (!strcmp(l->path[i], job))
			return true;
	return false;
}

static int on_jobs(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct feed *f = arg;
	struct waiting_list list = {0};
	struct waiting w = {0};
	unsigned shown = 0, more = 0;
	int r;

	(void)error;
	f->call = sd_bus_slot_unref(f->call);
	if (sd_bus_message_is_method_error(m, NULL))
		return 1;
	r = sd_bus_message_enter_container(m, 'a', "a{sv}");
	while (r >= 0 && (r = read_job(m, &w)) > 0) {
		if (w.note->action_count && *w.path && is_waiting(w.state)) {
			char(*grown)[64] = reallocarray(list.path, list.count + 1, sizeof(*grown));

			if (!grown)
				break;
			list.path = grown;
			memcpy(list.path[list.count++], w.path, sizeof(w.path));
			if (desk_has_job(f->desk, w.path))
				shown++;
			else if (shown++ < SHOWN_MAX)
				show_waiting(f, &w);
			else
				more++;
		}
		waiting_clear(&w);
	}
	waiting_clear(&w);
	if (r == 0)
		desk_keep_jobs(f->desk, is_listed, &list);
	if (more)
		show_more(f, more);
	free(list.path);
	return 1;
}

static int on_changed(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct feed *f = arg;
	struct waiting w = {0};
	const char *interface;

	(void)error;
	if (!is_daemons(f, m) || !desk_has_job(f->desk, sd_bus_message_get_path(m)))
		return 0;
	if (sd_bus_message_read(m, "s", &interface) >= 0 && !strcmp(interface, JOB) &&
		read_job(m, &w) > 0 && *w.state && !is_waiting(w.state))
		desk_close_job(f->desk, sd_bus_message_get_path(m), true);
	waiting_clear(&w);
	return 0;
}

static int on_removed(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct feed *f = arg;
	const char *path;

	(void)error;
	if (is_daemons(f, m) && sd_bus_message_read(m, "o", &path) >= 0)
		desk_close_job(f->desk, path, true);
	return 0;
}

/* ---- subscription ---- */

static void try_later(struct feed *f)
{
	sd_event_source_set_time_relative(f->retry, (uint64_t)RETRY_MS * 1000);
	sd_event_source_set_enabled(f->retry, SD_EVENT_ONESHOT);
}

/* Calls without starting the daemon: whoever stopped it, meant it. */
static int call_manager(struct feed *f, const char *name, sd_bus_message_handler_t answer,
	const char *types, int value)
{
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_call(f->bus, &m, SERVICE, PATH, MANAGER, name);

	if (r >= 0)
		r = sd_bus_message_set_auto_start(m, false);
	if (r >= 0)
		r = sd_bus_message_append(m, types, value);
	f->call = sd_bus_slot_unref(f->call);
	if (r >= 0)
		r = sd_bus_call_async(f->bus, &f->call, m, answer, f, 0);
	sd_bus_message_unref(m);
	return r;
}

static int on_subscribed(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct feed *f = arg;
	const sd_bus_error *e = sd_bus_message_get_error(m);

	(void)error;
	f->call = sd_bus_slot_unref(f->call);
	if (e) {
		log_event(LOG_LVL_INFO, "event=not-subscribed error=%s", log_quote(e->name));
		try_later(f);
		return 1;
	}
	free(f->daemon);
	f->daemon = strdup(sd_bus_message_get_sender(m));
	log_event(LOG_LVL_INFO, "event=subscribed");
	if (call_manager(f, "Jobs", on_jobs, "a{sv}", 0) < 0)
		try_later(f);
	return 1;
}

static void subscribe(struct feed *f)
{
	if (f->bus && call_manager(f, "Subscribe", on_subscribed, "b", true) < 0)
		try_later(f);
}

static int on_retry(sd_event_source *s, uint64_t at_us, void *arg)
{
	(void)s;
	(void)at_us;
	subscribe(arg);
	return 0;
}

static void daemon_lost(struct feed *f)
{
	f->call = sd_bus_slot_unref(f->call);
	free(f->daemon);
	f->daemon = NULL;
	desk_forget_notices(f->desk);
}

static int on_owner(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct feed *f = arg;
	const char *name, *before, *now;

	(void)error;
	if (sd_bus_message_read(m, "sss", &name, &before, &now) < 0)
		return 0;
	if (*before) {
		log_event(LOG_LVL_INFO, "event=daemon-gone");
		daemon_lost(f);
	}
	if (*now)
		subscribe(f);
	return 0;
}

void feed_attach(struct feed *f, sd_bus *system)
{
	static const char owner_rule[] =
		"type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
		"interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" SERVICE "'";

	f->bus = system;
	sd_bus_add_match_async(system, NULL, owner_rule, on_owner, NULL, f);
	/* Matched here only: the daemon sends to this connection by name, so that the bus need not be asked. */
	sd_bus_match_signal_async(system, NULL, NULL, PATH, MANAGER, "Notice", on_notice, NULL, f);
	sd_bus_match_signal_async(
		system, NULL, NULL, PATH, MANAGER, "NoticeClosed", on_notice_closed, NULL, f);
	sd_bus_match_signal_async(system, NULL, NULL, NULL, "org.freedesktop.DBus.Properties",
		"PropertiesChanged", on_changed, NULL, f);
	sd_bus_match_signal_async(system, NULL, NULL, PATH, "org.freedesktop.DBus.ObjectManager",
		"InterfacesRemoved", on_removed, NULL, f);
	subscribe(f);
}

void feed_detach(struct feed *f)
{
	daemon_lost(f);
	f->bus = NULL;
}

/* ---- the user's choice ---- */

static void act_free(void *arg)
{
	struct act *a = arg;

	free(a->job);
	free(a);
}

static int on_acted(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct act *a = arg;
	const sd_bus_error *e = sd_bus_message_get_error(m);
	bool final = e && (!strcmp(e->name, SERVICE ".Error.NoSuch") ||
				  !strcmp(e->name, SERVICE ".Error.State"));

	(void)error;
	if (e)
		log_event(LOG_LVL_WARNING, "event=not-done error=%s", log_quote(e->name));
	if (e && strncmp(e->name, SERVICE ".Error.", sizeof(SERVICE ".Error.") - 1) != 0)
		desk_answer(a->feed->desk, a->job,
			"Stillprint's service does not answer; try again later.", false);
	else
		desk_answer(a->feed->desk, a->job, e ? e->message : NULL, final);
	return 1;
}

void feed_act(void *arg, const char *job, const char *key)
{
	struct feed *f = arg;
	struct act *a = calloc(1, sizeof(*a));
	sd_bus_message *m = NULL;
	sd_bus_slot *slot = NULL;
	int r = -ENOTCONN;

	if (a)
		*a = (struct act){.feed = f, .job = strdup(job)};
	if (a && a->job && f->bus)
		r = sd_bus_message_new_method_call(f->bus, &m, SERVICE, job, JOB, "Act");
	if (r >= 0)
		r = sd_bus_message_append(m, "s", key);
	if (r >= 0)
		r = sd_bus_call_async(f->bus, &slot, m, on_acted, a, (uint64_t)ACT_MS * 1000);
	sd_bus_message_unref(m);
	if (r >= 0) {
		sd_bus_slot_set_destroy_callback(slot, act_free);
		sd_bus_slot_set_floating(slot, true);
		sd_bus_slot_unref(slot);
		return;
	}
	if (a)
		act_free(a);
	desk_answer(f->desk, job, "Stillprint's service is not there; try again later.", false);
}

/* ---- life ---- */

int feed_new(sd_event *loop, struct feed **out)
{
	AUTO(feed_freep) struct feed *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	r = sd_event_add_time_relative(loop, &f->retry, CLOCK_MONOTONIC, 0, 0, on_retry, f);
	if (r < 0)
		return r;
	sd_event_source_set_enabled(f->retry, SD_EVENT_OFF);
	*out = STEAL(f);
	return 0;
}

void feed_set_desk(struct feed *f, struct desk *d)
{
	f->desk = d;
}

void feed_free(struct feed *f)
{
	if (!f)
		return;
	sd_bus_slot_unref(f->call);
	sd_event_source_disable_unref(f->retry);
	free(f->daemon);
	free(f);
}
