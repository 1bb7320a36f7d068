/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/nl/rtnl.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "dataplane/items/link.h"
#include "dataplane/mark.h"
#include "dataplane/nl/carrier_state.h"
#include "dataplane/nl/link_msg.h"
#include "dataplane/nl/nlsock.h"
#include "dataplane/nl/rtnl_state.h"

/* Links about to be removed change into the owner's group plus this. */
#define DOOMED_GROUP 10000

struct rtnl *rtnl_state(const struct dp *dp)
{
	return dp_backend_state(dp, &dp_rtnl_backend);
}

uint32_t rtnl_ifindex(const struct dp *dp, const struct ifname *ifname)
{
	const struct dp_link *link = dp_have(dp, &dp_link_type, ifname->str);

	return link ? link->ifindex : 0;
}

bool rtnl_ifname(const struct dp *dp, uint32_t ifindex, struct ifname *ret)
{
	const struct link_row *row = linktab_get(&rtnl_state(dp)->links, ifindex);

	if (!row)
		return false;
	*ret = row->ifname;
	return true;
}

void rtnl_resync(struct dp *dp, const struct rtnl_observer *observer)
{
	rtnl_monitor_resync(rtnl_state(dp)->monitor, observer);
}

/* ip link delete group GROUP */
static void put_group_delete(struct rtnl *r, struct rtnl_batch *b)
{
	struct nlmsghdr *msg;

	msg = rtnl_batch_put(b, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_u32(msg, IFLA_GROUP, r->doomed_group);
	rtnl_batch_commit(b, msg, RTNL_NO_SLOT, RTNL_ABSENT_OK);
}

/* ip link delete NAME */
static void put_delete(struct rtnl_batch *b, const struct rtnl_doomed *d)
{
	struct nlmsghdr *msg = rtnl_batch_put(b, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(msg);

	ifi->ifi_index = d->ifindex;
	rtnl_batch_commit(b, msg, d->slot, RTNL_ABSENT_OK);
}

/* ip link set NAME group GROUP, for each; then one delete */
static void put_doomed(struct rtnl *r, struct rtnl_batch *b)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *msg;
	size_t i;

	if (b->doomed.count == 1) {
		put_delete(b, &b->doomed.at[0]);
		return;
	}
	for (i = 0; i < b->doomed.count; i++) {
		msg = rtnl_batch_put(b, RTM_SETLINK, 0, sizeof(struct ifinfomsg));
		ifi = mnl_nlmsg_get_payload(msg);
		ifi->ifi_index = b->doomed.at[i].ifindex;
		mnl_attr_put_u32(msg, IFLA_GROUP, r->doomed_group);
		rtnl_batch_commit(b, msg, b->doomed.at[i].slot, RTNL_ABSENT_OK);
	}
	if (b->doomed.count)
		put_group_delete(r, b);
}

/* The kernel refuses a group with a member it cannot delete: then each for itself. */
static void delete_one_by_one(struct rtnl *r, struct rtnl_batch *b)
{
	struct rtnl_batch again = { .slots = b->slots }; /* errors go where they belong */
	size_t i;

	for (i = 0; i < b->doomed.count; i++)
		if (!b->slots.at[b->doomed.at[i].slot].err)
			put_delete(&again, &b->doomed.at[i]);
	rtnl_batch_send(r, &again);
	memset(&again.slots, 0, sizeof(again.slots));
	rtnl_batch_fini(&again);
}

static void complete(struct rtnl_batch *b)
{
	size_t i;

	for (i = 0; i < b->slots.count; i++) {
		struct rtnl_slot slot = b->slots.at[i];

		if (slot.then)
			slot.then(slot.op, slot.err);
		else
			dp_op_done(slot.op, slot.err);
	}
}

static void take_doomed(struct rtnl *r, struct rtnl_batch *b)
{
	size_t n = 0;

	while (r->next_doomed < r->doomed.count && n++ < RTNL_DOOMED_AT_ONCE)
		rtnl_batch_doom(b, &r->doomed.at[r->next_doomed++]);
	if (r->next_doomed < r->doomed.count)
		event_active(r->more, EV_TIMEOUT, 0);
	else
		r->next_doomed = r->doomed.count = 0;
}

static void rtnl_flush(void *state)
{
	struct rtnl *r = state;
	struct rtnl_batch b;

	if (!r->batch.slots.count && !r->doomed.count)
		return;
	/* Completing an operation may append the next one's messages. */
	b = r->batch;
	r->batch = r->spare;
	r->spare = (struct rtnl_batch){ 0 };
	take_doomed(r, &b);
	put_doomed(r, &b);
	rtnl_batch_send(r, &b);
	if (b.group_err)
		delete_one_by_one(r, &b);
	complete(&b);
	rtnl_batch_reset(&b);
	rtnl_batch_fini(&r->spare);
	r->spare = b;
}

static void more_doomed(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	rtnl_flush(arg);
}

static bool makes_links(const struct dp *dp)
{
	for (size_t i = 0; link_kinds[i]; i++)
		if (dp_manages(dp, link_kinds[i]->type))
			return true;
	return false;
}

/* What a previous run was killed at: links it had already doomed. */
static void finish_removal(struct rtnl *r)
{
	char buf[RTNL_MSG_MAX] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct nlmsghdr *msg;

	msg = rtnl_prepare(buf, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_u32(msg, IFLA_GROUP, r->doomed_group);
	msg->nlmsg_seq = ++r->seq;
	/* No answer is asked for; -ENODEV, the rule, is passed over by the next reader. */
	nlsock_send(r->fd, msg, msg->nlmsg_len);
}

static void rtnl_close(void *state)
{
	struct rtnl *r = state;

	if (!r)
		return;
	rtnl_monitor_free(r->monitor);
	rtnl_carrier_free(r->carrier);
	if (r->more)
		event_free(r->more);
	free(r->doomed.at);
	rtnl_batch_fini(&r->batch);
	rtnl_batch_fini(&r->spare);
	linktab_fini(&r->links);
	strbuf_fini(&r->link_dump);
	strbuf_fini(&r->nexthop_dump);
	closep(&r->fd);
	free(r);
}

static void rtnl_closep(struct rtnl **r)
{
	rtnl_close(*r);
}

static int rtnl_open(struct dp *dp, void **ret_state)
{
	_cleanup_(rtnl_closep) struct rtnl *r = xcalloc(1, sizeof(*r));
	int err;

	r->dp = dp;
	r->group = dp_mark(dp_conf(dp)->owner)->link_group;
	r->doomed_group = r->group + DOOMED_GROUP;
	linktab_init(&r->links);
	r->fd = nlsock_open(dp_conf(dp)->netns_fd, NETLINK_ROUTE, RTNL_SOCKET_BUFFER);
	if (r->fd < 0)
		return r->fd;
	if (makes_links(dp))
		finish_removal(r);
	r->more = evtimer_new(dp_base(dp), more_doomed, r);
	if (!r->more)
		return -ENOMEM;
	err = rtnl_carrier_new(r, &r->carrier);
	if (err == 0)
		err = rtnl_monitor_new(r, &r->monitor);
	if (err < 0)
		return err;
	*ret_state = take_ptr(r);
	return 0;
}

const struct dp_backend dp_rtnl_backend = {
	.name = "rtnl",
	.open = rtnl_open,
	.flush = rtnl_flush,
	.close = rtnl_close,
};
