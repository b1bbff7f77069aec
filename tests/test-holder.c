/* SPDX-License-Identifier: Apache-2.0 */
/* test-holder - what a holder and the server say to each other: size, content, and answers of any kind. */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "core/ticket.h"
#include "core/vendor.h"
#include "core/wire.h"
#include "ipp/holder.h"
#include "tap.h"

#define QUEUE "ipps://print.example:8631/ipp/print/Office"
#define SYSTEM "ipps://print.example:8631/ipp/system"
#define UUID "urn:uuid:01234567-89ab-4def-8123-456789abcdef"

static size_t octets_of(ipp_t *ipp)
{
	AUTO(auto_free) void *octets = NULL;
	size_t count = 0;

	return ipp && !wire_encode(ipp, &octets, &count) ? count : 0;
}

/* As it comes out at the other side. */
static ipp_t *carried(ipp_t *ipp)
{
	AUTO(auto_free) void *octets = NULL;
	ipp_t *out = NULL;
	size_t count = 0;

	if (!ipp || wire_encode(ipp, &octets, &count) || wire_decode(octets, count, &out))
		return NULL;
	return out;
}

static const char *text(ipp_t *ipp, const char *name)
{
	const char *value = ippGetString(ippFindAttribute(ipp, name, IPP_TAG_ZERO), 0, NULL);

	return value ? value : "";
}

static int number(ipp_t *ipp, const char *name)
{
	ipp_attribute_t *a = ippFindAttribute(ipp, name, IPP_TAG_ZERO);

	return a ? ippGetInteger(a, 0) : -1;
}

static ipp_t *full_ticket(void)
{
	static const char line[] = "sides=two-sided-long-edge media=iso_a4_210x297mm "
				   "print-color-mode=color print-quality=4";
	struct ticket_pages pages = {.pages = 120, .color_pages = 20, .gray_pages = 100};
	cups_option_t *options = NULL;
	int count = cupsParseOptions(line, 0, &options);
	ipp_t *ticket = NULL;

	CHECK(!ticket_from_options(count, options, 0, NULL, 3, &ticket));
	CHECK(!ticket_add_document(ticket, "application/pdf", &pages));
	cupsFreeOptions(count, options);
	return ticket;
}

static void registration_carries_what_a_job_costs(void)
{
	AUTO(wire_deletep) ipp_t *ticket = full_ticket();
	struct holder_job job = {.uuid = UUID,
		.owner = "anna",
		.title = "Report.pdf",
		.format = "application/pdf",
		.octets = 5000001,
		.verified = true};
	AUTO(wire_deletep) ipp_t *sent = holder_register(QUEUE, &job, ticket);
	AUTO(wire_deletep) ipp_t *got = carried(sent);
	ipp_attribute_t *split;

	CHECK(got && ippGetOperation(got) == IPP_OP_CREATE_JOB);
	CHECK(!strcmp(text(got, "requesting-user-name"), "anna"));
	CHECK(!strcmp(text(got, "job-name"), "Report.pdf"));
	CHECK(!strcmp(text(got, VENDOR_CLIENT_JOB_UUID), UUID));
	CHECK(!strcmp(text(got, "job-release-action"), "owner-authorized"));
	CHECK(ippGetBoolean(ippFindAttribute(got, VENDOR_OWNER_VERIFIED, IPP_TAG_BOOLEAN), 0));
	CHECK(number(got, "job-impressions") == 120 && number(got, "copies") == 3);
	CHECK(number(got, "job-k-octets") == 4883);
	CHECK(!strcmp(text(got, "sides"), "two-sided-long-edge"));
	split = ippFindAttribute(got, "job-impressions-col", IPP_TAG_BEGIN_COLLECTION);
	CHECK(split && number(ippGetCollection(split, 0), "full-color") == 20);
	CHECK(split && number(ippGetCollection(split, 0), "monochrome") == 100);
}

static void what_is_not_known_is_left_out(void)
{
	struct holder_job job = {
		.uuid = UUID, .owner = "anna", .title = "", .format = "text/plain"};
	AUTO(wire_deletep) ipp_t *sent = holder_register(QUEUE, &job, NULL);
	AUTO(wire_deletep) ipp_t *got = carried(sent);

	CHECK(got && number(got, "job-impressions") == -1 && number(got, "copies") == -1);
	CHECK(got && !ippFindAttribute(got, "job-impressions-col", IPP_TAG_ZERO));
	CHECK(got && !ippFindAttribute(got, "job-name", IPP_TAG_ZERO));
	CHECK(got &&
		!ippGetBoolean(ippFindAttribute(got, VENDOR_OWNER_VERIFIED, IPP_TAG_BOOLEAN), 0));
}

static void registration_stays_below_two_kilobytes(void)
{
	AUTO(wire_deletep) ipp_t *ticket = full_ticket();
	char title[1024], owner[256];
	struct holder_job job = {.uuid = UUID,
		.owner = owner,
		.title = title,
		.format = "application/pdf",
		.octets = INT64_MAX};
	ipp_t *sent;
	ipp_attribute_t *name;

	memset(title, 'x', sizeof(title) - 1);
	title[sizeof(title) - 1] = '\0';
	memset(owner, 'a', 63);
	owner[63] = '\0';
	sent = holder_register(QUEUE, &job, ticket);
	name = ippFindAttribute(sent, "job-name", IPP_TAG_NAME);
	CHECK(name && strlen(ippGetString(name, 0, NULL)) <= 255);
	printf("# %zu octets with a title of 255\n", octets_of(sent));
	CHECK(octets_of(sent) > 500 &&
		octets_of(sent) < 1400); /* 8 delegates take the rest of 2048 */
	ippDelete(sent);
}

static void every_request_names_its_target_and_job(void)
{
	struct holder_status s = {.job_id = 7,
		.epoch = 2,
		.attempt = 3,
		.device_uuid = UUID,
		.state = IPP_JSTATE_PROCESSING,
		.message = "",
		.impressions = -1,
		.sheets = 4,
		.diverted_to = ""};
	ipp_t *all[] = {holder_fetch(QUEUE, 7), holder_acknowledge(QUEUE, 7, UUID, 1, 2, 3),
		holder_status(QUEUE, &s), holder_release(QUEUE, 7, "anna", "Hall")};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		AUTO(wire_deletep) ipp_t *got = carried(all[i]);

		CHECK(got && number(got, "job-id") == 7);
		CHECK(got && !strcmp(text(got, "printer-uri"), QUEUE));
		ippDelete(all[i]);
	}
}

static void a_status_says_only_what_is_known(void)
{
	struct holder_status s = {.job_id = 7,
		.incarnation = 5,
		.epoch = 2,
		.attempt = 3,
		.device_uuid = "",
		.state = IPP_JSTATE_COMPLETED,
		.message = "",
		.impressions = 12,
		.sheets = -1,
		.diverted_to = "Spare"};
	AUTO(wire_deletep) ipp_t *sent = holder_status(QUEUE, &s);
	AUTO(wire_deletep) ipp_t *got = carried(sent);

	CHECK(number(got, "output-device-job-state") == 9);
	CHECK(number(got, "job-impressions-completed") == 12);
	CHECK(!ippFindAttribute(got, "job-media-sheets-completed", IPP_TAG_ZERO));
	CHECK(!ippFindAttribute(got, "output-device-uuid", IPP_TAG_ZERO));
	CHECK(!strcmp(text(got, VENDOR_DIVERTED_TO), "Spare"));
	CHECK(number(got, VENDOR_RELEASE_EPOCH) == 2 && number(got, VENDOR_HOLDER_ATTEMPT) == 3);
	CHECK(number(got, VENDOR_SERVER_INCARNATION) == 5);
	CHECK(!ippFindAttribute(got, "output-device-job-state-reasons", IPP_TAG_ZERO));
}

/* HTTP's heads (140 and 106 octets) and the answer's 72 come on top; the whole stays below 600. */
static void a_sign_of_life_is_small(void)
{
	struct holder_status s = {.job_id = 1000000,
		.incarnation = 5,
		.epoch = 2,
		.attempt = 3,
		.device_uuid = "",
		.state = IPP_JSTATE_PROCESSING,
		.message = "",
		.impressions = -1,
		.sheets = -1,
		.diverted_to = ""};
	AUTO(wire_deletep) ipp_t *sent = holder_status(QUEUE, &s);
	AUTO(auto_free) void *octets = NULL;
	size_t count = 0;

	CHECK(wire_encode(sent, &octets, &count) == 0 && count <= 280);
	printf("# %zu octets\n", count);
}

static void a_device_is_named_or_known_by_its_uuid(void)
{
	AUTO(wire_deletep) ipp_t *name = holder_release(QUEUE, 7, "anna", "Hall");
	AUTO(wire_deletep) ipp_t *uuid = holder_release(QUEUE, 7, "anna", UUID);
	AUTO(wire_deletep) ipp_t *none = holder_release(QUEUE, 7, "anna", "");

	CHECK(!strcmp(text(name, "output-device"), "Hall"));
	CHECK(!strcmp(text(uuid, "output-device-uuid"), UUID));
	CHECK(!ippFindAttribute(none, "output-device", IPP_TAG_ZERO));
	CHECK(!ippFindAttribute(none, "output-device-uuid", IPP_TAG_ZERO));
}

static ipp_t *fetch_answer(void)
{
	static const char pin[32] = "0123456789abcdef0123456789abcdef";
	static const char *const reasons[] = {"job-fetchable", "processing-to-stop-point"};
	ipp_t *a = ippNewResponse(ippNewRequest(IPP_OP_FETCH_JOB));

	ippAddInteger(a, IPP_TAG_JOB, IPP_TAG_INTEGER, "job-id", 7);
	ippAddString(a, IPP_TAG_JOB, IPP_TAG_URI, "job-uuid", NULL, UUID);
	ippAddInteger(a, IPP_TAG_JOB, IPP_TAG_ENUM, "job-state", IPP_JSTATE_PENDING);
	ippAddStrings(a, IPP_TAG_JOB, IPP_TAG_KEYWORD, "job-state-reasons", 2, NULL, reasons);
	ippAddInteger(a, IPP_TAG_JOB, IPP_TAG_INTEGER, VENDOR_RELEASE_EPOCH, 5);
	ippAddInteger(a, IPP_TAG_JOB, IPP_TAG_INTEGER, VENDOR_SERVER_INCARNATION, 2);
	ippAddString(a, IPP_TAG_JOB, IPP_TAG_URI, VENDOR_DEVICE_URI, NULL, "ipps://hall/ipp/print");
	ippAddString(a, IPP_TAG_JOB, IPP_TAG_NAME, VENDOR_DEVICE_NAME, NULL, "Ha\033ll");
	ippAddOctetString(a, IPP_TAG_JOB, VENDOR_DEVICE_CERTIFICATE, pin, sizeof(pin));
	ippAddString(a, IPP_TAG_JOB, IPP_TAG_URI, VENDOR_RELEASED_BY, NULL,
		"urn:stillprint:user:j%C3%BCrgen");
	return a;
}

static void an_answer_is_read(void)
{
	AUTO(wire_deletep) ipp_t *a = fetch_answer();
	struct holder_answer out;

	holder_read(a, &out);
	CHECK(out.job_id == 7 && out.epoch == 5 && out.incarnation == 2);
	CHECK(out.state == IPP_JSTATE_PENDING && out.fetchable && out.canceling);
	CHECK(!strcmp(out.uuid, UUID) && !strcmp(out.device_uri, "ipps://hall/ipp/print"));
	CHECK(!strcmp(out.device_pin, "sha256//MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="));
	CHECK(!strcmp(out.released_by, "jürgen"));
	CHECK(!strchr(out.device_name, '\033') && strstr(out.device_name, "Ha"));
}

static void a_refusal_of_claimed_owners_is_known_from_others(void)
{
	ipp_t *a = ippNewResponse(ippNewRequest(IPP_OP_CREATE_JOB));
	struct holder_answer out;

	holder_read(a, &out);
	CHECK(!out.not_verified);
	ippAddBoolean(a, IPP_TAG_JOB, VENDOR_OWNER_VERIFIED, 0);
	holder_read(a, &out);
	CHECK(!out.not_verified);
	ippAddOutOfBand(
		a, IPP_TAG_UNSUPPORTED_GROUP, IPP_TAG_UNSUPPORTED_VALUE, VENDOR_OWNER_VERIFIED);
	holder_read(a, &out);
	CHECK(out.not_verified);
	ippDelete(a);
}

static void an_answer_of_other_syntax_is_not_believed(void)
{
	ipp_t *a = ippNewResponse(ippNewRequest(IPP_OP_FETCH_JOB));
	char long_uri[900];
	struct holder_answer out;

	memset(long_uri, 'x', sizeof(long_uri) - 1);
	long_uri[sizeof(long_uri) - 1] = '\0';
	ippAddString(a, IPP_TAG_JOB, IPP_TAG_NAME, "job-id", NULL, "7");
	ippAddString(a, IPP_TAG_JOB, IPP_TAG_URI, VENDOR_DEVICE_URI, NULL, long_uri);
	ippAddInteger(a, IPP_TAG_JOB, IPP_TAG_INTEGER, "job-uuid", 9);
	ippAddInteger(a, IPP_TAG_JOB, IPP_TAG_INTEGER, VENDOR_DEVICE_NAME, 9);
	ippAddOctetString(a, IPP_TAG_JOB, VENDOR_DEVICE_CERTIFICATE, "short", 5);
	ippAddOutOfBand(a, IPP_TAG_JOB, IPP_TAG_NOVALUE, "job-state-reasons");
	holder_read(a, &out);
	CHECK(!out.job_id && !out.uuid[0] && !out.device_uri[0] && !out.device_pin[0]);
	ippDelete(a);
}

struct seen {
	int count, last_sequence;
	char uuid[64];
};

static void see(void *arg, const struct holder_answer *one)
{
	struct seen *s = arg;

	s->count++;
	s->last_sequence = one->sequence;
	snprintf(s->uuid, sizeof(s->uuid), "%s", one->uuid);
}

static void events_are_told_one_by_one(void)
{
	ipp_t *a = ippNewResponse(ippNewRequest(IPP_OP_GET_NOTIFICATIONS));
	struct seen seen = {0};
	AUTO(wire_deletep) ipp_t *got = NULL;

	holder_each(a, IPP_TAG_EVENT_NOTIFICATION, see, &seen);
	CHECK(seen.count == 0);
	for (int i = 1; i <= 3; i++) {
		if (i > 1)
			ippAddSeparator(a);
		ippAddInteger(a, IPP_TAG_EVENT_NOTIFICATION, IPP_TAG_INTEGER,
			"notify-sequence-number", 10 + i);
		if (i == 3)
			ippAddString(
				a, IPP_TAG_EVENT_NOTIFICATION, IPP_TAG_URI, "job-uuid", NULL, UUID);
	}
	got = carried(a);
	holder_each(got, IPP_TAG_EVENT_NOTIFICATION, see, &seen);
	CHECK(seen.count == 3 && seen.last_sequence == 13 && !strcmp(seen.uuid, UUID));
	ippDelete(a);
}

static void system_requests_name_the_system(void)
{
	int ids[] = {3, 4}, states[] = {4, 4};
	ipp_t *all[] = {holder_fetchable(SYSTEM), holder_subscribe(SYSTEM), holder_renew(SYSTEM, 9),
		holder_poll(SYSTEM, 9, 12, true), holder_active(SYSTEM, 2, ids, states)};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		AUTO(wire_deletep) ipp_t *got = carried(all[i]);

		CHECK(got && !strcmp(text(got, "system-uri"), SYSTEM));
		printf("# request %zu: %zu octets\n", i, octets_of(all[i]));
		CHECK(octets_of(all[i]) < 600);
		ippDelete(all[i]);
	}
}

int main(void)
{
	RUN(registration_carries_what_a_job_costs);
	RUN(what_is_not_known_is_left_out);
	RUN(registration_stays_below_two_kilobytes);
	RUN(every_request_names_its_target_and_job);
	RUN(a_status_says_only_what_is_known);
	RUN(a_sign_of_life_is_small);
	RUN(a_device_is_named_or_known_by_its_uuid);
	RUN(an_answer_is_read);
	RUN(a_refusal_of_claimed_owners_is_known_from_others);
	RUN(an_answer_of_other_syntax_is_not_believed);
	RUN(events_are_told_one_by_one);
	RUN(system_requests_name_the_system);
	return tap_done();
}
