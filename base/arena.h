/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is freed all at once. Status builders put their protobuf-c messages into one:
 * pointers between messages and strings stay valid until arena_fini().
 */
#pragma once

#include <stddef.h>

#include "base/addr.h"

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
};

/* Zeroed, aligned for any type; aborts when memory is out. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((__format__(__printf__, 2, 3)));
char *arena_ipaddr(struct arena *a, const struct ipaddr *addr); /* "" when unset */
char *arena_prefix(struct arena *a, const struct prefix *p); /* "" when unset */
char *arena_mac(struct arena *a, const struct mac *m); /* "" when unset */
void arena_fini(struct arena *a);
