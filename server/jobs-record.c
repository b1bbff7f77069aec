/* SPDX-License-Identifier: Apache-2.0 */
/* jobs-record - an accounting record ends its job, if the report of its end was lost or never sent. */
#include "jobs-record.h"

#include <errno.h>

#include "jobs-private.h"

/* Other states are those of an attempt: after one that was aborted, or superseded, the job may go on. */
static int final_state(enum job_state state)
{
	switch (state) {
	case JOB_COMPLETED:
		return IPP_JSTATE_COMPLETED;
	case JOB_CANCELED:
		return IPP_JSTATE_CANCELED;
	case JOB_EXPIRED:
		return IPP_JSTATE_ABORTED;
	default:
		return 0;
	}
}

int jobs_final_by_record(struct app *app, const char *machine, const struct record *r)
{
	struct jobs_actor holder = {.kind = JOBS_MACHINE, .user = "", .machine = machine};
	struct jobs_report report = {.fence.attempt = r->attempt,
		.device = "",
		.state = final_state(r->state),
		.impressions = r->impressions,
		.sheets = r->sheets,
		.diverted = r->diverted ? r->target : NULL};
	struct jobs_job job;
	char why[JOBS_WHY_SIZE];
	int rc = report.state ? jobs_row_by_uuid(&app->sql, r->document_uuid, &job) : 0;

	if (rc <= 0)
		return rc;
	/* Not its holder, or over on the holder's word already: the ledger does not mind. */
	rc = jobs_update(app, &holder, job.id, &report, why);
	return rc == IPP_STATUS_ERROR_SERVICE_UNAVAILABLE ? -EIO : 0;
}
