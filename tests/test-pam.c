/* SPDX-License-Identifier: Apache-2.0 */
/* test-pam - pam_stillprint.so through real libpam, with the real verifier; somebody plays the server. */
#include <errno.h>

#include "auth/account.h"
#include "auth/sync.h"
#include "tap.h"
#include "test-pam.h"

#define IS(got, wanted) (!strcmp((got), (wanted)))

static void services(void)
{
	lab_service("plain",
		"auth required MODULE\naccount required MODULE\nsession required MODULE\n");
	/* A code that is ignored gives success here; one that counts comes through. */
	lab_service("permit",
		"auth required MODULE\nauth required pam_permit.so\n"
		"account required MODULE\naccount required pam_permit.so\n"
		"session optional MODULE\nsession required pam_permit.so\n"
		"password optional MODULE use_first_pass\npassword required pam_permit.so\n");
	lab_service("strict", "auth required MODULE offline_ttl=1s min_pin=10\n");
	lab_service("first", "auth required MODULE use_first_pass\nauth required pam_permit.so\n");
	lab_service("service",
		"auth required MODULE service_only\nauth required pam_deny.so\n"
		"account required MODULE service_only\naccount required pam_permit.so\n");
	lab_service("servicepermit",
		"auth optional MODULE service_only\nauth required pam_permit.so\n"
		"session optional MODULE\nsession required pam_permit.so\n");
	lab_service("secure", "auth [success=1 default=ignore] MODULE\nauth requisite pam_deny.so\n"
			      "auth required pam_permit.so\n");
	lab_service("odd", "auth required MODULE timeout=soon colour=blue min_pin=-1\n");
}

static void the_server_decides(void)
{
	lab_fresh("");
	CHECK(lab_login("plain", "right") == PAM_SUCCESS);
	CHECK(lab_login("plain", "wrong") == PAM_AUTH_ERR);
	CHECK(lab_login("secure", "right") == PAM_SUCCESS);
	CHECK(lab_login("secure", "wrong") != PAM_SUCCESS);
	CHECK(lab.said->asked == 4 && lab.said->unreadable == 0);
}

static void the_cache_decides_while_the_server_is_away(void)
{
	lab_fresh("");
	lab.said->away = 1;
	CHECK(lab_login("plain", "right") ==
		PAM_AUTH_ERR); /* not learned yet: as for anybody unknown */
	lab.said->away = 0;
	CHECK(lab_learn("plain", "right") == PAM_SUCCESS);
	lab.said->away = 1;
	CHECK(lab_login("plain", "right") == PAM_SUCCESS);
	CHECK(lab_login("plain", "wrong") == PAM_AUTH_ERR);
	lab_end(&lab.verifier, SIGKILL);
	lab_verifier_start();
	CHECK(lab_login("plain", "right") == PAM_SUCCESS);
}

static void a_server_that_does_not_answer_costs_its_wait_and_no_more(void)
{
	int64_t began;

	lab_fresh("online-wait-ms = 400\n");
	CHECK(lab_learn("plain", "right") == PAM_SUCCESS);
	lab.said->delay_ms = 5000;
	began = mono_ms();
	CHECK(lab_login("plain", "right") == PAM_SUCCESS);
	CHECK(mono_ms() - began >= 380 && mono_ms() - began < 2000);
}

static void options_make_the_cache_stricter(void)
{
	int64_t until;

	lab_fresh("");
	strcpy(lab.said->secret, "7351928");
	lab.said->kind = LOGIN_PIN_CODE;
	CHECK(lab_learn("plain", "7351928") == PAM_SUCCESS);
	lab.said->away = 1;
	CHECK(lab_login("plain", "7351928") == PAM_SUCCESS);
	CHECK(lab_login("strict", "7351928") == PAM_AUTH_ERR); /* min_pin=10 */
	lab.said->away = 0;
	strcpy(lab.said->secret, "long enough");
	lab.said->kind = LOGIN_PASSWORD;
	CHECK(lab_learn("plain", "long enough") == PAM_SUCCESS);
	lab.said->away = 1;
	CHECK(lab_login("strict", "long enough") == PAM_SUCCESS);
	until = mono_utc_s() + 3; /* offline_ttl=1s */
	while (mono_utc_s() < until)
		poll(NULL, 0, 20);
	CHECK(lab_login("strict", "long enough") == PAM_AUTH_ERR);
	CHECK(lab_login("plain", "long enough") == PAM_SUCCESS);
}

static int account_of(const char *service)
{
	pam_handle_t *h = lab_pam(service, "right");
	int rc = pam_acct_mgmt(h, 0);

	pam_end(h, rc);
	return rc;
}

static void locked_and_expired_are_honoured_with_and_without_the_server(void)
{
	struct stat before;

	lab_fresh("");
	CHECK(account_of("permit") == PAM_SUCCESS); /* unknown: ignored */
	CHECK(lab_learn("plain", "right") == PAM_SUCCESS);
	CHECK(account_of("plain") == PAM_SUCCESS);
	before = lab_cache_time();
	lab.said->result = LOGIN_LOCKED;
	CHECK(lab_login("permit", "right") == PAM_PERM_DENIED &&
		IS(lab.told, "This account is locked."));
	CHECK(lab_cache_changed(before));
	CHECK(account_of("permit") == PAM_PERM_DENIED);
	lab.said->away = 1;
	CHECK(lab_login("permit", "right") == PAM_PERM_DENIED);
	CHECK(account_of("service") == PAM_SUCCESS); /* service_only: not our door */
	lab.said->away = 0;
	before = lab_cache_time();
	lab.said->result = LOGIN_EXPIRED;
	CHECK(lab_login("plain", "right") == PAM_ACCT_EXPIRED);
	CHECK(lab_cache_changed(before));
	lab.said->away = 1;
	CHECK(lab_login("plain", "right") == PAM_ACCT_EXPIRED &&
		account_of("plain") == PAM_ACCT_EXPIRED);
}

static void what_the_server_refuses_is_forgotten_by_the_cache(void)
{
	struct stat before;

	lab_fresh("");
	CHECK(lab_learn("plain", "right") == PAM_SUCCESS);
	before = lab_cache_time();
	strcpy(lab.said->secret, "changed");
	CHECK(lab_login("plain", "right") == PAM_AUTH_ERR);
	CHECK(lab_cache_changed(before));
	lab.said->away = 1;
	CHECK(lab_login("plain", "right") == PAM_AUTH_ERR);
}

static void guessing_is_slowed_down_also_by_killing_the_verifier(void)
{
	unsigned looked_at = 0, later = 0;

	lab_fresh("");
	CHECK(lab_learn("plain", "right") == PAM_SUCCESS);
	lab.said->away = 1;
	for (int i = 0; i < 12; i++) {
		int rc = lab_login("plain", "guess");

		looked_at += rc == PAM_AUTH_ERR;
		later += rc == PAM_MAXTRIES;
		lab_end(&lab.verifier, SIGKILL);
		lab_verifier_start();
	}
	CHECK(looked_at == 5 && later == 7);
	CHECK(lab_login("plain", "right") == PAM_MAXTRIES);
	CHECK(strstr(lab.told, "Too many wrong attempts. Try again in ") == lab.told);
}

static void a_session_is_bound_from_open_to_close(void)
{
	pam_handle_t *h;

	if (geteuid())
		SKIP("needs root: only root opens sessions");
	lab_fresh("");
	h = lab_pam("permit", "right");
	CHECK(pam_putenv(h, "XDG_SESSION_ID=c42") == PAM_SUCCESS);
	CHECK(pam_authenticate(h, 0) == PAM_SUCCESS);
	CHECK(IS(lab_who(lab_uid(), NULL), ""));
	CHECK(pam_open_session(h, 0) == PAM_SUCCESS);
	CHECK(IS(lab_who(lab_uid(), NULL), "nobody!"));
	CHECK(IS(lab_who(lab_uid(), "c42"), "nobody!") && IS(lab_who(lab_uid(), "c43"), ""));
	lab_end(&lab.verifier, SIGKILL); /* its restart forgets no session */
	lab_verifier_start();
	CHECK(IS(lab_who(lab_uid(), NULL), "nobody!"));
	CHECK(pam_putenv(h, "XDG_SESSION_ID") ==
		PAM_SUCCESS); /* whatever becomes of the environment */
	CHECK(pam_close_session(h, 0) == PAM_SUCCESS);
	CHECK(IS(lab_who(lab_uid(), NULL), ""));
	pam_end(h, PAM_SUCCESS);
}

static void a_session_without_a_checked_secret_is_only_claimed(void)
{
	pam_handle_t *h;

	if (geteuid())
		SKIP("needs root: only root opens sessions");
	lab_fresh("[map]\nnobody = anna.n\n");
	h = lab_pam("permit", "");
	CHECK(pam_open_session(h, 0) == PAM_SUCCESS);
	CHECK(IS(lab_who(lab_uid(), NULL), "anna.n"));
	CHECK(pam_close_session(h, 0) == PAM_SUCCESS);
	pam_end(h, PAM_SUCCESS);

	/* Checked in one process, opened in another (sshd): same user, service and place. But only once. */
	strcpy(lab.said->account, "anna.n");
	CHECK(lab_login("permit", "right") == PAM_SUCCESS);
	h = lab_pam("permit", "");
	CHECK(pam_open_session(h, 0) == PAM_SUCCESS);
	CHECK(IS(lab_who(lab_uid(), NULL), "anna.n!"));
	CHECK(pam_close_session(h, 0) == PAM_SUCCESS);
	CHECK(pam_open_session(h, 0) == PAM_SUCCESS);
	CHECK(IS(lab_who(lab_uid(), NULL), "anna.n"));
	CHECK(pam_close_session(h, 0) == PAM_SUCCESS);
	pam_end(h, PAM_SUCCESS);

	CHECK(lab_login("permit", "right") == PAM_SUCCESS);
	h = lab_pam("servicepermit", "");
	CHECK(pam_open_session(h, 0) == PAM_SUCCESS);
	CHECK(IS(lab_who(lab_uid(), NULL), "anna.n")); /* another service's check proves nothing */
	pam_close_session(h, 0);
	pam_end(h, PAM_SUCCESS);
}

static void service_only_binds_but_opens_no_door(void)
{
	pam_handle_t *h;

	lab_fresh("");
	CHECK(lab_login("service", "right") !=
		PAM_SUCCESS); /* pam_deny decides, not the right password */
	CHECK(lab.said->asked == 1);
	CHECK(lab_login("servicepermit", "wrong") == PAM_SUCCESS);
	if (geteuid())
		return;
	h = lab_pam("servicepermit", "right");
	CHECK(pam_authenticate(h, 0) == PAM_SUCCESS && pam_open_session(h, 0) == PAM_SUCCESS);
	CHECK(IS(lab_who(lab_uid(), NULL), "nobody!"));
	pam_close_session(h, 0);
	pam_end(h, PAM_SUCCESS);
}

static void first_pass_is_used_and_not_asked_for(void)
{
	lab_service("stacked", "auth optional pam_echo.so\nauth required MODULE use_first_pass\n");
	lab_fresh("");
	CHECK(lab_login("first", "right") ==
		PAM_SUCCESS); /* no password there: ignored, permit decides */
	CHECK(lab.prompts == 0 && lab.said->asked == 0);
	lab_service("both", "auth [default=ignore] MODULE\nauth required MODULE use_first_pass\n");
	CHECK(lab_login("both", "right") == PAM_SUCCESS && lab.prompts == 1);
	lab_service("tries", "auth [default=ignore] MODULE\nauth required MODULE try_first_pass\n");
	CHECK(lab_login("tries", "wrong") == PAM_AUTH_ERR && lab.prompts == 2);
}

static void options_that_are_not_understood_are_left_out(void)
{
	lab_fresh("");
	CHECK(lab_login("odd", "right") == PAM_SUCCESS);
	CHECK(lab_login("odd", "wrong") == PAM_AUTH_ERR);
}

static void empty_and_endless_passwords_are_wrong(void)
{
	char endless[600];

	memset(endless, 'x', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = '\0';
	lab_fresh("");
	CHECK(lab_login("plain", "") == PAM_AUTH_ERR);
	CHECK(lab_login("plain", endless) == PAM_AUTH_ERR);
	CHECK(lab.said->asked == 0);
}

static void system_accounts_are_none_of_our_business(void)
{
	lab_fresh("min-uid = 4000000000\n");
	CHECK(lab_login("permit", "right") == PAM_SUCCESS); /* ignored */
	CHECK(lab.said->asked == 0);
}

/* ---- what our own programs ask ---- */

static void a_sync_file_is_applied_once(void)
{
	static const struct hash_pepper site = {{9}};
	uint8_t public[32], secret[64], machine[32], *octets = NULL;
	struct sync_head head = {1, 1, mono_utc_s(), mono_utc_s() + 3600};
	struct account a = {.count = 1};
	struct login_message ask, reply;
	size_t count = 0;
	int fd;

	lab_fresh("");
	crypto_sign_keypair(public, secret);
	fd = open(lab_path("state/auth/machine.pub"), O_RDONLY | O_CLOEXEC);
	CHECK(read(fd, machine, 32) == 32);
	close(fd);
	strcpy(a.name, lab.user);
	a.verifier[0] = (struct verifier){HASH_PIN, ACCOUNT_FROM_SYNC,
		hash_index(&site, HASH_PIN, "73519284"), 0, head.not_after_s, ""};
	CHECK(hash_make(&site, HASH_PIN, "73519284", 1, a.verifier[0].text) == 0);
	CHECK(sync_write(&head, &site, &a, 1, machine, secret, &octets, &count) == 0);
	lab_write("state/auth/policy.pub", public, sizeof(public));
	lab.said->away = 1;
	CHECK(lab_login("plain", "73519284") == PAM_AUTH_ERR);
	login_init(&ask, LOGIN_SYNC);
	lab_write("state/auth/sync.in", octets, count);
	CHECK(lab_ask(&ask, &reply) == 0 && reply.result == LOGIN_OK);
	CHECK(lab_login("plain", "73519284") == PAM_SUCCESS);
	lab_write("state/auth/sync.in", octets, count); /* the same again: the answer was lost */
	CHECK(lab_ask(&ask, &reply) == 0 && reply.result == LOGIN_OK);
	free(octets);
	head.serial = 0;
	CHECK(sync_write(&head, &site, &a, 1, machine, secret, &octets, &count) == 0);
	lab_write("state/auth/sync.in", octets, count); /* an older one */
	CHECK(lab_ask(&ask, &reply) == 0 && reply.result == LOGIN_BAD);
	CHECK(lab_logged("event=sync-refused reason=\"not newer than what was applied before\""));
	CHECK(access(lab_path("state/auth/sync.in"), F_OK) != 0);
	login_init(&ask, LOGIN_PIN);
	login_set_number(&ask, LOGIN_HAS_KIND, LOGIN_PIN_CODE);
	CHECK(!login_set_text(&ask, LOGIN_HAS_SECRET, "73519284") &&
		!login_set_text(&ask, LOGIN_HAS_TTY, "panel"));
	CHECK(lab_ask(&ask, &reply) == 0 && reply.result == LOGIN_OK &&
		IS(reply.account, lab.user));
	free(octets);
}

static void a_deregistered_machine_lets_nobody_in_offline(void)
{
	struct login_message ask, reply;
	int64_t until = mono_ms() + 10000;

	lab_fresh("");
	CHECK(lab_learn("plain", "right") == PAM_SUCCESS);
	lab.said->away = 1;
	CHECK(lab_login("plain", "right") == PAM_SUCCESS);
	login_init(&ask, LOGIN_WIPE);
	CHECK(lab_ask(&ask, &reply) == 0 && reply.result == LOGIN_OK);
	CHECK(lab_logged("event=beginning-anew"));
	while (!lab_answers() && mono_ms() < until)
		poll(NULL, 0, 10);
	CHECK(lab_login("plain", "right") == PAM_AUTH_ERR);
	CHECK(access(lab_path("state/auth/cache"), F_OK) != 0);
	CHECK(access(lab_path("state/auth/key"), F_OK) == 0); /* a new one */
}

static void the_verifier_always_ended_in_order(void)
{
	lab_end(&lab.verifier, SIGTERM);
	CHECK(lab.ended_badly == 0);
}

int main(int argc, char **argv)
{
	(void)argc;
	lab_start(argv[0]);
	services();
	RUN(the_server_decides);
	RUN(the_cache_decides_while_the_server_is_away);
	RUN(a_server_that_does_not_answer_costs_its_wait_and_no_more);
	RUN(options_make_the_cache_stricter);
	RUN(locked_and_expired_are_honoured_with_and_without_the_server);
	RUN(what_the_server_refuses_is_forgotten_by_the_cache);
	RUN(guessing_is_slowed_down_also_by_killing_the_verifier);
	RUN(a_session_is_bound_from_open_to_close);
	RUN(a_session_without_a_checked_secret_is_only_claimed);
	RUN(service_only_binds_but_opens_no_door);
	RUN(first_pass_is_used_and_not_asked_for);
	RUN(options_that_are_not_understood_are_left_out);
	RUN(empty_and_endless_passwords_are_wrong);
	RUN(system_accounts_are_none_of_our_business);
	RUN(a_sync_file_is_applied_once);
	RUN(a_deregistered_machine_lets_nobody_in_offline);
	RUN(the_verifier_always_ended_in_order);
	lab_stop();
	return tap_done();
}
