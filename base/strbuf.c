/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strbuf.h"

#include <stdio.h>

#include "base/cleanup.h"

#define STRBUF_FIRST_SIZE 64

/* Room for n more bytes and the NUL. */
static void strbuf_reserve(struct strbuf *sb, size_t n)
{
	size_t need = sb->len + n + 1, size = sb->size ? sb->size : STRBUF_FIRST_SIZE;

	if (need <= sb->size)
		return;
	if (need <= n) /* wrapped */
		abort();
	while (size < need)
		size = size > SIZE_MAX / 2 ? need : size * 2;
	sb->str = xrealloc(sb->str, size, 1);
	sb->size = size;
}

void strbuf_fini(struct strbuf *sb)
{
	free(sb->str);
	*sb = (struct strbuf)STRBUF_INIT;
}

void strbuf_reset(struct strbuf *sb)
{
	sb->len = 0;
	if (sb->str)
		sb->str[0] = '\0';
}

char *strbuf_take(struct strbuf *sb)
{
	char *str = sb->str ? sb->str : xstrdup("");

	*sb = (struct strbuf)STRBUF_INIT;
	return str;
}

const char *strbuf_str(const struct strbuf *sb)
{
	return sb->str ? sb->str : "";
}

void strbuf_add(struct strbuf *sb, const char *s)
{
	strbuf_addmem(sb, s, strlen(s));
}

void strbuf_addc(struct strbuf *sb, char c)
{
	strbuf_reserve(sb, 1);
	sb->str[sb->len++] = c;
	sb->str[sb->len] = '\0';
}

void strbuf_addmem(struct strbuf *sb, const void *p, size_t n)
{
	strbuf_reserve(sb, n);
	if (n)
		memcpy(sb->str + sb->len, p, n);
	sb->len += n;
	sb->str[sb->len] = '\0';
}

void strbuf_addu(struct strbuf *sb, uint64_t n)
{
	char digits[20]; /* UINT64_MAX has 20 */
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	strbuf_addmem(sb, digits + i, sizeof(digits) - i);
}

void strbuf_addf(struct strbuf *sb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(sb, fmt, ap);
	va_end(ap);
}

void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	strbuf_reserve(sb, STRBUF_FIRST_SIZE - 1); /* most fit at the first try */
	va_copy(again, ap);
	n = vsnprintf(sb->str + sb->len, sb->size - sb->len, fmt, ap);
	if (n < 0)
		abort(); /* only a broken format can do that */
	if ((size_t)n >= sb->size - sb->len) {
		strbuf_reserve(sb, (size_t)n);
		vsnprintf(sb->str + sb->len, sb->size - sb->len, fmt, again);
	}
	va_end(again);
	sb->len += (size_t)n;
}
