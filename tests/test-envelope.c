/* SPDX-License-Identifier: Apache-2.0 */
/* test-envelope - what CUPS said of a job survives the file, whatever octets a title has; a forged one is refused. */
#include <string.h>

#include "base/auto.h"
#include "core/envelope.h"
#include "core/vendor.h"
#include "core/wire.h"
#include "tap.h"

static struct envelope sample(void)
{
	struct envelope e = {
		.queue = "Office",
		.owner = "anna",
		.title = "caf\xe9 \x1b[31m \xf0\x9f\x96\xa8.pdf",
		.host = "localhost",
		.job_uuid = "urn:uuid:11111111-2222-3333-4444-555555555555",
		.cups_job_id = 7,
		.copies = 2,
		.created_s = 5000000000,
		.processing_s = 5000000001,
		.cups_run = "12-34",
		.run_started_s = 4999999999,
		.handed_ns = 1234567890123456789,
		.banner = true,
		.raw = true,
		.format = "application/pdf",
		.document_uuid = "urn:uuid:99999999-2222-3333-4444-555555555555",
	};

	return e;
}

static void every_field_comes_back(void)
{
	struct envelope in = sample(), out;
	AUTO(auto_free) void *octets = NULL;
	size_t count = 0;

	memset(&out, 0xff, sizeof(out));
	CHECK(envelope_encode(&in, &octets, &count) == 0);
	CHECK(envelope_decode(octets, count, &out) == 0);
	CHECK(!strcmp(in.queue, out.queue) && !strcmp(in.owner, out.owner) &&
		!strcmp(in.title, out.title));
	CHECK(!strcmp(in.host, out.host) && !strcmp(in.job_uuid, out.job_uuid));
	CHECK(in.cups_job_id == out.cups_job_id && in.copies == out.copies);
	CHECK(in.created_s == out.created_s && in.processing_s == out.processing_s);
	CHECK(!strcmp(in.cups_run, out.cups_run) && in.run_started_s == out.run_started_s);
	CHECK(in.handed_ns == out.handed_ns && in.banner == out.banner && in.raw == out.raw);
	CHECK(!strcmp(in.format, out.format) && !strcmp(in.document_uuid, out.document_uuid));
}

static void longest_title_and_empty_title_come_back(void)
{
	struct envelope in = sample(), out;
	AUTO(auto_free) void *octets = NULL, *empty = NULL;
	size_t count = 0;

	memset(in.title, 0xfe, sizeof(in.title) - 1);
	in.title[sizeof(in.title) - 1] = '\0';
	CHECK(envelope_encode(&in, &octets, &count) == 0);
	CHECK(envelope_decode(octets, count, &out) == 0 && !strcmp(in.title, out.title));
	in.title[0] = '\0';
	CHECK(envelope_encode(&in, &empty, &count) == 0);
	CHECK(envelope_decode(empty, count, &out) == 0 && !out.title[0]);
}

static void every_truncation_is_refused(void)
{
	struct envelope in = sample(), out;
	AUTO(auto_free) void *octets = NULL;
	size_t count = 0;

	CHECK(envelope_encode(&in, &octets, &count) == 0);
	for (size_t n = 0; n < count; n++)
		CHECK(envelope_decode(octets, n, &out) == ENVELOPE_E_DAMAGED);
}

static void flipped_bits_never_crash_or_overflow(void)
{
	struct envelope in = sample(), out;
	AUTO(auto_free) void *octets = NULL;
	size_t count = 0;

	CHECK(envelope_encode(&in, &octets, &count) == 0);
	for (size_t n = 0; n < count * 8; n++) {
		((uint8_t *)octets)[n / 8] ^= (uint8_t)(1 << (n % 8));
		if (!envelope_decode(octets, count, &out))
			CHECK(memchr(out.title, 0, sizeof(out.title)) && out.queue[0]);
		((uint8_t *)octets)[n / 8] ^= (uint8_t)(1 << (n % 8));
	}
}

static void missing_and_too_long_attributes_are_refused(void)
{
	struct envelope in = sample(), out;
	AUTO(auto_free) void *octets = NULL, *changed = NULL, *longer = NULL;
	AUTO(wire_deletep) ipp_t *ipp = NULL, *other = NULL;
	ipp_attribute_t *a;
	char queue[200];
	size_t count = 0;

	CHECK(envelope_encode(&in, &octets, &count) == 0);
	CHECK(wire_decode(octets, count, &ipp) == 0 && wire_decode(octets, count, &other) == 0);
	ippDeleteAttribute(ipp, ippFindAttribute(ipp, "document-uuid", IPP_TAG_ZERO));
	CHECK(wire_encode(ipp, &changed, &count) == 0);
	CHECK(envelope_decode(changed, count, &out) == ENVELOPE_E_DAMAGED);
	memset(queue, 'q', sizeof(queue) - 1);
	queue[sizeof(queue) - 1] = '\0';
	a = ippFindAttribute(other, VENDOR "queue", IPP_TAG_ZERO);
	CHECK(ippSetString(other, &a, 0, queue));
	CHECK(wire_encode(other, &longer, &count) == 0);
	CHECK(envelope_decode(longer, count, &out) == ENVELOPE_E_DAMAGED);
}

static void collections_nested_too_deep_are_refused(void)
{
	uint8_t message[4096] = {2, 0, 0, 5, 0, 0, 0, 1, 2};
	size_t n = 9;
	ipp_t *out = NULL;

	for (int depth = 0; depth < 100; depth++) {
		memcpy(message + n, depth ? "\x34\0\0\0\0" : "\x34\0\1x\0\0", depth ? 5 : 6);
		n += depth ? 5 : 6;
		memcpy(message + n, "\x4a\0\0\0\1m", 6);
		n += 6;
	}
	for (int depth = 0; depth < 100; depth++, n += 5)
		memcpy(message + n, "\x37\0\0\0\0", 5);
	message[n++] = 3;
	CHECK(wire_decode(message, n, &out) == WIRE_E_LIMIT);
}

int main(void)
{
	RUN(every_field_comes_back);
	RUN(longest_title_and_empty_title_come_back);
	RUN(every_truncation_is_refused);
	RUN(flipped_bits_never_crash_or_overflow);
	RUN(missing_and_too_long_attributes_are_refused);
	RUN(collections_nested_too_deep_are_refused);
	return tap_done();
}
