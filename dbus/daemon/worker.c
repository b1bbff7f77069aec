/* SPDX-License-Identifier: Apache-2.0 */
/* worker - see worker.h. */
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "must.h"

struct task {
	struct task *next;
	worker_fn *work;
	worker_done_fn *done;
	void *arg;
	int rc;
};

struct queue {
	struct task *first, **last;
};

struct worker {
	struct store *store;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t posted;
	struct queue todo, ready; /* under lock */
	bool ending; /* under lock */
	int wake; /* eventfd: something is ready */
	sd_event_source *source;
};

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void queue_push(struct queue *q, struct task *t)
{
	t->next = NULL;
	*q->last = t;
	q->last = &t->next;
}

static struct task *queue_take_all(struct queue *q)
{
	struct task *first = q->first;

	queue_init(q);
	return first;
}

/* One batch: a task that fails has undone only itself; a commit that fails has undone them all. */
static void run_batch(struct worker *w, struct task *batch)
{
	int rc = w->store ? store_begin(w->store) : 0;

	for (struct task *t = batch; t; t = t->next)
		t->rc = rc ? rc : t->work(t->arg, w->store);
	if (w->store && !rc) {
		rc = store_commit(w->store);
		if (rc)
			store_rollback(w->store);
	}
	if (rc)
		for (struct task *t = batch; t; t = t->next)
			t->rc = rc;
}

static void *run(void *arg)
{
	struct worker *w = arg;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		struct task *batch, *next;

		while (!w->todo.first && !w->ending)
			pthread_cond_wait(&w->posted, &w->lock);
		batch = queue_take_all(&w->todo);
		if (!batch)
			break;
		pthread_mutex_unlock(&w->lock);
		run_batch(w, batch);
		pthread_mutex_lock(&w->lock);
		for (; batch; batch = next) {
			next = batch->next;
			queue_push(&w->ready, batch);
		}
		eventfd_write(w->wake, 1);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static int answer(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct worker *w = arg;
	struct task *t, *next;
	eventfd_t count;

	(void)source;
	(void)events;
	eventfd_read(fd, &count);
	pthread_mutex_lock(&w->lock);
	t = queue_take_all(&w->ready);
	pthread_mutex_unlock(&w->lock);
	for (; t; t = next) {
		next = t->next;
		if (t->done)
			t->done(t->arg, t->rc);
		free(t);
	}
	return 0;
}

void worker_post(struct worker *w, worker_fn *work, worker_done_fn *done, void *arg)
{
	struct task *t = must(calloc(1, sizeof(*t)));

	t->work = work;
	t->done = done;
	t->arg = arg;
	pthread_mutex_lock(&w->lock);
	queue_push(&w->todo, t);
	pthread_cond_signal(&w->posted);
	pthread_mutex_unlock(&w->lock);
}

int worker_new(sd_event *loop, struct store *store, struct worker **out)
{
	struct worker *w = must(calloc(1, sizeof(*w)));
	int rc;

	w->store = store;
	queue_init(&w->todo);
	queue_init(&w->ready);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->posted, NULL);
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = w->wake < 0 ? -errno : sd_event_add_io(loop, &w->source, w->wake, EPOLLIN, answer, w);
	if (rc >= 0)
		rc = -pthread_create(&w->thread, NULL, run, w);
	if (rc < 0) {
		sd_event_source_unref(w->source);
		auto_close(&w->wake);
		free(w);
		return rc;
	}
	*out = w;
	return 0;
}

static void drop_all(struct queue *q)
{
	struct task *t = queue_take_all(q), *next;

	for (; t; t = next) {
		next = t->next;
		free(t);
	}
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_signal(&w->posted);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	drop_all(&w->ready);
	sd_event_source_disable_unref(w->source);
	close(w->wake);
	pthread_cond_destroy(&w->posted);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
