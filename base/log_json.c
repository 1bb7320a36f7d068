/* SPDX-License-Identifier: Apache-2.0 */
/* From the pairs of a log line to members of a JSON object. */
#include <stdio.h>
#include <string.h>

#include "base/log_line.h"

/* Decodes one character of a value, escapes of log_line.c included, and adds it for JSON;
 * returns the bytes taken. */
static size_t add_char(struct log_line *line, const char *s, const char *end)
{
	char out[8] = { s[0] }, escaped = s + 1 < end && s[0] == '\\' ? s[1] : '\0';
	unsigned int byte;

	if (escaped == 'x' && end - s >= 4 && sscanf(s + 2, "%2x", &byte) == 1) {
		snprintf(out, sizeof(out), "\\u%04x", byte);
		log_line_add(line, out);
		return 4;
	}
	if (escaped && strchr("ntr\"\\", escaped)) {
		snprintf(out, sizeof(out), "\\%c", escaped);
		log_line_add(line, out);
		return 2;
	}
	if (s[0] == '"' || s[0] == '\\')
		snprintf(out, sizeof(out), "\\%c", s[0]);
	log_line_add(line, out);
	return 1;
}

static void add_json_string(struct log_line *line, const char *s, const char *end)
{
	log_line_add(line, "\"");
	while (s < end && !line->cut)
		s += add_char(line, s, end);
	log_line_add(line, "\"");
}

/* A JSON number that every reader takes exactly (a double has 53 bits: 15 digits and a point). */
static bool is_number(const char *s, const char *end)
{
	const char *digits = s < end && *s == '-' ? s + 1 : s, *p = digits;

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	if (p == digits || (p - digits > 1 && *digits == '0') || end - digits > 16)
		return false;
	if (p < end && *p == '.' && p + 1 < end)
		for (p++; p < end && *p >= '0' && *p <= '9';)
			p++;
	return p == end;
}

static void add_number(struct log_line *line, const char *s, const char *end)
{
	char number[24];

	snprintf(number, sizeof(number), "%.*s", (int)(end - s), s);
	log_line_add(line, number);
}

/* End of the quoted value that starts behind its quote at s. */
static const char *end_of_quoted(const char *s)
{
	for (; *s && *s != '"'; s++)
		if (*s == '\\' && s[1])
			s++;
	return s;
}

void log_line_json(struct log_line *line, const char *body)
{
	for (const char *p = body + strspn(body, " "); *p; p += strspn(p, " ")) {
		const char *key_end = p + strcspn(p, "= "), *value = key_end + 1, *end;

		log_line_add(line, ",");
		add_json_string(line, p, key_end);
		log_line_add(line, ":");
		if (*key_end != '=') { /* a bare word is a flag */
			log_line_add(line, "true");
			p = key_end;
			continue;
		}
		if (*value == '"') {
			end = end_of_quoted(++value);
			add_json_string(line, value, end);
			p = end + (*end == '"');
			continue;
		}
		end = value + strcspn(value, " ");
		if (is_number(value, end))
			add_number(line, value, end);
		else
			add_json_string(line, value, end);
		p = end;
	}
}
