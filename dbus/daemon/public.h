/* SPDX-License-Identifier: Apache-2.0 */
/* public - on a public computer what waits to be printed goes with the one who left it: at the end of his last session, or
 * when nobody has touched the computer for a while. What is on its way already is finished. */
#pragma once

struct engine;

/* After the configuration was read: begins to look, or no longer does. */
void public_set(struct engine *e);
void public_free(struct engine *e);
