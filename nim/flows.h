/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's own flows by a port that works no more are forgotten when another port can take over
 * (apps' flows: zedrouter/flows.h). While none can, nothing is: the port may come back.
 */
#pragma once

struct ct_flush;
struct event_base;
struct nim_config;
struct nim_view;

struct ct_flush *nim_flows_new(struct event_base *base); /* NULL: no memory */
/* Before was becomes now. config: that of both. */
void nim_flows_follow(struct ct_flush *flush, const struct nim_config *config,
		      const struct nim_view *was, const struct nim_view *now);
