/* SPDX-License-Identifier: Apache-2.0 */
#include "usb/fat.h"

#include <string.h>

/* struct fat_boot_sector in linux/msdos_fs.h: where FAT12 and FAT16 have signature and label, and
 * where FAT32 has them. */
enum {
	SIGNATURE_16 = 38,
	LABEL_16 = 43,
	TYPE_16 = 54,
	SIGNATURE_32 = 66,
	LABEL_32 = 71,
	TYPE_32 = 82
};

static bool is_at(const uint8_t *sector, unsigned int signature, unsigned int type)
{
	return (sector[signature] == 0x29 || sector[signature] == 0x28) &&
	       memcmp(sector + type, "FAT", 3) == 0;
}

bool fat_label(const uint8_t sector[FAT_SECTOR], char ret[FAT_LABEL])
{
	unsigned int at;
	size_t n = FAT_LABEL - 1;

	if (sector[510] != 0x55 || sector[511] != 0xaa)
		return false;
	if (is_at(sector, SIGNATURE_32, TYPE_32))
		at = LABEL_32;
	else if (is_at(sector, SIGNATURE_16, TYPE_16))
		at = LABEL_16;
	else
		return false;
	while (n && (sector[at + n - 1] == ' ' || sector[at + n - 1] == '\0'))
		n--;
	if (!n || memchr(sector + at, '\0', n))
		return false;
	memcpy(ret, sector + at, n);
	ret[n] = '\0';
	return true;
}
