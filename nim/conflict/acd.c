/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/conflict/acd.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <string.h>

#include "base/cleanup.h"

/* RFC 5227, 1.1. Fixed instead of random: nobody waits for it. */
#define PROBE_NUM 3
#define PROBE_MS 1000
#define ANNOUNCE_WAIT_MS 2000
#define ANNOUNCE_NUM 2
#define ANNOUNCE_MS 2000
#define RECHECK_MS 4000
#define RECHECK_NUM 2

static struct mono after_ms(struct mono now, unsigned int ms)
{
	return (struct mono){ now.ns + ms * 1000000ull };
}

void acd_start(struct acd *acd, struct in_addr addr, struct mono now)
{
	*acd = (struct acd){ .addr = addr, .state = ACD_PROBING, .due = now };
}

static enum acd_send send_next(struct acd *acd, enum acd_send send, struct mono due)
{
	acd->sent++;
	acd->due = due;
	return send;
}

static void go(struct acd *acd, enum acd_state state)
{
	acd->state = state;
	acd->sent = 0;
}

enum acd_send acd_step(struct acd *acd, struct mono now)
{
	acd->named = false;
	switch (acd->state) {
	case ACD_PROBING:
		if (acd->sent < PROBE_NUM)
			return send_next(acd, ACD_SEND_PROBE,
					 after_ms(now, acd->sent + 1 < PROBE_NUM
							       ? PROBE_MS
							       : ANNOUNCE_WAIT_MS));
		go(acd, ACD_ANNOUNCING);
		/* fallthrough */
	case ACD_ANNOUNCING:
		if (acd->sent < ANNOUNCE_NUM)
			return send_next(acd, ACD_SEND_ANNOUNCEMENT, after_ms(now, ANNOUNCE_MS));
		break;
	case ACD_CONFLICT:
		if (acd->sent < RECHECK_NUM)
			return send_next(acd, ACD_SEND_PROBE, after_ms(now, RECHECK_MS));
		acd->other = (struct mac){ 0 };
		break;
	case ACD_WATCHING:
		break;
	}
	go(acd, ACD_WATCHING);
	acd->due = (struct mono){ 0 };
	return ACD_SEND_NOTHING;
}

bool acd_heard(struct acd *acd, const struct mac *other, struct mono now)
{
	bool begins = acd->state != ACD_CONFLICT;
	bool news = begins || (!acd->named && !mac_equal(&acd->other, other));

	if (begins)
		acd->due = after_ms(now, RECHECK_MS);
	go(acd, ACD_CONFLICT);
	if (!news)
		return false;
	acd->other = *other;
	acd->named = true;
	return true;
}

/* ---- ARP ---- */

enum { AT_OP = 6, AT_SENDER_MAC = 8, AT_SENDER = 14, AT_TARGET = 24 };
static const uint8_t head[AT_OP] = { 0, ARPHRD_ETHER, ETH_P_IP >> 8, ETH_P_IP & 255, 6, 4 };

void acd_arp_format(enum acd_send send, const struct mac *me, struct in_addr addr,
		    uint8_t ret[ACD_ARP_LEN])
{
	memset(ret, 0, ACD_ARP_LEN);
	memcpy(ret, head, sizeof(head));
	ret[AT_OP + 1] = ARPOP_REQUEST;
	memcpy(ret + AT_SENDER_MAC, me->byte, sizeof(me->byte));
	memcpy(ret + AT_TARGET, &addr, sizeof(addr));
	if (send == ACD_SEND_ANNOUNCEMENT)
		memcpy(ret + AT_SENDER, &addr, sizeof(addr));
}

int acd_arp_parse(const uint8_t *packet, size_t len, struct mac *ret_mac, struct in_addr *ret_addr)
{
	struct in_addr sender;

	if (len < ACD_ARP_LEN || memcmp(packet, head, sizeof(head)) != 0)
		return -EINVAL;
	memcpy(&sender, packet + AT_SENDER, sizeof(sender));
	if (sender.s_addr == 0)
		return -EINVAL;
	memcpy(ret_mac->byte, packet + AT_SENDER_MAC, sizeof(ret_mac->byte));
	*ret_addr = sender;
	return 0;
}

static const struct sock_filter accept_all = BPF_STMT(BPF_RET | BPF_K, ACD_ARP_LEN);
static const struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);

/*
 *	sender is addrs[i]: jump to macs		for each address
 *	drop
 * macs:
 *	sender MAC is macs[i]: drop			for each MAC
 *	accept
 */
struct sock_filter *acd_filter(const struct in_addr *addrs, size_t naddrs, const struct mac *macs,
			       size_t nmacs, size_t *ret_n)
{
	struct sock_filter *filter = xcalloc(2 * naddrs + 5 * nmacs + 3, sizeof(*filter));
	size_t n = 0;

	filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, AT_SENDER);
	for (size_t i = 0; i < naddrs; i++) {
		uint32_t addr = ntohl(addrs[i].s_addr);
		uint32_t to_macs = (uint32_t)(2 * (naddrs - i - 1) + 1);

		filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, addr, 0, 1);
		filter[n++] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, to_macs);
	}
	filter[n++] = drop;
	for (size_t i = 0; i < nmacs; i++) {
		const uint8_t *b = macs[i].byte;
		uint32_t high =
			(uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
		uint32_t low = (uint32_t)b[4] << 8 | b[5];

		filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, AT_SENDER_MAC);
		filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, high, 0, 3);
		filter[n++] =
			(struct sock_filter)BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_SENDER_MAC + 4);
		filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, low, 0, 1);
		filter[n++] = drop;
	}
	filter[n++] = accept_all;
	*ret_n = n;
	return filter;
}
