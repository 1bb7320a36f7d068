/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

struct dp;
struct dp_veth;

/*
 * Fills in peer, peer_mac, peer_up and peer_netns of a veth whose other end is in another
 * namespace, by asking there: a few system calls per namespace under /run/netns. peer_netns
 * becomes "?" when none of those holds the peer. ifindex: our end.
 */
void veth_peer_look(struct dp *dp, uint32_t ifindex, struct dp_veth *veth);

/* ip -n NETNS link set PEER up. 0 or -errno; absent is -ENODEV. */
int veth_peer_up(const struct dp_veth *veth);
