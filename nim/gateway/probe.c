/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/gateway/probe.h"

#include <errno.h>
#include <linux/filter.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "nim/arp_socket.h"

/* In one turn, as somebody may send faster than we read; and more than wait in a socket's buffer. */
#define BURST 1024

/* ---- ARP: arping -I IF GATEWAY ---- */

/* Replies of this gateway, by its link: operation 2, and its address as the sender's. */
static int arp_open(const struct probe_target *t)
{
	const struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_IFINDEX)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, t->ifindex, 0, 5),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct ether_arp, ea_hdr.ar_op)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARPOP_REPLY, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct ether_arp, arp_spa)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(t->gateway.v4.s_addr), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, sizeof(struct ether_arp)),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	return arp_socket_open(filter, ARRAY_SIZE(filter));
}

static void arp_ask(const struct probe *p, bool all)
{
	const struct probe_target *t = &p->target;
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ARP),
		.sll_ifindex = (int)t->ifindex,
		.sll_halen = ETH_ALEN,
	};
	struct ether_arp arp = {
		.ea_hdr = { .ar_hrd = htons(ARPHRD_ETHER),
			    .ar_pro = htons(ETH_P_IP),
			    .ar_hln = ETH_ALEN,
			    .ar_pln = sizeof(arp.arp_spa),
			    .ar_op = htons(ARPOP_REQUEST) },
	};

	memcpy(arp.arp_sha, t->mac.byte, sizeof(arp.arp_sha));
	memcpy(arp.arp_spa, &t->source.v4, sizeof(arp.arp_spa));
	memcpy(arp.arp_tpa, &t->gateway.v4, sizeof(arp.arp_tpa));
	if (all || !mac_is_set(&p->gateway_mac))
		memset(to.sll_addr, 0xff, ETH_ALEN);
	else
		memcpy(to.sll_addr, p->gateway_mac.byte, ETH_ALEN);
	(void)sendto(p->fd, &arp, sizeof(arp), 0, (const struct sockaddr *)&to, sizeof(to));
}

/* ---- Neighbour discovery: ndisc6 GATEWAY IF ---- */

/* Advertisements of this gateway that no router has passed on. The data begin behind the IPv6
 * header, whose hop limit is at SKF_NET_OFF + 7. */
static int nd_filter(int fd, const struct ipaddr *gateway)
{
	enum { TARGET = offsetof(struct nd_neighbor_advert, nd_na_target), HOP_LIMIT = 7 };
	const uint32_t *word = gateway->v6.s6_addr32;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_ADVERT, 0, 11),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_NET_OFF + HOP_LIMIT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 255, 0, 9),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, TARGET),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(word[0]), 0, 7),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, TARGET + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(word[1]), 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, TARGET + 8),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(word[2]), 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, TARGET + 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(word[3]), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, sizeof(struct nd_neighbor_advert)),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog prog = { .len = ARRAY_SIZE(code), .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ? -errno : 0;
}

static int nd_open(const struct probe_target *t)
{
	_cleanup_(closep) int fd =
		socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);
	const int hops = 255;
	int r;

	if (fd < 0)
		return -errno;
	r = nd_filter(fd, &t->gateway);
	if (r < 0)
		return r;
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, t->ifname.str, sizeof(t->ifname.str)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) < 0)
		return -errno;
	return take_fd(&fd);
}

static void nd_ask(const struct probe *p, bool all)
{
	const struct probe_target *t = &p->target;
	struct sockaddr_in6 to = {
		.sin6_family = AF_INET6,
		.sin6_addr = t->gateway.v6,
		.sin6_scope_id = t->ifindex,
	};
	struct {
		struct nd_neighbor_solicit ns;
		struct nd_opt_hdr option;
		uint8_t mac[ETH_ALEN];
	} __attribute__((__packed__)) msg = {
		.ns = { .nd_ns_type = ND_NEIGHBOR_SOLICIT, .nd_ns_target = t->gateway.v6 },
		.option = { .nd_opt_type = ND_OPT_SOURCE_LINKADDR, .nd_opt_len = 1 },
	};

	memcpy(msg.mac, t->mac.byte, sizeof(msg.mac));
	if (all) { /* its solicited-node group, RFC 4291 2.7.1 */
		static const uint8_t group[13] = { 0xff, 2, [11] = 1, [12] = 0xff };

		memcpy(to.sin6_addr.s6_addr, group, sizeof(group));
	}
	(void)sendto(p->fd, &msg, sizeof(msg), 0, (const struct sockaddr *)&to, sizeof(to));
}

/* ---- Both ---- */

int probe_open(struct probe *p, const struct probe_target *target)
{
	int fd;

	probe_close(p);
	fd = target->gateway.family == AF_INET ? arp_open(target) : nd_open(target);
	if (fd < 0)
		return fd;
	*p = (struct probe){ .fd = fd, .target = *target };
	return 0;
}

void probe_close(struct probe *p)
{
	if (p->target.gateway.family == AF_INET)
		arp_socket_let_go(&p->fd);
	closep(&p->fd);
	p->fd = -1;
}

void probe_ask(struct probe *p, bool all)
{
	if (p->fd < 0)
		return;
	if (p->target.gateway.family == AF_INET)
		arp_ask(p, all);
	else
		nd_ask(p, all);
}

bool probe_answered(struct probe *p)
{
	union {
		struct ether_arp arp;
		struct nd_neighbor_advert na;
	} answer;
	bool any = false;
	ssize_t n;

	for (unsigned int i = 0; i < BURST && p->fd >= 0; i++) {
		n = recv(p->fd, &answer, sizeof(answer), 0);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			continue; /* the link went down: told once, then all is as before */
		any = true;
		if (p->target.gateway.family == AF_INET && (size_t)n >= sizeof(answer.arp))
			memcpy(p->gateway_mac.byte, answer.arp.arp_sha, ETH_ALEN);
	}
	return any;
}
