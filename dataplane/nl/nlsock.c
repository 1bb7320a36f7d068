/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/nl/nlsock.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "dataplane/nl/netns.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

static void set_option(int fd, int option)
{
	int on = 1;

	/* Older kernels than ours to support lack some: words and filters are then missing. */
	setsockopt(fd, SOL_NETLINK, option, &on, sizeof(on));
}

static void set_buffer(int fd, int force, int plain, size_t bytes)
{
	int n = bytes;

	if (setsockopt(fd, SOL_SOCKET, force, &n, sizeof(n)) < 0)
		setsockopt(fd, SOL_SOCKET, plain, &n, sizeof(n));
}

int nlsock_open(int netns_fd, int protocol, size_t buf_bytes)
{
	const struct sockaddr_nl self = { .nl_family = AF_NETLINK };
	_cleanup_(closep) int fd = -1;

	fd = netns_socket(netns_fd, AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, protocol);
	if (fd < 0)
		return fd;
	set_option(fd, NETLINK_EXT_ACK);
	set_option(fd, NETLINK_CAP_ACK);
	set_option(fd, NETLINK_GET_STRICT_CHK);
	set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, buf_bytes);
	set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, buf_bytes);
	if (bind(fd, (const struct sockaddr *)&self, sizeof(self)) < 0)
		return -errno;
	return take_fd(&fd);
}

int nlsock_send(int fd, const void *data, size_t len)
{
	static const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t n;

	n = sendto(fd, data, len, 0, (const struct sockaddr *)&kernel, sizeof(kernel));
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EMSGSIZE;
}

bool nlsock_parse_ack(const struct nlmsghdr *msg, struct nlsock_ack *ret)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(msg);
	size_t offset = sizeof(*err);
	struct nlsock_ack ack;
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*err))
		return false;
	ack = (struct nlsock_ack){ .seq = err->msg.nlmsg_seq, .err = err->error };
	if (!(msg->nlmsg_flags & NLM_F_CAPPED)) /* the request follows whole */
		offset += MNL_ALIGN(err->msg.nlmsg_len) - sizeof(err->msg);
	if ((msg->nlmsg_flags & NLM_F_ACK_TLVS) && mnl_nlmsg_get_payload_len(msg) > offset) {
		mnl_attr_for_each(attr, msg, offset)
		{
			if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
			    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
				ack.why = mnl_attr_get_str(attr);
		}
	}
	*ret = ack;
	return true;
}
