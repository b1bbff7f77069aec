/* SPDX-License-Identifier: Apache-2.0 */
/* test-enrol - codes as people type them, and certificates that are looked at before they are kept. */
#include "ipp/enrol.h"

#include <errno.h>

#include "authority.h"
#include "core/vendor.h"
#include "core/wire.h"
#include "tap.h"

static const char uuid[] = "urn:uuid:11111111-2222-4333-8444-555555555555";
static const char other_uuid[] = "urn:uuid:99999999-2222-4333-8444-555555555555";

/* Octets 0, 1, 2 … 19. */
static const char code_text[] = "000G-40R4-0M30-E209-185G-R38E-1W81-24GK";

static const char *why_of(const char *text)
{
	static char why[200];
	struct enrol_code code;

	strcpy(why, "");
	return enrol_code_parse(text, &code, why, sizeof(why)) == -EINVAL ? why : NULL;
}

static void a_code_is_taken_as_people_type_it(void)
{
	static const char *const forms[] = {code_text, "000g40r40m30e209185gr38e1w8124gk",
		" 000G 40R4 0M30 E209 185G R38E 1W81 24GK\n",
		"oooG-4oR4-oM3O-E2O9-i85G-R38E-LW8I-24GK"};
	char why[200] = "";

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct enrol_code code = {0};

		CHECK(enrol_code_parse(forms[i], &code, why, sizeof(why)) == 0);
		CHECK(!strcmp(code.digits, "000G40R40M30E209185GR38E1W8124GK"));
		for (int j = 0; j < ENROL_CA_OCTETS; j++)
			CHECK(code.ca[j] == 10 + j);
	}
}

static void a_code_that_is_none_is_explained(void)
{
	CHECK(why_of("") && strstr(why_of(""), "32 letters and digits, not 0"));
	CHECK(strstr(why_of("000G-40R4"), "not 8"));
	CHECK(strstr(why_of("000G-40R4-0M30-E209-185G-R38E-1W81-24GK-0"), "not 33"));
	CHECK(strstr(why_of("UOOG"), "no \"U\"; is it a V?"));
	CHECK(strstr(why_of("000G_40R4"), "no \"_\""));
	CHECK(strstr(why_of("000G\x01"), "letters and digits only"));
	CHECK(strstr(why_of("000G\xc3\xa4"), "letters and digits only"));
	CHECK(!strstr(why_of("000G-40R4-0M30-E209-185G-R38E-1W81-24G"), "40R4")); /* not repeated */
}

static void chain_of(struct client_chain *chain, const char *one, const char *two)
{
	*chain = (struct client_chain){.pem = {one, two}, .count = two ? 2 : 1};
}

static void the_ca_is_found_by_its_hash_alone(void)
{
	struct authority *ours = authority_new("our CA"), *theirs = authority_new("our CA");
	struct enrol_code code = {0};
	struct client_chain chain;
	char mine[4096], strange[4096];
	unsigned char digest[32];
	size_t size = sizeof(digest);

	authority_pem(ours, mine, sizeof(mine));
	authority_pem(theirs, strange, sizeof(strange));
	gnutls_x509_crt_get_fingerprint(ours->crt, GNUTLS_DIG_SHA256, digest, &size);
	memcpy(code.ca, digest, sizeof(code.ca));
	chain_of(&chain, strange, mine);
	CHECK(enrol_find_ca(&chain, code.ca) == mine);
	chain_of(&chain, strange, NULL);
	CHECK(!enrol_find_ca(&chain, code.ca));
	chain_of(&chain, "rubbish", mine);
	CHECK(enrol_find_ca(&chain, code.ca) == mine);
	code.ca[9] ^= 1;
	CHECK(!enrol_find_ca(&chain, code.ca));
	CHECK(enrol_has_certificate(mine, mine) && !enrol_has_certificate(mine, strange));
	authority_free(ours);
	authority_free(theirs);
}

/* A certificate whose hash is the code's, but that is no CA's, is not taken for one. */
static void a_certificate_that_is_no_ca_is_none(void)
{
	struct authority *a = authority_new("our CA");
	gnutls_x509_privkey_t key = authority_key();
	gnutls_x509_crt_t crt = authority_blank("server", key);
	struct client_chain chain;
	unsigned char digest[32];
	size_t size = sizeof(digest);
	gnutls_datum_t pem;

	authority_sign(a, &server_by_name, crt);
	crt = authority_read_again(crt);
	gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, digest, &size);
	gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem);
	chain_of(&chain, (char *)pem.data, NULL);
	CHECK(!enrol_find_ca(&chain, digest));
	gnutls_free(pem.data);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	authority_free(a);
}

/* ---- the certificate ---- */

struct issue {
	struct authority *by;
	const char *uuid;
	bool server, expired, other_key;
	bool no_policy_key, no_certificate;
};

static void add_lines(ipp_t *reply, char *text)
{
	const char *line[256];
	char *rest;
	int n = 0;

	for (char *l = strtok_r(text, "\n", &rest); l; l = strtok_r(NULL, "\n", &rest))
		line[n++] = l;
	ippAddStrings(reply, IPP_TAG_PRINTER, IPP_TAG_TEXT, "output-device-x509-certificate", n,
		NULL, line);
}

/* What an honest server does with a signing request, but for what @i says. */
static ipp_t *reply_of(const struct issue *i, const char *csr_pem)
{
	const gnutls_datum_t text = {(unsigned char *)csr_pem, (unsigned int)strlen(csr_pem)};
	const struct subject s = {.name = i->uuid,
		.server = i->server,
		.begins_s = -7200,
		.ends_s = i->expired ? -60 : 7200};
	gnutls_x509_privkey_t other = authority_key();
	gnutls_x509_crt_t crt = authority_blank(i->uuid, i->other_key ? other : NULL);
	ipp_t *reply = ippNew();
	gnutls_x509_crq_t crq;
	gnutls_datum_t pem;
	char lines[8192];
	uint8_t key[32] = {9, 0, 7};

	gnutls_x509_crq_init(&crq);
	CHECK(!gnutls_x509_crq_import(crq, &text, GNUTLS_X509_FMT_PEM));
	CHECK(!gnutls_x509_crq_verify(crq, 0)); /* signed by its own key */
	if (!i->other_key)
		CHECK(!gnutls_x509_crt_set_crq(crt, crq));
	gnutls_x509_crt_set_subject_alt_name(
		crt, GNUTLS_SAN_URI, i->uuid, (unsigned int)strlen(i->uuid), GNUTLS_FSAN_APPEND);
	authority_sign(i->by, &s, crt);
	gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem);
	snprintf(lines, sizeof(lines), "%.*s", (int)pem.size, pem.data);
	if (!i->no_certificate)
		add_lines(reply, lines);
	ippAddString(reply, IPP_TAG_PRINTER, IPP_TAG_URI, "system-uuid", NULL, other_uuid);
	ippAddInteger(reply, IPP_TAG_PRINTER, IPP_TAG_INTEGER, VENDOR_SERVER_INCARNATION, 3);
	ippAddOctetString(
		reply, IPP_TAG_PRINTER, VENDOR_POLICY_KEY, key, i->no_policy_key ? 31 : 32);
	gnutls_free(pem.data);
	gnutls_x509_crq_deinit(crq);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(other);
	return reply;
}

static const struct identity *known_there; /* NULL: a code */

/* Enrols with @i; what was taken is in @id and @cert. NULL if taken, else why not. */
static const char *taken(
	const struct issue *i, struct authority *ca, struct identity *id, char **cert)
{
	AUTO(enrol_secret_freep) char *key = NULL;
	AUTO(enrol_secret_freep) char *csr = NULL;
	AUTO(wire_deletep) ipp_t *reply = NULL;
	static char why[400];
	char ca_pem[4096];
	int rc;

	authority_pem(ca, ca_pem, sizeof(ca_pem));
	CHECK(enrol_key_new(&key) == 0 && strstr(key, "PRIVATE KEY"));
	CHECK(enrol_request_new(key, uuid, &csr) == 0);
	reply = reply_of(i, csr);
	rc = enrol_take(
		reply, uuid, key, ca_pem, time(NULL), known_there, id, cert, why, sizeof(why));
	CHECK(rc == 0 || rc == -EINVAL);
	return rc ? why : NULL;
}

static void a_good_certificate_is_taken(void)
{
	struct authority *a = authority_new("our CA");
	AUTO(auto_free) char *cert = NULL;
	struct identity id = {0};
	char ca[4096];

	authority_pem(a, ca, sizeof(ca));
	CHECK(!taken(&(struct issue){.by = a, .uuid = uuid}, a, &id, &cert));
	CHECK(!strcmp(id.uuid, uuid) && !strcmp(id.server_uuid, other_uuid) && id.incarnation == 3);
	CHECK(id.policy_key[0] == 9 && id.policy_key[2] == 7);
	CHECK(id.starts_s >= time(NULL) - 2 && id.expires_s > time(NULL) + 7000 &&
		id.expires_s <= time(NULL) + 7200);
	CHECK(cert && strstr(cert, "-----BEGIN CERTIFICATE-----") == cert && !strstr(cert, ca));
	authority_free(a);
}

static bool is_refused(struct issue i, struct authority *ca, const char *words)
{
	struct identity id = {.incarnation = 77};
	char *cert = NULL;
	const char *why = taken(&i, ca, &id, &cert);

	if (why && !strstr(why, words))
		printf("# %s\n", why);
	return why && strstr(why, words) && id.incarnation == 77 && !cert;
}

static void a_certificate_that_is_not_ours_is_refused(void)
{
	struct authority *a = authority_new("our CA"), *b = authority_new("our CA");

	CHECK(is_refused((struct issue){.by = b, .uuid = uuid}, a, "not signed"));
	CHECK(is_refused((struct issue){.by = a, .uuid = other_uuid}, a, "another machine"));
	CHECK(is_refused(
		(struct issue){.by = a, .uuid = uuid, .other_key = true}, a, "another key"));
	CHECK(is_refused((struct issue){.by = a, .uuid = uuid, .server = true}, a, "for machines"));
	CHECK(is_refused((struct issue){.by = a, .uuid = uuid, .expired = true}, a, "clock"));
	CHECK(is_refused((struct issue){.by = a, .uuid = uuid, .no_policy_key = true}, a, "lacks"));
	CHECK(is_refused(
		(struct issue){.by = a, .uuid = uuid, .no_certificate = true}, a, "lacks"));
	authority_free(a);
	authority_free(b);
}

static void a_renewal_comes_from_the_same_server(void)
{
	struct authority *a = authority_new("our CA");
	struct identity known = {.policy_key = {9, 0, 7}}, id = {0};
	AUTO(auto_free) char *cert = NULL;

	snprintf(known.server_uuid, sizeof(known.server_uuid), "%s", other_uuid);
	known_there = &known;
	CHECK(!taken(&(struct issue){.by = a, .uuid = uuid}, a, &id, &cert));
	known.policy_key[31] = 1;
	CHECK(is_refused((struct issue){.by = a, .uuid = uuid}, a, "signs its policy"));
	known.policy_key[31] = 0;
	known.server_uuid[12]++;
	CHECK(is_refused((struct issue){.by = a, .uuid = uuid}, a, "another server"));
	known_there = NULL;
	authority_free(a);
}

static void the_request_says_who_and_no_more(void)
{
	AUTO(enrol_secret_freep) char *key = NULL;
	AUTO(enrol_secret_freep) char *csr = NULL;
	AUTO(wire_deletep) ipp_t *r = NULL;
	ipp_attribute_t *lines;
	void *octets = NULL;
	size_t count = 0;

	CHECK(enrol_key_new(&key) == 0 && enrol_request_new(key, uuid, &csr) == 0);
	CHECK(enrol_request_new("no key", uuid, &csr) == -EINVAL);
	r = enrol_request("ipps://h:8631", "root", uuid, "pc17", csr);
	CHECK(r && (int)ippGetOperation(r) == 0x005F);
	CHECK(!strcmp(ippGetString(ippFindAttribute(r, "system-uri", IPP_TAG_URI), 0, NULL),
		"ipps://h:8631/ipp/system"));
	CHECK(!strcmp(ippGetString(ippFindAttribute(r, "output-device-uuid", IPP_TAG_URI), 0, NULL),
		uuid));
	lines = ippFindAttribute(r, "output-device-x509-request", IPP_TAG_TEXT);
	CHECK(lines &&
		!strcmp(ippGetString(lines, 0, NULL), "-----BEGIN NEW CERTIFICATE REQUEST-----"));
	CHECK(wire_encode(r, &octets, &count) == 0 && !memmem(octets, count, "PRIVATE", 7));
	free(octets);
}

int main(void)
{
	RUN(a_code_is_taken_as_people_type_it);
	RUN(a_code_that_is_none_is_explained);
	RUN(the_ca_is_found_by_its_hash_alone);
	RUN(a_certificate_that_is_no_ca_is_none);
	RUN(a_good_certificate_is_taken);
	RUN(a_certificate_that_is_not_ours_is_refused);
	RUN(a_renewal_comes_from_the_same_server);
	RUN(the_request_says_who_and_no_more);
	return tap_done();
}
