/* SPDX-License-Identifier: Apache-2.0 */
/* engine - the daemon's life: lock, configuration, store, recovery; and what can be looked at. */
#include "engine-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mono.h"
#include "base/paths.h"
#include "core/policy.h"
#include "link.h"
#include "must.h"
#include "network.h"
#include "online.h"
#include "public.h"
#include "renew.h"
#include "settle.h"

enum { MEMORY_S = 7 * 24 * 3600, NETWORK_SETTLE_MS = 300 };

/* ---- timers ---- */

static int timer_due(sd_event_source *source, uint64_t usec, void *arg)
{
	struct timer *t = arg;

	(void)usec;
	sd_event_source_disable_unref(source);
	t->source = NULL;
	t->fn(t->arg);
	return 0;
}

void timer_set(struct engine *e, struct timer *t, int64_t in_ms, timer_fn *fn, void *arg)
{
	timer_stop(t);
	t->fn = fn;
	t->arg = arg;
	if (sd_event_add_time_relative(e->loop, &t->source, CLOCK_MONOTONIC, (uint64_t)in_ms * 1000,
		    1000, timer_due, t) < 0)
		must(NULL);
}

void timer_stop(struct timer *t)
{
	if (t->source)
		t->source = sd_event_source_disable_unref(t->source);
}

/* ---- looking ---- */

static void view(struct job *j, struct engine_job *out)
{
	out->row = &j->row;
	out->target = j->attempt.uri;
	out->encrypted = j->attempt.encrypted;
	out->remote_id = j->attempt.remote_id;
	out->impressions = j->attempt.id ? j->attempt.impressions : -1;
}

bool engine_job_at(struct engine *e, unsigned index, struct engine_job *out)
{
	bool on = e->cursor &&
		  e->cursor_index <= index; /* the caller walks: go on from where he was */
	struct job *j = on ? e->cursor : e->jobs;

	for (unsigned i = on ? e->cursor_index : 0; j && i < index; i++)
		j = j->next;
	e->cursor = j;
	e->cursor_index = index;
	if (j)
		view(j, out);
	return j;
}

bool engine_job_find(struct engine *e, int32_t id, struct engine_job *out)
{
	struct job *j = job_find(e, id);

	if (j)
		view(j, out);
	return j;
}

static void queue_view(struct engine *e, struct queue_state *q, struct engine_queue *out)
{
	memset(out, 0, sizeof(*out));
	out->config = q->config;
	out->health = health_name(HEALTH_UNKNOWN);
	out->health_detail = "";
	if (q->upstream)
		upstream_view(q->upstream, out);
	out->outage = plan_outage_on(q);
	out->outage_until_s = out->outage ? q->outage.until_s : 0;
	out->outage_message = out->outage ? q->outage.message : "";
	if (out->outage)
		out->health = "outage";
	for (struct job *j = e->jobs; j; j = j->next)
		out->waiting += !strcmp(j->row.queue, q->config->name) &&
				(j->row.state == JOB_PENDING || j->row.state == JOB_HELD);
}

bool engine_queue_at(struct engine *e, unsigned index, struct engine_queue *out)
{
	if (index >= e->queue_count)
		return false;
	queue_view(e, &e->queue[index], out);
	return true;
}

bool engine_queue_find(struct engine *e, const char *name, struct engine_queue *out)
{
	struct queue_state *q = queue_state_find(e, name);

	if (q)
		queue_view(e, q, out);
	return q;
}

const struct config *engine_config(struct engine *e)
{
	return e->config;
}

void engine_set_listener(struct engine *e, const struct engine_listener *l)
{
	e->listener = *l;
}

/* ---- one daemon ---- */

static int take_lock(struct engine *e)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[512], holder[64] = "", pid[32];
	ssize_t n;

	if (paths_join(path, sizeof(path), paths_state(), "lock"))
		return -ENAMETOOLONG;
	e->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (e->lock_fd < 0)
		return -errno;
	if (fcntl(e->lock_fd, F_OFD_SETLK, &lock)) {
		n = pread(e->lock_fd, holder, sizeof(holder) - 1, 0);
		holder[n > 0 ? strcspn(holder, "\n") : 0] = '\0';
		log_event(LOG_LVL_ERROR, "event=already-running holder-pid=%s state=%s",
			log_quote(holder), log_quote(paths_state()));
		return -EWOULDBLOCK;
	}
	n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(e->lock_fd, 0) || pwrite(e->lock_fd, pid, (size_t)n, 0) != n)
		return -errno;
	return 0;
}

/* ---- configuration ---- */

int queues_set(struct engine *e)
{
	struct queue_state *old = e->queue;
	size_t old_count = e->queue_count;

	e->queue = must(calloc(e->config->queue_count + 1, sizeof(*e->queue)));
	e->queue_count = e->config->queue_count;
	for (size_t i = 0; i < e->queue_count; i++) {
		e->queue[i].config = &e->config->queue[i];
		for (size_t k = 0; k < old_count; k++)
			if (!strcmp(old[k].config->name, e->queue[i].config->name))
				e->queue[i].outage = old[k].outage;
	}
	for (size_t k = 0; k < old_count; k++)
		timer_stop(&old[k].outage_end);
	free(old);
	for (size_t i = 0; i < e->queue_count; i++)
		for (size_t k = 0; k < e->queue[i].config->fallback_count; k++)
			printer_of(e, e->queue[i].config->fallback[k]);
	upstreams_set(e);
	public_set(e);
	online_set(e);
	outages_watch(e);
	policy_publish(e);
	return 0;
}

/* What the backend, which runs as lp and reads no configuration, has to know of each queue. A queue that is gone is
 * allowed nothing any more. */
static void policy_forget(struct engine *e)
{
	char dir[512];
	DIR *d = paths_join(dir, sizeof(dir), paths_spool(), "policy") ? NULL : opendir(dir);

	if (!d)
		return;
	for (struct dirent *f; (f = readdir(d));)
		if (f->d_name[0] != '.' && !config_queue(e->config, f->d_name))
			unlinkat(dirfd(d), f->d_name, 0);
	closedir(d);
}

void policy_publish(struct engine *e)
{
	policy_forget(e);
	for (size_t i = 0; i < e->config->queue_count; i++) {
		const struct config_queue *q = &e->config->queue[i];
		int rc = policy_write(
			paths_spool(), q->name, &(struct policy){.accept_raw = q->accept_raw});

		if (rc)
			log_event(LOG_LVL_WARNING, "event=policy-not-published queue=%s error=%d",
				log_quote(q->name), rc);
	}
}

/* ---- loading ---- */

static int load_job(void *arg, const struct store_job *row)
{
	job_new(arg, row);
	return 0;
}

static int load_attempt(void *arg, const struct store_attempt *a)
{
	struct job *j = arg;

	if (a->number >= j->attempt.number)
		j->attempt = *a;
	return 0;
}

static int load_orphan(void *arg, const struct store_attempt *a)
{
	struct engine *e = arg;
	struct job *j = job_find(e, a->job_id);

	if (a->cancel_wanted)
		sweep_orphan(e, a, j ? j->row.owner : "");
	return 0;
}

static int load_printer(void *arg, const struct store_printer *p)
{
	printer_of(arg, p->uri)->row = *p;
	return 0;
}

static int load_user_printer(void *arg, const struct store_user_printer *p)
{
	struct engine *e = arg;

	e->user_printer =
		must(reallocarray(e->user_printer, e->user_printer_count + 1, sizeof(*p)));
	e->user_printer[e->user_printer_count++] = *p;
	return 0;
}

static int load(struct engine *e)
{
	int rc = store_job_each(e->store, mono_utc_s() - MEMORY_S, load_job, e);

	for (struct job *j = e->jobs; j && !rc; j = j->next) {
		rc = store_attempt_each(e->store, j->row.id, load_attempt, j);
		e->spool_octets += j->row.file[0] ? j->row.file_octets : 0;
	}
	if (!rc)
		rc = store_printer_each(e->store, load_printer, e);
	if (!rc)
		rc = store_user_printer_each(e->store, NULL, load_user_printer, e);
	if (!rc)
		rc = store_attempt_each(e->store, 0, load_orphan, e);
	return rc;
}

/* ---- recovery: what the last run left in the middle ---- */

static int work_attempt_end(struct store *s, struct store_job *row, enum job_state from,
	struct store_attempt *a, struct store_ledger_row *ledger)
{
	(void)ledger;
	return store_attempt_end(s, row, from, a);
}

static void recovered(struct job *j, int rc)
{
	if (rc)
		return;
	sweep_orphan(j->engine, &j->attempt, j->row.owner);
	plan_kick(j->engine);
}

/* Create-Job may or may not have reached the target: an empty job prints nothing, so begin afresh and have it canceled. */
static void begin_afresh(struct job *j)
{
	struct store_job row = j->row;
	struct store_attempt a = j->attempt;

	row.state = JOB_PENDING;
	row.reason = JOB_R_STORED;
	row.reason_arg[0] = '\0';
	a.outcome = OUTCOME_NOTHING;
	a.cancel_wanted = true;
	a.ended_s = mono_utc_s();
	job_journal(j, work_attempt_end, &row, &a, NULL, recovered);
}

static void recover(struct engine *e)
{
	for (struct job *j = e->jobs; j; j = j->next) {
		switch (j->row.state) {
		case JOB_PENDING:
			if (job_is_claimed(j))
				claim_resume(j);
			break;
		case JOB_CREATING:
		case JOB_CREATED:
			if (job_is_claimed(j) && j->attempt.kind == TARGET_RELEASED)
				claim_resume(j);
			begin_afresh(j);
			break;
		case JOB_SENDING:
			follow_start(j, false, false);
			break;
		case JOB_SENT:
			follow_start(j, true, true);
			break;
		case JOB_UNKNOWN:
			if (j->attempt.remote_id)
				follow_start(j, j->attempt.sent_s > 0, j->attempt.sent_s > 0);
			break;
		case JOB_HELD:
			/* What it waited for may have come: the plan looks afresh at all that is not the user's to decide. */
			plan_reconsider(j);
			break;
		default:
			break;
		}
	}
}

/* ---- network ---- */

static void network_settled(void *arg)
{
	struct engine *e = arg;

	e->online = network_is_online();
	upstreams_look(e);
}

static int network_changed(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct engine *e = arg;

	(void)source;
	(void)events;
	network_drain(fd);
	e->online = network_is_online();
	timer_set(e, &e->network_settle, NETWORK_SETTLE_MS, network_settled, e);
	return 0;
}

static int network_watch(struct engine *e)
{
	int fd = network_open(), rc;

	e->online = network_is_online();
	if (fd < 0)
		return 0; /* without it, the probes find out more slowly */
	rc = sd_event_add_io(e->loop, &e->network, fd, EPOLLIN, network_changed, e);
	if (rc < 0)
		close(fd);
	else
		sd_event_source_set_io_fd_own(e->network, 1);
	return rc;
}

/* ---- life ---- */

static int open_store(struct engine *e)
{
	char path[512], spool[512];
	int rc;

	if (paths_join(path, sizeof(path), paths_state(), "store.db") ||
		paths_join(spool, sizeof(spool), paths_spool(), "jobs"))
		return -ENAMETOOLONG;
	rc = store_open(path, &e->store);
	if (rc)
		return rc;
	if (mkdir(spool, 0700) && errno != EEXIST)
		return -errno;
	e->spool_fd = open(spool, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return e->spool_fd < 0 ? -errno : 0;
}

int engine_new(sd_event *loop, void (*complain)(void *arg, const char *message), void *arg,
	struct engine **out)
{
	AUTO(engine_freep) struct engine *e = must(calloc(1, sizeof(*e)));
	uint64_t run = (uint64_t)mono_utc_s() << 20 ^ (uint64_t)getpid();
	int rc;

	e->loop = sd_event_ref(loop);
	e->jobs_end = &e->jobs;
	e->lock_fd = e->spool_fd = -1;
	e->complain = complain;
	e->complain_arg = arg;
	e->started_s = mono_utc_s();
	snprintf(e->run_id, sizeof(e->run_id), "%llx", (unsigned long long)run);
	rc = config_load(paths_conf(), complain, arg, &e->config);
	if (!rc)
		rc = take_lock(e);
	if (!rc)
		rc = open_store(e);
	if (!rc)
		rc = client_new(loop, &e->client);
	if (!rc)
		rc = network_watch(e);
	if (!rc)
		rc = load(e);
	if (!rc)
		rc = intake_start(e);
	if (!rc)
		rc = worker_new(loop, e->store, &e->storer);
	if (!rc)
		rc = worker_new(loop, NULL, &e->filer);
	if (!rc)
		rc = worker_new(loop, NULL, &e->asker);
	if (rc)
		return rc;
	*out = STEAL(e);
	return 0;
}

int engine_start(struct engine *e)
{
	int rc = queues_set(e);

	if (!rc)
		rc = outages_load(e);
	if (rc)
		return rc;
	outages_watch(e);
	link_start(e);
	renew_start(e);
	e->started = true;
	recover(e);
	intake_run(e);
	sweep_start(e);
	settle_start(e);
	plan_kick(e);
	log_event(LOG_LVL_INFO, "event=started run=%s queues=%zu online=%d", e->run_id,
		e->queue_count, e->online);
	return 0;
}

static void forget_all(struct engine *e)
{
	struct printer *next;

	e->listener = (struct engine_listener){0};
	while (e->jobs)
		job_drop(e->jobs);
	for (; e->printers; e->printers = next) {
		next = e->printers->next;
		free(e->printers);
	}
	for (size_t i = 0; i < e->queue_count; i++)
		timer_stop(&e->queue[i].outage_end);
	free(e->queue);
	free(e->user_printer);
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	e->started = false;
	/* Commits under way are finished; what they would have led to is for the next start. */
	worker_free(e->asker);
	worker_free(e->filer);
	worker_free(e->storer);
	sweep_free(e);
	upstreams_free(e);
	forget_all(e);
	settle_stop(e);
	renew_free(e);
	link_free(e);
	timer_stop(&e->kick);
	timer_stop(&e->who_again);
	public_free(e);
	online_stop(e);
	timer_stop(&e->network_settle);
	sd_event_source_disable_unref(e->network);
	intake_free(e);
	client_free(e->client);
	store_free(e->store);
	config_free(e->config);
	auto_close(&e->spool_fd);
	auto_close(&e->lock_fd);
	sd_event_unref(e->loop);
	free(e);
}
