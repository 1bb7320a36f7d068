/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/upstream/traffic.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define LD(size, at) BPF_STMT(BPF_LD | (size) | BPF_ABS, (uint32_t)(at))
#define IS(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))

enum { V4_PROTOCOL = 9, V4_SOURCE = 12, V6_NEXT = 6, V6_SOURCE = 8 };

static uint32_t mask_word(unsigned int len, unsigned int word)
{
	unsigned int bits = len > word * 32 ? len - word * 32 : 0;

	return bits >= 32 ? UINT32_MAX : bits ? UINT32_MAX << (32 - bits) : 0;
}

/* What is of the subnet is dropped: every word of its prefix is the same. */
static unsigned int add_subnet(struct sock_filter *code, const struct prefix *p, bool four)
{
	const struct prefix net = prefix_network(p);
	unsigned int words = (net.len + 31u) / 32, n = 0;

	for (unsigned int i = 0; i < words; i++) {
		uint32_t word;

		memcpy(&word, net.addr.byte + 4 * i, sizeof(word));
		code[n++] = (struct sock_filter)LD(BPF_W, (four ? V4_SOURCE : V6_SOURCE) + 4 * i);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K,
							 mask_word(net.len, i));
		/* Another word: behind the return that follows the last one. */
		code[n++] =
			(struct sock_filter)IS(ntohl(word), 0, (uint8_t)(3 * (words - 1 - i) + 1));
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	return n;
}

unsigned int traffic_filter(const struct traffic_way *way, struct sock_filter code[TRAFFIC_CODE])
{
	bool four = way->family == AF_INET;
	unsigned int n = 0;

	/* To us, not what the network hears together. */
	code[n++] = (struct sock_filter)LD(BPF_B, SKF_AD_OFF + SKF_AD_PKTTYPE);
	code[n++] = (struct sock_filter)IS(PACKET_HOST, 1, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	/* No ICMP: "unreachable" comes from beyond as well. */
	code[n++] = (struct sock_filter)LD(BPF_B, four ? V4_PROTOCOL : V6_NEXT);
	code[n++] = (struct sock_filter)IS(IPPROTO_TCP, 2, 0);
	code[n++] = (struct sock_filter)IS(IPPROTO_UDP, 1, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	for (unsigned int i = 0; i < way->nsubnets; i++)
		n += add_subnet(code + n, &way->subnet[i], four);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 1);
	return n;
}

void traffic_way(const struct nim_iface *iface, int family, struct traffic_way *ret)
{
	static const char *const own6 = "fe80::/10";

	*ret = (struct traffic_way){ .ifindex = iface->ifindex, .family = (uint8_t)family };
	if (family == AF_INET6 && prefix_parse(own6, &ret->subnet[0]) == 0)
		ret->nsubnets = 1;
	for (unsigned int i = 0; i < iface->naddrs && ret->nsubnets < TRAFFIC_SUBNETS; i++)
		if (iface->addrs[i].addr.family == family)
			ret->subnet[ret->nsubnets++] = prefix_network(&iface->addrs[i]);
}

static int open_socket(const struct traffic_way *way)
{
	const int protocol = way->family == AF_INET ? ETH_P_IP : ETH_P_IPV6;
	const struct sockaddr_ll here = { .sll_family = AF_PACKET,
					  .sll_protocol = htons((uint16_t)protocol),
					  .sll_ifindex = (int)way->ifindex };
	struct sock_filter code[TRAFFIC_CODE];
	const struct sock_fprog prog = { .len = (uint16_t)traffic_filter(way, code),
					 .filter = code };
	const int least = 1; /* the kernel makes it its own least */
	/* Without a protocol nothing comes in before the filter is there. */
	_cleanup_(closep) int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ||
	    bind(fd, (const struct sockaddr *)&here, sizeof(here)) < 0)
		return -errno;
	return take_fd(&fd);
}

int traffic_open(struct traffic *t, const struct traffic_way *way)
{
	int fd;

	if (t->fd >= 0 && memcmp(&t->way, way, sizeof(*way)) == 0)
		return 0;
	traffic_close(t);
	fd = open_socket(way);
	if (fd < 0)
		return fd;
	*t = (struct traffic){ .fd = fd, .way = *way };
	return 0;
}

void traffic_close(struct traffic *t)
{
	closep(&t->fd);
	t->fd = -1;
}

/* tp_packets counts those that were dropped for want of room, too; reading clears it. packet(7) */
bool traffic_came(const struct traffic *t)
{
	struct tpacket_stats stats = { 0 };
	socklen_t len = sizeof(stats);

	return t->fd >= 0 && getsockopt(t->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0 &&
	       stats.tp_packets > 0;
}
