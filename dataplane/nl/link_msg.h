/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all kinds of links have in common: building RTM_NEWLINK and RTM_SETLINK, reading what the
 * kernel tells of a link, and the rules of ownership. One link kind is one file in
 * dataplane/items/ with one line in link_kinds[].
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "dataplane/dp.h"
#include "dataplane/items/link.h"
#include "dataplane/nl/rtnl.h"

/* ---- Reading ---- */

struct link_info { /* one RTM_NEWLINK; pointers are into the message */
	struct ifname ifname;
	uint32_t ifindex;
	uint32_t mtu_bytes, max_mtu_bytes; /* max 0: any */
	uint32_t group;
	uint32_t master; /* ifindex; 0: none */
	uint32_t parent; /* IFLA_LINK: of a vlan, the other end of a veth; 0: none */
	bool parent_elsewhere; /* parent is an index of another network namespace */
	struct mac mac;
	uint32_t flags; /* IFF_* */
	uint16_t type; /* ARPHRD_* */
	char kind[16];
	char slave_kind[16]; /* "bridge", "bond": what it is a port of */
	const struct nlattr *data; /* IFLA_INFO_DATA, NULL: none */
	const struct nlattr *slave_data; /* IFLA_INFO_SLAVE_DATA or IFLA_PROTINFO */
};

/* false: not a message about a link. */
bool link_parse(const struct nlmsghdr *msg, struct link_info *ret);

/*
 * A kind of link, or (slave) of port. A link of that kind in our group, a port whose master is in
 * our group, is ours: read() makes its spec and the engine is told.
 */
struct link_kind {
	const char *kind; /* IFLA_INFO_KIND or IFLA_INFO_SLAVE_KIND */
	bool slave;
	const struct dp_type *type;
	/* Fills the zeroed spec; false: not one of these after all. */
	bool (*read)(struct dp *dp, const struct link_info *link, void *spec);
};
extern const struct link_kind *const link_kinds[]; /* NULL-terminated: dataplane/nl/observers.c */
extern const struct link_kind dp_bond_kind;
/* All types that link messages tell of, NULL-terminated: there, too. */
extern const struct dp_type *const link_types[];
#define LINK_SPEC_MAX 512 /* bytes in the largest spec of a kind */

extern const struct rtnl_observer dp_link_observer, dp_brvlan_observer;
int link_dump(struct dp *dp); /* every link, whatever kind */

/* Types that look at links of others too: told of each link after the engine was. */
typedef void link_follower_fn(struct dp *dp, const struct link_info *link);
extern link_follower_fn *const link_followers[]; /* NULL-terminated: dataplane/nl/observers.c */
link_follower_fn dp_linkset_follow, dp_veth_follow, bond_state_follow;
void bond_state_gone(struct dp *dp, uint32_t ifindex); /* a link is no more */

/* Reads one link again and tells of it: the kernel sends no message when a link that is down
 * changes its group (netdev_state_change() in net/core/dev.c). Not from within a type's hook. */
void link_reread(struct dp *dp, const struct ifname *ifname);
bool link_dumping(const struct dp *dp); /* what is read now is a dump, not news */

/* Group of a link as last told; 0: unknown link. */
uint32_t link_group(const struct dp *dp, uint32_t ifindex);
bool link_group_is_ours(const struct dp *dp, uint32_t group);

/* ---- Building ---- */

/* ip link add NAME [up] group OURS type KIND; the caller adds attributes, then between the nest's
 * begin and end the kind's own (IFLA_INFO_DATA), and ends with rtnl_end(op, msg, 0). */
struct nlmsghdr *link_begin_new(struct dp_op *op, const struct ifname *ifname, bool up);
struct link_nest {
	struct nlattr *info, *data;
};
struct link_nest link_nest_begin(struct nlmsghdr *msg, const char *kind);
void link_nest_end(struct nlmsghdr *msg, struct link_nest nest);

/* ip link set NAME [up|down] …, of a link that exists; with LINK_AS_IS its state is kept. End with
 * rtnl_end(). link_begin_change() is for IFLA_INFO_DATA: ip link set NAME type KIND … */
enum link_updown { LINK_AS_IS, LINK_UP, LINK_DOWN };
struct nlmsghdr *link_begin_set(struct dp_op *op, const struct ifname *ifname,
				enum link_updown state);
struct nlmsghdr *link_begin_change(struct dp_op *op, const struct ifname *ifname,
				   enum link_updown state);

/* ip link set NAME up, whole, of a link that a message before it in the batch makes: by its name, since
 * what is known of the name may be of a link that is gone. Returns -EINPROGRESS. */
int link_raise_new(struct dp_op *op, const struct ifname *ifname);

void link_put_mtu(struct nlmsghdr *msg, uint32_t mtu_bytes); /* 0: nothing is put */
void link_put_mac(struct nlmsghdr *msg, const struct mac *mac); /* unset: nothing */

/*
 * The create of every kind: absent → make(); ours and as wanted → 0; ours and different → modify
 * or delete and make; somebody else's → -EEXIST. make() appends the messages. want begins with
 * struct ifname.
 */
int link_create(struct dp_op *op, const struct dp_type *type, const void *want,
		int (*make)(struct dp_op *op, const void *want));

/* Wanted 0 or unset means whatever it is: equal. */
bool link_mtu_differs(uint32_t have, uint32_t want);
bool link_mac_differs(const struct mac *have, const struct mac *want);

void link_print_mac(const struct mac *mac, struct strbuf *out); /* " mac=…", or nothing */

/* The key of every type of this family: its name. Specs begin with struct ifname. */
void link_key(const void *spec, struct strbuf *out);
/* remove of every kind; spec begins with struct ifname. ip link delete NAME */
int link_remove(struct dp_op *op, const void *have);
