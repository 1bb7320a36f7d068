/* SPDX-License-Identifier: Apache-2.0 */
/* Which flows are forgotten when apps cannot use a port any more. */
#include "tests/unit/zr_world.h"

#include "zedrouter/flows.h"

#define PORT(label, number, shared, more)                                                          \
	"{'logicallabel':'" label "','labels':['" shared "'],'mark':" number more "}"
#define A_UP PORT("a", "16777216", "uplink", ",'usable4':true")
#define A_DOWN PORT("a", "16777216", "uplink", "")
#define A_OVER PORT("a", "16777216", "uplink", ",'usable4':true,'over_quota':true")
#define B_UP PORT("b", "33554432", "uplink", ",'usable4':true,'cost':10")
#define C_UP PORT("c", "50331648", "other", ",'usable4':true")

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

static void require_follow(struct zr_world *w, const char *from, const char *to, const char *want)
{
	struct strbuf out = STRBUF_INIT, ports = STRBUF_INIT;
	struct zr_ports *was;

	strbuf_addf(&ports, "{'ports':[%s]}", from);
	zr_ports(w, strbuf_str(&ports));
	strbuf_reset(&ports);
	strbuf_addf(&ports, "{'ports':[%s]}", to);
	was = zr_model_set_ports(
		&w->model, (Ew__DeviceNetworkStatus *)zr_parse(
				   w, &ew__device_network_status__descriptor, strbuf_str(&ports)));
	zr_flows_follow(&w->model, was, add_line, &out);
	assert_string_equal(strbuf_str(&out), want);
	free(was);
	strbuf_fini(&out);
	strbuf_fini(&ports);
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
	require_follow(w, A_UP "," C_UP, A_DOWN "," C_UP, "a/4 moved=0 kept=1\n");
	require_follow(w, A_UP "," B_UP, A_UP "," B_UP, "");
}

static void port_that_is_back_is_told(void **state)
{
	struct zr_world *w = *state;

	add_ni(w, 1, "uplink");
	require_follow(w, A_DOWN "," B_UP, A_UP "," B_UP, "a/4 back moved=0 kept=0\n");
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
	require_follow(w, A_UP "," C_UP, A_DOWN "," C_UP, "a/4 moved=0 kept=1\n");
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
		TEST(port_that_is_back_is_told),
		TEST(static_route_counts_as_well),
		TEST(many_instances_need_few_walks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
