/* SPDX-License-Identifier: Apache-2.0 */
/* test-auth-cache - who the server has let in is let in without it: for a time, by the right secret, not by guessing. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

#include "auth.h"
#include "auth/file.h"
#include "tap.h"

enum { T0 = 1800000000, DAY = 86400 };
static const uint8_t uuid[16] = "0123456789abcdef";

static struct cache *opened_as(struct cache_options o, enum cache_found wanted)
{
	enum cache_found found;
	struct cache *c = NULL;

	if (cache_open(&o, &c, &found))
		abort();
	CHECK(found == wanted);
	return c;
}

static struct cache *opened(const char *folder, const struct keys *keys, enum cache_found wanted)
{
	return opened_as(auth_options(folder, keys), wanted);
}

static struct keys *keys_in(const char *folder)
{
	struct keys *k = NULL;

	if (keys_load(folder, &k))
		abort();
	return k;
}

static enum cache_result tried(
	struct cache *c, const char *account, const char *secret, int64_t utc_s)
{
	struct cache_ask ask = auth_ask(account, secret, auth_now(utc_s, utc_s - T0 + 100, 'a'));
	struct cache_answer answer;

	if (cache_verify(c, &ask, &answer))
		abort();
	return answer.result;
}

static void learned(struct cache *c, const char *account, const char *secret, int64_t utc_s)
{
	struct cache_ask ask = auth_ask(account, secret, auth_now(utc_s, utc_s - T0 + 100, 'a'));

	CHECK(cache_learn(c, &ask, uuid) == 0);
}

static void what_was_learned_is_let_in_also_after_a_restart(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder);
	AUTO(cache_freep) struct cache *c = opened(folder, keys, CACHE_FRESH);

	learned(c, "anna", "secret", T0);
	CHECK(tried(c, "anna", "secret", T0 + 1) == CACHE_OK);
	CHECK(tried(c, "anna", "Secret", T0 + 2) == CACHE_WRONG);
	CHECK(tried(c, "bert", "secret", T0 + 3) == CACHE_WRONG);
	cache_free(STEAL(c));
	c = opened(folder, keys, CACHE_FOUND);
	CHECK(tried(c, "anna", "secret", T0 + 4) == CACHE_OK);
}

static void it_ends_with_its_time(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder);
	AUTO(cache_freep) struct cache *c = opened(folder, keys, CACHE_FRESH);
	struct cache_ask ask;
	struct cache_answer answer;

	learned(c, "anna", "secret", T0);
	ask = auth_ask("anna", "secret", auth_now(T0 + 7200, 7300, 'a'));
	ask.ttl_s = 3600; /* the asker is stricter */
	CHECK(cache_verify(c, &ask, &answer) == 0 && answer.result == CACHE_WRONG);
	CHECK(tried(c, "anna", "secret", T0 + 3 * DAY - 1) == CACHE_OK);
	CHECK(tried(c, "anna", "secret", T0 + 3 * DAY) == CACHE_WRONG);
}

static void a_clock_set_back_needs_the_server(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder);
	AUTO(cache_freep) struct cache *c = opened(folder, keys, CACHE_FRESH);

	learned(c, "anna", "secret", T0);
	CHECK(tried(c, "anna", "secret", T0 - 200) == CACHE_OK);
	CHECK(tried(c, "anna", "secret", T0 - 400) == CACHE_STALE);
	cache_free(STEAL(c));
	c = opened(folder, keys, CACHE_FOUND);
	CHECK(tried(c, "anna", "secret", T0 - 400) == CACHE_STALE);
}

static void guessing_is_counted_across_restarts(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder);
	struct cache *c = opened(folder, keys, CACHE_FRESH);
	unsigned looked_at = 0;

	learned(c, "anna", "73519284", T0);
	cache_free(c);
	for (int i = 0; i < 40; i++) { /* each guess by a program that has just begun */
		char guess[16];

		c = opened(folder, keys, CACHE_FOUND);
		snprintf(guess, sizeof(guess), "%08d", i);
		looked_at += tried(c, "anna", guess, T0 + 10) == CACHE_WRONG;
		cache_free(c);
	}
	CHECK(looked_at == 5);
	c = opened(folder, keys, CACHE_FOUND);
	CHECK(tried(c, "anna", "73519284", T0 + 11) ==
		CACHE_LATER); /* not even the right one, now */
	CHECK(tried(c, "anna", "73519284", T0 + 50) == CACHE_OK);
	CHECK(tried(c, "anna", "00000000", T0 + 51) == CACHE_WRONG);
	cache_free(c);
}

static void at_ten_it_is_locked_until_the_server_speaks(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder);
	AUTO(cache_freep) struct cache *c = opened(folder, keys, CACHE_FRESH);
	int64_t now = T0;
	unsigned looked_at = 0;

	learned(c, "anna", "secret", T0);
	for (int i = 0; i < 1000; i++, now += 10)
		looked_at += tried(c, "anna", "guess", now) == CACHE_WRONG;
	CHECK(looked_at == 10);
	CHECK(tried(c, "anna", "secret", now + DAY) == CACHE_LOCKED);
	learned(c, "anna", "secret", now + DAY + 1);
	CHECK(tried(c, "anna", "secret", now + DAY + 2) == CACHE_OK);
}

static void names_that_nobody_knows_are_counted_like_others(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder);
	struct cache_options o = auth_options(folder, keys);
	AUTO(cache_freep) struct cache *c = NULL;
	int64_t now = T0;
	int known = 0, unknown = 0;

	o.terminal_rule.free_tries = 1000000;
	c = opened_as(o, CACHE_FRESH);
	learned(c, "anna", "secret", T0);
	for (int i = 0; i < 300; i++, now += 7) {
		enum cache_result k = tried(c, "anna", "guess", now),
				  u = tried(c, "nobody", "guess", now);

		CHECK(k == u);
		known += k == CACHE_WRONG;
		unknown += u == CACHE_WRONG;
	}
	CHECK(known == unknown && known > 5 && known <= 10);
}

static void a_terminal_has_a_counter_of_its_own(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder);
	AUTO(cache_freep) struct cache *c = opened(folder, keys, CACHE_FRESH);
	struct cache_ask elsewhere;
	struct cache_answer answer;
	unsigned looked_at = 0;

	learned(c, "anna", "secret", T0);
	for (int i = 0; i < 20; i++) { /* one guess at each of many accounts */
		char name[16];

		snprintf(name, sizeof(name), "user%d", i);
		looked_at += tried(c, name, "guess", T0 + 5) == CACHE_WRONG;
	}
	CHECK(looked_at == 5);
	CHECK(tried(c, "anna", "secret", T0 + 6) == CACHE_LATER);
	elsewhere = auth_ask("anna", "secret", auth_now(T0 + 6, 106, 'a'));
	elsewhere.terminal = "seat1";
	CHECK(cache_verify(c, &elsewhere, &answer) == 0 && answer.result == CACHE_OK);
}

static void ones_own_login_forgives_no_guesses_at_others(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder);
	AUTO(cache_freep) struct cache *c = opened(folder, keys, CACHE_FRESH);
	unsigned looked_at = 0;

	learned(c, "mallory", "mine", T0);
	for (int i = 0; i < 20; i++) {
		char name[16];

		snprintf(name, sizeof(name), "user%d", i);
		looked_at += tried(c, name, "guess", T0 + 5) == CACHE_WRONG;
		tried(c, "mallory", "mine", T0 + 5);
	}
	CHECK(looked_at == 5);
}

static void lost_counters_need_the_server(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder);
	struct cache *c = opened(folder, keys, CACHE_FRESH);
	char path[PATH_MAX];

	learned(c, "anna", "secret", T0);
	cache_free(c);
	snprintf(path, sizeof(path), "%s/attempts", folder);
	CHECK(unlink(path) == 0);
	for (int i = 0; i < 3; i++) { /* and go on needing it */
		c = opened(folder, keys, CACHE_COUNTERS_LOST);
		CHECK(tried(c, "anna", "secret", T0 + 1) == CACHE_STALE);
		cache_free(c);
	}
	c = opened(folder, keys, CACHE_COUNTERS_LOST);
	learned(c, "anna", "secret", T0 + 2);
	CHECK(tried(c, "anna", "secret", T0 + 3) == CACHE_OK);
	cache_free(c);
	cache_free(opened(folder, keys, CACHE_FOUND));
}

static void no_try_without_its_count_on_disk(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder);
	AUTO(cache_freep) struct cache *c = opened(folder, keys, CACHE_FRESH);
	struct cache_ask ask;
	struct cache_answer answer;
	char path[PATH_MAX];
	int full = open("/dev/full", O_RDWR | O_CLOEXEC), fd = -1;

	learned(c, "anna", "secret", T0);
	snprintf(path, sizeof(path), "%s/attempts", folder);
	for (int i = 3; i < 64 && fd < 0;
		i++) { /* the counters' own descriptor now leads to a full disk */
		char link[64], to[PATH_MAX] = "";

		snprintf(link, sizeof(link), "/proc/self/fd/%d", i);
		if (readlink(link, to, sizeof(to) - 1) > 0 && !strcmp(to, path))
			fd = i;
	}
	CHECK(full >= 0 && fd >= 0 && dup2(full, fd) == fd);
	ask = auth_ask("anna", "secret", auth_now(T0 + 1, 101, 'a'));
	CHECK(cache_verify(c, &ask, &answer) == -ENOSPC);
	CHECK(answer.result != CACHE_OK);
	close(full);
}

static void short_pins_do_not_serve_offline(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder);
	AUTO(cache_freep) struct cache *c = opened(folder, keys, CACHE_FRESH);
	struct cache_ask ask;
	struct cache_answer answer;

	CHECK(cache_min_pin(0) == 6 && cache_min_pin(100) == 6 && cache_min_pin(101) == 7);
	CHECK(cache_min_pin(1000) == 7 && cache_min_pin(10000) == 8 && cache_min_pin(10001) == 9);
	learned(c, "anna", "12345", T0);
	learned(c, "bert", "123456", T0);
	CHECK(tried(c, "anna", "12345", T0 + 1) == CACHE_WRONG);
	CHECK(tried(c, "bert", "123456", T0 + 1) == CACHE_OK);
	ask = auth_ask("bert", "123456", auth_now(T0 + 2, 102, 'a'));
	ask.min_pin = 8;
	CHECK(cache_verify(c, &ask, &answer) == 0 && answer.result == CACHE_WRONG);
}

static void where_no_passwords_are_kept_pins_are(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder);
	struct cache_options o = auth_options(folder, keys);
	AUTO(cache_freep) struct cache *c = NULL;

	o.keep_passwords = false;
	c = opened_as(o, CACHE_FRESH);
	learned(c, "anna", "secret", T0);
	learned(c, "anna", "246813", T0);
	CHECK(tried(c, "anna", "secret", T0 + 1) == CACHE_WRONG);
	CHECK(tried(c, "anna", "246813", T0 + 1) == CACHE_OK);
}

static void three_pins_and_three_cards_find_their_owner(void)
{
	static const char *const pins[] = {"111222", "333444", "555666", "777888"};
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder);
	AUTO(cache_freep) struct cache *c = opened(folder, keys, CACHE_FRESH);
	struct cache_ask ask;
	struct cache_answer answer;

	learned(c, "bert", "999999", T0);
	for (int i = 0; i < 4; i++)
		learned(c, "anna", pins[i], T0 + i);
	for (int i = 0; i < 3; i++) {
		ask = auth_ask("anna",
			i == 0   ? "04A1B2C3"
			: i == 1 ? "04D4"
				 : "04FF",
			auth_now(T0 + 9, 109, 'a'));
		ask.kind = HASH_CARD;
		CHECK(cache_learn(c, &ask, uuid) == 0);
		ask.account = NULL;
		CHECK(cache_verify(c, &ask, &answer) == 0 && answer.result == CACHE_OK);
		CHECK(!strcmp(answer.account, "anna") && !memcmp(answer.uuid, uuid, 16));
	}
	for (int i = 0; i < 4; i++) { /* the one confirmed longest ago made room for the fourth */
		ask = auth_ask(NULL, pins[i], auth_now(T0 + 10, 110, 'a'));
		ask.kind = HASH_PIN;
		CHECK(cache_verify(c, &ask, &answer) == 0);
		CHECK(answer.result == (i == 0 ? CACHE_WRONG : CACHE_OK));
		CHECK(i == 0 || !strcmp(answer.account, "anna"));
	}
	ask = auth_ask(NULL, "111222", auth_now(T0 + 10, 110, 'a'));
	ask.kind = HASH_CARD; /* a PIN is no card */
	CHECK(cache_verify(c, &ask, &answer) == 0 && answer.result == CACHE_WRONG);
}

static void locked_is_told_only_to_who_knows_the_secret(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder);
	AUTO(cache_freep) struct cache *c = opened(folder, keys, CACHE_FRESH);

	learned(c, "anna", "secret", T0);
	CHECK(cache_mark(c, "anna", ACCOUNT_LOCKED) == 0);
	CHECK(cache_get_flags(c, "anna") == ACCOUNT_LOCKED && cache_get_flags(c, "bert") == -1);
	CHECK(tried(c, "anna", "guess", T0 + 1) == CACHE_WRONG);
	CHECK(tried(c, "anna", "secret", T0 + 1) == CACHE_LOCKED);
	CHECK(cache_mark(c, "anna", ACCOUNT_EXPIRED) == 0);
	CHECK(tried(c, "anna", "secret", T0 + 2) == CACHE_EXPIRED);
	learned(c, "anna", "secret", T0 + 3);
	CHECK(tried(c, "anna", "secret", T0 + 4) == CACHE_OK);
}

static void what_the_server_refuses_serves_no_longer(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder);
	AUTO(cache_freep) struct cache *c = opened(folder, keys, CACHE_FRESH);
	struct cache_ask ask = auth_ask("anna", "typo", auth_now(T0, 100, 'a'));

	learned(c, "anna", "secret", T0);
	CHECK(cache_unlearn(c, &ask, false) == 0); /* it was another one that was refused */
	CHECK(tried(c, "anna", "secret", T0 + 1) == CACHE_OK);
	ask.secret = "secret";
	CHECK(cache_unlearn(c, &ask, false) == 0);
	CHECK(tried(c, "anna", "secret", T0 + 2) == CACHE_WRONG);
	learned(c, "anna", "secret", T0 + 3);
	ask.secret = "unknown";
	CHECK(cache_unlearn(c, &ask, true) == 0);
	CHECK(tried(c, "anna", "secret", T0 + 4) == CACHE_WRONG);
}

static void the_longest_unused_makes_room(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder);
	struct cache_options o = auth_options(folder, keys);
	AUTO(cache_freep) struct cache *c = NULL;

	o.accounts_max = 2;
	c = opened_as(o, CACHE_FRESH);
	learned(c, "anna", "one", T0);
	learned(c, "bert", "two", T0 + 1);
	CHECK(tried(c, "anna", "one", T0 + 2) == CACHE_OK);
	learned(c, "carl", "three", T0 + 3);
	CHECK(cache_get_count(c) == 2);
	CHECK(tried(c, "anna", "one", T0 + 4) == CACHE_OK);
	CHECK(tried(c, "bert", "two", T0 + 4) == CACHE_WRONG);
	CHECK(tried(c, "carl", "three", T0 + 4) == CACHE_OK);
}

static void the_file_shows_neither_names_nor_verifiers(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder);
	AUTO(cache_freep) struct cache *c = opened(folder, keys, CACHE_FRESH);
	uint8_t *octets = NULL;
	size_t count = 0;

	learned(c, "anna-the-one", "73519284", T0);
	CHECK(file_read(folder, "cache", 1 << 20, &octets, &count) == 0);
	CHECK(count > 100 && !memmem(octets, count, "anna", 4) && !memmem(octets, count, "$y$", 3));
	free(octets);
	tried(c, "anna-the-one", "1", T0);
	CHECK(file_read(folder, "attempts", 1 << 20, &octets, &count) == 0);
	CHECK(count == 128 * 3 && !memmem(octets, count, "anna", 4) &&
		!memmem(octets, count, "seat", 4));
	free(octets);
}

static void a_changed_file_is_set_aside(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder);
	struct cache *c = opened(folder, keys, CACHE_FRESH);
	char path[PATH_MAX];
	int fd;

	learned(c, "anna", "secret", T0);
	cache_free(c);
	snprintf(path, sizeof(path), "%s/cache", folder);
	fd = open(path, O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0 && pwrite(fd, "x", 1, 60) == 1);
	close(fd);
	c = opened(folder, keys, CACHE_DAMAGED);
	CHECK(cache_get_count(c) == 0);
	learned(c, "anna", "secret", T0);
	CHECK(tried(c, "anna", "secret", T0 + 1) == CACHE_OK);
	cache_free(c);
	cache_free(opened(folder, keys, CACHE_FOUND));
}

static void another_machine_cannot_open_it(void)
{
	AUTO(auto_free) char *folder = auth_folder(), *other = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder), *theirs = keys_in(other);
	struct cache *c = opened(folder, keys, CACHE_FRESH);

	learned(c, "anna", "secret", T0);
	cache_free(c);
	memcpy(theirs->counter_key, keys->counter_key, 32);
	c = opened(folder, theirs, CACHE_OTHER_KEY);
	CHECK(cache_get_count(c) == 0);
	cache_free(c);
}

static void a_wiped_cache_lets_nobody_in_and_leaves_nothing(void)
{
	static const char *const files[] = {"key", "cache", "attempts"};
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder);
	AUTO(cache_freep) struct cache *c = opened(folder, keys, CACHE_FRESH);
	struct cache_ask ask = auth_ask("anna", "secret", auth_now(T0, 100, 'a'));
	char path[PATH_MAX];

	learned(c, "anna", "secret", T0);
	CHECK(cache_wipe(c) == 0);
	CHECK(cache_get_count(c) == 0);
	CHECK(tried(c, "anna", "secret", T0 + 1) == CACHE_STALE);
	CHECK(cache_learn(c, &ask, uuid) == -ENOENT);
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		CHECK(access(path, F_OK) != 0 && errno == ENOENT);
	}
}

struct crowd {
	struct cache *c;
	const char *secret;
	int wrong, ok;
	pthread_mutex_t lock;
};

static void *one_of_many(void *arg)
{
	struct crowd *crowd = arg;
	enum cache_result r = tried(crowd->c, "anna", crowd->secret, T0 + 5);

	pthread_mutex_lock(&crowd->lock);
	crowd->wrong += r == CACHE_WRONG;
	crowd->ok += r == CACHE_OK;
	pthread_mutex_unlock(&crowd->lock);
	return NULL;
}

static void gather(struct crowd *crowd)
{
	pthread_t thread[50];

	pthread_mutex_init(&crowd->lock, NULL);
	for (int i = 0; i < 50; i++)
		if (pthread_create(&thread[i], NULL, one_of_many, crowd))
			abort();
	for (int i = 0; i < 50; i++)
		pthread_join(thread[i], NULL);
}

static void fifty_at_once_are_all_let_in_or_counted(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder);
	struct cache_options o = auth_options(folder, keys);
	AUTO(cache_freep) struct cache *c = NULL;
	struct crowd right = {.secret = "secret"}, guess = {.secret = "guess"};

	o.parallel = 8;
	c = opened_as(o, CACHE_FRESH);
	learned(c, "anna", "secret", T0);
	for (int i = 0; i < 3; i++)
		tried(c, "anna", "typo",
			T0 + 1); /* two free tries are left: the right ones must not eat them up */
	right.c = guess.c = c;
	gather(&right);
	CHECK(right.ok == 50);
	gather(&guess);
	CHECK(guess.wrong == 5);
}

static void a_key_that_others_may_read_is_refused(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(keys_freep) struct keys *keys = keys_in(folder);
	struct keys *again = NULL;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/key", folder);
	CHECK(chmod(path, 0640) == 0 && keys_load(folder, &again) == KEYS_E_DAMAGED);
	CHECK(chmod(path, 0600) == 0 && truncate(path, 63) == 0);
	CHECK(keys_load(folder, &again) == KEYS_E_DAMAGED);
}

static void a_credential_of_systemd_goes_before_the_file(void)
{
	AUTO(auto_free) char *folder = auth_folder(), *credentials = auth_folder();
	AUTO(keys_freep) struct keys *keys = NULL, *by_file = NULL;
	char seed[2 * KEYS_SEED_OCTETS + 1];

	keys_new_seed(seed);
	CHECK(file_replace(credentials, "stillprint-auth", seed, strlen(seed)) == 0);
	setenv("CREDENTIALS_DIRECTORY", credentials, 1);
	CHECK(keys_load(folder, &keys) == 0 && keys->from == KEYS_FROM_CREDENTIALS);
	unsetenv("CREDENTIALS_DIRECTORY");
	CHECK(keys_load(folder, &by_file) == 0 && by_file->from == KEYS_FROM_FILE);
	CHECK(memcmp(keys->cache_key, by_file->cache_key, 32) != 0);
}

int main(void)
{
	RUN(what_was_learned_is_let_in_also_after_a_restart);
	RUN(it_ends_with_its_time);
	RUN(a_clock_set_back_needs_the_server);
	RUN(guessing_is_counted_across_restarts);
	RUN(at_ten_it_is_locked_until_the_server_speaks);
	RUN(names_that_nobody_knows_are_counted_like_others);
	RUN(a_terminal_has_a_counter_of_its_own);
	RUN(ones_own_login_forgives_no_guesses_at_others);
	RUN(lost_counters_need_the_server);
	RUN(no_try_without_its_count_on_disk);
	RUN(short_pins_do_not_serve_offline);
	RUN(where_no_passwords_are_kept_pins_are);
	RUN(three_pins_and_three_cards_find_their_owner);
	RUN(locked_is_told_only_to_who_knows_the_secret);
	RUN(what_the_server_refuses_serves_no_longer);
	RUN(the_longest_unused_makes_room);
	RUN(the_file_shows_neither_names_nor_verifiers);
	RUN(a_changed_file_is_set_aside);
	RUN(another_machine_cannot_open_it);
	RUN(a_wiped_cache_lets_nobody_in_and_leaves_nothing);
	RUN(fifty_at_once_are_all_let_in_or_counted);
	RUN(a_key_that_others_may_read_is_refused);
	RUN(a_credential_of_systemd_goes_before_the_file);
	auth_done();
	return tap_done();
}
