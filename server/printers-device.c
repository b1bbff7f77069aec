/* SPDX-License-Identifier: Apache-2.0 */
/* printers-device - output devices (PWG 5100.18) and resources (PWG 5100.22) over IPP. */
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "base/text.h"
#include "core/uri.h"
#include "core/vendor.h"
#include "machines.h"
#include "printers-private.h"
#include "printers.h"

static ipp_status_t welcome(struct app *app, struct serve_call *c)
{
	struct machine m;

	return serve_peer(c)->who == SERVE_MACHINE ? machines_check(app, c, &m) : IPP_STATUS_OK;
}

static const char *request_text(struct serve_call *c, const char *name, ipp_tag_t tag)
{
	ipp_attribute_t *a = ippFindAttribute(serve_request(c), name, tag);

	return a ? ippGetString(a, 0, NULL) : NULL;
}

/* ---- devices ---- */

static void add_xri(struct serve_call *c, const struct printers_device *d)
{
	ipp_t *xri = ippNew();

	if (!xri)
		return;
	ippAddString(xri, IPP_TAG_ZERO, IPP_TAG_URI, "xri-uri", NULL, d->uri);
	ippAddString(xri, IPP_TAG_ZERO, IPP_TAG_KEYWORD, "xri-security", NULL,
		strncmp(d->uri, "ipps:", 5) ? "none" : "tls");
	ippAddString(xri, IPP_TAG_ZERO, IPP_TAG_KEYWORD, "xri-authentication", NULL, "none");
	ippAddCollection(serve_reply(c), IPP_TAG_PRINTER, "printer-xri-supported", xri);
	ippDelete(xri);
}

static int get_device(void *arg, struct serve_call *c)
{
	struct app *app = arg;
	struct printers_device d;
	const char *uuid = request_text(c, "output-device-uuid", IPP_TAG_URI);
	ipp_status_t status = welcome(app, c);
	ipp_t *r = serve_reply(c);
	int rc;

	if (status)
		return status;
	if (!uuid) {
		serve_say(c, "output-device-uuid is missing.");
		return IPP_STATUS_ERROR_BAD_REQUEST;
	}
	rc = printers_device(&app->sql, uuid, &d);
	if (rc < 0)
		return IPP_STATUS_ERROR_SERVICE_UNAVAILABLE;
	if (rc) {
		serve_say(c, "There is no such output device here.");
		return IPP_STATUS_ERROR_NOT_FOUND;
	}
	if (serve_wants(c, "output-device-uuid", "printer-description"))
		ippAddString(r, IPP_TAG_PRINTER, IPP_TAG_URI, "output-device-uuid", NULL, d.uuid);
	if (serve_wants(c, "printer-xri-supported", "printer-description"))
		add_xri(c, &d);
	if (serve_wants(c, VENDOR_DEVICE_NAME, "printer-description"))
		ippAddString(r, IPP_TAG_PRINTER, IPP_TAG_NAME, VENDOR_DEVICE_NAME, NULL, d.name);
	if (d.has_certificate && serve_wants(c, VENDOR_DEVICE_CERTIFICATE, "printer-description"))
		ippAddOctetString(r, IPP_TAG_PRINTER, VENDOR_DEVICE_CERTIFICATE, d.certificate,
			sizeof(d.certificate));
	if (d.state && serve_wants(c, "printer-state", "printer-description"))
		ippAddInteger(r, IPP_TAG_PRINTER, IPP_TAG_ENUM, "printer-state", d.state);
	return IPP_STATUS_OK;
}

static int save_device(struct app *app, const struct printers_device *d)
{
	return sql_run(&app->sql,
		"INSERT INTO device (uuid, name, uri, certificate, terminal, state, state_ms, created_ms)"
		" VALUES (?1, ?2, ?3, ?4, ?1, ?5, ?6, ?6) ON CONFLICT (uuid) DO UPDATE SET"
		" name = ?2, uri = ?3, certificate = ?4, terminal = ?1, state = ?5, state_ms = ?6",
		VALUES(V_TEXT(d->uuid), V_TEXT(d->name), V_TEXT(d->uri),
			V_BLOB(d->certificate, d->has_certificate ? 32 : 0), V_NUM(d->state),
			V_NUM(app->now_ms)));
}

/* What the terminal says of itself over what is known; false if a value cannot be taken. */
static bool take_device(struct serve_call *c, struct printers_device *d)
{
	const char *name = request_text(c, VENDOR_DEVICE_NAME, IPP_TAG_NAME);
	const char *uri = request_text(c, VENDOR_DEVICE_URI, IPP_TAG_URI);
	ipp_attribute_t *a;
	struct uri parsed;

	if (name)
		snprintf(d->name, sizeof(d->name), "%s", name);
	if (uri && (uri_parse(uri, &parsed) || parsed.kind == URI_CUPS ||
			   uri_format(d->uri, sizeof(d->uri), &parsed)))
		return false;
	a = ippFindAttribute(serve_request(c), VENDOR_DEVICE_CERTIFICATE, IPP_TAG_STRING);
	if (a) {
		int n = 0;
		const void *octets = ippGetOctetString(a, 0, &n);

		if (n != 32)
			return false;
		memcpy(d->certificate, octets, 32);
		d->has_certificate = true;
	}
	a = ippFindAttribute(serve_request(c), "printer-state", IPP_TAG_ENUM);
	if (a)
		d->state = ippGetInteger(a, 0);
	return *d->name && text_is_clean(d->name) && *d->uri &&
	       (!d->state || (d->state >= 3 && d->state <= 5));
}

static int update_device(void *arg, struct serve_call *c)
{
	struct app *app = arg;
	struct printers_device d = {0}, other;
	struct machine m;
	ipp_status_t status = machines_check(app, c, &m);
	const char *uuid = request_text(c, "output-device-uuid", IPP_TAG_URI);
	int rc;

	if (status)
		return status;
	if (strcmp(m.kind, "terminal") != 0 || !uuid || strcmp(uuid, m.uuid) != 0) {
		serve_say(c, "A terminal tells of its own device only.");
		return IPP_STATUS_ERROR_NOT_AUTHORIZED;
	}
	rc = printers_device(&app->sql, uuid, &d);
	if (rc < 0)
		return IPP_STATUS_ERROR_SERVICE_UNAVAILABLE;
	if (rc)
		snprintf(d.uuid, sizeof(d.uuid), "%s", uuid);
	if (rc)
		snprintf(d.name, sizeof(d.name), "%s", m.name);
	if (!take_device(c, &d)) {
		serve_say(c, "A device needs a name, an ipp or ipps URI, and a state from 3 to 5.");
		return IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES;
	}
	rc = printers_device(&app->sql, d.name, &other);
	if (rc == 0 && strcmp(other.uuid, d.uuid) != 0) {
		serve_say(c, "Another device has this name.");
		return IPP_STATUS_ERROR_CONFLICTING;
	}
	return save_device(app, &d) ? IPP_STATUS_ERROR_SERVICE_UNAVAILABLE : IPP_STATUS_OK;
}

/* ---- resources ---- */

static void add_resource(struct app *app, struct serve_call *c, sqlite3_stmt *stmt)
{
	ipp_t *r = serve_reply(c);
	char name[64], path[96], uri[512], version[32];
	static const char group[] = "resource-description";

	sql_text(stmt, 1, name, sizeof(name));
	snprintf(path, sizeof(path), "/ipp/res/%s", name);
	printers_uri(app, uri, sizeof(uri), path);
	snprintf(version, sizeof(version), "%lld", (long long)sqlite3_column_int64(stmt, 2));
	if (serve_wants(c, "resource-id", group))
		ippAddInteger(r, IPP_TAG_RESOURCE, IPP_TAG_INTEGER, "resource-id",
			sqlite3_column_int(stmt, 0));
	if (serve_wants(c, "resource-name", group))
		ippAddString(r, IPP_TAG_RESOURCE, IPP_TAG_NAME, "resource-name", NULL, name);
	if (serve_wants(c, "resource-type", group))
		ippAddString(r, IPP_TAG_RESOURCE, IPP_TAG_KEYWORD, "resource-type", NULL,
			"static-other");
	if (serve_wants(c, "resource-format", group))
		ippAddString(r, IPP_TAG_RESOURCE, IPP_TAG_MIMETYPE, "resource-format", NULL,
			"application/vnd.stillprint.policy+json");
	if (serve_wants(c, "resource-state", group))
		ippAddInteger(
			r, IPP_TAG_RESOURCE, IPP_TAG_ENUM, "resource-state", 5 /* installed */);
	if (serve_wants(c, "resource-version", group))
		ippAddString(r, IPP_TAG_RESOURCE, IPP_TAG_TEXT, "resource-version", NULL, version);
	if (serve_wants(c, "resource-signature", group))
		ippAddOctetString(r, IPP_TAG_RESOURCE, "resource-signature",
			sqlite3_column_blob(stmt, 3), sqlite3_column_bytes(stmt, 3));
	if (serve_wants(c, "resource-data-uri", group))
		ippAddStringf(r, IPP_TAG_RESOURCE, IPP_TAG_URI, "resource-data-uri", NULL,
			"https%s", uri + strlen("ipps"));
}

static int get_resources(void *arg, struct serve_call *c)
{
	struct app *app = arg;
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	ipp_status_t status = welcome(app, c);
	ipp_attribute_t *id = ippFindAttribute(serve_request(c), "resource-id", IPP_TAG_INTEGER);
	bool one = ippGetOperation(serve_request(c)) == IPP_OP_GET_RESOURCE_ATTRIBUTES;
	int rc, n = 0;

	if (status)
		return status;
	if (one && !id) {
		serve_say(c, "resource-id is missing.");
		return IPP_STATUS_ERROR_BAD_REQUEST;
	}
	rc = sql_prepare(&app->sql, &stmt,
		"SELECT id, name, version, signature FROM resource WHERE ?1 = 0 OR id = ?1 ORDER BY id",
		VALUES(V_NUM(one ? ippGetInteger(id, 0) : 0)));
	while (!rc && (rc = sql_step(&app->sql, stmt)) == 1) {
		if (n++ > 0)
			ippAddSeparator(serve_reply(c));
		add_resource(app, c, stmt);
		rc = 0;
	}
	if (rc < 0)
		return IPP_STATUS_ERROR_SERVICE_UNAVAILABLE;
	return one && !n ? IPP_STATUS_ERROR_NOT_FOUND : IPP_STATUS_OK;
}

enum { LOGGED_IN = SERVE_MACHINE | SERVE_PERSON };

const struct serve_operation devices_operations[] = {
	{IPP_OP_GET_OUTPUT_DEVICE_ATTRIBUTES, LOGGED_IN, get_device},
	{IPP_OP_UPDATE_OUTPUT_DEVICE_ATTRIBUTES, SERVE_MACHINE, update_device},
	{IPP_OP_GET_RESOURCES, LOGGED_IN, get_resources},
	{IPP_OP_GET_RESOURCE_ATTRIBUTES, LOGGED_IN, get_resources},
	{0},
};
