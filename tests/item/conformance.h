/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One story every item type has to live through, with the real engine and the real kernel, in
 * namespaces of its own:
 *
 *	create, observe equals spec, create again (no operation), change, drift (somebody removes
 *	it) is repaired, remove, remove again; and the same three steps with kill -9 at every
 *	system call the engine makes, each followed by a new run that adopts what it finds.
 *
 *	static void world(struct dp_graph *g)
 *	{
 *		dp_want(g, &dp_dummy_type, &(struct dp_dummy){ .ifname = IFNAME("d0") });
 *	}
 *
 *	static void addr_conforms(void **state)
 *	{
 *		item_conformance(&(struct item_story){
 *			.type = &dp_addr_type,
 *			.a = &(struct dp_addr){ … },
 *			.b = &(struct dp_addr){ … },
 *			.world = world,
 *		});
 *	}
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "dataplane/dp.h"

struct item_story {
	const struct dp_type *type;
	const void *a;
	const void *b; /* the same key, changed; NULL: the type has nothing but its key */
	void (*prepare)(void); /* before everything: shell commands by sh(); may be NULL */
	void (*world)(struct dp_graph *g); /* other items there must be; may be NULL */
	/* More than type->diff() says: what exists must look like this. Fails by require(). */
	void (*look)(const void *spec);
	/* Only what the kernel holds for itself can be observed without our files and be removed
	 * behind our back by another run; true: leave the drift step out. */
	bool no_drift;
};
void item_conformance(const struct item_story *story);

/* ---- For further tests of a type, inside in_space() ---- */

struct event_base;
struct node; /* an engine with its loop: owner "test", run directory /run/edgeway */

struct node *node_new(void); /* and dp_adopt() */
struct node *node_new_as(const char *owner);
struct node *node_free(struct node *n); /* leaves everything as it is */
struct dp *node_dp(const struct node *n);
struct event_base *node_base(const struct node *n);

/* Turns the loop until check(n, arg) holds; fails after ms (times EDGEWAY_SLOW) saying what. */
void node_wait(struct node *n, unsigned int ms, bool (*check)(struct node *n, void *arg), void *arg,
	       const char *what);
void node_settle(struct node *n); /* until nothing is in flight or left to start */
void node_turn(struct node *n, unsigned int ms); /* turns it that long, for what must not happen */
/* Until this shell command succeeds; it is run again with each turn. */
void node_wait_sh(struct node *n, unsigned int ms, const char *fmt, ...)
	__attribute__((__format__(__printf__, 3, 4)));

/* Replaces the scope "item" by this one item (spec NULL: by nothing), settles, and requires that
 * it is created (or absent). */
void node_apply(struct node *n, const struct dp_type *type, const void *spec);
/* The state must become this, within 5 s. */
void node_wait_state(struct node *n, const struct dp_type *type, const char *key,
		     enum dp_state state);
void node_dump(struct node *n, FILE *out); /* everything, for those who look for the cause */

/* Helper programs of the engine, by the name of their pid file: "dnsmasq.bn1". */
int helper_pid(const char *name); /* 0: none */
bool helper_runs(int pid); /* zombies do not: in here nobody reaps what its daemon left */
int helper_kill(const char *name); /* kill -9, of one that must be there; returns its pid */
