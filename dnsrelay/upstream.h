/* SPDX-License-Identifier: Apache-2.0 */
/* One query at one server, by UDP or TCP, through one interface. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsrelay/conf.h"

struct event_base;
struct upstream;

struct upstream_ops { /* either may free the upstream */
	void (*replied)(struct upstream *up, const uint8_t *msg, size_t len, void *arg);
	void (*failed)(struct upstream *up, void *arg); /* refused, unreachable, closed */
};

/* Sends msg; it is borrowed as long as the upstream lives. 0 or -errno. */
int upstream_start(struct event_base *base, const struct dns_server *server, bool tcp,
		   const uint8_t *msg, size_t len, const struct upstream_ops *ops, void *arg,
		   struct upstream **ret);
void upstream_again(struct upstream *up); /* UDP: sends once more, as either way may lose one */
struct upstream *upstream_free(struct upstream *up); /* NULL is fine */
