/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys as sshd reads them (sshd(8), AUTHORIZED_KEYS FILE FORMAT): who writes "yes" where keys
 * belong would open the port to nobody, and should be told.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "zedagent/map.h"

#define KEYS_MAX 16384 /* bytes of all */

static const char *const types[] = {
	"ssh-ed25519",
	"ssh-rsa",
	"ssh-dss",
	"ecdsa-sha2-nistp256",
	"ecdsa-sha2-nistp384",
	"ecdsa-sha2-nistp521",
	"sk-ssh-ed25519@openssh.com",
	"sk-ecdsa-sha2-nistp256@openssh.com",
};

static const char *skip_blanks(const char *s, const char *end)
{
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	return s;
}

/* Up to the next blank that is not within double quotes: options may hold commands. */
static const char *word_end(const char *s, const char *end)
{
	bool quoted = false;

	for (; s < end && (quoted || (*s != ' ' && *s != '\t')); s++) {
		if (*s == '\\' && s + 1 < end && s[1] == '"')
			s++;
		else if (*s == '"')
			quoted = !quoted;
	}
	return s;
}

static const char *find_type(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strlen(types[i]) == len && memcmp(word, types[i], len) == 0)
			return types[i];
	return NULL;
}

/* The key itself repeats its type: a length in network order and the name (RFC 4253, 6.6). */
static bool is_key(const char *type, const char *text, size_t len)
{
	_cleanup_(freep) char *copy = xasprintf("%.*s", (int)len, text);
	_cleanup_(freep) uint8_t *key = NULL;
	uint32_t name_len;
	size_t n;

	if (base64_decode(copy, &key, &n) < 0 || n <= sizeof(name_len) + strlen(type))
		return false;
	memcpy(&name_len, key, sizeof(name_len));
	return ntohl(name_len) == strlen(type) &&
	       memcmp(key + sizeof(name_len), type, strlen(type)) == 0;
}

/* [OPTIONS] TYPE KEY [COMMENT] */
static bool is_key_line(const char *s, const char *end)
{
	const char *stop = word_end(s, end), *type = find_type(s, (size_t)(stop - s));

	if (!type) { /* options come first */
		s = skip_blanks(stop, end);
		stop = word_end(s, end);
		type = find_type(s, (size_t)(stop - s));
	}
	if (!type)
		return false;
	s = skip_blanks(stop, end);
	stop = word_end(s, end);
	return is_key(type, s, (size_t)(stop - s));
}

bool za_is_ssh_keys(const char *value)
{
	const char *end = value + strlen(value), *line, *stop;

	if (strcasecmp(value, "none") == 0)
		return true;
	if (end - value > KEYS_MAX)
		return false;
	for (line = value; line < end; line = stop + 1) {
		stop = line + strcspn(line, "\r\n");
		line = skip_blanks(line, stop);
		if (line < stop && *line != '#' && !is_key_line(line, stop))
			return false;
	}
	return true;
}
