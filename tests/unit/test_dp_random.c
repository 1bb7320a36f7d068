/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random graphs in random scopes against a simple model: things fail, answer late, are changed
 * and removed by others, and the engine is killed and started again. The world refuses what comes
 * out of order at every step; when it calms down the end has to be exactly what is wanted, and
 * wanting it again has to do nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "dataplane/graph/engine.h"
#include "tests/unit/world.h"

#define NAMES 24
#define SCOPES 5
#define ROUNDS 600
#define STEPS 12

struct model {
	struct dp *dp;
	uint64_t now_ns;
	struct thing want[NAMES]; /* name "": unwanted; each name belongs to scope index % SCOPES */
};

static uint64_t clock_ns(void *arg)
{
	return ((struct model *)arg)->now_ns;
}

static void engine_start(struct model *m)
{
	const struct dp_conf conf = {
		.owner = "test", .netns_fd = -1, .types = thing_types, .backends = no_backends
	};

	assert_int_equal(dp_new(NULL, &conf, &m->dp), 0);
	dp_test_clock(m->dp, clock_ns, m);
	assert_int_equal(dp_adopt(m->dp), 0);
}

static void submit(struct model *m, unsigned int scope)
{
	struct dp_graph *g;
	char name[16];

	snprintf(name, sizeof(name), "scope%u", scope);
	g = dp_graph_new(name);
	for (unsigned int i = scope; i < NAMES; i += SCOPES)
		if (m->want[i].name[0])
			dp_want(g, &thing_type, &m->want[i]);
	assert_int_equal(dp_submit(m->dp, g), 0);
}

/* A thing needs only things of a lower number, so needs never form a ring. */
static void rethink(struct model *m, unsigned int i)
{
	struct thing *t = &m->want[i];
	unsigned int needs = world_random(4);

	memset(t, 0, sizeof(*t));
	if (world_random(4) == 0)
		return;
	snprintf(t->name, sizeof(t->name), "t%u", i);
	t->value = (int)world_random(3);
	t->shape = (int)world_random(2);
	for (unsigned int n = 0; i > 0 && n < needs; n++) {
		unsigned int need = world_random(i);
		bool twice = false;

		for (unsigned int k = 0; k < n; k++) {
			char name[16];

			snprintf(name, sizeof(name), "t%u", need);
			twice = twice || strcmp(t->needs[k].name, name) == 0;
		}
		if (twice)
			continue;
		snprintf(t->needs[n].name, sizeof(t->needs[n].name), "t%u", need);
		t->needs[n].flags = (uint8_t)(world_random(4));
		t->needs[n].positive = world_random(3) == 0;
	}
}

static void disturb(struct model *m)
{
	char name[16];
	struct thing *t;

	snprintf(name, sizeof(name), "t%u", world_random(NAMES));
	t = world_find(name);
	if (!t)
		return;
	if (world_random(2))
		t->value += 5;
	else
		world_drop(name);
	thing_type.observe(m->dp);
}

static void kill_and_restart(struct model *m)
{
	bool sweep = world_random(2);

	dp_free(m->dp);
	memset(world.late, 0, sizeof(world.late));
	world.lates = 0;
	engine_start(m);
	for (unsigned int s = 0; s < SCOPES; s++)
		submit(m, s);
	if (sweep)
		dp_sweep(m->dp);
}

static void step(struct model *m)
{
	unsigned int i = world_random(NAMES);

	switch (world_random(8)) {
	case 0:
		disturb(m);
		break;
	case 1:
		if (world.lates)
			world_answer(world_random(world.lates));
		break;
	case 2:
		m->now_ns += (uint64_t)world_random(3000) * 1000000;
		break;
	case 3:
		if (world_random(10) == 0)
			kill_and_restart(m);
		break;
	default:
		rethink(m, i);
		submit(m, i % SCOPES);
	}
	if (world_random(3))
		dp_test_tick(m->dp);
}

/* No more failures: let everything come to its end. */
static void calm_down(struct model *m)
{
	world.fail_percent = world.late_percent = 0;
	dp_sweep(m->dp);
	thing_type.observe(m->dp);
	for (unsigned int n = 0; n < 1000; n++) {
		while (world.lates)
			world_answer(0);
		dp_test_tick(m->dp);
		if (dp_idle(m->dp) && !dp_test_deadline_ns(m->dp))
			return;
		m->now_ns += 60ull * 1000000000;
	}
	fail_msg("never comes to rest");
}

static bool should_exist(const struct model *m, unsigned int i)
{
	const struct thing *t = &m->want[i];

	if (!t->name[0])
		return false;
	for (unsigned int n = 0; n < THING_NEEDS; n++) {
		unsigned int need = (unsigned int)atoi(t->needs[n].name + 1);

		if (!t->needs[n].name[0])
			continue;
		if (!should_exist(m, need) || (t->needs[n].positive && m->want[need].value <= 0))
			return false;
	}
	return true;
}

static void check_end(const struct model *m)
{
	for (unsigned int i = 0; i < NAMES; i++) {
		char name[16];
		const struct thing *t;

		snprintf(name, sizeof(name), "t%u", i);
		t = world_find(name);
		if ((t != NULL) != should_exist(m, i))
			fail_msg("%s should%s be there", name, t ? " not" : "");
		if (t && (t->value != m->want[i].value || t->shape != m->want[i].shape))
			fail_msg("%s is not as wanted", name);
	}
}

static void check_nothing_left_to_do(struct model *m)
{
	unsigned int before = world.creates + world.modifies + world.removes;

	for (unsigned int s = 0; s < SCOPES; s++)
		submit(m, s);
	dp_run(m->dp);
	assert_int_equal(world.creates + world.modifies + world.removes, before);
}

static void round_of(uint64_t seed)
{
	struct model m = { .now_ns = 1000000000 };

	world_reset(seed * 7919 + 1);
	engine_start(&m);
	dp_sweep(m.dp);
	world.fail_percent = world_random(3) * 10;
	world.late_percent = world_random(3) * 25;
	for (unsigned int n = 0; n < STEPS * (1 + world_random(8)); n++) {
		step(&m);
		if (world.broken[0])
			fail_msg("seed %llu: %s", (unsigned long long)seed, world.broken);
	}
	calm_down(&m);
	if (world.broken[0])
		fail_msg("seed %llu, at the end: %s", (unsigned long long)seed, world.broken);
	check_end(&m);
	check_nothing_left_to_do(&m);
	dp_free(m.dp);
}

static void random_worlds_end_as_wanted(void **state)
{
	const char *one = getenv("SEED");

	(void)state;
	if (one) {
		round_of(strtoull(one, NULL, 10));
		return;
	}
	for (uint64_t seed = 0; seed < ROUNDS; seed++) {
		round_of(seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_worlds_end_as_wanted) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
