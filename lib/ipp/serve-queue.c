/* SPDX-License-Identifier: Apache-2.0 */
/* serve-queue - calls on their way to the application thread, in one lane for each peer so that nobody's flood is in
 * anybody else's way; and the parked ones: a heap of times, and a ring that tells whose peer to look at next. */
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/mono.h"
#include "ipp/serve-private.h"

/* ---- lanes ---- */

static void lane_key(const struct conn *conn, char *out, size_t size)
{
	const struct serve_peer *p = &conn->peer;

	if (p->who == SERVE_MACHINE)
		snprintf(out, size, "m%s", p->uuid);
	else if (p->who == SERVE_PERSON)
		snprintf(out, size, "p%s", p->user);
	else
		snprintf(out, size, "a%s", p->address);
}

static struct lane **lane_find(struct serve *s, const char *key)
{
	unsigned char hash[crypto_shorthash_BYTES];
	struct lane **at;

	crypto_shorthash(hash, (const unsigned char *)key, strlen(key), s->seed);
	at = &s->lanes.hash[(hash[0] | hash[1] << 8) % 1024];
	while (*at && strcmp((*at)->key, key) != 0)
		at = &(*at)->hash_next;
	return at;
}

bool serve_queue_has_room(struct serve *s, const struct conn *conn)
{
	char key[sizeof(((struct lane *)0)->key)];
	struct lane *lane;
	bool room;

	lane_key(conn, key, sizeof(key));
	pthread_mutex_lock(&s->queue_lock);
	lane = *lane_find(s, key);
	room = !lane || lane->count < LANE_MAX_CALLS;
	pthread_mutex_unlock(&s->queue_lock);
	return room;
}

static void lanes_append(struct lanes *l, struct lane *lane)
{
	lane->next = NULL;
	if (l->tail)
		l->tail->next = lane;
	else
		l->head = lane;
	l->tail = lane;
}

static bool push_locked(struct serve *s, struct serve_call *c)
{
	char key[sizeof(((struct lane *)0)->key)];
	struct lane **at, *lane;

	lane_key(c->conn, key, sizeof(key));
	at = lane_find(s, key);
	lane = *at;
	if (!lane) {
		lane = calloc(1, sizeof(*lane));
		if (!lane)
			return false;
		snprintf(lane->key, sizeof(lane->key), "%s", key);
		*at = lane;
		lanes_append(&s->lanes, lane);
	}
	c->next = NULL;
	if (lane->tail)
		lane->tail->next = c;
	else
		lane->head = c;
	lane->tail = c;
	lane->count++;
	s->lanes.waiting++;
	return true;
}

bool serve_queue_push(struct serve *s, struct serve_call *c)
{
	bool wake = false, pushed;

	pthread_mutex_lock(&s->queue_lock);
	pushed = !s->queue_closed && push_locked(s, c);
	if (pushed) {
		wake = s->sleeping;
		s->sleeping = false;
	}
	pthread_mutex_unlock(&s->queue_lock);
	if (wake)
		eventfd_write(s->wake_fd, 1);
	return pushed;
}

/* The lane at the head gives one call. */
static struct serve_call *take_one(struct serve *s, struct lanes *rested)
{
	struct lanes *l = &s->lanes;
	struct lane *lane = l->head;
	struct serve_call *c = lane->head;

	l->head = lane->next;
	if (!l->head)
		l->tail = NULL;
	lane->head = c->next;
	lane->count--;
	lane->taken++;
	l->waiting--;
	c->next = NULL;
	if (!lane->head) {
		*lane_find(s, lane->key) = lane->hash_next;
		free(lane);
	} else {
		lanes_append(lane->taken < GROUP_MAX_OF_ONE ? l : rested, lane);
	}
	return c;
}

struct serve_call *serve_queue_take(struct serve *s)
{
	struct lanes rested = {0};
	struct serve_call *first = NULL, **end = &first;

	pthread_mutex_lock(&s->queue_lock);
	for (int i = 0; i < GROUP_MAX_CALLS && s->lanes.head; i++) {
		*end = take_one(s, &rested);
		end = &(*end)->next;
	}
	while (rested.head) {
		struct lane *lane = rested.head;

		rested.head = lane->next;
		lanes_append(&s->lanes, lane);
	}
	for (struct lane *lane = s->lanes.head; lane; lane = lane->next)
		lane->taken = 0;
	pthread_mutex_unlock(&s->queue_lock);
	return first;
}

bool serve_queue_waits(struct serve *s, bool sleep)
{
	bool waits;

	pthread_mutex_lock(&s->queue_lock);
	waits = s->lanes.head || s->posts;
	if (sleep)
		s->sleeping = !waits;
	pthread_mutex_unlock(&s->queue_lock);
	return waits;
}

void serve_post(struct serve *s, serve_post_fn *fn, void *arg)
{
	struct post *p = calloc(1, sizeof(*p));
	bool wake;

	if (!p)
		abort(); /* its call would never be answered */
	p->fn = fn;
	p->arg = arg;
	pthread_mutex_lock(&s->queue_lock);
	*s->posts_end = p;
	s->posts_end = &p->next;
	wake = s->sleeping;
	s->sleeping = false;
	pthread_mutex_unlock(&s->queue_lock);
	if (wake)
		eventfd_write(s->wake_fd, 1);
}

struct post *serve_queue_take_posts(struct serve *s)
{
	struct post *first;

	pthread_mutex_lock(&s->queue_lock);
	first = s->posts;
	s->posts = NULL;
	s->posts_end = &s->posts;
	pthread_mutex_unlock(&s->queue_lock);
	return first;
}

void serve_queue_awake(struct serve *s)
{
	pthread_mutex_lock(&s->queue_lock);
	s->sleeping = false;
	pthread_mutex_unlock(&s->queue_lock);
}

void serve_queue_close(struct serve *s)
{
	struct serve_call *c;

	pthread_mutex_lock(&s->queue_lock);
	s->queue_closed = true;
	pthread_mutex_unlock(&s->queue_lock);
	while ((c = serve_queue_take(s)))
		while (c) {
			struct serve_call *next = c->next;

			serve_http_hand_back(c, STAGE_CUT);
			c = next;
		}
}

/* ---- parks: a binary heap ---- */

static void heap_put(struct serve *s, size_t at, struct serve_call *c)
{
	s->parked[at] = c;
	c->heap_at = at;
}

static void heap_up(struct serve *s, size_t at)
{
	struct serve_call *c = s->parked[at];

	while (at > 0 && s->parked[(at - 1) / 2]->due_ms > c->due_ms) {
		heap_put(s, at, s->parked[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	heap_put(s, at, c);
}

static void heap_down(struct serve *s, size_t at)
{
	struct serve_call *c = s->parked[at];

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < s->parked_count &&
			s->parked[child + 1]->due_ms < s->parked[child]->due_ms)
			child++;
		if (child >= s->parked_count || s->parked[child]->due_ms >= c->due_ms)
			break;
		heap_put(s, at, s->parked[child]);
		at = child;
	}
	heap_put(s, at, c);
}

int serve_park_add(struct serve *s, struct serve_call *c)
{
	if (s->parked_count == s->parked_size) {
		size_t size = s->parked_size ? s->parked_size * 2 : 64;
		struct serve_call **bigger = reallocarray(s->parked, size, sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		s->parked = bigger;
		s->parked_size = size;
	}
	heap_put(s, s->parked_count++, c);
	heap_up(s, s->parked_count - 1);
	if (s->look) {
		c->look_next = s->look;
		c->look_prev = s->look->look_prev;
		c->look_prev->look_next = c->look_next->look_prev = c;
	} else {
		s->look = c->look_next = c->look_prev = c;
	}
	return 0;
}

void serve_park_remove(struct serve *s, struct serve_call *c)
{
	size_t at = c->heap_at;
	struct serve_call *last = s->parked[--s->parked_count];

	if (at < s->parked_count) {
		heap_put(s, at, last);
		heap_up(s, at);
		heap_down(s, last->heap_at);
	}
	c->look_prev->look_next = c->look_next;
	c->look_next->look_prev = c->look_prev;
	if (s->look == c)
		s->look = c->look_next == c ? NULL : c->look_next;
}

struct serve_call *serve_park_due(struct serve *s, int64_t now_ms)
{
	return s->parked_count && s->parked[0]->due_ms <= now_ms ? s->parked[0] : NULL;
}

void serve_park_delay(struct serve *s, struct serve_call *c, int64_t due_ms)
{
	c->due_ms = due_ms;
	heap_up(s, c->heap_at);
	heap_down(s, c->heap_at);
}

/* A suspended connection does not see its peer leave, so we look. Its socket cannot be closed under us: libmicrohttpd closes
 * no suspended one. RDHUP, since a TLS peer's farewell lies unread before the end. */
void serve_park_look(struct serve *s, int64_t now_ms)
{
	enum { AT_ONCE = 512 };
	struct pollfd fds[AT_ONCE];
	struct serve_call *calls[AT_ONCE];
	int count;

	do {
		for (count = 0; count < AT_ONCE; count++) {
			struct serve_call *c = s->look;

			if (!c || c->looked_ms + PEER_LOOK_MS > now_ms)
				break;
			c->looked_ms = now_ms;
			s->look = c->look_next; /* a ring: it is the last one now */
			fds[count] = (struct pollfd){.fd = c->conn->fd, .events = POLLRDHUP};
			calls[count] = c;
		}
		if (count == 0 || poll(fds, (nfds_t)count, 0) <= 0)
			continue;
		for (int i = 0; i < count; i++)
			if (fds[i].revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) {
				calls[i]->gone = true;
				serve_park_delay(s, calls[i], now_ms);
			}
	} while (count == AT_ONCE);
}
