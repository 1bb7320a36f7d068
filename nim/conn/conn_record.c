/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/conn/conn_record.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "status.pb-c.h"

void conn_record_add(struct conn_record *record, const struct conn_result *result,
		     const struct conn_reached *reached, int64_t now_ms)
{
	record->last = *result;
	if (result->outcome != CONN_OK || !reached->target[0])
		record->warning[0] = '\0';
	record->reached = *reached;
	if (result->outcome == CONN_OK) {
		record->success_ms = now_ms;
		record->successes++;
	} else if (result->outcome != CONN_UNTESTED) {
		record->failure_ms = now_ms;
		record->failures++;
	}
	if (result->outcome != CONN_OK || !reached->target[0])
		return;
	if (!record->latencies || result->latency_ms < record->latency_min_ms)
		record->latency_min_ms = result->latency_ms;
	record->latency_sum_ms += result->latency_ms;
	record->latencies++;
}

bool conn_record_warn(struct conn_record *record, const char *warning)
{
	if (record->last.outcome != CONN_OK || strcmp(record->warning, warning) == 0)
		return false;
	snprintf(record->warning, sizeof(record->warning), "%s", warning);
	return true;
}

struct Ew__PortTest *conn_record_message(const struct conn_record *record, struct arena *arena)
{
	Ew__PortTest *t;

	if (record->last.outcome == CONN_UNTESTED && !record->last.why[0])
		return NULL;
	t = arena_alloc(arena, sizeof(*t));
	ew__port_test__init(t);
	t->outcome = (Ew__TestOutcome)record->last.outcome;
	t->stage = (Ew__TestStage)record->last.stage;
	t->error = arena_strdup(arena, record->last.why);
	t->warning = arena_strdup(arena, record->warning);
	t->target = arena_strdup(arena, record->reached.target);
	t->proxy = arena_strdup(arena, record->reached.proxy);
	t->success_ms = record->success_ms;
	t->failure_ms = record->failure_ms;
	t->successes = record->successes;
	t->failures = record->failures;
	t->latency_ms = record->last.latency_ms;
	t->latency_min_ms = record->latency_min_ms;
	if (record->latencies)
		t->latency_avg_ms = (uint32_t)(record->latency_sum_ms / record->latencies);
	return t;
}
