/* SPDX-License-Identifier: Apache-2.0 */
/* store - jobs, delivery attempts, ledger, audit, keys and pins of one workstation, in SQLite (WAL, synchronous=FULL).
 *
 * The bytes live in the spool; its tables are known to store-*.c alone. A store is one connection, used from one
 * thread. Every writer below is atomic by itself, and within store_begin()…store_commit() many become one commit.
 * If SQLite gives a group up by itself (disk full), every writer and store_commit() fail with -EIO until
 * store_rollback(): nothing of that group happened. A writer changes its arguments only on success.
 * Schema number in user_version; forward migration in one transaction after a backup copy; a newer store is refused. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "core/job.h"
#include "core/record.h"
#include "core/seal.h"
#include "core/who.h"

struct store;
enum store_err {
	STORE_E_GONE = 1, /* no such row, or it is no longer in the state that the caller saw */
	STORE_E_NEWER = 2, /* made by a newer Stillprint: untouched */
	STORE_E_REPEAT, /* the same job handed over twice; a JOB_REPEATED row says so */
	STORE_E_EXISTS, /* a document with this document_uuid is in already */
	STORE_E_LOST, /* the server lost rows that the present ledger cannot bring again */
	STORE_E_AHEAD, /* the server has more of this ledger than this store */
};

int store_open(const char *path, struct store **out);
void store_free(struct store *s);
AUTO_DEFINE(struct store *, store_free)

int store_begin(struct store *s);
int store_commit(
	struct store *s); /* truncates the WAL now and then, so that erased keys leave the disk */
void store_rollback(struct store *s);
/* Truncate the WAL if keys were erased since: for when there is nothing else to do. -EBUSY: a reader is in the way. */
int store_tidy(struct store *s);

/* ---- jobs ---- */

/* What a server of our own knows of a job, and the release that it was claimed for; all zero for jobs of other upstreams. */
struct store_registration {
	int32_t remote_id; /* the server's job-id, 0: not registered */
	int32_t incarnation; /* of the server that knows it by that number */
	int32_t epoch; /* of the release that was claimed, 0: none is */
	int32_t told; /* the last job-state (RFC 8011) that the server has confirmed, 0: none */
	char device_uuid[64]; /* where it was released to */
	char device_uri[512];
	char device_pin[64]; /* "sha256//…", "" without TLS */
	char device_name[256];
	char released_by[256]; /* the user who did */
	char changes
		[160]; /* what he changed there, as CUPS writes options: "copies=2 sides=one-sided" */
};

enum { STORE_DELEGATES_SIZE = 1024 };
struct store_job {
	int32_t id; /* ours; never reused */
	char document_uuid[64]; /* ours */
	char queue[128];
	char owner[256];
	bool owner_verified; /* cupsd checked the owner by peer credentials */
	char account[256]; /* the server's name of the owner, "": none is known; set with who */
	enum who who; /* is he verified? NOT_ASKED until it was found out */
	char title[1024]; /* raw octets: text_display() before showing */
	char host[256];
	char job_uuid[64]; /* CUPS' */
	int32_t cups_job_id;
	int64_t created_s; /* CUPS' time-at-creation */
	int64_t processing_s; /* CUPS' time-at-processing */
	char cups_run[64];
	int32_t ordinal; /* of the backend's calls for this CUPS job in one pass (run and processing_s) */
	bool banner;
	bool raw;
	char format[128];
	int64_t octets; /* document length */
	uint8_t sha256[32];
	int32_t pages; /* -1: unknown */
	int32_t copies;
	int64_t stored_s; /* taken in, Unix UTC */
	char file[96]; /* name in the spool's jobs/ folder; "" once erased */
	int64_t file_octets; /* size of the sealed file */

	enum job_state state;
	enum job_reason reason;
	char reason_arg[512];
	int64_t since_s; /* in this state and reason since */
	int32_t attempt; /* number of the present or last attempt, 0 before the first */
	bool at_printer; /* the user confirmed to be at the printer */
	char chosen[512]; /* target URI that the user chose for this job, "" if none */
	char dropped
		[512]; /* options that the last target could not do, comma separated; "" if none */
	int64_t ended_s; /* when it reached a final state, 0 before */
	struct store_registration server;
	char delegates
		[STORE_DELEGATES_SIZE]; /* who else may release it at the server: accounts, with \n between */
};

/** store_job_add() - take a job in
 * @job: id, ordinal, stored_s are filled in here; state must be PENDING or HELD
 * @key: its document key, kept in a table of its own with secure_delete
 * Decides what a second handing-over is (ARCHITECTURE decision 4). Filters give one document another digest in each pass
 * (a PDF's /ID, dates), never another size; so the same document is the n-th of the same size (raw files: and digest) of
 * the same CUPS job (job_uuid, cups_job_id, created_s). Handed over in another pass (cups_run, processing_s) it is
 * - a repeat, if it comes from the first pass, within 10 minutes of its start, of a run of cupsd that began within an
 *   hour of the first's pass: a row in state REPEATED without key is written, STORE_E_REPEAT returned (@job is that row,
 *   reason_arg the number of the first);
 * - else a job that starts HELD with JOB_R_PRINTED_BEFORE (reason_arg: the other's number), whatever @job->reason was;
 *   but a plain job where the other was canceled or expired and this is no such pass after a crash (the user's wish), or
 *   aborted before any of it left.
 * In such a pass after a crash the same ordinal with another size is held likewise; a banner is a repeat.
 * Everything else is a plain job.
 * @run_started_s: when the cupsd that handed it over was started
 * Return: 0, STORE_E_REPEAT, STORE_E_EXISTS (@job->id: the one that is in), or -errno. */
int store_job_add(
	struct store *s, struct store_job *job, const struct seal_key *key, int64_t run_started_s);

/** store_job_move() - from state @from to @job->state, with reason, reason_arg, since_s, at_printer, chosen, dropped, server
 * The only writer of states: compares the old state in the same statement, and refuses (-EINVAL) what job_may_move()
 * does not allow. A move to the same state changes only the reason. since_s is set here. Final states are not for it
 * (-EINVAL): store_job_end() erases the key with them.
 * Return: 0, STORE_E_GONE, or -errno. */
int store_job_move(struct store *s, struct store_job *job, enum job_state from);

/* owner_verified, account and who alone, in any state: 0, STORE_E_GONE, -errno. */
int store_job_set_who(struct store *s, const struct store_job *job);
/* delegates alone, in any state: 0, STORE_E_GONE, -errno. */
int store_job_set_delegates(struct store *s, int32_t id, const char *delegates);
/* server.remote_id, incarnation and told alone, in any state: 0, STORE_E_GONE, -errno. */
int store_job_set_told(struct store *s, const struct store_job *job);
/* Erase the document's key and its file's name although the job goes on: nobody can print it again. */
int store_job_drop_key(struct store *s, int32_t id);
int store_job_get(struct store *s, int32_t id, struct store_job *out);
/** store_job_each() - every job that is not final, and those that ended after @ended_after_s, oldest first
 * @fn returning non-zero stops and is returned. */
int store_job_each(struct store *s, int64_t ended_after_s,
	int (*fn)(void *arg, const struct store_job *job), void *arg);
int store_job_key(struct store *s, int32_t id, struct seal_key *out); /* 0, STORE_E_GONE, -errno */
/* Forget final jobs that ended before @before_s (tombstones live 90 days). */
int store_job_prune(struct store *s, int64_t before_s);

/* ---- delivery attempts: the journal ---- */

enum store_target_kind {
	TARGET_UPSTREAM = 1,
	TARGET_FALLBACK,
	TARGET_RELEASED /* the device that the server of our own released it to */
};
enum store_outcome {
	OUTCOME_OPEN = 0, /* under way */
	OUTCOME_NOTHING, /* over; no octet left, or the device's word that nothing printed */
	OUTCOME_COMPLETED,
	OUTCOME_CANCELED,
	OUTCOME_ABORTED,
	OUTCOME_UNKNOWN,
};

struct store_attempt {
	int64_t id;
	int32_t job_id;
	int32_t number; /* 1, 2, … per job: the holder's fence */
	enum store_target_kind kind;
	char uri[512]; /* ipp:, ipps:, cups:NAME */
	bool is_server; /* a server's queue (its word is server-reported), not a device */
	bool encrypted;
	char decided_by
		[256]; /* "policy", "admin:NAME", "user:NAME": whose decision the target was */
	int32_t remote_id; /* the target's job-id, 0 before */
	char remote_uuid[64]; /* the target's job-uuid, "" if it told none */
	char remote_name[1024]; /* job-name as sent: how a reused job-id is recognised */
	int32_t up_time_s; /* the target's printer-up-time before sending, 0 if not told */
	enum store_outcome outcome;
	int32_t impressions; /* as the target reported, -1: not told */
	int32_t sheets; /* -1: not told */
	bool cancel_wanted; /* superseded ("print here too"): cancel this copy when the target is back */
	int64_t begun_s, sent_s, ended_s;
};

/** store_attempt_begin() - journal: Create-Job is about to be sent
 * Moves the job PENDING or HELD -> CREATING and writes the attempt, in one commit. @a->id and ->number are filled in,
 * @job->attempt is raised; of attempts that came to nothing the latest 20 are kept. -EEXIST: an attempt of the job is still OPEN and not cancel_wanted; end that one first.
 * Return: 0, STORE_E_GONE, or -errno. */
int store_attempt_begin(struct store *s, struct store_job *job, struct store_attempt *a);
/* Journal: the target's job-id (uuid) is known. CREATING -> CREATED. */
int store_attempt_created(struct store *s, struct store_job *job, const struct store_attempt *a);
/* Journal: the attempt is over, without ending the job: outcome, counts, ended_s; the job moves @from -> job->state. */
int store_attempt_end(
	struct store *s, struct store_job *job, enum job_state from, struct store_attempt *a);
/* remote_uuid, impressions, sheets, cancel_wanted, outcome, sent_s, ended_s of an attempt, without touching its job. */
int store_attempt_update(struct store *s, const struct store_attempt *a);
int store_attempt_each(struct store *s,
	int32_t job_id, /* 0: those with outcome OPEN or cancel_wanted, of all jobs */
	int (*fn)(void *arg, const struct store_attempt *a), void *arg);

/* ---- ledger and audit ---- */

struct store_ledger_row {
	int64_t sequence;
	char record_uuid[64];
	char document_uuid[64];
	int32_t attempt;
	int32_t copy; /* copy ordinal, 0 */
	int32_t job_id;
	char owner[256],
		title[1024]; /* kept beside the chain, can be erased; the chain has a salted hash of them */
	char queue[128];
	char target[512];
	char account
		[256]; /* the server's name of the owner, "": none was known; with owner and title */
	bool account_verified;
	bool diverted; /* printed elsewhere than at the queue's upstream */
	bool not_at_server; /* went past an ordinary server: "not accounted at server" */
	enum job_state state; /* completed, canceled, aborted, unknown */
	enum record_certainty certainty;
	int32_t impressions, sheets, copies; /* -1: unknown */
	int64_t created_s, ended_s;
	uint8_t hash[32];
	bool acknowledged; /* the server has it; read only */
	bool local_only; /* it stays here: its ledger was closed before the server had it; read only */
};

/** store_job_end() - the end of a job: final state, attempt, ledger row, key erased, in one transaction
 * @a: the attempt that ends with it, or NULL; @row: NULL if nothing was printed or sent. sequence, uuid, hash are
 * filled in. A row for the same (document_uuid, attempt, copy) is never written twice. The file is the caller's to
 * unlink afterwards (its row no longer names it, @job still does). Return: 0, STORE_E_GONE, or -errno. */
int store_job_end(struct store *s, struct store_job *job, enum job_state from,
	struct store_attempt *a, struct store_ledger_row *row);
/* A ledger row by itself (an attempt closed as unknown while the job goes on: printed again). */
int store_ledger_add(struct store *s, struct store_ledger_row *row);
int store_ledger_each(struct store *s, int64_t from_s, int64_t to_s,
	const char *owner, /* NULL: everybody */
	int (*fn)(void *arg, const struct store_ledger_row *row), void *arg);
/* Walks the hash chain. 0, STORE_E_GONE at the first row that does not fit (@bad: its sequence), -errno. */
int store_ledger_verify(struct store *s, int64_t *bad);

/* ---- what the server has of the ledger ---- */

/* The chain of rows goes on for ever; a ledger is a part of it under a UUID of its own, the present one its last part.
 * Sequences count through all of them. */
struct store_ledger {
	char uuid[64];
	int64_t base; /* the sequence before its first row */
	int64_t acknowledged; /* the server has the rows up to this one; at least base */
	int64_t last; /* of the last row written */
	int64_t pruned; /* rows up to this one are no longer here */
};
int store_ledger_get(struct store *s, struct store_ledger *out);
/** store_ledger_batch() - the rows after the acknowledged one, in order, at most @max, ready to travel
 * @fn returning non-zero stops and is returned. */
int store_ledger_batch(
	struct store *s, unsigned max, int (*fn)(void *arg, const struct record *r), void *arg);
/** store_ledger_acknowledge() - the server says up to which row it has ledger @uuid
 * Backward too: a server that was restored has lost rows, which are then sent again.
 * Return: 0; STORE_E_GONE: @uuid is not the present ledger; STORE_E_LOST: it lost rows that were pruned here, or
 * that may belong to a closed ledger: store_ledger_conflict() from 0; STORE_E_AHEAD: it has rows that this store has not
 * (this one was restored): store_ledger_conflict() from last + 1; neither changes anything; -errno. */
int store_ledger_acknowledge(struct store *s, const char *uuid, int64_t sequence);
/** store_ledger_conflict() - close ledger @uuid and open a new one, with the rows from @from on
 * Rows before @from stay as they are: acknowledged in the closed one, or never (then @from was moved past a row that
 * does not fit its hash: it stays as evidence). The chain itself is not touched.
 * @from: from pruned + 1 to last + 1, others are brought there; what was acknowledged from there on is not any more
 * @why: a word for the closed ledger
 * Return: 0, STORE_E_GONE: @uuid is not the present ledger, -errno. */
int store_ledger_conflict(struct store *s, const char *uuid, int64_t from, const char *why);
/** store_ledger_belong() - from now on the ledger is for @server: a word of at most 255 octets for server and enrolment
 * Another one than before, or the first: the present ledger is closed with all its rows, and the next begins with the
 * row that comes next. What was not acknowledged stays here. @history: what no server has is part of the next one.
 * Return: 0, 1: a ledger was closed (@old: which, and its last row), -errno. */
int store_ledger_belong(
	struct store *s, const char *server, bool history, struct store_ledger *old);
/* Forget rows that were acknowledged before @before_s, oldest first, and those that a ledger closed before then left
 * behind; what the chain begins with moves along. */
int store_ledger_prune(struct store *s, int64_t before_s);

struct store_audit_row {
	int64_t at_s;
	int32_t job_id; /* 0: not about a job */
	char event
		[64]; /* "diverted", "printed-again", "fallback-added", "outage-started", "pin-replaced", … */
	char who[256]; /* the user concerned */
	char decided_by[256]; /* "policy", "admin:root", "user:anna" */
	char from[512], to[512];
	bool encrypted;
};
int store_audit_add(struct store *s, const struct store_audit_row *row);
int store_audit_each(struct store *s, int32_t job_id, /* 0: all */
	int (*fn)(void *arg, const struct store_audit_row *row), void *arg);

/* ---- printers: pins, counting, what users named or used ---- */

struct store_printer {
	char uri[512]; /* normalised */
	char pin[64]; /* "sha256//…" of its public key, "" until first use over TLS */
	bool counts; /* has reported impressions above 0 for a completed job: its 0 can be believed */
	char name[256]; /* printer-info or make-and-model, as last told */
	int64_t seen_s;
};
int store_printer_get(
	struct store *s, const char *uri, struct store_printer *out); /* 0, STORE_E_GONE */
int store_printer_put(struct store *s, const struct store_printer *p);
int store_printer_each(
	struct store *s, int (*fn)(void *arg, const struct store_printer *p), void *arg);

struct store_user_printer {
	char owner[256];
	char queue[128]; /* "" = for every queue */
	char uri[512];
	bool named; /* added by the user; otherwise remembered from use */
	int64_t used_s; /* last successful use, 0 if none */
};
/* Adds to what is there: a use does not unmake `named`, nor naming forget used_s. */
int store_user_printer_put(struct store *s, const struct store_user_printer *p);
int store_user_printer_remove(
	struct store *s, const char *owner, const char *queue, const char *uri); /* or GONE */
int store_user_printer_each(struct store *s, const char *owner, /* NULL: all */
	int (*fn)(void *arg, const struct store_user_printer *p),
	void *arg); /* named first, then latest used */

/* ---- intake keys and small settings ---- */

struct store_intake_key {
	struct seal_pair pair;
	int64_t made_s;
};
int store_intake_key_add(struct store *s, const struct store_intake_key *k);
/* Newest first. */
int store_intake_key_each(
	struct store *s, int (*fn)(void *arg, const struct store_intake_key *k), void *arg);
/* Erase those made before @before_s, except the newest. */
int store_intake_key_prune(struct store *s, int64_t before_s);

/* Planned outage, run number, …: name and text. 0, STORE_E_GONE, -errno. NULL value removes. */
int store_setting_get(struct store *s, const char *name, char *out, unsigned size);
int store_setting_put(struct store *s, const char *name, const char *value);
