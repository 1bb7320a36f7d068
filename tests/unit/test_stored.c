/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of a text that outlives nim: which one counts, and what becomes of the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "nim/stored.h"

static const char *const copies[] = { "run/nim/it", "state/nim/it", "state/nim/it.2" };

struct world {
	char dir[32];
	char run[48], state[48];
	struct event_base *base;
	struct stored *stored;
	char got[32];
};

static char *path_of(const struct world *w, const char *name)
{
	return xasprintf("%s/%s", w->dir, name);
}

static void open_stored(struct world *w)
{
	assert_int_equal(stored_open(w->base, w->run, w->state, "it", &w->stored), 0);
}

/* Closing waits for the disk, as a clean end does. */
static void close_stored(struct world *w)
{
	w->stored = stored_free(w->stored);
}

static int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	strcpy(w->dir, "/tmp/stored.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->run, sizeof(w->run), "%s/run", w->dir);
	snprintf(w->state, sizeof(w->state), "%s/state", w->dir);
	w->base = event_base_new();
	open_stored(w);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	close_stored(w);
	event_base_free(w->base);
	assert_int_equal(dir_remove(w->dir), 0);
	free(w);
	return 0;
}

static void write_copy(const struct world *w, size_t copy, const char *text)
{
	_cleanup_(freep) char *path = path_of(w, copies[copy]);

	assert_int_equal(file_replace_volatile(path, text, strlen(text), 0600), 0);
}

static char *read_copy(const struct world *w, size_t copy, size_t *ret_len)
{
	_cleanup_(freep) char *path = path_of(w, copies[copy]);
	char *held = NULL;

	assert_int_equal(file_read(path, STORED_MAX, &held, ret_len), 0);
	return held;
}

/* All alike: that text, and the line with its checksum. */
static void expect_copies(const struct world *w, const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(copies); i++) {
		size_t len;
		_cleanup_(freep) char *held = read_copy(w, i, &len);

		assert_int_equal(len, strlen(text) + strlen("\n#crc32 01234567\n"));
		assert_memory_equal(held, text, strlen(text));
		assert_memory_equal(held + strlen(text), "\n#crc32 ", 8);
	}
}

static int parse(const char *text, size_t len, void *arg, struct pbjson_error *err)
{
	struct world *w = arg;

	if (len >= sizeof(w->got) || strncmp(text, "good", 4) != 0) {
		snprintf(err->why, sizeof(err->why), "not good");
		return -EINVAL;
	}
	strcpy(w->got, text);
	return 0;
}

static void put(struct world *w, const char *text)
{
	struct strbuf copy = STRBUF_INIT;

	strbuf_add(&copy, text);
	assert_int_equal(stored_put(w->stored, &copy), 0);
}

static void of_an_empty_text_the_run_directory_has_no_copy(void **state)
{
	struct world *w = *state;
	_cleanup_(freep) char *run = path_of(w, copies[0]);
	struct strbuf empty = STRBUF_INIT;

	put(w, "good");
	assert_int_equal(access(run, F_OK), 0);
	assert_int_equal(stored_put(w->stored, &empty), 0);
	assert_int_equal(access(run, F_OK), -1);
	close_stored(w);
	open_stored(w);
	assert_false(stored_load(w->stored, parse, w)); /* it is no good text of this parser */
}

static void nothing_stored_is_nothing_loaded(void **state)
{
	struct world *w = *state;

	assert_false(stored_load(w->stored, parse, w));
}

static void what_is_put_is_in_all_copies(void **state)
{
	struct world *w = *state;

	put(w, "good 1");
	put(w, "good 2");
	close_stored(w);
	expect_copies(w, "good 2");
	open_stored(w);
	assert_true(stored_load(w->stored, parse, w));
	assert_string_equal(w->got, "good 2");
}

static void
the_copy_of_this_run_counts_and_durable_ones_that_a_kill_left_behind_follow(void **state)
{
	struct world *w = *state;

	write_copy(w, 0, "good new");
	write_copy(w, 1, "good old");
	assert_true(stored_load(w->stored, parse, w));
	assert_string_equal(w->got, "good new");
	close_stored(w);
	expect_copies(w, "good new");
}

static void bad_copies_are_set_aside_and_mended(void **state)
{
	struct world *w = *state;
	_cleanup_(freep) char *bad = path_of(w, "state/nim/it.bad");

	write_copy(w, 1, "bad");
	write_copy(w, 2, "good 3");
	assert_true(stored_load(w->stored, parse, w));
	assert_int_equal(access(bad, F_OK), 0);
	close_stored(w);
	expect_copies(w, "good 3");
}

/* That reads as EIO: there is nothing at address 0. proc_pid_mem(5) */
static void make_unreadable(const struct world *w, size_t copy)
{
	_cleanup_(freep) char *path = path_of(w, copies[copy]);

	(void)unlink(path);
	assert_int_equal(symlink("/proc/self/mem", path), 0);
}

static void a_copy_that_cannot_be_read_is_left_as_it_is(void **state)
{
	struct world *w = *state;
	_cleanup_(freep) char *path = path_of(w, copies[0]);
	_cleanup_(freep) char *bad = xasprintf("%s.bad", path);

	put(w, "good 1");
	close_stored(w);
	make_unreadable(w, 0);
	open_stored(w);
	assert_true(stored_load(w->stored, parse, w)); /* of the disk */
	assert_string_equal(w->got, "good 1");
	close_stored(w);
	assert_int_equal(access(bad, F_OK), -1);
	assert_int_equal(readlink(path, (char[32]){ "" }, 32), strlen("/proc/self/mem"));
	open_stored(w);
	put(w, "good 2"); /* what is put replaces it */
	close_stored(w);
	expect_copies(w, "good 2");
}

static void a_durable_copy_that_cannot_be_read_is_left_as_it_is(void **state)
{
	struct world *w = *state;
	_cleanup_(freep) char *run = path_of(w, copies[0]), *first = path_of(w, copies[1]);

	put(w, "good 1");
	close_stored(w);
	assert_int_equal(unlink(run), 0); /* a reboot */
	make_unreadable(w, 1);
	open_stored(w);
	assert_true(stored_load(w->stored, parse, w));
	assert_string_equal(w->got, "good 1"); /* of the second */
	close_stored(w);
	assert_int_equal(readlink(first, (char[32]){ "" }, 32), strlen("/proc/self/mem"));
	open_stored(w);
}

static void without_descriptors_nothing_is_loaded_and_nothing_set_aside(void **state)
{
	struct world *w = *state;
	struct rlimit few, was;

	put(w, "good 1");
	close_stored(w);
	open_stored(w);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = (struct rlimit){ 0, was.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_false(stored_load(w->stored, parse, w));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_true(stored_load(w->stored, parse, w));
	assert_string_equal(w->got, "good 1");
	close_stored(w);
	expect_copies(w, "good 1");
}

static void what_the_run_directory_has_no_room_for_is_not_what_was_there_before(void **state)
{
	struct world *w = *state;
	_cleanup_(freep) char *in_the_way = path_of(w, "run/nim/.it.new");
	struct strbuf text = STRBUF_INIT;

	put(w, "good 1");
	assert_int_equal(dir_make(in_the_way, 0700), 0);
	strbuf_add(&text, "good 2");
	assert_int_equal(stored_put(w->stored, &text), -EISDIR);
	close_stored(w);
	assert_int_equal(rmdir(in_the_way), 0);
	open_stored(w);
	assert_true(stored_load(w->stored, parse, w));
	assert_string_equal(w->got, "good 2");
	close_stored(w);
	expect_copies(w, "good 2");
}

/* Writes all copies as they are, but for damage to those of the mask. */
static void damage(const struct world *w, unsigned int mask, const char *text, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(copies); i++) {
		_cleanup_(freep) char *path = path_of(w, copies[i]);

		if (mask >> i & 1)
			assert_int_equal(file_replace_volatile(path, text, len, 0600), 0);
	}
}

/* As strict as a parser of JSON: nothing may be missing, nothing may follow. */
static int parse_braced(const char *text, size_t len, void *arg, struct pbjson_error *err)
{
	struct world *w = arg;

	if (len < 2 || len >= sizeof(w->got) || text[0] != '{' || text[len - 1] != '}') {
		snprintf(err->why, sizeof(err->why), "not good");
		return -EINVAL;
	}
	memcpy(w->got, text, len + 1);
	return 0;
}

/* Loads what there is; true: the right text. Any other text is a failure. */
static bool loads(struct world *w, const char *text)
{
	bool good;

	w->got[0] = '\0';
	good = stored_load(w->stored, parse_braced, w);
	assert_string_equal(w->got, good ? text : "");
	return good;
}

enum { RUN = 1, FIRST = 2, SECOND = 4, ALL = 7 };

static void every_truncation_and_every_flipped_bit_is_noticed(void **state)
{
	static const char text[] = "{192.168.1.77/24}";
	struct world *w = *state;
	_cleanup_(freep) char *whole = NULL;
	size_t len;

	put(w, text);
	close_stored(w);
	whole = read_copy(w, 0, &len);
	open_stored(w); /* the loop does not run: what it mends does not come in between */
	for (size_t n = 0; n < len * 9; n++) {
		_cleanup_(freep) char *damaged = xmemdup(whole, len + 1);
		size_t left = n < len ? n : len;

		if (n >= len)
			damaged[(n - len) / 8] ^= (char)(1 << (n - len) % 8);
		damage(w, ALL, whole, len);
		damage(w, n % 3 ? FIRST | RUN : RUN, damaged, left);
		assert_true(loads(w, text)); /* from the copy that is left */
		damage(w, ALL, damaged, left);
		/* The text alone, without a part of what follows, is the text. */
		assert_true(!loads(w, text) || left == strlen(text));
	}
}

static void a_text_of_before_there_were_checksums_is_taken(void **state)
{
	struct world *w = *state;

	write_copy(w, 1, "good old");
	assert_true(stored_load(w->stored, parse, w));
	close_stored(w);
	expect_copies(w, "good old");
}

static void without_a_good_copy_nothing_is_loaded(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(copies); i++)
		write_copy(w, i, "bad");
	assert_false(stored_load(w->stored, parse, w));
	assert_string_equal(w->got, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_stored_is_nothing_loaded, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_put_is_in_all_copies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(of_an_empty_text_the_run_directory_has_no_copy,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_copy_of_this_run_counts_and_durable_ones_that_a_kill_left_behind_follow,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(bad_copies_are_set_aside_and_mended, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_copy_that_cannot_be_read_is_left_as_it_is, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_durable_copy_that_cannot_be_read_is_left_as_it_is,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			without_descriptors_nothing_is_loaded_and_nothing_set_aside, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			what_the_run_directory_has_no_room_for_is_not_what_was_there_before, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(every_truncation_and_every_flipped_bit_is_noticed,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_text_of_before_there_were_checksums_is_taken,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_a_good_copy_nothing_is_loaded, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
