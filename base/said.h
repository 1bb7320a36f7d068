/* SPDX-License-Identifier: Apache-2.0 */
/* What a program says on its standard output and error, when nobody wants to hear it before it has
 * ended: in memory, with a bound that the kernel keeps. */
#pragma once

#include <stddef.h>

/* A descriptor for child_conf.log_fd, the caller's to close; or -errno. Nothing is woken by what is
 * written to it; a write beyond max bytes, or a page or two more, fails with EPERM. */
int said_open(size_t max);
/* What has been said so far, at most max bytes, with a NUL behind them; the caller's to free. */
char *said_read(int fd, size_t max, size_t *ret_len);
