/* SPDX-License-Identifier: Apache-2.0 */
/* resources - the signed policy document that machines keep for when the server is away. */
#pragma once

#include <stdint.h>

struct app;
struct sql;
struct ca_known;

/** resources_refresh() - build the policy anew from the queues; a new version, signed, if its content changed
 * In the group; emits EVENT_RESOURCE. 0 or -errno. */
int resources_refresh(struct app *app);
/* The version of the policy since which it names just these CAs, or 0. 0 or -errno. */
int resources_ca_version(struct sql *s, const struct ca_known *list, int64_t *version);
