/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/boot/boot.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "dataplane/dp.h"
#include "dataplane/items/foreign.h"
#include "dataplane/items/link.h"
#include "nim/addressing.h"
#include "nim/boot/boot_left.h"

#define AGAIN_S 1 /* connections end without a word: looked at after 1, 2, 4 … */
#define AGAIN_MAX_S 64

struct boot {
	struct boot_conf conf;
	struct boot_left *left;
	size_t nleft;
	struct event *timer;
	int again_s;
	bool kept, waits; /* for connections: an address as a host's; one on a port without any */
};

/* ---- The record ---- */

static uint32_t ifindex_of(const struct dp *dp, const struct ifname *ifname)
{
	const struct dp_link *link = dp_have(dp, &dp_link_type, ifname->str);

	return link ? link->ifindex : 0;
}

struct record {
	const struct dp *dp;
	struct strbuf text;
	unsigned int lines;
};

static void put(struct record *rec, const struct boot_left *left)
{
	if (!left->ifindex || rec->lines == BOOT_LEFT_MAX)
		return;
	boot_left_format(left, &rec->text);
	rec->lines++;
}

/* What is ours, after an update say, is passed over later: whose it is the engine does not know yet. */
static void put_address(const char *key, const void *spec, void *arg)
{
	const struct dp_addr *addr = spec;
	struct record *rec = arg;

	(void)key;
	if (addr->prefix.addr.family == AF_INET && addr->prefix.addr.byte[0] != 127)
		put(rec, &(struct boot_left){ .kind = BOOT_ADDRESS,
					      .ifindex = ifindex_of(rec->dp, &addr->ifname),
					      .addr = addr->prefix });
}

static bool is_default(const struct dp_route *route)
{
	return !route->dst.len && route->table == RT_TABLE_MAIN && route->nexthops == 1 &&
	       route->nexthop[0].gateway.family == route->dst.addr.family;
}

static void put_route(const char *key, const void *spec, void *arg)
{
	const struct dp_route *route = spec;
	struct record *rec = arg;

	(void)key;
	if (is_default(route))
		put(rec,
		    &(struct boot_left){ .kind = BOOT_DEFAULT,
					 .ifindex = ifindex_of(rec->dp, &route->nexthop[0].ifname),
					 .gateway = route->nexthop[0].gateway,
					 .metric = route->metric });
}

static int keep(const struct boot *b, const struct strbuf *text)
{
	_cleanup_(freep) char *path = xasprintf("%s/nim/boot", b->conf.run_dir);

	return file_replace_volatile(path, strbuf_str(text), text->len, 0644);
}

/* Before anything is touched: whoever is killed in between finds the same. */
static int load(struct boot *b)
{
	_cleanup_(freep) char *path = xasprintf("%s/nim/boot", b->conf.run_dir);
	struct record rec = { .dp = b->conf.dp, .text = STRBUF_INIT };
	int r = boot_left_load(path, &b->left, &b->nleft);

	if (r != -ENOENT)
		return r;
	dp_each_have(b->conf.dp, &dp_addr_type, put_address, &rec);
	dp_each_have(b->conf.dp, &dp_route_type, put_route, &rec);
	r = keep(b, &rec.text);
	strbuf_fini(&rec.text);
	return r < 0 ? r : boot_left_load(path, &b->left, &b->nleft);
}

static void keep_again(const struct boot *b)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;
	int r;

	for (size_t i = 0; i < b->nleft; i++)
		boot_left_format(&b->left[i], &text);
	r = keep(b, &text);
	if (r < 0)
		log_warning("boot_left", "count=%zu err=%d", b->nleft, -r);
}

/* It is gone: what comes in its place later is somebody else's. Its gateway may still be needed. */
static void forget(struct boot *b, size_t i)
{
	if (b->left[i].kind == BOOT_DEFAULT)
		b->left[i].kind = BOOT_GATEWAY;
	else
		memmove(&b->left[i], &b->left[i + 1], (--b->nleft - i) * sizeof(*b->left));
	keep_again(b);
}

/* ---- What ports have of it ---- */

static const struct dp_addr *find_addr(const struct boot *b, const struct ifname *ifname,
				       const struct prefix *prefix, enum dp_state *ret_state)
{
	_cleanup_(strbuf_fini) struct strbuf key = STRBUF_INIT;

	dp_addr_type.key(&(struct dp_addr){ .ifname = *ifname, .prefix = *prefix }, &key);
	*ret_state = dp_state(b->conf.dp, &dp_addr_type, strbuf_str(&key), NULL);
	return dp_have(b->conf.dp, &dp_addr_type, strbuf_str(&key));
}

static bool is_there(const struct boot *b, const struct ifname *ifname, const struct prefix *p)
{
	enum dp_state state;

	return find_addr(b, ifname, p, &state) != NULL;
}

struct defaults {
	const struct dp *dp;
	bool four, six; /* of ours there are */
};

static void find_ours(const char *key, const void *spec, void *arg)
{
	const struct dp_route *route = spec;
	struct defaults *d = arg;

	if (!is_default(route) || dp_state(d->dp, &dp_route_type, key, NULL) != DP_CREATED)
		return;
	d->four = d->four || route->dst.addr.family == AF_INET;
	d->six = d->six || route->dst.addr.family == AF_INET6;
}

static struct defaults find_defaults(const struct boot *b)
{
	struct defaults defaults = { .dp = b->conf.dp };

	if (b->nleft)
		dp_each_have(b->conf.dp, &dp_route_type, find_ours, &defaults);
	return defaults;
}

/* It has no use of an address, and nobody can have a connection by it. */
static bool is_bond_member(const struct nim_config *config, unsigned int port)
{
	for (unsigned int i = 0; i < config->nports; i++)
		for (unsigned int k = 0;
		     config->ports[i].lower == NIM_LOWER_BOND && k < config->ports[i].nlowers; k++)
			if (config->ports[i].lowers[k] == port)
				return true;
	return false;
}

static bool is_connected(const struct ipaddr *addr)
{
	static const char *const tables[] = { "/proc/self/net/tcp", "/proc/self/net/tcp6" };
	bool connected = false;

	for (size_t i = 0; !connected && i < ARRAY_SIZE(tables); i++) {
		FILE *file = fopen(tables[i], "re");

		if (!file)
			continue; /* no IPv6 */
		connected = boot_left_connected(file, addr);
		fclose(file);
	}
	return connected;
}

/* What is configured as it is becomes ours in its place; of what is leased the client sees to it. */
static void adopt(struct boot *b, const struct nim_port *port, const struct nim_iface *iface,
		  const struct prefix *prefix)
{
	enum dp_state state;
	const struct dp_addr *addr = find_addr(b, &iface->ifname, prefix, &state);
	char text[INET6_ADDRSTRLEN];
	struct dp_addr copy;
	int r;

	if (!addr || !nim_port_has_addr(port, prefix) ||
	    (state != DP_FOREIGN && state != DP_FAILED))
		return;
	copy = *addr;
	r = dp_addr_take_now(b->conf.dp, &copy);
	log_info("boot_address_adopted", "ifname=%s address=%s/%u err=%d", iface->ifname.str,
		 ipaddr_str(&prefix->addr, text), prefix->len, -r);
}

static void tell_address(struct boot *b, const struct nim_port *port, struct nim_iface *iface,
			 const struct prefix *addr)
{
	const struct prefix host = prefix_host(&addr->addr);
	enum boot_fate fate = boot_fate(port, iface, addr, false);
	bool there = is_there(b, &iface->ifname, addr);

	if (fate == BOOT_ADOPTED)
		adopt(b, port, iface, addr);
	if (!there && !is_there(b, &iface->ifname, &host))
		return;
	if (fate == BOOT_STAYS)
		iface->boot_left = *addr;
	if (fate != BOOT_LEAVES || ipaddr_is_set(&iface->boot_kept.addr) ||
	    !is_connected(&addr->addr))
		return;
	iface->boot_left = iface->boot_kept = host;
}

static void tell_iface(struct boot *b, const struct nim_port *port, struct nim_iface *iface)
{
	iface->boot_gateway = (struct ipaddr){ 0 };
	iface->boot_kept = iface->boot_left = (struct prefix){ 0 };
	for (size_t i = 0; iface->ifindex && i < b->nleft; i++)
		if (b->left[i].ifindex == iface->ifindex && b->left[i].kind == BOOT_ADDRESS)
			tell_address(b, port, iface, &b->left[i].addr);
	for (size_t i = 0; ipaddr_is_set(&iface->boot_left.addr) && i < b->nleft; i++)
		if (b->left[i].ifindex == iface->ifindex && b->left[i].gateway.family == AF_INET)
			iface->boot_gateway = b->left[i].gateway;
	if (ipaddr_is_set(&iface->boot_kept.addr))
		iface->boot_gateway = (struct ipaddr){ 0 };
}

void boot_tell(struct boot *b, struct nim_facts *facts)
{
	b->kept = false;
	for (unsigned int i = 0; i < b->conf.config->nports; i++) {
		tell_iface(b, &b->conf.config->ports[i], &facts->ifaces[i]);
		b->kept = b->kept || ipaddr_is_set(&facts->ifaces[i].boot_kept.addr);
	}
}

/* Nobody tells of the end of a connection. */
static void arm(struct boot *b)
{
	if (!b->kept && !b->waits) {
		evtimer_del(b->timer);
		b->again_s = AGAIN_S;
	} else if (!evtimer_pending(b->timer, NULL)) {
		evtimer_add(b->timer, &(struct timeval){ .tv_sec = b->again_s });
		b->again_s = b->again_s < AGAIN_MAX_S ? b->again_s * 2 : AGAIN_MAX_S;
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	const struct boot *b = arg;

	(void)fd, (void)what;
	b->conf.changed(b->conf.arg);
}

/* ---- What goes ---- */

/* For connections it stays as a host's, which is there before the network's goes; on a port that has no
 * addresses as it is. What was told may be of a moment before the lease or the connection: the kernel
 * is asked again. */
static bool may_go(struct boot *b, unsigned int port, const struct prefix *prefix)
{
	const struct nim_iface *iface = &b->conf.facts->ifaces[port];
	const struct prefix host = prefix_host(&prefix->addr);

	if (!boot_port_has_addrs(&b->conf.config->ports[port])) {
		if (is_bond_member(b->conf.config, port) || !is_connected(&prefix->addr))
			return true;
		b->waits = true;
		return false;
	}
	if (is_there(b, &iface->ifname, &host))
		return true;
	if (ipaddr_is_set(&iface->boot_kept.addr)) /* one for a port */
		return !prefix_equal(&iface->boot_kept, &host);
	if (!is_connected(&prefix->addr))
		return true;
	b->conf.changed(b->conf.arg);
	return false;
}

/* True: nothing of it is left. */
static bool look_address(struct boot *b, unsigned int port, const struct prefix *prefix,
			 bool elsewhere)
{
	const struct nim_iface *iface = &b->conf.facts->ifaces[port];
	const struct prefix host = prefix_host(&prefix->addr);
	enum dp_state state;
	const struct dp_addr *addr = find_addr(b, &iface->ifname, prefix, &state);
	char text[INET6_ADDRSTRLEN];
	struct dp_addr copy;
	int r;

	if (!addr)
		return !is_there(b, &iface->ifname, &host);
	if (state != DP_FOREIGN ||
	    boot_fate(&b->conf.config->ports[port], iface, prefix, elsewhere) != BOOT_LEAVES ||
	    !may_go(b, port, prefix))
		return false;
	copy = *addr;
	r = dp_addr_remove_now(b->conf.dp, &copy);
	log_info("boot_address_removed", "ifname=%s address=%s/%u err=%d", iface->ifname.str,
		 ipaddr_str(&prefix->addr, text), prefix->len, -r);
	return false;
}

/* Of IPv6 only when ours does not come from it: nim_port_gateways(). */
static bool is_replaced(const struct defaults *d, const struct nim_port *port,
			const struct nim_iface *iface, int family)
{
	if (family == AF_INET)
		return d->four;
	return d->six && (ipaddr_is_set(&port->gateway6) || ipaddr_is_set(&iface->lease6.gateway));
}

/* ip route del default via GATEWAY dev NAME metric METRIC. True: nothing of it is left. */
static bool look_route(struct boot *b, const struct nim_iface *iface, const struct boot_left *left,
		       bool replaced)
{
	struct dp_route route = { .dst = { .addr = { .family = left->gateway.family } },
				  .table = RT_TABLE_MAIN,
				  .metric = left->metric,
				  .nexthops = 1,
				  .nexthop = {
					  { .ifname = iface->ifname, .gateway = left->gateway } } };
	_cleanup_(strbuf_fini) struct strbuf key = STRBUF_INIT;
	const struct dp_route *have;
	char text[INET6_ADDRSTRLEN];
	int r;

	dp_route_type.key(&route, &key);
	have = dp_have(b->conf.dp, &dp_route_type, strbuf_str(&key));
	if (!have || !ifname_equal(&have->nexthop[0].ifname, &iface->ifname))
		return true;
	if (!replaced || dp_state(b->conf.dp, &dp_route_type, strbuf_str(&key), NULL) != DP_FOREIGN)
		return false;
	route = *have;
	r = dp_route_remove_now(b->conf.dp, &route);
	log_info("boot_route_removed", "ifname=%s gateway=%s metric=%u err=%d", iface->ifname.str,
		 ipaddr_str(&left->gateway, text), left->metric, -r);
	return false;
}

static void look_port(struct boot *b, unsigned int port, const struct defaults *defaults)
{
	const struct nim_iface *iface = &b->conf.facts->ifaces[port];

	for (size_t i = b->nleft; i-- > 0;) {
		const struct boot_left *left = &b->left[i];
		bool gone = false;

		if (left->ifindex != iface->ifindex)
			continue;
		if (left->kind == BOOT_ADDRESS)
			gone = look_address(b, port, &left->addr, defaults->four);
		else if (left->kind == BOOT_DEFAULT)
			gone = look_route(b, iface, left,
					  is_replaced(defaults, &b->conf.config->ports[port], iface,
						      left->gateway.family));
		if (gone)
			forget(b, i);
	}
}

void boot_look(struct boot *b)
{
	const struct defaults defaults = find_defaults(b);

	b->waits = false;
	for (unsigned int i = 0; b->nleft && i < b->conf.config->nports; i++)
		if (b->conf.facts->ifaces[i].ifindex)
			look_port(b, i, &defaults);
	arm(b);
}

/* ---- Its life ---- */

int boot_new(const struct boot_conf *conf, struct boot **ret)
{
	struct boot *b = xcalloc(1, sizeof(*b));
	int r;

	b->conf = *conf;
	b->timer = evtimer_new(conf->base, on_timer, b);
	r = load(b);
	if (r < 0) /* ports are not to stay down for what they were before */
		log_warning("boot_left", "count=0 err=%d", -r);
	else if (b->nleft)
		log_info("boot_left", "count=%zu", b->nleft);
	*ret = b;
	return 0;
}

struct boot *boot_free(struct boot *b)
{
	if (!b)
		return NULL;
	event_free(b->timer);
	free(b->left);
	free(b);
	return NULL;
}
