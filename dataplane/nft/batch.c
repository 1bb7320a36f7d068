/* SPDX-License-Identifier: Apache-2.0 */
/* Operations become one transaction; its errors become theirs. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "dataplane/mark.h"
#include "dataplane/nft/internal.h"
#include "dataplane/nl/nlsock.h"

#define TRIES 8 /* of one transaction, each time without the operations that failed it */
#define ENVELOPE (MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg)) /* of a begin or end message */

struct nft *nft_of(const struct dp *dp)
{
	return dp_backend_state(dp, &dp_nft_backend);
}

const char *nft_table(const struct nft *nft)
{
	return nft->table;
}

/* ---- Filling ---- */

static void reserve(struct nft *nft, size_t room)
{
	if (nft->size - nft->len >= room)
		return;
	while (nft->size - nft->len < room)
		nft->size = nft->size ? 2 * nft->size : 16384;
	nft->buf = xrealloc(nft->buf, nft->size, 1);
}

static void end_message(struct nft *nft)
{
	struct job *job;

	if (!nft->open)
		return;
	job = &nft->jobs[nft->n_jobs - 1];
	nft->len += MNL_ALIGN(nft->open->nlmsg_len);
	job->end = nft->len;
	nft->open = NULL;
}

static void put_header(struct nft *nft, uint16_t type, uint16_t flags, uint8_t family,
		       uint16_t res_id)
{
	struct nfgenmsg *nfg;

	nft->open = mnl_nlmsg_put_header(nft->buf + nft->len);
	nft->open->nlmsg_type = type;
	nft->open->nlmsg_flags = NLM_F_REQUEST | flags;
	nft->open->nlmsg_seq = ++nft->seq;
	nfg = mnl_nlmsg_put_extra_header(nft->open, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(res_id);
}

/* The batch opens with a message of its own, and each later one finds room for the closing one. */
static void begin(struct nft *nft)
{
	reserve(nft, 2 * ENVELOPE);
	put_header(nft, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	nft->len += nft->open->nlmsg_len;
	nft->open = NULL;
}

static struct job *job_of(struct nft *nft, struct dp_op *op)
{
	struct job *job;

	if (nft->n_jobs && nft->jobs[nft->n_jobs - 1].op == op)
		return &nft->jobs[nft->n_jobs - 1];
	if (nft->n_jobs == nft->room_jobs) {
		nft->room_jobs = nft->room_jobs ? 2 * nft->room_jobs : 16;
		nft->jobs = xrealloc(nft->jobs, nft->room_jobs, sizeof(*nft->jobs));
	}
	job = &nft->jobs[nft->n_jobs++];
	*job = (struct job){ .op = op, .start = nft->len, .end = nft->len, .err = -EINPROGRESS };
	return job;
}

struct nlmsghdr *nft_msg(struct dp_op *op, uint16_t type, uint16_t flags, uint8_t family,
			 size_t room)
{
	struct nft *nft = nft_of(dp_op_dp(op));
	struct job *job;

	end_message(nft);
	if (!nft->len)
		begin(nft);
	job = job_of(nft, op);
	reserve(nft, room + 2 * ENVELOPE);
	put_header(nft, (NFNL_SUBSYS_NFTABLES << 8) | type, flags, family, 0);
	if (!job->first_seq)
		job->first_seq = nft->seq;
	job->last_seq = nft->seq;
	return nft->open;
}

void nft_absent_is_fine(struct dp_op *op)
{
	struct nft *nft = nft_of(dp_op_dp(op));

	job_of(nft, op)->absent_is_fine = true;
}

/* ---- Sending ---- */

struct batch { /* what one transaction came to */
	struct job *jobs;
	size_t n;
	uint32_t begin_seq;
	int err; /* of the whole */
	bool culprits; /* of some jobs */
};

static struct job *find_job(const struct batch *b, uint32_t seq)
{
	size_t low = 0, high = b->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if ((int32_t)(b->jobs[mid].last_seq - seq) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == b->n || (int32_t)(seq - b->jobs[low].first_seq) < 0)
		return NULL;
	return &b->jobs[low];
}

static void blame(struct batch *b, const struct nlmsghdr *nlh)
{
	struct job *job = find_job(b, nlh->nlmsg_seq);
	struct nlsock_ack ack;

	if (nlh->nlmsg_type != NLMSG_ERROR || !nlsock_parse_ack(nlh, &ack) || !ack.err)
		return;
	if (!job) {
		if (nlh->nlmsg_seq == b->begin_seq)
			b->err = ack.err;
		return; /* else an answer to somebody long gone */
	}
	if (job->err != -EINPROGRESS)
		return; /* its first error is the cause, others are consequences */
	b->culprits = true;
	job->err = ack.err == -ENOENT && job->absent_is_fine ? 0 : ack.err;
	job->why = job->err && ack.why ? xstrdup(ack.why) : NULL;
}

/* The kernel has worked it off when sendmsg() returns: no error waiting means it is committed. */
static void collect(struct nft *nft, struct batch *b)
{
	char buf[32768] __attribute__((__aligned__(8)));
	const struct nlmsghdr *nlh;
	ssize_t n;
	int len;

	for (;;) {
		n = recv(nft->fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EAGAIN)
				b->err = -errno; /* ENOBUFS: some errors are lost */
			return;
		}
		len = (int)n;
		for (nlh = (void *)buf; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
			blame(b, nlh);
	}
}

static int transmit(struct nft *nft, struct batch *b)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct iovec *iov = xcalloc(b->n + 2, sizeof(*iov));
	char envelope[2][ENVELOPE] __attribute__((__aligned__(8)));
	struct nlmsghdr *nlh;
	struct msghdr msg = { .msg_name = (void *)&kernel, .msg_namelen = sizeof(kernel) };
	size_t total = 0, used = 0;
	ssize_t n = 0;

	/* begin, jobs not decided, end: neighbours in the buffer go as one piece */
	memcpy(envelope[0], nft->buf, ENVELOPE);
	memcpy(envelope[1], nft->buf, ENVELOPE);
	nlh = (void *)envelope[0];
	nlh->nlmsg_seq = b->begin_seq = ++nft->seq;
	nlh = (void *)envelope[1];
	nlh->nlmsg_type = NFNL_MSG_BATCH_END;
	nlh->nlmsg_seq = ++nft->seq;
	iov[used++] = (struct iovec){ envelope[0], ENVELOPE };
	for (size_t i = 0; i < b->n; i++) {
		struct job *job = &b->jobs[i];
		struct iovec *last = &iov[used - 1];

		if (job->err != -EINPROGRESS)
			continue;
		if ((char *)last->iov_base + last->iov_len == nft->buf + job->start)
			last->iov_len += job->end - job->start;
		else
			iov[used++] =
				(struct iovec){ nft->buf + job->start, job->end - job->start };
		total += job->end - job->start;
	}
	iov[used++] = (struct iovec){ envelope[1], ENVELOPE };
	msg.msg_iov = iov;
	msg.msg_iovlen = used;
	if (total)
		do
			n = sendmsg(nft->fd, &msg, 0);
		while (n < 0 && errno == EINTR);
	free(iov);
	if (!total)
		return 1; /* nothing left of it */
	return n < 0 ? -errno : 0;
}

static void fail_rest(struct batch *b, int err)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->jobs[i].err == -EINPROGRESS)
			b->jobs[i].err = err;
}

/* One transaction, again without its culprits until it passes. Returns whether it was committed. */
static bool commit(struct nft *nft, struct job *jobs, size_t n)
{
	struct batch b = { .jobs = jobs, .n = n };
	int r, last = -EAGAIN;

	for (int try = 0; try < TRIES; try++) {
		b.err = 0;
		b.culprits = false;
		r = transmit(nft, &b);
		if (r > 0)
			return false;
		if (r == 0)
			collect(nft, &b);
		else
			b.err = r;
		if (!b.err && !b.culprits) {
			fail_rest(&b, 0);
			return true;
		}
		if (b.err)
			last = b.err;
		if (b.err && b.err != -ENOBUFS && b.err != -EINTR && b.err != -EAGAIN &&
		    b.err != -ERESTART)
			break;
	}
	fail_rest(&b, last);
	return false;
}

/* As many operations as one send takes, at least one. */
static size_t fitting(const struct nft *nft, size_t from)
{
	size_t bytes = 2 * ENVELOPE, n = 0;

	while (from + n < nft->n_jobs) {
		bytes += nft->jobs[from + n].end - nft->jobs[from + n].start;
		if (n && (bytes > nft->batch_max || n + 2 >= 1000)) /* IOV_MAX is 1024 */
			break;
		n++;
	}
	return n;
}

static void report(struct nft *nft, struct job *job)
{
	if (job->err) {
		if (job->why)
			dp_op_why(job->op, job->why);
		nft_resync(nft); /* it contradicts what we believed */
	}
	free(job->why);
	dp_op_done(job->op, job->err);
}

static void nft_flush(void *state)
{
	_cleanup_(freep) struct job *jobs = NULL;
	struct nft *nft = state;
	unsigned int commits = 0;
	size_t n_jobs;

	if (!nft->n_jobs)
		return;
	end_message(nft);
	monitor_pause(nft);
	for (size_t from = 0, n; from < nft->n_jobs; from += n) {
		n = fitting(nft, from);
		commits += commit(nft, &nft->jobs[from], n);
	}
	monitor_resume(nft, commits);
	/* done() may start further operations, which come into a fresh batch */
	jobs = take_ptr(nft->jobs);
	n_jobs = nft->n_jobs;
	nft->n_jobs = nft->room_jobs = 0;
	nft->len = 0;
	for (size_t i = 0; i < n_jobs; i++)
		report(nft, &jobs[i]);
}

/* ---- Open and close ---- */

static void nft_close(void *state)
{
	struct nft *nft = state;

	if (!nft)
		return;
	monitor_close(nft);
	if (nft->fd >= 0)
		close(nft->fd);
	for (size_t i = 0; i < nft->n_jobs; i++)
		free(nft->jobs[i].why);
	free(nft->jobs);
	free(nft->buf);
	free(nft);
}

static int nft_open(struct dp *dp, void **ret_state)
{
	struct nft *nft = xcalloc(1, sizeof(*nft));
	socklen_t size = sizeof(int);
	int bytes = 0, r;

	nft->dp = dp;
	nft->table = dp_mark(dp_conf(dp)->owner)->nft_table;
	nft->monitor_fd = -1;
	nft->fd = nft_socket(nft);
	r = nft->fd < 0 ? nft->fd : monitor_open(nft);
	if (r < 0) {
		nft_close(nft);
		return r;
	}
	if (getsockopt(nft->fd, SOL_SOCKET, SO_SNDBUF, &bytes, &size) == 0 && bytes > 8192)
		nft->batch_max = (size_t)bytes - 64; /* netlink_sendmsg() keeps 32 */
	*ret_state = nft;
	return 0;
}

const struct dp_backend dp_nft_backend = {
	.name = "nft",
	.open = nft_open,
	.flush = nft_flush,
	.close = nft_close,
};
