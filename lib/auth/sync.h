/* SPDX-License-Identifier: Apache-2.0 */
/* sync - the file by which the server tells a machine ahead who may log in there without it.
 *
 * Media type application/vnd.stillprint.credential-cache. Layout, numbers big-endian:
 *     0  8  "STLPSYN", version 1
 *     8  8  key id of the machine that it is sealed to (keys.h)
 *    16  4  the server's incarnation, raised when it was restored from a backup
 *    20  8  serial, raised with each file for this machine; (incarnation, serial) never goes back
 *    28  8  issued, 36 8 not after: Unix UTC
 *    44  4  n, octets of the sealed part
 *    48  n  crypto_box_seal() to the machine's X25519 key of: the first 48 octets again, the site's pepper (32), the number
 *           of accounts (4), each as account_put() has it
 *  48+n 64  Ed25519 signature of all before it, by the server's policy key
 * The head is repeated inside, so that a sealed part cannot get another head even by who has the policy key's signature
 * oracle for heads. A file holds the whole set: who is not in it any more is forgotten. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "auth/account.h"
#include "auth/keys.h"
#include "base/auto.h"

enum {
	SYNC_POLICY_PUBLIC = 32, /* Ed25519 */
	SYNC_POLICY_SECRET = 64,
	SYNC_OCTETS_MAX = 64 << 20,
	SYNC_ACCOUNTS_MAX = 100000,
	SYNC_CLOCK_SLACK_S = 300,
};

enum sync_err {
	SYNC_E_DAMAGED = 1, /* no file of ours, cut off, or changed inside */
	SYNC_E_VERSION, /* a newer format */
	SYNC_E_FORGED, /* not signed by the policy key */
	SYNC_E_NOT_OURS, /* sealed to another machine */
	SYNC_E_ROLLBACK, /* one that came after it was applied already */
	SYNC_E_EXPIRED, /* past its time */
	SYNC_E_APPLIED, /* the one that was applied last: there is nothing to do */
};

struct sync_head {
	uint32_t incarnation;
	uint64_t serial;
	int64_t issued_s, not_after_s; /* Unix UTC */
};

struct sync {
	struct sync_head head;
	struct hash_pepper pepper; /* the site's: what the verifiers in it were made with */
	struct account *account; /* in no order; names are unique */
	size_t count;
};

/** sync_write() - the server's side
 * @machine_public: the machine's X25519 key, as it was enrolled
 * @out: malloc'ed, the caller frees it
 * Return: 0, -E2BIG (too many), or -errno. */
int sync_write(const struct sync_head *head, const struct hash_pepper *site,
	const struct account *accounts, size_t count,
	const uint8_t machine_public[KEYS_PUBLIC_OCTETS],
	const uint8_t policy_secret[SYNC_POLICY_SECRET], uint8_t **out, size_t *octets);

/** sync_read() - the machine's side; the signature is checked before anything else is looked at
 * @last: what was applied last; serial 0 for nothing yet
 * @now_s: Unix UTC
 * Return: 0, SYNC_E_, or -errno. */
int sync_read(const uint8_t *octets, size_t count, const struct keys *machine,
	const uint8_t policy_public[SYNC_POLICY_PUBLIC], const struct sync_head *last,
	int64_t now_s, struct sync **out);
void sync_free(struct sync *s); /* wipes */
AUTO_DEFINE(struct sync *, sync_free)

const char *sync_told(enum sync_err err); /* a sentence for the log */
