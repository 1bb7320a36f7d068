/* SPDX-License-Identifier: Apache-2.0 */
/* Who may reach whom: forwarding and the access lists. */
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "base/cleanup.h"
#include "zedrouter/filter_rules.h"

/* ---- Forwarding ---- */

/*
 * Replies and what belongs to a known flow pass. A limited flow is the exception: in its original
 * direction every packet goes to the list again, where its limit counts it.
 */
static void chain_forward(const struct rule_base *b)
{
	const struct dp_nft_hook hook = { "filter", NF_INET_FORWARD, NF_DROP, 0 };
	struct nft_rules *r = rules_begin(b);

	nft_rule(r);
	nft_any(r, NFT_MASKED(NFT_F_CT_STATE, NFT_STATE_INVALID));
	rule_drop(r);
	nft_rule(r);
	nft_any(r, ESTABLISHED);
	nft_none(r, NFT_MASKED(NFT_F_CT_MARK, ZR_MARK_LIMITED));
	rule_pass(r);
	nft_rule(r);
	nft_any(r, ESTABLISHED);
	nft_eq(r, NFT_PLAIN(NFT_F_CT_DIRECTION), 1);
	rule_pass(r);
	nft_rule(r);
	nft_any(r, NFT_MASKED(NFT_F_MARK, ZR_MARK_VIF));
	rule_to(r, "from_app");
	nft_rule(r); /* no app interface that we know: not even a mark to judge it by */
	nft_in(r, KEY_IN, "bridges");
	rule_drop(r);
	nft_rule(r);
	rule_to(r, "from_port");
	rules_want(b, "forward", &hook, r);
}

static void chain_from_app(const struct rule_base *b)
{
	struct nft_rules *r = rules_begin(b);

	nft_rule(r); /* the flow stays with the port it leaves by */
	nft_any(r, NFT_MASKED(NFT_F_CT_STATE, NFT_STATE_NEW));
	nft_set_from_map(r, NFT_F_CT_MARK, KEY_VIF_OUT, "flow_marks");
	nft_rule(r);
	rule_jump(r, "acl_out");
	nft_rule(r);
	nft_in(r, KEY_INSTANCE_OUT, "uplinks");
	rule_pass(r);
	nft_rule(r); /* another app of the same instance */
	nft_in(r, KEY_INSTANCE_OUT, "peers");
	rule_to(r, "to_peer");
	nft_rule(r); /* an app of any instance, by the address of a port */
	nft_any(r, NFT_MASKED(NFT_F_CT_STATUS, NFT_STATUS_DNAT));
	nft_in(r, NFT_KEY({ NFT_F_MARK, ZR_MARK_INSTANCE }), "connected");
	nft_in(r, KEY_OUT, "bridges");
	rule_to(r, "to_peer");
	nft_rule(r);
	rule_drop(r);
	rules_want(b, "from_app", NULL, r);
}

static void chain_to_peer(const struct rule_base *b)
{
	struct nft_rules *r = rules_begin(b);

	nft_rule(r);
	rule_jump(r, "receiver");
	nft_rule(r);
	rule_jump(r, "acl_in");
	nft_rule(r);
	rule_pass(r);
	rules_want(b, "to_peer", NULL, r);
}

/* Only from a port of the receiver's instance: nothing of one port reaches another. */
static void chain_from_port(const struct rule_base *b)
{
	struct nft_rules *r = rules_begin(b);

	nft_rule(r);
	rule_jump(r, "receiver");
	nft_rule(r);
	nft_not_in(r, KEY_INSTANCE_IN, "uplinks");
	rule_drop(r);
	nft_rule(r); /* the flow stays with the port it came by */
	nft_any(r, NFT_MASKED(NFT_F_CT_STATE, NFT_STATE_NEW));
	nft_set_from_map(r, NFT_F_CT_MARK, KEY_VIF_IN, "flow_marks");
	nft_set_bits(r, NFT_F_CT_MARK, ~ZR_MARK_INBOUND, ZR_MARK_INBOUND);
	nft_rule(r);
	rule_jump(r, "acl_in");
	nft_rule(r);
	rule_pass(r);
	rules_want(b, "from_port", NULL, r);
}

static void receiver_rule(struct nft_rules *r, enum nft_field daddr, bool dnat, const char *map)
{
	const struct nft_load key[] = { { NFT_F_OIFNAME, 0 }, { daddr, 0 }, { NFT_F_END, 0 } };
	struct nft_load mapped = NFT_MASKED(NFT_F_CT_STATUS, NFT_STATUS_DNAT);

	nft_rule(r);
	if (dnat)
		nft_any(r, mapped);
	else
		nft_none(r, mapped);
	nft_set_from_map(r, NFT_F_MARK, key, map);
}

/*
 * The mark becomes the number of the receiver; routing is over, nobody needs the old one. No app:
 * 0, which is in no list. Port-mapped flows have lists of their own, for what is open to them only.
 */
static void chain_receiver(const struct rule_base *b)
{
	struct nft_rules *r = rules_begin(b);

	nft_rule(r);
	nft_set_bits(r, NFT_F_MARK, 0, 0);
	receiver_rule(r, NFT_F_IP_DADDR, false, "vif4");
	receiver_rule(r, NFT_F_IP_DADDR, true, "vif4_dnat");
	receiver_rule(r, NFT_F_IP6_DADDR, false, "vif6");
	receiver_rule(r, NFT_F_IP6_DADDR, true, "vif6_dnat");
	rules_want(b, "receiver", NULL, r);
}

void rules_forward(const struct rule_base *b)
{
	chain_forward(b);
	chain_from_app(b);
	chain_to_peer(b);
	chain_from_port(b);
	chain_receiver(b);
}

/* ---- Access lists ---- */

/*
 * The steps of a list that has some, then its maps: layer by layer, the exact one before the
 * intervals; an entry returns (allowed) or drops.
 */
static void chain_acl(const struct rule_base *b, const struct acl_keys *k)
{
	struct nft_rules *r = rules_begin(b);
	struct dp_nft_set set = zr_set(k->hosts, b->table);

	nft_rule(r);
	nft_vmap(r, NFT_KEY({ NFT_F_MARK, k->mask }), set.name);
	nft_rule(r);
	rule_to(r, k->maps);
	rules_want(b, k->chain, NULL, r);
	r = rules_begin(b);
	for (unsigned int layer = 0; layer < ZR_ACL_LAYERS; layer++) {
		set = zr_acl_set(k->family, layer, true, b->table);
		nft_rule(r);
		nft_vmap(r,
			 NFT_KEY({ NFT_F_MARK, k->mask }, { k->remote, 0 }, { NFT_F_L4PROTO, 0 },
				 { k->fport, 0 }),
			 set.name);
		set = zr_acl_set(k->family, layer, false, b->table);
		nft_rule(r);
		nft_vmap(r,
			 NFT_KEY({ NFT_F_MARK, k->mask }, { k->remote, 0 }, { NFT_F_L4PROTO, 0 },
				 { k->lport, 0 }, { k->fport, 0 }),
			 set.name);
	}
	nft_rule(r);
	rule_drop(r);
	rules_want(b, k->maps, NULL, r);
}

static void chain_by_family(const struct rule_base *b, const char *name, const char *chain4,
			    const char *chain6)
{
	struct nft_rules *r = rules_begin(b);

	nft_rule(r);
	nft_eq(r, NFT_PLAIN(NFT_F_NFPROTO), NFPROTO_IPV4);
	rule_to(r, chain4);
	nft_rule(r);
	nft_eq(r, NFT_PLAIN(NFT_F_NFPROTO), NFPROTO_IPV6);
	rule_to(r, chain6);
	nft_rule(r);
	rule_drop(r);
	rules_want(b, name, NULL, r);
}

/*
 * Towards the network the list is about what the app asked for, so the addresses are those of the
 * flow before any translation of its destination; towards the app it is about the app's own port,
 * after it.
 */
const struct acl_keys acl_keys[4] = {
	{ "acl_out4", "maps_out4", ZR_SET_HOSTS_OUT4, AF_INET, true, ZR_MARK_VIF, NFT_F_CT_IP_DADDR,
	  NFT_F_CT_SPORT, NFT_F_CT_DPORT },
	{ "acl_out6", "maps_out6", ZR_SET_HOSTS_OUT6, AF_INET6, true, ZR_MARK_VIF,
	  NFT_F_CT_IP6_DADDR, NFT_F_CT_SPORT, NFT_F_CT_DPORT },
	{ "acl_in4", "maps_in4", ZR_SET_HOSTS_IN4, AF_INET, false, ZR_MARK_RECEIVER, NFT_F_IP_SADDR,
	  NFT_F_TH_DPORT, NFT_F_TH_SPORT },
	{ "acl_in6", "maps_in6", ZR_SET_HOSTS_IN6, AF_INET6, false, ZR_MARK_RECEIVER,
	  NFT_F_IP6_SADDR, NFT_F_TH_DPORT, NFT_F_TH_SPORT },
};

void rules_acl(const struct rule_base *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(acl_keys); i++)
		chain_acl(b, &acl_keys[i]);
	chain_by_family(b, "acl_out", "acl_out4", "acl_out6");
	chain_by_family(b, "acl_in", "acl_in4", "acl_in6");
}
