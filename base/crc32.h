/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32 as of IEEE 802.3, reflected: tells damage from intent in what lay on a disk. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Of what has crc so far (0: nothing) and n bytes more. */
uint32_t crc32_add(uint32_t crc, const void *data, size_t n);
