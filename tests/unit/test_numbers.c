/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/numbers.h"

static char dir[] = "/tmp/test_numbers.XXXXXX";
static char run[64], path[64]; /* the copy of this boot, and the durable one */
static struct event_base *base;

static struct numbers *open_numbers(uint32_t first, uint32_t last)
{
	struct numbers *n = NULL;

	assert_int_equal(numbers_open(&(struct numbers_conf){ .base = base,
							      .run_path = run,
							      .state_path = path,
							      .first = first,
							      .last = last },
				      &n),
			 0);
	return n;
}

static uint32_t get(struct numbers *n, const char *name)
{
	uint32_t value = 0;

	assert_int_equal(numbers_get(n, name, &value), 0);
	return value;
}

static void gives_the_lowest_free_number(void **state)
{
	struct numbers *n = open_numbers(1, 100);

	(void)state;
	assert_int_equal(get(n, "a"), 1);
	assert_int_equal(get(n, "b"), 2);
	assert_int_equal(get(n, "a"), 1);
	numbers_release(n, "a");
	assert_int_equal(get(n, "c"), 1);
	assert_int_equal(get(n, "d"), 3);
	numbers_free(n);
}

static void groups_count_apart(void **state)
{
	struct numbers *n = open_numbers(1, 100);

	(void)state;
	assert_int_equal(get(n, "x/a"), 1);
	assert_int_equal(get(n, "y/a"), 1);
	assert_int_equal(get(n, "x/b"), 2);
	assert_int_equal(get(n, "a"), 1);
	numbers_free(n);
}

static void refuses_when_full(void **state)
{
	struct numbers *n = open_numbers(5, 6);
	uint32_t value = 77;

	(void)state;
	assert_int_equal(get(n, "a"), 5);
	assert_int_equal(get(n, "b"), 6);
	assert_int_equal(numbers_get(n, "c", &value), -ENOSPC);
	assert_int_equal(value, 77);
	assert_int_equal(get(n, "other/c"), 5);
	numbers_release(n, "b");
	assert_int_equal(get(n, "c"), 6);
	numbers_free(n);
}

static bool keep_b(const char *name, void *arg)
{
	(void)arg;
	return strcmp(name, "b") == 0;
}

static void survives_a_restart(void **state)
{
	struct numbers *n = open_numbers(1, 100);

	(void)state;
	get(n, "a");
	get(n, "b");
	get(n, "g/c");
	assert_int_equal(numbers_sync(n), 0);
	get(n, "unsynced");
	numbers_free(n);
	n = open_numbers(1, 100);
	assert_int_equal(numbers_find(n, "b"), 2);
	assert_int_equal(numbers_find(n, "g/c"), 1);
	assert_int_equal(numbers_find(n, "unsynced"), 0);
	numbers_retain(n, keep_b, NULL);
	assert_int_equal(numbers_find(n, "a"), 0);
	assert_int_equal(numbers_sync(n), 0);
	numbers_free(n);
	n = open_numbers(1, 100);
	assert_int_equal(numbers_find(n, "b"), 2);
	assert_int_equal(get(n, "new"), 1);
	numbers_free(n);
}

static void a_killed_process_left_what_was_synced(void **state)
{
	struct numbers *n = open_numbers(1, 100), *other;

	(void)state;
	get(n, "a");
	assert_int_equal(numbers_sync(n), 0);
	assert_int_equal(access(path, F_OK), -1); /* the disk has not been waited for */
	other = open_numbers(1, 100);
	assert_int_equal(numbers_find(other, "a"), 1);
	numbers_free(other);
	numbers_free(n);
}

static void survives_a_reboot(void **state)
{
	struct numbers *n = open_numbers(1, 100);

	(void)state;
	get(n, "a");
	get(n, "b");
	assert_int_equal(numbers_sync(n), 0);
	numbers_retain(n, keep_b, NULL);
	assert_int_equal(numbers_sync(n), 0);
	numbers_free(n);
	unlink(run);
	n = open_numbers(1, 100);
	assert_int_equal(numbers_find(n, "a"), 0);
	assert_int_equal(numbers_find(n, "b"), 2);
	numbers_free(n);
}

static void those_of_before_there_were_checksums_stay(void **state)
{
	const char *const copies[] = { run, path };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(copies); i++) {
		static const char text[] = "7 b\n2 a\n1 g/c\n";
		_cleanup_(freep) char *sealed = NULL;
		struct numbers *n;
		size_t len;

		unlink(run);
		unlink(path);
		assert_int_equal(file_replace(copies[i], text, strlen(text), 0600), 0);
		n = open_numbers(1, 100);
		assert_int_equal(numbers_find(n, "b"), 7);
		assert_int_equal(numbers_find(n, "a"), 2);
		assert_int_equal(numbers_find(n, "g/c"), 1);
		numbers_free(n);
		assert_int_equal(file_read(run, 1000, &sealed, &len), 0);
		assert_non_null(strstr(sealed, "\n#crc32 "));
	}
}

static void not_the_loop_waits_for_the_disk(void **state)
{
	struct numbers *n = open_numbers(1, 100);

	(void)state;
	get(n, "a");
	assert_int_equal(numbers_sync(n), 0);
	for (int i = 0; i < 1000 && access(path, F_OK) < 0; i++)
		event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(access(path, F_OK), 0);
	numbers_free(n);
}

static bool keep_none(const char *name, void *arg)
{
	(void)name, (void)arg;
	return false;
}

static void an_empty_map_leaves_nothing(void **state)
{
	struct numbers *n = open_numbers(1, 100);

	(void)state;
	get(n, "a");
	assert_int_equal(numbers_sync(n), 0);
	numbers_retain(n, keep_none, NULL);
	assert_int_equal(numbers_sync(n), 0);
	assert_int_equal(access(run, F_OK), -1);
	numbers_free(n);
	n = open_numbers(1, 100);
	assert_int_equal(numbers_find(n, "a"), 0);
	numbers_free(n);
}

static void sets_a_bad_file_aside(void **state)
{
	static const char *const bad[] = { "x",	   "1 a\n1 b\n", "1 a\n2 a\n", "0 a\n",
					   "1 \n", "101 a\n",	 "1 a" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(freep) char *aside = xasprintf("%s.bad", path);
		struct numbers *n;

		assert_int_equal(file_replace(path, bad[i], strlen(bad[i]), 0600), 0);
		n = open_numbers(1, 100);
		assert_int_equal(numbers_find(n, "a"), 0);
		assert_int_equal(access(aside, F_OK), 0);
		assert_int_equal(access(path, F_OK), -1);
		unlink(aside);
		numbers_free(n);
	}
}

static void a_flipped_bit_is_noticed_and_the_durable_copy_used(void **state)
{
	_cleanup_(freep) char *aside = xasprintf("%s.bad", run), *text = NULL;
	struct numbers *n = open_numbers(1, 100);
	size_t len;

	(void)state;
	get(n, "a");
	get(n, "b");
	assert_int_equal(numbers_sync(n), 0);
	numbers_free(n);
	assert_int_equal(file_read(run, 1000, &text, &len), 0);
	for (size_t bit = 0; bit < strlen("1 a\n2 b\n") * 8; bit++) {
		text[bit / 8] ^= (char)(1 << bit % 8);
		assert_int_equal(file_replace_volatile(run, text, len, 0600), 0);
		text[bit / 8] ^= (char)(1 << bit % 8);
		n = open_numbers(1, 100);
		assert_int_equal(numbers_find(n, "a"), 1);
		assert_int_equal(numbers_find(n, "b"), 2);
		assert_int_equal(access(run, F_OK), 0); /* mended at once */
		numbers_free(n);
	}
	assert_int_equal(unlink(aside), 0);
}

static int fresh_file(void **state)
{
	(void)state;
	unlink(path);
	unlink(run);
	return 0;
}

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/numbers", dir);
	snprintf(run, sizeof(run), "%s/run-numbers", dir);
	base = event_base_new();
	return base ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	unlink(run);
	event_base_free(base);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(gives_the_lowest_free_number, fresh_file),
		cmocka_unit_test_setup(groups_count_apart, fresh_file),
		cmocka_unit_test_setup(refuses_when_full, fresh_file),
		cmocka_unit_test_setup(survives_a_restart, fresh_file),
		cmocka_unit_test_setup(a_killed_process_left_what_was_synced, fresh_file),
		cmocka_unit_test_setup(survives_a_reboot, fresh_file),
		cmocka_unit_test_setup(those_of_before_there_were_checksums_stay, fresh_file),
		cmocka_unit_test_setup(not_the_loop_waits_for_the_disk, fresh_file),
		cmocka_unit_test_setup(an_empty_map_leaves_nothing, fresh_file),
		cmocka_unit_test_setup(sets_a_bad_file_aside, fresh_file),
		cmocka_unit_test_setup(a_flipped_bit_is_noticed_and_the_durable_copy_used,
				       fresh_file),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
