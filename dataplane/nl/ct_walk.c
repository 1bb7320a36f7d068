/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/nl/ct_walk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "base/cleanup.h"
#include "dataplane/nl/nlsock.h"

#define PIECE_BYTES 32768 /* the kernel fills no more (netlink_recvmsg()) */
#define REQUEST_BYTES 1024

struct ct_walk {
	struct ct_walk_conf conf;
	int fd, edit_fd; /* the dump's, one for each walk; what is done to flows. -1: not open */
	uint32_t seq;
	struct event *readable; /* of fd; NULL: no walk is under way */
	char *piece; /* likewise */
	struct ipaddr src, to; /* unset: any */
	int err; /* the first that was met with a flow; the others are looked at all the same */
};

static struct nlmsghdr *put_header(char *buf, struct ct_walk *w, uint16_t type, uint8_t family)
{
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	msg->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	msg->nlmsg_flags = NLM_F_REQUEST;
	msg->nlmsg_seq = ++w->seq;
	nfg = mnl_nlmsg_put_extra_header(msg, sizeof(*nfg));
	memset(nfg, 0, sizeof(*nfg));
	nfg->nfgen_family = family;
	return msg;
}

/* ---- Reading flows ---- */

struct attrs {
	const struct nlattr **tb;
	uint16_t max;
};

static int store(const struct nlattr *attr, void *arg)
{
	struct attrs *a = arg;

	if (mnl_attr_get_type(attr) <= a->max)
		a->tb[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static bool parse_nested(const struct nlattr *nest, const struct nlattr **tb, uint16_t max)
{
	struct attrs a = { tb, max };

	return nest && mnl_attr_parse_nested(nest, store, &a) == MNL_CB_OK;
}

static bool get_addr(const struct nlattr *v4, const struct nlattr *v6, struct ipaddr *ret)
{
	const struct nlattr *attr = v4 ?: v6;

	if (!attr || mnl_attr_get_payload_len(attr) != (v4 ? 4 : 16))
		return false;
	*ret = ipaddr_from(v4 ? AF_INET : AF_INET6, mnl_attr_get_payload(attr));
	return true;
}

static uint16_t get_port(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) == 2 ? ntohs(mnl_attr_get_u16(attr)) : 0;
}

static uint32_t get_u32(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) == 4 ? ntohl(mnl_attr_get_u32(attr)) : 0;
}

struct tuple {
	struct ipaddr src, dst;
	uint8_t protocol;
	uint16_t sport, dport;
};

static bool parse_tuple(const struct nlattr *nest, struct tuple *ret)
{
	const struct nlattr *tb[CTA_TUPLE_MAX + 1] = { 0 }, *ip[CTA_IP_MAX + 1] = { 0 };
	const struct nlattr *proto[CTA_PROTO_MAX + 1] = { 0 };

	if (!parse_nested(nest, tb, CTA_TUPLE_MAX) ||
	    !parse_nested(tb[CTA_TUPLE_IP], ip, CTA_IP_MAX) ||
	    !parse_nested(tb[CTA_TUPLE_PROTO], proto, CTA_PROTO_MAX) ||
	    !get_addr(ip[CTA_IP_V4_SRC], ip[CTA_IP_V6_SRC], &ret->src) ||
	    !get_addr(ip[CTA_IP_V4_DST], ip[CTA_IP_V6_DST], &ret->dst) || !proto[CTA_PROTO_NUM] ||
	    mnl_attr_get_payload_len(proto[CTA_PROTO_NUM]) != 1)
		return false;
	ret->protocol = mnl_attr_get_u8(proto[CTA_PROTO_NUM]);
	ret->sport = get_port(proto[CTA_PROTO_SRC_PORT]);
	ret->dport = get_port(proto[CTA_PROTO_DST_PORT]);
	return true;
}

static bool parse_flow(const struct nlattr *const *tb, struct ct_flow *ret)
{
	struct tuple orig, reply;

	if (!parse_tuple(tb[CTA_TUPLE_ORIG], &orig) || !parse_tuple(tb[CTA_TUPLE_REPLY], &reply))
		return false;
	*ret = (struct ct_flow){
		.src = orig.src,
		.dst = orig.dst,
		.to = reply.src,
		.protocol = orig.protocol,
		.sport = orig.sport,
		.dport = orig.dport,
		.to_port = reply.sport,
		.mark = get_u32(tb[CTA_MARK]),
		.mapped = get_u32(tb[CTA_STATUS]) & IPS_DST_NAT,
	};
	return true;
}

/* ---- Changing flows ---- */

static void copy_attr(struct nlmsghdr *msg, const struct nlattr *attr)
{
	if (attr)
		mnl_attr_put(msg, attr->nla_type, mnl_attr_get_payload_len(attr),
			     mnl_attr_get_payload(attr));
}

/* Of the flow told of in tb. One that is gone by now needs no change. */
static int edit(struct ct_walk *w, struct nlmsghdr *msg, const struct nlattr *const *tb)
{
	int r;

	copy_attr(msg, tb[CTA_TUPLE_ORIG]);
	copy_attr(msg, tb[CTA_ZONE]);
	copy_attr(msg, tb[CTA_ID]);
	if (w->edit_fd < 0)
		w->edit_fd = nlsock_open(-1, NETLINK_NETFILTER, 0);
	if (w->edit_fd < 0)
		return w->edit_fd;
	r = nlsock_request(w->edit_fd, msg, NULL, 0);
	return r == -ENOENT ? 0 : r;
}

static int forget(struct ct_walk *w, uint8_t family, const struct nlattr *const *tb)
{
	char buf[REQUEST_BYTES] __attribute__((__aligned__(NLMSG_ALIGNTO)));

	return edit(w, put_header(buf, w, IPCTNL_MSG_CT_DELETE, family), tb);
}

/* Without NLM_F_CREATE it is for a flow that is there: ctnetlink_new_conntrack(). */
static int set_mark(struct ct_walk *w, uint8_t family, const struct nlattr *const *tb,
		    uint32_t mark, uint32_t mask)
{
	char buf[REQUEST_BYTES] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct nlmsghdr *msg = put_header(buf, w, IPCTNL_MSG_CT_NEW, family);

	mnl_attr_put_u32(msg, CTA_MARK, htonl(mark & mask));
	mnl_attr_put_u32(msg, CTA_MARK_MASK, htonl(mask));
	return edit(w, msg, tb);
}

static bool is_asked_for(const struct ct_walk *w, const struct ct_flow *flow)
{
	return (!ipaddr_is_set(&w->src) || ipaddr_equal(&w->src, &flow->src)) &&
	       (!ipaddr_is_set(&w->to) || ipaddr_equal(&w->to, &flow->to));
}

static void take_flow(struct ct_walk *w, const struct nlmsghdr *msg)
{
	const struct nlattr *tb[CTA_MAX + 1] = { 0 };
	struct attrs a = { tb, CTA_MAX };
	struct ct_flow flow;
	uint32_t mark;
	int r = 0;

	if (mnl_attr_parse(msg, sizeof(struct nfgenmsg), store, &a) != MNL_CB_OK ||
	    !parse_flow(tb, &flow) || !is_asked_for(w, &flow))
		return;
	mark = flow.mark;
	if (!w->conf.look(&flow, &mark, w->conf.arg))
		r = forget(w, flow.src.family, tb);
	else if (mark != flow.mark)
		r = set_mark(w, flow.src.family, tb, mark, mark ^ flow.mark);
	if (r < 0 && w->err == 0)
		w->err = r;
}

/* ---- The walk ---- */

static void stop(struct ct_walk *w)
{
	if (w->readable)
		event_free(w->readable);
	w->readable = NULL;
	closep(&w->fd);
	w->fd = -1;
	free(w->piece);
	w->piece = NULL;
}

static void finish(struct ct_walk *w, int err)
{
	stop(w);
	w->conf.done(err, w->conf.arg); /* w may be gone */
}

/* 0: more to come; 1: that was the end; -errno. */
static int take_message(struct ct_walk *w, const struct nlmsghdr *msg)
{
	struct nlsock_ack ack;
	int err = 0;

	if (msg->nlmsg_type == NLMSG_DONE) {
		if (mnl_nlmsg_get_payload_len(msg) >= sizeof(err))
			memcpy(&err, mnl_nlmsg_get_payload(msg), sizeof(err));
		return err < 0 ? err : 1;
	}
	if (msg->nlmsg_type == NLMSG_ERROR)
		return nlsock_parse_ack(msg, &ack) && ack.err ? ack.err : -EBADMSG;
	take_flow(w, msg);
	return 0;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct ct_walk *w = arg;
	const struct nlmsghdr *msg = (const void *)w->piece;
	ssize_t n = recv(fd, w->piece, PIECE_BYTES, MSG_DONTWAIT);
	int r = 0, len = (int)n;

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		r = -errno;
	for (; r == 0 && mnl_nlmsg_ok(msg, len); msg = mnl_nlmsg_next(msg, &len))
		r = take_message(w, msg);
	if (r)
		finish(w, r < 0 ? r : w->err);
}

struct ct_walk *ct_walk_new(const struct ct_walk_conf *conf)
{
	struct ct_walk *w = xcalloc(1, sizeof(*w));

	w->conf = *conf;
	w->fd = w->edit_fd = -1;
	return w;
}

struct ct_walk *ct_walk_free(struct ct_walk *w)
{
	if (!w)
		return NULL;
	stop(w);
	closep(&w->edit_fd);
	free(w);
	return NULL;
}

/* Which flows: the source of one direction's tuple (ctnetlink_alloc_filter()). */
static void put_filter(struct nlmsghdr *msg, uint16_t tuple, const struct ipaddr *src)
{
	struct nlattr *nest, *ip;

	if (!src)
		return;
	nest = mnl_attr_nest_start(msg, tuple);
	ip = mnl_attr_nest_start(msg, CTA_TUPLE_IP);
	mnl_attr_put(msg, CTA_IP_V4_SRC, sizeof(src->v4), &src->v4);
	mnl_attr_nest_end(msg, ip);
	mnl_attr_nest_end(msg, nest);
}

static int ask(struct ct_walk *w, int family, const struct ipaddr *src, const struct ipaddr *to)
{
	const uint32_t by_source = 1; /* CTA_FILTER_FLAG(CTA_IP_SRC) of the kernel */
	char buf[REQUEST_BYTES] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct nlmsghdr *msg = put_header(buf, w, IPCTNL_MSG_CT_GET, (uint8_t)family);
	struct nlattr *nest;

	msg->nlmsg_flags |= NLM_F_DUMP;
	if (w->conf.mask) {
		mnl_attr_put_u32(msg, CTA_MARK, htonl(w->conf.mark));
		mnl_attr_put_u32(msg, CTA_MARK_MASK, htonl(w->conf.mask));
	}
	/* Of IPv6 addresses the kernel leaves out those that match, of 5.8 to 6.18 at least
	 * (ctnetlink_filter_match_tuple()): it is not asked to. */
	if (family == AF_INET && (src || to)) {
		put_filter(msg, CTA_TUPLE_ORIG, src);
		put_filter(msg, CTA_TUPLE_REPLY, to);
		nest = mnl_attr_nest_start(msg, CTA_FILTER);
		mnl_attr_put_u32(msg, CTA_FILTER_ORIG_FLAGS, src ? by_source : 0);
		mnl_attr_put_u32(msg, CTA_FILTER_REPLY_FLAGS, to ? by_source : 0);
		mnl_attr_nest_end(msg, nest);
	}
	return nlsock_send(w->fd, msg, msg->nlmsg_len);
}

int ct_walk_start(struct ct_walk *w, int family, const struct ipaddr *src, const struct ipaddr *to)
{
	int r;

	if (w->readable)
		return -EBUSY;
	/* Its own socket: what is left of a walk that was given up is nobody's. */
	w->fd = nlsock_open(-1, NETLINK_NETFILTER, 0);
	if (w->fd < 0)
		return w->fd;
	w->readable = event_new(w->conf.base, w->fd, EV_READ | EV_PERSIST, on_readable, w);
	w->piece = xcalloc(1, PIECE_BYTES);
	w->src = src ? *src : (struct ipaddr){ 0 };
	w->to = to ? *to : (struct ipaddr){ 0 };
	w->err = 0;
	r = w->readable && event_add(w->readable, NULL) == 0 ? ask(w, family, src, to) : -ENOMEM;
	if (r < 0)
		stop(w);
	return r;
}
