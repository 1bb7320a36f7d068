/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/nl/nlsock.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <stdio.h>
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

	/* A kernel that lacks one: its words, or its filtering of dumps, are then missing. */
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
	if (buf_bytes) {
		set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, buf_bytes);
		set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, buf_bytes);
	}
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

	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*err) || err->error > 0)
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

/* Reads until the answer to seq: an error or ack (returns its code), or data (returns 1). */
static int read_reply(int fd, uint32_t seq, void *buf, size_t size, char *why, size_t why_size)
{
	const struct nlmsghdr *reply = buf;
	struct nlsock_ack ack;
	ssize_t n;

	for (;;) {
		n = recv(fd, buf, size, MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ENOBUFS : -errno;
		if ((size_t)n > size)
			return -EMSGSIZE;
		if (!mnl_nlmsg_ok(reply, n) || reply->nlmsg_seq != seq)
			continue; /* of a request whose sender did not care */
		if (reply->nlmsg_type != NLMSG_ERROR)
			return 1;
		if (!nlsock_parse_ack(reply, &ack))
			return -EBADMSG;
		if (ack.err && ack.why && why_size)
			snprintf(why, why_size, "%s", ack.why);
		return ack.err;
	}
}

int nlsock_ask(int fd, const struct nlmsghdr *msg, void *buf, size_t size, char *why,
	       size_t why_size)
{
	uint32_t seq = msg->nlmsg_seq; /* buf may be where msg is */
	int err;

	err = nlsock_send(fd, msg, msg->nlmsg_len);
	return err < 0 ? err : read_reply(fd, seq, buf, size, why, why_size);
}

int nlsock_request(int fd, struct nlmsghdr *msg, char *why, size_t why_size)
{
	char buf[1024] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	int err;

	msg->nlmsg_flags |= NLM_F_ACK;
	err = nlsock_ask(fd, msg, buf, sizeof(buf), why, why_size);
	return err > 0 ? -EBADMSG : err;
}
