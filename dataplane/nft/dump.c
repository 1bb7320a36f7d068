/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the kernel: sockets, requests, dumps, attributes. */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "dataplane/nft/internal.h"
#include "dataplane/nl/nlsock.h"

#define BUFFER_BYTES (32 << 20) /* bound of one transaction and of what waits to be read */
#define DUMP_TRIES 8

int nft_socket(struct nft *nft)
{
	return nlsock_open(dp_conf(nft->dp)->netns_fd, NETLINK_NETFILTER, BUFFER_BYTES);
}

/* ---- Requests ---- */

struct answer { /* to one request, while it is read */
	uint32_t seq;
	bool interrupted;
	int (*fn)(const struct nlmsghdr *nlh, void *arg);
	void *arg;
};

/* 0: more to come; 1: that was the end; -errno. */
static int take_message(struct answer *a, const struct nlmsghdr *nlh)
{
	struct nlsock_ack ack;
	int err = 0;

	if (nlh->nlmsg_seq != a->seq)
		return 0; /* left over from a request that was given up */
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		a->interrupted = true;
	if (nlh->nlmsg_type == NLMSG_DONE) {
		/* a dump that failed under way ends so too: netlink_dump_done() */
		if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(err))
			memcpy(&err, mnl_nlmsg_get_payload(nlh), sizeof(err));
		return err < 0 ? err : 1;
	}
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		if (!nlsock_parse_ack(nlh, &ack))
			return -EBADMSG;
		return ack.err ? ack.err : 1;
	}
	return a->fn ? a->fn(nlh, a->arg) : 0;
}

int nft_request(struct nft *nft, struct nlmsghdr *nlh,
		int (*fn)(const struct nlmsghdr *nlh, void *arg), void *arg)
{
	char buf[65536] __attribute__((__aligned__(8)));
	struct answer a = { .fn = fn, .arg = arg };
	const struct nlmsghdr *got;
	int r = 0, len;
	ssize_t n;

	nlh->nlmsg_seq = a.seq = ++nft->seq;
	r = nlsock_send(nft->fd, nlh, nlh->nlmsg_len);
	while (r == 0) {
		/* the kernel answers within sendto() and within each recv() of a dump */
		n = recv(nft->fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -EBADMSG : -errno;
		len = (int)n;
		for (got = (void *)buf; r == 0 && mnl_nlmsg_ok(got, len);
		     got = mnl_nlmsg_next(got, &len))
			r = take_message(&a, got);
	}
	if (r < 0)
		return r;
	return a.interrupted ? -EINTR : 0;
}

int nft_dump(struct nft *nft, uint16_t type, uint8_t family, const char *table, const char *set,
	     int (*fn)(const struct nlmsghdr *nlh, void *arg), void *arg)
{
	char buf[NFT_ROOM] __attribute__((__aligned__(8)));
	struct nlmsghdr *nlh;
	struct nfgenmsg *nfg;
	int r = -EINTR;

	for (int try = 0; try < DUMP_TRIES && r == -EINTR; try++) {
		r = fn(NULL, arg);
		if (r < 0)
			return r;
		nlh = mnl_nlmsg_put_header(buf);
		nlh->nlmsg_type = (NFNL_SUBSYS_NFTABLES << 8) | type;
		nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
		nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
		memset(nfg, 0, sizeof(*nfg));
		nfg->nfgen_family = family;
		if (table) /* NFTA_RULE_TABLE, NFTA_SET_TABLE, NFTA_SET_ELEM_LIST_TABLE: all 1 */
			mnl_attr_put_strz(nlh, NFTA_SET_TABLE, table);
		if (set)
			mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set);
		r = nft_request(nft, nlh, fn, arg);
	}
	return r;
}

/* ---- Attributes ---- */

struct attrs {
	const struct nlattr **tb;
	uint16_t max;
};

static int store_attr(const struct nlattr *attr, void *arg)
{
	struct attrs *a = arg;
	uint16_t type = mnl_attr_get_type(attr);

	if (type <= a->max)
		a->tb[type] = attr;
	return MNL_CB_OK;
}

int nft_attrs(const struct nlmsghdr *nlh, const struct nlattr **tb, uint16_t max)
{
	struct attrs a = { tb, max };

	memset(tb, 0, (max + 1u) * sizeof(*tb));
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nfgenmsg))
		return -EBADMSG;
	return mnl_attr_parse(nlh, sizeof(struct nfgenmsg), store_attr, &a) < 0 ? -EBADMSG : 0;
}

int nft_attrs_nested(const struct nlattr *nest, const struct nlattr **tb, uint16_t max)
{
	struct attrs a = { tb, max };

	memset(tb, 0, (max + 1u) * sizeof(*tb));
	if (!nest)
		return 0;
	return mnl_attr_parse_nested(nest, store_attr, &a) < 0 ? -EBADMSG : 0;
}

uint32_t nft_attr_u32(const struct nlattr *attr)
{
	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(uint32_t))
		return 0;
	return ntohl(mnl_attr_get_u32(attr));
}

uint64_t nft_attr_u64(const struct nlattr *attr)
{
	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(uint64_t))
		return 0;
	return be64toh(mnl_attr_get_u64(attr));
}

bool nft_attr_name(const struct nlattr *attr, char *ret, size_t size)
{
	size_t len;

	if (!attr)
		return false;
	len = strnlen(mnl_attr_get_str(attr), mnl_attr_get_payload_len(attr));
	if (len >= size)
		return false;
	memset(ret, 0, size);
	memcpy(ret, mnl_attr_get_str(attr), len);
	return true;
}

uint8_t nft_family(const struct nlmsghdr *nlh)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);

	return mnl_nlmsg_get_payload_len(nlh) < sizeof(*nfg) ? 0 : nfg->nfgen_family;
}
