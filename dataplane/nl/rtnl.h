/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rtnetlink backend: how item types speak with the kernel's network configuration.
 *
 * An operation appends messages to the batch of the wave:
 *
 *	struct nlmsghdr *msg = rtnl_begin(op, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE,
 *					  sizeof(struct ifaddrmsg));
 *	struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(msg);
 *
 *	ifa->ifa_index = rtnl_ifindex(dp_op_dp(op), &addr->ifname);
 *	mnl_attr_put_u32(msg, IFA_LOCAL, …);
 *	return rtnl_end(op, msg, RTNL_EXISTS_OK);
 *
 * and dp_op_done() follows from the flush, when the kernel has answered all messages of op. What
 * exists comes back through observers: one table entry per kind of kernel message.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "base/addr.h"
#include "dataplane/dp.h"

extern const struct dp_backend dp_rtnl_backend;

/* ---- Messages of an operation ---- */

#define RTNL_MSG_MAX 8192 /* bytes one message may take */

enum rtnl_accept { /* answers of the kernel that are no failure of this message */
		   RTNL_EXISTS_OK = 1 << 0, /* -EEXIST */
		   RTNL_ABSENT_OK = 1 << 1, /* -ENODEV, -ESRCH, -ENOENT, -ENXIO, -EADDRNOTAVAIL */
		   RTNL_DOWN_OK = 1 << 2, /* -ENETDOWN */
};

/*
 * Starts a message: NLM_F_REQUEST is set beside flags, header_len bytes of family header follow
 * zeroed (mnl_nlmsg_get_payload()). Never fails; the pointer is good until rtnl_end(), before
 * which no other message is begun. A message that was begun and not ended is simply not sent.
 */
struct nlmsghdr *rtnl_begin(struct dp_op *op, uint16_t type, uint16_t flags, size_t header_len);

/* Makes it part of op; one op may have several, sent in this order. The first that fails is the
 * failure of op (the others are sent all the same). Returns -EINPROGRESS, and so must the item
 * type's hook from now on: the answer is on its way. */
int rtnl_end(struct dp_op *op, struct nlmsghdr *msg, unsigned int accept);

/* Instead of dp_op_done() for op, whose messages are answered: err and the kernel's words are
 * handed over, and fn calls dp_op_done(), now or later. After the last rtnl_end() of op. */
typedef void rtnl_then_fn(struct dp_op *op, int err);
void rtnl_then(struct dp_op *op, rtnl_then_fn *fn);

/* Takes fd and closes it after the flush: for IFLA_NET_NS_FD and the like. */
void rtnl_keep_fd(struct dp *dp, int fd);

/*
 * Removes a link. Links go together, in group deletes of up to RTNL_DOOMED_AT_ONCE (IFLA_GROUP,
 * then RTM_DELLINK by group), because the kernel waits for RCU grace periods per request; further
 * ones in the next turns of the loop, so give the type a timeout_ms of LINK_TIMEOUT_MS. An absent
 * link is success. Returns -EINPROGRESS.
 */
#define LINK_TIMEOUT_MS (10 * 60 * 1000)
int rtnl_remove_link(struct dp_op *op, uint32_t ifindex);

/* ---- At once, outside of the batch ---- */

/* A message in buf of size bytes (RTNL_MSG_MAX), for rtnl_request() and rtnl_dump(). */
struct nlmsghdr *rtnl_prepare(void *buf, uint16_t type, uint16_t flags, size_t header_len);

/* Sends one message and reads its answer: 0 or the kernel's -errno. why may be NULL. */
int rtnl_request(struct dp *dp, struct nlmsghdr *msg, char *why, size_t why_size);

/* As rtnl_request(), for questions: the reply, one message, replaces msg in its buffer of size
 * bytes (-EMSGSIZE: it does not fit). */
int rtnl_ask(struct dp *dp, struct nlmsghdr *msg, size_t size);

typedef void rtnl_msg_fn(struct dp *dp, const struct nlmsghdr *msg);

/*
 * Dumps (NLM_F_DUMP is set here) and calls fn for each object. Strict checking is on: the kernel
 * filters by the family header and attributes of msg where it knows how. A dump the kernel says
 * was interrupted by a change is repeated: fn may see an object twice. -EAGAIN: it never became
 * quiet.
 */
int rtnl_dump(struct dp *dp, struct nlmsghdr *msg, rtnl_msg_fn *fn);

/* ---- What exists ---- */

#define RTNL_GROUPS 4 /* multicast groups of one observer, at most */

/*
 * One kind of kernel object, watched by multicast groups and read by dumps; dataplane/nl/
 * observers.c lists all. seen() and gone() get each notification; they check ownership and call
 * dp_observed() / dp_gone(). dump() calls rtnl_dump(…, seen) and is the observe hook of the
 * (first) type too. After an overrun of the notification socket every type in types is resynced
 * by dp_resync_begin(), dump(), dp_resync_end().
 */
struct rtnl_observer {
	const char *name;
	uint16_t msg_new, msg_del; /* RTM_NEWADDR, RTM_DELADDR */
	uint8_t groups[RTNL_GROUPS]; /* RTNLGRP_*, 0-terminated when fewer */
	const struct dp_type *const *types; /* NULL-terminated */
	/* The kernel drops some of them without a message when a link goes down or an address
	 * goes, as it does IPv4 routes (fib_sync_down_dev() in net/ipv4/fib_semantics.c): then
	 * they are read again. */
	bool silent_loss;
	/* … when a link stops running, as it does next hops (nexthop_flush_dev() in
	 * net/ipv4/nexthop.c): read again when such a link stops or runs again. Asked at the end of
	 * the turn, with the names of those that did: does anything known need one of them? */
	bool (*lost_with_links)(const struct dp *dp, const struct ifname *ifnames, size_t n);
	int (*dump)(struct dp *dp);
	rtnl_msg_fn *seen;
	rtnl_msg_fn *gone;
};
extern const struct rtnl_observer *const rtnl_observers[]; /* NULL-terminated */

/* Another dump of what this observer watches, at the end of the loop's turn: for changes the
 * kernel makes without a word. Many calls, one dump. */
void rtnl_resync(struct dp *dp, const struct rtnl_observer *observer);

/* Interface name and index as last told by the kernel. 0: there is none of that name. */
uint32_t rtnl_ifindex(const struct dp *dp, const struct ifname *ifname);
/* false: unknown (in another namespace, gone). */
bool rtnl_ifname(const struct dp *dp, uint32_t ifindex, struct ifname *ret);

/* ---- Attributes ---- */

/* Parses the attributes behind a family header of header_len bytes into tb[0..max], by type
 * without nested and byte order bits; unknown ones are passed over. */
void rtnl_attrs(const struct nlmsghdr *msg, size_t header_len, const struct nlattr **tb,
		uint16_t max);
void rtnl_nested(const struct nlattr *nest, const struct nlattr **tb, uint16_t max);
/* Numbers of an attribute; 0 when it is absent or too short. */
uint8_t rtnl_u8(const struct nlattr *attr);
uint16_t rtnl_u16(const struct nlattr *attr);
uint32_t rtnl_u32(const struct nlattr *attr);
/* Text of an attribute, NUL-terminated in buf even when it is not in the message. */
void rtnl_str(const struct nlattr *attr, char *buf, size_t size);

/* As mnl_attr_put(): the bytes of an address, by its family (4 or 16). */
void rtnl_put_ipaddr(struct nlmsghdr *msg, uint16_t type, const struct ipaddr *addr);
/* family: of the message's header. Unset when attr is absent or of another length. */
struct ipaddr rtnl_ipaddr(const struct nlattr *attr, uint8_t family);
