/* SPDX-License-Identifier: Apache-2.0 */
/* Address conflict detection: the machine against a clock of its own, ARP, and the socket filter. */
#include <errno.h>
#include <linux/filter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "nim/conflict/acd.h"

static const struct mac me = { { 2, 0, 0, 0, 0, 1 } }, other = { { 2, 0, 0, 0, 0, 2 } },
			third = { { 2, 0, 0, 0, 1, 1 } };

static struct mono at_ms(uint64_t ms)
{
	return (struct mono){ 1000000000 + ms * 1000000 };
}

static struct in_addr addr(const char *s)
{
	struct ipaddr a = { 0 };

	assert_int_equal(ipaddr_parse(s, &a), 0);
	return a.v4;
}

/* The next step comes at that time and sends this. */
static void expect(struct acd *acd, uint64_t ms, enum acd_send send)
{
	assert_int_equal(acd->due.ns, at_ms(ms).ns);
	assert_int_equal(acd_step(acd, acd->due), send);
}

static void start(struct acd *acd)
{
	acd_start(acd, addr("192.0.2.1"), at_ms(0));
}

static void free_address_is_probed_announced_and_then_costs_nothing(void **state)
{
	struct acd acd;

	(void)state;
	start(&acd);
	expect(&acd, 0, ACD_SEND_PROBE);
	expect(&acd, 1000, ACD_SEND_PROBE);
	expect(&acd, 2000, ACD_SEND_PROBE);
	expect(&acd, 4000, ACD_SEND_ANNOUNCEMENT);
	expect(&acd, 6000, ACD_SEND_ANNOUNCEMENT);
	expect(&acd, 8000, ACD_SEND_NOTHING);
	assert_int_equal(acd.state, ACD_WATCHING);
	assert_int_equal(acd.due.ns, 0);
}

static void conflict_is_told_once_and_never_announced(void **state)
{
	struct acd acd;

	(void)state;
	start(&acd);
	expect(&acd, 0, ACD_SEND_PROBE);
	assert_true(acd_heard(&acd, &other, at_ms(5)));
	assert_false(acd_heard(&acd, &other, at_ms(6)));
	assert_int_equal(acd.state, ACD_CONFLICT);
	assert_true(mac_equal(&acd.other, &other));
	for (uint64_t ms = 4005; ms < 40000; ms += 4000) { /* who answers stays a conflict */
		expect(&acd, ms, ACD_SEND_PROBE);
		assert_false(acd_heard(&acd, &other, at_ms(ms + 1)));
	}
}

static void who_pretends_to_be_many_is_told_of_once_between_two_probes(void **state)
{
	unsigned int told = 0;
	struct acd acd;

	(void)state;
	start(&acd);
	expect(&acd, 0, ACD_SEND_PROBE);
	assert_true(acd_heard(&acd, &other, at_ms(5)));
	for (uint64_t ms = 4005; ms < 40000; ms += 4000) {
		for (unsigned int i = 0; i < 1000; i++)
			told += acd_heard(&acd, i & 1 ? &third : &other, at_ms(ms - 1));
		expect(&acd, ms, ACD_SEND_PROBE);
	}
	assert_int_equal(told, 8);
	assert_true(acd_heard(&acd, mac_equal(&acd.other, &third) ? &other : &third, at_ms(40000)));
}

static void conflict_is_over_after_two_probes_in_vain(void **state)
{
	struct acd acd;

	(void)state;
	start(&acd);
	acd_heard(&acd, &other, at_ms(0));
	expect(&acd, 4000, ACD_SEND_PROBE);
	expect(&acd, 8000, ACD_SEND_PROBE);
	expect(&acd, 12000, ACD_SEND_NOTHING);
	assert_int_equal(acd.state, ACD_WATCHING);
	assert_false(mac_is_set(&acd.other));
	assert_true(acd_heard(&acd, &other, at_ms(40000))); /* later, too */
	assert_int_equal(acd.due.ns, at_ms(44000).ns);
}

static void arp_is_as_rfc_5227_has_it(void **state)
{
	static const uint8_t probe[] = { 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0,   0, 0, 1,
					 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1 };
	uint8_t packet[ACD_ARP_LEN];
	struct in_addr sender;
	struct mac mac;

	(void)state;
	_Static_assert(sizeof(probe) == ACD_ARP_LEN, "whole");
	acd_arp_format(ACD_SEND_PROBE, &me, addr("192.0.2.1"), packet);
	assert_memory_equal(packet, probe, sizeof(probe));
	assert_int_equal(acd_arp_parse(packet, sizeof(packet), &mac, &sender), -EINVAL);
	acd_arp_format(ACD_SEND_ANNOUNCEMENT, &me, addr("192.0.2.1"), packet);
	assert_memory_equal(packet + 14, probe + 24, 4);
	assert_int_equal(acd_arp_parse(packet, sizeof(packet), &mac, &sender), 0);
	assert_true(mac_equal(&mac, &me) && sender.s_addr == addr("192.0.2.1").s_addr);
	for (size_t len = 0; len < sizeof(packet); len++)
		assert_int_equal(acd_arp_parse(packet, len, &mac, &sender), -EINVAL);
	for (size_t i = 0; i < 6; i++) {
		packet[i] ^= 0x40;
		assert_int_equal(acd_arp_parse(packet, sizeof(packet), &mac, &sender), -EINVAL);
		packet[i] ^= 0x40;
	}
}

/* ---- The filter, run as the kernel does ---- */

static uint32_t load(const uint8_t *packet, uint32_t at, uint32_t bytes)
{
	uint32_t value = 0;

	for (uint32_t i = 0; i < bytes; i++)
		value = value << 8 | packet[at + i];
	return value;
}

static uint32_t run(const struct sock_filter *f, size_t n, const uint8_t *packet)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < n; pc++) {
		switch (f[pc].code) {
		case BPF_LD | BPF_W | BPF_ABS:
			a = load(packet, f[pc].k, 4);
			break;
		case BPF_LD | BPF_H | BPF_ABS:
			a = load(packet, f[pc].k, 2);
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == f[pc].k ? f[pc].jt : f[pc].jf;
			break;
		case BPF_JMP | BPF_JA:
			pc += f[pc].k;
			break;
		case BPF_RET | BPF_K:
			return f[pc].k;
		default:
			fail_msg("instruction 0x%x", f[pc].code);
		}
	}
	fail_msg("it runs off its end");
	return 0;
}

static bool passes(size_t naddrs, size_t nmacs, const char *sender, const struct mac *mac)
{
	_cleanup_(freep) struct in_addr *addrs = xcalloc(naddrs + 1, sizeof(*addrs));
	_cleanup_(freep) struct mac *macs = xcalloc(nmacs + 1, sizeof(*macs));
	_cleanup_(freep) struct sock_filter *filter = NULL;
	uint8_t packet[ACD_ARP_LEN];
	size_t n;

	for (size_t i = 0; i < naddrs; i++)
		addrs[i].s_addr = htonl(0xc0000201 + (uint32_t)i); /* 192.0.2.1 … */
	for (size_t i = 0; i < nmacs; i++)
		macs[i] = (struct mac){ { 2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)(i + 1) } };
	filter = acd_filter(addrs, naddrs, macs, nmacs, &n);
	assert_true(n <= 4096); /* BPF_MAXINSNS */
	acd_arp_format(ACD_SEND_ANNOUNCEMENT, mac, addr(sender), packet);
	return run(filter, n, packet) != 0;
}

static void filter_lets_nothing_but_conflicts_through(void **state)
{
	(void)state;
	assert_false(passes(0, 0, "192.0.2.1", &other));
	assert_true(passes(1, 1, "192.0.2.1", &other));
	assert_false(passes(1, 1, "192.0.2.1", &me));
	assert_false(passes(1, 1, "192.0.2.9", &other));
	assert_false(passes(3, 2, "192.0.2.3", &other)); /* the second of ours */
	assert_true(passes(3, 2, "192.0.2.3", &third)); /* low half alone is ours */
	assert_true(passes(256, 64, "192.0.2.1", &third));
	assert_true(passes(256, 64, "192.0.3.0", &third));
	assert_false(passes(256, 64, "192.0.3.1", &third));
	assert_true(passes(256, 256, "192.0.2.200", &(struct mac){ { 4, 0, 0, 0, 0, 1 } }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(free_address_is_probed_announced_and_then_costs_nothing),
		cmocka_unit_test(conflict_is_told_once_and_never_announced),
		cmocka_unit_test(who_pretends_to_be_many_is_told_of_once_between_two_probes),
		cmocka_unit_test(conflict_is_over_after_two_probes_in_vain),
		cmocka_unit_test(arp_is_as_rfc_5227_has_it),
		cmocka_unit_test(filter_lets_nothing_but_conflicts_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
