/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the node's ports let in: nim's nftables table, pure functions only. Packets of apps are none
 * of its business: zedrouter's table judges them, and a packet has to pass both.
 *
 * The chains are the same on every node but those of the switches; ports are elements of a set, so
 * nothing is recompiled (and no counter starts anew) when one comes or goes. docs/nim.md has the
 * rules in words.
 */
#pragma once

#include "dataplane/items/nft.h"
#include "nim/config.h"

#define NIM_FIREWALL "firewall" /* its scope: table, sets, chains */

#define NIM_FIREWALL_KEY (sizeof("inet/") + DP_NFT_NAME)
void nim_firewall_key(char ret[NIM_FIREWALL_KEY]); /* of its table, a dp_nft_table_type */

/* Empty without ports: then there is no table. */
struct dp_graph *nim_intent_firewall(const struct nim_config *config,
				     const struct nim_switches *switches);

/* In the scope of the port: its elements. Nothing while it has no interface name. */
void nim_firewall_port(struct dp_graph *g, const struct nim_port *port);
/* The item wanted last, which sets the port's link up, comes after the rules stand for it. */
void nim_firewall_first(struct dp_graph *g, const struct nim_port *port);

struct nim_firewall_rule { /* one that counts, for people */
	const char *name, *verdict;
	char chain[DP_NFT_NAME];
	unsigned int index; /* within its chain */
};
#define NIM_FIREWALL_RULES 16
/* In the order in which a packet meets them; returns how many. */
unsigned int nim_firewall_rules(const struct nim_switches *switches,
				struct nim_firewall_rule ret[NIM_FIREWALL_RULES]);
