/* SPDX-License-Identifier: Apache-2.0 */
/* sql-schema - the way from one version of a file's tables to the next. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mono.h"
#include "core/sql.h"

enum { BACKUP_KEPT_S = 7 * 86400 };

static int get_version(struct sql *s, int *out)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(s, &stmt, "PRAGMA user_version", NULL);

	if (!rc)
		rc = sql_step(s, stmt);
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
static int back_up(struct sql *s, int version)
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
	rc = sql_run(s, "VACUUM INTO ?1", VALUES(V_TEXT(path)));
	if (!rc)
		rc = sync_path(path, 0);
	if (!rc)
		rc = sync_folder_of(path);
	if (rc)
		unlink(path);
	return rc;
}

int sql_migrate(struct sql *s, const char *const *steps, int count)
{
	char pragmas[128];
	int version = 0, rc = get_version(s, &version);

	if (rc || version == count)
		return rc;
	if (version > count)
		return SQL_E_NEWER;
	if (version > 0)
		rc = back_up(s, version);
	if (rc)
		return rc;
	rc = sql_enter(s);
	if (rc)
		return rc;
	for (int v = version; v < count && !rc; v++)
		rc = sql_exec(s, steps[v]);
	snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		s->schema->application_id, count);
	if (!rc && version == 0 && s->schema->first)
		rc = s->schema->first(s);
	if (!rc)
		rc = sql_exec(s, pragmas);
	rc = sql_leave(s, rc);
	if (!rc && version == 0)
		rc = sync_folder_of(s->path);
	return rc;
}

void sql_backup_prune(struct sql *s)
{
	int64_t now_s = mono_utc_s();

	for (int v = 1; v < s->schema->count + 1; v++) {
		char path[4096];
		struct stat st;
		int n = snprintf(path, sizeof(path), "%s.v%d.bak", s->path, v);

		if (n > 0 && (size_t)n < sizeof(path) && lstat(path, &st) == 0 &&
			st.st_mtime + BACKUP_KEPT_S < now_s)
			unlink(path);
	}
}
