/* SPDX-License-Identifier: Apache-2.0 */
/* test-site - the server's signed policy: what is believed, and what is read out of it. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "core/site.h"
#include "tap.h"

static uint8_t public_key[crypto_sign_PUBLICKEYBYTES], secret_key[crypto_sign_SECRETKEYBYTES];

static int read_signed(const char *text, struct site **out)
{
	uint8_t signature[crypto_sign_BYTES];

	crypto_sign_detached(signature, NULL, (const uint8_t *)text, strlen(text), secret_key);
	return site_read(text, strlen(text), signature, public_key, out);
}

static const char good[] =
	"{\"version\":7,\"server\":\"urn:uuid:1\",\"queues\":{\"Office\":{\"fallback\":[\"ipps://Spare.example/ipp/print\","
	"\"cups:Local\",\"file:///etc/passwd\",7,\"ipp://10.0.0.9\"],\"on-outage\":\"hold\"},\"../x\":{}},\"limits\":{}}";

static void a_signed_policy_is_read(void)
{
	AUTO(site_freep) struct site *site = NULL;
	const struct site_queue *q;

	CHECK(read_signed(good, &site) == 0 && site->version == 7);
	CHECK(!strcmp(site->server_uuid, "urn:uuid:1"));
	q = site_queue(site, "Office");
	CHECK(q && q->on_outage == ON_OUTAGE_HOLD);
	CHECK(!site_queue(site, "../x") && !site_queue(site, "Other") &&
		!site_queue(NULL, "Office"));
}

static void only_printers_of_the_network_are_taken(void)
{
	AUTO(site_freep) struct site *site = NULL;
	const struct site_queue *q;

	CHECK(read_signed(good, &site) == 0);
	q = site_queue(site, "Office");
	CHECK(q && q->fallback_count == 2);
	CHECK(!strcmp(q->fallback[0], "ipps://spare.example/ipp/print"));
	CHECK(!strcmp(q->fallback[1], "ipp://10.0.0.9/ipp/print"));
}

static void another_signature_is_not_believed(void)
{
	AUTO(site_freep) struct site *site = NULL;
	uint8_t signature[crypto_sign_BYTES];
	char changed[sizeof(good)];

	crypto_sign_detached(signature, NULL, (const uint8_t *)good, strlen(good), secret_key);
	memcpy(changed, good, sizeof(good));
	changed[12] = '8';
	CHECK(site_read(changed, strlen(changed), signature, public_key, &site) ==
		SITE_E_SIGNATURE);
	signature[0] ^= 1;
	CHECK(site_read(good, strlen(good), signature, public_key, &site) == SITE_E_SIGNATURE);
	CHECK(!site);
}

static void what_is_no_policy_is_damaged(void)
{
	static const char *const bad[] = {"", "{", "[]", "7", "{\"version\":1}", "{\"queues\":{}}",
		"{\"version\":\"1\",\"queues\":{}}",
		"{\"version\":1,\"queues\":[[[[[[[[[[[[1]]]]]]]]]]]]}"};
	AUTO(site_freep) struct site *site = NULL;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(read_signed(bad[i], &site) == SITE_E_DAMAGED && !site);
	CHECK(read_signed("{\"version\":1,\"queues\":{}}", &site) == 0);
}

static void the_cas_are_told_as_they_are(void)
{
	AUTO(site_freep) struct site *site = NULL;
	char *big = calloc(1, SITE_CA_OCTETS + 200);

	CHECK(read_signed("{\"version\":7,\"queues\":{},\"cas\":[\"one\\n\",\"two\\n\"]}", &site) ==
		0);
	CHECK(site && site->cas && !strcmp(site->cas, "one\ntwo\n"));
	site_free(STEAL(site));
	CHECK(read_signed(good, &site) == 0 && !site->cas);
	site_free(STEAL(site));
	CHECK(read_signed("{\"version\":7,\"queues\":{},\"cas\":[]}", &site) == SITE_E_DAMAGED);
	CHECK(read_signed("{\"version\":7,\"queues\":{},\"cas\":\"one\"}", &site) ==
		SITE_E_DAMAGED);
	CHECK(read_signed("{\"version\":7,\"queues\":{},\"cas\":[\"a\",7]}", &site) ==
		SITE_E_DAMAGED);
	CHECK(read_signed("{\"version\":7,\"queues\":{},\"cas\":[\"a\\u0000b\"]}", &site) ==
		SITE_E_DAMAGED);
	CHECK(read_signed("{\"version\":7,\"queues\":{},\"cas\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}",
		      &site) == SITE_E_DAMAGED);
	sprintf(big, "{\"version\":7,\"queues\":{},\"cas\":[\"%0*d\"]}", SITE_CA_OCTETS + 1, 0);
	CHECK(read_signed(big, &site) == SITE_E_DAMAGED && !site);
	free(big);
}

int main(void)
{
	CHECK(sodium_init() >= 0);
	crypto_sign_keypair(public_key, secret_key);
	RUN(a_signed_policy_is_read);
	RUN(only_printers_of_the_network_are_taken);
	RUN(another_signature_is_not_believed);
	RUN(the_cas_are_told_as_they_are);
	RUN(what_is_no_policy_is_damaged);
	return tap_done();
}
