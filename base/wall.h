/* SPDX-License-Identifier: Apache-2.0 */
/* The time of day. It may be wrong and it may jump: never for durations (base/mono.h). */
#pragma once

#include <stdint.h>

int64_t wall_ms(void); /* Unix time (CLOCK_REALTIME) */
