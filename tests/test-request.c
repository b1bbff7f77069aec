/* SPDX-License-Identifier: Apache-2.0 */
/* test-request - requests good and bad, octet by octet; no network. */
#include <stdint.h>
#include <string.h>

#include "base/auto.h"
#include "core/wire.h"
#include "ipp/request.h"
#include "tap.h"

/* ---- a request is built of octets, so that it may be as wrong as it likes ---- */

struct octets {
	uint8_t at[65536];
	size_t count;
};
static struct octets o;

static void put(const void *data, size_t count)
{
	memcpy(o.at + o.count, data, count);
	o.count += count;
}

static void put8(int v)
{
	o.at[o.count++] = (uint8_t)v;
}

static void put16(size_t v)
{
	put8((int)(v >> 8));
	put8((int)(v & 255));
}

static void start(int major, int minor, int op, uint32_t id)
{
	o.count = 0;
	put8(major);
	put8(minor);
	put16((size_t)op);
	put16(id >> 16);
	put16(id & 0xffff);
}

static void attr_raw(int tag, const char *name, const void *value, size_t count)
{
	put8(tag);
	put16(strlen(name));
	put(name, strlen(name));
	put16(count);
	put(value, count);
}

static void attr(int tag, const char *name, const char *value)
{
	attr_raw(tag, name, value, strlen(value));
}

static void attr_number(const char *name, uint32_t v)
{
	uint8_t n[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

	attr_raw(IPP_TAG_INTEGER, name, n, 4);
}

static void charset(void)
{
	put8(IPP_TAG_OPERATION);
	attr(IPP_TAG_CHARSET, "attributes-charset", "utf-8");
	attr(IPP_TAG_LANGUAGE, "attributes-natural-language", "en");
}

#define PRINTER "ipps://server/ipp/print/Office"

static void good(void)
{
	start(2, 0, IPP_OP_GET_JOBS, 5);
	charset();
	attr(IPP_TAG_URI, "printer-uri", PRINTER);
	attr(IPP_TAG_NAME, "requesting-user-name", "anna");
}

static void end(void)
{
	put8(IPP_TAG_END);
}

/* The status; a result that is bad must say why, a good one nothing. */
static int status_of(struct request *r)
{
	char why[256];
	/* A copy of just that size: what reads beyond is seen by the sanitizer. */
	AUTO(auto_free) uint8_t *copy = malloc(o.count ? o.count : 1);
	int status;

	memcpy(copy, o.at, o.count);
	status = request_read(copy, o.count, r, why, sizeof(why));
	CHECK((status == IPP_STATUS_OK) == !why[0]);
	CHECK(status != IPP_STATUS_OK || r->ipp);
	return status;
}

static int status(void)
{
	struct request r;
	int s = status_of(&r);

	ippDelete(r.ipp);
	return s;
}

/* ---- tests ---- */

static void good_request_is_read(void)
{
	struct request r;
	int minor, major;

	good();
	attr_number("job-id", 17);
	end();
	CHECK(status_of(&r) == IPP_STATUS_OK);
	CHECK(r.operation == IPP_OP_GET_JOBS && r.job_id == 17);
	CHECK(!strcmp(r.target, "/ipp/print/Office") && !strcmp(r.user, "anna"));
	major = ippGetVersion(r.ipp, &minor);
	CHECK(major == 2 && minor == 0 && ippGetRequestId(r.ipp) == 5);
	ippDelete(r.ipp);
}

static void every_truncation_is_refused(void)
{
	size_t whole;

	good();
	put8(IPP_TAG_JOB);
	attr_number("copies", 2);
	attr_raw(IPP_TAG_BEGIN_COLLECTION, "media-col", "", 0);
	attr(IPP_TAG_MEMBERNAME, "", "x");
	attr(IPP_TAG_KEYWORD, "", "y");
	attr_raw(IPP_TAG_END_COLLECTION, "", "", 0);
	end();
	CHECK(status() == IPP_STATUS_OK);
	whole = o.count;
	for (o.count = 0; o.count < whole; o.count++)
		CHECK(status() == IPP_STATUS_ERROR_BAD_REQUEST);
}

static void versions_are_checked(void)
{
	static const struct {
		int major, minor, status;
	} row[] = {{1, 0, 0}, {1, 1, 0}, {2, 0, 0}, {2, 1, 0}, {2, 2, 0}, {2, 9, 0},
		{0, 0, IPP_STATUS_ERROR_VERSION_NOT_SUPPORTED},
		{3, 0, IPP_STATUS_ERROR_VERSION_NOT_SUPPORTED},
		{255, 0, IPP_STATUS_ERROR_VERSION_NOT_SUPPORTED}};

	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		good();
		end();
		o.at[0] = (uint8_t)row[i].major;
		o.at[1] = (uint8_t)row[i].minor;
		CHECK(status() == row[i].status);
	}
}

static void request_id_is_positive(void)
{
	static const uint32_t bad[] = {0, 0x80000000U, 0xffffffffU};

	for (size_t i = 0; i < 3; i++) {
		start(2, 0, IPP_OP_GET_JOBS, bad[i]);
		charset();
		attr(IPP_TAG_URI, "printer-uri", PRINTER);
		end();
		CHECK(status() == IPP_STATUS_ERROR_BAD_REQUEST);
	}
}

static int with_charset(int tag, const char *name, const char *value, int tag2, const char *name2)
{
	start(2, 0, IPP_OP_GET_JOBS, 1);
	put8(IPP_TAG_OPERATION);
	attr(tag, name, value);
	attr(tag2, name2, "en");
	attr(IPP_TAG_URI, "printer-uri", PRINTER);
	end();
	return status();
}

static void charset_and_language_come_first(void)
{
	static const char cs[] = "attributes-charset", nl[] = "attributes-natural-language";
	const int bad = IPP_STATUS_ERROR_BAD_REQUEST;

	CHECK(with_charset(IPP_TAG_CHARSET, cs, "UTF-8", IPP_TAG_LANGUAGE, nl) == 0);
	CHECK(with_charset(IPP_TAG_CHARSET, cs, "us-ascii", IPP_TAG_LANGUAGE, nl) == 0);
	CHECK(with_charset(IPP_TAG_CHARSET, cs, "iso-8859-1", IPP_TAG_LANGUAGE, nl) ==
		IPP_STATUS_ERROR_CHARSET);
	CHECK(with_charset(IPP_TAG_KEYWORD, cs, "utf-8", IPP_TAG_LANGUAGE, nl) == bad);
	CHECK(with_charset(IPP_TAG_CHARSET, cs, "utf-8", IPP_TAG_KEYWORD, nl) == bad);
	CHECK(with_charset(IPP_TAG_CHARSET, cs, "utf-8", IPP_TAG_LANGUAGE, "x") == bad);
	CHECK(with_charset(IPP_TAG_LANGUAGE, nl, "en", IPP_TAG_CHARSET, cs) == bad);
	start(2, 0, IPP_OP_GET_JOBS, 1);
	end();
	CHECK(status() == bad);
	start(2, 0, IPP_OP_GET_JOBS, 1);
	put8(IPP_TAG_OPERATION);
	end();
	CHECK(status() == bad);
	/* Two values. */
	start(2, 0, IPP_OP_GET_JOBS, 1);
	put8(IPP_TAG_OPERATION);
	attr(IPP_TAG_CHARSET, cs, "utf-8");
	attr(IPP_TAG_CHARSET, "", "utf-8");
	attr(IPP_TAG_LANGUAGE, nl, "en");
	attr(IPP_TAG_URI, "printer-uri", PRINTER);
	end();
	CHECK(status() == bad);
}

static void operation_group_is_first_and_one(void)
{
	start(2, 0, IPP_OP_GET_JOBS, 1);
	put8(IPP_TAG_JOB);
	attr_number("copies", 1);
	charset();
	attr(IPP_TAG_URI, "printer-uri", PRINTER);
	end();
	CHECK(status() == IPP_STATUS_ERROR_BAD_REQUEST);
	good();
	put8(IPP_TAG_JOB);
	attr_number("copies", 1);
	put8(IPP_TAG_OPERATION);
	attr_number("limit", 1);
	end();
	CHECK(status() == IPP_STATUS_ERROR_BAD_REQUEST);
	good();
	put8(IPP_TAG_OPERATION);
	attr_number("limit", 1);
	end();
	CHECK(status() == IPP_STATUS_ERROR_BAD_REQUEST);
}

static void attribute_twice_is_refused(void)
{
	good();
	attr_number("limit", 1);
	attr_number("limit", 1);
	end();
	CHECK(status() == IPP_STATUS_ERROR_BAD_REQUEST);
	/* In two jobs it is not twice. */
	good();
	for (int i = 0; i < 2; i++) {
		put8(IPP_TAG_JOB);
		attr_number("copies", 1);
	}
	end();
	CHECK(status() == IPP_STATUS_OK);
}

static const struct {
	const char *name, *uri;
	int status;
	const char *target;
	int32_t job_id;
} targets[] = {
	{"printer-uri", "ipp://h/ipp/print/A", 0, "/ipp/print/A", 0},
	{"printer-uri", "IPPS://h:8631/ipp/print/A%20b", 0, "/ipp/print/A b", 0},
	{"printer-uri", "https://h/ipp/print/%C3%A4", 0, "/ipp/print/\xc3\xa4", 0},
	{"printer-uri", "http://[::1]:631/printers/A", 0, "/printers/A", 0},
	{"printer-uri", "ipp://localhost/", 0, "/", 0},
	{"system-uri", "ipps://h/ipp/system", 0, "/ipp/system", 0},
	{"job-uri", "ipps://h/ipp/print/A/17", 0, "/ipp/print/A", 17},
	{"job-uri", "ipps://h/jobs/2147483647", 0, "/jobs", 2147483647},
	{"job-uri", "ipps://h/jobs/2147483648", 1, NULL, 0},
	{"job-uri", "ipps://h/jobs/0", 1, NULL, 0},
	{"job-uri", "ipps://h/jobs/", 1, NULL, 0},
	{"job-uri", "ipps://h/17", 1, NULL, 0},
	{"job-uri", "ipps://h/jobs/1x", 1, NULL, 0},
	{"printer-uri", "ipp://h", 1, NULL, 0},
	{"printer-uri", "ipp:///ipp/print", 1, NULL, 0},
	{"printer-uri", "file:///etc/passwd", 1, NULL, 0},
	{"printer-uri", "/ipp/print/A", 1, NULL, 0},
	{"printer-uri", "", 1, NULL, 0},
	{"printer-uri", "ipp://h/ipp/print/%00", 1, NULL, 0},
	{"printer-uri", "ipp://h/ipp/print/%0a", 1, NULL, 0},
	{"printer-uri", "ipp://h/ipp/print/%4", 1, NULL, 0},
	{"printer-uri", "ipp://h/ipp/print/%", 1, NULL, 0},
	{"printer-uri", "ipp://h/ipp/print/%zz", 1, NULL, 0},
	{"printer-uri", "ipp://h/ipp/print/%ff", 1, NULL, 0},
	{"printer-uri", "ipp://h/ipp/print/../system", 1, NULL, 0},
	{"printer-uri", "ipp://h/ipp/print/%2e%2e/system", 1, NULL, 0},
	{"printer-uri", "ipp://h/ipp/./system", 1, NULL, 0},
	{"printer-uri", "ipp://h/ipp/print?a=b", 1, NULL, 0},
	{"printer-uri", "ipp://h/ipp/print#b", 1, NULL, 0},
	{"document-uri", "ipp://h/ipp/print", 1, NULL, 0},
};

static void targets_are_as_the_table_says(void)
{
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		struct request r;
		int wanted = targets[i].status ? IPP_STATUS_ERROR_BAD_REQUEST : IPP_STATUS_OK, is;

		start(2, 0, IPP_OP_GET_JOBS, 1);
		charset();
		attr(IPP_TAG_URI, targets[i].name, targets[i].uri);
		end();
		is = status_of(&r);
		CHECK(is == wanted);
		if (is != wanted)
			printf("# %s %s\n", targets[i].name, targets[i].uri);
		if (!wanted)
			CHECK(!strcmp(r.target, targets[i].target) &&
				r.job_id == targets[i].job_id);
		ippDelete(r.ipp);
	}
}

static void target_is_one(void)
{
	const int bad = IPP_STATUS_ERROR_BAD_REQUEST;
	char lengthy[1100];

	start(2, 0, IPP_OP_GET_JOBS, 1);
	charset();
	end();
	CHECK(status() == bad);
	good();
	attr(IPP_TAG_URI, "system-uri", "ipps://h/ipp/system");
	end();
	CHECK(status() == bad);
	start(2, 0, IPP_OP_GET_JOBS, 1);
	charset();
	attr(IPP_TAG_KEYWORD, "printer-uri", PRINTER);
	end();
	CHECK(status() == bad);
	start(2, 0, IPP_OP_GET_JOBS, 1);
	charset();
	attr(IPP_TAG_URI, "printer-uri", PRINTER);
	attr(IPP_TAG_URI, "", PRINTER);
	end();
	CHECK(status() == bad);
	memset(lengthy, 'a', sizeof(lengthy));
	memcpy(lengthy, "ipp://h/", 8);
	lengthy[1000] = '\0';
	start(2, 0, IPP_OP_GET_JOBS, 1);
	charset();
	attr(IPP_TAG_URI, "printer-uri", lengthy);
	end();
	CHECK(status() == bad);
	/* What libcups sends without one. */
	start(2, 0, IPP_OP_CUPS_GET_PRINTERS, 1);
	charset();
	end();
	CHECK(status() == IPP_STATUS_OK);
}

static void job_id_is_a_positive_number(void)
{
	const int bad = IPP_STATUS_ERROR_BAD_REQUEST;

	for (int i = 0; i < 2; i++) {
		good();
		attr_number("job-id", i ? 0xffffffffU : 0);
		end();
		CHECK(status() == bad);
	}
	good();
	attr(IPP_TAG_KEYWORD, "job-id", "1234");
	end();
	CHECK(status() == bad);
	start(2, 0, IPP_OP_GET_JOB_ATTRIBUTES, 1);
	charset();
	attr(IPP_TAG_URI, "job-uri", "ipps://h/jobs/3");
	attr_number("job-id", 3);
	end();
	CHECK(status() == bad);
}

static void user_is_cleaned(void)
{
	struct request r;
	static const char lang[] = "\0\2de\0\4anna";
	char lengthy[400];

	start(2, 0, IPP_OP_GET_JOBS, 1);
	charset();
	attr(IPP_TAG_URI, "printer-uri", PRINTER);
	attr(IPP_TAG_NAME, "requesting-user-name", "an\nna\xff");
	end();
	CHECK(status_of(&r) == IPP_STATUS_OK);
	CHECK(!strchr(r.user, '\n') && !strchr(r.user, '\xff') && !strncmp(r.user, "an", 2));
	ippDelete(r.ipp);

	start(2, 0, IPP_OP_GET_JOBS, 1);
	charset();
	attr(IPP_TAG_URI, "printer-uri", PRINTER);
	attr_raw(IPP_TAG_NAMELANG, "requesting-user-name", lang, sizeof(lang) - 1);
	end();
	CHECK(status_of(&r) == IPP_STATUS_OK && !strcmp(r.user, "anna"));
	ippDelete(r.ipp);

	memset(lengthy, 'a', sizeof(lengthy) - 1);
	lengthy[399] = '\0';
	start(2, 0, IPP_OP_GET_JOBS, 1);
	charset();
	attr(IPP_TAG_URI, "printer-uri", PRINTER);
	attr(IPP_TAG_NAME, "requesting-user-name", lengthy);
	end();
	CHECK(status_of(&r) == IPP_STATUS_OK && strlen(r.user) < sizeof(r.user));
	ippDelete(r.ipp);

	start(2, 0, IPP_OP_GET_JOBS, 1);
	charset();
	attr(IPP_TAG_URI, "printer-uri", PRINTER);
	attr_number("requesting-user-name", 5);
	end();
	CHECK(status() == IPP_STATUS_ERROR_BAD_REQUEST);
}

static void nesting_and_numbers_have_bounds(void)
{
	char name[32];

	for (int depth = 1; depth < 40; depth++) {
		good();
		put8(IPP_TAG_JOB);
		attr_raw(IPP_TAG_BEGIN_COLLECTION, "c", "", 0);
		for (int i = 1; i < depth; i++) {
			attr(IPP_TAG_MEMBERNAME, "", "m");
			attr_raw(IPP_TAG_BEGIN_COLLECTION, "", "", 0);
		}
		for (int i = 0; i < depth; i++)
			attr_raw(IPP_TAG_END_COLLECTION, "", "", 0);
		end();
		CHECK(status() == (depth <= WIRE_MAX_DEPTH ? 0 : IPP_STATUS_ERROR_REQUEST_ENTITY));
	}
	good();
	put8(IPP_TAG_JOB);
	for (int i = 0; i < 4100; i++) {
		snprintf(name, sizeof(name), "a%d", i);
		attr_number(name, 1);
	}
	end();
	CHECK(status() == IPP_STATUS_ERROR_REQUEST_ENTITY);
	good();
	for (int i = 0; i < 150; i++) {
		snprintf(name, sizeof(name), "a%d", i);
		attr_number(name, 1);
	}
	end();
	CHECK(status() == IPP_STATUS_ERROR_REQUEST_ENTITY);
}

static void answer_has_number_version_and_charset(void)
{
	static const struct {
		int major, minor, to_major, to_minor;
	} row[] = {
		{1, 0, 1, 0}, {1, 1, 1, 1}, {1, 9, 1, 1}, {2, 0, 2, 0}, {2, 2, 2, 2}, {2, 7, 2, 0}};

	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		ipp_t *request = ippNewRequest(IPP_OP_GET_JOBS), *answer;
		int minor = -1;

		ippSetVersion(request, row[i].major, row[i].minor);
		ippSetRequestId(request, 99);
		answer = request_answer(request, IPP_STATUS_ERROR_NOT_FOUND);
		CHECK(ippGetVersion(answer, &minor) == row[i].to_major && minor == row[i].to_minor);
		CHECK(ippGetRequestId(answer) == 99);
		CHECK(ippGetStatusCode(answer) == IPP_STATUS_ERROR_NOT_FOUND);
		CHECK(!strcmp(ippGetName(ippFirstAttribute(answer)), "attributes-charset"));
		CHECK(!strcmp(ippGetName(ippNextAttribute(answer)), "attributes-natural-language"));
		ippDelete(request);
		ippDelete(answer);
	}
	ippDelete(request_answer(NULL, IPP_STATUS_OK));
}

/* Each octet of a good request, changed in several ways: an answer, and nothing worse. */
static void changed_octets_do_no_harm(void)
{
	size_t whole, good_ones = 0;

	good();
	attr_number("job-id", 17);
	attr_raw(IPP_TAG_BEGIN_COLLECTION, "media-col", "", 0);
	attr(IPP_TAG_MEMBERNAME, "", "x");
	attr(IPP_TAG_KEYWORD, "", "y");
	attr_raw(IPP_TAG_END_COLLECTION, "", "", 0);
	end();
	whole = o.count;
	for (size_t i = 0; i < whole; i++)
		for (int v = 0; v < 256; v += 5) {
			uint8_t was = o.at[i];

			o.at[i] = (uint8_t)v;
			good_ones += status() == IPP_STATUS_OK;
			o.at[i] = was;
		}
	CHECK(good_ones > 0 && good_ones < whole * 52);
}

int main(void)
{
	RUN(good_request_is_read);
	RUN(every_truncation_is_refused);
	RUN(versions_are_checked);
	RUN(request_id_is_positive);
	RUN(charset_and_language_come_first);
	RUN(operation_group_is_first_and_one);
	RUN(attribute_twice_is_refused);
	RUN(targets_are_as_the_table_says);
	RUN(target_is_one);
	RUN(job_id_is_a_positive_number);
	RUN(user_is_cleaned);
	RUN(nesting_and_numbers_have_bounds);
	RUN(answer_has_number_version_and_charset);
	RUN(changed_octets_do_no_harm);
	return tap_done();
}
