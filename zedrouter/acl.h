/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles the access list of one app interface (VIF) into entries of the shared ACL maps.
 *
 * Semantics: entries are tried in order, the first that matches decides, what none matches is
 * dropped. An entry names the *remote* side: towards the network (egress) that is the
 * destination, towards the app (ingress) the source; lport is the app's port, fport the
 * remote's. Only the first packet of a flow is judged, replies pass by connection tracking.
 *
 * The kernel holds all lists of all VIFs in a fixed set of maps, so rules never change with them:
 * per address family and layer one hash map for exact entries (VIF . remote . protocol . fport,
 * any lport) and one interval map for all the others. They are looked up in the order exact 0,
 * ranges 0, exact 1, ranges 1, …; the compiler puts an entry behind each earlier one it overlaps
 * with and disagrees with. An interval map refuses overlapping entries, so equal-minded ones that
 * overlap go to different layers too.
 *
 * An entry for a host name cannot be in a map: its addresses come as apps ask for them. It becomes
 * a step, one of a sequence that is asked before the maps, in order. So do the earlier entries that
 * would decide otherwise about a packet of such a step. See docs/acl.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct strbuf;

enum zr_action { ZR_ALLOW, ZR_DROP, ZR_LIMIT, ZR_PORTMAP };
enum zr_direction { ZR_BOTH, ZR_INGRESS, ZR_EGRESS }; /* ingress: towards the app */

struct zr_ace {
	int32_t id;
	enum zr_action action;
	enum zr_direction direction;
	struct prefix remote; /* unset: any, IPv4 and IPv6 */
	const char *host; /* borrowed; a domain and all below it; NULL or "": none */
	bool unresolved; /* nobody fills the set of host: the instance has no DNS server */
	const struct ipaddr *known; /* borrowed; what host stands for by the node's own names */
	size_t n_known;
	bool eidset; /* remote is one of the addresses given as eids */
	uint8_t protocol; /* 0: any; ports need one that has ports */
	struct portrange lport; /* the app's; of a port map: the external ports. Unset: any */
	struct portrange fport; /* the remote's */
	const char *adapter; /* borrowed; port map: label of the ports it is open on; "": all */
	uint32_t limit_rate, limit_unit_s, limit_burst; /* packets */
	uint16_t target_port; /* port map: the app's port (the first, when lport is a range) */
};

#define ZR_ACL_MAX 65536 /* entries of one compiled list */
#define ZR_ACL_STEPS 4096
#define ZR_ACL_LAYERS 4 /* of each family; see zedrouter/filter.h for the rules they make */

/* Which lookups an entry answers. */
enum zr_variant {
	ZR_VARIANT_EGRESS, /* and ingress too, unless split */
	ZR_VARIANT_INGRESS, /* only when split */
	ZR_VARIANT_DNAT, /* ingress of port-mapped flows; only when there are port maps */
};

struct zr_acl_entry {
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t variant; /* enum zr_variant */
	uint8_t layer;
	bool exact; /* in the hash map: one address, protocol and fport, any lport */
	bool by_host; /* a step: the host of its ace stands for the remote, too */
	uint8_t action; /* ZR_ALLOW, ZR_DROP or ZR_LIMIT */
	uint8_t proto_first, proto_last;
	struct ipaddr first, last; /* remote */
	struct portrange lport, fport; /* 0-65535: any */
	uint32_t ace; /* index into the list it was compiled from */
};

struct zr_acl {
	struct zr_acl_entry *entries;
	size_t n;
	struct zr_acl_entry *steps; /* layer and exact mean nothing */
	size_t n_steps;
	bool split; /* ingress differs from egress: it has entries of its own */
	bool dnat; /* has port maps */
	struct zr_ace *aces; /* copies, host and adapter owned, without known */
	size_t n_aces;
};

/*
 * Never opens more than asked: an entry that cannot be honoured is left out when it allows and
 * widened when it drops, and named in why (added to, "" when all is well; may be NULL).
 * eids: addresses of the apps and static names of the instance. Returns 0, or -E2BIG when the
 * list needs more than ZR_ACL_MAX entries or ZR_ACL_STEPS steps (then nothing may pass). Takes
 * O(n · number of ranges and steps).
 */
int zr_acl_compile(const struct zr_ace *aces, size_t n, const struct ipaddr *eids, size_t n_eids,
		   struct strbuf *why, struct zr_acl **ret);
struct zr_acl *zr_acl_free(struct zr_acl *acl); /* NULL is fine; returns NULL */
void zr_acl_freep(struct zr_acl **acl);
bool zr_ace_maps(const struct zr_ace *ace); /* a port map that can be honoured */
void zr_acl_print(const struct zr_acl *acl, struct strbuf *out); /* one line an entry */
