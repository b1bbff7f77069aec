/* SPDX-License-Identifier: Apache-2.0 */
/* test-parse-formats - PostScript, PCL, rasters, pictures, and what may stand around a document.
 *
 * With STILLPRINT_DUMP set to a folder the documents are written there: they seed the fuzzers. */
#include "parse/doc.h"
#include "tap.h"
#include <math.h>
#include <zlib.h>

/* After stdio.h, which it needs and does not include. */
#include <jpeglib.h>

#define UEL "\033%-12345X"

static struct parse_result *read_doc(struct doc *d, const char *name)
{
	const char *folder = getenv("STILLPRINT_DUMP");
	struct parse_result *r = doc_parse(d, NULL);
	char path[512];
	FILE *f;

	if (folder && name) {
		snprintf(path, sizeof(path), "%s/%s", folder, name);
		f = fopen(path, "w");
		if (!f || fwrite(d->p, 1, d->len, f) != d->len || fclose(f))
			abort();
	}
	doc_fini(d);
	return r;
}

static struct parse_result *read_text(const char *s, const char *name)
{
	struct doc d = {0};

	doc_bytes(&d, s, strlen(s));
	return read_doc(&d, name);
}

static bool is(const struct parse_result *r, enum parse_format format, int count)
{
	bool ok = r->format == format && r->count == count;

	if (!ok)
		printf("# %s, %d pages\n", parse_format_mime(r->format), r->count);
	return ok;
}

static bool has_size(const struct parse_result *r, int page, double w, double h)
{
	return page < r->count && fabs(r->pages[page].width_pt - w) < 1 &&
	       fabs(r->pages[page].height_pt - h) < 1;
}

static bool looks(const struct parse_result *r, const char *colours)
{
	for (int i = 0; i < r->count; i++)
		if (*parse_colour_name(r->pages[i].colour) != colours[i])
			return false;
	return (int)strlen(colours) == r->count;
}

static void postscript_pages_are_those_of_its_comments(void)
{
	AUTO(parse_result_freep)
	struct parse_result *r = read_text(
		"%!PS-Adobe-3.0\n%%Title: (A title)\n%%Pages: (atend)\n"
		"%%DocumentMedia: A4 595 842 0 () ()\n%%EndComments\n%%BeginProlog\n/#copies 3 def\n%%EndProlog\n"
		"%%Page: 1 1\n(%%Page: no) show\n%%BeginDocument: a.eps\n%!PS-Adobe-3.0 EPSF-3.0\n%%Page: 1 1\nshowpage\n"
		"%%EndDocument\nshowpage\r%%Page: 2 2\r%%BeginData: 16 Hex Bytes\n%%Page: 9 9\nab\n\n%%EndData\nshowpage\n"
		"%%Page: 3 3\n%%BeginBinary: 12\n\n%%Page: 8 8%%EndBinary\n<< /PageSize [612 792] >> setpagedevice\nshowpage\n"
		"%%Trailer\n%%Pages: 3\n%%EOF\n",
		"dsc.ps");

	CHECK(is(r, PARSE_FORMAT_POSTSCRIPT, 3));
	CHECK(has_size(r, 0, 595, 842) && has_size(r, 2, 612, 792));
	CHECK(looks(r, "uuu"));
	CHECK(r->title && !strcmp(r->title, "A title"));
	CHECK((r->flags & PARSE_F_JOB) && r->copies == 3);
}

static void postscript_without_comments_is_unknown(void)
{
	AUTO(parse_result_freep)
	struct parse_result *r = read_text("%!\n/a 1 def showpage\n", NULL);

	CHECK(is(r, PARSE_FORMAT_POSTSCRIPT, PARSE_COUNT_UNKNOWN));
}

static void eps_is_one_page(void)
{
	AUTO(parse_result_freep)
	struct parse_result *r =
		read_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nfill\n", NULL);

	CHECK(is(r, PARSE_FORMAT_POSTSCRIPT, 1));
}

static void pcl_pages_are_ejected_by_feeds_and_resets(void)
{
	struct doc d = {0};
	AUTO(parse_result_freep) struct parse_result *r = NULL;

	doc_printf(&d, "\033E\033&l26a2X\033&l2Sone\f");
	doc_printf(&d, "two\033*b12W");
	doc_bytes(&d, "\f\f\f\f\f\f\f\f\f\f\f\f", 12);
	doc_printf(&d, "\033&p3X\f\f\f more\f");
	doc_printf(&d, "\033(s4W\f\f\f\f\033%%0BIN;PA0,0;PD100,100;\033%%0A\033&l0H");
	doc_printf(&d, "three\033E");
	r = read_doc(&d, "feeds.pcl");
	CHECK(is(r, PARSE_FORMAT_PCL, 4));
	CHECK(looks(r, "gggg"));
	CHECK(has_size(r, 0, 595, 842));
	CHECK(r->copies == 2 && r->duplex == 3);
}

static void pcl_lines_run_over(void)
{
	struct doc d = {0};
	AUTO(parse_result_freep) struct parse_result *r = NULL;

	doc_printf(&d, "\033E");
	for (int i = 0; i < 130; i++)
		doc_printf(&d, "line\r\n");
	r = read_doc(&d, NULL);
	CHECK(is(r, PARSE_FORMAT_PCL, 3));
}

static void pcl_colour_is_seen_or_doubted(void)
{
	AUTO(parse_result_freep)
	struct parse_result *text =
		read_text("\033E\033*r3U\033*v1Sred\f\033*v0Sblack\f\033E", "colour.pcl");

	CHECK(is(text, PARSE_FORMAT_PCL, 2) && looks(text, "cg"));
}

/* A page with rows of a raster: what is before them, and the rows themselves. */
static bool raster_looks(const char *setup, const void *rows, size_t len, char want)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	struct doc d = {0};
	char name[32];
	static int count;

	doc_printf(&d, "\033E");
	if (setup[0] == 'v') { /* configure image data: six octets */
		doc_printf(&d, "\033*v6W");
		for (int i = 0; i < 6; i++)
			doc_bytes(&d, &(char){(char)(setup[i + 1] - '0')}, 1);
		setup += 7;
	}
	doc_printf(&d, "%s\033*r1A", setup);
	doc_bytes(&d, rows, len);
	doc_printf(&d, "\033*rC\f\033E");
	snprintf(name, sizeof(name), "raster-%d.pcl", ++count);
	r = read_doc(&d, name);
	return is(r, PARSE_FORMAT_PCL, 1) && looks(r, (char[]){want, 0});
}

#define RASTER(setup, rows, want) CHECK(raster_looks(setup, rows, sizeof(rows) - 1, want))

static void pcl_rasters_are_unpacked_and_looked_at(void)
{
	/* three planes */
	RASTER("\033*r3U", "\033*b2V\xf0\xff\033*b2V\xf0\xff\033*b2W\xf0\xff", 'g');
	RASTER("\033*r3U", "\033*b2V\xf0\xff\033*b2V\xf0\xff\033*b2W\xf0\xfe", 'c');
	RASTER("\033*r-3U", "\033*b1V\0\033*b1V\0\033*b1W\1", 'c');
	RASTER("\033*r1U", "\033*b3Wabc", 'g');
	/* black and another plane is black */
	RASTER("\033*r-4U", "\033*b1V\xff\033*b1V\x0f\033*b1V\0\033*b1W\0", 'g');
	RASTER("\033*r-4U", "\033*b1V\x0f\033*b1V\xf0\033*b1V\0\033*b1W\0", 'c');
	/* compression: runs, packed bits, and changes to the row before */
	RASTER("\033*r3U\033*b1M", "\033*b2V\7\xff\033*b2V\7\xff\033*b2W\7\xff", 'g');
	RASTER("\033*r3U\033*b1M", "\033*b2V\7\xff\033*b2V\7\xff\033*b2W\6\xff", 'c');
	RASTER("\033*r3U\033*b2M", "\033*b2V\xfe\xff\033*b4V\2\xff\xff\xff\033*b2W\xfe\xff", 'g');
	RASTER("\033*r3U\033*b2M", "\033*b2V\xfe\xff\033*b4V\2\xff\xff\xfd\033*b2W\xfe\xff", 'c');
	RASTER("\033*r3U\033*b3M",
		"\033*b2V\3\xff\033*b2V\3\xff\033*b2W\3\xff\033*b0V\033*b0V\033*b0W", 'g');
	RASTER("\033*r3U\033*b3M",
		"\033*b2V\3\xff\033*b2V\3\xff\033*b2W\3\xff\033*b0V\033*b0V\033*b2W\1\xff", 'c');
	/* direct colours of eight bits, and what the compression of several rows makes of them */
	RASTER("v033888", "\033*b6W\x40\x40\x40\x80\x80\x84", 'g');
	RASTER("v033888", "\033*b6W\x40\x40\x40\x80\x80\xf4", 'c');
	RASTER("v033888\033*b5M", "\033*b15W\4\0\3\0\0\3\x40\x40\x40\5\0\2\0\0\0", 'g');
	RASTER("v033888\033*b5M", "\033*b12W\4\0\3\0\0\3\x40\x40\xf0\5\0\2", 'c');
	/* the picture is narrower than its rows */
	RASTER("v033888\033*r1S", "\033*b6W\x40\x40\x40\x80\x80\xf4", 'g');
	/* indices into a palette, as it is at first and as it is made */
	RASTER("v018888", "\033*b2W\0\7", 'g');
	RASTER("v018888", "\033*b2W\0\1", 'c');
	RASTER("v018888\033*v90a90b90c1I", "\033*b2W\0\1", 'g');
	RASTER("v018888\033*v90a90b9c9I", "\033*b2W\0\11", 'c');
	RASTER("v018888\033*v444444444a0b-9c9I", "\033*b2W\0\11", 'c');
	/* what is not known is not guessed */
	RASTER("v333888", "\033*b6W\x40\x40\x40\x80\x80\x84", 'u');
	RASTER("\033*r3U\033*b9M", "\033*b2V\3\xff\033*b2V\3\xff\033*b2W\3\xff", 'u');
}

/* One attribute of one octet, and an operator. */
static void pxl_byte(struct doc *d, int value, int id)
{
	uint8_t b[4] = {0xc0, (uint8_t)value, 0xf8, (uint8_t)id};

	doc_bytes(d, b, sizeof(b));
}

static void pxl_op(struct doc *d, int op)
{
	uint8_t b = (uint8_t)op;

	doc_bytes(d, &b, 1);
}

static void pclxl_pages_are_between_their_operators(void)
{
	struct doc d = {0};
	AUTO(parse_result_freep) struct parse_result *r = NULL;

	doc_printf(&d, ") HP-PCL XL;2;0;Comment\n");
	pxl_byte(&d, 2, 37); /* A4 */
	pxl_byte(&d, 1, 40); /* landscape */
	pxl_op(&d, 0x43);
	doc_bytes(&d, "\xfa\5\0\0\0\x43\x44\x43\x44\x43", 10); /* data that looks like pages */
	doc_bytes(&d, "\xc8\xc1\3\0\x44\x44\x44\xf8\x0b\x63", 10); /* SetBrush, gray in RGB */
	doc_bytes(&d, "\xc1\2\0\xf8\x31", 5); /* two copies */
	pxl_op(&d, 0x44);
	pxl_byte(&d, 0, 37); /* Letter */
	pxl_op(&d, 0x43);
	doc_bytes(&d, "\xc8\xc1\3\0\xff\0\0\xf8\x0b\x63", 10); /* red */
	pxl_op(&d, 0x44);
	pxl_byte(&d, 2, 3);
	pxl_op(&d, 0x6a); /* RGB */
	pxl_op(&d, 0x43);
	pxl_op(&d, 0xb0); /* a picture */
	pxl_op(&d, 0x44);
	pxl_op(&d, 0x42);
	r = read_doc(&d, "pages.pxl");
	CHECK(is(r, PARSE_FORMAT_PCLXL, 3));
	CHECK(looks(r, "gcu"));
	CHECK(has_size(r, 0, 842, 595));
	CHECK(r->copies == 2);
}

/* A page with a picture of two pixels a row and its one block of data. */
static bool picture_looks(int mapping, int compression, const void *data, size_t len, char want)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	struct doc d = {0};
	char name[32];

	doc_printf(&d, ") HP-PCL XL;2;0;Comment\n");
	pxl_op(&d, 0x43);
	/* RGB, with a palette of gray and red for pictures of indices */
	doc_bytes(&d, "\xc8\xc1\6\0\x40\x40\x40\xff\0\0\xf8\6", 12);
	pxl_byte(&d, 2, 3);
	pxl_op(&d, 0x6a);
	pxl_byte(&d, 2, 98);
	pxl_byte(&d, mapping, 100);
	pxl_byte(&d, 2, 108);
	pxl_op(&d, 0xb0);
	pxl_byte(&d, compression, 101);
	pxl_op(&d, 0xb1);
	doc_bytes(&d, (uint8_t[]){0xfb, (uint8_t)len}, 2);
	doc_bytes(&d, data, len);
	pxl_op(&d, 0xb2);
	pxl_op(&d, 0x44);
	snprintf(name, sizeof(name), "picture-%d-%d.pxl", mapping, compression);
	r = read_doc(&d, name);
	return is(r, PARSE_FORMAT_PCLXL, 1) && looks(r, (char[]){want, 0});
}

#define PICTURE(mapping, compression, data, want) \
	CHECK(picture_looks(mapping, compression, data, sizeof(data) - 1, want))

static void pclxl_pictures_are_unpacked_and_looked_at(void)
{
	/* two rows of two pixels, each row padded to eight octets */
	PICTURE(0, 0, "\x40\x40\x40\x80\x80\x80\0\xff\x40\x40\x40\x80\x80\x80\0\xff", 'g');
	PICTURE(0, 0, "\x40\x40\x40\x80\x80\x80\0\xff\x40\x40\x40\x80\x80\xf0\0\xff", 'c');
	PICTURE(0, 1, "\xfb\x40\xff\0\xfb\x40\xff\0", 'g');
	PICTURE(0, 1, "\xfb\x40\xff\0\xfc\x40\2\xf0\0\0", 'c');
	PICTURE(0, 3, "\7\0\xa0\x40\x40\x40\x40\x40\x40\0\0", 'g');
	PICTURE(0, 3, "\7\0\xa0\x40\x40\x40\x40\x40\x40\2\0\1\xf0", 'c');
	PICTURE(1, 0, "\0\0\1\1", 'g'); /* the palette's red entry is in the padding alone */
	PICTURE(1, 0, "\0\1\0\0", 'c');
	PICTURE(0, 2, "no JPEG", 'u');
	PICTURE(0, 7, "\x40\x40\x40\x80\x80\x80\0\xff", 'u');
}

static void put_word(uint8_t *p, uint32_t v, bool little)
{
	for (int i = 0; i < 4; i++)
		p[little ? i : 3 - i] = (uint8_t)(v >> (8 * i));
}

struct raster_page {
	int space, bits_colour, bits_pixel, width, height, line;
};

static void raster_header(struct doc *d, const struct raster_page *p, bool little)
{
	uint8_t h[1796] = "PwgRaster";

	put_word(h + 272, 1, little);
	put_word(h + 340, 2, little);
	put_word(h + 352, 595, little);
	put_word(h + 356, 842, little);
	put_word(h + 372, (uint32_t)p->width, little);
	put_word(h + 376, (uint32_t)p->height, little);
	put_word(h + 384, (uint32_t)p->bits_colour, little);
	put_word(h + 388, (uint32_t)p->bits_pixel, little);
	put_word(h + 392, (uint32_t)p->line, little);
	put_word(h + 400, (uint32_t)p->space, little);
	doc_bytes(d, h, sizeof(h));
}

static void pwg_runs_are_walked(void)
{
	static const struct raster_page rgb = {19, 8, 24, 4, 3, 12}, gray = {18, 8, 8, 4, 2, 4},
					cmyk = {6, 8, 32, 1, 1, 4};
	struct doc d = {0};
	AUTO(parse_result_freep) struct parse_result *r = NULL;

	doc_printf(&d, "RaS2");
	raster_header(&d, &rgb,
		false); /* gray in RGB: a repeat of 4, then 2 rows of 2 literals and a repeat */
	doc_bytes(&d, "\0\3\x80\x80\x80", 5);
	doc_bytes(&d, "\1\xff\1\1\1\xff\xff\xff\1\7\7\7", 12);
	raster_header(&d, &gray, false);
	doc_bytes(&d, "\1\3R", 3);
	raster_header(&d, &rgb, false); /* one red pixel among literals */
	doc_bytes(&d, "\2\xfd\0\0\0\xff\0\0\0\0\0\0\0\0", 14);
	raster_header(&d, &cmyk, false);
	doc_bytes(&d, "\0\0\0\0\0\xff", 6);
	r = read_doc(&d, "pages.pwg");
	CHECK(is(r, PARSE_FORMAT_PWG, 4));
	CHECK(looks(r, "ggcg"));
	CHECK(has_size(r, 3, 595, 842));
	CHECK(r->copies == 2 && r->duplex == 2);
	CHECK(!(r->flags & PARSE_F_DAMAGED));
}

static void cups_raster_of_the_other_byte_order_is_read(void)
{
	static const struct raster_page rgb = {1, 8, 24, 2, 2, 6};
	struct doc d = {0};
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	size_t at = 4;

	doc_printf(&d, "3SaR"); /* version 3 is not packed */
	raster_header(&d, &rgb, true);
	memset(d.p + at, 0, 16);
	doc_bytes(&d, "\1\1\1\2\2\2\3\3\3\4\4\4", 12);
	raster_header(&d, &rgb, true);
	doc_bytes(&d, "\1\1\1\2\2\2\3\3\3\4\4\xff", 12);
	r = read_doc(&d, "plain.ras");
	CHECK(is(r, PARSE_FORMAT_CUPS, 2));
	CHECK(looks(r, "gc"));
}

static void raster_that_ends_early_says_so(void)
{
	static const struct raster_page gray = {18, 8, 8, 400, 200, 400};
	struct doc d = {0};
	AUTO(parse_result_freep) struct parse_result *r = NULL;

	doc_printf(&d, "RaS2");
	raster_header(&d, &gray, false);
	doc_bytes(&d, "\1\3R", 3);
	r = read_doc(&d, NULL);
	CHECK(is(r, PARSE_FORMAT_PWG, 1));
	CHECK(r->flags & PARSE_F_DAMAGED);
}

static void urf_page(struct doc *d, int bits, int space, uint32_t width, uint32_t height)
{
	uint8_t h[32] = {(uint8_t)bits, (uint8_t)space, 2, 4};

	put_word(h + 12, width, false);
	put_word(h + 16, height, false);
	put_word(h + 20, 72, false);
	doc_bytes(d, h, sizeof(h));
}

static void urf_pages_are_counted_though_its_count_is_zero(void)
{
	struct doc d = {0};
	AUTO(parse_result_freep) struct parse_result *r = NULL;

	doc_bytes(&d, "UNIRAST\0\0\0\0\0", 12);
	urf_page(&d, 24, 1, 595, 2);
	doc_bytes(&d, "\0\x80\0\3\x40\x40\x40\x80", 8); /* white; four gray, then white */
	urf_page(&d, 24, 1, 3, 1);
	doc_bytes(&d, "\0\2\xff\0\0", 5);
	urf_page(&d, 8, 0, 3, 1);
	doc_bytes(&d, "\0\2\x11", 3);
	r = read_doc(&d, "pages.urf");
	CHECK(is(r, PARSE_FORMAT_URF, 3));
	CHECK(looks(r, "gcg"));
	CHECK(has_size(r, 0, 595, 2));
	CHECK(r->duplex == 3);
}

static void png_chunk(struct doc *d, const char *type, const void *data, size_t len)
{
	uint8_t n[4], crc[4] = {0};

	put_word(n, (uint32_t)len, false);
	doc_bytes(d, n, 4);
	doc_bytes(d, type, 4);
	doc_bytes(d, data, len);
	doc_bytes(d, crc, 4);
}

/* @type: the colour type; plus 256 when it is interlaced */
static void make_png(struct doc *d, int type, int depth, const void *rows, size_t len,
	const void *palette, size_t plen)
{
	uint8_t head[13] = {0, 0, 0, 2, 0, 0, 0, 2, (uint8_t)depth, (uint8_t)type}, phys[9] = {0},
		packed[256];
	uLongf n = sizeof(packed);

	head[12] = (uint8_t)(type >> 8);
	put_word(phys, 2835, false); /* 72 dpi */
	put_word(phys + 4, 2835, false);
	phys[8] = 1;
	if (compress(packed, &n, rows, len) != Z_OK)
		abort();
	doc_bytes(d, "\x89PNG\r\n\x1a\n", 8);
	png_chunk(d, "IHDR", head, 13);
	png_chunk(d, "pHYs", phys, 9);
	if (plen)
		png_chunk(d, "PLTE", palette, plen);
	png_chunk(d, "IDAT", packed, 5);
	png_chunk(d, "IDAT", packed + 5, n - 5);
	png_chunk(d, "IEND", "", 0);
}

static void png_is_one_page_of_its_colour(void)
{
	static const struct {
		int type, depth;
		const char *rows;
		size_t len;
		const char *palette, *want, *name;
	} cases[] = {
		{0, 8, "\0\1\2\0\3\4", 6, "", "g", "gray.png"},
		{2, 8, "\0\1\1\1\2\2\2\0\3\3\3\4\4\4", 14, "", "g", NULL},
		{2, 8, "\0\1\1\1\2\2\2\1\3\3\3\0\0\xf0", 14, "", "c", "rgb.png"},
		{3, 2, "\0\x10\0\x10", 4, "\1\1\1\2\2\2\xff\0\0", "g", NULL},
		{3, 2, "\0\x10\0\x20", 4, "\1\1\1\2\2\2\xff\0\0", "c", "palette.png"},
		{6, 8, "\0\1\1\1\xff\2\2\2\x10\0\3\3\3\x80\xff\0\0\xff", 18, "", "c", "alpha.png"},
		{6, 8, "\0\1\1\1\xff\2\2\2\x10\0\3\3\3\x80\7\7\7\xff", 18, "", "g", NULL},
		/* a pixel, a pixel and a row of two: the passes of Adam7 that such a picture has */
		{256 + 2, 8, "\0\1\1\1\0\2\2\2\0\3\3\3\4\4\4", 15, "", "g", NULL},
		{256 + 2, 8, "\0\1\1\1\0\2\2\2\1\3\3\3\0\0\xf0", 15, "", "c", "adam7.png"},
		{256 + 2, 8, "\0\1\1\1\0\xff\2\2\0\3\3\3\4\4\4", 15, "", "c", NULL},
		{256 + 3, 2, "\0\0\0\x80\0\0", 6, "\1\1\1\2\2\2\xff\0\0", "c", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(parse_result_freep) struct parse_result *r = NULL;
		struct doc d = {0};

		make_png(&d, cases[i].type, cases[i].depth, cases[i].rows, cases[i].len,
			cases[i].palette, cases[i].palette[0] ? 9 : 0);
		r = read_doc(&d, cases[i].name);
		CHECK(is(r, PARSE_FORMAT_PNG, 1));
		CHECK(looks(r, cases[i].want));
		CHECK(has_size(r, 0, 2, 2));
	}
}

/* A JPEG of 16 by 16 in one colour; @components 1 or 3, as YCbCr, or 4. */
static void make_jpeg(struct doc *d, int components, const uint8_t *colour, bool progressive)
{
	struct jpeg_compress_struct c;
	struct jpeg_error_mgr err;
	unsigned char *out = NULL;
	unsigned long n = 0;
	JSAMPLE row[16 * 4];
	JSAMPROW rows[1] = {row};

	c.err = jpeg_std_error(&err);
	jpeg_create_compress(&c);
	jpeg_mem_dest(&c, &out, &n);
	c.image_width = c.image_height = 16;
	c.input_components = components;
	c.in_color_space = components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB : JCS_CMYK;
	jpeg_set_defaults(&c);
	c.density_unit = 1;
	c.X_density = c.Y_density = 72;
	if (progressive)
		jpeg_simple_progression(&c);
	jpeg_start_compress(&c, TRUE);
	for (int i = 0; i < 16 * components; i++)
		row[i] = colour[i % components];
	while (c.next_scanline < 16)
		jpeg_write_scanlines(&c, rows, 1);
	jpeg_finish_compress(&c);
	jpeg_destroy_compress(&c);
	doc_bytes(d, out, n);
	free(out);
}

static void jpeg_is_one_page_of_its_colour(void)
{
	static const struct {
		int components;
		const char *colour, *want, *name;
		bool progressive;
	} cases[] = {
		{1, "\x40", "g", "gray.jpg"},
		{3, "\x40\x40\x40", "g", "ycc.jpg"},
		{3, "\xc0\x40\x40", "c", "red.jpg"},
		{3, "\xc0\x40\x40", "c", "progressive.jpg", true},
		{4, "\x30\x30\x30\x30", "g", "cmyk.jpg"},
		{4, "\xff\x30\x30\x01", "c", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(parse_result_freep) struct parse_result *r = NULL;
		struct doc d = {0};

		make_jpeg(&d, cases[i].components, (const uint8_t *)cases[i].colour,
			cases[i].progressive);
		r = read_doc(&d, cases[i].name);
		CHECK(is(r, PARSE_FORMAT_JPEG, 1));
		CHECK(looks(r, cases[i].want));
		CHECK(cases[i].components == 4 || has_size(r, 0, 16, 16));
	}
}

/* The same pictures inside a PDF, where Decode may turn them. */
static void jpeg_in_a_pdf_is_decoded(void)
{
	static const struct {
		int components;
		const char *colour, *dict;
		enum parse_colour want;
	} cases[] = {
		{3, "\x40\x40\x40", "/ColorSpace /DeviceRGB", PARSE_COLOUR_GRAY},
		{3, "\xc0\x40\x40", "/ColorSpace /DeviceRGB", PARSE_COLOUR_COLOUR},
		{1, "\x40", "/ColorSpace /DeviceRGB", PARSE_COLOUR_GRAY},
		{4, "\x40\x40\x40\x40", "/ColorSpace /DeviceCMYK /Decode [1 0 1 0 1 0 1 0]",
			PARSE_COLOUR_GRAY},
		{4, "\xff\x00\x00\x00", "/ColorSpace /DeviceCMYK", PARSE_COLOUR_COLOUR},
		{1, "\xff",
			"/ColorSpace [/Separation /Spot /DeviceRGB << /FunctionType 2 /Domain [0 1] /C0 [1 1 1] /C1 [1 0 0] /N 1 >>]",
			PARSE_COLOUR_COLOUR},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(parse_result_freep) struct parse_result *r = NULL;
		struct doc d = {0}, j = {0};
		char dict[320];

		make_jpeg(&j, cases[i].components, (const uint8_t *)cases[i].colour, false);
		doc_page(&d, "", "/XObject << /X 5 0 R >>", "100 0 0 100 20 20 cm /X Do");
		snprintf(dict, sizeof(dict),
			"/Subtype /Image /Width 16 /Height 16 /BitsPerComponent 8 /Filter /DCTDecode %s",
			cases[i].dict);
		doc_stream(&d, dict, j.p, j.len);
		doc_end(&d, "");
		r = read_doc(&d, NULL);
		CHECK(r->count == 1 && r->pages[0].colour == cases[i].want &&
			r->pages[0].how == PARSE_HOW_DECODED);
		doc_fini(&j);
	}
}

static void red_pdf(struct doc *d)
{
	doc_page(d, "", "", "1 0 0 rg 0 0 50 50 re f");
	doc_end(d, "");
}

static void gzip_into(struct doc *d, const struct doc *from)
{
	uint8_t *out = malloc(from->len + 1024);
	z_stream z = {.next_in = (Bytef *)from->p, .avail_in = (uInt)from->len};

	if (!out || deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	z.next_out = out;
	z.avail_out = (uInt)from->len + 1024;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	doc_bytes(d, out, z.total_out);
	deflateEnd(&z);
	free(out);
}

static void gzip_around_anything_is_undone(void)
{
	struct doc pdf = {0}, a = {0}, ps = {0}, b = {0};
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	AUTO(parse_result_freep) struct parse_result *s = NULL;

	red_pdf(&pdf);
	gzip_into(&a, &pdf);
	r = read_doc(&a, "gz.pdf");
	CHECK(is(r, PARSE_FORMAT_PDF, 1) && looks(r, "c"));
	doc_printf(&ps, "%%!PS-Adobe-3.0\n%%%%Page: 1 1\nshowpage\n");
	gzip_into(&b, &ps);
	s = read_doc(&b, "gz.ps");
	CHECK(is(s, PARSE_FORMAT_POSTSCRIPT, 1));
	doc_fini(&pdf);
	doc_fini(&ps);
}

static void doc_text(struct doc *d, const char *s)
{
	doc_bytes(d, s, strlen(s));
}

static void pjl_around_a_pdf_is_read(void)
{
	struct doc pdf = {0}, d = {0};
	AUTO(parse_result_freep) struct parse_result *r = NULL;

	red_pdf(&pdf);
	doc_text(&d, UEL
		"@PJL JOB NAME = \"The \x1bjob\"\r\n@PJL SET COPIES=4\r\n@PJL SET DUPLEX = ON\r\n");
	doc_text(&d,
		"@PJL SET BINDING=SHORTEDGE\r\n@PJL COMMENT %PDF-\r\n@PJL ENTER LANGUAGE=PDF\r\n");
	doc_bytes(&d, pdf.p, pdf.len);
	doc_text(&d, UEL "@PJL EOJ\r\n" UEL);
	r = read_doc(&d, "pjl.pdf");
	CHECK(is(r, PARSE_FORMAT_PDF, 1) && looks(r, "c"));
	CHECK(r->copies == 4 && r->duplex == 3);
	CHECK(r->title && !strcmp(r->title, "The  job"));
	doc_fini(&pdf);
}

static void pjl_may_hold_several_documents(void)
{
	AUTO(parse_result_freep)
	struct parse_result *r = read_text(UEL
		"@PJL ENTER LANGUAGE=PCL\r\n\033Eone\f\033E" UEL
		"@PJL ENTER LANGUAGE=POSTSCRIPT\r\n%!PS-Adobe-3.0\n%%Page: 1 1\nshowpage\n%%Page: 2 2\nshowpage\n" UEL
		"@PJL EOJ\r\n" UEL,
		"several.pcl");

	CHECK(is(r, PARSE_FORMAT_POSTSCRIPT, 3));
	CHECK(looks(r, "guu"));
}

static void what_is_no_document_is_unknown(void)
{
	AUTO(parse_result_freep) struct parse_result *text = read_text("Hello, world.\n", NULL);
	AUTO(parse_result_freep) struct parse_result *none = read_text("", NULL);

	CHECK(is(text, PARSE_FORMAT_UNKNOWN, PARSE_COUNT_UNKNOWN));
	CHECK(is(none, PARSE_FORMAT_UNKNOWN, PARSE_COUNT_UNKNOWN));
}

int main(void)
{
	RUN(postscript_pages_are_those_of_its_comments);
	RUN(postscript_without_comments_is_unknown);
	RUN(eps_is_one_page);
	RUN(pcl_pages_are_ejected_by_feeds_and_resets);
	RUN(pcl_lines_run_over);
	RUN(pcl_colour_is_seen_or_doubted);
	RUN(pcl_rasters_are_unpacked_and_looked_at);
	RUN(pclxl_pages_are_between_their_operators);
	RUN(pclxl_pictures_are_unpacked_and_looked_at);
	RUN(pwg_runs_are_walked);
	RUN(cups_raster_of_the_other_byte_order_is_read);
	RUN(raster_that_ends_early_says_so);
	RUN(urf_pages_are_counted_though_its_count_is_zero);
	RUN(png_is_one_page_of_its_colour);
	RUN(jpeg_is_one_page_of_its_colour);
	RUN(jpeg_in_a_pdf_is_decoded);
	RUN(gzip_around_anything_is_undone);
	RUN(pjl_around_a_pdf_is_read);
	RUN(pjl_may_hold_several_documents);
	RUN(what_is_no_document_is_unknown);
	return tap_done();
}
