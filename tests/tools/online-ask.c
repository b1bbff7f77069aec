/* SPDX-License-Identifier: Apache-2.0 */
/* online-ask - asks online.sock what the verifier asks it, and what nobody should.
 * usage: online-ask SOCKET FOLDER ACCOUNT [--beside NAME] [--old SECONDS] [--stranger] [--keep FILE]   secret on stdin
 *        online-ask SOCKET FOLDER ACCOUNT --again FILE
 * Seals to FOLDER/server-login.pub. --beside: the account that is not sealed. --stranger: seals to a key of its own.
 * --keep and --again: the sealed octets, written and sent once more. Prints "RESULT KIND UUID RETRY"; exit 3: no answer. */
#include <getopt.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "auth/login-call.h"
#include "auth/online.h"

enum { WAIT_MS = 15000 };

struct options {
	const char *beside, *keep, *again;
	int64_t old_s;
	bool stranger;
};

static bool transfer(const char *path, uint8_t *octets, size_t count, bool write)
{
	FILE *f = fopen(path, write ? "we" : "re");
	bool ok = f && (write ? fwrite(octets, 1, count, f) : fread(octets, 1, count, f)) == count;

	return f ? fclose(f) == 0 && ok : false;
}

static bool seal(const char *folder, const char *account, const struct options *o, uint8_t *sealed)
{
	uint8_t key[ONLINE_PUBLIC_OCTETS], nobody[ONLINE_SECRET_OCTETS];
	char secret[LOGIN_SECRET_MAX + 2] = "", path[4096];
	struct online_ask ask = {.account = account, .secret = secret, .kind = LOGIN_PASSWORD};

	if (!fgets(secret, sizeof(secret), stdin))
		return false;
	secret[strcspn(secret, "\n")] = '\0';
	ask.now_s = time(NULL) - o->old_s;
	snprintf(path, sizeof(path), "%s/server-login.pub", folder);
	if (o->stranger)
		crypto_box_keypair(key, nobody);
	else if (!transfer(path, key, sizeof(key), false))
		return false;
	return online_seal(key, &ask, sealed) == 0;
}

static int ask(const char *path, const char *account, const uint8_t *sealed)
{
	struct passwd *service = getpwnam("stillprint");
	struct login_message m, reply;
	char uuid[2 * LOGIN_UUID_OCTETS + 1];
	int rc;

	login_init(&m, LOGIN_ONLINE);
	login_set_octets(&m, LOGIN_HAS_SEALED, sealed, ONLINE_SEALED_OCTETS);
	login_set_text(&m, LOGIN_HAS_ACCOUNT, account);
	login_set_text(&m, LOGIN_HAS_SERVICE, "lab");
	login_set_number(&m, LOGIN_HAS_KIND, LOGIN_PASSWORD);
	login_set_number(&m, LOGIN_HAS_BUDGET_MS, WAIT_MS);
	rc = login_call(path, service ? service->pw_uid : geteuid(), login_call_now_ms() + WAIT_MS,
		&m, &reply);
	if (rc) {
		fprintf(stderr, "online-ask: %s\n", strerror(-rc));
		return 3;
	}
	printf("%u %u %s %u\n", reply.result, reply.kind,
		sodium_bin2hex(uuid, sizeof(uuid), reply.uuid, sizeof(reply.uuid)), reply.retry_s);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"beside", required_argument, NULL, 'b'},
		{"old", required_argument, NULL, 'o'}, {"stranger", no_argument, NULL, 's'},
		{"keep", required_argument, NULL, 'k'}, {"again", required_argument, NULL, 'a'},
		{0}};
	struct options o = {0};
	uint8_t sealed[ONLINE_SEALED_OCTETS];
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'b')
			o.beside = optarg;
		else if (c == 'o')
			o.old_s = atoll(optarg);
		else if (c == 's')
			o.stranger = true;
		else if (c == 'k')
			o.keep = optarg;
		else if (c == 'a')
			o.again = optarg;
		else
			return 2;
	}
	if (argc - optind != 3 || sodium_init() < 0)
		return 2;
	if (!(o.again ? transfer(o.again, sealed, sizeof(sealed), false)
		      : seal(argv[optind + 1], argv[optind + 2], &o, sealed)))
		return 2;
	if (o.keep && !transfer(o.keep, sealed, sizeof(sealed), true))
		return 2;
	return ask(argv[optind], o.beside ? o.beside : argv[optind + 2], sealed);
}
