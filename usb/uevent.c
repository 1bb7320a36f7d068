/* SPDX-License-Identifier: Apache-2.0 */
#include "usb/uevent.h"

#include <stdlib.h>
#include <string.h>

struct fields {
	struct uevent event;
	bool is_block;
	int numbers; /* of the device: major and minor make two */
};

static bool number(const char *value, unsigned int *ret)
{
	unsigned long n;
	char *end;

	n = strtoul(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end || n > 0xfffff)
		return false;
	*ret = (unsigned int)n;
	return true;
}

/* Names with a folder (cciss/c0d0p1) are those of servers' disks, no sticks. */
static bool is_plain(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

	return n && !name[n];
}

static bool is(const char *field, const char *key, const char **ret_value)
{
	size_t n = strlen(key);

	if (strncmp(field, key, n) != 0)
		return false;
	*ret_value = field + n;
	return true;
}

/* What is cut off would be another name. */
static void keep(const char *value, char *ret, size_t size)
{
	size_t n = strlen(value);

	if (n < size)
		memcpy(ret, value, n + 1);
}

static void read_action(const char *value, struct uevent *event)
{
	event->action = strcmp(value, "add") == 0      ? UEVENT_ADD
			: strcmp(value, "change") == 0 ? UEVENT_CHANGE
			: strcmp(value, "remove") == 0 ? UEVENT_REMOVE
						       : UEVENT_OTHER;
}

static void read_field(const char *field, struct fields *f)
{
	const char *value;

	if (is(field, "ACTION=", &value))
		read_action(value, &f->event);
	else if (is(field, "SUBSYSTEM=", &value))
		f->is_block = strcmp(value, "block") == 0;
	else if (is(field, "DEVTYPE=", &value))
		f->event.is_partition = strcmp(value, "partition") == 0;
	else if (is(field, "MAJOR=", &value))
		f->numbers += number(value, &f->event.major);
	else if (is(field, "MINOR=", &value))
		f->numbers += number(value, &f->event.minor);
	else if (is(field, "DEVNAME=", &value) && is_plain(value))
		keep(value, f->event.devname, sizeof(f->event.devname));
	else if (is(field, "PARTNAME=", &value))
		keep(value, f->event.partname, sizeof(f->event.partname));
}

bool uevent_parse(const char *text, size_t len, char separator, struct uevent *ret)
{
	struct fields f = { .is_block = separator == '\n' }; /* its file does not say */
	char field[256];

	while (len) {
		const char *end = memchr(text, separator, len);
		size_t n = end ? (size_t)(end - text) : len;

		if (n < sizeof(field)) {
			memcpy(field, text, n);
			field[n] = '\0';
			read_field(field, &f);
		}
		text += n + (end != NULL);
		len -= n + (end != NULL);
	}
	if (!f.is_block || f.numbers != 2 || !f.event.devname[0])
		return false;
	*ret = f.event;
	return true;
}
