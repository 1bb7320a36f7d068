/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 802.1X of all ports that have it, as it runs: one wpa_supplicant each, which outlives nim, its
 * control socket, the files of its profile, and the DHCP client that has to hear of a change.
 * Without such a port there is neither timer nor descriptor.
 */
#pragma once

#include "nim/facts.h"

struct event_base;
struct dp;
struct pnac_ports;
struct ps;

struct pnac_ports_conf {
	struct event_base *base;
	struct dp *dp;
	struct ps *ps; /* PnacMetrics is published here */
	const char *run_dir, *state_dir, *owner; /* borrowed */
	void (*changed)(void *arg); /* pnac_ports_tell() has news; from the loop */
	void *arg;
};

int pnac_ports_new(const struct pnac_ports_conf *conf, struct pnac_ports **ret);
struct pnac_ports *pnac_ports_free(struct pnac_ports *all); /* they run on; NULL is fine */

/* Configuration or facts changed: what is to run is submitted. retries: see pnac_reacquire.h. */
void pnac_ports_apply(struct pnac_ports *all, const struct nim_config *config,
		      const struct nim_facts *facts, unsigned int retries);
/* Fills in nim_iface.pnac. */
void pnac_ports_tell(struct pnac_ports *all, const struct nim_config *config,
		     struct nim_facts *facts);
