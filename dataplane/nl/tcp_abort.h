/* SPDX-License-Identifier: Apache-2.0 */
/* Ends TCP connections of this host's programs, as `ss -K` does: the program's next call fails with
 * ECONNABORTED at once, instead of minutes later, and the far end is sent a reset. */
#pragma once

#include <stdint.h>

#include "base/addr.h"

struct tcp_ends {
	struct ipaddr here, there;
	uint16_t here_port, there_port; /* host order */
};

/* A NETLINK_SOCK_DIAG socket for tcp_abort(), or -errno. */
int tcp_abort_open(void);

/*
 * 1: there was one, and it is no more. 0: there is none that is free to go another way (who is bound to a
 * device wants that device). Else -errno: -EOPNOTSUPP where the kernel cannot (INET_DIAG_DESTROY).
 */
int tcp_abort(int fd, const struct tcp_ends *ends);
