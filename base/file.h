/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: read with a limit, replace atomically, remove durably. All return 0 or -errno. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* Reads a whole file. *ret is NUL-terminated behind len bytes and the caller's to free.
 * -EFBIG when it is larger than max bytes. Works for /proc and /sys (size 0). */
int file_read(const char *path, size_t max, char **ret, size_t *ret_len);

/* Writes a temporary file beside path, fsyncs, renames and fsyncs the folder: after a crash the
 * old or the new content is there, whole. Creates missing parent folders (0755). */
int file_replace(const char *path, const void *data, size_t len, mode_t mode);
/* The same without fsync, for content under /run that a reboot discards anyway. */
int file_replace_volatile(const char *path, const void *data, size_t len, mode_t mode);

/* Writes into an existing file in one write(), as /proc/sys and /sys want it. */
int file_write_value(const char *path, const char *value);

int file_remove(const char *path); /* absent is success; fsyncs the folder */
int dir_make(const char *path, mode_t mode); /* with parents; existing is success */
/* With all that is in it; what links lead to stays. Absent is success; -ENOTEMPTY when something in
 * it would not go, after all else has gone. */
int dir_remove(const char *path);
