/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply.100.engine, remove.100.engine: a hundred network instances (bridge, veth pair, port, address, two routes,
 * two rules, an element of an nftables set) in one turn of the engine and their removal, beside
 * the shortest raw rtnetlink and nftables program for the same. Each round in a fresh namespace.
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <linux/netfilter.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "dataplane/dp.h"
#include "dataplane/items/inet.h"
#include "dataplane/items/link.h"
#include "dataplane/items/nft.h"
#include "dataplane/nft/elems.h"
#include "tests/bench/bench.h"
#include "tests/bench/raw_apply.h"

#define ROUNDS 5

/* ---- Ours ---- */

static struct prefix net4(uint32_t host_order, uint8_t len)
{
	struct prefix p = { .addr = { .family = AF_INET }, .len = len };

	p.addr.v4.s_addr = htonl(host_order);
	return p;
}

static const struct dp_nft_set port_set = {
	.family = NFPROTO_INET, .table = TABLE, .name = SET, .key = { NFT_TYPE_IFNAME }
};

static void want_element(struct dp_graph *g, const struct ifname *vif)
{
	struct dp_nft_elems spec = { .family = NFPROTO_INET, .table = TABLE, .set = SET };
	struct nft_elem el;

	memcpy(spec.tag, vif->str, sizeof(vif->str));
	spec.elems = nft_elems_new(&port_set);
	el = nft_elems_add(spec.elems);
	nft_elem_ifname(&el, vif);
	nft_elems_end(spec.elems);
	dp_want(g, &dp_nft_elems_type, &spec);
	nft_elems_unref(spec.elems);
}

static struct dp_graph *base_graph(void)
{
	struct dp_graph *g = dp_graph_new("base");

	dp_want(g, &dp_nft_table_type,
		&(struct dp_nft_table){ .family = NFPROTO_INET, .name = TABLE });
	dp_want(g, &dp_nft_set_type, &port_set);
	return g;
}

static struct dp_graph *instance_graph(int i)
{
	uint32_t net = 0x0a000000u + ((uint32_t)i << 8);
	struct ifname bridge, vif, peer;
	struct dp_graph *g;
	char scope[32];

	instance_names(i, &bridge, &vif, &peer);
	snprintf(scope, sizeof(scope), "ni/%d", i);
	g = dp_graph_new(scope);
	dp_want(g, &dp_bridge_type, &(struct dp_bridge){ .ifname = bridge });
	dp_want(g, &dp_veth_type,
		&(struct dp_veth){ .ifname = vif, .peer = peer, .up = true, .peer_up = true });
	dp_want(g, &dp_brport_type,
		&(struct dp_brport){
			.ifname = vif, .bridge = bridge, .isolated = true, .learning = true });
	dp_want(g, &dp_addr_type,
		&(struct dp_addr){ .ifname = bridge, .prefix = net4(net + 1, 24) });
	dp_want(g, &dp_route_type,
		&(struct dp_route){ .dst = net4(net, 24),
				    .table = 800 + i,
				    .nexthops = 1,
				    .nexthop[0].ifname = bridge });
	dp_want(g, &dp_route_type,
		&(struct dp_route){ .dst = net4(0, 0),
				    .table = 800 + i,
				    .metric = UINT32_MAX,
				    .kind = DP_ROUTE_UNREACHABLE });
	dp_want(g, &dp_rule_type,
		&(struct dp_rule){
			.family = AF_INET, .priority = 10000, .iif = bridge, .table = 800 + i });
	dp_want(g, &dp_rule_type,
		&(struct dp_rule){ .family = AF_INET,
				   .priority = 11000,
				   .to = net4(net, 24),
				   .table = 800 + i });
	want_element(g, &vif);
	return g;
}

static void until_idle(struct event_base *base, struct dp *dp)
{
	dp_run(dp);
	while (!dp_idle(dp))
		event_base_loop(base, EVLOOP_ONCE);
}

static void require_created(struct dp *dp, unsigned int count)
{
	struct dp_counts counts;

	dp_counts(dp, &counts);
	if (counts.created == count && !counts.failed && !counts.waiting)
		return;
	dp_plan(dp, stderr);
	bench_die("not everything was created");
}

static void ours(struct round *ret)
{
	const struct dp_conf conf = { .owner = "test", .run_dir = "/run/edgeway", .netns_fd = -1 };
	struct event_base *base = event_base_new();
	struct cost begin;
	char scope[32];
	struct dp *dp;

	if (dp_new(base, &conf, &dp) < 0 || dp_adopt(dp) < 0)
		bench_die("engine");
	dp_submit(dp, base_graph());
	dp_sweep(dp);
	until_idle(base, dp);
	begin = cost_now();
	for (int i = 0; i < INSTANCES; i++)
		dp_submit(dp, instance_graph(i));
	until_idle(base, dp);
	ret->apply = cost_since(begin);
	require_created(dp, 2 + 9 * INSTANCES);
	let_carriers_settle();
	begin = cost_now();
	for (int i = 0; i < INSTANCES; i++) {
		snprintf(scope, sizeof(scope), "ni/%d", i);
		dp_submit(dp, dp_graph_new(scope));
	}
	until_idle(base, dp);
	ret->removal = cost_since(begin);
	require_created(dp, 2);
	dp_free(dp);
	event_base_free(base);
}

/* ---- Rounds ---- */

static struct round run(void (*fn)(struct round *ret))
{
	struct round *shared = bench_shared(sizeof(*shared)), round;
	int status;
	pid_t pid;

	pid = bench_fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
		    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount("run", "/run", "tmpfs", 0, NULL) < 0)
			bench_die("namespace");
		fn(shared);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		bench_die("a round failed");
	/* While the kernel takes the namespace down in the background, all else is slow. */
	bench_sleep_until(bench_ns() + 1000000000ULL);
	round = *shared;
	munmap(shared, sizeof(*shared));
	return round;
}

int main(void)
{
	double apply[2][ROUNDS], removal[2][ROUNDS], user_ms = 0, sys_ms = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct round o = run(ours), r = run(raw_apply);

		apply[0][i] = o.apply.wall_ms;
		apply[1][i] = r.apply.wall_ms;
		removal[0][i] = o.removal.wall_ms;
		removal[1][i] = r.removal.wall_ms;
		user_ms += o.apply.user_ms / ROUNDS;
		sys_ms += o.apply.sys_ms / ROUNDS;
	}
	bench_print_at_most("apply.100.engine", "ms", bench_quantile(apply[0], ROUNDS, 0.5),
			    bench_quantile(apply[1], ROUNDS, 0.5), 1.15);
	bench_print_at_most("apply.100.engine.user", "ms", user_ms, sys_ms,
			    0.05); /* limit: the kernel's time for the same */
	bench_print_at_most("remove.100.engine", "ms", bench_quantile(removal[0], ROUNDS, 0.5),
			    bench_quantile(removal[1], ROUNDS, 0.5), 1.2);
	return 0;
}
