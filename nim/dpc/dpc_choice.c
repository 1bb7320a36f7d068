/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/dpc/dpc_choice.h"

#include "nim/dpc/dpc_layers.h"

static bool failed_lately(const struct dpc_choice *c, const Ew__DpcEntry *entry)
{
	return entry->last_failed_ms > entry->last_succeeded_ms &&
	       entry->last_failed_ms <= c->wall_ms && /* else the clock was set back */
	       c->wall_ms - entry->last_failed_ms < c->since_failure_ms;
}

/* Nothing below a manual one counts. */
static size_t reach(const struct dpc_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->entries[i]->source == EW__DPC_SOURCE__DPC_MANUAL)
			return i + 1;
	return list->n;
}

/* Does what failed a moment ago say already that this one, below it, fails as well? */
static bool is_hopeless(const struct dpc_choice *c, size_t i)
{
	for (size_t above = 0; above < i; above++) {
		const Ew__DpcEntry *failed = c->list->entries[above];

		if (failed->n_results && failed_lately(c, failed) &&
		    !dpc_changes_failure(failed, c->list->entries[i]->config))
			return true;
	}
	return false;
}

bool dpc_choice_testable(const struct dpc_choice *c, size_t i)
{
	const Ew__DpcEntry *entry = c->list->entries[i];

	return !entry->error[0] && !failed_lately(c, entry) && !is_hopeless(c, i);
}

int dpc_choice_next(const struct dpc_choice *c, size_t start)
{
	size_t n = reach(c->list);

	for (size_t i = 0; i < n; i++)
		if (dpc_choice_testable(c, (start + i) % n))
			return (int)((start + i) % n);
	return -1;
}

static bool works(const Ew__DpcEntry *entry, const Ew__DpcEntry *but)
{
	return entry != but && !entry->error[0] && dpc_entry_works(entry);
}

Ew__DpcEntry *dpc_choice_working(const struct dpc_list *list, const Ew__DpcEntry *but)
{
	for (size_t i = 0; i < reach(list); i++)
		if (works(list->entries[i], but))
			return list->entries[i];
	return NULL;
}

bool dpc_choice_has_fallback(const struct dpc_list *list, const Ew__DpcEntry *failing)
{
	for (size_t i = 0; i < reach(list); i++)
		if (works(list->entries[i], failing) &&
		    dpc_changes_failure(failing, list->entries[i]->config))
			return true;
	return false;
}

Ew__DpcEntry *dpc_choice_park(const struct dpc_list *list)
{
	size_t n = reach(list);

	if (n && list->entries[n - 1]->source == EW__DPC_SOURCE__DPC_MANUAL)
		return list->entries[n - 1];
	for (size_t i = 0; i < n; i++)
		if (!list->entries[i]->error[0])
			return list->entries[i];
	return n ? list->entries[0] : NULL;
}
