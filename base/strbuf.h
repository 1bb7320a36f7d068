/* SPDX-License-Identifier: Apache-2.0 */
/* A growing string. Always NUL-terminated once anything was added; never fails (aborts on ENOMEM). */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct strbuf {
	char *str; /* NULL until the first add */
	size_t len; /* without the NUL */
	size_t size;
};

#define STRBUF_INIT                                                                                \
	{                                                                                          \
		0                                                                                  \
	}

void strbuf_fini(struct strbuf *sb);
void strbuf_reset(struct strbuf *sb); /* empty, memory kept */
char *strbuf_take(struct strbuf *sb); /* caller frees; never NULL; sb is empty afterwards */
const char *strbuf_str(const struct strbuf *sb); /* "" when empty; until the next add */

void strbuf_add(struct strbuf *sb, const char *s);
void strbuf_addc(struct strbuf *sb, char c);
void strbuf_addmem(struct strbuf *sb, const void *p, size_t n);
void strbuf_addu(struct strbuf *sb, uint64_t n); /* decimal; no printf, for hot paths */
void strbuf_addf(struct strbuf *sb, const char *fmt, ...)
	__attribute__((__format__(__printf__, 2, 3)));
void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap)
	__attribute__((__format__(__printf__, 2, 0)));
