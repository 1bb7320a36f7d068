/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtnetlink messages, as the monitor and the dumps hand them to the observers: whatever they
 * hold, nothing is read beyond their end (each is copied into memory of just its length). The
 * engine is real, in a namespace of its own, and its loop does not turn.
 */
#include <assert.h>
#include <event2/event.h>
#include <sched.h>
#include <string.h>

#include "base/cleanup.h"
#include "dataplane/dp.h"
#include "dataplane/nl/nlsock.h"
#include "dataplane/nl/rtnl.h"

#define RUNS_PER_ENGINE 512 /* before it is made anew: the items seen add up */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct dp_backend *const backends[] = { &dp_rtnl_backend, NULL };
static struct event_base *base;
static struct dp *dp;
static unsigned int runs;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	assert(unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0);
	base = event_base_new();
	return base ? 0 : -1;
}

static void renew_engine(void)
{
	const struct dp_conf conf = {
		.owner = "test", .run_dir = "/nonexistent", .netns_fd = -1, .backends = backends
	};

	if (runs++ % RUNS_PER_ENGINE)
		return;
	dp_free(dp);
	assert(dp_new(base, &conf, &dp) == 0);
}

static void hand_over(const struct nlmsghdr *msg)
{
	_cleanup_(freep) struct nlmsghdr *copy = xcalloc(1, MNL_ALIGN(msg->nlmsg_len));
	const struct rtnl_observer *const *o;
	struct nlsock_ack ack;

	memcpy(copy, msg, msg->nlmsg_len);
	if (copy->nlmsg_type == NLMSG_ERROR && nlsock_parse_ack(copy, &ack) && ack.why)
		assert(strlen(ack.why) < copy->nlmsg_len);
	for (o = rtnl_observers; *o; o++) {
		if (copy->nlmsg_type == (*o)->msg_new)
			(*o)->seen(dp, copy);
		if (copy->nlmsg_type == (*o)->msg_del)
			(*o)->gone(dp, copy);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(freep) void *buf = xcalloc(1, size + 1);
	const struct nlmsghdr *msg = buf;
	int left = (int)size;

	memcpy(buf, data, size);
	renew_engine();
	/* The kernel's framing is believed, and libmnl compares lengths as signed. */
	for (; mnl_nlmsg_ok(msg, left) && msg->nlmsg_len <= size; msg = mnl_nlmsg_next(msg, &left))
		hand_over(msg);
	return 0;
}
