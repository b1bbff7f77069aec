/* SPDX-License-Identifier: Apache-2.0 */
/* online - see online.h. */
#include "auth/online.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "auth/file.h"
#include "auth/login-call.h"
#include "auth/octets.h"

enum { VERSION = 1, PLAIN = ONLINE_SEALED_OCTETS - crypto_box_SEALBYTES };
_Static_assert(
	1 + 1 + ONLINE_NUMBER_OCTETS + 8 + 2 + LOGIN_NAME_OCTETS + 2 + LOGIN_SECRET_MAX <= PLAIN,
	"the longest fits");
_Static_assert((int)ONLINE_SEALED_OCTETS <= (int)LOGIN_SEALED_MAX, "and so does it sealed");

int online_seal(const uint8_t server_public[ONLINE_PUBLIC_OCTETS], const struct online_ask *ask,
	uint8_t out[ONLINE_SEALED_OCTETS])
{
	uint8_t number[ONLINE_NUMBER_OCTETS];
	struct octets_out o = {0};
	int rc = 0;

	if (strlen(ask->account) > LOGIN_NAME_OCTETS || strlen(ask->secret) > LOGIN_SECRET_MAX)
		return -EMSGSIZE;
	if (sodium_init() < 0)
		return -EIO;
	randombytes_buf(number, sizeof(number));
	octets_put_number(&o, VERSION, 1);
	octets_put_number(&o, ask->kind, 1);
	octets_put(&o, number, sizeof(number));
	octets_put_number(&o, (uint64_t)ask->now_s, 8);
	octets_put_text(&o, ask->account);
	octets_put_text(&o, ask->secret);
	while (!o.bad && o.count < PLAIN)
		octets_put_number(&o, 0, 1);
	if (o.bad || crypto_box_seal(out, o.octets, PLAIN, server_public))
		rc = -EIO;
	octets_out_fini(&o);
	return rc;
}

int online_open(const uint8_t server_public[ONLINE_PUBLIC_OCTETS],
	const uint8_t server_secret[ONLINE_SECRET_OCTETS], const uint8_t *sealed, size_t count,
	int64_t now_s, struct online_opened *out)
{
	uint8_t plain[PLAIN];
	struct octets_in in = {plain, plain + PLAIN, false};
	int rc = -EBADMSG;

	memset(out, 0, sizeof(*out));
	if (count == ONLINE_SEALED_OCTETS && sodium_init() >= 0 &&
		!crypto_box_seal_open(plain, sealed, count, server_public, server_secret) &&
		octets_get_number(&in, 1) == VERSION) {
		out->kind = (enum login_kind)octets_get_number(&in, 1);
		octets_get_into(&in, out->number, sizeof(out->number));
		out->at_s = (int64_t)octets_get_number(&in, 8);
		octets_get_text(&in, out->account, sizeof(out->account));
		octets_get_text(&in, out->secret, sizeof(out->secret));
		rc = in.bad || out->kind > LOGIN_CARD ? -EBADMSG : 0;
	}
	/* In two steps: a time made up by the sender must not overflow the difference. */
	if (!rc && (out->at_s < now_s - ONLINE_SLACK_S || out->at_s > now_s + ONLINE_SLACK_S))
		rc = -ETIME;
	explicit_bzero(plain, sizeof(plain));
	if (rc)
		explicit_bzero(out, sizeof(*out));
	return rc;
}

/* ---- nobody to ask ---- */

static void none_ask(
	const struct online *o, const struct online_ask *ask, struct online_answer *answer)
{
	(void)o;
	(void)ask;
	memset(answer, 0, sizeof(*answer));
	answer->result = ONLINE_AWAY;
}

static void none_free(struct online *o)
{
	free(o);
}

int online_none_new(struct online **out)
{
	struct online *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	*o = (struct online){none_ask, none_free};
	*out = o;
	return 0;
}

void online_free(struct online *o)
{
	if (o)
		o->free(o);
}

/* ---- over online.sock ---- */

struct by_socket {
	struct online online; /* first: what callers hold points here */
	char *path, *key_folder;
	uid_t uid;
};

static enum online_result result_of(uint8_t result)
{
	switch (result) {
	case LOGIN_OK:
		return ONLINE_OK;
	case LOGIN_WRONG:
		return ONLINE_WRONG;
	case LOGIN_LOCKED:
		return ONLINE_LOCKED;
	case LOGIN_LATER:
		return ONLINE_LATER;
	case LOGIN_EXPIRED:
		return ONLINE_EXPIRED;
	default:
		return ONLINE_AWAY;
	}
}

static int read_key(const char *folder, uint8_t key[ONLINE_PUBLIC_OCTETS])
{
	uint8_t *octets = NULL;
	size_t count = 0;
	int rc = file_read(folder, "server-login.pub", ONLINE_PUBLIC_OCTETS, &octets, &count);

	if (!rc && count == ONLINE_PUBLIC_OCTETS)
		memcpy(key, octets, count);
	else
		rc = -ENOKEY;
	free(octets);
	return rc;
}

static int make_ask(
	const struct by_socket *s, const struct online_ask *ask, struct login_message *m)
{
	uint8_t key[ONLINE_PUBLIC_OCTETS], sealed[ONLINE_SEALED_OCTETS];
	int64_t left = ask->deadline_ms - login_call_now_ms();
	int rc = read_key(s->key_folder, key);

	if (rc)
		return rc;
	if (left <= 0)
		return -ETIMEDOUT;
	rc = online_seal(key, ask, sealed);
	if (rc)
		return rc;
	login_init(m, LOGIN_ONLINE);
	login_set_octets(m, LOGIN_HAS_SEALED, sealed, sizeof(sealed));
	login_set_number(m, LOGIN_HAS_KIND, ask->kind);
	login_set_number(m, LOGIN_HAS_BUDGET_MS, (uint32_t)left);
	rc = login_set_text(m, LOGIN_HAS_ACCOUNT, ask->account);
	if (!rc)
		rc = login_set_text(m, LOGIN_HAS_SERVICE, ask->service);
	if (!rc)
		rc = login_set_text(m, LOGIN_HAS_TTY, ask->tty);
	if (!rc)
		rc = login_set_text(m, LOGIN_HAS_RHOST, ask->rhost);
	return rc;
}

static void socket_ask(
	const struct online *o, const struct online_ask *ask, struct online_answer *answer)
{
	const struct by_socket *s = (const struct by_socket *)o;
	struct login_message m, reply;
	int rc = make_ask(s, ask, &m);

	memset(answer, 0, sizeof(*answer));
	answer->result = ONLINE_AWAY;
	if (!rc)
		rc = login_call(s->path, s->uid, ask->deadline_ms, &m, &reply);
	if (rc)
		return;
	answer->result = result_of(reply.result);
	answer->kind = reply.kind <= LOGIN_CARD ? (enum login_kind)reply.kind : LOGIN_ANY;
	answer->retry_s = reply.retry_s;
	memcpy(answer->uuid, reply.uuid, sizeof(answer->uuid));
}

static void socket_free(struct online *o)
{
	struct by_socket *s = (struct by_socket *)o;

	free(s->path);
	free(s->key_folder);
	free(s);
}

int online_socket_new(const char *path, uid_t uid, const char *key_folder, struct online **out)
{
	struct by_socket *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->online = (struct online){socket_ask, socket_free};
	s->uid = uid;
	s->path = strdup(path);
	s->key_folder = strdup(key_folder);
	if (!s->path || !s->key_folder) {
		socket_free(&s->online);
		return -ENOMEM;
	}
	*out = &s->online;
	return 0;
}
