/* SPDX-License-Identifier: Apache-2.0 */
/* moved - see moved.h. A file of its own: glibc's struct tcp_info ends before the octet counters, and the kernel's header,
 * which has them, cannot stand beside <netinet/tcp.h>. */
#include "ipp/moved.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int64_t moved_octets(int fd)
{
	struct tcp_info tcp;
	socklen_t size = sizeof(tcp);
	int queued = 0;

	memset(&tcp, 0, sizeof(tcp));
	/* Twice, as the peer's window closes by what it has taken and opens when its program reads. */
	if (!getsockopt(fd, IPPROTO_TCP, TCP_INFO, &tcp, &size))
		return (int64_t)(2 * tcp.tcpi_bytes_acked + 2 * tcp.tcpi_bytes_received +
				 tcp.tcpi_snd_wnd);
	/* AF_UNIX: what the peer has not read yet. */
	return ioctl(fd, SIOCOUTQ, &queued) ? 0 : -(int64_t)queued;
}
