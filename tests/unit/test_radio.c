/* SPDX-License-Identifier: Apache-2.0 */
/* Radio silence: who has to acknowledge, what becomes of a request, what outlives a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "nim/radio/radio.h"
#include "radio.pb-c.h"

#define WWAN (1u << RADIO_WWAN)
#define WLAN (1u << RADIO_WLAN)
#define LIMIT_S 60

static struct mono at(unsigned int s)
{
	return (struct mono){ .ns = (1000 + (uint64_t)s) * 1000000000 };
}

static bool step(struct radio *r, unsigned int owners, unsigned int s)
{
	return radio_step(r, owners, at(s), LIMIT_S);
}

static void ask(struct radio *r, bool silence, unsigned int s)
{
	radio_request(r, silence, 1700000000000, at(s), LIMIT_S);
}

/* One device, as it was asked for unless it says why not. */
static void ack(struct radio *r, enum radio_owner owner, bool off, const char *error)
{
	Ew__RadioDevice device = EW__RADIO_DEVICE__INIT, *devices[] = { &device };
	Ew__RadioAck msg = EW__RADIO_ACK__INIT;

	device.name = (char *)"modem0";
	device.off = off;
	device.error = (char *)error;
	msg.change_requested_ms = r->requested_ms;
	msg.devices = devices;
	msg.n_devices = 1;
	radio_take_ack(r, owner, &msg);
}

static void without_radios_a_request_is_done_at_once(void **state)
{
	struct radio r = { 0 };

	(void)state;
	assert_false(step(&r, 0, 0));
	ask(&r, true, 0);
	assert_int_equal(r.state, RADIO_CHANGING);
	assert_true(step(&r, 0, 0));
	assert_true(r.state == RADIO_DONE && r.imposed);
	assert_int_equal(radio_due_ms(&r, at(0)), -1);
}

static void silence_is_imposed_when_all_have_acknowledged_it(void **state)
{
	struct radio r = { 0 };

	(void)state;
	ask(&r, true, 0);
	assert_true(step(&r, WWAN | WLAN, 0));
	assert_false(step(&r, WWAN | WLAN, 0));
	ack(&r, RADIO_WWAN, true, "");
	assert_true(step(&r, WWAN | WLAN, 1)); /* who is waited for is told, too */
	assert_true(r.state == RADIO_CHANGING && !r.imposed);
	assert_int_equal(radio_missing(&r, WWAN | WLAN), WLAN);
	ack(&r, RADIO_WLAN, true, "");
	assert_true(step(&r, WWAN | WLAN, 2));
	assert_true(r.state == RADIO_DONE && r.imposed);

	/* Until its end is acknowledged it is still imposed. */
	ask(&r, false, 3);
	step(&r, WWAN | WLAN, 3);
	assert_true(r.state == RADIO_CHANGING && r.imposed);
	ack(&r, RADIO_WWAN, false, "");
	ack(&r, RADIO_WLAN, false, "");
	assert_true(step(&r, WWAN | WLAN, 4));
	assert_true(r.state == RADIO_DONE && !r.imposed);
}

static void an_acknowledgement_of_an_earlier_request_does_not_count(void **state)
{
	struct radio r = { 0 };

	(void)state;
	ask(&r, true, 0);
	ack(&r, RADIO_WWAN, true, "");
	step(&r, WWAN, 0);
	ask(&r, false, 1); /* within the same millisecond: requests differ all the same */
	step(&r, WWAN, 1);
	ask(&r, true, 1);
	step(&r, WWAN, 1);
	assert_int_equal(r.state, RADIO_CHANGING);
	assert_int_equal(radio_missing(&r, WWAN), WWAN);
}

static void a_refusal_is_told_at_once_with_all_who_refuse(void **state)
{
	struct radio r = { 0 };

	(void)state;
	ask(&r, true, 0);
	ack(&r, RADIO_WWAN, false, "device busy");
	ack(&r, RADIO_WLAN, false, "");
	assert_true(step(&r, WWAN | WLAN, 0));
	assert_true(r.state == RADIO_FAILED && !r.imposed);
	assert_string_equal(r.error, "wwan: modem0: device busy; wlan: modem0 is still on");
	/* It changes its mind. */
	ack(&r, RADIO_WWAN, true, "");
	ack(&r, RADIO_WLAN, true, "");
	assert_true(step(&r, WWAN | WLAN, 1));
	assert_true(r.state == RADIO_DONE && r.imposed && !r.error[0]);
}

static void who_is_silent_is_named_when_time_is_up_and_may_be_late(void **state)
{
	struct radio r = { 0 };

	(void)state;
	ask(&r, true, 0);
	ack(&r, RADIO_WLAN, true, "");
	step(&r, WWAN | WLAN, 0);
	assert_in_range(radio_due_ms(&r, at(0)), 60000, 60001);
	assert_false(step(&r, WWAN | WLAN, 59));
	assert_true(step(&r, WWAN | WLAN, 60));
	assert_int_equal(r.state, RADIO_FAILED);
	assert_string_equal(r.error, "wwan has not acknowledged within 60 s");
	assert_false(step(&r, WWAN | WLAN, 500)); /* and it is not waited for again */
	assert_int_equal(radio_due_ms(&r, at(500)), -1);
	ack(&r, RADIO_WWAN, true, "");
	assert_true(step(&r, WWAN | WLAN, 501));
	assert_true(r.state == RADIO_DONE && r.imposed);
}

static void a_radio_that_is_configured_later_has_to_be_silent_too(void **state)
{
	struct radio r = { 0 };

	(void)state;
	ask(&r, true, 0);
	step(&r, 0, 0);
	assert_true(r.imposed);
	assert_true(step(&r, WWAN, 100));
	assert_true(r.state == RADIO_CHANGING && !r.imposed);
	assert_in_range(radio_due_ms(&r, at(100)), 60000, 60001);
	assert_true(step(&r, 0, 101)); /* it is gone again */
	assert_true(r.state == RADIO_DONE && r.imposed);
}

static void a_request_outlives_a_restart_and_is_acknowledged_anew(void **state)
{
	struct radio r = { 0 };

	(void)state;
	radio_restore(&r, true, 1700000000000, at(0), LIMIT_S);
	step(&r, WWAN, 0);
	assert_true(r.state == RADIO_CHANGING && r.requested);
	ack(&r, RADIO_WWAN, true, "");
	step(&r, WWAN, 1);
	assert_true(r.state == RADIO_DONE && r.imposed);
	/* Nothing was ever asked: nothing is waited for. */
	r = (struct radio){ 0 };
	radio_restore(&r, false, 0, at(0), LIMIT_S);
	assert_false(step(&r, WWAN, 0));
	assert_int_equal(r.state, RADIO_NEVER);
}

static void a_clock_that_is_set_back_makes_no_older_request(void **state)
{
	struct radio r = { 0 };

	(void)state;
	radio_request(&r, true, 1700000000000, at(0), LIMIT_S);
	radio_request(&r, false, 5000, at(1), LIMIT_S);
	assert_int_equal(r.requested_ms, 1700000000001);
}

static void owners_are_those_of_configured_wireless_ports(void **state)
{
	struct nim_config *config = xcalloc(1, sizeof(*config));
	struct radio r = { 0 };

	(void)state;
	config->nports = 2;
	assert_int_equal(radio_owners(config), 0);
	config->ports[1].wireless = NIM_WIRELESS_WIFI;
	assert_int_equal(radio_owners(config), WLAN);
	config->ports[0].wireless = NIM_WIRELESS_CELLULAR;
	assert_int_equal(radio_owners(config), WLAN | WWAN);
	assert_false(radio_silences(&r, &config->ports[0]));
	ask(&r, true, 0);
	assert_true(radio_silences(&r, &config->ports[0]));
	config->ports[0].wireless = NIM_WIRELESS_NONE;
	assert_false(radio_silences(&r, &config->ports[0]));
	free(config);
}

static void long_errors_are_cut_and_stay_text(void **state)
{
	char error[400];
	struct radio r = { 0 };

	(void)state;
	memset(error, 'x', sizeof(error) - 1);
	error[sizeof(error) - 1] = '\0';
	ask(&r, true, 0);
	ack(&r, RADIO_WWAN, false, error);
	ack(&r, RADIO_WLAN, false, error);
	step(&r, WWAN | WLAN, 0);
	assert_true(strlen(r.error) < sizeof(r.error));
	assert_memory_equal(r.error, "wwan: modem0: xxx", 17);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_radios_a_request_is_done_at_once),
		cmocka_unit_test(silence_is_imposed_when_all_have_acknowledged_it),
		cmocka_unit_test(an_acknowledgement_of_an_earlier_request_does_not_count),
		cmocka_unit_test(a_refusal_is_told_at_once_with_all_who_refuse),
		cmocka_unit_test(who_is_silent_is_named_when_time_is_up_and_may_be_late),
		cmocka_unit_test(a_radio_that_is_configured_later_has_to_be_silent_too),
		cmocka_unit_test(a_request_outlives_a_restart_and_is_acknowledged_anew),
		cmocka_unit_test(a_clock_that_is_set_back_makes_no_older_request),
		cmocka_unit_test(owners_are_those_of_configured_wireless_ports),
		cmocka_unit_test(long_errors_are_cut_and_stay_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
