/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/inotify.h"

#define FILES 300 /* more than one read takes */

static char dir[64];
static int fd;

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_inotify.XXXXXX");
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd < 0 || !mkdtemp(dir))
		return -1;
	return inotify_add_watch(fd, dir, IN_MOVED_TO | IN_DELETE) < 0 ? -1 : 0;
}

static int teardown(void **state)
{

	(void)state;
	close(fd);
	return dir_remove(dir);
}

static void nothing_waits_in_a_quiet_folder(void **state)
{
	struct inotify_events events;

	(void)state;
	assert_null(inotify_first(&events, fd));
	assert_null(inotify_next(&events));
}

static void events_come_in_order_and_whole(void **state)
{
	const struct inotify_event *event;
	struct inotify_events events;
	unsigned int seen = 0, reads = 0;
	char name[64];

	(void)state;
	for (unsigned int i = 0; i < FILES; i++) {
		_cleanup_(freep) char *path = xasprintf("%s/file-%u", dir, i);

		assert_int_equal(file_replace_volatile(path, "", 0, 0600), 0);
	}
	while ((event = inotify_first(&events, fd))) {
		reads++;
		for (; event; event = inotify_next(&events)) {
			snprintf(name, sizeof(name), "file-%u", seen++);
			assert_string_equal(event->name, name);
		}
	}
	assert_int_equal(seen, FILES);
	assert_true(reads > 1);
}

static void event_without_a_name_ends_the_watch(void **state)
{
	const struct inotify_event *event;
	struct inotify_events events;

	(void)state;
	assert_int_equal(rmdir(dir), 0);
	event = inotify_first(&events, fd);
	assert_non_null(event);
	assert_int_equal(event->len, 0);
	assert_true(event->mask & IN_IGNORED);
	assert_null(inotify_next(&events));
}

static void folder_is_made_and_watched(void **state)
{
	_cleanup_(freep) char *path = xasprintf("%s/a/b", dir), *file = xasprintf("%s/c", path);
	const struct inotify_event *event;
	struct inotify_events events;
	int mine = inotify_open(path, IN_MOVED_TO);

	(void)state;
	assert_true(mine >= 0);
	assert_null(inotify_first(&events, mine));
	assert_int_equal(file_replace_volatile(file, "x", 1, 0600), 0);
	event = inotify_first(&events, mine);
	assert_non_null(event);
	assert_string_equal(event->name, "c");
	assert_int_equal(inotify_open(file, IN_MOVED_TO), -ENOTDIR);
	close(mine);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_waits_in_a_quiet_folder),
		TEST(events_come_in_order_and_whole),
		TEST(folder_is_made_and_watched),
		TEST(event_without_a_name_ends_the_watch),
	};

	return cmocka_run_group_tests_name("inotify", tests, NULL, NULL);
}
