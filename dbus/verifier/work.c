/* SPDX-License-Identifier: Apache-2.0 */
/* work - a bounded number of threads for what hashes or waits; see verifier.h. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mono.h"
#include "verifier.h"

enum { STACK_OCTETS = 512 << 10 };

struct work {
	struct service *v;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct request *first, **last;
	unsigned waiting;
	struct request **busy; /* by worker */
	pthread_t *thread;
	unsigned threads, named;
	bool ending;
};

static struct request *next_locked(struct work *w)
{
	struct request *r;

	while (!w->first && !w->ending)
		pthread_cond_wait(&w->more, &w->lock);
	r = w->first;
	if (!r)
		return NULL;
	w->first = r->next;
	if (!w->first)
		w->last = &w->first;
	w->waiting--;
	return r;
}

static void serve_one(struct work *w, struct request *r)
{
	struct login_message reply;

	login_init(&reply, LOGIN_REPLY);
	if (mono_ms() >= r->deadline_ms)
		login_set_number(&reply, LOGIN_HAS_RESULT, LOGIN_AWAY); /* nobody waits any more */
	else
		handle(w->v, r, &reply);
	handle_answer(r, &reply);
	handle_after(w->v, r, &reply);
	login_wipe(&reply);
}

static void *run(void *arg)
{
	struct work *w = arg;
	struct request *r;
	unsigned me;

	pthread_mutex_lock(&w->lock);
	me = w->named++;
	while ((r = next_locked(w))) {
		w->busy[me] = r;
		pthread_mutex_unlock(&w->lock);
		serve_one(w, r);
		pthread_mutex_lock(&w->lock);
		w->busy[me] = NULL;
		login_wipe(&r->ask);
		free(r);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int work_new(struct service *v, unsigned workers, struct work **out)
{
	struct work *w = calloc(1, sizeof(*w));
	pthread_attr_t attr;
	int rc = 0;

	if (!w)
		return -ENOMEM;
	w->v = v;
	w->last = &w->first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	w->busy = calloc(workers, sizeof(*w->busy));
	w->thread = calloc(workers, sizeof(*w->thread));
	if (!w->busy || !w->thread) {
		work_free(w);
		return -ENOMEM;
	}
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_OCTETS);
	while (!rc && w->threads < workers) {
		rc = pthread_create(&w->thread[w->threads], &attr, run, w);
		w->threads += !rc;
	}
	pthread_attr_destroy(&attr);
	if (rc && !w->threads) {
		work_free(w);
		return -rc;
	}
	*out = w;
	return 0;
}

int work_add(struct work *w, struct request *r)
{
	int rc = 0;

	pthread_mutex_lock(&w->lock);
	if (w->waiting >= QUEUE_MAX) {
		rc = -EAGAIN;
	} else {
		r->next = NULL;
		*w->last = r;
		w->last = &r->next;
		w->waiting++;
		pthread_cond_signal(&w->more);
	}
	pthread_mutex_unlock(&w->lock);
	return rc;
}

unsigned work_count_of(struct work *w, uid_t uid)
{
	unsigned n = 0;

	pthread_mutex_lock(&w->lock);
	for (struct request *r = w->first; r; r = r->next)
		n += r->peer.uid == uid;
	for (unsigned i = 0; i < w->threads; i++)
		n += w->busy[i] && w->busy[i]->peer.uid == uid;
	pthread_mutex_unlock(&w->lock);
	return n;
}

void work_free(struct work *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->threads; i++)
		pthread_join(w->thread[i], NULL);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	free(w->busy);
	free(w->thread);
	free(w);
}
