/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes over the cards that were set up before nim started: as long as a port has no address of its
 * own it lives on what it found; then that goes, and nothing that runs over it is cut.
 *
 *	address		the port's own, when the configuration or the lease has the same; else
 *			removed, but while TCP connections have it: it stays as ADDRESS/32. On a port
 *			without addresses: removed when the node has another way
 *	default route	gone as soon as there is one of ours
 *	its gateway	that of a port by DHCP that has no lease yet
 */
#pragma once

#include "nim/facts.h"

struct boot;
struct dp;
struct event_base;

struct boot_conf {
	struct event_base *base;
	struct dp *dp; /* that has adopted, and done nothing yet */
	const char *run_dir;
	const struct nim_config *config; /* these two borrowed, as they are at each call */
	const struct nim_facts *facts;
	void (*changed)(void *arg); /* from the loop: boot_tell() has news */
	void *arg;
};

/* At the first start since boot what is there now is put on record; later that record counts.
 * Copies conf. 0 or -errno. */
int boot_new(const struct boot_conf *conf, struct boot **ret);
struct boot *boot_free(struct boot *b); /* NULL is fine */

/* Before the view: brings boot_gateway, boot_kept and boot_left of each interface up to date. */
void boot_tell(struct boot *b, struct nim_facts *facts);
/* Once the engine is done: removes what has been replaced. */
void boot_look(struct boot *b);
