/* SPDX-License-Identifier: Apache-2.0 */
/* Unix stream sockets by path. All return a descriptor (close-on-exec) or -errno. */
#pragma once

#include <sys/types.h>

/* Listens, non-blocking. Replaces a stale socket in one step, so that the path always answers or
 * refuses, never half-made. -ENAMETOOLONG above 100 bytes: sun_path holds 108. */
int unix_listen(const char *path, mode_t mode);

/* Blocking, at most timeout_ms also for each send; 0: not at all for the connection. -ENOENT, -ECONNREFUSED: nobody listens. */
int unix_connect(const char *path, unsigned int timeout_ms);
