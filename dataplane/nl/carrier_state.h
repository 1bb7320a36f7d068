/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the rtnetlink backend: the monitor tells of link events. */
#pragma once

struct rtnl;
struct rtnl_carrier;

int rtnl_carrier_new(struct rtnl *rtnl, struct rtnl_carrier **ret);
struct rtnl_carrier *rtnl_carrier_free(struct rtnl_carrier *c);
void rtnl_carrier_link_event(struct rtnl_carrier *c);
