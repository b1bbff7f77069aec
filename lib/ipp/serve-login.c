/* SPDX-License-Identifier: Apache-2.0 */
/* serve-login - passwords: one thread that verifies them, a bounded queue before it, and few tries for each address, so
 * that guessing neither succeeds nor keeps others out. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/mono.h"
#include "ipp/serve-private.h"

/* ---- tries of an address ---- */

/* An IPv6 host has a /64 to choose from. Slots are few and shared; nobody outside knows by whom. */
static struct throttle *throttle_at(struct serve *s, const struct sockaddr *at)
{
	unsigned char hash[crypto_shorthash_BYTES], from[9] = {0};
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)at;
	const struct sockaddr_in *four = (const struct sockaddr_in *)at;
	uint32_t slot;

	if (at->sa_family == AF_INET) {
		from[0] = 4;
		memcpy(from + 1, &four->sin_addr, 4);
	} else if (at->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
		from[0] = 4;
		memcpy(from + 1, six->sin6_addr.s6_addr + 12, 4);
	} else {
		from[0] = 6;
		memcpy(from + 1, &six->sin6_addr, 8);
	}
	crypto_shorthash(hash, from, sizeof(from), s->seed);
	memcpy(&slot, hash, sizeof(slot));
	return &s->throttles[slot % LOGIN_SLOTS];
}

static struct throttle *throttle_of(struct serve *s, const struct conn *conn)
{
	return throttle_at(s, (const struct sockaddr *)&conn->from);
}

bool serve_login_connects(struct serve *s, const struct sockaddr *from)
{
	bool may;

	pthread_mutex_lock(&s->login_lock);
	may = throttle_at(s, from)->connections < (s->config.connections_max + 1) / 2;
	pthread_mutex_unlock(&s->login_lock);
	return may;
}

void serve_login_counts(struct serve *s, const struct conn *conn, int by)
{
	pthread_mutex_lock(&s->login_lock);
	throttle_of(s, conn)->connections += (uint32_t)by;
	pthread_mutex_unlock(&s->login_lock);
}

static bool used_up(const struct throttle *t, int64_t now_ms)
{
	return t->full_ms - now_ms > (LOGIN_TRIES - 1) * (int64_t)LOGIN_REFILL_MS;
}

static void use_up_one(struct throttle *t)
{
	int64_t now_ms = mono_ms();

	t->full_ms = (t->full_ms > now_ms ? t->full_ms : now_ms) + LOGIN_REFILL_MS;
}

bool serve_login_is_closed(struct serve *s, const struct conn *conn)
{
	bool closed;

	pthread_mutex_lock(&s->login_lock);
	closed = used_up(throttle_of(s, conn), mono_ms());
	pthread_mutex_unlock(&s->login_lock);
	return closed;
}

void serve_login_failed(struct serve *s, const struct conn *conn)
{
	pthread_mutex_lock(&s->login_lock);
	use_up_one(throttle_of(s, conn));
	pthread_mutex_unlock(&s->login_lock);
}

/* ---- secrets ---- */

struct login *serve_login_new(const char *user, const char *password)
{
	struct login *l;

	if (strlen(user) >= sizeof(l->user) || strlen(password) >= sizeof(l->password))
		return NULL;
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	strcpy(l->user, user);
	strcpy(l->password, password);
	return l;
}

void serve_login_free(struct login *l)
{
	if (l)
		explicit_bzero(l, sizeof(*l));
	free(l);
}

/* What a connection keeps of a password: good for telling that the same one came again, in this run of the program. */
void serve_login_digest(struct serve *s, const char *header, uint8_t out[32])
{
	crypto_generichash(out, 32, (const unsigned char *)header, strlen(header), s->login_key,
		sizeof(s->login_key));
}

/* ---- the thread ---- */

static void finish(struct serve *s, struct serve_call *c)
{
	if (!c->login->form) {
		serve_http_hand_back(c, STAGE_LOGGED);
		return;
	}
	c->stage = STAGE_APP;
	if (!serve_queue_push(s, c))
		serve_http_hand_back(c, STAGE_CUT);
}

static void verify(struct serve *s, struct serve_call *c)
{
	struct login *l = c->login;
	struct throttle *t;
	int rc;

	rc = s->config.verify(s->config.verify_arg, l->user, l->password, c->conn->peer.address,
		l->canonical, sizeof(l->canonical));
	explicit_bzero(l->password, sizeof(l->password));
	l->result = rc == 1 ? LOGIN_RIGHT : rc == 0 ? LOGIN_WRONG : LOGIN_FAULT;
	if (rc != 1)
		l->canonical[0] = '\0';
	pthread_mutex_lock(&s->login_lock);
	t = throttle_of(s, c->conn);
	t->waiting--;
	if (l->result == LOGIN_WRONG)
		use_up_one(t);
	pthread_mutex_unlock(&s->login_lock);
}

static struct serve_call *next_call(struct serve *s)
{
	struct serve_call *c;

	pthread_mutex_lock(&s->login_lock);
	while (!s->login_head && !s->login_closed)
		pthread_cond_wait(&s->login_wake, &s->login_lock);
	c = s->login_head;
	if (c) {
		s->login_head = c->next;
		if (!s->login_head)
			s->login_tail = NULL;
		s->login_waiting--;
	}
	pthread_mutex_unlock(&s->login_lock);
	return c;
}

static void *run(void *arg)
{
	struct serve *s = arg;
	struct serve_call *c;

	while ((c = next_call(s))) {
		if (atomic_load(&s->closing)) {
			serve_http_hand_back(c, STAGE_CUT);
			continue;
		}
		verify(s, c);
		finish(s, c);
	}
	return NULL;
}

enum login_result serve_login_submit(struct serve *s, struct serve_call *c)
{
	enum login_result result = LOGIN_NONE;
	struct throttle *t;

	pthread_mutex_lock(&s->login_lock);
	t = throttle_of(s, c->conn);
	if (used_up(t, mono_ms()))
		result = LOGIN_TOO_MANY;
	else if (s->login_closed || t->waiting >= LOGIN_MAX_OF_ONE ||
		 s->login_waiting >= LOGIN_MAX_WAITING)
		result = LOGIN_BUSY;
	if (!result) {
		t->waiting++;
		c->stage = STAGE_LOGIN;
		c->next = NULL;
		if (s->login_tail)
			s->login_tail->next = c;
		else
			s->login_head = c;
		s->login_tail = c;
		s->login_waiting++;
		pthread_cond_signal(&s->login_wake);
	}
	pthread_mutex_unlock(&s->login_lock);
	return result;
}

int serve_login_start(struct serve *s)
{
	int rc;

	s->throttles = calloc(LOGIN_SLOTS, sizeof(*s->throttles));
	if (!s->throttles)
		return -ENOMEM;
	rc = pthread_create(&s->login_thread, NULL, run, s);
	s->login_started = rc == 0;
	return -rc;
}

void serve_login_stop(struct serve *s)
{
	pthread_mutex_lock(&s->login_lock);
	s->login_closed = true;
	pthread_cond_signal(&s->login_wake);
	pthread_mutex_unlock(&s->login_lock);
	if (s->login_started)
		pthread_join(s->login_thread, NULL);
}
