/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ear on the kernel: one socket in the multicast groups of all observers, each message handed
 * to the observer of its type.
 *
 * A reader that lost messages (ENOBUFS) knows nothing any more until it has read everything
 * again; so does one whose dump was disturbed. Both are repeated with back-off: on a machine that
 * changes faster than we read, dumping without pause would only add to the load. What news that did
 * come in make an observer read again does not wait for that.
 */
#include <errno.h>
#include <event2/event.h>
#include <linux/fib_rules.h>
#include <linux/filter.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mono.h"
#include "dataplane/mark.h"
#include "dataplane/nl/nlsock.h"
#include "dataplane/nl/rtnl_state.h"

#define AT_ONCE 8
#define MESSAGE_SIZE (16 * 1024)
#define BACKOFF_FIRST_MS 10
#define BACKOFF_MAX_MS 1000
#define CALM_MS 2000 /* without another resync: the next one need not wait */
#define CHANGED_LINKS 64 /* of one turn; more of them: as if everything needed one */

struct rtnl_monitor {
	struct rtnl *r;
	int fd;
	struct event *readable;
	struct event *resync, *retry;
	uint32_t used; /* bit n: rtnl_observers[n] has a type of this engine's */
	uint32_t due; /* bit n: rtnl_observers[n] is to be dumped at the end of the turn */
	uint32_t held; /* the same when the back-off ends */
	struct ifname changed[CHANGED_LINKS]; /* they stopped running, or run again */
	size_t changed_count;
	unsigned int backoff_ms;
	struct mono last_overrun;
};

static unsigned int next_delay(struct rtnl_monitor *m)
{
	struct mono now = mono_now();
	unsigned int delay_ms;

	if (!m->last_overrun.ns || mono_diff_ms(now, m->last_overrun) > CALM_MS)
		m->backoff_ms = 0;
	m->last_overrun = now;
	delay_ms = m->backoff_ms;
	m->backoff_ms = delay_ms ? delay_ms * 2 : BACKOFF_FIRST_MS;
	if (m->backoff_ms > BACKOFF_MAX_MS)
		m->backoff_ms = BACKOFF_MAX_MS;
	return delay_ms;
}

static void read_soon(struct rtnl_monitor *m, uint32_t observers)
{
	m->due |= observers;
	event_add(m->resync, &(struct timeval){ 0 });
}

static void read_later(struct rtnl_monitor *m, uint32_t observers)
{
	unsigned int delay_ms = next_delay(m);
	const struct timeval tv = { .tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000 };

	if (!delay_ms) {
		read_soon(m, observers);
		return;
	}
	m->held |= observers;
	if (!event_pending(m->retry, EV_TIMEOUT, NULL))
		event_add(m->retry, &tv);
}

static void overrun(struct rtnl_monitor *m)
{
	read_later(m, m->used);
}

static int resync_one(struct rtnl_monitor *m, const struct rtnl_observer *o)
{
	const struct dp_type *const *type;
	int err;

	for (type = o->types; *type; type++)
		dp_resync_begin(m->r->dp, *type);
	err = o->dump(m->r->dp);
	if (err < 0)
		return err;
	for (type = o->types; *type; type++)
		dp_resync_end(m->r->dp, *type);
	return 0;
}

/* Observers of what went with the links that changed. */
static uint32_t lost_with_links(struct rtnl_monitor *m)
{
	uint32_t lost = 0;

	for (size_t i = 0; m->changed_count && rtnl_observers[i]; i++) {
		const struct rtnl_observer *o = rtnl_observers[i];

		if (!(m->used & 1u << i) || !o->lost_with_links)
			continue;
		if (m->changed_count > CHANGED_LINKS ||
		    o->lost_with_links(m->r->dp, m->changed, m->changed_count))
			lost |= 1u << i;
	}
	m->changed_count = 0;
	return lost;
}

static void resync(evutil_socket_t fd, short what, void *arg)
{
	struct rtnl_monitor *m = arg;
	uint32_t due, failed = 0;

	(void)fd;
	(void)what;
	/* Older news first: they must not be told after what the dump says. */
	rtnl_monitor_drain(m);
	due = m->due | lost_with_links(m);
	m->due = 0;
	m->held &= ~due;
	for (size_t i = 0; rtnl_observers[i]; i++)
		if (due & 1u << i && resync_one(m, rtnl_observers[i]) < 0)
			failed |= 1u << i;
	if (failed)
		read_later(m, failed);
}

static void retry(evutil_socket_t fd, short what, void *arg)
{
	struct rtnl_monitor *m = arg;

	m->due |= m->held;
	resync(fd, what, m);
}

void rtnl_monitor_resync(struct rtnl_monitor *m, const struct rtnl_observer *observer)
{
	for (size_t i = 0; rtnl_observers[i]; i++)
		if (rtnl_observers[i] == observer && m->used & 1u << i)
			read_soon(m, 1u << i);
}

void rtnl_monitor_lost(struct rtnl_monitor *m)
{
	size_t i;

	for (i = 0; rtnl_observers[i]; i++)
		if (rtnl_observers[i]->silent_loss)
			rtnl_monitor_resync(m, rtnl_observers[i]);
}

void rtnl_monitor_running(struct rtnl_monitor *m, const struct ifname *ifname)
{
	if (m->changed_count < CHANGED_LINKS)
		m->changed[m->changed_count] = *ifname;
	if (m->changed_count <= CHANGED_LINKS)
		m->changed_count++;
	read_soon(m, 0);
}

static void dispatch(struct rtnl_monitor *m, const struct nlmsghdr *msg)
{
	const struct rtnl_observer *o;
	size_t i;

	for (i = 0; (o = rtnl_observers[i]); i++) {
		if (!(m->used & 1u << i))
			continue;
		if (msg->nlmsg_type == o->msg_new) {
			o->seen(m->r->dp, msg);
		} else if (msg->nlmsg_type == o->msg_del) {
			o->gone(m->r->dp, msg);
			if (msg->nlmsg_type == RTM_DELADDR)
				rtnl_monitor_lost(m);
		}
	}
}

/* Returns the number of datagrams, 0: empty, or -errno. */
static int receive(struct rtnl_monitor *m)
{
	/* Of all engines of the process: what is read is handed on before the next read. */
	static char buf[AT_ONCE][MESSAGE_SIZE] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct mmsghdr vec[AT_ONCE];
	struct iovec iov[AT_ONCE];
	int i, n, left;

	for (i = 0; i < AT_ONCE; i++) {
		iov[i] = (struct iovec){ .iov_base = buf[i], .iov_len = MESSAGE_SIZE };
		vec[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov[i], .msg_iovlen = 1 } };
	}
	n = recvmmsg(m->fd, vec, AT_ONCE, MSG_DONTWAIT, NULL);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	for (i = 0; i < n; i++) {
		const struct nlmsghdr *msg = (const struct nlmsghdr *)buf[i];

		if (vec[i].msg_hdr.msg_flags & MSG_TRUNC)
			overrun(m);
		for (left = vec[i].msg_len; mnl_nlmsg_ok(msg, left);
		     msg = mnl_nlmsg_next(msg, &left))
			dispatch(m, msg);
	}
	return n;
}

void rtnl_monitor_drain(struct rtnl_monitor *m)
{
	int n;

	do {
		n = receive(m);
		if (n == -ENOBUFS)
			overrun(m); /* and read on what is there */
	} while (n == AT_ONCE || n == -EINTR || n == -ENOBUFS);
}

static void readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	rtnl_monitor_drain(arg);
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NET16(x) __builtin_bswap16(x)
#else
#define NET16(x) (x)
#endif

/* A permanent neighbour of a link that is set down goes as NOARP when it is in use: that is
 * noticed by the link (rtnl_monitor_lost()). */
#define NUD_AGEING (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_NOARP)

/*
 * What nobody here asks for need not wake us up: neighbours that come and go with the traffic and
 * learned MAC addresses (the same messages, of AF_BRIDGE), for only permanent and proxy entries
 * are items; the routes the kernel makes for itself, eight for each new link; and what others route by
 * rules and tables of their own. BPF loads in network order, hence NET16().
 */
static void filter_noise(int fd, uint8_t ours)
{
	enum {
		TYPE = 4,
		FAMILY = 16,
		STATE = 24,
		FLAGS = 26,
		TABLE = 20,
		PROTOCOL = 21,
		RULE_ATTRS = 28
	};
	const struct sock_filter code[] = {
		/* 0 */ BPF_STMT(BPF_LD | BPF_H | BPF_ABS, TYPE),
		/* 1 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NET16(RTM_NEWNEIGH), 6, 0),
		/* 2 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NET16(RTM_DELNEIGH), 10, 0),
		/* 3 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NET16(RTM_NEWROUTE), 15, 0),
		/* 4 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NET16(RTM_DELROUTE), 14, 0),
		/* 5 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NET16(RTM_NEWRULE), 18, 0),
		/* 6 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NET16(RTM_DELRULE), 17, 0),
		/* 7 */ BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		/* a new neighbour: proxy or permanent */
		/* 8 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS),
		/* 9 */ BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NTF_PROXY, 7, 0),
		/* 10 */ BPF_STMT(BPF_LD | BPF_H | BPF_ABS, STATE),
		/* 11 */ BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NET16(NUD_PERMANENT), 5, 0),
		/* 12 */ BPF_STMT(BPF_RET | BPF_K, 0),
		/* one that is gone: proxy, or not one that aged */
		/* 13 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS),
		/* 14 */ BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NTF_PROXY, 2, 0),
		/* 15 */ BPF_STMT(BPF_LD | BPF_H | BPF_ABS, STATE),
		/* 16 */ BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NET16(NUD_AGEING), 14, 0),
		/* any neighbour: not of a bridge's table */
		/* 17 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FAMILY),
		/* 18 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_BRIDGE, 12, 13),
		/* a route: ours, or of the main table and not the kernel's own */
		/* 19 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, PROTOCOL),
		/* 20 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ours, 11, 0),
		/* 21 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RTPROT_KERNEL, 9, 0),
		/* 22 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, TABLE),
		/* 23 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RT_TABLE_MAIN, 8, 7),
		/* a rule: ours */
		/* 24 */ BPF_STMT(BPF_LD | BPF_IMM, RULE_ATTRS),
		/* 25 */ BPF_STMT(BPF_LDX | BPF_IMM, FRA_PROTOCOL),
		/* 26 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_NLATTR),
		/* 27 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 0),
		/* 28 */ BPF_STMT(BPF_MISC | BPF_TAX, 0),
		/* 29 */ BPF_STMT(BPF_LD | BPF_B | BPF_IND, MNL_ATTR_HDRLEN),
		/* 30 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ours, 1, 0),
		/* 31 */ BPF_STMT(BPF_RET | BPF_K, 0),
		/* 32 */ BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog prog = { .len = ARRAY_SIZE(code),
					 .filter = (struct sock_filter *)code };

	/* Only saves work: without it the observers pass over the same messages. */
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0)
		return;
}

static void join_groups(int fd, const struct rtnl_observer *o)
{
	for (size_t i = 0; i < RTNL_GROUPS && o->groups[i]; i++) {
		int group = o->groups[i];

		/* -EINVAL: a group this kernel does not have; nothing is told there. */
		setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
	}
}

/* An engine in an app's namespace has but a few types. */
static bool is_used(const struct dp *dp, const struct rtnl_observer *o)
{
	for (const struct dp_type *const *type = o->types; *type; type++)
		if (dp_manages(dp, *type))
			return true;
	return false;
}

static void listen_for_used(struct rtnl_monitor *m)
{
	for (size_t i = 0; rtnl_observers[i]; i++) {
		if (!is_used(m->r->dp, rtnl_observers[i]))
			continue;
		m->used |= 1u << i;
		join_groups(m->fd, rtnl_observers[i]);
	}
}

struct rtnl_monitor *rtnl_monitor_free(struct rtnl_monitor *m)
{
	if (!m)
		return NULL;
	if (m->readable)
		event_free(m->readable);
	if (m->resync)
		event_free(m->resync);
	if (m->retry)
		event_free(m->retry);
	closep(&m->fd);
	free(m);
	return NULL;
}

static void monitor_freep(struct rtnl_monitor **m)
{
	rtnl_monitor_free(*m);
}

int rtnl_monitor_new(struct rtnl *r, struct rtnl_monitor **ret)
{
	_cleanup_(monitor_freep) struct rtnl_monitor *m = xcalloc(1, sizeof(*m));
	struct event_base *base = dp_base(r->dp);

	m->r = r;
	m->fd = nlsock_open(dp_conf(r->dp)->netns_fd, NETLINK_ROUTE, RTNL_SOCKET_BUFFER);
	if (m->fd < 0)
		return m->fd;
	filter_noise(m->fd, dp_mark(dp_conf(r->dp)->owner)->protocol);
	listen_for_used(m);
	m->readable = event_new(base, m->fd, EV_READ | EV_PERSIST, readable, m);
	m->resync = evtimer_new(base, resync, m);
	m->retry = evtimer_new(base, retry, m);
	if (!m->readable || !m->resync || !m->retry || event_add(m->readable, NULL) < 0)
		return -ENOMEM;
	*ret = take_ptr(m);
	return 0;
}
