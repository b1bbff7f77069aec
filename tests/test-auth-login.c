/* SPDX-License-Identifier: Apache-2.0 */
/* test-auth-login - a message of login.sock comes back as it was, or is refused whole. */
#include <errno.h>
#include <stdlib.h>

#include "auth/login.h"
#include "tap.h"

static uint8_t packet[LOGIN_OCTETS_MAX];

static int verify_packet(void)
{
	struct login_message m;

	login_init(&m, LOGIN_VERIFY);
	if (login_set_text(&m, LOGIN_HAS_USER, "anna") ||
		login_set_text(&m, LOGIN_HAS_SECRET, "s3cret") ||
		login_set_text(&m, LOGIN_HAS_SERVICE, "login"))
		abort();
	login_set_number(&m, LOGIN_HAS_UID, 1234567);
	login_set_number(&m, LOGIN_HAS_BUDGET_MS, 5000);
	login_set_number(&m, LOGIN_HAS_KIND, LOGIN_PASSWORD);
	return login_encode(&m, packet, sizeof(packet));
}

static void a_request_comes_back(void)
{
	struct login_message m;
	int n = verify_packet();

	CHECK(n > 0 && login_decode(packet, (size_t)n, &m) == 0);
	CHECK(m.type == LOGIN_VERIFY && !strcmp(m.user, "anna") && !strcmp(m.secret, "s3cret"));
	CHECK(!strcmp(m.service, "login") && m.uid == 1234567 && m.budget_ms == 5000);
	CHECK(m.kind == LOGIN_PASSWORD && login_has(&m, LOGIN_HAS_KIND));
	CHECK(!login_has(&m, LOGIN_HAS_TTY) && !m.tty[0]);
}

static void a_full_reply_comes_back(void)
{
	struct login_message m, again;
	char name[LOGIN_NAME_OCTETS + 1];
	int n;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	login_init(&m, LOGIN_REPLY);
	login_set_number(&m, LOGIN_HAS_RESULT, LOGIN_LATER);
	login_set_number(&m, LOGIN_HAS_RETRY_S, 480);
	login_set_number(&m, LOGIN_HAS_VERIFIED, 1);
	login_set_number(&m, LOGIN_HAS_SOURCE, LOGIN_BY_CACHE);
	login_set_number(&m, LOGIN_HAS_SESSIONS, 3);
	CHECK(login_set_text(&m, LOGIN_HAS_ACCOUNT, name) == 0);
	CHECK(login_set_octets(&m, LOGIN_HAS_UUID, "0123456789abcdef", 16) == 0);
	CHECK(login_set_octets(&m, LOGIN_HAS_PROOF, "fedcba9876543210", 16) == 0);
	n = login_encode(&m, packet, sizeof(packet));
	CHECK(n > 0 && login_decode(packet, (size_t)n, &again) == 0);
	CHECK(!memcmp(&m, &again, sizeof(m)));
}

static void the_longest_messages_fit_a_packet(void)
{
	struct login_message m;
	char text[LOGIN_SECRET_MAX + 1];
	uint8_t sealed[LOGIN_SEALED_MAX] = {1};

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	login_init(&m, LOGIN_VERIFY);
	CHECK(login_set_text(&m, LOGIN_HAS_SECRET, text) == 0);
	text[LOGIN_NAME_OCTETS] = '\0';
	CHECK(login_set_text(&m, LOGIN_HAS_USER, text) == 0);
	CHECK(login_set_text(&m, LOGIN_HAS_RHOST, text) == 0);
	text[64] = '\0';
	CHECK(login_set_text(&m, LOGIN_HAS_TTY, text) == 0);
	CHECK(login_set_text(&m, LOGIN_HAS_SERVICE, text) == 0);
	login_set_number(&m, LOGIN_HAS_UID, 1);
	CHECK(login_encode(&m, packet, sizeof(packet)) > 0);
	login_init(&m, LOGIN_ONLINE);
	CHECK(login_set_text(&m, LOGIN_HAS_ACCOUNT, "anna") == 0);
	CHECK(login_set_octets(&m, LOGIN_HAS_SEALED, sealed, sizeof(sealed)) == 0);
	CHECK(login_encode(&m, packet, sizeof(packet)) > 0);
	CHECK(login_set_octets(&m, LOGIN_HAS_SEALED, sealed, LOGIN_SEALED_MAX + 1) == -EMSGSIZE);
}

static void what_is_too_long_is_not_set(void)
{
	struct login_message m;
	char text[LOGIN_SECRET_MAX + 2];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	login_init(&m, LOGIN_VERIFY);
	CHECK(login_set_text(&m, LOGIN_HAS_SECRET, text) == -EMSGSIZE);
	CHECK(!login_has(&m, LOGIN_HAS_SECRET) && !m.secret[0]);
}

static void a_message_without_a_needed_field_is_not_made(void)
{
	struct login_message m;

	login_init(&m, LOGIN_VERIFY);
	CHECK(login_set_text(&m, LOGIN_HAS_USER, "anna") == 0);
	CHECK(login_encode(&m, packet, sizeof(packet)) == -EINVAL);
	login_init(&m, 99);
	CHECK(login_encode(&m, packet, sizeof(packet)) == -EINVAL);
}

static void every_truncation_is_refused_and_leaves_nothing(void)
{
	static const struct login_message empty;
	struct login_message m;
	int n = verify_packet();

	/* What is cut behind a whole field that need not be there reads as a shorter message. */
	for (int i = 0; i < n; i++) {
		int rc = login_decode(packet, (size_t)i, &m);

		CHECK(rc == -EBADMSG || (rc == 0 && !strcmp(m.secret, "s3cret")));
		CHECK(rc == 0 || !memcmp(&m, &empty, sizeof(m)));
	}
	CHECK(login_decode(packet, 20, &m) == -EBADMSG);
}

static void a_field_that_comes_twice_is_refused(void)
{
	struct login_message m;
	int n = verify_packet();

	memcpy(packet + n, "\x02\0\x04root", 7);
	CHECK(login_decode(packet, (size_t)n + 7, &m) == -EBADMSG);
}

static void a_field_that_the_type_may_not_have_is_refused(void)
{
	struct login_message m;
	int n = verify_packet();

	memcpy(packet + n, "\x11\0\x01\x01", 4); /* verified */
	CHECK(login_decode(packet, (size_t)n + 4, &m) == -EBADMSG);
}

static void an_unknown_tag_is_skipped(void)
{
	struct login_message m;
	int n = verify_packet();

	memcpy(packet + n, "\xc8\0\x02zz", 5);
	CHECK(login_decode(packet, (size_t)n + 5, &m) == 0);
	CHECK(!strcmp(m.user, "anna"));
}

static void names_with_controls_or_bad_utf8_are_refused(void)
{
	static const char *const bad[] = {
		"an\nna", "an\x7fna", "\xff", "\xc3", "\xed\xa0\x80", "\xc0\xaf"};
	struct login_message m, again;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int n;

		login_init(&m, LOGIN_ACCOUNT);
		CHECK(login_set_text(&m, LOGIN_HAS_USER, bad[i]) == 0);
		login_set_number(&m, LOGIN_HAS_UID, 1);
		n = login_encode(&m, packet, sizeof(packet));
		CHECK(n > 0 && login_decode(packet, (size_t)n, &again) == -EBADMSG);
	}
}

static void wrong_magic_version_or_type_is_refused(void)
{
	struct login_message m;
	int n = verify_packet();

	for (int i = 0; i < 4; i++) {
		uint8_t was = packet[i];

		packet[i] ^= 0x40;
		CHECK(login_decode(packet, (size_t)n, &m) == -EBADMSG);
		packet[i] = was;
	}
	CHECK(login_decode(packet, LOGIN_OCTETS_MAX + 1, &m) == -EBADMSG);
	CHECK(login_decode(NULL, 0, &m) == -EBADMSG);
}

/* Whatever comes: texts end within their fields, and what is taken can be said again. */
static void random_changes_never_make_a_broken_message(void)
{
	struct login_message m;
	unsigned taken = 0;

	srandom(1);
	for (int i = 0; i < 200000; i++) {
		int n = verify_packet();

		for (int k = random() % 4; k >= 0; k--)
			packet[random() % n] = (uint8_t)random();
		n = (int)(random() % 3 ? n : random() % n + 1);
		if (login_decode(packet, (size_t)n, &m))
			continue;
		taken++;
		CHECK(strlen(m.user) <= LOGIN_NAME_OCTETS && strlen(m.secret) <= LOGIN_SECRET_MAX);
		CHECK(login_encode(&m, packet, sizeof(packet)) > 0);
		if (tap_bad)
			return;
	}
	CHECK(taken > 1000);
}

int main(void)
{
	RUN(a_request_comes_back);
	RUN(a_full_reply_comes_back);
	RUN(the_longest_messages_fit_a_packet);
	RUN(what_is_too_long_is_not_set);
	RUN(a_message_without_a_needed_field_is_not_made);
	RUN(every_truncation_is_refused_and_leaves_nothing);
	RUN(a_field_that_comes_twice_is_refused);
	RUN(a_field_that_the_type_may_not_have_is_refused);
	RUN(an_unknown_tag_is_skipped);
	RUN(names_with_controls_or_bad_utf8_are_refused);
	RUN(wrong_magic_version_or_type_is_refused);
	RUN(random_changes_never_make_a_broken_message);
	return tap_done();
}
