/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of DevicePortConfig files, watched: what each says is an entry of the list, what is
 * wrong with it a refusal. A file that is refused changes nothing: what it said when it was good
 * stays. A file that is removed takes its entry with it.
 */
#pragma once

#include "nim/dpc/dpc_list.h"

#define DPC_FILES_MAX 64 /* that are looked at, of one folder */

struct dpc_files;
struct event_base;

struct dpc_files_conf {
	struct event_base *base;
	const char *dir; /* copied */
	const char *prefix; /* of its files' names in the list: "" or "usb/"; borrowed */
	/* Who fills it may not have spoken yet: without the folder nothing is known of its files, and
	 * entries that an earlier run left stay. */
	bool may_be_late;
	struct dpc_list *list; /* borrowed */
	void (*touched)(void *arg); /* time to scan; from the loop */
	void *arg;
};

struct dpc_files *dpc_files_new(const struct dpc_files_conf *conf); /* reads nothing yet */
struct dpc_files *dpc_files_free(struct dpc_files *f); /* NULL is fine */

/* Reads all of the folder. veto: why none of its files counts; NULL: they do. True: list or
 * refusals are others now. */
bool dpc_files_scan(struct dpc_files *f, const char *veto);
size_t dpc_files_refusals(const struct dpc_files *f, Ew__DpcRefusal *const **ret); /* borrowed */
