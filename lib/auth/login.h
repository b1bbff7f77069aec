/* SPDX-License-Identifier: Apache-2.0 */
/* login - the messages of login.sock and online.sock, and their octets; no socket here (login-call.h), no key, no cache.
 *
 * Both are SOCK_SEQPACKET: one packet asks, one answers, then the connection ends. So a message is whole or wrong; nobody
 * can keep the other side busy with single octets. A packet is "SL", version, type, then fields: tag, 16-bit length
 * (big-endian), octets. Unknown tags are skipped; a known one that comes twice, has the wrong length, or a text with a
 * control character or bad UTF-8 makes the whole message bad. What each type may and must carry: login.c, one table.
 *
 * libc only: this is linked into login programs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	LOGIN_OCTETS_MAX = 4096, /* a packet */
	LOGIN_NAME_OCTETS = 255, /* octets of a user or account name */
	LOGIN_SECRET_MAX = 512, /* Linux-PAM's PAM_MAX_RESP_SIZE */
	LOGIN_SEALED_MAX = 1000, /* fits an IPP octetString, RFC 8010 */
	LOGIN_PROOF_OCTETS = 16,
	LOGIN_UUID_OCTETS = 16,
	LOGIN_BUDGET_MAX_MS = 60000,
};

enum login_type {
	/* login.sock, asked by a login program; LOGIN_REPLY answers */
	LOGIN_VERIFY = 1, /* user and secret: is it he? Peer: root, or the uid of that user */
	LOGIN_ACCOUNT = 2, /* user: locked, expired? Peer as above */
	LOGIN_OPEN = 3, /* a session begins. Peer: root */
	LOGIN_CLOSE = 4, /* it ends. Peer: root */
	LOGIN_CHANGE =
		5, /* user's new secret, after a change elsewhere. Peer as for LOGIN_VERIFY */
	/* login.sock, asked by our own programs. Peer: root or the verifier's own uid */
	LOGIN_QUERY =
		16, /* who is bound to @uid, or to its @session; with @user, his account by the rules if nobody */
	LOGIN_SYNC = 17, /* apply the sync file that lies in the state folder */
	LOGIN_WIPE = 18, /* deregistered: forget every credential and the key */
	LOGIN_PIN = 19, /* a PIN or card without a name, at a terminal */
	LOGIN_END = 20, /* all sessions of @uid count as ended: nobody sits there any more */
	/* online.sock: the verifier asks who can reach the server */
	LOGIN_ONLINE = 32, /* @account, @sealed (online.h): what does the server say? */
	LOGIN_REPLY = 64,
	LOGIN_ASSERTION = 65, /* reserved for terminals */
};

enum login_result {
	LOGIN_OK = 1,
	LOGIN_WRONG, /* also for an account that nobody knows: the two look and take the same */
	LOGIN_LOCKED, /* by the server, or by too many attempts until the server is back (see @retry_s) */
	LOGIN_EXPIRED,
	LOGIN_LATER, /* too many attempts: again in @retry_s */
	LOGIN_AWAY, /* the server is away and the cache cannot tell */
	LOGIN_NOT_OURS, /* this user or peer is none of our business */
	LOGIN_BAD, /* a message that is not understood */
};

enum login_kind { LOGIN_ANY, LOGIN_PASSWORD, LOGIN_PIN_CODE, LOGIN_CARD };
enum login_source { LOGIN_NOBODY, LOGIN_BY_SERVER, LOGIN_BY_CACHE };

/* A bit in .has for each field; texts and octets that are not there are empty. */
enum login_field {
	LOGIN_HAS_RESULT,
	LOGIN_HAS_USER,
	LOGIN_HAS_ACCOUNT,
	LOGIN_HAS_SECRET,
	LOGIN_HAS_SERVICE,
	LOGIN_HAS_TTY,
	LOGIN_HAS_RHOST,
	LOGIN_HAS_SESSION,
	LOGIN_HAS_PROOF,
	LOGIN_HAS_UUID,
	LOGIN_HAS_UID,
	LOGIN_HAS_KIND,
	LOGIN_HAS_TTL_S,
	LOGIN_HAS_MIN_PIN,
	LOGIN_HAS_BUDGET_MS,
	LOGIN_HAS_RETRY_S,
	LOGIN_HAS_VERIFIED,
	LOGIN_HAS_SOURCE,
	LOGIN_HAS_SESSIONS,
	LOGIN_HAS_SEALED,
	LOGIN_FIELDS,
};

struct login_message {
	enum login_type type;
	uint32_t has; /* of 1u << LOGIN_HAS_ */
	uint8_t result, kind, verified, source;
	char user[LOGIN_NAME_OCTETS + 1]; /* the local name, as PAM has it */
	char account[LOGIN_NAME_OCTETS + 1]; /* the server's name for him */
	char secret[LOGIN_SECRET_MAX + 1];
	char service[65], tty[65], rhost[256], session[65];
	uint8_t proof
		[LOGIN_PROOF_OCTETS]; /* from a LOGIN_VERIFY: makes LOGIN_OPEN's binding a verified one */
	uint8_t uuid[LOGIN_UUID_OCTETS]; /* the account's, all 0 if the server gave none */
	uint32_t uid;
	uint32_t
		ttl_s; /* how long a credential serves without the server; 0: as the verifier is set */
	uint32_t
		min_pin; /* digits that a PIN needs offline; more than the verifier's own rule, never less */
	uint32_t budget_ms; /* the asker waits no longer than this */
	uint32_t retry_s; /* 0 with LOGIN_LOCKED: only the server can unlock */
	uint32_t sessions; /* how many are open for that uid */
	uint16_t sealed_octets;
	uint8_t sealed[LOGIN_SEALED_MAX];
};

/* An empty message of that type. */
void login_init(struct login_message *m, enum login_type type);
void login_wipe(struct login_message *m);

static inline bool login_has(const struct login_message *m, enum login_field f)
{
	return m->has >> f & 1;
}

/* Set a text field (USER ACCOUNT SECRET SERVICE TTY RHOST SESSION). NULL or "": not there.
 * Return: 0, or -EMSGSIZE (too long; the field stays empty). */
int login_set_text(struct login_message *m, enum login_field f, const char *text);
/* Set a number (RESULT UID KIND TTL_S MIN_PIN BUDGET_MS RETRY_S VERIFIED SOURCE SESSIONS). */
void login_set_number(struct login_message *m, enum login_field f, uint32_t value);
/* Set PROOF or UUID (16 octets) or SEALED. Return: 0, or -EMSGSIZE. */
int login_set_octets(struct login_message *m, enum login_field f, const void *octets, size_t count);

/** login_encode() - @m as a packet
 * Return: its octets, or -EMSGSIZE (@size too small), -EINVAL (a field is missing that the type must have). */
int login_encode(const struct login_message *m, uint8_t *out, size_t size);

/** login_decode() - a packet as a message; a pure function
 * @m: wiped first; after an error it holds nothing of the packet.
 * Return: 0, or -EBADMSG. */
int login_decode(const uint8_t *octets, size_t count, struct login_message *m);
