/* SPDX-License-Identifier: Apache-2.0 */
/* accounts-schema - tables of people: who they are, by what they log in, and how often they have tried. */
#include "app.h"

const char db_accounts[] =
	"CREATE TABLE account ("
	" name TEXT PRIMARY KEY NOT NULL, full_name TEXT NOT NULL, hash TEXT NOT NULL,"
	" disabled INTEGER NOT NULL DEFAULT 0, created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL);";

/* uuid: what stands for the account elsewhere. expires_s 0: never. locked_ms: by an administrator.
 * account_secret: kind is lib/auth's (2 PIN, 3 card); idx finds it, verifier is what it is compared with.
 * login_counter: kind and key as in accounts-count.c. */
const char db_accounts_2[] =
	"ALTER TABLE account ADD COLUMN uuid BLOB NOT NULL DEFAULT x'';"
	"UPDATE account SET uuid = randomblob(16);"
	"CREATE UNIQUE INDEX account_uuid ON account (uuid);"
	"ALTER TABLE account ADD COLUMN expires_s INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE account ADD COLUMN locked_ms INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE account_alias ("
	" name TEXT PRIMARY KEY NOT NULL,"
	" account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE) WITHOUT ROWID;"
	"CREATE INDEX account_alias_of ON account_alias (account);"
	"CREATE TABLE account_secret ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,"
	" kind INTEGER NOT NULL CHECK (kind IN (2, 3)), idx INTEGER NOT NULL, verifier TEXT NOT NULL,"
	" label TEXT NOT NULL, created_ms INTEGER NOT NULL, UNIQUE (kind, idx));"
	"CREATE INDEX account_secret_of ON account_secret (account, kind);"
	"CREATE TABLE account_group (name TEXT PRIMARY KEY NOT NULL, created_ms INTEGER NOT NULL);"
	"CREATE TABLE account_member ("
	" account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,"
	" group_name TEXT NOT NULL REFERENCES account_group (name) ON DELETE CASCADE,"
	" PRIMARY KEY (account, group_name)) WITHOUT ROWID;"
	"CREATE INDEX account_member_of ON account_member (group_name, account);"
	"CREATE TABLE login_counter ("
	" kind INTEGER NOT NULL, key BLOB NOT NULL, tries INTEGER NOT NULL, last_ms INTEGER NOT NULL,"
	" PRIMARY KEY (kind, key)) WITHOUT ROWID;"
	"CREATE INDEX login_counter_last ON login_counter (kind, last_ms);";
