/* SPDX-License-Identifier: Apache-2.0 */
/* What the world reports of each port's interface, and what follows from it. */
#pragma once

#include "base/http_url.h"
#include "nim/config.h"
#include "nim/pnac/wpa_text.h"

#define NIM_SEARCH 256 /* bytes with NUL */
#define NIM_REFUSED 96

struct dp_lease;
struct nim_air; /* nim/wireless/wireless.h */

#define NIM_LEASE_ROUTES 8

struct nim_lease_route {
	struct prefix dst;
	struct ipaddr gateway; /* unset: on-link */
};

struct nim_lease { /* of one family, from the DHCP client */
	struct ipaddr addr; /* the first; unset: none */
	struct ipaddr gateway;
	struct ipaddr dns[NIM_SERVERS];
	uint8_t ndns;
	char ntp[NIM_SERVERS][INET6_ADDRSTRLEN];
	uint8_t nntp;
	char domain[NIM_LABEL];
	char search[NIM_SEARCH]; /* names divided by blanks */
	char wpad_url[HTTP_URL_MAX]; /* where a PAC file is; "": not told */
	struct nim_lease_route routes[NIM_LEASE_ROUTES]; /* besides the default one */
	uint8_t nroutes;
	uint16_t mtu_bytes; /* 0: not told */
	char refused[NIM_REFUSED]; /* why there is a lease that does not count; "" = it does */
};

struct nim_conflict { /* an address that somebody else has, too */
	struct ipaddr addr;
	struct mac mac; /* of them; unset: the kernel did not tell (IPv6) */
};

struct nim_pnac { /* 802.1X, of a port that has it */
	enum pnac_state state;
	int64_t last_auth_ms; /* Unix time of the last success; 0: none */
	int64_t cert_until_s; /* Unix time; 0: not known */
	char identity[256];
	char error[160]; /* "" = none */
};

/* By address family, where both are alike. */
enum { NIM_V4, NIM_V6, NIM_FAMILIES };

enum nim_gateway_state {
	NIM_GATEWAY_UNKNOWN, /* there is none */
	NIM_GATEWAY_NOT_ASKED, /* nothing would follow from it, or it is not wanted */
	NIM_GATEWAY_ASKED, /* and has not answered yet: some never do */
	NIM_GATEWAY_ANSWERS,
	NIM_GATEWAY_SILENT, /* it answered before, or the kernel gave it up */
};

struct nim_health { /* of one family: nim/gateway/heartbeat.h */
	enum nim_gateway_state gateway;
	uint32_t interval_ms; /* between questions; 0: none */
	uint32_t patience_ms; /* without an answer until it is silent; 0: it is not asked, or is */
	bool held; /* back, and others are preferred for a while */
	bool shaky; /* back so often that it is not used for a moment, if there is another */
	int64_t held_until_ms; /* Unix time; 0: not held */
	uint32_t losses; /* times it ceased to work */
};

enum nim_upstream_state {
	NIM_UPSTREAM_UNKNOWN, /* nobody is known who could be asked */
	NIM_UPSTREAM_NOT_ASKED, /* nothing would follow from it, or it is not wanted */
	NIM_UPSTREAM_ASKED, /* and nobody has answered yet */
	NIM_UPSTREAM_ANSWERS,
	NIM_UPSTREAM_SILENT, /* and on no other port has anybody answered since */
	NIM_UPSTREAM_FAILED, /* and on another port he has */
};

struct nim_upstream { /* of one family, what is beyond the gateway: nim/upstream/upstream.h */
	enum nim_upstream_state state;
	bool behind; /* others are preferred: it has failed, or has not been well for long enough */
	uint32_t interval_ms; /* it is looked at so often; 0: not at all */
	int64_t since_ms; /* Unix time of the last change; 0: none */
	int64_t held_until_ms; /* Unix time; 0: not held */
	uint32_t failures;
	uint64_t questions, answers;
	uint32_t rtt_us; /* of answers, smoothed; 0: not known */
	struct ipaddr target; /* the first that is asked; unset: none */
	uint16_t target_port;
};

struct nim_iface {
	struct ifname ifname; /* empty: slot unused */
	uint32_t ifindex; /* 0: not there */
	uint32_t mtu_bytes;
	struct mac mac;
	bool up, carrier;
	struct prefix addrs[NIM_ADDRS]; /* global ones, usable (not tentative) */
	struct prefix ignored[NIM_ADDRS]; /* the same, that do not count: nim/addressing.h */
	uint8_t naddrs, nignored;
	struct nim_conflict conflicts[NIM_ADDRS];
	uint8_t nconflicts;
	struct nim_lease lease4, lease6;
	struct ipaddr ra_gateway; /* IPv6 default router the kernel learned */
	/* nim/boot/boot.h: what is there of before nim and has not been replaced; the gateway that goes
	 * with it; and what is to stay for connections. */
	struct prefix boot_left, boot_kept;
	struct ipaddr boot_gateway;
	const struct nim_pnac *pnac; /* of pnac_ports_tell(), good until the next; NULL: none */
	const struct nim_air *wireless; /* of nim_wireless_tell(), good until the next; NULL: a
						port with a cable */
	bool radio_silent; /* its radio is to be off: nothing is to be tested by it */
	bool over_quota; /* not for apps */
	uint64_t client_since_s; /* CLOCK_BOOTTIME; a DHCP client that is older is started anew */
	bool metered;
	struct nim_health health[NIM_FAMILIES];
	struct nim_upstream upstream[NIM_FAMILIES];
	char problem[200]; /* first failed item of the port's scope; "" = none */
};

struct nim_facts {
	struct nim_iface ifaces[NIM_PORTS]; /* of the configured ports, same order */
	char firewall_problem[200]; /* first failed item of its scope; "" = none */
};

/* What config and facts make of one port. */
struct nim_port_view {
	struct ipaddr gateway4, gateway6; /* unset: none */
	bool good4, good6; /* carrier, address and gateway */
	bool usable4, usable6; /* … which answers, or there is no better: may carry traffic */
	bool held4, held6; /* behind others that are usable */
	bool behind4, behind6; /* behind these as well: nothing is heard from beyond its gateway */
	uint8_t rank; /* 0 = first choice among all ports */
	uint8_t turn; /* management goes to the lowest that works, by turns among equal ones */
};

struct nim_view {
	struct nim_port_view ports[NIM_PORTS];
	int default4, default6; /* index of the port with the default route; -1 = none */
};

/* Keeps the facts of interfaces that are still configured, in the new order. */
void nim_facts_follow(struct nim_facts *facts, const struct nim_config *config);
struct nim_iface *nim_facts_find(struct nim_facts *facts, const char *ifname); /* or NULL */
void nim_iface_add_addr(struct nim_iface *iface, const struct prefix *p); /* set semantics */
/* The same for one that may not count for the port: nim/addressing.h. False: there is no room for so
 * many, and *out is left out: the new one, or for one that is configured another. */
bool nim_iface_sort_addr(struct nim_iface *iface, const struct nim_port *port,
			 const struct prefix *p, struct prefix *out);
void nim_iface_remove_addr(struct nim_iface *iface, const struct prefix *p);
/* Both: true when it is news. */
bool nim_iface_set_conflict(struct nim_iface *iface, const struct ipaddr *addr,
			    const struct mac *mac);
bool nim_iface_clear_conflict(struct nim_iface *iface, const struct ipaddr *addr);
void nim_iface_clear_conflicts(struct nim_iface *iface, int family);
/* lease NULL: none. True when anything nim uses changed. */
bool nim_iface_set_lease(struct nim_iface *iface, int family, const struct dp_lease *lease);

/* Pure. Rank: management before application ports, then cost, then the order of the config. */
void nim_view(const struct nim_config *config, const struct nim_facts *facts, struct nim_view *ret);
