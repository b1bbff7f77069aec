/* SPDX-License-Identifier: Apache-2.0 */
/* parse-floor - inflate what a page's parser cannot avoid inflating, and nothing else.
 *
 * Every stream of each PDF that is no picture and no font is decoded to nowhere: no parser of
 * operators that reads all of them can be cheaper. (One that stops at the first colour can.) */
#include "parse/pdf.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t inflate_stream(struct pdf *pdf, const struct obj *o)
{
	enum pdf_codec codec;
	AUTO(stm_closep) struct stm *s = pdf_stream_open(pdf, o, &codec, NULL);
	uint64_t n = 0;

	while (s && codec == CODEC_NONE && stm_fill(s)) {
		n += (uint64_t)(s->end - s->p);
		s->p = s->end;
	}
	return n;
}

static bool counts(struct pdf *pdf, const struct obj *o)
{
	struct obj subtype = pdf_get(pdf, o, "Subtype");

	if (o->type != OBJ_STREAM || pdf_raw(o, "Length1") || pdf_raw(o, "Length2"))
		return false;
	return !pdf_name_is(&subtype, "Image") && !pdf_name_is(&subtype, "Type1C") &&
	       !pdf_name_is(&subtype, "CIDFontType0C") && !pdf_name_is(&subtype, "OpenType");
}

int main(int argc, char **argv)
{
	struct parse_limits limits;
	uint64_t octets = 0;

	parse_limits_init(&limits);
	for (int i = 1; i < argc; i++) {
		AUTO(auto_close) int fd = open(argv[i], O_RDONLY | O_CLOEXEC);
		AUTO(src_freep) struct src *src = NULL;
		struct stat st;
		struct pdf pdf;

		if (fd < 0 || fstat(fd, &st) || src_new_fd(fd, (uint64_t)st.st_size, &src))
			continue;
		if (!pdf_open(&pdf, src, &limits))
			for (uint32_t num = 1; num < pdf.nxref; num++) {
				struct obj o = pdf_load(&pdf, num);

				if (counts(&pdf, &o))
					octets += inflate_stream(&pdf, &o);
				pdf_forget(&pdf);
			}
		pdf_close(&pdf);
	}
	printf("%llu\n", (unsigned long long)octets);
	return 0;
}
