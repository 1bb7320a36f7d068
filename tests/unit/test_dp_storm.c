/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storms: batches, slow and synchronous operations, removals that go last, foreign objects, two
 * scopes on one item, notifications that come, come late or never; operations fail half-way, others
 * meddle, the engine is killed. The world refuses each wrong order at once; after the storm the end
 * is compared with a model, and wanting the same again must do nothing.
 */
#include "base/cleanup.h"
#include "tests/unit/dp_fake.h"

#define NAMES 28
#define SCOPES 6
#define ROUNDS 3000

struct wish_model {
	bool wanted;
	unsigned int since; /* order of arrival: the first owns the item */
	struct fake spec;
};

static struct storm {
	struct wish_model wish[NAMES][SCOPES];
	unsigned int clock;
	uint64_t number;
} storm;

static uint32_t kind_of(unsigned int i)
{
	static const uint8_t kinds[] = { FAKE_LINK, FAKE_THING, FAKE_SYNC,  FAKE_THING,
					 FAKE_SLOW, FAKE_LAST,	FAKE_ASIDE, FAKE_THING };

	return kinds[i % ARRAY_SIZE(kinds)];
}

static const char *name_of(unsigned int i)
{
	static char names[NAMES][8];

	snprintf(names[i], sizeof(names[i]), "n%u", i);
	return names[i];
}

static unsigned int number_of(const char *name)
{
	return (unsigned int)atoi(name + 1);
}

static struct fake_object *object(unsigned int i)
{
	return fake_object(kind_of(i), name_of(i));
}

static struct fake random_fake(unsigned int i)
{
	struct fake f = fake(kind_of(i), name_of(i));
	unsigned int n = fake_random(4), k, j;

	f.value = fake_random(3);
	f.hard = fake_random(5) == 0;
	f.up = fake_random(4) > 0;
	/* Only those with a lower number: no rings. */
	for (k = 0; k < n && i > 0; k++) {
		unsigned int need = fake_random(i);
		bool twice = false;

		for (j = 0; j < FAKE_NEEDS; j++)
			twice |= strcmp(f.needs[j].name, name_of(need)) == 0;
		if (!twice)
			f = fake_on(f, kind_of(need), name_of(need), fake_random(4),
				    fake_random(3) == 0);
	}
	return f;
}

static void submit(unsigned int scope)
{
	struct dp_graph *g;
	char name[16];
	unsigned int i;

	snprintf(name, sizeof(name), "scope%u", scope);
	g = dp_graph_new(name);
	for (i = 0; i < NAMES; i++)
		if (storm.wish[i][scope].wanted)
			dp_want(g, &fake_types[kind_of(i)], &storm.wish[i][scope].spec);
	assert_int_equal(dp_submit(world.dp, g), 0);
}

/* Mostly the item's own scope wants it, sometimes another one too, the same or differently. */
static void rethink(void)
{
	unsigned int i = fake_random(NAMES), scope = i % SCOPES;
	struct wish_model *w;

	if (kind_of(i) == FAKE_LINK)
		return;
	if (fake_random(8) == 0)
		scope = fake_random(SCOPES);
	w = &storm.wish[i][scope];
	if (!w->wanted)
		w->since = ++storm.clock;
	w->wanted = fake_random(4) > 0;
	w->spec = random_fake(i);
	if (fake_random(3) == 0 && storm.wish[i][i % SCOPES].wanted)
		w->spec = storm.wish[i][i % SCOPES].spec;
	if (fake_random(4) == 0 && w->wanted) {
		char name[16];

		snprintf(name, sizeof(name), "scope%u", scope);
		assert_int_equal(dp_patch(world.dp, name, &fake_types[kind_of(i)], &w->spec), 0);
	} else {
		submit(scope);
	}
}

static void resync(void)
{
	unsigned int k;

	for (k = 0; k < FAKE_KINDS; k++) {
		dp_resync_begin(world.dp, &fake_types[k]);
		fake_types[k].observe(world.dp);
		dp_resync_end(world.dp, &fake_types[k]);
	}
}

/* Somebody else makes, changes or removes something. */
static void meddle(void)
{
	unsigned int i = fake_random(NAMES);
	struct fake_object *o = object(i);
	bool told = fake_random(4) > 0;

	if (!o->exists) {
		const struct item *it = item_lookup(world.dp, &fake_types[kind_of(i)], name_of(i));

		/* Not in the middle of an operation, nor in place of one whose end was missed:
		 * nobody could tell whose it is. */
		if (it && item_present(it))
			return;
		if (kind_of(i) != FAKE_LINK && (kind_of(i) == FAKE_SLOW || fake_random(6)))
			return;
		o->spec = kind_of(i) == FAKE_LINK ? fake(FAKE_LINK, name_of(i)) : random_fake(i);
		memset(o->spec.needs, 0, sizeof(o->spec.needs));
		o->spec.up = fake_random(2);
		o->exists = true;
	} else if (fake_random(2)) {
		o->disturbed = true;
		o->spec.value = 77;
		o->spec.extra++;
		o->spec.up = !o->spec.up;
	} else {
		o->disturbed = true;
		fake_vanish(o, false);
	}
	if (told)
		fake_tell(kind_of(i), name_of(i));
	else
		resync();
}

static void kill_and_restart(void)
{
	unsigned int s;

	fake_kill();
	for (s = 0; s < SCOPES; s++)
		submit(s);
	/* Who came first is forgotten: the scopes came in this order. */
	storm.clock = 0;
	for (s = 0; s < SCOPES; s++)
		for (unsigned int i = 0; i < NAMES; i++)
			if (storm.wish[i][s].wanted)
				storm.wish[i][s].since = ++storm.clock;
	if (fake_random(2))
		dp_sweep(world.dp);
}

static void step(void)
{
	switch (fake_random(10)) {
	case 0:
		meddle();
		break;
	case 1:
	case 2:
		if (world.slow_count)
			fake_finish(fake_random(world.slow_count), fake_random(5) ? 0 : -EIO);
		break;
	case 3:
		world.now_ns += fake_random(3000) * UINT64_C(1000000);
		break;
	case 4:
		if (fake_random(10) == 0)
			kill_and_restart();
		else if (fake_random(4) == 0)
			resync();
		break;
	default:
		rethink();
	}
	if (fake_random(3))
		dp_test_tick(world.dp);
}

/* STORM=number tells one in full. */
static void story(void)
{
	if (world.quiet)
		return;
	printf("%s\n%s\n", strbuf_str(&world.log), strbuf_str(&world.reports));
	dp_json(world.dp, stdout);
	fflush(stdout);
}

static void calm_down(void)
{
	unsigned int n;

	world.fail_percent = 0;
	dp_sweep(world.dp);
	resync();
	for (n = 0; n < 1000; n++) {
		while (world.slow_count)
			fake_finish(0, 0);
		dp_test_tick(world.dp);
		if (dp_idle(world.dp) && !dp_test_deadline_ns(world.dp))
			return;
		world.now_ns += UINT64_C(60000000000);
	}
	story();
	fail_msg("storm %llu never comes to rest", (unsigned long long)storm.number);
}

static const struct fake *owner_wish(unsigned int i)
{
	const struct wish_model *first = NULL;
	unsigned int s;

	for (s = 0; s < SCOPES; s++) {
		const struct wish_model *w = &storm.wish[i][s];

		if (w->wanted && (!first || w->since < first->since))
			first = w;
	}
	return first ? &first->spec : NULL;
}

static bool is_foreign(unsigned int i)
{
	return object(i)->exists && !object(i)->ours;
}

/* May others rely on it? */
static bool should_serve(unsigned int i, bool up)
{
	const struct fake *w = owner_wish(i);
	unsigned int n;

	if (is_foreign(i))
		return (!w || fake_diff(&object(i)->spec, w) == DP_SAME) &&
		       (!up || object(i)->spec.up);
	if (!w || kind_of(i) == FAKE_LINK || (up && !w->up))
		return false;
	for (n = 0; n < FAKE_NEEDS; n++)
		if (w->needs[n].name[0] &&
		    !should_serve(number_of(w->needs[n].name), w->needs[n].up))
			return false;
	return true;
}

/* A predicate turned false, the type says it fell; that it did not is the type's business. */
static bool may_remain(const struct fake_object *o)
{
	unsigned int n;

	for (n = 0; n < FAKE_NEEDS; n++) {
		const struct fake_need *need = &o->spec.needs[n];

		if (need->name[0] && (need->flags & DP_FALLS_WITH) &&
		    owner_wish(number_of(o->spec.name)) && fake_exists(need->kind, need->name) &&
		    ((need->up && !fake_object(need->kind, need->name)->spec.up) ||
		     may_remain(fake_object(need->kind, need->name))))
			return true;
	}
	return false;
}

static void check_end(void)
{
	unsigned int i;

	story();

	for (i = 0; i < NAMES; i++) {
		const struct fake_object *o = object(i);
		bool should;

		if (is_foreign(i))
			continue;
		should = should_serve(i, false);
		if (o->exists != should && !(o->exists && may_remain(o)))
			fail_msg("storm %llu: %s should%s be there",
				 (unsigned long long)storm.number, name_of(i),
				 should ? "" : " not");
		if (should && fake_diff(&o->spec, owner_wish(i)) != DP_SAME)
			fail_msg("storm %llu: %s is not as wanted",
				 (unsigned long long)storm.number, name_of(i));
	}
}

static void check_quiet(void)
{
	unsigned int before = world.operations, s;

	for (s = 0; s < SCOPES; s++)
		submit(s);
	dp_run(world.dp);
	resync();
	dp_run(world.dp);
	if (world.operations != before)
		fail_msg("storm %llu: not at rest", (unsigned long long)storm.number);
}

static void check_order(const char *when)
{
	if (world.violations) {
		story();
		fail_msg("storm %llu: order violated %s", (unsigned long long)storm.number, when);
	}
}

static void one_storm(uint64_t number)
{
	unsigned int steps, n;

	memset(&storm, 0, sizeof(storm));
	storm.number = number;
	fake_setup(NULL);
	world.seed = number * 7919 + 17;
	world.quiet = !getenv("STORM");
	world.tells = fake_random(2);
	world.half_made = fake_random(2);
	world.fail_percent = fake_random(3) * 15;
	steps = 10 + fake_random(90);
	if (fake_random(2))
		dp_sweep(world.dp);
	for (n = 0; n < steps; n++) {
		step();
		check_order("under way");
	}
	calm_down();
	check_order("at the end");
	check_end();
	check_quiet();
	/* Wanting nothing leaves nothing of ours. */
	memset(storm.wish, 0, sizeof(storm.wish));
	for (n = 0; n < SCOPES; n++)
		submit(n);
	calm_down();
	check_order("at the removal");
	check_end();
	fake_teardown(NULL);
}

static void storms_end_as_wanted(void **state)
{
	const char *one = getenv("STORM"), *many = getenv("STORMS");
	uint64_t n, rounds = many ? strtoull(many, NULL, 10) : ROUNDS;

	(void)state;
	if (one)
		one_storm(strtoull(one, NULL, 10));
	for (n = 0; !one && n < rounds; n++)
		one_storm(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(storms_end_as_wanted) };

	return cmocka_run_group_tests_name("dp_storm", tests, NULL, NULL);
}
