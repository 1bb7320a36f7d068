/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/arp_socket.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define IDLE_MAX 64
#define WAITING_MAX 1024 /* more packets than a socket's buffer holds */

static int idle[IDLE_MAX];
static size_t nidle;

int arp_socket_set_filter(int fd, const struct sock_filter *filter, size_t n)
{
	const struct sock_fprog program = { .len = (unsigned short)n,
					    .filter = (struct sock_filter *)filter };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
											   : 0;
}

int arp_socket_open(const struct sock_filter *filter, size_t n)
{
	const struct sockaddr_ll any = { .sll_family = AF_PACKET,
					 .sll_protocol = htons(ETHERTYPE_ARP) };
	_cleanup_(closep) int fd = -1;
	int r;

	if (nidle)
		fd = idle[--nidle];
	else
		/* Without a protocol it hears nothing before its filter stands. */
		fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = arp_socket_set_filter(fd, filter, n);
	if (r < 0)
		return r;
	/* That of one that is bound already is the same, and costs nothing. */
	if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		return -errno;
	return take_fd(&fd);
}

void arp_socket_let_go(int *fd)
{
	static const struct sock_filter deaf = BPF_STMT(BPF_RET | BPF_K, 0);
	char byte;

	if (*fd >= 0 && nidle < IDLE_MAX && arp_socket_set_filter(*fd, &deaf, 1) == 0) {
		for (int i = 0; i < WAITING_MAX && recv(*fd, &byte, 1, MSG_DONTWAIT) >= 0; i++)
			;
		idle[nidle++] = take_fd(fd);
	}
	closep(fd);
	*fd = -1;
}
