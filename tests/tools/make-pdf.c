/* SPDX-License-Identifier: Apache-2.0 */
/* make-pdf - write a small valid PDF whose content is its own, or a big one.
 *   make-pdf [-n PAGES] [-s WxH[,WxH...]] [-t TEXT] [-b OCTETS] [-c] FILE
 * -s: page sizes in points, the last one repeats (default 595x842); -t: the text on each page (default: random, so that
 * no two files are alike); -b: grow to about so many octets with noise that does not compress; -c: colour. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static FILE *out;
static long *offset, n_objects;

static void begin(long id)
{
	offset[id] = ftell(out);
	fprintf(out, "%ld 0 obj\n", id);
}

static void stream(long id, const char *dict, const unsigned char *data, size_t len)
{
	begin(id);
	fprintf(out, "<<%s/Length %zu>>\nstream\n", dict, len);
	fwrite(data, 1, len, out);
	fputs("\nendstream\nendobj\n", out);
}

/* Noise: the same for the same seed, so that -t makes the same file twice. */
static void noise(unsigned char *data, size_t len, unsigned long long seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		data[i] = (unsigned char)(seed >> 56);
	}
}

static void page(long id, double w, double h, const char *text, long number, long pages, int colour,
	long side)
{
	char content[1024], dict[160];
	unsigned char *data;
	int len;

	begin(id);
	fprintf(out,
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %g %g]/Contents %ld 0 R/Resources<</Font<</F 3 0 R>>",
		w, h, id + 1);
	if (side)
		fprintf(out, "/XObject<</I %ld 0 R>>", id + 2);
	fputs(">>>>\nendobj\n", out);
	len = snprintf(content, sizeof(content),
		"%sBT /F 24 Tf 72 %g Td (%.200s) Tj 0 -40 Td (page %ld of %ld) Tj ET\n%s",
		colour ? "1 0 0 rg\n" : "", h - 100, text, number, pages,
		side ? "q 200 0 0 200 72 72 cm /I Do Q\n" : "");
	stream(id + 1, "", (unsigned char *)content, (size_t)len);
	if (!side)
		return;
	data = malloc((size_t)(side * side));
	if (!data)
		exit(1);
	noise(data, (size_t)(side * side), strtoull(text, NULL, 16) + (unsigned long long)number);
	snprintf(dict, sizeof(dict),
		"/Type/XObject/Subtype/Image/Width %ld/Height %ld/ColorSpace/DeviceGray/BitsPerComponent 8",
		side, side);
	stream(id + 2, dict, data, (size_t)(side * side));
	free(data);
}

int main(int argc, char **argv)
{
	long pages = 1, octets = 0, side = 0, per = 2, xref;
	char text[64] = "", *sizes = NULL;
	const char *given = NULL;
	unsigned long long random_id;
	double w = 595, h = 842;
	int opt, colour = 0;

	while ((opt = getopt(argc, argv, "n:s:t:b:c")) != -1)
		switch (opt) {
		case 'n':
			pages = strtol(optarg, NULL, 10);
			break;
		case 's':
			sizes = optarg;
			break;
		case 't':
			given = optarg;
			break;
		case 'b':
			octets = strtol(optarg, NULL, 10);
			break;
		case 'c':
			colour = 1;
			break;
		default:
			return 2;
		}
	if (optind != argc - 1 || pages < 1)
		return 2;
	if (getrandom(&random_id, sizeof(random_id), 0) < 0)
		return 1;
	snprintf(text, sizeof(text), "%016llx", random_id);
	if (octets)
		for (per = 3; (side + 1) * (side + 1) * pages <= octets; side++)
			;
	if (!side)
		per = 2;
	n_objects = 4 + pages * per;
	offset = calloc((size_t)n_objects, sizeof(*offset));
	out = fopen(argv[optind], "w");
	if (!offset || !out) {
		perror(argv[optind]);
		return 1;
	}
	fputs("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", out);
	begin(1);
	fputs("<</Type/Catalog/Pages 2 0 R>>\nendobj\n", out);
	begin(2);
	fprintf(out, "<</Type/Pages/Count %ld/Kids[", pages);
	for (long i = 0; i < pages; i++)
		fprintf(out, "%ld 0 R ", 4 + i * per);
	fputs("]>>\nendobj\n", out);
	begin(3);
	fputs("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>\nendobj\n", out);
	for (long i = 0; i < pages; i++) {
		if (sizes && sscanf(sizes, "%lfx%lf", &w, &h) == 2) {
			char *comma = strchr(sizes, ',');

			sizes = comma ? comma + 1 : NULL;
		}
		page(4 + i * per, w, h, given ? given : text, i + 1, pages, colour, side);
	}
	xref = ftell(out);
	fprintf(out, "xref\n0 %ld\n0000000000 65535 f \n", n_objects);
	for (long i = 1; i < n_objects; i++)
		fprintf(out, "%010ld 00000 n \n", offset[i]);
	fprintf(out, "trailer\n<</Size %ld/Root 1 0 R>>\nstartxref\n%ld\n%%%%EOF\n", n_objects,
		xref);
	return fclose(out) ? 1 : 0;
}
