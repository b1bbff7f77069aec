/* SPDX-License-Identifier: Apache-2.0 */
/* sql - one connection to an SQLite file (WAL, synchronous=FULL, secure_delete): opening, schema versions, groups of
 * writers in one commit, and the few helpers that make a statement short. Knows no table.
 *
 * Used from one thread. Every writer's frame is atomic by itself; within sql_begin()…sql_commit() many become one commit.
 * If SQLite gives a group up by itself (disk full), frames and sql_commit() fail with -EIO until sql_rollback().
 * Only files that own tables include this. */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

enum sql_err { SQL_E_NEWER = 2 /* made by a newer Stillprint: untouched */ };

struct sql;

/* What a file is to hold. Forward migration happens in one transaction, after a backup copy "PATH.vN.bak". */
struct sql_schema {
	int32_t application_id;
	int busy_ms; /* how long to wait for another process' write */
	int count; /* schema number in user_version */
	const char *const *step; /* step[n] leads from n to n + 1: constant SQL */
	int (*first)(struct sql *s); /* fills new tables, in the same transaction; may be NULL */
};

struct sql {
	sqlite3 *db;
	char *path;
	const struct sql_schema *schema;
	struct sql_kept *kept; /* statements that are compiled already */
	bool grouped; /* between sql_begin() and sql_commit() */
	bool lost; /* SQLite rolled the group back by itself (disk full…): it must not go on */
	unsigned
		erased; /* secrets erased since the WAL was last truncated; raised by the writers */
	int64_t truncated_ms; /* when that was */
};

/** sql_open() - open the file at @path, creating it (0600) if absent, and bring its schema up to date
 * Another program's file is -EUCLEAN, a newer one SQL_E_NEWER: both untouched. @schema is borrowed.
 * Return: 0, SQL_E_NEWER, or -errno; after an error sql_close() is still due. */
int sql_open(struct sql *s, const char *path, const struct sql_schema *schema);
/* A further connection of this process to a file that it has open by sql_open() already: looks at nothing itself, since a
 * descriptor closed by us would drop the locks of the others (fcntl(2); sqlite.org/howtocorrupt.html, 2.2). Same errors. */
int sql_join(struct sql *s, const char *path, const struct sql_schema *schema);
void sql_close(struct sql *s);

int sql_begin(struct sql *s);
/* Truncates the WAL now and then if secrets were erased, so that they leave the disk. */
int sql_commit(struct sql *s);
void sql_rollback(struct sql *s);
/* Truncate the WAL if secrets were erased since: for when there is nothing else to do. -EBUSY: a reader is in the way. */
int sql_tidy(struct sql *s);

/* A writer's frame: a transaction of its own, or a savepoint in the group. */
int sql_enter(struct sql *s);
/* @rc: 0, or a positive answer whose rows shall stay, keeps the work; negative undoes it. Returns @rc, or worse. */
int sql_leave(struct sql *s, int rc);
/* Undoes the work of this frame, and gives @answer (X_E_GONE…) back. */
int sql_undo(struct sql *s, int answer);

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

/** sql_prepare() - a statement with its values bound (borrowed until it is finalized)
 * Return it with sql_done() or AUTO(sql_donep). @text: constant; its compiled form may be kept for the next time. */
int sql_prepare(struct sql *s, sqlite3_stmt **out, const char *text, const struct value *values);
void sql_done(sqlite3_stmt *stmt);
AUTO_DEFINE(sqlite3_stmt *, sql_done)
/* 1: a row, 0: no more, -errno. */
int sql_step(struct sql *s, sqlite3_stmt *stmt);
int sql_run(
	struct sql *s, const char *text, const struct value *values); /* a statement without rows */
/* The same; 0 if it changed rows, 1 if it changed none, -errno. */
int sql_change(struct sql *s, const char *text, const struct value *values);
/* The first column of the first row as a number: 1 with *@out set, 0: no row, -errno. */
int sql_number(struct sql *s, const char *text, const struct value *values, int64_t *out);
int sql_exec(struct sql *s, const char *text); /* several, constant text */

/* A column, cut to @size and terminated; "" for NULL. */
void sql_text(sqlite3_stmt *stmt, int column, char *out, size_t size);
/* A column, cut or filled up with zeros to @size. */
void sql_octets(sqlite3_stmt *stmt, int column, void *out, size_t size);

/* The one place where SQLite's codes become errno's. */
int sql_errno(int rc);
int sql_error(
	struct sql *s, int rc); /* the same, with what the system said: a full disk is -ENOSPC */

/* Parts of sql_open(), for tests. */
int sql_migrate(struct sql *s, const char *const *steps, int count);
/* Removes backup copies of older schemas after a week: they have keys in them. */
void sql_backup_prune(struct sql *s);
