/* SPDX-License-Identifier: Apache-2.0 */
#include "base/http_url.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LABEL_MAX 63 /* RFC 1035 2.3.4 */

static bool is_name(const char *name)
{
	size_t label = 0;

	for (const char *c = name; *c; c++) {
		if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_' && *c != '.')
			return false;
		if (*c == '.' && label == 0)
			return false;
		label = *c == '.' ? 0 : label + 1;
		if (label > LABEL_MAX)
			return false;
	}
	return *name && strlen(name) <= 253;
}

/* RFC 3986 3.2.2: an IPv6 address stands in brackets. Returns what follows the host, or NULL. */
static const char *take_host(const char *text, struct http_url *url)
{
	bool brackets = *text == '[';
	size_t len = brackets ? strcspn(++text, "]") : strcspn(text, ":/?");

	if (len >= sizeof(url->host))
		return NULL;
	memcpy(url->host, text, len);
	text += len;
	if (brackets && *text++ != ']')
		return NULL;
	if (ipaddr_parse(url->host, &url->addr) == 0)
		return brackets == (url->addr.family == AF_INET6) ? text : NULL;
	return !brackets && is_name(url->host) ? text : NULL;
}

static const char *take_port(const char *text, struct http_url *url)
{
	unsigned long port;
	char *end;

	url->port = url->tls ? 443 : 80;
	if (*text != ':')
		return text;
	if (!isdigit((unsigned char)*++text))
		return NULL;
	port = strtoul(text, &end, 10);
	if (port == 0 || port > UINT16_MAX)
		return NULL;
	url->port = (uint16_t)port;
	return end;
}

static bool take_path(const char *text, struct http_url *url)
{
	if (*text && *text != '/' && *text != '?')
		return false;
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '#' || *c == '"' || *c == '\\')
			return false;
	url->path[0] = '/';
	strcpy(url->path + (*text != '/'), text);
	return true;
}

int http_url_parse(const char *text, struct http_url *ret)
{
	struct http_url url = { 0 };

	if (strlen(text) >= HTTP_URL_MAX - 1)
		return -ENAMETOOLONG;
	if (strncasecmp(text, "https://", 8) == 0)
		url.tls = true;
	else if (strncasecmp(text, "http://", 7) != 0)
		return -EINVAL;
	text = take_host(text + (url.tls ? 8 : 7), &url);
	if (text)
		text = take_port(text, &url);
	if (!text || !take_path(text, &url))
		return -EINVAL;
	*ret = url;
	return 0;
}

int http_url_next(const char **list, char ret[HTTP_URL_MAX])
{
	static const char between[] = " ,\t\r\n";
	const char *text = *list + strspn(*list, between);
	size_t len = strcspn(text, between);
	struct http_url url;

	if (!len)
		return 0;
	if (len >= HTTP_URL_MAX)
		return -EINVAL;
	memcpy(ret, text, len);
	ret[len] = '\0';
	*list = text + len;
	return http_url_parse(ret, &url) < 0 ? -EINVAL : 1;
}
