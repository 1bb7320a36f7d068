/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failover.update.*: the default routes of 1 and of 500 network instances moved from one port to
 * another by way of their group of next hops: through the engine, and by the raw program that
 * sends the one message, rounds interleaved (the engine tells the two members anew beside it). What
 * it costs must not depend on how many follow.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <libmnl/libmnl.h>

#include "dataplane/dp.h"
#include "dataplane/items/inet.h"
#include "dataplane/nl/nlsock.h"
#include "tests/bench/bench.h"

#define ROUNDS 100
#define MANY 500
#define GROUP 7

struct side { /* a namespace with so many routes */
	unsigned int routes;
	struct event_base *base;
	struct dp *dp;
	int netns, raw;
	uint32_t seq;
	bool flipped; /* the second port is the chosen one */
	double ours_us[ROUNDS], raw_us[ROUNDS];
};

static void run(const char *command)
{
	if (system(command) != 0)
		bench_die(command);
}

static struct dp_nhmember member(uint8_t slot, const char *ifname, uint8_t last, uint8_t weight)
{
	const uint8_t gateway[4] = { 10, slot, 0, last };
	struct dp_nhmember m = { .slot = slot, .way = { .weight = weight, .onlink = true } };

	strcpy(m.way.ifname.str, ifname);
	m.way.gateway = ipaddr_from(AF_INET, gateway);
	return m;
}

static struct dp_nhgroup group(bool flipped)
{
	struct dp_nhmember a = member(1, "a0", 254, flipped ? 1 : 255);
	struct dp_nhmember b = member(2, "b0", 254, flipped ? 255 : 1);

	return (struct dp_nhgroup){ .family = AF_INET,
				    .number = GROUP,
				    .members = 2,
				    .member = { flipped ? b : a, flipped ? a : b } };
}

static void until_idle(struct side *s)
{
	dp_run(s->dp);
	while (!dp_idle(s->dp))
		event_base_loop(s->base, EVLOOP_ONCE);
}

static void side_open(struct side *s, unsigned int routes)
{
	const struct dp_conf conf = { .owner = "test", .run_dir = "/run/edgeway", .netns_fd = -1 };
	struct dp_nhgroup g = group(false);
	struct dp_graph *graph = dp_graph_new("routes");
	struct dp_counts counts;

	s->routes = routes;
	if (unshare(CLONE_NEWNET) < 0)
		bench_die("unshare");
	run("ip link set lo up && ip link add a0 type veth peer name a1 && "
	    "ip link add b0 type veth peer name b1 && "
	    "for i in a0 a1 b0 b1; do ip link set $i up; done && "
	    "echo 0 >/proc/sys/net/ipv4/nexthop_compat_mode");
	s->netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	s->raw = nlsock_open(-1, NETLINK_ROUTE, 0);
	s->base = event_base_new();
	if (s->netns < 0 || s->raw < 0 || dp_new(s->base, &conf, &s->dp) < 0 || dp_adopt(s->dp) < 0)
		bench_die("engine");
	dp_want(graph, &dp_nhgroup_type, &g);
	for (unsigned int i = 0; i < routes; i++)
		dp_want(graph, &dp_route_type,
			&(struct dp_route){ .dst.addr.family = AF_INET,
					    .table = 801 + i,
					    .nhid = dp_nhgroup_id(AF_INET, GROUP) });
	dp_submit(s->dp, graph);
	until_idle(s);
	dp_counts(s->dp, &counts);
	if (counts.created != routes + 1)
		bench_die("not everything was created");
}

static void enter(const struct side *s)
{
	if (setns(s->netns, CLONE_NEWNET) < 0)
		bench_die("setns");
}

/* The time until the kernel has answered; what the engine reads afterwards delays nobody. */
static double ours(struct side *s)
{
	struct dp_nhgroup g = group(s->flipped = !s->flipped);
	uint64_t begin = bench_ns();
	double us;

	dp_patch(s->dp, "routes", &dp_nhgroup_type, &g);
	dp_run(s->dp);
	us = (double)(bench_ns() - begin) / 1000;
	until_idle(s);
	return us;
}

static double raw(struct side *s)
{
	const uint32_t id = dp_nhgroup_id(AF_INET, GROUP);
	char buf[256] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
	struct nexthop_grp entries[2] = { { .id = id + 1 }, { .id = id + 2 } };
	struct nhmsg *nhm;
	uint64_t begin;

	s->flipped = !s->flipped;
	entries[s->flipped].weight = 254;
	msg->nlmsg_type = RTM_NEWNEXTHOP;
	msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_REPLACE;
	msg->nlmsg_seq = ++s->seq;
	nhm = mnl_nlmsg_put_extra_header(msg, sizeof(*nhm));
	nhm->nh_protocol = 240;
	mnl_attr_put_u32(msg, NHA_ID, id);
	mnl_attr_put(msg, NHA_GROUP, sizeof(entries), entries);
	mnl_attr_put_u16(msg, NHA_GROUP_TYPE, NEXTHOP_GRP_TYPE_RES);
	begin = bench_ns();
	if (nlsock_request(s->raw, msg, NULL, 0) < 0)
		bench_die("replace");
	return (double)(bench_ns() - begin) / 1000;
}

/* What the raw program changed is drift to the engine: let it be told before it is asked. */
static void learn(struct side *s)
{
	struct dp_nhgroup g = group(s->flipped);

	dp_patch(s->dp, "routes", &dp_nhgroup_type, &g);
	until_idle(s);
}

int main(void)
{
	static struct side one, many;
	struct side *const sides[] = { &one, &many };
	double ours_one, ours_many, raw_one, raw_many;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/run", "tmpfs", 0, NULL) < 0)
		bench_die("namespaces");
	side_open(&one, 1);
	side_open(&many, MANY);
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < 2; i++) {
			enter(sides[i]);
			sides[i]->ours_us[round] = ours(sides[i]);
			sides[i]->raw_us[round] = raw(sides[i]);
			learn(sides[i]);
		}
	ours_one = bench_quantile(one.ours_us, ROUNDS, 0.5);
	ours_many = bench_quantile(many.ours_us, ROUNDS, 0.5);
	raw_one = bench_quantile(one.raw_us, ROUNDS, 0.5);
	raw_many = bench_quantile(many.raw_us, ROUNDS, 0.5);
	printf("failover.update: by the engine %.0f us with 1 route, %.0f us with %d; raw %.0f, "
	       "%.0f us\n",
	       ours_one, ours_many, MANY, raw_one, raw_many);
	bench_print_at_most("failover.update.500", "us", ours_many, ours_one, 2);
	bench_print_at_most("failover.update.raw", "us", ours_many, raw_many, 3);
	return 0;
}
