/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/firewall_show.h"

#include <errno.h>
#include <inttypes.h>

#include "nim/firewall.h"

#include <linux/netfilter.h>

#define CHAIN_RULES 16 /* as many as the longest chain has, at least */

static int read_count(struct dp *dp, const struct nim_firewall_rule *rule, struct dp_nft_count *ret)
{
	struct dp_nft_count counts[CHAIN_RULES] = { 0 };
	int r = dp_nft_chain_counts(dp, NFPROTO_INET, rule->chain, counts, CHAIN_RULES);

	if (r == 0)
		*ret = counts[rule->index];
	return r;
}

int nim_firewall_show(struct dp *dp, const struct nim_switches *switches, bool json, FILE *out)
{
	struct nim_firewall_rule rules[NIM_FIREWALL_RULES];
	struct dp_nft_count counts[NIM_FIREWALL_RULES];
	unsigned int n = nim_firewall_rules(switches, rules);
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < n; i++)
		r = read_count(dp, &rules[i], &counts[i]);
	if (r < 0)
		n = 0;
	fputs(json ? "[" : n ? "rule           verdict     packets         bytes\n" : "", out);
	for (unsigned int i = 0; i < n; i++)
		fprintf(out,
			json ? "%s{\"rule\":\"%s\",\"verdict\":\"%s\",\"packets\":%" PRIu64
			       ",\"bytes\":%" PRIu64 "}"
			     : "%s%-14s %-8s %10" PRIu64 " %13" PRIu64 "\n",
			json && i ? "," : "", rules[i].name, rules[i].verdict, counts[i].packets,
			counts[i].bytes);
	fputs(json ? "]\n" : "", out);
	return r == -ENOENT ? 0 : r;
}
