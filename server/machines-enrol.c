/* SPDX-License-Identifier: Apache-2.0 */
/* machines-enrol - Register-Output-Device: a certificate for whoever brings a good code, or renews his own.
 *
 * docs/wire.md "Enrolment"; PWG 5100.22 for the attributes. A lost reply does no harm: the same code brings the same
 * machine with the same key a certificate again, until it expires. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "base/log.h"
#include "base/text.h"
#include "ca.h"
#include "core/vendor.h"
#include "machines.h"

enum {
	CSR_MAX = 16384,
	LINES_MAX = 128,
	EARLY_MS = 600000, /* a machine renews before its time, and as by a new CA, so often */
};

struct enrolment {
	char uuid[64], name[256], kind[16];
	char key[65]; /* of the request */
	char *csr;
	bool known; /* there is a row of this UUID */
	bool revoked;
	bool early; /* before the last third */
	char known_key[65], seen_key[65], ca[65];
	int64_t early_ms;
};

static void enrolment_fini(struct enrolment *e)
{
	free(e->csr);
}

/* "urn:uuid:" and RFC 9562's form, lower case. */
static bool is_uuid(const char *text)
{
	static const char form[] = "urn:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(text) != strlen(form))
		return false;
	for (size_t i = 0; form[i]; i++)
		if (form[i] != 'x' || i < 9 ? text[i] != form[i]
					    : !strchr("0123456789abcdef", text[i]))
			return false;
	return true;
}

static const char *text_of(struct serve_call *c, const char *name, ipp_tag_t tag)
{
	ipp_attribute_t *a = ippFindAttribute(serve_request(c), name, tag);
	const char *text = a ? ippGetString(a, 0, NULL) : NULL;

	return text ? text : "";
}

/* The request's lines as one PEM text. */
static ipp_status_t take_csr(struct serve_call *c, struct enrolment *e)
{
	ipp_attribute_t *a =
		ippFindAttribute(serve_request(c), "output-device-x509-request", IPP_TAG_TEXT);
	size_t n = 0;
	int count = a ? ippGetCount(a) : 0;

	e->csr = calloc(1, CSR_MAX);
	if (!e->csr)
		return IPP_STATUS_ERROR_INTERNAL;
	for (int i = 0; i < count && i < LINES_MAX; i++) {
		const char *line = ippGetString(a, i, NULL);

		n += (size_t)snprintf(e->csr + n, CSR_MAX - n, "%s\n", line ? line : "");
		if (n >= CSR_MAX)
			break;
	}
	switch (count && n < CSR_MAX ? ca_request_key(e->csr, e->key) : CA_E_REQUEST) {
	case 0:
		return IPP_STATUS_OK;
	case CA_E_KEY:
		serve_say(c, "The signing request's key is not ECDSA P-256.");
		return IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES;
	case CA_E_REQUEST:
		serve_say(c,
			"output-device-x509-request is no signing request, or not signed by its "
			"own key.");
		return IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES;
	default:
		return IPP_STATUS_ERROR_INTERNAL;
	}
}

static ipp_status_t take_request(struct serve_call *c, struct enrolment *e)
{
	const char *name = text_of(c, VENDOR_DEVICE_NAME, IPP_TAG_NAME);

	snprintf(e->uuid, sizeof(e->uuid), "%s", text_of(c, "output-device-uuid", IPP_TAG_URI));
	if (!is_uuid(e->uuid)) {
		serve_say(c, "output-device-uuid must be urn:uuid: and a UUID in lower case.");
		return IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES;
	}
	if (*name && text_is_clean(name))
		snprintf(e->name, sizeof(e->name), "%s", name);
	return take_csr(c, e);
}

static int find_machine(struct app *app, struct enrolment *e)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&app->sql, &stmt,
		"SELECT key, revoked_ms, name, ca, early_ms, seen_key FROM machine WHERE uuid = ?1",
		VALUES(V_TEXT(e->uuid)));

	if (!rc)
		rc = sql_step(&app->sql, stmt);
	if (rc < 0)
		return rc;
	e->known = rc == 1;
	if (!e->known)
		return 0;
	sql_text(stmt, 0, e->known_key, sizeof(e->known_key));
	e->revoked = sqlite3_column_int64(stmt, 1) != 0;
	if (!*e->name)
		sql_text(stmt, 2, e->name, sizeof(e->name));
	sql_text(stmt, 3, e->ca, sizeof(e->ca));
	e->early_ms = sqlite3_column_int64(stmt, 4);
	sql_text(stmt, 5, e->seen_key, sizeof(e->seen_key));
	return 0;
}

/* ---- the code ---- */

static ipp_status_t refuse_code(struct serve_call *c, const char *why)
{
	log_event(LOG_LVL_WARNING, "event=enrol-refused from=%s why=%s",
		log_quote(serve_peer(c)->address), log_quote(why));
	serve_say(c, "%s", why);
	return IPP_STATUS_ERROR_NOT_AUTHENTICATED;
}

/* Marks the code used, for this machine and key; again for the same two is good. */
static ipp_status_t use_code(struct app *app, struct serve_call *c, struct enrolment *e)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	uint8_t octets[MACHINES_CODE_OCTETS], hash[32];
	char used_by[160], who[160], name[256];
	int64_t expires_s, used_s;
	bool good = machines_code_parse(serve_secret(c), octets);
	int rc;

	if (good)
		crypto_hash_sha256(hash, octets, sizeof(octets));
	explicit_bzero(octets, sizeof(octets));
	if (!good)
		return refuse_code(c, "This is no enrolment code.");
	rc = sql_prepare(&app->sql, &stmt,
		"SELECT name, kind, expires_s, used_s, used_by FROM enrol_code WHERE hash = ?1",
		VALUES(V_BLOB(hash, 32)));
	if (!rc)
		rc = sql_step(&app->sql, stmt);
	if (rc < 0)
		return IPP_STATUS_ERROR_SERVICE_UNAVAILABLE;
	if (rc == 0)
		return refuse_code(c, "This enrolment code is not known here.");
	sql_text(stmt, 0, name, sizeof(name));
	sql_text(stmt, 1, e->kind, sizeof(e->kind));
	expires_s = sqlite3_column_int64(stmt, 2);
	used_s = sqlite3_column_int64(stmt, 3);
	sql_text(stmt, 4, used_by, sizeof(used_by));
	snprintf(who, sizeof(who), "%s %s", e->uuid, e->key);
	if (used_s && strcmp(used_by, who) != 0)
		return refuse_code(c, "This enrolment code was used before.");
	if (expires_s * 1000 <= app->now_ms)
		return refuse_code(c, "This enrolment code has expired.");
	if (*name)
		snprintf(e->name, sizeof(e->name), "%s", name);
	rc = sql_run(&app->sql, "UPDATE enrol_code SET used_s = ?2, used_by = ?3 WHERE hash = ?1",
		VALUES(V_BLOB(hash, 32), V_NUM(app->now_ms / 1000), V_TEXT(who)));
	return rc ? IPP_STATUS_ERROR_SERVICE_UNAVAILABLE : IPP_STATUS_OK;
}

/* By a code: nobody takes another machine's UUID over. */
static ipp_status_t by_code(struct app *app, struct serve_call *c, struct enrolment *e)
{
	if (find_machine(app, e))
		return IPP_STATUS_ERROR_SERVICE_UNAVAILABLE;
	/* The one before, too: the answer that brought the last one may have been lost. */
	if (e->known && (e->revoked || (strcmp(e->known_key, e->key) != 0 &&
					       strcmp(e->seen_key, e->key) != 0))) {
		/* Only to who has a good code: others learn nothing of who is enrolled. */
		ipp_status_t status = use_code(app, c, e);

		if (status)
			return status;
		serve_say(c,
			e->revoked
				? "This machine was revoked; the administrator has to "
				  "remove it first (stillprint-server device remove)."
				: "This UUID is enrolled with another key; the administrator has "
				  "to remove it first (stillprint-server device remove).");
		return IPP_STATUS_ERROR_NOT_POSSIBLE;
	}
	return use_code(app, c, e);
}

/* ---- renewal ---- */

/* Of the CA that signs. */
static void ca_of(struct app *app, char hex[65])
{
	uint8_t digest[32];

	ca_sha256(app->ca, digest);
	sodium_bin2hex(hex, 65, digest, sizeof(digest));
}

/* Anybody's early request costs a signature and a commit: so it is not taken as often as it is sent. */
static ipp_status_t by_certificate(struct app *app, struct serve_call *c, struct enrolment *e)
{
	struct machine m;
	ipp_status_t status = machines_check(app, c, &m);
	int64_t left_s = serve_peer(c)->cert_expires_s - app->now_ms / 1000;
	char ca[65];

	if (status)
		return status;
	if (strcmp(m.uuid, e->uuid) != 0) {
		serve_say(c, "A machine renews its own certificate only.");
		return IPP_STATUS_ERROR_NOT_AUTHORIZED;
	}
	snprintf(e->kind, sizeof(e->kind), "%s", m.kind);
	if (find_machine(app, e))
		return IPP_STATUS_ERROR_SERVICE_UNAVAILABLE;
	ca_of(app, ca);
	e->early = left_s > app->config->machine_life_s / 3 && !strcmp(e->ca, ca);
	/* The same key again: the reply was lost. */
	if (e->early && e->early_ms && llabs(app->now_ms - e->early_ms) < EARLY_MS &&
		strcmp(e->known_key, e->key) != 0) {
		serve_say(c,
			"It was renewed a moment ago. Before the last third of its life a certificate is "
			"renewed once in ten minutes.");
		return IPP_STATUS_ERROR_NOT_POSSIBLE;
	}
	return IPP_STATUS_OK;
}

/* ---- both ---- */

static int save(struct app *app, const struct enrolment *e, const struct ca_issued *i)
{
	const char *name = *e->name ? e->name : e->uuid + strlen("urn:uuid:");
	char ca[65];

	ca_of(app, ca);
	if (e->known)
		return sql_run(&app->sql,
			"UPDATE machine SET seen_key = CASE next WHEN '' THEN key ELSE seen_key END,"
			" next = ?2, key = ?3, issued_ms = ?4, expires_s = ?5, name = ?6,"
			" ca = ?7, early_ms = ?8 WHERE uuid = ?1",
			VALUES(V_TEXT(e->uuid), V_TEXT(i->fingerprint), V_TEXT(i->key),
				V_NUM(app->now_ms), V_NUM(i->expires_s), V_TEXT(name), V_TEXT(ca),
				V_NUM(e->early ? app->now_ms : e->early_ms)));
	return sql_run(&app->sql,
		"INSERT INTO machine (uuid, kind, name, fingerprint, key, enrolled_ms, issued_ms, expires_s, ca)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8)",
		VALUES(V_TEXT(e->uuid), V_TEXT(e->kind), V_TEXT(name), V_TEXT(i->fingerprint),
			V_TEXT(i->key), V_NUM(app->now_ms), V_NUM(i->expires_s), V_TEXT(ca)));
}

/* PEM text as 1setOf text, a value for each line. */
static int add_pem(ipp_t *reply, const char *first, const char *second)
{
	AUTO(auto_free) char *text = NULL;
	const char *lines[LINES_MAX];
	char *line, *rest;
	int n = 0;

	if (asprintf(&text, "%s%s", first, second) < 0)
		return -ENOMEM;
	for (line = strtok_r(text, "\n", &rest); line && n < LINES_MAX;
		line = strtok_r(NULL, "\n", &rest))
		lines[n++] = line;
	return ippAddStrings(reply, IPP_TAG_PRINTER, IPP_TAG_TEXT, "output-device-x509-certificate",
		       n, NULL, lines)
		       ? 0
		       : -ENOMEM;
}

static int fill_reply(struct app *app, ipp_t *reply, const struct ca_issued *i)
{
	uint8_t key[32];
	int rc = ca_policy_public(app->config->state, key);

	if (!rc)
		rc = add_pem(reply, i->pem, ca_issuer_pem(app->ca));
	if (rc)
		return rc;
	ippAddString(reply, IPP_TAG_PRINTER, IPP_TAG_URI, "system-uuid", NULL, app->uuid);
	ippAddString(
		reply, IPP_TAG_PRINTER, IPP_TAG_NAME, "system-name", NULL, app->config->names[0]);
	ippAddInteger(reply, IPP_TAG_PRINTER, IPP_TAG_INTEGER, VENDOR_SERVER_INCARNATION,
		app->incarnation);
	ippAddOctetString(reply, IPP_TAG_PRINTER, VENDOR_POLICY_KEY, key, sizeof(key));
	return 0;
}

static ipp_status_t issue(struct app *app, struct serve_call *c, struct enrolment *e)
{
	struct ca_issued issued = {0};
	int64_t now_s = app->now_ms / 1000;
	int rc = ca_issue(app->ca, e->csr, e->uuid, now_s, app->config->machine_life_s, &issued);

	if (!rc)
		rc = save(app, e, &issued);
	if (!rc)
		rc = audit_add(app, e->known ? "renewed" : "enrolled", e->name, e->uuid, 0,
			issued.fingerprint);
	if (!rc)
		rc = fill_reply(app, serve_reply(c), &issued);
	ca_issued_fini(&issued);
	if (!rc)
		log_event(LOG_LVL_INFO, "event=%s machine=%s name=%s",
			e->known ? "renewed" : "enrolled", e->uuid, log_quote(e->name));
	return rc ? IPP_STATUS_ERROR_SERVICE_UNAVAILABLE : IPP_STATUS_OK;
}

static int register_output_device(void *arg, struct serve_call *c)
{
	struct app *app = arg;
	AUTO(enrolment_fini) struct enrolment e = {.kind = "workstation"};
	bool code = serve_peer(c)->who == SERVE_CODE;
	ipp_status_t status;
	int rc = sql_enter(&app->sql);

	if (rc)
		return IPP_STATUS_ERROR_SERVICE_UNAVAILABLE;
	status = take_request(c, &e);
	if (!status)
		status = code ? by_code(app, c, &e) : by_certificate(app, c, &e);
	if (!status)
		status = issue(app, c, &e);
	/* A code that brought no certificate is not used up. */
	rc = status ? sql_undo(&app->sql, 1) : sql_leave(&app->sql, 0);
	return rc < 0 ? IPP_STATUS_ERROR_SERVICE_UNAVAILABLE : status;
}

const struct serve_operation machines_operations[] = {
	{0x005F /* Register-Output-Device */, SERVE_CODE | SERVE_MACHINE, register_output_device},
	{0},
};
