/* SPDX-License-Identifier: Apache-2.0 */
/* proof - that an account was verified a moment ago, so that the session which begins now is a verified one.
 *
 * In memory only. A login program that checks the secret and opens the session in one process hands the proof back; some
 * (sshd) do the two in different processes: then user, service and place must be the same, and root asks both times. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "auth/login.h"

enum { PROOFS_MAX = 512, PROOF_LIFE_MS = 120000 };

struct proof {
	uint8_t octets[LOGIN_PROOF_OCTETS];
	char user[LOGIN_NAME_OCTETS + 1], account[LOGIN_NAME_OCTETS + 1];
	char service[65], rhost[256];
	uint8_t uuid[LOGIN_UUID_OCTETS];
	int64_t until_ms; /* 0: free */
};

struct proofs {
	struct proof one[PROOFS_MAX];
};

/* Remember that @ask (a LOGIN_VERIFY) was answered by @reply; puts the proof into @reply. */
void proofs_add(struct proofs *p, const struct login_message *ask, struct login_message *reply,
	int64_t now_ms);

/** proofs_take() - one that fits @open (a LOGIN_OPEN), which is used up by this
 * Return: it, good until the next call; NULL if there is none. */
const struct proof *proofs_take(struct proofs *p, const struct login_message *open, int64_t now_ms);
