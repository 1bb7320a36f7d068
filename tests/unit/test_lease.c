/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "dataplane/lease.h"

/* ---- The file ---- */

static int parse(const char *text, struct dp_lease *ret)
{
	return dp_lease_parse(text, strlen(text), ret);
}

/* EVE's netmonitor: DHCP lease parser. */
static void file_survives_reading_and_writing(void **state)
{
	static const char text[] = "reason=BOUND\n"
				   "address=10.9.0.94/24\n"
				   "router=10.9.0.1\n"
				   "dns=10.9.0.1 10.9.0.2\n"
				   "ntp=10.9.0.3\n"
				   "route=10.77.0.0/16,10.9.0.5 10.78.0.0/16\n"
				   "domain=example.net\n"
				   "search=a.example b.example\n"
				   "wpad=http://wpad.example:8080/a.pac?x=1\n"
				   "mtu=1400\n"
				   "lease=120\n"
				   "expires=4000\n";
	_cleanup_(strbuf_fini) struct strbuf out = STRBUF_INIT;
	struct dp_lease lease;

	(void)state;
	assert_int_equal(parse(text, &lease), 0);
	dp_lease_format(&lease, &out);
	assert_string_equal(strbuf_str(&out), text);
	assert_int_equal(lease.addr[0].len, 24);
	assert_int_equal(lease.dnss, 2);
	assert_int_equal(lease.routes, 2);
	assert_false(ipaddr_is_set(&lease.route[1].gateway));
}

static void file_with_ipv6_survives(void **state)
{
	static const char text[] = "reason=BOUND6\naddress=fd00:9::13a/128 fd00:9::1/64\n"
				   "router=fe80::1\ndns=fd00:9::1\nroute=fd01::/48,fe80::2\n";
	_cleanup_(strbuf_fini) struct strbuf out = STRBUF_INIT;
	struct dp_lease lease;

	(void)state;
	assert_int_equal(parse(text, &lease), 0);
	dp_lease_format(&lease, &out);
	assert_string_equal(strbuf_str(&out), text);
}

/* EVE's netmonitor: DHCP lease parser. */
static void file_is_refused_when_a_value_is_bad(void **state)
{
	static const char *const bad[] = {
		"", /* no reason */
		"address=10.0.0.1/24\n",
		"reason=BOUND\naddress\n",
		"reason=BO UND\n",
		"reason=BOUND\naddress=10.0.0.256/24\n",
		"reason=BOUND\ndns=10.0.0.1,10.0.0.2\n",
		("reason=BOUND\ndns=1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 "
		 "1.1.1.1 1.1.1.1\n"),
		"reason=BOUND\ndomain=$(reboot)\n",
		"reason=BOUND\nwpad=http://$(reboot)/\n",
		"reason=BOUND\nwpad=file:///etc/passwd\n",
		"reason=BOUND\nmtu=65536\n",
		"reason=BOUND\nmtu=-1\n",
		"reason=BOUND\nexpires=99999999999999999999999\n",
		"reason=BOUND\nroute=10.0.0.0/8,fe80::1\n",
		"reason=NAMETOOLONGFORAREASON\n",
	};
	struct dp_lease lease = { .reason = "untouched" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse(bad[i], &lease), -EINVAL);
	assert_int_equal(dp_lease_parse("reason=A\0B\n", 11, &lease), -EINVAL);
	assert_string_equal(lease.reason, "untouched");
}

static void unknown_keys_are_passed_over(void **state)
{
	struct dp_lease lease;

	(void)state;
	assert_int_equal(parse("reason=BOUND\nfuture=a b c\n", &lease), 0);
}

static void merge_joins_dhcp_and_advertisements(void **state)
{
	struct dp_lease dhcp, ra, both;

	(void)state;
	assert_int_equal(
		parse("reason=BOUND6\naddress=fd00::1/128\ndns=fd00::53\nexpires=100\n", &dhcp), 0);
	assert_int_equal(parse("reason=ROUTERADVERT\naddress=fd00::2/64\nrouter=fe80::1\n"
			       "dns=fd00::53 fd00::54\nmtu=1480\nsearch=a.example\n",
			       &ra),
			 0);
	dp_lease_merge(&dhcp, &ra, &both);
	assert_int_equal(both.addrs, 2);
	assert_int_equal(both.routers, 1);
	assert_int_equal(both.dnss, 2); /* the one both gave is there once */
	assert_int_equal(both.mtu_bytes, 1480);
	assert_string_equal(both.search, "a.example");
	assert_true(both.expires_s == 0); /* the advertisement's part goes on */
	dp_lease_merge(NULL, &ra, &both);
	assert_memory_equal(&both, &ra, sizeof(ra));
}

/* ---- The hook ---- */

static const char *from_list(const char *name, void *arg)
{
	const char *const *env = arg;

	for (; *env; env += 2)
		if (strcmp(env[0], name) == 0)
			return env[1];
	return NULL;
}

static enum dp_lease_action run_hook(const char *const *env, const char **ret_part,
				     struct dp_lease *ret)
{
	return dp_lease_from_env(from_list, (void *)env, 1000, ret_part, ret);
}

static void assert_lease(const struct dp_lease *lease, const char *expected)
{
	_cleanup_(strbuf_fini) struct strbuf out = STRBUF_INIT;

	dp_lease_format(lease, &out);
	assert_string_equal(strbuf_str(&out), expected);
}

/* What dhcpcd says in env is stored as that part of the lease. */
static void stores(const char *const *env, const char *part, const char *expected)
{
	const char *told;
	struct dp_lease lease;

	assert_int_equal(run_hook(env, &told, &lease), DP_LEASE_STORE);
	assert_string_equal(told, part);
	assert_lease(&lease, expected);
}

static void hook_stores_a_dhcpv4_lease(void **state)
{
	static const char *const env[] = { "reason",
					   "BOUND",
					   "new_ip_address",
					   "10.9.0.94",
					   "new_subnet_cidr",
					   "24",
					   "new_routers",
					   "10.9.0.1",
					   "new_domain_name_servers",
					   "10.9.0.1 10.9.0.2",
					   "new_domain_name",
					   "example.net",
					   "new_domain_search",
					   "a.example b.example",
					   "new_ntp_servers",
					   "10.9.0.1",
					   "new_interface_mtu",
					   "1400",
					   "new_dhcp_lease_time",
					   "120",
					   NULL };

	(void)state;
	stores(env, "4",
	       "reason=BOUND\naddress=10.9.0.94/24\nrouter=10.9.0.1\n"
	       "dns=10.9.0.1 10.9.0.2\nntp=10.9.0.1\ndomain=example.net\n"
	       "search=a.example b.example\nmtu=1400\nlease=120\nexpires=1120\n");
}

static void wpad_url_is(const char *told, const char *want)
{
	const char *const env[] = { "reason",
				    "BOUND",
				    "new_ip_address",
				    "10.9.0.94",
				    "new_subnet_cidr",
				    "24",
				    "new_wpad_url",
				    told,
				    NULL };
	const char *part;
	struct dp_lease lease;

	assert_int_equal(run_hook(env, &part, &lease), DP_LEASE_STORE);
	assert_string_equal(lease.wpad_url, want);
}

static void hook_takes_option_252_if_it_is_a_url(void **state)
{
	char longer[HTTP_URL_MAX + 16];

	(void)state;
	wpad_url_is("http://wpad.example/wpad.dat", "http://wpad.example/wpad.dat");
	wpad_url_is("https://192.0.2.7:8443/a?b=c\\000", "https://192.0.2.7:8443/a?b=c");
	wpad_url_is("http://wpad.example/wpad.dat\n", "http://wpad.example/wpad.dat");
	wpad_url_is("", "");
	wpad_url_is("\n", "");
	wpad_url_is("wpad.example/wpad.dat", "");
	wpad_url_is("file:///etc/passwd", "");
	wpad_url_is("ftp://wpad.example/a", "");
	wpad_url_is("http://joe:secret@wpad.example/a", "");
	wpad_url_is("http://wpad.example/\"$(reboot)", "");
	snprintf(longer, sizeof(longer), "http://wpad.example/%0*d", HTTP_URL_MAX - 20, 1);
	wpad_url_is(longer, "");
}

static void hook_prefers_classless_routes_to_routers(void **state)
{
	static const char *const env[] = {
		"reason",
		"REBOOT",
		"new_ip_address",
		"10.9.0.94",
		"new_subnet_cidr",
		"24",
		"new_routers",
		"10.9.0.1",
		"new_dhcp_lease_time",
		"4294967295", /* without end */
		"new_classless_static_routes",
		"10.77.0.0/16 10.9.0.5 0.0.0.0/0 10.9.0.7 10.78.0.0/16 0.0.0.0",
		NULL
	};

	(void)state;
	stores(env, "4",
	       "reason=REBOOT\naddress=10.9.0.94/24\nrouter=10.9.0.7\n"
	       "route=10.77.0.0/16,10.9.0.5 10.78.0.0/16\n");
}

static void hook_leaves_out_what_is_outside_of_policy(void **state)
{
	static const char *const env[] = { "reason",
					   "BOUND",
					   "new_ip_address",
					   "10.9.0.94",
					   "new_subnet_cidr",
					   "24",
					   "new_routers",
					   "10.9.0.1;reboot 0.0.0.0 10.9.0.1",
					   "new_domain_name",
					   "`reboot`",
					   "new_domain_search",
					   "a.example $(x) b.example",
					   "new_domain_name_servers",
					   "not-an-address",
					   "new_interface_mtu",
					   "12",
					   "new_dhcp_lease_time",
					   "99999999999",
					   NULL };

	(void)state;
	stores(env, "4",
	       "reason=BOUND\naddress=10.9.0.94/24\nrouter=10.9.0.1\n"
	       "search=a.example b.example\n");
}

static void hook_stores_a_dhcpv6_lease(void **state)
{
	static const char *const env[] = { "reason",
					   "BOUND6",
					   "new_dhcp6_ia_na1_ia_addr1",
					   "fd00:9::155",
					   "new_dhcp6_ia_na1_ia_addr1_vltime",
					   "120",
					   "new_dhcp6_ia_na1_ia_addr2",
					   "fd00:9::156",
					   "new_dhcp6_ia_na1_ia_addr2_vltime",
					   "60",
					   "new_dhcp6_name_servers",
					   "fd00:9::1",
					   "new_dhcp6_ntp_server_addr",
					   "fd00:9::2",
					   "new_dhcp6_domain_search",
					   "a.example",
					   NULL };

	(void)state;
	stores(env, "6",
	       "reason=BOUND6\naddress=fd00:9::155/128 fd00:9::156/128\n"
	       "dns=fd00:9::1\nntp=fd00:9::2\nsearch=a.example\n"
	       "lease=120\nexpires=1120\n");
}

static void hook_stores_router_advertisements(void **state)
{
	static const char *const env[] = { "reason",
					   "ROUTERADVERT",
					   "nd1_from",
					   "fe80::1",
					   "nd1_lifetime",
					   "1800",
					   "nd1_acquired",
					   "50",
					   "nd1_now",
					   "60",
					   "nd1_addr1",
					   "fd00:9::3c96:5aff:fe8c:5460/64",
					   "nd1_mtu",
					   "1500",
					   "nd1_rdnss1_servers",
					   "fd00:9::1",
					   "nd2_from",
					   "fe80::2", /* no default router any more */
					   "nd2_lifetime",
					   "5",
					   "nd2_acquired",
					   "50",
					   "nd2_now",
					   "60",
					   NULL };

	(void)state;
	stores(env, "ra",
	       "reason=ROUTERADVERT\naddress=fd00:9::3c96:5aff:fe8c:5460/64\n"
	       "router=fe80::1\ndns=fd00:9::1\nmtu=1500\n");
}

static void hook_drops_what_ended_and_keeps_the_rest(void **state)
{
	static const struct {
		const char *reason;
		enum dp_lease_action action;
		const char *part;
	} cases[] = {
		{ "EXPIRE", DP_LEASE_DROP, "4" },	 { "NAK", DP_LEASE_DROP, "4" },
		{ "STOP", DP_LEASE_DROP, "4" },		 { "STOP6", DP_LEASE_DROP, "6" },
		{ "ROUTERADVERT", DP_LEASE_DROP, "ra" }, { "STOPPED", DP_LEASE_DROP, "*" },
		{ "PREINIT", DP_LEASE_KEEP, NULL },	 { "NOCARRIER", DP_LEASE_KEEP, NULL },
		{ "RECONFIGURE", DP_LEASE_KEEP, NULL },	 { "", DP_LEASE_KEEP, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *const env[] = { "reason", cases[i].reason, NULL };
		const char *part = NULL;
		struct dp_lease lease;

		assert_int_equal(run_hook(env, &part, &lease), cases[i].action);
		if (cases[i].part)
			assert_string_equal(part, cases[i].part);
	}
}

/* ---- The watch ---- */

static char run_dir[64];

static int make_run_dir(void **state)
{
	(void)state;
	strcpy(run_dir, "/tmp/test_lease.XXXXXX");
	return mkdtemp(run_dir) ? 0 : -1;
}

static int remove_run_dir(void **state)
{

	(void)state;
	return dir_remove(run_dir);
}

static void put(const char *name, const char *text)
{
	_cleanup_(freep) char *path = xasprintf("%s/nim/lease/%s", run_dir, name);

	if (text)
		assert_int_equal(file_replace_volatile(path, text, strlen(text), 0644), 0);
	else
		assert_int_equal(unlink(path), 0);
}

struct told {
	struct event_base *base;
	struct strbuf text;
	struct dp_lease_watch *free_me;
};

static void tell(const struct ifname *ifname, int family, const struct dp_lease *lease, void *arg)
{
	struct told *told = arg;

	strbuf_addf(&told->text, "%s/%d:", ifname->str, family == AF_INET ? 4 : 6);
	if (!lease)
		strbuf_add(&told->text, "none");
	for (unsigned int i = 0; lease && i < lease->addrs; i++) {
		strbuf_add(&told->text, i ? "+" : "");
		prefix_format(&lease->addr[i], &told->text);
	}
	strbuf_addc(&told->text, ' ');
	event_base_loopbreak(told->base);
	told->free_me = dp_lease_watch_free(told->free_me);
}

/* The next call within 5 s, or nothing. */
static void assert_told(struct told *told, const char *expected)
{
	if (!told->text.len) {
		event_base_loopexit(told->base, &(struct timeval){ .tv_sec = 5 });
		event_base_dispatch(told->base);
	}
	assert_string_equal(strbuf_str(&told->text), expected);
	strbuf_reset(&told->text);
}

static void watch_tells_of_each_change(void **state)
{
	struct event_base *base = event_base_new();
	struct told told = { .base = base };
	struct dp_lease_watch *watch;
	_cleanup_(freep) char *soon = NULL;

	(void)state;
	put("eth0.4", "reason=BOUND\naddress=10.0.0.2/24\n");
	assert_int_equal(dp_lease_watch_new(base, run_dir, "nim", tell, &told, &watch), 0);
	assert_told(&told, "eth0/4:10.0.0.2/24 ");
	put("eth0.4", "reason=RENEW\naddress=10.0.0.3/24\n");
	assert_told(&told, "eth0/4:10.0.0.3/24 ");
	put("eth0.10.ra", "reason=ROUTERADVERT\naddress=fd00::2/64\n"); /* a VLAN's name */
	assert_told(&told, "eth0.10/6:fd00::2/64 ");
	put("eth0.10.6", "reason=BOUND6\naddress=fd00::1/128\n");
	assert_told(&told, "eth0.10/6:fd00::1/128+fd00::2/64 ");
	dp_lease_watch_repeat(watch);
	assert_told(&told, "eth0/4:10.0.0.3/24 eth0.10/6:fd00::1/128+fd00::2/64 ");
	put("eth0.10.ra", NULL);
	assert_told(&told, "eth0.10/6:fd00::1/128 ");
	soon = xasprintf("reason=RENEW\naddress=10.0.0.4/24\nexpires=%llu\n",
			 (unsigned long long)dp_lease_clock() + 3);
	put("eth0.4", soon);
	assert_told(&told, "eth0/4:10.0.0.4/24 ");
	assert_told(&told, "eth0/4:none "); /* its time is over, though the file is there */
	put("eth0.10.6", "reason=nonsense here\n");
	assert_told(&told, "eth0.10/6:none ");
	dp_lease_watch_free(watch);
	strbuf_fini(&told.text);
	event_base_free(base);
}

static void watch_may_be_freed_by_its_callback(void **state)
{
	struct event_base *base = event_base_new();
	struct told told = { .base = base };

	(void)state;
	put("eth9.keep", "nothing"); /* foreign files do not matter */
	assert_int_equal(dp_lease_watch_new(base, run_dir, "nim", tell, &told, &told.free_me), 0);
	put("eth0.4", "reason=BOUND\naddress=10.0.0.2/24\n");
	put("eth1.4", "reason=BOUND\naddress=10.0.0.2/24\n");
	assert_told(&told, "eth0/4:10.0.0.2/24 ");
	strbuf_fini(&told.text);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_survives_reading_and_writing),
		cmocka_unit_test(file_with_ipv6_survives),
		cmocka_unit_test(file_is_refused_when_a_value_is_bad),
		cmocka_unit_test(unknown_keys_are_passed_over),
		cmocka_unit_test(merge_joins_dhcp_and_advertisements),
		cmocka_unit_test(hook_stores_a_dhcpv4_lease),
		cmocka_unit_test(hook_takes_option_252_if_it_is_a_url),
		cmocka_unit_test(hook_prefers_classless_routes_to_routers),
		cmocka_unit_test(hook_leaves_out_what_is_outside_of_policy),
		cmocka_unit_test(hook_stores_a_dhcpv6_lease),
		cmocka_unit_test(hook_stores_router_advertisements),
		cmocka_unit_test(hook_drops_what_ended_and_keeps_the_rest),
		cmocka_unit_test_setup_teardown(watch_tells_of_each_change, make_run_dir,
						remove_run_dir),
		cmocka_unit_test_setup_teardown(watch_may_be_freed_by_its_callback, make_run_dir,
						remove_run_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
