/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-request - any octets at all as an IPP request from outside. */
#include <stdlib.h>
#include <string.h>

#include "ipp/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request r;
	char why[256];
	ipp_status_t status = request_read(data, size, &r, why, sizeof(why));
	ipp_t *answer = request_answer(r.ipp, status);

	/* What is good has all that handlers rely on; what is not says why. */
	if ((status == IPP_STATUS_OK) != !why[0] || !answer)
		abort();
	if (status == IPP_STATUS_OK && (!r.ipp || r.job_id < 0 || ippGetRequestId(r.ipp) < 1 ||
					       (r.target[0] && r.target[0] != '/')))
		abort();
	ippDelete(r.ipp);
	ippDelete(answer);
	return 0;
}
