/* SPDX-License-Identifier: Apache-2.0 */
/* Which flows are forgotten when apps cannot use a port any more. */
#include "base/arena.h"
#include "status.pb-c.h"
#include "tests/unit/zr_world.h"
#include "zedrouter/status.h"

#include "zedrouter/flows.h"

#define PORT(label, number, shared, more)                                                          \
	"{'logicallabel':'" label "','labels':['" shared "'],'mark':" number more "}"
#define A_UP PORT("a", "16777216", "uplink", ",'usable4':true")
#define A_DOWN PORT("a", "16777216", "uplink", "")
#define A_OVER PORT("a", "16777216", "uplink", ",'usable4':true,'over_quota':true")
#define A_HELD PORT("a", "16777216", "uplink", ",'usable4':true,'held4':true")
#define A_OTHER PORT("a", "16777216", "other", ",'usable4':true")
#define B_DOWN PORT("b", "33554432", "uplink", ",'cost':10")
#define A_BEHIND PORT("a", "16777216", "uplink", ",'usable4':true,'behind4':true")
#define A_LOST PORT("a", "16777216", "uplink", ",'behind4':true")
#define B_BEHIND PORT("b", "33554432", "uplink", ",'usable4':true,'behind4':true,'cost':10")
#define A_DEAR PORT("a", "16777216", "uplink", ",'usable4':true,'cost':20")
#define B_UP PORT("b", "33554432", "uplink", ",'usable4':true,'cost':10")
#define B_DEV PORT("b", "33554432", "uplink", ",'usable4':true,'cost':10,'ifname':'ethb'")
#define C_UP PORT("c", "50331648", "other", ",'usable4':true")

static struct mono now = { 1 };

static void add_line(const struct zr_flows_change *c, void *arg)
{
	struct strbuf *out = arg;

	strbuf_addf(out, "%s/%d%s moved=%u kept=%u", c->port, c->family == AF_INET6 ? 6 : 4,
		    c->back ? " back" : "", c->moved, c->kept);
	for (unsigned int i = 0; i < c->orders; i++) {
		assert_int_equal(c->order[i].family, c->family);
		strbuf_addf(out, " %x/%x", c->order[i].mark, c->order[i].mask);
	}
	strbuf_add(out, "\n");
}

static void nothing(const struct zr_flows_change *c, void *arg)
{
	(void)c, (void)arg;
}

/* All that was dirty has been made. */
static void made(struct zr_world *w)
{
	struct hmap_node *node;

	hmap_for_each (node, &w->model.instances) {
		struct zr_ni *ni = container_of(node, struct zr_ni, node);

		ni->dirty = ni->way_dirty = ni->reroutes = false;
	}
}

/* The ports change, and this is what zedrouter does about it. */
static void require_change(struct zr_world *w, const char *to, const char *want)
{
	struct strbuf out = STRBUF_INIT, ports = STRBUF_INIT;
	struct zr_ports *was;

	strbuf_addf(&ports, "{'ports':[%s]}", to);
	was = zr_model_set_ports(
		&w->model, (Ew__DeviceNetworkStatus *)zr_parse(
				   w, &ew__device_network_status__descriptor, strbuf_str(&ports)));
	zr_flows_follow(&w->model, was, now, add_line, &out);
	assert_string_equal(strbuf_str(&out), want);
	free(was);
	strbuf_fini(&out);
	strbuf_fini(&ports);
}

static void require_follow(struct zr_world *w, const char *from, const char *to, const char *want)
{
	struct strbuf ports = STRBUF_INIT;

	strbuf_addf(&ports, "{'ports':[%s]}", from);
	zr_ports(w, strbuf_str(&ports));
	made(w);
	zr_flows_follow(&w->model, NULL, now, nothing, NULL);
	require_change(w, to, want);
	strbuf_fini(&ports);
}

/* Something else has changed. Milliseconds until it wants to be asked again. */
static int64_t require_flows(struct zr_world *w, const char *want)
{
	struct strbuf out = STRBUF_INIT;
	int64_t next_ms;

	made(w);
	next_ms = zr_flows_follow(&w->model, NULL, now, add_line, &out);
	assert_string_equal(strbuf_str(&out), want);
	strbuf_fini(&out);
	return next_ms;
}

static int64_t require_later(struct zr_world *w, unsigned int ms, const char *want)
{
	now.ns += ms * 1000000ull;
	return require_flows(w, want);
}

static void add_ni(struct zr_world *w, unsigned int n, const char *label)
{
	char uuid[ZR_UUID], json[300];

	snprintf(uuid, sizeof(uuid), "ni-%u", n);
	snprintf(json, sizeof(json),
		 "{'type':'NI_LOCAL','activate':true,'port_label':'%s','subnet':'10.%u.0.0/24',"
		 "'gateway':'10.%u.0.1','dhcp_start':'10.%u.0.2','dhcp_end':'10.%u.0.9'}",
		 label, n, n, n, n);
	zr_ni(w, uuid, json);
}

static void flows_of_a_dead_port_are_forgotten_where_there_is_another(void **state)
{
	struct zr_world *w = *state;

	add_ni(w, 1, "uplink");
	add_ni(w, 2, "a"); /* has no other */
	add_ni(w, 3, "other"); /* is not concerned */
	require_follow(w, A_UP "," B_UP "," C_UP, A_DOWN "," B_UP "," C_UP,
		       "a/4 moved=1 kept=1 1000400/ff3ffc00\n");
	require_follow(w, A_UP "," B_UP "," C_UP, B_UP "," C_UP, /* the port is taken away */
		       "a/4 moved=1 kept=1 1000400/ff3ffc00\n");
	require_follow(w, A_UP "," B_UP, A_OVER "," B_UP, "a/4 moved=1 kept=1 1000400/ff3ffc00\n");
}

static void nothing_is_forgotten_without_another_port(void **state)
{
	struct zr_world *w = *state;

	add_ni(w, 1, "uplink");
	require_follow(w, A_UP "," C_UP, A_DOWN "," C_UP, "");
	require_follow(w, A_UP "," B_UP, A_UP "," B_UP, "");
}

static void kept_flows_move_when_another_port_comes(void **state)
{
	struct zr_world *w = *state;

	add_ni(w, 1, "uplink");
	require_follow(w, A_UP "," B_DOWN, A_DOWN "," B_DOWN, "");
	require_change(w, A_DOWN "," B_UP, "b/4 back moved=0 kept=0\n"); /* once there is a route */
	require_flows(w, "a/4 moved=1 kept=0 1000400/ff3ffc00\n");
	require_flows(w, "");
}

static void kept_flows_stay_when_their_port_comes_first(void **state)
{
	struct zr_world *w = *state;

	add_ni(w, 1, "uplink");
	require_follow(w, A_UP "," B_DOWN, A_DOWN "," B_DOWN, "");
	require_change(w, A_UP "," B_DOWN, "a/4 back moved=0 kept=0\n");
	require_change(w, A_UP "," B_UP, "b/4 back moved=0 kept=0\n");
}

static void port_that_is_back_is_told(void **state)
{
	struct zr_world *w = *state;

	add_ni(w, 1, "uplink");
	require_follow(w, A_DOWN "," B_UP, A_UP "," B_UP, "a/4 back moved=0 kept=0\n");
}

static void port_that_left_and_returned_is_told(void **state)
{
	struct zr_world *w = *state;

	add_ni(w, 1, "uplink");
	require_follow(w, A_UP "," B_UP, B_UP, "a/4 moved=1 kept=0 1000400/ff3ffc00\n");
	require_change(w, B_UP "," A_UP, "a/4 back moved=0 kept=0\n");
	require_change(w, A_UP "," B_UP, "");
}

static void after_a_restart_any_dead_port_may_have_flows(void **state)
{
	struct zr_world *w = *state;

	zr_ports(w, "{'ports':[" A_DOWN "," B_UP "," C_UP "]}");
	add_ni(w, 1, "uplink");
	add_ni(w, 2, "a");
	add_ni(w, 3, "other");
	require_flows(w, "a/4 moved=1 kept=1 1000400/ff3ffc00\nb/4 back moved=0 kept=0\n"
			 "c/4 back moved=0 kept=0\n");
	require_flows(w, "");
}

static void port_without_the_label_is_none_of_the_instance_any_more(void **state)
{
	struct zr_world *w = *state;

	add_ni(w, 1, "uplink");
	add_ni(w, 2, "a");
	require_follow(w, A_UP "," B_UP, A_OTHER "," B_UP, "a/4 moved=1 kept=0 1000400/ff3ffc00\n");
}

static void instance_with_another_label_takes_its_flows_along(void **state)
{
	struct zr_world *w = *state;

	add_ni(w, 1, "uplink");
	add_ni(w, 2, "uplink");
	require_follow(w, A_UP "," B_UP "," C_UP, A_UP "," B_UP "," C_UP, "");
	add_ni(w, 1, "other");
	require_flows(w, "a/4 moved=1 kept=0 1000400/ff3ffc00\n"
			 "b/4 moved=1 kept=0 2000400/ff3ffc00\n");
	add_ni(w, 2, "nobody"); /* it has no other */
	require_flows(w, "");
}

/* Who named the port, or private networks by a label of his own, keeps his flows. */
static void
flows_by_a_port_that_reaches_nobody_are_forgotten_by_those_who_want_to_get_far(void **state)
{
	struct zr_world *w = *state;

	add_ni(w, 1, "uplink");
	add_ni(w, 2, "a");
	require_follow(w, A_UP "," B_UP, A_BEHIND "," B_UP,
		       "a/4 moved=1 kept=0 1000400/ff3ffc00\n");
	require_change(w, A_LOST "," B_UP, "");
	require_change(w, A_UP "," B_UP, "a/4 back moved=0 kept=0\n");
	require_change(w, A_BEHIND "," B_BEHIND, ""); /* there is no better */
}

static void static_route_counts_as_well(void **state)
{
	struct zr_world *w = *state;

	zr_ni(w, NI_A,
	      "{'type':'NI_LOCAL','activate':true,'port_label':'other','subnet':'10.1.0.0/24',"
	      "'gateway':'10.1.0.1','dhcp_start':'10.1.0.2','dhcp_end':'10.1.0.9',"
	      "'static_routes':[{'destination':'10.9.0.0/16','port_label':'uplink'}]}");
	require_follow(w, A_UP "," B_UP "," C_UP, A_DOWN "," B_UP "," C_UP,
		       "a/4 moved=1 kept=0 1000400/ff3ffc00\n");
	require_follow(w, A_UP "," C_UP, A_DOWN "," C_UP, "");
}

/* It is no group's: until it is made again it leads by the port that is lost. */
static void flows_wait_for_a_static_route_by_a_gateway(void **state)
{
	struct zr_world *w = *state;
	struct zr_ni *ni;

	zr_ni(w, NI_A,
	      "{'type':'NI_LOCAL','activate':true,'port_label':'uplink','subnet':'10.1.0.0/24',"
	      "'gateway':'10.1.0.1','dhcp_start':'10.1.0.2','dhcp_end':'10.1.0.9',"
	      "'static_routes':[{'destination':'10.9.0.0/16','gateway':'192.0.2.9',"
	      "'port_label':'uplink'}]}");
	ni = zr_model_ni(&w->model, NI_A);
	require_follow(w, A_UP "," B_DEV, A_DOWN "," B_DEV, "");
	assert_true(ni->way_dirty);
	require_flows(w, "a/4 moved=1 kept=0 1000400/ff3ffc00\n");
}

static void flows_wait_for_the_route_of_another_label(void **state)
{
	struct zr_world *w = *state;

	add_ni(w, 1, "uplink");
	require_follow(w, A_UP "," C_UP, A_UP "," C_UP, "");
	add_ni(w, 1, "other");
	require_change(w, A_UP "," C_UP, "");
	require_flows(w, "a/4 moved=1 kept=0 1000400/ff3ffc00\n");
}

static void add_draining_by(struct zr_world *w, const char *drain_s, const char *label,
			    const char *sharing)
{
	_cleanup_(freep) char *json =
		xasprintf("{'type':'NI_LOCAL','activate':true,'port_label':'%s','drain_s':%s,"
			  "'subnet':'10.1.0.0/24','gateway':'10.1.0.1','dhcp_start':'10.1.0.2',"
			  "'dhcp_end':'10.1.0.9','share_equal_cost':%s}",
			  label, drain_s, sharing);

	zr_ni(w, "ni-1", json);
}

static void add_draining(struct zr_world *w, const char *drain_s)
{
	add_draining_by(w, drain_s, "uplink", "false");
}

#define LEFT_B "b/4 moved=1 kept=0 2000400/ff7ffc00\n"

/* What is told of the instance; "" is none. It is told whenever that changes. */
static void require_draining(struct zr_world *w, const char *want)
{
	struct zr_ni *ni = zr_model_ni(&w->model, "ni-1");
	struct arena arena = { 0 };
	const struct Ew__NetworkInstanceStatus *s = zr_ni_status(&w->model, ni, "", false, &arena);

	assert_int_equal(s->n_draining, *want ? 1 : 0);
	if (*want)
		assert_string_equal(s->draining[0], want);
	assert_true(ni->untold);
	ni->untold = false;
	arena_fini(&arena);
}

static void flows_leave_a_dearer_port_once_it_has_drained(void **state)
{
	struct zr_world *w = *state;

	add_draining(w, "2");
	require_follow(w, A_UP "," B_UP, A_DOWN "," B_UP, "a/4 moved=1 kept=0 1000400/ff3ffc00\n");
	assert_int_equal(require_later(w, 5000, ""), -1); /* nothing cheaper came */
	require_change(w, A_HELD "," B_UP, "a/4 back moved=0 kept=0\n"); /* not in use yet */
	assert_int_equal(require_later(w, 5000, ""), -1);
	require_draining(w, "");
	require_change(w, A_UP "," B_UP, "");
	require_draining(w, "b");
	assert_int_equal(require_later(w, 0, ""), 2000);
	assert_int_equal(require_later(w, 1999, ""), 1);
	assert_false(zr_model_ni(&w->model, "ni-1")->untold);
	assert_int_equal(require_later(w, 1, LEFT_B), -1);
	require_draining(w, "");
	assert_int_equal(require_later(w, 1, ""), -1);
	require_change(w, A_UP, ""); /* nobody was there any more */
}

static void flows_of_a_port_that_drains_stay_when_it_is_needed_again(void **state)
{
	struct zr_world *w = *state;

	add_draining(w, "2");
	require_follow(w, A_DOWN "," B_UP, A_UP "," B_UP, "a/4 back moved=0 kept=0\n");
	require_change(w, A_DOWN "," B_UP, "a/4 moved=1 kept=0 1000400/ff3ffc00\n");
	require_later(w, 2000, "");
	require_change(w, A_UP "," B_UP, "a/4 back moved=0 kept=0\n");
	assert_int_equal(require_later(w, 1000, ""), 1000); /* from the second return on */
	require_change(w, B_UP, "a/4 moved=1 kept=0 1000400/ff3ffc00\n");
	require_later(w, 5000, "");
}

static void flows_stay_on_a_dearer_port_that_never_drains(void **state)
{
	struct zr_world *w = *state;

	add_draining(w, "0");
	require_follow(w, A_DOWN "," B_UP, A_UP "," B_UP, "a/4 back moved=0 kept=0\n");
	assert_int_equal(require_later(w, 100000000, ""), -1);
	add_draining(w, "3"); /* another configuration: the time is over already */
	assert_int_equal(require_flows(w, LEFT_B), -1);
}

static void a_port_that_becomes_dearer_drains(void **state)
{
	struct zr_world *w = *state;

	add_draining(w, "2");
	w->model.followed = true;
	require_follow(w, A_UP "," B_UP, A_DEAR "," B_UP, "");
	assert_int_equal(require_later(w, 0, ""), 2000);
	assert_int_equal(require_later(w, 2000, "a/4 moved=1 kept=0 1000400/ff7ffc00\n"), -1);
}

static void a_port_goes_on_draining_when_sharing_is_switched(void **state)
{
	struct zr_world *w = *state;

	add_draining(w, "2");
	require_follow(w, A_DOWN "," B_UP, A_UP "," B_UP, "a/4 back moved=0 kept=0\n");
	assert_int_equal(require_later(w, 500, ""), 1500);
	add_draining_by(w, "2", "uplink", "true");
	assert_int_equal(require_later(w, 500, ""), 1000);
	assert_int_equal(require_later(w, 1000, LEFT_B), -1);
}

static void a_port_that_is_dearer_by_another_label_drains(void **state)
{
	struct zr_world *w = *state;

	add_draining_by(w, "2", "b", "false");
	require_follow(w, A_UP "," B_UP, A_UP "," B_UP, "");
	assert_int_equal(require_later(w, 5000, ""), -1);
	add_draining(w, "2");
	assert_int_equal(require_flows(w, ""), 2000);
	assert_int_equal(require_later(w, 2000, LEFT_B), -1);
}

/* No port worked at first. */
static void after_a_restart_dearer_ports_drain_once_there_are_any(void **state)
{
	struct zr_world *w = *state;

	add_draining(w, "2");
	zr_ports(w, "{'ports':[" A_DOWN "," B_DOWN "]}");
	assert_int_equal(require_flows(w, ""), -1);
	require_change(w, A_UP "," B_UP, "a/4 back moved=0 kept=0\nb/4 back moved=0 kept=0\n");
	assert_int_equal(require_later(w, 0, ""), 2000);
	assert_int_equal(require_later(w, 2000, LEFT_B), -1);
}

/* Where its flows are is not known. */
static void after_a_restart_dearer_ports_drain(void **state)
{
	struct zr_world *w = *state;

	add_draining(w, "2");
	zr_ports(w, "{'ports':[" A_UP "," B_UP "]}");
	assert_int_equal(require_flows(w, "a/4 back moved=0 kept=0\nb/4 back moved=0 kept=0\n"),
			 2000);
	assert_int_equal(require_later(w, 2000, LEFT_B), -1);
}

static void of_a_node_without_a_past_nothing_drains(void **state)
{
	struct zr_world *w = *state;

	add_draining(w, "2");
	w->model.followed = true;
	zr_ports(w, "{'ports':[" A_UP "," B_UP "]}");
	require_flows(w, "a/4 back moved=0 kept=0\nb/4 back moved=0 kept=0\n");
	assert_int_equal(require_later(w, 5000, ""), -1);
}

static void walks_for_all_spare_who_stays(void **state)
{
	struct zr_world *w = *state;

	for (unsigned int n = 1; n <= 3; n++)
		add_ni(w, n, "uplink");
	add_ni(w, 4, "a");
	require_follow(w, A_UP "," B_UP, A_OTHER "," B_UP,
		       "a/4 moved=3 kept=0 1000c00/ff3ffc00 1000800/ff3ffc00 1000400/ff3ffc00\n");
}

/* Numbers 1 to 9: four bits, none of them 0. */
static void many_instances_need_few_walks(void **state)
{
	struct zr_world *w = *state;

	for (unsigned int n = 1; n <= 9; n++)
		add_ni(w, n, "uplink");
	require_follow(w, A_UP "," B_UP, A_DOWN "," B_UP,
		       "a/4 moved=9 kept=0 1000400/ff000400 1000800/ff000800 1001000/ff001000 "
		       "1002000/ff002000\n");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, zr_setup, zr_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(flows_of_a_dead_port_are_forgotten_where_there_is_another),
		TEST(nothing_is_forgotten_without_another_port),
		TEST(kept_flows_move_when_another_port_comes),
		TEST(kept_flows_stay_when_their_port_comes_first),
		TEST(port_that_is_back_is_told),
		TEST(port_that_left_and_returned_is_told),
		TEST(after_a_restart_any_dead_port_may_have_flows),
		TEST(port_without_the_label_is_none_of_the_instance_any_more),
		TEST(instance_with_another_label_takes_its_flows_along),
		TEST(flows_leave_a_dearer_port_once_it_has_drained),
		TEST(flows_of_a_port_that_drains_stay_when_it_is_needed_again),
		TEST(flows_stay_on_a_dearer_port_that_never_drains),
		TEST(after_a_restart_dearer_ports_drain),
		TEST(a_port_that_becomes_dearer_drains),
		TEST(a_port_goes_on_draining_when_sharing_is_switched),
		TEST(a_port_that_is_dearer_by_another_label_drains),
		TEST(after_a_restart_dearer_ports_drain_once_there_are_any),
		TEST(of_a_node_without_a_past_nothing_drains),
		TEST(walks_for_all_spare_who_stays),
		TEST(flows_by_a_port_that_reaches_nobody_are_forgotten_by_those_who_want_to_get_far),
		TEST(static_route_counts_as_well),
		TEST(flows_wait_for_a_static_route_by_a_gateway),
		TEST(flows_wait_for_the_route_of_another_label),
		TEST(many_instances_need_few_walks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
