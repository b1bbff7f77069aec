/* SPDX-License-Identifier: Apache-2.0 */
/* test-server-ca - keys that are made once, certificates that are renewed in time, and requests that are none. */
#include "../server/ca.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mono.h"
#include "tap.h"

enum { DAY = 86400 };
static char folder[64];
static const char uuid[] = "urn:uuid:11111111-2222-3333-4444-555555555555";
static const char *const names[] = {"print.example.com", "192.0.2.1", "2001:db8::1"};

static void run(const char *fmt)
{
	char command[512];

	snprintf(command, sizeof(command), "cd %s && %s", folder, fmt);
	CHECK(system(command) == 0);
}

static struct ca *afresh(void)
{
	char command[256];
	struct ca *ca = NULL;

	snprintf(command, sizeof(command), "rm -rf %s && mkdir -m 0700 %s", folder, folder);
	if (system(command) != 0)
		abort();
	CHECK(ca_open(folder, &ca) == 0);
	return ca;
}

static bool server(struct ca *ca, size_t count, int64_t now_s)
{
	AUTO(auto_free) char *chain = NULL;
	AUTO(auto_free) char *key = NULL;
	bool renewed = false;

	CHECK(ca_server(ca, names, count, uuid, now_s, &chain, &key, &renewed) == 0);
	CHECK(chain && strstr(chain, "BEGIN CERTIFICATE") && strstr(key, "PRIVATE KEY"));
	CHECK(!strstr(chain, "PRIVATE"));
	return renewed;
}

static void the_ca_is_made_once(void)
{
	AUTO(ca_freep) struct ca *a = afresh();
	AUTO(ca_freep) struct ca *b = NULL;
	uint8_t one[32], two[32];
	struct stat st;
	char path[128];

	CHECK(ca_open(folder, &b) == 0);
	ca_sha256(a, one);
	ca_sha256(b, two);
	CHECK(!memcmp(one, two, 32));
	snprintf(path, sizeof(path), "%s/ca.pem", folder);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	CHECK(ca_expires_s(a) > mono_utc_s() + 3640LL * DAY);
}

static void files_that_do_not_belong_together_are_refused(void)
{
	AUTO(ca_freep) struct ca *a = afresh();
	AUTO(ca_freep) struct ca *b = NULL;

	run("cp ca.pem one.pem && rm ca.pem");
	CHECK(ca_open(folder, &b) == 0);
	run("sed -n '/BEGIN CERT/,/END CERT/p' one.pem >mixed.pem && sed -n '/BEGIN PRIV/,/END PRIV/p' ca.pem >>mixed.pem"
	    " && mv mixed.pem ca.pem");
	ca_free(STEAL(b));
	CHECK(ca_open(folder, &b) == -EUCLEAN && !b);
	run("echo garbage >ca.pem");
	CHECK(ca_open(folder, &b) == -EUCLEAN && !b);
}

static void the_server_s_certificate_is_renewed_in_its_last_third(void)
{
	AUTO(ca_freep) struct ca *ca = afresh();
	int64_t now_s = mono_utc_s();

	CHECK(server(ca, 3, now_s));
	CHECK(!server(ca, 3, now_s));
	CHECK(!server(ca, 3, now_s + 240LL * DAY));
	CHECK(server(ca, 3, now_s + 250LL * DAY));
	CHECK(ca_server_expires_s(ca) > now_s + 600LL * DAY);
}

static void other_names_or_a_damaged_file_make_a_new_one(void)
{
	AUTO(ca_freep) struct ca *ca = afresh();
	int64_t now_s = mono_utc_s();

	CHECK(server(ca, 3, now_s));
	CHECK(server(ca, 2, now_s));
	CHECK(!server(ca, 2, now_s));
	CHECK(server(ca, 3, now_s));
	run("echo garbage >server.pem");
	CHECK(server(ca, 3, now_s));
}

/* A signing request over a fresh key; @algorithm and @curve as GnuTLS names them. */
static char *request(gnutls_pk_algorithm_t algorithm, unsigned bits, const char *subject)
{
	gnutls_x509_crq_t crq;
	gnutls_x509_privkey_t key;
	gnutls_datum_t d = {0};
	char *text;

	if (gnutls_x509_crq_init(&crq) || gnutls_x509_privkey_init(&key) ||
		gnutls_x509_privkey_generate(key, algorithm, bits, 0) ||
		gnutls_x509_crq_set_key(crq, key) || gnutls_x509_crq_set_dn(crq, subject, NULL) ||
		gnutls_x509_crq_set_basic_constraints(crq, 1, 0) ||
		gnutls_x509_crq_sign2(crq, key, GNUTLS_DIG_SHA256, 0) ||
		gnutls_x509_crq_export2(crq, GNUTLS_X509_FMT_PEM, &d))
		abort();
	text = strndup((char *)d.data, d.size);
	gnutls_free(d.data);
	gnutls_x509_crq_deinit(crq);
	gnutls_x509_privkey_deinit(key);
	return text;
}

static char *good_request(void)
{
	return request(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
		"CN=root,O=Somebody");
}

static void a_machine_gets_what_we_say_not_what_it_asks_for(void)
{
	AUTO(ca_freep) struct ca *ca = afresh();
	AUTO(auto_free) char *csr = good_request();
	struct ca_issued i = {0};
	gnutls_x509_crt_t crt;
	gnutls_datum_t d;
	char text[512];
	size_t n = sizeof(text);
	unsigned critical = 0, is_ca = 1;
	int path_length = 0;

	CHECK(ca_issue(ca, csr, uuid, mono_utc_s(), 30 * DAY, &i) == 0);
	CHECK(strlen(i.fingerprint) == 64 && strlen(i.key) == 64);
	CHECK(i.expires_s >= mono_utc_s() + 29 * DAY && i.expires_s <= mono_utc_s() + 30 * DAY);
	d.data = (unsigned char *)i.pem;
	d.size = (unsigned)strlen(i.pem);
	gnutls_x509_crt_init(&crt);
	CHECK(gnutls_x509_crt_import(crt, &d, GNUTLS_X509_FMT_PEM) == 0);
	CHECK(gnutls_x509_crt_get_dn(crt, text, &n) == 0 && strstr(text, uuid));
	CHECK(!strstr(text, "Somebody"));
	n = sizeof(text);
	CHECK(gnutls_x509_crt_get_subject_alt_name(crt, 0, text, &n, NULL) == GNUTLS_SAN_URI);
	CHECK(!strncmp(text, uuid, n));
	n = sizeof(text);
	CHECK(gnutls_x509_crt_get_key_purpose_oid(crt, 0, text, &n, &critical) == 0 &&
		!strcmp(text, GNUTLS_KP_TLS_WWW_CLIENT));
	CHECK(gnutls_x509_crt_get_basic_constraints(crt, &critical, &is_ca, &path_length) >= 0 &&
		!is_ca);
	gnutls_x509_crt_deinit(crt);
	ca_issued_fini(&i);
}

static void bad_requests_get_nothing(void)
{
	AUTO(ca_freep) struct ca *ca = afresh();
	AUTO(auto_free) char *good = good_request();
	AUTO(auto_free) char *rsa = request(GNUTLS_PK_RSA, 2048, "CN=x");
	AUTO(auto_free)
	char *p384 =
		request(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1), "CN=x");
	struct ca_issued i = {0};
	char key[65];

	CHECK(ca_request_key(good, key) == 0);
	CHECK(ca_issue(ca, "", uuid, mono_utc_s(), DAY, &i) == CA_E_REQUEST);
	CHECK(ca_issue(ca, "garbage", uuid, mono_utc_s(), DAY, &i) == CA_E_REQUEST);
	CHECK(ca_issue(ca, rsa, uuid, mono_utc_s(), DAY, &i) == CA_E_KEY);
	CHECK(ca_issue(ca, p384, uuid, mono_utc_s(), DAY, &i) == CA_E_KEY);
	CHECK(!i.pem);
	/* Any one octet changed: no answer but a refusal, and never a certificate over a key that did not sign. */
	for (size_t at = 0; good[at]; at++) {
		char was = good[at], now[65];
		int rc;

		if (was == '\n')
			continue;
		good[at] = was == 'A' ? 'B' : 'A';
		rc = ca_request_key(good, now);
		CHECK(rc == CA_E_REQUEST || rc == CA_E_KEY || (rc == 0 && !strcmp(now, key)));
		good[at] = was;
	}
}

static void no_certificate_outlives_the_ca(void)
{
	AUTO(ca_freep) struct ca *ca = afresh();
	AUTO(auto_free) char *csr = good_request();
	struct ca_issued i = {0};

	CHECK(ca_issue(ca, csr, uuid, ca_expires_s(ca) - DAY, 30 * DAY, &i) == 0);
	CHECK(i.expires_s == ca_expires_s(ca));
	ca_issued_fini(&i);
}

static void the_policy_s_signature_verifies(void)
{
	AUTO(ca_freep) struct ca *ca = afresh();
	uint8_t key[32], again[32], signature[64];

	CHECK(ca_policy_public(folder, key) == 0 && ca_policy_public(folder, again) == 0);
	CHECK(!memcmp(key, again, 32));
	CHECK(ca_policy_sign(folder, "text", 4, signature) == 0);
	CHECK(crypto_sign_verify_detached(signature, (const uint8_t *)"text", 4, key) == 0);
	CHECK(crypto_sign_verify_detached(signature, (const uint8_t *)"tezt", 4, key) != 0);
	run("echo short >policy.key");
	CHECK(ca_policy_sign(folder, "text", 4, signature) == -EUCLEAN);
}

/* Is the first certificate of @chain trusted by who knows @ca alone? */
static bool trusted(const char *chain, const char *ca)
{
	gnutls_x509_crt_t list[4], trust[4];
	unsigned n = 4, m = 4, verdict = 1;
	gnutls_datum_t c = {(unsigned char *)chain, (unsigned)strlen(chain)},
		       t = {(unsigned char *)ca, (unsigned)strlen(ca)};

	if (gnutls_x509_crt_list_import(list, &n, &c, GNUTLS_X509_FMT_PEM, 0) < 0 ||
		gnutls_x509_crt_list_import(trust, &m, &t, GNUTLS_X509_FMT_PEM, 0) < 0 ||
		gnutls_x509_crt_list_verify(list, (int)n, trust, (int)m, NULL, 0, 0, &verdict) < 0)
		abort();
	for (unsigned i = 0; i < n; i++)
		gnutls_x509_crt_deinit(list[i]);
	for (unsigned i = 0; i < m; i++)
		gnutls_x509_crt_deinit(trust[i]);
	return verdict == 0;
}

static char *chain_of(struct ca *ca)
{
	AUTO(auto_free) char *key = NULL;
	char *chain = NULL;

	CHECK(ca_server(ca, names, 3, uuid, mono_utc_s(), &chain, &key, NULL) == 0);
	return chain;
}

static void reopen(struct ca **ca)
{
	ca_free(STEAL(*ca));
	CHECK(ca_open(folder, ca) == 0);
}

static void one_ca_follows_another(void)
{
	AUTO(ca_freep) struct ca *ca = afresh();
	AUTO(auto_free) char *first = strdup(ca_pem(ca));
	AUTO(auto_free) char *second = NULL;
	AUTO(auto_free) char *before = chain_of(ca);
	AUTO(auto_free) char *between = NULL;
	AUTO(auto_free) char *after = NULL;
	struct ca_known list[CA_MAX];

	CHECK(ca_roll_activate(ca) == CA_E_NONE && ca_roll_retire(ca) == CA_E_NONE &&
		ca_roll_discard(ca) == CA_E_NONE);
	CHECK(!ca_has_changed(ca) && ca_roll_new(ca) == 0 && ca_has_changed(ca));
	CHECK(ca_roll_new(ca) == CA_E_ROLLING);
	reopen(&ca);
	CHECK(ca_list(ca, list) == 2 && list[0].role == CA_ACTIVE && list[1].role == CA_NEXT);
	second = strdup(list[1].pem);
	ca_list_fini(list);
	CHECK(!strcmp(ca_pem(ca), first) && strstr(ca_trust_pem(ca), second));
	CHECK(ca_roll_activate(ca) == 0);
	reopen(&ca);
	between = chain_of(ca);
	CHECK(!strcmp(ca_pem(ca), second) && strstr(ca_trust_pem(ca), first));
	CHECK(trusted(between, first) && trusted(between, second) && !trusted(before, second));
	CHECK(ca_roll_new(ca) == CA_E_ROLLING);
	run("! grep PRIVATE ca-old.pem && test \"$(cat ca.pem | grep -c BEGIN)\" = 2");
	CHECK(ca_roll_retire(ca) == 0);
	reopen(&ca);
	after = chain_of(ca);
	CHECK(ca_list(ca, list) == 1 && !strstr(ca_trust_pem(ca), first));
	ca_list_fini(list);
	CHECK(trusted(after, second) && !trusted(after, first));
}

static void a_cut_before_the_rename_changes_nothing(void)
{
	AUTO(ca_freep) struct ca *ca = afresh();
	AUTO(auto_free) char *first = strdup(ca_pem(ca));
	struct ca_known list[CA_MAX];

	CHECK(ca_roll_new(ca) == 0);
	run("cp ca.pem one && cp ca-next.pem two");
	CHECK(ca_roll_activate(ca) == 0);
	run("mv one ca.pem && mv two ca-next.pem");
	reopen(&ca);
	CHECK(ca_list(ca, list) == 2 && list[1].role == CA_NEXT && !strcmp(ca_pem(ca), first));
	ca_list_fini(list);
	CHECK(!strcmp(ca_issuer_pem(ca), first) && ca_roll_activate(ca) == 0);
	reopen(&ca);
	CHECK(ca_list(ca, list) == 2 && list[1].role == CA_OLD);
	ca_list_fini(list);
	run("echo garbage >ca-old.pem");
	ca_free(STEAL(ca));
	CHECK(ca_open(folder, &ca) == -EUCLEAN);
}

int main(void)
{
	char command[128];

	snprintf(folder, sizeof(folder), "/tmp/test-server-ca.%d", getpid());
	RUN(the_ca_is_made_once);
	RUN(files_that_do_not_belong_together_are_refused);
	RUN(the_server_s_certificate_is_renewed_in_its_last_third);
	RUN(other_names_or_a_damaged_file_make_a_new_one);
	RUN(a_machine_gets_what_we_say_not_what_it_asks_for);
	RUN(bad_requests_get_nothing);
	RUN(no_certificate_outlives_the_ca);
	RUN(one_ca_follows_another);
	RUN(a_cut_before_the_rename_changes_nothing);
	RUN(the_policy_s_signature_verifies);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) != 0 || tap_done();
}
