/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/bond/bond_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "status.pb-c.h"

void nim_bond_table_fini(struct nim_bond_table *t)
{
	for (unsigned int i = 0; i < t->nbonds; i++)
		free(t->bonds[i]);
	for (unsigned int i = 0; i < t->nmembers; i++)
		free(t->members[i]);
	*t = (struct nim_bond_table){ .nbonds = 0 };
}

static struct bond_state *find_bond(const struct nim_bond_table *t, uint32_t ifindex)
{
	for (unsigned int i = 0; i < t->nbonds; i++)
		if (t->bonds[i]->ifindex == ifindex)
			return t->bonds[i];
	return NULL;
}

const struct bond_state *nim_bond_find(const struct nim_bond_table *t, uint32_t ifindex)
{
	return find_bond(t, ifindex);
}

static struct nim_bond_member *find_member(const struct nim_bond_table *t, uint32_t ifindex)
{
	for (unsigned int i = 0; i < t->nmembers; i++)
		if (t->members[i]->state.ifindex == ifindex)
			return t->members[i];
	return NULL;
}

static bool settings_equal(const struct dp_bond *a, const struct dp_bond *b)
{
	return ifname_equal(&a->ifname, &b->ifname) && a->mode == b->mode &&
	       a->lacp_fast == b->lacp_fast && a->miimon_ms == b->miimon_ms &&
	       a->updelay_ms == b->updelay_ms && a->downdelay_ms == b->downdelay_ms &&
	       a->arp_interval_ms == b->arp_interval_ms &&
	       memcmp(a->arp_targets, b->arp_targets, sizeof(a->arp_targets)) == 0;
}

static bool bonds_equal(const struct bond_state *a, const struct bond_state *b)
{
	return a->ifindex == b->ifindex && settings_equal(&a->settings, &b->settings) &&
	       a->active == b->active && a->arp_missed_max == b->arp_missed_max &&
	       a->lacp.aggregator == b->lacp.aggregator && a->lacp.ports == b->lacp.ports &&
	       a->lacp.actor_key == b->lacp.actor_key &&
	       a->lacp.partner_key == b->lacp.partner_key &&
	       mac_equal(&a->lacp.partner, &b->lacp.partner);
}

static bool members_equal(const struct bond_member_state *a, const struct bond_member_state *b)
{
	return a->ifindex == b->ifindex && ifname_equal(&a->ifname, &b->ifname) &&
	       a->master == b->master && a->mii == b->mii && a->active == b->active &&
	       a->link_failures == b->link_failures && a->aggregator == b->aggregator &&
	       a->actor_state == b->actor_state && a->partner_state == b->partner_state;
}

bool nim_bond_put(struct nim_bond_table *t, const struct bond_state *bond,
		  struct bond_state *ret_was)
{
	struct bond_state *have = find_bond(t, bond->ifindex);

	if (!have) {
		if (t->nbonds == ARRAY_SIZE(t->bonds))
			return false;
		have = t->bonds[t->nbonds++] = xcalloc(1, sizeof(*have));
	}
	*ret_was = *have;
	*have = *bond;
	return !bonds_equal(ret_was, bond);
}

bool nim_bond_put_member(struct nim_bond_table *t, const struct bond_member_state *member,
			 struct bond_member_state *ret_was)
{
	struct nim_bond_member *have = find_member(t, member->ifindex);

	if (!have) {
		if (t->nmembers == ARRAY_SIZE(t->members))
			return false;
		have = t->members[t->nmembers++] = xcalloc(1, sizeof(*have));
	}
	*ret_was = have->state;
	have->state = *member;
	return !members_equal(ret_was, member);
}

bool nim_bond_remove(struct nim_bond_table *t, uint32_t ifindex, struct bond_member_state *ret_was)
{
	for (unsigned int i = 0; i < t->nmembers; i++) {
		if (t->members[i]->state.ifindex != ifindex)
			continue;
		*ret_was = t->members[i]->state;
		free(t->members[i]);
		t->members[i] = t->members[--t->nmembers];
		return true;
	}
	for (unsigned int i = 0; i < t->nbonds; i++) {
		if (t->bonds[i]->ifindex != ifindex)
			continue;
		free(t->bonds[i]);
		t->bonds[i] = t->bonds[--t->nbonds];
		return true;
	}
	return false;
}

bool nim_bond_unsettled(const struct nim_bond_table *t, const struct bond_state *bond)
{
	if (bond->settings.mode != DP_BOND_8023AD)
		return false;
	for (unsigned int i = 0; i < t->nmembers; i++) {
		const struct bond_member_state *m = &t->members[i]->state;

		if (m->master == bond->ifindex && m->mii == BOND_MII_UP &&
		    (m->aggregator != bond->lacp.aggregator ||
		     !(m->actor_state & m->partner_state & BOND_LACP_SYNC)))
			return true;
	}
	return false;
}

/* ---- Churn ---- */

static enum nim_churn churn_parse(const char *word)
{
	if (strncmp(word, "none", 4) == 0)
		return NIM_CHURN_NONE;
	if (strncmp(word, "monitoring", 10) == 0)
		return NIM_CHURN_MONITORING;
	return strncmp(word, "churned", 7) == 0 ? NIM_CHURN_CHURNED : NIM_CHURN_UNKNOWN;
}

static const char *value_of(const char *line, const char *name)
{
	size_t len = strlen(name);

	return strncmp(line, name, len) == 0 ? line + len : NULL;
}

static struct nim_bond_member *find_member_named(const struct nim_bond_table *t, const char *line)
{
	for (unsigned int i = 0; i < t->nmembers; i++) {
		const char *name = t->members[i]->state.ifname.str;
		size_t len = strlen(name);

		if (strncmp(line, name, len) == 0 && (line[len] == '\n' || !line[len]))
			return t->members[i];
	}
	return NULL;
}

static void read_line(struct nim_bond_member *m, const char *line)
{
	const char *value;

	if ((value = value_of(line, "Actor Churn State: ")))
		m->actor.state = churn_parse(value);
	else if ((value = value_of(line, "Partner Churn State: ")))
		m->partner.state = churn_parse(value);
	else if ((value = value_of(line, "Actor Churned Count: ")))
		m->actor.count = (uint32_t)strtoul(value, NULL, 10);
	else if ((value = value_of(line, "Partner Churned Count: ")))
		m->partner.count = (uint32_t)strtoul(value, NULL, 10);
}

static bool churn_differs(const struct nim_bond_churn *a, const struct nim_bond_churn *b)
{
	return a->state != b->state || a->count != b->count;
}

bool nim_bond_read_churn(struct nim_bond_table *t, const char *text)
{
	struct nim_bond_member *member = NULL, was = { .actor = { .count = 0 } };
	bool changed = false;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		const char *name;

		line += *line == '\n';
		name = value_of(line, "Slave Interface: ");
		if (name) {
			changed = changed ||
				  (member && (churn_differs(&was.actor, &member->actor) ||
					      churn_differs(&was.partner, &member->partner)));
			member = find_member_named(t, name);
			was = member ? *member : was;
		} else if (member) {
			read_line(member, line);
		}
	}
	return changed || (member && (churn_differs(&was.actor, &member->actor) ||
				      churn_differs(&was.partner, &member->partner)));
}

/* ---- Status ---- */

static const char *label_of(const struct nim_config *config, const char *ifname)
{
	for (unsigned int i = 0; i < config->nports; i++)
		if (strcmp(config->ports[i].ifname.str, ifname) == 0)
			return config->ports[i].label;
	return ifname;
}

static Ew__BondMemberStatus *member_status(const struct nim_bond_member *m,
					   const struct nim_config *config, struct arena *a)
{
	Ew__BondMemberStatus *s = arena_alloc(a, sizeof(*s));

	ew__bond_member_status__init(s);
	s->logicallabel = arena_strdup(a, label_of(config, m->state.ifname.str));
	s->ifname = arena_strdup(a, m->state.ifname.str);
	s->mii_up = m->state.mii == BOND_MII_UP || m->state.mii == BOND_MII_GOING_DOWN;
	s->active = m->state.active;
	s->link_failures = m->state.link_failures;
	s->aggregator = m->state.aggregator;
	s->actor_churn = (Ew__BondChurn)m->actor.state;
	s->partner_churn = (Ew__BondChurn)m->partner.state;
	s->actor_churned = m->actor.count;
	s->partner_churned = m->partner.count;
	return s;
}

static Ew__BondLacpStatus *lacp_status(const struct bond_state *bond, struct arena *a)
{
	Ew__BondLacpStatus *s = arena_alloc(a, sizeof(*s));

	ew__bond_lacp_status__init(s);
	s->fast = bond->settings.lacp_fast;
	s->active_aggregator = bond->lacp.aggregator;
	s->ports = bond->lacp.ports;
	s->actor_key = bond->lacp.actor_key;
	s->partner_key = bond->lacp.partner_key;
	s->partner_mac = arena_mac(a, &bond->lacp.partner);
	return s;
}

static void add_monitor(const struct dp_bond *settings, Ew__BondStatus *s, struct arena *a)
{
	s->miimon_ms = settings->miimon_ms;
	s->updelay_ms = settings->updelay_ms;
	s->downdelay_ms = settings->downdelay_ms;
	s->arp_interval_ms = settings->arp_interval_ms;
	if (!settings->arp_interval_ms)
		return;
	s->arp_targets = arena_alloc(a, DP_BOND_ARP_TARGETS * sizeof(*s->arp_targets));
	for (size_t i = 0; i < DP_BOND_ARP_TARGETS && settings->arp_targets[i].s_addr; i++) {
		const struct ipaddr target = { .family = AF_INET, .v4 = settings->arp_targets[i] };

		s->arp_targets[s->n_arp_targets++] = arena_ipaddr(a, &target);
	}
}

/* The members come in the order of their interfaces, which does not change by itself. */
static int by_ifindex(const void *a, const void *b)
{
	const struct nim_bond_member *const *one = a, *const *other = b;

	return (*one)->state.ifindex < (*other)->state.ifindex ? -1 : 1;
}

static void add_members(const struct nim_bond_table *t, const struct bond_state *bond,
			const struct nim_config *config, Ew__BondStatus *s, struct arena *a)
{
	const struct nim_bond_member *members[NIM_BOND_MEMBERS] = { NULL };
	unsigned int n = 0;

	for (unsigned int i = 0; i < t->nmembers; i++)
		if (t->members[i]->state.master == bond->ifindex)
			members[n++] = t->members[i];
	qsort(members, n, sizeof(members[0]), by_ifindex);
	s->members = arena_alloc(a, (n + 1) * sizeof(*s->members));
	for (unsigned int i = 0; i < n; i++) {
		s->members[s->n_members++] = member_status(members[i], config, a);
		if (members[i]->state.ifindex == bond->active)
			s->active_member = s->members[i]->logicallabel;
	}
}

static Ew__BondStatus *bond_status(const struct nim_bond_table *t, const struct bond_state *bond,
				   const struct nim_config *config, struct arena *a)
{
	Ew__BondStatus *s = arena_alloc(a, sizeof(*s));

	ew__bond_status__init(s);
	s->mode = (Ew__BondMode)(bond->settings.mode + 1);
	add_monitor(&bond->settings, s, a);
	s->arp_missed_max = bond->settings.arp_interval_ms ? bond->arp_missed_max : 0;
	if (bond->settings.mode == DP_BOND_8023AD)
		s->lacp = lacp_status(bond, a);
	add_members(t, bond, config, s, a);
	return s;
}

void nim_bond_table_status(const struct nim_bond_table *t, const struct nim_config *config,
			   struct Ew__DeviceNetworkStatus *status, struct arena *arena)
{
	for (size_t i = 0; i < status->n_ports; i++) {
		Ew__PortStatus *port = status->ports[i];
		const struct bond_state *bond = find_bond(t, port->ifindex);

		if (bond && config->ports[i].lower == NIM_LOWER_BOND)
			port->bond = bond_status(t, bond, config, arena);
	}
}
