/* SPDX-License-Identifier: Apache-2.0 */
/* Two cables, v0 to v1 and w0 to w1, for types that need links with a carrier. */
#pragma once

#include "dataplane/items/inet.h"

struct dp_graph;

void want_v(struct dp_graph *g); /* as items; v0 and v1 are up */
void want_v_and_w(struct dp_graph *g);
void make_v_and_w(void); /* as somebody else's links */

/* A way of a route or a member of a group; gateway NULL: on-link. */
struct dp_nexthop test_via(const char *ifname, const char *gateway, uint8_t weight);
