/* SPDX-License-Identifier: Apache-2.0 */
/* test-server-credentials - what the rules choose for a machine, and whom every machine has to forget. */
#include "../server/credentials.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../server/accounts.h"
#include "../server/app.h"
#include "../server/machines.h"
#include "tap.h"

#define CHECK_TEXT(got, wanted) CHECK(!strcmp(got, wanted))

enum { NOW = 1800000000 };

static char folder[64];
static struct server_config config;
static struct app app;
static struct hash_pepper pepper;

static void start_afresh(void)
{
	static const char *const people[] = {"anna", "bert", "cora"};
	char command[256];

	snprintf(command, sizeof(command), "rm -rf %s && mkdir -m 0700 %s", folder, folder);
	if (system(command) != 0)
		abort();
	snprintf(config.state, sizeof(config.state), "%s", folder);
	CHECK(db_open(&app, &config) == 0);
	CHECK(accounts_pepper(folder, &pepper) == 0);
	for (int i = 0; i < 3; i++) {
		char pin[16];

		snprintf(pin, sizeof(pin), "7351928%d", 40 + i * 7);
		CHECK(accounts_add(&app.sql, &pepper, people[i], "", "secret") == 0);
		CHECK(accounts_secret_add(&app.sql, &pepper, HASH_PIN, people[i], pin, "", NULL) ==
			0);
	}
	CHECK(accounts_group_add(&app.sql, "staff") == 0);
	CHECK(accounts_member_add(&app.sql, "bert", "staff") == 0);
	CHECK(accounts_member_add(&app.sql, "cora", "staff") == 0);
}

static int64_t rule(const char *machine, const char *kind, const char *name, int64_t max)
{
	struct credentials_rule r = {.interval_s = 900, .valid_s = 9000, .accounts_max = max};

	snprintf(r.machine, sizeof(r.machine), "%s", machine);
	snprintf(r.kind, sizeof(r.kind), "%s", kind);
	snprintf(r.name, sizeof(r.name), "%s", name);
	CHECK(credentials_rule_add(&app.sql, &r, 1) == 0);
	return r.id;
}

/* "anna bert -cora": who is in it, who is to be forgotten. */
static const char *set_of(const char *uuid, const char *kind)
{
	static char text[256];
	struct credentials_set set;

	text[0] = '\0';
	CHECK(credentials_set_of(&app, uuid, kind, NOW, &set) == 0);
	for (size_t i = 0; i < set.count; i++) {
		const struct account *a = &set.account[i];

		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s%s%s",
			*text ? " " : "", a->flags & ACCOUNT_REMOVED ? "-" : "",
			a->flags & ACCOUNT_LOCKED ? "!" : "", a->name);
		for (unsigned k = 0; k < a->count; k++)
			CHECK(a->verifier[k].kind != HASH_PASSWORD);
		CHECK(a->flags & ACCOUNT_REMOVED ? a->count == 0 : a->count == 1);
	}
	credentials_set_fini(&set);
	return text;
}

static void without_a_rule_nobody_is_sent(void)
{
	start_afresh();
	CHECK_TEXT(set_of("urn:uuid:1", "workstation"), "");
	rule("urn:uuid:2", "user", "anna", 100);
	rule("terminal", "user", "bert", 100);
	CHECK_TEXT(set_of("urn:uuid:1", "workstation"), "");
	CHECK_TEXT(set_of("urn:uuid:2", "workstation"), "anna");
	CHECK_TEXT(set_of("urn:uuid:1", "terminal"), "bert");
	CHECK_TEXT(set_of("urn:uuid:2", "terminal"), "anna bert");
	rule("all", "group", "staff", 100);
	CHECK_TEXT(set_of("urn:uuid:2", "workstation"), "anna bert cora");
	CHECK(accounts_member_remove(&app.sql, "cora", "staff") == 0);
	CHECK_TEXT(set_of("urn:uuid:2", "workstation"), "anna bert");
	db_close(&app);
}

static void who_is_named_comes_first_when_there_is_no_room(void)
{
	struct credentials_set set;

	start_afresh();
	rule("all", "everybody", "", 2);
	CHECK_TEXT(set_of("urn:uuid:1", "workstation"), "anna bert");
	rule("all", "user", "cora", 1);
	CHECK_TEXT(set_of("urn:uuid:1", "workstation"), "anna cora");
	CHECK(credentials_set_of(&app, "urn:uuid:1", "workstation", NOW, &set) == 0);
	CHECK(set.left_out == 1 && set.chosen == 2 && set.rules == 2);
	credentials_set_fini(&set);
	db_close(&app);
}

static void who_is_gone_or_locked_is_to_be_forgotten_everywhere(void)
{
	start_afresh();
	rule("urn:uuid:2", "user", "bert", 100);
	CHECK(accounts_remove(&app.sql, "anna") == 0);
	CHECK(accounts_lock(&app.sql, "bert", true) == 0);
	CHECK(accounts_expire(&app.sql, "cora", NOW - 1) == 0);
	/* Now, by the clock of the table, not of the test. */
	CHECK(sql_run(&app.sql, "UPDATE sync_removed SET removed_ms = ?1",
		      VALUES(V_NUM((int64_t)NOW * 1000))) == 0);
	CHECK_TEXT(set_of("urn:uuid:1", "workstation"), "-anna -bert -cora");
	CHECK_TEXT(set_of("urn:uuid:2", "workstation"), "-anna !bert -cora");
	CHECK(accounts_add(&app.sql, &pepper, "anna", "", "secret") == 0);
	CHECK_TEXT(set_of("urn:uuid:1", "workstation"), "-bert -cora");
	CHECK(accounts_remove(&app.sql, "anna") == 0);
	CHECK(sql_run(&app.sql, "UPDATE sync_removed SET removed_ms = ?1",
		      VALUES(V_NUM(((int64_t)NOW - CREDENTIALS_REMOVED_S - 1) * 1000))) == 0);
	CHECK_TEXT(set_of("urn:uuid:1", "workstation"), "-bert -cora");
	db_close(&app);
}

static int64_t stamp(void)
{
	int64_t n = 0;

	CHECK(sql_number(&app.sql, "SELECT stamp FROM sync_stamp", NULL, &n) == 1);
	return n;
}

static void whatever_may_change_a_set_raises_the_stamp(void)
{
	int64_t before, id;

	start_afresh();
#define RAISES(what) \
	do { \
		before = stamp(); \
		CHECK((what) == 0); \
		CHECK(stamp() > before); \
	} while (0)
	RAISES(accounts_secret_add(&app.sql, &pepper, HASH_CARD, "anna", "04A2B3C4", "", &id));
	RAISES(accounts_secret_remove(&app.sql, HASH_CARD, "anna", id));
	RAISES(accounts_lock(&app.sql, "anna", true));
	RAISES(accounts_expire(&app.sql, "anna", NOW));
	RAISES(accounts_disable(&app.sql, "anna", true));
	RAISES(accounts_member_add(&app.sql, "anna", "staff"));
	RAISES(accounts_group_remove(&app.sql, "staff"));
	RAISES(accounts_remove(&app.sql, "anna"));
	before = stamp();
	id = rule("all", "everybody", "", 1);
	CHECK(stamp() > before);
	RAISES(credentials_rule_remove(&app.sql, id));
	before = stamp();
	CHECK(accounts_set_full_name(&app.sql, "bert", "Bert") == 0 && stamp() == before);
	db_close(&app);
}

static void only_who_was_revoked_or_removed_here_is_told_so(void)
{
	struct serve_peer peer = {
		.who = SERVE_MACHINE, .uuid = "urn:uuid:00000000-0000-4000-8000-000000000001"};
	struct serve_peer longer = peer, person = peer;

	start_afresh();
	CHECK(!machines_is_revoked(&app, &peer));
	CHECK(sql_run(&app.sql,
		      "INSERT INTO machine (uuid, kind, name, fingerprint, key, enrolled_ms, issued_ms, expires_s)"
		      " VALUES (?1, 'workstation', 'a', '', '', 1, 1, 1)",
		      VALUES(V_TEXT(peer.uuid))) == 0);
	CHECK(!machines_is_revoked(&app, &peer));
	CHECK(machines_revoke(&app.sql, folder, peer.uuid, 5) == 0);
	CHECK(machines_is_revoked(&app, &peer));
	CHECK(machines_remove(&app.sql, folder, peer.uuid, 6) == 0);
	CHECK(machines_is_revoked(&app, &peer));
	longer.uuid[strlen(longer.uuid) - 1] = '\0';
	CHECK(!machines_is_revoked(&app, &longer));
	person.who = SERVE_PERSON;
	CHECK(!machines_is_revoked(&app, &person));
	db_close(&app);
}

int main(void)
{
	char command[96];

	snprintf(folder, sizeof(folder), "/tmp/test-server-credentials-%d", (int)getpid());
	RUN(without_a_rule_nobody_is_sent);
	RUN(who_is_named_comes_first_when_there_is_no_room);
	RUN(who_is_gone_or_locked_is_to_be_forgotten_everywhere);
	RUN(whatever_may_change_a_set_raises_the_stamp);
	RUN(only_who_was_revoked_or_removed_here_is_told_so);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) != 0 || tap_done();
}
