/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access lists that name hosts. Their steps (see zedrouter/acl.h) are rules of chains of their own,
 * one for each walk, which the walk goes to by a map and which go on to the maps:
 *
 *	acl_out4: mark vmap @hosts_out4 --> steps_nbu1x1_out4: ct daddr @host4_bn1_web.example … return
 *	          goto maps_out4 <--------                     goto maps_out4
 */
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "zedrouter/filter_rules.h"
#include "zedrouter/filter_vif.h"

void zr_filter_host(struct dp_graph *g, const char *table, const struct ifname *bridge,
		    const char *domain)
{
	struct dp_nft_set set = zr_host_set(AF_INET, bridge, domain, table);

	dp_want(g, &dp_nft_set_type, &set);
	set = zr_host_set(AF_INET6, bridge, domain, table);
	dp_want(g, &dp_nft_set_type, &set);
}

static void match_remote(struct nft_rules *r, const struct acl_keys *k,
			 const struct zr_filter_vif *vif, const struct zr_acl_entry *e)
{
	struct prefix one = prefix_host(&e->first), any = { .addr.family = (uint8_t)k->family };
	struct ipaddr highest = prefix_last(&any);
	struct dp_nft_set set;

	if (e->by_host) {
		set = zr_host_set(k->family, &vif->bridge, vif->acl->aces[e->ace].host, "");
		nft_in(r, NFT_KEY({ k->remote, 0 }), set.name);
	}
	if (ipaddr_equal(&e->first, &e->last))
		nft_eq_prefix(r, k->remote, &one);
	else if (!ipaddr_equal(&e->first, &any.addr) || !ipaddr_equal(&e->last, &highest))
		nft_addrs(r, k->remote, &e->first, &e->last);
}

static bool is_any(struct portrange ports)
{
	return ports.first == 0 && ports.last == UINT16_MAX;
}

static void write_step(struct nft_rules *r, const struct acl_keys *k,
		       const struct zr_filter_vif *vif, const struct zr_acl_entry *e)
{
	char limit[DP_NFT_NAME];

	nft_rule(r);
	match_remote(r, k, vif, e);
	if (e->proto_first == e->proto_last) /* else any */
		nft_eq(r, NFT_PLAIN(NFT_F_L4PROTO), e->proto_first);
	if (!is_any(e->lport))
		nft_ports(r, k->lport, e->lport);
	if (!is_any(e->fport))
		nft_ports(r, k->fport, e->fport);
	if (e->action == ZR_LIMIT) {
		zr_limit_name(vif, e->ace, limit);
		rule_to(r, limit);
	} else if (e->action == ZR_DROP) {
		rule_drop(r);
	} else {
		nft_verdict(r, NFT_RETURN, NULL);
	}
}

/* The steps of one variant as a chain for the walk k; ways: by which the walk finds it. */
static void add_walk(struct dp_graph *g, const struct zr_filter_vif *vif, const struct acl_keys *k,
		     enum zr_variant variant, struct zr_batch *ways)
{
	struct dp_nft_chain chain = { .family = NFPROTO_INET,
				      .rules = nft_rules_new(NFPROTO_INET) };
	bool any = false;
	struct nft_elem el;

	for (size_t i = 0; i < vif->acl->n_steps; i++) {
		const struct zr_acl_entry *e = &vif->acl->steps[i];

		if (e->family != k->family || e->variant != variant)
			continue;
		write_step(chain.rules, k, vif, e);
		any = true;
	}
	nft_rule(chain.rules);
	rule_to(chain.rules, k->maps);
	nft_rules_end(chain.rules);
	if (any) {
		memcpy(chain.table, ways->set.table, sizeof(chain.table));
		snprintf(chain.name, sizeof(chain.name), "steps_%s_%s%c", vif->ifname.str,
			 k->out			      ? "out"
			 : variant == ZR_VARIANT_DNAT ? "dnat"
						      : "in",
			 k->family == AF_INET ? '4' : '6');
		dp_want(g, &dp_nft_chain_type, &chain);
		el = zr_batch_add(ways);
		nft_elem_mark(&el, zr_list_id(vif, variant));
		nft_elem_verdict(&el, NFT_GOTO, chain.name);
	}
	nft_rules_unref(chain.rules);
}

void zr_filter_steps(struct dp_graph *g, const char *table, const struct zr_filter_vif *vif)
{
	enum zr_variant in = vif->acl->split ? ZR_VARIANT_INGRESS : ZR_VARIANT_EGRESS;

	for (size_t i = 0; vif->acl->n_steps && i < ARRAY_SIZE(acl_keys); i++) {
		const struct acl_keys *k = &acl_keys[i];
		struct zr_batch ways = zr_batch_begin(k->hosts, table);

		add_walk(g, vif, k, k->out ? ZR_VARIANT_EGRESS : in, &ways);
		if (!k->out && vif->acl->dnat)
			add_walk(g, vif, k, ZR_VARIANT_DNAT, &ways);
		zr_batch_finish(g, &ways, &vif->ifname);
	}
}
