/* SPDX-License-Identifier: Apache-2.0 */
/* Three inputs (config, kernel, leases), two pure functions, two outputs (graphs, status). */
#include "nim/nim.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <linux/rtnetlink.h>
#include <stdio.h>

#include "api/topics.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/control.h"
#include "base/daemon.h"
#include "base/log.h"
#include "base/numbers.h"
#include "dataplane/dp.h"
#include "dataplane/items/inet.h"
#include "dataplane/lease.h"
#include "dataplane/nl/carrier.h"
#include "dataplane/report.h"
#include "nim/dpc.h"
#include "nim/firewall.h"
#include "nim/firewall_show.h"
#include "nim/forwarder.h"
#include "nim/intent.h"
#include "nim/items.h"
#include "nim/metering.h"
#include "nim/status.h"

enum nim_input {
	NIM_INPUT_PORTS = 1 << 0,
	NIM_INPUT_ITEMS = 1 << 1,
	NIM_INPUTS_ALL = (1 << 2) - 1,
};

struct nim {
	struct daemon *daemon;
	struct dp *dp;
	struct ps *ps;
	struct ps_pub *status_pub, *dpc_pub;
	struct nim_dpc *dpc;
	Ew__DevicePortConfig *in_force; /* of the list; NULL: none */
	struct dp_lease_watch *leases;
	struct numbers *numbers;
	struct metering *metering;
	struct event *apply_ev; /* inputs changed: apply once at the end of this turn */
	struct event *status_ev; /* only the engine's reports changed */
	bool known; /* the configuration, be it empty: before that there is nothing to tell */
	bool told; /* that it is */
	bool stale; /* config and view do not belong together yet: an apply is under way */
	bool swept;
	unsigned int synced; /* enum nim_input bits */
	bool firewall_dirty;
	struct nim_items items;
	struct nim_config config;
	struct nim_facts facts;
	struct nim_view view;
	struct nim_forwarder forwarder;
};

static void nim_publish(struct nim *nim)
{
	struct arena arena = { 0 };
	struct dp_report report;
	Ew__DeviceNetworkStatus *status;
	int r;

	if (!nim->known)
		return;
	for (unsigned int i = 0; i < nim->config.nports; i++) {
		struct nim_iface *iface = &nim->facts.ifaces[i];
		char scope[sizeof("port/") + NIM_LABEL];

		nim_port_scope(&nim->config.ports[i], scope);
		iface->problem[0] = '\0';
		if (dp_scope_problem(nim->dp, scope, &report))
			dp_report_str(&report, iface->problem, sizeof(iface->problem));
	}
	nim->facts.firewall_problem[0] = '\0';
	if (dp_scope_problem(nim->dp, NIM_FIREWALL, &report))
		dp_report_str(&report, nim->facts.firewall_problem,
			      sizeof(nim->facts.firewall_problem));
	nim_forwarder_look(&nim->forwarder, nim->dp, &nim->config);
	status = nim_status(&nim->config, &nim->facts, &nim->view, &arena);
	status->dns = nim_dns_status(&nim->forwarder.conf, &nim->config, &nim->facts, &nim->view,
				     nim->forwarder.problem, &arena);
	nim_dpc_status(nim->dpc, status);
	r = ps_publish_device_network_status(nim->status_pub, "global", status);
	if (r < 0)
		log_error("publish_failed", "topic=DeviceNetworkStatus err=%d", -r);
	arena_fini(&arena);
}

static const char *port_name(const struct nim *nim, int port)
{
	return port < 0 ? "none" : nim->config.ports[port].label;
}

/* The one place where the view changes: it logs what an operator asks for first. */
static void nim_set_view(struct nim *nim, const struct nim_view *view)
{
	for (unsigned int i = 0; i < nim->config.nports; i++) {
		const struct nim_port_view *was = &nim->view.ports[i], *now = &view->ports[i];

		if (was->usable4 != now->usable4 || was->usable6 != now->usable6)
			log_info("port_usable", "port=%s ipv4=%d ipv6=%d carrier=%d",
				 nim->config.ports[i].label, now->usable4, now->usable6,
				 nim->facts.ifaces[i].carrier);
	}
	if (nim->view.default4 != view->default4)
		log_info("default_port", "family=4 port=%s", port_name(nim, view->default4));
	if (nim->view.default6 != view->default6)
		log_info("default_port", "family=6 port=%s", port_name(nim, view->default6));
	nim->view = *view;
}

static void nim_submit(struct nim *nim, struct dp_graph *g)
{
	int r = dp_submit(nim->dp, g);

	if (r < 0)
		log_error("submit_failed", "err=%d", -r);
}

static bool firewall_stands(const struct nim *nim)
{
	char key[NIM_FIREWALL_KEY];

	nim_firewall_key(key);
	return dp_have(nim->dp, &dp_nft_table_type, key) != NULL;
}

/* A restart must not shut what was open: without items, not even stored ones, what stands stays.
 * Where nothing stands ports come up behind closed doors. */
static void nim_apply_firewall(struct nim *nim)
{
	if (!nim->firewall_dirty || (!nim->items.known && firewall_stands(nim)))
		return;
	nim->firewall_dirty = false;
	nim_submit(nim, nim_intent_firewall(&nim->config, &nim->items.switches));
}

static void nim_apply(struct nim *nim)
{
	struct nim_view view;

	metering_tell(nim->metering, &nim->facts);
	nim_view(&nim->config, &nim->facts, &view);
	nim_set_view(nim, &view);
	nim->stale = false;
	nim_apply_firewall(nim);
	for (unsigned int i = 0; i < nim->config.nports; i++)
		nim_submit(nim, nim_intent_port(&nim->config, &nim->facts, &nim->view, i));
	nim_submit(nim, nim_intent_node(&nim->config, &nim->view));
	nim_publish(nim); /* first: others follow while we are in the kernel */
	nim_forwarder_apply(&nim->forwarder, nim->dp, &nim->config, &nim->facts, &nim->view);
	dp_run(nim->dp);
}

static void nim_tell_ready(struct nim *nim)
{
	if (nim->told)
		return;
	nim->told = true;
	ps_publish_synced(nim->status_pub);
	ps_publish_synced(nim->dpc_pub);
	daemon_ready(nim->daemon, "ports configured");
}

static void on_apply(evutil_socket_t fd, short what, void *arg)
{
	struct nim *nim = arg;

	(void)fd, (void)what;
	nim_apply(nim);
	if (nim->known)
		nim_tell_ready(nim);
}

static void on_status(evutil_socket_t fd, short what, void *arg)
{
	const struct nim *nim = arg;

	(void)fd, (void)what;
	if (!nim->stale)
		nim_publish(arg);
}

static void nim_changed(struct nim *nim)
{
	event_active(nim->apply_ev, 0, 0);
}

/* ---- Kernel ---- */

static void link_changed(const char *key, const void *was, const void *now, void *arg)
{
	static const struct dp_link none;
	const struct dp_link *link = now ? now : &none;
	struct nim *nim = arg;
	struct nim_iface *iface = nim_facts_find(&nim->facts, key);

	(void)was;
	if (!iface)
		return;
	iface->ifindex = link->ifindex;
	iface->mtu_bytes = link->mtu_bytes;
	iface->mac = link->mac;
	if (iface->carrier != link->carrier)
		log_info("port_carrier", "ifname=%s carrier=%d", key, link->carrier);
	iface->up = link->up;
	iface->carrier = link->carrier;
	metering_look(nim->metering);
	nim_changed(nim);
}

static void addr_changed(const char *key, const void *was, const void *now, void *arg)
{
	const struct dp_addr *old = was, *new = now, *addr = now ? now : was;
	struct nim *nim = arg;
	struct nim_iface *iface;

	(void)key;
	assert(addr);
	iface = nim_facts_find(&nim->facts, addr->ifname.str);
	if (!iface || ipaddr_is_linklocal(&addr->prefix.addr))
		return;
	if (old)
		nim_iface_remove_addr(iface, &old->prefix);
	if (new && !new->tentative && !new->dadfailed)
		nim_iface_add_addr(iface, &new->prefix);
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

static void route_have(const char *key, const void *spec, void *arg)
{
	route_changed(key, NULL, spec, arg);
}

/* ---- Leases ---- */

static void lease_changed(const struct ifname *ifname, int family, const struct dp_lease *lease,
			  void *arg)
{
	struct nim *nim = arg;
	struct nim_iface *iface = nim_facts_find(&nim->facts, ifname->str);

	if (iface && nim_iface_set_lease(iface, family, lease))
		nim_changed(nim);
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
	int r;

	numbers_retain(nim->numbers, port_is_configured, nim);
	for (unsigned int i = 0; i < nim->config.nports; i++) {
		struct nim_port *port = &nim->config.ports[i];
		uint32_t number = 0;

		if (!port->error[0] && numbers_get(nim->numbers, port->label, &number) < 0)
			log_error("port_number", "port=%s why=\"all 255 numbers are taken\"",
				  port->label);
		port->number = (uint8_t)number;
	}
	r = numbers_sync(nim->numbers);
	if (r < 0)
		log_error("port_number", "err=%d why=\"numbers not saved\"", -r);
}

static void nim_drop_port(struct nim *nim, const struct nim_port *port)
{
	char scope[sizeof("port/") + NIM_LABEL];

	nim_port_scope(port, scope);
	nim_submit(nim, dp_graph_new(scope));
}

static void nim_set_config(struct nim *nim, const Ew__DevicePortConfig *msg)
{
	_cleanup_(freep) struct nim_config *was = xmemdup(&nim->config, sizeof(nim->config));
	int r;

	nim_config_load(&nim->config, msg);
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
	metering_look(nim->metering);
	dp_each_have(nim->dp, &dp_addr_type, addr_have, nim);
	dp_each_have(nim->dp, &dp_route_type, route_have, nim);
	dp_lease_watch_repeat(nim->leases); /* interfaces were not configured the first time */
	log_info("config_ports", "ports=%u", nim->config.nports);
	nim->firewall_dirty = true;
	nim_changed(nim);
}

static void config_free(Ew__DevicePortConfig *config)
{
	if (config)
		ew__device_port_config__free_unpacked(config, NULL);
}

static void dpc_changed(void *arg)
{
	struct nim *nim = arg;
	const Ew__DpcEntry *entry = nim_dpc_in_force(nim->dpc);
	Ew__DevicePortConfigList msg = nim_dpc_message(nim->dpc);
	int r = ps_publish_device_port_config_list(nim->dpc_pub, "global", &msg);

	if (r < 0)
		log_error("publish_failed", "topic=DevicePortConfigList err=%d", -r);
	event_active(nim->status_ev, 0, 0);
	if (entry && nim->in_force ? dpc_config_equal(entry->config, nim->in_force)
				   : !entry && !nim->in_force)
		return;
	log_info("dpc_in_force", "key=\"%s\" file=\"%s\"", entry ? entry->key : "",
		 entry ? entry->file : "");
	config_free(nim->in_force);
	nim->in_force = entry ? dpc_config_copy(entry->config) : NULL;
	nim_set_config(nim, nim->in_force);
}

static void config_changed(const char *key, const Ew__DevicePortConfig *was,
			   const Ew__DevicePortConfig *now, void *arg)
{
	struct nim *nim = arg;

	(void)key, (void)was;
	if (!now)
		return; /* it asks for no ports by a message without ports; silence is none */
	nim_dpc_controller(nim->dpc, now);
	dpc_changed(nim);
}

static void items_changed(const char *key, const Ew__GlobalConfig *was, const Ew__GlobalConfig *now,
			  void *arg)
{
	struct nim *nim = arg;

	(void)key, (void)was;
	if (!nim_items_set(&nim->items, now))
		return;
	log_info("firewall", "ssh=%s vnc=%s", nim->items.switches.ssh_keys ? "open" : "closed",
		 nim->items.switches.vnc ? "open" : "closed");
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
	input_synced(arg, NIM_INPUT_PORTS);
}

static void items_synced(void *arg)
{
	struct nim *nim = arg;

	nim->items.known = true;
	input_synced(nim, NIM_INPUT_ITEMS);
}

/* ---- Life ---- */

static void item_changed(const struct dp_report *report, void *arg)
{
	struct nim *nim = arg;

	dp_report_log(report);
	event_active(nim->status_ev, 0, 0);
}

static int control_firewall(const char *args, FILE *out, void *arg)
{
	const struct nim *nim = arg;
	bool json = strcmp(args, "json") == 0;

	if (*args && !json)
		return -EINVAL;
	return nim_firewall_show(nim->dp, &nim->items.switches, json, out);
}

static int nim_open_dp(struct nim *nim)
{
	const struct dp_conf conf = {
		.owner = "nim",
		.run_dir = daemon_run_dir(nim->daemon),
		.netns_fd = -1,
		.changed = item_changed,
		.arg = nim,
	};
	int r;

	r = dp_new(daemon_base(nim->daemon), &conf, &nim->dp);
	if (r == 0)
		r = dp_watch(nim->dp, &dp_link_type, link_changed, nim);
	if (r == 0)
		r = dp_watch(nim->dp, &dp_addr_type, addr_changed, nim);
	if (r == 0)
		r = dp_watch(nim->dp, &dp_route_type, route_changed, nim);
	if (r == 0)
		r = dp_adopt(nim->dp);
	if (r == 0)
		dp_control(nim->dp, daemon_control(nim->daemon));
	if (r == 0)
		control_add(daemon_control(nim->daemon), "firewall",
			    "[json]: what each rule has let in or kept out", control_firewall, nim);
	return r;
}

static int nim_open_bus(struct nim *nim)
{
	static const struct ps_device_port_config_ops ops = {
		.changed = config_changed,
		.synced = config_synced,
	};
	static const struct ps_global_config_ops items_ops = {
		.changed = items_changed,
		.synced = items_synced,
	};
	const struct ps_conf conf = {
		.agent = "nim",
		.run_dir = daemon_run_dir(nim->daemon),
		.state_dir = daemon_state_dir(nim->daemon),
	};
	struct ps_sub *sub; /* nim->ps frees it */
	int r;

	r = ps_connect(daemon_base(nim->daemon), &conf, &nim->ps);
	if (r == 0)
		r = ps_advertise_device_network_status(nim->ps, NULL, &nim->status_pub);
	if (r == 0)
		r = ps_advertise_device_port_config_list(nim->ps, NULL, &nim->dpc_pub);
	if (r == 0)
		r = ps_subscribe_device_port_config(nim->ps, &ops, nim, &sub);
	if (r == 0)
		r = ps_subscribe_global_config(nim->ps, &items_ops, nim, &sub);
	return r;
}

static void numbers_not_kept(int err, void *arg)
{
	(void)arg;
	log_error("port_number", "err=%d why=\"numbers not saved for a reboot\"", -err);
}

static int nim_open_numbers(struct nim *nim)
{
	_cleanup_(freep) char *run = xasprintf("%s/nim/port-numbers", daemon_run_dir(nim->daemon));
	_cleanup_(freep) char *state =
		xasprintf("%s/nim/port-numbers", daemon_state_dir(nim->daemon));

	return numbers_open(&(struct numbers_conf){ .base = daemon_base(nim->daemon),
						    .run_path = run,
						    .state_path = state,
						    .first = 1,
						    .last = 255,
						    .failed = numbers_not_kept },
			    &nim->numbers);
}

static void quota_changed(void *arg)
{
	struct nim *nim = arg;

	if (nim->known)
		nim_changed(nim);
}

static int nim_open_metering(struct nim *nim)
{
	int r = metering_new(&(struct metering_conf){ .base = daemon_base(nim->daemon),
						      .dp = nim->dp,
						      .ps = nim->ps,
						      .config = &nim->config,
						      .facts = &nim->facts,
						      .state_dir = daemon_state_dir(nim->daemon),
						      .changed = quota_changed,
						      .arg = nim },
			     &nim->metering);

	if (r == 0)
		metering_control(nim->metering, daemon_control(nim->daemon));
	return r;
}

/* Ports come up from what is stored: the controller's word may take its time. */
static int nim_open_dpc(struct nim *nim, const char *dir)
{
	int r = nim_dpc_open(&(struct nim_dpc_conf){ .base = daemon_base(nim->daemon),
						     .dir = dir ? dir : NIM_DPC_DIR,
						     .run_dir = daemon_run_dir(nim->daemon),
						     .state_dir = daemon_state_dir(nim->daemon),
						     .changed = dpc_changed,
						     .arg = nim },
			     &nim->dpc);

	if (r < 0)
		return r;
	nim->known = nim_dpc_in_force(nim->dpc) != NULL;
	dpc_changed(nim);
	return 0;
}

int nim_new(struct daemon *d, const struct nim_options *options, struct nim **ret)
{
	struct nim *nim = xcalloc(1, sizeof(*nim));
	int r;

	nim->daemon = d;
	nim->view = (struct nim_view){ .default4 = -1, .default6 = -1 };
	nim->apply_ev = event_new(daemon_base(d), -1, 0, on_apply, nim);
	nim->status_ev = event_new(daemon_base(d), -1, 0, on_status, nim);
	r = nim->apply_ev && nim->status_ev ? 0 : -ENOMEM;
	if (r == 0)
		r = nim_open_numbers(nim);
	if (r == 0)
		r = dp_lease_watch_new(daemon_base(d), daemon_run_dir(d), "nim", lease_changed, nim,
				       &nim->leases);
	if (r == 0)
		r = nim_forwarder_open(&nim->forwarder, d, options->resolv_conf);
	if (r == 0)
		r = nim_open_dp(nim);
	if (r == 0)
		r = nim_open_bus(nim);
	if (r == 0)
		r = nim_open_metering(nim);
	if (r == 0)
		r = nim_items_open(&nim->items, d);
	if (r == 0)
		r = nim_open_dpc(nim, options->dpc_dir);
	if (r < 0) {
		log_error("start_failed", "err=%d", -r);
		nim_free(nim);
		return r;
	}
	*ret = nim;
	return 0;
}

struct nim *nim_free(struct nim *nim)
{
	if (!nim)
		return NULL;
	metering_free(nim->metering);
	ps_free(nim->ps);
	dp_free(nim->dp);
	dp_lease_watch_free(nim->leases);
	numbers_free(nim->numbers);
	nim_items_fini(&nim->items);
	nim_forwarder_fini(&nim->forwarder);
	nim_dpc_free(nim->dpc);
	config_free(nim->in_force);
	if (nim->apply_ev)
		event_free(nim->apply_ev);
	if (nim->status_ev)
		event_free(nim->status_ev);
	free(nim);
	return NULL;
}
