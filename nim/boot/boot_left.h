/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was on the interfaces before nim first started since the machine did: the kernel (ip=dhcp),
 * an initramfs or a boot loader gave them IPv4 addresses and default routes and is gone, so nobody
 * renews or withdraws these. Pure, but for the file.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "nim/facts.h"

struct strbuf;

#define BOOT_LEFT_MAX 256 /* of more the rest is let alone, as what is no port's */

enum boot_kind {
	BOOT_ADDRESS,
	BOOT_DEFAULT, /* route of the main table */
	BOOT_GATEWAY, /* of one that is gone */
};

struct boot_left {
	enum boot_kind kind;
	uint32_t ifindex;
	struct prefix addr; /* of BOOT_ADDRESS */
	struct ipaddr gateway; /* of the others */
	uint32_t metric; /* of BOOT_DEFAULT */
};

/* One line with its end. */
void boot_left_format(const struct boot_left *left, struct strbuf *out);
/* False: it is none. */
bool boot_left_parse(const char *line, struct boot_left *ret);
/* 0 and a list to free, of BOOT_LEFT_MAX at most; -ENOENT or another -errno when the file cannot be
 * read. */
int boot_left_load(const char *path, struct boot_left **ret, size_t *ret_n);

enum boot_fate {
	BOOT_STAYS, /* nothing has taken its place */
	BOOT_ADOPTED, /* it is the port's own */
	BOOT_LEAVES, /* another one is; or the port is to have none, and the node has another way */
};
/* What becomes of an address on the interface of that port. elsewhere: there is a default route of
 * ours. */
enum boot_fate boot_fate(const struct nim_port *port, const struct nim_iface *iface,
			 const struct prefix *addr, bool elsewhere);
/* Whether the port is to have IPv4 addresses at all. */
bool boot_port_has_addrs(const struct nim_port *port);

/* Whether it is an end of a TCP connection: file is /proc/net/tcp or /proc/net/tcp6. */
bool boot_left_connected(FILE *file, const struct ipaddr *addr);
