/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel tells of a device that comes or goes (lib/kobject_uevent.c). Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define UEVENT_MAX 4096 /* bytes of a message: twice the kernel's UEVENT_BUFFER_SIZE */

struct uevent {
	enum { UEVENT_OTHER, UEVENT_ADD, UEVENT_CHANGE, UEVENT_REMOVE } action;
	bool is_partition; /* of a block device */
	unsigned int major, minor;
	char devname[32]; /* below /dev; only letters, digits, - and _ */
	char partname[40]; /* of a GPT; "": none */
};

/*
 * Of a netlink message, "ACTION@DEVPATH\0KEY=VALUE\0…", or of a file uevent in sysfs,
 * "KEY=VALUE\n…", whose action is UEVENT_OTHER. False: not about a block device that can be opened
 * by its name.
 */
bool uevent_parse(const char *text, size_t len, char separator, struct uevent *ret);
