/* SPDX-License-Identifier: Apache-2.0 */
/* ask - questions to the engine that the store or the network answers: fallbacks, usage, audit, check, trust, reload. */
#include "bound.h"
#include "engine-private.h"

#include <string.h>

#include "base/log.h"
#include "base/paths.h"
#include "link.h"
#include "must.h"
#include "renew.h"

/* ---- fallbacks of a user, and of everybody ---- */

struct add {
	struct engine *engine;
	char owner[256], queue[128], decided_by[320];
	engine_reply_fn *reply;
	void *arg;
};

static void found(
	void *arg, const char *uri, enum target_health health, const struct target_info *info)
{
	struct add *a = arg;
	AUTO(rows_freep) struct rows *rows = must(rows_new());
	struct store_user_printer p = {.named = true};
	bool reachable = health == TARGET_OK || health == TARGET_REFUSING;
	enum engine_err err = ENGINE_OK;
	const char *message = "Added; it is offered when the server is lost";

	rows_next(rows);
	rows_string(rows, "Uri", uri);
	rows_string(rows, "Name", info->name);
	rows_bool(rows, "Reachable", reachable);
	rows_bool(rows, "Encrypted", strncmp(uri, "ipp:", 4) != 0);
	rows_bool(rows, "Pdf", info->pdf || !strncmp(uri, "cups:", 5));
	if (info->stillprint) {
		err = ENGINE_E_UNSUPPORTED;
		message = "That leads back to a Stillprint queue";
	} else if (!reachable) {
		err = ENGINE_E_UNREACHABLE;
		message =
			"Nothing there answers as a printer (tried IPP over TLS, then IPP): check the address and that "
			"the printer is on";
	} else if (!info->pdf && strncmp(uri, "cups:", 5)) {
		err = ENGINE_E_UNSUPPORTED;
		message =
			"It cannot print PDF: set it up as a CUPS queue and add that as cups:NAME";
	} else if (!strncmp(uri, "ipp:", 4) && a->engine->config->fallback_require_tls) {
		err = ENGINE_E_POLICY;
		message = "It offers no encryption, which the administrator asks for";
	}
	if (err == ENGINE_OK) {
		snprintf(p.owner, sizeof(p.owner), "%s", a->owner);
		snprintf(p.queue, sizeof(p.queue), "%s", a->queue);
		snprintf(p.uri, sizeof(p.uri), "%s", uri);
		user_printer_put(a->engine, &p);
		audit(a->engine, NULL, "fallback-added", a->decided_by, a->queue, uri,
			strncmp(uri, "ipp:", 4) != 0);
	}
	a->reply(a->arg, err, message, rows);
	free(a);
}

void engine_fallback_add(struct engine *e, const char *owner, const char *queue,
	const char *address, const char *decided_by, engine_reply_fn *reply, void *arg)
{
	struct add *a;

	if (*owner && !e->config->users_may_add) {
		reply_later(e, reply, arg, ENGINE_E_POLICY,
			"The administrator alone names fallback printers here");
		return;
	}
	if (queue[0] && !queue_state_find(e, queue)) {
		reply_later(e, reply, arg, ENGINE_E_NO_SUCH,
			"There is no such queue; `stillprint status` lists them");
		return;
	}
	a = must(calloc(1, sizeof(*a)));
	a->engine = e;
	snprintf(a->owner, sizeof(a->owner), "%s", owner);
	snprintf(a->queue, sizeof(a->queue), "%s", queue);
	snprintf(a->decided_by, sizeof(a->decided_by), "%s", decided_by);
	a->reply = reply;
	a->arg = arg;
	if (address_find(e, address, found, a)) {
		free(a);
		reply_later(e, reply, arg, ENGINE_E_ARGUMENT,
			"That is no address of a printer: use ipps://HOST/ipp/print, a host name, an address, or "
			"cups:QUEUE");
	}
}

/* What was typed matches a URI as it stands, or as a bare address either way it may have been found. */
static bool same_printer(const char *uri, const char *typed)
{
	struct uri u, t;
	char text[CONFIG_URI_MAX];

	if (!strcmp(uri, typed))
		return true;
	if (!uri_parse(typed, &t) && !uri_format(text, sizeof(text), &t))
		return !strcmp(uri, text);
	/* A bare host, or HOST:PORT as address.c tries it. */
	if (uri_parse(uri, &u) || u.kind == URI_CUPS)
		return false;
	snprintf(text, sizeof(text), strchr(u.host, ':') ? "[%s]:%d" : "%s:%d", u.host, u.port);
	return !strcmp(u.host, typed) || !strcmp(text, typed);
}

void engine_fallback_remove(struct engine *e, const char *owner, const char *queue,
	const char *address, const char *decided_by, engine_reply_fn *reply, void *arg)
{
	unsigned count = 0;

	for (size_t i = e->user_printer_count; i-- > 0;) {
		struct store_user_printer p = e->user_printer[i];

		if (strcmp(p.owner, owner) || (queue[0] && strcmp(p.queue, queue)) ||
			!same_printer(p.uri, address))
			continue;
		user_printer_remove(e, p.owner, p.queue, p.uri);
		audit(e, NULL, "fallback-removed", decided_by, p.queue, p.uri, false);
		count++;
	}
	reply_later(e, reply, arg, count ? ENGINE_OK : ENGINE_E_NO_SUCH,
		count ? "Removed"
		: *owner
			? "It is not among your printers; `stillprint fallback list` shows them"
			: "Nobody added it for everybody; what stands in the configuration is changed there");
}

struct listing {
	struct rows *rows;
	struct timer timer;
	engine_reply_fn *reply;
	void *arg;
};

static void listing_due(void *arg)
{
	struct listing *l = arg;

	l->reply(l->arg, ENGINE_OK, "", l->rows);
	rows_free(l->rows);
	free(l);
}

void engine_fallback_list(
	struct engine *e, const char *owner, const char *queue, engine_reply_fn *reply, void *arg)
{
	struct listing *l = must(calloc(1, sizeof(*l)));
	struct candidate c[TRIED_MAX];

	l->rows = must(rows_new());
	l->reply = reply;
	l->arg = arg;
	for (size_t i = 0; i < e->queue_count; i++) {
		const struct config_queue *q = e->queue[i].config;
		unsigned n;

		if (queue[0] && strcmp(queue, q->name))
			continue;
		n = plan_candidates(e, owner, q, false, c, TRIED_MAX);
		for (unsigned k = 0; k < n; k++) {
			rows_next(l->rows);
			rows_string(l->rows, "Uri", c[k].uri);
			rows_string(l->rows, "Queue", q->name);
			rows_string(l->rows, "Source", c[k].source);
			rows_string(l->rows, "Name", printer_of(e, c[k].uri)->row.name);
			rows_bool(l->rows, "Encrypted", strncmp(c[k].uri, "ipp:", 4) != 0);
		}
	}
	timer_set(e, &l->timer, 0, listing_due, l);
}

/* ---- who am I? ---- */

enum { WHOAMI_MS = 2000 };

struct whoami {
	char user[256];
	engine_reply_fn *reply;
	void *arg;
};

static void whoami_told(void *arg, const struct bound *b)
{
	AUTO(rows_freep) struct rows *rows = must(rows_new());
	struct whoami *w = arg;

	rows_next(rows);
	rows_string(rows, "User", w->user);
	rows_string(rows, "Account", b->account[0] ? b->account : w->user);
	rows_string(rows, "Identity", who_shown(b->who));
	rows_string(rows, "Why", who_code(b->who));
	rows_string(rows, "Sentence", who_sentence(b->who));
	w->reply(w->arg, ENGINE_OK, "", rows);
	free(w);
}

void engine_whoami(struct engine *e, const char *user, engine_reply_fn *reply, void *arg)
{
	struct whoami *w = must(calloc(1, sizeof(*w)));

	snprintf(w->user, sizeof(w->user), "%s", user);
	w->reply = reply;
	w->arg = arg;
	bound_ask(e, user, WHOAMI_MS, whoami_told, w);
}

/* ---- usage and audit: from the store ---- */

struct query {
	struct rows *rows;
	char owner[256];
	bool everybody;
	int64_t from_s, to_s;
	int32_t id;
	engine_reply_fn *reply;
	void *arg;
};

static int usage_row(void *arg, const struct store_ledger_row *r)
{
	struct rows *rows = arg;

	rows_next(rows);
	rows_int(rows, "Sequence", r->sequence);
	rows_int(rows, "Job", r->job_id);
	rows_int(rows, "Ended", r->ended_s);
	rows_string(rows, "Owner", r->owner);
	rows_string(rows, "Account", r->account);
	rows_bool(rows, "AccountVerified", r->account_verified);
	rows_string(rows, "Title", r->title);
	rows_string(rows, "Queue", r->queue);
	rows_string(rows, "Target", r->target);
	rows_string(rows, "State", job_state_name(r->state));
	rows_string(rows, "Certainty", record_certainty_name(r->certainty));
	rows_int(rows, "Impressions", r->impressions);
	rows_int(rows, "Sheets", r->sheets);
	rows_int(rows, "Copies", r->copies);
	rows_bool(rows, "Diverted", r->diverted);
	/* What went past an ordinary server is accounted all the same once a server of ours has the row. */
	rows_bool(rows, "NotAccountedAtServer", r->not_at_server && !r->acknowledged);
	rows_bool(rows, "Acknowledged", r->acknowledged);
	rows_bool(rows, "LocalOnly", r->local_only);
	return rows->error;
}

static int work_usage(void *arg, struct store *s)
{
	struct query *q = arg;

	return store_ledger_each(
		s, q->from_s, q->to_s, q->everybody ? NULL : q->owner, usage_row, q->rows);
}

static int audit_row(void *arg, const struct store_audit_row *r)
{
	struct rows *rows = arg;

	rows_next(rows);
	rows_int(rows, "At", r->at_s);
	rows_int(rows, "Job", r->job_id);
	rows_string(rows, "Event", r->event);
	rows_string(rows, "Who", r->who);
	rows_string(rows, "DecidedBy", r->decided_by);
	rows_string(rows, "From", r->from);
	rows_string(rows, "To", r->to);
	rows_bool(rows, "Encrypted", r->encrypted);
	return rows->error;
}

static int work_audit(void *arg, struct store *s)
{
	struct query *q = arg;

	return store_audit_each(s, q->id, audit_row, q->rows);
}

static void queried(void *arg, int rc)
{
	struct query *q = arg;

	q->reply(q->arg, rc ? ENGINE_E_INTERNAL : ENGINE_OK,
		rc ? "The store cannot be read; see the daemon's log" : "", rc ? NULL : q->rows);
	rows_free(q->rows);
	free(q);
}

static struct query *query_new(engine_reply_fn *reply, void *arg)
{
	struct query *q = must(calloc(1, sizeof(*q)));

	q->rows = must(rows_new());
	q->reply = reply;
	q->arg = arg;
	return q;
}

void engine_usage(struct engine *e, const char *owner, int64_t from_s, int64_t to_s,
	engine_reply_fn *reply, void *arg)
{
	struct query *q = query_new(reply, arg);

	q->everybody = !owner;
	snprintf(q->owner, sizeof(q->owner), "%s", owner ? owner : "");
	q->from_s = from_s;
	q->to_s = to_s ? to_s : INT64_MAX;
	worker_post(e->storer, work_usage, queried, q);
}

void engine_audit(struct engine *e, int32_t id, engine_reply_fn *reply, void *arg)
{
	struct query *q = query_new(reply, arg);

	q->id = id;
	worker_post(e->storer, work_audit, queried, q);
}

/* ---- check: probe everything from here ---- */

struct check {
	struct engine *engine;
	struct rows *rows;
	unsigned open;
	engine_reply_fn *reply;
	void *arg;
	struct timer none;
};

struct check_one {
	struct check *check;
	char queue[128], uri[CONFIG_URI_MAX];
	bool fallback;
};

static void check_over(void *arg)
{
	struct check *c = arg;

	if (c->open)
		return;
	c->reply(c->arg, ENGINE_OK, "", c->rows);
	rows_free(c->rows);
	free(c);
}

static void checked(void *arg, enum target_health health, const struct target_info *info,
	ipp_t *answer, const struct client_reply *reply)
{
	struct check_one *one = arg;
	struct check *c = one->check;
	enum job_reason reason;
	const char *objection = target_objection(
		c->engine, one->uri, health, info, "application/pdf", one->fallback, &reason);
	bool encrypted = strncmp(one->uri, "ipp:", 4) != 0, cups = !strncmp(one->uri, "cups:", 5);
	char verdict[200];

	(void)answer;
	if (objection)
		snprintf(verdict, sizeof(verdict), "%s", objection);
	else
		snprintf(verdict, sizeof(verdict), "reachable, %s, %s",
			cups ? "converted by CUPS" : "PDF",
			cups        ? "this computer"
			: encrypted ? "encrypted"
				    : "not encrypted");
	rows_next(c->rows);
	rows_string(c->rows, "Queue", one->queue);
	rows_string(c->rows, "Role", one->fallback ? "fallback" : "upstream");
	rows_string(c->rows, "Uri", one->uri);
	rows_bool(c->rows, "Ok", !objection);
	rows_string(c->rows, "Verdict", verdict);
	rows_bool(c->rows, "Encrypted", encrypted);
	rows_bool(c->rows, "Pdf", info && (info->pdf || cups));
	rows_string(c->rows, "Detail", reply->detail);
	free(one);
	c->open--;
	check_over(c);
}

static void check_add(struct check *c, const struct config_queue *q, const char *uri, bool fallback)
{
	struct check_one *one = must(calloc(1, sizeof(*one)));

	one->check = c;
	one->fallback = fallback;
	snprintf(one->queue, sizeof(one->queue), "%s", q->name);
	snprintf(one->uri, sizeof(one->uri), "%s", uri);
	c->open++;
	if (!probe_start(c->engine, uri, 3000, 5000, checked, one)) {
		c->open--;
		free(one);
	}
}

void engine_check(struct engine *e, engine_reply_fn *reply, void *arg)
{
	struct check *c = must(calloc(1, sizeof(*c)));

	c->engine = e;
	c->rows = must(rows_new());
	c->reply = reply;
	c->arg = arg;
	for (size_t i = 0; i < e->queue_count; i++) {
		const struct config_queue *q = e->queue[i].config;

		if (q->upstream[0])
			check_add(c, q, q->upstream, false);
		for (size_t k = 0; k < q->fallback_count; k++)
			check_add(c, q, q->fallback[k], true);
	}
	if (!c->open)
		timer_set(e, &c->none, 0, check_over, c);
}

/* ---- trust and reload ---- */

static void try_again(struct engine *e, enum job_reason reason)
{
	for (struct job *j = e->jobs; j; j = j->next)
		if (j->row.state == JOB_HELD && j->row.reason == reason && !j->busy)
			plan_release(j, NULL);
}

void engine_trust(struct engine *e, const char *uri, const char *decided_by, engine_reply_fn *reply,
	void *arg)
{
	struct uri u;
	char text[CONFIG_URI_MAX];
	struct printer *p;

	if (uri_parse(uri, &u) || u.kind != URI_IPPS || uri_format(text, sizeof(text), &u)) {
		reply_later(e, reply, arg, ENGINE_E_ARGUMENT,
			"Only an ipps:// address has a certificate to trust");
		return;
	}
	for (size_t i = 0; i < e->config->queue_count; i++)
		if (e->config->queue[i].upstream_pin[0] &&
			!strcmp(e->config->queue[i].upstream, text)) {
			reply_later(e, reply, arg, ENGINE_E_POLICY,
				"The configuration names its certificate: run `stillprint setup QUEUE --new-certificate`");
			return;
		}
	p = printer_of(e, text);
	p->row.pin[0] = '\0';
	printer_commit(e, p);
	audit(e, NULL, "pin-replaced", decided_by, "", text, true);
	upstreams_look(e);
	try_again(e, JOB_R_CERTIFICATE);
	reply_later(e, reply, arg, ENGINE_OK, "The certificate that it shows next will be trusted");
}

struct complaint {
	char text[1024];
};

static void complain(void *arg, const char *message)
{
	struct complaint *c = arg;
	size_t n = strlen(c->text);

	log_event(LOG_LVL_ERROR, "event=configuration-refused why=%s", log_quote(message));
	snprintf(c->text + n, sizeof(c->text) - n, "%s%s", n ? "\n" : "", message);
}

void engine_reload(struct engine *e, engine_reply_fn *reply, void *arg)
{
	struct complaint c = {""};
	struct config *fresh = NULL, *old = e->config;
	int rc = config_load(paths_conf(), complain, &c, &fresh);

	if (rc) {
		reply_later(e, reply, arg, ENGINE_E_ARGUMENT,
			c.text[0] ? c.text : "The configuration cannot be read");
		return;
	}
	e->config = fresh;
	queues_set(e);
	link_start(e);
	renew_start(e);
	config_free(old);
	try_again(e, JOB_R_AUTHENTICATION);
	try_again(e, JOB_R_CERTIFICATE);
	try_again(e, JOB_R_NO_QUEUE);
	for (size_t i = 0; i < e->queue_count; i++)
		if (e->listener.queue_changed)
			e->listener.queue_changed(e->listener.arg, e->queue[i].config->name);
	log_event(LOG_LVL_INFO, "event=reloaded queues=%zu", e->queue_count);
	plan_kick(e);
	reply_later(e, reply, arg, ENGINE_OK, "");
}
