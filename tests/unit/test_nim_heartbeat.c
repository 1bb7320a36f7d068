/* SPDX-License-Identifier: Apache-2.0 */
/* What ports make of a silent gateway, and what of it is configured, kept and told. */
#include "tests/unit/golden.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/rate.h"
#include "config.pb-c.h"
#include "nim/gateway/heartbeat_items.h"
#include "nim/gateway/heartbeat_kept.h"
#include "nim/gateway/heartbeat_status.h"
#include "nim/gateway/one_way.h"
#include "nim/gateway/probe.h"
#include "nim/intent.h"
#include "status.pb-c.h"

#define MS 1000000ULL

static struct mono at(uint64_t ms)
{
	return (struct mono){ 1 + ms * MS };
}

/* ---- Ports ---- */

struct world {
	struct nim_config config;
	struct nim_facts facts;
	struct nim_view view;
};

/* Two uplinks with both versions of IP. */
static void world_init(struct world *w)
{
	*w = (struct world){ .config.nports = 2 };
	for (unsigned int i = 0; i < 2; i++) {
		struct nim_port *p = &w->config.ports[i];
		struct nim_iface *iface = &w->facts.ifaces[i];
		struct prefix v4, v6;

		snprintf(p->label, sizeof(p->label), "wan-%u", i);
		p->is_mgmt = p->is_l3 = p->ipv4 = p->ipv6 = true;
		p->number = (uint8_t)(i + 1);
		p->cost = (uint8_t)(10 * i);
		p->dhcp = NIM_DHCP_STATIC;
		assert_int_equal(ipaddr_parse("192.0.2.1", &p->gateway4), 0);
		assert_int_equal(ipaddr_parse("2001:db8::1", &p->gateway6), 0);
		assert_int_equal(prefix_parse("192.0.2.2/24", &v4), 0);
		assert_int_equal(prefix_parse("2001:db8::2/64", &v6), 0);
		iface->ifindex = i + 2;
		iface->up = iface->carrier = true;
		p->addrs[p->naddrs++] = v4;
		p->addrs[p->naddrs++] = v6;
		nim_iface_add_addr(iface, &v4);
		nim_iface_add_addr(iface, &v6);
	}
}

static int setup(void **state)
{
	*state = xcalloc(1, sizeof(struct world));
	world_init(*state);
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void look(struct world *w)
{
	nim_view(&w->config, &w->facts, &w->view);
}

static void a_silent_gateway_takes_its_port_out_for_that_version_of_ip(void **state)
{
	struct world *w = *state;

	w->facts.ifaces[0].health[NIM_V4].gateway = NIM_GATEWAY_SILENT;
	look(w);
	assert_false(w->view.ports[0].usable4);
	assert_true(w->view.ports[0].usable6);
	assert_int_equal(w->view.default4, 1);
	assert_int_equal(w->view.default6, 0);
}

/* EVE's portprober: none working. */
static void nothing_is_cut_when_all_gateways_are_silent(void **state)
{
	struct world *w = *state;

	for (unsigned int i = 0; i < 2; i++)
		w->facts.ifaces[i].health[NIM_V4].gateway = NIM_GATEWAY_SILENT;
	look(w);
	assert_true(w->view.ports[0].usable4 && w->view.ports[1].usable4);
	assert_int_equal(w->view.default4, 0);
}

static void a_held_port_is_usable_behind_the_others(void **state)
{
	struct world *w = *state;

	w->facts.ifaces[0].health[NIM_V4].held = true;
	look(w);
	assert_true(w->view.ports[0].usable4);
	assert_int_equal(w->view.default4, 1);
	assert_int_equal(w->view.default6, 0);
	w->facts.ifaces[1].carrier = false;
	look(w);
	assert_int_equal(w->view.default4, 0);
}

/* wan-0 is held by IPv4, and its IPv6 gateway is silent. */
static void a_held_ports_default_route_is_behind_the_others(void **state)
{
	struct strbuf out = STRBUF_INIT;
	struct world *w = *state;

	for (unsigned int i = 0; i < 2; i++) {
		struct ifname *ifname = &w->config.ports[i].ifname;

		snprintf(ifname->str, sizeof(ifname->str), "eth%u", i);
		w->facts.ifaces[i].ifname = *ifname;
	}
	w->facts.ifaces[0].health[NIM_V4].held = true;
	w->facts.ifaces[0].health[NIM_V6].gateway = NIM_GATEWAY_SILENT;
	look(w);
	golden_graph(nim_intent_node(&w->config, &w->view), &out);
	golden_text("nim_node_held", strbuf_str(&out));
	strbuf_fini(&out);
}

static void equal_costs_take_turns_in_management(void **state)
{
	struct world *w = *state;

	w->config.nports = 4;
	for (unsigned int i = 0; i < 4; i++)
		w->config.ports[i].is_mgmt = true;
	w->config.ports[0].cost = w->config.ports[2].cost = 5;
	w->config.ports[1].cost = 0;
	w->config.ports[3].cost = 9;
	look(w);
	assert_int_equal(w->view.ports[1].turn, 0);
	assert_int_equal(w->view.ports[0].turn, 1);
	assert_int_equal(w->view.ports[2].turn, 1);
	assert_int_equal(w->view.ports[3].turn, 2);
}

static void the_status_names_the_silent_gateway(void **state)
{
	Ew__PortStatus s = EW__PORT_STATUS__INIT;
	struct arena arena = { 0 };
	struct world *w = *state;

	w->facts.ifaces[0].health[NIM_V4] = (struct nim_health){ .gateway = NIM_GATEWAY_SILENT,
								 .interval_ms = 1000,
								 .losses = 2 };
	w->facts.ifaces[0].health[NIM_V6] = (struct nim_health){
		.gateway = NIM_GATEWAY_ANSWERS, .held = true, .held_until_ms = 5, .losses = 1
	};
	look(w);
	nim_health_status(&s, &w->facts.ifaces[0], &w->view.ports[0]);
	assert_int_equal(s.gateway_state4, EW__GATEWAY_STATE__GATEWAY_SILENT);
	assert_int_equal(s.gateway_state6, EW__GATEWAY_STATE__GATEWAY_ANSWERS);
	assert_int_equal(s.heartbeat_ms, 1000);
	assert_true(!s.held4 && s.held6);
	assert_int_equal(s.held_until_ms, 5);
	assert_int_equal(s.losses, 2);
	assert_string_equal(nim_health_error(&w->facts.ifaces[0], &w->view.ports[0], &arena),
			    "gateway 192.0.2.1 does not answer");
	assert_string_equal(nim_health_error(&w->facts.ifaces[1], &w->view.ports[1], &arena), "");
	arena_fini(&arena);
}

/* ---- Items, log ---- */

static void load(struct heartbeat_items *items, const char *const *pairs)
{
	Ew__GlobalConfig__ItemsEntry entry[8], *list[8];
	Ew__GlobalConfig msg = EW__GLOBAL_CONFIG__INIT;

	for (; pairs[2 * msg.n_items]; msg.n_items++) {
		Ew__GlobalConfig__ItemsEntry *e = list[msg.n_items] = &entry[msg.n_items];

		ew__global_config__items_entry__init(e);
		e->key = (char *)pairs[2 * msg.n_items];
		e->value = (char *)pairs[2 * msg.n_items + 1];
	}
	msg.items = list;
	heartbeat_items_load(items, &msg);
}

static void heartbeats_are_for_ports_that_cost_nothing(void **state)
{
	const struct nim_port free_one = { .label = "a" }, dear = { .label = "b.c", .cost = 1 };
	struct heartbeat_items items = { 0 };

	(void)state;
	heartbeat_items_load(&items, NULL);
	assert_int_equal(items.pace.interval_ms, 200);
	assert_int_equal(items.pace.misses, 3);
	assert_int_equal(items.hold_ms, 3000);
	assert_true(port_switch_allows(&items.ports, &free_one, false));
	assert_false(port_switch_allows(&items.ports, &free_one, true));
	assert_false(port_switch_allows(&items.ports, &dear, false));
	load(&items, (const char *const[]){
			     "edgeway.heartbeat", "off", "edgeway.port.b.c.heartbeat", "on",
			     "edgeway.heartbeat.interval.ms", "10", "edgeway.heartbeat.misses", "5",
			     "edgeway.recovery.hold.ms", "0", NULL });
	assert_int_equal(items.pace.interval_ms, 10);
	assert_int_equal(items.pace.misses, 5);
	assert_int_equal(items.hold_ms, 0);
	assert_false(port_switch_allows(&items.ports, &free_one, false));
	assert_true(port_switch_allows(&items.ports, &dear, true));
	assert_true(heartbeat_items_load(&items, NULL));
	assert_false(heartbeat_items_load(&items, NULL));
	load(&items, (const char *const[]){ "edgeway.port.a.heartbeat", "off", NULL });
	assert_false(port_switch_allows(&items.ports, &free_one, false));
	heartbeat_items_fini(&items);
}

static void what_is_kept_for_the_next_run_comes_back(void **state)
{
	struct heartbeat_kept kept = { .heard = true, .silent = true, .held = true };
	struct heartbeat_kept back = { 0 };
	struct strbuf text = STRBUF_INIT;

	(void)state;
	assert_int_equal(ipaddr_parse("fe80::1", &kept.gateway), 0);
	heartbeat_kept_format(&kept, &text);
	assert_string_equal(strbuf_str(&text), "fe80::1 silent held");
	assert_true(heartbeat_kept_parse(strbuf_str(&text), &back));
	assert_memory_equal(&kept, &back, sizeof(kept));
	strbuf_fini(&text);
	assert_true(heartbeat_kept_parse("192.0.2.1 answers free", &back));
	assert_true(back.heard && !back.silent && !back.held);
	assert_false(heartbeat_kept_parse("", &back));
	assert_false(heartbeat_kept_parse("192.0.2.1 answers", &back));
	assert_false(heartbeat_kept_parse("x answers free", &back));
}

static void traffic_that_goes_one_way_is_noticed(void **state)
{
	struct one_way w = { 0 };

	(void)state;
	assert_false(one_way_look(&w, 100, 100, at(0)));
	assert_false(one_way_look(&w, 100, 9000, at(999))); /* too soon to say */
	assert_true(one_way_look(&w, 100, 9000, at(1000)));
	assert_false(one_way_look(&w, 100, 9200, at(2000))); /* next to nothing */
	assert_false(one_way_look(&w, 101, 19200, at(3000)));
	assert_false(one_way_look(&w, 0, 10, at(4000))); /* another interface */
}

static void what_is_said_too_often_is_counted(void **state)
{
	unsigned int beyond = 99, said = 0;
	struct rate r = { 0 };

	(void)state;
	for (unsigned int ms = 0; ms < 1000; ms += 10)
		said += rate_allow(&r, 5, 1000, at(ms), &beyond);
	assert_int_equal(said, 5);
	assert_int_equal(beyond, 0);
	assert_true(rate_allow(&r, 5, 1000, at(1000), &beyond));
	assert_int_equal(beyond, 95);
}

/* A stream instead of the socket holds more answers than any of these. */
static void answers_without_end_do_not_hold_the_loop_up(void **state)
{
	_cleanup_(closep) int far = -1;
	struct probe p = PROBE_INIT;
	static char answers[65536];
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	p.fd = fds[0];
	far = fds[1];
	assert_int_equal(send(far, answers, sizeof(answers), 0), sizeof(answers));
	assert_true(probe_answered(&p));
	assert_true(recv(p.fd, answers, sizeof(answers), 0) > 0);
	assert_false(probe_answered(&p));
	probe_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_silent_gateway_takes_its_port_out_for_that_version_of_ip),
		WORLD_TEST(nothing_is_cut_when_all_gateways_are_silent),
		WORLD_TEST(a_held_port_is_usable_behind_the_others),
		WORLD_TEST(a_held_ports_default_route_is_behind_the_others),
		WORLD_TEST(equal_costs_take_turns_in_management),
		WORLD_TEST(the_status_names_the_silent_gateway),
		cmocka_unit_test(heartbeats_are_for_ports_that_cost_nothing),
		cmocka_unit_test(what_is_kept_for_the_next_run_comes_back),
		cmocka_unit_test(traffic_that_goes_one_way_is_noticed),
		cmocka_unit_test(what_is_said_too_often_is_counted),
		cmocka_unit_test(answers_without_end_do_not_hold_the_loop_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
