/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_line.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/utf8.h"

#define ELLIPSIS "…"
#define CLOSE_RESERVE 16 /* ellipsis, closing quote and brace, newline, NUL */

void log_line_init(struct log_line *line, size_t max)
{
	line->len = 0;
	line->max = max < sizeof(line->str) ? max : sizeof(line->str);
	line->cut = false;
	line->str[0] = '\0';
}

static void append(struct log_line *line, const char *s, size_t n)
{
	memcpy(line->str + line->len, s, n);
	line->len += n;
	line->str[line->len] = '\0';
}

/* All of the n bytes or nothing: a character or an escape is never torn. */
static void add_whole(struct log_line *line, const char *s, size_t n)
{
	if (line->cut)
		return;
	if (line->len + n + CLOSE_RESERVE > line->max) {
		append(line, ELLIPSIS, strlen(ELLIPSIS));
		line->cut = true;
		return;
	}
	append(line, s, n);
}

void log_line_add(struct log_line *line, const char *s)
{
	for (; *s && !line->cut; s++)
		add_whole(line, s, 1);
}

void log_line_close(struct log_line *line, const char *s)
{
	size_t n = strlen(s);

	if (line->len + n < line->max)
		append(line, s, n);
}

/* C1 controls (U+0080 to U+009F) steer terminals as C0 ones do. */
static bool is_control(const unsigned char *s)
{
	return s[0] < ' ' || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

static void add_byte_escaped(struct log_line *line, unsigned char c)
{
	char escape[5];

	if (c == '\n' || c == '\t' || c == '\r')
		snprintf(escape, sizeof(escape), "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
	else if (c == '"' || c == '\\')
		snprintf(escape, sizeof(escape), "\\%c", c);
	else
		snprintf(escape, sizeof(escape), "\\x%02x", c);
	add_whole(line, escape, strlen(escape));
}

/* Adds text with control characters, broken UTF-8 and the ASCII characters of `also` escaped. */
static void add_escaped(struct log_line *line, const char *s, size_t len, const char *also)
{
	const unsigned char *p = (const unsigned char *)s;

	for (size_t i = 0; i < len && !line->cut;) {
		size_t n = utf8_length(s + i), end;

		if (n > len - i)
			n = 0; /* it would be completed by what follows */
		end = i + (n ? n : 1);
		if (n && !is_control(p + i) && !(n == 1 && strchr(also, p[i]))) {
			add_whole(line, s + i, n);
			i = end;
		}
		for (; i < end; i++)
			add_byte_escaped(line, p[i]);
	}
}

/* Where in the text of the format an argument stands. */
enum place {
	PLACE_QUOTED, /* "%s" */
	PLACE_VALUE, /* key=%s, and a blank or the end follows */
	PLACE_PART, /* key=a/%s */
	PLACE_PAIRS, /* after a blank or at the beginning: somebody else's key=value key=value */
};

static bool must_quote(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] <= ' ' || strchr("\"=\\\x7f", s[i]))
			return true;
	return !len;
}

static void add_argument(struct log_line *line, enum place place, bool quote, const char *s,
			 size_t len)
{
	switch (place) {
	case PLACE_QUOTED:
		add_escaped(line, s, len, "\"\\");
		break;
	case PLACE_VALUE:
		if (!quote && !must_quote(s, len)) {
			add_escaped(line, s, len, "");
			break;
		}
		log_line_add(line, "\"");
		add_escaped(line, s, len, "\"\\");
		log_line_close(line, "\"");
		break;
	case PLACE_PART:
		add_escaped(line, s, len, " \"\\");
		break;
	case PLACE_PAIRS:
		add_escaped(line, s, len, "");
		break;
	}
}

/* String arguments are fenced by these two, so that after vsnprintf() they can be told from the
 * text of the format. An argument that holds one itself is found out by counting. */
#define FENCE_OPEN '\1'
#define FENCE_CLOSE '\2'

/* Copies fmt with every string conversion fenced; returns how many there are. */
static size_t fence(const char *fmt, struct strbuf *ret)
{
	size_t strings = 0;

	while (*fmt) {
		const char *from = fmt++;
		bool string;

		if (*from != '%') {
			strbuf_addc(ret, *from);
			continue;
		}
		fmt += strspn(fmt, "-+ #'0123456789.*hlLqjzt");
		string = *fmt && strchr("scm", *fmt);
		fmt += *fmt != '\0';
		strings += string;
		if (string)
			strbuf_addc(ret, FENCE_OPEN);
		strbuf_addmem(ret, from, (size_t)(fmt - from));
		if (string)
			strbuf_addc(ret, FENCE_CLOSE);
	}
	return strings;
}

static size_t count(const char *s, char c)
{
	size_t n = 0;

	for (; (s = strchr(s, c)); s++)
		n++;
	return n;
}

/* Turns fenced text into the pairs of the line. */
static void add_fenced(struct log_line *line, bool quote, const char *text)
{
	bool in_quotes = false;
	char before = ' ';

	for (const char *p = text; *p && !line->cut; p++) {
		const char *end = *p == FENCE_OPEN ? strchr(p, FENCE_CLOSE) : NULL;
		enum place place = PLACE_PART;

		if (!end) {
			in_quotes ^= *p == '"' && before != '\\';
			add_whole(line, p, 1);
			before = *p;
			continue;
		}
		if (in_quotes)
			place = PLACE_QUOTED;
		else if (before == '=' && (end[1] == ' ' || !end[1]))
			place = PLACE_VALUE;
		else if (before == ' ')
			place = PLACE_PAIRS;
		add_argument(line, place, quote, p + 1, (size_t)(end - p - 1));
		before = 'x';
		p = end;
	}
	if (line->cut && in_quotes)
		log_line_close(line, "\"");
}

void log_line_format(struct log_line *line, bool quote_strings, const char *fmt, va_list ap)
{
	struct strbuf fenced_fmt = STRBUF_INIT, text = STRBUF_INIT;
	size_t strings = fence(fmt, &fenced_fmt);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* fmt with two bytes more per string */
	strbuf_vaddf(&text, strbuf_str(&fenced_fmt), ap);
#pragma GCC diagnostic pop
	if (count(strbuf_str(&text), FENCE_OPEN) == strings &&
	    count(strbuf_str(&text), FENCE_CLOSE) == strings) {
		add_fenced(line, quote_strings, strbuf_str(&text));
	} else { /* an argument forges fences: nothing of this line can be taken apart */
		log_line_add(line, "unclear=");
		add_argument(line, PLACE_VALUE, true, strbuf_str(&text), text.len);
	}
	strbuf_fini(&fenced_fmt);
	strbuf_fini(&text);
}
