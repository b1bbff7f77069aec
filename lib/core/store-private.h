/* SPDX-License-Identifier: Apache-2.0 */
/* store-private - what the files of the store share; nobody else includes it (tests/test-store does, to migrate). */
#pragma once

#include "core/record-row.h"
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

struct store_chain { /* what is here of it: from after base to head */
	int64_t base_sequence, head_sequence;
	uint8_t base_hash[RECORD_HASH], head_hash[RECORD_HASH];
};
int store_chain_read(struct store *s, struct store_chain *c);

/* For record_from_row(). */
#define LEDGER_COLUMNS \
	"ledger.sequence, record_uuid, document_uuid, attempt, copy, job_id, queue, target, diverted," \
	" not_at_server, state, certainty, impressions, sheets, copies, created_s, ended_s, person_hash, hash," \
	" coalesce(salt, x''), coalesce(owner, x''), coalesce(title, x'')," \
	" coalesce(account, x''), coalesce(account_verified, 0), acknowledged_s"
#define LEDGER_TABLES "ledger LEFT JOIN ledger_person ON ledger_person.sequence = ledger.sequence"
enum { LEDGER_ACKNOWLEDGED = 24 };
