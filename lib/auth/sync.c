/* SPDX-License-Identifier: Apache-2.0 */
/* sync - see sync.h. */
#include "auth/sync.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

enum { HEAD = 48, SIGNATURE = crypto_sign_BYTES, PEPPER = HASH_PEPPER_OCTETS };
_Static_assert(SYNC_POLICY_PUBLIC == crypto_sign_PUBLICKEYBYTES, "policy key");
_Static_assert(SYNC_POLICY_SECRET == crypto_sign_SECRETKEYBYTES, "policy key");

static const char magic[7] = {'S', 'T', 'L', 'P', 'S', 'Y', 'N'};
enum { VERSION = 1 };

const char *sync_told(enum sync_err err)
{
	switch (err) {
	case SYNC_E_DAMAGED:
		return "damaged, or no sync file";
	case SYNC_E_VERSION:
		return "made by a newer Stillprint";
	case SYNC_E_FORGED:
		return "not signed by this site's server";
	case SYNC_E_NOT_OURS:
		return "sealed to another machine";
	case SYNC_E_ROLLBACK:
		return "not newer than what was applied before";
	case SYNC_E_EXPIRED:
		return "past its time";
	case SYNC_E_APPLIED:
		return "applied already";
	}
	return "unknown";
}

static void put_head(struct octets_out *o, const struct sync_head *h,
	const uint8_t public_key[KEYS_PUBLIC_OCTETS], size_t sealed)
{
	uint8_t id[32];

	crypto_generichash(id, sizeof(id), public_key, KEYS_PUBLIC_OCTETS, NULL, 0);
	octets_put(o, magic, sizeof(magic));
	octets_put_number(o, VERSION, 1);
	octets_put(o, id, KEYS_ID_OCTETS);
	octets_put_number(o, h->incarnation, 4);
	octets_put_number(o, h->serial, 8);
	octets_put_number(o, (uint64_t)h->issued_s, 8);
	octets_put_number(o, (uint64_t)h->not_after_s, 8);
	octets_put_number(o, sealed, 4);
}

int sync_write(const struct sync_head *head, const struct hash_pepper *site,
	const struct account *accounts, size_t count,
	const uint8_t machine_public[KEYS_PUBLIC_OCTETS],
	const uint8_t policy_secret[SYNC_POLICY_SECRET], uint8_t **out, size_t *octets)
{
	struct octets_out inner = {0}, file = {0};
	size_t sealed;
	uint8_t *to;

	if (count > SYNC_ACCOUNTS_MAX)
		return -E2BIG;
	if (sodium_init() < 0)
		return -EIO;
	put_head(&inner, head, machine_public, 0);
	octets_put(&inner, site->octets, sizeof(site->octets));
	octets_put_number(&inner, count, 4);
	for (size_t i = 0; i < count; i++)
		account_put(&inner, &accounts[i]);
	sealed = inner.count + crypto_box_SEALBYTES;
	put_head(&file, head, machine_public, sealed);
	/* The head inside is the whole one; its length was not known when it was begun. */
	if (!inner.bad && !file.bad)
		memcpy(inner.octets, file.octets, HEAD);
	to = octets_room(&file, sealed);
	if (inner.bad || !to || crypto_box_seal(to, inner.octets, inner.count, machine_public))
		file.bad = true;
	octets_out_fini(&inner);
	to = octets_room(&file, SIGNATURE);
	if (!to ||
		crypto_sign_detached(
			to, NULL, file.octets, file.count - SIGNATURE, policy_secret) ||
		file.count > SYNC_OCTETS_MAX) {
		octets_out_fini(&file);
		return to ? -E2BIG : -ENOMEM;
	}
	*out = STEAL(file.octets);
	*octets = file.count;
	return 0;
}

/* The head, when all that stands in it is acceptable. */
static int check_head(const uint8_t *octets, size_t count, const struct keys *machine,
	const struct sync_head *last, int64_t now_s, struct sync_head *h)
{
	struct octets_in in = {octets, octets + HEAD, false};
	const uint8_t *id;

	octets_get(&in, sizeof(magic) + 1);
	id = octets_get(&in, KEYS_ID_OCTETS);
	h->incarnation = (uint32_t)octets_get_number(&in, 4);
	h->serial = octets_get_number(&in, 8);
	h->issued_s = (int64_t)octets_get_number(&in, 8);
	h->not_after_s = (int64_t)octets_get_number(&in, 8);
	if (octets_get_number(&in, 4) != count - HEAD - SIGNATURE)
		return SYNC_E_DAMAGED;
	if (memcmp(id, machine->id, KEYS_ID_OCTETS) != 0)
		return SYNC_E_NOT_OURS;
	if (h->incarnation < last->incarnation ||
		(h->incarnation == last->incarnation && h->serial < last->serial))
		return SYNC_E_ROLLBACK;
	if (h->not_after_s <= now_s || h->not_after_s <= h->issued_s)
		return SYNC_E_EXPIRED;
	return h->incarnation == last->incarnation && h->serial == last->serial ? SYNC_E_APPLIED
										: 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct account *)a)->name, ((const struct account *)b)->name);
}

static int take_accounts(struct sync *s, struct octets_in *in)
{
	octets_get_into(in, s->pepper.octets, sizeof(s->pepper.octets));
	s->count = octets_get_number(in, 4);
	/* An account takes 40 octets at the least: a count cannot make us reserve more than the file is worth. */
	if (in->bad || s->count > SYNC_ACCOUNTS_MAX || s->count > (size_t)(in->end - in->at) / 40)
		return SYNC_E_DAMAGED;
	s->account = calloc(s->count + 1, sizeof(*s->account));
	if (!s->account)
		return -ENOMEM;
	for (size_t i = 0; i < s->count; i++) {
		struct account *a = &s->account[i];

		account_get(in, a);
		if (in->bad)
			return SYNC_E_DAMAGED;
		for (unsigned k = 0; k < a->count; k++) {
			struct verifier *v = &a->verifier[k];

			v->source = ACCOUNT_FROM_SYNC;
			v->confirmed_s = s->head.issued_s;
			if (v->expires_s > s->head.not_after_s)
				v->expires_s = s->head.not_after_s;
		}
	}
	if (in->at != in->end)
		return SYNC_E_DAMAGED;
	qsort(s->account, s->count, sizeof(*s->account), by_name);
	for (size_t i = 1; i < s->count; i++)
		if (!strcmp(s->account[i - 1].name, s->account[i].name))
			return SYNC_E_DAMAGED;
	return 0;
}

int sync_read(const uint8_t *octets, size_t count, const struct keys *machine,
	const uint8_t policy_public[SYNC_POLICY_PUBLIC], const struct sync_head *last,
	int64_t now_s, struct sync **out)
{
	AUTO(sync_freep) struct sync *s = calloc(1, sizeof(*s));
	size_t sealed = count - HEAD - SIGNATURE, opened = sealed - crypto_box_SEALBYTES;
	struct octets_in in = {0};
	uint8_t *plain;
	int rc;

	if (!s)
		return -ENOMEM;
	if (sodium_init() < 0)
		return -EIO;
	if (count < HEAD + SIGNATURE + crypto_box_SEALBYTES + HEAD || count > SYNC_OCTETS_MAX ||
		memcmp(octets, magic, sizeof(magic)) != 0)
		return SYNC_E_DAMAGED;
	if (octets[sizeof(magic)] != VERSION)
		return SYNC_E_VERSION;
	if (crypto_sign_verify_detached(
		    octets + count - SIGNATURE, octets, count - SIGNATURE, policy_public))
		return SYNC_E_FORGED;
	rc = check_head(octets, count, machine, last, now_s, &s->head);
	if (rc)
		return rc;
	plain = malloc(opened);
	if (!plain)
		return -ENOMEM;
	if (crypto_box_seal_open(
		    plain, octets + HEAD, sealed, machine->public_key, machine->secret_key) ||
		memcmp(plain, octets, HEAD) != 0)
		rc = SYNC_E_DAMAGED;
	in = (struct octets_in){plain + HEAD, plain + opened, false};
	if (!rc)
		rc = take_accounts(s, &in);
	explicit_bzero(plain, opened);
	free(plain);
	if (!rc)
		*out = STEAL(s);
	return rc;
}

void sync_free(struct sync *s)
{
	if (!s)
		return;
	if (s->account)
		explicit_bzero(s->account, s->count * sizeof(*s->account));
	free(s->account);
	explicit_bzero(s, sizeof(*s));
	free(s);
}
