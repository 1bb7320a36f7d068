/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/wireless/wireless_run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "api/topics.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/daemon.h"
#include "base/file.h"
#include "base/log.h"
#include "base/pbjson.h"
#include "base/rate.h"
#include "base/strbuf.h"
#include "dataplane/lease.h"
#include "nim/cards.h"
#include "nim/nim_state.h"
#include "nim/wireless/wireless.h"
#include "nim/wireless/wireless_told.h"

#define SAID_MAX (64u << 10) /* packed bytes: it goes on in the status of all ports */
#define SEED_MAX 16 /* bytes of its file */
#define KEPT_MAX (2u << 20) /* bytes of the file: the same in words */

struct wireless_port {
	struct nim_air air;
	struct rate said; /* log lines */
};

struct wireless_run {
	struct wireless_run_conf conf;
	struct ps_pub *wwan_pub, *wlan_pub;
	struct arena told_mem; /* of what is told */
	struct nim_wwan wwan;
	struct nim_wlan wlan;
	Ew__WwanStatus *wwan_said; /* owned, the same as in the two above */
	Ew__WlanStatus *wlan_said;
	struct rate refused; /* log lines */
	bool any; /* the configuration has a wireless port */
	bool synced; /* the daemons have heard that nothing is missing */
	bool dirty; /* the configuration is another than what is told */
	char *kept; /* path of what is left to the next run */
	uint32_t seed; /* nim_told_by.seed, the same in all runs of a boot; 0: none yet */
	/* In the order of the configuration, NIM_PORTS; NULL: there never was a wireless one. */
	struct wireless_port *ports;
};

static ProtobufCMessage *copy_of(const ProtobufCMessage *msg)
{
	size_t len = protobuf_c_message_get_packed_size(msg);
	_cleanup_(freep) uint8_t *bytes = xcalloc(1, len + 1);

	protobuf_c_message_pack(msg, bytes);
	return protobuf_c_message_unpack(msg->descriptor, NULL, len, bytes);
}

/* What was said before counts on. */
static bool is_too_long(struct wireless_run *run, const ProtobufCMessage *msg, const char *daemon)
{
	size_t len = protobuf_c_message_get_packed_size(msg);
	unsigned int unsaid;

	if (len <= SAID_MAX)
		return false;
	if (rate_allow(&run->refused, NIM_LOG_LINES, NIM_LOG_MS, mono_now(), &unsaid))
		log_error("radio_status_refused", "daemon=%s bytes=%zu unsaid=%u", daemon, len,
			  unsaid);
	return true;
}

static void free_message(ProtobufCMessage *msg)
{
	if (msg)
		protobuf_c_message_free_unpacked(msg, NULL);
}

/* ---- From run to run ---- */

/* In place before it is acted on: who comes back after a kill finds the addresses that are there. */
static void keep(const struct wireless_run *run)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;
	int r;

	pbjson_format(&run->wwan_said->base, PBJSON_PRETTY, &text);
	r = file_replace_volatile(run->kept, strbuf_str(&text), text.len, 0600);
	if (r < 0)
		log_error("wwan_not_kept", "file=%s err=%d", run->kept, -r);
}

static void load_kept(struct wireless_run *run)
{
	_cleanup_(freep) char *text = NULL;
	struct pbjson_error err = { "", "" };
	ProtobufCMessage *msg;
	size_t len;

	if (file_read(run->kept, KEPT_MAX, &text, &len) < 0)
		return; /* the first run since the machine was started, mostly */
	if (pbjson_parse(&ew__wwan_status__descriptor, text, len, &msg, &err) < 0) {
		log_error("stored_bad", "file=\"%s\" pointer=\"%s\" why=\"%s\"", run->kept,
			  err.pointer, err.why);
		return;
	}
	run->wwan_said = (Ew__WwanStatus *)msg;
	run->wwan.said = run->wwan_said;
	run->wwan.left = true; /* until it speaks */
}

static int load_seed(struct wireless_run *run, const char *path)
{
	_cleanup_(freep) char *text = NULL;
	size_t len;
	int r = file_read(path, SEED_MAX, &text, &len);

	if (r == 0 && sscanf(text, "%" SCNx32, &run->seed) != 1)
		r = -EBADMSG;
	return r;
}

/* With another one the daemons would take what they have for a new configuration. */
static void need_seed(struct wireless_run *run)
{
	_cleanup_(freep) char *path =
		xasprintf("%s/nim/wireless.seed", daemon_run_dir(run->conf.daemon));
	char text[SEED_MAX];
	int r;

	if (load_seed(run, path) == 0 && run->seed)
		return;
	if (getrandom(&run->seed, sizeof(run->seed), GRND_NONBLOCK) < 0 || !run->seed)
		run->seed = (uint32_t)mono_now().ns | 1; /* at boot: nobody knows this one either */
	snprintf(text, sizeof(text), "%" PRIx32 "\n", run->seed);
	r = file_replace_volatile(path, text, strlen(text), 0600);
	if (r < 0)
		log_error("wwan_not_kept", "file=%s err=%d", path, -r);
}

/* ---- What is said ---- */

/* The one place where a port's state changes. */
static void set_air(struct wireless_run *run, unsigned int i, const struct nim_air *air)
{
	struct nim_air *was = &run->ports[i].air;
	const char *label = run->conf.config->ports[i].label;
	unsigned int unsaid;

	if ((strcmp(was->error, air->error) != 0 || was->pending != air->pending) &&
	    rate_allow(&run->ports[i].said, NIM_LOG_LINES, NIM_LOG_MS, mono_now(), &unsaid))
		log_info("wireless_port", "port=%s from=\"%s\" to=\"%s\" pending=%d unsaid=%u",
			 label, was->error, air->error, air->pending, unsaid);
	*was = *air;
}

static void tell_lease(const struct nim_air *air, struct nim_iface *iface, int family)
{
	struct dp_lease lease;

	(void)nim_iface_set_lease(iface, family,
				  nim_wireless_lease(air, family, &lease) ? &lease : NULL);
}

static void tell_port(struct wireless_run *run, unsigned int i)
{
	const struct nim_port *port = &run->conf.config->ports[i];
	struct nim_iface *iface = &run->conf.facts->ifaces[i];
	struct nim_wwan wwan = run->wwan;
	struct nim_wlan wlan = run->wlan;
	struct nim_air air;

	iface->wireless = NULL;
	if (port->wireless == NIM_WIRELESS_NONE)
		return;
	run->any = true;
	if (!run->ports)
		run->ports = xcalloc(NIM_PORTS, sizeof(*run->ports));
	if (run->dirty) { /* what was told is not what is wanted */
		wwan.told = NULL;
		wlan.told = NULL;
	}
	if (port->wireless == NIM_WIRELESS_WIFI) {
		nim_wireless_look_wlan(port, &wlan, iface->ifindex && iface->carrier, &air);
	} else {
		nim_wireless_look_wwan(port, &wwan, &air);
		iface->metered = true; /* whoever is asked by it costs */
	}
	set_air(run, i, &air);
	iface->wireless = &run->ports[i].air;
	if (port->wireless == NIM_WIRELESS_WIFI || port->dhcp != NIM_DHCP_CLIENT)
		return;
	tell_lease(&air, iface, AF_INET);
	tell_lease(&air, iface, AF_INET6);
}

void wireless_run_tell(struct wireless_run *run)
{
	run->any = false;
	for (unsigned int i = 0; i < run->conf.config->nports; i++)
		tell_port(run, i);
}

void wireless_run_follow(struct wireless_run *run)
{
	run->dirty = true;
	wireless_run_tell(run);
}

static void tell_interfaces(struct wireless_run *run)
{
	struct nim_modem modems[NIM_PORTS] = { 0 };
	const Ew__WwanStatus *said = run->wwan_said;
	unsigned int n = 0;

	for (size_t i = 0; said && i < said->n_networks && n < NIM_PORTS; i++) {
		const Ew__WwanNetworkStatus *network = said->networks[i];

		if (strlen(network->logicallabel) >= NIM_LABEL ||
		    ifname_parse(network->ifname, &modems[n].ifname) < 0)
			continue;
		strcpy(modems[n++].label, network->logicallabel);
	}
	if (nim_cards_set_modems(run->conf.cards, modems, n))
		run->conf.cards_changed(run->conf.arg);
}

/* now NULL: it has not spoken since it came back. What it said before counts until it does. */
static void wwan_changed(const char *key, const Ew__WwanStatus *was, const Ew__WwanStatus *now,
			 void *arg)
{
	struct wireless_run *run = arg;
	Ew__WwanStatus *old = run->wwan_said;

	(void)key, (void)was;
	if (!now || is_too_long(run, &now->base, "wwan"))
		return;
	run->wwan_said = (Ew__WwanStatus *)copy_of(&now->base);
	run->wwan.said = run->wwan_said;
	run->wwan.left = false;
	keep(run);
	wireless_run_tell(run);
	free_message(old ? &old->base : NULL);
	tell_interfaces(run);
	run->conf.changed(run->conf.arg);
}

static void wwan_lost(void *arg)
{
	struct wireless_run *run = arg;

	if (run->any)
		log_warning("radio_daemon_left", "daemon=wwan");
	run->wwan.left = true;
	wireless_run_tell(run);
	run->conf.changed(run->conf.arg);
}

/* It is back, and says what it said before. */
static void wwan_synced(void *arg)
{
	struct wireless_run *run = arg;

	run->wwan.left = false;
	wireless_run_tell(run);
	run->conf.changed(run->conf.arg);
}

static void wlan_changed(const char *key, const Ew__WlanStatus *was, const Ew__WlanStatus *now,
			 void *arg)
{
	struct wireless_run *run = arg;
	Ew__WlanStatus *old = run->wlan_said;

	(void)key, (void)was;
	if (!now || is_too_long(run, &now->base, "wlan"))
		return;
	run->wlan_said = (Ew__WlanStatus *)copy_of(&now->base);
	run->wlan.said = run->wlan_said;
	run->wlan.left = false;
	wireless_run_tell(run);
	free_message(old ? &old->base : NULL);
	run->conf.changed(run->conf.arg);
}

static void wlan_lost(void *arg)
{
	struct wireless_run *run = arg;

	if (run->any)
		log_warning("radio_daemon_left", "daemon=wlan");
	run->wlan.left = true;
	wireless_run_tell(run);
	run->conf.changed(run->conf.arg);
}

static void wlan_synced(void *arg)
{
	struct wireless_run *run = arg;

	run->wlan.left = false;
	wireless_run_tell(run);
	run->conf.changed(run->conf.arg);
}

/* ---- What is told ---- */

static bool is_news(const struct wireless_run *run, const struct nim_told_by *by)
{
	const Ew__WwanConfig *told = run->wwan.told;

	return run->dirty || !told || strcmp(told->dpc_key, by->dpc_key) != 0 ||
	       told->dpc_time_ms != by->dpc_time_ms || told->radio_silence != by->radio_silence ||
	       told->radio_requested_ms != by->radio_requested_ms;
}

static bool has_radio(const struct nim_config *config)
{
	for (unsigned int i = 0; i < config->nports; i++)
		if (config->ports[i].wireless != NIM_WIRELESS_NONE)
			return true;
	return false;
}

/* Afterwards only what names the configuration is left of it: the rest points into a message that
 * goes with the next one. */
static void publish(struct wireless_run *run, Ew__WwanConfig *wwan, Ew__WlanConfig *wlan)
{
	int r = ps_publish_wwan_config(run->wwan_pub, "global", wwan);

	if (r == 0)
		r = ps_publish_wlan_config(run->wlan_pub, "global", wlan);
	wwan->n_networks = wlan->n_ports = 0;
	run->wwan.told = wwan;
	run->wlan.told = wlan;
	if (r < 0)
		log_error("publish_failed", "topic=WwanConfig err=%d", -r);
	if (run->synced)
		return;
	run->synced = true;
	ps_publish_synced(run->wwan_pub);
	ps_publish_synced(run->wlan_pub);
}

void wireless_run_apply(struct wireless_run *run, const struct nim_view *view,
			const struct nim_told_by *by)
{
	struct nim_told_by seeded = *by;
	Ew__WwanConfig *wwan;
	Ew__WlanConfig *wlan;

	if (!is_news(run, by))
		return;
	if (!run->seed && has_radio(run->conf.config))
		need_seed(run);
	seeded.seed = run->seed;
	arena_fini(&run->told_mem);
	run->told_mem = (struct arena){ 0 };
	wwan = nim_wwan_config(run->conf.config, view, &seeded, &run->told_mem);
	wlan = nim_wlan_config(run->conf.config, &seeded, &run->told_mem);
	run->dirty = false;
	if (run->any)
		log_info("wireless_told", "key=\"%s\" modems=%zu adapters=%zu silence=%d",
			 by->dpc_key, wwan->n_networks, wlan->n_ports, by->radio_silence);
	publish(run, wwan, wlan);
	wireless_run_tell(run);
}

/* ---- Life ---- */

static int open_bus(struct wireless_run *run)
{
	static const struct ps_wwan_status_ops wwan_ops = { .changed = wwan_changed,
							    .synced = wwan_synced,
							    .lost = wwan_lost };
	static const struct ps_wlan_status_ops wlan_ops = { .changed = wlan_changed,
							    .synced = wlan_synced,
							    .lost = wlan_lost };
	struct ps *ps = run->conf.ps;
	struct ps_sub *sub; /* ps frees it */
	int r = ps_advertise_wwan_config(ps, NULL, &run->wwan_pub);

	if (r == 0)
		r = ps_advertise_wlan_config(ps, NULL, &run->wlan_pub);
	if (r == 0)
		r = ps_subscribe_wwan_status(ps, &wwan_ops, run, &sub);
	return r < 0 ? r : ps_subscribe_wlan_status(ps, &wlan_ops, run, &sub);
}

int wireless_run_new(const struct wireless_run_conf *conf, struct wireless_run **ret)
{
	struct wireless_run *run = xcalloc(1, sizeof(*run));
	int r;

	run->conf = *conf;
	run->dirty = true;
	run->kept = xasprintf("%s/nim/wwan.json", daemon_run_dir(conf->daemon));
	r = open_bus(run);
	if (r < 0) {
		wireless_run_free(run);
		return r;
	}
	load_kept(run);
	tell_interfaces(run);
	*ret = run;
	return 0;
}

struct wireless_run *wireless_run_free(struct wireless_run *run)
{
	if (!run)
		return NULL;
	free_message(run->wwan_said ? &run->wwan_said->base : NULL);
	free_message(run->wlan_said ? &run->wlan_said->base : NULL);
	arena_fini(&run->told_mem);
	free(run->kept);
	free(run->ports);
	free(run);
	return NULL;
}
