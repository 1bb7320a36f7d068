/* SPDX-License-Identifier: Apache-2.0 */
/* The device behind an interface, as the kernel tells it when asked. */
#pragma once

#include <stdint.h>

struct dp;

struct link_hardware {
	char bus[16]; /* "pci", "usb", "virtio"…; "": no device (veth, VLAN, bond…) */
	char device[40]; /* its name on that bus: "0000:01:00.0", "1-2.3:1.0", "virtio4" */
	uint32_t max_mtu_bytes; /* 0: any */
};

/* ip -d link show dev NAME (parentbus, parentdev, maxmtu). 0, or -errno (-ENODEV: no such
 * interface). At once, outside of the batch; not from within a type's hook. */
int link_hardware_read(struct dp *dp, uint32_t ifindex, struct link_hardware *ret);
