/* SPDX-License-Identifier: Apache-2.0 */
/* jobs-private - rows of the table `job`, for jobs*.c alone. */
#pragma once

#include "jobs.h"

/* In the order that jobs_row_read() expects. */
#define JOBS_COLUMNS \
	"id, uuid, queue, holder, owner, title, digest, format, k_octets, impressions, sheets," \
	" monochrome, color, copies, sides, media, color_mode, quality, finishings, account," \
	" accounting_user, created_ms, state, device_state, device_reasons, message, incarnation," \
	" epoch, attempt, closed_attempt, device, released_by, diverted, due_ms, expires_ms," \
	" processing_ms, ended_ms, lapsed, ended_by_holder, impressions_done, sheets_done, verified"

void jobs_row_read(sqlite3_stmt *stmt, struct jobs_job *out);
int jobs_row_get(struct sql *s, int32_t id, struct jobs_job *out); /* 1: is there, 0: not, -errno */
int jobs_row_by_uuid(struct sql *s, const char *uuid, struct jobs_job *out); /* the same */
int jobs_row_add(struct sql *s, struct jobs_job *j); /* fills in id */
int jobs_row_set(struct sql *s, const struct jobs_job *j); /* ticket, title */
int jobs_delegates_put(struct sql *s, int32_t id, const struct jobs_delegates *d);

/** jobs_move() - the only writer of states: from @then, the job as it was read, to @job with all that goes with a state
 * Compares the old state in the same statement, refuses (-EINVAL) what jobs_may_move() does not allow; the same state
 * again changes only the rest. Sets due_ms as the new state wants it, processing_ms and ended_ms; writes the event.
 * @acting: the machine that did it and needs no event of it, else "". Return: 0, -EBUSY (state has changed), -errno. */
int jobs_move(
	struct app *app, struct jobs_job *job, const struct jobs_job *then, const char *acting);

/* Says why, and gives @status back. */
__attribute__((format(printf, 3, 4))) int jobs_say(
	char why[JOBS_WHY_SIZE], int status, const char *fmt, ...);
/* Of a frame of changes: 0 is good, everything else is trouble with the database. */
int jobs_trouble(char why[JOBS_WHY_SIZE], int rc);
/* For the audit: "anna", "anna at urn:uuid:…", "administrator root". */
void jobs_who(const struct jobs_actor *who, char *out, size_t size);

enum jobs_right {
	JOBS_MAY_SEE, /* owner, delegate, holder, administrator */
	JOBS_MAY_RELEASE, /* owner, delegate, holder for its owner, administrator */
	JOBS_MAY_CHANGE, /* owner, holder for its owner */
	JOBS_MAY_CANCEL, /* owner, holder for its owner, administrator */
	JOBS_MAY_DELIVER, /* holder */
};
/* The job, if @who may do that to it: IPP_STATUS_OK, 0x0406, 0x0403, or 0x0502. */
int jobs_find(struct app *app, const struct jobs_actor *who, int32_t id, enum jobs_right right,
	struct jobs_job *out, char why[JOBS_WHY_SIZE]);
