/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-record - any octets at all as the record that comes out of the sandbox. */
#include "parse/record.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parse_limits limits;
	struct parse_result *r = NULL;

	parse_limits_init(&limits);
	if (!record_decode(data, size, &limits, &r)) {
		if (r->count == 0)
			abort();
		parse_result_free(r);
	}
	return 0;
}
