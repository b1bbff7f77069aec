/* SPDX-License-Identifier: Apache-2.0 */
/* resources - see resources.h. docs/wire.md "What is there" has the document's form; PWG 5100.22 the operations. */
#include "resources.h"

#include <errno.h>
#include <json-c/json.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app.h"
#include "ca.h"
#include "machines.h"

static const char format[] = "application/vnd.stillprint.policy+json";

static void json_putp(struct json_object **j)
{
	json_object_put(*j);
}

/* ---- building ---- */

static int add_fallbacks(struct app *app, int64_t id, struct json_object *queue)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	struct json_object *list = json_object_new_array();
	int rc = sql_prepare(&app->sql, &stmt,
		"SELECT uri FROM queue_fallback WHERE queue_id = ?1 ORDER BY position",
		VALUES(V_NUM(id)));

	json_object_object_add(queue, "fallback", list);
	while (!rc && (rc = sql_step(&app->sql, stmt)) == 1) {
		char uri[512];

		sql_text(stmt, 0, uri, sizeof(uri));
		json_object_array_add(list, json_object_new_string(uri));
		rc = 0;
	}
	return rc;
}

static int add_queues(struct app *app, struct json_object *queues)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&app->sql, &stmt,
		"SELECT id, name, on_outage, release FROM queue ORDER BY name", NULL);

	while (!rc && (rc = sql_step(&app->sql, stmt)) == 1) {
		struct json_object *queue = json_object_new_object();
		char name[128], word[16];

		sql_text(stmt, 1, name, sizeof(name));
		json_object_object_add(queues, name, queue);
		rc = add_fallbacks(app, sqlite3_column_int64(stmt, 0), queue);
		sql_text(stmt, 2, word, sizeof(word));
		json_object_object_add(queue, "on-outage", json_object_new_string(word));
		sql_text(stmt, 3, word, sizeof(word));
		json_object_object_add(queue, "release", json_object_new_string(word));
	}
	return rc;
}

/* All CAs that count, for machines to know before they meet them; the first one signs. */
static int add_cas(struct app *app, struct json_object *root)
{
	struct json_object *list = json_object_new_array();
	struct ca_known known[CA_MAX];
	int n = ca_list(app->ca, known);

	json_object_object_add(root, "cas", list);
	for (int i = 0; i < n; i++)
		json_object_array_add(list, json_object_new_string(known[i].pem));
	ca_list_fini(known);
	return n < 0 ? n : 0;
}

/* What machines seal passwords to. */
static int add_login_key(struct app *app, struct json_object *root)
{
	uint8_t public_key[32], secret_key[32];
	char text[sodium_base64_ENCODED_LEN(32, sodium_base64_VARIANT_ORIGINAL)];
	int rc = ca_login_keys(app->config->state, public_key, secret_key);

	explicit_bzero(secret_key, sizeof(secret_key));
	if (rc)
		return rc;
	sodium_bin2base64(
		text, sizeof(text), public_key, sizeof(public_key), sodium_base64_VARIANT_ORIGINAL);
	json_object_object_add(root, "login-key", json_object_new_string(text));
	return 0;
}

/* All of it but version and time. */
static int build(struct app *app, struct json_object **out)
{
	AUTO(json_putp) struct json_object *root = json_object_new_object();
	struct json_object *queues = json_object_new_object(), *limits = json_object_new_object();
	int rc;

	json_object_object_add(root, "server", json_object_new_string(app->uuid));
	json_object_object_add(root, "queues", queues);
	json_object_object_add(root, "limits", limits);
	json_object_object_add(limits, "held-max-s", json_object_new_int(app->config->hold_max_s));
	json_object_object_add(
		limits, "jobs-per-user", json_object_new_int(app->config->jobs_per_user));
	rc = add_login_key(app, root);
	if (!rc)
		rc = add_queues(app, queues);
	if (!rc && app->ca)
		rc = add_cas(app, root);
	if (!rc)
		*out = STEAL(root);
	return rc;
}

/* Which CAs these are, as one word. */
static void name_cas(const struct ca_known *list, char hex[65])
{
	crypto_hash_sha256_state state;
	uint8_t digest[32];

	crypto_hash_sha256_init(&state);
	for (int i = 0; i < CA_MAX && list[i].pem; i++)
		crypto_hash_sha256_update(&state, (const uint8_t *)list[i].sha256, 64);
	crypto_hash_sha256_final(&state, digest);
	sodium_bin2hex(hex, 65, digest, sizeof(digest));
}

int resources_ca_version(struct sql *s, const struct ca_known *list, int64_t *version)
{
	char hex[65], text[100], *word;
	int rc = db_setting_get(s, "policy-cas", text, sizeof(text));

	*version = 0;
	if (rc)
		return rc < 0 ? rc : 0;
	name_cas(list, hex);
	word = strchr(text, ' ');
	if (word && !strcmp(word + 1, hex))
		*version = strtoll(text, NULL, 10);
	return 0;
}

static int note_cas(struct app *app, int64_t version)
{
	struct ca_known list[CA_MAX];
	char hex[65], text[100];
	int64_t since = 0;
	int rc = ca_list(app->ca, list);

	if (rc < 0)
		return rc;
	rc = resources_ca_version(&app->sql, list, &since);
	name_cas(list, hex);
	ca_list_fini(list);
	if (rc || since)
		return rc;
	snprintf(text, sizeof(text), "%lld %s", (long long)version, hex);
	return db_setting_put(&app->sql, "policy-cas", text);
}

static const char *write_json(struct json_object *j)
{
	return json_object_to_json_string_ext(
		j, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

static int publish(
	struct app *app, struct json_object *policy, const char *content, int64_t version)
{
	AUTO(json_putp) struct json_object *whole = json_object_new_object();
	uint8_t signature[64];
	time_t now_s = (time_t)(app->now_ms / 1000);
	struct tm tm;
	char issued[32];
	const char *octets;
	int rc;

	gmtime_r(&now_s, &tm);
	strftime(issued, sizeof(issued), "%Y-%m-%dT%H:%M:%SZ", &tm);
	json_object_object_add(whole, "version", json_object_new_int64(version));
	json_object_object_add(whole, "issued", json_object_new_string(issued));
	json_object_object_foreach(policy, name, value)
	{
		json_object_object_add(whole, name, json_object_get(value));
	}
	octets = write_json(whole);
	if (!octets)
		return -ENOMEM;
	rc = ca_policy_sign(app->config->state, octets, strlen(octets), signature);
	if (!rc)
		rc = sql_run(&app->sql,
			"INSERT INTO resource (id, name, version, content, octets, signature, issued_s)"
			" VALUES (1, 'policy', ?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO UPDATE SET"
			" version = ?1, content = ?2, octets = ?3, signature = ?4, issued_s = ?5",
			VALUES(V_NUM(version), V_RAW(content), V_RAW(octets),
				V_BLOB(signature, sizeof(signature)), V_NUM(now_s)));
	if (!rc && app->ca)
		rc = note_cas(app, version);
	return rc ? rc : events_emit(app, EVENT_RESOURCE, "", 0);
}

int resources_refresh(struct app *app)
{
	AUTO(json_putp) struct json_object *policy = NULL;
	AUTO(auto_free) char *content = NULL;
	int64_t same = 0, version = 0;
	int rc = build(app, &policy);

	if (rc)
		return rc;
	content = strdup(write_json(policy));
	if (!content)
		return -ENOMEM;
	rc = sql_number(&app->sql, "SELECT version FROM resource WHERE id = 1 AND content = ?1",
		VALUES(V_RAW(content)), &same);
	if (rc)
		return rc < 0 ? rc : 0;
	rc = sql_number(&app->sql, "SELECT version FROM resource WHERE id = 1", NULL, &version);
	if (rc < 0)
		return rc;
	/* The incarnation leads: what a restored server says next is newer than what was said before. */
	if (version < (int64_t)app->incarnation << 20)
		version = (int64_t)app->incarnation << 20;
	return publish(app, policy, content, version + 1);
}

/* ---- GET /ipp/res/policy ---- */

static void answer_text(struct serve_page_call *c, unsigned status, const char *text)
{
	serve_page_answer(c, status, "text/plain; charset=utf-8", text, strlen(text));
}

static void get_policy(void *arg, struct serve_page_call *c)
{
	struct app *app = arg;
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	struct machine m;
	char why[128], etag[40],
		signature[sodium_base64_ENCODED_LEN(64, sodium_base64_VARIANT_ORIGINAL)];
	const char *known = serve_page_header(c, "If-None-Match");
	ipp_status_t status = machines_check_peer(app, serve_page_peer(c), &m, why, sizeof(why));
	int rc;

	if (status) {
		answer_text(c, status == IPP_STATUS_ERROR_NOT_AUTHORIZED ? 403 : 503, why);
		return;
	}
	rc = resources_refresh(
		app); /* a subcommand may have changed something since the last tick */
	if (!rc)
		rc = sql_prepare(&app->sql, &stmt,
			"SELECT version, octets, signature FROM resource WHERE id = 1", NULL);
	if (!rc)
		rc = sql_step(&app->sql, stmt);
	if (rc <= 0) {
		answer_text(c, 503, "There is no policy yet.");
		return;
	}
	snprintf(etag, sizeof(etag), "\"%lld\"", (long long)sqlite3_column_int64(stmt, 0));
	sodium_bin2base64(signature, sizeof(signature), sqlite3_column_blob(stmt, 2),
		(size_t)sqlite3_column_bytes(stmt, 2), sodium_base64_VARIANT_ORIGINAL);
	serve_page_set_header(c, "ETag", etag);
	serve_page_set_header(c, "Stillprint-Signature", signature);
	if (known && !strcmp(known, etag)) {
		if (machines_note_policy(app, m.uuid, sqlite3_column_int64(stmt, 0)))
			answer_text(c, 503, "It cannot be noted.");
		else
			serve_page_answer(c, 304, format, "", 0);
	} else
		serve_page_answer(c, 200, format, sqlite3_column_blob(stmt, 1),
			(size_t)sqlite3_column_bytes(stmt, 1));
}

const struct serve_page resources_pages[] = {
	{"GET", "/ipp/res/policy", SERVE_MACHINE, get_policy},
	{NULL},
};
