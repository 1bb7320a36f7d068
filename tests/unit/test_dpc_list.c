/* SPDX-License-Identifier: Apache-2.0 */
/* The list of port configurations: order, what is in force, what is stored. */
#include "tests/unit/golden.h"

#include <errno.h>

#include "nim/dpc/dpc_list.h"
#include "tests/unit/za_mutate.h"

#define MANUAL EW__DPC_SOURCE__DPC_MANUAL
#define CONTROLLER EW__DPC_SOURCE__DPC_CONTROLLER
#define OVERRIDE EW__DPC_SOURCE__DPC_OVERRIDE
#define BOOTSTRAP EW__DPC_SOURCE__DPC_BOOTSTRAP
#define LAST_RESORT EW__DPC_SOURCE__DPC_LAST_RESORT

enum { USELESS, USABLE };

/* One port; its cost makes configurations differ. */
static Ew__DpcEntry *entry(const char *key, Ew__DpcSource source, int64_t time_ms, int usable,
			   uint32_t cost)
{
	Ew__DevicePortConfig config = EW__DEVICE_PORT_CONFIG__INIT;
	Ew__PortConfig port = EW__PORT_CONFIG__INIT;

	port.logicallabel = (char *)"wan";
	port.ifname = (char *)"eth0";
	port.is_mgmt = port.is_l3 = true;
	port.dhcp = usable ? EW__DHCP_MODE__DHCP_CLIENT : EW__DHCP_MODE__DHCP_NONE;
	port.cost = cost;
	config.timestamp_ms = time_ms;
	config.source = (char *)key;
	config.ports = (Ew__PortConfig *[]){ &port };
	config.n_ports = 1;
	return dpc_entry_new(key, source, time_ms, source == OVERRIDE ? "f.json" : "", &config);
}

static void expect(struct dpc_list *list, const char *order, const char *in_force)
{
	struct strbuf got = STRBUF_INIT;

	for (size_t i = 0; i < list->n; i++)
		strbuf_addf(&got, "%s%s", i ? " " : "", list->entries[i]->key);
	assert_string_equal(strbuf_str(&got), order);
	if (in_force)
		assert_string_equal(dpc_list_in_force(list)->key, in_force);
	strbuf_fini(&got);
}

static void put(struct dpc_list *list, const char *key, Ew__DpcSource source, int64_t time_ms)
{
	assert_int_equal(dpc_list_put(list, entry(key, source, time_ms, USABLE, 0)), 1);
}

static void the_later_time_priority_goes_above(void **state)
{
	struct dpc_list list = { 0 };

	(void)state;
	put(&list, "b", OVERRIDE, 20);
	put(&list, "a", OVERRIDE, 10);
	put(&list, "c", OVERRIDE, 30);
	put(&list, "b2", OVERRIDE, 20); /* who came first stays above */
	put(&list, "last", LAST_RESORT, 0);
	expect(&list, "c b b2 a last", "c");
	dpc_list_fini(&list);
}

static void the_controller_goes_above_all_when_it_comes(void **state)
{
	struct dpc_list list = { 0 };

	(void)state;
	put(&list, "override", OVERRIDE, 1000);
	put(&list, "manual", MANUAL, 5);
	put(&list, "zedagent", CONTROLLER, 10);
	expect(&list, "zedagent manual override", "zedagent");
	put(&list, "late", OVERRIDE, 11); /* but what comes later and is later goes above it */
	put(&list, "early", OVERRIDE, 9);
	expect(&list, "late zedagent early manual override", "late");
	dpc_list_fini(&list);
}

static void a_manual_one_goes_to_the_top_and_there_is_one(void **state)
{
	struct dpc_list list = { 0 };

	(void)state;
	put(&list, "zedagent", CONTROLLER, 10);
	put(&list, "manual", MANUAL, 1);
	expect(&list, "manual zedagent", "manual");
	assert_int_equal(dpc_list_put(&list, entry("manual", MANUAL, 2, USABLE, 7)), 1);
	expect(&list, "manual zedagent", "manual");
	dpc_list_fini(&list);
}

static void an_unusable_one_is_passed_over_but_never_a_manual_one(void **state)
{
	struct dpc_list list = { 0 };

	(void)state;
	put(&list, "zedagent", CONTROLLER, 10);
	dpc_list_put(&list, entry("useless", OVERRIDE, 20, USELESS, 0));
	expect(&list, "useless zedagent", "zedagent");
	assert_string_equal(list.entries[0]->error, "no management port that gets an address");
	dpc_list_put(&list, entry("manual", MANUAL, 1, USELESS, 0));
	expect(&list, "manual useless zedagent", "manual");
	dpc_list_fini(&list);
}

static void without_a_usable_one_the_first_is_in_force(void **state)
{
	struct dpc_list list = { 0 };

	(void)state;
	assert_null(dpc_list_in_force(&list));
	dpc_list_put(&list, entry("zedagent", CONTROLLER, 10, USELESS, 0));
	dpc_list_put(&list, entry("override", OVERRIDE, 5, USELESS, 0));
	expect(&list, "zedagent override", "zedagent");
	dpc_list_fini(&list);
}

static void the_same_again_changes_nothing(void **state)
{
	struct dpc_list list = { 0 };

	(void)state;
	put(&list, "a", OVERRIDE, 10);
	put(&list, "b", BOOTSTRAP, 20);
	assert_int_equal(dpc_list_put(&list, entry("a", OVERRIDE, 10, USABLE, 0)), 0);
	assert_int_equal(dpc_list_put(&list, entry("a", OVERRIDE, 30, USABLE, 0)), 1);
	expect(&list, "a b", "a"); /* a later time moves it */
	assert_int_equal(dpc_list_put(&list, entry("a", OVERRIDE, 30, USABLE, 5)), 1);
	expect(&list, "a b", "a"); /* other content at the same time: in place */
	assert_int_equal(list.entries[0]->config->ports[0]->cost, 5);
	dpc_list_fini(&list);
}

static void a_controller_that_repeats_its_ports_displaces_no_override(void **state)
{
	struct dpc_list list = { 0 };

	(void)state;
	put(&list, "zedagent", CONTROLLER, 10);
	put(&list, "override", OVERRIDE, 20);
	assert_int_equal(dpc_list_put(&list, entry("zedagent", CONTROLLER, 99, USABLE, 0)), 0);
	expect(&list, "override zedagent", "override");
	assert_int_equal(dpc_list_put(&list, entry("zedagent", CONTROLLER, 100, USABLE, 5)), 1);
	expect(&list, "zedagent override", "zedagent"); /* other ports do */
	dpc_list_fini(&list);
}

static void what_is_removed_lets_the_next_come_into_force(void **state)
{
	struct dpc_list list = { 0 };

	(void)state;
	put(&list, "zedagent", CONTROLLER, 10);
	put(&list, "override", OVERRIDE, 20);
	dpc_list_remove(&list, "nobody");
	dpc_list_remove(&list, "override");
	expect(&list, "zedagent", "zedagent");
	dpc_list_remove(&list, "zedagent");
	assert_null(dpc_list_in_force(&list));
}

static void a_full_list_takes_no_more_files(void **state)
{
	struct dpc_list list = { 0 };
	char key[8];

	(void)state;
	for (int i = 0; i < DPC_LIST_MAX; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		put(&list, key, OVERRIDE, i);
	}
	assert_int_equal(dpc_list_put(&list, entry("more", OVERRIDE, 99, USABLE, 0)), -ENOSPC);
	assert_int_equal(dpc_list_put(&list, entry("k3", OVERRIDE, 99, USABLE, 0)), 1);
	assert_int_equal(list.n, DPC_LIST_MAX);
	put(&list, "zedagent", CONTROLLER, 1); /* the controller finds room */
	assert_int_equal(list.n, DPC_LIST_MAX);
	assert_string_equal(list.entries[0]->key, "zedagent");
	assert_null(dpc_list_find(&list, "k0"));
	dpc_list_fini(&list);
}

/* The former one has worked: on a list with room it would be kept beside the new one. */
static void on_a_full_list_a_file_takes_the_place_of_its_former(void **state)
{
	struct dpc_list list = { 0 };
	Ew__DpcEntry *worked;
	char key[8];

	(void)state;
	for (int i = 0; i < DPC_LIST_MAX; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		put(&list, key, OVERRIDE, i);
	}
	worked = (Ew__DpcEntry *)dpc_list_find(&list, "k3");
	worked->last_succeeded_ms = 1;
	list.current = worked;
	assert_int_equal(dpc_list_put(&list, entry("k3", OVERRIDE, 3, USABLE, 7)), 1);
	assert_int_equal(list.n, DPC_LIST_MAX);
	assert_int_equal(dpc_list_find(&list, "k3")->config->ports[0]->cost, 7);
	for (size_t i = 0; i < list.n; i++)
		assert_null(strchr(list.entries[i]->key, '@'));
	assert_null(list.current);

	dpc_list_remove(&list, "k0"); /* now there is room */
	worked = (Ew__DpcEntry *)dpc_list_find(&list, "k3");
	worked->last_succeeded_ms = 1;
	list.current = worked;
	assert_int_equal(dpc_list_put(&list, entry("k3", OVERRIDE, 3, USABLE, 8)), 1);
	assert_int_equal(list.n, DPC_LIST_MAX);
	assert_true(dpc_entry_is_former(list.current, "k3"));
	dpc_list_fini(&list);
}

static char *stored(struct dpc_list *list)
{
	struct strbuf text = STRBUF_INIT;

	dpc_list_format(list, &text);
	return strbuf_take(&text);
}

static char *stored_three(void)
{
	struct dpc_list list = { 0 };
	char *text;

	put(&list, "zedagent", CONTROLLER, 1772600767000);
	put(&list, "override", OVERRIDE, 1772600768000);
	dpc_list_put(&list, entry("useless", OVERRIDE, 1772600769000, USELESS, 3));
	text = stored(&list);
	dpc_list_fini(&list);
	return text;
}

static void what_is_stored_comes_back_as_it_was(void **state)
{
	_cleanup_(freep) char *text = stored_three(), *again = NULL;
	struct dpc_list list = { 0 };
	struct pbjson_error err;

	(void)state;
	assert_int_equal(dpc_list_parse(text, strlen(text), &list, &err), 0);
	expect(&list, "useless override zedagent", "override");
	again = stored(&list);
	assert_string_equal(text, again);
	dpc_list_fini(&list);
}

/* An older nim may have known less; what the reader of a file has found is lost with the file. */
static void what_nim_had_found_wrong_is_judged_anew(void **state)
{
	static const char text[] =
		"{\"entries\":[{\"key\":\"a\",\"config\":{\"ports\":["
		"{\"logicallabel\":\"a\",\"ifname\":\"eth0\",\"isMgmt\":true,\"isL3\":true,"
		"\"dhcp\":\"DHCP_CLIENT\",\"error\":\"not known yet\",\"errorJudged\":true},"
		"{\"logicallabel\":\"b\",\"ifname\":\"eth1\",\"isL3\":true,"
		"\"error\":\"Type 9 is none\"},"
		"{\"logicallabel\":\"c\",\"ifname\":\"eth2\",\"isL3\":true,\"dhcp\":\"DHCP_"
		"STATIC\","
		"\"addresses\":[\"here\"]}]}}]}";
	struct dpc_list list = { 0 };
	struct pbjson_error err;
	Ew__PortConfig **ports;

	(void)state;
	assert_int_equal(dpc_list_parse(text, strlen(text), &list, &err), 0);
	ports = list.entries[0]->config->ports;
	assert_string_equal(list.entries[0]->error, "");
	assert_string_equal(ports[0]->error, "");
	assert_false(ports[0]->error_judged);
	assert_string_equal(ports[1]->error, "Type 9 is none");
	assert_false(ports[1]->error_judged);
	assert_string_equal(ports[2]->error, "bad address: here");
	assert_true(ports[2]->error_judged);
	dpc_list_fini(&list);
}

static void a_damaged_list_is_refused_whole(void **state)
{
	static const struct {
		const char *text, *pointer, *why;
	} rows[] = {
		{ "{\"entries\":[{\"key\":\"a\",\"config\":{}},{\"key\":\"a\",\"config\":{}}]}",
		  "/entries/1", "an entry without a key of its own" },
		{ "{\"entries\":[{\"config\":{}}]}", "/entries/0",
		  "an entry without a key of its own" },
		{ "{\"entries\":[{\"key\":\"a\"}]}", "/entries/0",
		  "an entry without a configuration" },
		{ "{\"entries\":[{\"key\":\"a\",\"colour\":1}]}", "/entries/0/colour",
		  "unknown field" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pbjson_error err = { "", "" };
		struct dpc_list list = { 0 };

		assert_int_equal(dpc_list_parse(rows[i].text, strlen(rows[i].text), &list, &err),
				 -EINVAL);
		assert_string_equal(err.pointer, rows[i].pointer);
		assert_string_equal(err.why, rows[i].why);
		assert_int_equal(list.n, 0);
	}
}

static void two_thousand_damaged_lists_are_read_or_refused(void **state)
{
	_cleanup_(freep) char *text = stored_three();
	struct strbuf damaged = STRBUF_INIT;

	(void)state;
	for (size_t n = 0; n < 2000; n++) {
		struct pbjson_error err = { "", "" };
		struct dpc_list list = { 0 };
		int r;

		za_mutate_json(text, n, &damaged);
		r = dpc_list_parse(damaged.str, damaged.len, &list, &err);
		assert_true(r == 0 || (err.why[0] && list.n == 0));
		dpc_list_fini(&list);
	}
	strbuf_fini(&damaged);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_later_time_priority_goes_above),
		cmocka_unit_test(the_controller_goes_above_all_when_it_comes),
		cmocka_unit_test(a_manual_one_goes_to_the_top_and_there_is_one),
		cmocka_unit_test(an_unusable_one_is_passed_over_but_never_a_manual_one),
		cmocka_unit_test(without_a_usable_one_the_first_is_in_force),
		cmocka_unit_test(the_same_again_changes_nothing),
		cmocka_unit_test(a_controller_that_repeats_its_ports_displaces_no_override),
		cmocka_unit_test(what_is_removed_lets_the_next_come_into_force),
		cmocka_unit_test(a_full_list_takes_no_more_files),
		cmocka_unit_test(on_a_full_list_a_file_takes_the_place_of_its_former),
		cmocka_unit_test(what_is_stored_comes_back_as_it_was),
		cmocka_unit_test(what_nim_had_found_wrong_is_judged_anew),
		cmocka_unit_test(a_damaged_list_is_refused_whole),
		cmocka_unit_test(two_thousand_damaged_lists_are_read_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
