/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc/dpc_bootstrap.h"

#include <string.h>

#include "base/cleanup.h"
#include "nim/dpc/dpc_list.h"
#include "nim/dpc/dpc_read.h"

Ew__DpcEntry *dpc_bootstrap_entry(const Ew__DevicePortConfig *config)
{
	return dpc_entry_new(DPC_BOOTSTRAP_KEY, EW__DPC_SOURCE__DPC_BOOTSTRAP,
			     config->timestamp_ms ? config->timestamp_ms : DPC_TIME_DEFAULT_MS, "",
			     config);
}

bool dpc_bootstrap_is_older(const struct dpc_list *list, const Ew__DpcEntry *entry)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->entries[i]->source == EW__DPC_SOURCE__DPC_BOOTSTRAP &&
		    list->entries[i]->time_priority_ms > entry->time_priority_ms)
			return true;
	return false;
}

static Ew__DpcRefusal *refusal_new(const char *pointer, const char *why)
{
	Ew__DpcRefusal *refusal = xcalloc(1, sizeof(*refusal));

	ew__dpc_refusal__init(refusal);
	refusal->file = xstrdup(DPC_BOOTSTRAP_FILE);
	refusal->pointer = xstrdup(pointer);
	refusal->why = xstrdup(why);
	return refusal;
}

static bool refusal_is(const Ew__DpcRefusal *refusal, const char *pointer, const char *why)
{
	if (!refusal || !*why)
		return !refusal && !*why;
	return strcmp(refusal->pointer, pointer) == 0 && strcmp(refusal->why, why) == 0;
}

static bool set_refusal(struct dpc_bootstrap *b, const char *pointer, const char *why)
{
	if (refusal_is(b->refusal, pointer, why))
		return false;
	dpc_bootstrap_fini(b);
	if (*why)
		b->refusal = refusal_new(pointer, why);
	return true;
}

void dpc_bootstrap_fini(struct dpc_bootstrap *b)
{
	if (b->refusal)
		ew__dpc_refusal__free_unpacked(b->refusal, NULL);
	b->refusal = NULL;
}

bool dpc_bootstrap_set_status(struct dpc_bootstrap *b, const Ew__BootstrapStatus *status)
{
	bool changed = b->state != status->state;

	b->state = status->state;
	if (b->state == EW__BOOTSTRAP_STATE__BOOTSTRAP_TAKEN && b->unusable)
		return changed; /* what is wrong with it nim has found out */
	return set_refusal(b, status->error_pointer, status->error) || changed;
}

void dpc_bootstrap_set_error(struct dpc_bootstrap *b, const char *why)
{
	b->heard = true;
	b->unusable = *why;
	set_refusal(b, "", why);
}

enum dpc_files_count dpc_bootstrap_files(const struct dpc_bootstrap *b)
{
	if (!b->exists || b->refusal)
		return DPC_FILES_COUNT;
	switch (b->state) {
	case EW__BOOTSTRAP_STATE__BOOTSTRAP_REFUSED:
		return DPC_FILES_COUNT;
	case EW__BOOTSTRAP_STATE__BOOTSTRAP_UNUSED:
		return DPC_FILES_VETOED;
	case EW__BOOTSTRAP_STATE__BOOTSTRAP_TAKEN:
		return b->heard ? DPC_FILES_VETOED : DPC_FILES_WAIT;
	case EW__BOOTSTRAP_STATE__BOOTSTRAP_UNKNOWN:
	case EW__BOOTSTRAP_STATE__BOOTSTRAP_ABSENT: /* it has not looked since the file came */
	case _EW__BOOTSTRAP_STATE_IS_INT_SIZE:
		break;
	}
	return DPC_FILES_WAIT;
}
