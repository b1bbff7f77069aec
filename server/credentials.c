/* SPDX-License-Identifier: Apache-2.0 */
/* credentials - GET /ipp/res/credentials, and who is told to come for it; see credentials.h. docs/wire.md has the form. */
#include "credentials.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts.h"
#include "app.h"
#include "auth/sync.h"
#include "base/log.h"
#include "ca.h"
#include "events.h"
#include "machines.h"

enum { DIGEST = 32, TOLD_AT_ONCE = 20 };
#define FORMAT "application/vnd.stillprint.credential-cache"
#define KEY_HEADER "Stillprint-Machine-Key"
#define STATE_HEADER "Stillprint-Credentials"

/* A row of sync_machine. */
struct sent {
	bool known;
	uint8_t key[KEYS_PUBLIC_OCTETS], digest[DIGEST];
	int32_t incarnation;
	int64_t serial, issued_s, not_after_s;
};

/* ---- what was sent ---- */

static int read_sent(struct app *app, const char *uuid, struct sent *out)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&app->sql, &stmt,
		"SELECT key, digest, incarnation, serial, issued_s, not_after_s FROM sync_machine"
		" WHERE uuid = ?1",
		VALUES(V_TEXT(uuid)));

	*out = (struct sent){0};
	if (!rc)
		rc = sql_step(&app->sql, stmt);
	if (rc <= 0)
		return rc;
	out->known = true;
	sql_octets(stmt, 0, out->key, sizeof(out->key));
	sql_octets(stmt, 1, out->digest, sizeof(out->digest));
	out->incarnation = sqlite3_column_int(stmt, 2);
	out->serial = sqlite3_column_int64(stmt, 3);
	out->issued_s = sqlite3_column_int64(stmt, 4);
	out->not_after_s = sqlite3_column_int64(stmt, 5);
	return 0;
}

/* Over what counts: not the times, which change with each file. */
static int digest_of(struct app *app, const struct credentials_set *set, uint8_t out[DIGEST],
	struct hash_pepper *site)
{
	crypto_generichash_state state;
	int rc = accounts_pepper(app->config->state, site);

	if (rc)
		return rc;
	crypto_generichash_init(&state, NULL, 0, DIGEST);
	crypto_generichash_update(&state, site->octets, sizeof(site->octets));
	crypto_generichash_update(&state, (const uint8_t *)&set->valid_s, sizeof(set->valid_s));
	for (size_t i = 0; i < set->count; i++) {
		struct octets_out o = {0};

		account_put(&o, &set->account[i]);
		if (o.bad)
			rc = -ENOMEM;
		else
			crypto_generichash_update(&state, o.octets, o.count);
		octets_out_fini(&o);
	}
	crypto_generichash_final(&state, out, DIGEST);
	return rc;
}

static bool is_over(struct app *app, const struct sent *old, const uint8_t digest[DIGEST],
	const uint8_t key[KEYS_PUBLIC_OCTETS], const struct credentials_set *set)
{
	int64_t now_s = app->now_ms / 1000;

	return !old->known || old->incarnation != app->incarnation ||
	       memcmp(old->key, key, KEYS_PUBLIC_OCTETS) != 0 ||
	       memcmp(old->digest, digest, DIGEST) != 0 ||
	       now_s >= old->issued_s + set->valid_s / 3 || now_s < old->issued_s;
}

static int64_t stamp_of(struct app *app)
{
	int64_t stamp = 0;

	return sql_number(&app->sql, "SELECT stamp FROM sync_stamp", NULL, &stamp) > 0 ? stamp : 0;
}

/* The next file, in the table and the audit. Its serial is at least the time: a table that was lost, or a server that was
 * set up anew, does not begin below what the machine has. */
static int begin_next(struct app *app, const struct machine *m, const struct sent *old,
	const struct credentials_set *set, struct sent *next)
{
	char detail[128];
	int rc;

	next->incarnation = app->incarnation;
	next->issued_s = app->now_ms / 1000;
	next->not_after_s = next->issued_s + set->valid_s;
	next->serial = old->serial + 1 > next->issued_s ? old->serial + 1 : next->issued_s;
	rc = sql_run(&app->sql,
		"INSERT OR REPLACE INTO sync_machine (uuid, key, digest, incarnation, serial, issued_s,"
		" not_after_s, accounts, left_out, stamp, fetched_ms, applied_ms)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0,"
		" coalesce((SELECT applied_ms FROM sync_machine WHERE uuid = ?1), 0))",
		VALUES(V_TEXT(m->uuid), V_BLOB(next->key, sizeof(next->key)),
			V_BLOB(next->digest, DIGEST), V_NUM(next->incarnation), V_NUM(next->serial),
			V_NUM(next->issued_s), V_NUM(next->not_after_s), V_NUM(set->chosen),
			V_NUM(set->left_out), V_NUM(stamp_of(app))));
	if (rc)
		return rc;
	if (old->known && memcmp(old->key, next->key, sizeof(next->key)) != 0)
		rc = audit_add(app, "machine-key-changed", m->uuid, "server", 0, m->name);
	snprintf(detail, sizeof(detail), "serial %d.%lld, %zu accounts, %zu left out",
		(int)next->incarnation, (long long)next->serial, set->chosen, set->left_out);
	return rc ? rc : audit_add(app, "credentials-issued", m->uuid, "server", 0, detail);
}

/* ---- the page ---- */

static void answer_text(struct serve_page_call *c, unsigned status, const char *text)
{
	serve_page_answer(c, status, "text/plain; charset=utf-8", text, strlen(text));
}

static int write_file(struct app *app, const struct credentials_set *set, const struct sent *sent,
	const struct hash_pepper *site, uint8_t **out, size_t *count)
{
	const struct sync_head head = {(uint32_t)sent->incarnation, (uint64_t)sent->serial,
		sent->issued_s, sent->not_after_s};
	uint8_t secret[SYNC_POLICY_SECRET];
	int rc = ca_policy_secret(app->config->state, secret);

	for (size_t i = 0; i < set->count; i++)
		for (unsigned k = 0; k < set->account[i].count; k++) {
			set->account[i].verifier[k].confirmed_s = sent->issued_s;
			set->account[i].verifier[k].expires_s = sent->not_after_s;
		}
	if (!rc)
		rc = sync_write(
			&head, site, set->account, set->count, sent->key, secret, out, count);
	explicit_bzero(secret, sizeof(secret));
	return rc;
}

static int note(struct app *app, const char *uuid, bool has_it)
{
	return sql_run(&app->sql,
		has_it ? "UPDATE sync_machine SET applied_ms = ?2 WHERE uuid = ?1"
		       : "UPDATE sync_machine SET fetched_ms = ?2 WHERE uuid = ?1",
		VALUES(V_TEXT(uuid), V_NUM(app->now_ms)));
}

/* What is sent, after it stands in the table. */
static int answer(struct app *app, struct serve_page_call *c, const struct machine *m,
	const struct sent *sent, const struct credentials_set *set, const struct hash_pepper *site)
{
	AUTO(auto_free) uint8_t *file = NULL;
	const char *known = serve_page_header(c, "If-None-Match");
	char etag[64], state[96];
	size_t count = 0;
	int rc;

	snprintf(
		etag, sizeof(etag), "\"%d.%lld\"", (int)sent->incarnation, (long long)sent->serial);
	snprintf(state, sizeof(state), "interval=%lld until=%lld", (long long)set->interval_s,
		(long long)sent->not_after_s);
	serve_page_set_header(c, "ETag", etag);
	serve_page_set_header(c, STATE_HEADER, state);
	if (known && !strcmp(known, etag)) {
		serve_page_answer(c, 304, FORMAT, "", 0);
		return note(app, m->uuid, true);
	}
	rc = write_file(app, set, sent, site, &file, &count);
	if (!rc)
		rc = note(app, m->uuid, false);
	if (!rc)
		serve_page_answer(c, 200, FORMAT, file, count);
	return rc;
}

static int give(struct app *app, struct serve_page_call *c, const struct machine *m,
	const uint8_t key[KEYS_PUBLIC_OCTETS])
{
	AUTO(credentials_set_fini) struct credentials_set set = {0};
	struct hash_pepper site = {0};
	struct sent old, next = {0};
	int rc = read_sent(app, m->uuid, &old);

	if (!rc)
		rc = credentials_set_of(app, m->uuid, m->kind, app->now_ms / 1000, &set);
	if (!rc)
		rc = digest_of(app, &set, next.digest, &site);
	if (!rc && is_over(app, &old, next.digest, key, &set)) {
		memcpy(next.key, key, sizeof(next.key));
		rc = begin_next(app, m, &old, &set, &next);
	} else {
		next = old;
	}
	if (!rc)
		rc = answer(app, c, m, &next, &set, &site);
	explicit_bzero(&site, sizeof(site));
	if (set.left_out)
		log_event(LOG_LVL_WARNING, "event=credentials-left-out machine=%s accounts=%zu",
			m->uuid, set.left_out);
	return rc;
}

static bool key_of(struct serve_page_call *c, uint8_t key[KEYS_PUBLIC_OCTETS])
{
	const char *text = serve_page_header(c, KEY_HEADER);
	size_t count = 0;

	return text &&
	       !sodium_base642bin(key, KEYS_PUBLIC_OCTETS, text, strlen(text), NULL, &count, NULL,
		       sodium_base64_VARIANT_ORIGINAL) &&
	       count == KEYS_PUBLIC_OCTETS && !sodium_is_zero(key, KEYS_PUBLIC_OCTETS);
}

static void get_credentials(void *arg, struct serve_page_call *c)
{
	struct app *app = arg;
	struct machine m;
	char why[128];
	uint8_t key[KEYS_PUBLIC_OCTETS];
	ipp_status_t status = machines_check_peer(app, serve_page_peer(c), &m, why, sizeof(why));
	int rc;

	if (status) {
		/* This word makes a machine forget every credential. An older database that does not know it yet must not. */
		if (status == IPP_STATUS_ERROR_NOT_AUTHORIZED &&
			machines_is_revoked(app, serve_page_peer(c)))
			serve_page_set_header(c, STATE_HEADER, "revoked");
		answer_text(c, status == IPP_STATUS_ERROR_NOT_AUTHORIZED ? 403 : 503, why);
		return;
	}
	if (!key_of(c, key)) {
		answer_text(c, 400, "This needs " KEY_HEADER ": 32 octets in base64.");
		return;
	}
	rc = sql_enter(&app->sql);
	if (!rc)
		rc = sql_leave(&app->sql, give(app, c, &m, key));
	if (!rc)
		return;
	log_event(LOG_LVL_ERROR, "event=credentials-not-made machine=%s error=%s", m.uuid,
		log_quote(strerror(-rc)));
	answer_text(c, 503, "The credentials cannot be put together now.");
}

const struct serve_page credentials_pages[] = {
	{"GET", "/ipp/res/credentials", SERVE_MACHINE, get_credentials},
	{NULL},
};

/* ---- who has to come ---- */

struct visit {
	char uuid[64], kind[16];
	bool ended; /* revoked or removed: it is to hear that at once, not at its next poll */
};

/* 1: it has to come, 0, -errno. */
static int is_another(struct app *app, const struct visit *v)
{
	AUTO(credentials_set_fini) struct credentials_set set = {0};
	struct hash_pepper site = {0};
	uint8_t digest[DIGEST];
	struct sent sent;
	int rc = read_sent(app, v->uuid, &sent);

	if (!rc)
		rc = credentials_set_of(app, v->uuid, v->kind, app->now_ms / 1000, &set);
	if (!rc)
		rc = digest_of(app, &set, digest, &site);
	explicit_bzero(&site, sizeof(site));
	return rc ? rc : memcmp(digest, sent.digest, DIGEST) != 0;
}

static int look_at(struct app *app, const struct visit *v, int64_t stamp)
{
	char who[80];
	int rc = v->ended ? 1 : is_another(app, v);

	snprintf(who, sizeof(who), "m:%s", v->uuid);
	if (rc > 0)
		rc = events_emit_to(app, EVENT_RESOURCE, who);
	return rc ? rc
		  : sql_run(&app->sql, "UPDATE sync_machine SET stamp = ?2 WHERE uuid = ?1",
			    VALUES(V_TEXT(v->uuid), V_NUM(stamp)));
}

static int read_visits(struct app *app, int64_t stamp, struct visit *out, int *count)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&app->sql, &stmt,
		"SELECT s.uuid, coalesce(m.kind, ''), m.uuid IS NULL OR m.revoked_ms"
		" FROM sync_machine s LEFT JOIN machine m ON m.uuid = s.uuid WHERE s.stamp < ?1 LIMIT ?2",
		VALUES(V_NUM(stamp), V_NUM(TOLD_AT_ONCE)));

	for (*count = 0; !rc && *count < TOLD_AT_ONCE && (rc = sql_step(&app->sql, stmt)) == 1;
		rc = 0) {
		struct visit *v = &out[(*count)++];

		sql_text(stmt, 0, v->uuid, sizeof(v->uuid));
		sql_text(stmt, 1, v->kind, sizeof(v->kind));
		v->ended = sqlite3_column_int(stmt, 2) != 0;
	}
	return rc;
}

/* Looked for before it is deleted: a tick without work must not write. */
static int prune(struct app *app)
{
	int64_t before_ms = app->now_ms - (int64_t)CREDENTIALS_REMOVED_S * 1000, n;
	int rc = sql_number(&app->sql, "SELECT 1 FROM sync_removed WHERE removed_ms < ?1 LIMIT 1",
		VALUES(V_NUM(before_ms)), &n);

	return rc > 0 ? sql_run(&app->sql, "DELETE FROM sync_removed WHERE removed_ms < ?1",
				VALUES(V_NUM(before_ms)))
		      : rc;
}

void credentials_tick(struct app *app)
{
	struct visit visit[TOLD_AT_ONCE];
	int64_t stamp = stamp_of(app);
	int count = 0;
	int rc = read_visits(app, stamp, visit, &count);

	for (int i = 0; i < count && !rc; i++)
		rc = look_at(app, &visit[i], stamp);
	if (!rc)
		rc = prune(app);
	if (rc)
		log_event(LOG_LVL_WARNING, "event=credentials-not-looked-at error=%s",
			log_quote(strerror(-rc)));
}
