/* SPDX-License-Identifier: Apache-2.0 */
/* A netlink socket for requests: options, one send, and reading answers without waiting. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nlmsghdr;

/* Opens one with extended acks, strict checking of dumps and buffers of buf_bytes (above the
 * system's limit when we may; 0: as they are). Returns the descriptor or -errno. */
int nlsock_open(int netns_fd, int protocol, size_t buf_bytes);

/* Sends whole messages as one datagram to the kernel. The kernel works on rtnetlink requests
 * before it returns: all answers but those of dumps wait in the socket. 0 or -errno. */
int nlsock_send(int fd, const void *data, size_t len);

/* Sends one message and reads its answer into buf: 1 when that is data (the message is at buf),
 * else the kernel's code, 0 or -errno, and its words in why (may be NULL with size 0). */
int nlsock_ask(int fd, const struct nlmsghdr *msg, void *buf, size_t size, char *why,
	       size_t why_size);
/* As nlsock_ask() for what is answered by an ack. */
int nlsock_request(int fd, struct nlmsghdr *msg, char *why, size_t why_size);

struct nlsock_ack {
	uint32_t seq;
	int err; /* 0 or -errno */
	const char *why; /* extack text in the reply, NULL: none */
};

/* Reads an NLMSG_ERROR message; false: it is malformed. */
bool nlsock_parse_ack(const struct nlmsghdr *msg, struct nlsock_ack *ret);
