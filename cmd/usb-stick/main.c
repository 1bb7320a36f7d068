/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run by usb-config for each touch of a stick, with a time limit: what may hang or crash in a file
 * system made by anybody does so here. A file system is mounted as FAT, seen by nobody else, and
 * gone with us.
 *
 *	usb-stick read NAME MAJOR:MINOR [LABEL]    what is on it, for stick_parse_report(); with LABEL
 *	                                           only if that is its label, else exit status 2
 *	usb-stick put NAME MAJOR:MINOR FOLDER      copies FOLDER/dump, FOLDER/identity to those on it
 *
 * Exit status 1: it failed, for the reason on standard output.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/privileges.h"
#include "base/strbuf.h"
#include "nim/dpc/dpc_json.h"
#include "usb/stick.h"

enum { OTHER_LABEL = 2 };

static int fail(const char *what, int err)
{
	printf("%s: %s\n", what, strerror(-err));
	return EXIT_FAILURE;
}

/* All that is needed of them for what follows, which is judging bytes of strangers. */
static int keep_caps(const int *caps)
{
	uint64_t missing;
	int r = privileges_keep(caps, &missing);

	return r < 0 ? fail("capabilities", r) : EXIT_SUCCESS;
}

static int do_read(int root)
{
	_cleanup_(strbuf_fini) struct strbuf report = STRBUF_INIT;
	/* One byte too many, so that nim says what is wrong with it. */
	int r = stick_report(root, DPC_JSON_MAX + 1, &report);

	if (r < 0)
		return fail(STICK_JSON, r);
	return fwrite(report.str, 1, report.len, stdout) == report.len ? EXIT_SUCCESS
								       : EXIT_FAILURE;
}

static int do_put(int root, const char *folder)
{
	int r = stick_put(root, folder);

	return r < 0 ? fail("writing", r) : EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
	static const int caps[] = { CAP_SYS_ADMIN, -1 };
	_cleanup_(closep) int device = -1, root = -1;
	unsigned int major, minor;
	bool put;

	if (argc < 4 || sscanf(argv[3], "%u:%u", &major, &minor) != 2)
		return fail("arguments", -EINVAL);
	put = strcmp(argv[1], "put") == 0;
	if (put ? argc != 5 : strcmp(argv[1], "read") != 0)
		return fail("arguments", -EINVAL);
	if (keep_caps(caps))
		return EXIT_FAILURE;
	device = stick_open(argv[2], major, minor);
	if (device < 0)
		return fail("the device", device);
	if (!put && argc == 5 && !stick_has_label(device, argv[4]))
		return OTHER_LABEL;
	root = stick_mount(device, put);
	if (root < 0)
		return fail("mounting it as FAT", root);
	if (keep_caps(NULL))
		return EXIT_FAILURE;
	return put ? do_put(root, argv[4]) : do_read(root);
}
