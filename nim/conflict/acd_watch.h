/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who else has an IPv4 address of ours: nim/conflict/acd.h for all addresses of all ports, on one packet
 * socket. Its filter lets nothing through but conflicts: it costs nothing while there is none.
 */
#pragma once

#include "nim/facts.h"

struct acd_watch;
struct event_base;

/* changed() runs from the loop, never from here, when a conflict came or went. */
int acd_watch_new(struct event_base *base, void (*changed)(void *arg), void *arg,
		  struct acd_watch **ret);
struct acd_watch *acd_watch_free(struct acd_watch *w);

/*
 * Watches the addresses that facts have now. New ones, and those whose carrier is back, are
 * probed. Brings the IPv4 part of each interface's conflicts up to date.
 */
void acd_watch_apply(struct acd_watch *w, const struct nim_config *config, struct nim_facts *facts);
