/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/led.h"

#include <string.h>

#include "nim/dpc/dpc_bootstrap.h"

static bool bootstrap_is_refused(const Ew__DeviceNetworkStatus *status)
{
	for (size_t i = 0; i < status->n_dpc_refusals; i++)
		if (strcmp(status->dpc_refusals[i]->file, DPC_BOOTSTRAP_FILE) == 0)
			return true;
	return false;
}

enum nim_led nim_led(const struct Ew__DeviceNetworkStatus *status)
{
	enum nim_led led = NIM_LED_NO_ADDRESS;

	if (status->radio && status->radio->imposed)
		return NIM_LED_RADIO_SILENCE;
	for (size_t i = 0; i < status->n_ports; i++) {
		const Ew__PortStatus *port = status->ports[i];
		const Ew__PortTest *test = port->test;

		if (!port->is_mgmt || !port->is_l3 || !port->n_addresses)
			continue;
		if (test && test->outcome == EW__TEST_OUTCOME__TEST_OK && test->target[0])
			return NIM_LED_CONNECTED;
		if (test && test->outcome > EW__TEST_OUTCOME__TEST_OK &&
		    test->stage == EW__TEST_STAGE__TEST_STAGE_TLS)
			led = NIM_LED_BAD_CERTIFICATE;
		else if (led == NIM_LED_NO_ADDRESS)
			led = NIM_LED_CONNECTING;
	}
	if (led == NIM_LED_CONNECTING && bootstrap_is_refused(status))
		led = NIM_LED_BAD_BOOTSTRAP;
	return led;
}
