/* SPDX-License-Identifier: Apache-2.0 */
/* The label in the first sector of a FAT file system. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FAT_SECTOR 512
#define FAT_LABEL 12 /* bytes with NUL */

/* Without the blanks at its end. False: no FAT, or one without a label. */
bool fat_label(const uint8_t sector[FAT_SECTOR], char ret[FAT_LABEL]);
