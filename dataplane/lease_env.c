/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dhcpcd's environment (dhcpcd-run-hooks(8)) as a lease. Its strings come from the network: each
 * value is parsed here or left out, nothing is passed on as text but plain names.
 */
#include <stdarg.h>
#include <string.h>

#include "base/cleanup.h"
#include "dataplane/lease.h"
#include "dataplane/lease_text.h"

#define INDEX_MAX 16 /* nd1_…, nd2_…: beyond this many none is looked for */

struct env {
	dp_lease_getenv_fn *get;
	void *arg;
	uint64_t now_s;
};

static const char *env_get(const struct env *env, const char *name)
{
	const char *value = env->get(name, env->arg);

	return value ? value : "";
}

static const char *env_getf(const struct env *env, const char *fmt, ...)
	__attribute__((__format__(__printf__, 2, 3)));
static const char *env_getf(const struct env *env, const char *fmt, ...)
{
	char name[96];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	return env_get(env, name);
}

/* Calls add for each word. What add refuses is left out. */
#define for_each_word(word, text)                                                                  \
	for (char *_copy _cleanup_(freep) = xstrdup(text), *_rest = _copy, *word;                  \
	     (word = strsep(&_rest, " "));)

static void add_servers(struct ipaddr *list, uint8_t *count, const char *text)
{
	for_each_word(word, text) lease_add_server(list, count, word);
}

static void add_search(struct dp_lease *lease, const char *text)
{
	for_each_word(word, text) lease_add_search(lease, word);
}

/* The end of a lease as granted for text seconds; 0xffffffff is RFC 2131's infinity. */
static void set_lease_time(const struct env *env, struct dp_lease *lease, const char *text)
{
	uint64_t n;

	if (lease_number(text, UINT32_MAX, &n) < 0 || n == 0 || n == UINT32_MAX)
		return;
	lease->lease_s = (uint32_t)n;
	lease->expires_s = env->now_s + n;
}

/* "DST GW DST GW …"; RFC 3442: when there are any, the router option does not count. */
static bool add_classless_routes(struct dp_lease *lease, const char *text)
{
	struct dp_lease_route route = { 0 };
	bool any = false, have_dst = false;

	for_each_word(word, text)
	{
		if (!have_dst) {
			have_dst = true;
			memset(&route, 0, sizeof(route));
			if (prefix_parse(word, &route.dst) < 0)
				return any;
			continue;
		}
		have_dst = false;
		if (ipaddr_parse(word, &route.gateway) < 0)
			return any;
		any = true;
		if (route.dst.len == 0) {
			lease_add_server(lease->router, &lease->routers, word);
			continue;
		}
		if (ipaddr_is_zero(&route.gateway))
			memset(&route.gateway, 0, sizeof(route.gateway));
		if (lease->routes < DP_LEASE_ROUTES)
			lease->route[lease->routes++] = route;
	}
	return any;
}

/* draft-ietf-wrec-wpad-01 4.4.1: a text without an end of its own, and some servers put one behind it:
 * a line's, or NUL, which dhcpcd writes as \\000. */
static void set_wpad_url(struct dp_lease *lease, const char *text)
{
	_cleanup_(freep) char *url = xstrndup(text, strcspn(text, " \t\r\n\\"));

	lease_url(url, lease->wpad_url);
}

static enum dp_lease_action from_dhcp4(const struct env *env, struct dp_lease *lease)
{
	const char *ip = env_get(env, "new_ip_address"), *cidr = env_get(env, "new_subnet_cidr");
	_cleanup_(freep) char *addr = xasprintf("%s%s%s", ip, *cidr ? "/" : "", cidr);
	uint64_t n;

	if (lease_add_addr(lease, addr) < 0)
		return DP_LEASE_DROP;
	if (!add_classless_routes(lease, env_get(env, "new_classless_static_routes")))
		add_servers(lease->router, &lease->routers, env_get(env, "new_routers"));
	add_servers(lease->dns, &lease->dnss, env_get(env, "new_domain_name_servers"));
	add_servers(lease->ntp, &lease->ntps, env_get(env, "new_ntp_servers"));
	lease_name(env_get(env, "new_domain_name"), lease->domain, sizeof(lease->domain));
	add_search(lease, env_get(env, "new_domain_search"));
	set_wpad_url(lease, env_get(env, "new_wpad_url"));
	/* RFC 2132 5.1: the smallest legal value is 68. */
	if (lease_number(env_get(env, "new_interface_mtu"), UINT16_MAX, &n) == 0 && n >= 68)
		lease->mtu_bytes = (uint16_t)n;
	set_lease_time(env, lease, env_get(env, "new_dhcp_lease_time"));
	return DP_LEASE_STORE;
}

/* An address of DHCPv6 or SLAAC; alone it is a host prefix (RFC 8415 says nothing of a subnet). */
static void add_addr6(const struct env *env, struct dp_lease *lease, const char *addr,
		      const char *valid_s)
{
	uint64_t n;

	if (lease_add_addr(lease, addr) < 0)
		return;
	if (lease_number(valid_s, UINT32_MAX, &n) == 0 && n != UINT32_MAX && n > lease->lease_s)
		set_lease_time(env, lease, valid_s);
}

static enum dp_lease_action from_dhcp6(const struct env *env, struct dp_lease *lease)
{
	for (int i = 1; i <= INDEX_MAX; i++) {
		for (int j = 1; j <= INDEX_MAX; j++) {
			const char *addr = env_getf(env, "new_dhcp6_ia_na%d_ia_addr%d", i, j);

			if (!*addr)
				break;
			add_addr6(env, lease, addr,
				  env_getf(env, "new_dhcp6_ia_na%d_ia_addr%d_vltime", i, j));
		}
	}
	add_servers(lease->dns, &lease->dnss, env_get(env, "new_dhcp6_name_servers"));
	add_servers(lease->ntp, &lease->ntps, env_get(env, "new_dhcp6_sntp_servers"));
	add_servers(lease->ntp, &lease->ntps, env_get(env, "new_dhcp6_ntp_server_addr"));
	for (int i = 1; i <= INDEX_MAX; i++)
		add_servers(lease->ntp, &lease->ntps,
			    env_getf(env, "new_dhcp6_ntp_server%d_addr", i));
	add_search(lease, env_get(env, "new_dhcp6_domain_search"));
	return lease->addrs || lease->dnss ? DP_LEASE_STORE : DP_LEASE_DROP;
}

/* Seconds the router of one advertisement still is a default router. */
static uint64_t router_lifetime(const struct env *env, int i)
{
	uint64_t lifetime = 0, acquired = 0, now = 0;

	lease_number(env_getf(env, "nd%d_lifetime", i), UINT16_MAX, &lifetime);
	lease_number(env_getf(env, "nd%d_acquired", i), UINT32_MAX, &acquired);
	lease_number(env_getf(env, "nd%d_now", i), UINT32_MAX, &now);
	return now > acquired + lifetime ? 0 : acquired + lifetime - now;
}

static void from_advertisement(const struct env *env, int i, struct dp_lease *lease)
{
	uint64_t n;

	if (router_lifetime(env, i) > 0)
		lease_add_server(lease->router, &lease->routers, env_getf(env, "nd%d_from", i));
	for (int j = 1; j <= INDEX_MAX; j++) {
		const char *addr = env_getf(env, "nd%d_addr%d", i, j);

		if (*addr)
			lease_add_addr(lease, addr);
		add_servers(lease->dns, &lease->dnss, env_getf(env, "nd%d_rdnss%d_servers", i, j));
		add_search(lease, env_getf(env, "nd%d_dnssl%d_search", i, j));
	}
	if (lease_number(env_getf(env, "nd%d_mtu", i), UINT16_MAX, &n) == 0 && n >= 1280)
		lease->mtu_bytes = (uint16_t)n;
}

/* One event lists all advertisements that count; dhcpcd tells of their expiry by another event,
 * so that these files themselves have no end. */
static enum dp_lease_action from_ra(const struct env *env, struct dp_lease *lease)
{
	for (int i = 1; i <= INDEX_MAX && *env_getf(env, "nd%d_from", i); i++)
		from_advertisement(env, i, lease);
	return lease->routers || lease->addrs || lease->dnss ? DP_LEASE_STORE : DP_LEASE_DROP;
}

static const struct {
	const char *reason;
	enum dp_lease_action action;
	const char *part;
} reasons[] = {
	{ "BOUND", DP_LEASE_STORE, "4" },
	{ "RENEW", DP_LEASE_STORE, "4" },
	{ "REBIND", DP_LEASE_STORE, "4" },
	{ "REBOOT", DP_LEASE_STORE, "4" },
	{ "TIMEOUT", DP_LEASE_STORE, "4" },
	{ "EXPIRE", DP_LEASE_DROP, "4" },
	{ "NAK", DP_LEASE_DROP, "4" },
	{ "STOP", DP_LEASE_DROP, "4" },
	{ "FAIL", DP_LEASE_DROP, "4" },
	{ "BOUND6", DP_LEASE_STORE, "6" },
	{ "RENEW6", DP_LEASE_STORE, "6" },
	{ "REBIND6", DP_LEASE_STORE, "6" },
	{ "REBOOT6", DP_LEASE_STORE, "6" },
	{ "INFORM6", DP_LEASE_STORE, "6" },
	{ "EXPIRE6", DP_LEASE_DROP, "6" },
	{ "STOP6", DP_LEASE_DROP, "6" },
	{ "ROUTERADVERT", DP_LEASE_STORE, "ra" },
	{ "STOPPED", DP_LEASE_DROP, "*" },
	{ "DEPARTED", DP_LEASE_DROP, "*" },
};

enum dp_lease_action dp_lease_from_env(dp_lease_getenv_fn *get, void *arg, uint64_t now_s,
				       const char **ret_part, struct dp_lease *ret)
{
	const struct env env = { get, arg, now_s };
	const char *reason = env_get(&env, "reason");
	enum dp_lease_action action;
	size_t i = 0;

	while (i < ARRAY_SIZE(reasons) && strcmp(reasons[i].reason, reason) != 0)
		i++;
	if (i == ARRAY_SIZE(reasons))
		return DP_LEASE_KEEP; /* PREINIT, CARRIER, NOCARRIER, RECONFIGURE… */
	*ret_part = reasons[i].part;
	if (reasons[i].action != DP_LEASE_STORE)
		return reasons[i].action;
	memset(ret, 0, sizeof(*ret));
	strcpy(ret->reason, reason);
	switch (reasons[i].part[0]) {
	case '4':
		action = from_dhcp4(&env, ret);
		break;
	case '6':
		action = from_dhcp6(&env, ret);
		break;
	default:
		action = from_ra(&env, ret);
		break;
	}
	return action;
}
