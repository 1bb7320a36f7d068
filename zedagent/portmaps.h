/* SPDX-License-Identifier: Apache-2.0 */
/* All port maps of the device: no two may claim the same port outside under the same label. */
#pragma once

#include "config.pb-c.h"
#include "zedagent/check.h"

struct za_portmap;

struct za_portmaps { /* all-zero is empty */
	struct za_portmap *list;
	size_t n;
};

/* Borrows entry and ni. Without an adapter of its own a map is open on the instance's ports. */
void za_portmaps_add(struct za_portmaps *maps, const Ew__AclEntry *entry,
		     const Ew__NetworkInstanceConfig *ni, const struct za_at *at);

/* 0 or -EINVAL. Which ports two different labels share is only known where they are resolved. */
int za_portmaps_check(struct za_portmaps *maps, struct pbjson_error *err);
void za_portmaps_fini(struct za_portmaps *maps);
