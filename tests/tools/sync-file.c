/* SPDX-License-Identifier: Apache-2.0 */
/* sync-file - verifiers and sync files for tests, right and wrong ones.
 * usage: sync-file pin PEPPER-FILE PIN               prints "INDEX VERIFIER", as the server's account_secret has them
 *        sync-file make POLICY-KEY MACHINE-PUB INCARNATION SERIAL ISSUED NOT-AFTER ACCOUNTS PIN
 * make writes the file to stdout: ACCOUNTS accounts user1, user2… with that PIN's verifier under a pepper of zeros. Times are
 * seconds from now. POLICY-KEY "-": another key than anybody's. */
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "auth/sync.h"

static int read_whole(const char *path, void *out, size_t count)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, count);

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)count ? 0 : -1;
}

static int print_pin(char **argv)
{
	struct hash_pepper pepper;
	char text[HASH_TEXT_MAX + 1];

	if (read_whole(argv[2], &pepper, sizeof(pepper)) ||
		hash_make(&pepper, HASH_PIN, argv[3], 5, text))
		return 1;
	printf("%u %s\n", hash_index(&pepper, HASH_PIN, argv[3]), text);
	return 0;
}

static int make(char **argv)
{
	uint8_t secret[SYNC_POLICY_SECRET], public[SYNC_POLICY_PUBLIC], machine[KEYS_PUBLIC_OCTETS];
	struct sync_head head = {(uint32_t)atoi(argv[4]), strtoull(argv[5], NULL, 10),
		time(NULL) + atoi(argv[6]), time(NULL) + atoi(argv[7])};
	size_t count = strtoul(argv[8], NULL, 10), octets = 0;
	struct account *a = calloc(count + 1, sizeof(*a));
	struct hash_pepper pepper = {{0}};
	char text[HASH_TEXT_MAX + 1];
	uint8_t *file = NULL;

	crypto_sign_keypair(public, secret);
	if (!a || (strcmp(argv[2], "-") != 0 && read_whole(argv[2], secret, sizeof(secret))) ||
		read_whole(argv[3], machine, sizeof(machine)) ||
		hash_make(&pepper, HASH_PIN, argv[9], 5, text))
		return 1;
	for (size_t i = 0; i < count; i++) {
		snprintf(a[i].name, sizeof(a[i].name), "user%zu", i + 1);
		a[i].count = 1;
		a[i].verifier[0] = (struct verifier){.kind = HASH_PIN,
			.source = ACCOUNT_FROM_SYNC,
			.index = i ? (uint32_t)i : hash_index(&pepper, HASH_PIN, argv[9]),
			.expires_s = head.not_after_s};
		strcpy(a[i].verifier[0].text, text);
	}
	if (sync_write(&head, &pepper, a, count, machine, secret, &file, &octets) ||
		fwrite(file, 1, octets, stdout) != octets)
		return 1;
	free(file);
	free(a);
	return fflush(stdout) != 0;
}

int main(int argc, char **argv)
{
	if (sodium_init() < 0)
		return 1;
	if (argc == 4 && !strcmp(argv[1], "pin"))
		return print_pin(argv);
	if (argc == 10 && !strcmp(argv[1], "make"))
		return make(argv);
	return 2;
}
