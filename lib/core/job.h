/* SPDX-License-Identifier: Apache-2.0 */
/* job - the states of a job, its legal moves, and the reason that goes with each: one table, walked by the tests.
 *
 * The document is in exactly one of three conditions: no octet of it has left (PENDING, HELD, CREATING, CREATED: free to
 * go anywhere), some may have (SENDING, SENT, UNKNOWN: only the device's word or the user decides), or it is over. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum job_state {
	JOB_PENDING = 1, /* stored; the daemon decides where it goes next */
	JOB_HELD, /* waits; the reason says for what */
	JOB_CREATING, /* Create-Job is being sent to the target; no document octet */
	JOB_CREATED, /* the target's job-id is known and committed; no document octet */
	JOB_SENDING, /* Send-Document has begun: octets may have left */
	JOB_SENT, /* the target has taken the whole document; its final state is awaited */
	JOB_UNKNOWN, /* nobody can tell whether it printed: the user, or the device's later word, decides */
	JOB_COMPLETED, /* printed; the document is erased */
	JOB_CANCELED, /* given up by the user, here or at the device; erased */
	JOB_ABORTED, /* cannot be printed (damaged in the spool); erased or moved aside */
	JOB_EXPIRED, /* waited longer than the retention limit; erased */
	JOB_REPEATED, /* CUPS handed over a job that was taken before; dropped at intake, with this row as witness */
	JOB_STATE_COUNT
};

/* Why a job is in its state: one code and one sentence, the same in CLI, D-Bus, notification and log. */
enum job_reason {
	JOB_R_NONE = 0,
	JOB_R_STORED, /* just taken in */
	JOB_R_DELIVERING, /* on its way; arg: target */
	JOB_R_CHECKING_SERVER, /* the server does not answer; it is being found out whether it is lost */
	JOB_R_SERVER_LOST_ASK, /* held: lost at T, waiting for you to choose a printer */
	JOB_R_SERVER_LOST_HOLD, /* held: lost at T, waiting for the server */
	JOB_R_SERVER_LOST_NEVER, /* held: this queue never falls back */
	JOB_R_SERVER_LOST_HELD, /* held: confirm that you are at the printer */
	JOB_R_OUTAGE_PLANNED, /* arg: the administrator's message */
	JOB_R_NO_FALLBACK_READY, /* held: no fallback printer can take it; arg: what was wrong with each */
	JOB_R_OFFLINE, /* held: this computer has no network */
	JOB_R_AUTHENTICATION, /* "authentication-required": the server wants another user or password */
	JOB_R_CERTIFICATE, /* the target's certificate is not the one pinned */
	JOB_R_TLS_REQUIRED, /* policy: the target offers no encryption */
	JOB_R_REFUSED, /* the target refuses jobs (not accepting, not authorized); arg: its message */
	JOB_R_LOOP, /* the target leads back to a Stillprint queue */
	JOB_R_REGISTERED, /* held: stored here, known to the server (arg), released at a device */
	JOB_R_RELEASED, /* released at the server, on its way to the device; arg: device */
	JOB_R_GIVEN_BACK, /* held: released, and the device (arg, with what was wrong) could not take it */
	JOB_R_NOT_ENROLLED, /* held: the server does not accept this computer; arg: server */
	JOB_R_NOT_VERIFIED, /* held: its owner must be verified there, and is claimed; arg: what is missing */
	JOB_R_BUSY, /* the target is busy; retried */
	JOB_R_FORMAT, /* the target cannot print PDF */
	JOB_R_PRINTED_BEFORE, /* held: the same document of the same CUPS job was printed before */
	JOB_R_FOREIGN_HOST, /* held: came from another computer */
	JOB_R_NO_QUEUE, /* held: its queue is not configured */
	JOB_R_ABORTED_AT_DEVICE, /* held: the device gave up; arg: its reasons */
	JOB_R_ABORTED_PRIVATE, /* aborted: the device gave up, and the document was erased already; arg: its reasons */
	JOB_R_ACCEPTED, /* accepted by the target, waits for its final state */
	JOB_R_ACCEPTED_HELD, /* accepted by the server, which holds it for release there */
	JOB_R_ACCEPTED_UNCONFIRMED, /* accepted by SERVER, not confirmed: the server is away since */
	JOB_R_PRINTING, /* arg: target */
	JOB_R_DEVICE_STOPPED, /* the device needs attention; arg: its reasons (media-empty…) */
	JOB_R_MAY_HAVE_PRINTED, /* unknown; arg: target and last confirmed page */
	JOB_R_GONE_AT_SERVER, /* unknown: the server no longer knows the job that it accepted */
	JOB_R_DEVICE_REPORTED, /* completed, on the printer's word */
	JOB_R_SERVER_REPORTED, /* completed, on the server's word */
	JOB_R_USER_REPORTED, /* completed, on the user's word ("It printed") */
	JOB_R_CANCELED_BY_USER,
	JOB_R_CANCELED_AT_DEVICE,
	JOB_R_SESSION_ENDED, /* canceled: its user left this public computer; arg: how */
	JOB_R_CANCELED_AT_SERVER, /* its user deleted it there; arg: server */
	JOB_R_DAMAGED, /* the sealed file does not open; moved to corrupt/ */
	JOB_R_EXPIRED,
	JOB_R_SPOOL_FULL, /* expired first because the spool's limit was reached */
	JOB_R_HANDED_OVER_TWICE, /* repeated; arg: number of the job that was kept */
	JOB_REASON_COUNT
};

bool job_may_move(enum job_state from, enum job_state to);
bool job_is_final(enum job_state state);
/* True while no octet of the document can have left this machine in the present attempt. */
bool job_is_free(enum job_state state);

/* Stable words for CLI, D-Bus and the store ("pending", "held", …); NULL for an unknown number. */
const char *job_state_name(enum job_state state);
/* 0 if @name is no state. */
enum job_state job_state_from_name(const char *name);
/* Stable code, as in `stillprint why` ("server-lost", "authentication-required", …); NULL for an unknown number. */
const char *job_reason_code(enum job_reason reason);
enum job_reason job_reason_from_code(const char *code); /* JOB_R_NONE if unknown */

/** job_reason_sentence() - the sentence for people
 * @arg: what the reason names (target, message); goes through text_display(); may be NULL
 * @at_s: when the job came into this state, Unix UTC; shown as local HH:MM
 * @out: at least 256 octets, always terminated. Ends without a full stop. */
void job_reason_sentence(
	char *out, unsigned size, enum job_reason reason, const char *arg, int64_t at_s);
/* What the user can do next, as one sentence with the command where there is one; "" if nothing. */
const char *job_reason_next_step(enum job_reason reason);
