/* SPDX-License-Identifier: Apache-2.0 */
/* verifier - the one process that sees passwords: its parts, and how a request goes through them.
 *
 * One thread accepts, reads a packet and answers at once what needs no waiting (sessions). What hashes, asks the server or
 * looks up users goes to a bounded number of workers. Who has not sent within READ_MS is dropped; who has, is answered
 * within its budget. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "auth/bind.h"
#include "auth/cache.h"
#include "auth/keys.h"
#include "auth/login.h"
#include "auth/online.h"
#include "proof.h"
#include "settings.h"

enum {
	READ_MS = 2000,
	CONNECTIONS_MAX = 512, /* that have not sent yet */
	QUEUE_MAX = 512, /* that wait for a worker */
	PER_UID_MAX = 8, /* of either, of one user that is not root */
	BUDGET_DEFAULT_MS = 10000,
	BUDGET_MARGIN_MS = 30, /* for the way back */
};

struct request {
	int fd; /* answered and closed by who handles it */
	struct ucred peer;
	int64_t deadline_ms; /* mono_ms() */
	struct login_message ask;
	struct request *next;
};

struct work;

struct service {
	struct settings *settings;
	struct keys *keys;
	struct cache *cache;
	struct online *online;
	struct bind *bind; /* the first thread's alone */
	pthread_mutex_t proof_lock;
	struct proofs proofs;
	char folder[PATH_MAX]; /* state/auth */
	char boot_id[16];
	struct work *work;
	int ended_fd; /* an eventfd: begin anew (wiped) */
};

/* ---- handle.c: a request and its answer ---- */

/* True for what the first thread does by itself. */
bool handle_is_quick(enum login_type type);
/* Fills @reply (initialised); never blocks for quick ones. What is to be done after the answer: handle_after(). */
void handle(struct service *v, const struct request *r, struct login_message *reply);
void handle_after(struct service *v, const struct request *r, const struct login_message *reply);
/* Send and close; wipes what was asked. */
void handle_answer(struct request *r, const struct login_message *reply);

/* ---- work.c: the workers ---- */

int work_new(struct service *v, unsigned workers, struct work **out);
/* Takes over @r. Return: 0, or -EAGAIN (too many wait; @r stays the caller's). */
int work_add(struct work *w, struct request *r);
unsigned work_count_of(struct work *w, uid_t uid); /* waiting or being handled */
void work_free(struct work *w); /* ends when all that wait are answered */

/* ---- serve.c: the socket ---- */

enum serve_end { SERVE_ENDED = 1, SERVE_ANEW = 2 };

/** serve() - listen on login.sock until told to end
 * Return: SERVE_ENDED (SIGTERM, SIGINT), SERVE_ANEW (deregistered), -EWOULDBLOCK (another one runs), or -errno. */
int serve(struct service *v);
