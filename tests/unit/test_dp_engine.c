/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's promises, one story each, in a pretended world. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "dataplane/graph/engine.h"
#include "tests/unit/world.h"

struct test {
	struct dp *dp;
	uint64_t now_ns;
	char reports[4096]; /* "a:created:drift " */
};

static uint64_t clock_ns(void *arg)
{
	return ((struct test *)arg)->now_ns;
}

static void reported(const struct dp_report *r, void *arg)
{
	struct test *t = arg;
	size_t len = strlen(t->reports);

	snprintf(t->reports + len, sizeof(t->reports) - len, "%s:%s:%s ", r->key,
		 dp_state_name(r->to), r->why ? r->why : "");
}

static void start(struct test *t)
{
	const struct dp_conf conf = { .owner = "test",
				      .netns_fd = -1,
				      .types = thing_types,
				      .backends = no_backends,
				      .changed = reported,
				      .arg = t };

	assert_int_equal(dp_new(NULL, &conf, &t->dp), 0);
	dp_test_clock(t->dp, clock_ns, t);
	assert_int_equal(dp_adopt(t->dp), 0);
	dp_run(t->dp);
}

static int setup(void **state)
{
	struct test *t = xcalloc(1, sizeof(*t));

	world_reset(1);
	t->now_ns = 1000000000;
	start(t);
	dp_sweep(t->dp);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct test *t = *state;

	dp_free(t->dp);
	free(t);
	assert_string_equal(world.broken, "");
	return 0;
}

/* "a", "b>a" (b needs a), "c>a!" (falls with), "d>a*" (follows), "e>a+" (a positive), "f=3". */
static struct thing thing(const char *text)
{
	struct thing t = { .value = 1 };
	unsigned int n = 0;
	size_t len = strcspn(text, ">=#");

	memcpy(t.name, text, len);
	for (text += len; *text; text += len) {
		char c = *text++;

		if (c == '=' || c == '#') {
			int v = atoi(text);

			len = strspn(text, "-0123456789");
			*(c == '=' ? &t.value : &t.shape) = v;
			continue;
		}
		len = strcspn(text, ">=#!*+");
		memcpy(t.needs[n].name, text, len);
		for (; text[len] && strchr("!*+", text[len]); len++) {
			t.needs[n].flags |= text[len] == '!' ? DP_FALLS_WITH : 0;
			t.needs[n].flags |= text[len] == '*' ? DP_FOLLOW : 0;
			t.needs[n].positive |= text[len] == '+';
		}
		n++;
	}
	return t;
}

static void submit(struct test *t, const char *scope, const char *things)
{
	_cleanup_(freep) char *copy = xstrdup(things);
	struct dp_graph *g = dp_graph_new(scope);
	char *save = NULL;

	for (char *s = strtok_r(copy, " ", &save); s; s = strtok_r(NULL, " ", &save)) {
		struct thing one = thing(s);

		dp_want(g, &thing_type, &one);
	}
	assert_int_equal(dp_submit(t->dp, g), 0);
	dp_run(t->dp);
}

static void put(const char *text, bool foreign)
{
	struct thing one = thing(text);

	world_put(&one, foreign);
}

static enum dp_state state_of(struct test *t, const char *key)
{
	return dp_state(t->dp, &thing_type, key, NULL);
}

static void expect_why(struct test *t, const char *key, const char *want)
{
	const char *why = NULL;

	dp_state(t->dp, &thing_type, key, &why);
	assert_string_equal(why ? why : "", want);
}

static void expect_log(const char *want)
{
	assert_string_equal(world.log, want);
	world.log[0] = '\0';
}

static void expect_idle(struct test *t)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	dp_plan(t->dp, out);
	fclose(out);
	assert_string_equal(text, "");
	free(text);
	assert_true(dp_idle(t->dp));
}

static void creates_in_order_and_removes_in_reverse(void **state)
{
	struct test *t = *state;

	submit(t, "s", "c>b b>a a");
	expect_log("+a +b +c ");
	expect_idle(t);
	submit(t, "s", "");
	expect_log("-c -b -a ");
	expect_idle(t);
}

static void look_decides_and_does_nothing(void **state)
{
	struct dp_graph *g = dp_graph_new("s");
	const struct thing one = thing("a");
	struct test *t = *state;

	dp_want(g, &thing_type, &one);
	assert_int_equal(dp_submit(t->dp, g), 0);
	assert_true(dp_look(t->dp));
	expect_log("");
	assert_false(dp_scope_settled(t->dp, "s"));
	dp_run(t->dp);
	expect_log("+a ");
	assert_false(dp_look(t->dp));
	assert_true(dp_scope_settled(t->dp, "s"));
}

static void second_submit_does_nothing(void **state)
{
	struct test *t = *state;

	submit(t, "s", "b>a a");
	expect_log("+a +b ");
	submit(t, "s", "a b>a");
	expect_log("");
	submit(t, "s", "a b>a c");
	expect_log("+c ");
}

static void modifies_what_can_be_and_recreates_the_rest_with_its_users(void **state)
{
	struct test *t = *state;

	submit(t, "s", "a b>a c>b");
	expect_log("+a +b +c ");
	submit(t, "s", "a=2 b>a c>b");
	expect_log("~a ");
	submit(t, "s", "a=2#1 b>a c>b");
	expect_log("-c -b -a +a +b +c ");
}

static void follower_is_recreated_when_what_it_follows_is_modified(void **state)
{
	struct test *t = *state;

	submit(t, "s", "a b>a* c>a");
	world.log[0] = '\0';
	submit(t, "s", "a=2 b>a* c>a");
	expect_log("~a -b +b ");
}

static void what_falls_with_another_needs_no_removal(void **state)
{
	struct test *t = *state;

	submit(t, "s", "a b>a! c>b!");
	world.log[0] = '\0';
	submit(t, "s", "");
	expect_log("-a ");
	expect_idle(t);
	assert_null(world_find("c"));
}

static void waits_for_a_need_and_says_so(void **state)
{
	struct test *t = *state;

	submit(t, "s", "b>a");
	assert_int_equal(state_of(t, "b"), DP_WAITING);
	expect_why(t, "b", "needs thing a");
	put("a=0", true);
	thing_type.observe(t->dp);
	dp_run(t->dp);
	assert_int_equal(state_of(t, "b"), DP_CREATED);
	expect_log("+b ");
	submit(t, "s", "b>a+");
	assert_int_equal(state_of(t, "b"), DP_WAITING);
	expect_why(t, "b", "needs thing a: not as required");
}

static void foreign_need_that_goes_takes_its_user(void **state)
{
	struct test *t = *state;

	put("a", true);
	thing_type.observe(t->dp);
	submit(t, "s", "b>a c>a!");
	expect_log("+b +c ");
	world_drop("a");
	dp_gone(t->dp, &thing_type, "a");
	dp_run(t->dp);
	expect_log("-b ");
	assert_int_equal(state_of(t, "b"), DP_WAITING);
	assert_int_equal(state_of(t, "c"), DP_WAITING);
	put("a", true);
	thing_type.observe(t->dp);
	dp_run(t->dp);
	assert_int_equal(state_of(t, "b"), DP_CREATED);
	assert_int_equal(state_of(t, "c"), DP_CREATED);
}

static void need_that_stops_to_be_as_required_removes_its_user(void **state)
{
	struct test *t = *state;

	submit(t, "s", "a b>a+");
	expect_log("+a +b ");
	submit(t, "s", "a=-1 b>a+");
	assert_int_equal(state_of(t, "b"), DP_WAITING);
	assert_null(world_find("b"));
	submit(t, "s", "a=1 b>a+");
	assert_int_equal(state_of(t, "b"), DP_CREATED);
}

static void failure_keeps_the_worlds_words_and_is_retried_later_and_later(void **state)
{
	struct test *t = *state;
	uint64_t first, second;

	strcpy(world.fails, "a");
	submit(t, "s", "a b c>a");
	assert_int_equal(state_of(t, "a"), DP_FAILED);
	assert_int_equal(state_of(t, "b"), DP_CREATED);
	assert_int_equal(state_of(t, "c"), DP_WAITING);
	expect_why(t, "a", "the world says no");
	first = dp_test_deadline_ns(t->dp) - t->now_ns;
	assert_int_equal(first, 100000000);
	t->now_ns += first;
	dp_test_tick(t->dp);
	assert_int_equal(world.creates, 3);
	second = dp_test_deadline_ns(t->dp) - t->now_ns;
	assert_int_equal(second, 2 * first);
	world.fails[0] = '\0';
	t->now_ns += second;
	dp_test_tick(t->dp);
	assert_int_equal(state_of(t, "a"), DP_CREATED);
	assert_int_equal(state_of(t, "c"), DP_CREATED);
	assert_int_equal(dp_test_deadline_ns(t->dp), 0);
}

static void new_wish_is_tried_at_once(void **state)
{
	struct test *t = *state;

	strcpy(world.fails, "a");
	submit(t, "s", "a");
	world.fails[0] = '\0';
	submit(t, "s", "a=2");
	assert_int_equal(state_of(t, "a"), DP_CREATED);
}

static void late_answer_holds_only_those_that_need_it(void **state)
{
	struct test *t = *state;

	world.late_percent = 100;
	submit(t, "s", "a");
	world.late_percent = 0;
	submit(t, "s", "a b>a c");
	assert_int_equal(state_of(t, "a"), DP_CREATING);
	expect_log("+c ");
	assert_false(dp_idle(t->dp));
	world_answer(0);
	dp_run(t->dp);
	expect_log("+a +b ");
	expect_idle(t);
}

static void unwanted_operation_is_cancelled(void **state)
{
	struct test *t = *state;

	world.late_percent = 100;
	submit(t, "s", "a");
	world.late_percent = 0;
	submit(t, "s", "");
	assert_int_equal(world.cancels, 1);
	assert_null(world_find("a"));
	assert_true(dp_idle(t->dp));
}

static void operation_that_never_ends_times_out(void **state)
{
	struct test *t = *state;

	world.late_percent = 100;
	submit(t, "s", "a");
	t->now_ns += 10000000000;
	dp_test_tick(t->dp);
	assert_int_equal(world.cancels, 1);
	assert_int_equal(state_of(t, "a"), DP_FAILED);
	expect_why(t, "a", "timed out");
}

static void drift_is_repaired_at_once_and_told_once(void **state)
{
	struct test *t = *state;

	submit(t, "s", "a b>a");
	t->reports[0] = world.log[0] = '\0';
	put("a=7", false);
	thing_type.observe(t->dp);
	dp_run(t->dp);
	expect_log("~a ");
	assert_string_equal(t->reports, "a:created:drift ");
	t->reports[0] = '\0';
	world_drop("b");
	dp_gone(t->dp, &thing_type, "b");
	dp_run(t->dp);
	expect_log("+b ");
	assert_string_equal(t->reports, "b:created:drift ");
}

static void restart_adopts_mends_and_sweeps_late(void **state)
{
	struct test *t = *state;

	submit(t, "s", "a b>a c d=1");
	dp_free(t->dp);
	world.log[0] = '\0';
	put("f", true);
	start(t);
	assert_int_equal(state_of(t, "c"), DP_LEFTOVER);
	submit(t, "s", "a b>a d=2");
	expect_log("~d ");
	assert_int_equal(state_of(t, "c"), DP_LEFTOVER);
	dp_sweep(t->dp);
	dp_run(t->dp);
	expect_log("-c ");
	assert_non_null(world_find("f"));
	expect_idle(t);
}

static void foreign_object_is_never_touched(void **state)
{
	struct test *t = *state;

	put("a=5", true);
	thing_type.observe(t->dp);
	submit(t, "s", "a=1");
	assert_int_equal(state_of(t, "a"), DP_FAILED);
	expect_why(t, "a", "exists and is not ours");
	submit(t, "s", "a=5");
	assert_int_equal(state_of(t, "a"), DP_CREATED);
	submit(t, "s", "");
	expect_log("");
	assert_int_equal(state_of(t, "a"), DP_FOREIGN);
}

static void two_scopes_share_equal_wishes_and_queue_different_ones(void **state)
{
	struct test *t = *state;
	struct dp_report problem;

	submit(t, "one", "a");
	submit(t, "two", "a");
	expect_log("+a ");
	submit(t, "one", "");
	expect_log("");
	submit(t, "three", "a=3");
	assert_true(dp_scope_problem(t->dp, "three", &problem));
	assert_string_equal(problem.why, "wanted differently by scope two");
	assert_false(dp_scope_problem(t->dp, "two", &problem));
	submit(t, "two", "");
	expect_log("~a ");
	assert_false(dp_scope_problem(t->dp, "three", &problem));
	assert_true(dp_scope_settled(t->dp, "three"));
}

static void the_scope_that_wants_it_differently_is_told_and_told_when_that_ends(void **state)
{
	struct test *t = *state;
	struct dp_counts counts;

	submit(t, "one", "a");
	t->reports[0] = '\0';
	submit(t, "two", "a=2");
	assert_string_equal(t->reports, "a:waiting:wanted differently by scope one ");
	dp_counts(t->dp, &counts);
	assert_int_equal(counts.waiting, 1);
	t->reports[0] = '\0';
	submit(t, "two", "a");
	assert_string_equal(t->reports, "a:created: ");
	dp_counts(t->dp, &counts);
	assert_int_equal(counts.waiting, 0);
}

static void what_settles_first_is_told_first(void **state)
{
	struct test *t = *state;

	t->reports[0] = '\0';
	submit(t, "s", "c>b b>a a");
	assert_string_equal(t->reports, "a:created: b:created: c:created: ");
}

static void patch_keeps_the_order_the_daemon_added(void **state)
{
	struct test *t = *state;
	struct dp_graph *g = dp_graph_new("s");
	struct thing a = thing("a"), other = thing("a=2");

	dp_want(g, &thing_type, &a);
	dp_after(g, &thing_type, "b");
	assert_int_equal(dp_submit(t->dp, g), 0);
	assert_int_equal(dp_patch(t->dp, "s", &thing_type, &other), 0);
	dp_run(t->dp);
	expect_why(t, "a", "needs thing b");
}

static void patch_changes_one_item_of_a_scope(void **state)
{
	struct test *t = *state;
	struct thing c = thing("c>a"), a = thing("a=4");

	submit(t, "s", "a b");
	world.log[0] = '\0';
	assert_int_equal(dp_patch(t->dp, "s", &thing_type, &c), 0);
	assert_int_equal(dp_patch(t->dp, "s", &thing_type, &a), 0);
	dp_run(t->dp);
	expect_log("~a +c ");
	assert_int_equal(dp_unpatch(t->dp, "s", &thing_type, "b"), 0);
	assert_int_equal(dp_unpatch(t->dp, "s", &thing_type, "b"), -ENOENT);
	dp_run(t->dp);
	expect_log("-b ");
	submit(t, "s", "");
	expect_log("-c -a ");
}

static void after_is_an_order_the_daemon_adds(void **state)
{
	struct test *t = *state;
	struct dp_graph *g = dp_graph_new("s");
	struct thing a = thing("a"), b = thing("b");

	dp_want(g, &thing_type, &a);
	dp_after(g, &thing_type, "b");
	dp_want(g, &thing_type, &b);
	assert_int_equal(dp_submit(t->dp, g), 0);
	dp_run(t->dp);
	expect_log("+b +a ");
	submit(t, "s", "");
	expect_log("-a -b ");
}

static void submit_guarded(struct test *t, const char *guard)
{
	struct dp_graph *g = dp_graph_new("s");
	struct thing a = thing("a"), b = thing(guard);

	dp_want(g, &thing_type, &a);
	dp_first(g, &thing_type, "b");
	dp_want(g, &thing_type, &b);
	assert_int_equal(dp_submit(t->dp, g), 0);
	dp_run(t->dp);
}

static void guard_comes_first_goes_last_and_may_be_lost_in_between(void **state)
{
	struct test *t = *state;

	strcpy(world.fails, "b");
	submit_guarded(t, "b");
	expect_log("");
	expect_why(t, "a", "needs thing b");
	world.fails[0] = '\0';
	submit_guarded(t, "b=2");
	expect_log("-b +b +a "); /* what a failed create left goes first */
	world_drop("b");
	dp_gone(t->dp, &thing_type, "b");
	dp_run(t->dp);
	expect_log("+b ");
	submit_guarded(t, "b#7");
	expect_log("-b +b ");
	submit(t, "s", "");
	expect_log("-a -b ");
}

/* Started anew: the guard went meanwhile, what it guards did not. */
static void lost_guard_is_mended_beside_what_an_earlier_run_made(void **state)
{
	struct test *t = *state;

	submit_guarded(t, "b");
	expect_log("+b +a ");
	dp_free(t->dp);
	world_drop("b");
	start(t);
	assert_int_equal(dp_adopt(t->dp), 0);
	submit_guarded(t, "b");
	expect_log("+b ");
	expect_idle(t);
}

static void same_key_wanted_twice_in_one_graph_is_an_error(void **state)
{
	struct test *t = *state;
	struct dp_graph *g = dp_graph_new("s");
	struct thing a = thing("a=1"), other = thing("a=2");

	dp_want(g, &thing_type, &a);
	dp_want(g, &thing_type, &other);
	assert_int_equal(dp_submit(t->dp, g), -EEXIST);
	dp_run(t->dp);
	expect_log("");
}

struct seen {
	char text[256];
};

static void watched(const char *key, const void *was, const void *now, void *arg)
{
	struct seen *s = arg;
	size_t len = strlen(s->text);

	snprintf(s->text + len, sizeof(s->text) - len, "%s%s%s ", key, was ? "" : "+",
		 now ? "" : "-");
}

static void watch_tells_appearance_change_and_disappearance(void **state)
{
	struct test *t = *state;
	struct seen seen = { "" };

	assert_int_equal(dp_watch(t->dp, &thing_type, watched, &seen), 0);
	put("x", true);
	thing_type.observe(t->dp);
	submit(t, "s", "a");
	put("x=2", true);
	thing_type.observe(t->dp);
	dp_run(t->dp);
	dp_gone(t->dp, &thing_type, "x");
	dp_run(t->dp);
	assert_string_equal(seen.text, "x+ a+ x x- ");
}

static void long_chain_does_not_overflow_the_stack(void **state)
{
	struct test *t = *state;
	struct dp_graph *g = dp_graph_new("s");
	FILE *out = fopen("/dev/null", "w");

	/* All waiting for the one that is missing; nothing of it may recurse. */
	for (int i = 0; i < 100000; i++) {
		struct thing one = { .value = 1 };

		snprintf(one.name, sizeof(one.name), "n%d", i);
		snprintf(one.needs[0].name, sizeof(one.needs[0].name), "n%d", i + 1);
		dp_want(g, &thing_type, &one);
	}
	assert_int_equal(dp_submit(t->dp, g), 0);
	dp_run(t->dp);
	assert_int_equal(dp_dot(t->dp, out), 0);
	assert_int_equal(dp_json(t->dp, out), 0);
	assert_int_equal(dp_text(t->dp, out), 0);
	fclose(out);
	submit(t, "s", "");
	expect_idle(t);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(creates_in_order_and_removes_in_reverse),
		TEST(look_decides_and_does_nothing),
		TEST(second_submit_does_nothing),
		TEST(modifies_what_can_be_and_recreates_the_rest_with_its_users),
		TEST(follower_is_recreated_when_what_it_follows_is_modified),
		TEST(what_falls_with_another_needs_no_removal),
		TEST(waits_for_a_need_and_says_so),
		TEST(foreign_need_that_goes_takes_its_user),
		TEST(need_that_stops_to_be_as_required_removes_its_user),
		TEST(failure_keeps_the_worlds_words_and_is_retried_later_and_later),
		TEST(new_wish_is_tried_at_once),
		TEST(late_answer_holds_only_those_that_need_it),
		TEST(unwanted_operation_is_cancelled),
		TEST(operation_that_never_ends_times_out),
		TEST(drift_is_repaired_at_once_and_told_once),
		TEST(restart_adopts_mends_and_sweeps_late),
		TEST(foreign_object_is_never_touched),
		TEST(two_scopes_share_equal_wishes_and_queue_different_ones),
		TEST(the_scope_that_wants_it_differently_is_told_and_told_when_that_ends),
		TEST(what_settles_first_is_told_first),
		TEST(patch_keeps_the_order_the_daemon_added),
		TEST(patch_changes_one_item_of_a_scope),
		TEST(after_is_an_order_the_daemon_adds),
		TEST(guard_comes_first_goes_last_and_may_be_lost_in_between),
		TEST(lost_guard_is_mended_beside_what_an_earlier_run_made),
		TEST(same_key_wanted_twice_in_one_graph_is_an_error),
		TEST(watch_tells_appearance_change_and_disappearance),
		TEST(long_chain_does_not_overflow_the_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
