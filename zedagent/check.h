/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the validator: places in the configuration, refusals, and what texts may be. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/pbjson.h"

#define ZA_UUID_SIZE 37
#define ZA_PORTS_MAX 64 /* as many as nim and zedrouter know */
#define ZA_MTU_MIN 1280
#define ZA_MTU_MAX 65535

struct za_at { /* JSON pointer of the object in hand */
	char path[192];
};

struct za_at za_at(const char *fmt, ...) __attribute__((__format__(__printf__, 1, 2)));

/* Fills err in: the member ("/ip/subnet", "" for the object itself) of at. Always -EINVAL. */
int za_refuse(struct pbjson_error *err, const struct za_at *at, const char *member, const char *fmt,
	      ...) __attribute__((__format__(__printf__, 4, 5)));

/* A text that is a decimal number from min to max; else refuses the member of at. */
int za_number(struct pbjson_error *err, const struct za_at *at, const char *member,
	      const char *text, uint64_t min, uint64_t max, uint64_t *ret);

/* Any case in, lower case out. */
bool za_uuid_parse(const char *s, char ret[ZA_UUID_SIZE]);
bool za_uuid_is_nil(const char *uuid);

/* Labels and display names: 1 to 128 bytes of UTF-8 without control characters; they end up in
 * files of other programs and in logs. */
bool za_is_name(const char *s);
bool za_is_domain(const char *s); /* RFC 1123, underscores allowed */
bool za_is_host(const char *s); /* address or domain */
/* Public keys as sshd reads them, one a line; "" and "none" are no keys. */
bool za_is_ssh_keys(const char *value);
bool za_is_mtu(unsigned int mtu); /* 0 = default */

/* The network part, exact: "10.1.0.0/24"; host bits are cleared. A length is required. */
bool za_subnet_parse(const char *s, struct prefix *ret);

/* Text members of the messages we make: NULL and "" leave the default. */
void za_set(char **dst, const char *s);
void za_set_prefix(char **dst, const struct prefix *p);
void za_set_addr(char **dst, const struct ipaddr *a);
void za_set_mac(char **dst, const struct mac *mac);

/* Appends to a repeated field: ZA_ADD(msg, addresses, value), which takes value. */
#define ZA_ADD(msg, field, value)                                                                  \
	do {                                                                                       \
		(msg)->field =                                                                     \
			xrealloc((msg)->field, (msg)->n_##field + 1, sizeof(*(msg)->field));       \
		(msg)->field[(msg)->n_##field++] = (value);                                        \
	} while (0)
