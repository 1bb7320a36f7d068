/* SPDX-License-Identifier: Apache-2.0 */
/* What can be done with the file system of a stick: a FAT one of a loop device, as a stranger made it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tests/item/space.h"
#include "usb/stick.h"

#define FORBIDDEN (ST_NOSUID | ST_NODEV | ST_NOEXEC)

static char image[] = "/tmp/test_stick_mount.XXXXXX";
static char loop[64]; /* its name */

/* With a program on it; every file of FAT may be executed as far as its mode goes. It is not written by
 * mount(8): who copies the mount namespace meanwhile, as each test with a space of its own does, keeps
 * the file system in use and writable, and then nobody gets it read-only (EBUSY). */
static void add_program(int device)
{
	_cleanup_(closep) int root = stick_mount(device, true);
	_cleanup_(closep) int from = open("/bin/true", O_RDONLY | O_CLOEXEC), to = -1;
	struct stat st;

	assert_true(root >= 0);
	to = openat(root, "program", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	assert_int_equal(fstat(from, &st), 0);
	assert_int_equal(sendfile(to, from, NULL, (size_t)st.st_size), st.st_size);
}

static int plug(void **state)
{
	_cleanup_(freep) char *attach = NULL;
	_cleanup_(closep) int file = mkstemp(image);
	static int device;
	FILE *out;

	assert_true(file >= 0);
	sh("modprobe -q loop; modprobe -q vfat; modprobe -q nls_cp437; modprobe -q nls_ascii; "
	   "true");
	sh("truncate -s 16M %s && mkfs.vfat -n STICK %s >/dev/null", image, image);
	attach = xasprintf("losetup --find --show %s", image);
	out = popen(attach, "r");
	assert_non_null(out);
	assert_non_null(fgets(loop, sizeof(loop), out));
	assert_int_equal(pclose(out), 0);
	loop[strcspn(loop, "\n")] = '\0';
	device = open(loop, O_RDWR | O_CLOEXEC);
	assert_true(device >= 0);
	add_program(device);
	*state = &device;
	return 0;
}

static int pull(void **state)
{
	closep(*state);
	sh("losetup --detach %s && rm %s", loop, image);
	return 0;
}

/* 0: it ran; else the errno of the attempt. */
static int run_program_of(int root)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		char name[] = "program", *const argv[] = { name, NULL }, *const env[] = { NULL };
		int fd = openat(root, "program", O_RDONLY); /* not O_CLOEXEC: the loader needs it */

		fexecve(fd, argv, env);
		_exit(errno);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void assert_flags(int root, unsigned long flags)
{
	struct statvfs fs;

	assert_int_equal(fstatvfs(root, &fs), 0);
	assert_int_equal(fs.f_flag & (FORBIDDEN | ST_RDONLY), flags);
}

static void read_only_stick_is_not_written_and_not_executed(void **state)
{
	_cleanup_(closep) int root = stick_mount(*(int *)*state, false);

	assert_true(root >= 0);
	assert_flags(root, FORBIDDEN | ST_RDONLY);
	assert_int_equal(openat(root, "new", O_WRONLY | O_CREAT, 0644), -1);
	assert_int_equal(errno, EROFS);
	assert_int_equal(unlinkat(root, "program", 0), -1);
	assert_int_equal(errno, EROFS);
	assert_int_equal(run_program_of(root), EACCES);
}

static void stick_to_write_to_is_not_executed_either(void **state)
{
	_cleanup_(closep) int root = stick_mount(*(int *)*state, true), fd = -1;

	assert_true(root >= 0);
	assert_flags(root, FORBIDDEN);
	fd = openat(root, "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 04755), -1); /* FAT has no such mode, and it would not count */
	assert_int_equal(mknodat(root, "device", S_IFCHR | 0600, makedev(1, 3)), -1);
	assert_int_equal(run_program_of(root), EACCES);
}

static void stick_is_mounted_nowhere(void **state)
{
	_cleanup_(closep) int root = stick_mount(*(int *)*state, false);

	assert_true(root >= 0);
	assert_int_equal(system("! grep -q vfat /proc/self/mountinfo"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_only_stick_is_not_written_and_not_executed),
		cmocka_unit_test(stick_to_write_to_is_not_executed_either),
		cmocka_unit_test(stick_is_mounted_nowhere),
	};

	return cmocka_run_group_tests(tests, plug, pull);
}
