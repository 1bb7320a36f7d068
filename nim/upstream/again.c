/* SPDX-License-Identifier: Apache-2.0 */
/* From run to run. */
#include "base/wall.h"
#include "nim/upstream/upstream_kept.h"
#include "nim/upstream/upstream_state.h"

static void take_over(struct upstream *up, unsigned int port, int family,
		      const struct upstream_kept *kept, struct mono now)
{
	struct way *w = &up->ports[port]->sides[family].way;

	if (!w->to.ntargets) {
		w->to.target[0] = (struct reach_target){ .addr = kept->target, .port = kept->port };
		w->to.ntargets = 1;
	}
	w->watch.beat.heard = kept->heard;
	w->watch.beat.silent = kept->silent;
	w->watch.failed = kept->failed;
	w->watch.beat.due = now;
	w->watch.asked_at = kept->silent ? now : w->watch.asked_at;
	w->since_ms = kept->silent ? wall_ms() : 0;
	if (kept->failed || kept->behind)
		damp_remember(&up->damp[family][port]);
	w->own = true;
}

void upstream_take_over(struct upstream *up, unsigned int port, int family, struct mono now)
{
	const char *label = up->ports[port]->label;
	const char *words = next_run_find(&up->next_run, label, family);
	struct upstream_kept kept;

	if (!words)
		return;
	if (upstream_kept_parse(words, &kept) &&
	    kept.target.family == (family == NIM_V6 ? AF_INET6 : AF_INET))
		take_over(up, port, family, &kept, now);
	next_run_taken(&up->next_run, label, family);
}

static void keep_one(struct upstream *up, unsigned int port, int family)
{
	const struct way *w = &up->ports[port]->sides[family].way;
	const struct upstream_kept kept = { .target = w->to.target[0].addr,
					    .port = w->to.target[0].port,
					    .heard = w->watch.beat.heard,
					    .silent = w->watch.beat.silent,
					    .failed = w->watch.failed,
					    .behind = up->damp[family][port].held };
	struct strbuf words = STRBUF_INIT;

	if (w->to.ntargets && w->own)
		upstream_kept_format(&kept, &words);
	next_run_add(&up->next_run, up->ports[port]->label, family, words.str);
	strbuf_fini(&words);
}

void upstream_keep(struct upstream *up)
{
	for (unsigned int i = 0; i < up->nports; i++)
		for (int f = 0; f < NIM_FAMILIES; f++)
			keep_one(up, i, f);
	next_run_write(&up->next_run);
}
