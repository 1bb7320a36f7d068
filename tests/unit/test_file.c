/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mono.h"

static char dir[64];

static int enter_empty_folder(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_file.XXXXXX");
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{

	(void)state;
	return chdir("/") || dir_remove(dir);
}

static unsigned int entries(const char *path)
{
	DIR *d = opendir(path);
	unsigned int n = 0;

	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.' || strlen(e->d_name) > 2;
	closedir(d);
	return n;
}

static void assert_content(const char *path, const char *expected)
{
	_cleanup_(freep) char *text = NULL;
	size_t len = 0;

	assert_int_equal(file_read(path, 1 << 20, &text, &len), 0);
	assert_int_equal(len, strlen(expected));
	assert_string_equal(text, expected);
}

static void replace_makes_folders_and_leaves_no_temporary(void **state)
{
	struct stat st;

	(void)state;
	umask(077);
	assert_int_equal(file_replace("a/b/c", "one", 3, 0644), 0);
	umask(022);
	assert_content("a/b/c", "one");
	assert_int_equal(stat("a/b/c", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(file_replace_volatile("a/b/c", "", 0, 0600), 0);
	assert_content("a/b/c", "");
	assert_int_equal(stat("a/b/c", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(entries("a/b"), 1);
}

static void replace_reuses_the_leftover_of_a_crash(void **state)
{
	(void)state;
	assert_int_equal(file_replace_volatile(".c.new", "torn and longer", 15, 0600), 0);
	assert_int_equal(file_replace("c", "whole", 5, 0600), 0);
	assert_content("c", "whole");
	assert_int_equal(entries("."), 1);
}

static void failed_replace_keeps_the_old_content(void **state)
{
	char name[300];

	(void)state;
	assert_int_equal(dir_make("folder/x", 0755), 0);
	assert_int_equal(file_replace("folder", "x", 1, 0600), -EISDIR);
	assert_int_equal(entries("."), 1);
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(file_replace(name, "x", 1, 0600), -ENAMETOOLONG);
	assert_int_equal(file_replace_volatile("file", "x", 1, 0600), 0);
	assert_int_equal(file_replace("file/below", "x", 1, 0600), -ENOTDIR);
	assert_content("file", "x");
}

static void read_respects_the_limit_exactly(void **state)
{
	_cleanup_(freep) char *text = NULL;
	size_t len = 77;

	(void)state;
	assert_int_equal(file_replace_volatile("f", "12345", 5, 0600), 0);
	assert_int_equal(file_read("f", 4, &text, &len), -EFBIG);
	assert_null(text);
	assert_int_equal(len, 77);
	assert_int_equal(file_read("f", 5, &text, &len), 0);
	assert_int_equal(len, 5);
	assert_int_equal(file_read("absent", 5, &text, &len), -ENOENT);
	assert_int_equal(file_read(".", 5, &text, &len), -EISDIR);
	assert_string_equal(text, "12345");
}

static void read_takes_proc_files_of_any_length(void **state)
{
	_cleanup_(freep) char *text = NULL, *rest = NULL;
	size_t len;

	(void)state;
	assert_int_equal(file_read("/proc/self/stat", 4096, &text, NULL), 0);
	assert_int_equal(atoi(text), getpid());
	assert_int_equal(file_read("/proc/self/smaps", 64 << 20, &rest, &len), 0);
	assert_true(len > 8192);
	free(take_ptr(rest));
	assert_int_equal(file_read("/proc/self/smaps", 8192, &rest, &len), -EFBIG);
}

static void write_value_needs_an_existing_file(void **state)
{
	(void)state;
	assert_int_equal(file_write_value("absent", "1"), -ENOENT);
	assert_int_equal(file_replace_volatile("f", "0", 1, 0600), 0);
	assert_int_equal(file_write_value("f", "1"), 0);
	assert_content("f", "1");
	assert_int_equal(file_write_value("/dev/full", "1"), -ENOSPC);
}

static void remove_of_the_absent_is_success(void **state)
{
	(void)state;
	assert_int_equal(file_replace_volatile("d/f", "0", 1, 0600), 0);
	assert_int_equal(file_remove("d/f"), 0);
	assert_int_equal(file_remove("d/f"), 0);
	assert_int_equal(file_remove("no/folder"), 0);
	assert_int_equal(entries("d"), 0);
	assert_int_equal(file_remove("d"), -EISDIR);
}

static void dir_make_makes_parents_and_takes_existing_ones(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(dir_make("x/y/z", 0700), 0);
	assert_int_equal(dir_make("x/y/z", 0700), 0);
	assert_int_equal(dir_make("x/q/", 0700), 0);
	assert_int_equal(stat("x/y/z", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat("x/y", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	assert_int_equal(file_replace_volatile("f", "0", 1, 0600), 0);
	assert_int_equal(dir_make("f", 0755), -ENOTDIR);
	assert_int_equal(dir_make("f/below", 0755), -ENOTDIR);
}

static void dir_remove_takes_all_of_it_and_nothing_that_links_lead_to(void **state)
{
	(void)state;
	assert_int_equal(dir_make("kept", 0755), 0);
	assert_int_equal(file_replace_volatile("kept/f", "0", 1, 0600), 0);
	assert_int_equal(dir_make("x/y/z", 0755), 0);
	assert_int_equal(file_replace_volatile("x/y/f", "0", 1, 0400), 0);
	assert_int_equal(symlink("../../kept", "x/y/folder"), 0);
	assert_int_equal(symlink("nowhere", "x/gone"), 0);
	assert_int_equal(dir_remove("x"), 0);
	assert_int_equal(access("x", F_OK), -1);
	assert_int_equal(access("kept/f", F_OK), 0);
	assert_int_equal(dir_remove("x"), 0);

	assert_int_equal(symlink("kept", "link"), 0);
	assert_int_equal(dir_remove("link"), 0);
	assert_int_equal(entries("."), 1);
	assert_int_equal(access("kept/f", F_OK), 0);
}

static void monotonic_time_moves_forward(void **state)
{
	struct mono a = mono_now(), b = mono_now();

	(void)state;
	assert_true(a.ns && b.ns >= a.ns);
	assert_int_equal(mono_diff_ms((struct mono){ 5000000 }, (struct mono){ 3000000 }), 2);
	assert_int_equal(mono_diff_ms((struct mono){ 3000000 }, (struct mono){ 5000000 }), -2);
}

#define test(fn) cmocka_unit_test_setup_teardown(fn, enter_empty_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(replace_makes_folders_and_leaves_no_temporary),
		test(replace_reuses_the_leftover_of_a_crash),
		test(failed_replace_keeps_the_old_content),
		test(read_respects_the_limit_exactly),
		test(read_takes_proc_files_of_any_length),
		test(write_value_needs_an_existing_file),
		test(remove_of_the_absent_is_success),
		test(dir_make_makes_parents_and_takes_existing_ones),
		test(dir_remove_takes_all_of_it_and_nothing_that_links_lead_to),
		cmocka_unit_test(monotonic_time_moves_forward),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
