/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/nl/carrier.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/mono.h"
#include "dataplane/items/link.h"
#include "dataplane/nl/carrier_state.h"
#include "dataplane/nl/netns.h"
#include "dataplane/nl/rtnl_state.h"

#define WINDOW_MS 1100 /* the kernel's second, and some for its work queue to run */
#define PERIOD_MS 1

struct watched {
	struct ifname ifname;
	unsigned int count;
};

struct rtnl_carrier {
	struct dp *dp;
	int fd; /* for ioctl(); -1 until something is watched */
	struct event *tick;
	struct mono window_end;
	struct watched *at;
	size_t count;
};

/* Asks the driver; false: it does not say. */
static bool ask(int fd, const struct ifname *ifname, bool *ret_carrier)
{
	struct ethtool_value value = { .cmd = ETHTOOL_GLINK };
	struct ifreq ifr = { .ifr_data = (char *)&value };

	memcpy(ifr.ifr_name, ifname->str, sizeof(ifr.ifr_name));
	if (ioctl(fd, SIOCETHTOOL, &ifr) < 0)
		return false;
	*ret_carrier = value.data;
	return true;
}

static void look(struct rtnl_carrier *c, const struct ifname *ifname)
{
	const struct dp_link *have = dp_have(c->dp, &dp_link_type, ifname->str);
	struct dp_link link;
	bool carrier;

	/* Of a link that is down ETHTOOL_GLINK says no, and so does IFF_LOWER_UP. */
	if (!have || !have->up || !ask(c->fd, ifname, &carrier) || carrier == have->carrier)
		return;
	link = *have;
	link.carrier = carrier;
	dp_observed(c->dp, &dp_link_type, &link, false);
}

static void arm(struct rtnl_carrier *c)
{
	static const struct timeval period = { .tv_usec = PERIOD_MS * 1000 };

	if (!event_pending(c->tick, EV_TIMEOUT, NULL))
		event_add(c->tick, &period);
}

static void tick(evutil_socket_t fd, short what, void *arg)
{
	struct rtnl_carrier *c = arg;
	size_t i;

	(void)fd;
	(void)what;
	for (i = 0; i < c->count; i++)
		look(c, &c->at[i].ifname);
	if (c->count && mono_diff_ms(c->window_end, mono_now()) > 0)
		arm(c);
}

void rtnl_carrier_link_event(struct rtnl_carrier *c)
{
	if (!c->count)
		return;
	c->window_end.ns = mono_now().ns + WINDOW_MS * 1000000ULL;
	arm(c);
}

static struct watched *find(const struct rtnl_carrier *c, const struct ifname *ifname)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		if (ifname_equal(&c->at[i].ifname, ifname))
			return &c->at[i];
	return NULL;
}

int dp_carrier_watch(struct dp *dp, const struct ifname *ifname)
{
	struct rtnl_carrier *c = rtnl_state(dp)->carrier;
	struct watched *w = find(c, ifname);

	if (w) {
		w->count++;
		return 0;
	}
	if (c->fd < 0)
		c->fd = netns_socket(dp_conf(dp)->netns_fd, AF_INET, SOCK_DGRAM, 0);
	if (c->fd < 0)
		return c->fd;
	c->at = xrealloc(c->at, c->count + 1, sizeof(*c->at));
	c->at[c->count++] = (struct watched){ .ifname = *ifname, .count = 1 };
	rtnl_carrier_link_event(c); /* a window may be open already */
	return 0;
}

void dp_carrier_unwatch(struct dp *dp, const struct ifname *ifname)
{
	struct rtnl_carrier *c = rtnl_state(dp)->carrier;
	struct watched *w = find(c, ifname);

	if (w && --w->count == 0)
		*w = c->at[--c->count];
}

struct rtnl_carrier *rtnl_carrier_free(struct rtnl_carrier *c)
{
	if (!c)
		return NULL;
	event_free(c->tick);
	closep(&c->fd);
	free(c->at);
	free(c);
	return NULL;
}

int rtnl_carrier_new(struct rtnl *r, struct rtnl_carrier **ret)
{
	struct rtnl_carrier *c = xcalloc(1, sizeof(*c));

	c->dp = r->dp;
	c->fd = -1;
	c->tick = evtimer_new(dp_base(r->dp), tick, c);
	if (!c->tick) {
		free(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}
