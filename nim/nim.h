/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network interface manager: brings up the device's ports, gives each its routing table,
 * chooses which one carries the default route, and publishes DeviceNetworkStatus.
 */
#pragma once

struct daemon;
struct nim;

#define NIM_CONFIG_DIR "/config"

struct nim_options { /* from the command line; borrowed */
	const char *config_dir; /* what the device was given; NULL: NIM_CONFIG_DIR */
	const char *dpc_dir; /* folder of DevicePortConfig files; NULL: NIM_DPC_DIR */
	const char *last_resort_after; /* seconds, or "never"; NULL: NIM_LAST_RESORT_AFTER */
	const char *chrony_sources; /* folder; NULL: NIM_CHRONY_SOURCES */
	const char *resolv_conf; /* file to point at the node's forwarder; NULL: none */
};

/* Opens engine, bus and what is stored, adopts what an earlier run left, subscribes. */
int nim_new(struct daemon *d, const struct nim_options *options, struct nim **ret);
struct nim *nim_free(struct nim *nim); /* leaves the system as it is; NULL is fine */
static inline void nim_freep(struct nim **nim)
{
	nim_free(*nim);
}
