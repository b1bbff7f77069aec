/* SPDX-License-Identifier: Apache-2.0 */
/* render - have a separate program draw what is still unknown. */
#pragma once

#include "parse/parse.h"

/** render_unknown() - draw what is unknown of the document in @fd, within @limits
 * The unknown pages of a PDF by @limits->renderer; a PostScript program, whose pages may become other ones by
 * that, by @limits->interpreter.  A page that cannot be drawn stays unknown; nothing here is an error. */
void render_unknown(int fd, const struct parse_limits *limits, struct parse_result *r);
