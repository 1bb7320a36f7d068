/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"

#include <stdarg.h>

/* Out of memory in a daemon that adopts everything at its next start: dying is the safe answer. */
static void *or_abort(void *p)
{
	if (!p)
		abort();
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	return or_abort(calloc(n ? n : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t n, size_t size)
{
	return or_abort(reallocarray(p, n ? n : 1, size ? size : 1));
}

void *xmemdup(const void *p, size_t size)
{
	void *copy = or_abort(malloc(size ? size : 1));

	if (size)
		memcpy(copy, p, size);
	return copy;
}

char *xstrdup(const char *s)
{
	return or_abort(strdup(s));
}

char *xstrndup(const char *s, size_t max)
{
	return or_abort(strndup(s, max));
}

char *xasprintf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return or_abort(n < 0 ? NULL : s);
}
