/* SPDX-License-Identifier: Apache-2.0 */
/* test-parse-colour - what is coloured on a PDF page and what only looks so.
 *
 * Each case is a page of 200 by 200 points. With STILLPRINT_DUMP set to a folder the documents are
 * written there, to be drawn by renderers; the expectations below are what these show. */
#include "parse/doc.h"
#include "tap.h"
#include <math.h>

#define BOX " 20 20 100 100 re f"
#define FORM5 "/XObject << /X 5 0 R >>"
#define FONT "/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
#define RED_FORM "/Type /XObject /Subtype /Form /BBox [0 0 200 200]"

static const enum parse_colour G = PARSE_COLOUR_GRAY, C = PARSE_COLOUR_COLOUR,
			       U = PARSE_COLOUR_UNKNOWN;

struct page_case {
	const char *name;
	const enum parse_colour *want;
	const char *resources, *content;
	const char *page; /* more of the page's dictionary */
	const char *dict; /* of a stream that is object 5 */
	const char *data; /* its octets, @size of them or up to the NUL */
	size_t size;
	const char *six; /* object 6 */
	const char *root; /* more of the catalog */
};

static const struct page_case
	cases
		[] =
			{
				/* colour values */
				{"black in RGB", &G, "", "0 0 0 rg" BOX},
				{"gray in RGB", &G, "", "0.4 0.4 0.4 rg" BOX},
				{"red", &C, "", "1 0 0 rg" BOX},
				{"a tint within the tolerance", &G, "", "0.5 0.53 0.5 rg" BOX},
				{"a tint beyond the tolerance", &C, "", "0.5 0.65 0.5 rg" BOX},
				{"white alone", &G, "", "1 1 1 rg" BOX},
				{"black of CMYK", &G, "", "0 0 0 1 k" BOX},
				{"equal C, M and Y", &G, "", "0.2 0.2 0.2 0 k" BOX},
				{"rich black", &G, "", "1 1 1 1 k" BOX},
				{"cyan", &C, "", "1 0 0 0 k" BOX},
				{"a coloured stroke", &C, "", "0 0 1 RG 5 w 20 20 m 100 100 l S"},
				{"a colour that paints nothing", &G, "", "1 0 0 rg 0 g" BOX},
				{"a coloured path that is not painted", &G, "",
					"1 0 0 rg 20 20 100 100 re n"},
				{"the colour of before q", &G, "", "q 1 0 0 rg Q" BOX},
				{"numbers with signs and no digits before the point", &C, "",
					"+.9 -0. .1 rg" BOX},
				/* what is really painted */
				{"coloured blanks", &G, FONT,
					"BT /F 20 Tf 1 0 0 rg 20 100 Td (   ) Tj [( ) -200 ( )] TJ ET"},
				{"coloured letters", &C, FONT,
					"BT /F 20 Tf 1 0 0 rg 20 100 Td (  x) Tj ET"},
				{"coloured letters by octal and hexadecimal", &C, FONT,
					"BT /F 20 Tf 1 0 0 rg 20 100 Td (\\040) Tj <20 41> Tj ET"},
				{"invisible text", &G, FONT,
					"BT /F 20 Tf 3 Tr 1 0 0 rg 20 100 Td (text) Tj ET"},
				{"text that only clips", &G, FONT,
					"BT /F 20 Tf 7 Tr 1 0 0 rg 20 100 Td (text) Tj ET"},
				{"text that is stroked", &C, FONT,
					"BT /F 40 Tf 1 Tr 2 w 1 0 0 RG 20 100 Td (text) Tj ET"},
				{"text off the page", &G, FONT,
					"BT /F 20 Tf 1 0 0 rg 20 300 Td (text) Tj ET"},
				{"text moved back onto the page", &C, FONT,
					"BT /F 20 Tf 1 0 0 rg 20 300 Td 0 -200 Td (text) Tj ET"},
				{"off the page", &G, "", "1 0 0 rg 300 300 50 50 re f"},
				{"moved onto the page", &C, "",
					"1 0 0 1 -250 -250 cm 1 0 0 rg 300 300 50 50 re f"},
				{"clipped away", &G, "",
					"150 150 40 40 re W n 1 0 0 rg 20 20 100 100 re f"},
				{"clipped by nothing", &G, "", "20 20 0 0 re W n 1 0 0 rg" BOX},
				{"the clip is lifted", &C, "",
					"q 150 150 40 40 re W n Q 1 0 0 rg" BOX},
				{"outside the CropBox", &G, "", "1 0 0 rg 0 0 50 50 re f",
					"/CropBox [100 100 200 200]"},
				{"a comment is no operator", &G, "", "0 g % 1 0 0 rg\n" BOX},
				{"a string is no operator", &G, FONT,
					"BT /F 10 Tf (1 0 0 rg \\) 1 0 0 rg) Tj ET" BOX},
				/* transparency */
				{"wholly transparent", &G, "/ExtGState << /E << /ca 0 >> >>",
					"/E gs 1 0 0 rg" BOX},
				{"hardly opaque", &G, "/ExtGState << /E << /ca 0.03 >> >>",
					"/E gs 1 0 0 rg" BOX},
				{"half opaque", &C, "/ExtGState << /E << /ca 0.5 >> >>",
					"/E gs 1 0 0 rg" BOX},
				/* colour spaces */
				{"a gray ICC space", &G, "/ColorSpace << /S [/ICCBased 5 0 R] >>",
					"/S cs 0.5 scn" BOX, NULL, "/N 1", "x"},
				{"an RGB ICC space, equal", &G,
					"/ColorSpace << /S [/ICCBased 5 0 R] >>",
					"/S cs .5 .5 .5 scn" BOX, NULL, "/N 3", "x"},
				{"an RGB ICC space, not equal", &C,
					"/ColorSpace << /S [/ICCBased 5 0 R] >>",
					"/S cs 1 .5 .5 scn" BOX, NULL, "/N 3", "x"},
				{"Lab, neutral", &G,
					"/ColorSpace << /S [/Lab << /WhitePoint [.9642 1 .8249] >>] >>",
					"/S cs 50 0 0 scn" BOX},
				{"Lab, red", &C,
					"/ColorSpace << /S [/Lab << /WhitePoint [.9642 1 .8249] >>] >>",
					"/S cs 50 70 40 scn" BOX},
				{"Indexed, the gray entry", &G,
					"/ColorSpace << /S [/Indexed /DeviceRGB 1 <808080FF0000>] >>",
					"/S cs 0 scn" BOX},
				{"Indexed, the red entry", &C,
					"/ColorSpace << /S [/Indexed /DeviceRGB 1 <808080FF0000>] >>",
					"/S cs 1 scn" BOX},
				{"a Separation that is black", &G,
					"/ColorSpace << /S [/Separation /Black /DeviceCMYK << /FunctionType 2 /Domain [0 1] /C0 [0 0 0 0] /C1 [0 0 0 1] /N 1 >>] >>",
					"/S cs 1 scn" BOX},
				{"a spot colour", &C,
					"/ColorSpace << /S [/Separation /Spot /DeviceCMYK << /FunctionType 2 /Domain [0 1] /C0 [0 0 0 0] /C1 [0 1 1 0] /N 1 >>] >>",
					"/S cs 1 scn" BOX},
				{"a spot colour, none of it", &G,
					"/ColorSpace << /S [/Separation /Spot /DeviceCMYK << /FunctionType 2 /Domain [0 1] /C0 [0 0 0 0] /C1 [0 1 1 0] /N 1 >>] >>",
					"/S cs 0 scn" BOX},
				{"Separation All", &G,
					"/ColorSpace << /S [/Separation /All /DeviceCMYK << /FunctionType 2 /Domain [0 1] /C0 [0 0 0 0] /C1 [1 1 1 1] /N 1 >>] >>",
					"/S cs 1 scn" BOX},
				{"Separation None", &G,
					"/ColorSpace << /S [/Separation /None /DeviceRGB << /FunctionType 2 /Domain [0 1] /C0 [1 1 1] /C1 [1 0 0] /N 1 >>] >>",
					"/S cs 1 scn" BOX},
				{"DeviceN through a calculator", &C,
					"/ColorSpace << /S [/DeviceN [/A /B] /DeviceRGB 5 0 R] >>",
					"/S cs 1 0 scn" BOX, NULL,
					"/FunctionType 4 /Domain [0 1 0 1] /Range [0 1 0 1 0 1]",
					"{ exch dup 0.5 gt { pop pop 1 0 0 } { pop 0 exch dup } ifelse }"},
				{"DeviceN through a calculator, the other way", &G,
					"/ColorSpace << /S [/DeviceN [/A /B] /DeviceRGB 5 0 R] >>",
					"/S cs 0.1 0 scn" BOX, NULL,
					"/FunctionType 4 /Domain [0 1 0 1] /Range [0 1 0 1 0 1]",
					"{ exch dup 0.5 gt { pop pop 1 0 0 } { pop 0 exch dup } ifelse }"},
				{"a sampled tint", &C,
					"/ColorSpace << /S [/Separation /Spot /DeviceRGB 5 0 R] >>",
					"/S cs 1 scn" BOX, NULL,
					"/FunctionType 0 /Domain [0 1] /Range [0 1 0 1 0 1] /Size [2] /BitsPerSample 8",
					"\xff\xff\xff\xff\x00\x00", 6},
				{"a sampled tint at its gray end", &G,
					"/ColorSpace << /S [/Separation /Spot /DeviceRGB 5 0 R] >>",
					"/S cs 0 scn" BOX, NULL,
					"/FunctionType 0 /Domain [0 1] /Range [0 1 0 1 0 1] /Size [2] /BitsPerSample 8",
					"\x80\x80\x80\xff\x00\x00", 6},
				{"stitched, the gray part", &G,
					"/ColorSpace << /S [/Separation /Spot /DeviceRGB << /FunctionType 3 /Domain [0 1] /Bounds [.5] /Encode [0 1 0 1] /Functions [<< /FunctionType 2 /Domain [0 1] /C0 [1 1 1] /C1 [0 0 0] /N 1 >> << /FunctionType 2 /Domain [0 1] /C0 [1 0 0] /C1 [0 0 1] /N 1 >>] >>] >>",
					"/S cs .3 scn" BOX},
				{"stitched, the coloured part", &C,
					"/ColorSpace << /S [/Separation /Spot /DeviceRGB << /FunctionType 3 /Domain [0 1] /Bounds [.5] /Encode [0 1 0 1] /Functions [<< /FunctionType 2 /Domain [0 1] /C0 [1 1 1] /C1 [0 0 0] /N 1 >> << /FunctionType 2 /Domain [0 1] /C0 [1 0 0] /C1 [0 0 1] /N 1 >>] >>] >>",
					"/S cs .7 scn" BOX},
				/* forms, patterns, shadings */
				{"a form that is coloured", &C, FORM5, "/X Do", NULL, RED_FORM,
					"1 0 0 rg" BOX},
				{"a form with the colour of outside", &C, FORM5, "1 0 0 rg /X Do",
					NULL, RED_FORM, BOX},
				{"a form used gray first, then with a colour", &C, FORM5,
					"/X Do 1 0 0 rg /X Do", NULL, RED_FORM, BOX},
				{"a form's colour does not leave it", &G, FORM5, "/X Do" BOX, NULL,
					RED_FORM, "1 0 0 rg"},
				{"a form outside its box", &G, FORM5, "/X Do", NULL,
					"/Subtype /Form /BBox [0 0 10 10]", "1 0 0 rg" BOX},
				{"a form out of sight, then in sight", &C, FORM5,
					"q 1 0 0 1 500 0 cm /X Do Q /X Do", NULL, RED_FORM,
					"1 0 0 rg" BOX},
				{"a form without resources of its own", &C,
					"/XObject << /X 5 0 R >> /ColorSpace << /S [/Indexed /DeviceRGB 0 <FF0000>] >>",
					"/X Do", NULL, RED_FORM, "/S cs 0 sc" BOX},
				{"a form that leaves q open", &G, FORM5, "/X Do" BOX, NULL,
					RED_FORM, "q q q 1 0 0 rg"},
				{"a coloured pattern", &C, "/Pattern << /P 5 0 R >>",
					"/Pattern cs /P scn" BOX, NULL,
					"/PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 10 10] /XStep 10 /YStep 10 /Resources << >>",
					"1 0 0 rg 0 0 5 5 re f"},
				{"a gray pattern", &G, "/Pattern << /P 5 0 R >>",
					"/Pattern cs /P scn" BOX, NULL,
					"/PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 10 10] /XStep 10 /YStep 10 /Resources << >>",
					"0.5 g 0 0 5 5 re f"},
				{"an uncoloured pattern in red", &C,
					"/Pattern << /P 5 0 R >> /ColorSpace << /S [/Pattern /DeviceRGB] >>",
					"/S cs 1 0 0 /P scn" BOX, NULL,
					"/PatternType 1 /PaintType 2 /TilingType 1 /BBox [0 0 10 10] /XStep 10 /YStep 10 /Resources << >>",
					"0 0 5 5 re f"},
				{"an uncoloured pattern in gray", &G,
					"/Pattern << /P 5 0 R >> /ColorSpace << /S [/Pattern /DeviceRGB] >>",
					"/S cs .5 .5 .5 /P scn" BOX, NULL,
					"/PatternType 1 /PaintType 2 /TilingType 1 /BBox [0 0 10 10] /XStep 10 /YStep 10 /Resources << >>",
					"0 0 5 5 re f"},
				{"a gray shading in RGB", &G,
					"/Shading << /H << /ShadingType 2 /ColorSpace /DeviceRGB /Coords [0 0 200 0] /Function << /FunctionType 2 /Domain [0 1] /C0 [0 0 0] /C1 [1 1 1] /N 1 >> >> >>",
					"/H sh"},
				{"a coloured shading", &C,
					"/Shading << /H << /ShadingType 2 /ColorSpace /DeviceRGB /Coords [0 0 200 0] /Function << /FunctionType 2 /Domain [0 1] /C0 [1 1 1] /C1 [1 0 1] /N 1 >> >> >>",
					"/H sh"},
				{"a shading through a pattern", &C,
					"/Pattern << /P << /PatternType 2 /Shading << /ShadingType 2 /ColorSpace /DeviceRGB /Coords [0 0 200 0] /Function << /FunctionType 2 /Domain [0 1] /C0 [1 1 1] /C1 [1 0 1] /N 1 >> >> >> >>",
					"/Pattern cs /P scn" BOX},
				{"a mesh with coloured corners", &C, "/Shading << /H 5 0 R >>",
					"/H sh", NULL,
					"/ShadingType 4 /ColorSpace /DeviceRGB /BitsPerCoordinate 8 /BitsPerComponent 8 /BitsPerFlag 8 /Decode [0 200 0 200 0 1 0 1 0 1]",
					"\0\0\0\xff\0\0\0\xff\0\xff\0\0\0\xff\xff\xff\0\0", 18},
				{"a mesh with gray corners", &G, "/Shading << /H 5 0 R >>", "/H sh",
					NULL,
					"/ShadingType 4 /ColorSpace /DeviceRGB /BitsPerCoordinate 8 /BitsPerComponent 8 /BitsPerFlag 8 /Decode [0 200 0 200 0 1 0 1 0 1]",
					"\0\0\0\x80\x80\x80\0\xff\0\x20\x20\x20\0\xff\xff\xff\xff\xff",
					18},
				/* Type 3 fonts */
				{"a Type 3 glyph with its own colour", &C,
					"/Font << /F << /Type /Font /Subtype /Type3 /FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0] /FirstChar 97 /LastChar 97 /Widths [1] /Encoding << /Differences [97 /a] >> /CharProcs << /a 5 0 R >> /Resources << >> >> >>",
					"BT /F 50 Tf 20 20 Td (a) Tj ET", NULL, "",
					"1 0 d0 1 0 0 rg 0 0 1 1 re f"},
				{"a Type 3 glyph that must not have one", &G,
					"/Font << /F << /Type /Font /Subtype /Type3 /FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0] /FirstChar 97 /LastChar 97 /Widths [1] /Encoding << /Differences [97 /a] >> /CharProcs << /a 5 0 R >> /Resources << >> >> >>",
					"BT /F 50 Tf 20 20 Td (a) Tj ET", NULL, "",
					"1 0 0 0 1 1 d1 1 0 0 rg 0 0 1 1 re f"},
				{"a Type 3 glyph in the text's colour", &C,
					"/Font << /F << /Type /Font /Subtype /Type3 /FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0] /FirstChar 97 /LastChar 97 /Widths [1] /Encoding << /Differences [97 /a] >> /CharProcs << /a 5 0 R >> /Resources << >> >> >>",
					"BT /F 50 Tf 1 0 0 rg 20 20 Td (a) Tj ET", NULL, "",
					"1 0 0 0 1 1 d1 0 0 1 1 re f"},
				{"an empty Type 3 glyph in red", &G,
					"/Font << /F << /Type /Font /Subtype /Type3 /FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0] /FirstChar 97 /LastChar 97 /Widths [1] /Encoding << /Differences [97 /a] >> /CharProcs << /a 5 0 R >> /Resources << >> >> >>", "BT /F 50 Tf 1 0 0 rg 20 20 Td (a) Tj ET",
					NULL, "", "1 0 0 0 1 1 d1"},
				/* pictures */
				{"a gray picture in RGB", &G, FORM5, "100 0 0 100 20 20 cm /X Do",
					NULL,
					"/Subtype /Image /Width 2 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceRGB",
					"\x10\x10\x10\x80\x80\x80", 6},
				{"a coloured picture", &C, FORM5, "100 0 0 100 20 20 cm /X Do",
					NULL,
					"/Subtype /Image /Width 2 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceRGB",
					"\x10\x10\x10\x80\xff\x80", 6},
				{"a coloured picture out of sight", &G, FORM5,
					"100 0 0 100 220 20 cm /X Do", NULL,
					"/Subtype /Image /Width 2 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceRGB",
					"\x10\x10\x10\x80\xff\x80", 6},
				{"a stencil in red", &C, FORM5,
					"1 0 0 rg 100 0 0 100 20 20 cm /X Do", NULL,
					"/Subtype /Image /Width 8 /Height 1 /ImageMask true",
					"\x0f", 1},
				{"a palette with an unused colour", &G, FORM5,
					"100 0 0 100 20 20 cm /X Do", NULL,
					"/Subtype /Image /Width 4 /Height 1 /BitsPerComponent 2 /ColorSpace [/Indexed /DeviceRGB 3 <000000808080FFFFFFFF0000>]",
					"\x18", 1},
				{"a palette with a used colour", &C, FORM5,
					"100 0 0 100 20 20 cm /X Do", NULL,
					"/Subtype /Image /Width 4 /Height 1 /BitsPerComponent 2 /ColorSpace [/Indexed /DeviceRGB 3 <000000808080FFFFFFFF0000>]",
					"\x1b", 1},
				{"padding bits are no samples", &G, FORM5,
					"100 0 0 100 20 20 cm /X Do", NULL,
					"/Subtype /Image /Width 3 /Height 1 /BitsPerComponent 2 /ColorSpace [/Indexed /DeviceRGB 3 <000000808080FFFFFFFF0000>]",
					"\x1b", 1},
				{"Decode turns the palette", &C, FORM5,
					"100 0 0 100 20 20 cm /X Do", NULL,
					"/Subtype /Image /Width 4 /Height 1 /BitsPerComponent 2 /Decode [3 0] /ColorSpace [/Indexed /DeviceRGB 3 <000000808080FFFFFFFF0000>]",
					"\x00", 1},
				{"16 bits a component", &C, FORM5, "100 0 0 100 20 20 cm /X Do",
					NULL,
					"/Subtype /Image /Width 1 /Height 1 /BitsPerComponent 16 /ColorSpace /DeviceRGB",
					"\xff\xff\x00\x00\x00\x00", 6},
				{"4 bits a component, gray", &G, FORM5,
					"100 0 0 100 20 20 cm /X Do", NULL,
					"/Subtype /Image /Width 2 /Height 1 /BitsPerComponent 4 /ColorSpace /DeviceRGB",
					"\x77\x7a\xaa", 3},
				{"a CMYK picture in black", &G, FORM5, "100 0 0 100 20 20 cm /X Do",
					NULL,
					"/Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceCMYK",
					"\0\0\0\xc0", 4},
				{"a CMYK picture in cyan", &C, FORM5, "100 0 0 100 20 20 cm /X Do",
					NULL,
					"/Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceCMYK",
					"\xff\0\0\0", 4},
				{"a picture by ASCIIHex and RunLength", &C, FORM5,
					"100 0 0 100 20 20 cm /X Do", NULL,
					"/Subtype /Image /Width 2 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceRGB /Filter [/AHx /RL]",
					"02 FF0000 FE 80 80 >"},
				{"an inline picture, gray", &G, "",
					"q 100 0 0 100 20 20 cm BI /W 1 /H 1 /CS /RGB /BPC 8 ID @@@ EI Q"},
				{"an inline picture, coloured", &C, "",
					"q 100 0 0 100 20 20 cm BI /W 1 /H 1 /CS /RGB /BPC 8 ID z@@ EI Q"},
				{"EI within an inline picture", &C, "",
					"q 100 0 0 100 20 20 cm BI /W 2 /H 2 /CS /G /BPC 8 ID  EI \nEI Q 1 0 0 rg" BOX},
				{"what follows an inline picture", &C, "",
					"q BI /W 1 /H 1 /IM true /D [1 0] ID x EI Q 1 0 0 rg" BOX},
				{"an inline palette by name", &C,
					"/ColorSpace << /S [/Indexed /DeviceRGB 0 <FF0000>] >>",
					"q 100 0 0 100 20 20 cm BI /W 1 /H 1 /CS /S /BPC 8 /F /AHx ID 00> EI Q"},
				{"a picture that nobody can decode", &G, FORM5,
					"100 0 0 100 20 20 cm /X Do", NULL,
					"/Subtype /Image /Width 9 /Height 9 /BitsPerComponent 8 /ColorSpace /DeviceRGB /Filter /DCTDecode",
					"no JPEG"},
				{"a picture that we cannot decode", &U, FORM5,
					"100 0 0 100 20 20 cm /X Do", NULL,
					"/Subtype /Image /Width 9 /Height 9 /ColorSpace /DeviceRGB /Filter /JPXDecode",
					"no JPX"},
				{"a picture that breaks off in its coloured row", &C, FORM5,
					"100 0 0 100 20 20 cm /X Do", NULL,
					"/Subtype /Image /Width 4 /Height 2 /BitsPerComponent 8 /ColorSpace /DeviceRGB",
					"\xff\x00\x00\x80\x80", 5},
				{"a coloured picture behind a mask that lets nothing through", &G,
					FORM5, "100 0 0 100 20 20 cm /X Do", NULL,
					"/Subtype /Image /Width 2 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceRGB /SMask 6 0 R",
					"\x10\x10\x10\x80\xff\x80", 6,
					"<< /Subtype /Image /Width 2 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray /Length 2 >>\nstream\n\1\1\nendstream"},
				{"a coloured picture behind a mask that lets some through", &C,
					FORM5, "100 0 0 100 20 20 cm /X Do", NULL,
					"/Subtype /Image /Width 2 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceRGB /SMask 6 0 R",
					"\x10\x10\x10\x80\xff\x80", 6,
					"<< /Subtype /Image /Width 2 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray /Length 2 >>\nstream\n\1\xff\nendstream"},
				{"a group that is wholly transparent", &G,
					FORM5 " /ExtGState << /E << /ca 0 >> >>", "/E gs /X Do",
					NULL,
					RED_FORM
					" /Group << /S /Transparency >> /Resources << /ExtGState << /E << /ca 1 >> >> >>",
					"/E gs 1 0 0 rg" BOX},
				{"a shading's coloured background", &C,
					"/Pattern << /P << /PatternType 2 /Shading << /ShadingType 2 /Background [1 0 0] /ColorSpace /DeviceRGB /Coords [50 0 60 0] /Function << /FunctionType 2 /Domain [0 1] /C0 [0 0 0] /C1 [1 1 1] /N 1 >> >> >> >>",
					"/Pattern cs /P scn" BOX},
				{"a pattern that paints outside its cell", &G,
					"/Pattern << /P 5 0 R >>", "/Pattern cs /P scn" BOX, NULL,
					"/PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 5 5] /XStep 10 /YStep 10 /Resources << >>",
					"1 0 0 rg 50 50 5 5 re f"},
				{"text right of the page", &G, FONT,
					"BT /F 20 Tf 1 0 0 rg 300 100 Td (text) Tj ET"},
				{"text of negative size that runs into the page from the right", &C,
					FONT,
					"BT /F -20 Tf 1 0 0 rg 230 100 Td (text and more text) Tj ET"},
				{"text left of the page that jumps into it", &C, FONT,
					"BT /F 20 Tf 1 0 0 rg -3000 100 Td [(a) -155000 (b)] TJ ET"},
				{"a colour space that is not there", &G, "",
					"/Nope cs 1 0 0 scn" BOX},
				{"text left of the page that runs into it", &C, FONT,
					"BT /F 20 Tf 1 0 0 rg -20 100 Td (text and more text) Tj ET"},
				/* layers */
				{"a layer that is off", &G, "/Properties << /O 6 0 R >>",
					"/OC /O BDC 1 0 0 rg" BOX " EMC", NULL, "", "", 0,
					"<< /Type /OCG /Name (x) >>",
					"/OCProperties << /OCGs [6 0 R] /D << /OFF [6 0 R] >> >>"},
				{"a layer that is on", &C, "/Properties << /O 6 0 R >>",
					"/OC /O BDC 1 0 0 rg" BOX " EMC", NULL, "", "", 0,
					"<< /Type /OCG /Name (x) >>",
					"/OCProperties << /OCGs [6 0 R] /D << /OFF [] >> >>"},
				{"after a layer that is off", &C, "/Properties << /O 6 0 R >>",
					"/OC /O BDC /Span BMC EMC EMC 1 0 0 rg" BOX, NULL, "", "",
					0, "<< /Type /OCG /Name (x) >>",
					"/OCProperties << /OCGs [6 0 R] /D << /OFF [6 0 R] >> >>"},
				{"a membership of a layer that is off", &G,
					"/Properties << /O << /Type /OCMD /OCGs 6 0 R >> >>",
					"/OC /O BDC 1 0 0 rg" BOX " EMC", NULL, "", "", 0,
					"<< /Type /OCG /Name (x) >>",
					"/OCProperties << /OCGs [6 0 R] /D << /BaseState /OFF >> >>"},
				/* annotations */
				{"an annotation", &C, "", "",
					"/Annots [<< /Type /Annot /Subtype /Stamp /F 4 /Rect [20 20 120 120] /AP << /N 5 0 R >> >>]",
					RED_FORM, "1 0 0 rg" BOX},
				{"a hidden annotation", &G, "", "",
					"/Annots [<< /Type /Annot /Subtype /Stamp /F 6 /Rect [20 20 120 120] /AP << /N 5 0 R >> >>]",
					RED_FORM, "1 0 0 rg" BOX},
				{"an annotation in another state", &G, "", "",
					"/Annots [<< /Type /Annot /Subtype /Widget /FT /Btn /F 4 /Rect [20 20 120 120] /AS /Off /AP << /N << /On 5 0 R >> >> >>]",
					RED_FORM, "1 0 0 rg" BOX},
				{"a highlight without an appearance", &C, "", "",
					"/Annots [<< /Type /Annot /Subtype /Highlight /F 4 /C [1 1 0] /QuadPoints [20 100 120 100 20 60 120 60] /Rect [20 20 120 120] >>]"},
				{"a red square without an appearance, hidden", &G, "", "",
					"/Annots [<< /Type /Annot /Subtype /Square /F 2 /C [1 0 0] /Rect [20 20 120 120] >>]"},
				{"a link without a border", &G, "", "",
					"/Annots [<< /Type /Annot /Subtype /Link /C [1 0 0] /Border [0 0 0] /Rect [20 20 120 120] >>]"},
				{"a field without an appearance", &C, "", "",
					"/Annots [<< /Type /Annot /Subtype /Widget /F 4 /FT /Tx /T (a) /MK << /BG [1 0 0] >> /Rect [20 20 120 120] >>]"},
				{"a field's red text without an appearance", &C, "", "",
					"/Annots [<< /Type /Annot /Subtype /Widget /F 4 /FT /Tx /T (a) /V (x) /DA (1 0 0 rg /Helv 12 Tf) /Rect [20 20 120 120] >>]"},
				{"an annotation of no size", &G, "", "",
					"/Annots [<< /Type /Annot /Subtype /Stamp /F 4 /Rect [0 0 0 0] /AP << /N 5 0 R >> >>]",
					RED_FORM, "1 0 0 rg" BOX},
};

static void make(struct doc *d, const struct page_case *c)
{
	char *root;

	doc_page(d, c->page ? c->page : "", c->resources, c->content);
	doc_stream(d, c->dict ? c->dict : "", c->data ? c->data : "",
		c->size ? c->size : strlen(c->data ? c->data : ""));
	doc_object(d, c->six ? c->six : "null");
	if (asprintf(&root, "<< /Type /Catalog /Pages 2 0 R %s >>", c->root ? c->root : "") < 0)
		abort();
	/* The catalog that counts is the last object, as its length is known now. */
	doc_object(d, root);
	free(root);
	doc_end(d, "/Root 7 0 R");
	/* doc_end() wrote /Root 1 0 R first: the test wants the second, so the first is renamed. */
	memcpy(strstr(d->p + d->offsets[7], "/Root 1"), "/Rook", 5);
}

static void dump(const struct doc *d, int i)
{
	const char *folder = getenv("STILLPRINT_DUMP");
	char name[512];
	FILE *f;

	if (!folder)
		return;
	snprintf(name, sizeof(name), "%s/%03d.pdf", folder, i);
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
	CHECK(r->count == 1);
	CHECK(!(r->flags & PARSE_F_DAMAGED));
	if (r->count == 1 && r->pages[0].colour != *c->want)
		printf("# %s: got %s, want %s\n", c->name, parse_colour_name(r->pages[0].colour),
			parse_colour_name(*c->want));
	CHECK(r->count == 1 && r->pages[0].colour == *c->want);
	doc_fini(&d);
}

static struct parse_page judge(const char *content, const struct parse_limits *limits)
{
	AUTO(parse_result_freep) struct parse_result *r = NULL;
	struct doc d = {0};
	struct parse_page page = {0};

	doc_page(&d, "", FONT, content);
	doc_end(&d, "");
	r = doc_parse(&d, limits);
	CHECK(r->count == 1);
	if (r->count == 1)
		page = r->pages[0];
	doc_fini(&d);
	return page;
}

static void composite_gray_is_colour_when_asked_for(void)
{
	struct parse_limits l;

	parse_limits_init(&l);
	CHECK(judge("0.2 0.2 0.2 0 k" BOX, &l).colour == PARSE_COLOUR_GRAY);
	l.composite_colour = true;
	CHECK(judge("0.2 0.2 0.2 0 k" BOX, &l).colour == PARSE_COLOUR_COLOUR);
	CHECK(judge("0 0 0 1 k" BOX, &l).colour == PARSE_COLOUR_GRAY);
}

static void tolerance_is_a_setting(void)
{
	struct parse_limits l;

	parse_limits_init(&l);
	CHECK(judge("0.5 0.56 0.5 rg" BOX, &l).faint);
	l.tolerance = 8;
	CHECK(judge("0.5 0.56 0.5 rg" BOX, &l).colour == PARSE_COLOUR_COLOUR);
	l.tolerance = 200;
	CHECK(judge("1 0.5 0.5 rg" BOX, &l).colour == PARSE_COLOUR_GRAY);
}

static void blank_pages_are_told_from_gray_ones(void)
{
	CHECK(judge("", NULL).blank);
	CHECK(judge("1 g" BOX, NULL).blank);
	CHECK(judge("BT /F 12 Tf 20 20 Td (  ) Tj ET", NULL).blank);
	CHECK(!judge("0.8 g" BOX, NULL).blank);
	CHECK(!judge("BT /F 12 Tf 20 20 Td ( x) Tj ET", NULL).blank);
	CHECK(!judge("1 0 0 rg" BOX, NULL).blank);
}

static void how_says_what_it_took(void)
{
	CHECK(judge("0 g" BOX, NULL).how == PARSE_HOW_PARSED);
	CHECK(judge("q 9 0 0 9 0 0 cm BI /W 1 /H 1 /CS /RGB /BPC 8 ID @@@ EI Q", NULL).how ==
		PARSE_HOW_DECODED);
}

int main(void)
{
	for (current = 0; current < (int)(sizeof(cases) / sizeof(cases[0])); current++)
		tap_one(page_is_judged_right, cases[current].name);
	RUN(composite_gray_is_colour_when_asked_for);
	RUN(tolerance_is_a_setting);
	RUN(blank_pages_are_told_from_gray_ones);
	RUN(how_says_what_it_took);
	return tap_done();
}
