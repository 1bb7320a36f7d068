/* SPDX-License-Identifier: Apache-2.0 */
/* What a stick brings: the kernel's message of it, its first sector, usb-stick's report. The first
 * byte chooses. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "usb/fat.h"
#include "usb/stick.h"
#include "usb/uevent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool so)
{
	if (!so)
		abort();
}

static void try_uevent(const char *text, size_t len, char separator)
{
	struct uevent event;

	if (!uevent_parse(text, len, separator, &event))
		return;
	must(event.devname[0] && !strpbrk(event.devname, "/.!"));
	must(strlen(event.partname) < sizeof(event.partname));
}

static void try_sector(const uint8_t *data, size_t len)
{
	uint8_t sector[FAT_SECTOR] = { 0 };
	char label[FAT_LABEL];

	memcpy(sector, data, len < FAT_SECTOR ? len : FAT_SECTOR);
	if (fat_label(sector, label))
		must(label[0] && strlen(label) < FAT_LABEL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stick_report report;

	if (!size)
		return 0;
	if (data[0] == 'u')
		try_uevent((const char *)data + 1, size - 1, '\0');
	else if (data[0] == 's')
		try_uevent((const char *)data + 1, size - 1, '\n');
	else if (data[0] == 'f')
		try_sector(data + 1, size - 1);
	else if (stick_parse_report((const char *)data + 1, size - 1, &report) == 0 && report.json)
		must(report.json + report.json_len == (const char *)data + size);
	return 0;
}
