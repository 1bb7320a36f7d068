/* SPDX-License-Identifier: Apache-2.0 */
/* Its life: what nim opens, in which order, and lets go. */
#include "nim/nim.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/control.h"
#include "base/daemon.h"
#include "base/log.h"
#include "base/numbers.h"
#include "dataplane/dp.h"
#include "dataplane/lease.h"
#include "dataplane/report.h"
#include "nim/assigned.h"
#include "nim/bond/bonds.h"
#include "nim/boot/boot.h"
#include "nim/conflict/acd_watch.h"
#include "nim/conn/conn_schedule.h"
#include "nim/dpc/dpc.h"
#include "nim/dpc/dpc_manual.h"
#include "nim/dpc/fallback.h"
#include "nim/dpc/verify.h"
#include "nim/firewall/firewall_show.h"
#include "nim/flows.h"
#include "nim/gateway/heartbeat.h"
#include "nim/lease_again.h"
#include "nim/lps/lps_run.h"
#include "nim/metering/metering.h"
#include "nim/nim_state.h"
#include "nim/ntp/chrony.h"
#include "nim/pnac/pnac_ports.h"
#include "nim/radio/radio_run.h"
#include "nim/stored.h"
#include "nim/upstream/upstream.h"
#include "nim/wireless/wireless_run.h"

static void item_changed(const struct dp_report *report, void *arg)
{
	struct nim *nim = arg;

	dp_report_log(report);
	nim_chrony_look(nim->chrony, nim->dp);
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

static void bonds_changed(void *arg)
{
	struct nim *nim = arg;

	event_active(nim->status_ev, 0, 0);
}

static int nim_open_bonds(struct nim *nim)
{
	return nim_bonds_new(&(struct nim_bonds_conf){ .base = daemon_base(nim->daemon),
						       .dp = nim->dp,
						       .config = &nim->config,
						       .changed = bonds_changed,
						       .arg = nim },
			     &nim->bonds);
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
		r = nim_open_bonds(nim);
	if (r == 0)
		r = nim_watch_kernel(nim);
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
	const struct ps_conf conf = {
		.agent = "nim",
		.run_dir = daemon_run_dir(nim->daemon),
		.state_dir = daemon_state_dir(nim->daemon),
	};
	int r;

	r = ps_connect(daemon_base(nim->daemon), &conf, &nim->ps);
	if (r == 0)
		r = ps_advertise_device_network_status(nim->ps, NULL, &nim->status_pub);
	if (r == 0)
		r = ps_advertise_device_port_config_list(nim->ps, NULL, &nim->dpc_pub);
	if (r == 0)
		r = nim_subscribe(nim);
	return r;
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
						    .last = 255 },
			    &nim->numbers);
}

static void health_changed(void *arg)
{
	struct nim *nim = arg;

	if (nim->known)
		nim_changed(nim);
}

static void apply_again(void *arg)
{
	nim_changed(arg);
}

static int nim_open_boot(struct nim *nim)
{
	return boot_new(&(struct boot_conf){ .base = daemon_base(nim->daemon),
					     .dp = nim->dp,
					     .run_dir = daemon_run_dir(nim->daemon),
					     .config = &nim->config,
					     .facts = &nim->facts,
					     .changed = apply_again,
					     .arg = nim },
			&nim->boot);
}

static int nim_open_pnac(struct nim *nim)
{
	return pnac_ports_new(&(struct pnac_ports_conf){ .base = daemon_base(nim->daemon),
							 .dp = nim->dp,
							 .ps = nim->ps,
							 .run_dir = daemon_run_dir(nim->daemon),
							 .state_dir = daemon_state_dir(nim->daemon),
							 .owner = "nim",
							 .changed = apply_again,
							 .arg = nim },
			      &nim->pnac);
}

static int nim_open_radio(struct nim *nim)
{
	return radio_run_new(
		&(struct radio_run_conf){
			.daemon = nim->daemon, .ps = nim->ps, .changed = apply_again, .arg = nim },
		&nim->radio);
}

static void modems_moved(void *arg)
{
	struct nim *nim = arg;

	nim->cards_changed = true;
	nim_changed(nim);
}

static int nim_open_wireless(struct nim *nim)
{
	return wireless_run_new(&(struct wireless_run_conf){ .daemon = nim->daemon,
							     .ps = nim->ps,
							     .config = &nim->config,
							     .facts = &nim->facts,
							     .cards = &nim->cards,
							     .cards_changed = modems_moved,
							     .changed = apply_again,
							     .arg = nim },
				&nim->wireless);
}

static void traffic_one_way(const char *label, void *arg)
{
	const struct nim *nim = arg;

	if (nim->heartbeat)
		heartbeat_doubt(nim->heartbeat, label);
	if (nim->upstream)
		upstream_doubt(nim->upstream, label, "traffic goes out, none comes in, no answer");
}

static int nim_open_metering(struct nim *nim)
{
	int r = metering_new(&(struct metering_conf){ .base = daemon_base(nim->daemon),
						      .dp = nim->dp,
						      .ps = nim->ps,
						      .config = &nim->config,
						      .facts = &nim->facts,
						      .state_dir = daemon_state_dir(nim->daemon),
						      .changed = health_changed,
						      .one_way = traffic_one_way,
						      .arg = nim },
			     &nim->metering);

	if (r == 0)
		metering_control(nim->metering, daemon_control(nim->daemon));
	return r;
}

static void facts_changed(void *arg)
{
	nim_changed(arg);
}

static void test_told(void *arg)
{
	const struct nim *nim = arg;

	if (nim->upstream)
		upstream_tested(nim->upstream);
	event_active(nim->status_ev, 0, 0);
}

static bool is_busy(void *arg)
{
	const struct nim *nim = arg;

	return nim->stale || !dp_idle(nim->dp);
}

static int nim_open_conntest(struct nim *nim, const char *dir)
{
	const char *config_dir = dir ? dir : NIM_CONFIG_DIR;
	int r = conntest_new(&(struct conntest_conf){ .base = daemon_base(nim->daemon),
						      .config_dir = config_dir,
						      .config = &nim->config,
						      .changed = test_told,
						      .arg = nim },
			     &nim->conntest);

	if (r == 0)
		r = conn_schedule_new(
			&(struct conn_schedule_conf){ .base = daemon_base(nim->daemon),
						      .conntest = nim->conntest,
						      .config_dir = config_dir,
						      .ports = { .config = &nim->config,
								 .facts = &nim->facts,
								 .view = &nim->view },
						      .busy = is_busy,
						      .arg = nim,
						      .also = &nim_verify_rounds,
						      .also_arg = nim },
			&nim->conn_schedule);
	if (r == 0)
		conn_schedule_control(nim->conn_schedule, daemon_control(nim->daemon));
	return r;
}

static int nim_open_heartbeat(struct nim *nim)
{
	return heartbeat_new(&(struct heartbeat_conf){ .base = daemon_base(nim->daemon),
						       .config = &nim->config,
						       .items = &nim->items.heartbeat,
						       .run_dir = daemon_run_dir(nim->daemon),
						       .changed = health_changed,
						       .arg = nim },
			     &nim->heartbeat);
}

static int nim_open_upstream(struct nim *nim)
{
	return upstream_new(&(struct upstream_conf){ .base = daemon_base(nim->daemon),
						     .ps = nim->ps,
						     .config = &nim->config,
						     .items = &nim->items.upstream,
						     .hold_ms = &nim->items.heartbeat.hold_ms,
						     .conntest = nim->conntest,
						     .run_dir = daemon_run_dir(nim->daemon),
						     .changed = health_changed,
						     .arg = nim },
			    &nim->upstream);
}

/* Ports come up from what is stored: the controller's word may take its time. */
static int nim_open_dpc(struct nim *nim, const struct nim_options *options)
{
	const char *dir = options->dpc_dir;
	int r = nim_dpc_open(&(struct nim_dpc_conf){ .base = daemon_base(nim->daemon),
						     .dir = dir ? dir : NIM_DPC_DIR,
						     .config_dir = options->config_dir
									   ? options->config_dir
									   : NIM_CONFIG_DIR,
						     .run_dir = daemon_run_dir(nim->daemon),
						     .state_dir = daemon_state_dir(nim->daemon),
						     .changed = nim_dpc_changed,
						     .arg = nim },
			     &nim->dpc);

	if (r < 0)
		return r;
	nim_dpc_manual(nim->dpc, daemon_control(nim->daemon));
	r = lps_run_new(&(struct lps_run_conf){ .daemon = nim->daemon,
						.ps = nim->ps,
						.dpc = nim->dpc,
						.changed = nim_dpc_changed,
						.arg = nim },
			&nim->lps);
	if (r < 0)
		return r;
	nim->known = nim_dpc_in_force(nim->dpc) != NULL;
	r = nim_verify_open(nim);
	if (r < 0)
		return r;
	return nim_fallback_new(&(struct nim_fallback_conf){ .base = daemon_base(nim->daemon),
							     .dp = nim->dp,
							     .dpc = nim->dpc,
							     .items = &nim->items,
							     .cards = &nim->cards,
							     .after = options->last_resort_after },
				&nim->fallback);
}

int nim_new(struct daemon *d, const struct nim_options *options, struct nim **ret)
{
	struct nim *nim = xcalloc(1, sizeof(*nim));
	int r;

	nim->daemon = d;
	nim->lease_again = lease_again_new(nim);
	r = nim_open_apply(nim);
	if (r == 0)
		r = nim_open_numbers(nim);
	if (r == 0)
		r = nim_watch_leases(nim);
	if (r == 0)
		r = nim_forwarder_open(&nim->forwarder, d, options->resolv_conf);
	if (r == 0)
		r = nim_open_dp(nim);
	if (r == 0)
		r = nim_open_boot(nim);
	if (r == 0)
		r = nim_open_bus(nim);
	if (r == 0)
		r = nim_open_metering(nim);
	if (r == 0)
		r = nim_chrony_new(d, options->chrony_sources, facts_changed, nim, &nim->chrony);
	if (r == 0)
		r = acd_watch_new(daemon_base(d), facts_changed, nim, &nim->acd);
	if (r == 0)
		r = nim_open_pnac(nim);
	if (r == 0)
		r = nim_open_radio(nim);
	if (r == 0)
		r = nim_open_wireless(nim);
	if (r == 0)
		r = nim_open_conntest(nim, options->config_dir);
	if (r == 0)
		r = nim_items_open(&nim->items, d);
	if (r == 0)
		r = nim_open_heartbeat(nim);
	if (r == 0)
		r = nim_open_upstream(nim);
	if (r == 0)
		r = nim_assigned_open(&nim->cards, d, &nim->assigned);
	if (r == 0)
		r = nim_open_dpc(nim, options);
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
	nim_verify_free(nim->verify);
	conn_schedule_free(nim->conn_schedule);
	conntest_free(nim->conntest);
	metering_free(nim->metering);
	acd_watch_free(nim->acd);
	lease_again_free(nim->lease_again);
	pnac_ports_free(nim->pnac);
	radio_run_free(nim->radio);
	wireless_run_free(nim->wireless);
	nim->chrony = nim_chrony_free(nim->chrony);
	nim_bonds_free(nim->bonds);
	boot_free(nim->boot);
	heartbeat_free(nim->heartbeat);
	upstream_free(nim->upstream);
	nim_cards_fini(&nim->cards);
	stored_free(nim->assigned);
	ps_free(nim->ps);
	dp_free(nim->dp);
	dp_lease_watch_free(nim->leases);
	numbers_free(nim->numbers);
	nim_items_fini(&nim->items);
	nim_forwarder_fini(&nim->forwarder);
	nim_fallback_free(nim->fallback);
	lps_run_free(nim->lps);
	nim_dpc_free(nim->dpc);
	if (nim->in_force)
		ew__device_port_config__free_unpacked(nim->in_force, NULL);
	nim_flows_free(nim->flows);
	if (nim->apply_ev)
		event_free(nim->apply_ev);
	if (nim->status_ev)
		event_free(nim->status_ev);
	free(nim);
	return NULL;
}
