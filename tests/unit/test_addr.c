/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "tests/unit/addresses.h"

static const char *text(struct ipaddr a)
{
	static char buf[INET6_ADDRSTRLEN];

	return ipaddr_str(&a, buf);
}

static const char *prefix_text(struct prefix p)
{
	static char buf[64];
	struct strbuf sb = STRBUF_INIT;

	prefix_format(&p, &sb);
	snprintf(buf, sizeof(buf), "%s", strbuf_str(&sb));
	strbuf_fini(&sb);
	return buf;
}

static void ipaddr_text_equals_libc_for_all_shapes(void **state)
{
	unsigned int seed = 1;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint8_t bytes[16], zeros = (uint8_t)rand_r(&seed);
		char expected[INET6_ADDRSTRLEN];
		struct ipaddr a, b;

		for (int j = 0; j < 16; j++) /* about half of the groups are zero */
			bytes[j] = zeros >> j / 2 & 1 ? 0 : (uint8_t)(rand_r(&seed) >> 4);
		bytes[1] |= 1; /* libc writes the deprecated ::1.2.3.4, we do not */
		a = ipaddr_from(AF_INET6, bytes);
		inet_ntop(AF_INET6, bytes, expected, sizeof(expected));
		assert_string_equal(text(a), expected);
		assert_int_equal(ipaddr_parse(expected, &b), 0);
		assert_memory_equal(&a, &b, sizeof(a));
		a = ipaddr_from(AF_INET, bytes);
		inet_ntop(AF_INET, bytes, expected, sizeof(expected));
		assert_string_equal(text(a), expected);
	}
}

static void ipaddr_text_follows_rfc_5952(void **state)
{
	static const char *const same[] = {
		"::",
		"::1",
		"1::",
		"2001:db8::1",
		"2001:db8:0:1:1:1:1:1",
		"2001:0:0:1::1",
		"2001:db8::1:0:0:1",
		"::ffff:192.0.2.1",
		"0.0.0.0",
		"255.255.255.255",
		"1:2:3:4:5:6:7:8",
		"ff00:0:1:2:3:4:5:6",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		assert_string_equal(text(address(same[i])), same[i]);
	assert_string_equal(text(address("2001:DB8:0:0:0:0:0:0001")), "2001:db8::1");
	assert_string_equal(text((struct ipaddr){ 0 }), "");
}

static void ipaddr_refuses_what_is_no_address(void **state)
{
	static const char *const bad[] = { "",		" 1.2.3.4",  "1.2.3.4 ", "1.2.3",
					   "1.2.3.4.5", "256.1.1.1", "1::2::3",	 "fe80::1%eth0",
					   "1.2.3.4/8", "example",   ":" };
	struct ipaddr a = address("192.0.2.1");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(ipaddr_parse(bad[i], &a), -EINVAL);
	assert_string_equal(text(a), "192.0.2.1");
}

static void ipaddr_predicates(void **state)
{
	struct ipaddr unset = { 0 }, v4 = address("10.0.0.1"), v6 = address("fe80::1"),
		      any = address("0.0.0.0");

	(void)state;
	assert_int_equal(ipaddr_bits(&unset), 0);
	assert_int_equal(ipaddr_bits(&v4), 32);
	assert_int_equal(ipaddr_bits(&v6), 128);
	assert_false(ipaddr_is_set(&unset));
	assert_false(ipaddr_is_zero(&unset));
	assert_true(ipaddr_is_zero(&any));
	assert_true(ipaddr_is_linklocal(&v6));
	assert_false(ipaddr_is_linklocal(&v4));
	v4 = address("169.254.3.4");
	assert_true(ipaddr_is_linklocal(&v4));
	v6 = address("febf::1");
	assert_true(ipaddr_is_linklocal(&v6));
	v6 = address("fec0::1");
	assert_false(ipaddr_is_linklocal(&v6));
	assert_true(ipaddr_compare(&v4, &v6) < 0);
	assert_true(ipaddr_compare(&any, &v4) < 0);
	assert_true(ipaddr_compare(&v6, &v6) == 0);
	assert_false(ipaddr_equal(&v4, &any));
}

static void ipaddr_add_carries_and_refuses_overflow(void **state)
{
	struct ipaddr a = address("10.0.0.255"), unset = { 0 };

	(void)state;
	assert_int_equal(ipaddr_add(&a, 1, &a), 0);
	assert_string_equal(text(a), "10.0.1.0");
	a = address("::ff:ffff:ffff:ffff:ffff");
	assert_int_equal(ipaddr_add(&a, UINT64_MAX, &a), 0);
	assert_string_equal(text(a), "::100:ffff:ffff:ffff:fffe");
	a = address("255.255.255.254");
	assert_int_equal(ipaddr_add(&a, 1, &a), 0);
	assert_int_equal(ipaddr_add(&a, 1, &a), -ERANGE);
	assert_string_equal(text(a), "255.255.255.255");
	assert_int_equal(ipaddr_add(&unset, 1, &a), -EINVAL);
}

static void prefix_parse_and_text(void **state)
{
	static const char *const bad[] = {
		"10.0.0.1/33", "::1/129", "10.0.0.1/",	 "10.0.0.1/08",
		"10.0.0.1/+8", "/8",	  "10.0.0.1/8 ", "10.0.0.1/8/8"
	};
	struct prefix p;

	(void)state;
	assert_string_equal(prefix_text(prefix("10.0.0.1/8")), "10.0.0.1/8");
	assert_string_equal(prefix_text(prefix("10.0.0.1")), "10.0.0.1/32");
	assert_string_equal(prefix_text(prefix("fd00::1")), "fd00::1/128");
	assert_string_equal(prefix_text(prefix("::/0")), "::/0");
	assert_string_equal(prefix_text((struct prefix){ 0 }), "");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(prefix_parse(bad[i], &p), -EINVAL);
}

static void prefix_network_and_last_clear_and_set_host_bits(void **state)
{
	struct prefix p = prefix("10.1.2.3/22"), q = prefix("2001:db8::ffff:1/65");

	(void)state;
	assert_string_equal(text(prefix_last(&p)), "10.1.3.255");
	assert_string_equal(prefix_text(prefix_network(&p)), "10.1.0.0/22");
	assert_string_equal(text(prefix_last(&q)), "2001:db8::7fff:ffff:ffff:ffff");
	assert_string_equal(prefix_text(prefix_network(&q)), "2001:db8::/65");
	p = prefix("10.1.2.3/32");
	assert_string_equal(prefix_text(prefix_network(&p)), "10.1.2.3/32");
	p = prefix("10.1.2.3/0");
	assert_string_equal(prefix_text(prefix_network(&p)), "0.0.0.0/0");
}

static void prefix_contains_and_overlaps(void **state)
{
	struct prefix p = prefix("10.1.0.0/22"), any = prefix("0.0.0.0/0"),
		      other = prefix("10.1.2.0/24");
	struct ipaddr in = address("10.1.3.255"), out = address("10.1.4.0"), v6 = address("::1");

	(void)state;
	assert_true(prefix_contains(&p, &in));
	assert_false(prefix_contains(&p, &out));
	assert_false(prefix_contains(&any, &v6));
	assert_true(prefix_contains(&any, &in));
	assert_true(prefix_overlaps(&p, &other));
	assert_true(prefix_overlaps(&other, &p));
	assert_true(prefix_overlaps(&any, &p));
	other = prefix("10.1.4.0/24");
	assert_false(prefix_overlaps(&p, &other));
	assert_true(prefix_equal(&p, &p));
	assert_false(prefix_equal(&p, &any));
}

static void ifname_takes_what_the_kernel_takes(void **state)
{
	static const char *const bad[] = { "",	  ".",	 "..",
					   "a/b", "a b", "a:1",
					   "a%d", "a\n", "sixteencharacter" };
	struct ifname name, again = IFNAME("eth0");

	(void)state;
	assert_int_equal(ifname_parse("fifteencharacte", &name), 0);
	assert_int_equal(ifname_parse("eth0", &name), 0);
	assert_true(ifname_equal(&name, &again));
	assert_memory_equal(&name, &again, sizeof(name));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(ifname_parse(bad[i], &name), -EINVAL);
	assert_string_equal(name.str, "eth0");
}

static void mac_round_trip_and_refusals(void **state)
{
	static const char *const bad[] = { "",
					   "00:16:3e:01:02",
					   "00:16:3e:01:02:0",
					   "00:16:3e:01:02:03:04",
					   "00-16-3e-01-02-03",
					   "0g:16:3e:01:02:03",
					   "00:16:3e:01:02:03 " };
	struct strbuf sb = STRBUF_INIT;
	struct mac m, zero = { 0 };

	(void)state;
	assert_int_equal(mac_parse("00:16:3E:01:02:ff", &m), 0);
	mac_format(&m, &sb);
	assert_string_equal(strbuf_str(&sb), "00:16:3e:01:02:ff");
	strbuf_fini(&sb);
	assert_true(mac_is_set(&m));
	assert_false(mac_is_set(&zero));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(mac_parse(bad[i], &m), -EINVAL);
}

static void portrange_round_trip_and_refusals(void **state)
{
	static const char *const bad[] = { "",	    "0",   "65536", "80-", "-80",
					   "90-80", "080", "80 ",   "0-5", "8o" };
	struct strbuf sb = STRBUF_INIT;
	struct portrange r = { 0 };

	(void)state;
	assert_false(portrange_is_set(&r));
	portrange_format(&r, &sb);
	assert_int_equal(portrange_parse("80", &r), 0);
	portrange_format(&r, &sb);
	strbuf_addc(&sb, ' ');
	assert_int_equal(portrange_parse("1-65535", &r), 0);
	portrange_format(&r, &sb);
	assert_string_equal(strbuf_str(&sb), "80 1-65535");
	strbuf_fini(&sb);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(portrange_parse(bad[i], &r), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipaddr_text_equals_libc_for_all_shapes),
		cmocka_unit_test(ipaddr_text_follows_rfc_5952),
		cmocka_unit_test(ipaddr_refuses_what_is_no_address),
		cmocka_unit_test(ipaddr_predicates),
		cmocka_unit_test(ipaddr_add_carries_and_refuses_overflow),
		cmocka_unit_test(prefix_parse_and_text),
		cmocka_unit_test(prefix_network_and_last_clear_and_set_host_bits),
		cmocka_unit_test(prefix_contains_and_overlaps),
		cmocka_unit_test(ifname_takes_what_the_kernel_takes),
		cmocka_unit_test(mac_round_trip_and_refusals),
		cmocka_unit_test(portrange_round_trip_and_refusals),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
