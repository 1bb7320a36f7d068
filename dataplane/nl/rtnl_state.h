/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the rtnetlink backend; item types use rtnl.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "dataplane/dp.h"
#include "dataplane/nl/bond_state.h"
#include "dataplane/nl/link_counters.h"
#include "dataplane/nl/linktab.h"
#include "dataplane/nl/rtnl.h"

struct rtnl_carrier;
struct rtnl_monitor;

/* One sendmsg. Small enough that the notifications it causes fit the monitor's buffer, which is
 * emptied after each; larger brings nothing (the kernel's time is the limit). */
#define RTNL_CHUNK_SIZE (32 * 1024)
#define RTNL_SOCKET_BUFFER (8 * 1024 * 1024)

struct rtnl_chunk {
	size_t len;
	size_t messages;
	char buf[RTNL_CHUNK_SIZE];
};

struct rtnl_slot { /* an operation of the batch */
	struct dp_op *op;
	rtnl_then_fn *then;
	int err;
};

#define RTNL_NO_SLOT UINT32_MAX /* the group delete: of all doomed links */

struct rtnl_sent { /* a message of the batch, in order of sending */
	uint32_t slot;
	unsigned int accept;
};

struct rtnl_doomed { /* a link to remove */
	struct dp_op *op;
	uint32_t slot; /* once it is in the batch */
	uint32_t ifindex;
};

/*
 * Links in one group delete. The kernel holds its one big lock (RTNL) for about 20 ms a link with
 * ports, and whoever else wants something of it waits: a port that has to fail over, too. This
 * many cost a tenth more than all at once, and let the others in between.
 */
#define RTNL_DOOMED_AT_ONCE 64

#define RTNL_VECTOR(type)                                                                          \
	struct {                                                                                   \
		type *at;                                                                          \
		size_t count, size;                                                                \
	}

struct rtnl_batch {
	RTNL_VECTOR(struct rtnl_chunk *) chunks;
	RTNL_VECTOR(struct rtnl_slot) slots;
	RTNL_VECTOR(struct rtnl_sent) sent;
	RTNL_VECTOR(struct rtnl_doomed) doomed; /* of this batch */
	RTNL_VECTOR(int) fds;
	int group_err; /* of the group delete */
};

struct rtnl {
	struct dp *dp;
	int fd; /* requests and dumps */
	uint32_t seq; /* of the last message sent */
	uint32_t group, doomed_group; /* of our links; of those about to be removed */
	struct rtnl_batch batch; /* being filled */
	struct rtnl_batch spare; /* empty, keeps its memory for the next one */
	RTNL_VECTOR(struct rtnl_doomed) doomed; /* to be removed, the first next_doomed are */
	size_t next_doomed;
	struct event *more; /* the next of them */
	struct rtnl_monitor *monitor;
	struct rtnl_carrier *carrier;
	struct linktab links;
	link_farewell_fn *farewell; /* or NULL */
	void *farewell_arg;
	const struct bond_ops *bond_ops; /* or NULL */
	void *bond_arg;
	struct strbuf link_dump, nexthop_dump; /* messages of the dump under way */
};

struct rtnl *rtnl_state(const struct dp *dp);

/* rtnl_batch.c: appending */
void rtnl_batch_reset(struct rtnl_batch *b); /* closes fds, keeps a little memory */
void rtnl_batch_fini(struct rtnl_batch *b);
uint32_t rtnl_batch_slot(struct rtnl_batch *b, struct dp_op *op);
/* Room for one more message; rtnl_batch_commit() makes it part. */
struct nlmsghdr *rtnl_batch_put(struct rtnl_batch *b, uint16_t type, uint16_t flags,
				size_t header_len);
void rtnl_batch_commit(struct rtnl_batch *b, struct nlmsghdr *msg, uint32_t slot,
		       unsigned int accept);

void rtnl_batch_doom(struct rtnl_batch *b, const struct rtnl_doomed *doomed);

/* rtnl_send.c: sends and puts the kernel's answers into the slots. */
void rtnl_batch_send(struct rtnl *r, struct rtnl_batch *b);

/* monitor.c */
int rtnl_monitor_new(struct rtnl *r, struct rtnl_monitor **ret);
struct rtnl_monitor *rtnl_monitor_free(struct rtnl_monitor *m);
void rtnl_monitor_drain(struct rtnl_monitor *m); /* takes in all that waits in the socket */
/* A link went down or away, or an address: what the kernel drops with it without a word
 * (silent_loss of the observers) is read again at the end of the turn. */
void rtnl_monitor_lost(struct rtnl_monitor *m);
/* A link stopped running, or runs (again): what went with it (lost_with_links) is read again. */
void rtnl_monitor_running(struct rtnl_monitor *m, const struct ifname *ifname);
void rtnl_monitor_resync(struct rtnl_monitor *m, const struct rtnl_observer *observer);
