/* SPDX-License-Identifier: Apache-2.0 */
/* One message or one dump at once, outside of the batch. */
#include <errno.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "dataplane/nl/nlsock.h"
#include "dataplane/nl/rtnl_state.h"

/* The kernel fills dump replies up to the size of the largest receive, at most 32 KiB. */
#define DUMP_SIZE (32 * 1024)
#define DUMP_TRIES 4

int rtnl_request(struct dp *dp, struct nlmsghdr *msg, char *why, size_t why_size)
{
	struct rtnl *r = rtnl_state(dp);

	msg->nlmsg_seq = ++r->seq;
	return nlsock_request(r->fd, msg, why, why_size);
}

int rtnl_ask(struct dp *dp, struct nlmsghdr *msg, size_t size)
{
	struct rtnl *r = rtnl_state(dp);
	int err;

	msg->nlmsg_seq = ++r->seq;
	err = nlsock_ask(r->fd, msg, msg, size, NULL, 0);
	return err > 0 ? 0 : err < 0 ? err : -EBADMSG;
}

struct dump {
	uint32_t seq;
	bool interrupted;
	bool done;
	int err;
};

static void dump_message(struct dump *d, struct dp *dp, const struct nlmsghdr *msg, rtnl_msg_fn *fn)
{
	struct nlsock_ack ack;

	if (msg->nlmsg_seq != d->seq)
		return;
	if (msg->nlmsg_flags & NLM_F_DUMP_INTR)
		d->interrupted = true;
	if (msg->nlmsg_type == NLMSG_DONE) {
		if (mnl_nlmsg_get_payload_len(msg) >= sizeof(int))
			d->err = *(const int *)mnl_nlmsg_get_payload(msg);
		d->done = true;
	} else if (msg->nlmsg_type == NLMSG_ERROR) {
		d->err = nlsock_parse_ack(msg, &ack) ? ack.err : -EBADMSG;
		d->done = true;
	} else if (msg->nlmsg_type >= NLMSG_MIN_TYPE) {
		fn(dp, msg);
	}
}

static int dump_once(struct rtnl *r, struct nlmsghdr *msg, rtnl_msg_fn *fn, char *buf,
		     bool *ret_interrupted)
{
	struct dump d = { .seq = ++r->seq };
	int err, left;
	ssize_t n;

	msg->nlmsg_flags |= NLM_F_DUMP;
	msg->nlmsg_seq = d.seq;
	err = nlsock_send(r->fd, msg, msg->nlmsg_len);
	if (err < 0)
		return err;
	while (!d.done) {
		const struct nlmsghdr *at = (const struct nlmsghdr *)buf;

		n = recv(r->fd, buf, DUMP_SIZE, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ENOBUFS : -errno;
		for (left = n; !d.done && mnl_nlmsg_ok(at, left); at = mnl_nlmsg_next(at, &left))
			dump_message(&d, r->dp, at, fn);
	}
	*ret_interrupted = d.interrupted;
	return d.err;
}

int rtnl_dump(struct dp *dp, struct nlmsghdr *msg, rtnl_msg_fn *fn)
{
	char buf[DUMP_SIZE] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	bool interrupted = false;
	int i, err;

	for (i = 0; i < DUMP_TRIES; i++) {
		err = dump_once(rtnl_state(dp), msg, fn, buf, &interrupted);
		if (err < 0)
			return err;
		if (!interrupted)
			return 0;
	}
	return -EAGAIN;
}
