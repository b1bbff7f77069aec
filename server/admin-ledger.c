/* SPDX-License-Identifier: Apache-2.0 */
/* admin-ledger - `ledger list|sum|verify|export`: what was printed. Titles are not exported: they are their owners'. */
#include <errno.h>
#include <string.h>

#include "admin.h"
#include "ledger.h"

struct listing {
	struct admin *a;
	struct json_object *rows;
	bool csv;
};

static int one_ledger(void *arg, const struct ledger_info *i)
{
	struct listing *l = arg;
	struct json_object *row = json_object_new_object();

	admin_set(row, "ledger", i->uuid);
	admin_set(row, "machine", i->machine);
	admin_set_number(row, "records", i->head - i->base);
	admin_set_number(row, "acknowledged", i->head);
	admin_set_number(row, "opened", i->opened_ms / 1000);
	admin_set_number(row, "heard", i->heard_ms / 1000);
	admin_set_number(row, "closed", i->closed_ms / 1000);
	admin_set(row, "why", i->why);
	json_object_array_add(l->rows, row);
	admin_say(l->a, "%s  %lld records, last %s%s%s\n  of %s\n", i->uuid,
		(long long)(i->head - i->base), admin_time(i->heard_ms / 1000),
		i->closed_ms ? ", closed: " : "", i->why, i->machine);
	return 0;
}

static int one_total(void *arg, const struct ledger_total *t)
{
	struct listing *l = arg;
	struct json_object *row = json_object_new_object();

	admin_set(row, "key", admin_safe(t->key));
	admin_set_number(row, "prints", t->prints);
	admin_set_number(row, "impressions", t->impressions);
	admin_set_number(row, "sheets", t->sheets);
	admin_set_number(row, "uncounted", t->uncounted);
	admin_set_number(row, "uncertain", t->uncertain);
	json_object_array_add(l->rows, row);
	admin_say(l->a, "%-24s %8lld prints %8lld pages %8lld sheets", admin_safe(t->key),
		(long long)t->prints, (long long)t->impressions, (long long)t->sheets);
	if (t->uncounted)
		admin_say(l->a, ", %lld not counted", (long long)t->uncounted);
	if (t->uncertain)
		admin_say(l->a, ", %lld uncertain", (long long)t->uncertain);
	admin_say(l->a, "\n");
	return 0;
}

/* RFC 4180; a beginning that a spreadsheet takes for a formula is made text. */
static void csv_field(const char *text)
{
	const char *p = admin_safe(text);

	putchar('"');
	if (*p && strchr("=+-@", *p))
		putchar('\'');
	for (; *p; p++) {
		if (*p == '"')
			putchar('"');
		putchar(*p);
	}
	fputs("\",", stdout);
}

static void csv_line(const struct ledger_line *l)
{
	const struct record *r = &l->record;

	csv_field(r->record_uuid);
	csv_field(r->document_uuid);
	csv_field(r->owner);
	csv_field(r->queue);
	csv_field(r->target);
	csv_field(job_state_name(r->state));
	csv_field(record_certainty_name(r->certainty));
	printf("%d,%d,%d,%d,%d,%lld,%lld,%lld,%d,", (int)r->impressions, (int)r->sheets,
		(int)r->copies, (int)r->attempt, (int)r->copy, (long long)r->created_s,
		(long long)r->ended_s, (long long)(l->received_ms / 1000), l->counts);
	csv_field(l->machine);
	csv_field(l->released_by);
	csv_field(l->payer);
	printf("%d,", l->clock_ahead);
	csv_field(r->account);
	printf("%d\r\n", r->account_verified);
}

static int one_line(void *arg, const struct ledger_line *line)
{
	struct listing *l = arg;
	const struct record *r = &line->record;
	struct json_object *row;

	if (l->csv) {
		csv_line(line);
		return 0;
	}
	row = json_object_new_object();
	admin_set(row, "record", r->record_uuid);
	admin_set(row, "document", r->document_uuid);
	admin_set(row, "owner", admin_safe(r->owner));
	admin_set(row, "account", admin_safe(r->account));
	admin_set_flag(row, "account_verified", r->account_verified);
	admin_set(row, "queue", admin_safe(r->queue));
	admin_set(row, "target", admin_safe(r->target));
	admin_set(row, "state", job_state_name(r->state));
	admin_set(row, "certainty", record_certainty_name(r->certainty));
	admin_set_number(row, "impressions", r->impressions);
	admin_set_number(row, "sheets", r->sheets);
	admin_set_number(row, "copies", r->copies);
	admin_set_number(row, "attempt", r->attempt);
	admin_set_number(row, "copy", r->copy);
	admin_set_number(row, "created", r->created_s);
	admin_set_number(row, "ended", r->ended_s);
	admin_set_number(row, "received", line->received_ms / 1000);
	admin_set_flag(row, "counts", line->counts);
	admin_set(row, "machine", line->machine);
	admin_set_flag(row, "clock_ahead", line->clock_ahead);
	admin_set(row, "released_by", admin_safe(line->released_by));
	admin_set(row, "charged", admin_safe(line->payer));
	/* A line each, not one array: years of printing need no memory. */
	admin_write_json(stdout, row);
	json_object_put(row);
	return 0;
}

static int verify(struct admin *a)
{
	struct json_object *answer;
	char bad[64] = "";
	int64_t sequence = 0;
	int rc = ledger_verify(&a->app.sql, NULL, bad, &sequence);

	if (rc < 0)
		return admin_errno(a, "ledger", rc);
	if (rc == LEDGER_E_BAD)
		return admin_fail(a, ADMIN_FAILED,
			"ledger %s does not fit at record %lld: somebody changed the database, or it is damaged. "
			"Compare it with a backup",
			bad, (long long)sequence);
	admin_say(a, "Every chain is whole.\n");
	answer = json_object_new_object();
	admin_set_flag(answer, "ok", true);
	admin_answer(a, answer);
	return ADMIN_DONE;
}

struct span {
	int64_t from_s, to_s;
};

static int take_span(struct admin *a, const char *since, const char *until, struct span *out)
{
	out->from_s = since ? admin_when(since) : 0;
	out->to_s = until ? admin_when(until) : INT64_MAX;
	if (out->from_s < 0 || out->to_s < 0)
		return admin_fail(a, ADMIN_USAGE,
			"--since and --until take a day or a time: 2026-11-01, 2026-11-23T17:30");
	return 0;
}

static int sum(struct admin *a, const struct span *s, const char *by)
{
	static const char *const words[] = {"all", "user", "owner", "queue", "printer", "machine"};
	struct json_object *answer = json_object_new_object();
	struct listing l = {.a = a, .rows = json_object_new_array()};
	int which = -1, rc;

	for (int i = 0; i < 6; i++)
		if (!strcmp(by, words[i]))
			which = i;
	json_object_object_add(answer, "totals", l.rows);
	if (which < 0) {
		json_object_put(answer);
		return admin_fail(
			a, ADMIN_USAGE, "--by is all, user, owner, queue, printer or machine");
	}
	rc = ledger_sum(&a->app.sql, s->from_s, s->to_s, (enum ledger_by)which, one_total, &l);
	if (rc < 0) {
		json_object_put(answer);
		return admin_errno(a, "ledger", rc);
	}
	admin_answer(a, answer);
	return ADMIN_DONE;
}

static int list(struct admin *a)
{
	struct json_object *answer = json_object_new_object();
	struct listing l = {.a = a, .rows = json_object_new_array()};
	int rc = ledger_list(&a->app.sql, one_ledger, &l);

	json_object_object_add(answer, "ledgers", l.rows);
	if (rc < 0) {
		json_object_put(answer);
		return admin_errno(a, "ledger", rc);
	}
	if (!json_object_array_length(l.rows))
		admin_say(a, "Nothing was recorded yet.\n");
	admin_answer(a, answer);
	return ADMIN_DONE;
}

static int export_lines(struct admin *a, const struct span *s, const char *format, bool all)
{
	struct listing l = {.a = a, .csv = !strcmp(format, "csv") && !a->json};
	int rc;

	if (strcmp(format, "csv") != 0 && strcmp(format, "json") != 0)
		return admin_fail(a, ADMIN_USAGE, "--format is csv or json");
	if (l.csv)
		fputs("record,document,owner,queue,target,state,certainty,impressions,sheets,copies,attempt,copy,"
		      "created,ended,received,counts,machine,released-by,charged,clock-ahead,account,account-verified\r\n",
			stdout);
	rc = ledger_export(&a->app.sql, s->from_s, s->to_s, all, one_line, &l);
	a->told = true;
	return rc < 0 ? admin_errno(a, "ledger", rc) : ADMIN_DONE;
}

int admin_ledger(struct admin *a, int argc, char **argv)
{
	const char *since = NULL, *until = NULL, *format = "csv", *by = "user",
		   *operands[ADMIN_OPERANDS_MAX];
	bool all = false;
	const struct admin_option options[] = {{"since", &since, NULL}, {"until", &until, NULL},
		{"format", &format, NULL}, {"by", &by, NULL}, {"all", NULL, &all}, {NULL}};
	struct span span;
	int status = 0, n = admin_parse(a, argc, argv, options, operands, &status), rc;

	if (n < 0)
		return status;
	if (n != 1)
		return admin_fail(a, ADMIN_USAGE, "ledger %s", a->verb->args);
	rc = take_span(a, since, until, &span);
	if (!rc)
		rc = admin_open(a);
	if (rc)
		return rc;
	if (!strcmp(operands[0], "list"))
		return list(a);
	if (!strcmp(operands[0], "sum"))
		return sum(a, &span, by);
	if (!strcmp(operands[0], "verify"))
		return verify(a);
	if (!strcmp(operands[0], "export"))
		return export_lines(a, &span, format, all);
	return admin_fail(a, ADMIN_USAGE, "ledger %s", a->verb->args);
}
