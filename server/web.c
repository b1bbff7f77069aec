/* SPDX-License-Identifier: Apache-2.0 */
/* web - the pages; none yet. */
#include "app.h"

const struct serve_page web_pages[] = {{0}};
