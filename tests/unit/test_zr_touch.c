/* SPDX-License-Identifier: Apache-2.0 */
/* What a change of ports means to instances, field by field. */
#include "tests/unit/zr_world.h"

#define SELF ZR_TOUCH_SELF
#define ROUTES ZR_TOUCH_ROUTES
#define SERVER ZR_TOUCH_SERVER
#define FIRST ZR_TOUCH_FIRST
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

/* What the change means to those who follow "uplink"; undone afterwards. */
static unsigned int touched(struct zr_world *w, int family, bool sharing, change_fn *change)
{
	struct zr_uplink *u = zr_uplink_use(&w->model, "uplink", family, sharing);
	struct zr_ports *was = xmemdup(&w->model.ports, sizeof(*was));
	struct zr_ports *now = xcalloc(1, sizeof(*now));
	unsigned int ret;

	change(&w->model.ports);
	zr_uplinks_choose(&w->model, was);
	ret = u->touched;
	*now = w->model.ports;
	w->model.ports = *was;
	zr_uplinks_choose(&w->model, now);
	zr_uplink_leave(u);
	free(was);
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
		CASE(mark, SELF | ROUTES, SELF | ROUTES),
		CASE(ifname_of_a, SELF | MAPS | FIRST | SERVER, SELF | MAPS | FIRST | SERVER),
		CASE(ifname_of_b, SELF | MAPS, SELF | MAPS),
		CASE(quota_of_a, SELF | MAPS | ROUTES | FIRST | SERVER | STATUS,
		     SELF | MAPS | ROUTES | FIRST | SERVER | STATUS),
		CASE(quota_of_b, SELF | MAPS | ROUTES | STATUS, SELF | MAPS | ROUTES | STATUS),
		CASE(label_goes, SELF | MAPS | ROUTES | STATUS, SELF | MAPS | ROUTES | STATUS),
		CASE(label_comes, SELF | MAPS | ROUTES | STATUS, SELF | MAPS),
		CASE(b_is_taken_away, SELF | MAPS | ROUTES | STATUS, SELF | MAPS | ROUTES | STATUS),
		/* Port maps are on the addresses of all, routes lead into the subnets of all. */
		CASE(host_part, MAPS, MAPS),
		CASE(subnet_of_b, MAPS | ROUTES, MAPS),
		CASE(one_more_label, MAPS, MAPS),
		CASE(subnet4, MAPS | ROUTES | SERVER, MAPS),
		CASE(subnet6, MAPS, MAPS | ROUTES | SERVER),
		CASE(one_address_less, MAPS, MAPS | ROUTES | SERVER),
		/* Only the port that comes first counts. */
		CASE(dns, SERVER, SERVER),
		CASE(no_dns, SERVER, SERVER),
		CASE(dns_of_b, 0, 0),
		CASE(ntp, SERVER, SERVER),
		CASE(ntp_of_b, 0, 0),
		/* Fail-over: no route is another, and no instance is made again as a whole. */
		CASE(b_is_lost, STATUS, STATUS),
		CASE(a_is_lost, FIRST | SERVER | STATUS, FIRST | SERVER | STATUS),
		CASE(a_is_lost_to_4, FIRST | SERVER | STATUS, 0),
		CASE(a_is_held, FIRST | SERVER | STATUS, FIRST | SERVER | STATUS),
		CASE(all_are_lost, ROUTES | FIRST | SERVER | STATUS,
		     ROUTES | FIRST | SERVER | STATUS),
	};

	make_ports(w);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned int four = touched(w, AF_INET, false, cases[i].change);
		unsigned int six = touched(w, AF_INET6, false, cases[i].change);

		if (four != cases[i].four || six != cases[i].six)
			fail_msg("%s: %x %x", cases[i].name, four, six);
	}
}

static void one_more_or_less_that_shares_is_no_other_route(void **state)
{
	struct zr_world *w = *state;

	make_ports(w);
	w->model.ports.port[1].cost = 0;
	assert_int_equal(touched(w, AF_INET, true, b_is_lost), STATUS);
	assert_int_equal(touched(w, AF_INET, true, subnet_of_b), MAPS | ROUTES);
	assert_int_equal(touched(w, AF_INET, true, dns_of_b), 0); /* the first one's count */
}

CHANGE(same_subnet, prefix_parse("192.0.2.99/24", &p->port[1].addrs[0]))

static void subnet_of_two_ports_is_that_of_the_one_in_use(void **state)
{
	struct zr_world *w = *state;
	struct zr_link links[ZR_LINKS];
	struct zr_uplink *u;

	make_ports(w);
	assert_int_equal(touched(w, AF_INET, false, same_subnet), MAPS | ROUTES);
	same_subnet(&w->model.ports);
	assert_int_equal(touched(w, AF_INET, false, a_is_lost_to_4),
			 ROUTES | FIRST | SERVER | STATUS);
	u = zr_uplink_use(&w->model, "uplink", AF_INET, false);
	assert_int_equal(zr_uplink_links(u, &w->model.ports, links), 1);
	assert_int_equal(links[0].port, 0);
	zr_uplink_leave(u);
}

static void numbers_of_links_live_as_long_as_somebody_has_the_label(void **state)
{
	struct zr_world *w = *state;
	struct zr_uplink *four, *six;

	make_ports(w);
	four = zr_uplink_use(&w->model, "uplink", AF_INET, false);
	six = zr_uplink_use(&w->model, "uplink", AF_INET6, false);
	assert_int_not_equal(four->link[0], 0);
	assert_int_not_equal(four->link[0], four->number);
	assert_int_not_equal(four->link[1], four->link[0]);
	assert_int_equal(six->link[0], four->link[0]); /* ids tell the versions of IP apart */
	assert_int_equal(four->link[2], 0); /* of another label */
	assert_true(zr_uplink_has_name(&w->model, "uplink/1-uplink"));
	assert_false(zr_uplink_has_name(&w->model, "uplink/1+uplink"));
	assert_false(zr_uplink_has_name(&w->model, "else/1-uplink"));
	zr_uplink_leave(four);
	zr_uplinks_purge(&w->model);
	assert_int_not_equal(numbers_find(w->model.uplink_numbers, "uplink/1-uplink"), 0);
	zr_uplink_leave(six);
	zr_uplinks_purge(&w->model);
	assert_int_equal(numbers_find(w->model.uplink_numbers, "uplink/1-uplink"), 0);
	assert_false(zr_uplink_has_name(&w->model, "uplink/1-uplink"));
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
		TEST(one_more_or_less_that_shares_is_no_other_route),
		TEST(subnet_of_two_ports_is_that_of_the_one_in_use),
		TEST(numbers_of_links_live_as_long_as_somebody_has_the_label),
		TEST(ports_in_use_are_news_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
