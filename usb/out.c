/* SPDX-License-Identifier: Apache-2.0 */
#include "usb/out.h"

#include <ftw.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "usb/stick.h"

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	(void)remove(path);
	return 0;
}

void usb_out_clear(const char *dir)
{
	nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

int usb_out_make(const char *dir)
{
	_cleanup_(freep) char *dump = xasprintf("%s/" STICK_DUMP, dir);
	_cleanup_(freep) char *identity = xasprintf("%s/" STICK_IDENTITY, dir);
	int r;

	usb_out_clear(dir);
	r = dir_make(dump, 0700);
	return r < 0 ? r : dir_make(identity, 0700);
}
