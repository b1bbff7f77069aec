/* SPDX-License-Identifier: Apache-2.0 */
/* test-ticket - what `lp -o` asks for, in IPP's names, and only what no filter has applied already. */
#include <string.h>

#include "base/auto.h"
#include "core/ticket.h"
#include "core/vendor.h"
#include "core/wire.h"
#include "tap.h"

/* The ticket for argv[5] = @options, after a trip through its octets. */
static ipp_t *ticket_for(const char *options, const char *defaults, int copies)
{
	cups_option_t *o = NULL, *d = NULL;
	int n = cupsParseOptions(options, 0, &o), m = cupsParseOptions(defaults, 0, &d);
	AUTO(wire_deletep) ipp_t *made = NULL;
	AUTO(auto_free) void *octets = NULL;
	size_t count = 0;
	ipp_t *back = NULL;

	if (ticket_from_options(n, o, m, d, copies, &made) ||
		ticket_encode(made, &octets, &count) || ticket_decode(octets, count, &back))
		abort();
	cupsFreeOptions(n, o);
	cupsFreeOptions(m, d);
	return back;
}

/* True if attribute @name reads @value ("" = absent). */
static bool asks(
	const char *options, const char *defaults, int copies, const char *name, const char *value)
{
	AUTO(wire_deletep) ipp_t *t = ticket_for(options, defaults, copies);
	ipp_attribute_t *a = ippFindAttribute(t, name, IPP_TAG_ZERO);
	char text[512] = "";

	if (a)
		ippAttributeString(a, text, sizeof(text));
	if (strcmp(text, value) != 0)
		printf("# %s of '%s': '%s', want '%s'\n", name, options, text, value);
	return !strcmp(text, value) && (!a || ippGetGroupTag(a) == IPP_TAG_JOB);
}

static void each_option_has_its_ipp_name_and_value(void)
{
	static const struct {
		const char *options, *name, *value;
	} rows[] = {
		{"Duplex=DuplexNoTumble", "sides", "two-sided-long-edge"},
		{"Duplex=DuplexTumble", "sides", "two-sided-short-edge"},
		{"Duplex=None", "sides", "one-sided"},
		{"sides=two-sided-short-edge", "sides", "two-sided-short-edge"},
		{"sides=two-sided-short-edge Duplex=DuplexNoTumble", "sides",
			"two-sided-short-edge"},
		{"", "sides", ""},
		{"ColorModel=Gray", "print-color-mode", "monochrome"},
		{"ColorModel=RGB", "print-color-mode", "color"},
		{"print-color-mode=color ColorModel=Gray", "print-color-mode", "monochrome"},
		{"print-color-mode=auto", "print-color-mode", "auto"},
		{"cupsPrintQuality=Draft", "print-quality", "draft"},
		{"cupsPrintQuality=High", "print-quality", "high"},
		{"print-quality=99", "print-quality", ""},
		{"media=a4", "media", "iso_a4_210x297mm"},
		{"media=Letter", "media", "na_letter_8.5x11in"},
		{"PageSize=A3", "media", "iso_a3_297x420mm"},
		{"media=iso_a5_148x210mm PageSize=A5", "media", "iso_a5_148x210mm"},
		{"PageSize=A3 InputSlot=Tray2 MediaType=PhotographicGlossy", "media-col",
			"{media-size={x-dimension=29700 y-dimension=42000} media-size-name=iso_a3_297x420mm "
			"media-source=tray-2 media-type=photographic-glossy}"},
		{"InputSlot=ByPassTray", "media-col", "{media-source=by-pass-tray}"},
		{"media=A4,tray-3", "media-col",
			"{media-size={x-dimension=21000 y-dimension=29700} media-size-name=iso_a4_210x297mm media-source=tray-3}"},
		{"PageSize=Custom.100x200mm", "media-col",
			"{media-size={x-dimension=10000 y-dimension=20000} media-size-name=custom_100x200mm_100x200mm}"},
		{"finishings=4 StapleLocation=staple", "finishings", "staple"},
		{"finishings=20,70", "finishings", "staple-top-left,punch-top-left"},
		{"StapleLocation=staple-top-left PunchMedia=punch-dual-left FoldType=None",
			"finishings", "staple-top-left,punch-dual-left"},
		{"finishings=3", "finishings", ""},
		{"finishings=3 StapleLocation=staple-top-left", "finishings", "staple-top-left"},
		{"finishings=3 StapleLocation=SinglePortrait", "finishings", "staple-top-left"},
		{"output-bin=auto OutputBin=FaceUp", "output-bin", "face-up"},
		{"output-bin=auto OutputBin=Auto", "output-bin", ""},
		{"finishing-template=fold-half", "finishings-col",
			"{finishing-template=fold-half}"},
		{"OutputBin=FaceUp", "output-bin", "face-up"},
		{"output-bin=mailbox-2", "output-bin", "mailbox-2"},
		{"output-bin=a\\ b\"c", "output-bin", ""},
		{"printer-resolution=600dpi", "printer-resolution", "600dpi"},
		{"printer-resolution=600x1200dpi", "printer-resolution", "600x1200dpi"},
		{"printer-resolution=many", "printer-resolution", ""},
		{"collate=true", "multiple-document-handling",
			"separate-documents-collated-copies"},
		{"Collate=False", "multiple-document-handling",
			"separate-documents-uncollated-copies"},
		{"multiple-document-handling=separate-documents-uncollated-copies collate=true",
			"multiple-document-handling", "separate-documents-uncollated-copies"},
		{"job-account-id=4711", "job-account-id", "4711"},
		{"print-rendering-intent=perceptual", "print-rendering-intent", "perceptual"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK(asks(rows[i].options, "", 1, rows[i].name, rows[i].value));
}

static void copies_and_collation_are_in_the_ticket(void)
{
	CHECK(asks("", "", 1, "copies", "1"));
	CHECK(asks("copies=5", "", 3, "copies", "3"));
	CHECK(asks("", "", 3, "multiple-document-handling", "separate-documents-collated-copies"));
	CHECK(asks("", "", 1, "multiple-document-handling", ""));
	CHECK(asks("", "", 0, "copies", "1"));
}

static void options_applied_by_the_page_filter_are_gone(void)
{
	static const char options[] =
		"number-up=4 number-up-layout=lrtb page-ranges=1-2 page-set=even page-border=single booklet=true"
		" mirror=true position=top orientation-requested=4 landscape fitplot fit-to-page print-scaling=fit"
		" scaling=50 OutputOrder=Reverse output-order=reverse page-label=x page-top=9 natural-scaling=20"
		" Duplex=None job-uuid=urn:uuid:1 job-originating-host-name=h x-custom=1 noCollate job-sheets=none,none";
	AUTO(wire_deletep) ipp_t *t = ticket_for(options, "", 1);

	for (ipp_attribute_t *a = ippFirstAttribute(t); a; a = ippNextAttribute(t))
		if (ippGetGroupTag(a) == IPP_TAG_JOB && strcmp(ippGetName(a), "copies") &&
			strcmp(ippGetName(a), "sides") &&
			strcmp(ippGetName(a), "multiple-document-handling")) {
			printf("# left over: %s\n", ippGetName(a));
			CHECK(!"an option that was applied, or is nobody's");
		}
}

static void defaults_of_the_queue_are_weaker_than_the_user(void)
{
	CHECK(asks("", "Duplex=DuplexNoTumble", 1, "sides", "two-sided-long-edge"));
	CHECK(asks("Duplex=None", "Duplex=DuplexNoTumble", 1, "sides", "one-sided"));
	CHECK(asks("sides=one-sided", "Duplex=DuplexNoTumble", 1, "sides", "one-sided"));
	CHECK(asks("", "InputSlot=Tray2", 1, "media-col", "{media-source=tray-2}"));
	CHECK(asks("", "StapleLocation=staple-top-left", 1, "finishings", "staple-top-left"));
	CHECK(asks("finishings=3", "StapleLocation=staple-top-left", 1, "finishings",
		"staple-top-left"));
	CHECK(asks("finishings=5", "StapleLocation=staple-top-left", 1, "finishings", "punch"));
}

static void pages_and_sizes_come_back(void)
{
	struct ticket_pages pages = {
		.pages = 3, .size_count = 2, .size = {{21000, 29700, 2}, {29700, 42000, 1}}};
	struct ticket_summary s;
	AUTO(wire_deletep)
	ipp_t *t = ticket_for(
		"sides=two-sided-long-edge media=a4 InputSlot=Tray1 print-quality=5", "", 4);
	ipp_attribute_t *a;

	CHECK(ticket_add_document(t, "application/pdf", &pages) == 0);
	ticket_summarise(t, &s);
	CHECK(s.pages == 3 && s.copies == 4 && s.collated && s.quality == 5 &&
		s.finishing_count == 0);
	CHECK(!strcmp(s.sides, "two-sided-long-edge") && !strcmp(s.media, "iso_a4_210x297mm"));
	CHECK(!strcmp(s.source, "tray-1") && !strcmp(s.color, "unknown") &&
		!strcmp(s.format, "application/pdf"));
	a = ippFindAttribute(t, VENDOR "page-size", IPP_TAG_BEGIN_COLLECTION);
	CHECK(a && ippGetCount(a) == 2);
}

static void unknown_pages_are_unknown_and_not_zero(void)
{
	struct ticket_pages pages = {.pages = -1};
	struct ticket_summary s;
	AUTO(wire_deletep) ipp_t *t = ticket_for("", "", 1);

	CHECK(ticket_add_document(t, "application/pdf", &pages) == 0);
	CHECK(ippGetValueTag(ippFindAttribute(t, "job-pages", IPP_TAG_ZERO)) == IPP_TAG_UNKNOWN);
	ticket_summarise(t, &s);
	CHECK(s.pages == -1);
	ticket_summarise(NULL, &s);
	CHECK(s.pages == -1 && s.copies == 1);
}

static void every_truncation_is_refused(void)
{
	AUTO(wire_deletep) ipp_t *t = ticket_for("media=a4 finishings=4", "", 4);
	AUTO(auto_free) void *octets = NULL;
	size_t count = 0;

	CHECK(ticket_encode(t, &octets, &count) == 0);
	for (size_t n = 0; n < count; n++) {
		ipp_t *out = NULL;

		CHECK(ticket_decode(octets, n, &out) == TICKET_E_DAMAGED);
	}
}

int main(void)
{
	RUN(each_option_has_its_ipp_name_and_value);
	RUN(copies_and_collation_are_in_the_ticket);
	RUN(options_applied_by_the_page_filter_are_gone);
	RUN(defaults_of_the_queue_are_weaker_than_the_user);
	RUN(pages_and_sizes_come_back);
	RUN(unknown_pages_are_unknown_and_not_zero);
	RUN(every_truncation_is_refused);
	return tap_done();
}
