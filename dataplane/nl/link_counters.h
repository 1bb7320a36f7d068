/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes through an interface, as the kernel counts them since it made the interface: whole
 * Ethernet frames without their check sum. */
#pragma once

#include <stdint.h>

struct dp;
struct nlmsghdr;

struct link_counters {
	uint64_t rx_bytes, tx_bytes;
};

/* ip -s link show dev NAME. 0, or -errno (-ENODEV: there is no such interface). */
int link_counters_read(struct dp *dp, uint32_t ifindex, struct link_counters *ret);

/* fn is called from the loop with the last counters of each interface that goes: nobody can ask
 * for them any more. Some drivers have forgotten part of them by then (veth): smaller ones than
 * were read before mean nothing. Only from then on, and only one fn for a dp; not during a repeated dump (what
 * went while notifications were lost). */
typedef void link_farewell_fn(uint32_t ifindex, const struct link_counters *last, void *arg);
void link_on_farewell(struct dp *dp, link_farewell_fn *fn, void *arg);

/* Inside of the backend: RTM_DELLINK of a link, not of a bridge's port. */
void link_counters_gone(struct dp *dp, const struct nlmsghdr *msg);
