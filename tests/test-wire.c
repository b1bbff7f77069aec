/* SPDX-License-Identifier: Apache-2.0 */
/* test-wire - IPP from bytes and back; damage, excess and truncation are answered, never believed. */
#include "core/wire.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/auto.h"
#include "tap.h"

/* A message being written by hand. */
struct draft {
	uint8_t *at, *octets;
	size_t size;
};

static struct draft draft_new(void)
{
	static const uint8_t head[] = {2, 0, 0, 0, 0, 0, 0, 1, 0x01};
	struct draft d = {.size = 4 * 1024 * 1024};

	d.octets = malloc(d.size);
	memcpy(d.octets, head, sizeof(head));
	d.at = d.octets + sizeof(head);
	return d;
}

static void put(struct draft *d, uint8_t tag, const char *name, const void *value, size_t size)
{
	size_t length = strlen(name);

	*d->at++ = tag;
	*d->at++ = (uint8_t)(length >> 8);
	*d->at++ = (uint8_t)length;
	memcpy(d->at, name, length);
	d->at += length;
	*d->at++ = (uint8_t)(size >> 8);
	*d->at++ = (uint8_t)size;
	if (size)
		memcpy(d->at, value, size);
	d->at += size;
}

static int decoded(struct draft *d)
{
	AUTO(wire_deletep) ipp_t *ipp = NULL;
	int rc;

	*d->at++ = 0x03;
	rc = wire_decode(d->octets, (size_t)(d->at - d->octets), &ipp);
	free(d->octets);
	return rc;
}

static ipp_t *sample(void)
{
	ipp_t *ipp = ippNewRequest(IPP_OP_PRINT_JOB), *col = ippNew(), *size = ippNew();

	ippAddString(ipp, IPP_TAG_OPERATION, IPP_TAG_NAME, "job-name", NULL,
		"title \xff\x01 of any octets");
	ippAddRange(ipp, IPP_TAG_JOB, "page-ranges", 1, 7);
	ippAddResolution(ipp, IPP_TAG_JOB, "printer-resolution", IPP_RES_PER_INCH, 600, 600);
	ippAddInteger(size, IPP_TAG_ZERO, IPP_TAG_INTEGER, "x-dimension", 21000);
	ippAddInteger(size, IPP_TAG_ZERO, IPP_TAG_INTEGER, "y-dimension", 29700);
	ippAddCollection(col, IPP_TAG_ZERO, "media-size", size);
	ippAddString(col, IPP_TAG_ZERO, IPP_TAG_KEYWORD, "media-source", NULL, "tray-1");
	ippAddCollection(ipp, IPP_TAG_JOB, "media-col", col);
	ippDelete(size);
	ippDelete(col);
	return ipp;
}

static void message_survives_the_way_there_and_back(void)
{
	AUTO(wire_deletep) ipp_t *ipp = sample(), *back = NULL;
	AUTO(auto_free) void *first = NULL;
	AUTO(auto_free) void *second = NULL;
	size_t one, two;

	CHECK(!wire_encode(ipp, &first, &one));
	CHECK(!wire_decode(first, one, &back));
	CHECK(!wire_encode(back, &second, &two));
	CHECK(one == two && !memcmp(first, second, one));
	/* An encoded message can be encoded once more. */
	free(second);
	CHECK(!wire_encode(ipp, &second, &two));
	CHECK(one == two && !memcmp(first, second, one));
	CHECK(!strcmp(ippGetString(ippFindAttribute(back, "job-name", IPP_TAG_ZERO), 0, NULL),
		"title \xff\x01 of any octets"));
}

static void every_truncation_is_damage(void)
{
	AUTO(wire_deletep) ipp_t *ipp = sample();
	AUTO(auto_free) void *octets = NULL;
	size_t count;

	CHECK(!wire_encode(ipp, &octets, &count));
	for (size_t n = 0; n < count; n++) {
		/* A copy of just that size: reading past it is seen by the sanitizer. */
		void *part = malloc(n ? n : 1);
		ipp_t *out = NULL;

		memcpy(part, octets, n);
		CHECK(wire_decode(part, n, &out) == WIRE_E_DAMAGED && !out);
		free(part);
	}
}

static void every_flipped_octet_is_answered(void)
{
	AUTO(wire_deletep) ipp_t *ipp = sample();
	AUTO(auto_free) void *octets = NULL;
	size_t count, good = 0;

	CHECK(!wire_encode(ipp, &octets, &count));
	for (size_t at = 0; at < count; at++)
		for (int value = 0; value < 256; value++) {
			uint8_t *copy = malloc(count);
			ipp_t *out = NULL;
			int rc;

			memcpy(copy, octets, count);
			copy[at] = (uint8_t)value;
			rc = wire_decode(copy, count, &out);
			if (rc != 0 && rc != WIRE_E_DAMAGED)
				CHECK(rc == WIRE_E_LIMIT);
			good += !rc;
			ippDelete(out);
			free(copy);
		}
	CHECK(good > 0);
}

static void other_files_are_damage(void)
{
	static const char *const texts[] = {
		"", "%PDF-1.7\n%...", "<html><body>hello</body></html>", "HTTP/1.1 200 OK"};
	ipp_t *out = NULL;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		CHECK(wire_decode(texts[i], strlen(texts[i]), &out) == WIRE_E_DAMAGED);
}

static void attributes_are_limited(void)
{
	for (int over = 0; over < 2; over++) {
		struct draft d = draft_new();

		for (int i = 0; i < WIRE_MAX_ATTRIBUTES + over; i++)
			put(&d, IPP_TAG_KEYWORD, "a-name", "x", 1);
		CHECK(decoded(&d) == (over ? WIRE_E_LIMIT : 0));
	}
}

static void values_are_limited(void)
{
	for (int over = 0; over < 2; over++) {
		struct draft d = draft_new();

		put(&d, IPP_TAG_KEYWORD, "a-name", "x", 1);
		for (int i = 1; i < WIRE_MAX_VALUES + over; i++)
			put(&d, IPP_TAG_KEYWORD, "", "x", 1);
		CHECK(decoded(&d) == (over ? WIRE_E_LIMIT : 0));
	}
}

static void nesting_is_limited(void)
{
	static const int depths[] = {1, WIRE_MAX_DEPTH, WIRE_MAX_DEPTH + 1, 50000};

	for (size_t n = 0; n < sizeof(depths) / sizeof(depths[0]); n++) {
		struct draft d = draft_new();

		put(&d, IPP_TAG_BEGIN_COLLECTION, "a-col", "", 0);
		for (int i = 1; i < depths[n]; i++) {
			put(&d, IPP_TAG_MEMBERNAME, "", "m", 1);
			put(&d, IPP_TAG_BEGIN_COLLECTION, "", "", 0);
		}
		for (int i = 0; i < depths[n]; i++)
			put(&d, IPP_TAG_END_COLLECTION, "", "", 0);
		CHECK(decoded(&d) == (depths[n] > WIRE_MAX_DEPTH ? WIRE_E_LIMIT : 0));
	}
}

static void size_is_limited(void)
{
	static char long_value[30000];
	struct draft d = draft_new();

	put(&d, IPP_TAG_STRING, "a-name", "x", 1);
	for (int i = 0; i < 40; i++)
		put(&d, IPP_TAG_STRING, "", long_value, sizeof(long_value));
	CHECK(decoded(&d) == WIRE_E_LIMIT);
}

static void misplaced_tags_are_damage(void)
{
	struct draft d = draft_new();

	put(&d, IPP_TAG_KEYWORD, "", "x", 1); /* a value of nothing */
	CHECK(decoded(&d) == WIRE_E_DAMAGED);
	d = draft_new();
	put(&d, IPP_TAG_END_COLLECTION, "x", "", 0);
	CHECK(decoded(&d) == WIRE_E_DAMAGED);
	d = draft_new();
	put(&d, IPP_TAG_MEMBERNAME, "x", "m", 1);
	CHECK(decoded(&d) == WIRE_E_DAMAGED);
	d = draft_new();
	put(&d, IPP_TAG_BEGIN_COLLECTION, "a-col", "", 0); /* never closed */
	CHECK(decoded(&d) == WIRE_E_DAMAGED);
	d = draft_new();
	put(&d, IPP_TAG_BEGIN_COLLECTION, "a-col", "", 0);
	*d.at++ = IPP_TAG_JOB; /* a group inside */
	put(&d, IPP_TAG_END_COLLECTION, "", "", 0);
	CHECK(decoded(&d) == WIRE_E_DAMAGED);
	d = draft_new();
	put(&d, IPP_TAG_EXTENSION, "x", "\x00\x00\x00\x01", 4);
	CHECK(decoded(&d) == WIRE_E_DAMAGED);
	d = draft_new();
	put(&d, IPP_TAG_INTEGER, "x", "\x00\x00\x01", 3); /* too short */
	CHECK(decoded(&d) == WIRE_E_DAMAGED);
}

int main(void)
{
	RUN(message_survives_the_way_there_and_back);
	RUN(every_truncation_is_damage);
	RUN(every_flipped_octet_is_answered);
	RUN(other_files_are_damage);
	RUN(attributes_are_limited);
	RUN(values_are_limited);
	RUN(nesting_is_limited);
	RUN(size_is_limited);
	RUN(misplaced_tags_are_damage);
	return tap_done();
}
