/* SPDX-License-Identifier: Apache-2.0 */
/* test-target - answers of printers read and judged; tickets cut down to what a target can do. */
#include "ipp/target.h"

#include <string.h>

#include "base/auto.h"
#include "core/wire.h"
#include "tap.h"

static const char uri[] = "ipp://printer.example/ipp/print";

/* ---- requests ---- */

static void requests_begin_as_the_rfc_wants(void)
{
	static const char *const order[] = {"attributes-charset", "attributes-natural-language",
		"printer-uri", "job-id", "requesting-user-name"};
	AUTO(wire_deletep) ipp_t *ipp = target_job_request(IPP_OP_CANCEL_JOB, uri, 42, "anna");
	ipp_attribute_t *attr = ippFirstAttribute(ipp);

	CHECK(ippGetOperation(ipp) == IPP_OP_CANCEL_JOB);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++, attr = ippNextAttribute(ipp))
		CHECK(attr && ippGetName(attr) && !strcmp(ippGetName(attr), order[i]));
	ippDelete(ipp);
	ipp = target_request(IPP_OP_GET_PRINTER_ATTRIBUTES, uri, "");
	CHECK(!ippFindAttribute(ipp, "requesting-user-name", IPP_TAG_ZERO));
}

/* ---- health ---- */

static enum target_health health(enum client_fault fault, long http, int status)
{
	const struct client_reply reply = {
		.fault = fault, .http_status = http, .status = (ipp_status_t)status};

	return target_classify(&reply);
}

static void every_end_of_a_call_has_its_class(void)
{
	CHECK(health(CLIENT_REFUSED, 0, 0) == TARGET_UNREACHABLE);
	CHECK(health(CLIENT_NO_ROUTE, 0, 0) == TARGET_UNREACHABLE);
	CHECK(health(CLIENT_SILENT, 0, 0) == TARGET_UNREACHABLE);
	CHECK(health(CLIENT_CUT, 0, 0) == TARGET_UNREACHABLE);
	CHECK(health(CLIENT_TLS, 0, 0) == TARGET_DEGRADED);
	CHECK(health(CLIENT_PIN, 0, 0) == TARGET_CERTIFICATE);
	CHECK(health(CLIENT_AUTH, 401, 0) == TARGET_AUTH);
	CHECK(health(CLIENT_AUTH, 403, 0) == TARGET_AUTH);
	CHECK(health(CLIENT_HTTP, 404, 0) == TARGET_REFUSING);
	CHECK(health(CLIENT_HTTP, 426, 0) == TARGET_REFUSING);
	CHECK(health(CLIENT_HTTP, 302, 0) == TARGET_REFUSING);
	CHECK(health(CLIENT_HTTP, 500, 0) == TARGET_DEGRADED);
	CHECK(health(CLIENT_HTTP, 503, 0) == TARGET_DEGRADED);
	CHECK(health(CLIENT_GARBAGE, 200, 0) == TARGET_DEGRADED);
	CHECK(health(CLIENT_BODY, 0, 0) == TARGET_DEGRADED);
}

static void every_ipp_status_has_its_class(void)
{
	CHECK(health(CLIENT_OK, 200, 0x0000) == TARGET_OK);
	CHECK(health(CLIENT_OK, 200, 0x0001) == TARGET_OK);
	CHECK(health(CLIENT_OK, 200, 0x0400) == TARGET_REFUSING);
	CHECK(health(CLIENT_OK, 200, 0x0401) == TARGET_AUTH);
	CHECK(health(CLIENT_OK, 200, 0x0402) == TARGET_AUTH);
	CHECK(health(CLIENT_OK, 200, 0x0403) == TARGET_AUTH);
	CHECK(health(CLIENT_OK, 200, 0x0406) == TARGET_REFUSING);
	CHECK(health(CLIENT_OK, 200, 0x0500) == TARGET_DEGRADED);
	CHECK(health(CLIENT_OK, 200, 0x0502) == TARGET_DEGRADED);
	CHECK(health(CLIENT_OK, 200, 0x0505) == TARGET_DEGRADED);
	CHECK(health(CLIENT_OK, 200, 0x0506) == TARGET_REFUSING);
	CHECK(health(CLIENT_OK, 200, 0x0507) == TARGET_OK);
	CHECK(!strcmp(target_health_name(TARGET_OK), "ok") &&
		!strcmp(target_health_name(TARGET_UNREACHABLE), "unreachable"));
}

static void printer_that_takes_no_jobs_is_refusing(void)
{
	AUTO(wire_deletep) ipp_t *answer = ippNew();
	const struct client_reply reply = {
		.fault = CLIENT_OK, .ipp = answer, .status = IPP_STATUS_OK};

	CHECK(target_classify(&reply) == TARGET_OK);
	ippAddBoolean(answer, IPP_TAG_PRINTER, "printer-is-accepting-jobs", 0);
	CHECK(target_classify(&reply) == TARGET_REFUSING);
}

/* ---- answers ---- */

static ipp_t *queue_answer(const char *model, const char *device)
{
	static const char *const reasons[] = {
		"media-empty-error", "toner-low-report", "none", "cover-open"};
	static const char *const formats[] = {"image/urf", "application/pdf"};
	static const int operations[] = {IPP_OP_PRINT_JOB, IPP_OP_CREATE_JOB, IPP_OP_SEND_DOCUMENT};
	ipp_t *answer = ippNew();

	ippAddString(answer, IPP_TAG_PRINTER, IPP_TAG_TEXT, "printer-make-and-model", NULL, model);
	ippAddString(answer, IPP_TAG_PRINTER, IPP_TAG_TEXT, "printer-info", NULL, "Hall \x1b[31m");
	if (device)
		ippAddString(answer, IPP_TAG_PRINTER, IPP_TAG_URI, "device-uri", NULL, device);
	ippAddString(answer, IPP_TAG_PRINTER, IPP_TAG_URI, "printer-uuid", NULL, "urn:uuid:1");
	ippAddStrings(answer, IPP_TAG_PRINTER, IPP_TAG_KEYWORD, "printer-state-reasons", 4, NULL,
		reasons);
	ippAddStrings(answer, IPP_TAG_PRINTER, IPP_TAG_MIMETYPE, "document-format-supported", 2,
		NULL, formats);
	ippAddIntegers(
		answer, IPP_TAG_PRINTER, IPP_TAG_ENUM, "operations-supported", 3, operations);
	ippAddInteger(answer, IPP_TAG_PRINTER, IPP_TAG_ENUM, "printer-state", 5);
	ippAddInteger(answer, IPP_TAG_PRINTER, IPP_TAG_INTEGER, "printer-up-time", 77);
	ippAddBoolean(answer, IPP_TAG_PRINTER, "printer-is-accepting-jobs", 1);
	ippAddString(answer, IPP_TAG_PRINTER, IPP_TAG_KEYWORD, "job-hold-until-default", NULL,
		device ? "indefinite" : "no-hold");
	return answer;
}

static void printer_is_read(void)
{
	AUTO(wire_deletep) ipp_t *answer = queue_answer("Laser 3000", NULL);
	struct target_info info;

	target_read(answer, &info);
	CHECK(info.pdf && info.accepting && info.create_job && info.state == 5 &&
		info.up_time_s == 77);
	CHECK(!strcmp(info.reasons, "media-empty-error,cover-open"));
	CHECK(!strncmp(info.name, "Hall ", 5) && !strchr(info.name, '\x1b'));
	CHECK(!strcmp(info.make_model, "Laser 3000") && !strcmp(info.uuid, "urn:uuid:1"));
	CHECK(!info.stillprint && !info.is_server && !info.holds && !info.device_uri[0]);
}

static void server_queue_is_read(void)
{
	AUTO(wire_deletep) ipp_t *answer = queue_answer("Laser 3000", "socket://10.1.2.3");
	struct target_info info;

	target_read(answer, &info);
	CHECK(info.is_server && info.holds && !info.stillprint);
	CHECK(!strcmp(info.device_uri, "socket://10.1.2.3"));
}

/* Many servers do not tell the device-uri to everybody. */
static void server_is_known_by_other_signs(void)
{
	static const char *const signs[] = {"printer-type", "cups-version"};

	for (size_t i = 0; i < 2; i++) {
		AUTO(wire_deletep) ipp_t *answer = queue_answer("Laser 3000", NULL);
		struct target_info info;

		ippAddInteger(answer, IPP_TAG_PRINTER, IPP_TAG_ENUM, signs[i], 4);
		target_read(answer, &info);
		CHECK(info.is_server && !info.device_uri[0]);
	}
}

static void way_back_to_us_is_seen(void)
{
	AUTO(wire_deletep) ipp_t *model = queue_answer("Acme Stillprint Queue, 1.0", NULL);
	AUTO(wire_deletep) ipp_t *device = queue_answer("Laser 3000", "stillprint:office");
	struct target_info info;

	target_read(model, &info);
	CHECK(info.stillprint);
	target_read(device, &info);
	CHECK(info.stillprint);
}

/* Each attribute that we look at, in each syntax there is. */
static void wrong_syntaxes_do_no_harm(void)
{
	for (int kind = 0; kind < 7; kind++) {
		AUTO(wire_deletep) ipp_t *answer = ippNew();
		AUTO(wire_deletep) ipp_t *request = ippNew();
		AUTO(wire_deletep) ipp_t *ticket = ippNew();
		AUTO(wire_deletep) ipp_t *col = ippNew();
		struct target_info info;
		struct target_job job;
		char dropped[300];

		for (int i = 0; i < target_attribute_count + target_job_requested_count; i++) {
			const char *name =
				i < target_attribute_count
					? target_attributes[i]
					: target_job_requested[i - target_attribute_count];
			const char *end = strstr(name, "-supported");
			char plain[64];

			snprintf(plain, sizeof(plain), "%.*s",
				end ? (int)(end - name) : (int)strlen(name), name);
			for (int side = 0; side < 3; side++) {
				ipp_t *ipp = side ? answer : ticket;
				ipp_tag_t group = side == 1 ? IPP_TAG_PRINTER : IPP_TAG_JOB;
				const char *as = side ? name : plain;

				if (kind == 0)
					ippAddInteger(ipp, group, IPP_TAG_INTEGER, as, -1);
				else if (kind == 1)
					ippAddBoolean(ipp, group, as, 0);
				else if (kind == 2)
					ippAddString(ipp, group, IPP_TAG_TEXT, as, NULL, "");
				else if (kind == 3)
					ippAddOutOfBand(ipp, group, IPP_TAG_NOVALUE, as);
				else if (kind == 4)
					ippAddCollection(ipp, group, as, col);
				else if (kind == 5)
					ippAddOctetString(ipp, group, as, "\xff\x00\xff", 3);
				else
					ippAddRange(ipp, group, as, 5, -5);
			}
		}
		target_read(answer, &info);
		target_read_job(answer, &job);
		CHECK(!info.pdf && !info.create_job && !info.stillprint);
		CHECK(target_add_job_attributes(
			      request, ticket, answer, dropped, sizeof(dropped)) == 0);
	}
}

static void job_is_read(void)
{
	AUTO(wire_deletep) ipp_t *answer = ippNew();
	struct target_job job;

	target_read_job(answer, &job);
	CHECK(job.state == 0 && job.impressions == -1 && job.sheets == -1 && job.documents == -1 &&
		!job.name[0]);
	ippAddInteger(answer, IPP_TAG_JOB, IPP_TAG_ENUM, "job-state", 9);
	ippAddString(answer, IPP_TAG_JOB, IPP_TAG_KEYWORD, "job-state-reasons", NULL,
		"job-completed-successfully");
	ippAddString(answer, IPP_TAG_JOB, IPP_TAG_NAME, "job-name", NULL, "a title [#1a2b3c4d]");
	ippAddString(answer, IPP_TAG_JOB, IPP_TAG_URI, "job-uuid", NULL, "urn:uuid:2");
	ippAddInteger(answer, IPP_TAG_JOB, IPP_TAG_INTEGER, "job-impressions-completed", 0);
	ippAddOutOfBand(answer, IPP_TAG_JOB, IPP_TAG_UNKNOWN, "job-media-sheets-completed");
	ippAddInteger(answer, IPP_TAG_JOB, IPP_TAG_INTEGER, "number-of-documents", 1);
	target_read_job(answer, &job);
	CHECK(job.state == 9 && job.impressions == 0 && job.sheets == -1 && job.documents == 1);
	CHECK(!strcmp(job.reasons, "job-completed-successfully") &&
		!strcmp(job.name, "a title [#1a2b3c4d]"));
	CHECK(!strcmp(job.uuid, "urn:uuid:2"));
}

/* ---- tickets ---- */

static ipp_t *size_of(int x, int y)
{
	ipp_t *size = ippNew();

	ippAddInteger(size, IPP_TAG_ZERO, IPP_TAG_INTEGER, "x-dimension", x);
	ippAddInteger(size, IPP_TAG_ZERO, IPP_TAG_INTEGER, "y-dimension", y);
	return size;
}

/* An office MFP that can do nearly all. */
static ipp_t *mfp(void)
{
	static const char *const sides[] = {"one-sided", "two-sided-long-edge"};
	static const char *const handling[] = {
		"separate-documents-uncollated-copies", "separate-documents-collated-copies"};
	static const char *const media[] = {"iso_a4_210x297mm", "na_letter_8.5x11in"};
	static const char *const members[] = {
		"media-size", "media-source", "media-type", "media-left-margin"};
	static const char *const colors[] = {"auto", "color", "monochrome"};
	static const int finishings[] = {3, 4, 20}, qualities[] = {4, 5},
			 resolutions[] = {300, 600}, margins[] = {0, 423};
	ipp_t *printer = ippNew();
	ipp_attribute_t *sizes;
	ipp_t *values[3] = {size_of(21000, 29700), size_of(21590, 27940), ippNew()};

	ippAddRange(printer, IPP_TAG_PRINTER, "copies-supported", 1, 99);
	ippAddStrings(printer, IPP_TAG_PRINTER, IPP_TAG_KEYWORD, "sides-supported", 2, NULL, sides);
	ippAddStrings(printer, IPP_TAG_PRINTER, IPP_TAG_KEYWORD,
		"multiple-document-handling-supported", 2, NULL, handling);
	ippAddStrings(printer, IPP_TAG_PRINTER, IPP_TAG_KEYWORD, "media-supported", 2, NULL, media);
	ippAddStrings(
		printer, IPP_TAG_PRINTER, IPP_TAG_KEYWORD, "media-col-supported", 4, NULL, members);
	ippAddString(printer, IPP_TAG_PRINTER, IPP_TAG_KEYWORD, "media-source-supported", NULL,
		"tray-2");
	ippAddString(
		printer, IPP_TAG_PRINTER, IPP_TAG_KEYWORD, "media-type-supported", NULL, "labels");
	ippAddIntegers(printer, IPP_TAG_PRINTER, IPP_TAG_INTEGER, "media-left-margin-supported", 2,
		margins);
	ippAddStrings(printer, IPP_TAG_PRINTER, IPP_TAG_KEYWORD, "print-color-mode-supported", 3,
		NULL, colors);
	ippAddIntegers(
		printer, IPP_TAG_PRINTER, IPP_TAG_ENUM, "finishings-supported", 3, finishings);
	ippAddIntegers(
		printer, IPP_TAG_PRINTER, IPP_TAG_ENUM, "print-quality-supported", 2, qualities);
	ippAddString(printer, IPP_TAG_PRINTER, IPP_TAG_KEYWORD, "output-bin-supported", NULL,
		"face-down");
	ippAddResolutions(printer, IPP_TAG_PRINTER, "printer-resolution-supported", 2,
		IPP_RES_PER_INCH, resolutions, resolutions);
	ippAddRange(values[2], IPP_TAG_ZERO, "x-dimension", 7000, 21590);
	ippAddRange(values[2], IPP_TAG_ZERO, "y-dimension", 12000, 40000);
	sizes = ippAddCollections(
		printer, IPP_TAG_PRINTER, "media-size-supported", 3, (const ipp_t **)values);
	CHECK(sizes != NULL);
	for (size_t i = 0; i < 3; i++)
		ippDelete(values[i]);
	return printer;
}

/* A printer of the plainest sort: a name for its paper, and nothing else. */
static ipp_t *plain_printer(void)
{
	static const char *const media[] = {"iso_a4_210x297mm", "na_letter_8.5x11in"};
	ipp_t *printer = ippNew();

	ippAddRange(printer, IPP_TAG_PRINTER, "copies-supported", 1, 1);
	ippAddStrings(printer, IPP_TAG_PRINTER, IPP_TAG_KEYWORD, "media-supported", 2, NULL, media);
	return printer;
}

static ipp_t *full_ticket(void)
{
	static const int finishings[] = {20, 90};
	ipp_t *ticket = ippNew(), *col = ippNew(), *size = size_of(21000, 29700);

	ippAddInteger(ticket, IPP_TAG_JOB, IPP_TAG_INTEGER, "copies", 3);
	ippAddString(ticket, IPP_TAG_JOB, IPP_TAG_KEYWORD, "multiple-document-handling", NULL,
		"separate-documents-uncollated-copies");
	ippAddString(ticket, IPP_TAG_JOB, IPP_TAG_KEYWORD, "sides", NULL, "two-sided-long-edge");
	ippAddCollection(col, IPP_TAG_ZERO, "media-size", size);
	ippAddInteger(col, IPP_TAG_ZERO, IPP_TAG_INTEGER, "media-left-margin", 423);
	ippAddString(col, IPP_TAG_ZERO, IPP_TAG_KEYWORD, "media-source", NULL, "tray-2");
	ippAddCollection(ticket, IPP_TAG_JOB, "media-col", col);
	ippAddString(ticket, IPP_TAG_JOB, IPP_TAG_KEYWORD, "print-color-mode", NULL, "monochrome");
	ippAddInteger(ticket, IPP_TAG_JOB, IPP_TAG_ENUM, "print-quality", 5);
	ippAddIntegers(ticket, IPP_TAG_JOB, IPP_TAG_ENUM, "finishings", 2, finishings);
	ippAddString(ticket, IPP_TAG_JOB, IPP_TAG_KEYWORD, "output-bin", NULL, "face-down");
	ippAddResolution(ticket, IPP_TAG_JOB, "printer-resolution", IPP_RES_PER_INCH, 600, 600);
	ippAddRange(ticket, IPP_TAG_JOB, "page-ranges", 1, 2);
	ippAddInteger(ticket, IPP_TAG_JOB, IPP_TAG_INTEGER, "number-up", 2);
	ippDelete(size);
	ippDelete(col);
	return ticket;
}

/* The job group as "name=value;…". */
static const char *put_together(ipp_t *ticket, ipp_t *printer, char *dropped, size_t size)
{
	static char all[2048];
	AUTO(wire_deletep) ipp_t *request = target_request(IPP_OP_CREATE_JOB, uri, "anna");
	char value[512];

	all[0] = '\0';
	CHECK(target_add_job_attributes(request, ticket, printer, dropped, size) == 0);
	for (ipp_attribute_t *attr = ippFirstAttribute(request); attr;
		attr = ippNextAttribute(request)) {
		if (ippGetGroupTag(attr) != IPP_TAG_JOB)
			continue;
		ippAttributeString(attr, value, sizeof(value));
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s=%s;", ippGetName(attr),
			value);
	}
	return all;
}

static void able_printer_gets_all_but_page_options(void)
{
	AUTO(wire_deletep) ipp_t *ticket = full_ticket(), *printer = mfp();
	char dropped[300];
	const char *all = put_together(ticket, printer, dropped, sizeof(dropped));

	CHECK(!strcmp(all,
		"copies=3;multiple-document-handling=separate-documents-uncollated-copies;"
		"sides=two-sided-long-edge;"
		"media-col={media-size={x-dimension=21000 y-dimension=29700} media-left-margin=423 "
		"media-source=tray-2};"
		"print-color-mode=monochrome;print-quality=high;finishings=staple-top-left;"
		"output-bin=face-down;printer-resolution=600dpi;"));
	CHECK(!strcmp(dropped, "finishings"));
}

static void plain_printer_gets_little_and_the_rest_is_named(void)
{
	AUTO(wire_deletep) ipp_t *ticket = full_ticket(), *printer = plain_printer();
	char dropped[300], little[32];
	const char *all = put_together(ticket, printer, dropped, sizeof(dropped));

	CHECK(!strcmp(all, "media=iso_a4_210x297mm;"));
	CHECK(!strcmp(dropped,
		"copies,sides,media-source,print-color-mode,print-quality,finishings,output-bin,printer-resolution"));
	put_together(ticket, printer, little, sizeof(little));
	CHECK(!strcmp(little, "copies,sides,media-source"));
}

static void empty_ticket_asks_for_nothing(void)
{
	AUTO(wire_deletep) ipp_t *ticket = ippNew(), *printer = mfp();
	char dropped[300];

	CHECK(!put_together(ticket, printer, dropped, sizeof(dropped))[0]);
	CHECK(!dropped[0]);
}

static void copies_lie_collated_if_nothing_is_said(void)
{
	AUTO(wire_deletep) ipp_t *ticket = ippNew(), *printer = mfp();
	ipp_attribute_t *copies = ippAddInteger(ticket, IPP_TAG_JOB, IPP_TAG_INTEGER, "copies", 2);
	char dropped[300];

	CHECK(!strcmp(put_together(ticket, printer, dropped, sizeof(dropped)),
		"copies=2;multiple-document-handling=separate-documents-collated-copies;"));
	ippSetInteger(ticket, &copies, 0, 1);
	CHECK(!put_together(ticket, printer, dropped, sizeof(dropped))[0]);
	ippSetInteger(ticket, &copies, 0, 1000);
	CHECK(!strncmp(put_together(ticket, printer, dropped, sizeof(dropped)), "copies=99;", 10));
	CHECK(!strcmp(dropped, "copies"));
	ippSetInteger(ticket, &copies, 0, -5);
	CHECK(!put_together(ticket, printer, dropped, sizeof(dropped))[0]);
}

static const char *media_of(ipp_t *printer, const char *word, int x, int y, char *dropped)
{
	AUTO(wire_deletep) ipp_t *ticket = ippNew();

	if (word) {
		ippAddString(ticket, IPP_TAG_JOB, IPP_TAG_KEYWORD, "media", NULL, word);
	} else {
		AUTO(wire_deletep) ipp_t *col = ippNew(), *size = size_of(x, y);

		ippAddCollection(col, IPP_TAG_ZERO, "media-size", size);
		ippAddCollection(ticket, IPP_TAG_JOB, "media-col", col);
	}
	return put_together(ticket, printer, dropped, 300);
}

static void media_go_in_the_words_of_the_target(void)
{
	static const char a4[] = "media-col={media-size={x-dimension=21000 y-dimension=29700}};";
	AUTO(wire_deletep) ipp_t *able = mfp(), *plain = plain_printer();
	char dropped[300];

	CHECK(!strcmp(media_of(able, "iso_a4_210x297mm", 0, 0, dropped), a4));
	CHECK(!strcmp(media_of(able, NULL, 21000, 29700, dropped), a4));
	CHECK(!strcmp(media_of(able, NULL, 20990, 29704, dropped), a4)); /* rounded by a driver */
	CHECK(!strcmp(media_of(plain, NULL, 20990, 29704, dropped), "media=iso_a4_210x297mm;"));
	CHECK(!strcmp(
		media_of(plain, "na_letter_8.5x11in", 0, 0, dropped), "media=na_letter_8.5x11in;"));
	/* Letter is not A4, though not far from it. */
	CHECK(strstr(media_of(able, NULL, 21590, 27940, dropped), "y-dimension=27940"));
	CHECK(!strcmp(media_of(plain, NULL, 21590, 27940, dropped), "media=na_letter_8.5x11in;"));
	/* A size of its own is in the range of one and unknown to the other. */
	CHECK(!strcmp(media_of(able, "custom_x_100x200mm", 0, 0, dropped),
		"media-col={media-size={x-dimension=10000 y-dimension=20000}};"));
	CHECK(!dropped[0]);
	CHECK(!media_of(plain, "custom_x_100x200mm", 0, 0, dropped)[0] &&
		!strcmp(dropped, "media"));
	CHECK(!media_of(able, "iso_a0_841x1189mm", 0, 0, dropped)[0] && !strcmp(dropped, "media"));
	CHECK(!media_of(able, "preprinted", 0, 0, dropped)[0] && !strcmp(dropped, "media"));
	CHECK(!media_of(able, NULL, -1, 0, dropped)[0] && !dropped[0]);
}

static void device_that_waits_for_somebody_is_known(void)
{
	static const struct {
		const char *reasons;
		int state;
		bool wanted;
	} cases[] = {
		{"", IPP_PSTATE_PROCESSING, false},
		{"", IPP_PSTATE_STOPPED, true},
		{"media-empty", IPP_PSTATE_PROCESSING, true},
		{"media-low-warning,media-empty-error", IPP_PSTATE_PROCESSING, true},
		{"media-low-warning,media-empty-warning", IPP_PSTATE_IDLE, false},
		{"media-empty-soon,toner-low", IPP_PSTATE_IDLE, false},
		{"-error", IPP_PSTATE_IDLE, false},
		{",,door-open", IPP_PSTATE_IDLE, true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct target_info info = {.state = cases[i].state};

		snprintf(info.reasons, sizeof(info.reasons), "%s", cases[i].reasons);
		CHECK(target_needs_attention(&info) == cases[i].wanted);
	}
}

int main(void)
{
	RUN(requests_begin_as_the_rfc_wants);
	RUN(every_end_of_a_call_has_its_class);
	RUN(every_ipp_status_has_its_class);
	RUN(printer_that_takes_no_jobs_is_refusing);
	RUN(printer_is_read);
	RUN(device_that_waits_for_somebody_is_known);
	RUN(server_queue_is_read);
	RUN(server_is_known_by_other_signs);
	RUN(way_back_to_us_is_seen);
	RUN(wrong_syntaxes_do_no_harm);
	RUN(job_is_read);
	RUN(able_printer_gets_all_but_page_options);
	RUN(plain_printer_gets_little_and_the_rest_is_named);
	RUN(empty_ticket_asks_for_nothing);
	RUN(copies_lie_collated_if_nothing_is_said);
	RUN(media_go_in_the_words_of_the_target);
	return tap_done();
}
