/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the node's connectivity as one number: what EVE's LED blinks, so that somebody in
 * front of the box can read it out over the telephone. */
#pragma once

#include <stdint.h>

struct Ew__DeviceNetworkStatus;

enum nim_led { /* numbers as EVE's (its types.LedBlinkCount) */
	       NIM_LED_NO_ADDRESS = 1, /* no management port has one */
	       NIM_LED_CONNECTING = 2, /* nothing far has answered yet */
	       NIM_LED_CONNECTED = 3, /* a management port's test reached its target */
	       NIM_LED_RADIO_SILENCE = 5,
	       NIM_LED_BAD_CERTIFICATE = 14, /* the far end answers, and cannot be trusted */
	       NIM_LED_BAD_BOOTSTRAP = 16, /* as 2, and bootstrap-config.pb is refused */
};

/* Pure. Of a status whose ports and tests are filled in. */
enum nim_led nim_led(const struct Ew__DeviceNetworkStatus *status);
