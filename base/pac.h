/* SPDX-License-Identifier: Apache-2.0 */
/* Proxy auto-configuration: what there is to know of a PAC file without running it. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/http_proxy.h"

#define PAC_TEXT_MAX (1u << 20) /* bytes of a file */
#define PAC_RESULT_MAX 2048 /* bytes with NUL of what FindProxyForURL() returns */

/*
 * What FindProxyForURL() returned: "PROXY a:3128; SOCKS5 b; HTTPS c:443; DIRECT". Without a port it
 * is that of the kind (80, 443, 1080); SOCKS is version 4, as in browsers. What is unknown or broken
 * is passed over, and so is what comes after HTTP_PROXY_WAYS ways or does not end within
 * PAC_RESULT_MAX; nothing at all means DIRECT, as null does. -EINVAL: there is something, and none
 * of it is of use.
 */
int pac_result_parse(const char *result, struct http_proxy ret[HTTP_PROXY_WAYS],
		     unsigned int *ret_n);

/* The text of a file that is given as base64, which may have line ends. The caller frees it; -EINVAL:
 * it is none, or longer than PAC_TEXT_MAX. */
int pac_text_decode(const char *base64, char **ret);
#define PAC_TEXT_WHY "the PAC file is no base64, empty, or longer than 1 MiB" /* of -EINVAL */

/* Whether the file may ask for addresses of names: it has one of the words for it. */
bool pac_asks_for_names(const char *text, size_t len);

/* Of the header Cache-Control; NULL: there is none. RFC 9111 5.2.2 */
unsigned int pac_max_age_s(const char *cache_control);
#define PAC_AGE_MAX_S 3600

/* Of Content-Type, NULL: there is none: that of a PAC file, and not of a page to log in, say. */
bool pac_is_type(const char *content_type);
