/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wireless ports as they run: their daemons are told what is wanted (topics WwanConfig, WlanConfig),
 * and what they say (WwanStatus, WlanStatus) becomes facts of the ports. What wwan said last is left
 * to the next run, in <run-dir>/nim/wwan.json, so that a restart finds the addresses of modems as
 * they are. No timer.
 */
#pragma once

#include <stdint.h>

struct arena;
struct daemon;
struct nim_cards;
struct nim_config;
struct nim_facts;
struct nim_view;
struct nim_told_by;
struct ps;
struct wireless_run;

struct wireless_run_conf {
	struct daemon *daemon; /* folders */
	struct ps *ps;
	const struct nim_config
		*config; /* borrowed, as those below: they may change between calls */
	struct nim_facts *facts;
	struct nim_cards *cards; /* gets the interfaces of modems */
	void (*cards_changed)(void *arg); /* ports may be other interfaces now; from the loop */
	void (*changed)(void *arg); /* facts have news; from the loop */
	void *arg;
};

int wireless_run_new(const struct wireless_run_conf *conf, struct wireless_run **ret);
struct wireless_run *wireless_run_free(struct wireless_run *run); /* NULL is fine */

/* The configuration is another: what is known of its ports is told anew. */
void wireless_run_follow(struct wireless_run *run);
/* Fills in the leases and nim_iface.wireless, metered of wireless ports, for the next view. */
void wireless_run_tell(struct wireless_run *run);
/* Tells the daemons, once the configuration is known, be it empty. A no-op when nothing is new. */
void wireless_run_apply(struct wireless_run *run, const struct nim_view *view,
			const struct nim_told_by *by);
