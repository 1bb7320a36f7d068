/* SPDX-License-Identifier: Apache-2.0 */
/* What lists say of running flows; that they say the same as of packets: test_acl.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "tests/unit/addresses.h"
#include "zedrouter/judge.h"

static struct zr_acl *compile(const struct zr_ace *aces, size_t n)
{
	struct zr_acl *acl = NULL;

	assert_int_equal(zr_acl_compile(aces, n, NULL, 0, NULL, &acl), 0);
	return acl;
}

static bool only_mgmt(const char *adapter, void *arg)
{
	(void)arg;
	return strcmp(adapter, "mgmt") == 0;
}

static void running_flows_need_their_own_port_map(void **state)
{
	const struct zr_ace aces[] = {
		{ .action = ZR_PORTMAP, .protocol = 6, .lport = { 8000, 8003 }, .target_port = 80 },
		{ .action = ZR_PORTMAP,
		  .protocol = 17,
		  .lport = { 53, 53 },
		  .target_port = 5353,
		  .adapter = "mgmt" },
		{ .action = ZR_PORTMAP,
		  .protocol = 17,
		  .lport = { 54, 54 },
		  .target_port = 5353,
		  .adapter = "plant" },
		{ .remote = prefix("192.0.2.0/24"), .protocol = 6 },
	};
	struct zr_judge *j = zr_judge_new(compile(aces, ARRAY_SIZE(aces)));

	(void)state;
	assert_true(zr_judge_maps(j, 6, 8000, 80, only_mgmt, NULL));
	assert_true(zr_judge_maps(j, 6, 8003, 83, only_mgmt, NULL));
	assert_false(zr_judge_maps(j, 6, 8003, 80, only_mgmt, NULL));
	assert_false(zr_judge_maps(j, 6, 8004, 84, only_mgmt, NULL));
	assert_false(zr_judge_maps(j, 17, 8000, 80, only_mgmt, NULL));
	assert_true(zr_judge_maps(j, 17, 53, 5353, only_mgmt, NULL));
	assert_false(zr_judge_maps(j, 17, 54, 5353, only_mgmt, NULL));
	zr_judge_free(j);
}

static void without_a_list_no_flow_goes_on(void **state)
{
	struct zr_judge *j = zr_judge_new(NULL);
	const struct zr_flow flow = { .remote = address("192.0.2.1"), .protocol = 6 };

	(void)state;
	assert_int_equal(zr_judge(j, &flow, NULL, NULL), ZR_DROP);
	assert_false(zr_judge_maps(j, 6, 80, 80, only_mgmt, NULL));
	zr_judge_free(j);
}

static void lists_that_allow_the_same_have_the_same_sum(void **state)
{
	const struct zr_ace plain[] = { { .id = 1, .remote = prefix("192.0.2.0/24") } };
	const struct zr_ace renumbered[] = { { .id = 7, .remote = prefix("192.0.2.0/24") } };
	const struct zr_ace others[][1] = {
		{ { .remote = prefix("192.0.2.0/25") } },
		{ { .remote = prefix("192.0.2.0/24"), .action = ZR_DROP } },
		{ { .remote = prefix("192.0.2.0/24"), .direction = ZR_EGRESS } },
		{ { .host = "one.example" } },
		{ { .host = "two.example" } },
		{ { .action = ZR_PORTMAP, .protocol = 6, .lport = { 80, 80 }, .target_port = 80 } },
		{ { .action = ZR_PORTMAP, .protocol = 6, .lport = { 81, 81 }, .target_port = 80 } },
	};
	uint64_t sums[ARRAY_SIZE(others) + 2];
	struct zr_acl *acl = compile(plain, 1);

	(void)state;
	sums[0] = zr_acl_sum(acl);
	zr_acl_free(acl);
	acl = compile(renumbered, 1);
	assert_true(zr_acl_sum(acl) == sums[0]);
	zr_acl_free(acl);
	sums[1] = zr_acl_sum(NULL);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		acl = compile(others[i], 1);
		sums[i + 2] = zr_acl_sum(acl);
		zr_acl_free(acl);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sums); i++)
		for (size_t k = 0; k < i; k++)
			assert_true(sums[i] != sums[k]);
}

static double cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void flows_are_judged_fast_by_long_lists(void **state)
{
	struct zr_ace *aces = xcalloc(10000, sizeof(*aces));
	struct zr_flow flow = { .remote = address("10.0.0.0"), .protocol = 6, .fport = 443 };
	struct zr_judge *j;
	double begin;

	(void)state;
	for (unsigned int i = 0; i < 10000; i++) {
		aces[i].remote = prefix("10.0.0.0/31");
		aces[i].remote.addr.v4.s_addr |= htonl(2 * i);
		aces[i].protocol = 6;
		aces[i].fport = (struct portrange){ 443, 444 };
		aces[i].action = i % 2 ? ZR_DROP : ZR_ALLOW;
	}
	begin = cpu_ms();
	j = zr_judge_new(compile(aces, 10000));
	print_message("list of 10,000: %.2f ms\n", cpu_ms() - begin);
	begin = cpu_ms();
	for (unsigned int i = 0; i < 100000; i++) {
		flow.remote.v4.s_addr = htonl(0x0a000000 + i % 20000);
		assert_int_equal(zr_judge(j, &flow, NULL, NULL), i / 2 % 2 ? ZR_DROP : ZR_ALLOW);
	}
	print_message("100,000 flows: %.2f ms\n", cpu_ms() - begin);
	assert_true(cpu_ms() - begin < 2000); /* entry by entry it would be 2,000 million */
	zr_judge_free(j);
	free(aces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(running_flows_need_their_own_port_map),
		cmocka_unit_test(without_a_list_no_flow_goes_on),
		cmocka_unit_test(lists_that_allow_the_same_have_the_same_sum),
		cmocka_unit_test(flows_are_judged_fast_by_long_lists),
	};

	return cmocka_run_group_tests_name("judge", tests, NULL, NULL);
}
