/* SPDX-License-Identifier: Apache-2.0 */
/* account - see account.h. */
#include "auth/account.h"

#include "base/text.h"

void account_put(struct octets_out *o, const struct account *a)
{
	size_t at = o->count, n;

	octets_put_number(o, 0, 4);
	octets_put_text(o, a->name);
	octets_put(o, a->uuid, sizeof(a->uuid));
	octets_put_number(o, a->flags, 1);
	octets_put_number(o, (uint64_t)a->used_s, 8);
	octets_put_number(o, a->assertion_octets, 2);
	octets_put(o, a->assertion, a->assertion_octets);
	octets_put_number(o, a->count, 1);
	for (unsigned i = 0; i < a->count; i++) {
		const struct verifier *v = &a->verifier[i];

		octets_put_number(o, v->kind, 1);
		octets_put_number(o, v->source, 1);
		octets_put_number(o, v->index, 4);
		octets_put_number(o, (uint64_t)v->confirmed_s, 8);
		octets_put_number(o, (uint64_t)v->expires_s, 8);
		octets_put_text(o, v->text);
	}
	if (o->bad)
		return;
	n = o->count - at - 4;
	for (int i = 0; i < 4; i++)
		o->octets[at + (size_t)i] = (uint8_t)(n >> (24 - 8 * i));
}

static void get_verifier(struct octets_in *in, struct verifier *v)
{
	v->kind = (uint8_t)octets_get_number(in, 1);
	v->source = (uint8_t)octets_get_number(in, 1);
	v->index = (uint32_t)octets_get_number(in, 4);
	v->confirmed_s = (int64_t)octets_get_number(in, 8);
	v->expires_s = (int64_t)octets_get_number(in, 8);
	octets_get_text(in, v->text, sizeof(v->text));
	if (v->kind < HASH_PASSWORD || v->kind > HASH_CARD || v->source < ACCOUNT_FROM_LOGIN ||
		v->source > ACCOUNT_FROM_SYNC || !hash_is_verifier(v->text) ||
		(v->kind == HASH_PASSWORD) != (v->index == 0))
		in->bad = true;
}

void account_get(struct octets_in *in, struct account *a)
{
	size_t n = octets_get_number(in, 4);
	const uint8_t *p = octets_get(in, n);
	struct octets_in one = {p, p ? p + n : NULL, !p};
	unsigned of_kind[HASH_CARD + 1] = {0};

	memset(a, 0, sizeof(*a));
	octets_get_text(&one, a->name, sizeof(a->name));
	octets_get_into(&one, a->uuid, sizeof(a->uuid));
	a->flags = (uint8_t)octets_get_number(&one, 1);
	a->used_s = (int64_t)octets_get_number(&one, 8);
	a->assertion_octets = (uint16_t)octets_get_number(&one, 2);
	if (a->assertion_octets > sizeof(a->assertion))
		one.bad = true;
	else
		octets_get_into(&one, a->assertion, a->assertion_octets);
	a->count = (unsigned)octets_get_number(&one, 1);
	if (a->count > ACCOUNT_VERIFIERS_MAX || !a->name[0] || !text_is_clean(a->name))
		one.bad = true;
	for (unsigned i = 0; !one.bad && i < a->count; i++) {
		get_verifier(&one, &a->verifier[i]);
		if (!one.bad)
			of_kind[a->verifier[i].kind]++;
	}
	if (of_kind[HASH_PASSWORD] > 1 || of_kind[HASH_PIN] > ACCOUNT_PINS_MAX ||
		of_kind[HASH_CARD] > ACCOUNT_CARDS_MAX)
		one.bad = true;
	if (one.bad) {
		memset(a, 0, sizeof(*a));
		in->bad = true;
	}
}
