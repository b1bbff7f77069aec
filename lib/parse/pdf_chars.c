/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_chars - the character classes of ISO 32000-2 7.2.3. */
#include "parse/pdf_chars.h"

const uint8_t pdf_class[256] = {
	[0] = PDF_SPACE,
	['\t'] = PDF_SPACE,
	['\n'] = PDF_SPACE,
	['\f'] = PDF_SPACE,
	['\r'] = PDF_SPACE,
	[' '] = PDF_SPACE,
	['('] = PDF_DELIMITER,
	[')'] = PDF_DELIMITER,
	['<'] = PDF_DELIMITER,
	['>'] = PDF_DELIMITER,
	['['] = PDF_DELIMITER,
	[']'] = PDF_DELIMITER,
	['{'] = PDF_DELIMITER,
	['}'] = PDF_DELIMITER,
	['/'] = PDF_DELIMITER,
	['%'] = PDF_DELIMITER,
	['0' ... '9'] = PDF_DIGIT,
	['+'] = PDF_DIGIT,
	['-'] = PDF_DIGIT,
	['.'] = PDF_DIGIT,
};
