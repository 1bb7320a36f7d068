/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending a batch and reading what the kernel said.
 *
 * Only the last message of a send asks for an ack (NLM_F_ACK): the kernel answers a message that
 * failed in any case (netlink_rcv_skb() in net/netlink/af_netlink.c), works on all of them
 * before sendmsg() returns, and in order. So a good batch costs one send and one receive.
 */
#include <errno.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "dataplane/nl/nlsock.h"
#include "dataplane/nl/rtnl_state.h"

#define ACKS_AT_ONCE 16
#define ACK_SIZE 1024 /* an error ends with its extack text */

static bool is_accepted(int err, unsigned int accept)
{
	switch (-err) {
	case EEXIST:
		return accept & RTNL_EXISTS_OK;
	case ENODEV:
	case ESRCH:
	case ENOENT:
	case ENXIO:
	case EADDRNOTAVAIL:
		return accept & RTNL_ABSENT_OK;
	case ENETDOWN:
		return accept & RTNL_DOWN_OK;
	}
	return false;
}

static void slot_failed(struct rtnl_batch *b, const struct rtnl_sent *sent, int err,
			const char *why)
{
	struct rtnl_slot *slot;

	if (is_accepted(err, sent->accept))
		return;
	if (sent->slot == RTNL_NO_SLOT) {
		b->group_err = err;
		return;
	}
	slot = &b->slots.at[sent->slot];
	if (slot->err)
		return;
	slot->err = err;
	if (why)
		dp_op_why(slot->op, why);
}

/* Messages first .. first + count - 1 of the batch, seq of the first. */
struct flight {
	struct rtnl_batch *batch;
	size_t first, count;
	uint32_t seq;
	bool complete; /* the last one is answered, therefore all */
};

static void flight_ack(struct flight *f, const struct nlmsghdr *msg)
{
	struct nlsock_ack ack;
	uint32_t n;

	if (msg->nlmsg_type != NLMSG_ERROR || !nlsock_parse_ack(msg, &ack))
		return;
	n = ack.seq - f->seq;
	if (n >= f->count)
		return; /* of a flight given up earlier */
	if (ack.err)
		slot_failed(f->batch, &f->batch->sent.at[f->first + n], ack.err, ack.why);
	if (n == f->count - 1)
		f->complete = true;
}

static void flight_fail(struct flight *f, int err)
{
	size_t i;

	for (i = 0; i < f->count; i++)
		slot_failed(f->batch, &f->batch->sent.at[f->first + i], err, NULL);
}

static void flight_read(struct flight *f, int fd)
{
	char buf[ACKS_AT_ONCE][ACK_SIZE] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct iovec iov[ACKS_AT_ONCE];
	struct mmsghdr vec[ACKS_AT_ONCE];
	int i, n, len;

	for (i = 0; i < ACKS_AT_ONCE; i++) {
		iov[i] = (struct iovec){ .iov_base = buf[i], .iov_len = ACK_SIZE };
		vec[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov[i], .msg_iovlen = 1 } };
	}
	while (!f->complete) {
		n = recvmmsg(fd, vec, ACKS_AT_ONCE, MSG_DONTWAIT, NULL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			/* The answers did not fit in memory (ENOBUFS) or are missing: what was
			 * done is not known, and is done again by repeating the operation. */
			flight_fail(f, errno == EAGAIN ? -ENOBUFS : -errno);
			return;
		}
		for (i = 0; i < n; i++) {
			const struct nlmsghdr *msg = (const struct nlmsghdr *)buf[i];

			len = vec[i].msg_len;
			for (; mnl_nlmsg_ok(msg, len); msg = mnl_nlmsg_next(msg, &len))
				flight_ack(f, msg);
		}
	}
}

static void chunk_send(struct rtnl *r, struct rtnl_batch *b, struct rtnl_chunk *c, size_t first)
{
	struct flight f = { .batch = b, .first = first, .count = c->messages, .seq = r->seq + 1 };
	struct nlmsghdr *msg = (struct nlmsghdr *)c->buf;
	int left = c->len, err;
	size_t i;

	for (i = 0; i < c->messages; i++) {
		msg->nlmsg_seq = ++r->seq;
		if (i == c->messages - 1)
			msg->nlmsg_flags |= NLM_F_ACK;
		msg = mnl_nlmsg_next(msg, &left);
	}
	err = nlsock_send(r->fd, c->buf, c->len);
	if (err < 0)
		flight_fail(&f, err);
	else
		flight_read(&f, r->fd);
}

void rtnl_batch_send(struct rtnl *r, struct rtnl_batch *b)
{
	size_t i, first = 0;

	for (i = 0; i < b->chunks.count; i++) {
		struct rtnl_chunk *c = b->chunks.at[i];

		if (!c->messages)
			continue;
		chunk_send(r, b, c, first);
		first += c->messages;
		rtnl_monitor_drain(r->monitor);
	}
}
