/* SPDX-License-Identifier: Apache-2.0 */
/* What a change of ports means to instances, field by field. */
#include "tests/unit/zr_world.h"

#define SELF ZR_TOUCH_SELF
#define WAY ZR_TOUCH_WAY
#define MAPS ZR_TOUCH_MAPS
#define STATUS ZR_TOUCH_STATUS

/* a is in use, b stands by, c has another label. */
static void make_ports(struct zr_world *w)
{
	zr_ports(w, "{'ports':[{'logicallabel':'a','ifname':'eth0','labels':['uplink'],'mtu':1500,"
		    "'usable4':true,'usable6':true,'mark':16777216,"
		    "'gateway4':'192.0.2.1','gateway6':'fe80::1',"
		    "'addresses':['192.0.2.7/24','2001:db8::7/64'],'dns_servers':['192.0.2.53'],"
		    "'ntp_servers':['192.0.2.123','2001:db8::123']},"
		    "{'logicallabel':'b','ifname':'eth1','labels':['uplink'],'mtu':1500,'cost':10,"
		    "'usable4':true,'usable6':true,'mark':33554432,"
		    "'gateway4':'198.51.100.1','addresses':['198.51.100.7/24','2001:db8:2::7/64'],"
		    "'dns_servers':['198.51.100.53'],'ntp_servers':['198.51.100.123']},"
		    "{'logicallabel':'c','ifname':'eth2','labels':['other'],'mtu':1400,"
		    "'usable4':true,'mark':50331648,'addresses':['203.0.113.7/24']}]}");
}

typedef void change_fn(struct zr_ports *ports);

/* What the change means to those who follow "uplink". */
static unsigned int touched(struct zr_world *w, int family, change_fn *change)
{
	struct zr_ports *now = xmemdup(&w->model.ports, sizeof(*now));
	struct zr_uplink u = { .family = (uint8_t)family, .label = "uplink" };
	struct zr_uplink before;
	unsigned int ret;

	zr_uplink_pick(&w->model.ports, -1, &u);
	before = u;
	change(now);
	zr_uplink_pick(now, zr_port_find(now, w->model.ports.port[u.port[0]].label), &u);
	ret = zr_uplink_touched(&before, &w->model.ports, &u, now);
	free(now);
	return ret;
}

#define CHANGE(name, code)                                                                         \
	static void name(struct zr_ports *p)                                                       \
	{                                                                                          \
		code;                                                                              \
	}

CHANGE(nothing, (void)p)
CHANGE(gateway4, ipaddr_parse("192.0.2.9", &p->port[0].gateway4))
CHANGE(gateway6, ipaddr_parse("fe80::9", &p->port[0].gateway6))
CHANGE(is_mgmt, p->port[0].is_mgmt = true)
CHANGE(cost_in_order, p->port[0].cost = 5)
CHANGE(cost_of_b, p->port[1].cost = 5)
CHANGE(held_alone, p->port[1].held4 = p->port[1].held6 = true)
CHANGE(mtu, p->port[0].mtu_bytes = 1400)
CHANGE(mtu_of_b, p->port[1].mtu_bytes = 1400)
CHANGE(ifname_of_a, strcpy(p->port[0].ifname.str, "eth9"))
CHANGE(ifname_of_b, strcpy(p->port[1].ifname.str, "eth9"))
CHANGE(mark, p->port[1].mark = 0x7000000)
CHANGE(quota_of_a, p->port[0].over_quota = true)
CHANGE(quota_of_b, p->port[1].over_quota = true)
CHANGE(host_part, prefix_parse("192.0.2.8/24", &p->port[0].addrs[0]))
CHANGE(subnet4, prefix_parse("192.0.3.8/24", &p->port[0].addrs[0]))
CHANGE(subnet6, prefix_parse("2001:db8:9::7/64", &p->port[0].addrs[1]))
CHANGE(one_address_less, p->port[0].naddrs = 1)
CHANGE(subnet_of_b, prefix_parse("198.51.101.8/24", &p->port[1].addrs[0]))
CHANGE(dns, ipaddr_parse("192.0.2.54", &p->port[0].dns[0]))
CHANGE(no_dns, p->port[0].ndns = 0)
CHANGE(dns_of_b, ipaddr_parse("192.0.2.54", &p->port[1].dns[0]))
CHANGE(ntp, strcpy(p->port[0].ntp[0], "192.0.2.124"))
CHANGE(ntp_of_b, p->port[1].nntp = 0)
CHANGE(b_is_lost, p->port[1].usable4 = p->port[1].usable6 = false)
CHANGE(a_is_lost, p->port[0].usable4 = p->port[0].usable6 = false)
CHANGE(a_is_lost_to_4, p->port[0].usable4 = false)
CHANGE(a_is_held, p->port[0].held4 = p->port[0].held6 = true)
CHANGE(all_are_lost,
       p->port[0].usable4 = p->port[0].usable6 = p->port[1].usable4 = p->port[1].usable6 = false)
CHANGE(one_more_label, strcpy(p->port[0].labels[p->port[0].nlabels++], "more"))
CHANGE(label_goes, p->port[1].nlabels = 0)
CHANGE(label_comes, strcpy(p->port[2].labels[0], "uplink"))
CHANGE(b_is_taken_away, p->port[1] = p->port[2]; p->count = 2)
CHANGE(c_is_taken_away, p->count = 2)
CHANGE(order, struct zr_port a = p->port[0]; p->port[0] = p->port[1]; p->port[1] = a)
CHANGE(all_of_c, p->port[2].usable4 = false; p->port[2].mtu_bytes = 1300; p->port[2].naddrs = 0;
       p->port[2].over_quota = true; strcpy(p->port[2].ifname.str, "eth9"))

static void each_field_touches_who_uses_it(void **state)
{
	struct zr_world *w = *state;
	static const struct {
		const char *name;
		change_fn *change;
		unsigned int four, six;
	} cases[] = {
#define CASE(change, four, six) { #change, change, four, six }
		/* By the group of next hops, or not at all. */
		CASE(nothing, 0, 0),
		CASE(gateway4, 0, 0),
		CASE(gateway6, 0, 0),
		CASE(is_mgmt, 0, 0),
		CASE(cost_in_order, 0, 0),
		CASE(cost_of_b, 0, 0),
		CASE(held_alone, 0, 0),
		CASE(order, 0, 0),
		CASE(all_of_c, 0, 0),
		CASE(c_is_taken_away, 0, 0),
		/* Every port of the label counts. */
		CASE(mtu, SELF, SELF),
		CASE(mtu_of_b, SELF, SELF),
		CASE(mark, SELF, SELF),
		CASE(ifname_of_a, SELF | MAPS | WAY, SELF | MAPS | WAY),
		CASE(ifname_of_b, SELF | MAPS, SELF | MAPS),
		CASE(quota_of_a, SELF | MAPS | WAY | STATUS, SELF | MAPS | WAY | STATUS),
		CASE(quota_of_b, SELF | MAPS | STATUS, SELF | MAPS | STATUS),
		CASE(label_goes, SELF | MAPS | STATUS, SELF | MAPS | STATUS),
		CASE(label_comes, SELF | MAPS | STATUS, SELF | MAPS),
		CASE(b_is_taken_away, SELF | MAPS | STATUS, SELF | MAPS | STATUS),
		/* Port maps are on the addresses of all. */
		CASE(host_part, MAPS, MAPS),
		CASE(subnet_of_b, MAPS, MAPS),
		CASE(one_more_label, MAPS, MAPS),
		/* Only the ports in use count. */
		CASE(subnet4, MAPS | WAY, MAPS),
		CASE(subnet6, MAPS, MAPS | WAY),
		CASE(one_address_less, MAPS, MAPS | WAY),
		CASE(dns, WAY, WAY),
		CASE(no_dns, WAY, WAY),
		CASE(dns_of_b, 0, 0),
		CASE(ntp, WAY, SELF),
		CASE(ntp_of_b, 0, 0),
		/* Fail-over: no instance is made again as a whole, unless its DHCPv6 options are others. */
		CASE(b_is_lost, STATUS, STATUS),
		CASE(a_is_lost, WAY | STATUS, WAY | STATUS | SELF),
		CASE(a_is_lost_to_4, WAY | STATUS, 0),
		CASE(a_is_held, WAY | STATUS, WAY | STATUS | SELF),
		CASE(all_are_lost, WAY | STATUS, WAY | STATUS | SELF),
	};

	make_ports(w);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int four = touched(w, AF_INET, cases[i].change);
		unsigned int six = touched(w, AF_INET6, cases[i].change);

		if (four != cases[i].four || six != cases[i].six)
			fail_msg("%s: %x %x", cases[i].name, four, six);
	}
}

static void subnets_of_each_port_in_use_count(void **state)
{
	struct zr_world *w = *state;
	struct zr_uplink u = { .family = AF_INET, .label = "uplink", .sharing = true };
	struct zr_ports *now;

	make_ports(w);
	w->model.ports.port[1].cost = 0;
	now = xmemdup(&w->model.ports, sizeof(*now));
	zr_uplink_pick(now, -1, &u);
	assert_int_equal(u.in_use, 2);
	subnet_of_b(now);
	assert_int_equal(zr_uplink_touched(&u, &w->model.ports, &u, now), MAPS | WAY);
	dns_of_b(now); /* the first one's count */
	assert_int_equal(zr_uplink_touched(&u, &w->model.ports, &u, now), MAPS | WAY);
	free(now);
}

static void ports_in_use_are_news_once(void **state)
{
	struct zr_world *w = *state;
	struct zr_uplink u = { .family = AF_INET, .label = "uplink" };
	struct zr_ports *ports = &w->model.ports;
	_cleanup_(strbuf_fini) struct strbuf out = STRBUF_INIT;

	make_ports(w);
	assert_false(zr_uplink_news(ports, &u, &out)); /* there was none, and is none */
	zr_uplink_pick(ports, -1, &u);
	assert_true(zr_uplink_news(ports, &u, &out));
	assert_string_equal(strbuf_str(&out), "a");
	assert_false(zr_uplink_news(ports, &u, &out));
	order(ports); /* the same one in another place */
	zr_uplink_pick(ports, 1, &u);
	assert_false(zr_uplink_news(ports, &u, &out));
	ports->port[0] = ports->port[2]; /* b is taken away, and a has another place again */
	ports->count = 2;
	zr_uplink_pick(ports, 1, &u);
	assert_false(zr_uplink_news(ports, &u, &out));
	ports->port[1].usable4 = false;
	zr_uplink_pick(ports, 1, &u);
	strbuf_reset(&out);
	assert_true(zr_uplink_news(ports, &u, &out));
	assert_string_equal(strbuf_str(&out), "none");
	make_ports(w);
	u.sharing = true;
	ports->port[1].cost = 0;
	zr_uplink_pick(ports, -1, &u);
	strbuf_reset(&out);
	assert_true(zr_uplink_news(ports, &u, &out));
	assert_string_equal(strbuf_str(&out), "a,b");
	free(u.told);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, zr_setup, zr_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_field_touches_who_uses_it),
		TEST(subnets_of_each_port_in_use_count),
		TEST(ports_in_use_are_news_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
