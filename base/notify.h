/* SPDX-License-Identifier: Apache-2.0 */
/* systemd's readiness and watchdog protocol, sd_notify(3), without its library. */
#pragma once

#include <stdint.h>

struct notify {
	char *socket; /* NULL: nobody listens; '@' first = abstract */
	uint64_t watchdog_us; /* 0: no watchdog */
};

/* Takes NOTIFY_SOCKET and WATCHDOG_USEC out of the environment: our children are not the ones who
 * are meant. */
void notify_init(struct notify *n);
void notify_fini(struct notify *n);

/* "READY=1\nSTATUS=…". 0 also when nobody listens. */
int notify_send(const struct notify *n, const char *state);
