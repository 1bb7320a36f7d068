/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that edgeway ports knows, put together from messages, lease files and nim's graph. Pure:
 * ports.c gets them.
 *
 *	struct ports ports;
 *
 *	ports_init(&ports, &rows);
 *	ports.list[0].lease[PORT_DHCP4] = lease;
 *	ports_add_graph(&ports, json, len);
 *	ports_print(&ports, &look, stdout);
 *	ports_fini(&ports);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/edgeway/status_view.h"
#include "dataplane/lease.h"
#include "meter.pb-c.h"
#include "pnac.pb-c.h"
#include "status.pb-c.h"

enum port_lease { PORT_DHCP4, PORT_DHCP6, PORT_RA, PORT_LEASES };
extern const char *const port_lease_parts[PORT_LEASES]; /* as in names of lease files: "4" */

struct port_fault { /* an item of its scope that is not as wanted */
	char *type, *key, *state, *why;
};

struct port_facts {
	const Ew__PortStatus *p; /* borrowed */
	const Ew__PortMeterStatus *meter; /* borrowed; NULL: not metered */
	const Ew__PnacMetrics *eapol; /* borrowed; NULL: no 802.1X, or it has said nothing yet */
	const Ew__WwanMetrics *wwan; /* borrowed; NULL: no modem, or nothing said of it yet */
	const Ew__WlanMetrics *wlan; /* the same of Wi-Fi */
	bool default4, default6;
	struct dp_lease lease[PORT_LEASES]; /* without a reason: there is none */
	struct port_fault *faults;
	size_t nfaults;
};

struct ports {
	const struct status *rows;
	const Ew__DeviceNetworkStatus *device; /* NULL: not told */
	struct port_facts *list;
	size_t n;
	uint64_t boot_s; /* CLOCK_BOOTTIME, the clock of leases, at … */
	int64_t unix_s; /* … this time */
};

/* Of rows of DeviceNetworkStatus, PortMeterStatus, PnacMetrics, WwanMetrics, WlanMetrics and
 * NetworkInstanceStatus, borrowed until fini. */
void ports_init(struct ports *ports, const struct status *rows);
void ports_fini(struct ports *ports);
/* By logical label, else by name of the interface; NULL: there is none. */
struct port_facts *ports_find(const struct ports *ports, const char *name);
/* Faults from the answer to "graph json". -EINVAL when it is none. */
int ports_add_graph(struct ports *ports, const char *json, size_t len);

/* "static", "DHCP", "DHCPv6", "router advertisement", "the network" or "other means" of an address with prefix length.
 * *ret_lease is what holds it, NULL: nothing does. */
const char *port_address_source(const struct port_facts *port, const char *address,
				const struct dp_lease **ret_lease);
/* Unix time of its end; 0: none. */
int64_t ports_lease_end(const struct ports *ports, const struct dp_lease *lease);
/* Whether the instance uses this port now, or may: by its label or one that it shares. */
enum port_use { PORT_NOT_USED, PORT_MAY_BE_USED, PORT_USED };
enum port_use port_used_by(const struct port_facts *port, const Ew__NetworkInstanceStatus *ni);

/* What to do about what is wrong with the port, commonest faults first: calls tell with a sentence
 * for each. */
void port_hints(const struct ports *ports, const struct port_facts *port,
		void (*tell)(const char *hint, void *arg), void *arg);
