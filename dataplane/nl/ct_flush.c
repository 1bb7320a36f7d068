/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/nl/ct_flush.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <string.h>

#include <libmnl/libmnl.h>

#include "base/cleanup.h"
#include "dataplane/nl/nlsock.h"

#define ORDERS_MAX 8192 /* far beyond what there are ports and instances for */

struct ct_flush {
	struct ct_flush_conf conf;
	int fd; /* -1: not open yet */
	uint32_t seq;
	struct event *turn;
	struct ct_flush_order *order;
	unsigned int count, size;
};

/*
 * Version 1 makes the kernel look at the family, and mark and mask at the mark
 * (ctnetlink_del_conntrack(), ctnetlink_needs_filter() in net/netfilter/nf_conntrack_netlink.c): a
 * request with neither would forget all there is.
 */
static int flush(struct ct_flush *f, const struct ct_flush_order *order)
{
	char buf[128] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	if (f->fd < 0)
		f->fd = nlsock_open(-1, NETLINK_NETFILTER, 0);
	if (f->fd < 0)
		return f->fd;
	msg->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	msg->nlmsg_flags = NLM_F_REQUEST;
	msg->nlmsg_seq = ++f->seq;
	nfg = mnl_nlmsg_put_extra_header(msg, sizeof(*nfg));
	nfg->nfgen_family = order->family;
	nfg->version = 1;
	mnl_attr_put_u32(msg, CTA_MARK, htonl(order->mark));
	mnl_attr_put_u32(msg, CTA_MARK_MASK, htonl(order->mask));
	return nlsock_request(f->fd, msg, NULL, 0);
}

static void remove_at(struct ct_flush *f, unsigned int i)
{
	memmove(&f->order[i], &f->order[i + 1], (--f->count - i) * sizeof(f->order[0]));
}

static void again(struct ct_flush *f)
{
	const struct timeval now = { 0 }; /* a timer: what is readable goes first */

	if (f->count && !event_pending(f->turn, EV_TIMEOUT, NULL))
		event_add(f->turn, &now);
}

void ct_flush_run(struct ct_flush *f, unsigned int count)
{
	struct ct_flush_order order;
	int r;

	for (; count && f->count; count--) {
		order = f->order[0];
		remove_at(f, 0);
		r = flush(f, &order);
		if (r < 0 && r != -ENOENT && f->conf.failed)
			f->conf.failed(&order, r, f->conf.arg);
	}
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	ct_flush_run(arg, 1);
	again(arg);
}

struct ct_flush *ct_flush_new(const struct ct_flush_conf *conf)
{
	struct ct_flush *f = xcalloc(1, sizeof(*f));

	f->conf = *conf;
	f->fd = -1;
	f->turn = evtimer_new(conf->base, on_turn, f);
	if (!f->turn)
		return ct_flush_free(f);
	return f;
}

struct ct_flush *ct_flush_free(struct ct_flush *f)
{
	if (!f)
		return NULL;
	if (f->turn)
		event_free(f->turn);
	closep(&f->fd);
	free(f->order);
	free(f);
	return NULL;
}

void ct_flush_order(struct ct_flush *f, const struct ct_flush_order *order)
{
	for (unsigned int i = 0; i < f->count; i++)
		if (f->order[i].family == order->family && f->order[i].mark == order->mark &&
		    f->order[i].mask == order->mask)
			return;
	if (f->count == ORDERS_MAX) {
		if (f->conf.failed)
			f->conf.failed(order, -ENOBUFS, f->conf.arg);
		return;
	}
	if (f->count == f->size) {
		f->size = f->size ? 2 * f->size : 16;
		f->order = xrealloc(f->order, f->size, sizeof(*f->order));
	}
	f->order[f->count++] = *order;
	again(f);
}

void ct_flush_cancel(struct ct_flush *f, uint8_t family, uint32_t mark, uint32_t mask)
{
	for (unsigned int i = f->count; i-- > 0;) {
		const struct ct_flush_order *o = &f->order[i];

		if (o->family == family && (o->mask & mask) == mask && (o->mark & mask) == mark)
			remove_at(f, i);
	}
}
