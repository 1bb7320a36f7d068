/* SPDX-License-Identifier: Apache-2.0 */
#include "conntest/neighbour.h"

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#define ANSWER_MS 200 /* the kernel answers within the call that asks */

static void put_question(struct nlmsghdr *msg, unsigned int ifindex, const struct ipaddr *addr)
{
	struct ndmsg *ndm;

	msg->nlmsg_type = RTM_GETNEIGH;
	msg->nlmsg_flags = NLM_F_REQUEST;
	ndm = mnl_nlmsg_put_extra_header(msg, sizeof(*ndm));
	ndm->ndm_family = addr->family;
	ndm->ndm_ifindex = (int)ifindex;
	mnl_attr_put(msg, NDA_DST, addr->family == AF_INET ? 4 : 16, addr->byte);
}

static int on_neighbour(const struct nlmsghdr *msg, void *arg)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(msg);
	uint16_t *state = arg;

	if (msg->nlmsg_type == RTM_NEWNEIGH && mnl_nlmsg_get_payload_len(msg) >= sizeof(*ndm))
		*state = ndm->ndm_state;
	return MNL_CB_STOP;
}

/* NUD_…; NUD_NONE when the kernel knows nothing of it. */
static uint16_t ask(struct mnl_socket *nl, unsigned int ifindex, const struct ipaddr *addr)
{
	const struct timeval limit = { .tv_usec = ANSWER_MS * 1000 };
	char buf[4096] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
	uint16_t state = NUD_NONE;
	ssize_t n;

	put_question(msg, ifindex, addr);
	setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (mnl_socket_sendto(nl, msg, msg->nlmsg_len) < 0)
		return NUD_NONE;
	n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	if (n > 0)
		mnl_cb_run(buf, (size_t)n, 0, 0, on_neighbour, &state);
	return state;
}

/* if_nametoindex(3) opens an AF_UNIX socket for it, which we may not; any socket does. netdevice(7) */
static unsigned int ifindex_of(const struct mnl_socket *nl, const struct ifname *ifname)
{
	struct ifreq req = { 0 };

	memcpy(req.ifr_name, ifname->str, sizeof(req.ifr_name));
	return ioctl(mnl_socket_get_fd(nl), SIOCGIFINDEX, &req) < 0 ? 0
								    : (unsigned int)req.ifr_ifindex;
}

bool neighbour_is_silent(const struct ifname *ifname, const struct ipaddr *addr)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	uint16_t state = NUD_NONE;
	unsigned int ifindex;

	if (!nl)
		return false;
	ifindex = ifindex_of(nl, ifname);
	if (ifindex)
		state = ask(nl, ifindex, addr);
	mnl_socket_close(nl);
	return state & (NUD_INCOMPLETE | NUD_FAILED);
}
