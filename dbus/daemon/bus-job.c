/* SPDX-License-Identifier: Apache-2.0 */
/* bus-job - org.stillprint.Job1: a job's properties, and what its owner can do with it. */
#include <stdio.h>
#include <string.h>

#include "bus-impl.h"

/* ---- properties ---- */

#define PUT(fn, write, value) \
	static void fn(struct bus_out *o, const struct bus_object *object) \
	{ \
		const struct engine_job *job = &object->job; \
		write(o, value); \
	}

PUT(put_id, bus_out_u32, (uint32_t)job->row->id)
PUT(put_uuid, bus_out_text, job->row->document_uuid)
PUT(put_queue, bus_out_text, job->row->queue)
PUT(put_owner, bus_out_text, job->row->owner)
PUT(put_owner_verified, bus_out_bool, job->row->owner_verified)
PUT(put_account, bus_out_text, job->row->account)
PUT(put_identity, bus_out_string, who_shown(job->row->who))
PUT(put_identity_why, bus_out_string, who_code(job->row->who))
PUT(put_identity_sentence, bus_out_string, who_sentence(job->row->who))
PUT(put_title, bus_out_text, job->row->title)
PUT(put_state, bus_out_string, job_state_name(job->row->state))
PUT(put_reason, bus_out_string, job_reason_code(job->row->reason))
PUT(put_reason_arg, bus_out_text, job->row->reason_arg)
PUT(put_since, bus_out_i64, job->row->since_s)
PUT(put_stored, bus_out_i64, job->row->stored_s)
PUT(put_ended, bus_out_i64, job->row->ended_s)
PUT(put_pages, bus_out_i32, job->row->pages)
PUT(put_copies, bus_out_i32, job->row->copies)
PUT(put_octets, bus_out_u64, job->row->octets > 0 ? (uint64_t)job->row->octets : 0)
PUT(put_target, bus_out_text, job->target)
PUT(put_encrypted, bus_out_bool, job->encrypted)
PUT(put_remote_id, bus_out_i32, job->remote_id)
PUT(put_attempt, bus_out_u32, (uint32_t)job->row->attempt)
PUT(put_impressions, bus_out_i32, job->impressions)
PUT(put_dropped, bus_out_text, job->row->dropped)

static void put_sentence(struct bus_out *o, const struct bus_object *object)
{
	const struct store_job *row = object->job.row;
	char text[1024];

	job_reason_sentence(text, sizeof(text), row->reason, row->reason_arg, row->since_s);
	bus_out_text(o, text);
}

/* The next step with the job's own number where the sentence says JOB, so that its command can be pasted. */
static void put_next(struct bus_out *o, const struct bus_object *object)
{
	const char *in = job_reason_next_step(object->job.row->reason), *job;
	char text[1024] = "";
	size_t n = 0;

	while ((job = strstr(in, "JOB")) && n < sizeof(text)) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s%d", (int)(job - in), in,
			object->job.row->id);
		in = job + 3;
	}
	if (n < sizeof(text))
		snprintf(text + n, sizeof(text) - n, "%s", in);
	bus_out_text(o, text);
}

static void put_actions(struct bus_out *o, const struct bus_object *object)
{
	struct engine_action action[ENGINE_ACTION_MAX];
	unsigned n = engine_job_actions(object->e, object->job.row->id, action);

	bus_out_open(o, DBUS_TYPE_ARRAY, "(ss)");
	for (unsigned i = 0; i < n && i < ENGINE_ACTION_MAX; i++) {
		bus_out_open(o, DBUS_TYPE_STRUCT, NULL);
		bus_out_string(o, action[i].key); /* not made fit to show: it comes back as it is */
		bus_out_text(o, action[i].label);
		bus_out_close(o);
	}
	bus_out_close(o);
}

static void put_delegates(struct bus_out *o, const struct bus_object *object)
{
	char names[STORE_DELEGATES_SIZE], *rest = names, *name;

	memcpy(names, object->job.row->delegates, sizeof(names));
	bus_out_open(o, DBUS_TYPE_ARRAY, "s");
	while (*names && (name = strsep(&rest, "\n")) != NULL)
		bus_out_text(o, name);
	bus_out_close(o);
}

const struct bus_property bus_job_properties[] = {
	{BUS_JOB, "Id", "u", put_id, true},
	{BUS_JOB, "Uuid", "s", put_uuid, true},
	{BUS_JOB, "Queue", "s", put_queue, true},
	{BUS_JOB, "Owner", "s", put_owner, true},
	{BUS_JOB, "OwnerVerified", "b", put_owner_verified},
	{BUS_JOB, "Account", "s", put_account},
	{BUS_JOB, "Identity", "s", put_identity},
	{BUS_JOB, "IdentityWhy", "s", put_identity_why},
	{BUS_JOB, "IdentitySentence", "s", put_identity_sentence},
	{BUS_JOB, "Title", "s", put_title, true},
	{BUS_JOB, "State", "s", put_state},
	{BUS_JOB, "Reason", "s", put_reason},
	{BUS_JOB, "ReasonArg", "s", put_reason_arg},
	{BUS_JOB, "Sentence", "s", put_sentence},
	{BUS_JOB, "Next", "s", put_next},
	{BUS_JOB, "Since", "x", put_since},
	{BUS_JOB, "Stored", "x", put_stored, true},
	{BUS_JOB, "Ended", "x", put_ended},
	{BUS_JOB, "Pages", "i", put_pages},
	{BUS_JOB, "Copies", "i", put_copies},
	{BUS_JOB, "Octets", "t", put_octets},
	{BUS_JOB, "Target", "s", put_target},
	{BUS_JOB, "Encrypted", "b", put_encrypted},
	{BUS_JOB, "RemoteId", "i", put_remote_id},
	{BUS_JOB, "Attempt", "u", put_attempt},
	{BUS_JOB, "Impressions", "i", put_impressions},
	{BUS_JOB, "Dropped", "s", put_dropped},
	{BUS_JOB, "Delegates", "as", put_delegates},
	{BUS_JOB, "Actions", "a(ss)", put_actions},
	{NULL},
};

/* ---- methods ---- */

static void free_strings(char ***strings)
{
	dbus_free_string_array(*strings);
}

/* NULL, or what is wrong. "" is as good as not given. */
static const char *check_printer(const char **printer)
{
	if (*printer && !**printer)
		*printer = NULL;
	return *printer && strlen(*printer) >= CONFIG_URI_MAX ? "The printer's address is too long."
							      : NULL;
}

void bus_job_release(struct bus_call *call)
{
	struct engine_release r = {0};
	struct bus_option options[] = {
		{"printer", DBUS_TYPE_STRING, &r.printer},
		{"device", DBUS_TYPE_STRING, &r.device},
		{"at-printer", DBUS_TYPE_BOOLEAN, &r.at_printer},
		{"here", DBUS_TYPE_BOOLEAN, &r.here},
		{"printed", DBUS_TYPE_BOOLEAN, &r.printed},
	};
	const char *wrong = bus_call_options(call, options, 5);
	char decider[320];

	if (!wrong)
		wrong = check_printer(&r.printer);
	if (!wrong && r.printed && (r.printer || r.device || r.at_printer || r.here))
		wrong = "`printed` goes with no other option.";
	if (!wrong && r.device && (r.printer || r.at_printer || r.here))
		wrong = "`device` is the server's, and goes with no other option.";
	if (!wrong && r.device && strlen(r.device) > 255)
		wrong = "The device's name is too long.";
	if (wrong)
		bus_call_fail(call, BUS_E_ARGUMENT, wrong);
	else
		engine_release(call->bus->e, call->object.job.row->id, &r,
			bus_call_decider(call, decider), bus_call_answer, call);
}

void bus_job_cancel(struct bus_call *call)
{
	char decider[320];

	engine_cancel(call->bus->e, call->object.job.row->id, bus_call_decider(call, decider),
		bus_call_answer, call);
}

void bus_job_print_again(struct bus_call *call)
{
	const char *printer = NULL;
	struct bus_option options[] = {{"printer", DBUS_TYPE_STRING, &printer}};
	const char *wrong = bus_call_options(call, options, 1);
	char decider[320];

	if (!wrong)
		wrong = check_printer(&printer);
	if (wrong)
		bus_call_fail(call, BUS_E_ARGUMENT, wrong);
	else
		engine_print_again(call->bus->e, call->object.job.row->id, printer,
			bus_call_decider(call, decider), bus_call_answer, call);
}

void bus_job_act(struct bus_call *call)
{
	struct engine_action action;
	const char *key;
	char decider[320];

	dbus_message_get_args(call->m, NULL, DBUS_TYPE_STRING, &key, DBUS_TYPE_INVALID);
	if (!*key || strlen(key) >= sizeof(action.key))
		bus_call_fail(call, BUS_E_ARGUMENT, "Give a key of the job's Actions.");
	else
		engine_act(call->bus->e, call->object.job.row->id, key,
			bus_call_decider(call, decider), bus_call_answer, call);
}

/* The right to act on others' jobs does not go so far: whoever is named learns the title. */
void bus_job_delegate(struct bus_call *call)
{
	AUTO(free_strings) char **names = NULL;
	char decider[320];
	int count = 0;

	if (!dbus_message_get_args(call->m, NULL, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &names, &count,
		    DBUS_TYPE_INVALID))
		bus_call_fail(call, DBUS_ERROR_NO_MEMORY, "Out of memory.");
	else
		engine_delegate(call->bus->e, call->object.job.row->id, (const char *const *)names,
			(unsigned)count, bus_call_decider(call, decider), bus_call_answer, call);
}

void bus_job_why(struct bus_call *call)
{
	struct bus_out o;
	DBusMessage *reply = bus_call_reply(call, &o);

	if (!reply)
		return;
	put_reason(&o, &call->object);
	put_sentence(&o, &call->object);
	put_next(&o, &call->object);
	bus_call_send(call, reply, &o);
}
