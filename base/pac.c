/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pac.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/cleanup.h"

#define BLANKS " \t\r\n"

static const struct word {
	const char *text;
	enum http_proxy_kind kind;
	uint16_t port;
} words[] = {
	{ "DIRECT", HTTP_PROXY_DIRECT, 0 },    { "PROXY", HTTP_PROXY_PLAIN, 80 },
	{ "HTTP", HTTP_PROXY_PLAIN, 80 },      { "HTTPS", HTTP_PROXY_TLS, 443 },
	{ "SOCKS", HTTP_PROXY_SOCKS4, 1080 },  { "SOCKS4", HTTP_PROXY_SOCKS4, 1080 },
	{ "SOCKS5", HTTP_PROXY_SOCKS5, 1080 },
};

static const struct word *find_word(const char *text, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i].text) == len && strncasecmp(words[i].text, text, len) == 0)
			return &words[i];
	return NULL;
}

/* One of the list, cut out. A user would be the file's to give away: it counts as broken. */
static int parse_way(char *text, struct http_proxy *ret)
{
	size_t len = strcspn(text, BLANKS);
	const struct word *word = find_word(text, len);
	char *server = text + len + strspn(text + len, BLANKS);

	server[strcspn(server, BLANKS)] = '\0';
	if (!word)
		return -EINVAL;
	if (word->kind == HTTP_PROXY_DIRECT) {
		*ret = (struct http_proxy){ .kind = HTTP_PROXY_DIRECT };
		return *server ? -EINVAL : 0;
	}
	if (strchr(server, '@') || strchr(server, '/'))
		return -EINVAL;
	return http_proxy_parse(server, word->port, word->kind, ret);
}

int pac_result_parse(const char *result, struct http_proxy ret[HTTP_PROXY_WAYS],
		     unsigned int *ret_n)
{
	_cleanup_(freep) char *list = xstrndup(result, PAC_RESULT_MAX - 1);
	/* Then the last way may be to somebody else. */
	const bool cut = result[strlen(list)] != '\0';
	struct http_proxy ways[HTTP_PROXY_WAYS];
	char *rest = list, *word;
	unsigned int n = 0;
	bool any = cut;

	while (n < HTTP_PROXY_WAYS && (word = strsep(&rest, ";"))) {
		word += strspn(word, BLANKS);
		any = any || (*word && strcmp(word, "null") != 0);
		n += *word && (rest || !cut) && parse_way(word, &ways[n]) == 0;
	}
	if (!n && any)
		return -EINVAL;
	if (!n)
		ways[n++] = (struct http_proxy){ .kind = HTTP_PROXY_DIRECT };
	memcpy(ret, ways, n * sizeof(ways[0]));
	*ret_n = n;
	return 0;
}

int pac_text_decode(const char *base64, char **ret)
{
	_cleanup_(freep) char *packed = xstrdup(base64);
	_cleanup_(freep) uint8_t *data = NULL;
	char *out = packed;
	size_t len;
	int r;

	for (const char *in = base64; *in; in++)
		if (*in != '\r' && *in != '\n')
			*out++ = *in;
	*out = '\0';
	r = base64_decode(packed, &data, &len);
	if (r < 0 || !len || len > PAC_TEXT_MAX || memchr(data, '\0', len))
		return -EINVAL;
	*ret = xstrndup((const char *)data, len);
	return 0;
}

bool pac_asks_for_names(const char *text, size_t len)
{
	static const char *const asking[] = { "dnsResolve", "isInNet", "isResolvable" };

	for (size_t i = 0; i < ARRAY_SIZE(asking); i++)
		if (memmem(text, len, asking[i], strlen(asking[i])))
			return true;
	return false;
}

unsigned int pac_max_age_s(const char *cache_control)
{
	const char *age = cache_control ? strcasestr(cache_control, "max-age=") : NULL;
	unsigned long long seconds;

	if (cache_control &&
	    (strcasestr(cache_control, "no-cache") || strcasestr(cache_control, "no-store")))
		return 0;
	if (!age || !isdigit((unsigned char)age[8]))
		return PAC_AGE_MAX_S;
	seconds = strtoull(age + 8, NULL, 10);
	return seconds < PAC_AGE_MAX_S ? (unsigned int)seconds : PAC_AGE_MAX_S;
}

bool pac_is_type(const char *content_type)
{
	static const char *const types[] = { "application/x-ns-proxy-autoconfig",
					     "application/x-javascript-config" };
	size_t len = content_type ? strcspn(content_type, "; \t") : 0;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strlen(types[i]) == len && strncasecmp(types[i], content_type, len) == 0)
			return true;
	return false;
}
