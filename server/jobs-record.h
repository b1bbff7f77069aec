/* SPDX-License-Identifier: Apache-2.0 */
/* jobs-record - what the ledger tells the jobs. */
#pragma once

#include "core/record.h"

struct app;

/** jobs_final_by_record() - an accounting record came in; does it end its job?
 * Job r->document_uuid, if it is known, not over, and held by @machine (the sender's UUID), ends as r->state says:
 * completed; canceled; expired is aborted. Any other state is that of an attempt only, and the job goes on. Unknown
 * jobs are none of its business. In the group's transaction, for each record that is new here.
 * Return: 0, whatever it did, or -errno. */
int jobs_final_by_record(struct app *app, const char *machine, const struct record *r);
