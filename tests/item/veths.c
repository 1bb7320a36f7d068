/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/item/veths.h"

#include <string.h>

#include "dataplane/items/link.h"
#include "tests/item/values.h"

void want_v(struct dp_graph *g)
{
	dp_want(g, &dp_veth_type,
		&(struct dp_veth){ .ifname = IFNAME("v0"),
				   .peer = IFNAME("v1"),
				   .up = true,
				   .peer_up = true });
}

void want_v_and_w(struct dp_graph *g)
{
	want_v(g);
	dp_want(g, &dp_veth_type,
		&(struct dp_veth){ .ifname = IFNAME("w0"),
				   .peer = IFNAME("w1"),
				   .up = true,
				   .peer_up = true });
}

void make_v_and_w(void)
{
	sh("ip link add v0 type veth peer name v1 && ip link add w0 type veth peer name w1 && "
	   "for i in v0 v1 w0 w1; do ip link set $i up; done");
}

struct dp_nexthop test_via(const char *ifname, const char *gateway, uint8_t weight)
{
	struct dp_nexthop nh = { .weight = weight };

	strcpy(nh.ifname.str, ifname);
	if (gateway)
		nh.gateway = test_addr(gateway);
	return nh;
}
