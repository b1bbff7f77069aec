/* SPDX-License-Identifier: Apache-2.0 */
/* ledger - Send-Accounting-Records: each record once, in order, whatever is repeated, lost or restored.
 * Tables: ledger-schema.c. Reading them: ledger-read.c. */
#include "ledger.h"

#include <cups/cups.h>
#include <errno.h>
#include <string.h>

#include "app.h"
#include "core/vendor.h"
#include "jobs-record.h"

/* One message being taken in. */
struct intake {
	struct app *app;
	struct serve_call *call;
	struct machine machine;
	char uuid[64];
	bool known, closed;
	int64_t id, base, head; /* of the ledger */
	uint8_t head_hash[RECORD_HASH];
	int64_t first; /* sequence of the first record, as said */
	int count; /* job groups */
	int64_t taken; /* rows added */
};

enum verdict { ACCEPTED, DUPLICATE, MERGED, CONFLICT, REJECTED };
static const char *const verdicts[] = {"accepted", "duplicate", "merged", "conflict", "rejected"};

/* ---- what is asked ---- */

static int number_of(ipp_t *ipp, const char *name, int absent)
{
	ipp_attribute_t *a = ippFindAttribute(ipp, name, IPP_TAG_INTEGER);

	return a && ippGetGroupTag(a) == IPP_TAG_OPERATION ? ippGetInteger(a, 0) : absent;
}

static int count_groups(ipp_t *ipp)
{
	int count = 0;
	bool inside = false;

	for (ipp_attribute_t *a = ippFirstAttribute(ipp); a; a = ippNextAttribute(ipp)) {
		bool job = ippGetName(a) && ippGetGroupTag(a) == IPP_TAG_JOB;

		count += job && !inside;
		inside = job;
	}
	return count;
}

static int read_request(struct intake *in)
{
	ipp_t *ipp = serve_request(in->call);
	ipp_attribute_t *uuid = ippFindAttribute(ipp, VENDOR_LEDGER_UUID, IPP_TAG_URI);
	const char *text = uuid ? ippGetString(uuid, 0, NULL) : NULL;

	in->base = number_of(ipp, VENDOR_LEDGER_BASE, 0);
	in->first = number_of(ipp, VENDOR_LEDGER_SEQUENCE, -1);
	in->count = count_groups(ipp);
	if (!text || strncmp(text, "urn:uuid:", 9) != 0 || strlen(text) >= sizeof(in->uuid) ||
		in->base < 0 || in->first <= in->base) {
		serve_say(in->call, "Which ledger, and from which record on?");
		return IPP_STATUS_ERROR_BAD_REQUEST;
	}
	if (in->count > RECORD_BATCH_MAX) {
		serve_say(in->call, "At most %d records in one message", RECORD_BATCH_MAX);
		return IPP_STATUS_ERROR_REQUEST_ENTITY;
	}
	memcpy(in->uuid, text, strlen(text) + 1);
	return IPP_STATUS_OK;
}

/* ---- the ledger ---- */

/* IPP_STATUS_OK, 0x0403, or -errno. */
static int find_ledger(struct intake *in)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	char owner[64];
	int rc = sql_prepare(&in->app->sql, &stmt,
		"SELECT id, machine, base, head, head_hash, closed_ms <> 0 FROM ledger WHERE uuid = ?1",
		VALUES(V_TEXT(in->uuid)));

	if (!rc)
		rc = sql_step(&in->app->sql, stmt);
	in->head = in->base;
	if (rc <= 0)
		return rc;
	sql_text(stmt, 1, owner, sizeof(owner));
	if (strcmp(owner, in->machine.uuid) != 0) {
		serve_say(in->call, "That is another machine's ledger");
		return IPP_STATUS_ERROR_NOT_AUTHORIZED;
	}
	in->known = true;
	in->id = sqlite3_column_int64(stmt, 0);
	in->base = sqlite3_column_int64(stmt, 2);
	in->head = sqlite3_column_int64(stmt, 3);
	sql_octets(stmt, 4, in->head_hash, RECORD_HASH);
	in->closed = sqlite3_column_int(stmt, 5);
	return 0;
}

/* Its first record is here. One that begins in mid-chain was opened after a conflict. */
static int open_ledger(struct intake *in, const struct record *r)
{
	int rc = sql_run(&in->app->sql,
		"INSERT INTO ledger (uuid, machine, base, base_hash, head, head_hash, opened_ms, heard_ms)"
		" VALUES (?1, ?2, ?3, ?4, ?3, ?4, ?5, ?5)",
		VALUES(V_TEXT(in->uuid), V_TEXT(in->machine.uuid), V_NUM(in->base),
			V_BLOB(r->previous, RECORD_HASH), V_NUM(in->app->now_ms)));

	if (rc)
		return rc;
	in->known = true;
	in->id = sqlite3_last_insert_rowid(in->app->sql.db);
	memcpy(in->head_hash, r->previous, RECORD_HASH);
	return 0;
}

static int close_ledger(struct intake *in, const char *why)
{
	if (!in->known || in->closed)
		return 0;
	in->closed = true;
	return sql_run(&in->app->sql, "UPDATE ledger SET closed_ms = ?2, why = ?3 WHERE id = ?1",
		VALUES(V_NUM(in->id), V_NUM(in->app->now_ms), V_TEXT(why)));
}

static int put_head(struct intake *in)
{
	if (!in->taken)
		return 0;
	return sql_run(&in->app->sql,
		"UPDATE ledger SET head = ?2, head_hash = ?3, heard_ms = ?4 WHERE id = ?1",
		VALUES(V_NUM(in->id), V_NUM(in->head), V_BLOB(in->head_hash, RECORD_HASH),
			V_NUM(in->app->now_ms)));
}

/* ---- one record ---- */

static int insert_record(struct intake *in, const struct record *r, int64_t *id)
{
	static const char sql[] =
		"INSERT INTO ledger_record (ledger_id, sequence, record_uuid, document_uuid, attempt, copy,"
		" client_job_id, queue, target, diverted, not_at_server, state, certainty, impressions,"
		" sheets, copies, created_s, ended_s, person_hash, hash, received_ms) VALUES (?1, ?2, ?3,"
		" ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)";
	struct sql *s = &in->app->sql;
	int rc = sql_run(s, sql,
		VALUES(V_NUM(in->id), V_NUM(r->sequence), V_TEXT(r->record_uuid),
			V_TEXT(r->document_uuid), V_NUM(r->attempt), V_NUM(r->copy),
			V_NUM(r->job_id), V_TEXT(r->queue), V_TEXT(r->target), V_NUM(r->diverted),
			V_NUM(r->not_at_server), V_TEXT(job_state_name(r->state)),
			V_TEXT(record_certainty_name(r->certainty)), V_NUM(r->impressions),
			V_NUM(r->sheets), V_NUM(r->copies), V_NUM(r->created_s), V_NUM(r->ended_s),
			V_BLOB(r->person_hash, RECORD_HASH), V_BLOB(r->hash, RECORD_HASH),
			V_NUM(in->app->now_ms)));

	if (rc)
		return rc;
	*id = sqlite3_last_insert_rowid(s->db);
	if (!r->has_person)
		return 0;
	return sql_run(s, "INSERT INTO ledger_person VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		VALUES(V_NUM(*id), V_BLOB(r->salt, RECORD_HASH), V_RAW(r->owner), V_RAW(r->title),
			V_RAW(r->account), V_NUM(r->account_verified)));
}

/* The same record in another ledger, which was closed: 1, with in @same whether it is of the same print; 0, -errno. */
static int find_record(struct intake *in, const struct record *r, int64_t *same)
{
	return sql_number(&in->app->sql,
		"SELECT document_uuid = ?2 AND attempt = ?3 AND copy = ?4 FROM ledger_record"
		" WHERE record_uuid = ?1",
		VALUES(V_TEXT(r->record_uuid), V_TEXT(r->document_uuid), V_NUM(r->attempt),
			V_NUM(r->copy)),
		same);
}

/* The record that counts for this print, with what it is worth. 1, 0: none, -errno. */
static int find_print(struct intake *in, const struct record *r, int *worth, bool *ours)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	char word[32], machine[64];
	int rc = sql_prepare(&in->app->sql, &stmt,
		"SELECT certainty, machine FROM ledger_print JOIN ledger_record ON"
		" ledger_record.id = record_id JOIN ledger ON ledger.id = ledger_id"
		" WHERE ledger_print.document_uuid = ?1 AND ledger_print.attempt = ?2"
		" AND ledger_print.copy = ?3",
		VALUES(V_TEXT(r->document_uuid), V_NUM(r->attempt), V_NUM(r->copy)));

	if (!rc)
		rc = sql_step(&in->app->sql, stmt);
	if (rc <= 0)
		return rc;
	sql_text(stmt, 0, word, sizeof(word));
	sql_text(stmt, 1, machine, sizeof(machine));
	*worth = record_certainty_worth(record_certainty_from_name(word));
	*ours = !strcmp(machine, in->machine.uuid);
	return 1;
}

/* Which record counts for the print: the better word; of equal ones, the first. One workstation has no say in what
 * another printed, whose job it cannot have held; a terminal has, in what came out of it. */
static int count_print(struct intake *in, const struct record *r, int64_t id, enum verdict *out)
{
	int worth = 0;
	bool ours = false;
	int rc = find_print(in, r, &worth, &ours);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return sql_run(&in->app->sql, "INSERT INTO ledger_print VALUES (?1, ?2, ?3, ?4)",
			VALUES(V_TEXT(r->document_uuid), V_NUM(r->attempt), V_NUM(r->copy),
				V_NUM(id)));
	if (*out == ACCEPTED)
		*out = MERGED;
	if (record_certainty_worth(r->certainty) <= worth ||
		(!ours && strcmp(in->machine.kind, "terminal") != 0))
		return 0;
	return sql_run(&in->app->sql,
		"UPDATE ledger_print SET record_id = ?4 WHERE document_uuid = ?1 AND attempt = ?2"
		" AND copy = ?3",
		VALUES(V_TEXT(r->document_uuid), V_NUM(r->attempt), V_NUM(r->copy), V_NUM(id)));
}

static int append(struct intake *in, const struct record *r, enum verdict *out)
{
	int64_t id = 0, same = 0;
	int rc = find_record(in, r, &same);

	if (rc < 0)
		return rc;
	if (rc > 0 && !same) {
		*out = REJECTED; /* one name for two prints */
		return 0;
	}
	*out = rc > 0 ? DUPLICATE : ACCEPTED;
	rc = in->known ? 0 : open_ledger(in, r);
	if (!rc)
		rc = insert_record(in, r, &id);
	if (!rc)
		rc = count_print(in, r, id, out);
	if (rc)
		return rc;
	in->head = r->sequence;
	memcpy(in->head_hash, r->hash, RECORD_HASH);
	in->taken++;
	rc = jobs_final_by_record(in->app, in->machine.uuid, r);
	return rc < 0 ? rc : 0;
}

/* A row that should be here already: 1 if it is the same, 0, -errno. */
static int is_here(struct intake *in, const struct record *r)
{
	int64_t same = 0;
	int rc = sql_number(&in->app->sql,
		"SELECT hash = ?3 FROM ledger_record WHERE ledger_id = ?1 AND sequence = ?2",
		VALUES(V_NUM(in->id), V_NUM(r->sequence), V_BLOB(r->hash, RECORD_HASH)), &same);

	return rc < 0 ? rc : rc > 0 && same;
}

static int judge(struct intake *in, const struct record *r, int64_t due, enum verdict *out)
{
	/* What an unknown ledger follows cannot be known: after a conflict one begins in mid-chain. */
	bool follows = !in->known || !memcmp(r->previous, in->head_hash, RECORD_HASH);
	int rc;

	if (r->sequence != due || !record_fits(r)) {
		*out = REJECTED;
		return 0;
	}
	if (!in->closed && r->sequence == in->head + 1 && follows)
		return append(in, r, out);
	rc = r->sequence <= in->head ? is_here(in, r) : 0;
	*out = rc > 0 ? DUPLICATE : CONFLICT;
	return rc < 0 ? rc : 0;
}

/* ---- the whole message ---- */

static int say_verdict(struct intake *in, const struct record *r, enum verdict v)
{
	ipp_t *reply = serve_reply(in->call);
	bool good = ippAddSeparator(reply);

	if (r->document_uuid[0])
		good = good && ippAddString(reply, IPP_TAG_JOB, IPP_TAG_URI, "job-uuid", NULL,
				       r->document_uuid);
	if (r->record_uuid[0])
		good = good && ippAddString(reply, IPP_TAG_JOB, IPP_TAG_URI, VENDOR_RECORD_UUID,
				       NULL, r->record_uuid);
	good = good && ippAddInteger(reply, IPP_TAG_JOB, IPP_TAG_INTEGER, VENDOR_LEDGER_SEQUENCE,
			       (int)r->sequence);
	good = good && ippAddString(reply, IPP_TAG_JOB, IPP_TAG_KEYWORD, VENDOR_RECORD_STATUS, NULL,
			       verdicts[v]);
	return good ? 0 : -ENOMEM;
}

/* The records in order, until one cannot be taken. @said: what to answer for each. */
static int take_records(struct intake *in, struct record *batch, enum verdict *said, int *looked)
{
	enum verdict v = ACCEPTED;
	int rc = 0;

	for (int i = 0; i < in->count && !rc && v != CONFLICT && v != REJECTED; i++) {
		int got = record_read(serve_request(in->call), i == 0, &batch[i]);

		if (got) {
			v = REJECTED;
			if (got == RECORD_E_END)
				break;
		} else {
			rc = judge(in, &batch[i], in->first + i, &v);
		}
		said[i] = v;
		*looked = i + 1;
	}
	if (!rc && v == CONFLICT)
		rc = close_ledger(in, "conflict");
	return rc ? rc : put_head(in);
}

static int answer(
	struct intake *in, const struct record *batch, const enum verdict *said, int looked)
{
	int rc = ippAddInteger(serve_reply(in->call), IPP_TAG_OPERATION, IPP_TAG_INTEGER,
			 VENDOR_ACKNOWLEDGED_SEQUENCE, (int)in->head)
			 ? 0
			 : -ENOMEM;

	for (int i = 0; i < looked && !rc; i++)
		rc = say_verdict(in, &batch[i], said[i]);
	return rc;
}

static int take(struct intake *in)
{
	AUTO(auto_free) struct record *batch = NULL;
	enum verdict said[RECORD_BATCH_MAX];
	int looked = 0;
	int rc = find_ledger(in);

	if (rc)
		return rc;
	/* A gap: what is here is said, and nothing taken. */
	if (in->count == 0 || in->first > in->head + 1)
		return answer(in, NULL, NULL, 0);
	batch = calloc((size_t)in->count, sizeof(*batch));
	if (!batch)
		return -ENOMEM;
	rc = sql_enter(&in->app->sql);
	if (!rc)
		rc = sql_leave(&in->app->sql, take_records(in, batch, said, &looked));
	return rc ? rc : answer(in, batch, said, looked);
}

static int send_accounting(void *arg, struct serve_call *c)
{
	struct intake in = {.app = arg, .call = c};
	int rc = machines_check(in.app, c, &in.machine);

	if (rc == IPP_STATUS_OK)
		rc = read_request(&in);
	if (rc == IPP_STATUS_OK)
		rc = take(&in);
	if (rc < 0) {
		serve_say(c, "The ledger cannot be written now");
		return IPP_STATUS_ERROR_SERVICE_UNAVAILABLE;
	}
	return rc;
}

const struct serve_operation ledger_operations[] = {
	{VENDOR_OP_SEND_ACCOUNTING, SERVE_MACHINE, send_accounting},
	{0},
};
