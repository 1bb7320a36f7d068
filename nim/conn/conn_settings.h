/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ports are tested against: the controller, when <config-dir>/server names it, else the URLs
 * of the item edgeway.probe.urls, else nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/http_url.h"

#define CONN_SERVER_MAX 1024 /* bytes of the file */

struct Ew__GlobalConfig;

struct conn_items {
	char urls[HTTP_URLS][HTTP_URL_MAX];
	unsigned int nurls;
	uint32_t deadline_s; /* timer.port.timeout: of each port */
	uint32_t interval_s; /* timer.port.testinterval */
};

/* NULL: all by default. What is no value was refused by zedagent, and counts as not given. Pure. */
void conn_items_load(const struct Ew__GlobalConfig *msg, struct conn_items *ret);

/* From the content of the file "server": host, or host:port. -EINVAL. Pure. */
int conn_controller_url(const char *server, char ret[HTTP_URL_MAX]);

struct conn_settings {
	struct conn_items items;
	char controller[HTTP_URL_MAX]; /* URL; "": there is none */
	bool refused; /* the file "server" holds none, and that was said */
	/* Paths of files that exist; NULL: there is none. Heap. */
	char *roots_file, *cert_file, *key_file;
	char *soft_serial; /* EVE's header X-Soft-Serial; NULL: none */
};

static inline bool conn_settings_have_target(const struct conn_settings *s)
{
	return s->controller[0] || s->items.nurls;
}

/* What is asked: URLs, borrowed; how many. */
unsigned int conn_targets(const struct conn_settings *s, const char *ret[HTTP_URLS]);

/* Looks into the folder: items stay. */
void conn_settings_read(struct conn_settings *s, const char *config_dir);
void conn_settings_fini(struct conn_settings *s);
