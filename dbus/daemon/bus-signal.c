/* SPDX-License-Identifier: Apache-2.0 */
/* bus-signal - what the engine tells, passed on as unicast signals to those whom it concerns and to nobody else. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bus-impl.h"

/* A question that is still open: its answers, and whom it was put to. */
struct bus_notice {
	uint32_t id;
	int32_t job_id;
	char owner[256];
	struct engine_action action[ENGINE_ACTION_MAX];
	unsigned action_count;
	struct bus_notice *next;
};

/* ---- sending ---- */

static bool hears_job(const struct bus_peer *p, const char *owner)
{
	return p->user && p->subscribed && bus_user_sees(p->user, owner);
}

/* A notice is for the user concerned alone; root does not get everybody's questions. */
static bool hears_notice(const struct bus_peer *p, const char *owner)
{
	return p->user && p->subscribed && p->user->name[0] && !strcmp(p->user->name, owner);
}

typedef bool hears_fn(const struct bus_peer *p, const char *owner);

static bool anybody(struct bus *b, hears_fn *hears, const char *owner)
{
	for (struct bus_peer *p = b->peers; p; p = p->next)
		if (hears(p, owner))
			return true;
	return false;
}

static bool is_as_declared(DBusMessage *m)
{
	for (const struct bus_signal *s = bus_signals; s->name; s++)
		if (dbus_message_is_signal(m, s->interface, s->name))
			return dbus_message_has_signature(m, s->signature);
	return false;
}

static void send_to(struct bus *b, const struct bus_peer *p, DBusMessage *m)
{
	DBusMessage *copy = dbus_message_copy(m);

	assert(is_as_declared(m));
	if (!copy || !dbus_message_set_destination(copy, p->name) ||
		!dbus_connection_send(b->c, copy, NULL))
		log_event(LOG_LVL_ERROR, "bus event=signal-lost error=ENOMEM");
	if (copy)
		dbus_message_unref(copy);
}

/* Sends @m to each that hears it, if it was written completely. Takes @m over. */
static void send_all(
	struct bus *b, DBusMessage *m, struct bus_out *o, hears_fn *hears, const char *owner)
{
	if (!bus_out_finish(o))
		log_event(LOG_LVL_ERROR, "bus event=signal-lost error=ENOMEM");
	else
		for (struct bus_peer *p = b->peers; p; p = p->next)
			if (hears(p, owner))
				send_to(b, p, m);
	dbus_message_unref(m);
}

static DBusMessage *signal_new(
	const char *path, const char *interface, const char *name, struct bus_out *o)
{
	DBusMessage *m = dbus_message_new_signal(path, interface, name);

	if (m)
		bus_out_init(o, m);
	else
		log_event(LOG_LVL_ERROR, "bus event=signal-lost error=ENOMEM");
	return m;
}

static DBusMessage *added(const struct bus_object *object, struct bus_out *o)
{
	DBusMessage *m = signal_new(BUS_ROOT_PATH, BUS_OBJECT_MANAGER, "InterfacesAdded", o);

	if (!m)
		return NULL;
	bus_out_path(o, object->path);
	bus_put_interfaces(o, object);
	return m;
}

static DBusMessage *changed(
	const struct bus_object *object, const char *interface, struct bus_out *o)
{
	DBusMessage *m =
		signal_new(object->path, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged", o);

	if (!m)
		return NULL;
	bus_out_string(o, interface);
	bus_put_properties(o, object, interface, true);
	bus_out_open(o, DBUS_TYPE_ARRAY, "s");
	bus_out_close(o);
	return m;
}

static DBusMessage *removed(const char *path, enum bus_kind kind, struct bus_out *o)
{
	DBusMessage *m = signal_new(BUS_ROOT_PATH, BUS_OBJECT_MANAGER, "InterfacesRemoved", o);

	if (!m)
		return NULL;
	bus_out_path(o, path);
	bus_out_open(o, DBUS_TYPE_ARRAY, "s");
	for (const struct bus_interface *i = bus_interfaces; i->name; i++)
		if (i->on & kind)
			bus_out_string(o, i->name);
	bus_out_close(o);
	return m;
}

/* ---- what has been announced ---- */

static struct bus_known *known_find(struct bus *b, int32_t job_id, const char *queue)
{
	for (size_t i = 0; i < b->known_count; i++)
		if (b->known[i].job_id == job_id &&
			(job_id || (queue && !strcmp(b->known[i].text, queue))))
			return &b->known[i];
	return NULL;
}

static int known_add(struct bus *b, int32_t job_id, const char *text)
{
	struct bus_known *grown = reallocarray(b->known, b->known_count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	b->known = grown;
	grown += b->known_count;
	*grown = (struct bus_known){.job_id = job_id, .text = strdup(text)};
	if (!grown->text)
		return -ENOMEM;
	b->known_count++;
	return 0;
}

static void known_remove(struct bus *b, struct bus_known *k)
{
	free(k->text);
	*k = b->known[--b->known_count];
}

/* ---- notices ---- */

static void notice_close(struct bus *b, struct bus_notice *n)
{
	struct bus_notice **at = &b->notices;
	struct bus_out o;
	DBusMessage *m = signal_new(BUS_ROOT_PATH, BUS_MANAGER, "NoticeClosed", &o);

	if (m) {
		bus_out_u32(&o, n->id);
		send_all(b, m, &o, hears_notice, n->owner);
	}
	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	free(n);
}

/* Is one of its answers still possible? "cancel" is possible nearly always, so it does not count beside others. */
static bool notice_is_open(struct bus *b, const struct bus_notice *n)
{
	struct engine_action now[ENGINE_ACTION_MAX];
	unsigned count = engine_job_actions(b->e, n->job_id, now);

	for (unsigned i = 0; i < n->action_count; i++) {
		if (n->action_count > 1 && !strcmp(n->action[i].key, "cancel"))
			continue;
		for (unsigned j = 0; j < count && j < ENGINE_ACTION_MAX; j++)
			if (!strcmp(n->action[i].key, now[j].key))
				return true;
	}
	return false;
}

static void notices_review(struct bus *b, int32_t job_id, bool gone)
{
	for (struct bus_notice *n = b->notices, *next; n; n = next) {
		next = n->next;
		if (n->job_id == job_id && (gone || !notice_is_open(b, n)))
			notice_close(b, n);
	}
}

/* Remembers @n, so that it can be closed. Without memory it stays open until the user looks at it. */
static void notice_keep(struct bus *b, const struct engine_notice *n, uint32_t id)
{
	struct bus_notice *kept = calloc(1, sizeof(*kept));

	if (!kept)
		return;
	kept->id = id;
	kept->job_id = n->job_id;
	strncpy(kept->owner, n->owner, sizeof(kept->owner) - 1);
	kept->action_count =
		n->action_count < ENGINE_ACTION_MAX ? n->action_count : ENGINE_ACTION_MAX;
	memcpy(kept->action, n->action, kept->action_count * sizeof(*kept->action));
	kept->next = b->notices;
	b->notices = kept;
}

/* Told, not asked, although the job can still be cancelled: such a notice outlives the job. */
static bool is_news(const char *kind)
{
	return !strcmp(kind, "printed-elsewhere") || !strcmp(kind, "server-back");
}

static void on_notice(void *arg, const struct engine_notice *n)
{
	struct bus *b = arg;
	struct bus_notice *before = n->job_id ? b->notices : NULL;
	char path[BUS_PATH_MAX] = BUS_ROOT_PATH;
	struct bus_out o;
	DBusMessage *m;

	while (before && before->job_id != n->job_id)
		before = before->next;
	if (!anybody(b, hears_notice, n->owner))
		return; /* an agent that comes later asks for the jobs that wait */
	m = signal_new(BUS_ROOT_PATH, BUS_MANAGER, "Notice", &o);
	if (!m)
		return;
	bus_out_u32(&o, ++b->last_notice);
	if (n->job_id)
		bus_job_path(path, n->job_id);
	bus_out_path(&o, path);
	bus_out_text(&o, n->kind);
	bus_out_text(&o, n->summary);
	bus_out_text(&o, n->body);
	bus_out_open(&o, DBUS_TYPE_ARRAY, "(ss)");
	for (unsigned i = 0; i < n->action_count; i++) {
		bus_out_open(&o, DBUS_TYPE_STRUCT, NULL);
		bus_out_string(&o, n->action[i].key);
		bus_out_text(&o, n->action[i].label);
		bus_out_close(&o);
	}
	bus_out_close(&o);
	send_all(b, m, &o, hears_notice, n->owner);
	if (n->job_id && n->action_count && !is_news(n->kind))
		notice_keep(b, n, b->last_notice);
	/* After the new one, so that an agent which shows one per job replaces it without a gap. */
	if (before)
		notice_close(b, before);
}

/* ---- the engine's listener ---- */

static void on_job_removed(void *arg, int32_t id)
{
	struct bus *b = arg;
	struct bus_known *k = known_find(b, id, NULL);
	char path[BUS_PATH_MAX];
	struct bus_out o;
	DBusMessage *m;

	notices_review(b, id, true);
	if (!k)
		return;
	bus_job_path(path, id);
	m = anybody(b, hears_job, k->text) ? removed(path, ON_JOB, &o) : NULL;
	if (m)
		send_all(b, m, &o, hears_job, k->text);
	known_remove(b, k);
}

static void on_job_changed(void *arg, int32_t id)
{
	struct bus *b = arg;
	struct bus_known *k = known_find(b, id, NULL);
	struct bus_object object;
	struct bus_out o;
	DBusMessage *m;

	if (!bus_object_job(b->e, &bus_everyone, id, &object)) {
		on_job_removed(b, id);
		return;
	}
	/* Without memory it is announced again, which does no harm. */
	if (!k)
		known_add(b, id, object.job.row->owner);
	if (anybody(b, hears_job, object.job.row->owner)) {
		m = k ? changed(&object, BUS_JOB, &o) : added(&object, &o);
		if (m)
			send_all(b, m, &o, hears_job, object.job.row->owner);
	}
	notices_review(b, id, job_is_final(object.job.row->state));
}

/* A queue tells each viewer the number of his own jobs, so every connection gets its own message. */
static void tell_queue(struct bus *b, const char *name)
{
	struct bus_known *k = known_find(b, 0, name);
	struct bus_object object;
	bool there = bus_object_queue(b->e, &bus_everyone, name, &object);

	for (struct bus_peer *p = b->peers; p; p = p->next) {
		struct bus_out o;
		DBusMessage *m = NULL;

		if (!p->user || !p->subscribed)
			continue;
		object.viewer = p->user;
		if (there)
			m = k ? changed(&object, BUS_QUEUE, &o) : added(&object, &o);
		else if (k)
			m = removed(object.path, ON_QUEUE, &o);
		if (m && bus_out_finish(&o))
			send_to(b, p, m);
		if (m)
			dbus_message_unref(m);
	}
	if (there && !k)
		known_add(b, 0, name);
	else if (!there && k)
		known_remove(b, k);
}

/* After a new configuration the engine names the queues that there are; those that went are found here. */
static void on_queue_changed(void *arg, const char *name)
{
	struct bus *b = arg;
	struct engine_queue queue;

	tell_queue(b, name);
	for (size_t i = b->known_count; i-- > 0;) {
		AUTO(auto_free) char *gone = NULL;

		if (b->known[i].job_id || engine_queue_find(b->e, b->known[i].text, &queue))
			continue;
		gone = strdup(b->known[i].text);
		if (gone)
			tell_queue(b, gone);
	}
}

static bool on_can_ask(void *arg, const char *owner)
{
	struct bus *b = arg;

	for (struct bus_peer *p = b->peers; p; p = p->next)
		if (p->agent && hears_notice(p, owner))
			return true;
	return false;
}

int bus_signal_init(struct bus *b)
{
	const struct engine_listener listener = {
		.job_changed = on_job_changed,
		.job_removed = on_job_removed,
		.queue_changed = on_queue_changed,
		.notice = on_notice,
		.can_ask = on_can_ask,
		.arg = b,
	};
	struct engine_job job;
	struct engine_queue queue;
	int r = 0;

	for (unsigned i = 0; !r && engine_job_at(b->e, i, &job); i++)
		r = known_add(b, job.row->id, job.row->owner);
	for (unsigned i = 0; !r && engine_queue_at(b->e, i, &queue); i++)
		r = known_add(b, 0, queue.config->name);
	if (!r)
		engine_set_listener(b->e, &listener);
	return r;
}

/* ---- after the bus, nobody listens ---- */

static void deaf_job(void *arg, int32_t id)
{
	(void)arg;
	(void)id;
}

static void deaf_queue(void *arg, const char *name)
{
	(void)arg;
	(void)name;
}

static void deaf_notice(void *arg, const struct engine_notice *n)
{
	(void)arg;
	(void)n;
}

static bool deaf_can_ask(void *arg, const char *owner)
{
	(void)arg;
	(void)owner;
	return false;
}

void bus_signal_fini(struct bus *b)
{
	static const struct engine_listener deaf = {
		deaf_job, deaf_job, deaf_queue, deaf_notice, deaf_can_ask, NULL};

	engine_set_listener(b->e, &deaf);
	for (size_t i = 0; i < b->known_count; i++)
		free(b->known[i].text);
	free(b->known);
	while (b->notices) {
		struct bus_notice *n = b->notices;

		b->notices = n->next;
		free(n);
	}
}
