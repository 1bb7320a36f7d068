/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A random life of the bus: one publisher, six subscribers on loops of their own (so that each
 * stalls as chance has it), changes small and large, deletes, restarts of the publisher and of
 * subscribers. At the end of each life every subscriber's table equals the publisher's, and on the
 * way each was told nothing that contradicts what it was told before.
 */
#include "tests/unit/ps_harness.h"

#define LIVES 25
#define STEPS 400
#define SUBS 6
#define KEYS 40
#define LARGE 300000

struct mirror { /* what one subscriber was told */
	struct node node;
	struct ps *ps;
	struct ps_sub *sub;
	bool synced, sound; /* sound: no contradiction */
	char *value[KEYS];
};

struct world {
	struct node *node;
	struct ps *ps;
	struct ps_pub *pub;
	char *value[KEYS];
	struct mirror mirrors[SUBS];
	unsigned int seed;
};

static unsigned int roll(struct world *w, unsigned int n)
{
	return (unsigned int)rand_r(&w->seed) % n;
}

static void mirror_changed(const char *key, const ProtobufCMessage *was,
			   const ProtobufCMessage *now, void *arg)
{
	const Ew__ConfigStatus *before = (const Ew__ConfigStatus *)was;
	const Ew__ConfigStatus *after = (const Ew__ConfigStatus *)now;
	struct mirror *m = arg;
	int i = atoi(key);

	if (!before != !m->value[i] || (before && strcmp(before->version, m->value[i]) != 0))
		m->sound = false;
	if (after && before && strcmp(after->version, before->version) == 0)
		m->sound = false; /* nothing had changed */
	free(m->value[i]);
	m->value[i] = after ? xstrdup(after->version) : NULL;
}

static void mirror_synced(void *arg)
{
	struct mirror *m = arg;

	m->sound = m->sound && !m->synced;
	m->synced = true;
}

static void mirror_lost(void *arg)
{
	((struct mirror *)arg)->synced = false;
}

static const struct ps_sub_ops mirror_ops = {
	.changed = mirror_changed,
	.synced = mirror_synced,
	.lost = mirror_lost,
};

static void mirror_stop(struct mirror *m)
{
	m->ps = ps_free(m->ps);
	event_free(m->node.deadline);
	event_base_free(m->node.base);
	for (int i = 0; i < KEYS; i++) {
		free(m->value[i]);
		m->value[i] = NULL;
	}
}

static void mirror_start(struct world *w, struct mirror *m)
{
	strcpy(m->node.dir, w->node->dir);
	node_loop(&m->node);
	m->synced = false;
	m->sound = true;
	m->ps = node_connect(&m->node, "reader");
	assert_int_equal(ps_subscribe(m->ps, &t_table, &mirror_ops, m, &m->sub), 0);
}

/* A new run of the publisher: it fills the table again, some of it later, and says synced. */
static void publisher_start(struct world *w)
{
	w->ps = node_connect(w->node, "tester");
	assert_int_equal(ps_advertise(w->ps, &t_table, NULL, &w->pub), 0);
	for (int i = 0; i < KEYS; i++) {
		char key[8];

		snprintf(key, sizeof(key), "%d", i);
		if (w->value[i])
			assert_int_equal(publish(w->pub, key, w->value[i]), 0);
		if (roll(w, 10) == 0)
			event_base_loop(w->node->base, EVLOOP_NONBLOCK);
	}
}

static void change(struct world *w)
{
	unsigned int i = roll(w, KEYS);
	size_t len = roll(w, 20) ? roll(w, 200) : roll(w, LARGE);
	char key[8];

	snprintf(key, sizeof(key), "%u", i);
	free(w->value[i]);
	w->value[i] = NULL;
	if (roll(w, 4) == 0) {
		assert_int_equal(ps_unpublish(w->pub, key), 0);
		return;
	}
	w->value[i] = xcalloc(1, len + 1);
	memset(w->value[i], 'a' + (int)roll(w, 3), len);
	assert_int_equal(publish(w->pub, key, w->value[i]), 0);
}

static void step(struct world *w)
{
	struct mirror *m = &w->mirrors[roll(w, SUBS)];
	unsigned int what = roll(w, 100);

	if (what < 50) {
		for (unsigned int n = roll(w, 30); n; n--)
			change(w);
	} else if (what < 70)
		event_base_loop(m->node.base, EVLOOP_NONBLOCK);
	else if (what < 90)
		event_base_loop(w->node->base, EVLOOP_NONBLOCK);
	else if (what < 95)
		ps_publish_synced(w->pub);
	else if (what < 97) {
		mirror_stop(m);
		mirror_start(w, m);
	} else if (what < 98) {
		ps_free(w->ps);
		publisher_start(w);
	}
}

static bool all_equal(const struct world *w)
{
	for (int s = 0; s < SUBS; s++) {
		const struct mirror *m = &w->mirrors[s];

		if (!m->synced)
			return false;
		for (int i = 0; i < KEYS; i++) {
			if (!m->value[i] != !w->value[i] ||
			    (m->value[i] && strcmp(m->value[i], w->value[i]) != 0))
				return false;
		}
	}
	return true;
}

static void life(struct node *n, unsigned int seed)
{
	struct world w = { .node = n, .seed = seed };

	publisher_start(&w);
	for (int i = 0; i < SUBS; i++)
		mirror_start(&w, &w.mirrors[i]);
	for (int i = 0; i < STEPS; i++)
		step(&w);
	ps_publish_synced(w.pub);
	while (!all_equal(&w)) {
		event_base_loop(n->base, EVLOOP_NONBLOCK);
		for (int i = 0; i < SUBS; i++)
			event_base_loop(w.mirrors[i].node.base, EVLOOP_NONBLOCK);
		if (n->late)
			fail_msg("life %u does not end with equal tables", seed);
	}
	for (int i = 0; i < SUBS; i++) {
		assert_true(w.mirrors[i].sound);
		mirror_stop(&w.mirrors[i]);
	}
	for (int i = 0; i < KEYS; i++)
		free(w.value[i]);
	ps_free(w.ps);
}

static void random_lives_end_with_equal_tables(void **state)
{
	for (unsigned int seed = 1; seed <= LIVES; seed++)
		life(*state, seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_lives_end_with_equal_tables, node_setup,
						node_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
