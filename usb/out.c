/* SPDX-License-Identifier: Apache-2.0 */
#include "usb/out.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "usb/stick.h"

int usb_out_make(const char *dir)
{
	_cleanup_(freep) char *dump = xasprintf("%s/" STICK_DUMP, dir);
	_cleanup_(freep) char *identity = xasprintf("%s/" STICK_IDENTITY, dir);
	int r;

	dir_remove(dir);
	r = dir_make(dump, 0700);
	return r < 0 ? r : dir_make(identity, 0700);
}
