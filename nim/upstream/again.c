/* SPDX-License-Identifier: Apache-2.0 */
/* From run to run. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/wall.h"
#include "nim/upstream/upstream_kept.h"
#include "nim/upstream/upstream_state.h"

void upstream_load_kept(struct upstream *up)
{
	up->path = xasprintf("%s/nim/upstreams", up->conf.run_dir);
	up->kept = upstream_kept_load(up->path, &up->nkept);
}

void upstream_take_over(struct upstream *up, unsigned int port, int family, struct mono now)
{
	struct way *w = &up->ports[port]->sides[family].way;
	const struct upstream_kept *kept;
	size_t k = 0;

	while (k < up->nkept && (up->kept[k].family != family ||
				 strcmp(up->kept[k].label, up->ports[port]->label) != 0))
		k++;
	if (k == up->nkept)
		return;
	kept = &up->kept[k];
	if (!w->to.ntargets) {
		w->to.target[0] = (struct reach_target){ .addr = kept->target, .port = kept->port };
		w->to.ntargets = 1;
	}
	w->watch.beat.heard = kept->heard;
	w->watch.beat.silent = kept->silent;
	w->watch.failed = kept->failed;
	w->watch.asked_at = kept->silent ? now : w->watch.asked_at;
	w->since_ms = kept->silent ? wall_ms() : 0;
	if (kept->failed || kept->behind)
		damp_remember(&up->damp[family][port]);
	up->kept[k] = up->kept[--up->nkept];
}

static void gather(const struct upstream *up, struct strbuf *out)
{
	for (unsigned int i = 0; i < up->nports; i++)
		for (int f = 0; f < NIM_FAMILIES; f++) {
			const struct way *w = &up->ports[i]->sides[f].way;
			struct upstream_kept kept = { .family = f,
						      .target = w->to.target[0].addr,
						      .port = w->to.target[0].port,
						      .heard = w->watch.beat.heard,
						      .silent = w->watch.beat.silent,
						      .failed = w->watch.failed,
						      .behind = up->damp[f][i].held };

			memcpy(kept.label, up->ports[i]->label, sizeof(kept.label));
			if (w->to.ntargets && w->own)
				upstream_kept_format(&kept, out);
		}
}

/* Without anybody to ask there is no file either. */
void upstream_keep(struct upstream *up)
{
	struct strbuf text = STRBUF_INIT;
	int r = 0;

	gather(up, &text);
	if (up->is_stored && strcmp(strbuf_str(&text), strbuf_str(&up->stored)) == 0)
		goto out;
	if (text.len)
		r = file_replace_volatile(up->path, strbuf_str(&text), text.len, 0644);
	else if (unlink(up->path) < 0 && errno != ENOENT)
		r = -errno;
	if (r < 0) {
		log_error("upstreams_not_kept", "file=%s err=%d", up->path, -r);
		goto out;
	}
	up->is_stored = true;
	strbuf_fini(&up->stored);
	up->stored = text;
	return;
out:
	strbuf_fini(&text);
}
