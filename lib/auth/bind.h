/* SPDX-License-Identifier: Apache-2.0 */
/* bind - which account stands behind a login session: what PAM's open_session told, until close_session.
 *
 * Kept in the file "sessions" of the run folder, so that a restart of the verifier forgets none and a reboot all. A session
 * that logind knew and knows no more has ended, whoever failed to say so. One thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"

enum { BIND_MAX = 4096, BIND_PER_UID_MAX = 256 };

enum bind_err {
	BIND_E_NONE = 1, /* no such session is open */
	BIND_E_FULL,
};

struct binding {
	uint32_t uid;
	char session
		[65]; /* logind's id; "a" and the audit session's number; or what else PAM told */
	char account[256], service[65];
	uint8_t uuid[16];
	bool verified; /* his secret was checked in this login; else the local name alone claims it */
	int64_t since_s; /* Unix UTC */
	uint32_t opens; /* programs may open one session twice */
	bool in_logind;
};

struct bind_answer {
	char account[256];
	uint8_t uuid[16];
	bool verified;
	uint32_t sessions; /* open ones of that uid */
};

struct bind;

/** bind_new() - with what the file in @folder tells of this boot
 * @logind: systemd's folder of sessions, /run/systemd/sessions; NULL: there is none
 * @boot_id: 16 octets
 * Return: 0 (a damaged file is begun anew), or -errno. */
int bind_new(const char *folder, const char *logind, const uint8_t *boot_id, struct bind **out);
void bind_free(struct bind *b);
AUTO_DEFINE(struct bind *, bind_free)

/** bind_open() - a session begins; .opens and .in_logind are set here
 * Return: 0, BIND_E_FULL, or -errno (it is bound, but a restart would forget it). */
int bind_open(struct bind *b, const struct binding *one);

/** bind_close() - it ends. Return: 0, BIND_E_NONE, or -errno. */
int bind_close(struct bind *b, uint32_t uid, const char *session);

/** bind_end() - all sessions of @uid end. Return: how many, or -errno. */
int bind_end(struct bind *b, uint32_t uid);

/** bind_query() - who is @uid, in @session or (NULL) at all?
 * Sessions of one uid can do to each other what they like. So without a session: the newest one's account, verified if any
 * of his sessions is; but never verified while his sessions name different accounts.
 * Return: 0, or BIND_E_NONE. */
int bind_query(struct bind *b, uint32_t uid, const char *session, struct bind_answer *out);
