/* SPDX-License-Identifier: Apache-2.0 */
/* formats - the readers of everything that is not PDF; each reads a stream once, front to back. */
#pragma once

#include "parse/parse.h"
#include "parse/stm.h"

struct format {
	struct stm *in;
	struct src *src; /* what @in comes from, perhaps unpacked */
	const struct parse_limits *limits;
	struct parse_result *r;
};

/* Each returns 0 or -ENOMEM, having added the pages that it understood to @f->r. */
int ps_read(struct format *f);
int pcl_read(struct format
		*f); /* from the first octet of PCL 5 to a Universal Exit Language or the end */
int pclxl_read(struct format *f);
int raster_read(struct format *f); /* PWG and CUPS */
int urf_read(struct format *f);
int jpeg_read(struct format *f);
int png_read(struct format *f);

/** pjl_read() - the PJL lines before a document: copies, duplex, name
 * Reads up to and with the ENTER LANGUAGE line, or to what is no PJL. */
void pjl_read(struct format *f);

/** format_line() - the next line without its end, cut at @size - 1 octets
 * Return: false at the end of the document. */
bool format_line(struct stm *in, char *buf, size_t size);

/** format_job() - what the document itself asks for; the first word counts. 0: nothing said */
void format_job(struct parse_result *r, int32_t copies, int32_t duplex);
