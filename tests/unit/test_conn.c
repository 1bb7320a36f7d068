/* SPDX-License-Identifier: Apache-2.0 */
/* Connectivity tests, the pure halves: local stages and what is kept. */
#include "tests/unit/golden.h"

#include "base/arena.h"
#include "nim/conn/conn_local.h"
#include "nim/conn/conn_record.h"
#include "status.pb-c.h"
#include "tests/unit/addresses.h"

struct one_port {
	struct nim_config config;
	struct nim_facts facts;
	struct nim_view view;
};

/* A management port by DHCP that has all it needs. */
static int setup(void **state)
{
	struct one_port *w = xcalloc(1, sizeof(*w));
	struct nim_port *port = &w->config.ports[0];
	struct prefix prefix;

	w->config.nports = 1;
	strcpy(port->label, "wan");
	strcpy(port->ifname.str, "eth0");
	port->number = 1;
	port->is_mgmt = port->is_l3 = port->ipv4 = port->ipv6 = true;
	port->dhcp = NIM_DHCP_CLIENT;
	w->facts.ifaces[0] = (struct nim_iface){
		.ifname = port->ifname, .ifindex = 2, .up = true, .carrier = true
	};
	w->facts.ifaces[0].lease4.gateway = address("192.0.2.1");
	assert_int_equal(prefix_parse("192.0.2.7/24", &prefix), 0);
	nim_iface_add_addr(&w->facts.ifaces[0], &prefix);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static struct conn_result test(struct one_port *w)
{
	struct conn_result result;

	nim_view(&w->config, &w->facts, &w->view);
	conn_local(&w->config.ports[0], &w->facts.ifaces[0], &w->view.ports[0], &result);
	return result;
}

static void expect(struct one_port *w, enum conn_outcome outcome, enum conn_stage stage,
		   const char *why)
{
	struct conn_result result = test(w);

	assert_int_equal(result.outcome, outcome);
	assert_int_equal(result.stage, stage);
	assert_string_equal(result.why, why);
}

static void port_with_all_it_needs_passes_the_local_stages(void **state)
{
	struct one_port *w = *state;

	expect(w, CONN_OK, CONN_STAGE_DONE, "");
	assert_true(conn_is_tested_remotely(&w->config.ports[0]));
}

static void link_comes_before_address_and_address_before_gateway(void **state)
{
	struct one_port *w = *state;
	struct nim_iface *iface = &w->facts.ifaces[0];

	iface->lease4.gateway = (struct ipaddr){ 0 };
	expect(w, CONN_NOT_READY, CONN_STAGE_GATEWAY, "no gateway");
	iface->naddrs = 0;
	expect(w, CONN_NOT_READY, CONN_STAGE_ADDRESS, "no address");
	iface->carrier = false;
	expect(w, CONN_FAILED, CONN_STAGE_LINK, "no carrier");
	iface->up = false;
	expect(w, CONN_NOT_READY, CONN_STAGE_LINK, "interface is down");
	strcpy(iface->problem, "failed: link eth0: Operation not permitted");
	expect(w, CONN_FAILED, CONN_STAGE_LINK, iface->problem);
	iface->ifindex = 0;
	expect(w, CONN_FAILED, CONN_STAGE_LINK, "interface not found");
	strcpy(w->config.ports[0].error, "label is used twice");
	expect(w, CONN_FAILED, CONN_STAGE_LINK, "label is used twice");
}

static void router_that_has_fallen_silent_fails_unless_there_is_another(void **state)
{
	struct one_port *w = *state;
	struct nim_iface *iface = &w->facts.ifaces[0];
	struct prefix prefix;

	iface->health[NIM_V4].gateway = NIM_GATEWAY_SILENT;
	expect(w, CONN_FAILED, CONN_STAGE_GATEWAY, "the router 192.0.2.1 does not answer");
	iface->ra_gateway = address("fe80::1");
	assert_int_equal(prefix_parse("2001:db8::7/64", &prefix), 0);
	nim_iface_add_addr(iface, &prefix);
	expect(w, CONN_OK, CONN_STAGE_DONE, "");
	iface->health[NIM_V6].gateway = NIM_GATEWAY_ASKED; /* some never answer */
	expect(w, CONN_OK, CONN_STAGE_DONE, "");
	iface->health[NIM_V6].gateway = NIM_GATEWAY_SILENT;
	expect(w, CONN_FAILED, CONN_STAGE_GATEWAY, "the router 192.0.2.1 does not answer");
}

static void static_port_without_gateway_never_gets_one(void **state)
{
	struct one_port *w = *state;

	w->config.ports[0].dhcp = NIM_DHCP_STATIC;
	expect(w, CONN_FAILED, CONN_STAGE_GATEWAY, "no gateway");
	w->config.ports[0].no_default_route = true;
	expect(w, CONN_OK, CONN_STAGE_DONE, "");
}

static void port_that_is_to_have_no_address_passes_unless_it_manages(void **state)
{
	struct one_port *w = *state;

	w->config.ports[0].dhcp = NIM_DHCP_NONE;
	w->facts.ifaces[0].naddrs = 0;
	expect(w, CONN_FAILED, CONN_STAGE_ADDRESS, "a management port that is to have no address");
	w->config.ports[0].is_mgmt = false;
	expect(w, CONN_OK, CONN_STAGE_DONE, "");
	assert_false(conn_is_tested_remotely(&w->config.ports[0]));
}

static void layer_2_port_needs_its_link_only(void **state)
{
	struct one_port *w = *state;

	w->config.ports[0].is_l3 = false;
	w->facts.ifaces[0].naddrs = 0;
	expect(w, CONN_OK, CONN_STAGE_DONE, "");
	w->facts.ifaces[0].carrier = false;
	expect(w, CONN_FAILED, CONN_STAGE_LINK, "no carrier");
}

static void record_keeps_both_times_and_clears_the_error(void **state)
{
	const struct conn_result good = { .outcome = CONN_OK,
					  .stage = CONN_STAGE_DONE,
					  .latency_ms = 30 };
	const struct conn_result quick = { .outcome = CONN_OK,
					   .stage = CONN_STAGE_DONE,
					   .latency_ms = 10 };
	const struct conn_reached nothing = { 0 }, reached = { .target = "https://c.example/ping",
							       .proxy = "192.0.2.7:3128" };
	struct conn_result bad = { .outcome = CONN_FAILED, .stage = CONN_STAGE_DNS };
	struct conn_record record = { 0 };
	struct arena arena = { 0 };
	const Ew__PortTest *t;

	(void)state;
	assert_null(conn_record_message(&record, &arena));
	strcpy(bad.why, "no answer");
	conn_record_add(&record, &good, &reached, 1000);
	conn_record_add(&record, &quick, &reached, 2000);
	assert_string_equal(conn_record_message(&record, &arena)->proxy, "192.0.2.7:3128");
	conn_record_add(&record, &bad, &nothing, 3000);
	t = conn_record_message(&record, &arena);
	assert_string_equal(t->error, "no answer");
	assert_int_equal(t->stage, EW__TEST_STAGE__TEST_STAGE_DNS);
	assert_int_equal(t->success_ms, 2000);
	assert_int_equal(t->failure_ms, 3000);
	assert_int_equal(t->successes, 2);
	assert_int_equal(t->failures, 1);
	assert_int_equal(t->latency_min_ms, 10);
	assert_int_equal(t->latency_avg_ms, 20);
	conn_record_add(&record, &good, &nothing, 4000); /* the local stages only: no latency */
	t = conn_record_message(&record, &arena);
	assert_string_equal(t->error, "");
	assert_int_equal(t->failure_ms, 3000);
	assert_int_equal(t->latency_avg_ms, 20);
	arena_fini(&arena);
}

static void what_says_nothing_about_the_port_is_not_counted(void **state)
{
	struct conn_record record = { 0 };
	struct conn_result none = { .outcome = CONN_UNTESTED };
	struct arena arena = { 0 };

	(void)state;
	strcpy(none.why, "the test program crashed");
	conn_record_add(&record, &none, &(struct conn_reached){ 0 }, 1000);
	assert_int_equal(record.successes + record.failures, 0);
	assert_string_equal(conn_record_message(&record, &arena)->error,
			    "the test program crashed");
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(port_with_all_it_needs_passes_the_local_stages,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			link_comes_before_address_and_address_before_gateway, setup, teardown),
		cmocka_unit_test_setup_teardown(
			router_that_has_fallen_silent_fails_unless_there_is_another, setup,
			teardown),
		cmocka_unit_test_setup_teardown(static_port_without_gateway_never_gets_one, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			port_that_is_to_have_no_address_passes_unless_it_manages, setup, teardown),
		cmocka_unit_test_setup_teardown(layer_2_port_needs_its_link_only, setup, teardown),
		cmocka_unit_test(record_keeps_both_times_and_clears_the_error),
		cmocka_unit_test(what_says_nothing_about_the_port_is_not_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
