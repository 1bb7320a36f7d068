/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of next hops, ours by their protocol number. A group and its members are one item, with
 * ids that follow from its number:
 *
 *	0x45000000 | 0x800000 if it is IPv6's | NUMBER << 8			the group
 *	…                                                   | SLOT		a member
 *
 * The kernel keeps nothing that depends on a next hop whose link stops running: it removes the
 * next hop, without a message (nexthop_flush_dev()), a group with its last member, and the routes by
 * either. So routes refer to groups only, and a group outlives a member as long as it has another
 * one. Its buckets are then with the others at once, before anybody could be told.
 *
 * Groups are resilient ones (Documentation/networking/nexthop-group-resilient.rst) of 64 buckets:
 * a member of weight 1 beside one of 255 is given none of them (nh_res_group_rebalance() rounds),
 * which makes it a standby. No idle time: a replaced group takes effect at once.
 *
 * A member whose link does not run the kernel does not take (nh_create_ipv4(): "Carrier for nexthop
 * device is down"), as it drops those it has. Such a one is asleep: left out, and not missed. When
 * its link runs all is read again, and whoever is missing then is put back. News of the carrier may be
 * late, so it is the kernel who decides: a group with a member that seems to sleep is told to it
 * member by member. A group of which all sleep is not there, but as it is to be; its routes wait.
 */
#include <errno.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "dataplane/items/inet.h"
#include "dataplane/items/inet_observers.h"
#include "dataplane/mark.h"
#include "dataplane/nl/rtnl.h"
#include "dataplane/nl/rtnl_state.h"

#define SPACE 0x45000000u
#define SPACE_MASK 0xff700000u
#define SPACE_V6 0x00800000u
#define SLOT_MASK 0xffu
#define BUCKETS 64

uint32_t dp_nhgroup_id(uint8_t family, uint16_t number)
{
	return SPACE | (family == AF_INET6 ? SPACE_V6 : 0) | (uint32_t)number << 8;
}

static bool is_ours(uint32_t id)
{
	return (id & SPACE_MASK) == SPACE;
}

static uint32_t group_id(const struct dp_nhgroup *g)
{
	return dp_nhgroup_id(g->family, g->number);
}

static void add_key(uint32_t id, struct strbuf *out)
{
	strbuf_add(out, id & SPACE_V6 ? "6/" : "4/");
	strbuf_addu(out, id >> 8 & DP_NHGROUPS);
}

static void nhgroup_key(const void *spec, struct strbuf *out)
{
	add_key(group_id(spec), out);
}

static bool is_awake(const void *have)
{
	const struct dp_nhgroup *g = have;

	return !g->asleep;
}

void nhgroup_need(struct dp_deps *deps, uint32_t nhid)
{
	struct strbuf key = STRBUF_INIT;

	if (!is_ours(nhid))
		return;
	add_key(nhid, &key);
	dp_need(deps, &dp_nhgroup_type, strbuf_str(&key), DP_FALLS_WITH, is_awake);
	strbuf_fini(&key);
}

static const struct dp_nhmember *find_slot(const struct dp_nhgroup *g, uint8_t slot)
{
	for (unsigned int i = 0; i < g->members; i++)
		if (g->member[i].slot == slot)
			return &g->member[i];
	return NULL;
}

static bool member_fits(const struct dp_nhgroup *have, const struct dp_nhmember *want)
{
	const struct dp_nhmember *h = find_slot(have, want->slot);

	return h && h->way.weight == want->way.weight && h->way.onlink == want->way.onlink &&
	       ifname_equal(&h->way.ifname, &want->way.ifname) &&
	       ipaddr_equal(&h->way.gateway, &want->way.gateway);
}

static enum dp_change nhgroup_diff(const void *have, const void *want)
{
	const struct dp_nhgroup *h = have, *w = want;

	if (h->broken)
		return DP_RECREATE;
	if (h->members != w->members)
		return DP_MODIFY;
	for (unsigned int i = 0; i < w->members; i++)
		if (!member_fits(h, &w->member[i]))
			return DP_MODIFY;
	return DP_SAME;
}

static void nhgroup_print(const void *spec, struct strbuf *out)
{
	const struct dp_nhgroup *g = spec;

	strbuf_addf(out, "id=%u", group_id(g));
	for (unsigned int i = 0; i < g->members; i++) {
		const struct dp_nhmember *m = &g->member[i];

		strbuf_addf(out, " slot=%u", m->slot);
		if (ipaddr_is_set(&m->way.gateway)) {
			strbuf_add(out, " via=");
			ipaddr_format(&m->way.gateway, out);
		}
		strbuf_addf(out, " dev=%s%s weight=%u", m->way.ifname.str,
			    m->way.onlink ? " onlink" : "", m->way.weight);
	}
	if (g->broken)
		strbuf_add(out, " broken");
	if (g->asleep)
		strbuf_add(out, " asleep");
}

/* ---- Operations ---- */

#define SET (NLM_F_CREATE | NLM_F_REPLACE)

static struct nlmsghdr *hop_begin(struct dp_op *op, uint16_t type, uint16_t flags, uint32_t id)
{
	struct nlmsghdr *msg = rtnl_begin(op, type, flags, sizeof(struct nhmsg));

	mnl_attr_put_u32(msg, NHA_ID, id);
	return msg;
}

/* Not a condition of the kernel's, as it is for routes: what is not ours is never asked for. */
static struct nhmsg *fill_protocol(const struct dp *dp, struct nlmsghdr *msg)
{
	struct nhmsg *nhm = mnl_nlmsg_get_payload(msg);

	nhm->nh_protocol = dp_mark(dp_conf(dp)->owner)->protocol;
	return nhm;
}

/* ip nexthop replace id ID via GATEWAY dev NAME onlink proto MARK */
static void fill_member(const struct dp *dp, const struct dp_nhgroup *g,
			const struct dp_nhmember *m, struct nlmsghdr *msg)
{
	struct nhmsg *nhm = fill_protocol(dp, msg);

	nhm->nh_family = ipaddr_is_set(&m->way.gateway) ? m->way.gateway.family : g->family;
	nhm->nh_flags = m->way.onlink ? RTNH_F_ONLINK : 0;
	mnl_attr_put_u32(msg, NHA_OIF, rtnl_ifindex(dp, &m->way.ifname));
	if (ipaddr_is_set(&m->way.gateway))
		rtnl_put_ipaddr(msg, NHA_GATEWAY, &m->way.gateway);
}

/* ip nexthop replace id ID group MEMBER,WEIGHT/… type resilient buckets 64 idle_timer 0 */
static int put_group(struct dp_op *op, const struct dp_nhgroup *g, bool create)
{
	struct nexthop_grp entries[DP_NEXTHOPS] = { 0 };
	struct nlattr *nest;
	struct nlmsghdr *msg;

	for (unsigned int i = 0; i < g->members; i++)
		entries[i] = (struct nexthop_grp){
			.id = group_id(g) | g->member[i].slot,
			.weight = (uint8_t)(g->member[i].way.weight - 1),
		};
	msg = hop_begin(op, RTM_NEWNEXTHOP, create ? SET : NLM_F_REPLACE, group_id(g));
	fill_protocol(dp_op_dp(op), msg);
	mnl_attr_put(msg, NHA_GROUP, g->members * sizeof(entries[0]), entries);
	mnl_attr_put_u16(msg, NHA_GROUP_TYPE, NEXTHOP_GRP_TYPE_RES);
	if (create) {
		nest = mnl_attr_nest_start(msg, NHA_RES_GROUP);
		mnl_attr_put_u16(msg, NHA_RES_GROUP_BUCKETS, BUCKETS);
		mnl_attr_put_u32(msg, NHA_RES_GROUP_IDLE_TIMER, 0);
		mnl_attr_nest_end(msg, nest);
	}
	return rtnl_end(op, msg, 0);
}

static int nhgroup_check(const struct dp_nhgroup *g)
{
	if ((g->family != AF_INET && g->family != AF_INET6) || !g->number ||
	    g->number > DP_NHGROUPS || !g->members || g->members > DP_NEXTHOPS)
		return -EINVAL;
	for (unsigned int i = 0; i < g->members; i++)
		if (!g->member[i].slot || !g->member[i].way.weight ||
		    !g->member[i].way.ifname.str[0])
			return -EINVAL;
	return 0;
}

static bool is_asleep(const struct dp *dp, const struct dp_nhmember *m)
{
	const struct link_row *row =
		linktab_get(&rtnl_state(dp)->links, rtnl_ifindex(dp, &m->way.ifname));

	return !row || !row->running;
}

static int make_now(struct dp *dp, const struct dp_nhgroup *g, const struct dp_nhmember *m)
{
	char buf[256] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct nlmsghdr *msg = rtnl_prepare(buf, RTM_NEWNEXTHOP, SET, sizeof(struct nhmsg));

	if (!rtnl_ifindex(dp, &m->way.ifname))
		return -ENODEV;
	mnl_attr_put_u32(msg, NHA_ID, group_id(g) | m->slot);
	fill_member(dp, g, m, msg);
	return rtnl_request(dp, msg, NULL, 0);
}

/* Makes the members. ret: of those that are there. */
static void put_members(struct dp_op *op, const struct dp_nhgroup *g, struct dp_nhgroup *ret)
{
	bool asleep = false;

	for (unsigned int i = 0; i < g->members; i++)
		asleep = asleep || is_asleep(dp_op_dp(op), &g->member[i]);
	*ret = (struct dp_nhgroup){ .family = g->family, .number = g->number };
	for (unsigned int i = 0; i < g->members; i++) {
		const struct dp_nhmember *m = &g->member[i];
		int r = asleep ? make_now(dp_op_dp(op), g, m) : 0;
		struct nlmsghdr *msg;

		if (r == -ENETDOWN || r == -ENODEV)
			continue;
		if (!asleep || r < 0) { /* what is wrong is told by the batch's answer */
			msg = hop_begin(op, RTM_NEWNEXTHOP, SET, group_id(g) | m->slot);
			fill_member(dp_op_dp(op), g, m, msg);
			rtnl_end(op, msg, 0);
		}
		ret->member[ret->members++] = *m;
	}
}

static int delete_hop(struct dp_op *op, uint32_t id)
{
	return rtnl_end(op, hop_begin(op, RTM_DELNEXTHOP, 0, id), RTNL_ABSENT_OK);
}

static void tell_asleep(struct dp *dp, const struct dp_nhgroup *g)
{
	struct dp_nhgroup asleep = *g;

	asleep.asleep = true;
	dp_observed(dp, &dp_nhgroup_type, &asleep, true);
}

static int nhgroup_create(struct dp_op *op, const void *want)
{
	struct dp_nhgroup awake;
	int r = nhgroup_check(want);

	if (r < 0)
		return r;
	put_members(op, want, &awake);
	if (awake.members)
		return put_group(op, &awake, true);
	tell_asleep(dp_op_dp(op), want);
	return 0;
}

/* ip nexthop del id GROUP; ip nexthop del id MEMBER … */
static int nhgroup_remove(struct dp_op *op, const void *have)
{
	const struct dp_nhgroup *h = have;
	int r = delete_hop(op, group_id(h));

	for (unsigned int i = 0; i < h->members; i++)
		delete_hop(op, group_id(h) | h->member[i].slot);
	return r;
}

/*
 * A member that is as it was may be gone all the same: each is told to the kernel.
 *
 * Without NLM_F_CREATE for the group unless it was asleep: when the kernel has dropped it, unnoticed
 * so far, the routes by it are gone, too, and -ENOENT lets the engine know.
 */
static int nhgroup_modify(struct dp_op *op, const void *have, const void *want)
{
	const struct dp_nhgroup *h = have, *w = want;
	struct dp_nhgroup awake;
	int r = nhgroup_check(w);

	if (r < 0)
		return r;
	put_members(op, w, &awake);
	if (!awake.members) {
		tell_asleep(dp_op_dp(op), w);
		return nhgroup_remove(op, h);
	}
	r = put_group(op, &awake, h->asleep);
	for (unsigned int i = 0; r == -EINPROGRESS && i < h->members; i++)
		if (!find_slot(&awake, h->member[i].slot))
			delete_hop(op, group_id(h) | h->member[i].slot);
	return r;
}

/* ---- What exists ---- */

static uint32_t hop_id(const struct nlmsghdr *msg)
{
	const struct nlattr *tb[NHA_MAX + 1];

	if (mnl_nlmsg_get_payload_len(msg) < sizeof(struct nhmsg))
		return 0;
	rtnl_attrs(msg, sizeof(struct nhmsg), tb, NHA_MAX);
	return rtnl_u32(tb[NHA_ID]);
}

/* Weight 0: made, and in no group yet. */
static struct dp_nhmember *want_slot(struct dp_nhgroup *g, uint8_t slot)
{
	for (unsigned int i = 0; i < g->members; i++)
		if (g->member[i].slot == slot)
			return &g->member[i];
	if (g->members == DP_NEXTHOPS)
		return NULL;
	g->member[g->members].slot = slot;
	return &g->member[g->members++];
}

static void read_group(struct dp_nhgroup *g, const struct nlattr **tb)
{
	const struct nlattr *group = tb[NHA_GROUP];
	const struct nexthop_grp *entry = group ? mnl_attr_get_payload(group) : NULL;
	size_t n = group ? mnl_attr_get_payload_len(group) / sizeof(*entry) : 0;
	const struct nlattr *type = tb[NHA_GROUP_TYPE];

	g->broken = !n || !type || mnl_attr_get_payload_len(type) < sizeof(uint16_t) ||
		    mnl_attr_get_u16(type) != NEXTHOP_GRP_TYPE_RES;
	for (size_t i = 0; i < n; i++) {
		struct dp_nhmember *m = NULL;

		if ((entry[i].id & ~SLOT_MASK) == group_id(g) && entry[i].id & SLOT_MASK)
			m = want_slot(g, (uint8_t)(entry[i].id & SLOT_MASK));
		if (!m || entry[i].weight_high)
			g->broken = true;
		else
			m->way.weight = (uint8_t)(entry[i].weight + 1);
	}
}

static void read_member(const struct dp *dp, struct dp_nhgroup *g, uint8_t slot,
			const struct nhmsg *nhm, const struct nlattr **tb)
{
	struct dp_nhmember *m = want_slot(g, slot);

	if (!m) {
		g->broken = true;
		return;
	}
	rtnl_ifname(dp, rtnl_u32(tb[NHA_OIF]), &m->way.ifname);
	m->way.gateway = rtnl_ipaddr(tb[NHA_GATEWAY], nhm->nh_family);
	m->way.onlink = nhm->nh_flags & RTNH_F_ONLINK;
}

struct found { /* groups of a dump */
	struct found_group {
		struct dp_nhgroup group;
		bool ours;
	} * at;
	unsigned int n;
	uint32_t last; /* id */
};

/* A group comes before its members, and what is of one group comes together: ids ascend. */
static struct found_group *found_group(struct found *f, uint32_t id)
{
	struct found_group *g = f->n ? &f->at[f->n - 1] : NULL;

	if (g && group_id(&g->group) == (id & ~SLOT_MASK) && id > f->last)
		return g;
	f->at = xrealloc(f->at, f->n + 1, sizeof(*f->at));
	g = &f->at[f->n++];
	*g = (struct found_group){
		.group = { .family = id & SPACE_V6 ? AF_INET6 : AF_INET,
			   .number = (uint16_t)(id >> 8 & DP_NHGROUPS),
			   .broken = id & SLOT_MASK },
		.ours = true,
	};
	return g;
}

static void found_add(struct dp *dp, struct found *f, const struct nlmsghdr *msg)
{
	const struct nhmsg *nhm = mnl_nlmsg_get_payload(msg);
	const struct nlattr *tb[NHA_MAX + 1];
	struct found_group *g;
	uint32_t id;

	rtnl_attrs(msg, sizeof(*nhm), tb, NHA_MAX);
	id = rtnl_u32(tb[NHA_ID]);
	g = found_group(f, id);
	f->last = id;
	g->ours &= nhm->nh_protocol == dp_mark(dp_conf(dp)->owner)->protocol;
	if (id & SLOT_MASK)
		read_member(dp, &g->group, (uint8_t)(id & SLOT_MASK), nhm, tb);
	else
		read_group(&g->group, tb);
}

/* A disturbed dump begins anew: the last one counts. */
static struct found_group *found_last(const struct found *f, const struct dp_nhgroup *g)
{
	for (unsigned int i = f->n; i > 0; i--)
		if (group_id(&f->at[i - 1].group) == group_id(g))
			return &f->at[i - 1];
	return NULL;
}

struct asleep {
	struct dp *dp;
	struct found *found;
};

static void keep_asleep(const char *key, const void *spec, void *arg)
{
	const struct dp_nhgroup *have = spec;
	const struct asleep *a = arg;
	struct found_group *now = found_last(a->found, have);
	unsigned int awake = 0;

	(void)key;
	for (unsigned int i = 0; i < have->members; i++) {
		const struct dp_nhmember *m = &have->member[i];
		bool asleep = is_asleep(a->dp, m);

		awake += !asleep;
		if (now && asleep && !find_slot(&now->group, m->slot) &&
		    now->group.members < DP_NEXTHOPS)
			now->group.member[now->group.members++] = *m;
	}
	if (!now && !awake && !have->broken)
		tell_asleep(a->dp, have);
}

static void found_fini(struct found *f)
{
	free(f->at);
}

static void keep_message(struct dp *dp, const struct nlmsghdr *msg)
{
	if (is_ours(hop_id(msg)))
		strbuf_addmem(&rtnl_state(dp)->nexthop_dump, msg, MNL_ALIGN(msg->nlmsg_len));
}

static int nhgroup_dump(struct dp *dp)
{
	char buf[128] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct strbuf *kept = &rtnl_state(dp)->nexthop_dump;
	_cleanup_(found_fini) struct found found = { 0 };
	const struct nlmsghdr *at;
	int r, left;

	strbuf_reset(kept);
	r = rtnl_dump(dp, rtnl_prepare(buf, RTM_GETNEXTHOP, 0, sizeof(struct nhmsg)), keep_message);
	at = (const struct nlmsghdr *)kept->str;
	for (left = (int)kept->len; r == 0 && at && mnl_nlmsg_ok(at, left);
	     at = mnl_nlmsg_next(at, &left))
		found_add(dp, &found, at);
	strbuf_fini(kept);
	if (r == 0)
		dp_each_have(dp, &dp_nhgroup_type, keep_asleep,
			     &(struct asleep){ .dp = dp, .found = &found });
	for (unsigned int i = 0; r == 0 && i < found.n; i++)
		dp_observed(dp, &dp_nhgroup_type, &found.at[i].group, found.at[i].ours);
	return r == -EOPNOTSUPP ? 0 : r; /* a kernel before 5.3 */
}

struct search {
	const struct ifname *ifnames;
	size_t n;
	bool found;
};

static void search_members(const char *key, const void *spec, void *arg)
{
	const struct dp_nhgroup *g = spec;
	struct search *s = arg;

	(void)key;
	for (unsigned int i = 0; i < g->members && !s->found; i++)
		for (size_t j = 0; j < s->n && !s->found; j++)
			s->found = ifname_equal(&g->member[i].way.ifname, &s->ifnames[j]);
}

static bool nhgroup_lost_with(const struct dp *dp, const struct ifname *ifnames, size_t n)
{
	struct search search = { .ifnames = ifnames, .n = n };

	dp_each_have(dp, &dp_nhgroup_type, search_members, &search);
	return search.found;
}

/* One message tells a piece only, of several that are as likely to follow: read them together. */
static void nhgroup_news(struct dp *dp, const struct nlmsghdr *msg)
{
	if (is_ours(hop_id(msg)))
		rtnl_resync(dp, &dp_nhgroup_observer);
}

const struct dp_type dp_nhgroup_type = {
	.name = "nhgroup",
	.size = sizeof(struct dp_nhgroup),
	.key = nhgroup_key,
	.diff = nhgroup_diff,
	.print = nhgroup_print,
	.create = nhgroup_create,
	.modify = nhgroup_modify,
	.remove = nhgroup_remove,
	.observe = nhgroup_dump,
};

static const struct dp_type *const nhgroup_types[] = { &dp_nhgroup_type, NULL };

const struct rtnl_observer dp_nhgroup_observer = {
	.name = "nhgroup",
	.msg_new = RTM_NEWNEXTHOP,
	.msg_del = RTM_DELNEXTHOP,
	.groups = { RTNLGRP_NEXTHOP },
	.types = nhgroup_types,
	.lost_with_links = nhgroup_lost_with,
	.dump = nhgroup_dump,
	.seen = nhgroup_news,
	.gone = nhgroup_news,
};
