/* SPDX-License-Identifier: Apache-2.0 */
/* Ports of a master (bridge, bond): what both kinds have in common. */
#pragma once

#include "base/addr.h"
#include "dataplane/nl/link_msg.h"

/* 0: go on; -EBUSY (with why): it is a port of a master that is not ours. */
int port_check(struct dp_op *op, const struct ifname *port);

/* ip link set PORT master MASTER; down: it is taken down first */
void port_put_master(struct dp_op *op, const struct ifname *port, const struct ifname *master,
		     bool down);

/* ip link set PORT nomaster; nothing to do (0) when it is no longer a port of master. */
int port_release(struct dp_op *op, const struct ifname *port, const struct ifname *master);
