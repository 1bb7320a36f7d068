/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/gateway/nud.h"

#include <errno.h>
#include <event2/event.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "dataplane/nl/nlsock.h"

struct nud {
	int fd;
	struct event *readable;
	nud_failed_fn *fn;
	void *arg;
};

/* BPF loads in network order, netlink speaks the host's: hence htons() and htonl() of constants. */
static int set_filter(int fd, const uint32_t *ifindex, unsigned int n)
{
	enum { TYPE = 4, IFINDEX = 20, STATE = 24 };
	struct sock_filter code[5 + NUD_LINKS + 2] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, TYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWNEIGH), 0, (uint8_t)(n + 3)),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, STATE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(NUD_FAILED), 0, (uint8_t)(n + 1)),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IFINDEX),
	};
	const struct sock_fprog prog = { .len = (unsigned short)(5 + n + 2), .filter = code };

	for (unsigned int i = 0; i < n; i++)
		code[5 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							   htonl(ifindex[i]), (uint8_t)(n - i), 0);
	code[5 + n] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	code[6 + n] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ? -errno : 0;
}

void nud_watch(struct nud *nud, const uint32_t *ifindex, unsigned int n)
{
	/* It fails for want of memory only, and then the former one stays. */
	(void)set_filter(nud->fd, ifindex, n < NUD_LINKS ? n : NUD_LINKS);
}

static int find_address(const struct nlattr *attr, void *data)
{
	const struct nlattr **dst = data;

	if (mnl_attr_get_type(attr) == NDA_DST)
		*dst = attr;
	return MNL_CB_OK;
}

static void tell(const struct nud *nud, const struct nlmsghdr *msg)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(msg);
	const struct nlattr *dst = NULL;
	struct ipaddr addr;

	if (msg->nlmsg_type != RTM_NEWNEIGH || mnl_nlmsg_get_payload_len(msg) < sizeof(*ndm) ||
	    (ndm->ndm_family != AF_INET && ndm->ndm_family != AF_INET6))
		return;
	mnl_attr_parse(msg, sizeof(*ndm), find_address, &dst);
	if (!dst || mnl_attr_get_payload_len(dst) != (ndm->ndm_family == AF_INET ? 4 : 16))
		return;
	addr = ipaddr_from(ndm->ndm_family, mnl_attr_get_payload(dst));
	nud->fn((uint32_t)ndm->ndm_ifindex, &addr, nud->arg);
}

/* What is lost (ENOBUFS) the kernel finds again: it asks anew with the next packet. */
static void readable(evutil_socket_t fd, short what, void *arg)
{
	char buf[8192] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct nud *nud = arg;
	ssize_t n;

	(void)what;
	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		const struct nlmsghdr *msg = (const struct nlmsghdr *)buf;

		for (int left = (int)n; mnl_nlmsg_ok(msg, left); msg = mnl_nlmsg_next(msg, &left))
			tell(nud, msg);
	}
}

int nud_new(struct event_base *base, nud_failed_fn *fn, void *arg, struct nud **ret)
{
	struct nud *nud = xcalloc(1, sizeof(*nud));
	const int group = RTNLGRP_NEIGH;
	int r;

	nud->fn = fn;
	nud->arg = arg;
	nud->fd = r = nlsock_open(-1, NETLINK_ROUTE, 0);
	if (r >= 0)
		r = set_filter(nud->fd, NULL, 0);
	if (r >= 0 &&
	    setsockopt(nud->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		r = -errno;
	if (r >= 0)
		nud->readable = event_new(base, nud->fd, EV_READ | EV_PERSIST, readable, nud);
	if (r >= 0 && (!nud->readable || event_add(nud->readable, NULL) < 0))
		r = -ENOMEM;
	if (r < 0) {
		nud_free(nud);
		return r;
	}
	*ret = nud;
	return 0;
}

struct nud *nud_free(struct nud *nud)
{
	if (!nud)
		return NULL;
	if (nud->readable)
		event_free(nud->readable);
	closep(&nud->fd);
	free(nud);
	return NULL;
}
