/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nftables' messages: what dumps hand to the observers, what is notified, and what a transaction
 * is answered with. The engine is real, in a namespace of its own; sockets of ours stand where its
 * netlink sockets were. An input is a row of messages, each NLMSG_DONE ends one datagram, and
 * answers get the number of the question: what is tried is their contents, not their order.
 */
#include <assert.h>
#include <event2/event.h>
#include <linux/netfilter.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "dataplane/items/nft.h"
#include "dataplane/nft/internal.h"

#define RUNS_PER_ENGINE 64 /* before it is made anew: the items seen add up */
#define DATAGRAMS 64 /* of one input; the socket holds more */
#define ROOM 16384 /* bytes of an input; the readers' buffers hold more */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct dp_backend *const backends[] = { &dp_nft_backend, NULL };
static const struct dp_type *const types[] = { &dp_nft_table_type, &dp_nft_set_type,
					       &dp_nft_chain_type, &dp_nft_elems_type, NULL };
static struct event_base *base;
static struct dp *dp;
static struct nft *nft;
static int answers, notices; /* our ends */
static unsigned int runs;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	assert(unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0);
	log_set_level(LOG_LEVEL_ERROR); /* notices are deaf, they come from us */
	base = event_base_new();
	return base ? 0 : -1;
}

/* Of this kind: it passes over the address that netlink wants with each send. */
static int replace(int fd)
{
	int pair[2];

	assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	assert(dup2(pair[1], fd) == fd);
	close(pair[1]);
	return pair[0];
}

static void renew_engine(void)
{
	const struct dp_conf conf = { .owner = "test",
				      .run_dir = "/nonexistent",
				      .netns_fd = -1,
				      .types = types,
				      .backends = backends };

	if (runs++ % RUNS_PER_ENGINE)
		return;
	if (dp) {
		close(answers);
		close(notices);
	}
	dp_free(dp);
	assert(dp_new(base, &conf, &dp) == 0);
	nft = nft_of(dp);
	answers = replace(nft->fd);
	notices = replace(nft->monitor_fd);
}

static void drop_all(int fd)
{
	char byte;

	while (recv(fd, &byte, 1, 0) >= 0)
		;
}

/* Sends the messages in datagrams; seq of each: first, for each further datagram step more. */
static void offer(int fd, struct nlmsghdr *msg, int left, uint32_t first, uint32_t step)
{
	uint32_t spread =
		step ? 1 : 8; /* answers to a transaction are to several of its messages */
	unsigned int n = 0;
	char *start;

	for (start = (char *)msg; mnl_nlmsg_ok(msg, left) && n < DATAGRAMS;
	     msg = mnl_nlmsg_next(msg, &left)) {
		msg->nlmsg_seq = first + n * step + msg->nlmsg_seq % spread;
		if (msg->nlmsg_type != NLMSG_DONE)
			continue;
		send(fd, start, (size_t)((char *)msg + MNL_ALIGN(msg->nlmsg_len) - start), 0);
		start = (char *)msg + MNL_ALIGN(msg->nlmsg_len);
		n++;
	}
}

static void observe_all(void)
{
	struct dp_nft_count counts[4];

	for (const struct dp_type *const *t = types; *t; t++) {
		dp_resync_begin(dp, *t);
		(*t)->observe(dp);
		dp_resync_end(dp, *t);
		drop_all(answers); /* the questions */
	}
	dp_nft_chain_counts(dp, NFPROTO_INET, "c", counts, ARRAY_SIZE(counts));
	drop_all(answers);
	dp_run(dp);
}

/* A transaction of two operations, whatever it is answered with. */
static void change(const uint8_t *data)
{
	struct dp_nft_table table = { .family = NFPROTO_INET, .name = "edgeway-test" };
	struct dp_nft_chain chain = { .family = NFPROTO_INET,
				      .table = "edgeway-test",
				      .name = { (char)('a' + data[0] % 16) } };
	struct dp_graph *g = dp_graph_new("fuzz");

	dp_want(g, &dp_nft_table_type, &table);
	dp_want(g, &dp_nft_chain_type, &chain);
	assert(dp_submit(dp, g) == 0);
	dp_run(dp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t buf[ROOM] __attribute__((__aligned__(8)));
	struct nlmsghdr *msg = (void *)buf;

	if (size < 4 + sizeof(*msg) || size - 4 > ROOM)
		return 0;
	memcpy(buf, data + 4, size - 4);
	/* The kernel's framing is believed, and libmnl compares lengths as signed. */
	for (int left = (int)size - 4; mnl_nlmsg_ok(msg, left); msg = mnl_nlmsg_next(msg, &left))
		if (msg->nlmsg_len > (size_t)left)
			return 0;
	renew_engine();
	msg = (void *)buf;
	if (data[0] % 2) {
		offer(answers, msg, (int)size - 4, nft->seq + 1, 1);
		observe_all();
	} else {
		nft->listening = data[1] % 2;
		offer(data[2] % 2 ? notices : answers, msg, (int)size - 4, nft->seq + 1, 0);
		change(data + 3);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	drop_all(nft->fd);
	drop_all(nft->monitor_fd);
	drop_all(answers);
	return 0;
}
