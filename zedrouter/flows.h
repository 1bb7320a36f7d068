/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows of apps that have to begin anew. A flow is bound to its port by its mark; when its instance
 * may not use the port any more and has another one, the kernel is told to forget the flow, so that
 * its next packet is a new flow by the new port with that port's source address. Without another
 * one nothing is forgotten: the port may come back, or another one come later.
 *
 * When a cheaper port comes back nothing has to be lost: the dearer one drains. Flows have the time
 * to end by themselves (zr_ni.drain_s), then those that are left begin anew like all others.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mono.h"
#include "dataplane/nl/ct_flush.h"

struct zr_model;
struct zr_ports;

struct zr_flows_change { /* of one port and IP version */
	const char *port; /* label; "" = it was taken away before anybody knew it */
	uint8_t family;
	uint32_t mark; /* of the port */
	bool back; /* apps may use it again: flows on it are fine */
	bool drained; /* it works: flows that came by it stay */
	unsigned int moved, kept; /* instances with and without another port */
	struct ct_flush_order *order; /* what to forget; borrowed for the call */
	unsigned int orders;
};
typedef void zr_flows_fn(const struct zr_flows_change *change, void *arg);

/*
 * To be called after each change of ports, and of what instances may use. Compares with the last
 * call, and notes in the model what the next one has to know; the first time any port may have flows,
 * from before a restart. was: for the labels of ports that are gone; may be NULL. fn is called for
 * each port that has flows to be forgotten, or that apps can use again. Instances whose own routes have
 * to be made again (zr_ni.reroutes) wait: their flows would begin anew by the old ones.
 *
 * Of each instance it is noted which ports drain.
 *
 * Milliseconds after now until a port has drained and it wants to be called again; -1: none drains.
 */
int64_t zr_flows_follow(struct zr_model *m, const struct zr_ports *was, struct mono now,
			zr_flows_fn *fn, void *arg);
