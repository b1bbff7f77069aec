/* SPDX-License-Identifier: Apache-2.0 */
/* machines - see machines.h. Here: codes, who is welcome, revocation. Enrolment itself is machines-enrol.c. */
#include "machines.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "base/log.h"
#include "base/mono.h"
#include "files.h"

enum {
	REVOKED_MAX = 64 << 20,
	SEEN_EVERY_MS = 600000,
	LATE_POLL_MS = 2000, /* a request that was overtaken on its way is no second computer */
	TWO_EVERY_MS = 3600000,
};

/* ---- codes ---- */

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void machines_code_format(char out[MACHINES_CODE_SIZE], const uint8_t octets[MACHINES_CODE_OCTETS])
{
	for (unsigned i = 0; i < MACHINES_CODE_OCTETS * 8 / 5; i++) {
		unsigned bit = i * 5, value = (unsigned)octets[bit / 8] << 8;

		if (bit / 8 + 1 < MACHINES_CODE_OCTETS)
			value |= octets[bit / 8 + 1];
		if (i > 0 && i % 4 == 0)
			*out++ = '-';
		*out++ = alphabet[value >> (11 - bit % 8) & 31];
	}
	*out = '\0';
}

static int digit(char c)
{
	const char *at;

	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c == 'O')
		c = '0';
	if (c == 'I' || c == 'L')
		c = '1';
	at = c ? strchr(alphabet, c) : NULL;
	return at ? (int)(at - alphabet) : -1;
}

bool machines_code_parse(const char *text, uint8_t octets[MACHINES_CODE_OCTETS])
{
	unsigned held = 0, bits = 0, n = 0;

	for (; *text; text++) {
		int value = digit(*text);

		if (*text == '-' || *text == ' ')
			continue;
		if (value < 0 || n == MACHINES_CODE_OCTETS)
			return false;
		held = (held << 5 | (unsigned)value) & 0xfff;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			octets[n++] = (uint8_t)(held >> bits);
		}
	}
	return n == MACHINES_CODE_OCTETS && bits == 0;
}

int machines_code_new(struct sql *s, const uint8_t ca_sha256[32], const char *name,
	const char *kind, int64_t now_s, int32_t valid_s, char out[MACHINES_CODE_SIZE])
{
	uint8_t octets[MACHINES_CODE_OCTETS], hash[32];
	int rc;

	randombytes_buf(octets, 10);
	memcpy(octets + 10, ca_sha256, 10);
	crypto_hash_sha256(hash, octets, sizeof(octets));
	rc = sql_run(s,
		"INSERT INTO enrol_code (hash, name, kind, made_s, expires_s) VALUES (?1, ?2, ?3, ?4, ?5)",
		VALUES(V_BLOB(hash, 32), V_TEXT(name), V_TEXT(kind), V_NUM(now_s),
			V_NUM(now_s + valid_s)));
	if (!rc)
		machines_code_format(out, octets);
	explicit_bzero(octets, sizeof(octets));
	return rc;
}

/* ---- who is welcome ---- */

static ipp_status_t refuse(char *why, size_t size, const char *text)
{
	snprintf(why, size, "%s", text);
	return IPP_STATUS_ERROR_NOT_AUTHORIZED;
}

/* The certificate that was issued last has arrived: the one before it is over. */
static ipp_status_t arrived(struct app *app, const struct serve_peer *peer)
{
	return sql_run(&app->sql,
		       "UPDATE machine SET fingerprint = next, next = '' WHERE uuid = ?1 AND next = ?2",
		       VALUES(V_TEXT(peer->uuid), V_TEXT(peer->fingerprint)))
		       ? IPP_STATUS_ERROR_SERVICE_UNAVAILABLE
		       : IPP_STATUS_OK;
}

ipp_status_t machines_check_peer(
	struct app *app, const struct serve_peer *peer, struct machine *out, char *why, size_t size)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	char fingerprint[65], next[65];
	int64_t seen_ms, revoked_ms;
	int rc;

	*why = '\0';
	if (peer->who != SERVE_MACHINE)
		return refuse(why, size, "This needs a machine's certificate.");
	rc = sql_prepare(&app->sql, &stmt,
		"SELECT fingerprint, next, kind, name, seen_ms, revoked_ms FROM machine WHERE uuid = ?1",
		VALUES(V_TEXT(peer->uuid)));
	if (!rc)
		rc = sql_step(&app->sql, stmt);
	if (rc < 0)
		return IPP_STATUS_ERROR_SERVICE_UNAVAILABLE;
	if (rc == 0)
		return refuse(why, size, "This machine is not enrolled here (any more).");
	sql_text(stmt, 0, fingerprint, sizeof(fingerprint));
	sql_text(stmt, 1, next, sizeof(next));
	sql_text(stmt, 2, out->kind, sizeof(out->kind));
	sql_text(stmt, 3, out->name, sizeof(out->name));
	snprintf(out->uuid, sizeof(out->uuid), "%s", peer->uuid);
	seen_ms = sqlite3_column_int64(stmt, 4);
	revoked_ms = sqlite3_column_int64(stmt, 5);
	if (revoked_ms)
		return refuse(why, size, "This machine's certificate was revoked.");
	if (peer->cert_expires_s * 1000 <= app->now_ms)
		return refuse(why, size, "This machine's certificate has expired.");
	if (*next && !strcmp(next, peer->fingerprint))
		return arrived(app, peer);
	if (strcmp(fingerprint, peer->fingerprint) != 0)
		return refuse(why, size, "This machine's certificate was replaced by another.");
	if (app->now_ms - seen_ms < SEEN_EVERY_MS)
		return IPP_STATUS_OK;
	return sql_run(&app->sql, "UPDATE machine SET seen_ms = ?2 WHERE uuid = ?1",
		       VALUES(V_TEXT(peer->uuid), V_NUM(app->now_ms)))
		       ? IPP_STATUS_ERROR_SERVICE_UNAVAILABLE
		       : IPP_STATUS_OK;
}

int machines_note_policy(struct app *app, const char *uuid, int64_t version)
{
	return sql_run(&app->sql, "UPDATE machine SET knows = ?2 WHERE uuid = ?1 AND knows <> ?2",
		VALUES(V_TEXT(uuid), V_NUM(version)));
}

bool machines_is_welcome(struct app *app, const char *uuid)
{
	int64_t one;

	return sql_number(&app->sql, "SELECT 1 FROM machine WHERE uuid = ?1 AND revoked_ms = 0",
		       VALUES(V_TEXT(uuid)), &one) == 1;
}

/* A copied disk: said in the log, the audit and `check`. Which of the two is the right one, nobody can tell here. */
static int note_two(struct app *app, const struct machine *m)
{
	log_event(LOG_LVL_WARNING, "event=two-computers machine=%s name=%s", m->uuid,
		log_quote(m->name));
	return audit_add(app, "two-computers", m->name, "", 0, m->uuid);
}

int machines_note_poll(struct app *app, const struct machine *m, int32_t subscription)
{
	int64_t n;
	int rc = sql_change(&app->sql,
		"UPDATE machine SET polled = ?2, polled_ms = ?3 WHERE uuid = ?1 AND polled < ?2",
		VALUES(V_TEXT(m->uuid), V_NUM(subscription), V_NUM(app->now_ms)));

	if (rc <= 0)
		return rc;
	rc = sql_number(&app->sql,
		"SELECT 1 FROM machine WHERE uuid = ?1 AND polled > ?2 AND polled_ms < ?3 - ?4 AND two_ms < ?3 - ?5",
		VALUES(V_TEXT(m->uuid), V_NUM(subscription), V_NUM(app->now_ms),
			V_NUM(LATE_POLL_MS), V_NUM(TWO_EVERY_MS)),
		&n);
	if (rc <= 0)
		return rc;
	rc = sql_run(&app->sql, "UPDATE machine SET two_ms = ?2 WHERE uuid = ?1",
		VALUES(V_TEXT(m->uuid), V_NUM(app->now_ms)));
	return rc ? rc : note_two(app, m);
}

int machines_check(struct app *app, struct serve_call *c, struct machine *out)
{
	char why[128];
	ipp_status_t status = machines_check_peer(app, serve_peer(c), out, why, sizeof(why));

	if (*why)
		serve_say(c, "%s", why);
	return status;
}

/* ---- revocation ---- */

int machines_find(struct sql *s, const char *uuid_or_name, char *out, size_t size)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(s, &stmt,
		"SELECT uuid FROM machine WHERE uuid IN (?1, 'urn:uuid:' || ?1) OR name = ?1"
		" ORDER BY revoked_ms <> 0, issued_ms DESC",
		VALUES(V_TEXT(uuid_or_name)));

	if (!rc)
		rc = sql_step(s, stmt);
	if (rc < 0)
		return rc;
	sql_text(stmt, 0, out, size);
	return rc == 1 ? 0 : MACHINES_E_NONE;
}

static int remember(const char *state, const char *uuid, int64_t now_ms)
{
	char line[128];

	snprintf(line, sizeof(line), "%s %lld\n", uuid, (long long)now_ms);
	return files_append(state, "revoked", line);
}

/* The file first: what stands there holds, whatever becomes of the table. */
static int end_machine(
	struct sql *s, const char *state, const char *uuid, int64_t now_ms, const char *text)
{
	int64_t n;
	int rc = sql_number(s, "SELECT 1 FROM machine WHERE uuid = ?1", VALUES(V_TEXT(uuid)), &n);

	if (rc <= 0)
		return rc ? rc : MACHINES_E_NONE;
	rc = remember(state, uuid, now_ms);
	if (!rc)
		rc = sql_run(s, text, VALUES(V_TEXT(uuid), V_NUM(now_ms)));
	return rc;
}

int machines_revoke(struct sql *s, const char *state, const char *uuid, int64_t now_ms)
{
	return end_machine(s, state, uuid, now_ms,
		"UPDATE machine SET revoked_ms = ?2 WHERE uuid = ?1 AND revoked_ms = 0");
}

int machines_remove(struct sql *s, const char *state, const char *uuid, int64_t now_ms)
{
	return end_machine(
		s, state, uuid, now_ms, "DELETE FROM machine WHERE uuid = ?1 AND ?2 > 0");
}

/* Removed: there is no row, and a line of the file names it. Who was merely forgotten by a restore has none. */
static bool is_in_file(const char *state, const char *uuid)
{
	AUTO(auto_free) char *text = NULL;
	size_t count = 0, n = strlen(uuid);

	if (files_read(state, "revoked", REVOKED_MAX, &text, &count))
		return false;
	for (const char *at = text; (at = strstr(at, uuid)); at += n)
		if ((at == text || at[-1] == '\n') && (at[n] == ' ' || at[n] == '\n' || !at[n]))
			return true;
	return false;
}

bool machines_is_revoked(struct app *app, const struct serve_peer *peer)
{
	int64_t revoked_ms = 0;
	int rc;

	if (peer->who != SERVE_MACHINE || !peer->uuid[0])
		return false;
	rc = sql_number(&app->sql, "SELECT revoked_ms FROM machine WHERE uuid = ?1",
		VALUES(V_TEXT(peer->uuid)), &revoked_ms);
	return rc > 0 ? revoked_ms != 0 : rc == 0 && is_in_file(app->config->state, peer->uuid);
}

int machines_apply_revoked(struct sql *s, const char *state)
{
	AUTO(auto_free) char *text = NULL;
	char *line, *rest;
	size_t count = 0;
	int rc = files_read(state, "revoked", REVOKED_MAX, &text, &count);

	if (rc == -ENOENT)
		return 0;
	if (!rc)
		rc = sql_enter(s);
	if (rc)
		return rc;
	for (line = strtok_r(text, "\n", &rest); line && !rc; line = strtok_r(NULL, "\n", &rest)) {
		char *space = strchr(line, ' ');

		/* A line that a crash cut off names a machine all the same: all of it is over then. */
		if (space)
			*space = '\0';
		rc = sql_run(s,
			"UPDATE machine SET revoked_ms = max(?2, 1)"
			" WHERE uuid = ?1 AND revoked_ms = 0 AND issued_ms <= ?2",
			VALUES(V_TEXT(line), V_NUM(space ? atoll(space + 1) : INT64_MAX)));
	}
	return sql_leave(s, rc);
}
