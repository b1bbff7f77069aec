/* SPDX-License-Identifier: Apache-2.0 */
/* test-server-accounts - passwords, codes, and machines that no restore brings back. */
#include "../server/accounts.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../server/app.h"
#include "../server/machines.h"
#include "tap.h"

static char folder[64];
static struct server_config config;
static struct app app;
static struct hash_pepper pepper;

static void start_afresh(void)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf %s && mkdir -m 0700 %s", folder, folder);
	if (system(command) != 0)
		abort();
	snprintf(config.state, sizeof(config.state), "%s", folder);
	CHECK(db_open(&app, &config) == 0);
	CHECK(accounts_pepper(folder, &pepper) == 0);
}

static int verify(const char *user, const char *password)
{
	AUTO(accounts_verifier_freep) struct accounts_verifier *v = NULL;
	char name[256] = "";
	int rc;

	if (accounts_verifier_new(folder, &v))
		abort();
	rc = accounts_verify(v, user, password, "", name, sizeof(name));
	CHECK((rc == 1) == (strcmp(name, user) == 0 && *name));
	return rc;
}

static void only_the_right_password_opens(void)
{
	start_afresh();
	CHECK(accounts_add(&app.sql, &pepper, "anna", "Anna", "secret") == 0);
	CHECK(verify("anna", "secret") == 1);
	CHECK(verify("anna", "Secret") == 0);
	CHECK(verify("anna", "") == 0);
	CHECK(verify("Anna", "secret") == 0);
	CHECK(verify("bert", "secret") == 0);
	CHECK(verify("", "") == 0);
	db_close(&app);
}

static void a_login_says_who_it_was_and_nothing_else(void)
{
	AUTO(accounts_verifier_freep) struct accounts_verifier *v = NULL;
	struct accounts_try t = {ACCOUNTS_ANY, "anna", "secret", "test", ""};
	struct accounts_said said, again;
	static const uint8_t none[16];

	start_afresh();
	CHECK(accounts_add(&app.sql, &pepper, "anna", "Anna", "secret") == 0);
	CHECK(accounts_verifier_new(folder, &v) == 0);
	CHECK(accounts_login(v, &t, &said) == 0 && said.result == ACCOUNTS_OK);
	CHECK(said.kind == ACCOUNTS_PASSWORD && !strcmp(said.account, "anna"));
	CHECK(memcmp(said.uuid, none, 16) != 0);
	CHECK(accounts_login(v, &t, &again) == 0 && !memcmp(said.uuid, again.uuid, 16));
	t.secret = "wrong";
	CHECK(accounts_login(v, &t, &said) == 0 && said.result == ACCOUNTS_WRONG);
	CHECK(!*said.account && !memcmp(said.uuid, none, 16));
	t.secret = "secret";
	t.kind = ACCOUNTS_PIN;
	CHECK(accounts_login(v, &t, &said) == 0 && said.result == ACCOUNTS_WRONG);
	t.kind = ACCOUNTS_PASSWORD;
	CHECK(accounts_disable(&app.sql, "anna", true) == 0);
	CHECK(accounts_login(v, &t, &said) == 0 && said.result == ACCOUNTS_LOCKED);
	t.secret = "wrong";
	CHECK(accounts_login(v, &t, &said) == 0 && said.result == ACCOUNTS_WRONG);
	db_close(&app);
}

static void the_password_is_not_in_the_database(void)
{
	char command[256];

	start_afresh();
	CHECK(accounts_add(&app.sql, &pepper, "anna", "", "a-quite-unlikely-word") == 0);
	db_close(&app);
	snprintf(command, sizeof(command),
		"! grep -rq a-quite-unlikely-word %s && grep -rqF '$y$' %s", folder, folder);
	CHECK(system(command) == 0);
}

static void disabled_and_passwordless_users_cannot_log_in(void)
{
	start_afresh();
	CHECK(accounts_add(&app.sql, &pepper, "anna", "", "secret") == 0);
	CHECK(accounts_disable(&app.sql, "anna", true) == 0);
	CHECK(verify("anna", "secret") == 0);
	CHECK(accounts_may_print(&app.sql, "anna", true) == 0);
	CHECK(accounts_disable(&app.sql, "anna", false) == 0);
	CHECK(verify("anna", "secret") == 1);
	CHECK(accounts_add(&app.sql, &pepper, "bert", "", NULL) == 0);
	CHECK(verify("bert", "") == 0);
	CHECK(accounts_may_print(&app.sql, "bert", false) == 1);
	CHECK(accounts_may_print(&app.sql, "carl", false) == 0);
	CHECK(accounts_may_print(&app.sql, "carl", true) == 1);
	db_close(&app);
}

static void users_are_told_apart(void)
{
	start_afresh();
	CHECK(accounts_add(&app.sql, &pepper, "anna", "", "x") == 0);
	CHECK(accounts_add(&app.sql, &pepper, "anna", "", "y") == ACCOUNTS_E_EXISTS);
	CHECK(accounts_set_password(&app.sql, &pepper, "bert", "x") == ACCOUNTS_E_NONE);
	CHECK(accounts_remove(&app.sql, "bert") == ACCOUNTS_E_NONE);
	CHECK(accounts_add(&app.sql, &pepper, "a:b", "", "x") == -EINVAL);
	CHECK(accounts_add(&app.sql, &pepper, "a/b", "", "x") == -EINVAL);
	CHECK(accounts_add(&app.sql, &pepper, " a", "", "x") == -EINVAL);
	CHECK(accounts_add(&app.sql, &pepper, "a\n", "", "x") == -EINVAL);
	CHECK(accounts_add(&app.sql, &pepper, "", "", "x") == -EINVAL);
	CHECK(accounts_add(&app.sql, &pepper, "carl", "", "") == -EINVAL);
	db_close(&app);
}

static int64_t cpu_us(const char *user, struct accounts_verifier *v)
{
	struct timespec from, to;
	char name[256];

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	accounts_verify(v, user, "wrong", "", name, sizeof(name));
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	return (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000;
}

static void unknown_users_cost_as_much_as_known_ones(void)
{
	AUTO(accounts_verifier_freep) struct accounts_verifier *v = NULL;
	int64_t known = INT64_MAX, unknown = INT64_MAX;

	start_afresh();
	CHECK(accounts_add(&app.sql, &pepper, "anna", "", "secret") == 0);
	CHECK(accounts_verifier_new(folder, &v) == 0);
	for (int i = 0; i < 5; i++) {
		int64_t a = cpu_us("anna", v), b = cpu_us("nobody", v);

		known = a < known ? a : known;
		unknown = b < unknown ? b : unknown;
	}
	if (unknown * 10 < known * 7 || known * 10 < unknown * 7)
		printf("# known %lld us, unknown %lld us\n", (long long)known, (long long)unknown);
	CHECK(unknown * 10 >= known * 7 && known * 10 >= unknown * 7);
	db_close(&app);
}

static void a_code_survives_being_read_aloud(void)
{
	uint8_t octets[MACHINES_CODE_OCTETS], back[MACHINES_CODE_OCTETS];
	char code[MACHINES_CODE_SIZE];

	for (int i = 0; i < MACHINES_CODE_OCTETS; i++)
		octets[i] = (uint8_t)(i * 37 + 11);
	machines_code_format(code, octets);
	CHECK(strlen(code) == 39);
	CHECK(machines_code_parse(code, back) && !memcmp(octets, back, sizeof(back)));
	for (char *p = code; *p; p++)
		*p = *p == '-' ? ' ' : *p == '0' ? 'o' : *p == '1' ? 'l' : *p;
	CHECK(machines_code_parse(code, back) && !memcmp(octets, back, sizeof(back)));
	code[3] = 'U';
	CHECK(!machines_code_parse(code, back));
	CHECK(!machines_code_parse("", back));
	CHECK(!machines_code_parse("0000", back));
	CHECK(!machines_code_parse("0000-0000-0000-0000-0000-0000-0000-0000-0", back));
	/* RFC 4648's vectors say nothing of this alphabet: one by hand. */
	memset(octets, 0, sizeof(octets));
	octets[0] = 0xff;
	machines_code_format(code, octets);
	CHECK(!strcmp(code, "ZW00-0000-0000-0000-0000-0000-0000-0000"));
}

static const char machine[] = "urn:uuid:11111111-2222-3333-4444-555555555555";

static void add_machine(int64_t issued_ms)
{
	CHECK(sql_run(&app.sql,
		      "INSERT OR REPLACE INTO machine (uuid, kind, name, fingerprint, key, enrolled_ms, issued_ms,"
		      " expires_s) VALUES (?1, 'workstation', 'desk', 'f', 'k', ?2, ?2, 9999999999)",
		      VALUES(V_TEXT(machine), V_NUM(issued_ms))) == 0);
}

static int64_t revoked(void)
{
	int64_t at_ms = -1;

	sql_number(&app.sql, "SELECT revoked_ms FROM machine WHERE uuid = ?1",
		VALUES(V_TEXT(machine)), &at_ms);
	return at_ms;
}

static void a_restored_row_stays_revoked(void)
{
	start_afresh();
	add_machine(1000);
	CHECK(machines_revoke(&app.sql, folder, machine, 2000) == 0);
	CHECK(revoked() == 2000);
	add_machine(1000); /* as a backup would bring it back */
	CHECK(revoked() == 0);
	CHECK(machines_apply_revoked(&app.sql, folder) == 0);
	CHECK(revoked() == 2000);
	add_machine(3000); /* enrolled anew since */
	CHECK(machines_apply_revoked(&app.sql, folder) == 0);
	CHECK(revoked() == 0);
	db_close(&app);
}

static void a_removed_machine_stays_out_too(void)
{
	start_afresh();
	add_machine(1000);
	CHECK(machines_remove(&app.sql, folder, machine, 2000) == 0);
	CHECK(revoked() == -1);
	CHECK(machines_remove(&app.sql, folder, machine, 2000) == MACHINES_E_NONE);
	add_machine(1000);
	CHECK(machines_apply_revoked(&app.sql, folder) == 0);
	CHECK(revoked() == 2000);
	db_close(&app);
}

int main(void)
{
	char command[128];

	snprintf(folder, sizeof(folder), "/tmp/test-server-accounts.%d", getpid());
	RUN(only_the_right_password_opens);
	RUN(a_login_says_who_it_was_and_nothing_else);
	RUN(the_password_is_not_in_the_database);
	RUN(disabled_and_passwordless_users_cannot_log_in);
	RUN(users_are_told_apart);
	RUN(unknown_users_cost_as_much_as_known_ones);
	RUN(a_code_survives_being_read_aloud);
	RUN(a_restored_row_stays_revoked);
	RUN(a_removed_machine_stays_out_too);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) != 0 || tap_done();
}
