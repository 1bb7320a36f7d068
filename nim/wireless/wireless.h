/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemons of radios say of each port, and what follows for it. Pure.
 *
 * A modem's connection (a bearer) has no DHCP: whoever brought it up knows the addresses, gateways,
 * DNS servers and MTU that the network gave. wwan tells them, nim puts them on the interface, so
 * that one program alone does so, by one reconciler, for all kinds of ports. Wi-Fi is Ethernet as
 * soon as it has a carrier: dhcpcd does the rest.
 *
 * What a daemon said last counts until it says something else, also when it has left: a connection
 * does not end because the one who made it does.
 */
#pragma once

#include "nim/facts.h"

#define NIM_BEARER_ADDRS 4 /* of both IP versions together */

struct Ew__WlanConfig;
struct Ew__WlanPortStatus;
struct Ew__WlanStatus;
struct Ew__WwanConfig;
struct Ew__WwanNetworkStatus;
struct Ew__WwanStatus;

/* One side: what nim tells a daemon and what that says to it; NULL: nothing yet. Borrowed. */
struct nim_wwan {
	const struct Ew__WwanConfig *told;
	const struct Ew__WwanStatus *said;
	bool left; /* the daemon */
};

struct nim_wlan {
	const struct Ew__WlanConfig *told;
	const struct Ew__WlanStatus *said;
	bool left;
};

struct nim_air { /* of one port */
	bool pending; /* its daemon has not applied this configuration yet */
	bool stale; /* its daemon has left */
	const struct Ew__WwanNetworkStatus *cellular; /* borrowed; NULL: not told of */
	const struct Ew__WlanPortStatus *wifi; /* the same */
	struct prefix addrs[NIM_BEARER_ADDRS]; /* that the network gave, usable for the port */
	uint8_t naddrs;
	char error[160]; /* why nothing passes by it; "" = it may */
};

/* port is cellular. It need not be on air: then nothing is expected of it. */
void nim_wireless_look_wwan(const struct nim_port *port, const struct nim_wwan *wwan,
			    struct nim_air *ret);
/* port is a Wi-Fi port; carrier: its interface has one. */
void nim_wireless_look_wlan(const struct nim_port *port, const struct nim_wlan *wlan, bool carrier,
			    struct nim_air *ret);

struct dp_lease;
/* What the network gave of one family, as a lease. False: nothing, then ret is untouched. */
bool nim_wireless_lease(const struct nim_air *w, int family, struct dp_lease *ret);

/* The last status of wwan has been made of what it is told now. */
bool nim_wwan_applied(const struct nim_wwan *wwan);
bool nim_wlan_applied(const struct nim_wlan *wlan);
