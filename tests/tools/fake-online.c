/* SPDX-License-Identifier: Apache-2.0 */
/* fake-online - listens on online.sock in the server's place and answers from a file.
 * usage: fake-online SOCKET KEY-FOLDER ACCOUNTS
 * Makes a login key pair, its public half as KEY-FOLDER/server-login.pub. A line of ACCOUNTS, read again each time:
 * ACCOUNT SECRET RESULT [KIND]; RESULT is a number of enum login_result, 0 for no answer,
 * and with "later" go 17 seconds. Who is not there is wrong. */
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "auth/login.h"
#include "auth/online.h"

static uint8_t public_key[32], secret_key[32];

static uint32_t look_up(const char *file, const struct online_opened *o, unsigned *kind)
{
	char account[300], secret[600];
	unsigned result = LOGIN_WRONG, r, k;
	FILE *f = fopen(file, "re");
	int n;

	while (f && (n = fscanf(f, "%299s %599s %u %u%*[^\n]", account, secret, &r, &k)) >= 3) {
		if (!strcmp(account, o->account) && !strcmp(secret, o->secret)) {
			result = r;
			*kind = n > 3 ? k : 0;
		}
	}
	if (f)
		fclose(f);
	return result;
}

static void answer(int fd, const char *file)
{
	uint8_t packet[LOGIN_OCTETS_MAX];
	struct login_message m;
	struct online_opened o;
	unsigned kind = 0, result;
	ssize_t n = recv(fd, packet, sizeof(packet), 0);

	if (n <= 0 || login_decode(packet, (size_t)n, &m) || m.type != LOGIN_ONLINE ||
		online_open(public_key, secret_key, m.sealed, m.sealed_octets, time(NULL), &o)) {
		puts("unreadable");
		return;
	}
	result = look_up(file, &o, &kind);
	printf("asked result=%u\n", result);
	if (!result)
		return;
	login_init(&m, LOGIN_REPLY);
	login_set_number(&m, LOGIN_HAS_RESULT, result);
	login_set_number(&m, LOGIN_HAS_KIND, kind);
	if (result == LOGIN_LATER)
		login_set_number(&m, LOGIN_HAS_RETRY_S, 17);
	login_set_octets(&m, LOGIN_HAS_UUID, "fake-server-uuid", 16);
	n = login_encode(&m, packet, sizeof(packet));
	if (n > 0 && send(fd, packet, (size_t)n, MSG_NOSIGNAL) < 0)
		perror("fake-online");
}

int main(int argc, char **argv)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), key;
	char path[4096];

	if (argc != 4 || sodium_init() < 0 || strlen(argv[1]) >= sizeof(at.sun_path))
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	crypto_box_keypair(public_key, secret_key);
	snprintf(path, sizeof(path), "%s/server-login.pub", argv[2]);
	key = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (key < 0 || write(key, public_key, 32) != 32)
		return 1;
	close(key);
	strcpy(at.sun_path, argv[1]);
	unlink(argv[1]);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 128))
		return 1;
	for (;;) {
		int c = accept(fd, NULL, NULL);

		if (c < 0)
			return 1;
		answer(c, argv[3]);
		close(c);
	}
}
