/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's folder below the run directory, <run_dir>/<owner>/: what cannot bear a mark of
 * its own is marked by lying in it (files, pid files) or by a record in it (sysctls, namespaces).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct dp;
struct strbuf;

/* <run_dir>/<owner>/<folder>[/<name>]; name may be NULL. The caller frees. */
char *rundir_path(const struct dp *dp, const char *folder, const char *name);

/* One file name that needs no quoting anywhere: [A-Za-z0-9._%-], not empty, no leading dot. */
bool rundir_is_name(const char *name);

/* Appends name as one that rundir_is_name(): other bytes, and a leading dot, as %XX. */
void rundir_escape(const char *name, struct strbuf *out);
/* The reverse into buf of size bytes; false: does not fit, or was not escaped by us. */
bool rundir_unescape(const char *escaped, char *buf, size_t size);

/* Calls fn for each file in a folder, temporary ones (leading dot) left out. A missing folder has
 * none. fn may remove the file. */
void rundir_each(struct dp *dp, const char *folder,
		 void (*fn)(struct dp *dp, const char *name, void *arg), void *arg);
