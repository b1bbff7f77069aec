/* SPDX-License-Identifier: Apache-2.0 */
/* test-parse-pdf - how PDF files are built, and how they are broken: tables, updates, boxes, titles. */
#include "parse/doc.h"
#include "parse/hash.h"
#include "parse/totals.h"
#include "tap.h"
#include <math.h>
#include <zlib.h>

#define RED "1 0 0 rg 0 0 50 50 re f"

static bool is(const struct parse_result *r, int count, double w, double h)
{
	bool ok =
		r->count == count && (count < 1 || (fabs(r->pages[0].width_pt - w) < 0.01 &&
							   fabs(r->pages[0].height_pt - h) < 0.01));

	if (!ok)
		printf("# %d pages of %g x %g\n", r->count, r->count > 0 ? r->pages[0].width_pt : 0,
			r->count > 0 ? r->pages[0].height_pt : 0);
	return ok;
}

/* A page with these entries, and what is made of its size. */
static bool page_is(const char *page, double w, double h)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	struct doc d = {0};

	doc_object(&d, "<< /Type /Catalog /Pages 2 0 R >>");
	doc_object(
		&d, "<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 300 400] /Rotate 0 >>");
	doc_object(&d, page);
	doc_end(&d, "");
	r = doc_parse(&d, NULL);
	doc_fini(&d);
	return is(r, 1, w, h);
}

static void sizes_follow_boxes_rotation_and_unit(void)
{
	CHECK(page_is("<< /Type /Page /Parent 2 0 R >>", 300, 400));
	CHECK(page_is("<< /Type /Page /Parent 2 0 R /MediaBox [10 10 110 60] >>", 100, 50));
	CHECK(page_is("<< /Type /Page /Parent 2 0 R /MediaBox [110 60 10 10] >>", 100, 50));
	CHECK(page_is("<< /Type /Page /Parent 2 0 R /CropBox [0 0 30 40] >>", 30, 40));
	CHECK(page_is("<< /Type /Page /Parent 2 0 R /CropBox [-50 -50 100 1000] >>", 100, 400));
	CHECK(page_is("<< /Type /Page /Parent 2 0 R /CropBox [900 900 999 999] >>", 300, 400));
	CHECK(page_is("<< /Type /Page /Parent 2 0 R /Rotate 90 >>", 400, 300));
	CHECK(page_is("<< /Type /Page /Parent 2 0 R /Rotate -270 >>", 400, 300));
	CHECK(page_is("<< /Type /Page /Parent 2 0 R /Rotate 180 >>", 300, 400));
	CHECK(page_is("<< /Type /Page /Parent 2 0 R /UserUnit 2 >>", 600, 800));
	CHECK(page_is("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 0 0] >>", 300, 400));
}

static void page_without_a_size_is_letter(void)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	struct doc d = {0};

	doc_object(&d, "<< /Type /Catalog /Pages 2 0 R >>");
	doc_object(&d, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
	doc_object(&d, "<< /Type /Page /Parent 2 0 R >>");
	doc_end(&d, "");
	r = doc_parse(&d, NULL);
	CHECK(is(r, 1, 612, 792));
	doc_fini(&d);
}

static void red_page(struct doc *d)
{
	doc_page(d, "", "", RED);
	doc_end(d, "");
}

static bool is_red_page(const struct parse_result *r)
{
	return is(r, 1, 200, 200) && r->pages[0].colour == PARSE_COLOUR_COLOUR;
}

static void junk_around_the_document_is_stepped_over(void)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	struct doc d = {0}, all = {0};

	red_page(&d);
	doc_printf(&all, "a line of junk\n");
	doc_bytes(&all, d.p, d.len);
	doc_printf(&all, "\n\n\n\njunk");
	r = doc_parse(&all, NULL);
	CHECK(is_red_page(r));
	CHECK(!(r->flags & PARSE_F_DAMAGED));
	doc_fini(&d);
	doc_fini(&all);
}

/* The red page after @from has been overwritten by @to, of the same length. */
static struct parse_result *with(const char *from, const char *to)
{
	struct parse_result *r;
	struct doc d = {0};
	char *hit;

	red_page(&d);
	hit = memmem(d.p, d.len, from, strlen(from));
	if (!hit || strlen(from) != strlen(to))
		abort();
	memcpy(hit, to, strlen(to));
	r = doc_parse(&d, NULL);
	doc_fini(&d);
	return r;
}

static void damaged_files_are_repaired(void)
{
	static const char *const damage[][2] = {
		{"%PDF-1.7", "%P.F-1.7"},
		{"startxref", "startyref"},
		{"xref\n0", "xkef\n0"},
		{"0000000000 65535", "0000000x00 65535"},
		{"trailer", "treiler"},
		{"4 0 obj", "9 0 obj"},
		{"/Root 1 0 R", "/Root 8 0 R"},
		{"/Root", "/Xoot"},
		{"/Length", "/Lxngth"},
		{"3 0 obj\n<<", "3 0 obj   "},
	};

	for (size_t i = 0; i < 5; i++) {
		AUTO(parse_result_freep) struct parse_result *r = with(damage[i][0], damage[i][1]);

		CHECK(is_red_page(r));
		CHECK(r->flags & PARSE_F_DAMAGED);
	}
	for (size_t i = 5; i < sizeof(damage) / sizeof(damage[0]); i++) {
		AUTO(parse_result_freep) struct parse_result *r = with(damage[i][0], damage[i][1]);

		CHECK(r->count == 1 || r->count == PARSE_COUNT_UNKNOWN);
		CHECK(i == 5 || i == 9 || is_red_page(r));
	}
}

static void file_that_ends_early_is_repaired(void)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	struct doc d = {0};

	red_page(&d);
	d.len = d.offsets[4] + 60;
	r = doc_parse(&d, NULL);
	CHECK(is_red_page(r));
	CHECK(r->flags & PARSE_F_DAMAGED);
	doc_fini(&d);
}

static void length_that_lies_is_not_believed(void)
{
	AUTO(parse_result_freep) struct parse_result *r = with("/Length 23", "/Length  2");
	AUTO(parse_result_freep) struct parse_result *s = with("/Length 23", "/Length 99");

	CHECK(is_red_page(r));
	CHECK(is_red_page(s));
}

static void update_replaces_what_was_before(void)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	struct doc d = {0};
	size_t prev, at, obj;

	red_page(&d);
	prev = (size_t)(strstr(d.p, "xref\n0") - d.p);
	obj = d.len;
	doc_printf(&d,
		"4 0 obj\n<< /Length 23 >>\nstream\n0 0 0 rg 0 0 50 50 re f\nendstream\nendobj\n");
	at = d.len;
	doc_printf(&d,
		"xref\n4 1\n%010zu 00000 n \ntrailer\n<< /Size 5 /Root 1 0 R /Prev %zu >>\nstartxref\n%zu\n%%%%EOF\n",
		obj, prev, at);
	r = doc_parse(&d, NULL);
	CHECK(is(r, 1, 200, 200));
	CHECK(r->pages[0].colour == PARSE_COLOUR_GRAY);
	CHECK(!(r->flags & PARSE_F_DAMAGED));
	doc_fini(&d);
}

static void updates_in_a_circle_end(void)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	struct doc d = {0};
	char prev[32];

	doc_page(&d, "", "", RED);
	snprintf(prev, sizeof(prev), "/Prev %zu", d.len);
	doc_end(&d, prev);
	r = doc_parse(&d, NULL);
	CHECK(is_red_page(r));
	doc_fini(&d);
}

static size_t deflate_into(const char *s, size_t len, uint8_t *out, size_t room)
{
	uLongf n = room;

	if (compress((Bytef *)out, &n, (const Bytef *)s, len) != Z_OK)
		abort();
	return n;
}

/* Catalog, tree and page in an object stream; the table in an xref stream with a PNG predictor. */
static void make_compressed(struct doc *d, bool predictor)
{
	static const char inner[] =
		"1 0 2 34 3 77 << /Type /Catalog /Pages 2 0 R >>\n"
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>\n "
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R >>";
	uint8_t packed[1024], rows[7 * 6], raw[7 * 6];
	char dict[256];
	size_t n, at, w = 0;

	doc_printf(d, "%%PDF-1.5\n");
	d->objects = 3;
	doc_stream(d, "", RED, strlen(RED));
	n = deflate_into(inner, sizeof(inner) - 1, packed, sizeof(packed));
	doc_stream(d, "/Type /ObjStm /N 3 /First 14 /Filter /FlateDecode", packed, n);
	at = d->len;
	memset(raw, 0, sizeof(raw));
	for (int i = 0; i < 7; i++) {
		size_t v = i == 4 || i == 5 ? d->offsets[i] : i == 6 ? at : i ? 5 : 0;

		raw[5 * i] = i == 0 ? 0 : i <= 3 ? 2 : 1;
		raw[5 * i + 1] = (uint8_t)(v >> 16);
		raw[5 * i + 2] = (uint8_t)(v >> 8);
		raw[5 * i + 3] = (uint8_t)v;
		raw[5 * i + 4] = (uint8_t)(i >= 1 && i <= 3 ? i - 1 : 0);
	}
	for (int i = 0; i < 7; i++) {
		if (predictor)
			rows[w++] = 2; /* up */
		for (int k = 0; k < 5; k++)
			rows[w++] = (uint8_t)(raw[5 * i + k] -
					      (predictor && i ? raw[5 * i - 5 + k] : 0));
	}
	n = deflate_into((char *)rows, w, packed, sizeof(packed));
	snprintf(dict, sizeof(dict),
		"/Type /XRef /Size 7 /W [1 3 1] /Root 1 0 R /Filter /FlateDecode %s",
		predictor ? "/DecodeParms << /Predictor 12 /Columns 5 >>" : "");
	doc_stream(d, dict, packed, n);
	doc_printf(d, "startxref\n%zu\n%%%%EOF\n", at);
}

static void compressed_objects_and_tables_are_read(void)
{
	for (int predictor = 0; predictor < 2; predictor++) {
		AUTO(parse_result_freep) struct parse_result *r = NULL;
		struct doc d = {0};

		make_compressed(&d, predictor);
		r = doc_parse(&d, NULL);
		CHECK(is_red_page(r));
		CHECK(!(r->flags & PARSE_F_DAMAGED));
		doc_fini(&d);
	}
}

static void compressed_objects_are_repaired(void)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	struct doc d = {0};

	make_compressed(&d, true);
	memcpy(strstr(d.p + d.len - 40, "startxref"), "stxrtxref", 9);
	r = doc_parse(&d, NULL);
	CHECK(is_red_page(r));
	CHECK(r->flags & PARSE_F_DAMAGED);
	doc_fini(&d);
}

static void content_may_be_an_array_cut_between_tokens(void)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	struct doc d = {0};

	doc_object(&d, "<< /Type /Catalog /Pages 2 0 R >>");
	doc_object(&d, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
	doc_object(&d,
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents [4 0 R 9 0 R 5 0 R] >>");
	doc_stream(&d, "", "1 0 0", 5);
	doc_stream(&d, "", "rg 0 0 50 50 re f", 17);
	doc_end(&d, "");
	r = doc_parse(&d, NULL);
	CHECK(is_red_page(r));
	doc_fini(&d);
}

static struct parse_result *with_title(const char *title)
{
	struct parse_result *r;
	struct doc d = {0};
	char info[256];

	doc_page(&d, "", "", "");
	snprintf(info, sizeof(info), "<< /Title %s /Producer (Maker\\0071.0) >>", title);
	doc_object(&d, info);
	doc_end(&d, "/Info 5 0 R");
	r = doc_parse(&d, NULL);
	doc_fini(&d);
	return r;
}

static void titles_are_utf8_without_control_characters(void)
{
	static const char *const titles[][2] = {
		{"(Plain)", "Plain"},
		{"(Caf\\351)", "Caf\xc3\xa9"},
		{"<FEFF00C4005A20AC>", "\xc3\x84Z\xe2\x82\xac"},
		{"<FFFEC4005A00>", "\xc3\x84Z"},
		{"<FEFFD83DDE00>", "\xf0\x9f\x98\x80"},
		{"(\xef\xbb\xbf\xc3\x84)", "\xc3\x84"},
		{"(a\\007[31mb\\nc)", "a [31mb c"},
		{"<FEFF0061009B0062>", "a b"},
	};

	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
		AUTO(parse_result_freep) struct parse_result *r = with_title(titles[i][0]);

		if (!r->title || strcmp(r->title, titles[i][1]) != 0)
			printf("# %s became %s\n", titles[i][0], r->title ? r->title : "nothing");
		CHECK(r->title && !strcmp(r->title, titles[i][1]));
		CHECK(r->producer && !strcmp(r->producer, "Maker 1.0"));
	}
}

static void title_of_nothing_is_none(void)
{
	AUTO(parse_result_freep) struct parse_result *r = with_title("(   )");

	CHECK(!r->title);
}

/* RC4 of 40 bits, revision 2: Algorithms 2, 3 and 4 with the passwords given. */
static void make_encrypted(struct doc *d, const char *user)
{
	static const uint8_t pad[32] = {0x28, 0xbf, 0x4e, 0x5e, 0x4e, 0x75, 0x8a, 0x41, 0x64, 0x00,
		0x4e, 0x56, 0xff, 0xfa, 0x01, 0x08, 0x2e, 0x2e, 0x00, 0xb6, 0xd0, 0x68, 0x3e, 0x80,
		0x2f, 0x0c, 0xa9, 0xfe, 0x64, 0x53, 0x69, 0x7a};
	uint8_t key[16], o[32], u[32], buf[32 + 32 + 4 + 2], objkey[16], content[64];
	char dict[400], hex_o[65], hex_u[65];
	struct rc4 c;

	memset(o, 'o', sizeof(o));
	memcpy(buf, user, strlen(user));
	memcpy(buf + strlen(user), pad, 32 - strlen(user));
	memcpy(buf + 32, o, 32);
	memcpy(buf + 64, "\xfc\xff\xff\xff", 4);
	memcpy(buf + 68, "id", 2);
	hash_md5(buf, 70, key);
	rc4_init(&c, key, 5);
	rc4_apply(&c, pad, u, 32);
	memcpy(buf, key, 5);
	memcpy(buf + 5, "\4\0\0\0\0", 5);
	hash_md5(buf, 10, objkey);
	rc4_init(&c, objkey, 10);
	rc4_apply(&c, (const uint8_t *)RED, content, strlen(RED));
	for (int i = 0; i < 32; i++) {
		sprintf(hex_o + 2 * i, "%02x", o[i]);
		sprintf(hex_u + 2 * i, "%02x", u[i]);
	}
	doc_object(d, "<< /Type /Catalog /Pages 2 0 R >>");
	doc_object(d, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
	doc_object(d, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R >>");
	doc_stream(d, "", content, strlen(RED));
	snprintf(dict, sizeof(dict), "<< /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >>",
		hex_o, hex_u);
	doc_object(d, dict);
	doc_end(d, "/Encrypt 5 0 R /ID [(id) (id)]");
}

static void document_with_an_empty_password_is_opened(void)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	struct doc d = {0};

	make_encrypted(&d, "");
	r = doc_parse(&d, NULL);
	CHECK(is_red_page(r));
	CHECK(r->flags & PARSE_F_ENCRYPTED);
	doc_fini(&d);
}

static void document_with_a_password_is_unknown(void)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	struct doc d = {0};

	make_encrypted(&d, "secret");
	r = doc_parse(&d, NULL);
	CHECK(r->count == PARSE_COUNT_UNKNOWN);
	CHECK(r->flags & PARSE_F_PASSWORD);
	doc_fini(&d);
}

static void digests_are_those_of_the_standards(void)
{
	uint8_t out[64], key[32], in[16];
	struct aes c;

	hash_md5("abc", 3, out);
	CHECK(!memcmp(out, "\x90\x01\x50\x98\x3c\xd2\x4f\xb0\xd6\x96\x3f\x7d\x28\xe1\x7f\x72", 16));
	hash_sha256("abc", 3, out);
	CHECK(!memcmp(out, "\xba\x78\x16\xbf\x8f\x01\xcf\xea", 8));
	hash_sha384("abc", 3, out);
	CHECK(!memcmp(out, "\xcb\x00\x75\x3f\x45\xa3\x5e\x8b", 8));
	hash_sha512("abc", 3, out);
	CHECK(!memcmp(out, "\xdd\xaf\x35\xa1\x93\x61\x7a\xba", 8));
	for (int i = 0; i < 32; i++)
		key[i] = (uint8_t)i;
	for (int i = 0; i < 16; i++)
		in[i] = (uint8_t)(i * 0x11);
	aes_init(&c, key, 32);
	aes_encrypt(&c, in, out);
	CHECK(!memcmp(out, "\x8e\xa2\xb7\xca\x51\x67\x45\xbf", 8));
	aes_decrypt(&c, out, out);
	CHECK(!memcmp(out, in, 16));
	aes_init(&c, key, 16);
	aes_encrypt(&c, in, out);
	CHECK(!memcmp(out, "\x69\xc4\xe0\xd8\x6a\x7b\x04\x30", 8));
}

static void count_only_leaves_colour_unknown(void)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	struct parse_limits l;
	struct doc d = {0};

	parse_limits_init(&l);
	l.count_only = true;
	red_page(&d);
	r = doc_parse(&d, &l);
	CHECK(is(r, 1, 200, 200));
	CHECK(r->pages[0].colour == PARSE_COLOUR_UNKNOWN && r->pages[0].how == PARSE_HOW_UNKNOWN);
	doc_fini(&d);
}

static void totals_apply_what_was_asked_for(void)
{
	enum parse_colour C = PARSE_COLOUR_COLOUR, G = PARSE_COLOUR_GRAY, U = PARSE_COLOUR_UNKNOWN;
	struct parse_page pages[5] = {
		{595, 842, C}, {595, 842, G}, {595, 842, G}, {612, 792, U}, {595, 842, G}};
	struct parse_result r = {.count = 5, .pages = pages};
	struct totals_options o;
	struct totals t;

	totals_options_init(&o);
	totals_compute(&r, &o, &t);
	CHECK(t.pages == 5 && t.impressions == 5 && t.sheets == 5);
	CHECK(t.colour == 1 && t.gray == 3 && t.unknown == 1 && t.nsizes == 2);
	o.copies = 3;
	o.sides = 2;
	totals_compute(&r, &o, &t);
	CHECK(t.impressions == 15 && t.sheets == 9 && t.colour == 3);
	o.number_up = 2;
	totals_compute(&r, &o, &t);
	CHECK(t.impressions == 9 && t.sheets == 6 && t.colour == 3 && t.unknown == 3 &&
		t.gray == 3);
	CHECK(!totals_ranges(&o, "2-3,5"));
	totals_compute(&r, &o, &t);
	CHECK(t.pages == 3 && t.impressions == 6 && t.sheets == 3 && t.colour == 0 && t.gray == 6);
	CHECK(!totals_ranges(&o, "1"));
	o.monochrome = true;
	totals_compute(&r, &o, &t);
	CHECK(t.colour == 0 && t.gray == 3);
	o.bill_as_colour = true;
	totals_compute(&r, &o, &t);
	CHECK(t.colour == 3);
	CHECK(totals_ranges(&o, "3-2") && totals_ranges(&o, "0") && totals_ranges(&o, "1,,2") &&
		totals_ranges(&o, ""));
}

static void totals_of_the_unknown_are_unknown(void)
{
	struct parse_result r = {.count = PARSE_COUNT_UNKNOWN};
	struct totals_options o;
	struct totals t;

	totals_options_init(&o);
	totals_compute(&r, &o, &t);
	CHECK(t.pages == PARSE_COUNT_UNKNOWN && t.impressions == PARSE_COUNT_UNKNOWN &&
		t.sheets == PARSE_COUNT_UNKNOWN);
}

static void descriptor_that_is_no_file_is_refused(void)
{
	struct parse_result *r = NULL;
	int p[2];

	if (pipe(p))
		abort();
	CHECK(parse_sandboxed(p[0], NULL, &r) < 0);
	CHECK(parse_sandboxed(-1, NULL, &r) < 0);
	CHECK(!r);
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	RUN(sizes_follow_boxes_rotation_and_unit);
	RUN(page_without_a_size_is_letter);
	RUN(junk_around_the_document_is_stepped_over);
	RUN(damaged_files_are_repaired);
	RUN(file_that_ends_early_is_repaired);
	RUN(length_that_lies_is_not_believed);
	RUN(update_replaces_what_was_before);
	RUN(updates_in_a_circle_end);
	RUN(compressed_objects_and_tables_are_read);
	RUN(compressed_objects_are_repaired);
	RUN(content_may_be_an_array_cut_between_tokens);
	RUN(titles_are_utf8_without_control_characters);
	RUN(title_of_nothing_is_none);
	RUN(document_with_an_empty_password_is_opened);
	RUN(document_with_a_password_is_unknown);
	RUN(digests_are_those_of_the_standards);
	RUN(count_only_leaves_colour_unknown);
	RUN(totals_apply_what_was_asked_for);
	RUN(totals_of_the_unknown_are_unknown);
	RUN(descriptor_that_is_no_file_is_refused);
	return tap_done();
}
