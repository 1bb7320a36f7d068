/* SPDX-License-Identifier: Apache-2.0 */
/* What others do to our tables: noticed at once, answered by observing again. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "dataplane/items/nft.h"
#include "dataplane/nft/internal.h"

#define RESYNC_GAP_MS 100 /* between two full dumps, however busy the others are */

static const struct dp_type *const observed[] = {
	&dp_nft_table_type,
	&dp_nft_set_type,
	&dp_nft_chain_type,
	&dp_nft_elems_type,
};

/* ---- Observing again ---- */

static void on_resync(evutil_socket_t fd, short what, void *arg)
{
	struct nft *nft = arg;
	int r;

	(void)fd;
	(void)what;
	nft->resynced = mono_now();
	for (size_t i = 0; i < ARRAY_SIZE(observed); i++) {
		if (!dp_manages(nft->dp, observed[i]))
			continue;
		dp_resync_begin(nft->dp, observed[i]);
		r = observed[i]->observe(nft->dp);
		if (r < 0) { /* what it saw is true; what it did not see may still be there */
			nft_resync(nft);
			return;
		}
		dp_resync_end(nft->dp, observed[i]);
	}
}

void nft_resync(struct nft *nft)
{
	int64_t since_ms =
		nft->resynced.ns ? mono_diff_ms(mono_now(), nft->resynced) : RESYNC_GAP_MS;
	struct timeval wait = { 0 };

	if (!nft->resync_ev || event_pending(nft->resync_ev, EV_TIMEOUT, NULL))
		return;
	if (since_ms < RESYNC_GAP_MS)
		wait.tv_usec = (RESYNC_GAP_MS - since_ms) * 1000;
	event_add(nft->resync_ev, &wait);
}

/* ---- Notifications ---- */

static int take_generation(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *tb[NFTA_GEN_MAX + 1];
	struct nft *nft = arg;

	if (nft_attrs(nlh, tb, NFTA_GEN_MAX) == 0 && tb[NFTA_GEN_ID])
		nft->generation = nft_attr_u32(tb[NFTA_GEN_ID]);
	return 1; /* one answer is all there is */
}

static void read_generation(struct nft *nft)
{
	char buf[64] __attribute__((__aligned__(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETGEN;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	memset(nfg, 0, sizeof(*nfg));
	nft_request(nft, nlh, take_generation, nft);
}

/* Elements that a DNS server adds are contents others are in charge of. */
static bool contents_of_others(struct nft *nft, const struct nlmsghdr *nlh,
			       const struct nlattr *set)
{
	const struct dp_nft_set *have;
	char name[DP_NFT_NAME], key[3 * DP_NFT_NAME];
	uint16_t type = NFNL_MSG_TYPE(nlh->nlmsg_type);

	if (type != NFT_MSG_NEWSETELEM && type != NFT_MSG_DELSETELEM)
		return false;
	if (!nft_attr_name(set, name, sizeof(name)))
		return false;
	snprintf(key, sizeof(key), "%s/%s/%s", nft_family_name(nft_family(nlh)), nft->table, name);
	have = dp_have(nft->dp, &dp_nft_set_type, key);
	return have && have->dynamic;
}

/* Whether this notification is about a table of ours. In all of them the table is attribute 1. */
static bool concerns_us(struct nft *nft, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[NFTA_SET_ELEM_LIST_SET + 1];
	char table[DP_NFT_NAME];

	if (NFNL_SUBSYS_ID(nlh->nlmsg_type) != NFNL_SUBSYS_NFTABLES)
		return false;
	if (NFNL_MSG_TYPE(nlh->nlmsg_type) == NFT_MSG_NEWGEN) {
		take_generation(nlh, nft);
		return false;
	}
	if (nft_attrs(nlh, tb, NFTA_SET_ELEM_LIST_SET) < 0 ||
	    !nft_attr_name(tb[NFTA_SET_ELEM_LIST_TABLE], table, sizeof(table)))
		return false;
	return strcmp(table, nft->table) == 0 &&
	       !contents_of_others(nft, nlh, tb[NFTA_SET_ELEM_LIST_SET]);
}

/* Reads all that waits. */
static void drain(struct nft *nft)
{
	char buf[65536] __attribute__((__aligned__(8)));
	const struct nlmsghdr *nlh;
	bool changed = false;
	ssize_t n;
	int len;

	for (;;) {
		n = recv(nft->monitor_fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS) {
			changed = true; /* lost some: anything may have happened */
			read_generation(nft);
			continue;
		}
		if (n <= 0)
			break;
		len = (int)n;
		for (nlh = (void *)buf; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
			changed |= concerns_us(nft, nlh);
	}
	if (changed)
		nft_resync(nft);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	drain(arg);
}

static int membership(struct nft *nft, int option)
{
	int group = NFNLGRP_NFTABLES;

	return setsockopt(nft->monitor_fd, SOL_NETLINK, option, &group, sizeof(group)) < 0 ? -errno
											   : 0;
}

void monitor_pause(struct nft *nft)
{
	if (!nft->listening) {
		read_generation(nft);
		return;
	}
	drain(nft);
	membership(nft, NETLINK_DROP_MEMBERSHIP);
	nft->listening = false;
}

bool nft_listen(struct nft *nft)
{
	int r;

	if (nft->listening)
		return false;
	r = membership(nft, NETLINK_ADD_MEMBERSHIP);
	if (r < 0)
		log_warning("nft_deaf", "err=%d why=\"changes by others will not be seen\"", -r);
	nft->listening = true;
	read_generation(nft);
	return true;
}

void monitor_resume(struct nft *nft, unsigned int commits)
{
	uint32_t expected = nft->generation + commits;

	nft_listen(nft);
	if (nft->generation != expected) {
		log_debug("nft_generation", "expected=%u is=%u", expected, nft->generation);
		nft_resync(nft);
	}
}

int monitor_open(struct nft *nft)
{
	struct event_base *base = dp_base(nft->dp);

	nft->monitor_fd = nft_socket(nft);
	if (nft->monitor_fd < 0)
		return nft->monitor_fd;
	nft->resync_ev = event_new(base, -1, 0, on_resync, nft);
	nft->monitor_ev = event_new(base, nft->monitor_fd, EV_READ | EV_PERSIST, on_readable, nft);
	if (!nft->resync_ev || !nft->monitor_ev)
		return -ENOMEM;
	return event_add(nft->monitor_ev, NULL) < 0 ? -ENOMEM : 0;
}

void monitor_close(struct nft *nft)
{
	if (nft->monitor_ev)
		event_free(nft->monitor_ev);
	if (nft->resync_ev)
		event_free(nft->resync_ev);
	if (nft->monitor_fd >= 0)
		close(nft->monitor_fd);
}
