/* SPDX-License-Identifier: Apache-2.0 */
/* sync-schema - tables of what is sent to which machine ahead, for when the server is away. */
#include "app.h"

const char db_sync_2[] = "";
