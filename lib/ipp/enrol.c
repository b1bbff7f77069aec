/* SPDX-License-Identifier: Apache-2.0 */
/* enrol - see enrol.h. */
#include "ipp/enrol.h"

#include <ctype.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>

#include "core/vendor.h"
#include "ipp/cert.h"

enum { CRTS_MAX = 6, PEM_MAX = 32 * 1024, LINES_MAX = 256, REGISTER_OUTPUT_DEVICE = 0x005F };

AUTO_DEFINE(gnutls_x509_crt_t, gnutls_x509_crt_deinit)
AUTO_DEFINE(gnutls_x509_crq_t, gnutls_x509_crq_deinit)
AUTO_DEFINE(gnutls_x509_privkey_t, gnutls_x509_privkey_deinit)

static int code_errno(int gnutls)
{
	return gnutls == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EINVAL;
}

/* ---- codes ---- */

/* Five bits, or -1. */
static int value_of(char c)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	const char *at;

	c = (char)toupper((unsigned char)c);
	c = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
	at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

static int say_count(size_t count, char *why, size_t size)
{
	snprintf(why, size, "a code has %d letters and digits, not %zu", ENROL_CODE_DIGITS, count);
	return -EINVAL;
}

static int read_digits(const char *text, struct enrol_code *code, char *why, size_t size)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	size_t count = 0;

	for (; *text; text++) {
		int value = value_of(*text);

		if (strchr("- \t\r\n", *text))
			continue;
		if (value < 0) {
			if (isprint((unsigned char)*text))
				snprintf(why, size, "a code has no \"%c\"%s", *text,
					toupper(*text) == 'U' ? "; is it a V?" : "");
			else
				snprintf(why, size, "a code has letters and digits only");
			return -EINVAL;
		}
		if (count < ENROL_CODE_DIGITS) {
			code->digits[count] = digits[value];
			for (size_t bit = count * 5, i = 0; i < 5; bit++, i++)
				if (bit >= 80 && value & (16 >> i))
					code->ca[bit / 8 - 10] |= (uint8_t)(128 >> bit % 8);
		}
		count++;
	}
	return count == ENROL_CODE_DIGITS ? 0 : say_count(count, why, size);
}

int enrol_code_parse(const char *text, struct enrol_code *out, char *why, size_t size)
{
	struct enrol_code code = {0};
	int rc = read_digits(text, &code, why, size);

	if (!rc)
		*out = code;
	explicit_bzero(&code, sizeof(code));
	return rc;
}

static int import(gnutls_x509_crt_t *out, const char *pem)
{
	const gnutls_datum_t text = {(unsigned char *)pem, (unsigned int)strlen(pem)};
	AUTO(gnutls_x509_crt_deinitp) gnutls_x509_crt_t crt = NULL;
	int rc = gnutls_x509_crt_init(&crt);

	if (!rc)
		rc = gnutls_x509_crt_import(crt, &text, GNUTLS_X509_FMT_PEM);
	if (rc)
		return code_errno(rc);
	*out = STEAL(crt);
	return 0;
}

const char *enrol_find_ca(const struct client_chain *chain, const uint8_t ca[ENROL_CA_OCTETS])
{
	for (size_t i = 0; i < chain->count; i++) {
		AUTO(gnutls_x509_crt_deinitp) gnutls_x509_crt_t crt = NULL;
		unsigned char digest[32];
		size_t size = sizeof(digest);

		if (import(&crt, chain->pem[i]) == 0 &&
			!gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, digest, &size) &&
			!memcmp(digest, ca, ENROL_CA_OCTETS) &&
			gnutls_x509_crt_get_ca_status(crt, NULL) > 0)
			return chain->pem[i];
	}
	return NULL;
}

/* A few certificates of one text. */
struct crts {
	gnutls_x509_crt_t crt[CRTS_MAX];
	unsigned count;
};

static void crts_fini(struct crts *c)
{
	for (unsigned i = 0; i < c->count; i++)
		gnutls_x509_crt_deinit(c->crt[i]);
}

static int import_all(struct crts *out, const char *pem)
{
	const gnutls_datum_t text = {(unsigned char *)pem, (unsigned int)strlen(pem)};
	unsigned count = CRTS_MAX;
	int rc = gnutls_x509_crt_list_import(out->crt, &count, &text, GNUTLS_X509_FMT_PEM,
		GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);

	if (rc <= 0)
		return rc < 0 ? code_errno(rc) : -EINVAL;
	out->count = count;
	return 0;
}

bool enrol_has_certificate(const char *list, const char *pem)
{
	AUTO(gnutls_x509_crt_deinitp) gnutls_x509_crt_t crt = NULL;
	AUTO(crts_fini) struct crts all = {0};

	if (import(&crt, pem) || import_all(&all, list))
		return false;
	for (unsigned i = 0; i < all.count; i++)
		if (gnutls_x509_crt_equals(all.crt[i], crt))
			return true;
	return false;
}

bool enrol_are_cas(const char *pem)
{
	AUTO(crts_fini) struct crts all = {0};

	if (import_all(&all, pem))
		return false;
	for (unsigned i = 0; i < all.count; i++)
		if (gnutls_x509_crt_get_ca_status(all.crt[i], NULL) <= 0 ||
			!gnutls_x509_crt_check_issuer(all.crt[i], all.crt[i]))
			return false;
	return true;
}

bool enrol_is_signed_by(const char *pem, const char *cas)
{
	AUTO(gnutls_x509_crt_deinitp) gnutls_x509_crt_t crt = NULL;
	AUTO(gnutls_x509_crt_deinitp) gnutls_x509_crt_t ca = NULL;
	unsigned int verdict = 0;

	return import(&crt, pem) == 0 && import(&ca, cas) == 0 &&
	       gnutls_x509_crt_verify(crt, &ca, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &verdict) >=
		       0 &&
	       verdict == 0;
}

/* ---- keys ---- */

void enrol_secret_free(char *pem)
{
	if (pem)
		explicit_bzero(pem, strlen(pem));
	free(pem);
}

/* Takes @d over. */
static int to_text(gnutls_datum_t *d, char **out)
{
	char *text = strndup((const char *)d->data, d->size);

	explicit_bzero(d->data, d->size);
	gnutls_free(d->data);
	if (!text)
		return -ENOMEM;
	*out = text;
	return 0;
}

int enrol_key_new(char **pem)
{
	AUTO(gnutls_x509_privkey_deinitp) gnutls_x509_privkey_t key = NULL;
	gnutls_datum_t d = {0};
	int rc = gnutls_x509_privkey_init(&key);

	if (!rc)
		rc = gnutls_x509_privkey_generate(
			key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (!rc)
		rc = gnutls_x509_privkey_export2_pkcs8(
			key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &d);
	return rc ? code_errno(rc) : to_text(&d, pem);
}

static int import_key(gnutls_x509_privkey_t *out, const char *pem)
{
	const gnutls_datum_t text = {(unsigned char *)pem, (unsigned int)strlen(pem)};
	AUTO(gnutls_x509_privkey_deinitp) gnutls_x509_privkey_t key = NULL;
	int rc = gnutls_x509_privkey_init(&key);

	if (!rc)
		rc = gnutls_x509_privkey_import(key, &text, GNUTLS_X509_FMT_PEM);
	if (rc)
		return code_errno(rc);
	*out = STEAL(key);
	return 0;
}

int enrol_request_new(const char *key_pem, const char *uuid, char **pem)
{
	AUTO(gnutls_x509_privkey_deinitp) gnutls_x509_privkey_t key = NULL;
	AUTO(gnutls_x509_crq_deinitp) gnutls_x509_crq_t crq = NULL;
	gnutls_datum_t d = {0};
	int rc = import_key(&key, key_pem);

	if (rc)
		return rc;
	rc = gnutls_x509_crq_init(&crq);
	if (!rc)
		rc = gnutls_x509_crq_set_version(crq, 1);
	if (!rc)
		rc = gnutls_x509_crq_set_dn_by_oid(
			crq, GNUTLS_OID_X520_COMMON_NAME, 0, uuid, (unsigned int)strlen(uuid));
	if (!rc)
		rc = gnutls_x509_crq_set_key(crq, key);
	if (!rc)
		rc = gnutls_x509_crq_sign2(crq, key, GNUTLS_DIG_SHA256, 0);
	if (!rc)
		rc = gnutls_x509_crq_export2(crq, GNUTLS_X509_FMT_PEM, &d);
	return rc ? code_errno(rc) : to_text(&d, pem);
}

/* ---- the request ---- */

static int add_lines(ipp_t *request, const char *name, const char *pem)
{
	AUTO(auto_free) char *copy = strdup(pem);
	const char *line[LINES_MAX];
	int count = 0;
	char *rest;

	if (!copy)
		return -ENOMEM;
	for (char *l = strtok_r(copy, "\r\n", &rest); l && count < LINES_MAX;
		l = strtok_r(NULL, "\r\n", &rest))
		line[count++] = l;
	return ippAddStrings(request, IPP_TAG_OPERATION, IPP_TAG_TEXT, name, count, NULL, line)
		       ? 0
		       : -ENOMEM;
}

ipp_t *enrol_request(const char *address, const char *user, const char *uuid, const char *name,
	const char *csr_pem)
{
	ipp_t *r = ippNewRequest((ipp_op_t)REGISTER_OUTPUT_DEVICE);
	char uri[600];

	snprintf(uri, sizeof(uri), "%s/ipp/system", address);
	if (r && ippAddString(r, IPP_TAG_OPERATION, IPP_TAG_URI, "system-uri", NULL, uri) &&
		ippAddString(
			r, IPP_TAG_OPERATION, IPP_TAG_NAME, "requesting-user-name", NULL, user) &&
		ippAddString(r, IPP_TAG_OPERATION, IPP_TAG_URI, "output-device-uuid", NULL, uuid) &&
		ippAddString(r, IPP_TAG_OPERATION, IPP_TAG_NAME, VENDOR_DEVICE_NAME, NULL, name) &&
		ippAddString(r, IPP_TAG_OPERATION, IPP_CONST_TAG(IPP_TAG_KEYWORD),
			"printer-service-type", NULL, "print") &&
		!add_lines(r, "output-device-x509-request", csr_pem))
		return r;
	ippDelete(r);
	return NULL;
}

/* ---- the reply ---- */

static const char *text_of(ipp_t *reply, const char *name, ipp_tag_t tag)
{
	ipp_attribute_t *a = ippFindAttribute(reply, name, tag);
	const char *text = a ? ippGetString(a, 0, NULL) : NULL;

	return text ? text : "";
}

/* The certificates of the reply's lines: ours, then who vouches for it. */
static int read_certificates(ipp_t *reply, struct crts *out)
{
	ipp_attribute_t *a =
		ippFindAttribute(reply, "output-device-x509-certificate", IPP_TAG_TEXT);
	AUTO(auto_free) char *pem = calloc(1, PEM_MAX);
	int count = a ? ippGetCount(a) : 0;
	size_t used = 0;

	if (!pem)
		return -ENOMEM;
	for (int i = 0; i < count; i++) {
		const char *line = ippGetString(a, i, NULL);
		size_t n = line ? strlen(line) : 0;

		if (n + 2 > PEM_MAX - used)
			return -EINVAL;
		memcpy(pem + used, line ? line : "", n);
		used += n;
		pem[used++] = '\n';
	}
	return import_all(out, pem);
}

bool enrol_names_uuid(const char *pem, const char *uuid)
{
	AUTO(gnutls_x509_crt_deinitp) gnutls_x509_crt_t crt = NULL;

	return import(&crt, pem) == 0 && cert_names_uuid(crt, uuid);
}

static bool fits_key(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	unsigned char of_crt[32], of_key[32];
	size_t n = sizeof(of_crt), m = sizeof(of_key);

	return !gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, of_crt, &n) &&
	       !gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, of_key, &m) &&
	       n == m && !memcmp(of_crt, of_key, n);
}

/* NULL, or what is wrong. */
static const char *why_not(const struct crts *chain, const char *uuid, gnutls_x509_privkey_t key,
	const struct crts *cas, int64_t now_s)
{
	gnutls_x509_crt_t crt = chain->crt[0];
	unsigned int verdict = 0;

	if (!fits_key(crt, key))
		return "the certificate is for another key";
	if (!cert_names_uuid(crt, uuid))
		return "the certificate is for another machine";
	if (gnutls_x509_crt_list_verify(chain->crt, chain->count, cas->crt, cas->count, NULL, 0,
		    GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &verdict) < 0 ||
		verdict != 0)
		return "the certificate is not signed by the server's CA";
	if (!gnutls_x509_crt_check_key_purpose(crt, GNUTLS_KP_TLS_WWW_CLIENT, 0))
		return "the certificate is not one for machines";
	if (gnutls_x509_crt_get_expiration_time(crt) <= now_s ||
		gnutls_x509_crt_get_activation_time(crt) > now_s)
		return "the certificate is not good now: the clock of this computer or of the server is wrong";
	return NULL;
}

static int read_server(ipp_t *reply, struct identity *id)
{
	ipp_attribute_t *key = ippFindAttribute(reply, VENDOR_POLICY_KEY, IPP_TAG_STRING);
	ipp_attribute_t *incarnation =
		ippFindAttribute(reply, VENDOR_SERVER_INCARNATION, IPP_TAG_INTEGER);
	const char *uuid = text_of(reply, "system-uuid", IPP_TAG_URI);
	const void *octets;
	int count = 0;

	octets = key ? ippGetOctetString(key, 0, &count) : NULL;
	if (!octets || count != IDENTITY_POLICY_KEY || !incarnation ||
		strncmp(uuid, "urn:uuid:", 9) != 0 || strlen(uuid) >= sizeof(id->server_uuid) ||
		strpbrk(uuid, " \t\r\n"))
		return -EINVAL;
	memcpy(id->policy_key, octets, IDENTITY_POLICY_KEY);
	id->incarnation = ippGetInteger(incarnation, 0);
	strcpy(id->server_uuid, uuid);
	return 0;
}

static int write_chain(const struct crts *chain, char **out)
{
	AUTO(auto_free) char *all = strdup("");

	for (unsigned i = 0; all && i < chain->count; i++) {
		AUTO(auto_free) char *one = NULL;
		gnutls_datum_t d = {0};
		char *longer = NULL;
		int rc = gnutls_x509_crt_export2(chain->crt[i], GNUTLS_X509_FMT_PEM, &d);

		rc = rc ? code_errno(rc) : to_text(&d, &one);
		if (rc)
			return rc;
		if (asprintf(&longer, "%s%s", all, one) < 0)
			return -ENOMEM;
		free(all);
		all = longer;
	}
	*out = STEAL(all);
	return *out ? 0 : -ENOMEM;
}

static const char *why_other(const struct identity *got, const struct identity *known)
{
	if (!known)
		return NULL;
	if (strcmp(got->server_uuid, known->server_uuid) != 0)
		return "it is another server";
	/* Who has stolen the key of its certificate shall not say what is signed by the other key. */
	if (memcmp(got->policy_key, known->policy_key, IDENTITY_POLICY_KEY) != 0)
		return "the key that signs its policy is another one; if that is right, enrol this "
		       "computer again with a new code";
	return NULL;
}

int enrol_take(ipp_t *reply, const char *uuid, const char *key_pem, const char *ca_pem,
	int64_t now_s, const struct identity *known, struct identity *id, char **cert_pem,
	char *why, size_t size)
{
	AUTO(crts_fini) struct crts chain = {0};
	AUTO(crts_fini) struct crts cas = {0};
	AUTO(gnutls_x509_privkey_deinitp) gnutls_x509_privkey_t key = NULL;
	struct identity got = {0};
	const char *bad;
	int rc = import_all(&cas, ca_pem);

	if (!rc)
		rc = import_key(&key, key_pem);
	if (rc)
		return rc;
	snprintf(why, size, "its answer lacks a certificate or its own name");
	rc = read_certificates(reply, &chain);
	if (!rc)
		rc = read_server(reply, &got);
	if (rc)
		return rc;
	bad = why_not(&chain, uuid, key, &cas, now_s);
	if (!bad)
		bad = why_other(&got, known);
	if (bad) {
		snprintf(why, size, "%s", bad);
		return -EINVAL;
	}
	snprintf(got.uuid, sizeof(got.uuid), "%s", uuid);
	got.starts_s = now_s;
	got.history = known && known->history;
	got.expires_s = gnutls_x509_crt_get_expiration_time(chain.crt[0]);
	rc = write_chain(&chain, cert_pem);
	if (rc)
		return rc;
	*id = got;
	*why = '\0';
	return 0;
}
