/* SPDX-License-Identifier: Apache-2.0 */
/* A candidate tried beside the port configuration in force: what fits, and what is added. */
#include "tests/unit/golden.h"

#include "base/pbjson.h"
#include "config.pb-c.h"
#include "nim/dpc/beside.h"
#include "nim/intent.h"
#include "tests/unit/addresses.h"

#define ETH0(rest)                                                                                 \
	"{'logicallabel':'a','ifname':'eth0','is_mgmt':true,'is_l3':true,"                         \
	"'ip_versions':'IP_V4_ONLY'," rest "}"
#define STATIC0 ETH0("'dhcp':'DHCP_STATIC','addresses':['192.0.2.2/24'],'gateways':['192.0.2.1']")
#define DHCP0 ETH0("'dhcp':'DHCP_CLIENT'")
#define ETH1                                                                                       \
	"{'logicallabel':'b','ifname':'eth1','is_mgmt':true,'is_l3':true,'dhcp':'DHCP_CLIENT',"    \
	"'ip_versions':'IP_V4_ONLY','domain':'candidate.example'}"
#define MEMBER "{'logicallabel':'m','ifname':'eth0'}"
#define BOND(member)                                                                               \
	"{'logicallabel':'lag','ifname':'bond1','is_mgmt':true,'is_l3':true,"                      \
	"'dhcp':'DHCP_CLIENT','bond':{'members':['" member "'],'mode':1,'miimon_ms':100}}"
#define VLAN(vid)                                                                                  \
	"{'logicallabel':'v','ifname':'eth0.30','is_mgmt':true,'is_l3':true,"                      \
	"'ip_versions':'IP_V4_ONLY','dhcp':'DHCP_CLIENT','vlan':{'parent':'a','vid':" vid "}}"

/* The message is kept: the configuration may point into it. */
struct loaded {
	Ew__DevicePortConfig *msg;
	struct nim_config config;
};

static struct loaded *load(const char *ports)
{
	_cleanup_(freep) char *text = xasprintf("{'source':'test','ports':[%s]}", ports);
	struct loaded *l = xcalloc(1, sizeof(*l));
	struct pbjson_error err;
	ProtobufCMessage *msg = NULL;

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	if (pbjson_parse(&ew__device_port_config__descriptor, text, strlen(text), &msg, &err) < 0)
		fail_msg("%s: %s", err.pointer, err.why);
	l->msg = (Ew__DevicePortConfig *)msg;
	nim_config_load(&l->config, l->msg);
	return l;
}

static void unload(struct loaded *l)
{
	ew__device_port_config__free_unpacked(l->msg, NULL);
	free(l);
}

static void what_can_be_tried_beside_and_what_cannot(void **state)
{
	static const struct {
		const char *working, *candidate, *why; /* NULL: it fits */
	} rows[] = {
		{ STATIC0, DHCP0, NULL },
		{ DHCP0, STATIC0, NULL },
		{ STATIC0, STATIC0 "," ETH1, NULL },
		{ STATIC0, ETH1, NULL },
		{ STATIC0 "," ETH1, STATIC0, NULL },
		{ STATIC0,
		  ETH0("'dhcp':'DHCP_STATIC','addresses':['192.0.2.9/24'],"
		       "'gateways':['192.0.2.254'],'cost':7,'dns_servers':['192.0.2.53']"),
		  NULL },
		{ STATIC0,
		  ETH0("'dhcp':'DHCP_STATIC','addresses':['192.0.2.2/24'],"
		       "'gateways':['192.0.2.254']"),
		  "eth0: the same address with another gateway" },
		{ STATIC0,
		  ETH0("'dhcp':'DHCP_STATIC','addresses':['192.0.2.2/16'],"
		       "'gateways':['192.0.2.1']"),
		  "eth0: the same address with another prefix length" },
		{ DHCP0, ETH0("'dhcp':'DHCP_CLIENT','gateways':['192.0.2.9']"),
		  "eth0: the same address with another gateway" },
		{ STATIC0, ETH0("'dhcp':'DHCP_CLIENT','mtu':1400"), "eth0: another MTU" },
		{ ETH0("'dhcp':'DHCP_CLIENT','proxy':{'https':{'host':'192.0.2.7','port':3128}}"),
		  ETH0("'dhcp':'DHCP_CLIENT','proxy':{'https':{'host':'192.0.2.8','port':3128}}"),
		  NULL },
		{ "{'logicallabel':'a','ifname':'eth0','is_mgmt':true,'is_l3':true,"
		  "'dhcp':'DHCP_STATIC','addresses':['192.0.2.2/24']}",
		  DHCP0, "eth0: who listens to router advertisements would change" },
		{ STATIC0, MEMBER "," BOND("m"), "bond1: a member of the bond is in use now" },
		{ STATIC0 "," VLAN("30"), STATIC0 "," VLAN("31"),
		  "eth0.30: it differs in more than its addresses" },
		{ STATIC0, STATIC0 "," VLAN("30"), NULL },
		{ STATIC0, "{'logicallabel':'a','ifname':'eth0'}," VLAN("30"), NULL },
		{ "{'logicallabel':'a','ifname':'eth0'}," VLAN("30"), STATIC0,
		  "eth0: it has no addresses now" },
		{ STATIC0,
		  "{'logicallabel':'a','ifname':'eth9','is_mgmt':true,'is_l3':true,"
		  "'dhcp':'DHCP_CLIENT'}",
		  "eth9: its label is that of another interface now" },
		{ "{'logicallabel':'x','ifname':'eth0','is_l3':true}", DHCP0,
		  "eth0: it has no addresses now" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct loaded *w = load(rows[i].working), *c = load(rows[i].candidate);
		char why[NIM_WHY] = "";

		if (nim_beside_fits(&w->config, &c->config, why) == (rows[i].why != NULL) ||
		    strcmp(why, rows[i].why ?: "") != 0)
			fail_msg("row %zu: \"%s\"", i, why);
		unload(w);
		unload(c);
	}
}

static void too_many_ports_together_are_not_tried_beside(void **state)
{
	struct loaded *w = load(STATIC0), *c = load(ETH1);
	char why[NIM_WHY];

	(void)state;
	w->config.nports = NIM_PORTS;
	assert_false(nim_beside_fits(&w->config, &c->config, why));
	assert_string_equal(why, "more ports than there is room for");
	unload(w);
	unload(c);
}

/* A trial in a world where eth0 has these addresses, the first the working one's. */
struct trial_world {
	struct loaded *w, *c;
	struct nim_facts facts, own;
	struct nim_view view, own_view;
};

static void add(struct trial_world *t, unsigned int port, const char *address)
{
	struct prefix p = prefix(address), out;

	nim_iface_sort_addr(&t->facts.ifaces[port], &t->w->config.ports[port], &p, &out);
}

static void begin(struct trial_world *t, const char *working, const char *candidate)
{
	memset(t, 0, sizeof(*t));
	t->w = load(working);
	t->c = load(candidate);
	nim_beside_merge(&t->w->config, &t->c->config);
	for (unsigned int i = 0; i < t->w->config.nports; i++)
		t->w->config.ports[i].number = (uint8_t)(i + 1);
	nim_beside_numbers(&t->c->config, &t->w->config);
	nim_facts_follow(&t->facts, &t->w->config);
	for (unsigned int i = 0; i < t->w->config.nports; i++) {
		t->facts.ifaces[i].ifindex = i + 2;
		t->facts.ifaces[i].up = t->facts.ifaces[i].carrier = true;
	}
}

static void look(struct trial_world *t)
{
	nim_view(&t->w->config, &t->facts, &t->view);
	nim_beside_facts(&t->c->config, &t->w->config, &t->facts, &t->own);
	nim_view(&t->c->config, &t->own, &t->own_view);
}

static void end(struct trial_world *t)
{
	unload(t->w);
	unload(t->c);
}

static void everything(struct trial_world *t, struct strbuf *out)
{
	for (unsigned int i = 0; i < t->w->config.nports; i++)
		golden_graph(nim_intent_port(&t->w->config, &t->facts, &t->view, i), out);
	golden_graph(nim_intent_node(&t->w->config, &t->view), out);
	golden_graph(nim_beside_intent(&t->c->config, &t->w->config, &t->own, &t->own_view), out);
}

static void what_the_working_one_has_is_as_ever_but_for_additions(void **state)
{
	static struct trial_world t;
	struct strbuf out = STRBUF_INIT;

	(void)state;
	begin(&t, STATIC0, DHCP0 "," ETH1 "," VLAN("30"));
	add(&t, 0, "192.0.2.2/24");
	look(&t);
	assert_true(t.view.ports[0].usable4);
	assert_int_equal(t.view.default4, 0);
	assert_false(t.own_view.ports[0].usable4); /* the working one's address is not its own */
	everything(&t, &out);
	add(&t, 0, "192.0.2.150/24"); /* by DHCP */
	t.facts.ifaces[0].lease4.gateway = prefix("192.0.2.7/32").addr;
	add(&t, 1, "198.51.100.5/24");
	t.facts.ifaces[1].lease4.gateway = prefix("198.51.100.1/32").addr;
	look(&t);
	assert_int_equal(t.facts.ifaces[0].naddrs, 1); /* and for the working one it is none */
	assert_true(t.own_view.ports[0].usable4 && t.own_view.ports[1].usable4);
	assert_false(t.view.ports[1].usable4);
	strbuf_add(&out, "\nwith addresses of the candidate\n");
	everything(&t, &out);
	golden_text("beside_dhcp", strbuf_str(&out));
	strbuf_fini(&out);
	end(&t);
}

static void another_static_address_leaves_by_its_own_gateway(void **state)
{
	static struct trial_world t;
	struct strbuf out = STRBUF_INIT;

	(void)state;
	begin(&t, DHCP0,
	      ETH0("'dhcp':'DHCP_STATIC','addresses':['192.0.2.9/24','192.0.2.10/24'],"
		   "'gateways':['192.0.2.254']"));
	add(&t, 0, "192.0.2.9/24");
	add(&t, 0, "192.0.2.10/24");
	add(&t, 0, "192.0.2.100/24"); /* by DHCP, the working one's */
	t.facts.ifaces[0].lease4.gateway = prefix("192.0.2.1/32").addr;
	look(&t);
	assert_int_equal(t.facts.ifaces[0].naddrs, 1);
	assert_int_equal(t.own.ifaces[0].naddrs, 2);
	assert_true(t.view.ports[0].usable4 && t.own_view.ports[0].usable4);
	everything(&t, &out);
	golden_text("beside_static", strbuf_str(&out));
	strbuf_fini(&out);
	end(&t);
}

static void an_address_that_both_have_counts_for_both(void **state)
{
	static struct trial_world t;

	(void)state;
	begin(&t, STATIC0,
	      ETH0("'dhcp':'DHCP_STATIC','addresses':['192.0.2.2/24'],'gateways':['192.0.2.1'],"
		   "'dns_servers':['192.0.2.53']"));
	add(&t, 0, "192.0.2.2/24");
	look(&t);
	assert_true(t.view.ports[0].usable4 && t.own_view.ports[0].usable4);
	end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_can_be_tried_beside_and_what_cannot),
		cmocka_unit_test(too_many_ports_together_are_not_tried_beside),
		cmocka_unit_test(what_the_working_one_has_is_as_ever_but_for_additions),
		cmocka_unit_test(another_static_address_leaves_by_its_own_gateway),
		cmocka_unit_test(an_address_that_both_have_counts_for_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
