/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dnsmasq, one per network instance: DHCP and DNS for its applications. What it does stands in
 * its configuration file, a dp_file of the daemon; here it is only run. It makes its pid file
 * once its sockets are bound, which is how we know that it serves.
 */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "dataplane/items/host.h"
#include "dataplane/items/link.h"
#include "dataplane/items/proc.h"

static void dnsmasq_key(const void *spec, struct strbuf *out)
{
	strbuf_add(out, ((const struct dp_dnsmasq *)spec)->name);
}

static enum dp_change dnsmasq_diff(const void *have, const void *want)
{
	const struct dp_dnsmasq *h = have, *w = want;

	if (!ifname_equal(&h->ifname, &w->ifname) || strcmp(h->conf_file, w->conf_file) != 0 ||
	    strcmp(h->stamp, w->stamp) != 0)
		return DP_RECREATE;
	return strcmp(h->hosts_stamp, w->hosts_stamp) != 0 ? DP_MODIFY : DP_SAME;
}

/* Not DP_FALLS_WITH: it runs on when its interface goes, and has to be stopped. */
static void dnsmasq_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_dnsmasq *dnsmasq = want;

	if (dnsmasq->ifname.str[0])
		dp_need(deps, &dp_link_type, dnsmasq->ifname.str, 0, NULL);
	dp_need(deps, &dp_file_type, dnsmasq->conf_file, 0, NULL);
}

static void dnsmasq_print(const void *spec, struct strbuf *out)
{
	const struct dp_dnsmasq *dnsmasq = spec;

	strbuf_addf(out, "ifname=%s conf=%s stamp=%s hosts_stamp=%s", dnsmasq->ifname.str,
		    dnsmasq->conf_file, dnsmasq->stamp, dnsmasq->hosts_stamp);
}

/* Whether this user namespace knows the user: one that maps nobody but root cannot drop to it. */
static bool uid_is_mapped(uid_t uid)
{
	_cleanup_(freep) char *map = NULL;
	unsigned long first, count;
	char *rest, *line;

	if (file_read("/proc/self/uid_map", 65536, &map, NULL) < 0)
		return false;
	rest = map;
	while ((line = strsep(&rest, "\n")))
		if (sscanf(line, "%lu %*u %lu", &first, &count) == 2 && uid >= first &&
		    uid - first < count)
			return true;
	return false;
}

/* Who it becomes after binding its ports. Looked up once: the answer does not change under us. */
static const char *dnsmasq_user(void)
{
	static const char *const candidates[] = { "dnsmasq", "nobody" };
	static const char *found;

	for (size_t i = 0; !found && i < ARRAY_SIZE(candidates); i++) {
		const struct passwd *pw = getpwnam(candidates[i]);

		if (pw && uid_is_mapped(pw->pw_uid))
			found = candidates[i];
	}
	if (!found)
		found = "root";
	return found;
}

static int dnsmasq_command(const struct dp *dp, const void *spec, struct proc_command *ret)
{
	const struct dp_dnsmasq *dnsmasq = spec;
	_cleanup_(freep) char *ready = proc_path(dp, &dp_dnsmasq_type, spec, "ready");
	const char *user = dnsmasq_user();
	char conf[256];

	if (strchr(dnsmasq->conf_file, '\n'))
		return -EINVAL;
	dp_file_path(dp_conf(dp)->run_dir, dp_conf(dp)->owner, dnsmasq->conf_file, conf);
	proc_arg(ret, "dnsmasq");
	proc_arg(ret, "--keep-in-foreground");
	proc_arg(ret,
		 "--log-facility=-"); /* stderr; it does not wait for who reads (log_write()) */
	proc_arg(ret, "--conf-file=%s", conf);
	proc_arg(ret, "--pid-file=%s", ready);
	proc_arg(ret, "--user=%s", user);
	if (strcmp(user, "root") == 0)
		proc_arg(ret, "--group="); /* nor can groups be changed there */
	ret->says_ready = true;
	return 0;
}

static void dnsmasq_save(const void *spec, struct strbuf *out)
{
	const struct dp_dnsmasq *dnsmasq = spec;

	strbuf_addf(out, "name=%s\nifname=%s\nconf_file=%s\nstamp=%s\nhosts_stamp=%s\n",
		    dnsmasq->name, dnsmasq->ifname.str, dnsmasq->conf_file, dnsmasq->stamp,
		    dnsmasq->hosts_stamp);
}

static int dnsmasq_load(const char *key, const char *value, void *spec)
{
	struct dp_dnsmasq *dnsmasq = spec;

	if (strcmp(key, "name") == 0)
		return proc_load_text(value, dnsmasq->name, sizeof(dnsmasq->name));
	if (strcmp(key, "ifname") == 0)
		return proc_load_text(value, dnsmasq->ifname.str, sizeof(dnsmasq->ifname.str));
	if (strcmp(key, "conf_file") == 0)
		return proc_load_text(value, dnsmasq->conf_file, sizeof(dnsmasq->conf_file));
	if (strcmp(key, "stamp") == 0)
		return proc_load_text(value, dnsmasq->stamp, sizeof(dnsmasq->stamp));
	if (strcmp(key, "hosts_stamp") == 0)
		return proc_load_text(value, dnsmasq->hosts_stamp, sizeof(dnsmasq->hosts_stamp));
	return -EINVAL;
}

/* What it says of itself at start, at SIGHUP and at SIGTERM: its LOG_INFO, which is not told apart. */
static bool dnsmasq_usual(const char *line)
{
	static const char *const beginnings[] = {
		"started, ",
		"compile time options: ",
		"DHCP, ",
		"DHCPv6, ",
		"IPv6 router ",
		"router advertisement on ",
		"read ",
		"using ",
		"cleared cache",
		"exiting on receipt of ",
		"DHCPv4-derived ",
		"warning: no upstream servers configured", /* they are in another file */
		"failed to create listening socket for fe80:", /* after the start: not needed */
	};
	const char *text = strstr(line, "]: "); /* dnsmasq-dhcp[123]: */

	text = text ? text + strlen("]: ") : line;
	for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++)
		if (strncmp(text, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return false;
}

static const struct proc_kind kind = {
	.type = &dp_dnsmasq_type,
	.command = dnsmasq_command,
	.save = dnsmasq_save,
	.load = dnsmasq_load,
	.usual = dnsmasq_usual,
};

static int dnsmasq_create(struct dp_op *op, const void *want)
{
	return proc_create(op, &kind, want);
}

/* SIGHUP: reads the hosts files again and forgets its cache. */
static int dnsmasq_modify(struct dp_op *op, const void *have, const void *want)
{
	(void)have;
	return proc_reload(op, &kind, want);
}

static int dnsmasq_remove(struct dp_op *op, const void *have)
{
	return proc_remove(op, &kind, have);
}

static int dnsmasq_observe(struct dp *dp)
{
	return proc_observe(dp, &kind);
}

const struct dp_type dp_dnsmasq_type = {
	.name = "dnsmasq",
	.size = sizeof(struct dp_dnsmasq),
	.key = dnsmasq_key,
	.diff = dnsmasq_diff,
	.needs = dnsmasq_needs,
	.print = dnsmasq_print,
	.create = dnsmasq_create,
	.modify = dnsmasq_modify,
	.remove = dnsmasq_remove,
	.cancel = proc_cancel,
	.observe = dnsmasq_observe,
	.timeout_ms = 20000,
	.aside = true,
};
