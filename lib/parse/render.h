/* SPDX-License-Identifier: Apache-2.0 */
/* render - have a separate program draw the pages whose colour is still unknown. */
#pragma once

#include "parse/parse.h"

/** render_unknown() - draw the unknown pages of the PDF in @fd by @limits->renderer, within its limits
 * A page that cannot be drawn stays unknown; nothing here is an error. */
void render_unknown(int fd, const struct parse_limits *limits, struct parse_result *r);
