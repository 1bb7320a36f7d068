/* SPDX-License-Identifier: Apache-2.0 */
/* What a run of nim leaves to the next one. */
#include "tests/unit/golden.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "nim/facts.h"
#include "nim/next_run.h"

static void assert_left(const char *dir, const char *expected)
{
	_cleanup_(freep) char *path = xasprintf("%s/nim/x", dir), *text = NULL;
	size_t len;

	if (!expected) {
		assert_int_equal(access(path, F_OK), -1);
		return;
	}
	assert_int_equal(file_read(path, 4096, &text, &len), 0);
	assert_string_equal(text, expected);
}

/* A run of which nothing was taken over yet is killed, and so is the next one. */
static void what_is_not_taken_over_yet_is_left_to_the_next_run(void **state)
{
	static const char *const text = "4 a silent port one\n6 b held port one\n";
	char dir[] = "/tmp/edgeway-next-run-XXXXXX", *nim;
	struct next_run run;

	(void)state;
	assert_non_null(mkdtemp(dir));
	nim = xasprintf("%s/nim", dir);
	assert_int_equal(mkdir(nim, 0755), 0);
	next_run_init(&run, dir, "x", 2);
	next_run_add(&run, "port one", NIM_V4, "a silent");
	next_run_add(&run, "port one", NIM_V6, "b held");
	next_run_add(&run, "two", NIM_V4, NULL);
	next_run_write(&run);
	assert_left(dir, text);
	next_run_fini(&run);
	for (unsigned int i = 0; i < 2; i++) {
		next_run_init(&run, dir, "x", 2);
		next_run_add(&run, "port one", NIM_V4, "a unknown");
		next_run_add(&run, "port one", NIM_V6, NULL);
		next_run_write(&run);
		assert_left(dir, text);
		next_run_fini(&run);
	}
	next_run_init(&run, dir, "x", 2);
	assert_null(next_run_find(&run, "one", NIM_V4));
	assert_string_equal(next_run_find(&run, "port one", NIM_V4), "a silent");
	next_run_taken(&run, "port one", NIM_V4);
	assert_null(next_run_find(&run, "port one", NIM_V4));
	next_run_add(&run, "port one", NIM_V4, "a answers");
	next_run_write(&run); /* the other one is not configured any more */
	assert_left(dir, "4 a answers port one\n");
	next_run_write(&run);
	assert_left(dir, NULL);
	next_run_fini(&run);
	assert_int_equal(rmdir(nim), 0);
	assert_int_equal(rmdir(dir), 0);
	free(nim);
}

static void lines_that_nobody_understands_are_passed_over(void **state)
{
	static const char text[] = "\n4\n5 a b c\n4 a b\n4 a b \n4a b c\n6 a b good\n4 x";
	char dir[] = "/tmp/edgeway-next-run-XXXXXX", *nim, *path;
	struct next_run run;

	(void)state;
	assert_non_null(mkdtemp(dir));
	nim = xasprintf("%s/nim", dir);
	path = xasprintf("%s/x", nim);
	assert_int_equal(mkdir(nim, 0755), 0);
	assert_int_equal(file_replace_volatile(path, text, strlen(text), 0644), 0);
	next_run_init(&run, dir, "x", 2);
	assert_int_equal(run.n, 1);
	assert_string_equal(next_run_find(&run, "good", NIM_V6), "a b");
	next_run_fini(&run);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(nim), 0);
	assert_int_equal(rmdir(dir), 0);
	free(path);
	free(nim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_taken_over_yet_is_left_to_the_next_run),
		cmocka_unit_test(lines_that_nobody_understands_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
