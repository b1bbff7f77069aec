/* SPDX-License-Identifier: Apache-2.0 */
/* ledger-schema - tables of accounting records, which refuse to be changed. */
#include "app.h"

#define REFUSE " BEGIN SELECT RAISE(ABORT, 'the ledger is only added to'); END;"

const char db_ledger[] =
	"CREATE TABLE ledger ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE, machine TEXT NOT NULL,"
	" base INTEGER NOT NULL, base_hash BLOB NOT NULL, head INTEGER NOT NULL,"
	" head_hash BLOB NOT NULL, opened_ms INTEGER NOT NULL, heard_ms INTEGER NOT NULL,"
	" closed_ms INTEGER NOT NULL DEFAULT 0, why TEXT NOT NULL DEFAULT '');"
	"CREATE TABLE ledger_record ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, ledger_id INTEGER NOT NULL REFERENCES ledger (id),"
	" sequence INTEGER NOT NULL, record_uuid TEXT NOT NULL, document_uuid TEXT NOT NULL,"
	" attempt INTEGER NOT NULL, copy INTEGER NOT NULL, client_job_id INTEGER NOT NULL,"
	" queue TEXT NOT NULL, target TEXT NOT NULL, diverted INTEGER NOT NULL,"
	" not_at_server INTEGER NOT NULL, state TEXT NOT NULL, certainty TEXT NOT NULL,"
	" impressions INTEGER NOT NULL, sheets INTEGER NOT NULL, copies INTEGER NOT NULL,"
	" created_s INTEGER NOT NULL, ended_s INTEGER NOT NULL, person_hash BLOB NOT NULL,"
	" hash BLOB NOT NULL, received_ms INTEGER NOT NULL, UNIQUE (ledger_id, sequence));"
	"CREATE INDEX ledger_record_uuid ON ledger_record (record_uuid);"
	"CREATE INDEX ledger_record_ended ON ledger_record (ended_s);"
	/* Without its salt, person_hash says nothing: deleting a row here erases the person. */
	"CREATE TABLE ledger_person ("
	" record_id INTEGER PRIMARY KEY REFERENCES ledger_record (id), salt BLOB NOT NULL,"
	" owner BLOB NOT NULL, title BLOB NOT NULL);"
	"CREATE INDEX ledger_person_owner ON ledger_person (owner);"
	/* Which record counts for a print. */
	"CREATE TABLE ledger_print ("
	" document_uuid TEXT NOT NULL, attempt INTEGER NOT NULL, copy INTEGER NOT NULL,"
	" record_id INTEGER NOT NULL UNIQUE REFERENCES ledger_record (id),"
	" PRIMARY KEY (document_uuid, attempt, copy)) WITHOUT ROWID;"
	/* A ledger grows and is closed once; nothing else of it changes. */
	"CREATE TRIGGER ledger_grows BEFORE UPDATE ON ledger WHEN OLD.closed_ms <> 0"
	" OR NEW.id <> OLD.id OR NEW.uuid <> OLD.uuid OR NEW.machine <> OLD.machine"
	" OR NEW.base <> OLD.base OR NEW.base_hash <> OLD.base_hash OR NEW.head < OLD.head"
	" OR NEW.opened_ms <> OLD.opened_ms" REFUSE
	"CREATE TRIGGER ledger_kept BEFORE DELETE ON ledger" REFUSE
	"CREATE TRIGGER ledger_record_same BEFORE UPDATE ON ledger_record" REFUSE
	"CREATE TRIGGER ledger_record_kept BEFORE DELETE ON ledger_record" REFUSE
	"CREATE TRIGGER ledger_person_same BEFORE UPDATE ON ledger_person" REFUSE
	"CREATE TRIGGER ledger_print_kept BEFORE DELETE ON ledger_print" REFUSE
	"CREATE TRIGGER ledger_print_same BEFORE UPDATE ON ledger_print WHEN NOT EXISTS"
	" (SELECT 1 FROM ledger_record WHERE id = NEW.record_id AND document_uuid = OLD.document_uuid"
	" AND attempt = OLD.attempt AND copy = OLD.copy) OR NEW.document_uuid <> OLD.document_uuid"
	" OR NEW.attempt <> OLD.attempt OR NEW.copy <> OLD.copy" REFUSE
	/* INSERT OR REPLACE would delete without asking the trigger for that. */
	"CREATE TRIGGER ledger_once BEFORE INSERT ON ledger WHEN EXISTS"
	" (SELECT 1 FROM ledger WHERE id = NEW.id OR uuid = NEW.uuid)" REFUSE
	"CREATE TRIGGER ledger_record_once BEFORE INSERT ON ledger_record WHEN EXISTS (SELECT 1 FROM"
	" ledger_record WHERE id = NEW.id OR (ledger_id = NEW.ledger_id AND sequence = NEW.sequence))" REFUSE
	"CREATE TRIGGER ledger_person_once BEFORE INSERT ON ledger_person WHEN EXISTS"
	" (SELECT 1 FROM ledger_person WHERE record_id = NEW.record_id)" REFUSE
	"CREATE TRIGGER ledger_print_once BEFORE INSERT ON ledger_print WHEN EXISTS (SELECT 1 FROM"
	" ledger_print WHERE record_id = NEW.record_id OR (document_uuid = NEW.document_uuid"
	" AND attempt = NEW.attempt AND copy = NEW.copy))" REFUSE;
/* The account comes with the person, where the workstation knew one. ledger_release: who released what was claimed, and
 * whether he pays; written with the claim and never changed, but that a person is erased. @attempt is the
 * holder's last one before the claim: what came of it has a higher one. */
const char db_ledger_2[] =
	"ALTER TABLE ledger_person ADD COLUMN account BLOB NOT NULL DEFAULT x'';"
	"ALTER TABLE ledger_person ADD COLUMN account_verified INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX ledger_person_account ON ledger_person (account);"
	"CREATE TABLE ledger_release ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, document_uuid TEXT NOT NULL, incarnation INTEGER NOT NULL,"
	" epoch INTEGER NOT NULL, attempt INTEGER NOT NULL, released_by TEXT NOT NULL,"
	" pays INTEGER NOT NULL, at_ms INTEGER NOT NULL,"
	" UNIQUE (document_uuid, incarnation, epoch, attempt));"
	"CREATE INDEX ledger_release_by ON ledger_release (released_by);"
	"CREATE TRIGGER ledger_release_kept BEFORE DELETE ON ledger_release" REFUSE
	"CREATE TRIGGER ledger_release_same BEFORE UPDATE ON ledger_release WHEN NEW.released_by <> ''"
	" OR NEW.pays <> OLD.pays OR NEW.id <> OLD.id OR NEW.document_uuid <> OLD.document_uuid"
	" OR NEW.incarnation <> OLD.incarnation OR NEW.epoch <> OLD.epoch"
	" OR NEW.attempt <> OLD.attempt OR NEW.at_ms <> OLD.at_ms" REFUSE
	/* The same claim again: a reply was lost. */
	"CREATE TRIGGER ledger_release_once BEFORE INSERT ON ledger_release WHEN EXISTS (SELECT 1 FROM"
	" ledger_release WHERE id = NEW.id OR (document_uuid = NEW.document_uuid"
	" AND incarnation = NEW.incarnation AND epoch = NEW.epoch AND attempt = NEW.attempt))"
	" BEGIN SELECT RAISE(IGNORE); END;";
