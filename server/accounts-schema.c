/* SPDX-License-Identifier: Apache-2.0 */
/* accounts-schema - tables of people: who they are, and by what they log in. */
#include "app.h"

const char db_accounts[] =
	"CREATE TABLE account ("
	" name TEXT PRIMARY KEY NOT NULL, full_name TEXT NOT NULL, hash TEXT NOT NULL,"
	" disabled INTEGER NOT NULL DEFAULT 0, created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL);";

/* uuid: what stands for the account elsewhere, and stays when its name changes. */
const char db_accounts_2[] = "ALTER TABLE account ADD COLUMN uuid BLOB NOT NULL DEFAULT x'';"
			     "UPDATE account SET uuid = randomblob(16);"
			     "CREATE UNIQUE INDEX account_uuid ON account (uuid);";
