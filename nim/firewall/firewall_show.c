/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/firewall/firewall_show.h"

#include <errno.h>
#include <inttypes.h>

#include "nim/firewall/firewall.h"

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

static void show_text(const struct nim_firewall_rule *rule, const struct dp_nft_count *count,
		      bool first, FILE *out)
{
	if (first)
		fputs("rule           verdict     packets         bytes\n", out);
	fprintf(out, "%-14s %-8s %10" PRIu64 " %13" PRIu64 "\n", rule->name, rule->verdict,
		count->packets, count->bytes);
}

static void show_json(const struct nim_firewall_rule *rule, const struct dp_nft_count *count,
		      bool first, FILE *out)
{
	fprintf(out,
		"%s{\"rule\":\"%s\",\"verdict\":\"%s\",\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64
		"}",
		first ? "" : ",", rule->name, rule->verdict, count->packets, count->bytes);
}

int nim_firewall_show(struct dp *dp, const struct nim_switches *switches, bool json, FILE *out)
{
	struct dp_nft_count counts[NIM_FIREWALL_RULES] = { 0 };
	struct nim_firewall_rule rules[NIM_FIREWALL_RULES];
	unsigned int n = nim_firewall_rules(switches, rules);
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < n; i++)
		r = read_count(dp, &rules[i], &counts[i]);
	if (json)
		fputc('[', out);
	for (unsigned int i = 0; r == 0 && i < n; i++)
		(json ? show_json : show_text)(&rules[i], &counts[i], i == 0, out);
	if (json)
		fputs("]\n", out);
	return r == -ENOENT ? 0 : r; /* no firewall */
}
