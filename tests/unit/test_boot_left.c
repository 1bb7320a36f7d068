/* SPDX-License-Identifier: Apache-2.0 */
/* What was there before nim: its record, what becomes of an address, and who still uses it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "nim/addressing.h"
#include "nim/boot/boot_left.h"
#include "tests/unit/addresses.h"

/* ---- The record ---- */

static void record_survives_reading_and_writing(void **state)
{
	static const char *const lines[] = {
		"address 2 0 192.168.1.55/24\n",
		"default 2 100 192.168.1.1\n",
		"gateway 4294967295 0 fe80::1\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_(strbuf_fini) struct strbuf out = STRBUF_INIT;
		struct boot_left left;

		assert_true(boot_left_parse(lines[i], &left));
		boot_left_format(&left, &out);
		assert_string_equal(strbuf_str(&out), lines[i]);
	}
}

static void lines_that_are_none_are_passed_over(void **state)
{
	static const char *const lines[] = {
		"",
		"address",
		"address 2 0",
		"address 2 0 192.168.1.55/33",
		"address x 0 192.168.1.55/24",
		"default 2 0 192.168.1.0/24",
		"defaults 2 0 192.168.1.1",
		"route 2 0 192.168.1.1",
		"gateway 2 0 2001:db8:1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111",
	};
	struct boot_left left = { .ifindex = 7 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_false(boot_left_parse(lines[i], &left));
	assert_int_equal(left.ifindex, 7);
}

static void of_a_long_record_the_first_count(void **state)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;
	char path[] = "/tmp/boot_left.XXXXXX";
	struct boot_left *list = NULL;
	size_t n = 0;
	int fd = mkstemp(path);

	(void)state;
	for (unsigned int i = 0; i < BOOT_LEFT_MAX + 100; i++)
		strbuf_addf(&text, "address %u 0 192.168.1.55/24\n", i + 1);
	assert_int_equal(write(fd, strbuf_str(&text), text.len), text.len);
	close(fd);
	assert_int_equal(boot_left_load(path, &list, &n), 0);
	unlink(path);
	assert_int_equal(n, BOOT_LEFT_MAX);
	assert_int_equal(list[n - 1].ifindex, BOOT_LEFT_MAX);
	free(list);
}

/* ---- What becomes of an address ---- */

struct world {
	struct nim_port port;
	struct nim_iface iface;
	bool elsewhere;
};

static struct world world_of(enum nim_dhcp dhcp)
{
	return (struct world){ .port = { .dhcp = dhcp, .is_l3 = true, .ipv4 = true } };
}

static void put(struct world *w, const char *text)
{
	struct prefix p = prefix(text);

	nim_iface_add_addr(&w->iface, &p);
}

static enum boot_fate fate(const struct world *w, const char *text)
{
	struct prefix p = prefix(text);

	return boot_fate(&w->port, &w->iface, &p, w->elsewhere);
}

static void it_stays_until_the_client_has_an_address(void **state)
{
	struct world w = world_of(NIM_DHCP_CLIENT);

	(void)state;
	put(&w, "192.168.1.55/24");
	assert_int_equal(fate(&w, "192.168.1.55/24"), BOOT_STAYS);
	w.iface.lease4.addr = address("192.168.1.100"); /* told, and not there yet */
	assert_int_equal(fate(&w, "192.168.1.55/24"), BOOT_STAYS);
	put(&w, "192.168.1.100/24");
	assert_int_equal(fate(&w, "192.168.1.55/24"), BOOT_LEAVES);
	assert_int_equal(fate(&w, "192.168.1.100/24"), BOOT_ADOPTED);
}

static void it_leaves_for_what_is_configured_and_only_for_that(void **state)
{
	struct world w = world_of(NIM_DHCP_STATIC);

	(void)state;
	w.port.addrs[w.port.naddrs++] = prefix("192.168.1.10/24");
	put(&w, "192.168.1.55/24");
	put(&w, "192.168.1.77/24"); /* whose it is nobody knows */
	assert_int_equal(fate(&w, "192.168.1.55/24"), BOOT_STAYS);
	put(&w, "192.168.1.10/24");
	assert_int_equal(fate(&w, "192.168.1.55/24"), BOOT_LEAVES);
	assert_int_equal(fate(&w, "192.168.1.10/24"), BOOT_ADOPTED);
	assert_int_equal(fate(&w, "192.168.1.10/16"), BOOT_LEAVES); /* with another length */
}

static void it_stays_where_the_port_is_on_trial_or_wrong(void **state)
{
	struct world w = world_of(NIM_DHCP_STATIC);

	(void)state;
	w.port.addrs[w.port.naddrs++] = prefix("192.168.1.10/24");
	w.elsewhere = true;
	put(&w, "192.168.1.10/24");
	assert_int_equal(fate(&w, "10.9.9.9/8"), BOOT_LEAVES);
	w.port.trial = true;
	assert_int_equal(fate(&w, "10.9.9.9/8"), BOOT_STAYS);
	w.port.trial = false;
	strcpy(w.port.error, "interface used twice");
	assert_int_equal(fate(&w, "10.9.9.9/8"), BOOT_STAYS);
}

static void port_without_addresses_keeps_it_while_there_is_no_other_way(void **state)
{
	struct world w = world_of(NIM_DHCP_NONE);

	(void)state;
	assert_int_equal(fate(&w, "10.9.9.9/8"), BOOT_STAYS);
	w.elsewhere = true;
	assert_int_equal(fate(&w, "10.9.9.9/8"), BOOT_LEAVES);
	w.port.dhcp = NIM_DHCP_CLIENT;
	assert_int_equal(fate(&w, "10.9.9.9/8"), BOOT_STAYS); /* until its own is there */
	w.port.ipv4 = false;
	assert_int_equal(fate(&w, "10.9.9.9/8"), BOOT_LEAVES);
	w.port.ipv4 = true;
	w.port.is_l3 = false; /* a bond's member, or a VLAN's parent */
	assert_int_equal(fate(&w, "10.9.9.9/8"), BOOT_LEAVES);
}

static void its_gateway_serves_a_port_without_a_lease(void **state)
{
	struct world w = world_of(NIM_DHCP_CLIENT);
	struct nim_gateways gateways;
	struct ipaddr left = address("192.168.1.1"), leased = address("192.168.1.2");

	(void)state;
	w.iface.boot_gateway = left;
	gateways = nim_port_gateways(&w.port, &w.iface);
	assert_true(ipaddr_equal(&gateways.v4, &left));
	w.iface.lease4.gateway = leased;
	gateways = nim_port_gateways(&w.port, &w.iface);
	assert_true(ipaddr_equal(&gateways.v4, &leased));
	w.port.dhcp = NIM_DHCP_STATIC; /* without a gateway, as configured */
	gateways = nim_port_gateways(&w.port, &w.iface);
	assert_false(ipaddr_is_set(&gateways.v4));
}

/* ---- Connections ---- */

#define HEAD "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
#define MAPPED "0000000000000000FFFF0000"

static bool connected(const char *table, const char *addr)
{
	const struct ipaddr a = address(addr);
	FILE *file = fmemopen((void *)(uintptr_t)table, strlen(table), "r");
	bool found = boot_left_connected(file, &a);

	fclose(file);
	return found;
}

static void connections_count_and_listeners_do_not(void **state)
{
	static const char established[] = HEAD "   0: 3701A8C0:A3D2 506433C6:0007 01 "
					       "00000000:00000000 00:00000000 00000000     0\n";
	static const char others[] = HEAD "   0: 3701A8C0:0016 00000000:0000 0A 00000000:00000000 "
					  "00:00000000 00000000     0\n"
					  "   1: 3701A8C0:A3D2 506433C6:0007 06 00000000:00000000 "
					  "03:00000000 00000000     0\n"
					  "   2: 3701A8C0:A3D3 506433C6:0007 07 00000000:00000000 "
					  "00:00000000 00000000     0\n"
					  "  34: 0100007F:A3D4 3701A8C0:0007 01 00000000:00000000 "
					  "00:00000000 00000000     0\n";

	(void)state;
	assert_true(connected(established, "192.168.1.55"));
	assert_false(connected(established, "192.168.1.5"));
	assert_false(connected(others, "192.168.1.55"));
	assert_false(connected("no table\n", "192.168.1.55"));
}

static void so_do_those_of_ipv6_sockets(void **state)
{
	static const char table[] =
		HEAD "   0: " MAPPED "3701A8C0:0016 " MAPPED "506433C6:A3D2 08 00000000:00000000\n";

	(void)state;
	assert_true(connected(table, "192.168.1.55"));
	assert_false(connected(table, "198.51.100.80"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_survives_reading_and_writing),
		cmocka_unit_test(lines_that_are_none_are_passed_over),
		cmocka_unit_test(of_a_long_record_the_first_count),
		cmocka_unit_test(it_stays_until_the_client_has_an_address),
		cmocka_unit_test(it_leaves_for_what_is_configured_and_only_for_that),
		cmocka_unit_test(it_stays_where_the_port_is_on_trial_or_wrong),
		cmocka_unit_test(port_without_addresses_keeps_it_while_there_is_no_other_way),
		cmocka_unit_test(its_gateway_serves_a_port_without_a_lease),
		cmocka_unit_test(connections_count_and_listeners_do_not),
		cmocka_unit_test(so_do_those_of_ipv6_sockets),
	};

	return cmocka_run_group_tests_name("boot_left", tests, NULL, NULL);
}
