/* SPDX-License-Identifier: Apache-2.0 */
/* Layers the boxes of one list, for acl.c: see zedrouter/acl.h for what layers are. */
#pragma once

#include "zedrouter/acl.h"

typedef unsigned __int128 acl_value; /* wide enough for an IPv6 address */

enum acl_axis { ACL_REMOTE, ACL_PROTO, ACL_LPORT, ACL_FPORT, ACL_AXES };

struct acl_box { /* of packets; both ends included */
	acl_value lo[ACL_AXES], hi[ACL_AXES];
};

acl_value acl_number(const struct ipaddr *addr);
bool acl_box_overlap(const struct acl_box *a, const struct acl_box *b);
uint32_t acl_verdict(enum zr_action action, uint32_t ace); /* equal: they agree */
/* Without layer, exact, action and ace. */
struct zr_acl_entry acl_entry(const struct acl_box *box, int family, enum zr_variant variant);

struct acl_unit { /* a box of the list, in its order */
	struct acl_box box;
	uint8_t action; /* ZR_ALLOW, ZR_DROP or ZR_LIMIT */
	bool by_host; /* holds only packets of the addresses of a host */
	uint32_t ace;
};

struct acl_placer; /* one family and variant of one list */
struct acl_placer *acl_placer_new(struct zr_acl *acl, int family, enum zr_variant variant);
struct acl_placer *acl_placer_free(struct acl_placer *p);
/*
 * Adds the next box of the list to the entries of acl: as one entry, as none when an earlier one
 * covers it, or cut into several. Returns 0 or -E2BIG.
 */
int acl_place(struct acl_placer *p, const struct acl_box *box, enum zr_action action, uint32_t ace);

/* Adds to the steps of acl what must be asked before the maps, see zedrouter/acl.h. 0 or -E2BIG. */
int acl_add_steps(struct zr_acl *acl, int family, enum zr_variant variant,
		  const struct acl_unit *units, size_t n);
