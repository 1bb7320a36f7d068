/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/bond_view.h"

#include "base/cleanup.h"
#include "base/strbuf.h"

static const char *mode_name(Ew__BondMode mode)
{
	static const char *const names[] = {
		"?",	     "balance-rr", "active-backup", "balance-xor",
		"broadcast", "802.3ad",	   "balance-tlb",   "balance-alb",
	};

	return (size_t)mode < ARRAY_SIZE(names) ? names[mode] : names[0];
}

static void add_monitor(const Ew__BondStatus *bond, struct strbuf *out)
{
	if (bond->miimon_ms)
		strbuf_addf(out, ", MII every %u ms", bond->miimon_ms);
	if (bond->updelay_ms || bond->downdelay_ms)
		strbuf_addf(out, ", up after %u ms, down after %u ms", bond->updelay_ms,
			    bond->downdelay_ms);
	if (bond->arp_interval_ms)
		strbuf_addf(out, ", ARP every %u ms, dead after %u to", bond->arp_interval_ms,
			    bond->arp_missed_max);
	for (size_t i = 0; i < bond->n_arp_targets; i++)
		strbuf_addf(out, "%s%s", i ? ", " : " ", bond->arp_targets[i]);
	if (!bond->miimon_ms && !bond->arp_interval_ms)
		strbuf_add(out, ", not monitored");
}

static const char *churn_name(Ew__BondChurn churn)
{
	static const char *const names[] = { "?", "none", "monitoring", "churned" };

	return (size_t)churn < ARRAY_SIZE(names) ? names[churn] : names[0];
}

static void add_member(const Ew__BondStatus *bond, const Ew__BondMemberStatus *m,
		       struct strbuf *out)
{
	strbuf_addf(out, "%s (%s) %s%s, failed %u times", m->logicallabel, m->ifname,
		    m->mii_up ? "up" : "down", m->active ? ", active" : "", m->link_failures);
	if (!bond->lacp)
		return;
	strbuf_addf(out, ", aggregator %u", m->aggregator);
	if (m->actor_churn != EW__BOND_CHURN__BOND_CHURN_NONE ||
	    m->partner_churn != EW__BOND_CHURN__BOND_CHURN_NONE)
		strbuf_addf(out, ", churn %s here, %s there", churn_name(m->actor_churn),
			    churn_name(m->partner_churn));
}

/* Says what is in text, and empties it. */
static void say(void (*line)(const char *name, const char *text, void *arg), void *arg,
		const char *name, struct strbuf *text)
{
	line(name, strbuf_str(text), arg);
	strbuf_fini(text);
	*text = (struct strbuf)STRBUF_INIT;
}

void bond_view(const Ew__BondStatus *bond,
	       void (*line)(const char *name, const char *text, void *arg), void *arg)
{
	struct strbuf text = STRBUF_INIT;

	if (!bond)
		return;
	strbuf_add(&text, mode_name(bond->mode));
	add_monitor(bond, &text);
	say(line, arg, "bond", &text);
	if (bond->lacp) {
		strbuf_addf(&text,
			    "%s, aggregator %u with %u ports, key %u, partner %s with key %u",
			    bond->lacp->fast ? "fast" : "slow", bond->lacp->active_aggregator,
			    bond->lacp->ports, bond->lacp->actor_key,
			    *bond->lacp->partner_mac ? bond->lacp->partner_mac : "none",
			    bond->lacp->partner_key);
		say(line, arg, "LACP", &text);
	}
	if (*bond->active_member)
		line("active", bond->active_member, arg);
	for (size_t i = 0; i < bond->n_members; i++) {
		add_member(bond, bond->members[i], &text);
		say(line, arg, i ? "" : "members", &text);
	}
}
