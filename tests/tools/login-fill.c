/* SPDX-License-Identifier: Apache-2.0 */
/* login-fill - a sync file with many accounts, as the server would send it; and what a verifier's hash costs.
 * usage: login-fill FOLDER SERVER-STATE COUNT   writes FOLDER/sync.in for FOLDER/machine.pub; then SYNC (login-ask)
 *        login-fill hash VERIFIER|COST          milliseconds of one hash, the median of three */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/file.h"
#include "auth/hash.h"
#include "auth/sync.h"

enum { COST = 5, DAY_S = 86400, TIMES = 3 };

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int time_hash(const char *verifier)
{
	struct hash_pepper pepper = {{0}};
	char made[HASH_TEXT_MAX + 1];
	double took[TIMES];

	if (verifier[0] != '$') {
		if (hash_make(&pepper, HASH_PASSWORD, "some one", atoi(verifier), made))
			return 1;
		verifier = made;
	}
	for (int i = 0; i < TIMES; i++) {
		double start = now_ms();

		hash_matches(&pepper, HASH_PASSWORD, "not the one", verifier);
		took[i] = now_ms() - start;
	}
	qsort(took, TIMES, sizeof(took[0]), by_size);
	printf("%.1f\n", took[TIMES / 2]);
	return 0;
}

static void name_them(struct account *a, size_t count, const char *text, int64_t now_s)
{
	for (size_t i = 0; i < count; i++) {
		snprintf(a[i].name, sizeof(a[i].name), "filled-%zu@example.org", i);
		memcpy(a[i].uuid, &i, sizeof(i));
		a[i].count = 1;
		a[i].verifier[0] = (struct verifier){.kind = HASH_PASSWORD,
			.source = ACCOUNT_FROM_SYNC,
			.confirmed_s = now_s,
			.expires_s = now_s + 30 * DAY_S};
		snprintf(a[i].verifier[0].text, sizeof(a[i].verifier[0].text), "%s", text);
	}
}

static int read_key(const char *folder, const char *name, size_t size, uint8_t *out)
{
	uint8_t *octets = NULL;
	size_t count = 0;
	int rc = file_read(folder, name, size, &octets, &count);

	if (!rc && count == size)
		memcpy(out, octets, size);
	free(octets);
	return rc || count != size;
}

static int fill(const char *folder, const char *server, size_t count)
{
	struct sync_head head = {.incarnation = 1, .serial = (uint64_t)1 << 40};
	uint8_t machine[KEYS_PUBLIC_OCTETS], policy[SYNC_POLICY_SECRET], *out = NULL;
	struct account *a = calloc(count, sizeof(*a));
	struct hash_pepper pepper;
	char text[HASH_TEXT_MAX + 1];
	size_t octets = 0;

	head.issued_s = time(NULL);
	head.not_after_s = head.issued_s + DAY_S;
	randombytes_buf(&pepper, sizeof(pepper));
	if (!a || read_key(folder, "machine.pub", sizeof(machine), machine) ||
		read_key(server, "policy.key", sizeof(policy), policy) ||
		hash_make(&pepper, HASH_PASSWORD, "filled", COST, text))
		return 1;
	name_them(a, count, text, head.issued_s);
	return sync_write(&head, &pepper, a, count, machine, policy, &out, &octets) ||
	       file_replace(folder, "sync.in", out, octets);
}

int main(int argc, char **argv)
{
	if (sodium_init() < 0)
		return 1;
	if (argc == 3 && !strcmp(argv[1], "hash"))
		return time_hash(argv[2]);
	return argc == 4 ? fill(argv[1], argv[2], strtoul(argv[3], NULL, 10)) : 2;
}
