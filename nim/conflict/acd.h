/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv4 address conflict detection after RFC 5227, but for an address that is in use already: the
 * DHCP client does not probe, because that takes seconds, and a static address is not given up.
 *
 *	PROBING ---- 3 probes, 1 s apart, and 2 s of silence ----> ANNOUNCING
 *	ANNOUNCING - 2 announcements, 2 s apart -----------------> WATCHING
 *	any -------- somebody else speaks with our address ------> CONFLICT
 *	CONFLICT --- a probe each 4 s, two without an answer ---> WATCHING
 *
 * Pure: time comes in, what to send goes out.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/mono.h"

enum acd_state { ACD_PROBING, ACD_ANNOUNCING, ACD_WATCHING, ACD_CONFLICT };
enum acd_send { ACD_SEND_NOTHING, ACD_SEND_PROBE, ACD_SEND_ANNOUNCEMENT };

struct acd {
	struct in_addr addr;
	enum acd_state state;
	uint8_t sent; /* in this state; in CONFLICT: since it was last heard */
	struct mono due; /* of the next step; 0: none */
	struct mac other; /* who has it, too: in CONFLICT */
	bool named; /* since the last step: who pretends to be many is not told of each time */
};

void acd_start(struct acd *acd, struct in_addr addr, struct mono now);
/* To be called once due has come: what is to be sent now. */
enum acd_send acd_step(struct acd *acd, struct mono now);
/* That one said the address is its own. True: it is news, of which there is little, as each of them may
 * be a packet: a new conflict, or another one in it, once between two steps. */
bool acd_heard(struct acd *acd, const struct mac *other, struct mono now);

/* ---- ARP, as it goes behind an Ethernet header ---- */

#define ACD_ARP_LEN 28

void acd_arp_format(enum acd_send send, const struct mac *me, struct in_addr addr,
		    uint8_t ret[ACD_ARP_LEN]);
/* -EINVAL: it is no ARP for IPv4 on Ethernet, or names no sender (a probe). */
int acd_arp_parse(const uint8_t *packet, size_t len, struct mac *ret_mac, struct in_addr *ret_addr);

/*
 * A socket filter that lets through what others say of these addresses: sender address among
 * addrs, sender MAC not among macs. Heap, *ret_n instructions.
 */
struct sock_filter *acd_filter(const struct in_addr *addrs, size_t naddrs, const struct mac *macs,
			       size_t nmacs, size_t *ret_n);
