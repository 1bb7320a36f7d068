/* SPDX-License-Identifier: Apache-2.0 */
/* The two sides of bench_apply.c: the engine, and the shortest raw program for the same state. */
#pragma once

#include "base/addr.h"

#define INSTANCES 100
#define TABLE "edgeway-test" /* of nftables, family inet, */
#define SET "ports" /* with this set of interface names */

struct cost {
	double wall_ms, user_ms, sys_ms;
};

struct round {
	struct cost apply, removal;
};

struct cost cost_now(void);
struct cost cost_since(struct cost was);
/* The kernel brings ports up to a second after their carrier, and what a port carries costs at its
 * removal: the two must not differ in that. */
void let_carriers_settle(void);

void instance_names(int i, struct ifname *bridge, struct ifname *vif, struct ifname *peer);

/* Applies and removes in the caller's namespace. */
void raw_apply(struct round *ret);
