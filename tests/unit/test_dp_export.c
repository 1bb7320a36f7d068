/* SPDX-License-Identifier: Apache-2.0 */
/* What people and tools see of the engine: plan, text, JSON, DOT. */
#include <jansson.h>

#include "base/cleanup.h"
#include "tests/unit/dp_fake.h"

static char *output(int (*fn)(const struct dp *dp, FILE *out))
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(fn(world.dp, out), 0);
	fclose(out);
	return text;
}

static void expect(int (*fn)(const struct dp *dp, FILE *out), const char *want)
{
	_cleanup_(freep) char *text = output(fn);

	assert_string_equal(text, want);
}

static struct fake valued(struct fake f, uint32_t value)
{
	f.value = value;
	return f;
}

static struct fake on(struct fake f, const char *need, unsigned int flags)
{
	return fake_on(f, FAKE_THING, need, flags, false);
}

static void submit(const char *scope, const struct fake *list)
{
	struct dp_graph *g = dp_graph_new(scope);

	for (; list->name[0]; list++)
		dp_want(g, &fake_types[list->kind], list);
	assert_int_equal(dp_submit(world.dp, g), 0);
}
#define want(scope, ...) submit(scope, (const struct fake[]){ __VA_ARGS__{ 0 } })

static struct fake thing(const char *name)
{
	return fake(FAKE_THING, name);
}

static void plan_tells_what_would_happen_before_it_happens(void **state)
{
	struct fake left = thing("left");

	(void)state;
	want("s", on(thing("c"), "b", 0), on(thing("b"), "a", 0), thing("a"),
	     on(thing("x"), "y", 0), );
	expect(dp_plan, "create   thing a value=0\n"
			"wait     thing x value=0 [needs thing y]\n"
			"create   thing b value=0\n"
			"create   thing c value=0\n");
	assert_string_equal(strbuf_str(&world.log), "");
	dp_run(world.dp);
	expect(dp_plan, "wait     thing x value=0 [needs thing y]\n");
	dp_observed(world.dp, &fake_types[FAKE_THING], &left, true);
	want("s", valued(thing("a"), 7), on(thing("n"), "x", 0), on(thing("x"), "y", 0), );
	dp_run(world.dp);
	expect(dp_plan, "remove   thing left value=0 [left over, wanted by nobody so far]\n"
			"wait     thing x value=0 [needs thing y]\n"
			"wait     thing n value=0 [needs thing x]\n");
}

static void plan_is_empty_when_all_is_as_wanted(void **state)
{
	(void)state;
	want("s", thing("a"), on(thing("b"), "a", 0), );
	dp_run(world.dp);
	expect(dp_plan, "");
	want("s", thing("a"), on(thing("b"), "a", 0), );
	expect(dp_plan, "");
}

static void plan_orders_removals_users_first(void **state)
{
	(void)state;
	want("s", thing("a"), on(thing("b"), "a", 0), on(thing("c"), "b", 0), );
	dp_run(world.dp);
	want("s", thing("z"), );
	expect(dp_plan, "remove   thing c value=0\n"
			"create   thing z value=0\n"
			"remove   thing b value=0\n"
			"remove   thing a value=0\n");
}

static void plan_tells_failures_and_disputes(void **state)
{
	(void)state;
	fake_object(FAKE_THING, "a")->fail = -EIO;
	fake_object(FAKE_THING, "a")->fail_times = -1;
	want("s", thing("a"), thing("b"), );
	want("t", valued(thing("b"), 2), );
	dp_run(world.dp);
	expect(dp_plan, "create   thing a value=0 [the world says no]\n"
			"wait     thing b value=2 [wanted differently by scope s]\n");
}

static void text_is_one_line_an_item(void **state)
{
	(void)state;
	want("s", on(thing("b"), "a", 0), on(thing("c"), "d", 0), thing("a"), );
	want("t", thing("a"), );
	dp_run(world.dp);
	expect(dp_text, "created   thing a value=0 scope=s,t\n"
			"created   thing b value=0 scope=s\n"
			"waiting   thing c value=0 scope=s why=\"needs thing d\"\n");
}

static void json_is_json_whatever_the_names_hold(void **state)
{
	_cleanup_(freep) char *text = NULL;
	json_t *root, *item;
	json_error_t err;

	(void)state;
	want("a \"quoted\" scope\\\n", on(thing("x\"\\\t"), "a", DP_FALLS_WITH), thing("a"), );
	dp_run(world.dp);
	text = output(dp_json);
	root = json_loads(text, 0, &err);
	assert_non_null(root);
	assert_int_equal(json_array_size(json_object_get(root, "items")), 2);
	item = json_array_get(json_object_get(root, "items"), 1);
	assert_string_equal(json_string_value(json_object_get(item, "key")), "x\"\\\t");
	assert_string_equal(json_string_value(json_object_get(item, "state")), "created");
	assert_string_equal(json_string_value(json_array_get(json_object_get(item, "scopes"), 0)),
			    "a \"quoted\" scope\\\n");
	item = json_array_get(json_object_get(item, "needs"), 0);
	assert_true(json_is_true(json_object_get(item, "met")));
	assert_true(json_is_true(json_object_get(item, "fallsWith")));
	json_decref(root);
}

/* The kernel takes any bytes for the name of an interface. */
static void json_is_utf8_whatever_the_names_hold(void **state)
{
	_cleanup_(freep) char *text = NULL;
	const char *key;
	json_t *root;

	(void)state;
	want("s", thing("eth\xff\xc3"), );
	dp_run(world.dp);
	text = output(dp_json);
	root = json_loads(text, 0, NULL);
	assert_non_null(root);
	key = json_string_value(
		json_object_get(json_array_get(json_object_get(root, "items"), 0), "key"));
	assert_string_equal(key, "eth\xef\xbf\xbd\xef\xbf\xbd"); /* U+FFFD for each bad byte */
	json_decref(root);
}

static void an_empty_engine_is_empty_json(void **state)
{
	(void)state;
	expect(dp_json, "{\"items\":[\n]}\n");
}

static void dot_draws_scopes_states_and_needs(void **state)
{
	(void)state;
	want("s", on(thing("b"), "a", DP_FALLS_WITH), on(thing("w"), "x\"", 0), thing("a"), );
	dp_run(world.dp);
	expect(dp_dot,
	       "digraph edgeway {\n"
	       "rankdir=RL;\n"
	       "node [shape=box,style=filled,fontname=sans,fontsize=10];\n"
	       "subgraph cluster_0 {\n"
	       "label=\"s\";\n"
	       "\"thing a\" [fillcolor=palegreen,label=\"thing\\na\",tooltip=\"want value=0\"];\n"
	       "\"thing b\" [fillcolor=palegreen,label=\"thing\\nb\",tooltip=\"want value=0\"];\n"
	       "\"thing w\" [fillcolor=khaki,style=\"filled,dashed\",label=\"thing\\nw\\nneeds "
	       "thing x\\\"\",tooltip=\"want value=0\"];\n"
	       "}\n"
	       "\"thing x\\\"\" [fillcolor=white,style=\"filled,dashed\",label=\"thing\\nx\\\"\","
	       "tooltip=\"\"];\n"
	       "\"thing b\" -> \"thing a\" [color=gray40,style=bold];\n"
	       "\"thing w\" -> \"thing x\\\"\" [color=red];\n"
	       "}\n");
}

static void graph_prints_sorted_for_golden_tests(void **state)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;
	struct dp_graph *g = dp_graph_new("s");
	struct fake a = thing("a"), b = thing("b");

	(void)state;
	dp_want(g, &fake_types[FAKE_THING], &b);
	dp_after(g, &fake_types[FAKE_THING], "a");
	dp_want(g, &fake_types[FAKE_THING], &a);
	dp_graph_print(g, &text);
	assert_string_equal(strbuf_str(&text), "thing a value=0\nthing b value=0 after=thing:a\n");
	dp_graph_free(g);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(plan_tells_what_would_happen_before_it_happens),
		TEST(plan_is_empty_when_all_is_as_wanted),
		TEST(plan_orders_removals_users_first),
		TEST(plan_tells_failures_and_disputes),
		TEST(text_is_one_line_an_item),
		TEST(json_is_json_whatever_the_names_hold),
		TEST(json_is_utf8_whatever_the_names_hold),
		TEST(an_empty_engine_is_empty_json),
		TEST(dot_draws_scopes_states_and_needs),
		TEST(graph_prints_sorted_for_golden_tests),
	};

	return cmocka_run_group_tests_name("dp_export", tests, NULL, NULL);
}
