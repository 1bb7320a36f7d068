/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/upstream/outcome.h"

#include "api/topics.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/rate.h"
#include "base/wall.h"
#include "nim/conn/conn_local.h"
#include "nim/upstream/upstream.h"

#define LOG_LINES 6
#define LOG_MS 10000

struct outcome {
	struct upstream *up;
	struct ps_sub *sub;
	struct rate log;
};

bool outcome_is_fresh(int64_t time_ms, int64_t now_ms)
{
	return time_ms <= now_ms + OUTCOME_FRESH_MS && time_ms >= now_ms - OUTCOME_FRESH_MS;
}

static const char *stage_name(Ew__TestStage stage)
{
	return stage >= EW__TEST_STAGE__TEST_STAGE_LINK && stage <= EW__TEST_STAGE__TEST_STAGE_DONE
		       ? conn_stage_name((enum conn_stage)stage)
		       : "unknown";
}

static void outcome_changed(const char *key, const Ew__RequestOutcome *was,
			    const Ew__RequestOutcome *now, void *arg)
{
	struct outcome *o = arg;
	unsigned int unsaid;

	(void)was;
	if (!now || !outcome_is_fresh(now->time_ms, wall_ms()))
		return;
	if (!now->failed) {
		upstream_praise(o->up, key);
		return;
	}
	if (rate_allow(&o->log, LOG_LINES, LOG_MS, mono_now(), &unsaid))
		log_info("request_failed", "port=%s stage=%s why=\"%s\" unsaid=%u", key,
			 stage_name(now->stage), now->why, unsaid);
	upstream_doubt(o->up, key, "a request failed, and no answer");
}

int outcome_new(struct ps *ps, struct upstream *up, struct outcome **ret)
{
	static const struct ps_request_outcome_ops ops = { .changed = outcome_changed };
	struct outcome *o = xcalloc(1, sizeof(*o));
	int r;

	o->up = up;
	r = ps_subscribe_request_outcome(ps, &ops, o, &o->sub);
	if (r < 0) {
		free(o);
		return r;
	}
	*ret = o;
	return 0;
}

struct outcome *outcome_free(struct outcome *o)
{
	if (!o)
		return NULL;
	ps_sub_free(o->sub);
	free(o);
	return NULL;
}
