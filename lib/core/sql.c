/* SPDX-License-Identifier: Apache-2.0 */
/* sql - see sql.h. Here: opening, groups and the small helpers; versions of the tables are in sql-schema.c. */
#include "core/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mono.h"

enum {
	TRUNCATE_EVERY_MS = 1000,
	TRUNCATE_EVERY_KEYS = 64,
};

/* Compiled statements: as many as there are texts, and a second one where the same text runs within itself. */
struct sql_kept {
	struct {
		const char *text;
		sqlite3_stmt *stmt;
	} * item;
	size_t count, room;
};

AUTO_DEFINE(sqlite3 *, sqlite3_close)

int sql_errno(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_CANTOPEN:
		return -EACCES;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_TOOBIG:
		return -EFBIG;
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
	case SQLITE_MISMATCH:
		return -EINVAL;
	default:
		return -EIO;
	}
}

int sql_error(struct sql *s, int rc)
{
	int err = sql_errno(rc);
	int said = err == -EIO || err == -EACCES ? sqlite3_system_errno(s->db) : 0;

	return said == ENOSPC || said == EDQUOT || said == EROFS ? -said : err;
}

static sqlite3_stmt *find_kept(struct sql *s, const char *text)
{
	struct sql_kept *k = s->kept;

	for (size_t i = 0; k && i < k->count; i++)
		if (k->item[i].text == text && !sqlite3_stmt_busy(k->item[i].stmt) &&
			!strcmp(sqlite3_sql(k->item[i].stmt), text))
			return k->item[i].stmt;
	return NULL;
}

static int keep(struct sql *s, const char *text, sqlite3_stmt *stmt)
{
	struct sql_kept *k = s->kept;

	if (!k)
		k = s->kept = calloc(1, sizeof(*k));
	if (k && k->count == k->room) {
		size_t room = k->room ? k->room * 2 : 32;
		void *item = reallocarray(k->item, room, sizeof(*k->item));

		if (!item)
			return -ENOMEM;
		k->item = item;
		k->room = room;
	}
	if (!k)
		return -ENOMEM;
	k->item[k->count].text = text;
	k->item[k->count++].stmt = stmt;
	return 0;
}

static void forget_kept(struct sql *s)
{
	for (size_t i = 0; s->kept && i < s->kept->count; i++)
		sqlite3_finalize(s->kept->item[i].stmt);
	if (s->kept)
		free(s->kept->item);
	free(s->kept);
	s->kept = NULL;
}

static int compiled(struct sql *s, sqlite3_stmt **out, const char *text)
{
	int rc;

	*out = find_kept(s, text);
	if (*out)
		return 0;
	rc = sqlite3_prepare_v3(s->db, text, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
	if (rc)
		return sql_error(s, rc);
	rc = keep(s, text, *out);
	if (rc)
		sqlite3_finalize(*out);
	return rc;
}

void sql_done(sqlite3_stmt *stmt)
{
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
}

int sql_prepare(struct sql *s, sqlite3_stmt **out, const char *text, const struct value *values)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = compiled(s, &stmt, text);

	if (rc) {
		stmt = NULL;
		return rc;
	}
	for (int i = 1; !rc && values && values->type != VALUE_END; i++, values++) {
		if (values->type == VALUE_NUMBER) {
			rc = sqlite3_bind_int64(stmt, i, values->number);
		} else if (values->type == VALUE_TEXT) {
			rc = sqlite3_bind_text(
				stmt, i, values->octets, values->count, SQLITE_STATIC);
		} else {
			int count = values->count < 0 ? (int)strlen(values->octets) : values->count;

			rc = sqlite3_bind_blob(stmt, i, values->octets, count, SQLITE_STATIC);
		}
	}
	if (rc)
		return sql_error(s, rc);
	*out = STEAL(stmt);
	return 0;
}

int sql_step(struct sql *s, sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);

	return rc == SQLITE_ROW ? 1 : sql_error(s, rc);
}

int sql_run(struct sql *s, const char *text, const struct value *values)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(s, &stmt, text, values);

	if (rc)
		return rc;
	do
		rc = sql_step(s, stmt);
	while (rc > 0);
	return rc;
}

int sql_change(struct sql *s, const char *text, const struct value *values)
{
	int rc = sql_run(s, text, values);

	return rc ? rc : sqlite3_changes(s->db) == 0;
}

int sql_number(struct sql *s, const char *text, const struct value *values, int64_t *out)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(s, &stmt, text, values);

	if (!rc)
		rc = sql_step(s, stmt);
	if (rc > 0)
		*out = sqlite3_column_int64(stmt, 0);
	return rc;
}

int sql_exec(struct sql *s, const char *text)
{
	return sql_error(s, sqlite3_exec(s->db, text, NULL, NULL, NULL));
}

void sql_text(sqlite3_stmt *stmt, int column, char *out, size_t size)
{
	const void *octets = sqlite3_column_blob(stmt, column);
	size_t count = (size_t)sqlite3_column_bytes(stmt, column);

	if (count >= size)
		count = size - 1;
	if (octets)
		memcpy(out, octets, count);
	out[octets ? count : 0] = '\0';
}

void sql_octets(sqlite3_stmt *stmt, int column, void *out, size_t size)
{
	const void *octets = sqlite3_column_blob(stmt, column);
	size_t count = (size_t)sqlite3_column_bytes(stmt, column);

	memset(out, 0, size);
	if (octets)
		memcpy(out, octets, count < size ? count : size);
}

/* ---- transactions ---- */

/* SQLite ends a transaction by itself when the disk is full or fails: what came before in the group is gone then. */
static bool group_is_lost(struct sql *s)
{
	if (s->grouped && sqlite3_get_autocommit(s->db))
		s->lost = true;
	return s->lost;
}

int sql_begin(struct sql *s)
{
	int rc;

	if (s->grouped)
		return -EINVAL;
	/* IMMEDIATE: to wait for the lock here, not to fail at some later statement. */
	rc = sql_run(s, "BEGIN IMMEDIATE", NULL);
	if (rc)
		return rc;
	s->grouped = true;
	s->lost = false;
	return 0;
}

static int truncate_wal(struct sql *s)
{
	int log = 0, done = 0;
	int rc = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, &log, &done);

	if (rc)
		return sql_error(s, rc);
	s->erased = 0;
	s->truncated_ms = mono_ms();
	return 0;
}

int sql_tidy(struct sql *s)
{
	if (s->grouped)
		return -EINVAL;
	return s->erased ? truncate_wal(s) : 0;
}

/* Several jobs that end together share one truncation: each costs two syncs more. What is committed is committed: a
 * truncation that fails (a reader in the way) is tried again, but no sooner, or each commit would wait for the reader. */
static void tidy_now_and_then(struct sql *s)
{
	int64_t now_ms = mono_ms();

	if (!s->erased ||
		(s->erased % TRUNCATE_EVERY_KEYS && now_ms - s->truncated_ms < TRUNCATE_EVERY_MS))
		return;
	if (truncate_wal(s))
		s->truncated_ms = now_ms;
}

int sql_commit(struct sql *s)
{
	int rc;

	if (!s->grouped)
		return -EINVAL;
	if (group_is_lost(s)) {
		sql_rollback(s);
		return -EIO;
	}
	rc = sql_run(s, "COMMIT", NULL);
	if (rc) {
		sql_rollback(s);
		return rc;
	}
	s->grouped = false;
	tidy_now_and_then(s);
	return 0;
}

void sql_rollback(struct sql *s)
{
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	s->grouped = false;
	s->lost = false;
}

int sql_enter(struct sql *s)
{
	if (group_is_lost(s))
		return -EIO;
	return sql_run(s, s->grouped ? "SAVEPOINT writer" : "BEGIN IMMEDIATE", NULL);
}

int sql_undo(struct sql *s, int answer)
{
	if (!sqlite3_get_autocommit(s->db)) {
		if (!s->grouped)
			sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		else if (sqlite3_exec(
				 s->db, "ROLLBACK TO writer; RELEASE writer", NULL, NULL, NULL))
			s->lost = true;
	}
	group_is_lost(s);
	return answer;
}

int sql_leave(struct sql *s, int rc)
{
	int end;

	if (rc < 0)
		return sql_undo(s, rc);
	end = sql_run(s, s->grouped ? "RELEASE writer" : "COMMIT", NULL);
	if (end)
		return sql_undo(s, end);
	if (!s->grouped)
		tidy_now_and_then(s);
	return rc;
}

/* ---- opening ---- */

/* A number in the header of the main file (sqlite.org/fileformat2.html, 1.3), big-endian. */
static uint32_t header_number(const unsigned char *header, size_t at)
{
	return (uint32_t)header[at] << 24 | (uint32_t)header[at + 1] << 16 |
	       (uint32_t)header[at + 2] << 8 | header[at + 3];
}

static int judge(
	const struct sql_schema *schema, int64_t application, int64_t version, int64_t tables)
{
	if (!application && !version && !tables)
		return 0; /* ours, killed before it had its tables */
	if (application != schema->application_id)
		return -EUCLEAN; /* some other program's */
	return version > schema->count ? SQL_E_NEWER : 0;
}

static int judge_connection(struct sql *s)
{
	int64_t application = 0, version = 0, tables = 0;
	int rc;

	sqlite3_busy_timeout(s->db, s->schema->busy_ms);
	rc = sql_number(s, "PRAGMA application_id", NULL, &application);
	if (rc >= 0)
		rc = sql_number(s, "PRAGMA user_version", NULL, &version);
	if (rc >= 0)
		rc = sql_number(s, "SELECT count(*) FROM sqlite_master", NULL, &tables);
	return rc < 0 ? rc : judge(s->schema, application, version, tables);
}

/* The numbers may be in the WAL only. Read-only, and no checkpoint when closing: the file is not written to. */
static int judge_with_wal(const char *path, const struct sql_schema *schema)
{
	AUTO(sqlite3_closep) sqlite3 *db = NULL;
	struct sql reader = {.schema = schema};
	int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);

	if (!rc)
		rc = sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (rc)
		return sql_errno(rc);
	reader.db = db;
	rc = judge_connection(&reader);
	forget_kept(&reader);
	return rc;
}

/* Is the file at @path one that we may open for writing? An empty or absent one is. */
static int judge_file(const char *path, const struct sql_schema *schema)
{
	AUTO(auto_close) int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	unsigned char header[100];
	ssize_t n;
	int rc;

	if (fd < 0)
		return -errno;
	n = pread(fd, header, sizeof(header), 0);
	if (n <= 0)
		return n < 0 ? -errno : 0;
	if (n < (ssize_t)sizeof(header) || memcmp(header, "SQLite format 3", 16) != 0)
		return -EUCLEAN;
	/* Told by the file alone, a newer store does not even get a -shm beside it. */
	if (judge(schema, header_number(header, 68), header_number(header, 60), 1) == SQL_E_NEWER)
		return SQL_E_NEWER;
	rc = judge_with_wal(path, schema);
	/* Killed when it was made, before it had a WAL: its journal is rolled back by opening it, and it is judged then. */
	return rc == -EROFS && !header_number(header, 68) && !header_number(header, 60) ? 0 : rc;
}

static int prepare_connection(struct sql *s)
{
	int rc;

	sqlite3_extended_result_codes(s->db, 1);
	rc = sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (rc)
		return sql_error(s, rc);
	return sql_exec(s,
		"PRAGMA trusted_schema = OFF;"
		"PRAGMA secure_delete = ON;"
		"PRAGMA journal_mode = WAL;" /* refused only where mmap is; still safe, slower */
		"PRAGMA synchronous = FULL;"
		"PRAGMA foreign_keys = ON;"
		"PRAGMA temp_store = MEMORY;"
		"PRAGMA cell_size_check = ON");
}

static int connect_to(struct sql *s, const char *path)
{
	int rc;

	s->path = strdup(path);
	if (!s->path)
		return -ENOMEM;
	rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc)
		return sql_errno(rc);
	rc = judge_connection(s);
	return rc ? rc : prepare_connection(s);
}

int sql_open(struct sql *s, const char *path, const struct sql_schema *schema)
{
	int rc;

	*s = (struct sql){.schema = schema};
	if (sodium_init() < 0)
		return -EIO;
	rc = judge_file(path, schema);
	if (!rc)
		rc = connect_to(s, path);
	if (!rc)
		rc = sql_migrate(s, schema->step, schema->count);
	if (!rc)
		rc = truncate_wal(s); /* secrets that were erased just before a crash */
	if (rc)
		return rc;
	sql_backup_prune(s);
	return 0;
}

int sql_join(struct sql *s, const char *path, const struct sql_schema *schema)
{
	*s = (struct sql){.schema = schema};
	return connect_to(s, path);
}

void sql_close(struct sql *s)
{
	if (s->db) {
		sql_rollback(s);
		if (s->erased)
			truncate_wal(s);
		forget_kept(s);
		sqlite3_close(s->db);
	}
	free(s->path);
	*s = (struct sql){0};
}
