/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The router of applications: builds network instances and the rules of app interfaces, chooses
 * each instance's uplink, and publishes NetworkInstanceStatus and AppNetworkStatus.
 */
#pragma once

struct daemon;
struct zedrouter;

/* Opens engine, bus and stored numbers, adopts what an earlier run left, subscribes. */
int zedrouter_new(struct daemon *d, struct zedrouter **ret);
struct zedrouter *zedrouter_free(struct zedrouter *zr); /* leaves the system as it is */
static inline void zedrouter_freep(struct zedrouter **zr)
{
	zedrouter_free(*zr);
}
