/* SPDX-License-Identifier: Apache-2.0 */
/* Packets by hand: frames no honest stack would send, and sockets in other namespaces. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct frame {
	uint8_t byte[256];
	size_t len;
};

/* Values as text ("02:00:00:00:00:01", "10.1.0.2"); a wrong one fails the test. */
struct frame frame_ether(const char *dst, const char *src, uint16_t type);
struct frame frame_udp(const char *dst_mac, const char *src_mac, const char *src, const char *dst,
		       uint16_t sport, uint16_t dport, const char *data); /* IPv4 or IPv6 */
struct frame frame_arp(const char *src_mac, uint16_t op, const char *sender_mac, const char *sender,
		       const char *target);
struct frame frame_icmp6(const char *dst_mac, const char *src_mac, const char *src, const char *dst,
			 uint8_t type, const char *target); /* with a target address (NS, NA) */
struct frame frame_tagged(const struct frame *f, uint16_t vid);

void frame_send(const char *netns, const char *ifname, const struct frame *f);

/* A UDP socket in a namespace (NULL: here), bound to address ("0.0.0.0", "::") and port. */
int udp_open(const char *netns, const char *addr, uint16_t port);
void udp_send(int fd, const char *addr, uint16_t port, const char *data);
/* Waits for this text and says who sent it ("": came not within ms). Others are passed over. */
bool udp_receive(int fd, const char *data, unsigned int ms, struct ipaddr *ret_from,
		 uint16_t *ret_port); /* both may be NULL */
