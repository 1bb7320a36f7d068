/* SPDX-License-Identifier: Apache-2.0 */
#include "conntest/limits.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/sandbox.h"

#define FILES 4096
#define CPU_S 60 /* nothing here computes: more is a defect */
#define DATA_BYTES (256u << 20) /* 64 ports with roots of their own take 60 MiB */

/* Who sends without end is no reason for others to be killed for want of memory. */
void conn_limit_resources(void)
{
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ FILES, FILES });
	setrlimit(RLIMIT_CPU, &(struct rlimit){ CPU_S, CPU_S });
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
#ifndef __SANITIZE_ADDRESS__ /* it takes 20 TiB of what may be written, and uses little of it */
	setrlimit(RLIMIT_DATA, &(struct rlimit){ DATA_BYTES, DATA_BYTES });
#endif
}

#define ANY(name)                                                                                  \
	{                                                                                          \
		.call = SCMP_SYS(name)                                                             \
	}
#define IS(name, n, what)                                                                          \
	{                                                                                          \
		.call = SCMP_SYS(name), .when = SANDBOX_ARG_IS, .arg = (n), .value = (what)        \
	}

static const struct sandbox_call calls[] = {
	IS(socket, 0, AF_INET),
	IS(socket, 0, AF_INET6),
	IS(socket, 0, AF_NETLINK), /* does the gateway answer? */
	IS(ioctl, 1, SIOCGIFINDEX), /* the same */
	IS(socketpair, 0, AF_UNIX), /* curl's, to wake itself */
	ANY(bind),
	ANY(connect),
	ANY(getsockname),
	ANY(getpeername),
	ANY(getsockopt),
	ANY(setsockopt),
	ANY(sendto),
	ANY(recvfrom),
	ANY(sendmsg),
	ANY(recvmsg),
	ANY(shutdown),
	/* c-ares asks for its own name and settings, libc for the time zone, OpenSSL for a root */
	ANY(uname),
	ANY(newfstatat),
	ANY(getdents64),
	{ .call = SCMP_SYS(openat),
	  .when = SANDBOX_ARG_LACKS,
	  .arg = 2,
	  .value = O_ACCMODE | O_CREAT | O_TRUNC },
};

int conn_limit_calls(void)
{
	return sandbox_drop_and_enter(calls, ARRAY_SIZE(calls));
}
