/* SPDX-License-Identifier: Apache-2.0 */
/* fault-store - the n-th write, sync or truncation fails, n = 1, 2, … until none does; once, or from then on.
 *
 * A VFS between SQLite and the system's. After each run the store is opened again without faults: what was promised is
 * there, what was refused is there wholly or not at all, and the ledger fits. */
#include <string.h>

#include "core/store.h"

#include "tap.h"
#include "test-store-fixture.h"

enum fault { FAULT_FULL, FAULT_WRITE, FAULT_SYNC, FAULT_KINDS };
static const struct {
	const char *name;
	bool on_write, on_sync;
	int rc;
} faults[FAULT_KINDS] = {
	[FAULT_FULL] = {"disk full", true, false, SQLITE_FULL},
	[FAULT_WRITE] = {"write error", true, false, SQLITE_IOERR_WRITE},
	[FAULT_SYNC] = {"fsync error", false, true, SQLITE_IOERR_FSYNC},
};

static struct {
	enum fault kind;
	int in; /* operations until it comes; 0: never */
	bool stays, came;
} armed;

static bool fails(bool write)
{
	if (!(write ? faults[armed.kind].on_write : faults[armed.kind].on_sync) || !armed.in)
		return false;
	if (armed.in > 1) {
		armed.in--;
		return false;
	}
	armed.came = true;
	if (!armed.stays)
		armed.in = 0;
	return true;
}

/* ---- the VFS: each file is ours, with the system's right behind it ---- */

struct file {
	sqlite3_file base;
	sqlite3_file real[];
};

static sqlite3_vfs *system_vfs;

static sqlite3_file *real(sqlite3_file *f)
{
	return ((struct file *)f)->real;
}

static int do_close(sqlite3_file *f)
{
	return real(f)->pMethods->xClose(real(f));
}

static int do_read(sqlite3_file *f, void *to, int count, sqlite3_int64 at)
{
	return real(f)->pMethods->xRead(real(f), to, count, at);
}

static int do_write(sqlite3_file *f, const void *from, int count, sqlite3_int64 at)
{
	if (fails(true)) {
		real(f)->pMethods->xWrite(real(f), from, count / 2, at); /* torn */
		return faults[armed.kind].rc;
	}
	return real(f)->pMethods->xWrite(real(f), from, count, at);
}

static int do_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return fails(true) ? SQLITE_IOERR_TRUNCATE : real(f)->pMethods->xTruncate(real(f), size);
}

static int do_sync(sqlite3_file *f, int flags)
{
	return fails(false) ? faults[armed.kind].rc : real(f)->pMethods->xSync(real(f), flags);
}

static int do_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return real(f)->pMethods->xFileSize(real(f), size);
}

static int do_lock(sqlite3_file *f, int level)
{
	return real(f)->pMethods->xLock(real(f), level);
}

static int do_unlock(sqlite3_file *f, int level)
{
	return real(f)->pMethods->xUnlock(real(f), level);
}

static int do_check_lock(sqlite3_file *f, int *out)
{
	return real(f)->pMethods->xCheckReservedLock(real(f), out);
}

static int do_control(sqlite3_file *f, int op, void *arg)
{
	return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int do_sector(sqlite3_file *f)
{
	return real(f)->pMethods->xSectorSize(real(f));
}

static int do_traits(sqlite3_file *f)
{
	return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

static int do_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
}

static int do_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
}

static void do_shm_barrier(sqlite3_file *f)
{
	real(f)->pMethods->xShmBarrier(real(f));
}

static int do_shm_unmap(sqlite3_file *f, int remove)
{
	return real(f)->pMethods->xShmUnmap(real(f), remove);
}

static const sqlite3_io_methods methods = {2, do_close, do_read, do_write, do_truncate, do_sync,
	do_size, do_lock, do_unlock, do_check_lock, do_control, do_sector, do_traits, do_shm_map,
	do_shm_lock, do_shm_barrier, do_shm_unmap, NULL, NULL};

static int do_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	int rc = system_vfs->xOpen(system_vfs, name, real(f), flags, out);

	(void)vfs;
	f->pMethods = real(f)->pMethods ? &methods : NULL;
	return rc;
}

static void vfs_register(void)
{
	static sqlite3_vfs vfs;

	system_vfs = sqlite3_vfs_find(NULL);
	vfs = *system_vfs;
	vfs.zName = "fault";
	vfs.pNext = NULL;
	vfs.szOsFile += (int)sizeof(struct file);
	vfs.xOpen = do_open;
	CHECK(sqlite3_vfs_register(&vfs, 1) == 0);
}

/* ---- the work, and what was promised of it ---- */

enum { SINGLE = 4, GROUPED = 3 };

static struct {
	bool single[SINGLE], grouped, finished[SINGLE];
} promised;

static struct store_job numbered(const char *kind, int i)
{
	char uuid[32];
	struct store_job j;

	snprintf(uuid, sizeof(uuid), "%s-%d", kind, i);
	j = job_like(uuid);
	j.cups_job_id = *kind * 100 + i;
	memset(j.title, 'T', 900); /* some pages */
	return j;
}

/* What was refused must not be seen by the connection that was refused it. */
static void check_refused(struct store *s, const char *uuid)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;

	if (sql_prepare(&s->sql, &stmt, "SELECT 1 FROM job WHERE document_uuid = ?1",
		    VALUES(V_TEXT(uuid))) == 0)
		CHECK(sql_step(&s->sql, stmt) != 1);
}

static void work(void)
{
	AUTO(store_freep) struct store *s = NULL;
	struct store_job j;
	bool all = true;

	memset(&promised, 0, sizeof(promised));
	if (store_open(path, &s) != 0)
		return;
	for (int i = 0; i < SINGLE; i++) {
		j = numbered("single", i);
		promised.single[i] = store_job_add(s, &j, &key, 1900) == 0;
		if (!promised.single[i])
			check_refused(s, j.document_uuid);
		promised.finished[i] = promised.single[i] && i % 2 && job_finish(s, &j) == 0;
	}
	store_tidy(s);
	if (store_begin(s) != 0)
		return;
	for (int i = 0; i < GROUPED; i++) {
		j = numbered("grouped", i);
		all = store_job_add(s, &j, &key, 1900) == 0 && all;
	}
	promised.grouped = store_commit(s) == 0 && all;
}

static bool has(struct store *s, const char *uuid, const char *state)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;

	CHECK(sql_prepare(&s->sql, &stmt,
		      "SELECT 1 FROM job WHERE document_uuid = ?1 AND (?2 = '' OR state = ?2)",
		      VALUES(V_TEXT(uuid), V_TEXT(state))) == 0);
	return sql_step(&s->sql, stmt) == 1;
}

static void check_promises(void)
{
	AUTO(store_freep) struct store *s = store_again();
	int64_t bad = 0, completed =
				 number_of(s, "SELECT count(*) FROM job WHERE state = 'completed'");
	int grouped = 0;

	for (int i = 0; i < SINGLE; i++) {
		struct store_job j = numbered("single", i);

		CHECK(!promised.single[i] || has(s, j.document_uuid, ""));
		CHECK(!promised.finished[i] || has(s, j.document_uuid, "completed"));
	}
	for (int i = 0; i < GROUPED; i++)
		grouped += has(s, numbered("grouped", i).document_uuid, "");
	CHECK(!promised.grouped || grouped == GROUPED);
	CHECK(store_ledger_verify(s, &bad) == 0);
	CHECK(number_of(s, "SELECT count(*) FROM ledger") == completed);
	CHECK(number_of(s, "SELECT count(*) FROM document_key") ==
		number_of(s, "SELECT count(*) FROM job") - completed);
	CHECK(number_of(s,
		      "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'") ==
		0);
}

static void run_until_no_fault_comes(enum fault kind, bool stays)
{
	int n = 0;

	do {
		folder_remove();
		CHECK(mkdir(folder, 0700) == 0);
		armed.kind = kind;
		armed.stays = stays;
		armed.in = ++n;
		armed.came = false;
		work();
		armed.in = 0;
		check_promises();
		if (tap_bad) {
			printf("# %s, operation %d, %s\n", faults[kind].name, n,
				stays ? "for good" : "once");
			return;
		}
	} while (armed.came && n < 2000);
	printf("# %s, %s: %d operations\n", faults[kind].name, stays ? "for good" : "once", n - 1);
	CHECK(n > 5 && promised.grouped && promised.finished[SINGLE - 1]);
}

static void a_disk_that_is_full_once_loses_nothing(void)
{
	run_until_no_fault_comes(FAULT_FULL, false);
}

static void a_disk_that_stays_full_loses_nothing(void)
{
	run_until_no_fault_comes(FAULT_FULL, true);
}

static void a_write_that_fails_loses_nothing(void)
{
	run_until_no_fault_comes(FAULT_WRITE, false);
}

static void a_disk_that_writes_no_more_loses_nothing(void)
{
	run_until_no_fault_comes(FAULT_WRITE, true);
}

static void a_sync_that_fails_promises_nothing(void)
{
	run_until_no_fault_comes(FAULT_SYNC, false);
}

static void a_disk_that_syncs_no_more_promises_nothing(void)
{
	run_until_no_fault_comes(FAULT_SYNC, true);
}

int main(void)
{
	folder_init("fault-store");
	vfs_register();
	RUN(a_disk_that_is_full_once_loses_nothing);
	RUN(a_disk_that_stays_full_loses_nothing);
	RUN(a_write_that_fails_loses_nothing);
	RUN(a_disk_that_writes_no_more_loses_nothing);
	RUN(a_sync_that_fails_promises_nothing);
	RUN(a_disk_that_syncs_no_more_promises_nothing);
	folder_remove();
	return tap_done();
}
