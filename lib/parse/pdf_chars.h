/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_chars - the character classes of ISO 32000-2 7.2.3. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { PDF_SPACE = 1, PDF_DELIMITER = 2, PDF_DIGIT = 4 };
extern const uint8_t pdf_class[256];

/* Each takes an octet. */
static inline bool pdf_is_space(int c)
{
	return pdf_class[c] & PDF_SPACE;
}

static inline bool pdf_is_regular(int c)
{
	return !(pdf_class[c] & (PDF_SPACE | PDF_DELIMITER));
}

/* Takes an octet or -1. */
static inline int pdf_hex(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}
