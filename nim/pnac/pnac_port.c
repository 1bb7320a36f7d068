/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/pnac/pnac_port.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "api/topics.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/file_watch.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "base/wall.h"
#include "dataplane/dp.h"
#include "dataplane/items/host.h"
#include "dataplane/items/rundir.h"
#include "dataplane/report.h"
#include "nim/pnac/wpa_ctrl.h"

#define SUCCESSES "pnac" /* folder */
#define FILE_MAX 65536 /* bytes of a certificate file */
#define SETTLE_MS 500 /* certificate and key are written one after the other */
#define LOOK_MS 1000 /* a state may change a moment after the event that tells of it */
#define CLOCK_MS 3600000 /* the wall clock is looked at that often, for it may be set */

static struct mono mono_in(int64_t ms)
{
	return (struct mono){ .ns = mono_now().ns + (uint64_t)ms * 1000000 };
}

/* ---- When it succeeded last, over a restart of ours ---- */

static char *success_path(const struct pnac_port *p)
{
	struct strbuf name = STRBUF_INIT;
	char *path;

	rundir_escape(p->config.label, &name);
	path = xasprintf("%s/%s/" SUCCESSES "/%s", p->all->conf.run_dir, p->all->conf.owner,
			 strbuf_str(&name));
	strbuf_fini(&name);
	return path;
}

static void read_success(struct pnac_port *p)
{
	_cleanup_(freep) char *path = success_path(p), *text = NULL;

	if (file_read(path, 32, &text, NULL) == 0)
		p->pnac.last_auth_ms = strtoll(text, NULL, 10);
}

static void keep_success(const struct pnac_port *p)
{
	_cleanup_(freep) char *path = success_path(p);
	char text[32];
	int n = snprintf(text, sizeof(text), "%lld", (long long)p->pnac.last_auth_ms);
	int r = file_replace_volatile(path, text, (size_t)n, 0644);

	if (r < 0)
		log_warning("pnac_port", "port=%s err=%d", p->config.label, -r);
}

void pnac_port_forget(const struct pnac_port *p)
{
	_cleanup_(freep) char *path = success_path(p);

	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path); /* others may be in it */
}

/* ---- Files ---- */

/* ret_len may be NULL. */
static char *read_file(const struct pnac_port *p, const char *name, int *ret_error, size_t *ret_len)
{
	_cleanup_(freep) char *path = xasprintf("%s/%s", p->folder, name);
	char *text = NULL;

	*ret_error = file_read(path, FILE_MAX, &text, ret_len);
	return text;
}

static void log_files(const struct pnac_port *p, const char *error)
{
	if (p->files.error[0] && strcmp(p->files.error, error) != 0)
		log_error("pnac_files", "port=%s why=\"%s\"", p->config.label, p->files.error);
	else if (!p->files.error[0] && error[0])
		log_info("pnac_files", "port=%s why=\"\"", p->config.label);
}

static void watch_expiry(struct pnac_port *p)
{
	int64_t in_s = pnac_expiry_in(&p->files, wall_ms() / 1000);

	p->expiry = (struct mono){ 0 };
	if (in_s >= 0)
		p->expiry = mono_in(in_s < CLOCK_MS / 1000 ? in_s * 1000 : CLOCK_MS);
}

static void read_files(struct pnac_port *p)
{
	struct pnac_texts texts = { 0 };
	size_t key_len;
	_cleanup_(freep) char *cert = read_file(p, PNAC_CERT, &texts.cert_error, NULL);
	_cleanup_(freep) char *key = read_file(p, PNAC_KEY, &texts.key_error, &key_len);
	_cleanup_(freep) char *ca = NULL;
	char error[sizeof(p->files.error)];

	if (!p->config.pnac_ca)
		ca = read_file(p, PNAC_CA, &texts.ca_error, NULL);
	texts.cert = cert;
	texts.key = key;
	texts.ca = ca;
	memcpy(error, p->files.error, sizeof(error));
	pnac_files_judge(&texts, p->folder, &p->files);
	if (key)
		explicit_bzero(key, key_len);
	log_files(p, error);
	watch_expiry(p);
	if (p->files.error[0])
		return;
	snprintf(p->identity, sizeof(p->identity), "%s", pnac_identity(&p->config, &p->files.cert));
	p->wanted = p->identity[0];
	if (!p->identity[0])
		snprintf(p->files.error, sizeof(p->files.error),
			 "%s/%s: names nobody: neither common name nor URI", p->folder, PNAC_CERT);
}

/* The next round reads them anew: no restart, and the port stays authorized meanwhile. */
static void files_settled(struct pnac_port *p)
{
	read_files(p);
	if (!p->files.error[0] && p->hash && p->hash != p->files.hash) {
		log_info("pnac_certificate", "port=%s identity=\"%s\"", p->config.label,
			 p->identity);
		wpa_ctrl_ask(p->ctrl, p->pnac.authorized ? WPA_REAUTHENTICATE : WPA_REASSOCIATE);
	}
	if (!p->files.error[0])
		p->hash = p->files.hash;
	p->all->conf.changed(p->all->conf.arg);
}

static void on_files(void *arg)
{
	struct pnac_port *p = arg;

	p->settle = mono_in(SETTLE_MS);
	pnac_ports_arm(p->all);
}

/* ---- What wpa_supplicant says ---- */

static void ask_state(struct pnac_port *p)
{
	wpa_ctrl_ask(p->ctrl, WPA_STATUS);
	wpa_ctrl_ask(p->ctrl, WPA_MIB);
}

static void on_attached(void *arg)
{
	ask_state(arg);
}

static void on_event(const char *text, size_t len, void *arg)
{
	struct pnac_port *p = arg;
	char why[WPA_WHY] = "";
	enum wpa_event event = wpa_event_parse(text, len, why);

	if (pnac_take_event(&p->pnac, event, why, wall_ms())) {
		if (event == WPA_EVENT_FAILURE)
			log_warning("pnac_failed", "port=%s why=\"%s\"", p->config.label,
				    p->pnac.error);
		if (event == WPA_EVENT_SUCCESS)
			keep_success(p);
		p->all->conf.changed(p->all->conf.arg);
	}
	ask_state(p);
	p->look = mono_in(LOOK_MS);
	pnac_ports_arm(p->all);
}

static void take_status(struct pnac_port *p, const struct wpa_status *status)
{
	enum pnac_state was = p->pnac.state;
	enum pnac_change change =
		pnac_take_status(&p->pnac, status, ipaddr_is_set(&p->subnet.addr));

	if (was != p->pnac.state)
		log_info("pnac_state", "port=%s from=%s to=%s", p->config.label,
			 pnac_state_name(was), pnac_state_name(p->pnac.state));
	if (pnac_asks_why(&p->pnac))
		wpa_ctrl_ask(p->ctrl, WPA_REASSOCIATE);
	if (change == PNAC_MOVED && p->config.dhcp == NIM_DHCP_CLIENT && p->config.ipv4) {
		pnac_reacquire_begin(&p->reacquire, &p->subnet, mono_now(), p->all->retries);
		pnac_ports_arm(p->all);
	}
	if (change != PNAC_SAME)
		p->all->conf.changed(p->all->conf.arg);
}

static void publish(const struct pnac_port *p, const struct wpa_mib *mib)
{
	Ew__PnacMetrics msg = EW__PNAC_METRICS__INIT;
	int r;

	msg.logicallabel = (char *)p->config.label;
	msg.frames_rx = mib->frames_rx;
	msg.frames_tx = mib->frames_tx;
	msg.start_frames_tx = mib->start_tx;
	msg.logoff_frames_tx = mib->logoff_tx;
	msg.resp_frames_tx = mib->resp_tx;
	msg.req_id_frames_rx = mib->req_id_rx;
	msg.req_frames_rx = mib->req_rx;
	msg.invalid_frames_rx = mib->invalid_rx;
	msg.length_error_frames_rx = mib->length_error_rx;
	r = ps_publish_pnac_metrics(p->all->pub, p->config.label, &msg);
	if (r < 0)
		log_error("publish_failed", "topic=PnacMetrics err=%d", -r);
}

static void on_answer(enum wpa_command command, const char *text, size_t len, void *arg)
{
	struct pnac_port *p = arg;
	struct wpa_status status;
	struct wpa_mib mib;

	switch (command) {
	case WPA_STATUS:
		if (wpa_status_parse(text, len, &status) == 0)
			take_status(p, &status);
		break;
	case WPA_MIB:
		if (wpa_mib_parse(text, len, &mib) == 0)
			publish(p, &mib);
		break;
	case WPA_REAUTHENTICATE:
	case WPA_REASSOCIATE:
	case WPA_COMMANDS:
		break;
	}
}

static void on_lost(void *arg)
{
	struct pnac_port *p = arg;

	pnac_forget(&p->pnac);
	p->all->conf.changed(p->all->conf.arg);
}

static const struct wpa_ctrl_ops ctrl_ops = {
	.attached = on_attached,
	.event = on_event,
	.answer = on_answer,
	.lost = on_lost,
};

/* ---- Time passes ---- */

static bool is_due(struct mono *when, struct mono now)
{
	bool due = when->ns && when->ns <= now.ns;

	if (due)
		when->ns = 0;
	return due;
}

static void reacquire(struct pnac_port *p, struct mono now)
{
	if (!pnac_reacquire_step(&p->reacquire, &p->subnet, now, p->all->retries))
		return;
	log_info("pnac_dhcp", "port=%s try=%u", p->config.label, p->reacquire.retries);
	dp_dhcpcd_ask_again(p->all->conf.dp, &p->config.ifname);
}

void pnac_port_step(struct pnac_port *p, struct mono now)
{
	if (is_due(&p->settle, now))
		files_settled(p);
	if (is_due(&p->look, now))
		ask_state(p);
	if (is_due(&p->expiry, now)) {
		watch_expiry(p);
		p->all->conf.changed(p->all->conf.arg);
	}
	reacquire(p, now);
}

/* ---- One port ---- */

void pnac_port_free(struct pnac_port *p)
{
	list_remove(&p->list);
	wpa_ctrl_free(p->ctrl);
	file_watch_free(p->watch);
	free(p->folder);
	free(p);
}

int pnac_port_new(struct pnac_ports *all, const struct nim_port *config, struct pnac_port **ret)
{
	const struct pnac_ports_conf *conf = &all->conf;
	const struct pnac_dirs dirs = { conf->run_dir, conf->state_dir, conf->owner };
	_cleanup_(freep) char *socket = xasprintf("%s/%s/" DP_SUPPLICANT_DIR "/%s", conf->run_dir,
						  conf->owner, config->ifname.str);
	struct pnac_port *p = xcalloc(1, sizeof(*p));
	_cleanup_(freep) char *any = NULL;
	int r;

	p->all = all;
	p->config = *config;
	p->folder = pnac_folder(&dirs, config->pnac_profile);
	list_append(&all->ports, &p->list);
	any = xasprintf("%s/*", p->folder);
	r = file_watch_new(conf->base, any, on_files, p, &p->watch);
	if (r == 0)
		r = wpa_ctrl_new(conf->base, socket, &ctrl_ops, p, &p->ctrl);
	if (r < 0) {
		pnac_port_free(p);
		return r;
	}
	read_success(p);
	read_files(p);
	p->hash = p->files.error[0] ? 0 : p->files.hash;
	*ret = p;
	return 0;
}

/* The network of its first IPv4 address that is not a configured one. */
static struct prefix subnet_of(const struct nim_port *config, const struct nim_iface *iface)
{
	for (unsigned int i = 0; i < iface->naddrs; i++) {
		bool configured = iface->addrs[i].addr.family != AF_INET;

		for (unsigned int k = 0; k < config->naddrs; k++)
			configured =
				configured || prefix_equal(&config->addrs[k], &iface->addrs[i]);
		if (!configured)
			return prefix_network(&iface->addrs[i]);
	}
	return (struct prefix){ 0 };
}

/* The wired driver does not look at the carrier: whatever is at the other end now knows nothing of
 * us, and may wait for us to begin. */
static void follow_carrier(struct pnac_port *p, bool carrier)
{
	if (carrier && !p->carrier)
		wpa_ctrl_ask(p->ctrl, WPA_REASSOCIATE);
	p->carrier = carrier;
}

void pnac_port_follow(struct pnac_port *p, const struct nim_port *config,
		      const struct nim_iface *iface)
{
	p->config = *config;
	p->subnet = subnet_of(config, iface);
	follow_carrier(p, iface->carrier);
	reacquire(p, mono_now());
}

void pnac_port_tell(struct pnac_port *p)
{
	struct nim_pnac *ret = &p->told;
	struct dp_report report;
	char scope[sizeof("pnac/") + NIM_LABEL];

	memset(ret, 0, sizeof(*ret));
	ret->state = p->pnac.state;
	ret->last_auth_ms = p->pnac.last_auth_ms;
	ret->cert_until_s = p->files.error[0] ? 0 : p->files.cert.not_after_s;
	memcpy(ret->identity, p->identity, sizeof(ret->identity));
	pnac_expiry(&p->files, p->folder, wall_ms() / 1000, ret->error);
	pnac_scope(p->config.label, scope);
	if (p->files.error[0])
		memcpy(ret->error, p->files.error, sizeof(ret->error));
	else if (!ret->error[0] && p->pnac.error[0])
		memcpy(ret->error, p->pnac.error, sizeof(ret->error));
	else if (!ret->error[0] && dp_scope_problem(p->all->conf.dp, scope, &report) &&
		 report.to == DP_FAILED)
		dp_report_str(&report, ret->error, sizeof(ret->error));
}
