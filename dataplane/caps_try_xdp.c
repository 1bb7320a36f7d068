/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "dataplane/caps_try.h"
#include "dataplane/nl/nlsock.h"
#include "dataplane/nl/rtnl.h"

/* r0 = XDP_PASS; exit */
static int load_program(void)
{
	static const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_XDP,
		.insn_cnt = ARRAY_SIZE(code),
		.insns = (uintptr_t)code,
		.license = (uintptr_t) "Apache-2.0",
	};
	int fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	return fd < 0 ? -errno : fd;
}

/* ip link set dev veth0 xdpdrv … : in the driver, not in the slow generic way */
int try_xdp(struct trial *t)
{
	char buf[256] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	_cleanup_(closep) int fd = load_program();
	struct ifinfomsg *ifi;
	struct nlmsghdr *msg;
	struct nlattr *xdp;

	if (fd < 0)
		return fd;
	msg = rtnl_prepare(buf, RTM_SETLINK, 0, sizeof(*ifi));
	ifi = mnl_nlmsg_get_payload(msg);
	ifi->ifi_index = if_nametoindex("veth0");
	xdp = mnl_attr_nest_start(msg, IFLA_XDP);
	mnl_attr_put_u32(msg, IFLA_XDP_FD, fd);
	mnl_attr_put_u32(msg, IFLA_XDP_FLAGS, XDP_FLAGS_DRV_MODE);
	mnl_attr_nest_end(msg, xdp);
	msg->nlmsg_seq = ++t->seq;
	return nlsock_request(t->rtnl, msg, NULL, 0);
}
