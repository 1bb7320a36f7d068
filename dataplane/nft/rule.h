/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes nftables rules: each call appends one statement, and its text for people.
 *
 *	struct nft_rules *r = nft_rules_new(NFPROTO_INET);
 *
 *	nft_rule(r); // iifname "eth0" ct state established accept
 *	nft_eq_name(r, NFT_F_IIFNAME, "eth0");
 *	nft_any(r, NFT_MASKED(NFT_F_CT_STATE, NFT_STATE_ESTABLISHED));
 *	nft_verdict(r, NF_ACCEPT, NULL);
 *	nft_rules_end(r);
 *
 * The result is immutable and counted: specs of chains share it. Equal rules have equal bytes and
 * so an equal hash, in every run of the program.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "dataplane/items/nft.h"

struct nft_rules;

enum nft_field { /* what a rule can look at; the comment is nft's word for it */
		 NFT_F_END, /* ends a key */
		 NFT_F_IIFNAME, /* iifname */
		 NFT_F_OIFNAME, /* oifname */
		 NFT_F_MARK, /* meta mark */
		 NFT_F_NFPROTO, /* meta nfproto */
		 NFT_F_L4PROTO, /* meta l4proto */
		 NFT_F_ETHER_SADDR, /* ether saddr */
		 NFT_F_ETHER_TYPE, /* ether type; 0x8100 when the frame is tagged */
		 NFT_F_IP_SADDR, /* ip saddr */
		 NFT_F_IP_DADDR, /* ip daddr */
		 NFT_F_IP6_SADDR, /* ip6 saddr */
		 NFT_F_IP6_DADDR, /* ip6 daddr */
		 NFT_F_TH_SPORT, /* th sport: of TCP, UDP, SCTP, DCCP alike */
		 NFT_F_TH_DPORT, /* th dport */
		 NFT_F_TCP_FLAGS, /* tcp flags */
		 NFT_F_ICMP_TYPE, /* icmp type */
		 NFT_F_ICMPV6_TYPE, /* icmpv6 type */
		 NFT_F_ND_TARGET, /* icmpv6 taddr, of neighbour messages */
		 NFT_F_ARP_HTYPE, /* arp htype */
		 NFT_F_ARP_PTYPE, /* arp ptype */
		 NFT_F_ARP_HLEN, /* arp hlen */
		 NFT_F_ARP_PLEN, /* arp plen */
		 NFT_F_ARP_OP, /* arp operation */
		 NFT_F_ARP_SHA, /* arp saddr ether */
		 NFT_F_ARP_SPA, /* arp saddr ip */
		 NFT_F_ARP_TPA, /* arp daddr ip */
		 NFT_F_CT_STATE, /* ct state: a set of NFT_STATE_* bits */
		 NFT_F_CT_STATUS, /* ct status */
		 NFT_F_CT_DIRECTION, /* ct direction: 0 original, 1 reply */
		 NFT_F_CT_MARK, /* ct mark */
		 NFT_F_CT_IP_DADDR, /* ct original ip daddr: as the first packet had it, before DNAT */
		 NFT_F_CT_IP6_DADDR, /* ct original ip6 daddr */
		 NFT_F_CT_SPORT, /* ct original proto-src */
		 NFT_F_CT_DPORT, /* ct original proto-dst; ICMP: type and code */
};

#define NFT_STATE_INVALID 1u
#define NFT_STATE_ESTABLISHED 2u
#define NFT_STATE_RELATED 4u
#define NFT_STATE_NEW 8u
#define NFT_STATUS_DNAT 0x20u

struct nft_load { /* one field, with a mask when that is not 0 */
	enum nft_field field;
	uint32_t mask;
};
#define NFT_PLAIN(f) ((struct nft_load){ .field = (f) })
#define NFT_MASKED(f, m) ((struct nft_load){ .field = (f), .mask = (m) })
/* A concatenated key: NFT_KEY({ NFT_F_IIFNAME }, { NFT_F_MARK, 0xff }) is "iifname . meta mark & 0xff". */
#define NFT_KEY(...) ((const struct nft_load[]){ __VA_ARGS__, { NFT_F_END, 0 } })

struct nft_rules *nft_rules_new(uint8_t family); /* one reference, yours */
void nft_rule(struct nft_rules *r); /* ends the rule before, begins the next */
void nft_rules_end(struct nft_rules *r); /* no more calls but those at the end of this file */

/* ---- Matches ---- */

void nft_eq(struct nft_rules *r, struct nft_load load,
	    uint32_t value); /* th dport 53: host order */
void nft_ne(struct nft_rules *r, struct nft_load load, uint32_t value); /* th dport != 53 */
void nft_eq_name(struct nft_rules *r, enum nft_field field, const char *ifname); /* iifname "x" */
void nft_eq_prefix(struct nft_rules *r, enum nft_field field,
		   const struct prefix *p); /* ip saddr 10.0.0.0/8 */
void nft_ne_prefix(struct nft_rules *r, enum nft_field field, const struct prefix *p);
void nft_ports(struct nft_rules *r, enum nft_field field,
	       struct portrange range); /* th dport 80-90; host order */
void nft_addrs(struct nft_rules *r, enum nft_field field, const struct ipaddr *first,
	       const struct ipaddr *last); /* ip saddr 10.0.0.1-10.0.0.9 */
void nft_any(struct nft_rules *r, struct nft_load load); /* FIELD & MASK != 0: one bit at least */
void nft_none(struct nft_rules *r, struct nft_load load); /* FIELD & MASK == 0 */
void nft_in(struct nft_rules *r, const struct nft_load *key, const char *set); /* K . K @SET */
void nft_not_in(struct nft_rules *r, const struct nft_load *key, const char *set);

/* ---- Statements ---- */

void nft_counter(struct nft_rules *r); /* counter */
/* accept, drop, return, jump CHAIN, goto CHAIN: NF_ACCEPT, NF_DROP, NFT_RETURN, NFT_JUMP, NFT_GOTO */
void nft_verdict(struct nft_rules *r, int code, const char *chain);
void nft_vmap(struct nft_rules *r, const struct nft_load *key, const char *map); /* K vmap @MAP */
void nft_set_from_map(struct nft_rules *r, enum nft_field mark, const struct nft_load *key,
		      const char *map); /* meta mark set K map @MAP; not found: next rule */
/* meta mark set meta mark & KEEP | BITS, or of ct mark */
void nft_set_bits(struct nft_rules *r, enum nft_field mark, uint32_t keep, uint32_t bits);
/* meta mark set ct mark & KEEP: from one to the other */
void nft_copy_mark(struct nft_rules *r, enum nft_field to, enum nft_field from, uint32_t keep);
void nft_masquerade(struct nft_rules *r); /* masquerade */
/* dnat ip to K map @MAP; data of the map: address . port */
void nft_dnat(struct nft_rules *r, uint8_t family, const struct nft_load *key, const char *map);
/* limit rate [over] PACKETS per UNIT_S seconds burst BURST packets */
void nft_limit(struct nft_rules *r, bool over, uint32_t packets, uint32_t unit_s, uint32_t burst);
void nft_reject_tcp(struct nft_rules *r); /* reject with tcp reset; ends what TCP it looks at */
void nft_clamp_mss(struct nft_rules *r); /* tcp option maxseg size set rt mtu */

/* ---- The finished ones ---- */

struct nft_rules *nft_rules_ref(const struct nft_rules *r); /* NULL is fine */
struct nft_rules *nft_rules_unref(struct nft_rules *r); /* NULL in, NULL out */
uint16_t nft_rules_count(const struct nft_rules *r); /* NULL: 0 */
uint64_t nft_rules_hash(const struct nft_rules *r); /* NULL: 0; never 0 otherwise */
/* Rule i: netlink attributes (NFTA_RULE_EXPRESSIONS) ready to be copied into a message. */
const void *nft_rules_payload(const struct nft_rules *r, unsigned int i, size_t *ret_len);
const char *nft_rules_text(const struct nft_rules *r, unsigned int i);
/* Names of the sets and chains the rules use, each once. */
void nft_rules_uses(const struct nft_rules *r, void (*fn)(const char *name, bool set, void *arg),
		    void *arg);
