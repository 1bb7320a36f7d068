/* SPDX-License-Identifier: Apache-2.0 */
/* All port maps of the device: no two may claim the same number outside on the same port. */
#pragma once

#include "config.pb-c.h"
#include "zedagent/check.h"

struct za_portmap;

struct za_portmaps {
	const Ew__DevicePortConfig *ports; /* borrowed; at most ZA_PORTS_MAX */
	struct za_portmap *list;
	size_t n;
};

/* A map is open on the ports of its instance that have the label of its adapter match, if any.
 * Copies what it needs of entry, ni and at. */
void za_portmaps_add(struct za_portmaps *maps, const Ew__AclEntry *entry,
		     const Ew__NetworkInstanceConfig *ni, const struct za_at *at);

/* 0 or -EINVAL: the later of the two as configured is refused, and the other named. */
int za_portmaps_check(struct za_portmaps *maps, struct pbjson_error *err);
void za_portmaps_fini(struct za_portmaps *maps);
