/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carrier loss at once. The kernel tells of a lost carrier through a queue it works on at most
 * once per second (linkwatch_schedule_work() in net/core/link_watch.c): within a second of some
 * other link event the message comes up to a second late. While such a window may be open each
 * watched link is looked at every millisecond; what its driver says is told to the engine as if the
 * kernel had (dp_link.carrier). When link events do not end, as of a link that flaps, it is each
 * five milliseconds after a while. No link event in the last second: no timer, no wake-up.
 *
 * Asking the driver takes the RTNL lock, which others may hold for seconds. So what is looked at is
 * the count of the link's changes of carrier, which takes no lock
 * (/sys/class/net/IF/carrier_changes), and the driver is asked when it is another one. Without
 * CAP_SYS_ADMIN there is no count, and the driver is asked each time.
 */
#pragma once

#include "base/addr.h"

struct dp;

/* Counts: watched until unwatched as often. The link need not exist. 0 or -errno. */
int dp_carrier_watch(struct dp *dp, const struct ifname *ifname);
void dp_carrier_unwatch(struct dp *dp, const struct ifname *ifname);
