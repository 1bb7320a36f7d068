/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/caps.h"

#include <string.h>

#include "base/cleanup.h"

static const struct {
	const char *name, *purpose, *option;
} info[CAPS_COUNT] = {
	[CAPS_BRIDGE] = { "bridge", "network instances", "CONFIG_BRIDGE" },
	[CAPS_BRIDGE_ISOLATED] = { "bridge-isolated", "ACLs between apps of one instance",
				   "CONFIG_BRIDGE" },
	[CAPS_BRIDGE_VLAN] = { "bridge-vlan", "VLANs of switch network instances",
			       "CONFIG_BRIDGE_VLAN_FILTERING" },
	[CAPS_VETH] = { "veth", "apps in namespaces", "CONFIG_VETH" },
	[CAPS_TAP] = { "tap", "virtual machines", "CONFIG_TUN" },
	[CAPS_DUMMY] = { "dummy", "loopback-like interfaces", "CONFIG_DUMMY" },
	[CAPS_VLAN] = { "vlan", "VLAN ports", "CONFIG_VLAN_8021Q" },
	[CAPS_BOND] = { "bond", "LAG ports", "CONFIG_BONDING" },
	[CAPS_VRF] = { "vrf", "VRF per instance (policy rules without)", "CONFIG_NET_VRF" },
	[CAPS_IPV6] = { "ipv6", "IPv6", "CONFIG_IPV6" },
	[CAPS_ADDR_PROTOCOL] = { "addr-protocol", "knowing our addresses after a crash",
				 "Linux 5.18" },
	[CAPS_RULE_PROTOCOL] = { "rule-protocol", "knowing our rules after a crash", "Linux 4.17" },
	[CAPS_NEIGH_PROTOCOL] = { "neigh-protocol", "knowing our neighbours after a crash",
				  "Linux 5.2" },
	[CAPS_MULTIPATH] = { "multipath", "routes over several uplinks",
			     "CONFIG_IP_ROUTE_MULTIPATH" },
	[CAPS_PROXY_ARP_PVLAN] = { "proxy-arp-pvlan", "ACLs between apps of one instance",
				   "Linux 2.6.34" },
	[CAPS_NFT_INET] = { "nft-inet", "ACLs", "CONFIG_NF_TABLES_INET" },
	[CAPS_NFT_BRIDGE] = { "nft-bridge", "spoof guard", "CONFIG_NF_TABLES_BRIDGE" },
	[CAPS_NFT_MASQUERADE] = { "nft-masquerade", "NAT", "CONFIG_NFT_MASQ" },
	[CAPS_NFT_CT_MARK] = { "nft-ct-mark", "flows that stay on their uplink", "CONFIG_NFT_CT" },
	[CAPS_NFT_REJECT] = { "nft-reject", "the node's firewall", "CONFIG_NFT_REJECT_INET" },
	[CAPS_NFT_CT_BRIDGE] = { "nft-ct-bridge", "stateful ACLs of switch instances",
				 "CONFIG_NF_CONNTRACK_BRIDGE" },
	[CAPS_NFT_FLOWTABLE] = { "nft-flowtable", "kernel fast path", "CONFIG_NF_FLOW_TABLE" },
	[CAPS_NFT_LOG] = { "nft-log", "logging of dropped packets", "CONFIG_NFT_LOG" },
	[CAPS_XDP] = { "xdp", "XDP fast path", "CONFIG_BPF_SYSCALL" },
};

bool caps_has(const struct caps *caps, enum cap cap)
{
	return caps->err[cap] == 0;
}

const char *caps_name(enum cap cap)
{
	return info[cap].name;
}

const char *caps_purpose(enum cap cap)
{
	return info[cap].purpose;
}

const char *caps_kernel_option(enum cap cap)
{
	return info[cap].option;
}

void caps_print(const struct caps *caps, FILE *out)
{
	int i;

	fprintf(out, "%-16s %-4s %s\n", "FEATURE", "", "NEEDED FOR");
	for (i = 0; i < CAPS_COUNT; i++) {
		fprintf(out, "%-16s %-4s %s", info[i].name, caps->err[i] ? "no" : "yes",
			info[i].purpose);
		if (caps->err[i])
			fprintf(out, "  (%s; %s)", strerror(-caps->err[i]), info[i].option);
		fputc('\n', out);
	}
}
