/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses and routes that are none of ours, so the engine never touches them: for who knows that
 * somebody has left them behind. At once, outside of any operation; the engine knows of it when they
 * return.
 */
#pragma once

#include "dataplane/items/inet.h"

/* 0 or -errno; -EADDRNOTAVAIL: it is not there. */
int dp_addr_remove_now(struct dp *dp, const struct dp_addr *addr);

/* It becomes ours where it stands, as a wish would make it. 0 or -errno. */
int dp_addr_take_now(struct dp *dp, const struct dp_addr *addr);

/* As it was observed, with its protocol and one next hop. 0 or -errno; -ESRCH: it is not there. */
int dp_route_remove_now(struct dp *dp, const struct dp_route *route);
