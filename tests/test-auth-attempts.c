/* SPDX-License-Identifier: Apache-2.0 */
/* test-auth-attempts - tries are counted, and neither a restart nor a damaged file forgets them. */
#include <fcntl.h>

#include "auth.h"
#include "auth/attempts.h"
#include "tap.h"

static const uint8_t key[32] = {7}, anna[16] = {1}, bert[16] = {2};
static const struct attempts_rule rule = {5, 30, 10, 0}, healing = {5, 30, 0, 600};

static struct attempts_now at(int64_t boot_s, char boot)
{
	return auth_now(0, boot_s, boot).boot;
}

static struct attempts *opened(const char *folder)
{
	struct attempts *a = NULL;

	if (attempts_open(folder, key, &a))
		abort();
	return a;
}

/* Tries at @now until refused; how many were allowed. */
static unsigned allowed(struct attempts *a, const uint8_t *name, struct attempts_now now)
{
	uint32_t retry_s;
	unsigned n = 0;

	while (n < 100 && attempts_check(a, name, &rule, &now, &retry_s) == 0 &&
		attempts_add(a, name, &rule, &now) == 0)
		n++;
	return n;
}

static void five_are_free_then_the_waiting_doubles_then_it_is_locked(void)
{
	static const int64_t waits[] = {30, 60, 120, 240, 480};
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(attempts_freep) struct attempts *a = opened(folder);
	struct attempts_now now = at(1000, 'a');
	uint32_t retry_s = 0;

	CHECK(allowed(a, anna, now) == 5);
	for (size_t i = 0; i < 5; i++) {
		CHECK(attempts_check(a, anna, &rule, &now, &retry_s) == ATTEMPTS_E_LATER);
		CHECK(retry_s == waits[i]);
		now.boot_s += waits[i] - 1;
		CHECK(attempts_check(a, anna, &rule, &now, &retry_s) == ATTEMPTS_E_LATER);
		now.boot_s += 1;
		CHECK(allowed(a, anna, now) == 1);
	}
	now.boot_s += 1000000;
	CHECK(attempts_check(a, anna, &rule, &now, &retry_s) == ATTEMPTS_E_LOCKED);
	CHECK(attempts_check(a, bert, &rule, &now, &retry_s) == 0);
}

static void a_restart_forgets_nothing(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	struct attempts_now now = at(1000, 'a');
	unsigned n = 0;

	for (int i = 0; i < 12; i++) { /* one try, then the program is gone */
		AUTO(attempts_freep) struct attempts *a = opened(folder);
		uint32_t retry_s;

		if (attempts_check(a, anna, &rule, &now, &retry_s) == 0) {
			CHECK(attempts_add(a, anna, &rule, &now) == 0);
			n++;
		}
	}
	CHECK(n == 5);
}

static void after_a_reboot_the_waiting_begins_again_in_full(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(attempts_freep) struct attempts *a = opened(folder);
	struct attempts_now now = at(100000, 'a');
	uint32_t retry_s = 0;

	CHECK(allowed(a, anna, now) == 5);
	attempts_free(STEAL(a));
	a = opened(folder);
	now = at(3, 'b'); /* the clock of the new boot says nothing about the old one's */
	CHECK(attempts_check(a, anna, &rule, &now, &retry_s) == ATTEMPTS_E_LATER && retry_s == 30);
	now = at(33, 'b');
	CHECK(attempts_check(a, anna, &rule, &now, &retry_s) == 0);
}

static void the_right_one_begins_anew(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(attempts_freep) struct attempts *a = opened(folder);
	struct attempts_now now = at(5, 'a');

	CHECK(allowed(a, anna, now) == 5);
	CHECK(attempts_set(a, anna, 0) == 0);
	CHECK(allowed(a, anna, now) == 5);
}

static void time_heals_where_the_rule_says_so(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(attempts_freep) struct attempts *a = opened(folder);
	struct attempts_now now = at(5, 'a');
	uint32_t retry_s;

	for (int i = 0; i < 4; i++)
		CHECK(attempts_add(a, anna, &healing, &now) == 0);
	now.boot_s += 1300;
	CHECK(attempts_check(a, anna, &healing, &now, &retry_s) == 0);
	CHECK(attempts_get(a, anna) == 2);
	now.boot_s += 1000000;
	CHECK(attempts_check(a, anna, &healing, &now, &retry_s) == 0);
	CHECK(attempts_get(a, anna) == 0);
}

static void every_changed_octet_is_noticed(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	struct attempts *a = opened(folder);
	struct attempts_now now = at(5, 'a');
	char path[PATH_MAX];
	int fd, refused = 0;

	CHECK(attempts_add(a, anna, &rule, &now) == 0);
	CHECK(attempts_add(a, bert, &rule, &now) == 0);
	attempts_free(a);
	snprintf(path, sizeof(path), "%s/attempts", folder);
	fd = open(path, O_RDWR | O_CLOEXEC);
	for (off_t i = 0; i < 384; i++) {
		uint8_t was = 0, now_is;

		CHECK(pread(fd, &was, 1, i) == 1);
		now_is = was ^ 1;
		CHECK(pwrite(fd, &now_is, 1, i) == 1);
		refused += attempts_open(folder, key, &a) == ATTEMPTS_E_DAMAGED;
		CHECK(pwrite(fd, &was, 1, i) == 1);
	}
	CHECK(refused == 384);
	CHECK(!ftruncate(fd, 383));
	CHECK(attempts_open(folder, key, &a) == ATTEMPTS_E_DAMAGED);
	close(fd);
}

static void records_cannot_change_places(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	struct attempts *a = opened(folder);
	struct attempts_now now = at(5, 'a');
	uint8_t one[128], two[128];
	char path[PATH_MAX];
	int fd;

	for (int i = 0; i < 9; i++)
		CHECK(attempts_add(a, anna, &rule, &now) == 0);
	CHECK(attempts_add(a, bert, &rule, &now) == 0);
	attempts_free(a);
	snprintf(path, sizeof(path), "%s/attempts", folder);
	fd = open(path, O_RDWR | O_CLOEXEC);
	CHECK(pread(fd, one, 128, 128) == 128 && pread(fd, two, 128, 256) == 128);
	CHECK(pwrite(fd, two, 128, 128) == 128 && pwrite(fd, one, 128, 256) == 128);
	CHECK(attempts_open(folder, key, &a) == ATTEMPTS_E_DAMAGED);
	close(fd);
}

static void thousands_of_names_are_told_apart(void)
{
	AUTO(auto_free) char *folder = auth_folder();
	AUTO(attempts_freep) struct attempts *a = opened(folder);
	struct attempts_now now = at(5, 'a');
	bool right = true;

	for (unsigned i = 0; i < 10000; i++) {
		uint8_t name[16] = {(uint8_t)i, (uint8_t)(i >> 8), 0, 0, 9};

		for (unsigned k = 0; k <= i % 3; k++)
			right &= attempts_add(a, name, &rule, &now) == 0;
	}
	attempts_free(STEAL(a));
	a = opened(folder);
	for (unsigned i = 0; i < 10000; i++) {
		uint8_t name[16] = {(uint8_t)i, (uint8_t)(i >> 8), 0, 0, 9};

		right &= attempts_get(a, name) == i % 3 + 1;
	}
	CHECK(right);
}

int main(void)
{
	RUN(five_are_free_then_the_waiting_doubles_then_it_is_locked);
	RUN(a_restart_forgets_nothing);
	RUN(after_a_reboot_the_waiting_begins_again_in_full);
	RUN(the_right_one_begins_anew);
	RUN(time_heals_where_the_rule_says_so);
	RUN(every_changed_octet_is_noticed);
	RUN(records_cannot_change_places);
	RUN(thousands_of_names_are_told_apart);
	auth_done();
	return tap_done();
}
