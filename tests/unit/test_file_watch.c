/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What counts as a change of a file, of any file of a folder, and of the folders on the way; and
 * what watches have to do with each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/file_watch.h"

struct world {
	char dir[32];
	struct event_base *base;
	struct file_watch *watch;
	struct file_watch *second; /* tests with two */
	unsigned int calls, second_calls;
};

static void changed(void *arg)
{
	struct world *w = arg;

	w->calls++;
}

static void second_changed(void *arg)
{
	struct world *w = arg;

	w->second_calls++;
}

static void frees_both(void *arg)
{
	struct world *w = arg;

	w->calls++;
	w->watch = file_watch_free(w->watch);
	w->second = file_watch_free(w->second);
}

static int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	strcpy(w->dir, "/tmp/file-watch.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->base = event_base_new();
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	file_watch_free(w->watch);
	file_watch_free(w->second);
	event_base_free(w->base);
	assert_int_equal(dir_remove(w->dir), 0);
	free(w);
	return 0;
}

static void watch(struct world *w, const char *name)
{
	_cleanup_(freep) char *path = xasprintf("%s/%s", w->dir, name);

	assert_int_equal(file_watch_new(w->base, path, changed, w, &w->watch), 0);
}

/* inotify's events are there when the call that made them returns. */
static bool told(struct world *w)
{
	w->calls = 0;
	event_base_loop(w->base, EVLOOP_NONBLOCK);
	return w->calls > 0;
}

static void put(struct world *w, const char *name)
{
	_cleanup_(freep) char *path = xasprintf("%s/%s", w->dir, name);

	assert_int_equal(file_replace_volatile(path, "x", 1, 0644), 0);
}

static void drop(struct world *w, const char *name)
{
	_cleanup_(freep) char *path = xasprintf("%s/%s", w->dir, name);

	assert_int_equal(remove(path), 0);
}

static void one_file_is_told_apart_from_its_neighbours(void **state)
{
	struct world *w = *state;

	watch(w, "config.json");
	put(w, "other.json");
	assert_false(told(w));
	put(w, "config.json");
	assert_true(told(w));
	drop(w, "config.json");
	assert_true(told(w));
}

static void a_star_means_every_file(void **state)
{
	struct world *w = *state;

	watch(w, "*");
	put(w, "a.json");
	assert_true(told(w));
	put(w, "b.json");
	assert_true(told(w));
	drop(w, "a.json");
	assert_true(told(w));
	assert_false(told(w));
}

static void a_file_that_is_still_written_is_not_told(void **state)
{
	struct world *w = *state;
	_cleanup_(freep) char *path = xasprintf("%s/slow.json", w->dir);
	FILE *file;

	watch(w, "*");
	file = fopen(path, "we");
	assert_non_null(file);
	assert_false(told(w));
	fputs("{}", file);
	fflush(file);
	assert_false(told(w));
	fclose(file);
	assert_true(told(w));
}

static void a_folder_that_appears_later_goes_and_comes_back_is_followed(void **state)
{
	struct world *w = *state;

	watch(w, "deep/er/*");
	for (int i = 0; i < 2; i++) {
		put(w, "deep/er/a.json"); /* makes the folders */
		assert_true(told(w));
		put(w, "deep/er/b.json");
		assert_true(told(w));
		drop(w, "deep/er/a.json");
		drop(w, "deep/er/b.json");
		assert_true(told(w));
		drop(w, "deep/er");
		drop(w, "deep");
		assert_true(told(w));
	}
}

static void watch_second(struct world *w, const char *name, void (*call)(void *arg))
{
	_cleanup_(freep) char *path = xasprintf("%s/%s", w->dir, name);

	assert_int_equal(file_watch_new(w->base, path, call, w, &w->second), 0);
}

/* Bit 0: the first was told; bit 1: the second. */
static unsigned int who_is_told(struct world *w)
{
	w->calls = w->second_calls = 0;
	event_base_loop(w->base, EVLOOP_NONBLOCK);
	return (w->calls > 0) | (w->second_calls > 0) << 1;
}

static unsigned int inotify_instances(void)
{
	DIR *dir = opendir("/proc/self/fd");
	char target[64];
	unsigned int n = 0;

	assert_non_null(dir);
	for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		ssize_t len = readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1);

		target[len < 0 ? 0 : len] = '\0';
		n += strcmp(target, "anon_inode:inotify") == 0;
	}
	closedir(dir);
	return n;
}

static void all_watches_of_a_loop_are_one_instance(void **state)
{
	struct event_base *other_base = event_base_new();
	struct file_watch *watches[20], *other;
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(watches); i++) {
		_cleanup_(freep) char *path = xasprintf("%s/%zu/file", w->dir, i);

		assert_int_equal(file_watch_new(w->base, path, changed, w, &watches[i]), 0);
	}
	assert_int_equal(inotify_instances(), 1);
	assert_int_equal(file_watch_new(other_base, w->dir, changed, w, &other), 0);
	assert_int_equal(inotify_instances(), 2);
	file_watch_free(other);
	for (size_t i = 0; i < ARRAY_SIZE(watches); i++)
		file_watch_free(watches[i]);
	assert_int_equal(inotify_instances(), 0);
	event_base_free(other_base);
}

static void what_cannot_be_watched_leaves_nothing(void **state)
{
	_cleanup_(freep) char *path = xcalloc(1, 600);
	struct world *w = *state;

	memset(path, 'a', 599);
	path[0] = '/'; /* a name longer than any file's */
	assert_int_equal(file_watch_new(w->base, path, changed, w, &w->watch), -ENAMETOOLONG);
	assert_null(w->watch);
	assert_int_equal(inotify_instances(), 0);
}

static void two_watches_of_one_folder_hear_their_own_files(void **state)
{
	struct world *w = *state;

	watch(w, "a.json");
	watch_second(w, "b.json", second_changed);
	put(w, "a.json");
	assert_int_equal(who_is_told(w), 1);
	put(w, "b.json");
	assert_int_equal(who_is_told(w), 2);
	put(w, "a.json");
	put(w, "b.json");
	assert_int_equal(who_is_told(w), 3);
}

static void freeing_one_watch_of_a_folder_leaves_the_other(void **state)
{
	struct world *w = *state;

	watch(w, "*");
	watch_second(w, "a.json", second_changed);
	w->watch = file_watch_free(w->watch);
	put(w, "a.json");
	assert_int_equal(who_is_told(w), 2);
	watch(w, "*");
	w->second = file_watch_free(w->second);
	put(w, "a.json");
	assert_int_equal(who_is_told(w), 1);
}

static void whoever_is_told_may_free_itself_and_another_that_would_be_next(void **state)
{
	struct world *w = *state;
	_cleanup_(freep) char *path = xasprintf("%s/a.json", w->dir);

	assert_int_equal(file_watch_new(w->base, path, frees_both, w, &w->watch), 0);
	watch_second(w, "*", second_changed);
	put(w, "a.json");
	assert_int_equal(who_is_told(w), 1);
	assert_int_equal(inotify_instances(), 0);

	watch(w, "*"); /* now the one before it is freed */
	watch_second(w, "a.json", frees_both);
	put(w, "a.json");
	w->calls = 0;
	event_base_loop(w->base, EVLOOP_NONBLOCK);
	assert_int_equal(w->calls, 2);
	assert_int_equal(inotify_instances(), 0);
}

static void two_watches_follow_a_folder_that_goes_and_comes_back(void **state)
{
	struct world *w = *state;

	watch(w, "deep/a.json");
	watch_second(w, "deep/*", second_changed);
	for (int i = 0; i < 3; i++) {
		put(w, "deep/a.json");
		assert_int_equal(who_is_told(w), 3);
		put(w, "deep/b.json");
		assert_int_equal(who_is_told(w), 2);
		drop(w, "deep/a.json");
		drop(w, "deep/b.json");
		drop(w, "deep");
		if (i > 0) /* made anew before anybody looked */
			put(w, "deep/c.json");
		assert_int_equal(who_is_told(w), 3);
		assert_int_equal(who_is_told(w), 0);
		if (i > 0)
			drop(w, "deep/c.json");
		(void)who_is_told(w);
	}
}

static void a_folder_moved_away_is_heard_of_no_more_by_either(void **state)
{
	struct world *w = *state;
	_cleanup_(freep) char *from = xasprintf("%s/deep", w->dir);
	_cleanup_(freep) char *to = xasprintf("%s/away", w->dir);

	put(w, "deep/a.json");
	watch(w, "deep/a.json");
	watch_second(w, "deep/*", second_changed);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(who_is_told(w), 3);
	put(w, "away/a.json");
	assert_int_equal(who_is_told(w), 0);
	put(w, "deep/a.json");
	assert_int_equal(who_is_told(w), 3);
}

static void events_lost_to_one_busy_folder_are_told_to_all(void **state)
{
	struct world *w = *state;
	_cleanup_(freep) char *a = xasprintf("%s/busy/a", w->dir);
	_cleanup_(freep) char *b = xasprintf("%s/busy/b", w->dir);
	FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
	long events;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%ld", &events), 1);
	fclose(file);
	put(w, "busy/a");
	watch(w, "busy/*");
	watch_second(w, "quiet.json", second_changed);
	for (; events >= 0; events -= 4) { /* each rename: moved from, moved to */
		assert_int_equal(rename(a, b), 0);
		assert_int_equal(rename(b, a), 0);
	}
	assert_int_equal(who_is_told(w), 3);
	put(w, "quiet.json");
	assert_int_equal(who_is_told(w), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_file_is_told_apart_from_its_neighbours, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_star_means_every_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_file_that_is_still_written_is_not_told, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			a_folder_that_appears_later_goes_and_comes_back_is_followed, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(all_watches_of_a_loop_are_one_instance, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_watched_leaves_nothing, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(two_watches_of_one_folder_hear_their_own_files,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(freeing_one_watch_of_a_folder_leaves_the_other,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			whoever_is_told_may_free_itself_and_another_that_would_be_next, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			two_watches_follow_a_folder_that_goes_and_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_folder_moved_away_is_heard_of_no_more_by_either,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(events_lost_to_one_busy_folder_are_told_to_all,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
