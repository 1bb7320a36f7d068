/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of http and https as far as a client of our own needs them. */
#pragma once

#include <stdbool.h>

#include "base/addr.h"

#define HTTP_URL_MAX 256 /* bytes with NUL */
#define HTTP_URLS 4 /* of a list */

struct http_url {
	bool tls;
	char host[HTTP_URL_MAX]; /* name or address, without brackets */
	struct ipaddr addr; /* host, when that is an address; else unset */
	uint16_t port;
	char path[HTTP_URL_MAX]; /* begins with "/"; with the query, if there is one */
};

/* -EINVAL: no such URL; it may not hold a user or a fragment. -ENAMETOOLONG. */
int http_url_parse(const char *text, struct http_url *ret);

/* Takes the next URL from a list by blanks or commas and moves *list behind it. 1; 0: there is none
 * left; -EINVAL: what comes next is none. */
int http_url_next(const char **list, char ret[HTTP_URL_MAX]);
