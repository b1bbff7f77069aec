/* SPDX-License-Identifier: Apache-2.0 */
/* test-store-crash - kill -9, versions, foreign files, and that an erased key is nowhere on the disk. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <utime.h>

#include "core/store.h"

#include "base/mono.h"
#include "tap.h"
#include "test-store-fixture.h"

static char *file_read(const char *name, size_t *count)
{
	FILE *f = fopen(name, "rb");
	char *octets = NULL;

	*count = 0;
	if (!f)
		return NULL;
	octets = malloc(8 << 20);
	if (octets)
		*count = fread(octets, 1, 8 << 20, f);
	fclose(f);
	return octets;
}

static bool file_has(const char *suffix, const void *needle, size_t n)
{
	char name[128];
	size_t count;
	AUTO(auto_free) char *octets = NULL;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	octets = file_read(name, &count);
	return octets && memmem(octets, count, needle, n);
}

static bool disk_has(const void *needle, size_t n)
{
	return file_has("", needle, n) || file_has("-wal", needle, n) ||
	       file_has("-shm", needle, n);
}

static void file_copy(const char *from, const char *to)
{
	size_t count;
	AUTO(auto_free) char *octets = file_read(from, &count);
	FILE *f = fopen(to, "wb");

	CHECK(f && octets && fwrite(octets, 1, count, f) == count);
	if (f)
		fclose(f);
}

static bool files_are_same(const char *a, const char *b)
{
	size_t na, nb;
	AUTO(auto_free) char *x = file_read(a, &na);
	AUTO(auto_free) char *y = file_read(b, &nb);

	return x && y && na == nb && !memcmp(x, y, na);
}

/* ---- keys ---- */

static void an_erased_key_is_nowhere_on_the_disk(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job j = job_like("d1");

	CHECK(store_job_add(s, &j, &key, 1900) == 0);
	CHECK(disk_has(key.octets, sizeof(key.octets))); /* the search finds what is there */
	s->sql.truncated_ms = mono_ms(); /* as if it had been done just now */
	CHECK(job_finish(s, &j) == 0);
	CHECK(s->sql.erased == 1);
	CHECK(store_tidy(s) == 0 && s->sql.erased == 0);
	CHECK(!disk_has(key.octets, sizeof(key.octets)));
	CHECK(!disk_has(key.octets, 12));
}

static void erased_keys_leave_the_disk_with_later_commits_too(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job j = job_like("d1");

	CHECK(store_job_add(s, &j, &key, 1900) == 0);
	s->sql.truncated_ms = mono_ms() - 5000;
	CHECK(store_begin(s) == 0);
	CHECK(job_finish(s, &j) == 0);
	CHECK(store_tidy(s) == -EINVAL);
	CHECK(store_commit(s) == 0 && s->sql.erased == 0);
	CHECK(!disk_has(key.octets, 12));
}

static void many_erased_keys_do_not_wait(void)
{
	AUTO(store_freep) struct store *s = store_fresh();

	s->sql.truncated_ms = INT64_MAX / 2;
	for (int i = 0; i < 64; i++) {
		char uuid[16];
		struct store_job j;

		snprintf(uuid, sizeof(uuid), "d%d", i);
		j = job_like(uuid);
		j.cups_job_id = i;
		CHECK(store_job_add(s, &j, &key, 1900) == 0);
		CHECK(job_give_up(s, &j, JOB_CANCELED) == 0);
	}
	CHECK(s->sql.erased == 0 && !disk_has(key.octets, 12));
}

static void a_reader_in_the_way_delays_it_only(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job j = job_like("d1");
	sqlite3 *other = NULL;

	CHECK(store_job_add(s, &j, &key, 1900) == 0);
	CHECK(sqlite3_open(path, &other) == 0);
	CHECK(sqlite3_exec(other, "BEGIN; SELECT count(*) FROM job", NULL, NULL, NULL) == 0);
	s->sql.truncated_ms = -1000000;
	CHECK(job_finish(s, &j) == 0 && s->sql.erased == 1);
	sqlite3_close(other);
	CHECK(store_tidy(s) == 0 && !disk_has(key.octets, 12));
}

static void pruned_intake_keys_leave_the_disk(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_intake_key k = {.made_s = 1}, newer = {.made_s = 2};

	memcpy(k.pair.secret_key, key.octets, 32);
	newer.pair.public_key[0] = 1;
	CHECK(store_intake_key_add(s, &k) == 0 && store_intake_key_add(s, &newer) == 0);
	CHECK(disk_has(key.octets, 12));
	CHECK(store_intake_key_prune(s, 2) == 0 && store_tidy(s) == 0);
	CHECK(!disk_has(key.octets, 12));
}

/* ---- versions ---- */

static void make_newer(const char *pragma)
{
	sqlite3 *db = NULL;

	CHECK(sqlite3_open(path, &db) == 0);
	CHECK(sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL) == 0);
	CHECK(sqlite3_exec(db, pragma, NULL, NULL, NULL) == 0);
	sqlite3_close(db);
}

static void a_newer_store_is_refused_and_not_touched(void)
{
	/* With the number in the main file, and in the WAL only, as after a crash of the newer program. */
	static const char *const ways[] = {
		"PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)",
		"PRAGMA user_version = 99"};

	for (int i = 0; i < 2; i++) {
		struct store *s = store_fresh(), *none = NULL;
		char copy[128], wal[128], wal_copy[128];

		store_free(s);
		make_newer(ways[i]);
		snprintf(copy, sizeof(copy), "%s.copy", path);
		snprintf(wal, sizeof(wal), "%s-wal", path);
		snprintf(wal_copy, sizeof(wal_copy), "%s.wal-copy", path);
		file_copy(path, copy);
		if (i == 1)
			file_copy(wal, wal_copy);
		CHECK(store_open(path, &none) == STORE_E_NEWER && !none);
		CHECK(store_open(path, &none) == STORE_E_NEWER && !none);
		CHECK(files_are_same(path, copy));
		CHECK(i == 0 || files_are_same(wal, wal_copy));
	}
}

static void a_file_of_another_program_is_refused(void)
{
	struct store *s = NULL;
	sqlite3 *db = NULL;
	FILE *f;

	folder_remove();
	CHECK(mkdir(folder, 0700) == 0);
	CHECK(sqlite3_open(path, &db) == 0);
	CHECK(sqlite3_exec(db, "CREATE TABLE x (y)", NULL, NULL, NULL) == 0);
	sqlite3_close(db);
	CHECK(store_open(path, &s) == -EUCLEAN);
	f = fopen(path, "w");
	fputs("What is this?", f);
	fclose(f);
	CHECK(store_open(path, &s) == -EUCLEAN);
	CHECK(unlink(path) == 0 && symlink("/etc/passwd", path) == 0);
	CHECK(store_open(path, &s) == -ELOOP);
	CHECK(store_open("/nonexistent/store.db", &s) == -ENOENT);
	CHECK(!s);
}

static void a_new_store_killed_before_its_tables_is_made_again(void)
{
	struct store *s;
	sqlite3 *db = NULL;

	folder_remove();
	CHECK(mkdir(folder, 0700) == 0);
	CHECK(sqlite3_open(path, &db) == 0);
	CHECK(sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) == 0);
	sqlite3_close(db);
	s = store_again();
	CHECK(number_of(s, "SELECT count(*) FROM ledger_state") == 1);
	store_free(s);
}

static void the_store_is_its_owners_alone(void)
{
	AUTO(store_freep) struct store *s = NULL;
	static const char *const suffix[] = {"", "-wal", "-shm"};
	mode_t old = umask(0);

	s = store_fresh();
	umask(old);
	for (int i = 0; i < 3; i++) {
		char name[128];
		struct stat st;

		snprintf(name, sizeof(name), "%s%s", path, suffix[i]);
		CHECK(stat(name, &st) == 0 && (st.st_mode & 0777) == 0600);
	}
	CHECK(number_of(s, "PRAGMA synchronous") == 2);
	CHECK(number_of(s, "PRAGMA secure_delete") == 1);
	CHECK(number_of(s, "PRAGMA foreign_keys") == 1);
	CHECK(number_of(s, "SELECT journal_mode = 'wal' FROM pragma_journal_mode") == 1);
	CHECK(number_of(s, "PRAGMA application_id") == store_schema.application_id);
	CHECK(number_of(s, "PRAGMA user_version") == store_schema.count);
}

/* Our steps, and two more of a Stillprint to come. */
static int more_steps(const char *steps[], const char *one, const char *two)
{
	int n = store_schema.count;

	for (int i = 0; i < n; i++)
		steps[i] = store_schema.step[i];
	steps[n] = one;
	steps[n + 1] = two;
	return n;
}

static void migration_goes_forward_with_a_backup_copy(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job j = job_like("d1");
	const char *steps[16];
	int n = more_steps(steps, "ALTER TABLE printer ADD COLUMN room TEXT NOT NULL DEFAULT ''",
		"CREATE TABLE thing (x); INSERT INTO thing SELECT id FROM job");
	char backup[128];
	struct stat st;
	sqlite3 *db = NULL;
	struct store old = {0};

	CHECK(store_job_add(s, &j, &key, 1900) == 0);
	CHECK(sql_migrate(&s->sql, steps, n + 2) == 0);
	CHECK(number_of(s, "PRAGMA user_version") == n + 2);
	CHECK(number_of(s, "SELECT x FROM thing") == 1);
	CHECK(number_of(s, "SELECT count(room) FROM printer") == 0);
	snprintf(backup, sizeof(backup), "%s.v%d.bak", path, n);
	CHECK(stat(backup, &st) == 0 && (st.st_mode & 0777) == 0600);
	CHECK(sqlite3_open_v2(backup, &db, SQLITE_OPEN_READONLY, NULL) == 0);
	old.sql.db = db;
	CHECK(number_of(&old, "PRAGMA user_version") == n);
	CHECK(number_of(&old, "PRAGMA application_id") == store_schema.application_id);
	CHECK(number_of(&old, "SELECT count(*) FROM document_key") == 1);
	sql_close(&old.sql);
	CHECK(sql_migrate(&s->sql, steps, n) == STORE_E_NEWER);
}

static void a_migration_that_fails_leaves_all_as_it_was(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	const char *steps[16];
	int n = more_steps(steps, "CREATE TABLE thing (x)", "INSERT INTO nowhere VALUES (1)");

	CHECK(sql_migrate(&s->sql, steps, n + 2) < 0);
	CHECK(number_of(s, "PRAGMA user_version") == n);
	CHECK(number_of(s, "SELECT count(*) FROM sqlite_master WHERE name = 'thing'") == 0);
	CHECK(sql_migrate(&s->sql, steps, n + 1) == 0); /* over the copy that the first try left */
	CHECK(number_of(s, "PRAGMA user_version") == n + 1);
}

static int visit(const char *file)
{
	struct sql s = {0};
	int rc = sql_open(&s, file, &store_schema);

	sql_close(&s);
	return rc != 0;
}

/* A descriptor of the file that this process closes drops its locks; then the next one to close the file elsewhere takes
 * itself for the last, and removes the WAL under us. */
static void a_further_connection_leaves_the_locks_of_the_first(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct sql further = {0};
	char wal[128];
	pid_t child;
	int status = 0;

	CHECK(sql_join(&further, path, &store_schema) == 0);
	child = fork();
	if (child == 0) { /* a process of its own, as an administrator's program is */
		execl("/proc/self/exe", "test-store-crash", "--visit", path, (char *)NULL);
		_exit(99);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	CHECK(access(wal, F_OK) == 0);
	sql_close(&further);
}

static void backup_copies_go_after_a_week(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	char backup[128];
	struct utimbuf old = {0};

	snprintf(backup, sizeof(backup), "%s.v1.bak", path);
	file_copy(path, backup);
	CHECK(store_job_prune(s, 0) == 0 && access(backup, F_OK) == 0);
	old.actime = old.modtime = time(NULL) - 8 * 86400;
	CHECK(utime(backup, &old) == 0);
	CHECK(store_job_prune(s, 0) == 0 && access(backup, F_OK) < 0);
}

/* ---- kill -9 ---- */

static struct shared {
	volatile int
		acked; /* jobs whose store_job_add() returned 0, or whose group was committed */
	volatile int ended;
} * shared;

/* Takes jobs in and ends the even ones; tells what was promised to be on disk. Never returns. */
__attribute__((noreturn)) static void work_until_killed(int round, bool grouped)
{
	struct store *s = store_again();

	for (int i = 0;; i++) {
		int added = 0, ended = 0;

		if (grouped)
			store_begin(s);
		for (int k = 0; k < (grouped ? 5 : 1); k++) {
			char uuid[48];
			struct store_job j;

			snprintf(uuid, sizeof(uuid), "%d-%d-%d", round, i, k);
			j = job_like(uuid);
			j.cups_job_id = i * 10 + k;
			added += store_job_add(s, &j, &key, 1900) == 0;
			if (!grouped)
				shared->acked += 1;
			if (i % 2 == 0 && job_finish(s, &j) == 0) {
				ended++;
				if (!grouped)
					shared->ended += 1;
			}
		}
		if (grouped && store_commit(s) == 0) {
			shared->acked += added;
			shared->ended += ended;
		}
	}
}

static void check_invariants(int round)
{
	AUTO(store_freep) struct store *s = store_again();
	int64_t bad = 0, jobs = number_of(s, "SELECT count(*) FROM job");
	int64_t completed = number_of(s, "SELECT count(*) FROM job WHERE state = 'completed'");

	CHECK(jobs >= shared->acked);
	CHECK(completed >= shared->ended);
	CHECK(store_ledger_verify(s, &bad) == 0);
	CHECK(number_of(s, "SELECT count(*) FROM ledger") == completed);
	CHECK(number_of(s, "SELECT count(*) FROM ledger_person") == completed);
	CHECK(number_of(s, "SELECT count(*) FROM document_key") == jobs - completed);
	CHECK(number_of(s, "SELECT count(*) FROM attempt WHERE outcome = 0 AND job_id IN"
			   " (SELECT id FROM job WHERE state IN ('completed', 'pending'))") == 0);
	CHECK(number_of(s, "SELECT count(*) FROM job WHERE state = 'creating' AND id NOT IN"
			   " (SELECT job_id FROM attempt WHERE outcome = 0)") == 0);
	CHECK(number_of(s,
		      "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'") ==
		0);
	CHECK(number_of(s, "SELECT count(*) FROM pragma_foreign_key_check") == 0);
	if (round == 11)
		printf("# after kills: %d jobs, %d completed\n", (int)jobs, (int)completed);
	CHECK(round < 11 || completed > 0);
	/* something was done between the kills */ /* the test got somewhere */
}

static void killed_at_any_moment_it_keeps_its_promises(void)
{
	store_free(store_fresh());
	shared = mmap(
		NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	for (int round = 0; round < 12; round++) {
		struct timespec pause = {0, 20000000L + round * 11000000L};
		int status = 0;
		pid_t pid = fork();

		if (pid == 0)
			work_until_killed(round, round % 2);
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
		check_invariants(round);
	}
	munmap(shared, sizeof(*shared));
}

static void a_second_writer_waits_shortly_then_is_told(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	AUTO(store_freep) struct store *t = store_again();
	struct store_job j = job_like("d1");
	int64_t began = mono_ms();

	CHECK(store_begin(s) == 0);
	CHECK(store_job_add(t, &j, &key, 1900) == -EBUSY);
	CHECK(mono_ms() - began < 2000);
	CHECK(store_commit(s) == 0);
	CHECK(store_job_add(t, &j, &key, 1900) == 0);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--visit"))
		return visit(argv[2]);
	folder_init("test-store-crash");
	RUN(an_erased_key_is_nowhere_on_the_disk);
	RUN(erased_keys_leave_the_disk_with_later_commits_too);
	RUN(many_erased_keys_do_not_wait);
	RUN(a_reader_in_the_way_delays_it_only);
	RUN(pruned_intake_keys_leave_the_disk);
	RUN(a_newer_store_is_refused_and_not_touched);
	RUN(a_file_of_another_program_is_refused);
	RUN(a_new_store_killed_before_its_tables_is_made_again);
	RUN(the_store_is_its_owners_alone);
	RUN(migration_goes_forward_with_a_backup_copy);
	RUN(a_migration_that_fails_leaves_all_as_it_was);
	RUN(a_further_connection_leaves_the_locks_of_the_first);
	RUN(backup_copies_go_after_a_week);
	RUN(killed_at_any_moment_it_keeps_its_promises);
	RUN(a_second_writer_waits_shortly_then_is_told);
	folder_remove();
	return tap_done();
}
