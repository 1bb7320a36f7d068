/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the last resort into the list of port configurations, and takes it out again. */
#pragma once

struct dp;
struct event_base;
struct nim_cards;
struct nim_dpc;
struct nim_fallback;
struct nim_items;

#define NIM_LAST_RESORT_AFTER "60" /* seconds, as in EVE */

struct nim_fallback_conf {
	struct event_base *base;
	struct dp *dp; /* borrowed, as the next three */
	struct nim_dpc *dpc;
	const struct nim_items *items;
	const struct nim_cards *cards; /* those of apps are left alone */
	/* Without any port configuration for so many seconds the last resort comes, whatever the
	 * item says; "never": it does not. NULL: NIM_LAST_RESORT_AFTER. */
	const char *after;
};

/* After dp_adopt(); freed after the engine. 0, -EINVAL for a bad after, or -ENOMEM. */
int nim_fallback_new(const struct nim_fallback_conf *conf, struct nim_fallback **ret);
struct nim_fallback *nim_fallback_free(struct nim_fallback *f); /* NULL is fine */

/* The list, results in it, the items or the cards of apps changed; looked at later in this turn. NULL is fine. */
void nim_fallback_look(struct nim_fallback *f);
/* zedagent has spoken: a configuration that is not there now is not expected. */
void nim_fallback_expect_none(struct nim_fallback *f);
