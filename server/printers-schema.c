/* SPDX-License-Identifier: Apache-2.0 */
/* printers-schema - the tables of queues, devices, resources and machines. docs/server.md explains them. */
#include "app.h"

/* A device belongs to no queue: what is released at any queue may go to each of them, unless the queue names some. */
const char db_printers[] =
	"CREATE TABLE device ("
	" uuid TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL UNIQUE, uri TEXT NOT NULL,"
	" certificate BLOB, terminal TEXT NOT NULL DEFAULT '', state INTEGER NOT NULL DEFAULT 0,"
	" state_ms INTEGER NOT NULL DEFAULT 0, created_ms INTEGER NOT NULL);"
	"CREATE TABLE queue ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE COLLATE NOCASE,"
	" uuid TEXT NOT NULL UNIQUE, info TEXT NOT NULL DEFAULT '',"
	" device TEXT REFERENCES device (uuid) ON DELETE SET NULL,"
	" on_outage TEXT NOT NULL DEFAULT 'ask' CHECK (on_outage IN ('fallback', 'ask', 'hold', 'never')),"
	" release TEXT NOT NULL DEFAULT 'held' CHECK (release IN ('held', 'direct')),"
	" accepting INTEGER NOT NULL DEFAULT 1, created_ms INTEGER NOT NULL);"
	"CREATE TABLE queue_fallback ("
	" queue_id INTEGER NOT NULL REFERENCES queue (id) ON DELETE CASCADE, position INTEGER NOT NULL,"
	" uri TEXT NOT NULL, PRIMARY KEY (queue_id, position));"
	"CREATE TABLE resource ("
	" id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, version INTEGER NOT NULL,"
	" content BLOB NOT NULL, octets BLOB NOT NULL, signature BLOB NOT NULL, issued_s INTEGER NOT NULL);"
	/* The probe counts a queue's jobs. */
	"CREATE INDEX job_live ON job (queue, state) WHERE ended_ms = 0;";
/* queue_device: what a queue offers besides its default device; no rows: all devices. A device that is removed stays named,
 * or the queue of the last one would offer all of them. */
const char db_printers_2[] =
	"ALTER TABLE queue ADD COLUMN require_verified INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE queue_device ("
	" queue_id INTEGER NOT NULL REFERENCES queue (id) ON DELETE CASCADE, device TEXT NOT NULL,"
	" name TEXT NOT NULL, PRIMARY KEY (queue_id, device)) WITHOUT ROWID;";

/* fingerprint: the certificate in use; next: one that was issued and has not been seen yet (its reply may be lost).
 * issued_ms: when the latest was issued; a revocation counts for what was issued until then. */
const char db_machines[] =
	"CREATE TABLE machine ("
	" uuid TEXT PRIMARY KEY NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,"
	" fingerprint TEXT NOT NULL, next TEXT NOT NULL DEFAULT '', key TEXT NOT NULL,"
	" enrolled_ms INTEGER NOT NULL, issued_ms INTEGER NOT NULL, expires_s INTEGER NOT NULL,"
	" seen_ms INTEGER NOT NULL DEFAULT 0, revoked_ms INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX machine_name ON machine (name);"
	"CREATE TABLE enrol_code ("
	" hash BLOB PRIMARY KEY NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, made_s INTEGER NOT NULL,"
	" expires_s INTEGER NOT NULL, used_s INTEGER NOT NULL DEFAULT 0, used_by TEXT NOT NULL DEFAULT '');";

/* ca: SHA-256 of the CA that signed what was issued last. seen_key: the key before `key`, as long as `next` has not been seen.
 * knows: the version of the policy that it said it has. early_ms: when it renewed before its time.
 * polled, polled_ms: its newest subscription that was polled, and since when. two_ms: when an older one was polled after that:
 * one computer never does that, so two share this identity. */
const char db_machines_2[] = "ALTER TABLE machine ADD COLUMN ca TEXT NOT NULL DEFAULT '';"
			     "ALTER TABLE machine ADD COLUMN seen_key TEXT NOT NULL DEFAULT '';"
			     "ALTER TABLE machine ADD COLUMN knows INTEGER NOT NULL DEFAULT 0;"
			     "ALTER TABLE machine ADD COLUMN early_ms INTEGER NOT NULL DEFAULT 0;"
			     "ALTER TABLE machine ADD COLUMN polled INTEGER NOT NULL DEFAULT 0;"
			     "ALTER TABLE machine ADD COLUMN polled_ms INTEGER NOT NULL DEFAULT 0;"
			     "ALTER TABLE machine ADD COLUMN two_ms INTEGER NOT NULL DEFAULT 0;";

/* hash '': nobody can log in by a password. */
