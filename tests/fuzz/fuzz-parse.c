/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-parse - any octets at all as a document: the readers must answer, not crash, hang or grow.
 *
 * One target for all formats, as the first octets choose the reader; tests/fuzz/run gives each
 * format its own seeds. */
#include "parse/parse.h"
#include "parse/record.h"
#include "parse/result.h"
#include "parse/src.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What comes out must pass the check that the sandbox's parent makes. */
static void check(const struct parse_result *r, const struct parse_limits *limits)
{
	struct parse_result *again = NULL;
	uint8_t *record = NULL;
	size_t len = 0;

	if (r->count == 0 || (r->count > 0) != (r->pages != NULL))
		abort();
	if (record_encode(r, &record, &len) || record_decode(record, len, limits, &again))
		abort();
	free(record);
	parse_result_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parse_limits limits;
	struct parse_result *r = NULL;
	struct src *s = NULL;

	parse_limits_init(&limits);
	limits.stream_octets = 4 << 20;
	limits.job_octets = 16 << 20;
	limits.pages = 10000;
	limits.objects = 100000;
	limits.cpu_s = 5;
	if (!result_new(&r) && !src_new_mem(data, size, &s) && !parse_document(s, &limits, r))
		check(r, &limits);
	src_free(s);
	parse_result_free(r);
	return 0;
}
