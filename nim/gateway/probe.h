/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks a gateway whether it is there, in the words it has to understand: ARP (RFC 826) or neighbour
 * solicitation (RFC 4861). Answers wait in the socket, where the kernel has picked them out: nobody
 * is woken by them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

struct probe_target {
	uint32_t ifindex;
	struct ifname ifname;
	struct mac mac; /* of the interface */
	uint8_t zero[2]; /* no padding: memcmp() must see defined bytes only */
	struct ipaddr source; /* an address of it; IPv6: unset, the kernel chooses */
	struct ipaddr gateway;
};

_Static_assert(sizeof(struct probe_target) == sizeof(uint32_t) + sizeof(struct ifname) +
						      sizeof(struct mac) + 2 +
						      2 * sizeof(struct ipaddr),
	       "no padding");

struct probe {
	int fd; /* -1: closed */
	struct probe_target target;
	struct mac gateway_mac; /* learned; unset: everybody is asked */
};
#define PROBE_INIT                                                                                 \
	{                                                                                          \
		.fd = -1                                                                           \
	}

int probe_open(struct probe *p, const struct probe_target *target); /* 0 or -errno, then closed */
void probe_close(struct probe *p);

/* all: not only where it was, but everybody: it may have moved to another MAC address. A question
 * that cannot be sent is one without an answer. */
void probe_ask(struct probe *p, bool all);
bool probe_answered(struct probe *p); /* since the last call; does not wait */
