/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local profile server's wishes: what comes of them, where they stand in the list, what is told.
 * EVE: LPSConfig.
 */
#include "tests/unit/dpc_sim.h"

#include <errno.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "nim/dpc/dpc_list.h"
#include "nim/dpc/dpc_results.h"
#include "nim/lps/lps.h"

/* ---- Configurations as text ---- */

static ProtobufCMessage *parse(const ProtobufCMessageDescriptor *desc, const char *text)
{
	struct pbjson_error err = { "", "" };
	ProtobufCMessage *msg = NULL;

	if (pbjson_parse(desc, text, strlen(text), &msg, &err) < 0)
		fail_msg("%s: %s", err.pointer, err.why);
	return msg;
}

static Ew__DpcEntry *controllers(const char *ports, int64_t time_ms)
{
	_cleanup_(freep) char *text = xasprintf("{\"ports\": [%s]}", ports);
	ProtobufCMessage *msg = parse(&ew__device_port_config__descriptor, text);
	Ew__DpcEntry *e = dpc_entry_new("zedagent", CONTROLLER, time_ms, "",
					(const Ew__DevicePortConfig *)msg);

	protobuf_c_message_free_unpacked(msg, NULL);
	return e;
}

static Ew__LocalNetworkConfig *wishes(const char *ports)
{
	_cleanup_(freep) char *text =
		xasprintf("{\"version\": \"7\", \"submitted_ms\": 1000, \"ports\": [%s]}", ports);

	return (Ew__LocalNetworkConfig *)parse(&ew__local_network_config__descriptor, text);
}

#define NETWORK(ssid) "{\"networks\": [{\"ssid\": \"" ssid "\"}]}"
#define ACCESS(apn) "{\"access_points\": [{\"activated\": true, \"apn\": \"" apn "\"}]}"
/* a: all of it; b: static; c: not to be changed; sw: frames; wifi; lte; v: a VLAN on b; bad: wrong */
#define PORTS                                                                                      \
	"{\"logicallabel\": \"a\", \"ifname\": \"eth0\", \"is_mgmt\": true, \"is_l3\": true,"      \
	" \"cost\": 3, \"mtu\": 1400, \"dhcp\": \"DHCP_CLIENT\", \"shared_labels\": [\"x\"],"      \
	" \"ntp_servers\": [\"ntp.example\"], \"dns_servers\": [\"192.0.2.53\"],"                  \
	" \"domain\": \"old.example\", \"ignore_dhcp_ntp\": true, \"local_changes\": true,"        \
	" \"pnac\": {\"profile\": \"factory\", \"eap_method\": 1},"                                \
	" \"proxy\": {\"http\": {\"host\": \"proxy.example\", \"port\": 3128}}},"                  \
	"{\"logicallabel\": \"b\", \"ifname\": \"eth1\", \"is_mgmt\": true, \"is_l3\": true,"      \
	" \"dhcp\": \"DHCP_STATIC\", \"addresses\": [\"198.51.100.2/24\"],"                        \
	" \"gateways\": [\"198.51.100.1\"], \"local_changes\": true},"                             \
	"{\"logicallabel\": \"c\", \"ifname\": \"eth2\", \"is_l3\": true,"                         \
	" \"dhcp\": \"DHCP_STATIC\", \"addresses\": [\"203.0.113.2/24\"]},"                        \
	"{\"logicallabel\": \"sw\", \"ifname\": \"eth3\", \"local_changes\": true},"               \
	"{\"logicallabel\": \"wifi\", \"ifname\": \"wlan0\", \"is_l3\": true,"                     \
	" \"dhcp\": \"DHCP_CLIENT\", \"wireless\": \"WIRELESS_WIFI\", \"local_changes\": true,"    \
	" \"wifi\": " NETWORK(                                                                     \
		"office") "},"                                                                     \
			  "{\"logicallabel\": \"lte\", \"ifname\": \"wwan0\", \"is_l3\": true,"    \
			  " \"dhcp\": \"DHCP_CLIENT\", \"wireless\": \"WIRELESS_CELLULAR\", "      \
			  "\"local_changes\": true,"                                               \
			  " \"cellular\": " ACCESS(                                                \
				  "iot.example") "},"                                              \
						 "{\"logicallabel\": \"v\", \"ifname\": \"v\", "   \
						 "\"is_l3\": true, \"dhcp\": \"DHCP_CLIENT\","     \
						 " \"vlan\": {\"parent\": \"b\", \"vid\": 5}, "    \
						 "\"local_changes\": true},"                       \
						 "{\"logicallabel\": \"bad\", \"ifname\": "        \
						 "\"eth9\", \"is_l3\": true,"                      \
						 " \"dhcp\": \"DHCP_CLIENT\", \"error\": \"no "    \
						 "such adapter\", \"local_changes\": true}"

/* ---- What comes of them ---- */

static void print_port(const Ew__PortConfig *p, struct strbuf *out)
{
	strbuf_add(out, "    ");
	pbjson_format(&p->base, 0, out);
	strbuf_addc(out, '\n');
}

/* Replaced ports whole, of the others only that they are as they were. */
static void print_entry(const Ew__DpcEntry *e, const Ew__DpcEntry *controller, struct strbuf *out)
{
	for (size_t i = 0; i < e->config->n_ports; i++) {
		Ew__DevicePortConfig was = EW__DEVICE_PORT_CONFIG__INIT, now = was;

		if (dpc_entry_is_local(e, e->config->ports[i]->logicallabel)) {
			print_port(e->config->ports[i], out);
			continue;
		}
		was.ports = &controller->config->ports[i];
		now.ports = &e->config->ports[i];
		was.n_ports = now.n_ports = 1;
		assert_true(dpc_config_equal(&was, &now));
	}
}

static void print_merge(const char *title, const char *wish, struct strbuf *out)
{
	Ew__DpcEntry *controller = controllers(PORTS, 500), *e;
	Ew__LocalNetworkConfig *local = wishes(wish);
	struct lps_merged merged;

	e = lps_merge(controller, local, &merged);
	strbuf_addf(out, "%s%s\n", title, e ? "" : ": nothing is replaced");
	for (size_t i = 0; i < merged.n; i++)
		if (merged.ports[i].why[0])
			strbuf_addf(out, "    refused %s: %s\n", merged.ports[i].label,
				    merged.ports[i].why);
	if (e) {
		assert_string_equal(e->key, "lps");
		assert_int_equal(e->source, EW__DPC_SOURCE__DPC_LPS);
		assert_int_equal(e->time_priority_ms, 500);
		assert_int_equal(e->local_ms, 1000);
		assert_int_equal(merged.replaced, e->n_local_ports);
		print_entry(e, controller, out);
		ew__dpc_entry__free_unpacked(e, NULL);
	}
	lps_merged_fini(&merged);
	ew__local_network_config__free_unpacked(local, NULL);
	ew__dpc_entry__free_unpacked(controller, NULL);
}

struct example {
	const char *title, *wish;
};

static void golden_merges(const char *name, const struct example *examples, size_t n)
{
	_cleanup_(strbuf_fini) struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < n; i++)
		print_merge(examples[i].title, examples[i].wish, &out);
	golden_text(name, strbuf_str(&out));
}

#define W(label, more) "{\"logicallabel\": \"" label "\", " more "}"
#define DHCP "\"use_dhcp\": true"
#define STATIC(address) "\"addresses\": [\"" address "\"]"

static void LPSConfig_permitted(void **state)
{
	static const struct example examples[] = {
		{ "nothing that it does not name is left of the controller's settings",
		  W("a", DHCP) },
		{ "all that it may name",
		  W("a",
		    STATIC("192.0.2.7/24") ", \"ip_versions\": \"IP_V4_ONLY\","
					   " \"gateways\": [\"192.0.2.1\"],"
					   " \"dns_servers\": [\"192.0.2.54\"],"
					   " \"domain\": \"new.example\","
					   " \"ntp_servers\": [\"192.0.2.123\"],"
					   " \"mtu\": 1300, \"proxy\": {\"socks\":"
					   " {\"host\": \"socks.example\", \"port\": 1080}}") },
		{ "DHCP with what is ignored of it, and an address beside",
		  W("b", DHCP ", \"ignore_dhcp_addresses\": true, \"ignore_dhcp_gateways\": true,"
			      " \"ignore_dhcp_dns\": true, \"ignore_dhcp_ntp\": true,"
			      " \"gateways\": [\"192.0.2.1\"], " STATIC("192.0.2.8/24")) },
		{ "there is nothing to ignore without DHCP",
		  W("b", "\"ignore_dhcp_addresses\": true, \"ignore_dhcp_gateways\": true,"
			 " \"ignore_dhcp_dns\": true, \"ignore_dhcp_ntp\": true, " STATIC(
				 "192.0.2.8/24")) },
		{ "no default route, said in both ways",
		  W("a", STATIC("192.0.2.7/24") ", \"no_default_route\": true") "," W(
			  "b", STATIC("192.0.2.8/24") ", \"gateways\": [\"0.0.0.0\"]") },
		{ "wireless ports, and a VLAN",
		  W("wifi",
		    DHCP ", \"wireless\": \"WIRELESS_WIFI\", \"wifi\": " NETWORK(
			    "hall")) "," W("lte", DHCP
					   ", \"wireless\": \"WIRELESS_CELLULAR\", "
					   "\"cellular\": " ACCESS(
						   "local.example")) "," W("v", STATIC("192.0.2.9/"
										       "24")) },
	};

	(void)state;
	golden_merges("lps_permitted", examples, ARRAY_SIZE(examples));
}

static void LPSConfig_refused(void **state)
{
	static const struct example examples[] = {
		{ "not permitted; the other one is none the worse", W("c", DHCP) "," W("b", DHCP) },
		{ "unknown, asked for twice, without addresses, wrong already",
		  W("nobody", DHCP) "," W("b", DHCP) "," W("b", STATIC("192.0.2.8/24")) "," W(
			  "sw", DHCP) "," W("bad", DHCP) },
		{ "no address", W("a", "\"mtu\": 1300") },
		{ "what weighs most is told of what is wrong", W("c", STATIC("192.0.2.7")) },
		{ "an address without prefix length", W("a", STATIC("192.0.2.7")) },
		{ "none at all", W("a", STATIC("here/24")) },
		{ "an address that no host can have", W("a", STATIC("224.0.0.1/24")) },
		{ "an MTU below what IPv6 needs", W("a", DHCP ", \"mtu\": 1000") },
		{ "a gateway", W("a", DHCP ", \"gateways\": [\"there\"]") },
		{ "two gateways", W("a", DHCP ", \"gateways\": [\"192.0.2.1\", \"192.0.2.3\"]") },
		{ "the gateway's own address",
		  W("a", STATIC("192.0.2.7/24") ", \"gateways\": [\"192.0.2.7\"]") },
		{ "a gateway of the other IP version",
		  W("a", DHCP ", \"ip_versions\": \"IP_V6_ONLY\","
			      " \"gateways\": [\"192.0.2.1\"]") },
		{ "a DNS server", W("a", DHCP ", \"dns_servers\": [\"dns\"]") },
		{ "an NTP server with a line of its own",
		  W("a", DHCP ", \"ntp_servers\": [\"ntp.example\\nallow all\"]") },
		{ "a domain", W("a", DHCP ", \"domain\": \"a b\"") },
		{ "a proxy that is none", W("a", DHCP ", \"proxy\": {\"http\": {\"host\": \"x y\","
						      " \"error\": \"no host\"}}") },
		{ "too many servers",
		  W("a", DHCP ", \"dns_servers\": [\"192.0.2.1\", \"192.0.2.2\", \"192.0.2.3\","
			      " \"192.0.2.4\", \"192.0.2.5\", \"192.0.2.6\", \"192.0.2.7\","
			      " \"192.0.2.8\", \"192.0.2.9\"]") },
		{ "a wireless port without a network, and one without an access point",
		  W("wifi", DHCP ", \"wireless\": \"WIRELESS_WIFI\"") "," W(
			  "lte", DHCP ", \"wireless\": \"WIRELESS_CELLULAR\", \"cellular\": {}") },
		{ "an address of a port that stays, and one twice",
		  W("wifi",
		    "\"wireless\": \"WIRELESS_WIFI\", \"wifi\": " NETWORK("hall") ", " STATIC(
			    "203.0.113.2/24")) "," W("a",
						     STATIC("192.0.2.7/24")) "," W("b",
										   STATIC("192.0.2."
											  "7/"
											  "24")) },
		{ "a layer, and not what stands on it",
		  W("b", DHCP ", \"mtu\": 99") "," W("v", STATIC("192.0.2.9/24")) },
	};

	(void)state;
	golden_merges("lps_refused", examples, ARRAY_SIZE(examples));
}

static void LPSConfig_type_mismatch(void **state)
{
	static const struct example examples[] = {
		{ "wired for wireless", W("wifi", DHCP) "," W("a", DHCP) },
		{ "wireless for wired", W("a", DHCP ", \"wireless\": \"WIRELESS_CELLULAR\"") },
		{ "another kind", W("wifi", DHCP ", \"wireless\": \"WIRELESS_CELLULAR\"") },
	};

	(void)state;
	golden_merges("lps_types", examples, ARRAY_SIZE(examples));
}

/* ---- Where they stand ---- */

#define ONE_PORT(address)                                                                          \
	"{\"logicallabel\": \"a\", \"ifname\": \"eth0\", \"is_mgmt\": true, \"is_l3\": true,"      \
	" \"dhcp\": \"DHCP_STATIC\", \"addresses\": [\"" address "\"], \"local_changes\": true}"
#define FIXED                                                                                      \
	"{\"logicallabel\": \"a\", \"ifname\": \"eth0\", \"is_mgmt\": true, \"is_l3\": true,"      \
	" \"dhcp\": \"DHCP_STATIC\", \"addresses\": [\"192.0.2.44/24\"]}"

/* As lps_run does it: the controller's first, then what still holds of the wish, then the machine. */
static void say(struct sim *s, const char *ports, int64_t time_ms, const char *wish)
{
	struct lps_merged merged = { 0 };
	Ew__DpcEntry *e = NULL;

	if (ports)
		dpc_list_put(&s->list, controllers(ports, time_ms));
	if (wish) {
		Ew__LocalNetworkConfig *local = wishes(wish);

		e = lps_merge(find(s, "zedagent"), local, &merged);
		ew__local_network_config__free_unpacked(local, NULL);
	}
	if (e)
		dpc_list_put(&s->list, e);
	else
		dpc_list_end_local(&s->list, !wish);
	lps_merged_fini(&merged);
	dpcv_list_changed(&s->v, s->now, "new");
	drive(s, false);
}

#define T1 1772600000000LL /* 2026-03-04T04:53:20Z */
#define T2 1772600060000LL

static void expect_trouble(const struct sim *s, const char *want)
{
	struct arena arena = { 0 };

	assert_string_equal(lps_trouble(&s->list, &arena), want);
	arena_fini(&arena);
}

static void it_stands_above_the_configuration_it_was_made_of(void **state)
{
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	put(s, entry("override", OVERRIDE, 10, 20));
	say(s, ONE_PORT("192.0.2.2/24"), T1, W("a", STATIC("192.0.2.7/24")));
	expect_order(&s->list, "lps zedagent override");
	EXPECT(s, "lps", SUCCESS);
	expect_trouble(s, "");
}

static void a_newer_configuration_of_the_controller_is_changed_by_it_again(void **state)
{
	const char *wish = W("a", STATIC("192.0.2.7/24"));
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	say(s, ONE_PORT("192.0.2.2/24"), T1, wish);
	say(s, ONE_PORT("192.0.2.3/24") ", {\"logicallabel\": \"new\", \"ifname\": \"eth5\"}", T2,
	    wish);
	EXPECT(s, "lps", SUCCESS);
	dpcv_compress(&s->v, false);
	expect_order(&s->list, "lps zedagent");
	assert_int_equal(find(s, "lps")->time_priority_ms, T2);
	assert_int_equal(find(s, "lps")->config->n_ports, 2);
	assert_string_equal(find(s, "lps")->config->ports[0]->addresses[0], "192.0.2.7/24");
	assert_string_equal(find(s, "zedagent")->config->ports[0]->addresses[0], "192.0.2.3/24");
}

static void the_same_configuration_again_touches_nothing(void **state)
{
	const char *wish = W("a", STATIC("192.0.2.7/24"));
	struct sim *s = *state;
	const Ew__DpcEntry *was;
	unsigned int rounds;

	TRUTH(s, OK("any"));
	say(s, ONE_PORT("192.0.2.2/24"), T1, wish);
	was = find(s, "lps");
	rounds = s->rounds;
	say(s, ONE_PORT("192.0.2.2/24"), T2, wish);
	assert_ptr_equal(find(s, "lps"), was);
	assert_int_equal(s->rounds, rounds);
}

static void the_same_wish_again_is_since_then(void **state)
{
	Ew__LocalNetworkConfig *local = wishes(W("a", STATIC("192.0.2.7/24")));
	struct lps_merged merged;
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	say(s, ONE_PORT("192.0.2.2/24"), T1, W("a", STATIC("192.0.2.7/24")));
	local->submitted_ms = 2000;
	assert_int_equal(dpc_list_put(&s->list, lps_merge(find(s, "zedagent"), local, &merged)), 1);
	dpcv_list_changed(&s->v, s->now, "new");
	drive(s, false);
	assert_int_equal(find(s, "lps")->local_ms, 2000);
	EXPECT(s, "lps", SUCCESS);
	expect_order(&s->list, "lps zedagent");
	lps_merged_fini(&merged);
	ew__local_network_config__free_unpacked(local, NULL);
}

static void one_that_fails_is_left_for_the_controllers_and_says_so(void **state)
{
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	TRUTH(s, BLACK_HOLE("lps"));
	say(s, ONE_PORT("192.0.2.2/24"), T1, NULL);
	say(s, NULL, 0, W("a", STATIC("192.0.2.7/24")));
	expect_order(&s->list, "lps zedagent");
	EXPECT(s, "zedagent", SUCCESS);
	expect_trouble(s, "its test failed: stage 4");
	TRUTH(s, OK("lps"));
	pass_time(s, 20 * 60000);
	EXPECT(s, "lps", SUCCESS);
	expect_trouble(s, "");
}

static void what_the_local_operator_set_goes_before_it(void **state)
{
	const char *wish = W("a", STATIC("192.0.2.7/24"));
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	say(s, ONE_PORT("192.0.2.2/24"), T1, NULL);
	put(s, entry("manual", MANUAL, 5, 30));
	say(s, NULL, 0, wish);
	expect_order(&s->list, "manual lps zedagent");
	EXPECT(s, "manual", SUCCESS);
	expect_trouble(s, "the port configuration manual goes before it");
	say(s, ONE_PORT("192.0.2.3/24"), T2, wish); /* and the controller before that, as ever */
	EXPECT(s, "lps", SUCCESS);
}

static void an_override_of_a_later_time_goes_above_both(void **state)
{
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	say(s, ONE_PORT("192.0.2.2/24"), T1, W("a", STATIC("192.0.2.7/24")));
	put(s, entry("override", OVERRIDE, T1 + 1, 20));
	put(s, entry("older", OVERRIDE, T1 - 1, 21));
	expect_order(&s->list, "override lps zedagent older");
}

static void another_wish_falls_back_on_the_one_that_worked(void **state)
{
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	say(s, ONE_PORT("192.0.2.2/24"), T1, W("a", STATIC("192.0.2.7/24")));
	EXPECT(s, "lps", SUCCESS);
	TRUTH(s, BLACK_HOLE("lps"));
	say(s, NULL, 0, W("a", STATIC("192.0.2.8/24")));
	expect_order(&s->list, "lps lps@2026-03-04T04:53:20Z zedagent");
	EXPECT(s, "lps@2026-03-04T04:53:20Z", SUCCESS);
	TRUTH(s, OK("lps"));
	say(s, NULL, 0, W("a", STATIC("192.0.2.9/24")));
	EXPECT(s, "lps", SUCCESS);
	dpcv_compress(&s->v, false);
	expect_order(&s->list, "lps zedagent");
}

static void another_wish_takes_the_place_of_one_that_is_being_tested(void **state)
{
	struct sim *s = *state;

	s->beside = true;
	TRUTH(s, OK("any"));
	TRUTH(s, NO_DHCP("lps"));
	say(s, ONE_PORT("192.0.2.2/24"), T1, NULL);
	say(s, NULL, 0, W("a", DHCP));
	EXPECT(s, "zedagent", SUCCESS);
	assert_string_equal(s->list.tested->key, "lps");
	expect_trouble(s, "");
	TRUTH(s, OK("lps"));
	say(s, NULL, 0, W("a", STATIC("192.0.2.8/24")));
	EXPECT(s, "lps", SUCCESS);
	expect_order(&s->list, "lps zedagent");
	TRUTH(s, NO_DHCP("lps"));
	say(s, NULL, 0, W("a", DHCP));
	say(s, NULL, 0, NULL); /* taken back in the middle of its test */
	EXPECT(s, "zedagent", SUCCESS);
	expect_order(&s->list, "zedagent");
	assert_null(s->list.tested);
}

static void LPSConfig_reverted(void **state)
{
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	say(s, ONE_PORT("192.0.2.2/24"), T1, W("a", STATIC("192.0.2.7/24")));
	TRUTH(s, BLACK_HOLE("lps"));
	say(s, NULL, 0, W("a", STATIC("192.0.2.8/24")));
	say(s, NULL, 0, NULL); /* with what it fell back on */
	expect_order(&s->list, "zedagent");
	EXPECT(s, "zedagent", SUCCESS);
	expect_trouble(s, "");
}

static void a_permission_that_is_taken_back_ends_it_once_the_controllers_works(void **state)
{
	const char *wish = W("a", STATIC("192.0.2.7/24"));
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	say(s, ONE_PORT("192.0.2.2/24"), T1, wish);
	TRUTH(s, BLACK_HOLE("zedagent"));
	say(s, FIXED, T2, wish);
	expect_order(&s->list, "zedagent lps@2026-03-04T04:53:20Z");
	EXPECT(s, "lps@2026-03-04T04:53:20Z", SUCCESS);
	say(s, NULL, 0, wish);
	expect_order(&s->list, "zedagent lps@2026-03-04T04:53:20Z"); /* by that name for good */
	TRUTH(s, OK("zedagent"));
	pass_time(s, 20 * 60000);
	EXPECT(s, "zedagent", SUCCESS);
	dpcv_compress(&s->v, false);
	expect_order(&s->list, "zedagent");
}

static void a_wish_that_is_refused_as_a_whole_leaves_nothing_of_the_former(void **state)
{
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	say(s, ONE_PORT("192.0.2.2/24"), T1, W("a", STATIC("192.0.2.7/24")));
	EXPECT(s, "lps", SUCCESS);
	say(s, NULL, 0, W("a", STATIC("192.0.2.7")));
	expect_order(&s->list, "zedagent");
	EXPECT(s, "zedagent", SUCCESS);
}

static void what_is_fallen_back_on_goes_with_the_wish(void **state)
{
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	say(s, ONE_PORT("192.0.2.2/24"), T1, W("a", STATIC("192.0.2.7/24")));
	TRUTH(s, BLACK_HOLE("zedagent"));
	say(s, FIXED, T2, W("a", STATIC("192.0.2.7/24")));
	EXPECT(s, "lps@2026-03-04T04:53:20Z", SUCCESS);
	say(s, NULL, 0, NULL);
	expect_order(&s->list, "zedagent");
}

static void one_that_failed_stays_to_be_tried_again(void **state)
{
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	TRUTH(s, BLACK_HOLE("lps"));
	say(s, ONE_PORT("192.0.2.2/24"), T1, W("a", STATIC("192.0.2.7/24")));
	EXPECT(s, "zedagent", SUCCESS);
	s->list.tested = s->list.entries[0];
	expect_trouble(s, "");
	s->list.tested = NULL;
	expect_trouble(s, "its test failed: stage 4");
	put(s, entry("override", OVERRIDE, T1 + 1, 20));
	dpcv_compress(&s->v, false);
	expect_order(&s->list, "override lps zedagent");
}

static void a_controller_that_wants_no_port_takes_it_along(void **state)
{
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	say(s, ONE_PORT("192.0.2.2/24"), T1, W("a", STATIC("192.0.2.7/24")));
	dpc_list_put(&s->list, controllers("", T2));
	expect_order(&s->list, "zedagent");
}

static void one_that_nobody_can_rely_on_is_passed_over(void **state)
{
	const char *port = "{\"logicallabel\": \"a\", \"ifname\": \"eth0\", \"is_l3\": true,"
			   " \"dhcp\": \"DHCP_CLIENT\", \"local_changes\": true}";
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	put(s, entry("override", OVERRIDE, 10, 20));
	say(s, port, T1, W("a", STATIC("192.0.2.7/24")));
	EXPECT(s, "override", SUCCESS);
	expect_trouble(s, "it cannot be used: no management port that gets an address");
}

static void a_list_that_is_full_of_files_takes_no_wish(void **state)
{
	struct sim *s = *state;
	Ew__LocalNetworkConfig *local = wishes(W("a", STATIC("192.0.2.7/24")));
	struct lps_merged merged;

	dpc_list_put(&s->list, controllers(ONE_PORT("192.0.2.2/24"), 5));
	for (int i = 1; i < DPC_LIST_MAX; i++) {
		_cleanup_(freep) char *key = xasprintf("o%d", i);

		dpc_list_put(&s->list, entry(key, OVERRIDE, 100 - i, i));
	}
	assert_int_equal(dpc_list_put(&s->list, lps_merge(find(s, "zedagent"), local, &merged)),
			 -ENOSPC);
	assert_non_null(dpc_list_find(&s->list, "zedagent"));
	lps_merged_fini(&merged);
	ew__local_network_config__free_unpacked(local, NULL);
}

static void a_stored_list_keeps_what_is_local(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct dpc_list again = { 0 };
	struct pbjson_error err;
	struct sim *s = *state;

	TRUTH(s, OK("any"));
	say(s, ONE_PORT("192.0.2.2/24"), T1, W("a", STATIC("192.0.2.7/24")));
	dpc_list_format(&s->list, &text);
	assert_int_equal(dpc_list_parse(strbuf_str(&text), text.len, &again, &err), 0);
	expect_order(&again, "lps zedagent");
	assert_true(dpc_entry_is_local(again.entries[0], "a"));
	assert_int_equal(again.entries[0]->local_ms, 1000);
	assert_string_equal(again.current->key, "lps");
	dpc_list_fini(&again);
	strbuf_fini(&text);
}

/* ---- What is told ---- */

static void each_port_tells_who_wants_it_so_and_what_is_wrong(void **state)
{
	Ew__LocalNetworkConfig *local = wishes(W("b", STATIC("192.0.2.8/24")) "," W("c", DHCP));
	Ew__PortStatus a = EW__PORT_STATUS__INIT, b = a, c = a;
	Ew__DeviceNetworkStatus status = EW__DEVICE_NETWORK_STATUS__INIT;
	_cleanup_(strbuf_fini) struct strbuf out = STRBUF_INIT;
	struct arena arena = { 0 };
	struct lps_merged merged;
	struct sim *s = *state;
	Ew__LpsStatus *told;

	a.logicallabel = (char *)"a", b.logicallabel = (char *)"b", c.logicallabel = (char *)"c";
	status.ports = (Ew__PortStatus *[]){ &a, &b, &c };
	status.n_ports = 3;
	dpc_list_put(&s->list, controllers(PORTS, 500));
	dpc_list_put(&s->list, lps_merge(find(s, "zedagent"), local, &merged));
	told = lps_status(&s->list, local, &merged, "", &arena);
	lps_status_ports(&s->list, &merged, "", &status, &arena);
	pbjson_format(&told->base, PBJSON_PRETTY, &out);
	pbjson_format(&status.base, PBJSON_PRETTY, &out);
	golden_text("lps_status", strbuf_str(&out));
	lps_merged_fini(&merged);
	ew__local_network_config__free_unpacked(local, NULL);
	arena_fini(&arena);
}

static void a_port_tells_of_its_own_test_what_failed(void **state)
{
	Ew__LocalNetworkConfig *local = wishes(W("a", DHCP) "," W("b", DHCP));
	Ew__PortStatus a = EW__PORT_STATUS__INIT, b = a;
	Ew__DeviceNetworkStatus status = EW__DEVICE_NETWORK_STATUS__INIT;
	const struct dpc_port_result result = { .label = "b", .result = { .why = "no lease" } };
	struct arena arena = { 0 };
	struct lps_merged merged;
	struct sim *s = *state;

	a.logicallabel = (char *)"a", b.logicallabel = (char *)"b";
	status.ports = (Ew__PortStatus *[]){ &a, &b };
	status.n_ports = 2;
	dpc_list_put(&s->list, controllers(PORTS, 500));
	dpc_list_put(&s->list, lps_merge(find(s, "zedagent"), local, &merged));
	s->list.entries[0]->last_failed_ms = 1;
	dpc_results_record(s->list.entries[0], &result, 1);
	lps_status_ports(&s->list, &merged, lps_trouble(&s->list, &arena), &status, &arena);
	assert_string_equal(a.lps_config_error, "its test failed: ");
	assert_string_equal(b.lps_config_error, "its test failed: no lease");
	s->list.current = s->list.entries[1];
	assert_int_equal(lps_status(&s->list, local, &merged, "", &arena)->n_ports, 0);
	s->list.current = s->list.entries[0];
	assert_int_equal(lps_status(&s->list, local, &merged, "", &arena)->n_ports, 2);
	lps_merged_fini(&merged);
	ew__local_network_config__free_unpacked(local, NULL);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(LPSConfig_permitted),
		cmocka_unit_test(LPSConfig_refused),
		cmocka_unit_test(LPSConfig_type_mismatch),
		SIM_TEST(LPSConfig_reverted),
		SIM_TEST(it_stands_above_the_configuration_it_was_made_of),
		SIM_TEST(a_newer_configuration_of_the_controller_is_changed_by_it_again),
		SIM_TEST(the_same_configuration_again_touches_nothing),
		SIM_TEST(the_same_wish_again_is_since_then),
		SIM_TEST(one_that_fails_is_left_for_the_controllers_and_says_so),
		SIM_TEST(what_the_local_operator_set_goes_before_it),
		SIM_TEST(an_override_of_a_later_time_goes_above_both),
		SIM_TEST(another_wish_takes_the_place_of_one_that_is_being_tested),
		SIM_TEST(another_wish_falls_back_on_the_one_that_worked),
		SIM_TEST(a_permission_that_is_taken_back_ends_it_once_the_controllers_works),
		SIM_TEST(a_wish_that_is_refused_as_a_whole_leaves_nothing_of_the_former),
		SIM_TEST(what_is_fallen_back_on_goes_with_the_wish),
		SIM_TEST(one_that_failed_stays_to_be_tried_again),
		SIM_TEST(a_controller_that_wants_no_port_takes_it_along),
		SIM_TEST(one_that_nobody_can_rely_on_is_passed_over),
		SIM_TEST(a_list_that_is_full_of_files_takes_no_wish),
		SIM_TEST(a_stored_list_keeps_what_is_local),
		SIM_TEST(each_port_tells_who_wants_it_so_and_what_is_wrong),
		SIM_TEST(a_port_tells_of_its_own_test_what_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
