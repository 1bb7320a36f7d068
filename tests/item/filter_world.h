/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world in which zedrouter's rules meet real packets:
 *
 *	 a1 10.1.0.2  a2 10.1.0.3      b1 10.2.0.2
 *	 |nbu1x1      |nbu2x2          |nbu1x3
 *	 +--- bn1 ----+                bn2       (fd00:1::/64, fd00:2::/64)
 *	      10.1.0.1 \              / 10.2.0.1
 *	                  this node
 *	  198.51.100.1 eth0 |   | eth1 203.0.113.1
 *	                   wan (192.0.2.7, 2001:db8::7 and a route back to 10.1.0.0/24)
 */
#pragma once

#include "tests/item/conformance.h"
#include "tests/item/packets.h"
#include "tests/item/space.h"
#include "tests/item/values.h"
#include "zedrouter/acl.h"
#include "zedrouter/filter.h"

#define T "edgeway-test"
#define A1_MAC "02:00:00:00:01:02"
#define A2_MAC "02:00:00:00:01:03"
#define BN1_MAC "02:00:00:00:01:01"
#define SERVER "192.0.2.7"
#define SERVER6 "2001:db8::7"
#define SHUT_MS 120 /* how long we wait for what must not arrive */
#define OPEN_MS 3000
/* Of these two: what one has to wait here. Programs are slow in the lab, packets hardly: for what must
 * not arrive a quarter of its patience is enough (QUIET_S in tests/netns/packets.py). */
unsigned int wait_ms(unsigned int ms);

void build_world(bool vrf); /* vrf: the bridges are in VRFs, which this kernel must have */
struct node *start(void); /* rules, ports, both instances; no app */
struct node *start_open(void); /* and all apps, nothing forbidden by their lists */
void want_instance(struct node *n, uint32_t number, size_t n_uplinks); /* 0, eth0, eth1 too */
void want_app(struct node *n, const char *name, const struct zr_ace *aces, size_t n_aces);

/* Everything is allowed to and from everywhere: what is refused then, no list decides. */
extern const struct zr_ace anything[1];

/* A new flow of one packet, and its answer: does it get there and back? */
bool reaches(const char *from, const char *to, uint16_t port, const char *server, unsigned int ms);
bool pings(const char *ns, const char *to, unsigned int ms);
#define open_to(from, to, port, server)                                                            \
	require(reaches(from, to, port, server, OPEN_MS), "%s does not reach %s port %u", from,    \
		to, port)
#define shut_to(from, to, port, server)                                                            \
	require(!reaches(from, to, port, server, SHUT_MS), "%s reaches %s port %u", from, to, port)
