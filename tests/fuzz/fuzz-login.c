/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-login - any octets at all as a packet of login.sock or online.sock; no seal is opened here (test-auth-online). */
#include <stdlib.h>
#include <string.h>

#include "auth/login.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Octets behind the end are no part of it, and nothing of a packet that was refused stays. */
static void check_refused(const struct login_message *m)
{
	static const struct login_message nothing;

	if (memcmp(m, &nothing, sizeof(nothing)) != 0)
		abort();
}

/* What is understood can be said again, and is then understood in the same way. */
static void check_taken(const struct login_message *m)
{
	uint8_t packet[LOGIN_OCTETS_MAX];
	struct login_message again;
	int n = login_encode(m, packet, sizeof(packet));

	if (n <= 0 || login_decode(packet, (size_t)n, &again) ||
		memcmp(m, &again, sizeof(again)) != 0)
		abort();
	if (m->sealed_octets > LOGIN_SEALED_MAX || m->has >> LOGIN_FIELDS)
		abort();
	if (!memchr(m->user, 0, sizeof(m->user)) || !memchr(m->account, 0, sizeof(m->account)) ||
		!memchr(m->secret, 0, sizeof(m->secret)) || !memchr(m->rhost, 0, sizeof(m->rhost)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct login_message m;

	memset(&m, 0xa5, sizeof(m));
	if (login_decode(data, size, &m))
		check_refused(&m);
	else
		check_taken(&m);
	return 0;
}
