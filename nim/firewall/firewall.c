/* SPDX-License-Identifier: Apache-2.0 */
/*
 *	input    -10  input: what comes in by a port --> from_port --> dhcp, ping, ssh, vnc
 *	forward  -10  forward: nothing goes from port to port
 *	output     0  output: all is free; flows get their mark
 */
#include "nim/firewall/firewall.h"

#include <assert.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "base/strbuf.h"
#include "dataplane/items/host.h"
#include "dataplane/mark.h"
#include "dataplane/nft/elems.h"
#include "dataplane/nft/rule.h"

#define PORTS "ports"
#define PORT_MARKS "port_marks"
#define KEY_IN NFT_KEY({ NFT_F_IIFNAME, 0 })
#define KEY_OUT NFT_KEY({ NFT_F_OIFNAME, 0 })

struct writer {
	struct dp_graph *g; /* NULL: only the list of rules is asked for */
	struct nft_rules *r; /* of the chain being written */
	char chain[DP_NFT_NAME];
	unsigned int index; /* of the next rule */
	struct nim_firewall_rule rules[NIM_FIREWALL_RULES];
	unsigned int n;
};

static const char *table(void)
{
	return dp_mark("nim")->nft_table;
}

void nim_firewall_key(char ret[NIM_FIREWALL_KEY])
{
	snprintf(ret, NIM_FIREWALL_KEY, "inet/%s", table());
}

/* ---- Writing ---- */

static void begin(struct writer *w, const char *chain)
{
	snprintf(w->chain, sizeof(w->chain), "%s", chain);
	w->r = nft_rules_new(NFPROTO_INET);
	w->index = 0;
}

static void finish(struct writer *w, const struct dp_nft_hook *hook)
{
	struct dp_nft_chain chain = { .family = NFPROTO_INET, .rules = w->r };

	nft_rules_end(w->r);
	if (hook)
		chain.hook = *hook;
	snprintf(chain.table, sizeof(chain.table), "%s", table());
	memcpy(chain.name, w->chain, sizeof(chain.name));
	if (w->g)
		dp_want(w->g, &dp_nft_chain_type, &chain);
	w->r = nft_rules_unref(w->r);
}

static void rule(struct writer *w)
{
	nft_rule(w->r);
	w->index++;
}

static void note(struct writer *w, const char *name, const char *verdict, const char *chain,
		 unsigned int index)
{
	struct nim_firewall_rule *row = &w->rules[w->n++];

	assert(w->n <= NIM_FIREWALL_RULES);
	*row = (struct nim_firewall_rule){ .name = name, .verdict = verdict, .index = index };
	snprintf(row->chain, sizeof(row->chain), "%s", chain);
}

/* This rule counts; name and verdict are for people. */
static void counted(struct writer *w, const char *name, const char *verdict)
{
	note(w, name, verdict, w->chain, w->index - 1);
	nft_counter(w->r);
}

static void accepted(struct writer *w, const char *name)
{
	counted(w, name, "accept");
	nft_verdict(w->r, NF_ACCEPT, NULL);
}

static void dropped(struct writer *w, const char *name)
{
	counted(w, name, "drop");
	nft_verdict(w->r, NF_DROP, NULL);
}

/* Whoever tries sees at once that it is closed, not lost on the way. */
static void reset(struct writer *w)
{
	nft_counter(w->r);
	nft_reject_tcp(w->r);
}

static void match_family(struct writer *w, uint8_t family, uint8_t protocol)
{
	nft_eq(w->r, NFT_PLAIN(NFT_F_NFPROTO), family);
	nft_eq(w->r, NFT_PLAIN(NFT_F_L4PROTO), protocol);
}

static void match_tcp(struct writer *w, uint16_t first, uint16_t last)
{
	nft_eq(w->r, NFT_PLAIN(NFT_F_L4PROTO), IPPROTO_TCP);
	nft_ports(w->r, NFT_F_TH_DPORT, (struct portrange){ first, last });
}

/* ---- Chains ---- */

/* What may be let in, each with a chain of its own. */
struct door {
	const char *name; /* of its chain and its counter */
	bool open;
	enum dp_flow flow;
};

/*
 * Setting the flow's mark is a rule of its own: a packet without a flow breaks it off, and comes in
 * all the same.
 */
static void chain_door(struct writer *w, const struct door *door)
{
	begin(w, door->name);
	if (door->open) {
		rule(w);
		nft_set_bits(w->r, NFT_F_CT_MARK, NIM_MARK_MASK, door->flow);
		rule(w);
		nft_counter(w->r);
		nft_verdict(w->r, NF_ACCEPT, NULL);
	} else {
		rule(w);
		reset(w);
	}
	finish(w, NULL);
}

static void to_door(struct writer *w, const struct door *door)
{
	nft_verdict(w->r, NFT_GOTO, door->name);
	if (!w->n || w->rules[w->n - 1].name != door->name) /* not by both families */
		note(w, door->name, door->open ? "accept" : "reset", door->name, door->open);
}

/* DHCP answers to broadcasts belong to no flow that conntrack knows. */
static void rules_dhcp(struct writer *w, const struct door *dhcp)
{
	rule(w);
	match_family(w, NFPROTO_IPV4, IPPROTO_UDP);
	nft_eq(w->r, NFT_PLAIN(NFT_F_TH_SPORT), 67);
	nft_eq(w->r, NFT_PLAIN(NFT_F_TH_DPORT), 68);
	to_door(w, dhcp);
	rule(w);
	match_family(w, NFPROTO_IPV6, IPPROTO_UDP);
	nft_eq(w->r, NFT_PLAIN(NFT_F_TH_SPORT), 547);
	nft_eq(w->r, NFT_PLAIN(NFT_F_TH_DPORT), 546);
	to_door(w, dhcp);
}

/* IPv6 does not work without its ICMP (RFC 4890, 4.4); errors of IPv4 are related to a flow. */
static void rules_icmp(struct writer *w, const struct door *ping)
{
	rule(w);
	match_family(w, NFPROTO_IPV4, IPPROTO_ICMP);
	nft_eq(w->r, NFT_PLAIN(NFT_F_ICMP_TYPE), ICMP_ECHO);
	to_door(w, ping);
	rule(w);
	match_family(w, NFPROTO_IPV6, IPPROTO_ICMPV6);
	nft_eq(w->r, NFT_PLAIN(NFT_F_ICMPV6_TYPE), ICMP6_ECHO_REQUEST);
	to_door(w, ping);
	rule(w);
	match_family(w, NFPROTO_IPV6, IPPROTO_ICMPV6);
	accepted(w, "icmpv6");
}

static void rules_tcp(struct writer *w, const struct door *ssh, const struct door *vnc)
{
	rule(w);
	match_tcp(w, 22, 22);
	to_door(w, ssh);
	rule(w);
	match_tcp(w, 5900, 5999);
	to_door(w, vnc);
	rule(w);
	match_tcp(w, 8080, 8080);
	note(w, "8080", "reset", w->chain, w->index - 1);
	reset(w);
}

static void chains_from_port(struct writer *w, const struct nim_switches *switches)
{
	const struct door dhcp = { "dhcp", true, DP_FLOW_DHCP };
	const struct door ping = { "ping", true, DP_FLOW_PING };
	const struct door ssh = { "ssh", switches->ssh_keys != NULL, DP_FLOW_SSH };
	const struct door vnc = { "vnc", switches->vnc, DP_FLOW_VNC };

	chain_door(w, &dhcp);
	chain_door(w, &ping);
	chain_door(w, &ssh);
	chain_door(w, &vnc);
	begin(w, "from_port");
	rule(w);
	nft_any(w->r, NFT_MASKED(NFT_F_CT_STATE, NFT_STATE_ESTABLISHED | NFT_STATE_RELATED));
	accepted(w, "established");
	rule(w);
	nft_any(w->r, NFT_MASKED(NFT_F_CT_STATE, NFT_STATE_NEW));
	nft_set_from_map(w->r, NFT_F_CT_MARK, KEY_IN, PORT_MARKS);
	rules_dhcp(w, &dhcp);
	rules_icmp(w, &ping);
	rules_tcp(w, &ssh, &vnc);
	rule(w);
	dropped(w, "other");
	finish(w, NULL);
}

static void chain_input(struct writer *w)
{
	const struct dp_nft_hook hook = { "filter", NF_INET_LOCAL_IN, NF_ACCEPT, -10 };

	begin(w, "input");
	rule(w);
	nft_in(w->r, KEY_IN, PORTS);
	nft_verdict(w->r, NFT_GOTO, "from_port");
	finish(w, &hook);
}

static void chain_forward(struct writer *w)
{
	const struct dp_nft_hook hook = { "filter", NF_INET_FORWARD, NF_ACCEPT, -10 };

	begin(w, "forward");
	rule(w);
	nft_in(w->r, KEY_IN, PORTS);
	nft_in(w->r, KEY_OUT, PORTS);
	dropped(w, "between-ports");
	finish(w, &hook);
}

static void chain_output(struct writer *w)
{
	const struct dp_nft_hook hook = { "filter", NF_INET_LOCAL_OUT, NF_ACCEPT, 0 };

	begin(w, "output");
	rule(w);
	nft_in(w->r, KEY_OUT, PORTS);
	counted(w, "output", "accept");
	rule(w);
	nft_any(w->r, NFT_MASKED(NFT_F_CT_STATE, NFT_STATE_NEW));
	nft_set_from_map(w->r, NFT_F_CT_MARK, KEY_OUT, PORT_MARKS);
	rule(w);
	nft_in(w->r, KEY_OUT, PORTS);
	nft_any(w->r, NFT_MASKED(NFT_F_CT_STATE, NFT_STATE_NEW));
	nft_set_bits(w->r, NFT_F_CT_MARK, NIM_MARK_MASK, DP_FLOW_OUTPUT);
	finish(w, &hook);
}

static void write_chains(struct writer *w, const struct nim_switches *switches)
{
	chains_from_port(w, switches);
	chain_input(w);
	chain_forward(w);
	chain_output(w);
}

/* ---- The scope, and a port's elements ---- */

static struct dp_nft_set set_ports(void)
{
	struct dp_nft_set set = { .family = NFPROTO_INET,
				  .name = PORTS,
				  .key = { NFT_TYPE_IFNAME } };

	snprintf(set.table, sizeof(set.table), "%s", table());
	return set;
}

static struct dp_nft_set set_port_marks(void)
{
	struct dp_nft_set set = { .family = NFPROTO_INET,
				  .name = PORT_MARKS,
				  .key = { NFT_TYPE_IFNAME },
				  .data = { NFT_TYPE_MARK } };

	snprintf(set.table, sizeof(set.table), "%s", table());
	return set;
}

struct dp_graph *nim_intent_firewall(const struct nim_config *config,
				     const struct nim_switches *switches)
{
	const struct dp_nft_set ports = set_ports(), marks = set_port_marks();
	struct dp_nft_table t = { .family = NFPROTO_INET };
	struct dp_graph *g = dp_graph_new(NIM_FIREWALL);
	struct writer w = { .g = g };

	if (!config->nports)
		return g;
	snprintf(t.name, sizeof(t.name), "%s", table());
	dp_want(g, &dp_nft_table_type, &t);
	dp_want(g, &dp_nft_set_type, &ports);
	dp_want(g, &dp_nft_set_type, &marks);
	write_chains(&w, switches);
	if (switches->ssh_keys)
		dp_want(g, &dp_file_type,
			&(struct dp_file){ .name = "authorized_keys",
					   .content = switches->ssh_keys });
	return g;
}

/*
 * Ports that carry frames only have their element, too: with their link up they get a link-local
 * address, by which the neighbours could reach the node.
 */
void nim_firewall_port(struct dp_graph *g, const struct nim_port *port)
{
	const struct dp_nft_set ports = set_ports(), marks = set_port_marks();
	struct nft_elems *elems;
	struct nft_elem el;

	if (!port->ifname.str[0])
		return;
	elems = nft_elems_new(&ports);
	el = nft_elems_add(elems);
	nft_elem_ifname(&el, &port->ifname);
	dp_want_nft_elems(g, &ports, elems, &port->ifname);
	if (!port->number)
		return;
	elems = nft_elems_new(&marks);
	el = nft_elems_add(elems);
	nft_elem_ifname(&el, &port->ifname);
	nft_elem_data_mark(&el, nim_port_mark(port));
	dp_want_nft_elems(g, &marks, elems, &port->ifname);
}

void nim_firewall_first(struct dp_graph *g, const struct nim_port *port)
{
	struct strbuf key = STRBUF_INIT;

	strbuf_addf(&key, "inet/%s/" PORTS "@%s", table(), port->ifname.str);
	dp_first(g, &dp_nft_elems_type, strbuf_str(&key));
	strbuf_fini(&key);
}

unsigned int nim_firewall_rules(const struct nim_switches *switches,
				struct nim_firewall_rule ret[NIM_FIREWALL_RULES])
{
	struct writer w = { 0 };

	write_chains(&w, switches);
	memcpy(ret, w.rules, w.n * sizeof(w.rules[0]));
	return w.n;
}
