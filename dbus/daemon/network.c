/* SPDX-License-Identifier: Apache-2.0 */
/* network - see network.h. rtnetlink(7), getifaddrs(3). */
#include "network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static bool leads_out(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)sa;

		return (ntohl(in->sin_addr.s_addr) >> 16) != 0xa9fe; /* 169.254/16, RFC 3927 */
	}
	if (sa->sa_family == AF_INET6)
		return !IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)sa)->sin6_addr);
	return false;
}

bool network_is_online(void)
{
	struct ifaddrs *list = NULL;
	bool online = false;

	if (getifaddrs(&list))
		return true; /* unknown: never keep a job waiting for that */
	for (struct ifaddrs *i = list; i && !online; i = i->ifa_next)
		online = i->ifa_addr && !(i->ifa_flags & IFF_LOOPBACK) && (i->ifa_flags & IFF_UP) &&
			 (i->ifa_flags & IFF_RUNNING) && leads_out(i->ifa_addr);
	freeifaddrs(list);
	return online;
}

bool network_is_loopback(const char *host)
{
	struct in_addr in;
	struct in6_addr in6;

	if (!strcasecmp(host, "localhost"))
		return true;
	if (inet_pton(AF_INET, host, &in) == 1)
		return (ntohl(in.s_addr) >> 24) == 127;
	return inet_pton(AF_INET6, host, &in6) == 1 && IN6_IS_ADDR_LOOPBACK(&in6);
}

int network_open(void)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_groups =
			RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

void network_drain(int fd)
{
	char buf[8192];

	/* ENOBUFS says that messages were lost: all we want to know is that something changed. */
	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0 || errno == ENOBUFS)
		errno = 0;
}
