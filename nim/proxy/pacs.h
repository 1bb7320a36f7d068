/* SPDX-License-Identifier: Apache-2.0 */
/* The PAC files of the ports, and what became of them. */
#pragma once

#include <stddef.h>

#include "nim/proxy/pac_eval.h"

struct arena;
struct event_base;
struct nim_config;
struct pacs;
struct Ew__DeviceNetworkStatus;

struct pacs_conf {
	struct event_base *base;
	const char *evaluator; /* path of pac-eval, copied; NULL: the one beside us */
	/* Results over this configuration are kept and shown; borrowed for good. */
	const struct nim_config *config;
	void (*changed)(void *arg); /* what pacs_status() tells; from the loop */
	void *arg;
};

struct pacs *pacs_new(const struct pacs_conf *conf);
struct pacs *pacs_free(struct pacs *p); /* after its runs; NULL is fine */

struct event_base *pacs_base(const struct pacs *p);
const char *pacs_evaluator(const struct pacs *p);

/* What a round takes longer for them, at most; 0: no port has one. */
unsigned int pacs_take_s(const struct pacs *p);

/* The file of a port decided (why NULL), or why it did not. */
void pacs_evaluated(struct pacs *p, const char *label, size_t bytes, const char *why);

/* Adds what is known to each port with a PAC file. In the arena. */
void pacs_status(const struct pacs *p, struct Ew__DeviceNetworkStatus *status, struct arena *arena);
