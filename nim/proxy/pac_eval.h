/* SPDX-License-Identifier: Apache-2.0 */
/* One run of pac-eval: a PAC file, and by which proxies it has URLs asked. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/http_url.h"
#include "base/pac.h"

#define PAC_WHY 128 /* bytes with NUL */
#define PAC_EVAL_LIMIT_MS 10000 /* of the clock; of CPU it has a second */

struct event_base;
struct pac_eval;
struct Ew__PacRequest;

struct pac_ways { /* to one target */
	struct http_proxy way[HTTP_PROXY_WAYS];
	unsigned int n;
};

/* Once, from the loop; pac_eval is gone then. why NULL: ways has one for each URL, borrowed for the
 * call; else why there are none, and ways is NULL. */
typedef void pac_eval_fn(const struct pac_ways *ways, const char *why, void *arg);

/* path: of pac-eval. 0 or -errno. */
int pac_eval_start(struct event_base *base, const char *path, const struct Ew__PacRequest *request,
		   pac_eval_fn *done, void *arg, struct pac_eval **ret);
/* Kills it; no callback follows. NULL is fine. */
struct pac_eval *pac_eval_free(struct pac_eval *e);

/* Foreign bytes: a reply for n URLs. 0; or -EBADMSG: it is none; or -EINVAL with why, printable
 * ASCII. */
int pac_reply_read(const uint8_t *msg, size_t len, unsigned int n, struct pac_ways *ret,
		   char why[PAC_WHY]);
