/* SPDX-License-Identifier: Apache-2.0 */
#include "usb/stick.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "usb/fat.h"

int stick_open(const char *name, unsigned int major, unsigned int minor)
{
	_cleanup_(freep) char *path = xasprintf("/dev/%s", name);
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	/* The name may have been given to another device meanwhile. */
	if (!S_ISBLK(st.st_mode) || st.st_rdev != makedev(major, minor))
		return -ENODEV;
	return take_fd(&fd);
}

bool stick_has_label(int device, const char *label)
{
	uint8_t sector[FAT_SECTOR];
	char found[FAT_LABEL];

	return pread(device, sector, sizeof(sector), 0) == sizeof(sector) &&
	       fat_label(sector, found) && strcmp(found, label) == 0;
}

/* mount -t vfat -o nosuid,nodev,noexec[,ro] DEVICE, but nowhere. The device is named by its
 * descriptor, so it is the one that was looked at. */
int stick_mount(int device, bool writable)
{
	_cleanup_(freep) char *source = xasprintf("/proc/self/fd/%d", device);
	_cleanup_(closep) int fs = fsopen("vfat", FSOPEN_CLOEXEC);
	unsigned int attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	int root;

	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0) < 0)
		return -errno;
	if (!writable && fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0)
		return -errno;
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	root = fsmount(fs, FSMOUNT_CLOEXEC, attributes | (writable ? 0 : MOUNT_ATTR_RDONLY));
	return root < 0 ? -errno : root;
}

/* ---- Reading ---- */

static bool has_folder(int root, const char *name)
{
	struct stat st;

	return fstatat(root, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* Positive: there is one. */
static int read_json(int root, size_t max, struct strbuf *ret)
{
	_cleanup_(closep) int fd =
		openat(root, STICK_JSON, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char part[4096];
	ssize_t n = 1;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	while (n > 0 && ret->len < max) {
		size_t left = max - ret->len;

		n = read(fd, part, left < sizeof(part) ? left : sizeof(part));
		if (n < 0)
			return -errno;
		strbuf_addmem(ret, part, (size_t)n);
	}
	return 1;
}

int stick_report(int root, size_t max, struct strbuf *ret)
{
	_cleanup_(strbuf_fini) struct strbuf json = STRBUF_INIT;
	int r = read_json(root, max, &json);

	if (r < 0)
		return r;
	strbuf_addf(ret, "dump=%d identity=%d json=%d\n", has_folder(root, STICK_DUMP),
		    has_folder(root, STICK_IDENTITY), r ? (int)json.len : -1);
	strbuf_addmem(ret, strbuf_str(&json), json.len);
	return 0;
}
