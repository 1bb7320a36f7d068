/* SPDX-License-Identifier: Apache-2.0 */
/* When a gateway is asked, and when it is silent: simulated time in, judgement out. */
#include "tests/unit/golden.h"

#include "nim/gateway/beat.h"

#define MS 1000000ULL

static const struct beat_pace pace = {
	.interval_ms = 200, .retry_ms = 1000, .look_ms = 50, .misses = 3
};

static struct mono at(uint64_t ms)
{
	return (struct mono){ 1 + ms * MS };
}

/* ---- A line without delay ---- */

/* Steps it until `until`, a gateway answering at once before `dies`. When it is found silent, or 0. */
static uint64_t run(struct beat *b, const struct beat_pace *p, uint64_t dies, uint64_t until,
		    unsigned int *ret_questions)
{
	bool answer = false;

	*ret_questions = 0;
	for (uint64_t ms = 0; ms < until; ms++) {
		if (answer && at(ms).ns >= b->due.ns)
			beat_heard(b, p, at(ms));
		if (!beat_step(b, p, at(ms)))
			continue;
		if (b->silent)
			return ms;
		(*ret_questions)++;
		answer = ms < dies;
	}
	return 0;
}

static void a_gateway_that_answers_is_asked_once_an_interval(void **state)
{
	struct beat b = { 0 };
	unsigned int questions;

	(void)state;
	assert_int_equal(run(&b, &pace, UINT64_MAX, 10000, &questions), 0);
	assert_int_equal(questions, 50);
	assert_true(b.heard);
}

static void silence_is_found_after_three_questions(void **state)
{
	(void)state;
	for (uint64_t dies = 1000; dies < 1400; dies += 7) {
		struct beat b = { 0 };
		unsigned int questions;
		uint64_t found = run(&b, &pace, dies, 5000, &questions);

		assert_in_range(found - dies, 600, 800);
	}
}

static void with_10_ms_silence_is_found_within_40(void **state)
{
	const struct beat_pace quick = {
		.interval_ms = 10, .retry_ms = 1000, .look_ms = 10, .misses = 3
	};

	(void)state;
	for (uint64_t dies = 1000; dies < 1020; dies++) {
		struct beat b = { 0 };
		unsigned int questions;
		uint64_t found = run(&b, &quick, dies, 5000, &questions);

		assert_in_range(found - dies, 30, 40);
	}
}

static void who_never_answered_is_never_silent_and_asked_ever_more_rarely(void **state)
{
	struct beat b = { 0 };
	unsigned int questions;

	(void)state;
	assert_int_equal(run(&b, &pace, 0, 600000, &questions), 0);
	assert_false(b.silent);
	assert_in_range(questions, 60, 70);
}

/* ---- Lines that are late and lose ---- */

#define FLIGHT 64

struct line { /* what a question meets on its way, for so long */
	unsigned int for_ms, loss_percent, least_ms, most_ms;
};

struct trip {
	struct beat beat;
	uint64_t now_ms;
	uint64_t flight[FLIGHT]; /* when answers arrive; 0: free */
	uint32_t dice;
	unsigned int verdicts, questions;
};

static uint32_t roll(struct trip *t, uint32_t n)
{
	t->dice = t->dice * 1664525 + 1013904223; /* Numerical Recipes' */
	return (t->dice >> 16) % n;
}

static void depart(struct trip *t, const struct line *line)
{
	t->questions++;
	if (roll(t, 100) < line->loss_percent)
		return;
	for (unsigned int i = 0; i < FLIGHT; i++)
		if (!t->flight[i]) {
			t->flight[i] = t->now_ms + line->least_ms +
				       roll(t, line->most_ms - line->least_ms + 1);
			return;
		}
	fail_msg("too many questions are out");
}

static bool arrive(struct trip *t)
{
	bool any = false;

	for (unsigned int i = 0; i < FLIGHT; i++)
		if (t->flight[i] && t->flight[i] <= t->now_ms) {
			t->flight[i] = 0;
			any = true;
		}
	return any;
}

/* Returns when it was first found silent, from then on, or 0. */
static uint64_t travel(struct trip *t, const struct beat_pace *p, const struct line *line)
{
	uint64_t begin = t->now_ms, first = 0;

	for (; t->now_ms < begin + line->for_ms; t->now_ms++) {
		bool was_silent = t->beat.silent;

		if (at(t->now_ms).ns < t->beat.due.ns)
			continue;
		if (arrive(t))
			beat_heard(&t->beat, p, at(t->now_ms));
		was_silent = was_silent && t->beat.silent;
		if (beat_step(&t->beat, p, at(t->now_ms)))
			depart(t, line);
		t->verdicts += t->beat.silent && !was_silent;
		if (t->beat.silent && !was_silent && !first)
			first = t->now_ms - begin;
	}
	return first;
}

static const struct line lan = { .for_ms = 20000, .least_ms = 1, .most_ms = 1 };
static const struct line dead = { .for_ms = 10000, .loss_percent = 100, .most_ms = 1 };

/* EVE: IntermittentConnectivity, by its figures: 20 % loss, 500 ± 300 ms. */
static void IntermittentConnectivity(void **state)
{
	static const struct line lines[] = {
		{ .for_ms = 1800000, .loss_percent = 20, .least_ms = 1, .most_ms = 1 },
		{ .for_ms = 1800000, .least_ms = 200, .most_ms = 800 },
		{ .for_ms = 1800000, .loss_percent = 20, .least_ms = 200, .most_ms = 800 },
		{ .for_ms = 1800000, .least_ms = 700, .most_ms = 700 },
		{ .for_ms = 1800000, .loss_percent = 5, .least_ms = 100, .most_ms = 400 },
		{ .for_ms = 1800000, .least_ms = 10, .most_ms = 1500 },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(lines); i++) {
		struct trip t = { .dice = i };

		assert_int_equal(travel(&t, &pace, &lan), 0);
		travel(&t, &pace, &lines[i]);
		if (t.verdicts > 1) /* the first time nothing tells it from a gateway that died */
			fail_msg("line %u: found silent %u times", i, t.verdicts);
	}
}

static void a_line_that_is_fast_again_is_judged_as_fast_as_before(void **state)
{
	static const struct line slow = { .for_ms = 60000, .least_ms = 200, .most_ms = 800 };
	static const struct line lossy = {
		.for_ms = 60000, .loss_percent = 20, .least_ms = 1, .most_ms = 1
	};

	(void)state;
	for (unsigned int i = 0; i < 50; i++) {
		struct trip t = { .dice = i };

		travel(&t, &pace, &lan);
		travel(&t, &pace, i % 2 ? &slow : &lossy);
		travel(&t, &pace, &lan);
		t.now_ms += 7 * i;
		assert_in_range(travel(&t, &pace, &dead), 400, 800);
	}
}

static void what_is_learned_outlives_a_rest(void **state)
{
	static const struct line far = { .for_ms = 60000, .least_ms = 500, .most_ms = 500 };
	struct trip t = { 0 };
	uint32_t patience_ms;

	(void)state;
	travel(&t, &pace, &far);
	patience_ms = beat_patience_ms(&t.beat, &pace);
	assert_in_range(patience_ms, 1100, 2500);
	beat_rest(&t.beat);
	assert_int_equal(beat_patience_ms(&t.beat, &pace), patience_ms);
	assert_true(t.beat.heard);
}

static void an_outage_is_no_delay(void **state)
{
	static const struct line moment = { .for_ms = 1, .least_ms = 1, .most_ms = 1 };

	(void)state;
	for (unsigned int ms = 700; ms < 6000; ms += 100) {
		const struct line out = { .for_ms = ms, .loss_percent = 100, .most_ms = 1 };
		struct trip t = { 0 };

		travel(&t, &pace, &lan);
		assert_int_not_equal(travel(&t, &pace, &out), 0);
		while (t.beat.silent)
			travel(&t, &pace, &moment);
		assert_int_equal(beat_patience_ms(&t.beat, &pace), 600);
	}
}

static void a_slow_line_is_judged_by_its_own_measure(void **state)
{
	static const struct line far = { .for_ms = 60000, .least_ms = 250, .most_ms = 300 };

	(void)state;
	for (unsigned int i = 0; i < 50; i++) {
		struct trip t = { .dice = i };

		assert_int_equal(travel(&t, &pace, &far), 0);
		t.now_ms += 7 * i;
		assert_in_range(travel(&t, &pace, &dead), 600, 1700);
	}
}

static void a_slow_line_is_asked_no_more_often_than_it_answers(void **state)
{
	static const struct line far = { .for_ms = 60000, .least_ms = 1000, .most_ms = 1000 };
	struct trip t = { 0 };

	(void)state;
	travel(&t, &pace, &lan);
	travel(&t, &pace, &far); /* it takes that to be learned */
	t.questions = t.verdicts = 0;
	travel(&t, &pace, &far);
	assert_int_equal(t.verdicts, 0);
	assert_in_range(t.questions, 40, 300);
}

/* Who held himself up has no slow line. */
static void what_we_read_late_is_not_late(void **state)
{
	struct beat b = { 0 };

	(void)state;
	for (uint64_t ms = 0; ms < 10000; ms += 1500) {
		if (ms)
			beat_heard(&b, &pace, at(ms));
		assert_true(beat_step(&b, &pace, at(ms)));
	}
	assert_int_equal(beat_patience_ms(&b, &pace), 600);
}

static void the_kernels_doubt_is_decided_by_one_question(void **state)
{
	struct beat b = { 0 };

	(void)state;
	beat_doubt(&b, &pace, at(500));
	assert_true(beat_step(&b, &pace, at(500)));
	assert_false(b.silent);
	assert_false(beat_step(&b, &pace, at(699)));
	assert_true(beat_step(&b, &pace, at(700)));
	assert_true(b.silent);
	assert_false(beat_step(&b, &pace, at(1699))); /* then once a retry time */
	assert_true(beat_heard(&b, &pace, at(1700)));
	assert_false(b.silent || b.doubted);
}

static void the_kernels_doubt_ends_with_an_answer(void **state)
{
	struct beat b = { .heard = true };

	(void)state;
	beat_doubt(&b, &pace, at(500));
	assert_true(beat_step(&b, &pace, at(500)));
	assert_false(beat_heard(&b, &pace, at(600)));
	assert_true(beat_step(&b, &pace, at(700)));
	assert_false(b.silent || b.doubted);
}

static void who_was_held_up_himself_blames_nobody(void **state)
{
	struct beat b = { 0 };

	(void)state;
	assert_true(beat_step(&b, &pace, at(0)));
	beat_heard(&b, &pace, at(100));
	assert_true(beat_step(&b, &pace, at(200)));
	assert_true(beat_step(&b, &pace, at(5000))); /* one question went out, one is missed */
	assert_int_equal(b.missed, 1);
	assert_false(b.silent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gateway_that_answers_is_asked_once_an_interval),
		cmocka_unit_test(silence_is_found_after_three_questions),
		cmocka_unit_test(with_10_ms_silence_is_found_within_40),
		cmocka_unit_test(who_never_answered_is_never_silent_and_asked_ever_more_rarely),
		cmocka_unit_test(IntermittentConnectivity),
		cmocka_unit_test(a_line_that_is_fast_again_is_judged_as_fast_as_before),
		cmocka_unit_test(what_is_learned_outlives_a_rest),
		cmocka_unit_test(an_outage_is_no_delay),
		cmocka_unit_test(a_slow_line_is_judged_by_its_own_measure),
		cmocka_unit_test(a_slow_line_is_asked_no_more_often_than_it_answers),
		cmocka_unit_test(what_we_read_late_is_not_late),
		cmocka_unit_test(the_kernels_doubt_is_decided_by_one_question),
		cmocka_unit_test(the_kernels_doubt_ends_with_an_answer),
		cmocka_unit_test(who_was_held_up_himself_blames_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
