/* SPDX-License-Identifier: Apache-2.0 */
/* policies - the server's signed policy on this computer: fetched when it changes, kept on disk as it came, believed only
 * with the signature of the key that enrolment gave. What it says counts while the server is away. */
#pragma once

#include "core/site.h"

struct engine;

/* Reads what is kept, if this computer is enrolled. */
void policies_start(struct engine *e);
/* Asks the server whether there is a newer one. */
void policies_fetch(struct engine *e);
void policies_free(struct engine *e);
/* What it says of a queue; NULL without one. @q: struct config_queue of ours. */
const struct site_queue *policies_queue(const struct engine *e, const struct config_queue *q);
