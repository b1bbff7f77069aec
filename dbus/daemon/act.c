/* SPDX-License-Identifier: Apache-2.0 */
/* act - what users ask for: release, cancel, print again, print here too. Rights were checked by the caller. */
#include "engine-private.h"

#include <string.h>

#include "base/log.h"
#include "base/mono.h"
#include "link.h"
#include "must.h"

/* One request under way. */
struct act {
	struct engine *engine;
	int32_t id;
	struct engine_release how;
	bool again; /* print-again of an unknown one */
	char decided_by[256];
	engine_reply_fn *reply;
	void *arg;
};

static void act_answer(struct act *a, enum engine_err err, const char *message)
{
	reply_later(a->engine, a->reply, a->arg, err, message);
	free(a);
}

static void no_such(struct engine *e, engine_reply_fn *reply, void *arg)
{
	reply_later(e, reply, arg, ENGINE_E_NO_SUCH,
		"There is no such job; `stillprint jobs` lists them");
}

/* ---- cancel ---- */

void engine_cancel(
	struct engine *e, int32_t id, const char *decided_by, engine_reply_fn *reply, void *arg)
{
	struct job *j = job_find(e, id);

	if (!j) {
		no_such(e, reply, arg);
		return;
	}
	if (job_is_final(j->row.state)) {
		reply_later(e, reply, arg, ENGINE_E_STATE, "The job is over already");
		return;
	}
	if (j->busy) {
		if (j->wish.kind != WISH_NONE) {
			reply_later(
				e, reply, arg, ENGINE_E_STATE, "The job is being canceled already");
			return;
		}
		j->wish.kind = WISH_CANCEL;
		snprintf(j->wish.decided_by, sizeof(j->wish.decided_by), "%s", decided_by);
		j->wish.reply = reply;
		j->wish.reply_arg = arg;
		return;
	}
	audit(e, j, "canceled", decided_by, "", j->attempt.uri, j->attempt.encrypted);
	j->cancel_wanted = true;
	snprintf(j->canceled_by, sizeof(j->canceled_by), "%s", decider_name(decided_by));
	switch (j->row.state) {
	case JOB_PENDING:
	case JOB_HELD:
	case JOB_CREATING:
	case JOB_CREATED:
		deliver_stop(j);
		job_end(j, JOB_CANCELED, JOB_R_CANCELED_BY_USER, j->canceled_by, CERTAINTY_USER);
		reply_later(e, reply, arg, ENGINE_OK, "Canceled");
		break;
	case JOB_UNKNOWN:
		job_end(j, JOB_CANCELED, JOB_R_CANCELED_BY_USER, j->canceled_by, CERTAINTY_UNKNOWN);
		reply_later(e, reply, arg, ENGINE_OK, "Given up; it may have printed");
		break;
	default: /* SENDING, SENT: the target has to be asked */
		deliver_stop(j);
		if (j->follow)
			follow_cancel(j);
		else
			follow_start(j, false, false);
		plan_kick(e); /* the lane is free for the next */
		reply_later(e, reply, arg, ENGINE_OK, "The printer has been asked to cancel it");
	}
}

/* ---- release, print again, print here too ---- */

/* Answered only now, so that who asks next sees the job on its way. */
static void released(struct job *j, int rc)
{
	struct act *a = j->act;

	j->act = NULL;
	if (a)
		act_answer(a, rc ? ENGINE_E_INTERNAL : ENGINE_OK,
			rc ? "The store cannot be written now; see the daemon's log and try again"
			   : "On its way");
	if (rc)
		return;
	if (j->attempt.cancel_wanted)
		sweep_orphan(j->engine, &j->attempt, j->row.owner);
	plan_kick(j->engine);
}

static int work_supersede(struct store *s, struct store_job *row, enum job_state from,
	struct store_attempt *a, struct store_ledger_row *ledger)
{
	int rc = store_attempt_end(s, row, from, a);

	return rc ? rc : store_ledger_add(s, ledger);
}

/* The attempt before stays open for ever: closed as unknown, written down, its copy taken back if it still can be. */
static void supersede(struct job *j, const struct store_job *want)
{
	struct store_job row = *want;
	struct store_attempt a = j->attempt;
	struct store_ledger_row ledger;

	row.state = JOB_PENDING;
	row.reason = JOB_R_STORED;
	row.reason_arg[0] = '\0';
	a.outcome = OUTCOME_UNKNOWN;
	a.cancel_wanted = a.remote_id != 0;
	a.ended_s = mono_utc_s();
	job_ledger_row(j, JOB_UNKNOWN, CERTAINTY_UNKNOWN, &ledger);
	follow_stop(j);
	job_journal(j, work_supersede, &row, &a, &ledger, released);
}

static void go_on(struct act *a, struct job *j, const char *uri)
{
	struct store_job row = j->row;
	bool superseding = j->row.state == JOB_SENT || j->row.state == JOB_UNKNOWN;

	snprintf(j->decided_by, sizeof(j->decided_by), "%s", a->decided_by);
	snprintf(row.chosen, sizeof(row.chosen), "%s", uri ? uri : "");
	row.at_printer = true;
	j->tried_count = 0;
	j->tried_why[0] = '\0';
	timer_stop(&j->retry);
	timer_stop(&j->ask);
	audit(j->engine, j, a->again || superseding ? "printed-again" : "released", a->decided_by,
		j->attempt.uri, uri ? uri : "", false);
	j->act = a;
	if (superseding) {
		supersede(j, &row);
	} else {
		j->row.at_printer = true;
		snprintf(j->row.chosen, sizeof(j->row.chosen), "%s", row.chosen);
		job_move(j, JOB_PENDING, JOB_R_STORED, NULL, released);
	}
}

static const char *release_objection(
	struct act *a, struct job *j, const struct config_queue *q, enum engine_err *err);

static void chosen_found(
	void *arg, const char *uri, enum target_health health, const struct target_info *info)
{
	struct act *a = arg;
	struct job *j = job_find(a->engine, a->id);
	enum job_reason reason;
	enum engine_err err;
	const char *objection;
	char message[300], label[200];

	if (!j || j->busy) {
		act_answer(a, ENGINE_E_STATE,
			"The job has moved on meanwhile; look with `stillprint why`");
		return;
	}
	/* It may be on its way, or accepted, by now: what could be asked for before the search is judged afresh. */
	objection = release_objection(a, j, job_queue(j), &err);
	if (objection) {
		act_answer(a, err, objection);
		return;
	}
	objection = target_objection(a->engine, uri, health, info, j->row.format, true, &reason);
	if (objection) {
		printer_label(a->engine, uri, label, sizeof(label));
		snprintf(message, sizeof(message), "%s: %s", label, objection);
		act_answer(a,
			health == TARGET_UNREACHABLE ? ENGINE_E_UNREACHABLE : ENGINE_E_UNSUPPORTED,
			message);
		return;
	}
	go_on(a, j, uri);
}

static bool is_candidate(
	struct engine *e, struct job *j, const struct config_queue *q, const char *uri)
{
	struct candidate c[TRIED_MAX];
	unsigned n = plan_candidates(e, j->row.owner, q, false, c, TRIED_MAX);

	for (unsigned i = 0; i < n; i++)
		if (!strcmp(c[i].uri, uri))
			return true;
	return !strcmp(q->upstream, uri);
}

/* Why this cannot be asked for, NULL if it can. */
static const char *release_objection(
	struct act *a, struct job *j, const struct config_queue *q, enum engine_err *err)
{
	struct candidate c;
	struct queue_state *state = queue_state_find(a->engine, j->row.queue);
	bool lost = state && (plan_outage_on(state) || !state->upstream ||
				     upstream_health(state->upstream) == HEALTH_LOST ||
				     upstream_health(state->upstream) == HEALTH_DEGRADED);

	*err = ENGINE_E_STATE;
	if (job_is_final(j->row.state))
		return "The job is over already";
	if (j->busy || j->delivery || j->row.state == JOB_SENDING)
		return "The job is on its way already; look with `stillprint why`";
	if (!q) {
		*err = ENGINE_E_POLICY;
		return "Its queue is not configured; the administrator can do so with `stillprint setup`";
	}
	if (j->row.state == JOB_SENT && !a->how.here)
		return "The server has accepted it; to print it here as well, use --here (it may print twice)";
	if (!j->row.file[0])
		return "This queue keeps no document that was handed over: print it again from its program";
	if (j->row.state == JOB_UNKNOWN && !a->again && !a->how.here)
		return "It may have printed: use --printed if it did, or `stillprint print-again`";
	if (!lost && !a->how.here && q->stillprint && a->how.printer) {
		*err = ENGINE_E_POLICY;
		return "Its server is there: release it at one of the server's devices, --device NAME";
	}
	if ((lost || a->how.here) && plan_on_outage(a->engine, q) == ON_OUTAGE_NEVER) {
		*err = ENGINE_E_POLICY;
		return "The administrator has ruled out other printers for this queue; it waits for the server";
	}
	if (lost && q->release == RELEASE_HELD && !a->how.at_printer && !a->how.here)
		return "Confirm that you are at the printer: --at-printer";
	if ((lost || a->how.here) && !a->how.printer &&
		!plan_candidates(a->engine, j->row.owner, q, false, &c, 1)) {
		*err = ENGINE_E_ARGUMENT;
		return "No other printer is known for this queue: name one with --printer";
	}
	return NULL;
}

static void release(struct act *a, struct job *j)
{
	const struct config_queue *q = job_queue(j);
	struct candidate first;
	enum engine_err err;
	const char *objection = release_objection(a, j, q, &err);
	char uri[CONFIG_URI_MAX];
	struct uri u;

	if (objection) {
		act_answer(a, err, objection);
		return;
	}
	if (!a->how.printer) {
		/* "Here" is another printer by name; else the plan finds the server or a fallback by itself. */
		if (a->how.here && plan_candidates(a->engine, j->row.owner, q, false, &first, 1))
			go_on(a, j, first.uri);
		else
			go_on(a, j, NULL);
		return;
	}
	if (!uri_parse(a->how.printer, &u) && !uri_format(uri, sizeof(uri), &u) &&
		is_candidate(a->engine, j, q, uri)) {
		go_on(a, j, uri);
		return;
	}
	if (!a->engine->config->users_may_add && strncmp(a->decided_by, "admin:", 6)) {
		act_answer(a, ENGINE_E_POLICY,
			"The administrator allows only the printers that "
			"`stillprint fallback list` shows");
		return;
	}
	if (address_find(a->engine, a->how.printer, chosen_found, a))
		act_answer(a, ENGINE_E_ARGUMENT,
			"That is no address of a printer: use ipps://HOST/ipp/print, a host "
			"name, an address, or cups:QUEUE");
}

static struct act *act_new(
	struct engine *e, int32_t id, const char *decided_by, engine_reply_fn *reply, void *arg)
{
	struct act *a = must(calloc(1, sizeof(*a)));

	a->engine = e;
	a->id = id;
	snprintf(a->decided_by, sizeof(a->decided_by), "%s", decided_by);
	a->reply = reply;
	a->arg = arg;
	return a;
}

void engine_release(struct engine *e, int32_t id, const struct engine_release *r,
	const char *decided_by, engine_reply_fn *reply, void *arg)
{
	struct job *j = job_find(e, id);
	struct act *a;
	char printer[CONFIG_URI_MAX];

	if (!j) {
		no_such(e, reply, arg);
		return;
	}
	if (r->printed) {
		if (j->row.state != JOB_UNKNOWN || j->busy) {
			reply_later(e, reply, arg, ENGINE_E_STATE,
				"Only a job whose outcome is unknown can be confirmed");
			return;
		}
		audit(e, j, "confirmed-printed", decided_by, "", j->attempt.uri,
			j->attempt.encrypted);
		job_end(j, JOB_COMPLETED, JOB_R_USER_REPORTED, decider_name(decided_by),
			CERTAINTY_USER);
		reply_later(e, reply, arg, ENGINE_OK, "Noted: it printed");
		return;
	}
	/* Where a server of ours is there, a job goes to its devices, and it is asked. */
	if (r->device || (!r->printer && !r->here && job_is_registered(j) && link_is_up(e))) {
		remote_release(j, r->device ? r->device : "", decided_by, reply, arg);
		return;
	}
	a = act_new(e, id, decided_by, reply, arg);
	a->how = *r;
	if (r->printer) {
		snprintf(printer, sizeof(printer), "%s", r->printer);
		a->how.printer =
			printer; /* valid during the calls below, which copy it; then only whether it is there */
	}
	release(a, j);
}

void engine_print_again(struct engine *e, int32_t id, const char *printer, const char *decided_by,
	engine_reply_fn *reply, void *arg)
{
	struct job *j = job_find(e, id);
	struct act *a;

	if (!j) {
		no_such(e, reply, arg);
		return;
	}
	a = act_new(e, id, decided_by, reply, arg);
	a->again = true;
	a->how.printer = printer;
	a->how.at_printer = true;
	release(a, j);
}

void engine_act(struct engine *e, int32_t id, const char *key, const char *decided_by,
	engine_reply_fn *reply, void *arg)
{
	struct engine_release r = {.at_printer = true};
	struct job *j = job_find(e, id);

	if (!j) {
		no_such(e, reply, arg);
	} else if (!strcmp(key, "cancel")) {
		engine_cancel(e, id, decided_by, reply, arg);
	} else if (!strcmp(key, "print-again")) {
		engine_print_again(e, id, NULL, decided_by, reply, arg);
	} else if (!strcmp(key, "wait")) {
		plan_lost_notice_answered(j);
		reply_later(e, reply, arg, ENGINE_OK, "It waits for the server");
	} else if (!strcmp(key, "printed") || !strcmp(key, "here") || !strncmp(key, "release", 7)) {
		r.printed = !strcmp(key, "printed");
		r.here = !strcmp(key, "here");
		if (!strncmp(key, "release:", 8))
			r.printer = key + 8;
		engine_release(e, id, &r, decided_by, reply, arg);
	} else {
		reply_later(e, reply, arg, ENGINE_E_ARGUMENT, "That cannot be done with this job");
	}
}

/* ---- what can be done ---- */

static unsigned add(struct engine_action *out, unsigned n, const char *key, const char *label)
{
	if (n >= ENGINE_ACTION_MAX)
		return n;
	snprintf(out[n].key, sizeof(out[n].key), "%s", key);
	snprintf(out[n].label, sizeof(out[n].label), "%s", label);
	return n + 1;
}

/* The best two printers. */
static unsigned add_printers(struct engine *e, struct job *j, const struct config_queue *q,
	struct engine_action *out, unsigned n)
{
	struct candidate c[2];
	unsigned count = plan_candidates(e, j->row.owner, q, false, c, 2);

	for (unsigned i = 0; i < count; i++) {
		char key[CONFIG_URI_MAX + 16], label[160], name[120];

		printer_label(e, c[i].uri, name, sizeof(name));
		snprintf(key, sizeof(key), "release:%s", c[i].uri);
		snprintf(label, sizeof(label),
			q->release == RELEASE_HELD ? "I am at %s: print" : "Print at %s", name);
		n = add(out, n, key, label);
	}
	return n;
}

static unsigned held_actions(struct engine *e, struct job *j, struct engine_action *out)
{
	const struct config_queue *q = job_queue(j);
	unsigned n = 0;

	switch (j->row.reason) {
	case JOB_R_SERVER_LOST_ASK:
	case JOB_R_SERVER_LOST_HOLD:
	case JOB_R_SERVER_LOST_HELD:
	case JOB_R_NO_FALLBACK_READY:
	case JOB_R_OUTAGE_PLANNED:
		if (q && plan_on_outage(e, q) != ON_OUTAGE_NEVER)
			n = add_printers(e, j, q, out, n);
		if (j->row.reason == JOB_R_SERVER_LOST_ASK)
			n = add(out, n, "wait", "Wait for the server");
		break;
	case JOB_R_SERVER_LOST_NEVER:
	case JOB_R_NO_QUEUE:
	case JOB_R_OFFLINE:
	case JOB_R_REGISTERED: /* released at the device */
	case JOB_R_GIVEN_BACK:
		break;
	default:
		n = add(out, n, "release",
			j->row.reason == JOB_R_PRINTED_BEFORE ? "Print again" : "Try again");
	}
	return add(out, n, "cancel", "Cancel");
}

unsigned engine_job_actions(
	struct engine *e, int32_t id, struct engine_action out[ENGINE_ACTION_MAX])
{
	struct job *j = job_find(e, id);
	unsigned n = 0;

	if (!j)
		return 0;
	switch (j->row.state) {
	case JOB_HELD:
		return held_actions(e, j, out);
	case JOB_UNKNOWN:
		n = add(out, n, "printed", "It printed");
		if (j->row.file[0])
			n = add(out, n, "print-again", "Print again");
		return add(out, n, "cancel", "Cancel");
	case JOB_SENT:
		if (j->row.file[0] && j->row.reason == JOB_R_ACCEPTED_UNCONFIRMED)
			n = add(out, n, "here", "Print here too");
		return add(out, n, "cancel", "Cancel");
	case JOB_PENDING:
	case JOB_CREATING:
	case JOB_CREATED:
	case JOB_SENDING:
		return add(out, n, "cancel", "Cancel");
	default:
		return 0;
	}
}
