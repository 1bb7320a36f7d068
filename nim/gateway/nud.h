/* SPDX-License-Identifier: Apache-2.0 */
/* Hears of neighbours that the kernel gave up (NUD_FAILED: it asked and nobody answered). The kernel
 * sorts out all other news of neighbours, and those of links that nobody watches. */
#pragma once

#include <stdint.h>

#include "base/addr.h"

struct event_base;
struct nud;

typedef void nud_failed_fn(uint32_t ifindex, const struct ipaddr *addr, void *arg);

int nud_new(struct event_base *base, nud_failed_fn *fn, void *arg, struct nud **ret);
struct nud *nud_free(struct nud *nud);
#define NUD_LINKS 64
/* Only these from now on; the first NUD_LINKS of them. */
void nud_watch(struct nud *nud, const uint32_t *ifindex, unsigned int n);
