/* SPDX-License-Identifier: Apache-2.0 */
/* origin - the envelope of a job from what cupsd told this process: argv, environment and the parent itself. */
#pragma once

#include <stdbool.h>

#include "core/envelope.h"

enum origin_err {
	ORIGIN_E_MISSING = 1 /* not started as cupsd does, or a name too long to keep whole */
};

/** origin_read() - owner, title, host and UUID come from here alone, never from the document or its ticket
 * @argv: as backend(7) has it, 6 or 7 entries. Return: 0, or ORIGIN_E_MISSING. */
int origin_read(char **argv, bool raw, struct envelope *out);
