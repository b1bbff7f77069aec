/* SPDX-License-Identifier: Apache-2.0 */
/* store-schema - the tables, and the way from one version of them to the next. docs/store.md explains them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mono.h"
#include "core/store-private.h"

enum { BACKUP_KEPT_S = 7 * 86400 };

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

const char *const store_schema[STORE_SCHEMA] = {version_1};

static int get_version(struct store *s, int *out)
{
	AUTO(sqlite3_finalizep) sqlite3_stmt *stmt = NULL;
	int rc = store_prepare(s, &stmt, "PRAGMA user_version", NULL);

	if (!rc)
		rc = store_step(s, stmt);
	if (rc < 0)
		return rc;
	*out = sqlite3_column_int(stmt, 0);
	return 0;
}

static int sync_path(const char *path, int flags)
{
	AUTO(auto_close) int fd = open(path, O_RDONLY | O_CLOEXEC | flags);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int sync_folder_of(const char *path)
{
	AUTO(auto_free) char *folder = strdup(path);
	char *slash = folder ? strrchr(folder, '/') : NULL;

	if (!folder)
		return -ENOMEM;
	if (!slash)
		return sync_path(".", O_DIRECTORY);
	slash[slash == folder] = '\0';
	return sync_path(folder, O_DIRECTORY);
}

/* "store.db.v1.bak": the whole store as it was, WAL and all, safe on disk before anything is changed. */
static int back_up(struct store *s, int version)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s.v%d.bak", s->path, version);
	int fd, rc;

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	/* One that is there already is from a migration that was cut off: VACUUM INTO wants an empty file. */
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	rc = store_run(s, "VACUUM INTO ?1", VALUES(V_TEXT(path)));
	if (!rc)
		rc = sync_path(path, 0);
	if (!rc)
		rc = sync_folder_of(path);
	if (rc)
		unlink(path);
	return rc;
}

int store_migrate(struct store *s, const char *const *steps, int count)
{
	char pragmas[128];
	int version = 0, rc = get_version(s, &version);

	if (rc || version == count)
		return rc;
	if (version > count)
		return STORE_E_NEWER;
	if (version > 0)
		rc = back_up(s, version);
	if (rc)
		return rc;
	rc = store_enter(s);
	if (rc)
		return rc;
	for (int v = version; v < count && !rc; v++)
		rc = store_exec(s, steps[v]);
	snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		STORE_APPLICATION_ID, count);
	if (!rc && version == 0)
		rc = store_ledger_init(s);
	if (!rc)
		rc = store_exec(s, pragmas);
	rc = store_leave(s, rc);
	if (!rc && version == 0)
		rc = sync_folder_of(s->path);
	return rc;
}

void store_backup_prune(struct store *s)
{
	int64_t now_s = mono_utc_s();

	for (int v = 1; v < STORE_SCHEMA + 1; v++) {
		char path[4096];
		struct stat st;
		int n = snprintf(path, sizeof(path), "%s.v%d.bak", s->path, v);

		if (n > 0 && (size_t)n < sizeof(path) && lstat(path, &st) == 0 &&
			st.st_mtime + BACKUP_KEPT_S < now_s)
			unlink(path);
	}
}
