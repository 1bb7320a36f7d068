/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/edgeway/redact.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

#define STARS "***"
#define PASSES 16 /* text that takes more is made to be read in two ways */
#define BLOB_MIN 40 /* characters of a key in base64; shorter ones are no use */

struct text {
	const char *at, *end;
};

static bool starts(const struct text *t, const char *word)
{
	size_t len = strlen(word);

	return (size_t)(t->end - t->at) >= len && strncasecmp(t->at, word, len) == 0;
}

static bool name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static bool base64_char(char c)
{
	return isalnum((unsigned char)c) || c == '+' || c == '/' || c == '=';
}

/* ---- Values by their names ---- */

static bool is_secret(const char *name, size_t len)
{
	static const char *const parts[] = { "password",    "passwd",	  "passphrase",
					     "psk",	    "secret",	  "token",
					     "credential",  "privatekey", "private_key",
					     "private-key", "wepkey",	  "wep_key" };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		for (size_t at = 0; at + strlen(parts[i]) <= len; at++)
			if (strncasecmp(name + at, parts[i], strlen(parts[i])) == 0)
				return true;
	return false;
}

static const char *skip(const char *p, const char *end, const char *set)
{
	while (p < end && *p && strchr(set, *p))
		p++;
	return p;
}

/* Behind a string that begins at p with a quote: on its closing one, or on the end. */
static const char *string_end(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\' && p + 1 < end)
			p++;
	return p;
}

/* Behind the list or object at p; what is cut off ends with the text. */
static const char *nested_end(const char *p, const char *end)
{
	unsigned int depth = 0;

	for (; p < end; p++) {
		if (*p == '"')
			p = string_end(p, end);
		else if (*p == '[' || *p == '{')
			depth++;
		else if ((*p == ']' || *p == '}') && --depth == 0)
			return p + 1;
		if (p >= end)
			break;
	}
	return end;
}

/* A value that tells whether there is one hides nothing. */
static bool says_nothing(const char *value, size_t len)
{
	static const char *const plain[] = { "true", "false", "null" };

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (len == strlen(plain[i]) && strncasecmp(value, plain[i], len) == 0)
			return true;
	return len == 0;
}

/* At a value, behind its name: copied, or starred. */
static void take_value(struct text *t, struct strbuf *out)
{
	const char *end;

	if (t->at < t->end && *t->at == '"') {
		end = string_end(t->at, t->end);
		strbuf_add(out, end > t->at + 1 ? "\"" STARS : "\"");
	} else if (t->at < t->end && (*t->at == '[' || *t->at == '{')) {
		end = nested_end(t->at, t->end);
		strbuf_add(out, "\"" STARS "\"");
	} else {
		end = t->at;
		while (end < t->end && !strchr(" \t\n,;]}\"", *end))
			end++;
		if (says_nothing(t->at, (size_t)(end - t->at)))
			strbuf_addmem(out, t->at, (size_t)(end - t->at));
		else
			strbuf_add(out, STARS);
	}
	t->at = end;
}

static bool pem_begins(const char *p, const char *end)
{
	static const char begin[] = "-----BEGIN ";

	return (size_t)(end - p) >= strlen(begin) && memcmp(p, begin, strlen(begin)) == 0;
}

/* At the first character of a word: takes all of it, and its value when it names a secret. */
static void take_word(struct text *t, struct strbuf *out)
{
	const char *name = t->at, *end = name, *value;
	size_t len;
	bool option;

	while (end < t->end && name_char(*end) && !pem_begins(end, t->end))
		end++;
	len = (size_t)(end - name);
	option = len > 2 && memcmp(name, "--", 2) == 0;
	strbuf_addmem(out, name, len);
	t->at = end;
	if (!is_secret(name, len))
		return;
	value = skip(end, t->end, "\"");
	value = skip(value, t->end, " \t");
	if (value < t->end && (*value == '=' || *value == ':'))
		value = skip(value + 1, t->end, " \t");
	else if (!option || value == end)
		return;
	strbuf_addmem(out, end, (size_t)(value - end));
	t->at = value;
	take_value(t, out);
}

/* ---- Keys by their looks ---- */

/* "-----BEGIN … PRIVATE KEY-----" to the end of the line with "-----END"; in JSON the line is \n. */
static bool take_pem(struct text *t, struct strbuf *out)
{
	const char *end;

	if (!pem_begins(t->at, t->end))
		return false;
	end = memmem(t->at, (size_t)(t->end - t->at), "-----END ", 9);
	end = end ? memmem(end + 9, (size_t)(t->end - end - 9), "-----", 5) : NULL;
	t->at = end ? end + 5 : t->end;
	strbuf_add(out, STARS);
	return true;
}

/* RFC 4253 6.6: the key begins with the length of its type, so that base64 of it begins so. */
static bool take_blob(struct text *t, struct strbuf *out)
{
	const char *end = t->at;

	if (!starts(t, "AAAA"))
		return false;
	while (end < t->end && base64_char(*end))
		end++;
	if (end - t->at < BLOB_MIN)
		return false;
	t->at = end;
	strbuf_add(out, STARS);
	return true;
}

/* "://user:password@host"; the last '@' counts, as people do not always escape one of a password. */
static bool take_user(struct text *t, struct strbuf *out)
{
	const char *at = NULL;

	if (!starts(t, "://"))
		return false;
	for (const char *p = t->at + 3; p < t->end && !strchr(" \t\n/\"'", *p); p++)
		if (*p == '@')
			at = p;
	strbuf_add(out, "://");
	t->at += 3;
	if (!at)
		return true;
	strbuf_add(out, STARS);
	t->at = at;
	return true;
}

static void pass(const char *text, size_t len, struct strbuf *out)
{
	struct text t = { text, text + len };

	while (t.at < t.end) {
		if (take_pem(&t, out) || take_blob(&t, out) || take_user(&t, out))
			continue;
		if (name_char(*t.at))
			take_word(&t, out);
		else
			strbuf_addc(out, *t.at++);
	}
}

static bool same(const struct strbuf *a, const struct strbuf *b)
{
	return a->len == b->len && memcmp(strbuf_str(a), strbuf_str(b), a->len) == 0;
}

/* What is left out may have stood between the halves of something else: until nothing changes. */
void redact(const char *text, size_t len, struct strbuf *out)
{
	_cleanup_(strbuf_fini) struct strbuf was = STRBUF_INIT, now = STRBUF_INIT;
	struct strbuf swap;

	pass(text, len, &now);
	for (int i = 0; i < PASSES && !same(&was, &now); i++) {
		swap = was;
		was = now;
		now = swap;
		strbuf_reset(&now);
		pass(strbuf_str(&was), was.len, &now);
	}
	if (same(&was, &now))
		strbuf_addmem(out, strbuf_str(&now), now.len);
	else
		strbuf_add(out, STARS);
}
