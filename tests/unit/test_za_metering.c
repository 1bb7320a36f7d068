/* SPDX-License-Identifier: Apache-2.0 */
/* Metering in a device configuration: items by the label of a port, in any order. */
#include "tests/unit/golden.h"
#include "tests/unit/za_config.h"

#define ITEM(key, value) "{\"key\":\"edgeway.port." key "\",\"value\":\"" value "\"}"

/* A port with DHCP whose label has dots, and one for frames only. */
static char *config_with(const char *items)
{
	return xasprintf(
		"{\"deviceIoList\":[{\"ptype\":1,\"logicallabel\":\"eth0.lte\",\"phyaddrs\":"
		"{\"ifname\":\"eth0\"}},{\"ptype\":1,\"logicallabel\":\"raw\",\"phyaddrs\":"
		"{\"ifname\":\"eth1\"}}],\"networks\":[{\"id\":"
		"\"6f2d0a3e-52a4-4c1f-9a53-0d4f3c1b7a02\",\"type\":\"V4\",\"ip\":{\"dhcp\":"
		"\"Client\"}}],\"systemAdapterList\":[{\"name\":\"eth0.lte\",\"uplink\":true,"
		"\"networkUUID\":\"6f2d0a3e-52a4-4c1f-9a53-0d4f3c1b7a02\"},"
		"{\"name\":\"raw\"}],\"configItems\":[%s]}",
		items);
}

static void meter_is(const char *items, bool metered, uint64_t quota_bytes, uint32_t billing_day)
{
	_cleanup_(freep) char *text = config_with(items);
	_cleanup_(za_config_freep) struct za_config *config = za_test_parse(text);
	const Ew__PortMeterConfig *meter;

	assert_int_equal(config->n_meters, metered);
	if (!metered)
		return;
	meter = config->meters[0];
	assert_string_equal(meter->logicallabel, "eth0.lte");
	assert_int_equal(meter->quota_bytes, quota_bytes);
	assert_int_equal(meter->billing_day, billing_day);
}

static void refused(const char *items, const char *pointer, const char *why)
{
	_cleanup_(freep) char *text = config_with(items);

	za_test_refused(text, pointer, why);
}

static void a_port_without_items_is_not_metered(void **state)
{
	(void)state;
	meter_is("", false, 0, 0);
}

static void any_item_meters_its_port(void **state)
{
	(void)state;
	meter_is(ITEM("eth0.lte.metering", "on"), true, 0, 1);
	meter_is(ITEM("eth0.lte.billing.day", "28"), true, 0, 28);
	meter_is(ITEM("eth0.lte.quota.month.bytes", "5000000000"), true, 5000000000, 1);
	meter_is(ITEM("eth0.lte.quota.month.bytes", "1") "," ITEM("eth0.lte.billing.day", "7"),
		 true, 1, 7);
}

static void metering_off_overrules_the_others_in_any_order(void **state)
{
	(void)state;
	meter_is(ITEM("eth0.lte.metering", "off"), false, 0, 0);
	meter_is(ITEM("eth0.lte.metering", "OFF") "," ITEM("eth0.lte.billing.day", "7"), false, 0,
		 0);
	meter_is(ITEM("eth0.lte.quota.month.bytes", "9") "," ITEM("eth0.lte.metering", "off"),
		 false, 0, 0);
}

static void wrong_items_are_refused_with_their_place(void **state)
{
	(void)state;
	refused(ITEM("eth0.lte.metering", "yes"), "/configItems/0/value", "expected on or off");
	refused(ITEM("raw.metering", "on") "," ITEM("eth1.metering", "on"), "/configItems/1/key",
		"there is no port \"eth1\"");
	refused(ITEM("eth0.lte.quota", "1"), "/configItems/0/key",
		"expected edgeway.port.LABEL.metering, .quota.month.bytes, .billing.day, .heartbeat or .upstream");
	refused(ITEM(".metering", "on"), "/configItems/0/key",
		"expected edgeway.port.LABEL.metering, .quota.month.bytes, .billing.day, .heartbeat or .upstream");
	refused(ITEM("eth0.lte.billing.day", "0"), "/configItems/0/value", "expected 1 to 28");
	refused(ITEM("eth0.lte.billing.day", "29"), "/configItems/0/value", "expected 1 to 28");
	refused(ITEM("eth0.lte.quota.month.bytes", "5 GB"), "/configItems/0/value",
		"\"5 GB\" is no number");
	refused(ITEM("eth0.lte.quota.month.bytes", "-1"), "/configItems/0/value",
		"\"-1\" is no number");
	refused(ITEM("eth0.lte.quota.month.bytes", "0"), "/configItems/0/value",
		"expected 1 to 100000000000000000");
	refused(ITEM("eth0.lte.quota.month.bytes", "99999999999999999999"), "/configItems/0/value",
		"expected 1 to 100000000000000000");
	refused(ITEM("raw.quota.month.bytes", "1"), "/configItems/0/key",
		"\"raw\" has no addresses: a quota has no effect on it");
}

static void a_port_for_frames_only_may_be_counted(void **state)
{
	_cleanup_(za_config_freep) struct za_config *config = NULL;
	_cleanup_(freep) char *text = config_with(ITEM("raw.metering", "on"));
	struct pbjson_error err;

	(void)state;
	assert_int_equal(za_config_parse(text, strlen(text), &config, &err), 0);
	assert_int_equal(config->n_meters, 1);
	assert_string_equal(config->meters[0]->logicallabel, "raw");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_port_without_items_is_not_metered),
		cmocka_unit_test(any_item_meters_its_port),
		cmocka_unit_test(metering_off_overrules_the_others_in_any_order),
		cmocka_unit_test(wrong_items_are_refused_with_their_place),
		cmocka_unit_test(a_port_for_frames_only_may_be_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
