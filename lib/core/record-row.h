/* SPDX-License-Identifier: Apache-2.0 */
/* record-row - a ledger row out of a database: the workstation's and the server's tables are read in one order of columns. */
#pragma once

#include <sqlite3.h>

#include "core/record.h"

/* Columns from 0: sequence, record_uuid, document_uuid, attempt, copy, job_id, queue, target, diverted, not_at_server, state,
 * certainty, impressions, sheets, copies, created_s, ended_s, person_hash, hash; salt ('' if the person was erased), owner,
 * title, account, account_verified. previous is left zero. */
void record_from_row(sqlite3_stmt *stmt, struct record *r);
