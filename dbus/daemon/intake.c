/* SPDX-License-Identifier: Apache-2.0 */
/* intake - files that the backend left in incoming/ become jobs.
 *
 * In the filer's thread: open without following links, check who made it, unseal, verify the whole document, move the
 * file into our own folder. Then the row and the document's key are committed in one transaction, and only then the
 * sealed copy of the key in the file is wiped. What a crash leaves in between, the next start finds: a file of ours
 * without a row goes back to incoming/ and is taken again. */
#include "engine-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mono.h"
#include "base/paths.h"
#include "must.h"
#include "sealed-file.h"
#include "verify.h"

enum {
	BATCH = 32,
	RESCAN_MS = 15000,
	RETRY_MS = 5000,
	ROTATE_S = 24 * 3600,
	OLD_KEY_S = 48 * 3600,
	TEMP_LIFE_S = 24 * 3600,
	CORRUPT_LIFE_S = 7 * 24 * 3600,
	CORRUPT_MAX = 256
};

struct intake {
	struct engine *engine;
	int incoming_fd, corrupt_fd, poke_fd;
	struct seal_pair pair[PAIR_MAX];
	unsigned pair_count;
	int64_t newest_s;
	bool scanning, again;
	bool trouble; /* disk or store failed at some file: no hurry with the next look */
	bool prune_keys; /* a new key was made: old ones may go */
	unsigned taking; /* files between incoming/ and their row */
	struct taking *ready, **ready_end; /* read and moved, to get their rows in order */
	bool adding; /* a row is being committed */
	unsigned corrupt_count;
	sd_event_source *poke;
	struct timer rescan, rotate;
};

static void scan(struct intake *in);
static void scan_due(void *arg);
static void prune_keys(struct intake *in);

static int take(void *arg, struct store *s)
{
	(void)s;
	return sealed_file_take(arg);
}

/* ---- after the row is committed ---- */

struct file_task {
	struct intake *in;
	char name[128];
};

static int wipe_key(void *arg, struct store *s)
{
	struct file_task *w = arg;
	AUTO(auto_close)
	int fd = openat(w->in->engine->spool_fd, w->name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	(void)s;
	return fd < 0 ? -errno : seal_wipe_key(fd);
}

static void wiped(void *arg, int rc)
{
	struct file_task *w = arg;

	/* ENOENT: printed and erased before its turn came. */
	if (rc && rc != -ENOENT)
		log_event(LOG_LVL_WARNING, "event=key-not-wiped file=%s error=%d", w->name, rc);
	free(w);
}

static void post_wipe(struct intake *in, const char *file)
{
	struct file_task *w = must(calloc(1, sizeof(*w)));

	w->in = in;
	snprintf(w->name, sizeof(w->name), "%s", file);
	worker_post(in->engine->filer, wipe_key, wiped, w);
}

static int unlink_file(void *arg, struct store *s)
{
	struct file_task *w = arg;

	(void)s;
	return unlinkat(w->in->engine->spool_fd, w->name, 0) && errno != ENOENT ? -errno : 0;
}

void spool_unlink(struct engine *e, const char *file, int64_t octets)
{
	struct file_task *w = must(calloc(1, sizeof(*w)));

	w->in = e->intake;
	snprintf(w->name, sizeof(w->name), "%s", file);
	e->spool_octets -= octets;
	worker_post(e->filer, unlink_file, wiped, w);
}

static int put_back(void *arg, struct store *s)
{
	struct taking *t = arg;

	(void)s;
	return renameat2(t->jobs_fd, t->job.file, t->incoming_fd, t->name, RENAME_NOREPLACE)
		       ? -errno
		       : 0;
}

/* One file less on its way. A look is over when all it found is in, or back: the next one begins with the oldest again,
 * so that a store that fails for a while does not change the order. */
static void one_done(struct intake *in)
{
	if (--in->taking)
		return;
	in->scanning = false;
	if (in->trouble)
		timer_set(in->engine, &in->rescan, RETRY_MS, scan_due, in);
	else if (in->again)
		scan(in);
	in->trouble = false;
}

static void put_back_done(void *arg, int rc)
{
	struct taking *t = arg;

	if (rc) /* the next start finds it */
		log_event(LOG_LVL_ERROR, "event=intake-stuck file=%s error=%d", t->job.file, rc);
	one_done(t->in);
	free(t);
}

/* ---- row and key ---- */

static void row_added(void *arg, int rc);
static void add_next(struct intake *in);

static int add_row(void *arg, struct store *s)
{
	struct taking *t = arg;

	return store_job_add(s, &t->job, &t->key, t->run_started_s);
}

static void taken(struct taking *t)
{
	struct engine *e = t->in->engine;
	struct job *j = job_new(e, &t->job);

	e->spool_octets += t->job.file_octets;
	log_event(LOG_LVL_INFO,
		"job=%d event=stored queue=%s octets=%lld pages=%d cups-job=%d state=%s reason=%s",
		j->row.id, log_quote(j->row.queue), (long long)j->row.octets, j->row.pages,
		j->row.cups_job_id, job_state_name(j->row.state), job_reason_code(j->row.reason));
	job_changed(j);
	post_wipe(t->in, j->row.file);
	verify_owner(j);
	if (j->row.state == JOB_HELD)
		notice_attention(j);
	sweep_room(e, j->row.owner);
	plan_kick(e);
}

static void row_added(void *arg, int rc)
{
	struct taking *t = arg;
	struct intake *in = t->in;

	in->adding = false;
	seal_key_wipe(&t->key);
	fault_point("row-added");
	if (!rc) {
		taken(t);
	} else if (rc == STORE_E_REPEAT || rc == STORE_E_EXISTS) {
		struct store_job named =
			t->job; /* a repeat's row names no file, but there is one */

		log_event(LOG_LVL_WARNING, "job=%d event=repeated cups-job=%d", t->job.id,
			t->job.cups_job_id);
		if (sealed_file_name(&named))
			spool_unlink(in->engine, named.file, 0);
		if (rc == STORE_E_REPEAT)
			job_changed(job_new(in->engine, &t->job));
	} else {
		/* The store cannot write now (disk full): the file waits where the backend left it. */
		log_event(LOG_LVL_ERROR, "event=intake-commit-failed error=%d", rc);
		in->trouble = true;
		worker_post(in->engine->filer, put_back, put_back_done, t);
		add_next(in);
		return;
	}
	add_next(in);
	one_done(in);
	free(t);
}

/* One row at a time: when one cannot be written, those behind it go back as well, or they would overtake it. */
static void add_next(struct intake *in)
{
	while (in->ready && !in->adding) {
		struct taking *t = in->ready;

		in->ready = t->next;
		if (!in->ready)
			in->ready_end = &in->ready;
		if (in->trouble) {
			seal_key_wipe(&t->key);
			worker_post(in->engine->filer, put_back, put_back_done, t);
			continue;
		}
		in->adding = true;
		worker_post(in->engine->storer, add_row, row_added, t);
	}
}

static bool foreign(const struct store_job *job)
{
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	return job->host[0] && strcmp(job->host, "localhost") && strcmp(job->host, "127.0.0.1") &&
	       strcmp(job->host, "::1") && strcmp(job->host, host);
}

static void set_first_state(struct engine *e, struct store_job *job)
{
	const struct config_queue *q = config_queue(e->config, job->queue);

	job->state = JOB_PENDING;
	job->reason = JOB_R_STORED;
	if (!q) {
		job->state = JOB_HELD;
		job->reason = JOB_R_NO_QUEUE;
		snprintf(job->reason_arg, sizeof(job->reason_arg), "%s", job->queue);
	} else if (foreign(job) && !q->accept_foreign_hosts) {
		job->state = JOB_HELD;
		job->reason = JOB_R_FOREIGN_HOST;
		snprintf(job->reason_arg, sizeof(job->reason_arg), "%s", job->host);
	} else if (job->raw && !q->accept_raw) {
		job->state = JOB_HELD;
		job->reason = JOB_R_FORMAT;
		snprintf(job->reason_arg, sizeof(job->reason_arg), "%s", job->queue);
	}
}

static void to_corrupt(struct taking *t, int rc)
{
	log_event(LOG_LVL_ERROR, "event=intake-refused file=%s error=%d moved-to=%s",
		log_quote(t->name), rc, t->in->corrupt_count < CORRUPT_MAX ? "corrupt" : "nowhere");
	if (t->in->corrupt_count < CORRUPT_MAX &&
		!renameat(t->incoming_fd, t->name, t->corrupt_fd, t->name))
		t->in->corrupt_count++;
	else if (unlinkat(t->incoming_fd, t->name, 0))
		log_event(LOG_LVL_ERROR, "event=intake-stuck file=%s", log_quote(t->name));
}

static void took(void *arg, int rc)
{
	struct taking *t = arg;
	struct intake *in = t->in;

	explicit_bzero(t->pair, sizeof(t->pair));
	if (rc > 0)
		to_corrupt(t, rc);
	if (rc < 0 && rc != -ENOENT) {
		log_event(LOG_LVL_ERROR, "event=intake-failed error=%d", rc);
		in->trouble = true;
	}
	if (rc) {
		one_done(in);
		seal_key_wipe(&t->key);
		free(t);
		return;
	}
	fault_point("taken");
	set_first_state(in->engine, &t->job);
	*in->ready_end = t;
	in->ready_end = &t->next;
	add_next(in);
}

/* ---- the folder ---- */

struct listing {
	struct intake *in;
	char name[BATCH][128];
	unsigned count;
	bool more;
	bool unfinished; /* the backend is writing one */
};

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* What the backend is writing has a name with a dot. One that was killed leaves it: erased a day later. */
static bool unfinished(int fd, const char *name)
{
	struct stat st;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
		return false;
	if (mono_utc_s() - st.st_mtime < TEMP_LIFE_S)
		return true;
	unlinkat(fd, name, 0);
	return false;
}

/* Another user's folder cannot be moved away: it must not take the place of jobs. */
static bool is_folder(int fd, const struct dirent *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
	return !fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode);
}

/* The BATCH first names in order: names begin with the time of handing over. */
static int list_incoming(void *arg, struct store *s)
{
	struct listing *l = arg;
	int fd = openat(l->in->incoming_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	(void)s;
	if (!dir)
		return -errno;
	for (struct dirent *d; (d = readdir(dir));) {
		size_t n = strlen(d->d_name);

		if (d->d_name[0] == '.') {
			l->unfinished |= unfinished(fd, d->d_name);
			continue;
		}
		if (n < 5 || n >= sizeof(l->name[0]) || strcmp(d->d_name + n - 4, ".job") ||
			is_folder(fd, d))
			continue;
		if (l->count == BATCH) {
			l->more = true;
			if (strcmp(d->d_name, l->name[BATCH - 1]) >= 0)
				continue;
			l->count--;
		}
		strcpy(l->name[l->count++], d->d_name);
		qsort(l->name, l->count, sizeof(l->name[0]), by_name);
	}
	closedir(dir);
	return 0;
}

static void post_take(struct intake *in, const char *name)
{
	struct taking *t = must(calloc(1, sizeof(*t)));

	t->in = in;
	snprintf(t->name, sizeof(t->name), "%s", name);
	t->incoming_fd = in->incoming_fd;
	t->jobs_fd = in->engine->spool_fd;
	t->corrupt_fd = in->corrupt_fd;
	memcpy(t->pair, in->pair, sizeof(t->pair));
	t->pair_count = in->pair_count;
	in->taking++;
	worker_post(in->engine->filer, take, took, t);
}

static void listed(void *arg, int rc)
{
	struct listing *l = arg;
	struct intake *in = l->in;

	if (rc)
		log_event(LOG_LVL_ERROR, "event=incoming-unreadable error=%d", rc);
	in->again |= l->more;
	for (unsigned i = 0; i < l->count; i++)
		post_take(in, l->name[i]);
	if (!l->count) {
		in->scanning = false;
		if (in->again)
			scan(in);
		else if (!rc && !l->unfinished)
			prune_keys(in);
	}
	free(l);
}

static void scan(struct intake *in)
{
	struct listing *l;

	timer_set(in->engine, &in->rescan, RESCAN_MS, scan_due, in);
	if (in->scanning) {
		in->again = true;
		return;
	}
	in->scanning = true;
	in->again = false;
	l = must(calloc(1, sizeof(*l)));
	l->in = in;
	worker_post(in->engine->filer, list_incoming, listed, l);
}

static void scan_due(void *arg)
{
	scan(arg);
}

static int poked(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	char buf[16];

	(void)source;
	(void)events;
	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
		;
	scan(arg);
	return 0;
}

/* ---- keys ---- */

static int add_pair(struct intake *in, const struct seal_pair *pair)
{
	if (in->pair_count == PAIR_MAX) {
		memmove(&in->pair[0], &in->pair[1], sizeof(in->pair[0]) * (PAIR_MAX - 1));
		in->pair_count--;
	}
	in->pair[in->pair_count++] = *pair;
	return 0;
}

static int load_pair(void *arg, const struct store_intake_key *k)
{
	struct intake *in = arg;

	if (k->made_s > in->newest_s)
		in->newest_s = k->made_s;
	if (in->pair_count == PAIR_MAX)
		return 0;
	/* They come newest first; here the newest, which is published, is last. */
	memmove(&in->pair[1], &in->pair[0], sizeof(in->pair[0]) * in->pair_count++);
	in->pair[0] = k->pair;
	return 0;
}

struct rotation {
	struct intake *in;
	struct store_intake_key key;
};

static int work_rotate(void *arg, struct store *s)
{
	struct rotation *r = arg;

	return store_intake_key_add(s, &r->key);
}

static int work_prune_keys(void *arg, struct store *s)
{
	(void)arg;
	return store_intake_key_prune(s, mono_utc_s() - OLD_KEY_S);
}

/* Old keys go when nothing sealed to them is left: after a look that found incoming/ empty. */
static void prune_keys(struct intake *in)
{
	if (!in->prune_keys || in->taking)
		return;
	in->prune_keys = false;
	worker_post(in->engine->storer, work_prune_keys, NULL, NULL);
}

static void publish(struct intake *in)
{
	char path[512];
	int rc;

	if (!in->pair_count || paths_join(path, sizeof(path), paths_spool(), "intake.pub"))
		return;
	rc = seal_public_write(path, in->pair[in->pair_count - 1].public_key);
	if (rc)
		log_event(LOG_LVL_ERROR, "event=intake-key-not-published error=%d", rc);
}

static void rotated(void *arg, int rc)
{
	struct rotation *r = arg;
	struct intake *in = r->in;

	if (!rc) {
		add_pair(in, &r->key.pair);
		in->newest_s = r->key.made_s;
		publish(in);
		in->prune_keys = true;
	}
	explicit_bzero(r, sizeof(*r));
	free(r);
}

/* Files that could not be taken are kept for the administrator to look at: so long, and so many. */
static void sort_corrupt(struct intake *in)
{
	int fd = openat(in->corrupt_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct stat st;

	if (!dir)
		return;
	in->corrupt_count = 0;
	for (struct dirent *d; (d = readdir(dir));) {
		if (d->d_name[0] == '.' || fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		if (mono_utc_s() - st.st_ctime > CORRUPT_LIFE_S && !unlinkat(fd, d->d_name, 0))
			continue;
		in->corrupt_count++;
	}
	closedir(dir);
}

static void rotate_due(void *arg)
{
	struct intake *in = arg;
	struct rotation *r;

	timer_set(in->engine, &in->rotate, 3600 * 1000, rotate_due, in);
	sort_corrupt(in);
	if (mono_utc_s() - in->newest_s < ROTATE_S && in->pair_count)
		return;
	r = must(calloc(1, sizeof(*r)));
	r->in = in;
	r->key.made_s = mono_utc_s();
	if (seal_pair_new(&r->key.pair)) {
		free(r);
		return;
	}
	worker_post(in->engine->storer, work_rotate, rotated, r);
}

/* ---- start ---- */

static int open_folder(int parent, const char *name, mode_t mode)
{
	int fd;

	if (mode && mkdirat(parent, name, mode) && errno != EEXIST)
		return -errno;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_poke(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd;

	if (paths_join(addr.sun_path, sizeof(addr.sun_path), paths_run(), "intake.sock"))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	unlink(addr.sun_path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || chmod(addr.sun_path, 0666)) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

/* A file of ours that no row knows: taken by a run that died before its commit. */
static void reconcile(struct intake *in)
{
	struct engine *e = in->engine;
	int fd = openat(e->spool_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return;
	for (struct dirent *d; (d = readdir(dir));) {
		bool known = d->d_name[0] == '.';
		char back[160];

		for (struct job *j = e->jobs; j && !known; j = j->next)
			known = !strcmp(j->row.file, d->d_name);
		if (known)
			continue;
		snprintf(back, sizeof(back), "0-%.140s", d->d_name);
		log_event(LOG_LVL_INFO, "event=found-again file=%s", log_quote(d->d_name));
		if (renameat2(e->spool_fd, d->d_name, in->incoming_fd, back, RENAME_NOREPLACE))
			log_event(LOG_LVL_ERROR, "event=reconcile-failed error=%d", errno);
	}
	closedir(dir);
	for (struct job *j = e->jobs; j; j = j->next)
		if (j->row.file[0])
			post_wipe(in, j->row.file);
}

int intake_start(struct engine *e)
{
	struct intake *in = must(calloc(1, sizeof(*in)));
	AUTO(auto_close) int spool = open(paths_spool(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	e->intake = in;
	in->engine = e;
	in->ready_end = &in->ready;
	in->incoming_fd = in->corrupt_fd = in->poke_fd = -1;
	if (spool < 0)
		return -errno;
	in->incoming_fd = open_folder(spool, "incoming", 0);
	if (in->incoming_fd < 0)
		return in->incoming_fd;
	in->corrupt_fd = open_folder(spool, "corrupt", 0700);
	if (in->corrupt_fd < 0)
		return in->corrupt_fd;
	rc = store_intake_key_each(e->store, load_pair, in);
	if (rc)
		return rc;
	in->poke_fd = open_poke();
	if (in->poke_fd < 0)
		return in->poke_fd;
	return sd_event_add_io(e->loop, &in->poke, in->poke_fd, EPOLLIN, poked, in);
}

void intake_run(struct engine *e)
{
	reconcile(e->intake);
	publish(e->intake);
	rotate_due(e->intake);
	scan(e->intake);
}

void intake_free(struct engine *e)
{
	struct intake *in = e->intake;

	if (!in)
		return;
	timer_stop(&in->rescan);
	timer_stop(&in->rotate);
	sd_event_source_disable_unref(in->poke);
	auto_close(&in->incoming_fd);
	auto_close(&in->corrupt_fd);
	auto_close(&in->poke_fd);
	explicit_bzero(in->pair, sizeof(in->pair));
	free(in);
	e->intake = NULL;
}
