/* SPDX-License-Identifier: Apache-2.0 */
/* Spreading flows over ports of equal cost in a device configuration: an item by label. */
#include "tests/unit/golden.h"
#include "tests/unit/za_config.h"

#define ITEM(key, value) "{\"key\":\"edgeway.label." key "\",\"value\":\"" value "\"}"
#define INSTANCE(n, port)                                                                          \
	"{\"uuidandversion\":{\"uuid\":\"6f2d0a3e-52a4-4c1f-9a53-0d4f3c1b7a0" n "\"},"             \
	"\"displayname\":\"ni" n "\",\"instType\":\"ZnetInstLocal\",\"activate\":true,"            \
	"\"port\":{\"name\":\"" port "\"},\"ipType\":\"IPV4\",\"ip\":{\"subnet\":\"10." n          \
	".0.0/24\"}}"

static char *config_with(const char *items)
{
	return xasprintf("{\"networkInstances\":[" INSTANCE("1", "uplink") "," INSTANCE(
				 "2", "lan.east") "," INSTANCE("3", "") "],\"configItems\":[%s]}",
			 items);
}

/* "1-3": the instances that share; "m" instead, those that leave dearer ports; "b": both */
static void sharing_is(const char *items, const char *want)
{
	_cleanup_(freep) char *text = config_with(items);
	_cleanup_(za_config_freep) struct za_config *config = za_test_parse(text);
	char have[4] = "";

	assert_int_equal(config->n_instances, 3);
	for (unsigned int i = 0; i < 3; i++)
		have[i] = "-1mb"[config->instances[i]->share_equal_cost +
				 2 * config->instances[i]->leave_dearer];
	have[3] = '\0';
	assert_string_equal(have, want);
	assert_string_equal(config->ignored, "");
}

static void refused(const char *items, const char *pointer, const char *why)
{
	_cleanup_(freep) char *text = config_with(items);

	za_test_refused(text, pointer, why);
}

static void only_instances_of_the_label_share(void **state)
{
	(void)state;
	sharing_is("", "---");
	sharing_is(ITEM("uplink.sharing", "on"), "1--");
	sharing_is(ITEM("lan.east.sharing", "ON"), "-1-");
	sharing_is(ITEM("uplink.sharing", "off") "," ITEM("lan.east.sharing", "on"), "-1-");
	sharing_is(ITEM("nobody.sharing", "on"), "---");
	sharing_is(ITEM("uplin.sharing", "on") "," ITEM("uplinks.sharing", "on"), "---");
}

static void only_flows_of_the_label_come_back(void **state)
{
	(void)state;
	sharing_is(ITEM("uplink.return", "move"), "m--");
	sharing_is(ITEM("lan.east.return", "Move") "," ITEM("uplink.return", "stay"), "-m-");
	sharing_is(ITEM("uplink.return", "move") "," ITEM("uplink.sharing", "on"), "b--");
}

static void wrong_items_are_refused_with_their_place(void **state)
{
	(void)state;
	refused(ITEM("uplink.sharing", "yes"), "/configItems/0/value", "expected on or off");
	refused(ITEM("uplink.sharing", ""), "/configItems/0/value", "expected on or off");
	refused(ITEM("uplink.return", "on"), "/configItems/0/value", "expected move or stay");
	refused(ITEM("uplink.shared", "on"), "/configItems/0/key",
		"expected edgeway.label.LABEL.sharing or .return");
	refused(ITEM(".sharing", "on"), "/configItems/0/key",
		"expected edgeway.label.LABEL.sharing or .return");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_instances_of_the_label_share),
		cmocka_unit_test(only_flows_of_the_label_come_back),
		cmocka_unit_test(wrong_items_are_refused_with_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
