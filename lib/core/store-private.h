/* SPDX-License-Identifier: Apache-2.0 */
/* store-private - what the files of the store share; nobody else includes it (tests/test-store does, to migrate). */
#pragma once

#include <sqlite3.h>
#include <stddef.h>

#include "core/store.h"

struct store {
	sqlite3 *db;
	char *path;
	bool grouped; /* between store_begin() and store_commit() */
	bool lost; /* SQLite rolled the group back by itself (disk full…): it must not go on */
	unsigned erased; /* keys erased since the WAL was last truncated */
	int64_t truncated_ms; /* when that was */
};

/* A value to bind; a list ends with an empty one. */
struct value {
	enum { VALUE_END = 0, VALUE_NUMBER, VALUE_TEXT, VALUE_OCTETS } type;
	int64_t number;
	const void *octets;
	int count; /* -1: a C string */
};
#define V_NUM(n) \
	{ \
		.type = VALUE_NUMBER, .number = (n) \
	}
#define V_TEXT(s) \
	{ \
		.type = VALUE_TEXT, .octets = (s), .count = -1 \
	}
/* Text from outside, perhaps not UTF-8: kept as a blob, so that nothing in SQLite takes it for characters. */
#define V_RAW(s) \
	{ \
		.type = VALUE_OCTETS, .octets = (s), .count = -1 \
	}
#define V_BLOB(p, n) \
	{ \
		.type = VALUE_OCTETS, .octets = (p), .count = (int)(n) \
	}
#define VALUES(...) ((const struct value[]){__VA_ARGS__, {0}})

AUTO_DEFINE(sqlite3_stmt *, sqlite3_finalize)

/* The one place where SQLite's codes become errno's. */
int store_errno(int rc);
int store_error(
	struct store *s, int rc); /* the same, with what the system said: a full disk is -ENOSPC */
int store_prepare(struct store *s, sqlite3_stmt **out, const char *sql, const struct value *values);
/* 1: a row, 0: no more, -errno. */
int store_step(struct store *s, sqlite3_stmt *stmt);
int store_run(struct store *s, const char *sql,
	const struct value *values); /* a statement without rows */
int store_exec(struct store *s, const char *sql); /* several, constant text */

/* A writer's frame: a transaction of its own, or a savepoint in the group. */
int store_enter(struct store *s);
/* @rc: 0, or a positive answer whose rows shall stay, keeps the work; negative undoes it. Returns @rc, or worse. */
int store_leave(struct store *s, int rc);
/* Undoes the work of this frame, and gives @answer (STORE_E_GONE…) back. */
int store_undo(struct store *s, int answer);

void store_text(sqlite3_stmt *stmt, int column, char *out, size_t size);
void store_octets(sqlite3_stmt *stmt, int column, void *out, size_t size);
/* "urn:uuid:…", random (RFC 9562, version 4). */
void store_uuid(char out[64]);

enum { STORE_SCHEMA = 1, STORE_APPLICATION_ID = 0x53744c70 }; /* "StLp" */
/* Brings the store to schema @count by @steps[from…], after a backup copy if there was anything. */
int store_migrate(struct store *s, const char *const *steps, int count);
extern const char *const store_schema[STORE_SCHEMA];
/* Removes backup copies of older schemas after a week: they have keys in them. */
void store_backup_prune(struct store *s);

int store_job_read(sqlite3_stmt *stmt, struct store_job *out);
/* Compare-and-set of the state, with what store_job_move() writes; no frame. */
int store_job_set(struct store *s, struct store_job *job, enum job_state from);
int store_attempt_close(struct store *s, struct store_attempt *a);
int store_ledger_insert(struct store *s, struct store_ledger_row *row);
int store_ledger_init(struct store *s);
