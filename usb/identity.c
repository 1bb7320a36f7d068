/* SPDX-License-Identifier: Apache-2.0 */
#include "usb/identity.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"

#define SERIAL_MAX 64 /* bytes */
#define FILE_BYTES 65536
#define DMI "/sys/class/dmi/id/"

/* Nothing that is a secret: no key, no pre-shared one. */
static const char *const files[] = { "device.cert.pem", "onboard.cert.pem", "root-certificate.pem",
				     "soft_serial", "hardwaremodel" };

/* A file's first line; NULL: none. */
static char *first_line(const char *path)
{
	char *text;
	size_t len;

	if (file_read(path, FILE_BYTES, &text, &len) < 0)
		return NULL;
	text[strcspn(text, "\r\n")] = '\0';
	return text;
}

/* It becomes the name of a folder on a foreign file system. */
static bool is_name(const char *s)
{
	size_t n = s ? strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
		     : 0;

	return n && n <= SERIAL_MAX && !s[n];
}

static int copy(const char *from_dir, const char *to_dir, const char *name)
{
	_cleanup_(freep) char *from = xasprintf("%s/%s", from_dir, name);
	_cleanup_(freep) char *to = xasprintf("%s/%s", to_dir, name), *data = NULL;
	size_t len;
	int r = file_read(from, FILE_BYTES, &data, &len);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	return r < 0 ? r : file_replace_volatile(to, data, len, 0644);
}

static int write_text(const char *dir, const char *name, const char *text)
{
	_cleanup_(freep) char *path = xasprintf("%s/%s", dir, name);
	_cleanup_(freep) char *line = xasprintf("%s\n", text);

	return *text ? file_replace_volatile(path, line, strlen(line), 0644) : 0;
}

/* As EVE's hardwaremodel(1) says it: maker and product of the mainboard's firmware. */
static char *hardware_model(void)
{
	_cleanup_(freep) char *vendor = first_line(DMI "sys_vendor");
	_cleanup_(freep) char *product = first_line(DMI "product_name");

	return xasprintf("%s%s%s", vendor ?: "", vendor && product ? "." : "", product ?: "");
}

int identity_write(const char *folder, const char *config_dir, const char *uuid)
{
	_cleanup_(freep) char *path = xasprintf("%s/soft_serial", config_dir);
	_cleanup_(freep) char *serial = first_line(path), *model = hardware_model();
	const char *name = is_name(serial) ? serial : is_name(uuid) ? uuid : "unknown";
	_cleanup_(freep) char *dir = xasprintf("%s/%s", folder, name);
	int r = dir_make(dir, 0755);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++)
		r = copy(config_dir, dir, files[i]);
	if (r == 0)
		r = write_text(dir, "hardwaremodel.txt", model);
	if (r == 0)
		r = write_text(dir, "uuid", uuid);
	return r;
}
