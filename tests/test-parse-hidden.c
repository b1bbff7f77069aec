/* SPDX-License-Identifier: Apache-2.0 */
/* test-parse-hidden - colours that are painted and do not show, and the same where they do.
 *
 * Each case is a page of 200 by 200 points, and stands beside one that differs in what hides the colour
 * alone.  The expectations are what MuPDF, poppler and Ghostscript draw at 72 dpi, or two of them. With STILLPRINT_DUMP
 * set to a folder the documents are written there, to be drawn by these. */
#include "parse/doc.h"
#include "tap.h"

#define BOX " 20 20 100 100 re f "
#define RED "1 0 0 rg" BOX
#define ALL "0 0 200 200 re f "
#define FONT "/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> "
#define FORM "/Type /XObject /Subtype /Form /BBox [0 0 200 200] "
#define GROUP(more) FORM "/Group << /S /Transparency " more " >>"
#define X5 "/XObject << /X 5 0 R >> "
#define STATE(body) "/ExtGState << /E << " body " >> >> "
#define LIGHT(more) STATE("/SMask << /S /Luminosity /G 5 0 R " more " >>")
#define IMAGE "/Subtype /Image /Width 8 /Height 8 /BitsPerComponent 8 "

static const enum parse_colour G = PARSE_COLOUR_GRAY, C = PARSE_COLOUR_COLOUR;

struct page_case {
	const char *name;
	const enum parse_colour *want;
	const char *resources, *content;
	const char *dict, *data; /* of a stream that is object 5 */
	size_t size; /* of its octets; 0: up to the NUL */
	const char *dict6, *data6; /* of one that is object 6 */
	const char *page; /* more of the page's dictionary */
};

static const uint8_t jpx_gray[] = {0xff, 0x4f, 0xff, 0x51, 0x00, 0x2f, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x08, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x08, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x03, 0x07, 0x01, 0x01, 0x07, 0x01, 0x01, 0x07, 0x01, 0x01, 0xff, 0x52, 0x00, 0x0c, 0x00,
	0x00, 0x00, 0x01, 0x00, 0x01, 0x04, 0x04, 0x00, 0x01, 0xff, 0x5c, 0x00, 0x07, 0x40, 0x40,
	0x48, 0x48, 0x50, 0xff, 0x90, 0x00, 0x0a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x38, 0x00, 0x01,
	0xff, 0x93, 0xc7, 0xd4, 0x14, 0x11, 0x50, 0x49, 0x5c, 0x08, 0x42, 0x3e, 0xe5, 0x34, 0x3f,
	0xc7, 0xd4, 0x14, 0x11, 0x50, 0x49, 0x5c, 0x08, 0x42, 0x3e, 0xe5, 0x34, 0x3f, 0xc7, 0xd4,
	0x14, 0x11, 0x50, 0x49, 0x5c, 0x08, 0x42, 0x3e, 0xe5, 0x34, 0x3f, 0x80, 0x80, 0x80, 0xff,
	0xd9};
static const uint8_t jpx_red[] = {0xff, 0x4f, 0xff, 0x51, 0x00, 0x2f, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x08, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x08, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x03, 0x07, 0x01, 0x01, 0x07, 0x01, 0x01, 0x07, 0x01, 0x01, 0xff, 0x52, 0x00, 0x0c, 0x00,
	0x00, 0x00, 0x01, 0x00, 0x01, 0x04, 0x04, 0x00, 0x01, 0xff, 0x5c, 0x00, 0x07, 0x40, 0x40,
	0x48, 0x48, 0x50, 0xff, 0x90, 0x00, 0x0a, 0x00, 0x00, 0x00, 0x00, 0x00, 0xb6, 0x00, 0x01,
	0xff, 0x93, 0xcf, 0xb4, 0x40, 0x0b, 0x80, 0x12, 0xf9, 0x78, 0x7b, 0x9f, 0xd7, 0x5b, 0xc4,
	0x35, 0xae, 0xbc, 0x98, 0x30, 0xa7, 0xcf, 0xb4, 0x44, 0x15, 0xcf, 0x3f, 0xdd, 0x49, 0xc4,
	0x3e, 0x1d, 0xac, 0x92, 0x70, 0x6a, 0xd9, 0x34, 0x53, 0x67, 0x3f, 0xcf, 0xb4, 0x44, 0x15,
	0xcf, 0x3f, 0xdd, 0x49, 0xc4, 0x3e, 0x1d, 0xac, 0x92, 0x70, 0x6a, 0xd9, 0x34, 0x53, 0x67,
	0x3f, 0xcf, 0xc0, 0x2a, 0x7e, 0x01, 0x71, 0xf8, 0x03, 0x80, 0x23, 0x12, 0xc8, 0x81, 0x33,
	0xbb, 0xcf, 0x64, 0x19, 0xc3, 0x1f, 0xb3, 0x7c, 0x0e, 0xbf, 0xc6, 0xf0, 0x34, 0xe5, 0xda,
	0x3f, 0x24, 0x66, 0x59, 0x24, 0x17, 0x67, 0xe7, 0xc7, 0xda, 0x15, 0x1f, 0x68, 0x54, 0x3e,
	0xd0, 0x70, 0x23, 0xbe, 0xca, 0x81, 0x33, 0xbb, 0xce, 0x84, 0x7b, 0xc7, 0x1e, 0xf3, 0x80,
	0xab, 0x90, 0x28, 0x86, 0x93, 0xe4, 0xfd, 0x24, 0xbc, 0x60, 0xba, 0xf2, 0x43, 0x7f, 0xc7,
	0xda, 0x15, 0x1f, 0x68, 0x54, 0x3e, 0xd0, 0x70, 0x23, 0xbe, 0xca, 0x81, 0x33, 0xbb, 0xce,
	0x84, 0x7b, 0xc7, 0x1e, 0xf3, 0x80, 0xab, 0x90, 0x28, 0x86, 0x93, 0xe4, 0xfd, 0x24, 0xbc,
	0x60, 0xba, 0xf2, 0x43, 0x7f, 0xff, 0xd9};

/* 8 by 8 pixels in gray, whose upper left quarter is red; and a mask that shows that quarter alone, or the other ones. */
#define R4 "\xff\0\0\xff\0\0\xff\0\0\xff\0\0"
#define G4 "\x50\x50\x50\x50\x50\x50\x50\x50\x50\x50\x50\x50"
#define QUARTER R4 G4 R4 G4 R4 G4 R4 G4 G4 G4 G4 G4 G4 G4 G4 G4
#define ON8 "\xff\xff\xff\xff\xff\xff\xff\xff"
#define OFF8 "\0\0\0\0\0\0\0\0"
#define LEFT8 "\xff\xff\xff\xff\0\0\0\0"
#define RIGHT8 "\0\0\0\0\0\xff\xff\xff"
#define EIGHT(row) row row row row row row row row

static const struct page_case cases[] = {
	/* soft masks of the graphics state */
	{"a mask that is white", &C, LIGHT(""), "/E gs " RED, GROUP("/CS /DeviceGray"), "1 g " ALL},
	{"a mask that is black", &G, LIGHT(""), "/E gs " RED, GROUP("/CS /DeviceGray"), "0 g " ALL},
	{"a mask that is empty", &G, LIGHT(""), "/E gs " RED, GROUP("/CS /DeviceGray"), ""},
	{"a mask that is white elsewhere", &G, LIGHT(""), "/E gs " RED, GROUP("/CS /DeviceGray"),
		"1 g 150 150 40 40 re f"},
	{"a mask that is white in a corner of it", &C, LIGHT(""), "/E gs " RED,
		GROUP("/CS /DeviceGray"), "1 g 100 100 90 90 re f"},
	{"a mask that is hardly gray", &G, LIGHT(""), "/E gs " RED, GROUP("/CS /DeviceGray"),
		"0.05 g " ALL},
	{"a mask whose backdrop is white", &C, LIGHT("/BC [1]"), "/E gs " RED,
		GROUP("/CS /DeviceGray"), ""},
	{"a mask whose transfer turns black to white", &C,
		LIGHT("/TR << /FunctionType 2 /Domain [0 1] /C0 [1] /C1 [0] /N 1 >>"), "/E gs " RED,
		GROUP("/CS /DeviceGray"), "0 g " ALL},
	{"a mask of opacity without marks", &G, STATE("/SMask << /S /Alpha /G 5 0 R >>"),
		"/E gs " RED, GROUP(""), ""},
	{"a mask of opacity, black but there", &C, STATE("/SMask << /S /Alpha /G 5 0 R >>"),
		"/E gs " RED, GROUP(""), "0 g " ALL},
	{"a mask that is taken back", &C,
		"/ExtGState << /E << /SMask << /S /Luminosity /G 5 0 R >> >> /N << /SMask /None >> >>",
		"/E gs /N gs " RED, GROUP("/CS /DeviceGray"), ""},
	{"a mask before q", &C, LIGHT(""), "q /E gs Q " RED, GROUP("/CS /DeviceGray"), ""},
	{"a mask where the matrix has moved", &G, LIGHT(""),
		"q 1 0 0 1 150 150 cm /E gs 1 0 0 1 -150 -150 cm " RED "Q",
		GROUP("/CS /DeviceGray"), "1 g 0 0 40 40 re f"},
	{"a mask that is a black picture", &G, LIGHT("") X5, "/E gs " RED,
		GROUP("/CS /DeviceGray") " /Resources << /XObject << /M 6 0 R >> >>",
		"200 0 0 200 0 0 cm /M Do", 0, IMAGE "/ColorSpace /DeviceGray", EIGHT(OFF8)},
	{"a mask over a group that lifts its own", &G, LIGHT("") "/XObject << /X 6 0 R >>",
		"/E gs /X Do", GROUP("/CS /DeviceGray"), "", 0,
		GROUP("/I true") " /Resources << /ExtGState << /N << /SMask /None >> >> >>",
		"/N gs " RED},
	/* groups */
	{"a group of its own without colours", &G, X5, "/X Do", GROUP("/I true /CS /DeviceGray"),
		RED},
	{"a group of its own with colours", &C, X5, "/X Do", GROUP("/I true /CS /DeviceRGB"), RED},
	{"a group whose space is not its own", &C, X5, "/X Do", GROUP("/I false /CS /DeviceGray"),
		RED},
	/* blend modes */
	{"luminosity alone, onto gray", &G, STATE("/BM /Luminosity"), "0.5 g " ALL "/E gs " RED},
	{"luminosity alone, onto nothing", &C, STATE("/BM /Luminosity"), "/E gs " RED},
	{"luminosity alone, onto gray beside it", &C, STATE("/BM /Luminosity"),
		"0.5 g 0 0 60 200 re f /E gs " RED},
	{"hue, onto gray", &G, STATE("/BM /Hue"), "0.5 g " ALL "/E gs " RED},
	{"a screen onto white", &G, STATE("/BM /Screen"), "1 g " ALL "/E gs " RED},
	{"a screen onto gray", &C, STATE("/BM /Screen"), "0.3 g " ALL "/E gs " RED},
	{"a screen onto white with something gray", &C, STATE("/BM /Screen"),
		"1 g " ALL "0.3 g 30 30 50 50 re f /E gs " RED},
	{"multiplied onto black", &G, STATE("/BM /Multiply"), "0 g " ALL "/E gs " RED},
	{"multiplied onto white", &C, STATE("/BM /Multiply"), "1 g " ALL "/E gs " RED},
	{"the first mode of a list", &G, STATE("/BM [/Saturation /Normal]"),
		"0.5 g " ALL "/E gs " RED},
	/* painted over */
	{"white over it", &G, "", RED "1 g " ALL},
	{"gray over it", &G, "", RED "0.5 g 10 10 120 120 re f"},
	{"white over a part of it", &C, "", RED "1 g 10 10 60 120 re f"},
	{"white before it", &C, "", "1 g " ALL RED},
	{"white over it as a path of lines", &G, "",
		RED "1 g 10 10 m 150 10 l 150 150 l 10 150 l h f"},
	{"white over it as a triangle", &C, "", RED "1 g 10 10 m 150 10 l 10 150 l h f"},
	{"exactly over it, on whole points", &G, "", RED "1 g" BOX},
	{"exactly over it, between points", &C, "",
		"1 0 0 rg 20.5 20.5 100 100 re f 1 g 20.5 20.5 100 100 re f"},
	{"half white over it", &C, STATE("/ca 0.5"), RED "/E gs 1 g " ALL},
	{"white in a blend mode over it", &C, STATE("/BM /Multiply"), RED "/E gs 1 g " ALL},
	{"white over it that is clipped", &C, "", RED "10 10 20 20 re W n 1 g " ALL},
	{"white over it within a clip of a curve", &C, "",
		RED "100 100 m 250 100 250 250 100 250 c W n 1 g " ALL},
	{"another colour over it", &C, "", RED "0 0 1 rg " ALL},
	{"a tilted square over it", &C, "", RED "q .7 .7 -.7 .7 70 20 cm 1 g 0 0 80 80 re f Q"},
	{"five colours and white over them", &G, "", RED RED RED RED RED "1 g " ALL},
	{"a form over it", &G, X5, RED "/X Do", FORM, "1 g " ALL},
	{"a form of little over it", &C, X5, RED "/X Do", FORM, "1 g 0 0 9 9 re f"},
	{"a form that covers its own colour, twice", &G, X5, "/X Do /X Do", FORM, RED "1 g " ALL},
	{"a form with a colour, then covered, then again", &C, X5, "/X Do 1 g " ALL "/X Do", FORM,
		RED},
	{"a gray picture over it", &G, X5, RED "200 0 0 200 0 0 cm /X Do",
		IMAGE "/ColorSpace /DeviceGray", EIGHT("????????")},
	{"a gray picture in RGB over it", &G, X5, RED "200 0 0 200 0 0 cm /X Do",
		"/Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceRGB",
		"???"},
	{"a picture with a mask over it", &C, X5, RED "200 0 0 200 0 0 cm /X Do",
		IMAGE "/ColorSpace /DeviceGray /SMask 6 0 R", EIGHT("????????"), 0,
		IMAGE "/ColorSpace /DeviceGray", EIGHT(LEFT8)},
	{"white over a coloured picture", &G, X5, "q 90 0 0 90 20 20 cm /X Do Q 1 g " ALL,
		IMAGE "/ColorSpace /DeviceRGB", QUARTER, 192},
	{"white under a coloured picture", &C, X5, "1 g " ALL "q 90 0 0 90 20 20 cm /X Do Q",
		IMAGE "/ColorSpace /DeviceRGB", QUARTER, 192},
	/* clips */
	{"clipped to text elsewhere", &G, FONT, "BT /F 12 Tf 7 Tr 150 185 Td (AB) Tj ET " RED},
	{"clipped to text upon it", &C, FONT, "BT /F 90 Tf 7 Tr 20 30 Td (MM) Tj ET " RED},
	{"clipped to blanks", &G, FONT, "BT /F 90 Tf 7 Tr 20 30 Td (  ) Tj ET " RED},
	{"clipped to text, and Q", &C, FONT, "q BT /F 12 Tf 7 Tr 150 185 Td (AB) Tj ET Q " RED},
	{"text of no width", &G, FONT, "BT /F 40 Tf 0 Tz 1 0 0 rg 20 50 Td (AB) Tj ET"},
	{"clipped to no path at all", &C, "", "W n " RED},
	{"clipped to a point", &G, "", "20 20 m W n " RED},
	{"gray in a picture that is a spot colour", &C,
		"/ColorSpace << /DefaultGray [/Separation /S /DeviceRGB << /FunctionType 2 /Domain [0 1] /C0 [1 1 1] /C1 [1 0 0] /N 1 >>] >> " X5,
		"90 0 0 90 20 20 cm /X Do", IMAGE "/ColorSpace /DeviceGray", EIGHT("????????")},
	{"gray in a picture that is a gray one", &G,
		"/ColorSpace << /DefaultGray [/Separation /S /DeviceRGB << /FunctionType 2 /Domain [0 1] /C0 [1 1 1] /C1 [0 0 0] /N 1 >>] >> " X5,
		"90 0 0 90 20 20 cm /X Do", IMAGE "/ColorSpace /DeviceGray", EIGHT("????????")},
	{"a picture of no area", &G, X5, "q 0 0 0 0 50 50 cm /X Do Q",
		IMAGE "/ColorSpace /DeviceRGB", QUARTER, 192},
	/* pictures under their masks */
	{"the coloured quarter is masked out", &G, X5, "160 0 0 160 20 20 cm /X Do",
		IMAGE "/ColorSpace /DeviceRGB /SMask 6 0 R", QUARTER, 192,
		IMAGE "/ColorSpace /DeviceGray", EIGHT(RIGHT8)},
	{"the coloured quarter is what shows", &C, X5, "160 0 0 160 20 20 cm /X Do",
		IMAGE "/ColorSpace /DeviceRGB /SMask 6 0 R", QUARTER, 192,
		IMAGE "/ColorSpace /DeviceGray", EIGHT(LEFT8)},
	{"an inverse mask shows the other ones", &G, X5, "160 0 0 160 20 20 cm /X Do",
		IMAGE "/ColorSpace /DeviceRGB /SMask 6 0 R", QUARTER, 192,
		IMAGE "/ColorSpace /DeviceGray /Decode [1 0]", EIGHT("\xff\xff\xff\xff\xff\0\0\0")},
	{"a stencil that hides it", &G, X5, "160 0 0 160 20 20 cm /X Do",
		IMAGE "/ColorSpace /DeviceRGB /Mask 6 0 R", QUARTER, 192,
		"/Subtype /Image /ImageMask true /Width 8 /Height 8 /BitsPerComponent 1",
		EIGHT("\xf8")},
	{"a stencil that shows it", &C, X5, "160 0 0 160 20 20 cm /X Do",
		IMAGE "/ColorSpace /DeviceRGB /Mask 6 0 R", QUARTER, 192,
		"/Subtype /Image /ImageMask true /Width 8 /Height 8 /BitsPerComponent 1",
		EIGHT("\x0f")},
	{"a picture's own mask stands for the state's", &C, LIGHT("") "/XObject << /X 7 0 R >>",
		"/E gs 160 0 0 160 20 20 cm /X Do", GROUP("/CS /DeviceGray"), "", 0,
		IMAGE "/ColorSpace /DeviceGray", EIGHT(ON8)},
	/* spaces that stand for others */
	{"gray that is a spot colour", &C,
		"/ColorSpace << /DefaultGray [/Separation /S /DeviceRGB << /FunctionType 2 /Domain [0 1] /C0 [1 1 1] /C1 [1 0 0] /N 1 >>] >>",
		"1 g" BOX},
	{"gray that is a gray one", &G,
		"/ColorSpace << /DefaultGray [/Separation /S /DeviceRGB << /FunctionType 2 /Domain [0 1] /C0 [1 1 1] /C1 [0 0 0] /N 1 >>] >>",
		"1 g" BOX},
	{"a default of the wrong kind", &G, "/ColorSpace << /DefaultGray /DeviceRGB >>", "1 g" BOX},
	/* JPEG 2000 */
	{"JPEG 2000 in gray, as RGB", &G, X5, "100 0 0 100 20 20 cm /X Do",
		"/Subtype /Image /Width 8 /Height 8 /Filter /JPXDecode", (const char *)jpx_gray,
		sizeof(jpx_gray)},
	{"JPEG 2000 with red", &C, X5, "100 0 0 100 20 20 cm /X Do",
		"/Subtype /Image /Width 8 /Height 8 /Filter /JPXDecode", (const char *)jpx_red,
		sizeof(jpx_red)},
	{"JPEG 2000 with red in three gray inks", &G, X5, "100 0 0 100 20 20 cm /X Do",
		"/Subtype /Image /Width 8 /Height 8 /Filter /JPXDecode /ColorSpace "
		"[/DeviceN [/A /B /C] /DeviceGray << /FunctionType 4 /Domain [0 1 0 1 0 1] /Range [0 1] >>]",
		(const char *)jpx_red, sizeof(jpx_red)},
};

/* Object 7 is object 6's picture with a mask that is object 6: in colour. */
static const char seven[] = IMAGE "/ColorSpace /DeviceRGB /SMask 6 0 R";

static size_t size_of(const char *data, size_t size)
{
	return size ? size : strlen(data);
}

static void make(struct doc *d, const struct page_case *c)
{
	doc_page(d, c->page ? c->page : "", c->resources, c->content);
	if (c->dict)
		doc_stream(d, c->dict, c->data, size_of(c->data, c->size));
	/* A stream of masks holds NULs: it has 64 octets, or 8 where a bit is a pixel. */
	if (c->dict6)
		doc_stream(d, c->dict6, c->data6,
			strstr(c->dict6, "/Image") ? strstr(c->dict6, "ImageMask") ? 8 : 64
						   : strlen(c->data6));
	if (c->dict6)
		doc_stream(d, seven, QUARTER, 192);
	doc_end(d, "");
}

static void dump(const struct doc *d, int i)
{
	const char *folder = getenv("STILLPRINT_DUMP");
	char name[512];
	FILE *f;

	if (!folder)
		return;
	snprintf(name, sizeof(name), "%s/hidden-%03d.pdf", folder, i);
	f = fopen(name, "w");
	if (!f || fwrite(d->p, 1, d->len, f) != d->len || fclose(f))
		abort();
}

static int current;

static void page_is_judged_right(void)
{
	const struct page_case *c = &cases[current];
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	struct doc d = {0};

	make(&d, c);
	dump(&d, current);
	r = doc_parse(&d, NULL);
	doc_fini(&d);
	if (r->flags & PARSE_F_JPX)
		SKIP("OpenJPEG is not installed");
	CHECK(r->count == 1);
	if (r->count == 1 && r->pages[0].colour != *c->want)
		printf("# %s: got %s\n", c->name, parse_colour_name(r->pages[0].colour));
	CHECK(r->count == 1 && r->pages[0].colour == *c->want);
}

int main(void)
{
	for (current = 0; current < (int)(sizeof(cases) / sizeof(cases[0])); current++)
		tap_one(page_is_judged_right, cases[current].name);
	return tap_done();
}
