/* SPDX-License-Identifier: Apache-2.0 */
/* desk - see desk.h. */
#include "desk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "base/log.h"

#define SERVICE "org.freedesktop.Notifications"
#define PATH "/org/freedesktop/Notifications"

enum { RETRY_FIRST_MS = 2000, RETRY_MAX_MS = 60000, ITEM_MAX = 64 };

struct item {
	struct desk *desk;
	struct desk_note *note;
	char *error; /* shown above the body, owned */
	uint32_t shown_id; /* the notification daemon's number, 0 if not on the screen */
	sd_bus_slot *pending; /* Notify under way */
	bool dirty; /* changed while it was */
	bool closing; /* to be taken away once it has come */
	bool acting; /* the user has chosen; the daemon is being asked */
	struct item *next;
};

struct desk {
	sd_bus *bus; /* NULL while the session bus is away; borrowed */
	void (*acted)(void *arg, const char *job, const char *key);
	void *arg;
	struct item *items; /* newest first */
	bool ready; /* the notification daemon has told what it can do */
	bool can_actions, can_markup, can_body;
	sd_bus_slot *probe;
	sd_event_source *retry;
	uint64_t retry_ms;
};

static void flush(struct desk *d);

/* ---- notes ---- */

void desk_note_free(struct desk_note *n)
{
	if (!n)
		return;
	for (unsigned i = 0; i < n->action_count; i++) {
		free(n->action[i].key);
		free(n->action[i].label);
	}
	free(n->job);
	free(n->summary);
	free(n->body);
	free(n);
}

int desk_note_add_action(struct desk_note *n, const char *key, const char *label)
{
	struct desk_action *a;

	if (n->action_count == DESK_ACTION_MAX)
		return -ENOSPC;
	a = &n->action[n->action_count++];
	a->key = strdup(key);
	a->label = strdup(label);
	return a->key && a->label ? 0 : -ENOMEM;
}

static bool is_question(const struct item *it)
{
	return it->note->action_count && !it->note->news;
}

static void item_free(struct item *it)
{
	struct item **at = &it->desk->items;

	while (*at != it)
		at = &(*at)->next;
	*at = it->next;
	sd_bus_slot_unref(it->pending);
	desk_note_free(it->note);
	free(it->error);
	free(it);
}

/* ---- text ---- */

/* As the notification daemon reads it: "<b>" in a title is no markup. NULL without memory. */
static char *escape(const char *text, bool markup)
{
	char *out = NULL;
	size_t size;
	FILE *f;

	if (!markup)
		return strdup(text);
	f = open_memstream(&out, &size);
	if (!f)
		return NULL;
	for (; *text; text++) {
		if (*text == '&')
			fputs("&amp;", f);
		else if (*text == '<')
			fputs("&lt;", f);
		else if (*text == '>')
			fputs("&gt;", f);
		else
			fputc(*text, f);
	}
	return fclose(f) ? free(out), NULL : out;
}

/* The whole body, unescaped: what went wrong, what it is about, and the way without buttons. */
static char *body_of(const struct item *it)
{
	const struct desk *d = it->desk;
	bool hint = is_question(it) && !d->can_actions;
	char *out;

	if (asprintf(&out, "%s%s%s%s", it->error ? it->error : "", it->error ? "\n" : "",
		    it->note->body, hint ? "\nIn a terminal: stillprint jobs" : "") < 0)
		return NULL;
	return out;
}

/* For a notification daemon that shows one line only. */
static char *joined(const char *summary, const char *body)
{
	char *out;

	return asprintf(&out, "%s: %s", summary, body) < 0 ? NULL : out;
}

/* ---- Notify ---- */

static int append_actions(sd_bus_message *m, const struct item *it)
{
	int r = sd_bus_message_open_container(m, 'a', "s");

	for (unsigned i = 0; r >= 0 && it->desk->can_actions && i < it->note->action_count; i++)
		r = sd_bus_message_append(
			m, "ss", it->note->action[i].key, it->note->action[i].label);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int notify_message(struct item *it, sd_bus_message **m)
{
	AUTO(auto_free) char *plain = body_of(it);
	AUTO(auto_free) char *body = plain ? escape(plain, it->desk->can_markup) : NULL;
	AUTO(auto_free) char *both = NULL;
	const char *summary = it->note->summary;
	int r = sd_bus_message_new_method_call(it->desk->bus, m, SERVICE, PATH, SERVICE, "Notify");

	if (!body)
		return -ENOMEM;
	if (!it->desk->can_body) {
		both = joined(summary, plain);
		if (!both)
			return -ENOMEM;
		summary = both;
	}
	if (r >= 0)
		r = sd_bus_message_append(m[0], "susss", "Stillprint", it->shown_id, "printer",
			summary, it->desk->can_body ? body : "");
	if (r >= 0)
		r = append_actions(*m, it);
	/* A question stays until it is answered; news go by themselves. */
	if (r >= 0)
		r = sd_bus_message_append(*m, "a{sv}i", 2, "urgency", "y", is_question(it) ? 2 : 1,
			"desktop-entry", "s", "stillprint-agent", is_question(it) ? 0 : -1);
	return r;
}

static void take_away(struct item *it)
{
	if (it->desk->bus && it->shown_id)
		sd_bus_call_method_async(it->desk->bus, NULL, SERVICE, PATH, SERVICE,
			"CloseNotification", NULL, NULL, "u", it->shown_id);
	item_free(it);
}

static void try_later(struct desk *d)
{
	sd_event_source_set_time_relative(d->retry, d->retry_ms * 1000);
	sd_event_source_set_enabled(d->retry, SD_EVENT_ONESHOT);
	d->retry_ms = d->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : d->retry_ms * 2;
}

static void push(struct item *it);

static int on_notified(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct item *it = arg;
	const sd_bus_error *e = sd_bus_message_get_error(m);

	(void)error;
	it->pending = sd_bus_slot_unref(it->pending);
	it->shown_id = 0;
	if (e) {
		log_event(LOG_LVL_WARNING, "event=not-shown error=%s", log_quote(e->name));
		it->desk->ready = false;
		try_later(it->desk);
	} else if (sd_bus_message_read(m, "u", &it->shown_id) < 0) {
		it->shown_id = 0;
	}
	if (it->closing)
		take_away(it);
	else if (it->dirty && it->desk->ready)
		push(it);
	return 1;
}

static void push(struct item *it)
{
	sd_bus_message *m = NULL;
	int r;

	it->dirty = it->pending;
	if (it->pending)
		return;
	r = notify_message(it, &m);
	if (r >= 0)
		r = sd_bus_call_async(it->desk->bus, &it->pending, m, on_notified, it, 0);
	if (r < 0)
		log_event(LOG_LVL_ERROR, "event=not-shown error=%s", log_quote(strerror(-r)));
	sd_bus_message_unref(m);
}

/* ---- the notification daemon, which may come and go ---- */

static int on_capabilities(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct desk *d = arg;
	const sd_bus_error *e = sd_bus_message_get_error(m);
	const char *word;

	(void)error;
	d->probe = sd_bus_slot_unref(d->probe);
	if (e || sd_bus_message_enter_container(m, 'a', "s") < 0) {
		log_event(LOG_LVL_WARNING, "event=no-notification-daemon error=%s",
			log_quote(e ? e->name : "no list"));
		try_later(d);
		return 1;
	}
	d->can_actions = d->can_markup = d->can_body = false;
	while (sd_bus_message_read(m, "s", &word) > 0) {
		d->can_actions |= !strcmp(word, "actions");
		d->can_markup |= !strcmp(word, "body-markup");
		d->can_body |= !strcmp(word, "body");
	}
	d->ready = true;
	d->retry_ms = RETRY_FIRST_MS;
	flush(d);
	return 1;
}

/* Shows what is not on the screen yet. Asks first what the notification daemon can do, which may also start it. */
static void flush(struct desk *d)
{
	bool wanted = false;

	for (struct item *it = d->items; it; it = it->next) {
		if (it->shown_id || it->pending || it->acting)
			continue;
		wanted = true;
		if (d->ready)
			push(it);
	}
	if (!wanted || d->ready || d->probe || !d->bus)
		return;
	if (sd_bus_call_method_async(d->bus, &d->probe, SERVICE, PATH, SERVICE, "GetCapabilities",
		    on_capabilities, d, "") < 0)
		try_later(d);
}

static int on_retry(sd_event_source *s, uint64_t at_us, void *arg)
{
	(void)s;
	(void)at_us;
	flush(arg);
	return 0;
}

/* What was on its screen is gone; questions are put again. */
static void forget_screen(struct desk *d)
{
	d->ready = false;
	for (struct item *it = d->items, *next; it; it = next) {
		next = it->next;
		if (it->pending)
			continue; /* fails by itself, and is tried again */
		if (it->shown_id && !is_question(it))
			item_free(it);
		else
			it->shown_id = 0;
	}
}

static int on_owner(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct desk *d = arg;
	const char *name, *before, *now;

	(void)error;
	if (sd_bus_message_read(m, "sss", &name, &before, &now) < 0)
		return 0;
	if (*before)
		forget_screen(d);
	if (*now) {
		d->retry_ms = RETRY_FIRST_MS;
		flush(d);
	} else {
		log_event(LOG_LVL_WARNING, "event=notification-daemon-gone");
		try_later(d);
	}
	return 0;
}

/* ---- what the user does ---- */

static struct item *find_shown(struct desk *d, uint32_t id)
{
	struct item *it = d->items;

	while (it && (it->shown_id != id || !id))
		it = it->next;
	return it;
}

static int on_action(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct desk *d = arg;
	struct item *it;
	uint32_t id;
	const char *key;

	(void)error;
	if (sd_bus_message_read(m, "us", &id, &key) < 0)
		return 0;
	it = find_shown(d, id);
	for (unsigned i = 0; it && !it->acting && i < it->note->action_count; i++) {
		if (strcmp(it->note->action[i].key, key) != 0)
			continue;
		it->acting = true;
		d->acted(d->arg, it->note->job, key);
		break;
	}
	return 0;
}

static int on_closed(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct desk *d = arg;
	struct item *it;
	uint32_t id, reason;

	(void)error;
	if (sd_bus_message_read(m, "uu", &id, &reason) < 0)
		return 0;
	it = find_shown(d, id);
	if (!it)
		return 0;
	it->shown_id = 0;
	/* Being answered, or about to be shown anew. Else the user has read it. */
	if (!it->acting && !it->pending)
		item_free(it);
	return 0;
}

/* ---- the notes ---- */

static struct item *find_job(const struct desk *d, const char *job)
{
	struct item *it = d->items;

	while (it && (it->closing || !*job || strcmp(it->note->job, job) != 0))
		it = it->next;
	return it;
}

static void item_remove(struct item *it)
{
	if (it->pending)
		it->closing = true;
	else
		take_away(it);
}

static void item_refresh(struct item *it)
{
	if (it->desk->ready)
		push(it);
	else
		flush(it->desk);
}

/* An unread flood does not grow without end. */
static void drop_oldest(struct desk *d)
{
	struct item *last = NULL;
	unsigned n = 0;

	for (struct item *it = d->items; it; it = it->next) {
		n++;
		if (!it->closing && !it->acting)
			last = it;
	}
	if (n >= ITEM_MAX && last)
		item_remove(last);
}

void desk_show(struct desk *d, struct desk_note *note)
{
	struct item *it = find_job(d, note->job);

	if (!it) {
		drop_oldest(d);
		it = calloc(1, sizeof(*it));
		if (!it) {
			desk_note_free(note);
			return;
		}
		it->desk = d;
		it->next = d->items;
		d->items = it;
	}
	desk_note_free(it->note);
	free(it->error);
	it->note = note;
	it->error = NULL;
	it->acting = false;
	item_refresh(it);
}

void desk_answer(struct desk *d, const char *job, const char *error, bool final)
{
	struct item *it = find_job(d, job);

	if (!it || !it->acting)
		return; /* a newer note has come meanwhile */
	it->acting = false;
	if (!error) {
		item_remove(it);
		return;
	}
	free(it->error);
	it->error = strdup(error);
	while (final && it->note->action_count) {
		it->note->action_count--;
		free(it->note->action[it->note->action_count].key);
		free(it->note->action[it->note->action_count].label);
	}
	item_refresh(it);
}

void desk_close_notice(struct desk *d, uint32_t notice_id)
{
	for (struct item *it = d->items; it && notice_id; it = it->next) {
		if (it->closing || it->note->notice_id != notice_id)
			continue;
		if (!it->acting) /* else the answer is on its way and ends it */
			item_remove(it);
		return;
	}
}

void desk_close_job(struct desk *d, const char *job, bool own_only)
{
	struct item *it = find_job(d, job);

	if (it && !it->acting && is_question(it) && !(own_only && it->note->notice_id))
		item_remove(it);
}

bool desk_has_job(const struct desk *d, const char *job)
{
	return find_job(d, job);
}

void desk_forget_notices(struct desk *d)
{
	for (struct item *it = d->items; it; it = it->next)
		it->note->notice_id = 0;
}

void desk_keep_jobs(struct desk *d, bool (*waits)(void *arg, const char *job), void *arg)
{
	for (struct item *it = d->items, *next; it; it = next) {
		next = it->next;
		if (!it->closing && !it->acting && is_question(it) && !waits(arg, it->note->job))
			item_remove(it);
	}
}

/* ---- life ---- */

void desk_attach(struct desk *d, sd_bus *session)
{
	static const char owner_rule[] =
		"type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
		"interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" SERVICE "'";

	d->bus = session;
	sd_bus_add_match_async(session, NULL, owner_rule, on_owner, NULL, d);
	sd_bus_match_signal_async(
		session, NULL, NULL, PATH, SERVICE, "ActionInvoked", on_action, NULL, d);
	sd_bus_match_signal_async(
		session, NULL, NULL, PATH, SERVICE, "NotificationClosed", on_closed, NULL, d);
	flush(d);
}

void desk_detach(struct desk *d)
{
	for (struct item *it = d->items; it; it = it->next)
		it->pending = sd_bus_slot_unref(it->pending);
	d->probe = sd_bus_slot_unref(d->probe);
	d->bus = NULL;
	forget_screen(d);
}

int desk_new(sd_event *loop, void (*acted)(void *arg, const char *job, const char *key), void *arg,
	struct desk **out)
{
	AUTO(desk_freep) struct desk *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	*d = (struct desk){.acted = acted, .arg = arg, .retry_ms = RETRY_FIRST_MS};
	r = sd_event_add_time_relative(loop, &d->retry, CLOCK_MONOTONIC, 0, 0, on_retry, d);
	if (r < 0)
		return r;
	sd_event_source_set_enabled(d->retry, SD_EVENT_OFF);
	*out = STEAL(d);
	return 0;
}

void desk_free(struct desk *d)
{
	if (!d)
		return;
	while (d->items)
		take_away(d->items);
	sd_bus_slot_unref(d->probe);
	sd_event_source_disable_unref(d->retry);
	free(d);
}
