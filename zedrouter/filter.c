/* SPDX-License-Identifier: Apache-2.0 */
/* Instances and app interfaces as elements; the rules they meet are in filter_base.c. */
#include "zedrouter/filter.h"

#include <assert.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "dataplane/dp.h"
#include "dataplane/nft/elems.h"
#include "dataplane/nft/rule.h"
#include "zedrouter/filter_vif.h"

/* ---- Network instances ---- */

static void add_uplinks(struct dp_graph *g, const char *table, const struct zr_filter_instance *ni)
{
	struct zr_batch uplinks = zr_batch_begin(ZR_SET_UPLINKS, table);
	struct zr_batch connected = zr_batch_begin(ZR_SET_CONNECTED, table);
	uint32_t mark = ni->number << 10;
	struct nft_elem el;

	for (size_t i = 0; i < ni->n_uplinks; i++) {
		el = zr_batch_add(&uplinks);
		nft_elem_mark(&el, mark);
		nft_elem_ifname(&el, &ni->uplinks[i].ifname);
	}
	if (ni->n_uplinks) {
		el = zr_batch_add(&connected);
		nft_elem_mark(&el, mark);
	}
	zr_batch_finish(g, &uplinks, &ni->bridge);
	zr_batch_finish(g, &connected, &ni->bridge);
}

/* Of each app interface by each port: what the flow is, and where it stays. */
static void add_flows(struct dp_graph *g, const char *table, const struct zr_filter_instance *ni)
{
	struct zr_batch flows = zr_batch_begin(ZR_SET_FLOW_MARKS, table);
	struct nft_elem el;

	for (size_t i = 0; i < ni->n_uplinks * ni->n_vifs; i++) {
		const struct zr_filter_uplink *port = &ni->uplinks[i / ni->n_vifs];
		uint32_t vif = ni->number << 10 | ni->vifs[i % ni->n_vifs];

		if (!(port->mark & ZR_MARK_PORT))
			continue;
		el = zr_batch_add(&flows);
		nft_elem_mark(&el, vif);
		nft_elem_ifname(&el, &port->ifname);
		nft_elem_data_mark(&el, (port->mark & ZR_MARK_PORT) | vif);
	}
	zr_batch_finish(g, &flows, &ni->bridge);
}

static void add_gateways(struct dp_graph *g, const char *table, const struct zr_filter_instance *ni,
			 int family)
{
	struct zr_batch b =
		zr_batch_begin(family == AF_INET ? ZR_SET_GATEWAYS4 : ZR_SET_GATEWAYS6, table);
	const struct ifname *const names[] = { &ni->bridge, &ni->vrf };
	struct nft_elem el;

	for (size_t i = 0; i < ARRAY_SIZE(ni->gateways); i++) {
		if (ni->gateways[i].family != family)
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
			if (!names[k]->str[0])
				continue;
			el = zr_batch_add(&b);
			nft_elem_ifname(&el, names[k]);
			nft_elem_addr(&el, &ni->gateways[i]);
		}
	}
	zr_batch_finish(g, &b, &ni->bridge);
}

void zr_filter_instance(struct dp_graph *g, const char *table, const struct zr_filter_instance *ni)
{
	struct zr_batch bridges = zr_batch_begin(ZR_SET_BRIDGES, table);
	struct zr_batch peers = zr_batch_begin(ZR_SET_PEERS, table);
	struct nft_elem el;

	assert(ni->number && ni->number <= ZR_INSTANCES);
	el = zr_batch_add(&bridges);
	nft_elem_ifname(&el, &ni->bridge);
	if (ni->vrf.str[0]) { /* packets change over to it before they are routed */
		el = zr_batch_add(&bridges);
		nft_elem_ifname(&el, &ni->vrf);
	}
	el = zr_batch_add(&peers);
	nft_elem_mark(&el, ni->number << 10);
	nft_elem_ifname(&el, &ni->bridge);
	zr_batch_finish(g, &bridges, &ni->bridge);
	zr_batch_finish(g, &peers, &ni->bridge);
	add_uplinks(g, table, ni);
	add_flows(g, table, ni);
	add_gateways(g, table, ni, AF_INET);
	add_gateways(g, table, ni, AF_INET6);
}

/* ---- App interfaces: who they are ---- */

/* What the app may say it is, for the bridge table. */
static void add_identity(struct dp_graph *g, const char *table, const struct zr_filter_vif *vif)
{
	struct zr_batch ports = zr_batch_begin(ZR_SET_APP_PORTS, table);
	struct zr_batch vifs = zr_batch_begin(ZR_SET_VIFS, table),
			ids = zr_batch_begin(ZR_SET_VIF_ID, table);
	struct zr_batch macs = zr_batch_begin(ZR_SET_VIF_MAC, table);
	struct zr_batch ip4 = zr_batch_begin(ZR_SET_VIF_IP4, table);
	struct zr_batch ip6 = zr_batch_begin(ZR_SET_VIF_IP6, table);
	struct zr_batch arp = zr_batch_begin(ZR_SET_VIF_ARP, table);
	struct nft_elem el = zr_batch_add(&ports);

	nft_elem_ifname(&el, &vif->ifname);
	el = zr_batch_add(&vifs);
	nft_elem_ifname(&el, &vif->ifname);
	el = zr_batch_add(&ids);
	nft_elem_ifname(&el, &vif->ifname);
	nft_elem_data_mark(&el, zr_vif_id(vif));
	el = zr_batch_add(&macs);
	nft_elem_ifname(&el, &vif->ifname);
	nft_elem_mac(&el, &vif->mac);
	for (size_t i = 0; i < vif->n_addrs; i++) {
		el = zr_batch_add(vif->addrs[i].family == AF_INET ? &ip4 : &ip6);
		nft_elem_ifname(&el, &vif->ifname);
		nft_elem_addr(&el, &vif->addrs[i]);
		if (vif->addrs[i].family != AF_INET)
			continue;
		el = zr_batch_add(&arp);
		nft_elem_ifname(&el, &vif->ifname);
		nft_elem_mac(&el, &vif->mac);
		nft_elem_addr(&el, &vif->addrs[i]);
	}
	zr_batch_finish(g, &ports, &vif->ifname);
	zr_batch_finish(g, &vifs, &vif->ifname);
	zr_batch_finish(g, &ids, &vif->ifname);
	zr_batch_finish(g, &macs, &vif->ifname);
	zr_batch_finish(g, &ip4, &vif->ifname);
	zr_batch_finish(g, &ip6, &vif->ifname);
	zr_batch_finish(g, &arp, &vif->ifname);
}

/* As whom the app receives: the number under which its access list is looked up. */
static void add_receiver(struct dp_graph *g, const char *table, const struct zr_filter_vif *vif,
			 int family)
{
	bool v4 = family == AF_INET;
	struct zr_batch plain = zr_batch_begin(v4 ? ZR_SET_VIF4 : ZR_SET_VIF6, table);
	struct zr_batch dnat = zr_batch_begin(v4 ? ZR_SET_VIF4_DNAT : ZR_SET_VIF6_DNAT, table);
	bool split = vif->acl && vif->acl->split;
	struct nft_elem el;

	for (size_t i = 0; i < vif->n_addrs; i++) {
		if (vif->addrs[i].family != family)
			continue;
		el = zr_batch_add(&plain);
		nft_elem_ifname(&el, &vif->bridge);
		nft_elem_addr(&el, &vif->addrs[i]);
		nft_elem_data_mark(&el, zr_vif_id(vif) | (split ? ZR_MARK_INGRESS : 0));
		if (!vif->acl || !vif->acl->dnat)
			continue;
		el = zr_batch_add(&dnat);
		nft_elem_ifname(&el, &vif->bridge);
		nft_elem_addr(&el, &vif->addrs[i]);
		nft_elem_data_mark(&el, zr_vif_id(vif) | ZR_MARK_DNAT);
	}
	zr_batch_finish(g, &plain, &vif->ifname);
	zr_batch_finish(g, &dnat, &vif->ifname);
}

/* ---- App interfaces: their access list ---- */

/*
 * A chain with the bucket of one limiting entry. The flow mark makes all packets of the flow's
 * original direction come here, not only the first, and tells whose they are once the mark of the
 * packet is that of the port.
 */
static void want_limit(struct dp_graph *g, const char *table, const struct zr_filter_vif *vif,
		       uint32_t index)
{
	const struct zr_ace *ace = &vif->acl->aces[index];
	struct nft_rules *r = nft_rules_new(NFPROTO_INET);
	struct dp_nft_chain chain = { .family = NFPROTO_INET, .rules = r };

	nft_rule(r);
	nft_set_bits(r, NFT_F_CT_MARK, ZR_MARK_PORT | ZR_MARK_INBOUND,
		     ZR_MARK_LIMITED | zr_vif_id(vif));
	nft_rule(r);
	nft_limit(r, false, ace->limit_rate, ace->limit_unit_s, ace->limit_burst);
	nft_verdict(r, NFT_RETURN, NULL);
	nft_rule(r);
	nft_counter(r);
	nft_verdict(r, NF_DROP, NULL);
	nft_rules_end(r);
	snprintf(chain.table, sizeof(chain.table), "%s", table);
	zr_limit_name(vif, index, chain.name);
	dp_want(g, &dp_nft_chain_type, &chain);
	nft_rules_unref(r);
}

static void add_entry(struct zr_batch *b, const struct zr_filter_vif *vif,
		      const struct zr_acl_entry *e)
{
	struct nft_elem el = zr_batch_add(b);
	char chain[DP_NFT_NAME];

	nft_elem_mark(&el, zr_list_id(vif, e->variant));
	nft_elem_addr_range(&el, &e->first, &e->last);
	nft_elem_proto(&el, e->proto_first, e->proto_last);
	if (!e->exact)
		nft_elem_port(&el, e->lport.first, e->lport.last);
	nft_elem_port(&el, e->fport.first, e->fport.last);
	if (e->action == ZR_LIMIT) {
		zr_limit_name(vif, e->ace, chain);
		nft_elem_verdict(&el, NFT_GOTO, chain);
	} else {
		nft_elem_verdict(&el, e->action == ZR_DROP ? NF_DROP : NFT_RETURN, NULL);
	}
}

static void note_limits(const struct zr_acl_entry *entries, size_t n, bool *limited)
{
	for (size_t i = 0; i < n; i++)
		if (entries[i].action == ZR_LIMIT)
			limited[entries[i].ace] = true;
}

static void add_limits(struct dp_graph *g, const char *table, const struct zr_filter_vif *vif)
{
	const struct zr_acl *acl = vif->acl;
	_cleanup_(freep) bool *limited = xcalloc(acl->n_aces + 1, sizeof(*limited));

	note_limits(acl->entries, acl->n, limited);
	note_limits(acl->steps, acl->n_steps, limited);
	for (uint32_t i = 0; i < acl->n_aces; i++)
		if (limited[i])
			want_limit(g, table, vif, i);
}

#define ACL_SETS (2 * ZR_ACL_LAYERS * 2) /* families, layers, exact or not */

static unsigned int acl_set_number(const struct zr_acl_entry *e)
{
	return ((e->family == AF_INET6) * ZR_ACL_LAYERS + e->layer) * 2u + e->exact;
}

static void add_acl(struct dp_graph *g, const char *table, const struct zr_filter_vif *vif)
{
	struct zr_batch sets[ACL_SETS] = { 0 };

	for (size_t i = 0; i < vif->acl->n; i++) {
		const struct zr_acl_entry *e = &vif->acl->entries[i];
		struct zr_batch *b = &sets[acl_set_number(e)];

		if (!b->elems) {
			struct dp_nft_set set = zr_acl_set(e->family, e->layer, e->exact, table);

			*b = zr_batch_of(&set);
		}
		add_entry(b, vif, e);
	}
	for (size_t i = 0; i < ACL_SETS; i++)
		if (sets[i].elems)
			zr_batch_finish(g, &sets[i], &vif->ifname);
}

/* ---- App interfaces: port maps ---- */

static bool has_label(const struct zr_filter_port *port, const char *label)
{
	if (!label || !label[0])
		return true;
	for (size_t i = 0; i < port->n_labels; i++)
		if (strcmp(port->labels[i], label) == 0)
			return true;
	return false;
}

static const struct ipaddr *addr_of(const struct zr_filter_vif *vif, int family)
{
	for (size_t i = 0; i < vif->n_addrs; i++)
		if (vif->addrs[i].family == family)
			return &vif->addrs[i];
	return NULL;
}

/* One external port on one address of one uplink: from outside, and from apps. */
static void add_mapping(struct zr_batch *outside, struct zr_batch *inside,
			const struct zr_filter_port *port, const struct ipaddr *from,
			const struct ipaddr *to, const struct zr_ace *ace, uint16_t offset)
{
	uint16_t external = ace->lport.first + offset, target = ace->target_port + offset;
	struct nft_elem el = zr_batch_add(outside);

	nft_elem_ifname(&el, &port->ifname);
	nft_elem_addr(&el, from);
	nft_elem_proto(&el, ace->protocol, ace->protocol);
	nft_elem_port(&el, external, external);
	nft_elem_data_addr(&el, to);
	nft_elem_data_port(&el, target);
	el = zr_batch_add(inside);
	nft_elem_addr(&el, from);
	nft_elem_proto(&el, ace->protocol, ace->protocol);
	nft_elem_port(&el, external, external);
	nft_elem_data_addr(&el, to);
	nft_elem_data_port(&el, target);
}

static void add_port_map(struct zr_batch *outside, struct zr_batch *inside,
			 const struct zr_filter_vif *vif, const struct zr_ace *ace, int family)
{
	const struct ipaddr *to = addr_of(vif, family);

	for (size_t p = 0; to && p < vif->n_ports; p++) {
		const struct zr_filter_port *port = &vif->ports[p];

		if (!has_label(port, ace->adapter))
			continue;
		for (size_t i = 0; i < port->n_addrs; i++) {
			if (port->addrs[i].family != family)
				continue;
			for (uint32_t n = 0; n <= (uint32_t)(ace->lport.last - ace->lport.first);
			     n++)
				add_mapping(outside, inside, port, &port->addrs[i], to, ace,
					    (uint16_t)n);
		}
	}
}

static void add_port_maps(struct dp_graph *g, const char *table, const struct zr_filter_vif *vif,
			  int family)
{
	bool v4 = family == AF_INET;
	struct zr_batch outside = zr_batch_begin(v4 ? ZR_SET_PORTMAP4 : ZR_SET_PORTMAP6, table);
	struct zr_batch inside = zr_batch_begin(v4 ? ZR_SET_HAIRPIN4 : ZR_SET_HAIRPIN6, table);

	for (size_t i = 0; i < vif->acl->n_aces; i++)
		if (zr_ace_maps(&vif->acl->aces[i]))
			add_port_map(&outside, &inside, vif, &vif->acl->aces[i], family);
	zr_batch_finish(g, &outside, &vif->ifname);
	zr_batch_finish(g, &inside, &vif->ifname);
}

void zr_filter_vif(struct dp_graph *g, const char *table, const struct zr_filter_vif *vif)
{
	assert(vif->instance && vif->instance <= ZR_INSTANCES);
	assert(vif->number && vif->number <= ZR_VIFS);
	add_identity(g, table, vif);
	add_receiver(g, table, vif, AF_INET);
	add_receiver(g, table, vif, AF_INET6);
	if (!vif->acl)
		return;
	add_limits(g, table, vif);
	add_acl(g, table, vif);
	zr_filter_steps(g, table, vif);
	add_port_maps(g, table, vif, AF_INET);
	add_port_maps(g, table, vif, AF_INET6);
}
