/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PAC files of the ports: those that were fetched, until they are too old, and what became of
 * each.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/mono.h"
#include "nim/proxy/pac_eval.h"

struct arena;
struct event_base;
struct nim_config;
struct pacs;
struct Ew__DeviceNetworkStatus;

struct pacs_conf {
	struct event_base *base;
	const char *evaluator; /* path of pac-eval, copied; NULL: the one beside us */
	const char *loader; /* path of conn-test, borrowed for good */
	/* Files of this configuration are kept and shown; borrowed for good. */
	const struct nim_config *config;
	void (*changed)(void *arg); /* what pacs_status() tells; from the loop */
	void *arg;
};

struct pacs *pacs_new(const struct pacs_conf *conf);
struct pacs *pacs_free(struct pacs *p); /* after its runs; NULL is fine */

struct event_base *pacs_base(const struct pacs *p);
const char *pacs_evaluator(const struct pacs *p);
const char *pacs_loader(const struct pacs *p);

/* What a round over a configuration takes longer for them, at most; 0: no port has one. limit_s: that
 * of fetching. */
unsigned int pacs_take_s(const struct nim_config *config, unsigned int limit_s);

/* ---- Fetched ones ---- */

struct pac_fetch_note { /* key: all that it depends on; a change of it makes the file old */
	const char *key, *url;
	int origin; /* PacOrigin */
	unsigned int max_age_s;
};
void pacs_keep(struct pacs *p, const char *label, const struct pac_fetch_note *note,
	       const char *text, size_t len, struct mono now);
/* What is kept of the port under another key goes. */
void pacs_drop_others(struct pacs *p, const char *label, const char *key);
/* Borrowed until the next pacs_keep() or pacs_drop_others(). NULL: there is none of this key.
 * *ret_fresh: it need not be fetched again. */
const char *pacs_find(const struct pacs *p, const char *label, const char *key, struct mono now,
		      bool *ret_fresh, size_t *ret_len);

/* ---- What became of them ---- */

/* The file of a port decided (why NULL), or why it did not. */
void pacs_evaluated(struct pacs *p, const char *label, size_t bytes, const char *why);

/* Adds what is known to each port with a PAC file. In the arena. */
void pacs_status(const struct pacs *p, struct Ew__DeviceNetworkStatus *status, struct arena *arena);
