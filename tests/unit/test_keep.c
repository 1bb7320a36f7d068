/* SPDX-License-Identifier: Apache-2.0 */
/* A file that is kept on disk, when the disk does not take it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/keep.h"

static int failure;

static void on_failed(int err, void *arg)
{
	(void)arg;
	failure = err;
}

static void expect_file(const char *path, const char *text)
{
	_cleanup_(freep) char *held = NULL;

	assert_int_equal(file_read(path, 1000, &held, NULL), 0);
	assert_string_equal(held, text);
}

/* A limit of the file's size stands for a disk that is full: write(2) takes a part, then nothing. */
static void what_a_full_disk_does_not_take_leaves_the_former_and_no_part_of_itself(void **state)
{
	struct rlimit little, all;
	char dir[] = "/tmp/keep.XXXXXX";
	struct event_base *base = event_base_new();
	_cleanup_(freep) char *path = NULL, *part = NULL;
	struct keep *keep;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = xasprintf("%s/it", dir);
	part = xasprintf("%s/.it.new", dir);
	assert_int_equal(file_replace(path, "former", 6, 0600), 0);
	keep = keep_new(base, path, on_failed, NULL);
	assert_non_null(keep);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
	little = (struct rlimit){ .rlim_cur = 4, .rlim_max = all.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	keep_store(keep, xstrdup("too long"), 8);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
	assert_int_equal(failure, -EFBIG);
	expect_file(path, "former");
	assert_int_equal(access(part, F_OK), -1);
	keep_store(keep, xstrdup("next"), 4);
	keep_free(keep);
	expect_file(path, "next");
	event_base_free(base);
	assert_int_equal(dir_remove(dir), 0);
}

static int failures;

static void on_refused(int err, void *arg)
{
	(void)err, (void)arg;
	failures++;
}

static bool is_there(const char *path, const char *text)
{
	_cleanup_(freep) char *held = NULL;

	return file_read(path, 1000, &held, NULL) == 0 && strcmp(held, text) == 0;
}

static void what_was_refused_is_stored_once_there_is_room_and_told_of_once(void **state)
{
	struct event_base *base = event_base_new();
	_cleanup_(freep) char *path = NULL, *taken = NULL;
	char dir[] = "/tmp/keep.XXXXXX";
	struct keep *keep;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = xasprintf("%s/folder/it", dir);
	taken = xasprintf("%s/folder", dir); /* a file where the folder should be */
	assert_int_equal(file_replace(taken, "", 0, 0600), 0);
	keep = keep_new(base, path, on_refused, NULL);
	assert_non_null(keep);
	keep_store(keep, xstrdup("wanted"), 6);
	for (int i = 0; i < 2; i++) /* and another attempt */
		event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(failures, 1);
	assert_int_equal(unlink(taken), 0);
	while (!is_there(path, "wanted"))
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	keep_free(keep);
	event_base_free(base);
	assert_int_equal(dir_remove(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_a_full_disk_does_not_take_leaves_the_former_and_no_part_of_itself),
		cmocka_unit_test(what_was_refused_is_stored_once_there_is_room_and_told_of_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
