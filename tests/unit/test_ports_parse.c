/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports as the controller's configuration and as files describe them, through to what nim makes of
 * them: layers, labels, errors of a port and of those above it. Of the scenarios of EVE's own tests
 * of its parser each has its name here.
 */
#include "tests/unit/golden.h"

#include "base/arena.h"
#include "config.pb-c.h"
#include "dpc.pb-c.h"
#include "nim/config.h"
#include "nim/dpc/dpc_json.h"
#include "nim/dpc/dpc_ports.h"
#include "tests/unit/za_change.h"

/* ---- What nim makes of them ---- */

static void print_layer(const struct nim_config *config, const struct nim_port *port,
			struct strbuf *out)
{
	if (port->lower == NIM_LOWER_VLAN)
		dp_vlan_type.print(&port->vlan, out);
	else if (port->lower == NIM_LOWER_BOND)
		dp_bond_type.print(&port->bond, out);
	else
		strbuf_addf(out, "mtu=%u", port->mtu_bytes);
	for (unsigned int i = 0; i < port->nlowers; i++)
		strbuf_addf(out, "%s%s", i ? "," : " on ", config->ports[port->lowers[i]].label);
}

static void print_port(const struct nim_config *config, const struct nim_port *port,
		       struct strbuf *out)
{
	strbuf_addf(out, "%s %s ", port->label, port->ifname.str);
	if (port->error[0]) {
		strbuf_addf(out, "error=\"%s\"\n", port->error);
		return;
	}
	print_layer(config, port, out);
	strbuf_addf(out, "%s%s%s cost=%u", port->is_mgmt ? " management" : "",
		    port->is_l3 ? " l3" : "", port->dhcp == NIM_DHCP_CLIENT ? " dhcp" : "",
		    port->cost);
	for (unsigned int i = 0; i < port->naddrs; i++) {
		strbuf_addc(out, ' ');
		prefix_format(&port->addrs[i], out);
	}
	for (unsigned int i = 0; i < port->nshared; i++)
		strbuf_addf(out, " label=%s", port->shared[i]);
	strbuf_addc(out, '\n');
}

static void print_ports(const Ew__DevicePortConfig *msg, bool errors_only, struct strbuf *out)
{
	static struct nim_config config;

	nim_config_load(&config, msg);
	for (unsigned int i = 0; i < config.nports; i++)
		if (!errors_only || config.ports[i].error[0])
			print_port(&config, &config.ports[i], out);
}

static void print_eve(json_t *root, bool errors_only, struct strbuf *out) /* takes root */
{
	_cleanup_(za_config_freep) struct za_config *config = NULL;
	_cleanup_(freep) char *text = json_dumps(root, 0);
	struct pbjson_error err;

	json_decref(root);
	if (za_config_parse(text, strlen(text), &config, &err) < 0)
		fail_msg("%s: %s", err.pointer, err.why);
	print_ports(config->ports, errors_only, out);
}

/* JSON with ' for ". */
static char *quoted(const char *json)
{
	char *text = xstrdup(json);

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	return text;
}

static void print_file(const char *json, struct strbuf *out)
{
	_cleanup_(freep) char *text = quoted(json);
	struct pbjson_error err = { "", "" };
	Ew__DevicePortConfig *config = NULL;
	struct arena arena = { 0 };
	Dpc__Config *dpc = NULL;

	if (dpc_json_parse(text, strlen(text), &dpc, &err) < 0 ||
	    dpc_ports(dpc, &arena, &config, &err) < 0)
		fail_msg("%s: %s", err.pointer, err.why);
	print_ports(config, false, out);
	dpc__config__free_unpacked(dpc, NULL);
	arena_fini(&arena);
}

/* ---- Errors, each by one change to the rich example ---- */

static const struct {
	const char *where, *value;
} changes[] = {
	{ "/deviceIoList/1/logicallabel", "\"wan\"" },
	{ "/deviceIoList/3/logicallabel", "\"\"" },
	{ "/deviceIoList/3/logicallabel", "\"a\\nb\"" },
	{ "/deviceIoList/3/logicallabel", "\"much-too-long-for-an-ifname\"" },
	{ "/deviceIoList/1/phyaddrs", "{\"ifname\":\"enp1s0\"}" },
	{ "/deviceIoList/1/phyaddrs", "{\"ifname\":\"a/b\"}" },
	{ "/deviceIoList/1/ptype", "\"PhyIoUSB\"" },
	{ "/deviceIoList/1/ptype", "\"PhyIoNetWLAN\"" },
	{ "/bonds/0/logicallabel", "\"wan\"" },
	{ "/bonds/0/interfaceName", "\"enp1s0\"" },
	{ "/bonds/0/interfaceName", "\"bond0\"" },
	{ "/bonds/0/bondMode", "\"BOND_MODE_UNSPECIFIED\"" },
	{ "/bonds/0/lowerLayerNames", "[]" },
	{ "/bonds/0/lowerLayerNames/1", "\"m0\"" },
	{ "/bonds/0/lowerLayerNames/1", "\"m7\"" },
	{ "/bonds/0/lowerLayerNames/1", "\"lag\"" },
	{ "/bonds/0/lowerLayerNames/-", "\"enp4s0\"" },
	{ "/bonds/0/mii/updelay", "600001" },
	{ "/bonds/-", "{\"logicallabel\":\"b2\",\"lowerLayerNames\":[\"m0\"],\"bondMode\":1}" },
	{ "/bonds/-",
	  "{\"logicallabel\":\"b2\",\"lowerLayerNames\":[\"enp4s0\"],\"bondMode\":5,\"arp\":{"
	  "\"interval\":100}}" },
	{ "/bonds/-",
	  "{\"logicallabel\":\"b2\",\"lowerLayerNames\":[\"enp4s0\"],\"bondMode\":2,\"arp\":{}}" },
	{ "/bonds/-",
	  "{\"logicallabel\":\"b2\",\"lowerLayerNames\":[\"enp4s0\"],\"bondMode\":2,\"arp\":{"
	  "\"interval\":100}}" },
	{ "/bonds/-",
	  "{\"logicallabel\":\"b2\",\"lowerLayerNames\":[\"enp4s0\"],\"bondMode\":2,\"arp\":{"
	  "\"interval\":100,\"ipTargets\":[\"fd00::1\"]}}" },
	{ "/vlans/0/vlanId", "0" },
	{ "/vlans/0/vlanId", "4095" },
	{ "/vlans/1/vlanId", "30" },
	{ "/vlans/0/lowerLayerName", "\"x\"" },
	{ "/vlans/0/lowerLayerName", "\"usb0\"" },
	{ "/vlans/0/lowerLayerName", "\"m0\"" },
	{ "/vlans/1/lowerLayerName", "\"mgmt30\"" },
	{ "/vlans/0/interfaceName", "\"enp1s0\"" },
	{ "/vlans/0/interfaceName", "\"a b\"" },
	{ "/vlans/1/logicallabel", "\"mgmt30\"" },
	{ "/systemAdapterList/0/name", "\"lte\"" },
	{ "/systemAdapterList/1/name", "\"internet\"" },
	{ "/systemAdapterList/0/lowerLayerName", "\"nothing\"" },
	{ "/systemAdapterList/0/lowerLayerName", "\"usb0\"" },
	{ "/systemAdapterList/0/lowerLayerName", "\"m0\"" },
	{ "/systemAdapterList/3/lowerLayerName", "\"wan\"" },
	{ "/systemAdapterList/4/name", "\"absent\"" },
	{ "/systemAdapterList/1/sharedLabels/0", "\"uplink\"" },
	{ "/systemAdapterList/1/sharedLabels/0", "\"internet\"" },
	{ "/systemAdapterList/1/sharedLabels/0", "\"\"" },
	{ "/systemAdapterList/3",
	  "{\"name\":\"field\",\"lowerLayerName\":\"enp4s0\",\"networkUUID\":\"0b5c7d1e-8f3a-4e62-"
	  "a0d9-000000000011\",\"addr\":\"192.0.2.20\"}" },
	{ "/vlans/0/lowerLayerName", "\"mgmt30\"" },
	{ "/bonds/0/lowerLayerNames/1", "\"enp4s0\"" },
	{ "/systemAdapterList/-", "{\"name\":\"m1\",\"networkUUID\":\"0b5c7d1e-8f3a-4e62-a0d9-"
				  "000000000010\"}" },
};

static void what_is_wrong_with_a_port_is_an_error_of_it_and_of_those_above(void **state)
{
	_cleanup_(freep) char *rich = za_test_read("docs/examples/rich.json");
	struct strbuf out = STRBUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		json_t *root = json_loads(rich, 0, NULL);

		strbuf_addf(&out, "==== %s = %s\n", changes[i].where, changes[i].value);
		za_test_change(root, changes[i].where, changes[i].value);
		print_eve(root, true, &out);
	}
	golden_text("ports_errors", strbuf_str(&out));
	strbuf_fini(&out);
}

/* ---- EVE's scenarios ---- */

#define NETWORK "0b5c7d1e-8f3a-4e62-a0d9-000000000001"
#define DEVICE(lists)                                                                              \
	"{'id':{'uuid':'0b5c7d1e-8f3a-4e62-a0d9-000000000009'},'networks':[{'id':'" NETWORK        \
	"','type':'V4','ip':{'dhcp':'Client'}}],'deviceIoList':[{'ptype':1,'phylabel':'eth0'},"    \
	"{'ptype':1,'phylabel':'eth1'},{'ptype':1,'phylabel':'eth2'},"                             \
	"{'ptype':1,'phylabel':'eth3'}]," lists "}"
#define BOND(label, members)                                                                       \
	"{'logicallabel':'" label "','lowerLayerNames':[" members "],'bondMode':2}"
#define VLAN(label, lower, id)                                                                     \
	"{'logicallabel':'" label "','lowerLayerName':'" lower "','vlanId':" id "}"
#define ADAPTER(name, more) "{'name':'" name "'" more "}"
#define L3 ",'uplink':true,'networkUUID':'" NETWORK "'"

static void scenario(const char *name, const char *eve, const char *file)
{
	_cleanup_(freep) char *golden = xasprintf("ports_%s", name), *text = quoted(eve);
	struct strbuf out = STRBUF_INIT;
	json_t *root = json_loads(text, 0, NULL);

	assert_non_null(root);
	strbuf_add(&out, "==== controller\n");
	print_eve(root, false, &out);
	strbuf_add(&out, "==== file\n");
	print_file(file, &out);
	golden_text(golden, strbuf_str(&out));
	strbuf_fini(&out);
}

static void adapters(void **state)
{
	(void)state;
	scenario("adapters",
		 DEVICE("'systemAdapterList':[" ADAPTER("eth0", L3 ",'cost':7") "," ADAPTER(
			 "shopfloor",
			 ",'lowerLayerName':'eth1'") "," ADAPTER("apps",
								 ",'lowerLayerName':'eth2','"
								 "networkUUID':'" NETWORK "'") "]"),
		 "{'Version':1,'Ports':[{'IfName':'eth0','IsMgmt':true,'IsL3Port':true,'Dhcp':4,"
		 "'Cost':7},{'IfName':'eth1','Logicallabel':'shopfloor'},"
		 "{'IfName':'eth2','Logicallabel':'apps','IsL3Port':true,'Dhcp':4}]}");
}

/* The parent carries untagged traffic with an address of its own, too. */
static void vlans(void **state)
{
	(void)state;
	scenario("vlans",
		 DEVICE("'vlans':[" VLAN("v10", "eth0", "10") "," VLAN(
			 "v20", "eth1",
			 "20") "],"
			       "'systemAdapterList':[" ADAPTER("eth0", L3) "," ADAPTER(
				       "v10", L3) "," ADAPTER("v20", L3) "]"),
		 "{'Version':1,'Ports':[{'IfName':'eth0','IsMgmt':true,'IsL3Port':true,'Dhcp':4},"
		 "{'IfName':'eth0.10','Logicallabel':'v10','IsL3Port':true,'Dhcp':4,'MTU':9000,"
		 "'L2Type':1,'VLAN':{'ParentPort':'eth0','ID':10}}]}");
}

static void bonds(void **state)
{
	(void)state;
	scenario("bonds",
		 DEVICE("'bonds':[{'logicallabel':'lag','lowerLayerNames':['eth0','eth1'],"
			"'bondMode':5,'lacpRate':2,'mii':{'interval':50,'updelay':120}},"
			"{'logicallabel':'ab','lowerLayerNames':['eth2','eth3'],'bondMode':2,"
			"'arp':{'interval':200,'ipTargets':['192.0.2.1','192.0.2.2']}}],"
			"'systemAdapterList':[" ADAPTER("lag", L3) "," ADAPTER("ab", L3) "]"),
		 "{'Version':1,'Ports':[{'IfName':'eth0'},{'IfName':'eth1'},{'IfName':'eth2'},"
		 "{'IfName':'lag','IsL3Port':true,'Dhcp':4,'L2Type':2,"
		 "'Bond':{'AggregatedPorts':['eth0','eth1'],'Mode':7}},"
		 "{'IfName':'rr','IsL3Port':true,'Dhcp':4,'L2Type':2,"
		 "'Bond':{'AggregatedPorts':['eth2'],'Mode':1}},"
		 "{'IfName':'bond0','L2Type':2,'Bond':{'AggregatedPorts':['eth2'],'Mode':1}},"
		 "{'IfName':'none','L2Type':2,'Bond':{'AggregatedPorts':[],'Mode':1}},"
		 "{'IfName':'both','L2Type':2,'Bond':{'AggregatedPorts':['eth9'],'Mode':2,"
		 "'MIIMonitor':{'Enabled':true},'ARPMonitor':{'Enabled':true,'Interval':1,"
		 "'IPTargets':['192.0.2.1']}}},"
		 "{'IfName':'lacparp','L2Type':2,'Bond':{'AggregatedPorts':['eth9'],'Mode':5,"
		 "'ARPMonitor':{'Enabled':true,'Interval':1,'IPTargets':['192.0.2.1']}}}]}");
}

/* EVE's dpcreconciler: VLAN and bond ordering. MTUs go down the layers: the VLAN's reaches the members. */
static void vlans_over_bonds(void **state)
{
	(void)state;
	scenario("vlans_over_bonds",
		 DEVICE("'bonds':[" BOND("lag", "'eth0','eth1'") "],'vlans':[" VLAN(
			 "v10", "lag", "10") "," VLAN("v20", "lag",
						      "20") "],"
							    "'systemAdapterList':[" ADAPTER(
								    "v10", L3) "," ADAPTER("v20",
											   L3) "]"),
		 "{'Version':1,'Ports':[{'IfName':'lag.10','Logicallabel':'v10','IsMgmt':true,"
		 "'IsL3Port':true,'Dhcp':4,'MTU':9000,'L2Type':1,'VLAN':{'ParentPort':'lag','ID':"
		 "10}},"
		 "{'IfName':'lag','L2Type':2,'Bond':{'AggregatedPorts':['m0','m1'],'Mode':5}},"
		 "{'IfName':'eth0','Logicallabel':'m0','MTU':2000},"
		 "{'IfName':'eth1','Logicallabel':'m1'},{'IfName':'eth2','MTU':1279}]}");
}

static void invalid_references(void **state)
{
	(void)state;
	scenario(
		"invalid_references",
		DEVICE("'bonds':[" BOND("lag", "'eth0','eth9'") "," BOND(
			"lag2",
			"'v20','eth1'") "],"
					"'vlans':[" VLAN("v10", "lag", "10") "," VLAN("v20", "eth2", "20") "," VLAN("v30", "v20", "30") "," VLAN(
						"v20b", "eth2",
						"20") "],"
						      "'systemAdapterList':[" ADAPTER("v10", L3) "," ADAPTER("v20", L3) "," ADAPTER("v20b", L3) "," ADAPTER(
							      "v30",
							      L3) "," ADAPTER("lag2",
									      L3) "," ADAPTER("eth"
											      "7",
											      L3) "," ADAPTER("x",
													      L3
													      ",'"
													      "lowe"
													      "rLay"
													      "erNa"
													      "me':"
													      "'eth"
													      "3'") "," ADAPTER("y",
																L3
																",'lowerLayerName':'eth3'") "]"),
		"{'Version':1,'Ports':[{'IfName':'eth0','IsL3Port':true,'Dhcp':4},{'IfName':'eth1'}"
		","
		"{'IfName':'eth2'},{'IfName':'eth3'},"
		"{'IfName':'a','L2Type':2,'Bond':{'AggregatedPorts':['eth0'],'Mode':2}},"
		"{'IfName':'b','L2Type':2,'Bond':{'AggregatedPorts':['eth1','eth2'],'Mode':2}},"
		"{'IfName':'c','L2Type':2,'Bond':{'AggregatedPorts':['eth2'],'Mode':2}},"
		"{'IfName':'d','L2Type':2,'Bond':{'AggregatedPorts':['eth3'],'Mode':2}},"
		"{'IfName':'e','L2Type':1,'VLAN':{'ParentPort':'eth3','ID':5}},"
		"{'IfName':'f','L2Type':1,'VLAN':{'ParentPort':'f','ID':5}},"
		"{'IfName':'a-name-of-sixteen','L2Type':1,'VLAN':{'ParentPort':'d','ID':5}}]}");
}

static void shared_labels(void **state)
{
	(void)state;
	scenario("shared_labels",
		 DEVICE("'systemAdapterList':[" ADAPTER(
			 "eth0", L3
			 ",'sharedLabels':['wired','fast'"
			 "]") "," ADAPTER("eth1", L3
					  ",'sharedLabels':['all']") "," ADAPTER("eth2", L3
										 ",'sharedLabels':["
										 "'eth0']") "]"),
		 "{'Version':1,'Ports':[{'IfName':'eth0','IsMgmt':true,'IsL3Port':true,'Dhcp':4,"
		 "'SharedLabels':['all','uplink','wired','freeuplink']},"
		 "{'IfName':'eth1','IsL3Port':true,'Dhcp':4,'SharedLabels':['uplink']},"
		 "{'IfName':'eth2','IsMgmt':true,'Cost':1,'IsL3Port':true,'Dhcp':4,"
		 "'SharedLabels':['freeuplink']}]}");
}

/* Each takes a member of the other: in the order of the lists nothing is used twice. */
static void bond_member_swap(void **state)
{
	(void)state;
	scenario("bond_member_swap",
		 DEVICE("'bonds':[" BOND("a", "'eth0','eth3'") "," BOND(
			 "b", "'eth2','eth1'") "],"
					       "'systemAdapterList':[" ADAPTER("a", L3) "," ADAPTER(
						       "b", L3) "]"),
		 "{'Version':1,'Ports':[{'IfName':'eth0'},{'IfName':'eth1'},{'IfName':'eth2'},"
		 "{'IfName':'eth3'},"
		 "{'IfName':'a','IsL3Port':true,'L2Type':2,'Bond':{'AggregatedPorts':['eth0','eth3'"
		 "],"
		 "'Mode':2}},{'IfName':'b','IsL3Port':true,'L2Type':2,"
		 "'Bond':{'AggregatedPorts':['eth2','eth1'],'Mode':2}}]}");
}

static void adapters_of_apps_that_run_are_told(void **state)
{
	_cleanup_(freep) char *rich = za_test_read("docs/examples/rich.json"), *text = NULL;
	_cleanup_(za_config_freep) struct za_config *config = NULL;
	json_t *root = json_loads(rich, 0, NULL);
	struct strbuf out = STRBUF_INIT;
	struct pbjson_error err;

	(void)state;
	za_test_change(root, "/apps/0/activate", "true");
	za_test_change(root, "/apps/0/adapters",
		       "[{\"type\":1,\"name\":\"g1\"},{\"type\":1,\"name\":\"lte\"},"
		       "{\"type\":2,\"name\":\"usb0\"},{\"type\":1,\"name\":\"nothing\"}]");
	za_test_change(root, "/apps/1/activate", "false");
	za_test_change(root, "/apps/1/adapters", "[{\"type\":1,\"name\":\"m0\"}]");
	text = json_dumps(root, 0);
	json_decref(root);
	if (za_config_parse(text, strlen(text), &config, &err) < 0)
		fail_msg("%s: %s", err.pointer, err.why);
	pbjson_format(&config->assigned->base, PBJSON_PRETTY, &out);
	strbuf_addc(&out, '\n');
	golden_text("ports_assigned", strbuf_str(&out));
	strbuf_fini(&out);
}

/* Files from before EVE 7.3: no IsL3Port anywhere, and version 0 has no IsMgmt. */
static void OldDPC(void **state)
{
	struct strbuf out = STRBUF_INIT;

	(void)state;
	print_file("{'Ports':[{'IfName':'eth0','Dhcp':4},{'IfName':'eth1','Dhcp':4,'Cost':3}]}",
		   &out);
	assert_string_equal(strbuf_str(&out), "eth0 eth0 mtu=1500 management l3 dhcp cost=0\n"
					      "eth1 eth1 mtu=1500 management l3 dhcp cost=3\n");
	strbuf_fini(&out);
}

/* A wish that nobody fulfils is none of the layers below. */
static void a_layer_with_an_error_raises_no_mtu_below_it(void **state)
{
	struct strbuf out = STRBUF_INIT;

	(void)state;
	print_file("{'Version':1,'Ports':[{'IfName':'eth0','IsL3Port':true,'Dhcp':4},"
		   "{'IfName':'eth1'},{'IfName':'lag','L2Type':2,'MTU':4000,"
		   "'Bond':{'AggregatedPorts':['eth1','none'],'Mode':2}},"
		   "{'IfName':'v','MTU':9000,'L2Type':1,'VLAN':{'ParentPort':'eth0','ID':5000}},"
		   "{'IfName':'w','MTU':2000,'L2Type':1,'VLAN':{'ParentPort':'eth0','ID':7}},"
		   "{'IfName':'x','MTU':8000,'L2Type':1,'VLAN':{'ParentPort':'lag','ID':7}}]}",
		   &out);
	assert_string_equal(strbuf_str(&out),
			    "eth0 eth0 mtu=2000 l3 dhcp cost=0\n"
			    "eth1 eth1 mtu=1500 cost=0\n"
			    "lag lag error=\"lower layer not found: none\"\n"
			    "v v error=\"VLAN id is not in 1..4094: 5000\"\n"
			    "w w parent=eth0 vid=7 mtu=2000 on eth0 cost=0\n"
			    "x x error=\"lower layer lag: lower layer not found: none\"\n");
	strbuf_fini(&out);
}

/* Each with what it says, and nobody in another's way. */
static void DPCWithMultipleEths(void **state)
{
	struct strbuf out = STRBUF_INIT;

	(void)state;
	print_file("{'Version':1,'Ports':["
		   "{'IfName':'eth0','IsMgmt':true,'IsL3Port':true,'Dhcp':4},"
		   "{'IfName':'eth1','IsMgmt':true,'IsL3Port':true,'Dhcp':1,'Cost':2,"
		   "'AddrSubnet':'192.0.2.5/24','Gateway':'192.0.2.1'},"
		   "{'IfName':'eth2','IsL3Port':true,'Dhcp':4,'MTU':1400},{'IfName':'eth3'}]}",
		   &out);
	assert_string_equal(strbuf_str(&out),
			    "eth0 eth0 mtu=1500 management l3 dhcp cost=0\n"
			    "eth1 eth1 mtu=1500 management l3 cost=2 192.0.2.5/24\n"
			    "eth2 eth2 mtu=1400 l3 dhcp cost=0\n"
			    "eth3 eth3 mtu=1500 cost=0\n");
	strbuf_fini(&out);
}

static void ports_do_not_share_names_and_addresses(void **state)
{
	struct strbuf out = STRBUF_INIT;

	(void)state;
	print_file("{'Version':1,'Ports':["
		   "{'IfName':'eth0','Logicallabel':'a','IsL3Port':true,'Dhcp':1,"
		   "'AddrSubnet':'192.0.2.1/24'},"
		   "{'IfName':'eth1','Logicallabel':'b','IsL3Port':true,'Dhcp':1,"
		   "'AddrSubnet':'192.0.2.1/25'},"
		   "{'IfName':'eth2','Logicallabel':'c'},{'IfName':'eth2','Logicallabel':'d'},"
		   "{'IfName':'eth3','Logicallabel':'e'},{'IfName':'eth4','Logicallabel':'e'},"
		   "{'IfName':'eth5','Logicallabel':'f\\u0001'}]}",
		   &out);
	golden_text("ports_twins", strbuf_str(&out));
	strbuf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_with_a_port_is_an_error_of_it_and_of_those_above),
		cmocka_unit_test(adapters),
		cmocka_unit_test(vlans),
		cmocka_unit_test(bonds),
		cmocka_unit_test(vlans_over_bonds),
		cmocka_unit_test(invalid_references),
		cmocka_unit_test(shared_labels),
		cmocka_unit_test(bond_member_swap),
		cmocka_unit_test(adapters_of_apps_that_run_are_told),
		cmocka_unit_test(OldDPC),
		cmocka_unit_test(a_layer_with_an_error_raises_no_mtu_below_it),
		cmocka_unit_test(DPCWithMultipleEths),
		cmocka_unit_test(ports_do_not_share_names_and_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
