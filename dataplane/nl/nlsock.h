/* SPDX-License-Identifier: Apache-2.0 */
/* A netlink socket for requests: options, one send, and reading answers without waiting. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nlmsghdr;

/* Opens one with extended acks, strict checking of dumps and buffers of buf_bytes (above the
 * system's limit when we may). Returns the descriptor or -errno. */
int nlsock_open(int netns_fd, int protocol, size_t buf_bytes);

/* Sends whole messages as one datagram to the kernel. The kernel works on rtnetlink requests
 * before it returns: all answers but those of dumps wait in the socket. 0 or -errno. */
int nlsock_send(int fd, const void *data, size_t len);

struct nlsock_ack {
	uint32_t seq;
	int err; /* 0 or -errno */
	const char *why; /* extack text in the reply, NULL: none */
};

/* Reads an NLMSG_ERROR message; false: it is malformed. */
bool nlsock_parse_ack(const struct nlmsghdr *msg, struct nlsock_ack *ret);
