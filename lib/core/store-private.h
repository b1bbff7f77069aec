/* SPDX-License-Identifier: Apache-2.0 */
/* store-private - what the files of the store share; nobody else includes it (tests/test-store does, to migrate). */
#pragma once

#include "core/sql.h"
#include "core/store.h"

struct store {
	struct sql sql;
};

extern const struct sql_schema store_schema;

int store_job_read(sqlite3_stmt *stmt, struct store_job *out);
/* Compare-and-set of the state, with what store_job_move() writes; no frame. */
int store_job_set(struct store *s, struct store_job *job, enum job_state from);
int store_attempt_close(struct store *s, struct store_attempt *a);
int store_ledger_insert(struct store *s, struct store_ledger_row *row);
int store_ledger_init(struct sql *s);
