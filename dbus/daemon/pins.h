/* SPDX-License-Identifier: Apache-2.0 */
/* pins - by which CAs this computer knows its server: those that the server's signed policy names, so that one can follow
 * another while both count. Only a policy that was fetched over one of them says so, never one that lay on the disk: that
 * may be older than the enrolment. docs/wire.md, Another CA. */
#pragma once

#include <stdbool.h>

struct engine;
struct site;

/* Keeps them, if they are others. False: it does not name any, or they could not be kept. */
bool pins_apply(struct engine *e, const struct site *site);
