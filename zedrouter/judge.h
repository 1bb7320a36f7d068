/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a compiled access list says of a flow: the same as the kernel, which looks it up in its maps,
 * says of its first packet. Pure. Once per list some work for each entry, then per flow as many
 * lookups as there are lengths of prefixes in the list.
 */
#pragma once

#include "zedrouter/acl.h"

struct zr_judge;

struct zr_flow {
	struct ipaddr remote; /* towards the network before, towards the app after translation */
	uint8_t protocol;
	uint16_t lport, fport; /* anything for protocols without */
	enum zr_variant variant; /* of the walk, whether or not the list differs by it */
};

/* Is addr among what the domain has been found to stand for? */
typedef bool zr_learned_fn(const char *host, const struct ipaddr *addr, void *arg);

/* Takes acl. NULL: nothing may pass. */
struct zr_judge *zr_judge_new(struct zr_acl *acl);
struct zr_judge *zr_judge_free(struct zr_judge *judge); /* NULL is fine */
enum zr_action zr_judge(const struct zr_judge *judge, const struct zr_flow *flow,
			zr_learned_fn *learned, void *arg);

/* Does one of the list's port maps lead from this external port to the app's? Adapter (NULL: of a
 * port that is not known) is asked whether the map is open where the flow came in. */
typedef bool zr_adapter_fn(const char *adapter, void *arg);
bool zr_judge_maps(const struct zr_judge *judge, uint8_t protocol, uint16_t external,
		   uint16_t target, zr_adapter_fn *adapter, void *arg);

/* Two lists with the same sum allow, limit and drop the same; NULL has one, too. */
uint64_t zr_acl_sum(const struct zr_acl *acl);
