/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forgets flows by their mark, so that they begin anew on another port: conntrack -D -f FAMILY
 * -m MARK/MASK.
 *
 * What the kernel knows of flows is no state that anybody wants, so this is no item: an order is
 * carried out once and forgotten. Each is one walk through the kernel's table, a few milliseconds
 * when that is large; so they are carried out one in a turn of the loop, unless their owner knows
 * that what comes next takes longer.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ct_flush;
struct event_base;

struct ct_flush_order {
	uint8_t family;
	uint32_t mark, mask; /* flows whose mark & mask is mark */
};

struct ct_flush_conf {
	struct event_base *base;
	/* An order failed; err < 0. May be NULL. */
	void (*failed)(const struct ct_flush_order *order, int err, void *arg);
	void *arg;
};

/* Copies conf. The socket is opened by the first order. */
struct ct_flush *ct_flush_new(const struct ct_flush_conf *conf);
/* Orders that wait are dropped; NULL is fine. */
struct ct_flush *ct_flush_free(struct ct_flush *f);

/* Carried out in a later turn; one that waits already is not repeated. */
void ct_flush_order(struct ct_flush *f, const struct ct_flush_order *order);
/* Carries out up to so many of those that wait, the oldest first, without waiting for a turn. */
void ct_flush_run(struct ct_flush *f, unsigned int count);
/* Drops the orders of this family that wait and concern such flows only. */
void ct_flush_cancel(struct ct_flush *f, uint8_t family, uint32_t mark, uint32_t mask);
