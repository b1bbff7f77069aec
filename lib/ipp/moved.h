/* SPDX-License-Identifier: Apache-2.0 */
/* moved - what a socket has moved so far, as the kernel counts it. Inside lib/ipp only. */
#pragma once

#include <stdint.h>

/* A number that changes whenever octets pass between this side's kernel and the peer's, or the peer's program makes room
 * for more: megabytes may wait in our kernel while a slow printer reads on, and libcurl sees nothing of that. */
int64_t moved_octets(int fd);
