/* SPDX-License-Identifier: Apache-2.0 */
/* How packet-capture is started, and how it ends:
 *
 *	packet-capture IFNAME SECONDS BYTES SNAPLEN FILTER <>FILE
 *
 * Its first line on standard error says how many packets FILE has, or what went wrong. SIGINT and
 * SIGTERM end it as the time does. */
#pragma once

enum capture_end { /* its exit status */
		   CAPTURE_WHOLE,
		   CAPTURE_FAILED,
		   CAPTURE_BAD_FILTER,
		   CAPTURE_FULL, /* at BYTES, before the time */
};
