/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stick in the hands of usb-stick, the program that mounts it: nobody else sees the file system,
 * and it is gone with the process, however that ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What is looked for: the name of a GPT partition, or the label of a FAT file system. */
#define STICK_PARTNAME "DevicePortConfig"
#define STICK_LABEL "QEMU VVFAT" /* of a folder that QEMU shows as a disk; as in EVE */
#define STICK_JSON "usb.json"
#define STICK_DUMP "dump" /* folders that get something written into them */
#define STICK_IDENTITY "identity"

struct strbuf;

/* ---- In usb-stick; these return a descriptor or 0, or -errno ---- */

/* The block device /dev/NAME, provided that it is the one with these numbers. */
int stick_open(const char *name, unsigned int major, unsigned int minor);
bool stick_has_label(int device, const char *label);
/* A descriptor of its root: as FAT and nothing else, nosuid, nodev, noexec. Needs CAP_SYS_ADMIN. */
int stick_mount(int device, bool writable);
/* What is on it, as stick_parse_report() takes it; of usb.json no more than max bytes. */
int stick_report(int root, size_t max, struct strbuf *ret);
/* Copies what is below the folder dump, and below identity, of folder to those on the stick, if they
 * are there. On the disk when it returns. */
int stick_put(int root, const char *folder);

/* ---- In usb-config; pure ---- */

struct stick_report {
	bool has_dump, has_identity;
	const char *json; /* into the text; NULL: there is none */
	size_t json_len;
};

int stick_parse_report(const char *text, size_t len, struct stick_report *ret); /* 0 or -EINVAL */
