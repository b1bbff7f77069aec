/* SPDX-License-Identifier: Apache-2.0 */
/* settle - see settle.h. One exchange at a time: read a batch, send it, believe the answer; the store's thread reads and
 * encodes, and commits what was acknowledged. */
#include "settle.h"

#include <string.h>
#include <sys/random.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mono.h"
#include "core/identity.h"
#include "core/vendor.h"
#include "engine-private.h"
#include "link.h"
#include "must.h"

enum {
	CALL_MS = 30000,
	AGAIN_MS = 1000,
	AGAIN_DOUBLES = 9, /* up to 8.5 minutes */
	REFUSED_MS = 3600000, /* an answer that the same question will get again */
	SPREAD_MS = 60000, /* a long outage ends for all workstations at once */
	SPREAD_ROWS = RECORD_BATCH_MAX,
	PRUNE_MS = 86400000,
	KEPT_S = 30 * 86400,
};

struct settle {
	struct engine *engine;
	struct exchange *exchange; /* under way, NULL: none */
	struct client_call *call; /* its request */
	struct timer again, prune;
	bool wanted; /* there may be rows */
	bool ask; /* also without rows: what does it have? */
	bool spread; /* this backlog has had its turn by chance */
	unsigned failures;
	unsigned max; /* rows in a message */
};

/* One batch and its answer; the store's thread and the loop take turns. */
struct exchange {
	struct settle *settle;
	char uri[CONFIG_URI_MAX];
	unsigned max;
	struct store_ledger ledger;
	ipp_t *ipp;
	int64_t first, last; /* rows in it; last < first: none */
	size_t octets;
	int64_t damaged; /* a row that does not fit its hash: it is not sent */
	int32_t completed
		[RECORD_BATCH_MAX]; /* by row from @first on: the job that it ends, 0: none */
	/* The answer. */
	int64_t acknowledged;
	int64_t conflict; /* the first row of a new ledger, 0: none */
	const char *why;
};

static void start(void *arg);

static void exchange_free(struct exchange *x)
{
	ippDelete(x->ipp);
	free(x);
}

static void finish(struct exchange *x)
{
	x->settle->exchange = NULL;
	exchange_free(x);
}

/* Up to a half by chance, so that workstations that failed together do not come back together. */
static int64_t about(int64_t ms)
{
	uint32_t chance = 0;

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != sizeof(chance))
		chance = (uint32_t)mono_ms();
	return ms / 2 + chance % (ms / 2 + 1);
}

static void later(struct settle *s, int64_t ms)
{
	timer_set(s->engine, &s->again, ms, start, s);
}

static void failed(struct settle *s)
{
	unsigned doubles = s->failures < AGAIN_DOUBLES ? s->failures : AGAIN_DOUBLES;

	s->failures++;
	later(s, about((int64_t)AGAIN_MS << doubles));
}

/* ---- the store's thread: the batch ---- */

static ipp_t *message(const struct exchange *x)
{
	ipp_t *ipp = ippNewRequest((ipp_op_t)VENDOR_OP_SEND_ACCOUNTING);
	bool good = ipp;

	good = good &&
	       ippAddString(ipp, IPP_TAG_OPERATION, IPP_TAG_URI, "system-uri", NULL, x->uri);
	good = good && ippAddString(ipp, IPP_TAG_OPERATION, IPP_TAG_NAME, "requesting-user-name",
			       NULL, "stillprint");
	good = good && ippAddString(ipp, IPP_TAG_OPERATION, IPP_TAG_URI, VENDOR_LEDGER_UUID, NULL,
			       x->ledger.uuid);
	good = good && ippAddInteger(ipp, IPP_TAG_OPERATION, IPP_TAG_INTEGER, VENDOR_LEDGER_BASE,
			       (int)x->ledger.base);
	good = good && ippAddInteger(ipp, IPP_TAG_OPERATION, IPP_TAG_INTEGER,
			       VENDOR_LEDGER_SEQUENCE, (int)x->first);
	return must(good ? ipp : NULL);
}

enum { FULL = 1 };

static int add_row(void *arg, const struct record *r)
{
	struct exchange *x = arg;
	size_t octets = record_octets(r);
	int rc;

	if (!record_fits(r)) {
		x->damaged = r->sequence;
		return FULL;
	}
	if (x->last >= x->first && x->octets + octets > RECORD_BATCH_OCTETS)
		return FULL;
	rc = record_write(x->ipp, r);
	if (rc) {
		must(rc < 0 ? NULL : x);
		x->damaged = r->sequence; /* no message can carry it */
		return FULL;
	}
	x->octets += octets;
	x->last = r->sequence;
	if (r->state == JOB_COMPLETED)
		x->completed[x->last - x->first] = r->job_id;
	return 0;
}

static void close_audited(struct store *s, const struct exchange *x)
{
	struct store_audit_row row = {.event = "ledger-closed", .decided_by = "policy"};

	snprintf(row.from, sizeof(row.from), "%s", x->ledger.uuid);
	snprintf(row.to, sizeof(row.to), "%s at %lld", x->why, (long long)x->conflict);
	store_audit_add(s, &row);
}

static int close_ledger(struct store *s, struct exchange *x, int64_t from, const char *why)
{
	int rc;

	x->conflict = from;
	x->why = why;
	rc = store_ledger_conflict(s, x->ledger.uuid, from, why);
	if (rc == STORE_E_GONE)
		return 0;
	if (!rc)
		close_audited(s, x);
	return rc;
}

static int work_read(void *arg, struct store *s)
{
	struct exchange *x = arg;
	int rc = store_ledger_get(s, &x->ledger);

	if (rc)
		return rc;
	x->first = x->ledger.acknowledged + 1;
	x->last = x->ledger.acknowledged;
	x->ipp = message(x);
	rc = store_ledger_batch(s, x->max, add_row, x);
	if (rc < 0)
		return rc;
	/* It stays behind, as evidence; what comes after it goes on. */
	if (x->damaged && x->last < x->first)
		return close_ledger(s, x, x->damaged + 1, "damaged");
	return 0;
}

/* ---- the answer ---- */

/* Where tests kill the daemon, if rows are concerned. */
static void killed_at(const struct exchange *x, const char *point)
{
	if (x->last >= x->first)
		fault_point(point);
}

static int work_settle(void *arg, struct store *s)
{
	struct exchange *x = arg;
	bool ahead = false;
	int rc;

	killed_at(x, "settle-answered");
	/* Rows that were not sent may be others than those that it has in their places. */
	if (x->acknowledged > x->last) {
		x->acknowledged = x->last;
		ahead = x->last == x->ledger.last;
	}
	if (x->conflict && x->acknowledged >= x->conflict)
		x->acknowledged = x->conflict - 1;
	rc = store_ledger_acknowledge(s, x->ledger.uuid, x->acknowledged);
	if (rc == STORE_E_LOST)
		rc = close_ledger(s, x, 0, "server-restored");
	else if (!rc && x->conflict)
		rc = close_ledger(s, x, x->conflict, "conflict");
	else if (!rc && ahead)
		rc = close_ledger(s, x, x->last + 1, "restored");
	killed_at(x, "settle-acknowledging");
	return rc < 0 ? rc : 0;
}

/* A record ends its job at the server: no report needs to say it once more. */
static void tell_ends(struct exchange *x)
{
	for (int64_t at = x->first; at <= x->acknowledged; at++)
		if (x->completed[at - x->first])
			report_recorded(x->settle->engine, x->completed[at - x->first]);
}

/* All that was there to be sent is there. */
static void rest(struct settle *s)
{
	s->failures = 0;
	s->ask = s->spread = false;
	if (s->wanted) /* a row came meanwhile */
		later(s, 0);
}

static void settled(void *arg, int rc)
{
	struct exchange *x = arg;
	struct settle *s = x->settle;
	bool all = x->acknowledged == x->ledger.last;
	bool on = x->acknowledged > x->ledger.acknowledged;

	if (!rc)
		killed_at(x, "settle-acknowledged");
	if (rc)
		log_event(LOG_LVL_ERROR, "event=ledger-commit-failed error=%d", rc);
	else if (x->why)
		log_event(LOG_LVL_WARNING, "event=ledger-closed ledger=%s why=%s from=%lld",
			x->ledger.uuid, x->why, (long long)x->conflict);
	else if (x->acknowledged != x->ledger.acknowledged)
		log_event(LOG_LVL_INFO, "event=ledger-acknowledged sequence=%lld before=%lld",
			(long long)x->acknowledged, (long long)x->ledger.acknowledged);
	if (!rc && !x->why)
		tell_ends(x);
	if (rc || x->why || !(all || on)) {
		failed(s); /* nothing was gained: no hurry to say it again */
	} else if (all) {
		rest(s);
	} else {
		s->failures = 0;
		later(s, 0);
	}
	finish(x);
}

/* The first record that was not taken: 'c'onflict, 'r'ejected, or 0. */
static char read_statuses(ipp_t *reply, int64_t first, int64_t *at)
{
	int64_t sequence = first;

	for (ipp_attribute_t *a = ippFirstAttribute(reply); a; a = ippNextAttribute(reply)) {
		const char *word;

		if (!ippGetName(a) || strcmp(ippGetName(a), VENDOR_RECORD_STATUS) != 0)
			continue;
		word = ippGetString(a, 0, NULL);
		*at = sequence++;
		if (word && !strcmp(word, "conflict"))
			return 'c';
		if (word && !strcmp(word, "rejected"))
			return 'r';
	}
	return 0;
}

static void refused(struct settle *s, const struct client_reply *reply)
{
	log_event(LOG_LVL_ERROR, "event=ledger-refused status=0x%04x http=%ld detail=%s",
		(unsigned)reply->status, reply->http_status, log_quote(reply->detail));
	later(s, about(REFUSED_MS));
}

/* It did not take the message. */
static void not_answered(struct settle *s, const struct client_reply *reply)
{
	bool big = reply->fault == CLIENT_HTTP ? reply->http_status == 413
					       : reply->status == IPP_STATUS_ERROR_REQUEST_ENTITY;

	if (big && s->max > 1) {
		s->max /= 2;
		later(s, 0);
	} else if (reply->fault != CLIENT_OK ||
		   (reply->status >= IPP_STATUS_ERROR_INTERNAL /* 0x0502, 0x0507… */ &&
			   reply->status != IPP_STATUS_ERROR_OPERATION_NOT_SUPPORTED)) {
		log_event(LOG_LVL_INFO, "event=ledger-waits fault=%s status=0x%04x",
			client_fault_name(reply->fault), (unsigned)reply->status);
		failed(s);
	} else {
		refused(s, reply);
	}
}

static void answered(void *arg, const struct client_reply *reply)
{
	struct exchange *x = arg;
	struct settle *s = x->settle;
	ipp_attribute_t *a = reply->fault == CLIENT_OK
				     ? ippFindAttribute(reply->ipp, VENDOR_ACKNOWLEDGED_SEQUENCE,
					       IPP_TAG_INTEGER)
				     : NULL;
	int64_t at = 0;
	char bad;

	s->call = NULL;
	if (!a || reply->status > IPP_STATUS_OK_EVENTS_COMPLETE) {
		finish(x);
		not_answered(s, reply);
		return;
	}
	x->acknowledged = ippGetInteger(a, 0);
	bad = read_statuses(reply->ipp, x->first, &at);
	if (bad == 'c')
		x->conflict = at;
	if (bad == 'r' && at == x->first) {
		/* It fits its hash here: this server cannot read it. Nobody else is served by losing it. */
		finish(x);
		refused(s, reply);
		return;
	}
	worker_post(s->engine->storer, work_settle, settled, x);
}

/* ---- one exchange ---- */

static void batch_read(void *arg, int rc)
{
	struct exchange *x = arg;
	struct settle *s = x->settle;
	bool empty = x->last < x->first;

	if (rc) {
		failed(s);
	} else if (x->why) {
		log_event(LOG_LVL_ERROR, "event=ledger-row-damaged sequence=%lld",
			(long long)x->damaged);
		later(s, 0);
	} else if (empty && !s->ask) {
		rest(s);
	} else if (x->ledger.last - x->ledger.acknowledged > SPREAD_ROWS && !s->spread) {
		s->spread = s->wanted = true;
		later(s, 2 * about(SPREAD_MS) - SPREAD_MS);
	} else if (link_send(s->engine, x->uri, STEAL(x->ipp), CALL_MS, answered, x, &s->call)) {
		failed(s);
	} else {
		return;
	}
	finish(x);
}

static void start(void *arg)
{
	struct settle *s = arg;
	struct exchange *x;

	timer_stop(&s->again);
	if (s->exchange || !link_is_up(s->engine))
		return; /* when it is there again, settle_resync() says so */
	x = must(calloc(1, sizeof(*x)));
	if (!link_system_uri(s->engine, x->uri, sizeof(x->uri))) {
		exchange_free(x);
		return;
	}
	x->settle = s;
	x->max = s->max;
	s->exchange = x;
	s->wanted = false;
	worker_post(s->engine->storer, work_read, batch_read, x);
}

void settle_kick(struct engine *e)
{
	struct settle *s = e->settle;

	if (!s)
		return;
	s->wanted = true;
	if (!s->exchange && !s->again.source)
		later(s, 0);
}

void settle_resync(struct engine *e)
{
	struct settle *s = e->settle;

	if (!s)
		return;
	s->wanted = s->ask = true;
	s->failures = 0;
	s->max = RECORD_BATCH_MAX;
	if (!s->exchange)
		later(s, 0);
}

/* ---- enrolments ---- */

struct belong {
	char to[160]; /* server and machine: who left and comes back is another machine */
	bool history, closed;
	struct store_ledger old;
};

static int work_belong(void *arg, struct store *s)
{
	struct belong *b = arg;
	struct store_audit_row row = {.event = "ledger-closed", .decided_by = "policy"};
	int rc = store_ledger_belong(s, b->to, b->history, &b->old);

	if (rc <= 0)
		return rc;
	b->closed = true;
	snprintf(row.from, sizeof(row.from), "%s", b->old.uuid);
	snprintf(row.to, sizeof(row.to), "enrolled at %lld", (long long)b->old.last);
	store_audit_add(s, &row);
	return 0;
}

static void belongs(void *arg, int rc)
{
	struct belong *b = arg;

	if (rc)
		log_event(LOG_LVL_ERROR, "event=ledger-commit-failed error=%d", rc);
	else if (b->closed)
		log_event(LOG_LVL_INFO, "event=ledger-closed ledger=%s why=enrolled last=%lld",
			b->old.uuid, (long long)b->old.last);
	free(b);
}

void settle_belong(struct engine *e, const struct identity *who)
{
	struct belong *b = must(calloc(1, sizeof(*b)));

	snprintf(b->to, sizeof(b->to), "%s %s", who->server_uuid, who->uuid);
	b->history = who->history;
	worker_post(e->storer, work_belong, belongs, b);
}

/* ---- pruning, and life ---- */

static int work_prune(void *arg, struct store *s)
{
	(void)arg;
	return store_ledger_prune(s, mono_utc_s() - KEPT_S);
}

static void pruned(void *arg, int rc)
{
	(void)arg;
	if (rc)
		log_event(LOG_LVL_ERROR, "event=ledger-prune-failed error=%d", rc);
}

static void prune(void *arg)
{
	struct settle *s = arg;

	worker_post(s->engine->storer, work_prune, pruned, NULL);
	timer_set(s->engine, &s->prune, PRUNE_MS, prune, s);
}

void settle_start(struct engine *e)
{
	struct settle *s = must(calloc(1, sizeof(*s)));

	s->engine = e;
	s->max = RECORD_BATCH_MAX;
	e->settle = s;
	prune(s);
	settle_resync(e);
}

void settle_stop(struct engine *e)
{
	struct settle *s = e->settle;

	if (!s)
		return;
	timer_stop(&s->again);
	timer_stop(&s->prune);
	if (s->call)
		client_cancel(s->call);
	if (s->exchange)
		finish(s->exchange);
	e->settle = NULL;
	free(s);
}
