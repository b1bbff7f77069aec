/* SPDX-License-Identifier: Apache-2.0 */
/* ledger - accounting records as machines sent them, kept for good, and what they add up to.
 *
 * Each ledger is one machine's chain of records (core/record.h); its rows are only ever added, in order, each checked
 * against its own hash and the one before it. Triggers refuse every change but erasing a person. Which record counts for
 * a print (job, attempt, copy) is said apart, so that two reports of one print are never added up.
 * Knows its own tables (ledger-schema.c) and no others. docs/wire.md, Accounting. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/record.h"
#include "core/sql.h"

enum ledger_err {
	LEDGER_E_NONE = 1, /* no such ledger */
	LEDGER_E_BAD, /* a row does not fit */
};

struct ledger_info {
	char uuid[64];
	char machine[64]; /* UUID of whose it is */
	int64_t base; /* the sequence before its first row */
	int64_t head; /* the last row that is here: what was acknowledged */
	int64_t opened_ms, heard_ms; /* first and last new row */
	int64_t closed_ms; /* 0: open */
	char why[32]; /* it was closed */
};
/* In order of opening. @fn returning non-zero stops and is returned. */
int ledger_list(struct sql *s, int (*fn)(void *arg, const struct ledger_info *info), void *arg);

/* PAYER: the owner, or who released it where the queue says so; what a server released did not go to a fallback. */
enum ledger_by {
	LEDGER_ALL = 0,
	LEDGER_PAYER,
	LEDGER_OWNER,
	LEDGER_QUEUE,
	LEDGER_TARGET,
	LEDGER_MACHINE
};
struct ledger_total {
	char key[512]; /* raw octets; "" for LEDGER_ALL, and for an erased owner */
	int64_t prints;
	int64_t impressions, sheets; /* sums of what is known */
	int64_t uncounted; /* prints whose impressions are unknown */
	int64_t uncertain; /* prints of which nobody knows whether they came out */
};
/* What counts, of prints that ended from @from_s to @to_s, both included; keys in order. */
int ledger_sum(struct sql *s, int64_t from_s, int64_t to_s, enum ledger_by by,
	int (*fn)(void *arg, const struct ledger_total *total), void *arg);

struct ledger_line {
	struct record record; /* without previous */
	char ledger[64], machine[64];
	int64_t received_ms;
	bool counts; /* false: another record of the same print does */
	char released_by[256]; /* at this server; "": nobody, or not at this server */
	char payer[256]; /* raw octets; "": erased */
	bool clock_ahead; /* ended more than 5 minutes after it was received: that machine's clock is wrong */
};
/* Records of prints that ended in that time, as they came. @all: those that do not count too. */
int ledger_export(struct sql *s, int64_t from_s, int64_t to_s, bool all,
	int (*fn)(void *arg, const struct ledger_line *line), void *arg);

/** ledger_verify() - walk every chain, or that of @uuid, and see that each print has one record that counts
 * @bad: the ledger, and in @sequence the row where it does not fit (0: what counts is not in order)
 * Return: 0, LEDGER_E_NONE, LEDGER_E_BAD, -errno. */
int ledger_verify(struct sql *s, const char *uuid, char bad[64], int64_t *sequence);

/* Erase name and titles of @owner; counts and chains stay. @count: records concerned, may be NULL. 0 or -errno. */
int ledger_erase(struct sql *s, const char *owner, int64_t *count);
