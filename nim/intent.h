/* SPDX-License-Identifier: Apache-2.0 */
/* The graphs nim wants, from config and facts. Pure: no I/O, no clock, no globals. */
#pragma once

#include "nim/facts.h"

struct dp_graph;

/* "port/<label>", the scope of one port. */
void nim_port_scope(const struct nim_port *port, char ret[sizeof("port/") + NIM_LABEL]);

/* Interface, addresses, DHCP client, the port's table, rules and mark. */
struct dp_graph *nim_intent_port(const struct nim_config *config, const struct nim_facts *facts,
				 const struct nim_view *view, unsigned int port);

/* Of the port's default route in the main table while nothing is held against the port. */
uint32_t nim_port_metric(const struct nim_port *port, const struct nim_port_view *view);

/* Scope "node": forwarding, and a default route in the main table for every usable port, the
 * best rank first. */
struct dp_graph *nim_intent_node(const struct nim_config *config, const struct nim_view *view);
