/* SPDX-License-Identifier: Apache-2.0 */
/* parse-make - documents that are long, big or made to cost: for measuring, on stdout.
 *
 * usage: parse-make text PAGES        each with its own packed content and fonts
 *        parse-make flate|jpeg PAGES  scans of 150 dpi whose gray is stored as RGB: nothing lets a reader stop early
 *        parse-make photo PAGES       the same in colour
 *        parse-make bomb OCTETS       2 kB that unpack, twice deflated, to so much */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <zlib.h>

enum { WIDE = 1240, HIGH = 1754 }; /* A4 at 150 dpi */

static uint64_t *offsets, at;
static uint32_t objects, room;

static void put(const void *p, size_t len)
{
	if (fwrite(p, 1, len, stdout) != len)
		exit(2);
	at += len;
}

__attribute__((__format__(printf, 1, 2))) static void say(const char *form, ...)
{
	char text[1024];
	__builtin_va_list ap;

	__builtin_va_start(ap, form);
	put(text, (size_t)vsnprintf(text, sizeof(text), form, ap));
	__builtin_va_end(ap);
}

static void begin_object(void)
{
	if (++objects >= room) {
		room = 2 * room + 1024;
		offsets = realloc(offsets, room * sizeof(*offsets));
		if (!offsets)
			exit(2);
	}
	offsets[objects] = at;
	say("%u 0 obj\n", objects);
}

static void stream(const char *dict, const void *data, size_t len)
{
	begin_object();
	say("<< %s /Length %zu >>\nstream\n", dict, len);
	put(data, len);
	say("\nendstream\nendobj\n");
}

/* @plain deflated; the caller frees it. */
static uint8_t *pack(const void *plain, size_t len, int level, size_t *out)
{
	uLongf n = compressBound(len);
	uint8_t *packed = malloc(n);

	if (!packed || compress2(packed, &n, plain, len, level) != Z_OK)
		exit(2);
	*out = n;
	return packed;
}

/* Pages are objects 3, 3 + @step, ... of which the first is the page itself. */
static void begin(int pages, int step)
{
	put("%PDF-1.5\n", 9);
	begin_object();
	say("<< /Type /Catalog /Pages 2 0 R >>\nendobj\n");
	begin_object();
	say("<< /Type /Pages /Count %d /MediaBox [0 0 595 842] /Kids [\n", pages);
	for (int i = 0; i < pages; i++)
		say("%d 0 R\n", 3 + i * step);
	say("] >>\nendobj\n");
}

static void end(void)
{
	uint64_t xref = at;

	say("xref\n0 %u\n0000000000 65535 f \n", objects + 1);
	for (uint32_t i = 1; i <= objects; i++)
		say("%010llu 00000 n \n", (unsigned long long)offsets[i]);
	say("trailer\n<< /Size %u /Root 1 0 R >>\nstartxref\n%llu\n%%%%EOF\n", objects + 1,
		(unsigned long long)xref);
	if (fflush(stdout))
		exit(2);
}

static void make_text(int pages)
{
	static const char *const words[] = {"paper", "count", "gray", "colour", "sheet", "page"};

	begin(pages, 2);
	for (int i = 0; i < pages; i++) {
		char text[8192];
		size_t n = 0, len;
		uint8_t *packed;

		n += (size_t)snprintf(text, sizeof(text), "BT /F1 11 Tf 0 g 60 780 Td 14 TL\n");
		for (int line = 0; line < 50; line++)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
				"[(%s)-%d(%s)12(%s %d)] TJ T*\n", words[(i + line) % 6], 250 + line,
				words[(i * line) % 6], words[(i + line * line) % 6], i * 50 + line);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "ET\n");
		begin_object();
		say("<< /Type /Page /Parent 2 0 R /Contents %d 0 R /Resources << /Font << /F1 << /Type /Font "
		    "/Subtype /Type1 /BaseFont /Times-Roman >> >> >> >>\nendobj\n",
			4 + 2 * i);
		packed = pack(text, n, 6, &len);
		stream("/Filter /FlateDecode", packed, len);
		free(packed);
	}
	end();
}

static uint8_t *jpeg_of(const uint8_t *rgb, size_t *len)
{
	struct jpeg_compress_struct c;
	struct jpeg_error_mgr err;
	unsigned char *out = NULL;
	unsigned long n = 0;

	c.err = jpeg_std_error(&err);
	jpeg_create_compress(&c);
	jpeg_mem_dest(&c, &out, &n);
	c.image_width = WIDE;
	c.image_height = HIGH;
	c.input_components = 3;
	c.in_color_space = JCS_RGB;
	jpeg_set_defaults(&c);
	jpeg_set_quality(&c, 75, TRUE);
	jpeg_start_compress(&c, TRUE);
	for (int y = 0; y < HIGH; y++) {
		JSAMPROW row = (JSAMPROW)rgb + (size_t)y * WIDE * 3;

		jpeg_write_scanlines(&c, &row, 1);
	}
	jpeg_finish_compress(&c);
	jpeg_destroy_compress(&c);
	*len = n;
	return out;
}

/* Paper with grain and lines of ink; the colour, if any, is at the bottom. */
static uint8_t *scan(bool colour)
{
	uint8_t *rgb = malloc((size_t)WIDE * HIGH * 3), *p = rgb;
	uint32_t seed = 1;

	if (!rgb)
		exit(2);
	for (int y = 0; y < HIGH; y++)
		for (int x = 0; x < WIDE; x++, p += 3) {
			bool ink = y % 40 > 20 && (x / 7 + y / 5) % 3 == 0;

			seed = seed * 1103515245 + 12345;
			p[0] = p[1] = p[2] = (uint8_t)((ink ? 30 : 230) + (seed >> 16) % 20);
			if (colour && y > HIGH - 100)
				p[0] = 20;
		}
	return rgb;
}

static void make_scans(int pages, bool jpeg, bool colour)
{
	static const char page[] = "595 0 0 842 0 0 cm /X Do";
	uint8_t *rgb = scan(colour), *packed;
	char dict[256];
	size_t len;

	packed = jpeg ? jpeg_of(rgb, &len) : pack(rgb, (size_t)WIDE * HIGH * 3, 1, &len);
	snprintf(dict, sizeof(dict),
		"/Subtype /Image /Width %d /Height %d /BitsPerComponent 8 /ColorSpace /DeviceRGB /Filter /%s",
		WIDE, HIGH, jpeg ? "DCTDecode" : "FlateDecode");
	begin(pages, 3);
	for (int i = 0; i < pages; i++) {
		begin_object();
		say("<< /Type /Page /Parent 2 0 R /Contents %d 0 R /Resources << /XObject << /X %d 0 R >> >> >>\nendobj\n",
			4 + 3 * i, 5 + 3 * i);
		stream("", page, sizeof(page) - 1);
		stream(dict, packed, len);
	}
	end();
	free(packed);
	free(rgb);
}

static void make_bomb(uint64_t octets)
{
	size_t room_once = octets / 500 + 4096, once, twice;
	uint8_t *packed = malloc(room_once), *blank = calloc(1, 1 << 20), *again;
	z_stream z = {.next_out = packed, .avail_out = (uInt)room_once};

	if (!packed || !blank || deflateInit(&z, 9) != Z_OK)
		exit(2);
	memset(blank, ' ', 1 << 20);
	for (uint64_t done = 0; done < octets; done += 1 << 20) {
		z.next_in = blank;
		z.avail_in = 1 << 20;
		if (deflate(&z, Z_NO_FLUSH) != Z_OK)
			exit(2);
	}
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		exit(2);
	once = z.total_out;
	deflateEnd(&z);
	again = pack(packed, once, 9, &twice);
	begin(1, 2);
	begin_object();
	say("<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>\nendobj\n");
	stream("/Filter [/FlateDecode /FlateDecode]", again, twice);
	end();
	free(again);
	free(packed);
	free(blank);
}

int main(int argc, char **argv)
{
	unsigned long long n = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;

	if (!n)
		return 2;
	if (!strcmp(argv[1], "text"))
		make_text((int)n);
	else if (!strcmp(argv[1], "flate") || !strcmp(argv[1], "jpeg") || !strcmp(argv[1], "photo"))
		make_scans((int)n, argv[1][0] == 'j', argv[1][0] == 'p');
	else if (!strcmp(argv[1], "bomb"))
		make_bomb(n);
	else
		return 2;
	free(offsets);
	return 0;
}
