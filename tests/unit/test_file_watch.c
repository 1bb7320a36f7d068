/* SPDX-License-Identifier: Apache-2.0 */
/* What counts as a change of a file, of any file of a folder, and of the folders on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
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
	unsigned int calls;
};

static void changed(void *arg)
{
	struct world *w = arg;

	w->calls++;
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
	_cleanup_(freep) char *command = xasprintf("rm -r %s", w->dir);

	file_watch_free(w->watch);
	event_base_free(w->base);
	assert_int_equal(system(command), 0);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
