/* SPDX-License-Identifier: Apache-2.0 */
#include "zedrouter/recheck.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/hmap.h"
#include "base/log.h"
#include "dataplane/dp.h"
#include "dataplane/items/nft.h"
#include "dataplane/nl/ct_walk.h"
#include "zedrouter/filter.h"
#include "zedrouter/filter_sets.h"
#include "zedrouter/intent.h"
#include "zedrouter/judge.h"

#define FEW 4 /* addresses that are asked for one by one: two walks each */

struct noted { /* one app interface, as submitted last */
	struct hmap_node node; /* zr_recheck.noted, by scope */
	char scope[ZR_SCOPE];
	struct ipaddr addr; /* unset: it is no more */
	uint64_t sum;
	struct ipaddr had; /* another address before, whose flows are nobody's */
	bool changed; /* flows of addr have to be looked at */
};

struct target { /* one address whose flows are looked at */
	struct hmap_node node; /* zr_recheck.targets */
	struct ipaddr addr;
	bool known; /* the rest is filled, by the first flow */
	bool is_app; /* judge is its list; else nobody has the address */
	struct zr_judge *judge;
	struct ifname bridge;
	char app[ZR_NAME], adapter[ZR_NAME]; /* for the log */
	unsigned int ended;
};

struct walk {
	int family;
	struct ipaddr src, to; /* unset: any */
};

struct zr_recheck {
	struct dp *dp;
	const struct zr_model *model;
	const char *table;
	struct ct_walk *walk;
	struct hmap noted, targets;
	bool waiting; /* some of noted have to be looked at */
	bool orphans_due; /* flows may be of apps that went before the start: nobody told of those */
	bool orphans; /* the round under way looks for them; it may begin without a target */
	struct walk next[2 * FEW + 1]; /* of the round under way */
	unsigned int walks;
};

/* ---- Who has to be looked at ---- */

static struct noted *noted_get(struct zr_recheck *r, const char *scope, bool make)
{
	struct hmap_node *node;
	struct noted *n;

	hmap_for_each_match(node, &r->noted, hash_string(scope))
	{
		n = container_of(node, struct noted, node);
		if (strcmp(n->scope, scope) == 0)
			return n;
	}
	if (!make)
		return NULL;
	n = xcalloc(1, sizeof(*n));
	snprintf(n->scope, sizeof(n->scope), "%s", scope);
	hmap_insert(&r->noted, &n->node, hash_string(n->scope));
	return n;
}

void zr_recheck_note(struct zr_recheck *r, const char *scope, const struct ipaddr *addr,
		     const struct zr_acl *acl)
{
	const struct ipaddr none = { 0 }, *now = addr ?: &none;
	struct noted *n = noted_get(r, scope, addr != NULL);
	uint64_t sum = zr_acl_sum(acl);

	if (!n)
		return;
	if (!ipaddr_equal(&n->addr, now)) {
		if (!ipaddr_is_set(&n->had))
			n->had = n->addr;
		n->changed = false; /* a new one has no flows */
	} else if (n->sum != sum) {
		n->changed = true;
	}
	r->waiting |= n->changed || ipaddr_is_set(&n->had);
	n->addr = *now;
	n->sum = sum;
}

void zr_recheck_all(struct zr_recheck *r)
{
	struct hmap_node *node;

	hmap_for_each (node, &r->noted)
		container_of(node, struct noted, node)->changed = true;
	r->waiting = r->orphans_due = true;
}

/* ---- Targets ---- */

static struct target *target_find(const struct zr_recheck *r, const struct ipaddr *addr)
{
	struct hmap_node *node;

	hmap_for_each_match(node, &r->targets, hash_bytes(addr, sizeof(*addr), 0))
	{
		struct target *t = container_of(node, struct target, node);

		if (ipaddr_equal(&t->addr, addr))
			return t;
	}
	return NULL;
}

static void target_add(struct zr_recheck *r, const struct ipaddr *addr)
{
	struct target *t;

	if (!ipaddr_is_set(addr) || target_find(r, addr))
		return;
	t = xcalloc(1, sizeof(*t));
	t->addr = *addr;
	hmap_insert(&r->targets, &t->node, hash_bytes(addr, sizeof(*addr), 0));
}

static const struct zr_vif *vif_find(const struct zr_model *m, const struct ipaddr *addr)
{
	struct hmap_node *node;
	const struct zr_vif *vif;

	hmap_for_each (node, &m->instances) {
		const struct zr_ni *ni = container_of(node, struct zr_ni, node);

		if (!prefix_contains(&ni->subnet, addr))
			continue;
		list_for_each (vif, &ni->vifs, of_ni)
			if (ipaddr_equal(&vif->addr, addr) && zr_vif_works(vif))
				return vif;
	}
	return NULL;
}

/* Whose list it is, and the list itself, once there is a flow to judge. */
static void target_know(const struct zr_recheck *r, struct target *t)
{
	const struct zr_vif *vif = t->known ? NULL : vif_find(r->model, &t->addr);

	t->known = true;
	if (!vif)
		return;
	t->is_app = true;
	t->judge = zr_judge_new(zr_vif_acl(vif, NULL));
	t->bridge = vif->ni->bridge;
	snprintf(t->app, sizeof(t->app), "%s", vif->app->displayname);
	snprintf(t->adapter, sizeof(t->adapter), "%s", vif->adapter);
}

static void targets_end(struct zr_recheck *r)
{
	struct hmap_node *node, *tmp;
	char text[INET6_ADDRSTRLEN];

	hmap_for_each_safe (node, tmp, &r->targets) {
		struct target *t = container_of(node, struct target, node);

		if (t->ended)
			log_info("flows_ended", "app=%s adapter=%s address=%s flows=%u", t->app,
				 t->adapter, ipaddr_str(&t->addr, text), t->ended);
		hmap_remove(&r->targets, &t->node);
		zr_judge_free(t->judge);
		free(t);
	}
}

/* ---- One flow ---- */

struct question { /* about one flow and the list of one of its ends */
	const struct zr_recheck *r;
	const struct target *target;
	const struct ct_flow *flow;
};

static bool was_learned(const char *host, const struct ipaddr *addr, void *arg)
{
	const struct question *q = arg;
	struct dp_nft_set set = zr_host_set(addr->family, &q->target->bridge, host, q->r->table);

	/* On an error a flow that may be fine goes on: it was allowed once. */
	return dp_nft_set_has(q->r->dp, &set, addr) != 0;
}

/* The mark tells by which port it came; none: from an app, or a port that is gone. */
static bool came_by(const char *adapter, void *arg)
{
	const struct question *q = arg;
	const struct zr_ports *ports = &q->r->model->ports;

	for (unsigned int i = 0; i < ports->count; i++)
		if (zr_port_number(&ports->port[i]) &&
		    zr_port_number(&ports->port[i]) == q->flow->mark >> 24)
			return zr_port_matches(&ports->port[i], adapter);
	return true;
}

static enum zr_action judge_sender(struct question *q)
{
	const struct ct_flow *flow = q->flow;

	return zr_judge(q->target->judge,
			&(struct zr_flow){ .remote = flow->dst,
					   .protocol = flow->protocol,
					   .lport = flow->sport,
					   .fport = flow->dport,
					   .variant = ZR_VARIANT_EGRESS },
			was_learned, q);
}

static enum zr_action judge_receiver(struct question *q)
{
	const struct ct_flow *flow = q->flow;

	if (flow->mapped && !zr_judge_maps(q->target->judge, flow->protocol, flow->dport,
					   flow->to_port, came_by, q))
		return ZR_DROP;
	return zr_judge(
		q->target->judge,
		&(struct zr_flow){ .remote = flow->src,
				   .protocol = flow->protocol,
				   .lport = flow->to_port,
				   .fport = flow->sport,
				   .variant = flow->mapped ? ZR_VARIANT_DNAT : ZR_VARIANT_INGRESS },
		was_learned, q);
}

static enum zr_action judge(struct zr_recheck *r, const struct ipaddr *end,
			    const struct ct_flow *flow, bool sends)
{
	struct target *t = target_find(r, end);
	struct question q = { r, t, flow };
	enum zr_action action = ZR_DROP;

	if (!t)
		return ZR_ALLOW;
	target_know(r, t);
	if (t->is_app)
		action = sends ? judge_sender(&q) : judge_receiver(&q);
	t->ended += action == ZR_DROP;
	return action;
}

static bool is_nobodys(const struct zr_recheck *r, const struct ipaddr *addr)
{
	struct target *t = target_find(r, addr);

	if (t)
		target_know(r, t);
	return t && !t->is_app;
}

/*
 * Only what is forwarded meets lists: flows by ports have the mark of their app; those without
 * are between apps, or of an app and the node.
 */
static bool meets_lists(const struct zr_recheck *r, const struct ct_flow *flow, bool local)
{
	return !local || is_nobodys(r, &flow->src) || is_nobodys(r, &flow->to) ||
	       (vif_find(r->model, &flow->src) && vif_find(r->model, &flow->to));
}

static bool is_in_an_instance(const struct zr_model *m, const struct ipaddr *addr)
{
	struct hmap_node *node;

	hmap_for_each (node, &m->instances) {
		const struct zr_ni *ni = container_of(node, struct zr_ni, node);

		if (zr_ni_works(ni) && prefix_contains(&ni->subnet, addr) &&
		    !ipaddr_equal(&ni->gateway, addr))
			return true;
	}
	return false;
}

/* The address of an app that went while nobody looked. */
static void orphan_add(struct zr_recheck *r, const struct ipaddr *addr, bool of_app)
{
	if ((of_app || is_in_an_instance(r->model, addr)) && !vif_find(r->model, addr))
		target_add(r, addr);
}

static bool look(const struct ct_flow *flow, uint32_t *mark, void *arg)
{
	struct zr_recheck *r = arg;
	bool inbound = flow->mark & ZR_MARK_INBOUND;
	bool local = !(flow->mark & ZR_MARK_VIF) || !(flow->mark >> 24);
	enum zr_action sender, receiver;

	if (r->orphans) {
		orphan_add(r, &flow->src, !local && !inbound);
		orphan_add(r, &flow->to, !local && inbound);
	}
	if ((!target_find(r, &flow->src) && !target_find(r, &flow->to)) ||
	    !meets_lists(r, flow, local))
		return true;
	sender = judge(r, &flow->src, flow, true);
	receiver = sender == ZR_DROP ? ZR_DROP : judge(r, &flow->to, flow, false);
	if (receiver == ZR_DROP)
		return false;
	if (sender == ZR_LIMIT || receiver == ZR_LIMIT)
		*mark |= ZR_MARK_LIMITED;
	else if (!local) /* else the list at the other end may limit it */
		*mark &= ~ZR_MARK_LIMITED;
	return true;
}

/* ---- Rounds ---- */

static void take_noted(struct zr_recheck *r)
{
	struct hmap_node *node, *tmp;

	r->waiting = false;
	hmap_for_each_safe (node, tmp, &r->noted) {
		struct noted *n = container_of(node, struct noted, node);

		if (!n->changed && !ipaddr_is_set(&n->had))
			continue;
		if (!dp_scope_settled(r->dp, n->scope)) {
			r->waiting = true;
			continue;
		}
		if (n->changed)
			target_add(r, &n->addr);
		target_add(r, &n->had);
		n->had = (struct ipaddr){ 0 };
		n->changed = false;
		if (ipaddr_is_set(&n->addr))
			continue;
		hmap_remove(&r->noted, &n->node);
		free(n);
	}
}

/* One by one with IPv4, where the kernel picks out their flows; of IPv6 it tells of all. */
static void plan_few(struct zr_recheck *r)
{
	struct hmap_node *node;

	hmap_for_each (node, &r->targets) {
		const struct ipaddr *addr = &container_of(node, struct target, node)->addr;

		if (addr->family != AF_INET)
			continue;
		r->next[r->walks++] = (struct walk){ .family = addr->family, .src = *addr };
		r->next[r->walks++] = (struct walk){ .family = addr->family, .to = *addr };
	}
}

static void plan_family(struct zr_recheck *r, int family)
{
	bool any = r->orphans;
	struct hmap_node *node;

	hmap_for_each (node, &r->targets)
		any |= container_of(node, struct target, node)->addr.family == family;
	if (any)
		r->next[r->walks++] = (struct walk){ .family = family };
}

static void walk_failed(int err)
{
	log_warning("flows_not_checked", "err=%d", -err);
}

static void walk_next(struct zr_recheck *r)
{
	int err;

	while (r->walks) {
		const struct walk *w = &r->next[--r->walks];

		err = ct_walk_start(r->walk, w->family, ipaddr_is_set(&w->src) ? &w->src : NULL,
				    ipaddr_is_set(&w->to) ? &w->to : NULL);
		if (err == 0)
			return;
		walk_failed(err);
	}
	targets_end(r);
	r->orphans = false;
}

void zr_recheck_run(struct zr_recheck *r)
{
	if (!r->waiting || r->targets.count || r->orphans) /* a round is under way */
		return;
	take_noted(r);
	r->orphans = r->orphans_due;
	r->orphans_due = false;
	if (!r->targets.count && !r->orphans)
		return;
	if (r->targets.count <= FEW && !r->orphans)
		plan_few(r);
	else
		plan_family(r, AF_INET);
	plan_family(r, AF_INET6);
	walk_next(r);
}

static void walk_done(int err, void *arg)
{
	struct zr_recheck *r = arg;

	if (err < 0)
		walk_failed(err);
	walk_next(r);
	zr_recheck_run(r); /* what changed meanwhile */
}

struct zr_recheck *zr_recheck_new(struct event_base *base, struct dp *dp, const struct zr_model *m,
				  const char *table)
{
	struct zr_recheck *r = xcalloc(1, sizeof(*r));

	*r = (struct zr_recheck){ .dp = dp, .model = m, .table = table };
	hmap_init(&r->noted);
	hmap_init(&r->targets);
	r->walk = ct_walk_new(
		&(struct ct_walk_conf){ .base = base, .look = look, .done = walk_done, .arg = r });
	return r;
}

struct zr_recheck *zr_recheck_free(struct zr_recheck *r)
{
	struct hmap_node *node, *tmp;

	if (!r)
		return NULL;
	ct_walk_free(r->walk);
	targets_end(r);
	hmap_fini(&r->targets);
	hmap_for_each_safe (node, tmp, &r->noted) {
		hmap_remove(&r->noted, node);
		free(container_of(node, struct noted, node));
	}
	hmap_fini(&r->noted);
	free(r);
	return NULL;
}
