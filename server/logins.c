/* SPDX-License-Identifier: Apache-2.0 */
/* logins - see logins.h.
 *
 * A question goes: application thread (opened, its number kept, parked) - one of the threads (accounts_login(), a hash's
 * time) - application thread again (answered). Whose call has gone meanwhile is told nothing. */
#include "logins.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts.h"
#include "app.h"
#include "auth/online.h"
#include "base/log.h"
#include "base/mono.h"
#include "base/text.h"
#include "ca.h"
#include "core/uuid.h"
#include "core/vendor.h"

#define NEWEST "login-newest"

enum {
	THREADS = 2, /* hashes are work: more would only wait for the processor */
	WAITING_MAX = 256,
	WAITING_OF_ONE = 64, /* of one machine: fifty people who log in at once are no flood */
	SEEN = 65536, /* numbers that are remembered; more in four minutes are refused as busy */
	SEEN_S = 2 * ONLINE_SLACK_S,
	ANSWER_MS = 20000,
};

struct question {
	struct question *next; /* for the threads */
	struct question *next_open;
	struct logins *logins;
	struct serve_call *call; /* NULL: gone */
	char machine[64], service[65];
	struct online_opened opened;
	struct accounts_said said;
	int rc;
};

struct seen {
	uint8_t number[ONLINE_NUMBER_OCTETS];
	int64_t at_s; /* 0: free */
};

struct logins {
	struct app *app;
	uint8_t public_key[ONLINE_PUBLIC_OCTETS], secret_key[ONLINE_SECRET_OCTETS];
	int64_t barrier_s; /* what was sealed up to then may have come before this start: its number is not known */
	int64_t newest_s; /* the newest that was taken: the next start's barrier, in the database as NEWEST */
	struct seen *seen; /* open addressing, by the number's first octets: they are random */
	struct question *open; /* not answered yet; application thread */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct question *head, **tail;
	bool closed;
	pthread_t thread[THREADS];
	struct accounts_verifier *verifier[THREADS];
	unsigned started;
};

static void question_free(struct question *q)
{
	explicit_bzero(q, sizeof(*q));
	free(q);
}

/* ---- the threads ---- */

static void answered(void *app, void *arg);

static struct question *next_question(struct logins *l)
{
	struct question *q;

	pthread_mutex_lock(&l->lock);
	while (!l->head && !l->closed)
		pthread_cond_wait(&l->wake, &l->lock);
	q = l->closed ? NULL : l->head;
	if (q) {
		l->head = q->next;
		if (!l->head)
			l->tail = &l->head;
		q->next = NULL;
	}
	pthread_mutex_unlock(&l->lock);
	return q;
}

struct hand {
	struct logins *logins;
	struct accounts_verifier *verifier;
};

static enum accounts_kind kind_of(enum login_kind kind)
{
	switch (kind) {
	case LOGIN_PASSWORD:
		return ACCOUNTS_PASSWORD;
	case LOGIN_PIN_CODE:
		return ACCOUNTS_PIN;
	case LOGIN_CARD:
		return ACCOUNTS_CARD;
	default:
		return ACCOUNTS_ANY;
	}
}

static void *run(void *arg)
{
	struct hand hand = *(struct hand *)arg;
	struct question *q;

	free(arg);
	while ((q = next_question(hand.logins))) {
		struct accounts_try t = {.kind = kind_of(q->opened.kind),
			.account = q->opened.account,
			.secret = q->opened.secret,
			.service = q->service,
			.place = q->machine};

		q->rc = accounts_login(hand.verifier, &t, &q->said);
		explicit_bzero(q->opened.secret, sizeof(q->opened.secret));
		serve_post(hand.logins->app->serve, answered, q);
	}
	return NULL;
}

/* ---- numbers ---- */

/* 0: it is new, and kept; 1: it came before; -ENOSPC. */
static int keep_number(struct logins *l, const uint8_t number[ONLINE_NUMBER_OCTETS], int64_t now_s)
{
	struct seen *free_one = NULL;
	uint32_t at;

	memcpy(&at, number, sizeof(at));
	for (unsigned i = 0; i < 64; i++) {
		struct seen *s = &l->seen[(at + i) % SEEN];

		if (s->at_s && !sodium_memcmp(s->number, number, sizeof(s->number)) &&
			now_s - s->at_s <= SEEN_S)
			return 1;
		if (!free_one && (!s->at_s || now_s - s->at_s > SEEN_S))
			free_one = s;
	}
	if (!free_one)
		return -ENOSPC;
	memcpy(free_one->number, number, sizeof(free_one->number));
	free_one->at_s = now_s;
	return 0;
}

/* ---- answers ---- */

static const char *const result_words[] = {[ACCOUNTS_OK] = "ok",
	[ACCOUNTS_WRONG] = "wrong",
	[ACCOUNTS_LOCKED] = "locked",
	[ACCOUNTS_EXPIRED] = "expired",
	[ACCOUNTS_LATER] = "later"};
static const char *const kind_words[] = {[ACCOUNTS_ANY] = "any",
	[ACCOUNTS_PASSWORD] = "password",
	[ACCOUNTS_PIN] = "pin",
	[ACCOUNTS_CARD] = "card"};

static void fill(ipp_t *reply, const struct accounts_said *said)
{
	char uuid[UUID_SIZE];

	ippAddString(reply, IPP_TAG_PRINTER, IPP_TAG_KEYWORD, VENDOR_LOGIN_RESULT, NULL,
		result_words[said->result]);
	if (said->result == ACCOUNTS_LATER)
		ippAddInteger(reply, IPP_TAG_PRINTER, IPP_TAG_INTEGER, VENDOR_LOGIN_RETRY,
			(int)said->retry_s);
	if (said->result != ACCOUNTS_OK)
		return;
	ippAddString(reply, IPP_TAG_PRINTER, IPP_TAG_KEYWORD, VENDOR_LOGIN_KIND, NULL,
		kind_words[said->kind]);
	uuid_text(said->uuid, uuid);
	ippAddString(reply, IPP_TAG_PRINTER, IPP_TAG_URI, VENDOR_ACCOUNT_UUID, NULL, uuid);
}

static void forget(struct question *q)
{
	struct question **at = &q->logins->open;

	while (*at && *at != q)
		at = &(*at)->next_open;
	if (*at)
		*at = q->next_open;
}

/* On the application thread, with an answer. */
static void answered(void *app, void *arg)
{
	struct question *q = arg;

	(void)app;
	forget(q);
	if (q->call && q->rc) {
		serve_say(q->call, "Logins cannot be checked at present.");
		serve_answer(q->call, IPP_STATUS_ERROR_SERVICE_UNAVAILABLE);
	} else if (q->call) {
		fill(serve_reply(q->call), &q->said);
		serve_answer(q->call, IPP_STATUS_OK);
	}
	question_free(q);
}

/* Its time is over, or its caller is: the thread still has the question. */
static void given_up(void *arg, struct serve_call *c, bool gone)
{
	struct question *q = arg;

	(void)gone;
	q->call = NULL;
	serve_answer(c, IPP_STATUS_ERROR_BUSY);
}

/* ---- Verify-Login ---- */

static bool has_room(const struct logins *l, const char *machine)
{
	unsigned all = 0, of_one = 0;

	for (const struct question *q = l->open; q; q = q->next_open) {
		all++;
		of_one += !strcmp(q->machine, machine);
	}
	return all < WAITING_MAX && of_one < WAITING_OF_ONE;
}

static int open_sealed(struct logins *l, struct serve_call *c, struct online_opened *out)
{
	ipp_attribute_t *attr =
		ippFindAttribute(serve_request(c), VENDOR_LOGIN_SEALED, IPP_TAG_STRING);
	int count = 0, rc;
	const void *sealed = attr ? ippGetOctetString(attr, 0, &count) : NULL;

	if (!sealed) {
		serve_say(c, "There is no %s.", VENDOR_LOGIN_SEALED);
		return IPP_STATUS_ERROR_BAD_REQUEST;
	}
	rc = online_open(
		l->public_key, l->secret_key, sealed, (size_t)count, l->app->now_ms / 1000, out);
	if (rc == -ETIME) {
		serve_say(c, "The machine's clock is more than %d seconds off the server's.",
			ONLINE_SLACK_S);
		return IPP_STATUS_ERROR_NOT_POSSIBLE;
	}
	if (!rc && out->at_s <= l->barrier_s)
		rc = -EAGAIN;
	if (rc == -EAGAIN) {
		serve_say(c, "The server has just started.");
		return IPP_STATUS_ERROR_BUSY;
	}
	if (rc) {
		serve_say(c, "It is not sealed to the login key of this server.");
		return IPP_STATUS_ERROR_NOT_POSSIBLE;
	}
	return IPP_STATUS_OK;
}

/* In the group's transaction: on disk before anything is answered. */
static int keep_newest(struct logins *l, int64_t at_s)
{
	char text[24];
	int rc;

	if (at_s <= l->newest_s)
		return 0;
	snprintf(text, sizeof(text), "%lld", (long long)at_s);
	rc = db_setting_put(&l->app->sql, NEWEST, text);
	if (!rc)
		l->newest_s = at_s;
	return rc;
}

/* By the machines' clocks, one of which may be ahead of ours. A database that was restored knows less: then our own start. */
static int load_barrier(struct logins *l)
{
	char text[24] = "";
	int rc = db_setting_get(&l->app->sql, NEWEST, text, sizeof(text));

	l->newest_s = rc ? 0 : atoll(text);
	l->barrier_s = mono_utc_s();
	/* Nothing is taken that is further ahead: a clock of ours that was put back keeps nobody out for longer. */
	if (l->newest_s > l->barrier_s + ONLINE_SLACK_S)
		l->newest_s = l->barrier_s + ONLINE_SLACK_S;
	if (l->newest_s > l->barrier_s)
		l->barrier_s = l->newest_s;
	return rc < 0 ? rc : 0;
}

static int judge_number(struct logins *l, struct serve_call *c, const struct online_opened *o)
{
	int rc = keep_number(l, o->number, l->app->now_ms / 1000);

	if (!rc)
		rc = keep_newest(l, o->at_s);
	if (rc == 1) {
		log_event(LOG_LVL_WARNING, "event=login-repeated machine=%s",
			log_quote(serve_peer(c)->uuid));
		serve_say(c, "This question was asked before.");
		return IPP_STATUS_ERROR_NOT_AUTHORIZED;
	}
	return rc ? IPP_STATUS_ERROR_BUSY : IPP_STATUS_OK;
}

static void put_service(struct serve_call *c, char *out, size_t size)
{
	ipp_attribute_t *attr =
		ippFindAttribute(serve_request(c), VENDOR_LOGIN_SERVICE, IPP_TAG_NAME);
	const char *name = attr ? ippGetString(attr, 0, NULL) : NULL;

	text_display(out, size, name && *name ? name : "login");
}

static void post(struct logins *l, struct question *q)
{
	q->next_open = l->open;
	l->open = q;
	serve_park(q->call, ANSWER_MS, given_up, q);
	pthread_mutex_lock(&l->lock);
	*l->tail = q;
	l->tail = &q->next;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
}

static int verify_login(void *arg, struct serve_call *c)
{
	struct app *app = arg;
	struct question *q;
	struct machine m;
	int status = machines_check(app, c, &m);

	if (status)
		return status;
	q = has_room(app->logins, m.uuid) ? calloc(1, sizeof(*q)) : NULL;
	if (!q)
		return IPP_STATUS_ERROR_BUSY;
	q->logins = app->logins;
	q->call = c;
	snprintf(q->machine, sizeof(q->machine), "%s", m.uuid);
	put_service(c, q->service, sizeof(q->service));
	status = open_sealed(app->logins, c, &q->opened);
	if (!status)
		status = judge_number(app->logins, c, &q->opened);
	if (status) {
		question_free(q);
		return status;
	}
	post(app->logins, q);
	return SERVE_PARKED;
}

const struct serve_operation logins_operations[] = {
	{VENDOR_OP_VERIFY_LOGIN, SERVE_MACHINE, verify_login},
	{0},
};

/* ---- beginning and end ---- */

static int start_thread(struct logins *l)
{
	struct hand *hand = calloc(1, sizeof(*hand));
	unsigned i = l->started;
	int rc = hand ? accounts_verifier_new(l->app->config->state, &l->verifier[i]) : -ENOMEM;

	if (!rc) {
		accounts_verifier_use(l->verifier[i], l->app->config);
		*hand = (struct hand){l, l->verifier[i]};
		rc = -pthread_create(&l->thread[i], NULL, run, hand);
	}
	if (rc)
		free(hand);
	else
		l->started++;
	return rc;
}

int logins_new(struct app *app, struct logins **out)
{
	AUTO(logins_freep) struct logins *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return -ENOMEM;
	l->app = app;
	l->tail = &l->head;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->wake, NULL);
	l->seen = calloc(SEEN, sizeof(*l->seen));
	rc = l->seen ? ca_login_keys(app->config->state, l->public_key, l->secret_key) : -ENOMEM;
	if (!rc)
		rc = load_barrier(l);
	for (int i = 0; !rc && i < THREADS; i++)
		rc = start_thread(l);
	if (rc)
		return rc;
	*out = STEAL(l);
	return 0;
}

void logins_free(struct logins *l)
{
	struct question *q;

	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->closed = true;
	pthread_cond_broadcast(&l->wake);
	pthread_mutex_unlock(&l->lock);
	for (unsigned i = 0; i < l->started; i++)
		pthread_join(l->thread[i], NULL);
	for (int i = 0; i < THREADS; i++)
		accounts_verifier_free(l->verifier[i]);
	while ((q = l->open)) {
		l->open = q->next_open;
		question_free(q);
	}
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->wake);
	free(l->seen);
	explicit_bzero(l, sizeof(*l));
	free(l);
}
