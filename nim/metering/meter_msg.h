/* SPDX-License-Identifier: Apache-2.0 */
/* What nim keeps of its meters over restarts, as JSON, and what it publishes of them. Pure. */
#pragma once

#include <stddef.h>

#include "nim/config.h"
#include "nim/metering/meter.h"

#define METER_FILE_MAX (1u << 20) /* bytes */
#define METER_RECORDS (2 * NIM_PORTS) /* those of ports that are metered no more included */

struct arena;
struct strbuf;
struct Ew__PortMeterStatus;

struct meter_record {
	char label[NIM_LABEL];
	bool metered; /* else only remembered */
	uint64_t quota_bytes; /* of a month; 0: none */
	struct meter meter;
};

/* boot_id: of the boot in which the interfaces have counted what the records say. */
void meter_format(const struct meter_record *const records[], size_t n, const char *boot_id,
		  struct strbuf *out);
/* *ret: the caller's to free. Of another boot than boot_id: meter_rebooted() is done. -EINVAL. */
int meter_parse(const char *text, size_t len, const char *boot_id, struct meter_record **ret,
		size_t *ret_n);

/* The message and all it points to live in the arena. */
struct Ew__PortMeterStatus *meter_status(const struct meter_record *record, int64_t now_s,
					 struct arena *arena);
