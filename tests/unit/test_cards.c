/* SPDX-License-Identifier: Apache-2.0 */
/* Network cards by their addresses, and which port is which of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/pbjson.h"
#include "base/strbuf.h"
#include "config.pb-c.h"
#include "nim/cards.h"
#include "status.pb-c.h"

static void addresses_are_read_from_names_and_paths(void **state)
{
	static const struct {
		const char *bus, *device, *path, *pci, *usb;
	} rows[] = {
		{ "pci", "0000:01:00.0", "", "0000:01:00.0", "" },
		{ "usb", "1-2.3:1.0", "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2.3/x", "",
		  "1:2.3" },
		{ "usb", "12-4:1.2", "", "", "12:4" },
		{ "usb", "usb1", "", "", "" },
		{ "usb", "1-2.3.4.5.6.7.8.9.10.11.12:1.0", "", "", "" },
		{ "virtio", "virtio2", "/sys/devices/pci0000:00/0000:00:03.0/virtio2",
		  "0000:00:03.0", "" },
		{ "virtio", "virtio2", "/sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.1/virtio2",
		  "0000:02:00.1", "" },
		{ "platform", "30be0000.ethernet", "/sys/devices/platform/30be0000.ethernet", "",
		  "" },
		{ "virtio", "virtio2", "", "", "" },
		{ "virtio", "virtio2", "/0000:00:03.g/0000:00:03/000000000003/0000:00:03.00", "",
		  "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct nim_card card = { .ifindex = 1 };

		nim_card_address(rows[i].bus, rows[i].device, rows[i].path, &card);
		assert_string_equal(card.pci, rows[i].pci);
		assert_string_equal(card.usb, rows[i].usb);
	}
}

struct world {
	struct nim_cards cards;
	struct nim_config config;
};

static void put(struct world *w, const char *ifname, uint32_t ifindex, const char *pci,
		const char *usb)
{
	struct nim_card card = { .ifindex = ifindex };

	strcpy(card.ifname.str, ifname);
	strcpy(card.pci, pci);
	strcpy(card.usb, usb);
	assert_true(nim_cards_put(&w->cards, &card));
	assert_false(nim_cards_put(&w->cards, &card));
}

static ProtobufCMessage *parse(const ProtobufCMessageDescriptor *type, const char *json)
{
	_cleanup_(freep) char *text = xstrdup(json);
	struct pbjson_error err;
	ProtobufCMessage *msg = NULL;

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	if (pbjson_parse(type, text, strlen(text), &msg, &err) < 0)
		fail_msg("%s: %s", err.pointer, err.why);
	return msg;
}

static void load(struct world *w, const char *json)
{
	ProtobufCMessage *msg = parse(&ew__device_port_config__descriptor, json);

	nim_config_load_on(&w->config, (Ew__DevicePortConfig *)msg, &w->cards);
	protobuf_c_message_free_unpacked(msg, NULL);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	put(w, "eth0", 2, "0000:01:00.0", "");
	put(w, "eth1", 3, "0000:01:00.1", "");
	put(w, "usb0", 4, "", "1:2.3");
	put(w, "two1", 6, "0000:02:00.0", "");
	put(w, "two0", 5, "0000:02:00.0", "");
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	nim_cards_fini(&w->cards);
	free(w);
	return 0;
}

/* wanted: a line for each port, "IFNAME" or "IFNAME: ERROR" */
static void becomes(struct world *w, const char *json, const char *wanted)
{
	_cleanup_(strbuf_fini) struct strbuf have = STRBUF_INIT;

	load(w, json);
	for (unsigned int i = 0; i < w->config.nports; i++)
		strbuf_addf(&have, "%s%s%s\n", w->config.ports[i].ifname.str,
			    w->config.ports[i].error[0] ? ": " : "", w->config.ports[i].error);
	assert_string_equal(strbuf_str(&have), wanted);
}

static void the_address_counts_before_the_name(void **state)
{
	struct world *w = *state;

	becomes(w,
		"{'ports':[{'logicallabel':'a','ifname':'eth7','pci_address':'0000:01:00.0'},"
		"{'logicallabel':'b','pci_address':'0000:01:00.1'},"
		"{'logicallabel':'c','usb_address':'1:2.3'},"
		"{'logicallabel':'d','ifname':'two1','pci_address':'0000:02:00.0'}]}",
		"eth0\n"
		"eth1\n"
		"usb0\n"
		"two1\n");
	becomes(w, "{'ports':[{'logicallabel':'d','pci_address':'0000:02:00.0'}]}", "two0\n");
}

static void a_name_is_believed_unless_its_card_shows_another_address(void **state)
{
	struct world *w = *state;

	becomes(w,
		"{'ports':[{'logicallabel':'a','ifname':'veth','pci_address':'0000:09:00.0'},"
		"{'logicallabel':'b','ifname':'eth1','pci_address':'0000:09:00.1'},"
		"{'logicallabel':'c','pci_address':'0000:09:00.2'},"
		"{'logicallabel':'d','ifname':'a-name-of-sixteen','usb_address':'1:2.3'}]}",
		"veth\n"
		": no interface has the address: 0000:09:00.1\n"
		": no interface has the address: 0000:09:00.2\n"
		"usb0: bad interface name: a-name-of-sixteen\n");
}

static void DPCWithReleasedAndRenamedInterface(void **state)
{
	static const char ports[] =
		"{'ports':[{'logicallabel':'a','pci_address':'0000:01:00.0'},"
		"{'logicallabel':'v','ifname':'a.5','vlan':{'parent':'a','vid':5}}]}";
	struct world *w = *state;

	becomes(w, ports, "eth0\na.5\n");
	assert_false(nim_cards_moved(&w->cards, &w->config));
	assert_true(nim_cards_remove(&w->cards, "eth0"));
	assert_false(nim_cards_remove(&w->cards, "eth0"));
	assert_true(nim_cards_moved(&w->cards, &w->config));
	becomes(w, ports,
		": no interface has the address: 0000:01:00.0\n"
		"a.5: lower layer a: no interface has the address: 0000:01:00.0\n");
	put(w, "enp1s0", 9, "0000:01:00.0", "");
	assert_true(nim_cards_moved(&w->cards, &w->config));
	becomes(w, ports, "enp1s0\na.5\n");
	assert_string_equal(w->config.ports[1].vlan.parent.str, "enp1s0");
}

static void one_card_is_one_port(void **state)
{
	struct world *w = *state;

	becomes(w,
		"{'ports':[{'logicallabel':'a','pci_address':'0000:01:00.0'},"
		"{'logicallabel':'b','ifname':'eth0'},"
		"{'logicallabel':'c','usb_address':'1:2.3'},"
		"{'logicallabel':'d','ifname':'eth1','usb_address':'1:2.3'}]}",
		"eth0: interface used twice: eth0\n"
		"eth0: interface used twice: eth0\n"
		"usb0: address of a card used twice: d\n"
		"usb0: address of a card used twice: c\n");
}

static bool assign(struct world *w, const char *json)
{
	ProtobufCMessage *msg = parse(&ew__assigned_adapters__descriptor, json);
	bool changed = nim_cards_assign(&w->cards, (Ew__AssignedAdapters *)msg);

	protobuf_c_message_free_unpacked(msg, NULL);
	return changed;
}

static const char ports_of_apps[] =
	"{'ports':[{'logicallabel':'a','ifname':'eth0'},{'logicallabel':'b','ifname':'eth1'},"
	"{'logicallabel':'c','usb_address':'1:2.3'},{'logicallabel':'d','ifname':'veth'},"
	"{'logicallabel':'lag','ifname':'lag','bond':{'members':['b'],'mode':2}}]}";

static void DPCWithAssignedInterface(void **state)
{
	struct world *w = *state;

	assert_true(assign(w, "{'adapters':[{'app':'cam','ifname':'other',"
			      "'pci_address':'0000:01:00.1'},{'app':'plc','usb_address':'1:2.3'},"
			      "{'app':'net','ifname':'veth'}]}"));
	assert_false(assign(w, "{'adapters':[{'app':'cam','ifname':'other',"
			       "'pci_address':'0000:01:00.1'},{'app':'plc','usb_address':'1:2.3'},"
			       "{'app':'net','ifname':'veth'}]}"));
	becomes(w, ports_of_apps,
		"eth0\n"
		"eth1: assigned to an application: cam\n"
		"usb0: assigned to an application: plc\n"
		"veth: assigned to an application: net\n"
		"lag: lower layer b: assigned to an application: cam\n");
	assert_true(nim_cards_assign(&w->cards, NULL));
	becomes(w, ports_of_apps, "eth0\neth1\nusb0\nveth\nlag\n");
}

static void a_card_that_is_not_there_may_come_unless_an_app_has_it(void **state)
{
	static const char ports[] = "{'ports':[{'logicallabel':'a','pci_address':'0000:09:00.0'},"
				    "{'logicallabel':'b','pci_address':'0000:01:00.0'},"
				    "{'logicallabel':'c','ifname':'veth'}]}";
	struct world *w = *state;

	load(w, ports);
	assert_true(nim_cards_await(&w->cards, &w->config.ports[0]));
	assert_false(nim_cards_await(&w->cards, &w->config.ports[1]));
	assert_false(nim_cards_await(&w->cards, &w->config.ports[2]));
	assign(w, "{'adapters':[{'app':'cam','pci_address':'0000:09:00.0'}]}");
	becomes(w, ports, ": assigned to an application: cam\neth0\nveth\n");
	assert_string_equal(nim_cards_port_app(&w->cards, &w->config.ports[0]), "cam");
	assert_false(nim_cards_await(&w->cards, &w->config.ports[0]));
	assert_null(nim_cards_port_app(&w->cards, &w->config.ports[1]));
}

static void PortPciLongInDNS(void **state)
{
	Ew__DeviceNetworkStatus status = EW__DEVICE_NETWORK_STATUS__INIT;
	Ew__PortStatus a = EW__PORT_STATUS__INIT, b = EW__PORT_STATUS__INIT;
	struct arena arena = { 0 };
	struct world *w = *state;

	assign(w, "{'adapters':[{'app':'cam','ifname':'two1'}]}");
	load(w, "{'ports':[{'logicallabel':'a','ifname':'eth0','mtu':9000,'is_l3':true},"
		"{'logicallabel':'b','usb_address':'1:2.3','is_l3':true,'is_mgmt':true}]}");
	w->cards.list[0].max_mtu_bytes = 1500;
	status.ports = (Ew__PortStatus *[]){ &a, &b };
	status.n_ports = 2;
	nim_cards_status(&w->cards, &w->config, &status, &arena);
	assert_string_equal(a.pci_address, "0000:01:00.0");
	assert_string_equal(a.error, "MTU 9000 is more than the interface takes: 1500");
	assert_int_equal(a.usage, EW__PORT_USAGE__USAGE_APP_SHARED);
	assert_string_equal(b.usb_address, "1:2.3");
	assert_int_equal(b.usage, EW__PORT_USAGE__USAGE_MANAGEMENT);
	assert_int_equal(status.n_cards, 3);
	assert_string_equal(status.cards[0]->ifname, "eth1");
	assert_int_equal(status.cards[0]->usage, EW__PORT_USAGE__USAGE_UNUSED);
	assert_string_equal(status.cards[1]->ifname, "two1");
	assert_int_equal(status.cards[1]->usage, EW__PORT_USAGE__USAGE_APP_DIRECT);
	assert_string_equal(status.cards[1]->app, "cam");
	arena_fini(&arena);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_from_names_and_paths),
		TEST(the_address_counts_before_the_name),
		TEST(a_name_is_believed_unless_its_card_shows_another_address),
		TEST(DPCWithReleasedAndRenamedInterface),
		TEST(one_card_is_one_port),
		TEST(DPCWithAssignedInterface),
		TEST(a_card_that_is_not_there_may_come_unless_an_app_has_it),
		TEST(PortPciLongInDNS),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
