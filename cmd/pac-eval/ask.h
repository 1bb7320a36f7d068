/* SPDX-License-Identifier: Apache-2.0 */
/* What pac-eval is asked, checked. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/http_url.h"

#define ASK_NAMES 16
#define ASK_NAME_ADDRS 16

struct Ew__PacRequest;

struct ask {
	char *text; /* the PAC file */
	struct ipaddr own; /* unset: none */
	char *urls[HTTP_URLS];
	struct http_url parsed[HTTP_URLS];
	unsigned int nurls;
	struct ask_name {
		char name[HTTP_URL_MAX];
		struct ipaddr addrs[ASK_NAME_ADDRS];
		unsigned int naddrs;
	} names[ASK_NAMES];
	unsigned int nnames;
};

/* 0 or -EINVAL: that is no request. */
int ask_read(const uint8_t *msg, size_t len, struct ask *ret);
void ask_fini(struct ask *ask);
