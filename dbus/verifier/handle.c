/* SPDX-License-Identifier: Apache-2.0 */
/* handle - what is asked on login.sock, and the answers; see verifier.h and login.h. */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "auth/file.h"
#include "base/log.h"
#include "base/mono.h"
#include "verifier.h"

enum { PASSWD_OCTETS = 16384 };

static void set_result(struct login_message *reply, enum login_result result)
{
	login_set_number(reply, LOGIN_HAS_RESULT, result);
}

/* log_quote() has one thread's buffers; names from outside are made plain here. */
static const char *plain(const char *name, char out[64])
{
	size_t n = 0;

	for (; name[n] && n < 60; n++) {
		unsigned char ch = (unsigned char)name[n];

		out[n] = ch > ' ' && ch < 0x7f && !strchr("\"'\\", ch) ? (char)ch : '?';
	}
	out[n] = '\0';
	return n ? out : "-";
}

static const char *told(uint8_t result)
{
	static const char *const words[] = {
		"none", "ok", "wrong", "locked", "expired", "later", "away", "not-ours", "bad"};

	return result < sizeof(words) / sizeof(words[0]) ? words[result] : "none";
}

static void log_answer(
	const struct request *r, const struct login_message *reply, const char *event)
{
	/* Who is no user of this machine may be a password typed into the wrong line. */
	bool known = r->ask.uid != UINT32_MAX || reply->result == LOGIN_OK;
	char user[64], service[64];

	log_event(LOG_LVL_INFO, "event=%s user=%s service=%s peer=%u result=%s source=%s", event,
		known ? plain(r->ask.user, user) : "unknown", plain(r->ask.service, service),
		r->peer.uid, told(reply->result),
		reply->source == LOGIN_BY_SERVER  ? "server"
		: reply->source == LOGIN_BY_CACHE ? "cache"
						  : "-");
}

/* ---- who may ask ---- */

static bool is_ours(const struct request *r)
{
	return r->peer.uid == 0 || r->peer.uid == geteuid();
}

/* Root asks for anybody; a user for himself, by the name that the system gives his uid. May ask the user database. */
static bool may_ask_for(const struct request *r)
{
	char buf[PASSWD_OCTETS];
	struct passwd pw, *found = NULL;

	if (r->peer.uid == 0)
		return true;
	return r->peer.uid == r->ask.uid &&
	       !getpwuid_r(r->peer.uid, &pw, buf, sizeof(buf), &found) && found &&
	       !strcmp(found->pw_name, r->ask.user);
}

/* ---- online ---- */

static void make_cache_ask(const struct request *r, const char *account, struct cache_ask *ask)
{
	static const enum hash_kind kinds[] = {0, HASH_PASSWORD, HASH_PIN, HASH_CARD};

	memset(ask, 0, sizeof(*ask));
	ask->account = account;
	ask->secret = r->ask.secret;
	/* Where it was typed: another machine by its name, else the seat or terminal line. */
	ask->terminal = r->ask.rhost[0] ? r->ask.rhost : r->ask.tty;
	ask->kind = r->ask.kind < 4 ? kinds[r->ask.kind] : 0;
	ask->ttl_s = r->ask.ttl_s;
	ask->min_pin = r->ask.min_pin;
	ask->deadline_ms = r->deadline_ms;
	cache_now_get(&ask->now);
}

static void ask_server(struct service *v, const struct request *r, const char *account,
	struct online_answer *answer)
{
	int64_t now = mono_ms(), left = r->deadline_ms - now;
	/* Enough must be left for the cache if the server does not answer. */
	int64_t patience =
		left * 6 / 10 < v->settings->online_ms ? left * 6 / 10 : v->settings->online_ms;
	struct online_ask ask = {.account = account,
		.secret = r->ask.secret,
		.kind = (enum login_kind)r->ask.kind,
		.service = r->ask.service,
		.tty = r->ask.tty,
		.rhost = r->ask.rhost,
		.deadline_ms = now + patience,
		.now_s = mono_utc_s()};

	v->online->ask(v->online, &ask, answer);
}

static enum login_result of_online(enum online_result result)
{
	switch (result) {
	case ONLINE_OK:
		return LOGIN_OK;
	case ONLINE_WRONG:
		return LOGIN_WRONG;
	case ONLINE_LOCKED:
		return LOGIN_LOCKED;
	case ONLINE_EXPIRED:
		return LOGIN_EXPIRED;
	case ONLINE_LATER:
		return LOGIN_LATER;
	case ONLINE_AWAY:
		break;
	}
	return LOGIN_AWAY;
}

static enum login_result of_cache(enum cache_result result)
{
	switch (result) {
	case CACHE_OK:
		return LOGIN_OK;
	case CACHE_WRONG:
		return LOGIN_WRONG;
	case CACHE_LATER:
		return LOGIN_LATER;
	case CACHE_LOCKED:
		return LOGIN_LOCKED;
	case CACHE_EXPIRED:
		return LOGIN_EXPIRED;
	case CACHE_STALE:
		break;
	}
	return LOGIN_AWAY;
}

/* ---- requests ---- */

static void by_cache(struct service *v, const struct request *r, const char *account,
	struct login_message *reply)
{
	struct cache_answer answer;
	struct cache_ask ask;
	int rc;

	make_cache_ask(r, account, &ask);
	rc = cache_verify(v->cache, &ask, &answer);
	if (rc) {
		log_event(rc == -ETIMEDOUT ? LOG_LVL_WARNING : LOG_LVL_ERROR,
			"event=cache-failed error=%d", -rc);
		set_result(reply, LOGIN_AWAY);
		return;
	}
	set_result(reply, of_cache(answer.result));
	login_set_number(reply, LOGIN_HAS_SOURCE, LOGIN_BY_CACHE);
	if (answer.retry_s)
		login_set_number(reply, LOGIN_HAS_RETRY_S, answer.retry_s);
	if (answer.result != CACHE_OK)
		return;
	login_set_text(reply, LOGIN_HAS_ACCOUNT, answer.account);
	login_set_octets(reply, LOGIN_HAS_UUID, answer.uuid, sizeof(answer.uuid));
}

static void remember_proof(struct service *v, const struct request *r, struct login_message *reply)
{
	/* Only root opens sessions. */
	if (r->peer.uid != 0)
		return;
	pthread_mutex_lock(&v->proof_lock);
	proofs_add(&v->proofs, &r->ask, reply, mono_ms());
	pthread_mutex_unlock(&v->proof_lock);
}

static void verify(struct service *v, const struct request *r, struct login_message *reply)
{
	struct online_answer answer;
	char account[LOGIN_NAME_OCTETS + 1];

	if (!may_ask_for(r) || r->ask.uid < v->settings->min_uid ||
		settings_account(v->settings, r->ask.user, account, sizeof(account))) {
		set_result(reply, LOGIN_NOT_OURS);
		return;
	}
	ask_server(v, r, account, &answer);
	if (answer.result == ONLINE_AWAY) {
		by_cache(v, r, account, reply);
	} else {
		set_result(reply, of_online(answer.result));
		login_set_number(reply, LOGIN_HAS_SOURCE, LOGIN_BY_SERVER);
		login_set_number(reply, LOGIN_HAS_KIND, answer.kind);
		if (answer.retry_s)
			login_set_number(reply, LOGIN_HAS_RETRY_S, answer.retry_s);
		login_set_text(reply, LOGIN_HAS_ACCOUNT, account);
		login_set_octets(reply, LOGIN_HAS_UUID, answer.uuid, sizeof(answer.uuid));
	}
	if (reply->result == LOGIN_OK)
		remember_proof(v, r, reply);
	log_answer(r, reply, "login");
}

/* A PIN or card at a terminal, whose own program asks the server first. */
static void pin(struct service *v, const struct request *r, struct login_message *reply)
{
	if (!is_ours(r) || (r->ask.kind != LOGIN_PIN_CODE && r->ask.kind != LOGIN_CARD)) {
		set_result(reply, LOGIN_NOT_OURS);
		return;
	}
	by_cache(v, r, NULL, reply);
	log_answer(r, reply, "pin");
}

static void account(struct service *v, const struct request *r, struct login_message *reply)
{
	char name[LOGIN_NAME_OCTETS + 1];
	int flags;

	if (!may_ask_for(r) || r->ask.uid < v->settings->min_uid ||
		settings_account(v->settings, r->ask.user, name, sizeof(name))) {
		set_result(reply, LOGIN_NOT_OURS);
		return;
	}
	flags = cache_get_flags(v->cache, name);
	set_result(reply, flags < 0                 ? LOGIN_AWAY
			  : flags & ACCOUNT_LOCKED  ? LOGIN_LOCKED
			  : flags & ACCOUNT_EXPIRED ? LOGIN_EXPIRED
						    : LOGIN_OK);
}

/* The secret was changed by somebody else. The server's word decides whether it is kept; without it the old one goes. */
static void change(struct service *v, const struct request *r, struct login_message *reply)
{
	struct online_answer answer;
	char name[LOGIN_NAME_OCTETS + 1];

	if (!may_ask_for(r) || r->ask.uid < v->settings->min_uid ||
		settings_account(v->settings, r->ask.user, name, sizeof(name))) {
		set_result(reply, LOGIN_NOT_OURS);
		return;
	}
	ask_server(v, r, name, &answer);
	set_result(reply, of_online(answer.result));
	login_set_number(reply, LOGIN_HAS_KIND, answer.kind);
	login_set_text(reply, LOGIN_HAS_ACCOUNT, name);
	login_set_octets(reply, LOGIN_HAS_UUID, answer.uuid, sizeof(answer.uuid));
	log_answer(r, reply, "change");
}

static void open_session(struct service *v, const struct request *r, struct login_message *reply)
{
	struct binding one = {.uid = r->ask.uid, .since_s = mono_utc_s()};
	const struct proof *proof;
	char user[64];
	int rc;

	if (r->peer.uid != 0 || r->ask.uid < v->settings->min_uid ||
		settings_account(v->settings, r->ask.user, one.account, sizeof(one.account))) {
		set_result(reply, LOGIN_NOT_OURS);
		return;
	}
	strcpy(one.session, r->ask.session);
	strcpy(one.service, r->ask.service);
	pthread_mutex_lock(&v->proof_lock);
	proof = proofs_take(&v->proofs, &r->ask, mono_ms());
	if (proof) {
		one.verified = cache_get_flags(v->cache, proof->account) <= 0;
		strcpy(one.account, proof->account);
		memcpy(one.uuid, proof->uuid, sizeof(one.uuid));
	}
	pthread_mutex_unlock(&v->proof_lock);
	rc = bind_open(v->bind, &one);
	if (rc < 0)
		log_event(LOG_LVL_ERROR, "event=sessions-not-saved error=%d", -rc);
	set_result(reply, rc == BIND_E_FULL ? LOGIN_AWAY : LOGIN_OK);
	login_set_text(reply, LOGIN_HAS_ACCOUNT, one.account);
	login_set_number(reply, LOGIN_HAS_VERIFIED, one.verified);
	log_event(LOG_LVL_INFO, "event=session-opened uid=%u user=%s verified=%s", r->ask.uid,
		plain(r->ask.user, user), one.verified ? "yes" : "no");
}

static void close_session(struct service *v, const struct request *r, struct login_message *reply)
{
	int rc;

	if (r->peer.uid != 0) {
		set_result(reply, LOGIN_NOT_OURS);
		return;
	}
	rc = bind_close(v->bind, r->ask.uid, r->ask.session);
	if (rc < 0)
		log_event(LOG_LVL_ERROR, "event=sessions-not-saved error=%d", -rc);
	set_result(reply, rc == BIND_E_NONE ? LOGIN_NOT_OURS : LOGIN_OK);
	log_event(LOG_LVL_INFO, "event=session-closed uid=%u known=%s", r->ask.uid,
		rc == BIND_E_NONE ? "no" : "yes");
}

static void end_sessions(struct service *v, const struct request *r, struct login_message *reply)
{
	int n;

	if (!is_ours(r)) {
		set_result(reply, LOGIN_NOT_OURS);
		return;
	}
	n = bind_end(v->bind, r->ask.uid);
	if (n < 0)
		log_event(LOG_LVL_ERROR, "event=sessions-not-saved error=%d", -n);
	set_result(reply, LOGIN_OK);
	log_event(LOG_LVL_INFO, "event=sessions-ended uid=%u count=%d", r->ask.uid, n);
}

static void query(struct service *v, const struct request *r, struct login_message *reply)
{
	char account[LOGIN_NAME_OCTETS + 1];
	struct bind_answer answer;

	if (!is_ours(r)) {
		set_result(reply, LOGIN_NOT_OURS);
		return;
	}
	if (bind_query(v->bind, r->ask.uid, r->ask.session[0] ? r->ask.session : NULL, &answer)) {
		bool person = r->ask.uid >= v->settings->min_uid;

		/* Nobody is bound there: the rules alone say who it is. Below min-uid there are services. */
		set_result(reply, person ? LOGIN_WRONG : LOGIN_NOT_OURS);
		if (r->ask.user[0] && person &&
			!settings_account(v->settings, r->ask.user, account, sizeof(account)))
			login_set_text(reply, LOGIN_HAS_ACCOUNT, account);
		login_set_number(reply, LOGIN_HAS_SESSIONS, answer.sessions);
		return;
	}
	set_result(reply, LOGIN_OK);
	login_set_text(reply, LOGIN_HAS_ACCOUNT, answer.account);
	login_set_octets(reply, LOGIN_HAS_UUID, answer.uuid, sizeof(answer.uuid));
	login_set_number(reply, LOGIN_HAS_VERIFIED, answer.verified);
	login_set_number(reply, LOGIN_HAS_SESSIONS, answer.sessions);
}

static int apply_sync(struct service *v, size_t *accounts)
{
	uint8_t *octets = NULL, *key = NULL;
	size_t count = 0, key_octets = 0;
	struct cache_now now;
	int rc = file_read(v->folder, "policy.pub", SYNC_POLICY_PUBLIC, &key, &key_octets);

	if (!rc && key_octets != SYNC_POLICY_PUBLIC)
		rc = -ENOKEY;
	if (!rc)
		rc = file_read(v->folder, "sync.in", SYNC_OCTETS_MAX, &octets, &count);
	cache_now_get(&now);
	rc = rc > 0 ? -EPERM : rc;
	if (!rc)
		rc = cache_apply(v->cache, octets, count, key, &now, accounts);
	if (rc >= 0)
		file_erase(v->folder, "sync.in"); /* taken, or never to be */
	free(octets);
	free(key);
	return rc;
}

static void sync_cache(struct service *v, const struct request *r, struct login_message *reply)
{
	size_t accounts = 0;
	int rc;

	if (!is_ours(r)) {
		set_result(reply, LOGIN_NOT_OURS);
		return;
	}
	rc = apply_sync(v, &accounts);
	if (rc == SYNC_E_APPLIED) { /* the answer to the first time was lost */
		set_result(reply, LOGIN_OK);
		return;
	}
	set_result(reply, rc ? LOGIN_BAD : LOGIN_OK);
	if (rc > 0)
		log_event(LOG_LVL_ERROR, "event=sync-refused reason=\"%s\"",
			sync_told((enum sync_err)rc));
	else if (rc)
		log_event(LOG_LVL_ERROR, "event=sync-failed error=%d", -rc);
	else
		log_event(LOG_LVL_INFO, "event=synced accounts=%zu", accounts);
}

static void wipe(struct service *v, const struct request *r, struct login_message *reply)
{
	int rc;

	if (!is_ours(r)) {
		set_result(reply, LOGIN_NOT_OURS);
		return;
	}
	rc = cache_wipe(v->cache);
	file_erase(v->folder, "sync.in");
	file_erase(v->folder, "sync.tag");
	file_erase(v->folder, "policy.pub");
	file_erase(v->folder, "server-login.pub");
	file_erase(v->folder, "machine.pub");
	log_event(LOG_LVL_WARNING, "event=wiped error=%d", -rc);
	set_result(reply, rc ? LOGIN_BAD : LOGIN_OK);
}

static const struct {
	enum login_type type;
	bool quick;
	void (*handle)(struct service *v, const struct request *r, struct login_message *reply);
} table[] = {
	{LOGIN_VERIFY, false, verify},
	{LOGIN_ACCOUNT, false, account},
	{LOGIN_OPEN, true, open_session},
	{LOGIN_CLOSE, true, close_session},
	{LOGIN_CHANGE, false, change},
	{LOGIN_QUERY, true, query},
	{LOGIN_END, true, end_sessions},
	{LOGIN_SYNC, false, sync_cache},
	{LOGIN_WIPE, false, wipe},
	{LOGIN_PIN, false, pin},
};

bool handle_is_quick(enum login_type type)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].type == type)
			return table[i].quick;
	return true; /* it will be called bad */
}

void handle(struct service *v, const struct request *r, struct login_message *reply)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].type == r->ask.type) {
			table[i].handle(v, r, reply);
			return;
		}
	}
	set_result(reply, LOGIN_BAD);
}

void handle_answer(struct request *r, const struct login_message *reply)
{
	uint8_t packet[LOGIN_OCTETS_MAX];
	int n = login_encode(reply, packet, sizeof(packet));

	/* Who does not take one packet at once is not waited for. */
	if (n > 0 && send(r->fd, packet, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_event(LOG_LVL_DEBUG, "event=answer-lost error=%d", errno);
	explicit_bzero(packet, sizeof(packet));
	close(r->fd);
	r->fd = -1;
}

/* ---- after the answer: what the server said is kept for the time without it ---- */

static void learn(struct service *v, const struct request *r, const struct login_message *reply)
{
	struct cache_ask ask;
	int rc = 0;

	make_cache_ask(r, reply->account, &ask);
	ask.deadline_ms = mono_ms() + 30000; /* nobody waits for this */
	if (!ask.kind && reply->kind)
		ask.kind = reply->kind == LOGIN_PASSWORD ? HASH_PASSWORD
			   : reply->kind == LOGIN_CARD   ? HASH_CARD
							 : HASH_PIN;
	switch (reply->result) {
	case LOGIN_OK:
		rc = cache_learn(v->cache, &ask, reply->uuid);
		break;
	case LOGIN_WRONG:
		if (r->ask.type == LOGIN_VERIFY)
			rc = cache_unlearn(v->cache, &ask, false);
		break;
	case LOGIN_AWAY:
	case LOGIN_LATER: /* after a change the old one may be void; else nobody looked at the secret */
		if (r->ask.type == LOGIN_CHANGE)
			rc = cache_unlearn(v->cache, &ask, true);
		break;
	case LOGIN_LOCKED:
		rc = cache_mark(v->cache, ask.account, ACCOUNT_LOCKED);
		break;
	case LOGIN_EXPIRED:
		rc = cache_mark(v->cache, ask.account, ACCOUNT_EXPIRED);
		break;
	default:
		break;
	}
	if (rc)
		log_event(LOG_LVL_ERROR, "event=cache-not-kept error=%d", -rc);
}

void handle_after(struct service *v, const struct request *r, const struct login_message *reply)
{
	uint64_t one = 1;

	if ((r->ask.type == LOGIN_VERIFY && reply->source == LOGIN_BY_SERVER) ||
		(r->ask.type == LOGIN_CHANGE && reply->account[0]))
		learn(v, r, reply);
	if (r->ask.type == LOGIN_WIPE && reply->result != LOGIN_NOT_OURS &&
		write(v->ended_fd, &one, sizeof(one)) < 0)
		log_event(LOG_LVL_ERROR, "event=no-new-beginning error=%d", errno);
}
