/* SPDX-License-Identifier: Apache-2.0 */
/* notice - what users are told, in words of one place; and the audit line beside it. */
#include "engine-private.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mono.h"
#include "base/text.h"
#include "must.h"

static void tell(struct job *j, const char *kind, const char *summary, const char *body)
{
	struct engine *e = j->engine;
	struct engine_action actions[ENGINE_ACTION_MAX];
	struct engine_notice n = {
		.owner = j->row.owner,
		.job_id = j->row.id,
		.kind = kind,
		.summary = summary,
		.body = body,
		.action = actions,
	};

	n.action_count = engine_job_actions(e, j->row.id, actions);
	log_event(LOG_LVL_INFO, "job=%d event=notice kind=%s", j->row.id, kind);
	if (e->listener.notice)
		e->listener.notice(e->listener.arg, &n);
}

static void title_of(const struct job *j, char *out, size_t size)
{
	text_display(out, size, j->row.title[0] ? j->row.title : "Untitled");
}

static void server_of(struct job *j, char *out, size_t size)
{
	const struct config_queue *q = job_queue(j);

	if (q && q->upstream[0])
		printer_label(j->engine, q->upstream, out, size);
	else
		snprintf(out, size, "the print server");
}

static void append_sentence(const struct job *j, char *body, size_t size)
{
	size_t n = strlen(body);
	char sentence[512];

	job_reason_sentence(
		sentence, sizeof(sentence), j->row.reason, j->row.reason_arg, j->row.since_s);
	snprintf(body + n, size - n, "%s.", sentence);
}

void notice_lost(struct job *j)
{
	char title[120], server[200], summary[260], body[900];
	bool planned = j->row.reason == JOB_R_OUTAGE_PLANNED;

	title_of(j, title, sizeof(title));
	server_of(j, server, sizeof(server));
	if (j->row.reason == JOB_R_OFFLINE)
		snprintf(summary, sizeof(summary), "This computer is offline");
	else if (planned)
		snprintf(summary, sizeof(summary), "Printing is interrupted on purpose");
	else
		snprintf(summary, sizeof(summary), "%s cannot be reached", server);
	snprintf(body, sizeof(body), "“%s” is safe on this computer. ", title);
	append_sentence(j, body, sizeof(body));
	j->told_lost = true;
	tell(j, "server-lost", summary, body);
}

void notice_diverted(struct job *j, const char *label)
{
	struct queue_state *q = queue_state_find(j->engine, j->row.queue);
	char title[120], server[200], summary[260], body[1200];
	size_t n;

	title_of(j, title, sizeof(title));
	server_of(j, server, sizeof(server));
	snprintf(summary, sizeof(summary), "Printing at %s", label);
	if (q && plan_outage_on(q))
		snprintf(body, sizeof(body), "“%s” goes there while %s is switched off. %s", title,
			server, q->outage.message);
	else
		snprintf(body, sizeof(body), "“%s” goes there since %s cannot be reached.", title,
			server);
	n = strlen(body);
	if (!j->attempt.encrypted) {
		snprintf(body + n, sizeof(body) - n, " The connection is not encrypted.");
		n = strlen(body);
	}
	if (j->row.dropped[0])
		snprintf(
			body + n, sizeof(body) - n, " That printer cannot do: %s.", j->row.dropped);
	j->told_lost = true;
	tell(j, "printed-elsewhere", summary, body);
}

/* Told once to each user who was told that it was lost. */
void notice_back(struct engine *e, struct upstream *u, unsigned waiting)
{
	char server[200], summary[260], body[400];
	struct job *told[64];
	unsigned count = 0;

	printer_label(e, upstream_uri(u), server, sizeof(server));
	snprintf(summary, sizeof(summary), "%s is back", server);
	for (struct job *j = e->jobs; j; j = j->next) {
		struct queue_state *q = queue_state_find(e, j->row.queue);
		bool first = true;

		if (!j->told_lost || !q || q->upstream != u)
			continue;
		j->told_lost = false;
		for (unsigned i = 0; i < count; i++)
			first = first && strcmp(told[i]->row.owner, j->row.owner) != 0;
		if (first && count < 64)
			told[count++] = j;
	}
	for (unsigned i = 0; i < count; i++) {
		struct engine_notice n = {
			.owner = told[i]->row.owner, .kind = "server-back", .summary = summary};

		snprintf(body, sizeof(body),
			waiting ? "Waiting documents are on their way to it."
				: "New documents go through it again.");
		n.body = body;
		log_event(LOG_LVL_INFO, "event=notice kind=server-back");
		if (e->listener.notice)
			e->listener.notice(e->listener.arg, &n);
	}
}

static bool waits_at(const struct job *j, const struct upstream *u)
{
	struct queue_state *q = queue_state_find(j->engine, j->row.queue);

	return j->row.state == JOB_HELD && q && q->upstream == u;
}

/* Told once to each user who has a document waiting there. */
void notice_planned(struct engine *e, struct upstream *u, const char *words)
{
	char server[200], summary[260];

	printer_label(e, upstream_uri(u), server, sizeof(server));
	snprintf(summary, sizeof(summary), "%s will be under maintenance", server);
	for (struct job *j = e->jobs; j; j = j->next) {
		struct engine_notice n = {.owner = j->row.owner,
			.kind = "maintenance-planned",
			.summary = summary,
			.body = words};
		struct job *k = e->jobs;

		if (!waits_at(j, u))
			continue;
		while (k != j && !(waits_at(k, u) && !strcmp(k->row.owner, j->row.owner)))
			k = k->next;
		if (k != j) /* he was told for another */
			continue;
		log_event(LOG_LVL_INFO, "event=notice kind=maintenance-planned");
		if (e->listener.notice)
			e->listener.notice(e->listener.arg, &n);
	}
}

void notice_unknown(struct job *j)
{
	char title[120], summary[260], body[900];

	title_of(j, title, sizeof(title));
	snprintf(summary, sizeof(summary), "Did “%s” print?", title);
	body[0] = '\0';
	append_sentence(j, body, sizeof(body));
	tell(j, "unknown-outcome", summary, body);
}

void notice_unconfirmed(struct job *j)
{
	char title[120], summary[260], body[900];

	title_of(j, title, sizeof(title));
	snprintf(summary, sizeof(summary), "“%s” is not confirmed yet", title);
	snprintf(body, sizeof(body),
		"The server accepted it and cannot be reached since; it may still print there. "
		"Printing it here too may print it twice.");
	tell(j, "unconfirmed", summary, body);
}

/* The next step with the job's number in the place of "JOB". */
static void append_next(const struct job *j, char *body, size_t size)
{
	const char *next = job_reason_next_step(j->row.reason), *at;
	size_t n = strlen(body);

	for (; (at = strstr(next, "JOB")) && n < size; next = at + 3) {
		snprintf(body + n, size - n, "%s%.*s%d",
			next == job_reason_next_step(j->row.reason) ? " " : "", (int)(at - next),
			next, j->row.id);
		n = strlen(body);
	}
	if (*next)
		snprintf(body + n, size - n, "%s%s.",
			next == job_reason_next_step(j->row.reason) ? " " : "", next);
}

void notice_attention(struct job *j)
{
	char title[120], summary[260], body[900];

	title_of(j, title, sizeof(title));
	snprintf(summary, sizeof(summary),
		j->row.state == JOB_SENT ? "“%s”: the printer needs attention"
					 : "“%s” is not printed",
		title);
	body[0] = '\0';
	append_sentence(j, body, sizeof(body));
	append_next(j, body, sizeof(body));
	tell(j, "attention", summary, body);
}

void notice_public(struct job *j)
{
	char title[120], summary[260], body[900];

	title_of(j, title, sizeof(title));
	snprintf(summary, sizeof(summary), "“%s” is kept until you log out", title);
	snprintf(body, sizeof(body),
		"This is a public computer: what still waits when you log out, or are away for %d minutes, is erased. ",
		(j->engine->config->public_idle_s + 59) / 60);
	append_sentence(j, body, sizeof(body));
	tell(j, "public-workstation", summary, body);
}

/* ---- audit ---- */

enum { AUDIT_AGAIN_MS = 5000 };

struct line {
	struct engine *engine;
	struct timer again;
	struct store_audit_row row;
};

static int work_audit(void *arg, struct store *s)
{
	struct line *line = arg;

	return store_audit_add(s, &line->row);
}

static void post_line(void *arg);

/* What was done must be written down: a store without room is asked again. */
static void audited(void *arg, int rc)
{
	struct line *line = arg;

	if (!rc || rc == -EINVAL) {
		free(line);
		return;
	}
	log_event(LOG_LVL_ERROR, "job=%d event=audit-waits error=%d", line->row.job_id, rc);
	timer_set(line->engine, &line->again, AUDIT_AGAIN_MS, post_line, line);
}

static void post_line(void *arg)
{
	struct line *line = arg;

	worker_post(line->engine->storer, work_audit, audited, line);
}

void audit(struct engine *e, const struct job *j, const char *event, const char *decided_by,
	const char *from, const char *to, bool encrypted)
{
	struct line *line = must(calloc(1, sizeof(*line)));
	struct store_audit_row *row = &line->row;

	line->engine = e;
	row->at_s = mono_utc_s();
	row->job_id = j ? j->row.id : 0;
	snprintf(row->event, sizeof(row->event), "%s", event);
	snprintf(row->who, sizeof(row->who), "%s", j ? j->row.owner : "");
	snprintf(row->decided_by, sizeof(row->decided_by), "%s", decided_by);
	snprintf(row->from, sizeof(row->from), "%s", from);
	snprintf(row->to, sizeof(row->to), "%s", to);
	row->encrypted = encrypted;
	log_event(LOG_LVL_INFO, "job=%d event=audit what=%s by=%s to=%s encrypted=%d", row->job_id,
		event, log_quote(decided_by), log_quote(to), encrypted);
	post_line(line);
}
