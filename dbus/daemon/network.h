/* SPDX-License-Identifier: Apache-2.0 */
/* network - is this computer itself on a network? An outage of ours is no outage of the server. */
#pragma once

#include <stdbool.h>

/* True if some interface other than loopback is up, running and has an address that leads beyond its own link. */
bool network_is_online(void);
/* True for localhost and the loopback addresses. */
bool network_is_loopback(const char *host);
/* A netlink socket that becomes readable when links, addresses or routes change; -errno. */
int network_open(void);
/* Empties it. */
void network_drain(int fd);
