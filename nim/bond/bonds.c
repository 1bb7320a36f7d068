/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/bond/bonds.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rate.h"
#include "nim/bond/bond_table.h"

#define WAIT_FIRST_S 1
#define WAIT_LAST_S 64 /* churn is known 60 s after the last event */
#define LOG_LINES 64 /* in … */
#define LOG_MS 10000
#define PROC_MAX (64 * 1024) /* bytes */

struct nim_bonds {
	struct nim_bonds_conf conf;
	struct nim_bond_table table;
	struct rate said; /* log lines of members that go up and down */
	struct event *look_ev; /* what the kernel does not tell is to be asked for */
	unsigned int wait_s; /* before the next look; beyond the last: none */
};

static const char *label(const struct nim_bonds *b, const char *ifname)
{
	for (unsigned int i = 0; i < b->conf.config->nports; i++)
		if (strcmp(b->conf.config->ports[i].ifname.str, ifname) == 0)
			return b->conf.config->ports[i].label;
	return ifname;
}

static const char *bond_label(const struct nim_bonds *b, uint32_t ifindex)
{
	const struct bond_state *bond = nim_bond_find(&b->table, ifindex);

	return bond ? label(b, bond->settings.ifname.str) : "";
}

static const char *mii_name(enum bond_mii mii)
{
	switch (mii) {
	case BOND_MII_UP:
		return "up";
	case BOND_MII_GOING_DOWN:
		return "going-down";
	case BOND_MII_DOWN:
		return "down";
	case BOND_MII_COMING_BACK:
		return "coming-back";
	}
	return "unknown";
}

/* ---- What the kernel tells ---- */

static void look_soon(struct nim_bonds *b)
{
	b->wait_s = WAIT_FIRST_S;
	event_active(b->look_ev, 0, 0);
}

static const char *member_name(const struct nim_bonds *b, uint32_t ifindex)
{
	for (unsigned int i = 0; i < b->table.nmembers; i++)
		if (b->table.members[i]->state.ifindex == ifindex)
			return label(b, b->table.members[i]->state.ifname.str);
	return "none";
}

static bool may_say(struct nim_bonds *b, unsigned int *ret_unsaid)
{
	return rate_allow(&b->said, LOG_LINES, LOG_MS, mono_now(), ret_unsaid);
}

static void log_bond(struct nim_bonds *b, const struct bond_state *was,
		     const struct bond_state *now)
{
	bool agreed = was->lacp.aggregator != now->lacp.aggregator ||
		      was->lacp.ports != now->lacp.ports ||
		      !mac_equal(&was->lacp.partner, &now->lacp.partner);
	const uint8_t *mac = now->lacp.partner.byte;
	const char *name = label(b, now->settings.ifname.str);
	unsigned int unsaid;

	if (was->active != now->active && may_say(b, &unsaid))
		log_info("bond_active", "bond=%s member=%s unsaid=%u", name,
			 member_name(b, now->active), unsaid);
	if (agreed && may_say(b, &unsaid))
		log_info("bond_lacp",
			 "bond=%s aggregator=%u ports=%u partner=%02x:%02x:%02x:%02x:%02x:%02x "
			 "unsaid=%u",
			 name, now->lacp.aggregator, now->lacp.ports, mac[0], mac[1], mac[2],
			 mac[3], mac[4], mac[5], unsaid);
}

static void heard_bond(const struct bond_state *bond, void *arg)
{
	struct nim_bonds *b = arg;
	struct bond_state was;

	if (!nim_bond_put(&b->table, bond, &was))
		return;
	log_bond(b, &was, bond);
	look_soon(b);
	b->conf.changed(b->conf.arg);
}

static void log_member(struct nim_bonds *b, const struct bond_member_state *member,
		       const char *from, const char *to)
{
	unsigned int unsaid;

	if (may_say(b, &unsaid))
		log_info("bond_member", "bond=%s member=%s from=%s to=%s failures=%u unsaid=%u",
			 bond_label(b, member->master), label(b, member->ifname.str), from, to,
			 member->link_failures, unsaid);
}

static void heard_member(const struct bond_member_state *member, void *arg)
{
	struct nim_bonds *b = arg;
	struct bond_member_state was;
	const char *from;

	if (!nim_bond_put_member(&b->table, member, &was))
		return;
	from = was.master == member->master ? mii_name(was.mii) : "none";
	if (was.master != member->master || was.mii != member->mii)
		log_member(b, member, from, mii_name(member->mii));
	look_soon(b);
	b->conf.changed(b->conf.arg);
}

static void heard_neither(uint32_t ifindex, void *arg)
{
	struct bond_member_state was = { .master = 0 };
	struct nim_bonds *b = arg;

	if (!nim_bond_remove(&b->table, ifindex, &was))
		return;
	if (was.master)
		log_member(b, &was, mii_name(was.mii), "none");
	look_soon(b);
	b->conf.changed(b->conf.arg);
}

/* ---- What it is asked for ---- */

static void read_churn(struct nim_bonds *b, const struct ifname *bond)
{
	_cleanup_(freep) char *path = xasprintf("/proc/self/net/bonding/%s", bond->str);
	_cleanup_(freep) char *text = NULL;
	size_t len;

	if (file_read(path, PROC_MAX, &text, &len) == 0 && nim_bond_read_churn(&b->table, text))
		b->conf.changed(b->conf.arg);
}

static void reread(struct nim_bonds *b, const struct bond_state *bond)
{
	struct ifname names[1 + NIM_BOND_MEMBERS]; /* the table changes meanwhile */
	unsigned int n = 0;

	names[n++] = bond->settings.ifname;
	for (unsigned int i = 0; i < b->table.nmembers; i++)
		if (b->table.members[i]->state.master == bond->ifindex)
			names[n++] = b->table.members[i]->state.ifname;
	for (unsigned int i = 0; i < n; i++)
		bond_reread(b->conf.dp, &names[i]);
	read_churn(b, &names[0]);
}

static void look(evutil_socket_t fd, short what, void *arg)
{
	struct nim_bonds *b = arg;
	struct timeval wait = { .tv_sec = b->wait_s };
	bool unsettled = false;

	(void)fd, (void)what;
	b->wait_s *= 2; /* unless what is found out now is news */
	for (unsigned int i = 0; i < b->table.nbonds; i++)
		if (b->table.bonds[i]->settings.mode == DP_BOND_8023AD)
			reread(b, b->table.bonds[i]);
	for (unsigned int i = 0; i < b->table.nbonds; i++)
		unsettled = unsettled || nim_bond_unsettled(&b->table, b->table.bonds[i]);
	if (unsettled && wait.tv_sec <= WAIT_LAST_S)
		event_add(b->look_ev, &wait);
}

/* ---- Life ---- */

int nim_bonds_new(const struct nim_bonds_conf *conf, struct nim_bonds **ret)
{
	static const struct bond_ops ops = {
		.bond = heard_bond,
		.member = heard_member,
		.neither = heard_neither,
	};
	struct nim_bonds *b = xcalloc(1, sizeof(*b));

	b->conf = *conf;
	b->look_ev = evtimer_new(conf->base, look, b);
	if (!b->look_ev) {
		free(b);
		return -ENOMEM;
	}
	bond_watch(conf->dp, &ops, b);
	*ret = b;
	return 0;
}

struct nim_bonds *nim_bonds_free(struct nim_bonds *bonds)
{
	if (!bonds)
		return NULL;
	bond_watch(bonds->conf.dp, NULL, NULL);
	event_free(bonds->look_ev);
	nim_bond_table_fini(&bonds->table);
	free(bonds);
	return NULL;
}

void nim_bonds_status(const struct nim_bonds *bonds, const struct nim_config *config,
		      struct Ew__DeviceNetworkStatus *status, struct arena *arena)
{
	nim_bond_table_status(&bonds->table, config, status, arena);
}
