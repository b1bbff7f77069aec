/* SPDX-License-Identifier: Apache-2.0 */
/* store - see store.h. Here: opening, transactions and the small helpers; the tables are in store-*.c. */
#include "core/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mono.h"
#include "core/store-private.h"

enum {
	BUSY_MS = 250, /* nobody but a curious administrator shares the store with us */
	TRUNCATE_EVERY_MS = 1000,
	TRUNCATE_EVERY_KEYS = 64,
};

AUTO_DEFINE(sqlite3 *, sqlite3_close)

int store_errno(int rc)
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

int store_error(struct store *s, int rc)
{
	int err = store_errno(rc);
	int said = err == -EIO || err == -EACCES ? sqlite3_system_errno(s->db) : 0;

	return said == ENOSPC || said == EDQUOT || said == EROFS ? -said : err;
}

int store_prepare(struct store *s, sqlite3_stmt **out, const char *sql, const struct value *values)
{
	AUTO(sqlite3_finalizep) sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);

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
		return store_error(s, rc);
	*out = STEAL(stmt);
	return 0;
}

int store_step(struct store *s, sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);

	return rc == SQLITE_ROW ? 1 : store_error(s, rc);
}

int store_run(struct store *s, const char *sql, const struct value *values)
{
	AUTO(sqlite3_finalizep) sqlite3_stmt *stmt = NULL;
	int rc = store_prepare(s, &stmt, sql, values);

	if (rc)
		return rc;
	do
		rc = store_step(s, stmt);
	while (rc > 0);
	return rc;
}

int store_exec(struct store *s, const char *sql)
{
	return store_error(s, sqlite3_exec(s->db, sql, NULL, NULL, NULL));
}

void store_text(sqlite3_stmt *stmt, int column, char *out, size_t size)
{
	const void *octets = sqlite3_column_blob(stmt, column);
	size_t count = (size_t)sqlite3_column_bytes(stmt, column);

	if (count >= size)
		count = size - 1;
	if (octets)
		memcpy(out, octets, count);
	out[octets ? count : 0] = '\0';
}

void store_octets(sqlite3_stmt *stmt, int column, void *out, size_t size)
{
	const void *octets = sqlite3_column_blob(stmt, column);
	size_t count = (size_t)sqlite3_column_bytes(stmt, column);

	memset(out, 0, size);
	if (octets)
		memcpy(out, octets, count < size ? count : size);
}

void store_uuid(char out[64])
{
	unsigned char b[16];

	randombytes_buf(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(out, 64,
		"urn:uuid:%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		b[13], b[14], b[15]);
}

/* ---- transactions ---- */

/* SQLite ends a transaction by itself when the disk is full or fails: what came before in the group is gone then. */
static bool group_is_lost(struct store *s)
{
	if (s->grouped && sqlite3_get_autocommit(s->db))
		s->lost = true;
	return s->lost;
}

int store_begin(struct store *s)
{
	int rc;

	if (s->grouped)
		return -EINVAL;
	/* IMMEDIATE: to wait for the lock here, not to fail at some later statement. */
	rc = store_exec(s, "BEGIN IMMEDIATE");
	if (rc)
		return rc;
	s->grouped = true;
	s->lost = false;
	return 0;
}

static int truncate_wal(struct store *s)
{
	int log = 0, done = 0;
	int rc = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, &log, &done);

	if (rc)
		return store_error(s, rc);
	s->erased = 0;
	s->truncated_ms = mono_ms();
	return 0;
}

int store_tidy(struct store *s)
{
	if (s->grouped)
		return -EINVAL;
	return s->erased ? truncate_wal(s) : 0;
}

/* Several jobs that end together share one truncation: each costs two syncs more. What is committed is committed: a
 * truncation that fails (a reader in the way) is tried again, but no sooner, or each commit would wait for the reader. */
static void tidy_now_and_then(struct store *s)
{
	int64_t now_ms = mono_ms();

	if (!s->erased ||
		(s->erased % TRUNCATE_EVERY_KEYS && now_ms - s->truncated_ms < TRUNCATE_EVERY_MS))
		return;
	if (truncate_wal(s))
		s->truncated_ms = now_ms;
}

int store_commit(struct store *s)
{
	int rc;

	if (!s->grouped)
		return -EINVAL;
	if (group_is_lost(s)) {
		store_rollback(s);
		return -EIO;
	}
	rc = store_exec(s, "COMMIT");
	if (rc) {
		store_rollback(s);
		return rc;
	}
	s->grouped = false;
	tidy_now_and_then(s);
	return 0;
}

void store_rollback(struct store *s)
{
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	s->grouped = false;
	s->lost = false;
}

int store_enter(struct store *s)
{
	if (group_is_lost(s))
		return -EIO;
	return store_exec(s, s->grouped ? "SAVEPOINT writer" : "BEGIN IMMEDIATE");
}

int store_undo(struct store *s, int answer)
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

int store_leave(struct store *s, int rc)
{
	int end;

	if (rc < 0)
		return store_undo(s, rc);
	end = store_exec(s, s->grouped ? "RELEASE writer" : "COMMIT");
	if (end)
		return store_undo(s, end);
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

static int judge(int64_t application, int64_t version, int64_t tables)
{
	if (!application && !version && !tables)
		return 0; /* ours, killed before it had its tables */
	if (application != STORE_APPLICATION_ID)
		return -EUCLEAN; /* some other program's */
	return version > STORE_SCHEMA ? STORE_E_NEWER : 0;
}

static int read_number(struct store *s, const char *sql, int64_t *out)
{
	AUTO(sqlite3_finalizep) sqlite3_stmt *stmt = NULL;
	int rc = store_prepare(s, &stmt, sql, NULL);

	if (!rc)
		rc = store_step(s, stmt);
	if (rc < 0)
		return rc;
	*out = sqlite3_column_int64(stmt, 0);
	return 0;
}

static int judge_connection(struct store *s)
{
	int64_t application = 0, version = 0, tables = 0;
	int rc;

	sqlite3_busy_timeout(s->db, BUSY_MS);
	rc = read_number(s, "PRAGMA application_id", &application);
	if (!rc)
		rc = read_number(s, "PRAGMA user_version", &version);
	if (!rc)
		rc = read_number(s, "SELECT count(*) FROM sqlite_master", &tables);
	return rc ? rc : judge(application, version, tables);
}

/* The numbers may be in the WAL only. Read-only, and no checkpoint when closing: the store is not written to. */
static int judge_with_wal(const char *path)
{
	AUTO(sqlite3_closep) sqlite3 *db = NULL;
	int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);

	if (!rc)
		rc = sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	return rc ? store_errno(rc) : judge_connection(&(struct store){.db = db});
}

/* Is the file at @path one that we may open for writing? An empty or absent one is. */
static int judge_file(const char *path)
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
	if (judge(header_number(header, 68), header_number(header, 60), 1) == STORE_E_NEWER)
		return STORE_E_NEWER;
	rc = judge_with_wal(path);
	/* Killed when it was made, before it had a WAL: its journal is rolled back by opening it, and it is judged then. */
	return rc == -EROFS && !header_number(header, 68) && !header_number(header, 60) ? 0 : rc;
}

static int prepare_connection(struct store *s)
{
	int rc;

	sqlite3_extended_result_codes(s->db, 1);
	rc = sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (rc)
		return store_error(s, rc);
	return store_exec(s,
		"PRAGMA trusted_schema = OFF;"
		"PRAGMA secure_delete = ON;"
		"PRAGMA journal_mode = WAL;" /* refused only where mmap is; still safe, slower */
		"PRAGMA synchronous = FULL;"
		"PRAGMA foreign_keys = ON;"
		"PRAGMA temp_store = MEMORY;"
		"PRAGMA cell_size_check = ON");
}

int store_open(const char *path, struct store **out)
{
	AUTO(store_freep) struct store *s = NULL;
	int rc;

	if (sodium_init() < 0)
		return -EIO;
	rc = judge_file(path);
	if (rc)
		return rc;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->path = strdup(path);
	if (!s->path)
		return -ENOMEM;
	rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc)
		return store_errno(rc);
	rc = judge_connection(s);
	if (!rc)
		rc = prepare_connection(s);
	if (!rc)
		rc = store_migrate(s, store_schema, STORE_SCHEMA);
	if (!rc)
		rc = truncate_wal(s); /* keys that were erased just before a crash */
	if (rc)
		return rc;
	store_backup_prune(s);
	*out = STEAL(s);
	return 0;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	if (s->db) {
		store_rollback(s);
		if (s->erased)
			truncate_wal(s);
		sqlite3_close(s->db);
	}
	free(s->path);
	free(s);
}
