/* SPDX-License-Identifier: Apache-2.0 */
/* proof - see proof.h. */
#include "proof.h"

#include <sodium.h>
#include <string.h>

void proofs_add(struct proofs *p, const struct login_message *ask, struct login_message *reply,
	int64_t now_ms)
{
	struct proof *to = &p->one[0];

	for (unsigned i = 0; i < PROOFS_MAX; i++) /* a free one, or the one that ends first */
		if (p->one[i].until_ms < to->until_ms)
			to = &p->one[i];
	memset(to, 0, sizeof(*to));
	randombytes_buf(to->octets, sizeof(to->octets));
	strcpy(to->user, ask->user);
	strcpy(to->account, reply->account);
	strcpy(to->service, ask->service);
	strcpy(to->rhost, ask->rhost);
	memcpy(to->uuid, reply->uuid, sizeof(to->uuid));
	to->until_ms = now_ms + PROOF_LIFE_MS;
	login_set_octets(reply, LOGIN_HAS_PROOF, to->octets, sizeof(to->octets));
}

static bool fits(const struct proof *one, const struct login_message *open)
{
	if (strcmp(one->user, open->user) != 0)
		return false;
	if (login_has(open, LOGIN_HAS_PROOF))
		return sodium_memcmp(one->octets, open->proof, sizeof(one->octets)) == 0;
	return !strcmp(one->service, open->service) && !strcmp(one->rhost, open->rhost);
}

const struct proof *proofs_take(struct proofs *p, const struct login_message *open, int64_t now_ms)
{
	for (unsigned i = 0; i < PROOFS_MAX; i++) {
		struct proof *one = &p->one[i];

		if (one->until_ms <= now_ms || !fits(one, open))
			continue;
		one->until_ms = 0;
		return one;
	}
	return NULL;
}
