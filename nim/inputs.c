/* SPDX-License-Identifier: Apache-2.0 */
/* What nim hears: from the kernel, of leases, of port configurations and items of the bus. */
#include <assert.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include <event2/event.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/daemon.h"
#include "base/log.h"
#include "base/numbers.h"
#include "dataplane/dp.h"
#include "dataplane/items/inet.h"
#include "dataplane/lease.h"
#include "dataplane/nl/carrier.h"
#include "nim/addressing.h"
#include "nim/assigned.h"
#include "nim/conn/conn_schedule.h"
#include "nim/dpc/beside.h"
#include "nim/dpc/dpc.h"
#include "nim/dpc/dpc_bootstrap.h"
#include "nim/dpc/fallback.h"
#include "nim/dpc/verify.h"
#include "nim/lease_again.h"
#include "nim/lps/lps_run.h"
#include "nim/metering/metering.h"
#include "nim/nim_state.h"
#include "nim/wireless/wireless_run.h"

/* ---- Kernel ---- */

static void card_changed(struct nim *nim, const char *ifname, const struct dp_link *link)
{
	const struct nim_card *have = nim_cards_named(&nim->cards, ifname);
	struct nim_card card;

	if (have && link && have->ifindex == link->ifindex)
		return;
	if (!(have && nim_cards_remove(&nim->cards, ifname)) && !link)
		return;
	if (link && nim_card_read(nim->dp, link, &card))
		nim_cards_put(&nim->cards, &card);
	else if (!have)
		return;
	nim->cards_changed = true;
	nim_changed(nim);
}

static void link_changed(const char *key, const void *was, const void *now, void *arg)
{
	static const struct dp_link none;
	const struct dp_link *link = now ? now : &none;
	struct nim *nim = arg;
	struct nim_iface *iface = nim_facts_find(&nim->facts, key);
	unsigned int unsaid;

	(void)was;
	card_changed(nim, key, now);
	if (!iface)
		return;
	iface->ifindex = link->ifindex;
	iface->mtu_bytes = link->mtu_bytes;
	iface->mac = link->mac;
	if (iface->carrier != link->carrier &&
	    rate_allow(&nim->said_carrier[iface - nim->facts.ifaces], NIM_LOG_LINES, NIM_LOG_MS,
		       mono_now(), &unsaid))
		log_info("port_carrier", "ifname=%s carrier=%d unsaid=%u", key, link->carrier,
			 unsaid);
	iface->up = link->up;
	iface->carrier = link->carrier;
	metering_look(nim->metering);
	nim_changed(nim);
}

/* IPv6: the kernel asks before it uses an address. One that is ours is made anew until it is free:
 * meanwhile the conflict stands. */
static void look_for_conflict(struct nim_iface *iface, const struct nim_port *port,
			      const struct prefix *p, const struct dp_addr *now)
{
	static const struct mac unknown;
	char text[INET6_ADDRSTRLEN];

	if (p->addr.family != AF_INET6)
		return;
	if (now && now->dadfailed) {
		if (nim_iface_set_conflict(iface, &p->addr, &unknown))
			log_warning("address_conflict", "ifname=%s address=%s mac=unknown",
				    iface->ifname.str, ipaddr_str(&p->addr, text));
	} else if (now ? !now->tentative : !nim_port_has_addr(port, p)) {
		if (nim_iface_clear_conflict(iface, &p->addr))
			log_info("address_conflict_over", "ifname=%s address=%s", iface->ifname.str,
				 ipaddr_str(&p->addr, text));
	}
}

static void left_out(struct nim *nim, const struct nim_port *port, const struct ipaddr *addr)
{
	char text[INET6_ADDRSTRLEN];
	unsigned int unsaid;

	nim->addrs_left_out = true;
	if (rate_allow(&nim->said_left_out, NIM_LOG_LINES, NIM_LOG_MS, mono_now(), &unsaid))
		log_warning("address_left_out", "port=%s address=%s unsaid=%u", port->label,
			    ipaddr_str(addr, text), unsaid);
}

static void addr_changed(const char *key, const void *was, const void *now, void *arg)
{
	const struct dp_addr *old = was, *new = now, *addr = now ? now : was;
	const struct nim_port *port;
	struct nim *nim = arg;
	struct nim_iface *iface;
	struct prefix out;

	(void)key;
	assert(addr);
	iface = nim_facts_find(&nim->facts, addr->ifname.str);
	if (!iface || ipaddr_is_linklocal(&addr->prefix.addr))
		return;
	port = &nim->config.ports[iface - nim->facts.ifaces];
	if (old)
		nim_iface_remove_addr(iface, &old->prefix);
	if (!new || new->tentative || new->dadfailed)
		nim->addrs_again |= old && nim->addrs_left_out;
	else if (!nim_iface_sort_addr(iface, port, &new->prefix, &out))
		left_out(nim, port, &out.addr);
	look_for_conflict(iface, port, &addr->prefix, new);
	nim_changed(nim);
}

/* The kernel's own IPv6 default routes tell the routers it heard. */
static void route_changed(const char *key, const void *was, const void *now, void *arg)
{
	const struct dp_route *route = now ? now : was;
	struct nim *nim = arg;
	struct nim_iface *iface;

	(void)key;
	assert(route);
	if (route->dst.addr.family != AF_INET6 || route->dst.len || route->nexthops != 1 ||
	    route->table != RT_TABLE_MAIN || route->nexthop[0].onlink)
		return;
	iface = nim_facts_find(&nim->facts, route->nexthop[0].ifname.str);
	if (!iface)
		return;
	iface->ra_gateway = now ? route->nexthop[0].gateway : (struct ipaddr){ 0 };
	nim_changed(nim);
}

static void addr_have(const char *key, const void *spec, void *arg)
{
	addr_changed(key, NULL, spec, arg);
}

void nim_read_addrs_again(struct nim *nim)
{
	if (!nim->addrs_again)
		return;
	nim->addrs_again = nim->addrs_left_out = false;
	dp_each_have(nim->dp, &dp_addr_type, addr_have, nim);
}

static void route_have(const char *key, const void *spec, void *arg)
{
	route_changed(key, NULL, spec, arg);
}

int nim_watch_kernel(struct nim *nim)
{
	int r;

	r = dp_watch(nim->dp, &dp_link_type, link_changed, nim);
	if (r == 0)
		r = dp_watch(nim->dp, &dp_addr_type, addr_changed, nim);
	if (r == 0)
		r = dp_watch(nim->dp, &dp_route_type, route_changed, nim);
	return r;
}

/* ---- Leases ---- */

static void lease_changed(const struct ifname *ifname, int family, const struct dp_lease *lease,
			  void *arg)
{
	struct nim *nim = arg;
	struct nim_iface *iface = nim_facts_find(&nim->facts, ifname->str);

	if (!iface || !nim_iface_set_lease(iface, family, lease))
		return;
	if (family == AF_INET && iface->lease4.refused[0])
		log_warning("lease_refused", "ifname=%s why=\"%s\"", ifname->str,
			    iface->lease4.refused);
	if (iface->lease4.refused[0])
		lease_again_refused(nim->lease_again);
	nim_changed(nim);
}

int nim_watch_leases(struct nim *nim)
{
	return dp_lease_watch_new(daemon_base(nim->daemon), daemon_run_dir(nim->daemon), "nim",
				  lease_changed, nim, &nim->leases);
}

/* ---- Config ---- */

static const struct nim_port *find_port(const struct nim_config *config, const char *label)
{
	for (unsigned int i = 0; i < config->nports; i++)
		if (strcmp(config->ports[i].label, label) == 0)
			return &config->ports[i];
	return NULL;
}

static bool port_is_configured(const char *label, void *arg)
{
	const struct nim *nim = arg;

	return find_port(&nim->config, label) != NULL;
}

static void nim_give_numbers(struct nim *nim)
{
	numbers_retain(nim->numbers, port_is_configured, nim);
	for (unsigned int i = 0; i < nim->config.nports; i++) {
		struct nim_port *port = &nim->config.ports[i];
		uint32_t number = 0;

		if (!port->error[0] && numbers_get(nim->numbers, port->label, &number) < 0)
			log_error("port_number", "port=%s why=\"all 255 numbers are taken\"",
				  port->label);
		port->number = (uint8_t)number;
	}
	(void)numbers_sync(nim->numbers);
}

static void nim_drop_port(struct nim *nim, const struct nim_port *port)
{
	char scope[sizeof("port/") + NIM_LABEL];

	nim_port_scope(port, scope);
	nim_submit(nim, dp_graph_new(scope));
}

void nim_set_config(struct nim *nim)
{
	_cleanup_(freep) struct nim_config *was = xmemdup(&nim->config, sizeof(nim->config));
	int r;

	nim_config_load_on(&nim->config, nim->in_force, &nim->cards);
	if (nim->candidate)
		nim_beside_merge(&nim->config, nim->candidate);
	nim->config.no_vendor_class = nim->items.switches.no_vendor_class;
	nim->config.download_max_cost = nim->items.switches.download_max_cost;
	nim_give_numbers(nim);
	/* Ports that moved in the order are other ports to the view: start it anew. Nobody is told
	 * before it is complete: it would look as if no port worked. */
	nim->stale = true;
	nim->view = (struct nim_view){ .default4 = -1, .default6 = -1 };
	nim_facts_follow(&nim->facts, &nim->config);
	for (unsigned int i = 0; i < was->nports; i++) {
		const struct nim_port *now = find_port(&nim->config, was->ports[i].label);

		if (!now || !ifname_equal(&now->ifname, &was->ports[i].ifname))
			nim_drop_port(nim, &was->ports[i]);
	}
	for (unsigned int i = 0; i < nim->config.nports; i++) {
		const struct nim_port *port = &nim->config.ports[i];
		const void *link = dp_have(nim->dp, &dp_link_type, port->ifname.str);

		if (link)
			link_changed(port->ifname.str, NULL, link, nim);
		r = dp_carrier_watch(nim->dp, &port->ifname);
		if (r < 0)
			log_warning("carrier_watch", "ifname=%s err=%d", port->ifname.str, -r);
	}
	for (unsigned int i = 0; i < was->nports; i++) /* watches are counted */
		dp_carrier_unwatch(nim->dp, &was->ports[i].ifname);
	wireless_run_follow(nim->wireless);
	metering_look(nim->metering);
	dp_each_have(nim->dp, &dp_addr_type, addr_have, nim);
	dp_each_have(nim->dp, &dp_route_type, route_have, nim);
	dp_lease_watch_repeat(nim->leases); /* interfaces were not configured the first time */
	log_info("config_ports", "ports=%u", nim->config.nports);
	nim->firewall_dirty = true;
	nim_verify_void(nim->verify);
	nim_changed(nim);
}

void nim_follow_cards(struct nim *nim)
{
	bool changed = nim->cards_changed;

	nim->cards_changed = false;
	if (!changed || !nim->in_force ||
	    !(nim_cards_moved(&nim->cards, &nim->config) ||
	      (nim->candidate && nim_cards_moved(&nim->cards, nim->candidate))))
		return;
	log_info("ports_moved", "why=\"cards came, went, or were renamed\"");
	nim_verify_cards(nim->verify);
}

void nim_publish_dpcs(struct nim *nim)
{
	Ew__DevicePortConfigList msg = nim_dpc_message(nim->dpc);
	struct arena arena = { 0 };
	int r;

	nim_verify_tell(nim->verify, &msg);
	msg.lps = lps_run_summary(nim->lps, &arena);
	r = ps_publish_device_port_config_list(nim->dpc_pub, "global", &msg);
	arena_fini(&arena);
	if (r < 0)
		log_error("publish_failed", "topic=DevicePortConfigList err=%d", -r);
	event_active(nim->status_ev, 0, 0);
	nim_fallback_look(nim->fallback);
}

bool nim_set_in_force(struct nim *nim)
{
	const Ew__DpcEntry *entry = nim_dpc_in_force(nim->dpc);

	nim->known = nim->known || (entry && entry->source != EW__DPC_SOURCE__DPC_CONTROLLER);
	if (entry && nim->in_force ? dpc_config_equal(entry->config, nim->in_force)
				   : !entry && !nim->in_force)
		return false;
	log_info("dpc_in_force", "key=\"%s\" file=\"%s\"", entry ? entry->key : "",
		 entry ? entry->file : "");
	if (nim->in_force)
		ew__device_port_config__free_unpacked(nim->in_force, NULL);
	nim->in_force = entry ? dpc_config_copy(entry->config) : NULL;
	nim_set_config(nim);
	return true;
}

void nim_dpc_changed(void *arg)
{
	struct nim *nim = arg;

	nim_verify_list_changed(nim->verify);
}

static void config_changed(const char *key, const Ew__DevicePortConfig *was,
			   const Ew__DevicePortConfig *now, void *arg)
{
	struct nim *nim = arg;

	(void)was;
	if (!now)
		return; /* it asks for no ports by a message without ports; silence is none */
	if (strcmp(key, DPC_BOOTSTRAP_KEY) == 0)
		nim_dpc_bootstrap(nim->dpc, now);
	else if (strcmp(key, NIM_DPC_CONTROLLER) == 0)
		nim_dpc_controller(nim->dpc, now);
	else
		return; /* of a source that is still to come */
	lps_run_controller(nim->lps);
	nim_dpc_changed(nim);
}

static void bootstrap_changed(const char *key, const Ew__BootstrapStatus *was,
			      const Ew__BootstrapStatus *now, void *arg)
{
	struct nim *nim = arg;

	(void)key, (void)was;
	if (!now)
		return;
	nim_dpc_bootstrap_status(nim->dpc, now);
	if (nim->synced & NIM_INPUT_PORTS)
		nim_fallback_expect_none(nim->fallback);
}

static void assigned_changed(const char *key, const Ew__AssignedAdapters *was,
			     const Ew__AssignedAdapters *now, void *arg)
{
	struct nim *nim = arg;

	(void)key, (void)was;
	if (!nim_assigned_set(&nim->cards, nim->assigned, now))
		return;
	log_info("ports_assigned", "adapters=%u", nim->cards.nassigned);
	nim_fallback_look(nim->fallback);
	if (nim->in_force)
		nim_verify_cards(nim->verify);
}

static void items_changed(const char *key, const Ew__GlobalConfig *was, const Ew__GlobalConfig *now,
			  void *arg)
{
	struct nim *nim = arg;

	(void)key, (void)was;
	if (conntest_set_items(nim->conntest, now))
		conn_schedule_changed(nim->conn_schedule);
	if (!nim_items_set(&nim->items, now))
		return;
	nim_verify_items(nim->verify);
	nim_fallback_look(nim->fallback);
	log_info("firewall", "ssh=%s vnc=%s", nim->items.switches.ssh_keys ? "open" : "closed",
		 nim->items.switches.vnc ? "open" : "closed");
	nim->config.no_vendor_class = nim->items.switches.no_vendor_class;
	nim->config.download_max_cost = nim->items.switches.download_max_cost;
	nim->firewall_dirty = true;
	nim_changed(nim);
}

/* Only now is an object nobody wants a leftover. */
static void input_synced(struct nim *nim, enum nim_input input)
{
	nim->synced |= input;
	if (nim->synced != NIM_INPUTS_ALL)
		return;
	nim->known = true;
	nim_apply(nim);
	if (nim->swept)
		return;
	nim->swept = true;
	dp_sweep(nim->dp);
	nim_tell_ready(nim);
}

static void config_synced(void *arg)
{
	struct nim *nim = arg;

	nim_fallback_expect_none(nim->fallback);
	input_synced(nim, NIM_INPUT_PORTS);
}

static void items_synced(void *arg)
{
	struct nim *nim = arg;

	nim->items.known = true;
	input_synced(nim, NIM_INPUT_ITEMS);
}

int nim_subscribe(struct nim *nim)
{
	static const struct ps_device_port_config_ops ops = {
		.changed = config_changed,
		.synced = config_synced,
	};
	static const struct ps_global_config_ops items_ops = {
		.changed = items_changed,
		.synced = items_synced,
	};
	static const struct ps_bootstrap_status_ops bootstrap_ops = {
		.changed = bootstrap_changed,
	};
	static const struct ps_assigned_adapters_ops assigned_ops = {
		.changed = assigned_changed,
	};
	struct ps_sub *sub; /* nim->ps frees it */
	int r = ps_subscribe_assigned_adapters(nim->ps, &assigned_ops, nim, &sub);

	if (r == 0)
		r = ps_subscribe_device_port_config(nim->ps, &ops, nim, &sub);
	if (r == 0)
		r = ps_subscribe_bootstrap_status(nim->ps, &bootstrap_ops, nim, &sub);
	return r < 0 ? r : ps_subscribe_global_config(nim->ps, &items_ops, nim, &sub);
}
