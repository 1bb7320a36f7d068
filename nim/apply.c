/* SPDX-License-Identifier: Apache-2.0 */
/* From config and facts to the view, and from these to graphs and status. */
#include <errno.h>
#include <event2/event.h>

#include "base/arena.h"
#include "base/daemon.h"
#include "base/log.h"
#include "dataplane/dp.h"
#include "dataplane/items/nft.h"
#include "dataplane/report.h"
#include "nim/bond/bonds.h"
#include "nim/boot/boot.h"
#include "nim/conflict/acd_watch.h"
#include "nim/conn/conn_schedule.h"
#include "nim/dpc/dpc.h"
#include "nim/dpc/verify.h"
#include "nim/firewall/firewall.h"
#include "nim/flows.h"
#include "nim/gateway/heartbeat.h"
#include "nim/led.h"
#include "nim/lps/lps_run.h"
#include "nim/metering/metering.h"
#include "nim/nim_state.h"
#include "nim/ntp/chrony.h"
#include "nim/pnac/pnac_ports.h"
#include "nim/radio/radio_run.h"
#include "nim/status.h"
#include "nim/upstream/upstream.h"
#include "nim/wireless/wireless_run.h"
#include "nim/wireless/wireless_told.h"

/* What the engine reports of our scopes. */
static void nim_look(struct nim *nim)
{
	struct dp_report report;

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
	pnac_ports_tell(nim->pnac, &nim->config, &nim->facts);
	nim_forwarder_look(&nim->forwarder, nim->dp, &nim->config);
}

static void nim_publish(struct nim *nim)
{
	struct arena arena = { 0 };
	Ew__DeviceNetworkStatus *status;
	int r;

	if (!nim->known)
		return;
	nim_look(nim);
	status = nim_status(&nim->config, &nim->facts, &nim->view, &arena);
	status->dns = nim_dns_status(&nim->forwarder.conf, &nim->config, &nim->facts, &nim->view,
				     nim->forwarder.problem, &arena);
	status->ntp = nim_chrony_status(nim->chrony, nim->dp, &nim->config, &nim->facts, &arena);
	nim_dpc_status(nim->dpc, status);
	status->lps = lps_run_status(nim->lps, status, &arena);
	nim_bonds_status(nim->bonds, &nim->config, status, &arena);
	nim_cards_status(&nim->cards, &nim->config, status, &arena);
	conntest_status(nim->conntest, status, &arena);
	status->radio = radio_run_status(nim->radio, &arena);
	status->led = nim_led(status);
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
		unsigned int unsaid;

		if (was->behind4 != now->behind4 || was->behind6 != now->behind6)
			conn_schedule_changed(nim->conn_schedule);
		if (was->usable4 == now->usable4 && was->usable6 == now->usable6)
			continue;
		if (rate_allow(&nim->said_usable[i], NIM_LOG_LINES, NIM_LOG_MS, mono_now(),
			       &unsaid))
			log_info("port_usable", "port=%s ipv4=%d ipv6=%d carrier=%d unsaid=%u",
				 nim->config.ports[i].label, now->usable4, now->usable6,
				 nim->facts.ifaces[i].carrier, unsaid);
		conn_schedule_changed(nim->conn_schedule);
	}
	if (nim->view.default4 != view->default4)
		log_info("default_port", "family=4 port=%s", port_name(nim, view->default4));
	if (nim->view.default6 != view->default6)
		log_info("default_port", "family=6 port=%s", port_name(nim, view->default6));
	nim->view = *view;
}

void nim_submit(struct nim *nim, struct dp_graph *g)
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

/* Layer by layer, from below: the kernel takes no greater MTU above than there is below. */
static void apply_ports(struct nim *nim, enum nim_lower kind)
{
	for (unsigned int i = 0; i < nim->config.nports; i++)
		if (nim->config.ports[i].lower == kind)
			nim_submit(nim, nim_intent_port(&nim->config, &nim->facts, &nim->view, i));
}

static void nim_tell_radios(struct nim *nim)
{
	const Ew__DpcEntry *entry = nim_dpc_in_force(nim->dpc);
	struct nim_told_by by = { .dpc_key = entry ? entry->key : "",
				  .dpc_time_ms = entry ? entry->time_priority_ms : 0 };

	if (!nim->known)
		return;
	by.radio_silence = radio_run_requested(nim->radio, &by.radio_requested_ms);
	wireless_run_apply(nim->wireless, &nim->view, &by);
}

void nim_apply(struct nim *nim)
{
	struct nim_view view;

	nim_follow_cards(nim);
	nim_read_addrs_again(nim);
	metering_tell(nim->metering, &nim->facts);
	boot_tell(nim->boot, &nim->facts);
	wireless_run_tell(nim->wireless);
	acd_watch_apply(nim->acd, &nim->config, &nim->facts);
	if (nim->known)
		radio_run_apply(nim->radio, &nim->config, &nim->facts,
				nim->items.switches.radio_timeout_s);
	heartbeat_tell(nim->heartbeat, &nim->facts);
	upstream_tell(nim->upstream, &nim->facts);
	nim_view(&nim->config, &nim->facts, &view);
	nim_set_view(nim, &view);
	nim->stale = false;
	nim_tell_radios(nim);
	nim_apply_firewall(nim);
	apply_ports(nim, NIM_LOWER_NONE);
	apply_ports(nim, NIM_LOWER_BOND);
	apply_ports(nim, NIM_LOWER_VLAN);
	nim_submit(nim, nim_intent_node(&nim->config, &nim->view));
	nim_verify_apply(nim);
	pnac_ports_apply(nim->pnac, &nim->config, &nim->facts, nim->items.switches.pnac_retries);
	nim_publish(nim); /* first: others follow while we are in the kernel */
	nim_forwarder_apply(&nim->forwarder, nim->dp, &nim->config, &nim->facts, &nim->view);
	nim_chrony_apply(nim->chrony, nim->dp, &nim->config, &nim->facts);
	dp_run(nim->dp);
	nim_flows_follow(nim->flows, &nim->view);
	if (nim->known) { /* before that there are no ports to have been taken over */
		heartbeat_keep(nim->heartbeat);
		upstream_keep(nim->upstream);
	}
	nim_chrony_look(nim->chrony, nim->dp);
	boot_look(nim->boot);
	nim_verify_look(nim->verify);
}

void nim_tell_ready(struct nim *nim)
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
	if (!nim->stale) {
		nim_publish(arg);
		boot_look(nim->boot);
	}
	nim_verify_look(nim->verify);
}

void nim_changed(struct nim *nim)
{
	event_active(nim->apply_ev, 0, 0);
}

static void flows_drained(void *arg)
{
	nim_changed(arg);
}

int nim_open_apply(struct nim *nim)
{
	nim->view = (struct nim_view){ .default4 = -1, .default6 = -1 };
	nim->apply_ev = event_new(daemon_base(nim->daemon), -1, 0, on_apply, nim);
	nim->status_ev = event_new(daemon_base(nim->daemon), -1, 0, on_status, nim);
	if (!nim->apply_ev || !nim->status_ev)
		return -ENOMEM;
	return nim_flows_new(&(struct nim_flows_conf){ .base = daemon_base(nim->daemon),
						       .config = &nim->config,
						       .facts = &nim->facts,
						       .drained = flows_drained,
						       .arg = nim },
			     &nim->flows);
}
