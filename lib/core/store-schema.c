/* SPDX-License-Identifier: Apache-2.0 */
/* store-schema - the tables. docs/store.md explains them. */
#include "core/store-private.h"

/* No STRICT (SQLite before 3.37); AUTOINCREMENT, so that a freed number never names someone else's document. */
static const char version_1[] =
	"CREATE TABLE job ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, document_uuid TEXT NOT NULL UNIQUE, queue TEXT NOT NULL,"
	" owner BLOB NOT NULL, owner_verified INTEGER NOT NULL, title BLOB NOT NULL, host BLOB NOT NULL,"
	" job_uuid TEXT NOT NULL, cups_job_id INTEGER NOT NULL, created_s INTEGER NOT NULL,"
	" processing_s INTEGER NOT NULL, cups_run TEXT NOT NULL, ordinal INTEGER NOT NULL,"
	" banner INTEGER NOT NULL, raw INTEGER NOT NULL, format TEXT NOT NULL, octets INTEGER NOT NULL,"
	" sha256 BLOB NOT NULL CHECK (length(sha256) = 32), pages INTEGER NOT NULL, copies INTEGER NOT NULL,"
	" stored_s INTEGER NOT NULL, file TEXT NOT NULL, file_octets INTEGER NOT NULL,"
	" state TEXT NOT NULL CHECK (state IN ('pending', 'held', 'creating', 'created', 'sending', 'sent',"
	"  'unknown', 'completed', 'canceled', 'aborted', 'expired', 'repeated')),"
	" reason TEXT NOT NULL, reason_arg BLOB NOT NULL, since_s INTEGER NOT NULL,"
	" attempt INTEGER NOT NULL DEFAULT 0, at_printer INTEGER NOT NULL, chosen TEXT NOT NULL,"
	" dropped TEXT NOT NULL, ended_s INTEGER NOT NULL);"
	"CREATE INDEX job_handed ON job (job_uuid, cups_job_id, created_s);"
	"CREATE INDEX job_ended ON job (ended_s);"
	/* Apart from the job, so that erasing one is deleting a row of 32 octets. */
	"CREATE TABLE document_key ("
	" job_id INTEGER PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE,"
	" octets BLOB NOT NULL CHECK (length(octets) = 32));"
	"CREATE TABLE attempt ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" job_id INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE, number INTEGER NOT NULL,"
	" kind INTEGER NOT NULL, uri TEXT NOT NULL, is_server INTEGER NOT NULL, encrypted INTEGER NOT NULL,"
	" decided_by BLOB NOT NULL, remote_id INTEGER NOT NULL, remote_uuid TEXT NOT NULL,"
	" remote_name BLOB NOT NULL, up_time_s INTEGER NOT NULL, outcome INTEGER NOT NULL,"
	" impressions INTEGER NOT NULL, sheets INTEGER NOT NULL, cancel_wanted INTEGER NOT NULL,"
	" begun_s INTEGER NOT NULL, sent_s INTEGER NOT NULL, ended_s INTEGER NOT NULL,"
	" UNIQUE (job_id, number));"
	"CREATE INDEX attempt_open ON attempt (id) WHERE outcome = 0 OR cancel_wanted <> 0;"
	/* One attempt of a job is under way at most: two would print it twice. */
	"CREATE UNIQUE INDEX attempt_single ON attempt (job_id) WHERE outcome = 0 AND cancel_wanted = 0;"
	"CREATE TABLE ledger ("
	" sequence INTEGER PRIMARY KEY AUTOINCREMENT, record_uuid TEXT NOT NULL UNIQUE,"
	" document_uuid TEXT NOT NULL, attempt INTEGER NOT NULL, copy INTEGER NOT NULL,"
	" job_id INTEGER NOT NULL, queue TEXT NOT NULL, target TEXT NOT NULL, diverted INTEGER NOT NULL,"
	" not_at_server INTEGER NOT NULL, state TEXT NOT NULL, certainty TEXT NOT NULL,"
	" impressions INTEGER NOT NULL, sheets INTEGER NOT NULL, copies INTEGER NOT NULL,"
	" created_s INTEGER NOT NULL, ended_s INTEGER NOT NULL, person_hash BLOB NOT NULL,"
	" hash BLOB NOT NULL, UNIQUE (document_uuid, attempt, copy));"
	"CREATE INDEX ledger_ended ON ledger (ended_s);"
	/* Without its salt, person_hash says nothing: erasing the row here erases the person from the chain. */
	"CREATE TABLE ledger_person ("
	" sequence INTEGER PRIMARY KEY REFERENCES ledger (sequence) ON DELETE CASCADE,"
	" salt BLOB NOT NULL, owner BLOB NOT NULL, title BLOB NOT NULL);"
	"CREATE TABLE ledger_state ("
	" id INTEGER PRIMARY KEY CHECK (id = 1), ledger_uuid TEXT NOT NULL, base_sequence INTEGER NOT NULL,"
	" base_hash BLOB NOT NULL, head_sequence INTEGER NOT NULL, head_hash BLOB NOT NULL);"
	"CREATE TABLE audit ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, at_s INTEGER NOT NULL, job_id INTEGER NOT NULL,"
	" event TEXT NOT NULL, who BLOB NOT NULL, decided_by BLOB NOT NULL, from_uri TEXT NOT NULL,"
	" to_uri TEXT NOT NULL, encrypted INTEGER NOT NULL);"
	"CREATE INDEX audit_job ON audit (job_id);"
	"CREATE TABLE printer ("
	" uri TEXT PRIMARY KEY NOT NULL, pin TEXT NOT NULL, counts INTEGER NOT NULL, name BLOB NOT NULL,"
	" seen_s INTEGER NOT NULL);"
	"CREATE TABLE user_printer ("
	" owner BLOB NOT NULL, queue TEXT NOT NULL, uri TEXT NOT NULL, named INTEGER NOT NULL,"
	" used_s INTEGER NOT NULL, PRIMARY KEY (owner, queue, uri));"
	"CREATE TABLE intake_key ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, public_key BLOB NOT NULL UNIQUE, secret_key BLOB NOT NULL,"
	" made_s INTEGER NOT NULL);"
	"CREATE TABLE setting (name TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL);";

/* A server of our own: what it knows of a job, and where it released it to. */
#define REGISTRATION \
	"ALTER TABLE job ADD COLUMN remote_id INTEGER NOT NULL DEFAULT 0;" \
	"ALTER TABLE job ADD COLUMN incarnation INTEGER NOT NULL DEFAULT 0;" \
	"ALTER TABLE job ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;" \
	"ALTER TABLE job ADD COLUMN told INTEGER NOT NULL DEFAULT 0;" \
	"ALTER TABLE job ADD COLUMN device_uuid TEXT NOT NULL DEFAULT '';" \
	"ALTER TABLE job ADD COLUMN device_uri TEXT NOT NULL DEFAULT '';" \
	"ALTER TABLE job ADD COLUMN device_pin TEXT NOT NULL DEFAULT '';" \
	"ALTER TABLE job ADD COLUMN device_name BLOB NOT NULL DEFAULT x'';" \
	"ALTER TABLE job ADD COLUMN released_by BLOB NOT NULL DEFAULT x'';" \
	"ALTER TABLE job ADD COLUMN changes TEXT NOT NULL DEFAULT '';"
/* What the server has of the ledger: a time for each row, and the ledgers that a conflict closed. */
#define VERSION_2_LEDGER \
	"ALTER TABLE ledger ADD COLUMN acknowledged_s INTEGER NOT NULL DEFAULT 0;" \
	"ALTER TABLE ledger_state ADD COLUMN ledger_base INTEGER NOT NULL DEFAULT 0;" \
	"ALTER TABLE ledger_state ADD COLUMN acknowledged INTEGER NOT NULL DEFAULT 0;" \
	"CREATE TABLE ledger_closed (" \
	" ledger_uuid TEXT PRIMARY KEY NOT NULL, ledger_base INTEGER NOT NULL," \
	" last_sequence INTEGER NOT NULL, acknowledged INTEGER NOT NULL, why TEXT NOT NULL," \
	" closed_s INTEGER NOT NULL);"
static const char version_2[] = REGISTRATION VERSION_2_LEDGER;

/* The server's name of a job's owner, and whose word that is: core/who.h. */
static const char version_3[] =
	"ALTER TABLE job ADD COLUMN account BLOB NOT NULL DEFAULT x'';"
	"ALTER TABLE job ADD COLUMN who TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE job ADD COLUMN delegates BLOB NOT NULL DEFAULT x'';"
	"ALTER TABLE ledger_person ADD COLUMN account BLOB NOT NULL DEFAULT x'';"
	"ALTER TABLE ledger_person ADD COLUMN account_verified INTEGER NOT NULL DEFAULT 0;";

static const char *const steps[] = {version_1, version_2, version_3};

const struct sql_schema store_schema = {
	.application_id = 0x53744c70, /* "StLp" */
	.busy_ms = 250, /* nobody but a curious administrator shares the store with us */
	.count = sizeof(steps) / sizeof(steps[0]),
	.step = steps,
	.first = store_ledger_init,
};
