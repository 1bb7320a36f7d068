/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc/fallback.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "dataplane/dp.h"
#include "dataplane/items/link.h"
#include "nim/cards.h"
#include "nim/dpc/dpc.h"
#include "nim/dpc/last_resort.h"
#include "nim/items.h"

#define AFTER_MAX_S 86400

struct nim_fallback {
	struct dp *dp;
	struct nim_dpc *dpc;
	const struct nim_items *items;
	const struct nim_cards *cards;
	struct event *look_ev, *due_ev;
	int after_s; /* -1: never */
	bool due;
};

struct links {
	const struct nim_cards *cards;
	struct dp_link *at;
	size_t n, size;
};

static void add_link(const char *key, const void *spec, void *arg)
{
	const struct dp_link *link = spec;
	struct links *links = arg;

	(void)key;
	if (nim_cards_app(links->cards, &link->ifname))
		return;
	if (links->n == links->size) {
		links->size = links->size ? links->size * 2 : 16;
		links->at = realloc(links->at, links->size * sizeof(*links->at));
		if (!links->at)
			abort();
	}
	links->at[links->n++] = *link;
}

static void put(struct nim_fallback *f, bool enabled)
{
	struct links links = { .cards = f->cards };
	Ew__DpcEntry *entry;
	size_t ports;

	dp_each_have(f->dp, &dp_link_type, add_link, &links);
	entry = last_resort_entry(links.at, links.n);
	free(links.at);
	if (!entry)
		return; /* of interfaces that are away for a moment the last word counts */
	ports = entry->config->n_ports;
	if (nim_dpc_put(f->dpc, entry) > 0)
		log_info("last_resort", "ports=%zu why=\"%s\"", ports,
			 enabled ? "network.fallback.any.eth" : "no other port configuration");
}

/* One is expected for a while, from the moment on that there is none. */
static void await(struct nim_fallback *f)
{
	if (!last_resort_is_alone(nim_dpc_list(f->dpc)))
		evtimer_del(f->due_ev);
	else if (f->after_s >= 0 && !f->due && !evtimer_pending(f->due_ev, NULL))
		evtimer_add(f->due_ev, &(struct timeval){ .tv_sec = f->after_s });
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct nim_fallback *f = arg;
	const struct last_resort_state state = {
		.known = f->items->known,
		.enabled = f->items->switches.fallback_any_eth,
		.due = f->due,
	};

	(void)fd, (void)what;
	await(f);
	if (last_resort_wanted(nim_dpc_list(f->dpc), &state))
		put(f, state.enabled);
	else if (nim_dpc_drop(f->dpc, LAST_RESORT_KEY) == 0)
		log_info("last_resort", "ports=0 why=\"not needed\"");
}

void nim_fallback_look(struct nim_fallback *f)
{
	if (f)
		event_active(f->look_ev, 0, 0);
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
	struct nim_fallback *f = arg;

	(void)fd, (void)what;
	f->due = true;
	nim_fallback_look(f);
}

void nim_fallback_expect_none(struct nim_fallback *f)
{
	if (f->after_s >= 0 && !nim_dpc_bootstraps(f->dpc))
		on_due(-1, 0, f);
}

static bool concerns(const struct dp_link *link)
{
	/* With any master: the list says whose it is. */
	return link && last_resort_takes(&(struct dp_link){ .ifname = link->ifname,
							    .group = link->group,
							    .ethernet = link->ethernet },
					 NULL);
}

static bool is_same_port(const struct dp_link *was, const struct dp_link *now)
{
	return was && now && was->master == now->master && was->group == now->group;
}

/* Thousands of an app's interfaces come and go, and carriers: only what may be a port matters. */
static void link_changed(const char *key, const void *was, const void *now, void *arg)
{
	(void)key;
	if ((concerns(was) || concerns(now)) && !is_same_port(was, now))
		nim_fallback_look(arg);
}

static int parse_after(const char *after, int *ret_s)
{
	unsigned long seconds;
	char *end;

	if (strcmp(after, "never") == 0) {
		*ret_s = -1;
		return 0;
	}
	seconds = strtoul(after, &end, 10);
	if (after[0] < '0' || after[0] > '9' || *end || seconds > AFTER_MAX_S)
		return -EINVAL;
	*ret_s = (int)seconds;
	return 0;
}

int nim_fallback_new(const struct nim_fallback_conf *conf, struct nim_fallback **ret)
{
	struct nim_fallback *f = xcalloc(1, sizeof(*f));
	int r;

	f->dp = conf->dp;
	f->dpc = conf->dpc;
	f->items = conf->items;
	f->cards = conf->cards;
	r = parse_after(conf->after ? conf->after : NIM_LAST_RESORT_AFTER, &f->after_s);
	f->look_ev = event_new(conf->base, -1, 0, on_look, f);
	f->due_ev = evtimer_new(conf->base, on_due, f);
	if (r == 0 && (!f->look_ev || !f->due_ev))
		r = -ENOMEM;
	if (r == 0)
		r = dp_watch(f->dp, &dp_link_type, link_changed, f);
	if (r < 0) {
		nim_fallback_free(f);
		return r;
	}
	nim_fallback_look(f);
	*ret = f;
	return 0;
}

struct nim_fallback *nim_fallback_free(struct nim_fallback *f)
{
	if (!f)
		return NULL;
	if (f->look_ev)
		event_free(f->look_ev);
	if (f->due_ev)
		event_free(f->due_ev);
	free(f);
	return NULL;
}
