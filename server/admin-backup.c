/* SPDX-License-Identifier: Apache-2.0 */
/* admin-backup - `backup FILE` and `restore FILE`: database and keys in one SQLite file of ours.
 *
 * The keys are rows of a table of their own in the copy. What is revoked after a backup stays so: that list is a file
 * beside the database, which no restore touches. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "admin.h"
#include "base/mono.h"
#include "base/paths.h"
#include "files.h"
#include "machines.h"

enum { KEY_FILE_MAX = 65536 };

static const char *const key_files[] = {
	"ca.pem", "ca-next.pem", "ca-old.pem", "policy.key", "login.key", "pepper"};

/* ---- copying ---- */

static int copy_fd(int from, int to)
{
	char buffer[65536];
	ssize_t n;

	while ((n = read(from, buffer, sizeof(buffer))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		for (ssize_t done = 0, put; done < n; done += put) {
			put = write(to, buffer + done, (size_t)(n - done));
			if (put < 0)
				return -errno;
		}
	}
	return fsync(to) < 0 ? -errno : 0;
}

static void remove_copy(const char *path)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
	char name[SERVER_PATH_MAX + 64];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		unlink(name);
	}
}

/* ---- backup ---- */

static int add_keys(struct admin *a, const char *path)
{
	struct sql copy = {0};
	int rc = sql_open(&copy, path, &db_schema);

	if (!rc)
		rc = sql_exec(&copy,
			"CREATE TABLE backup_file (name TEXT PRIMARY KEY NOT NULL, octets BLOB NOT NULL)");
	for (size_t i = 0; i < sizeof(key_files) / sizeof(key_files[0]) && !rc; i++) {
		char *octets = NULL;
		size_t count = 0;

		rc = files_read(a->config->state, key_files[i], KEY_FILE_MAX, &octets, &count);
		if (!rc)
			rc = sql_run(&copy,
				"INSERT INTO backup_file (name, octets) VALUES (?1, ?2)",
				VALUES(V_TEXT(key_files[i]), V_BLOB(octets, count)));
		if (octets)
			explicit_bzero(octets, count);
		free(octets);
		if (rc == -ENOENT)
			rc = 0; /* made at first use */
	}
	sql_close(&copy);
	return rc;
}

static int copy_out(const char *path, int to)
{
	AUTO(auto_close) int from = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return from < 0 ? -errno : copy_fd(from, to);
}

/* One at a time: the copy has one name, so that the next backup removes what a crash left. */
static int take_turn(struct admin *a)
{
	char path[SERVER_PATH_MAX + 32];
	AUTO(auto_close) int fd = -1;
	int rc = paths_join(path, sizeof(path), a->config->state, "backup.lock");

	if (rc)
		return rc;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return -errno;
	return STEAL_FD(fd);
}

static int back_up(struct admin *a, int to)
{
	char path[SERVER_PATH_MAX + 32], now[32];
	AUTO(auto_close) int turn = take_turn(a);
	int rc = turn < 0 ? turn : paths_join(path, sizeof(path), a->config->state, "backup.new");

	if (rc)
		return rc;
	remove_copy(path);
	rc = sql_run(&a->app.sql, "VACUUM INTO ?1", VALUES(V_TEXT(path)));
	if (!rc)
		rc = add_keys(a, path);
	if (!rc)
		rc = copy_out(path, to);
	remove_copy(path);
	if (rc)
		return rc;
	rc = admin_begin(a);
	if (rc)
		return rc;
	snprintf(now, sizeof(now), "%lld", (long long)mono_utc_s());
	rc = db_setting_put(&a->app.sql, "backup-at", now);
	if (!rc)
		rc = admin_audit(a, "backup", "");
	return admin_end(a, rc);
}

int admin_backup(struct admin *a, int argc, char **argv)
{
	const char *operands[ADMIN_OPERANDS_MAX];
	AUTO(auto_close) int to = -1;
	struct json_object *answer;
	int status = 0, n = admin_parse(a, argc, argv, NULL, operands, &status), rc;

	if (n != 1)
		return n < 0 ? status : admin_fail(a, ADMIN_USAGE, "backup takes a file's name");
	rc = admin_config(a);
	if (rc)
		return rc;
	/* Opened as who calls, before we become the owner of the state folder. */
	to = open(operands[0], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0 && errno == EEXIST)
		return admin_fail(
			a, ADMIN_FAILED, "%s is there already; name a new file", operands[0]);
	if (to < 0)
		return admin_errno(a, operands[0], -errno);
	rc = admin_open(a);
	if (!rc) {
		rc = back_up(a, to);
		if (rc)
			rc = admin_errno(a, "backup", rc);
	}
	if (rc) {
		if (unlink(operands[0]) < 0 && ftruncate(to, 0) < 0)
			admin_fail(a, ADMIN_FAILED, "%s is not whole: remove it", operands[0]);
		return rc;
	}
	admin_say(
		a, "Saved to %s. It holds the CA's key: keep it safe.\n", admin_safe(operands[0]));
	answer = json_object_new_object();
	admin_set(answer, "file", operands[0]);
	admin_answer(a, answer);
	return ADMIN_DONE;
}

/* ---- restore ---- */

static int copy_in(int from, const char *path)
{
	AUTO(auto_close)
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	return to < 0 ? -errno : copy_fd(from, to);
}

/* One key of the copy into place. 1: another one is there already. */
static int put_key(struct admin *a, struct sql *copy, const char *name)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	AUTO(auto_free) char *there = NULL;
	size_t count = 0, n;
	int rc = sql_prepare(copy, &stmt, "SELECT octets FROM backup_file WHERE name = ?1",
		VALUES(V_TEXT(name)));

	if (!rc)
		rc = sql_step(copy, stmt);
	if (rc <= 0)
		return rc;
	n = (size_t)sqlite3_column_bytes(stmt, 0);
	rc = files_read(a->config->state, name, KEY_FILE_MAX, &there, &count);
	if (!rc) {
		bool same = n == count && !memcmp(there, sqlite3_column_blob(stmt, 0), n);

		explicit_bzero(there, count);
		return !same;
	}
	if (rc != -ENOENT)
		return rc;
	return files_write_new(a->config->state, name, sqlite3_column_blob(stmt, 0), n, 0600);
}

/* Octets of the header (sqlite.org/fileformat2.html, 1.3): an empty or foreign file is not to be filled with tables. */
static bool is_ours(int fd)
{
	unsigned char h[100];

	return pread(fd, h, sizeof(h), 0) == sizeof(h) && !memcmp(h, "SQLite format 3", 16) &&
	       (h[60] | h[61] | h[62] | h[63]) != 0 &&
	       ((int32_t)h[68] << 24 | h[69] << 16 | h[70] << 8 | h[71]) ==
		       db_schema.application_id;
}

static int check_copy(struct admin *a, struct sql *copy, const char *path)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	char verdict[16] = "";
	int64_t there = 0;
	int rc = sql_open(copy, path, &db_schema);

	if (!rc)
		rc = sql_prepare(copy, &stmt, "PRAGMA integrity_check(1)", NULL);
	if (!rc)
		rc = sql_step(copy, stmt) == 1 ? 0 : -EUCLEAN;
	if (!rc)
		sql_text(stmt, 0, verdict, sizeof(verdict));
	if (!rc)
		rc = strcmp(verdict, "ok") ? -EUCLEAN : 0;
	if (!rc)
		rc = sql_number(copy,
			     "SELECT count(*) FROM sqlite_master WHERE name = 'backup_file'", NULL,
			     &there) < 0 ||
				     !there
			     ? -EUCLEAN
			     : 0;
	if (rc == -EUCLEAN)
		return admin_fail(a, ADMIN_FAILED,
			"this is no whole backup of stillprint-server; nothing was changed");
	return rc ? admin_errno(a, "the backup", rc) : 0;
}

static int take_keys(struct admin *a, struct sql *copy)
{
	for (size_t i = 0; i < sizeof(key_files) / sizeof(key_files[0]); i++) {
		int rc = put_key(a, copy, key_files[i]);

		if (rc == 1)
			return admin_fail(a, ADMIN_FAILED,
				"%s/%s is another key than the backup's: this is another server's backup, or "
				"its keys were made anew. Move that file away if the backup is right",
				a->config->state, key_files[i]);
		if (rc)
			return admin_errno(a, key_files[i], rc);
	}
	return 0;
}

/* The present database goes aside, the copy takes its place. */
static int swap(struct admin *a, const char *path)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	int64_t now_s = mono_utc_s();

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char from[SERVER_PATH_MAX + 64], to[SERVER_PATH_MAX + 64];

		snprintf(from, sizeof(from), "%s/server.db%s", a->config->state, ends[i]);
		snprintf(to, sizeof(to), "%s/server.db.%lld%s", a->config->state, (long long)now_s,
			ends[i]);
		if (rename(from, to) < 0 && errno != ENOENT)
			return -errno;
	}
	{
		char to[SERVER_PATH_MAX + 64];

		snprintf(to, sizeof(to), "%s/server.db", a->config->state);
		if (rename(path, to) < 0)
			return -errno;
	}
	return files_sync_folder(a->config->state);
}

/* The incarnation was raised by db_open() if it could see that the database is old; else here. */
static int make_known(struct admin *a, int64_t incarnation)
{
	int rc = admin_open(a);

	if (rc)
		return rc;
	rc = a->app.incarnation == incarnation ? db_restored(&a->app, a->who) : 0;
	if (!rc)
		rc = machines_apply_revoked(&a->app.sql, a->config->state);
	return rc ? admin_errno(a, "after the restore", rc) : 0;
}

static int restore(struct admin *a, int from)
{
	struct sql copy = {0};
	char path[SERVER_PATH_MAX + 32];
	int64_t incarnation = 0;
	int rc = paths_join(path, sizeof(path), a->config->state, "restore.new");

	remove_copy(path);
	if (!rc)
		rc = copy_in(from, path);
	if (rc) {
		remove_copy(path); /* half a copy on a full disk keeps it full */
		return admin_errno(a, "reading the backup", rc);
	}
	rc = check_copy(a, &copy, path);
	if (!rc)
		rc = take_keys(a, &copy);
	if (!rc) {
		if (sql_exec(&copy, "DROP TABLE backup_file") ||
			sql_number(&copy,
				"SELECT CAST(value AS INTEGER) FROM setting WHERE name = 'incarnation'",
				NULL, &incarnation) != 1)
			rc = admin_fail(a, ADMIN_FAILED, "the backup cannot be prepared");
	}
	sql_close(&copy);
	if (!rc) {
		rc = swap(a, path);
		if (rc)
			rc = admin_errno(a, "putting the database in place", rc);
	}
	remove_copy(path);
	return rc ? rc : make_known(a, incarnation);
}

int admin_restore(struct admin *a, int argc, char **argv)
{
	const char *operands[ADMIN_OPERANDS_MAX];
	AUTO(auto_close) int from = -1;
	AUTO(auto_close) int lock = -1;
	struct json_object *answer;
	int status = 0, n = admin_parse(a, argc, argv, NULL, operands, &status), rc;

	if (n != 1)
		return n < 0 ? status : admin_fail(a, ADMIN_USAGE, "restore takes a file's name");
	rc = admin_config(a);
	if (rc)
		return rc;
	from = open(operands[0], O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return admin_errno(a, operands[0], -errno);
	umask(077);
	if (!is_ours(from))
		return admin_fail(a, ADMIN_FAILED,
			"this is no whole backup of stillprint-server; nothing was changed");
	rc = admin_become_owner(a);
	if (rc)
		return rc;
	lock = admin_lock(a->config->state);
	if (lock == -EWOULDBLOCK)
		return admin_fail(a, ADMIN_FAILED,
			"the server is running: stop it first (systemctl stop stillprint-server)");
	if (lock < 0)
		return admin_errno(a, "the lock", lock);
	rc = restore(a, from);
	if (rc)
		return rc;
	admin_say(a,
		"Restored; the incarnation is %d now. The database that was there is kept as server.db.TIME.\n"
		"Start the server; the machines tell it what it does not know.\n",
		(int)a->app.incarnation);
	answer = json_object_new_object();
	admin_set(answer, "file", operands[0]);
	admin_set_number(answer, "incarnation", a->app.incarnation);
	admin_answer(a, answer);
	return ADMIN_DONE;
}
