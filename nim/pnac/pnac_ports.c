/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/pnac/pnac_port.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>

#include "api/topics.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "dataplane/dp.h"

/* ---- The timer ---- */

static void sooner(int64_t *wait_ms, struct mono when, struct mono now)
{
	int64_t ms = mono_diff_ms(when, now) + 1;

	if (when.ns && (*wait_ms < 0 || ms < *wait_ms))
		*wait_ms = ms < 0 ? 0 : ms;
}

void pnac_ports_arm(struct pnac_ports *all)
{
	struct mono now = mono_now();
	int64_t wait_ms = -1;
	struct pnac_port *p;
	struct timeval tv;

	list_for_each (p, &all->ports, list) {
		int64_t due = pnac_reacquire_due_ms(&p->reacquire, now);

		sooner(&wait_ms, p->settle, now);
		sooner(&wait_ms, p->look, now);
		sooner(&wait_ms, p->expiry, now);
		if (due >= 0 && (wait_ms < 0 || due < wait_ms))
			wait_ms = due;
	}
	if (wait_ms < 0) {
		evtimer_del(all->timer);
		return;
	}
	tv = (struct timeval){ .tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000 };
	evtimer_add(all->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct pnac_ports *all = arg;
	struct mono now = mono_now();
	struct pnac_port *p;

	(void)fd, (void)what;
	list_for_each (p, &all->ports, list)
		pnac_port_step(p, now);
	pnac_ports_arm(all);
}

/* ---- All ports ---- */

static bool is_same(const struct pnac_port *p, const struct nim_port *config)
{
	return strcmp(p->config.label, config->label) == 0 &&
	       ifname_equal(&p->config.ifname, &config->ifname) &&
	       strcmp(p->config.pnac_profile, config->pnac_profile) == 0 &&
	       strcmp(p->config.pnac_identity, config->pnac_identity) == 0 &&
	       !p->config.pnac_ca == !config->pnac_ca;
}

static bool has_pnac(const struct nim_port *config)
{
	return config->pnac && !config->error[0];
}

static struct pnac_port *find(const struct pnac_ports *all, const struct nim_port *config)
{
	struct pnac_port *p;

	list_for_each (p, &all->ports, list)
		if (is_same(p, config))
			return p;
	return NULL;
}

static void submit(const struct pnac_ports *all, struct dp_graph *g)
{
	int r = dp_submit(all->conf.dp, g);

	if (r < 0)
		log_error("submit_failed", "err=%d", -r);
}

static void drop_others(struct pnac_ports *all, const struct nim_config *config)
{
	struct pnac_port *p, *tmp;

	list_for_each (p, &all->ports, list)
		p->marked = false;
	for (unsigned int i = 0; i < config->nports; i++) {
		p = has_pnac(&config->ports[i]) ? find(all, &config->ports[i]) : NULL;
		if (p)
			p->marked = true;
	}
	list_for_each_safe (p, tmp, &all->ports, list) {
		char scope[sizeof("pnac/") + NIM_LABEL];

		if (p->marked)
			continue;
		pnac_scope(p->config.label, scope);
		submit(all, dp_graph_new(scope));
		ps_unpublish(all->pub, p->config.label);
		pnac_port_forget(p);
		pnac_port_free(p);
	}
}

static void apply_port(struct pnac_ports *all, const struct nim_port *config,
		       const struct nim_iface *iface)
{
	const struct pnac_dirs dirs = { all->conf.run_dir, all->conf.state_dir, all->conf.owner };
	struct pnac_port *p = find(all, config);
	int r = p ? 0 : pnac_port_new(all, config, &p);

	if (r < 0) {
		log_error("pnac_port", "port=%s err=%d", config->label, -r);
		return;
	}
	pnac_port_follow(p, config, iface);
	submit(all, nim_intent_pnac(&dirs, config, iface->ifindex, p->wanted ? p->identity : NULL));
}

void pnac_ports_apply(struct pnac_ports *all, const struct nim_config *config,
		      const struct nim_facts *facts, unsigned int retries)
{
	all->retries = retries;
	drop_others(all, config);
	for (unsigned int i = 0; i < config->nports; i++)
		if (has_pnac(&config->ports[i]))
			apply_port(all, &config->ports[i], &facts->ifaces[i]);
	pnac_ports_arm(all);
}

void pnac_ports_tell(struct pnac_ports *all, const struct nim_config *config,
		     struct nim_facts *facts)
{
	static const struct nim_pnac unwatched = { .error = "its files cannot be watched" };

	for (unsigned int i = 0; i < config->nports; i++) {
		bool wanted = has_pnac(&config->ports[i]);
		struct pnac_port *p = wanted ? find(all, &config->ports[i]) : NULL;

		if (p)
			pnac_port_tell(p);
		facts->ifaces[i].pnac = p ? &p->told : wanted ? &unwatched : NULL;
	}
}

int pnac_ports_new(const struct pnac_ports_conf *conf, struct pnac_ports **ret)
{
	struct pnac_ports *all = xcalloc(1, sizeof(*all));
	int r;

	all->conf = *conf;
	list_init(&all->ports);
	all->timer = evtimer_new(conf->base, on_timer, all);
	r = all->timer ? ps_advertise_pnac_metrics(conf->ps, NULL, &all->pub) : -ENOMEM;
	if (r == 0)
		ps_publish_synced(all->pub);
	if (r < 0) {
		pnac_ports_free(all);
		return r;
	}
	*ret = all;
	return 0;
}

struct pnac_ports *pnac_ports_free(struct pnac_ports *all)
{
	struct pnac_port *p, *tmp;

	if (!all)
		return NULL;
	list_for_each_safe (p, tmp, &all->ports, list)
		pnac_port_free(p);
	if (all->timer)
		event_free(all->timer);
	free(all);
	return NULL;
}
