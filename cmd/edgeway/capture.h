/* SPDX-License-Identifier: Apache-2.0 */
/* What edgeway netdump --capture adds to an archive: the packets of some ports for a while. */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "cmd/edgeway/dump.h"

#define CAPTURE_PORTS 4
#define CAPTURE_BYTES_MIN 1024
#define CAPTURE_BYTES_MAX DUMP_PART_BYTES /* of one port; with four of them half of all is left */
#define CAPTURE_SECONDS_MAX 600
#define CAPTURE_SNAP_MIN 64
#define CAPTURE_SNAP_MAX 65535

struct capture_conf {
	const char
		*ports; /* labels or names of interfaces, separated by commas; NULL: no capture */
	const char *filter; /* as of pcap-filter(7) */
	uint32_t seconds, limit_bytes, snap_bytes;
};

/* What holds for options that are not given. EAPOL is left out: who has the handshake of a wireless
 * network can look for its password at leisure. */
#define CAPTURE_DEFAULT                                                                            \
	{                                                                                          \
		.filter = "not ether proto 0x888e", .seconds = 10, .limit_bytes = 1 << 20,         \
		.snap_bytes = 600                                                                  \
	} /* DHCP and DNS are whole */

/* "10", "10s", "5m"; "65536", "64KiB", "1MiB". False: none of these, or out of bounds. */
bool capture_seconds_parse(const char *text, uint32_t *ret);
bool capture_bytes_parse(const char *text, uint32_t min, uint32_t max, uint32_t *ret);

/*
 * Captures and adds a part for each port, whole or not. SIGINT and SIGTERM end the capture, not the
 * rest. 0, or the exit status after a complaint: no such port, the filter is none; or a second
 * signal came.
 */
int capture_run(const struct capture_conf *conf, struct dump *dump);
