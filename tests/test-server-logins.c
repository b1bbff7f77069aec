/* SPDX-License-Identifier: Apache-2.0 */
/* test-server-logins - passwords, PINs and cards at the server: who is let in, how often somebody may try, and what the
 * audit keeps of it. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "../server/accounts.h"
#include "../server/app.h"
#include "../server/audit.h"
#include "tap.h"

static char folder[64];
static struct server_config config;
static struct app app;
static struct hash_pepper pepper;
static struct accounts_verifier *v;
static struct accounts_said said;

static void stop(void)
{
	accounts_verifier_free(STEAL(v));
	db_close(&app);
}

static void start(void)
{
	CHECK(db_open(&app, &config) == 0);
	CHECK(accounts_pepper(folder, &pepper) == 0);
	CHECK(accounts_verifier_new(folder, &v) == 0);
	accounts_verifier_use(v, &config);
}

static void start_afresh(void)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf %s && mkdir -m 0700 %s", folder, folder);
	if (system(command) != 0)
		abort();
	snprintf(config.state, sizeof(config.state), "%s", folder);
	config.lock_for_s = 0;
	start();
	CHECK(accounts_add(&app.sql, &pepper, "anna", "Anna", "secret") == 0);
}

static enum accounts_result try(
	enum accounts_kind kind, const char *name, const char *secret, const char *place)
{
	struct accounts_try t = {kind, name, secret, "test", place};

	CHECK(accounts_login(v, &t, &said) == 0);
	CHECK((said.result == ACCOUNTS_OK || said.result == ACCOUNTS_EXPIRED) ==
		(*said.account && said.kind != ACCOUNTS_ANY));
	return said.result;
}

static enum accounts_result password(const char *name, const char *secret)
{
	return try(ACCOUNTS_PASSWORD, name, secret, "");
}

static int64_t number(const char *sql)
{
	int64_t n = -1;

	CHECK(sql_number(&app.sql, sql, NULL, &n) >= 0);
	return n;
}

/* As if so much time had passed since. */
static void pass_s(int64_t seconds)
{
	CHECK(sql_run(&app.sql, "UPDATE login_counter SET last_ms = last_ms - ?1",
		      VALUES(V_NUM(seconds * 1000))) == 0);
}

static char pin[ACCOUNTS_PIN_MAX + 1];

static void give_pin(const char *name)
{
	CHECK(accounts_pin_make(&app.sql, &pepper, name, 0, pin) == 0);
}

/* ---- PINs and cards ---- */

static void a_pin_says_whose_it_is(void)
{
	start_afresh();
	give_pin("anna");
	CHECK(strlen(pin) == 6);
	CHECK(try(ACCOUNTS_PIN, "", pin, "hall") == ACCOUNTS_OK && !strcmp(said.account, "anna"));
	CHECK(said.kind == ACCOUNTS_PIN);
	CHECK(try(ACCOUNTS_PIN, "anna", pin, "") == ACCOUNTS_OK);
	CHECK(try(ACCOUNTS_ANY, "anna", pin, "") == ACCOUNTS_OK && said.kind == ACCOUNTS_PIN);
	CHECK(try(ACCOUNTS_ANY, "anna", "secret", "") == ACCOUNTS_OK &&
		said.kind == ACCOUNTS_PASSWORD);
	CHECK(try(ACCOUNTS_PASSWORD, "anna", pin, "") == ACCOUNTS_WRONG);
	CHECK(try(ACCOUNTS_CARD, "", pin, "hall") == ACCOUNTS_WRONG);
	CHECK(accounts_add(&app.sql, &pepper, "bert", "", NULL) == 0);
	CHECK(try(ACCOUNTS_PIN, "bert", pin, "") == ACCOUNTS_WRONG);
	CHECK(accounts_secret_remove(&app.sql, HASH_PIN, "anna", 0) == 0);
	CHECK(try(ACCOUNTS_PIN, "", pin, "hall") == ACCOUNTS_WRONG);
	stop();
}

static void a_password_without_a_name_is_no_question(void)
{
	struct accounts_try t = {ACCOUNTS_ANY, "", "secret", "test", "hall"};

	start_afresh();
	CHECK(accounts_login(v, &t, &said) == -EINVAL);
	t.kind = ACCOUNTS_PASSWORD;
	CHECK(accounts_login(v, &t, &said) == -EINVAL);
	stop();
}

static void three_pins_and_three_cards_at_most(void)
{
	int64_t id = 0;

	start_afresh();
	for (int i = 0; i < 3; i++)
		give_pin("anna");
	CHECK(accounts_pin_make(&app.sql, &pepper, "anna", 0, pin) == ACCOUNTS_E_TOO_MANY);
	CHECK(accounts_secret_add(&app.sql, &pepper, HASH_CARD, "anna", "04A1B2C3", "blue", &id) ==
		0);
	CHECK(accounts_secret_add(&app.sql, &pepper, HASH_CARD, "anna", "04A1B2C4", "", NULL) == 0);
	CHECK(accounts_secret_add(&app.sql, &pepper, HASH_CARD, "anna", "04A1B2C5", "", NULL) == 0);
	CHECK(accounts_secret_add(&app.sql, &pepper, HASH_CARD, "anna", "04A1B2C6", "", NULL) ==
		ACCOUNTS_E_TOO_MANY);
	CHECK(try(ACCOUNTS_CARD, "", "04A1B2C3", "hall") == ACCOUNTS_OK &&
		said.kind == ACCOUNTS_CARD);
	CHECK(accounts_secret_remove(&app.sql, HASH_CARD, "anna", id) == 0);
	CHECK(accounts_secret_remove(&app.sql, HASH_CARD, "anna", id) == ACCOUNTS_E_NONE);
	CHECK(try(ACCOUNTS_CARD, "", "04A1B2C3", "hall") == ACCOUNTS_WRONG);
	CHECK(try(ACCOUNTS_CARD, "", "04A1B2C4", "hall") == ACCOUNTS_OK);
	stop();
}

static void nobody_gets_anothers_pin_or_card(void)
{
	start_afresh();
	CHECK(accounts_add(&app.sql, &pepper, "bert", "", NULL) == 0);
	CHECK(accounts_secret_add(&app.sql, &pepper, HASH_PIN, "anna", "584930", "", NULL) == 0);
	CHECK(accounts_secret_add(&app.sql, &pepper, HASH_PIN, "bert", "584930", "", NULL) ==
		ACCOUNTS_E_EXISTS);
	CHECK(accounts_secret_add(&app.sql, &pepper, HASH_CARD, "anna", "584930", "", NULL) == 0);
	CHECK(accounts_secret_add(&app.sql, &pepper, HASH_CARD, "bert", "584930", "", NULL) ==
		ACCOUNTS_E_EXISTS);
	CHECK(accounts_secret_add(&app.sql, &pepper, HASH_PIN, "carl", "184930", "", NULL) ==
		ACCOUNTS_E_NONE);
	CHECK(accounts_secret_add(&app.sql, &pepper, HASH_CARD, "anna", "has blank", "", NULL) ==
		-EINVAL);
	CHECK(accounts_secret_add(&app.sql, &pepper, HASH_CARD, "anna", "abc", "", NULL) ==
		-EINVAL);
	stop();
}

static void what_anybody_would_try_first_is_no_pin(void)
{
	static const char *const bad[] = {"000000", "123456", "654321", "890123", "246802",
		"121212", "123123", "112233", "100000", "110110", "1234", "12345a", "",
		"1234567890123"};
	static const char *const good[] = {"584930", "129487", "907214"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!accounts_pin_is_good(bad[i], 6));
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(accounts_pin_is_good(good[i], 6));
	CHECK(!accounts_pin_is_good("584930", 7));
	CHECK(accounts_pin_digits(0) == 6 && accounts_pin_digits(100) == 6);
	CHECK(accounts_pin_digits(101) == 7 && accounts_pin_digits(10000) == 8);
	start_afresh();
	CHECK(accounts_pin_make(&app.sql, &pepper, "anna", 5, pin) == ACCOUNTS_E_WEAK);
	CHECK(accounts_pin_make(&app.sql, &pepper, "anna", 9, pin) == 0 && strlen(pin) == 9);
	CHECK(accounts_secret_add(&app.sql, &pepper, HASH_PIN, "anna", "123456", "", NULL) ==
		ACCOUNTS_E_WEAK);
	stop();
}

/* ---- how often ---- */

static void the_tenth_wrong_one_locks_and_a_restart_forgets_nothing(void)
{
	int looked_at = 0;

	start_afresh();
	for (int i = 0; i < 50; i++) {
		enum accounts_result r = password("anna", "wrong");

		looked_at += r == ACCOUNTS_WRONG;
		CHECK(r == (i < 5 ? ACCOUNTS_WRONG : ACCOUNTS_LATER));
		if (i % 10 == 9) {
			stop();
			start();
		}
	}
	CHECK(looked_at == 5 && said.retry_s >= 25 && said.retry_s <= 30);
	CHECK(password("anna", "secret") == ACCOUNTS_LATER);
	for (int64_t wait_s = 30; wait_s <= 480; wait_s *= 2) {
		pass_s(wait_s - 10);
		CHECK(password("anna", "wrong") == ACCOUNTS_LATER);
		pass_s(10);
		CHECK(password("anna", "wrong") == ACCOUNTS_WRONG);
		looked_at++;
	}
	CHECK(looked_at == 10);
	pass_s(10 * 86400);
	CHECK(password("anna", "secret") == ACCOUNTS_LOCKED);
	stop();
	start();
	CHECK(password("anna", "secret") == ACCOUNTS_LOCKED);
	CHECK(number("SELECT count(*) FROM audit_line WHERE event = 'login-locked' AND who = 'anna'") ==
		1);
	CHECK(accounts_lock(&app.sql, "anna", false) == 0);
	CHECK(password("anna", "secret") == ACCOUNTS_OK);
	stop();
}

static void a_lock_ends_after_lock_for(void)
{
	start_afresh();
	config.lock_for_s = 1800;
	accounts_verifier_use(v, &config);
	for (int i = 0; i < 10; i++) {
		CHECK(password("anna", "wrong") == ACCOUNTS_WRONG);
		pass_s(600);
	}
	pass_s(1100);
	CHECK(password("anna", "secret") == ACCOUNTS_LOCKED);
	pass_s(100);
	CHECK(password("anna", "secret") == ACCOUNTS_OK);
	stop();
}

static void a_right_one_forgives_its_own_account_alone(void)
{
	start_afresh();
	CHECK(accounts_add(&app.sql, &pepper, "eve", "", "eve") == 0);
	for (int i = 0; i < 4; i++) {
		CHECK(password("anna", "wrong") == ACCOUNTS_WRONG);
		CHECK(password("eve", "eve") == ACCOUNTS_OK);
	}
	CHECK(password("anna", "secret") == ACCOUNTS_OK);
	for (int i = 0; i < 5; i++)
		CHECK(password("anna", "wrong") == ACCOUNTS_WRONG);
	CHECK(password("eve", "eve") == ACCOUNTS_OK);
	CHECK(password("anna", "wrong") == ACCOUNTS_LATER);
	stop();
}

static void unknown_names_are_answered_like_known_ones(void)
{
	start_afresh();
	for (int i = 0; i < 10; i++) {
		CHECK(password("anna", "wrong") == ACCOUNTS_WRONG);
		CHECK(password("nobody", "wrong") == ACCOUNTS_WRONG);
		if (i >= 4) {
			CHECK(password("anna", "wrong") == password("nobody", "wrong"));
			pass_s(30 << (i - 4));
		}
	}
	CHECK(password("nobody", "x") == ACCOUNTS_LOCKED &&
		password("anna", "x") == ACCOUNTS_LOCKED);
	CHECK(number("SELECT count(*) FROM audit_name WHERE name = 'nobody'") == 0);
	stop();
}

static void a_place_waits_and_its_own_account_buys_no_guesses(void)
{
	char name[32];

	start_afresh();
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		CHECK(try(ACCOUNTS_PASSWORD, name, "wrong", "2001:db8::1") == ACCOUNTS_WRONG);
		if (i < 19)
			CHECK(try(ACCOUNTS_PASSWORD, "anna", "secret", "2001:db8::1") ==
				ACCOUNTS_OK);
	}
	CHECK(try(ACCOUNTS_PASSWORD, "anna", "secret", "2001:db8::1") == ACCOUNTS_LATER);
	CHECK(try(ACCOUNTS_PASSWORD, "anna", "secret", "2001:db8::2") == ACCOUNTS_OK);
	pass_s(31);
	CHECK(try(ACCOUNTS_PASSWORD, "anna", "secret", "2001:db8::1") == ACCOUNTS_OK);
	stop();
}

static void pins_alone_are_few_from_a_place(void)
{
	start_afresh();
	give_pin("anna");
	for (int i = 0; i < 5; i++)
		CHECK(try(ACCOUNTS_PIN, "", "184930", "hall") == ACCOUNTS_WRONG);
	CHECK(try(ACCOUNTS_PIN, "", pin, "hall") == ACCOUNTS_LATER);
	CHECK(try(ACCOUNTS_PIN, "", pin, "desk") == ACCOUNTS_OK);
	CHECK(try(ACCOUNTS_PIN, "anna", pin, "hall") == ACCOUNTS_OK);
	stop();
}

static void nothing_is_looked_at_that_cannot_be_counted(void)
{
	struct accounts_try t = {ACCOUNTS_PASSWORD, "anna", "secret", "test", ""};

	start_afresh();
	CHECK(sql_exec(&app.sql, "CREATE TRIGGER full BEFORE INSERT ON login_counter"
				 " BEGIN SELECT RAISE(ABORT, 'full'); END") == 0);
	CHECK(accounts_login(v, &t, &said) < 0 && said.result == ACCOUNTS_WRONG && !*said.account);
	stop();
}

/* ---- states and names ---- */

static void locked_and_expired_are_told_to_who_knows_the_secret(void)
{
	start_afresh();
	CHECK(accounts_lock(&app.sql, "anna", true) == 0);
	CHECK(password("anna", "secret") == ACCOUNTS_LOCKED);
	CHECK(password("anna", "wrong") == ACCOUNTS_WRONG);
	CHECK(accounts_may_print(&app.sql, "anna", true) == 0);
	CHECK(accounts_lock(&app.sql, "anna", false) == 0);
	CHECK(accounts_expire(&app.sql, "anna", 1) == 0);
	CHECK(password("anna", "secret") == ACCOUNTS_EXPIRED && !strcmp(said.account, "anna"));
	CHECK(password("anna", "wrong") == ACCOUNTS_WRONG);
	CHECK(accounts_may_print(&app.sql, "anna", true) == 0);
	CHECK(accounts_expire(&app.sql, "anna", 4102444800) == 0);
	CHECK(password("anna", "secret") == ACCOUNTS_OK);
	CHECK(accounts_lock(&app.sql, "nobody", true) == ACCOUNTS_E_NONE);
	CHECK(accounts_expire(&app.sql, "nobody", 0) == ACCOUNTS_E_NONE);
	stop();
}

static void an_alias_is_the_same_account(void)
{
	char name[256];

	start_afresh();
	CHECK(accounts_add(&app.sql, &pepper, "bert", "", "x") == 0);
	CHECK(accounts_alias_add(&app.sql, "anna", "anna@example.com") == 0);
	CHECK(accounts_alias_add(&app.sql, "anna", "bert") == ACCOUNTS_E_EXISTS);
	CHECK(accounts_alias_add(&app.sql, "bert", "anna@example.com") == ACCOUNTS_E_EXISTS);
	CHECK(accounts_alias_add(&app.sql, "carl", "c") == ACCOUNTS_E_NONE);
	CHECK(accounts_add(&app.sql, &pepper, "anna@example.com", "", "x") == ACCOUNTS_E_EXISTS);
	CHECK(password("anna@example.com", "secret") == ACCOUNTS_OK &&
		!strcmp(said.account, "anna"));
	CHECK(accounts_canonical(&app.sql, "anna@example.com", name) == 0 && !strcmp(name, "anna"));
	CHECK(accounts_canonical(&app.sql, "bert", name) == 0 && !strcmp(name, "bert"));
	CHECK(accounts_canonical(&app.sql, "carl", name) == ACCOUNTS_E_NONE);
	/* One account, one counter: other names are no more tries. */
	for (int i = 0; i < 5; i++)
		CHECK(password(i % 2 ? "anna" : "anna@example.com", "wrong") == ACCOUNTS_WRONG);
	CHECK(password("anna", "wrong") == ACCOUNTS_LATER);
	CHECK(accounts_disable(&app.sql, "anna", true) == 0);
	CHECK(accounts_may_print(&app.sql, "anna@example.com", true) == 0);
	CHECK(accounts_alias_remove(&app.sql, "anna", "anna@example.com") == 0);
	CHECK(accounts_may_print(&app.sql, "anna@example.com", true) == 1);
	stop();
}

/* ---- for machines ---- */

static struct account *exported;
static size_t exported_count;

static void export(const char *group, const char *user, unsigned kinds)
{
	struct accounts_filter f = {.groups = &group,
		.group_count = group != NULL,
		.users = &user,
		.user_count = user != NULL,
		.kinds = kinds,
		.now_s = 1000,
		.expires_s = 2000};

	free(STEAL(exported));
	CHECK(accounts_export_auth(&app.sql, &f, &exported, &exported_count) == 0);
}

static void what_machines_get_opens_with_the_pepper(void)
{
	unsigned all = 1U << HASH_PASSWORD | 1U << HASH_PIN | 1U << HASH_CARD;
	const struct verifier *w;

	start_afresh();
	give_pin("anna");
	CHECK(accounts_add(&app.sql, &pepper, "bert", "", "x") == 0);
	CHECK(accounts_add(&app.sql, &pepper, "carl", "", NULL) == 0);
	CHECK(accounts_lock(&app.sql, "bert", true) == 0);
	CHECK(accounts_expire(&app.sql, "carl", 999) == 0);
	CHECK(accounts_group_add(&app.sql, "staff") == 0);
	CHECK(accounts_member_add(&app.sql, "anna", "staff") == 0);
	CHECK(accounts_member_add(&app.sql, "anna", "none") == ACCOUNTS_E_NONE);
	CHECK(accounts_alias_add(&app.sql, "carl", "charly") == 0);
	export(NULL, NULL, all);
	CHECK(exported_count == 3 && !strcmp(exported[2].name, "carl"));
	CHECK(exported[0].flags == 0 && exported[1].flags == ACCOUNT_LOCKED &&
		exported[2].flags == ACCOUNT_EXPIRED);
	CHECK(exported[0].count == 2 && exported[1].count == 1 && exported[2].count == 0);
	w = &exported[0].verifier[1];
	CHECK(w->kind == HASH_PIN && w->index == hash_index(&pepper, HASH_PIN, pin));
	CHECK(hash_matches(&pepper, HASH_PIN, pin, w->text) && w->expires_s == 2000);
	CHECK(hash_matches(&pepper, HASH_PASSWORD, "secret", exported[0].verifier[0].text));
	export("staff", NULL, 1U << HASH_PIN);
	CHECK(exported_count == 1 && exported[0].count == 1 && !strcmp(exported[0].name, "anna"));
	export("staff", "charly", all);
	CHECK(exported_count == 2 && !strcmp(exported[1].name, "carl"));
	export(NULL, "nobody", all);
	CHECK(exported_count == 0);
	free(STEAL(exported));
	stop();
}

/* ---- the audit ---- */

static void the_audit_is_only_added_to_and_names_can_be_taken_back(void)
{
	int64_t n;

	start_afresh();
	CHECK(password("anna", "secret") == ACCOUNTS_OK);
	CHECK(password("anna", "wrong") == ACCOUNTS_WRONG);
	app.now_ms = 1000;
	CHECK(audit_add(&app, "job-released", "anna at urn:uuid:1", "anna at urn:uuid:1", 7, "") ==
		0);
	CHECK(audit_add(&app, "job-released", "annabel", "annabel", 8, "") == 0);
	n = number("SELECT count(*) FROM audit");
	CHECK(n == 4);
	CHECK(sql_exec(&app.sql, "DELETE FROM audit") != 0);
	CHECK(sql_exec(&app.sql, "UPDATE audit SET detail = 'x'") != 0);
	CHECK(sql_exec(&app.sql, "INSERT OR REPLACE INTO audit SELECT * FROM audit") != 0);
	CHECK(sql_exec(&app.sql, "DELETE FROM audit_name") != 0);
	CHECK(sql_exec(&app.sql, "UPDATE audit_name SET name = 'bert' WHERE name = 'anna'") != 0);
	CHECK(audit_erase(&app.sql, "anna") == 0);
	CHECK(number("SELECT count(*) FROM audit") == n);
	CHECK(number("SELECT count(*) FROM audit_name WHERE name LIKE 'anna%'") == 1);
	CHECK(number("SELECT count(*) FROM audit_line WHERE who LIKE 'erased-%'") == 3);
	CHECK(number("SELECT count(*) FROM audit_line WHERE who LIKE 'erased-% at urn:uuid:1' AND job_id = 7") ==
		1);
	CHECK(number("SELECT count(DISTINCT who) FROM audit_line WHERE event LIKE 'login%'") == 1);
	stop();
}

static void only_lines_that_are_old_go(void)
{
	start_afresh();
	app.now_ms = 1000;
	CHECK(audit_add(&app, "old", "anna", "server", 0, "") == 0);
	app.now_ms += 401LL * 86400 * 1000;
	CHECK(audit_add(&app, "new", "anna", "server", 0, "") == 0);
	CHECK(audit_prune(&app.sql, app.now_ms) == 0);
	CHECK(number("SELECT count(*) FROM audit") == 1);
	CHECK(number("SELECT count(*) FROM audit WHERE event = 'new'") == 1);
	stop();
}

/* ---- beside the server's writer ---- */

static atomic_bool flooding;
static atomic_int logins;

static void *flood(void *arg)
{
	struct accounts_try t = {ACCOUNTS_PASSWORD, NULL, "wrong", "test", ""};
	struct accounts_said s;
	char name[32];

	(void)arg;
	t.account = name;
	while (atomic_load(&flooding)) {
		snprintf(name, sizeof(name), "user%d", atomic_load(&logins));
		if (accounts_login(v, &t, &s))
			abort(); /* it never got its turn */
		atomic_fetch_add(&logins, 1);
	}
	return NULL;
}

/* Both go on, one group after the other without a pause. */
static void a_flood_of_logins_stops_no_writer_and_looks_like_no_restore(void)
{
	pthread_t thread;
	int groups = 0;

	start_afresh();
	atomic_store(&flooding, true);
	pthread_create(&thread, NULL, flood, NULL);
	while (groups < 20 || atomic_load(&logins) < 20) {
		CHECK(db_begin(&app) == 0);
		CHECK(audit_add(&app, "x", "server", "server", 0, "") == 0);
		CHECK(db_commit(&app) == 0);
		groups++;
	}
	atomic_store(&flooding, false);
	pthread_join(thread, NULL);
	CHECK(number("SELECT count(*) FROM audit WHERE event = 'x'") == groups);
	stop();
	start();
	CHECK(app.incarnation == 1);
	CHECK(number("SELECT count(*) FROM audit WHERE event = 'database-restored'") == 0);
	stop();
}

int main(void)
{
	char command[128];

	snprintf(folder, sizeof(folder), "/tmp/test-server-logins.%d", getpid());
	RUN(a_pin_says_whose_it_is);
	RUN(a_password_without_a_name_is_no_question);
	RUN(three_pins_and_three_cards_at_most);
	RUN(nobody_gets_anothers_pin_or_card);
	RUN(what_anybody_would_try_first_is_no_pin);
	RUN(the_tenth_wrong_one_locks_and_a_restart_forgets_nothing);
	RUN(a_lock_ends_after_lock_for);
	RUN(a_right_one_forgives_its_own_account_alone);
	RUN(unknown_names_are_answered_like_known_ones);
	RUN(a_place_waits_and_its_own_account_buys_no_guesses);
	RUN(pins_alone_are_few_from_a_place);
	RUN(nothing_is_looked_at_that_cannot_be_counted);
	RUN(locked_and_expired_are_told_to_who_knows_the_secret);
	RUN(an_alias_is_the_same_account);
	RUN(what_machines_get_opens_with_the_pepper);
	RUN(the_audit_is_only_added_to_and_names_can_be_taken_back);
	RUN(only_lines_that_are_old_go);
	RUN(a_flood_of_logins_stops_no_writer_and_looks_like_no_restore);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) != 0 || tap_done();
}
