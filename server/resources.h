/* SPDX-License-Identifier: Apache-2.0 */
/* resources - the signed policy document that machines keep for when the server is away. */
#pragma once

struct app;

/** resources_refresh() - build the policy anew from the queues; a new version, signed, if its content changed
 * In the group; emits EVENT_RESOURCE. 0 or -errno. */
int resources_refresh(struct app *app);
