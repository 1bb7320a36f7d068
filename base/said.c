/* SPDX-License-Identifier: Apache-2.0 */
#include "base/said.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/types.h>

#include "base/cleanup.h"

int said_open(size_t max)
{
	_cleanup_(closep) int fd = memfd_create("said", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	/* A write that does not fit into the last page fails as a whole (mm/shmem.c,
	 * shmem_write_begin()): with one page more, max bytes arrive however they are written. */
	if (fd < 0 || ftruncate(fd, (off_t)((max / page + 2) * page)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return -errno;
	return take_fd(&fd);
}

/* The file has its size from the start; how much was written is where its writers are, who have the
 * descriptor, and so the place, in common. */
char *said_read(int fd, size_t max, size_t *ret_len)
{
	off_t end = lseek(fd, 0, SEEK_CUR);
	size_t want = end <= 0 ? 0 : (size_t)end < max ? (size_t)end : max;
	char *said = xcalloc(1, want + 1);
	ssize_t n = pread(fd, said, want, 0);

	*ret_len = n > 0 ? (size_t)n : 0;
	return said;
}
