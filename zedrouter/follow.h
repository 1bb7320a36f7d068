/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from a change of ports beside the graphs: flows are forgotten, an operator is told. */
#pragma once

#include <stdint.h>

struct ct_flush;
struct event_base;
struct zr_model;
struct zr_ports;

struct ct_flush *zr_flush_new(struct event_base *base); /* or NULL: no memory */
/* zr_flows_follow(), carried out as far as it goes at once, and logged. Returns what that returns. */
int64_t zr_flush_follow(struct ct_flush *flush, struct zr_model *m, const struct zr_ports *was);
/* One line for each instance that a port is in the way of, and when it is not any more. */
void zr_log_conflicts(struct zr_model *m);
/* One line for each uplink that leads by other ports than at the last call. */
void zr_log_uplinks(struct zr_model *m);
