/* SPDX-License-Identifier: Apache-2.0 */
/* record-row - see record-row.h. */
#include "core/record-row.h"

#include <string.h>

#include "core/sql.h"

void record_from_row(sqlite3_stmt *stmt, struct record *r)
{
	char word[64];

	memset(r, 0, sizeof(*r));
	r->sequence = sqlite3_column_int64(stmt, 0);
	sql_text(stmt, 1, r->record_uuid, sizeof(r->record_uuid));
	sql_text(stmt, 2, r->document_uuid, sizeof(r->document_uuid));
	r->attempt = sqlite3_column_int(stmt, 3);
	r->copy = sqlite3_column_int(stmt, 4);
	r->job_id = sqlite3_column_int(stmt, 5);
	sql_text(stmt, 6, r->queue, sizeof(r->queue));
	sql_text(stmt, 7, r->target, sizeof(r->target));
	r->diverted = sqlite3_column_int(stmt, 8);
	r->not_at_server = sqlite3_column_int(stmt, 9);
	sql_text(stmt, 10, word, sizeof(word));
	r->state = job_state_from_name(word);
	sql_text(stmt, 11, word, sizeof(word));
	r->certainty = record_certainty_from_name(word);
	r->impressions = sqlite3_column_int(stmt, 12);
	r->sheets = sqlite3_column_int(stmt, 13);
	r->copies = sqlite3_column_int(stmt, 14);
	r->created_s = sqlite3_column_int64(stmt, 15);
	r->ended_s = sqlite3_column_int64(stmt, 16);
	sql_octets(stmt, 17, r->person_hash, sizeof(r->person_hash));
	sql_octets(stmt, 18, r->hash, sizeof(r->hash));
	r->has_person = sqlite3_column_bytes(stmt, 19) > 0;
	sql_octets(stmt, 19, r->salt, sizeof(r->salt));
	sql_text(stmt, 20, r->owner, sizeof(r->owner));
	sql_text(stmt, 21, r->title, sizeof(r->title));
	sql_text(stmt, 22, r->account, sizeof(r->account));
	r->account_verified = sqlite3_column_int(stmt, 23);
}
