/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

static void empty_one_reads_as_empty_string(void **state)
{
	struct strbuf sb = STRBUF_INIT;
	_cleanup_(freep) char *taken = NULL;

	(void)state;
	assert_string_equal(strbuf_str(&sb), "");
	assert_null(sb.str);
	taken = strbuf_take(&sb);
	assert_string_equal(taken, "");
	strbuf_fini(&sb);
	strbuf_fini(&sb);
}

static void adds_in_order_across_growth(void **state)
{
	struct strbuf sb = STRBUF_INIT;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		strbuf_add(&sb, "ab");
		strbuf_addc(&sb, 'c');
		strbuf_addmem(&sb, "d\0e", 3);
	}
	assert_int_equal(sb.len, 6000);
	for (int i = 0; i < 1000; i++)
		assert_memory_equal(sb.str + i * 6, "abcd\0e", 6);
	assert_int_equal(sb.str[sb.len], '\0');
	strbuf_fini(&sb);
}

static void formats_numbers_and_long_texts(void **state)
{
	struct strbuf sb = STRBUF_INIT;

	(void)state;
	strbuf_addu(&sb, 0);
	strbuf_addc(&sb, ' ');
	strbuf_addu(&sb, UINT64_MAX);
	strbuf_addf(&sb, " %d %s", -1, "x");
	assert_string_equal(strbuf_str(&sb), "0 18446744073709551615 -1 x");
	strbuf_reset(&sb);
	assert_string_equal(strbuf_str(&sb), "");
	strbuf_addf(&sb, "%0500d|%0500d", 1, 2);
	assert_int_equal(sb.len, 1001);
	assert_int_equal(sb.str[499], '1');
	assert_int_equal(sb.str[1000], '2');
	strbuf_addmem(&sb, NULL, 0);
	assert_int_equal(sb.len, 1001);
	strbuf_fini(&sb);
}

static void take_hands_the_text_over_and_leaves_an_empty_one(void **state)
{
	struct strbuf sb = STRBUF_INIT;
	_cleanup_(freep) char *taken = NULL;

	(void)state;
	strbuf_add(&sb, "text");
	taken = strbuf_take(&sb);
	assert_string_equal(taken, "text");
	assert_string_equal(strbuf_str(&sb), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_one_reads_as_empty_string),
		cmocka_unit_test(adds_in_order_across_growth),
		cmocka_unit_test(formats_numbers_and_long_texts),
		cmocka_unit_test(take_hands_the_text_over_and_leaves_an_empty_one),
	};

	return cmocka_run_group_tests_name("strbuf", tests, NULL, NULL);
}
