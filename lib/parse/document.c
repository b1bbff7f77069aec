/* SPDX-License-Identifier: Apache-2.0 */
/* document - find out what a document is, by its first octets, and read it. */
#include "parse/pdf.h"
#include "parse/result.h"
#include <string.h>

enum { HEAD = 1024 };

int parse_document(struct src *s, const struct parse_limits *limits, struct parse_result *r)
{
	uint8_t head[HEAD];
	size_t n = src_read(s, 0, head, sizeof(head));

	if (memmem(head, n, "%PDF-", 5))
		return pdf_document(s, limits, r);
	return 0;
}
