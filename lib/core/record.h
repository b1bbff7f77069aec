/* SPDX-License-Identifier: Apache-2.0 */
/* record - one row of a ledger as it travels, and the hash that chains it to the row before: what workstation and server
 * share. Pure functions; no file, no network. docs/wire.md, Accounting; docs/store.md, The ledger's chain. */
#pragma once

#include <cups/ipp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/job.h"

enum {
	RECORD_HASH = 32, /* SHA-256 */
	RECORD_BATCH_MAX = 100, /* job groups in one message */
	RECORD_BATCH_OCTETS = 60 * 1024, /* of one message: below the server's 64 KiB */
};
enum record_err {
	RECORD_E_END = 1, /* no further job group */
	RECORD_E_BAD, /* a field is absent, twice, too long, of another type or out of range */
};

/* Whose word the counts are. */
enum record_certainty {
	CERTAINTY_DEVICE = 1,
	CERTAINTY_SERVER,
	CERTAINTY_USER,
	CERTAINTY_ESTIMATED,
	CERTAINTY_UNKNOWN
};
const char *record_certainty_name(
	enum record_certainty c); /* "device-reported", "server-reported", … */
enum record_certainty record_certainty_from_name(const char *name); /* 0 if it is none */
/* How much it is worth when two reports of one print differ: the device's word most. 0 for none. */
int record_certainty_worth(enum record_certainty c);

struct record {
	int64_t sequence; /* in its ledger, from 1; on the wire at most 2^31 - 1 */
	char record_uuid[64];
	char document_uuid[64]; /* the server's job-uuid */
	int32_t attempt;
	int32_t copy; /* copy ordinal, 0 */
	int32_t job_id; /* the workstation's own number */
	char queue[128];
	char target[512];
	bool diverted, not_at_server;
	enum job_state state;
	enum record_certainty certainty;
	int32_t impressions, sheets, copies; /* -1: unknown, left out on the wire */
	int64_t created_s, ended_s; /* Unix UTC, from 0 to 9999-12-31 */
	uint8_t person_hash[RECORD_HASH];
	uint8_t previous[RECORD_HASH]; /* hash of the row before */
	uint8_t hash[RECORD_HASH];
	/* Beside the chain, which has a salted hash of them only: */
	bool has_person; /* false: erased */
	uint8_t salt[RECORD_HASH];
	char owner[256], title[1024]; /* raw octets */
	char account[256]; /* the server's name of the owner; "": none was known */
	bool account_verified; /* with an account: his computer had seen him log in */
};

/* What the first row of a new ledger follows. */
void record_base(const char *ledger_uuid, uint8_t out[RECORD_HASH]);
/* SHA-256 over salt, owner and title, and account and its flag where there is one. */
void record_hash_person(const struct record *r, uint8_t out[RECORD_HASH]);
/* SHA-256 over previous, person_hash and every other field but hash and the personal ones. */
void record_hash(const struct record *r, uint8_t out[RECORD_HASH]);
/* Do person (unless it was erased) and fields fit hash and previous? */
bool record_fits(const struct record *r);
/* Both times put into the range that can travel. */
void record_limit_times(int64_t *created_s, int64_t *ended_s);

/** record_write() - append @r to @ipp as a job group
 * Return: 0, RECORD_E_BAD (cannot travel: sequence or a time out of range), -ENOMEM. @ipp then has half a group. */
int record_write(ipp_t *ipp, const struct record *r);
/** record_read() - the next job group of @ipp
 * @first: begin at the message's first group; else go on after the last one read (libcups' cursor in @ipp)
 * Unknown attributes are passed over. person_hash is computed if the person is there; nothing else is checked against
 * the hash: record_fits(). Return: 0, RECORD_E_END, RECORD_E_BAD (the group is passed over; @out is what was read). */
int record_read(ipp_t *ipp, bool first, struct record *out);
/* What record_write() will take of a message, at most. */
size_t record_octets(const struct record *r);
