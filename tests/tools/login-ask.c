/* SPDX-License-Identifier: Apache-2.0 */
/* login-ask - asks login.sock what our own programs ask it.
 * usage: login-ask SOCKET query UID [SESSION] | sync | wipe
 * Prints "RESULT ACCOUNT verified|claimed SESSIONS" or "RESULT"; RESULT is a number of enum login_result. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/login-call.h"

int main(int argc, char **argv)
{
	struct login_message ask, reply;
	struct passwd *service = getpwnam("stillprint");
	int rc;

	if (argc < 3)
		return 2;
	if (!strcmp(argv[2], "query") && argc > 3) {
		login_init(&ask, LOGIN_QUERY);
		login_set_number(&ask, LOGIN_HAS_UID, (uint32_t)strtoul(argv[3], NULL, 10));
		if (argc > 4 && login_set_text(&ask, LOGIN_HAS_SESSION, argv[4]))
			return 2;
	} else if (!strcmp(argv[2], "sync")) {
		login_init(&ask, LOGIN_SYNC);
	} else if (!strcmp(argv[2], "wipe")) {
		login_init(&ask, LOGIN_WIPE);
	} else {
		return 2;
	}
	rc = login_call(argv[1], service ? service->pw_uid : geteuid(), login_call_now_ms() + 10000,
		&ask, &reply);
	if (rc) {
		fprintf(stderr, "login-ask: %s\n", strerror(-rc));
		return 1;
	}
	if (reply.account[0])
		printf("%u %s %s %u\n", reply.result, reply.account,
			reply.verified ? "verified" : "claimed", reply.sessions);
	else
		printf("%u\n", reply.result);
	return 0;
}
