/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether replies come in by a port from beyond its own subnets, counted by the kernel: TCP and UDP
 * of whomever, apps included. Nobody is woken and nothing is copied: a packet socket whose buffer is
 * full counts what its filter lets through, and drops it (packet_rcv() in net/packet/af_packet.c).
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>

#include "nim/facts.h"

#define TRAFFIC_SUBNETS 8

struct traffic_way {
	uint32_t ifindex;
	uint8_t family;
	uint8_t nsubnets;
	uint8_t zero[2]; /* no padding: memcmp() must see defined bytes only */
	struct prefix subnet[TRAFFIC_SUBNETS]; /* what comes from there proves nothing */
};

struct traffic {
	int fd; /* -1: not counting */
	struct traffic_way way;
};
#define TRAFFIC_INIT                                                                               \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* All of an interface's addresses of the family, as far as there is room. */
void traffic_way(const struct nim_iface *iface, int family, struct traffic_way *ret);
/* Nothing happens when it counts there already. 0 or -errno: then nothing is counted. Another way
 * takes the kernel up to 25 ms to leave the old one. */
int traffic_open(struct traffic *t, const struct traffic_way *way);
void traffic_close(struct traffic *t);
/* Since the last call. Always false when it is not counting. */
bool traffic_came(const struct traffic *t);

#define TRAFFIC_CODE (16 + TRAFFIC_SUBNETS * 13)
/* The filter, pure: returns its length. */
unsigned int traffic_filter(const struct traffic_way *way, struct sock_filter code[TRAFFIC_CODE]);
