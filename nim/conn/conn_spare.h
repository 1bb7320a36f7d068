/* SPDX-License-Identifier: Apache-2.0 */
/* Tests that are not worth their cost. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CONN_SPARE_MS 3600000 /* after a test that passed */

struct conn_ports;
struct conn_record;

typedef const struct conn_record *conn_record_of(const char *label, void *arg); /* NULL: none */

/*
 * Nothing need be sent by a port that is metered (modems are) and passed within the last hour, in a
 * round that nothing but time has called for (ports->spare), while another management port that is
 * usable and not metered passed its last test.
 */
bool conn_is_spared(const struct conn_ports *ports, unsigned int port, int64_t now_ms,
		    conn_record_of *record_of, void *arg);
