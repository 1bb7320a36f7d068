/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acl.10k: 10,000 access list entries, 100 app interfaces with 100 each, from the lists to the
 * commit, beside a raw libnftnl program that adds as many elements to the same kind of map.
 * acl.one: one more entry for one of them, on top of those.
 *
 * In network namespaces of their own; the machine's rules are not touched.
 */
#include <netinet/in.h>

#include <errno.h>
#include <event2/event.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "dataplane/dp.h"
#include "tests/bench/bench.h"
#include "zedrouter/acl.h"
#include "zedrouter/filter.h"

#define TABLE "edgeway-test"
#define VIFS 100
#define ENTRIES 100 /* of each VIF */
#define ROUNDS 9
#define CHANGES 1000
#define BATCH_BYTES (4 << 20)

static uint32_t remote_of(unsigned int vif, unsigned int entry)
{
	return 0x0a000000u + vif * 1024 + entry;
}

/* ---- The limit: libnftnl, one transaction ---- */

struct raw {
	int fd;
	char *buf;
	struct mnl_nlmsg_batch *batch;
	uint32_t seq;
};

static void raw_open(struct raw *raw)
{
	int bytes = 32 << 20;

	raw->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (raw->fd < 0)
		bench_die("socket");
	setsockopt(raw->fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
	raw->buf = xcalloc(1, 2 * BATCH_BYTES);
}

static void raw_begin(struct raw *raw)
{
	raw->batch = mnl_nlmsg_batch_start(raw->buf, BATCH_BYTES);
	nftnl_batch_begin(mnl_nlmsg_batch_current(raw->batch), raw->seq++);
	mnl_nlmsg_batch_next(raw->batch);
}

static struct nlmsghdr *raw_message(struct raw *raw, uint16_t type, uint16_t flags)
{
	return nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(raw->batch), type, NFPROTO_INET, flags,
				     raw->seq++);
}

static void raw_commit(struct raw *raw)
{
	char answer[4096];

	nftnl_batch_end(mnl_nlmsg_batch_current(raw->batch), raw->seq++);
	mnl_nlmsg_batch_next(raw->batch);
	if (send(raw->fd, mnl_nlmsg_batch_head(raw->batch), mnl_nlmsg_batch_size(raw->batch), 0) <
	    0)
		bench_die("send");
	mnl_nlmsg_batch_stop(raw->batch);
	if (recv(raw->fd, answer, sizeof(answer), MSG_DONTWAIT) >= 0) {
		errno = -((struct nlmsgerr *)mnl_nlmsg_get_payload((void *)answer))->error;
		bench_die("raw transaction");
	}
}

static void raw_table(struct raw *raw, uint16_t type)
{
	struct nftnl_table *t = nftnl_table_alloc();

	nftnl_table_set_str(t, NFTNL_TABLE_NAME, "raw");
	raw_begin(raw);
	nftnl_table_nlmsg_build_payload(
		raw_message(raw, type, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0), t);
	mnl_nlmsg_batch_next(raw->batch);
	nftnl_table_free(t);
}

static struct nftnl_set *raw_set(void)
{
	static const uint8_t fields[] = { 4, 4, 1, 2 }; /* mark, address, protocol, port */
	struct nftnl_set *s = nftnl_set_alloc();

	nftnl_set_set_str(s, NFTNL_SET_TABLE, "raw");
	nftnl_set_set_str(s, NFTNL_SET_NAME, "acl");
	nftnl_set_set_u32(s, NFTNL_SET_FAMILY, NFPROTO_INET);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, 16);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, 0);
	nftnl_set_set_u32(s, NFTNL_SET_ID, 1);
	nftnl_set_set_u32(s, NFTNL_SET_FLAGS, NFT_SET_MAP | NFT_SET_CONCAT);
	nftnl_set_set_u32(s, NFTNL_SET_DATA_TYPE, NFT_DATA_VERDICT);
	nftnl_set_set_u32(s, NFTNL_SET_DATA_LEN, 0);
	nftnl_set_set_data(s, NFTNL_SET_DESC_CONCAT, fields, sizeof(fields));
	return s;
}

static void raw_prepare(struct raw *raw)
{
	struct nftnl_set *s = raw_set();

	raw_table(raw, NFT_MSG_NEWTABLE);
	nftnl_set_nlmsg_build_payload(raw_message(raw, NFT_MSG_NEWSET, NLM_F_CREATE), s);
	mnl_nlmsg_batch_next(raw->batch);
	raw_commit(raw);
	nftnl_set_free(s);
}

static void raw_element(struct nftnl_set *s, unsigned int vif, unsigned int entry)
{
	struct nftnl_set_elem *e = nftnl_set_elem_alloc();
	const struct {
		uint32_t mark, addr;
		uint8_t proto, pad1[3];
		uint16_t port, pad2;
	} key = { .mark = 0x400 + vif,
		  .addr = htonl(remote_of(vif, entry)),
		  .proto = IPPROTO_TCP,
		  .port = htons(443) };

	nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, &key, sizeof(key));
	nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_VERDICT, (uint32_t)NFT_RETURN);
	nftnl_set_elem_add(s, e);
}

static double raw_round(struct raw *raw)
{
	uint64_t begin;
	struct nftnl_set_elems_iter *iter;
	struct nftnl_set *s;
	double us;

	raw_prepare(raw);
	begin = bench_ns();
	s = raw_set();
	for (unsigned int v = 1; v <= VIFS; v++)
		for (unsigned int i = 0; i < ENTRIES; i++)
			raw_element(s, v, i);
	iter = nftnl_set_elems_iter_create(s);
	raw_begin(raw);
	for (int r = 1; r > 0;) {
		r = nftnl_set_elems_nlmsg_build_payload_iter(
			raw_message(raw, NFT_MSG_NEWSETELEM, NLM_F_CREATE), iter);
		mnl_nlmsg_batch_next(raw->batch);
	}
	raw_commit(raw);
	us = (double)(bench_ns() - begin) / 1e3;
	nftnl_set_elems_iter_destroy(iter);
	nftnl_set_free(s);
	raw_table(raw, NFT_MSG_DELTABLE);
	raw_commit(raw);
	return us;
}

/* ---- Ours ---- */

static void want_vif(struct dp *dp, unsigned int v, const struct zr_acl *acl)
{
	const struct ipaddr addr = { .family = AF_INET, .v4.s_addr = htonl(0x0a010000u + v) };
	struct zr_filter_vif vif = { .bridge = IFNAME("bn1"),
				     .instance = 1,
				     .number = v,
				     .mac = { { 2, 0, 0, 0, 0, (uint8_t)v } },
				     .addrs = &addr,
				     .n_addrs = 1,
				     .acl = acl };
	char scope[32];
	struct dp_graph *g;

	snprintf(scope, sizeof(scope), "app/%u", v);
	snprintf(vif.ifname.str, sizeof(vif.ifname.str), "nbu%ux%u", v, v);
	g = dp_graph_new(scope);
	zr_filter_vif(g, TABLE, &vif);
	if (dp_submit(dp, g) < 0)
		bench_die("submit");
}

/* As the handler of a changed configuration does it: list, elements, submit. */
static void want_list(struct dp *dp, unsigned int v, unsigned int n)
{
	static struct zr_ace aces[ENTRIES + 1];
	struct zr_acl *acl = NULL;

	for (unsigned int i = 0; i < n; i++)
		aces[i] = (struct zr_ace){
			.remote = { .addr = { .family = AF_INET,
					      .v4.s_addr = htonl(remote_of(v, i)) },
				    .len = 32 },
			.protocol = IPPROTO_TCP,
			.fport = { 443, 443 },
		};
	if (zr_acl_compile(aces, n, NULL, 0, NULL, &acl) < 0)
		bench_die("compile");
	want_vif(dp, v, acl);
	zr_acl_free(acl);
}

static void require_done(struct dp *dp, const char *what)
{
	struct dp_counts counts;

	dp_counts(dp, &counts);
	if (!dp_idle(dp) || counts.failed || counts.waiting) {
		dp_plan(dp, stderr);
		fprintf(stderr, "%s: not done\n", what);
		exit(EXIT_FAILURE);
	}
}

static double our_round(struct dp *dp)
{
	uint64_t begin = bench_ns();
	double us;

	for (unsigned int v = 1; v <= VIFS; v++)
		want_list(dp, v, ENTRIES);
	dp_run(dp);
	us = (double)(bench_ns() - begin) / 1e3;
	require_done(dp, "acl.10k");
	return us;
}

static void clear_lists(struct dp *dp)
{
	for (unsigned int v = 1; v <= VIFS; v++)
		want_vif(dp, v, NULL);
	dp_run(dp);
	require_done(dp, "clear");
}

static double one_change(struct dp *dp, unsigned int i)
{
	uint64_t begin = bench_ns();

	/* each interface in turn gets one more entry and next time loses it again */
	want_list(dp, 1 + i % VIFS, i / VIFS % 2 ? ENTRIES : ENTRIES + 1);
	dp_run(dp);
	return (double)(bench_ns() - begin) / 1e3;
}

/* ---- Rounds ---- */

/* An engine, and the app interfaces with no list yet. It goes again before the raw program runs:
 * while it listens for changes, the kernel has to tell it of the raw program's. */
static struct dp *start(struct event_base *base)
{
	const struct dp_conf conf = { .owner = "test", .run_dir = "/nonexistent", .netns_fd = -1 };
	struct dp_graph *g = dp_graph_new("zr/filter");
	struct dp *dp;

	if (dp_new(base, &conf, &dp) < 0 || dp_adopt(dp) < 0)
		bench_die("engine");
	zr_filter_base(g, TABLE);
	if (dp_submit(dp, g) < 0)
		bench_die("submit");
	clear_lists(dp);
	return dp;
}

static double our_rounds(struct event_base *base)
{
	struct dp *dp = start(base);
	double us = our_round(dp);

	clear_lists(dp);
	dp_free(dp);
	return us;
}

int main(void)
{
	double raw_us[ROUNDS], our_us[ROUNDS], one_us[CHANGES];
	struct event_base *base = event_base_new();
	struct raw raw = { 0 };
	struct dp *dp;

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		bench_die("unshare");
	raw_open(&raw);
	if (!base || unshare(CLONE_NEWNET) < 0)
		bench_die("unshare");
	for (int i = 0; i < ROUNDS; i++) {
		raw_us[i] = raw_round(&raw);
		our_us[i] = our_rounds(base);
	}
	bench_print_at_most("acl.10k", "us", bench_quantile(our_us, ROUNDS, 0.5),
			    bench_quantile(raw_us, ROUNDS, 0.5), 1.3);
	dp = start(base);
	our_round(dp);
	for (unsigned int i = 0; i < CHANGES; i++)
		one_us[i] = one_change(dp, i);
	require_done(dp, "acl.one");
	bench_print_at_most("acl.one", "us", bench_quantile(one_us, CHANGES, 0.5), 50, 1);
	dp_free(dp);
	event_base_free(base);
	free(raw.buf);
	close(raw.fd);
	return 0;
}
