/* SPDX-License-Identifier: Apache-2.0 */
/* Scope-bound release of resources, and allocation that cannot fail. */
#pragma once

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _cleanup_(fn) __attribute__((__cleanup__(fn)))

/* Hands a pointer on and forgets it, so that its _cleanup_ does nothing. */
#define take_ptr(p)                                                                                \
	({                                                                                         \
		__typeof__(p) _taken = (p);                                                        \
		(p) = NULL;                                                                        \
		_taken;                                                                            \
	})

/* As take_ptr(), for a file descriptor. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/*
 * Small allocations of fixed size: abort when memory is out (a restart is safe, every daemon
 * adopts what it finds). Sizes that come from outside use calloc() and -ENOMEM instead.
 */
void *xcalloc(size_t n, size_t size) __attribute__((__malloc__, __returns_nonnull__));
void *xrealloc(void *p, size_t n, size_t size) __attribute__((__returns_nonnull__));
void *xmemdup(const void *p, size_t size) __attribute__((__returns_nonnull__));
char *xstrdup(const char *s) __attribute__((__returns_nonnull__));
char *xstrndup(const char *s, size_t max) __attribute__((__returns_nonnull__));
char *xasprintf(const char *fmt, ...) __attribute__((__format__(__printf__, 1, 2)));
