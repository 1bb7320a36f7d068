/* SPDX-License-Identifier: Apache-2.0 */
/* What the tool shows of PortMeterStatus; here is neither bus nor terminal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "meter.pb-c.h"

struct strbuf;

#define METER_BYTES 16
const char *meter_bytes(uint64_t bytes, char ret[METER_BYTES]); /* "1.2 GB": powers of 1000 */

/* Appends a word of warning when the quota is nearly or all used up; false: it is not. */
bool meter_warn(const Ew__PortMeterStatus *m, struct strbuf *out);

/* One line a port, under a headline; n may be 0. */
void meter_print(Ew__PortMeterStatus *const list[], size_t n, FILE *out);
void meter_print_json(Ew__PortMeterStatus *const list[], size_t n, FILE *out); /* an array */
