/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks somebody far whether he is there: a TCP connection by one device, that is given up as soon as
 * it is answered. Whoever answers, be it with a refusal, is there.
 *
 * It stays half open: the answer's acknowledgement is put off and then replaced by a reset, so the
 * far end's program never sees it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define REACH_TARGETS 2 /* of one family, asked side by side */
#define REACH_QUESTIONS 4 /* that may be open: slow answers count */

struct event;
struct event_base;

struct reach_target {
	struct ipaddr addr;
	uint16_t port;
	uint8_t zero[2]; /* no padding: memcmp() must see defined bytes only */
};

struct reach; /* of one port and family */

struct reach_way {
	struct ifname ifname;
	struct reach_target target[REACH_TARGETS];
	unsigned int ntargets;
};

struct reach_ops {
	void (*answered)(void *arg); /* from the loop; no question is open any more */
	void (*refused)(const char *why,
			void *arg); /* all open ones failed; it need not be waited for */
};

struct reach *reach_new(struct event_base *base, const struct reach_ops *ops, void *arg);
struct reach *reach_free(struct reach *r); /* NULL is fine */
void reach_ask(struct reach *r, const struct reach_way *way);
void reach_forget(struct reach *r); /* what is open */
