/* SPDX-License-Identifier: Apache-2.0 */
/* test-auth-online - only the server can read what a login asks it, and only for a while. */
#include <errno.h>

#include "auth.h"
#include "auth/file.h"
#include "auth/login-call.h"
#include "auth/online.h"
#include "tap.h"

enum { T0 = 1800000000 };
static uint8_t public_key[32], secret_key[32];

static struct online_ask asked(const char *account, const char *secret)
{
	return (struct online_ask){.account = account,
		.secret = secret,
		.kind = LOGIN_PIN_CODE,
		.service = "login",
		.tty = "",
		.rhost = "",
		.deadline_ms = login_call_now_ms() + 300,
		.now_s = T0};
}

static void the_server_reads_what_was_sealed(void)
{
	uint8_t sealed[ONLINE_SEALED_OCTETS], again[ONLINE_SEALED_OCTETS];
	struct online_ask ask = asked("anna", "135792468");
	struct online_opened o, second;

	CHECK(online_seal(public_key, &ask, sealed) == 0 &&
		online_seal(public_key, &ask, again) == 0);
	CHECK(online_open(public_key, secret_key, sealed, sizeof(sealed), T0 + 100, &o) == 0);
	CHECK(!strcmp(o.account, "anna") && !strcmp(o.secret, "135792468") &&
		o.kind == LOGIN_PIN_CODE);
	CHECK(online_open(public_key, secret_key, again, sizeof(again), T0 - 100, &second) == 0);
	CHECK(memcmp(o.number, second.number, sizeof(o.number)) != 0);
}

static void the_longest_account_and_secret_fit(void)
{
	char account[LOGIN_NAME_OCTETS + 2], secret[LOGIN_SECRET_MAX + 1];
	uint8_t sealed[ONLINE_SEALED_OCTETS];
	struct online_ask ask = asked(account, secret);
	struct online_opened o;

	memset(account, 'a', sizeof(account));
	account[LOGIN_NAME_OCTETS] = '\0';
	memset(secret, 's', sizeof(secret) - 1);
	secret[sizeof(secret) - 1] = '\0';
	CHECK(online_seal(public_key, &ask, sealed) == 0);
	CHECK(online_open(public_key, secret_key, sealed, sizeof(sealed), T0, &o) == 0);
	CHECK(!strcmp(o.account, account) && !strcmp(o.secret, secret));
	account[LOGIN_NAME_OCTETS] = 'a';
	account[LOGIN_NAME_OCTETS + 1] = '\0';
	CHECK(online_seal(public_key, &ask, sealed) == -EMSGSIZE);
}

static void old_and_changed_ones_are_refused_and_leave_nothing(void)
{
	static const struct online_opened empty;
	uint8_t sealed[ONLINE_SEALED_OCTETS], other_public[32], other_secret[32];
	struct online_ask ask = asked("anna", "secret");
	struct online_opened o;

	CHECK(online_seal(public_key, &ask, sealed) == 0);
	CHECK(online_open(public_key, secret_key, sealed, sizeof(sealed), T0 + 121, &o) == -ETIME);
	CHECK(!memcmp(&o, &empty, sizeof(o)));
	CHECK(online_open(public_key, secret_key, sealed, sizeof(sealed), T0 - 121, &o) == -ETIME);
	for (size_t i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 1;
		CHECK(online_open(public_key, secret_key, sealed, sizeof(sealed), T0, &o) ==
			-EBADMSG);
		sealed[i] ^= 1;
	}
	CHECK(online_open(public_key, secret_key, sealed, sizeof(sealed) - 1, T0, &o) == -EBADMSG);
	crypto_box_keypair(other_public, other_secret);
	CHECK(online_open(other_public, other_secret, sealed, sizeof(sealed), T0, &o) == -EBADMSG);
	CHECK(!memcmp(&o, &empty, sizeof(o)));
}

static void nobody_to_ask_means_away_at_once(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(online_freep) struct online *none = NULL, *by_socket = NULL;
	struct online_ask ask = asked("anna", "secret");
	struct online_answer answer;
	char path[PATH_MAX];
	int64_t began = mono_ms();

	CHECK(online_none_new(&none) == 0);
	none->ask(none, &ask, &answer);
	CHECK(answer.result == ONLINE_AWAY);
	snprintf(path, sizeof(path), "%s/online.sock", folder);
	CHECK(online_socket_new(path, geteuid(), folder, &by_socket) == 0);
	by_socket->ask(by_socket, &ask, &answer); /* no key: not even looked for */
	CHECK(answer.result == ONLINE_AWAY);
	CHECK(file_replace(folder, "server-login.pub", public_key, sizeof(public_key)) == 0);
	by_socket->ask(by_socket, &ask, &answer); /* a key, nobody listens */
	CHECK(answer.result == ONLINE_AWAY);
	CHECK(mono_ms() - began < 250);
}

int main(void)
{
	if (sodium_init() < 0)
		return EXIT_FAILURE;
	crypto_box_keypair(public_key, secret_key);
	RUN(the_server_reads_what_was_sealed);
	RUN(the_longest_account_and_secret_fit);
	RUN(old_and_changed_ones_are_refused_and_leave_nothing);
	RUN(nobody_to_ask_means_away_at_once);
	auth_done();
	return tap_done();
}
