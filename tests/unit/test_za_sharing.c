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

/* "1-3": the instances that share */
static void sharing_is(const char *items, const char *want)
{
	_cleanup_(freep) char *text = config_with(items);
	_cleanup_(za_config_freep) struct za_config *config = za_test_parse(text);
	char have[4] = "";

	assert_int_equal(config->n_instances, 3);
	for (unsigned int i = 0; i < 3; i++)
		have[i] = "-1"[config->instances[i]->share_equal_cost];
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

static void drains_are(const char *items, unsigned int first, unsigned int second)
{
	_cleanup_(freep) char *text = config_with(items);
	_cleanup_(za_config_freep) struct za_config *config = za_test_parse(text);

	assert_int_equal(config->instances[0]->drain_s, first);
	assert_int_equal(config->instances[1]->drain_s, second);
}

static void dearer_ports_drain_in_ten_seconds_unless_told_otherwise(void **state)
{
	(void)state;
	drains_are("", 10, 10);
	drains_are(ITEM("uplink.drain", "1"), 1, 10);
	drains_are(ITEM("lan.east.drain", "Never") "," ITEM("uplink.drain", "86400"), 86400, 0);
	drains_are(ITEM("uplink.drain", "3") "," ITEM("uplink.sharing", "on"), 3, 10);
}

static void wrong_items_are_refused_with_their_place(void **state)
{
	(void)state;
	refused(ITEM("uplink.sharing", "yes"), "/configItems/0/value", "expected on or off");
	refused(ITEM("uplink.sharing", ""), "/configItems/0/value", "expected on or off");
	refused(ITEM("uplink.drain", "0"), "/configItems/0/value",
		"expected never, or 1 to 86400 seconds");
	refused(ITEM("uplink.drain", "86401"), "/configItems/0/value",
		"expected never, or 1 to 86400 seconds");
	refused(ITEM("uplink.drain", "on"), "/configItems/0/value",
		"expected never, or 1 to 86400 seconds");
	refused(ITEM("uplink.shared", "on"), "/configItems/0/key",
		"expected edgeway.label.LABEL.sharing or .drain");
	refused(ITEM(".sharing", "on"), "/configItems/0/key",
		"expected edgeway.label.LABEL.sharing or .drain");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_instances_of_the_label_share),
		cmocka_unit_test(dearer_ports_drain_in_ten_seconds_unless_told_otherwise),
		cmocka_unit_test(wrong_items_are_refused_with_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
