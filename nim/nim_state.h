/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The object behind nim/nim.h, for nim.c (its life), inputs.c (what it hears) and apply.c (what
 * follows from it).
 */
#pragma once

#include "api/topics.h"
#include "base/rate.h"
#include "nim/cards.h"
#include "nim/dns/forwarder.h"
#include "nim/facts.h"
#include "nim/intent.h"
#include "nim/items.h"
#include "nim/nim.h"

struct acd_watch;
struct boot;
struct conn_schedule;
struct conntest;
struct dp;
struct dp_lease_watch;
struct event;
struct heartbeat;
struct upstream;
struct lps_run;
struct wireless_run;
struct metering;
struct nim_chrony;
struct lease_again;
struct nim_bonds;
struct nim_dpc;
struct nim_verify;
struct nim_fallback;
struct nim_flows;
struct numbers;
struct stored;
struct pnac_ports;
struct ps;
struct radio_run;
struct ps_pub;

#define NIM_LOG_LINES 6 /* of one kind about one port … */
#define NIM_LOG_MS 10000 /* … in that time: what flaps may not fill the log */

enum nim_input {
	NIM_INPUT_PORTS = 1 << 0,
	NIM_INPUT_ITEMS = 1 << 1,
	NIM_INPUTS_ALL = (1 << 2) - 1,
};

struct nim {
	struct daemon *daemon;
	struct dp *dp;
	struct ps *ps;
	struct ps_pub *status_pub, *dpc_pub;
	struct nim_dpc *dpc;
	struct nim_fallback *fallback;
	struct lps_run *lps;
	struct nim_verify *verify;
	const struct nim_config *candidate; /* tried beside, merged into config; NULL: none */
	Ew__DevicePortConfig *in_force; /* of the list; NULL: none */
	struct dp_lease_watch *leases;
	struct numbers *numbers;
	struct metering *metering;
	struct acd_watch *acd;
	struct boot *boot;
	struct pnac_ports *pnac;
	struct radio_run *radio;
	struct nim_chrony *chrony;
	struct lease_again *lease_again;
	struct nim_bonds *bonds;
	struct heartbeat *heartbeat;
	struct upstream *upstream;
	struct wireless_run *wireless;
	struct rate said_carrier[NIM_PORTS], said_usable[NIM_PORTS]; /* log lines, by port */
	struct rate said_left_out;
	bool addrs_left_out; /* some addresses, for want of room … */
	bool addrs_again; /* … of which there is more now */
	struct nim_cards cards;
	struct stored *assigned;
	bool cards_changed; /* ports may be other interfaces now */
	struct conntest *conntest;
	struct conn_schedule *conn_schedule;
	struct nim_flows *flows;
	struct event *apply_ev; /* inputs changed: apply once at the end of this turn */
	struct event *status_ev; /* only the engine's reports changed */
	bool known; /* the configuration, be it empty: before that there is nothing to tell */
	bool told; /* that it is */
	bool stale; /* config and view do not belong together yet: an apply is under way */
	bool swept;
	unsigned int synced; /* enum nim_input bits */
	bool firewall_dirty;
	struct nim_items items;
	struct nim_config config;
	struct nim_facts facts;
	struct nim_view view;
	struct nim_forwarder forwarder;
};

/* ---- apply.c ---- */

/* What is heard became what is wanted and told, at the end of this turn. */
void nim_changed(struct nim *nim);
void nim_apply(struct nim *nim); /* the same at once */
/* Says, once, that what is told is the state and not its beginning. */
void nim_tell_ready(struct nim *nim);
void nim_submit(struct nim *nim, struct dp_graph *g); /* takes g; logs an error */
int nim_open_apply(struct nim *nim); /* 0 or -ENOMEM */

/* ---- inputs.c ---- */

int nim_watch_kernel(struct nim *nim); /* before the engine adopts; 0 or -errno */
int nim_watch_leases(struct nim *nim); /* 0 or -errno */
int nim_subscribe(struct nim *nim); /* 0 or -errno */
void nim_read_addrs_again(struct nim *nim); /* if there is room for what was left out */
void nim_follow_cards(struct nim *nim); /* ports that are other interfaces now become these */
void nim_dpc_changed(void *nim); /* the list of port configurations is another */
void nim_set_config(struct nim *nim); /* anew from in_force and candidate */
/* Ports are to be as the current one says. True: nim_set_config() was called. */
bool nim_set_in_force(struct nim *nim);
void nim_publish_dpcs(struct nim *nim); /* the list, and that in the status */
