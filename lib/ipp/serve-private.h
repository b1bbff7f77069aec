/* SPDX-License-Identifier: Apache-2.0 */
/* serve-private - what serve's files share. Which thread may touch what:
 *
 *   pool    libmicrohttpd's threads: a call while it is read, and again once it is answered
 *   login   the password thread: a call between serve_login_submit() and its result
 *   app     serve_run()'s thread: a call from serve_queue_take() to its answer; parks, groups
 * A call that comes alone is run where it was read (serve_run_alone): whoever holds group_lock is the application.
 * A call belongs to one of them at a time; serve_queue_push(), serve_login_submit() and MHD_resume_connection() hand it on. While it is
 * not the pool's its connection is suspended, so libmicrohttpd neither closes nor frees anything of it. */
#pragma once

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "ipp/request.h"
#include "ipp/serve.h"

enum {
	FORM_MAX_OCTETS = 65536,
	FORM_MAX_FIELDS = 64,
	DRAIN_MAX_OCTETS = 1024 * 1024, /* of a body whose length we know to be too much */
	DISCARD_MAX_OCTETS = 16 * 1024 * 1024,
	BODIES_MAX_OCTETS = 64 * 1024 * 1024, /* of all calls; machines may use twice that */
	GROUP_MAX_CALLS = 256,
	GROUP_MAX_OF_ONE = 8, /* calls of one peer in a group */
	LANE_MAX_CALLS = 64, /* of one peer, waiting */
	LOGIN_MAX_WAITING = 64,
	LOGIN_MAX_OF_ONE = 8, /* passwords from one address, waiting */
	LOGIN_TRIES = 10, /* wrong ones from one address; one more every LOGIN_REFILL_MS */
	LOGIN_REFILL_MS = 6000,
	LOGIN_SLOTS = 8192,
	SWEEP_MS = 500,
	PEER_LOOK_MS = 5000, /* how often a parked peer is looked at */
	IDLE_MS = 120000, /* an open connection without a request */
	THREADS_MAX = 16,
	HANDSHAKE_NAP_MS = 5,
	CROWD_MS = 20, /* calls that came together: how long all go into groups */
};

/* ---- a connection ---- */

struct conn {
	struct serve *s;
	struct worker *worker;
	struct conn *next, *prev; /* all of them; serve.conns_lock */
	int fd;
	bool web;
	struct sockaddr_storage from;
	_Atomic bool calling; /* a whole request is being worked on: not slow, ours to answer */
	_Atomic int64_t
		since_ms; /* begin of the connection, of the request, or end of the last one */
	_Atomic bool reading; /* the head of a request has come, its body not yet */
	_Atomic bool greeted; /* there was a request */
	bool dry; /* the handshake waits for octets */
	bool identified; /* its certificate has been looked at */
	bool machine; /* it has one that holds */
	char uuid[64], fingerprint[65];
	int64_t cert_expires_s;
	bool known; /* @digest is that of an Authorization header that was right for @user */
	uint8_t digest[32];
	char user[256];
	struct serve_peer peer; /* of the present call */
};

/* ---- a call ---- */

enum stage {
	STAGE_READ, /* pool */
	STAGE_LOGIN, /* login */
	STAGE_LOGGED, /* pool: the login's result is there */
	STAGE_APP, /* queued, running or parked */
	STAGE_ANSWERED, /* pool: send it */
	STAGE_CUT, /* pool: close the connection */
};

enum login_result { LOGIN_NONE, LOGIN_RIGHT, LOGIN_WRONG, LOGIN_TOO_MANY, LOGIN_BUSY, LOGIN_FAULT };

/* A password on its way; heap, wiped. */
struct login {
	char user[256], password[256];
	uint8_t digest[32]; /* of the header; for a form: unused */
	char canonical[256];
	enum login_result result;
	bool form;
};

struct field {
	char *name, *value;
};

struct serve_call {
	struct serve *s;
	struct conn *conn;
	struct MHD_Connection *mhd;
	enum stage stage;
	struct serve_call *next; /* in a lane, the login queue or the answers */

	char *body;
	size_t body_octets, body_size, seen_octets;
	bool overflow; /* more came than is kept */
	bool too_long; /* and its length said so before: HTTP 413 */
	struct login *login;

	/* IPP */
	const struct serve_operation *operation;
	struct request request;
	const char *path; /* HTTP's, decoded; the connection's */
	ipp_t *reply, *unsupported;
	ipp_status_t status;
	char said[256];
	char *secret;
	const char **wanted; /* requested-attributes, sorted */
	int wanted_count; /* -1: not looked at yet */

	/* page */
	const struct serve_page *page;
	struct MHD_Response *response;
	unsigned http_status;
	struct header {
		char *name, *value;
		struct header *next;
	} * headers;
	struct field *fields;
	int field_count; /* -1: not looked at yet */
	bool asks; /* serve_page_verify() was called in this run */

	/* app */
	bool answered, gone;
	bool alone; /* in serve_run_alone(): its connection is not suspended */
	serve_wake_fn *wake;
	void *wake_arg;
	int64_t due_ms;
	size_t heap_at; /* its place in serve.parked; while wake is set */
	struct serve_call *look_next, *look_prev; /* ring of the parked, the longest unseen first */
	int64_t looked_ms;
};

/* The two are one: which side it is tells @page. */
struct serve_page_call {
	struct serve_call c;
};

/* ---- the service ---- */

struct lane {
	struct lane *hash_next, *next;
	struct serve_call *head, *tail;
	unsigned count, taken;
	char key[288];
};

struct lanes {
	struct lane *head, *tail; /* those with calls, in turn */
	size_t waiting;
	struct lane *hash[1024];
};

/* What an address is doing; few slots, shared by chance. serve.login_lock. */
struct throttle {
	int64_t full_ms; /* when all tries are there again */
	uint32_t connections;
	uint16_t waiting;
};

/* One thread of the pool: a libmicrohttpd daemon of its own, since only those tell their epoll descriptor. */
struct worker {
	struct listener *l;
	struct MHD_Daemon *daemon;
	_Atomic int epoll_fd; /* -1 until it is known */
};

struct listener {
	struct serve *s;
	bool web;
	struct worker workers[THREADS_MAX];
	unsigned count;
	uint16_t port;
};

struct tls;

struct post {
	struct post *next;
	serve_post_fn *fn;
	void *arg;
};

struct serve {
	struct serve_config config;
	struct listener ipp, web;
	struct tls *tls;
	int wake_fd; /* eventfd of the app thread */
	volatile sig_atomic_t stop;
	_Atomic bool closing;
	_Atomic uint64_t connections;
	_Atomic size_t bodies; /* octets */

	pthread_mutex_t conns_lock;
	struct conn *conns;

	pthread_mutex_t queue_lock;
	struct lanes lanes;
	bool queue_closed, sleeping;
	struct post *posts, **posts_end;
	uint8_t seed[16];

	pthread_mutex_t login_lock;
	pthread_cond_t login_wake;
	pthread_t login_thread;
	bool login_started, login_closed;
	struct serve_call *login_head, *login_tail;
	unsigned login_waiting;
	uint8_t login_key[32];
	struct throttle *throttles;

	_Atomic int64_t crowded_ms; /* when a call last found another one being run */

	pthread_mutex_t group_lock; /* a group runs, or what follows is looked at */
	bool running; /* serve_run() is in its loop */
	int64_t asleep_ms; /* the application thread sleeps at most until then */
	int64_t ended_ms; /* the latest group */
	struct post *taken; /* run in the present group */
	struct serve_call **parked; /* heap by due_ms */
	size_t parked_count, parked_size;
	struct serve_call *look; /* head of the ring */
	struct serve_call *answers;
	int64_t tick_due_ms, sweep_due_ms;
};

/* serve-queue.c: between pool and app */
bool serve_queue_has_room(struct serve *s, const struct conn *conn);
/* False: closed; the call is still the caller's. */
bool serve_queue_push(struct serve *s, struct serve_call *c);
/* A group's calls, in turn by peer. Closed or empty: NULL. */
struct serve_call *serve_queue_take(struct serve *s);
bool serve_queue_waits(
	struct serve *s, bool sleep); /* true: there is work; else @sleep marks the thread asleep */
void serve_queue_awake(struct serve *s);
struct post *serve_queue_take_posts(struct serve *s); /* the caller's to free */
void serve_queue_close(struct serve *s); /* everything that waits is cut */
/* Parks; app thread. Return of serve_park_add: 0 or -ENOMEM. */
int serve_park_add(struct serve *s, struct serve_call *c);
void serve_park_remove(struct serve *s, struct serve_call *c);
struct serve_call *serve_park_due(
	struct serve *s, int64_t now_ms); /* the next one whose time is over */
void serve_park_delay(struct serve *s, struct serve_call *c, int64_t due_ms);
/* Marks as gone (and due now) whose peer hung up; looks at each every PEER_LOOK_MS. */
void serve_park_look(struct serve *s, int64_t now_ms);

/* serve-login.c */
int serve_login_start(struct serve *s);
void serve_login_stop(struct serve *s);
/* Takes the call if it returns LOGIN_NONE; else the answer is there at once. Its connection must be suspended before. */
enum login_result serve_login_submit(struct serve *s, struct serve_call *c);
/* True: that many wrong ones came from there that no other is looked at. */
bool serve_login_is_closed(struct serve *s, const struct conn *conn);
/* A connection of that address more or less; false: it has as many as it may. */
bool serve_login_connects(struct serve *s, const struct sockaddr *from);
void serve_login_counts(struct serve *s, const struct conn *conn, int by);
void serve_login_failed(struct serve *s, const struct conn *conn); /* a wrong code */
void serve_login_digest(struct serve *s, const char *header, uint8_t out[32]);
struct login *serve_login_new(const char *user, const char *password);
void serve_login_free(struct login *l);

/* serve-tls.c */
int serve_tls_new(
	const struct serve_config *config, struct tls **out); /* -EINVAL: cannot be used */
void serve_tls_free(struct tls *t);
extern const char serve_tls_priorities[];
void serve_tls_connection_starts(struct tls *t, struct conn *conn, struct MHD_Connection *mhd);
/* Fills machine, uuid, fingerprint, cert_expires_s. */
void serve_tls_identify(struct conn *conn, struct MHD_Connection *mhd);

/* serve-http.c */
enum MHD_Result serve_http_handle(void *cls, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **con_cls);
void serve_http_completed(
	void *cls, struct MHD_Connection *mhd, void **con_cls, enum MHD_RequestTerminationCode why);
void serve_http_hand_back(struct serve_call *c, enum stage stage); /* to the pool */
enum MHD_Result serve_http_say(struct serve_call *c, unsigned status, const char *text);

/* serve-call.c */
int serve_call_reply(struct serve_call *c, ipp_status_t status); /* a new, empty reply */
/* The reply as it goes out, with what was said and what is unsupported. 0, -ENOMEM, -EINVAL. */
int serve_call_encode(struct serve_call *c, void **out, size_t *octets);
void serve_call_spoil(struct serve_call *c); /* what it says is not on disk */
void serve_call_free(struct serve_call *c);

/* serve-page.c */
enum MHD_Result serve_page_send(struct serve_call *c);
void serve_page_fini(struct serve_call *c);
const struct serve_page *serve_page_find(const struct serve_page *const *tables, const char *path,
	const char *method, bool *path_known);
/* Decodes "a=b&c=d" in place. Return: fields, -1 too many or broken. */
int serve_page_fields(char *text, struct field *out, int max);
void serve_page_text(struct serve_call *c, unsigned status, const char *text);

/* serve.c: how the app thread ends a call */
void serve_settle(struct serve_call *c);
/* A group of this call alone, here and now: two changes of thread less. True: it was answered, or parked and its connection
 * suspended. False: others are there, or it is no operation; the call is still the caller's. Pool threads. */
bool serve_run_alone(struct serve_call *c);
