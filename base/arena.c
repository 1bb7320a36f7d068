/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

#define ARENA_BLOCK_BYTES 4000

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	alignas(max_align_t) uint8_t data[];
};

void *arena_alloc(struct arena *a, size_t size)
{
	size_t need = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	struct arena_block *b = a->blocks;

	if (!b || b->size - b->used < need) {
		size_t room = need > ARENA_BLOCK_BYTES ? need : ARENA_BLOCK_BYTES;

		b = xcalloc(1, sizeof(*b) + room);
		b->size = room;
		b->next = a->blocks;
		a->blocks = b;
	}
	b->used += need;
	return b->data + b->used - need;
}

char *arena_strdup(struct arena *a, const char *s)
{
	size_t len = strlen(s) + 1;

	return memcpy(arena_alloc(a, len), s, len);
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	struct strbuf sb = STRBUF_INIT;
	va_list ap;
	char *s;

	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	s = arena_strdup(a, strbuf_str(&sb));
	strbuf_fini(&sb);
	return s;
}

static char *arena_take(struct arena *a, struct strbuf *sb)
{
	char *s = arena_strdup(a, strbuf_str(sb));

	strbuf_fini(sb);
	return s;
}

char *arena_ipaddr(struct arena *a, const struct ipaddr *addr)
{
	struct strbuf sb = STRBUF_INIT;

	if (ipaddr_is_set(addr))
		ipaddr_format(addr, &sb);
	return arena_take(a, &sb);
}

char *arena_prefix(struct arena *a, const struct prefix *p)
{
	struct strbuf sb = STRBUF_INIT;

	if (ipaddr_is_set(&p->addr))
		prefix_format(p, &sb);
	return arena_take(a, &sb);
}

char *arena_mac(struct arena *a, const struct mac *m)
{
	struct strbuf sb = STRBUF_INIT;

	if (mac_is_set(m))
		mac_format(m, &sb);
	return arena_take(a, &sb);
}

void arena_fini(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *b = a->blocks;

		a->blocks = b->next;
		free(b);
	}
}
