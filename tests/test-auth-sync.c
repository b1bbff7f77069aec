/* SPDX-License-Identifier: Apache-2.0 */
/* test-auth-sync - a sync file is believed when it is the server's, ours, whole, in time and newer; else nothing changes. */
#include "auth.h"
#include "auth/sync.h"
#include "tap.h"

enum { T0 = 1800000000, DAY = 86400 };

static uint8_t policy_public[SYNC_POLICY_PUBLIC], policy_secret[SYNC_POLICY_SECRET];
static const struct hash_pepper site = {{42}};
static const struct sync_head nothing;

struct file {
	uint8_t *octets;
	size_t count;
};

static void file_fini(struct file *f)
{
	free(f->octets);
}

static struct keys *keys_in(const char *folder)
{
	struct keys *k = NULL;

	if (keys_load(folder, &k))
		abort();
	return k;
}

static struct sync_head head_of(uint32_t incarnation, uint64_t serial)
{
	return (struct sync_head){incarnation, serial, T0, T0 + 3 * DAY};
}

static struct file written(
	const struct keys *k, struct sync_head head, const struct account *a, size_t n)
{
	struct file f = {0};

	if (sync_write(&head, &site, a, n, k->public_key, policy_secret, &f.octets, &f.count))
		abort();
	return f;
}

static int reread(
	const struct file *f, const struct keys *k, const struct sync_head *last, int64_t now)
{
	AUTO(sync_freep) struct sync *s = NULL;

	return sync_read(f->octets, f->count, k, policy_public, last, now, &s);
}

static void what_the_server_wrote_is_read(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *k = keys_in(folder);
	AUTO(sync_freep) struct sync *s = NULL;
	struct account a[2] = {auth_account("bert", &site, HASH_PIN, "123456", T0 + 9 * DAY),
		auth_account("anna", &site, HASH_PASSWORD, "secret", T0 + DAY)};
	AUTO(file_fini) struct file f = {0};

	a[0].flags = ACCOUNT_LOCKED;
	a[0].assertion_octets = 3;
	memcpy(a[0].assertion, "abc", 3);
	f = written(k, head_of(1, 7), a, 2);
	CHECK(sync_read(f.octets, f.count, k, policy_public, &nothing, T0 + 5, &s) == 0);
	CHECK(s && s->count == 2 && s->head.serial == 7 &&
		!memcmp(&s->pepper, &site, sizeof(site)));
	CHECK(!strcmp(s->account[0].name, "anna") && !strcmp(s->account[1].name, "bert"));
	CHECK(s->account[1].flags == ACCOUNT_LOCKED && s->account[1].assertion_octets == 3);
	CHECK(!strcmp(s->account[1].verifier[0].text, a[0].verifier[0].text));
	CHECK(s->account[1].verifier[0].expires_s ==
		T0 + 3 * DAY); /* not beyond the file's own end */
	CHECK(s->account[0].verifier[0].expires_s == T0 + DAY);
	CHECK(s->account[0].verifier[0].confirmed_s == T0);
}

static void replayed_and_rolled_back_ones_are_refused(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *k = keys_in(folder);
	AUTO(file_fini) struct file f = written(k, head_of(2, 7), NULL, 0);
	struct sync_head same = head_of(2, 7), later = head_of(2, 8), before = head_of(2, 6);
	struct sync_head restored = head_of(3, 1), old = head_of(1, 900);

	CHECK(reread(&f, k, &same, T0) == SYNC_E_APPLIED);
	CHECK(reread(&f, k, &later, T0) == SYNC_E_ROLLBACK);
	CHECK(reread(&f, k, &restored, T0) == SYNC_E_ROLLBACK);
	CHECK(reread(&f, k, &before, T0) == 0);
	CHECK(reread(&f, k, &old, T0) == 0); /* the server was restored from a backup and says so */
}

static void it_ends_with_its_time(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *k = keys_in(folder);
	AUTO(file_fini) struct file f = written(k, head_of(1, 1), NULL, 0);

	CHECK(reread(&f, k, &nothing, T0 + 3 * DAY - 1) == 0);
	CHECK(reread(&f, k, &nothing, T0 + 3 * DAY) == SYNC_E_EXPIRED);
}

static void another_signature_or_machine_is_refused(void)
{
	AUTO(auto_free) char *folder = auth_folder(), *other = auth_folder();
	AUTO(keys_freep) struct keys *k = keys_in(folder), *theirs = keys_in(other);
	AUTO(file_fini) struct file f = written(k, head_of(1, 1), NULL, 0);
	uint8_t public[32], secret[64];
	AUTO(file_fini) struct file forged = {0};
	struct sync_head head = head_of(1, 2);

	CHECK(reread(&f, theirs, &nothing, T0) == SYNC_E_NOT_OURS);
	memcpy(theirs->id, k->id, sizeof(k->id));
	CHECK(reread(&f, theirs, &nothing, T0) == SYNC_E_DAMAGED);
	crypto_sign_keypair(public, secret);
	CHECK(sync_write(&head, &site, NULL, 0, k->public_key, secret, &forged.octets,
		      &forged.count) == 0);
	CHECK(reread(&forged, k, &nothing, T0) == SYNC_E_FORGED);
}

static void every_changed_octet_and_every_cut_is_refused(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *k = keys_in(folder);
	struct account a = auth_account("anna", &site, HASH_PIN, "123456", T0 + DAY);
	AUTO(file_fini) struct file f = written(k, head_of(1, 1), &a, 1);
	size_t taken = 0, whole = f.count;

	for (size_t i = 0; i < whole; i++) {
		f.octets[i] ^= 1;
		taken += reread(&f, k, &nothing, T0) == 0;
		f.octets[i] ^= 1;
	}
	for (f.count = 0; f.count < whole; f.count++)
		taken += reread(&f, k, &nothing, T0) == 0;
	CHECK(taken == 0);
	CHECK(reread(&f, k, &nothing, T0) == 0);
}

/* The signing key says yes to whatever it is given here: a reader must not break on a signed file either. */
static void signed_nonsense_is_refused(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *k = keys_in(folder);
	struct account a[3] = {auth_account("anna", &site, HASH_PIN, "123456", T0 + DAY),
		auth_account("anna", &site, HASH_PIN, "654321", T0 + DAY),
		auth_account("bert", &site, HASH_PIN, "777777", T0 + DAY)};
	AUTO(file_fini) struct file twice = written(k, head_of(1, 1), a, 2);
	AUTO(file_fini) struct file weird = {0}, costly = {0};

	CHECK(reread(&twice, k, &nothing, T0) == SYNC_E_DAMAGED);
	strcpy(a[2].verifier[0].text, "$6$salt$hash");
	weird = written(k, head_of(1, 1), &a[2], 1);
	CHECK(reread(&weird, k, &nothing, T0) == SYNC_E_DAMAGED);
	strcpy(a[2].verifier[0].text, "$y$jzT$7LL/IfBUsqr8n5R8ywTKC/$x"); /* would take hours */
	costly = written(k, head_of(1, 1), &a[2], 1);
	CHECK(reread(&costly, k, &nothing, T0) == SYNC_E_DAMAGED);
}

/* ---- applied to a cache ---- */

static enum cache_result tried(
	struct cache *c, const char *account, const char *secret, int64_t utc_s)
{
	struct cache_ask ask = auth_ask(account, secret, auth_now(utc_s, utc_s - T0 + 100, 'a'));
	struct cache_answer answer;

	ask.kind = account ? 0 : HASH_PIN;
	if (cache_verify(c, &ask, &answer))
		abort();
	return answer.result;
}

static int applied(struct cache *c, const struct file *f, int64_t utc_s)
{
	struct cache_now now = auth_now(utc_s, utc_s - T0 + 100, 'a');
	size_t n;

	return cache_apply(c, f->octets, f->count, policy_public, &now, &n);
}

static struct cache *opened(const char *folder, const struct keys *keys)
{
	struct cache_options o = auth_options(folder, keys);
	enum cache_found found;
	struct cache *c = NULL;

	o.terminal_rule.free_tries = 1000000;
	if (cache_open(&o, &c, &found))
		abort();
	return c;
}

static void an_applied_set_lets_in_and_its_version_survives_a_restart(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *k = keys_in(folder);
	AUTO(cache_freep) struct cache *c = opened(folder, k);
	struct account a = auth_account("anna", &site, HASH_PIN, "73519284", T0 + DAY);
	AUTO(file_fini) struct file f = written(k, head_of(1, 5), &a, 1);

	CHECK(applied(c, &f, T0) == 0);
	CHECK(tried(c, "anna", "73519284", T0 + 1) == CACHE_OK);
	CHECK(tried(c, NULL, "73519284", T0 + 1) == CACHE_OK);
	CHECK(tried(c, NULL, "73519285", T0 + 1) == CACHE_WRONG);
	cache_free(STEAL(c));
	c = opened(folder, k);
	CHECK(applied(c, &f, T0 + 2) == SYNC_E_APPLIED);
	CHECK(tried(c, "anna", "73519284", T0 + 3) == CACHE_OK);
	CHECK(tried(c, "anna", "73519284", T0 + DAY) == CACHE_WRONG);
}

static void who_is_not_in_the_next_set_is_forgotten(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *k = keys_in(folder);
	AUTO(cache_freep) struct cache *c = opened(folder, k);
	struct account a[2] = {auth_account("anna", &site, HASH_PIN, "111111", T0 + DAY),
		auth_account("bert", &site, HASH_PIN, "222222", T0 + DAY)};
	AUTO(file_fini) struct file both = written(k, head_of(1, 1), a, 2);
	AUTO(file_fini) struct file bert = written(k, head_of(1, 2), a + 1, 1);
	struct cache_ask ask = auth_ask("carl", "learned", auth_now(T0, 100, 'a'));

	CHECK(cache_learn(c, &ask, a[0].uuid) == 0);
	CHECK(applied(c, &both, T0) == 0 && applied(c, &bert, T0) == 0);
	CHECK(tried(c, "anna", "111111", T0 + 1) == CACHE_WRONG);
	CHECK(tried(c, "bert", "222222", T0 + 1) == CACHE_OK);
	CHECK(tried(c, "carl", "learned", T0 + 1) == CACHE_OK); /* had never been in one */
}

static void removed_and_locked_reach_what_was_learned_here(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *k = keys_in(folder);
	AUTO(cache_freep) struct cache *c = opened(folder, k);
	struct account a[2] = {auth_account("anna", &site, HASH_PIN, "111111", T0 + DAY),
		auth_account("bert", &site, HASH_PIN, "222222", T0 + DAY)};
	struct cache_ask ask = auth_ask("anna", "learned", auth_now(T0, 100, 'a'));
	AUTO(file_fini) struct file f = {0};

	CHECK(cache_learn(c, &ask, a[0].uuid) == 0);
	ask.account = "bert";
	CHECK(cache_learn(c, &ask, a[0].uuid) == 0);
	a[0].flags = ACCOUNT_REMOVED;
	a[1].flags = ACCOUNT_LOCKED;
	f = written(k, head_of(1, 1), a, 2);
	CHECK(applied(c, &f, T0) == 0);
	CHECK(tried(c, "anna", "learned", T0 + 1) == CACHE_WRONG);
	CHECK(tried(c, "bert", "learned", T0 + 1) == CACHE_LOCKED);
}

static void a_refused_file_changes_nothing(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *k = keys_in(folder);
	AUTO(cache_freep) struct cache *c = opened(folder, k);
	struct account a = auth_account("anna", &site, HASH_PIN, "111111", T0 + DAY);
	AUTO(file_fini)
	struct file good = written(k, head_of(1, 1), &a, 1),
		    none = written(k, head_of(1, 2), NULL, 0);

	CHECK(applied(c, &good, T0) == 0);
	none.octets[none.count - 1] ^= 1;
	CHECK(applied(c, &none, T0) == SYNC_E_FORGED);
	CHECK(tried(c, "anna", "111111", T0 + 1) == CACHE_OK);
}

static double ms_since(int64_t began_ms)
{
	return (double)(mono_ms() - began_ms);
}

static void ten_thousand_accounts_are_as_quick(void)
{
	enum { MANY = 10000 };
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *k = keys_in(folder);
	AUTO(cache_freep) struct cache *c = opened(folder, k);
	struct account *a = calloc(MANY, sizeof(*a));
	AUTO(file_fini) struct file f = {0};
	double apply_ms, open_ms, worst = 0;
	int64_t began;

	for (unsigned i = 0; a && i < MANY; i++) {
		char pin[16];

		snprintf(a[i].name, sizeof(a[i].name), "user%05u", i);
		snprintf(pin, sizeof(pin), "%08u", i * 7919);
		a[i].count = 1;
		a[i].verifier[0] = (struct verifier){.kind = HASH_PIN,
			.source = ACCOUNT_FROM_SYNC,
			.index = hash_index(&site, HASH_PIN, pin),
			.expires_s = T0 + DAY};
		/* Only those that will log in need a hash of their own; the index tells them from the others. */
		if (i % 191 != 0 && i != 1)
			strcpy(a[i].verifier[0].text, a[0].verifier[0].text);
		else if (hash_make(&site, HASH_PIN, pin, 1, a[i].verifier[0].text))
			abort();
	}
	f = written(k, head_of(1, 1), a, MANY);
	free(a);
	began = mono_ms();
	CHECK(applied(c, &f, T0) == 0);
	apply_ms = ms_since(began);
	cache_free(STEAL(c));
	began = mono_ms();
	c = opened(folder, k);
	open_ms = ms_since(began);
	CHECK(cache_get_count(c) == MANY);
	for (unsigned i = 0; i < 50; i++) {
		char pin[16];

		snprintf(pin, sizeof(pin), "%08u", i * 191 * 7919);
		began = mono_ms();
		CHECK(tried(c, NULL, pin, T0 + 1) == CACHE_OK);
		worst = ms_since(began) > worst ? ms_since(began) : worst;
	}
	printf("# %zu octets; applied in %.0f ms, opened in %.0f ms, slowest of 50 logins %.0f ms (hash about 1 ms)\n",
		f.count, apply_ms, open_ms, worst);
	CHECK(tried(c, "user00001", "00007919", T0 + 2) == CACHE_OK);
	CHECK(tried(c, "user00001", "7919", T0 + 2) == CACHE_WRONG);
	CHECK(worst < 300);
}

int main(void)
{
	if (sodium_init() < 0)
		return EXIT_FAILURE;
	crypto_sign_keypair(policy_public, policy_secret);
	RUN(what_the_server_wrote_is_read);
	RUN(replayed_and_rolled_back_ones_are_refused);
	RUN(it_ends_with_its_time);
	RUN(another_signature_or_machine_is_refused);
	RUN(every_changed_octet_and_every_cut_is_refused);
	RUN(signed_nonsense_is_refused);
	RUN(an_applied_set_lets_in_and_its_version_survives_a_restart);
	RUN(who_is_not_in_the_next_set_is_forgotten);
	RUN(removed_and_locked_reach_what_was_learned_here);
	RUN(a_refused_file_changes_nothing);
	RUN(ten_thousand_accounts_are_as_quick);
	auth_done();
	return tap_done();
}
