/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dhcpcd, one per interface: it keeps the lease and sets the addresses, and does nothing else
 * (no routes, no resolv.conf, no host name; our hook records what it was given).
 *
 * It does not look at the carrier (--nolink): it would drop the address when the cable is out,
 * and a port whose cable returns must have it at once. Instead we tell it when the carrier comes
 * back; it then asks for its old address again, which takes one exchange.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "dataplane/items/foreign.h"
#include "dataplane/items/host.h"
#include "dataplane/items/inet.h"
#include "dataplane/items/inet_observers.h"
#include "dataplane/items/link.h"
#include "dataplane/items/proc.h"
#include "dataplane/items/rundir.h"
#include "dataplane/items/watch.h"

#define HOOK "dhcp-hook"

/* It takes a millisecond for a router advertisement and some for a lease. But 9.4.1 computes without
 * end when an option of an advertisement says that it is 0 long (ipv6nd_expirera()): then the next
 * one has to start. */
#define CPU_S 60

static void dhcpcd_key(const void *spec, struct strbuf *out)
{
	strbuf_add(out, ((const struct dp_dhcpcd *)spec)->ifname.str);
}

static enum dp_change dhcpcd_diff(const void *have, const void *want)
{
	const struct dp_dhcpcd *h = have, *w = want;

	if (h->ipv4 != w->ipv4 || h->ipv6 != w->ipv6 ||
	    strcmp(h->vendor_class, w->vendor_class) != 0 ||
	    strcmp(h->hostname, w->hostname) != 0 || w->since_s > h->since_s)
		return DP_RECREATE;
	return DP_SAME;
}

/* Up before it starts, because else it would bring it up itself. Not DP_FALLS_WITH: it has to be
 * stopped. */
static void dhcpcd_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_dhcpcd *dhcpcd = want;

	dp_need(deps, &dp_link_type, dhcpcd->ifname.str, 0, dp_link_is_up);
}

static void dhcpcd_print(const void *spec, struct strbuf *out)
{
	const struct dp_dhcpcd *dhcpcd = spec;

	strbuf_addf(out, "%s%s", dhcpcd->ipv4 ? "ipv4" : "",
		    dhcpcd->ipv6 ? dhcpcd->ipv4 ? "+ipv6" : "ipv6" : "");
	if (dhcpcd->vendor_class[0])
		strbuf_addf(out, " vendor_class=%s", dhcpcd->vendor_class);
	if (dhcpcd->hostname[0])
		strbuf_addf(out, " hostname=%s", dhcpcd->hostname);
}

/* ---- Its command ---- */

/* Beside the daemon (build tree), in ../libexec/edgeway (installed), or where we are told. */
static int hook_path(char **ret)
{
	static const char *const places[] = { ".", "../libexec/edgeway" };
	const char *dir = getenv("EDGEWAY_LIBEXEC");
	_cleanup_(freep) char *path = NULL;
	char self[256];
	ssize_t n;

	if (dir) {
		path = xasprintf("%s/" HOOK, dir);
		if (access(path, X_OK) < 0)
			return -errno;
		*ret = take_ptr(path);
		return 0;
	}
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0)
		return -errno;
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		free(path);
		path = xasprintf("%s/%s/" HOOK, self, places[i]);
		if (access(path, X_OK) == 0) {
			*ret = take_ptr(path);
			return 0;
		}
	}
	return -ENOENT;
}

/* A folder of ours over one of dhcpcd's fixed ones: two nodes on one machine must not meet. */
static int bind_folder(const struct dp *dp, const struct dp_dhcpcd *dhcpcd, const char *name,
		       const char *to, struct proc_command *ret)
{
	_cleanup_(strbuf_fini) struct strbuf sub = STRBUF_INIT;
	_cleanup_(freep) char *from = NULL;

	rundir_escape(dhcpcd->ifname.str, &sub);
	strbuf_addf(&sub, "/%s", name);
	from = rundir_path(dp, "dhcpcd", strbuf_str(&sub));
	return proc_bind(ret, from, to);
}

static void put_requests(struct proc_command *ret)
{
	static const char *const options[] = {
		"subnet_mask,routers,classless_static_routes,interface_mtu",
		"domain_name_servers,domain_name,domain_search,ntp_servers,wpad_url",
		"dhcp6_name_servers,dhcp6_domain_search,dhcp6_sntp_servers,dhcp6_ntp_server",
		"rapid_commit",
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		proc_arg(ret, "--option=%s", options[i]);
}

static bool text_is_plain(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~' || *text == '\\')
			return false;
	return true;
}

static int dhcpcd_command(const struct dp *dp, const void *spec, struct proc_command *ret)
{
	const struct dp_dhcpcd *dhcpcd = spec;
	_cleanup_(freep) char *hook = NULL, *leases = rundir_path(dp, "lease", NULL);
	int r;

	if ((!dhcpcd->ipv4 && !dhcpcd->ipv6) || !text_is_plain(dhcpcd->vendor_class) ||
	    !text_is_plain(dhcpcd->hostname))
		return -EINVAL;
	r = hook_path(&hook);
	if (r == 0)
		r = bind_folder(dp, dhcpcd, "run", "/run/dhcpcd", ret);
	if (r == 0)
		r = bind_folder(dp, dhcpcd, "lib", "/var/lib/dhcpcd", ret);
	if (r < 0)
		return r;
	ret->cpu_s = CPU_S;
	proc_arg(ret, "dhcpcd");
	proc_arg(ret, "--config=/dev/null");
	proc_arg(ret, "--nobackground");
	proc_arg(ret, "--quiet");
	proc_arg(ret, "--script=%s", hook);
	proc_arg(ret, "--nohook=resolv.conf"); /* should ever the script fall away */
	proc_arg(ret, "--env=EDGEWAY_LEASE_DIR=%s", leases);
	proc_arg(ret, "--timeout=0");
	proc_arg(ret,
		 "--nodelay"); /* RFC 2131 4.4.1's random wait is for a street after a blackout */
	proc_arg(ret, "--noarp"); /* its probing takes 6 s */
	proc_arg(ret, "--noipv4ll");
	proc_arg(ret, "--nogateway");
	proc_arg(ret, "--nolink");
	proc_arg(ret, "--nodev");
	proc_arg(ret, "--duid=ll"); /* the same after a reboot, with nothing stored */
	proc_arg(ret, "--clientid="); /* by hardware address, as servers' reservations expect */
	proc_arg(ret, "--vendorclassid=%s", dhcpcd->vendor_class);
	if (dhcpcd->hostname[0])
		proc_arg(ret, "--hostname=%s", dhcpcd->hostname);
	if (!dhcpcd->ipv6)
		proc_arg(ret, "--ipv4only");
	if (!dhcpcd->ipv4)
		proc_arg(ret, "--ipv6only");
	put_requests(ret);
	proc_arg(ret, "%s", dhcpcd->ifname.str);
	return 0;
}

/* ---- As a process ---- */

static void dhcpcd_save(const void *spec, struct strbuf *out)
{
	const struct dp_dhcpcd *dhcpcd = spec;

	strbuf_addf(out, "ifname=%s\nipv4=%d\nipv6=%d\nvendor_class=%s\nhostname=%s\n",
		    dhcpcd->ifname.str, dhcpcd->ipv4, dhcpcd->ipv6, dhcpcd->vendor_class,
		    dhcpcd->hostname);
	strbuf_addf(out, "since=%" PRIu64 "\n", dhcpcd->since_s);
}

static int dhcpcd_load(const char *key, const char *value, void *spec)
{
	struct dp_dhcpcd *dhcpcd = spec;

	if (strcmp(key, "ifname") == 0)
		return ifname_parse(value, &dhcpcd->ifname);
	if (strcmp(key, "vendor_class") == 0)
		return proc_load_text(value, dhcpcd->vendor_class, sizeof(dhcpcd->vendor_class));
	if (strcmp(key, "hostname") == 0)
		return proc_load_text(value, dhcpcd->hostname, sizeof(dhcpcd->hostname));
	if (strcmp(key, "since") == 0)
		dhcpcd->since_s = strtoull(value, NULL, 10);
	else if (strcmp(key, "ipv4") == 0)
		dhcpcd->ipv4 = *value == '1';
	else if (strcmp(key, "ipv6") == 0)
		dhcpcd->ipv6 = *value == '1';
	else
		return -EINVAL;
	return 0;
}

struct leftovers {
	struct dp *dp;
	const struct ifname *ifname;
};

/* Its addresses are all without a prefix route; what the graph wants of them stays. */
static void drop_address(const char *key, const void *spec, void *arg)
{
	const struct leftovers *left = arg;
	const struct dp_addr *addr = spec;

	if (ifname_equal(&addr->ifname, left->ifname) && addr->noprefixroute &&
	    !ipaddr_is_linklocal(&addr->prefix.addr) &&
	    dp_state(left->dp, &dp_addr_type, key, NULL) == DP_FOREIGN)
		(void)dp_addr_remove_now(left->dp, addr); /* it may have gone with the link */
}

/* It removes its lease files by the hook; this is for when it was killed. Its own folders go too:
 * the next one begins with a DISCOVER, and a server gives the same address again. */
static void dhcpcd_ended(struct dp *dp, const void *spec)
{
	static const char *const parts[] = { "4", "6", "ra" };
	const struct dp_dhcpcd *dhcpcd = spec;
	_cleanup_(strbuf_fini) struct strbuf sub = STRBUF_INIT;
	_cleanup_(freep) char *folders = NULL;

	rundir_escape(dhcpcd->ifname.str, &sub);
	folders = rundir_path(dp, "dhcpcd", strbuf_str(&sub));
	dir_remove(folders);
	/* Those it forgets: what odd router advertisements made it set (seen with 9.4). */
	dp_each_have(dp, &dp_addr_type, drop_address, &(struct leftovers){ dp, &dhcpcd->ifname });

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		_cleanup_(freep) char *name = xasprintf("%s.%s", dhcpcd->ifname.str, parts[i]);
		_cleanup_(freep) char *path = rundir_path(dp, "lease", name);

		unlink(path);
	}
}

/* It gives its addresses back first; killed before it has, they would stay until they expire. */
static uint32_t dhcpcd_stop_ms(const void *spec)
{
	(void)spec;
	return 8000;
}

static const struct proc_kind kind = {
	.type = &dp_dhcpcd_type,
	.command = dhcpcd_command,
	.stop_ms = dhcpcd_stop_ms,
	.save = dhcpcd_save,
	.load = dhcpcd_load,
	.ended = dhcpcd_ended,
};

/* ---- The carrier ---- */

/*
 * SIGHUP: REQUEST the old address (INIT-REBOOT), or DISCOVER; solicit routers. Twice, because its
 * process that sends raw packets dies of the ENOBUFS of a link without carrier: it notices by the
 * first message it then fails to send, and starts another for the next one.
 */
void dp_dhcpcd_ask_again(struct dp *dp, const struct ifname *ifname)
{
	const struct dp_dhcpcd *dhcpcd = dp_have(dp, &dp_dhcpcd_type, ifname->str);

	if (dhcpcd)
		proc_signal_twice(dp, &dp_dhcpcd_type, dhcpcd, SIGHUP, 100);
}

void dp_dhcpcd_carrier_back(struct dp *dp, const struct dp_link *link)
{
	dp_dhcpcd_ask_again(dp, &link->ifname);
}

static int dhcpcd_create(struct dp_op *op, const void *want)
{
	return proc_create(op, &kind, want);
}

static int dhcpcd_remove(struct dp_op *op, const void *have)
{
	return proc_remove(op, &kind, have);
}

static int dhcpcd_observe(struct dp *dp)
{
	return proc_observe(dp, &kind);
}

const struct dp_type dp_dhcpcd_type = {
	.name = "dhcpcd",
	.size = sizeof(struct dp_dhcpcd),
	.key = dhcpcd_key,
	.diff = dhcpcd_diff,
	.needs = dhcpcd_needs,
	.print = dhcpcd_print,
	.create = dhcpcd_create,
	.remove = dhcpcd_remove,
	.cancel = proc_cancel,
	.observe = dhcpcd_observe,
	.timeout_ms = 20000,
	.aside = true,
};
