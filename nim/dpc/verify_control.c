/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc/verify_control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/control.h"
#include "base/log.h"
#include "base/wall.h"
#include "nim/dpc/dpc.h"
#include "nim/nim_state.h"

static int control_test(const char *args, FILE *out, void *arg)
{
	const struct nim *nim = arg;
	struct dpc_list *list = nim_dpc_list_rw(nim->dpc);
	Ew__DpcEntry *entry = list->n ? list->entries[0] : NULL;

	if (*args)
		entry = (Ew__DpcEntry *)dpc_list_find(list, args);
	if (!entry) {
		fprintf(out, "there is no such port configuration\n");
		return -ENOENT;
	}
	if (entry->error[0]) {
		fprintf(out, "%s cannot be used: %s\n", entry->key, entry->error);
		return -EINVAL;
	}
	log_info("dpc_test", "key=\"%s\"", entry->key);
	fprintf(out, "%s\n", entry->key);
	nim_verify_test(nim->verify, entry, "asked for by the operator");
	return 0;
}

/* The most wanted one but this that worked when it was tested last. */
static Ew__DpcEntry *find_last_working(const struct dpc_list *list, const Ew__DpcEntry *but)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->entries[i] != but && !list->entries[i]->error[0] &&
		    dpc_entry_works(list->entries[i]))
			return list->entries[i];
	return NULL;
}

static void leave_alone(Ew__DpcEntry *entry)
{
	free(entry->last_error);
	entry->last_error = xstrdup("reverted by the operator");
	entry->last_failed_ms = wall_ms();
	entry->state = EW__DPC_STATE__DPC_STATE_FAIL;
}

static int control_revert(const char *args, FILE *out, void *arg)
{
	const struct nim *nim = arg;
	struct dpc_list *list = nim_dpc_list_rw(nim->dpc);
	Ew__DpcEntry *current = list->current, *to;

	if (*args)
		return -EINVAL;
	if (current && current->source == EW__DPC_SOURCE__DPC_MANUAL) {
		fprintf(out, "taken back: the manual port configuration\n");
		log_info("dpc_revert", "key=\"%s\" to=\"\"", current->key);
		return nim_dpc_drop(nim->dpc, current->key);
	}
	if (current && current->file[0]) {
		fprintf(out, "%s comes from the file %s: remove that\n", current->key,
			current->file);
		return -EPERM;
	}
	to = find_last_working(list, current);
	if (!current || !to) {
		fprintf(out, "there is no other port configuration that has worked\n");
		return -ENOENT;
	}
	log_info("dpc_revert", "key=\"%s\" to=\"%s\"", current->key, to->key);
	fprintf(out, "back from %s to %s\n", current->key, to->key);
	leave_alone(current);
	nim_verify_test(nim->verify, to, "reverted to by the operator");
	return 0;
}

void nim_verify_control(struct nim *nim, struct control *control)
{
	control_add(control, "dpc test",
		    "[KEY]: verifies this port configuration, or the first of the list, now",
		    control_test, nim);
	control_add(
		control, "dpc revert",
		"takes back the manual port configuration, or goes back to the last that worked",
		control_revert, nim);
}
