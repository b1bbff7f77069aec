/* SPDX-License-Identifier: Apache-2.0 */
/* must - memory that the daemon cannot go on without.
 *
 * Ending is safe at every point: nothing is acted upon before it is committed, and the next start goes on from there.
 * That is tested by kill -9 anyway, so one way of recovery serves both. */
#pragma once

#include <stdlib.h>

#include "base/log.h"

static inline void *must(void *p)
{
	if (!p) {
		log_event(LOG_LVL_ERROR, "event=out-of-memory action=restart");
		exit(71); /* EX_OSERR: the service manager starts us again */
	}
	return p;
}
