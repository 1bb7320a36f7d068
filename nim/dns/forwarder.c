/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dns/forwarder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "base/daemon.h"
#include "base/file.h"
#include "base/hmap.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "dataplane/dp.h"
#include "dataplane/items/host.h"
#include "dataplane/report.h"

/*
 * /etc outlives a reboot and /run does not: <state_dir>/nim/resolv-conf holds the path of the file
 * that we may have placed, until it was seen that nothing is kept beside it any more.
 */
static int remember(const struct nim_forwarder *f, const struct daemon *d)
{
	_cleanup_(freep) char *note = xasprintf("%s/nim/resolv-conf", daemon_state_dir(d));
	_cleanup_(freep) char *earlier = NULL, *prior = NULL;
	const char *path = f->conf.resolv_conf;
	int r;

	if (file_read(note, PATH_MAX, &earlier, NULL) == 0) {
		if (path && strcmp(earlier, path) == 0)
			return 0;
		r = dp_placed_remember(daemon_run_dir(d), f->conf.owner, earlier);
		if (r < 0)
			return r;
		prior = xasprintf("%s.edgeway-prior", earlier);
		if (!path && access(prior, F_OK) < 0)
			return file_remove(note);
	}
	return path ? file_replace(note, path, strlen(path), 0644) : 0;
}

int nim_forwarder_open(struct nim_forwarder *f, const struct daemon *d, const char *resolv_conf)
{
	if (resolv_conf && resolv_conf[0] != '/')
		return -EINVAL;
	if (resolv_conf && strlen(resolv_conf) >= sizeof(((struct dp_placed *)NULL)->path))
		return -ENAMETOOLONG;
	f->relay = child_program("dns-relay");
	f->idle = true;
	f->conf = (struct nim_dns_conf){ .run_dir = daemon_run_dir(d),
					 .owner = "nim",
					 .relay = f->relay,
					 .resolv_conf = resolv_conf };
	return remember(f, d);
}

void nim_forwarder_fini(struct nim_forwarder *f)
{
	free(take_ptr(f->relay));
}

static void log_servers(struct nim_forwarder *f, const struct strbuf *text, unsigned int servers)
{
	uint32_t hash = hash_bytes(strbuf_str(text), text->len, 0);

	if (hash != f->servers_hash)
		log_info("dns_servers", "servers=%u", servers);
	f->servers_hash = hash;
}

void nim_forwarder_apply(struct nim_forwarder *f, struct dp *dp, const struct nim_config *config,
			 const struct nim_facts *facts, const struct nim_view *view)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;
	unsigned int servers = nim_dns_servers(config, facts, view, &text);
	int r;

	f->idle = f->idle && !servers && !dp_have(dp, &dp_process_type, "dns-relay");
	if (f->idle)
		return;
	r = dp_submit(dp, nim_intent_dns(&f->conf, config, facts, &text));
	if (r < 0)
		log_error("submit_failed", "err=%d", -r);
	log_servers(f, &text, servers);
}

static bool runs(enum dp_state state)
{
	return state == DP_CREATED || state == DP_MODIFYING;
}

static void set_state(struct nim_forwarder *f, enum nim_forwarder_state state)
{
	static const char *const names[] = { "off", "starting", "serving", "failed" };

	if (f->state == state)
		return;
	if (state == NIM_FORWARDER_FAILED)
		log_error("dns_forwarder", "from=%s to=%s why=\"%s\"", names[f->state],
			  names[state], f->problem);
	else
		log_info("dns_forwarder", "from=%s to=%s", names[f->state], names[state]);
	f->state = state;
}

void nim_forwarder_look(struct nim_forwarder *f, const struct dp *dp,
			const struct nim_config *config)
{
	enum dp_state relay = dp_state(dp, &dp_process_type, "dns-relay", NULL);
	enum dp_state dnsmasq = dp_state(dp, &dp_dnsmasq_type, "dns", NULL);
	bool wanted = nim_dns_wanted(config) && !f->idle;
	bool serves = runs(relay) && runs(dnsmasq);
	struct dp_report report;

	if (serves || !wanted)
		f->problem[0] = '\0';
	/* Or the file that points at it failed, and it serves. */
	if (dp_scope_problem(dp, NIM_DNS_SCOPE, &report) && report.to == DP_FAILED)
		dp_report_str(&report, f->problem, sizeof(f->problem));
	if (!wanted) {
		set_state(f, NIM_FORWARDER_OFF);
	} else if (serves) {
		set_state(f, NIM_FORWARDER_SERVING);
	} else if (relay == DP_FAILED || dnsmasq == DP_FAILED) {
		set_state(f, NIM_FORWARDER_FAILED);
	} else if (f->state != NIM_FORWARDER_FAILED) { /* the next attempt heals nothing yet */
		snprintf(f->problem, sizeof(f->problem), "starting");
		set_state(f, NIM_FORWARDER_STARTING);
	}
}
