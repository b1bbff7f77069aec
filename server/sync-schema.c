/* SPDX-License-Identifier: Apache-2.0 */
/* sync-schema - tables of what is sent to which machine ahead, for when the server is away. */
#include "app.h"

/* sync_rule: machine is a UUID, "workstation", "terminal" or "all". sync_machine: what it was sent last; it outlives the
 * machine's removal, since a serial must never begin anew. sync_removed: whom every machine has to forget.
 * sync_stamp: raised by whatever may change what some machine is sent. */
const char db_sync_2[] =
	"CREATE TABLE sync_rule ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, machine TEXT NOT NULL,"
	" kind TEXT NOT NULL CHECK (kind IN ('user', 'group', 'everybody')), name TEXT NOT NULL,"
	" interval_s INTEGER NOT NULL, valid_s INTEGER NOT NULL, accounts_max INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL, UNIQUE (machine, kind, name));"
	"CREATE TABLE sync_machine ("
	" uuid TEXT PRIMARY KEY NOT NULL, key BLOB NOT NULL, digest BLOB NOT NULL, incarnation INTEGER NOT NULL,"
	" serial INTEGER NOT NULL, issued_s INTEGER NOT NULL, not_after_s INTEGER NOT NULL,"
	" accounts INTEGER NOT NULL, left_out INTEGER NOT NULL, stamp INTEGER NOT NULL,"
	" fetched_ms INTEGER NOT NULL, applied_ms INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX sync_machine_stamp ON sync_machine (stamp);"
	"CREATE TABLE sync_removed ("
	" name TEXT PRIMARY KEY NOT NULL, removed_ms INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX sync_removed_at ON sync_removed (removed_ms);"
	"CREATE TABLE sync_stamp (stamp INTEGER NOT NULL);"
	"INSERT INTO sync_stamp VALUES (1);"
#define STAMP " BEGIN UPDATE sync_stamp SET stamp = stamp + 1; END;"
	"CREATE TRIGGER sync_rule_added AFTER INSERT ON sync_rule" STAMP
	"CREATE TRIGGER sync_rule_changed AFTER UPDATE ON sync_rule" STAMP
	"CREATE TRIGGER sync_rule_gone AFTER DELETE ON sync_rule" STAMP
	"CREATE TRIGGER sync_machine_ended AFTER UPDATE OF revoked_ms ON machine" STAMP
	"CREATE TRIGGER sync_machine_gone AFTER DELETE ON machine" STAMP
	"CREATE TRIGGER sync_secret_added AFTER INSERT ON account_secret" STAMP
	"CREATE TRIGGER sync_secret_changed AFTER UPDATE ON account_secret" STAMP
	"CREATE TRIGGER sync_secret_gone AFTER DELETE ON account_secret" STAMP
	"CREATE TRIGGER sync_member_added AFTER INSERT ON account_member" STAMP
	"CREATE TRIGGER sync_member_gone AFTER DELETE ON account_member" STAMP
	"CREATE TRIGGER sync_alias_added AFTER INSERT ON account_alias" STAMP
	"CREATE TRIGGER sync_alias_gone AFTER DELETE ON account_alias" STAMP
	"CREATE TRIGGER sync_account_changed AFTER UPDATE OF uuid, disabled, locked_ms, expires_s ON account" STAMP
#undef STAMP
	"CREATE TRIGGER sync_account_added AFTER INSERT ON account BEGIN"
	" UPDATE sync_stamp SET stamp = stamp + 1;"
	" DELETE FROM sync_removed WHERE name = new.name; END;"
	"CREATE TRIGGER sync_account_renamed AFTER UPDATE OF name ON account WHEN old.name <> new.name BEGIN"
	" UPDATE sync_stamp SET stamp = stamp + 1;"
	" INSERT OR REPLACE INTO sync_removed VALUES"
	" (old.name, CAST(strftime('%s', 'now') AS INTEGER) * 1000);"
	" DELETE FROM sync_removed WHERE name = new.name; END;"
	"CREATE TRIGGER sync_account_gone AFTER DELETE ON account BEGIN"
	" UPDATE sync_stamp SET stamp = stamp + 1;"
	" INSERT OR REPLACE INTO sync_removed VALUES"
	" (old.name, CAST(strftime('%s', 'now') AS INTEGER) * 1000); END;";
