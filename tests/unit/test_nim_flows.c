/* SPDX-License-Identifier: Apache-2.0 */
/* Which ports the node's own flows have to leave, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "nim/flows.h"

#define MS 1000000ULL

/* Ports A (number 7, cost 0) and B (number 9, cost 10), both for the management and both usable. */
enum { A = 7, B = 9, GONE = 11 };

struct world {
	struct nim_config config;
	struct nim_view view;
	struct flows_memory memory;
	struct flows_ports leave, begun;
	uint64_t now_ms;
};

static int setup(void **state)
{
	struct world *w = *state = xcalloc(1, sizeof(*w));

	w->config.nports = 2;
	for (unsigned int i = 0; i < 2; i++) {
		w->config.ports[i].number = i ? B : A;
		w->config.ports[i].cost = (uint8_t)(10 * i);
		w->config.ports[i].is_mgmt = true;
		w->view.ports[i].usable4 = w->view.ports[i].usable6 = true;
	}
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* ms later, with that port as the default one of IPv4. */
static void step(struct world *w, uint64_t ms, int default4)
{
	w->now_ms += ms;
	w->view.default4 = default4;
	flows_step(&w->memory, &w->config, &w->view, NIM_V4, (struct mono){ 1 + w->now_ms * MS },
		   &w->leave, &w->begun);
}

/* What the first step finds nobody on. */
static void begin(struct world *w)
{
	step(w, 0, 0);
	for (unsigned int i = 0; i < FLOWS_NUMBERS; i++)
		w->memory.clean[i] = i != A;
	memset(w->memory.drains_at, 0, sizeof(w->memory.drains_at));
}

static void a_port_that_dies_is_left_at_once(void **state)
{
	struct world *w = *state;

	begin(w);
	w->view.ports[0].usable4 = false;
	step(w, 5, 1);
	assert_true(w->leave.port[A] && !w->leave.port[B] && !w->begun.any);
	step(w, 5, 1);
	assert_false(w->leave.any); /* once */
	assert_int_equal(flows_next(&w->memory).ns, 0);
}

static void nothing_is_cut_without_another_port(void **state)
{
	struct world *w = *state;

	begin(w);
	w->view.ports[0].usable4 = w->view.ports[1].usable4 = false;
	step(w, 5, -1);
	assert_false(w->leave.any || w->begun.any);
	w->view.ports[0].usable4 = true;
	step(w, 5, 0);
	assert_false(w->leave.any); /* it came back in time */
	w->view.ports[0].usable4 = false;
	step(w, 5, -1);
	w->view.ports[1].usable4 = true;
	step(w, 60000, 1);
	assert_true(w->leave.port[A]); /* another one came */
}

static void a_dearer_port_drains(void **state)
{
	struct world *w = *state;

	begin(w);
	w->view.ports[0].usable4 = false;
	step(w, 5, 1);
	w->view.ports[0].usable4 = true;
	step(w, 5, 1); /* held */
	assert_false(w->leave.any || w->begun.any);
	step(w, 3000, 0);
	assert_true(w->begun.port[B] && !w->leave.any);
	assert_int_equal(flows_next(&w->memory).ns, 1 + (w->now_ms + FLOWS_DRAIN_MS) * MS);
	step(w, FLOWS_DRAIN_MS - 1, 0);
	assert_false(w->leave.any || w->begun.any);
	step(w, 1, 0);
	assert_true(w->leave.port[B]);
	assert_int_equal(flows_next(&w->memory).ns, 0);
}

static void a_dearer_port_that_is_needed_again_drains_no_more(void **state)
{
	struct world *w = *state;

	begin(w);
	w->memory.clean[B] = false;
	step(w, 0, 0);
	assert_true(w->begun.port[B]);
	w->view.ports[0].usable4 = false;
	step(w, FLOWS_DRAIN_MS - 1, 1);
	assert_true(w->leave.port[A] && !w->leave.port[B]);
	step(w, 2, 1);
	assert_false(w->leave.any);
}

/* A time that is over would be waited for again and again. */
static void nobody_is_woken_while_no_port_can_take_over(void **state)
{
	struct world *w = *state;

	begin(w);
	w->memory.clean[B] = false;
	step(w, 0, 0);
	assert_true(w->begun.port[B]);
	w->view.ports[0].usable4 = w->view.ports[1].usable4 = false;
	step(w, FLOWS_DRAIN_MS, -1);
	assert_false(w->leave.any || w->begun.any);
	assert_int_equal(flows_next(&w->memory).ns, 0);
	w->view.ports[0].usable4 = w->view.ports[1].usable4 = true;
	step(w, 60000, 0); /* all are back: it drains anew */
	assert_true(w->begun.port[B] && !w->leave.any);
}

static void a_port_of_the_same_cost_is_as_good(void **state)
{
	struct world *w = *state;

	w->config.ports[1].cost = 0;
	begin(w);
	w->memory.clean[B] = false;
	step(w, 60000, 0);
	assert_false(w->leave.any || w->begun.any);
}

static void ports_for_apps_are_left_for_one_of_the_management(void **state)
{
	struct world *w = *state;

	w->config.ports[0].is_mgmt = false;
	begin(w);
	step(w, 1, 1);
	assert_true(w->begun.port[A]);
}

static void a_port_by_which_nobody_is_reached_is_left_at_once(void **state)
{
	struct world *w = *state;

	begin(w);
	w->view.ports[0].behind4 = w->view.ports[1].behind4 = true;
	step(w, 5, 0);
	assert_false(w->leave.any);
	w->view.ports[1].behind4 = false;
	step(w, 5, 1);
	assert_true(w->leave.port[A]);
}

static void a_port_that_is_not_configured_any_more_is_left(void **state)
{
	struct world *w = *state;

	begin(w);
	w->config.ports[0] = w->config.ports[1];
	w->view.ports[0] = w->view.ports[1];
	w->config.nports = 1;
	step(w, 5, 0);
	assert_true(w->leave.port[A] && !w->leave.port[B]);
}

/* After a restart: what does not work yet may be about to, and who it was that had flows is not known. */
static void after_a_restart_all_ports_have_their_time(void **state)
{
	struct world *w = *state;

	w->view.ports[0].usable4 = false;
	step(w, 0, 1);
	assert_true(w->begun.port[A] && w->begun.port[GONE] && !w->begun.port[B]);
	assert_false(w->leave.any);
	w->view.ports[0].usable4 = true;
	step(w, 50, 0); /* there it is */
	step(w, FLOWS_DRAIN_MS, 0);
	assert_true(w->leave.port[B] && w->leave.port[GONE] && !w->leave.port[A]);
}

static void versions_of_ip_have_a_memory_each(void **state)
{
	struct flows_memory six = { 0 };
	struct world *w = *state;

	begin(w);
	w->view.ports[0].usable4 = false;
	w->view.default6 = 0;
	flows_step(&six, &w->config, &w->view, NIM_V6, (struct mono){ 1 }, &w->leave, &w->begun);
	assert_true(w->begun.port[B] && !w->leave.any);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_port_that_dies_is_left_at_once),
		WORLD_TEST(nothing_is_cut_without_another_port),
		WORLD_TEST(a_dearer_port_drains),
		WORLD_TEST(a_dearer_port_that_is_needed_again_drains_no_more),
		WORLD_TEST(nobody_is_woken_while_no_port_can_take_over),
		WORLD_TEST(a_port_of_the_same_cost_is_as_good),
		WORLD_TEST(ports_for_apps_are_left_for_one_of_the_management),
		WORLD_TEST(a_port_by_which_nobody_is_reached_is_left_at_once),
		WORLD_TEST(a_port_that_is_not_configured_any_more_is_left),
		WORLD_TEST(after_a_restart_all_ports_have_their_time),
		WORLD_TEST(versions_of_ip_have_a_memory_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
