/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backend that carries no operations but listens: to links for the sake of types outside of
 * netlink, and to the folder of named network namespaces. The functions of the types it calls
 * are declared here.
 */
#pragma once

#include <stdbool.h>

#include "dataplane/dp.h"

struct dp_link;

#define NETNS_DIR "/run/netns"

extern const struct dp_backend dp_host_backend;

/* From now on tells of namespaces that come and go. Makes the folder, as `ip netns` would. */
void dp_host_watch_netns(struct dp *dp);

/* sysctl.c: drops what is on record of an interface that is gone. */
void dp_sysctl_link_gone(struct dp *dp, const struct dp_link *link);
/* dhcpcd.c: the cable was plugged in again. */
void dp_dhcpcd_carrier_back(struct dp *dp, const struct dp_link *link);
/* netns.c: observes /run/netns/NAME; false: it is not a namespace (yet). */
bool dp_netns_appeared(struct dp *dp, const char *name);
