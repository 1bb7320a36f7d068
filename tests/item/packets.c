/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/item/packets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/mono.h"
#include "dataplane/nl/netns.h"
#include "tests/item/space.h"
#include "tests/item/values.h"

/* ---- Building ---- */

static void put(struct frame *f, const void *p, size_t n)
{
	require(f->len + n <= sizeof(f->byte), "frame too long");
	memcpy(f->byte + f->len, p, n);
	f->len += n;
}

static void put8(struct frame *f, uint8_t v)
{
	put(f, &v, 1);
}

static void put16(struct frame *f, uint16_t v)
{
	v = htons(v);
	put(f, &v, 2);
}

static void put_mac(struct frame *f, const char *s)
{
	struct mac m;

	require(mac_parse(s, &m) == 0, "MAC %s", s);
	put(f, m.byte, sizeof(m.byte));
}

static void put_addr(struct frame *f, const struct ipaddr *a)
{
	put(f, a->byte, ipaddr_bits(a) / 8);
}

static uint32_t sum(const uint8_t *p, size_t n, uint32_t start)
{
	for (size_t i = 0; i < n; i++)
		start += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	return start;
}

static void put_checksum(uint8_t *at, uint32_t total)
{
	uint16_t v;

	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	v = htons((uint16_t)~total);
	memcpy(at, &v, sizeof(v));
}

struct frame frame_ether(const char *dst, const char *src, uint16_t type)
{
	struct frame f = { 0 };

	put_mac(&f, dst);
	put_mac(&f, src);
	put16(&f, type);
	return f;
}

/* Adds an IP header for len bytes of payload. Returns the sum of the pseudo header. */
static uint32_t put_ip(struct frame *f, const struct ipaddr *src, const struct ipaddr *dst,
		       uint8_t protocol, uint16_t len, uint8_t hops)
{
	size_t start = f->len;

	if (src->family == AF_INET) {
		put16(f, 0x4500);
		put16(f, 20 + len);
		put16(f, 1);
		put16(f, 0);
		put8(f, hops);
		put8(f, protocol);
		put16(f, 0);
		put_addr(f, src);
		put_addr(f, dst);
		put_checksum(f->byte + start + 10, sum(f->byte + start, 20, 0));
	} else {
		put16(f, 0x6000);
		put16(f, 0);
		put16(f, len);
		put8(f, protocol);
		put8(f, hops);
		put_addr(f, src);
		put_addr(f, dst);
	}
	return sum(dst->byte, ipaddr_bits(dst) / 8,
		   sum(src->byte, ipaddr_bits(src) / 8, (uint32_t)protocol + len));
}

struct frame frame_udp(const char *dst_mac, const char *src_mac, const char *src, const char *dst,
		       uint16_t sport, uint16_t dport, const char *data)
{
	struct ipaddr s = test_addr(src), d = test_addr(dst);
	uint16_t len = (uint16_t)(8 + strlen(data));
	struct frame f =
		frame_ether(dst_mac, src_mac, s.family == AF_INET ? ETHERTYPE_IP : ETHERTYPE_IPV6);
	uint32_t pseudo = put_ip(&f, &s, &d, IPPROTO_UDP, len, 64);
	size_t start = f.len;

	put16(&f, sport);
	put16(&f, dport);
	put16(&f, len);
	put16(&f, 0);
	put(&f, data, strlen(data));
	put_checksum(f.byte + start + 6, sum(f.byte + start, len, pseudo));
	return f;
}

struct frame frame_arp(const char *src_mac, uint16_t op, const char *sender_mac, const char *sender,
		       const char *target)
{
	struct frame f = frame_ether("ff:ff:ff:ff:ff:ff", src_mac, ETHERTYPE_ARP);
	struct ipaddr s = test_addr(sender), t = test_addr(target);

	put16(&f, 1);
	put16(&f, ETHERTYPE_IP);
	put8(&f, 6);
	put8(&f, 4);
	put16(&f, op);
	put_mac(&f, sender_mac);
	put_addr(&f, &s);
	put_mac(&f, "00:00:00:00:00:00");
	put_addr(&f, &t);
	return f;
}

struct frame frame_icmp6(const char *dst_mac, const char *src_mac, const char *src, const char *dst,
			 uint8_t type, const char *target)
{
	struct ipaddr s = test_addr(src), d = test_addr(dst), t = test_addr(target);
	struct frame f = frame_ether(dst_mac, src_mac, ETHERTYPE_IPV6);
	uint32_t pseudo = put_ip(&f, &s, &d, IPPROTO_ICMPV6, 32, 255);
	size_t start = f.len;

	put8(&f, type);
	put8(&f, 0);
	put16(&f, 0);
	put16(&f, type == ND_NEIGHBOR_ADVERT ? 0x2000 : 0); /* override */
	put16(&f, 0);
	put_addr(&f, &t);
	put8(&f, type == ND_NEIGHBOR_ADVERT ? 2 : 1); /* link-layer address */
	put8(&f, 1);
	put_mac(&f, src_mac);
	put_checksum(f.byte + start + 2, sum(f.byte + start, 32, pseudo));
	return f;
}

struct frame frame_tagged(const struct frame *f, uint16_t vid)
{
	struct frame t = { 0 };

	put(&t, f->byte, 12);
	put16(&t, ETHERTYPE_VLAN);
	put16(&t, vid);
	put(&t, f->byte + 12, f->len - 12);
	return t;
}

/* ---- Sockets ---- */

static int socket_in(const char *netns, int domain, int type, int protocol)
{
	_cleanup_(closep) int ns = netns ? netns_by_name(netns) : -1;
	int fd;

	require(!netns || ns >= 0, "namespace %s", netns);
	fd = netns_socket(ns, domain, type, protocol);
	require(fd >= 0, "socket: %s", strerror(-fd));
	return fd;
}

void frame_send(const char *netns, const char *ifname, const struct frame *f)
{
	_cleanup_(closep) int fd = socket_in(netns, AF_PACKET, SOCK_RAW, 0);
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	struct ifreq req = { 0 };

	strncpy(req.ifr_name, ifname, sizeof(req.ifr_name) - 1);
	require(ioctl(fd, SIOCGIFINDEX, &req) == 0, "%s: %s", ifname, strerror(errno));
	to.sll_ifindex = req.ifr_ifindex;
	require(sendto(fd, f->byte, f->len, 0, (struct sockaddr *)&to, sizeof(to)) ==
			(ssize_t)f->len,
		"send: %s", strerror(errno));
}

static socklen_t sockaddr_of(const char *addr, uint16_t port, struct sockaddr_in6 *ret)
{
	struct ipaddr a = test_addr(addr);
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_addr = a.v4,
				  .sin_port = htons(port) };

	*ret = (struct sockaddr_in6){ .sin6_family = AF_INET6,
				      .sin6_addr = a.v6,
				      .sin6_port = htons(port) };
	if (a.family == AF_INET6)
		return sizeof(*ret);
	memcpy(ret, &v4, sizeof(v4));
	return sizeof(v4);
}

int udp_open(const char *netns, const char *addr, uint16_t port)
{
	struct sockaddr_in6 sa;
	socklen_t len = sockaddr_of(addr, port, &sa);
	int fd = socket_in(netns, test_addr(addr).family, SOCK_DGRAM, 0);

	require(bind(fd, (struct sockaddr *)&sa, len) == 0, "bind: %s", strerror(errno));
	return fd;
}

void udp_send(int fd, const char *addr, uint16_t port, const char *data)
{
	struct sockaddr_in6 sa;
	socklen_t len = sockaddr_of(addr, port, &sa);

	/* that there is no way to send it is an answer too */
	(void)!sendto(fd, data, strlen(data), 0, (struct sockaddr *)&sa, len);
}

static bool receive_one(int fd, const char *data, struct ipaddr *ret_from, uint16_t *ret_port)
{
	struct sockaddr_in6 sa = { 0 };
	socklen_t len = sizeof(sa);
	char buf[256];
	ssize_t n = recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&sa, &len);

	if (n < 0 || (size_t)n != strlen(data) || memcmp(buf, data, (size_t)n) != 0)
		return false;
	if (ret_from)
		*ret_from = sa.sin6_family == AF_INET
				    ? ipaddr_from(AF_INET, &((struct sockaddr_in *)&sa)->sin_addr)
				    : ipaddr_from(AF_INET6, &sa.sin6_addr);
	if (ret_port)
		*ret_port = ntohs(sa.sin6_port); /* at the same place in both */
	return true;
}

bool udp_receive(int fd, const char *data, unsigned int ms, struct ipaddr *ret_from,
		 uint16_t *ret_port)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct mono begin = mono_now();
	int64_t left;

	for (;;) {
		left = (int64_t)ms - mono_diff_ms(mono_now(), begin);
		if (left < 0 || poll(&p, 1, (int)left) <= 0)
			return false;
		if (receive_one(fd, data, ret_from, ret_port))
			return true;
	}
}
