/* SPDX-License-Identifier: Apache-2.0 */
/* online - what the server says to a login; how the verifier asks, and how the server understands it.
 *
 * The verifier alone sees passwords, but it has no network. So it seals account and secret to the server's login key, and
 * whoever listens on online.sock (the daemon) carries it to the server as it is, over its mutual TLS, and brings the answer
 * back. Nobody on the way can read it; a copy of it is refused by the server, since it has its time and its number. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "auth/login.h"
#include "base/auto.h"

enum {
	ONLINE_PUBLIC_OCTETS = 32, /* X25519: the server's login key */
	ONLINE_SECRET_OCTETS = 32,
	ONLINE_NUMBER_OCTETS = 16,
	ONLINE_SEALED_OCTETS = 944, /* always: the length tells nothing of the password's */
	ONLINE_SLACK_S = 120, /* how far the two clocks may be apart */
};

enum online_result {
	ONLINE_OK = 1,
	ONLINE_WRONG,
	ONLINE_LOCKED,
	ONLINE_EXPIRED,
	ONLINE_LATER, /* too many attempts: again in retry_s; says nothing of the account */
	ONLINE_AWAY,
};

struct online_ask {
	const char *account, *secret;
	enum login_kind kind;
	const char *service, *tty, *rhost; /* for the server's audit; may be "" */
	int64_t deadline_ms; /* login_call_now_ms() */
	int64_t now_s; /* Unix UTC */
};

struct online_answer {
	enum online_result result;
	enum login_kind kind; /* what the secret was, when the server tells */
	uint8_t uuid[LOGIN_UUID_OCTETS];
	uint32_t retry_s;
};

/* One way of asking. ask() may be called from many threads at once and returns by the deadline. */
struct online {
	void (*ask)(
		const struct online *o, const struct online_ask *ask, struct online_answer *answer);
	void (*free)(struct online *o);
};

int online_none_new(struct online **out); /* always ONLINE_AWAY */

/** online_socket_new() - ask who listens at @path (root, @uid or ourselves)
 * @key_folder: has the server's login key as the file "server-login.pub" (32 octets); without it nothing is sent, and the
 * server is away. Read again each time, so that an enrolment needs no restart. */
int online_socket_new(const char *path, uid_t uid, const char *key_folder, struct online **out);
void online_free(struct online *o);
AUTO_DEFINE(struct online *, online_free)

/** online_seal() - the verifier's side. Return: 0, -EMSGSIZE, or -EIO. */
int online_seal(const uint8_t server_public[ONLINE_PUBLIC_OCTETS], const struct online_ask *ask,
	uint8_t out[ONLINE_SEALED_OCTETS]);

struct online_opened {
	enum login_kind kind;
	uint8_t number
		[ONLINE_NUMBER_OCTETS]; /* the server refuses it a second time for 2 * ONLINE_SLACK_S */
	int64_t at_s;
	char account[LOGIN_NAME_OCTETS + 1];
	char secret[LOGIN_SECRET_MAX + 1];
};

/** online_open() - the server's side; the caller wipes @out and remembers the number
 * Return: 0, -EBADMSG (not for us, or damaged), -ETIME (too old, or of the future). */
int online_open(const uint8_t server_public[ONLINE_PUBLIC_OCTETS],
	const uint8_t server_secret[ONLINE_SECRET_OCTETS], const uint8_t *sealed, size_t count,
	int64_t now_s, struct online_opened *out);
