/* SPDX-License-Identifier: Apache-2.0 */
/* admin-device - `device add|list|remove|revoke`: printers, and the machines that are enrolled. */
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <sodium.h>
#include <string.h>

#include "admin.h"
#include "base/mono.h"
#include "base/text.h"
#include "core/uri.h"
#include "core/uuid.h"
#include "device-probe.h"
#include "files.h"
#include "machines.h"
#include "printers.h"

enum { PEM_MAX = 65536 };

/* ---- add ---- */

/* SHA-256 of the SPKI of the certificate in @path (PEM). */
static int key_of_file(const char *path, uint8_t key[32])
{
	AUTO(auto_free) char *text = NULL;
	const char *name = strrchr(path, '/');
	AUTO(auto_free) char *folder = strdup(path);
	gnutls_x509_crt_t crt = NULL;
	gnutls_pubkey_t pub = NULL;
	gnutls_datum_t pem = {0}, der = {0};
	size_t count = 0;
	int rc;

	if (!folder)
		return -ENOMEM;
	folder[name ? (size_t)(name - path) + (name == path) : 0] = '\0';
	rc = files_read(*folder ? folder : ".", name ? name + 1 : path, PEM_MAX, &text, &count);
	if (rc)
		return rc;
	pem.data = (unsigned char *)text;
	pem.size = (unsigned)count;
	if (gnutls_x509_crt_init(&crt) || gnutls_pubkey_init(&pub) ||
		gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM) ||
		gnutls_pubkey_import_x509(pub, crt, 0) ||
		gnutls_pubkey_export2(pub, GNUTLS_X509_FMT_DER, &der))
		rc = -EINVAL;
	else
		crypto_hash_sha256(key, der.data, der.size);
	gnutls_free(der.data);
	gnutls_pubkey_deinit(pub);
	gnutls_x509_crt_deinit(crt);
	return rc;
}

/* The key to expect of the device: from a file, or by asking it. 0, or the exit code. */
static int learn_key(
	struct admin *a, struct printers_device *d, const char *certificate, bool no_probe)
{
	struct device_probe p;
	int rc;

	if (certificate) {
		rc = key_of_file(certificate, d->certificate);
		d->has_certificate = !rc;
		return rc == -EINVAL ? admin_fail(a, ADMIN_FAILED,
					       "%s holds no certificate in PEM form", certificate)
		       : rc          ? admin_errno(a, certificate, rc)
				     : 0;
	}
	if (no_probe)
		return 0;
	rc = device_probe(d->uri, &p);
	if (rc)
		return admin_errno(a, d->uri, rc);
	if (!p.answered && !p.has_key)
		return admin_fail(a, ADMIN_FAILED,
			"%s does not answer as a printer (%s); switch it on, or add it with --no-probe",
			d->uri, p.detail);
	d->has_certificate = p.has_key;
	memcpy(d->certificate, p.key, sizeof(p.key));
	return 0;
}

static int save(struct admin *a, const struct printers_device *d)
{
	struct printers_device other;
	int rc = admin_begin(a);

	if (rc)
		return rc;
	rc = printers_device(&a->app.sql, d->name, &other);
	if (rc == 0)
		return admin_end(a, 2);
	if (rc > 0)
		rc = sql_run(&a->app.sql,
			"INSERT INTO device (uuid, name, uri, certificate, created_ms)"
			" VALUES (?1, ?2, ?3, ?4, ?5)",
			VALUES(V_TEXT(d->uuid), V_TEXT(d->name), V_TEXT(d->uri),
				V_BLOB(d->certificate, d->has_certificate ? 32 : 0),
				V_NUM(a->app.now_ms)));
	if (!rc)
		rc = admin_audit(a, "device-added", d->name);
	return admin_end(a, rc);
}

static int add(
	struct admin *a, const char *name, const char *uri, const char *certificate, bool no_probe)
{
	struct printers_device d = {0};
	struct json_object *answer;
	struct uri parsed;
	char hex[65] = "";
	int rc;

	if (!*name || !text_is_clean(name) || strlen(name) > 127)
		return admin_fail(a, ADMIN_USAGE,
			"a device needs a name fit to be shown, at most 127 octets");
	if (uri_parse(uri, &parsed) || parsed.kind == URI_CUPS ||
		uri_format(d.uri, sizeof(d.uri), &parsed))
		return admin_fail(a, ADMIN_USAGE,
			"%s is no printer's address: ipps://HOST/PATH or ipp://HOST/PATH", uri);
	snprintf(d.name, sizeof(d.name), "%s", name);
	uuid_make(d.uuid);
	rc = learn_key(a, &d, certificate, no_probe);
	if (rc)
		return rc;
	rc = save(a, &d);
	if (rc == 2)
		return admin_fail(a, ADMIN_FAILED,
			"there is a device %s already; remove it first, or take another name",
			name);
	if (rc)
		return admin_errno(a, "adding the device", rc);
	if (d.has_certificate)
		sodium_bin2hex(hex, sizeof(hex), d.certificate, sizeof(d.certificate));
	admin_say(a, "Device %s: %s\nUUID:   %s\n", admin_safe(name), d.uri, d.uuid);
	if (d.has_certificate)
		admin_say(a,
			"Key:    %s\nDocuments go to this key only. Compare it with what the device shows.\n",
			hex);
	else
		admin_say(a, "No certificate is known: documents go to it %s.\n",
			parsed.kind == URI_IPPS ? "whatever key it shows" : "unencrypted");
	answer = json_object_new_object();
	admin_set(answer, "name", name);
	admin_set(answer, "uuid", d.uuid);
	admin_set(answer, "uri", d.uri);
	admin_set(answer, "certificate_sha256", hex);
	admin_answer(a, answer);
	return ADMIN_DONE;
}

/* ---- list ---- */

static int list_devices(struct admin *a, struct json_object *rows)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&a->app.sql, &stmt,
		"SELECT name, uuid, uri, lower(hex(certificate)), terminal FROM device ORDER BY name",
		NULL);

	while (!rc && (rc = sql_step(&a->app.sql, stmt)) == 1) {
		static const char *const fields[] = {
			"name", "uuid", "uri", "certificate_sha256", "terminal"};
		struct json_object *row = json_object_new_object();
		char value[5][512];

		for (int i = 0; i < 5; i++) {
			sql_text(stmt, i, value[i], sizeof(value[i]));
			admin_set(row, fields[i], value[i]);
		}
		json_object_array_add(rows, row);
		admin_say(a, "printer      %-20s %s%s\n             %s\n", admin_safe(value[0]),
			admin_safe(value[2]), *value[3] ? "" : " (no certificate)", value[1]);
		rc = 0;
	}
	return rc;
}

static int list_machines(struct admin *a, struct json_object *rows)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int64_t now_s = mono_utc_s();
	int rc = sql_prepare(&a->app.sql, &stmt,
		"SELECT name, uuid, kind, expires_s, revoked_ms, seen_ms FROM machine ORDER BY name",
		NULL);

	while (!rc && (rc = sql_step(&a->app.sql, stmt)) == 1) {
		struct json_object *row = json_object_new_object();
		char name[256], uuid[64], kind[16];
		int64_t expires_s = sqlite3_column_int64(stmt, 3),
			revoked_ms = sqlite3_column_int64(stmt, 4);

		sql_text(stmt, 0, name, sizeof(name));
		sql_text(stmt, 1, uuid, sizeof(uuid));
		sql_text(stmt, 2, kind, sizeof(kind));
		admin_set(row, "name", name);
		admin_set(row, "uuid", uuid);
		admin_set(row, "kind", kind);
		admin_set_number(row, "expires", expires_s);
		admin_set_number(row, "revoked", revoked_ms / 1000);
		admin_set_number(row, "seen", sqlite3_column_int64(stmt, 5) / 1000);
		json_object_array_add(rows, row);
		admin_say(a, "%-12s %-20s %s, certificate until %s\n             %s\n", kind,
			admin_safe(name),
			revoked_ms           ? "revoked"
			: expires_s <= now_s ? "expired"
					     : "enrolled",
			admin_time(expires_s), uuid);
		rc = 0;
	}
	return rc;
}

static int list(struct admin *a)
{
	struct json_object *answer = json_object_new_object(), *devices = json_object_new_array(),
			   *machines = json_object_new_array();
	int rc = list_devices(a, devices);

	json_object_object_add(answer, "devices", devices);
	json_object_object_add(answer, "machines", machines);
	if (!rc)
		rc = list_machines(a, machines);
	if (rc) {
		json_object_put(answer);
		return admin_errno(a, "devices", rc);
	}
	if (!json_object_array_length(devices) && !json_object_array_length(machines))
		admin_say(a,
			"None yet: stillprint-server device add NAME URI, and stillprint-server enrol\n");
	admin_answer(a, answer);
	return ADMIN_DONE;
}

/* ---- remove, revoke ---- */

/* The queues that print there unless told otherwise, as "A, B"; "" for none. */
static int default_of(struct admin *a, const char *uuid, char *out, size_t size)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	size_t used = 0;
	int rc = sql_prepare(&a->app.sql, &stmt,
		"SELECT name FROM queue WHERE device = ?1 ORDER BY name", VALUES(V_TEXT(uuid)));

	*out = '\0';
	while (!rc && (rc = sql_step(&a->app.sql, stmt)) == 1) {
		char name[128];

		sql_text(stmt, 0, name, sizeof(name));
		snprintf(out + used, size - used, "%s%s", used ? ", " : "", name);
		used = strlen(out);
		rc = 0;
	}
	return rc;
}

static int end_device(struct admin *a, const struct printers_device *d)
{
	int rc = admin_begin(a);

	if (!rc) {
		rc = sql_run(
			&a->app.sql, "DELETE FROM device WHERE uuid = ?1", VALUES(V_TEXT(d->uuid)));
		if (!rc)
			rc = admin_audit(a, "device-removed", d->name);
		rc = admin_end(a, rc);
	}
	return rc;
}

static int end_machine(struct admin *a, const char *uuid, bool revoke)
{
	int rc = admin_begin(a);

	if (!rc) {
		rc = revoke ? machines_revoke(&a->app.sql, a->config->state, uuid, a->app.now_ms)
			    : machines_remove(&a->app.sql, a->config->state, uuid, a->app.now_ms);
		if (!rc)
			rc = admin_audit(a, revoke ? "machine-revoked" : "machine-removed", uuid);
		rc = admin_end(a, rc);
	}
	return rc;
}

static int end(struct admin *a, const char *name, bool revoke)
{
	struct printers_device d;
	struct json_object *answer;
	char uuid[64] = "", queues[512] = "";
	int rc = printers_device(&a->app.sql, name, &d);
	bool printer = rc == 0;

	if (rc >= 0 && (!printer || revoke)) {
		rc = machines_find(&a->app.sql, name, uuid, sizeof(uuid));
		if (rc == MACHINES_E_NONE)
			return admin_fail(a, printer ? ADMIN_FAILED : ADMIN_NO_SUCH,
				printer ? "%s is a printer; only machines are revoked (device remove)"
					: "there is no device or machine %s (stillprint-server device list)",
				name);
		printer = false;
	}
	if (!rc && printer)
		rc = default_of(a, d.uuid, queues, sizeof(queues));
	if (!rc)
		rc = printer ? end_device(a, &d) : end_machine(a, uuid, revoke);
	if (rc)
		return admin_errno(a, name, rc);
	admin_say(a, "%s %s was %s%s.\n", printer ? "Device" : "Machine", admin_safe(name),
		revoke ? "revoked" : "removed",
		printer ? "" : "; it is refused from its next request on");
	if (*queues)
		admin_say(a, "No default device any more: %s (queue set NAME --device DEVICE).\n",
			admin_safe(queues));
	answer = json_object_new_object();
	admin_set(answer, printer ? "device" : "machine", name);
	admin_set(answer, "uuid", printer ? d.uuid : uuid);
	admin_set(answer, "result", revoke ? "revoked" : "removed");
	if (*queues)
		admin_set(answer, "without-default", queues);
	admin_answer(a, answer);
	return ADMIN_DONE;
}

int admin_device(struct admin *a, int argc, char **argv)
{
	const char *certificate = NULL, *operands[ADMIN_OPERANDS_MAX];
	bool no_probe = false;
	const struct admin_option options[] = {
		{"certificate", &certificate, NULL}, {"no-probe", NULL, &no_probe}, {NULL}};
	int status = 0, n = admin_parse(a, argc, argv, options, operands, &status), rc;

	if (n < 0)
		return status;
	rc = n ? admin_open(a) : 0;
	if (rc)
		return rc;
	if (n == 1 && !strcmp(operands[0], "list"))
		return list(a);
	if (n == 3 && !strcmp(operands[0], "add"))
		return add(a, operands[1], operands[2], certificate, no_probe);
	if (n == 2 && (!strcmp(operands[0], "remove") || !strcmp(operands[0], "revoke")))
		return end(a, operands[1], !strcmp(operands[0], "revoke"));
	return admin_fail(a, ADMIN_USAGE, "device %s", a->verb->args);
}
