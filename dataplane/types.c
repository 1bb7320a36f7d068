/* SPDX-License-Identifier: Apache-2.0 */
/* Every item type and every backend: one line each, in the order they are observed and shown. */
#include "dataplane/dp.h"
#include "dataplane/items/host.h"
#include "dataplane/items/inet.h"
#include "dataplane/items/link.h"
#include "dataplane/items/nft.h"
#include "dataplane/items/proc.h"
#include "dataplane/items/watch.h"
#include "dataplane/nft/nft.h"
#include "dataplane/nl/rtnl.h"

const struct dp_type *const dp_types[] = {
	/* clang-format off */
	&dp_link_type,
	&dp_linkset_type,
	&dp_bond_type,
	&dp_vlan_type,
	&dp_vrf_type,
	&dp_bridge_type,
	&dp_veth_type,
	&dp_tap_type,
	&dp_dummy_type,
	&dp_bond_member_type,
	&dp_brport_type,
	&dp_brvlan_type,
	&dp_addr_type,
	&dp_nhgroup_type,
	&dp_route_type,
	&dp_rule_type,
	&dp_neigh_type,
	&dp_nft_table_type,
	&dp_nft_set_type,
	&dp_nft_chain_type,
	&dp_nft_elems_type,
	&dp_netns_type,
	&dp_sysctl_type,
	&dp_file_type,
	&dp_placed_type,
	&dp_process_type,
	&dp_dnsmasq_type,
	&dp_dhcpcd_type,
	&dp_stray_route_type, /* after those whose they are */
	&dp_supplicant_type,
	/* clang-format on */
	NULL,
};

const struct dp_backend *const dp_backends[] = {
	&dp_rtnl_backend, &dp_proc_backend, &dp_host_backend, &dp_nft_backend, NULL,
};
