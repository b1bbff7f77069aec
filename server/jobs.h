/* SPDX-License-Identifier: Apache-2.0 */
/* jobs - registered jobs: who may do what to which, and every change of state. IPP handlers, web pages and subcommands all
 * come here; the tables are known to jobs*.c alone. docs/wire.md "A job", docs/server.md "Jobs".
 *
 * Each rule returns an IPP status, IPP_STATUS_OK when it was done, and then @why is ""; else @why says it in a sentence
 * for people, and nothing was changed. Trouble with the database is IPP_STATUS_ERROR_SERVICE_UNAVAILABLE.
 * Called on the thread of the connection, within a group or not. */
#pragma once

#include <cups/ipp.h>
#include <stdbool.h>
#include <stdint.h>

#include "app.h"

enum {
	JOBS_DELEGATES_MAX = 8,
	JOBS_FINISHINGS_MAX = 8,
	JOBS_PER_MACHINE = 5000, /* not over */
	JOBS_LIST_MAX = 1000,
	JOBS_CLAIM_MS = 20000, /* released: to be acknowledged within */
	JOBS_LEASE_MS = 60000, /* claimed: to be heard of within */
	JOBS_WHY_SIZE = 256,
};

/* Stored by name; the one table of legal moves is in jobs-state.c. */
enum jobs_state {
	JOBS_HELD = 1, /* waits for its user */
	JOBS_RELEASED, /* waits for its holder to acknowledge */
	JOBS_CLAIMED, /* acknowledged; no octet has left */
	JOBS_SENDING, /* sending or printing */
	JOBS_CANCELING, /* its user canceled; the holder stops it */
	JOBS_DOUBT, /* nobody can tell whether it printed */
	JOBS_COMPLETED,
	JOBS_CANCELED,
	JOBS_ABORTED, /* given up by the holder, or expired */
	JOBS_STATE_COUNT
};

const char *jobs_state_name(enum jobs_state state); /* NULL for an unknown number */
enum jobs_state jobs_state_from_name(const char *name); /* 0: none */
bool jobs_may_move(enum jobs_state from, enum jobs_state to);
bool jobs_is_over(enum jobs_state state);

/* What a user can choose and change while the job is held. 0 or "": not told. */
struct jobs_ticket {
	int32_t copies;
	char sides[64], media[256], color_mode[64];
	int32_t quality; /* IPP print-quality */
	int32_t finishings[JOBS_FINISHINGS_MAX];
	int finishings_count;
};

struct jobs_delegates {
	int count;
	char user[JOBS_DELEGATES_MAX][256];
};

struct jobs_job {
	int32_t id;
	char uuid[64]; /* the workstation's own */
	char queue[128];
	char holder[64]; /* the machine that has the document */
	char owner[256]; /* the account */
	bool verified; /* his computer has seen him log in with our credentials; else it only says so */
	char title[256]; /* for owner, delegates and holder; never logged */
	uint8_t digest[32];
	char format[128];
	int32_t k_octets, impressions, sheets, monochrome, color; /* -1: not known */
	struct jobs_ticket ticket;
	char account[256], accounting_user[256];
	int64_t created_ms; /* all times are Unix UTC, ms */

	enum jobs_state state;
	int32_t device_state; /* output-device-job-state as last reported, 0: none */
	char device_reasons[256]; /* keywords with blanks between */
	char message[256];
	int32_t incarnation, epoch, attempt; /* the fence of the present or last release */
	int32_t closed_attempt; /* the last attempt that was given back */
	char device[64]; /* UUID, from the release on */
	char released_by[256];
	char diverted[256]; /* printed elsewhere: the name of that printer */
	int64_t due_ms; /* when jobs_tick() looks at it: claim deadline, lease, expiry, pruning */
	int64_t expires_ms; /* of the hold */
	int64_t processing_ms, ended_ms; /* 0: not yet */
	bool lapsed; /* the lease lapsed: the holder is not to be reached */
	bool ended_by_holder; /* its word is the last one */
	int32_t impressions_done, sheets_done; /* -1: not known */
};

int32_t jobs_ipp_state(const struct jobs_job *j); /* IPP job-state, 3 to 9 */
enum { JOBS_REASONS_MAX = 16, JOBS_REASON_SIZE = 64 };
/* job-state-reasons; at least one. Return: how many. */
int jobs_reasons(const struct jobs_job *j, char out[JOBS_REASONS_MAX][JOBS_REASON_SIZE]);

/* Who acts. */
struct jobs_actor {
	enum { JOBS_PERSON = 1, JOBS_MACHINE, JOBS_ADMIN } kind;
	const char *
		user; /* the person; whom the machine speaks for, "" for nobody; the administrator's name for the audit */
	const char *machine; /* its UUID, else "" */
};

/** jobs_get() - owner, delegate, holder; an administrator gets it without title
 * 0x0406: there is none. 0x0403: not his. */
int jobs_get(struct app *app, const struct jobs_actor *who, int32_t id, struct jobs_job *out,
	char why[JOBS_WHY_SIZE]);
int jobs_delegates(struct app *app, int32_t id, struct jobs_delegates *out); /* 0 or -errno */

enum jobs_which {
	JOBS_NOT_COMPLETED = 0,
	JOBS_WHICH_COMPLETED, /* those that are over, latest first */
	JOBS_ALL,
	JOBS_PENDING_HELD,
	JOBS_FETCHABLE, /* machine: released, or claimed and not yet sending; whoever's */
};
struct jobs_query {
	enum jobs_which which;
	const char *queue; /* "": any */
	bool own; /* person: without those delegated to him */
	int32_t limit; /* 0: JOBS_LIST_MAX */
	int32_t first_id;
};
/** jobs_list() - person: his own and those delegated to him; machine: its own, of the user it names (all if it names none);
 * administrator: all, without titles. @fn must not change jobs; non-zero stops. */
int jobs_list(struct app *app, const struct jobs_actor *who, const struct jobs_query *q,
	int (*fn)(void *arg, const struct jobs_job *job), void *arg);

/** jobs_create() - register a job that the machine @who holds; the owner is whom it speaks for
 * @job: uuid, queue (as printers_queue() spells it), verified, title, format, counts, ticket, account…, attempt are the caller's;
 * filled in with what is there afterwards. @device: "" for a held job, else its default device: released at once.
 * The same UUID again from the same machine gives the job as it is. 0x040E: other content; 0x0403: another machine's;
 * 0x050B: too many jobs. @dry: only judge (Validate-Job). */
int jobs_create(struct app *app, const struct jobs_actor *who, struct jobs_job *job,
	const struct jobs_delegates *delegates, const char *device, bool dry,
	char why[JOBS_WHY_SIZE]);
/* Is a job of this UUID in already, of this machine and with the same content? 1 yes, with @job filled in; 0: none;
 * else an IPP status. jobs_create() asks that first, too. */
int jobs_known(struct app *app, const struct jobs_actor *who, struct jobs_job *job,
	char why[JOBS_WHY_SIZE]);

/* Owner, or the holder for him; while held. Every pointer may be NULL: unchanged. */
struct jobs_change {
	const struct jobs_ticket *ticket; /* whole */
	const char *title;
	const struct jobs_delegates *delegates;
};
int jobs_set(struct app *app, const struct jobs_actor *who, int32_t id,
	const struct jobs_change *change, char why[JOBS_WHY_SIZE]);
/** jobs_release() - held → released, to @device (UUID of one that exists)
 * Owner, delegate, holder for its owner, administrator. 0x0404 when not held. */
int jobs_release(struct app *app, const struct jobs_actor *who, int32_t id, const char *device,
	char why[JOBS_WHY_SIZE]);
/* Released and not yet claimed → held; those who may release. A held one stays so. */
int jobs_hold(struct app *app, const struct jobs_actor *who, int32_t id, char why[JOBS_WHY_SIZE]);
/* Owner, holder for him, administrator. Held or released: canceled. Claimed and later: the holder is asked to stop. */
int jobs_cancel(struct app *app, const struct jobs_actor *who, int32_t id, char why[JOBS_WHY_SIZE]);
/* Every job of the person (or of whom the machine speaks for, that it holds) that is not over. @count may be NULL. */
int jobs_cancel_mine(struct app *app, const struct jobs_actor *who, const char *queue, int *count,
	char why[JOBS_WHY_SIZE]);

/* ---- the holder's turn: the machine that holds the job, nobody else (0x0403) ---- */

struct jobs_fence {
	int32_t incarnation; /* 0: not told, taken as the job's */
	int32_t epoch, attempt;
};
/* What is to be delivered. 0x0420: not released (any more), and not its own claim. Changes nothing. */
int jobs_fetch(struct app *app, const struct jobs_actor *who, int32_t id, struct jobs_job *out,
	char why[JOBS_WHY_SIZE]);
/** jobs_acknowledge() - released → claimed; the same fence again is good
 * @device: the one assigned, or "". 0x0420: not released, or another fence. */
int jobs_acknowledge(struct app *app, const struct jobs_actor *who, int32_t id, const char *device,
	const struct jobs_fence *fence, char why[JOBS_WHY_SIZE]);
/* The holder cannot: held again, with its @message. */
int jobs_refuse(struct app *app, const struct jobs_actor *who, int32_t id,
	const struct jobs_fence *fence, const char *message, char why[JOBS_WHY_SIZE]);

struct jobs_report {
	struct jobs_fence fence;
	const char *device; /* "": not told */
	int32_t state; /* output-device-job-state, 3 to 9 */
	const char *reasons; /* keywords with blanks between, NULL: not told */
	const char *message; /* NULL: not told */
	int32_t impressions, sheets; /* -1: not told */
	const char *diverted; /* NULL: not told */
};
/** jobs_update() - what the holder tells of its delivery; renews the lease
 * A final state is taken at any fence, once. 0x0508: its user canceled, the lease is renewed all the same.
 * 0x0404: a stale fence, or a state that forbids it. */
int jobs_update(struct app *app, const struct jobs_actor *who, int32_t id,
	const struct jobs_report *r, char why[JOBS_WHY_SIZE]);

/* "urn:stillprint:user:NAME", percent-encoded (RFC 3986), and back: false if it is none, or no clean name. */
bool jobs_user_uri(char *out, size_t size, const char *user);
bool jobs_user_from_uri(char *out, size_t size, const char *uri);

/** jobs_erase() - @pseudonym in the place of @name in jobs that are over; their titles go
 * Return: 0, 1: he has jobs that are not over, -errno. */
int jobs_erase(struct sql *s, const char *name, const char *pseudonym);
