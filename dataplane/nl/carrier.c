/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/nl/carrier.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mono.h"
#include "dataplane/items/link.h"
#include "dataplane/nl/carrier_state.h"
#include "dataplane/nl/netns.h"
#include "dataplane/nl/rtnl_state.h"

#define WINDOW_MS 1100 /* the kernel's second, and some for its work queue to run */
#define PERIOD_NS 1000000
/* A link that flaps keeps the window open for ever: from then on it may take a little longer. */
#define LONG_MS (2 * WINDOW_MS)
#define LONG_PERIOD_NS 5000000

struct watched {
	struct ifname ifname;
	unsigned int count;
	int changes_fd; /* carrier_changes of the link with that index; -1: not open */
	unsigned int ifindex;
	bool answered; /* the driver, when there had been so many changes: */
	unsigned long changes;
	bool carrier;
};

struct rtnl_carrier {
	struct dp *dp;
	int fd; /* for ioctl(); -1 until something is watched */
	int sysfs; /* -1: there is none */
	int timer_fd; /* the loop's own timers are as coarse as the kernel's tick: up to 10 ms */
	struct event *tick;
	bool ticking;
	struct mono began; /* to tick */
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

static void forget(struct watched *w)
{
	closep(&w->changes_fd);
	w->changes_fd = -1;
	w->answered = false;
}

/* The link may be another one than when the count was opened. */
static bool read_changes(const struct rtnl_carrier *c, struct watched *w, unsigned int ifindex,
			 unsigned long *ret)
{
	char path[sizeof("class/net//carrier_changes") + sizeof(w->ifname.str)], text[24];
	ssize_t n = -1;

	if (w->ifindex != ifindex)
		forget(w);
	w->ifindex = ifindex;
	if (w->changes_fd < 0 && c->sysfs >= 0) {
		snprintf(path, sizeof(path), "class/net/%s/carrier_changes", w->ifname.str);
		w->changes_fd = openat(c->sysfs, path, O_RDONLY | O_CLOEXEC);
	}
	if (w->changes_fd >= 0)
		n = pread(w->changes_fd, text, sizeof(text) - 1, 0);
	if (n <= 0) {
		forget(w);
		return false;
	}
	text[n] = '\0';
	*ret = strtoul(text, NULL, 10);
	return true;
}

static void look(const struct rtnl_carrier *c, struct watched *w)
{
	const struct dp_link *have = dp_have(c->dp, &dp_link_type, w->ifname.str);
	unsigned long changes = 0;
	struct dp_link link;
	bool counted;

	if (!have || !have->up)
		return;
	counted = read_changes(c, w, have->ifindex, &changes);
	if (counted && w->answered && changes == w->changes && have->carrier == w->carrier)
		return;
	w->answered = false;
	/* Of a link that is down ETHTOOL_GLINK says no, and so does IFF_LOWER_UP. */
	if (!ask(c->fd, &w->ifname, &w->carrier))
		return;
	w->answered = counted;
	w->changes = changes; /* of before the question: what came meanwhile is news again */
	if (w->carrier == have->carrier)
		return;
	link = *have;
	link.carrier = w->carrier;
	dp_observed(c->dp, &dp_link_type, &link, false);
}

static void set_timer(struct rtnl_carrier *c, long period_ns)
{
	const struct timespec period = { .tv_nsec = period_ns };
	const struct itimerspec timer = { .it_interval = period, .it_value = period };

	c->ticking = period_ns > 0;
	timerfd_settime(c->timer_fd, 0, &timer, NULL);
}

static void tick(evutil_socket_t fd, short what, void *arg)
{
	struct rtnl_carrier *c = arg;
	uint64_t expirations;
	size_t i;

	(void)what;
	if (read(fd, &expirations, sizeof(expirations)) < 0)
		return;
	for (i = 0; i < c->count; i++)
		look(c, &c->at[i]);
	if (!c->count || mono_diff_ms(c->window_end, mono_now()) <= 0) {
		set_timer(c, 0);
	} else if (c->began.ns && mono_diff_ms(mono_now(), c->began) > LONG_MS) {
		c->began.ns = 0; /* once */
		set_timer(c, LONG_PERIOD_NS);
	}
}

void rtnl_carrier_link_event(struct rtnl_carrier *c)
{
	if (!c->count)
		return;
	c->window_end.ns = mono_now().ns + WINDOW_MS * 1000000ULL;
	if (c->ticking)
		return;
	c->began = mono_now();
	set_timer(c, PERIOD_NS);
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
	if (c->sysfs < 0)
		c->sysfs = netns_sysfs(dp_conf(dp)->netns_fd);
	c->at = xrealloc(c->at, c->count + 1, sizeof(*c->at));
	c->at[c->count++] = (struct watched){ .ifname = *ifname, .count = 1, .changes_fd = -1 };
	rtnl_carrier_link_event(c); /* a window may be open already */
	return 0;
}

void dp_carrier_unwatch(struct dp *dp, const struct ifname *ifname)
{
	struct rtnl_carrier *c = rtnl_state(dp)->carrier;
	struct watched *w = find(c, ifname);

	if (!w || --w->count > 0)
		return;
	forget(w);
	*w = c->at[--c->count];
}

struct rtnl_carrier *rtnl_carrier_free(struct rtnl_carrier *c)
{
	if (!c)
		return NULL;
	if (c->tick)
		event_free(c->tick);
	for (size_t i = 0; i < c->count; i++)
		forget(&c->at[i]);
	closep(&c->sysfs);
	closep(&c->timer_fd);
	closep(&c->fd);
	free(c->at);
	free(c);
	return NULL;
}

int rtnl_carrier_new(struct rtnl *rtnl, struct rtnl_carrier **ret)
{
	struct rtnl_carrier *c = xcalloc(1, sizeof(*c));
	int r;

	c->dp = rtnl->dp;
	c->fd = c->sysfs = -1;
	c->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (c->timer_fd < 0) {
		r = -errno;
		rtnl_carrier_free(c);
		return r;
	}
	c->tick = event_new(dp_base(rtnl->dp), c->timer_fd, EV_READ | EV_PERSIST, tick, c);
	if (!c->tick || event_add(c->tick, NULL) < 0) {
		rtnl_carrier_free(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}
