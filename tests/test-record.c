/* SPDX-License-Identifier: Apache-2.0 */
/* test-record - a ledger row to IPP and back; its hash; what must not be believed. */
#include "core/record.h"

#include <cups/cups.h>
#include <sodium.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/mono.h"
#include "core/vendor.h"
#include "core/wire.h"
#include "tap.h"

static struct record sample(int64_t sequence)
{
	struct record r = {.sequence = sequence,
		.record_uuid = "urn:uuid:11111111-2222-4333-8444-555555555555",
		.document_uuid = "urn:uuid:aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
		.attempt = 2,
		.copy = 1,
		.job_id = 17,
		.queue = "Office",
		.target = "ipps://printer.example.org/ipp/print",
		.diverted = true,
		.state = JOB_COMPLETED,
		.certainty = CERTAINTY_DEVICE,
		.impressions = 0,
		.sheets = -1,
		.copies = 3,
		.created_s = 1700000000,
		.ended_s = 1700000321,
		.has_person = true,
		.owner = "anna",
		.title = "Letter \xff\x1b[2J\n"};

	memset(r.salt, 's', sizeof(r.salt));
	record_hash_person(&r, r.person_hash);
	record_hash(&r, r.hash);
	return r;
}

/* Over octets, as between two computers. */
static ipp_t *sent(ipp_t *ipp)
{
	AUTO(auto_free) void *octets = NULL;
	size_t count = 0;
	ipp_t *out = NULL;

	CHECK(wire_encode(ipp, &octets, &count) == 0);
	CHECK(octets && wire_decode(octets, count, &out) == 0);
	return out;
}

static ipp_t *message(void)
{
	ipp_t *ipp = wire_new();

	ippSetOperation(ipp, VENDOR_OP_SEND_ACCOUNTING);
	ippAddString(
		ipp, IPP_TAG_OPERATION, IPP_TAG_URI, "system-uri", NULL, "ipps://s/ipp/system");
	return ipp;
}

static void a_row_comes_back_as_it_was(void)
{
	AUTO(wire_deletep) ipp_t *ipp = message();
	AUTO(wire_deletep) ipp_t *got = NULL;
	struct record a = sample(1), b = sample(2), out;

	b.has_person = false;
	b.impressions = -1;
	b.certainty = CERTAINTY_UNKNOWN;
	b.state = JOB_EXPIRED;
	memset(b.queue, 0, sizeof(b.queue));
	memset(b.target, 0, sizeof(b.target));
	b.not_at_server = true;
	memcpy(b.previous, a.hash, RECORD_HASH);
	record_hash(&b, b.hash);
	CHECK(record_write(ipp, &a) == 0 && record_write(ipp, &b) == 0);
	got = sent(ipp);
	CHECK(record_read(got, true, &out) == 0 && !memcmp(&out, &a, sizeof(a)));
	CHECK(record_fits(&out));
	CHECK(record_read(got, false, &out) == 0);
	memset(b.salt, 0, sizeof(b.salt));
	memset(b.owner, 0, sizeof(b.owner));
	memset(b.title, 0, sizeof(b.title));
	CHECK(!memcmp(&out, &b, sizeof(b)) && record_fits(&out));
	CHECK(record_read(got, false, &out) == RECORD_E_END);
	CHECK(record_read(got, false, &out) == RECORD_E_END);
}

static void times_are_utc_to_the_second_wherever_one_is(void)
{
	static const int64_t times[] = {
		0, 951782399, 951782400, 1700000000, 4102444800, 253402300799};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		AUTO(wire_deletep) ipp_t *ipp = message();
		AUTO(wire_deletep) ipp_t *got = NULL;
		struct record r = sample(1), out;

		setenv("TZ", i % 2 ? "Pacific/Auckland" : "America/New_York", 1);
		tzset();
		r.created_s = r.ended_s = times[i];
		CHECK(record_write(ipp, &r) == 0);
		got = sent(ipp);
		CHECK(record_read(got, true, &out) == 0);
		CHECK(out.created_s == times[i] && out.ended_s == times[i]);
	}
}

static void what_cannot_travel_is_refused(void)
{
	struct record r = sample(0);
	int64_t a = -5, b = INT64_MAX;

	for (int i = 0; i < 5; i++) {
		AUTO(wire_deletep) ipp_t *ipp = message();

		r = sample(1);
		if (i == 0)
			r.sequence = 0;
		else if (i == 1)
			r.sequence = INT64_C(1) << 31;
		else if (i == 2)
			r.ended_s = -1;
		else if (i == 3)
			r.state = 0;
		else
			r.attempt = -1;
		CHECK(record_write(ipp, &r) == RECORD_E_BAD);
	}
	record_limit_times(&a, &b);
	CHECK(a == 0 && b == 253402300799);
}

/* Each changes one thing of the message; what is read must not fit, or must not be read. */
static void any_change_on_the_way_is_seen(void)
{
	AUTO(wire_deletep) ipp_t *ipp = message();
	AUTO(auto_free) void *octets = NULL;
	struct record r = sample(1), out;
	size_t count = 0;
	int same = 0;

	CHECK(record_write(ipp, &r) == 0 && wire_encode(ipp, &octets, &count) == 0);
	for (size_t i = 8; i < count; i++) {
		AUTO(wire_deletep) ipp_t *got = NULL;
		uint8_t *octet = (uint8_t *)octets + i;

		*octet ^= 0x04;
		if (wire_decode(octets, count, &got) == 0 && record_read(got, true, &out) == 0)
			/* Elsewhere: in the operation group, or in the name of what is not ours. */
			same += record_fits(&out) && !memcmp(out.hash, r.hash, RECORD_HASH) &&
				memcmp(&out, &r, sizeof(r)) != 0;
		*octet ^= 0x04;
	}
	CHECK(same == 0);
}

static void an_account_is_part_of_the_person(void)
{
	AUTO(wire_deletep) ipp_t *ipp = message();
	AUTO(wire_deletep) ipp_t *got = NULL;
	struct record r = sample(1), out;
	uint8_t without[RECORD_HASH];

	record_hash_person(&r, without);
	strcpy(r.account, "anna@example.org");
	r.account_verified = true;
	record_hash_person(&r, r.person_hash);
	CHECK(memcmp(without, r.person_hash, RECORD_HASH) != 0);
	record_hash(&r, r.hash);
	CHECK(record_write(ipp, &r) == 0);
	got = sent(ipp);
	CHECK(record_read(got, true, &out) == 0 && record_fits(&out));
	CHECK(!strcmp(out.account, "anna@example.org") && out.account_verified);
	out.account_verified = false;
	CHECK(!record_fits(&out));
	out.account_verified = true;
	strcpy(out.account, "bert@example.org");
	CHECK(!record_fits(&out));
}

static ipp_attribute_t *find(ipp_t *ipp, const char *name)
{
	return ippFindAttribute(ipp, name, IPP_TAG_ZERO);
}

static void a_group_without_a_needed_field_is_bad(void)
{
	static const char *const must[] = {"job-uuid", VENDOR_LEDGER_SEQUENCE, VENDOR_RECORD_UUID,
		VENDOR_PREVIOUS_HASH, VENDOR_RECORD_HASH, VENDOR_HOLDER_ATTEMPT,
		VENDOR_COPY_ORDINAL, VENDOR_CLIENT_JOB_ID, VENDOR_DIVERTED, VENDOR_NOT_AT_SERVER,
		VENDOR_FINAL_STATE, VENDOR_ACCOUNTING_CERTAINTY, "date-time-at-creation",
		"date-time-at-completed", VENDOR_PERSON_SALT};

	for (size_t i = 0; i < sizeof(must) / sizeof(must[0]); i++) {
		AUTO(wire_deletep) ipp_t *ipp = message();
		struct record r = sample(1), out;

		CHECK(record_write(ipp, &r) == 0);
		ippDeleteAttribute(ipp, find(ipp, must[i]));
		CHECK(record_read(ipp, true, &out) == RECORD_E_BAD);
	}
}

static void bad_values_are_bad_and_the_next_group_is_read(void)
{
	for (int i = 0; i < 12; i++) {
		AUTO(wire_deletep) ipp_t *ipp = message();
		AUTO(wire_deletep) ipp_t *got = NULL;
		struct record r = sample(1), next = sample(2), out;
		static const ipp_uchar_t month_13[11] = {7, 0xe5, 13, 1, 0, 0, 0, 0, '+', 0, 0};
		char longest[300];
		ipp_attribute_t *a;

		memset(longest, 'x', sizeof(longest));
		CHECK(record_write(ipp, &r) == 0);
		if (i == 0)
			ippSetInteger(ipp, (a = find(ipp, VENDOR_LEDGER_SEQUENCE), &a), 0, 0);
		else if (i == 1)
			ippSetOctetString(
				ipp, (a = find(ipp, VENDOR_PREVIOUS_HASH), &a), 0, "x", 1);
		else if (i == 2)
			ippSetOctetString(ipp, (a = find(ipp, VENDOR_OWNER), &a), 0, "a\0b", 3);
		else if (i == 3)
			ippSetOctetString(ipp, (a = find(ipp, VENDOR_OWNER), &a), 0, longest, 256);
		else if (i == 4)
			ippSetString(ipp, (a = find(ipp, VENDOR_FINAL_STATE), &a), 0, "gone");
		else if (i == 5)
			ippSetString(
				ipp, (a = find(ipp, VENDOR_ACCOUNTING_CERTAINTY), &a), 0, "sure");
		else if (i == 6)
			ippSetDate(ipp, (a = find(ipp, "date-time-at-creation"), &a), 0, month_13);
		else if (i == 7)
			ippAddInteger(ipp, IPP_TAG_JOB, IPP_TAG_INTEGER, "copies", 3);
		else if (i == 8)
			ippSetInteger(ipp, (a = find(ipp, "copies"), &a), 1, 4);
		else if (i == 9)
			ippSetValueTag(ipp, (a = find(ipp, "copies"), &a), IPP_TAG_NOVALUE);
		else if (i == 10)
			ippDeleteAttribute(ipp, find(ipp, VENDOR_PERSON_SALT));
		else
			ippSetInteger(ipp, (a = find(ipp, "job-impressions-completed"), &a), 0, -2);
		CHECK(record_write(ipp, &next) == 0);
		got = sent(ipp);
		CHECK(record_read(got, true, &out) == RECORD_E_BAD);
		CHECK(record_read(got, false, &out) == 0 && out.sequence == 2);
		if (tap_bad)
			printf("# case %d\n", i);
	}
}

static void the_words_and_worths_of_certainty(void)
{
	for (int c = CERTAINTY_DEVICE; c <= CERTAINTY_UNKNOWN; c++) {
		CHECK(record_certainty_from_name(record_certainty_name(c)) == (unsigned)c);
		CHECK(record_certainty_worth(c) == 6 - c);
	}
	CHECK(!record_certainty_name(0) && !record_certainty_name(6) && !record_certainty_worth(0));
	CHECK(record_certainty_from_name("") == 0);
}

/* A chain that was written by an older Stillprint must still verify. */
static void the_hash_is_what_it_always_was(void)
{
	struct record r = sample(1);
	char hex[65];

	sodium_bin2hex(hex, sizeof(hex), r.hash, sizeof(r.hash));
	CHECK(!strcmp(hex, "ee988cb7e31614e384c116d32b39b9c5d90417fcd83efef0e8400cdc8186e299"));
	if (tap_bad)
		printf("# %s\n", hex);
}

static void a_full_batch_fits_a_message(void)
{
	AUTO(wire_deletep) ipp_t *ipp = message();
	AUTO(wire_deletep) ipp_t *got = NULL;
	AUTO(auto_free) void *octets = NULL;
	struct record r = sample(1), out;
	size_t count = 0, bound = 0;
	int64_t began = mono_ms();
	int n = 0;

	for (int i = 1; i <= RECORD_BATCH_MAX; i++) {
		r.sequence = i;
		record_hash(&r, r.hash);
		CHECK(record_write(ipp, &r) == 0);
		bound += record_octets(&r);
		memcpy(r.previous, r.hash, RECORD_HASH);
	}
	CHECK(wire_encode(ipp, &octets, &count) == 0 && count <= bound + 200);
	CHECK(bound <= count + (size_t)RECORD_BATCH_MAX * 160); /* no room is given away */
	CHECK(wire_decode(octets, count, &got) == 0);
	for (int rc = record_read(got, true, &out); rc == 0; rc = record_read(got, false, &out))
		n += record_fits(&out) && out.sequence == n + 1;
	CHECK(n == RECORD_BATCH_MAX);
	printf("# %zu octets a record, %d ms for %d\n", count / RECORD_BATCH_MAX,
		(int)(mono_ms() - began), RECORD_BATCH_MAX);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	RUN(a_row_comes_back_as_it_was);
	RUN(times_are_utc_to_the_second_wherever_one_is);
	RUN(what_cannot_travel_is_refused);
	RUN(any_change_on_the_way_is_seen);
	RUN(an_account_is_part_of_the_person);
	RUN(a_group_without_a_needed_field_is_bad);
	RUN(bad_values_are_bad_and_the_next_group_is_read);
	RUN(the_words_and_worths_of_certainty);
	RUN(the_hash_is_what_it_always_was);
	RUN(a_full_batch_fits_a_message);
	return tap_done();
}
