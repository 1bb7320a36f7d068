/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/nl/tcp_abort.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "dataplane/nl/nlsock.h"

int tcp_abort_open(void)
{
	return nlsock_open(-1, NETLINK_SOCK_DIAG, 0);
}

static struct nlmsghdr *request(char *buf, uint16_t type, const struct inet_diag_req_v2 *body)
{
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);

	msg->nlmsg_type = type;
	msg->nlmsg_flags = NLM_F_REQUEST;
	msg->nlmsg_seq = 1;
	memcpy(mnl_nlmsg_put_extra_header(msg, sizeof(*body)), body, sizeof(*body));
	return msg;
}

static void set_addr(__be32 to[4], const struct ipaddr *a)
{
	memcpy(to, a->byte, a->family == AF_INET6 ? 16 : 4);
}

/* Without a device the kernel finds no socket that is bound to one (inet_bound_dev_eq() in
 * include/net/inet_sock.h), and a listening one when there is no connection. 1: found. */
static int find(int fd, struct inet_diag_req_v2 *body)
{
	char buf[1024] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct nlmsghdr *msg = request(buf, SOCK_DIAG_BY_FAMILY, body);
	const struct inet_diag_msg *found;
	int e = nlsock_ask(fd, msg, buf, sizeof(buf), NULL, 0);

	if (e <= 0)
		return e == -ENOENT ? 0 : e;
	found = mnl_nlmsg_get_payload(msg);
	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*found))
		return -EBADMSG;
	if (found->idiag_state == TCP_LISTEN || found->idiag_state == TCP_TIME_WAIT ||
	    found->id.idiag_dport != body->id.idiag_dport)
		return 0;
	memcpy(body->id.idiag_cookie, found->id.idiag_cookie, sizeof(body->id.idiag_cookie));
	return 1;
}

int tcp_abort(int fd, const struct tcp_ends *ends)
{
	char buf[256] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct inet_diag_req_v2 body = {
		.sdiag_family = ends->here.family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = UINT32_MAX,
		.id = { .idiag_sport = htons(ends->here_port),
			.idiag_dport = htons(ends->there_port),
			.idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE } },
	};
	int e;

	set_addr(body.id.idiag_src, &ends->here);
	set_addr(body.id.idiag_dst, &ends->there);
	e = find(fd, &body);
	if (e <= 0)
		return e;
	e = nlsock_request(fd, request(buf, SOCK_DESTROY, &body), NULL, 0);
	return e == -ENOENT ? 0 : e < 0 ? e : 1;
}
