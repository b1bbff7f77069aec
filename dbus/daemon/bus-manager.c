/* SPDX-License-Identifier: Apache-2.0 */
/* bus-manager - org.stillprint.Manager1: each handler parses all its arguments, then asks the engine. */
#include <string.h>

#include "bus-impl.h"

void bus_manager_status(struct bus_call *call)
{
	struct engine_status s;
	struct bus_tally own;
	struct bus_out o;
	DBusMessage *reply = bus_call_reply(call, &o);

	if (!reply)
		return;
	engine_get_status(call->bus->e, &s);
	/* Others' jobs do not show even as a number. */
	if (call->user->uid) {
		bus_tally(call->bus->e, call->user, NULL, &own);
		s.spool_octets = own.octets;
		s.waiting = own.waiting;
		s.unknown = own.unknown;
		s.delivering = own.delivering;
	}
	bus_out_open(&o, DBUS_TYPE_ARRAY, "{sv}");
	bus_out_entry_text(&o, "Version", STILLPRINT_VERSION);
	bus_out_entry_text(&o, "RunId", s.run_id);
	bus_out_entry_i64(&o, "Started", s.started_s);
	bus_out_entry_bool(&o, "Online", s.online);
	if (s.certificate_until_s)
		bus_out_entry_i64(&o, "CertificateUntil", s.certificate_until_s);
	if (s.credentials && strcmp(s.credentials, "none") != 0) {
		bus_out_entry_text(&o, "Credentials", s.credentials);
		bus_out_entry_i64(&o, "CredentialsUntil", s.credentials_until_s);
	}
	bus_out_entry_i64(&o, "SpoolOctets", s.spool_octets);
	bus_out_entry_i64(&o, "SpoolMax", s.spool_max_octets);
	bus_out_entry_u32(&o, "Waiting", s.waiting);
	bus_out_entry_u32(&o, "Unknown", s.unknown);
	bus_out_entry_u32(&o, "Delivering", s.delivering);
	bus_out_close(&o);
	bus_call_send(call, reply, &o);
}

void bus_manager_whoami(struct bus_call *call)
{
	engine_whoami(call->bus->e, call->user->name, bus_call_answer, call);
}

void bus_manager_subscribe(struct bus_call *call)
{
	struct bus_peer *p = bus_peer_find(call->bus, dbus_message_get_sender(call->m));
	dbus_bool_t agent = FALSE;

	dbus_message_get_args(call->m, NULL, DBUS_TYPE_BOOLEAN, &agent, DBUS_TYPE_INVALID);
	if (!p->subscribed && call->user->subscriptions >= BUS_SUBSCRIPTIONS_MAX) {
		bus_call_fail(call, DBUS_ERROR_LIMITS_EXCEEDED,
			"Too many of your programs are subscribed.");
		return;
	}
	call->user->subscriptions += !p->subscribed;
	p->subscribed = true;
	p->agent = agent;
	bus_call_done(call);
}

void bus_manager_unsubscribe(struct bus_call *call)
{
	struct bus_peer *p = bus_peer_find(call->bus, dbus_message_get_sender(call->m));

	call->user->subscriptions -= p->subscribed;
	p->subscribed = false;
	p->agent = false;
	bus_call_done(call);
}

/* ---- lists ---- */

struct jobs_filter {
	struct bus_out *o;
	bool all, users;
	const char *queue, *owner;
};

static bool put_job(void *arg, const struct bus_object *object)
{
	struct jobs_filter *f = arg;
	const struct store_job *row = object->kind == ON_JOB ? object->job.row : NULL;

	if (!row || (!f->all && job_is_final(row->state)) ||
		(!f->users && strcmp(f->owner, row->owner) != 0))
		return true;
	if (f->queue && strcmp(f->queue, row->queue) != 0)
		return true;
	bus_put_properties(f->o, object, BUS_JOB, false);
	return !f->o->failed;
}

void bus_manager_jobs(struct bus_call *call)
{
	struct bus_out o;
	struct jobs_filter f = {.o = &o, .owner = call->user->name};
	struct bus_option options[] = {
		{"all", DBUS_TYPE_BOOLEAN, &f.all},
		{"users", DBUS_TYPE_BOOLEAN, &f.users},
		{"queue", DBUS_TYPE_STRING, &f.queue},
	};
	const char *wrong = bus_call_options(call, options, 3);
	DBusMessage *reply;

	if (wrong) {
		bus_call_fail(call, BUS_E_ARGUMENT, wrong);
		return;
	}
	if (f.users && !bus_call_has(call, RIGHT_VIEW_OTHERS))
		return;
	reply = bus_call_reply(call, &o);
	if (!reply)
		return;
	bus_out_open(&o, DBUS_TYPE_ARRAY, "a{sv}");
	bus_object_each(call->bus->e, bus_call_viewer(call), put_job, &f);
	bus_out_close(&o);
	bus_call_send(call, reply, &o);
}

void bus_manager_usage(struct bus_call *call)
{
	int64_t from_s = 0, to_s = INT64_MAX;
	bool users = false;
	struct bus_option options[] = {
		{"from", DBUS_TYPE_INT64, &from_s},
		{"to", DBUS_TYPE_INT64, &to_s},
		{"users", DBUS_TYPE_BOOLEAN, &users},
	};
	const char *wrong = bus_call_options(call, options, 3);

	if (!wrong && from_s > to_s)
		wrong = "`from` is later than `to`.";
	if (wrong) {
		bus_call_fail(call, BUS_E_ARGUMENT, wrong);
		return;
	}
	if (!users || bus_call_has(call, RIGHT_VIEW_OTHERS))
		engine_usage(call->bus->e, users ? NULL : call->user->name, from_s, to_s,
			bus_call_answer, call);
}

void bus_manager_audit(struct bus_call *call)
{
	dbus_uint32_t id = 0;

	dbus_message_get_args(call->m, NULL, DBUS_TYPE_UINT32, &id, DBUS_TYPE_INVALID);
	if (id > INT32_MAX)
		bus_call_fail(call, BUS_E_NO_SUCH, "There is no such job.");
	else
		engine_audit(call->bus->e, (int32_t)id, bus_call_answer, call);
}

void bus_manager_check(struct bus_call *call)
{
	engine_check(call->bus->e, bus_call_answer, call);
}

/* ---- fallbacks ---- */

/* "" is every queue. False after the call was refused. */
static bool queue_is_good(struct bus_call *call, const char *queue)
{
	struct engine_queue q;

	if (!*queue || engine_queue_find(call->bus->e, queue, &q))
		return true;
	bus_call_fail(
		call, BUS_E_NO_SUCH, "There is no such queue; `stillprint status` lists them.");
	return false;
}

static bool get_address(struct bus_call *call, const char **queue, const char **address)
{
	dbus_message_get_args(call->m, NULL, DBUS_TYPE_STRING, queue, DBUS_TYPE_STRING, address,
		DBUS_TYPE_INVALID);
	if (!**address || strlen(*address) >= CONFIG_URI_MAX) {
		bus_call_fail(call, BUS_E_ARGUMENT,
			"Give a printer's address: ipps://HOST/PATH, a host name or an IP.");
		return false;
	}
	return queue_is_good(call, *queue);
}

void bus_manager_fallback_add(struct bus_call *call)
{
	const char *queue, *address, *owner = call->user->name;

	if (get_address(call, &queue, &address))
		engine_fallback_add(
			call->bus->e, owner, queue, address, owner, bus_call_answer, call);
}

void bus_manager_fallback_remove(struct bus_call *call)
{
	const char *queue, *address, *owner = call->user->name;

	if (get_address(call, &queue, &address))
		engine_fallback_remove(
			call->bus->e, owner, queue, address, owner, bus_call_answer, call);
}

void bus_manager_fallback_add_for_all(struct bus_call *call)
{
	const char *queue, *address;
	char decider[320];

	if (get_address(call, &queue, &address))
		engine_fallback_add(call->bus->e, "", queue, address,
			bus_call_decider(call, decider), bus_call_answer, call);
}

void bus_manager_fallback_remove_for_all(struct bus_call *call)
{
	const char *queue, *address;
	char decider[320];

	if (get_address(call, &queue, &address))
		engine_fallback_remove(call->bus->e, "", queue, address,
			bus_call_decider(call, decider), bus_call_answer, call);
}

void bus_manager_fallback_list(struct bus_call *call)
{
	const char *queue;

	dbus_message_get_args(call->m, NULL, DBUS_TYPE_STRING, &queue, DBUS_TYPE_INVALID);
	if (queue_is_good(call, queue))
		engine_fallback_list(call->bus->e, call->user->name, queue, bus_call_answer, call);
}

/* ---- the administrator's ---- */

void bus_manager_outage_start(struct bus_call *call)
{
	const char *queue, *message;
	dbus_int64_t until_s;
	char decider[320];

	dbus_message_get_args(call->m, NULL, DBUS_TYPE_STRING, &queue, DBUS_TYPE_INT64, &until_s,
		DBUS_TYPE_STRING, &message, DBUS_TYPE_INVALID);
	if (until_s < 0)
		bus_call_fail(
			call, BUS_E_ARGUMENT, "`until` is a Unix time, or 0 for until stopped.");
	else if (queue_is_good(call, queue))
		engine_outage_start(call->bus->e, queue, until_s, message,
			bus_call_decider(call, decider), bus_call_answer, call);
}

void bus_manager_outage_stop(struct bus_call *call)
{
	const char *queue;
	char decider[320];

	dbus_message_get_args(call->m, NULL, DBUS_TYPE_STRING, &queue, DBUS_TYPE_INVALID);
	if (queue_is_good(call, queue))
		engine_outage_stop(call->bus->e, queue, bus_call_decider(call, decider),
			bus_call_answer, call);
}

void bus_manager_trust(struct bus_call *call)
{
	const char *uri;
	char decider[320];

	dbus_message_get_args(call->m, NULL, DBUS_TYPE_STRING, &uri, DBUS_TYPE_INVALID);
	if (!*uri || strlen(uri) >= CONFIG_URI_MAX)
		bus_call_fail(call, BUS_E_ARGUMENT, "Give the URI as `stillprint check` shows it.");
	else
		engine_trust(
			call->bus->e, uri, bus_call_decider(call, decider), bus_call_answer, call);
}

void bus_manager_reload(struct bus_call *call)
{
	engine_reload(call->bus->e, bus_call_answer, call);
}
